/* slurm.c: see slurm.h.
 *
 * A task stops in one of four ways, and each time goes on from its journal: the node dies or the task is preempted
 * (Slurm requeues it), its time is nearly over (USR1, WARN_S before: the program stops behind its item, the script
 * requeues the task), or it is killed, and the user submits again.  A cancelled task gets TERM, and stays away. */
#include "harness/cluster/slurm.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/quote.h"
#include "datasets/process.h"

#define WARN_S 120
#define NUMBER_MAX 9 /* digits */

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* --- options --- */

/* N: a number; the rest stands for itself, letters for small ones too. */
static const char *const time_forms[] = { "N", "N:N", "N:N:N", "N-N", "N-N:N", "N-N:N:N" };
static const char *const memory_forms[] = { "N", "NK", "NM", "NG", "NT" };

static bool has_form(const char *text, const char *form)
{
	for (; *form; form++) {
		size_t n = *form == 'N' ? strspn(text, "0123456789") : toupper((unsigned char)*text) == *form;

		if (n == 0 || n > NUMBER_MAX)
			return false;
		text += n;
	}
	return !*text;
}

static bool has_one_of(const char *text, const char *const *forms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_form(text, forms[i]))
			return true;
	return false;
}

int fot_slurm_partition_check(const char *value, struct fot_err *err)
{
	if (value && (!*value || value[strspn(value, PLAIN "_.,:+@-")]))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--partition: expected letters, digits and _ . , : + @ -, got \"%s\"", value);
	return FOT_OK;
}

int fot_slurm_time_check(const char *value, struct fot_err *err)
{
	if (value && !has_one_of(value, time_forms, FOT_COUNT(time_forms)))
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--time: expected minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS, got \"%s\"",
			value);
	return FOT_OK;
}

int fot_slurm_memory_check(const char *value, struct fot_err *err)
{
	if (value && !has_one_of(value, memory_forms, FOT_COUNT(memory_forms)))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--mem: expected a number of MiB, or one with K, M, G or T, got \"%s\"", value);
	return FOT_OK;
}

int fot_slurm_option_check(const char *option, struct fot_err *err)
{
	static const char *const own[] = { "array",         "dependency", "parsable", "wrap",   "test-only",
					   "output",        "error",      "chdir",    "signal", "requeue",
					   "no-requeue",    "open-mode",  "job-name", "ntasks", "wait",
					   "cpus-per-task", "partition",  "time",     "mem",    "export",
					   "export-file" };
	size_t n = strcspn(option, "=");

	for (size_t i = 0; i < FOT_COUNT(own); i++)
		if (strlen(own[i]) == n && strncmp(own[i], option, n) == 0)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--sbatch: %s is set by submit itself", own[i]);
	if (n < 2 || strspn(option, "abcdefghijklmnopqrstuvwxyz-") != n || option[0] == '-' ||
	    option[strspn(option, PLAIN "_.,:=+@/*()[]&|-")])
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--sbatch: expected NAME or NAME=VALUE without spaces and quotes, such as account=proj, got \"%s\"",
			option);
	return FOT_OK;
}

void fot_slurm_ranges(struct fot_str *out, const bool *wanted, int64_t n)
{
	const char *between = "";

	for (int64_t i = 0, last; i < n; i = last + 1) {
		last = i;
		if (!wanted[i])
			continue;
		while (last + 1 < n && wanted[last + 1])
			last++;
		fot_str_printf(out, "%s%lld", between, (long long)i + 1);
		if (last > i)
			fot_str_printf(out, "-%lld", (long long)last + 1);
		between = ",";
	}
}

/* --- scripts --- */

static void put_head(struct fot_str *out, const struct fot_slurm_job *j, const char *what)
{
	fot_str_printf(out, "#!/bin/sh\n#SBATCH --job-name=fotbench-%s%s\n#SBATCH --ntasks=1\n", what,
		       j->run_id);
	fot_str_puts(out, "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --output=/dev/null\n");
	if (j->partition)
		fot_str_printf(out, "#SBATCH --partition=%s\n", j->partition);
	for (size_t i = 0; i < j->n_options; i++)
		fot_str_printf(out, "#SBATCH --%s\n", j->options[i]);
}

