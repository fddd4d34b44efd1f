/* linear.h: y = x W^T with W as a checkpoint stores it.
 *
 * A float matrix that is aligned is used where it lies; any other type is
 * widened, LINEAR_COLS outputs at a time, into scratch.  Both ways make the same
 * products in the same order, so they give the same bits. */
#ifndef FOT_LINEAR_H
#define FOT_LINEAR_H

#include <stdint.h>

#include "model/safetensors.h"

#define FOT_LINEAR_COLS 512

struct fot_linear {
	const void *w; /* [out, in] */
	enum fot_dtype dtype;
	int64_t out, in;
	const float *bias; /* [out] added to every row; NULL: none */
};

/* From a tensor of rank 2, without a bias. */
struct fot_linear fot_linear_of(const struct fot_tensor *t);
/* y[rows, out] = x[rows, in] W^T + bias + beta y; dense rows. scratch: FOT_LINEAR_COLS * in floats, not
 * touched where the matrix is used in place (aligned F32). */
void fot_linear_forward(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			float *scratch);

#endif
