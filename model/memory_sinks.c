/* memory_sinks.c: every query sees the first S entries and the last B: attention sinks and a sliding window
 * (StreamingLLM; Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks", arXiv 2309.17453,
 * section 3.2).  There keys are turned by their place in the cache; here the memory's have no positions, so there is
 * none to assign.  The first ones are those of what is in reach. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

/* The two parts never overlap: where they would, all is the last one. */
static struct fot_memory_sight sight(const struct fot_memory *m, int64_t entries)
{
	int64_t first = m->number[0], last = entries - m->number[1];

	return last <= first ? (struct fot_memory_sight){ 0 } :
			       (struct fot_memory_sight){ .first = first, .last = last };
}

/* [from, first) and [last, to) are seen. */
static struct fot_memory_sight sight_of(const struct fot_memory *m, const struct fot_query *q, bool all)
{
	struct fot_memory_sight s = all ? (struct fot_memory_sight){ 0 } : sight(m, q->to - q->from);

	return (struct fot_memory_sight){ .first = q->from + s.first, .last = q->from + s.last };
}

static void read_ends(const struct fot_memory *m, const struct fot_query *q)
{
	struct fot_memory_sight g = sight_of(m, q, q->scale == 0);

	fot_rows_read_part(m, q, q->from, g.first);
	fot_rows_read_part(m, q, g.last, q->to);
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	struct fot_memory_sight s = sight_of(m, q, g->all);

	fot_rows_read_groups_part(m, q, g, q->from, s.first);
	fot_rows_read_groups_part(m, q, g, s.last, q->to);
}

static size_t needs(const struct fot_memory *m, int64_t entries)
{
	int64_t most = (int64_t)m->number[0] + m->number[1];

	return fot_rows_bytes(m, entries < most ? entries : most);
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	double most = (double)m->number[0] + m->number[1], n = entries < most ? entries : most;

	return (struct fot_reads){ n, n };
}

const struct fot_memory_ops fot_memory_sinks = {
	.word = "sinks",
	.takes = { { ":", "S" }, { ",recent:", "B" } },
	.lay = fot_rows_lay,
	.lay_scratch = fot_rows_lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = read_ends,
	.read_groups = read_groups,
	.reads = reads,
	.sight = sight,
	.needs = needs,
};

#endif
