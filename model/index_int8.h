/* index_int8.h: a search of all keys of one head in 8 bits (scalar quantisation with a scale per key, codes.h), whose R best
 * are scored again exactly.
 *
 * The queries are rounded to 8 bits, too.  Sums of products are whole numbers, so the list of R is the same on every
 * machine. */
#ifndef FOT_INDEX_INT8_H
#define FOT_INDEX_INT8_H

#include "model/codes.h"

struct fot_int8 {
	struct fot_keys keys;
	struct fot_codes codes;
	int32_t *sum; /* [cap] of an entry's codes */
	float *row;   /* [d] */
	int64_t len;
};
void fot_int8_lay(struct fot_int8 *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap);
/* Entries up to len are there; those from len on are gone. */
void fot_int8_grow(struct fot_int8 *x, int64_t len);
void fot_int8_cut(struct fot_int8 *x, int64_t len);

/* What one thread searches with. */
struct fot_int8_search {
	struct fot_topk some; /* R a query */
	uint8_t *panel;       /* [FOT_TILE_Q / FOT_INT8_LANES][width / 4][FOT_INT8_LANES][4] */
	float *step;          /* [FOT_TILE_Q] */
	int32_t *found;       /* [R] */
	float *row;           /* [FOT_SPREAD, d] */
};
#define FOT_INT8_LANES 32
void fot_int8_lay_search(struct fot_int8_search *s, struct fot_layout *y, int64_t d, int64_t rescore);
/* The best of those R, into the searches of `best`. */
void fot_int8_search(const struct fot_int8 *x, const struct fot_index_query *q, struct fot_topk *best,
		     struct fot_int8_search *s);

#endif
