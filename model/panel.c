/* panel.c: see panel.h.  Blocks of ROWS keys (or columns of values) by the two registers of a panel are summed in
 * registers: per step ROWS numbers are broadcast and two loaded for 2 ROWS multiply-adds.
 *
 * The Makefile lets products be fused with sums in this file (and in no other). */
#include "model/panel.h"

#include <float.h>
#include <stdbool.h>
#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#endif

#define ROWS (FOT_VECTOR_BYTES == 64 ? 8 : 4)
#define KEYS 64 /* whose weights stay in the first cache while values are weighed */
#define LANES (FOT_PANEL / 2)
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

typedef fot_real vec __attribute__((vector_size(FOT_VECTOR_BYTES), may_alias));
typedef fot_int ints __attribute__((vector_size(FOT_VECTOR_BYTES)));
typedef fot_real loose __attribute__((vector_size(FOT_VECTOR_BYTES), may_alias, aligned(sizeof(fot_real))));
#ifdef FOT_REAL_DOUBLE
#define LOWEST (-DBL_MAX)
#else
#define LOWEST (-FLT_MAX)
#endif

INLINE vec load(const fot_real *p)
{
	return *(const loose *)p;
}

INLINE void store(fot_real *p, vec x)
{
	*(loose *)p = x;
}

INLINE vec all(fot_real x)
{
	return x - (vec){ 0 };
}

/* Lanes of a where mask (all bits or none) is set, else of b. */
INLINE vec pick(ints mask, vec a, vec b)
{
	return (vec)((mask & (ints)a) | (~mask & (ints)b));
}

INLINE vec larger(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(FOT_REAL_DOUBLE)
	return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__) && !defined(FOT_REAL_DOUBLE)
	return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
	return pick(a > b, a, b);
#endif
}

/* Bit i: is lane i of a greater? */
INLINE uint32_t above(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(FOT_REAL_DOUBLE)
	return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
#elif defined(__AVX__) && !defined(FOT_REAL_DOUBLE)
	return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GT_OQ));
#else
	uint32_t bits = 0;

	for (int i = 0; i < LANES; i++)
		bits |= (uint32_t)(a[i] > b[i]) << i;
	return bits;
#endif
}

/* exp(x) for x <= 0, 0 below -87. 2^t for t = x / ln 2 = n + f, |f| <= 1/2: a polynomial in f (minimax, to 1e-8) and n
 * put in through the exponent bits. Relative error below (1 + |x|) 2^-23; exactly 1 at 0; NaN stays NaN. */
INLINE vec exp_below(vec x)
{
#ifdef FOT_REAL_DOUBLE
	for (int i = 0; i < LANES; i++)
		x[i] = x[i] < -87 ? 0 : exp(x[i]);
	return x;
#else
	const vec magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer, in the low bits */
	vec t = x * 1.44269504f + magic, f = x * 1.44269504f - (t - magic), p = all(1.545316336e-4f);

	p = p * f + 1.339086331e-3f;
	p = p * f + 9.618083015e-3f;
	p = p * f + 5.550356954e-2f;
	p = p * f + 2.402265072e-1f;
	p = p * f + 6.931471825e-1f;
	p = p * f + 1.0f;
	p = (vec)((ints)p + ((ints)t << 23));
	return (vec)((ints)p & ~(ints)(x < -87.0f));
#endif
}

void fot_panel_queries(fot_real *panel, const fot_real *q, int64_t ldq, int64_t n, int64_t d, fot_real scale)
{
	for (int64_t c = 0; c < d; c++) {
		for (int64_t i = 0; i < n; i++)
			panel[c * FOT_PANEL + i] = q[i * ldq + c] * scale;
		for (int64_t i = n; i < FOT_PANEL; i++)
			panel[c * FOT_PANEL + i] = 0;
	}
}

/* ---- scores ---------------------------------------------------------- */

/* sum[r][v]: `rows` keys against the panel. */
INLINE void product(int rows, vec (*sum)[2], const fot_real *panel, const fot_real *k, int64_t ldk, int64_t d)
{
	UNROLL
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = all(0);
	for (int64_t c = 0; c < d; c++) {
		vec a = load(panel + c * FOT_PANEL), b = load(panel + c * FOT_PANEL + LANES);

		UNROLL
		for (int r = 0; r < rows; r++) {
			sum[r][0] += k[r * ldk + c] * a;
			sum[r][1] += k[r * ldk + c] * b;
		}
	}
}

INLINE void add_bias(int rows, vec (*sum)[2], const fot_real *bias)
{
	if (!bias)
		return;
	UNROLL
	for (int r = 0; r < rows; r++) {
		sum[r][0] += bias[r];
		sum[r][1] += bias[r];
	}
}

INLINE void score_rows(int rows, fot_real *s, const fot_real *panel, const fot_real *k, int64_t ldk,
		       int64_t d, const fot_real *bias)
{
	vec sum[ROWS][2];

	product(rows, sum, panel, k, ldk, d);
	add_bias(rows, sum, bias);
	UNROLL
	for (int r = 0; r < rows; r++) {
		store(s + r * FOT_PANEL, sum[r][0]);
		store(s + r * FOT_PANEL + LANES, sum[r][1]);
	}
}

void fot_panel_scores(fot_real *s, const fot_real *panel, const fot_real *k, int64_t ldk, int64_t n_k,
		      int64_t d, const fot_real *bias)
{
	int64_t j = 0;

	for (; j + ROWS <= n_k; j += ROWS)
		score_rows(ROWS, s + j * FOT_PANEL, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL);
	for (; j < n_k; j++)
		score_rows(1, s + j * FOT_PANEL, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL);
}

/* ---- weights --------------------------------------------------------- */

