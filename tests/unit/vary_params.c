/* vary_params.c: see vary_params.h. */
#include "tests/unit/vary_params.h"

#include <string.h>

void vary_params(struct fot_params *p)
{
	for (size_t t = 0; t < p->n_tensors; t++)
		for (int64_t i = 0; p->spec[t].cols == 0 && i < p->spec[t].rows; i++) {
			bool bias = strstr(p->spec[t].name, ".bias") != NULL;

			p->w[p->offset[t] + i] = (fot_real)((bias ? 0.1 : 1) + 0.4 * sin((double)(7 * (int64_t)t + 3 * i)));
			if (p->spec[t].role == FOT_ROLE_GATE_BIAS)
				p->w[p->offset[t] + i] = (fot_real)(i % 2 ? -1.4 : 0.7);
		}
}
