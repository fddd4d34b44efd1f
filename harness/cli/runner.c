/* runner.c: see runner.h. */
#include "harness/cli/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsondiff.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/plan/paths.h"
#include "harness/run/division.h"
#include "harness/run/dryrun.h"
#include "harness/run/run.h"
#include "model/blas.h"

#define TABLE_DIGITS 3 /* significant ones, on the terminal */

int fot_run_flags_check(const struct fot_run_flags *c, struct fot_err *err)
{
	if (c->resume && c->overwrite)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--resume and --overwrite exclude each other");
	if (c->quiet && c->verbose)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--quiet and --verbose exclude each other");
	if (c->dry_run && (c->json || c->shard))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: not with --dry-run, which prints a table of all items",
				c->json ? "json" : "shard");
	if (!c->output && !c->dry_run)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--output DIR is missing (or --dry-run)");
	return FOT_OK;
}

static int bad_shard(const char *text, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_USAGE, "--shard: expected I/N with 1 <= I <= N, or slurm, got \"%s\"",
			text);
}

/* SLURM counts from any number in any steps. */
static int slurm_shard(struct fot_run_opts *opts, struct fot_err *err)
{
	static const char *const names[] = { "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT",
					     "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP" };
	int64_t value[FOT_COUNT(names)] = { 0, 0, 0, 1 };

	for (size_t i = 0; i < FOT_COUNT(names); i++) {
		const char *text = getenv(names[i]);

		if ((!text && i < 2) || (text && !fot_parse_i64(text, &value[i])))
			return FOT_FAIL(err, FOT_ERR_USAGE, "--shard slurm: %s is %s: this is no job array",
					names[i], text ? text : "not set");
	}
	if (value[1] < 1 || value[3] < 1 || value[0] < value[2] || (value[0] - value[2]) % value[3] != 0 ||
	    (value[0] - value[2]) / value[3] >= value[1])
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--shard slurm: task %lld of %lld from %lld in steps of %lld does not fit",
				(long long)value[0], (long long)value[1], (long long)value[2],
				(long long)value[3]);
	opts->shard = (value[0] - value[2]) / value[3];
	opts->shards = value[1];
	return FOT_OK;
}

static int set_shard(struct fot_run_opts *opts, const char *text, struct fot_err *err)
{
	char copy[64], *slash;

	if (!text)
		return FOT_OK;
	if (strcmp(text, "slurm") == 0)
		return slurm_shard(opts, err);
	if (strlen(text) >= sizeof copy)
		return bad_shard(text, err);
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (!slash)
		return bad_shard(text, err);
	*slash = '\0';
	if (!fot_parse_i64(copy, &opts->shard) || !fot_parse_i64(slash + 1, &opts->shards) ||
	    opts->shard < 1 || opts->shard > opts->shards || opts->shards > FOT_SHARDS_MOST)
		return bad_shard(text, err);
	opts->shard--;
	return FOT_OK;
}

static int print_dry_run(const struct fot_plan *plan, const struct fot_work *work, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_dry_run(&text, plan, work, err);

	if (status == FOT_OK) {
		fputs(text.data, stdout);
		status = fot_flush_stdout(err);
	}
	fot_str_release(&text);
	return status;
}

/* Models and data must still be those of the folders that are merged. */
static int check_given(const struct fot_plan *plan, const struct fot_given_journals *given, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (!given)
		return FOT_OK;
	FOT_TRY(fot_json_differences(&text, given->at[0].identity, "journal", plan->identity, "now", 4, NULL,
				     err));
	FOT_TRY(fot_str_check(&text, err));
	if (text.len > 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "models or data differ from those of the folders: %s",
				  text.data);
out:
	fot_str_release(&text);
	return status;
}

/* given: journals to merge, or NULL. */
static int run_plan(const struct fot_plan *plan, const struct fot_run_flags *c,
		    const struct fot_given_journals *given, const struct fot_options *o, struct fot_err *err)
{
	struct fot_run_opts opts = {
		.output = c->output,
		.mode = c->resume    ? FOT_OUTDIR_RESUME :
			c->overwrite ? FOT_OUTDIR_OVERWRITE :
				       FOT_OUTDIR_NEW,
		.work = { .threads = c->threads          ? (int32_t)c->threads :
				     plan->spec->threads ? plan->spec->threads :
							   fot_default_threads(),
			  .no_sharing = c->no_sharing,
			  .no_skipping = c->no_skipping },
		.timings = !c->no_timings,
		.quiet = c->quiet,
		.digits = c->digits ? (int)c->digits : TABLE_DIGITS,
		.json = c->json,
		.argc = o->argc,
		.argv = o->argv,
		.merge = given != NULL,
		.given = given ? given->at : NULL,
		.n_given = given ? given->n : 0,
	};
	int status;

	FOT_TRY(set_shard(&opts, c->shard, err));
	FOT_TRY(check_given(plan, given, err));
	fot_plan_notices(plan);
	if (c->dry_run)
		FOT_TRY(print_dry_run(plan, &opts.work, err));
	if (!given)
		FOT_TRY(fot_plan_fits(plan, &opts.work, err));
	if (c->dry_run)
		goto out;
	if (c->limit)
		fot_log(FOT_LOG_WARN, "limited to %lld document%s per dataset or trial%s: not for reporting",
			(long long)c->limit, FOT_S(c->limit), FOT_S(c->limit));
	status = fot_run(plan, &opts, err);
out:
	return status;
}

/* The spec is read; the rest is the same for all commands. */
int fot_run_spec(struct fot_spec *spec, const struct fot_run_flags *c, const struct fot_given_journals *given,
		 const struct fot_options *o, struct fot_err *err)
{
	struct fot_str store = FOT_STR_INIT;
	struct fot_plan plan = { 0 };
	int status;

	if (c->verbose)
		fot_log_level(FOT_LOG_DEBUG);
	FOT_TRY(fot_store_find(&store, c->store, err));
	FOT_TRY(fot_plan_open(&plan, spec, store.data, c->limit, err));
	status = run_plan(&plan, c, given, o, err);
out:
	fot_plan_close(&plan);
	fot_str_release(&store);
	return status;
}
