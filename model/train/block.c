/* block.c: one window through one layer, forward and backward.
 *
 * y = x W^T with W [out, in] as stored; so dX = dY W and dW += dY^T X.
 * What is cheap to compute again (normalised inputs, the gated product) is not
 * kept. */
#include "model/ops.h"
#include "model/train/network_priv.h"

static const fot_real *weight(const struct fot_net *net, int64_t offset)
{
	return net->p->w + offset;
}

static void add_rows(fot_real *y, const fot_real *x, int64_t n)
{
#pragma omp simd
	for (int64_t i = 0; i < n; i++)
		y[i] += x[i];
}

/* The row at `offset` of the parameters is added to each of n rows, where the model has it. */
static void add_bias(const struct fot_net *net, fot_real *y, int64_t offset, int64_t n, int64_t dim)
{
	for (int64_t i = 0; i < n && offset >= 0; i++)
		add_rows(y + i * dim, weight(net, offset), dim);
}

static void bias_backward(fot_real *grad, int64_t offset, const fot_real *dy, int64_t n, int64_t dim)
{
	for (int64_t i = 0; i < n && offset >= 0; i++)
		add_rows(grad + offset, dy + i * dim, dim);
}

/* Rows x [n, D] as a sublayer takes them: normed into s->xn, or where the family norms outputs x itself. inv: kept
 * unless NULL. */
static const fot_real *taken(const struct fot_net *net, const fot_real *x, int64_t norm, fot_real *inv, int64_t n,
			     struct scratch *s)
{
	if (norm < 0)
		return x;
	fot_rmsnorm_forward(s->xn, inv, x, weight(net, norm), n, net->D, net->p->config.rms_norm_eps);
	return s->xn;
}

/* s->dxn, the gradient of what `taken` gave -> added to dx. */
static void taken_backward(const struct fot_net *net, fot_real *dx, const fot_real *x, int64_t norm,
			   const fot_real *inv, int64_t n, fot_real *grad, struct scratch *s)
{
	if (norm < 0)
		add_rows(dx, s->dxn, n * net->D);
	else
		fot_rmsnorm_backward(dx, grad + norm, s->dxn, x, weight(net, norm), inv, n, net->D);
}

/* y: n rows that a sublayer gave, and where the family norms outputs kept: into x through that norm. */
static void add_normed(const struct fot_net *net, fot_real *x, const fot_real *y, int64_t norm, fot_real *inv,
		       int64_t n, struct scratch *s)
{
	fot_rmsnorm_forward(s->xn, inv, y, weight(net, norm), n, net->D, net->p->config.rms_norm_eps);
	add_rows(x, s->xn, n * net->D);
}

/* dx, the gradient of a sum -> that of what the sublayer gave, in s->dy, or dx itself without a norm of outputs. */
static const fot_real *given_backward(const struct fot_net *net, const fot_real *dx, const fot_real *y, int64_t norm,
				      const fot_real *inv, int64_t n, fot_real *grad, struct scratch *s)
{
	if (norm < 0)
		return dx;
	memset(s->dy, 0, sizeof(fot_real) * (size_t)(n * net->D));
	fot_rmsnorm_backward(s->dy, grad + norm, dx, y, weight(net, norm), inv, n, net->D);
	return s->dy;
}

/* What one of the family's norms of queries or keys covers. */
static int64_t rms_dim(const struct fot_net *net, int64_t width)
{
	return net->p->config.qk_rms == FOT_QK_RMS_HEAD ? net->dh : width;
}

/* Where the product of n rows from token t on stands: before the first norm. */
static fot_real *before_norms(const struct head_norms *h, fot_real *rows, int64_t t, int64_t width)
{
	return (h->rms_in ? h->rms_in : h->unit_in ? h->unit_in : rows) + t * width;
}

/* From there through the norms into rows, [., width]. rms: of the weights; scale: of the temperatures, -1 none. */
static void norm_heads(const struct fot_net *net, const struct head_norms *h, fot_real *rows, int64_t rms,
		       int64_t scale, int64_t t, int64_t n, int64_t width)
{
	int64_t dim = rms_dim(net, width), at = t * width;

	if (h->rms_in)
		fot_rmsnorm_forward((h->unit_in ? h->unit_in : rows) + at, h->rms_inv + at / dim, h->rms_in + at,
				    weight(net, rms), n * width / dim, dim, net->p->config.rms_norm_eps);
	if (h->unit_in)
		fot_unit_forward(rows + at, h->unit_inv + at / net->dh, h->unit_in + at,
				 scale < 0 ? NULL : weight(net, scale), n, width / net->dh, net->dh);
}

