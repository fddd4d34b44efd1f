/* memory_keydiff.c: B entries stay, those whose keys are least like the others: of the smallest cosine with the mean of the
 * candidates' keys, each made a unit first (KeyDiff; Park et al. 2025, "KeyDiff: Key Similarity-Based KV Cache Eviction for
 * Long-Context LLM Inference in Resource-Constrained Environments", arXiv 2504.15364).  As there the candidates are what
 * was kept and the block that has come; a block is a window here. */
#include "model/memory_evict.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

#include "model/ops.h"

/* 0 for a key of zeros, which has no direction. */
static float inverse_norm(const float *k, int64_t d)
{
	float square = fot_dot(k, k, d);

	return square > 0 ? 1.0f / sqrtf(square) : 0;
}

static void worth(const struct fot_candidates *x, int64_t h, float *out)
{
	int64_t d = x->m->head_dim;

	memset(x->mean, 0, sizeof *x->mean * (size_t)d); /* n times the mean: no cosine sees that */
	for (int64_t i = 0; i < x->n; i++) {
		const float *k = fot_rows_of(x->m, x->m->k, h, x->entry[i], 1, x->row);
		float f = inverse_norm(k, d);

		for (int64_t c = 0; c < d; c++)
			x->mean[c] += f * k[c];
	}
	for (int64_t i = 0; i < x->n; i++) {
		const float *k = fot_rows_of(x->m, x->m->k, h, x->entry[i], 1, x->row);

		out[i] = -fot_dot(k, x->mean, d) * inverse_norm(k, d);
	}
}

static double cost(const struct fot_memory *m, double kept, double n)
{
	return 3 * (kept + n) / (double)m->group;
}

static const struct fot_evict_kind kind = { .worth = worth, .cost = cost };

const struct fot_memory_ops fot_memory_keydiff = { FOT_EVICT_OPS("keydiff", &kind) };

#endif
