/* session.c: the timeline: opening, feeding, memory, marks.
 *
 * A feed is cut where windows end; each piece goes through the layers together
 * (session_layers.c).  Windows of which nothing is asked go straight to the memory where
 * that is possible, several at once, or out of the cache of windows.
 * With cached windows (Transformer-XL) a window that ends moves in front of the next one, in
 * every layer; its keys are rotated back by its length, so that the local window always
 * begins at position 0 and the past has negative positions.
 * Invariants: local caches hold n_local rows of every layer (only up to the last
 * memory layer's keys and values for a window of which nothing was asked, which is
 * full then and can only leave); memories hold mem_len entries, or none with search
 * none. */
#include "model/session_priv.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "model/dtype.h"
#include "model/ops.h"

/* Weights of small models are widened once, those of large ones tile by tile. */
#define WIDEN_MAX_BYTES ((size_t)1 << 30)
/* Windows that go to the memory together. */

/* ---- opening --------------------------------------------------------- */

void fot_session_opts_default(struct fot_session_opts *o, const struct fot_model *m)
{
	const struct fot_config *c = fot_model_config(m);

	bool memory = c->n_mem_layers > 0 && c->cached_windows == 0;

	*o = (struct fot_session_opts){ .search = memory ? c->search : FOT_SEARCH_NONE, .top_k = c->top_k,
					.mem_dtype = c->mem_dtype, .window = c->window, .n_threads = 1 };
}

static float *take(struct fot_layout *y, int64_t count)
{
	return fot_layout_take(y, count, sizeof(float));
}

static size_t widened_bytes(const struct fot_config *c)
{
	return fot_size_mul((size_t)fot_config_parameters(c) + 16 * fot_config_tensors(c, NULL), sizeof(float));
}

