/* memory_tova.c: B entries stay, the same for all heads: those to which the last query gives the most attention, averaged over
 * heads (TOVA; Oren et al. 2024, "Transformers are Multi-State RNNs", arXiv 2401.06104).  There every token drops one entry
 * by its own query; here a window's last one drops as many as the window has brought. */
#include "model/memory_evict.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

static int64_t observes(const struct fot_memory *m)
{
	(void)m;
	return 1;
}

static void worth(const struct fot_candidates *x, int64_t h, float *out)
{
	memset(out, 0, sizeof *out * (size_t)x->n);
	for (int64_t head = h; head < x->m->n_heads * x->m->group; head++)
		fot_evict_add_mass(x, x->end - 1, head, out);
}

static double cost(const struct fot_memory *m, double kept, double n)
{
	(void)m;
	return kept + n;
}

static const struct fot_evict_kind kind = {
	.observes = observes, .together = true, .worth = worth, .cost = cost
};

const struct fot_memory_ops fot_memory_tova = { FOT_EVICT_OPS("tova", &kind), .observe = fot_evict_observe };

#endif
