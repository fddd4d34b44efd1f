/* hash.c: sha256 after FIPS 180-4, CRC-32 with a table for four bits at a time
 * (journal lines are short; a larger table would not pay). */
#include "base/hash.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define READ_CHUNK ((size_t)1 << 18)

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t round_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load_be(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Round i; a..h are the working variables v as they are named in this round: instead of
 * moving along they change their names, which come round after 8 rounds. */
static inline void round_of(uint32_t v[8], unsigned i, uint32_t k_w)
{
	uint32_t *a = &v[(0 - i) & 7], *b = &v[(1 - i) & 7], *c = &v[(2 - i) & 7], *d = &v[(3 - i) & 7];
	uint32_t *e = &v[(4 - i) & 7], *f = &v[(5 - i) & 7], *g = &v[(6 - i) & 7], *h = &v[(7 - i) & 7];
	uint32_t t1 = *h + (ror(*e, 6) ^ ror(*e, 11) ^ ror(*e, 25)) + ((*e & *f) ^ (~*e & *g)) + k_w;
	uint32_t t2 = (ror(*a, 2) ^ ror(*a, 13) ^ ror(*a, 22)) + ((*a & *b) ^ (*a & *c) ^ (*b & *c));

	*d += t1;
	*h = t1 + t2;
}

static void compress(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = load_be(block + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;
		uint32_t s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;

		w[i] = s1 + w[i - 7] + s0 + w[i - 16];
	}
	memcpy(v, state, sizeof(v));
	for (unsigned i = 0; i < 64; i += 8) { /* unrolled: v stays in registers */
		round_of(v, 0, round_k[i] + w[i]);
		round_of(v, 1, round_k[i + 1] + w[i + 1]);
		round_of(v, 2, round_k[i + 2] + w[i + 2]);
		round_of(v, 3, round_k[i + 3] + w[i + 3]);
		round_of(v, 4, round_k[i + 4] + w[i + 4]);
		round_of(v, 5, round_k[i + 5] + w[i + 5]);
		round_of(v, 6, round_k[i + 6] + w[i + 6]);
		round_of(v, 7, round_k[i + 7] + w[i + 7]);
	}
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
}

void fot_sha256_init(struct fot_sha256 *h)
{
	static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memset(h, 0, sizeof(*h));
	memcpy(h->state, start, sizeof(start));
}

void fot_sha256_add(struct fot_sha256 *h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t have = h->bytes % 64, part;

	h->bytes += n;
	if (have) {
		part = n < 64 - have ? n : 64 - have;
		memcpy(h->block + have, p, part);
		if (have + part < 64)
			return;
		compress(h->state, h->block);
		p += part;
		n -= part;
	}
	for (; n >= 64; p += 64, n -= 64)
		compress(h->state, p);
	if (n)
		memcpy(h->block, p, n);
}

void fot_sha256_hex(struct fot_sha256 *h, char out[65])
{
	unsigned char tail[72] = { 0x80 };
	uint64_t bits = h->bytes * 8;
	size_t pad = (119 - h->bytes % 64) % 64 + 1; /* so that bytes + pad is 56 modulo 64 */

	for (size_t i = 0; i < 8; i++)
		tail[pad + i] = (unsigned char)(bits >> (56 - 8 * i));
	fot_sha256_add(h, tail, pad + 8);
	for (size_t i = 0; i < 64; i++)
		out[i] = "0123456789abcdef"[h->state[i / 8] >> (28 - i % 8 * 4) & 15];
	out[64] = '\0';
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

uint32_t fot_crc32(uint32_t crc, const void *bytes, size_t n)
{
	/* Remainders of the sixteen half bytes for the reflected polynomial edb88320. */
	static const uint32_t half[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const unsigned char *p = bytes;

	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}
