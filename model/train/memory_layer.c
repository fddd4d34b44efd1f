/* memory_layer.c: what asking windows read of the windows they see, forward and backward.
 *
 * Who is visible: all keys of the windows of the visibility list, or (top_k) per query and head
 * the k best by inner product, exactly as a session searches its memory: keys are offered from
 * the end of the list, own windows farthest first, and of equal scores the earlier offered wins.
 * How it joins: one softmax over local keys and memory, or two and a gate,
 * o = g o_mem + (1 - g) o_local, g = sigmoid(b) of the head [Memorizing Transformers, eq. 2].
 *
 * The gate in the backward pass: the weight of a local key is (1 - g) exp(s - lse) =
 * exp(s - (lse - log(1 - g))), of a memory key exp(s - (lse_mem - log g)).  With these two
 * shifted lse and delta = d_o . o_local or d_o . o_mem the joint softmax's code serves for both parts.
 *
 * Retrieval reads the scores of all keys once; everything else touches only the keys that were
 * found, so it costs a fraction of dense attention.  The gradients of keys and values are summed
 * per range of windows, each range going through all hits in the order of the queries: the
 * same bits for any number of threads. */
#include "model/ops.h"
#include "model/train/network_priv.h"

bool memory_seen(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	return net_is_mem(net, l) && w < b->n_ask && b->vis_begin[w] < b->vis_begin[w + 1];
}

/* log(1 + exp(x)) */
static fot_real softplus(fot_real x)
{
	double y = (double)x;

	return (fot_real)((y > 0 ? y : 0) + log1p(exp(-fabs(y))));
}

static fot_real gate_bias(const struct fot_net *net, int l, int64_t h)
{
	return net->p->w[net->at[l].mem_gate + h];
}

fot_real memory_score_scale(const struct fot_net *net)
{
	return block_score_scale(net) * (fot_real)net->p->config.mem_scale;
}

/* ---- forward --------------------------------------------------------- */

static void read_all(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, const fot_real *q,
		     struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, DK = net->DK;

	fot_attn_ask(&s->attn, q, net->DQ, memory_score_scale(net));
	for (int64_t i = b->vis_begin[w]; i < b->vis_begin[w + 1]; i++) {
		int64_t at = b->vis[i] * W * DK + net_key_column(net, h);

		fot_attn_meet(&s->attn, c->k_ctx + at, DK, c->v + at, DK, W, FOT_ATTN_ALL);
	}
}

/* Offer all keys in sight, numbered from the end of the visibility list. */
static void search(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, const fot_real *q,
		   struct scratch *s)
{
	int64_t W = b->window, DK = net->DK, end = b->vis_begin[w + 1];
	const fot_real *keys = net->layer[l].k_ctx + net_key_column(net, h);

	s->topk.k = b->top_k;
	s->topk.cap = fot_topk_cap(b->top_k);
	fot_topk_begin(&s->topk, s->attn.n_q);
	fot_attn_ask(&s->attn, q, net->DQ, memory_score_scale(net));
	for (int64_t v = 0; v < end - b->vis_begin[w]; v++)
		fot_topk_offer(&s->topk, &s->attn, keys + b->vis[end - 1 - v] * W * DK, DK, W, v * W);
}

/* What row `row` of the tile found: kept, and folded in. at: its place in the arrays of mem_read. */
static void keep_hits(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int64_t row,
		      int64_t at, struct scratch *s)
{
	struct mem_read *m = &net->layer[l].mem;
	int64_t W = b->window, end = b->vis_begin[w + 1], n;
	struct fot_hit *hit;

	n = fot_topk_end(&s->topk, row, &hit);
	m->n[at] = (int32_t)n;
	for (int64_t j = 0; j < n; j++) {
		int64_t token = b->vis[end - 1 - hit[j].key / W] * W + hit[j].key % W;

		m->row[at * b->top_k + j] = (int32_t)token;
		m->p[at * b->top_k + j] = s->scores[j] = hit[j].score;
		s->values[j] = net->layer[l].v + token * net->DK + net_key_column(net, h);
	}
	fot_attn_fold_row(&s->attn, row, s->scores, s->values, n);
}

