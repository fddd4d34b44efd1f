/* others.h: windows of other documents, for a memory that is not one document's alone.
 *
 *   memory of document A:  | c3  b0  d7  b4  c0 ... | A's own windows |  local window
 *                            farther  <-  nearer
 *
 * All whole windows of a set of documents stand in one random order, drawn once for the
 * set.  The others of a document are the first of that order that are not its own (nor of a
 * document of the same text), the first one nearest to its own windows: a smaller memory
 * holds the nearer part of a larger one, and two documents share most of their others, so
 * that a session which knows windows by their tokens computes them once. */
#ifndef FOT_OTHERS_H
#define FOT_OTHERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_others_document {
	const int32_t *tokens; /* [n], borrowed */
	size_t n;
	size_t text;           /* equal numbers: equal texts */
};

struct fot_others {
	const struct fot_others_document *document; /* [n_documents], borrowed */
	size_t n_documents, n_windows;
	int64_t window;  /* W */
	size_t *first;   /* [n_documents + 1] number of a document's first window */
	uint64_t *order; /* [n_windows] */
};

/* Windows are cut from a document's first token on; what is left at its end is not used. One
 * stream per (seed, item): item names the set. Errors: FOT_ERR_RUN. */
int fot_others_init(struct fot_others *o, const struct fot_others_document *document, size_t n_documents,
		    int64_t window, uint64_t seed, uint64_t item, struct fot_err *err);
void fot_others_release(struct fot_others *o);
/* Windows that a document's memory can hold of others. */
size_t fot_others_count(const struct fot_others *o, size_t document);
/* The n_windows nearest others of a document, in the order of the memory, to[n_windows, W].
 * n_windows <= fot_others_count. */
void fot_others_fill(int32_t *to, const struct fot_others *o, size_t document, size_t n_windows);
/* How many documents the n_windows nearest others come from: n_documents[n] for each n of
 * 0 .. n_windows. Errors: FOT_ERR_RUN. */
int fot_others_documents(int64_t *n_documents, const struct fot_others *o, size_t document, size_t n_windows,
			 struct fot_err *err);

#endif
