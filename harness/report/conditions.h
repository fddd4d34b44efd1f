/* conditions.h: conditions as users write them, in claims and on the command line.
 *
 * A memory is one of the words none, dense, knn (any number of keys), knn:K and xl, as in a spec. */
#ifndef FOT_CONDITIONS_H
#define FOT_CONDITIONS_H

#include <stdbool.h>

#include "base/str.h"
#include "harness/tables/table.h"

#define FOT_CONDITION_MEMORIES "none, dense, knn, knn:K or xl"

/* Is text one of these words? */
bool fot_condition_is_memory(const char *text);
/* Is it that of a row, by the columns memory_mode and top_k? */
bool fot_condition_memory_fits(const struct fot_table *t, size_t row, const char *text);
/* Append that of a row: "dense", "knn:128". */
void fot_condition_memory(struct fot_str *out, const struct fot_table *t, size_t row);

#endif
