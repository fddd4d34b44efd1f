/* lm_samples.c: see lm_samples.h. */
#include "harness/export/lm_samples.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/tables/labels.h"

void fot_lm_files_release(struct fot_lm_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		fot_free(files->file[i].folder);
		fot_free(files->file[i].name);
		fot_str_release(&files->file[i].text);
	}
	fot_free(files->file);
}

/* --- names of files --- */

#define SAFE_MOST 60 /* of each of the names in one of a file, which holds 255 */

/* As part of a path. Where that loses something, a few digits of the name's sha256 tell it from others. */
static void put_safe(struct fot_str *out, const char *name)
{
	bool lost = *name == '\0' || *name == '.' || strlen(name) > SAFE_MOST;
	char sha[65];

	for (const char *p = name; *p && p < name + SAFE_MOST; p++) {
		bool safe = isalnum((unsigned char)*p) || *p == '-' || (*p == '.' && p > name);

		lost = lost || (!safe && *p != '_');
		fot_str_putc(out, safe ? *p : '_');
	}
	fot_sha256_of(name, strlen(name), sha);
	if (lost)
		fot_str_printf(out, "-%.8s", sha);
}

static void put_folder(struct fot_str *out, const struct fot_table *t, size_t row, const char *run)
{
	struct fot_str memory = FOT_STR_INIT;

	fot_label_memory(&memory, t, row);
	put_safe(out, run);
	fot_str_puts(out, "__");
	put_safe(out, fot_table_text(t, row, "model_variant"));
	fot_str_puts(out, "__");
	put_safe(out, memory.len ? memory.data : "none");
	out->failed = out->failed || memory.failed;
	fot_str_release(&memory);
}

static void put_place(struct fot_str *out, const struct fot_table *t, size_t row, const char *column)
{
	const struct fot_cell *cell = fot_table_cell(t, row, column);

	if (cell->kind == FOT_CELL_INT)
		fot_str_printf(out, "_%s-%lld", column, (long long)cell->i);
	else if (cell->kind == FOT_CELL_TEXT) {
		fot_str_putc(out, '_');
		put_safe(out, cell->text);
	}
}

/* samples_TASK_TIME.jsonl; the other program's times have '-' for ':', microseconds and no zone. */
static void put_name(struct fot_str *out, const struct fot_measured_task *task, const struct fot_table *t,
		     size_t row, const char *time)
{
	fot_str_printf(out, "samples_%s_", task->schema->name);
	put_safe(out, fot_table_text(t, row, "dataset"));
	fot_str_putc(out, '_');
	fot_label_length(out, fot_table_int(t, row, "context_length", 0));
	for (size_t i = 0; task->place[i]; i++)
		put_place(out, t, row, task->place[i]);
	fot_str_putc(out, '_');
	for (; *time && *time != 'Z'; time++)
		fot_str_putc(out, isalnum((unsigned char)*time) ? *time : '-');
	fot_str_puts(out, *time ? ".000000.jsonl" : ".jsonl");
}

static struct fot_lm_file *add_file(struct fot_lm_files *files, const char *folder, const char *name)
{
	struct fot_lm_file f = { .folder = fot_strdup(folder), .name = fot_strdup(name) };

	if (f.folder && f.name && FOT_GROW(files->file, files->n, files->cap)) {
		files->file[files->n] = f;
		return &files->file[files->n++];
	}
	fot_free(f.folder);
	fot_free(f.name);
	return NULL;
}

/* The row's file, a new one if need be; NULL without memory. Rows of a file mostly follow each other. */
static struct fot_lm_file *file_of(struct fot_lm_files *files, const struct fot_measured_task *task,
				   const struct fot_table *t, size_t row, const char *run, const char *time)
{
	struct fot_str folder = FOT_STR_INIT, name = FOT_STR_INIT;
	struct fot_lm_file *found = NULL;

	put_folder(&folder, t, row, run);
	put_name(&name, task, t, row, time);
	if (folder.failed || name.failed)
		goto out;
	for (size_t i = files->n; i-- > 0 && !found;) {
		struct fot_lm_file *f = &files->file[i];

		if (strcmp(f->name, name.data) == 0 && strcmp(f->folder, folder.data) == 0)
			found = f;
	}
	if (!found)
		found = add_file(files, folder.data, name.data);
out:
	fot_str_release(&folder);
	fot_str_release(&name);
	return found;
}

/* --- lines --- */

static void put_cell(struct fot_str *out, const struct fot_cell *cell, double sign)
{
	if (cell->kind == FOT_CELL_TEXT)
		fot_str_puts(out, cell->text);
	else if (cell->kind == FOT_CELL_INT)
		fot_str_printf(out, "%lld", (long long)cell->i);
	else if (cell->kind == FOT_CELL_REAL)
		fot_str_double(out, sign * cell->x);
}

/* A share of this item; of a rate the pair (log-likelihood, units), of which the other program makes its rates. */
static bool add_metric(cJSON *line, cJSON *names, const struct fot_measure *m, const struct fot_table *t,
		       size_t row)
{
	double right = fot_table_number(t, row, m->right),
	       asked = m->asked ? fot_table_number(t, row, m->asked) : 1;

	if (!fot_json_add(names, cJSON_CreateString(m->metric)))
		return false;
	if (fot_measure_is_rate(m)) {
		double pair[] = { -right, asked };
		cJSON *both = cJSON_CreateDoubleArray(pair, 2);

		return both && cJSON_AddItemToObject(line, m->metric, both);
	}
	if (m->mean || asked == 0)
		return cJSON_AddNumberToObject(line, m->metric, right);
	return cJSON_AddNumberToObject(line, m->metric, right / asked);
}

