/* attention.h: attention over blocks of keys, streamed, forward and backward.
 *
 * The softmax is accumulated block by block (Milakov and Gimelshein 2018;
 * Dao et al. 2022), so no array of queries x keys is ever held: one tile of
 * FOT_TILE_Q queries meets FOT_TILE_K keys at a time.  A joint softmax over local keys
 * and memory [paper, sec. "memory attention layers"] is then just a list of
 * blocks folded into one state; what is local differs only by its causal mask.
 * What a query gets does not depend on the queries beside it, bit for bit.
 *
 * In bf16 (a kernel is given) queries, keys, values, weights and, on the way back, gradients of scores and outputs are
 * rounded where they are multiplied; sums, the softmax and what is told of it stay f32.  A query's pairs of keys
 * are counted from the first key of a call of fot_attn_meet.
 *
 * One call serves one head: q, k, v point at the head's first column, ld* are
 * the distances between rows. */
#ifndef FOT_ATTENTION_H
#define FOT_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/bf16.h"
#include "model/panel.h"

#define FOT_TILE_Q 128
#define FOT_TILE_K 256

/* State of up to FOT_TILE_Q queries, in panels (panel.h): running maximum, sum, and un-normalised output. */
struct fot_attn {
	int64_t n_q, head_dim;
	fot_real *max, *sum; /* [FOT_TILE_Q] */
	fot_real *out;       /* [panels][head_dim][FOT_PANEL] */
	fot_real *q;         /* the same: the queries that fot_attn_ask has set */
	fot_real *
		s; /* [FOT_TILE_K][FOT_PANEL] scores of one panel, later weights; room for FOT_FEW rows more */
	fot_real *row;   /* [head_dim] to work in */
	fot_real *k, *v; /* [FOT_TILE_K, head_dim] a tile whose rows lie far apart, brought together */
	/* For the backward pass only: gradients of a panel's scores, and what it gets, [head_dim][FOT_PANEL]; its queries and
	 * those as rows (fot_panel_rows). */
	fot_real *ds, *d_o, *q_rows, *d_o_rows;
	/* In bf16: what multiplies, and operands of it (attention_bf16.c), which take the place of q, k, v, d_o,
	 * q_rows and d_o_rows. */
	const struct fot_bf16_kernel *kernel; /* NULL: not in bf16 */
	struct fot_attn_narrow {
		uint32_t *q_rows;  /* [FOT_TILE_Q][pairs of head_dim] rounded; backward: of one panel */
		uint32_t *q, *d_o; /* [panels][pairs of head_dim][FOT_PANEL] */
		uint32_t *k, *v;   /* [FOT_TILE_K][pairs of head_dim] of a tile, rounded */
		uint32_t *k_pairs, *v_pairs; /* [pairs of FOT_TILE_K][head_dim] */
		uint32_t *turned;  /* [pairs of head_dim][FOT_TILE_K] keys for few queries; rows of outputs */
		uint32_t *weights; /* [pairs of FOT_TILE_K][FOT_PANEL] */
		uint32_t *rows; /* [FOT_TILE_K][pairs of FOT_PANEL] weights or gradients of scores, rounded */
		uint32_t *q_pairs, *d_o_pairs; /* [pairs of FOT_PANEL][head_dim] */
	} narrow;
	/* In f32: what a search multiplies first (attention_filter.h). */
	struct fot_attn_filter {
		const struct fot_bf16_kernel *kernel; /* NULL: nothing; this processor is no faster by it */
		uint32_t *q; /* [panels][pairs of head_dim][FOT_PANEL] */
		uint32_t *k; /* [FOT_TILE_K][pairs of head_dim] of a tile */
		fot_real *far;     /* [FOT_TILE_Q] how far the scores of a key of length 1 may be apart */
		fot_real *longest; /* [1] the length of the tile's longest key */
	} filter;
	const int64_t *low;   /* [n_q] first key of those that are folded in that a query sees; NULL: 0 */
	const fot_real *bias; /* [n_k] added to the scores of the keys that are folded in; NULL: none */
};

/* Numbers (fot_real) that a state needs. backward: also what that needs. kernel: compute in bf16 by it; NULL: in fot_real. */
int64_t fot_attn_need(int64_t head_dim, int backward, const struct fot_bf16_kernel *kernel);
/* Lay the state out over mem[fot_attn_need()]. */
void fot_attn_bind(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward,
		   const struct fot_bf16_kernel *kernel);
/* Begin n_q <= FOT_TILE_Q queries. */
void fot_attn_begin(struct fot_attn *a, int64_t n_q);
/* The rows q [n_q] at ldq are what asks from now on, with scores scale * q.k. */
void fot_attn_ask(struct fot_attn *a, const fot_real *q, int64_t ldq, fot_real scale);
/* Fold n_k keys in.  Key j is seen by query i if j <= i + diag; pass
 * FOT_ATTN_ALL as diag when all are seen. */
#define FOT_ATTN_ALL INT64_MAX
void fot_attn_meet(struct fot_attn *a, const fot_real *k, int64_t ldk, const fot_real *v, int64_t ldv,
		   int64_t n_k, int64_t diag);
/* Both. */
void fot_attn_fold(struct fot_attn *a, const fot_real *q, int64_t ldq, const fot_real *k, int64_t ldk,
		   const fot_real *v, int64_t ldv, int64_t n_k, int64_t diag, fot_real scale);
/* Scores of n_k <= FOT_TILE_K keys, all seen, and queries from `row` (a multiple of FOT_PANEL) on, into the state:
 * s[j * FOT_PANEL + i] of key j and query row + i.  Those that the same keys would get when folded in. */
void fot_attn_scores(struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n_k);
/* The same compared with threshold[FOT_PANEL] in place of written, as fot_panel_search does: n_k <= FOT_TILE_K keys that
 * fot_attn_keys was given, which in bf16 rounds them once for all panels; bias [n_k] or NULL. rare: few of the keys will
 * be above their thresholds, which may be used to find them faster, and changes nothing that is found. */
void fot_attn_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n_k, bool rare);
void fot_attn_search(const struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n_k,
		     const fot_real *bias, const fot_real *threshold, bool rare, fot_panel_hit *hit, void *to);
/* Fold a chosen list into one query's row: n scores with their values' rows; the scores are overwritten. */
void fot_attn_fold_row(struct fot_attn *a, int64_t row, fot_real *scores, const fot_real *const *values,
		       int64_t n);
/* Write outputs [n_q rows at ldo]; lse[i] = log sum exp (may be NULL). */
void fot_attn_end(struct fot_attn *a, fot_real *o, int64_t ldo, fot_real *lse);

/* Gradient of the same block: n_q queries (any number) against n_k keys.
 * lse from fot_attn_end; delta[i] = sum_j do_ij o_ij over the head.
 * dq, dk, dv are added to (same leading dimensions as q, k, v); dk and dv NULL:
 * the keys and values are constants. low [n_q]: the first key that a query sees; NULL: 0. */
struct fot_attn_grad {
	const fot_real *q, *k, *v, *d_o;
	fot_real *dq, *dk, *dv;
	int64_t ldq, ldk, ldv, ldo;
	const fot_real *lse, *delta;
	int64_t n_q, n_k, diag; /* diag as above: 0 for a causal square */
	const int64_t *low;
	fot_real scale;
};
void fot_attn_backward(struct fot_attn *a, const struct fot_attn_grad *g);

#endif
