/* The division of a plan's items into shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/run/division.h"

static void divide(struct fot_division *d, const double *cost, size_t n, int64_t shards, enum fot_division_kind kind)
{
	assert_int_equal(fot_division_of_costs(d, cost, n, shards, kind, NULL), FOT_OK);
}

static void expect(const double *cost, size_t n, int64_t shards, enum fot_division_kind kind, const int32_t *want)
{
	struct fot_division d;

	divide(&d, cost, n, shards, kind);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(d.shard[i], want[i]);
	fot_division_release(&d);
}

static void test_division_by_count_takes_turns(void **state)
{
	static const double cost[] = { 9, 1, 1, 1, 1, 1, 1 };
	static const int32_t want[] = { 0, 1, 2, 0, 1, 2, 0 };

	(void)state;
	expect(cost, 7, 3, FOT_DIVISION_COUNT, want);
}

static void test_division_by_cost_keeps_neighbours_together(void **state)
{
	static const double cost[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6 };
	static const int32_t want[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };

	(void)state;
	expect(cost, 18, 2, FOT_DIVISION_COST, want);
}

/* 7, 6 and 5 of 24 are large for two shards: 7 to the first, 6 and 5 to the second; the six small ones fill the first up
 * to 12, the last goes on. */
static void test_division_by_cost_places_the_largest_first(void **state)
{
	static const double cost[] = { 1, 1, 5, 1, 7, 1, 6, 1, 1 };
	static const int32_t want[] = { 0, 0, 1, 0, 0, 0, 1, 0, 1 };

	(void)state;
	expect(cost, 9, 2, FOT_DIVISION_COST, want);
}

static void test_division_leaves_shards_without_items_empty(void **state)
{
	static const double cost[] = { 3, 1 };
	struct fot_division d;

	(void)state;
	divide(&d, cost, 2, 4, FOT_DIVISION_COST);
	assert_int_equal(d.shard[0], 0);
	assert_int_equal(d.shard[1], 1);
	assert_int_equal(d.items[2] + d.items[3], 0);
	fot_division_release(&d);
}

static void test_division_of_items_that_cost_nothing(void **state)
{
	static const double cost[] = { 0, 0, 0 };
	struct fot_division d;

	(void)state;
	divide(&d, cost, 3, 2, FOT_DIVISION_COST);
	assert_int_equal(d.items[0] + d.items[1], 3);
	fot_division_release(&d);
}

/* Costs from 1 to 1,000, skewed as context lengths are. Every item is in one shard, and the fullest is over the mean by
 * an eighth at most: half of the largest that is not placed alone. */
static void test_division_by_cost_is_balanced(void **state)
{
	static double cost[20000];
	struct fot_rng rng;

	(void)state;
	fot_rng_init(&rng, 1, "test.division", 0);
	for (int64_t shards = 1; shards <= 512; shards *= 2) {
		size_t n = (size_t)shards * 39;
		double all = 0, most = 0;
		int64_t items = 0;
		struct fot_division d;

		for (size_t i = 0; i < n; i++) {
			cost[i] = (double)(1 + fot_rng_below(&rng, 10)) * (fot_rng_below(&rng, 20) ? 1 : 100);
			all += cost[i];
		}
		divide(&d, cost, n, shards, FOT_DIVISION_COST);
		for (int64_t k = 0; k < shards; k++) {
			most = d.flops[k] > most ? d.flops[k] : most;
			items += d.items[k];
		}
		assert_int_equal(items, n);
		for (size_t i = 0; i < n; i++)
			assert_in_range(d.shard[i], 0, shards - 1);
		assert_true(most <= all / (double)shards * 1.125 || most <= 1000);
		fot_division_release(&d);
	}
}

static void test_division_survives_lack_of_memory(void **state)
{
	static const double cost[] = { 1, 5, 2 };
	int status = FOT_ERR_RUN;

	(void)state;
	for (long k = 1; k < 20 && status != FOT_OK; k++) {
		struct fot_division d;

		fot_mem_fail_at(k);
		status = fot_division_of_costs(&d, cost, 3, 2, FOT_DIVISION_COST, NULL);
		fot_mem_fail_at(0);
		if (status == FOT_OK)
			fot_division_release(&d);
		else
			assert_null(d.shard);
	}
	assert_int_equal(status, FOT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_division_by_count_takes_turns),
		cmocka_unit_test(test_division_by_cost_keeps_neighbours_together),
		cmocka_unit_test(test_division_by_cost_places_the_largest_first),
		cmocka_unit_test(test_division_leaves_shards_without_items_empty),
		cmocka_unit_test(test_division_of_items_that_cost_nothing),
		cmocka_unit_test(test_division_by_cost_is_balanced),
		cmocka_unit_test(test_division_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
