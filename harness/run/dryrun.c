/* dryrun.c: see dryrun.h.
 *
 * What the schedule of a run says (schedule.h): tokens that are computed, and those that prompts
 * share, in the operations of model/cost.h.  Documents are estimated at one byte per token, the most
 * there can be. */
#include "harness/run/dryrun.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/ask/reading.h"
#include "harness/run/items.h"
#include "harness/run/schedule.h"
#include "harness/run/workers.h"
#include "model/blas.h"
#include "model/cost.h"

#define PROBE_FLOPS 1e9 /* per round: a fraction of a second on one slow core */
#define PROBE_ROUNDS 3
#define LABEL 26 /* columns of a condition's name */
#define THREAD_STACK ((size_t)8 << 20) /* of address space, as ulimit -s has it where nobody set it */

/* Operations per second that the engine reaches scoring one window of the model of
 * the first condition: the best of a few rounds, the first of which warms up. */
int fot_engine_rate(double *rate, const struct fot_plan *p, int32_t threads, struct fot_err *err)
{
	const struct fot_model *m = p->model[p->condition[0].model].model;
	const struct fot_config *c = fot_model_config(m);
	struct fot_session_opts opts = p->condition[0].opts;
	struct fot_flops token = { 0 }, all = { 0 };
	size_t n = (size_t)opts.window;
	struct fot_session *s = NULL;
	struct fot_want want = { 0 };
	int32_t *tokens;
	double most;
	int status;

	opts.mode = FOT_MEMORY_NONE;
	fot_flops_window(&token, c, &opts, 0, 1);
	most = PROBE_FLOPS / fot_flops_sum(&token);
	if (most < (double)n)
		n = most < 16 ? (n < 16 ? n : 16) : (size_t)most;
	fot_flops_window(&all, c, &opts, 0, (double)n);
	opts.mem_max = 0;
	opts.n_threads = threads;
	tokens = fot_alloc(n, sizeof *tokens);
	want.targets = tokens;
	want.nll = fot_alloc(n, sizeof *want.nll);
	if (!tokens || !want.nll)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "dry run: out of memory"));
	for (size_t i = 0; i < n; i++)
		tokens[i] = (int32_t)(i % (size_t)c->vocab_size);
	FOT_TRY(fot_session_open(&s, m, &opts, err));
	*rate = 0;
	for (int i = 0; i < PROBE_ROUNDS; i++) {
		double begun = fot_clock(), took;

		fot_session_reset(s);
		FOT_TRY(fot_session_feed(s, tokens, n, &want, err));
		took = fot_clock() - begun;
		if (took > 0 && fot_flops_sum(&all) / took > *rate)
			*rate = fot_flops_sum(&all) / took;
	}
out:
	if (s)
		fot_session_close(s);
	fot_free(tokens);
	fot_free(want.nll);
	return status;
}

struct total {
	int64_t items, computed, shared;
	double flops;
};

static void add_jobs(struct total *t, const struct fot_plan *p, const struct fot_schedule *s, size_t condition)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct fot_job *job = &s->job[i];

		if (p->item[job->item].condition != condition)
			continue;
		t->items++;
		t->computed += job->cost.filled + job->cost.asked;
		t->shared += job->shared;
		t->flops += job->flops;
	}
}

/* A label that is too long has a line of its own. */
static void put_line(struct fot_str *out, const char *label, const struct total *t, size_t bytes)
{
	fot_str_printf(out, "%-*s", LABEL, label);
	if (strlen(label) > LABEL)
		fot_str_printf(out, "\n%-*s", LABEL, "");
	fot_str_printf(out, " %7lld %12lld %12lld %9.2e %9.1f\n", (long long)t->items, (long long)t->computed,
		       (long long)t->shared, t->flops, (double)bytes / (1024.0 * 1024.0));
}

static void put_conditions(struct fot_str *out, const struct fot_plan *plan, const struct fot_work *work,
			   const struct fot_schedule *s)
{
	struct fot_work here = *work;
	struct total all = { 0 };

	here.threads = fot_threads_at_once(work->threads);
	fot_str_printf(out, "%-*s %7s %12s %12s %9s %9s\n", LABEL, "condition", "items", "tokens", "shared", "flop", "peak MiB");
	for (size_t c = 0; c < plan->n_conditions; c++) {
		struct total t = { 0 };

		add_jobs(&t, plan, s, c);
		put_line(out, plan->condition[c].label, &t, fot_plan_peak(plan, c, &here));
		all = (struct total){ all.items + t.items, all.computed + t.computed, all.shared + t.shared,
				      all.flops + t.flops };
	}
	put_line(out, "all (memory: the most)", &all, fot_plan_peak(plan, SIZE_MAX, &here));
	if (s->n_small)
		fot_str_printf(out, "%zu items are small: %d at a time, with %d thread%s each\n", s->n_small, s->n_workers,
			       here.threads / s->n_workers, FOT_S(here.threads / s->n_workers));
}

