/* grid_impl.h: what grid.c and grid_print.c share. */
#ifndef FOT_GRID_IMPL_H
#define FOT_GRID_IMPL_H

#include "harness/report/grid.h"

/* A cell: what it says, and what explains it. row: of t. */
/* digits: of struct fot_grid. */
void fot_grid_cell(struct fot_str *value, struct fot_str *rest, const struct fot_table *t, size_t row,
		   enum fot_grid_format format, int digits);

#endif
