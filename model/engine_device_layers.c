/* engine_device_layers.c: what rows go through on a device.
 *
 * The host asks for one thing after the other and waits for none of them.  A layer is products with weights
 * (device.h) and kernels between them (kernels.h); attention is a list of blocks of keys folded into one state
 * (attention.h): the window's, then the memory's, which may come from the host block by block. */
#include "model/engine_device.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

#include "model/dtype.h"
#include "model/memory.h"

#define LAUNCH(e, name, n, ...) (e)->kind->launch((e)->device, FOT_KERNEL_##name, &__VA_ARGS__, n)

/* Rows at work in one layer. */
struct step {
	struct device_engine *e;
	const struct rows *r;
	const struct layer *a;
	bool last; /* only keys, values and masses are wanted */
};

/* ---- products -------------------------------------------------------- */

/* Outputs [from, from + n) of a matrix of another type. */
static void multiply_widened(const struct device_engine *e, const struct fot_product *all,
			     const struct matrix *w, int64_t from, int64_t n)
{
	struct fot_product p = *all;

	LAUNCH(e, convert, n * w->in,
	       (struct fot_convert){ .x = fot_at(w->w, w->dtype, from * w->in),
				     .y = e->wide,
				     .from = w->dtype,
				     .to = e->dtype });
	p.w = e->wide;
	p.y += from;
	p.out = n;
	e->kind->product(e->device, &p);
}

void device_multiply(const struct device_engine *e, float *y, const void *x, const struct matrix *w,
		     int64_t rows, int64_t groups, float beta)
{
	struct fot_product p = { .x = x,
				 .w = w->w,
				 .y = y,
				 .dtype = e->dtype,
				 .groups = groups,
				 .rows = rows / groups,
				 .out = w->out,
				 .in = w->in,
				 .ldy = w->out,
				 .beta = beta };

	if (w->dtype == e->dtype)
		e->kind->product(e->device, &p);
	for (int64_t c = 0; c < w->out && w->dtype != e->dtype; c += WIDE_OUT)
		multiply_widened(e, &p, w, c, w->out - c < WIDE_OUT ? w->out - c : WIDE_OUT);
	if (w->bias)
		LAUNCH(e, bias, rows, (struct fot_bias){ .y = y, .b = w->bias, .width = w->out });
}

const void *device_taken(const struct device_engine *e, const float *x, const float *norm, int64_t n)
{
	int64_t D = e->cfg.hidden_size;

	if (norm)
		LAUNCH(e, norm, n,
		       (struct fot_norm){ .x = x,
					  .w = norm,
					  .y = e->taken,
					  .dtype = e->dtype,
					  .width = D,
					  .eps = e->cfg.rms_norm_eps });
	else if (e->dtype == FOT_F32)
		return x;
	else
		LAUNCH(e, convert, n * D,
		       (struct fot_convert){ .x = x, .y = e->taken, .from = FOT_F32, .to = e->dtype });
	return e->taken;
}

static void multiply(const struct step *s, float *y, const void *x, const struct matrix *w, float beta)
{
	device_multiply(s->e, y, x, w, s->r->n, s->r->windows, beta);
}

/* ---- queries, keys, values ------------------------------------------- */

/* Queries or keys (heads of `width` numbers in all) through their norms. */
static void norm_heads(const struct step *s, float *x, const float *weight, const float *log_scale,
		       int64_t width)
{
	const struct fot_config *c = &s->e->cfg;
	int64_t d = c->head_dim, dim = c->qk_rms == FOT_QK_RMS_HEAD ? d : width;

	if (weight)
		LAUNCH(s->e, norm, s->r->n * width / dim,
		       (struct fot_norm){ .x = x,
					  .w = weight,
					  .y = x,
					  .dtype = FOT_F32,
					  .width = dim,
					  .eps = c->rms_norm_eps });
	if (c->qk_norm)
		LAUNCH(s->e, unit, s->r->n * width / d,
		       (struct fot_unit){ .x = x, .log_scale = log_scale, .heads = width / d, .d = d });
}

