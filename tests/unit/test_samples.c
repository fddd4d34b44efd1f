/* test_samples.c: what counts as retrieved, its scores, places of queries, and text that cannot be
 * markup. */
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
#include "base/rng.h"
#include "harness/plan/task_class.h"
#include "tasks/retrieved.h"
#include "tests/unit/scratch.h"

extern const struct fot_task_class fot_task_samples;

#define KEYS 300

static void scores(double *score, uint64_t item)
{
	struct fot_rng rng;

	fot_rng_init(&rng, 5, "test.samples", item);
	for (int i = 0; i < KEYS; i++)
		score[i] = 300 + 2 * fot_rng_normal(&rng);
}

static double sum_of(const double *score, int64_t from, int64_t to)
{
	double sum = 0;

	for (int64_t i = from < 0 ? 0 : from; i < to && i < KEYS; i++)
		sum += exp(score[i] - 300);
	return sum;
}

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

static void test_samples_scores_by_their_definitions(void **state)
{
	static const int64_t top[] = { 0, 1, 7, 128, KEYS, 100000 };
	double score[KEYS], sorted[KEYS];
	struct fot_retrieved best[9];
	struct fot_retrieval r;

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(top); i++) {
		int64_t n = top[i] && top[i] < KEYS ? top[i] : KEYS;
		double local = 302, found, all;

		scores(score, i);
		memcpy(sorted, score, sizeof sorted);
		qsort(sorted, KEYS, sizeof *sorted, falling);
		found = sum_of(sorted, 0, n);
		all = found + exp(local - 300);
		assert_int_equal(fot_retrieve(&r, best, 9, score, KEYS, top[i], local, NULL), FOT_OK);
		assert_int_equal(r.n_retrieved, n);
		assert_int_equal(r.n_best, n < 9 ? n : 9);
		assert_true(fabs(r.knn_score - found / all) < 1e-12);
		for (size_t k = 0; k < r.n_best; k++) {
			int64_t key = best[k].key;

			assert_true(score[key] == sorted[k]);
			assert_true(fabs(best[k].share - exp(score[key] - 300) / all) < 1e-12);
			assert_true(fabs(best[k].focus -
					 exp(score[key] - 300) / sum_of(score, key - 32, key + 33)) < 1e-12);
		}
	}
}

static void test_samples_scores_at_the_edges(void **state)
{
	double score[] = { 5, 5, 5, 5 };
	struct fot_retrieved best[4];
	struct fot_retrieval r;

	(void)state;
	assert_int_equal(fot_retrieve(&r, best, 2, score, 4, 3, -1e9, NULL), FOT_OK);
	assert_true(r.knn_score == 1 && best[0].key == 0 && best[1].key == 1 && best[0].focus == 0.25);
	assert_int_equal(fot_retrieve(&r, best, 4, score, 1, 9, 1e9, NULL), FOT_OK);
	assert_true(r.knn_score == 0 && r.n_best == 1 && best[0].share == 0 && best[0].focus == 1);
}

/* Plainly: every softmax is summed anew, the rank of an entry is counted. */
static double share(const double *score, double local, int at)
{
	double all = exp(local - 300), x;

	for (int i = 0; i < KEYS; i++)
		all += exp(score[i] - 300);
	x = exp((at < 0 ? local : score[at]) - 300);
	return x / all;
}

static int rank(const double *score, int at)
{
	int before = 0;

	for (int i = 0; i < KEYS; i++)
		before += score[i] > score[at] || (score[i] == score[at] && i < at);
	return before;
}

