/* slow_rope.c: see slow_rope.h. */
#include "tests/unit/slow_rope.h"

#include <math.h>

static double stated(const struct fot_config *c)
{
	return c->max_positions ? c->max_positions : c->window;
}

static double original(const struct fot_config *c)
{
	return c->rope.original ? (double)c->rope.original : stated(c);
}

static double times(const struct fot_config *c)
{
	return c->rope.factor > 0 ? c->rope.factor : stated(c) / original(c);
}

static double llama3(const struct fot_config *c, double inv)
{
	const struct fot_rope *r = &c->rope;
	double wave = 2 * M_PI / inv, orig = original(c), s;

	if (wave > orig / r->low)
		return inv / r->factor;
	if (wave < orig / r->high)
		return inv;
	s = (orig / wave - r->low) / (r->high - r->low);
	return (1 - s) * inv / r->factor + s * inv;
}

static double corr(const struct fot_config *c, double turns)
{
	return c->head_dim * log(original(c) / (2 * M_PI * turns)) / (2 * log(c->rope_theta));
}

static double yarn(const struct fot_config *c, double inv, double i)
{
	double low = corr(c, c->rope.beta_fast), high = corr(c, c->rope.beta_slow), ramp;

	low = fmax(c->rope.unrounded ? low : floor(low), 0);
	high = fmin(c->rope.unrounded ? high : ceil(high), c->head_dim - 1);
	ramp = fmin(fmax((i - low) / (high - low), 0), 1);
	return inv / times(c) * ramp + inv * (1 - ramp);
}

double slow_frequency(const struct fot_config *c, int longest, int64_t i)
{
	const struct fot_rope *r = &c->rope;
	double d = c->head_dim, theta = c->rope_theta, f = r->factor, inv;

	if (r->type == FOT_ROPE_NTK)
		theta *= pow(f, d / (d - 2));
	if (r->type == FOT_ROPE_DYNAMIC && longest > stated(c))
		theta *= pow(f * longest / stated(c) - (f - 1), d / (d - 2));
	inv = 1 / pow(theta, 2 * (double)i / d);
	switch (r->type) {
	case FOT_ROPE_LINEAR:
		return inv / f;
	case FOT_ROPE_LLAMA3:
		return llama3(c, inv);
	case FOT_ROPE_YARN:
		return yarn(c, inv, (double)i);
	case FOT_ROPE_LONGROPE:
		return inv / (longest > original(c) ? r->longer[i] : r->shorter[i]);
	default:
		return inv;
	}
}

static double mscale(double m, double f)
{
	return 0.1 * m * log(f) + 1;
}

double slow_factor(const struct fot_config *c)
{
	const struct fot_rope *r = &c->rope;
	double f = times(c);

	if ((r->type != FOT_ROPE_YARN && r->type != FOT_ROPE_LONGROPE) || f <= 1)
		return r->attention > 0 ? r->attention : 1;
	if (r->attention > 0)
		return r->attention;
	if (r->type == FOT_ROPE_LONGROPE)
		return sqrt(1 + log(f) / log(original(c)));
	return r->mscale > 0 && r->mscale_all > 0 ? mscale(r->mscale, f) / mscale(r->mscale_all, f) :
						    mscale(1, f);
}
