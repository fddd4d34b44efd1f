/* dryrun.c: see dryrun.h.
 *
 * Two operations per weight and token, four per query-key pair and head
 * dimension.  Windows of which nothing is scored stop at the last memory layer.
 * Texts are estimated at one byte per token, the most there can be, and nothing is
 * taken off for what prompts share: the figures are upper bounds. */
#include "harness/run/dryrun.h"

#include "base/clock.h"
#include "base/mem.h"
#include "harness/run/fits.h"
#include "harness/run/items.h"
#include "harness/run/task_class.h"

#define PROBE_FLOPS 1e9 /* per round: a fraction of a second on one slow core */
#define PROBE_ROUNDS 3

struct cost {
	int64_t items, fed, scored;
	double flops;
};

/* Operations for one token up to and with n_layers layers, without attention. */
static double layer_flops(const struct fot_config *c, int n_layers)
{
	double d = c->hidden_size, f = c->intermediate_size;

	return 2.0 * n_layers * (4.0 * d * d + 3.0 * d * f);
}

static double item_flops(const struct fot_plan *p, const struct fot_item *item, const struct fot_cost *cost)
{
	const struct fot_condition *k = &p->condition[item->condition];
	const struct fot_config *c = fot_model_config(p->model[k->model].model);
	double d = c->hidden_size, window = k->opts.window;
	int upper = k->mode == FOT_MEMORY_XL   ? c->n_layers :
		    k->mode != FOT_MEMORY_NONE ? c->mem_layers[c->n_mem_layers - 1] + 1 :
						 0;
	/* Lower memory layers are read while the memory is filled: half of it on average. */
	double fill_pairs = k->mode == FOT_MEMORY_XL ? (double)cost->filled * window * upper :
						       (double)cost->filled * (double)cost->filled / 2 *
							       (c->n_mem_layers - 1);

	return (double)cost->filled * (layer_flops(c, upper) + 2.0 * upper * d * window) +
	       (upper ? 4.0 * d * fill_pairs : 0) +
	       (double)cost->asked *
		       (layer_flops(c, c->n_layers) + 2.0 * d * c->vocab_size + 2.0 * c->n_layers * d * window) +
	       4.0 * c->n_mem_layers * d * cost->pairs;
}

static void add_item(struct cost *all, const struct fot_plan *p, const struct fot_item *item)
{
	struct fot_cost cost = fot_task_class_of(p, item)->cost(p, item);

	all->items++;
	all->fed += cost.filled + cost.asked;
	all->scored += cost.asked;
	all->flops += item_flops(p, item, &cost);
}

/* Operations per second that the engine reaches scoring one window of the model of
 * the first condition: the best of a few rounds, the first of which warms up. */
static int measure_rate(double *rate, const struct fot_plan *p, int32_t threads, struct fot_err *err)
{
	const struct fot_model *m = p->model[p->condition[0].model].model;
	const struct fot_config *c = fot_model_config(m);
	struct fot_session_opts opts = p->condition[0].opts;
	double per_token = layer_flops(c, c->n_layers) + 2.0 * c->hidden_size * c->vocab_size;
	double most = PROBE_FLOPS / per_token;
	size_t n = (size_t)opts.window;
	struct fot_session *s = NULL;
	struct fot_want want = { 0 };
	int32_t *tokens;
	int status;

	if (most < (double)n)
		n = most < 16 ? (n < 16 ? n : 16) : (size_t)most;
	opts.search = FOT_SEARCH_NONE;
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
		if (took > 0 && (double)n * per_token / took > *rate)
			*rate = (double)n * per_token / took;
	}
out:
	if (s)
		fot_session_close(s);
	fot_free(tokens);
	fot_free(want.nll);
	return status;
}

int fot_dry_run(struct fot_str *out, const struct fot_plan *plan, const struct fot_work *work, struct fot_err *err)
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
		size_t bytes = fot_plan_bytes(plan, c, work);
		struct cost cost = { 0 };

		most = bytes > most ? bytes : most;
		for (size_t i = 0; i < plan->n_items; i++) {
			if (plan->item[i].condition == c)
				add_item(&cost, plan, &plan->item[i]);
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
	fot_str_printf(out, "time: about %s at %.1f GFLOP/s, as measured now with %d threads on %s; less where prompts share text\n",
		       time_text, rate * 1e-9, work->threads, plan->model[plan->condition[0].model].name);
	fot_str_printf(out, "run_id %s\n", plan->run_id);
	return fot_str_check(out, err);
}
