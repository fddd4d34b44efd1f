/* stats_items.c: outcomes item by item: McNemar, paired and crossed bootstrap.
 *
 * McNemar (1947) in its exact form: of the items that A and B answer differently,
 * each falls to either side with probability 1/2, so the smaller side follows a
 * binomial distribution; both tails are counted.
 * Crossed bootstrap (Owen 2007): items and seeds are drawn independently, and
 * the mean over the drawn rows and columns is taken; its spread holds the
 * variation of both.  With classes each draw has its own numbers of their items. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sum.h"
#include "harness/tables/stats.h"

int fot_stats_mcnemar(double *p, int64_t only_a, int64_t only_b, struct fot_err *err)
{
	int64_t less = only_a < only_b ? only_a : only_b;

	if (only_a < 0 || only_b < 0 || only_a > INT_MAX / 2 || only_b > INT_MAX / 2)
		return FOT_FAIL(err, FOT_ERR_RUN, "McNemar: counts %lld and %lld", (long long)only_a,
				(long long)only_b);
	gsl_set_error_handler_off();
	*p = only_a == only_b ?
		     1.0 :
		     fmin(1.0, 2.0 * gsl_cdf_binomial_P((unsigned)less, 0.5, (unsigned)(only_a + only_b)));
	if (!isfinite(*p))
		return FOT_FAIL(err, FOT_ERR_RUN, "McNemar: no p for %lld and %lld", (long long)only_a,
				(long long)only_b);
	return FOT_OK;
}

static bool is_right(double x)
{
	return x > 0.5;
}

static int draw_outcomes(struct fot_outcomes *out, const double *a, const double *b,
			 const struct fot_boot *boot, struct fot_err *err)
{
	double *draw = fot_alloc(boot->draws, sizeof *draw);
	struct fot_rng rng;

	if (!draw)
		return FOT_FAIL(err, FOT_ERR_RUN, "bootstrap: cannot hold %zu draws", boot->draws);
	fot_rng_init(&rng, boot->seed, "stats.bootstrap", boot->item);
	for (size_t t = 0; t < boot->draws; t++) {
		int64_t sum = 0;

		for (size_t i = 0; i < out->n; i++) {
			size_t k = (size_t)fot_rng_below(&rng, out->n);

			sum += is_right(b[k]) - is_right(a[k]);
		}
		draw[t] = (double)sum / (double)out->n;
	}
	fot_stats_percentiles(&out->lo, &out->hi, draw, boot->draws, boot->level);
	fot_free(draw);
	return FOT_OK;
}

int fot_stats_outcomes(struct fot_outcomes *out, const double *a, const double *b, size_t n,
		       const struct fot_boot *boot, struct fot_err *err)
{
	double nn = (double)n, squares;
	int status;

	*out = (struct fot_outcomes){ .n = n, .p = 1.0 };
	out->status = n == 0 ? "empty" : n == 1 ? "one cluster" : "ok";
	FOT_TRY(fot_stats_check_boot(boot, err));
	for (size_t i = 0; i < n; i++) {
		out->only_a += is_right(a[i]) && !is_right(b[i]);
		out->only_b += is_right(b[i]) && !is_right(a[i]);
	}
	if (n == 0)
		goto out;
	out->delta = (double)(out->only_b - out->only_a) / nn;
	FOT_TRY(fot_stats_mcnemar(&out->p, out->only_a, out->only_b, err));
	if (n == 1)
		goto out;
	/* The differences are -1, 0 and 1: their squares sum to the discordant items. */
	squares = (double)(out->only_a + out->only_b) - nn * out->delta * out->delta;
	out->se = sqrt(fmax(0.0, squares) / (nn * (nn - 1.0)));
	out->mdd = FOT_STATS_MDD_FACTOR * out->se;
	FOT_TRY(draw_outcomes(out, a, b, boot, err));
	out->has_interval = true;
out:
	return status;
}

/* --- items x seeds --- */

static double mean_of(const double *x, size_t n)
{
	struct fot_sum s = { 0 };

	for (size_t i = 0; i < n; i++)
		fot_sum_add(&s, x[i]);
	return fot_sum_value(&s) / (double)n;
}

static double sd_of(const double *x, size_t n)
{
	double mean = mean_of(x, n);
	struct fot_sum s = { 0 };

	for (size_t i = 0; i < n; i++)
		fot_sum_add(&s, (x[i] - mean) * (x[i] - mean));
	return sqrt(fot_sum_value(&s) / (double)(n - 1));
}

struct scores {
	const double *score; /* [n_items, n_seeds] */
	size_t n_items, n_seeds;
	const size_t *class; /* [n_items] below n_classes; NULL: all of class 0 */
	size_t n_classes;
	struct fot_sum *sum;  /* [n_classes] of what is being averaged */
	size_t *count;        /* [n_classes] items */
	size_t *item, *seed;  /* what is drawn */
};

