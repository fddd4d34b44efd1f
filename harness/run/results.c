/* results.c: see results.h. */
#include "harness/run/results.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "harness/run/items.h"
#include "model/attach.h"
#include "model/memory.h"

int fot_results_init(struct fot_results *r, struct fot_err *err)
{
	*r = (struct fot_results){ .rows = fot_calloc(fot_n_task_classes, sizeof *r->rows),
				   .samples = fot_calloc(fot_n_task_classes, sizeof *r->samples),
				   .kept = fot_calloc(fot_n_task_classes, sizeof *r->kept) };
	fot_table_init(&r->summary, &fot_schema_summary);
	if (!r->rows || !r->samples || !r->kept)
		return FOT_NO_MEMORY(err, "results");
	for (size_t i = 0; i < fot_n_task_classes; i++)
		fot_table_init(&r->rows[i], fot_task_classes[i]->schema);
	return FOT_OK;
}

void fot_results_release(struct fot_results *r)
{
	for (size_t i = 0; i < fot_n_task_classes && r->rows && r->samples && r->kept; i++) {
		fot_estimates_release(&r->kept[i]);
		fot_table_release(&r->rows[i]);
		fot_str_release(&r->samples[i]);
	}
	fot_free(r->rows);
	fot_free(r->samples);
	fot_free(r->kept);
	fot_table_release(&r->summary);
	*r = (struct fot_results){ 0 };
}

/* --- gathering --- */

static size_t class_index(const struct fot_plan *p, const struct fot_item *item)
{
	size_t i = 0;

	while (fot_task_classes[i] != fot_task_class_of(p, item))
		i++;
	return i;
}

/* What its memory spends, at the row's length of memory. */
static void set_budget(struct fot_table *t, size_t row, const struct fot_config *c, const struct fot_session_opts *o)
{
	struct fot_memory_budget b = fot_memory_budget(c, o, fot_table_int(t, row, "memory_tokens", 0));

	fot_table_set_real(t, row, "keys_read", b.read);
	fot_table_set_real(t, row, "keys_scored", b.scored);
	fot_table_set_int(t, row, "memory_bytes", (int64_t)b.bytes);
}

/* The condition. It follows from the item, so records do without it: those of all versions are equal. */
static void name_condition(struct fot_table *t, size_t from, const struct fot_plan *p, const struct fot_condition *c)
{
	const struct fot_config *config = fot_model_config(p->model[c->model].model);

	for (size_t row = from; row < t->n_rows; row++) {
		fot_table_set_text(t, row, "memory", c->memory);
		if (c->opts.compute != FOT_COMPUTE_F32)
			fot_table_set_text(t, row, "compute", fot_compute_words[c->opts.compute]);
		if (fot_memory_keeps(c->mode))
			set_budget(t, row, config, &c->opts);
		if (c->opts.engine != &fot_engine_cpu)
			fot_table_set_text(t, row, "engine", fot_engine_name(c->opts.engine));
	}
}

static int add_baselines(struct fot_results *r, const struct fot_plan *p, const bool *there, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 0; k < fot_n_task_classes && status == FOT_OK; k++)
		if (fot_task_classes[k]->baselines)
			status = fot_task_classes[k]->baselines(p, there, &r->rows[k], err);
	return status;
}

int fot_results_gather(struct fot_results *r, const struct fot_plan *p, const char *journal_path,
		       bool (*mine)(const void *context, size_t item), const void *context, struct fot_err *err)
{
	bool *there = fot_calloc(p->n_items, sizeof *there);
	struct fot_journal_content c = { 0 };
	size_t read = 0;
	int status = there ? fot_journal_load(&c, journal_path, err) : FOT_NO_MEMORY(err, "results");

	if (status != FOT_OK)
		goto out;
	FOT_TRY(fot_journal_check_closed(&c, journal_path, err));
	for (size_t i = 0; i < p->n_items; i++) {
		const struct fot_record *record = fot_journal_find(&c, p->item[i].id);
		size_t k = class_index(p, &p->item[i]), before = r->rows[k].n_rows;

		if (record)
			FOT_TRY(fot_item_rows_of(&r->rows[k], &r->samples[k], record, err));
		else if (mine(context, i))
			fot_item_failed_rows(p, &p->item[i], &r->rows[k]);
		name_condition(&r->rows[k], before, p, &p->condition[p->item[i].condition]);
		there[i] = r->rows[k].n_rows > before;
		read += record ? fot_record_bytes(record) : 0;
		if (read > FOT_JOURNAL_PART) {
			fot_map_unload(c.file.data, c.file.size);
			read = 0;
		}
	}
	FOT_TRY(add_baselines(r, p, there, err));
	for (size_t k = 0; k < fot_n_task_classes; k++)
		FOT_TRY(fot_table_check(&r->rows[k], err));
out:
	fot_free(there);
	fot_journal_content_release(&c);
	return status;
}

/* --- writing --- */

static void note_file(struct fot_results *r, const char *name, int64_t rows)
{
	if (r->n_files < FOT_RESULT_FILES_MAX)
		r->file[r->n_files++] = (struct fot_result_file){ name, rows };
}

