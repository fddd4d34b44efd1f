/* retrieved.h: what a query retrieves from the memory [paper, tab. "qualitative"].
 *
 * kNN score: share of the query's attention mass on the retrieved keys; the rest is on local keys.
 * Focus score of a retrieved key: its mass over that of itself, the FOT_FOCUS_KEYS keys before and as
 * many behind it, whether those are retrieved or not. */
#ifndef FOT_RETRIEVED_H
#define FOT_RETRIEVED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FOT_FOCUS_KEYS 32

struct fot_retrieved {
	int64_t key;  /* entry of the memory */
	double share; /* of the query's attention mass */
	double focus;
};

struct fot_retrieval {
	double knn_score;
	int64_t n_retrieved;
	size_t n_best;
};

/* The retrieved keys of one query and head: the top_k of n_keys >= 1 by score (0: all; of equal ones
 * the earlier; none of -INFINITY, which are those that the kind of memory left out).  local: log of the mass on local keys.  The n_best (room: max_best) with the most mass go to
 * best, first the most.  Errors: FOT_ERR_RUN. */
int fot_retrieve(struct fot_retrieval *out, struct fot_retrieved *best, size_t max_best, const double *score,
		 int64_t n_keys, int64_t top_k, double local, struct fot_err *err);

/* What a kind of memory changes of a query's attention.  With p the softmax over all entries of the memory and the local keys
 * (dense), q that over what the kind reads and the same local keys, R the entries that are read, and T the |R| entries
 * of the largest p:
 *
 *   missed       sum of p over what is not in R
 *   distracted  sum of q - p over R without T: the mass that goes to others than the right entries
 *   rest         sum of q - p over R and T both, and on the local keys
 *
 * All three are shares of the query's mass, and missed = distracted + rest, since both softmaxes sum to 1. */
struct fot_attended {
	double dense;  /* sum of p over the memory */
	double caught; /* of that, the share on R */
	double recall; /* share of T that is in R */
	double missed, distracted, rest;
	int64_t n_read; /* |R| */
};

/* dense, kind: scores of the n_keys >= 1 entries as fot_masses has them, all of them and those that are read (the others
 * -INFINITY; one is read at least); with the log of the local mass of each.  Of equal scores the earlier entries are
 * the right ones. Errors: FOT_ERR_RUN. */
int fot_attended(struct fot_attended *out, const double *dense, double dense_local, const double *kind,
		 double kind_local, int64_t n_keys, struct fot_err *err);

/* n different positions in [first, end), ascending, by (seed, document); fewer if there are fewer.
 * Returns how many. */
size_t fot_retrieval_positions(int64_t *position, size_t n, int64_t first, int64_t end, uint64_t seed,
			       uint64_t document);

#endif
