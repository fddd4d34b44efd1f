/* clusters.h: what the bootstrap draws: documents, those of equal text as one.
 *
 * Two copies of a text say nothing that one of them does not: their observations are added
 * up, in the order of the rows, and drawn together.  Rows without a hash of their text are
 * clusters of their own.  Where no text stands twice the sums are the rows' own numbers. */
#ifndef FOT_CLUSTERS_H
#define FOT_CLUSTERS_H

#include <stddef.h>

#include "base/err.h"
#include "harness/tables/table.h"

struct fot_clusters {
	const struct fot_table *t;
	size_t n_items;
	size_t n;
	size_t *row;              /* [n] the first row of each cluster */
	double *num, *base, *den; /* [n] sums over its rows */
	size_t *slot, slots;      /* open addressing by text: cluster plus one, 0: free */
	size_t *place;            /* [n] its slot; slots: none */
};

/* For at most `most` rows of t; without a column doc_sha256 each row is a cluster. Errors: FOT_ERR_RUN. */
int fot_clusters_init(struct fot_clusters *c, const struct fot_table *t, size_t most, struct fot_err *err);
void fot_clusters_release(struct fot_clusters *c);
void fot_clusters_clear(struct fot_clusters *c);
/* Add what a row has to its cluster; returns the cluster's number. */
size_t fot_clusters_add(struct fot_clusters *c, size_t row, double num, double base, double den);

#endif
