/* fewshot_class.c: few-shot classification as a task class: an item is a number of
 * demonstrations of one seed at one length, with a row per test item.
 *
 * What a worker keeps: the tokenised test items of a set, and the demonstrations of the
 * seeds used last.  All are functions of spec, set, template and tokenizer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/run/items.h"
#include "harness/tasks/fewshot_class.h"
#include "model/memory.h"

#define DEFAULT_ANSWER_TOKENS 32
#define TEXT_OF(x) #x
#define DEFAULT_TEXT(x) TEXT_OF(x)
#define KEPT 32
#define SAMPLES 3        /* test items per item that samples show */
#define SAMPLE_BYTES 400 /* of each end of a prompt */

/* --- plan --- */

static const struct fot_plan_labelled *set_of(const struct fot_plan *p, const struct fot_item *item)
{
	return &p->labelled[item->labelled];
}

/* The set of distractors of this spec string, which the plan has opened. */
static struct fot_fewshot_other other_of(const struct fot_plan *p, const char *spec)
{
	size_t i = 0;

	while (strcmp(p->labelled[i].spec, spec) != 0 || p->labelled[i].template_path)
		i++;
	return (struct fot_fewshot_other){ p->labelled[i].data, &p->labelled[i].template };
}

int fot_fewshot_open_item(struct fot_fewshot **out, const struct fot_plan *p, const struct fot_item *item,
			  struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[item->task];
	const struct fot_plan_labelled *set = set_of(p, item);
	const struct fot_tokenizer *tokenizer = fot_task_tokenizer(p, item);
	struct fot_fewshot_opts o = {
		.window = p->condition[item->condition].opts.window,
		.context_max = t->context_length[t->n_lengths - 1],
		.items = (size_t)(p->limit && p->limit < t->test_items ? p->limit : t->test_items),
		.n_greedy = set->data->n_labels ? 0 : (size_t)t->answer_tokens,
		.seed = p->spec->seed,
		.bos = fot_tokenizer_bos(tokenizer) >= 0,
		.balanced = t->balanced,
		.repeat = t->repeat_demos,
		.score = (enum fot_fewshot_score)t->scoring,
	};
	struct fot_fewshot_other *other;
	int status;

	for (size_t i = 0; i < t->n_shots; i++) {
		o.fill |= t->shots[i] == FOT_FEWSHOT_FILL;
		o.shots_max = t->shots[i] > o.shots_max ? t->shots[i] : o.shots_max;
	}
	o.n_others = t->own[FOT_FEWSHOT_N_SETS].count;
	other = fot_calloc(o.n_others + 1, sizeof *other);
	if (!other)
		return FOT_NO_MEMORY(err, "few-shot");
	for (size_t i = 0; i < o.n_others; i++)
		other[i] = other_of(p, t->own[FOT_FEWSHOT_SETS].texts[i]);
	o.other = other;
	status = fot_fewshot_open(out, set->data, &set->template, tokenizer, &o, err);
	fot_free(other);
	return status;
}

static int add_item(struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	struct fot_str what = FOT_STR_INIT;
	char shots[24];
	int status;

	fot_fewshot_shots_name(shots, item->shots);
	fot_str_printf(&what, "%s/%lld/%lld/%s", set_of(p, item)->data->name, (long long)item->context_length,
		       (long long)item->trial, shots);
	if (item->distractors)
		fot_str_printf(&what, "+%lld", (long long)item->distractors);
	FOT_TRY(fot_str_check(&what, err));
	status = fot_plan_add(p, item, what.data, err);
out:
	fot_str_release(&what);
	return status;
}

/* All numbers of distractors and demonstrations of an order. */
static int add_counts(struct fot_plan *p, const struct fot_item *order, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[order->task];
	size_t n = t->own[FOT_FEWSHOT_N_DISTRACTORS].count;
	struct fot_item item = *order;
	int status = FOT_OK;

	for (size_t d = 0; d < (n ? n : 1); d++)
		for (size_t k = 0; k < t->n_shots; k++) {
			item.distractors = n ? t->own[FOT_FEWSHOT_DISTRACTORS].sizes[d] : 0;
			item.shots = t->shots[k];
			FOT_TRY(add_item(p, &item, err));
		}
out:
	return status;
}

