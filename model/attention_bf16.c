/* attention_bf16.c: see attention_bf16.h.  Which side of a product is what:
 *
 *   scores     keys, rounded rows              x queries, turned             [keys][queries]
 *   outputs    values, pairs of keys, turned   x weights, pairs of keys      [columns][queries]
 *   dK, dV     scores' gradients or weights,   x queries or outputs'         [keys][columns]
 *              rounded rows                      gradients, pairs of queries
 *
 * Left sides are read by steps, so that "turned" costs something only for queries. */
#include "model/attention_bf16.h"

#define PANEL_PAIRS (FOT_PANEL / 2)
#define TILE_PAIRS (FOT_TILE_K / 2)
#define FEW_ROW (FOT_TILE_K + 2 * FOT_PANEL) /* scores of one of few queries */

int64_t attn_narrow_lay(struct fot_attn_narrow *w, fot_real *mem, int64_t head_dim, int backward)
{
	int64_t d = head_dim, pairs = fot_bf16_pairs(d), at = 0, back = backward ? 1 : 0;
	const struct {
		uint32_t **array;
		int64_t n;
	} list[] = {
		{ &w->q_rows, FOT_TILE_Q * pairs },
		{ &w->q, FOT_TILE_Q * pairs },
		{ &w->k, FOT_TILE_K * pairs },
		{ &w->v_pairs, TILE_PAIRS * d },
		{ &w->turned, FOT_TILE_K * pairs },
		{ &w->weights, TILE_PAIRS * FOT_PANEL },
		{ &w->rows, TILE_PAIRS * (backward ? FOT_PANEL : 1) },
		{ &w->v, FOT_TILE_K * pairs * back },
		{ &w->d_o, FOT_TILE_Q * pairs * back },
		{ &w->k_pairs, TILE_PAIRS * d * back },
		{ &w->q_pairs, FOT_TILE_Q / 2 * d * back },
		{ &w->d_o_pairs, FOT_TILE_Q / 2 * d * back },
	};

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		*list[i].array = mem ? (uint32_t *)mem + at : NULL;
		at += list[i].n ? (list[i].n + 15) / 16 * 16 + FOT_BF16_BEYOND : 0;
	}
	return at * (int64_t)sizeof(uint32_t) / (int64_t)sizeof(fot_real);
}

/* bf16 is of floats: where fot_real is double there is no kernel, and what is cast here is never run. */
static void round_rows(const struct fot_attn *a, uint32_t *to, int64_t ld, const fot_real *x, int64_t ldx,
		       int64_t n, int64_t width)
{
	fot_bf16_rows(a->kernel, to, ld, (const float *)x, ldx, n, width);
}

static void pair_rows(const struct fot_attn *a, uint32_t *to, int64_t ld, const fot_real *x, int64_t ldx,
		      int64_t n, int64_t width)
{
	fot_bf16_pair(a->kernel, to, ld, (const float *)x, ldx, n, width);
}

static int64_t pairs_of(const struct fot_attn *a)
{
	return fot_bf16_pairs(a->head_dim);
}

/* Rows times scale as pairs, and turned: panel [pairs][FOT_PANEL], zero behind the n rows. */
static void take_panel(const struct fot_attn *a, uint32_t *rows, uint32_t *panel, const fot_real *x,
		       int64_t ldx, int64_t n, fot_real scale)
{
	int64_t d = a->head_dim, pairs = pairs_of(a);

	for (int64_t i = 0; i < n; i++) {
		const fot_real *from = x + i * ldx;
		fot_real *row = a->row;

#pragma omp simd
		for (int64_t c = 0; c < d; c++)
			row[c] = from[c] * scale;
		round_rows(a, rows + i * pairs, pairs, row, d, 1, d);
	}
	memset(rows + n * pairs, 0, sizeof *rows * (size_t)((FOT_PANEL - n) * pairs));
	fot_bf16_turn(a->kernel, panel, FOT_PANEL, rows, pairs, FOT_PANEL, pairs);
}

void attn_narrow_ask(struct fot_attn *a, const fot_real *q, int64_t ldq, fot_real scale)
{
	int64_t pairs = pairs_of(a);

	for (int64_t i = 0; i < a->n_q; i += FOT_PANEL)
		take_panel(a, a->narrow.q_rows + i * pairs, a->narrow.q + i * pairs, q + i * ldq, ldq,
			   a->n_q - i < FOT_PANEL ? a->n_q - i : FOT_PANEL, scale);
}

void attn_narrow_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n)
{
	round_rows(a, a->narrow.k, pairs_of(a), k, ldk, n, a->head_dim);
}

