/* panel.c: see panel.h.  Blocks of ROWS keys (or columns of values) by the two registers of a panel are summed in
 * registers: per step ROWS numbers are broadcast and two loaded for 2 ROWS multiply-adds.
 */
#include "model/panel.h"

#include <float.h>
#include <stdbool.h>
#ifdef FOT_REAL_DOUBLE
#define FOT_VECTORS_DOUBLE
#endif
#include "model/vectors.h"

#define ROWS (FOT_VECTOR_BYTES == 64 ? 8 : 4)
#define FEW (ROWS / 2)
#define FEW_BLOCKS 4
#define AHEAD (4 * LANES) /* keys, from those at work to those that are fetched */
#define KEYS 64           /* whose weights stay in the first cache while values are weighed */
#ifdef FOT_REAL_DOUBLE
#define LOWEST (-DBL_MAX)
#else
#define LOWEST (-FLT_MAX)
#endif

/* a b + c as madd (vectors.h) does it. */
INLINE fot_real madd_one(fot_real a, fot_real b, fot_real c)
{
#if (defined(__FMA__) || FOT_VECTOR_BYTES == 64) && defined(FOT_REAL_DOUBLE)
	return __builtin_fma(a, b, c);
#elif defined(__FMA__) || FOT_VECTOR_BYTES == 64
	return __builtin_fmaf(a, b, c);
#else
	return a * b + c;
#endif
}

/* Of a NaN and a number in b, the number. */
INLINE vec larger(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(FOT_REAL_DOUBLE)
	return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__) && !defined(FOT_REAL_DOUBLE)
	return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
	ints mask = a > b;

	return (vec)((mask & (ints)a) | (~mask & (ints)b));
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

/* exp(x) for x <= 0, 0 below -87: x = n ln 2 + r, |r| <= ln 2 / 2; a polynomial in r (minimax, to 1e-8) and 2^n put in
 * through the exponent bits. Relative error below 2^-23; exactly 1 at 0; NaN stays NaN. */
INLINE vec exp_below(vec x)
{
#ifdef FOT_REAL_DOUBLE
	for (int i = 0; i < LANES; i++)
		x[i] = x[i] < -87 ? 0 : exp(x[i]);
	return x;
#else
	const vec magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer, in the low bits */
	vec t = madd(x, all(1.44269504f), magic), n = t - magic, r, p = all(1.393364141e-03f);

	r = madd(n, all(-0.693359375f), x); /* the first bits of ln 2 exactly, then the rest */
	r = madd(n, all(2.12194440e-4f), r);
	p = madd(p, r, all(8.369148457e-03f));
	p = madd(p, r, all(4.166646699e-02f));
	p = madd(p, r, all(1.666650478e-01f));
	p = madd(p, r, all(5.000000005e-01f));
	p = madd(p * r, r, r) + 1.0f;
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
			sum[r][0] = madd(all(k[r * ldk + c]), a, sum[r][0]);
			sum[r][1] = madd(all(k[r * ldk + c]), b, sum[r][1]);
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
	for (; j + ROWS / 2 <= n_k; j += ROWS / 2)
		score_rows(ROWS / 2, s + j * FOT_PANEL, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL);
	for (; j < n_k; j++)
		score_rows(1, s + j * FOT_PANEL, panel, k + j * ldk, ldk, d, bias ? bias + j : NULL);
}

void fot_panel_spread(fot_real *s, const fot_real *q, const fot_real *const *k, int64_t d)
{
	fot_real sum[FOT_SPREAD] = { 0 };

	for (int64_t c = 0; c < d; c++) {
		UNROLL
		for (int r = 0; r < FOT_SPREAD; r++)
			sum[r] = madd_one(k[r][c], q[c], sum[r]);
	}
	memcpy(s, sum, sizeof sum);
}