void memory_read(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int64_t q0, int64_t n_q,
		 struct scratch *s)
{
	struct layer_cache *c = &net->layer[l];
	struct mem_read *m = &c->mem;
	int64_t DQ = net->DQ, t = w * b->window + q0, at = t * DQ + h * net->dh;
	int64_t first = (w * net->H + h) * b->window + q0;
	fot_real bias;

	if (m->o_mem) {
		fot_attn_end(&s->attn, m->o_local + at, DQ, c->lse + first);
		fot_attn_begin(&s->attn, n_q);
	}
	if (b->top_k) {
		search(net, b, l, w, h, c->q + at, s);
		for (int64_t i = 0; i < n_q; i++)
			keep_hits(net, b, l, w, h, i, (t + i) * net->H + h, s);
	} else {
		read_all(net, b, l, w, h, c->q + at, s);
	}
	if (!m->o_mem) {
		fot_attn_end(&s->attn, c->o + at, DQ, c->lse + first);
		return;
	}
	fot_attn_end(&s->attn, m->o_mem + at, DQ, m->lse + first);
	bias = gate_bias(net, l, h);
	fot_gate_mix(c->o + at, m->o_local + at, DQ, m->o_mem + at, DQ, bias, n_q, net->dh);
	for (int64_t i = 0; i < n_q; i++) {
		c->lse[first + i] += softplus(bias);
		m->lse[first + i] += softplus(-bias);
	}
}

/* ---- backward -------------------------------------------------------- */

/* Window `from` as seen by window w, one head. */
static void seen_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t from, int64_t h,
			  int group, const fot_real *lse, const fot_real *delta, struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	const struct mem_grads *m = &net->mem;
	int64_t W = b->window, DQ = net->DQ, DK = net->DK, at = w * W * DQ + h * net->dh;
	int64_t k_at = from * W * DK + net_key_column(net, h);
	struct fot_attn_grad g = { .q = c->q + at, .k = c->k_ctx + k_at, .v = c->v + k_at, .d_o = m->d_o + at,
				   .dq = m->dq + at, .ldq = DQ, .ldk = DK, .ldv = DK, .ldo = DQ, .lse = lse,
				   .delta = delta, .n_q = W, .n_k = W, .diag = FOT_ATTN_ALL,
				   .scale = memory_score_scale(net) };

	if (!b->constant) {
		g.dk = m->seen_k[group] + k_at;
		g.dv = m->seen_v[group] + k_at;
	}
	fot_attn_backward(&s->attn, &g);
}

static void add_scaled(fot_real *y, const fot_real *x, fot_real f, int64_t n)
{
#pragma omp simd
	for (int64_t i = 0; i < n; i++)
		y[i] += f * x[i];
}

/* What the queries of window w retrieved: dq; weights and gradients of the scores are kept for memory_scatter. */
static void hits_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h,
			  const fot_real *lse, const fot_real *delta)
{
	struct layer_cache *c = &net->layer[l];
	struct mem_read *m = &c->mem;
	int64_t dh = net->dh, k = b->top_k;
	fot_real scale = memory_score_scale(net);

	for (int64_t i = 0; i < b->window; i++) {
		int64_t t = w * b->window + i, at = t * net->H + h, query = t * net->DQ + h * dh;

		for (int64_t j = at * k; j < at * k + m->n[at]; j++) {
			int64_t key = m->row[j] * net->DK + net_key_column(net, h);
			fot_real dp = fot_dot(net->mem.d_o + query, c->v + key, dh);

			m->p[j] = fot_real_exp(m->p[j] - lse[i]);
			m->ds[j] = scale * m->p[j] * (dp - delta[i]);
			add_scaled(net->mem.dq + query, c->k_ctx + key, m->ds[j], dh);
		}
	}
}

static fot_real gate_sum(const fot_real *delta_mem, const fot_real *delta_local, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (double)delta_mem[i] - (double)delta_local[i];
	return (fot_real)sum;
}

