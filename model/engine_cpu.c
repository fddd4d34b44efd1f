/* engine_cpu.c: the engine of the host's cores: what it holds, filling, answers.
 *
 * Pieces go through the layers in engine_cpu_layers.c.  Windows of which nothing is asked go
 * straight to the memory, several at once, or out of the cache of windows.  The keys of a
 * cached past are rotated back by the length of the window that ends, so that the window behind it
 * begins at position 0. */
#include "model/engine_cpu.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <omp.h>
#include <string.h>

#include "base/file.h"
#include "model/blas.h"
#include "model/dtype.h"
#include "model/ops.h"

/* Computing in f32, weights of small models are widened once, those of large ones tile by tile. */
#define WIDEN_MAX_BYTES ((size_t)1 << 30)

/* ---- opening --------------------------------------------------------- */

static float *take(struct fot_layout *y, int64_t count)
{
	return fot_layout_take(y, count, sizeof(float));
}

static size_t widened_bytes(const struct fot_config *c)
{
	return fot_size_mul((size_t)fot_config_parameters(c) + 16 * fot_config_tensors(c, NULL),
			    sizeof(float));
}

static int64_t imax(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Numbers in all norms, temperatures and gates. */
static int64_t vector_numbers(const struct fot_config *c)
{
	int64_t q = fot_config_query_width(c), k = fot_config_key_width(c), layers = c->n_layers;
	int64_t biases = (c->qkv_bias ? q + 2 * k : 0) + (c->o_bias ? c->hidden_size : 0) +
			 (c->mlp_bias ? 2 * (int64_t)c->intermediate_size + c->hidden_size : 0);
	int64_t norms = c->qk_rms != FOT_QK_RMS_NONE ? q + k : 0;

	return (int64_t)c->hidden_size * (2 * layers + 1) +
	       (2 * (int64_t)c->n_heads + biases + norms) * layers;
}

/* Numbers that fot_linear needs beside a row tile. */
static int64_t linear_numbers(const struct fot_config *c, const struct fot_session_opts *o, bool wide)
{
	int64_t widest = imax(imax(c->hidden_size, c->intermediate_size), fot_config_query_width(c));

	return fot_linear_scratch(FOT_TILE_Q, widest, wide, o->compute == FOT_COMPUTE_BF16);
}

/* Are weights of this model widened once? */
static bool widens(const struct fot_config *c, const struct fot_session_opts *o)
{
	return o->compute == FOT_COMPUTE_F32 && widened_bytes(c) <= WIDEN_MAX_BYTES;
}

static void lay_alone(struct fot_layout *y, struct rows *r, const struct fot_config *c, int64_t window)
{
	int64_t queries = window * fot_config_query_width(c), keys = window * fot_config_key_width(c);

	r->x = take(y, window * c->hidden_size);
	r->q = take(y, queries);
	r->o = take(y, queries);
	r->k = take(y, keys);
	r->v = take(y, keys);
	r->k_ctx = c->mem_positionals ? take(y, keys) : r->k;
}

/* m: a memory that is read; NULL: none is. */
static void lay_scratch(struct fot_layout *y, struct scratch *s, const struct fot_config *c,
			const struct fot_session_opts *o, const struct fot_memory *m, int64_t window)
{
	int64_t D = c->hidden_size, F = c->intermediate_size;
	const struct fot_bf16_kernel *kernel = o->compute == FOT_COMPUTE_BF16 ? fot_bf16_kernel() : NULL;
	float *attn;

	if (fot_fills_alone(c, o) || o->apart)
		lay_alone(y, &s->alone, c, window);

	s->xn = take(y, FOT_TILE_Q * D);
	s->g = take(y, FOT_TILE_Q * F);
	s->u = take(y, FOT_TILE_Q * F);
	s->logits = take(y, FOT_TILE_Q * (int64_t)c->vocab_size);
	s->linear = take(y, linear_numbers(c, o, widens(c, o)));
	attn = take(y, fot_attn_need(c->head_dim, 0, kernel));
	if (attn)
		fot_attn_bind(&s->attn, attn, c->head_dim, 0, kernel);
	s->low = fot_layout_take(y, c->sliding_window ? FOT_TILE_Q : 0, sizeof *s->low);
	s->o_mem = take(y, c->mix == FOT_MIX_GATE ? FOT_TILE_Q * c->head_dim : 0);
	if (m)
		m->ops->lay_scratch(&s->mem, m, y);
}

/* Rows of the local window, with room for the past before them. */
static float *take_local(struct fot_layout *y, int64_t past, int64_t local)
{
	float *rows = take(y, past + local);

	return rows ? rows + past : NULL;
}

/* The list of what is made of the weights. */
static void lay_weights(struct fot_layout *y, struct cpu *e)
{
	const struct fot_config *c = &e->cfg;
	bool wide = widens(c, &e->opts), bf16 = e->opts.compute == FOT_COMPUTE_BF16;

	e->wide = wide ? take(y, (int64_t)(widened_bytes(c) / sizeof(float))) : NULL;
	e->vectors = wide ? NULL : take(y, vector_numbers(c));
	e->packed = bf16 ? fot_layout_take(y, fot_linear_packed(c, false), sizeof *e->packed) : NULL;
}

/* The one list of everything else that a session holds. */
static void lay_out(struct fot_layout *y, struct cpu *e)
{
	const struct fot_config *c = &e->cfg;
	int64_t DQ = e->query_width, DK = e->key_width, W = e->window;

	for (int l = 0; l < c->n_layers; l++) {
		struct layer *a = &e->layer[l];
		bool keeps = fot_config_is_mem_layer(c, l) && fot_memory_keeps(e->opts.mode);

		a->k_local = take_local(y, e->past_max * DK, W * DK);
		a->v_local = take_local(y, e->past_max * DK, W * DK);
		a->k_ctx = keeps && c->mem_positionals ? take(y, W * DK) : a->k_local;
		if (!keeps)
			continue;
		a->q_ctx = fot_memory_observes(e->opts.mode) ? take(y, W * DQ) : NULL;
		a->memory = fot_memory_of(c, &e->opts);
		a->memory.layer = l;
		a->memory.ops->lay(&a->memory, y);
	}
	for (int t = 0; t < e->opts.n_threads; t++)
		lay_scratch(y, &e->scratch[t], c, &e->opts,
			    e->last_mem < 0 ? NULL : &e->layer[e->last_mem].memory, W);
	if (fot_fills_alone(c, &e->opts))
		fot_window_cache_lay(&e->cache, y,
				     fot_memory_observes(e->opts.mode) ? 0 : e->opts.cache_windows, W, DK);
	e->x = take(y, W * c->hidden_size);
	e->q = take(y, W * DQ);
	e->o = take(y, W * DQ);
	e->rope_cos = take(y, (W + 1) * c->head_dim / 2);
	e->rope_sin = take(y, (W + 1) * c->head_dim / 2);
	e->failed = fot_layout_take(y, W / FOT_TILE_Q + 1, sizeof *e->failed);
}

/* All but the arrays: for the estimate and as first step of opening. */
static int allocate_shell(struct cpu *e, const struct fot_model *m, const struct fot_session_opts *o,
			  struct fot_err *err)
{
	*e = (struct cpu){ .model = m, .cfg = *fot_model_config(m), .opts = *o, .last_mem = -1 };
	e->opts.n_threads = o->crowd ? o->n_threads : fot_threads_at_once(o->n_threads);
	e->window = fot_session_window(m, o);
	if (o->rope_factor)
		e->cfg.rope = fot_config_interpolated(&e->cfg, o->rope, o->rope_factor);
	e->query_width = fot_config_query_width(&e->cfg);
	e->key_width = fot_config_key_width(&e->cfg);
	e->group = e->cfg.n_heads / fot_config_kv_heads(&e->cfg);
	e->cfg.mem_scale = o->mem_scale > 0 ? o->mem_scale : e->cfg.mem_scale;
	if (fot_memory_keeps(o->mode))
		e->last_mem = e->cfg.mem_layers[e->cfg.n_mem_layers - 1];
	e->past_max = e->cfg.cached_windows * e->window;
	e->last_kept = e->past_max ? e->cfg.n_layers - 1 : e->last_mem;
	e->layer = fot_calloc((size_t)e->cfg.n_layers, sizeof *e->layer);
	e->scratch = fot_calloc((size_t)e->opts.n_threads, sizeof *e->scratch);
	if (!e->layer || !e->scratch)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	return FOT_OK;
}

static void release_shell(struct cpu *e)
{
	if (e->weights && atomic_fetch_sub(&e->weights->users, 1) == 1) {
		fot_arena_release(&e->weights->arena);
		fot_free(e->weights);
	}
	fot_arena_release(&e->arena);
	fot_free(e->layer);
	fot_free(e->scratch);
}

static size_t cpu_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	struct fot_layout y = { 0 };
	struct cpu e;

	if (allocate_shell(&e, m, o, NULL) == FOT_OK) {
		lay_weights(&y, &e);
		lay_out(&y, &e);
	}
	release_shell(&e);
	return y.need;
}