static int add_grid(struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[cell->task];
	struct fot_item item = *cell;
	int status = FOT_OK;

	for (size_t l = 0; l < t->n_lengths; l++)
		for (int64_t seed = 0; seed < t->demo_seeds; seed++) {
			item.context_length = t->context_length[l];
			item.trial = seed;
			FOT_TRY(add_counts(p, &item, err));
		}
out:
	return status;
}

/* Whether the set can be asked about at the shortest length, before any model runs. */
static int check(const struct fot_plan *p, const struct fot_item *cell, struct fot_err *err)
{
	struct fot_fewshot *f = NULL;
	struct fot_fewshot_demos d = { 0 };
	size_t fitted;
	int status;

	FOT_TRY(fot_fewshot_open_item(&f, p, cell, err));
	FOT_TRY(fot_fewshot_demos_init(&d, f, 0, 0, err));
	FOT_TRY(fot_fewshot_fit(&fitted, f, &d, 0, p->spec->task[cell->task].context_length[0], err));
out:
	fot_fewshot_demos_release(&d);
	fot_fewshot_close(f);
	return status;
}

/* Labels are scored, answers generated: what none of the sets needs is a slip of the pen. */
static int check_use(const struct fot_task_spec *t, size_t n_with_labels, struct fot_err *err)
{
	if (n_with_labels == 0 && t->scoring != FOT_FEWSHOT_RAW)
		return FOT_FAIL(err, FOT_ERR_USAGE, "scoring \"%s\": the sets have answers, no labels to score",
				fot_fewshot_score_name[t->scoring]);
	if (n_with_labels == t->n_datasets && t->answer_tokens != DEFAULT_ANSWER_TOKENS)
		return FOT_FAIL(err, FOT_ERR_USAGE, "answer_tokens %lld: the sets have labels, nothing is generated",
				(long long)t->answer_tokens);
	return FOT_OK;
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	size_t n_with_labels = 0, other;
	int status = FOT_OK;

	for (size_t k = 0; k < t->own[FOT_FEWSHOT_N_SETS].count; k++)
		FOT_TRY(fot_plan_labelled(p, t->own[FOT_FEWSHOT_SETS].texts[k], NULL, &other, err));
	for (size_t k = 0; k < t->n_datasets; k++) {
		struct fot_item cell = { .condition = condition, .task = task, .dataset = FOT_NO_DATASET };

		FOT_TRY(fot_plan_labelled(p, t->dataset[k], t->template, &cell.labelled, err));
		FOT_TRY(check(p, &cell, err));
		FOT_TRY(add_grid(p, &cell, err));
		n_with_labels += set_of(p, &cell)->data->n_labels > 0;
	}
	status = check_use(t, n_with_labels, err);
out:
	return status;
}

#define LENGTHS 16 /* of questions: a guess */

/* Half a window per question: a guess, as questions differ; without memory each length fills a window anew. */
static struct fot_cost cost(const struct fot_plan *p, const struct fot_item *item)
{
	const struct fot_task_spec *t = &p->spec->task[item->task];
	int64_t window = p->condition[item->condition].opts.window, filled = item->context_length - window;
	int64_t n = (int64_t)set_of(p, item)->data->n_split[FOT_TEST];

	n = n < t->test_items ? n : t->test_items;
	n = p->limit && p->limit < n ? p->limit : n;
	filled = filled > 0 && fot_task_has_memory(p, item) ? filled : 0;
	if (fot_task_sight(p, item)) /* read anew for every question */
		return (struct fot_cost){ .filled = n * (filled < fot_task_sight(p, item) ? filled : fot_task_sight(p, item)),
					  .asked = n * window / 2 };
	if (!fot_task_has_memory(p, item))
		return (struct fot_cost){ .asked = (n + (n < LENGTHS ? n : LENGTHS)) * window / 2 };
	return (struct fot_cost){ .filled = filled,
				  .asked = n * window / 2,
				  .pairs = (double)(n * window / 2) * (double)filled };
}

/* --- prompts --- */

struct kept {
	struct fot_fewshot_demos demos;
	bool there;
	uint64_t used;
};

struct state {
	struct fot_fewshot *f; /* of this condition's tokenizer and window, and set: */
	size_t condition, labelled;
	struct kept kept[KEPT];
	uint64_t clock;
	struct fot_ids prompt[FOT_ASK_TOGETHER]; /* the stem, of n_stem tokens, and a question */
	size_t n_stem, fitted;
	const struct fot_fewshot_demos *demos; /* the item's, one of `kept` */
	int64_t asked; /* 0: not counted yet */
	double *score, *free;
	size_t *turn, n_turns; /* test items that are asked, in that order */
};