/* dy, of n rows: the gradient behind the norms -> before them. */
static void norm_heads_backward(const struct fot_net *net, const struct head_norms *h, fot_real *dy, int64_t rms,
				int64_t scale, int64_t t, int64_t n, int64_t width, fot_real *grad, struct scratch *s)
{
	int64_t dim = rms_dim(net, width), at = t * width;

	if (h->unit_in)
		fot_unit_backward(dy, scale < 0 ? NULL : grad + scale, dy, h->unit_in + at,
				  scale < 0 ? NULL : weight(net, scale), h->unit_inv + at / net->dh, n,
				  width / net->dh, net->dh);
	if (!h->rms_in)
		return;
	memcpy(s->dy, dy, sizeof(fot_real) * (size_t)(n * width));
	memset(dy, 0, sizeof(fot_real) * (size_t)(n * width));
	fot_rmsnorm_backward(dy, grad + rms, s->dy, h->rms_in + at, weight(net, rms), h->rms_inv + at / dim,
			     n * width / dim, dim);
}

/* A context window needs no query at the last memory layer. */
static bool asks_at(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	return w < b->n_ask || l < net->last_mem;
}

/* Keys as other windows see them: as if at position 0. */
static void keep_keys(const struct fot_net *net, struct layer_cache *c, int64_t at, int64_t n)
{
	if (c->k_ctx == c->k)
		return;
	memcpy(c->k_ctx + at, c->k + at, sizeof(fot_real) * (size_t)n);
	for (int64_t i = at; i < at + n && net->key_factor != 1; i++)
		c->k_ctx[i] *= net->key_factor;
}

void block_project(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, DQ = net->DQ, DK = net->DK, t = w * W;
	bool asks = asks_at(net, b, l, w);
	fot_real *q = before_norms(&c->q_norms, c->q, t, DQ), *k = before_norms(&c->k_norms, c->k, t, DK);
	const fot_real *x = taken(net, c->x + t * D, at->norm1, c->inv1 + t, W, s);

	product_hold(net, s, x, W, D, false);
	product(net, s, k, x, weight(net, at->k), W, D, DK, 0);
	product(net, s, c->v + t * DK, x, weight(net, at->v), W, D, DK, 0);
	if (asks)
		product(net, s, q, x, weight(net, at->q), W, D, DQ, 0);
	product_hold(net, s, NULL, 0, 0, false);
	add_bias(net, k, at->k_bias, W, DK);
	add_bias(net, c->v + t * DK, at->v_bias, W, DK);
	norm_heads(net, &c->k_norms, c->k, at->k_norm, -1, t, W, DK);
	keep_keys(net, c, t * DK, W * DK);
	if (net_rotates(net, l))
		fot_rope_apply(c->k + t * DK, W, net->KV, net->dh, net->rope_cos, net->rope_sin, 0, 1);
	if (!asks)
		return;
	add_bias(net, q, at->q_bias, W, DQ);
	norm_heads(net, &c->q_norms, c->q, at->q_norm, at->qk_scale, t, W, DQ);
	if (net_rotates(net, l))
		fot_rope_apply(c->q + t * DQ, W, net->H, net->dh, net->rope_cos, net->rope_sin, 0, 1);
}

fot_real block_score_scale(const struct fot_net *net)
{
	return net->p->config.qk_norm ? 1 : 1 / fot_real_sqrt((fot_real)net->dh);
}

const int64_t *block_slide(const struct fot_net *net, int l, int64_t at, int64_t n, int64_t from, struct scratch *s)
{
	const struct fot_config *c = &net->p->config;

	for (int64_t i = 0; i < n && c->slides[l]; i++)
		s->low[i] = at + i + 1 - c->sliding_window - from;
	return c->slides[l] ? s->low : NULL;
}

void block_attend(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, DQ = net->DQ, DK = net->DK, t = w * W;
	bool mem = memory_seen(net, b, l, w);

	for (int64_t h = 0; h < net->H; h++)
		for (int64_t q0 = 0; q0 < W; q0 += FOT_TILE_Q) {
			int64_t n_q = W - q0 < FOT_TILE_Q ? W - q0 : FOT_TILE_Q, col = h * net->dh;
			int64_t key = t * DK + net_key_column(net, h);

			fot_attn_begin(&s->attn, n_q);
			cached_fold(net, b, l, w, h, q0, s);
			s->attn.low = block_slide(net, l, q0, n_q, 0, s);
			fot_attn_fold(&s->attn, c->q + (t + q0) * DQ + col, DQ, c->k + key, DK, c->v + key, DK,
				      q0 + n_q, q0, block_score_scale(net));
			s->attn.low = NULL;
			if (mem)
				memory_read(net, b, l, w, h, q0, n_q, s);
			else
				fot_attn_end(&s->attn, c->o + (t + q0) * DQ + col, DQ,
					     c->lse + (w * net->H + h) * W + q0);
		}
	if (b->labelled && c->right)
		teach_forward(net, b, l, w);
}

