/* pool.h: the windows of other documents that a multi-doc memory holds.
 *
 * The pool is all whole windows of the documents of the task's split of a dataset
 * (tasks/others.h), in one order per (seed, dataset): the same for every condition, so that
 * conditions are paired, and nearly the same for every document, so that a session's cache
 * of windows computes each of them once. */
#ifndef FOT_POOL_H
#define FOT_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "harness/plan/plan.h"
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

/* --- library: the tokens of all documents of a split, for tasks that read more than the item's own ---
 *
 * A task keeps one in its worker's state; items that follow each other mostly ask for the same. */

/* All zero: empty. */
struct fot_library {
	size_t dataset;      /* of the plan */
	char tokenizer[65];  /* its hash */
	struct fot_ids *ids; /* [n]; NULL: empty */
	size_t *document;    /* [n] in the dataset, ascending */
	size_t n;
};

/* Is the document one of the split of the item's task? */
bool fot_library_takes(const struct fot_plan *p, const struct fot_item *item, size_t document);
/* Are these the documents of the item's dataset, by its tokenizer? Items are of one task. */
bool fot_library_holds(const struct fot_library *l, const struct fot_plan *p, const struct fot_item *item);
/* Read them, in place of what l holds; left empty on errors, which are those of
 * fot_dataset_tokens and FOT_ERR_RUN (memory). */
int fot_library_read(struct fot_library *l, const struct fot_plan *p, const struct fot_item *item, struct fot_err *err);
/* Bytes that the largest one of a task takes, at one byte of text a token, the most there can be. */
size_t fot_library_bytes(const struct fot_plan *p, size_t task);
void fot_library_release(struct fot_library *l);
/* Where a document of the dataset stands; it must be there. */
size_t fot_library_place(const struct fot_library *l, size_t document);

#endif
