/* dryrun.h: what a plan would cost. */
#ifndef FOT_DRYRUN_H
#define FOT_DRYRUN_H

#include "base/str.h"
#include "harness/plan/plan.h"

/* Operations per second that the engine reaches scoring one window of the first condition's model, measured
 * for a moment: the best of a few rounds. Errors: FOT_ERR_RUN. */
int fot_engine_rate(double *rate, const struct fot_plan *p, int32_t threads, struct fot_err *err);
/* Items, tokens, floating point operations and memory, per condition and in all, and
 * the time in all from the engine's rate, measured for a moment. */
int fot_dry_run(struct fot_str *out, const struct fot_plan *plan, const struct fot_work *work, struct fot_err *err);

/* Bytes that a condition's session will take. */
size_t fot_plan_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w);
/* Bytes of documents that a task keeps in each worker beside its session (task_class.h). */
size_t fot_task_keeps(const struct fot_plan *p, size_t task);
/* The same of all tasks that have items under a condition, SIZE_MAX: under any. */
size_t fot_plan_kept(const struct fot_plan *p, size_t condition);
/* The most that its run will take where w->threads run at once: program, mapped weights and both, or the sessions of
 * all workers (workers.h). SIZE_MAX as the condition: of the whole plan, whose models stay mapped while one session
 * follows the other. */
size_t fot_plan_peak(const struct fot_plan *p, size_t condition, const struct fot_work *w);
/* Bytes that this process may still take, beside the buffers of matrix products by so many threads. */
size_t fot_memory_available(int32_t threads);
/* Errors: FOT_ERR_USAGE naming the condition, what it needs and what is available: as the kernel
 * estimates it, or less where a control group or a limit on the address space allows less. Where
 * that is not known everything fits. */
int fot_plan_fits(const struct fot_plan *p, const struct fot_work *w, struct fot_err *err);

#endif
