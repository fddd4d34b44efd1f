/* report_impl.h: what the files of the report share. */
#ifndef FOT_REPORT_IMPL_H
#define FOT_REPORT_IMPL_H

#include "harness/report/report.h"

/* fot_report_build for the tasks of measures.h. */
int fot_report_measures(struct fot_table *report, const struct fot_table *rows, const struct fot_report_run *run,
			size_t n_runs, const struct fot_table *paper, uint64_t seed, struct fot_err *err);

#endif
