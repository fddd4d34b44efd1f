/* cmd_run.c: the run command, and perplexity, whose flags build the same spec. */
#include "harness/cmd_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/dryrun.h"
#include "harness/journal.h"
#include "harness/jsondiff.h"
#include "harness/options.h"
#include "harness/run.h"
#include "harness/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const progress_names[] = { "auto", "on", "off", NULL };

/* What run and every task command share. */
struct common {
	const char *output, *store, *shard;
	bool resume, overwrite, dry_run, quiet, no_timings, verbose, no_color, json;
	int64_t limit, threads;
	int progress;
};

/* Of the folders that are merged. */
struct journals {
	struct fot_journal_content at[FOT_POSITIONAL_MAX];
	size_t n;
};

#define COMMON_OPTIONS(c)                                                                                         \
	{ .name = "output",                                                                                       \
	  .letter = 'o',                                                                                          \
	  .type = FOT_OPTION_TEXT,                                                                                \
	  .value = &(c)->output,                                                                                  \
	  .arg = "DIR",                                                                                           \
	  .help = "output folder" },                                                                              \
		{ .name = "resume",                                                                               \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->resume,                                                                          \
		  .help = "go on with an interrupted run" },                                                      \
		{ .name = "overwrite",                                                                            \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->overwrite,                                                                       \
		  .help = "remove the run that stands there" },                                                   \
		{ .name = "dry-run",                                                                              \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->dry_run,                                                                         \
		  .help = "check all inputs and print items, tokens and memory" },                                \
		{ .name = "shard",                                                                                \
		  .type = FOT_OPTION_TEXT,                                                                        \
		  .value = &(c)->shard,                                                                           \
		  .arg = "I/N",                                                                                   \
		  .help = "every N-th item from the I-th on (1 <= I <= N); slurm: by the job array; see merge" }, \
		{ .name = "json",                                                                                 \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->json,                                                                            \
		  .help = "the summary as JSON on stdout instead of the table" },                                 \
		{ .name = "verbose",                                                                              \
		  .letter = 'v',                                                                                  \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->verbose,                                                                         \
		  .help = "also what is for developers" },                                                        \
		{ .name = "no-color",                                                                             \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->no_color,                                                                        \
		  .help = "accepted for scripts: the output is never coloured" },                                 \
		{ .name = "limit",                                                                                \
		  .type = FOT_OPTION_INT,                                                                         \
		  .value = &(c)->limit,                                                                           \
		  .lo = 1,                                                                                        \
		  .hi = 1e9,                                                                                      \
		  .arg = "N",                                                                                     \
		  .help = "only N documents per dataset: not for reporting" },                                    \
		{ .name = "threads",                                                                              \
		  .letter = 't',                                                                                  \
		  .type = FOT_OPTION_INT,                                                                         \
		  .value = &(c)->threads,                                                                         \
		  .lo = 1,                                                                                        \
		  .hi = 4096,                                                                                     \
		  .arg = "N",                                                                                     \
		  .help = "threads; results do not depend on it [all processors]" },                              \
		{ .name = "store",                                                                                \
		  .type = FOT_OPTION_TEXT,                                                                        \
		  .value = &(c)->store,                                                                           \
		  .arg = "DIR",                                                                                   \
		  .help = "folder of datasets" },                                                                 \
		{ .name = "no-timings",                                                                           \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->no_timings,                                                                      \
		  .help = "leave timing columns empty: equal runs give equal files" },                            \
		{ .name = "quiet",                                                                                \
		  .letter = 'q',                                                                                  \
		  .type = FOT_OPTION_FLAG,                                                                        \
		  .value = &(c)->quiet,                                                                           \
		  .help = "only warnings and errors" },                                                           \
	{                                                                                                         \
		.name = "progress", .type = FOT_OPTION_CHOICE, .value = &(c)->progress,                           \
		.choices = progress_names, .help = "progress line"                                                \
	}

static int check_common(const struct common *c, struct fot_err *err)
{
	if (c->resume && c->overwrite)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--resume and --overwrite exclude each other");
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
	int64_t value[COUNT(names)] = { 0, 0, 0, 1 };

	for (size_t i = 0; i < COUNT(names); i++) {
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
	    opts->shard < 1 || opts->shard > opts->shards)
		return bad_shard(text, err);
	opts->shard--;
	return FOT_OK;
}

