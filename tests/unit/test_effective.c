/* test_effective.c: effective context lengths by hand: of a rate that falls, of shares that are enough. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "harness/report/effective.h"
#include "harness/plan/task_class.h"

extern const struct fot_schema fot_schema_perplexity, fot_schema_passkey;

/* Two documents of 10 tokens: nll at 1k, 2k and 4k.  Per token they step by -0.3 and -0.1, then by -0.05 and +0.15; together by
 * -0.2, then by +0.05.  A draw of both is those; a draw of one twice is 0.1 off in both steps, half of all draws are: so that is the
 * half of both bands. */
static const double nll[2][3] = { { 30, 27, 26.5 }, { 30, 29, 30.5 } };

static void test_effective_falling_by_hand(void **state)
{
	const struct fot_boot boot = {
		.seed = 1, .item = 2, .draws = FOT_STATS_DRAWS, .level = FOT_STATS_LEVEL
	};
	static const double den[] = { 10, 10 };
	struct fot_falling f;

	(void)state;
	assert_int_equal(fot_stats_falling(&f, nll[0], den, 2, 3, &boot, NULL), FOT_OK);
	assert_true(f.has_value && f.has_interval);
	assert_string_equal(f.status, "ok");
	assert_int_equal(f.value, 1);              /* the first step falls, the second does not */
	assert_int_equal(f.lo, 1);                 /* [-0.3, -0.1] falls surely */
	assert_int_equal(f.hi, 2);                 /* [-0.05, 0.15] may fall */
	assert_true(fabs(f.sds - M_SQRT2) < 0.02); /* 0.1 over the root of half of 0.01 */
	assert_int_equal(fot_stats_falling(&f, nll[0], den, 1, 3, &boot, NULL), FOT_OK);
	assert_true(f.has_value && !f.has_interval && f.value == 2);
	assert_string_equal(f.status, "one cluster");
	assert_int_equal(fot_stats_falling(&f, nll[0], den, 0, 3, &boot, NULL), FOT_OK);
	assert_true(!f.has_value);
	assert_int_equal(fot_stats_falling(&f, nll[0], den, 2, 1, &boot, NULL), FOT_OK);
	assert_true(!f.has_value);
	assert_string_equal(f.status, "one length");
}

/* A step that is the same in all documents is sure, one of nothing is not; what no double holds has no value. */
static void test_effective_falling_at_the_edges(void **state)
{
	const struct fot_boot boot = { .seed = 1, .item = 2, .draws = 200, .level = FOT_STATS_LEVEL };
	static const double same[] = { 3, 2, 2, 1, 3, 2, 2, 1 }, den[] = { 1, 1 };
	double huge[] = { 1e308, -1e308, 1, 1, 1e308, -1e308, 1, 1 };
	struct fot_falling f;

	(void)state;
	assert_int_equal(fot_stats_falling(&f, same, den, 2, 4, &boot, NULL), FOT_OK);
	assert_true(f.has_interval && f.value == 1 && f.lo == 1 && f.hi == 1);
	assert_int_equal(fot_stats_falling(&f, huge, den, 2, 4, &boot, NULL), FOT_OK);
	assert_true(!f.has_value);
	assert_string_equal(f.status, FOT_STATS_OUT_OF_RANGE);
}

static size_t add_row(struct fot_table *t, const char *memory, int64_t length)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", "r");
	fot_table_set_text(t, row, "model", "m");
	fot_table_set_text(t, row, "model_variant", "v_1");
	fot_table_set_text(t, row, "memory_mode", memory);
	if (strcmp(memory, "xl") != 0) /* older rows lack it */
		fot_table_set_text(t, row, "memory", memory);
	fot_table_set_text(t, row, "task", t->schema->name);
	fot_table_set_text(t, row, "status", "ok");
	fot_table_set_int(t, row, "context_length", length);
	return row;
}

/* too_long: also at 8k, where both are too short. */
static void add_documents(struct fot_table *t, const char *memory, bool too_long)
{
	static const char *const ids[] = { "a", "b" };

	for (int k = 0; k < 3 + too_long; k++)
		for (int i = 0; i < 2; i++) {
			size_t row = add_row(t, memory, 1024 << k);

			fot_table_set_text(t, row, "dataset", "d");
			fot_table_set_text(t, row, "doc_id", ids[i]);
			fot_table_set_text(t, row, "doc_sha256", ids[i]);
			if (k == 3) {
				fot_table_set_text(t, row, "status", "skipped_short");
				continue;
			}
			fot_table_set_int(t, row, "n_tokens_scored", 10);
			fot_table_set_real(t, row, "nll_nats", nll[i][k]);
		}
}

/* right of so many trials at 1k, 2k, ...; below 0: all failed */
static void add_trials(struct fot_table *t, const char *memory, const int *right, int n, int trials)
{
	for (int k = 0; k < n; k++)
		for (int i = 0; i < trials; i++) {
			size_t row = add_row(t, memory, 1024 << k);

			fot_table_set_text(t, row, "prompt_style", "paper");
			fot_table_set_text(t, row, "dataset", "synthetic");
			fot_table_set_int(t, row, "trial", i);
			if (right[k] < 0)
				fot_table_set_text(t, row, "status", "failed");
			else
				fot_table_set_int(t, row, "exact_match", i < right[k]);
		}
}

static void build(struct fot_table *out, const struct fot_table *rows)
{
	struct fot_report_run run = { "one", 0, rows->n_rows };

	assert_int_equal(fot_table_check(rows, NULL), FOT_OK);
	assert_int_equal(fot_effective_build(out, rows, &run, 1, 1, NULL), FOT_OK);
}

