/* measures.h: what the tasks measure, and how two conditions differ.
 *
 * Each task describes itself: its class holds a struct fot_measured_task, which the summary, reports,
 * comparisons, claims and figures walk (fot_measured_tasks; docs/adding.md).  The kind of a measure says how
 * it is estimated and tested:
 *
 *   EXP, BITS   rates: exp of sum nll over sum of tokens, words or bytes, or bits: cluster
 *               bootstrap over texts (groups.h); sign flips
 *   ITEMS       accuracy of trials: Wilson; exact McNemar and paired bootstrap over trials
 *   CLUSTERS    shares within trials or documents: cluster bootstrap over them (one `detail`
 *               alone: linearised t interval); sign flips
 *   CROSSED     accuracy: crossed bootstrap over items and demonstration seeds
 *   BALANCED    the same, the right labels (label_gold) weighing equally; of rows without labels
 *               to choose from there is none
 *   TREND, RANK of a rate over the context lengths: summary.c
 *
 * Two sets of rows are paired by the task's item columns, where its target columns agree.  Rows
 * whose status is not "ok" count as failed or skipped and enter nothing.  CROSSED needs each item under
 * each seed: seeds that fewer than half of the items have are left out, then items
 * that lack one of the others.  Of a base with one seed only (0 demonstrations: the
 * seed changes nothing) its rows are the partners under every seed. */
#ifndef FOT_MEASURES_H
#define FOT_MEASURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "harness/tables/groups.h"
#include "harness/tables/stats.h"
#include "harness/tables/table.h"

/* The share that is enough of tasks that find things (effective.h). */
#define FOT_EFFECTIVE_SHARE 0.85

/* What a row of the summary is compared with, in its column `comparison`: the two baselines, where its
 * own condition has the smallest value of an axis (`least` of the task), and all of the memory. */
#define FOT_COMPARED_VANILLA "vanilla"
#define FOT_COMPARED_LOCAL "local"
#define FOT_COMPARED_SHORTEST "shortest"
/* The same model where it reads all of its memory, in runs of so many kinds of memory or more. */
#define FOT_COMPARED_ALL "all"
#define FOT_KINDS_LEAST 3

/* A rate is a ratio in nats, of which the measure is the exponential or the number of bits: lower is
 * better.  All others are shares, of 0 to 1: higher is better. */
enum fot_measure_kind {
	FOT_MEASURE_ITEMS,
	FOT_MEASURE_CLUSTERS,
	FOT_MEASURE_CROSSED,
	FOT_MEASURE_BALANCED,
	FOT_MEASURE_EXP,
	FOT_MEASURE_BITS,
	FOT_MEASURE_TREND,
	FOT_MEASURE_RANK
};

struct fot_measure {
	const char *metric;
	enum fot_measure_kind kind;
	const char *right;   /* column of the numerator; 0/1 for items, nats for rates */
	const char *asked;   /* column of the denominator, NULL: 1 each */
	const char *heading; /* in tables */
	const char *unit;    /* of what its items' scores differ by; NULL: nats per token */
	bool mean;           /* right is a mean over asked, not a count of it */
	bool level;          /* chance_level and majority_level of the rows are of this measure */
};

bool fot_measure_is_rate(const struct fot_measure *m);
bool fot_measure_is_crossed(const struct fot_measure *m); /* over items and demonstration seeds */
/* Shown in per cent. */
bool fot_measure_is_percent(const struct fot_measure *m);

/* --- what tables show --- */

enum fot_grid_rows { FOT_GRID_ESTIMATES, FOT_GRID_WITH_ITSELF, FOT_GRID_WITH_BASELINE, FOT_GRID_WITH_ALL };

#define FOT_GRID_METRICS 3
#define FOT_GRID_LINES 4

