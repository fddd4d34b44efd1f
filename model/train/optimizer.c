/* optimizer.c: AdamW over the flat parameter array. */
#include "model/train/optimizer.h"

#include "base/mem.h"

#define PIECE ((int64_t)1 << 14)

int fot_adamw_init(struct fot_adamw *a, const struct fot_params *p, const struct fot_adamw_opts *o,
		   struct fot_err *err)
{
	memset(a, 0, sizeof *a);
	a->opts = *o;
	a->m = fot_calloc((size_t)p->n, sizeof *a->m);
	a->v = fot_calloc((size_t)p->n, sizeof *a->v);
	a->partial = fot_calloc((size_t)(p->n / PIECE + 1), sizeof *a->partial);
	if (a->m && a->v && a->partial)
		return FOT_OK;
	fot_adamw_release(a);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the optimiser's state");
}

void fot_adamw_release(struct fot_adamw *a)
{
	fot_free(a->m);
	fot_free(a->v);
	fot_free(a->partial);
	memset(a, 0, sizeof *a);
}

static double global_norm(struct fot_adamw *a, const fot_real *grad, int64_t n, int n_threads)
{
	int64_t pieces = (n + PIECE - 1) / PIECE;
	double sum = 0;

#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads)
	for (int64_t k = 0; k < pieces; k++) {
		double s = 0;

		for (int64_t i = k * PIECE; i < n && i < (k + 1) * PIECE; i++)
			s += (double)grad[i] * (double)grad[i];
		a->partial[k] = s;
	}
	for (int64_t k = 0; k < pieces; k++)
		sum += a->partial[k];
	return sqrt(sum);
}

/* Numbers [from, to) of one tensor. */
static void step_range(struct fot_adamw *a, fot_real *w, const fot_real *grad, int64_t from, int64_t to,
		       fot_real factor, fot_real lr, fot_real decay)
{
	fot_real b1 = (fot_real)a->opts.beta1, b2 = (fot_real)a->opts.beta2, eps = (fot_real)a->opts.eps;
	fot_real c1 = (fot_real)(1 / (1 - pow(a->opts.beta1, (double)a->step)));
	fot_real c2 = (fot_real)(1 / (1 - pow(a->opts.beta2, (double)a->step)));

#pragma omp simd
	for (int64_t i = from; i < to; i++) {
		fot_real g = grad[i] * factor;

		a->m[i] = b1 * a->m[i] + (1 - b1) * g;
		a->v[i] = b2 * a->v[i] + (1 - b2) * g * g;
		w[i] -= lr * (a->m[i] * c1 / (fot_real_sqrt(a->v[i] * c2) + eps) + decay * w[i]);
	}
}

int fot_adamw_step(struct fot_adamw *a, struct fot_params *p, const fot_real *grad, double lr, int n_threads,
		   double *grad_norm, struct fot_err *err)
{
	double norm, factor = 1;

	*grad_norm = norm = global_norm(a, grad, p->n, n_threads);
	if (!isfinite(norm))
		return FOT_FAIL(err, FOT_ERR_RUN, "the gradient is not finite: lower the learning rate");
	if (a->opts.clip > 0 && norm > a->opts.clip)
		factor = a->opts.clip / norm;
	a->step++;
	for (size_t t = 0; t < p->n_tensors; t++) {
		int64_t from = p->offset[t], end = t + 1 < p->n_tensors ? p->offset[t + 1] : p->n;
		fot_real decay = (fot_real)(p->spec[t].cols ? a->opts.weight_decay : 0);
		fot_real rate = (fot_real)(p->spec[t].role == FOT_ROLE_GATE_BIAS ? lr * a->opts.gate_lr : lr);

#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) if (end - from > PIECE)
		for (int64_t i = from; i < end; i += PIECE)
			step_range(a, p->w, grad, i, i + PIECE < end ? i + PIECE : end, (fot_real)factor,
				   rate, decay);
	}
	return FOT_OK;
}
