/* cmd_inspect.c: what a model is: config, tensors, memory and work it takes; or a dataset. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/ask/reading.h"
#include "harness/inspect/inspect_dataset.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/options/reading_options.h"
#include "harness/plan/modelfiles.h"
#include "harness/plan/paths.h"
#include "harness/plan/spec.h"
#include "model/attach.h"
#include "model/cost.h"
#include "model/dtype.h"
#include "model/session.h"

#define DTYPES FOT_DTYPE_COUNT
#define MIB (1024.0 * 1024.0)

struct flags {
	const char *model, *lengths, *mem_layers;
	struct fot_reading_flags reading;
	bool tensors, hash, check_weights, quiet, json;
};

static int count_of(const bool *is, int n)
{
	int k = 0;

	for (int i = 0; i < n; i++)
		k += is[i];
	return k;
}

/* What a model has beyond LLaMA's network. */
static void describe_arch(struct fot_str *out, const struct fot_config *c)
{
	static const char *const norms[] = { "", "per head", "over all heads" };
	int bare = count_of(c->no_rope, c->n_layers), slide = count_of(c->slides, c->n_layers);

	if (c->n_kv_heads)
		fot_str_printf(out, "key and value heads  %d, %d query heads share each\n", c->n_kv_heads,
			       c->n_heads / c->n_kv_heads);
	if (c->qkv_bias || c->mlp_bias)
		fot_str_printf(out, "biases               %s%s%s%s\n", c->qkv_bias ? "q, k, v" : "",
			       c->o_bias ? ", o" : "", c->qkv_bias && c->mlp_bias ? ", " : "",
			       c->mlp_bias ? "gate, up, down" : "");
	if (c->qk_rms != FOT_QK_RMS_NONE)
		fot_str_printf(out, "query and key norms  %s\n", norms[c->qk_rms]);
	if (c->output_norms)
		fot_str_puts(out, "layer norms          of outputs\n");
	if (slide)
		fot_str_printf(out, "sliding window       %d, in %d layers\n", c->sliding_window, slide);
	if (bare)
		fot_str_printf(out, "without positions    %d layers\n", bare);
	if (c->rope.type == FOT_ROPE_DEFAULT)
		return;
	fot_str_puts(out, "rotary scaling       ");
	fot_rope_describe(out, &c->rope);
	fot_str_puts(out, "\n");
}

static void describe_config(struct fot_str *out, const struct fot_config *c)
{
	static const char *const mix[] = { "joint", "gate" };
	size_t before;

	fot_str_printf(out, "variant              %s\n", c->variant[0] ? c->variant : "-");
	fot_str_printf(out, "vocabulary           %d (BOS %d, EOS %d", c->vocab_size, c->bos_id, c->eos_id);
	for (int32_t i = 0; i < c->n_more_eos; i++)
		fot_str_printf(out, " and %d", c->more_eos[i]);
	fot_str_printf(out, ", padding %d)\n", c->pad_id);
	fot_str_printf(out, "family               %s\n", fot_family(c->family)->model_type);
	fot_str_printf(out, "layers               %d\n", c->n_layers);
	fot_str_printf(out, "width                %d (heads %d x %d, MLP %d)\n", c->hidden_size, c->n_heads,
		       c->head_dim, c->intermediate_size);
	fot_str_printf(out, "window               %d%s\n", c->window, c->blocks ? ", aligned blocks" : "");
	if (c->max_positions)
		fot_str_printf(out, "positions            %d stated, windows of %d are read (--window N: others)\n",
			       c->max_positions, c->window);
	before = out->len;
	describe_arch(out, c);
	if (out->len == before && !c->qk_norm && !c->cached_windows)
		fot_str_puts(out, "beyond LLaMA         nothing in the network\n");
	if (!c->blocks)
		fot_str_printf(out, "last context         %d\n", c->last_context_length);
	if (c->cached_windows)
		fot_str_puts(out, "cached windows       1 before the local one, in every layer\n");
	fot_str_puts(out, "memory layers       ");
	for (int i = 0; i < c->n_mem_layers; i++)
		fot_str_printf(out, " %d", c->mem_layers[i]);
	fot_str_puts(out, c->n_mem_layers ? "\n" : " none\n");
	if (c->n_mem_layers)
		fot_str_printf(out, "memory               search %s, top-k %d, mix %s, %s, positions %s\n",
			       fot_config_search_word(c->mode), c->top_k, mix[c->mix], fot_dtype_name(c->mem_dtype),
			       c->mem_positionals ? "as first" : "none");
	if (c->n_mem_layers && c->mem_scale != 1)
		fot_str_printf(out, "memory score scale   %g\n", c->mem_scale);
	fot_str_printf(out, "rotary base          %g\nnorm epsilon         %g\n", c->rope_theta,
		       c->rms_norm_eps);
	fot_str_printf(out, "query-key norm       %s\ntied embeddings      %s\n",
		       c->qk_norm ? "yes" : "no", c->tie_embeddings ? "yes" : "no");
	fot_str_printf(out, "parameters           %lld\n", (long long)fot_config_parameters(c));
}

