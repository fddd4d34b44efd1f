/* registry.c: the table of tasks, and what their rows share. */
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "harness/report/measures.h"
#include "harness/run/items.h"
#include "harness/run/pool.h"
#include "model/attach.h"
#include "model/memory.h"

/* One row a task. */
#define TASKS(X)       \
	X(perplexity)  \
	X(passkey)     \
	X(lookup)      \
	X(fewshot)     \
	X(distraction)

/* What is looked at, not measured. */
#define SHOWN(X) X(samples)

#define DECLARE(name)                                     \
	extern const struct fot_task_class fot_task_##name; \
	extern const struct fot_measured_task fot_measured_##name;
#define ROW(name) &fot_task_##name,
#define MEASURED(name) &fot_measured_##name,

TASKS(DECLARE)
SHOWN(DECLARE)
const struct fot_task_class *const fot_task_classes[] = { TASKS(ROW) SHOWN(ROW) };
const size_t fot_n_task_classes = FOT_COUNT(fot_task_classes);
const struct fot_measured_task *const fot_measured_tasks[] = { TASKS(MEASURED) };
/* The measured ones stand first, in this order, among all. */
const size_t fot_n_measured_tasks = FOT_COUNT(fot_measured_tasks);
_Static_assert(FOT_COUNT(fot_task_classes) < FOT_TASK_CLASSES_MAX, "FOT_TASK_CLASSES_MAX");

const struct fot_task_class *fot_task_class_of(const struct fot_plan *p, const struct fot_item *item)
{
	return p->spec->task[item->task].class;
}

bool fot_task_has_memory(const struct fot_plan *p, const struct fot_item *item)
{
	return p->condition[item->condition].mode != FOT_MEMORY_NONE;
}

int64_t fot_task_sight(const struct fot_plan *p, const struct fot_item *item)
{
	const struct fot_config *c = fot_model_config(fot_plan_model_of(p, item));

	return (int64_t)c->cached_windows * c->n_layers * p->condition[item->condition].opts.window;
}

const struct fot_tokenizer *fot_task_tokenizer(const struct fot_plan *p, const struct fot_item *item)
{
	return fot_model_tokenizer(fot_plan_model_of(p, item));
}

int64_t fot_task_longest(const struct fot_plan *p, size_t condition, size_t task)
{
	const struct fot_task_spec *t = &p->spec->task[task];

	(void)condition;
	return t->context_length[t->n_lengths - 1];
}

void fot_task_failed_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table)
{
	fot_table_set_text(table, fot_task_class_of(p, item)->row(p, item, table), "status", "failed");
}

int fot_task_question_stem(struct fot_worker *w, const struct fot_item *item, const int32_t **tokens,
			   size_t *n, int64_t *asked, struct fot_err *err)
{
	struct fot_question q;
	int status;

	FOT_TRY(fot_task_class_of(w->plan, item)->ask(&q, w, item, err));
	*tokens = q.prompt;
	*n = q.n_stem;
	*asked = fot_question_fed(&q);
out:
	return status;
}

int fot_task_question_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
			       cJSON *samples, struct fot_err *err)
{
	const struct fot_task_class *class = fot_task_class_of(w->plan, item);
	struct fot_reply reply = { 0 };
	struct fot_question q;
	int64_t read = w->asker.n_read;
	double begun = fot_clock();
	size_t row;
	int status;

	FOT_TRY(class->ask(&q, w, item, err));
	FOT_TRY(fot_reply_init(&reply, &q, err));
	FOT_TRY(fot_ask(&w->asker, &q, &reply, err));
	row = class->row(w->plan, item, table);
	fot_table_set_text(table, row, "status", "ok");
	fot_task_timing(table, row, fot_clock() - begun, w->asker.n_read - read);
	status = class->answered(w, item, &reply, table, row, samples, err);
out:
	fot_reply_release(&reply);
	return status;
}

