/* test_list.c: growing, finding and sorting lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"

static void test_list_grows_and_keeps_what_it_has(void **state)
{
	int64_t *list = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (; n < 1000; n++) {
		assert_true(FOT_GROW(list, n, cap));
		list[n] = (int64_t)(n * n);
	}
	assert_int_equal(cap, 1024);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i], i * i);
	n = cap;
	fot_mem_fail_at(1);
	assert_false(FOT_GROW(list, n, cap));
	fot_mem_fail_at(0);
	assert_int_equal(cap, 1024);
	assert_int_equal(list[999], 999 * 999);
	cap = SIZE_MAX / 2 + 1; /* twice as much is no size */
	n = cap;
	assert_false(FOT_GROW(list, n, cap));
	fot_free(list);
}

static void test_list_finds_a_row_by_its_name(void **state)
{
	static const struct {
		const char *name;
		int value;
	} rows[] = { { "one", 1 }, { "two", 2 }, { "three", 3 } };

	(void)state;
	assert_int_equal(FOT_FIND(rows, "one"), 0);
	assert_int_equal(FOT_FIND(rows, "three"), 2);
	assert_int_equal(FOT_FIND(rows, "thre"), FOT_COUNT(rows));
}

static void test_list_sorts(void **state)
{
	int64_t whole[] = { INT64_MAX, -1, INT64_MIN, 0 };
	double real[] = { 0.5, -1e300, 1e300, 0 };
	const char *text[] = { "b", "a", "\xc3\xa9", "" };

	(void)state;
	qsort(whole, FOT_COUNT(whole), sizeof *whole, fot_by_i64);
	assert_true(whole[0] == INT64_MIN && whole[1] == -1 && whole[2] == 0 && whole[3] == INT64_MAX);
	qsort(real, FOT_COUNT(real), sizeof *real, fot_by_real);
	assert_true(real[0] < -1 && real[1] == 0 && real[2] == 0.5 && real[3] > 1);
	qsort(text, FOT_COUNT(text), sizeof *text, fot_by_text);
	assert_string_equal(text[0], "");
	assert_string_equal(text[1], "a");
	assert_string_equal(text[2], "b");
	assert_string_equal(text[3], "\xc3\xa9");
}

static void test_list_keeps_numbers_ascending(void **state)
{
	static const int64_t put[] = { 8, 2, INT64_MAX, 8, -1, 2, 5, -1 }, want[] = { -1, 2, 5, 8, INT64_MAX };
	int64_t list[FOT_COUNT(put)];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(put); i++)
		fot_insert_i64(list, &n, put[i]);
	assert_int_equal(n, FOT_COUNT(want));
	assert_memory_equal(list, want, sizeof want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_grows_and_keeps_what_it_has),
		cmocka_unit_test(test_list_finds_a_row_by_its_name),
		cmocka_unit_test(test_list_sorts),
		cmocka_unit_test(test_list_keeps_numbers_ascending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
