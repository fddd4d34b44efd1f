/* glance.h: how a run stands, seen from its folder alone, while it runs or after: nothing is locked or written, and
 * no record is read but the number of them.
 *
 * What the manifest says last is not all: a process that was killed leaves it at "started".  Its lock says whether it
 * lives, where that can be known (flock on this host); else the age of what it wrote last. */
#ifndef FOT_GLANCE_H
#define FOT_GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum fot_run_state {
	FOT_RUN_MISSING, /* not begun */
	FOT_RUN_QUEUED,  /* not begun, or to go on: the job queue has it */
	FOT_RUN_RUNNING,
	FOT_RUN_STALLED, /* nobody knows its end, and it has written nothing for long */
	FOT_RUN_STOPPED, /* by a signal, or killed: goes on with --resume */
	FOT_RUN_FAILED,  /* ended by an error */
	FOT_RUN_PARTIAL, /* finished, but some items failed */
	FOT_RUN_COMPLETE
};
#define FOT_RUN_STATES (FOT_RUN_COMPLETE + 1)
extern const char *const fot_run_state_words[FOT_RUN_STATES];

#define FOT_GLANCE_TEXTS 3 /* failures whose messages are kept: the last ones */

struct fot_glance {
	enum fot_run_state state;
	bool locked; /* its process is seen to live */
	char run_id[17];
	int64_t shard, shards;           /* from 1; 0: of no shards */
	int64_t planned, done, failed;   /* items; failed: since it was started last */
	double age_s;                    /* since it wrote anything; below 0: never */
	double left_s;                   /* of what runs, at the pace so far; below 0: unknown */
	double item_s;                   /* per item so far; below 0: unknown */
	char *failure[FOT_GLANCE_TEXTS]; /* [n_failures] */
	size_t n_failures;
	char *command; /* the command line, for a shell; NULL: not known */
};

/* A folder that is not there, or holds no run, is a missing run. Errors: FOT_ERR_INPUT (a manifest that cannot be
 * read), FOT_ERR_RUN. */
int fot_glance(struct fot_glance *g, const char *dir, struct fot_err *err);
void fot_glance_release(struct fot_glance *g);
/* The last line of a log that tells of an error, for fot_free; NULL: none. */
char *fot_glance_last_error(const char *path);

#endif
