/* linear.h: y = x W^T with W as a checkpoint stores it.
 *
 * In f32 (matmul.h) a float matrix that is aligned is used where it lies; any other type is
 * widened, FOT_LINEAR_COLS outputs at a time, into scratch.  Both ways make the same
 * products in the same order, so they give the same bits.  In bf16 W was packed before (bf16.h). */
#ifndef FOT_LINEAR_H
#define FOT_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "model/bf16.h"
#include "model/safetensors.h"

#define FOT_LINEAR_COLS 512

struct fot_linear {
	const void *w; /* [out, in] */
	enum fot_dtype dtype;
	int64_t out, in;
	const float *bias; /* [out] added to every row; NULL: none */
	/* W in bf16 and what multiplies by it; NULL: products are in f32. Then w is not read. */
	const uint32_t *packed;
	const struct fot_bf16_kernel *kernel;
};

/* From a tensor of rank 2, without a bias. */
struct fot_linear fot_linear_of(const struct fot_tensor *t);
/* Numbers of scratch for up to `rows` rows of up to `in` numbers; in_place: all matrices are aligned F32. */
int64_t fot_linear_scratch(int64_t rows, int64_t in, bool in_place, bool bf16);
/* uint32_t of all matrices of a model that are multiplied, packed; as transposes where they stand in dY W. */
int64_t fot_linear_packed(const struct fot_config *c, bool transposed);
/* y[rows, out] = x[rows, in] W^T + bias + beta y, beta 0 or 1; dense rows. */
void fot_linear_forward(float *y, const float *x, int64_t rows, const struct fot_linear *l, float beta,
			void *scratch);

#endif
