/* cmd_run.c: the run command, merge and validate. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/jsondiff.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/cli/runner.h"
#include "harness/options/commands.h"
#include "harness/plan/paths.h"
#include "harness/plan/plan.h"
#include "harness/run/dryrun.h"
#include "harness/run/folder.h"
#include "harness/run/manifest.h"
#include "model/blas.h"

struct run_flags {
	struct fot_run_flags run;
	int compute, engine; /* -1: the spec's */
};

static int run(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct run_flags *f = flags;
	struct fot_spec spec = { 0 };
	int status;

	FOT_TRY(fot_run_flags_check(&f->run, err));
	FOT_TRY(fot_spec_read(&spec, o->positional[0], err));
	if (f->compute >= 0)
		spec.compute = (enum fot_compute)f->compute;
	if (f->engine >= 0)
		spec.engine = (enum fot_engine_number)f->engine;
	status = fot_run_spec(&spec, &f->run, NULL, o, err);
out:
	fot_spec_release(&spec);
	return status;
}

int fot_cmd_run(int argc, char **argv)
{
	struct run_flags f = { .compute = -1, .engine = -1 };
	struct fot_option options[] = {
		FOT_RUN_OPTIONS(&f.run),
		{ FOT_CHOICE_OPTION("compute", &f.compute, fot_compute_words,
				    "numbers of products (default: the spec's, f32)") },
		{ FOT_CHOICE_OPTION("engine", &f.engine, fot_engine_words,
				    "what computes (default: the spec's, cpu)") },
	};
	struct fot_options o = FOT_COMMAND(
		"run", "SPEC.json -o DIR [options]",
		"Run an experiment: models x memory modes x tasks x datasets x documents, every finished\n"
		"document journalled, so that an interrupted run goes on with --resume. Exit codes: 0 complete,\n"
		"1 failed, 2 usage or spec, 4 some items failed, 5 bad input file, 6 output not written,\n"
		"130/143 stopped by a signal.",
		options, 1, 1, run);

	return fot_command(&o, argc, argv, &f);
}

/* --- merge --- */

/* A folder's journal. All are of the same run. */
static int load_journal(struct fot_given_journals *j, const char *dir, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_journal_content *c;
	int status;

	if (!FOT_GROW(j->at, j->n, j->cap) || !FOT_GROW(j->dir, j->n, j->cap_dir))
		return FOT_NO_MEMORY(err, "merge");
	c = &j->at[j->n];
	FOT_TRY(fot_folder_journal(c, dir, err));
	j->dir[j->n++] = fot_strdup(dir);
	if (!j->dir[j->n - 1])
		FOT_TRY(FOT_NO_MEMORY(err, "merge"));
	if (!c->identity)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s/journal.jsonl: the journal has not even begun", dir));
	FOT_TRY(fot_json_differences(&text, j->at[0].identity, j->dir[0], c->identity, dir, 4, NULL, err));
	FOT_TRY(fot_str_check(&text, err));
	if (text.len > 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "these are not shards of one run: %s", text.data);
out:
	fot_str_release(&text);
	return status;
}

static bool has_journal(const char *dir)
{
	struct fot_str path = FOT_STR_INIT;
	bool has;

	fot_path_join(&path, dir, "journal.jsonl");
	has = !path.failed && fot_file_exists(path.data);
	fot_str_release(&path);
	return has;
}

/* A folder with a journal; or all such folders in it, as submit makes them. */
static int load_folder(struct fot_given_journals *j, const char *dir, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str path = FOT_STR_INIT;
	size_t before = j->n;
	int status = FOT_OK;

	if (!has_journal(dir) && fot_is_dir(dir))
		FOT_TRY(fot_dir_list(&names, dir, err));
	for (size_t i = 0; i < names.n; i++) {
		FOT_TRY(fot_path_at(&path, dir, names.name[i], err));
		if (has_journal(path.data))
			FOT_TRY(load_journal(j, path.data, err));
	}
	if (j->n == before)
		status = load_journal(j, dir, err); /* or the error that says what is not there */
out:
	fot_names_release(&names);
	fot_str_release(&path);
	return status;
}

static void release_journals(struct fot_given_journals *j)
{
	for (size_t i = 0; i < j->n; i++) {
		fot_journal_content_release(&j->at[i]);
		fot_free(j->dir[i]);
	}
	fot_free(j->at);
	fot_free(j->dir);
}

