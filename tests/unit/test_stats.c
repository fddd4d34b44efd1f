/* test_stats.c: statistics against values worked out by hand, published ones
 * and slow exact enumerations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/rng.h"
#include "base/sum.h"
#include "harness/tables/stats.h"

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.12g, want %.12g within %g", got, want, tolerance);
}

static const struct fot_boot BOOT = { .seed = 7, .item = 3, .draws = FOT_STATS_DRAWS, .level = 0.95 };

static void test_sum_keeps_what_plain_addition_loses(void **state)
{
	/* Neumaier's own example: the naive sum is 0, Kahan's too. */
	static const double x[] = { 1.0, 1e100, 1.0, -1e100 };
	struct fot_sum s = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		fot_sum_add(&s, x[i]);
	assert_true(fot_sum_value(&s) == 2.0);
}

static void test_stats_ratio_t_by_hand(void **state)
{
	/* r = 15/6; residuals -0.5, -1, 1.5; se = sqrt(3/2 * 3.5) / 6; t(2) = 4.302652730 */
	static const double y[] = { 2, 4, 9 }, x[] = { 1, 2, 3 };
	struct fot_estimate e;

	(void)state;
	assert_int_equal(fot_stats_ratio_t(&e, y, x, 3, 0.95, NULL), FOT_OK);
	assert_true(e.has_interval && e.has_value);
	near(e.value, 2.5, 1e-15);
	near(e.se, 0.3818813079129867, 1e-14);
	near(e.lo, 2.5 - 4.302652729911275 * 0.3818813079129867, 1e-9);
	near(e.hi, 2.5 + 4.302652729911275 * 0.3818813079129867, 1e-9);
	assert_string_equal(e.status, "ok");
}

static void test_stats_ratio_t_uses_students_quantiles(void **state)
{
	/* t(9, .975) = 2.262157, t(29, .95) = 1.699127: any table. */
	double y[30], x[30];
	struct fot_estimate e;

	(void)state;
	for (int i = 0; i < 30; i++) {
		y[i] = i * i % 11;
		x[i] = 1;
	}
	assert_int_equal(fot_stats_ratio_t(&e, y, x, 10, 0.95, NULL), FOT_OK);
	near((e.hi - e.value) / e.se, 2.262157162854099, 1e-9);
	assert_int_equal(fot_stats_ratio_t(&e, y, x, 30, 0.90, NULL), FOT_OK);
	near((e.hi - e.value) / e.se, 1.699127026533498, 1e-9);
}

static void test_stats_one_cluster_and_none(void **state)
{
	static const double y[] = { 6 }, x[] = { 2 };
	struct fot_estimate e;
	struct fot_paired p;

	(void)state;
	assert_int_equal(fot_stats_ratio_boot(&e, y, x, 1, &BOOT, NULL), FOT_OK);
	assert_true(e.has_value && !e.has_interval && e.value == 3.0);
	assert_string_equal(e.status, "one cluster");
	assert_int_equal(fot_stats_ratio_t(&e, y, x, 1, 0.95, NULL), FOT_OK);
	assert_false(e.has_interval);
	assert_int_equal(fot_stats_ratio_boot(&e, y, x, 0, &BOOT, NULL), FOT_OK);
	assert_false(e.has_value);
	assert_string_equal(e.status, "empty");
	assert_int_equal(fot_stats_paired(&p, x, y, x, 1, &BOOT, NULL), FOT_OK);
	assert_false(p.has_interval);
	assert_true(p.delta == 2.0);
	assert_string_equal(p.status, "one cluster");
	assert_int_equal(fot_stats_paired(&p, x, y, x, 0, &BOOT, NULL), FOT_OK);
	assert_string_equal(p.status, "empty");
}

static void test_stats_refuses_what_is_no_ratio(void **state)
{
	static const double x[] = { 1, 1 }, zero[] = { 1, 0 }, endless[] = { 1, INFINITY };
	struct fot_estimate e;
	struct fot_paired p;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_stats_ratio_boot(&e, x, zero, 2, &BOOT, &err), FOT_ERR_RUN);
	assert_non_null(strstr(err.text, "cluster 1"));
	assert_int_equal(fot_stats_ratio_t(&e, x, endless, 2, 0.95, NULL), FOT_ERR_RUN);
	assert_int_equal(fot_stats_ratio_t(&e, x, x, 2, 1.0, NULL), FOT_ERR_RUN);
	assert_int_equal(fot_stats_paired(&p, x, x, zero, 2, &BOOT, NULL), FOT_ERR_RUN);
}