static int write_table(const struct fot_table *t, const struct fot_outdir *dir, const char *name, bool timings,
		       struct fot_err *err)
{
	char *path = fot_outdir_file(dir, name);
	int status = path ? fot_table_write(t, path, timings, err) : FOT_NO_MEMORY(err, "results");

	fot_free(path);
	return status;
}

static int write_text(const struct fot_str *text, const struct fot_outdir *dir, const char *name,
		      struct fot_err *err)
{
	char *path = fot_outdir_file(dir, name);
	int status = path ? fot_file_replace(path, text->data, text->len, err) : FOT_NO_MEMORY(err, "results");

	fot_free(path);
	return status;
}

static int write_samples(const struct fot_str *text, const struct fot_outdir *dir, const char *name,
			 struct fot_err *err)
{
	char *folder = fot_outdir_file(dir, "samples");
	int status = folder ? fot_mkdir_all(folder, err) : FOT_NO_MEMORY(err, "results");

	fot_free(folder);
	return status == FOT_OK ? write_text(text, dir, name, err) : status;
}

static int write_page(struct fot_results *r, size_t k, const struct fot_outdir *dir, struct fot_err *err)
{
	const struct fot_task_class *class = fot_task_classes[k];
	struct fot_str text = FOT_STR_INIT;
	int status;

	note_file(r, class->page, -1);
	FOT_TRY(class->print(&text, &r->rows[k], err));
	status = write_text(&text, dir, class->page, err);
out:
	fot_str_release(&text);
	return status;
}

static int write_task(struct fot_results *r, size_t k, const struct fot_outdir *dir, bool timings,
		      struct fot_err *err)
{
	int status = write_table(&r->rows[k], dir, fot_task_classes[k]->csv, timings, err);

	note_file(r, fot_task_classes[k]->csv, (int64_t)r->rows[k].n_rows);
	if (status == FOT_OK && fot_task_classes[k]->page)
		status = write_page(r, k, dir, err);
	if (status != FOT_OK || r->samples[k].len == 0)
		return status;
	note_file(r, fot_task_classes[k]->samples, -1);
	return write_samples(&r->samples[k], dir, fot_task_classes[k]->samples, err);
}

static int write_markdown(const struct fot_results *r, const struct fot_plan *p, const struct fot_outdir *dir,
			  struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	fot_str_printf(&text, "# %s\n\n", p->spec->name);
	if (p->limit)
		fot_str_printf(&text, "**Not for reporting: limited to %lld document%s per dataset or trial%s.**\n\n",
			       (long long)p->limit, FOT_S(p->limit), FOT_S(p->limit));
	FOT_TRY(fot_summary_markdown(&text, &r->summary, err));
	FOT_TRY(fot_str_check(&text, err));
	status = write_text(&text, dir, "summary.md", err);
out:
	fot_str_release(&text);
	return status;
}

static bool is_measured(const struct fot_results *r, size_t k)
{
	return r->rows[k].n_rows && fot_measured_task(fot_task_classes[k]->schema);
}

/* The grids for a paper; published figures are for `report`. */
static int write_latex(struct fot_results *r, const struct fot_plan *p, const struct fot_outdir *dir,
		       struct fot_err *err)
{
	struct fot_table report, paper;
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	fot_table_init(&report, &fot_schema_report);
	fot_table_init(&paper, &fot_schema_paper);
	for (size_t k = 0; k < fot_n_task_classes; k++) {
		struct fot_report_run run = { .name = p->spec->name, .last = r->rows[k].n_rows };

		if (is_measured(r, k))
			FOT_TRY(fot_report_build(&report, &r->rows[k], &run, 1, &paper, false, p->spec->seed,
						 &r->kept[k], err));
	}
	FOT_TRY(fot_report_print(&text, &report, FOT_LATEX, 0, err));
	FOT_TRY(fot_str_check(&text, err));
	status = write_text(&text, dir, "summary.tex", err);
out:
	fot_table_release(&report);
	fot_str_release(&text);
	return status;
}

int fot_results_write(struct fot_results *r, const struct fot_plan *p, const struct fot_outdir *dir, bool timings,
		      struct fot_err *err)
{
	int status = FOT_OK;

	note_file(r, "journal.jsonl", -1);
	for (size_t k = 0; k < fot_n_task_classes; k++)
		if (r->rows[k].n_rows)
			FOT_TRY(write_task(r, k, dir, timings, err));
	/* What was observed stands by now, whatever becomes of what follows from it. */
	for (size_t k = 0; k < fot_n_task_classes; k++)
		if (is_measured(r, k))
			FOT_TRY(fot_summary_build(&r->summary, &r->rows[k], p->spec->seed, &r->kept[k], err));
	FOT_TRY(write_table(&r->summary, dir, "summary.csv", timings, err));
	note_file(r, "summary.csv", (int64_t)r->summary.n_rows);
	FOT_TRY(write_markdown(r, p, dir, err));
	note_file(r, "summary.md", -1);
	FOT_TRY(write_latex(r, p, dir, err));
	note_file(r, "summary.tex", -1);
out:
	return status;
}
