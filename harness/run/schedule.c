/* schedule.c: see schedule.h.
 *
 * A stem is kept as one hash per whole window (and one for what is left): two prompts that
 * agree in a window agree in its hash.  A collision would cost time, never a result: the
 * asker compares tokens. */
#include "harness/run/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "harness/run/signals.h"
#include "model/cost.h"
#include "model/window_cache.h"

struct entry {
	size_t item;
	uint64_t *hash; /* [n] */
	size_t n;
	int64_t n_tokens, asked;
};

/* What the session knows when an item's turn comes. */
struct walk {
	const struct fot_plan *plan;
	const struct fot_work *work;
	const struct entry *before;    /* of the same condition, or NULL */
	struct fot_window_cache cache; /* holds the windows' hashes in place of their tokens */
	struct fot_arena arena;        /* of the cache */
	size_t task, dataset;          /* whose common windows were read */
};

/* --- the order --- */

static size_t window_of(const struct fot_plan *p, size_t item)
{
	return (size_t)p->condition[p->item[item].condition].opts.window;
}

static int sign_stem(struct entry *e, struct fot_worker *w, struct fot_err *err)
{
	const struct fot_item *item = &w->plan->item[e->item];
	const struct fot_task_class *class = fot_task_class_of(w->plan, item);
	size_t window = window_of(w->plan, e->item), n = 0;
	const int32_t *tokens = NULL;
	int status;

	if (!class->stem)
		return FOT_OK;
	status = class->stem(w, item, &tokens, &n, &e->asked, err);
	if (status != FOT_OK)
		return status;
	e->n_tokens = (int64_t)n;
	e->n = (n + window - 1) / window;
	e->hash = fot_alloc(e->n + 1, sizeof *e->hash);
	if (!e->hash)
		return FOT_NO_MEMORY(err, "schedule");
	for (size_t i = 0; i < e->n; i++) {
		size_t left = n - i * window;

		e->hash[i] = fot_fnv(tokens + i * window, sizeof *tokens * (left < window ? left : window));
	}
	return FOT_OK;
}

