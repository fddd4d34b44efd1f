/* plotdata.h: summary rows as the data files of figures. */
#ifndef FOT_PLOTDATA_H
#define FOT_PLOTDATA_H

#include "base/str.h"
#include "harness/table.h"

enum fot_figure { FOT_FIGURE_PERPLEXITY, FOT_FIGURE_CHANGE };

struct fot_plot_text {
	struct fot_str data;  /* CSV: dataset,series,context_length,value,low,high */
	struct fot_str names; /* gnuplot: arrays dataset[], series[], ranges, tics, title */
	size_t n_points;
};

/* PERPLEXITY: estimates. CHANGE: percent against the shortest context, the
 * shortest itself as zero. Errors: FOT_ERR_RUN. */
int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err);
void fot_plot_text_release(struct fot_plot_text *t);

#endif
