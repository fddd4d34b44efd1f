/* cmd_score.c: per-token negative log-likelihood of given tokens, and greedy
 * continuation.  The files are a fixed contract that other programs read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/sum.h"
#include "datasets/unpack.h"
#include "harness/ask/reading.h"
#include "harness/ask/sequences.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/options/reading_options.h"
#include "harness/plan/paths.h"
#include "harness/plan/task_class.h"
#include "model/safetensors.h"

#define TEXT_MAX ((size_t)1 << 31)
#define GIB (1024.0 * 1024.0 * 1024.0)

struct input_flags {
	const char *model, *tokens, *text, *prompt, *mem_layers;
	struct fot_reading_flags reading;
	bool quiet, json;
	int progress;
};

#define INPUT_OPTIONS(f)                                                                                          \
	FOT_COMMON_MODEL(&(f)->model, true),                                                                      \
		{ FOT_TEXT_OPTION("tokens", &(f)->tokens, "FILE",                                                 \
				  "JSON: [[1,2,3], ...] {\"input_ids\": [[...], ...]} or {\"turns\": [...]}") },     \
		{ FOT_TEXT_OPTION("text", &(f)->text, "FILE",                                                     \
				  "UTF-8 text instead, read by the model's tokenizer") },                         \
		{ FOT_TEXT_OPTION("prompt", &(f)->prompt, "TEXT", "this text instead") },                         \
		READING_OPTIONS(&(f)->reading, &(f)->mem_layers), FOT_COMMON_QUIET(&(f)->quiet),                  \
		FOT_COMMON_JSON(&(f)->json), FOT_COMMON_PROGRESS(&(f)->progress)

struct input {
	struct fot_model *model;
	struct fot_sequences seq;
};

/* As all readers of texts take it (docs/data.md). */
static int read_text(struct input *in, const char *path, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_unpacked_text(&text, path, TEXT_MAX, err));
	status = fot_sequences_of_text(&in->seq, path, text.data ? text.data : "", text.len,
				       fot_model_tokenizer(in->model), err);
out:
	fot_str_release(&text);
	return status;
}

static int open_input(struct input *in, const struct input_flags *f, struct fot_err *err)
{
	int status;

	if ((f->tokens != NULL) + (f->text != NULL) + (f->prompt != NULL) != 1)
		return FOT_FAIL(err, FOT_ERR_USAGE, "expected one of --tokens FILE, --text FILE and --prompt TEXT");
	FOT_TRY(fot_path_open_model(&in->model, f->model, err));
	FOT_TRY(fot_reading_attach(in->model, f->mem_layers, &f->reading, err));
	if (f->tokens) {
		status =
			fot_sequences_read(&in->seq, f->tokens, fot_model_config(in->model)->vocab_size, err);
	} else if (!fot_model_tokenizer(in->model)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer, which --%s needs (tokenizer.model or tokenizer.json)", f->model,
				  f->text ? "text" : "prompt");
	} else if (f->prompt) {
		status = fot_sequences_of_text(&in->seq, "--prompt", f->prompt, strlen(f->prompt),
					       fot_model_tokenizer(in->model), err);
	} else {
		status = read_text(in, f->text, err);
	}
out:
	return status;
}

/* Said, not refused: tensors nobody asks for, and what will not fit. */
static int warn(const struct input *in, const struct input_flags *f, size_t longest, struct fot_err *err)
{
	size_t bytes = 0, all = fot_mem_total();
	struct fot_str surplus = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_weights_check(fot_model_weights(in->model), fot_model_config(in->model), &surplus, err));
	if (surplus.len)
		fot_log(FOT_LOG_WARN, "%s: tensors that the config does not ask for: %s", f->model, surplus.data);
	/* flags that do not fit are refused, with reasons, when the session is opened */
	if (fot_reading_estimate(&bytes, in->model, &f->reading, longest, NULL) == FOT_OK && all && bytes > all)
		fot_log(FOT_LOG_WARN, "%s: needs %.1f GiB for %zu tokens, this machine has %.1f", f->model,
			(double)bytes / GIB, longest, (double)all / GIB);