static bool add_metrics(cJSON *line, const struct fot_measured_task *task, const struct fot_table *t,
			size_t row)
{
	cJSON *names = cJSON_AddArrayToObject(line, "metrics");
	bool good = names;

	for (size_t i = 0; good && i < task->n_measures; i++)
		if (task->measure[i].kind != FOT_MEASURE_BALANCED) /* of all items together */
			good = add_metric(line, names, &task->measure[i], t, row);
	for (size_t i = 0; good && i < task->n_others; i++)
		good = add_metric(line, names, &task->other[i], t, row);
	return good;
}

static bool add_hash(cJSON *line, const char *key, const char *text)
{
	char sha[65];

	fot_sha256_of(text, strlen(text), sha);
	return cJSON_AddStringToObject(line, key, sha);
}

static bool add_responses(cJSON *line, const char *text)
{
	cJSON *outer = cJSON_AddArrayToObject(line, "resps"), *inner = cJSON_CreateArray();

	return fot_json_add(outer, inner) && fot_json_add(inner, cJSON_CreateString(text)) &&
	       fot_json_add(cJSON_AddArrayToObject(line, "filtered_resps"), cJSON_CreateString(text));
}

static bool add_arguments(cJSON *line, const char *prompt)
{
	cJSON *arguments = cJSON_AddObjectToObject(line, "arguments");
	cJSON *first = arguments ? cJSON_AddObjectToObject(arguments, "gen_args_0") : NULL;

	return first && cJSON_AddStringToObject(first, "arg_0", prompt);
}

static bool in_list(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/* What was asked, not by whom nor what came out: equal for all models, and so is its hash. */
static cJSON *doc_of(const struct fot_measured_task *task, const cJSON *cells)
{
	static const char *const where[] = { "dataset", "context_length", NULL };
	cJSON *doc = cJSON_Duplicate(cells, true);

	for (cJSON *cell = doc ? doc->child : NULL, *next; cell; cell = next) {
		next = cell->next;
		if (!in_list(where, cell->string) && !in_list(task->place, cell->string) &&
		    !in_list(task->item, cell->string) &&
		    !(task->gold && strcmp(task->gold, cell->string) == 0))
			cJSON_Delete(cJSON_DetachItemViaPointer(doc, cell));
	}
	return doc;
}

static bool fill_line(cJSON *line, const struct fot_measured_task *task, const struct fot_table *t,
		      size_t row, int64_t doc_id, const char *prompt)
{
	struct fot_str target = FOT_STR_INIT, answer = FOT_STR_INIT, text = FOT_STR_INIT;
	const struct fot_measure *m = &task->measure[0];
	cJSON *cells = fot_table_row_json(t, row, false), *doc = cells ? doc_of(task, cells) : NULL;
	bool good = cJSON_AddNumberToObject(line, "doc_id", (double)doc_id) && doc &&
		    cJSON_AddItemToObject(line, "doc", doc) && fot_json_print(&text, doc, 0, NULL) == FOT_OK;

	fot_str_puts(&target, "");
	fot_str_puts(&answer, "");
	if (task->gold)
		put_cell(&target, fot_table_cell(t, row, task->gold), 1);
	if (task->answer)
		put_cell(&answer, fot_table_cell(t, row, task->answer), 1);
	else
		put_cell(&answer, fot_table_cell(t, row, m->right), fot_measure_is_rate(m) ? -1 : 1);
	good = good && !target.failed && !answer.failed &&
	       cJSON_AddStringToObject(line, "target", target.data) && add_arguments(line, prompt) &&
	       add_responses(line, answer.data) && cJSON_AddStringToObject(line, "filter", "none") &&
	       add_metrics(line, task, t, row) && add_hash(line, "doc_hash", text.data) &&
	       add_hash(line, "prompt_hash", prompt) && add_hash(line, "target_hash", target.data) &&
	       cJSON_AddItemToObject(line, "row", cells);
	if (!good)
		cJSON_Delete(cells);
	fot_str_release(&target);
	fot_str_release(&answer);
	fot_str_release(&text);
	return good;
}

static int put_line(struct fot_lm_file *f, const struct fot_measured_task *task, const struct fot_table *t,
		    size_t row, const char *prompt, struct fot_err *err)
{
	cJSON *line = cJSON_CreateObject();
	bool good = line && fill_line(line, task, t, row, f->n_docs, prompt ? prompt : "");
	int status = good ? fot_json_print(&f->text, line, 0, err) : FOT_NO_MEMORY(err, "export");

	fot_str_putc(&f->text, '\n');
	cJSON_Delete(line);
	return status == FOT_OK ? fot_str_check(&f->text, err) : status;
}

int fot_lm_samples(struct fot_lm_files *out, const struct fot_measured_task *task,
		   const struct fot_table *rows, const char *run, const char *time, const char *const *prompt,
		   struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t row = 0; row < rows->n_rows && status == FOT_OK; row++) {
		struct fot_lm_file *f;

		if (task->detail && fot_table_has(rows, row, task->detail))
			continue;
		f = file_of(out, task, rows, row, run, time);
		if (!f)
			return FOT_NO_MEMORY(err, "export");
		if (strcmp(fot_table_text(rows, row, "status"), "ok") == 0)
			status = put_line(f, task, rows, row, prompt ? prompt[row] : NULL, err);
		f->n_docs++;
	}
	return status;
}
