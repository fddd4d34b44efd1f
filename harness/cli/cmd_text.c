/* cmd_text.c: text to ids and back, line by line. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "datasets/unpack.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "model/model.h"

#define MAX_FILE ((size_t)1 << 31)

/* A model's folder, or what is shipped as a tokenizer alone. */
static int find_tokenizer(struct fot_str *at, const char *name, struct fot_err *err)
{
	if (fot_path_find(at, FOT_PATH_TOKENIZER, name, NULL) && !fot_is_dir(at->data))
		return fot_str_check(at, err);
	fot_str_clear(at);
	return fot_path_need(at, FOT_PATH_MODEL, name, NULL, FOT_ERR_INPUT, err);
}

/* --model: a model folder, a tokenizer.model or tokenizer.json file, or "byte". */
static int open_tokenizer(struct fot_tokenizer **out, const char *model, struct fot_err *err)
{
	struct fot_str at = FOT_STR_INIT;
	struct fot_config config;
	int status;

	if (strcmp(model, "byte") == 0 && !fot_file_exists(model))
		return fot_tokenizer_open_byte(out, err);
	FOT_TRY(find_tokenizer(&at, model, err));
	model = at.data;
	if (!fot_is_dir(model)) {
		status = fot_tokenizer_open_file(out, model, err);
		goto out;
	}
	FOT_TRY(fot_config_read(&config, model, err));
	if (config.tokenizer == FOT_TOKENIZER_NONE)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the model has no tokenizer", model);
	else
		status = fot_tokenizer_open(out, model, &config, err);
out:
	fot_str_release(&at);
	return status;
}

struct lines {
	const struct fot_tokenizer *t;
	const char *name;
	bool no_bos;
	struct fot_err *err;
};

/* A file in place of what out holds. */
typedef int read_fn(struct fot_str *out, const char *path, size_t max, struct fot_err *err);
/* One line of input into one line on stdout. */
typedef int line_fn(const struct lines *l, const char *line, size_t n, size_t number, struct fot_str *out);

/* Every line; a last line without newline counts, an empty rest behind the last newline does not. */
static int each_line(const struct lines *l, const char *path, read_fn *read, line_fn *fn)
{
	struct fot_str text = FOT_STR_INIT, out = FOT_STR_INIT;
	size_t at = 0;
	int status;

	FOT_TRY(read(&text, path, MAX_FILE, l->err));
	for (size_t number = 1; at < text.len; number++) {
		const char *end = memchr(text.data + at, '\n', text.len - at);
		size_t n = end ? (size_t)(end - text.data) - at : text.len - at;

		fot_str_clear(&out);
		FOT_TRY(fn(l, text.data + at, n, number, &out));
		fot_str_putc(&out, '\n');
		FOT_TRY(fot_str_check(&out, l->err));
		fwrite(out.data, 1, out.len, stdout);
		at += n + 1;
	}
	status = fot_flush_stdout(l->err);
out:
	fot_str_release(&text);
	fot_str_release(&out);
	return status;
}

static int put_ids(const struct lines *l, const char *text, size_t n, struct fot_str *out)
{
	struct fot_ids ids = { 0 };
	int32_t bos = fot_tokenizer_bos(l->t);
	int status = FOT_OK;

	if (!l->no_bos && bos >= 0)
		FOT_TRY(fot_ids_push(&ids, bos, l->err));
	FOT_TRY(fot_tokenizer_encode(l->t, &ids, text, n, l->err));
	fot_str_putc(out, '[');
	for (size_t i = 0; i < ids.n; i++)
		fot_str_printf(out, "%s%d", i ? "," : "", ids.id[i]);
	fot_str_putc(out, ']');
out:
	fot_ids_release(&ids);
	return status;
}

static int parse_line(cJSON **node, const struct lines *l, const char *line, size_t n, size_t number)
{
	struct fot_str where = FOT_STR_INIT;
	int status;

	fot_str_printf(&where, "%s: line %zu", l->name, number);
	status = fot_json_parse(node, line, n, where.failed ? l->name : where.data, FOT_ERR_INPUT, l->err);
	fot_str_release(&where);
	return status;
}

static int text_line(const struct lines *l, const char *line, size_t n, size_t number, struct fot_str *out)
{
	(void)number;
	return put_ids(l, line, n, out);
}

static int record_line(const struct lines *l, const char *line, size_t n, size_t number, struct fot_str *out)
{
	struct fot_json_ctx ctx = { l->name, FOT_ERR_INPUT };
	const char *text = NULL;
	cJSON *record = NULL;
	int status;

	FOT_TRY(parse_line(&record, l, line, n, number));
	if (!cJSON_IsObject(record))
		FOT_TRY(FOT_FAIL(l->err, FOT_ERR_INPUT, "%s: line %zu: expected {\"text\": ...}", l->name,
				 number));
	status = fot_json_string(record, "text", true, &text, &ctx, l->err);
	if (status != FOT_OK)
		fot_err_prefix(l->err, "line %zu", number);
	else
		status = put_ids(l, text, strlen(text), out);
out:
	cJSON_Delete(record);
	return status;
}

