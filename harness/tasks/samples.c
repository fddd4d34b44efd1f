/* samples.c: see samples.h. */
#include "harness/tasks/samples.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/run/task_class.h"
#include "tasks/retrieved.h"
#include "model/attach.h"
#include "model/memory.h"

#define TOKENS_BEFORE 24 /* of the text around a token */
#define TOKENS_BEHIND 12

int64_t fot_samples_memory(const struct fot_sampler *s)
{
	int64_t w = s->opts.window;

	return (s->context_length - w + w - 1) / w * w;
}

int64_t fot_samples_first(const struct fot_sampler *s)
{
	return fot_samples_memory(s);
}

/* --- text --- */

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
	const struct fot_sampler *s;
	const char *doc_id;
	const struct fot_ids *document;
	int64_t begin, from;     /* first token of the window, and of what is in sight in memory */
	const int64_t *position; /* [n] its queries */
	size_t n;
	int64_t *row;            /* [n] in the window */
	double *memory, *local;  /* masses: [slots, H, n, keys], [slots, H, n] */
	int64_t keys;
};

static void shared_cells(struct fot_table *t, size_t row, const struct window *w)
{
	const struct fot_sampler *s = w->s;
	const struct fot_memory_ops *kind = fot_memory_kind(s->opts.search);
	struct fot_str name = FOT_STR_INIT;

	fot_path_base(&name, fot_model_dir(s->model));
	fot_table_set_text(t, row, "model", name.data);
	fot_str_release(&name);
	fot_table_set_text(t, row, "model_variant", s->variant);
	fot_table_set_text(t, row, "memory_mode", kind->word);
	if (kind->counts)
		fot_table_set_int(t, row, "top_k", s->opts.top_k);
	fot_table_set_text(t, row, "mem_dtype", fot_memory_dtype_name(s->opts.mem_dtype));
	fot_table_set_text(t, row, "compute", fot_compute_words[s->opts.compute]);
	fot_table_set_int(t, row, "window", s->opts.window);
	fot_table_set_int(t, row, "context_length", s->context_length);
	fot_table_set_text(t, row, "dataset", s->dataset);
	fot_table_set_text(t, row, "doc_id", w->doc_id);
}

/* Rows of query q at one head of one memory layer. */
static int head_rows(const struct window *w, size_t q, int slot, int head, struct fot_retrieved *best,
		     struct fot_table *t, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(w->s->model);
	const struct fot_tokenizer *tokenizer = fot_model_tokenizer(w->s->model);
	size_t place = (size_t)(slot * c->n_heads + head) * w->n + q;
	int64_t top_k = fot_memory_kind(w->s->opts.search)->counts ? w->s->opts.top_k : 0;
	struct fot_retrieval r;
	int status;

	FOT_TRY(fot_retrieve(&r, best, (size_t)w->s->shown, w->memory + place * (size_t)w->keys, w->keys, top_k,
			     w->local[place], err));
	for (size_t i = 0; i < r.n_best; i++) {
		size_t row = fot_table_add(t);

		shared_cells(t, row, w);
		fot_table_set_int(t, row, "layer", c->mem_layers[slot]);
		fot_table_set_int(t, row, "head", head);
		fot_table_set_real(t, row, "knn_score", r.knn_score);
		fot_table_set_int(t, row, "n_retrieved", r.n_retrieved);
		fot_table_set_int(t, row, "rank", (int64_t)i + 1);
		fot_table_set_real(t, row, "key_share", best[i].share);
		fot_table_set_real(t, row, "focus_score", best[i].focus);
		FOT_TRY(put_text(t, row, "", tokenizer, w->document, w->position[q], err));
		FOT_TRY(put_text(t, row, "key_", tokenizer, w->document, w->from + best[i].key, err));
	}
	status = fot_table_check(t, err);
out:
	return status;
}

static int window_rows(const struct window *w, struct fot_table *t, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(w->s->model);
	struct fot_retrieved *best = fot_alloc((size_t)w->s->shown, sizeof *best);
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
	const struct fot_sampler *s = w->s;
	int64_t most = fot_samples_memory(s), n = w->begin < most ? w->begin : most;
	int status;

	fot_session_reset(s->session);
	fot_session_reach(s->session, s->context_length - s->opts.window);
	FOT_TRY(fot_session_feed(s->session, w->document->id + w->begin - n, (size_t)n, NULL, err));
	FOT_TRY(fot_session_commit(s->session, err));
	w->keys = fot_session_groups(s->session, 1);
	w->from = w->begin - w->keys;
out:
	return status;
}

static int look(struct window *w, struct fot_table *t, struct fot_err *err)
{
	const struct fot_sampler *s = w->s;
	const struct fot_config *c = fot_model_config(s->model);
	size_t heads = (size_t)(c->n_mem_layers * c->n_heads), left;
	struct fot_masses masses = { .group = 1, .all = true, .n_rows = (int64_t)w->n };
	struct fot_want want = { .masses = &masses };
	int status;

	FOT_TRY(fill(w, err));
	left = w->document->n - (size_t)w->begin;
	left = left < (size_t)s->opts.window ? left : (size_t)s->opts.window;
	w->row = fot_alloc(w->n, sizeof *w->row);
	w->local = fot_alloc(fot_size_mul(heads, w->n), sizeof *w->local);
	w->memory = fot_alloc(fot_size_mul(fot_size_mul(heads, w->n), (size_t)w->keys), sizeof *w->memory);
	if (!w->row || !w->local || !w->memory) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "samples: out of memory for %zu queries of %lld keys", w->n,
				  (long long)w->keys);
		goto out;
	}
	for (size_t i = 0; i < w->n; i++)
		w->row[i] = w->position[i] - w->begin;
	masses.row = w->row;
	masses.memory = w->memory;
	masses.local = w->local;
	FOT_TRY(fot_session_feed(s->session, w->document->id + w->begin, left, &want, err));
	status = window_rows(w, t, err);
out:
	fot_free(w->row);
	fot_free(w->local);
	fot_free(w->memory);
	return status;
}

int fot_samples_document(const struct fot_sampler *s, const char *doc_id, const struct fot_ids *document,
			 const int64_t *position, size_t n, struct fot_table *table, struct fot_err *err)
{
	int64_t window = s->opts.window;
	int status = FOT_OK;

	for (size_t i = 0, last; i < n && status == FOT_OK; i = last) {
		struct window w = { .s = s, .doc_id = doc_id, .document = document, .position = position + i,
				    .begin = position[i] / window * window };

		for (last = i; last < n && position[last] / window * window == w.begin;)
			last++;
		w.n = last - i;
		status = look(&w, table, err);
	}
	return status;
}
