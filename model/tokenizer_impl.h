/* tokenizer_impl.h: what a kind of tokenizer provides; private to model/tokenizer*.c. */
#ifndef FOT_TOKENIZER_IMPL_H
#define FOT_TOKENIZER_IMPL_H

#include "model/tokenizer.h"

struct fot_tokenizer_ops {
	const char *kind; /* for people */
	/* Where out->with_ends, push each token with its end, see fot_tokenizer_encode_ends;
	 * out->enough of them are enough. */
	int (*encode)(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
		      struct fot_err *err);
	/* All ids are already known to be in the vocabulary. */
	int (*decode)(const struct fot_tokenizer *t, struct fot_str *out, const int32_t *ids, size_t n,
		      struct fot_err *err);
	void (*close)(struct fot_tokenizer *t); /* frees t too */
};

/* The first member of every kind's own struct. */
struct fot_tokenizer {
	const struct fot_tokenizer_ops *ops;
	int32_t vocab, bos, eos;
	int32_t n_ends, ends[FOT_MORE_EOS_MOST + 1]; /* what else ends a text by the model's config */
	int32_t ids; /* of the model, when more than vocab: the rest have no text */
	char hash[65];
};

#endif