static size_t cpu_common(const struct fot_model *m, const struct fot_session_opts *o)
{
	struct cpu e = { .cfg = *fot_model_config(m), .opts = *o };
	struct fot_layout y = { 0 };

	lay_weights(&y, &e);
	return y.need;
}

/* One tensor: widened into e->wide at *at; of a large model only vectors are,
 * into e->vectors, and matrices stay where they are mapped. made: that was done before. */
static struct fot_tensor weight_of(struct cpu *e, const struct fot_tensor_spec *spec, int64_t *at, bool made)
{
	struct fot_tensor t = *fot_weights_find(fot_model_weights(e->model), spec->name);
	float *to = e->wide ? e->wide : e->vectors;

	if (!e->wide && spec->cols)
		return t;
	if (!made)
		fot_widen(to + *at, t.data, t.dtype, (size_t)t.n);
	t.data = to + *at;
	t.dtype = FOT_F32;
	*at += e->wide ? (t.n + 15) / 16 * 16 : t.n;
	return t;
}

/* Matrix t packed; then its pages are needed no more. */
static void pack_matrix(const struct cpu *e, uint32_t *to, const struct fot_linear *l, const struct fot_tensor *t)
{
	size_t row = fot_dtype_size(t->dtype) * (size_t)t->shape[1];

#pragma omp parallel for schedule(dynamic, 1) num_threads(e->opts.n_threads)
	for (int64_t c = 0; c < l->out; c += FOT_BF16_PANEL)
		fot_bf16_pack_transposed(to + c * fot_bf16_pairs(l->in),
					 (const unsigned char *)t->data + row * (size_t)c, t->dtype,
					 l->out - c < FOT_BF16_PANEL ? l->out - c : FOT_BF16_PANEL, l->in);
	fot_map_unload(t->data, t->bytes);
}

