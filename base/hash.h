/* hash.h: sha256 (FIPS 180-4; libcrypto, which uses the CPU's instructions for it) and CRC-32 (IEEE 802.3, as in
 * zlib). */
#ifndef FOT_HASH_H
#define FOT_HASH_H

/* The functions of OpenSSL 1.1: those of 3 want memory for every hash, and so could fail. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_sha256 {
	SHA256_CTX sha;
};

void fot_sha256_init(struct fot_sha256 *h);
void fot_sha256_add(struct fot_sha256 *h, const void *bytes, size_t n);
/* The digest, or its 64 lower-case hex digits and a NUL. Ends the hash: h must be initialised anew. */
void fot_sha256_end(struct fot_sha256 *h, unsigned char digest[32]);
void fot_sha256_hex(struct fot_sha256 *h, char out[65]);
/* One-shot forms. */
void fot_sha256_of(const void *bytes, size_t n, char out[65]);
int fot_sha256_file(const char *path, char out[65], struct fot_err *err);

/* FNV-1a of 64 bits, of a byte string: for tables of our own making. */
uint64_t fot_fnv(const void *bytes, size_t n);
uint32_t fot_crc32(uint32_t crc, const void *bytes, size_t n); /* start with 0 */

#endif
