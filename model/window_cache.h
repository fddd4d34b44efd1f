/* window_cache.h: keys and values of windows seen before, found by their tokens.
 *
 * Below the first memory layer windows do not meet, so with one memory layer the keys and
 * values of a window depend on its tokens alone: equal windows have equal ones, wherever they
 * stand in whatever prompt.  Long prompts that differ in one place, and repetitive filler,
 * then cost a copy where they would cost the layers.
 *
 * Slots stand in sets of FOT_CACHE_WAYS; a window goes to the set of its hash, over the entry
 * of it that was not used for longest.  Tokens are compared, not hashes alone.  Not
 * thread-safe. */
#ifndef FOT_WINDOW_CACHE_H
#define FOT_WINDOW_CACHE_H

#include <stdint.h>

#include "base/mem.h"

#define FOT_CACHE_WAYS 4
#define FOT_CACHE_BATCH 16 /* windows that a session looks for before it keeps those that were not there */

struct fot_window_cache {
	int64_t slots;      /* a multiple of FOT_CACHE_WAYS; 0: no cache */
	int64_t window;     /* tokens */
	int64_t width;      /* numbers in a key: heads x head_dim */
	int32_t *tokens;    /* [slots, window] */
	uint64_t *used;     /* [slots] time of last use, 0: empty */
	float *k, *v;       /* [slots, window, width] */
	uint64_t clock;
	uint64_t turn;      /* what was used after it stays until the next turn */
};

/* Slots that fit into so many bytes. */
int64_t fot_window_cache_slots(size_t bytes, int64_t window, int64_t width);
void fot_window_cache_lay(struct fot_window_cache *c, struct fot_layout *y, int64_t slots, int64_t window,
			  int64_t width);
/* A new turn: slots found or filled from now on stay as they are until the next one. */
void fot_window_cache_begin(struct fot_window_cache *c);
/* The slot of a window, -1 if it is not there. */
int64_t fot_window_cache_find(struct fot_window_cache *c, const int32_t *tokens);
/* Keep a window (which is not there), if there is a place for it in this turn; k, v: [window, width],
 * NULL where width is 0. */
void fot_window_cache_put(struct fot_window_cache *c, const int32_t *tokens, const float *k, const float *v);

#endif