/* x2 = x + what attention gives. */
static void add_attention(struct fot_net *net, int l, int64_t t, int64_t W, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t D = net->D;
	fot_real *x2 = c->x2 + t * D, *y = c->y1 ? c->y1 + t * D : x2;

	memcpy(x2, c->x + t * D, sizeof(fot_real) * (size_t)(W * D));
	product(net, s, y, c->o + t * net->DQ, weight(net, at->o), W, net->DQ, D, c->y1 ? 0 : 1);
	add_bias(net, y, at->o_bias, W, D);
	if (c->y1)
		add_normed(net, x2, y, at->out_norm1, c->inv1 + t, W, s);
}

void block_mlp(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, F = net->F, t = w * W;
	fot_real *x2 = c->x2 + t * D, *g = c->g + t * F, *u = c->u + t * F;
	fot_real *out = (l + 1 < net->n_layers ? net->layer[l + 1].x : net->x_out) + t * D;
	fot_real *y = c->y2 ? c->y2 + t * D : out;
	const fot_real *x;

	add_attention(net, l, t, W, s);
	x = taken(net, x2, at->norm2, c->inv2 + t, W, s);
	product_hold(net, s, x, W, D, false);
	product(net, s, g, x, weight(net, at->gate), W, D, F, 0);
	product(net, s, u, x, weight(net, at->up), W, D, F, 0);
	add_bias(net, g, at->gate_bias, W, F);
	add_bias(net, u, at->up_bias, W, F);
	product_hold(net, s, NULL, 0, 0, false);
	product_gate(net, s, g, u, NULL, W, F);
	memcpy(out, x2, sizeof(fot_real) * (size_t)(W * D));
	product(net, s, y, s->h, weight(net, at->down), W, F, D, c->y2 ? 0 : 1);
	add_bias(net, y, at->down_bias, W, D);
	product_hold(net, s, NULL, 0, 0, false);
	if (c->y2)
		add_normed(net, out, y, at->out_norm2, c->inv2 + t, W, s);
}

static bool most_likely(const fot_real *row, int64_t n, int32_t target)
{
	for (int64_t i = 0; i < n; i++)
		if (row[i] > row[target] || (row[i] == row[target] && i < target))
			return false;
	return true;
}

/* The rows of n that have a target, if they are few; else all. Returns their number. */
static int64_t asked_rows(int64_t row[HEAD_ROWS], const int32_t *targets, int64_t n)
{
	int64_t m = 0;

	for (int64_t i = 0; i < n; i++)
		if (targets[i] >= 0)
			row[m++] = i;
	if (4 * m <= n)
		return m;
	for (int64_t i = 0; i < n; i++)
		row[i] = i;
	return n;
}

/* Rows row[0 .. m) of x, ascending, to its front. */
static void gather_rows(fot_real *x, const int64_t *row, int64_t m, int64_t D)
{
	for (int64_t i = 0; i < m; i++)
		if (row[i] != i)
			memcpy(x + i * D, x + row[i] * D, sizeof *x * (size_t)D);
}

/* Back from the front of n rows; the others are zero then. */
static void scatter_rows(fot_real *x, const int64_t *row, int64_t m, int64_t n, int64_t D)
{
	for (int64_t i = n - 1; i >= 0 && m < n; i--) {
		bool here = m > 0 && row[m - 1] == i;

		if (here && --m != i)
			memcpy(x + i * D, x + m * D, sizeof *x * (size_t)D);
		else if (!here)
			memset(x + i * D, 0, sizeof *x * (size_t)D);
	}
}

/* The episode's label whose first token is the most likely one. */
static int32_t choose(const struct fot_net *net, const struct fot_batch *b, int64_t t, const fot_real *logits)
{
	const int32_t *choice = b->choice + t / b->window * FOT_BATCH_CHOICES;
	int32_t best = 0;

	for (int32_t i = 1; i < b->n_choices[t / b->window]; i++)
		if (logits[choice[i]] > logits[choice[best]])
			best = i;
	net->chosen[t] = best;
	return best;
}