static struct fot_attended attended_plainly(const double *dense, double dense_local, const double *kind,
					    double kind_local)
{
	struct fot_attended a = { .rest = share(kind, kind_local, -1) - share(dense, dense_local, -1) };

	for (int i = 0; i < KEYS; i++)
		a.n_read += isfinite(kind[i]);
	for (int i = 0; i < KEYS; i++) {
		double p = share(dense, dense_local, i), q = share(kind, kind_local, i);
		bool right = rank(dense, i) < a.n_read;

		a.dense += p;
		a.missed += isfinite(kind[i]) ? 0 : p;
		a.recall += right && isfinite(kind[i]) ? 1.0 / (double)a.n_read : 0;
		a.distracted += isfinite(kind[i]) && !right ? q - p : 0;
		a.rest += isfinite(kind[i]) && right ? q - p : 0;
	}
	a.caught = 1 - a.missed / a.dense;
	return a;
}

static void test_samples_attended_as_plainly(void **state)
{
	static const double local[] = { 250, 302, 306, 1500 };

	(void)state;
	for (size_t x = 0; x < 40; x++) {
		double dense[KEYS], kind[KEYS], beside = local[x % 4];
		struct fot_attended got, want;
		struct fot_rng rng;

		scores(dense, x);
		dense[7] = dense[8] = dense[9]; /* of equal ones the earlier */
		fot_rng_init(&rng, x, "test.attended", 0);
		for (int i = 0; i < KEYS; i++) /* one of x % 5 + 1 is read; all are less behind a gate */
			kind[i] = i == 8 || fot_rng_below(&rng, x % 5 + 1) == 0 ?
					  dense[i] - (x % 3 == 2 ? 3 : 0) :
					  -HUGE_VAL;
		want = attended_plainly(dense, beside < 1000 ? beside : 320, kind,
					beside < 1000 ? beside : 320);
		assert_int_equal(fot_attended(&got, dense, beside, kind, beside, KEYS, NULL), FOT_OK);
		assert_true(fabs(got.missed - got.distracted - got.rest) < 1e-14);
		assert_int_equal(got.n_read, want.n_read);
		assert_true(fabs(got.recall - want.recall) < 1e-12);
		assert_true(fabs(got.caught - want.caught) < 1e-12);
		if (beside > 1000) { /* no mass is left for the memory */
			assert_true(got.dense == 0 && got.missed == 0 && got.distracted == 0 &&
				    got.rest == 0);
			continue;
		}
		assert_true(fabs(got.dense - want.dense) < 1e-12);
		assert_true(fabs(got.missed - want.missed) < 1e-12);
		assert_true(fabs(got.distracted - want.distracted) < 1e-12);
		assert_true(fabs(got.rest - want.rest) < 1e-12);
	}
}

/* Masses 4, 3, 2 and 1 of the memory, 10 local; the first and the last are read. */
static void test_samples_attended_by_hand(void **state)
{
	double dense[] = { log(4), log(3), log(2), log(1) },
	       kind[] = { log(4), -INFINITY, -INFINITY, log(1) };
	struct fot_attended a;

	(void)state;
	assert_int_equal(fot_attended(&a, dense, log(10), kind, log(10), 4, NULL), FOT_OK);
	assert_int_equal(a.n_read, 2);
	assert_true(fabs(a.dense - 0.5) < 1e-15);
	assert_true(fabs(a.caught - 0.5) < 1e-15);
	assert_true(fabs(a.recall - 0.5) < 1e-15);
	assert_true(fabs(a.missed - 5 / 20.0) < 1e-15);
	assert_true(fabs(a.distracted - (1 / 15.0 - 1 / 20.0)) < 1e-15);
	assert_true(fabs(a.rest - (14 / 15.0 - 14 / 20.0)) < 1e-15);
	assert_int_equal(fot_attended(&a, dense, log(10), dense, log(10), 4, NULL), FOT_OK);
	assert_true(a.recall == 1 && a.caught == 1 && a.missed == 0 && a.distracted == 0 && a.rest == 0);
}

