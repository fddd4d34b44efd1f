/* linear.c: in tiles of outputs, so that what is widened stays in the cache. */
#include "model/linear.h"

#include <cblas.h>

#include "model/dtype.h"

struct fot_linear fot_linear_of(const struct fot_tensor *t)
{
	return (struct fot_linear){ .w = t->data, .dtype = t->dtype, .out = t->shape[0], .in = t->shape[1] };
}

static int in_place(const struct fot_linear *l)
{
	return l->dtype == FOT_F32 && (uintptr_t)l->w % _Alignof(float) == 0;
}

/* One row reads every weight once: sgemm would copy them first, which takes five times as long. */
static void multiply(float *y, int64_t ldy, const float *x, int64_t rows, const float *w, int64_t n, int64_t in,
		     float beta)
{
	if (rows == 1)
		cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)in, 1, w, (blasint)in, x, 1, beta, y, 1);
	else
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)n, (blasint)in, 1, x,
			    (blasint)in, w, (blasint)in, beta, y, (blasint)ldy);
}

void fot_linear_forward(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			float *scratch)
{
	size_t size = fot_dtype_size(l->dtype);

	for (int64_t c = 0; c < l->out; c += FOT_LINEAR_COLS) {
		int64_t n = l->out - c < FOT_LINEAR_COLS ? l->out - c : FOT_LINEAR_COLS;
		const unsigned char *from = (const unsigned char *)l->w + size * (size_t)(c * l->in);
		const float *w = scratch;

		if (in_place(l))
			w = (const float *)l->w + c * l->in;
		else
			fot_widen(scratch, from, l->dtype, (size_t)(n * l->in));
		multiply(y + c, l->out, x, rows, w, n, l->in, beta);
	}
	for (int64_t r = 0; r < rows && l->bias; r++)
#pragma omp simd
		for (int64_t c = 0; c < l->out; c++)
			y[r * l->out + c] += l->bias[c];
}
