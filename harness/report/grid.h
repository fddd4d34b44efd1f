/* grid.h: rows of summary or report as tables for readers.
 *
 * A view says which rows make a table: a line per condition (and per value of the view's
 * further columns), a column per value of its axis.  Cells show `7.5243 [7.4410, 7.6091]`,
 * `94.0 % [83.8, 97.9] (47/50)`; differences also their adjusted p.  In LaTeX what follows the
 * value stands below it, and tables of many columns are cut into panels.  In HTML estimates that have a level
 * of chance or of the commonest label end with a line of it. */
#ifndef FOT_GRID_H
#define FOT_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/report/measures.h"
#include "harness/report/sheet.h"

struct fot_grid {
	const struct fot_measured_task *task;
	const struct fot_view *view;
	const struct fot_report_view *report;   /* whose view it is, or */
	const struct fot_summary_view *summary; /* NULL where fot_grid_init made it */
	const struct fot_table *t;
	const char *dataset; /* NULL: all of them, side by side */
	size_t *line; /* [n_lines] a row of each */
	size_t n_lines;
	struct fot_grid_column {
		const char *metric;
		const char *dataset;
		int64_t x;  /* of the axis: fot_label_place */
		bool paper; /* the published figures of this place, behind it */
	} *column;
	size_t n_columns;
	size_t *row; /* [n_lines, n_columns] of t; SIZE_MAX: nothing there */
	bool several_runs;
	enum fot_format words; /* what fot_grid_common and captions make safe: Markdown unless set */
	size_t width; /* FOT_TEXT: most columns of a line, cut into panels; 0: no limit */
	int digits;   /* significant digits of values; 0: those of files */
};

/* The lines and columns of one dataset, or with NULL of all, each with columns of its own; t may be of fot_schema_summary or fot_schema_report.
 * Errors: FOT_ERR_RUN. */
int fot_grid_init(struct fot_grid *g, const struct fot_table *t, const struct fot_measured_task *task,
		  const struct fot_view *view, const char *dataset, struct fot_err *err);
void fot_grid_release(struct fot_grid *g);

/* The tables of a report or summary, each of which that has lines is put. */
struct fot_grids {
	const struct fot_table *t; /* of fot_schema_report or fot_schema_summary */
	enum fot_format words;     /* this and the next two are those of each */
	size_t width;
	int digits;
	int (*put)(void *to, const struct fot_grid *g, struct fot_err *err);
	void *to;
};
/* Of a dataset, or with NULL of all together. Errors: FOT_ERR_RUN, and what put returns. */
int fot_grids_put(const struct fot_grids *grids, const char *dataset, struct fot_err *err);
/* Of each dataset, one after the other. */
int fot_grids_put_all(const struct fot_grids *grids, struct fot_err *err);

int fot_grid_print(struct fot_str *out, const struct fot_grid *g, enum fot_format format,
		   struct fot_err *err);
/* The same cells in few columns, as LaTeX (booktabs): values alone, the best of a column bold and the
 * second underlined where the column `rank` and the interval of next_delta say so. No float around it. */
int fot_grid_print_compact(struct fot_str *out, const struct fot_grid *g, struct fot_err *err);
/* A sentence about the grid's cells, in which stand for
 *
 *   {column}            an integer column: "6", or "5 to 6" where cells differ
 *   {column:document}   the same with its noun: "1 document", "5 to 6 documents"
 *   {column#failed}     " (5 to 6 failed)", where it is above 0 somewhere
 *   {column?text}       text, where the first line has a value there
 *   {column=word?text}  text, where that value is the word; both may end with |text of the other case
 *   {column~text}       text, where lines differ in it
 *   {common}            what all lines have in common of the view's further columns: ", filler paper"
 *   {chance} {majority} {texts} {draws}   " Chance: 1.0 %."; the commonest label's share; a warning where items
 *                       hold the same text; draws of a bootstrap
 *   {fitted}            " fit: ..." where a cell says "36 fit", "1 seen" or "at most 8 seen"
 *
 * Names are quoted as g->words says. */
void fot_grid_words(struct fot_str *out, const struct fot_grid *g, const char *text);
/* Largest value of an integer column in the grid's cells. */
int64_t fot_grid_most(const struct fot_grid *g, const char *column);
/* Do the lines differ in this column? */
bool fot_grid_varies(const struct fot_grid *g, const char *column);
/* The k-th distinct dataset of the table in order of appearance, NULL behind the last. */
const char *fot_grid_dataset(const struct fot_table *t, size_t k);

/* What all lines have in common of the view's further columns, each behind a comma. */
void fot_grid_common(struct fot_str *out, const struct fot_grid *g);

#endif
