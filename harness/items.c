/* items.c: see items.h. */
#include "harness/items.h"

#include <string.h>

#include "base/mem.h"
#include "harness/evaluate.h"

void fot_worker_init(struct fot_worker *w, const struct fot_plan *plan, int32_t threads)
{
	*w = (struct fot_worker){ .plan = plan, .threads = threads };
}

void fot_worker_release(struct fot_worker *w)
{
	if (w->session)
		fot_session_close(w->session);
	w->session = NULL;
}

static int use_condition(struct fot_worker *w, size_t condition, struct fot_err *err)
{
	struct fot_session_opts opts = w->plan->condition[condition].opts;

	if (w->session && w->condition == condition)
		return FOT_OK;
	fot_worker_release(w);
	opts.n_threads = w->threads;
	opts.mem_max = fot_plan_memory(w->plan, condition);
	w->condition = condition;
	return fot_session_open(&w->session, w->plan->model[w->plan->condition[condition].model].model, &opts,
				err);
}

/* --- rows --- */

static size_t key_row(const struct fot_plan *p, const struct fot_item *item, int64_t length,
		      struct fot_table *t)
{
	const struct fot_condition *c = &p->condition[item->condition];
	const struct fot_dataset *data = p->dataset[item->dataset].data;
	const struct fot_document *doc = fot_dataset_at(data, item->document);
	const struct fot_tokenizer *tokenizer = fot_model_tokenizer(fot_plan_model_of(p, item));
	bool memory = c->mode != FOT_MEMORY_NONE;
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", p->run_id);
	fot_table_set_text(t, row, "model", p->model[c->model].name);
	fot_table_set_text(t, row, "model_variant", c->variant);
	fot_table_set_text(t, row, "memory_mode", fot_memory_mode_name(c->mode));
	fot_table_set_int(t, row, "memory_tokens", memory ? length - c->opts.window : 0);
	fot_table_set_text(t, row, "task", p->spec->task[item->task].task);
	fot_table_set_text(t, row, "dataset", fot_dataset_name(data));
	fot_table_set_int(t, row, "context_length", length);
	fot_table_set_int(t, row, "stride", c->opts.window);
	fot_table_set_text(t, row, "bos_mode", fot_tokenizer_bos(tokenizer) >= 0 ? "first" : "none");
	fot_table_set_text(t, row, "doc_id", doc->id);
	fot_table_set_text(t, row, "doc_sha256", doc->sha256);
	if (c->mode == FOT_MEMORY_KNN)
		fot_table_set_int(t, row, "top_k", c->opts.top_k);
	if (memory)
		fot_table_set_text(t, row, "mem_dtype", c->opts.mem_dtype == FOT_F32 ? "f32" : "bf16");
	fot_table_set_int(t, row, "window", c->opts.window);
	fot_table_set_text(t, row, "tokenizer_sha256", fot_tokenizer_hash(tokenizer));
	return row;
}

void fot_item_failed_rows(const struct fot_plan *plan, const struct fot_item *item, struct fot_table *table)
{
	const struct fot_task_spec *t = &plan->spec->task[item->task];

	for (size_t l = 0; l < t->n_lengths; l++)
		fot_table_set_text(table, key_row(plan, item, t->context_length[l], table), "status",
				   "failed");
}

static void skipped_rows(const struct fot_plan *plan, const struct fot_item *item, size_t n_tokens,
			 struct fot_table *table)
{
	const struct fot_task_spec *t = &plan->spec->task[item->task];

	for (size_t l = 0; l < t->n_lengths; l++) {
		size_t row = key_row(plan, item, t->context_length[l], table);

		fot_table_set_int(table, row, "n_tokens_doc", (int64_t)n_tokens);
		fot_table_set_int(table, row, "n_tokens_scored", 0);
		fot_table_set_text(table, row, "status", "skipped_short");
	}
}

struct text_size {
	int64_t bytes, words;
};

static void scored_row(const struct fot_plan *plan, const struct fot_item *item, const struct fot_request *r,
		       const struct fot_scores *s, size_t length_index, const struct text_size *text,
		       struct fot_table *t)
{
	struct fot_perplexity_observation o;
	double wall = s->wall_s[length_index];
	size_t row = key_row(plan, item, r->context_length[length_index], t);

	fot_perplexity_observe(&o, r, s, length_index);
	fot_table_set_int(t, row, "n_tokens_doc", (int64_t)r->n_tokens);
	fot_table_set_int(t, row, "n_tokens_scored", o.n_tokens_scored);
	fot_table_set_int(t, row, "n_words_scored", text->words);
	fot_table_set_int(t, row, "n_bytes_scored", text->bytes);
	fot_table_set_real(t, row, "nll_nats", o.nll_nats);
	fot_table_set_real(t, row, "nll_sq_nats", o.nll_sq_nats);
	fot_table_set_int(t, row, "n_windows", o.n_windows);
	fot_table_set_int(t, row, "truncated", r->end + 1 < r->n_tokens);
	fot_table_set_text(t, row, "status", "ok");
	fot_table_set_real(t, row, "wall_s", wall);
	if (wall > 0)
		fot_table_set_real(t, row, "tokens_per_s", (double)o.n_tokens_scored / wall);
	fot_table_set_int(t, row, "peak_rss_bytes", (int64_t)fot_mem_peak_rss());
	fot_table_set_int(t, row, "target_start", (int64_t)r->begin + 1);
}

