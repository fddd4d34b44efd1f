/* samples_class.c: retrieval samples as a task class: an item is a document, of which chosen query tokens meet a
 * session; what they retrieve becomes rows and a page for readers. Nothing is estimated of them.
 *
 *   | ... | W | W | W | window of the query |     the memory: the L - W tokens before its window
 *
 * Windows stand at multiples of W.  The session is filled anew for each window that asks, so that with
 * several memory layers, too, nothing before these L tokens is seen. */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/plan/task_class.h"
#include "harness/run/items.h"
#include "harness/tasks/samples_loss.h"
#include "model/attach.h"
#include "model/memory.h"
#include "tasks/retrieved.h"

#define TOKENS_BEFORE 24 /* of the text around a token */
#define TOKENS_BEHIND 12
#define MAX_QUERIES 4096
#define VERSION 1

enum { CONTEXT, QUERIES, SHOWN, POSITIONS, N_POSITIONS }; /* own values */

/* --- plan --- */

struct sampling {
	int64_t window, context_length; /* W, L > W */
	int64_t queries, shown;
	const int64_t *position; /* [n] given ones, ascending; n 0: drawn */
	size_t n;
};

static struct sampling sampling_of(const struct fot_plan *p, size_t condition, size_t task)
{
	const union fot_own *own = p->spec->task[task].own;

	return (struct sampling){ .window = p->condition[condition].opts.window,
				  .context_length = own[CONTEXT].integer,
				  .queries = own[QUERIES].integer,
				  .shown = own[SHOWN].integer,
				  .position = own[POSITIONS].sizes,
				  .n = own[N_POSITIONS].count };
}

/* Whole windows: the first token of a document whose window has its whole memory in the document. */
static int64_t memory_of(const struct sampling *x)
{
	return (x->context_length - 1) / x->window * x->window;
}

static int64_t memory(const struct fot_plan *p, size_t condition, size_t task)
{
	struct sampling x = sampling_of(p, condition, task);

	return memory_of(&x);
}

static int check(const struct fot_plan *p, size_t condition, const struct sampling *x, struct fot_err *err)
{
	if (!fot_memory_keeps(p->condition[condition].opts.mode))
		return FOT_FAIL(err, FOT_ERR_USAGE, "samples: memory: expected dense or knn, got %s",
				fot_memory_mode_name(p->condition[condition].mode));
	if (x->context_length <= x->window)
		return FOT_FAIL(err, FOT_ERR_USAGE, "samples: context_length: expected more than the local window of %lld tokens",
				(long long)x->window);
	if (x->n > MAX_QUERIES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "samples: positions: expected at most %d, got %zu", MAX_QUERIES, x->n);
	if (x->n && x->position[0] < x->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"samples: positions: token %lld is in the first window of %lld, which has no memory before it",
				(long long)x->position[0], (long long)x->window);
	return FOT_OK;
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct sampling x = sampling_of(p, condition, task);
	int64_t need = (x.n ? x.position[x.n - 1] : memory_of(&x)) + 1;
	int status;

	FOT_TRY(check(p, condition, &x, err));
	FOT_TRY(fot_task_documents(p, condition, task, need - 2, err)); /* a token holds a byte at least; BOS, a dummy space */
	for (size_t k = 0; k < t->n_datasets; k++) {
		struct fot_item all = { .condition = condition, .task = task };

		FOT_TRY(fot_plan_dataset(p, t->dataset[k], &all.dataset, err));
		if (!fot_plan_excluded(p, &all))
			FOT_TRY(fot_task_long_enough(p, &all, need, "a query with its memory", err));
	}
out:
	return status;
}

/* Does the kind leave nothing out? Then a window is asked once, else once more for what it leaves out. */
static bool reads_all(enum fot_memory_mode kind)
{
	return !fot_memory_kind(kind)->counts && fot_memory_n_numbers(kind) == 0;
}

static struct fot_cost cost(const struct fot_plan *p, const struct fot_item *item)
{
	struct sampling x = sampling_of(p, item->condition, item->task);
	int64_t n = x.n ? (int64_t)x.n : x.queries, filled = x.context_length - x.window;
	int64_t asked = n * x.window * (reads_all(p->condition[item->condition].opts.mode) ? 1 : 2);

