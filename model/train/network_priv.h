/* network_priv.h: what network.c (who runs when) and block.c (one window through
 * one layer) share. */
#ifndef FOT_NETWORK_PRIV_H
#define FOT_NETWORK_PRIV_H

#include <stdbool.h>

#include "base/mem.h"
#include "model/attention.h"
#include "model/linear.h"
#include "model/search.h"
#include "model/train/network.h"

/* Offsets of one layer's tensors in the flat array; -1 = none. */
struct layer_offsets {
	int64_t norm1, q, k, v, o, q_bias, k_bias, v_bias, o_bias, q_norm, k_norm, qk_scale, mem_gate, out_norm1, norm2,
		gate, up, down, gate_bias, up_bias, down_bias, out_norm2;
};

/* What the asking windows read of a memory layer's memory (memory_layer.c). */
struct mem_read {
	fot_real *o_local, *o_mem; /* [ask tokens, DQ] mix gate: the two parts of o; NULL: o is joint */
	fot_real *lse;             /* [window][H][W] mix gate: of the memory */
	int32_t *n;                /* [ask tokens, H] keys retrieved; all of these NULL without top-k */
	int32_t *row;              /* [ask tokens, H, k] tokens of the batch, in the order of the search */
	fot_real *p;               /* [ask tokens, H, k] scores; in the backward pass weights */
	fot_real *ds;              /* [ask tokens, H, k] gradients of q.k */
};

/* Queries or keys before each of their norms, and those norms' factors; NULL without. */
struct head_norms {
	fot_real *rms_in, *rms_inv;   /* [., DQ or DK]; [., heads] or [.]: the family's RMS norm, which comes first */
	fot_real *unit_in, *unit_inv; /* [., DQ or DK]; [., heads]: query-key normalisation */
};

/* Activations of one layer, kept for the backward pass; [tokens, ...] with window
 * number * W as first token. */
struct layer_cache {
	fot_real *x;                       /* [., D] input of the layer */
	fot_real *inv1, *inv2;             /* [.] of the two norms */
	fot_real *q;                       /* [., DQ] as attention uses them, like */
	fot_real *k, *v;                   /* [., DK] */
	fot_real *k_ctx;                   /* [., DK] keys as other windows see them; == k without rotation */
	struct head_norms q_norms, k_norms;
	fot_real *o;                       /* [., DQ] attention output */
	fot_real *lse;                     /* [window][H][W] */
	fot_real *k_prev, *v_prev;         /* [ask tokens, DK] of the window before (cached.c); NULL without */
	struct mem_read mem;               /* memory layers */
	fot_real *right;                   /* [tokens, H] log sum exp of the scores of the keys that are taught
					      (teach.c); NULL where no stage teaches this layer */
	fot_real *x2;                      /* [., D] after attention */
	fot_real *g, *u;                   /* [., F] */
	fot_real *y1, *y2;                 /* [., D] what attention and MLP give before their norms; NULL: those are
					      norms of what goes in */
};

/* Scratch of one thread. */
struct scratch {
	fot_real *xn, *dxn;        /* [W, D] */
	fot_real *h, *dg, *du;     /* [W, F] */
	fot_real *d_o, *dq;        /* [W, DQ] */
	fot_real *dk, *dv;         /* [W, DK] */
	fot_real *dy;              /* [W, the widest of D, DQ, DK] behind a norm */
	int64_t *low;              /* [W] first key that a query sees (sliding windows) */
	fot_real *delta;           /* [H, W] */
	fot_real *delta_mem;       /* [W] mix gate */
	struct fot_topk topk;      /* of the queries of attn */
	fot_real *scores;          /* [top_k] */
	const fot_real **values;   /* [top_k] */
	fot_real *logits;          /* [HEAD_ROWS, V] */
	struct fot_attn attn;
	uint32_t *left, *right;    /* operands of a product in bf16; NULL in f32 */
	uint32_t *turned;          /* the rows of the left one as they stand on the left of dy^T x */
	uint32_t *held;            /* rows of product_hold */
	const fot_real *held_rows; /* which; NULL: none */
	int64_t n_prev;            /* tokens that the window at work sees of the one before it (cached.c) */
};

/* Gradients that cross a memory layer's barrier; [tokens, DQ], of keys and values [tokens, DK].  Windows are seen by
 * several others, so what the windows of a group add to the keys and values they see is
 * kept apart until all groups are done; not so what they retrieved (memory_layer.c). */
