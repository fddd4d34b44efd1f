/* fewshot_rows.c: rows of few-shot classification, and those of what answers without a model.
 *
 * Baselines answer the very questions behind the very demonstrations that models were asked: they
 * follow the items, once for all conditions whose tokenizer and window are the same (these decide
 * which demonstrations fit and which questions are too long).  Nothing of them is in the
 * journal: spec and data say all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/tasks/fewshot_class.h"
#include "tasks/fewshot_baselines.h"

void fot_fewshot_shots_name(char out[24], int64_t shots)
{
	if (shots == FOT_FEWSHOT_FILL)
		snprintf(out, 24, "fill");
	else
		snprintf(out, 24, "%lld", (long long)shots);
}

size_t fot_fewshot_key_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *t)
{
	size_t row = fot_task_row(p, item, item->context_length, t);
	char asked[24];

	fot_fewshot_shots_name(asked, item->shots);
	fot_table_set_text(t, row, "shots_asked", asked);
	fot_table_set_text(t, row, "dataset", p->labelled[item->labelled].data->name);
	if (item->shots != FOT_FEWSHOT_FILL)
		fot_table_set_int(t, row, "n_shots", item->shots);
	fot_table_set_int(t, row, "demo_seed", item->trial);
	if (item->distractors)
		fot_table_set_int(t, row, "distractors", item->distractors);
	return row;
}

size_t fot_fewshot_item_row(const struct fot_plan *p, const struct fot_item *item,
			    const struct fot_fewshot *f, size_t fitted, size_t i, struct fot_table *t)
{
	size_t row = fot_fewshot_key_row(p, item, t);
	double chance, majority;

	fot_table_set_text(t, row, "item_id", fot_fewshot_item(f, i)->id);
	fot_table_set_text(t, row, "item_sha256", fot_fewshot_item(f, i)->sha256);
	fot_table_set_int(t, row, "n_shots_fitted", (int64_t)fitted);
	if (item->distractors)
		fot_table_set_int(t, row, "n_distractors", (int64_t)fitted * item->distractors);
	if (item->shots == FOT_FEWSHOT_FILL)
		fot_table_set_int(t, row, "n_shots", (int64_t)fitted);
	fot_table_set_text(t, row, "label_gold", fot_fewshot_gold(f, i));
	fot_table_set_int(t, row, "n_labels", (int64_t)fot_fewshot_n_labels(f));
	if (fot_fewshot_levels(f, &chance, &majority)) {
		fot_table_set_real(t, row, "chance_level", chance);
		fot_table_set_real(t, row, "majority_level", majority);
		fot_table_set_text(t, row, "calibration",
				   fot_fewshot_score_name[p->spec->task[item->task].scoring]);
	}
	fot_table_set_int(t, row, "truncated",
			  item->shots != FOT_FEWSHOT_FILL && (int64_t)fitted < item->shots);
	return row;
}

/* --- which questions have been asked behind which demonstrations --- */

/* What the baselines of an item depend on besides the item: the first model with its tokenizer, its window. */
struct asked {
	const struct fot_item *item;
	size_t model;
	int64_t window;
};

static size_t first_model(const struct fot_plan *p, size_t model)
{
	const struct fot_tokenizer *t = fot_model_tokenizer(p->model[model].model);
	size_t i = 0;

	while (i < model && (!fot_model_tokenizer(p->model[i].model) ||
			     strcmp(fot_tokenizer_hash(fot_model_tokenizer(p->model[i].model)),
				    fot_tokenizer_hash(t)) != 0))
		i++;
	return i;
}

static int by_i64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* Everything that decides the demonstrations before what only decides how many of them. */
static int same_demos(const struct asked *a, const struct asked *b)
{
	const int64_t x[] = { (int64_t)a->item->task,  (int64_t)a->item->labelled,
			      (int64_t)a->model,       a->window,
			      a->item->context_length, a->item->trial, a->item->distractors };
	const int64_t y[] = { (int64_t)b->item->task,  (int64_t)b->item->labelled,
			      (int64_t)b->model,       b->window,
			      b->item->context_length, b->item->trial, b->item->distractors };
	int order = 0;

	for (size_t i = 0; i < sizeof x / sizeof *x && order == 0; i++)
		order = by_i64(x[i], y[i]);
	return order;
}

static int by_question(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;
	int order = same_demos(x, y);

	return order ? order : by_i64(x->item->shots, y->item->shots);
}

/* Those that are there, each once, into a block of the caller's. */
static int find_asked(struct asked **out, size_t *n, const struct fot_plan *p, const bool *there,
		      struct fot_err *err)
{
	struct asked *a = fot_alloc(p->n_items, sizeof *a);
	size_t kept = 0;

