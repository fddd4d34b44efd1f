/* hash.h: sha256 (FIPS 180-4) and CRC-32 (IEEE 802.3, as in zlib). */
#ifndef FOT_HASH_H
#define FOT_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

void fot_sha256_init(struct fot_sha256 *h);
void fot_sha256_add(struct fot_sha256 *h, const void *bytes, size_t n);
/* 64 lower-case hex digits and a NUL.  Ends the hash: state then holds the
 * digest as eight words, and h must be initialised anew. */
void fot_sha256_hex(struct fot_sha256 *h, char out[65]);
/* One-shot forms. */
void fot_sha256_of(const void *bytes, size_t n, char out[65]);
int fot_sha256_file(const char *path, char out[65], struct fot_err *err);

uint32_t fot_crc32(uint32_t crc, const void *bytes, size_t n); /* start with 0 */

#endif
