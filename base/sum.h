/* sum.h: compensated summation (Neumaier 1974).
 *
 * The running error of each addition is kept beside the sum, so that a million
 * terms lose no more than one rounding.  Never compile with -ffast-math: it
 * would optimise the compensation away. */
#ifndef FOT_SUM_H
#define FOT_SUM_H

#include <math.h>

struct fot_sum {
	double sum, error;
};

static inline void fot_sum_add(struct fot_sum *s, double x)
{
	double t = s->sum + x;

	if (fabs(s->sum) >= fabs(x))
		s->error += (s->sum - t) + x;
	else
		s->error += (x - t) + s->sum;
	s->sum = t;
}

static inline double fot_sum_value(const struct fot_sum *s)
{
	return s->sum + s->error;
}

#endif