static void no_estimate(const struct fot_estimate *e)
{
	assert_false(e->has_value);
	assert_false(e->has_interval);
	assert_string_equal(e->status, FOT_STATS_OUT_OF_RANGE);
}

static void test_stats_out_of_range_is_not_there(void **state)
{
	static const double huge[] = { 1e308, 1e308, 1e308 }, less[] = { -1e308, -1e308, -1e308 }, one[] = { 1, 1, 1 },
			    nan[] = { 1, NAN, 1 }, steep[] = { 700, 900, 100 }, steeper[] = { 700, 1000, 100 };
	struct fot_estimate e;
	struct fot_paired p;

	(void)state;
	assert_int_equal(fot_stats_ratio_boot(&e, huge, one, 3, &BOOT, NULL), FOT_OK);
	no_estimate(&e);
	assert_int_equal(fot_stats_ratio_t(&e, nan, one, 3, 0.95, NULL), FOT_OK);
	no_estimate(&e);
	assert_int_equal(fot_stats_ratio_boot(&e, steep + 1, one, 1, &BOOT, NULL), FOT_OK);
	assert_string_equal(e.status, "one cluster");
	fot_stats_exp(&e); /* exp(900) */
	no_estimate(&e);
	assert_int_equal(fot_stats_ratio_boot(&e, steep, one, 3, &BOOT, NULL), FOT_OK);
	fot_stats_exp(&e); /* exp(567), and above up to exp(900) */
	assert_true(e.has_value && !e.has_interval && isfinite(e.value));
	assert_string_equal(e.status, FOT_STATS_OUT_OF_RANGE);
	assert_int_equal(fot_stats_paired(&p, less, huge, one, 3, &BOOT, NULL), FOT_OK);
	assert_false(p.has_delta || p.has_interval);
	assert_string_equal(p.status, FOT_STATS_OUT_OF_RANGE);
	assert_int_equal(fot_stats_paired(&p, steep, steeper, one, 3, &BOOT, NULL), FOT_OK);
	assert_true(p.has_delta && p.has_interval && p.p_flip > 0.0 && p.p_t > 0.0 && !isfinite(p.exp_hi));
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All m^m resamples, in order: the distribution that the bootstrap samples. */
static void test_stats_bootstrap_agrees_with_all_resamples(void **state)
{
	static const double y[] = { 21.3, 14.9, 33.1, 8.8, 27.7 }, x[] = { 10, 7, 12, 5, 11 };
	static double all[3125];
	struct fot_estimate e;

	(void)state;
	for (int r = 0; r < 3125; r++) {
		double sy = 0, sx = 0;

		for (int i = 0, q = r; i < 5; i++, q /= 5) {
			sy += y[q % 5];
			sx += x[q % 5];
		}
		all[r] = sy / sx;
	}
	qsort(all, 3125, sizeof all[0], by_value);
	assert_int_equal(fot_stats_ratio_boot(&e, y, x, 5, &BOOT, NULL), FOT_OK);
	/* Order statistics of 10,000 draws: 4 standard errors of the rank are 62 draws. */
	assert_in_range((unsigned long)(e.lo >= all[3125 * 188 / 10000] && e.lo <= all[3125 * 312 / 10000]),
			1, 1);
	assert_in_range((unsigned long)(e.hi >= all[3125 * 9688 / 10000] && e.hi <= all[3125 * 9812 / 10000]),
			1, 1);
	assert_true(e.lo < e.value && e.value < e.hi);
}

static void test_stats_bootstrap_repeats_by_seed_and_item(void **state)
{
	static const double y[] = { 2.1, 3.7, 1.4, 2.9, 4.4, 0.3 }, x[] = { 1, 2, 1, 1, 2, 1 };
	struct fot_boot other = BOOT;
	struct fot_estimate a, b, c;

	(void)state;
	other.item = 4;
	assert_int_equal(fot_stats_ratio_boot(&a, y, x, 6, &BOOT, NULL), FOT_OK);
	assert_int_equal(fot_stats_ratio_boot(&c, y, x, 6, &other, NULL), FOT_OK);
	assert_int_equal(fot_stats_ratio_boot(&b, y, x, 6, &BOOT, NULL), FOT_OK);
	assert_true(a.lo == b.lo && a.hi == b.hi);
	assert_true(a.lo != c.lo || a.hi != c.hi);
}

static void test_stats_exp_and_scale(void **state)
{
	struct fot_estimate e = { .value = 2, .lo = 1, .hi = 3, .se = 0.1 };

	(void)state;
	fot_stats_exp(&e);
	near(e.value, exp(2), 1e-12);
	near(e.lo, exp(1), 1e-12);
	near(e.hi, exp(3), 1e-12);
	near(e.se, 0.1 * exp(2), 1e-12);
	fot_stats_scale(&e, 2);
	near(e.hi, 2 * exp(3), 1e-12);
}

static void test_stats_sign_flip_by_hand(void **state)
{
	static const double same[] = { 1, 2, 3 }, mixed[] = { 4, -1, 2 }, none[] = { 0, 0 }, one[] = { 5 };
	bool exact;

	(void)state;
	near(fot_stats_sign_flip(same, 3, &BOOT, &exact), 2.0 / 8, 0);
	assert_true(exact);
	/* |sum| = 5 of the values 7, 5, 3, 1 (each twice): 7, 7, 5, 5 reach it */
	near(fot_stats_sign_flip(mixed, 3, &BOOT, &exact), 4.0 / 8, 0);
	near(fot_stats_sign_flip(none, 2, &BOOT, &exact), 1.0, 0);
	near(fot_stats_sign_flip(one, 1, &BOOT, &exact), 1.0, 0);
}

static void test_stats_sign_flip_draws_agree_with_enumeration(void **state)
{
	struct fot_boot few = BOOT;
	struct fot_rng rng;
	double d[13], p_all, p_drawn;
	bool exact;

	(void)state;
	fot_rng_init(&rng, 5, "test", 0);
	for (int i = 0; i < 13; i++)
		d[i] = fot_rng_normal(&rng) + 0.4;
	p_all = fot_stats_sign_flip(d, 13, &BOOT, &exact);
	assert_true(exact);
	few.draws = 8000; /* 2^13 = 8192 is more */
	p_drawn = fot_stats_sign_flip(d, 13, &few, &exact);
	assert_false(exact);
	near(p_drawn, p_all, 4 * sqrt(p_all * (1 - p_all) / 8000) + 1e-3);
}

static void test_stats_paired_by_hand(void **state)
{
	/* d = 1, 2, 3, 6 with unit denominators: mean 3, sd sqrt(14/3), se sqrt(14/12).
	 * t = 2.7774602993; two-sided t(3) p = 0.0691 (pt in R). */
	static const double a[] = { 10, 11, 9, 12 }, b[] = { 11, 13, 12, 18 }, one[] = { 1, 1, 1, 1 };
	struct fot_paired p;

	(void)state;
	assert_int_equal(fot_stats_paired(&p, a, b, one, 4, &BOOT, NULL), FOT_OK);
	near(p.delta, 3, 1e-15);
	near(p.se, sqrt(14.0 / 12), 1e-14);
	near(p.mdd, 2.8 * sqrt(14.0 / 12), 1e-13);
	near(p.p_t, 0.0691, 5e-5);
	near(p.p_flip, 2.0 / 16, 0);
	assert_true(p.flip_exact);
	near(p.exp_delta, exp(13.5) - exp(10.5), 1e-6);
	assert_true(p.lo >= 1 && p.hi <= 6 && p.lo < 3 && p.hi > 3);
}

static void test_stats_paired_sees_through_common_variation(void **state)
{
	/* Documents differ wildly, B is better by 0.1 to 0.2 on each. */
	double a[16], b[16], den[16];
	struct fot_paired p;
	struct fot_estimate ea, eb;

	(void)state;
	for (int i = 0; i < 16; i++) {
		den[i] = 100 + i;
		a[i] = den[i] * (1 + i * 0.5);
		b[i] = a[i] - den[i] * (0.1 + 0.1 * (i % 3) / 2);
	}
	assert_int_equal(fot_stats_paired(&p, a, b, den, 16, &BOOT, NULL), FOT_OK);
	assert_int_equal(fot_stats_ratio_boot(&ea, a, den, 16, &BOOT, NULL), FOT_OK);
	assert_int_equal(fot_stats_ratio_boot(&eb, b, den, 16, &BOOT, NULL), FOT_OK);
	assert_true(eb.hi > ea.lo);
	assert_true(p.hi < 0 && p.lo > -0.2 - 1e-12);
	assert_true(p.exp_hi < 0);
	near(p.p_flip, 1.0 / 10001, 1e-9);
	assert_true(p.p_t < 1e-8);
}

static void test_stats_paired_identical_conditions(void **state)
{
	static const double a[] = { 3, 1, 4, 1, 5 }, den[] = { 1, 2, 3, 4, 5 };
	struct fot_paired p;

	(void)state;
	assert_int_equal(fot_stats_paired(&p, a, a, den, 5, &BOOT, NULL), FOT_OK);
	assert_true(p.delta == 0 && p.lo == 0 && p.hi == 0 && p.p_flip == 1 && p.p_t == 1 && p.mdd == 0);
}

static void test_stats_wilson_published(void **state)
{
	/* 47/50: 83.8 to 97.9 %; Newcombe (1998), table I: 81/263 gives .2553 to .3662,
	 * 15/148 .0624 to .1605, 0/20 0 to .1611, 1/29 .0061 to .1718. */
	static const struct {
		int64_t k, n;
		double lo, hi, tolerance;
	} row[] = { { 47, 50, 0.838, 0.979, 5e-4 },
		    { 81, 263, 0.2553, 0.3662, 5e-5 },
		    { 15, 148, 0.0624, 0.1605, 5e-5 },
		    { 0, 20, 0, 0.1611, 5e-5 },
		    { 1, 29, 0.0061, 0.1718, 5e-5 } };
	struct fot_estimate e;

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		assert_int_equal(fot_stats_wilson(&e, row[i].k, row[i].n, 0.95, NULL), FOT_OK);
		near(e.lo, row[i].lo, row[i].tolerance);
		near(e.hi, row[i].hi, row[i].tolerance);
	}
}

