/* leftout.h: what the rows of a run do not measure, in words. */
#ifndef FOT_LEFTOUT_H
#define FOT_LEFTOUT_H

#include "base/err.h"
#include "base/str.h"
#include "harness/tables/table.h"

/* Of one task's rows, a line (with a newline) for each dataset
 *   to skipped: of which documents or items were skipped: how many of how many, and why
 *   to nothing: on which some condition has skipped rows and nothing else.
 * Errors: FOT_ERR_RUN. */
int fot_left_out(struct fot_str *skipped, struct fot_str *nothing, const struct fot_table *rows,
		 struct fot_err *err);
/* Has any of the rows [first, last) been measured? */
bool fot_measured_any(const struct fot_table *rows, size_t first, size_t last);

#endif