struct fot_view {
	enum fot_grid_rows rows;
	const char *metric[FOT_GRID_METRICS]; /* ended by NULL; several: each a column of its own */
	const char *axis;                     /* column spread over the columns; NULL: none */
	const char *line[FOT_GRID_LINES]; /* further columns that make lines, shown where they vary; ended by NULL */
	const char *filled, *empty;       /* columns that have, or lack, a value; or NULL */
	const char *apart; /* one more column that makes lines: shown where it varies, else not spoken of; or NULL */
};

/* A table of the summary. */
struct fot_summary_view {
	struct fot_view view;
	const char *title;   /* in plain text; NULL: not shown there */
	const char *caption; /* in Markdown */
	const char *items;   /* what n_items counts and what is left out (fot_grid_words); NULL: not said */
	const char *one;     /* one of what is drawn: "document" */
	const char *note;    /* Markdown: one more sentence; or NULL */
	bool copies;         /* warn where items hold the same text */
};

/* A table of reports. */
struct fot_report_view {
	struct fot_view view;
	const char *caption; /* fot_grid_words */
	const char *compact; /* what begins the caption of LaTeX's table of all datasets */
};

/* Parts of captions. */
#define FOT_INTERVALS " In brackets the 95 % interval of the "
#define FOT_BOLD(better, test)                                                                        \
	" Bold: " better " than every other line of the column at p < 0.05 (" test "; Holm over the lines)."
#define FOT_BASELINE "the baseline (vanilla under the same memory; without a memory local)"

struct fot_figure; /* plotdata.h */

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
	const char *gold, *answer;  /* columns of the right answer and the one given, as text; NULL: none */
	const char *per;            /* column that scores in outcome are per unit of; NULL: 1 */
	const char *axis;           /* column along which a condition is compared with itself */
	const char *least;          /* the word for its smallest value: "shortest" */
	const char *reached; /* column that says how far along the axis a row comes, which may be less; or NULL */
	const char *reached_how; /* with it: column of a word for how that is meant, if it is set; or NULL */
	const char *axis_place;     /* the column in place that goes with it; NULL: itself, if it is there */
	const char *part;           /* estimates, without comparisons, also for each value of this column */
	const char *detail;         /* a group with a value here is not compared */
	double enough; /* the first measure, a share, at a length that counts as effective (effective.h); 0: not asked, of a
			  rate that falls with the length it is */
	bool of_memory;             /* without a memory nothing is compared: it is the same at all lengths */
	const struct fot_measure *measure;
	size_t n_measures;
	const struct fot_measure
		*other; /* the first measure's outcomes per other units: estimated, not compared */
	size_t n_others;
	const struct fot_measure *trend; /* [2] TREND and RANK of the first measure, a rate; or NULL */
	const struct fot_summary_view *summary;
	size_t n_summary;
	const struct fot_report_view *report;
	size_t n_report;
	const struct fot_figure *figure;
	size_t n_figures;
};

/* Its arrays. */
#define FOT_MEASURED(m, s, r, f)                                                                       \
	.measure = (m), .n_measures = FOT_COUNT(m), .summary = (s), .n_summary = FOT_COUNT(s), .report = (r), \
	.n_report = FOT_COUNT(r), .figure = (f), .n_figures = FOT_COUNT(f)

/* All that are measured, in the order of the registry (harness/tasks/registry.c), which defines these two. */
extern const struct fot_measured_task *const fot_measured_tasks[];
extern const size_t fot_n_measured_tasks;

/* A list of columns. */
#define FOT_LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* NULL: no task has this schema. */
const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema);
/* By name; "" is the first. NULL: there is none. */
const struct fot_measured_task *fot_measured_named(const char *task);
/* The measure of a row of summary, report, compare or claims, by its columns task and metric; without a task any
 * task's. Of a metric that no task has, the first there is. */
const struct fot_measure *fot_measure_of(const struct fot_table *t, size_t row);
/* Among all of a task; NULL: it has no such metric. */
const struct fot_measure *fot_measured_by_name(const struct fot_measured_task *task, const char *metric);
/* NULL: the task has no such metric among `measure`. */
const struct fot_measure *fot_measured_metric(const struct fot_measured_task *task, const char *metric);
/* What a table of runs shows: with `bits` the task's bits per byte alone, where it has them, else `measure`. */
const struct fot_measure *fot_measured_shown(const struct fot_measured_task *task, bool bits, size_t *n);

