/* memory_snapkv.c: B entries stay: the last ones, whose queries observe, and those to which these give the most attention,
 * smoothed over neighbours (SnapKV; Li et al. 2024, "SnapKV: LLM Knows What You are Looking for Before Generation", arXiv
 * 2404.14469): softmax of each observing query over the candidates before it, summed over queries and averaged over
 * POOL neighbours, zeros beyond the ends, as in its authors' code.
 *
 * There a prompt is cut once, when it has been read, by its own end.  Here each window is, when it has been read, together with what
 * was kept before: later windows choose among what earlier ones left.  Queries of all heads that share keys are summed.  A
 * budget below 2 OBSERVING gives half of itself to the last ones. */
#include "model/memory_evict.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

#define OBSERVING 32
#define POOL 5

static int64_t observes(const struct fot_memory *m)
{
	int64_t half = ((int64_t)m->number[0] + 1) / 2;

	return half < OBSERVING ? half : OBSERVING;
}

/* The mean over POOL neighbours of sum [n]; spare: [n]. */
static void smooth(float *sum, int64_t n, float *spare)
{
	memcpy(spare, sum, sizeof *sum * (size_t)n);
	for (int64_t i = 0; i < n; i++) {
		float near = 0;

		for (int64_t j = i - POOL / 2; j <= i + POOL / 2; j++)
			near += j >= 0 && j < n ? spare[j] : 0;
		sum[i] = near / POOL;
	}
}

static void worth(const struct fot_candidates *x, int64_t h, float *out)
{
	int64_t before = x->n - x->n_q; /* candidates in front of those that observe */

	memset(out, 0, sizeof *out * (size_t)x->n);
	for (int64_t asker = x->end - x->n_q; asker < x->end; asker++)
		for (int64_t g = 0; g < x->m->group; g++)
			fot_evict_add_mass(x, asker, h * x->m->group + g, out);
	smooth(out, before, x->spare);
	for (int64_t i = before; i < x->n; i++)
		out[i] = INFINITY;
}

static double cost(const struct fot_memory *m, double kept, double n)
{
	return (double)observes(m) * (kept + n);
}

static const struct fot_evict_kind kind = { .observes = observes, .worth = worth, .cost = cost };

const struct fot_memory_ops fot_memory_snapkv = { FOT_EVICT_OPS("snapkv", &kind),
						  .observe = fot_evict_observe };

#endif
