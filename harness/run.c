/* run.c: see run.h.
 *
 *   started manifest -> journal (one record per item) -> perplexity.csv,
 *   summary.csv, summary.md, summary.tex rebuilt from the journal -> final manifest
 *
 * The manifest is written last: where it says complete, everything is there.
 * Items that fail are not journalled, so a resume tries them again. */
#include "harness/run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/items.h"
#include "harness/journal.h"
#include "harness/manifest.h"
#include "harness/options.h"
#include "harness/report.h"
#include "harness/signals.h"
#include "harness/summary.h"

struct runner {
	const struct fot_plan *plan;
	const struct fot_run_opts *opts;
	struct fot_outdir dir;
	char *journal_path;
	struct fot_journal *journal;
	struct fot_journal_content before; /* what a resumed journal holds */
	struct fot_worker worker;
	struct fot_manifest manifest;
	double begun;
	int64_t cost_all, cost_done, cost_begun; /* progress, in tokens fed */
	struct fot_err *err;
};

/* Does this run do item i? */
static bool is_mine(const struct runner *r, size_t i)
{
	return r->opts->shards == 0 || (int64_t)i % r->opts->shards == r->opts->shard;
}

static int write_manifest(struct runner *r, const char *status, const char *problem)
{
	r->manifest.status = status;
	r->manifest.problem = problem;
	r->manifest.wall_s = fot_clock() - r->begun;
	return fot_manifest_write(&r->manifest, &r->dir, r->err);
}

/* --- begin --- */

static int open_log(struct runner *r)
{
	char *path = fot_outdir_file(&r->dir, "log.txt");
	int status = path ? fot_log_open(path, r->err) : FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");

	fot_free(path);
	return status;
}

static int open_journal(struct runner *r)
{
	r->journal_path = fot_outdir_file(&r->dir, "journal.jsonl");
	if (!r->journal_path)
		return FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");
	if (!r->dir.has_journal)
		return fot_journal_create(&r->journal, r->journal_path, r->plan->identity, r->err);
	return fot_journal_resume(&r->journal, &r->before, r->journal_path, r->plan->identity, r->err);
}

static int begin(struct runner *r)
{
	int status;

	r->begun = fot_clock();
	r->manifest = (struct fot_manifest){
		.plan = r->plan, .opts = r->opts, .rows_perplexity = -1, .rows_summary = -1
	};
	for (size_t i = 0; i < r->plan->n_items; i++) {
		if (!is_mine(r, i))
			continue;
		r->manifest.counts.planned++;
		r->cost_all += fot_item_cost(r->plan, &r->plan->item[i]);
	}
	fot_manifest_uid(r->manifest.run_uid);
	fot_utc_now(r->manifest.started);
	FOT_TRY(fot_outdir_open(&r->dir, r->opts->output, r->opts->mode, r->err));
	FOT_TRY(open_journal(r)); /* before anything is changed: it may refuse */
	FOT_TRY(open_log(r));
	FOT_TRY(write_manifest(r, "started", NULL));
	if (r->before.torn_bytes)
		fot_log(FOT_LOG_WARN,
			"journal.jsonl: the last record was torn (%zu bytes), its item is done again",
			r->before.torn_bytes);
out:
	return status;
}

/* --- items --- */

static void show_progress(const struct runner *r, size_t i)
{
	double elapsed = fot_clock() - r->begun;
	int64_t fed = r->cost_done - r->cost_begun;
	char eta[32] = "?";

	if (fed > 0 && elapsed > 0)
		fot_duration_text(elapsed * (double)(r->cost_all - r->cost_done) / (double)fed, eta);
	fot_progress("%zu of %zu items, %.0f tokens/s, %s left, %s", i + 1, r->plan->n_items,
		     elapsed > 0 ? (double)fed / elapsed : 0.0, eta, r->plan->item[i].id);
}

static int keep_item(struct runner *r, const struct fot_item *item, struct fot_table *rows)
{
	cJSON *result = NULL, *note = NULL;
	int status = fot_item_record(rows, 0, &result, &note, r->err);

	if (status == FOT_OK)
		status = fot_journal_append(r->journal, item->id, result, note, r->err);
	cJSON_Delete(result);
	cJSON_Delete(note);
	return status;
}

static bool is_skipped(const struct fot_table *rows)
{
	return rows->n_rows > 0 && strcmp(fot_table_text(rows, 0, "status"), "skipped_short") == 0;
}

/* A failing item does not take the others with it; a failing journal does. */
static int do_item(struct runner *r, const struct fot_item *item)
{
	struct fot_table rows;
	struct fot_err problem = { 0 };
	int status;

	fot_table_init(&rows, &fot_schema_perplexity);
	status = fot_item_evaluate(&r->worker, item, &rows, &problem);
	if (status == FOT_OK) {
		r->manifest.counts.skipped += is_skipped(&rows);
		status = keep_item(r, item, &rows);
		r->manifest.counts.done += status == FOT_OK;
	} else {
		fot_progress_end();
		fot_log(FOT_LOG_ERROR, "%s: %s", item->id, problem.text);
		r->manifest.counts.failed++;
		status = FOT_OK;
	}
	fot_table_release(&rows);
	return status;
}

