/* engine_cpu_layers.c: what a piece of a timeline goes through.
 *
 * Work is cut into tiles of FOT_TILE_Q rows counted from the piece's start, and heads:
 *
 *   project   per row tile:        norm, q, k, v, rotation       -> local cache
 *   attend    per (head, tile):    cached and local keys, then the memory; per tile where it chooses for all heads
 *   finish    per row tile:        output projection, MLP
 *
 * A tile's result depends on the tile alone, never on the thread that did it.  The threads of a
 * team share the tiles of a piece.  Windows of which nothing is asked meet nowhere when there is
 * one memory layer, nor do feeds apart: then each thread takes a whole one alone, through the same loop. */
#include "model/engine_cpu.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <omp.h>
#include <string.h>

#include "model/dtype.h"
#include "model/ops.h"

#define BRANCH_KEYS 64 /* folded at a time */
#define SHARED_WORK \
	(1 << 20) /* multiplications of attention, in a layer, for which threads wake each other */

/* A piece at work in one layer. */
struct step {
	const struct cpu *e;
	const struct fot_place *at;
	const struct fot_piece *p;
	bool alone;                      /* one thread takes all of it */
	const struct fot_masses *masses; /* NULL: not asked */
	const int32_t *branch;           /* [n] as in fot_want; NULL: n_trunk == n */
	const struct layer *a;
	struct rows r;
};

static struct step begin(const struct cpu *e, const struct fot_place *at, const struct fot_piece *p,
			 bool alone)
{
	return (struct step){ .e = e,
			      .at = at,
			      .p = p,
			      .alone = alone,
			      .masses = p->want ? p->want->masses : NULL,
			      .branch = p->want ? p->want->branch : NULL };
}

/* The last layer of a piece that skips the rest: only its keys and values, and masses, are wanted. */
static bool last_of(const struct step *s)
{
	return s->p->skip && s->a == &s->e->layer[s->e->last_kept];
}

static void embed(const struct cpu *e, float *x, const struct fot_piece *p)
{
	int64_t D = e->cfg.hidden_size;

	for (int64_t i = 0; i < p->n; i++) {
		int64_t row = p->tokens[i] * D;

		if (e->embed_f32)
			memcpy(x + i * D, e->embed_f32 + row, sizeof(float) * (size_t)D);
		else
			fot_widen(x + i * D,
				  (const unsigned char *)e->embed->data +
					  fot_dtype_size(e->embed->dtype) * (size_t)row,
				  e->embed->dtype, (size_t)D);
	}
}

/* Rows at positions from `at` on: keys, and queries unless NULL. Shared positions of padding are 0. */
static void rotate(const struct step *s, float *k, float *q, int64_t at, int64_t n)
{
	int64_t DQ = s->e->query_width, DK = s->e->key_width, d = s->e->cfg.head_dim;
	int64_t skip = s->at->pad_shift > at ? s->at->pad_shift - at : 0,
		first = at + skip - s->at->pad_shift;

	if (skip >= n)
		return;
	fot_rope_apply(k + skip * DK, n - skip, DK / d, d, s->e->rope_cos, s->e->rope_sin, first, 1);
	if (q)
		fot_rope_apply(q + skip * DQ, n - skip, DQ / d, d, s->e->rope_cos, s->e->rope_sin, first, 1);
}

/* Rows [r0, r0 + n) of the piece at their positions: each branch's follow the trunk's. */
static void rotate_rows(const struct step *s, float *k, float *q, int64_t r0, int64_t n)
{
	int64_t DQ = s->e->query_width, DK = s->e->key_width, from = r0, to, at;

	for (; from < r0 + n; from = to) {
		bool trunk = from < s->p->n_trunk;

		for (to = from + 1;
		     to < r0 + n && (trunk ? to < s->p->n_trunk : s->branch[to] == s->branch[from]);)
			to++;
		at = trunk ? from : s->p->n_trunk + from - s->branch[from];
		rotate(s, k + (from - r0) * DK, q ? q + (from - r0) * DQ : NULL, s->at->n_local + at,
		       to - from);
	}
}

/* Rows x [n, D] as a matrix takes them: normed into t->xn, or where the family norms outputs x itself. */
static const float *taken(const struct step *s, const float *x, const float *norm, int64_t n,
			  struct scratch *t)
{
	if (!norm)
		return x;
	fot_rmsnorm_forward(t->xn, NULL, x, norm, n, s->e->cfg.hidden_size, s->e->cfg.rms_norm_eps);
	return t->xn;
}

