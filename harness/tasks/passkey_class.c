/* passkey_class.c: passkey as a task class: an item is a trial at one depth and length. */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "harness/report/plotdata.h"
#include "harness/run/items.h"
#include "harness/run/pool.h"
#include "harness/tables/columns.h"
#include "tasks/passkey.h"

#define DEFAULT_PROSE "books"
#define PROSE_BYTES ((size_t)8 << 20) /* of the split's documents, one behind the other */
#define PARTS_KEPT 16
#define SAMPLE_BYTES 160 /* of each piece of a prompt that samples show */

/* --- spec --- */

static bool is_prose(int style)
{
	return style != FOT_PASSKEY_PAPER;
}

static bool needs_prose(const struct fot_task_spec *t)
{
	bool found = false;

	for (size_t i = 0; i < t->n_styles; i++)
		found |= is_prose(t->style[i]);
	return found;
}

static bool default_prose(struct fot_task_spec *t)
{
	t->dataset = fot_calloc(1, sizeof *t->dataset);
	if (t->dataset)
		t->dataset[0] = fot_strdup(DEFAULT_PROSE);
	t->n_datasets = t->dataset && t->dataset[0] ? 1 : 0;
	return t->n_datasets == 1;
}

static int complete(struct fot_task_spec *t, const char *where, struct fot_err *err)
{
	if (!t->n_datasets && needs_prose(t) && !default_prose(t))
		return FOT_NO_MEMORY(err, where);
	if (t->n_datasets && !needs_prose(t))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: datasets: only for the prompt_styles text and decoys", where);
	if (t->split != FOT_TEST && !needs_prose(t))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: split: only for the prompt_styles text and decoys", where);
	return FOT_OK;
}

/* --- plan --- */

static struct fot_passkey task_of(const struct fot_plan *p, const struct fot_item *item)
{
	const struct fot_tokenizer *t = fot_task_tokenizer(p, item);

	return (struct fot_passkey){
		.tokenizer = t,
		.bos = fot_tokenizer_bos(t) >= 0,
		.style = (enum fot_passkey_style)item->style,
		.seed = p->spec->seed,
	};
}

static int add_item(struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const char *data = item->dataset == FOT_NO_DATASET ? "synthetic" : fot_dataset_name(p->dataset[item->dataset].data);
	struct fot_str what = FOT_STR_INIT;
	int status;

	fot_str_printf(&what, "%s/%s/%lld/%g/%lld", data, fot_passkey_style_name[item->style],
		       (long long)item->context_length, item->depth, (long long)item->trial);
	FOT_TRY(fot_str_check(&what, err));
	status = fot_plan_add(p, item, what.data, err);
out:
	fot_str_release(&what);
	return status;
}

/* Lengths, depths and trials of one style on one dataset. */
static int add_grid(struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[cell->task];
	int64_t trials = p->limit && p->limit < t->trials ? p->limit : t->trials;
	struct fot_item item = *cell;
	int status = FOT_OK;

	for (size_t l = 0; l < t->n_lengths; l++)
		for (size_t d = 0; d < t->n_depths; d++)
			for (int64_t i = 0; i < trials; i++) {
				item.context_length = t->context_length[l];
				item.depth = t->depth[d];
				item.trial = i;
				FOT_TRY(add_item(p, &item, err));
			}
out:
	return status;
}

/* Has a condition before this one the same tokenizer and window? Then its prompts need the same tokens. */
static bool was_checked(const struct fot_plan *p, const struct fot_item *cell)
{
	struct fot_item other = *cell;
	const char *hash = fot_tokenizer_hash(fot_task_tokenizer(p, cell));

	for (other.condition = 0; other.condition < cell->condition; other.condition++) {
		const struct fot_tokenizer *t = fot_task_tokenizer(p, &other);

		if (t && strcmp(fot_tokenizer_hash(t), hash) == 0 &&
		    p->condition[other.condition].opts.window == p->condition[cell->condition].opts.window)
			return true;
	}
	return false;
}

