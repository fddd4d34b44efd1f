/* test_search.c: exact top-k against a full sort, ties included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/search.h"

static int best_first(const void *a, const void *b)
{
	const struct fot_hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return (x->key > y->key) - (x->key < y->key);
}

static int by_key(const void *a, const void *b)
{
	const struct fot_hit *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* levels: number of different scores; few of them make many ties. */
static void check(int64_t n, int64_t k, uint64_t levels, int64_t block)
{
	struct fot_topk t = { .k = k, .cap = fot_topk_cap(k) };
	struct fot_hit *want = fot_calloc((size_t)n, sizeof *want), *got;
	float *scores = fot_calloc((size_t)n, sizeof *scores);
	int64_t kept = n < k ? n : k;
	struct fot_rng r;

	assert_non_null(want);
	assert_non_null(scores);
	t.n = fot_calloc(2, sizeof *t.n);
	t.threshold = fot_calloc(2, sizeof *t.threshold);
	t.hit = fot_calloc((size_t)(2 * t.cap), sizeof *t.hit);
	fot_rng_init(&r, (uint64_t)n, "test.search", (uint64_t)k * 1000 + levels);
	for (int64_t i = 0; i < n; i++) {
		scores[i] = (float)fot_rng_below(&r, levels) - (float)levels / 2;
		want[i] = (struct fot_hit){ scores[i], i };
	}
	qsort(want, (size_t)n, sizeof *want, best_first);
	qsort(want, (size_t)kept, sizeof *want, by_key);
	fot_topk_begin(&t, 2);
	for (int64_t i = 0; i < n; i += block)
		fot_topk_offer(&t, 1, scores + i, n - i < block ? n - i : block, i);
	assert_int_equal(fot_topk_end(&t, 1, &got), kept);
	for (int64_t i = 0; i < kept; i++) {
		assert_int_equal(got[i].key, want[i].key);
		assert_true(got[i].score == want[i].score);
	}
	assert_int_equal(fot_topk_end(&t, 0, &got), 0);
	fot_free(want);
	fot_free(scores);
	fot_free(t.n);
	fot_free(t.threshold);
	fot_free(t.hit);
}

static void test_search_equals_full_sort(void **state)
{
	static const int64_t n[] = { 1, 15, 16, 17, 100, 1000, 20000 }, k[] = { 1, 2, 31, 128 };
	static const uint64_t levels[] = { 1, 3, 50, UINT64_C(1) << 22 };

	(void)state;
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 4; j++)
			for (size_t l = 0; l < 4; l++) {
				check(n[i], k[j], levels[l], 256);
				check(n[i], k[j], levels[l], 37);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_search_equals_full_sort) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
