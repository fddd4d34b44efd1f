/* cmd_train.c: `fotbench train RECIPE.json -o DIR`: trains, shows progress, stops
 * cleanly on a signal. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/run/signals.h"
#include "model/blas.h"
#include "model/train/trainer.h"

struct watch {
	int64_t step;    /* done last; 0: none in this run */
	char valid[512]; /* the validation line last printed */
};

static void say(void *user, const char *dataset, const char *text)
{
	(void)user;
	fot_log(FOT_LOG_WARN, "%s: %s", dataset, text);
}

static int show(void *user, const struct fot_train_progress *p)
{
	struct watch *w = user;
	char eta[32];

	if (p->valid && strcmp(p->valid, w->valid) != 0) {
		snprintf(w->valid, sizeof w->valid, "%s", p->valid);
		fot_progress_end();
		fot_log(FOT_LOG_INFO, "held out (nats per token; without memory, 1 window, all): %s", p->valid);
	}
	w->step = p->step;
	fot_duration_text(p->eta_s, eta);
	fot_progress("step %lld/%lld  stage %zu  %.2f M tokens  loss %.4f  lr %.2e  %.0f tokens/s  %.0f GFLOP/s  ETA %s",
		     (long long)p->step, (long long)p->steps, p->stage + 1, (double)p->tokens * 1e-6, p->loss, p->lr,
		     p->tokens_per_s, p->gflops, eta);
	return fot_signals_pending() != 0;
}

/* Neither --resume nor --overwrite, and something there: refuse. */
static int check_output(const char *out, bool resume, bool overwrite, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	if (!out) /* a dry run */
		return FOT_OK;
	FOT_TRY(fot_path_at(&path, out, "recipe.json", err));
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

	fot_log(FOT_LOG_INFO, "%s: %.2f M parameters, %lld steps, %.1f M tokens, %d threads%s, about %.0f MiB%s%s",
		r->name, (double)fot_config_parameters(&r->config) * 1e-6, (long long)steps,
		(double)fot_recipe_tokens(r, steps) * 1e-6, threads,
		r->compute == FOT_COMPUTE_BF16 ? ", products in bf16" : "",
		(double)fot_train_estimate(r, threads) / (1 << 20), out ? ", into " : "", out ? out : "");
}

/* How it ended, for people and with --json. */
static int tell(const struct watch *w, const char *out, bool finished, int64_t steps, bool json, struct fot_err *err)
{
	struct fot_str line = FOT_STR_INIT;
	int status = FOT_OK;

	if (finished)
		fot_log(FOT_LOG_INFO, "%s: finished, peak memory %.0f MiB; look at it: fotbench inspect %s", out,
			(double)fot_mem_peak_rss() / (1 << 20), out);
	else if (w->step)
		fot_log(FOT_LOG_INFO, "%s: stopped at step %lld of %lld, peak memory %.0f MiB; --resume goes on; the model so "
				      "far: %s/checkpoint-%lld",
			out, (long long)w->step, (long long)steps, (double)fot_mem_peak_rss() / (1 << 20), out,
			(long long)w->step);
	else
		fot_log(FOT_LOG_INFO, "%s: nothing done: --stop-after counts from the run's beginning, and the checkpoint is there "
				      "or further", out);
	if (!json)
		return status;
	fot_str_puts(&line, "{\"output\":");
	fot_str_json(&line, out, strlen(out));
	fot_str_printf(&line, ",\"status\":\"%s\",\"steps\":%lld,\"steps_planned\":%lld}", finished ? "complete" : "partial",
		       (long long)(finished ? steps : w->step), (long long)steps);
	FOT_TRY(fot_str_check(&line, err));
	puts(line.data);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&line);
	return status;
}

/* Where the files are that a recipe names. */
struct places {
	struct fot_str recipe, tokenizer, template, start, from;
	char *folder;
};

static void release_places(struct places *at)
{
	fot_str_release(&at->recipe);
	fot_free(at->folder);
	fot_str_release(&at->tokenizer);
	fot_str_release(&at->template);
	fot_str_release(&at->start);
	fot_str_release(&at->from);
}

static int find_recipe(struct places *at, const char *name, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_path_need(&at->recipe, FOT_PATH_RECIPE, name, NULL, FOT_ERR_INPUT, err));
	at->folder = fot_path_folder(at->recipe.data);
	if (!at->folder)
		status = FOT_NO_MEMORY(err, name);
out:
	return status;
}

/* A recipe whose model is the one that it starts from, read again on that. */
static int read_base(struct places *at, struct fot_recipe *r, const struct fot_train_opts *o, struct fot_err *err)
{
	struct fot_str config = FOT_STR_INIT;
	const char *base = o->from;
	int status = FOT_OK;

	if (!r->needs_base)
		return FOT_OK;
	FOT_TRY(fot_path_at(&config, base ? base : "", "config.json", err));
	if (!base && !r->start)
		FOT_TRY(FOT_FAIL(
			err, FOT_ERR_USAGE,
			"%s: model: hidden_size: missing, expected it, or init.from or --from DIR, whose model this is",
			at->recipe.data));
	if (r->start && (!base || !fot_file_exists(config.data))) {
		FOT_TRY(fot_path_need(&at->start, FOT_PATH_MODEL, r->start, at->folder, FOT_ERR_INPUT, err));
		base = at->start.data;
	}
	fot_recipe_release(r);
	status = fot_recipe_read_on(r, at->recipe.data, base, err);
out:
	fot_str_release(&config);
	return status;
}

