/* labels.h: short names of conditions and lengths. */
#ifndef FOT_LABELS_H
#define FOT_LABELS_H

#include <stdbool.h>

#include "base/str.h"
#include "harness/tables/table.h"

/* The column memory: "none", "dense", "knn:128,decay=1"; of rows that were written before it was, kind
 * and number of keys. */
void fot_label_memory(struct fot_str *out, const struct fot_table *t, size_t row);
/* Do both rows say the same there, or does one of them, as it is older, say nothing? Then the columns
 * memory_mode, top_k, mem_dtype and window decide. */
bool fot_label_same_memory(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other);
/* "512", "8k". */
void fot_label_length(struct fot_str *out, int64_t length);
/* Where a row stands on an axis, a column of integers: its value, 0 without one. Few-shot prompts
 * that are filled stand behind all numbers of demonstrations. */
#define FOT_PLACE_FILL INT64_MAX
int64_t fot_label_place(const struct fot_table *t, size_t row, const char *axis);
/* "1 shot", "16 shots", "as many as fit". */
void fot_label_shots(struct fot_str *out, int64_t place);

/* --- conditions as users write them, in claims and on the command line ---
 *
 * A memory is a kind with its numbers as in a spec (attach.h): "dense", "knn:128", "recent:1024"; or its word alone, which
 * stands for any numbers.  No options, except where fot_condition_has_options is asked too. */
#define FOT_CONDITION_MEMORIES "none, dense, knn, knn:K, xl, recent:B, sinks:S,recent:B, random:K, moba:B,K or quest:B,K"

/* Is text one of these? */
bool fot_condition_is_memory(const char *text);
/* Is text a kind with its numbers and options behind a comma, as the column memory has them: "dense,layers=1"? */
bool fot_condition_has_options(const char *text);
/* Is it that of a row, by the columns memory_mode, top_k and memory? With options, all that memory says. */
bool fot_condition_memory_fits(const struct fot_table *t, size_t row, const char *text);
/* Append that of a row: "dense", "knn:128", "recent:1024". */
void fot_condition_memory(struct fot_str *out, const struct fot_table *t, size_t row);

#endif