/* The item's record in the journals that are merged; they must not contradict each other. */
static int take_item(struct runner *r, const struct fot_item *item)
{
	const struct fot_record *found = NULL;
	struct fot_table rows;
	int status = FOT_OK;

	for (size_t k = 0; k < r->opts->n_given; k++) {
		const struct fot_record *record = fot_journal_find(&r->opts->given[k], item->id);

		if (record && found && !cJSON_Compare(record->result, found->result, true))
			return FOT_FAIL(r->err, FOT_ERR_INPUT,
					"merge: two journals hold unequal results of %s", item->id);
		found = found ? found : record;
	}
	if (!found) {
		fot_log(FOT_LOG_ERROR, "%s: in none of the folders", item->id);
		r->manifest.counts.failed++;
		return FOT_OK;
	}
	fot_table_init(&rows, &fot_schema_perplexity);
	FOT_TRY(fot_item_rows(&rows, found, r->err)); /* must be readable before it is taken over */
	r->manifest.counts.skipped += is_skipped(&rows);
	FOT_TRY(fot_journal_append(r->journal, item->id, found->result, found->note, r->err));
	r->manifest.counts.done++;
out:
	fot_table_release(&rows);
	return status;
}

static int do_items(struct runner *r)
{
	int status = FOT_OK;

	for (size_t i = 0; i < r->plan->n_items && status == FOT_OK && !fot_signals_pending(); i++) {
		const struct fot_item *item = &r->plan->item[i];
		int64_t cost = fot_item_cost(r->plan, item);

		if (!is_mine(r, i))
			continue;
		r->cost_done += cost;
		if (fot_journal_find(&r->before, item->id)) {
			r->manifest.counts.resumed++;
			r->manifest.counts.done++;
			r->cost_begun += cost;
			continue;
		}
		status = r->opts->merge ? take_item(r, item) : do_item(r, item);
		show_progress(r, i);
	}
	fot_progress_end();
	return status;
}

/* --- finals, from the journal alone --- */

static int rebuild_rows(struct runner *r, struct fot_table *rows)
{
	struct fot_journal_content c;
	int status = fot_journal_load(&c, r->journal_path, r->err);

	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < r->plan->n_items && status == FOT_OK; i++) {
		const struct fot_record *record = fot_journal_find(&c, r->plan->item[i].id);

		if (record)
			status = fot_item_rows(rows, record, r->err);
		else if (is_mine(r, i))
			fot_item_failed_rows(r->plan, &r->plan->item[i], rows);
	}
	fot_journal_content_release(&c);
	return status == FOT_OK ? fot_table_check(rows, r->err) : status;
}

static int write_table(struct runner *r, const struct fot_table *t, const char *name)
{
	char *path = fot_outdir_file(&r->dir, name);
	int status = path ? fot_table_write(t, path, r->opts->timings, r->err) :
			    FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");

	fot_free(path);
	return status;
}

