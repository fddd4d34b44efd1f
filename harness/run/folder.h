/* folder.h: the journal of a run's folder, for those that do not go on with the run. */
#ifndef FOT_FOLDER_H
#define FOT_FOLDER_H

#include <stdbool.h>

#include "harness/run/journal.h"

/* Does DIR's manifest say that the run had closed its journal (complete, partial)? Not without one that can be read. */
bool fot_folder_was_closed(const char *dir);
/* DIR/journal.jsonl. Of one that was closed a hole is an error; else what its end lacks, a hole or a torn record, is said
 * in one line (a warning of the log). Errors: those of fot_journal_load. */
int fot_folder_journal(struct fot_journal_content *out, const char *dir, struct fot_err *err);

#endif