/* Rows [n, width] to where attention reads them, and as the memory takes them unless kept is NULL. */
static void place(const struct step *s, const float *x, int64_t width, bool turns, void *y, void *kept,
		  float factor)
{
	const struct device_engine *e = s->e;
	int64_t d = e->cfg.head_dim;

	LAUNCH(e, turn, s->r->n * (width / d),
	       (struct fot_turn){ .x = x,
				  .y = y,
				  .kept = kept,
				  .dtype = e->dtype,
				  .kept_dtype = (int)e->opts.mem_dtype,
				  .cos = e->cos,
				  .sin = e->sin,
				  .position = turns ? s->r->position : NULL,
				  .heads = width / d,
				  .d = d,
				  .factor = factor });
}

/* Row i of the window in an array of rows of keys. */
static void *row_of(const struct step *s, void *rows, int dtype, int64_t i)
{
	return rows ? (char *)rows + fot_dtype_size((enum fot_dtype)dtype) * (size_t)(i * s->e->key_width) :
		      NULL;
}

static void project(const struct step *s, bool queries)
{
	const struct device_engine *e = s->e;
	const struct layer *a = s->a;
	int64_t at = s->r->at->n_local, local = e->past_max + at;
	int kept = (int)e->opts.mem_dtype;
	const void *x = device_taken(e, e->x, a->norm1, s->r->n);

	multiply(s, e->k_wide, x, &a->k, 0);
	multiply(s, e->v_wide, x, &a->v, 0);
	norm_heads(s, e->k_wide, a->k_norm, NULL, e->key_width);
	place(s, e->k_wide, e->key_width, a->rotates, row_of(s, a->k_local, e->dtype, local),
	      row_of(s, a->k_kept, kept, at), a->rotates ? e->key_factor : 1);
	place(s, e->v_wide, e->key_width, false, row_of(s, a->v_local, e->dtype, local),
	      row_of(s, a->v_kept, kept, at), 1);
	if (!queries)
		return;
	multiply(s, e->q_wide, x, &a->q, 0);
	norm_heads(s, e->q_wide, a->q_norm, a->log_scale, e->query_width);
	place(s, e->q_wide, e->query_width, a->rotates, e->q, NULL, 1);
}

/* ---- attention ------------------------------------------------------- */

static struct fot_asking asking(const struct step *s, bool memory)
{
	const struct device_engine *e = s->e;
	float scale = e->cfg.qk_norm ? 1 : 1 / sqrtf((float)e->cfg.head_dim);

	return (struct fot_asking){ .q = e->q,
				    .dtype = e->dtype,
				    .ldq = e->query_width,
				    .n = s->r->n,
				    .heads = e->cfg.n_heads,
				    .group = e->group,
				    .d = e->cfg.head_dim,
				    .scale = memory ? scale * (float)e->cfg.mem_scale : scale,
				    .decay = memory ? e->opts.mem_decay : 0,
				    .unit = e->cfg.window,
				    .now = s->r->at->mem_len };
}

static void launch_tiles(const struct device_engine *e, enum fot_kernel f32, enum fot_kernel bf16,
			 const void *arguments, int64_t n)
{
	int64_t tiles = (n + FOT_ROWS - 1) / FOT_ROWS;

	e->kind->launch(e->device, e->dtype == FOT_BF16 ? bf16 : f32, arguments, e->cfg.n_heads * tiles);
}

static void attend(const struct device_engine *e, const struct fot_attend *a)
{
	launch_tiles(e, FOT_KERNEL_attend_f32, FOT_KERNEL_attend_bf16, a, a->ask.n);
}

static bool sees_memory(const struct step *s)
{
	return s->a->mem && fot_place_mem_from(s->r->at) < s->r->at->mem_len;
}

/* The window's keys, and the past's before them, into a new state. */
static void attend_window(const struct step *s)
{
	const struct device_engine *e = s->e;
	const struct rows *r = s->r;
	bool beside = r->pads && sees_memory(s);

	attend(e, &(struct fot_attend){ .ask = asking(s, false),
					.k = s->a->k_local,
					.v = s->a->v_local,
					.dtype = e->dtype,
					.ld = e->key_width,
					.to = e->past_max + r->at->n_local + r->n,
					.sight = beside ? (s->a->slides ? r->slide_beside : r->sight_beside) :
							  (s->a->slides ? r->slide : r->sight),
					.flat = r->pads && !beside ? r->flat : NULL,
					.max = e->max,
					.sum = e->sum,
					.out = e->out,
					.fresh = true });
}

