/* summary.h: from observations to estimates, intervals and differences.
 *
 * A group is a condition (model, variant, memory, window) on a dataset at one
 * context length.  Each group gives one row per metric; besides, its perplexity
 * is compared, paired by document, (a) with the same condition at its shortest
 * context length and (b) with the vanilla variant under the same memory at the
 * same length: one row per comparison.  p values are adjusted by Holm over the
 * context lengths of one comparison. */
#ifndef FOT_SUMMARY_H
#define FOT_SUMMARY_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/table.h"

/* Rows of perplexity into rows of summary. Errors: FOT_ERR_RUN. */
int fot_summary_build(struct fot_table *summary, const struct fot_table *perplexity, uint64_t seed,
		      struct fot_err *err);
/* Markdown: per dataset, perplexity by condition and context length, then the
 * two families of differences. */
int fot_summary_markdown(struct fot_str *out, const struct fot_table *summary, struct fot_err *err);
/* The first table of each dataset as aligned plain text. */
int fot_summary_text(struct fot_str *out, const struct fot_table *summary, struct fot_err *err);

#endif
