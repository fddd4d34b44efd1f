/* attention.c: streamed softmax attention.
 *
 * Invariant of the state after any number of folds, over the keys seen so far:
 * sum[i] = sum_j exp(s_ij - max[i]), out[i] = sum_j exp(s_ij - max[i]) v_j. */
#include "model/attention.h"

int64_t fot_attn_need(int64_t head_dim, int backward)
{
	return FOT_TILE_Q * (2 + 2 * head_dim + FOT_TILE_K * (backward ? 2 : 0)) +
	       FOT_TILE_K * (FOT_PANEL + 2 * head_dim) + FOT_FEW * FOT_PANEL + head_dim;
}

void fot_attn_bind(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward)
{
	*a = (struct fot_attn){ .head_dim = head_dim };
	a->s = mem;
	a->k = a->s + (FOT_TILE_K + FOT_FEW) * FOT_PANEL;
	a->v = a->k + FOT_TILE_K * head_dim;
	a->q = a->v + FOT_TILE_K * head_dim;
	a->out = a->q + FOT_TILE_Q * head_dim;
	a->max = a->out + FOT_TILE_Q * head_dim;
	a->sum = a->max + FOT_TILE_Q;
	a->p = backward ? a->sum + FOT_TILE_Q : NULL;
	a->ds = backward ? a->p + FOT_TILE_Q * FOT_TILE_K : NULL;
	a->row = a->sum + FOT_TILE_Q * (backward ? 1 + 2 * FOT_TILE_K : 1);
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
	for (int64_t i = 0; i < a->n_q; i += FOT_PANEL)
		fot_panel_queries(a->q + i * a->head_dim, q + i * ldq, ldq, panel_rows(a, i), a->head_dim,
				  scale);
}

/* Keys of [0, n_k) that query i sees. */
static int64_t visible(int64_t i, int64_t diag, int64_t n_k)
{
	return diag == FOT_ATTN_ALL ? n_k : clamp(i + diag + 1, 0, n_k);
}

/* Keys of [0, n_k) behind k0 folded ones that query i does not see yet. */
static int64_t before(const struct fot_attn *a, int64_t i, int64_t k0, int64_t n_k)
{
	return a->low ? clamp(a->low[i] - k0, 0, n_k) : 0;
}

/* What the queries of a panel see of a tile's keys: each [low, high), together [from, to). */
struct sight {
	int64_t low[FOT_TILE_Q], high[FOT_TILE_Q], from, to;
};

/* k0: keys before the tile. Columns without a query see what the last one sees. */
static void look(struct sight *g, const struct fot_attn *a, int64_t row, int64_t k0, int64_t n_k,
		 int64_t diag)
{
	int64_t last = panel_rows(a, row) - 1;

	g->from = n_k;
	g->to = 0;
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		int64_t at = row + (i < last ? i : last);

		g->low[i] = before(a, at, k0, n_k);
		g->high[i] = visible(at, diag, n_k);
		g->from = g->low[i] < g->from ? g->low[i] : g->from;
		g->to = g->high[i] > g->to ? g->high[i] : g->to;
	}
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		g->low[i] -= g->from;
		g->high[i] -= g->from;
	}
}

static void fold_panel(struct fot_attn *a, int64_t row, const struct fot_panel_tile *all,
		       const struct sight *g)
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

