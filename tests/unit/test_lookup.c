/* test_lookup.c: dictionaries of the look-up task: distinct keys, the same for the same
 * (seed, trial), records and questions as the task describes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datasets/lookup.h"

static int64_t number_of(const int32_t key[FOT_LOOKUP_KEY])
{
	int64_t x = 0;

	for (int j = FOT_LOOKUP_KEY - 1; j >= 0; j--) {
		assert_in_range(key[j], 0, FOT_LOOKUP_SYMBOLS - 1);
		x = x * FOT_LOOKUP_SYMBOLS + key[j];
	}
	return x;
}

/* Every key there is stands once: the strongest form of "distinct". */
static void test_lookup_keys_are_a_permutation(void **state)
{
	unsigned char *seen = calloc((size_t)FOT_LOOKUP_MAX, 1);
	struct fot_lookup d;

	(void)state;
	assert_non_null(seen);
	fot_lookup_init(&d, 11, 3);
	for (int64_t i = 0; i < FOT_LOOKUP_MAX; i++) {
		int32_t key[FOT_LOOKUP_KEY];
		int64_t x;

		fot_lookup_key(&d, i, key);
		x = number_of(key);
		if (seen[x]++)
			fail_msg("record %lld: the key stood before", (long long)i);
	}
	free(seen);
}

static void test_lookup_records_and_questions(void **state)
{
	int32_t record[FOT_LOOKUP_RECORD], question[FOT_LOOKUP_RECORD], key[4], value[4];
	struct fot_lookup d;

	(void)state;
	fot_lookup_init(&d, 5, 0);
	for (int64_t i = 0; i < 2000000; i += 99991) {
		fot_lookup_record(&d, i, record);
		fot_lookup_question(&d, i, question);
		fot_lookup_key(&d, i, key);
		fot_lookup_value(&d, i, value);
		assert_int_equal(record[0], FOT_LOOKUP_K);
		assert_int_equal(question[0], FOT_LOOKUP_Q);
		assert_memory_equal(record + 1, question + 1, sizeof record - sizeof *record);
		assert_memory_equal(record + 1, key, sizeof key);
		assert_int_equal(record[FOT_LOOKUP_VALUE_AT - 1], FOT_LOOKUP_V);
		assert_memory_equal(record + FOT_LOOKUP_VALUE_AT, value, sizeof value);
		for (int j = 0; j < FOT_LOOKUP_VALUE; j++)
			assert_in_range(value[j], 0, FOT_LOOKUP_SYMBOLS - 1);
	}
}

/* Seed and trial each change keys and values; neither depends on what was asked before. */
static void test_lookup_depends_on_seed_and_trial(void **state)
{
	struct fot_lookup a, b, c, again;
	int same[3] = { 0 };

	(void)state;
	fot_lookup_init(&a, 5, 0);
	fot_lookup_init(&b, 5, 1);
	fot_lookup_init(&c, 6, 0);
	fot_lookup_init(&again, 5, 0);
	for (int64_t i = 999; i >= 0; i--) {
		int32_t t[4][FOT_LOOKUP_RECORD];

		fot_lookup_record(&a, i, t[0]);
		fot_lookup_record(&b, i, t[1]);
		fot_lookup_record(&c, i, t[2]);
		fot_lookup_record(&again, i, t[3]);
		assert_memory_equal(t[0], t[3], sizeof t[0]);
		for (int k = 0; k < 2; k++)
			for (int j = 1; j < FOT_LOOKUP_RECORD; j++)
				same[k] += j != FOT_LOOKUP_VALUE_AT - 1 && t[0][j] == t[1 + k][j];
	}
	for (int k = 0; k < 2; k++)
		assert_in_range(same[k], 60, 220); /* 8000 symbols, 1 in 61: 131, deviation 11 */
}

/* Symbols of keys and values are uniform, and values do not follow from keys. */
static void test_lookup_symbols_are_uniform(void **state)
{
	int64_t count[8][FOT_LOOKUP_SYMBOLS] = { { 0 } }, equal = 0;
	const int64_t n = 200000;
	struct fot_lookup d;

	(void)state;
	fot_lookup_init(&d, 1, 7);
	for (int64_t i = 0; i < n; i++) {
		int32_t key[4], value[4];

		fot_lookup_key(&d, i, key);
		fot_lookup_value(&d, i, value);
		for (int j = 0; j < 4; j++) {
			count[j][key[j]]++;
			count[4 + j][value[j]]++;
			equal += key[j] == value[j];
		}
	}
	for (int j = 0; j < 8; j++) {
		double chi2 = 0, expected = (double)n / FOT_LOOKUP_SYMBOLS;

		for (int s = 0; s < FOT_LOOKUP_SYMBOLS; s++)
			chi2 += ((double)count[j][s] - expected) * ((double)count[j][s] - expected) / expected;
		assert_true(chi2 > 20 && chi2 < 130); /* 60 degrees of freedom: 60 +- 11 */
	}
	assert_in_range(equal, 4 * n / 61 - 600, 4 * n / 61 + 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup_keys_are_a_permutation),
		cmocka_unit_test(test_lookup_records_and_questions),
		cmocka_unit_test(test_lookup_depends_on_seed_and_trial),
		cmocka_unit_test(test_lookup_symbols_are_uniform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
