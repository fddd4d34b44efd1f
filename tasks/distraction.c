/* distraction.c: see distraction.h.
 *
 * The sum over the others runs from the nearest to the farthest, so that the sum of a smaller d
 * is, bit for bit, where that of a larger one begins. */
#include "tasks/distraction.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"

static size_t windows_of(const struct fot_distraction *p, int64_t n_tokens)
{
	return (size_t)(n_tokens / p->window);
}

/* 0 .. n - 1 in a random order; NULL without memory. */
static uint64_t *shuffled(size_t n, struct fot_rng *rng)
{
	uint64_t *order = fot_alloc(n, sizeof *order);

	for (size_t i = 0; i < n && order; i++)
		order[i] = i;
	if (order)
		fot_rng_shuffle(rng, order, n);
	return order;
}

/* Some of the windows that have one before them. */
static int draw_asks(struct fot_distraction_request *r, const struct fot_distraction *p, int64_t n_tokens, size_t own,
		     struct fot_err *err)
{
	size_t windows = windows_of(p, n_tokens), most = windows > 1 ? windows - 1 : 0;
	size_t want = windows_of(p, p->query_tokens);
	struct fot_rng rng;
	uint64_t *order;

	fot_rng_init(&rng, p->seed, "distraction.asks", own);
	want = want ? want : 1;
	r->n_asks = want < most ? want : most;
	order = shuffled(most, &rng);
	r->ask = fot_alloc(r->n_asks, sizeof *r->ask);
	for (size_t i = 0; i < r->n_asks && order && r->ask; i++)
		r->ask[i] = ((int64_t)order[i] + 1) * p->window;
	if (order && r->ask)
		qsort(r->ask, r->n_asks, sizeof *r->ask, fot_by_i64);
	fot_free(order);
	return order && r->ask ? FOT_OK : FOT_NO_MEMORY(err, "distraction");
}

/* One window of every other document that still has one: windows[i] is document i's order of them. */
static int draw_round(struct fot_distraction_request *r, const struct fot_distraction *p, uint64_t *const *windows,
		      const int64_t *n_tokens, size_t n_documents, size_t round, size_t want, struct fot_rng *rng,
		      struct fot_err *err)
{
	uint64_t *order = shuffled(n_documents, rng);

	if (!order)
		return FOT_NO_MEMORY(err, "distraction");
	for (size_t i = 0; i < n_documents && r->n_others < want; i++) {
		size_t document = order[i];

		if (windows[document] && round < windows_of(p, n_tokens[document]))
			r->other[r->n_others++] = (struct fot_distraction_place){
				document, (int64_t)windows[document][round] * p->window
			};
	}
	fot_free(order);
	return FOT_OK;
}

static int draw_others(struct fot_distraction_request *r, const struct fot_distraction *p, const int64_t *n_tokens,
		       size_t n_documents, size_t own, struct fot_err *err)
{
	size_t want = (size_t)p->n_contexts[p->n - 1] - 1, all = 0;
	uint64_t **windows = fot_calloc(n_documents, sizeof *windows);
	struct fot_rng rng;
	int status = FOT_OK;

	r->other = fot_alloc(want, sizeof *r->other);
	if (!windows || !r->other) {
		status = FOT_NO_MEMORY(err, "distraction");
		goto out;
	}
	for (size_t i = 0; i < n_documents; i++) {
		if (i == own)
			continue;
		fot_rng_init(&rng, p->seed, "distraction.windows", i);
		windows[i] = shuffled(windows_of(p, n_tokens[i]), &rng);
		if (!windows[i]) {
			status = FOT_NO_MEMORY(err, "distraction");
			goto out;
		}
		all += windows_of(p, n_tokens[i]);
	}
	want = want < all ? want : all;
	fot_rng_init(&rng, p->seed, "distraction.others", own);
	for (size_t round = 0; r->n_others < want; round++)
		FOT_TRY(draw_round(r, p, windows, n_tokens, n_documents, round, want, &rng, err));
out:
	for (size_t i = 0; i < n_documents && windows; i++)
		fot_free(windows[i]);
	fot_free(windows);
	return status;
}

int fot_distraction_draw(struct fot_distraction_request *r, const struct fot_distraction *p,
			 const int64_t *n_tokens, size_t n_documents, size_t own, struct fot_err *err)
{
	int status;

	*r = (struct fot_distraction_request){ 0 };
	FOT_TRY(draw_asks(r, p, n_tokens[own], own, err));
	status = draw_others(r, p, n_tokens, n_documents, own, err);
out:
	if (status != FOT_OK)
		fot_distraction_release(r);
	return status;
}

void fot_distraction_release(struct fot_distraction_request *r)
{
	fot_free(r->ask);
	fot_free(r->other);
	*r = (struct fot_distraction_request){ 0 };
}

size_t fot_distraction_served(const struct fot_distraction *p, const struct fot_distraction_request *r)
{
	size_t n = 0;

	while (n < p->n && p->n_contexts[n] <= (int64_t)r->n_others + 1)
		n++;
	return n;
}

void fot_distraction_shares(double *share, const int64_t *n_contexts, size_t n, const double *mass,
			    int64_t n_windows)
{
	double own = mass[n_windows - 1], others = 0;
	bool seen = own > -HUGE_VAL;
	size_t i = 0;

	for (int64_t d = 1; d <= n_windows && i < n; d++) {
		if (d > 1 && seen)
			others += exp(mass[n_windows - d] - own);
		if (n_contexts[i] == d)
			share[i++] = seen ? 1 / (1 + others) : 0;
	}
}
