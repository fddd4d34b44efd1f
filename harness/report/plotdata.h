/* plotdata.h: summary rows as the data files of figures. */
#ifndef FOT_PLOTDATA_H
#define FOT_PLOTDATA_H

#include "base/str.h"
#include "harness/report/measures.h"

/* A figure of a task: plots/NAME.gp draws it.  It shows the rows of its metrics that are estimates, or, with a
 * comparison, are compared so; a change starts from a row of zero.  The columns of its data are
 *   panel,series,X,value,low,high,panel_name,series_name              a panel per dataset (and metric, ...)
 *   panel,series,X,place,value,low,high,panel_name,series_name        by_place: place counts the values of X from 1
 *   panel,X,place,Y,Y_place,value,n_total,panel_name,series_name      with y: a panel per condition
 * The last two are the names that the figure shows: of the panel (for readers of the file) and the series. */
struct fot_figure {
	const char *name, *title;
	const char *metric[2], *panel[2]; /* the panels' names, where metrics have one each */
	const char *x, *y;                /* columns of the axes; y: NULL but of a map */
	const char *value, *low, *high;   /* columns of the point and its bars */
	const char *comparison;           /* of the rows; NULL: estimates */
	double factor;                    /* 0: per cent of the exponential */
	const char *filled, *empty;       /* columns that rows have, or lack, a value of; or NULL */
	const char *common;               /* the names hold the value that all rows have in common there, -1 without; or NULL */
	const char *const *told;          /* columns that are told in a panel's name where it varies; or NULL */
	bool by_place;
	bool levels; /* names hold chance and majority */
};
#define FOT_FIGURE_VALUE .value = "value", .low = "ci_low", .high = "ci_high"

struct fot_plot_text {
	struct fot_str data;   /* CSV: numbers, and at the end of a line the names of its panel and series */
	struct fot_str labels; /* tab-separated: "panel" or "series", number, name */
	struct fot_str names;  /* gnuplot: numbers of panels and series, looks, ranges, tics, title; no text from outside */
	size_t n_points;
};

/* n_points 0: the summary has nothing for this figure. Errors: FOT_ERR_RUN. */
int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, const struct fot_measured_task *task,
		  const struct fot_figure *figure, struct fot_err *err);
void fot_plot_text_release(struct fot_plot_text *t);

#endif
