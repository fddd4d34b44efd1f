/* slurm.h: a run's shards as a job array of Slurm, and a merge behind it.
 *
 * Everything that holds a path stands in the scripts' bodies, quoted for sh (quote.h). In #SBATCH lines and options,
 * which sbatch parses by rules of its own, stand numbers and words of plain characters only; what a job prints is
 * sent to its log by the script, as sbatch's --output takes % and \ in paths for patterns. */
#ifndef FOT_SLURM_H
#define FOT_SLURM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* What the scripts are made of. */
struct fot_slurm_job {
	const char *program, *cwd, *out; /* absolute; out: of the merged run */
	const char *spec, *spec_sha256;  /* absolute; of the file's bytes */
	const char *run_id;
	int64_t shards, threads, memory_mib, minutes, merge_memory_mib, merge_minutes;
	const char *flags;                     /* for run, quoted and each with a space before it */
	const char *merge_flags;               /* for merge */
	const char *partition, *time, *memory; /* as the user has them; NULL: none, and as foretold above */
	const char *const *options;            /* [n_options] others for sbatch, without dashes */
	size_t n_options;
	int64_t at_once; /* tasks that run at a time, 0: no limit */
};

/* Is it an option for sbatch, "NAME" or "NAME=VALUE", of plain characters, that the scripts do not set themselves?
 * Errors: FOT_ERR_USAGE. */
int fot_slurm_option_check(const char *option, struct fot_err *err);
/* A value of --partition (plain characters), --time and --mem (the forms that sbatch has); NULL: none was
 * given. Errors: FOT_ERR_USAGE. */
int fot_slurm_partition_check(const char *value, struct fot_err *err);
int fot_slurm_time_check(const char *value, struct fot_err *err);
int fot_slurm_memory_check(const char *value, struct fot_err *err);

/* Append "1-3,7": the numbers from 1 to n for which wanted[k - 1] holds. */
void fot_slurm_ranges(struct fot_str *out, const bool *wanted, int64_t n);
/* The scripts. ranges: the tasks of the array. */
void fot_slurm_array_script(struct fot_str *out, const struct fot_slurm_job *job, const char *ranges);
void fot_slurm_merge_script(struct fot_str *out, const struct fot_slurm_job *job);

/* The command line that submits a script: argv[0] is sbatch. dependency: "afterany:12:13", or "". */
#define FOT_SLURM_ARGS 8
struct fot_slurm_command {
	const char *argv[FOT_SLURM_ARGS]; /* ends with NULL */
	struct fot_str dependency;
};
int fot_slurm_command(struct fot_slurm_command *c, const char *script, const char *dependency,
		      struct fot_err *err);
void fot_slurm_command_release(struct fot_slurm_command *c);
/* Run it; the job's number into id. Errors: FOT_ERR_RUN. */
#define FOT_SLURM_ID 24
int fot_slurm_submit(char id[FOT_SLURM_ID], const struct fot_slurm_command *c, struct fot_err *err);

/* --- how jobs stand --- */

/* A job, or a task of an array, as squeue or sacct has it. */
struct fot_slurm_task {
	int64_t task;               /* SIZE of the array's index; -1: the job itself */
	char state[24], reason[64]; /* "PENDING", "Resources" */
	char id[48];                /* 12_3 */
};
struct fot_slurm_tasks {
	struct fot_slurm_task *at;
	size_t n, cap;
};
/* What the queue holds of a job; nothing of one that is over. Errors: FOT_ERR_RUN (no squeue, or it cannot ask). */
int fot_slurm_queued(struct fot_slurm_tasks *out, const char *id, struct fot_err *err);
/* How its tasks ended, where accounting is kept. Errors: FOT_ERR_RUN. */
int fot_slurm_ended(struct fot_slurm_tasks *out, const char *id, struct fot_err *err);
/* For the tests: rows "ID|STATE|REASON" of one job. */
int fot_slurm_parse(struct fot_slurm_tasks *out, const char *text, struct fot_err *err);
void fot_slurm_tasks_release(struct fot_slurm_tasks *t);
const struct fot_slurm_task *fot_slurm_task(const struct fot_slurm_tasks *t, int64_t task);

#endif
