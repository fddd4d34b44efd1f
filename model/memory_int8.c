/* memory_int8.c: every query sees the K best of the R entries that are best by keys in 8 bits (index_int8.h): R is 5/4 K + 8 unless it
 * is given, and never less than K. */
#include "model/memory_index.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/index_int8.h"

static int64_t rescored(const struct fot_memory *m)
{
	int64_t k = m->number[0], r = m->number[1] ? m->number[1] : k + k / 4 + 8;

	return r > k ? r : k;
}

static void lay(void *index, struct fot_layout *y, const struct fot_memory *m, const struct fot_keys *keys)
{
	struct fot_int8 x;

	fot_int8_lay(&x, y, keys, m->cap);
	if (index)
		*(struct fot_int8 *)index = x;
}

static void lay_search(void *search, struct fot_layout *y, const struct fot_memory *m)
{
	struct fot_int8_search s;

	fot_int8_lay_search(&s, y, m->head_dim, rescored(m));
	if (search)
		*(struct fot_int8_search *)search = s;
}

static void grow(void *index, int64_t len)
{
	fot_int8_grow(index, len);
}

static void cut(void *index, int64_t len)
{
	fot_int8_cut(index, len);
}

static bool search(const void *index, const struct fot_memory *m, const struct fot_index_query *q,
		   struct fot_topk *best, void *own)
{
	(void)m;
	fot_int8_search(index, q, best, own);
	return true;
}

static double scored(const struct fot_memory *m, double entries)
{
	double again = (double)rescored(m);

	return entries + (again < entries ? again : entries);
}

static const struct fot_index_kind kind = { .size = sizeof(struct fot_int8),
					    .search_size = sizeof(struct fot_int8_search),
					    .lay = lay,
					    .lay_search = lay_search,
					    .grow = grow,
					    .cut = cut,
					    .search = search,
					    .scored = scored };

const struct fot_memory_ops fot_memory_int8 = FOT_INDEX_OPS(
	"int8", &kind, { { ":", "K" }, { .before = ",rescore=", .name = "R", .optional = true } });

#endif