/* That of the shards. */
static int64_t limit_of(const cJSON *identity)
{
	const cJSON *limit = fot_json_get(identity, "limit");

	return cJSON_IsNumber(limit) && limit->valuedouble >= 1 && limit->valuedouble <= 1e9 ?
		       (int64_t)limit->valuedouble :
		       0;
}

static int merge(void *flags, const struct fot_options *o, struct fot_err *err)
{
	struct fot_run_flags *c = flags;
	struct fot_given_journals j = { 0 };
	struct fot_spec spec = { 0 };
	cJSON *manifest = NULL;
	int status;

	FOT_TRY(fot_run_flags_check(c, err));
	if (c->shard || c->limit || c->no_sharing || c->no_skipping)
		FOT_TRY(FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--shard, --limit, --no-sharing and --no-skipping are for run, not for merge"));
	for (size_t i = 0; i < o->n_positional; i++)
		FOT_TRY(load_folder(&j, o->positional[i], err));
	c->limit = limit_of(j.at[0].identity);
	(void)fot_manifest_read(&manifest, j.dir[0], NULL); /* where the shard found the spec */
	FOT_TRY(fot_spec_parse(&spec, fot_json_get(j.at[0].identity, "spec"), j.dir[0],
			       cJSON_GetStringValue(fot_json_get(manifest, "spec_folder")), err));
	status = fot_run_spec(&spec, c, &j, o, err);
out:
	release_journals(&j);
	cJSON_Delete(manifest);
	fot_spec_release(&spec);
	return status;
}

int fot_cmd_merge(int argc, char **argv)
{
	struct fot_run_flags c = { 0 };
	struct fot_option options[] = { FOT_RUN_OPTIONS(&c) };
	struct fot_options o = FOT_COMMAND(
		"merge", "DIR... -o OUT [options]",
		"One run out of the folders of its shards (run --shard I/N): the same files as if it had been run at\n"
		"once, byte for byte with --no-timings. Models and data must be where the shards found them; they\n"
		"are checked, nothing is evaluated. Items that no folder holds count as failed (exit code 4); run --resume\n"
		"on OUT does them. Where a journal ends in zeros or amid a record, it says so. A DIR that is no run stands\n"
		"for the runs in it: OUT/shards of submit.",
		options, 1, FOT_POSITIONAL_MAX, merge);

	return fot_command(&o, argc, argv, &c);
}

/* --- validate --- */

static int print_validated(const char *path, const struct fot_plan *plan, struct fot_err *err)
{
	size_t n_data = plan->n_datasets + plan->n_labelled;

	fot_print_lines(path);
	printf(": valid: %zu model%s, %zu condition%s, %zu dataset%s, %zu item%s, run_id %s\n", plan->n_models,
	       FOT_S(plan->n_models), plan->n_conditions, FOT_S(plan->n_conditions), n_data, FOT_S(n_data), plan->n_items,
	       FOT_S(plan->n_items), plan->run_id);
	return fot_flush_stdout(err);
}

struct validate_flags {
	const char *store;
	bool quiet;
};

static int validate(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct validate_flags *f = flags;
	struct fot_str where = FOT_STR_INIT;
	struct fot_spec spec = { 0 };
	struct fot_plan plan = { 0 };
	struct fot_work work = { 0 };
	int status;

	FOT_TRY(fot_spec_read(&spec, o->positional[0], err));
	FOT_TRY(fot_store_find(&where, f->store, err));
	FOT_TRY(fot_plan_open(&plan, &spec, where.data, 0, err));
	work.threads = spec.threads ? spec.threads : fot_default_threads();
	FOT_TRY(fot_plan_fits(&plan, &work, err));
	if (!f->quiet)
		status = print_validated(o->positional[0], &plan, err);
out:
	fot_plan_close(&plan);
	fot_spec_release(&spec);
	fot_str_release(&where);
	return status;
}

int fot_cmd_validate(int argc, char **argv)
{
	struct validate_flags f = { 0 };
	struct fot_option options[] = { FOT_COMMON_STORE(&f.store), FOT_COMMON_QUIET(&f.quiet) };
	struct fot_options o = FOT_COMMAND(
		"validate", "SPEC.json [options]",
		"Check a spec: its keys and values, that its models and datasets can be opened, that the documents\n"
		"are long enough, and that every condition can be run here. Nothing is written. run --dry-run also\n"
		"says what it would cost.",
		options, 1, 1, validate);

	return fot_command(&o, argc, argv, &f);
}
