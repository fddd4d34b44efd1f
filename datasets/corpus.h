/* corpus.h: the tokens of one split of several datasets, in memory. */
#ifndef FOT_CORPUS_H
#define FOT_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datasets/dataset.h"
#include "model/tokenizer.h"

struct fot_corpus_doc {
	size_t dataset; /* index into the specs */
	const char *id; /* unique in its dataset */
	const int32_t *tokens; /* BOS first, where the tokenizer has one */
	int64_t n;
};

struct fot_corpus;
/* All documents of `split` (FOT_SPLIT_ALL: all) of n datasets, in the order of
 * the specs and of their documents; empty documents are left out. A dataset
 * without documents of this split is FOT_ERR_INPUT; the documents of folders and
 * JSONL files, which have no splits, count as FOT_TEST. store: as for
 * fot_dataset_open, and for the token cache; may be NULL. */
int fot_corpus_open(struct fot_corpus **out, const char *const *specs, size_t n, enum fot_split split,
		    const char *store, const struct fot_tokenizer *t, struct fot_err *err);
void fot_corpus_close(struct fot_corpus *c);
size_t fot_corpus_count(const struct fot_corpus *c);
const struct fot_corpus_doc *fot_corpus_at(const struct fot_corpus *c, size_t i);
size_t fot_corpus_n_datasets(const struct fot_corpus *c);
const struct fot_dataset *fot_corpus_dataset(const struct fot_corpus *c, size_t i);
/* sha256 over the datasets' hashes, the split and the tokenizer's hash. */
const char *fot_corpus_hash(const struct fot_corpus *c);

#endif
