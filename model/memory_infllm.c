/* memory_infllm.c: the K best blocks by the query's product with the mean of a block's R representative keys (InfLLM; Xiao et al.
 * 2024, "InfLLM: Training-Free Long-Context Extrapolation for LLMs with an Efficient Context Memory", arXiv 2402.04617,
 * section 3.2).  Representative are the keys that the queries behind them score highest: there the mean over the l_L
 * tokens that follow, here over those of the same window, from the entry's own query on, so that a window
 * settles it.  There the queries of a chunk choose blocks together, by the sum over them and the representatives; here each
 * query chooses for itself.  There initial tokens and the local window are always seen; here the window is. */
#include "model/memory_blocks.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static const struct fot_block_kind kind = { FOT_BLOCKS_MEAN, .picks = true };

const struct fot_memory_ops fot_memory_infllm = { FOT_BLOCKS_OPS("infllm", &kind, { ",", "R" }),
						  .observe = fot_blocks_observe };

#endif
