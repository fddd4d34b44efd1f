/* attention.c: streamed softmax attention.
 *
 * Invariant of the state after any number of folds, over the keys seen so far:
 * sum[i] = sum_j exp(s_ij - max[i]), out[i] = sum_j exp(s_ij - max[i]) v_j. */
#include "model/attention.h"

#include "model/attention_bf16.h"
#include "model/attention_filter.h"
#include "model/ops.h"

/* The one list of what a state holds: binds it from mem on, and returns how much that is. mem NULL: nothing is bound. */
static int64_t lay_out(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward)
{
	int64_t d = head_dim, at = 0, back = backward ? FOT_PANEL : 0, wide = a->kernel ? 0 : 1;
	const struct {
		fot_real **array;
		int64_t n;
	} list[] = {
		{ &a->s, (FOT_TILE_K + FOT_FEW) * FOT_PANEL },
		{ &a->k, FOT_TILE_K * d * wide },
		{ &a->v, FOT_TILE_K * d * wide },
		{ &a->q, FOT_TILE_Q * d * wide },
		{ &a->out, FOT_TILE_Q * d },
		{ &a->max, FOT_TILE_Q },
		{ &a->sum, FOT_TILE_Q },
		{ &a->ds, FOT_TILE_K * back },
		{ &a->d_o, d * back * wide },
		{ &a->q_rows, fot_panel_width(d) * back * wide },
		{ &a->d_o_rows, fot_panel_width(d) * back * wide },
	};

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		*list[i].array = mem ? mem + at : NULL;
		at += list[i].n;
	}
	at += a->kernel ? attn_narrow_lay(&a->narrow, mem ? mem + at : NULL, d, backward) :
			  attn_filter_lay(&a->filter, mem ? mem + at : NULL, d);
	a->row = mem ? mem + at : NULL;
	return at + d;
}

int64_t fot_attn_need(int64_t head_dim, int backward, const struct fot_bf16_kernel *kernel)
{
	return lay_out(&(struct fot_attn){ .kernel = kernel }, NULL, head_dim, backward);
}

void fot_attn_bind(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward,
		   const struct fot_bf16_kernel *kernel)
{
	*a = (struct fot_attn){ .head_dim = head_dim, .kernel = kernel };
	lay_out(a, mem, head_dim, backward);
#ifndef FOT_REAL_DOUBLE
	if (!kernel && fot_bf16_kernel() != &fot_bf16_portable)
		a->filter.kernel = fot_bf16_kernel();
#endif
}

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* Rows that panels take for n queries. */
static int64_t whole_panels(int64_t n)
{
	return (n + FOT_PANEL - 1) / FOT_PANEL * FOT_PANEL;
}

void fot_attn_begin(struct fot_attn *a, int64_t n_q)
{
	int64_t rows = whole_panels(n_q);

	a->n_q = n_q;
	for (int64_t i = 0; i < rows; i++) {
		a->max[i] = -INFINITY;
		a->sum[i] = 0;
	}
	memset(a->out, 0, sizeof(fot_real) * (size_t)(rows * a->head_dim));
}

/* Queries of the panel that begins with row `row`. */
static int64_t panel_rows(const struct fot_attn *a, int64_t row)
{
	return clamp(a->n_q - row, 0, FOT_PANEL);
}

void fot_attn_ask(struct fot_attn *a, const fot_real *q, int64_t ldq, fot_real scale)
{
	if (a->kernel) {
		attn_narrow_ask(a, q, ldq, scale);
		return;
	}
	for (int64_t i = 0; i < a->n_q; i += FOT_PANEL)
		fot_panel_queries(a->q + i * a->head_dim, q + i * ldq, ldq, panel_rows(a, i), a->head_dim,
				  scale);
	if (attn_filter_on(a))
		attn_filter_ask(a);
}

/* Keys of [0, n_k) that query i sees. */
static int64_t visible(int64_t i, int64_t diag, int64_t n_k)
{
	return diag == FOT_ATTN_ALL ? n_k : clamp(i + diag + 1, 0, n_k);
}