static int write_markdown(struct runner *r, const struct fot_table *summary)
{
	struct fot_str text = FOT_STR_INIT;
	char *path = fot_outdir_file(&r->dir, "summary.md");
	int status;

	fot_str_printf(&text, "# %s\n\n", r->plan->spec->name);
	if (r->plan->limit)
		fot_str_printf(&text, "**Not for reporting: limited to %lld documents per dataset.**\n\n",
			       (long long)r->plan->limit);
	FOT_TRY(fot_summary_markdown(&text, summary, r->err));
	if (!path) {
		status = FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	FOT_TRY(fot_file_replace(path, text.data, text.len, r->err));
out:
	fot_str_release(&text);
	fot_free(path);
	return status;
}

/* The same grid for a paper; published figures are for `report`. */
static int write_latex(struct runner *r, const struct fot_table *rows)
{
	struct fot_report_run run = { .name = r->plan->spec->name, .last = rows->n_rows };
	struct fot_table report, paper;
	struct fot_str text = FOT_STR_INIT;
	char *path = fot_outdir_file(&r->dir, "summary.tex");
	int status;

	fot_table_init(&report, &fot_schema_report);
	fot_table_init(&paper, &fot_schema_paper);
	FOT_TRY(fot_report_build(&report, rows, &run, 1, &paper, false, r->plan->spec->seed, r->err));
	FOT_TRY(fot_report_print(&text, &report, FOT_REPORT_LATEX, r->err));
	if (!path) {
		status = FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	FOT_TRY(fot_file_replace(path, text.data, text.len, r->err));
out:
	fot_table_release(&report);
	fot_str_release(&text);
	fot_free(path);
	return status;
}

static int print_summary(const struct runner *r, const struct fot_table *summary)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_summary_text(&text, summary, r->err);

	if (status == FOT_OK && text.len > 0)
		fputs(text.data, stdout);
	fot_str_release(&text);
	return status == FOT_OK ? fot_flush_stdout(r->err) : status;
}

static int print_json(const struct runner *r, const struct fot_table *summary)
{
	cJSON *root = cJSON_CreateObject(), *rows = NULL;
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (root && cJSON_AddStringToObject(root, "run_id", r->plan->run_id) &&
	    cJSON_AddStringToObject(root, "status", r->manifest.status) &&
	    cJSON_AddStringToObject(root, "output", r->opts->output))
		rows = cJSON_AddArrayToObject(root, "summary");
	for (size_t row = 0; row < summary->n_rows && rows; row++) {
		cJSON *o = fot_table_row_json(summary, row, false);

		if (!o || !cJSON_AddItemToArray(rows, o)) {
			cJSON_Delete(o);
			rows = NULL;
		}
	}
	status = rows ? fot_json_print(&text, root, 1, r->err) :
			FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");
	if (status == FOT_OK)
		printf("%s\n", text.data);
	fot_str_release(&text);
	cJSON_Delete(root);
	return status == FOT_OK ? fot_flush_stdout(r->err) : status;
}

static int finish(struct runner *r)
{
	struct fot_table rows, summary;
	bool partial = r->manifest.counts.failed > 0;
	int status;

	fot_table_init(&rows, &fot_schema_perplexity);
	fot_table_init(&summary, &fot_schema_summary);
	FOT_TRY(fot_journal_close(r->journal, r->err));
	r->journal = NULL;
	FOT_TRY(rebuild_rows(r, &rows));
	FOT_TRY(write_table(r, &rows, "perplexity.csv"));
	FOT_TRY(fot_summary_build(&summary, &rows, r->plan->spec->seed, r->err));
	FOT_TRY(write_table(r, &summary, "summary.csv"));
	FOT_TRY(write_markdown(r, &summary));
	FOT_TRY(write_latex(r, &rows));
	r->manifest.rows_perplexity = (int64_t)rows.n_rows;
	r->manifest.rows_summary = (int64_t)summary.n_rows;
	FOT_TRY(write_manifest(r, partial ? "partial" : "complete", NULL));
	if (r->opts->json)
		FOT_TRY(print_json(r, &summary));
	else if (!r->opts->quiet)
		FOT_TRY(print_summary(r, &summary));
out:
	fot_table_release(&rows);
	fot_table_release(&summary);
	if (r->journal) /* closing failed: it is gone all the same */
		r->journal = NULL;
	return status == FOT_OK && partial ? FOT_ERR_PARTIAL : status;
}

static int stopped(struct runner *r, int signal_number)
{
	const struct fot_run_counts *c = &r->manifest.counts;

	fot_log(FOT_LOG_WARN, "stopped by signal %d after %lld of %lld items; go on with --resume",
		signal_number, (long long)c->done, (long long)c->planned);
	write_manifest(r, "partial", "stopped by a signal");
	return 128 + signal_number;
}

static void report_end(const struct runner *r)
{
	const struct fot_run_counts *c = &r->manifest.counts;
	char wall[32];

	fot_duration_text(fot_clock() - r->begun, wall);
	fot_log(FOT_LOG_INFO,
		"%lld items: %lld done (%lld resumed, %lld too short), %lld failed; %s; peak memory %.0f MiB",
		(long long)c->planned, (long long)c->done, (long long)c->resumed, (long long)c->skipped,
		(long long)c->failed, wall, (double)fot_mem_peak_rss() / (1024.0 * 1024.0));
}

int fot_run(const struct fot_plan *plan, const struct fot_run_opts *opts, struct fot_err *err)
{
	struct runner r = { .plan = plan, .opts = opts, .err = err, .dir.lock_fd = -1 };
	bool begun = false;
	int status;

	fot_signals_install();
	fot_worker_init(&r.worker, plan, opts->threads);
	FOT_TRY(begin(&r));
	begun = true;
	FOT_TRY(do_items(&r));
	if (fot_signals_pending()) {
		status = stopped(&r, fot_signals_pending());
	} else {
		status = finish(&r);
		report_end(&r);
	}
out:
	if (status != FOT_OK && status < 128 && status != FOT_ERR_PARTIAL && begun) {
		struct fot_err *kept = r.err;

		r.err = NULL; /* the first error is the one to report */
		write_manifest(&r, "failed", kept ? kept->text : NULL);
	}
	fot_worker_release(&r.worker);
	fot_journal_close(r.journal, NULL);
	fot_journal_content_release(&r.before);
	fot_free(r.journal_path);
	fot_outdir_close(&r.dir);
	fot_log_close();
	return status;
}