static int64_t imax(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Numbers in all norms, temperatures and gates. */
static int64_t vector_numbers(const struct fot_config *c)
{
	return (int64_t)c->hidden_size * (2 * c->n_layers + 1) + 2 * (int64_t)c->n_heads * c->n_layers;
}

/* Largest matrix tile that a non-float checkpoint needs widened. */
static int64_t widest_tile(const struct fot_config *c)
{
	int64_t D = c->hidden_size, F = c->intermediate_size;

	return FOT_LINEAR_COLS * imax(D, F);
}

/* Windows of which nothing is asked are independent of each other. */
static bool takes_alone(const struct fot_config *c, const struct fot_session_opts *o)
{
	return o->search != FOT_SEARCH_NONE && c->n_mem_layers == 1 && !o->no_skip;
}

static void lay_alone(struct fot_layout *y, struct rows *r, const struct fot_config *c, int64_t window)
{
	int64_t n = window * c->hidden_size;

	r->x = take(y, n);
	r->q = take(y, n);
	r->o = take(y, n);
	r->k = take(y, n);
	r->v = take(y, n);
	r->k_ctx = c->mem_positionals ? take(y, n) : r->k;
}

static void lay_scratch(struct fot_layout *y, struct scratch *s, const struct fot_config *c,
			const struct fot_session_opts *o, int64_t window, bool wide)
{
	int64_t D = c->hidden_size, F = c->intermediate_size;
	float *attn;

	if (takes_alone(c, o) || o->apart)
		lay_alone(y, &s->alone, c, window);

	s->xn = take(y, FOT_TILE_Q * D);
	s->g = take(y, FOT_TILE_Q * F);
	s->u = take(y, FOT_TILE_Q * F);
	s->logits = take(y, FOT_TILE_Q * (int64_t)c->vocab_size);
	s->widened = take(y, wide ? 0 : widest_tile(c));
	attn = take(y, fot_attn_need(c->head_dim, 0));
	if (attn)
		fot_attn_bind(&s->attn, attn, c->head_dim, 0);
	s->o_mem = take(y, c->mix == FOT_MIX_GATE ? FOT_TILE_Q * c->head_dim : 0);
	if (o->search != FOT_SEARCH_NONE)
		fot_memory_scratch_lay(&s->mem, y, c->head_dim, o->mem_dtype,
				       o->search == FOT_SEARCH_TOPK ? o->top_k : 0);
}

/* Rows of the local window, with room for the past before them. */
static float *take_local(struct fot_layout *y, int64_t past, int64_t local)
{
	float *rows = take(y, past + local);

	return rows ? rows + past : NULL;
}

/* The one list of everything a session holds. */
static void lay_out(struct fot_layout *y, struct fot_session *s)
{
	const struct fot_config *c = &s->cfg;
	int64_t D = c->hidden_size, W = s->window;
	bool wide = widened_bytes(c) <= WIDEN_MAX_BYTES;

	s->wide = wide ? take(y, (int64_t)(widened_bytes(c) / sizeof(float))) : NULL;
	s->vectors = wide ? NULL : take(y, vector_numbers(c));
	for (int l = 0; l < c->n_layers; l++) {
		struct layer *a = &s->layer[l];
		bool keeps = fot_config_is_mem_layer(c, l) && s->opts.search != FOT_SEARCH_NONE;

		a->k_local = take_local(y, s->past_max * D, W * D);
		a->v_local = take_local(y, s->past_max * D, W * D);
		a->k_ctx = keeps && c->mem_positionals ? take(y, W * D) : a->k_local;
		if (keeps)
			fot_memory_lay(&a->memory, y, c->n_heads, c->head_dim, s->opts.mem_max, s->opts.mem_dtype);
		a->memory.decay = s->opts.mem_decay;
		a->memory.unit = c->window;
	}
	for (int t = 0; t < s->opts.n_threads; t++)
		lay_scratch(y, &s->scratch[t], c, &s->opts, W, wide);
	if (takes_alone(c, &s->opts))
		fot_window_cache_lay(&s->cache, y, s->opts.cache_windows, W, D);
	s->x = take(y, W * D);
	s->q = take(y, W * D);
	s->o = take(y, W * D);
	s->rope_cos = take(y, (W + 1) * c->head_dim / 2);
	s->rope_sin = take(y, (W + 1) * c->head_dim / 2);
	s->failed = fot_layout_take(y, W / FOT_TILE_Q + 1, sizeof *s->failed);
}

int fot_session_check(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);

	if (o->n_threads < 1 || o->n_threads > FOT_SESSION_THREADS_MAX)
		return FOT_FAIL(err, FOT_ERR_USAGE, "threads: expected 1 to %d, got %d", FOT_SESSION_THREADS_MAX,
				o->n_threads);
	if (o->window < 0 || o->window > 1 << 24)
		return FOT_FAIL(err, FOT_ERR_USAGE, "window: expected 1 to %d tokens, got %d", 1 << 24, o->window);
	if (o->search != FOT_SEARCH_NONE && c->n_mem_layers == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "memory: the model has no memory layers");
	if (o->search != FOT_SEARCH_NONE && c->cached_windows)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory: a model with cached windows (Transformer-XL) has no other: expected none");
	if (o->search == FOT_SEARCH_TOPK && (o->top_k < 1 || o->top_k > FOT_TOP_K_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "top-k: expected 1 to %d, got %d", FOT_TOP_K_MOST, o->top_k);
	if (o->mem_dtype != FOT_F32 && o->mem_dtype != FOT_BF16)
		return FOT_FAIL(err, FOT_ERR_USAGE, "mem-dtype: expected f32 or bf16, got %s",
				fot_dtype_name(o->mem_dtype));
	if (!(o->mem_decay >= 0 && o->mem_decay <= FOT_MEM_DECAY_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "mem-decay: expected 0 to %g, got %g", FOT_MEM_DECAY_MOST, o->mem_decay);
	if (o->mem_max < 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "memory: expected 0 tokens or more, got %lld", (long long)o->mem_max);
	return FOT_OK;
}

/* A session without memory behind it: for the estimate and as first step of opening. */
static int allocate_shell(struct fot_session *s, const struct fot_model *m, const struct fot_session_opts *o,
			  struct fot_err *err)
{
	*s = (struct fot_session){ .model = m, .cfg = *fot_model_config(m), .opts = *o, .reach = INT64_MAX,
				   .last_mem = -1 };
	s->window = o->window ? o->window : s->cfg.window;
	if (o->search != FOT_SEARCH_NONE)
		s->last_mem = s->cfg.mem_layers[s->cfg.n_mem_layers - 1];
	s->past_max = s->cfg.cached_windows * s->window;
	s->last_kept = s->past_max ? s->cfg.n_layers - 1 : s->last_mem;
	s->layer = fot_calloc((size_t)s->cfg.n_layers, sizeof *s->layer);
	s->scratch = fot_calloc((size_t)o->n_threads, sizeof *s->scratch);
	if (!s->layer || !s->scratch)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	return FOT_OK;
}

static void release_shell(struct fot_session *s)
{
	fot_arena_release(&s->arena);
	fot_free(s->layer);
	fot_free(s->scratch);
}

size_t fot_session_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	struct fot_session s;
	struct fot_layout y = { 0 };

	if (fot_session_check(m, o, NULL) != FOT_OK)
		return 0;
	if (allocate_shell(&s, m, o, NULL) == FOT_OK)
		lay_out(&y, &s);
	release_shell(&s);
	return y.need;
}

/* One tensor: widened into s->wide at *at; of a large model only vectors are,
 * into s->vectors, and matrices stay where they are mapped. */
static struct fot_tensor weight_of(struct fot_session *s, const struct fot_tensor_spec *spec, int64_t *at)
{
	struct fot_tensor t = *fot_weights_find(fot_model_weights(s->model), spec->name);
	float *to = s->wide ? s->wide : s->vectors;

	if (!s->wide && spec->cols)
		return t;
	fot_widen(to + *at, t.data, t.dtype, (size_t)t.n);
	t.data = to + *at;
	t.dtype = FOT_F32;
	*at += s->wide ? (t.n + 15) / 16 * 16 : t.n;
	return t;
}

static void place_weight(struct fot_session *s, const struct fot_tensor_spec *spec, const struct fot_tensor *t)
{
	struct layer *a = spec->layer >= 0 ? &s->layer[spec->layer] : NULL;
	const float **vectors[FOT_ROLE_COUNT] = { [FOT_ROLE_NORM] = &s->norm };
	struct fot_linear *matrices[FOT_ROLE_COUNT] = { [FOT_ROLE_HEAD] = &s->head };

	if (a) {
		vectors[FOT_ROLE_ATTN_NORM] = &a->norm1;
		vectors[FOT_ROLE_MLP_NORM] = &a->norm2;
		vectors[FOT_ROLE_QK_SCALE] = &a->log_scale;
		vectors[FOT_ROLE_GATE_BIAS] = &a->mem_gate;
		matrices[FOT_ROLE_Q] = &a->q;
		matrices[FOT_ROLE_K] = &a->k;
		matrices[FOT_ROLE_V] = &a->v;
		matrices[FOT_ROLE_O] = &a->o;
		matrices[FOT_ROLE_GATE] = &a->gate;
		matrices[FOT_ROLE_UP] = &a->up;
		matrices[FOT_ROLE_DOWN] = &a->down;
	}
	if (vectors[spec->role])
		*vectors[spec->role] = t->data;
	if (matrices[spec->role])
		*matrices[spec->role] = fot_linear_of(t);
}

static int place_weights(struct fot_session *s, struct fot_err *err)
{
	size_t n = fot_config_tensors(&s->cfg, NULL);
	struct fot_tensor_spec *spec = fot_calloc(n, sizeof *spec);
	int64_t at = 0;

	if (!spec)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	fot_config_tensors(&s->cfg, spec);
	for (size_t i = 0; i < n; i++) {
		struct fot_tensor t = weight_of(s, &spec[i], &at);

		place_weight(s, &spec[i], &t);
		if (spec[i].role != FOT_ROLE_EMBED)
			continue;
		s->embed = fot_weights_find(fot_model_weights(s->model), spec[i].name);
		s->embed_f32 = s->wide ? t.data : NULL;
		if (s->cfg.tie_embeddings)
			s->head = fot_linear_of(&t);
	}
	for (int l = 0; l < s->cfg.n_layers; l++) {
		s->layer[l].mem = fot_config_is_mem_layer(&s->cfg, l) && s->opts.search != FOT_SEARCH_NONE;
		s->layer[l].rotates = s->cfg.mem_positionals || !fot_config_is_mem_layer(&s->cfg, l);
	}
	fot_free(spec);
	return FOT_OK;
}

int fot_session_open(struct fot_session **out, const struct fot_model *m, const struct fot_session_opts *o,
		     struct fot_err *err)
{
	struct fot_layout y = { 0 };
	struct fot_session *s;
	int status;

	status = fot_session_check(m, o, err);
	if (status != FOT_OK)
		return status;
	s = fot_calloc(1, sizeof *s);
	if (!s)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	openblas_set_num_threads(1); /* one call per tile, from our own threads */
	FOT_TRY(allocate_shell(s, m, o, err));
	lay_out(&y, s);
	FOT_TRY(fot_arena_init(&s->arena, y.need, err));
	y.arena = &s->arena;
	lay_out(&y, s);
	FOT_TRY(place_weights(s, err));
	fot_rope_table(s->rope_cos, s->rope_sin, s->window + 1, s->cfg.head_dim, s->cfg.rope_theta);
out:
	if (status == FOT_OK)
		*out = s;
	else
		fot_session_close(s);
	return status;
}

void fot_session_close(struct fot_session *s)
{
	if (!s)
		return;
	release_shell(s);
	fot_free(s);
}

/* ---- what was asked -------------------------------------------------- */

static bool logits_asked(const struct fot_want *w, int64_t i)
{
	return w->logits && i >= w->logits_from && (!w->logit_rows || w->logit_rows[i]);
}

static bool row_asked(const struct fot_want *w, int64_t i)
{
	return w && ((w->targets && w->targets[i] >= 0) || logits_asked(w, i) || (w->argmax && !w->targets));
}

static bool any_asked(const struct fot_want *w, int64_t from, int64_t n)
{
	for (int64_t i = from; i < from + n; i++)
		if (row_asked(w, i))
			return true;
	return false;
}

static int32_t argmax(const float *x, int64_t n)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return (int32_t)best;
}

