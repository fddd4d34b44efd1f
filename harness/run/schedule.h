/* schedule.h: what is left to do, in the order in which it is done, and what each item costs then.
 *
 * Results and their order in files do not depend on the order.  Within a condition, items whose
 * prompts begin alike follow each other: sorted by their stems, window by window, items are
 * visited as a walk through the tree of their prefixes, and what a prompt shares with the
 * one before it is still in the memory when its turn comes (ask.h).
 *
 * The costs are those of that walk: tokens that stay in the memory from the item before cost
 * nothing, nor do windows that the session has kept (window_cache.h).  A dry run and the time left of a
 * run both come from here. */
#ifndef FOT_SCHEDULE_H
#define FOT_SCHEDULE_H

#include <stdbool.h>

#include "harness/plan/task_class.h"
#include "harness/run/items.h"

/* An item when its turn comes. */
struct fot_job {
	size_t item;
	struct fot_cost cost; /* filled: tokens that are computed */
	int64_t shared;       /* tokens of its prompt that are not, as they were before */
	double flops;
	int64_t kept;         /* those of them that stay in the memory from the item before it */
	double found;         /* operations that `shared` saves, less what the item saves by itself */
	bool begins;          /* a piece (workers.h) */
};

struct fot_schedule {
	struct fot_job *job; /* [n] */
	size_t n;
	double flops; /* of all */
	size_t n_small;    /* the first ones, that several workers do at the same time (workers.h) */
	int32_t n_workers; /* 1: there are none */
};

/* All items that `wanted` says (NULL: all), condition by condition, with w's sharing and skipping. Items
 * whose prompts cannot be built keep their order; they will fail when their turn comes. w's states of
 * tasks are used. A signal ends it early. Errors: FOT_ERR_RUN (memory). */
int fot_schedule(struct fot_schedule *out, struct fot_worker *w, bool (*wanted)(const void *user, size_t item),
		 const void *user, struct fot_err *err);
void fot_schedule_release(struct fot_schedule *s);
/* Operations of an item by its task's estimate: no prompt is built. follows: behind another item of its condition,
 * task and dataset, whose common windows it finds; nothing else is shared. */
double fot_item_flops(const struct fot_plan *p, const struct fot_item *item, bool follows);

#endif
