/* measures_impl.h: what the files of the measures share. */
#ifndef FOT_MEASURES_IMPL_H
#define FOT_MEASURES_IMPL_H

#include "harness/report/measures.h"

double fot_sum_of(const double *x, size_t n);
/* A status that ends with * stands for all that begin so. */
bool fot_row_has_status(const struct fot_table *t, size_t row, const char *status);
/* Set min, max and sd of n values, counts of right ones among all. */
void fot_measured_range(struct fot_measured *out, const double *x, size_t n);
void fot_measured_counts(struct fot_measured *out, double right, double asked);

/* FOT_MEASURE_CROSSED and FOT_MEASURE_BALANCED: the estimate of what counts of r; a difference, new's rows minus the
 * base's in s (binary: numerators are 0 or 1). Errors: FOT_ERR_RUN. */
int fot_measure_crossed(struct fot_measured *out, const struct fot_measure *m, const struct fot_clusters *s,
			const struct fot_group *r, const struct fot_boot *boot, struct fot_err *err);
int fot_contrast_crossed(struct fot_contrast *out, const struct fot_measure *m, const struct fot_clusters *s,
			 const struct fot_group *new, bool binary, const struct fot_boot *boot,
			 struct fot_err *err);

#endif