static void describe_files(struct fot_str *out, const struct fot_model_files *files)
{
	if (files->sha256[0])
		fot_str_printf(out, "sha256               %s\n", files->sha256);
	for (size_t i = 0; i < files->n; i++)
		fot_str_printf(out, "file                 %s %lld bytes%s%s\n", files->file[i].name,
			       (long long)files->file[i].bytes, files->file[i].sha256[0] ? " " : "",
			       files->file[i].sha256);
}

/* What the weights are stored as, and what config.json says of it. */
static int describe_types(struct fot_str *out, const struct fot_model *m, struct fot_err *err)
{
	const struct fot_weights *w = fot_model_weights(m);
	struct fot_str path = FOT_STR_INIT;
	const struct fot_json_ctx ctx = { "config.json", FOT_ERR_INPUT };
	const char *said = NULL, *word = "other";
	size_t n[DTYPES] = { 0 };
	cJSON *root = NULL;
	int status;

	for (size_t i = 0; i < fot_weights_count(w); i++)
		n[fot_weights_at(w, i)->dtype]++;
	fot_str_puts(out, "stored               ");
	for (int d = 0; d < DTYPES; d++)
		if (n[d])
			fot_str_printf(out, "%zu tensors %s  ", n[d], fot_dtype_name((enum fot_dtype)d));
	fot_str_printf(out, "%.1f MiB\n", (double)fot_weights_bytes(w) / MIB);
	FOT_TRY(fot_path_at(&path, fot_model_dir(m), "config.json", err));
	FOT_TRY(fot_json_read(&root, path.data, 1 << 20, FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(root, "torch_dtype", false, &said, &ctx, err));
	if (!said)
		FOT_TRY(fot_json_string(root, "dtype", false, &said, &ctx, err));
	for (int d = 0; d < DTYPES; d++)
		if (n[d] == fot_weights_count(w))
			word = d == FOT_F32 ? "float32" : d == FOT_F16 ? "float16" : d == FOT_BF16 ? "bfloat16" : "other";
	if (said && strcmp(said, word) != 0) {
		fot_str_puts(out, "warning: config.json says the weights are ");
		fot_quote_terminal(out, said);
		fot_str_puts(out, "; they are read as they are stored\n");
	}
out:
	cJSON_Delete(root);
	fot_str_release(&path);
	return status;
}

/* Things that are no error, but that one wants to know. */
static int describe_warnings(struct fot_str *out, const struct fot_model *m, bool check_weights, struct fot_err *err)
{
	const struct fot_weights *w = fot_model_weights(m);
	struct fot_str list = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_weights_check(w, fot_model_config(m), &list, err));
	if (list.len)
		fot_str_printf(out, "warning: tensors that the config does not ask for: %s\n", list.data);
	if (!check_weights)
		goto out;
	FOT_TRY(fot_weights_check_finite(w, err));
	fot_str_clear(&list);
	FOT_TRY(fot_weights_constant(w, &list, err));
	if (list.len)
		fot_str_printf(out, "warning: matrices of one value only: %s\n", list.data);
	else
		fot_str_puts(out, "weights              all finite, no constant matrix\n");
out:
	fot_str_release(&list);
	return status;
}

