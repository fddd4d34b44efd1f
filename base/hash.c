/* hash.c: sha256 of libcrypto, CRC-32 of zlib. */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"

#define READ_CHUNK ((size_t)1 << 18)

void fot_sha256_init(struct fot_sha256 *h)
{
	SHA256_Init(&h->sha);
}

void fot_sha256_add(struct fot_sha256 *h, const void *bytes, size_t n)
{
	SHA256_Update(&h->sha, bytes, n);
}

void fot_sha256_end(struct fot_sha256 *h, unsigned char digest[32])
{
	SHA256_Final(digest, &h->sha);
}

void fot_sha256_hex(struct fot_sha256 *h, char out[65])
{
	unsigned char digest[32];

	fot_sha256_end(h, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void fot_sha256_of(const void *bytes, size_t n, char out[65])
{
	struct fot_sha256 h;

	fot_sha256_init(&h);
	fot_sha256_add(&h, bytes, n);
	fot_sha256_hex(&h, out);
}

int fot_sha256_file(const char *path, char out[65], struct fot_err *err)
{
	struct fot_sha256 h;
	unsigned char *buf = NULL;
	uint64_t size;
	size_t got;
	int fd = -1, status;

	FOT_TRY(fot_file_open(&fd, &size, path, err));
	buf = fot_alloc(READ_CHUNK, 1);
	if (!buf) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory while hashing", path);
		goto out;
	}
	fot_sha256_init(&h);
	do {
		FOT_TRY(fot_file_read_some(fd, buf, READ_CHUNK, &got, path, err));
		fot_sha256_add(&h, buf, got);
	} while (got > 0);
	fot_sha256_hex(&h, out);
out:
	fot_free(buf);
	if (fd >= 0)
		close(fd);
	return status;
}

uint64_t fot_fnv(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

uint32_t fot_crc32(uint32_t crc, const void *bytes, size_t n)
{
	return n ? (uint32_t)crc32_z(crc, bytes, n) :
		   crc; /* of no bytes, which may be NULL, zlib begins anew */
}