static void scores_release(struct scores *x)
{
	fot_free(x->sum);
	fot_free(x->count);
	fot_free(x->item);
	fot_free(x->seed);
}

static int scores_init(struct scores *x, struct fot_err *err)
{
	x->n_classes = 1;
	for (size_t i = 0; x->class && i < x->n_items; i++)
		x->n_classes = x->class[i] >= x->n_classes ? x->class[i] + 1 : x->n_classes;
	x->sum = fot_alloc(x->n_classes, sizeof *x->sum);
	x->count = fot_alloc(x->n_classes, sizeof *x->count);
	x->item = fot_alloc(x->n_items, sizeof *x->item);
	x->seed = fot_alloc(x->n_seeds, sizeof *x->seed);
	if (x->sum && x->count && x->item && x->seed)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu items", x->n_items);
}

/* Of the items and seeds in x: the mean of each class, and over the classes that are there the mean of these. */
static double mean_over_classes(struct scores *x)
{
	double sum = 0.0;
	size_t n = 0;

	for (size_t c = 0; c < x->n_classes; c++) {
		x->sum[c] = (struct fot_sum){ 0 };
		x->count[c] = 0;
	}
	for (size_t i = 0; i < x->n_items; i++) {
		const double *row = x->score + x->item[i] * x->n_seeds;
		size_t c = x->class ? x->class[x->item[i]] : 0;

		x->count[c]++;
		for (size_t k = 0; k < x->n_seeds; k++)
			fot_sum_add(&x->sum[c], row[x->seed[k]]);
	}
	for (size_t c = 0; c < x->n_classes; c++) {
		if (x->count[c] == 0)
			continue;
		sum += fot_sum_value(&x->sum[c]) / ((double)x->count[c] * (double)x->n_seeds);
		n++;
	}
	return sum / (double)n;
}

static void take_all(struct scores *x)
{
	for (size_t i = 0; i < x->n_items; i++)
		x->item[i] = i;
	for (size_t k = 0; k < x->n_seeds; k++)
		x->seed[k] = k;
}

/* Draws at 0 lie on both sides; the estimate itself counts as one more draw, so p > 0. */
static double crossed_p(const double *draw, size_t n)
{
	size_t below = 1, above = 1;

	for (size_t t = 0; t < n; t++) {
		below += draw[t] <= 0.0;
		above += draw[t] >= 0.0;
	}
	return fmin(1.0, 2.0 * (double)(below < above ? below : above) / (double)(n + 1));
}

static int crossed_interval(struct fot_crossed *out, struct scores *x, const struct fot_boot *boot,
			    struct fot_err *err)
{
	double *draw = fot_alloc(boot->draws, sizeof *draw);
	struct fot_rng rng;

	if (!draw)
		return FOT_FAIL(err, FOT_ERR_RUN, "bootstrap: cannot hold %zu draws", boot->draws);
	fot_rng_init(&rng, boot->seed, "stats.crossed", boot->item);
	for (size_t t = 0; t < boot->draws; t++) {
		for (size_t k = 0; k < x->n_seeds; k++)
			x->seed[k] = (size_t)fot_rng_below(&rng, x->n_seeds);
		for (size_t i = 0; i < x->n_items; i++)
			x->item[i] = (size_t)fot_rng_below(&rng, x->n_items);
		draw[t] = mean_over_classes(x);
	}
	out->e.se = sd_of(draw, boot->draws);
	out->p = crossed_p(draw, boot->draws);
	fot_stats_percentiles(&out->e.lo, &out->e.hi, draw, boot->draws, boot->level);
	out->e.has_interval = true;
	fot_free(draw);
	return FOT_OK;
}

int fot_stats_crossed(struct fot_crossed *out, const double *score, size_t n_items, size_t n_seeds,
		      const size_t *class, const struct fot_boot *boot, struct fot_err *err)
{
	struct scores x = { .score = score, .n_items = n_items, .n_seeds = n_seeds, .class = class };
	size_t n = fot_size_mul(n_items, n_seeds);
	int status;

	*out = (struct fot_crossed){ .e = { .level = boot->level, .method = "crossed-bootstrap" }, .p = 1.0 };
	out->e.status = n == 0 ? "empty" : n_items == 1 ? "one cluster" : n_seeds == 1 ? "one seed" : "ok";
	FOT_TRY(fot_stats_check_boot(boot, err));
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(score[i])) {
			status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: score %zu is not finite", i);
			goto out;
		}
	}
	if (n == 0)
		goto out;
	FOT_TRY(scores_init(&x, err));
	take_all(&x);
	out->e.value = mean_over_classes(&x);
	out->e.has_value = true;
	if (n_items > 1)
		FOT_TRY(crossed_interval(out, &x, boot, err));
out:
	scores_release(&x);
	return status;
}