static void put_tokenizer(struct fot_str *out, const struct fot_tokenizer *t)
{
	fot_str_printf(out, "tokenizer            %s", t ? fot_tokenizer_kind(t) : "none");
	if (t)
		fot_str_printf(out, ", %d tokens", fot_tokenizer_vocab(t));
	fot_str_putc(out, '\n');
}

static void put_ids(struct fot_str *out, const struct fot_ids *ids)
{
	fot_str_printf(out, "probe                %zu tokens:", ids->n);
	for (size_t i = 0; i < ids->n; i++)
		fot_str_printf(out, " %d", ids->id[i]);
	fot_str_putc(out, '\n');
}

/* What it makes of a text, and does that come back as it went in? */
static int describe_tokenizer(struct fot_str *out, const struct fot_tokenizer *t, struct fot_err *err)
{
	static const char probe[] = "  The  caf\xC3\xA9,\n\tif (x) {\r\n 12.5 \xE2\x82\xAC \xF0\x9F\x99\x82 <s> ";
	struct fot_ids ids = { 0 };
	struct fot_str back = FOT_STR_INIT;
	int status;

	put_tokenizer(out, t);
	if (!t)
		return FOT_OK;
	FOT_TRY(fot_tokenizer_encode(t, &ids, probe, sizeof probe - 1, err));
	put_ids(out, &ids);
	FOT_TRY(fot_tokenizer_decode(t, &back, ids.id, ids.n, err));
	if (back.len == sizeof probe - 1 && memcmp(back.data, probe, back.len) == 0)
		fot_str_puts(out, "probe                comes back unchanged\n");
	else
		fot_str_puts(out, "warning: the tokenizer does not give text back unchanged (spaces are squeezed?)\n");
out:
	fot_ids_release(&ids);
	fot_str_release(&back);
	return status;
}

static void describe_tensors(struct fot_str *out, const struct fot_weights *w)
{
	fot_str_puts(out, "\ntensor                                              type  shape\n");
	for (size_t i = 0; i < fot_weights_count(w); i++) {
		const struct fot_tensor *t = fot_weights_at(w, i);
		size_t before = out->len;

		fot_quote_terminal(out, t->name);
		fot_str_printf(out, "%*s %-5s [", out->len - before < 51 ? (int)(51 - (out->len - before)) : 0, "",
			       fot_dtype_name(t->dtype));
		for (int r = 0; r < t->rank; r++)
			fot_str_printf(out, "%s%lld", r ? ", " : "", (long long)t->shape[r]);
		fot_str_puts(out, "]\n");
	}
}

/* ---- what reading takes ------------------------------------------------ */

/* One call of n tokens, after docs/longllama.md 1.2 or in blocks; all: every token is scored, else the last
 * window's. */
static struct fot_flops work_of(const struct fot_config *c, const struct fot_session_opts *o, double n, bool all)
{
	double window = o->window, last = n < c->last_context_length ? n : c->last_context_length;
	struct fot_flops f = { 0 };

	if (c->blocks)
		last = n - floor((n - 1) / window) * window;
	fot_flops_read(&f, c, o, 0, n - last, all);
	fot_flops_window(&f, c, o, n - last, last);
	return f;
}

/* What a prompt takes: bytes, and work with all tokens or the last window scored. */
struct takes {
	size_t bytes, memory; /* of bytes, what the memory's keys and values take */
	struct fot_flops all, last;
};

