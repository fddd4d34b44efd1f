/* bf16.c: see bf16.h.
 *
 * A kernel makes a few rows of up to a panel's columns, all sums in registers.  Where a pair of
 * the left side stands is told by two steps, so that rounded rows and packed columns both serve. */
#include "model/bf16.h"

#include <string.h>

#include "model/dtype.h"

#define PANEL FOT_BF16_PANEL

/* Loops over sums that are to stay in registers, at -O2 too. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

struct fot_bf16_kernel {
	const char *name;
	int64_t rows; /* most that one call takes */
	/* The first `rows` rows and `columns` <= PANEL columns of the operands. */
	void (*run)(const struct fot_bf16_operands *t, int64_t rows, int64_t columns);
	/* As fot_bf16_rows, fot_bf16_pair and fot_bf16_turn. */
	void (*round)(uint32_t *a, int64_t lda, const float *x, int64_t ldx, int64_t m, int64_t k);
	void (*pair)(uint32_t *b, int64_t ldb, const float *x, int64_t ldx, int64_t m, int64_t k);
	void (*turn)(uint32_t *b, int64_t ldb, const uint32_t *a, int64_t lda, int64_t m, int64_t n);
	/* As fot_bf16_search. */
	void (*search)(const struct fot_bf16_operands *t, const float *threshold, fot_bf16_hit *hit,
		       void *to);
};

/* The upper half of the result, to nearest even; below 2^-126 zero, as the instruction takes it. */
static inline uint32_t narrow(float x)
{
	uint32_t u, size, up;

	memcpy(&u, &x, sizeof u);
	size = u & 0x7fffffffu;
	up = size > 0x7f800000u ? u | 0x400000u : u + 0x7fffu + (u >> 16 & 1u);
	return (size < 0x800000u ? u & 0x80000000u : up) & 0xffff0000u;
}

static inline uint32_t pair_of(float even, float odd)
{
	return narrow(even) >> 16 | narrow(odd);
}

/* ---- portable -------------------------------------------------------- */

/* Numbers in as many registers as the processor needs for them: as many as its registers hold best. */
#if defined(__AVX__) && !defined(__AVX512F__)
#define PORTABLE_LANES 8
#else
#define PORTABLE_LANES 16
#endif
typedef float lanes __attribute__((vector_size(4 * PORTABLE_LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * PORTABLE_LANES)));

#define PORTABLE_ROWS 4

static inline float wide(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof x);
	return x;
}

/* Rows of PORTABLE_LANES columns from column c on. */
static inline __attribute__((always_inline)) void portable_lanes(const struct fot_bf16_operands *t, int64_t c,
								 int64_t columns, const int rows)
{
	lanes sum[PORTABLE_ROWS] = { { 0 } };
	int64_t n = columns - c < PORTABLE_LANES ? columns - c : PORTABLE_LANES;

	for (int64_t p = 0; p < t->pairs; p++) {
		bits both, low, high;
		lanes even, odd;

		memcpy(&both, t->b + p * t->b_step + c, sizeof both);
		low = both << 16;
		high = both & 0xffff0000u;
		memcpy(&even, &low, sizeof even);
		memcpy(&odd, &high, sizeof odd);
		UNROLL
		for (int r = 0; r < rows; r++) {
			uint32_t pair = t->a[r * t->row_step + p * t->pair_step];

			sum[r] += odd * wide(pair & 0xffff0000u);
			sum[r] += even * wide(pair << 16);
		}
	}
	UNROLL
	for (int r = 0; r < rows; r++) {
		float *y = t->y + r * t->ldy + c;

		for (int64_t i = 0; i < n; i++)
			y[i] = t->beta > 0 ? sum[r][i] + y[i] : sum[r][i];
	}
}

static void portable_run(const struct fot_bf16_operands *t, int64_t rows, int64_t columns)
{
	for (int64_t c = 0; c < columns; c += PORTABLE_LANES) {
		if (rows == 4)
			portable_lanes(t, c, columns, 4);
		else if (rows == 3)
			portable_lanes(t, c, columns, 3);
		else if (rows == 2)
			portable_lanes(t, c, columns, 2);
		else
			portable_lanes(t, c, columns, 1);
	}
}

