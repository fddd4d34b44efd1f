/* compare_impl.h: what the files of the comparison share. */
#ifndef FOT_COMPARE_IMPL_H
#define FOT_COMPARE_IMPL_H

#include "harness/report/compare.h"

/* fot_compare_tables for the tasks of measures.h. */
int fot_compare_measures(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
			 const struct fot_compare_opts *opts, struct fot_err *err);
/* Verdict of a row: interval of the worsening, or the difference where there is none; BASE's value. */
const char *fot_compare_row_verdict(const char *tier, double lo, double hi, double base,
				    const struct fot_compare_opts *opts);
/* "fot dense 2k on books" */
void fot_compare_group_name(char out[192], const struct fot_table *t, size_t row);
/* Refuse: n conditions of BASE are none of NEW, the first of them that of a row of t (BASE). */
int fot_compare_missing(const struct fot_table *t, size_t row, size_t n, struct fot_err *err);

#endif