/* Loss of m rows of logits, row[i] counted from token `first`; their gradients in place. */
static void head_loss(const struct fot_net *net, const struct fot_batch *b, struct window_loss *loss, int64_t first,
		      const int64_t *row, int64_t m, const double weight_of[2], double *nll, bool grad,
		      struct scratch *s)
{
	for (int64_t i = 0; i < m; i++) {
		int64_t t = first + row[i];
		int32_t target = b->targets[t];
		fot_real *logits = s->logits + i * net->V;
		int kind = b->answer[t];
		double x = 0;

		if (b->labelled && b->asks[t] >= 0)
			loss->right += choose(net, b, t, logits) == b->asks[t] % FOT_BATCH_CHOICES;
		else if (target >= 0 && kind)
			loss->right += most_likely(logits, net->V, target);
		if (target >= 0)
			x = fot_xent(grad ? logits : NULL, logits, net->V, target, weight_of[kind]);
		else if (grad)
			memset(logits, 0, sizeof *logits * (size_t)net->V);
		loss->nll[kind] += x;
		if (nll)
			nll[t] = x;
	}
}

void block_head(struct fot_net *net, const struct fot_batch *b, int64_t w, const double weight_of[2], double *nll,
		fot_real *grad, struct scratch *s)
{
	int64_t W = b->window, D = net->D, V = net->V, t = w * W, row[HEAD_ROWS];
	const fot_real *head = weight(net, net->at_head), *norm = weight(net, net->at_norm);

	net->loss[w] = (struct window_loss){ 0 };
	if (nll)
		memset(nll + t, 0, sizeof *nll * (size_t)W);
	fot_rmsnorm_forward(s->xn, net->inv_out + t, net->x_out + t * D, norm, W, D, net->p->config.rms_norm_eps);
	for (int64_t r0 = 0; r0 < W; r0 += HEAD_ROWS) {
		int64_t n = W - r0 < HEAD_ROWS ? W - r0 : HEAD_ROWS;
		int64_t m = asked_rows(row, b->targets + t + r0, n);
		fot_real *xn = s->xn + r0 * D, *dxn = s->dxn + r0 * D;

		gather_rows(xn, row, m, D);
		product(net, s, s->logits, xn, head, m, D, V, 0);
		head_loss(net, b, &net->loss[w], t + r0, row, m, weight_of, nll, grad != NULL, s);
		if (!grad)
			continue;
		product_backward(net, s, dxn, grad + net->at_head, s->logits, xn, head, m, D, V, 0);
		scatter_rows(dxn, row, m, n, D);
	}
	if (!grad)
		return;
	memset(net->dx + t * D, 0, sizeof(fot_real) * (size_t)(W * D));
	fot_rmsnorm_backward(net->dx + t * D, grad + net->at_norm, s->dxn, net->x_out + t * D, norm,
			     net->inv_out + t, W, D);
}

/* What a sublayer gave before its norm of outputs, from token t on; NULL without such norms. */
static const fot_real *rows_of(const fot_real *y, int64_t at)
{
	return y ? y + at : NULL;
}

void block_mlp_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *d_o,
			fot_real *grad, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, F = net->F, t = w * W;
	const fot_real *x2 = c->x2 + t * D, *g = c->g + t * F, *u = c->u + t * F, *x, *dy;
	fot_real *dx = net->dx + t * D;

	product_gate(net, s, g, u, s->du, W, F);
	dy = given_backward(net, dx, rows_of(c->y2, t * D), at->out_norm2, c->inv2 + t, W, grad, s);
	bias_backward(grad, at->down_bias, dy, W, D);
	product_backward(net, s, s->dg, grad + at->down, dy, s->h, weight(net, at->down), W, F, D, 0);
	product_hold(net, s, NULL, 0, 0, true);
	fot_swiglu_backward(s->dg, s->du, s->dg, s->du, g, u, W * F);
	bias_backward(grad, at->gate_bias, s->dg, W, F);
	bias_backward(grad, at->up_bias, s->du, W, F);
	x = taken(net, x2, at->norm2, NULL, W, s);
	product_hold(net, s, x, W, D, true);
	product_backward(net, s, s->dxn, grad + at->gate, s->dg, x, weight(net, at->gate), W, D, F, 0);
	product_backward(net, s, s->dxn, grad + at->up, s->du, x, weight(net, at->up), W, D, F, 1);
	product_hold(net, s, NULL, 0, 0, true);
	taken_backward(net, dx, x2, at->norm2, c->inv2 + t, W, grad, s);
	dy = given_backward(net, dx, rows_of(c->y1, t * D), at->out_norm1, c->inv1 + t, W, grad, s);
	bias_backward(grad, at->o_bias, dy, W, D);
	product_backward(net, s, d_o, grad + at->o, dy, c->o + t * net->DQ, weight(net, at->o), W, net->DQ, D, 0);
}

