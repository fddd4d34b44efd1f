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
/* fot_panel_search of the n_q queries from `row` on. */
void attn_narrow_search(const struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k,
			const fot_real *threshold, fot_panel_hit *hit, void *to);
/* Scores, weights, outputs of its n_q queries, query i of which sees [low[i], high[i]) of the keys. */
void attn_narrow_fold(struct fot_attn *a, int64_t row, int64_t n_q, const struct attn_keys *k,
		      const int64_t *low, const int64_t *high);

/* Rows o [n <= FOT_PANEL, head_dim] at ldo = f[i] times the columns of a panel, plus them where beta is 1. */
void attn_narrow_add(const struct fot_attn *a, fot_real *o, int64_t ldo, const fot_real *panel, int64_t n,
		     const fot_real *f, fot_real beta);

/* What the queries of a panel see of a tile's keys: each [low, high) counted from `from`, together [from, to). */
struct attn_sight {
	int64_t low[FOT_PANEL], high[FOT_PANEL], from, to;
};
/* Of n_q queries those from `row` on; k0: keys before the tile. Columns without a query see what the last
 * one sees. even: `from` is, so that pairs of keys are the same for all panels. */
void attn_look(struct attn_sight *g, const int64_t *low, int64_t n_q, int64_t row, int64_t k0, int64_t n_k,
	       int64_t diag, bool even);
/* fot_attn_backward: a tile's keys and values are rounded once for FOT_TILE_Q queries. */
void attn_narrow_backward(struct fot_attn *a, const struct fot_attn_grad *g);

#endif
