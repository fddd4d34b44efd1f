/* session_layers.c: what a piece of a timeline goes through.
 *
 * Work is cut into tiles of FOT_TILE_Q rows counted from the piece's start, and heads:
 *
 *   project   per row tile:        norm, q, k, v, rotation       -> local cache
 *   attend    per (head, tile):    cached and local keys, then the memory
 *   finish    per row tile:        output projection, MLP
 *
 * A tile's result depends on the tile alone, never on the thread that did it.
 * Windows of which nothing is asked meet nowhere when there is one memory layer, nor do feeds
 * apart: then each thread takes a whole one, with the same tiles. */
#include "model/session_priv.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <omp.h>

#include "model/dtype.h"
#include "model/ops.h"

#define BRANCH_KEYS 64 /* folded at a time */

void session_embed(const struct fot_session *s, float *x, const struct piece *p)
{
	int64_t D = s->cfg.hidden_size;

	for (int64_t i = 0; i < p->n; i++) {
		int64_t row = p->tokens[i] * D;

		if (s->embed_f32)
			memcpy(x + i * D, s->embed_f32 + row, sizeof(float) * (size_t)D);
		else
			fot_widen(x + i * D,
				  (const unsigned char *)s->embed->data + fot_dtype_size(s->embed->dtype) * (size_t)row,
				  s->embed->dtype, (size_t)D);
	}
}

/* Rows at positions from `at` on: keys, and queries unless NULL. Shared positions of padding are 0. */
static void rotate(const struct fot_session *s, float *k, float *q, int64_t at, int64_t n)
{
	int64_t D = s->cfg.hidden_size, H = s->cfg.n_heads, d = s->cfg.head_dim;
	int64_t skip = s->pad_shift > at ? s->pad_shift - at : 0, first = at + skip - s->pad_shift;

	if (skip >= n)
		return;
	fot_rope_apply(k + skip * D, n - skip, H, d, s->rope_cos, s->rope_sin, first, 1);
	if (q)
		fot_rope_apply(q + skip * D, n - skip, H, d, s->rope_cos, s->rope_sin, first, 1);
}

/* Rows [r0, r0 + n) of the piece at their positions: each branch's follow the trunk's. */
static void rotate_rows(const struct fot_session *s, const struct piece *p, float *k, float *q, int64_t r0, int64_t n)
{
	int64_t D = s->cfg.hidden_size, from = r0, to, at;

	for (; from < r0 + n; from = to) {
		bool trunk = from < p->n_trunk;

		for (to = from + 1; to < r0 + n && (trunk ? to < p->n_trunk : p->branch[to] == p->branch[from]);)
			to++;
		at = trunk ? from : p->n_trunk + from - p->branch[from];
		rotate(s, k + (from - r0) * D, q ? q + (from - r0) * D : NULL, p->n0 + at, to - from);
	}
}

/* Rows [r0, r0 + n) of the piece: queries, keys, values of layer a. */
static void project(const struct fot_session *s, const struct layer *a, const struct rows *r, const struct piece *p,
		    int64_t r0, int64_t n, bool queries, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, H = s->cfg.n_heads, d = s->cfg.head_dim, at = p->n0 + r0;
	float *q = r->q + r0 * D, *k = r->k + at * D;

	fot_rmsnorm_forward(t->xn, NULL, r->x + r0 * D, a->norm1, n, D, s->cfg.rms_norm_eps);
	fot_linear_forward(k, t->xn, n, &a->k, 0, t->widened);
	fot_linear_forward(r->v + at * D, t->xn, n, &a->v, 0, t->widened);
	if (queries)
		fot_linear_forward(q, t->xn, n, &a->q, 0, t->widened);
	if (s->cfg.qk_norm)
		fot_unit_forward(k, NULL, k, NULL, n, H, d);
	if (s->cfg.qk_norm && queries)
		fot_unit_forward(q, NULL, q, a->log_scale, n, H, d);
	if (r->k_ctx != r->k)
		memcpy(r->k_ctx + at * D, k, sizeof(float) * (size_t)(n * D));
	if (a->rotates)
		rotate_rows(s, p, k, queries ? q : NULL, r0, n);
}