/* Answer row i of the feed from its logits; false when they are not finite. */
static bool answer(const struct fot_want *w, int64_t i, const float *logits, int64_t V)
{
	int64_t bad = 0;

	if (logits_asked(w, i))
		memcpy(w->logits + (i - w->logits_from) * V, logits, sizeof(float) * (size_t)V);
	if (w->argmax)
		w->argmax[i] = argmax(logits, V);
	if (w->nll && w->targets && w->targets[i] >= 0)
		w->nll[i] = fot_xent(NULL, logits, V, w->targets[i], 0);
	for (int64_t c = 0; c < V; c++)
		bad += !isfinite(logits[c]);
	return bad == 0;
}

/* Row tile `tile` of a piece that starts at row `first` of the feed and came out as x; false when a
 * logit is not finite. */
static bool answer_tile(const struct fot_session *s, const float *x, const struct piece *p, int64_t tile, int64_t first,
			const struct fot_want *w, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, V = s->cfg.vocab_size, r0 = tile * FOT_TILE_Q, n = session_tile_rows(p, tile);
	bool good = true;

	if (!any_asked(w, first + r0, n))
		return true;
	fot_rmsnorm_forward(t->xn, NULL, x + r0 * D, s->norm, n, D, s->cfg.rms_norm_eps);
	fot_linear_forward(t->logits, t->xn, n, &s->head, 0, t->widened);
	for (int64_t i = 0; i < n; i++)
		if (row_asked(w, first + r0 + i))
			good &= answer(w, first + r0 + i, t->logits + i * V, V);
	return good;
}