static void put_memory(struct fot_str *out, const char *given, int64_t mib)
{
	if (given)
		fot_str_printf(out, "#SBATCH --mem=%s\n", given);
	else
		fot_str_printf(out, "#SBATCH --mem=%lldM\n", (long long)mib);
}

static void put_time(struct fot_str *out, const char *given, int64_t minutes)
{
	if (given)
		fot_str_printf(out, "#SBATCH --time=%s\n", given);
	else
		fot_str_printf(out, "#SBATCH --time=%lld:%02lld:00\n", (long long)minutes / 60,
			       (long long)minutes % 60);
}

static void put_word(struct fot_str *out, const char *before, const char *word)
{
	fot_str_puts(out, before);
	fot_quote_shell(out, word);
}

/* Where it runs and writes; log: a name in shards/log, for sh. */
static void put_begin(struct fot_str *out, const struct fot_slurm_job *j, const char *log)
{
	put_word(out, "\nprogram=", j->program);
	put_word(out, "\nout=", j->out);
	fot_str_printf(out, "\nexec >>\"$out/shards/log/%s.txt\" 2>&1 || exit 6\n", log);
	put_word(out, "cd ", j->cwd);
	fot_str_puts(out,
		     " || exit 6\n"
		     "echo \"$(date -u +%Y-%m-%dT%H:%M:%SZ) job ${SLURM_JOB_ID:-?} on $(uname -n), restarts: "
		     "${SLURM_RESTART_COUNT:-0}\"\n");
}

void fot_slurm_array_script(struct fot_str *out, const struct fot_slurm_job *j, const char *ranges)
{
	put_head(out, j, "");
	fot_str_printf(out, "#SBATCH --array=%s", ranges);
	if (j->at_once)
		fot_str_printf(out, "%%%lld", (long long)j->at_once);
	fot_str_printf(out, "\n#SBATCH --cpus-per-task=%lld\n#SBATCH --signal=B:USR1@%d\n",
		       (long long)j->threads, WARN_S);
	put_memory(out, j->memory, j->memory_mib);
	put_time(out, j->time, j->minutes);
	fot_str_puts(out, "\n# A task is a shard. One that starts again goes on from its journal.\n"
			  "shard=${SLURM_ARRAY_TASK_ID:?this is a task of a job array}");
	put_begin(out, j, "$shard");
	put_word(out, "spec=", j->spec);
	fot_str_printf(out, "\n[ \"$(sha256sum <\"$spec\")\" = \"%s  -\" ] || {\n", j->spec_sha256);
	fot_str_puts(out, "\techo 'error: the spec has changed since it was submitted'\n\texit 2\n}\n");
	fot_str_printf(
		out,
		"\"$program\" run \"$spec\" -o \"$out/shards/$shard\" --shard \"$shard/%lld\" --resume -q -t %lld%s &\n",
		(long long)j->shards, (long long)j->threads, j->flags);
	fot_str_puts(out, "pid=$! again=\n"
			  "trap 'again=1; kill -TERM \"$pid\"' USR1 # the time is nearly over\n"
			  "trap 'kill -TERM \"$pid\"' TERM\n"
			  "wait \"$pid\"\ncode=$?\n"
			  "while kill -0 \"$pid\" 2>/dev/null; do\n\twait \"$pid\"\n\tcode=$?\ndone\n"
			  "if [ -n \"$again\" ] && [ \"$code\" -eq 143 ]; then\n"
			  "\tscontrol requeue \"$SLURM_JOB_ID\"\nfi\nexit \"$code\"\n");
}

void fot_slurm_merge_script(struct fot_str *out, const struct fot_slurm_job *j)
{
	put_head(out, j, "merge-");
	fot_str_puts(out, "#SBATCH --cpus-per-task=1\n");
	put_memory(out, NULL, j->merge_memory_mib);
	put_time(out, NULL, j->merge_minutes);
	fot_str_puts(out, "\n# One run out of the shards, as many as are there.");
	put_begin(out, j, "merge");
	fot_str_printf(out, "exec \"$program\" merge \"$out/shards\" -o \"$out\" --overwrite -q -t 1%s\n",
		       j->merge_flags);
}

/* --- commands --- */

int fot_slurm_command(struct fot_slurm_command *c, const char *script, const char *dependency,
		      struct fot_err *err)
{
	size_t n = 0;

