/* checkpoint.h: the state of a training run on disk, complete or not there.
 *
 * A checkpoint is a model folder like the result, with fp32 weights, and beside them the optimiser's
 * moments: what is half trained can be evaluated.  latest.json names the newest and is
 * replaced only when the folder is complete, so a run killed at any point finds
 * the previous one. */
#ifndef FOT_CHECKPOINT_H
#define FOT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/train/optimizer.h"
#include "model/train/params.h"

struct fot_checkpoint {
	int64_t step;           /* steps done */
	char corpus_sha256[65]; /* what the batches were drawn from */
	const char *tokenizer;  /* to write: tokenizer.model file, "byte" or "none" */
};

/* A model folder: config.json, tokenizer.model where it is a file, model.safetensors. The folder must be
 * there. Errors: FOT_ERR_INPUT (tokenizer), FOT_ERR_OUTPUT, FOT_ERR_RUN. */
int fot_checkpoint_model(const char *folder, const struct fot_params *p, enum fot_dtype dtype, const char *tokenizer,
			 struct fot_err *err);

int fot_checkpoint_write(const char *out, const struct fot_checkpoint *c, const struct fot_params *p,
			 const struct fot_adamw *a, struct fot_err *err);
/* A run that begins anew: what stands there is nobody's checkpoint any more. Errors: FOT_ERR_OUTPUT. */
int fot_checkpoint_forget(const char *out, struct fot_err *err);
/* Also checkpoints whose weights stand in weights.safetensors. *found = false when the folder has no checkpoint yet. */
int fot_checkpoint_read(const char *out, struct fot_checkpoint *c, struct fot_params *p, struct fot_adamw *a,
			bool *found, struct fot_err *err);

#endif