	return (struct fot_cost){ .filled = n * filled, .asked = asked, .pairs = (double)asked * (double)filled };
}

/* --- rows --- */

static size_t key_row(const struct fot_plan *p, const struct fot_item *item, const char *status, struct fot_table *t)
{
	size_t row = fot_task_row(p, item, p->spec->task[item->task].own[CONTEXT].integer, t);

	fot_table_set_text(t, row, "doc_id", fot_dataset_at(p->dataset[item->dataset].data, item->document)->id);
	fot_table_set_text(t, row, "status", status);
	return row;
}

static void failed(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table)
{
	key_row(p, item, "failed", table);
}

/* The text around a token, in three pieces. */
struct pieces {
	struct fot_str before, text, after;
};

static void pieces_release(struct pieces *p)
{
	fot_str_release(&p->before);
	fot_str_release(&p->text);
	fot_str_release(&p->after);
}

static bool begins(const struct fot_str *s, const struct fot_str *with)
{
	return with->len <= s->len && (with->len == 0 || memcmp(s->data, with->data, with->len) == 0);
}

/* Decoding drops a space at the very front, so pieces are cut out of the text that begins where the
 * context does; but for a character that a cut goes through, which each piece then shows on its own. */
static int cut_pieces(struct pieces *p, const struct fot_tokenizer *t, const int32_t *ids, size_t before, size_t n,
		      struct fot_err *err)
{
	struct fot_str with = FOT_STR_INIT, all = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_tokenizer_decode(t, &p->before, ids, before, err));
	FOT_TRY(fot_tokenizer_decode(t, &with, ids, before + 1, err));
	FOT_TRY(fot_tokenizer_decode(t, &all, ids, n, err));
	if (begins(&with, &p->before) && begins(&all, &with)) {
		fot_str_add(&p->text, with.data ? with.data + p->before.len : "", with.len - p->before.len);
		fot_str_add(&p->after, all.data ? all.data + with.len : "", all.len - with.len);
	} else {
		FOT_TRY(fot_tokenizer_decode(t, &p->text, ids + before, 1, err));
		FOT_TRY(fot_tokenizer_decode(t, &p->after, ids + before + 1, n - before - 1, err));
	}
	FOT_TRY(fot_task_printable(&p->before, err));
	FOT_TRY(fot_task_printable(&p->text, err));
	status = fot_task_printable(&p->after, err);
out:
	fot_str_release(&with);
	fot_str_release(&all);
	return status;
}

/* prefix: "" or "key_". */
static int put_text(struct fot_table *t, size_t row, const char *prefix, const struct fot_tokenizer *tokenizer,
		    const struct fot_ids *document, int64_t at, struct fot_err *err)
{
	static const char *const names[] = { "before", "text", "after" };
	int64_t from = at > TOKENS_BEFORE ? at - TOKENS_BEFORE : 0, left = (int64_t)document->n - at;
	int64_t to = left > TOKENS_BEHIND ? at + TOKENS_BEHIND + 1 : (int64_t)document->n;
	struct pieces p = { 0 };
	char column[32];
	int status;

	FOT_TRY(cut_pieces(&p, tokenizer, document->id + from, (size_t)(at - from), (size_t)(to - from), err));
	for (int i = 0; i < 3; i++) {
		const struct fot_str *piece = i == 0 ? &p.before : i == 1 ? &p.text : &p.after;

		snprintf(column, sizeof column, "%s%s", prefix, names[i]);
		fot_table_set_text(t, row, column, piece->data);
	}
	snprintf(column, sizeof column, "%sposition", prefix);
	fot_table_set_int(t, row, column, at);
	snprintf(column, sizeof column, "%stoken", prefix);
	fot_table_set_int(t, row, column, document->id[at]);
out:
	pieces_release(&p);
	return status;
}

/* --- one window that asks --- */

struct window {
	struct fot_worker *w;
	const struct fot_item *item;
	const struct fot_session_opts *opts;
	struct sampling x;
	const struct fot_ids *document;
	int64_t begin, from;     /* first token of the window, and of what is in sight in memory */
	const int64_t *position; /* [n] its queries */
	size_t n;
	int64_t *row;            /* [n] in the window */
	double *memory, *local;  /* masses of what is read: [slots, H, n, keys], [slots, H, n] */
	double *all, *all_local; /* and of all; the same arrays where all is read */
	int32_t *target;         /* [left] the tokens behind the queries, else -1 */
	double *nll;             /* [left] */
	int64_t keys, left;      /* left: tokens of the window that there are */
};