out:
	fot_str_release(&surplus);
	return status;
}

/* more: tokens that will be read beside the input's own. */
static int open_reading(struct input *in, struct fot_reading *r, const struct input_flags *f, size_t more,
			struct fot_err *err)
{
	size_t longest;
	int status;

	FOT_TRY(open_input(in, f, err));
	longest = fot_sequences_longest(&in->seq) + more;
	FOT_TRY(warn(in, f, longest, err));
	status = fot_reading_open(r, in->model, &f->reading, longest, err);
out:
	return status;
}

static void close_input(struct input *in)
{
	fot_sequences_release(&in->seq);
	if (in->model)
		fot_model_close(in->model);
}

/* --- score --- */

struct score_flags {
	struct input_flags in;
	const char *out, *output, *logits; /* out and output: two names of one option */
	bool all_logits, last_window, token_texts;
};

/* The rows, and what they add up to. */
struct scored {
	struct fot_str csv;
	size_t n;
	struct fot_sum nll;
	const struct fot_tokenizer *tokenizer; /* NULL: no texts of tokens */
};

/* Logits of every turn and sequence, turn by turn. */
struct logits {
	float **of;   /* [turns * n] */
	size_t *rows; /* [turns * n] */
	size_t turns, n, vocab;
	bool named; /* turns have names */
};

static void logits_release(struct logits *l)
{
	for (size_t i = 0; i < l->turns * l->n && l->of; i++)
		fot_free(l->of[i]);
	fot_free(l->of);
	fot_free(l->rows);
}

static int logits_init(struct logits *l, const struct input *in, struct fot_err *err)
{
	*l = (struct logits){ .turns = in->seq.n_turns,
			      .n = in->seq.n,
			      .vocab = (size_t)fot_model_config(in->model)->vocab_size,
			      .named = in->seq.turns };
	l->of = fot_calloc(l->turns * l->n, sizeof *l->of);
	l->rows = fot_calloc(l->turns * l->n, sizeof *l->rows);
	return l->of && l->rows ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
}

/* What the file is made of. */
struct logits_file {
	struct fot_tensor *tensor;
	char (*name)[64];
	float **joint; /* [turns] */
	size_t n;
};

static void add_tensor(struct logits_file *f, const struct logits *l, size_t turn, const char *tail, const float *data,
		       size_t sequences, size_t rows)
{
	struct fot_tensor *t = &f->tensor[f->n];
	char *name = f->name[f->n++];

	if (l->named)
		snprintf(name, sizeof *f->name, "turn%zu.logits%s", turn, tail);
	else
		snprintf(name, sizeof *f->name, "logits%s", tail);
	*t = (struct fot_tensor){ .name = name,
				  .dtype = FOT_F32,
				  .rank = 3,
				  .shape = { (int64_t)sequences, (int64_t)rows, (int64_t)l->vocab },
				  .n = (int64_t)(sequences * rows * l->vocab),
				  .data = data };
	t->bytes = (size_t)t->n * sizeof(float);
}

/* One tensor when all sequences have equally many rows; else ".0", ".1", ... of shape
 * [1, tokens, vocab]. */
static int add_turn(struct logits_file *f, const struct logits *l, size_t turn, struct fot_err *err)
{
	float **of = l->of + turn * l->n, *all;
	size_t *rows = l->rows + turn * l->n, each = fot_size_mul(rows[0], l->vocab);
	bool even = true;

	for (size_t i = 1; i < l->n; i++)
		even = even && rows[i] == rows[0];
	for (size_t i = 0; i < l->n && !even; i++) {
		char tail[24];

		snprintf(tail, sizeof tail, ".%zu", i);
		add_tensor(f, l, turn, tail, of[i], 1, rows[i]);
	}
	if (!even)
		return FOT_OK;
	all = f->joint[turn] = fot_alloc(fot_size_mul(l->n, each), sizeof *all);
	if (!all)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the logits of %zu sequences", l->n);
	for (size_t i = 0; i < l->n; i++)
		memcpy(all + i * each, of[i], each * sizeof *all);
	add_tensor(f, l, turn, "", all, l->n, rows[0]);
	return FOT_OK;
}