/* Scores of what a query does not see in row j become -INFINITY. */
static void hide(fot_real *s, int64_t j, const int64_t *low, const int64_t *high)
{
	for (int64_t i = 0; i < FOT_PANEL; i++)
		if (j < low[i] || j >= high[i])
			s[j * FOT_PANEL + i] = -INFINITY;
}

static void hide_unseen(fot_real *s, int64_t n_k, const int64_t *low, const int64_t *high)
{
	int64_t from = 0, to = n_k; /* what all see */

	for (int64_t i = 0; i < FOT_PANEL; i++) {
		from = low[i] > from ? low[i] : from;
		to = high[i] < to ? high[i] : to;
	}
	from = from < n_k ? from : n_k;
	to = to > from ? to : from;
	for (int64_t j = 0; j < from; j++)
		hide(s, j, low, high);
	for (int64_t j = to; j < n_k; j++)
		hide(s, j, low, high);
}

/* New maxima, and what sums and outputs are multiplied by for that. */
static void raise(const struct fot_panel_state *p, int64_t d, vec *max)
{
	for (int v = 0; v < 2; v++) {
		vec old = load(p->max + v * LANES),
		    f = exp_below(larger(old, all(LOWEST)) - larger(max[v], all(LOWEST)));

		store(p->max + v * LANES, max[v]);
		store(p->sum + v * LANES, load(p->sum + v * LANES) * f);
		for (int64_t c = 0; c < d; c++) {
			fot_real *out = p->out + c * FOT_PANEL + v * LANES;

			store(out, load(out) * f);
		}
		max[v] = larger(max[v], all(LOWEST));
	}
}

void fot_panel_weights(fot_real *s, int64_t n_k, const int64_t *low, const int64_t *high,
		       const struct fot_panel_state *p, int64_t d)
{
	vec max[2] = { load(p->max), load(p->max + LANES) }, sum[2] = { all(0), all(0) };

	hide_unseen(s, n_k, low, high);
	for (int64_t j = 0; j < n_k; j++)
		for (int v = 0; v < 2; v++)
			max[v] = larger(load(s + j * FOT_PANEL + v * LANES), max[v]);
	raise(p, d, max);
	for (int64_t j = 0; j < n_k; j++)
		for (int v = 0; v < 2; v++) {
			fot_real *at = s + j * FOT_PANEL + v * LANES;
			vec w = exp_below(load(at) - max[v]);

			sum[v] += w;
			store(at, w);
		}
	store(p->sum, load(p->sum) + sum[0]);
	store(p->sum + LANES, load(p->sum + LANES) + sum[1]);
}

/* ---- outputs --------------------------------------------------------- */

INLINE void output_rows(int rows, fot_real *out, const fot_real *s, const fot_real *v, int64_t ldv,
			int64_t n_k)
{
	vec sum[ROWS][2];

	UNROLL
	for (int r = 0; r < rows; r++) {
		sum[r][0] = load(out + r * FOT_PANEL);
		sum[r][1] = load(out + r * FOT_PANEL + LANES);
	}
	for (int64_t j = 0; j < n_k; j++) {
		vec a = load(s + j * FOT_PANEL), b = load(s + j * FOT_PANEL + LANES);

		UNROLL
		for (int r = 0; r < rows; r++) {
			sum[r][0] += v[j * ldv + r] * a;
			sum[r][1] += v[j * ldv + r] * b;
		}
	}
	UNROLL
	for (int r = 0; r < rows; r++) {
		store(out + r * FOT_PANEL, sum[r][0]);
		store(out + r * FOT_PANEL + LANES, sum[r][1]);
	}
}

void fot_panel_outputs(fot_real *out, const fot_real *s, const fot_real *v, int64_t ldv, int64_t n_k,
		       int64_t d)
{
	for (int64_t j = 0; j < n_k; j += KEYS, s += KEYS * FOT_PANEL, v += KEYS * ldv) {
		int64_t n = n_k - j < KEYS ? n_k - j : KEYS, c = 0;

		for (; c + ROWS <= d; c += ROWS)
			output_rows(ROWS, out + c * FOT_PANEL, s, v + c, ldv, n);
		for (; c < d; c++)
			output_rows(1, out + c * FOT_PANEL, s, v + c, ldv, n);
	}
}

/* ---- search ---------------------------------------------------------- */

INLINE void search_rows(int rows, const fot_real *panel, const fot_real *k, int64_t ldk, int64_t d,
			const fot_real *bias, const fot_real *threshold, int64_t key, fot_panel_hit *hit,
			void *to)
{
	vec sum[ROWS][2], max[2];

	product(rows, sum, panel, k, ldk, d);
	add_bias(rows, sum, bias);
	for (int v = 0; v < 2; v++) {
		max[v] = sum[0][v];
		UNROLL
		for (int r = 1; r < rows; r++)
			max[v] = larger(max[v], sum[r][v]);
	}
	if (!(above(max[0], load(threshold)) | above(max[1], load(threshold + LANES))))
		return;
	UNROLL
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < 2; v++) {
			uint32_t bits = above(sum[r][v], load(threshold + v * LANES));

			for (; bits; bits &= bits - 1) {
				int lane = __builtin_ctz(bits);

				hit(to, v * LANES + lane, key + r, sum[r][v][lane]);
			}
		}
}

void fot_panel_search(const fot_real *panel, const fot_real *k, int64_t ldk, int64_t n_k, int64_t d,
		      const fot_real *bias, const fot_real *threshold, fot_panel_hit *hit, void *to)
{
	int64_t j = 0;

	for (; j + ROWS <= n_k; j += ROWS)
		search_rows(ROWS, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL, threshold, j, hit, to);
	for (; j < n_k; j++)
		search_rows(1, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL, threshold, j, hit, to);
}
