/* base/rng.h: the generator against its published recurrence, frozen first
 * values, independent streams, uniformity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/rng.h"

static void test_rng_state_is_the_hash_of_the_three(void **state)
{
	/* seed 0x0102 and item 3, little endian, around "ab" and its NUL */
	static const unsigned char text[] = { 2, 1, 0, 0, 0, 0, 0, 0, 'a', 'b', 0, 3, 0, 0, 0, 0, 0, 0, 0 };
	struct fot_rng r;
	char hex[65], got[65];

	(void)state;
	fot_sha256_of(text, sizeof(text), hex);
	fot_rng_init(&r, 0x0102, "ab", 3);
	for (size_t i = 0; i < 4; i++)
		snprintf(got + 16 * i, 17, "%016llx", (unsigned long long)r.s[i]);
	assert_string_equal(got, hex);
}

static void test_rng_follows_xoshiro256plusplus(void **state)
{
	/* Worked out by hand from the state 1, 2, 3, 4. */
	struct fot_rng r = { { 1, 2, 3, 4 } };

	(void)state;
	assert_true(fot_rng_u64(&r) == 41943041); /* rol(1 + 4, 23) + 1 */
	assert_true(r.s[0] == 7 && r.s[1] == 0 && r.s[2] == 262146 && r.s[3] == (uint64_t)6 << 45);
	assert_true(fot_rng_u64(&r) == 58720359); /* rol(7 + 6 * 2^45, 23) + 7 */
}

static void test_rng_first_values_are_frozen(void **state)
{
	static const uint64_t words[] = { 0x9f59c3a8972f080b, 0x7a829a5ddd00cc74, 0x955acb42c40a336c,
					  0x0a9288ec33644602 };
	static const uint64_t below[] = { 38661, 43889, 12121, 30862 };
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 20240607, "passkey.filler", 17);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_true(fot_rng_u64(&r) == words[i]);
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		assert_int_equal(fot_rng_below(&r, 50257), below[i]);
	assert_true(fot_rng_uniform(&r) == 0x1.30931d814b93fp-1);
}

static void test_rng_streams_differ_by_each_argument(void **state)
{
	static const struct {
		uint64_t seed, item;
		const char *purpose;
	} others[] = {
		{ 6, 7, "a.b" },
		{ 5, 8, "a.b" },
		{ 5, 7, "a.c" },
		{ 5, 7, "a." },
		{ 5, 7, "" },
		{ 7, 5, "a.b" },
		{ 5 + ((uint64_t)1 << 63), 7, "a.b" },
		{ 5, 7 + ((uint64_t)1 << 40), "a.b" },
	};
	struct fot_rng a, b;
	int equal;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fot_rng_init(&a, 5, "a.b", 7);
		fot_rng_init(&b, others[i].seed, others[i].purpose, others[i].item);
		equal = 0;
		for (int k = 0; k < 1000; k++)
			equal += fot_rng_u64(&a) == fot_rng_u64(&b);
		assert_int_equal(equal, 0);
	}
	fot_rng_init(&a, 5, "a.b", 7);
	fot_rng_init(&b, 5, "a.b", 7);
	for (int k = 0; k < 1000; k++)
		assert_true(fot_rng_u64(&a) == fot_rng_u64(&b));
}

/* Chi square of 7 cells from 70,000 draws: 6 degrees of freedom, and 27.9 is
 * passed by chance once in 10,000 seeds; the seed is fixed. */
