/* session.h: one timeline of a model: feed, score, mark, rewind.
 *
 *   tokens ->  |  memory (per memory layer: keys, values)  | local window |
 *              0 ............................... mem_len    0 ... n_local
 *
 * Text is read in windows of at most W tokens.  When a window is full and one
 * more token comes, all of it leaves the local context: memory layers append
 * its keys and values to the memory, the other layers forget it.
 * A query of a memory layer sees the keys before it in its window and the last
 * `reach` tokens of the memory: all of them, or per head the top_k by inner
 * product; one softmax over both (FoT, eq. in sec. "memory attention layers"), or with mix gate two
 * softmaxes and g o_mem + (1 - g) o_local per head (Memorizing Transformers, eq. 2); a query with
 * no memory in reach has o_local alone.
 *
 * A model with cached windows (Transformer-XL) has no memory: each of its layers keeps the keys
 * and values of the last W tokens before the local window, at their true distances.
 *
 * Only what is asked is computed: a window that is completed by the same feed
 * that began it, and of which nothing is scored, stops at the last memory
 * layer's keys and values (with cached windows: the last layer's); with one memory layer such windows never read the
 * memory, and several are computed at once, one by each thread.  Results do not
 * depend on either, nor on the number of threads. */
#ifndef FOT_SESSION_H
#define FOT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/compute.h"
#include "model/model.h"

#define FOT_SESSION_THREADS_MAX 1024
#define FOT_TOP_K_MOST (1 << 20)
#define FOT_ROPE_FACTOR_MOST 1024

struct fot_engine; /* engine.h */
struct fot_session;
struct fot_session_opts {
	const struct fot_engine *engine; /* what computes; NULL: the CPU's */
	enum fot_memory_mode mode;
	int32_t top_k;            /* for kinds of memory that count: 1 .. FOT_TOP_K_MOST */
	int32_t number[FOT_MEMORY_NUMBERS]; /* those that the kind takes (memory.h) */
	enum fot_dtype mem_dtype; /* FOT_F32 or FOT_BF16 */
	enum fot_compute compute; /* of products */
	int32_t window;           /* W: 1 .. ; 0: the model's */
	enum fot_rope_type rope;  /* not FOT_ROPE_DEFAULT: without a memory, and with windows of rope_factor W tokens, whose
				     positions are interpolated so that they stay within what the model has seen: full
				     attention over what a memory would hold.  W is the window that is asked for */
	int32_t rope_factor;      /* 2 .. FOT_ROPE_FACTOR_MOST; 0 without a rope */
	double mem_decay;         /* an entry with `age` others behind it in the memory loses mem_decay ln(1 + age / W)
				     of its attention score, so it weighs (1 + age / W)^-mem_decay; W: the model's
				     window; 0: none, as in the paper */
	double mem_scale;         /* factor of the memory's scores (config.h); 0: the model's */
	int64_t mem_max;          /* most tokens the memory must hold (allocated at once) */
	int32_t n_threads;        /* 1 .. FOT_SESSION_THREADS_MAX; no more run than there are processors */
	bool crowd;               /* all n_threads run, be there fewer processors: the same bits, only slower */
	int64_t cache_windows;    /* windows kept by their tokens (window_cache.h); 0: none */
	bool apart;               /* room for fot_session_feed_apart */
	size_t device_room;       /* bytes of a device's memory for keys and values of the memory: where they take more
				     they stay on the host and are read through it in blocks; 0: what is free */
	bool no_skip;             /* compute every window to the last layer: the same bits, only slower */
	const struct fot_session *beside; /* open for this model: its weights are used again where both compute alike,
					     whichever is closed first; NULL: own ones */
};
/* What the model's config says; n_threads 1, mem_max 0. */
void fot_session_opts_default(struct fot_session_opts *o, const struct fot_model *m);

/* Can a session be opened so, memory apart? Errors: FOT_ERR_USAGE, naming the option. */
int fot_session_check(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err);
/* Bytes that fot_session_open will take; 0 where the options are refused. */
size_t fot_session_estimate(const struct fot_model *m, const struct fot_session_opts *o);
/* Of these, bytes that one opened beside another does without. */
size_t fot_session_common(const struct fot_model *m, const struct fot_session_opts *o);
/* Bytes of the weights that are in memory as the files have them, at most: all of them, or in bf16 one matrix that is
 * being packed. */
size_t fot_session_mapped(const struct fot_model *m, const struct fot_session_opts *o);
/* Allocates everything it will ever need. Errors: FOT_ERR_RUN (memory, with the
 * figure), FOT_ERR_USAGE (options). The model must outlive the session. */
