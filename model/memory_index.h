/* memory_index.h: kinds that look for the K best entries per query and head in an index over the keys of each head of
 * keys, and so may miss some: number[0] is K.  Entries stay as rows, too, for their values and for what no index
 * serves. */
#ifndef FOT_MEMORY_INDEX_H
#define FOT_MEMORY_INDEX_H

#include <stdbool.h>

#include "model/index.h"
#include "model/memory.h"

struct fot_index_kind {
	size_t size, search_size; /* bytes of the index of a head, and of what a thread searches with */
	/* Their arrays. index, search: NULL while y counts. */
	void (*lay)(void *index, struct fot_layout *y, const struct fot_memory *m,
		    const struct fot_keys *keys);
	void (*lay_search)(void *search, struct fot_layout *y, const struct fot_memory *m);
	/* Entries up to len are there; those from len on are gone. */
	void (*grow)(void *index, int64_t len);
	void (*cut)(void *index, int64_t len);
	/* The entries found, into the searches of `best`; false: all entries are to be scored instead, nothing was
	 * done. */
	bool (*search)(const void *index, const struct fot_memory *m, const struct fot_index_query *q,
		       struct fot_topk *best, void *search);
	/* Scores per query that sees so many entries. */
	double (*scored)(const struct fot_memory *m, double entries);
};

/* The operations of such a kind, whose ops->index is set (memory.h). */
void fot_indexed_lay(struct fot_memory *m, struct fot_layout *y);
void fot_indexed_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y);
void fot_indexed_seal(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads);
void fot_indexed_truncate(struct fot_memory *m, int64_t len);
void fot_indexed_read(const struct fot_memory *m, const struct fot_query *q);
void fot_indexed_read_groups(const struct fot_memory *m, const struct fot_query *q,
			     const struct fot_memory_groups *g);
struct fot_reads fot_indexed_reads(const struct fot_memory *m, double entries);
/* The searches of the scratch then hold the best of each query: fot_topk_end_sorted gives them. */
void fot_indexed_find(const struct fot_memory *m, const struct fot_query *q);

/* Their struct fot_memory_ops; behind it in braces what the kind takes. */
#define FOT_INDEX_OPS(word_, index_, ...)                                                                    \
	{                                                                                                    \
		.word = word_, .index = index_, .takes = __VA_ARGS__, .lay = fot_indexed_lay,                \
		.lay_scratch = fot_indexed_lay_scratch, .append = fot_rows_append, .seal = fot_indexed_seal, \
		.truncate = fot_indexed_truncate, .read = fot_indexed_read,                                  \
		.read_groups = fot_indexed_read_groups, .reads = fot_indexed_reads                           \
	}

#endif
