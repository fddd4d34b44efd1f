/* test_measures.c: estimates and differences of the tasks that ask questions, against slow
 * exact computations written here, and at the edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/report/summary.h"
#include "tests/task_schemas.h"

static void near_to(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.17g, want %.17g", got, want);
}

static size_t add(struct fot_table *t, const char *variant, const char *mode, int64_t length,
		  const char *status)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", "abc");
	fot_table_set_text(t, row, "model", variant);
	fot_table_set_text(t, row, "model_variant", variant);
	fot_table_set_text(t, row, "memory_mode", mode);
	fot_table_set_text(t, row, "task", t->schema->name);
	fot_table_set_text(t, row, "dataset", "data");
	fot_table_set_int(t, row, "context_length", length);
	fot_table_set_int(t, row, "window", 512);
	fot_table_set_text(t, row, "status", status);
	return row;
}

static void passkey(struct fot_table *t, const char *variant, const char *mode, int64_t length, double depth,
		    int64_t trial, int right)
{
	size_t row = add(t, variant, mode, length, right < 0 ? "failed" : "ok");

	fot_table_set_text(t, row, "prompt_style", "paper");
	fot_table_set_real(t, row, "depth", depth);
	fot_table_set_int(t, row, "trial", trial);
	if (right >= 0)
		fot_table_set_int(t, row, "exact_match", right);
}

static void fewshot(struct fot_table *t, const char *variant, int64_t shots, int64_t seed, int item,
		    int right)
{
	size_t row = add(t, variant, "dense", 2048, right < 0 ? "failed" : "ok");
	char id[16], asked[24];

	snprintf(id, sizeof id, "q%d", item);
	snprintf(asked, sizeof asked, "%lld", (long long)shots);
	fot_table_set_int(t, row, "n_shots", shots);
	fot_table_set_text(t, row, "shots_asked", asked);
	fot_table_set_int(t, row, "demo_seed", seed);
	fot_table_set_text(t, row, "item_id", id);
	if (right >= 0)
		fot_table_set_int(t, row, "correct", right);
}

static void lookup(struct fot_table *t, const char *variant, int64_t length, int64_t trial, int tokens)
{
	size_t row = add(t, variant, "dense", length, tokens < 0 ? "failed" : "ok");

	fot_table_set_int(t, row, "n_records", length / 10);
	fot_table_set_int(t, row, "n_queries", 25);
	fot_table_set_int(t, row, "n_value_tokens", 100);
	fot_table_set_int(t, row, "trial", trial);
	if (tokens < 0)
		return;
	fot_table_set_int(t, row, "n_correct_tokens", tokens);
	fot_table_set_int(t, row, "n_correct_values", tokens / 5);
}

static void mass(struct fot_table *t, const char *variant, int64_t d, int head, const char *doc, double m)
{
	size_t row = add(t, variant, "dense", 512 * d, "ok");

	fot_table_set_int(t, row, "n_contexts", d);
	fot_table_set_int(t, row, "layer", 1);
	if (head >= 0)
		fot_table_set_int(t, row, "head", head);
	fot_table_set_text(t, row, "doc_id", doc);
	fot_table_set_int(t, row, "n_queries", 100);
	fot_table_set_real(t, row, "positive_mass", m);
}

static void sum_up(struct fot_table *s, const struct fot_table *t)
{
	struct fot_err err = { 0 };

	assert_int_equal(fot_table_check(t, NULL), FOT_OK);
	fot_table_init(s, &fot_schema_summary);
	if (fot_summary_build(s, t, 1, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

/* The only row of a variant, length, shots, metric and baseline, with a depth or without. */
static size_t find(const struct fot_table *s, const char *variant, int64_t length, int64_t shots,
		   const char *metric, const char *baseline, double depth)
{
	size_t found = SIZE_MAX;

	for (size_t r = 0; r < s->n_rows; r++) {
		if (strcmp(fot_table_text(s, r, "model_variant"), variant) == 0 &&
		    fot_table_int(s, r, "context_length", 0) == length &&
		    fot_table_int(s, r, "n_shots", -1) == shots &&
		    strcmp(fot_table_text(s, r, "metric"), metric) == 0 &&
		    strcmp(fot_table_text(s, r, "baseline_run_id"), baseline) == 0 &&
		    fabs(fot_table_real(s, r, "depth", -1) - depth) < 1e-9) {
			assert_int_equal(found, SIZE_MAX);
			found = r;
		}
	}
	assert_int_not_equal(found, SIZE_MAX);
	return found;
}