/* Adds to out the rows [first, last) by the condition's columns (a list that ends with NULL),
 * dataset, context_length, the task's place and part (a column, or NULL). Errors: FOT_ERR_RUN. */
int fot_measured_groups(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
			const char *const *condition, const struct fot_measured_task *task, const char *part,
			struct fot_err *err);

/* Least value of the task's axis among the rows; INT64_MAX: they have none. */
int64_t fot_rows_axis(const struct fot_group *r, const struct fot_measured_task *task);
/* The least that any comes to along the axis, where that is less than the axis says; else -1. */
int64_t fot_rows_short(const struct fot_group *r, const struct fot_measured_task *task);
/* The word of reached_how, or NULL where none of the rows has one. */
const char *fot_rows_reached_how(const struct fot_group *r, const struct fot_measured_task *task);
/* Set the axis of a row that stands for all of these: rows that fill their context may differ in it. Where out
 * has the column `reached`, it holds what they fall short to, or nothing; a bound stands there in any case. */
void fot_rows_set_axis(struct fot_table *out, size_t row, const struct fot_group *r,
		       const struct fot_measured_task *task);
/* How many have a status; one that ends with * stands for all that begin so. */
int64_t fot_rows_with_status(const struct fot_group *r, const char *status);
/* The stream of a set of rows: one per dataset, so that all conditions draw the same items. */
struct fot_boot fot_rows_boot(const struct fot_group *r, uint64_t seed);

/* Are two rows at the same dataset, context_length and place? but: an axis along which they may differ, with what goes with
 * it (axis_place); or NULL. */
bool fot_measured_same_place(const struct fot_measured_task *task, const struct fot_table *t, size_t a,
			     const struct fot_table *u, size_t b, const char *but);
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
bool fot_measure_applies(const struct fot_measure *m, const struct fot_group *r);
/* Errors: FOT_ERR_RUN. */
int fot_measure(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
		uint64_t seed, struct fot_err *err);
/* With intervals of this level in place of FOT_STATS_LEVEL. */
int fot_measure_at_level(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
			 uint64_t seed, double level, struct fot_err *err);

/* Estimates of one table's groups under one seed, kept so that summary and report draw a bootstrap once. All zero:
 * empty. */
struct fot_estimates {
	struct fot_kept_estimate *at;
	size_t n, cap;
};
void fot_estimates_release(struct fot_estimates *e);
/* As fot_measure, which is asked once for each measure of a group; e may be NULL. */
int fot_measure_once(struct fot_measured *out, const struct fot_measure *m, const struct fot_group *r,
		     uint64_t seed, struct fot_estimates *e, struct fot_err *err);

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
	const struct fot_group *base, *new, *base_from, *new_from;
	bool checked; /* items are known to have what must agree: targets may differ, and base's weight counts */
};
/* New minus base, on common items. */
int fot_measure_contrast(struct fot_contrast *out, const struct fot_measured_task *task,
			 const struct fot_measure *m, const struct fot_sides *sides, uint64_t seed,
			 struct fot_err *err);
/* Place in the index (of rows by the task's item columns) of the row that is the same item, its n when there is none;
 * hint: where to look first. */
size_t fot_measure_twin(const struct fot_row_index *x, const struct fot_table *t, size_t row, size_t hint);

/* Into a row, of rows of `in`: n_tokens_scored, value, ci_low, ci_high, ci_level, and what m has of n_correct,
 * n_total, value_min, value_max, sd_between and top_answer_share. */
void fot_measured_write(struct fot_table *out, size_t row, const struct fot_table *in,
			const struct fot_measured *m);
/* Into a row delta_ci_low, delta_ci_high, ci_level, p_value and p_method, if there is an interval. */
void fot_contrast_write(struct fot_table *out, size_t row, const struct fot_contrast *k);

#endif
