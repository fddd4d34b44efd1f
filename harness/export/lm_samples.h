/* lm_samples.h: rows of a run in the layout of lm-evaluation-harness's sample files (--log_samples):
 *
 *   MODEL/samples_TASK_TIME.jsonl, one JSON object a line
 *
 * MODEL is a run's condition, TASK a group of rows: task, dataset, context length and place.  What stands
 * in which key: docs/export.md. */
#ifndef FOT_LM_SAMPLES_H
#define FOT_LM_SAMPLES_H

#include "base/err.h"
#include "base/str.h"
#include "harness/report/measures.h"
#include "harness/tables/table.h"

struct fot_lm_file {
	char *folder, *name; /* owned: without anything but letters, digits, '.', '_' and '-' */
	struct fot_str text; /* lines */
	int64_t n_docs;
};
struct fot_lm_files {
	struct fot_lm_file *file;
	size_t n, cap;
};

/* Append the rows of a task of a run. `run` is its name, `time` UTC in ISO 8601.  prompt[row] is what the model was
 * asked, or NULL where it is not kept; prompt may be NULL.  Errors: FOT_ERR_RUN. */
int fot_lm_samples(struct fot_lm_files *out, const struct fot_measured_task *task,
		   const struct fot_table *rows, const char *run, const char *time, const char *const *prompt,
		   struct fot_err *err);
void fot_lm_files_release(struct fot_lm_files *files);

#endif
