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

/* y[rows, out] = x[rows, in] W^T + beta y */
static void project(fot_real *y, const fot_real *x, const fot_real *w, int64_t rows, int64_t in, int64_t out,
		    fot_real beta)
{
	fot_gemm(0, 1, rows, out, in, 1, x, in, w, in, beta, y, out);
}

/* dx = dy W + beta dx, dw += dy^T x */
static void project_backward(fot_real *dx, fot_real *dw, const fot_real *dy, const fot_real *x, const fot_real *w,
			     int64_t rows, int64_t in, int64_t out, fot_real beta)
{
	fot_gemm(0, 0, rows, in, out, 1, dy, out, w, in, beta, dx, in);
	fot_gemm(1, 0, out, in, rows, 1, dy, out, x, in, 1, dw, in);
}

/* A context window needs no query at the last memory layer. */
static bool asks_at(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	return w < b->n_ask || l < net->last_mem;
}

void block_project(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, t = w * W;
	bool unit = c->q_raw != NULL, asks = asks_at(net, b, l, w);
	fot_real *q = (unit ? c->q_raw : c->q) + t * D, *k = (unit ? c->k_raw : c->k) + t * D;

	fot_rmsnorm_forward(s->xn, c->inv1 + t, c->x + t * D, weight(net, at->norm1), W, D,
			    net->p->config.rms_norm_eps);
	project(k, s->xn, weight(net, at->k), W, D, D, 0);
	project(c->v + t * D, s->xn, weight(net, at->v), W, D, D, 0);
	if (asks)
		project(q, s->xn, weight(net, at->q), W, D, D, 0);
	if (unit)
		fot_unit_forward(c->k + t * D, c->k_inv + t * net->H, k, NULL, W, net->H, net->dh);
	if (unit && asks)
		fot_unit_forward(c->q + t * D, c->q_inv + t * net->H, q, weight(net, at->qk_scale), W, net->H,
				 net->dh);
	if (c->k_ctx != c->k)
		memcpy(c->k_ctx + t * D, c->k + t * D, sizeof(fot_real) * (size_t)(W * D));
	if (!net_rotates(net, l))
		return;
	fot_rope_apply(c->k + t * D, W, net->H, net->dh, net->rope_cos, net->rope_sin, 0, 1);
	if (asks)
		fot_rope_apply(c->q + t * D, W, net->H, net->dh, net->rope_cos, net->rope_sin, 0, 1);
}

fot_real block_score_scale(const struct fot_net *net)
{
	return net->p->config.qk_norm ? 1 : 1 / fot_real_sqrt((fot_real)net->dh);
}

void block_attend(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, t = w * W;
	bool mem = memory_seen(net, b, l, w);

	for (int64_t h = 0; h < net->H; h++)
		for (int64_t q0 = 0; q0 < W; q0 += FOT_TILE_Q) {
			int64_t n_q = W - q0 < FOT_TILE_Q ? W - q0 : FOT_TILE_Q, col = h * net->dh;
			const fot_real *q = c->q + (t + q0) * D + col;

			fot_attn_begin(&s->attn, n_q);
			cached_fold(net, b, l, w, h, q, block_score_scale(net), s);
			fot_attn_fold(&s->attn, q, D, c->k + t * D + col, D, c->v + t * D + col, D, q0 + n_q, q0,
				      block_score_scale(net));
			if (mem)
				memory_read(net, b, l, w, h, q0, n_q, s);
			else
				fot_attn_end(&s->attn, c->o + (t + q0) * D + col, D,
					     c->lse + (w * net->H + h) * W + q0);
		}
	if (b->labelled && c->right)
		teach_forward(net, b, l, w);
}

void block_mlp(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, F = net->F, t = w * W;
	fot_real *x2 = c->x2 + t * D, *g = c->g + t * F, *u = c->u + t * F;
	fot_real *out = (l + 1 < net->n_layers ? net->layer[l + 1].x : net->x_out) + t * D;

	memcpy(x2, c->x + t * D, sizeof(fot_real) * (size_t)(W * D));
	project(x2, c->o + t * D, weight(net, at->o), W, D, D, 1);
	fot_rmsnorm_forward(s->xn, c->inv2 + t, x2, weight(net, at->norm2), W, D, net->p->config.rms_norm_eps);
	project(g, s->xn, weight(net, at->gate), W, D, F, 0);
	project(u, s->xn, weight(net, at->up), W, D, F, 0);
	fot_swiglu_forward(s->h, g, u, W * F);
	memcpy(out, x2, sizeof(fot_real) * (size_t)(W * D));
	project(out, s->h, weight(net, at->down), W, F, D, 1);
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
		project(s->logits, xn, head, m, D, V, 0);
		head_loss(net, b, &net->loss[w], t + r0, row, m, weight_of, nll, grad != NULL, s);
		if (!grad)
			continue;
		project_backward(dxn, grad + net->at_head, s->logits, xn, head, m, D, V, 0);
		scatter_rows(dxn, row, m, n, D);
	}
	if (!grad)
		return;
	memset(net->dx + t * D, 0, sizeof(fot_real) * (size_t)(W * D));
	fot_rmsnorm_backward(net->dx + t * D, grad + net->at_norm, s->dxn, net->x_out + t * D, norm,
			     net->inv_out + t, W, D);
}