static void window_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h, int group,
			    struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	const struct mem_grads *m = &net->mem;
	int64_t W = b->window, at = w * W * net->DQ, k_at = w * W * net->DK, rows = (w * net->H + h) * W;
	bool seen = memory_seen(net, b, l, w), gate = seen && c->mem.o_mem;
	const fot_real *lse = gate ? c->mem.lse : c->lse, *delta = gate ? s->delta_mem : s->delta + h * W;

	block_head_delta(net, m->d_o + at, (gate ? c->mem.o_local : c->o) + at, W, h, s->delta + h * W);
	teach_backward(net, b, l, w, h, s->delta + h * W, m->dq + at, m->dk + k_at, b->constant ? NULL : m->seen_k[group]);
	block_local_backward(net, b, l, w, h, m->d_o + at, m->dq + at, m->dk + k_at, m->dv + k_at, s);
	if (gate) {
		block_head_delta(net, m->d_o + at, c->mem.o_mem + at, W, h, s->delta_mem);
		m->gate[w * net->H + h] = gate_sum(s->delta_mem, s->delta + h * W, W);
	}
	if (seen && b->top_k)
		hits_backward(net, b, l, w, h, lse + rows, delta);
	for (int64_t i = b->vis_begin[seen ? w : 0]; seen && !b->top_k && i < b->vis_begin[w + 1]; i++)
		seen_backward(net, b, l, w, b->vis[i], h, group, lse + rows, delta, s);
}

void memory_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t kv, int group, struct scratch *s)
{
	int64_t n = l < net->last_mem ? b->n_win : b->n_ask;

	for (int64_t w = n * group / GROUPS; w < n * (group + 1) / GROUPS; w++)
		for (int64_t h = kv * net->share; h < (kv + 1) * net->share && net->live[w] > l; h++)
			window_backward(net, b, l, w, h, group, s);
}

/* What query token t of head h retrieved of the tokens [from, to). */
static void scatter_hits(struct fot_net *net, const struct fot_batch *b, int l, int64_t t, int64_t h, int64_t from,
			 int64_t to)
{
	const struct layer_cache *c = &net->layer[l];
	const struct mem_read *m = &c->mem;
	int64_t at = t * net->H + h, first = at * b->top_k, query = t * net->DQ + h * net->dh;

	for (int64_t j = first; j < first + m->n[at]; j++) {
		int64_t key = m->row[j] * net->DK + net_key_column(net, h);

		if (m->row[j] < from || m->row[j] >= to)
			continue;
		add_scaled(net->mem.dkc + key, c->q + query, m->ds[j], net->dh);
		add_scaled(net->mem.dv + key, net->mem.d_o + query, m->p[j], net->dh);
	}
}

void memory_scatter(struct fot_net *net, const struct fot_batch *b, int l, int64_t kv, int range)
{
	int64_t W = b->window, from = b->n_win * range / RANGES * W, to = b->n_win * (range + 1) / RANGES * W;

	for (int64_t t = 0; t < b->n_ask * W; t++)
		for (int64_t h = kv * net->share; h < (kv + 1) * net->share && memory_seen(net, b, l, t / W); h++)
			scatter_hits(net, b, l, t, h, from, to);
}

void memory_reach(struct fot_net *net, const struct fot_batch *b, int l)
{
	const struct mem_read *m = &net->layer[l].mem;
	int64_t W = b->window;

	for (int64_t t = 0; t < b->n_ask * W * net->H; t++)
		if (memory_seen(net, b, l, t / (W * net->H)))
			for (int64_t j = t * b->top_k; j < t * b->top_k + m->n[t]; j++)
				if (net->live[m->row[j] / W] < l)
					net->live[m->row[j] / W] = l;
}

void memory_gate_backward(struct fot_net *net, const struct fot_batch *b, int l, fot_real *grad)
{
	for (int64_t h = 0; h < net->H; h++) {
		fot_real g = fot_gate(gate_bias(net, l, h)), sum = 0;

		for (int64_t w = 0; w < b->n_ask; w++)
			if (memory_seen(net, b, l, w))
				sum += net->mem.gate[w * net->H + h];
		grad[net->at[l].mem_gate + h] += sum * g * (1 - g);
	}
}
