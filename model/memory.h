/* memory.h: the (key, value) pairs of one memory layer, and reading them.
 *
 * Keys are stored as if at position 0 (un-rotated), per head contiguous:
 * [H][cap][d], in float or bfloat16 (rounded once, to nearest even, when an
 * entry enters).  Appending and truncating at the end are the only changes. */
#ifndef FOT_MEMORY_H
#define FOT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/attention.h"
#include "model/config.h"
#include "model/search.h"

struct fot_memory {
	int64_t n_heads, head_dim;
	int64_t cap, len;      /* tokens */
	enum fot_dtype dtype;  /* FOT_F32 or FOT_BF16 */
	void *k, *v;           /* [H][cap][d] */
	double decay;          /* 0: none; a score loses decay ln(1 + age / unit), age: entries behind its own */
	int64_t unit;
};

/* Scratch of one thread for reading. */
struct fot_memory_scratch {
	float *k, *v;                /* [FOT_TILE_K, d] widened tile (bfloat16 only) */
	float *rows;                 /* [top_k, d] gathered values (bfloat16 only) */
	float *scores;               /* [top_k] */
	const float **values;        /* [top_k] */
	struct fot_topk topk;
};

void fot_memory_lay(struct fot_memory *m, struct fot_layout *y, int64_t n_heads, int64_t head_dim, int64_t cap,
		    enum fot_dtype dtype);
/* top_k 0: dense reading only. */
void fot_memory_scratch_lay(struct fot_memory_scratch *s, struct fot_layout *y, int64_t head_dim,
			    enum fot_dtype dtype, int64_t top_k);
/* Append n rows of H * d numbers at distance ld; the caller checked len + n <= cap. */
void fot_memory_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n);
/* Fold entries [from, to) of head h into the state: all, or the best top_k per query. */
void fot_memory_read_all(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			 int64_t from, int64_t to, float scale, struct fot_memory_scratch *s);
void fot_memory_read_topk(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			  int64_t from, int64_t to, float scale, struct fot_memory_scratch *s);

/* Where queries look: log sum exp of the scores of groups of entries. */
struct fot_memory_groups {
	int64_t size;       /* entries per group, counted from `from`; the last may hold fewer */
	int64_t n;          /* groups */
	bool found;         /* only the best top_k per query count */
	const int64_t *row; /* [n_rows] queries of the state that are asked for */
	int64_t n_rows;
	double *out;        /* [n_rows, n] -INFINITY where nothing counts */
};
/* The scores are those that the readings above see, bit for bit where a group is one entry; a
 * group's sum does not depend on what stands around it. Uses the state's scores. */
void fot_memory_read_groups(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			    int64_t from, int64_t to, float scale, const struct fot_memory_groups *g,
			    struct fot_memory_scratch *s);

#endif
