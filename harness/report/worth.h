/* worth.h: what a memory is worth as training goes on: the data of a figure. */
#ifndef FOT_WORTH_H
#define FOT_WORTH_H

#include "harness/report/plotdata.h"

/* valid: rows of fot_schema_valid.  Data: series,tokens,worth_nats,dataset, one row per
 * validation: nll without memory minus nll with the largest memory, on the same
 * tokens, per token. n_points 0 when there is no memory. Errors: FOT_ERR_RUN. */
int fot_worth_text(struct fot_plot_text *out, const struct fot_table *valid, struct fot_err *err);

#endif
