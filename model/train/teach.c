/* teach.c: attention teaching: where a memory layer should look when a label comes next.
 *
 *   demonstrations in sight          the window that asks
 *   .. text A: x .. text B: y ..     .. text A': [x]
 *             ^            ^                   ^ query
 *             right        wrong label
 *
 * The generator knows the classes, so the loss has a term that says it to the attention itself,
 *
 *   - teach / (places L H)  sum over places t, memory layers l, heads h of  log M_tlh,
 *   M_tlh = attention of t's query on the keys of all labels (their first tokens) of t's class in sight,
 *
 * L memory layers, H heads, places: tokens before a label whose class is in sight.  M is a share of the
 * one softmax over window and memory, so the term is contrastive in queries and keys, values apart:
 * a score s_j of weight p_j has the gradient p_j - p_j [j right] / M.  It is ours, not the paper's, and
 * stages fade it out (recipe.h).  A method without memory is taught in the same way on its window.
 *
 * The first part, for all keys, is that of the softmax's own backward pass p_j (d_o . v_j - delta) with
 * delta less by the place's weight; right labels are few, so theirs is added key by key.
 * With a gate or top-k there is no such softmax over all keys; recipes that ask for both are refused. */
#include <math.h>

#include "model/ops.h"
#include "model/train/network_priv.h"

void teach_lay(struct fot_layout *y, struct mem_read *m, const struct fot_config *cfg,
	       const struct fot_net_size *z)
{
	m->right = z->teach ? fot_layout_take(y, z->cap_ask_tokens * cfg->n_heads, sizeof *m->right) : NULL;
}

/* A walk over the keys in sight of token t that are labels of its class: own window first. */
struct walk {
	const struct fot_batch *b;
	int64_t t;    /* the token that asks */
	int64_t v;    /* place in the visibility list, vis_begin - 1: the own window */
	int64_t j;    /* next key of it */
	int64_t key;  /* the one found, a token of the batch */
	int64_t from; /* its window */
	bool local;
};

static struct walk walk_from(const struct fot_batch *b, int64_t t)
{
	return (struct walk){ .b = b, .t = t, .v = b->vis_begin[t / b->window] - 1 };
}

static bool walk_next(struct walk *k)
{
	const struct fot_batch *b = k->b;
	int64_t W = b->window, w = k->t / W, own = b->vis_begin[w] - 1;

	for (; k->v < b->vis_begin[w + 1]; k->v++, k->j = 0) {
		int64_t n;

		k->local = k->v == own;
		k->from = k->local ? w : b->vis[k->v];
		n = k->local ? k->t - w * W + 1 : W;
		while (k->j < n) {
			k->key = k->from * W + k->j++;
			if (b->label[k->key] == b->asks[k->t])
				return true;
		}
	}
	return false;
}

/* Score of the key found, head h. */
static fot_real score(const struct fot_net *net, int l, int64_t h, const struct walk *k)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t D = net->D, col = h * net->dh;

	return k->local ? block_score_scale(net) *
				  fot_dot(c->q + k->t * D + col, c->k + k->key * D + col, net->dh) :
			  memory_score_scale(net) *
				  fot_dot(c->q + k->t * D + col, c->k_ctx + k->key * D + col, net->dh);
}

/* log sum exp of the scores of right labels; -INFINITY: none in sight. */
static fot_real right_labels(const struct fot_net *net, const struct fot_batch *b, int l, int64_t t,
			     int64_t h)
{
	struct walk k = walk_from(b, t);
	double max = -(double)INFINITY, sum = 0;

	while (walk_next(&k)) {
		double s = (double)score(net, l, h, &k);

		if (s > max) {
			sum = sum * exp(max - s) + 1;
			max = s;
		} else {
			sum += exp(s - max);
		}
	}
	return (fot_real)(max + log(sum));
}

void teach_forward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	for (int64_t t = w * b->window; t < (w + 1) * b->window; t++)
		for (int64_t h = 0; b->asks[t] >= 0 && h < net->H; h++)
			net->layer[l].mem.right[t * net->H + h] = right_labels(net, b, l, t, h);
}

/* log M; false: t asks for nothing that is in sight. */
static bool log_mass(const struct fot_net *net, const struct fot_batch *b, int l, int64_t t, int64_t h,
		     double *mass)
{
	const struct layer_cache *c = &net->layer[l];

	if (b->asks[t] < 0 || !isfinite(c->mem.right[t * net->H + h]))
		return false;
	*mass = (double)c->mem.right[t * net->H + h] -
		(double)c->lse[(t / b->window * net->H + h) * b->window + t % b->window];
	return true;
}

double fot_net_taught(const struct fot_net *net, const struct fot_batch *b, int64_t *n)
{
	double sum = 0, mass;
	int64_t terms = 0;

	for (int l = 0; b->labelled && !b->top_k && l <= net->last_mem; l++)
		for (int64_t i = 0;
		     net_is_mem(net, l) && net->layer[l].mem.right && i < b->n_ask * b->window * net->H; i++)
			if (log_mass(net, b, l, i / net->H, i % net->H, &mass)) {
				sum -= mass;
				terms++;
			}
	*n = terms / net->H;
	return terms ? sum / (double)terms : 0;
}

void teach_weigh(struct fot_net *net, const struct fot_batch *b)
{
	int64_t n = 0;

	net->teach = 0;
	if (b->teach > 0)
		fot_net_taught(net, b, &n);
	if (n)
		net->teach = (fot_real)(b->teach / (double)(n * net->H));
}

void teach_delta(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h,
		 fot_real *delta)
{
	double mass;

	for (int64_t i = 0; w < b->n_ask && i < b->window; i++)
		if (log_mass(net, b, l, w * b->window + i, h, &mass))
			delta[i] -= net->teach;
}

/* The part of the right labels that token t asks for. */
static void teach_token(struct fot_net *net, const struct fot_batch *b, int l, int64_t t, int64_t h,
			int group)
{
	const struct layer_cache *c = &net->layer[l];
	const struct mem_grads *m = &net->mem;
	int64_t D = net->D, col = h * net->dh;
	struct walk k = walk_from(b, t);

	while (walk_next(&k)) {
		const fot_real *q = c->q + t * D + col, *key = (k.local ? c->k : c->k_ctx) + k.key * D + col;
		fot_real *dk = k.local ? m->dk : b->constant ? NULL : m->seen_k[group];
		fot_real ds = -net->teach *
			      fot_real_exp(score(net, l, h, &k) - c->mem.right[t * net->H + h]) *
			      (k.local ? block_score_scale(net) : memory_score_scale(net));

		for (int64_t i = 0; i < net->dh; i++)
			m->dq[t * D + col + i] += ds * key[i];
		for (int64_t i = 0; dk && i < net->dh; i++)
			dk[k.key * D + col + i] += ds * q[i];
	}
}

void teach_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int group)
{
	double mass;

	for (int64_t t = w * b->window; w < b->n_ask && t < (w + 1) * b->window; t++)
		if (log_mass(net, b, l, t, h, &mass))
			teach_token(net, b, l, t, h, group);
}
