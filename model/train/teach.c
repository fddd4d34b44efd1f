/* teach.c: attention teaching: where a layer should look when a label comes next.
 *
 *   demonstrations in sight               the window that asks
 *   .. text A: x .. text B: y ..          .. text A': [x]
 *             ^            ^                       ^ query
 *             right        wrong label
 *
 * The generator knows the classes, so the loss has a term that says it to the attention of memory layers,
 *
 *   - teach mean over t, l, h of  log M_tlh,
 *   M_tlh = attention of t's query on the keys of all labels (their first tokens) of t's class in sight,
 *
 * for memory layers l, heads h and places t: tokens before a label whose class is in sight.  M is a share of
 * the one softmax over window and memory, so the term is contrastive in queries and keys, values apart:
 * a score s_j of weight p_j has the gradient p_j - p_j [j right] / M.  A second term of the same form, with
 * the weight teach_text, is for the layer below each memory layer: there the token before a label and the label's
 * first token, later query and key, are to look at the demonstration's text in their window, so that both come to
 * hold what it is about.  Both are ours, not the paper's, and stages fade them out (recipe.h).  A
 * method without memory is taught in the same way on its window.
 *
 * The first part of the gradient, for all keys, is that of the softmax's own backward pass
 * p_j (d_o . v_j - delta) with delta less by the place's weight; taught keys are few, so theirs is added key by
 * key.  With a gate or top-k there is no such softmax over all keys; recipes that ask for both are refused. */
#include <math.h>

#include "model/ops.h"
#include "model/train/network_priv.h"

enum { LABELS, TEXTS };

/* What a layer is taught: row t asks for the keys j with key[j] == asks[t] (>= 0). */
struct lesson {
	int kind;
	const int32_t *asks, *key;
	int64_t n_win; /* windows that are taught */
	bool seen;     /* keys of the windows in sight as well */
};

static bool is_taught(const struct fot_config *c, int l)
{
	return fot_config_is_mem_layer(c, l) || (l + 1 < c->n_layers && fot_config_is_mem_layer(c, l + 1));
}

/* false: the layer has none, or not in this batch. */
static bool lesson_of(const struct fot_net *net, const struct fot_batch *b, int l, struct lesson *x)
{
	if (!b->labelled || b->top_k || !net->layer[l].right)
		return false;
	if (net_is_mem(net, l))
		*x = (struct lesson){ LABELS, b->asks, b->label, b->n_ask, true };
	else
		*x = (struct lesson){ TEXTS, b->reads, b->text, b->constant ? b->n_ask : b->n_win, false };
	return true;
}

void teach_lay(struct fot_layout *y, struct layer_cache *c, const struct fot_config *cfg, int l,
	       const struct fot_net_size *z)
{
	c->right = z->teach && is_taught(cfg, l) ? fot_layout_take(y, z->cap_tokens * cfg->n_heads, sizeof *c->right)
						 : NULL;
}

/* A walk over the keys in sight of token t that it is to look at: own window first. */
struct walk {
	const struct fot_batch *b;
	const struct lesson *x;
	int64_t t, v;  /* the token that asks; place in the visibility list, -1 before it the own window */
	int64_t j;     /* next key of the window */
	int64_t key;   /* the one found, a token of the batch */
	bool local;
};

static bool walk_next(struct walk *k)
{
	const struct fot_batch *b = k->b;
	int64_t W = b->window, w = k->t / W;
	int64_t n_seen = k->x->seen ? b->vis_begin[w + 1] - b->vis_begin[w] : 0;

	for (; k->v < n_seen; k->v++, k->j = 0) {
		int64_t from, n;

		k->local = k->v < 0;
		from = k->local ? w : b->vis[b->vis_begin[w] + k->v];
		n = k->local ? k->t - w * W + 1 : W;
		while (k->j < n) {
			k->key = from * W + k->j++;
			if (k->x->key[k->key] == k->x->asks[k->t])
				return true;
		}
	}
	return false;
}

static fot_real score_scale(const struct fot_net *net, const struct walk *k)
{
	return k->local ? block_score_scale(net) : memory_score_scale(net);
}

/* The key found, one head. */
static const fot_real *key_of(const struct fot_net *net, int l, int64_t h, const struct walk *k)
{
	const struct layer_cache *c = &net->layer[l];

	return (k->local ? c->k : c->k_ctx) + k->key * net->DK + net_key_column(net, h);
}

static fot_real score(const struct fot_net *net, int l, int64_t h, const struct walk *k)
{
	const fot_real *q = net->layer[l].q + k->t * net->DQ + h * net->dh;

	return score_scale(net, k) * fot_dot(q, key_of(net, l, h, k), net->dh);
}