static int answer_piece(struct fot_session *s, const struct piece *p, int64_t first, const struct fot_want *w,
			struct fot_err *err)
{
	int64_t tiles = (p->n + FOT_TILE_Q - 1) / FOT_TILE_Q;

	if (!any_asked(w, first, p->n))
		return FOT_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(s->opts.n_threads)
	for (int64_t i = 0; i < tiles; i++)
		s->failed[i] = !answer_tile(s, s->x, p, i, first, w, &s->scratch[omp_get_thread_num()]);
	for (int64_t i = 0; i < tiles; i++)
		if (s->failed[i])
			return FOT_FAIL(err, FOT_ERR_RUN, "%s: a logit is not finite near token %lld of the feed",
					fot_model_dir(s->model), (long long)(first + i * FOT_TILE_Q));
	return FOT_OK;
}

/* ---- filling the memory ---------------------------------------------- */

/* A window's keys and values to entry `at` of the memory, which has room. */
static void place_window(struct fot_session *s, int64_t at, const float *k, const float *v)
{
	struct fot_memory m = s->layer[s->last_mem].memory;

	m.len = at;
	fot_memory_append(&m, k, v, s->cfg.hidden_size, s->window);
}

/* true: the window was in the cache, and is in the memory now. */
static bool recall_window(struct fot_session *s, const int32_t *tokens, int64_t at)
{
	int64_t slot = fot_window_cache_find(&s->cache, tokens), n = s->cache.window * s->cache.width;

	if (slot >= 0)
		place_window(s, at, s->cache.k + slot * n, s->cache.v + slot * n);
	return slot >= 0;
}