	*c = (struct fot_slurm_command){ 0 };
	c->argv[n++] = "sbatch";
	c->argv[n++] = "--parsable";
	if (*dependency) {
		fot_str_printf(&c->dependency, "--dependency=%s", dependency);
		c->argv[n++] = c->dependency.failed ? "" : c->dependency.data;
	}
	c->argv[n++] = script;
	return fot_str_check(&c->dependency, err);
}

void fot_slurm_command_release(struct fot_slurm_command *c)
{
	fot_str_release(&c->dependency);
}

/* "12", or "12;cluster". */
int fot_slurm_submit(char id[FOT_SLURM_ID], const struct fot_slurm_command *c, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t n;
	int status;

	FOT_TRY(fot_process_read(&text, c->argv, NULL, err));
	n = text.len ? strspn(text.data, "0123456789") : 0;
	if (n == 0 || n >= FOT_SLURM_ID || !strchr(";\n", text.data[n]))
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "sbatch: expected the job's number, got \"%.80s\"",
				 text.len ? text.data : ""));
	memcpy(id, text.data, n);
	id[n] = '\0';
out:
	fot_str_release(&text);
	return status;
}

/* --- how jobs stand --- */

void fot_slurm_tasks_release(struct fot_slurm_tasks *t)
{
	fot_free(t->at);
	*t = (struct fot_slurm_tasks){ 0 };
}

const struct fot_slurm_task *fot_slurm_task(const struct fot_slurm_tasks *t, int64_t task)
{
	for (size_t i = t->n; i > 0; i--) /* the last word counts */
		if (t->at[i - 1].task == task)
			return &t->at[i - 1];
	return NULL;
}

static void copy_cell(char *out, size_t size, const char *text, size_t n)
{
	snprintf(out, size, "%.*s", (int)n, text);
	fot_text_oneline(out);
}

int fot_slurm_parse(struct fot_slurm_tasks *out, const char *text, struct fot_err *err)
{
	for (const char *line = text, *end; *line; line = end + (*end != '\0')) {
		struct fot_slurm_task t = { .task = -1 };
		size_t n_id, n_state;
		char *task;

		end = line + strcspn(line, "\n");
		n_id = strcspn(line, "|\n");
		if (line[n_id] != '|')
			continue;
		n_state = strcspn(line + n_id + 1, "| \n"); /* "CANCELLED by 1000" */
		copy_cell(t.id, sizeof t.id, line, n_id);
		copy_cell(t.state, sizeof t.state, line + n_id + 1, n_state);
		n_state = strcspn(line + n_id + 1, "|\n");
		if (line[n_id + 1 + n_state] == '|')
			copy_cell(t.reason, sizeof t.reason, line + n_id + n_state + 2,
				  strcspn(line + n_id + n_state + 2, "|\n"));
		task = strchr(t.id, '_');
		if (task && !fot_parse_i64(task + 1, &t.task))
			continue; /* several waiting tasks in one line */
		if (!FOT_GROW(out->at, out->n, out->cap))
			return FOT_NO_MEMORY(err, "job queue");
		out->at[out->n++] = t;
	}
	return FOT_OK;
}

int fot_slurm_queued(struct fot_slurm_tasks *out, const char *id, struct fot_err *err)
{
	const char *const argv[] = { "squeue", "--noheader", "--array", "--format=%i|%T|%r",
				     "--jobs", id,           NULL };
	struct fot_str text = FOT_STR_INIT;
	struct fot_err problem = { 0 };
	int status = fot_process_read(&text, argv, NULL, &problem);

	/* what is over is forgotten after some minutes */
	if (status != FOT_OK && strstr(problem.text, "Invalid job id"))
		status = FOT_OK;
	else if (status != FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s", problem.text);
	else
		status = fot_slurm_parse(out, text.len ? text.data : "", err);
	fot_str_release(&text);
	return status;
}

int fot_slurm_ended(struct fot_slurm_tasks *out, const char *id, struct fot_err *err)
{
	/* not --array, which that of Slurm 22.05 does not know: tasks that are over have a row each without it */
	const char *const argv[] = {
		"sacct",  "--noheader", "--parsable2", "--allocations", "--format=JobID,State,ExitCode",
		"--jobs", id,           NULL
	};
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_process_read(&text, argv, NULL, err));
	FOT_TRY(fot_slurm_parse(out, text.len ? text.data : "", err));
out:
	fot_str_release(&text);
	return status;
}