int64_t session_mem_from(const struct fot_session *s)
{
	int64_t from = s->mem_len > s->reach ? s->mem_len - s->reach : 0;

	return from > s->mem_pads ? from : s->mem_pads;
}

static float local_scale(const struct fot_session *s)
{
	return s->cfg.qk_norm ? 1.0f : 1.0f / sqrtf((float)s->cfg.head_dim);
}

static float memory_scale(const struct fot_session *s)
{
	return local_scale(s) * (float)s->cfg.mem_scale;
}

static void attend_memory(const struct fot_session *s, const struct layer *a, const float *q, int64_t h,
			  struct scratch *t)
{
	float scale = memory_scale(s);
	int64_t D = s->cfg.hidden_size, from = session_mem_from(s);

	if (a->mem && s->opts.search == FOT_SEARCH_ALL)
		fot_memory_read_all(&a->memory, &t->attn, q, D, h, from, s->mem_len, scale, &t->mem);
	else if (a->mem)
		fot_memory_read_topk(&a->memory, &t->attn, q, D, h, from, s->mem_len, scale, &t->mem);
}

/* The rows of the masses that stand in [r0, r0 + n) of the piece, counted from r0; returns the first. */
static int64_t rows_within(const struct fot_masses *m, int64_t r0, int64_t n, int64_t *row, int64_t *n_rows)
{
	int64_t first = 0;

	while (first < m->n_rows && m->row[first] < r0)
		first++;
	for (*n_rows = 0; first + *n_rows < m->n_rows && m->row[first + *n_rows] < r0 + n; (*n_rows)++)
		row[*n_rows] = m->row[first + *n_rows] - r0;
	return first;
}

/* A gate divides the mass: g to the memory's groups together, the rest to the local keys. */
static void masses_through_gate(double *group, int64_t n, double *local, float bias)
{
	double max = -INFINITY, sum = 0;

	for (int64_t i = 0; i < n; i++)
		max = group[i] > max ? group[i] : max;
	if (isinf(max))
		return; /* no memory in reach, no gate */
	for (int64_t i = 0; i < n; i++)
		sum += exp(group[i] - max);
	for (int64_t i = 0; i < n; i++)
		group[i] += log((double)fot_gate(bias)) - max - log(sum);
	if (local)
		*local = log((double)fot_gate(-bias));
}

/* The state holds the local keys alone: their masses, then those of the memory. */
static void note_masses(const struct fot_session *s, const struct layer *a, const struct rows *r,
			const struct fot_masses *m, int64_t h, int64_t r0, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, row[FOT_TILE_Q], n_rows, from = session_mem_from(s);
	int64_t first = rows_within(m, r0, t->attn.n_q, row, &n_rows);
	int64_t slot = fot_config_mem_slot(&s->cfg, (int)(a - s->layer));
	int64_t place = (slot * s->cfg.n_heads + h) * m->n_rows + first, n = fot_session_groups(s, m->group);
	struct fot_memory_groups g = { .size = m->group, .n = n, .row = row, .n_rows = n_rows,
				       .found = s->opts.search == FOT_SEARCH_TOPK && !m->all,
				       .out = m->memory + place * n };

	for (int64_t i = 0; i < n_rows && m->local; i++)
		m->local[place + i] = (double)t->attn.max[row[i]] + log((double)t->attn.sum[row[i]]);
	fot_memory_read_groups(&a->memory, &t->attn, r->q + r0 * D + h * s->cfg.head_dim, D, h, from, s->mem_len,
			       memory_scale(s), &g, &t->mem);
	for (int64_t i = 0; i < n_rows && a->mem_gate; i++)
		masses_through_gate(g.out + i * n, n, m->local ? &m->local[place + i] : NULL, a->mem_gate[h]);
}

/* The local keys are folded in: their output, the memory's, and both through the gate of the head
 * [Memorizing Transformers, eq. 2]. */
