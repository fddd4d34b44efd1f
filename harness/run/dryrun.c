/* dryrun.c: see dryrun.h.
 *
 * Operations are those of model/cost.h.  Texts are estimated at one byte per token, the most there can be, and nothing is
 * taken off for what prompts share: the figures are upper bounds. */
#include "harness/run/dryrun.h"

#include "base/clock.h"
#include "base/mem.h"
#include "harness/run/fits.h"
#include "harness/run/items.h"
#include "harness/run/task_class.h"
#include "model/cost.h"

#define PROBE_FLOPS 1e9 /* per round: a fraction of a second on one slow core */
#define PROBE_ROUNDS 3

struct cost {
	int64_t items, fed, scored;
	double flops;
};

/* o: of the item's condition. */
static double item_flops(const struct fot_plan *p, const struct fot_item *item, const struct fot_cost *cost,
			 const struct fot_session_opts *o)
{
	const struct fot_config *c = fot_model_config(fot_plan_model_of(p, item));
	struct fot_flops f = { 0 };

	fot_flops_read(&f, c, o, 0, (double)cost->filled, false);
	fot_flops_asked(&f, c, o, (double)cost->asked, cost->asked ? cost->pairs / (double)cost->asked : 0);
	return fot_flops_sum(&f);
}

static void add_item(struct cost *all, const struct fot_plan *p, const struct fot_item *item,
		     const struct fot_session_opts *o)
{
	struct fot_cost cost = fot_task_class_of(p, item)->cost(p, item);

	all->items++;
	all->fed += cost.filled + cost.asked;
	all->scored += cost.asked;
	all->flops += item_flops(p, item, &cost, o);
}

/* Operations per second that the engine reaches scoring one window of the model of
 * the first condition: the best of a few rounds, the first of which warms up. */
static int measure_rate(double *rate, const struct fot_plan *p, int32_t threads, struct fot_err *err)
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

	opts.search = FOT_SEARCH_NONE;
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
	if (!tokens || !want.nll) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "dry run: out of memory");
		goto out;
	}
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

int fot_dry_run(struct fot_str *out, const struct fot_plan *plan, const struct fot_work *work,
		struct fot_err *err)
{
	struct cost all = { 0 };
	char time_text[32] = "unknown";
	size_t most = 0;
	double rate = 0;
	int status = measure_rate(&rate, plan, work->threads, err);

	if (status != FOT_OK)
		return status;
	fot_str_printf(out, "%-40s %7s %14s %14s %12s %10s\n", "condition", "items", "tokens fed",
		       "tokens asked", "flop", "MiB");
	for (size_t c = 0; c < plan->n_conditions; c++) {
		struct fot_session_opts opts = fot_plan_session(plan, c, work);
		size_t bytes = fot_plan_bytes(plan, c, work);
		struct cost cost = { 0 };

		most = bytes > most ? bytes : most;
		for (size_t i = 0; i < plan->n_items; i++) {
			if (plan->item[i].condition == c)
				add_item(&cost, plan, &plan->item[i], &opts);
		}
		fot_str_printf(out, "%-40s %7lld %14lld %14lld %12.3e %10.1f\n", plan->condition[c].label,
			       (long long)cost.items, (long long)cost.fed, (long long)cost.scored, cost.flops,
			       (double)bytes / (1024.0 * 1024.0));
		all.items += cost.items;
		all.fed += cost.fed;
		all.scored += cost.scored;
		all.flops += cost.flops;
	}
	fot_str_printf(out, "%-40s %7lld %14lld %14lld %12.3e %10.1f\n", "all (memory: the most)",
		       (long long)all.items, (long long)all.fed, (long long)all.scored, all.flops,
		       (double)most / (1024.0 * 1024.0));
	if (rate > 0)
		fot_duration_text(all.flops / rate, time_text);
	fot_str_printf(
		out,
		"time: about %s at %.1f GFLOP/s, as measured now with %d threads on %s; less where prompts share text\n",
		time_text, rate * 1e-9, work->threads, plan->model[plan->condition[0].model].name);
	fot_str_printf(out, "run_id %s\n", plan->run_id);
	return fot_str_check(out, err);
}
