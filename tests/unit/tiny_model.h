/* tiny_model.h: a small random model in a folder, for tests of inference. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "model/model.h"
#include "model/train/params.h"

/* Sets up 5 layers, width 24, 2 heads, vocabulary 61, memory layers 1 and 3
 * (n_mem of them), windows of `window`. */
void tiny_config(struct fot_config *c, int32_t window, int n_mem, bool qk_norm, bool positionals);
/* Random parameters p of c written to dir as dtype; opens the model. */
struct fot_model *tiny_model(struct fot_params *p, const struct fot_config *c, const char *dir,
			     enum fot_dtype dtype);
/* n random ids below vocab. */
void tiny_tokens(int32_t *out, int64_t n, int32_t vocab, uint64_t item);

#endif
