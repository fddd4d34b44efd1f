/* safetensors.h: reader and writer of the safetensors format.
 *
 * The reader maps the file, checks every rule of the format (docs/faults.md) before
 * any tensor is used and hands out pointers into the mapping. */
#ifndef FOT_SAFETENSORS_H
#define FOT_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/config.h"

#define FOT_MAX_RANK 8

struct fot_tensor {
	const char *name;
	enum fot_dtype dtype;
	int32_t rank;
	int64_t shape[FOT_MAX_RANK];
	int64_t n;        /* elements: product of shape, 1 for rank 0 */
	const void *data; /* into the mapping; alignment only that of the file */
	size_t bytes;
};

struct fot_safetensors; /* owns mapping and table */
/* Errors: FOT_ERR_INPUT naming file, tensor and rule; git-LFS pointers and HTML
 * pages are recognised by name. */
int fot_safetensors_open(struct fot_safetensors **out, const char *path, struct fot_err *err);
/* The same over n bytes that the caller keeps for as long as it is open; name stands in messages. */
int fot_safetensors_open_memory(struct fot_safetensors **out, const void *bytes, size_t n, const char *name,
				struct fot_err *err);
void fot_safetensors_close(struct fot_safetensors *st);
size_t fot_safetensors_count(const struct fot_safetensors *st);
const struct fot_tensor *fot_safetensors_at(const struct fot_safetensors *st, size_t i); /* in file order */
const struct fot_tensor *fot_safetensors_find(const struct fot_safetensors *st, const char *name); /* or NULL */
/* Value of a __metadata__ key, or NULL. */
const char *fot_safetensors_metadata(const struct fot_safetensors *st, const char *key);

/* Write tensors in the given order, atomically, header padded with spaces to a
 * multiple of 8. metadata: n_meta pairs key, value (may be 0). */
int fot_safetensors_write(const char *path, const struct fot_tensor *tensors, size_t n,
			  const char *const (*metadata)[2], size_t n_meta, struct fot_err *err);

#endif