void fot_panel_pairs(fot_real *s, const fot_real *const *q, const fot_real *const *k, int64_t d)
{
	fot_real sum[FOT_SPREAD] = { 0 };

	for (int64_t c = 0; c < d; c++) {
		UNROLL
		for (int r = 0; r < FOT_SPREAD; r++)
			sum[r] = madd_one(k[r][c], q[r][c * FOT_PANEL], sum[r]);
	}
	memcpy(s, sum, sizeof sum);
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

/* New maxima, and what outputs (done here) and sums are multiplied by for that. */
INLINE vec raise_max(const struct fot_panel_state *p, int64_t d, int v, vec *max)
{
	vec old = load(p->max + v * LANES), f;

	store(p->max + v * LANES, *max);
	*max = larger(*max, all(LOWEST));
	f = exp_below(larger(old, all(LOWEST)) - *max);
	for (int64_t c = 0; c < d; c++) {
		fot_real *out = p->out + c * FOT_PANEL + v * LANES;

		store(out, load(out) * f);
	}
	return f;
}

void fot_panel_weights(fot_real *s, int64_t n_k, const int64_t *low, const int64_t *high,
		       const struct fot_panel_state *p, int64_t d)
{
	vec max[2] = { load(p->max), load(p->max + LANES) }, sum[2] = { all(0), all(0) }, f[2];

	hide_unseen(s, n_k, low, high);
	for (int64_t j = 0; j < n_k; j++)
		for (int v = 0; v < 2; v++)
			max[v] = larger(load(s + j * FOT_PANEL + v * LANES), max[v]);
	for (int v = 0; v < 2; v++)
		f[v] = raise_max(p, d, v, &max[v]);
	for (int64_t j = 0; j < n_k; j++)
		for (int v = 0; v < 2; v++) {
			fot_real *at = s + j * FOT_PANEL + v * LANES;
			vec w = exp_below(load(at) - max[v]);

			sum[v] += w;
			store(at, w);
		}
	for (int v = 0; v < 2; v++)
		store(p->sum + v * LANES, madd(load(p->sum + v * LANES), f[v], sum[v]));
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
			sum[r][0] = madd(all(v[j * ldv + r]), a, sum[r][0]);
			sum[r][1] = madd(all(v[j * ldv + r]), b, sum[r][1]);
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
		for (; c + FEW <= d; c += FEW)
			output_rows(FEW, out + c * FOT_PANEL, s, v + c, ldv, n);
		for (; c < d; c++)
			output_rows(1, out + c * FOT_PANEL, s, v + c, ldv, n);
	}
}

/* ---- backward -------------------------------------------------------- */

void fot_panel_gradients(fot_real *s, fot_real *dv, int64_t n_k, const int64_t *low, const int64_t *high,
			 const fot_real *lse, const fot_real *delta)
{
	const vec at[2] = { load(lse), load(lse + LANES) }, less[2] = { load(delta), load(delta + LANES) };

	hide_unseen(s, n_k, low, high);
	for (int64_t j = 0; j < n_k; j++)
		for (int v = 0; v < 2; v++) {
			int64_t i = j * FOT_PANEL + v * LANES;
			vec w = exp_below(load(s + i) - at[v]);

			store(s + i, w);
			store(dv + i, w * (load(dv + i) - less[v]));
		}
}

int64_t fot_panel_width(int64_t d)
{
	return (d + FOT_PANEL - 1) / FOT_PANEL * FOT_PANEL;
}

void fot_panel_rows(fot_real *rows, const fot_real *q, int64_t ldq, int64_t n, int64_t d, fot_real scale)
{
	int64_t ld = fot_panel_width(d);

	memset(rows, 0, sizeof *rows * (size_t)(FOT_PANEL * ld));
	for (int64_t i = 0; i < n; i++)
		for (int64_t c = 0; c < d; c++)
			rows[i * ld + c] = q[i * ldq + c] * scale;
}

/* `rows` keys, of which n <= FOT_PANEL columns are there. */
INLINE void key_rows(int rows, fot_real *out, int64_t ldo, const fot_real *s, const fot_real *q, int64_t ldq,
		     int64_t n)
{
	fot_real part[FOT_PANEL];
	vec sum[ROWS][2];

	UNROLL
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = all(0);
	for (int64_t i = 0; i < FOT_PANEL; i++) {
		vec a = load(q + i * ldq), b = load(q + i * ldq + LANES);

		UNROLL
		for (int r = 0; r < rows; r++) {
			sum[r][0] = madd(all(s[r * FOT_PANEL + i]), a, sum[r][0]);
			sum[r][1] = madd(all(s[r * FOT_PANEL + i]), b, sum[r][1]);
		}
	}
	for (int r = 0; r < rows; r++, out += ldo) {
		if (n >= FOT_PANEL) {
			store(out, load(out) + sum[r][0]);
			store(out + LANES, load(out + LANES) + sum[r][1]);
			continue;
		}
		store(part, sum[r][0]);
		store(part + LANES, sum[r][1]);
		for (int64_t c = 0; c < n; c++)
			out[c] += part[c];
	}
}

