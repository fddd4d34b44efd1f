/* library.h: the tokens of all documents of a split, for tasks that read more than the item's own.
 *
 * A task keeps one in its worker's state; items that follow each other mostly ask for the same. */
#ifndef FOT_LIBRARY_H
#define FOT_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "harness/run/plan.h"

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
void fot_library_release(struct fot_library *l);
/* Where a document of the dataset stands; it must be there. */
size_t fot_library_place(const struct fot_library *l, size_t document);

#endif