static void attend_gated(const struct fot_session *s, const struct layer *a, const float *q, float *o, int64_t h,
			 int64_t n, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, d = s->cfg.head_dim;

	fot_attn_end(&t->attn, o, D, NULL);
	fot_attn_begin(&t->attn, n);
	attend_memory(s, a, q, h, t);
	fot_attn_end(&t->attn, t->o_mem, d, NULL);
	fot_gate_mix(o, o, D, t->o_mem, d, a->mem_gate[h], n, d);
}

/* Rows [r0, r0 + n) that are a branch's: its keys up to the row's own. */
static void attend_branches(const struct fot_session *s, const struct rows *r, const struct piece *p, int64_t h,
			    int64_t r0, int64_t n, float scale, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, d = s->cfg.head_dim, col = h * d;
	float score[BRANCH_KEYS];
	const float *value[BRANCH_KEYS];

	for (int64_t row = r0 > p->n_trunk ? r0 : p->n_trunk; row < r0 + n; row++)
		for (int64_t key = p->branch[row]; key <= row;) {
			int64_t m = 0;

			for (; m < BRANCH_KEYS && key <= row; m++, key++) {
				int64_t at = (p->n0 + key) * D + col;

				score[m] = scale * fot_dot(r->q + row * D + col, r->k + at, d);
				value[m] = r->v + at;
			}
			fot_attn_fold_row(&t->attn, row - r0, score, value, m);
		}
}

/* Head h, rows [r0, r0 + n): local keys, right before them the cached ones (none where there is
 * padding), then what of the memory is in reach. */
static void attend_rows(const struct fot_session *s, const struct layer *a, const struct rows *r,
			const struct piece *p, int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, col = h * s->cfg.head_dim, from = s->pads ? s->pads : -s->n_past;
	int64_t first = from * D + col, at = p->n0 + r0 - from, trunk = p->n0 + p->n_trunk - from;
	const float *q = r->q + r0 * D + col;
	float scale = local_scale(s);

	fot_attn_begin(&t->attn, n);
	fot_attn_fold(&t->attn, q, D, r->k + first, D, r->v + first, D, at + n < trunk ? at + n : trunk, at, scale);
	attend_branches(s, r, p, h, r0, n, scale, t);
	if (p->masses && a->mem)
		note_masses(s, a, r, p->masses, h, r0, t);
	if (p->skip && a == &s->layer[s->last_kept])
		return; /* the masses were all that was wanted of it */
	if (a->mem && a->mem_gate && session_mem_from(s) < s->mem_len) {
		attend_gated(s, a, q, r->o + r0 * D + col, h, n, t);
		return;
	}
	attend_memory(s, a, q, h, t);
	fot_attn_end(&t->attn, r->o + r0 * D + col, D, NULL);
}

/* Rows of padding see no local key.  With memory in sight they see that alone; else all
 * scores are equally masked and the softmax is uniform over everything that is masked,
 * keys to come included (docs/longllama.md 30).  A scale of 0 makes it so. */
static void attend_pads(const struct fot_session *s, const struct layer *a, const struct rows *r,
			const struct piece *p, int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, col = h * s->cfg.head_dim;
	const float *q = r->q + r0 * D + col;

	fot_attn_begin(&t->attn, n);
	if (a->mem && session_mem_from(s) < s->mem_len) {
		attend_memory(s, a, q, h, t);
	} else {
		fot_attn_fold(&t->attn, q, D, r->k + col, D, r->v + col, D, p->n0 + p->n,
			      FOT_ATTN_ALL, 0);
		if (a->mem)
			fot_memory_read_all(&a->memory, &t->attn, q, D, h, 0, s->mem_pads, 0, &t->mem);
	}
	fot_attn_end(&t->attn, r->o + r0 * D + col, D, NULL);
}

