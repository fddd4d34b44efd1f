/* rng.c: xoshiro256++ with one stream per (seed, purpose, item).
 *
 * The state is the sha256 of seed (8 bytes, little endian), purpose, NUL, item
 * (8 bytes): two streams that differ in any of the three are unrelated, and no
 * stream depends on what others have drawn.  The bits of fot_rng_init,
 * fot_rng_u64, fot_rng_below and fot_rng_uniform are part of the results of
 * the project; tests/unit/test_rng.c freezes them. */
#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

static void add_le64(struct fot_sha256 *h, uint64_t v)
{
	unsigned char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (unsigned char)(v >> (8 * i));
	fot_sha256_add(h, b, sizeof(b));
}

void fot_rng_init(struct fot_rng *r, uint64_t seed, const char *purpose, uint64_t item)
{
	struct fot_sha256 h;
	unsigned char digest[32];

	fot_sha256_init(&h);
	add_le64(&h, seed);
	fot_sha256_add(&h, purpose, strlen(purpose) + 1); /* the NUL ends the name */
	add_le64(&h, item);
	fot_sha256_end(&h, digest);
	for (int i = 0; i < 4; i++) {
		r->s[i] = 0;
		for (int j = 0; j < 8; j++)
			r->s[i] = r->s[i] << 8 | digest[8 * i + j];
	}
}

static uint64_t rol(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

uint64_t fot_rng_u64(struct fot_rng *r)
{
	uint64_t *s = r->s, result = rol(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rol(s[3], 45);
	return result;
}

/* Lemire's multiplication method: the high half of x * n is uniform once the
 * 2^64 mod n low halves that would favour some values are drawn again. */
uint64_t fot_rng_below(struct fot_rng *r, uint64_t n)
{
	unsigned __int128 m = (unsigned __int128)fot_rng_u64(r) * n;
	uint64_t reject;

	if ((uint64_t)m < n) {
		reject = -n % n;
		while ((uint64_t)m < reject)
			m = (unsigned __int128)fot_rng_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}

double fot_rng_uniform(struct fot_rng *r)
{
	return (double)(fot_rng_u64(r) >> 11) * 0x1p-53;
}

/* The second value of each pair is dropped: a stream has no hidden state. */
double fot_rng_normal(struct fot_rng *r)
{
	double x, y, d;

	do {
		x = 2 * fot_rng_uniform(r) - 1;
		y = 2 * fot_rng_uniform(r) - 1;
		d = x * x + y * y;
	} while (d >= 1 || d <= 0);
	return x * sqrt(-2 * log(d) / d);
}

void fot_rng_shuffle(struct fot_rng *r, uint64_t *index, uint64_t n)
{
	uint64_t j, t;

	for (uint64_t i = n; i > 1; i--) {
		j = fot_rng_below(r, i);
		t = index[i - 1];
		index[i - 1] = index[j];
		index[j] = t;
	}
}
