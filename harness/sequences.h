/* sequences.h: token sequences from a JSON file or from text. */
#ifndef FOT_SEQUENCES_H
#define FOT_SEQUENCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/tokenizer.h"

struct fot_sequences {
	struct fot_ids *seq; /* [n], each of at least one token */
	size_t n;
};

/* [[1,2,3], ...] or {"input_ids": [[...], ...], "attention_mask": [[1, ...], ...]};
 * other keys are ignored. The mask may be left out; padding (0) and several
 * "turns" are refused. Ids must be in [0, vocab). Errors: FOT_ERR_INPUT. */
int fot_sequences_read(struct fot_sequences *out, const char *path, int32_t vocab, struct fot_err *err);
/* One sequence: BOS and the tokens of a UTF-8 text file. */
int fot_sequences_read_text(struct fot_sequences *out, const char *path, const struct fot_tokenizer *t,
			    struct fot_err *err);
void fot_sequences_release(struct fot_sequences *s);
size_t fot_sequences_longest(const struct fot_sequences *s);

#endif
