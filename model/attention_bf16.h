/* attention_bf16.h: what attention.c does in bf16 (attention_bf16.c); for it alone.
 *
 * A tile's keys and values are rounded when they come, queries when they ask; scores and weights of a panel go through
 * the functions of panel.h in f32, and weights are rounded for their products. */
#ifndef FOT_ATTENTION_BF16_H
#define FOT_ATTENTION_BF16_H

#include "model/attention.h"

/* Keys [from, from + n) of those that came; from is even where values are read. */
struct attn_keys {
	int64_t from, n;
	const fot_real *bias; /* [from + n] or NULL */
};

/* Lays the operands out over mem (NULL: nothing), returns how many numbers that takes. */
int64_t attn_narrow_lay(struct fot_attn_narrow *w, fot_real *mem, int64_t head_dim, int backward);
void attn_narrow_ask(struct fot_attn *a, const fot_real *q, int64_t ldq, fot_real scale);
/* n <= FOT_TILE_K keys, values come. */
void attn_narrow_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n);
void attn_narrow_values(const struct fot_attn *a, const fot_real *v, int64_t ldv, int64_t n);
/* Into a->s, of the panel that begins with query `row`. */
void attn_narrow_scores(const struct fot_attn *a, int64_t row, const struct attn_keys *k);
/* Scores, weights, outputs of its n_q queries, query i of which sees [low[i], high[i]) of the keys. */
void attn_narrow_fold(struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k,
		      const int64_t *low, const int64_t *high);

/* Backward: queries [row, row + n_q <= FOT_PANEL) and the gradients of their outputs come. */
void attn_narrow_begin_back(struct fot_attn *a, const struct fot_attn_grad *g, int64_t row, int64_t n_q);
/* Keys [k0, k0 + n): their part of a->out, which is of the queries' gradients, and dk, dv. */
void attn_narrow_back(struct fot_attn *a, const struct fot_attn_grad *g, int64_t k0, int64_t n,
		      const int64_t *low, const int64_t *high, const fot_real *lse, const fot_real *delta);

#endif