void fot_attn_meet(struct fot_attn *a, const fot_real *k, int64_t ldk, const fot_real *v, int64_t ldv,
		   int64_t n_k, int64_t diag)
{
	struct sight g;

	for (int64_t k0 = 0; k0 < n_k; k0 += FOT_TILE_K) {
		struct fot_panel_tile t = { .ldk = ldk,
					    .ldv = ldv,
					    .n = n_k - k0 < FOT_TILE_K ? n_k - k0 : FOT_TILE_K };
		int64_t d = diag == FOT_ATTN_ALL ? diag : diag - k0;

		t.bias = a->bias ? a->bias + k0 : NULL;
		for (int64_t row = 0; row < a->n_q; row += FOT_PANEL) {
			look(&g, a, row, k0, t.n, d);
			if (g.from >= g.to)
				continue;
			if (!t.k) {
				t.k = together(a, a->k, k + k0 * ldk, &t.ldk, t.n);
				t.v = together(a, a->v, v + k0 * ldv, &t.ldv, t.n);
			}
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
	fot_panel_scores(a->s, a->q + row * a->head_dim, k, ldk, n_k, a->head_dim, a->bias);
}

/* The place of number 0 of query `row` in a->q or a->out; the next one is FOT_PANEL further. */
static int64_t column(const struct fot_attn *a, int64_t row)
{
	return row / FOT_PANEL * FOT_PANEL * a->head_dim + row % FOT_PANEL;
}

/* Scores of a row to weights relative to its maximum, which may rise: returns what that multiplies the
 * row's sum and output by. */
static fot_real row_weights(struct fot_attn *a, int64_t row, fot_real *s, int64_t n)
{
	fot_real max = a->max[row], sum = 0, f;

#pragma omp simd reduction(max : max)
	for (int64_t j = 0; j < n; j++)
		max = s[j] > max ? s[j] : max;
	f = a->sum[row] > 0 ? fot_real_exp(a->max[row] - max) : 0;
#pragma omp simd reduction(+ : sum)
	for (int64_t j = 0; j < n; j++) {
		s[j] = fot_real_exp(s[j] - max);
		sum += s[j];
	}
	a->max[row] = max;
	a->sum[row] = a->sum[row] * f + sum;
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
	for (int64_t i = 0; i < a->n_q; i++) {
		const fot_real *out = a->out + column(a, i);
		fot_real inv = 1 / a->sum[i];

		for (int64_t c = 0; c < a->head_dim; c++)
			o[i * ldo + c] = out[c * FOT_PANEL] * inv;
		if (lse)
			lse[i] = a->max[i] + (fot_real)log((double)a->sum[i]);
	}
}

/* s holds scores, ds holds do.v; both become p and p * (do.v - delta). */
static void row_gradient(fot_real *s, fot_real *ds, fot_real lse, fot_real delta, int64_t n_seen, int64_t n_k)
{
#pragma omp simd
	for (int64_t j = 0; j < n_seen; j++) {
		s[j] = fot_real_exp(s[j] - lse);
		ds[j] = s[j] * (ds[j] - delta);
	}
	for (int64_t j = n_seen; j < n_k; j++)
		s[j] = ds[j] = 0;
}

static void backward_tile(struct fot_attn *a, const struct fot_attn_grad *g, int64_t q0, int64_t nq,
			  int64_t k0, int64_t nk)
{
	int64_t dh = a->head_dim;
	int64_t d = g->diag == FOT_ATTN_ALL ? g->diag : g->diag + q0 - k0;
	const fot_real *q = g->q + q0 * g->ldq, *k = g->k + k0 * g->ldk, *v = g->v + k0 * g->ldv;
	const fot_real *d_o = g->d_o + q0 * g->ldo;

	if (visible(nq - 1, d, nk) == 0)
		return;
	fot_gemm(0, 1, nq, nk, dh, g->scale, q, g->ldq, k, g->ldk, 0, a->p, FOT_TILE_K);
	fot_gemm(0, 1, nq, nk, dh, 1, d_o, g->ldo, v, g->ldv, 0, a->ds, FOT_TILE_K);
	for (int64_t i = 0; i < nq; i++)
		row_gradient(a->p + i * FOT_TILE_K, a->ds + i * FOT_TILE_K, g->lse[q0 + i], g->delta[q0 + i],
			     visible(i, d, nk), nk);
	fot_gemm(0, 0, nq, dh, nk, g->scale, a->ds, FOT_TILE_K, k, g->ldk, 1, g->dq + q0 * g->ldq, g->ldq);
	if (!g->dk)
		return;
	fot_gemm(1, 0, nk, dh, nq, g->scale, a->ds, FOT_TILE_K, q, g->ldq, 1, g->dk + k0 * g->ldk, g->ldk);
	fot_gemm(1, 0, nk, dh, nq, 1, a->p, FOT_TILE_K, d_o, g->ldo, 1, g->dv + k0 * g->ldv, g->ldv);
}

void fot_attn_backward(struct fot_attn *a, const struct fot_attn_grad *g)
{
	for (int64_t q0 = 0; q0 < g->n_q; q0 += FOT_TILE_Q) {
		int64_t nq = g->n_q - q0 < FOT_TILE_Q ? g->n_q - q0 : FOT_TILE_Q;

		for (int64_t k0 = 0; k0 < g->n_k; k0 += FOT_TILE_K) {
			int64_t nk = g->n_k - k0 < FOT_TILE_K ? g->n_k - k0 : FOT_TILE_K;

			backward_tile(a, g, q0, nq, k0, nk);
		}
	}
}