/* log sum exp of the scores of the taught keys; -INFINITY: none in sight. */
static fot_real taught_keys(const struct fot_net *net, const struct fot_batch *b, const struct lesson *x, int l,
			    int64_t t, int64_t h)
{
	struct walk k = { .b = b, .x = x, .t = t, .v = -1 };
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
	struct lesson x;

	if (!lesson_of(net, b, l, &x) || w >= x.n_win)
		return;
	for (int64_t t = w * b->window; t < (w + 1) * b->window; t++)
		for (int64_t h = 0; x.asks[t] >= 0 && h < net->H; h++)
			net->layer[l].right[t * net->H + h] = taught_keys(net, b, &x, l, t, h);
}

/* log M; false: t asks for nothing that is in sight. */
static bool log_mass(const struct fot_net *net, const struct fot_batch *b, const struct lesson *x, int l, int64_t t,
		     int64_t h, double *mass)
{
	const struct layer_cache *c = &net->layer[l];

	if (x->asks[t] < 0 || !isfinite(c->right[t * net->H + h]))
		return false;
	*mass = (double)c->right[t * net->H + h] -
		(double)c->lse[(t / b->window * net->H + h) * b->window + t % b->window];
	return true;
}

/* Mean of -log M of a kind of lessons; *n: terms. */
static double taught(const struct fot_net *net, const struct fot_batch *b, int kind, int64_t *n)
{
	double sum = 0, mass;
	struct lesson x;

	*n = 0;
	for (int l = 0; l < net->n_layers; l++) {
		if (!lesson_of(net, b, l, &x) || x.kind != kind)
			continue;
		for (int64_t i = 0; i < x.n_win * b->window * net->H; i++)
			if (log_mass(net, b, &x, l, i / net->H, i % net->H, &mass)) {
				sum -= mass;
				++*n;
			}
	}
	return *n ? sum / (double)*n : 0;
}

double fot_net_taught(const struct fot_net *net, const struct fot_batch *b, int64_t *n)
{
	double mean = taught(net, b, LABELS, n);

	*n /= net->H;
	return mean;
}

double teach_loss(const struct fot_net *net, const struct fot_batch *b)
{
	double loss = 0;
	int64_t n;

	if (b->teach > 0)
		loss += b->teach * taught(net, b, LABELS, &n);
	if (b->teach_text > 0)
		loss += b->teach_text * taught(net, b, TEXTS, &n);
	return loss;
}

void teach_weigh(struct fot_net *net, const struct fot_batch *b)
{
	const double weight[] = { b->teach, b->teach_text };

	for (int kind = LABELS; kind <= TEXTS; kind++) {
		int64_t n = 0;

		net->teach[kind] = 0;
		if (weight[kind] > 0)
			taught(net, b, kind, &n);
		if (n)
			net->teach[kind] = (fot_real)(weight[kind] / (double)n);
	}
}

/* The part of the taught keys that token t asks for; dq: of t. */
static void teach_token(const struct fot_net *net, const struct lesson *x, struct walk k, int l, int64_t h, fot_real *dq,
			fot_real *dk, fot_real *dseen)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t DK = net->DK, col = h * net->dh, at = net_key_column(net, h), W = k.b->window, first = k.t / W * W;
	const fot_real *q = c->q + k.t * net->DQ + col;

	while (walk_next(&k)) {
		const fot_real *key = key_of(net, l, h, &k);
		fot_real *d = k.local ? dk + (k.key - first) * DK : dseen ? dseen + k.key * DK : NULL;
		fot_real ds = -net->teach[x->kind] * score_scale(net, &k) *
			      fot_real_exp(score(net, l, h, &k) - c->right[k.t * net->H + h]);

		for (int64_t i = 0; i < net->dh; i++)
			dq[col + i] += ds * key[i];
		for (int64_t i = 0; d && i < net->dh; i++)
			d[at + i] += ds * q[i];
	}
}

void teach_backward(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, fot_real *delta,
		    fot_real *dq, fot_real *dk, fot_real *dseen)
{
	struct lesson x;
	double mass;

	if (!lesson_of(net, b, l, &x) || w >= x.n_win || net->teach[x.kind] <= 0)
		return;
	for (int64_t i = 0; i < b->window; i++)
		if (log_mass(net, b, &x, l, w * b->window + i, h, &mass)) {
			delta[i] -= net->teach[x.kind];
			teach_token(net, &x, (struct walk){ .b = b, .x = &x, .t = w * b->window + i, .v = -1 }, l, h,
				    dq + i * net->DQ, dk, dseen);
		}
}
