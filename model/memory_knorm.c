/* memory_knorm.c: B entries stay, those whose keys have the smallest norm (Devoto et al. 2024, "A Simple and Effective L2
 * Norm-Based Strategy for KV Cache Compression", arXiv 2406.11430).  There the first two layers are left out; here memory
 * layers are all alike.  No query decides, so what stays of a text is the same wherever windows end. */
#include "model/memory_evict.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/ops.h"

static void worth(const struct fot_candidates *x, int64_t h, float *out)
{
	for (int64_t i = 0; i < x->n; i++) {
		const float *k = fot_rows_of(x->m, x->m->k, h, x->entry[i], 1, x->row);

		out[i] = -fot_dot(k, k, x->m->head_dim); /* squared: the same order */
	}
}

static double cost(const struct fot_memory *m, double kept, double n)
{
	return (kept + n) / (double)m->group;
}

static const struct fot_evict_kind kind = { .worth = worth, .cost = cost };

const struct fot_memory_ops fot_memory_knorm = { FOT_EVICT_OPS("knorm", &kind) };

#endif
