/* runner.h: what `run`, `merge` and the task commands share: flags, and from a spec to results. */
#ifndef FOT_RUNNER_H
#define FOT_RUNNER_H

#include "harness/options/options.h"
#include "harness/plan/spec.h"
#include "harness/run/journal.h"
#include "model/session.h"

/* What run and every task command share. */
struct fot_run_flags {
	const char *output, *store, *shard;
	bool resume, overwrite, dry_run, quiet, no_timings, verbose, no_color, json, no_sharing, no_skipping;
	int64_t limit, threads, digits;
	int progress;
};

/* Of the folders that are merged. */
struct fot_given_journals {
	struct fot_journal_content *at; /* [n] */
	char **dir;                     /* [n] */
	size_t n, cap, cap_dir;
};

#define FOT_RUN_OPTIONS(c)                                                                                      \
	FOT_COMMON_OUTPUT(&(c)->output, false),                                                                 \
		{ FOT_FLAG_OPTION("resume", &(c)->resume, "go on with an interrupted run") },                   \
		{ FOT_FLAG_OPTION("overwrite", &(c)->overwrite, "remove the run that stands there") },          \
		{ FOT_FLAG_OPTION("dry-run", &(c)->dry_run,                                                     \
			  "check all inputs and print items, tokens, memory and time") },                       \
		{ FOT_TEXT_OPTION("shard", &(c)->shard, "I/N",                                                  \
			  "the I-th of N parts of about equal cost (1 <= I <= N); slurm: by the job array; see submit, merge") }, \
		{ FOT_SIZE_OPTION("limit", &(c)->limit, 1, 1e9, "N",                                            \
			  "only N documents or test items per dataset, or N trials: not for reporting") },      \
		FOT_COMMON_STORE(&(c)->store),                                                                  \
		{ FOT_INT_OPTION("digits", &(c)->digits, 1, 17, "N",                                            \
			  "significant digits of the table on stdout; files hold all [3]") },                   \
		{ FOT_FLAG_OPTION("no-timings", &(c)->no_timings,                                               \
			  "leave timing columns empty: equal runs give equal files") },                         \
		{ FOT_FLAG_OPTION("no-sharing", &(c)->no_sharing,                                               \
			  "read every prompt from its start: the same bits, slower") },                         \
		{ FOT_FLAG_OPTION("no-skipping", &(c)->no_skipping,                                             \
			  "compute every window to the last layer: the same bits, slower") },                   \
		{ FOT_FLAG_OPTION("verbose", &(c)->verbose, "also what is for developers"), .letter = 'v' },    \
		{ FOT_FLAG_OPTION("no-color", &(c)->no_color,                                                   \
			  "accepted for scripts: the output is never coloured") },                              \
		FOT_COMMON_THREADS(&(c)->threads), FOT_COMMON_QUIET(&(c)->quiet), FOT_COMMON_JSON(&(c)->json),  \
		FOT_COMMON_PROGRESS(&(c)->progress)

/* Flags that exclude each other. Errors: FOT_ERR_USAGE. */
int fot_run_flags_check(const struct fot_run_flags *c, struct fot_err *err);
/* Plan and run a spec, or print what it would cost. given: journals to merge, or NULL. Returns as
 * fot_run does. */
int fot_run_spec(struct fot_spec *spec, const struct fot_run_flags *c, const struct fot_given_journals *given,
		 const struct fot_options *o, struct fot_err *err);

#endif
