/* stats.h: estimates, intervals and tests, over GSL.
 *
 * A corpus quantity is a ratio of sums over clusters (documents): mean nll =
 * sum nll / sum tokens.  Perplexity is its exponential, so everything is
 * estimated on the log scale and transformed at the end.
 *
 * Random draws come from one stream per (seed, item), so a result depends
 * neither on the order of calls nor on threads.  Edge cases are defined: no
 * cluster gives status "empty", one cluster "one cluster" and no interval.
 * Finite data may have a sum, a perplexity or an end of an interval that no double
 * holds: then that is not there (has_value, has_interval false) and the status is
 * "out of range".  What is there is finite, but for exp_delta, its ends, se and mdd. */
#ifndef FOT_STATS_H
#define FOT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FOT_STATS_OUT_OF_RANGE "out of range"
#define FOT_STATS_DRAWS 10000
#define FOT_STATS_LEVEL 0.95
/* (z for power 0.8) + (z for two-sided 0.05) */
#define FOT_STATS_MDD_FACTOR 2.80

struct fot_estimate {
	bool has_value;    /* value holds */
	bool has_interval; /* lo, hi and se hold */
	double value, lo, hi, level, se;
	const char *method; /* "cluster-bootstrap", "ratio-t", "wilson" */
	const char *status; /* "ok", "one cluster", "empty", "out of range" */
};

struct fot_boot {
	uint64_t seed, item;
	size_t draws; /* FOT_STATS_DRAWS */
	double level; /* in (0, 1) */
};

/* sum num / sum den over m clusters (den > 0), percentile interval of the
 * cluster bootstrap; se is the linearised one. Errors: FOT_ERR_RUN. */
int fot_stats_ratio_boot(struct fot_estimate *out, const double *num, const double *den, size_t m,
			 const struct fot_boot *boot, struct fot_err *err);
/* The same ratio with value -+ t(m-1) x linearised standard error. */
int fot_stats_ratio_t(struct fot_estimate *out, const double *num, const double *den, size_t m, double level,
		      struct fot_err *err);
/* exp of a ratio estimate: value, ends, and the delta-method se. */
void fot_stats_exp(struct fot_estimate *e);
/* factor (> 0) times an estimate. */
void fot_stats_scale(struct fot_estimate *e, double factor);

/* B against A on the same clusters with the same denominators. */
struct fot_paired {
	size_t m;
	bool has_delta;                   /* delta and exp_delta hold */
	bool has_interval;                /* the others too */
	double delta, lo, hi, se;         /* mean of B minus mean of A */
	double exp_delta, exp_lo, exp_hi; /* exp(mean B) - exp(mean A): perplexity difference */
	double p_flip;                    /* sign-flip permutation, two-sided */
	bool flip_exact;                  /* all 2^m sign patterns were enumerated */
	double p_t;                       /* t(m-1) on delta / se, two-sided */
	double mdd;                       /* minimum detectable difference, FOT_STATS_MDD_FACTOR x se */
	const char *status;               /* as of an estimate */
};
int fot_stats_paired(struct fot_paired *out, const double *num_a, const double *num_b, const double *den,
		     size_t m, const struct fot_boot *boot, struct fot_err *err);
/* Two-sided sign-flip p of sum d: exact when 2^m <= draws, else Monte Carlo with
 * (hits + 1) / (draws + 1); 1 where sum |d| is not finite. m >= 1. */
double fot_stats_sign_flip(const double *d, size_t m, const struct fot_boot *boot, bool *exact);

/* k successes of n. */
int fot_stats_wilson(struct fot_estimate *out, int64_t k, int64_t n, double level, struct fot_err *err);

/* Adjusted p values: Holm's step-down. adjusted may be p itself. Errors: FOT_ERR_RUN (memory, p outside [0, 1]). */
int fot_stats_holm(double *adjusted, const double *p, size_t n, struct fot_err *err);

/* --- yes/no outcomes of A and B on the same items (stats_items.c) --- */