static void portable_round(uint32_t *a, int64_t lda, const float *x, int64_t ldx, int64_t m, int64_t k)
{
	for (int64_t r = 0; r < m; r++, a += lda, x += ldx) {
#pragma omp simd
		for (int64_t p = 0; p < k / 2; p++)
			a[p] = pair_of(x[2 * p], x[2 * p + 1]);
		if (k % 2)
			a[k / 2] = pair_of(x[k - 1], 0);
	}
}

static void portable_pair(uint32_t *b, int64_t ldb, const float *x, int64_t ldx, int64_t m, int64_t k)
{
	for (; m > 1; m -= 2, b += ldb, x += 2 * ldx)
#pragma omp simd
		for (int64_t i = 0; i < k; i++)
			b[i] = pair_of(x[i], x[ldx + i]);
	for (int64_t i = 0; i < k && m > 0; i++)
		b[i] = pair_of(x[i], 0);
}

static void portable_turn(uint32_t *b, int64_t ldb, const uint32_t *a, int64_t lda, int64_t m, int64_t n)
{
	for (int64_t r = 0; r < m; r++)
		for (int64_t c = 0; c < n; c++)
			b[c * ldb + r] = a[r * lda + c];
}

static void portable_search(const struct fot_bf16_operands *o, const float *threshold, fot_bf16_hit *hit,
			    void *to)
{
	float y[PORTABLE_ROWS * FOT_BF16_SEARCH];
	struct fot_bf16_operands t = *o;

	t.y = y;
	t.ldy = FOT_BF16_SEARCH;
	t.beta = 0;
	for (int64_t r = 0; r < o->m; r += PORTABLE_ROWS, t.a += PORTABLE_ROWS * t.row_step) {
		int64_t rows = o->m - r < PORTABLE_ROWS ? o->m - r : PORTABLE_ROWS;

		portable_run(&t, rows, o->n);
		for (int64_t i = 0; i < rows; i++) {
			const float *row = y + i * FOT_BF16_SEARCH;
			int any = 0;

#pragma omp simd reduction(| : any)
			for (int64_t c = 0; c < o->n; c++)
				any |= row[c] > threshold[c];
			for (int64_t c = 0; c < o->n && any; c++)
				if (row[c] > threshold[c])
					hit(to, c, r + i, row[c]);
		}
	}
}

const struct fot_bf16_kernel fot_bf16_portable = { "portable",     PORTABLE_ROWS, portable_run,
						   portable_round, portable_pair, portable_turn,
						   portable_search };

/* ---- AVX512-BF16 ----------------------------------------------------- */

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define AVX_ROWS 6
#define LANES 16
#define AVX_LANES (PANEL / LANES) /* registers of a panel */

static inline __attribute__((always_inline)) TARGET void avx_add(__m512 *sum, uint32_t a, const __m512i *b,
								 const int n)
{
	__m512i pair = _mm512_set1_epi32((int)a);

	UNROLL
	for (int c = 0; c < n; c++)
		sum[c] = _mm512_dpbf16_ps(sum[c], (__m512bh)pair, (__m512bh)b[c]);
}

/* Products of `rows` rows from a on and n lanes of numbers of the panel, summed in registers. */
static inline __attribute__((always_inline)) TARGET void avx_sum(__m512 *sum,
								 const struct fot_bf16_operands *t,
								 const uint32_t *a, const int rows,
								 const int n)
{
	const uint32_t *panel = t->b;

	UNROLL
	for (int i = 0; i < rows * n; i++)
		sum[i] = _mm512_setzero_ps();
	for (int64_t p = 0; p < t->pairs; p++, a += t->pair_step, panel += t->b_step) {
		__m512i b[AVX_LANES];

		UNROLL
		for (int c = 0; c < n; c++)
			b[c] = _mm512_loadu_si512(panel + c * LANES);
		UNROLL
		for (int r = 0; r < rows; r++)
			avx_add(sum + r * n, a[r * t->row_step], b, n);
	}
}

/* n: registers that the columns take. */
static inline __attribute__((always_inline)) TARGET void avx_tile(const struct fot_bf16_operands *t,
								  int64_t columns, const int rows,
								  const int n)
{
	__mmask16 last = (__mmask16)(0xffffu >> (n * LANES - columns));
	__m512 sum[AVX_ROWS * AVX_LANES];

	UNROLL
	for (int i = 0; i < rows * n; i++)
		__builtin_prefetch(t->y + i / n * t->ldy + i % n * LANES, 1); /* while sums are made */
	avx_sum(sum, t, t->a, rows, n);
	UNROLL
	for (int i = 0; i < rows * n; i++) {
		__mmask16 mask = i % n + 1 < n ? 0xffff : last;
		float *y = t->y + i / n * t->ldy + i % n * LANES;

		if (t->beta > 0)
			sum[i] = _mm512_add_ps(sum[i], _mm512_maskz_loadu_ps(mask, y));
		_mm512_mask_storeu_ps(y, mask, sum[i]);
	}
}

