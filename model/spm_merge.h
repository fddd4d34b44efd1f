/* spm_merge.h: merging the symbols of one segment of text into pieces; private to
 * model/tokenizer_spm.c. */
#ifndef FOT_SPM_MERGE_H
#define FOT_SPM_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPM_NIL UINT32_MAX

struct spm_symbol {
	uint32_t begin, n; /* bytes in the segment; n == 0: merged away */
	uint32_t prev, next;
	int32_t id; /* -1: a single character, not looked up yet */
};

/* A pair that is a piece. key sorts as (score, then place): the high half falls
 * as the score rises, the low half is the left symbol. */
struct spm_candidate {
	uint64_t key;
	uint32_t right;
	int32_t id;
};

/* The pieces, as far as merging needs them. */
struct spm_rules {
	const void *table;
	int32_t (*find)(const void *table, const unsigned char *p, size_t n); /* a normal piece or -1 */
	uint32_t (*length)(const void *table, int32_t id);
	float (*score)(const void *table, int32_t id);
	const uint32_t *rank; /* [n] by falling score; NULL if two pieces have one score */
	int32_t n;
};

/* Places waiting for one piece, ascending, as a list of nodes that begins with `head`. */
struct spm_queue {
	uint32_t head, tail;
};

struct spm_node {
	uint32_t at, next;
};

/* Zeroed at first; released by spm_work_release. */
struct spm_work {
	const unsigned char *text; /* of the segment */
	struct spm_symbol *sym;
	size_t n_sym, cap_sym;
	struct spm_candidate *heap; /* four children each, the least key on top */
	size_t n_heap, cap_heap;
	/* for long segments */
	struct spm_queue *queue; /* [n pieces] by rank */
	struct spm_node *node;
	size_t n_node, cap_node;
	uint32_t free_node;
	size_t queued_max; /* for tests: merges of one segment before the heap takes over; 0: all */
};

/* Put a character behind the segment's others. */
int spm_work_add(struct spm_work *w, size_t begin, size_t n, struct fot_err *err);
/* Merge until no two neighbours make a piece: the symbols left are those reached from 0 by next. */
int spm_work_merge(struct spm_work *w, const struct spm_rules *r, struct fot_err *err);
void spm_work_release(struct spm_work *w);

#endif
