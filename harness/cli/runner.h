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

#define FOT_RUN_OPTIONS(c)                                                                                         \
	FOT_COMMON_OUTPUT(&(c)->output, false),                                                                    \
		{ .name = "resume", .type = FOT_OPTION_FLAG, .value = &(c)->resume,                                \
		  .help = "go on with an interrupted run" },                                                       \
		{ .name = "overwrite", .type = FOT_OPTION_FLAG, .value = &(c)->overwrite,                          \
		  .help = "remove the run that stands there" },                                                    \
		{ .name = "dry-run", .type = FOT_OPTION_FLAG, .value = &(c)->dry_run,                              \
		  .help = "check all inputs and print items, tokens, memory and time" },                           \
		{ .name = "shard", .type = FOT_OPTION_TEXT, .value = &(c)->shard, .arg = "I/N",                    \
		  .help = "the I-th of N parts of about equal cost (1 <= I <= N); slurm: by the job array; see submit, merge" },  \
		{ .name = "limit", .type = FOT_OPTION_SIZE, .value = &(c)->limit, .lo = 1, .hi = 1e9, .arg = "N",  \
		  .help = "only N documents or test items per dataset, or N trials: not for reporting" },          \
		FOT_COMMON_STORE(&(c)->store),                                                                     \
		{ .name = "digits", .type = FOT_OPTION_INT, .value = &(c)->digits, .lo = 1, .hi = 17, .arg = "N",  \
		  .help = "significant digits of the table on stdout; files hold all [3]" },                       \
		{ .name = "no-timings", .type = FOT_OPTION_FLAG, .value = &(c)->no_timings,                        \
		  .help = "leave timing columns empty: equal runs give equal files" },                             \
		{ .name = "no-sharing", .type = FOT_OPTION_FLAG, .value = &(c)->no_sharing,                        \
		  .help = "read every prompt from its start: the same bits, slower" },                             \
		{ .name = "no-skipping", .type = FOT_OPTION_FLAG, .value = &(c)->no_skipping,                      \
		  .help = "compute every window to the last layer: the same bits, slower" },                       \
		{ .name = "verbose", .letter = 'v', .type = FOT_OPTION_FLAG, .value = &(c)->verbose,               \
		  .help = "also what is for developers" },                                                         \
		{ .name = "no-color", .type = FOT_OPTION_FLAG, .value = &(c)->no_color,                            \
		  .help = "accepted for scripts: the output is never coloured" },                                  \
		FOT_COMMON_THREADS(&(c)->threads), FOT_COMMON_QUIET(&(c)->quiet), FOT_COMMON_JSON(&(c)->json),     \
		FOT_COMMON_PROGRESS(&(c)->progress)

/* Flags that exclude each other. Errors: FOT_ERR_USAGE. */
int fot_run_flags_check(const struct fot_run_flags *c, struct fot_err *err);
/* Plan and run a spec, or print what it would cost. given: journals to merge, or NULL. Returns as
 * fot_run does. */
int fot_run_spec(struct fot_spec *spec, const struct fot_run_flags *c, const struct fot_given_journals *given,
		 int argc, char **argv, struct fot_err *err);
/* Print the error, unless it has been reported where it arose (FOT_ERR_PARTIAL, signals); the exit code. */
int fot_run_ended(const struct fot_options *o, int status, const struct fot_err *err);

#endif