static int print_dry_run(const struct fot_plan *plan, int32_t threads, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_dry_run(&text, plan, threads, err);

	if (status == FOT_OK) {
		fputs(text.data, stdout);
		status = fot_flush_stdout(err);
	}
	fot_str_release(&text);
	return status;
}

/* Models and data must still be those of the folders that are merged. */
static int check_given(const struct fot_plan *plan, const struct journals *given, struct fot_err *err)
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
static int run_plan(const struct fot_plan *plan, const struct common *c, const struct journals *given,
		    int argc, char **argv, struct fot_err *err)
{
	struct fot_run_opts opts = {
		.output = c->output,
		.mode = c->resume    ? FOT_OUTDIR_RESUME :
			c->overwrite ? FOT_OUTDIR_OVERWRITE :
				       FOT_OUTDIR_NEW,
		.threads = c->threads          ? (int32_t)c->threads :
			   plan->spec->threads ? plan->spec->threads :
						 fot_default_threads(),
		.timings = !c->no_timings,
		.quiet = c->quiet,
		.json = c->json,
		.argc = argc,
		.argv = argv,
		.merge = given != NULL,
		.given = given ? given->at : NULL,
		.n_given = given ? given->n : 0,
	};
	int status;

	FOT_TRY(set_shard(&opts, c->shard, err));
	FOT_TRY(check_given(plan, given, err));
	if (c->dry_run)
		return print_dry_run(plan, opts.threads, err);
	if (c->limit)
		fot_log(FOT_LOG_WARN, "limited to %lld documents per dataset: not for reporting",
			(long long)c->limit);
	status = fot_run(plan, &opts, err);
out:
	return status;
}

/* The spec is read; the rest is the same for all commands. */
static int run_spec(const struct fot_spec *spec, const struct common *c, const struct journals *given,
		    int argc, char **argv, struct fot_err *err)
{
	struct fot_str store = FOT_STR_INIT;
	struct fot_plan plan = { 0 };
	int status;

	if (c->quiet || c->verbose)
		fot_log_level(c->quiet ? FOT_LOG_WARN : FOT_LOG_DEBUG);
	fot_progress_mode(c->quiet ? FOT_PROGRESS_OFF : (enum fot_progress_mode)c->progress);
	if (c->store)
		fot_str_puts(&store, c->store);
	else
		FOT_TRY(fot_store_default(&store));
	FOT_TRY(fot_str_check(&store, err));
	FOT_TRY(fot_plan_open(&plan, spec, store.data, c->limit, err));
	status = run_plan(&plan, c, given, argc, argv, err);
out:
	fot_plan_close(&plan);
	fot_str_release(&store);
	return status;
}

/* FOT_ERR_PARTIAL and signals have been reported where they arose. */
static int end_command(const char *command, int status, const struct fot_err *err)
{
	if (status != FOT_OK && status == err->code)
		fot_command_failed(command, err);
	return status;
}

int fot_cmd_run(int argc, char **argv)
{
	struct common c = { 0 };
	struct fot_option options[] = { COMMON_OPTIONS(&c) };
	struct fot_options o = {
		.command = "run",
		.usage = "run SPEC.json -o DIR [options]",
		.about =
			"Run an experiment: models x memory modes x tasks x datasets x documents, every finished\n"
			"document journalled, so that an interrupted run goes on with --resume. Exit codes: 0 complete,\n"
			"1 failed, 2 usage or spec, 4 some items failed, 5 bad input file, 6 output not written,\n"
			"130/143 stopped by a signal.",
		.option = options,
		.n = COUNT(options),
		.min_positional = 1,
		.max_positional = 1,
	};
	struct fot_spec spec = { 0 };
	struct fot_err err = { 0 };
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	FOT_TRY(check_common(&c, &err));
	FOT_TRY(fot_spec_read(&spec, o.positional[0], &err));
	status = run_spec(&spec, &c, NULL, argc, argv, &err);
out:
	fot_spec_release(&spec);
	return end_command("run", status, &err);
}