static int write_logits(const char *path, const struct logits *l, struct fot_err *err)
{
	struct logits_file f = { .tensor = fot_calloc(l->turns * l->n, sizeof *f.tensor),
				 .name = fot_calloc(l->turns * l->n, sizeof *f.name),
				 .joint = fot_calloc(l->turns, sizeof *f.joint) };
	int status;

	if (!f.tensor || !f.name || !f.joint)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu tensors", l->turns * l->n));
	for (size_t t = 0; t < l->turns; t++)
		FOT_TRY(add_turn(&f, l, t, err));
	status = fot_safetensors_write(path, f.tensor, f.n, NULL, 0, err);
out:
	for (size_t t = 0; t < l->turns && f.joint; t++)
		fot_free(f.joint[t]);
	fot_free(f.joint);
	fot_free(f.tensor);
	fot_free(f.name);
	return status;
}

/* A cell with the text of a token: what it adds to that of the token before it, as decoding drops a space in front. */
static int put_text(struct scored *to, const int32_t *token, struct fot_err *err)
{
	struct fot_str before = FOT_STR_INIT, both = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_tokenizer_decode(to->tokenizer, &before, token - 1, 1, err));
	FOT_TRY(fot_tokenizer_decode(to->tokenizer, &both, token - 1, 2, err));
	if (both.len >= before.len && (before.len == 0 || memcmp(both.data, before.data, before.len) == 0))
		fot_str_add(&text, both.data ? both.data + before.len : "", both.len - before.len);
	else
		FOT_TRY(fot_tokenizer_decode(to->tokenizer, &text, token, 1, err));
	FOT_TRY(fot_task_printable(&text, err));
	fot_str_putc(&to->csv, ',');
	fot_quote_csv(&to->csv, text.len ? text.data : "");
out:
	fot_str_release(&before);
	fot_str_release(&both);
	fot_str_release(&text);
	return status;
}

static int put_rows(struct scored *to, size_t sequence, const char *turn,
		    const struct fot_call *c, const double *nll, const int32_t *argmax, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t p = c->score_from + 1; p < c->n && status == FOT_OK; p++) {
		fot_str_printf(&to->csv, "%zu,%s,%zu,%d,", sequence, turn, p, c->tokens[p]);
		fot_str_double(&to->csv, nll[p - 1]);
		fot_str_printf(&to->csv, ",%d", argmax[p - 1]);
		if (to->tokenizer)
			status = put_text(to, c->tokens + p, err);
		fot_str_putc(&to->csv, '\n');
		fot_sum_add(&to->nll, nll[p - 1]);
		to->n++;
	}
	return status;
}

static struct fot_call call_of(const struct fot_turn *t, size_t sequence)
{
	const struct fot_prompt *p = &t->row[sequence];

	return (struct fot_call){ .tokens = p->ids.id,
				  .n = p->ids.n,
				  .columns = p->columns,
				  .pads = p->pads,
				  .no_cache = t->no_cache };
}

