/* index.h: what indexes over the keys of one head share.
 *
 * An index finds entries of large inner product with a query without scoring all of them.  It is a function of the
 * entries alone, in their order: neither of how they came in pieces nor of what was there before a rewind.  Scores by
 * which the best are chosen are those of an exact reading, bit for bit (fot_panel_scores); what is missed is missed
 * for not having been scored.
 *
 * Own code: FAISS and hnswlib, which Debian has, are C++ without a C interface in the package (libfaiss.a lacks the one whose
 * headers it brings), and neither takes the newest entries out of a graph again. */
#ifndef FOT_INDEX_H
#define FOT_INDEX_H

#include <stdint.h>

#include "base/mem.h"
#include "model/config.h"
#include "model/search.h"

/* Rows [, d] of one head, FOT_F32 or FOT_BF16. */
struct fot_keys {
	const void *at;
	enum fot_dtype dtype;
	int64_t d;
};
/* n rows from entry j on as floats: in place, or widened into buf [n, d]. */
const float *fot_keys_rows(const struct fot_keys *k, int64_t j, int64_t n, float *buf);

/* n <= FOT_TILE_Q queries that see the entries [from, to). */
struct fot_index_query {
	struct fot_attn *a; /* of these queries; whom it asks for may be changed */
	const float *q;     /* [n, d], times the scale of the scores */
	int64_t n, from, to;
	/* What is added to the score of an entry; NULL: nothing. */
	float (*bias)(const void *of, int64_t entry);
	const void *of;
};
/* n entries, each once, with their scores without bias, for query i of those; entries out of sight are left out. */
void fot_index_offer(const struct fot_index_query *q, struct fot_topk *best, int64_t i, float *score,
		     const int32_t *entry, int64_t n);
/* The same for entries that are not scored yet, which are widened into buf [FOT_SPREAD, d] where they must be. */
void fot_index_rescore(const struct fot_index_query *q, const struct fot_keys *k, struct fot_topk *best,
		       int64_t i, const int32_t *entry, int64_t n, float *buf);

#endif