/* n rows of queries or keys (of heads of `width` numbers in all) through their norms. */
static void norm_heads(const struct step *s, float *rows, const float *weight, const float *log_scale,
		       int64_t n, int64_t width)
{
	const struct fot_config *c = &s->e->cfg;
	int64_t d = c->head_dim, dim = c->qk_rms == FOT_QK_RMS_HEAD ? d : width;

	if (weight)
		fot_rmsnorm_forward(rows, NULL, rows, weight, n * width / dim, dim, c->rms_norm_eps);
	if (c->qk_norm)
		fot_unit_forward(rows, NULL, rows, log_scale, n, width / d, d);
}

/* Keys as if at position 0, for the memory. */
static void keep_keys(const struct step *s, float *to, const float *k, int64_t n)
{
	float f = s->a->rotates ? s->e->key_factor : 1;

	memcpy(to, k, sizeof(float) * (size_t)n);
	for (int64_t i = 0; i < n && f != 1; i++)
		to[i] *= f;
}

/* Rows [r0, r0 + n) of the piece: queries, keys, values of layer a. */
static void project(const struct step *s, int64_t r0, int64_t n, bool queries, struct scratch *t)
{
	int64_t DQ = s->e->query_width, DK = s->e->key_width, at = s->at->n_local + r0;
	float *q = s->r.q + r0 * DQ, *k = s->r.k + at * DK;
	const float *x = taken(s, s->r.x + r0 * s->e->cfg.hidden_size, s->a->norm1, n, t);

	fot_linear_forward(k, x, n, &s->a->k, 0, t->linear);
	fot_linear_forward(s->r.v + at * DK, x, n, &s->a->v, 0, t->linear);
	if (queries)
		fot_linear_forward(q, x, n, &s->a->q, 0, t->linear);
	norm_heads(s, k, s->a->k_norm, NULL, n, DK);
	if (queries)
		norm_heads(s, q, s->a->q_norm, s->a->log_scale, n, DQ);
	if (s->r.k_ctx != s->r.k)
		keep_keys(s, s->r.k_ctx + at * DK, k, n * DK);
	if (s->a->rotates)
		rotate_rows(s, k, queries ? q : NULL, r0, n);
	if (queries && s->r.q_ctx)
		memcpy(s->r.q_ctx + at * DQ, q, sizeof *q * (size_t)(n * DQ));
}

static float local_scale(const struct step *s)
{
	return s->e->cfg.qk_norm ? 1.0f : 1.0f / sqrtf((float)s->e->cfg.head_dim);
}

static float memory_scale(const struct step *s)
{
	return local_scale(s) * (float)s->e->cfg.mem_scale;
}

/* The place of row `row` of the piece in its window: those of a branch follow the trunk's. */
static int64_t place_of(const struct step *s, int64_t row)
{
	int64_t n = s->p->n_trunk;

	return s->at->n_local + (row < n ? row : n + row - s->branch[row]);
}

/* The state's queries of head h, which are the rows from r0 on, and what they see of the memory. */
static struct fot_query query_of(const struct step *s, int64_t r0, int64_t h, struct scratch *t)
{
	for (int64_t i = 0; i < t->attn.n_q; i++)
		t->place[i] = place_of(s, r0 + i);
	return (struct fot_query){ .a = &t->attn,
				   .q = s->r.q + r0 * s->e->query_width + h * s->e->cfg.head_dim,
				   .ldq = s->e->query_width,
				   .h = h / s->e->group,
				   .head = h,
				   .place = t->place,
				   .from = fot_place_mem_from(s->at),
				   .to = s->at->mem_len,
				   .now = s->at->mem_len,
				   .scale = memory_scale(s),
				   .s = &t->mem };
}

