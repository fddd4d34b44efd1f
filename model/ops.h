/* ops.h: the row operations of a layer, forward and backward.
 *
 * Rows are tokens; all arrays are row-major and dense unless a leading dimension
 * is given.  Backward functions add to gradients (dx, dw) unless said otherwise.
 * No function allocates; none depends on the number of threads. */
#ifndef FOT_OPS_H
#define FOT_OPS_H

#include <stdint.h>

#include "base/err.h"
#include "model/real.h"

/* Sums have one order, for every width of registers (ops.c). a . b: */
fot_real fot_dot(const fot_real *a, const fot_real *b, int64_t n);
/* Sum of exp(x - max), each kept in e [n] (e may be x, or NULL: none is kept). */
fot_real fot_exp_sum(fot_real *e, const fot_real *x, int64_t n, fot_real max);

/* y = x * rsqrt(mean(x^2) + eps) * w.  inv_rms[rows] is kept for the backward
 * pass (may be NULL). */
void fot_rmsnorm_forward(fot_real *y, fot_real *inv_rms, const fot_real *x, const fot_real *w, int64_t rows,
			 int64_t dim, double eps);
void fot_rmsnorm_backward(fot_real *dx, fot_real *dw, const fot_real *dy, const fot_real *x, const fot_real *w,
			  const fot_real *inv_rms, int64_t rows, int64_t dim);

/* A column of rotary tables (rope.h), cos and sin [n_pos, half]: that of pair i, for any frequency; both are
 * multiplied by factor.  The angle is the product pos * frequency rounded to fp32 (docs/longllama.md 36), so
 * that tables agree with the released code. */
void fot_rope_column(fot_real *cos_out, fot_real *sin_out, int64_t n_pos, int64_t half, int64_t i, double frequency,
		     double factor);
/* Rotate rows of n_heads * head_dim numbers in place; row r stands at position
 * pos0 + r.  sign +1 rotates forward, -1 back (which is also the gradient). */
void fot_rope_apply(fot_real *x, int64_t rows, int64_t n_heads, int64_t head_dim, const fot_real *cos_tab,
		    const fot_real *sin_tab, int64_t pos0, int sign);

/* Move rows that are rotated already `by` >= 0 positions back: one rotation by -by for all. factor: of
 * the tables (fot_rope_column), which the rows have already and keep. */
void fot_rope_back(fot_real *x, int64_t rows, int64_t n_heads, int64_t head_dim, const fot_real *cos_tab,
		   const fot_real *sin_tab, int64_t by, fot_real factor);

/* Query-key normalisation [paper, app. architecture]: per row and head
 * y = t_h * x / sqrt(|x|^2 + 1e-6), t_h = exp(log_scale[h]), or 1 when log_scale is
 * NULL (keys).  inv_norm [rows, n_heads] is kept for the backward pass. */
void fot_unit_forward(fot_real *y, fot_real *inv_norm, const fot_real *x, const fot_real *log_scale, int64_t rows,
		      int64_t n_heads, int64_t head_dim);
/* dx is overwritten; d_log_scale (may be NULL) is added to. */
void fot_unit_backward(fot_real *dx, fot_real *d_log_scale, const fot_real *dy, const fot_real *x,
		       const fot_real *log_scale, const fot_real *inv_norm, int64_t rows, int64_t n_heads,
		       int64_t head_dim);

/* h = silu(g) * u over n numbers; h may be g or u. den [n], unless NULL: 1 + exp(-g), for the backward pass. */
void fot_swiglu_forward(fot_real *h, fot_real *den, const fot_real *g, const fot_real *u, int64_t n);
/* dg and du are overwritten; either may be the array dh or den. */
void fot_swiglu_backward(fot_real *dg, fot_real *du, const fot_real *dh, const fot_real *den, const fot_real *g,
			 const fot_real *u, int64_t n);

/* sigmoid(bias): the share of the memory in the Memorizing Transformer's mixing [its eq. 2]. */
fot_real fot_gate(fot_real bias);
/* o = g mem + (1 - g) local with g = fot_gate(bias); n rows of dim numbers. o (at ld) may be local. */
void fot_gate_mix(fot_real *o, const fot_real *local, int64_t ld, const fot_real *mem, int64_t ld_mem, fot_real bias,
		  int64_t rows, int64_t dim);

/* Cross-entropy of one row of logits: returns -log softmax(logits)[target] in
 * nats.  With d_logits (may be logits) also weight * (softmax - onehot). */
double fot_xent(fot_real *d_logits, const fot_real *logits, int64_t vocab, int32_t target, double weight);

#endif