/* --- evaluation --- */

static int evaluate_request(struct fot_worker *w, const struct fot_item *item, const struct fot_request *r,
			    struct fot_table *table, struct fot_err *err)
{
	const struct fot_tokenizer *tokenizer = fot_model_tokenizer(fot_plan_model_of(w->plan, item));
	bool memory = w->plan->condition[item->condition].mode != FOT_MEMORY_NONE;
	struct fot_scores s = { 0 };
	struct text_size text;
	int status;

	s.nll = fot_alloc(fot_size_mul(r->n_lengths, r->end - r->begin), sizeof *s.nll);
	s.wall_s = fot_alloc(r->n_lengths, sizeof *s.wall_s);
	if (!s.nll || !s.wall_s) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %zu tokens",
				  r->end - r->begin);
		goto out;
	}
	FOT_TRY(use_condition(w, item->condition, err));
	FOT_TRY(fot_evaluate(w->session, memory, r, &s, err));
	FOT_TRY(fot_perplexity_text(&text.bytes, &text.words, r, tokenizer, fot_tokenizer_bos(tokenizer) >= 0,
				    err));
	for (size_t l = 0; l < r->n_lengths; l++)
		scored_row(w->plan, item, r, &s, l, &text, table);
	status = fot_table_check(table, err);
out:
	fot_free(s.nll);
	fot_free(s.wall_s);
	return status;
}

int fot_item_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
		      struct fot_err *err)
{
	const struct fot_plan *p = w->plan;
	struct fot_perplexity task = fot_plan_perplexity(p, item);
	struct fot_request r;
	struct fot_ids ids = { 0 };
	int status;

	FOT_TRY(fot_dataset_tokens(p->dataset[item->dataset].data, item->document,
				   fot_model_tokenizer(fot_plan_model_of(p, item)), p->store, &ids, err));
	if (fot_perplexity_request(&r, &task, ids.id, ids.n)) {
		status = evaluate_request(w, item, &r, table, err);
	} else {
		skipped_rows(p, item, ids.n, table);
		status = fot_table_check(table, err);
	}
out:
	fot_ids_release(&ids);
	return status;
}

int64_t fot_item_cost(const struct fot_plan *plan, const struct fot_item *item)
{
	struct fot_perplexity task = fot_plan_perplexity(plan, item);
	int64_t bytes = fot_dataset_at(plan->dataset[item->dataset].data, item->document)->n_bytes;
	size_t begin = fot_perplexity_begin(&task);
	int64_t targets = bytes - (int64_t)begin;

	if (targets < task.window)
		return 1;
	if (targets > task.target_tokens)
		targets = task.target_tokens;
	return fot_evaluate_cost(plan->condition[item->condition].mode != FOT_MEMORY_NONE, begin,
				 (size_t)targets, task.n_lengths);
}

/* --- records --- */

static cJSON *rows_json(const struct fot_table *t, size_t first, bool timing)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t row = first; row < t->n_rows && list; row++) {
		cJSON *o = fot_table_row_json(t, row, timing);

		if (!o || !cJSON_AddItemToArray(list, o)) {
			cJSON_Delete(o);
			cJSON_Delete(list);
			list = NULL;
		}
	}
	return list;
}

int fot_item_record(const struct fot_table *table, size_t first, cJSON **result, cJSON **note,
		    struct fot_err *err)
{
	*result = rows_json(table, first, false);
	*note = rows_json(table, first, true);
	if (*result && *note)
		return FOT_OK;
	cJSON_Delete(*result);
	cJSON_Delete(*note);
	*result = *note = NULL;
	return FOT_FAIL(err, FOT_ERR_RUN, "record: out of memory");
}

int fot_item_rows(struct fot_table *table, const struct fot_record *record, struct fot_err *err)
{
	const cJSON *result = record->result->child;
	const cJSON *note = cJSON_IsArray(record->note) ? record->note->child : NULL;
	struct fot_str where = FOT_STR_INIT;
	int status = FOT_OK;

	fot_str_printf(&where, "journal.jsonl: line %zu", record->line);
	if (!cJSON_IsArray(record->result) || where.failed) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "journal.jsonl: line %zu: expected rows", record->line);
		goto out;
	}
	for (; result; result = result->next) {
		size_t row = fot_table_add(table);

		FOT_TRY(fot_table_row_from_json(table, row, result, where.data, err));
		if (note)
			FOT_TRY(fot_table_row_from_json(table, row, note, where.data, err));
		note = note ? note->next : NULL;
	}
	status = fot_table_check(table, err);
out:
	fot_str_release(&where);
	return status;
}