static void assert_lengths(const struct fot_table *t, size_t row, int64_t value, int64_t lo, int64_t hi)
{
	assert_int_equal(fot_table_int(t, row, "effective_length", -1), value);
	assert_int_equal(fot_table_int(t, row, "effective_low", -1), lo);
	assert_int_equal(fot_table_int(t, row, "effective_high", -1), hi);
}

static void test_effective_rows_and_table(void **state)
{
	/* Wilson's interval at 1 - 0.05 / 3: of 40 of 40 [0.875, 1], of 37 [0.764, 0.979], of 30 [0.562, 0.875], of 10 [0.125, 0.438] */
	static const int far[] = { 40, 37, 10 }, never[] = { 30, 40, 40 }, two[] = { 40, 40 }, all[] = { 26, 26, 26 };
	static const char *const want[] = {
		"| one | v\\_1 | dense | perplexity | d | 2k | 2k to \xe2\x89\xa5 4k | 3 |\n",
		"| one | v\\_1 | dense | passkey | synthetic, paper | 2k | 1k to 2k | 3 |\n",
		"| one | v\\_1 | xl | passkey | synthetic, paper | none | none to \xe2\x89\xa5 4k | 3 |\n",
	};
	struct fot_table texts, trials, out;
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	fot_table_init(&texts, &fot_schema_perplexity);
	fot_table_init(&trials, &fot_schema_passkey);
	fot_table_init(&out, &fot_schema_effective);
	add_documents(&texts, "none", false); /* without a memory nothing is asked */
	add_documents(&texts, "dense", false);
	add_trials(&trials, "dense", far, 3, 40);
	add_trials(&trials, "xl", never, 3, 40);
	add_trials(&trials, "knn", two, 2, 40); /* too few lengths */
	add_trials(&trials, "recent", all, 3, 26); /* [0.871, 1] of one length alone, of three at once [0.819, 1] */
	build(&out, &texts);
	build(&out, &trials);
	assert_int_equal(out.n_rows, 4);
	assert_lengths(&out, 0, 2048, 2048, 4096);
	assert_string_equal(fot_table_text(&out, 0, "ci_method"), "max-t-bootstrap");
	assert_int_equal(fot_table_int(&out, 0, "n_clusters", 0), 2);
	assert_false(fot_table_has(&out, 0, "context_length"));
	assert_lengths(&out, 1, 2048, 1024, 2048);
	assert_string_equal(fot_table_text(&out, 1, "ci_method"), "bonferroni");
	assert_int_equal(fot_table_int(&out, 1, "n_items", 0), 40);
	assert_true(fot_table_real(&out, 1, "enough", 0) == 0.85);
	assert_lengths(&out, 2, 0, 0, 4096);
	assert_lengths(&out, 3, 4096, 0, 4096);
	assert_int_equal(fot_effective_print(&text, &out, FOT_MARKDOWN, NULL), FOT_OK);
	for (size_t i = 0; i < FOT_COUNT(want); i++)
		if (!strstr(text.data, want[i]))
			fail_msg("lacks \"%s\":\n%s", want[i], text.data);
	assert_non_null(strstr(text.data, " Lengths at which nothing was measured are left out. "));
	assert_non_null(strstr(text.data, " \xe2\x89\xa5: the longest that was measured; it may be longer.\n"));
	fot_str_release(&text);
	assert_int_equal(fot_effective_print(&text, &out, FOT_LATEX, NULL), FOT_OK);
	assert_non_null(
		strstr(text.data, "one & v\\_1 & dense & perplexity & d & 2k & 2k to $\\ge$ 4k & 3 \\\\\n"));
	assert_non_null(strstr(text.data, " $\\ge$: the longest that was measured; it may be longer.\n"));
	fot_str_release(&text);
	fot_table_release(&texts);
	fot_table_release(&trials);
	fot_table_release(&out);
}

/* What was not measured at a length says nothing of the others. */
static void test_effective_of_the_lengths_that_have_a_value(void **state)
{
	static const int behind[] = { 40, 37, 10, -1 }, between[] = { 40, -1, 37, 10 }, few[] = { 40, 40, -1 };
	struct fot_table texts, trials, out;

	(void)state;
	fot_table_init(&texts, &fot_schema_perplexity);
	fot_table_init(&trials, &fot_schema_passkey);
	fot_table_init(&out, &fot_schema_effective);
	add_documents(&texts, "dense", true);
	add_trials(&trials, "dense", behind, 4, 40);
	add_trials(&trials, "xl", between, 4, 40);
	add_trials(&trials, "knn", few, 3, 40);
	build(&out, &texts);
	build(&out, &trials);
	assert_int_equal(out.n_rows, 3);
	assert_lengths(&out, 0, 2048, 2048, 4096);
	assert_lengths(&out, 1, 2048, 1024, 2048);
	assert_lengths(&out, 2, 4096, 1024, 4096);
	for (size_t row = 0; row < out.n_rows; row++) {
		assert_int_equal(fot_table_int(&out, row, "n_lengths", 0), 3);
		assert_int_equal(fot_table_int(&out, row, "longest_length", 0), row == 2 ? 8192 : 4096);
		assert_string_equal(fot_table_text(&out, row, "status"), "ok");
	}
	fot_table_release(&texts);
	fot_table_release(&trials);
	fot_table_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_effective_falling_by_hand),
		cmocka_unit_test(test_effective_falling_at_the_edges),
		cmocka_unit_test(test_effective_rows_and_table),
		cmocka_unit_test(test_effective_of_the_lengths_that_have_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