static void attend(const struct fot_session *s, const struct layer *a, const struct rows *r, const struct piece *p,
		   int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t pads = s->pads - p->n0 - r0;

	pads = pads < 0 ? 0 : pads > n ? n : pads;
	if (pads > 0)
		attend_pads(s, a, r, p, h, r0, pads, t);
	if (pads < n)
		attend_rows(s, a, r, p, h, r0 + pads, n - pads, t);
}

static void finish(const struct fot_session *s, const struct layer *a, const struct rows *r, int64_t r0, int64_t n,
		   struct scratch *t)
{
	int64_t D = s->cfg.hidden_size, F = s->cfg.intermediate_size;
	float *x = r->x + r0 * D;

	fot_linear_forward(x, r->o + r0 * D, n, &a->o, 1, t->widened);
	fot_rmsnorm_forward(t->xn, NULL, x, a->norm2, n, D, s->cfg.rms_norm_eps);
	fot_linear_forward(t->g, t->xn, n, &a->gate, 0, t->widened);
	fot_linear_forward(t->u, t->xn, n, &a->up, 0, t->widened);
	fot_swiglu_forward(t->g, t->g, t->u, n * F);
	fot_linear_forward(x, t->g, n, &a->down, 1, t->widened);
}

int64_t session_tile_rows(const struct piece *p, int64_t tile)
{
	int64_t left = p->n - tile * FOT_TILE_Q;

	return left < FOT_TILE_Q ? left : FOT_TILE_Q;
}

void session_run(struct fot_session *s, const struct piece *p)
{
	int64_t tiles = (p->n + FOT_TILE_Q - 1) / FOT_TILE_Q, H = s->cfg.n_heads;
	int top = p->skip ? s->last_kept + 1 : s->cfg.n_layers;

#pragma omp parallel num_threads(s->opts.n_threads)
	{
		struct scratch *t = &s->scratch[omp_get_thread_num()];

		for (int l = 0; l < top; l++) {
			const struct layer *a = &s->layer[l];
			struct rows r = { s->x, s->q, s->o, a->k_local, a->v_local, a->k_ctx };
			bool last = p->skip && l == s->last_kept;

#pragma omp for schedule(dynamic, 1)
			for (int64_t i = 0; i < tiles; i++)
				project(s, a, &r, p, i * FOT_TILE_Q, session_tile_rows(p, i), !last || p->masses, t);
			if (last && !p->masses)
				break;
#pragma omp for schedule(dynamic, 1)
			for (int64_t i = 0; i < tiles * H; i++)
				attend(s, a, &r, p, i / tiles, i % tiles * FOT_TILE_Q, session_tile_rows(p, i % tiles), t);
			if (last)
				break;
#pragma omp for schedule(dynamic, 1)
			for (int64_t i = 0; i < tiles; i++)
				finish(s, a, &r, i * FOT_TILE_Q, session_tile_rows(p, i), t);
		}
	}
}

void session_run_alone(const struct fot_session *s, const struct piece *p, struct scratch *t)
{
	int64_t tiles = (p->n + FOT_TILE_Q - 1) / FOT_TILE_Q, H = s->cfg.n_heads;
	size_t before = sizeof(float) * (size_t)(p->n0 * s->cfg.hidden_size);
	int top = p->skip ? s->last_mem : s->cfg.n_layers - 1;

	session_embed(s, t->alone.x, p);
	for (int l = 0; l <= top; l++) {
		const struct layer *a = &s->layer[l];
		bool last = p->skip && l == top;

		memcpy(t->alone.k, a->k_local, before);
		memcpy(t->alone.v, a->v_local, before);
		for (int64_t i = 0; i < tiles; i++)
			project(s, a, &t->alone, p, i * FOT_TILE_Q, session_tile_rows(p, i), !last, t);
		if (last)
			break;
		for (int64_t i = 0; i < tiles * H; i++)
			attend(s, a, &t->alone, p, i / tiles, i % tiles * FOT_TILE_Q, session_tile_rows(p, i % tiles), t);
		for (int64_t i = 0; i < tiles; i++)
			finish(s, a, &t->alone, i * FOT_TILE_Q, session_tile_rows(p, i), t);
	}
}

#endif