/* All numbers of rows and lanes, so that sums stay in registers. */
#define AVX_RUN(rows)                                                                     \
	TARGET static void avx_##rows(const struct fot_bf16_operands *t, int64_t columns) \
	{                                                                                 \
		if (columns > 3 * LANES)                                                  \
			avx_tile(t, columns, rows, 4);                                    \
		else if (columns > 2 * LANES)                                             \
			avx_tile(t, columns, rows, 3);                                    \
		else if (columns > LANES)                                                 \
			avx_tile(t, columns, rows, 2);                                    \
		else                                                                      \
			avx_tile(t, columns, rows, 1);                                    \
	}
AVX_RUN(1)
AVX_RUN(2)
AVX_RUN(3)
AVX_RUN(4)
AVX_RUN(5)
AVX_RUN(6)

static void avx_run(const struct fot_bf16_operands *t, int64_t rows, int64_t columns)
{
	static void (*const run[AVX_ROWS])(const struct fot_bf16_operands *,
					   int64_t) = { avx_1, avx_2, avx_3, avx_4, avx_5, avx_6 };

	run[rows - 1](t, columns);
}

/* The first n lanes, n from 0 on. */
TARGET static inline __mmask16 first(int64_t n)
{
	return n >= LANES ? 0xffff : n > 0 ? (__mmask16)((1u << n) - 1) : 0;
}

TARGET static void avx_round(uint32_t *a, int64_t lda, const float *x, int64_t ldx, int64_t m, int64_t k)
{
	int64_t whole = k / (2 * LANES) * (2 * LANES), rest = k - whole;
	__mmask16 low = first(rest), high = first(rest - LANES), out = first((rest + 1) / 2);

	for (int64_t r = 0; r < m; r++, a += lda, x += ldx) {
		for (int64_t i = 0; i < whole; i += 2 * LANES)
			_mm512_storeu_si512(a + i / 2,
					    (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + LANES),
									 _mm512_loadu_ps(x + i)));
		if (rest > 0)
			_mm512_mask_storeu_epi32(
				a + whole / 2, out,
				(__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, x + whole + LANES),
							     _mm512_maskz_loadu_ps(low, x + whole)));
	}
}

/* Sixteen of the lower half and sixteen of the upper one take turns. */
TARGET static inline __m512i take_turns(__m512 even, __m512 odd)
{
	const __m512i turns = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
					       23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

	return _mm512_permutexvar_epi16(turns, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

/* The last lanes of two rows, x1 NULL: zeros. */
TARGET static void pair_rest(uint32_t *b, const float *x0, const float *x1, int64_t n)
{
	for (int64_t i = 0; i < n; i += LANES) {
		__mmask16 here = first(n - i);

		_mm512_mask_storeu_epi32(
			b + i, here,
			take_turns(_mm512_maskz_loadu_ps(here, x0 + i),
				   x1 ? _mm512_maskz_loadu_ps(here, x1 + i) : _mm512_setzero_ps()));
	}
}

TARGET static void avx_pair(uint32_t *b, int64_t ldb, const float *x, int64_t ldx, int64_t m, int64_t k)
{
	int64_t whole = k / LANES * LANES;

	for (; m > 1; m -= 2, b += ldb, x += 2 * ldx) {
		for (int64_t i = 0; i < whole; i += LANES)
			_mm512_storeu_si512(b + i,
					    take_turns(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + ldx + i)));
		pair_rest(b + whole, x + whole, x + ldx + whole, k - whole);
	}
	if (m > 0)
		pair_rest(b, x, NULL, k);
}

/* Row r of 16 x 16 numbers becomes column r: with every perfect shuffle of the rows the digits of a number's place (row,
 * column) move round by one. */
static inline __attribute__((always_inline)) TARGET void avx_transpose(__m512i x[LANES])
{
	const __m512i lower = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
	const __m512i upper = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);

	UNROLL
	for (int step = 1; step < LANES; step *= 2) {
		__m512i y[LANES];

		UNROLL
		for (int i = 0; i < LANES / 2; i++) {
			y[2 * i] = _mm512_permutex2var_epi32(x[i], lower, x[i + LANES / 2]);
			y[2 * i + 1] = _mm512_permutex2var_epi32(x[i], upper, x[i + LANES / 2]);
		}
		UNROLL
		for (int i = 0; i < LANES; i++)
			x[i] = y[i];
	}
}

