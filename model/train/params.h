/* params.h: all trainable numbers of a model in one flat array.
 *
 * The table of fot_config_tensors gives every tensor its place; gradients and
 * the optimiser's moments are arrays of the same shape, so optimiser, zeroing,
 * reduction and checkpoint are one loop each.  Tensors start at multiples of 16
 * numbers; the padding stays zero. */
#ifndef FOT_PARAMS_H
#define FOT_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/config.h"
#include "model/real.h"
#include "model/weights.h"

struct fot_params {
	struct fot_config config;
	size_t n_tensors;
	struct fot_tensor_spec *spec; /* [n_tensors] */
	int64_t *offset;              /* [n_tensors] first number of the tensor */
	int64_t n;                    /* numbers in the array, padding included */
	fot_real *w;                  /* [n] */
};

/* Zeroed parameters of this shape. Errors: FOT_ERR_RUN (memory). */
int fot_params_init(struct fot_params *p, const struct fot_config *c, struct fot_err *err);
void fot_params_release(struct fot_params *p);
/* Random start: matrices normal with deviation gain / sqrt(fan in), output
 * projections (o, down) further divided by sqrt(2 layers), embedding deviation
 * embed_std, norms 1, biases 0, temperatures of query-key normalisation log(10). */
void fot_params_random(struct fot_params *p, uint64_t seed, double gain, double embed_std);
/* Offset of a tensor, -1 if the model has none. layer -1 outside the layers. */
int64_t fot_params_offset(const struct fot_params *p, enum fot_tensor_role role, int layer);
/* Start from the weights of a model folder that was trained otherwise: everything must be there and of
 * the same shape, but gates of the memory, which keep what p holds; its config may differ in what
 * changes no tensor (memory layers, positions, window), not in heads or query-key normalisation.
 * Errors: FOT_ERR_INPUT, FOT_ERR_RUN (memory). */
int fot_params_start(struct fot_params *p, const char *dir, struct fot_err *err);
/* Has the folder's model.safetensors this sha256? Errors: FOT_ERR_INPUT, with both. */
int fot_params_check_hash(const char *dir, const char *hash, struct fot_err *err);
/* Write array (w itself, or a moment) as a safetensors file of F32, F16 or BF16
 * tensors, rounded to nearest even. */
int fot_params_write(const struct fot_params *p, const fot_real *array, enum fot_dtype dtype, const char *path,
		     struct fot_err *err);
/* Read back what fot_params_write wrote as F32. */
int fot_params_read(const struct fot_params *p, fot_real *array, const char *path, struct fot_err *err);

#endif
