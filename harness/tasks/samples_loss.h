/* samples_loss.h: what kinds of memory lose against all of the memory, over the rows of retrieval samples. */
#ifndef FOT_SAMPLES_LOSS_H
#define FOT_SAMPLES_LOSS_H

#include "base/str.h"
#include "harness/tables/table.h"

/* Appends a table per dataset where any row says how much is caught (tasks/retrieved.h): of each condition the means
 * over queries, over all layers and heads and of each of them, and how much more nll its tokens have than under the
 * first condition of the same model that reads all.  Errors: FOT_ERR_RUN. */
int fot_samples_loss(struct fot_str *out, const struct fot_table *rows, struct fot_err *err);

#endif
