/* stats_trend.c: does a quantity rise or fall with the context length?
 *
 * The corpus ratio at each length against x = log2(length): Theil-Sen's slope,
 * the median of the slopes of all pairs of lengths (Sen 1968), and Spearman's
 * rank correlation.  Neither assumes a straight line.  Intervals: documents are
 * drawn with all their lengths, so that what documents have in common cancels. */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sum.h"
#include "harness/tables/stats.h"

struct trend {
	const double *num, *den; /* [m, n], [m] */
	size_t m, n;
	double *x, *y;         /* [n] log2(length), ratio */
	double *slope;         /* [n (n - 1) / 2] */
	double *work;          /* [2 n] for the ranks */
	size_t *count;         /* [m] how often a document was drawn */
	double *slopes, *rhos; /* [draws] */
};

/* The ratios at all lengths, document i counted count[i] times. */
static void ratios(const struct trend *t)
{
	struct fot_sum x = { 0 };

	for (size_t i = 0; i < t->m; i++)
		fot_sum_add(&x, (double)t->count[i] * t->den[i]);
	for (size_t l = 0; l < t->n; l++) {
		struct fot_sum y = { 0 };

		for (size_t i = 0; i < t->m; i++)
			fot_sum_add(&y, (double)t->count[i] * t->num[i * t->n + l]);
		t->y[l] = fot_sum_value(&y) / fot_sum_value(&x);
	}
}

/* False when all lengths are the same. */
static bool theil_sen(double *slope, const struct trend *t)
{
	size_t k = 0;

	for (size_t a = 0; a < t->n; a++) {
		for (size_t b = a + 1; b < t->n; b++) {
			if (t->x[a] < t->x[b] || t->x[a] > t->x[b])
				t->slope[k++] = (t->y[b] - t->y[a]) / (t->x[b] - t->x[a]);
		}
	}
	if (k == 0)
		return false;
	qsort(t->slope, k, sizeof *t->slope, fot_stats_ascending);
	*slope = gsl_stats_median_from_sorted_data(t->slope, 1, k);
	return true;
}

/* False when the ratios are all equal: a rank correlation does not exist then. */
static bool spearman(double *rho, const struct trend *t)
{
	bool constant = true;

	for (size_t l = 1; l < t->n && constant; l++)
		constant = !(t->y[l] < t->y[0] || t->y[l] > t->y[0]);
	if (constant)
		return false;
	*rho = fmax(-1.0, fmin(1.0, gsl_stats_spearman(t->x, 1, t->y, 1, t->n, t->work)));
	return isfinite(*rho);
}

/* The ratios of as many documents, drawn. */
static void draw_ratios(const struct trend *t, struct fot_rng *rng)
{
	memset(t->count, 0, t->m * sizeof *t->count);
	for (size_t i = 0; i < t->m; i++)
		t->count[fot_rng_below(rng, t->m)]++;
	ratios(t);
}

static void draw(struct trend *t, struct fot_rng *rng, size_t at)
{
	draw_ratios(t, rng);
	t->slopes[at] = t->rhos[at] = 0.0;
	theil_sen(&t->slopes[at], t);
	spearman(&t->rhos[at], t);
}

static int trend_init(struct trend *t, const int64_t *length, const struct fot_boot *boot,
		      struct fot_err *err)
{
	t->x = fot_alloc(t->n, sizeof *t->x);
	t->y = fot_alloc(t->n, sizeof *t->y);
	t->slope = fot_alloc(fot_size_mul(t->n, t->n), sizeof *t->slope);
	t->work = fot_alloc(fot_size_mul(t->n, 2), sizeof *t->work);
	t->count = fot_alloc(t->m, sizeof *t->count);
	t->slopes = fot_alloc(boot->draws, sizeof *t->slopes);
	t->rhos = fot_alloc(boot->draws, sizeof *t->rhos);
	if (!t->x || !t->y || !t->slope || !t->work || !t->count || !t->slopes || !t->rhos)
		return FOT_NO_MEMORY(err, "trend");
	for (size_t l = 0; l < t->n; l++) {
		if (length[l] <= 0)
			return FOT_FAIL(err, FOT_ERR_RUN, "trend: length %lld: expected a positive one",
					(long long)length[l]);
		t->x[l] = log2((double)length[l]);
	}
	for (size_t i = 0; i < t->m; i++)
		t->count[i] = 1;
	return FOT_OK;
}

static void trend_release(struct trend *t)
{
	fot_free(t->x);
	fot_free(t->y);
	fot_free(t->slope);
	fot_free(t->work);
	fot_free(t->count);
	fot_free(t->slopes);
	fot_free(t->rhos);
}

static int check_weights(const double *den, size_t m, struct fot_err *err)
{
	for (size_t i = 0; i < m; i++) {
		if (!isfinite(den[i]) || den[i] <= 0.0)
			return FOT_FAIL(err, FOT_ERR_RUN, "trend: document %zu has the weight %g", i, den[i]);
	}
	return FOT_OK;
}

static void estimate(struct fot_trend *out, struct trend *t)
{
	gsl_set_error_handler_off();
	ratios(t);
	out->has_slope = theil_sen(&out->slope, t);
	if (out->has_slope && !isfinite(out->slope)) {
		*out = (struct fot_trend){ .status = FOT_STATS_OUT_OF_RANGE };
		return;
	}
	out->has_rho = out->has_slope && spearman(&out->rho, t);
	out->status = !out->has_slope ? "one length" :
		      !out->has_rho   ? "constant" :
		      t->m == 1       ? "one cluster" :
					"ok";
}