	*out = a;
	*n = 0;
	if (!a)
		return FOT_NO_MEMORY(err, "few-shot");
	for (size_t i = 0; i < p->n_items; i++) {
		const struct fot_item *item = &p->item[i];
		const struct fot_condition *c = &p->condition[item->condition];
		const struct fot_task_spec *t = &p->spec->task[item->task];

		if (there[i] && t->class == &fot_task_fewshot && !t->own[FOT_FEWSHOT_NO_BASELINES].flag &&
		    p->labelled[item->labelled].data->n_labels)
			a[(*n)++] = (struct asked){ item, first_model(p, c->model), c->opts.window };
	}
	if (*n)
		qsort(a, *n, sizeof *a, by_question);
	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || by_question(&a[kept - 1], &a[i]) != 0)
			a[kept++] = a[i];
	*n = kept;
	return FOT_OK;
}

/* --- their rows --- */

struct answering {
	const struct fot_plan *plan;
	enum fot_fewshot_baseline which;
	struct fot_fewshot *f; /* of `at`, with its demonstrations */
	struct fot_fewshot_baselines *b;
	struct fot_fewshot_demos demos;
	const struct asked *at;
	int32_t *label;
};

static void forget(struct answering *w)
{
	fot_fewshot_demos_release(&w->demos);
	fot_fewshot_baselines_close(w->b);
	fot_fewshot_close(w->f);
	fot_free(w->label);
	*w = (struct answering){ .plan = w->plan, .which = w->which };
}

static bool same_task(const struct asked *a, const struct asked *b)
{
	return a->item->task == b->item->task && a->item->labelled == b->item->labelled &&
	       a->model == b->model && a->window == b->window;
}

static int open_asked(struct answering *w, const struct asked *a, struct fot_err *err)
{
	int status;

	if (w->at && same_demos(w->at, a) == 0)
		return FOT_OK;
	if (!w->at || !same_task(w->at, a)) {
		forget(w);
		FOT_TRY(fot_fewshot_open_item(&w->f, w->plan, a->item, err));
		FOT_TRY(fot_fewshot_baselines_open(&w->b, w->f, err));
		w->label = fot_alloc(fot_fewshot_n_items(w->f), sizeof *w->label);
		if (!w->label)
			return FOT_NO_MEMORY(err, "few-shot");
	}
	fot_fewshot_demos_release(&w->demos);
	w->at = a;
	FOT_TRY(fot_fewshot_demos_init(&w->demos, w->f, (uint64_t)a->item->trial,
				       (size_t)a->item->distractors, err));
	fot_fewshot_baselines_begin(w->b, &w->demos);
out:
	return status;
}

/* A condition of its own: no weights, no memory. The name of a model tells two tokenizers apart. */
static int name_row(const struct answering *w, const struct asked *a, size_t row, struct fot_table *t,
		    struct fot_err *err)
{
	static const char *const of_weights[] = { "top_k", "mem_dtype" };
	const char *name = fot_fewshot_baseline_name[w->which];
	struct fot_str model = FOT_STR_INIT;
	int status;

	fot_str_puts(&model, name);
	if (a->model)
		fot_str_printf(&model, " (%s)", w->plan->model[a->model].name);
	FOT_TRY(fot_str_check(&model, err));
	fot_table_set_text(t, row, "model", model.data);
	fot_table_set_text(t, row, "model_variant", name);
	fot_table_set_text(t, row, "memory_mode", "none");
	fot_table_set_text(t, row, "memory", "none");
	fot_table_set_int(t, row, "memory_tokens", 0);
	for (size_t i = 0; i < sizeof of_weights / sizeof *of_weights; i++)
		fot_table_set_empty(t, row, of_weights[i]);
out:
	fot_str_release(&model);
	return status;
}

static int add_rows(struct answering *w, const struct asked *a, struct fot_table *t, struct fot_err *err)
{
	size_t fitted;
	int status;

	FOT_TRY(open_asked(w, a, err));
	FOT_TRY(fot_fewshot_fit(&fitted, w->f, &w->demos, a->item->shots, a->item->context_length, err));
	FOT_TRY(fot_fewshot_baselines_answer(w->label, w->b, w->which, fitted, err));
	for (size_t i = 0; i < fot_fewshot_n_items(w->f); i++) {
		size_t row = fot_fewshot_item_row(w->plan, a->item, w->f, fitted, i, t);

		FOT_TRY(name_row(w, a, row, t, err));
		fot_table_set_text(t, row, "status", fot_fewshot_is_long(w->f, i) ? "skipped_long" : "ok");
		if (fot_fewshot_is_long(w->f, i))
			continue;
		fot_table_set_text(t, row, "label_pred", fot_fewshot_label(w->f, (size_t)w->label[i]));
		fot_table_set_int(t, row, "correct", w->label[i] == fot_fewshot_item(w->f, i)->label);
	}
out:
	return status;
}

int fot_fewshot_baseline_rows(const struct fot_plan *p, const bool *there, struct fot_table *t,
			      struct fot_err *err)
{
	struct answering w = { .plan = p };
	struct asked *asked;
	size_t n;
	int status;

	FOT_TRY(find_asked(&asked, &n, p, there, err));
	for (int k = 0; k < FOT_FEWSHOT_BASELINES; k++) {
		w.which = (enum fot_fewshot_baseline)k;
		w.at = NULL;
		for (size_t i = 0; i < n; i++)
			FOT_TRY(add_rows(&w, &asked[i], t, err));
	}
out:
	forget(&w);
	fot_free(asked);
	return status;
}
