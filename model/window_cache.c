/* window_cache.c: see window_cache.h. */
#include "model/window_cache.h"

#include <string.h>

static size_t slot_bytes(int64_t window, int64_t width)
{
	size_t numbers = fot_size_mul((size_t)window, (size_t)width);

	return fot_size_add(fot_size_mul(numbers, 2 * sizeof(float)),
			    fot_size_add(fot_size_mul((size_t)window, sizeof(int32_t)), sizeof(uint64_t)));
}

int64_t fot_window_cache_slots(size_t bytes, int64_t window, int64_t width)
{
	size_t n = bytes / slot_bytes(window, width);

	return (int64_t)(n - n % FOT_CACHE_WAYS);
}

void fot_window_cache_lay(struct fot_window_cache *c, struct fot_layout *y, int64_t slots, int64_t window,
			  int64_t width)
{
	*c = (struct fot_window_cache){ .slots = slots - slots % FOT_CACHE_WAYS, .window = window, .width = width };
	c->tokens = fot_layout_take(y, c->slots * window, sizeof *c->tokens);
	c->used = fot_layout_take(y, c->slots, sizeof *c->used);
	c->k = fot_layout_take(y, c->slots * window * width, sizeof *c->k);
	c->v = fot_layout_take(y, c->slots * window * width, sizeof *c->v);
	if (c->used)
		memset(c->used, 0, (size_t)c->slots * sizeof *c->used);
}

/* First slot of the set: a multiplicative hash over the tokens. */
static int64_t set_of(const struct fot_window_cache *c, const int32_t *tokens)
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (int64_t i = 0; i < c->window; i++) {
		h = (h ^ (uint32_t)tokens[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return (int64_t)(h % (uint64_t)(c->slots / FOT_CACHE_WAYS)) * FOT_CACHE_WAYS;
}

void fot_window_cache_begin(struct fot_window_cache *c)
{
	c->turn = c->clock;
}

int64_t fot_window_cache_find(struct fot_window_cache *c, const int32_t *tokens)
{
	int64_t set;

	if (c->slots == 0)
		return -1;
	set = set_of(c, tokens);
	for (int64_t s = set; s < set + FOT_CACHE_WAYS; s++) {
		if (!c->used[s] || memcmp(c->tokens + s * c->window, tokens, (size_t)c->window * sizeof *tokens) != 0)
			continue;
		c->used[s] = ++c->clock;
		return s;
	}
	return -1;
}

void fot_window_cache_put(struct fot_window_cache *c, const int32_t *tokens, const float *k, const float *v)
{
	size_t bytes = (size_t)(c->window * c->width) * sizeof *k;
	int64_t set, oldest;

	if (c->slots == 0)
		return;
	set = oldest = set_of(c, tokens);
	for (int64_t s = set + 1; s < set + FOT_CACHE_WAYS; s++)
		oldest = c->used[s] < c->used[oldest] ? s : oldest;
	if (c->used[oldest] > c->turn)
		return;
	memcpy(c->tokens + oldest * c->window, tokens, (size_t)c->window * sizeof *tokens);
	if (bytes > 0) {
		memcpy(c->k + oldest * c->window * c->width, k, bytes);
		memcpy(c->v + oldest * c->window * c->width, v, bytes);
	}
	c->used[oldest] = ++c->clock;
}