static int takes_of(struct takes *t, const struct fot_model *m, const struct flags *f, int64_t n, struct fot_err *err)
{
	struct fot_config c = *fot_model_config(m);
	struct fot_session_opts o;
	int status;

	FOT_TRY(fot_reading_opts(&o, m, &f->reading, err));
	FOT_TRY(fot_reading_estimate(&t->bytes, m, &f->reading, (size_t)n, err));
	FOT_TRY(fot_reading_estimate_memory(&t->memory, m, &f->reading, (size_t)n, err));
	if (f->reading.last_context)
		c.last_context_length = (int32_t)f->reading.last_context;
	t->all = work_of(&c, &o, (double)n, true);
	t->last = work_of(&c, &o, (double)n, false);
out:
	return status;
}

static int describe_length(struct fot_str *out, const struct fot_model *m, const struct flags *f, int64_t n,
			   struct fot_err *err)
{
	size_t machine = fot_mem_total();
	struct takes t = { 0 };
	double last;
	int status;

	FOT_TRY(takes_of(&t, m, f, n, err));
	last = fot_flops_sum(&t.last) / 100;
	fot_str_printf(out, "%10lld %12.1f %14.4g %14.4g %8.1f %8.1f %8.1f %12.1f%s\n", (long long)n, (double)t.bytes / MIB,
		       fot_flops_sum(&t.all) / 1e12, fot_flops_sum(&t.last) / 1e12, t.last.weights / last, t.last.local / last,
		       t.last.memory / last, (double)t.memory / MIB, machine && t.bytes > machine ? "  more memory than this machine has" : "");
out:
	return status;
}

static int read_lengths(struct fot_lengths *lengths, const struct flags *f, struct fot_err *err)
{
	if (fot_lengths_add(lengths, f->lengths))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "--context-lengths: expected such as 512,2k,8k or 2k-256k*2, got \"%s\"", f->lengths);
}

static int describe_lengths(struct fot_str *out, const struct fot_model *m, const struct flags *f,
			    const struct fot_lengths *lengths, struct fot_err *err)
{
	struct fot_session_opts o;
	struct fot_attach a;
	int status;

	FOT_TRY(fot_reading_opts(&o, m, &f->reading, err));
	a = fot_attach_of(&o, fot_model_config(m));
	fot_str_puts(out, "\nreading with memory ");
	fot_attach_print_kind(out, &a);
	if (a.top_k)
		fot_str_printf(out, ":%d", a.top_k);
	fot_str_printf(out, "%s%s, %d threads; mapped weights: %.1f MiB of the peak\n", a.dtype_given ? " in " : "",
		       a.dtype_given ? fot_dtype_name(a.dtype) : "", o.n_threads,
		       (double)fot_weights_bytes(fot_model_weights(m)) / MIB);
	fot_str_puts(out, "                          all scored    last scored       of these, per cent  keys, values\n"
			  "    tokens     peak MiB         TFLOP          TFLOP  weights    local   memory    of it MiB\n");
	for (size_t i = 0; i < lengths->n && status == FOT_OK; i++)
		status = describe_length(out, m, f, lengths->at[i], err);
out:
	return status;
}

/* Every kind of memory that the model can have. */
static int describe_kinds(struct fot_str *out, const struct fot_model *m, const struct flags *f,
			  const struct fot_lengths *lengths, struct fot_err *err)
{
	struct fot_session_opts o;
	int status = FOT_OK;
	size_t bytes;

	for (int k = 0; k < FOT_MEMORY_COUNT && status == FOT_OK; k++) {
		struct flags one = *f;

		one.reading.memory = fot_memory_mode_name((enum fot_memory_mode)k);
		if (fot_reading_opts(&o, m, &one.reading, NULL) != FOT_OK ||
		    fot_reading_estimate(&bytes, m, &one.reading, 1, NULL) != FOT_OK)
			continue;
		status = describe_lengths(out, m, &one, lengths, err);
	}
	return status;
}

