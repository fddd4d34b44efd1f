/* codes.c: see codes.h. */
#include "model/codes.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

void fot_codes_lay(struct fot_codes *x, struct fot_layout *y, int64_t cap, int64_t d)
{
	x->d = d;
	x->width = (d + FOT_CODE_UNIT - 1) / FOT_CODE_UNIT * FOT_CODE_UNIT;
	x->code = fot_layout_take(y, cap * x->width, sizeof *x->code);
	x->step = fot_layout_take(y, cap, sizeof *x->step);
}

/* The largest of n, without what is not finite; 0: none is larger. */
static float largest(const float *x, int64_t n)
{
	float most = 0;

	for (int64_t c = 0; c < n; c++)
		most = fabsf(x[c]) > most && fabsf(x[c]) < INFINITY ? fabsf(x[c]) : most;
	return most;
}

/* x in units of step, to the nearest; 0 where it is not finite. */
static int16_t rounded(float x, float step)
{
	return (int16_t)(fabsf(x) < INFINITY && step > 0 ? lrintf(x / step) : 0);
}

void fot_codes_put(struct fot_codes *x, int64_t j, const float *key)
{
	int8_t *code = x->code + j * x->width;

	x->step[j] = largest(key, x->d) / 127;
	for (int64_t c = 0; c < x->width; c++)
		code[c] = (int8_t)(c < x->d ? rounded(key[c], x->step[j]) : 0);
}

float fot_codes_query(const struct fot_codes *x, int16_t *q, const float *query)
{
	int64_t most = INT32_MAX / 127 / x->width;
	float step = largest(query, x->d) / (float)(most < INT16_MAX ? most : INT16_MAX);

	for (int64_t c = 0; c < x->width; c++)
		q[c] = c < x->d ? rounded(query[c], step) : 0;
	return step;
}

#if defined(__AVX512BW__)

static __m512i wide(const int8_t *a)
{
	return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)a));
}

int32_t fot_codes_dot(const int8_t *a, const int8_t *b, int64_t width)
{
	__m512i sum = _mm512_setzero_si512();

	for (int64_t c = 0; c < width; c += FOT_CODE_UNIT)
		sum = _mm512_add_epi32(sum, _mm512_madd_epi16(wide(a + c), wide(b + c)));
	return _mm512_reduce_add_epi32(sum);
}

int32_t fot_codes_ask(const int8_t *a, const int16_t *q, int64_t width)
{
	__m512i sum = _mm512_setzero_si512();

	for (int64_t c = 0; c < width; c += FOT_CODE_UNIT)
		sum = _mm512_add_epi32(sum, _mm512_madd_epi16(wide(a + c), _mm512_loadu_si512(q + c)));
	return _mm512_reduce_add_epi32(sum);
}

#else

int32_t fot_codes_dot(const int8_t *a, const int8_t *b, int64_t width)
{
	int32_t sum = 0;

	for (int64_t c = 0; c < width; c++)
		sum += (int16_t)a[c] * (int16_t)b[c];
	return sum;
}

int32_t fot_codes_ask(const int8_t *a, const int16_t *q, int64_t width)
{
	int32_t sum = 0;

	for (int64_t c = 0; c < width; c++)
		sum += (int16_t)a[c] * q[c];
	return sum;
}

#endif

#endif
