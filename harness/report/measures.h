/* measures.h: what the tasks measure, and how two conditions differ.
 *
 *   perplexity   rates: exp of sum nll over sum of tokens, words or bytes, or bits: cluster
 *                bootstrap over texts (clusters.h); sign flips
 *   passkey      accuracy of trials: Wilson; exact McNemar and paired bootstrap over trials
 *   lookup       accuracy of tokens and values: cluster bootstrap over trials; sign flips
 *   fewshot      accuracy, and balanced over the right labels: crossed bootstrap over items and
 *                demonstration seeds
 *   distraction  attention mass on the own document: cluster bootstrap over documents
 *                (one head alone: linearised t interval); sign flips
 *
 * Two sets of rows are paired by the task's item columns, where its target columns agree.  Rows
 * whose status is not "ok" count as failed or skipped and enter nothing.  Few-shot needs each item under
 * each seed: seeds that fewer than half of the items have are left out, then items
 * that lack one of the others.  Of a base with one seed only (0 demonstrations: the
 * seed changes nothing) its rows are the partners under every seed. */
#ifndef FOT_MEASURES_H
#define FOT_MEASURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/tables/groups.h"
#include "harness/tables/stats.h"
#include "harness/tables/table.h"

/* What a row of the summary is compared with, in its column `comparison`: the two baselines, and where its
 * own condition has the smallest value of an axis (`least` of the task). */
#define FOT_COMPARED_VANILLA "vanilla"
#define FOT_COMPARED_LOCAL "local"
#define FOT_COMPARED_SHORTEST "shortest"

/* A rate is a ratio in nats, of which the measure is the exponential or the number of bits: lower is
 * better.  All others are shares: higher is better. */
enum fot_measure_kind {
	FOT_MEASURE_ITEMS,
	FOT_MEASURE_CLUSTERS,
	FOT_MEASURE_CROSSED,
	FOT_MEASURE_BALANCED, /* the same, right labels (label_gold) weighing equally; without labels no row counts */
	FOT_MEASURE_EXP,
	FOT_MEASURE_BITS
};

struct fot_measure {
	const char *metric;
	enum fot_measure_kind kind;
	const char *right; /* column of the numerator; 0/1 for items, nats for rates */
	const char *asked; /* column of the denominator, NULL: 1 each */
	bool mean;         /* right is a mean over asked, not a count of it */
};

bool fot_measure_is_rate(const struct fot_measure *m);
bool fot_measure_is_crossed(const struct fot_measure *m);

/* All column lists end with NULL. */
struct fot_measured_task {
	const struct fot_schema *schema;
	const char *const *place; /* with the condition and context_length: what makes a group */
	const char *const *item;  /* what makes an item in it */
	const char *const
		*target; /* what else two rows of an item have in common where they make a pair; or NULL */
	const char *const *same;    /* what the same item has in common in two runs */
	const char *const *outcome; /* what came out: equal bits of all mean equal runs */
	const char *const *trace;   /* has then equal bits too; or NULL */
	const char *per;            /* column that scores in outcome are per unit of; NULL: 1 */
	const char *axis;           /* column along which a condition is compared with itself */
	const char *least;          /* the word for its smallest value: "shortest" */
	const char *axis_place;     /* what stands for it in place; NULL: itself, if it is there */
	const char *part;           /* estimates, without comparisons, also for each value of this column */
	const char *detail;         /* a group with a value here is not compared */
	bool of_memory;             /* without a memory nothing is compared: it is the same at all lengths */
	bool trend;                 /* its first measure is followed over the lengths: summary_trend.c */
	const struct fot_measure *measure;
	size_t n_measures;
	const struct fot_measure
		*other; /* the first measure's outcomes per other units: estimated, not compared */
	size_t n_others;
};

/* NULL: no task has this schema. */
const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema);
/* NULL: the task has no such metric among `measure`. */
const struct fot_measure *fot_measured_metric(const struct fot_measured_task *task, const char *metric);
/* What a table of runs shows: with `bits` the task's bits per byte alone, where it has them, else `measure`. */
const struct fot_measure *fot_measured_shown(const struct fot_measured_task *task, bool bits, size_t *n);
extern const struct fot_measured_task fot_measured_tasks[];
extern const size_t fot_n_measured_tasks;

