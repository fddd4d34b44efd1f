/* workers.h: small items are done several at the same time, each by a worker of its own.
 *
 *   small items     worker 0:  piece | piece | ...          the others    all threads:  item | item | ...
 *                   worker 1:  piece | piece | ...
 *
 * Threads that share an item wait for each other at the end of every layer, and a window of a small model has tiles
 * for few of them.  A worker has a session of its own and waits for nobody; what is made of a model's weights
 * is shared (fot_session_opts.beside).  Results are the same bits, as sharing among prompts changes none; records
 * stand in the journal in the order in which items are finished.
 *
 * Who does what is foretold, never measured:
 *  - A condition is small if it computes on the CPU, each of its items takes at most FOT_SMALL_FLOPS operations, and a
 *    session for each thread takes at most FOT_SMALL_BYTES in all.  Weights are there once and do not count.
 *  - Documents that tasks keep beside a session count for the tasks that keep any.  Where these do not fit with the
 *    sessions, the items of such tasks are not small; those of the others are.
 *  - Where all this takes more than half of the memory that is available, nothing is small.
 *  - A piece is a walk through a subtree of the prefixes: it begins at an item that keeps nothing of the one before.
 *    So no token is read more often; what prompts share through a session's cache of windows is counted once for each
 *    worker.
 *  - There is a worker for each thread that can run at once.  Where pieces are too few, there are fewer workers, with
 *    more threads each: the most that end, as foretold, within 11/10 of the time that an even division takes. */
#ifndef FOT_WORKERS_H
#define FOT_WORKERS_H

#include <stdbool.h>

#include "harness/run/items.h"
#include "harness/run/schedule.h"

#define FOT_SMALL_FLOPS 2e12 /* some ten seconds of one core: what a stop can lose of each worker */
#define FOT_SMALL_BYTES ((size_t)2 << 30)

/* Are the condition's items small, where w->threads run at once? keeping: those of the tasks that keep documents, else
 * those of the others. */
bool fot_workers_small(const struct fot_plan *p, size_t condition, bool keeping, const struct fot_work *w);
/* The most bytes that the sessions of all workers, and what they keep beside them, take while they do this condition's
 * small items; SIZE_MAX: all small ones. */
size_t fot_workers_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w);

/* The small jobs come first in the schedule then, which says its pieces and workers. Errors:
 * FOT_ERR_RUN (memory). */
int fot_workers_divide(struct fot_schedule *s, const struct fot_plan *p, const struct fot_work *w,
		       struct fot_err *err);
/* Do the schedule's small items. job() is called by several threads at once, each with its own worker; anything that it
 * returns but FOT_OK ends all, and is returned. A signal ends it behind the items at work. Errors: those of
 * job(); FOT_ERR_RUN (memory). */
int fot_workers_run(const struct fot_schedule *s, const struct fot_plan *p, const struct fot_work *w,
		    int (*job)(void *user, struct fot_worker *worker, const struct fot_job *job), void *user,
		    struct fot_err *err);

#endif