void attn_narrow_values(const struct fot_attn *a, const fot_real *v, int64_t ldv, int64_t n)
{
	pair_rows(a, a->narrow.v_pairs, a->head_dim, v, ldv, n, a->head_dim);
}

/* s [n][FOT_PANEL] = rounded rows [n][pairs] x a panel. */
static struct fot_bf16_operands panel_operands(const struct fot_attn *a, fot_real *s, const uint32_t *rows,
					       const uint32_t *panel, int64_t n)
{
	return (struct fot_bf16_operands){ .y = (float *)s,
					   .ldy = FOT_PANEL,
					   .a = rows,
					   .row_step = pairs_of(a),
					   .pair_step = 1,
					   .b = panel,
					   .b_step = FOT_PANEL,
					   .m = n,
					   .n = FOT_PANEL,
					   .pairs = pairs_of(a) };
}

static void panel_products(const struct fot_attn *a, fot_real *s, const uint32_t *rows, const uint32_t *panel,
			   int64_t n)
{
	const struct fot_bf16_operands o = panel_operands(a, s, rows, panel, n);

	fot_bf16_multiply(a->kernel, &o);
}

void attn_narrow_scores(const struct fot_attn *a, int64_t row, const struct attn_keys *k)
{
	int64_t pairs = pairs_of(a);

	panel_products(a, a->s, a->narrow.k + k->from * pairs, a->narrow.q + row * pairs, k->n);
	for (int64_t j = 0; j < k->n && k->bias; j++)
		for (int64_t i = 0; i < FOT_PANEL; i++)
			a->s[j * FOT_PANEL + i] += k->bias[k->from + j];
}

/* out [d][FOT_PANEL] += x^T w over n keys: x in pairs of keys [., d], w [n][FOT_PANEL]. */
static void add_over_keys(const struct fot_attn *a, fot_real *out, const uint32_t *x, const fot_real *w,
			  int64_t n)
{
	const struct fot_bf16_operands o = { .y = (float *)out,
					     .ldy = FOT_PANEL,
					     .a = x,
					     .row_step = 1,
					     .pair_step = a->head_dim,
					     .b = a->narrow.weights,
					     .b_step = FOT_PANEL,
					     .m = a->head_dim,
					     .n = FOT_PANEL,
					     .pairs = fot_bf16_pairs(n),
					     .beta = 1 };

	pair_rows(a, a->narrow.weights, FOT_PANEL, w, FOT_PANEL, n, FOT_PANEL);
	fot_bf16_multiply(a->kernel, &o);
}

/* Scores of few queries are rows, so that registers hold keys, and then columns of values. */
static void few_scores(const struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k)
{
	int64_t pairs = pairs_of(a);
	const struct fot_bf16_operands o = { .y = (float *)a->s,
					     .ldy = FEW_ROW,
					     .a = a->narrow.q_rows + row * pairs,
					     .row_step = pairs,
					     .pair_step = 1,
					     .b = a->narrow.turned,
					     .b_step = FOT_TILE_K,
					     .m = n_q,
					     .n = k->n,
					     .pairs = pairs };

	fot_bf16_turn(a->kernel, a->narrow.turned, FOT_TILE_K, a->narrow.k + k->from * pairs, pairs, k->n,
		      pairs);
	fot_bf16_multiply(a->kernel, &o);
	for (int64_t i = 0; i < n_q && k->bias; i++)
		for (int64_t j = 0; j < k->n; j++)
			a->s[i * FEW_ROW + j] += k->bias[k->from + j];
}

/* Column `out` of the outputs: times f, plus weights w [n] of the keys x their values. */
static void few_outputs(const struct fot_attn *a, fot_real *out, fot_real f, const fot_real *w,
			const struct attn_keys *k)
{
	int64_t d = a->head_dim;
	const struct fot_bf16_operands o = { .y = (float *)a->row,
					     .a = a->narrow.rows,
					     .pair_step = 1,
					     .b = a->narrow.v_pairs + k->from / 2 * d,
					     .b_step = d,
					     .m = 1,
					     .n = d,
					     .pairs = fot_bf16_pairs(k->n),
					     .beta = 1 };

	for (int64_t c = 0; c < d; c++)
		a->row[c] = out[c * FOT_PANEL] * f;
	round_rows(a, a->narrow.rows, TILE_PAIRS, w, FEW_ROW, 1, k->n);
	fot_bf16_multiply(a->kernel, &o);
	for (int64_t c = 0; c < d; c++)
		out[c * FOT_PANEL] = a->row[c];
}

