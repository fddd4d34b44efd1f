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