static const struct fot_config *config_of(const struct window *w)
{
	return fot_model_config(fot_plan_model_of(w->w->plan, w->item));
}

/* What one query reads at one head of one memory layer: of the kinds that search as knn does the best are found here, in all
 * scores, so that neighbours that were left out count in the focus score; what other kinds leave out only they know. */
static int retrieve(struct fot_retrieval *r, struct fot_retrieved *best, const struct window *w, size_t place,
		    struct fot_err *err)
{
	bool found = fot_memory_n_numbers(w->opts->mode) > 0;
	const double *score = (found ? w->memory : w->all) + place * (size_t)w->keys;
	int64_t top_k = fot_memory_kind(w->opts->mode)->counts ? w->opts->top_k : 0;

	return fot_retrieve(r, best, (size_t)w->x.shown, score, w->keys, top_k, (found ? w->local : w->all_local)[place],
			    err);
}

static void put_attended(const struct window *w, size_t q, const struct fot_attended *a, struct fot_table *t, size_t row)
{
	fot_table_set_int(t, row, "n_keys", w->keys);
	fot_table_set_real(t, row, "dense_mass", a->dense);
	fot_table_set_real(t, row, "mass_caught", a->caught);
	fot_table_set_real(t, row, "recall", a->recall);
	fot_table_set_real(t, row, "missed", a->missed);
	fot_table_set_real(t, row, "distracted", a->distracted);
	fot_table_set_real(t, row, "rest", a->rest);
	if (w->target[w->row[q]] >= 0)
		fot_table_set_real(t, row, "nll_nats", w->nll[w->row[q]]);
}

/* Rows of query q at one head of one memory layer. */
static int head_rows(const struct window *w, size_t q, int slot, int head, struct fot_retrieved *best,
		     struct fot_table *t, struct fot_err *err)
{
	const struct fot_config *c = config_of(w);
	const struct fot_tokenizer *tokenizer = fot_task_tokenizer(w->w->plan, w->item);
	size_t place = (size_t)(slot * c->n_heads + head) * w->n + q, first = place * (size_t)w->keys;
	struct fot_retrieval r;
	struct fot_attended a;
	int status;

	FOT_TRY(retrieve(&r, best, w, place, err));
	FOT_TRY(fot_attended(&a, w->all + first, w->all_local[place], w->memory + first, w->local[place], w->keys, err));
	for (size_t i = 0; i < r.n_best; i++) {
		size_t row = key_row(w->w->plan, w->item, "ok", t);

		fot_table_set_int(t, row, "layer", c->mem_layers[slot]);
		fot_table_set_int(t, row, "head", head);
		fot_table_set_real(t, row, "knn_score", r.knn_score);
		fot_table_set_int(t, row, "n_retrieved", r.n_retrieved);
		fot_table_set_int(t, row, "rank", (int64_t)i + 1);
		fot_table_set_real(t, row, "key_share", best[i].share);
		fot_table_set_real(t, row, "focus_score", best[i].focus);
		put_attended(w, q, &a, t, row);
		FOT_TRY(put_text(t, row, "", tokenizer, w->document, w->position[q], err));
		FOT_TRY(put_text(t, row, "key_", tokenizer, w->document, w->from + best[i].key, err));
	}
	status = fot_table_check(t, err);
out:
	return status;
}

static int window_rows(const struct window *w, struct fot_table *t, struct fot_err *err)
{
	const struct fot_config *c = config_of(w);
	struct fot_retrieved *best = fot_alloc((size_t)w->x.shown, sizeof *best);
	int status = best ? FOT_OK : FOT_NO_MEMORY(err, "samples");

	for (size_t q = 0; q < w->n && status == FOT_OK; q++)
		for (int slot = 0; slot < c->n_mem_layers && status == FOT_OK; slot++)
			for (int head = 0; head < c->n_heads && status == FOT_OK; head++)
				status = head_rows(w, q, slot, head, best, t, err);
	fot_free(best);
	return status;
}

