/* report_page.h: what a page of runs is made of (page.h), out of their folders. */
#ifndef FOT_REPORT_PAGE_H
#define FOT_REPORT_PAGE_H

#include "harness/export/page.h"
#include "harness/options/options.h"
#include "harness/plan/task_class.h"

struct fot_page_files {
	struct fot_page_run run[FOT_POSITIONAL_MAX];
	struct fot_page_samples *samples; /* [n_samples] */
	char **file;                      /* [n_samples] */
	struct fot_page_tokens tokens[FOT_TEXTS_MAX];
	char *token_name[FOT_TEXTS_MAX];
	size_t n_runs, n_samples, n_tokens;
};

/* Summary and samples of the next run, whose name and manifest (may be NULL) are borrowed. Errors: FOT_ERR_INPUT,
 * FOT_ERR_RUN. */
int fot_page_files_add(struct fot_page_files *f, const char *name, const char *dir, const cJSON *manifest,
		       struct fot_err *err);
/* Files of `fotbench score`: none, or two or more. Errors: FOT_ERR_USAGE, FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_page_files_tokens(struct fot_page_files *f, const struct fot_texts *files, struct fot_err *err);
/* Has a run estimates or samples? */
bool fot_page_files_any(const struct fot_page_files *f, size_t run);
void fot_page_files_release(struct fot_page_files *f);

#endif
