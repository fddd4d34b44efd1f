/* cmd_inspect.c: what a model is: config, tensors, memory and work it takes. */
#include "harness/cmd_inspect.h"

#include <stdio.h>

#include "base/mem.h"
#include "harness/modelfiles.h"
#include "harness/options.h"
#include "model/dtype.h"
#include "model/session.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1024.0 * 1024.0)

struct flags {
	int64_t context, threads;
	bool tensors, check_weights;
};

static void describe_config(struct fot_str *out, const struct fot_config *c)
{
	static const char *const mix[] = { "joint", "gate" }, *const search[] = { "none", "all", "topk" };
	static const char *const tokenizer[] = { "spm", "byte", "none" };

	fot_str_printf(out, "variant              %s\n", c->variant[0] ? c->variant : "-");
	fot_str_printf(out, "vocabulary           %d (BOS %d, EOS %d, padding %d)\n", c->vocab_size,
		       c->bos_id, c->eos_id, c->pad_id);
	fot_str_printf(out, "layers               %d\n", c->n_layers);
	fot_str_printf(out, "width                %d (heads %d x %d, MLP %d)\n", c->hidden_size, c->n_heads,
		       c->head_dim, c->intermediate_size);
	fot_str_printf(out, "window               %d%s\n", c->window, c->blocks ? ", aligned blocks" : "");
	if (!c->blocks)
		fot_str_printf(out, "last context         %d\n", c->last_context_length);
	fot_str_puts(out, "memory layers       ");
	for (int i = 0; i < c->n_mem_layers; i++)
		fot_str_printf(out, " %d", c->mem_layers[i]);
	fot_str_puts(out, c->n_mem_layers ? "\n" : " none\n");
	if (c->n_mem_layers)
		fot_str_printf(out, "memory               search %s, top-k %d, mix %s, %s, positions %s\n",
			       search[c->search], c->top_k, mix[c->mix], fot_dtype_name(c->mem_dtype),
			       c->mem_positionals ? "as first" : "none");
	fot_str_printf(out, "rotary base          %g\nnorm epsilon         %g\n", c->rope_theta,
		       c->rms_norm_eps);
	fot_str_printf(out, "query-key norm       %s\ntied embeddings      %s\ntokenizer            %s\n",
		       c->qk_norm ? "yes" : "no", c->tie_embeddings ? "yes" : "no", tokenizer[c->tokenizer]);
	fot_str_printf(out, "parameters           %lld\n", (long long)fot_config_parameters(c));
}

static void describe_files(struct fot_str *out, const struct fot_model_files *files)
{
	fot_str_printf(out, "sha256               %s\n", files->sha256);
	for (size_t i = 0; i < files->n; i++)
		fot_str_printf(out, "file                 %s %lld bytes %s\n", files->file[i].name,
			       (long long)files->file[i].bytes, files->file[i].sha256);
}

static void describe_tensors(struct fot_str *out, const struct fot_weights *w)
{
	fot_str_puts(out, "\ntensor                                              type  shape\n");
	for (size_t i = 0; i < fot_weights_count(w); i++) {
		const struct fot_tensor *t = fot_weights_at(w, i);

		fot_str_printf(out, "%-51s %-5s [", t->name, fot_dtype_name(t->dtype));
		for (int r = 0; r < t->rank; r++)
			fot_str_printf(out, "%s%lld", r ? ", " : "", (long long)t->shape[r]);
		fot_str_puts(out, "]\n");
	}
}

/* Weights are mapped; small ones also widened in the session, which reads text as its
 * model cuts it: the last context may be longer than the window. */
