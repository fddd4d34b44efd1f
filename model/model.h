/* model.h: a loaded model: config, weights, tokenizer; immutable once sessions use it. */
#ifndef FOT_MODEL_H
#define FOT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/config.h"
#include "model/tokenizer.h"
#include "model/weights.h"

struct fot_model;

/* Open a model folder. Weights stay mapped. Errors: FOT_ERR_INPUT. A folder
 * without tokenizer opens; fot_model_tokenizer is NULL then. */
int fot_model_open(struct fot_model **out, const char *dir, struct fot_err *err);
void fot_model_close(struct fot_model *m);
/* Memory layers instead of those in config.json, for a memory attached to weights that
 * were trained without: n layers in any order. Before any session. Errors: FOT_ERR_USAGE. */
int fot_model_set_mem_layers(struct fot_model *m, const int32_t *layers, size_t n, struct fot_err *err);
/* mem_scale instead of that of config.json (config.h). Before any session. Errors: FOT_ERR_USAGE. */
int fot_model_set_mem_scale(struct fot_model *m, double scale, struct fot_err *err);
const struct fot_config *fot_model_config(const struct fot_model *m);
const struct fot_tokenizer *fot_model_tokenizer(const struct fot_model *m);
const struct fot_weights *fot_model_weights(const struct fot_model *m);
const char *fot_model_dir(const struct fot_model *m);

#endif