static void forget_set(struct state *s)
{
	for (size_t i = 0; i < KEPT; i++)
		if (s->kept[i].there)
			fot_fewshot_demos_release(&s->kept[i].demos);
	memset(s->kept, 0, sizeof s->kept);
	fot_fewshot_close(s->f);
	fot_free(s->score);
	fot_free(s->free);
	fot_free(s->turn);
	s->f = NULL;
	s->asked = 0;
	s->score = s->free = NULL;
	s->turn = NULL;
}

static void forget(void *pointer)
{
	struct state *s = pointer;

	forget_set(s);
	for (size_t k = 0; k < FOT_ASK_TOGETHER; k++)
		fot_ids_release(&s->prompt[k]);
	fot_free(s);
}

static int by_length(const void *a, const void *b, void *set)
{
	const size_t *x = a, *y = b;
	size_t n = fot_fewshot_question_tokens(set, *x), m = fot_fewshot_question_tokens(set, *y);

	return n != m ? (n < m ? -1 : 1) : (*x > *y) - (*x < *y);
}

/* Questions of one length follow each other: what is read before them is the same (ask.h). */
static void take_turns(struct state *s)
{
	s->n_turns = 0;
	for (size_t i = 0; i < fot_fewshot_n_items(s->f); i++)
		if (!fot_fewshot_is_long(s->f, i))
			s->turn[s->n_turns++] = i;
	qsort_r(s->turn, s->n_turns, sizeof *s->turn, by_length, s->f);
}

static int open_set(struct fot_worker *w, const struct fot_item *item, struct state **out,
		    struct fot_err *err)
{
	struct state *s = w->state[item->task];
	size_t n;
	int status;

	if (!s)
		s = w->state[item->task] = fot_calloc(1, sizeof *s);
	if (!s)
		return FOT_NO_MEMORY(err, "few-shot");
	*out = s;
	if (s->f && s->condition == item->condition && s->labelled == item->labelled)
		return FOT_OK;
	forget_set(s);
	status = fot_fewshot_open_item(&s->f, w->plan, item, err);
	if (status != FOT_OK)
		return status;
	s->condition = item->condition;
	s->labelled = item->labelled;
	n = fot_fewshot_n_labels(s->f) + 1;
	s->score = fot_calloc(n, sizeof *s->score);
	s->free = fot_calloc(n, sizeof *s->free);
	s->turn = fot_calloc(fot_fewshot_n_items(s->f), sizeof *s->turn);
	if (!s->score || !s->free || !s->turn) {
		forget_set(s);
		return FOT_NO_MEMORY(err, "few-shot");
	}
	take_turns(s);
	return FOT_OK;
}

static int open_demos(struct state *s, const struct fot_item *item, struct fot_fewshot_demos **out, struct fot_err *err)
{
	struct kept *k = &s->kept[0];
	int status;

	for (size_t i = 0; i < KEPT; i++) {
		if (s->kept[i].there && s->kept[i].demos.seed == (uint64_t)item->trial &&
		    s->kept[i].demos.distractors == (size_t)item->distractors) {
			k = &s->kept[i];
			goto found;
		}
		k = s->kept[i].used < k->used ? &s->kept[i] : k;
	}
	if (k->there)
		fot_fewshot_demos_release(&k->demos);
	k->there = false;
	status = fot_fewshot_demos_init(&k->demos, s->f, (uint64_t)item->trial, (size_t)item->distractors, err);
	if (status != FOT_OK)
		return status;
	k->there = true;
found:
	k->used = ++s->clock;
	*out = &k->demos;
	return FOT_OK;
}

/* The item's stem stands in s->prompt[0] then. */
static int build(struct fot_worker *w, const struct fot_item *item, struct state **out, struct fot_err *err)
{
	struct fot_fewshot_demos *demos = NULL;
	struct state *s = NULL;
	int status;

	FOT_TRY(open_set(w, item, &s, err));
	FOT_TRY(open_demos(s, item, &demos, err));
	s->demos = demos;
	FOT_TRY(fot_fewshot_fit(&s->fitted, s->f, demos, item->shots, item->context_length, err));
	FOT_TRY(fot_fewshot_stem(&s->prompt[0], &s->n_stem, s->f, demos, s->fitted, err));
	*out = s;
out:
	return status;
}