void fot_panel_keys(fot_real *out, int64_t ldo, const fot_real *s, const fot_real *rows, int64_t n_k,
		    int64_t d)
{
	int64_t ld = fot_panel_width(d);

	for (int64_t c = 0; c < d; c += FOT_PANEL) {
		int64_t j = 0;

		for (; j + ROWS <= n_k; j += ROWS)
			key_rows(ROWS, out + j * ldo + c, ldo, s + j * FOT_PANEL, rows + c, ld, d - c);
		for (; j < n_k; j++)
			key_rows(1, out + j * ldo + c, ldo, s + j * FOT_PANEL, rows + c, ld, d - c);
	}
}

/* ---- few queries ----------------------------------------------------- */

/* Scores of n queries against keys [j, j + LANES) of the tile: query i's at s[i * ld + j]. */
INLINE void few_scores(int n, fot_real *s, int64_t ld, const fot_real *panel, const struct fot_panel_tile *t,
		       int64_t j, int64_t d)
{
	vec sum[FOT_FEW], x[LANES];

	UNROLL
	for (int i = 0; i < n; i++)
		sum[i] = all(0);
	for (int64_t c = 0; c < d; c += LANES) {
		turned_block(x, t->k + j * t->ldk + c, t->ldk, t->n - j, d - c);
		UNROLL
		for (int k = 0; k < LANES; k++) {
			if (c + k == d)
				break;
			UNROLL
			for (int i = 0; i < n; i++)
				sum[i] = madd(all(panel[(c + k) * FOT_PANEL + i]), x[k], sum[i]);
		}
	}
	UNROLL
	for (int i = 0; i < n; i++)
		store(s + i * ld + j, sum[i]);
}

static fot_real exp_below_of(fot_real x)
{
	return exp_below(all(x))[0];
}

fot_real fot_panel_row_weights(fot_real *s, int64_t low, int64_t high, const struct fot_panel_state *p,
			       int64_t i)
{
	fot_real max = p->max[i], old = max > LOWEST ? max : LOWEST, sum = 0, f;

#pragma omp simd reduction(max : max)
	for (int64_t j = low; j < high; j++)
		max = s[j] > max ? s[j] : max;
	p->max[i] = max;
	max = max > LOWEST ? max : LOWEST;
	for (int64_t j = low; j < high; j += LANES)
		store(s + j, exp_below(load(s + j) - max));
	for (int64_t j = low; j < high; j++)
		sum += s[j];
	f = exp_below_of(old - max);
	p->sum[i] = madd_one(p->sum[i], f, sum);
	return f;
}

/* `blocks` registers of columns of values, from c on: out += weights x values. */
INLINE void few_columns(int blocks, fot_real *out, const fot_real *s, const fot_real *v, int64_t ldv,
			int64_t n)
{
	vec sum[FEW_BLOCKS];

	UNROLL
	for (int k = 0; k < blocks; k++)
		sum[k] = load(out + k * LANES);
	for (int64_t j = 0; j < n; j++)
		UNROLL
	for (int k = 0; k < blocks; k++)
		sum[k] = madd(all(s[j]), load(v + j * ldv + k * LANES), sum[k]);
	UNROLL
	for (int k = 0; k < blocks; k++)
		store(out + k * LANES, sum[k]);
}

/* Column i of the outputs: times f, plus weights x values. row: [d] to work in. */
static void few_outputs(fot_real *out, fot_real f, const fot_real *s, const fot_real *v, int64_t ldv,
			int64_t n, int64_t d, fot_real *row)
{
	int64_t c = 0;

	for (int64_t k = 0; k < d; k++)
		row[k] = out[k * FOT_PANEL] * f;
	for (; c + FEW_BLOCKS * LANES <= d; c += FEW_BLOCKS * LANES)
		few_columns(FEW_BLOCKS, row + c, s, v + c, ldv, n);
	for (; c + LANES <= d; c += LANES)
		few_columns(1, row + c, s, v + c, ldv, n);
	for (; c < d; c++)
		for (int64_t j = 0; j < n; j++)
			row[c] = madd_one(s[j], v[j * ldv + c], row[c]);
	for (int64_t k = 0; k < d; k++)
		out[k * FOT_PANEL] = row[k];
}

/* LANES keys that come soon: rows that are read side by side are found late otherwise. Where there are none, nothing
 * happens. */
static void fetch_keys(const fot_real *k, int64_t ldk, int64_t d)
{
	for (int64_t r = 0; r < LANES; r++)
		for (int64_t c = 0; c < d; c += 64 / (int64_t)sizeof *k)
			__builtin_prefetch(k + r * ldk + c);
}