static int by_stem(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	for (size_t i = 0; i < x->n && i < y->n; i++)
		if (x->hash[i] != y->hash[i])
			return x->hash[i] < y->hash[i] ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* --- the costs --- */

/* Of a cost behind `shared` tokens that are there already. */
static double cost_flops(const struct fot_plan *p, const struct fot_item *item, int64_t shared, const struct fot_cost *cost,
			 bool no_skipping)
{
	const struct fot_condition *at = &p->condition[item->condition];
	const struct fot_config *c = fot_model_config(p->model[at->model].model);
	struct fot_session_opts opts = at->opts;
	struct fot_flops f = { 0 };

	opts.no_skip = no_skipping;
	fot_flops_read(&f, c, &opts, (double)shared, (double)cost->filled, false);
	fot_flops_asked(&f, c, &opts, (double)cost->asked, cost->asked ? cost->pairs / (double)cost->asked : 0);
	return fot_flops_sum(&f);
}

double fot_item_flops(const struct fot_plan *p, const struct fot_item *item, bool follows)
{
	struct fot_cost cost = fot_task_class_of(p, item)->cost(p, item);
	int64_t there = cost.again + (follows ? cost.common : 0);

	cost.filled -= there;
	return cost_flops(p, item, there, &cost, false);
}

/* Leading tokens that stay in the memory from the item before: whole windows, or all. */
static int64_t kept_tokens(const struct walk *k, const struct entry *e, int64_t window, bool whole_only)
{
	size_t same = 0;

	if (!k->before || k->work->no_sharing)
		return 0;
	while (same < e->n && same < k->before->n && e->hash[same] == k->before->hash[same])
		same++;
	if (same == e->n && e->n_tokens == k->before->n_tokens)
		return e->n_tokens;
	same = same < (size_t)(e->n_tokens / window) ? same : (size_t)(e->n_tokens / window);
	return whole_only ? 0 : (int64_t)same * window;
}

/* Whole windows from the kept ones on that the session finds again; the others it keeps. The last one
 * that is fed goes through the local context, as fot_session_feed has it. */
static int64_t found_tokens(struct walk *k, const struct entry *e, int64_t window, int64_t kept)
{
	int64_t last = e->n_tokens / window - 1, n = 0;

	for (int64_t i = kept / window; i < last; i += FOT_CACHE_BATCH) {
		int64_t missing[FOT_CACHE_BATCH], n_missing = 0;

		fot_window_cache_begin(&k->cache);
		for (int64_t at = i; at < last && at < i + FOT_CACHE_BATCH; at++) {
			int32_t key[2];

			memcpy(key, &e->hash[at], sizeof key);
			if (fot_window_cache_find(&k->cache, key) >= 0)
				n += window;
			else
				missing[n_missing++] = at;
		}
		for (int64_t m = 0; m < n_missing; m++) {
			int32_t key[2];

			memcpy(key, &e->hash[missing[m]], sizeof key);
			fot_window_cache_put(&k->cache, key, NULL, NULL);
		}
	}
	return n;
}

/* Of reading so many tokens from the start. */
static double fill_flops(const struct walk *k, const struct fot_job *job, int64_t tokens)
{
	const struct fot_cost cost = { .filled = tokens };

	return tokens ? cost_flops(k->plan, &k->plan->item[job->item], 0, &cost, k->work->no_skipping) : 0;
}

/* A prompt that was built: counted exactly. */
static void stem_cost(struct walk *k, struct fot_job *job, const struct entry *e)
{
	const struct fot_item *item = &k->plan->item[job->item];
	int64_t window = (int64_t)window_of(k->plan, job->item), sight = fot_task_sight(k->plan, item);
	int64_t kept = kept_tokens(k, e, window, sight > 0);

	job->shared = kept < e->n_tokens ? kept + found_tokens(k, e, window, kept) : kept;
	job->kept = kept;
	job->found = fill_flops(k, job, job->shared);
	job->cost = (struct fot_cost){ .filled = e->n_tokens - job->shared, .asked = e->asked,
				       .pairs = (double)e->asked * (double)e->n_tokens };
	if (sight && job->cost.filled > sight)
		job->cost.filled = sight;
}

/* The task's own estimate, less windows that come again. */
static void task_cost(struct walk *k, struct fot_job *job)
{
	const struct fot_item *item = &k->plan->item[job->item];
	int64_t room = k->cache.slots * (int64_t)window_of(k->plan, job->item);
	bool seen = k->task == item->task && k->dataset == item->dataset;

	job->cost = fot_task_class_of(k->plan, item)->cost(k->plan, item);
	if (job->cost.filled - job->cost.again <= room)
		job->shared = job->cost.again + (seen ? job->cost.common : 0);
	job->found = fill_flops(k, job, job->shared > job->cost.again ? job->cost.common : 0);
	job->cost.filled -= job->shared;
	k->task = item->task;
	k->dataset = item->dataset;
}

static void add_job(struct walk *k, struct fot_schedule *s, const struct entry *e)
{
	const struct fot_item *item = &k->plan->item[e->item];
	/* with cached windows a stem is read anew for every question behind it */
	bool anew = fot_task_class_of(k->plan, item)->many && fot_task_sight(k->plan, item) > 0;
	struct fot_job *job = &s->job[s->n++];

	*job = (struct fot_job){ .item = e->item };
	if (e->hash && !anew)
		stem_cost(k, job, e);
	else
		task_cost(k, job);
	job->flops = cost_flops(k->plan, item, job->shared, &job->cost, k->work->no_skipping);
	s->flops += job->flops;
	k->before = e->hash ? e : NULL;
}

static int open_walk(struct walk *k, const struct fot_worker *w, size_t condition, struct fot_err *err)
{
	struct fot_session_opts opts = fot_plan_session(w->plan, condition, &w->work);
	const struct fot_config *c = fot_model_config(w->plan->model[w->plan->condition[condition].model].model);
	bool keeps = c->n_mem_layers == 1 && !c->cached_windows && !w->work.no_skipping;
	struct fot_layout y = { 0 };
	int status;

	*k = (struct walk){ .plan = w->plan, .work = &w->work, .task = SIZE_MAX };
	fot_window_cache_lay(&k->cache, &y, keeps ? opts.cache_windows : 0, 2, 0);
	FOT_TRY(fot_arena_init(&k->arena, y.need, err));
	y.arena = &k->arena;
	fot_window_cache_lay(&k->cache, &y, keeps ? opts.cache_windows : 0, 2, 0);
out:
	return status;
}

/* --- a condition --- */

/* entry [n]: items of one condition, ascending. */
static int add_condition(struct fot_schedule *s, struct entry *entry, size_t n, struct fot_worker *w, struct fot_err *err)
{
	size_t condition = w->plan->item[entry[0].item].condition;
	bool memory = fot_task_has_memory(w->plan, &w->plan->item[entry[0].item]), built = memory;
	struct walk k = { 0 };
	int status;

	FOT_TRY(open_walk(&k, w, condition, err));
	for (size_t i = 0; i < n && built; i++)
		built = sign_stem(&entry[i], w, NULL) == FOT_OK;
	if (built && !w->work.no_sharing)
		qsort(entry, n, sizeof *entry, by_stem);
	for (size_t i = 0; i < n; i++)
		add_job(&k, s, &entry[i]);
out:
	fot_arena_release(&k.arena);
	for (size_t i = 0; i < n; i++)
		fot_free(entry[i].hash);
	return status;
}

int fot_schedule(struct fot_schedule *out, struct fot_worker *w, bool (*wanted)(const void *user, size_t item),
		 const void *user, struct fot_err *err)
{
	const struct fot_plan *p = w->plan;
	struct entry *entry = fot_alloc(p->n_items + 1, sizeof *entry);
	int status = FOT_OK;

	*out = (struct fot_schedule){ .job = fot_alloc(p->n_items + 1, sizeof *out->job), .n_workers = 1 };
	if (!entry || !out->job)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu items", p->n_items));
	for (size_t first = 0, last; first < p->n_items && !fot_signals_pending(); first = last) {
		size_t n = 0;

		for (last = first; last < p->n_items && p->item[last].condition == p->item[first].condition; last++)
			if (!wanted || wanted(user, last))
				entry[n++] = (struct entry){ .item = last };
		if (n)
			FOT_TRY(add_condition(out, entry, n, w, err));
	}
out:
	fot_free(entry);
	if (status != FOT_OK)
		fot_schedule_release(out);
	return status;
}

void fot_schedule_release(struct fot_schedule *s)
{
	fot_free(s->job);
	*s = (struct fot_schedule){ 0 };
}
