/* pool.c: see pool.h. */
#include "harness/run/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "tasks/others.h"

struct pool {
	struct fot_library library;
	int64_t window;
	struct fot_others_document *document; /* [n] of the library's */
	struct fot_others others;
};

static void release_pool(struct pool *pool)
{
	fot_others_release(&pool->others);
	fot_free(pool->document);
	fot_library_release(&pool->library);
	*pool = (struct pool){ 0 };
}

void fot_pool_forget(void *state)
{
	release_pool(state);
	fot_free(state);
}

int fot_pool_check(const struct fot_plan *p, const struct fot_item *item, int64_t need, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	int64_t all = 0, largest = 0;

	if (!fot_task_has_memory(p, item))
		return FOT_OK;
	for (size_t i = 0; i < fot_dataset_count(d); i++) {
		int64_t bytes = fot_library_takes(p, item, i) ? fot_dataset_at(d, i)->n_bytes : 0;

		all += bytes;
		largest = bytes > largest ? bytes : largest;
	}
	if (all - largest >= need)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE,
			"dataset %s: a memory of %lld tokens of other documents: there are %lld bytes besides the largest one",
			fot_dataset_name(d), (long long)need, (long long)(all - largest));
}

struct text {
	const char *hash;
	size_t place;
};

static int by_hash(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	int order = strcmp(x->hash, y->hash);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Number of the first document with the same text: what others.h calls its text. */
static int number_texts(struct pool *pool, const struct fot_dataset *d, struct fot_err *err)
{
	const struct fot_library *l = &pool->library;
	struct text *text = fot_alloc(l->n + 1, sizeof *text);

	if (!text)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu documents", l->n);
	for (size_t i = 0; i < l->n; i++)
		text[i] = (struct text){ fot_dataset_at(d, l->document[i])->sha256, i };
	qsort(text, l->n, sizeof *text, by_hash);
	for (size_t i = 0, first = 0; i < l->n; i++) {
		first = i > 0 && strcmp(text[i].hash, text[first].hash) == 0 ? first : i;
		pool->document[text[i].place].text = text[first].place;
	}
	fot_free(text);
	return FOT_OK;
}

static int open_pool(struct pool *pool, const struct fot_worker *w, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_dataset *d = w->plan->dataset[item->dataset].data;
	const struct fot_library *l = &pool->library;
	const char *name = fot_dataset_name(d);
	int status;

	FOT_TRY(fot_library_read(&pool->library, w->plan, item, err));
	pool->window = w->plan->condition[item->condition].opts.window;
	pool->document = fot_calloc(l->n, sizeof *pool->document);
	if (!pool->document)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu documents", l->n);
	for (size_t i = 0; i < l->n; i++)
		pool->document[i] = (struct fot_others_document){ .tokens = l->ids[i].id, .n = l->ids[i].n };
	FOT_TRY(number_texts(pool, d, err));
	status = fot_others_init(&pool->others, pool->document, l->n, pool->window, w->plan->spec->seed,
				 fot_crc32(0, name, strlen(name)), err);
out:
	return status;
}

/* The pool of the item, kept from item to item. */
static int pool_of(struct pool **out, struct fot_worker *w, const struct fot_item *item, struct fot_err *err)
{
	int64_t window = w->plan->condition[item->condition].opts.window;
	struct pool *pool = w->state[item->task];
	int status = FOT_OK;

	if (!pool && !(pool = w->state[item->task] = fot_calloc(1, sizeof *pool)))
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a dataset's windows");
	*out = pool;
	if (pool->others.order && pool->window == window && fot_library_holds(&pool->library, w->plan, item))
		return FOT_OK;
	release_pool(pool);
	status = open_pool(pool, w, item, err);
	if (status != FOT_OK)
		release_pool(pool);
	return status;
}

int fot_pool_windows(struct fot_pool_windows *out, struct fot_worker *w, const struct fot_item *item, size_t n,
		     struct fot_err *err)
{
	struct pool *pool = NULL;
	size_t document, there;
	int status;

	*out = (struct fot_pool_windows){ 0 };
	FOT_TRY(pool_of(&pool, w, item, err));
	document = fot_library_place(&pool->library, item->document);
	there = fot_others_count(&pool->others, document);
	if (there < n)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT,
				 "dataset %s: expected %zu windows of other documents, there are %zu",
				 fot_dataset_name(w->plan->dataset[item->dataset].data), n, there));
	out->n_tokens = n * (size_t)pool->window;
	out->tokens = fot_alloc(out->n_tokens + 1, sizeof *out->tokens);
	out->n_documents = fot_alloc(n + 1, sizeof *out->n_documents);
	if (!out->tokens || !out->n_documents)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu windows", n));
	fot_others_fill(out->tokens, &pool->others, document, n);
	status = fot_others_documents(out->n_documents, &pool->others, document, n, err);