/* Entries [from, from + n) of one side of the memory: where they lie, or brought from the host; first: of what is there. */
static const void *block_of(const struct device_engine *e, const void *side, void *block, int64_t from,
			    int64_t n, int64_t *first)
{
	size_t row = fot_dtype_size(e->opts.mem_dtype) * (size_t)e->key_width;

	*first = e->streams ? from : 0;
	if (!e->streams)
		return side;
	e->kind->up(e->device, block, (const char *)side + row * (size_t)from, row * (size_t)n);
	return block;
}

/* The next block of [from, to): its end. */
static int64_t block_end(const struct device_engine *e, int64_t from, int64_t to)
{
	return to - from < e->block ? to : from + e->block;
}

/* Entries [from, to) of the memory into the state; masked: only padding sees them, all alike. */
static void read_all(const struct step *s, int64_t from, int64_t to, bool masked, bool fresh)
{
	const struct device_engine *e = s->e;
	struct fot_attend a = { .ask = asking(s, true),
				.dtype = (int)e->opts.mem_dtype,
				.ld = e->key_width,
				.sight = masked ? s->r->masked : NULL,
				.flat = masked ? s->r->flat : NULL,
				.max = e->max,
				.sum = e->sum,
				.out = e->out,
				.fresh = fresh };

	for (int64_t j = from; j < to; j = a.to, a.fresh = false) {
		a.from = j;
		a.to = block_end(e, j, to);
		a.k = block_of(e, s->a->k_mem, e->k_block, j, a.to - j, &a.first);
		a.v = block_of(e, s->a->v_mem, e->v_block, j, a.to - j, &a.first);
		attend(e, &a);
	}
}

/* Scores of entries [from, to), at most choice_keys of a block whose first one is at k. */
static void score(const struct step *s, const struct fot_asking *ask, const void *k, int64_t first,
		  int64_t from, int64_t to)
{
	const struct device_engine *e = s->e;
	struct fot_scores a = { .ask = *ask,
				.k = k,
				.dtype = (int)e->opts.mem_dtype,
				.first = first,
				.ld = e->key_width,
				.from = from,
				.to = to,
				.s = e->scores,
				.lds = e->choice_keys };

	launch_tiles(e, FOT_KERNEL_scores_f32, FOT_KERNEL_scores_bf16, &a, ask->n);
}

typedef void scored(const struct step *s, const struct fot_asking *ask, int64_t from, int64_t n, void *to);

/* Scores of all entries in sight, part by part. */
static void score_all(const struct step *s, const struct fot_asking *ask, scored *then, void *to)
{
	const struct device_engine *e = s->e;
	int64_t first, end, last = s->r->at->mem_len;

	for (int64_t j = fot_place_mem_from(s->r->at); j < last; j = end) {
		const void *k;

		end = block_end(e, j, last);
		k = block_of(e, s->a->k_mem, e->k_block, j, end - j, &first);
		for (int64_t i = j; i < end; i += e->choice_keys) {
			int64_t n = end - i < e->choice_keys ? end - i : e->choice_keys;

			score(s, ask, k, first, i, i + n);
			then(s, ask, i, n, to);
		}
	}
}

static void offer(const struct step *s, const struct fot_asking *ask, int64_t from, int64_t n, void *to)
{
	const struct device_engine *e = s->e;

	(void)to;
	LAUNCH(e, choose, ask->n * ask->heads,
	       (struct fot_choose){ .c = e->choice,
				    .s = e->scores,
				    .lds = e->choice_keys,
				    .n = n,
				    .first = from,
				    .begins = from == fot_place_mem_from(s->r->at) });
}

/* The best entries for the queries that ask: in e->choice, [heads, n]. */
static void choose(const struct step *s, const struct fot_asking *ask)
{
	score_all(s, ask, offer, NULL);
	LAUNCH(s->e, chosen, ask->n * ask->heads, s->e->choice);
}

/* Each row's best entries into the state. */
static void read_best(const struct step *s)
{
	const struct device_engine *e = s->e;
	int64_t from = fot_place_mem_from(s->r->at), to = s->r->at->mem_len;

	for (int64_t row = 0; row < s->r->n; row += e->choice_rows) {
		struct fot_asking ask = asking(s, true);
		struct fot_fold a = { .c = e->choice,
				      .dtype = (int)e->opts.mem_dtype,
				      .ld = e->key_width,
				      .heads = ask.heads,
				      .group = ask.group,
				      .d = ask.d,
				      .row0 = row,
				      .n = s->r->n,
				      .max = e->max,
				      .sum = e->sum,
				      .out = e->out };

		ask.q = fot_at(e->q, e->dtype, row * ask.ldq);
		ask.n = a.rows = s->r->n - row < e->choice_rows ? s->r->n - row : e->choice_rows;
		choose(s, &ask);
		for (int64_t j = from; j < to; j = a.to) {
			a.from = j;
			a.to = block_end(e, j, to);
			a.v = block_of(e, s->a->v_mem, e->v_block, j, a.to - j, &a.first);
			LAUNCH(e, fold, ask.n * ask.heads, a);
		}
	}
}