static int find_files(struct places *at, const struct fot_recipe *r, struct fot_train_opts *o, struct fot_err *err)
{
	int status = FOT_OK;

	if (strcmp(r->tokenizer, "byte") != 0 && strcmp(r->tokenizer, "none") != 0) {
		FOT_TRY(fot_path_need(&at->tokenizer, FOT_PATH_TOKENIZER, r->tokenizer, at->folder, FOT_ERR_INPUT, err));
		o->tokenizer = at->tokenizer.data;
	}
	if (r->generator.kind == FOT_GENERATOR_EPISODES) {
		FOT_TRY(fot_path_need(&at->template, FOT_PATH_TEMPLATE, r->generator.template, at->folder, FOT_ERR_INPUT, err));
		o->template = at->template.data;
	}
	if (o->from || !r->start)
		goto out;
	if (at->start.len == 0)
		FOT_TRY(fot_path_need(&at->start, FOT_PATH_MODEL, r->start, at->folder, FOT_ERR_INPUT, err));
	o->start = at->start.data;
out:
	return status;
}

struct flags {
	const char *output, *from, *store;
	bool resume, overwrite, dry, quiet, json;
	int64_t threads, stop_after;
	int progress, compute; /* compute -1: the recipe's */
};

static int train(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct flags *f = flags;
	int threads = f->threads ? (int)f->threads : fot_default_threads();
	struct watch watch = { 0 };
	struct fot_train_opts opts = { .out = f->output,
				       .resume = f->resume,
				       .n_threads = threads,
				       .stop_after = f->stop_after,
				       .progress = show,
				       .notice = say,
				       .user = &watch };
	struct fot_str store = FOT_STR_INIT;
	struct fot_recipe recipe = { 0 };
	struct places at = { 0 };
	bool finished = false;
	int status;

	if (!f->output && !f->dry)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--output DIR is missing (or --dry-run)");
	if (f->dry)
		fot_log_level(FOT_LOG_INFO); /* it is asked for what it says */
	FOT_TRY(fot_store_find(&store, f->store, err));
	opts.store = store.data;
	FOT_TRY(find_recipe(&at, o->positional[0], err));
	if (f->from) {
		FOT_TRY(fot_path_need(&at.from, FOT_PATH_MODEL, f->from, NULL, FOT_ERR_INPUT, err));
		opts.from = at.from.data;
	}
	FOT_TRY(fot_recipe_read(&recipe, at.recipe.data, err));
	FOT_TRY(read_base(&at, &recipe, &opts, err));
	if (f->compute >= 0)
		FOT_TRY(fot_recipe_compute(&recipe, (enum fot_compute)f->compute, err));
	describe(&recipe, f->output, threads);
	FOT_TRY(check_output(f->output, f->resume, f->overwrite, err));
	FOT_TRY(fot_blas_check(threads, err));
	FOT_TRY(find_files(&at, &recipe, &opts, err));
	if (f->dry) {
		status = fot_train_check(&recipe, &opts, err);
		goto out;
	}
	fot_signals_install();
	FOT_TRY(fot_train(&recipe, &opts, &finished, err));
	fot_progress_end();
	FOT_TRY(tell(&watch, f->output, finished, fot_recipe_steps(&recipe), f->json, err));
	if (fot_signals_pending())
		status = 128 + fot_signals_pending();
out:
	fot_progress_end();
	fot_recipe_release(&recipe);
	release_places(&at);
	fot_str_release(&store);
	return status;
}

int fot_cmd_train(int argc, char **argv)
{
	struct flags f = { .progress = FOT_PROGRESS_AUTO, .compute = -1 };
	struct fot_option table[] = {
		FOT_COMMON_OUTPUT(&f.output, false),
		{ FOT_TEXT_OPTION(
			"from", &f.from, "DIR",
			"start at the checkpoint of a run whose recipe begins the same way, or from a model's weights") },
		FOT_COMMON_STORE(&f.store),
		{ FOT_CHOICE_OPTION("compute", &f.compute, fot_compute_words,
				    "numbers of products (default: the recipe's, f32)") },
		{ FOT_FLAG_OPTION("resume", &f.resume, "go on from the last checkpoint, if there is one") },
		{ FOT_FLAG_OPTION("overwrite", &f.overwrite, "start anew over an old run") },
		{ FOT_INT_OPTION(
			"stop-after", &f.stop_after, 0, 1e9, "STEPS",
			"stop with a checkpoint at this step, counted from the run's beginning (0: run to the end)") },
		{ FOT_FLAG_OPTION("dry-run", &f.dry,
				  "check the recipe, open its texts and tokenizer, say what would run") },
		FOT_COMMON_THREADS(&f.threads),
		FOT_COMMON_QUIET(&f.quiet),
		FOT_COMMON_JSON(&f.json),
		FOT_COMMON_PROGRESS(&f.progress),
	};
	struct fot_options o = FOT_COMMAND(
		"train", "RECIPE.json -o DIR [options]",
		"Train a model from a recipe. A run that was stopped and resumed ends with the same bits.",
		table, 1, 1, train);

	return fot_command(&o, argc, argv, &f);
}