static int score_call(struct fot_reading *r, const struct input *in, size_t sequence, size_t turn, struct logits *l,
		      const struct score_flags *f, struct scored *to, struct fot_err *err)
{
	struct fot_call c = call_of(&in->seq.turn[turn], sequence);
	double *nll = fot_alloc(c.n, sizeof *nll);
	int32_t *argmax = fot_alloc(c.n, sizeof *argmax);
	size_t last = fot_reading_last(r, c.n), from = f->all_logits ? 0 : last, place = turn * l->n + sequence;
	float *logits = NULL;
	char name[24] = "";
	int status;

	c.score_from = f->last_window ? last : 0;
	if (l->of) {
		l->rows[place] = c.n - from;
		logits = l->of[place] = fot_alloc(fot_size_mul(c.n - from, l->vocab), sizeof *logits);
	}
	if (!nll || !argmax || (l->of && !logits))
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %zu tokens", c.n));
	FOT_TRY(fot_reading_call(r, &c, nll, argmax, logits, from, err));
	if (in->seq.turns)
		snprintf(name, sizeof name, "%zu", turn);
	FOT_TRY(put_rows(to, sequence, name, &c, nll, argmax, err));
	status = fot_str_check(&to->csv, err);
out:
	fot_free(nll);
	fot_free(argmax);
	return status;
}

static int at_turn(struct fot_err *err, const struct input *in, size_t sequence, size_t turn)
{
	if (in->seq.turns)
		return fot_err_prefix(err, "sequence %zu, turn %zu", sequence, turn);
	return fot_err_prefix(err, "sequence %zu", sequence);
}

static int score_one(struct fot_reading *r, const struct input *in, size_t sequence, struct logits *l,
		     const struct score_flags *f, struct scored *to, struct fot_err *err)
{
	fot_reading_reset(r);
	for (size_t t = 0; t < in->seq.n_turns; t++) {
		if (to->n)
			fot_progress("score: sequence %zu of %zu, %zu tokens scored", sequence, in->seq.n, to->n);
		if (score_call(r, in, sequence, t, l, f, to, err) != FOT_OK)
			return at_turn(err, in, sequence, t);
	}
	return FOT_OK;
}

/* With --json on stdout, else for people. */
static int tell_scored(const struct score_flags *f, const struct scored *s, size_t n_sequences, struct fot_err *err)
{
	double nll = fot_sum_value(&s->nll);
	struct fot_str line = FOT_STR_INIT;
	int status = FOT_OK;

	if (!f->in.json) {
		fot_log(FOT_LOG_INFO, "score: %zu token%s of %zu sequence%s, perplexity %.4g; %s", s->n, FOT_S(s->n), n_sequences, FOT_S(n_sequences),
			s->n ? exp(nll / (double)s->n) : 1.0, f->out);
		goto out;
	}
	fot_str_puts(&line, "{\"output\":");
	fot_str_json(&line, f->out, strlen(f->out));
	fot_str_printf(&line, ",\"n_sequences\":%zu,\"n_tokens_scored\":%zu,\"nll_nats\":", n_sequences, s->n);
	fot_str_double(&line, nll);
	FOT_TRY(fot_str_check(&line, err));
	printf("%s}\n", line.data);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&line);
	return status;
}

static int take_tokenizer(struct scored *to, const struct input *in, const struct score_flags *f, struct fot_err *err)
{
	to->tokenizer = fot_model_tokenizer(in->model);
	if (to->tokenizer)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer, which --token-texts needs (tokenizer.model or tokenizer.json)",
			f->in.model);
}

/* Is it a file of the model's folder, which would be replaced? */
static bool is_of_model(const char *path, const char *dir)
{
	char *folder = fot_path_folder(path);
	bool is = folder && fot_file_exists(path) && fot_same_file(folder, dir);

	fot_free(folder);
	return is;
}

/* Before the work: an output that takes the place of what is read, or of another output, is a mistake. */
static int check_outputs(const struct score_flags *f, const struct input *in, struct fot_err *err)
{
	const char *out[] = { f->out, f->logits }, *read[] = { f->in.tokens, f->in.text };
	int status;

	if (f->logits && fot_same_output(f->out, f->logits))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected another file for --logits than for --output", f->out);
	for (size_t i = 0; i < FOT_COUNT(out) && out[i]; i++) {
		for (size_t k = 0; k < FOT_COUNT(read); k++)
			if (read[k] && fot_same_file(out[i], read[k]))
				return FOT_FAIL(err, FOT_ERR_USAGE, "%s: is what is read; expected another file for the output",
						out[i]);
		if (is_of_model(out[i], fot_model_dir(in->model)))
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: is a file of the model; expected another file for the output",
					out[i]);
		FOT_TRY(fot_file_probe(out[i], err));
	}
	status = FOT_OK;
