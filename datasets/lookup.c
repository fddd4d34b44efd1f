/* lookup.c: keys by a Feistel network, values by a hash.
 *
 * The network permutes the 24-bit numbers; a result that is no key (2^24 is 1.2 times
 * 61^4) is sent through again until it is one ("cycle walking"), which leaves a
 * permutation of the keys.  The mixing function is the finaliser of splitmix64
 * (Steele, Lea and Flood 2014).  The bits of all of this are part of the results. */
#include "datasets/lookup.h"

#include "base/rng.h"

#define HALF_BITS 12
#define HALF_MASK ((1u << HALF_BITS) - 1)

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void fot_lookup_init(struct fot_lookup *d, uint64_t seed, uint64_t trial)
{
	struct fot_rng rng;

	fot_rng_init(&rng, seed, "lookup.dictionary", trial);
	for (int i = 0; i < FOT_LOOKUP_ROUNDS; i++)
		d->round[i] = fot_rng_u64(&rng);
	d->values = fot_rng_u64(&rng);
}

static uint32_t permute(const struct fot_lookup *d, uint32_t x)
{
	uint32_t left = x >> HALF_BITS, right = x & HALF_MASK, t;

	for (int i = 0; i < FOT_LOOKUP_ROUNDS; i++) {
		t = left ^ (uint32_t)(mix(d->round[i] ^ right) & HALF_MASK);
		left = right;
		right = t;
	}
	return left << HALF_BITS | right;
}

void fot_lookup_key(const struct fot_lookup *d, int64_t i, int32_t key[FOT_LOOKUP_KEY])
{
	uint32_t x = (uint32_t)i;

	do
		x = permute(d, x);
	while (x >= FOT_LOOKUP_MAX);
	for (int j = 0; j < FOT_LOOKUP_KEY; j++) {
		key[j] = (int32_t)(x % FOT_LOOKUP_SYMBOLS);
		x /= FOT_LOOKUP_SYMBOLS;
	}
}

void fot_lookup_value(const struct fot_lookup *d, int64_t i, int32_t value[FOT_LOOKUP_VALUE])
{
	/* Four digits of a 64-bit fraction, each the integer part of 61 times what is left. */
	uint64_t x = mix(d->values ^ mix((uint64_t)i));

	for (int j = 0; j < FOT_LOOKUP_VALUE; j++) {
		unsigned __int128 y = (unsigned __int128)x * FOT_LOOKUP_SYMBOLS;

		value[j] = (int32_t)(uint64_t)(y >> 64);
		x = (uint64_t)y;
	}
}

static void entry(const struct fot_lookup *d, int64_t i, int32_t first, int32_t *tokens)
{
	tokens[0] = first;
	fot_lookup_key(d, i, tokens + 1);
	tokens[FOT_LOOKUP_VALUE_AT - 1] = FOT_LOOKUP_V;
	fot_lookup_value(d, i, tokens + FOT_LOOKUP_VALUE_AT);
}

void fot_lookup_record(const struct fot_lookup *d, int64_t i, int32_t *tokens)
{
	entry(d, i, FOT_LOOKUP_K, tokens);
}

void fot_lookup_question(const struct fot_lookup *d, int64_t i, int32_t *tokens)
{
	entry(d, i, FOT_LOOKUP_Q, tokens);
}