static void test_samples_positions_are_different_and_seeded(void **state)
{
	int64_t a[50], b[50];

	(void)state;
	assert_int_equal(fot_retrieval_positions(a, 50, 1000, 1100, 1, 3), 50);
	for (int i = 0; i < 50; i++)
		assert_in_range(a[i], i ? a[i - 1] + 1 : 1000, 1099);
	assert_int_equal(fot_retrieval_positions(b, 50, 1000, 1100, 1, 4), 50);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(fot_retrieval_positions(b, 50, 1000, 1100, 2, 3), 50);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(fot_retrieval_positions(b, 50, 1000, 1100, 1, 3), 50);
	assert_memory_equal(a, b, sizeof a);
	assert_int_equal(fot_retrieval_positions(a, 50, 7, 10, 1, 3), 3);
	assert_true(a[0] == 7 && a[1] == 8 && a[2] == 9);
	assert_int_equal(fot_retrieval_positions(a, 50, 7, 7, 1, 3), 0);
	assert_int_equal(fot_retrieval_positions(a, 50, 7, 3, 1, 3), 0);
}

static size_t add_row(struct fot_table *t, const char *doc, int64_t position, int64_t rank, const char *text)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "model", "m_1");
	fot_table_set_text(t, row, "model_variant", "<i>");
	fot_table_set_text(t, row, "memory_mode", "knn");
	fot_table_set_int(t, row, "top_k", 8);
	fot_table_set_text(t, row, "status", "ok");
	fot_table_set_text(t, row, "doc_id", doc);
	fot_table_set_int(t, row, "position", position);
	fot_table_set_int(t, row, "rank", rank);
	fot_table_set_int(t, row, "layer", 2);
	fot_table_set_int(t, row, "head", 1);
	fot_table_set_real(t, row, "knn_score", 0.75);
	fot_table_set_int(t, row, "key_position", position - 100);
	fot_table_set_text(t, row, "before", text);
	fot_table_set_text(t, row, "key_text", text);
	return row;
}

static void test_samples_markdown_escapes(void **state)
{
	static const char nasty[] =
		"# a|b `c` <script> &amp; *d* _e_ [f](g) ~h~ $i$\n\t  j\\ http://k www.l m@n\033[1m\r";
	static const char *const want[] = {
		("# a\\|b \\`c\\` \\<script\\> \\&amp; \\*d\\* \\_e\\_ \\[f\\](g) \\~h\\~ \\$i\\$\xe2\x8f\x8e\xe2\x87\xa5 \xc2\xa0j\\\\ "
		 "http\\://k www\\.l m\\@n\xef\xbf\xbd\\[1m\xef\xbf\xbd"),
		"Model m\\_1 (\\<i\\>), memory knn, the best 8 keys",
		"## Document x\\|y, token 600\n\nQuery: ",
		"## Document x\\|y, token 700\n",
		"| 2 | 1 | 0.750 | <b>",
		"| | | | <b>",
		"</b> | 100 | ",
	};
	struct fot_table t;
	struct fot_str out = FOT_STR_INIT;
	size_t lines = 0;

	(void)state;
	fot_table_init(&t, fot_task_samples.schema);
	add_row(&t, "x|y", 600, 1, nasty);
	add_row(&t, "x|y", 600, 2, nasty);
	add_row(&t, "x|y", 700, 1, "plain");
	fot_table_set_text(&t, add_row(&t, "short", 1, 1, "unseen"), "status", "skipped_short");
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	for (size_t i = 0; i < FOT_COUNT(want); i++)
		if (!strstr(out.data, want[i]))
			fail_msg("lacks \"%s\":\n%s", want[i], out.data);
	for (const char *p = out.data; (p = strstr(p, "\n| ")); p++)
		lines++;
	assert_int_equal(lines, 2 + 3); /* a head for each query, a line for each row */
	assert_null(strstr(out.data, "\n# a"));
	assert_null(strstr(out.data, "unseen"));
	fot_str_release(&out);
	fot_table_clear(&t);
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	assert_int_equal(out.len, 0);
	fot_str_release(&out);
	fot_table_release(&t);
}