/* The same for every style: the filler may be empty. */
static int check_length(const struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	int64_t shortest = p->spec->task[cell->task].context_length[0], window = p->condition[cell->condition].opts.window;
	struct fot_passkey x = task_of(p, cell);
	struct fot_passkey_least least;
	int status;

	if (was_checked(p, cell))
		return FOT_OK;
	status = fot_passkey_least(&least, &x, err);
	if (status == FOT_OK && shortest < least.context)
		return FOT_FAIL(err, FOT_ERR_USAGE, "passkey: context length %lld cannot hold the prompt: at least %lld tokens",
				(long long)shortest, (long long)least.context);
	if (status == FOT_OK && window < least.window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"passkey: a local window of %lld tokens cannot hold the question and its answer: at least %lld",
				(long long)window, (long long)least.window);
	return status;
}

/* Is there any prose? */
static int check_prose(const struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[cell->dataset].data;

	for (size_t i = 0; i < fot_dataset_count(d); i++)
		if (fot_library_takes(p, cell, i))
			return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s: 0 documents in split %s; all splits hold %zu (--split)", fot_dataset_name(d),
			fot_spec_split_name(p->spec->task[cell->task].split), fot_dataset_count(d));
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct fot_item cell = { .condition = condition, .task = task };
	int status = check_length(p, &cell, err);

	for (size_t s = 0; s < t->n_styles && status == FOT_OK; s++) {
		size_t n = is_prose(t->style[s]) ? t->n_datasets : 1;

		cell.dataset = FOT_NO_DATASET;
		cell.style = t->style[s];
		for (size_t k = 0; k < n; k++) {
			if (is_prose(t->style[s])) {
				FOT_TRY(fot_plan_dataset(p, t->dataset[k], &cell.dataset, err));
				FOT_TRY(check_prose(p, &cell, err));
			}
			FOT_TRY(add_grid(p, &cell, err));
		}
	}
out:
	return status;
}

/* --- prompts --- */

/* The parts of a trial's prompts, and for whom they were made. */
struct kept {
	struct fot_passkey_parts *parts;
	const struct fot_tokenizer *tokenizer;
	size_t dataset;
	int style;
	int64_t trial;
	uint64_t used; /* clock of the last use */
};

struct state {
	struct fot_str *prose; /* [n_prose] of the plan's datasets, read when first wanted */
	size_t n_prose;
	struct kept kept[PARTS_KEPT];
	uint64_t clock;
	struct fot_passkey_prompt prompt;
};

static void forget(void *pointer)
{
	struct state *s = pointer;

	for (size_t i = 0; i < PARTS_KEPT; i++)
		fot_passkey_close(s->kept[i].parts);
	for (size_t i = 0; i < s->n_prose; i++)
		fot_str_release(&s->prose[i]);
	fot_free(s->prose);
	fot_passkey_prompt_release(&s->prompt);
	fot_free(s);
}

static int open_state(struct fot_worker *w, size_t task, struct state **out, struct fot_err *err)
{
	struct state *s = w->state[task];

	if (!s) {
		s = fot_calloc(1, sizeof *s);
		if (s)
			s->prose = fot_calloc(w->plan->n_datasets + 1, sizeof *s->prose);
		if (!s || !s->prose) {
			fot_free(s);
			return FOT_NO_MEMORY(err, "passkey");
		}
		s->n_prose = w->plan->n_datasets;
		w->state[task] = s;
	}
	*out = s;
	return FOT_OK;
}

/* The split's documents, one behind the other, up to PROSE_BYTES. *out stays empty unless all of
 * them could be read: what is there is taken for whole. */
static int read_prose(struct fot_str *out, const struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	struct fot_str all = FOT_STR_INIT, one = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_dataset_count(d) && all.len < PROSE_BYTES; i++) {
		if (!fot_library_takes(p, item, i))
			continue;
		FOT_TRY(fot_dataset_text(d, i, &one, err));
		fot_str_add(&all, one.data, one.len);
		fot_str_puts(&all, "\n");
		FOT_TRY(fot_str_check(&all, err));
	}
	if (all.len > PROSE_BYTES)
		all.len = PROSE_BYTES;
	if (all.len == 0)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s: its documents hold no text",
				 fot_dataset_name(d)));
	fot_str_release(out);
	*out = all;
	all = (struct fot_str)FOT_STR_INIT;
out:
	fot_str_release(&all);
	fot_str_release(&one);
	return status;
}

/* Those of this item, or else the ones not used for longest. */
static struct kept *find_kept(struct state *s, const struct fot_item *item, const struct fot_tokenizer *t)
{
	struct kept *oldest = &s->kept[0];

