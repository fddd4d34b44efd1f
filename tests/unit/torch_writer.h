/* torch_writer.h: writes what torch.save writes, for tests: a zip archive of stored
 * entries and the pickle of a state dict. */
#ifndef TORCH_WRITER_H
#define TORCH_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct torch_entry {
	const char *name;
	const void *data;
	size_t n;
};

/* zip64: sizes and offsets in 64-bit fields everywhere. comment may be NULL. Data start
 * at multiples of 64, as torch aligns them. */
void torch_zip(struct fot_str *out, const struct torch_entry *entry, size_t n, bool zip64, const char *comment);

/* Pieces of a pickle. */
void pickle_op(struct fot_str *p, const char *bytes, size_t n);
void pickle_text(struct fot_str *p, const char *text);
void pickle_int(struct fot_str *p, int64_t x);
void pickle_global(struct fot_str *p, const char *module, const char *name);
/* "\x80\2", an empty OrderedDict, a mark. */
void pickle_begin(struct fot_str *p);
/* Set items, attributes "_metadata", stop. */
void pickle_end(struct fot_str *p);

struct torch_tensor {
	const char *name, *type, *key; /* "FloatStorage", "0" */
	int64_t numbers, offset;       /* of the storage; first number */
	int rank;
	int64_t shape[4], stride[4];
};
/* Name and tensor. */
void pickle_tensor(struct fot_str *p, const struct torch_tensor *t);

#endif
