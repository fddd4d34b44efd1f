/* workers.c: see workers.h. */
#include "harness/run/workers.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "harness/run/dryrun.h"
#include "harness/run/signals.h"
#include "model/blas.h"
#include "model/engine.h"

#define LONGEST 1.1 /* of an even division: about what threads that share items lose by waiting */

/* --- small conditions --- */

static const struct fot_model *model_of(const struct fot_plan *p, size_t condition)
{
	return p->model[p->condition[condition].model].model;
}

/* Bytes of a session of one thread; common: of these, what is made of the model's weights. */
static size_t session_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w,
			    size_t *common)
{
	struct fot_work one = *w;
	struct fot_session_opts o;

	one.threads = 1;
	o = fot_plan_session(p, condition, &one);
	*common = fot_session_common(model_of(p, condition), &o);
	return fot_session_estimate(model_of(p, condition), &o);
}

bool fot_workers_small(const struct fot_plan *p, size_t condition, bool keeping, const struct fot_work *w)
{
	const struct fot_engine *engine = p->condition[condition].opts.engine;
	size_t common, bytes;

	if (w->threads < 2 || (engine && engine != &fot_engine_cpu))
		return false;
	bytes = session_bytes(p, condition, w, &common) - common;
	if (fot_size_add(bytes, keeping ? fot_plan_kept(p, condition) : 0) >
	    FOT_SMALL_BYTES / (size_t)w->threads)
		return false;
	for (size_t i = 0; i < p->n_items; i++)
		if (p->item[i].condition == condition &&
		    /* the other documents of a memory are kept once for each worker */
		    (p->spec->task[p->item[i].task].own_tokens > 0 ||
		     fot_item_flops(p, &p->item[i], false) > FOT_SMALL_FLOPS))
			return false;
	return true;
}

size_t fot_workers_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	size_t each = 0, kept = 0, weights = 0, n = (size_t)w->threads;

	for (size_t m = 0; m < p->n_models; m++) {
		size_t most = 0;

		for (size_t c = 0; c < p->n_conditions; c++) {
			size_t common, bytes, here;

			if (p->condition[c].model != m || (condition != SIZE_MAX && c != condition) ||
			    !fot_workers_small(p, c, false, w))
				continue;
			bytes = session_bytes(p, c, w, &common) - common;
			here = fot_workers_small(p, c, true, w) ? fot_plan_kept(p, c) : 0;
			each = bytes > each ? bytes : each;
			kept = here > kept ? here : kept; /* it stays from condition to condition */
			most = common > most ? common : most;
		}
		weights = fot_size_add(weights, most);
	}
	return fot_size_add(weights, fot_size_mul(fot_size_add(each, kept), n < p->n_items ? n : p->n_items));
}

/* --- who does what --- */

/* Of each condition: are its items of tasks that keep documents small, are the others? */
struct small {
	bool keeping, other;
};

static bool is_small(const struct small *small, const bool *keeps, const struct fot_item *item)
{
	return keeps[item->task] ? small[item->condition].keeping : small[item->condition].other;
}

static int sort_jobs(struct fot_schedule *s, const struct fot_plan *p, const struct fot_work *w,
		     struct fot_err *err)
{
	struct fot_job *sorted = fot_alloc(s->n + 1, sizeof *sorted);
	struct small *small = fot_calloc(p->n_conditions + 1, sizeof *small);
	bool *keeps = fot_calloc(p->spec->n_tasks + 1, sizeof *keeps);
	size_t n = 0;
	int status = sorted && small && keeps ? FOT_OK : FOT_NO_MEMORY(err, "schedule");

	if (status != FOT_OK)
		goto out;
	for (size_t c = 0; c < p->n_conditions; c++)
		small[c] =
			(struct small){ fot_workers_small(p, c, true, w), fot_workers_small(p, c, false, w) };
	for (size_t t = 0; t < p->spec->n_tasks; t++)
		keeps[t] = fot_task_keeps(p, t) > 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < s->n; i++)
			if (is_small(small, keeps, &p->item[s->job[i].item]) == (pass == 0))
				sorted[n++] = s->job[i];
		s->n_small = pass == 0 ? n : s->n_small;
	}
	fot_free(s->job);
	s->job = sorted;
	sorted = NULL;
out:
	fot_free(sorted);
	fot_free(small);
	fot_free(keeps);
	return status;
}

static bool same_condition(const struct fot_schedule *s, const struct fot_plan *p, size_t a, size_t b)
{
	return p->item[s->job[a].item].condition == p->item[s->job[b].item].condition;
}

static void cut(struct fot_schedule *s, const struct fot_plan *p)
{
	for (size_t i = 0; i < s->n_small; i++)
		s->job[i].begins = i == 0 || !same_condition(s, p, i, i - 1) || s->job[i].kept == 0;
}

/* What a worker is foretold to have done. */
struct load {
	double end;
	size_t condition; /* of its session, or SIZE_MAX */
};

/* The most that any job of the condition whose jobs begin at i finds in its session: a worker that comes to it reads
 * that once more. */
static double most_found(const struct fot_schedule *s, const struct fot_plan *p, size_t i)
{
	double most = 0;

	for (size_t j = i; j < s->n_small && same_condition(s, p, i, j); j++)
		most = s->job[j].found > most ? s->job[j].found : most;
	return most;
}

