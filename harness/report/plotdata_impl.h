/* plotdata_impl.h: what the files of the plot data share. */
#ifndef FOT_PLOTDATA_IMPL_H
#define FOT_PLOTDATA_IMPL_H

#include "harness/report/plotdata.h"

/* "fot (top-128 memory)": the name of a row's condition in legends. */
void fot_plot_series(struct fot_str *out, const struct fot_table *t, size_t row);
/* A gnuplot string, and a CSV cell that gnuplot reads back as the same. */
void fot_plot_quote(struct fot_str *out, const char *text);
void fot_plot_cell(struct fot_str *out, const char *text);
/* fot_plot_text for the tasks of measures.h. */
int fot_plot_measures(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		      struct fot_err *err);

#endif
