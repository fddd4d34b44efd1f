/* rows.h: LongLLaMA's training batches: documents packed into streams, streams cut into rows.
 *
 *   stream 0   ... end of a | BOS b EOS | BOS c ...        batch / pack streams, each of them
 *              |  row 0   |  row 1   |  row 2   |          pack rows of W tokens per step
 *   stream 1   BOS d .................... EOS | B
 *              |  row 3   |  row 4   |  row 5   |          (here pack = 3)
 *
 * A stream that has not enough tokens left for the step and one more takes the next document of
 * the source, streams in order; what the step does not use is the beginning of its next one, so a
 * document goes on in the same stream, step after step, to its end.  The target of a row's last
 * token is the next row's first.  Predicting BOS carries no loss.
 *
 * Who sees whom (cross-batch attention with stepping): of row i, place j = i mod pack, the
 * memory layers' queries see the rows i - 1, i - 2, ... , un-masked and with gradient,
 *
 *   j ceil((1 + range) / (pack - 1))  of them, at most range, and never rows before row 0,
 *
 * (without stepping, or with pack 1, always range): first those of the own document, positives,
 * then those of the streams before, negatives.  The loss is the mean over rows of the mean over
 * a row's targets.
 *
 * The source: of the datasets always the one that has given the fewest tokens for its weight;
 * of that one its documents in a random order, a new one each time round. */
#ifndef FOT_ROWS_H
#define FOT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/train/crossbatch.h"

/* Rows before row i that it sees. range: other rows at most; pack: rows of a stream. */
int64_t fot_rows_seen(int64_t i, int64_t pack, int64_t range, bool stepping);

/* One stream: the document at work, tokens as they are fed (BOS and EOS included). */
struct fot_row_stream {
	const int32_t *tokens; /* [n - (eos >= 0)], BOS first where there is one; borrowed */
	int64_t n, at;         /* tokens in all, EOS included; the first not yet used */
};

struct fot_row_streams {
	struct fot_row_stream *stream; /* [n_streams] */
	int64_t n_streams, length;     /* tokens per stream and step */
	int32_t bos, eos;              /* -1: none */
	/* The next document: its tokens, BOS first, without EOS; at least one. */
	void (*next)(void *user, const int32_t **tokens, int64_t *n);
	void *user;
};

/* One step: tokens and targets [n_streams, length], -1 where BOS follows; tokens NULL: only go on. */
void fot_row_streams_step(struct fot_row_streams *s, int32_t *tokens, int32_t *targets);

/* What a batch keeps from step to step, so that the next one need not begin anew. */
struct fot_rows;
void fot_rows_close(struct fot_rows *r);
/* For fot_batch_draw: b is linked already. The same for the same (seed, purpose, step), as if the stage
 * had begun at step 0. Errors: FOT_ERR_INPUT (a dataset has no document), FOT_ERR_RUN. */
int fot_rows_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		  const char *purpose, uint64_t step, struct fot_err *err);

#endif