int fot_session_open(struct fot_session **out, const struct fot_model *m, const struct fot_session_opts *o,
		     struct fot_err *err);
void fot_session_close(struct fot_session *s);
/* The tokens that its windows take under these options. */
int64_t fot_session_window(const struct fot_model *m, const struct fot_session_opts *o);
/* Forget everything. */
void fot_session_reset(struct fot_session *s);

/* Where rows of a feed look, per memory layer (in their order) and head: log of the attention's mass
 * before it is normalised, log sum_j exp(score_j), over groups of the memory's entries and over the
 * local keys.  What two sums have of the softmax is as exp of their difference.  With mix gate
 * they are of what is given out: the memory's add up to g, the local one is log(1 - g). */
struct fot_masses {
	int64_t group;      /* entries per group, from the first in reach on; the last may hold fewer */
	bool all;           /* entries that the search leaves out count, too */
	const int64_t *row; /* [n_rows] of the feed, ascending */
	int64_t n_rows;
	double *memory;     /* [layers, H, n_rows, fot_session_groups()], -INFINITY: nothing seen there */
	double *local;      /* [layers, H, n_rows]; may be NULL */
};

/* What a feed shall give back. Each pointer may be NULL. */
struct fot_want {
	const int32_t *targets; /* [n] next-token ids to score, -1 = not asked */
	double *nll;            /* [n] -log p(target) in nats; untouched where not asked */
	int32_t *argmax;        /* [n] most likely id where asked (lowest id on ties) */
	float *logits;          /* [n - logits_from, V] rows; only those with logit_rows set, or all if that is NULL */
	const uint8_t *logit_rows; /* [n] 1 = row asked */
	int64_t logits_from;    /* rows before it are not asked and have no place */
	const struct fot_masses *masses; /* the feed must lie in one window, without padding */
	/* [n] the token of the feed at which a token's branch begins, -1: none, which none may follow.
	 * Branches are continuations to choose from: each begins right behind the tokens without one,
	 * and sees them and itself.  None stays: the timeline ends before them.  The feed must lie in
	 * one window; no masses, no padding. */
	const int32_t *branch;
};
/* Read n tokens. want NULL: nothing is scored. Errors: FOT_ERR_INPUT (token id
 * outside the vocabulary), FOT_ERR_RUN (memory full, non-finite logits), FOT_ERR_USAGE (masses of
 * what has none, branches that are none). */
int fot_session_feed(struct fot_session *s, const int32_t *tokens, size_t n, const struct fot_want *want,
		     struct fot_err *err);
/* Feeds that all begin here, each as if it were the only one: the session stands where it stood
 * afterwards.  Every thread takes whole feeds; the bits are those of fot_session_feed. Errors as
 * there; FOT_ERR_USAGE also for a session without room for it, with cached windows or padding, for
 * feeds that leave the window, and for masses. */
struct fot_feed {
	const int32_t *tokens;
	size_t n;
	struct fot_want want;
};
int fot_session_feed_apart(struct fot_session *s, const struct fot_feed *feed, size_t n_feeds, struct fot_err *err);
/* Is there room for feeds apart, and neither a cached window nor padding in the way? */
bool fot_session_has_apart(const struct fot_session *s);
/* End the current window now: its keys and values go to memory. */
int fot_session_commit(struct fot_session *s, struct fot_err *err);
/* The first `rows` rows of the local window, read already or to come, are padding: no
 * query sees their keys, here or in the memory.  Until the window ends.  one_position:
 * all of them stand at one position, not one each; heeded at a window's start only. */
void fot_session_pads(struct fot_session *s, int64_t rows, bool one_position);
/* From now on queries see only the last `tokens` entries of the memory. */
void fot_session_reach(struct fot_session *s, int64_t tokens);
/* Groups of so many entries that queries see now. */
int64_t fot_session_groups(const struct fot_session *s, int64_t group);
int64_t fot_session_room(const struct fot_session *s); /* tokens that a window takes */
int64_t fot_session_n_local(const struct fot_session *s);

/* How many tokens before the local window can have any influence on it without memory: 0, or
 * with cached windows W per layer, since each layer's cache was made with the one below. */
int64_t fot_session_sight(const struct fot_session *s);

/* A place on the timeline; plain data. Rewinding is truncation: it is possible
 * while the local window of the mark is still the current one, or when the mark
 * stands at a window's start; else FOT_ERR_RUN.  With cached windows only while the
 * mark's window is the current one: what was cached before is gone. */
struct fot_mark {
	int64_t mem_len, n_local;
	uint64_t window_no;
};
struct fot_mark fot_session_mark(const struct fot_session *s);
int fot_session_rewind(struct fot_session *s, struct fot_mark m, struct fot_err *err);

#endif
