/* engine.h: the door between a timeline (session.c) and what computes it.
 *
 *   session   where the timeline stands, what is asked, what is refused     knows no layer
 *   -------------------------------------------------------------------     this door
 *   engine    weights, layers, the window's keys and values, the memory     knows no history
 *
 * The session cuts a feed into pieces, each inside one window, and says with every call where
 * the timeline stands.  The engine holds what stands there: rows of the window, entries of the memory,
 * rows of the past of cached windows; how many rows of window and past count says the place, for
 * the timeline gives rows up without a call.  Tokens go in, answers come out on the host; nothing else
 * crosses, so weights, window and memory may lie on a device, or the memory on the host behind it.
 * Results may differ between engines, by rounding; within one they are the same bits for any
 * number of threads, with and without skipping, and wherever a feed is cut. */
#ifndef FOT_ENGINE_H
#define FOT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/session.h"

/* Where a timeline stands. */
struct fot_place {
	int64_t window;         /* W: rows that the local window takes */
	int64_t n_local;        /* rows that it holds */
	int64_t mem_len, reach; /* entries of the memory; queries see the last `reach` of them */
	int64_t past_max,
		n_past; /* cached windows: rows of the past that every layer keeps, at most and now */
	int64_t pads,
		pad_shift; /* padding at the head of the window; positions it takes off the rows behind */
	int64_t mem_pads;  /* padding at the head of the memory */
};
/* The first entry of the memory that queries see, and groups of so many from there on. */
int64_t fot_place_mem_from(const struct fot_place *at);
int64_t fot_place_groups(const struct fot_place *at, int64_t group);

/* What of a feed goes through the layers together: it lies in one window, behind its n_local rows. */
struct fot_piece {
	const int32_t *tokens;
	int64_t n; /* tokens, of which the first n_trunk stay; behind them are branches */
	int64_t n_trunk;
	int64_t first;               /* the row of the feed at which it begins */
	const struct fot_want *want; /* of the feed; NULL: nothing; with masses or branches first is 0 */
	bool skip;                   /* nothing above the keys and values (and masses) that outlive the
					    window is wanted */
};
/* The piece that begins with token `from` of a feed of n; skips: windows of which nothing is asked may
 * end below the last layer. */
struct fot_piece fot_piece_next(const struct fot_place *at, const int32_t *tokens, int64_t from, int64_t n,
				const struct fot_want *want, bool skips);

/* Is row i of the feed asked for; any of [from, from + n)? want may be NULL. */
bool fot_want_row(const struct fot_want *want, int64_t i);
bool fot_want_any(const struct fot_want *want, int64_t from, int64_t n);
/* Are the logits of row i asked for? */
bool fot_want_logits(const struct fot_want *want, int64_t i);
/* Answer row i, which is asked for, from its logits [n_vocab]; false when one is not finite. */
bool fot_want_answer(const struct fot_want *want, int64_t i, const float *logits, int64_t n_vocab);

/* Are windows of which nothing is asked independent of each other, so that many may be filled at once? */
bool fot_fills_alone(const struct fot_config *c, const struct fot_session_opts *o);

/* All calls are of one thread.  Options and tokens are checked, and there is room for what comes.
 * Errors: FOT_ERR_RUN; open also FOT_ERR_USAGE for options that this engine does not serve. */
struct fot_engine {
	const char *name; /* "cpu" */
	/* Does it serve these options, here? NULL: any, everywhere. Errors: FOT_ERR_USAGE. */
	int (*check)(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err);
	/* Bytes of the host's memory that open takes. */
	size_t (*estimate)(const struct fot_model *m, const struct fot_session_opts *o);
	/* Takes all that it will ever need. The model outlives it. close: NULL is allowed. */
	int (*open)(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		    struct fot_err *err);
	void (*close)(void *engine);
	/* open for one that uses what `other`, open here for this model, has made of the weights, where both compute
	 * alike, whichever is closed first; and the bytes that this saves. NULL: each has its own. */
	size_t (*common)(const struct fot_model *m, const struct fot_session_opts *o);
	int (*open_with)(void **engine, const void *other, const struct fot_model *m,
			 const struct fot_session_opts *o, struct fot_err *err);
	/* n_windows whole windows straight to the end of the memory (fot_fills_alone); the local one is empty. */
	int (*fill)(void *engine, const struct fot_place *at, const int32_t *tokens, int64_t n_windows,
		    struct fot_err *err);
	/* A piece through the layers: its trunk's rows stand in the window then, what is asked is answered. */
	int (*run)(void *engine, const struct fot_place *at, const struct fot_piece *p, struct fot_err *err);
	/* Feeds that each begin here and leave nothing behind (fot_session_feed_apart). */
	int (*run_apart)(void *engine, const struct fot_place *at, const struct fot_feed *feed,
			 size_t n_feeds, struct fot_err *err);
	/* The window ends: its rows behind the first `skip`, n of them, go to the end of the memory, or with
	 * cached windows of the past, of which n_past stay then. */
	int (*commit)(void *engine, const struct fot_place *at, int64_t skip, int64_t n, int64_t n_past,
		      struct fot_err *err);
	/* Entries of the memory from mem_len on are gone. */
	void (*truncate)(void *engine, int64_t mem_len);
};

extern const struct fot_engine fot_engine_cpu;
/* engine_device.c: on an NVIDIA GPU, in programs built with make CUDA=1; and on the host's cores, slowly: its twin. */
extern const struct fot_engine fot_engine_cuda, fot_engine_twin;

enum fot_engine_number { FOT_ENGINE_CPU, FOT_ENGINE_CUDA, FOT_ENGINE_TWIN };
/* Their names; ended by NULL, for tables of keys and options. */
extern const char *const fot_engine_words[];
const struct fot_engine *fot_engine_of(enum fot_engine_number number);
/* The name of the engine of these options; NULL is the CPU's. */
const char *fot_engine_name(const struct fot_engine *e);
/* Can --engine cuda be asked for in this program? */
bool fot_engine_has_cuda(void);

/* Masses of the memory's n groups and of the local keys (NULL: not asked) behind a mix gate: g to the memory
 * together, the rest to the local keys; as they are where no memory is in reach. */
void fot_masses_gate(double *group, int64_t n, double *local, float bias);

#endif
