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
			assert_true(fabs(best[k].focus - exp(score[key] - 300) / sum_of(score, key - 32, key + 33)) < 1e-12);
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
	static const char nasty[] = "# a|b `c` <script> &amp; *d* _e_ [f](g) ~h~ $i$\n\t  j\\ http://k www.l m@n\033[1m\r";
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
	assert_int_equal(lines, 2 + 3);                   /* a head for each query, a line for each row */
	assert_null(strstr(out.data, "\n# a"));
	assert_null(strstr(out.data, "unseen"));
	fot_str_release(&out);
	fot_table_clear(&t);
	assert_int_equal(fot_task_samples.print(&out, &t, NULL), FOT_OK);
	assert_int_equal(out.len, 0);
	fot_str_release(&out);
	fot_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_scores_by_their_definitions),
		cmocka_unit_test(test_samples_scores_at_the_edges),
		cmocka_unit_test(test_samples_positions_are_different_and_seeded),
		cmocka_unit_test(test_samples_markdown_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
