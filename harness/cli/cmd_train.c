/* cmd_train.c: `fotbench train RECIPE.json -o DIR`: trains, shows progress, stops
 * cleanly on a signal. */
#include "harness/cli/cmd_train.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/cli/options.h"
#include "harness/run/paths.h"
#include "harness/run/signals.h"
#include "harness/run/store.h"
#include "model/blas.h"
#include "model/train/trainer.h"

struct watch {
	bool quiet;
	char valid[512]; /* the validation line last printed */
};

static int show(void *user, const struct fot_train_progress *p)
{
	struct watch *w = user;
	char eta[32];

	if (p->valid && strcmp(p->valid, w->valid) != 0) {
		snprintf(w->valid, sizeof w->valid, "%s", p->valid);
		fot_progress_end();
		if (!w->quiet)
			fot_log(FOT_LOG_INFO, "held out (nats per token; without memory, 1 window, all): %s", p->valid);
	}
	fot_duration_text(p->eta_s, eta);
	if (!w->quiet)
		fot_progress("step %lld/%lld  stage %zu  %.2f M tokens  loss %.4f  lr %.2e  %.0f tokens/s  %.0f GFLOP/s  ETA %s",
			     (long long)p->step, (long long)p->steps, p->stage + 1, (double)p->tokens * 1e-6, p->loss,
			     p->lr, p->tokens_per_s, p->gflops, eta);
	return fot_signals_pending() != 0;
}

/* Neither --resume nor --overwrite, and something there: refuse. */
static int check_output(const char *out, bool resume, bool overwrite, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	fot_path_join(&path, out, "recipe.json");
	FOT_TRY(fot_str_check(&path, err));
	if (fot_file_exists(path.data) && !resume && !overwrite)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: a training run is there: give --resume or --overwrite", out);
out:
	fot_str_release(&path);
	return status;
}

/* Say what will be done; true with --dry-run. */
static void describe(const struct fot_recipe *r, const char *out, int threads)
{
	int64_t steps = fot_recipe_steps(r);

	fot_log(FOT_LOG_INFO, "%s: %.2f M parameters, %lld steps, %.1f M tokens, %d threads, about %.0f MiB, into %s",
		r->name, (double)fot_config_parameters(&r->config) * 1e-6, (long long)steps,
		(double)fot_recipe_tokens(r, steps) * 1e-6, threads,
		(double)fot_train_estimate(r, threads) / (1 << 20), out);
}

/* Where the files are that a recipe names. */
struct places {
	struct fot_str recipe, folder, tokenizer, start;
};

static void release_places(struct places *at)
{
	fot_str_release(&at->recipe);
	fot_str_release(&at->folder);
	fot_str_release(&at->tokenizer);
	fot_str_release(&at->start);
}

static int find_recipe(struct places *at, const char *name, struct fot_err *err)
{
	const char *slash;
	int status;

	FOT_TRY(fot_path_need(&at->recipe, FOT_PATH_RECIPE, name, NULL, FOT_ERR_INPUT, err));
	slash = strrchr(at->recipe.data, '/');
	fot_str_add(&at->folder, slash ? at->recipe.data : ".", slash ? (size_t)(slash - at->recipe.data) + 1 : 1);
	status = fot_str_check(&at->folder, err);
out:
	return status;
}

static int find_files(struct places *at, const struct fot_recipe *r, struct fot_train_opts *o, struct fot_err *err)
{
	int status = FOT_OK;

	if (strcmp(r->tokenizer, "byte") != 0 && strcmp(r->tokenizer, "none") != 0) {
		FOT_TRY(fot_path_need(&at->tokenizer, FOT_PATH_TOKENIZER, r->tokenizer, at->folder.data, FOT_ERR_INPUT, err));
		o->tokenizer = at->tokenizer.data;
	}
	if (o->from || !r->start)
		goto out;
	FOT_TRY(fot_path_need(&at->start, FOT_PATH_MODEL, r->start, at->folder.data, FOT_ERR_INPUT, err));
	o->start = at->start.data;
out:
	return status;
}