static void fill_window(struct fot_session *s, const int32_t *tokens, int64_t at)
{
	struct piece p = { .tokens = tokens, .n = s->window, .n_trunk = s->window, .skip = true };
	struct scratch *t = &s->scratch[omp_get_thread_num()];

	session_run_alone(s, &p, t);
	place_window(s, at, t->alone.k_ctx, t->alone.v);
	if (s->cache.slots) {
#pragma omp critical(window_cache)
		fot_window_cache_put(&s->cache, tokens, t->alone.k_ctx, t->alone.v);
	}
}

/* Up to FOT_CACHE_BATCH whole windows. */
static void fill_some(struct fot_session *s, const int32_t *tokens, int64_t n)
{
	int64_t missing[FOT_CACHE_BATCH], n_missing = 0, W = s->window;

	for (int64_t i = 0; i < n; i++)
		if (!recall_window(s, tokens + i * W, s->mem_len + i * W))
			missing[n_missing++] = i;
#pragma omp parallel for schedule(dynamic, 1) num_threads(s->opts.n_threads) if (n_missing > 1)
	for (int64_t i = 0; i < n_missing; i++)
		fill_window(s, tokens + missing[i] * W, s->mem_len + missing[i] * W);
	s->mem_len += n * W;
	s->layer[s->last_mem].memory.len = s->mem_len;
}

/* n_windows whole windows straight into the memory, which has room for them. */
static void fill_memory(struct fot_session *s, const int32_t *tokens, int64_t n_windows)
{
	for (int64_t i = 0; i < n_windows; i += FOT_CACHE_BATCH)
		fill_some(s, tokens + i * s->window, n_windows - i < FOT_CACHE_BATCH ? n_windows - i : FOT_CACHE_BATCH);
	s->window_no = ++s->serial;
}

/* ---- the timeline ---------------------------------------------------- */

/* The local window becomes the end of the past.  Padding stands before all that is real, so
 * where there is some nothing was cached before it, and it is left out. */