/* --- merge --- */

/* The folders' journals; all of the same run. */
static int load_journals(struct journals *j, const struct fot_options *o, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < o->n_positional; i++) {
		fot_str_clear(&path);
		fot_path_join(&path, o->positional[i], "journal.jsonl");
		FOT_TRY(fot_str_check(&path, err));
		FOT_TRY(fot_journal_load(&j->at[i], path.data, err));
		j->n++;
		if (!j->at[i].identity) {
			status =
				FOT_FAIL(err, FOT_ERR_INPUT, "%s: the journal has not even begun", path.data);
			goto out;
		}
		FOT_TRY(fot_json_differences(&text, j->at[0].identity, o->positional[0], j->at[i].identity,
					     o->positional[i], 4, NULL, err));
		FOT_TRY(fot_str_check(&text, err));
		if (text.len > 0) {
			status = FOT_FAIL(err, FOT_ERR_USAGE, "these are not shards of one run: %s",
					  text.data);
			goto out;
		}
	}
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

int fot_cmd_merge(int argc, char **argv)
{
	struct common c = { 0 };
	struct fot_option options[] = { COMMON_OPTIONS(&c) };
	struct fot_options o = {
		.command = "merge",
		.usage = "merge DIR... -o OUT [options]",
		.about =
			"One run out of the folders of its shards (run --shard I/N): the same files as if it had been run at\n"
			"once, byte for byte with --no-timings. Models and data must be where the shards found them; they\n"
			"are checked, nothing is evaluated. Items that no folder holds count as failed (exit code 4).",
		.option = options,
		.n = COUNT(options),
		.min_positional = 1,
		.max_positional = FOT_POSITIONAL_MAX,
	};
	struct journals j = { .n = 0 };
	struct fot_spec spec = { 0 };
	struct fot_err err = { 0 };
	const cJSON *limit;
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	FOT_TRY(check_common(&c, &err));
	if (c.shard || c.limit) {
		status = FOT_FAIL(&err, FOT_ERR_USAGE, "--shard and --limit are for run, not for merge");
		goto out;
	}
	FOT_TRY(load_journals(&j, &o, &err));
	limit = fot_json_get(j.at[0].identity, "limit");
	c.limit = cJSON_IsNumber(limit) && limit->valuedouble >= 1 && limit->valuedouble <= 1e9 ?
			  (int64_t)limit->valuedouble :
			  0;
	FOT_TRY(fot_spec_parse(&spec, fot_json_get(j.at[0].identity, "spec"), o.positional[0], NULL, &err));
	status = run_spec(&spec, &c, &j, argc, argv, &err);
out:
	for (size_t i = 0; i < j.n; i++)
		fot_journal_content_release(&j.at[i]);
	fot_spec_release(&spec);
	return end_command("merge", status, &err);
}

/* --- validate --- */

static int print_validated(const char *path, const struct fot_plan *plan, struct fot_err *err)
{
	printf("%s: valid: %zu models, %zu conditions, %zu datasets, %zu items, run_id %s\n", path,
	       plan->n_models, plan->n_conditions, plan->n_datasets, plan->n_items, plan->run_id);
	return fot_flush_stdout(err);
}

int fot_cmd_validate(int argc, char **argv)
{
	const char *store = NULL;
	struct fot_option options[] = {
		{ .name = "store",
		  .type = FOT_OPTION_TEXT,
		  .value = &store,
		  .arg = "DIR",
		  .help = "folder of datasets" },
	};
	struct fot_options o = {
		.command = "validate",
		.usage = "validate SPEC.json [options]",
		.about =
			"Check a spec: its keys and values, that its models and datasets can be opened, and that every\n"
			"condition can be run. Nothing is written. run --dry-run also says what it would cost.",
		.option = options,
		.n = COUNT(options),
		.min_positional = 1,
		.max_positional = 1,
	};
	struct fot_str where = FOT_STR_INIT;
	struct fot_spec spec = { 0 };
	struct fot_plan plan = { 0 };
	struct fot_err err = { 0 };
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	FOT_TRY(fot_spec_read(&spec, o.positional[0], &err));
	if (store)
		fot_str_puts(&where, store);
	else
		FOT_TRY(fot_store_default(&where));
	FOT_TRY(fot_str_check(&where, &err));
	FOT_TRY(fot_plan_open(&plan, &spec, where.data, 0, &err));
	status = print_validated(o.positional[0], &plan, &err);
out:
	fot_plan_close(&plan);
	fot_spec_release(&spec);
	fot_str_release(&where);
	return end_command("validate", status, &err);
}