	for (size_t i = 0; i < PARTS_KEPT; i++) {
		struct kept *k = &s->kept[i];

		if (k->parts && k->tokenizer == t && k->dataset == item->dataset && k->style == item->style &&
		    k->trial == item->trial)
			return k;
		oldest = k->used < oldest->used ? k : oldest;
	}
	fot_passkey_close(oldest->parts);
	*oldest = (struct kept){ .tokenizer = t, .dataset = item->dataset, .style = item->style, .trial = item->trial };
	return oldest;
}

static int open_parts(struct fot_worker *w, struct state *s, const struct fot_item *item, struct kept **out,
		      struct fot_err *err)
{
	const struct fot_task_spec *t = &w->plan->spec->task[item->task];
	struct fot_passkey x = task_of(w->plan, item);
	struct kept *k = find_kept(s, item, x.tokenizer);
	int status = FOT_OK;

	k->used = ++s->clock;
	*out = k;
	if (k->parts)
		return FOT_OK;
	if (is_prose(item->style)) {
		struct fot_str *prose = &s->prose[item->dataset];

		if (prose->len == 0)
			FOT_TRY(read_prose(prose, w->plan, item, err));
		x.text = prose->data;
		x.n_text = prose->len;
	}
	status = fot_passkey_open(&k->parts, &x, (uint64_t)item->trial, t->context_length[t->n_lengths - 1], err);
out:
	return status;
}

static int ask(struct fot_question *q, struct fot_worker *w, const struct fot_item *item, struct fot_err *err)
{
	struct state *s = NULL;
	struct kept *kept;
	int status;

	FOT_TRY(open_state(w, item->task, &s, err));
	FOT_TRY(open_parts(w, s, item, &kept, err));
	FOT_TRY(fot_passkey_build(&s->prompt, kept->parts, item->context_length, item->depth, err));
	fot_passkey_ask(q, &s->prompt);
out:
	return status;
}

/* --- rows --- */

static size_t key_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *t)
{
	size_t row = fot_task_row(p, item, item->context_length, t);

	fot_table_set_real(t, row, "depth", item->depth);
	fot_table_set_int(t, row, "trial", item->trial);
	fot_table_set_int(t, row, "seed", (int64_t)p->spec->seed);
	fot_table_set_text(t, row, "prompt_style", fot_passkey_style_name[item->style]);
	fot_table_set_real(t, row, "chance_level", FOT_PASSKEY_CHANCE);
	return row;
}

/* Text of the prompt's tokens [from, to), clipped to the prompt. */
static bool add_piece(cJSON *o, const char *name, const struct fot_tokenizer *t, const struct fot_passkey_prompt *p,
		      size_t from, size_t to)
{
	to = to < p->n_prompt ? to : p->n_prompt;
	return fot_task_add_text(o, name, t, p->ids.id + from, to - from);
}

static int add_sample(cJSON *samples, const struct fot_plan *p, const struct fot_item *item,
		      const struct fot_passkey_prompt *prompt, const struct fot_str *answer, bool match,
		      struct fot_err *err)
{
	const struct fot_tokenizer *t = fot_task_tokenizer(p, item);
	size_t bos = fot_tokenizer_bos(t) >= 0 ? 1 : 0, at = prompt->key_token_start, n = prompt->n_prompt;
	cJSON *o = fot_json_append(samples);
	bool good;

	good = o && cJSON_AddStringToObject(o, "item", item->id) &&
	       cJSON_AddNumberToObject(o, "context_length", (double)item->context_length) &&
	       add_piece(o, "prompt_begin", t, prompt, bos, bos + SAMPLE_BYTES) &&
	       add_piece(o, "prompt_key", t, prompt, at > bos + SAMPLE_BYTES ? at - SAMPLE_BYTES : bos,
			 at + prompt->n_key_tokens + SAMPLE_BYTES) &&
	       add_piece(o, "prompt_end", t, prompt, n > bos + SAMPLE_BYTES ? n - SAMPLE_BYTES : bos, n) &&
	       cJSON_AddNumberToObject(o, "key", prompt->key) &&
	       cJSON_AddStringToObject(o, "answer", answer->len ? answer->data : "") &&
	       cJSON_AddBoolToObject(o, "exact_match", match);
	return good ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "passkey: out of memory for a sample");
}