static void cache_window(struct fot_session *s, int64_t pads)
{
	int64_t D = s->cfg.hidden_size, past = pads ? 0 : s->n_past, keep = past + s->n_local - pads;

	if (keep > s->past_max)
		keep = s->past_max;
	for (int l = 0; l < s->cfg.n_layers; l++) {
		struct layer *a = &s->layer[l];
		float *k = a->k_local - keep * D, *v = a->v_local - keep * D;

		memmove(k, k + s->n_local * D, sizeof *k * (size_t)(keep * D));
		memmove(v, v + s->n_local * D, sizeof *v * (size_t)(keep * D));
		if (a->rotates)
			fot_rope_back(k, keep, s->cfg.n_heads, s->cfg.head_dim, s->rope_cos, s->rope_sin,
				      s->n_local - s->pad_shift);
	}
	s->n_past = keep;
}

/* Padding in front of the first real entry stays, because padding rows average over it;
 * behind one nothing ever sees it, and it is left out. */
int fot_session_commit(struct fot_session *s, struct fot_err *err)
{
	bool real = s->mem_len > s->mem_pads;
	int64_t pads = s->pads < s->n_local ? s->pads : s->n_local;
	int64_t skip = real ? pads : 0, n = s->n_local - skip, from = skip * s->cfg.hidden_size;

	if (s->n_local == 0)
		return FOT_OK;
	if (s->last_mem >= 0 && s->mem_len + n > s->opts.mem_max)
		return FOT_FAIL(err, FOT_ERR_RUN, "memory is full: room for %lld tokens, needed %lld",
				(long long)s->opts.mem_max, (long long)(s->mem_len + n));
	for (int l = 0; l <= s->last_mem; l++) {
		struct layer *a = &s->layer[l];

		if (!a->mem)
			continue;
		a->memory.len = s->mem_len;
		fot_memory_append(&a->memory, a->k_ctx + from, a->v_local + from, s->cfg.hidden_size, n);
	}
	if (s->past_max)
		cache_window(s, pads);
	s->mem_len += n;
	s->mem_pads += real ? 0 : pads;
	s->n_local = s->pads = s->pad_shift = 0;
	s->window_no = ++s->serial;
	return FOT_OK;
}

static int check_tokens(const struct fot_session *s, const int32_t *tokens, size_t n, const struct fot_want *w,
			struct fot_err *err)
{
	for (size_t i = 0; i < n; i++) {
		bool token = tokens[i] < 0 || tokens[i] >= s->cfg.vocab_size;

		if (token || (w && w->targets && w->targets[i] >= s->cfg.vocab_size))
			return FOT_FAIL(err, FOT_ERR_INPUT, "token %zu: id %d is outside the vocabulary of %d", i,
					token ? tokens[i] : w->targets[i], s->cfg.vocab_size);
	}
	return FOT_OK;
}

/* Whole windows from the feed's token `from` on that can go straight to the memory: nothing is
 * asked of them and more follows, so that they would leave the local context anyway. */
static int64_t windows_alone(const struct fot_session *s, int64_t from, int64_t all, const struct fot_want *want)
{
	int64_t W = s->window, n = 0, room = (s->opts.mem_max - s->mem_len) / W;

	if (!takes_alone(&s->cfg, &s->opts) || s->n_local > 0 || s->pads > 0)
		return 0;
	while (n < room && from + (n + 1) * W < all && !any_asked(want, from + n * W, W))
		n++;
	return n;
}

static int check_masses(const struct fot_session *s, const struct fot_masses *m, int64_t n, struct fot_err *err)
{
	if (m->group < 1 || s->last_mem < 0 || s->pads > 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "masses: expected groups of 1 or more, a memory and no padding");
	if (s->n_local + n > s->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"masses: expected tokens of one window of %lld, got %lld behind %lld", (long long)s->window,
				(long long)n, (long long)s->n_local);
	for (int64_t i = 0; i < m->n_rows; i++)
		if (m->row[i] < 0 || m->row[i] >= n || (i > 0 && m->row[i] <= m->row[i - 1]))
			return FOT_FAIL(err, FOT_ERR_USAGE, "masses: expected ascending rows below %lld, got %lld",
					(long long)n, (long long)m->row[i]);
	return FOT_OK;
}

