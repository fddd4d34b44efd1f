/* measures.h: what the tasks that ask questions measure, and how two conditions differ.
 *
 *   passkey      accuracy of trials: Wilson; exact McNemar and paired bootstrap over trials
 *   lookup       accuracy of tokens and values: cluster bootstrap over trials; sign flips
 *   fewshot      accuracy: crossed bootstrap over items and demonstration seeds
 *   distraction  attention mass on the own document: cluster bootstrap over documents
 *                (one head alone: linearised t interval); sign flips
 *
 * Two sets of rows are paired by the task's item columns.  Rows whose status is not
 * "ok" count as failed or skipped and enter nothing.  Few-shot needs each item under
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

enum fot_measure_kind { FOT_MEASURE_ITEMS, FOT_MEASURE_CLUSTERS, FOT_MEASURE_CROSSED };

struct fot_measure {
	const char *metric;
	enum fot_measure_kind kind;
	const char *right; /* column of the numerator; 0/1 for items */
	const char *asked; /* column of the denominator, NULL: 1 each */
	bool mean;         /* right is a mean over asked, not a count of it */
};

/* All column lists end with NULL. */
struct fot_measured_task {
	const struct fot_schema *schema;
	const char *const *place;   /* with the condition and context_length: what makes a group */
	const char *const *item;    /* what makes an item in it */
	const char *const *same;    /* what the same item has in common in two runs */
	const char *const *outcome; /* what came out: equal bits of all mean equal runs */
	const char *axis;           /* column along which a condition is compared with itself */
	const char *axis_place;     /* what stands for it in place; NULL: itself, if it is there */
	const char *part;           /* estimates, without comparisons, also for each value of this column */
	const char *detail;         /* a group with a value here is not compared */
	const struct fot_measure *measure;
	size_t n_measures;
};

/* NULL: not one of them. */
const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema);
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

struct fot_measured {
	struct fot_estimate e;
	size_t n_items, n_clusters;
	bool has_counts, has_range, has_sd;
	int64_t n_correct, n_total;
	double min, max; /* of one trial or demonstration seed */
	double sd;       /* between them */
};
/* Errors of both: FOT_ERR_RUN. */
int fot_measure(struct fot_measured *out, const struct fot_measure *m, const struct fot_rows *r, uint64_t seed,
		struct fot_err *err);

struct fot_contrast {
	size_t n_items, n_clusters;
	bool has_delta, has_interval; /* delta and p; lo, hi, se and mdd */
	double base, value;           /* on the items that both have */
	double delta, lo, hi, se, mdd, p;
	const char *p_method, *status;
};
/* New minus base, on common items. */
int fot_measure_contrast(struct fot_contrast *out, const struct fot_measured_task *task,
			 const struct fot_measure *m, const struct fot_rows *base, const struct fot_rows *new,
			 uint64_t seed, struct fot_err *err);
/* Index in r of the row that is the same item, r->n when there is none; hint: where to begin. */
size_t fot_measure_twin(const struct fot_rows *r, const struct fot_table *t, size_t row,
			const char *const *item, size_t hint);

/* What m has of n_correct, n_total, value_min, value_max and sd_between into a row. */
void fot_measured_spread(struct fot_table *out, size_t row, const struct fot_measured *m);

#endif
