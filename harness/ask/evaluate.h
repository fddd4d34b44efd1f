/* evaluate.h: a request meets a session.
 *
 * One pass over the document serves all context lengths: the prefix is read
 * unscored, then each target window is scored once per length with the session's
 * reach set to L - W, rewound in between, and committed to memory after the
 * longest, whose keys and values are the ones that stay.
 *
 * Multi-doc: the others are read once; before each target window the session goes back to
 * their end and reads the own tokens before the window again, so that the own share does
 * not grow from window to window.
 *
 * With cached windows (Transformer-XL) a window's keys and values depend on how much was read
 * before, so each length is a pass of its own.  A length that reaches beyond all that can have
 * an influence (fot_session_sight) is one walk through the targets from the sight's start; for a
 * shorter one what the length allows is read anew before each target window.  All such long
 * lengths have the same scores, bit by bit. */
#ifndef FOT_EVALUATE_H
#define FOT_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/session.h"
#include "tasks/task.h"

/* What an item costs. */
struct fot_cost {
	int64_t filled; /* tokens of which only keys and values are wanted */
	int64_t again;  /* of these, in windows that the item reads a second time */
	int64_t common; /* of these, in windows that nearly all items of the task and dataset read */
	int64_t asked;  /* tokens that go through all layers */
	double pairs;   /* asked tokens x memory tokens that each sees */
};

/* The session is reset first. A session whose windows take more than the request's (rope, session.h) must take the
 * longest length, and sees the tokens before a target window in one window with it. Without memory every other window is read alone and all
 * lengths get the same scores. Errors: those of fot_session_feed. */
int fot_evaluate(struct fot_session *s, bool has_memory, const struct fot_request *r, struct fot_scores *out,
		 struct fot_err *err);
/* With cached windows: tokens that go unscored and scored. sight as fot_session_sight says. */
struct fot_cost fot_evaluate_cached_cost(const int64_t *context_length, size_t n_lengths, int64_t window,
					 int64_t sight, int64_t n_targets);

#endif