/* Tokens before the first branch. */
static int64_t trunk_of(const struct fot_want *want, int64_t n)
{
	int64_t trunk = 0;

	if (!want || !want->branch)
		return n;
	while (trunk < n && want->branch[trunk] < 0)
		trunk++;
	return trunk;
}

static int check_branches(const struct fot_session *s, const struct fot_want *want, int64_t n, struct fot_err *err)
{
	int64_t trunk = trunk_of(want, n);

	if (want->masses || s->pads > 0 || s->n_local + n > s->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"branches: expected no masses, no padding, and tokens of one window of %lld, got %lld behind %lld",
				(long long)s->window, (long long)n, (long long)s->n_local);
	for (int64_t i = trunk; i < n; i++)
		if (want->branch[i] != i && (i == trunk || want->branch[i] != want->branch[i - 1]))
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"branches: token %lld: expected to begin one or to go on with the one before, got %d",
					(long long)i, want->branch[i]);
	return FOT_OK;
}

/* What of the feed from token `from` on the window still holds. */
static struct piece next_piece(const struct fot_session *s, const int32_t *tokens, int64_t from, int64_t all,
			       const struct fot_want *want)
{
	struct piece p = { .tokens = tokens + from, .n = all - from, .n0 = s->n_local };

	if (p.n > s->window - p.n0)
		p.n = s->window - p.n0;
	p.n_trunk = trunk_of(want, p.n);
	if (want) {
		p.masses = want->masses;
		p.branch = want->branch;
	}
	p.skip = p.n0 + p.n_trunk == s->window && !any_asked(want, from, p.n) && !s->opts.no_skip;
	return p;
}

int fot_session_feed(struct fot_session *s, const int32_t *tokens, size_t n, const struct fot_want *want,
		     struct fot_err *err)
{
	int64_t done = 0, all = (int64_t)n, alone;
	int status;

	FOT_TRY(check_tokens(s, tokens, n, want, err));
	if (want && want->masses)
		FOT_TRY(check_masses(s, want->masses, all, err));
	if (want && want->branch)
		FOT_TRY(check_branches(s, want, all, err));
	while (done < all) {
		struct piece p;

		if (s->n_local == s->window)
			FOT_TRY(fot_session_commit(s, err));
		alone = windows_alone(s, done, all, want);
		if (alone > 0) {
			fill_memory(s, tokens + done, alone);
			done += alone * s->window;
			continue;
		}
		p = next_piece(s, tokens, done, all, want);
		session_embed(s, s->x, &p);
		session_run(s, &p);
		FOT_TRY(answer_piece(s, &p, done, want, err));
		s->n_local += p.n_trunk;
		done += p.n;
	}
out:
	return status;
}

static int check_apart(const struct fot_session *s, const struct fot_feed *f, struct fot_err *err)
{
	if (!fot_session_has_apart(s) || f->want.masses)
		return FOT_FAIL(err, FOT_ERR_USAGE, "feeds apart: expected room for them, no cached windows, padding or masses");
	if (s->n_local + (int64_t)f->n > s->window)
		return FOT_FAIL(err, FOT_ERR_USAGE, "feeds apart: expected at most %lld tokens behind %lld, got %zu",
				(long long)(s->window - s->n_local), (long long)s->n_local, f->n);
	return FOT_OK;
}

/* false: a logit is not finite. */
static bool feed_apart(struct fot_session *s, const struct fot_feed *f, struct scratch *t)
{
	struct piece p = next_piece(s, f->tokens, 0, (int64_t)f->n, &f->want);
	bool good = true;

	session_run_alone(s, &p, t);
	for (int64_t i = 0; i * FOT_TILE_Q < p.n; i++)
		good &= answer_tile(s, t->alone.x, &p, i, 0, &f->want, t);
	return good;
}

