/* labels.h: short names of conditions and lengths. */
#ifndef FOT_LABELS_H
#define FOT_LABELS_H

#include "base/str.h"
#include "harness/tables/table.h"

/* "none", "dense", "top-k 128": from the columns memory_mode and top_k. */
void fot_label_memory(struct fot_str *out, const struct fot_table *t, size_t row);
/* "512", "8k". */
void fot_label_length(struct fot_str *out, int64_t length);
/* Where a row stands on an axis, a column of integers: its value, 0 without one. Few-shot prompts
 * that are filled stand behind all numbers of demonstrations. */
#define FOT_PLACE_FILL INT64_MAX
int64_t fot_label_place(const struct fot_table *t, size_t row, const char *axis);
/* "1 shot", "16 shots", "as many as fit". */
void fot_label_shots(struct fot_str *out, int64_t place);

#endif