/* Fill the memory with what is before the window; w->from and w->keys are what is in sight of it. */
static int fill(struct window *w, struct fot_err *err)
{
	struct fot_session *s = w->w->session;
	int64_t most = memory_of(&w->x), n = w->begin < most ? w->begin : most;
	int status;

	fot_session_reset(s);
	fot_session_reach(s, w->x.context_length - w->x.window);
	FOT_TRY(fot_session_feed(s, w->document->id + w->begin - n, (size_t)n, NULL, err));
	FOT_TRY(fot_session_commit(s, err));
	w->keys = fot_session_groups(s, 1);
	w->from = w->begin - w->keys;
out:
	return status;
}

static int take_room(struct window *w, struct fot_err *err)
{
	const struct fot_config *c = config_of(w);
	size_t heads = fot_size_mul((size_t)(c->n_mem_layers * c->n_heads), w->n);
	size_t masses = fot_size_mul(heads, (size_t)w->keys);
	bool all = reads_all(w->opts->mode);

	w->row = fot_alloc(w->n, sizeof *w->row);
	w->all_local = fot_alloc(heads, sizeof *w->all_local);
	w->all = fot_alloc(masses, sizeof *w->all);
	w->local = all ? w->all_local : fot_alloc(heads, sizeof *w->local);
	w->memory = all ? w->all : fot_alloc(masses, sizeof *w->memory);
	w->target = fot_alloc((size_t)w->left, sizeof *w->target);
	w->nll = fot_alloc((size_t)w->left, sizeof *w->nll);
	if (!w->row || !w->all_local || !w->all || !w->local || !w->memory || !w->target || !w->nll)
		return FOT_FAIL(err, FOT_ERR_RUN, "samples: out of memory for %zu queries of %lld keys", w->n,
				(long long)w->keys);
	for (int64_t i = 0; i < w->left; i++)
		w->target[i] = -1;
	for (size_t i = 0; i < w->n; i++) {
		w->row[i] = w->position[i] - w->begin;
		if (w->position[i] + 1 < (int64_t)w->document->n)
			w->target[w->row[i]] = w->document->id[w->position[i] + 1];
	}
	return FOT_OK;
}

static void give_room(struct window *w)
{
	bool all = reads_all(w->opts->mode); /* then both are one */

	fot_free(w->row);
	fot_free(w->all_local);
	fot_free(w->all);
	fot_free(all ? NULL : w->local);
	fot_free(all ? NULL : w->memory);
	fot_free(w->target);
	fot_free(w->nll);
}

/* The window's masses, of all entries or of those that the kind reads; the memory stays as it is. */
static int ask(struct window *w, bool all, struct fot_err *err)
{
	struct fot_mark mark = fot_session_mark(w->w->session);
	struct fot_masses masses = { .group = 1,
				     .all = all,
				     .row = w->row,
				     .n_rows = (int64_t)w->n,
				     .memory = all ? w->all : w->memory,
				     .local = all ? w->all_local : w->local };
	struct fot_want want = { .masses = &masses, .targets = w->target, .nll = w->nll };
	int status;

	FOT_TRY(fot_session_feed(w->w->session, w->document->id + w->begin, (size_t)w->left, &want, err));
	status = fot_session_rewind(w->w->session, mark, err);
out:
	return status;
}

static int look(struct window *w, struct fot_table *t, struct fot_err *err)
{
	int status;

	FOT_TRY(fill(w, err));
	w->left = (int64_t)w->document->n - w->begin;
	w->left = w->left < w->x.window ? w->left : w->x.window;
	FOT_TRY(take_room(w, err));
	FOT_TRY(ask(w, true, err));
	if (w->memory != w->all)
		FOT_TRY(ask(w, false, err));
	status = window_rows(w, t, err);
out:
	give_room(w);
	return status;
}

/* position: ascending and different, none in the first window. */
static int look_all(struct fot_worker *worker, const struct fot_item *item, const struct sampling *x,
		    const struct fot_ids *document, const int64_t *position, size_t n, struct fot_table *table,
		    struct fot_err *err)
{
	int status = FOT_OK;

