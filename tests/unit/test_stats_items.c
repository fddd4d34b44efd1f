/* test_stats_items.c: McNemar, paired and crossed bootstrap, trend with length:
 * published values, hand-worked ones and enumerations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "harness/tables/stats.h"

static const struct fot_boot BOOT = { .seed = 11, .item = 5, .draws = FOT_STATS_DRAWS, .level = 0.95 };

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.12g, want %.12g within %g", got, want, tolerance);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Both tails of the binomial distribution, term by term. */
static double slow_mcnemar(int a, int b)
{
	int n = a + b, less = a < b ? a : b;
	long double term = powl(0.5L, n), sum = 0;

	for (int k = 0; k <= n; k++) {
		if (k <= less || k >= n - less)
			sum += term;
		term *= (long double)(n - k) / (k + 1);
	}
	return (double)sum;
}

static void test_stats_mcnemar_published(void **state)
{
	double p;

	(void)state;
	/* Fagerland, Lydersen and Laake (2013), airway hyper-responsiveness: 1 and 7, p 0.070. */
	assert_int_equal(fot_stats_mcnemar(&p, 1, 7, NULL), FOT_OK);
	near(p, 18.0 / 256.0, 1e-14);
	/* 6 and 16: 2 (1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 2^22 */
	assert_int_equal(fot_stats_mcnemar(&p, 6, 16, NULL), FOT_OK);
	near(p, 220112.0 / 4194304.0, 1e-14);
	assert_int_equal(fot_stats_mcnemar(&p, 16, 6, NULL), FOT_OK);
	near(p, 220112.0 / 4194304.0, 1e-14);
}

static void test_stats_mcnemar_agrees_with_enumeration(void **state)
{
	double p;

	(void)state;
	for (int a = 0; a <= 40; a += 3) {
		for (int b = 0; b <= 60; b++) {
			assert_int_equal(fot_stats_mcnemar(&p, a, b, NULL), FOT_OK);
			near(p, slow_mcnemar(a, b), 1e-12);
		}
	}
	assert_int_equal(fot_stats_mcnemar(&p, 0, 0, NULL), FOT_OK);
	assert_true(p == 1.0);
	assert_int_equal(fot_stats_mcnemar(&p, -1, 2, NULL), FOT_ERR_RUN);
}

/* Item i: 0 both wrong, 1 only A right, 2 only B right, 3 both right. */
static void split(const int *item, size_t n, double *a, double *b)
{
	for (size_t i = 0; i < n; i++) {
		a[i] = item[i] & 1;
		b[i] = item[i] >> 1;
	}
}

static void test_stats_outcomes_by_hand(void **state)
{
	static const int item[] = { 2, 2, 2, 1, 3, 3, 0, 0, 2, 3 };
	double a[10], b[10];
	struct fot_outcomes o;

	(void)state;
	split(item, 10, a, b);
	assert_int_equal(fot_stats_outcomes(&o, a, b, 10, &BOOT, NULL), FOT_OK);
	assert_int_equal(o.only_a, 1);
	assert_int_equal(o.only_b, 4);
	near(o.delta, 0.3, 1e-15);
	/* differences -1, 1 x 4, 0 x 5: sum of squares about 0.3 is 5 - 0.9 = 4.1 */
	near(o.se, sqrt(4.1 / 90.0), 1e-14);
	near(o.mdd, 2.8 * sqrt(4.1 / 90.0), 1e-14);
	near(o.p, 12.0 / 32.0, 1e-14);
	assert_true(o.has_interval && o.lo < o.delta && o.delta < o.hi);
}

/* All 3^5 counts of (-1, 0, 1) by their multinomial weights are the exact bootstrap. */
static void test_stats_outcomes_bootstrap_agrees_with_all_resamples(void **state)
{
	static const int item[] = { 2, 1, 2, 0, 2 }; /* -1: 1/5, 0: 1/5, 1: 3/5 */
	static const int d[] = { 1, -1, 1, 0, 1 };
	static double all[3125];
	double a[5], b[5];
	struct fot_outcomes o;

	(void)state;
	for (int r = 0; r < 3125; r++) {
		int sum = 0;

		for (int i = 0, q = r; i < 5; i++, q /= 5)
			sum += d[q % 5];
		all[r] = sum / 5.0;
	}
	qsort(all, 3125, sizeof all[0], by_value);
	split(item, 5, a, b);
	assert_int_equal(fot_stats_outcomes(&o, a, b, 5, &BOOT, NULL), FOT_OK);
	assert_true(o.lo >= all[3125 * 188 / 10000] && o.lo <= all[3125 * 312 / 10000]);
	assert_true(o.hi >= all[3125 * 9688 / 10000] && o.hi <= all[3125 * 9812 / 10000]);
}