static void attend_memory(const struct step *s, int64_t r0, int64_t h, struct scratch *t)
{
	struct fot_query all = query_of(s, r0, h, t);

	if (s->a->mem)
		s->a->memory.ops->read(&s->a->memory, &all);
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

/* The state holds the local keys alone: their masses, then those of the memory. */
static void note_masses(const struct step *s, int64_t h, int64_t r0, struct scratch *t)
{
	const struct fot_masses *m = s->masses;
	int64_t row[FOT_TILE_Q], n_rows, n = fot_place_groups(s->at, m->group);
	int64_t first = rows_within(m, r0, t->attn.n_q, row, &n_rows);
	int64_t slot = fot_config_mem_slot(&s->e->cfg, (int)(s->a - s->e->layer));
	int64_t place = (slot * s->e->cfg.n_heads + h) * m->n_rows + first;
	struct fot_query q = query_of(s, r0, h, t);
	struct fot_memory_groups g = { .size = m->group,
				       .n = n,
				       .all = m->all,
				       .row = row,
				       .n_rows = n_rows,
				       .out = m->memory + place * n };

	for (int64_t i = 0; i < n_rows && m->local; i++)
		m->local[place + i] = (double)t->attn.max[row[i]] + log((double)t->attn.sum[row[i]]);
	fot_memory_masses(&s->a->memory, &q, &g);
	for (int64_t i = 0; i < n_rows && s->a->mem_gate; i++)
		fot_masses_gate(g.out + i * n, n, m->local ? &m->local[place + i] : NULL,
				    s->a->mem_gate[h]);
}

/* The local keys are folded in: their output, the memory's, and both through the gate of the head
 * [Memorizing Transformers, eq. 2]. */
static void attend_gated(const struct step *s, int64_t r0, float *o, int64_t h, int64_t n, struct scratch *t)
{
	int64_t DQ = s->e->query_width, d = s->e->cfg.head_dim;

	fot_attn_end(&t->attn, o, DQ, NULL);
	fot_attn_begin(&t->attn, n);
	attend_memory(s, r0, h, t);
	fot_attn_end(&t->attn, t->o_mem, d, NULL);
	fot_gate_mix(o, o, DQ, t->o_mem, d, s->a->mem_gate[h], n, d);
}

/* Rows [r0, r0 + n) see the last keys of their window alone where the layer slides: the first ones,
 * counted from key `from` of the window. */
static void slide(const struct step *s, int64_t r0, int64_t n, int64_t from, struct scratch *t)
{
	t->attn.low = s->a->sliding ? t->low : NULL;
	for (int64_t i = 0; i < n && s->a->sliding; i++)
		t->low[i] = place_of(s, r0 + i) + 1 - s->a->sliding - from;
}

/* The first row of its own branch that a row sees. */
static int64_t first_of_branch(const struct step *s, int64_t row)
{
	int64_t first = s->a->sliding ? row + 1 - s->a->sliding : 0;

	return first > s->branch[row] ? first : s->branch[row];
}

/* Rows [r0, r0 + n) that are a branch's: its keys up to the row's own. */
static void attend_branches(const struct step *s, int64_t h, int64_t r0, int64_t n, float scale,
			    struct scratch *t)
{
	int64_t DK = s->e->key_width, d = s->e->cfg.head_dim, col = h / s->e->group * d;
	const float *q = s->r.q + h * d;
	float score[BRANCH_KEYS];
	const float *value[BRANCH_KEYS];

	for (int64_t row = r0 > s->p->n_trunk ? r0 : s->p->n_trunk; row < r0 + n; row++)
		for (int64_t key = first_of_branch(s, row); key <= row;) {
			int64_t m = 0;

			for (; m < BRANCH_KEYS && key <= row; m++, key++) {
				int64_t at = (s->at->n_local + key) * DK + col;

				score[m] = scale * fot_dot(q + row * s->e->query_width, s->r.k + at, d);
				value[m] = s->r.v + at;
			}
			fot_attn_fold_row(&t->attn, row - r0, score, value, m);
		}
}

/* Head h, rows [r0, r0 + n): local keys, right before them the cached ones (none where there is
 * padding), then what of the memory is in reach. */
static void attend_rows(const struct step *s, int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t DQ = s->e->query_width, DK = s->e->key_width, col = h * s->e->cfg.head_dim,
		from = s->at->pads ? s->at->pads : -s->at->n_past;
	int64_t first = from * DK + h / s->e->group * s->e->cfg.head_dim, at = s->at->n_local + r0 - from,
		trunk = s->at->n_local + s->p->n_trunk - from;
	const float *q = s->r.q + r0 * DQ + col;
	float scale = local_scale(s);

	fot_attn_begin(&t->attn, n);
	slide(s, r0, n, from, t);
	fot_attn_fold(&t->attn, q, DQ, s->r.k + first, DK, s->r.v + first, DK,
		      at + n < trunk ? at + n : trunk, at, scale);
	t->attn.low = NULL;
	attend_branches(s, h, r0, n, scale, t);
	if (s->masses && s->a->mem)
		note_masses(s, h, r0, t);
	if (last_of(s))
		return; /* the masses were all that was wanted of it */
	if (s->a->mem && s->a->mem_gate && fot_place_mem_from(s->at) < s->at->mem_len) {
		attend_gated(s, r0, s->r.o + r0 * DQ + col, h, n, t);
		return;
	}
	attend_memory(s, r0, h, t);
	fot_attn_end(&t->attn, s->r.o + r0 * DQ + col, DQ, NULL);
}

/* Rows of padding see no local key.  With memory in sight they see that alone; else all
 * scores are equally masked and the softmax is uniform over everything that is masked,
 * keys to come included (docs/longllama.md 30).  A scale of 0 makes it so. */
static void attend_pads(const struct step *s, int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t DQ = s->e->query_width, DK = s->e->key_width, col = h * s->e->cfg.head_dim,
		key = h / s->e->group * s->e->cfg.head_dim;
	const float *q = s->r.q + r0 * DQ + col;
	struct fot_query masked;

	fot_attn_begin(&t->attn, n);
	if (s->a->mem && fot_place_mem_from(s->at) < s->at->mem_len) {
		attend_memory(s, r0, h, t);
	} else {
		fot_attn_fold(&t->attn, q, DQ, s->r.k + key, DK, s->r.v + key, DK, s->at->n_local + s->p->n,
			      FOT_ATTN_ALL, 0);
		masked = query_of(s, r0, h, t);
		masked.from = 0;
		masked.to = s->at->mem_pads;
		masked.scale = 0;
		if (s->a->mem)
			s->a->memory.ops->read(&s->a->memory, &masked);
	}
	fot_attn_end(&t->attn, s->r.o + r0 * DQ + col, DQ, NULL);
}

static void attend(const struct step *s, int64_t h, int64_t r0, int64_t n, struct scratch *t)
{
	int64_t pads = s->at->pads - s->at->n_local - r0;

	pads = pads < 0 ? 0 : pads > n ? n : pads;
	if (pads > 0)
		attend_pads(s, h, r0, pads, t);
	if (pads < n)
		attend_rows(s, h, r0 + pads, n - pads, t);
}

/* x += y W^T, or the norm of it. */
static void add_output(const struct step *s, float *x, const float *y, const struct fot_linear *w,
		       const float *out_norm, int64_t n, struct scratch *t)
{
	int64_t D = s->e->cfg.hidden_size;

	fot_linear_forward(out_norm ? t->xn : x, y, n, w, out_norm ? 0 : 1, t->linear);
	if (!out_norm)
		return;
	fot_rmsnorm_forward(t->xn, NULL, t->xn, out_norm, n, D, s->e->cfg.rms_norm_eps);
	for (int64_t i = 0; i < n * D; i++)
		x[i] += t->xn[i];
}

static void finish(const struct step *s, int64_t r0, int64_t n, struct scratch *t)
{
	float *x = s->r.x + r0 * s->e->cfg.hidden_size;
	const float *in;

	add_output(s, x, s->r.o + r0 * s->e->query_width, &s->a->o, s->a->out_norm1, n, t);
	in = taken(s, x, s->a->norm2, n, t);
	fot_linear_forward(t->g, in, n, &s->a->gate, 0, t->linear);
	fot_linear_forward(t->u, in, n, &s->a->up, 0, t->linear);
	fot_swiglu_forward(t->g, NULL, t->g, t->u, n * s->e->cfg.intermediate_size);
	add_output(s, x, t->g, &s->a->down, s->a->out_norm2, n, t);
}

/* ---- the loop -------------------------------------------------------- */

int64_t cpu_tile_rows(const struct fot_piece *p, int64_t tile)
{
	int64_t left = p->n - tile * FOT_TILE_Q;

	return left < FOT_TILE_Q ? left : FOT_TILE_Q;
}

static int64_t tiles_of(const struct fot_piece *p)
{
	return (p->n + FOT_TILE_Q - 1) / FOT_TILE_Q;
}

static void project_tile(const struct step *s, int64_t i, struct scratch *t)
{
	bool queries = !last_of(s) || s->masses || (s->a->mem && s->a->memory.ops->observe);

	project(s, i * FOT_TILE_Q, cpu_tile_rows(s->p, i), queries, t);
}

/* Do rows of a tile come out of layer a? Not out of the last one where none of them is asked for. */
static bool comes_out(const struct step *s, int64_t tile)
{
	return s->a != &s->e->layer[s->e->cfg.n_layers - 1] || s->masses || s->e->opts.no_skip ||
	       fot_want_any(s->p->want, s->p->first + tile * FOT_TILE_Q, cpu_tile_rows(s->p, tile));
}

static void attend_tile(const struct step *s, int64_t i, struct scratch *t)
{
	int64_t tile = i % tiles_of(s->p);

	if (comes_out(s, tile))
		attend(s, i / tiles_of(s->p), tile * FOT_TILE_Q, cpu_tile_rows(s->p, tile), t);
}

/* All heads of a tile, for a memory that chooses once for them. */
static void attend_together(const struct step *s, int64_t i, struct scratch *t)
{
	for (int64_t h = 0; h < s->e->cfg.n_heads; h++)
		attend_tile(s, h * tiles_of(s->p) + i, t);
}

static void finish_tile(const struct step *s, int64_t i, struct scratch *t)
{
	if (comes_out(s, i))
		finish(s, i * FOT_TILE_Q, cpu_tile_rows(s->p, i), t);
}

/* One kind of work on n tiles, which the threads of the team share unless there is one alone. */
static void each(const struct step *s, void (*work)(const struct step *, int64_t, struct scratch *),
		 int64_t n, struct scratch *t)
{
	if (s->alone) {
		for (int64_t i = 0; i < n; i++)
			work(s, i, t);
		return;
	}
#pragma omp for schedule(dynamic, 1)
	for (int64_t i = 0; i < n; i++)
		work(s, i, t);
}

/* Where layer a is worked on: in the window itself, or by one alone in a copy of what it holds. */
static struct rows rows_of(const struct step *s, const struct layer *a, const struct scratch *t)
{
	size_t before = sizeof(float) * (size_t)(s->at->n_local * s->e->key_width);

	if (!s->alone)
		return (struct rows){ s->e->x, s->e->q, s->e->o, a->k_local, a->v_local, a->k_ctx, a->q_ctx };
	memcpy(t->alone.k, a->k_local, before);
	memcpy(t->alone.v, a->v_local, before);
	return t->alone;
}

/* What one thread does of a piece. */
static void go_through(struct step s, struct scratch *t)
{
	int64_t tiles = tiles_of(s.p);
	int top = s.p->skip ? s.e->last_kept + 1 : s.e->cfg.n_layers;

	for (int l = 0; l < top; l++) {
		s.a = &s.e->layer[l];
		s.r = rows_of(&s, s.a, t);
		each(&s, project_tile, tiles, t);
		if (last_of(&s) && !s.masses)
			break;
		if (s.a->mem && s.a->memory.ops->together)
			each(&s, attend_together, tiles, t);
		else
			each(&s, attend_tile, tiles * s.e->cfg.n_heads, t);
		if (last_of(&s))
			break;
		each(&s, finish_tile, tiles, t);
	}
}

/* Threads for a piece: rows of one tile are worth dividing only by heads, and only if they see much. */
static int team_of(const struct cpu *e, const struct fot_place *at, const struct fot_piece *p)
{
	int64_t keys = at->n_past + at->n_local + p->n + at->mem_len - fot_place_mem_from(at);

	return p->n > FOT_TILE_Q || p->n * keys * e->query_width > SHARED_WORK ? e->opts.n_threads : 1;
}

void cpu_prepare(struct cpu *e, const struct fot_place *at, bool all)
{
	struct step s = { .e = e, .at = at };

	for (int l = 0; l < e->last_mem + all; l++) {
		struct layer *a = &e->layer[l];

		s.a = a;
		if (a->mem && a->memory.ops->prepare && fot_place_mem_from(at) < at->mem_len)
			a->memory.ops->prepare(&a->memory, fot_place_mem_from(at), memory_scale(&s),
					       e->opts.n_threads);
	}
}

void cpu_run(struct cpu *e, const struct fot_place *at, const struct fot_piece *p)
{
	cpu_prepare(e, at, !p->skip || (p->want && p->want->masses));
	embed(e, e->x, p);
#pragma omp parallel num_threads(team_of(e, at, p))
	go_through(begin(e, at, p, false), &e->scratch[omp_get_thread_num()]);
}

void cpu_run_alone(const struct cpu *e, const struct fot_place *at, const struct fot_piece *p,
		   struct scratch *t)
{
	embed(e, t->alone.x, p);
	go_through(begin(e, at, p, true), t);
}

#endif