/* What the questions and their answers feed behind any stem. */
static int count_asked(struct state *s, bool free, struct fot_err *err)
{
	struct fot_question q;
	int status = FOT_OK;

	if (s->asked)
		return FOT_OK;
	for (size_t i = 0; i < fot_fewshot_n_items(s->f); i++) {
		if (fot_fewshot_is_long(s->f, i))
			continue;
		FOT_TRY(fot_fewshot_ask(&q, &s->prompt[1], 0, s->f, i, err));
		s->asked += fot_question_fed(&q);
	}
	if (free && fot_fewshot_n_labels(s->f)) {
		FOT_TRY(fot_fewshot_ask(&q, &s->prompt[1], 0, s->f, FOT_FEWSHOT_FREE, err));
		s->asked += fot_question_fed(&q);
	}
out:
	return status;
}

static int stem(struct fot_worker *w, const struct fot_item *item, const int32_t **tokens, size_t *n,
		int64_t *asked, struct fot_err *err)
{
	struct state *s = NULL;
	int status;

	FOT_TRY(build(w, item, &s, err));
	FOT_TRY(count_asked(s, w->plan->spec->task[item->task].scoring == FOT_FEWSHOT_CONTENT_FREE, err));
	*tokens = s->prompt[0].id;
	*n = s->n_stem;
	*asked = s->asked;
out:
	return status;
}

/* --- asking --- */

/* How many of its demonstrations a question can see. *kept: the word of fewshot.csv's shots_seen; NULL: all that the
 * prompt has in memory or window. */
static size_t count_seen(const struct fot_worker *w, const struct fot_item *item, const struct state *s,
			 const struct fot_question *q, const char **kept)
{
	const struct fot_condition *c = &w->plan->condition[item->condition];
	const struct fot_config *config = fot_model_config(fot_plan_model_of(w->plan, item));
	struct fot_memory_sight sight =
		fot_memory_sight(config, &c->opts, (int64_t)fot_asker_remembers(&w->asker, q));
	size_t from = fot_asker_sees_from(&w->asker, q), last = (size_t)sight.last;

	*kept = sight.unknown ? FOT_SEEN_AT_MOST : sight.last ? "in reach" : NULL;
	return fot_fewshot_seen(s->demos, s->fitted, (size_t)sight.first, from > last ? from : last);
}

static int add_sample(cJSON *samples, const struct fot_plan *p, const struct fot_item *item,
		      const struct state *s, size_t i, size_t seen, const struct fot_question *q,
		      const struct fot_fewshot_observation *o, const char *answer, struct fot_err *err)
{
	const struct fot_tokenizer *t = fot_task_tokenizer(p, item);
	size_t end = q->n_prompt > SAMPLE_BYTES ? q->n_prompt - SAMPLE_BYTES : 0;
	cJSON *j = fot_json_append(samples);
	bool good;

	good = j && cJSON_AddStringToObject(j, "item", item->id) &&
	       cJSON_AddStringToObject(j, "item_id", fot_fewshot_item(s->f, i)->id) &&
	       cJSON_AddNumberToObject(j, "n_shots_fitted", (double)seen) &&
	       (end == 0 || fot_task_add_text(j, "prompt_begin", t, q->prompt, end < SAMPLE_BYTES ? end : SAMPLE_BYTES)) &&
	       fot_task_add_text(j, "prompt_end", t, q->prompt + end, q->n_prompt - end) &&
	       cJSON_AddStringToObject(j, "label_gold", o->label_gold ? o->label_gold : "") &&
	       cJSON_AddStringToObject(j, "label_pred", answer) &&
	       cJSON_AddBoolToObject(j, "correct", o->correct);
	return good ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "few-shot: out of memory for a sample");
}

/* Scores of the question without content behind this stem. */
static int calibrate(struct fot_worker *w, struct state *s, struct fot_err *err)
{
	struct fot_reply reply = { 0 };
	struct fot_question q;
	int status;

	FOT_TRY(fot_fewshot_ask(&q, &s->prompt[0], s->n_stem, s->f, FOT_FEWSHOT_FREE, err));
	FOT_TRY(fot_reply_init(&reply, &q, err));
	FOT_TRY(fot_ask(&w->asker, &q, &reply, err));
	fot_fewshot_scores(s->free, s->f, reply.nll, NULL);
out:
	fot_reply_release(&reply);
	return status;
}

