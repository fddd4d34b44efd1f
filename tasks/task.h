/* task.h: what a task asks of a model and what it gets back.
 *
 *   document -> task -> request -> (harness + session) -> scores -> task -> observations
 *
 * A task never sees a model: it names tokens, which of them to score and at
 * which context lengths, and turns the scores into one observation per length.
 * The harness never knows what the scores mean. */
#ifndef FOT_TASK_H
#define FOT_TASK_H

#include <stddef.h>
#include <stdint.h>

/* Score all tokens behind `begin` up to and with `end`, window by window: the
 * tokens of window b, [begin + b W, begin + (b+1) W), are read, and each
 * predicts its successor.  At context length L a token sees its window and the
 * memory of the L - W tokens before the window.
 * begin is a multiple of W, end - begin too, and end < n_tokens. */
struct fot_request {
	const int32_t *tokens; /* [n_tokens], borrowed */
	size_t n_tokens;
	size_t begin, end;             /* input positions; targets are begin + 1 .. end */
	int64_t window;                /* W */
	const int64_t *context_length; /* [n_lengths], ascending, each >= W; borrowed */
	size_t n_lengths;
};

/* What came back, one row per context length. */
struct fot_scores {
	double *nll;    /* [n_lengths, end - begin] -log p of each target, nats */
	double *wall_s; /* [n_lengths] */
};

#endif