out:
	return status;
}

static int score(void *flags, const struct fot_options *o, struct fot_err *err)
{
	struct score_flags *f = flags;
	struct input in = { 0 };
	struct fot_reading r = { 0 };
	struct logits l = { 0 };
	struct scored scored = { .csv = FOT_STR_INIT };
	int status;

	if (!f->out == !f->output)
		return FOT_FAIL(err, FOT_ERR_USAGE, "expected --output FILE once; usage: fotbench %s",
				o->usage);
	f->out = f->out ? f->out : f->output;
	FOT_TRY(open_reading(&in, &r, &f->in, 0, err));
	FOT_TRY(check_outputs(f, &in, err));
	if (f->logits)
		FOT_TRY(logits_init(&l, &in, err));
	if (f->token_texts)
		FOT_TRY(take_tokenizer(&scored, &in, f, err));
	fot_str_printf(&scored.csv, "sequence,turn,position,token,nll_nats,argmax%s\n", f->token_texts ? ",text" : "");
	for (size_t i = 0; i < in.seq.n; i++)
		FOT_TRY(score_one(&r, &in, i, &l, f, &scored, err));
	fot_progress_end();
	FOT_TRY(fot_map_check_all(err));
	if (f->logits)
		FOT_TRY(write_logits(f->logits, &l, err));
	FOT_TRY(fot_file_replace(f->out, scored.csv.data, scored.csv.len, err));
	status = tell_scored(f, &scored, in.seq.n, err);
out:
	logits_release(&l);
	fot_str_release(&scored.csv);
	fot_reading_close(&r);
	close_input(&in);
	return status;
}

int fot_cmd_score(int argc, char **argv)
{
	struct score_flags f = { 0 };
	struct fot_option options[] = {
		INPUT_OPTIONS(&f.in),
		{ FOT_TEXT_OPTION("output", &f.output, "FILE",
				  "file for the rows: sequence,turn,position,token,nll_nats,argmax"),
		  .letter = 'o' },
		{ FOT_TEXT_OPTION("out", &f.out, "FILE", "the same as --output") },
		{ FOT_TEXT_OPTION("logits", &f.logits, "FILE.safetensors",
				  "fp32 logits of the last window, [sequences, tokens, vocab]") },
		{ FOT_FLAG_OPTION("all-logits", &f.all_logits, "of all tokens") },
		{ FOT_FLAG_OPTION("last-window", &f.last_window,
				  "score the last window only; the others are just read, which is faster") },
		{ FOT_FLAG_OPTION("token-texts", &f.token_texts,
				  "one more column, text: that of each token") },
	};
	struct fot_options o = FOT_COMMAND(
		"score", "-m DIR --tokens FILE|--text FILE|--prompt TEXT -o FILE.csv [options]",
		"Negative log-likelihood of each token given all before it, and the most likely token there.\n"
		"Sequences may have different lengths; logits of such a batch become tensors logits.0, logits.1, ...\n"
		"Turns are successive calls on one session; their logits are turn0.logits, turn1.logits, ...\n"
		"Padding (0 in attention_mask, on the left) is seen by no token; its columns count as positions.",
		options, 0, 0, score);

	return fot_command(&o, argc, argv, &f);
}

/* --- generate --- */

struct generate_flags {
	struct input_flags in;
	int64_t max_new;
	bool ignore_eos;
};

