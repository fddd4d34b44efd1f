/* ops.c: row operations.
 *
 * A sum over a row is kept in SUMS parts, number i in part i mod SUMS, and the parts are added half to half: the
 * same order for every width of registers.  (rmsnorm's backward pass is a simd reduction: its order is fixed by the
 * compiled code.) */
#include "model/ops.h"

#ifdef FOT_REAL_DOUBLE
#define FOT_VECTORS_DOUBLE
#endif
#include "model/vectors.h"

#define SUMS 16
#define PARTS (SUMS / LANES)
#define BLOCK (16 * SUMS) /* exponentials that are made before they are added */

/* parts += x[i] y[i]; y NULL: x[i]. At most the last call's n is no multiple of SUMS. */
INLINE void add_to(fot_real parts[SUMS], const fot_real *x, const fot_real *y, int64_t n)
{
	vec sum[PARTS];
	int64_t i = 0;

	UNROLL
	for (int p = 0; p < PARTS; p++)
		sum[p] = load(parts + p * LANES);
	for (; i + SUMS <= n; i += SUMS)
		UNROLL
	for (int p = 0; p < PARTS; p++)
		sum[p] = y ? (vec)(sum[p] + load(x + i + p * LANES) * load(y + i + p * LANES)) :
				   (vec)(sum[p] + load(x + i + p * LANES));
	UNROLL
	for (int p = 0; p < PARTS; p++)
		store(parts + p * LANES, sum[p]);
	for (; i < n; i++)
		parts[i % SUMS] += y ? x[i] * y[i] : x[i];
}

static fot_real total(fot_real parts[SUMS])
{
	for (int half = SUMS / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			parts[i] += parts[i + half];
	return parts[0];
}

fot_real fot_dot(const fot_real *a, const fot_real *b, int64_t n)
{
	fot_real parts[SUMS] = { 0 };

	add_to(parts, a, b, n);
	return total(parts);
}

fot_real fot_exp_sum(fot_real *e, const fot_real *x, int64_t n, fot_real max)
{
	fot_real parts[SUMS] = { 0 }, block[BLOCK];

	for (int64_t i = 0; i < n; i += BLOCK) {
		int64_t count = n - i < BLOCK ? n - i : BLOCK;
		fot_real *to = e ? e + i : block;

#pragma omp simd
		for (int64_t j = 0; j < count; j++)
			to[j] = fot_real_exp(x[i + j] - max);
		add_to(parts, to, NULL, count);
	}
	return total(parts);
}

void fot_rmsnorm_forward(fot_real *y, fot_real *inv_rms, const fot_real *x, const fot_real *w, int64_t rows,
			 int64_t dim, double eps)
{
	for (int64_t r = 0; r < rows; r++) {
		const fot_real *xr = x + r * dim;
		fot_real *yr = y + r * dim;
		fot_real inv = 1 / fot_real_sqrt(fot_dot(xr, xr, dim) / (fot_real)dim + (fot_real)eps);

		if (inv_rms)
			inv_rms[r] = inv;
#pragma omp simd
		for (int64_t i = 0; i < dim; i++)
			yr[i] = xr[i] * inv * w[i];
	}
}

void fot_rmsnorm_backward(fot_real *dx, fot_real *dw, const fot_real *dy, const fot_real *x,
			  const fot_real *w, const fot_real *inv_rms, int64_t rows, int64_t dim)
{
	for (int64_t r = 0; r < rows; r++) {
		const fot_real *xr = x + r * dim, *dyr = dy + r * dim;
		fot_real *dxr = dx + r * dim;
		fot_real inv = inv_rms[r], s = 0;

#pragma omp simd reduction(+ : s)
		for (int64_t i = 0; i < dim; i++)
			s += dyr[i] * w[i] * xr[i];
		s *= inv * inv / (fot_real)dim;
#pragma omp simd
		for (int64_t i = 0; i < dim; i++) {
			dw[i] += dyr[i] * xr[i] * inv;
			dxr[i] += inv * (dyr[i] * w[i] - xr[i] * s);
		}
	}
}

void fot_rope_column(fot_real *cos_out, fot_real *sin_out, int64_t n_pos, int64_t half, int64_t i,
		     double frequency, double factor)
{
	float inv_freq = (float)frequency;

	for (int64_t p = 0; p < n_pos; p++) {
		float angle = (float)p * inv_freq;

		cos_out[p * half + i] = (fot_real)(cos((double)angle) * factor);
		sin_out[p * half + i] = (fot_real)(sin((double)angle) * factor);
	}
}

void fot_rope_apply(fot_real *x, int64_t rows, int64_t n_heads, int64_t head_dim, const fot_real *cos_tab,
		    const fot_real *sin_tab, int64_t pos0, int sign)
{
	int64_t half = head_dim / 2;
	fot_real sg = (fot_real)sign;

	for (int64_t r = 0; r < rows; r++) {
		const fot_real *c = cos_tab + (pos0 + r) * half, *s = sin_tab + (pos0 + r) * half;

		for (int64_t h = 0; h < n_heads; h++) {
			fot_real *lo = x + (r * n_heads + h) * head_dim, *hi = lo + half;

#pragma omp simd
			for (int64_t i = 0; i < half; i++) {
				fot_real a = lo[i], b = hi[i];

				lo[i] = a * c[i] - sg * b * s[i];
				hi[i] = b * c[i] + sg * a * s[i];
			}
		}
	}
}

void fot_rope_back(fot_real *x, int64_t rows, int64_t n_heads, int64_t head_dim, const fot_real *cos_tab,
		   const fot_real *sin_tab, int64_t by, fot_real factor)
{
	for (int64_t r = 0; r < rows; r++)
		fot_rope_apply(x + r * n_heads * head_dim, 1, n_heads, head_dim, cos_tab, sin_tab, by, -1);
	for (int64_t i = 0; i < rows * n_heads * head_dim && factor != 1; i++)
		x[i] /= factor;
}

/* Keeps 0 / 0 away: a query of length zero points nowhere and scores 0. */
#define UNIT_EPS ((fot_real)1e-6)

void fot_unit_forward(fot_real *y, fot_real *inv_norm, const fot_real *x, const fot_real *log_scale,
		      int64_t rows, int64_t n_heads, int64_t head_dim)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t h = 0; h < n_heads; h++) {
			const fot_real *xh = x + (r * n_heads + h) * head_dim;
			fot_real *yh = y + (r * n_heads + h) * head_dim;
			fot_real inv = 1 / fot_real_sqrt(fot_dot(xh, xh, head_dim) + UNIT_EPS);
			fot_real f = log_scale ? inv * (fot_real)exp((double)log_scale[h]) : inv;

			if (inv_norm)
				inv_norm[r * n_heads + h] = inv;
#pragma omp simd
			for (int64_t i = 0; i < head_dim; i++)
				yh[i] = xh[i] * f;
		}
}

