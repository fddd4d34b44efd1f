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
/* The one list of how kinds are written; a capital is a number, what stands in [] may be left out. It stands here since tables see no model; that the kinds of
 * model/memory_kinds.h are these tests/unit/test_memory_kinds.c holds. */
#define FOT_CONDITION_FORMS(FORM)                                                                       \
	FORM("none")                                                                                    \
	FORM("dense")                                                                                   \
	FORM("knn")                                                                                     \
	FORM("knn:K")                                                                                   \
	FORM("xl")                                                                                      \
	FORM("recent:B")                                                                                \
	FORM("sinks:S,recent:B")                                                                        \
	FORM("random:K")                                                                                \
	FORM("moba:B,K")                                                                                \
	FORM("quest:B,K")                                                                               \
	FORM("ivf:K,probe=P[,lists=N]")                                                                 \
	FORM("hnsw:K,ef=E[,m=M]")                                                                       \
	FORM("int8:K[,rescore=R]")                                                                      \
	FORM("infllm:B,K,R")                                                                            \
	FORM("shared:K")                                                                                \
	FORM("knorm:B")                                                                                 \
	FORM("keydiff:B")                                                                               \
	FORM("snapkv:B")                                                                                \
	FORM("tova:B")
#define FOT_CONDITION_LISTED(form) form ", "
/* All of them, for messages that go on with another: "none, dense, ..., quest:B,K, ". */
#define FOT_CONDITION_MEMORIES FOT_CONDITION_FORMS(FOT_CONDITION_LISTED)

/* Is text one of these? */
bool fot_condition_is_memory(const char *text);
/* Is text a kind with its numbers and options behind a comma, as the column memory has them: "dense,layers=1"? */
bool fot_condition_has_options(const char *text);
/* Is it that of a row, by the columns memory_mode, top_k and memory? With options, all that memory says. */
bool fot_condition_memory_fits(const struct fot_table *t, size_t row, const char *text);
/* Append that of a row: "dense", "knn:128", "recent:1024". */
void fot_condition_memory(struct fot_str *out, const struct fot_table *t, size_t row);

#endif
