/* cached.c: training with cached windows, as Transformer-XL does [Dai et al. 2019, sec. 3.2].
 *
 *   contexts, no gradient                        asking window
 *   [x - w W] -> ... -> [x - 2 W] -> [x - W] ->  [x]
 *
 * In every layer, memory layers too, a window sees the keys and values of the one before it at
 * their true distances: a window's own positions are 0 .. W-1, those of the one before -W .. -1
 * (what does not rotate just sees them).  The w windows before an asking one are run one after
 * the other, the farthest with nothing before it, through the buffers of the asking window;
 * only keys and values stay, as constants.  The w-th window from the end can still be felt as
 * long as w is not greater than the number of layers.
 *
 * Asking windows meet nowhere, so one thread runs a window and its past. */
#include "model/train/network_priv.h"

#include <omp.h>

#include "model/ops.h"

void cached_lay(struct fot_layout *y, struct layer_cache *c, const struct fot_config *cfg, const struct fot_net_size *z)
{
	int64_t n = z->cached ? z->cap_ask_tokens * fot_config_key_width(cfg) : 0;

	c->k_prev = n ? fot_layout_take(y, n, sizeof *c->k_prev) : NULL;
	c->v_prev = n ? fot_layout_take(y, n, sizeof *c->v_prev) : NULL;
}

void cached_fold(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int64_t q0,
		 struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, at = w * W * net->DK + net_key_column(net, h);
	const fot_real *q = c->q + (w * W + q0) * net->DQ + h * net->dh;

	if (!s->n_prev)
		return;
	s->attn.low = block_slide(net, l, q0, s->attn.n_q, -W, s);
	fot_attn_fold(&s->attn, q, net->DQ, c->k_prev + at, net->DK, c->v_prev + at, net->DK, s->n_prev, FOT_ATTN_ALL,
		      block_score_scale(net));
	s->attn.low = NULL;
}

void cached_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, const fot_real *d_o,
		     fot_real *dq, struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, DQ = net->DQ, DK = net->DK, col = h * net->dh;
	int64_t at = w * W * DQ + col, k_at = w * W * DK + net_key_column(net, h);
	struct fot_attn_grad g = { .q = c->q + at, .k = c->k_prev + k_at, .v = c->v_prev + k_at, .d_o = d_o + col,
				   .dq = dq + col, .ldq = DQ, .ldk = DK, .ldv = DK, .ldo = DQ,
				   .lse = c->lse + (w * net->H + h) * W, .delta = s->delta + h * W,
				   .n_q = W, .n_k = W, .diag = FOT_ATTN_ALL, .scale = block_score_scale(net) };

	if (!b->chain)
		return;
	g.low = block_slide(net, l, 0, W, -W, s);
	fot_attn_backward(&s->attn, &g);
}

/* Window w's keys and values become those of the window before. */
static void keep(struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, at = w * W * net->DK;
	size_t bytes = sizeof(fot_real) * (size_t)(W * net->DK);

	memcpy(c->k_prev + at, c->k + at, bytes);
	memcpy(c->v_prev + at, c->v + at, bytes);
	if (net_rotates(net, l))
		fot_rope_back(c->k_prev + at, W, net->KV, net->dh, net->rope_cos, net->rope_sin, W, net->key_factor);
}

/* Tokens of window `from` in the place of asking window w. */
static void run_window(struct fot_net *net, const struct fot_batch *b, int64_t from, int64_t w, struct scratch *s)
{
	bool asks = from == w;

	net_embed(net, b, from, w);
	for (int l = 0; l < net->n_layers; l++) {
		block_project(net, b, l, w, s);
		if (asks || l + 1 < net->n_layers) {
			block_attend(net, b, l, w, s);
			block_mlp(net, b, l, w, s);
		}
		if (!asks)
			keep(net, b, l, w);
	}
}

void cached_forward(struct fot_net *net, const struct fot_batch *b)
{
	int64_t w = (b->n_win - b->n_ask) / b->n_ask;

#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
	for (int64_t i = 0; i < b->n_ask; i++) {
		struct scratch *s = &net->scratch[omp_get_thread_num()];

		for (int64_t j = net->hold_prev ? 0 : b->chain; j > 0; j--) {
			run_window(net, b, b->n_ask + i * w + j - 1, i, s);
			s->n_prev = b->window;
		}
		s->n_prev = b->chain ? b->window : 0;
		run_window(net, b, i, i, s);
		s->n_prev = 0;
	}
}