	worker->asker.valid = false; /* the session holds other tokens now */
	for (size_t i = 0, last; i < n && status == FOT_OK; i = last) {
		struct window w = { .w = worker, .item = item, .opts = &worker->plan->condition[item->condition].opts, .x = *x,
				    .document = document, .position = position + i,
				    .begin = position[i] / x->window * x->window };

		for (last = i; last < n && position[last] / x->window * x->window == w.begin;)
			last++;
		w.n = last - i;
		status = look(&w, table, err);
	}
	return status;
}

static int evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table, cJSON *samples,
		    struct fot_err *err)
{
	const struct fot_plan *p = w->plan;
	struct sampling x = sampling_of(p, item->condition, item->task);
	size_t n = x.n ? x.n : (size_t)x.queries;
	int64_t *drawn = fot_alloc(n, sizeof *drawn);
	struct fot_ids ids = { 0 };
	int status;

	(void)samples;
	if (!drawn)
		return FOT_NO_MEMORY(err, "samples");
	FOT_TRY(fot_dataset_tokens(p->dataset[item->dataset].data, item->document, fot_task_tokenizer(p, item), p->store, &ids,
				   err));
	if (x.n)
		memcpy(drawn, x.position, n * sizeof *drawn);
	else
		n = fot_retrieval_positions(drawn, n, memory_of(&x), (int64_t)ids.n, p->spec->seed, item->document);
	if (n > 0 && drawn[n - 1] < (int64_t)ids.n)
		status = look_all(w, item, &x, &ids, drawn, n, table, err);
	else
		key_row(p, item, "skipped_short", table);
out:
	fot_ids_release(&ids);
	fot_free(drawn);
	return status;
}

/* --- the page ---
 *
 * Text comes from documents and may hold anything; it never begins a line, where more of it would be
 * markup than its door knows. */

/* The text around a token, from three columns, the token in bold. */
static void put_context(struct fot_str *out, const struct fot_table *t, size_t row, const char *before, const char *text,
			const char *after)
{
	fot_quote_markdown_text(out, fot_table_text(t, row, before));
	fot_str_puts(out, "<b>");
	fot_quote_markdown_text(out, fot_table_text(t, row, text));
	fot_str_puts(out, "</b>");
	fot_quote_markdown_text(out, fot_table_text(t, row, after));
}

static void put_title(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_puts(out, out->len ? "\n" : "");
	fot_str_puts(out, "# What the memory's queries retrieve\n\nModel ");
	fot_quote_markdown_text(out, fot_table_text(t, row, "model"));
	fot_str_puts(out, " (");
	fot_quote_markdown_text(out, fot_table_text(t, row, "model_variant"));
	fot_str_puts(out, "), memory ");
	fot_quote_markdown_text(out, fot_table_text(t, row, "memory_mode"));
	if (fot_table_has(t, row, "top_k"))
		fot_str_printf(out, ", the best %lld keys per query and head", (long long)fot_table_int(t, row, "top_k", 0));
	fot_str_printf(out, "; context of %lld tokens, %lld of them local; dataset ",
		       (long long)fot_table_int(t, row, "context_length", 0), (long long)fot_table_int(t, row, "window", 0));
	fot_quote_markdown_text(out, fot_table_text(t, row, "dataset"));
	fot_str_puts(out, ".\n\nThe query token, and each token that it retrieved, stand in bold in their text. kNN score: share of "
			  "the query's attention mass on all retrieved keys, the rest is on the local window. Share: what of the "
			  "mass is on this one. Focus score: mass on this key over the mass on it, the 32 keys before and the 32 "
			  "behind it. Distance: tokens from the retrieved token to the query.\n");
}

static void put_query(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_puts(out, "\n## Document ");
	fot_quote_markdown_text(out, fot_table_text(t, row, "doc_id"));
	fot_str_printf(out, ", token %lld\n\nQuery: ", (long long)fot_table_int(t, row, "position", 0));
	put_context(out, t, row, "before", "text", "after");
	fot_str_puts(out, "\n\n| layer | head | kNN score | retrieved | distance | share | focus score |\n"
			  "|---:|---:|---:|---|---:|---:|---:|\n");
}

