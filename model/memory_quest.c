/* memory_quest.c: the K best blocks by a bound of what any of a block's keys can score (Quest; Tang et al. 2024, "Quest:
 * Query-Aware Sparsity for Efficient Long-Context LLM Inference", arXiv 2406.10774, algorithm 1: sum over channels of
 * max(q_c min_c, q_c max_c)).  With max and min of the keys as a sketch, that is the product of (max(q, 0), min(q, 0))
 * with it. */
#include "model/memory_blocks.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static void add(float *sketch, const float *k, int64_t d, bool first)
{
	float *max = sketch, *min = sketch + d;

	for (int64_t c = 0; c < d; c++) {
		max[c] = first || k[c] > max[c] ? k[c] : max[c];
		min[c] = first || k[c] < min[c] ? k[c] : min[c];
	}
}

static void ask(float *out, const float *q, int64_t d)
{
	for (int64_t c = 0; c < d; c++) {
		out[c] = q[c] > 0 ? q[c] : 0;
		out[d + c] = q[c] < 0 ? q[c] : 0;
	}
}

static const struct fot_block_kind kind = { .width = 2, .add = add, .ask = ask };

static void lay(struct fot_memory *m, struct fot_layout *y)
{
	fot_blocks_lay(&kind, m, y);
}

static void lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	fot_blocks_lay_scratch(&kind, s, m, y);
}

static void seal(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads)
{
	(void)n_threads;
	fot_blocks_seal(&kind, m, from, to);
}

static void cut(struct fot_memory *m, int64_t len)
{
	fot_blocks_truncate(&kind, m, len);
}

static void read_best(const struct fot_memory *m, const struct fot_query *q)
{
	fot_blocks_read(&kind, m, q);
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	fot_blocks_read_groups(&kind, m, q, g);
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	return fot_blocks_reads(&kind, m, entries);
}

const struct fot_memory_ops fot_memory_quest = {
	.word = "quest",
	.takes = { { ":", "B" }, { ",", "K" } },
	.lay = lay,
	.lay_scratch = lay_scratch,
	.append = fot_rows_append,
	.seal = seal,
	.truncate = cut,
	.read = read_best,
	.read_groups = read_groups,
	.reads = reads,
};

#endif
