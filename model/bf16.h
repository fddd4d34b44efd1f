/* bf16.h: products of bf16 matrices with f32 sums.
 *
 *   y[m, n] = a[m, k] b[k, n] + beta y
 *
 * Numbers along k stand in pairs, in one uint32_t: the even one in the lower half, the odd one in the
 * upper; an odd k gets a zero.  A right side is packed once, in panels of FOT_BF16_PANEL columns:
 *
 *   panel 0: pair 0 of columns 0 .. 63, pair 1 of columns 0 .. 63, ...   then panel 1; columns behind n are 0
 *
 * Each y is one sum, pair after pair and in a pair the odd one first, rounded after each term: the
 * order of AVX512-BF16's instruction.  A product of two bf16 is exact in f32, so both kernels, any m, any n
 * and any cutting into tiles give the same bits, on every processor. (Terms or sums below 2^-126
 * may be taken for 0; what is rounded to bf16 always is.)
 *
 * Why not oneDNN (2.6.3, Debian): on an AVX512-BF16 core, with the rounding of a, at m 64 and n = k = 128,
 * 256, 512: 204, 219, 225 GFLOP/s, this 214, 225, 226 (sgemm 90); on one without 37 (this 47); on
 * AVX2 it refuses bf16; its kernels differ in their bits and take memory while they run. */
#ifndef FOT_BF16_H
#define FOT_BF16_H

#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

#define FOT_BF16_PANEL 64

/* One processor's way. Both give the same bits. */
struct fot_bf16_kernel;
extern const struct fot_bf16_kernel fot_bf16_portable;
/* The fastest that this processor has. */
const struct fot_bf16_kernel *fot_bf16_kernel(void);
const char *fot_bf16_kernel_name(const struct fot_bf16_kernel *kernel); /* "avx512_bf16" or "portable" */

/* Pairs of k numbers. */
static inline int64_t fot_bf16_pairs(int64_t k)
{
	return (k + 1) / 2;
}
/* uint32_t that a packed right side [k, n] takes. */
size_t fot_bf16_packed(int64_t n, int64_t k);

/* Rows x [m, k] at distance ldx, rounded: a [m, pairs of k] at lda. */
void fot_bf16_rows(const struct fot_bf16_kernel *kernel, uint32_t *a, int64_t lda, const float *x,
		   int64_t ldx, int64_t m, int64_t k);
/* The same rows two by two: number c of rows 2 p and 2 p + 1 at b[p * ldb + c]; b [pairs of m, k]. */
void fot_bf16_pair(const struct fot_bf16_kernel *kernel, uint32_t *b, int64_t ldb, const float *x,
		   int64_t ldx, int64_t m, int64_t k);
/* The transpose of pairs a [m, n] at lda: b[c * ldb + r] = a[r * lda + c]. */
void fot_bf16_turn(const struct fot_bf16_kernel *kernel, uint32_t *b, int64_t ldb, const uint32_t *a,
		   int64_t lda, int64_t m, int64_t n);

/* A left side x [m, k], dense rows: a [m, pairs of k]. */
void fot_bf16_round(uint32_t *a, const float *x, int64_t m, int64_t k);
/* A right side x [k, n], dense rows, into panels. */
void fot_bf16_pack(uint32_t *b, const float *x, int64_t k, int64_t n);
/* FOT_BF16_PACK_ROWS of its k rows or, at the end, fewer: x [m, n], the first of which is row r. */
#define FOT_BF16_PACK_ROWS 8
void fot_bf16_pack_rows(uint32_t *b, const float *x, int64_t r, int64_t m, int64_t k, int64_t n);
/* Both of the same rows x [m, k]: a as a left side, b as a right side; each part of x is read once from where it lies. */
void fot_bf16_round_and_pack(uint32_t *a, uint32_t *b, const float *x, int64_t m, int64_t k);
/* A right side that is the transpose of w [n, k], of type F32, F16, BF16 or F64, as a checkpoint has it. */
void fot_bf16_pack_transposed(uint32_t *b, const void *w, enum fot_dtype dtype, int64_t n, int64_t k);

/* y [m, n] at ldy = a b + beta y, a of fot_bf16_round, b packed; beta is 0 or 1. */
void fot_bf16_product(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
		      const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta);
/* The same with the transpose of a packed [k, m] on the left: y = a^T b, sums over rows of both. */
void fot_bf16_product_rows(const struct fot_bf16_kernel *kernel, float *y, int64_t ldy, const uint32_t *a,
			   const uint32_t *b, int64_t m, int64_t n, int64_t k, float beta);

/* y [m, n] at ldy = a b + beta y of pairs that stand anywhere: pair p of row r at a[r * row_step + p * pair_step], of
 * column c at b[p * b_step + c]. Whole registers of b are read: FOT_BF16_BEYOND numbers behind the last one may be. */
#define FOT_BF16_BEYOND 16
struct fot_bf16_operands {
	float *y;
	const uint32_t *a, *b;
	int64_t ldy, row_step, pair_step, b_step;
	int64_t m, n, pairs;
	float beta; /* 0 or 1 */
};
void fot_bf16_multiply(const struct fot_bf16_kernel *kernel, const struct fot_bf16_operands *o);

/* Called with a number above its column's threshold. */
typedef void fot_bf16_hit(void *to, int64_t column, int64_t row, float y);
/* The same y, beta 0, of n <= FOT_BF16_SEARCH columns, of which nothing is written: those numbers alone are told that lie
 * above threshold[n] when it comes to them, of one column in the order of the rows. The threshold may rise meanwhile. */
#define FOT_BF16_SEARCH 32
void fot_bf16_search(const struct fot_bf16_kernel *kernel, const struct fot_bf16_operands *o,
		     const float *threshold, fot_bf16_hit *hit, void *to);

#endif
