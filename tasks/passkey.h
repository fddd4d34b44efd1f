/* passkey.h: find a number in a long text [paper, sec. passkey; Mohtashami and Jaggi 2023].
 *
 *   BOS | intro | filler ... | key sentence | ... filler | question |  answer
 *   0                        key_token_start               n_stem     n_prompt
 *
 * Prompt and answer together have exactly context_length tokens.  The prompt is put
 * together from token ids, each part tokenised as the continuation of a text, so no
 * length has to be searched for and the long filler is tokenised once.  The filler is a
 * function of style, seed and trial alone: prompts of one trial are the same up to the key
 * sentence, and behind it the filler goes on where it stopped.
 *
 * Right is what the authors' script calls right: the greedy tokens, as many as the key
 * has, are the key's.  What the model would say after them does not count. */
#ifndef FOT_PASSKEY_H
#define FOT_PASSKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/passkey_text.h"
#include "model/tokenizer.h"
#include "tasks/task.h"

/* Raised whenever results change for the same inputs. */
#define FOT_PASSKEY_VERSION 3
#define FOT_PASSKEY_CHANCE (1.0 / (FOT_PASSKEY_MAX - FOT_PASSKEY_MIN + 1))

enum fot_passkey_style {
	FOT_PASSKEY_PAPER,  /* the paper's sentences, the same in all trials; key between sentences */
	FOT_PASSKEY_TEXT,   /* prose, begun at another place in each trial; key between words */
	FOT_PASSKEY_DECOYS, /* the same, with the numbers of other things, one per 800 bytes of prose */
	FOT_PASSKEY_STYLES
};
extern const char *const fot_passkey_style_name[FOT_PASSKEY_STYLES + 1]; /* "paper", "text", "decoys", NULL */

struct fot_passkey {
	const struct fot_tokenizer *tokenizer;
	bool bos; /* BOS first, where the tokenizer has one */
	enum fot_passkey_style style;
	const char *text; /* [n_text] prose, read round and round; unused by FOT_PASSKEY_PAPER */
	size_t n_text;
	uint64_t seed;
};

/* Tokens that a prompt with its answer has at least, the longest key being asked for, and those
 * of the question with that answer but its last token, which a local window must hold. */
struct fot_passkey_least {
	int64_t context, window;
};
int fot_passkey_least(struct fot_passkey_least *out, const struct fot_passkey *p, struct fot_err *err);

/* The parts of all prompts of one trial; *p is copied, what it points to borrowed. */
struct fot_passkey_parts;
/* Filler for context lengths up to longest. Errors: FOT_ERR_USAGE (longest cannot hold the
 * prompt, no prose), FOT_ERR_INPUT (prose without words), FOT_ERR_RUN. */
int fot_passkey_open(struct fot_passkey_parts **out, const struct fot_passkey *p, uint64_t trial,
		     int64_t longest, struct fot_err *err);
void fot_passkey_close(struct fot_passkey_parts *s);

struct fot_passkey_prompt {
	struct fot_ids ids; /* the prompt's tokens, then the answer's: context_length of them */
	size_t n_stem, n_prompt;
	struct fot_answer answer; /* in ids */
	int32_t key;
	size_t key_token_start, n_key_tokens; /* the key sentence */
};
/* depth 0: directly behind the intro; 1: before the question; between them in
 * proportion to the filler's tokens.  The key sentence goes to the last border at or before
 * that place (sentence in paper filler, word in prose, never inside a decoy), and the filler
 * is cut to the token before the question: so at depth 1 up to a sentence or a
 * word of filler may stand behind the key.
 * The key is drawn by (seed, trial, depth, context_length), again if the prompt has that
 * number by chance; then it stands in the prompt twice, in its sentence.
 * *out: zeroed, or built before (its memory is used again). Thread-safe.
 * Errors: FOT_ERR_USAGE (depth outside 0..1, length too short, or longer than opened for). */
int fot_passkey_build(struct fot_passkey_prompt *out, const struct fot_passkey_parts *s,
		      int64_t context_length, double depth, struct fot_err *err);
void fot_passkey_prompt_release(struct fot_passkey_prompt *p);
/* The question; it points into *p, which must stay where it is. */
void fot_passkey_ask(struct fot_question *q, const struct fot_passkey_prompt *p);

/* What one row of passkey.csv says about the reply. */
struct fot_passkey_observation {
	bool exact_match;
	int64_t answer_rank;        /* the worst of the answer's tokens */
	double answer_logprob_nats; /* sum over the answer's tokens */
};
/* text: the greedy tokens' text is appended, without white space in front. */
int fot_passkey_observe(struct fot_passkey_observation *o, struct fot_str *text,
			const struct fot_passkey_prompt *p, const struct fot_reply *r,
			const struct fot_tokenizer *t, struct fot_err *err);

#endif