TARGET static void avx_turn(uint32_t *b, int64_t ldb, const uint32_t *a, int64_t lda, int64_t m, int64_t n)
{
	for (int64_t r = 0; r < m; r += LANES)
		for (int64_t c = 0; c < n; c += LANES) {
			__m512i x[LANES];

			for (int64_t i = 0; i < LANES; i++)
				x[i] = r + i < m ?
					       _mm512_maskz_loadu_epi32(first(n - c), a + (r + i) * lda + c) :
					       _mm512_setzero_si512();
			avx_transpose(x);
			for (int64_t i = 0; i < LANES && c + i < n; i++)
				_mm512_mask_storeu_epi32(b + (c + i) * ldb + r, first(m - r), x[i]);
		}
}

#define SEARCH_ROWS 12
#define SEARCH_LANES (FOT_BF16_SEARCH / LANES)
_Static_assert(FOT_BF16_SEARCH <= PANEL, "avx_sum holds a panel's registers");

/* A search at work: the threshold's registers, and which of their lanes are there. */
struct search {
	const float *threshold;
	fot_bf16_hit *hit;
	void *to;
	__mmask16 mask[SEARCH_LANES];
};

/* Tells those above the threshold of y, `rows` rows of n registers, the first of which is number `row`. */
TARGET static void avx_tell(const struct search *s, const float *y, int rows, int n, int64_t row)
{
	for (int i = 0; i < rows * n; i++, y += LANES) {
		int v = i % n;
		uint32_t found = _mm512_mask_cmp_ps_mask(
			s->mask[v], _mm512_loadu_ps(y),
			_mm512_maskz_loadu_ps(s->mask[v], s->threshold + v * LANES), _CMP_GT_OQ);

		for (; found; found &= found - 1) {
			int lane = __builtin_ctz(found);

			s->hit(s->to, v * LANES + lane, row + i / n, y[lane]);
		}
	}
}

static inline __attribute__((always_inline)) TARGET void avx_search_rows(const struct fot_bf16_operands *t,
									 const struct search *s, int64_t row,
									 const int rows, const int n)
{
	__m512 sum[SEARCH_ROWS * SEARCH_LANES], most[SEARCH_LANES];
	float y[SEARCH_ROWS * FOT_BF16_SEARCH];
	uint32_t any = 0;

	avx_sum(sum, t, t->a + row * t->row_step, rows, n);
	UNROLL
	for (int v = 0; v < n; v++) {
		__m512 limit = _mm512_maskz_loadu_ps(s->mask[v], s->threshold + v * LANES);

		most[v] = limit; /* of a NaN and a number behind it the number stays */
		UNROLL
		for (int r = 0; r < rows; r++)
			most[v] = _mm512_max_ps(sum[r * n + v], most[v]);
		any |= _mm512_mask_cmp_ps_mask(s->mask[v], most[v], limit, _CMP_GT_OQ);
	}
	if (!any)
		return;
	UNROLL
	for (int i = 0; i < rows * n; i++)
		_mm512_storeu_ps(y + i * LANES, sum[i]);
	avx_tell(s, y, rows, n, row);
}

/* n: registers of columns. */
static inline __attribute__((always_inline)) TARGET void avx_search_lanes(const struct fot_bf16_operands *t,
									  const struct search *s, const int n)
{
	int64_t row = 0;

	for (; row + SEARCH_ROWS <= t->m; row += SEARCH_ROWS)
		avx_search_rows(t, s, row, SEARCH_ROWS, n);
	for (; row + 4 <= t->m; row += 4)
		avx_search_rows(t, s, row, 4, n);
	for (; row < t->m; row++)
		avx_search_rows(t, s, row, 1, n);
}

TARGET static void avx_search(const struct fot_bf16_operands *t, const float *threshold, fot_bf16_hit *hit,
			      void *to)
{
	const struct search s = { threshold, hit, to, { first(t->n), first(t->n - LANES) } };

	if (t->n > LANES)
		avx_search_lanes(t, &s, 2);
	else
		avx_search_lanes(t, &s, 1);
}

