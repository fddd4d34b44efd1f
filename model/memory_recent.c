/* memory_recent.c: every query sees the last B entries alone, the control of all that choose.  All of
 * them stay, since a rewind makes older ones the last. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

/* The first entry that is seen. */
static int64_t first_of(const struct fot_memory *m, const struct fot_query *q)
{
	int64_t first = q->to - m->number[0];

	return first > q->from ? first : q->from;
}

static void read_last(const struct fot_memory *m, const struct fot_query *q)
{
	fot_rows_read_part(m, q, q->scale != 0 ? first_of(m, q) : q->from, q->to);
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	fot_rows_read_groups_part(m, q, g, g->all ? q->from : first_of(m, q), q->to);
}

static size_t needs(const struct fot_memory *m, int64_t entries)
{
	return fot_rows_bytes(m, entries < m->number[0] ? entries : m->number[0]);
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	double n = entries < m->number[0] ? entries : m->number[0];

	return (struct fot_reads){ n, n };
}

static struct fot_memory_sight sight(const struct fot_memory *m, int64_t entries)
{
	return (struct fot_memory_sight){ .last = entries > m->number[0] ? entries - m->number[0] : 0 };
}

const struct fot_memory_ops fot_memory_recent = {
	.word = "recent",
	.takes = { { ":", "B" } },
	.lay = fot_rows_lay,
	.lay_scratch = fot_rows_lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = read_last,
	.read_groups = read_groups,
	.reads = reads,
	.sight = sight,
	.needs = needs,
};

#endif