/* Keys of [0, n_k) behind k0 others that query i does not see yet. */
static int64_t before(const int64_t *low, int64_t i, int64_t k0, int64_t n_k)
{
	return low ? clamp(low[i] - k0, 0, n_k) : 0;
}

void attn_look(struct attn_sight *g, const int64_t *low, int64_t n_q, int64_t row, int64_t k0, int64_t n_k,
	       int64_t diag, bool even)
{
	diag = diag == FOT_ATTN_ALL ? diag : diag - k0;
	g->from = n_k;
	g->to = 0;
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		int64_t at = row + i < n_q ? row + i : n_q - 1;

		g->low[i] = before(low, at, k0, n_k);
		g->high[i] = visible(at, diag, n_k);
		g->from = g->low[i] < g->from ? g->low[i] : g->from;
		g->to = g->high[i] > g->to ? g->high[i] : g->to;
	}
	g->from -= even ? g->from % 2 : 0;
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		g->low[i] -= g->from;
		g->high[i] -= g->from;
	}
}

static void fold_panel(struct fot_attn *a, int64_t row, const struct fot_panel_tile *all,
		       const struct attn_sight *g)
{
	int64_t d = a->head_dim, n = panel_rows(a, row);
	const fot_real *q = a->q + row * d;
	struct fot_panel_state state = { a->max + row, a->sum + row, a->out + row * d };
	struct fot_panel_tile t = { .k = all->k + g->from * all->ldk,
				    .v = all->v + g->from * all->ldv,
				    .bias = all->bias ? all->bias + g->from : NULL,
				    .ldk = all->ldk,
				    .ldv = all->ldv,
				    .n = g->to - g->from };

	if (n <= FOT_FEW) {
		fot_panel_few(q, n, &t, g->low, g->high, &state, d, a->s, a->row);
		return;
	}
	fot_panel_scores(a->s, q, t.k, t.ldk, t.n, d, t.bias);
	fot_panel_weights(a->s, t.n, g->low, g->high, &state, d);
	fot_panel_outputs(state.out, a->s, t.v, t.ldv, t.n, d);
}

/* Rows of d numbers at distance ld, one behind the other if more than one panel reads them. */
static const fot_real *together(const struct fot_attn *a, fot_real *to, const fot_real *from, int64_t *ld,
				int64_t n)
{
	int64_t d = a->head_dim;

	if (*ld == d || a->n_q <= FOT_PANEL)
		return from;
	for (int64_t j = 0; j < n; j++)
		memcpy(to + j * d, from + j * *ld, sizeof *to * (size_t)d);
	*ld = d;
	return to;
}

/* The tile's keys and values to where panels read them. */
static void bring(struct fot_attn *a, struct fot_panel_tile *t, const fot_real *k, const fot_real *v)
{
	if (a->kernel) {
		attn_narrow_keys(a, k, t->ldk, t->n);
		attn_narrow_values(a, v, t->ldv, t->n);
		t->k = k;
		t->v = v;
		return;
	}
	t->k = together(a, a->k, k, &t->ldk, t->n);
	t->v = together(a, a->v, v, &t->ldv, t->n);
}

void fot_attn_meet(struct fot_attn *a, const fot_real *k, int64_t ldk, const fot_real *v, int64_t ldv,
		   int64_t n_k, int64_t diag)
{
	struct attn_sight g;

	for (int64_t k0 = 0; k0 < n_k; k0 += FOT_TILE_K) {
		struct fot_panel_tile t = { .ldk = ldk,
					    .ldv = ldv,
					    .n = n_k - k0 < FOT_TILE_K ? n_k - k0 : FOT_TILE_K };

		t.bias = a->bias ? a->bias + k0 : NULL;
		for (int64_t row = 0; row < a->n_q; row += FOT_PANEL) {
			attn_look(&g, a->low, a->n_q, row, k0, t.n, diag, a->kernel);
			if (g.from >= g.to)
				continue;
			if (!t.k)
				bring(a, &t, k + k0 * ldk, v + k0 * ldv);
			if (a->kernel)
				attn_narrow_fold(a, row, panel_rows(a, row),
						 &(struct attn_keys){ g.from, g.to - g.from, t.bias }, g.low,
						 g.high);
			else
				fold_panel(a, row, &t, &g);
		}
	}
}

