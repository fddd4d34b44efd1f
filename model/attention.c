/* attention.c: streamed softmax attention.
 *
 * Invariant of the state after any number of folds, over the keys seen so far:
 * sum[i] = sum_j exp(s_ij - max[i]), out[i] = sum_j exp(s_ij - max[i]) v_j.
 * Masked keys never enter an exponential: a row's visible prefix is computed
 * and the rest of its weights set to zero. */
#include "model/attention.h"

int64_t fot_attn_need(int64_t head_dim, int backward)
{
	return FOT_TILE_Q * (2 + head_dim + FOT_TILE_K * (backward ? 2 : 1));
}

void fot_attn_bind(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward)
{
	a->head_dim = head_dim;
	a->n_q = 0;
	a->s = mem;
	mem += FOT_TILE_Q * FOT_TILE_K;
	a->ds = backward ? mem : NULL;
	mem += backward ? FOT_TILE_Q * FOT_TILE_K : 0;
	a->out = mem;
	a->max = a->out + FOT_TILE_Q * head_dim;
	a->sum = a->max + FOT_TILE_Q;
	a->bias = NULL;
	a->low = NULL;
}

void fot_attn_begin(struct fot_attn *a, int64_t n_q)
{
	a->n_q = n_q;
	for (int64_t i = 0; i < n_q; i++) {
		a->max[i] = -INFINITY;
		a->sum[i] = 0;
	}
	memset(a->out, 0, sizeof(fot_real) * (size_t)(n_q * a->head_dim));
}

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
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

/* Does none of n_q queries see any of n_k keys behind k0? */
static bool all_before(const int64_t *low, int64_t n_q, int64_t k0, int64_t n_k)
{
	for (int64_t i = 0; i < n_q; i++)
		if (before(low, i, k0, n_k) < n_k)
			return false;
	return low != NULL;
}

/* Raise row i's maximum to at least `max`, rescaling what is there. */
static void raise_max(struct fot_attn *a, int64_t i, fot_real max)
{
	fot_real *out = a->out + i * a->head_dim;
	fot_real f;

	if (max <= a->max[i])
		return;
	f = a->sum[i] > 0 ? fot_real_exp(a->max[i] - max) : 0;
	a->max[i] = max;
	a->sum[i] *= f;
#pragma omp simd
	for (int64_t c = 0; c < a->head_dim; c++)
		out[c] *= f;
}

/* Scores of row i to weights relative to its maximum; returns nothing, adds the sum. */
static void row_weights(struct fot_attn *a, int64_t i, fot_real *s, int64_t n_seen, int64_t n_k)
{
	fot_real max = -INFINITY, sum = 0, m;

#pragma omp simd reduction(max : max)
	for (int64_t j = 0; j < n_seen; j++)
		max = s[j] > max ? s[j] : max;
	if (n_seen > 0)
		raise_max(a, i, max);
	m = a->max[i];
#pragma omp simd reduction(+ : sum)
	for (int64_t j = 0; j < n_seen; j++) {
		s[j] = fot_real_exp(s[j] - m);
		sum += s[j];
	}
	for (int64_t j = n_seen; j < n_k; j++)
		s[j] = 0;
	a->sum[i] += sum;
}

/* The same of a tile's row, of which the first `low` keys are not seen. */
static void tile_weights(struct fot_attn *a, int64_t i, int64_t low, int64_t n_seen, int64_t n_k)
{
	fot_real *s = a->s + i * FOT_TILE_K;

	for (int64_t j = 0; j < low; j++)
		s[j] = 0;
	row_weights(a, i, s + low, n_seen > low ? n_seen - low : 0, n_k - low);
}

void fot_attn_add_bias(struct fot_attn *a, const fot_real *bias, int64_t n)
{
	for (int64_t i = 0; i < a->n_q; i++)
#pragma omp simd
		for (int64_t j = 0; j < n; j++)
			a->s[i * FOT_TILE_K + j] += bias[j];
}