static int answered(struct fot_worker *w, const struct fot_item *item, const struct fot_reply *reply,
		    struct fot_table *t, size_t row, cJSON *samples, struct fot_err *err)
{
	const struct state *s = w->state[item->task];
	const struct fot_passkey_prompt *prompt = &s->prompt;
	struct fot_passkey_observation o;
	struct fot_str answer = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_passkey_observe(&o, &answer, prompt, reply, fot_task_tokenizer(w->plan, item), err));
	FOT_TRY(fot_task_printable(&answer, err));
	fot_table_set_int(t, row, "n_tokens_prompt", (int64_t)prompt->n_prompt);
	fot_table_set_int(t, row, "key_token_start", (int64_t)prompt->key_token_start);
	fot_table_set_int(t, row, "key", prompt->key);
	fot_table_set_text(t, row, "answer", answer.len ? answer.data : "");
	fot_table_set_int(t, row, "exact_match", o.exact_match);
	fot_table_set_int(t, row, "answer_rank", o.answer_rank);
	fot_table_set_real(t, row, "answer_logprob_nats", o.answer_logprob_nats);
	if (samples)
		status = add_sample(samples, w->plan, item, prompt, &answer, o.exact_match, err);
out:
	fot_str_release(&answer);
	return status;
}

/* --- what its rows hold and say --- */

static const struct fot_column columns[] = {
	FOT_KEY_COLUMNS,
	{ "depth", FOT_COLUMN_REAL, false, "place of the key in the filler, 0 (start) to 1 (end)" },
	{ "trial", FOT_COLUMN_INT, false, "from 0: key and filler are drawn anew in each" },
	{ "seed", FOT_COLUMN_INT, false, "seed of the run" },
	{ "prompt_style", FOT_COLUMN_TEXT, false, "filler: paper, text or decoys" },
	{ "n_tokens_prompt", FOT_COLUMN_INT, false,
	  "tokens of the prompt, BOS included; with the answer's they are context_length" },
	{ "key_token_start", FOT_COLUMN_INT, false, "position in the prompt of the key sentence's first token" },
	{ "key", FOT_COLUMN_INT, false, "the pass key" },
	{ "answer", FOT_COLUMN_TEXT, false, "greedy text, as many tokens as the key has" },
	{ "exact_match", FOT_COLUMN_BOOL, false, "1: the greedy tokens are the key's" },
	{ "answer_rank", FOT_COLUMN_INT, false,
	  "worst rank of the key's tokens, each given those before it: 1 = all most likely" },
	{ "answer_logprob_nats", FOT_COLUMN_REAL, false, "sum of log p over the key's tokens" },
	{ "chance_level", FOT_COLUMN_REAL, false, "1 / number of possible keys" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, failed" },
	FOT_END_COLUMNS,
	FOT_MEMORY_COLUMN,
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
};

const struct fot_schema fot_schema_passkey = { "passkey", "One row per trial, depth and length.", columns,
					       FOT_COUNT(columns) };

static const struct fot_measure measures[] = {
	{ .metric = "accuracy", .kind = FOT_MEASURE_ITEMS, .right = "exact_match", .heading = "accuracy", .level = true },
};

#define VIEW .metric = { "accuracy" }, .axis = "context_length", .line = { "prompt_style" }, .empty = "depth"
#define ITEMS(count) .items = count " per cell{n_skipped#too long}{n_failed#failed}", .one = "trial or item"

static const struct fot_summary_view summary[] = {
	{ .view = { .rows = FOT_GRID_ESTIMATES, VIEW }, .title = "pass key, trials answered right",
	  .caption = "Pass key: trials whose greedy tokens are the key's, over all depths. In brackets the 95 % Wilson interval, "
		     "then right of all trials.",
	  ITEMS("{n_items:trial}") },
	{ .view = { .metric = { "accuracy" }, .axis = "context_length", .line = { "prompt_style", "depth" }, .filled = "depth" },
	  .caption = "Pass key by depth, the place of the key from 0 (start) to 1 (end of the filler).",
	  ITEMS("{n_items} trials") }, /* results/reference has "1 trials" */
	{ .view = { .rows = FOT_GRID_WITH_ITSELF, VIEW },
	  .caption = "Change of pass-key accuracy, in percentage points, against the same model and memory at its shortest "
		     "context, paired by depth and trial." FOT_INTERVALS
		     "paired bootstrap over trials; p: exact McNemar, adjusted by Holm over the lengths." },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, VIEW },
	  .caption = "Difference of pass-key accuracy, in percentage points, from " FOT_BASELINE
		     " in the same trials; intervals and p as above." },
	{ .view = { .rows = FOT_GRID_WITH_ALL, VIEW },
	  .caption = "Difference of pass-key accuracy, in percentage points, from the same model reading all of its memory (dense) in the same "
		     "trials; intervals and p as above." },
};