static double real(const struct fot_table *s, size_t row, const char *column)
{
	assert_true(fot_table_has(s, row, column));
	return fot_table_real(s, row, column, NAN);
}

/* 2 x P(X <= less) for a fair coin thrown n times, by Pascal's triangle. */
static double slow_mcnemar(int a, int b)
{
	double row[65] = { 1 }, tail = 0;
	int n = a + b, less = a < b ? a : b;

	for (int i = 1; i <= n; i++) {
		for (int k = i; k > 0; k--)
			row[k] += row[k - 1];
	}
	for (int k = 0; k <= less; k++)
		tail += row[k];
	return a == b ? 1 : fmin(1, 2 * tail / pow(2, n));
}

static void test_measures_passkey_by_hand(void **state)
{
	/* right in vanilla alone 1, in fot alone 7, in both 10, in neither 2 */
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_passkey);
	for (int i = 0; i < 20; i++) {
		passkey(&t, "vanilla", "dense", 1024, i % 2, i / 2, i < 11);
		passkey(&t, "fot", "dense", 1024, i % 2, i / 2, i > 0 && i < 18);
		passkey(&t, "vanilla", "dense", 2048, i % 2, i / 2, i < 9);
		passkey(&t, "fot", "dense", 2048, i % 2, i / 2, i == 5 ? -1 : i < 18);
	}
	sum_up(&s, &t);
	r = find(&s, "fot", 1024, -1, "accuracy", "", -1);
	near_to(real(&s, r, "value"), 0.85, 1e-15);
	/* Wilson, z = 1.959964: (.85 + z2/40 -+ z sqrt(.85 .15/20 + z2/1600)) / (1 + z2/20) */
	near_to(real(&s, r, "ci_low"), 0.639583, 1e-5);
	near_to(real(&s, r, "ci_high"), 0.947632, 1e-5);
	assert_int_equal(fot_table_int(&s, r, "n_correct", 0), 17);
	r = find(&s, "fot", 1024, -1, "accuracy", "", 1);
	assert_int_equal(fot_table_int(&s, r, "n_total", 0), 10);
	assert_int_equal(fot_table_int(&s, r, "n_correct", 0), 9);
	r = find(&s, "fot", 1024, -1, "accuracy", "abc:vanilla/dense@1024", -1);
	near_to(real(&s, r, "delta"), 0.3, 1e-15);
	near_to(real(&s, r, "p_value"), slow_mcnemar(1, 7), 1e-14);
	/* the other length: 9 alone of 19, one failed; Holm over the two */
	near_to(real(&s, r, "p_adjusted"), slow_mcnemar(1, 7), 1e-14);
	r = find(&s, "fot", 2048, -1, "accuracy", "abc:vanilla/dense@2048", -1);
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 19);
	assert_int_equal(fot_table_int(&s, r, "n_failed", 0), 1);
	near_to(real(&s, r, "p_value"), slow_mcnemar(0, 9), 1e-14);
	near_to(real(&s, r, "p_adjusted"), 2 * slow_mcnemar(0, 9), 1e-14);
	assert_string_equal(fot_table_text(&s, r, "p_method"), "mcnemar-exact");
	/* against itself at the shortest: only trial 0 differs, of the 19 that both have */
	r = find(&s, "fot", 2048, -1, "accuracy", "abc:fot/dense@1024", -1);
	assert_string_equal(fot_table_text(&s, r, "comparison"), "shortest");
	near_to(real(&s, r, "delta"), 1.0 / 19, 1e-15);
	near_to(real(&s, r, "p_value"), 1, 1e-15);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_measures_passkey_edges(void **state)
{
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_passkey);
	for (int i = 0; i < 10; i++) {
		passkey(&t, "local", "none", 1024, 0, i, 0);
		passkey(&t, "fot", "none", 1024, 0, i, 1);
		passkey(&t, "lost", "none", 1024, 0, i, -1);
	}
	passkey(&t, "once", "none", 1024, 0, 0, 1);
	sum_up(&s, &t);
	r = find(&s, "local", 1024, -1, "accuracy", "", -1);
	near_to(real(&s, r, "value"), 0, 0);
	near_to(real(&s, r, "ci_low"), 0, 0);
	near_to(real(&s, r, "ci_high"), 0.2775328, 1e-6); /* z2 / (10 + z2) */
	r = find(&s, "fot", 1024, -1, "accuracy", "", -1);
	near_to(real(&s, r, "ci_low"), 1 - 0.2775328, 1e-6);
	near_to(real(&s, r, "ci_high"), 1, 0);
	r = find(&s, "fot", 1024, -1, "accuracy", "abc:local/none@1024", -1);
	assert_string_equal(fot_table_text(&s, r, "comparison"), "local");
	near_to(real(&s, r, "p_value"), slow_mcnemar(0, 10), 1e-15);
	near_to(real(&s, r, "delta_ci_low"), 1, 0);
	r = find(&s, "lost", 1024, -1, "accuracy", "", -1);
	assert_string_equal(fot_table_text(&s, r, "status"), "empty");
	assert_false(fot_table_has(&s, r, "value") || fot_table_has(&s, r, "ci_low"));
	assert_int_equal(fot_table_int(&s, r, "n_failed", 0), 10);
	r = find(&s, "lost", 1024, -1, "accuracy", "abc:local/none@1024", -1);
	assert_false(fot_table_has(&s, r, "delta"));
	r = find(&s, "once", 1024, -1, "accuracy", "abc:local/none@1024", -1);
	assert_string_equal(fot_table_text(&s, r, "status"), "one cluster");
	assert_false(fot_table_has(&s, r, "delta_ci_low") || fot_table_has(&s, r, "p_value"));
	near_to(real(&s, r, "delta"), 1, 0);
	fot_table_release(&t);
	fot_table_release(&s);
}

