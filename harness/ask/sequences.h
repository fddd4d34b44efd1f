/* sequences.h: token sequences from a JSON file or from text. */
#ifndef FOT_SEQUENCES_H
#define FOT_SEQUENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/tokenizer.h"

/* What one sequence reads in one turn. */
struct fot_prompt {
	struct fot_ids ids;   /* at least one token */
	size_t columns, pads; /* attention mask: columns (0: no mask), zeros on its left */
};

/* One call for every sequence. */
struct fot_turn {
	struct fot_prompt *row; /* [n] */
	bool no_cache;          /* "use_cache": false */
};

struct fot_sequences {
	struct fot_turn *turn; /* [n_turns], at least one */
	size_t n_turns, n;     /* n sequences */
	bool turns;            /* the file named its turns */
};

/* [[1,2,3], ...] or {"input_ids": [[...], ...], "attention_mask": [[0, 1, ...], ...]}
 * or {"turns": [{the same, "use_cache": false}, ...]}: successive calls; other keys
 * are ignored. A mask holds zeros (padding) and then ones, for the ids alone or also
 * for tokens of earlier turns before them. Ids must be in [0, vocab). Errors:
 * FOT_ERR_INPUT. */
int fot_sequences_read(struct fot_sequences *out, const char *path, int32_t vocab, struct fot_err *err);
/* One sequence: BOS and the tokens of n bytes of UTF-8 text; name for messages. Errors: FOT_ERR_INPUT. */
int fot_sequences_of_text(struct fot_sequences *out, const char *name, const char *text, size_t n,
			  const struct fot_tokenizer *t, struct fot_err *err);
void fot_sequences_release(struct fot_sequences *s);
/* Most tokens of any sequence, over all its turns. */
size_t fot_sequences_longest(const struct fot_sequences *s);

#endif