void fot_attn_fold(struct fot_attn *a, const fot_real *q, int64_t ldq, const fot_real *k, int64_t ldk,
		   const fot_real *v, int64_t ldv, int64_t n_k, int64_t diag, fot_real scale)
{
	int64_t dh = a->head_dim;

	for (int64_t k0 = 0; k0 < n_k; k0 += FOT_TILE_K) {
		int64_t nk = n_k - k0 < FOT_TILE_K ? n_k - k0 : FOT_TILE_K;
		int64_t d = diag == FOT_ATTN_ALL ? diag : diag - k0;

		if (visible(a->n_q - 1, d, nk) == 0)
			break;
		if (all_before(a->low, a->n_q, k0, nk))
			continue;
		fot_gemm(0, 1, a->n_q, nk, dh, scale, q, ldq, k + k0 * ldk, ldk, 0, a->s, FOT_TILE_K);
		if (a->bias)
			fot_attn_add_bias(a, a->bias + k0, nk);
		for (int64_t i = 0; i < a->n_q; i++)
			tile_weights(a, i, before(a->low, i, k0, nk), visible(i, d, nk), nk);
		fot_gemm(0, 0, a->n_q, dh, nk, 1, a->s, FOT_TILE_K, v + k0 * ldv, ldv, 1, a->out, dh);
	}
}

void fot_attn_fold_row(struct fot_attn *a, int64_t row, fot_real *scores, const fot_real *const *values, int64_t n)
{
	fot_real *out = a->out + row * a->head_dim;

	row_weights(a, row, scores, n, n);
	for (int64_t j = 0; j < n; j++) {
		const fot_real *v = values[j];
		fot_real w = scores[j];

#pragma omp simd
		for (int64_t c = 0; c < a->head_dim; c++)
			out[c] += w * v[c];
	}
}

void fot_attn_end(struct fot_attn *a, fot_real *o, int64_t ldo, fot_real *lse)
{
	for (int64_t i = 0; i < a->n_q; i++) {
		const fot_real *out = a->out + i * a->head_dim;
		fot_real inv = 1 / a->sum[i];

#pragma omp simd
		for (int64_t c = 0; c < a->head_dim; c++)
			o[i * ldo + c] = out[c] * inv;
		if (lse)
			lse[i] = a->max[i] + (fot_real)log((double)a->sum[i]);
	}
}

/* s holds scores, ds holds do.v; both become p and p * (do.v - delta). Keys before `low` are not seen. */
static void row_gradient(fot_real *s, fot_real *ds, fot_real lse, fot_real delta, int64_t low, int64_t n_seen,
			 int64_t n_k)
{
	for (int64_t j = 0; j < low; j++)
		s[j] = ds[j] = 0;
#pragma omp simd
	for (int64_t j = low; j < n_seen; j++) {
		s[j] = fot_real_exp(s[j] - lse);
		ds[j] = s[j] * (ds[j] - delta);
	}
	for (int64_t j = n_seen; j < n_k; j++)
		s[j] = ds[j] = 0;
}

static void backward_tile(struct fot_attn *a, const struct fot_attn_grad *g, int64_t q0, int64_t nq, int64_t k0,
			  int64_t nk)
{
	int64_t dh = a->head_dim;
	int64_t d = g->diag == FOT_ATTN_ALL ? g->diag : g->diag + q0 - k0;
	const fot_real *q = g->q + q0 * g->ldq, *k = g->k + k0 * g->ldk, *v = g->v + k0 * g->ldv;
	const fot_real *d_o = g->d_o + q0 * g->ldo;

	const int64_t *low = g->low ? g->low + q0 : NULL;

	if (visible(nq - 1, d, nk) == 0 || all_before(low, nq, k0, nk))
		return;
	fot_gemm(0, 1, nq, nk, dh, g->scale, q, g->ldq, k, g->ldk, 0, a->s, FOT_TILE_K);
	fot_gemm(0, 1, nq, nk, dh, 1, d_o, g->ldo, v, g->ldv, 0, a->ds, FOT_TILE_K);
	for (int64_t i = 0; i < nq; i++)
		row_gradient(a->s + i * FOT_TILE_K, a->ds + i * FOT_TILE_K, g->lse[q0 + i], g->delta[q0 + i],
			     before(low, i, k0, nk), visible(i, d, nk), nk);
	fot_gemm(0, 0, nq, dh, nk, g->scale, a->ds, FOT_TILE_K, k, g->ldk, 1, g->dq + q0 * g->ldq, g->ldq);
	if (!g->dk)
		return;
	fot_gemm(1, 0, nk, dh, nq, g->scale, a->ds, FOT_TILE_K, q, g->ldq, 1, g->dk + k0 * g->ldk, g->ldk);
	fot_gemm(1, 0, nk, dh, nq, 1, a->s, FOT_TILE_K, d_o, g->ldo, 1, g->dv + k0 * g->ldv, g->ldv);
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