/* Ids were given: ids as JSON. Text was given: its continuation as text, or with --json both. */
static int put_continuation(struct fot_str *out, const struct generate_flags *f, const struct input *in, size_t sequence,
			    const struct fot_ids *ids, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = FOT_OK;

	if (!f->in.tokens)
		FOT_TRY(fot_tokenizer_decode(fot_model_tokenizer(in->model), &text, ids->id, ids->n, err));
	if (!f->in.tokens && !f->in.json) {
		fot_str_add(out, text.data ? text.data : "", text.len);
		fot_str_putc(out, '\n');
		goto out;
	}
	fot_str_printf(out, "{\"sequence\":%zu,\"tokens\":[", sequence);
	for (size_t i = 0; i < ids->n; i++)
		fot_str_printf(out, "%s%d", i ? "," : "", ids->id[i]);
	fot_str_puts(out, "]");
	if (!f->in.tokens) {
		fot_str_puts(out, ",\"text\":");
		fot_str_json(out, text.data ? text.data : "", text.len);
	}
	fot_str_puts(out, "}\n");
out:
	fot_str_release(&text);
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

static int generate_one(struct fot_reading *r, const struct input *in, size_t sequence, size_t max,
			const struct fot_config *ends, struct fot_ids *ids, struct fot_err *err)
{
	size_t last = in->seq.n_turns - 1;

	fot_reading_reset(r);
	for (size_t t = 0; t <= last; t++) {
		struct fot_call c = call_of(&in->seq.turn[t], sequence);
		int status;

		c.one_position = t == last;
		status = t < last ? fot_reading_call(r, &c, NULL, NULL, NULL, 0, err) :
				    fot_reading_continue(r, &c, max, ends, ids, err);
		if (status != FOT_OK)
			return at_turn(err, in, sequence, t);
	}
	return FOT_OK;
}

static int generate(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct generate_flags *f = flags;
	struct input in = { 0 };
	struct fot_reading r = { 0 };
	struct fot_str line = FOT_STR_INIT;
	struct fot_ids ids = { 0 };
	const struct fot_config *ends;
	int status;

	(void)o;
	FOT_TRY(open_reading(&in, &r, &f->in, (size_t)f->max_new, err));
	ends = f->ignore_eos ? NULL : fot_model_config(in.model);
	for (size_t i = 0; i < in.seq.n; i++) {
		ids.n = 0;
		fot_str_clear(&line);
		if (i)
			fot_progress("generate: sequence %zu of %zu", i, in.seq.n);
		FOT_TRY(generate_one(&r, &in, i, (size_t)f->max_new, ends, &ids, err));
		FOT_TRY(fot_map_check_all(err));
		FOT_TRY(put_continuation(&line, f, &in, i, &ids, err));
		fot_progress_end();
		fwrite(line.data, 1, line.len, stdout);
	}
	status = fot_flush_stdout(err);
out:
	fot_ids_release(&ids);
	fot_str_release(&line);
	fot_reading_close(&r);
	close_input(&in);
	return status;
}

int fot_cmd_generate(int argc, char **argv)
{
	struct generate_flags f = { 0 };
	struct fot_option options[] = {
		INPUT_OPTIONS(&f.in),
		{ FOT_SIZE_OPTION("max-new", &f.max_new, 1, 1 << 24, "N", "tokens to generate"),
		  .letter = 'n', .required = true },
		{ FOT_FLAG_OPTION("ignore-eos", &f.ignore_eos, "do not stop at the end token") },
	};
	struct fot_options o = FOT_COMMAND(
		"generate", "-m DIR --tokens FILE|--text FILE|--prompt TEXT --max-new N [options]",
		"Greedy continuation: of a text its text, of tokens one JSON line per sequence,\n"
		"{\"sequence\":0,\"tokens\":[...]}; with turns, of the last one. With --json a text's line also has\n"
		"\"text\".",
		options, 0, 0, generate);

	return fot_command(&o, argc, argv, &f);
}