struct fot_cost fot_task_window_cost(const struct fot_plan *p, const struct fot_item *item)
{
	int64_t window = p->condition[item->condition].opts.window, filled = item->context_length - window;
	int64_t sight = fot_task_sight(p, item);

	filled = filled > 0 ? filled : 0;
	if (!fot_task_has_memory(p, item))
		return (struct fot_cost){ .asked = window };
	if (sight)
		return (struct fot_cost){ .filled = filled < sight ? filled : sight, .asked = window };
	return (struct fot_cost){ .filled = filled, .asked = window, .pairs = (double)window * (double)filled };
}

static int add_document(struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	struct fot_str what = FOT_STR_INIT;
	int status;

	fot_str_printf(&what, "%s/%s", fot_dataset_name(d), fot_dataset_at(d, item->document)->id);
	FOT_TRY(fot_str_check(&what, err));
	status = fot_plan_add(p, item, what.data, err);
out:
	fot_str_release(&what);
	return status;
}

/* Documents of the split in their order, until enough are long enough; those
 * that are certainly too short are kept too, as rows that say so. */
static int add_documents(struct fot_plan *p, size_t condition, size_t task, size_t dataset, int64_t least,
			 struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	const struct fot_dataset *d = p->dataset[dataset].data;
	int64_t max = p->limit && p->limit < t->max_documents ? p->limit : t->max_documents;
	int64_t n = 0, taken = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_dataset_count(d) && n < max; i++) {
		struct fot_item item = { .condition = condition, .task = task, .dataset = dataset, .document = i };

		if (!fot_library_takes(p, &item, i))
			continue;
		FOT_TRY(add_document(p, &item, err));
		taken++;
		n += fot_dataset_at(d, i)->n_bytes >= least;
	}
	if (taken == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s: 0 documents in split %s; all splits hold %zu (--split)",
				  fot_dataset_name(d), fot_spec_split_name(t->split), fot_dataset_count(d));
out:
	return status;
}

int fot_task_documents(struct fot_plan *p, size_t condition, size_t task, int64_t least_bytes, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	int status = FOT_OK;

	for (size_t k = 0; k < t->n_datasets; k++) {
		struct fot_item all = { .condition = condition, .task = task };

		FOT_TRY(fot_plan_dataset(p, t->dataset[k], &all.dataset, err));
		if (!fot_plan_excluded(p, &all))
			FOT_TRY(add_documents(p, condition, task, all.dataset, least_bytes, err));
	}
out:
	return status;
}

/* Tokens of document i; more than longest: it becomes the longest. */
static int measure_document(const struct fot_plan *p, const struct fot_item *all, size_t i, int64_t *longest,
			    size_t *which, struct fot_err *err)
{
	struct fot_ids ids = { 0 };
	int status = fot_dataset_tokens(p->dataset[all->dataset].data, i, fot_task_tokenizer(p, all), p->store, &ids, err);

	if (status == FOT_OK && (int64_t)ids.n > *longest) {
		*longest = (int64_t)ids.n;
		*which = i;
	}
	fot_ids_release(&ids);
	return status;
}

static bool is_among(const struct fot_item *item, const struct fot_item *all)
{
	return item->condition == all->condition && item->task == all->task && item->dataset == all->dataset;
}

/* A token holds one byte at least, BOS and a dummy space come on top: documents of fewer bytes are not
 * read, but for the largest when all are that small, so that the message can say what it has. */
