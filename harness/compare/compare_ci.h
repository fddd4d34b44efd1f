/* compare_ci.h: what a comparison found, as continuous integration reads it.
 *
 * Names are data in each format (base/quote.h); nothing in the output depends on the time. */
#ifndef FOT_COMPARE_CI_H
#define FOT_COMPARE_CI_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/tables/table.h"

struct fot_compare_found {
	const char *base, *new;      /* folders */
	const struct fot_table *row; /* of fot_schema_compare; NULL: nothing could be compared */
	const char *verdict;         /* on all rows (fot_compare_verdict), or "not comparable", "failed" */
	const char *sentence;        /* fot_compare_sentence, or the error */
	bool exact;                  /* a row of tier statistical fails, too */
};

/* JUnit's XML: a testcase for each row, a failure for each that fails; without rows one testcase with an
 * error.  Errors: FOT_ERR_RUN. */
int fot_compare_junit(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err);

/* GitHub shows this many annotations of one level of a step; the last one then counts the rest. */
#define FOT_GITHUB_ANNOTATIONS 10
/* Workflow commands, one line each: an error for each row that fails, a warning for each that is worse
 * within the margin, a notice with the sentence.  Errors: FOT_ERR_RUN. */
int fot_compare_annotations(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err);

/* A step's summary in Markdown, at most so many bytes: rows that fail come first, the last line counts
 * those that had no room.  Errors: FOT_ERR_RUN. */
#define FOT_GITHUB_SUMMARY ((size_t)64 << 10)
int fot_compare_step_summary(struct fot_str *out, const struct fot_compare_found *f, struct fot_err *err);

/* The list that github-action-benchmark reads as customSmallerIsBetter: name, unit, value of NEW, range (the
 * difference and its interval), extra.  Of a share, 0 to 1, stands 1 minus it: all shrink where NEW is
 * better.  A row without a value is left out.  Errors: FOT_ERR_RUN. */
int fot_compare_benchmark(struct fot_str *out, const struct fot_table *row, struct fot_err *err);

#endif