static const struct fot_bf16_kernel avx512_bf16 = { "avx512_bf16", AVX_ROWS, avx_run,   avx_round,
						    avx_pair,      avx_turn, avx_search };

const struct fot_bf16_kernel *fot_bf16_kernel(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") ?
		       &avx512_bf16 :
		       &fot_bf16_portable;
}

#else

const struct fot_bf16_kernel *fot_bf16_kernel(void)
{
	return &fot_bf16_portable;
}

#endif

const char *fot_bf16_kernel_name(const struct fot_bf16_kernel *kernel)
{
	return kernel->name;
}

/* ---- rounding and packing -------------------------------------------- */

size_t fot_bf16_packed(int64_t n, int64_t k)
{
	return (size_t)((n + PANEL - 1) / PANEL * PANEL) * (size_t)fot_bf16_pairs(k);
}

void fot_bf16_rows(const struct fot_bf16_kernel *kernel, uint32_t *a, int64_t lda, const float *x,
		   int64_t ldx, int64_t m, int64_t k)
{
	kernel->round(a, lda, x, ldx, m, k);
}

void fot_bf16_pair(const struct fot_bf16_kernel *kernel, uint32_t *b, int64_t ldb, const float *x,
		   int64_t ldx, int64_t m, int64_t k)
{
	kernel->pair(b, ldb, x, ldx, m, k);
}

void fot_bf16_turn(const struct fot_bf16_kernel *kernel, uint32_t *b, int64_t ldb, const uint32_t *a,
		   int64_t lda, int64_t m, int64_t n)
{
	kernel->turn(b, ldb, a, lda, m, n);
}

void fot_bf16_round(uint32_t *a, const float *x, int64_t m, int64_t k)
{
	fot_bf16_rows(fot_bf16_kernel(), a, fot_bf16_pairs(k), x, k, m, k);
}

/* Zero behind the columns of a panel. */
static void pad_panel(uint32_t *panel, int64_t columns, int64_t pairs)
{
	for (int64_t p = 0; p < pairs && columns < PANEL; p++)
		memset(panel + p * PANEL + columns, 0, sizeof *panel * (size_t)(PANEL - columns));
}

void fot_bf16_pack_rows(uint32_t *b, const float *x, int64_t r, int64_t m, int64_t k, int64_t n)
{
	int64_t pairs = fot_bf16_pairs(k);

	for (int64_t c = 0; c < n; c += PANEL) {
		int64_t columns = n - c < PANEL ? n - c : PANEL;
		uint32_t *panel = b + c * pairs + r / 2 * PANEL;

		fot_bf16_pair(fot_bf16_kernel(), panel, PANEL, x + c, n, m, columns);
		pad_panel(panel, columns, fot_bf16_pairs(m));
	}
}

/* So few rows that they stay in the cache until all columns are packed: they are read in the order in which they lie. */
#define PACK_ROWS FOT_BF16_PACK_ROWS

void fot_bf16_pack(uint32_t *b, const float *x, int64_t k, int64_t n)
{
	for (int64_t r = 0; r < k; r += PACK_ROWS)
		fot_bf16_pack_rows(b, x + r * n, r, k - r < PACK_ROWS ? k - r : PACK_ROWS, k, n);
}

void fot_bf16_round_and_pack(uint32_t *a, uint32_t *b, const float *x, int64_t m, int64_t k)
{
	for (int64_t r = 0; r < m; r += PACK_ROWS) {
		int64_t rows = m - r < PACK_ROWS ? m - r : PACK_ROWS;

		fot_bf16_round(a + r * fot_bf16_pairs(k), x + r * k, rows, k);
		fot_bf16_pack_rows(b, x + r * k, r, rows, m, k);
	}
}

/* Pairs of a row of w that are transposed together. */
#define BLOCK 64

/* Numbers that are bf16 already, two by two: rounding changes small ones, which are 0, and NaN, which is quiet then. */
static void pairs_as_they_are(uint32_t *out, const unsigned char *from, int64_t numbers)
{
	memcpy(out, from, 2 * (size_t)numbers);
	if (numbers % 2)
		out[numbers / 2] &= 0xffffu;
#pragma omp simd
	for (int64_t p = 0; p < fot_bf16_pairs(numbers); p++) {
		float even, odd;
		uint32_t low = out[p] << 16, high = out[p] & 0xffff0000u;

		memcpy(&even, &low, sizeof even);
		memcpy(&odd, &high, sizeof odd);
		out[p] = pair_of(even, odd);
	}
}

