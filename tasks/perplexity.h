/* perplexity.h: perplexity against context length.
 *
 * The same target tokens are scored at every context length L; only what lies to
 * their left varies.  With Lmax the largest L, targets start behind the first
 * multiple of W that is >= Lmax - W, so that every L finds its whole memory in
 * the document, and run for whole windows, never past the document's end.  So Lmax places the
 * targets: runs with different Lmax score different tokens, unless targets_from, in the place of
 * Lmax, is the same in both.
 *
 * Multi-doc (own_tokens > 0; paper, fig. fot_vs_baseline_multi): the memory also holds
 * windows of other documents (others.h), perplexity against its size.  At length L a token
 * sees its window, the own_tokens of the document before it, and L - W - own_tokens tokens
 * of others: the own share is the same at every length that has room for it and only the
 * distraction grows.  (A shorter L sees the last L - W own tokens alone.)  Targets start
 * behind the first own_tokens. */
#ifndef FOT_PERPLEXITY_H
#define FOT_PERPLEXITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/tokenizer.h"
#include "tasks/task.h"

/* Raised whenever results change for the same inputs. */
#define FOT_PERPLEXITY_VERSION 1

struct fot_perplexity {
	int64_t window;                /* W >= 1 */
	const int64_t *context_length; /* [n_lengths] ascending, each >= W */
	size_t n_lengths;
	int64_t target_tokens; /* rounded down to whole windows, at least one */
	int64_t own_tokens;    /* a multiple of W; 0: the memory is of one document */
	int64_t targets_from;  /* context length >= Lmax that places the targets in its stead; 0: Lmax */
};

/* Check lengths against the window. Errors: FOT_ERR_USAGE. */
int fot_perplexity_check(const struct fot_perplexity *p, struct fot_err *err);
/* First input position whose successor is scored. */
size_t fot_perplexity_begin(const struct fot_perplexity *p);
/* Tokens (BOS included) that a document must at least have. */
size_t fot_perplexity_min_tokens(const struct fot_perplexity *p);
/* Multi-doc: windows of other documents that the longest length sees; else 0. */
size_t fot_perplexity_others(const struct fot_perplexity *p);
/* Tokens that the memory must hold. */
int64_t fot_perplexity_memory(const struct fot_perplexity *p);
/* The request for one document, others apart; false: too short, to be skipped. */
bool fot_perplexity_request(struct fot_request *r, const struct fot_perplexity *p, const int32_t *tokens,
			    size_t n);

/* What one row of perplexity.csv says about the scores. */
struct fot_perplexity_observation {
	int64_t context_length;
	int64_t n_tokens_scored, n_windows;
	double nll_nats, nll_sq_nats; /* compensated sums in token order */
};
void fot_perplexity_observe(struct fot_perplexity_observation *o, const struct fot_request *r,
			    const struct fot_scores *s, size_t length_index);

/* Bytes of the target text and words that start in it: words are runs of bytes that are not
 * white space (space, \t \n \v \f \r). The text before the targets decides whether their first
 * byte starts a word, so that adjacent spans of targets add up to the document. text: the
 * document's; end: where in it its tokens end (fot_tokenizer_encode_ends), of which a BOS in
 * front of them (bos) is none. */
void fot_perplexity_text(int64_t *n_bytes, int64_t *n_words, const struct fot_request *r, const char *text,
			 const size_t *end, bool bos);

#endif
