/* others.c: see others.h.
 *
 * Invariant: order is a permutation of all windows; first[] ascends, so that a window's
 * document is found by bisection. */
#include "tasks/others.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

int fot_others_init(struct fot_others *o, const struct fot_others_document *document, size_t n_documents,
		    int64_t window, uint64_t seed, uint64_t item, struct fot_err *err)
{
	struct fot_rng rng;

	*o = (struct fot_others){ .document = document, .n_documents = n_documents, .window = window };
	o->first = fot_calloc(fot_size_add(n_documents, 1), sizeof *o->first);
	for (size_t i = 0; o->first && i < n_documents; i++)
		o->first[i + 1] = o->first[i] + document[i].n / (size_t)window;
	o->n_windows = o->first ? o->first[n_documents] : 0;
	o->order = fot_alloc(o->n_windows + 1, sizeof *o->order);
	if (!o->first || !o->order) {
		fot_others_release(o);
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the windows of %zu documents", n_documents);
	}
	for (size_t i = 0; i < o->n_windows; i++)
		o->order[i] = i;
	fot_rng_init(&rng, seed, "perplexity.others", item);
	fot_rng_shuffle(&rng, o->order, o->n_windows);
	return FOT_OK;
}

void fot_others_release(struct fot_others *o)
{
	fot_free(o->first);
	fot_free(o->order);
	*o = (struct fot_others){ 0 };
}

static size_t document_of(const struct fot_others *o, size_t window)
{
	size_t lo = 0, hi = o->n_documents;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->first[mid] <= window)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

size_t fot_others_count(const struct fot_others *o, size_t document)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_documents; i++)
		if (o->document[i].text != o->document[document].text)
			n += o->first[i + 1] - o->first[i];
	return n;
}

/* The next window of the order that is not the document's own, from *at on. */
static size_t next_other(const struct fot_others *o, size_t document, size_t *at, size_t *owner)
{
	size_t window;

	do {
		window = (size_t)o->order[(*at)++];
		*owner = document_of(o, window);
	} while (o->document[*owner].text == o->document[document].text);
	return window;
}

void fot_others_fill(int32_t *to, const struct fot_others *o, size_t document, size_t n_windows)
{
	size_t w = (size_t)o->window, at = 0, owner;

	for (size_t i = n_windows; i-- > 0;) {
		size_t window = next_other(o, document, &at, &owner);

		memcpy(to + i * w, o->document[owner].tokens + (window - o->first[owner]) * w, w * sizeof *to);
	}
}

int fot_others_documents(int64_t *n_documents, const struct fot_others *o, size_t document, size_t n_windows,
			 struct fot_err *err)
{
	char *seen = fot_calloc(o->n_documents + 1, sizeof *seen);
	size_t at = 0, owner;

	if (!seen)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu documents", o->n_documents);
	n_documents[0] = 0;
	for (size_t i = 0; i < n_windows; i++) {
		next_other(o, document, &at, &owner);
		n_documents[i + 1] = n_documents[i] + !seen[owner];
		seen[owner] = 1;
	}
	fot_free(seen);
	return FOT_OK;
}