/* Layer, head and kNN score stand in the first row of a head alone. */
static void put_row(struct fot_str *out, const struct fot_table *t, size_t row)
{
	long long distance = (long long)(fot_table_int(t, row, "position", 0) - fot_table_int(t, row, "key_position", 0));

	if (fot_table_int(t, row, "rank", 0) == 1)
		fot_str_printf(out, "| %lld | %lld | %.3f | ", (long long)fot_table_int(t, row, "layer", 0),
			       (long long)fot_table_int(t, row, "head", 0), fot_table_real(t, row, "knn_score", 0));
	else
		fot_str_puts(out, "| | | | ");
	put_context(out, t, row, "key_before", "key_text", "key_after");
	fot_str_printf(out, " | %lld | %.3f | %.3f |\n", distance, fot_table_real(t, row, "key_share", 0),
		       fot_table_real(t, row, "focus_score", 0));
}

/* A title each time the condition or the dataset changes; rows without a query are left out. */
static int print(struct fot_str *out, const struct fot_table *table, struct fot_err *err)
{
	static const char *const query[] = { "doc_id", "position", NULL }, *const dataset[] = { "dataset", NULL };
	size_t last = SIZE_MAX;

	for (size_t row = 0; row < table->n_rows; row++) {
		bool first;

		if (strcmp(fot_table_text(table, row, "status"), "ok") != 0)
			continue;
		first = last == SIZE_MAX || !fot_table_same_all(table, row, table, last, fot_condition_columns) ||
			!fot_table_same_all(table, row, table, last, dataset);
		if (first)
			put_title(out, table, row);
		if (first || !fot_table_same_all(table, row, table, last, query))
			put_query(out, table, row);
		put_row(out, table, row);
		last = row;
	}
	return fot_samples_loss(out, table, err);
}

/* --- what its rows hold --- */

