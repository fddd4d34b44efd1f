/* plotdata_impl.h: what the files of the plot data share: panels and series.
 *
 * A figure's data names panels and series by number, from 1.  Their names stand in a file of their own,
 * which gnuplot reads as data and never as text of a script. */
#ifndef FOT_PLOTDATA_IMPL_H
#define FOT_PLOTDATA_IMPL_H

#include "harness/report/plotdata.h"

/* The conditions of a summary's rows.  Colour and mark follow the model's variant, the dash the memory,
 * so that a condition looks the same in all figures of all runs; see plotseries.c. */
struct fot_plot_conditions {
	const struct fot_table *t;
	size_t *row; /* [n] the first row of each */
	char **name; /* [n] "fot (top-128 memory)" */
	int *look;   /* [n] colour and mark, from 1: an index of style.gp */
	int *dash;   /* [n] from 1, likewise */
	size_t n;
};
/* Errors: FOT_ERR_RUN. */
int fot_plot_conditions_init(struct fot_plot_conditions *c, const struct fot_table *summary, struct fot_err *err);
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
/* The last two cells of a line of data: the names, for readers other than gnuplot. */
void fot_plot_put_names(struct fot_str *out, const char *panel, const char *series);
/* A line of the file of names: "panel" or "series", number, name. */
void fot_plot_put_label(struct fot_str *out, const char *kind, size_t place, const char *name);
/* Numbers of panels and series and the looks of the series; the names into out->labels. */
void fot_plot_put_places(struct fot_plot_text *out, const struct fot_plot_places *p);

#endif