/* Adds to out the rows [first, last) by the condition's columns (a list that ends with NULL),
 * dataset, context_length, the task's place and part (a column, or NULL). Errors: FOT_ERR_RUN. */
int fot_measured_groups(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
			const char *const *condition, const struct fot_measured_task *task, const char *part,
			struct fot_err *err);

struct fot_rows {
	const struct fot_table *t;
	const size_t *row;
	size_t n;
};

/* Least value of the task's axis among the rows; INT64_MAX: they have none. */
int64_t fot_rows_axis(const struct fot_rows *r, const struct fot_measured_task *task);
/* Set the axis of a row that stands for all of these: rows that fill their context may differ in it. */
void fot_rows_set_axis(struct fot_table *out, size_t row, const struct fot_rows *r,
		       const struct fot_measured_task *task);
/* How many have a status; one that ends with * stands for all that begin so. */
int64_t fot_rows_with_status(const struct fot_rows *r, const char *status);
/* The stream of a set of rows: one per dataset, so that all conditions draw the same items. */
struct fot_boot fot_rows_boot(const struct fot_rows *r, uint64_t seed);

/* "dataset, context_length and place": are two rows of t at the same one? */
bool fot_measured_same_place(const struct fot_measured_task *task, const struct fot_table *t, size_t a,
			     const struct fot_table *u, size_t b);
/* Set n_tokens_scored of a row of out, where the rows it stands for have that. */
void fot_rows_set_tokens(struct fot_table *out, size_t row, const struct fot_table *in, int64_t n_tokens);

struct fot_measured {
	struct fot_estimate e;
	size_t n_items, n_clusters;
	int64_t n_tokens; /* n_tokens_scored of all rows that are ok */
	size_t first;     /* the first row that is ok; SIZE_MAX: none */
	bool has_counts, has_range, has_sd;
	int64_t n_correct, n_total;
	double min, max; /* of one trial or demonstration seed */
	double sd;       /* between them */
	bool has_top_share;
	double top_share; /* of answers: share of the commonest, mean over demonstration seeds */
};
/* Is there anything that this measure is of? Balanced accuracy is of labels. */
bool fot_measure_applies(const struct fot_measure *m, const struct fot_rows *r);
/* Errors of both: FOT_ERR_RUN. */
int fot_measure(struct fot_measured *out, const struct fot_measure *m, const struct fot_rows *r,
		uint64_t seed, struct fot_err *err);

struct fot_difference {
	double delta, lo, hi, mdd; /* mdd: minimum detectable difference */
};

struct fot_contrast {
	size_t n_items, n_clusters;
	int64_t n_tokens;             /* n_tokens_scored of the base's rows */
	bool has_delta, has_interval; /* nats.delta and p; the rest of nats too */
	double base, value;           /* on the items that both have */
	struct fot_difference d; /* in the measure's own unit; of a rate what no double holds is not finite */
	struct fot_difference nats; /* of a rate its logarithms; else as d */
	double p, p_t;              /* p_t: of a rate, paired t test */
	const char *p_method, *status;
};
/* What is compared. base_from, new_from: rates and crossed measures may each be taken relative to
 * themselves there (the latter by difference); else NULL. */
struct fot_sides {
	const struct fot_rows *base, *new, *base_from, *new_from;
	bool checked; /* items are known to have what must agree: targets may differ, and base's weight counts */
};
/* New minus base, on common items. */
int fot_measure_contrast(struct fot_contrast *out, const struct fot_measured_task *task,
			 const struct fot_measure *m, const struct fot_sides *sides, uint64_t seed,
			 struct fot_err *err);
/* Index in r of the row that is the same item, r->n when there is none; hint: where to begin. */
size_t fot_measure_twin(const struct fot_rows *r, const struct fot_table *t, size_t row,
			const char *const *item, size_t hint);

/* Into a row, of rows of `in`: n_tokens_scored, value, ci_low, ci_high, ci_level, and what m has of n_correct,
 * n_total, value_min, value_max, sd_between and top_answer_share. */
void fot_measured_write(struct fot_table *out, size_t row, const struct fot_table *in,
			const struct fot_measured *m);
/* Into a row delta_ci_low, delta_ci_high, ci_level, p_value and p_method, if there is an interval. */
void fot_contrast_write(struct fot_table *out, size_t row, const struct fot_contrast *k);

#endif
