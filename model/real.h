/* real.h: the number type of the network's arithmetic.
 *
 * float everywhere a user runs it.  Built with -DFOT_REAL_DOUBLE the same
 * sources compute in double, which lets tests hold every hand-written gradient
 * against finite differences without the noise of single precision. */
#ifndef FOT_REAL_H
#define FOT_REAL_H

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a vector register. */
#if defined(__AVX512F__)
#define FOT_VECTOR_BYTES 64
#elif defined(__AVX__)
#define FOT_VECTOR_BYTES 32
#else
#define FOT_VECTOR_BYTES 16
#endif

/* How the network's sums are made: all else being equal, all builds with one word write the same bits. */
#if defined(__FMA__) || FOT_VECTOR_BYTES == 64
#define FOT_SUMS "fused" /* product and sum are rounded once */
#else
#define FOT_SUMS "rounded" /* each product is rounded first */
#endif

#ifdef FOT_REAL_DOUBLE
typedef double fot_real;
typedef int64_t fot_int; /* as wide as a number */
#define FOT_INT_MIN INT64_MIN
#define FOT_INT_MAX INT64_MAX
#define FOT_REAL_GEMM cblas_dgemm
#define fot_real_sqrt sqrt
#define fot_real_log log
static inline double fot_real_exp(double x)
{
	return exp(x);
}
#else
typedef float fot_real;
typedef int32_t fot_int;
#define FOT_INT_MIN INT32_MIN
#define FOT_INT_MAX INT32_MAX
#define FOT_REAL_GEMM cblas_sgemm
#define fot_real_sqrt sqrtf
#define fot_real_log logf

/* exp(x) to about 1.5 ulp, written so that loops over it vectorise: x = n ln 2 + r
 * with |r| <= ln 2 / 2, a polynomial in r, and 2^n put in through the exponent
 * bits.  Below -87 the result is 1.6e-38 instead of a denormal; NaN stays NaN. */
static inline float fot_real_exp(float x)
{
	const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
	float n, r, p;
	uint32_t u;

	x = x < -87.0f ? -87.0f : x;
	x = x > 88.0f ? 88.0f : x;
	n = (x * 1.44269504f + magic) - magic;
	r = x - n * 0.693359375f;
	r = r + n * 2.12194440e-4f;
	p = 1.98412698e-4f;
	p = p * r + 1.38888889e-3f;
	p = p * r + 8.33333333e-3f;
	p = p * r + 4.16666667e-2f;
	p = p * r + 1.66666667e-1f;
	p = p * r + 0.5f;
	p = p * r * r + r + 1.0f;
	u = (uint32_t)((int32_t)n + 127) << 23;
	memcpy(&r, &u, sizeof r);
	return p * r;
}
#endif

/* C[m,n] = alpha * op(A) op(B) + beta * C, all row-major. */
static inline void fot_gemm(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k, fot_real alpha,
			    const fot_real *a, int64_t lda, const fot_real *b, int64_t ldb, fot_real beta,
			    fot_real *c, int64_t ldc)
{
	FOT_REAL_GEMM(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans,
		      (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c,
		      (blasint)ldc);
}

#endif