/* Pairs [p0, p0 + n) of row `row` of w. */
static void pairs_of(uint32_t *out, const unsigned char *row, enum fot_dtype dtype, int64_t p0, int64_t n,
		     int64_t k)
{
	const unsigned char *from = row + fot_dtype_size(dtype) * (size_t)(2 * p0);
	int64_t numbers = k - 2 * p0 < 2 * n ? k - 2 * p0 : 2 * n;
	float x[2 * BLOCK];

	if (dtype == FOT_BF16) {
		pairs_as_they_are(out, from, numbers);
		return;
	}
	fot_widen(x, from, dtype, (size_t)numbers);
	fot_bf16_kernel()->round(out, n, x, numbers, 1, numbers);
}

void fot_bf16_pack_transposed(uint32_t *b, const void *w, enum fot_dtype dtype, int64_t n, int64_t k)
{
	int64_t pairs = fot_bf16_pairs(k);
	size_t size = fot_dtype_size(dtype) * (size_t)k;
	uint32_t block[16 * BLOCK];

	for (int64_t c = 0; c < n; c += 16) {
		int64_t columns = n - c < 16 ? n - c : 16;

		for (int64_t p = 0; p < pairs; p += BLOCK) {
			int64_t here = pairs - p < BLOCK ? pairs - p : BLOCK;

			for (int64_t i = 0; i < columns; i++)
				pairs_of(block + i * BLOCK, (const unsigned char *)w + size * (size_t)(c + i),
					 dtype, p, here, k);
			fot_bf16_kernel()->turn(b + c / PANEL * PANEL * pairs + p * PANEL + c % PANEL, PANEL,
						block, BLOCK, columns, here);
		}
	}
	if (n % PANEL)
		pad_panel(b + n / PANEL * PANEL * pairs, n % PANEL, pairs);
}

/* ---- products -------------------------------------------------------- */

void fot_bf16_multiply(const struct fot_bf16_kernel *kernel, const struct fot_bf16_operands *o)
{
	for (int64_t c = 0; c < o->n; c += PANEL) {
		struct fot_bf16_operands t = *o;

		t.y += c;
		t.b += c;
		for (int64_t r = 0; r < o->m; r += kernel->rows) {
			kernel->run(&t, o->m - r < kernel->rows ? o->m - r : kernel->rows,
				    o->n - c < PANEL ? o->n - c : PANEL);
			t.y += kernel->rows * t.ldy;
			t.a += kernel->rows * t.row_step;
		}
	}
}

/* All panels of b, a packed right side [., n]. */
static void multiply_panels(const struct fot_bf16_kernel *kernel, struct fot_bf16_operands t,
			    const uint32_t *b, int64_t n)
{
	float *y = t.y;

	for (int64_t c = 0; c < n; c += PANEL) {
		t.y = y + c;
		t.b = b + c * t.pairs;
		t.n = n - c < PANEL ? n - c : PANEL;
		fot_bf16_multiply(kernel, &t);
	}
}

void fot_bf16_product(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
		      const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta)
{
	int64_t pairs = fot_bf16_pairs(k);
	struct fot_bf16_operands t = { .y = y,
				       .a = a,
				       .ldy = ldy,
				       .row_step = pairs,
				       .pair_step = 1,
				       .b_step = PANEL,
				       .m = m,
				       .pairs = pairs,
				       .beta = beta };

	multiply_panels(kernel, t, b, n);
}

void fot_bf16_product_rows(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
			   const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta)
{
	int64_t pairs = fot_bf16_pairs(k);
	struct fot_bf16_operands t = {
		.ldy = ldy, .row_step = 1, .pair_step = PANEL, .b_step = PANEL, .pairs = pairs, .beta = beta
	};

	for (int64_t r = 0; r < m; r += PANEL) {
		t.y = y + r * ldy;
		t.a = a + r * pairs;
		t.m = m - r < PANEL ? m - r : PANEL;
		multiply_panels(kernel, t, b, n);
	}
}

void fot_bf16_search(const struct fot_bf16_kernel *kernel, const struct fot_bf16_operands *o,
		     const float *threshold, fot_bf16_hit *hit, void *to)
{
	kernel->search(o, threshold, hit, to);
}
