/* grid_impl.h: what grid.c and grid_print.c share. */
#ifndef FOT_GRID_IMPL_H
#define FOT_GRID_IMPL_H

#include "harness/report/grid.h"

/* A cell: what it says, and what explains it. row: of t; digits as in fot_grid. */
void fot_grid_cell(struct fot_str *value, struct fot_str *rest, const struct fot_table *t, size_t row, int digits,
		   enum fot_grid_format format);
/* What all lines have in common of the view's further columns, each behind a comma. */
void fot_grid_common(struct fot_str *out, const struct fot_grid *g);
/* Decimals that show so many significant digits of a value; 0: those of its form. */
int fot_grid_decimals(const struct fot_measure *m, double value, int digits);

/* Columns in front: what a line is. */
#define FOT_GRID_LEADS (3 + FOT_GRID_LINES + 3)
size_t fot_grid_leads(const struct fot_grid *g, const char *lead[FOT_GRID_LEADS]);
void fot_grid_lead(struct fot_str *out, const struct fot_grid *g, size_t line, const char *column,
		   enum fot_grid_format format);
const char *fot_grid_lead_heading(const char *column);
/* Where a column stands on the axis: "8k", "16 shots", "d = 8". */
void fot_grid_place(struct fot_str *out, const struct fot_grid *g, size_t column);
/* Characters that a reader of LaTeX sees. */
size_t fot_grid_latex_width(const struct fot_str *s);

#endif