int fot_task_long_enough(const struct fot_plan *p, const struct fot_item *all, int64_t need, const char *what,
			 struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[all->dataset].data;
	int64_t longest = 0, most_bytes = -1;
	size_t which = 0, largest = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < p->n_items && longest < need; i++) {
		size_t document = p->item[i].document;

		if (!is_among(&p->item[i], all))
			continue;
		if (fot_dataset_at(d, document)->n_bytes > most_bytes) {
			most_bytes = fot_dataset_at(d, document)->n_bytes;
			largest = document;
		}
		if (fot_dataset_at(d, document)->n_bytes >= need - 2)
			FOT_TRY(measure_document(p, all, document, &longest, &which, err));
	}
	if (longest >= need || most_bytes < 0)
		goto out;
	if (longest == 0)
		FOT_TRY(measure_document(p, all, largest, &longest, &which, err));
	status = FOT_FAIL(err, FOT_ERR_INPUT,
			  "dataset %s: no document is long enough: the longest, %s, has %lld tokens, %s needs %lld",
			  fot_dataset_name(d), fot_dataset_at(d, which)->id, (long long)longest, what, (long long)need);
out:
	return status;
}

size_t fot_task_row(const struct fot_plan *p, const struct fot_item *item, int64_t context_length,
		    struct fot_table *t)
{
	const struct fot_condition *c = &p->condition[item->condition];
	const struct fot_tokenizer *tokenizer = fot_task_tokenizer(p, item);
	int64_t seen = context_length > c->opts.window ? context_length - c->opts.window : 0;
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", p->run_id);
	fot_table_set_text(t, row, "model", p->model[c->model].name);
	fot_table_set_text(t, row, "model_variant", c->variant);
	fot_table_set_text(t, row, "memory_mode", fot_memory_mode_name(c->mode));
	if (c->mode == FOT_MEMORY_XL && seen > c->opts.window)
		seen = c->opts.window;
	fot_table_set_int(t, row, "memory_tokens", c->mode == FOT_MEMORY_NONE ? 0 : seen);
	fot_table_set_text(t, row, "task", fot_task_class_of(p, item)->name);
	fot_table_set_text(t, row, "dataset",
			   item->dataset == FOT_NO_DATASET ? "synthetic" :
							     fot_dataset_name(p->dataset[item->dataset].data));
	fot_table_set_int(t, row, "context_length", context_length);
	if (fot_memory_kind(c->opts.mode)->counts)
		fot_table_set_int(t, row, "top_k", c->opts.top_k);
	if (fot_memory_keeps(c->mode))
		fot_table_set_text(t, row, "mem_dtype", fot_memory_dtype_name(c->opts.mem_dtype));
	fot_table_set_int(t, row, "window", c->opts.window);
	if (tokenizer)
		fot_table_set_text(t, row, "tokenizer_sha256", fot_tokenizer_hash(tokenizer));
	return row;
}

void fot_task_timing(struct fot_table *t, size_t row, double wall_s, int64_t n_read)
{
	fot_table_set_real(t, row, "wall_s", wall_s);
	if (wall_s > 0)
		fot_table_set_real(t, row, "tokens_per_s", (double)n_read / wall_s);
	fot_table_set_int(t, row, "peak_rss_bytes", (int64_t)fot_mem_peak_rss());
	fot_table_set_int(t, row, "n_tokens_read", n_read);
}

int fot_task_printable(struct fot_str *text, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	size_t i = 0;

	while (i < text->len) {
		uint32_t cp;
		size_t n = fot_utf8_decode(text->data + i, text->len - i, &cp);

		if (n == 0 || (cp < 0x20 && cp != '\n' && cp != '\t') || cp == 0x7f)
			fot_str_puts(&out, "\xef\xbf\xbd");
		else
			fot_str_add(&out, text->data + i, n);
		i += n ? n : 1;
	}
	fot_str_release(text);
	*text = out;
	return fot_str_check(text, err);
}

bool fot_task_add_text(cJSON *o, const char *name, const struct fot_tokenizer *t, const int32_t *token, size_t n)
{
	struct fot_str text = FOT_STR_INIT;
	bool good;

	good = fot_tokenizer_decode(t, &text, token, n, NULL) == FOT_OK && fot_task_printable(&text, NULL) == FOT_OK &&
	       cJSON_AddStringToObject(o, name, text.len ? text.data : "");
	fot_str_release(&text);
	return good;
}