static const struct fot_report_view report[] = {
	{ .view = { .metric = { "accuracy" }, .axis = "context_length", .line = { "prompt_style" } },
	  .caption = "pass-key accuracy against context length: trials whose greedy tokens are the key's, over all depths. "
		     "{n_items:trial} per cell{n_missing#others failed}, the same for all lines of a column; {window} tokens of "
		     "local window{common}.{chance} In brackets the 95 % Wilson interval, then right of all trials."
		     FOT_BOLD("higher", "exact McNemar on the same trials"),
	  .compact = "Pass-key accuracy in per cent against context length in tokens" },
};

static const struct fot_figure figures[] = {
	{ .name = "passkey", .title = "Pass-key accuracy (%) by context length and place of the key", .metric = { "accuracy" },
	  .x = "context_length", .y = "depth", FOT_FIGURE_VALUE, .factor = 100, .filled = "depth",
	  .told = FOT_LIST("prompt_style"), .levels = true },
};

const struct fot_measured_task fot_measured_passkey = {
	.schema = &fot_schema_passkey,
	.place = FOT_LIST("prompt_style"),
	.item = FOT_LIST("depth", "trial", "seed"),
	.same = FOT_LIST("key", "n_tokens_prompt", "key_token_start", "chance_level", "memory_tokens", "tokenizer_sha256",
			 "status"),
	.gold = "key",
	.answer = "answer",
	.outcome = FOT_LIST("exact_match", "answer", "answer_rank", "answer_logprob_nats"),
	.axis = "context_length",
	.least = FOT_COMPARED_SHORTEST,
	.enough = FOT_EFFECTIVE_SHARE,
	.part = "depth",
	FOT_MEASURED(measures, summary, report, figures),
};

/* --- spec and class --- */

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	{ FOT_TASK_KEY_DATASETS, .only_if_set = true, .unset = DEFAULT_PROSE,
	  .help = "the prose that the prompt_styles text and decoys are cut from" },
	FOT_TASK_KEY_SPLIT,
	FOT_TASK_KEY_LENGTHS,
	{ .name = "depths", .type = &fot_key_reals, FOT_KEY_LIST(struct fot_task_spec, depth, n_depths), .lo = 0, .hi = 1,
	  .dflt = "[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]", .flag = "depths", .arg = "LIST",
	  .help = "places of the key in the prompt, 0 its start and 1 its end" },
	{ .name = "prompt_styles", .type = &fot_key_choices, FOT_KEY_LIST(struct fot_task_spec, style, n_styles),
	  .words = fot_passkey_style_name, .dflt = "[\"paper\"]", .flag = "prompt-styles", .arg = "LIST",
	  .help = "filler: paper (its sentences), text (prose), decoys (other numbers in the key's words)" },
	{ FOT_TASK_KEY_TRIALS, .dflt = "5", .help = "repetitions of each depth and length, each with another key" },
};

const struct fot_task_class fot_task_passkey = {
	FOT_TASK_NAMED(passkey),
	.about = "find a number in a long text: depth x length",
	.usage = "passkey -m DIR --context-lengths LIST -o DIR [options]",
	.help = "Find a number in a long text: prompts of exactly so many tokens, the key at every depth, in the\n"
		"paper's filler, in prose, or among other numbers in the same words.",
	.version = FOT_PASSKEY_VERSION,
	.needs_tokenizer = true,
	.conventions =
		"prompt and answer together have context_length tokens; right: the greedy tokens, as many as the key has, are the key's",
	.complete = complete,
	.items = items,
	.memory = fot_task_longest,
	.cost = fot_task_window_cost,
	.stem = fot_task_question_stem,
	.evaluate = fot_task_question_evaluate,
	.row = key_row,
	.ask = ask,
	.answered = answered,
	.failed = fot_task_failed_row,
	.forget = forget,
};