static int observe(struct state *s, const struct fot_task_spec *t, size_t i, const struct fot_question *q,
		   const struct fot_reply *reply, struct fot_fewshot_observation *o, struct fot_str *answer,
		   struct fot_err *err)
{
	int status = FOT_OK;

	if (q->n_answers) {
		fot_fewshot_scores(s->score, s->f, reply->nll,
				   t->scoring == FOT_FEWSHOT_CONTENT_FREE ? s->free : NULL);
		fot_fewshot_observe(o, s->f, i, s->score);
		fot_str_clear(answer);
		fot_str_puts(answer, o->label_pred);
		return fot_str_check(answer, err);
	}
	FOT_TRY(fot_fewshot_text(answer, s->f, reply->greedy, q->n_greedy, err));
	FOT_TRY(fot_task_printable(answer, err));
	status = fot_fewshot_observe_text(o, s->f, i, answer->len ? answer->data : "", err);
out:
	return status;
}

/* What came back for test item i: its row, perhaps a sample. */
static int add_row(struct fot_worker *w, const struct fot_item *item, struct state *s, size_t i,
		   const struct fot_question *q, const struct fot_reply *reply, struct fot_table *table, cJSON *samples,
		   struct fot_err *err)
{
	struct fot_fewshot_observation o = { 0 };
	struct fot_str answer = FOT_STR_INIT;
	const char *kept;
	size_t row, seen = count_seen(w, item, s, q, &kept);
	int status;

	FOT_TRY(observe(s, &w->plan->spec->task[item->task], i, q, reply, &o, &answer, err));
	row = fot_fewshot_item_row(w->plan, item, s->f, s->fitted, i, table);
	fot_table_set_int(table, row, "n_shots_fitted", (int64_t)seen);
	if (kept)
		fot_table_set_text(table, row, "shots_seen", kept);
	fot_table_set_int(table, row, "n_tokens_prompt", (int64_t)q->n_prompt);
	fot_table_set_text(table, row, "label_pred", answer.len ? answer.data : "");
	fot_table_set_int(table, row, "correct", o.correct);
	if (q->n_answers) {
		fot_table_set_real(table, row, "score_gold_nats", o.score_gold);
		fot_table_set_real(table, row, "score_best_other_nats", o.score_best_other);
	}
	fot_table_set_text(table, row, "status", "ok");
	if (samples && i < SAMPLES)
		status = add_sample(samples, w->plan, item, s, i, seen, q, &o, answer.len ? answer.data : "", err);
out:
	fot_str_release(&answer);
	return status;
}

/* The stem to all prompts: questions asked together need one each. */
static int copy_stem(struct state *s, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 1; k < FOT_ASK_TOGETHER; k++) {
		FOT_TRY(fot_ids_reserve(&s->prompt[k], s->n_stem, err));
		if (s->n_stem)
			memcpy(s->prompt[k].id, s->prompt[0].id, s->n_stem * sizeof *s->prompt[k].id);
	}
out:
	return status;
}

/* What came back for a test item, and what it cost; of items asked together the first has the cost of all. */
struct came {
	struct fot_reply reply;
	double wall_s;
	int64_t read;
};

/* The test items turn[0 .. n - 1], which are asked together. */
static int ask_some(struct fot_worker *w, struct state *s, const size_t *turn, size_t n, struct came *came,
		    struct fot_err *err)
{
	struct fot_question q[FOT_ASK_TOGETHER];
	struct fot_reply reply[FOT_ASK_TOGETHER] = { { 0 } };
	double begun = fot_clock();
	int64_t read = w->asker.n_read;
	int status;

	for (size_t k = 0; k < n; k++) {
		FOT_TRY(fot_fewshot_ask(&q[k], &s->prompt[k], s->n_stem, s->f, turn[k], err));
		FOT_TRY(fot_reply_init(&reply[k], &q[k], err));
	}
	FOT_TRY(fot_ask_each(&w->asker, q, n, reply, err));
	for (size_t k = 0; k < n; k++) {
		came[turn[k]].reply = reply[k];
		reply[k] = (struct fot_reply){ 0 };
	}
	came[turn[0]].wall_s = fot_clock() - begun;
	came[turn[0]].read = w->asker.n_read - read;
out:
	for (size_t k = 0; k < FOT_ASK_TOGETHER; k++)
		fot_reply_release(&reply[k]);
	return status;
}

