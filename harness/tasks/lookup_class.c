/* lookup_class.c: dictionary look-up as a task class: an item is a trial at one length. */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "harness/report/plotdata.h"
#include "harness/run/items.h"
#include "harness/tables/columns.h"
#include "tasks/lookup.h"

enum { QUESTION_TOKENS }; /* own values */

static struct fot_lookup_task task_of(const struct fot_plan *p, size_t condition, size_t task)
{
	return (struct fot_lookup_task){
		.seed = p->spec->seed,
		.window = p->condition[condition].opts.window,
		.question_tokens = p->spec->task[task].own[QUESTION_TOKENS].integer,
	};
}

static int check_vocabulary(const struct fot_plan *p, size_t condition, struct fot_err *err)
{
	const struct fot_plan_model *m = &p->model[p->condition[condition].model];
	int32_t vocab = fot_model_config(m->model)->vocab_size;

	if (vocab == FOT_LOOKUP_VOCAB)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "lookup: expected a model of %d ids, got %d", FOT_LOOKUP_VOCAB, vocab);
}

static int add_trials(struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	int64_t trials = p->spec->task[cell->task].trials;
	char what[64];
	int status = FOT_OK;

	trials = p->limit && p->limit < trials ? p->limit : trials;
	for (int64_t i = 0; i < trials; i++) {
		struct fot_item item = *cell;

		item.trial = i;
		snprintf(what, sizeof what, "%lld/%lld", (long long)cell->context_length, (long long)i);
		FOT_TRY(fot_plan_add(p, &item, what, err));
	}
out:
	return status;
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct fot_lookup_task x = task_of(p, condition, task);
	struct fot_lookup_size size;
	int status;

	FOT_TRY(check_vocabulary(p, condition, err));
	for (size_t l = 0; l < t->n_lengths; l++) {
		struct fot_item cell = { .condition = condition, .task = task, .dataset = FOT_NO_DATASET,
					 .context_length = t->context_length[l] };

		FOT_TRY(fot_lookup_fit(&size, &x, t->context_length[l], err));
		FOT_TRY(add_trials(p, &cell, err));
	}
out:
	return status;
}

/* One prompt is kept: its memory is used again. */
static int ask(struct fot_question *q, struct fot_worker *w, const struct fot_item *item, struct fot_err *err)
{
	struct fot_lookup_task x = task_of(w->plan, item->condition, item->task);
	struct fot_lookup_prompt *prompt = w->state[item->task];
	int status;

	if (!prompt)
		prompt = w->state[item->task] = fot_calloc(1, sizeof *prompt);
	if (!prompt)
		return FOT_NO_MEMORY(err, "lookup");
	FOT_TRY(fot_lookup_build(prompt, &x, (uint64_t)item->trial, item->context_length, err));
	fot_lookup_ask(q, prompt);
out:
	return status;
}

static void forget(void *state)
{
	fot_lookup_prompt_release(state);
	fot_free(state);
}

static size_t key_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *t)
{
	size_t row = fot_task_row(p, item, item->context_length, t);

	fot_table_set_int(t, row, "trial", item->trial);
	fot_table_set_int(t, row, "seed", (int64_t)p->spec->seed);
	fot_table_set_real(t, row, "chance_level", FOT_LOOKUP_CHANCE);
	return row;
}

static int answered(struct fot_worker *w, const struct fot_item *item, const struct fot_reply *reply,
		    struct fot_table *table, size_t row, cJSON *samples, struct fot_err *err)
{
	const struct fot_lookup_prompt *prompt = w->state[item->task];
	struct fot_lookup_observation o;

	(void)samples, (void)err;
	fot_lookup_observe(&o, prompt, reply);
	fot_table_set_int(table, row, "n_records", prompt->size.n_records);
	fot_table_set_int(table, row, "n_queries", prompt->size.n_queries);
	fot_table_set_int(table, row, "n_correct_tokens", o.n_correct_tokens);
	fot_table_set_int(table, row, "n_correct_values", o.n_correct_values);
	fot_table_set_int(table, row, "n_value_tokens", o.n_value_tokens);
	fot_table_set_real(table, row, "nll_nats", o.nll_nats);
	return FOT_OK;
}

/* --- what its rows hold and say --- */

