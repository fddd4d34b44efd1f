/* test_leftout.c: what a run did not measure, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "harness/report/summary.h"
#include "tests/task_schemas.h"

static void add(struct fot_table *t, const char *dataset, const char *variant, const char *unit,
		const char *id, const char *status)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "dataset", dataset);
	fot_table_set_text(t, row, "model_variant", variant);
	fot_table_set_text(t, row, unit, id);
	fot_table_set_text(t, row, "status", status);
}

static void check(struct fot_table *t, const char *skipped, const char *nothing)
{
	struct fot_str a = FOT_STR_INIT, b = FOT_STR_INIT;

	fot_str_puts(&a, "");
	fot_str_puts(&b, "");
	assert_int_equal(fot_left_out(&a, &b, t, NULL), FOT_OK);
	assert_string_equal(a.data, skipped);
	assert_string_equal(b.data, nothing);
	fot_str_release(&a);
	fot_str_release(&b);
	fot_table_release(t);
}

static void test_leftout_counts_each_unit_once(void **state)
{
	struct fot_table t;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int k = 0; k < 2; k++) {
		add(&t, "trec", k ? "fot" : "local", "item_id", "a", "ok");
		add(&t, "trec", k ? "fot" : "local", "item_id", "b", "skipped_long");
		add(&t, "trec", k ? "fot" : "local", "item_id", "c", k ? "ok" : "failed");
	}
	check(&t, "fewshot on trec: 1 of 3 test items too long\n", "");
	fot_table_init(&t, &fot_schema_distraction);
	add(&t, "x", "fot", "doc_id", "a", "skipped_few");
	add(&t, "x", "fot", "doc_id", "a", "ok");
	add(&t, "x", "fot", "doc_id", "b", "skipped_short");
	add(&t, "y", "fot", "doc_id", "a", "ok");
	check(&t,
	      "distraction on x: 1 of 2 documents too short\n"
	      "distraction on x: 1 of 2 documents with too few windows of other documents for some n_contexts\n",
	      "");
}

static void test_leftout_conditions_without_a_value(void **state)
{
	struct fot_table t;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	add(&t, "x", "fot", "doc_id", "a", "skipped_short");
	add(&t, "x", "local", "doc_id", "a", "ok");
	add(&t, "y", "fot", "doc_id", "a", "failed");
	fot_table_set_int(&t, 0, "n_tokens_doc", 900);
	fot_table_set_int(&t, 0, "context_length", 1024);
	fot_table_set_int(&t, 1, "n_tokens_doc", 5000);
	fot_table_set_int(&t, 1, "context_length", 2048);
	check(&t, "perplexity on x: 1 of 1 documents too short (up to 900 tokens, contexts of up to 2048)\n",
	      "perplexity on x: nothing was measured under 1 of 2 conditions: everything was skipped\n");
	fot_table_init(&t, &fot_schema_passkey);
	check(&t, "", "");
}

/* Two test items under two demonstration seeds: of the second seed's demonstrations 2 fit. */
static void test_leftout_demonstrations_of_any_seed(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_table t;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int k = 0; k < 4; k++) {
		add(&t, "trec", "fot", "item_id", k % 2 ? "a" : "b", "ok");
		fot_table_set_text(&t, (size_t)k, "memory_mode", "dense");
		fot_table_set_int(&t, (size_t)k, "context_length", 256);
		fot_table_set_int(&t, (size_t)k, "n_shots", 4);
		fot_table_set_int(&t, (size_t)k, "demo_seed", k / 2);
		fot_table_set_int(&t, (size_t)k, "n_shots_fitted", k < 2 ? 4 : 2);
		fot_table_set_int(&t, (size_t)k, "truncated", k >= 2);
	}
	assert_int_equal(fot_fell_short(&text, &t, NULL), FOT_OK);
	assert_string_equal(text.len ? text.data : "",
			    "fewshot: of 4 demonstrations 2 fit (trec, 256 tokens, memory dense); in 1 of 1 cells not all do: "
			    "the tables say where and how many\n");
	fot_str_release(&text);
	fot_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leftout_counts_each_unit_once),
		cmocka_unit_test(test_leftout_conditions_without_a_value),
		cmocka_unit_test(test_leftout_demonstrations_of_any_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