void block_mlp_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *d_o,
			fot_real *grad, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, F = net->F, t = w * W;
	const fot_real *x2 = c->x2 + t * D, *g = c->g + t * F, *u = c->u + t * F;
	fot_real *dx = net->dx + t * D;

	fot_swiglu_forward(s->h, g, u, W * F);
	project_backward(s->dg, grad + at->down, dx, s->h, weight(net, at->down), W, F, D, 0);
	fot_swiglu_backward(s->dg, s->du, s->dg, g, u, W * F);
	fot_rmsnorm_forward(s->xn, NULL, x2, weight(net, at->norm2), W, D, net->p->config.rms_norm_eps);
	project_backward(s->dxn, grad + at->gate, s->dg, s->xn, weight(net, at->gate), W, D, F, 0);
	project_backward(s->dxn, grad + at->up, s->du, s->xn, weight(net, at->up), W, D, F, 1);
	fot_rmsnorm_backward(dx, grad + at->norm2, s->dxn, x2, weight(net, at->norm2), c->inv2 + t, W, D);
	project_backward(d_o, grad + at->o, dx, c->o + t * D, weight(net, at->o), W, D, D, 0);
}

/* delta[i] = do_i . o_i over one head. */
void block_head_delta(const struct fot_net *net, const fot_real *d_o, const fot_real *o, int64_t W, int64_t h,
		      fot_real *delta)
{
	for (int64_t i = 0; i < W; i++) {
		const fot_real *a = d_o + i * net->D + h * net->dh, *b = o + i * net->D + h * net->dh;
		fot_real sum = 0;

#pragma omp simd reduction(+ : sum)
		for (int64_t j = 0; j < net->dh; j++)
			sum += a[j] * b[j];
		delta[i] = sum;
	}
}

/* The causal block of window w; all pointers at the window's first row. */
void block_local_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, int64_t h,
			  const fot_real *d_o, fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s)
{
	const struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, at = w * W * D, col = h * net->dh;
	struct fot_attn_grad g = { .q = c->q + at + col, .k = c->k + at + col, .v = c->v + at + col,
				   .d_o = d_o + col, .dq = dq + col, .dk = dk + col, .dv = dv + col,
				   .ldq = D, .ldk = D, .ldv = D, .ldo = D,
				   .lse = c->lse + (w * net->H + h) * W, .delta = s->delta + h * W,
				   .n_q = W, .n_k = W, .diag = 0, .scale = block_score_scale(net) };

	fot_attn_backward(&s->attn, &g);
}

void block_attend_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, const fot_real *d_o,
			   fot_real *dq, fot_real *dk, fot_real *dv, struct scratch *s)
{
	size_t bytes = sizeof(fot_real) * (size_t)(b->window * net->D);
	const fot_real *o = net->layer[l].o + w * b->window * net->D;

	memset(dq, 0, bytes);
	memset(dk, 0, bytes);
	memset(dv, 0, bytes);
	for (int64_t h = 0; h < net->H; h++) {
		block_head_delta(net, d_o, o, b->window, h, s->delta + h * b->window);
		teach_backward(net, b, l, w, h, s->delta + h * b->window, dq, dk, NULL);
		block_local_backward(net, b, l, w, h, d_o, dq, dk, dv, s);
		cached_backward(net, b, l, w, h, d_o, dq, block_score_scale(net), s);
	}
}

/* Undo rotation and normalisation: gradients of the projections' outputs. */
static void raw_gradients(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *dq,
			  fot_real *dk, const fot_real *dkc, fot_real *grad)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, H = net->H, t = w * W;
	bool asks = asks_at(net, b, l, w);

	if (net_rotates(net, l)) {
		fot_rope_apply(dk, W, H, net->dh, net->rope_cos, net->rope_sin, 0, -1);
		if (asks)
			fot_rope_apply(dq, W, H, net->dh, net->rope_cos, net->rope_sin, 0, -1);
	}
	for (int64_t i = 0; dkc != dk && i < W * D; i++)
		dk[i] += dkc[i];
	if (!c->q_raw)
		return;
	fot_unit_backward(dk, NULL, dk, c->k_raw + t * D, NULL, c->k_inv + t * H, W, H, net->dh);
	if (asks)
		fot_unit_backward(dq, grad + at->qk_scale, dq, c->q_raw + t * D, weight(net, at->qk_scale),
				  c->q_inv + t * H, W, H, net->dh);
}

void block_project_backward(struct fot_net *net, const struct fot_batch *b, int l, int64_t w, fot_real *dq,
			    fot_real *dk, fot_real *dkc, fot_real *dv, fot_real *grad, struct scratch *s)
{
	const struct layer_offsets *at = &net->at[l];
	struct layer_cache *c = &net->layer[l];
	int64_t W = b->window, D = net->D, t = w * W;

	raw_gradients(net, b, l, w, dq, dk, dkc, grad);
	fot_rmsnorm_forward(s->xn, NULL, c->x + t * D, weight(net, at->norm1), W, D, net->p->config.rms_norm_eps);
	project_backward(s->dxn, grad + at->k, dk, s->xn, weight(net, at->k), W, D, D, 0);
	project_backward(s->dxn, grad + at->v, dv, s->xn, weight(net, at->v), W, D, D, 1);
	if (asks_at(net, b, l, w))
		project_backward(s->dxn, grad + at->q, dq, s->xn, weight(net, at->q), W, D, D, 1);
	fot_rmsnorm_backward(net->dx + t * D, grad + at->norm1, s->dxn, c->x + t * D, weight(net, at->norm1),
			     c->inv1 + t, W, D);
}
