/* base/mem.h: saturating sizes, alignment, refused allocations, arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_mem_size_arithmetic_saturates(void **state)
{
	static const struct {
		size_t a, b, product, sum;
	} cases[] = {
		{ 0, SIZE_MAX, 0, SIZE_MAX },
		{ 71993, 40961, 2948905273u, 112954 },
		{ SIZE_MAX / 3, 3, SIZE_MAX, SIZE_MAX / 3 + 3 },
		{ SIZE_MAX / 3 + 1, 3, SIZE_MAX, SIZE_MAX / 3 + 4 },
		{ (size_t)1 << 33, (size_t)1 << 31, SIZE_MAX, ((size_t)1 << 33) + ((size_t)1 << 31) },
		{ SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX },
		{ SIZE_MAX - 5, 6, SIZE_MAX, SIZE_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(fot_size_mul(cases[i].a, cases[i].b) == cases[i].product);
		assert_true(fot_size_add(cases[i].a, cases[i].b) == cases[i].sum);
	}
	assert_int_equal(fot_size_align(0), 0);
	assert_int_equal(fot_size_align(1), 64);
	assert_int_equal(fot_size_align(64), 64);
	assert_int_equal(fot_size_align(4097), 4160);
	assert_true(fot_size_align(SIZE_MAX - 3) == SIZE_MAX);
}

static void test_mem_blocks_are_aligned_and_writable(void **state)
{
	unsigned char *p;

	(void)state;
	for (size_t n = 0; n < 300; n += 7) {
		p = fot_alloc(n, 1);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % FOT_ALIGN, 0);
		memset(p, 0xa5, n);
		fot_free(p);
	}
}

static void test_mem_calloc_zeroes_used_memory(void **state)
{
	unsigned char *p;

	(void)state;
	for (int round = 0; round < 20; round++) {
		p = fot_alloc(997, 3);
		memset(p, 0xff, 2991);
		fot_free(p);
		p = fot_calloc(997, 3);
		for (size_t i = 0; i < 2991; i++)
			assert_int_equal(p[i], 0);
		fot_free(p);
	}
}

static void test_mem_realloc_keeps_the_contents(void **state)
{
	uint16_t *p = fot_realloc(NULL, 1000, sizeof(*p));

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		p[i] = (uint16_t)(i * 40503u);
	p = fot_realloc(p, 90000, sizeof(*p));
	assert_int_equal((uintptr_t)p % FOT_ALIGN, 0);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], (uint16_t)(i * 40503u));
	p = fot_realloc(p, 333, sizeof(*p));
	for (size_t i = 0; i < 333; i++)
		assert_int_equal(p[i], (uint16_t)(i * 40503u));
	fot_mem_fail_at(1);
	assert_null(fot_realloc(p, 5000, sizeof(*p)));
	assert_int_equal(p[332], (uint16_t)(332 * 40503u));
	fot_free(p);
}

static void test_mem_refuses_saturated_sizes(void **state)
{
	struct fot_arena a;
	struct fot_err err = { 0 };

	(void)state;
	assert_null(fot_alloc(SIZE_MAX / 2, 3));
	assert_null(fot_calloc(SIZE_MAX, 1));
	assert_null(fot_alloc((size_t)PTRDIFF_MAX + 1, 1));
	assert_null(fot_realloc(NULL, SIZE_MAX, SIZE_MAX));
	assert_int_equal(fot_arena_init(&a, SIZE_MAX - 7, &err), FOT_ERR_RUN);
	assert_non_null(strstr(err.text, "18446744073709551615 bytes"));
	assert_null(fot_arena_get(&a, 1, 1));
}

static void test_mem_copies_strings(void **state)
{
	char *p = fot_strdup("kept whole"), *q = fot_strndup("cut here", 3), *r = fot_strndup("ab", 99);

	(void)state;
	assert_string_equal(p, "kept whole");
	assert_string_equal(q, "cut");
	assert_string_equal(r, "ab");
	fot_free(p);
	fot_free(q);
	fot_free(r);
}

static void test_mem_fails_exactly_the_nth_allocation(void **state)
{
	void *p;

	(void)state;
	for (long n = 1; n < 6; n++) {
		fot_mem_fail_at(n);
		for (long i = 1; i < 10; i++) {
			p = fot_alloc(16, 1);
			if (i == n)
				assert_null(p);
			else
				assert_non_null(p);
			fot_free(p);
		}
	}
	fot_mem_fail_at(2);
	fot_mem_fail_at(0);
	for (int i = 0; i < 4; i++) {
		p = fot_strdup("x");
		assert_non_null(p);
		fot_free(p);
	}
}

static void test_mem_one_thread_gets_the_failure(void **state)
{
	long failed = 0, hits;

	(void)state;
	fot_mem_fail_at(500);
#pragma omp parallel for num_threads(4) reduction(+ : failed)
	for (int i = 0; i < 2000; i++) {
		void *p = fot_alloc(8, 1);

		failed += p == NULL;
		fot_free(p);
	}
	assert_int_equal(failed, 1);
	hits = fot_mem_guard_hits();
	fot_mem_guard(1);
#pragma omp parallel for num_threads(4)
	for (int i = 0; i < 700; i++)
		fot_free(fot_alloc(8, 1));
	fot_mem_guard(0);
	assert_int_equal(fot_mem_guard_hits() - hits, 700);
}

static void test_mem_guard_nests_and_counts(void **state)
{
	long before = fot_mem_guard_hits();
	void *p;

	(void)state;
	fot_mem_guard(1);
	fot_mem_guard(1);
	assert_null(fot_alloc(1, 1));
	fot_mem_guard(0);
	assert_null(fot_calloc(1, 1));
	assert_null(fot_realloc(NULL, 1, 1));
	fot_mem_guard(0);
	assert_int_equal(fot_mem_guard_hits() - before, 3);
	fot_mem_guard(0); /* one too many does not count against the next guard */
	p = fot_alloc(1, 1);
	assert_non_null(p);
	fot_free(p);
	fot_mem_guard(1);
	assert_null(fot_alloc(1, 1));
	fot_mem_guard(0);
}

