/* matmul.h: y = x W^T in f32, W as a checkpoint stores it, row after row.
 *
 * Every number of y is one chain of fused multiply-adds in the order of the columns, whatever the other
 * rows are: a row has the same bits alone, in a piece, and in a window, with any number of threads and with
 * any BLAS.  (Where registers do not fuse, each product is rounded first; the order is the same.)
 *
 * Why not BLAS: OpenBLAS sums a row in another order when fewer rows stand beside it, and copies W on each
 * call, which costs a tenth of the time of a tile.  `fotbench bench` shows both. */
#ifndef FOT_MATMUL_H
#define FOT_MATMUL_H

#include <stdint.h>

/* Rows of x, made ready once for as many matrices as are wanted, one after the other: products work in its scratch. */
struct fot_matmul_rows {
	const float *x; /* [rows, in] */
	int64_t rows, in;
	float *panels, *sums;
};

/* Floats of scratch for up to `rows` rows of up to `in` numbers. */
int64_t fot_matmul_scratch(int64_t rows, int64_t in);
/* scratch is in use, and x is read, as long as the rows are multiplied. */
struct fot_matmul_rows fot_matmul_begin(const float *x, int64_t rows, int64_t in, float *scratch);
/* y [rows, n] at distance ldy = x w[n, in]^T + beta y, beta 0 or 1. */
void fot_matmul(float *y, int64_t ldy, const struct fot_matmul_rows *x, const float *w, int64_t n,
		float beta);

#endif