/* Exact crossed bootstrap of 3 items x 2 seeds: all 27 x 4 draws; the share at or below x. */
static double slow_share(double d[3][2], double x)
{
	int hits = 0;

	for (int i = 0; i < 27; i++) {
		for (int k = 0; k < 4; k++) {
			const int item[3] = { i % 3, i / 3 % 3, i / 9 }, seed[2] = { k % 2, k / 2 };
			double sum = 0;

			for (int a = 0; a < 3; a++)
				sum += d[item[a]][seed[0]] + d[item[a]][seed[1]];
			hits += sum / 6 <= x + 1e-12;
		}
	}
	return hits / 108.0;
}

static void test_measures_fewshot_crossed(void **state)
{
	static const int base[3][2] = { { 0, 0 }, { 1, 0 }, { 1, 1 } },
			 new[3][2] = { { 1, 0 }, { 1, 1 }, { 1, 1 } };
	double d[3][2];
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 2; k++) {
			fewshot(&t, "vanilla", 4, k, i, base[i][k]);
			fewshot(&t, "fot", 4, k, i, new[i][k]);
			d[i][k] = new[i][k] - base[i][k];
		}
		fewshot(&t, "fot", 0, 0, i, i == 0);
	}
	sum_up(&s, &t);
	r = find(&s, "fot", 2048, 4, "accuracy", "", -1);
	near_to(real(&s, r, "value"), 5.0 / 6, 1e-15);
	near_to(real(&s, r, "sd_between"), (1.0 - 2.0 / 3) / sqrt(2), 1e-15);
	near_to(real(&s, r, "value_min"), 2.0 / 3, 1e-15);
	assert_int_equal(fot_table_int(&s, r, "n_clusters", 0), 3);
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 6);
	r = find(&s, "fot", 2048, 4, "accuracy", "abc:vanilla/dense@2048#4", -1);
	assert_string_equal(fot_table_text(&s, r, "comparison"), "vanilla");
	near_to(real(&s, r, "delta"), 2.0 / 6, 1e-15);
	/* the quantiles of the exact distribution, which has steps of 1/6 */
	assert_true(slow_share(d, real(&s, r, "delta_ci_low")) >= 0.025);
	assert_true(slow_share(d, real(&s, r, "delta_ci_high") - 1.0 / 6) < 0.975);
	near_to(real(&s, r, "p_value"), fmin(1, 2 * slow_share(d, 0)), 0.03);
	assert_string_equal(fot_table_text(&s, r, "p_method"), "crossed-bootstrap");
	/* 0 shots have one seed: its answers are the partners under both */
	r = find(&s, "fot", 2048, 4, "accuracy", "abc:fot/dense@2048#0", -1);
	assert_string_equal(fot_table_text(&s, r, "comparison"), "fewest shots");
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 6);
	near_to(real(&s, r, "delta"), 5.0 / 6 - 1.0 / 3, 1e-15);
	fot_table_release(&t);
	fot_table_release(&s);
}