int fot_stats_trend(struct fot_trend *out, const double *num, const double *den, size_t m,
		    const int64_t *length, size_t n_lengths, const struct fot_boot *boot, struct fot_err *err)
{
	struct trend t = { .num = num, .den = den, .m = m, .n = n_lengths };
	struct fot_rng rng;
	int status;

	*out = (struct fot_trend){ .status = "empty" };
	FOT_TRY(fot_stats_check_boot(boot, err));
	FOT_TRY(check_weights(den, m, err));
	if (m == 0 || n_lengths == 0)
		goto out;
	FOT_TRY(trend_init(&t, length, boot, err));
	estimate(out, &t);
	if (!out->has_slope || m == 1)
		goto out;
	fot_rng_init(&rng, boot->seed, "stats.bootstrap", boot->item);
	for (size_t b = 0; b < boot->draws; b++)
		draw(&t, &rng, b);
	fot_stats_percentiles(&out->lo, &out->hi, t.slopes, boot->draws, boot->level);
	fot_stats_percentiles(&out->rho_lo, &out->rho_hi, t.rhos, boot->draws, boot->level);
	out->has_interval = isfinite(out->lo) && isfinite(out->hi) && isfinite(out->rho_lo) && isfinite(out->rho_hi);
	if (!out->has_interval)
		out->status = FOT_STATS_OUT_OF_RANGE;
out:
	trend_release(&t);
	return status;
}

/* --- how far does it fall? --- */

struct steps {
	struct trend t; /* of which y and count are used */
	size_t n;       /* steps: one less than lengths */
	double *step;   /* [n] of the ratio from each length to the next */
	double *drawn;  /* [n, draws] */
	double *sd;     /* [n] of those around step */
	double *worst;  /* [draws] the largest distance from step of any, in units of sd */
};

static int steps_init(struct steps *s, const struct fot_boot *boot, struct fot_err *err)
{
	s->t.y = fot_alloc(s->t.n, sizeof *s->t.y);
	s->t.count = fot_alloc(s->t.m, sizeof *s->t.count);
	s->step = fot_alloc(s->n, sizeof *s->step);
	s->drawn = fot_alloc(fot_size_mul(s->n, boot->draws), sizeof *s->drawn);
	s->sd = fot_alloc(s->n, sizeof *s->sd);
	s->worst = fot_calloc(boot->draws, sizeof *s->worst);
	if (!s->t.y || !s->t.count || !s->step || !s->drawn || !s->sd || !s->worst)
		return FOT_NO_MEMORY(err, "trend");
	for (size_t i = 0; i < s->t.m; i++)
		s->t.count[i] = 1;
	return FOT_OK;
}

static void steps_release(struct steps *s)
{
	fot_free(s->t.y);
	fot_free(s->t.count);
	fot_free(s->step);
	fot_free(s->drawn);
	fot_free(s->sd);
	fot_free(s->worst);
}

/* The first step that does not fall, with so many sd in favour of falling. */
static size_t falls_to(const struct steps *s, double sds)
{
	size_t i = 0;

	while (i < s->n && s->step[i] - (sds != 0.0 ? sds * s->sd[i] : 0.0) < 0.0)
		i++;
	return i;
}

/* The quantile of the largest distance: no step's band of so many sd is left by more than 1 - level of the draws. */
static double widest(struct steps *s, const struct fot_boot *boot)
{
	struct fot_rng rng;

	fot_rng_init(&rng, boot->seed, "stats.bootstrap", boot->item);
	for (size_t b = 0; b < boot->draws; b++) {
		draw_ratios(&s->t, &rng);
		for (size_t i = 0; i < s->n; i++)
			s->drawn[i * boot->draws + b] = s->t.y[i + 1] - s->t.y[i];
	}
	for (size_t i = 0; i < s->n; i++) {
		const double *drawn = s->drawn + i * boot->draws;

		s->sd[i] = gsl_stats_sd_with_fixed_mean(drawn, 1, boot->draws, s->step[i]);
		for (size_t b = 0; b < boot->draws && s->sd[i] > 0.0; b++)
			s->worst[b] = fmax(s->worst[b], fabs(drawn[b] - s->step[i]) / s->sd[i]);
	}
	qsort(s->worst, boot->draws, sizeof *s->worst, fot_stats_ascending);
	return gsl_stats_quantile_from_sorted_data(s->worst, 1, boot->draws, boot->level);
}

int fot_stats_falling(struct fot_falling *out, const double *num, const double *den, size_t m, size_t n_lengths,
		      const struct fot_boot *boot, struct fot_err *err)
{
	struct steps s = { .t = { .num = num, .den = den, .m = m, .n = n_lengths } };
	bool finite = true;
	int status;

	*out = (struct fot_falling){ .status = m == 0 ? "empty" : "one length" };
	FOT_TRY(fot_stats_check_boot(boot, err));
	FOT_TRY(check_weights(den, m, err));
	if (m == 0 || n_lengths < 2)
		goto out;
	s.n = n_lengths - 1;
	FOT_TRY(steps_init(&s, boot, err));
	ratios(&s.t);
	for (size_t i = 0; i < s.n; i++) {
		s.step[i] = s.t.y[i + 1] - s.t.y[i];
		finite = finite && isfinite(s.step[i]);
	}
	out->status = !finite ? FOT_STATS_OUT_OF_RANGE : m == 1 ? "one cluster" : "ok";
	out->has_value = finite;
	out->value = falls_to(&s, 0.0);
	if (!finite || m == 1)
		goto out;
	out->sds = widest(&s, boot);
	out->has_interval = isfinite(out->sds);
	out->status = out->has_interval ? "ok" : FOT_STATS_OUT_OF_RANGE;
	out->lo = falls_to(&s, -out->sds);
	out->hi = falls_to(&s, out->sds);
out:
	steps_release(&s);
	return status;
}
