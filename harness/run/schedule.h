/* schedule.h: the order in which items are done.
 *
 * Results and their order in files do not depend on it.  Within a condition, items whose
 * prompts begin alike follow each other: sorted by their stems, window by window, items are
 * visited as a walk through the tree of their prefixes, and what a prompt shares with the
 * one before it is still in the memory when its turn comes (ask.h). */
#ifndef FOT_SCHEDULE_H
#define FOT_SCHEDULE_H

#include <stdbool.h>

#include "harness/run/items.h"

/* order [n]: item indices of one condition, ascending; sorted in place. Items whose task shares
 * nothing come first and keep their order. Errors: those of building the prompts. */
int fot_schedule(size_t *order, size_t n, struct fot_worker *w, struct fot_err *err);

#endif