/* Test item i from what came back. */
static int add_item_row(struct fot_worker *w, const struct fot_item *item, struct state *s, size_t i,
			const struct came *came, struct fot_table *table, cJSON *samples, struct fot_err *err)
{
	struct fot_question q;
	size_t row = table->n_rows;
	int status;

	if (fot_fewshot_is_long(s->f, i)) {
		fot_fewshot_item_row(w->plan, item, s->f, s->fitted, i, table);
		fot_table_set_text(table, row, "status", "skipped_long");
		return FOT_OK;
	}
	FOT_TRY(fot_fewshot_ask(&q, &s->prompt[0], s->n_stem, s->f, i, err));
	FOT_TRY(add_row(w, item, s, i, &q, &came[i].reply, table, samples, err));
	fot_task_timing(table, row, came[i].wall_s, came[i].read);
out:
	return status;
}

/* Items are asked in their turn; their rows stand in the set's order. */
static int evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
		    cJSON *samples, struct fot_err *err)
{
	bool calibrated = w->plan->spec->task[item->task].scoring == FOT_FEWSHOT_CONTENT_FREE;
	struct state *s = NULL;
	struct came *came = NULL;
	size_t n = 0;
	int status;

	FOT_TRY(build(w, item, &s, err));
	FOT_TRY(copy_stem(s, err));
	if (calibrated && fot_fewshot_n_labels(s->f))
		FOT_TRY(calibrate(w, s, err));
	n = fot_fewshot_n_items(s->f);
	came = fot_calloc(n, sizeof *came);
	if (!came)
		FOT_TRY(FOT_NO_MEMORY(err, "few-shot"));
	for (size_t k = 0, some; k < s->n_turns; k += some) {
		some = s->n_turns - k < FOT_ASK_TOGETHER ? s->n_turns - k : FOT_ASK_TOGETHER;
		FOT_TRY(ask_some(w, s, s->turn + k, some, came, err));
	}
	for (size_t i = 0; i < n; i++)
		FOT_TRY(add_item_row(w, item, s, i, came, table, samples, err));
out:
	for (size_t i = 0; came && i < n; i++)
		fot_reply_release(&came[i].reply);
	fot_free(came);
	return status;
}

/* Distractors need sets, and sets numbers of them. */
static int complete(struct fot_task_spec *t, const char *where, struct fot_err *err)
{
	static const int64_t dflt[] = { 0, 1, 3, 7 };
	size_t *n = &t->own[FOT_FEWSHOT_N_DISTRACTORS].count;
	int64_t **at = &t->own[FOT_FEWSHOT_DISTRACTORS].sizes;

	if (*n && t->own[FOT_FEWSHOT_N_SETS].count == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: distractors: expected distractor_sets beside it, which name their sets",
				where);
	if (*n || t->own[FOT_FEWSHOT_N_SETS].count == 0)
		return FOT_OK;
	*at = fot_alloc(FOT_COUNT(dflt), sizeof **at);
	if (!*at)
		return FOT_NO_MEMORY(err, where);
	memcpy(*at, dflt, sizeof dflt);
	*n = FOT_COUNT(dflt);
	return FOT_OK;
}