/* Of all keys of the tile: rows of scores, whose distance it returns. The last register may reach beyond the keys. */
static int64_t score_few(const fot_real *panel, int64_t n, const struct fot_panel_tile *t, int64_t d,
			 fot_real *s)
{
	int64_t ld = (t->n + 2 * LANES - 1) / LANES * LANES;

	for (int64_t j = 0; j < t->n; j += LANES) {
		fetch_keys(t->k + (j + AHEAD) * t->ldk, t->ldk, d);
		if (n == 1)
			few_scores(1, s, ld, panel, t, j, d);
		else
			few_scores(FOT_FEW, s, ld, panel, t, j, d);
	}
	return ld;
}

void fot_panel_few(const fot_real *panel, int64_t n, const struct fot_panel_tile *t, const int64_t *low,
		   const int64_t *high, const struct fot_panel_state *p, int64_t d, fot_real *s,
		   fot_real *row)
{
	int64_t ld = score_few(panel, n, t, d, s);

	for (int64_t i = 0; i < n; i++) {
		fot_real *own = s + i * ld;
		fot_real f;

		for (int64_t j = low[i]; j < high[i] && t->bias; j++)
			own[j] += t->bias[j];
		f = fot_panel_row_weights(own, low[i], high[i], p, i);
		few_outputs(p->out + i, f, own + low[i], t->v + low[i] * t->ldv, t->ldv, high[i] - low[i], d,
			    row);
	}
}

/* ---- search ---------------------------------------------------------- */

/* Tells which of the scores of `rows` keys lie above the threshold. */
INLINE void sift_rows(int rows, vec (*sum)[2], const fot_real *threshold, int64_t key, fot_panel_hit *hit,
		      void *to)
{
	vec max[2];

	for (int v = 0; v < 2; v++) {
		max[v] = load(threshold + v * LANES); /* no NaN, so that max never is one */
		UNROLL
		for (int r = 0; r < rows; r++)
			max[v] = larger(sum[r][v], max[v]);
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

INLINE void search_rows(int rows, const fot_real *panel, const fot_real *k, int64_t ldk, int64_t d,
			const fot_real *bias, const fot_real *threshold, int64_t key, fot_panel_hit *hit,
			void *to)
{
	vec sum[ROWS][2];

	product(rows, sum, panel, k, ldk, d);
	add_bias(rows, sum, bias);
	sift_rows(rows, sum, threshold, key, hit, to);
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

INLINE void sift_stored(int rows, const fot_real *s, const fot_real *threshold, int64_t key,
			fot_panel_hit *hit, void *to)
{
	vec sum[ROWS][2];

	UNROLL
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < 2; v++)
			sum[r][v] = load(s + r * FOT_PANEL + v * LANES);
	sift_rows(rows, sum, threshold, key, hit, to);
}

void fot_panel_sift(const fot_real *s, int64_t n_k, const fot_real *threshold, fot_panel_hit *hit, void *to)
{
	int64_t j = 0;

	for (; j + ROWS <= n_k; j += ROWS)
		sift_stored(ROWS, s + j * FOT_PANEL, threshold, j, hit, to);
	for (; j < n_k; j++)
		sift_stored(1, s + j * FOT_PANEL, threshold, j, hit, to);
}

void fot_panel_sift_row(const fot_real *s, int64_t n_k, const fot_real *threshold, int64_t i,
			fot_panel_hit *hit, void *to)
{
	for (int64_t j = 0; j < n_k; j += LANES) {
		uint32_t bits = above(load(s + j), all(threshold[i]));

		for (; bits; bits &= bits - 1) {
			int lane = __builtin_ctz(bits);

			if (j + lane < n_k && s[j + lane] > threshold[i])
				hit(to, i, j + lane, s[j + lane]);
		}
	}
}

void fot_panel_search_few(const fot_real *panel, int64_t n, const struct fot_panel_tile *t, int64_t d,
			  const fot_real *threshold, fot_panel_hit *hit, void *to, fot_real *s)
{
	int64_t ld = score_few(panel, n, t, d, s);

	for (int64_t i = 0; i < n; i++) {
		fot_real *own = s + i * ld;

		for (int64_t j = 0; j < t->n && t->bias; j++)
			own[j] += t->bias[j];
		fot_panel_sift_row(own, t->n, threshold, i, hit, to);
	}
}
