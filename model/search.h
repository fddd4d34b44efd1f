/* search.h: exact top-k by inner product, per query.
 *
 * Keys come block by block in their order; each query keeps a buffer of candidates above a
 * threshold, cut back to the k best whenever it is full, which raises the threshold.  Scores are compared
 * with the threshold while they are still in registers (panel.h), so that most are never written.
 * The result is exactly the k largest scores; of equal scores those of the earlier keys win, so it
 * depends on nothing but the scores. */
#ifndef FOT_SEARCH_H
#define FOT_SEARCH_H

#include <stdint.h>

#include "base/mem.h"
#include "model/attention.h"

struct fot_hit {
	fot_real score;
	int64_t key;
};

struct fot_topk {
	int64_t k, cap;      /* cap: candidates a buffer holds */
	int64_t n_queries;   /* rows in use */
	int64_t n_offered;   /* keys that came since they began */
	int64_t *n;          /* [rows] candidates held */
	fot_real *threshold; /* [rows] scores not above it are out */
	struct fot_hit *hit; /* [rows, cap] in the order in which they came */
	fot_int *order;      /* [cap] the scores of one buffer as integers of the same order */
};

/* Candidates per query for this k. */
int64_t fot_topk_cap(int64_t k);
/* Room for searches of the k best for the queries of a state of attention; k 0: none. */
void fot_topk_lay(struct fot_topk *t, struct fot_layout *y, int64_t k);
/* Begin n_queries <= FOT_TILE_Q searches; k and cap may have been lowered since fot_topk_lay. */
void fot_topk_begin(struct fot_topk *t, int64_t n_queries);
/* Offer keys k [n, d] at ldk, numbered from first_key on, to the queries that ask in a (fot_attn_ask), which are those
 * of fot_topk_begin. a->bias counts. */
void fot_topk_offer(struct fot_topk *t, const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n,
		    int64_t first_key);
/* One key to query q, whose score is above its threshold. */
void fot_topk_push(struct fot_topk *t, int64_t q, fot_real score, int64_t key);
/* The best min(k, offered) of query q, sorted by key; returns their number. */
int64_t fot_topk_end(struct fot_topk *t, int64_t q, struct fot_hit **hits);
/* For keys (below 2^31) that come in another order, of which each comes once: n of them with their scores to query q
 * alone, and then its best, sorted by key.  The same result as if all had come in their order. */
void fot_topk_take(struct fot_topk *t, int64_t q, const fot_real *score, const int32_t *key, int64_t n);
int64_t fot_topk_end_sorted(struct fot_topk *t, int64_t q, struct fot_hit **hits);

#endif
