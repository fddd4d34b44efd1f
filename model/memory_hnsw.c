/* memory_hnsw.c: every query sees the K best of the E entries that a walk through a graph finds (index_hnsw.h). */
#include "model/memory_index.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>

#include "model/index_hnsw.h"

#define LINKS_MOST 128

static int64_t links(const struct fot_memory *m)
{
	return m->number[2] ? m->number[2] : FOT_HNSW_LINKS;
}

/* Not fewer than it is to find. */
static int64_t breadth(const struct fot_memory *m)
{
	return m->number[1] > m->number[0] ? m->number[1] : m->number[0];
}

static void lay(void *index, struct fot_layout *y, const struct fot_memory *m, const struct fot_keys *keys)
{
	struct fot_hnsw x;

	fot_hnsw_lay(&x, y, keys, m->cap, links(m));
	if (index)
		*(struct fot_hnsw *)index = x;
}

static void lay_search(void *search, struct fot_layout *y, const struct fot_memory *m)
{
	struct fot_hnsw_walk w;

	fot_hnsw_lay_walk(&w, y, m->cap, m->head_dim, links(m), breadth(m));
	if (search)
		*(struct fot_hnsw_walk *)search = w;
}

static void grow(void *index, int64_t len)
{
	fot_hnsw_grow(index, len);
}

static void cut(void *index, int64_t len)
{
	fot_hnsw_cut(index, len);
}

static bool search(const void *index, const struct fot_memory *m, const struct fot_index_query *q,
		   struct fot_topk *best, void *own)
{
	return fot_hnsw_search(index, q, breadth(m), best, own);
}

static double scored(const struct fot_memory *m, double entries)
{
	return fmin(entries, (double)breadth(m) * FOT_HNSW_SCAN);
}

static const struct fot_index_kind kind = { .size = sizeof(struct fot_hnsw),
					    .search_size = sizeof(struct fot_hnsw_walk),
					    .lay = lay,
					    .lay_search = lay_search,
					    .grow = grow,
					    .cut = cut,
					    .search = search,
					    .scored = scored };

const struct fot_memory_ops fot_memory_hnsw =
	FOT_INDEX_OPS("hnsw", &kind,
		      { { ":", "K" },
			{ ",ef=", "E" },
			{ .before = ",m=", .name = "M", .optional = true, .least = 2, .most = LINKS_MOST } });

#endif
