/* report.h: one or several runs side by side, as tables for a paper.
 *
 * A line is a condition of a run (model variant, memory, window), a column a
 * context length (or what else the task varies), a table a dataset
 * and task.  The best value of a column is bold when it is better than every
 * other line's at p < 0.05 on the items that both have, all of them common:
 * by the test of the measure's kind (measures.h); adjusted by Holm over the lines.  In LaTeX's one table of
 * all datasets the best is bold and the second underlined by simpler means: the paired interval
 * of the difference from the next excludes zero.  Where the
 * paper has a figure for dataset, method and length, it stands beside ours. */
#ifndef FOT_REPORT_H
#define FOT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/report/measures.h"
#include "harness/report/sheet.h"

#define FOT_REPORT_LEVEL 0.05
/* Lengths of the paper and ours count as the same within this share: 100k is 100 000 there. */
#define FOT_REPORT_PAPER_LENGTH 0.025

struct fot_report_run {
	const char *name;   /* shown when there are several */
	size_t first, last; /* its rows in the table of observations: [first, last) */
};

/* Rows of one task (of all runs) to rows of fot_schema_report, behind those it has: call it
 * once per task. paper: rows of fot_schema_paper, may be empty. bits_per_byte: of tasks that
 * have them. kept (may be NULL): estimates of these rows and seed. Errors: FOT_ERR_RUN. */
int fot_report_build(struct fot_table *report, const struct fot_table *rows, const struct fot_report_run *run,
		     size_t n_runs, const struct fot_table *paper, bool bits_per_byte, uint64_t seed,
		     struct fot_estimates *kept, struct fot_err *err);

/* One table per dataset and task, with a caption that states every convention; in LaTeX before them
 * one per task with all datasets and values alone, as a paper wants it. digits: significant ones of values and
 * intervals, 0: as the metric has them. Not in HTML, where page.h has them. */
int fot_report_print(struct fot_str *out, const struct fot_table *report, enum fot_format format,
		     int digits, struct fot_err *err);

struct fot_grid;
/* What a table of a report shows and where published figures come from, names as g->words says. */
void fot_report_words(struct fot_str *out, const struct fot_grid *g);

#endif
