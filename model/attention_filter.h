/* attention_filter.h: what a search in f32 multiplies in bf16 first, so that few scores are made in f32; for attention.c
 * alone.
 *
 * A score in bf16 is near that in f32. With q', k' for what is rounded, d numbers, and u = 2^-8, which bounds the relative error
 * of rounding, (Cauchy-Schwarz; the last term is the rounding of both sums)
 *
 *   |q.k - q'.k'| <= |q - q'| |k| + |q'| |k - k'| <= ((1 + u) |q - q'| + u |q| + 2 d 2^-24 |q|) |k|
 *
 * so that a key whose score in bf16 is further below the threshold than this is none of those above it, and all others
 * are scored in f32, as if there were no filter.  The same hits with the same scores in the same order. */
#ifndef FOT_ATTENTION_FILTER_H
#define FOT_ATTENTION_FILTER_H

#include "model/attention.h"

/* Lays what it holds out over mem (NULL: nothing), returns how many numbers that takes. */
int64_t attn_filter_lay(struct fot_attn_filter *f, fot_real *mem, int64_t head_dim);
/* Whether searches of the state go through it. */
bool attn_filter_on(const struct fot_attn *a);
/* The queries of the state, which are in its panels, ask. */
void attn_filter_ask(const struct fot_attn *a);
/* n <= FOT_TILE_K keys come. */
void attn_filter_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n);
/* fot_panel_search of those keys and the panel that begins with query `row`, without a bias. false: the bound is no use
 * here (a threshold of -INFINITY, numbers too large), and nothing is told. */
bool attn_filter_search(const struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n,
			const fot_real *threshold, fot_panel_hit *hit, void *to);

#endif