int fot_cmd_train(int argc, char **argv)
{
	struct fot_str store = FOT_STR_INIT;
	struct fot_recipe recipe = { 0 };
	struct places at = { 0 };
	struct fot_err err = { 0 };
	struct watch watch = { 0 };
	const char *out = NULL, *from = NULL, *data = NULL;
	bool resume = false, overwrite = false, dry = false, finished = false;
	int64_t threads = fot_default_threads(), stop_after = 0;
	struct fot_option table[] = {
		{ .name = "output", .letter = 'o', .type = FOT_OPTION_TEXT, .value = &out, .arg = "DIR",
		  .help = "folder of the run and its result", .required = true },
		{ .name = "threads", .letter = 't', .type = FOT_OPTION_INT, .value = &threads, .lo = 1, .hi = 1024,
		  .arg = "N", .help = "threads" },
		{ .name = "from", .type = FOT_OPTION_TEXT, .value = &from, .arg = "DIR",
		  .help = "start at the checkpoint of a run whose recipe begins the same way, or from a model's weights" },
		{ .name = "store", .type = FOT_OPTION_TEXT, .value = &data, .arg = "DIR", .help = "dataset store" },
		{ .name = "resume", .type = FOT_OPTION_FLAG, .value = &resume,
		  .help = "go on from the last checkpoint, if there is one" },
		{ .name = "overwrite", .type = FOT_OPTION_FLAG, .value = &overwrite, .help = "start anew over an old run" },
		{ .name = "stop-after", .type = FOT_OPTION_INT, .value = &stop_after, .lo = 0, .hi = 1e9, .arg = "STEPS",
		  .help = "stop with a checkpoint after this many steps (0: run to the end)" },
		{ .name = "dry-run", .type = FOT_OPTION_FLAG, .value = &dry, .help = "check the recipe, say what would run" },
		{ .name = "quiet", .letter = 'q', .type = FOT_OPTION_FLAG, .value = &watch.quiet, .help = "no progress" },
	};
	struct fot_options o = { .command = "train", .usage = "train RECIPE.json -o DIR [options]",
				 .about = "Train a model from a recipe. A run that was stopped and resumed ends with the same bits.",
				 .option = table, .n = sizeof table / sizeof *table, .min_positional = 1,
				 .max_positional = 1 };
	struct fot_train_opts opts = { .progress = show, .user = &watch };
	int status, code;

	if (fot_options_answered(&o, argc, argv, &code))
		return code;
	if (data)
		fot_str_puts(&store, data);
	else
		FOT_TRY(fot_store_default(&store));
	FOT_TRY(fot_str_check(&store, &err));
	FOT_TRY(find_recipe(&at, o.positional[0], &err));
	FOT_TRY(fot_recipe_read(&recipe, at.recipe.data, &err));
	if (!watch.quiet || dry)
		describe(&recipe, out, (int)threads);
	if (dry)
		goto out;
	FOT_TRY(check_output(out, resume, overwrite, &err));
	FOT_TRY(fot_blas_check((int32_t)threads, &err));
	fot_signals_install();
	opts.out = out;
	opts.store = store.data;
	opts.from = from;
	opts.resume = resume;
	opts.n_threads = (int)threads;
	opts.stop_after = stop_after;
	FOT_TRY(find_files(&at, &recipe, &opts, &err));
	FOT_TRY(fot_train(&recipe, &opts, &finished, &err));
	fot_progress_end();
	if (!watch.quiet)
		fot_log(FOT_LOG_INFO, "%s: %s, peak memory %.0f MiB", out, finished ? "finished" : "stopped, --resume goes on",
			(double)fot_mem_peak_rss() / (1 << 20));
	if (fot_signals_pending())
		status = 128 + fot_signals_pending();
out:
	fot_progress_end();
	if (err.code)
		fot_command_failed("train", &err);
	fot_recipe_release(&recipe);
	release_places(&at);
	fot_str_release(&store);
	return status;
}
