/* optimizer.h: AdamW (Loshchilov and Hutter 2019) with clipping by global norm.
 *
 * Weight decay applies to matrices only.  Sums run over fixed pieces in a fixed
 * order: the same bits for any number of threads. */
#ifndef FOT_OPTIMIZER_H
#define FOT_OPTIMIZER_H

#include <stdint.h>

#include "base/err.h"
#include "model/train/params.h"

struct fot_adamw_opts {
	double beta1, beta2, eps, weight_decay;
	double clip;    /* largest gradient norm; 0 = no clipping */
	double gate_lr; /* the memory's gates: times the learning rate.  Adam moves no number by more than some
			   lr a step, so gates that start at g = 1/2 stay there in a short run. */
};

struct fot_adamw {
	struct fot_adamw_opts opts;
	int64_t step;      /* steps taken */
	fot_real *m, *v;   /* [p->n] */
	double *partial;   /* sums of squares of the pieces */
};

int fot_adamw_init(struct fot_adamw *a, const struct fot_params *p, const struct fot_adamw_opts *o,
		   struct fot_err *err);
void fot_adamw_release(struct fot_adamw *a);
/* One step on p->w; *grad_norm is the norm before clipping. Errors: FOT_ERR_RUN
 * when it is not finite (p is untouched then). */
int fot_adamw_step(struct fot_adamw *a, struct fot_params *p, const fot_real *grad, double lr, int n_threads,
		   double *grad_norm, struct fot_err *err);

#endif