/* Exact two-sided McNemar: p of a fair coin giving a split at least as uneven as
 * only_a right in A alone against only_b right in B alone; 1 when both are 0.
 * Errors: FOT_ERR_RUN (a negative count). */
int fot_stats_mcnemar(double *p, int64_t only_a, int64_t only_b, struct fot_err *err);

struct fot_outcomes {
	size_t n;
	int64_t only_a, only_b; /* right in one of the two alone */
	double delta;           /* accuracy of B minus accuracy of A */
	bool has_interval;      /* lo, hi, se and mdd hold */
	double lo, hi, se;      /* paired bootstrap over items; se of the mean difference */
	double p;               /* McNemar; 1 without items */
	double mdd;             /* FOT_STATS_MDD_FACTOR x se */
	const char *status;     /* "ok", "one cluster", "empty" */
};
/* a, b [n]: 1 right, 0 wrong */
int fot_stats_outcomes(struct fot_outcomes *out, const double *a, const double *b, size_t n,
		       const struct fot_boot *boot, struct fot_err *err);

struct fot_crossed {
	struct fot_estimate e; /* mean of all; se: sd of the draws; status also "one seed": items alone are drawn */
	double p;              /* two-sided, of a mean of 0: twice the smaller share of draws on one side of 0 */
};
/* score [n_items, n_seeds], such as 0 or 1: item i under demonstration seed s.  class [n_items], from 0: the
 * mean over classes of the means of their items (of 0/1 by right label: balanced accuracy, the mean recall); in a
 * draw of the items over the classes that it holds.  NULL: one class. */
int fot_stats_crossed(struct fot_crossed *out, const double *score, size_t n_items, size_t n_seeds,
		      const size_t *class, const struct fot_boot *boot, struct fot_err *err);

/* --- trend with length (stats_trend.c) --- */

struct fot_trend {
	bool has_slope;             /* two different lengths or more */
	double slope, lo, hi;       /* Theil-Sen: change of the ratio per doubling of the length */
	bool has_rho;               /* and the ratios are not all equal */
	double rho, rho_lo, rho_hi; /* Spearman, ties with midranks */
	bool has_interval;          /* from two documents on */
	const char *status;         /* "ok", "constant", "one cluster", "one length", "empty", "out of range" */
};
/* num [m, n_lengths], den [m]: the ratio of sums at each length against
 * log2(length); documents are drawn. A draw whose ratios are all equal counts as rho 0. */
int fot_stats_trend(struct fot_trend *out, const double *num, const double *den, size_t m,
		    const int64_t *length, size_t n_lengths, const struct fot_boot *boot,
		    struct fot_err *err);

struct fot_falling {
	bool has_value, has_interval;
	size_t value;       /* places in the list of lengths: up to here the ratio falls with each length */
	size_t lo, hi;      /* up to here it does surely; up to here it may */
	double sds;         /* width of the simultaneous bands in standard deviations of the bootstrap */
	const char *status; /* "ok", "one cluster", "one length", "empty", "out of range" */
};
/* num [m, n_lengths], den [m] as of a trend, lengths ascending.  Each step from a length to the next gets a band around the
 * observed one, all of the same width in its own standard deviations, so that with probability `level` none of all steps lies
 * outside of its band (max-t; documents drawn with all their lengths).  While the whole band is below 0 the ratio falls
 * surely, while any of it is it may: [lo, hi] holds the true place whenever all bands hold their steps. */
int fot_stats_falling(struct fot_falling *out, const double *num, const double *den, size_t m, size_t n_lengths,
		      const struct fot_boot *boot, struct fot_err *err);

/* For qsort of doubles; NaN stands last. */
int fot_stats_ascending(const void *a, const void *b);
/* Percentile interval of n >= 2 draws by linear interpolation (type 7); sorts draw. */
void fot_stats_percentiles(double *lo, double *hi, double *draw, size_t n, double level);
/* FOT_ERR_RUN if the draws or the level cannot be used. */
int fot_stats_check_boot(const struct fot_boot *boot, struct fot_err *err);

#endif