static int describe(struct fot_str *out, const struct fot_model *m, const struct fot_model_files *files,
		    const struct fot_lengths *lengths, const struct flags *f, struct fot_err *err)
{
	int status;

	fot_str_printf(out, "model                %s\n", fot_model_dir(m));
	describe_config(out, fot_model_config(m));
	describe_files(out, files);
	FOT_TRY(describe_types(out, m, err));
	FOT_TRY(describe_tokenizer(out, fot_model_tokenizer(m), err));
	FOT_TRY(describe_warnings(out, m, f->check_weights, err));
	if (f->tensors)
		describe_tensors(out, fot_model_weights(m));
	status = (f->reading.memory ? describe_lengths : describe_kinds)(out, m, f, lengths, err);
out:
	return status;
}

/* --json: the same figures, less the remarks; "config" as it is read, all defaults put in. */
static int json_lengths(cJSON *list, const struct fot_model *m, const struct flags *f, const struct fot_lengths *lengths,
			struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < lengths->n; i++) {
		cJSON *o = fot_json_append(list);
		struct takes t = { 0 };

		FOT_TRY(takes_of(&t, m, f, lengths->at[i], err));
		cJSON_AddNumberToObject(o, "tokens", (double)lengths->at[i]);
		cJSON_AddNumberToObject(o, "peak_bytes", (double)t.bytes);
		cJSON_AddNumberToObject(o, "memory_bytes", (double)t.memory);
		cJSON_AddNumberToObject(o, "all_scored_flop", fot_flops_sum(&t.all));
		cJSON_AddNumberToObject(o, "last_scored_flop", fot_flops_sum(&t.last));
	}
out:
	return status;
}

static void json_files(cJSON *list, const struct fot_model_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		cJSON *o = fot_json_append(list);

		cJSON_AddStringToObject(o, "name", files->file[i].name);
		cJSON_AddNumberToObject(o, "bytes", (double)files->file[i].bytes);
		if (files->file[i].sha256[0])
			cJSON_AddStringToObject(o, "sha256", files->file[i].sha256);
	}
}

static void json_tensors(cJSON *list, const struct fot_weights *w)
{
	for (size_t i = 0; i < fot_weights_count(w); i++) {
		const struct fot_tensor *t = fot_weights_at(w, i);
		cJSON *o = fot_json_append(list), *shape;

		cJSON_AddStringToObject(o, "name", t->name);
		cJSON_AddStringToObject(o, "type", fot_dtype_name(t->dtype));
		shape = cJSON_AddArrayToObject(o, "shape");
		for (int k = 0; k < t->rank; k++)
			cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)t->shape[k]));
	}
}

static int describe_json(struct fot_str *out, const struct fot_model *m, const struct fot_model_files *files,
			 const struct fot_lengths *lengths, const struct flags *f, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);
	cJSON *root = cJSON_CreateObject(), *config = NULL;
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_config_print(&text, c, err));
	FOT_TRY(fot_json_parse(&config, text.data, text.len, "config", FOT_ERR_RUN, err));
	cJSON_AddStringToObject(root, "model", fot_model_dir(m));
	cJSON_AddNumberToObject(root, "parameters", (double)fot_config_parameters(c));
	cJSON_AddNumberToObject(root, "weight_bytes", (double)fot_weights_bytes(fot_model_weights(m)));
	cJSON_AddItemToObject(root, "config", config);
	json_files(cJSON_AddArrayToObject(root, "files"), files);
	if (f->tensors)
		json_tensors(cJSON_AddArrayToObject(root, "tensors"), fot_model_weights(m));
	FOT_TRY(json_lengths(cJSON_AddArrayToObject(root, "lengths"), m, f, lengths, err));
	if (f->check_weights)
		FOT_TRY(fot_weights_check_finite(fot_model_weights(m), err));
	FOT_TRY(fot_json_print(out, root, 1, err));
	fot_str_putc(out, '\n');
out:
	fot_str_release(&text);
	cJSON_Delete(root);
	return status;
}

