/* cmd_run.c: the run command, and perplexity, whose flags build the same spec. */
#include "harness/cmd_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/dryrun.h"
#include "harness/options.h"
#include "harness/run.h"
#include "harness/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const progress_names[] = { "auto", "on", "off", NULL };

/* What run and every task command share. */
struct common {
	const char *output, *store;
	bool resume, overwrite, dry_run, quiet, no_timings;
	int64_t limit, threads;
	int progress;
};

#define COMMON_OPTIONS(c)                                                               \
	{ .name = "output",                                                             \
	  .letter = 'o',                                                                \
	  .type = FOT_OPTION_TEXT,                                                      \
	  .value = &(c)->output,                                                        \
	  .arg = "DIR",                                                                 \
	  .help = "output folder" },                                                    \
		{ .name = "resume",                                                     \
		  .type = FOT_OPTION_FLAG,                                              \
		  .value = &(c)->resume,                                                \
		  .help = "go on with an interrupted run" },                            \
		{ .name = "overwrite",                                                  \
		  .type = FOT_OPTION_FLAG,                                              \
		  .value = &(c)->overwrite,                                             \
		  .help = "remove the run that stands there" },                         \
		{ .name = "dry-run",                                                    \
		  .type = FOT_OPTION_FLAG,                                              \
		  .value = &(c)->dry_run,                                               \
		  .help = "check all inputs and print items, tokens and memory" },      \
		{ .name = "limit",                                                      \
		  .type = FOT_OPTION_INT,                                               \
		  .value = &(c)->limit,                                                 \
		  .lo = 1,                                                              \
		  .hi = 1e9,                                                            \
		  .arg = "N",                                                           \
		  .help = "only N documents per dataset: not for reporting" },          \
		{ .name = "threads",                                                    \
		  .letter = 't',                                                        \
		  .type = FOT_OPTION_INT,                                               \
		  .value = &(c)->threads,                                               \
		  .lo = 1,                                                              \
		  .hi = 4096,                                                           \
		  .arg = "N",                                                           \
		  .help = "threads; results do not depend on it [all processors]" },    \
		{ .name = "store",                                                      \
		  .type = FOT_OPTION_TEXT,                                              \
		  .value = &(c)->store,                                                 \
		  .arg = "DIR",                                                         \
		  .help = "folder of datasets" },                                       \
		{ .name = "no-timings",                                                 \
		  .type = FOT_OPTION_FLAG,                                              \
		  .value = &(c)->no_timings,                                            \
		  .help = "leave timing columns empty: equal runs give equal files" },  \
		{ .name = "quiet",                                                      \
		  .letter = 'q',                                                        \
		  .type = FOT_OPTION_FLAG,                                              \
		  .value = &(c)->quiet,                                                 \
		  .help = "only warnings and errors" },                                 \
	{                                                                               \
		.name = "progress", .type = FOT_OPTION_CHOICE, .value = &(c)->progress, \
		.choices = progress_names, .help = "progress line"                      \
	}

static int check_common(const struct common *c, struct fot_err *err)
{
	if (c->resume && c->overwrite)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--resume and --overwrite exclude each other");
	if (!c->output && !c->dry_run)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--output DIR is missing (or --dry-run)");
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

static int run_plan(const struct fot_plan *plan, const struct common *c, int argc, char **argv,
		    struct fot_err *err)
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
		.argc = argc,
		.argv = argv,
	};

	if (c->dry_run)
		return print_dry_run(plan, opts.threads, err);
	if (c->limit)
		fot_log(FOT_LOG_WARN, "limited to %lld documents per dataset: not for reporting",
			(long long)c->limit);
	return fot_run(plan, &opts, err);
}

/* The spec is read; the rest is the same for all commands. */
static int run_spec(const struct fot_spec *spec, const struct common *c, int argc, char **argv,
		    struct fot_err *err)
{
	struct fot_str store = FOT_STR_INIT;
	struct fot_plan plan = { 0 };
	int status;

	if (c->quiet)
		fot_log_level(FOT_LOG_WARN);
	fot_progress_mode(c->quiet ? FOT_PROGRESS_OFF : (enum fot_progress_mode)c->progress);
	if (c->store)
		fot_str_puts(&store, c->store);
	else
		FOT_TRY(fot_store_default(&store));
	FOT_TRY(fot_str_check(&store, err));
	FOT_TRY(fot_plan_open(&plan, spec, store.data, c->limit, err));
	status = run_plan(&plan, c, argc, argv, err);
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
	status = run_spec(&spec, &c, argc, argv, &err);
out:
	fot_spec_release(&spec);
	return end_command("run", status, &err);
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
	status = run_spec(&spec, &c, argc, argv, &err);
out:
	cJSON_Delete(root);
	fot_spec_release(&spec);
	return end_command("perplexity", status, &err);
}