/* What of the memory the rows see; fresh: into a new state. */
static void read_memory(const struct step *s, bool fresh)
{
	const struct fot_place *at = s->r->at;
	int64_t from = fot_place_mem_from(at);
	bool best = fot_memory_kind(s->e->opts.mode)->counts;

	if (!s->a->mem)
		return;
	if (from < at->mem_len && best && fresh)
		attend(s->e, &(struct fot_attend){ .ask = asking(s, true),
						   .dtype = FOT_F32,
						   .max = s->e->max,
						   .sum = s->e->sum,
						   .out = s->e->out,
						   .fresh = true });
	if (from < at->mem_len && best)
		read_best(s);
	else if (from < at->mem_len)
		read_all(s, from, at->mem_len, false, fresh);
	else if (s->r->pads)
		read_all(s, 0, at->mem_pads, true, false);
}

/* The state's outputs to o. */
static void end_attention(const struct step *s, void *o, int dtype)
{
	const struct device_engine *e = s->e;

	LAUNCH(e, attended, s->r->n * e->cfg.n_heads,
	       (struct fot_attended){ .sum = e->sum,
				      .out = e->out,
				      .o = o,
				      .dtype = dtype,
				      .n = s->r->n,
				      .heads = e->cfg.n_heads,
				      .d = e->cfg.head_dim });
}

/* The window is in the state: its outputs, the memory's, and both through the gate of the head. */
static void end_gated(const struct step *s)
{
	const struct device_engine *e = s->e;

	end_attention(s, e->local, FOT_F32);
	read_memory(s, true);
	end_attention(s, e->out, FOT_F32);
	LAUNCH(e, gate, s->r->n * e->cfg.n_heads,
	       (struct fot_mixed){ .local = e->local,
				   .mem = e->out,
				   .bias = s->a->mem_gate,
				   .only = s->r->pads ? s->r->flat : NULL,
				   .o = e->o,
				   .dtype = e->dtype,
				   .heads = e->cfg.n_heads,
				   .d = e->cfg.head_dim });
}

/* ---- where queries look ---------------------------------------------- */

struct looking {
	int64_t size, groups;
};

static void into_groups(const struct step *s, const struct fot_asking *ask, int64_t from, int64_t n, void *to)
{
	const struct device_engine *e = s->e;
	const struct looking *l = to;
	int64_t first = fot_place_mem_from(s->r->at);

	LAUNCH(e, groups, ask->n * ask->heads,
	       (struct fot_groups){ .s = e->scores,
				    .lds = e->choice_keys,
				    .n = n,
				    .first = from - first,
				    .size = l->size,
				    .out = e->groups,
				    .groups = l->groups,
				    .begins = from == first });
}

/* Rows [i, i + n) of those that are asked for. */
static void note_rows(const struct step *s, const struct fot_masses *m, int64_t i, int64_t n, int64_t slot)
{
	const struct device_engine *e = s->e;
	struct fot_asking ask = asking(s, true);
	struct looking l = { m->group, fot_place_groups(s->r->at, m->group) };

	ask.row = e->list + i;
	ask.n = n;
	if (m->all || !fot_memory_kind(e->opts.mode)->counts) {
		score_all(s, &ask, into_groups, &l);
	} else {
		choose(s, &ask);
		LAUNCH(e, group_hits, n * ask.heads,
		       (struct fot_group_hits){ .c = e->choice,
						.from = fot_place_mem_from(s->r->at),
						.size = l.size,
						.groups = l.groups,
						.out = e->groups });
	}
	for (int64_t h = 0; h < ask.heads; h++)
		e->kind->down(e->device, m->memory + ((slot * ask.heads + h) * m->n_rows + i) * l.groups,
			      e->groups + h * n * l.groups, sizeof(double) * (size_t)(n * l.groups));
}

