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
	FOT_FIGURE_DISTRACTORS,
	FOT_FIGURE_DISTRACTION
};

struct fot_plot_text {
	struct fot_str data;   /* CSV: numbers, and at the end of a line the names of its panel and series */
	struct fot_str labels; /* tab-separated: "panel" or "series", number, name */
	struct fot_str names;  /* gnuplot: numbers of panels and series, looks, ranges, tics, title; no text from outside */
	size_t n_points;
};

/* PERPLEXITY: estimates. CHANGE: percent against the shortest context, the
 * shortest itself as zero. Both of one document's own memory; MULTIDOC: estimates where the
 * memory also holds other documents.  The columns of these:
 *   panel,series,context_length,value,low,high,panel_name,series_name: a panel per dataset
 * The others, in percent but for the last:
 *   PASSKEY      panel,context_length,place,depth,depth_place,value,n_total,panel_name,series_name: a panel
 *                per condition; places count lengths and depths from 1
 *   LOOKUP       as perplexity: low and high are the lowest and highest trial; a panel for tokens,
 *                one for whole values
 *   FEWSHOT      panel,series,n_shots,place,value,low,high,panel_name,series_name: place counts the shots from 1
 *   DISTRACTORS  panel,series,distractors,place,value,low,high,...: few-shot accuracy where other sets'
 *                demonstrations stand between those of the task (which FEWSHOT leaves out), against their number
 *                for each of the task's; a panel per dataset and number of demonstrations
 *   DISTRACTION  panel,series,n_contexts,value,low,high,panel_name,series_name: a panel per dataset and layer
 * The last two are the names that the figure shows: of the panel (for readers of the file) and the series.
 * n_points 0: the summary has nothing for this figure. Errors: FOT_ERR_RUN. */
int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err);
void fot_plot_text_release(struct fot_plot_text *t);

#endif
