/* zip.h: the table of contents of a zip archive in memory; stored entries only. */
#ifndef FOT_ZIP_H
#define FOT_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_zip_entry {
	const char *name; /* not terminated; into the archive */
	size_t name_len;
	const unsigned char *data;
	size_t size;
	uint32_t crc;
};

struct fot_zip {
	struct fot_zip_entry *entry; /* [n], sorted by name, all different */
	size_t n;
};

/* Read the central directory (zip64 too) of n bytes, which must outlive it; name stands
 * in messages. Encrypted, compressed or split archives, entries outside the archive and
 * two entries of one name are refused. Errors: FOT_ERR_INPUT, FOT_ERR_RUN (memory). */
int fot_zip_open(struct fot_zip *out, const void *bytes, size_t n, const char *name, struct fot_err *err);
void fot_zip_release(struct fot_zip *z);
/* NULL if there is none. */
const struct fot_zip_entry *fot_zip_find(const struct fot_zip *z, const char *name, size_t len);

#endif
