/* rng.h: one random stream per (seed, purpose, item).
 *
 * xoshiro256++ (Blackman and Vigna 2019) seeded by sha256 of the three, so that
 * results do not depend on the order or the thread in which items are done. */
#ifndef FOT_RNG_H
#define FOT_RNG_H

#include <stdint.h>

struct fot_rng {
	uint64_t s[4];
};

/* purpose: a short fixed name, e.g. "passkey.filler"; item: any number. */
void fot_rng_init(struct fot_rng *r, uint64_t seed, const char *purpose, uint64_t item);
/* Uniform in [0, 1), 53 bits. */
double fot_rng_uniform(struct fot_rng *r);
/* Standard normal (polar method). */
double fot_rng_normal(struct fot_rng *r);
/* Fisher-Yates over n indices. */
void fot_rng_shuffle(struct fot_rng *r, uint64_t *index, uint64_t n);

/* --- inside loops of thousands of millions of draws --- */

static inline uint64_t fot_rng_rol(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t fot_rng_u64(struct fot_rng *r)
{
	uint64_t *s = r->s, result = fot_rng_rol(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = fot_rng_rol(s[3], 45);
	return result;
}

/* Uniform in [0, n), unbiased; n > 0. Lemire's multiplication method: the high half of x * n is uniform once the
 * 2^64 mod n low halves that would favour some values are drawn again. */
static inline uint64_t fot_rng_below(struct fot_rng *r, uint64_t n)
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

#endif