static const struct fot_column columns[] = {
	FOT_KEY_COLUMNS,
	{ "n_records", FOT_COLUMN_INT, false, "entries of the dictionary" },
	{ "n_queries", FOT_COLUMN_INT, false, "questions asked" },
	{ "trial", FOT_COLUMN_INT, false, "from 0: dictionary and questions are drawn anew in each" },
	{ "seed", FOT_COLUMN_INT, false, "seed of the run" },
	{ "n_correct_tokens", FOT_COLUMN_INT, false, "value tokens that were the most likely ones" },
	{ "n_correct_values", FOT_COLUMN_INT, false, "questions of which all value tokens were" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, failed" },
	{ "n_value_tokens", FOT_COLUMN_INT, false, "value tokens asked for" },
	{ "nll_nats", FOT_COLUMN_REAL, false, "sum of -log p over the value tokens" },
	{ "chance_level", FOT_COLUMN_REAL, false, "of a value token: 1 / symbols" },
	FOT_END_COLUMNS,
	FOT_MEMORY_COLUMN,
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
};

const struct fot_schema fot_schema_lookup = { "lookup", "One row per trial and length of dictionary.",
					      columns, FOT_COUNT(columns) };

static const struct fot_measure measures[] = {
	{ .metric = "token_accuracy", .kind = FOT_MEASURE_CLUSTERS, .right = "n_correct_tokens", .asked = "n_value_tokens",
	  .heading = "tokens right", .level = true },
	{ .metric = "value_accuracy", .kind = FOT_MEASURE_CLUSTERS, .right = "n_correct_values", .asked = "n_queries",
	  .heading = "values right" },
};

#define TOKENS .metric = { "token_accuracy" }, .axis = "context_length"
#define VALUES .metric = { "value_accuracy" }, .axis = "context_length"
#define ITEMS .items = "{n_items:trial} per cell{n_skipped#too long}{n_failed#failed}", .one = "trial or item"

static const struct fot_summary_view summary[] = {
	{ .view = { .rows = FOT_GRID_ESTIMATES, TOKENS }, .title = "look-up, value tokens right",
	  .caption = "Dictionary look-up: value tokens that were the most likely ones, against the dictionary's length in tokens."
		     FOT_INTERVALS "bootstrap over trials, then the lowest and highest trial.",
	  ITEMS },
	{ .view = { .rows = FOT_GRID_ESTIMATES, VALUES }, .title = "look-up, whole values right",
	  .caption = "Dictionary look-up: questions whose value tokens were all right." FOT_INTERVALS
		     "bootstrap over trials, then the lowest and highest trial.",
	  ITEMS },
	{ .view = { .rows = FOT_GRID_WITH_ITSELF, TOKENS },
	  .caption = "Change of the tokens right, in percentage points, against the same model and memory with its shortest "
		     "dictionary, paired by trial." FOT_INTERVALS
		     "paired bootstrap over trials; p: sign flips over trials, adjusted by Holm over the lengths." },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, TOKENS },
	  .caption = "Difference of the tokens right, in percentage points, from " FOT_BASELINE
		     " in the same trials; intervals and p as above." },
	{ .view = { .rows = FOT_GRID_WITH_ALL, TOKENS },
	  .caption = "Difference of the tokens right, in percentage points, from the same model reading all of its memory (dense) in the same "
		     "trials; intervals and p as above." },
};

#define CAPTION(what, level)                                                                              \
	.caption = "dictionary look-up: " what ", against the context length (dictionary and question) in tokens. "           \
		   "{n_items:trial} per cell, each with a dictionary and questions of its own{n_missing#others failed}; {window} "  \
		   "tokens of local window{common}." level " In brackets the 95 % interval of the bootstrap over trials ({draws} "  \
		   "draws, percentiles), then the lowest and the highest trial." FOT_BOLD("higher", "sign flips over trials")

static const struct fot_report_view report[] = {
	{ .view = { TOKENS }, CAPTION("value tokens that were the most likely ones", "{chance}"),
	  .compact = "Look-up, value tokens right in per cent against the dictionary's length in tokens" },
	{ .view = { VALUES }, CAPTION("questions whose value tokens were all right", ""),
	  .compact = "Look-up, whole values right in per cent against the dictionary's length in tokens" },
};

static const struct fot_figure figures[] = {
	{ .name = "lookup", .title = "Dictionary look-up (bars: lowest and highest trial)",
	  .metric = { "token_accuracy", "value_accuracy" }, .panel = { "value tokens", "whole values" }, .x = "context_length",
	  .value = "value", .low = "value_min", .high = "value_max", .factor = 100, .levels = true },
};

const struct fot_measured_task fot_measured_lookup = {
	.schema = &fot_schema_lookup,
	.place = FOT_LIST("n_records"),
	.item = FOT_LIST("trial", "seed"),
	.same = FOT_LIST("n_queries", "n_value_tokens", "chance_level", "memory_tokens", "tokenizer_sha256", "status"),
	.outcome = FOT_LIST("n_correct_tokens", "n_correct_values", "nll_nats"),
	.per = "n_value_tokens",
	.axis = "context_length",
	.least = FOT_COMPARED_SHORTEST,
	.enough = FOT_EFFECTIVE_SHARE,
	.axis_place = "n_records",
	FOT_MEASURED(measures, summary, report, figures),
};

/* --- spec and class --- */

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	FOT_TASK_KEY_LENGTHS,
	{ FOT_TASK_KEY_TRIALS, .dflt = "10", .help = "dictionaries of each length" },
	{ .name = "question_tokens", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, own[QUESTION_TOKENS].integer),
	  .lo = 1, .hi = 1 << 24, .dflt = "256", .flag = "question-tokens", .arg = "N",
	  .help = "tokens of questions to each dictionary" },
};

const struct fot_task_class fot_task_lookup = {
	FOT_TASK_NAMED(lookup),
	.about = "questions about a long dictionary",
	.usage = "lookup -m DIR --context-lengths LIST -o DIR [options]",
	.help = "Questions about a long dictionary of random records, for models of 64 ids that were trained on it.",
	.version = FOT_LOOKUP_VERSION,
	.conventions = "value tokens of questions whose most likely token is right, given those before them",
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
