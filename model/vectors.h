/* vectors.h: registers of numbers, for .c files alone: of float, or of double where FOT_VECTORS_DOUBLE is defined
 * before.
 *
 * The width of registers, and whether a product is fused with its sum, is that of the machine that the program is
 * compiled for. */
#ifndef FOT_VECTORS_H
#define FOT_VECTORS_H

#include <stdint.h>
#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#endif

#include "model/real.h"

#ifdef FOT_VECTORS_DOUBLE
typedef double number;
typedef int64_t number_bits;
#define LANES (FOT_VECTOR_BYTES / 8)
#else
typedef float number;
typedef int32_t number_bits;
#define LANES (FOT_VECTOR_BYTES / 4)
#endif

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

typedef number vec __attribute__((vector_size(FOT_VECTOR_BYTES), may_alias));
typedef number_bits ints __attribute__((vector_size(FOT_VECTOR_BYTES)));
typedef number loose __attribute__((vector_size(FOT_VECTOR_BYTES), may_alias, aligned(sizeof(number))));

INLINE vec load(const number *p)
{
	return *(const loose *)p;
}

INLINE void store(number *p, vec x)
{
	*(loose *)p = x;
}

INLINE vec all(number x)
{
	return x - (vec){ 0 };
}

/* a b + c, fused where the CPU does that: said here, since compilers do it by themselves only sometimes. */
INLINE vec madd(vec a, vec b, vec c)
{
#if FOT_VECTOR_BYTES == 64 && defined(FOT_VECTORS_DOUBLE)
	return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif FOT_VECTOR_BYTES == 64
	return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__) && defined(FOT_VECTORS_DOUBLE)
	return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__FMA__)
	return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
	return a * b + c;
#endif
}

/* Numbers of a and b in turn: of their lower halves, of their upper ones. */
#if FOT_VECTOR_BYTES == 64 && !defined(FOT_VECTORS_DOUBLE)
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define UPPER(a, b) \
	__builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif FOT_VECTOR_BYTES == 64 || (FOT_VECTOR_BYTES == 32 && !defined(FOT_VECTORS_DOUBLE))
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define UPPER(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif FOT_VECTOR_BYTES == 32 || !defined(FOT_VECTORS_DOUBLE)
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define UPPER(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 2)
#define UPPER(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Row r of LANES x LANES numbers becomes column r: with every perfect shuffle of the rows the digits of a number's
 * place (row, column) move round by one. */
INLINE void transpose(vec x[LANES])
{
	UNROLL
	for (int step = 1; step < LANES; step *= 2) {
		vec y[LANES];

		UNROLL
		for (int i = 0; i < LANES / 2; i++) {
			y[2 * i] = LOWER(x[i], x[i + LANES / 2]);
			y[2 * i + 1] = UPPER(x[i], x[i + LANES / 2]);
		}
		UNROLL
		for (int i = 0; i < LANES; i++)
			x[i] = y[i];
	}
}

/* Block of LANES x LANES numbers at p, turned.  Of 16 numbers, four rows that lie four apart come as quarters of a
 * register; what remains is to turn 4 x 4 numbers in each quarter: half of the shuffles. */
INLINE void turned(vec x[LANES], const number *p, int64_t ld)
{
#if FOT_VECTOR_BYTES == 64 && !defined(FOT_VECTORS_DOUBLE)
	UNROLL
	for (int q = 0; q < 4; q++) {
		__m512 a[4], low[2], high[2];

		UNROLL
		for (int r = 0; r < 4; r++) {
			const number *at = p + r * ld + 4 * q;

			a[r] = _mm512_castps128_ps512(_mm_loadu_ps(at));
			a[r] = _mm512_insertf32x4(a[r], _mm_loadu_ps(at + 4 * ld), 1);
			a[r] = _mm512_insertf32x4(a[r], _mm_loadu_ps(at + 8 * ld), 2);
			a[r] = _mm512_insertf32x4(a[r], _mm_loadu_ps(at + 12 * ld), 3);
		}
		UNROLL
		for (int i = 0; i < 2; i++) {
			low[i] = _mm512_unpacklo_ps(a[2 * i], a[2 * i + 1]);
			high[i] = _mm512_unpackhi_ps(a[2 * i], a[2 * i + 1]);
		}
		x[4 * q] = (vec)_mm512_shuffle_ps(low[0], low[1], 0x44);
		x[4 * q + 1] = (vec)_mm512_shuffle_ps(low[0], low[1], 0xee);
		x[4 * q + 2] = (vec)_mm512_shuffle_ps(high[0], high[1], 0x44);
		x[4 * q + 3] = (vec)_mm512_shuffle_ps(high[0], high[1], 0xee);
	}
#else
	UNROLL
	for (int r = 0; r < LANES; r++)
		x[r] = load(p + r * ld);
	transpose(x);
#endif
}

/* The same of a block that has so many rows and columns, 0 elsewhere. A function, so that loops over whole blocks keep
 * their registers. */
static __attribute__((noinline, unused)) void turned_part(vec x[LANES], const number *p, int64_t ld,
							  int64_t rows, int64_t columns)
{
	number part[LANES * LANES] = { 0 };

	for (int64_t r = 0; r < LANES && r < rows; r++)
		for (int64_t c = 0; c < LANES && c < columns; c++)
			part[r * LANES + c] = p[r * ld + c];
	turned(x, part, LANES);
}

/* Either of these. */
INLINE void turned_block(vec x[LANES], const number *p, int64_t ld, int64_t rows, int64_t columns)
{
	if (rows >= LANES && columns >= LANES)
		turned(x, p, ld);
	else
		turned_part(x, p, ld, rows, columns);
}

#endif