/* Balanced: items 0 and 1 are of one label, item 2 of another; a draw is the mean over the labels it holds. */
static double slow_balanced_share(double d[3][2], double x)
{
	int hits = 0;

	for (int i = 0; i < 27; i++) {
		for (int k = 0; k < 4; k++) {
			const int item[3] = { i % 3, i / 3 % 3, i / 9 }, seed[2] = { k % 2, k / 2 };
			double sum[2] = { 0, 0 }, n[2] = { 0, 0 }, value = 0;

			for (int a = 0; a < 3; a++) {
				sum[item[a] == 2] += (d[item[a]][seed[0]] + d[item[a]][seed[1]]) / 2;
				n[item[a] == 2]++;
			}
			for (int c = 0; c < 2; c++)
				value += n[c] > 0 ? sum[c] / n[c] / ((n[0] > 0) + (n[1] > 0)) : 0;
			hits += value <= x + 1e-12;
		}
	}
	return hits / 108.0;
}

static void answered(struct fot_table *t, const char *variant, int64_t seed, int item, int right)
{
	fewshot(t, variant, 4, seed, item, right);
	fot_table_set_int(t, t->n_rows - 1, "n_labels", 2);
	fot_table_set_text(t, t->n_rows - 1, "label_gold", item == 2 ? "b" : "a");
	fot_table_set_text(t, t->n_rows - 1, "label_pred", (item == 2) == right ? "b" : "a");
}