static int detokenize_line(const struct lines *l, const char *line, size_t n, size_t number,
			   struct fot_str *out)
{
	struct fot_json_ctx ctx = { l->name, FOT_ERR_INPUT };
	struct fot_ids ids = { 0 };
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = NULL;
	const cJSON *list, *node;
	int status;

	FOT_TRY(parse_line(&root, l, line, n, number));
	list = cJSON_IsObject(root) ? fot_json_get(root, "tokens") : root;
	if (!cJSON_IsArray(list))
		FOT_TRY(FOT_FAIL(l->err, FOT_ERR_INPUT,
				 "%s: expected a list of ids or {\"tokens\": [...]}, got \"%.*s\"", l->name,
				 n < 40 ? (int)n : 40, line));
	cJSON_ArrayForEach (node, list) {
		int64_t id;

		FOT_TRY(fot_json_as_i64(node, 0, fot_tokenizer_vocab(l->t) - 1, &id, &ctx, l->err));
		FOT_TRY(fot_ids_push(&ids, (int32_t)id, l->err));
	}
	FOT_TRY(fot_tokenizer_decode(l->t, &text, ids.id, ids.n, l->err));
	fot_str_json(out, text.data ? text.data : "", text.len);
out:
	if (status != FOT_OK && root)
		fot_err_prefix(l->err, "line %zu", number);
	cJSON_Delete(root);
	fot_ids_release(&ids);
	fot_str_release(&text);
	return status;
}

struct flags {
	const char *model, *input;
	bool jsonl, no_bos, quiet;
};

static int run_lines(const struct flags *f, read_fn *read, line_fn *fn, struct fot_err *err)
{
	struct fot_tokenizer *t = NULL;
	struct lines l = { .name = f->input, .no_bos = f->no_bos, .err = err };
	int status;

	FOT_TRY(open_tokenizer(&t, f->model, err));
	l.t = t;
	FOT_TRY(each_line(&l, f->input, read, fn));
out:
	if (t)
		fot_tokenizer_close(t);
	return status;
}

/* Texts as documents are read (docs/data.md): score and generate have the same ids. Records as they are. */
static int tokenize(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct flags *f = flags;

	(void)o;
	if (f->jsonl)
		return run_lines(f, fot_file_read, record_line, err);
	return run_lines(f, fot_unpacked_text, text_line, err);
}

static int detokenize(void *flags, const struct fot_options *o, struct fot_err *err)
{
	struct flags *f = flags;

	if (o->n_positional && !f->input)
		f->input = o->positional[0];
	if (!f->input)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--ids FILE is missing; usage: fotbench %s", o->usage);
	return run_lines(f, fot_file_read, detokenize_line, err);
}

int fot_cmd_tokenize(int argc, char **argv)
{
	struct flags f = { 0 };
	struct fot_option options[] = {
		FOT_COMMON_MODEL(&f.model, true),
		{ FOT_TEXT_OPTION("text", &f.input, "FILE",
				  "UTF-8 text, read as score reads it, or records with --jsonl"),
		  .required = true },
		{ FOT_FLAG_OPTION("jsonl", &f.jsonl, "lines are {\"text\": ...}") },
		{ FOT_FLAG_OPTION("no-bos", &f.no_bos, "do not put BOS first") },
		FOT_COMMON_QUIET(&f.quiet),
	};
	struct fot_options o = FOT_COMMAND(
		"tokenize", "-m DIR --text FILE [options]",
		"Print one JSON list of token ids per line of input. -m: a model folder, a tokenizer.model file, or byte.",
		options, 0, 0, tokenize);

	return fot_command(&o, argc, argv, &f);
}

int fot_cmd_detokenize(int argc, char **argv)
{
	struct flags f = { 0 };
	struct fot_option options[] = {
		FOT_COMMON_MODEL(&f.model, true),
		{ FOT_TEXT_OPTION("ids", &f.input, "FILE",
				  "lines of JSON: [1,2,...] or {\"tokens\": [1,2,...]}") },
		{ FOT_TEXT_OPTION("tokens", &f.input, "FILE", "the same as --ids") },
		{ FOT_TEXT_OPTION("text", &f.input, "FILE", "the same as --ids") },
		FOT_COMMON_QUIET(&f.quiet),
	};
	struct fot_options o = FOT_COMMAND(
		"detokenize", "-m DIR --ids FILE",
		"Print one JSON string per line of input: the inverse of tokenize, and the text of what generate prints.\n"
		"-m: a model folder, a tokenizer.model file, or byte.",
		options, 0, 1, detokenize);

	return fot_command(&o, argc, argv, &f);
}
