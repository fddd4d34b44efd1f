/* distraction.h: how much of the attention stays with the own document [paper, sec. "distraction issue"].
 *
 *   memory  | other d-1 | ... | other 2 | other 1 | own, window k - 1 |     asks: window k
 *
 * r_d is the attention mass of a query on the own window over that on all d windows, averaged over the
 * queries of the asking windows.  Every window is read alone, as crossbatch reads its contexts; none but
 * the asking one sees a memory.
 *
 * The others are windows of other documents, never of the own one: in rounds, each of which takes a window
 * of every other document, none twice.  So there are d documents in sight as long as there are so
 * many, and windows of a smaller d are those of a larger one.  The order of the documents in a round
 * is drawn by (seed, own document); which window of a document a round takes, by (seed, that document), so that
 * what is read once serves all who ask.  All asking windows of a document have the same others. */
#ifndef FOT_DISTRACTION_H
#define FOT_DISTRACTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Raised whenever results change for the same inputs. */
#define FOT_DISTRACTION_VERSION 1

struct fot_distraction {
	uint64_t seed;
	int64_t window;            /* W >= 1 */
	const int64_t *n_contexts; /* [n] d, ascending, each >= 1 */
	size_t n;
	int64_t query_tokens; /* per document, rounded down to whole windows, at least one */
};

/* A window: its document in the caller's list, its first token. */
struct fot_distraction_place {
	size_t document;
	int64_t begin;
};

struct fot_distraction_request {
	int64_t *ask; /* [n_asks] first tokens of the asking windows, ascending, each >= W; none: too short */
	size_t n_asks;
	struct fot_distraction_place *other; /* [n_others] other 1, other 2, ...: largest d - 1, or all there are */
	size_t n_others;
};
/* Of the documents with so many tokens, `own` asks. Errors: FOT_ERR_RUN. */
int fot_distraction_draw(struct fot_distraction_request *r, const struct fot_distraction *p,
			 const int64_t *n_tokens, size_t n_documents, size_t own, struct fot_err *err);
void fot_distraction_release(struct fot_distraction_request *r);
/* How many of the n_contexts, from the smallest on, have their d - 1 others. */
size_t fot_distraction_served(const struct fot_distraction *p, const struct fot_distraction_request *r);

/* r_d of one query for each of n_contexts[n], none above n_windows.  mass: log of the mass on
 * each window of the memory in its order, the own one last; -INFINITY: none. */
void fot_distraction_shares(double *share, const int64_t *n_contexts, size_t n, const double *mass,
			    int64_t n_windows);

#endif