/* Pieces go one after the other to the worker that is free first: do all end about together? */
static bool ends_together(const struct fot_schedule *s, const struct fot_plan *p, struct load *load,
			  int32_t n)
{
	int32_t free = 0;
	double all = 0, last = 0, found = 0;

	for (int32_t k = 0; k < n; k++)
		load[k] = (struct load){ .condition = SIZE_MAX };
	for (size_t i = 0; i < s->n_small; i++) {
		size_t condition = p->item[s->job[i].item].condition;
		bool first = i == 0 || !same_condition(s, p, i, i - 1);

		for (int32_t k = 0; k < n && s->job[i].begins; k++)
			free = load[k].end < load[free].end ? k : free;
		found = first ? most_found(s, p, i) : found;
		load[free].end += s->job[i].flops + (first || load[free].condition == condition ? 0 : found);
		load[free].condition = condition;
		all += s->job[i].flops;
		last = load[free].end > last ? load[free].end : last;
	}
	return last * n <= LONGEST * all;
}

int fot_workers_divide(struct fot_schedule *s, const struct fot_plan *p, const struct fot_work *w,
		       struct fot_err *err)
{
	struct fot_work here = *w;
	struct load *load = NULL;
	int status = FOT_OK;

	here.threads = fot_threads_at_once(w->threads);
	if (here.threads < 2 ||
	    fot_workers_bytes(p, SIZE_MAX, &here) > fot_memory_available(here.threads) / 2)
		return FOT_OK;
	load = fot_alloc((size_t)here.threads, sizeof *load);
	if (!load)
		return FOT_NO_MEMORY(err, "schedule");
	FOT_TRY(sort_jobs(s, p, &here, err));
	cut(s, p);
	s->n_workers = s->n_small ? here.threads : 1;
	while (s->n_workers > 1 && !ends_together(s, p, load, s->n_workers))
		s->n_workers--;
	s->n_small = s->n_workers > 1 ? s->n_small : 0;
out:
	fot_free(load);
	return status;
}

/* --- at work --- */

struct team;

struct member {
	struct fot_worker worker; /* first: from it `use` comes here */
	struct team *team;
	const struct fot_session *open; /* the worker's, beside which others may open theirs */
	pthread_t thread;
};

struct team {
	const struct fot_schedule *s;
	const struct fot_plan *plan;
	int (*job)(void *user, struct fot_worker *worker, const struct fot_job *job);
	void *user;
	struct member *member; /* [n] */
	int32_t n;
	pthread_mutex_t lock; /* of next, and of sessions that are opened and closed */
	size_t next;          /* job */
	atomic_int status;
};

static bool goes_on(struct team *t)
{
	return atomic_load(&t->status) == FOT_OK && !fot_signals_pending();
}

/* The next piece, jobs [*from, the result). */
static size_t take_piece(struct team *t, size_t *from)
{
	size_t to;

	pthread_mutex_lock(&t->lock);
	to = *from = t->next;
	if (to < t->s->n_small)
		for (to++; to < t->s->n_small && !t->s->job[to].begins;)
			to++;
	t->next = to;
	pthread_mutex_unlock(&t->lock);
	return to;
}

/* fot_worker_use beside another's session of the model. */
static int use(struct fot_worker *worker, size_t condition, struct fot_err *err)
{
	struct member *m = (struct member *)worker;
	struct team *t = m->team;
	int status;

	if (m->open && worker->condition == condition)
		return FOT_OK;
	pthread_mutex_lock(&t->lock);
	m->open = NULL;
	for (int32_t k = 0; k < t->n; k++)
		if (t->member[k].open &&
		    model_of(t->plan, t->member[k].worker.condition) == model_of(t->plan, condition))
			worker->beside = t->member[k].open;
	status = fot_worker_use(worker, condition, err);
	m->open = status == FOT_OK ? worker->session : NULL;
	worker->beside = NULL;
	pthread_mutex_unlock(&t->lock);
	return status;
}

static void *work(void *member)
{
	struct member *m = member;
	struct team *t = m->team;
	size_t i = 0, to = 0;

	while (goes_on(t) && (i < to || (to = take_piece(t, &i)) > i)) {
		int status = t->job(t->user, &m->worker, &t->s->job[i++]);

		if (status != FOT_OK)
			atomic_store(&t->status, status);
	}
	return NULL;
}

/* The caller is one of them. Those that cannot be started are done without. */
static void work_together(struct team *t)
{
	int32_t n = 1;

	while (n < t->n && pthread_create(&t->member[n].thread, NULL, work, &t->member[n]) == 0)
		n++;
	work(&t->member[0]);
	while (--n > 0)
		pthread_join(t->member[n].thread, NULL);
}

int fot_workers_run(const struct fot_schedule *s, const struct fot_plan *p, const struct fot_work *w,
		    int (*job)(void *user, struct fot_worker *worker, const struct fot_job *job), void *user,
		    struct fot_err *err)
{
	struct team t = { .s = s, .plan = p, .job = job, .user = user, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct fot_work each = *w;
	int status = FOT_OK;

	each.threads = fot_threads_at_once(w->threads) / s->n_workers;
	t.member = fot_calloc((size_t)s->n_workers, sizeof *t.member);
	if (!t.member)
		return FOT_NO_MEMORY(err, "workers");
	for (; t.n < s->n_workers; t.n++) {
		FOT_TRY(fot_worker_init(&t.member[t.n].worker, p, &each, err));
		t.member[t.n].worker.use = use;
		t.member[t.n].team = &t;
	}
	work_together(&t);
	status = atomic_load(&t.status);
out:
	for (int32_t k = 0; k < t.n; k++)
		fot_worker_release(&t.member[k].worker);
	fot_free(t.member);
	return status;
}