void fot_attn_fold(struct fot_attn *a, const fot_real *q, int64_t ldq, const fot_real *k, int64_t ldk,
		   const fot_real *v, int64_t ldv, int64_t n_k, int64_t diag, fot_real scale)
{
	fot_attn_ask(a, q, ldq, scale);
	fot_attn_meet(a, k, ldk, v, ldv, n_k, diag);
}

void fot_attn_scores(struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n_k)
{
	if (!a->kernel) {
		fot_panel_scores(a->s, a->q + row * a->head_dim, k, ldk, n_k, a->head_dim, a->bias);
		return;
	}
	attn_narrow_keys(a, k, ldk, n_k);
	attn_narrow_scores(a, row, &(struct attn_keys){ 0, n_k, a->bias });
}

void fot_attn_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n_k, bool rare)
{
	if (a->kernel)
		attn_narrow_keys(a, k, ldk, n_k);
	else if (rare && attn_filter_on(a))
		attn_filter_keys(a, k, ldk, n_k);
}

void fot_attn_search(const struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n_k,
		     const fot_real *bias, const fot_real *threshold, bool rare, fot_panel_hit *hit, void *to)
{
	const struct fot_panel_tile t = { .k = k, .bias = bias, .ldk = ldk, .n = n_k };
	const fot_real *q = a->q + row * a->head_dim;
	int64_t n = panel_rows(a, row);

	if (a->kernel)
		attn_narrow_search(a, row, n, &(struct attn_keys){ 0, n_k, bias }, threshold, hit, to);
	else if (n <= FOT_FEW)
		fot_panel_search_few(q, n, &t, a->head_dim, threshold, hit, to, a->s);
	else if (bias || !rare || !attn_filter_on(a) ||
		 !attn_filter_search(a, row, k, ldk, n_k, threshold, hit, to))
		fot_panel_search(q, k, ldk, n_k, a->head_dim, bias, threshold, hit, to);
}

/* The place of number 0 of query `row` in a->out; the next one is FOT_PANEL further. */
static int64_t column(const struct fot_attn *a, int64_t row)
{
	return row / FOT_PANEL * FOT_PANEL * a->head_dim + row % FOT_PANEL;
}

/* Scores of a row to weights relative to its maximum, which may rise: returns what that multiplies the
 * row's sum and output by. */
static fot_real row_weights(struct fot_attn *a, int64_t row, fot_real *s, int64_t n)
{
	fot_real max = a->max[row], f;

#pragma omp simd reduction(max : max)
	for (int64_t j = 0; j < n; j++)
		max = s[j] > max ? s[j] : max;
	f = a->sum[row] > 0 ? fot_real_exp(a->max[row] - max) : 0;
	a->max[row] = max;
	a->sum[row] = a->sum[row] * f + fot_exp_sum(s, s, n, max);
	return f;
}

void fot_attn_fold_row(struct fot_attn *a, int64_t row, fot_real *scores, const fot_real *const *values,
		       int64_t n)
{
	fot_real *out = a->out + column(a, row), *new = a->row;
	fot_real f = row_weights(a, row, scores, n);

	for (int64_t c = 0; c < a->head_dim; c++)
		new[c] = out[c * FOT_PANEL] * f;
	for (int64_t j = 0; j < n; j++) {
		const fot_real *v = values[j];
		fot_real w = scores[j];

#pragma omp simd
		for (int64_t c = 0; c < a->head_dim; c++)
			new[c] += w *v[c];
	}
	for (int64_t c = 0; c < a->head_dim; c++)
		out[c * FOT_PANEL] = new[c];
}

void fot_attn_end(struct fot_attn *a, fot_real *o, int64_t ldo, fot_real *lse)
{
	fot_real inv[FOT_TILE_Q];

	for (int64_t i = 0; i < a->n_q; i++) {
		inv[i] = 1 / a->sum[i];
		if (lse)
			lse[i] = a->max[i] + (fot_real)log((double)a->sum[i]);
	}
	for (int64_t i = 0; i < a->n_q && a->kernel; i += FOT_PANEL)
		attn_narrow_add(a, o + i * ldo, ldo, a->out + i * a->head_dim, panel_rows(a, i), inv + i, 0);
	for (int64_t i = 0; i < a->n_q && !a->kernel; i++) {
		const fot_real *out = a->out + column(a, i);

		for (int64_t c = 0; c < a->head_dim; c++)
			o[i * ldo + c] = out[c * FOT_PANEL] * inv[i];
	}
}

