/* modelfiles.h: which files make up a model, and the hash that names it. */
#ifndef FOT_MODELFILES_H
#define FOT_MODELFILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_model_file {
	char *name;
	int64_t bytes;
	char sha256[65];
};

struct fot_model_files {
	struct fot_model_file *file; /* by name */
	size_t n;
	char sha256[65]; /* over names and hashes */
};

/* config.json, tokenizer.model, *.safetensors, *.safetensors.index.json and
 * *.bin of a model folder: names and sizes; hashes are empty. Errors: FOT_ERR_INPUT. */
int fot_model_files_list(struct fot_model_files *out, const char *dir, struct fot_err *err);
/* The same with hashes: of files of which none is remembered (hashes.h) every byte is read. */
int fot_model_files_read(struct fot_model_files *out, const char *dir, struct fot_err *err);
void fot_model_files_release(struct fot_model_files *f);

#endif
