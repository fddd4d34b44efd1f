/* outdir.h: the folder of a run: made, locked, emptied only when asked.
 *
 * An empty or new folder is taken as it is.  One that holds a run needs resume
 * (the journal is kept) or overwrite (the files that a run writes are removed,
 * and only those).  A folder with other files and no run in it is refused; shards/ (cluster.h) is none of them. */
#ifndef FOT_OUTDIR_H
#define FOT_OUTDIR_H

#include <stdbool.h>

#include "base/err.h"

enum fot_outdir_mode { FOT_OUTDIR_NEW, FOT_OUTDIR_RESUME, FOT_OUTDIR_OVERWRITE };

struct fot_outdir {
	char *path;
	int lock_fd;
	bool has_journal; /* after opening: there is something to resume */
};

/* Errors: FOT_ERR_USAGE (not empty), FOT_ERR_OUTPUT (cannot be made, written or
 * locked: the message names the process that holds it). */
int fot_outdir_open(struct fot_outdir *o, const char *path, enum fot_outdir_mode mode, struct fot_err *err);
void fot_outdir_close(struct fot_outdir *o);
/* path of a file in it; free with fot_free; NULL without memory. */
char *fot_outdir_file(const struct fot_outdir *o, const char *name);

/* A file to be written that is a run's own (its lock and all in samples/ and plots/ too, its page not) is
 * FOT_ERR_USAGE. path NULL or "": nothing is. */
int fot_outdir_spare(const char *path, struct fot_err *err);

#endif
