/* reading.h: one given sequence read by a session, cut as its model wants it.
 *
 * blocks:     | W | W | ... | rest |            aligned windows
 * longllama:  | W | W | rest of N - L | L |     the last L tokens on their own
 *
 * Each window but the last is committed to memory.  While generating, the local
 * context is committed as a whole when one more token would not fit. */
#ifndef FOT_READING_H
#define FOT_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/session.h"

struct fot_reading {
	const struct fot_model *model;
	struct fot_session *session;
	int64_t window;       /* W */
	int64_t last_context; /* L, longllama cutting only */
	bool blocks;
};

/* Flags of a command over the model's config; unset ones are 0 or -1. */
struct fot_reading_flags {
	int memory;                   /* -1: the config's; else 0 none, 1 dense, 2 knn */
	int64_t top_k;                /* 0: the config's */
	int mem_dtype;                /* 0: the config's, 1 f32, 2 bf16 */
	int64_t window, last_context; /* 0: the config's */
	int64_t threads;              /* 0: all processors */
};

/* longest: most tokens of any sequence, generated ones included. */
int fot_reading_open(struct fot_reading *r, const struct fot_model *m, const struct fot_reading_flags *f,
		     size_t longest, struct fot_err *err);
void fot_reading_close(struct fot_reading *r);

/* First token of the last window of a sequence of n tokens. */
size_t fot_reading_last(const struct fot_reading *r, size_t n);

/* Score a sequence from a fresh session: nll and argmax of tokens 1 .. n-1 at
 * [position - 1]. logits (or NULL): rows for tokens [logits_from, n). */
int fot_reading_score(struct fot_reading *r, const int32_t *tokens, size_t n, double *nll, int32_t *argmax,
		      float *logits, size_t logits_from, struct fot_err *err);
/* Read a prompt from a fresh session and append up to max greedy tokens to out;
 * stops behind eos (>= 0) if that comes. */
int fot_reading_generate(struct fot_reading *r, const int32_t *tokens, size_t n, size_t max, int32_t eos,
			 struct fot_ids *out, struct fot_err *err);

#endif
