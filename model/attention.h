/* attention.h: attention over blocks of keys, streamed, forward and backward.
 *
 * The softmax is accumulated block by block (Milakov and Gimelshein 2018;
 * Dao et al. 2022), so no array of queries x keys is ever held: one tile of
 * FOT_TILE_Q queries meets FOT_TILE_K keys at a time.  A joint softmax over local keys
 * and memory [paper, sec. "memory attention layers"] is then just a list of
 * blocks folded into one state; what is local differs only by its causal mask.
 *
 * One call serves one head: q, k, v point at the head's first column, ld* are
 * the distances between rows. */
#ifndef FOT_ATTENTION_H
#define FOT_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/real.h"

#define FOT_TILE_Q 128
#define FOT_TILE_K 256

/* State of up to FOT_TILE_Q queries: running maximum, sum, and un-normalised output. */
struct fot_attn {
	int64_t n_q, head_dim;
	fot_real *max, *sum; /* [FOT_TILE_Q] */
	fot_real *out;       /* [FOT_TILE_Q, head_dim] */
	fot_real *s;         /* [FOT_TILE_Q, FOT_TILE_K] scores, later weights */
	fot_real *ds;        /* the same, for the backward pass only */
	const int64_t *low;   /* [n_q] first key of those that fot_attn_fold folds in that a query sees; NULL: 0 */
	const fot_real *bias; /* [n_k] added to the scores of the keys that fot_attn_fold folds in; NULL: none */
};

/* Numbers (fot_real) that a state needs. backward: also ds. */
int64_t fot_attn_need(int64_t head_dim, int backward);
/* Lay the state out over mem[fot_attn_need()]. */
void fot_attn_bind(struct fot_attn *a, fot_real *mem, int64_t head_dim, int backward);
/* Begin n_q <= FOT_TILE_Q queries. */
void fot_attn_begin(struct fot_attn *a, int64_t n_q);
/* Fold n_k keys in.  Key j is seen by query i if j <= i + diag; pass
 * FOT_ATTN_ALL as diag when all are seen.  Scores are scale * q.k. */
#define FOT_ATTN_ALL INT64_MAX
void fot_attn_fold(struct fot_attn *a, const fot_real *q, int64_t ldq, const fot_real *k, int64_t ldk,
		   const fot_real *v, int64_t ldv, int64_t n_k, int64_t diag, fot_real scale);
/* Add bias[j] to column j < n of all scores of the state. */
void fot_attn_add_bias(struct fot_attn *a, const fot_real *bias, int64_t n);
/* Fold a chosen list into one query's row: n scores with their values' rows. */
void fot_attn_fold_row(struct fot_attn *a, int64_t row, fot_real *scores, const fot_real *const *values, int64_t n);
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