static void test_measures_fewshot_balanced(void **state)
{
	static const int base[3][2] = { { 0, 0 }, { 1, 1 }, { 1, 1 } },
			 new[3][2] = { { 1, 1 }, { 1, 1 }, { 1, 0 } };
	double d[3][2], own[3][2];
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 2; k++) {
			answered(&t, "vanilla", k, i, base[i][k]);
			answered(&t, "fot", k, i, new[i][k]);
			d[i][k] = new[i][k] - base[i][k];
			own[i][k] = new[i][k];
		}
		answered(&t, "blind", 0, i, i != 2);
		fewshot(&t, "generates", 4, 0, i, 1); /* answers, no labels */
	}
	sum_up(&s, &t);
	r = find(&s, "fot", 2048, 4, "balanced_accuracy", "", -1);
	near_to(real(&s, r, "value"), (1 + 0.5) / 2, 1e-15);
	near_to(real(&s, r, "value_min"), (1.0 + 0.0) / 2, 1e-15);
	near_to(real(&s, r, "sd_between"), 0.5 / sqrt(2), 1e-15);
	assert_false(fot_table_has(&s, r, "n_correct"));
	assert_false(fot_table_has(&s, r, "top_answer_share"));
	assert_true(slow_balanced_share(own, real(&s, r, "ci_low")) >= 0.025);
	assert_true(slow_balanced_share(own, real(&s, r, "ci_low") - 1e-9) < 0.03);
	assert_true(slow_balanced_share(own, real(&s, r, "ci_high")) >= 0.97);
	r = find(&s, "fot", 2048, 4, "balanced_accuracy", "abc:vanilla/dense@2048#4", -1);
	near_to(real(&s, r, "delta"), (0.5 - 0.5) / 2, 1e-15);
	assert_true(slow_balanced_share(d, real(&s, r, "delta_ci_low")) >= 0.025);
	assert_true(slow_balanced_share(d, real(&s, r, "delta_ci_low") - 1e-9) < 0.03);
	near_to(real(&s, r, "p_value"),
		fmin(1, 2 * fmin(slow_balanced_share(d, 0), 1 - slow_balanced_share(d, -1e-9))), 0.03);
	r = find(&s, "blind", 2048, 4, "balanced_accuracy", "", -1);
	near_to(real(&s, r, "value"), 0.5, 1e-15);
	/* one seed, but classes of unequal size: no McNemar */
	r = find(&s, "blind", 2048, 4, "balanced_accuracy", "abc:vanilla/dense@2048#4", -1);
	assert_string_equal(fot_table_text(&s, r, "p_method"), "crossed-bootstrap");
	for (r = 0; r < s.n_rows; r++)
		if (strcmp(fot_table_text(&s, r, "model_variant"), "generates") == 0)
			assert_string_equal(fot_table_text(&s, r, "metric"), "accuracy");
	fot_table_release(&t);
	fot_table_release(&s);
}

/* What distractors cost one model against another: a difference of differences on the same answers, each -2 to 2,
 * so that no counts of discordant pairs make a test. */
static void test_measures_fewshot_cost_of_distractors(void **state)
{
	static const int right[4][5] = { /* fot 0, fot 3, fot-d1 0, fot-d1 3 */
		{ 1, 1, 1, 0, 1 }, { 1, 1, 0, 0, 1 }, { 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 1 }
	};
	struct fot_table t;
	size_t row[4][5];
	struct fot_group rows[4];
	struct fot_sides sides = { .base = &rows[3], .new = &rows[1], .base_from = &rows[2], .new_from = &rows[0] };
	const struct fot_measured_task *task = fot_measured_task(&fot_schema_fewshot);
	struct fot_contrast k;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int c = 0; c < 4; c++) {
		for (int i = 0; i < 5; i++) {
			row[c][i] = t.n_rows;
			fewshot(&t, c < 2 ? "fot" : "fot-d1", 64, 0, i, right[c][i]);
			if (c % 2)
				fot_table_set_int(&t, row[c][i], "distractors", 3);
		}
		rows[c] = (struct fot_group){ .t = &t, .row = row[c], .n = 5 };
	}
	assert_int_equal(fot_measure_contrast(&k, task, &task->measure[0], &sides, 1, NULL), FOT_OK);
	near_to(k.value, (3 - 4) / 5.0, 1e-15);
	near_to(k.base, (1 - 3) / 5.0, 1e-15);
	near_to(k.d.delta, 0.2, 1e-15);
	assert_string_equal(k.p_method, "crossed-bootstrap");
	sides.base_from = sides.new_from = NULL;
	assert_int_equal(fot_measure_contrast(&k, task, &task->measure[0], &sides, 1, NULL), FOT_OK);
	near_to(k.d.delta, 0.4, 1e-15);
	assert_string_equal(k.p_method, "mcnemar-exact");
	fot_table_release(&t);
}

