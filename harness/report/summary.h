/* summary.h: from observations to estimates, intervals and differences.
 *
 * Each condition (model, variant, memory, window) gives one row per metric, dataset and
 * place (context length; also depth, shots, number of contexts, head).  Besides, one row per
 * comparison of a condition
 *   (a) with itself at its shortest context (or smallest value of its task's axis),
 *   (b) with the baseline at the same place: with a memory the vanilla variant under the
 *       same memory, without one the local variant,
 *   (c) in runs of FOT_KINDS_LEAST kinds of memory or more with the same model and place reading all of the memory,
 * paired by document, trial or item.  p values are adjusted by Holm over the places of one
 * comparison.  What is estimated how: measures.h.  Rates are not compared without a memory, and
 * are followed over the lengths (stats.h). */
#ifndef FOT_SUMMARY_H
#define FOT_SUMMARY_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/report/measures.h"
#include "harness/tables/table.h"

/* Rows of one task (any fot_schema_TASK) into rows of summary, behind those it has: call it
 * once per task. kept (may be NULL): estimates of these rows and seed. Errors: FOT_ERR_RUN. */
int fot_summary_build(struct fot_table *summary, const struct fot_table *rows, uint64_t seed,
		      struct fot_estimates *kept, struct fot_err *err);
/* Markdown: per dataset, estimates by condition and place, then the differences. */
int fot_summary_markdown(struct fot_str *out, const struct fot_table *summary, struct fot_err *err);
struct fot_grid;
/* What a table of the summary shows, on what, and the warning of copies: plain text where the names are (g->words). */
void fot_summary_words(struct fot_str *out, const struct fot_grid *g);
/* The estimates of each dataset as aligned plain text, tables at most `width` characters wide where that can
 * be (0: no limit), values with so many significant digits (0: as in summary.md). */
int fot_summary_text(struct fot_str *out, const struct fot_table *summary, size_t width, int digits,
		     struct fot_err *err);

/* Rows of the task's trend, of conditions with a memory and three lengths or more. */
int fot_summary_trends(struct fot_table *summary, const struct fot_table *rows,
		       const struct fot_measured_task *task, uint64_t seed, struct fot_err *err);

/* Of one task's rows, a line (with a newline) for each dataset
 *   to skipped: of which documents or items were skipped: how many of how many, and why
 *   to nothing: on which some condition has skipped rows and nothing else.
 * Errors: FOT_ERR_RUN. */
int fot_left_out(struct fot_str *skipped, struct fot_str *nothing, const struct fot_table *rows,
		 struct fot_err *err);
/* Of one task's rows, a line (with a newline) where some come less far along the task's axis than asked for.
 * Appended. Errors: FOT_ERR_RUN. */
int fot_fell_short(struct fot_str *out, const struct fot_table *rows, struct fot_err *err);
/* Has any of the rows [first, last) been measured? */
bool fot_measured_any(const struct fot_table *rows, size_t first, size_t last);

#endif
