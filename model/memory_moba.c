/* memory_moba.c: the K best blocks by the query's product with the mean of a block's keys (MoBA; Lu et al. 2025, "MoBA:
 * Mixture of Block Attention for Long-Context LLMs", arXiv 2502.13189, equations 5 and 6: s_i = <q, mean_pool(K[I_i])>).
 * There the current block is always among them; here that is the window, which is seen anyway. */
#include "model/memory_blocks.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static const struct fot_block_kind kind = { FOT_BLOCKS_MEAN };

const struct fot_memory_ops fot_memory_moba = { FOT_BLOCKS_OPS("moba", &kind) };

#endif