out:
	if (status != FOT_OK)
		fot_pool_windows_release(out);
	return status;
}

void fot_pool_windows_release(struct fot_pool_windows *x)
{
	fot_free(x->tokens);
	fot_free(x->n_documents);
	*x = (struct fot_pool_windows){ 0 };
}

/* --- library --- */

bool fot_library_takes(const struct fot_plan *p, const struct fot_item *item, size_t document)
{
	enum fot_split split = p->spec->task[item->task].split;

	return split == FOT_SPLIT_ALL || fot_dataset_at(p->dataset[item->dataset].data, document)->split == split;
}

bool fot_library_holds(const struct fot_library *l, const struct fot_plan *p, const struct fot_item *item)
{
	return l->ids && l->dataset == item->dataset &&
	       strcmp(l->tokenizer, fot_tokenizer_hash(fot_task_tokenizer(p, item))) == 0;
}

int fot_library_read(struct fot_library *l, const struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	const struct fot_tokenizer *tokenizer = fot_task_tokenizer(p, item);
	size_t all = fot_dataset_count(d);
	int status = FOT_OK;

	fot_library_release(l);
	l->dataset = item->dataset;
	memcpy(l->tokenizer, fot_tokenizer_hash(tokenizer), sizeof l->tokenizer);
	l->ids = fot_calloc(all, sizeof *l->ids);
	l->document = fot_alloc(all, sizeof *l->document);
	if (!l->ids || !l->document)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu documents", all));
	for (size_t i = 0; i < all; i++) {
		if (!fot_library_takes(p, item, i))
			continue;
		l->document[l->n++] = i;
		FOT_TRY(fot_dataset_tokens(d, i, tokenizer, p->store, &l->ids[l->n - 1], err));
	}
out:
	if (status != FOT_OK)
		fot_library_release(l);
	return status;
}

static size_t dataset_bytes(const struct fot_plan *p, size_t task, size_t dataset)
{
	const struct fot_dataset *d = p->dataset[dataset].data;
	struct fot_item item = { .task = task, .dataset = dataset };
	size_t tokens = 0;

	for (size_t i = 0; i < fot_dataset_count(d); i++)
		if (fot_library_takes(p, &item, i))
			tokens = fot_size_add(tokens, (size_t)fot_dataset_at(d, i)->n_bytes + 2); /* BOS, a dummy space */
	return fot_size_mul(tokens, sizeof(int32_t));
}

size_t fot_library_bytes(const struct fot_plan *p, size_t task)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	size_t most = 0;

	for (size_t k = 0; k < t->n_datasets; k++)
		for (size_t d = 0; d < p->n_datasets; d++) {
			size_t bytes = strcmp(p->dataset[d].spec, t->dataset[k]) == 0 ? dataset_bytes(p, task, d) : 0;

			most = bytes > most ? bytes : most;
		}
	return most;
}

void fot_library_release(struct fot_library *l)
{
	for (size_t i = 0; i < l->n; i++)
		fot_ids_release(&l->ids[i]);
	fot_free(l->ids);
	fot_free(l->document);
	*l = (struct fot_library){ 0 };
}

size_t fot_library_place(const struct fot_library *l, size_t document)
{
	size_t lo = 0, hi = l->n;

	while (lo + 1 < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->document[mid] <= document)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}