/* Matrix t where it is, or packed behind the first *packed numbers. */
static void place_matrix(struct cpu *e, struct fot_linear *l, const struct fot_tensor *t, int64_t *packed,
			 bool made)
{
	*l = fot_linear_of(t);
	if (!e->packed)
		return;
	l->packed = e->packed + *packed;
	l->kernel = fot_bf16_kernel();
	if (!made)
		pack_matrix(e, e->packed + *packed, l, t);
	*packed += (int64_t)fot_bf16_packed(l->out, l->in);
}

static void place_weight(struct cpu *e, const struct fot_tensor_spec *spec, const struct fot_tensor *t,
			 int64_t *packed, bool made)
{
	struct layer *a = spec->layer >= 0 ? &e->layer[spec->layer] : NULL;
	const float **vectors[FOT_ROLE_COUNT] = { [FOT_ROLE_NORM] = &e->norm };
	struct fot_linear *matrices[FOT_ROLE_COUNT] = { [FOT_ROLE_HEAD] = &e->head };

	if (a) {
		vectors[FOT_ROLE_ATTN_NORM] = &a->norm1;
		vectors[FOT_ROLE_MLP_NORM] = &a->norm2;
		vectors[FOT_ROLE_ATTN_OUT_NORM] = &a->out_norm1;
		vectors[FOT_ROLE_MLP_OUT_NORM] = &a->out_norm2;
		vectors[FOT_ROLE_Q_NORM] = &a->q_norm;
		vectors[FOT_ROLE_K_NORM] = &a->k_norm;
		/* biases stand behind their matrices in the list */
		vectors[FOT_ROLE_Q_BIAS] = &a->q.bias;
		vectors[FOT_ROLE_K_BIAS] = &a->k.bias;
		vectors[FOT_ROLE_V_BIAS] = &a->v.bias;
		vectors[FOT_ROLE_O_BIAS] = &a->o.bias;
		vectors[FOT_ROLE_GATE_PROJ_BIAS] = &a->gate.bias;
		vectors[FOT_ROLE_UP_BIAS] = &a->up.bias;
		vectors[FOT_ROLE_DOWN_BIAS] = &a->down.bias;
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
		place_matrix(e, matrices[spec->role], t, packed, made);
}

/* made: the numbers are there. */
static int place_weights(struct cpu *e, bool made, struct fot_err *err)
{
	size_t n = fot_config_tensors(&e->cfg, NULL);
	struct fot_tensor_spec *spec = fot_calloc(n, sizeof *spec);
	int64_t at = 0, packed = 0;

	if (!spec)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	fot_config_tensors(&e->cfg, spec);
	for (size_t i = 0; i < n; i++) {
		struct fot_tensor t = weight_of(e, &spec[i], &at, made);

		place_weight(e, &spec[i], &t, &packed, made);
		if (spec[i].role != FOT_ROLE_EMBED)
			continue;
		e->embed = fot_weights_find(fot_model_weights(e->model), spec[i].name);
		e->embed_f32 = e->wide ? t.data : NULL;
		if (e->cfg.tie_embeddings)
			place_matrix(e, &e->head, &t, &packed, made);
	}
	for (int l = 0; l < e->cfg.n_layers; l++) {
		e->layer[l].mem = fot_config_is_mem_layer(&e->cfg, l) && fot_memory_keeps(e->opts.mode);
		e->layer[l].rotates = fot_config_rotates(&e->cfg, l);
		e->layer[l].sliding = e->cfg.slides[l] && e->cfg.sliding_window < e->window + e->past_max ?
					      e->cfg.sliding_window :
					      0;
	}
	fot_free(spec);
	return FOT_OK;
}

static void cpu_close(void *engine)
{
	struct cpu *e = engine;

	if (!e)
		return;
	release_shell(e);
	fot_free(e);
}

/* Those of another engine that computes alike, or room for its own. */
static int take_weights(struct cpu *e, const struct cpu *with, struct fot_err *err)
{
	struct fot_layout y = { 0 };
	int status;

	if (with) {
		e->weights = with->weights;
		e->wide = with->wide;
		e->vectors = with->vectors;
		e->packed = with->packed;
		atomic_fetch_add(&e->weights->users, 1);
		return FOT_OK;
	}
	e->weights = fot_calloc(1, sizeof *e->weights);
	if (!e->weights)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	atomic_init(&e->weights->users, 1);
	lay_weights(&y, e);
	FOT_TRY(fot_arena_init(&e->weights->arena, y.need, err));
	y.arena = &e->weights->arena;
	lay_weights(&y, e);
out:
	return status;
}

static int cpu_open_with(void **engine, const void *other, const struct fot_model *m,
			 const struct fot_session_opts *o, struct fot_err *err)
{
	const struct cpu *with = other && ((const struct cpu *)other)->opts.compute == o->compute ? other : NULL;
	struct fot_layout y = { 0 };
	struct cpu *e = fot_calloc(1, sizeof *e);
	struct fot_turning turning;
	int status;

	if (!e)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	FOT_TRY(allocate_shell(e, m, o, err));
	lay_out(&y, e);
	FOT_TRY(fot_arena_init(&e->arena, y.need, err));
	y.arena = &e->arena;
	lay_out(&y, e);
	FOT_TRY(take_weights(e, with, err));
	FOT_TRY(place_weights(e, with != NULL, err));
	turning = fot_config_turning(&e->cfg, e->window);
	e->key_factor = (float)fot_rope_attention(&turning);
	fot_rope_tables(e->rope_cos, e->rope_sin, e->window + 1, &turning);
out:
	if (status == FOT_OK)
		*engine = e;
	else
		cpu_close(e);
	return status;
}

static int cpu_open(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		    struct fot_err *err)
{
	return cpu_open_with(engine, NULL, m, o, err);
}

/* ---- pieces and their answers ---------------------------------------- */

/* Row tile `tile` of a piece that came out as x; false when a logit is not finite. Rows that are asked for have logits. */
static bool answer_tile(const struct cpu *e, const float *x, const struct fot_piece *p, int64_t tile,
			struct scratch *t)
{
	int64_t D = e->cfg.hidden_size, V = e->cfg.vocab_size, r0 = tile * FOT_TILE_Q,
		n = cpu_tile_rows(p, tile);
	int64_t first = p->first + r0, row[FOT_TILE_Q], n_asked = 0;
	bool good = true;

	for (int64_t i = 0; i < n; i++)
		if (fot_want_row(p->want, first + i))
			row[n_asked++] = i;
	for (int64_t i = 0; i < n_asked; i++)
		fot_rmsnorm_forward(t->xn + i * D, NULL, x + (r0 + row[i]) * D, e->norm, 1, D, e->cfg.rms_norm_eps);
	if (n_asked > 0)
		fot_linear_forward(t->logits, t->xn, n_asked, &e->head, 0, t->linear);
	for (int64_t i = 0; i < n_asked; i++)
		good &= fot_want_answer(p->want, first + row[i], t->logits + i * V, V);
	return good;
}

static int answer_piece(struct cpu *e, const struct fot_piece *p, struct fot_err *err)
{
	int64_t tiles = (p->n + FOT_TILE_Q - 1) / FOT_TILE_Q;

	if (!fot_want_any(p->want, p->first, p->n))
		return FOT_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(e->opts.n_threads)
	for (int64_t i = 0; i < tiles; i++)
		e->failed[i] = !answer_tile(e, e->x, p, i, &e->scratch[omp_get_thread_num()]);
	for (int64_t i = 0; i < tiles; i++)
		if (e->failed[i])
			return FOT_FAIL(err, FOT_ERR_RUN,
					"%s: a logit is not finite near token %lld of the feed",
					fot_model_dir(e->model), (long long)(p->first + i * FOT_TILE_Q));
	return FOT_OK;
}

static int cpu_run_piece(void *engine, const struct fot_place *at, const struct fot_piece *p,
			 struct fot_err *err)
{
	cpu_run(engine, at, p);
	return answer_piece(engine, p, err);
}

/* false: a logit is not finite. */
static bool feed_apart(const struct cpu *e, const struct fot_place *at, const struct fot_feed *f,
		       struct scratch *t)
{
	struct fot_piece p = fot_piece_next(at, f->tokens, 0, (int64_t)f->n, &f->want, !e->opts.no_skip);
	bool good = true;

	cpu_run_alone(e, at, &p, t);
	for (int64_t i = 0; i * FOT_TILE_Q < p.n; i++)
		good &= answer_tile(e, t->alone.x, &p, i, t);
	return good;
}

static int cpu_run_apart(void *engine, const struct fot_place *at, const struct fot_feed *feed,
			 size_t n_feeds, struct fot_err *err)
{
	struct cpu *e = engine;
	size_t failed = n_feeds;

	cpu_prepare(e, at, true);
#pragma omp parallel for schedule(dynamic, 1) num_threads(e->opts.n_threads) reduction(min : failed)
	for (size_t i = 0; i < n_feeds; i++)
		if (!feed_apart(e, at, &feed[i], &e->scratch[omp_get_thread_num()]))
			failed = i < failed ? i : failed;
	if (failed < n_feeds)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: a logit is not finite in feed %zu of %zu",
				fot_model_dir(e->model), failed, n_feeds);
	return FOT_OK;
}

