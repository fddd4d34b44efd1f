/* samples.h: retrieval samples: chosen query tokens meet a session, and what they retrieve becomes rows
 * of fot_schema_samples and a page for readers.
 *
 *   | ... | W | W | W | window of the query |     the memory: the L - W tokens before its window
 *
 * Windows stand at multiples of W.  The session is filled anew for each window that asks, so that with
 * several memory layers, too, nothing before these L tokens is seen. */
#ifndef FOT_SAMPLES_H
#define FOT_SAMPLES_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/tables/table.h"
#include "model/session.h"
#include "model/tokenizer.h"

struct fot_sampler {
	const struct fot_model *model;
	const char *variant, *dataset;
	struct fot_session_opts opts; /* search: dense or knn; window: not 0 */
	struct fot_session *session;  /* of opts; room for fot_samples_memory() tokens */
	int64_t context_length;       /* L > W */
	int64_t shown;                /* retrieved keys shown per head, at least 1 */
};

/* Tokens of memory that the sampler's session must hold. */
int64_t fot_samples_memory(const struct fot_sampler *s);
/* First token of a document whose window has its whole memory in the document. */
int64_t fot_samples_first(const struct fot_sampler *s);
/* Append rows for query tokens of a document, [n] ascending and different, each not before window 1
 * and inside the document. Errors: FOT_ERR_RUN, FOT_ERR_INPUT (tokens). */
int fot_samples_document(const struct fot_sampler *s, const char *doc_id, const struct fot_ids *document,
			 const int64_t *position, size_t n, struct fot_table *table, struct fot_err *err);
/* The rows as Markdown: the paper's table for each query. Nothing of a document's text is markup. */
int fot_samples_print(struct fot_str *out, const struct fot_table *table, struct fot_err *err);

#endif