/* Two documents with a query each, one head: what is told of a kind by hand. */
static void add_losses(struct fot_table *t, const char *memory, int64_t read, const double *x,
		       double second_nll)
{
	static const char *const columns[] = { "recall",     "mass_caught", "missed",
					       "distracted", "rest",        "nll_nats" };

	for (int64_t doc = 0; doc < 2; doc++)
		for (int64_t k = 1; k <= 2; k++) { /* the second key says the same */
			size_t row = add_row(t, doc ? "b" : "a", 600, k, "x");

			fot_table_set_text(t, row, "memory_mode", memory);
			fot_table_set_text(t, row, "memory", memory);
			fot_table_set_int(t, row, "n_keys", 90);
			fot_table_set_int(t, row, "n_retrieved", read);
			for (size_t i = 0; i < FOT_COUNT(columns); i++)
				fot_table_set_real(t, row, columns[i], x[i]);
			if (doc)
				fot_table_set_real(t, row, "nll_nats", second_nll);
		}
}

static void test_samples_loss_by_hand(void **state)
{
	static const double few[] = { 0.25, 0.5, 0.2, 0.15, 0.05, 3 }, all[] = { 1, 1, 0, 0, 0, 2.5 };
	static const char *const want[] = {
		"\n# Against all of the memory\n\nModel m\\_1; ",
		"\n| f\\<ew | all | all | 8 | 0.250 | 0.500 \\[0.500, 0.500\\] | 0.200 \\[0.200, 0.200\\] | 0.150 | 0.050 | 2.500 "
		"| +0.350 \\[+0.200, +0.500\\] |\n",
		"\n| f\\<ew | 2 | 1 | 8 | 0.250 | 0.500 | 0.200 | 0.150 | 0.050 | | |\n",
		"\n| every | all | all | 90 | 1.000 | 1.000 \\[1.000, 1.000\\] | 0.000 \\[0.000, 0.000\\] | 0.000 | 0.000 | 2.150 "
		"|  |\n",
	};
	struct fot_table t;
	struct fot_str out = FOT_STR_INIT;

	(void)state;
	fot_table_init(&t, fot_task_samples.schema);
	add_losses(&t, "f<ew", 8, few, 2);
	add_losses(&t, "every", 90, all, 1.8);
	assert_int_equal(fot_table_check(&t, NULL), FOT_OK);
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	for (size_t i = 0; i < FOT_COUNT(want); i++)
		if (!strstr(out.data, want[i]))
			fail_msg("lacks \"%s\":\n%s", want[i], out.data);
	fot_str_release(&out);
	fot_table_release(&t);
}

/* A kind that reads all of a short memory, and less of longer ones, is none that reads all: neither at the query that
 * its rows begin with, nor for others to be held against. */
static void test_samples_loss_reads_all_now_and_then(void **state)
{
	static const double few[] = { 0.25, 0.5, 0.2, 0.15, 0.05, 3 }, all[] = { 1, 1, 0, 0, 0, 2.5 };
	struct fot_table t;
	struct fot_str out = FOT_STR_INIT;

	(void)state;
	fot_table_init(&t, fot_task_samples.schema);
	add_losses(&t, "some", 90, few, 2);
	fot_table_set_int(&t, 2, "n_keys", 180); /* of document b */
	fot_table_set_int(&t, 3, "n_keys", 180);
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	assert_non_null(strstr(out.data, "| 2.500 |  |\n")); /* there is nothing that reads all */
	fot_str_clear(&out);
	add_losses(&t, "every", 90, all, 1.8);
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	if (!strstr(out.data, "| 2.500 | +0.350 \\[+0.200, +0.500\\] |\n"))
		fail_msg("%s", out.data);
	fot_str_release(&out);
	fot_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_scores_by_their_definitions),
		cmocka_unit_test(test_samples_scores_at_the_edges),
		cmocka_unit_test(test_samples_attended_as_plainly),
		cmocka_unit_test(test_samples_attended_by_hand),
		cmocka_unit_test(test_samples_positions_are_different_and_seeded),
		cmocka_unit_test(test_samples_markdown_escapes),
		cmocka_unit_test(test_samples_loss_by_hand),
		cmocka_unit_test(test_samples_loss_reads_all_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
