/* index_int8.c: see index_int8.h.  A panel holds the queries side by side, four numbers of each together, as bytes from 1 to
 * 255 (the code and 128), which is how the processor multiplies bytes; what 128 adds is known from the sum of a key's codes. */
#include "model/index_int8.h"

#include <stdbool.h>

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#if defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

#define LANES FOT_INT8_LANES
#define OFFSET 128
#define ROWS 8 /* keys at once */

void fot_int8_lay(struct fot_int8 *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap)
{
	*x = (struct fot_int8){ .keys = *keys };
	fot_codes_lay(&x->codes, y, cap, keys->d);
	x->sum = fot_layout_take(y, cap, sizeof *x->sum);
	x->row = fot_layout_take(y, keys->d, sizeof *x->row);
}

void fot_int8_grow(struct fot_int8 *x, int64_t len)
{
	for (; x->len < len; x->len++) {
		const int8_t *code = x->codes.code + x->len * x->codes.width;

		fot_codes_put(&x->codes, x->len, fot_keys_rows(&x->keys, x->len, 1, x->row));
		x->sum[x->len] = 0;
		for (int64_t c = 0; c < x->codes.width; c++)
			x->sum[x->len] += code[c];
	}
}

void fot_int8_cut(struct fot_int8 *x, int64_t len)
{
	x->len = len < x->len ? len : x->len;
}

void fot_int8_lay_search(struct fot_int8_search *s, struct fot_layout *y, int64_t d, int64_t rescore)
{
	int64_t width = (d + FOT_CODE_UNIT - 1) / FOT_CODE_UNIT * FOT_CODE_UNIT;

	fot_topk_lay(&s->some, y, rescore);
	s->panel = fot_layout_take(y, FOT_TILE_Q * width, sizeof *s->panel);
	s->step = fot_layout_take(y, FOT_TILE_Q, sizeof *s->step);
	s->found = fot_layout_take(y, rescore, sizeof *s->found);
	s->row = fot_layout_take(y, FOT_SPREAD * d, sizeof *s->row);
}

/* ---- asking ---------------------------------------------------------- */

/* Query i into its panel; a query [d] NULL: zeros. */
static void ask(const struct fot_int8 *x, struct fot_int8_search *s, int64_t i, const float *q)
{
	int64_t width = x->codes.width;
	uint8_t *panel = s->panel + i / LANES * LANES * width + i % LANES * 4;
	float most = 0, step;

	for (int64_t c = 0; c < x->keys.d && q; c++)
		most = fabsf(q[c]) > most && fabsf(q[c]) < INFINITY ? fabsf(q[c]) : most;
	step = most / 127;
	s->step[i] = step;
	for (int64_t c = 0; c < width; c++) {
		bool is = q && c < x->keys.d && step > 0 && fabsf(q[c]) < INFINITY;

		panel[c / 4 * 4 * LANES + c % 4] = (uint8_t)(OFFSET + (is ? lrintf(q[c] / step) : 0));
	}
}

static void ask_all(const struct fot_int8 *x, const struct fot_index_query *q, struct fot_int8_search *s)
{
	int64_t end = (q->n + LANES - 1) / LANES * LANES;

	for (int64_t i = 0; i < end; i++)
		ask(x, s, i, i < q->n ? q->q + i * x->keys.d : NULL);
}

/* ---- scanning -------------------------------------------------------- */

/* Products of `rows` keys with a panel: sum[rows][LANES]. */
#if defined(__AVX512VNNI__)

static inline __attribute__((always_inline)) void multiply(int rows, int32_t *sum, const uint8_t *panel,
							   const int8_t *code, int64_t width)
{
	__m512i acc[ROWS][2];

	_Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
	for (int64_t c = 0; c < width; c += 4) {
		__m512i a = _mm512_loadu_si512(panel + c * LANES),
			b = _mm512_loadu_si512(panel + c * LANES + 64);

		_Pragma("GCC unroll 8") for (int r = 0; r < rows; r++)
		{
			int32_t four;
			__m512i key;

			memcpy(&four, code + r * width + c, sizeof four);
			key = _mm512_set1_epi32(four);
			acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], a, key);
			acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], b, key);
		}
	}
	_Pragma("GCC unroll 8") for (int r = 0; r < rows; r++)
	{
		_mm512_storeu_si512(sum + r * LANES, acc[r][0]);
		_mm512_storeu_si512(sum + r * LANES + LANES / 2, acc[r][1]);
	}
}

#else

static void multiply(int rows, int32_t *sum, const uint8_t *panel, const int8_t *code, int64_t width)
{
	memset(sum, 0, sizeof *sum * (size_t)(rows * LANES));
	for (int r = 0; r < rows; r++)
		for (int64_t c = 0; c < width; c++)
			for (int i = 0; i < LANES; i++)
				sum[r * LANES + i] +=
					panel[c / 4 * 4 * LANES + i * 4 + c % 4] * code[r * width + c];
}

#endif

/* Bit i: is score[i] above threshold[i]? */
static uint32_t above(const float *score, const float *threshold)
{
	uint32_t bits = 0;

#if defined(__AVX512VNNI__)
	for (int i = 0; i < LANES; i += 16)
		bits |= (uint32_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(score + i),
						     _mm512_loadu_ps(threshold + i), _CMP_GT_OQ)
			<< i;
#else
	for (int i = 0; i < LANES; i++)
		bits |= (uint32_t)(score[i] > threshold[i]) << i;
#endif
	return bits;
}

/* The scores of one key go to the searches of a panel that begins with query `first`; those without a query take none. */
static void offer(const struct fot_int8 *x, const struct fot_index_query *q, struct fot_int8_search *s,
		  int64_t first, int64_t entry, const int32_t *sum)
{
	float score[LANES], bias = q->bias ? q->bias(q->of, entry) : 0, step = x->codes.step[entry];
	int32_t offset = OFFSET * x->sum[entry];

	for (int i = 0; i < LANES; i++)
		score[i] = (float)(sum[i] - offset) * (step * s->step[first + i]) + bias;
	for (uint32_t bits = above(score, s->some.threshold + first); bits; bits &= bits - 1) {
		int i = __builtin_ctz(bits);

		fot_topk_push(&s->some, first + i, score[i], entry);
	}
}

void fot_int8_search(const struct fot_int8 *x, const struct fot_index_query *q, struct fot_topk *best,
		     struct fot_int8_search *s)
{
	int64_t width = x->codes.width;
	int32_t sum[ROWS * LANES];

	ask_all(x, q, s);
	fot_topk_begin(&s->some, q->n);
	for (int64_t j = q->from, rows; j < q->to; j += rows) {
		rows = q->to - j < ROWS ? 1 : ROWS;
		for (int64_t first = 0; first < q->n; first += LANES) {
			const uint8_t *panel = s->panel + first * width;

			if (rows == ROWS)
				multiply(ROWS, sum, panel, x->codes.code + j * width, width);
			else
				multiply(1, sum, panel, x->codes.code + j * width, width);
			for (int64_t r = 0; r < rows; r++)
				offer(x, q, s, first, j + r, sum + r * LANES);
		}
	}
	for (int64_t i = 0; i < q->n; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end(&s->some, i, &hit);

		for (int64_t j = 0; j < n; j++)
			s->found[j] = (int32_t)hit[j].key;
		fot_index_rescore(q, &x->keys, best, i, s->found, n, s->row);
	}
}

#endif
