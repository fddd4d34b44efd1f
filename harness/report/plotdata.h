/* plotdata.h: summary rows as the data files of figures. */
#ifndef FOT_PLOTDATA_H
#define FOT_PLOTDATA_H

#include "base/str.h"
#include "harness/tables/table.h"

enum fot_figure {
	FOT_FIGURE_PERPLEXITY,
	FOT_FIGURE_CHANGE,
	FOT_FIGURE_MULTIDOC,
	FOT_FIGURE_PASSKEY,
	FOT_FIGURE_LOOKUP,
	FOT_FIGURE_FEWSHOT,
	FOT_FIGURE_DISTRACTION
};

struct fot_plot_text {
	struct fot_str data;  /* CSV: dataset,series,context_length,value,low,high */
	struct fot_str names; /* gnuplot: arrays dataset[], series[], ranges, tics, title */
	size_t n_points;
};

/* PERPLEXITY: estimates. CHANGE: percent against the shortest context, the
 * shortest itself as zero. Both of one document's own memory; MULTIDOC: estimates where the
 * memory also holds other documents. The others (plotdata_measures.c), in percent but for the last:
 *   PASSKEY      panel,context_length,depth,value,n_total: a panel per condition
 *   LOOKUP       dataset,series,context_length,value,low,high: low and high are the lowest and
 *                highest trial; a panel for tokens, one for whole values
 *   FEWSHOT      dataset,series,n_shots,place,value,low,high: place counts the shots from 1
 *   DISTRACTION  dataset,series,n_contexts,value,low,high: a panel per dataset and layer
 * Errors: FOT_ERR_RUN. */
int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err);
void fot_plot_text_release(struct fot_plot_text *t);

#endif