/* The commonest answer is counted within each order of demonstrations: a label per order is one answer to all. */
static void test_measures_fewshot_top_answer(void **state)
{
	static const char *const given[2][4] = { { "a", "a", "b", "a" }, { "b", "b", "b", "b" } };
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 4; i++) {
			fewshot(&t, "fot", 4, k, i, i % 2);
			fot_table_set_text(&t, t.n_rows - 1, "label_pred", given[k][i]);
		}
	fewshot(&t, "fot", 4, 1, 5, -1);
	sum_up(&s, &t);
	r = find(&s, "fot", 2048, 4, "accuracy", "", -1);
	near_to(real(&s, r, "top_answer_share"), (0.75 + 1) / 2, 1e-15);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_measures_fewshot_holes_and_one_seed(void **state)
{
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int i = 0; i < 6; i++) {
		for (int k = 0; k < 3; k++)
			/* item 5 failed under seed 1; seed 2 has two items only */
			fewshot(&t, "fot", 4, k, i, (i == 5 && k == 1) || (k == 2 && i > 1) ? -1 : i % 2);
		fewshot(&t, "vanilla", 8, 0, i, 0);
		fewshot(&t, "fot", 8, 0, i, i > 0);
	}
	fewshot(&t, "solo", 8, 0, 0, 1);
	sum_up(&s, &t);
	r = find(&s, "fot", 2048, 4, "accuracy", "", -1);
	assert_int_equal(fot_table_int(&s, r, "n_clusters", 0), 5);
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 10);
	assert_int_equal(fot_table_int(&s, r, "n_failed", 0), 5);
	near_to(real(&s, r, "value"), 0.4, 1e-15);
	r = find(&s, "fot", 2048, 8, "accuracy", "", -1);
	assert_string_equal(fot_table_text(&s, r, "status"), "one seed");
	assert_false(fot_table_has(&s, r, "sd_between"));
	r = find(&s, "fot", 2048, 8, "accuracy", "abc:vanilla/dense@2048#8", -1);
	near_to(real(&s, r, "p_value"), slow_mcnemar(0, 5), 1e-15);
	assert_string_equal(fot_table_text(&s, r, "p_method"), "mcnemar-exact");
	r = find(&s, "solo", 2048, 8, "accuracy", "", -1);
	assert_string_equal(fot_table_text(&s, r, "status"), "one cluster");
	assert_false(fot_table_has(&s, r, "ci_low"));
	fot_table_release(&t);
	fot_table_release(&s);
}