static void test_stats_proportion_edges(void **state)
{
	struct fot_estimate e;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_stats_wilson(&e, 0, 0, 0.95, NULL), FOT_OK);
	assert_false(e.has_value);
	assert_string_equal(e.status, "empty");
	assert_int_equal(fot_stats_wilson(&e, 5, 5, 0.95, NULL), FOT_OK);
	assert_true(e.hi == 1.0 && e.lo > 0.5);
	assert_int_equal(fot_stats_wilson(&e, 6, 5, 0.95, &err), FOT_ERR_RUN);
	assert_non_null(strstr(err.text, "6 successes of 5"));
	assert_int_equal(fot_stats_wilson(&e, -1, 5, 0.95, NULL), FOT_ERR_RUN);
}

static void test_stats_holm_published(void **state)
{
	/* p.adjust(c(.01, .04, .03, .005)) of R */
	static const double p[] = { 0.01, 0.04, 0.03, 0.005 }, holm[] = { 0.03, 0.06, 0.06, 0.02 };
	/* Benjamini and Hochberg (1995), section 3: 15 p values, of which Holm rejects 3 at 0.05 */
	static const double many[] = { 0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
				       0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000 };
	double got[15];
	int n_rejected = 0;

	(void)state;
	assert_int_equal(fot_stats_holm(got, p, 4, NULL), FOT_OK);
	for (int i = 0; i < 4; i++)
		near(got[i], holm[i], 1e-15);
	assert_int_equal(fot_stats_holm(got, many, 15, NULL), FOT_OK);
	for (int i = 0; i < 15; i++) {
		n_rejected += got[i] <= 0.05;
		assert_true(got[i] >= many[i] && got[i] <= 1.0);
	}
	assert_int_equal(n_rejected, 3);
}