static void fold_few(const struct fot_attn *a, const struct fot_panel_state *state, int64_t row, int64_t n_q,
		     const struct attn_keys *k, const int64_t *low, const int64_t *high)
{
	few_scores(a, row, n_q, k);
	for (int64_t i = 0; i < n_q; i++) {
		fot_real *w = a->s + i * FEW_ROW, f;

		f = fot_panel_row_weights(w, low[i], high[i], state, i);
		for (int64_t j = 0; j < low[i]; j++)
			w[j] = 0;
		for (int64_t j = high[i]; j < k->n; j++)
			w[j] = 0;
		few_outputs(a, state->out + i, f, w, k);
	}
}

void attn_narrow_fold(struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k,
		      const int64_t *low, const int64_t *high)
{
	int64_t d = a->head_dim;
	const struct fot_panel_state state = { a->max + row, a->sum + row, a->out + row * d };

	if (n_q <= FOT_FEW) {
		fold_few(a, &state, row, n_q, k, low, high);
		return;
	}
	attn_narrow_scores(a, row, k);
	fot_panel_weights(a->s, k->n, low, high, &state, d);
	add_over_keys(a, state.out, a->narrow.v_pairs + k->from / 2 * d, a->s, k->n);
}

struct told {
	fot_panel_hit *hit;
	void *to;
};

static void tell(void *to, int64_t query, int64_t key, float score)
{
	const struct told *t = to;

	t->hit(t->to, query, key, (fot_real)score);
}

void attn_narrow_search(const struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k,
			const fot_real *threshold, fot_panel_hit *hit, void *to)
{
	int64_t pairs = pairs_of(a);
	const struct fot_bf16_operands o =
		panel_operands(a, NULL, a->narrow.k + k->from * pairs, a->narrow.q + row * pairs, k->n);
	struct told t = { hit, to };

	if (n_q <= FOT_FEW) {
		few_scores(a, row, n_q, k);
		for (int64_t i = 0; i < n_q; i++)
			fot_panel_sift_row(a->s + i * FEW_ROW, k->n, threshold, i, hit, to);
	} else if (k->bias) {
		attn_narrow_scores(a, row, k);
		fot_panel_sift(a->s, k->n, threshold, hit, to);
	} else {
		fot_bf16_search(a->kernel, &o, (const float *)threshold, tell, &t);
	}
}

void attn_narrow_add(const struct fot_attn *a, fot_real *o, int64_t ldo, const fot_real *panel, int64_t n,
		     const fot_real *f, fot_real beta)
{
	int64_t d = a->head_dim;
	const fot_real *rows = (const fot_real *)a->narrow.turned;

	fot_bf16_turn(a->kernel, a->narrow.turned, d, (const uint32_t *)panel, FOT_PANEL, d, n);
	for (int64_t i = 0; i < n; i++, o += ldo, rows += d)
		if (beta > 0)
#pragma omp simd
			for (int64_t c = 0; c < d; c++)
				o[c] += rows[c] * f[i];
		else
#pragma omp simd
			for (int64_t c = 0; c < d; c++)
				o[c] = rows[c] * f[i];
}

/* ---- backward -------------------------------------------------------- */

/* Rows [n <= FOT_PANEL, d] times scale in pairs of rows, zero behind them. */
static void take_pairs(const struct fot_attn *a, uint32_t *pairs, const fot_real *x, int64_t ldx, int64_t n)
{
	int64_t d = a->head_dim, have = fot_bf16_pairs(n);

	pair_rows(a, pairs, d, x, ldx, n, d);
	memset(pairs + have * d, 0, sizeof *pairs * (size_t)((PANEL_PAIRS - have) * d));
}

/* Up to FOT_TILE_Q queries on their way back, in panels. */
struct group {
	int64_t row, n; /* the first, and how many */
	fot_real lse[FOT_TILE_Q], delta[FOT_TILE_Q];
};

static int64_t panel_rows(const struct group *b, int64_t i)
{
	return b->n - i < FOT_PANEL ? b->n - i : FOT_PANEL;
}

static void begin_group(struct fot_attn *a, const struct fot_attn_grad *g, struct group *b, int64_t row)
{
	int64_t d = a->head_dim, pairs = pairs_of(a);

	b->row = row;
	b->n = g->n_q - row < FOT_TILE_Q ? g->n_q - row : FOT_TILE_Q;
	for (int64_t i = 0; i < FOT_TILE_Q; i++) {
		b->lse[i] = i < b->n ? g->lse[row + i] : (fot_real)INFINITY;
		b->delta[i] = i < b->n ? g->delta[row + i] : 0;
	}
	for (int64_t i = 0; i < b->n; i += FOT_PANEL) {
		const fot_real *q = g->q + (row + i) * g->ldq, *d_o = g->d_o + (row + i) * g->ldo;
		int64_t n = panel_rows(b, i);

		memset(a->out + i * d, 0, sizeof *a->out * (size_t)(FOT_PANEL * d));
		take_panel(a, a->narrow.q_rows, a->narrow.q + i * pairs, q, g->ldq, n, g->scale);
		take_panel(a, a->narrow.q_rows, a->narrow.d_o + i * pairs, d_o, g->ldo, n, 1);
		if (!g->dk)
			continue;
		take_pairs(a, a->narrow.q_pairs + i / 2 * d, q, g->ldq, n);
		take_pairs(a, a->narrow.d_o_pairs + i / 2 * d, d_o, g->ldo, n);
	}
}

