/* summary_impl.h: what the files of the summary share. */
#ifndef FOT_SUMMARY_IMPL_H
#define FOT_SUMMARY_IMPL_H

#include "harness/report/measures.h"
#include "harness/report/summary.h"

/* Rows of the task's trend, of conditions with a memory and three lengths or more. */
int fot_summary_trends(struct fot_table *summary, const struct fot_table *rows,
		       const struct fot_measured_task *task, uint64_t seed, struct fot_err *err);

#endif
