/* effective.h: up to which context length a condition makes use of its context.
 *
 *   of a rate     the longest length up to which it falls with every length that was measured: fot_stats_falling, over
 *                 documents that were scored at all of them on the same targets
 *   of a share    the longest length up to which it is `enough` (struct fot_measured_task) at every length; 0: not at
 *                 the shortest.  RULER (Hsieh et al. 2024, arXiv 2404.06654) asks for 0.856, what Llama-2-7B has at 4k, on
 *                 average over its tasks, and NoLiMa for 85 % of what short contexts give; here it is FOT_EFFECTIVE_SHARE
 *
 * Lengths at which nothing was measured (skipped, failed) are left out.  The interval is simultaneous over the others: with
 * its probability what is said holds of all of them at once.  Of rates by the largest deviation (max-t), of shares by
 * Bonferroni: each of n lengths has an interval of 1 - (1 - level) / n.  At the longest of them an effective length means
 * "at least". */
#ifndef FOT_EFFECTIVE_H
#define FOT_EFFECTIVE_H

#include "harness/report/report.h"

#define FOT_EFFECTIVE_LENGTHS 3 /* that were measured, at least */

/* Rows of one task (of all runs) to rows of fot_schema_effective, behind those it has: of conditions with a memory (of
 * rates) of which FOT_EFFECTIVE_LENGTHS context lengths or more were measured. Errors: FOT_ERR_RUN. */
int fot_effective_build(struct fot_table *out, const struct fot_table *rows, const struct fot_report_run *run,
			size_t n_runs, uint64_t seed, struct fot_err *err);
/* One table, of no rows nothing. Not in HTML. */
int fot_effective_print(struct fot_str *out, const struct fot_table *t, enum fot_format format,
			struct fot_err *err);

#endif