static void test_stats_adjust_refuses_no_probability(void **state)
{
	double p[] = { 0.1, 1.5 }, got[2];
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_stats_holm(got, p, 2, &err), FOT_ERR_RUN);
	assert_non_null(strstr(err.text, "p[1]"));
	p[1] = NAN;
	assert_int_equal(fot_stats_holm(got, p, 2, NULL), FOT_ERR_RUN);
	assert_int_equal(fot_stats_holm(got, p, 0, NULL), FOT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum_keeps_what_plain_addition_loses),
		cmocka_unit_test(test_stats_ratio_t_by_hand),
		cmocka_unit_test(test_stats_ratio_t_uses_students_quantiles),
		cmocka_unit_test(test_stats_one_cluster_and_none),
		cmocka_unit_test(test_stats_refuses_what_is_no_ratio),
		cmocka_unit_test(test_stats_out_of_range_is_not_there),
		cmocka_unit_test(test_stats_bootstrap_agrees_with_all_resamples),
		cmocka_unit_test(test_stats_bootstrap_repeats_by_seed_and_item),
		cmocka_unit_test(test_stats_exp_and_scale),
		cmocka_unit_test(test_stats_sign_flip_by_hand),
		cmocka_unit_test(test_stats_sign_flip_draws_agree_with_enumeration),
		cmocka_unit_test(test_stats_paired_by_hand),
		cmocka_unit_test(test_stats_paired_sees_through_common_variation),
		cmocka_unit_test(test_stats_paired_identical_conditions),
		cmocka_unit_test(test_stats_wilson_published),
		cmocka_unit_test(test_stats_proportion_edges),
		cmocka_unit_test(test_stats_holm_published),
		cmocka_unit_test(test_stats_adjust_refuses_no_probability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