static int inspect(const char *dir, const struct flags *f, struct fot_err *err)
{
	struct fot_model *m = NULL;
	struct fot_model_files files = { 0 };
	struct fot_lengths lengths = { 0 };
	struct fot_str out = FOT_STR_INIT;
	int status;

	FOT_TRY(read_lengths(&lengths, f, err));
	FOT_TRY(fot_path_open_model(&m, dir, err));
	dir = fot_model_dir(m); /* where it was found */
	FOT_TRY(fot_reading_attach(m, f->mem_layers, &f->reading, err));
	FOT_TRY(f->hash ? fot_model_files_read(&files, dir, err) : fot_model_files_list(&files, dir, err));
	FOT_TRY((f->json ? describe_json : describe)(&out, m, &files, &lengths, f, err));
	FOT_TRY(fot_str_check(&out, err));
	fot_print_lines(out.data);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&out);
	fot_lengths_release(&lengths);
	fot_model_files_release(&files);
	if (m)
		fot_model_close(m);
	return status;
}

/* A folder with a model's files, wherever models are looked for; else what is no dataset's name either, so that the
 * message is about models. */
static bool is_model(const char *name)
{
	static const char *const files[] = { "config.json", "model.safetensors", "model.safetensors.index.json" };
	struct fot_str dir = FOT_STR_INIT;
	bool model = false;

	if (fot_path_find(&dir, FOT_PATH_MODEL, name, NULL))
		for (size_t i = 0; i < FOT_COUNT(files) && !model; i++) {
			struct fot_str path = FOT_STR_INIT;

			fot_path_join(&path, dir.data ? dir.data : name, files[i]);
			model = !path.failed && fot_file_exists(path.data);
			fot_str_release(&path);
		}
	fot_str_release(&dir);
	return model || !fot_inspect_is_dataset(name);
}

static int inspect_dataset(const char *spec, const struct flags *f, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_model *m = NULL;
	int status;

	if (f->model)
		FOT_TRY(fot_path_open_model(&m, f->model, err));
	if (m && !fot_model_tokenizer(m))
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: the model has no tokenizer to count tokens with",
				 f->model));
	status = fot_inspect_dataset(&out, spec, m ? fot_model_tokenizer(m) : NULL, f->json, err);
	if (status != FOT_OK && !m && fot_is_dir(spec))
		fot_err_prefix(err, "no model (it has no config.json), and as a dataset");
	if (status != FOT_OK)
		goto out;
	fot_print_lines(out.data);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&out);
	if (m)
		fot_model_close(m);
	return status;
}

static int run(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct flags *f = flags;

	if (!f->model && !o->n_positional)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"expected a model folder or a dataset, got none; usage: fotbench %s",
				o->usage);
	if (o->n_positional && (f->model || !is_model(o->positional[0])))
		return inspect_dataset(o->positional[0], f, err);
	return inspect(f->model ? f->model : o->positional[0], f, err);
}

int fot_cmd_inspect(int argc, char **argv)
{
	struct flags f = { .lengths = "2k,8k,32k,256k" };
	struct fot_option options[] = {
		FOT_COMMON_MODEL(&f.model, false),
		{ FOT_TEXT_OPTION(
			"context-lengths", &f.lengths, "LIST",
			"tokens of a prompt to foretell memory and work for, such as 512,2k,8k or 2k-256k*2") },
		READING_OPTIONS(&f.reading, &f.mem_layers),
		{ FOT_FLAG_OPTION("tensors", &f.tensors, "list all tensors") },
		{ FOT_FLAG_OPTION("hash", &f.hash, "sha256 of every file, for which all of them are read") },
		{ FOT_FLAG_OPTION("check-weights", &f.check_weights,
				  "look for weights that are not finite and for matrices of one value") },
		FOT_COMMON_QUIET(&f.quiet),
		FOT_COMMON_JSON(&f.json),
	};
	struct fot_options o = FOT_COMMAND(
		"inspect", "DIR|-m DIR [options], inspect DATASET [-m DIR]",
		"Show a model's configuration, files, tensors, and the memory and work that reading takes.\n"
		"Work is for one prompt with all its tokens scored, and with its last window scored only.\n"
		"Of a dataset: documents, labelled items, splits, classes; tokens with the tokenizer of a model.",
		options, 0, 1, run);

	return fot_command(&o, argc, argv, &f);
}