/* delta[i] = do_i . o_i over one head. */
void block_head_delta(const struct fot_net *net, const fot_real *d_o, const fot_real *o, int64_t W, int64_t h,
		      fot_real *delta)
{
	for (int64_t i = 0; i < W; i++) {
		int64_t at = i * net->DQ + h * net->dh;

		delta[i] = fot_dot(d_o + at, o + at, net->dh);
	}
}

/* The causal block of window w; all pointers at the window's first row. */
void block_local_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h,
			  const fot_real *d_o, fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, DQ = net->DQ, DK = net->DK, col = h * net->dh, key = net_key_column(net, h);
	int64_t at = w * W * DQ + col, k_at = w * W * DK + key;
	struct fot_attn_grad g = { .q = c->q + at, .k = c->k + k_at, .v = c->v + k_at,
				   .d_o = d_o + col, .dq = dq + col, .dk = dk + key, .dv = dv + key,
				   .ldq = DQ, .ldk = DK, .ldv = DK, .ldo = DQ,
				   .lse = c->lse + (w * net->H + h) * W, .delta = s->delta + h * W,
				   .n_q = W, .n_k = W, .diag = 0, .low = block_slide(net, l, 0, W, 0, s),
				   .scale = block_score_scale(net) };

	fot_attn_backward(&s->attn, &g);
}

void block_attend_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, const fot_real *d_o,
			   fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s)
{
	size_t queries = sizeof(fot_real) * (size_t)(b->window * net->DQ);
	size_t keys = sizeof(fot_real) * (size_t)(b->window * net->DK);
	const fot_real *o = net->layer[l].o + w * b->window * net->DQ;

	memset(dq, 0, queries);
	memset(dk, 0, keys);
	memset(dv, 0, keys);
	for (int64_t h = 0; h < net->H; h++) {
		block_head_delta(net, d_o, o, b->window, h, s->delta + h * b->window);
		teach_backward(net, b, l, w, h, s->delta + h * b->window, dq, dk, NULL);
		block_local_backward(net, b, l, w, h, d_o, dq, dk, dv, s);
		cached_backward(net, b, l, w, h, d_o, dq, s);
	}
}

/* Undo rotation and norms: gradients of the projections' outputs. */
static void raw_gradients(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *dq,
			  fot_real *dk, const fot_real *dkc, fot_real *grad, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, DK = net->DK, t = w * W;
	bool asks = asks_at(net, b, l, w);
	fot_real factor = c->k_ctx == c->k ? 1 : net->key_factor;

	if (net_rotates(net, l)) {
		fot_rope_apply(dk, W, net->KV, net->dh, net->rope_cos, net->rope_sin, 0, -1);
		if (asks)
			fot_rope_apply(dq, W, net->H, net->dh, net->rope_cos, net->rope_sin, 0, -1);
	}
	for (int64_t i = 0; dkc != dk && i < W * DK; i++)
		dk[i] += factor * dkc[i];
	norm_heads_backward(net, &c->k_norms, dk, at->k_norm, -1, t, W, DK, grad, s);
	if (asks)
		norm_heads_backward(net, &c->q_norms, dq, at->q_norm, at->qk_scale, t, W, net->DQ, grad, s);
}

void block_project_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *dq,
			    fot_real *dk, fot_real *dkc, fot_real *dv, fot_real *grad, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, DK = net->DK, t = w * W;
	const fot_real *x;

	raw_gradients(net, b, l, w, dq, dk, dkc, grad, s);
	x = taken(net, c->x + t * D, at->norm1, NULL, W, s);
	bias_backward(grad, at->k_bias, dk, W, DK);
	bias_backward(grad, at->v_bias, dv, W, DK);
	product_hold(net, s, x, W, D, true);
	product_backward(net, s, s->dxn, grad + at->k, dk, x, weight(net, at->k), W, D, DK, 0);
	product_backward(net, s, s->dxn, grad + at->v, dv, x, weight(net, at->v), W, D, DK, 1);
	if (asks_at(net, b, l, w)) {
		bias_backward(grad, at->q_bias, dq, W, net->DQ);
		product_backward(net, s, s->dxn, grad + at->q, dq, x, weight(net, at->q), W, D, net->DQ, 1);
	}
	product_hold(net, s, NULL, 0, 0, true);
	taken_backward(net, net->dx + t * D, c->x + t * D, at->norm1, c->inv1 + t, W, grad, s);
}