static void test_rng_below_is_uniform(void **state)
{
	struct fot_rng r;
	double count[7] = { 0 }, chi = 0;

	(void)state;
	fot_rng_init(&r, 3, "test.below", 0);
	for (int i = 0; i < 70000; i++)
		count[fot_rng_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		chi += (count[i] - 10000) * (count[i] - 10000) / 10000;
	assert_true(chi < 27.9);
	assert_true(chi > 0.3);
}

/* n = 3 * 2^62: without rejection the values 0 mod 3 would come twice as often
 * as the others (half of all draws instead of a third). */
static void test_rng_below_is_unbiased_for_large_n(void **state)
{
	const uint64_t n = (uint64_t)3 << 62;
	struct fot_rng r;
	uint64_t v;
	int multiples = 0;

	(void)state;
	fot_rng_init(&r, 4, "test.below", 1);
	for (int i = 0; i < 30000; i++) {
		v = fot_rng_below(&r, n);
		assert_true(v < n);
		multiples += v % 3 == 0;
	}
	/* sd = sqrt(30000 * 2 / 9) = 82 */
	assert_in_range(multiples, 10000 - 410, 10000 + 410);
	for (int i = 0; i < 20; i++)
		assert_true(fot_rng_below(&r, 1) == 0);
}

static void test_rng_uniform_has_the_right_moments(void **state)
{
	const int n = 100000;
	struct fot_rng r;
	double sum = 0, square = 0, lag = 0, x, last = 0.5, least = 1, most = 0;

	(void)state;
	fot_rng_init(&r, 5, "test.uniform", 0);
	for (int i = 0; i < n; i++) {
		x = fot_rng_uniform(&r);
		assert_true(x >= 0 && x < 1);
		sum += x;
		square += x * x;
		lag += (x - 0.5) * (last - 0.5);
		last = x;
		least = fmin(least, x);
		most = fmax(most, x);
	}
	/* five standard errors each: 0.289, 0.298 and 0.083 over sqrt(n) */
	assert_true(fabs(sum / n - 0.5) < 5 * 0.289 / sqrt(n));
	assert_true(fabs(square / n - 1.0 / 3) < 5 * 0.298 / sqrt(n));
	assert_true(fabs(lag / n) < 5 * 0.0834 / sqrt(n));
	assert_true(least < 2e-4 && most > 1 - 2e-4);
}

static void test_rng_normal_has_the_right_moments(void **state)
{
	const int n = 100000;
	struct fot_rng r;
	double m[5] = { 0 }, x;

	(void)state;
	fot_rng_init(&r, 6, "test.normal", 0);
	for (int i = 0; i < n; i++) {
		x = fot_rng_normal(&r);
		for (int k = 1; k < 5; k++)
			m[k] += pow(x, k) / n;
	}
	/* five standard errors: variances of x, x^2, x^3, x^4 are 1, 2, 15, 96 */
	assert_true(fabs(m[1]) < 5 * sqrt(1.0 / n));
	assert_true(fabs(m[2] - 1) < 5 * sqrt(2.0 / n));
	assert_true(fabs(m[3]) < 5 * sqrt(15.0 / n));
	assert_true(fabs(m[4] - 3) < 5 * sqrt(96.0 / n));
}

/* All 24 orders of four come equally often: 23 degrees of freedom, 59 is
 * passed once in 20,000. */
static void test_rng_shuffle_gives_every_order(void **state)
{
	struct fot_rng r;
	double count[256] = { 0 }, chi = 0;
	uint64_t v[4];
	int seen = 0;

	(void)state;
	fot_rng_init(&r, 7, "test.shuffle", 0);
	for (int i = 0; i < 24000; i++) {
		for (uint64_t k = 0; k < 4; k++)
			v[k] = k;
		fot_rng_shuffle(&r, v, 4);
		assert_int_equal(1 << v[0] | 1 << v[1] | 1 << v[2] | 1 << v[3], 15);
		count[v[0] << 6 | v[1] << 4 | v[2] << 2 | v[3]]++;
	}
	for (int i = 0; i < 256; i++) {
		seen += count[i] > 0;
		chi += count[i] > 0 ? (count[i] - 1000) * (count[i] - 1000) / 1000 : 0;
	}
	assert_int_equal(seen, 24);
	assert_true(chi < 59);
	fot_rng_shuffle(&r, v, 0);
	fot_rng_shuffle(&r, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rng_state_is_the_hash_of_the_three),
		cmocka_unit_test(test_rng_follows_xoshiro256plusplus),
		cmocka_unit_test(test_rng_first_values_are_frozen),
		cmocka_unit_test(test_rng_streams_differ_by_each_argument),
		cmocka_unit_test(test_rng_below_is_uniform),
		cmocka_unit_test(test_rng_below_is_unbiased_for_large_n),
		cmocka_unit_test(test_rng_uniform_has_the_right_moments),
		cmocka_unit_test(test_rng_normal_has_the_right_moments),
		cmocka_unit_test(test_rng_shuffle_gives_every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