int fot_dry_run(struct fot_str *out, const struct fot_plan *plan, const struct fot_work *work, struct fot_err *err)
{
	struct fot_schedule s = { 0 };
	struct fot_worker w = { 0 };
	char time_text[32] = "unknown";
	double rate = 0;
	int status;

	FOT_TRY(fot_worker_init(&w, plan, work, err));
	FOT_TRY(fot_schedule(&s, &w, NULL, NULL, err));
	FOT_TRY(fot_workers_divide(&s, plan, work, err));
	FOT_TRY(fot_engine_rate(&rate, plan, work->threads, err));
	put_conditions(out, plan, work, &s);
	if (rate > 0)
		fot_duration_text(s.flops / rate, time_text);
	fot_str_printf(out, "time: about %s at %.1f GFLOP/s, as measured now with %d thread%s on %s\n", time_text, rate * 1e-9,
		       work->threads, FOT_S(work->threads), plan->model[plan->condition[0].model].name);
	fot_str_printf(out, "run_id %s\n", plan->run_id);
	status = fot_str_check(out, err);
out:
	fot_schedule_release(&s);
	fot_worker_release(&w);
	return status;
}

/* --- memory --- */

#define MIB (1024.0 * 1024.0)

size_t fot_plan_bytes(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	struct fot_session_opts opts = fot_plan_session(p, condition, w);

	return fot_session_estimate(p->model[p->condition[condition].model].model, &opts);
}

size_t fot_task_keeps(const struct fot_plan *p, size_t task)
{
	const struct fot_task_class *class = p->spec->task[task].class;

	return class->keeps ? class->keeps(p, task) : 0;
}

static bool is_at_work(const struct fot_plan *p, size_t task, size_t condition)
{
	size_t i = 0;

	while (i < p->n_items &&
	       (p->item[i].task != task || (condition != SIZE_MAX && p->item[i].condition != condition)))
		i++;
	return i < p->n_items;
}

size_t fot_plan_kept(const struct fot_plan *p, size_t condition)
{
	size_t bytes = 0;

	for (size_t t = 0; t < p->spec->n_tasks; t++)
		if (p->spec->task[t].class->keeps && is_at_work(p, t, condition))
			bytes = fot_size_add(bytes, fot_task_keeps(p, t));
	return bytes;
}

size_t fot_plan_peak(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	bool one = condition != SIZE_MAX;
	size_t from = one ? condition : 0, to = one ? condition + 1 : p->n_conditions, most, weights = 0;

	most = fot_workers_bytes(p, condition, w);
	for (size_t c = from; c < to; c++) {
		bool all_small = fot_workers_small(p, c, fot_plan_kept(p, c) > 0, w);
		size_t bytes = all_small ? 0 : fot_size_add(fot_plan_bytes(p, c, w), fot_plan_kept(p, condition));

		most = bytes > most ? bytes : most;
	}
	for (size_t m = 0; m < p->n_models; m++) {
		size_t mapped = 0;

		for (size_t c = from; c < to; c++) {
			struct fot_session_opts o = fot_plan_session(p, c, w);
			size_t here = p->condition[c].model == m ? fot_session_mapped(p->model[m].model, &o) : 0;

			mapped = here > mapped ? here : mapped;
		}
		weights = fot_size_add(weights, mapped);
	}
	return fot_size_add(FOT_PROCESS_BYTES, fot_size_add(weights, most));
}

/* A number at the start of a file, or behind `key` in it; SIZE_MAX: none. */
static size_t number_in(const char *path, const char *key, size_t unit)
{
	struct fot_str text = FOT_STR_INIT;
	unsigned long long n = 0;
	size_t bytes = SIZE_MAX;
	const char *at;

	if (fot_file_read(&text, path, 1u << 20, NULL) == FOT_OK && text.len) {
		at = key ? strstr(text.data, key) : text.data;
		if (at && sscanf(at + (key ? strlen(key) : 0), "%llu", &n) == 1)
			bytes = fot_size_mul((size_t)n, unit);
	}
	fot_str_release(&text);
	return bytes;
}

/* What a limit on the address space leaves beside the stacks of threads. */
static size_t address_space(int32_t threads)
{
	size_t used = number_in("/proc/self/statm", NULL, (size_t)sysconf(_SC_PAGESIZE));
	struct rlimit most;

	if (getrlimit(RLIMIT_AS, &most) != 0 || most.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	used = fot_size_add(used, fot_size_mul((size_t)threads, THREAD_STACK));
	return used < most.rlim_cur ? (size_t)most.rlim_cur - used : 0;
}

size_t fot_memory_available(int32_t threads)
{
	size_t room[] = { number_in("/proc/meminfo", "MemAvailable:", 1024),
			  number_in("/sys/fs/cgroup/memory.max", NULL, 1), address_space(threads) };
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < FOT_COUNT(room); i++)
		least = room[i] < least ? room[i] : least;
	return least;
}

int fot_plan_fits(const struct fot_plan *p, const struct fot_work *w, struct fot_err *err)
{
	size_t room = fot_memory_available(w->threads);

	for (size_t c = 0; c < p->n_conditions; c++) {
		size_t need = fot_plan_bytes(p, c, w);

		if (need > room)
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"%s: a memory of %lld tokens needs %.0f MiB, %.0f MiB are available%s",
					p->condition[c].label, (long long)fot_plan_memory(p, c), (double)need / MIB,
					(double)room / MIB,
					p->condition[c].opts.mem_dtype == FOT_F32 ? " (mem_dtype bf16 halves the memory)" : "");
	}
	return FOT_OK;
}
