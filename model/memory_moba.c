/* memory_moba.c: the K best blocks by the query's product with the mean of a block's keys (MoBA; Lu et al. 2025, "MoBA:
 * Mixture of Block Attention for Long-Context LLMs", arXiv 2502.13189, equations 5 and 6: s_i = <q, mean_pool(K[I_i])>).
 * There the current block is always among them; here that is the window, which is seen anyway. */
#include "model/memory_blocks.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

static void add(float *sketch, const float *k, int64_t d, bool first)
{
	for (int64_t c = 0; c < d; c++)
		sketch[c] = first ? k[c] : sketch[c] + k[c];
}

static void end(float *sketch, int64_t n, int64_t d)
{
	for (int64_t c = 0; c < d; c++)
		sketch[c] /= (float)n;
}

static void ask(float *out, const float *q, int64_t d)
{
	memcpy(out, q, sizeof *q * (size_t)d);
}

static const struct fot_block_kind kind = { .width = 1, .add = add, .end = end, .ask = ask };

const struct fot_memory_ops fot_memory_moba = FOT_BLOCKS_OPS("moba", &kind);

#endif