static const char *const shots_words[] = { "fill", NULL }; /* FOT_FEWSHOT_FILL, -1 */

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	{ FOT_TASK_KEY_DATASETS, .required = true,
	  .help = "labelled sets: names, .csv, .tsv, .jsonl, .parquet, .label, .json files or folders, with ?labels=fine and the like" },
	FOT_TASK_KEY_LENGTHS,
	{ .name = "shots", .type = &fot_key_sizes, FOT_KEY_LIST(struct fot_task_spec, shots, n_shots), .lo = 0, .hi = 1 << 24,
	  .words = shots_words, .dflt = "[0, 1, 2, 4, 8, 16]", .flag = "shots", .arg = "LIST",
	  .help = "demonstrations in the prompt; fill: as many as fit" },
	{ .name = "demo_seeds", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, demo_seeds), .lo = 1,
	  .hi = FOT_SPEC_AXIS, .dflt = "20", .flag = "demo-seeds", .arg = "N", .help = "orders of demonstrations" },
	{ .name = "test_items", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, test_items), .lo = 1,
	  .hi = FOT_SPEC_TOKENS, .dflt = "500", .flag = "items", .arg = "N", .help = "most test items of each set" },
	{ .name = "template", .type = &fot_key_template, FOT_KEY_AT(struct fot_task_spec, template),
	  .written = offsetof(struct fot_task_spec, template_written), .only_if_set = true,
	  .unset = "datasets/templates, by the set's name", .flag = "template", .arg = "FILE",
	  .help = "wording of the prompts, a JSON file" },
	{ .name = "scoring", .type = &fot_key_choice, FOT_KEY_AT(struct fot_task_spec, scoring),
	  .words = fot_fewshot_score_name, .dflt = "\"raw\"", .flag = "scoring", .arg = "NAME",
	  .help = "a label's score: raw, per-token, or less that of a content-free text" },
	{ .name = "balanced", .type = &fot_key_flag, FOT_KEY_AT(struct fot_task_spec, balanced), .dflt = "false",
	  .flag = "balanced", .help = "demonstrations hold every label once in each round" },
	{ .name = "repeat_demos", .type = &fot_key_flag, FOT_KEY_AT(struct fot_task_spec, repeat_demos), .dflt = "false",
	  .flag = "repeat-demos", .help = "go round again where there are fewer demonstrations than shots" },
	{ .name = "answer_tokens", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, answer_tokens), .lo = 1,
	  .hi = 1 << 20, .dflt = DEFAULT_TEXT(DEFAULT_ANSWER_TOKENS), .flag = "answer-tokens", .arg = "N",
	  .help = "most tokens to generate, for sets with answers" },
	{ .name = "distractor_sets", .type = &fot_key_datasets,
	  FOT_KEY_LIST(struct fot_task_spec, own[FOT_FEWSHOT_SETS].texts, own[FOT_FEWSHOT_N_SETS].count),
	  .written = offsetof(struct fot_task_spec, own[FOT_FEWSHOT_SETS_WRITTEN]), .only_if_set = true,
	  .flag = "distractor-sets", .arg = "LIST",
	  .help = "labelled sets whose demonstrations stand between those of the task, in their own wording" },
	{ .name = "distractors", .type = &fot_key_sizes,
	  FOT_KEY_LIST(struct fot_task_spec, own[FOT_FEWSHOT_DISTRACTORS].sizes, own[FOT_FEWSHOT_N_DISTRACTORS].count),
	  .lo = 0, .hi = 4096, .only_if_set = true, .unset = "0,1,3,7 with distractor_sets", .flag = "distractors",
	  .arg = "LIST", .help = "demonstrations of distractor_sets for each of the task's" },
	{ .name = "no_baselines", .type = &fot_key_flag, FOT_KEY_AT(struct fot_task_spec, own[FOT_FEWSHOT_NO_BASELINES].flag),
	  .only_if_set = true, .dflt = "false", .flag = "no-baselines",
	  .help = "without the rows of chance, the commonest label and a vote of bags of words" },
};

const struct fot_task_class fot_task_fewshot = {
	FOT_TASK_NAMED(fewshot),
	.about = "classification from growing numbers of demonstrations",
	.usage = "fewshot -m DIR -d SETS --context-lengths LIST -o DIR [options]",
	.help = "Classification, or answers, from demonstrations in the prompt: labelled sets (wordnet, fortunes,\n"
		"files .csv, .tsv, .jsonl, .parquet, .label, .json or folders of them, such as trec?labels=fine), growing\n"
		"numbers of demonstrations, several orders of them.",
	.version = FOT_FEWSHOT_VERSION,
	.needs_tokenizer = true,
	.many = true,
	.conventions =
		"demonstrations by seed, nested, as many as fit context_length; a label's score is the log-likelihood of its word and the terminator behind it; answers: greedy text up to the terminator, equal to an accepted answer after normalisation",
	.complete = complete,
	.items = items,
	.memory = fot_task_longest,
	.cost = cost,
	.stem = stem,
	.evaluate = evaluate,
	.row = fot_fewshot_key_row,
	.failed = fot_task_failed_row,
	.baselines = fot_fewshot_baseline_rows,
	.forget = forget,
};
