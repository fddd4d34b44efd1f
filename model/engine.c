/* engine.c: what every engine and the session must see alike. */
#include "model/engine.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

#include "model/device.h"
#include "model/memory.h"
#include "model/ops.h"

const char *const fot_engine_words[] = {
	[FOT_ENGINE_CPU] = "cpu", [FOT_ENGINE_CUDA] = "cuda", [FOT_ENGINE_TWIN] = "twin", NULL
};

const struct fot_engine *fot_engine_of(enum fot_engine_number number)
{
	static const struct fot_engine *const engines[] = { [FOT_ENGINE_CPU] = &fot_engine_cpu,
							    [FOT_ENGINE_CUDA] = &fot_engine_cuda,
							    [FOT_ENGINE_TWIN] = &fot_engine_twin };

	return engines[number];
}

const char *fot_engine_name(const struct fot_engine *e)
{
	return e ? e->name : fot_engine_cpu.name;
}

bool fot_engine_has_cuda(void)
{
	return fot_device_cuda() != NULL;
}

int64_t fot_place_mem_from(const struct fot_place *at)
{
	int64_t from = at->mem_len > at->reach ? at->mem_len - at->reach : 0;

	return from > at->mem_pads ? from : at->mem_pads;
}

int64_t fot_place_groups(const struct fot_place *at, int64_t group)
{
	return (at->mem_len - fot_place_mem_from(at) + group - 1) / group;
}

/* Tokens before the first branch. */
static int64_t trunk_of(const struct fot_want *want, int64_t n)
{
	int64_t trunk = 0;

	if (!want || !want->branch)
		return n;
	while (trunk < n && want->branch[trunk] < 0)
		trunk++;
	return trunk;
}

struct fot_piece fot_piece_next(const struct fot_place *at, const int32_t *tokens, int64_t from, int64_t n,
				const struct fot_want *want, bool skips)
{
	struct fot_piece p = { .tokens = tokens + from, .n = n - from, .first = from, .want = want };

	if (p.n > at->window - at->n_local)
		p.n = at->window - at->n_local;
	p.n_trunk = trunk_of(want, p.n);
	p.skip = skips && at->n_local + p.n_trunk == at->window && !fot_want_any(want, from, p.n);
	return p;
}

bool fot_want_logits(const struct fot_want *w, int64_t i)
{
	return w->logits && i >= w->logits_from && (!w->logit_rows || w->logit_rows[i]);
}

bool fot_want_row(const struct fot_want *w, int64_t i)
{
	return w &&
	       ((w->targets && w->targets[i] >= 0) || fot_want_logits(w, i) || (w->argmax && !w->targets));
}

bool fot_want_any(const struct fot_want *w, int64_t from, int64_t n)
{
	for (int64_t i = from; i < from + n; i++)
		if (fot_want_row(w, i))
			return true;
	return false;
}

static int32_t argmax(const float *x, int64_t n)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return (int32_t)best;
}

bool fot_want_answer(const struct fot_want *w, int64_t i, const float *logits, int64_t n_vocab)
{
	int64_t bad = 0;

	if (fot_want_logits(w, i))
		memcpy(w->logits + (i - w->logits_from) * n_vocab, logits, sizeof(float) * (size_t)n_vocab);
	if (w->argmax)
		w->argmax[i] = argmax(logits, n_vocab);
	if (w->nll && w->targets && w->targets[i] >= 0)
		w->nll[i] = fot_xent(NULL, logits, n_vocab, w->targets[i], 0);
	for (int64_t c = 0; c < n_vocab; c++)
		bad += !isfinite(logits[c]);
	return bad == 0;
}

void fot_masses_gate(double *group, int64_t n, double *local, float bias)
{
	double max = -INFINITY, sum = 0;

	for (int64_t i = 0; i < n; i++)
		max = group[i] > max ? group[i] : max;
	if (isinf(max))
		return; /* no memory in reach, no gate */
	for (int64_t i = 0; i < n; i++)
		sum += exp(group[i] - max);
	for (int64_t i = 0; i < n; i++)
		group[i] += log((double)fot_gate(bias)) - max - log(sum);
	if (local)
		*local = log((double)fot_gate(-bias));
}

bool fot_fills_alone(const struct fot_config *c, const struct fot_session_opts *o)
{
	return fot_memory_keeps(o->mode) && c->n_mem_layers == 1 && !o->no_skip;
}

#endif
