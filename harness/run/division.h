/* division.h: which shard does which item.
 *
 * The division is a function of plan and number of shards alone: every shard makes it for itself, and no item
 * falls between two.  By cost, shards have about equally many operations (an estimate, made without building a
 * prompt): items that are large beside a shard's part go, the largest first, to the shard that has least; the
 * others follow each other as they stand in the plan, so that prompts that begin alike mostly meet in one shard. */
#ifndef FOT_DIVISION_H
#define FOT_DIVISION_H

#include <stdint.h>

#include "harness/plan/plan.h"

/* By count: every N-th item; how folders that do not say were begun. */
enum fot_division_kind { FOT_DIVISION_COST, FOT_DIVISION_COUNT };
extern const char *const fot_division_words[]; /* "cost", "count", NULL */

#define FOT_SHARDS_MOST 100000

struct fot_division {
	int32_t *shard; /* [n_items] from 0 */
	double *flops;  /* [shards] foretold; by count too */
	int64_t *items; /* [shards] */
	int64_t shards;
};

/* 1 <= shards <= FOT_SHARDS_MOST. Errors: FOT_ERR_RUN (memory). */
int fot_division_make(struct fot_division *d, const struct fot_plan *p, int64_t shards,
		      enum fot_division_kind kind, struct fot_err *err);
void fot_division_release(struct fot_division *d);

/* The same from costs, n of them, none negative: for what is no plan. */
int fot_division_of_costs(struct fot_division *d, const double *cost, size_t n, int64_t shards,
			  enum fot_division_kind kind, struct fot_err *err);

#endif
