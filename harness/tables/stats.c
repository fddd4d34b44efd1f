/* stats.c: see stats.h.
 *
 * Linearised ratio (Cochran, Sampling Techniques, 2.11): with r = sum y / sum x,
 * var(r) ~ m/(m-1) sum (y_i - r x_i)^2 / (sum x)^2.
 * Bootstrap: documents are drawn with replacement, m of them, and the ratio of
 * the drawn sums is taken; percentiles by linear interpolation (type 7). */
#include "harness/tables/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sum.h"

/* GSL's default handler aborts the program. Setting it is idempotent. */
static void quiet_gsl(void)
{
	gsl_set_error_handler_off();
}

int fot_stats_ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x > y) - (x < y);
}

static double total(const double *x, size_t m)
{
	struct fot_sum s = { 0 };

	for (size_t i = 0; i < m; i++)
		fot_sum_add(&s, x[i]);
	return fot_sum_value(&s);
}

static int check_clusters(const double *num, const double *den, size_t m, double level, struct fot_err *err)
{
	if (!(level > 0.0 && level < 1.0))
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: level %g: expected a number between 0 and 1",
				level);
	for (size_t i = 0; i < m; i++) {
		if (!isfinite(den[i]) || den[i] <= 0.0)
			return FOT_FAIL(err, FOT_ERR_RUN, "statistics: cluster %zu: %g / %g is not a ratio",
					i, num[i], den[i]);
	}
	return FOT_OK;
}

/* What no double holds is not there. */
static void settle(struct fot_estimate *e)
{
	bool value = e->has_value && isfinite(e->value);
	bool interval = value && e->has_interval && isfinite(e->lo) && isfinite(e->hi);

	if (value != e->has_value || interval != e->has_interval)
		e->status = FOT_STATS_OUT_OF_RANGE;
	e->has_value = value;
	e->has_interval = interval;
}

static double linearised_se(const double *num, const double *den, size_t m, double ratio)
{
	struct fot_sum s = { 0 };

	for (size_t i = 0; i < m; i++) {
		double e = num[i] - ratio * den[i];

		fot_sum_add(&s, e * e);
	}
	return sqrt((double)m / (double)(m - 1) * fot_sum_value(&s)) / total(den, m);
}

/* value, status and, from two clusters on, se. True when an interval can follow. */
static bool ratio_begin(struct fot_estimate *out, const double *num, const double *den, size_t m,
			double level, const char *method)
{
	*out = (struct fot_estimate){ .level = level, .method = method, .status = "ok" };
	if (m == 0) {
		out->status = "empty";
		return false;
	}
	out->value = total(num, m) / total(den, m);
	out->has_value = true;
	if (m == 1)
		out->status = "one cluster";
	settle(out);
	if (m == 1 || !out->has_value)
		return false;
	out->se = linearised_se(num, den, m, out->value);
	return true;
}

void fot_stats_percentiles(double *lo, double *hi, double *draw, size_t n, double level)
{
	qsort(draw, n, sizeof *draw, fot_stats_ascending);
	*lo = gsl_stats_quantile_from_sorted_data(draw, 1, n, (1.0 - level) / 2.0);
	*hi = gsl_stats_quantile_from_sorted_data(draw, 1, n, (1.0 + level) / 2.0);
}

int fot_stats_check_boot(const struct fot_boot *boot, struct fot_err *err)
{
	if (!(boot->level > 0.0 && boot->level < 1.0))
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: level %g: expected a number between 0 and 1",
				boot->level);
	if (boot->draws < 2)
		return FOT_FAIL(err, FOT_ERR_RUN, "bootstrap: %zu draws: expected at least 2", boot->draws);
	return FOT_OK;
}

int fot_stats_ratio_boot(struct fot_estimate *out, const double *num, const double *den, size_t m,
			 const struct fot_boot *boot, struct fot_err *err)
{
	struct fot_rng rng;
	double *draw = NULL;
	int status = check_clusters(num, den, m, boot->level, err);

	if (status != FOT_OK || !ratio_begin(out, num, den, m, boot->level, "cluster-bootstrap"))
		return status;
	draw = fot_alloc(boot->draws, sizeof *draw);
	if (!draw || boot->draws < 2) {
		fot_free(draw);
		return FOT_FAIL(err, FOT_ERR_RUN, "bootstrap: cannot hold %zu draws", boot->draws);
	}
	fot_rng_init(&rng, boot->seed, "stats.bootstrap", boot->item);
	for (size_t b = 0; b < boot->draws; b++) {
		struct fot_sum y = { 0 }, x = { 0 };

		for (size_t i = 0; i < m; i++) {
			size_t k = (size_t)fot_rng_below(&rng, m);

			fot_sum_add(&y, num[k]);
			fot_sum_add(&x, den[k]);
		}
		draw[b] = fot_sum_value(&y) / fot_sum_value(&x);
	}
	fot_stats_percentiles(&out->lo, &out->hi, draw, boot->draws, boot->level);
	out->has_interval = true;
	settle(out);
	fot_free(draw);
	return FOT_OK;
}