#define GROUPS 4
#define RANGES 16 /* of windows whose keys and values take up what was retrieved */
struct mem_grads {
	fot_real *d_o, *dq, *dk, *dkc, *dv;    /* dkc == dk without rotation */
	fot_real *seen_k[GROUPS], *seen_v[GROUPS]; /* NULL when no stage needs them */
	fot_real *gate; /* [ask windows, H] of g, for mix gate */
};

#define HEAD_ROWS 128

/* Sums over the targets of one asking window: [0] others, [1] answers. */
struct window_loss {
	double nll[2];
	int64_t right; /* answers that were the most likely token */
};

/* Matrices in bf16 (product.c), for the products x W^T and dY W; all NULL in f32. */
struct products {
	const struct fot_bf16_kernel *kernel;
	struct packed {
		uint32_t *forward, *backward;
	} *at;                         /* [p->n_tensors] in those: NULL of what is no matrix */
	uint32_t *forward, *backward;
};

struct fot_net {
	const struct fot_params *p;
	struct fot_net_size size;
	struct fot_arena arena;
	int64_t D, F, H, dh, V;
	int64_t KV, share;    /* heads of keys and values; heads of queries to each */
	int64_t DQ, DK;       /* H dh, KV dh: numbers of a row of queries, of keys */
	fot_real key_factor;  /* of keys that other windows see, which stand at position 0 */
	int n_layers, last_mem; /* last_mem: -1 without memory layers */
	struct layer_offsets *at;
	int64_t at_embed, at_norm, at_head;
	fot_real *rope_cos, *rope_sin; /* [max_window + 1, dh/2] */
	struct layer_cache *layer;     /* [n_layers] */
	fot_real *x_out;               /* [ask tokens, D] output of the last layer */
	fot_real *inv_out;             /* [ask tokens] */
	fot_real *dx;                  /* [tokens, D] */
	struct mem_grads mem;
	fot_real *shard[FOT_SHARDS];   /* [p->n] */
	struct scratch *scratch;       /* [n_threads] */
	struct products products;
	struct window_loss *loss;      /* [cap_win] of the asking windows */
	int32_t *chosen;               /* [cap_ask_tokens] see fot_net_chosen */
	fot_real teach[2];             /* weight of one place, layer and head in the step's loss: of labels, of texts */
	bool hold_prev;                /* keep k_prev and v_prev as the latest run left them: constants
					  for finite differences */
	int *live;                     /* [cap_win] gradients reach a window from this layer down; -1: nowhere */
};

bool net_is_mem(const struct fot_net *net, int l);
bool net_rotates(const struct fot_net *net, int l);
/* The first column of the keys and values that query head h reads. */
static inline int64_t net_key_column(const struct fot_net *net, int64_t h)
{
	return h / net->share * net->dh;
}
/* The tokens of window `from` into the place of window w. */
void net_embed(struct fot_net *net, const struct fot_batch *b, int64_t from, int64_t w);

/* One window `w` of batch b through parts of layer l. */
void block_project(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s);
void block_attend(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s);
void block_mlp(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s);
/* Final norm, output layer, loss; with grad also dx and the shard's gradients. weight: of a
 * target that is no answer, and of one that is. */
void block_head(struct fot_net *net, const struct fot_batch *b, int64_t w, const double weight[2], double *nll,
		fot_real *grad, struct scratch *s);
/* Backward: dx of the layer's output -> d_o, dx gaining the residual path. */
void block_mlp_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *d_o,
			fot_real *grad, struct scratch *s);
/* Within the window alone: d_o -> dq, dk, dv (overwritten). */
void block_attend_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, const fot_real *d_o,
			   fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s);
/* The same for one head, with s->delta of it (block_head_delta); dq, dk, dv are added to. */
void block_local_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h,
			  const fot_real *d_o, fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s);
void block_head_delta(const struct fot_net *net, const fot_real *d_o, const fot_real *o, int64_t W, int64_t h,
		      fot_real *delta);
fot_real block_score_scale(const struct fot_net *net);
/* Of n queries from place `at` on, the first key of their window that each sees, counted from key `from` (the window
 * before: -W); NULL: from the first on. In s->low. */
const int64_t *block_slide(const struct fot_net *net, int l, int64_t at, int64_t n, int64_t from, struct scratch *s);
/* dq, dk (dkc), dv (destroyed) -> gradients of the projections, dx of the layer's input. */
void block_project_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *dq,
			    fot_real *dk, fot_real *dkc, fot_real *dv, fot_real *grad, struct scratch *s);

