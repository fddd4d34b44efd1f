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
	const char *beside;               /* column of rows that the others at their place are shown with; or NULL */
	const char *const *hidden;        /* variants that are levels, not series; or NULL */
	const char *script;               /* of which figure its own script loads; NULL: none */
	const char *common;               /* the names hold the value that all rows have in common there, -1 without; or NULL */
	const char *const *told;          /* columns that are told in a panel's name where it varies; or NULL */
	bool by_place;
	bool levels; /* names hold chance and majority */
	bool longest; /* the longest context length of the run alone, and means over the datasets: one panel.  Of a change in nats with
			 an interval, whose half-widths add up in squares, since datasets are independent */
	bool kinds;  /* a series is a kind of memory, whatever its numbers; drawn where there are three or more */
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

/* --- panels and series, for figures ---
 *
 * A figure's data names panels and series by number, from 1.  Their names stand in a file of their own,
 * which gnuplot reads as data and never as text of a script. */

/* The conditions of a summary's rows.  Colour and mark follow the model's variant, the dash the memory,
 * so that a condition looks the same in all figures of all runs; see plotseries.c. */
struct fot_plot_conditions {
	const struct fot_table *t;
	struct fot_plot_condition {
		size_t row; /* the first */
		char *name; /* "fot (top-128 memory)" */
		int look;   /* colour and mark, from 1: an index of style.gp */
		int dash;   /* from 1, likewise */
	} * at;             /* [n] */
	size_t n;
	bool kinds;  /* a kind of memory of a model is one, whatever its numbers; each then has a look of its own */
};
/* Errors: FOT_ERR_RUN. */
int fot_plot_conditions_init(struct fot_plot_conditions *c, const struct fot_table *summary, bool kinds,
			     struct fot_err *err);
/* Are two rows of one condition? */
bool fot_plot_same_series(const struct fot_plot_conditions *c, size_t row, size_t other);
void fot_plot_conditions_release(struct fot_plot_conditions *c);

/* Panels and series of one figure, in the order of their first points. */
struct fot_plot_places {
	const struct fot_plot_conditions *c;
	char **panel; /* [n_panels] */
	size_t n_panels;
	size_t *series; /* [n_series] conditions */
	size_t n_series;
};
int fot_plot_places_init(struct fot_plot_places *p, const struct fot_plot_conditions *c, struct fot_err *err);
void fot_plot_places_release(struct fot_plot_places *p);
/* The number of a panel, 0 without memory, and of a row's series; new ones are added. */
size_t fot_plot_panel(struct fot_plot_places *p, const char *name);
size_t fot_plot_series(struct fot_plot_places *p, size_t row);
/* Numbers of panels and series and the looks of the series; the names into out->labels. */
void fot_plot_put_places(struct fot_plot_text *out, const struct fot_plot_places *p);

/* --- a figure, before it is text ---
 *
 * One walk for all figures: the rows of the figure's metrics that are estimates, or compared as it says; each has a
 * panel, a series and a place on the x axis. */

/* Chance and the commonest answer's share, times the factor of the figure; below 0: none. */
struct fot_plot_levels {
	double chance, majority;
};

struct fot_plot_point {
	size_t row;            /* of the summary; SIZE_MAX: the zero that a change starts from */
	size_t panel, series;  /* from 1 */
	int64_t x;             /* of the axis's column */
	double y;              /* of a map */
	size_t place, y_place; /* of both on their axes, from 1 */
	double value, low, high;
};

struct fot_plot {
	const struct fot_figure *figure;
	struct fot_plot_conditions conditions;
	struct fot_plot_places places;
	struct fot_plot_levels *level; /* [n_panels] */
	int64_t *x;                    /* [n_x] fot_label_place, ascending */
	double *y;                     /* [n_y] ascending */
	size_t n_x, n_y;
	int64_t common; /* of all rows, in the figure's column; -1: they differ */
	struct fot_plot_point *point; /* [n_points] in the order of the summary */
	size_t n_points;
};
/* n_points 0: the summary has nothing for this figure. p borrows the summary. Errors: FOT_ERR_RUN. */
int fot_plot_init(struct fot_plot *p, const struct fot_table *summary, const struct fot_measured_task *task,
		  const struct fot_figure *figure, struct fot_err *err);
void fot_plot_release(struct fot_plot *p);
/* What stands at a place of the x axis: "8k", "fill", "64". */
void fot_plot_tic(struct fot_str *out, const struct fot_figure *figure, int64_t x);
/* Are values of x at equal distances, not to scale? */
bool fot_plot_by_place(const struct fot_figure *figure);

/* What a memory is worth as training goes on. valid: rows of fot_schema_valid.  Data: series,tokens,worth_nats,dataset, one row per
 * validation: nll without memory minus nll with the largest memory, on the same
 * tokens, per token. n_points 0 when there is no memory. Errors: FOT_ERR_RUN. */
int fot_worth_text(struct fot_plot_text *out, const struct fot_table *valid, struct fot_err *err);

#endif