static void test_stats_outcomes_edges(void **state)
{
	static const double yes[] = { 1, 1, 1 }, no[] = { 0, 0, 0 };
	struct fot_boot few = BOOT;
	struct fot_outcomes o;

	(void)state;
	assert_int_equal(fot_stats_outcomes(&o, yes, yes, 3, &BOOT, NULL), FOT_OK); /* all right */
	assert_true(o.has_interval && o.lo == 0.0 && o.hi == 0.0 && o.p == 1.0 && o.mdd == 0.0);
	assert_int_equal(fot_stats_outcomes(&o, no, no, 3, &BOOT, NULL), FOT_OK); /* none right */
	assert_true(o.delta == 0.0 && o.p == 1.0);
	assert_int_equal(fot_stats_outcomes(&o, no, yes, 3, &BOOT, NULL), FOT_OK);
	assert_true(o.delta == 1.0 && o.lo == 1.0 && o.hi == 1.0);
	near(o.p, 0.25, 1e-15);
	assert_int_equal(fot_stats_outcomes(&o, no, yes, 1, &BOOT, NULL), FOT_OK);
	assert_false(o.has_interval);
	assert_string_equal(o.status, "one cluster");
	assert_int_equal(fot_stats_outcomes(&o, no, yes, 0, &BOOT, NULL), FOT_OK);
	assert_string_equal(o.status, "empty");
	few.draws = 1;
	assert_int_equal(fot_stats_outcomes(&o, no, yes, 3, &few, NULL), FOT_ERR_RUN);
}

/* 3 items x 2 seeds: all 27 x 4 draws. */
static void test_stats_crossed_agrees_with_all_resamples(void **state)
{
	static const double score[] = { 0.9, 0.1, 0.55, 0.35, 0.2, 0.7 };
	double all[108], mean = 0, square = 0;
	struct fot_crossed c;
	int n = 0;

	(void)state;
	for (int r = 0; r < 27; r++) {
		for (int s = 0; s < 4; s++) {
			double sum = 0;

			for (int i = 0, q = r; i < 3; i++, q /= 3)
				sum += score[q % 3 * 2 + s % 2] + score[q % 3 * 2 + s / 2];
			all[n++] = sum / 6;
		}
	}
	for (int i = 0; i < 108; i++)
		mean += all[i] / 108;
	for (int i = 0; i < 108; i++)
		square += (all[i] - mean) * (all[i] - mean) / 108;
	qsort(all, 108, sizeof all[0], by_value);
	assert_int_equal(fot_stats_crossed(&c, score, 3, 2, NULL, &BOOT, NULL), FOT_OK);
	near(c.e.value, 2.8 / 6, 1e-15);
	near(c.e.se, sqrt(square), 0.04 * sqrt(square)); /* sd of an sd over 10,000 draws: 0.7 % */
	assert_true(c.e.lo >= all[1] && c.e.lo <= all[4]);
	assert_true(c.e.hi >= all[103] && c.e.hi <= all[106]);
}

static void test_stats_crossed_counts_the_spread_of_seeds(void **state)
{
	double score[200];
	struct fot_crossed c, one;

	(void)state;
	/* Seeds 0.4 and 0.6 for every item: resampling items alone would see nothing. */
	for (size_t i = 0; i < 100; i++) {
		score[2 * i] = 0.4;
		score[2 * i + 1] = 0.6;
	}
	assert_int_equal(fot_stats_crossed(&c, score, 100, 2, NULL, &BOOT, NULL), FOT_OK);
	near(c.e.lo, 0.4, 1e-12);
	near(c.e.hi, 0.6, 1e-12);
	assert_int_equal(fot_stats_crossed(&one, score, 200, 1, NULL, &BOOT, NULL), FOT_OK);
	assert_string_equal(one.e.status, "one seed");
	assert_true(one.e.has_interval);
	assert_true(one.e.hi - one.e.lo < 0.05);
}

static void test_stats_crossed_edges(void **state)
{
	static const double ones[] = { 1, 1, 1, 1 }, bad[] = { 1, NAN };
	struct fot_crossed c;

	(void)state;
	assert_int_equal(fot_stats_crossed(&c, ones, 2, 2, NULL, &BOOT, NULL), FOT_OK);
	assert_true(c.e.value == 1.0 && c.e.lo == 1.0 && c.e.hi == 1.0 && c.e.se == 0.0);
	assert_int_equal(fot_stats_crossed(&c, ones, 1, 4, NULL, &BOOT, NULL), FOT_OK);
	assert_string_equal(c.e.status, "one cluster");
	assert_true(c.e.has_value && !c.e.has_interval);
	assert_int_equal(fot_stats_crossed(&c, ones, 0, 4, NULL, &BOOT, NULL), FOT_OK);
	assert_string_equal(c.e.status, "empty");
	assert_int_equal(fot_stats_crossed(&c, bad, 2, 1, NULL, &BOOT, NULL), FOT_ERR_RUN);
}

static void test_stats_trend_spearman_published(void **state)
{
	/* The textbook's IQ against hours of television: rho = -29/165. */
	static const int64_t length[] = { 106, 100, 86, 101, 99, 103, 97, 113, 112, 110 };
	static const double y[] = { 7, 27, 2, 50, 28, 29, 20, 12, 6, 17 }, one[] = { 1 };
	struct fot_trend t;

	(void)state;
	assert_int_equal(fot_stats_trend(&t, y, one, 1, length, 10, &BOOT, NULL), FOT_OK);
	assert_true(t.has_rho && !t.has_interval);
	near(t.rho, -29.0 / 165.0, 1e-14);
	assert_string_equal(t.status, "one cluster");
}

