/* stats_impl.h: what the files of the statistics share. */
#ifndef FOT_STATS_IMPL_H
#define FOT_STATS_IMPL_H

#include "harness/tables/stats.h"

/* For qsort of doubles; NaN stands last. */
int fot_stats_ascending(const void *a, const void *b);
/* Percentile interval of n >= 2 draws by linear interpolation (type 7); sorts draw. */
void fot_stats_percentiles(double *lo, double *hi, double *draw, size_t n, double level);
/* FOT_ERR_RUN if the draws or the level cannot be used. */
int fot_stats_check_boot(const struct fot_boot *boot, struct fot_err *err);

#endif
