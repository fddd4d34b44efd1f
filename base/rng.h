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
uint64_t fot_rng_u64(struct fot_rng *r);
/* Uniform in [0, n), unbiased; n > 0. */
uint64_t fot_rng_below(struct fot_rng *r, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double fot_rng_uniform(struct fot_rng *r);
/* Standard normal (polar method). */
double fot_rng_normal(struct fot_rng *r);
/* Fisher-Yates over n indices. */
void fot_rng_shuffle(struct fot_rng *r, uint64_t *index, uint64_t n);

#endif
