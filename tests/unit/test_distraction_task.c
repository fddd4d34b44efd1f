/* test_distraction_task.c: which windows ask and which distract, and shares of masses. */
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
#include "base/mem.h"
#include "base/rng.h"
#include "tasks/distraction.h"
#include "tests/unit/scratch.h"

#define W 10

static const int64_t CONTEXTS[] = { 1, 2, 4, 9, 64 };
static const struct fot_distraction TASK = { .seed = 7, .window = W, .n_contexts = CONTEXTS, .n = FOT_COUNT(CONTEXTS),
					     .query_tokens = 45 };
/* 99 windows, 1, none, 20, 57 (the last token of each too few for one more) */
static const int64_t TOKENS[] = { 999, 19, 9, 209, 579 };

static void draw(struct fot_distraction_request *r, const struct fot_distraction *p, size_t own)
{
	struct fot_err err = { 0 };

	if (fot_distraction_draw(r, p, TOKENS, FOT_COUNT(TOKENS), own, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void test_distraction_asks_in_windows_behind_the_first(void **state)
{
	struct fot_distraction p = TASK;
	struct fot_distraction_request r;

	(void)state;
	draw(&r, &p, 0);
	assert_int_equal(r.n_asks, 4);
	for (size_t i = 0; i < r.n_asks; i++) {
		assert_int_equal(r.ask[i] % W, 0);
		assert_in_range(r.ask[i], i ? r.ask[i - 1] + W : W, 999 - W);
	}
	fot_distraction_release(&r);
	p.query_tokens = 3; /* one window at least */
	draw(&r, &p, 3);
	assert_int_equal(r.n_asks, 1);
	fot_distraction_release(&r);
	p.query_tokens = 100000; /* all there are */
	draw(&r, &p, 3);
	assert_int_equal(r.n_asks, 19);
	for (int64_t i = 0; i < 19; i++)
		assert_int_equal(r.ask[i], (i + 1) * W);
	fot_distraction_release(&r);
	for (size_t own = 1; own <= 2; own++) {
		draw(&r, &p, own);
		assert_int_equal(r.n_asks, 0); /* too short */
		fot_distraction_release(&r);
	}
}

/* Windows inside their documents, none twice, none of the own one. */
static void check_others(const struct fot_distraction_request *r, size_t own)
{
	for (size_t i = 0; i < r->n_others; i++) {
		const struct fot_distraction_place *x = &r->other[i];

		assert_int_not_equal(x->document, own);
		assert_in_range(x->document, 0, FOT_COUNT(TOKENS) - 1);
		assert_int_equal(x->begin % W, 0);
		assert_true(x->begin >= 0 && x->begin + W <= TOKENS[x->document]);
		for (size_t k = 0; k < i; k++)
			assert_false(r->other[k].document == x->document && r->other[k].begin == x->begin);
	}
}

static void test_distraction_others_come_in_rounds(void **state)
{
	/* windows of the others by round: all that have one more */
	static const struct {
		size_t own, n, served, in_round[3];
	} row[] = { { 0, 63, 5, { 3, 2, 2 } }, { 3, 63, 5, { 3, 2, 2 } }, { 1, 63, 5, { 3, 3, 3 } } };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(row); i++) {
		struct fot_distraction_request r;
		size_t at = 0;

		draw(&r, &TASK, row[i].own);
		assert_int_equal(r.n_others, row[i].n);
		assert_int_equal(fot_distraction_served(&TASK, &r), row[i].served);
		check_others(&r, row[i].own);
		for (size_t round = 0; round < 3; at += row[i].in_round[round++])
			for (size_t a = at; a < at + row[i].in_round[round]; a++)
				for (size_t b = at; b < a; b++)
					assert_int_not_equal(r.other[a].document, r.other[b].document);
		fot_distraction_release(&r);
	}
}

static void test_distraction_few_others_serve_small_d(void **state)
{
	static const int64_t few[] = { 500, 30, 25 }, alone[] = { 500 };
	struct fot_distraction_request r;

	(void)state;
	assert_int_equal(fot_distraction_draw(&r, &TASK, few, 3, 0, NULL), FOT_OK);
	assert_int_equal(r.n_others, 5); /* 3 + 2 windows */
	assert_int_equal(fot_distraction_served(&TASK, &r), 3); /* 1, 2, 4 */
	fot_distraction_release(&r);
	assert_int_equal(fot_distraction_draw(&r, &TASK, alone, 1, 0, NULL), FOT_OK);
	assert_int_equal(r.n_others, 0);
	assert_int_equal(fot_distraction_served(&TASK, &r), 1);
	fot_distraction_release(&r);
}

/* A larger d begins with the smaller one; seeds and documents draw other windows. */
static void test_distraction_is_nested_and_seeded(void **state)
{
	struct fot_distraction small = TASK, other = TASK;
	struct fot_distraction_request all, r;

	(void)state;
	draw(&all, &TASK, 0);
	for (small.n = 1; small.n <= FOT_COUNT(CONTEXTS); small.n++) {
		draw(&r, &small, 0);
		assert_int_equal(r.n_others, CONTEXTS[small.n - 1] - 1);
		assert_memory_equal(r.other, all.other, r.n_others * sizeof *r.other);
		assert_memory_equal(r.ask, all.ask, r.n_asks * sizeof *r.ask);
		fot_distraction_release(&r);
	}
	other.seed = 8;
	draw(&r, &other, 0);
	assert_memory_not_equal(r.other, all.other, r.n_others * sizeof *r.other);
	assert_memory_not_equal(r.ask, all.ask, r.n_asks * sizeof *r.ask);
	fot_distraction_release(&r);
	fot_distraction_release(&all);
}

/* What the rounds take of a document is the same whoever asks. */
static void test_distraction_who_asks_changes_no_window(void **state)
{
	int64_t order[2][64];
	size_t n[2] = { 0 };

	(void)state;
	for (size_t own = 0; own < 2; own++) {
		struct fot_distraction_request r;

		draw(&r, &TASK, own);
		for (size_t i = 0; i < r.n_others; i++)
			if (r.other[i].document == 4)
				order[own][n[own]++] = r.other[i].begin;
		fot_distraction_release(&r);
	}
	assert_true(n[0] > 15 && n[1] > 15);
	assert_memory_equal(order[0], order[1], sizeof **order * (n[0] < n[1] ? n[0] : n[1]));
}

/* Against the ratio of sums, with masses of any size. */
static void test_distraction_shares_are_ratios(void **state)
{
	struct fot_rng rng;
	double mass[64], share[5];

	(void)state;
	fot_rng_init(&rng, 3, "test.shares", 0);
	for (int round = 0; round < 50; round++) {
		double offset = round % 2 ? 600 : -900; /* exp of it is no number */

		for (int i = 0; i < 64; i++)
			mass[i] = offset + 4 * fot_rng_normal(&rng);
		fot_distraction_shares(share, CONTEXTS, 5, mass, 64);
		for (size_t i = 0; i < 5; i++) {
			double sum = 0;

			for (int64_t k = 0; k < CONTEXTS[i]; k++)
				sum += exp(mass[63 - k] - offset);
			assert_true(fabs(share[i] - exp(mass[63] - offset) / sum) < 1e-12);
		}
		assert_true(share[0] == 1);
	}
}

/* Each d alone has the bits that it has among the others. */
static void test_distraction_shares_of_one_d_are_the_same_bits(void **state)
{
	struct fot_rng rng;
	double mass[64], share[5], alone;

	(void)state;
	fot_rng_init(&rng, 4, "test.shares", 0);
	for (int i = 0; i < 64; i++)
		mass[i] = 3 * fot_rng_normal(&rng);
	fot_distraction_shares(share, CONTEXTS, 5, mass, 64);
	for (size_t i = 0; i < 5; i++) {
		fot_distraction_shares(&alone, &CONTEXTS[i], 1, mass + 64 - CONTEXTS[i], CONTEXTS[i]);
		assert_memory_equal(&alone, &share[i], sizeof alone);
	}
}

static void test_distraction_shares_where_nothing_was_found(void **state)
{
	static const int64_t d[] = { 1, 2, 3 };
	double none[] = { 1, 2, -HUGE_VAL }, others[] = { -HUGE_VAL, -HUGE_VAL, 5 }, far[] = { 0, 2000, 0 }, share[3];

	(void)state;
	fot_distraction_shares(share, d, 3, none, 3);
	for (int i = 0; i < 3; i++)
		assert_true(share[i] == 0);
	fot_distraction_shares(share, d, 3, others, 3);
	for (int i = 0; i < 3; i++)
		assert_true(share[i] == 1);
	fot_distraction_shares(share, d, 3, far, 3);
	assert_true(share[0] == 1 && share[1] == 0 && share[2] == 0);
}

static void test_distraction_without_memory(void **state)
{
	struct fot_distraction_request r;
	struct fot_err err = { 0 };
	int status = FOT_ERR_RUN;
	long n = 0;

	(void)state;
	while (status != FOT_OK) {
		memset(&err, 0, sizeof err);
		fot_mem_fail_at(++n);
		status = fot_distraction_draw(&r, &TASK, TOKENS, FOT_COUNT(TOKENS), 0, &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK) {
			assert_int_equal(status, FOT_ERR_RUN);
			assert_non_null(strstr(err.text, "out of memory"));
			assert_null(r.ask);
			assert_null(r.other);
		}
	}
	assert_true(n > 8);
	fot_distraction_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distraction_asks_in_windows_behind_the_first),
		cmocka_unit_test(test_distraction_others_come_in_rounds),
		cmocka_unit_test(test_distraction_few_others_serve_small_d),
		cmocka_unit_test(test_distraction_is_nested_and_seeded),
		cmocka_unit_test(test_distraction_who_asks_changes_no_window),
		cmocka_unit_test(test_distraction_shares_are_ratios),
		cmocka_unit_test(test_distraction_shares_of_one_d_are_the_same_bits),
		cmocka_unit_test(test_distraction_shares_where_nothing_was_found),
		cmocka_unit_test(test_distraction_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
