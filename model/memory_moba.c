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

const struct fot_memory_ops fot_memory_moba = {
	.word = "moba",
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