/* ---- filling the memory ---------------------------------------------- */

/* The next n rows of layer a's memory, those of one window; q: its queries, where the kind observes them. */
static void append(const struct cpu *e, struct layer *a, const float *k, const float *v, const float *q,
		   int64_t n)
{
	a->memory.ops->append(&a->memory, k, v, e->key_width, n);
	if (a->memory.ops->observe)
		a->memory.ops->observe(&a->memory, q, e->query_width, n);
}

/* Entries [from, from + n) of layer a's memory, the last ones, are complete. */
static void seal(const struct cpu *e, struct layer *a, int64_t from, int64_t n)
{
	if (a->memory.ops->seal)
		a->memory.ops->seal(&a->memory, from, from + n, e->opts.n_threads);
}

/* Windows [*next, to) of those that are filled together, which the cache holds, go to the memory. */
static void recall_windows(struct cpu *e, const int64_t *slot, int64_t *next, int64_t to)
{
	int64_t n = e->cache.window * e->cache.width;

	for (; *next < to; (*next)++)
		append(e, &e->layer[e->last_mem], e->cache.k + slot[*next] * n, e->cache.v + slot[*next] * n,
		       NULL, e->window); /* empty where queries are observed */
}

/* Up to FOT_CACHE_BATCH whole windows, from entry `from` of the memory on.  Those that the cache does not hold are worked on by one thread
 * each; the memory takes all of them one by one in their order. */
