/* unpack.h: files of data as they lie on disk: plain, gzip or zstd, told apart by their first bytes. */
#ifndef FOT_UNPACK_H
#define FOT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

bool fot_is_packed(const void *bytes, size_t n);
/* Append what n packed bytes hold. Errors: FOT_ERR_INPUT when damaged, cut, or over max bytes. */
int fot_unpack(struct fot_str *out, const void *bytes, size_t n, const char *name, size_t max,
	       struct fot_err *err);
/* A file's bytes, unpacked, at most max; in place of what out holds. Errors: FOT_ERR_INPUT. */
int fot_unpacked_file(struct fot_str *out, const char *path, size_t max, struct fot_err *err);
/* The same as text: UTF-8 (else an error with line and offset), without byte order mark, with LF. */
int fot_unpacked_text(struct fot_str *out, const char *path, size_t max, struct fot_err *err);
/* The length of a file's name without .gz and .zst. */
size_t fot_unpacked_name(const char *name);
/* Does a path end in a suffix, with a name before it? */
bool fot_name_ends(const char *path, const char *suffix);

#endif
