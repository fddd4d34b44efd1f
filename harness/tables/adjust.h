/* adjust.h: p values of a table adjusted by Holm. */
#ifndef FOT_ADJUST_H
#define FOT_ADJUST_H

#include <stddef.h>

#include "base/err.h"
#include "harness/tables/table.h"

/* Rows from `first` on that have a p_value get p_adjusted, each over its family: the rows there that agree in
 * all columns of the list, which ends with NULL. Errors: FOT_ERR_RUN. */
int fot_table_adjust(struct fot_table *t, size_t first, const char *const *family, struct fot_err *err);

#endif