/* --- perplexity --- */

struct perplexity_flags {
	struct fot_texts models, variants;
	const char *memory, *datasets, *lengths, *split, *name;
	int64_t top_k, window, target_tokens, documents, seed;
	int mem_dtype;
};

static const char *const dtype_names[] = { "model", "f32", "bf16", NULL };

/* Each comma-separated part of text to the end of a JSON list, or as knn/dense/none objects. */
static bool add_parts(cJSON *list, const char *text)
{
	char *copy = fot_strdup(text), *save = NULL;
	bool good = copy != NULL && list != NULL;

	for (char *part = copy ? strtok_r(copy, ",", &save) : NULL; part && good;
	     part = strtok_r(NULL, ",", &save))
		good = cJSON_AddItemToArray(list, cJSON_CreateString(part));
	fot_free(copy);
	return good;
}

static bool add_memories(cJSON *list, const struct perplexity_flags *f)
{
	char *copy = fot_strdup(f->memory), *save = NULL;
	bool good = copy != NULL && list != NULL;

	for (char *part = copy ? strtok_r(copy, ",", &save) : NULL; part && good;
	     part = strtok_r(NULL, ",", &save)) {
		cJSON *o = cJSON_CreateObject();

		good = o && cJSON_AddItemToArray(list, o) && cJSON_AddStringToObject(o, "mode", part);
		if (good && f->top_k && strcmp(part, "knn") == 0)
			good = cJSON_AddNumberToObject(o, "top_k", (double)f->top_k);
		if (good && f->mem_dtype && strcmp(part, "none") != 0)
			good = cJSON_AddStringToObject(o, "mem_dtype", dtype_names[f->mem_dtype]);
	}
	fot_free(copy);
	return good;
}

static bool add_models(cJSON *root, const struct perplexity_flags *f)
{
	cJSON *list = cJSON_AddArrayToObject(root, "models");
	bool good = list != NULL;

	for (size_t i = 0; i < f->models.n && good; i++) {
		cJSON *o = cJSON_CreateObject();

		good = o && cJSON_AddItemToArray(list, o) &&
		       cJSON_AddStringToObject(o, "path", f->models.at[i]) &&
		       (i >= f->variants.n || cJSON_AddStringToObject(o, "variant", f->variants.at[i])) &&
		       add_memories(cJSON_AddArrayToObject(o, "memory"), f);
	}
	return good;
}

static cJSON *flags_spec(const struct perplexity_flags *f)
{
	cJSON *root = cJSON_CreateObject(), *task = cJSON_CreateObject(), *tasks;
	bool good = root && task && cJSON_AddStringToObject(root, "name", f->name) &&
		    cJSON_AddNumberToObject(root, "seed", (double)f->seed) &&
		    cJSON_AddNumberToObject(root, "window", (double)f->window) && add_models(root, f);

	tasks = good ? cJSON_AddArrayToObject(root, "tasks") : NULL;
	good = tasks && cJSON_AddItemToArray(tasks, task);
	if (!good)
		cJSON_Delete(task);
	good = good && cJSON_AddStringToObject(task, "task", "perplexity") &&
	       add_parts(cJSON_AddArrayToObject(task, "datasets"), f->datasets) &&
	       cJSON_AddStringToObject(task, "split", f->split) &&
	       add_parts(cJSON_AddArrayToObject(task, "context_lengths"), f->lengths) &&
	       cJSON_AddNumberToObject(task, "target_tokens", (double)f->target_tokens) &&
	       cJSON_AddNumberToObject(task, "documents", (double)f->documents);
	if (good)
		return root;
	cJSON_Delete(root);
	return NULL;
}

