/* product.c: products with weights, in f32 or in bf16.
 *
 * In bf16 each matrix is packed twice when a pass begins, as it stands on the right of x W^T and of dY W.
 * The other operand is rounded where it is used: rows for these two, and for dW = dY^T X both are
 * packed over tokens.  Weights, sums and gradients stay f32. */
#include <stdlib.h>

#include "model/ops.h"
#include "model/train/network_priv.h"

const struct fot_bf16_kernel *product_kernel(const struct fot_net_size *z)
{
#ifdef FOT_REAL_DOUBLE
	(void)z;
	return NULL; /* bf16.h is of floats; finite differences want the exact products */
#else
	return z->compute == FOT_COMPUTE_BF16 ? fot_bf16_kernel() : NULL;
#endif
}

static int64_t imax(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Numbers of `rows` rows of `width`, rounded or packed. */
static int64_t operand(int64_t rows, int64_t width)
{
	return imax(rows * fot_bf16_pairs(width), (int64_t)fot_bf16_packed(width, rows));
}

void product_lay_scratch(struct fot_layout *y, struct scratch *s, const struct fot_config *c,
			 const struct fot_net_size *z)
{
	int64_t widest = imax(imax(c->hidden_size, c->intermediate_size), fot_config_query_width(c));
	int64_t n =
		imax(operand(z->max_window, widest), operand(HEAD_ROWS, imax(c->hidden_size, c->vocab_size)));

	s->left = product_kernel(z) ? fot_layout_take(y, n, sizeof *s->left) : NULL;
	s->right = product_kernel(z) ? fot_layout_take(y, n, sizeof *s->right) : NULL;
	s->turned = product_kernel(z) ? fot_layout_take(y, n, sizeof *s->turned) : NULL;
	s->held = product_kernel(z) ? fot_layout_take(y, operand(z->max_window, imax(c->hidden_size, c->intermediate_size)),
						      sizeof *s->held) :
				      NULL;
	s->held_rows = NULL;
}

void product_lay(struct fot_layout *y, struct products *p, const struct fot_config *c,
		 const struct fot_net_size *z)
{
	int64_t n = product_kernel(z) ? (int64_t)fot_config_tensors(c, NULL) : 0;

	p->at = n ? fot_layout_take(y, n, sizeof *p->at) : NULL;
	p->forward = n ? fot_layout_take(y, fot_linear_packed(c, false), sizeof *p->forward) : NULL;
	p->backward = n ? fot_layout_take(y, fot_linear_packed(c, true), sizeof *p->backward) : NULL;
}

#ifdef FOT_REAL_DOUBLE

void product_pack(struct fot_net *net)
{
	(void)net;
}

#else

/* Is it one that is multiplied? */
static bool multiplied(const struct fot_params *p, size_t i)
{
	return p->spec[i].cols && (p->spec[i].role != FOT_ROLE_EMBED || p->config.tie_embeddings);
}

static void place_all(struct products *q, const struct fot_params *p)
{
	size_t forward = 0, backward = 0;

	for (size_t i = 0; i < p->n_tensors; i++) {
		if (!multiplied(p, i))
			continue;
		q->at[i].forward = q->forward + forward;
		q->at[i].backward = q->backward + backward;
		forward += fot_bf16_packed(p->spec[i].rows, p->spec[i].cols);
		backward += fot_bf16_packed(p->spec[i].cols, p->spec[i].rows);
	}
}

void product_pack(struct fot_net *net)
{
	struct products *q = &net->products;
	const struct fot_params *p = net->p;

	if (!q->at)
		return;
	place_all(q, p);
	q->kernel = product_kernel(&net->size);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
	for (size_t i = 0; i < p->n_tensors; i++) {
		const float *w = p->w + p->offset[i];

		if (!multiplied(p, i))
			continue;
		fot_bf16_pack_transposed(q->at[i].forward, w, FOT_F32, p->spec[i].rows, p->spec[i].cols);
		fot_bf16_pack(q->at[i].backward, w, p->spec[i].rows, p->spec[i].cols);
	}
}

static int by_offset(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Where the matrix at w is packed. */
static const struct packed *packed_of(const struct fot_net *net, const float *w)
{
	const struct fot_params *p = net->p;
	int64_t offset = w - p->w;
	const int64_t *at = bsearch(&offset, p->offset, p->n_tensors, sizeof offset, by_offset);

	return &net->products.at[at - p->offset];
}

static void forward_bf16(const struct fot_net *net, struct scratch *s, float *y, const float *x,
			 const float *w, int64_t rows, int64_t in, int64_t out, float beta)
{
	if (x != s->held_rows)
		fot_bf16_round(s->left, x, rows, in);
	fot_bf16_product(net->products.kernel, y, out, x == s->held_rows ? s->held : s->left,
			 packed_of(net, w)->forward, rows, out, in, beta);
}

static void backward_bf16(const struct fot_net *net, struct scratch *s, float *dx, float *dw, const float *dy,
			  const float *x, const float *w, int64_t rows, int64_t in, int64_t out, float beta)
{
	const struct fot_bf16_kernel *kernel = net->products.kernel;

	fot_bf16_round_and_pack(s->left, s->turned, dy, rows, out);
	if (x != s->held_rows)
		fot_bf16_pack(s->right, x, rows, in);
	fot_bf16_product_rows(kernel, dw, in, s->turned, x == s->held_rows ? s->held : s->right, out, in, rows, 1);
	fot_bf16_product(kernel, dx, in, s->left, packed_of(net, w)->backward, rows, in, out, beta);
}

#endif

void product_hold(const struct fot_net *net, struct scratch *s, const fot_real *x, int64_t rows, int64_t in, bool back)
{
#ifndef FOT_REAL_DOUBLE
	s->held_rows = net->products.at ? x : NULL;
	if (s->held_rows && back)
		fot_bf16_pack(s->held, x, rows, in);
	else if (s->held_rows)
		fot_bf16_round(s->held, x, rows, in);
#endif
	(void)net, (void)s, (void)x, (void)rows, (void)in, (void)back;
}

void product_gate(const struct fot_net *net, struct scratch *s, const fot_real *g, const fot_real *u, fot_real *den,
		  int64_t rows, int64_t in)
{
#ifndef FOT_REAL_DOUBLE
	for (int64_t r = 0, n; r < rows && net->products.at; r += n) { /* as many as stay in the first cache */
		n = rows - r < FOT_BF16_PACK_ROWS ? rows - r : FOT_BF16_PACK_ROWS;
		fot_swiglu_forward(s->h, den ? den + r * in : NULL, g + r * in, u + r * in, n * in);
		if (den)
			fot_bf16_pack_rows(s->held, s->h, r, n, rows, in);
		else
			fot_bf16_round(s->held + r * fot_bf16_pairs(in), s->h, n, in);
	}
	if (net->products.at) {
		s->held_rows = s->h;
		return;
	}
#endif
	(void)net;
	fot_swiglu_forward(s->h, den, g, u, rows * in);
}

void product(const struct fot_net *net, struct scratch *s, fot_real *y, const fot_real *x, const fot_real *w,
	     int64_t rows, int64_t in, int64_t out, fot_real beta)
{
#ifndef FOT_REAL_DOUBLE
	if (net->products.at) {
		forward_bf16(net, s, y, x, w, rows, in, out, beta);
		return;
	}
#endif
	(void)net, (void)s;
	fot_gemm(0, 1, rows, out, in, 1, x, in, w, in, beta, y, out);
}

void product_backward(const struct fot_net *net, struct scratch *s, fot_real *dx, fot_real *dw,
		      const fot_real *dy, const fot_real *x, const fot_real *w, int64_t rows, int64_t in,
		      int64_t out, fot_real beta)
{
#ifndef FOT_REAL_DOUBLE
	if (net->products.at) {
		backward_bf16(net, s, dx, dw, dy, x, w, rows, in, out, beta);
		return;
	}
#endif
	(void)net, (void)s;
	fot_gemm(0, 0, rows, in, out, 1, dy, out, w, in, beta, dx, in);
	fot_gemm(1, 0, out, in, rows, 1, dy, out, x, in, 1, dw, in);
}
