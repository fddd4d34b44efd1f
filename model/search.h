/* search.h: exact top-k by inner product, per query.
 *
 * Scores arrive block by block in the order of the keys; each query keeps a
 * buffer of candidates above a threshold, cut back to the k best whenever it is
 * full, which raises the threshold.  The result is exactly the k largest scores;
 * of equal scores those of the earlier keys win, so it depends on nothing but
 * the scores. */
#ifndef FOT_SEARCH_H
#define FOT_SEARCH_H

#include <stdint.h>

#include "base/mem.h"
#include "model/real.h"

struct fot_hit {
	fot_real score;
	int64_t key;
};

struct fot_topk {
	int64_t k, cap;          /* cap: candidates a buffer holds */
	int64_t n_queries;       /* rows in use */
	int64_t *n;              /* [rows] candidates held */
	fot_real *threshold;     /* [rows] scores not above it are out */
	struct fot_hit *hit;     /* [rows, cap] */
};

/* Candidates per query for this k. */
int64_t fot_topk_cap(int64_t k);
/* Room for `rows` searches of the k best at once; k 0: none. */
void fot_topk_lay(struct fot_topk *t, struct fot_layout *y, int64_t k, int64_t rows);
/* Begin n_queries searches; k and cap may have been lowered since fot_topk_lay. */
void fot_topk_begin(struct fot_topk *t, int64_t n_queries);
/* Offer the scores of keys first_key .. first_key + n - 1 to query q. */
void fot_topk_offer(struct fot_topk *t, int64_t q, const fot_real *scores, int64_t n, int64_t first_key);
/* The best min(k, offered) of query q, sorted by key; returns their number. */
int64_t fot_topk_end(struct fot_topk *t, int64_t q, struct fot_hit **hits);

#endif
