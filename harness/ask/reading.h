/* reading.h: given sequences read by a session, cut as their model wants it.
 *
 * blocks:     | W | W | ... | rest |            aligned windows
 * longllama:  | W | W | rest of N - L | L |     the last L tokens on their own
 *
 * Each window but the last is committed to memory.  A call on a session that holds a
 * local context goes through that: the context is committed as a whole when the next
 * window (or the next generated token) would not fit beside it (docs/longllama.md 1.4). */
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
	int64_t pads;         /* rows of padding at the head of the local context */
};

/* Flags of a command over the model's config; unset ones are 0. What the text says goes before the others. */
struct fot_reading_flags {
	const char *memory;           /* attach.h; NULL: the config's */
	int64_t top_k;                /* 0: the config's */
	int mem_dtype;                /* 0: the config's, 1 f32, 2 bf16 */
	int compute;                  /* enum fot_compute */
	int engine;                   /* enum fot_engine_number */
	double mem_scale;             /* 0: the config's */
	double mem_decay;             /* session.h */
	int64_t window, last_context; /* 0: the config's */
	int64_t threads;              /* 0: all processors */
	bool crowd;                   /* session.h */
};

/* What of the flags is the model's: memory layers from a list like "6,12,18", for weights that were trained
 * without (NULL: those of the flags, or its own), and the scale. Errors: FOT_ERR_USAGE. */
int fot_reading_attach(struct fot_model *m, const char *list, const struct fot_reading_flags *f, struct fot_err *err);
/* A session's options under these flags, with the window of the model or of the flags. Errors: FOT_ERR_USAGE. */
int fot_reading_opts(struct fot_session_opts *o, const struct fot_model *m, const struct fot_reading_flags *f,
		     struct fot_err *err);
/* Program, libraries and their buffers. */
#define FOT_PROCESS_BYTES ((size_t)7 << 20)
/* Bytes in memory, mapped weights included, when a sequence of n tokens is read in one call: what is
 * touched, which is less than what is reserved. Errors: FOT_ERR_USAGE. */
int fot_reading_estimate(size_t *bytes, const struct fot_model *m, const struct fot_reading_flags *f, size_t n,
			 struct fot_err *err);
/* Of these, what the memory's entries take. */
int fot_reading_estimate_memory(size_t *bytes, const struct fot_model *m, const struct fot_reading_flags *f, size_t n,
				struct fot_err *err);
/* longest: most tokens of any sequence, all its calls and generated ones included. */
int fot_reading_open(struct fot_reading *r, const struct fot_model *m, const struct fot_reading_flags *f,
		     size_t longest, struct fot_err *err);
void fot_reading_close(struct fot_reading *r);

/* Forget everything read. */
void fot_reading_reset(struct fot_reading *r);
/* First token of the last window if n tokens are read next. */
size_t fot_reading_last(const struct fot_reading *r, size_t n);

/* One call of the model. */
struct fot_call {
	const int32_t *tokens;
	size_t n;             /* at least 1 */
	size_t columns, pads; /* attention mask: its columns (0: none given, all seen), of which the first
				 `pads` are 0; it ends with the call's tokens, and holds only them or
				 also all of the local context before them */
	bool no_cache;        /* all goes to memory, nothing stays in the local context */
	size_t score_from;    /* tokens up to this one are not scored */
	bool one_position;    /* padding stands at one position, as while generating */
};
/* Continue with a call. nll and argmax (or both NULL) of tokens score_from + 1 .. n-1 at
 * [position - 1]. logits (or NULL): rows for tokens [logits_from, n). Errors:
 * FOT_ERR_INPUT (tokens, mask, no_cache with a local context), FOT_ERR_RUN. */
int fot_reading_call(struct fot_reading *r, const struct fot_call *c, double *nll, int32_t *argmax,
		     float *logits, size_t logits_from, struct fot_err *err);
/* Continue with a call and append up to max greedy tokens to out; stops behind one that ends a text in this
 * config (NULL: goes on to max). */
int fot_reading_continue(struct fot_reading *r, const struct fot_call *c, size_t max, const struct fot_config *ends,
			 struct fot_ids *out, struct fot_err *err);

#endif
