/* results.h: all files of a run that follow from its journal. */
#ifndef FOT_RESULTS_H
#define FOT_RESULTS_H

#include "harness/plan/plan.h"
#include "harness/report/measures.h"
#include "harness/run/journal.h"
#include "harness/run/outdir.h"
#include "harness/tables/table.h"

#define FOT_RESULT_FILES_MAX 32

struct fot_result_file {
	const char *name; /* in the folder; static or owned by the plan's task classes */
	int64_t rows;     /* of a CSV; else -1 */
};

struct fot_results {
	struct fot_table *rows;   /* [fot_n_task_classes] rows of each task, in the plan's order */
	struct fot_str *samples;  /* [fot_n_task_classes] JSON lines */
	struct fot_estimates *kept; /* [fot_n_task_classes] for summary and LaTeX */
	struct fot_table summary; /* after fot_results_write */
	struct fot_result_file file[FOT_RESULT_FILES_MAX]; /* what was written */
	size_t n_files;
};

/* Errors: FOT_ERR_RUN (memory). */
int fot_results_init(struct fot_results *r, struct fot_err *err);
void fot_results_release(struct fot_results *r);
/* The plan's items out of the journal, which was closed; those that are missing and for which `mine` holds count as
 * failed. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_results_gather(struct fot_results *r, const struct fot_plan *p, const char *journal_path,
		       bool (*mine)(const void *context, size_t item), const void *context, struct fot_err *err);
/* TASK.csv and samples/TASK.jsonl; then summary.csv, summary.md, summary.tex. Errors: FOT_ERR_OUTPUT,
 * FOT_ERR_RUN (memory). */
int fot_results_write(struct fot_results *r, const struct fot_plan *p, const struct fot_outdir *dir, bool timings,
		      struct fot_err *err);

#endif