/* ---- product.c: y = x W^T in the numbers of net->size.compute; w lies in net->p->w ---- */

/* What multiplies in bf16; NULL: in f32. */
const struct fot_bf16_kernel *product_kernel(const struct fot_net_size *z);
void product_lay(struct fot_layout *y, struct products *p, const struct fot_config *cfg, const struct fot_net_size *z);
void product_lay_scratch(struct fot_layout *y, struct scratch *s, const struct fot_config *cfg,
			 const struct fot_net_size *z);
/* The parameters are what the next products take. */
void product_pack(struct fot_net *net);
/* Products that follow take the rows x [rows, in] as they are now, forward or backward, so that they are rounded once; x
 * NULL: no more. */
void product_hold(const struct fot_net *net, struct scratch *s, const fot_real *x, int64_t rows, int64_t in, bool back);
/* s->h = silu(g) u [rows, in], held so; den as of fot_swiglu_forward, on the way back alone, else NULL. In bf16 what is held is
 * all there is of s->h. */
void product_gate(const struct fot_net *net, struct scratch *s, const fot_real *g, const fot_real *u, fot_real *den,
		  int64_t rows, int64_t in);
/* y[rows, out] = x[rows, in] W^T + beta y, beta 0 or 1 */
void product(const struct fot_net *net, struct scratch *s, fot_real *y, const fot_real *x, const fot_real *w,
	     int64_t rows, int64_t in, int64_t out, fot_real beta);
/* dx = dy W + beta dx, dw += dy^T x */
void product_backward(const struct fot_net *net, struct scratch *s, fot_real *dx, fot_real *dw, const fot_real *dy,
		      const fot_real *x, const fot_real *w, int64_t rows, int64_t in, int64_t out, fot_real beta);

/* ---- memory_layer.c -------------------------------------------------- */

/* Does an asking window see any other at layer l? */
bool memory_seen(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w);
/* Queries [q0, q0 + n_q) of one head, whose local keys are folded into s->attn: reads the memory, writes o. */
void memory_read(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int64_t q0, int64_t n_q,
		 struct scratch *s);
/* One head of keys, and the queries that share it, of one group of windows; net->mem is added to. */
void memory_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t kv, int group, struct scratch *s);
/* What was retrieved of one head of keys, into the keys and values of one of RANGES ranges of windows. */
void memory_scatter(struct fot_net *net, const struct fot_batch *b, int l, int64_t kv, int range);
/* After those: which windows gradients reach now, and the gradient of the gate. */
void memory_reach(struct fot_net *net, const struct fot_batch *b, int l);
void memory_gate_backward(struct fot_net *net, const struct fot_batch *b, int l, fot_real *grad);

/* The scale of the scores of the keys of other windows. */
fot_real memory_score_scale(const struct fot_net *net);

/* ---- teach.c: teaching the attention of memory layers and of those below ---- */

void teach_lay(struct fot_layout *y, struct layer_cache *c, const struct fot_config *cfg, int l,
	       const struct fot_net_size *z);
/* After the attention of window w at layer l. */
void teach_forward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w);
/* Of the latest run: the taught terms of the loss. */
double teach_loss(const struct fot_net *net, const struct fot_batch *b);
/* Between them: the weights of a place. */
void teach_weigh(struct fot_net *net, const struct fot_batch *b);
/* One head of window w: s->delta of the queries is changed, so that the attention's backward pass serves for all
 * keys; what the taught keys have besides is added to dq, dk [W, D] of the window and dseen [tokens, D] (NULL:
 * constants) of the windows in sight. */
void teach_backward(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, fot_real *delta,
		    fot_real *dq, fot_real *dk, fot_real *dseen);

/* ---- cached.c: batches whose windows see the one before (b->cached) --- */

void cached_lay(struct fot_layout *y, struct layer_cache *c, const struct fot_config *cfg,
		const struct fot_net_size *z);
void cached_forward(struct fot_net *net, const struct fot_batch *b);
/* Fold the window before into s->attn, whose queries are those from place q0 of window w on. */
void cached_fold(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int64_t q0,
		 struct scratch *s);
/* Its part of dq, one head; s->delta as for the local keys. */
void cached_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, const fot_real *d_o,
		     fot_real *dq, struct scratch *s);

#endif