static void fill_some(struct cpu *e, const struct fot_place *at, int64_t from, const int32_t *tokens,
		      int64_t n)
{
	int64_t slot[FOT_CACHE_BATCH], missing[FOT_CACHE_BATCH], n_missing = 0, next = 0, W = e->window;

	fot_window_cache_begin(&e->cache);
	for (int64_t i = 0; i < n; i++) {
		slot[i] = fot_window_cache_find(&e->cache, tokens + i * W);
		if (slot[i] < 0)
			missing[n_missing++] = i;
	}
#pragma omp parallel for ordered schedule(dynamic, 1) num_threads(e->opts.n_threads) if (n_missing > 1)
	for (int64_t i = 0; i < n_missing; i++) {
		struct fot_piece p = {
			.tokens = tokens + missing[i] * W, .n = W, .n_trunk = W, .skip = true
		};
		struct scratch *t = &e->scratch[omp_get_thread_num()];

		cpu_run_alone(e, at, &p, t);
#pragma omp ordered
		{
			recall_windows(e, slot, &next, missing[i]);
			append(e, &e->layer[e->last_mem], t->alone.k_ctx, t->alone.v, t->alone.q, W);
			fot_window_cache_put(&e->cache, p.tokens, t->alone.k_ctx, t->alone.v);
			next++;
		}
	}
	recall_windows(e, slot, &next, n);
	seal(e, &e->layer[e->last_mem], from, n * W);
}

