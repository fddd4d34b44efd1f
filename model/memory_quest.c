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

const struct fot_memory_ops fot_memory_quest = { FOT_BLOCKS_OPS("quest", &kind) };

#endif