/* ---- backward -------------------------------------------------------- */

/* A panel of queries on its way back. */
struct back {
	struct fot_attn *a;
	const struct fot_attn_grad *g;
	int64_t row, n; /* its first query, and how many */
	fot_real lse[FOT_TILE_Q], delta[FOT_TILE_Q];
};

static void begin_back(struct back *b, int64_t row)
{
	const struct fot_attn_grad *g = b->g;
	struct fot_attn *a = b->a;
	int64_t d = a->head_dim;
	const fot_real *q = g->q + row * g->ldq, *d_o = g->d_o + row * g->ldo;

	b->row = row;
	b->n = g->n_q - row < FOT_PANEL ? g->n_q - row : FOT_PANEL;
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		b->lse[i] = i < b->n ? g->lse[row + i] : (fot_real)INFINITY;
		b->delta[i] = i < b->n ? g->delta[row + i] : 0;
	}
	memset(a->out, 0, sizeof *a->out * (size_t)(FOT_PANEL * d));
	fot_panel_queries(a->q, q, g->ldq, b->n, d, g->scale);
	fot_panel_queries(a->d_o, d_o, g->ldo, b->n, d, 1);
	if (g->dk) {
		fot_panel_rows(a->q_rows, q, g->ldq, b->n, d, g->scale);
		fot_panel_rows(a->d_o_rows, d_o, g->ldo, b->n, d, 1);
	}
}

/* Keys [k0, k0 + n_k), n_k <= FOT_TILE_K. */
static void back_tile(struct back *b, int64_t k0, int64_t n_k)
{
	const struct fot_attn_grad *g = b->g;
	struct fot_attn *a = b->a;
	struct attn_sight seen;
	int64_t d = a->head_dim, n;
	const fot_real *k, *v;

	attn_look(&seen, g->low, g->n_q, b->row, k0, n_k, g->diag, false);
	n = seen.to - seen.from;
	if (n <= 0)
		return;
	k = g->k + (k0 + seen.from) * g->ldk;
	v = g->v + (k0 + seen.from) * g->ldv;
	fot_panel_scores(a->s, a->q, k, g->ldk, n, d, NULL);
	fot_panel_scores(a->ds, a->d_o, v, g->ldv, n, d, NULL);
	fot_panel_gradients(a->s, a->ds, n, seen.low, seen.high, b->lse, b->delta);
	fot_panel_outputs(a->out, a->ds, k, g->ldk, n, d);
	if (!g->dk)
		return;
	fot_panel_keys(g->dk + (k0 + seen.from) * g->ldk, g->ldk, a->ds, a->q_rows, n, d);
	fot_panel_keys(g->dv + (k0 + seen.from) * g->ldv, g->ldv, a->s, a->d_o_rows, n, d);
}

static void end_back(const struct back *b)
{
	const struct fot_attn_grad *g = b->g;

	for (int64_t i = 0; i < b->n; i++)
		for (int64_t c = 0; c < b->a->head_dim; c++)
			g->dq[(b->row + i) * g->ldq + c] += g->scale * b->a->out[c * FOT_PANEL + i];
}

void fot_attn_backward(struct fot_attn *a, const struct fot_attn_grad *g)
{
	struct back b = { .a = a, .g = g };

	if (a->kernel) {
		attn_narrow_backward(a, g);
		return;
	}
	for (int64_t row = 0; row < g->n_q; row += FOT_PANEL) {
		begin_back(&b, row);
		for (int64_t k0 = 0; k0 < g->n_k; k0 += FOT_TILE_K)
			back_tile(&b, k0, g->n_k - k0 < FOT_TILE_K ? g->n_k - k0 : FOT_TILE_K);
		end_back(&b);
	}
}
