/* prompts.h: what a finished run keeps of its prompts, beside the rows that they gave. */
#ifndef FOT_PROMPTS_H
#define FOT_PROMPTS_H

#include "base/err.h"
#include "harness/report/measures.h"
#include "harness/tables/table.h"

struct fot_prompts {
	char **of_row; /* [n_rows] owned; NULL where nothing is kept */
	size_t n_rows;
};

/* Of all rows of a task, out of OUT's journal: the pieces that samples have (beginning, key, end), with [...] for what
 * was left out.  A prompt belongs to its item: rows of all conditions share it.  Without a journal all are NULL;
 * what its end lacks is said (folder.h).
 * Errors: FOT_ERR_INPUT (journal), FOT_ERR_RUN. */
int fot_prompts_read(struct fot_prompts *out, const char *dir, const struct fot_measured_task *task,
		     const struct fot_table *rows, struct fot_err *err);
void fot_prompts_release(struct fot_prompts *p);

#endif
