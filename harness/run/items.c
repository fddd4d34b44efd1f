/* items.c: see items.h. */
#include "harness/run/items.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"

/* --- the worker --- */

int fot_worker_init(struct fot_worker *w, const struct fot_plan *plan, const struct fot_work *work,
		    struct fot_err *err)
{
	*w = (struct fot_worker){ .plan = plan, .work = *work };
	w->state = fot_calloc(plan->spec->n_tasks, sizeof *w->state);
	return w->state ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a worker");
}

static void close_session(struct fot_worker *w)
{
	fot_asker_release(&w->asker);
	fot_session_close(w->session);
	w->session = NULL;
}

void fot_worker_release(struct fot_worker *w)
{
	close_session(w);
	for (size_t t = 0; w->state && t < w->plan->spec->n_tasks; t++)
		if (w->state[t])
			w->plan->spec->task[t].class->forget(w->state[t]);
	fot_free(w->state);
	w->state = NULL;
}

int fot_worker_use(struct fot_worker *w, size_t condition, struct fot_err *err)
{
	const struct fot_condition *c = &w->plan->condition[condition];
	const struct fot_model *m = w->plan->model[c->model].model;
	struct fot_session_opts opts;
	int status;

	if (w->session && w->condition == condition)
		return FOT_OK;
	close_session(w);
	opts = fot_plan_session(w->plan, condition, &w->work);
	opts.beside = w->beside;
	w->condition = condition;
	FOT_TRY(fot_session_open(&w->session, m, &opts, err));
	FOT_TRY(fot_asker_init(&w->asker, w->session, m, opts.window, c->mode != FOT_MEMORY_NONE,
			       !w->work.no_sharing, err));
out:
	if (status != FOT_OK)
		close_session(w);
	return status;
}

/* --- items --- */

int fot_item_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
		      cJSON *samples, struct fot_err *err)
{
	int status = (w->use ? w->use : fot_worker_use)(w, item->condition, err);

	if (status == FOT_OK)
		status = fot_task_class_of(w->plan, item)->evaluate(w, item, table, samples, err);
	return status == FOT_OK ? fot_table_check(table, err) : status;
}

void fot_item_failed_rows(const struct fot_plan *plan, const struct fot_item *item, struct fot_table *table)
{
	fot_task_class_of(plan, item)->failed(plan, item, table);
}

/* --- records --- */

static cJSON *rows_json(const struct fot_table *t, bool timing)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t row = 0; row < t->n_rows && list; row++) {
		cJSON *o = fot_table_row_json(t, row, timing);

		if (!o || !cJSON_AddItemToArray(list, o)) {
			cJSON_Delete(o);
			cJSON_Delete(list);
			list = NULL;
		}
	}
	return list;
}

/* The first note carries the samples of the item. They are not written to; cJSON's signature lacks const. */
static bool attach_samples(cJSON *note, const cJSON *samples)
{
	return !samples || !samples->child || !note->child ||
	       cJSON_AddItemReferenceToObject(note->child, "samples", (cJSON *)(uintptr_t)samples);
}

int fot_item_record(const struct fot_table *table, const cJSON *samples, cJSON **result, cJSON **note,
		    struct fot_err *err)
{
	*result = rows_json(table, false);
	*note = rows_json(table, true);
	if (*result && *note && attach_samples(*note, samples))
		return FOT_OK;
	cJSON_Delete(*result);
	cJSON_Delete(*note);
	*result = *note = NULL;
	return FOT_NO_MEMORY(err, "record");
}

static int print_samples(struct fot_str *out, const cJSON *list, struct fot_err *err)
{
	int status = FOT_OK;

	for (const cJSON *sample = list->child; sample; sample = sample->next) {
		FOT_TRY(fot_json_print(out, sample, 0, err));
		fot_str_puts(out, "\n");
	}
	status = fot_str_check(out, err);
out:
	return status;
}

/* A note: the timing cells of a row, and perhaps samples. */
static int take_note(struct fot_table *table, size_t row, struct fot_str *samples, cJSON *note,
		     const char *where, struct fot_err *err)
{
	cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(note, "samples");
	int status = fot_table_row_from_json(table, row, note, where, err);

	if (status == FOT_OK && list && samples)
		status = print_samples(samples, list, err);
	cJSON_Delete(list);
	return status;
}

int fot_item_rows(struct fot_table *table, struct fot_str *samples, const cJSON *result, cJSON *note,
		  size_t line, struct fot_err *err)
{
	cJSON *cells = cJSON_IsArray(note) ? note->child : NULL;
	struct fot_str where = FOT_STR_INIT;
	int status = FOT_OK;

	fot_str_printf(&where, "journal.jsonl: line %zu", line);
	if (!cJSON_IsArray(result) || where.failed)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "journal.jsonl: line %zu: expected rows", line));
	for (const cJSON *cell = result->child; cell; cell = cell->next) {
		size_t row = fot_table_add(table);

		FOT_TRY(fot_table_row_from_json(table, row, cell, where.data, err));
		if (cells)
			FOT_TRY(take_note(table, row, samples, cells, where.data, err));
		cells = cells ? cells->next : NULL;
	}
	status = fot_table_check(table, err);
out:
	fot_str_release(&where);
	return status;
}

int fot_item_rows_of(struct fot_table *table, struct fot_str *samples, const struct fot_record *record,
		     struct fot_err *err)
{
	cJSON *result = NULL, *note = NULL;
	int status;

	FOT_TRY(fot_journal_read(&result, &note, record, err));
	FOT_TRY(fot_item_rows(table, samples, result, note, record->line, err));
out:
	cJSON_Delete(result);
	cJSON_Delete(note);
	return status;
}