/* What fits differs from seed to seed: one cell all the same, and not that of an equal number. */
static void test_measures_fewshot_filled_prompts_are_one_cell(void **state)
{
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int i = 0; i < 4; i++) {
		fewshot(&t, "fot", 0, 0, i, 0);
		for (int k = 0; k < 2; k++) {
			fewshot(&t, "fot", 8, k, i, i == 0);
			fewshot(&t, "fot", 8 - k, k, i, i > 1);
			fot_table_set_text(&t, t.n_rows - 1, "shots_asked", "fill");
		}
	}
	sum_up(&s, &t);
	r = find(&s, "fot", 2048, 8, "accuracy", "", -1);
	near_to(real(&s, r, "value"), 0.25, 1e-15);
	assert_string_equal(fot_table_text(&s, r, "shots_asked"), "8");
	r = find(&s, "fot", 2048, 7, "accuracy", "", -1);
	near_to(real(&s, r, "value"), 0.5, 1e-15);
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 8);
	assert_string_equal(fot_table_text(&s, r, "shots_asked"), "fill");
	r = find(&s, "fot", 2048, 7, "accuracy", "abc:fot/dense@2048#0", -1);
	near_to(real(&s, r, "delta"), 0.5, 1e-15);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_measures_lookup_by_hand(void **state)
{
	static const int tokens[4] = { 90, 80, 85, 70 };
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_lookup);
	for (int i = 0; i < 4; i++) {
		lookup(&t, "fot", 1000, i, tokens[i]);
		lookup(&t, "vanilla", 1000, i, tokens[i] - 10 * (i + 1));
		lookup(&t, "fot", 4000, i, i == 3 ? -1 : tokens[i] - 5);
	}
	sum_up(&s, &t);
	r = find(&s, "fot", 1000, -1, "token_accuracy", "", -1);
	near_to(real(&s, r, "value"), 0.8125, 1e-15);
	near_to(real(&s, r, "value_min"), 0.7, 1e-15);
	near_to(real(&s, r, "value_max"), 0.9, 1e-15);
	near_to(real(&s, r, "sd_between"), 0.08539125638299665, 1e-14);
	assert_true(real(&s, r, "ci_low") >= 0.7 && real(&s, r, "ci_high") <= 0.9);
	near_to(real(&s, find(&s, "fot", 1000, -1, "value_accuracy", "", -1), "value"), 65.0 / 100, 1e-15);
	r = find(&s, "fot", 1000, -1, "token_accuracy", "abc:vanilla/dense@1000", -1);
	near_to(real(&s, r, "delta"), 0.25, 1e-15);
	near_to(real(&s, r, "p_value"), 2.0 / 16, 1e-15);
	/* a dictionary of another length: paired by trial, the failed one left out */
	r = find(&s, "fot", 4000, -1, "token_accuracy", "abc:fot/dense@1000", -1);
	near_to(real(&s, r, "delta"), -0.05, 1e-15);
	near_to(real(&s, r, "p_value"), 2.0 / 8, 1e-15);
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 3);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_measures_distraction_heads_are_not_compared(void **state)
{
	struct fot_table t, s;
	size_t r, compared = 0;

	(void)state;
	fot_table_init(&t, &fot_schema_distraction);
	for (int head = -1; head < 2; head++) {
		mass(&t, "vanilla", 4, head, "a", 0.25);
		mass(&t, "vanilla", 4, head, "b", 0.35);
		mass(&t, "fot", 4, head, "a", 0.75 + 0.1 * head);
		mass(&t, "fot", 4, head, "b", 0.55);
	}
	mass(&t, "vanilla", 8, -1, "a", 0.125);
	sum_up(&s, &t);
	for (r = 0; r < s.n_rows; r++) {
		if (!fot_table_has(&s, r, "baseline_run_id"))
			continue;
		compared++;
		assert_false(fot_table_has(&s, r, "head"));
		near_to(real(&s, r, "delta"), 0.3, 1e-15);
		near_to(real(&s, r, "p_value"), 0.5, 1e-15);
	}
	assert_int_equal(compared, 1);
	r = find(&s, "vanilla", 4096, -1, "positive_mass", "", -1);
	assert_string_equal(fot_table_text(&s, r, "status"), "one cluster");
	assert_false(fot_table_has(&s, r, "ci_low"));
	fot_table_release(&t);
	fot_table_release(&s);
}

