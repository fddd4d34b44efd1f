/* bf16.c: see bf16.h.
 *
 * A kernel makes up to ROWS rows of up to a panel's columns, all sums in registers.  Where a pair of
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

/* rows x columns of y at ldy from pairs a[row * row_step + pair * pair_step] and a panel. */
struct tile {
	float *y;
	const uint32_t *a, *panel;
	int64_t ldy, row_step, pair_step, pairs;
	int64_t columns; /* 1 .. PANEL */
	float beta;
};
struct fot_bf16_kernel {
	const char *name;
	int64_t rows; /* most that one call takes */
	void (*run)(const struct tile *t, int64_t rows);
};

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
static inline __attribute__((always_inline)) void portable_lanes(const struct tile *t, int64_t c,
								 const int rows)
{
	lanes sum[PORTABLE_ROWS] = { { 0 } };
	int64_t n = t->columns - c < PORTABLE_LANES ? t->columns - c : PORTABLE_LANES;

	for (int64_t p = 0; p < t->pairs; p++) {
		bits both, low, high;
		lanes even, odd;

		memcpy(&both, t->panel + p * PANEL + c, sizeof both);
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

static void portable_run(const struct tile *t, int64_t rows)
{
	for (int64_t c = 0; c < t->columns; c += PORTABLE_LANES) {
		if (rows == 4)
			portable_lanes(t, c, 4);
		else if (rows == 3)
			portable_lanes(t, c, 3);
		else if (rows == 2)
			portable_lanes(t, c, 2);
		else
			portable_lanes(t, c, 1);
	}
}

const struct fot_bf16_kernel fot_bf16_portable = { "portable", PORTABLE_ROWS, portable_run };

/* ---- AVX512-BF16 ----------------------------------------------------- */

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bf16")))
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

/* n: registers that the columns take. */
static inline __attribute__((always_inline)) TARGET void avx_tile(const struct tile *t, const int rows,
								  const int n)
{
	__mmask16 last = (__mmask16)(0xffffu >> (n * LANES - t->columns));
	__m512 sum[AVX_ROWS * AVX_LANES];

	UNROLL
	for (int i = 0; i < rows * n; i++)
		sum[i] = _mm512_setzero_ps();
	for (int64_t p = 0; p < t->pairs; p++) {
		const uint32_t *a = t->a + p * t->pair_step, *panel = t->panel + p * PANEL;
		__m512i b[AVX_LANES];

		UNROLL
		for (int c = 0; c < n; c++)
			b[c] = _mm512_loadu_si512(panel + c * LANES);
		UNROLL
		for (int r = 0; r < rows; r++)
			avx_add(sum + r * n, a[r * t->row_step], b, n);
	}
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
#define AVX_RUN(rows)                                       \
	TARGET static void avx_##rows(const struct tile *t) \
	{                                                   \
		if (t->columns > 3 * LANES)                 \
			avx_tile(t, rows, 4);               \
		else if (t->columns > 2 * LANES)            \
			avx_tile(t, rows, 3);               \
		else if (t->columns > LANES)                \
			avx_tile(t, rows, 2);               \
		else                                        \
			avx_tile(t, rows, 1);               \
	}
AVX_RUN(1)
AVX_RUN(2)
AVX_RUN(3)
AVX_RUN(4)
AVX_RUN(5)
AVX_RUN(6)

static void avx_run(const struct tile *t, int64_t rows)
{
	static void (*const run[AVX_ROWS])(
		const struct tile *) = { avx_1, avx_2, avx_3, avx_4, avx_5, avx_6 };

	run[rows - 1](t);
}

static const struct fot_bf16_kernel avx512_bf16 = { "avx512_bf16", AVX_ROWS, avx_run };

const struct fot_bf16_kernel *fot_bf16_kernel(void)
{
	return __builtin_cpu_supports("avx512bf16") ? &avx512_bf16 : &fot_bf16_portable;
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

size_t fot_bf16_packed(int64_t n, int64_t k)
{
	return (size_t)((n + PANEL - 1) / PANEL * PANEL) * (size_t)fot_bf16_pairs(k);
}

void fot_bf16_round(uint32_t *a, const float *x, int64_t m, int64_t k)
{
	int64_t pairs = fot_bf16_pairs(k);

	for (int64_t r = 0; r < m; r++, a += pairs, x += k) {
#pragma omp simd
		for (int64_t p = 0; p < k / 2; p++)
			a[p] = pair_of(x[2 * p], x[2 * p + 1]);
		if (k % 2)
			a[pairs - 1] = pair_of(x[k - 1], 0);
	}
}

/* Columns [c, c + PANEL) of rows x0 and x1 (NULL: zeros) of n numbers. */
static void pack_pair(uint32_t *out, const float *x0, const float *x1, int64_t c, int64_t n)
{
	int64_t here = n - c < PANEL ? n - c : PANEL;

	if (x1)
#pragma omp simd
		for (int64_t i = 0; i < here; i++)
			out[i] = pair_of(x0[c + i], x1[c + i]);
	else
		for (int64_t i = 0; i < here; i++)
			out[i] = pair_of(x0[c + i], 0);
	memset(out + here, 0, sizeof *out * (size_t)(PANEL - here));
}

void fot_bf16_pack(uint32_t *b, const float *x, int64_t k, int64_t n)
{
	int64_t pairs = fot_bf16_pairs(k);

	for (int64_t p = 0; p < pairs; p++) {
		const float *row = x + 2 * p * n;

		for (int64_t c = 0; c < n; c += PANEL)
			pack_pair(b + c * pairs + p * PANEL, row, 2 * p + 1 < k ? row + n : NULL, c, n);
	}
}

/* Pairs of a row of w that are transposed together: a panel's share of the cache. */
#define BLOCK 32

void fot_bf16_pack_transposed(uint32_t *b, const void *w, enum fot_dtype dtype, int64_t n, int64_t k)
{
	int64_t pairs = fot_bf16_pairs(k), padded = (n + PANEL - 1) / PANEL * PANEL;
	size_t size = fot_dtype_size(dtype);
	const unsigned char *from = w;
	float x[2 * BLOCK] = { 0 };

	for (int64_t c = 0; c < padded; c++)
		for (int64_t p0 = 0; p0 < pairs; p0 += BLOCK) {
			int64_t to = p0 + BLOCK < pairs ? p0 + BLOCK : pairs, left = k - 2 * p0;
			uint32_t *out = b + c / PANEL * PANEL * pairs + c % PANEL;

			memset(x, 0, sizeof x);
			if (c < n)
				fot_widen(x, from + size * (size_t)(c * k + 2 * p0), dtype,
					  (size_t)(left < 2 * BLOCK ? left : 2 * BLOCK));
			for (int64_t p = p0; p < to; p++)
				out[p * PANEL] = pair_of(x[2 * (p - p0)], x[2 * (p - p0) + 1]);
		}
}

/* ---- products -------------------------------------------------------- */

/* Rows [from, to) of all panels; t says where row `from` and pair 0 of the left side are. */
static void rows_of(const struct fot_bf16_kernel *kernel, struct tile t, const uint32_t *b, int64_t rows,
		    int64_t n)
{
	const struct tile start = t;

	for (int64_t c = 0; c < n; c += PANEL) {
		t = start;
		t.y = start.y + c;
		t.panel = b + c * t.pairs;
		t.columns = n - c < PANEL ? n - c : PANEL;
		for (int64_t r = 0; r < rows; r += kernel->rows) {
			kernel->run(&t, rows - r < kernel->rows ? rows - r : kernel->rows);
			t.y += kernel->rows * t.ldy;
			t.a += kernel->rows * t.row_step;
		}
	}
}

void fot_bf16_product(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
		      const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta)
{
	int64_t pairs = fot_bf16_pairs(k);
	struct tile t = {
		.y = y, .a = a, .ldy = ldy, .row_step = pairs, .pair_step = 1, .pairs = pairs, .beta = beta
	};

	rows_of(kernel, t, b, m, n);
}

void fot_bf16_product_rows(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
			   const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta)
{
	int64_t pairs = fot_bf16_pairs(k);
	struct tile t = { .ldy = ldy, .row_step = 1, .pair_step = PANEL, .pairs = pairs, .beta = beta };

	for (int64_t r = 0; r < m; r += PANEL) {
		t.y = y + r * ldy;
		t.a = a + r * pairs;
		rows_of(kernel, t, b, m - r < PANEL ? m - r : PANEL, n);
	}
}