static void test_mem_arena_hands_out_disjoint_aligned_blocks(void **state)
{
	struct fot_arena a;
	unsigned char *x, *y;

	(void)state;
	assert_int_equal(fot_arena_init(&a, fot_arena_need(37, 8) + fot_arena_need(5, 1), NULL), FOT_OK);
	assert_int_equal(fot_arena_need(37, 8), 320);
	x = fot_arena_get(&a, 37, 8);
	y = fot_arena_get(&a, 5, 1);
	assert_int_equal((uintptr_t)x % FOT_ALIGN, 0);
	assert_int_equal(y - x, 320);
	assert_null(fot_arena_get(&a, 1, 1));
	assert_null(fot_arena_get(&a, SIZE_MAX, 9));
	assert_int_equal(a.peak, 384);
	fot_arena_release(&a);
	assert_null(a.base);
	assert_null(fot_arena_get(&a, 0, 1));
}

static void test_mem_knows_the_machine(void **state)
{
	size_t total = fot_mem_total(), rss = fot_mem_peak_rss();

	(void)state;
	assert_true(total > (size_t)32 << 20);
	assert_true(rss > (size_t)1 << 20);
	assert_true(rss < total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem_size_arithmetic_saturates),
		cmocka_unit_test(test_mem_blocks_are_aligned_and_writable),
		cmocka_unit_test(test_mem_calloc_zeroes_used_memory),
		cmocka_unit_test(test_mem_realloc_keeps_the_contents),
		cmocka_unit_test(test_mem_refuses_saturated_sizes),
		cmocka_unit_test(test_mem_copies_strings),
		cmocka_unit_test(test_mem_fails_exactly_the_nth_allocation),
		cmocka_unit_test(test_mem_one_thread_gets_the_failure),
		cmocka_unit_test(test_mem_guard_nests_and_counts),
		cmocka_unit_test(test_mem_arena_hands_out_disjoint_aligned_blocks),
		cmocka_unit_test(test_mem_knows_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
