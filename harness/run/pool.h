/* pool.h: the windows of other documents that a multi-doc memory holds.
 *
 * The pool is all whole windows of the documents of the task's split of a dataset
 * (tasks/others.h), in one order per (seed, dataset): the same for every condition, so that
 * conditions are paired, and nearly the same for every document, so that a session's cache
 * of windows computes each of them once. */
#ifndef FOT_POOL_H
#define FOT_POOL_H

#include "harness/run/items.h"

/* What stands in the memory before an item's own windows. */
struct fot_pool_windows {
	int32_t *tokens; /* [n_tokens] */
	size_t n_tokens;
	int64_t *n_documents; /* [windows + 1] as fot_others_documents gives it */
};

/* Can a dataset have `need` tokens of others for its largest document? By bytes, of which a token has
 * one at least. item: task and dataset count. Errors: FOT_ERR_USAGE. */
int fot_pool_check(const struct fot_plan *p, const struct fot_item *item, int64_t need, struct fot_err *err);
/* The nearest n windows of documents other than the item's. The worker keeps the pool of the
 * item's dataset as its task's state. Errors: FOT_ERR_INPUT (too few tokens), FOT_ERR_RUN. */
int fot_pool_windows(struct fot_pool_windows *out, struct fot_worker *w, const struct fot_item *item, size_t n,
		     struct fot_err *err);
void fot_pool_windows_release(struct fot_pool_windows *x);
/* Free what a worker keeps. */
void fot_pool_forget(void *state);

#endif
