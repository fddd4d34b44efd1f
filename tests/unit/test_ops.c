/* model/ops.h: sums over a row have one order for every width of registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/ops.h"

#define PARTS 16 /* of ops.c: number i is added to part i mod 16 */
#define MOST 1000

/* Around the parts, and around the exponentials that are made before they are added. */
static const int64_t lengths[] = { 0, 1, 15, 16, 17, 255, 256, 257, MOST };
#define N_LENGTHS (sizeof lengths / sizeof *lengths)

struct rows {
	fot_real a[MOST], b[MOST], made[MOST], e[MOST];
};

static struct rows *begin(void)
{
	struct rows *r = fot_calloc(1, sizeof *r);
	struct fot_rng rng;

	assert_non_null(r);
	fot_rng_init(&rng, 23, "test.ops", 0);
	for (int64_t i = 0; i < MOST; i++) {
		r->a[i] = (fot_real)(3 * fot_rng_normal(&rng));
		r->b[i] = (fot_real)fot_rng_normal(&rng);
	}
	return r;
}

/* One number after the other, then half to half. */
static fot_real slow_sum(const fot_real *x, int64_t n)
{
	fot_real part[PARTS] = { 0 };

	for (int64_t i = 0; i < n; i++)
		part[i % PARTS] += x[i];
	for (int half = PARTS / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			part[i] += part[i + half];
	return part[0];
}

static void assert_bits(fot_real got, fot_real want, int64_t n)
{
	if (memcmp(&got, &want, sizeof got) != 0)
		fail_msg("%lld numbers: expected %.9g, got %.9g", (long long)n, (double)want, (double)got);
}

/* Products are rounded before they are added, and lie in memory here so that they are. */
static void test_ops_dot_has_one_order(void **state)
{
	struct rows *r = begin();

	(void)state;
	for (int64_t i = 0; i < MOST; i++)
		r->made[i] = r->a[i] * r->b[i];
	for (size_t k = 0; k < N_LENGTHS; k++)
		assert_bits(fot_dot(r->a, r->b, lengths[k]), slow_sum(r->made, lengths[k]), lengths[k]);
	fot_free(r);
}

/* Exponentials kept nowhere, apart, and in place of the numbers. */
static void test_ops_exp_sum_has_one_order(void **state)
{
	const fot_real max = (fot_real)4.25;

	(void)state;
	for (size_t k = 0; k < N_LENGTHS; k++) {
		struct rows *r = begin();
		int64_t n = lengths[k];
		fot_real want;

		for (int64_t i = 0; i < n; i++)
			r->made[i] = fot_real_exp(r->a[i] - max);
		want = slow_sum(r->made, n);
		assert_bits(fot_exp_sum(NULL, r->a, n, max), want, n);
		assert_bits(fot_exp_sum(r->e, r->a, n, max), want, n);
		assert_memory_equal(r->e, r->made, sizeof *r->e * (size_t)n);
		assert_bits(fot_exp_sum(r->a, r->a, n, max), want, n);
		assert_memory_equal(r->a, r->made, sizeof *r->a * (size_t)n);
		fot_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops_dot_has_one_order),
		cmocka_unit_test(test_ops_exp_sum_has_one_order),
	};

	return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
