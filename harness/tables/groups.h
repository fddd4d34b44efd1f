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

#endif
