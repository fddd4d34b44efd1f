/* task.h: what a task asks of a model and what it gets back.
 *
 *   document -> task -> request -> (harness + session) -> scores -> task -> observations
 *
 * A task never sees a model: it names tokens, which of them to score and at
 * which context lengths, and turns the scores into one observation per length.
 * The harness never knows what the scores mean. */
#ifndef FOT_TASK_H
#define FOT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Score all tokens behind `begin` up to and with `end`, window by window: the
 * tokens of window b, [begin + b W, begin + (b+1) W), are read, and each
 * predicts its successor.  At context length L a token sees its window and the
 * memory of the L - W tokens before the window.
 * begin is a multiple of W, end - begin too, and end < n_tokens.
 *
 * With own > 0 (multi-doc) the memory holds `others`, then the `own` tokens of the document
 * before the target window, whichever that is; length L sees the last L - W of all these. */
struct fot_request {
	const int32_t *tokens; /* [n_tokens], borrowed */
	size_t n_tokens;
	size_t begin, end;             /* input positions; targets are begin + 1 .. end */
	int64_t window;                /* W */
	const int64_t *context_length; /* [n_lengths], ascending, each >= W; borrowed */
	size_t n_lengths;
	const int32_t *others; /* [n_others] whole windows of other documents; borrowed */
	size_t n_others, own;  /* own: a multiple of W, at most begin; 0: no multi-doc */
};

/* What came back, one row per context length. */
struct fot_scores {
	double *nll;    /* [n_lengths, end - begin] -log p of each target, nats */
	double *wall_s; /* [n_lengths] */
};

/* What may follow a prompt; n >= 1. */
struct fot_answer {
	const int32_t *tokens;
	size_t n;
};

/* A question at the end of a prompt, and answers to be scored there, each on its own:
 *
 *   | stem: read, shared by many questions | question | answer 0 .. n_answers - 1
 *   0                                      n_stem     n_prompt
 *
 * The stem is cut into windows of W tokens from its first token on.  The question and
 * the longest answer stand in one window: behind what is left of the stem if they fit
 * there, else the rest of the stem goes to memory and they begin a window of their own.
 * A question has at least one token and, with its longest answer, at most W. */
struct fot_question {
	const int32_t *prompt; /* borrowed */
	size_t n_stem, n_prompt;
	const struct fot_answer *answer; /* [n_answers], borrowed */
	size_t n_answers;
	size_t n_greedy; /* tokens to generate behind the prompt, without an answer */
	bool ranks;      /* are ranks asked for? */
};

/* What came back; the answers' tokens stand one behind the other. */
struct fot_reply {
	double *nll;     /* [all answers' tokens] -log p of each, nats, given those before it */
	int32_t *argmax; /* [all answers' tokens] the most likely token there */
	int64_t *rank;   /* [all answers' tokens] 1 = most likely, ties count as behind; NULL unless asked */
	int32_t *greedy; /* [n_greedy] */
};

#endif
