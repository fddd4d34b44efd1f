/* memory_dense.c: every query sees every entry. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	(void)m;
	return (struct fot_reads){ entries, entries };
}

const struct fot_memory_ops fot_memory_dense = {
	.word = "dense",
	.lay = fot_rows_lay,
	.lay_scratch = fot_rows_lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = fot_rows_read,
	.read_groups = fot_rows_read_groups,
	.reads = reads,
};

#endif