int fot_cmd_perplexity(int argc, char **argv)
{
	struct common c = { 0 };
	struct perplexity_flags f = { .memory = "none",
				      .split = "test",
				      .name = "perplexity",
				      .target_tokens = 8192,
				      .documents = 8,
				      .seed = 1 };
	struct fot_option options[] = {
		{ .name = "model",
		  .letter = 'm',
		  .type = FOT_OPTION_TEXTS,
		  .value = &f.models,
		  .arg = "DIR",
		  .required = true,
		  .help = "model folder; may be repeated" },
		{ .name = "variant",
		  .type = FOT_OPTION_TEXTS,
		  .value = &f.variants,
		  .arg = "NAME",
		  .help = "name of the n-th model's variant in the results" },
		{ .name = "dataset",
		  .letter = 'd',
		  .type = FOT_OPTION_TEXT,
		  .value = &f.datasets,
		  .arg = "LIST",
		  .required = true,
		  .help = "datasets by name, folder of .txt or .jsonl, with commas between" },
		{ .name = "split",
		  .type = FOT_OPTION_TEXT,
		  .value = &f.split,
		  .arg = "NAME",
		  .help = "train, valid, test or all" },
		{ .name = "context-lengths",
		  .type = FOT_OPTION_TEXT,
		  .value = &f.lengths,
		  .arg = "LIST",
		  .required = true,
		  .help = "such as 512,2k,8k or 2k-256k*2" },
		{ .name = "memory",
		  .type = FOT_OPTION_TEXT,
		  .value = &f.memory,
		  .arg = "LIST",
		  .help = "none, dense, knn, knn:K" },
		{ .name = "top-k",
		  .type = FOT_OPTION_INT,
		  .value = &f.top_k,
		  .lo = 1,
		  .hi = 2147483647,
		  .arg = "K",
		  .help = "keys per query and head with knn (default: the model's)" },
		{ .name = "mem-dtype",
		  .type = FOT_OPTION_CHOICE,
		  .value = &f.mem_dtype,
		  .choices = dtype_names,
		  .help = "type of stored keys and values" },
		{ .name = "window",
		  .type = FOT_OPTION_SIZE,
		  .value = &f.window,
		  .lo = 1,
		  .hi = 1 << 24,
		  .arg = "W",
		  .help = "local window (default: the model's)" },
		{ .name = "target-tokens",
		  .type = FOT_OPTION_SIZE,
		  .value = &f.target_tokens,
		  .lo = 1,
		  .hi = 1e12,
		  .arg = "N",
		  .help = "tokens scored per document" },
		{ .name = "documents",
		  .type = FOT_OPTION_INT,
		  .value = &f.documents,
		  .lo = 1,
		  .hi = 1e12,
		  .arg = "N",
		  .help = "documents per dataset" },
		{ .name = "seed",
		  .type = FOT_OPTION_INT,
		  .value = &f.seed,
		  .lo = 0,
		  .hi = 9007199254740991.0,
		  .arg = "S",
		  .help = "seed of the bootstrap" },
		{ .name = "name",
		  .type = FOT_OPTION_TEXT,
		  .value = &f.name,
		  .arg = "TEXT",
		  .help = "title of the run" },
		COMMON_OPTIONS(&c),
	};
	struct fot_options o = {
		.command = "perplexity",
		.usage = "perplexity -m DIR -d DATASETS --context-lengths LIST -o DIR [options]",
		.about =
			"Perplexity against context length: the same target tokens are scored at every length, each seeing\n"
			"its local window and the memory of the tokens before it.",
		.option = options,
		.n = COUNT(options),
	};
	struct fot_spec spec = { 0 };
	struct fot_err err = { 0 };
	cJSON *root = NULL;
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	FOT_TRY(check_common(&c, &err));
	root = flags_spec(&f);
	if (!root) {
		status = FOT_FAIL(&err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	FOT_TRY(fot_spec_parse(&spec, root, "command line", NULL, &err));
	status = run_spec(&spec, &c, NULL, argc, argv, &err);
out:
	cJSON_Delete(root);
	fot_spec_release(&spec);
	return end_command("perplexity", status, &err);
}
