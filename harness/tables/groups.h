/* groups.h: rows of a table put together by equal cells.
 *
 * Groups stand in the order of their first rows, rows in their own order. */
#ifndef FOT_GROUPS_H
#define FOT_GROUPS_H

#include <stddef.h>

#include "base/err.h"
#include "harness/tables/table.h"

#define FOT_GROUP_COLUMNS 24

struct fot_group {
	const struct fot_table *t;
	size_t *row; /* [n], n >= 1 */
	size_t n, cap;
};

struct fot_groups {
	struct fot_group *at; /* [n] */
	size_t n, cap;
};

/* Rows [first, last) by the columns, a list that ends with NULL, of at most
 * FOT_GROUP_COLUMNS. Adds to out: rows of different calls never share a group.
 * Errors: FOT_ERR_RUN. */
int fot_groups_add(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
		   const char *const *columns, struct fot_err *err);
void fot_groups_release(struct fot_groups *g);

/* --- rows by what they say in some columns --- */

struct fot_row_index {
	const struct fot_table *t;
	const size_t *row; /* [n] borrowed */
	size_t n;
	const char *const *columns; /* borrowed, ends with NULL */
	size_t *slot, slots;        /* open addressing: place among the rows plus one, 0: free */
};

/* Errors: FOT_ERR_RUN. */
int fot_row_index_init(struct fot_row_index *x, const struct fot_table *t, const size_t *row, size_t n,
		       const char *const *columns, struct fot_err *err);
void fot_row_index_release(struct fot_row_index *x);
/* Place among the rows of the first that says the same as a row of this or another table; n: none does. */
size_t fot_row_index_find(const struct fot_row_index *x, const struct fot_table *u, size_t row);

/* --- clusters: what the bootstrap draws: documents, those of equal text as one ---
 *
 * Two copies of a text say nothing that one of them does not: their observations are added
 * up, in the order of the rows, and drawn together.  Rows without a hash of their text are
 * clusters of their own.  Where no text stands twice the sums are the rows' own numbers. */

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

/* --- a matrix of items and demonstration seeds, for the crossed bootstrap --- */

struct fot_matrix {
	size_t n_items, n_seeds;
	size_t *item;  /* [n_items] a row of each */
	size_t *class; /* [n_items] what weighs equally, from 0; NULL: items do */
	int64_t *seed;
	double *score; /* [n_items, n_seeds] */
	bool *have;
};

/* Values v [s->n] of the rows of t that s has, by their columns item_id and demo_seed. Seeds that fewer than half
 * of the items have are left out, then items that lack one of the others. balance: column whose
 * values are the classes, or NULL. Errors: FOT_ERR_RUN. */
int fot_matrix_init(struct fot_matrix *x, const struct fot_clusters *s, const double *v,
		    const struct fot_table *t, const char *balance, struct fot_err *err);
void fot_matrix_release(struct fot_matrix *x);

/* Rows from `first` on that have a p_value get p_adjusted, each over its family: the rows there that agree in
 * all columns of the list, which ends with NULL. Errors: FOT_ERR_RUN. */
int fot_table_adjust(struct fot_table *t, size_t first, const char *const *family, struct fot_err *err);

#endif