/* out [n, d] at ldo += w x, w [n][FOT_PANEL], x in pairs of queries. */
static void add_over_queries(const struct fot_attn *a, fot_real *out, int64_t ldo, const fot_real *w,
			     const uint32_t *x, int64_t n)
{
	const struct fot_bf16_operands o = { .y = (float *)out,
					     .ldy = ldo,
					     .a = a->narrow.rows,
					     .row_step = PANEL_PAIRS,
					     .pair_step = 1,
					     .b = x,
					     .b_step = a->head_dim,
					     .m = n,
					     .n = a->head_dim,
					     .pairs = PANEL_PAIRS,
					     .beta = 1 };

	round_rows(a, a->narrow.rows, PANEL_PAIRS, w, FOT_PANEL, n, FOT_PANEL);
	fot_bf16_multiply(a->kernel, &o);
}

/* Queries [i, i + FOT_PANEL) of the group and what they see of the tile from key k0 on. */
static void panel_back(struct fot_attn *a, const struct fot_attn_grad *g, const struct group *b, int64_t i,
		       int64_t k0, const struct attn_sight *seen)
{
	int64_t d = a->head_dim, pairs = pairs_of(a), n = seen->to - seen->from, key = k0 + seen->from;
	fot_real *ds = a->ds;

	panel_products(a, a->s, a->narrow.k + seen->from * pairs, a->narrow.q + i * pairs, n);
	panel_products(a, ds, a->narrow.v + seen->from * pairs, a->narrow.d_o + i * pairs, n);
	fot_panel_gradients(a->s, ds, n, seen->low, seen->high, b->lse + i, b->delta + i);
	add_over_keys(a, a->out + i * d, a->narrow.k_pairs + seen->from / 2 * d, ds, n);
	if (!g->dk)
		return;
#pragma omp simd
	for (int64_t j = 0; j < n * FOT_PANEL; j++)
		ds[j] *= g->scale;
	add_over_queries(a, g->dk + key * g->ldk, g->ldk, ds, a->narrow.q_pairs + i / 2 * d, n);
	add_over_queries(a, g->dv + key * g->ldv, g->ldv, a->s, a->narrow.d_o_pairs + i / 2 * d, n);
}

/* Keys [k0, k0 + n). */
static void tile_back(struct fot_attn *a, const struct fot_attn_grad *g, const struct group *b, int64_t k0,
		      int64_t n)
{
	const fot_real *k = g->k + k0 * g->ldk, *v = g->v + k0 * g->ldv;
	int64_t d = a->head_dim, last = (b->n - 1) / FOT_PANEL * FOT_PANEL;
	struct attn_sight seen;

	attn_look(&seen, g->low, g->n_q, b->row + last, k0, n, g->diag, true);
	n = seen.to; /* no query sees more than the last one */
	if (n <= 0)
		return;
	attn_narrow_keys(a, k, g->ldk, n);
	pair_rows(a, a->narrow.k_pairs, d, k, g->ldk, n, d);
	round_rows(a, a->narrow.v, pairs_of(a), v, g->ldv, n, d);
	for (int64_t i = 0; i < b->n; i += FOT_PANEL) {
		attn_look(&seen, g->low, g->n_q, b->row + i, k0, n, g->diag, true);
		if (seen.from < seen.to)
			panel_back(a, g, b, i, k0, &seen);
	}
}

void attn_narrow_backward(struct fot_attn *a, const struct fot_attn_grad *g)
{
	fot_real scale[FOT_PANEL];
	struct group b;

	for (int64_t i = 0; i < FOT_PANEL; i++)
		scale[i] = g->scale;
	for (int64_t row = 0; row < g->n_q; row += FOT_TILE_Q) {
		begin_group(a, g, &b, row);
		for (int64_t k0 = 0; k0 < g->n_k; k0 += FOT_TILE_K)
			tile_back(a, g, &b, k0, g->n_k - k0 < FOT_TILE_K ? g->n_k - k0 : FOT_TILE_K);
		for (int64_t i = 0; i < b.n; i += FOT_PANEL)
			attn_narrow_add(a, g->dq + (row + i) * g->ldq, g->ldq, a->out + i * a->head_dim,
					panel_rows(&b, i), scale, 1);
	}
}