static void test_stats_trend_theil_sen_by_hand(void **state)
{
	/* x 0 1 2 4, y 0 2 1 6: slopes -1, .5, 4/3, 1.5, 2, 2.5; ties: midranks. */
	static const int64_t length[] = { 1, 2, 4, 16 };
	static const double y[] = { 0, 2, 1, 6 }, tied[] = { 1, 1, 2, 2 }, one[] = { 1 };
	struct fot_trend t;

	(void)state;
	assert_int_equal(fot_stats_trend(&t, y, one, 1, length, 4, &BOOT, NULL), FOT_OK);
	near(t.slope, (4.0 / 3.0 + 1.5) / 2, 1e-14);
	near(t.rho, 0.8, 1e-14);
	assert_int_equal(fot_stats_trend(&t, tied, one, 1, length, 4, &BOOT, NULL), FOT_OK);
	near(t.rho, 4.0 / sqrt(5.0 * 4.0), 1e-14); /* ranks 1 2 3 4 and 1.5 1.5 3.5 3.5 */
}

static void test_stats_trend_draws_documents(void **state)
{
	/* Exactly a straight line in every document, slopes -1, -2 and -3, weights 1 2 1. */
	static const int64_t length[] = { 512, 1024, 2048, 8192 };
	static const double x[] = { 9, 10, 11, 13 }, weight[] = { 1, 2, 1 };
	double num[12];
	struct fot_trend t, u;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t l = 0; l < 4; l++)
			num[i * 4 + l] = weight[i] * (100.0 - (double)(i + 1) * x[l]);
	}
	assert_int_equal(fot_stats_trend(&t, num, weight, 3, length, 4, &BOOT, NULL), FOT_OK);
	near(t.slope, -2.0, 1e-12);
	assert_true(t.has_interval);
	near(t.rho, -1.0, 1e-14);
	near(t.rho_lo, -1.0, 1e-14);
	near(t.rho_hi, -1.0, 1e-14);
	/* Three times document 0 has probability 1/27 > 2.5 %. */
	near(t.lo, -3.0, 1e-12);
	near(t.hi, -1.0, 1e-12);
	assert_int_equal(fot_stats_trend(&u, num, weight, 3, length, 4, &BOOT, NULL), FOT_OK);
	assert_memory_equal(&t.lo, &u.lo, sizeof t.lo);
}

static void test_stats_trend_edges(void **state)
{
	static const int64_t length[] = { 512, 1024 }, zero[] = { 0, 1 };
	static const double same[] = { 3, 3, 5, 5 }, one[] = { 1, 1 }, nan[] = { 1, NAN }, none[] = { 0 };
	struct fot_trend t;

	(void)state;
	assert_int_equal(fot_stats_trend(&t, same, one, 2, length, 2, &BOOT, NULL), FOT_OK);
	assert_string_equal(t.status, "constant");
	assert_true(t.has_slope && t.slope == 0.0 && !t.has_rho && t.lo == 0.0 && t.hi == 0.0);
	assert_int_equal(fot_stats_trend(&t, same, one, 2, length, 1, &BOOT, NULL), FOT_OK);
	assert_string_equal(t.status, "one length");
	assert_int_equal(fot_stats_trend(&t, same, one, 0, length, 2, &BOOT, NULL), FOT_OK);
	assert_string_equal(t.status, "empty");
	assert_int_equal(fot_stats_trend(&t, same, one, 2, zero, 2, &BOOT, NULL), FOT_ERR_RUN);
	assert_int_equal(fot_stats_trend(&t, same, none, 1, length, 2, &BOOT, NULL), FOT_ERR_RUN);
	assert_int_equal(fot_stats_trend(&t, nan, one, 1, length, 2, &BOOT, NULL), FOT_OK);
	assert_true(!t.has_slope && !t.has_rho && !t.has_interval);
	assert_string_equal(t.status, FOT_STATS_OUT_OF_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stats_mcnemar_published),
		cmocka_unit_test(test_stats_mcnemar_agrees_with_enumeration),
		cmocka_unit_test(test_stats_outcomes_by_hand),
		cmocka_unit_test(test_stats_outcomes_bootstrap_agrees_with_all_resamples),
		cmocka_unit_test(test_stats_outcomes_edges),
		cmocka_unit_test(test_stats_crossed_agrees_with_all_resamples),
		cmocka_unit_test(test_stats_crossed_counts_the_spread_of_seeds),
		cmocka_unit_test(test_stats_crossed_edges),
		cmocka_unit_test(test_stats_trend_spearman_published),
		cmocka_unit_test(test_stats_trend_theil_sen_by_hand),
		cmocka_unit_test(test_stats_trend_draws_documents),
		cmocka_unit_test(test_stats_trend_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