void fot_unit_backward(fot_real *dx, fot_real *d_log_scale, const fot_real *dy, const fot_real *x,
		       const fot_real *log_scale, const fot_real *inv_norm, int64_t rows, int64_t n_heads,
		       int64_t head_dim)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t h = 0; h < n_heads; h++) {
			int64_t at = (r * n_heads + h) * head_dim;
			fot_real inv = inv_norm[r * n_heads + h];
			fot_real t = log_scale ? (fot_real)exp((double)log_scale[h]) : 1;
			fot_real proj = fot_dot(dy + at, x + at, head_dim);
			fot_real back = proj * inv * inv;

			if (d_log_scale)
				d_log_scale[h] += proj * inv * t;
#pragma omp simd
			for (int64_t i = 0; i < head_dim; i++)
				dx[at + i] = t * inv * (dy[at + i] - x[at + i] * back);
		}
}

void fot_swiglu_forward(fot_real *h, fot_real *den, const fot_real *g, const fot_real *u, int64_t n)
{
	if (!den) {
#pragma omp simd
		for (int64_t i = 0; i < n; i++)
			h[i] = g[i] / (1 + fot_real_exp(-g[i])) * u[i];
		return;
	}
#pragma omp simd
	for (int64_t i = 0; i < n; i++) {
		den[i] = 1 + fot_real_exp(-g[i]);
		h[i] = g[i] / den[i] * u[i];
	}
}

void fot_swiglu_backward(fot_real *dg, fot_real *du, const fot_real *dh, const fot_real *den,
			 const fot_real *g, const fot_real *u, int64_t n)
{
#pragma omp simd
	for (int64_t i = 0; i < n; i++) {
		fot_real sig = 1 / den[i], d = dh[i];

		du[i] = d * g[i] * sig;
		dg[i] = d * u[i] * sig * (1 + g[i] * (1 - sig));
	}
}

fot_real fot_gate(fot_real bias)
{
	return (fot_real)(1 / (1 + exp(-(double)bias)));
}

void fot_gate_mix(fot_real *o, const fot_real *local, int64_t ld, const fot_real *mem, int64_t ld_mem,
		  fot_real bias, int64_t rows, int64_t dim)
{
	fot_real g = fot_gate(bias), rest = fot_gate(-bias);

	for (int64_t i = 0; i < rows; i++)
#pragma omp simd
		for (int64_t c = 0; c < dim; c++)
			o[i * ld + c] = g * mem[i * ld_mem + c] + rest * local[i * ld + c];
}

double fot_xent(fot_real *d_logits, const fot_real *logits, int64_t vocab, int32_t target, double weight)
{
	fot_real max = logits[0], sum, at_target = logits[target], scale;

#pragma omp simd reduction(max : max)
	for (int64_t i = 0; i < vocab; i++)
		max = logits[i] > max ? logits[i] : max;
	sum = fot_exp_sum(d_logits, logits, vocab, max);
	if (!d_logits)
		return log((double)sum) + (double)max - (double)at_target;
	scale = (fot_real)(weight / (double)sum);
#pragma omp simd
	for (int64_t i = 0; i < vocab; i++)
		d_logits[i] *= scale;
	d_logits[target] -= (fot_real)weight;
	return log((double)sum) + (double)max - (double)at_target;
}