int fot_stats_ratio_t(struct fot_estimate *out, const double *num, const double *den, size_t m, double level,
		      struct fot_err *err)
{
	int status = check_clusters(num, den, m, level, err);
	double half;

	if (status != FOT_OK || !ratio_begin(out, num, den, m, level, "ratio-t"))
		return status;
	quiet_gsl();
	half = gsl_cdf_tdist_Pinv((1.0 + level) / 2.0, (double)(m - 1)) * out->se;
	out->lo = out->value - half;
	out->hi = out->value + half;
	out->has_interval = true;
	settle(out);
	return FOT_OK;
}

void fot_stats_exp(struct fot_estimate *e)
{
	e->value = exp(e->value);
	e->lo = exp(e->lo);
	e->hi = exp(e->hi);
	e->se *= e->value;
	settle(e);
}

void fot_stats_scale(struct fot_estimate *e, double factor)
{
	e->value *= factor;
	e->lo *= factor;
	e->hi *= factor;
	e->se *= factor;
	settle(e);
}

/* --- two conditions on the same clusters --- */

static double two_sided_t(double t, double df)
{
	quiet_gsl();
	return fmin(1.0, 2.0 * gsl_cdf_tdist_Q(fabs(t), df));
}

/* A flipped sum counts as extreme when it reaches the observed one up to rounding. */
static bool reaches(double flipped, double observed, double scale)
{
	return fabs(flipped) >= fabs(observed) - 1e-12 * scale;
}

static double flip_all(const double *d, size_t m, double observed, double scale)
{
	size_t patterns = (size_t)1 << m, hits = 0;

	for (size_t p = 0; p < patterns; p++) {
		struct fot_sum s = { 0 };

		for (size_t i = 0; i < m; i++)
			fot_sum_add(&s, (p >> i) & 1u ? -d[i] : d[i]);
		hits += reaches(fot_sum_value(&s), observed, scale);
	}
	return (double)hits / (double)patterns;
}

static double flip_some(const double *d, size_t m, double observed, double scale, const struct fot_boot *boot)
{
	struct fot_rng rng;
	size_t hits = 0;

	fot_rng_init(&rng, boot->seed, "stats.signflip", boot->item);
	for (size_t b = 0; b < boot->draws; b++) {
		struct fot_sum s = { 0 };
		uint64_t bits = 0;

		for (size_t i = 0; i < m; i++) {
			if (i % 64 == 0)
				bits = fot_rng_u64(&rng);
			fot_sum_add(&s, (bits >> (i % 64)) & 1u ? -d[i] : d[i]);
		}
		hits += reaches(fot_sum_value(&s), observed, scale);
	}
	return (double)(hits + 1) / (double)(boot->draws + 1);
}

double fot_stats_sign_flip(const double *d, size_t m, const struct fot_boot *boot, bool *exact)
{
	double observed = total(d, m), scale = 0.0;

	for (size_t i = 0; i < m; i++)
		scale += fabs(d[i]);
	*exact = true;
	if (!isfinite(scale))
		return 1.0;
	*exact = m < 8 * sizeof(size_t) - 1 && ((size_t)1 << m) <= boot->draws;
	return *exact ? flip_all(d, m, observed, scale) : flip_some(d, m, observed, scale, boot);
}

static int paired_boot(struct fot_paired *out, const double *a, const double *b, const double *den, size_t m,
		       const struct fot_boot *boot, struct fot_err *err)
{
	double *delta = fot_alloc(boot->draws, sizeof *delta), *power = fot_alloc(boot->draws, sizeof *power);
	struct fot_rng rng;
	int status = FOT_OK;

	if (!delta || !power || boot->draws < 2) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "bootstrap: cannot hold %zu draws", boot->draws);
		goto out;
	}
	fot_rng_init(&rng, boot->seed, "stats.bootstrap", boot->item);
	for (size_t t = 0; t < boot->draws; t++) {
		struct fot_sum ya = { 0 }, yb = { 0 }, x = { 0 };

		for (size_t i = 0; i < m; i++) {
			size_t k = (size_t)fot_rng_below(&rng, m);

			fot_sum_add(&ya, a[k]);
			fot_sum_add(&yb, b[k]);
			fot_sum_add(&x, den[k]);
		}
		delta[t] = (fot_sum_value(&yb) - fot_sum_value(&ya)) / fot_sum_value(&x);
		power[t] = exp(fot_sum_value(&yb) / fot_sum_value(&x)) -
			   exp(fot_sum_value(&ya) / fot_sum_value(&x));
	}
	fot_stats_percentiles(&out->lo, &out->hi, delta, boot->draws, boot->level);
	fot_stats_percentiles(&out->exp_lo, &out->exp_hi, power, boot->draws, boot->level);