static void describe_memory(struct fot_str *out, const struct fot_model *m, struct fot_session_opts o)
{
	const struct fot_config *c = fot_model_config(m);
	const struct fot_weights *w = fot_model_weights(m);
	double weights = 0;

	for (size_t i = 0; i < fot_weights_count(w); i++)
		weights += (double)fot_weights_at(w, i)->bytes;
	if (!c->blocks && c->last_context_length > o.window)
		o.window = c->last_context_length < o.mem_max ? c->last_context_length :
			   o.mem_max > o.window		      ? (int32_t)o.mem_max :
								o.window;
	fot_str_printf(out, "peak memory of reading %lld tokens: %.1f MiB, %.1f of them mapped weights\n",
		       (long long)o.mem_max, ((double)fot_session_estimate(m, &o) + weights) / MIB, weights / MIB);
}

static void describe_cost(struct fot_str *out, const struct fot_model *m, const struct flags *f)
{
	const struct fot_config *c = fot_model_config(m);
	double d = c->hidden_size, per_layer = 2.0 * (4.0 * d * d + 3.0 * d * c->intermediate_size);
	struct fot_session_opts o;

	fot_session_opts_default(&o, m);
	o.n_threads = f->threads ? (int32_t)f->threads : fot_default_threads();
	o.mem_max = f->context;
	fot_str_printf(out, "\nsession of %lld memory tokens, %d threads: %.1f MiB\n", (long long)f->context,
		       o.n_threads, (double)fot_session_estimate(m, &o) / MIB);
	describe_memory(out, m, o);
	fot_str_printf(out, "work per scored token: %.3e flop in weights",
		       c->n_layers * per_layer + 2.0 * d * c->vocab_size);
	fot_str_printf(out, ", %.3e in local attention", 2.0 * c->n_layers * d * c->window);
	if (c->n_mem_layers)
		fot_str_printf(out, ", %.3e in the memory", 4.0 * c->n_mem_layers * d * (double)f->context);
	fot_str_putc(out, '\n');
}

static int inspect(const char *dir, const struct flags *f, struct fot_err *err)
{
	struct fot_model *m = NULL;
	struct fot_model_files files = { 0 };
	struct fot_str out = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_model_open(&m, dir, err));
	FOT_TRY(fot_model_files_read(&files, dir, err));
	if (f->check_weights)
		FOT_TRY(fot_weights_check_finite(fot_model_weights(m), err));
	fot_str_printf(&out, "model                %s\n", dir);
	describe_config(&out, fot_model_config(m));
	describe_files(&out, &files);
	if (f->tensors)
		describe_tensors(&out, fot_model_weights(m));
	describe_cost(&out, m, f);
	FOT_TRY(fot_str_check(&out, err));
	fputs(out.data, stdout);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&out);
	fot_model_files_release(&files);
	if (m)
		fot_model_close(m);
	return status;
}

int fot_cmd_inspect(int argc, char **argv)
{
	struct flags f = { .context = 32768 };
	struct fot_option options[] = {
		{ .name = "context",
		  .type = FOT_OPTION_SIZE,
		  .value = &f.context,
		  .lo = 0,
		  .hi = 1e12,
		  .arg = "N",
		  .help = "memory tokens to estimate for" },
		{ .name = "threads",
		  .letter = 't',
		  .type = FOT_OPTION_INT,
		  .value = &f.threads,
		  .lo = 1,
		  .hi = 1024,
		  .arg = "N",
		  .help = "threads to estimate for [all processors]" },
		{ .name = "tensors",
		  .type = FOT_OPTION_FLAG,
		  .value = &f.tensors,
		  .help = "list all tensors" },
		{ .name = "check-weights",
		  .type = FOT_OPTION_FLAG,
		  .value = &f.check_weights,
		  .help = "look for weights that are not finite" },
	};
	struct fot_options o = {
		.command = "inspect",
		.usage = "inspect MODEL [options]",
		.about = "Show a model's configuration, files, tensors, and the memory and work it takes.",
		.option = options,
		.n = COUNT(options),
		.min_positional = 1,
		.max_positional = 1,
	};
	struct fot_err err = { 0 };
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	status = inspect(o.positional[0], &f, &err);
	return status == FOT_OK ? status : fot_command_failed("inspect", &err);
}