/* Two documents of the same text are drawn as one of twice the queries, in estimates and differences. */
static void test_measures_distraction_equal_texts_are_one(void **state)
{
	static const char *const same[] = { "value",        "ci_low",        "ci_high", "se",
					    "delta_ci_low", "delta_ci_high", "p_value" };
	static const char *const doc[] = { "a", "b", "copy" }, *const variant[] = { "vanilla", "fot" };
	struct fot_table t[2], s[2];
	size_t r[2];

	(void)state;
	for (int k = 0; k < 2; k++) {
		fot_table_init(&t[k], &fot_schema_distraction);
		for (int i = 0; i < (k ? 2 : 3) * 2; i++) {
			mass(&t[k], variant[i % 2], 4, -1, doc[i / 2],
			     (i / 2 == 1 ? 0.35 : 0.25) + 0.4 * (i % 2));
			fot_table_set_text(&t[k], t[k].n_rows - 1, "doc_sha256", i / 2 == 1 ? "bb" : "aa");
			if (k && i / 2 == 0)
				fot_table_set_int(&t[k], t[k].n_rows - 1, "n_queries", 200);
		}
		sum_up(&s[k], &t[k]);
	}
	for (int delta = 0; delta < 2; delta++) {
		for (int k = 0; k < 2; k++) {
			for (r[k] = 0; fot_table_has(&s[k], r[k], "baseline_run_id") != (bool)delta; r[k]++)
				assert_true(r[k] + 1 < s[k].n_rows);
			assert_int_equal(fot_table_int(&s[k], r[k], "n_clusters", 0), 2);
			assert_int_equal(fot_table_int(&s[k], r[k], "n_items", 0), k ? 2 : 3);
		}
		for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
			assert_int_equal(fot_table_has(&s[0], r[0], same[i]),
					 fot_table_has(&s[1], r[1], same[i]));
			near_to(fot_table_real(&s[0], r[0], same[i], 0),
				fot_table_real(&s[1], r[1], same[i], 0), 1e-15);
		}
	}
	for (int k = 0; k < 2; k++) {
		fot_table_release(&t[k]);
		fot_table_release(&s[k]);
	}
}

static void test_measures_are_added_behind(void **state)
{
	struct fot_table t, s;
	struct fot_str md = FOT_STR_INIT;
	size_t n;

	(void)state;
	fot_table_init(&t, &fot_schema_passkey);
	for (int i = 0; i < 50; i++)
		passkey(&t, "fot", "dense", 1024, 0, i, i > 2);
	sum_up(&s, &t);
	n = s.n_rows;
	fot_table_release(&t);
	fot_table_init(&t, &fot_schema_lookup);
	lookup(&t, "fot", 1000, 0, 50);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_OK);
	assert_int_equal(s.n_rows, n + 2);
	assert_int_equal(fot_summary_markdown(&md, &s, NULL), FOT_OK);
	assert_non_null(strstr(md.data, "94.0 % [83.8, 97.9] (47/50)"));
	assert_non_null(strstr(md.data, "| fot | dense | 50.0 % (50.0 to 50.0) |"));
	fot_table_release(&t);
	fot_table_init(&t, &fot_schema_train);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_ERR_RUN);
	fot_str_release(&md);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_measures_survive_lack_of_memory(void **state)
{
	struct fot_table t;
	int ok = 0;

	(void)state;
	fot_table_init(&t, &fot_schema_fewshot);
	for (int i = 0; i < 4; i++) {
		fewshot(&t, "vanilla", 4, i % 2, i / 2, i > 1);
		fewshot(&t, "fot", 4, i % 2, i / 2, i > 0);
	}
	for (long k = 1; k < 2000 && !ok; k++) {
		struct fot_table s;
		int status;

		fot_table_init(&s, &fot_schema_summary);
		fot_mem_fail_at(k);
		status = fot_summary_build(&s, &t, 1, NULL, NULL);
		fot_mem_fail_at(0);
		ok = status == FOT_OK;
		assert_true(ok || status == FOT_ERR_RUN);
		fot_table_release(&s);
	}
	assert_true(ok);
	fot_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measures_passkey_by_hand),
		cmocka_unit_test(test_measures_passkey_edges),
		cmocka_unit_test(test_measures_fewshot_crossed),
		cmocka_unit_test(test_measures_fewshot_balanced),
		cmocka_unit_test(test_measures_fewshot_cost_of_distractors),
		cmocka_unit_test(test_measures_fewshot_top_answer),
		cmocka_unit_test(test_measures_fewshot_holes_and_one_seed),
		cmocka_unit_test(test_measures_fewshot_filled_prompts_are_one_cell),
		cmocka_unit_test(test_measures_lookup_by_hand),
		cmocka_unit_test(test_measures_distraction_heads_are_not_compared),
		cmocka_unit_test(test_measures_distraction_equal_texts_are_one),
		cmocka_unit_test(test_measures_are_added_behind),
		cmocka_unit_test(test_measures_survive_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