static const struct fot_column columns[] = {
	{ "model", FOT_COLUMN_TEXT, false, "name of the model's folder" },
	{ "model_variant", FOT_COLUMN_TEXT, false, "training method, as in the rows of the task" },
	{ "memory_mode", FOT_COLUMN_TEXT, false, "kind of memory, as in a spec" },
	{ "top_k", FOT_COLUMN_INT, false, "keys retrieved per query and head, with memory_mode knn" },
	{ "mem_dtype", FOT_COLUMN_TEXT, false, "type of the stored keys and values: f32 or bf16" },
	{ "window", FOT_COLUMN_INT, false, "local window in tokens" },
	{ "context_length", FOT_COLUMN_INT, false, "local window plus memory, in tokens" },
	{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },
	{ "doc_id", FOT_COLUMN_TEXT, false, "document, unique in its dataset" },
	{ "position", FOT_COLUMN_INT, false, "place of the query token in the document's tokens, BOS included" },
	{ "token", FOT_COLUMN_INT, false, "id of the query token" },
	{ "before", FOT_COLUMN_TEXT, false, "text before the query token" },
	{ "text", FOT_COLUMN_TEXT, false, "text of the query token" },
	{ "after", FOT_COLUMN_TEXT, false, "text behind the query token, which it is to predict" },
	{ "layer", FOT_COLUMN_INT, false, "memory layer, from 0" },
	{ "head", FOT_COLUMN_INT, false, "head, from 0" },
	{ "knn_score", FOT_COLUMN_REAL, false, "share of the query's attention mass on retrieved keys" },
	{ "n_retrieved", FOT_COLUMN_INT, false, "retrieved keys: top_k, or with dense memory all" },
	{ "rank", FOT_COLUMN_INT, false, "1: the retrieved key with the most mass" },
	{ "key_position", FOT_COLUMN_INT, false, "place of the retrieved token in the document's tokens" },
	{ "key_token", FOT_COLUMN_INT, false, "id of the retrieved token" },
	{ "key_before", FOT_COLUMN_TEXT, false, "text before the retrieved token" },
	{ "key_text", FOT_COLUMN_TEXT, false, "text of the retrieved token" },
	{ "key_after", FOT_COLUMN_TEXT, false, "text behind the retrieved token" },
	{ "key_share", FOT_COLUMN_REAL, false, "share of the query's attention mass on this key" },
	{ "focus_score", FOT_COLUMN_REAL, false,
	  "mass on this key over the mass on it, the 32 keys before and the 32 behind it" },
	{ "run_id", FOT_COLUMN_TEXT, false, "identity of spec, models and data: equal inputs give equal run_id" },
	{ "memory_tokens", FOT_COLUMN_INT, false, "tokens of memory that a query can see" },
	{ "task", FOT_COLUMN_TEXT, false, "task name" },
	{ "tokenizer_sha256", FOT_COLUMN_TEXT, false, "tokenizer" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, skipped_short (no query has its memory before it), failed" },
	FOT_MEMORY_COLUMN,
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
	{ "n_keys", FOT_COLUMN_INT, FOT_COLUMN_LATE, "entries of the memory in sight of the query" },
	{ "dense_mass", FOT_COLUMN_REAL, FOT_COLUMN_LATE,
	  "share of the query's attention mass on the memory where all of it is read: dense" },
	{ "mass_caught", FOT_COLUMN_REAL, FOT_COLUMN_LATE, "share of dense_mass on entries that the kind reads" },
	{ "recall", FOT_COLUMN_REAL, FOT_COLUMN_LATE,
	  "share of the entries of most dense mass, as many as the kind reads, that it reads" },
	{ "missed", FOT_COLUMN_REAL, FOT_COLUMN_LATE,
	  "share of the query's dense attention mass on entries that are not read; distracted plus rest" },
	{ "distracted", FOT_COLUMN_REAL, FOT_COLUMN_LATE,
	  "what of it goes to entries that are read and are none of those that recall counts" },
	{ "rest", FOT_COLUMN_REAL, FOT_COLUMN_LATE, "what of it goes to those that it counts, and to the local keys" },
	{ "nll_nats", FOT_COLUMN_REAL, FOT_COLUMN_LATE,
	  "negative log-likelihood of the token behind the query; empty behind the last" },
};

const struct fot_schema fot_schema_samples = { "samples", "One row per query, memory layer, head and retrieved token shown.",
					       columns, FOT_COUNT(columns) };

/* --- spec and class --- */

#define OWN_SIZE(key, place, most, text, flag_name)                                                               \
	.name = key, .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, own[place].integer), .lo = 1, .hi = (most), \
	.dflt = text, .flag = flag_name, .arg = "N"

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	{ FOT_TASK_KEY_DATASETS, .required = true, .help = "documents that are asked: names, folders, .jsonl and .parquet files" },
	FOT_TASK_KEY_SPLIT,
	{ OWN_SIZE("context_length", CONTEXT, FOT_SPEC_TOKENS, "8192", "context-length"),
	  .help = "local window plus memory, in tokens" },
	{ .name = "documents", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, max_documents), .lo = 1,
	  .hi = FOT_SPEC_TOKENS, .dflt = "2", .flag = "documents", .arg = "N", .help = "most documents of each dataset" },
	{ OWN_SIZE("queries", QUERIES, MAX_QUERIES, "4", "queries"), .help = "query tokens drawn per document" },
	{ .name = "positions", .type = &fot_key_sizes,
	  FOT_KEY_LIST(struct fot_task_spec, own[POSITIONS].sizes, own[N_POSITIONS].count), .lo = 1, .hi = FOT_SPEC_TOKENS,
	  .only_if_set = true, .unset = "drawn", .flag = "positions", .arg = "LIST",
	  .help = "these query tokens of each document instead, counted from 0" },
	{ OWN_SIZE("retrieved", SHOWN, 1 << 20, "3", "retrieved"), .help = "retrieved tokens shown per query and head" },
};

const struct fot_task_class fot_task_samples = {
	FOT_TASK_NAMED(samples),
	.about = "what the memory's queries retrieve, with its text",
	.usage = "samples -m DIR -d DATASETS --memory dense -o DIR [options]",
	.help = "What the memory's queries retrieve: for query tokens of held-out documents, the tokens with the most\n"
		"attention mass in their text, the share of the mass that is on retrieved keys (kNN score) and how much\n"
		"of it stays on one key among its neighbours (focus score), per memory layer and head; samples.md to read,\n"
		"samples.csv to compute with.",
	.version = VERSION,
	.page = "samples.md",
	.print = print,
	.needs_tokenizer = true,
	.conventions = "the retrieved keys with the most attention mass, per query, memory layer and head",
	.items = items,
	.memory = memory,
	.cost = cost,
	.evaluate = evaluate,
	.failed = failed,
};