/* Masses of the window, from its state, which is on the host; what the gate makes of all. */
static void end_masses(const struct step *s, const struct fot_masses *m, const float *bias, int64_t slot)
{
	int64_t H = s->e->cfg.n_heads, n = fot_place_groups(s->r->at, m->group);

	for (int64_t h = 0; h < H; h++)
		for (int64_t i = 0; i < m->n_rows; i++) {
			int64_t at = (slot * H + h) * m->n_rows + i, state = h * s->r->n + m->row[i];

			if (m->local)
				m->local[at] =
					(double)s->e->host_max[state] + log((double)s->e->host_sum[state]);
			if (bias)
				fot_masses_gate(m->memory + at * n, n, m->local ? &m->local[at] : NULL,
						bias[h]);
		}
}

/* The gates of the heads, as the host has them. */
static const float *host_gates(const struct step *s, float *gates)
{
	const struct device_engine *e = s->e;

	if (!s->a->mem_gate)
		return NULL;
	e->kind->down(e->device, gates, s->a->mem_gate, sizeof *gates * (size_t)e->cfg.n_heads);
	return gates;
}

/* The window is in the state. Waits. */
static void note_masses(const struct step *s, const struct fot_masses *m)
{
	const struct device_engine *e = s->e;
	int64_t groups = fot_place_groups(s->r->at, m->group),
		slot = fot_config_mem_slot(&e->cfg, (int)(s->a - e->layer)),
		most = groups > e->opts.mem_max / e->choice_rows ? e->opts.mem_max / groups : e->choice_rows;
	size_t state = sizeof(float) * (size_t)(e->cfg.n_heads * s->r->n);
	const float *bias = host_gates(s, e->host_gates);

	e->kind->down(e->device, e->host_max, e->max, state);
	e->kind->down(e->device, e->host_sum, e->sum, state);
	for (int64_t i = 0; i < m->n_rows && groups > 0; i += most)
		note_rows(s, m, i, m->n_rows - i < most ? m->n_rows - i : most, slot);
	if (e->kind->wait(e->device, NULL) == FOT_OK) /* what failed comes back when answers are waited for */
		end_masses(s, m, bias, slot);
}

/* ---- the loop -------------------------------------------------------- */

/* x += y w^T, or the norm of it. */
static void add_output(const struct step *s, const void *y, const struct matrix *w, const float *out_norm)
{
	const struct device_engine *e = s->e;

	multiply(s, out_norm ? e->branch : e->x, y, w, out_norm ? 0 : 1);
	if (out_norm)
		LAUNCH(e, norm, s->r->n,
		       (struct fot_norm){ .x = e->branch,
					  .w = out_norm,
					  .y = e->x,
					  .dtype = FOT_F32,
					  .width = e->cfg.hidden_size,
					  .eps = e->cfg.rms_norm_eps,
					  .adds = true });
}

static void finish(const struct step *s)
{
	const struct device_engine *e = s->e;
	const void *x;

	add_output(s, e->o, &s->a->o, s->a->out_norm1);
	x = device_taken(e, e->x, s->a->norm2, s->r->n);
	multiply(s, e->g, x, &s->a->gate, 0);
	multiply(s, e->u, x, &s->a->up, 0);
	LAUNCH(e, swiglu, s->r->n * e->cfg.intermediate_size,
	       (struct fot_swiglu){ .g = e->g, .u = e->u, .y = e->h, .dtype = e->dtype });
	add_output(s, e->h, &s->a->down, s->a->out_norm2);
}

void device_run_rows(struct device_engine *e, const struct rows *r, bool skip)
{
	int top = skip ? e->last_kept + 1 : e->cfg.n_layers;

	LAUNCH(e, embed, r->n,
	       (struct fot_embed){ .table = e->embed.w,
				   .dtype = e->embed.dtype,
				   .token = r->token,
				   .x = e->x,
				   .width = e->cfg.hidden_size });
	for (int l = 0; l < top; l++) {
		struct step s = { e, r, &e->layer[l], skip && l == e->last_kept };

		project(&s, !s.last || r->masses);
		if (s.last && !r->masses)
			break;
		attend_window(&s);
		if (r->masses && s.a->mem)
			note_masses(&s, r->masses);
		if (s.last)
			break;
		if (s.a->mem_gate && sees_memory(&s)) {
			end_gated(&s);
		} else {
			read_memory(&s, false);
			end_attention(&s, e->o, e->dtype);
		}
		finish(&s);
	}
}

#endif
