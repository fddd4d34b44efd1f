/* fits.h: does a plan fit into this machine's memory? */
#ifndef FOT_FITS_H
#define FOT_FITS_H

#include "harness/run/plan.h"

/* Bytes that a condition's session will take. */
size_t fot_plan_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w);
/* The most that its run will take: program, mapped weights and that. SIZE_MAX as the condition: of the whole plan,
 * whose models stay mapped while one session follows the other. */
size_t fot_plan_peak(const struct fot_plan *p, size_t condition, const struct fot_work *w);
/* Errors: FOT_ERR_USAGE naming the condition, what it needs and what is available: as the kernel
 * estimates it, or less where a control group or a limit on the address space allows less. Where
 * that is not known everything fits. */
int fot_plan_fits(const struct fot_plan *p, const struct fot_work *w, struct fot_err *err);

#endif
