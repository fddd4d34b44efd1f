/* memory_ivf.c: every query sees the K best of the entries in the P inverted lists that promise most (index_ivf.h). */
#include "model/memory_index.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/index_ivf.h"

static void lay(void *index, struct fot_layout *y, const struct fot_memory *m, const struct fot_keys *keys)
{
	struct fot_ivf x;

	fot_ivf_lay(&x, y, keys, m->cap, m->number[2]);
	if (index)
		*(struct fot_ivf *)index = x;
}

static void lay_search(void *search, struct fot_layout *y, const struct fot_memory *m)
{
	struct fot_ivf_search s;

	fot_ivf_lay_search(&s, y, m->cap, m->head_dim, m->number[2], m->number[1]);
	if (search)
		*(struct fot_ivf_search *)search = s;
}

static void grow(void *index, int64_t len)
{
	fot_ivf_grow(index, len);
}

static void cut(void *index, int64_t len)
{
	fot_ivf_cut(index, len);
}

static bool search(const void *index, const struct fot_memory *m, const struct fot_index_query *q,
		   struct fot_topk *best, void *own)
{
	const struct fot_ivf *x = index;

	(void)m;
	if (x->age < 0)
		return false;
	fot_ivf_search(x, q, best, own);
	return true;
}

/* Lists of equal length. */
static double scored(const struct fot_memory *m, double entries)
{
	double lists = (double)fot_ivf_lists((int64_t)entries, m->number[2]);

	return m->number[1] < lists ? lists + entries * m->number[1] / lists : lists + entries;
}

static const struct fot_index_kind kind = { .size = sizeof(struct fot_ivf),
					    .search_size = sizeof(struct fot_ivf_search),
					    .lay = lay,
					    .lay_search = lay_search,
					    .grow = grow,
					    .cut = cut,
					    .search = search,
					    .scored = scored };

const struct fot_memory_ops fot_memory_ivf = FOT_INDEX_OPS(
	"ivf", &kind,
	{ { ":", "K" }, { ",probe=", "P" }, { .before = ",lists=", .name = "N", .optional = true } });

#endif