static int cpu_fill(void *engine, const struct fot_place *at, const int32_t *tokens, int64_t n_windows,
		    struct fot_err *err)
{
	struct cpu *e = engine;

	(void)err;
	for (int64_t i = 0; i < n_windows; i += FOT_CACHE_BATCH)
		fill_some(e, at, at->mem_len + i * e->window, tokens + i * e->window,
			  n_windows - i < FOT_CACHE_BATCH ? n_windows - i : FOT_CACHE_BATCH);
	return FOT_OK;
}

/* ---- where windows end ----------------------------------------------- */

/* The last n_past rows of past and window become the past of the next window. */
static void keep_past(struct cpu *e, const struct fot_place *at, int64_t n_past)
{
	int64_t D = e->key_width;

	for (int l = 0; l < e->cfg.n_layers; l++) {
		struct layer *a = &e->layer[l];
		float *k = a->k_local - n_past * D, *v = a->v_local - n_past * D;

		memmove(k, k + at->n_local * D, sizeof *k * (size_t)(n_past * D));
		memmove(v, v + at->n_local * D, sizeof *v * (size_t)(n_past * D));
		if (a->rotates)
			fot_rope_back(k, n_past, e->cfg.n_heads / e->group, e->cfg.head_dim, e->rope_cos,
				      e->rope_sin, at->n_local - at->pad_shift, e->key_factor);
	}
}

static int cpu_commit(void *engine, const struct fot_place *at, int64_t skip, int64_t n, int64_t n_past,
		      struct fot_err *err)
{
	struct cpu *e = engine;
	int64_t from = skip * e->key_width;

	(void)err;
	for (int l = 0; l <= e->last_mem; l++) {
		struct layer *a = &e->layer[l];

		if (!a->mem)
			continue;
		append(e, a, a->k_ctx + from, a->v_local + from,
		       a->q_ctx ? a->q_ctx + skip * e->query_width : NULL, n);
		seal(e, a, at->mem_len, n);
	}
	if (e->past_max)
		keep_past(e, at, n_past);
	return FOT_OK;
}

static void cpu_truncate(void *engine, int64_t mem_len)
{
	struct cpu *e = engine;

	for (int l = 0; l <= e->last_mem; l++)
		if (e->layer[l].mem)
			e->layer[l].memory.ops->truncate(&e->layer[l].memory, mem_len);
}

const struct fot_engine fot_engine_cpu = {
	.name = "cpu",
	.estimate = cpu_estimate,
	.open = cpu_open,
	.common = cpu_common,
	.open_with = cpu_open_with,
	.close = cpu_close,
	.fill = cpu_fill,
	.run = cpu_run_piece,
	.run_apart = cpu_run_apart,
	.commit = cpu_commit,
	.truncate = cpu_truncate,
};

#endif