int fot_session_feed_apart(struct fot_session *s, const struct fot_feed *feed, size_t n_feeds, struct fot_err *err)
{
	size_t failed = n_feeds;
	int status = FOT_OK;

	for (size_t i = 0; i < n_feeds; i++) {
		FOT_TRY(check_apart(s, &feed[i], err));
		FOT_TRY(check_tokens(s, feed[i].tokens, feed[i].n, &feed[i].want, err));
		if (feed[i].want.branch)
			FOT_TRY(check_branches(s, &feed[i].want, (int64_t)feed[i].n, err));
	}
#pragma omp parallel for schedule(dynamic, 1) num_threads(s->opts.n_threads) reduction(min : failed)
	for (size_t i = 0; i < n_feeds; i++)
		if (!feed_apart(s, &feed[i], &s->scratch[omp_get_thread_num()]))
			failed = i < failed ? i : failed;
	if (failed < n_feeds)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: a logit is not finite in feed %zu of %zu",
				  fot_model_dir(s->model), failed, n_feeds);
out:
	return status;
}

void fot_session_reset(struct fot_session *s)
{
	s->n_local = s->pads = s->pad_shift = 0;
	s->mem_len = s->mem_pads = s->n_past = 0;
	s->window_no = ++s->serial;
}

void fot_session_pads(struct fot_session *s, int64_t rows, bool one_position)
{
	s->pads = rows;
	if (s->n_local == 0)
		s->pad_shift = one_position && rows > 0 ? rows - 1 : 0;
}

void fot_session_reach(struct fot_session *s, int64_t tokens)
{
	s->reach = tokens;
}

int64_t fot_session_groups(const struct fot_session *s, int64_t group)
{
	return (s->mem_len - session_mem_from(s) + group - 1) / group;
}

int64_t fot_session_mem_len(const struct fot_session *s)
{
	return s->mem_len;
}

int64_t fot_session_n_local(const struct fot_session *s)
{
	return s->n_local;
}

bool fot_session_has_apart(const struct fot_session *s)
{
	return s->opts.apart && s->past_max == 0 && s->pads == 0;
}

int64_t fot_session_sight(const struct fot_session *s)
{
	return s->past_max * s->cfg.n_layers;
}

struct fot_mark fot_session_mark(const struct fot_session *s)
{
	/* A full window stands at the start of the next one. */
	if (s->n_local == s->window)
		return (struct fot_mark){ .mem_len = s->mem_len + s->window, .window_no = s->window_no };
	return (struct fot_mark){ .mem_len = s->mem_len, .n_local = s->n_local, .window_no = s->window_no };
}

int fot_session_rewind(struct fot_session *s, struct fot_mark m, struct fot_err *err)
{
	if (m.n_local == 0 && m.mem_len == s->mem_len + s->window && s->n_local == s->window)
		return FOT_OK;
	if (m.n_local > 0 && m.window_no == s->window_no && m.mem_len == s->mem_len && m.n_local <= s->n_local) {
		s->n_local = m.n_local;
		return FOT_OK;
	}
	if (m.n_local > 0 || m.mem_len > s->mem_len || (s->past_max && m.mem_len < s->mem_len))
		return FOT_FAIL(err, FOT_ERR_RUN,
				"rewind: the window of the mark (memory %lld, local %lld) is gone: now memory %lld, local %lld",
				(long long)m.mem_len, (long long)m.n_local, (long long)s->mem_len,
				(long long)s->n_local);
	if (m.mem_len != s->mem_len)
		s->window_no = ++s->serial;
	s->mem_len = m.mem_len;
	s->mem_pads = s->mem_pads < m.mem_len ? s->mem_pads : m.mem_len;
	s->n_local = s->pads = s->pad_shift = 0;
	return FOT_OK;
}

#endif