out:
	fot_free(delta);
	fot_free(power);
	return status;
}

int fot_stats_paired(struct fot_paired *out, const double *num_a, const double *num_b, const double *den,
		     size_t m, const struct fot_boot *boot, struct fot_err *err)
{
	double *d = NULL;
	int status;

	*out = (struct fot_paired){ .m = m, .status = m == 0 ? "empty" : m == 1 ? "one cluster" : "ok" };
	FOT_TRY(check_clusters(num_a, den, m, boot->level, err));
	FOT_TRY(check_clusters(num_b, den, m, boot->level, err));
	if (m == 0)
		goto out;
	d = fot_alloc(m, sizeof *d);
	if (!d) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu clusters", m);
		goto out;
	}
	for (size_t i = 0; i < m; i++)
		d[i] = num_b[i] - num_a[i];
	out->delta = total(d, m) / total(den, m);
	out->exp_delta = exp(total(num_b, m) / total(den, m)) - exp(total(num_a, m) / total(den, m));
	out->has_delta = isfinite(out->delta);
	if (m > 1 && out->has_delta)
		FOT_TRY(paired_boot(out, num_a, num_b, den, m, boot, err));
	out->has_interval = m > 1 && out->has_delta && isfinite(out->lo) && isfinite(out->hi);
	if (!out->has_delta || (m > 1 && !out->has_interval))
		out->status = FOT_STATS_OUT_OF_RANGE;
	if (!out->has_interval)
		goto out;
	out->se = linearised_se(d, den, m, out->delta);
	out->mdd = FOT_STATS_MDD_FACTOR * out->se;
	out->p_flip = fot_stats_sign_flip(d, m, boot, &out->flip_exact);
	/* No spread: the same in every cluster, or no difference at all. */
	if (!isfinite(out->se))
		out->p_t = 1.0;
	else if (out->se > 0.0)
		out->p_t = two_sided_t(out->delta / out->se, (double)(m - 1));
	else
		out->p_t = out->delta == 0.0 ? 1.0 : 0.0;
out:
	fot_free(d);
	return status;
}

/* --- proportions --- */

int fot_stats_wilson(struct fot_estimate *out, int64_t k, int64_t n, double level, struct fot_err *err)
{
	double z, nn = (double)n, centre, half;

	*out = (struct fot_estimate){ .level = level, .method = "wilson", .status = n == 0 ? "empty" : "ok" };
	if (n < 0 || k < 0 || k > n)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: %lld successes of %lld trials", (long long)k,
				(long long)n);
	if (!(level > 0.0 && level < 1.0))
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: level %g: expected a number between 0 and 1",
				level);
	if (n == 0)
		return FOT_OK;
	quiet_gsl();
	out->has_value = out->has_interval = true;
	out->value = (double)k / nn;
	out->se = sqrt(out->value * (1.0 - out->value) / nn);
	z = gsl_cdf_ugaussian_Pinv((1.0 + level) / 2.0);
	centre = (out->value + z * z / (2.0 * nn)) / (1.0 + z * z / nn);
	half = z / (1.0 + z * z / nn) * sqrt(out->value * (1.0 - out->value) / nn + z * z / (4.0 * nn * nn));
	out->lo = k == 0 ? 0.0 : fmax(0.0, centre - half);
	out->hi = k == n ? 1.0 : fmin(1.0, centre + half);
	return FOT_OK;
}

/* --- several tests --- */

struct ranked {
	double p;
	size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

int fot_stats_holm(double *adjusted, const double *p, size_t n, struct fot_err *err)
{
	struct ranked *r = fot_alloc(n, sizeof *r);
	double worst = 0.0;
	int status = FOT_OK;

	if (!r)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu p values", n);
	for (size_t i = 0; i < n && status == FOT_OK; i++) {
		if (!(p[i] >= 0.0 && p[i] <= 1.0))
			status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: p[%zu] = %g is no probability", i, p[i]);
		r[i] = (struct ranked){ p[i], i };
	}
	if (status != FOT_OK)
		goto out;
	qsort(r, n, sizeof *r, compare_ranked);
	for (size_t i = 0; i < n; i++) {
		worst = fmax(worst, fmin(1.0, (double)(n - i) * r[i].p));
		adjusted[r[i].at] = worst;
	}
out:
	fot_free(r);
	return status;
}
