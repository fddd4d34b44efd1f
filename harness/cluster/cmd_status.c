/* cmd_status.c: how runs stand, and what to do next. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/cluster/cluster.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"

struct showing {
	bool json, all;
	bool needs_hand; /* a run does not go on by itself */
	struct fot_str out;
	cJSON *runs;
};

/* --- what to do next --- */

static bool goes_on(enum fot_run_state state)
{
	return state == FOT_RUN_QUEUED || state == FOT_RUN_RUNNING;
}

/* In words and commands; "": nothing. */
static void next_of_run(struct fot_str *out, const struct fot_glance *g, const char *dir)
{
	if (goes_on(g->state))
		return;
	if (g->state == FOT_RUN_COMPLETE) {
		fot_str_puts(out, "fotbench report ");
		fot_quote_shell(out, dir);
	} else {
		fot_str_printf(out, "%s --resume", g->command ? g->command : "fotbench run SPEC.json -o OUT");
	}
}

static void next_of_cluster(struct fot_str *out, const struct fot_cluster *c,
			    const struct fot_cluster_view *v)
{
	int64_t idle = 0;

	for (int64_t k = 0; k < v->n; k++)
		idle += fot_cluster_is_idle(&v->shard[k]);
	if (idle) {
		fot_str_puts(out, c->command);
	} else if (v->state[FOT_RUN_COMPLETE] == v->n && v->merged.state == FOT_RUN_COMPLETE) {
		next_of_run(out, &v->merged, c->out);
	} else if (v->state[FOT_RUN_COMPLETE] == v->n && !v->merges_alive.len && !goes_on(v->merged.state)) {
		fot_str_puts(out, "fotbench merge ");
		fot_quote_shell(out, c->dir);
		fot_str_puts(out, " -o ");
		fot_quote_shell(out, c->out);
		fot_str_puts(out, " --overwrite");
	}
}

/* --- JSON --- */

static bool add_number(cJSON *o, const char *key, double value, bool known)
{
	return known ? cJSON_AddNumberToObject(o, key, value) != NULL : cJSON_AddNullToObject(o, key) != NULL;
}

static bool add_glance(cJSON *o, const struct fot_glance *g)
{
	cJSON *list;
	bool good = cJSON_AddStringToObject(o, "state", fot_run_state_words[g->state]) &&
		    add_number(o, "items", (double)g->planned, true) &&
		    add_number(o, "done", (double)g->done, true) &&
		    add_number(o, "failed", (double)g->failed, true) &&
		    add_number(o, "age_s", g->age_s, g->age_s >= 0) &&
		    add_number(o, "left_s", g->left_s, g->left_s >= 0);

	list = good ? cJSON_AddArrayToObject(o, "failures") : NULL;
	good = list != NULL;
	for (size_t i = 0; i < g->n_failures && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateString(g->failure[i]));
	return good;
}

static bool add_text(cJSON *o, const char *key, const char *text)
{
	return text && *text ? cJSON_AddStringToObject(o, key, text) != NULL :
			       cJSON_AddNullToObject(o, key) != NULL;
}

static bool add_shard(cJSON *list, const struct fot_cluster_shard *s, int64_t k)
{
	cJSON *o = fot_json_append(list);

	return o && add_number(o, "shard", (double)k, true) && add_glance(o, &s->run) &&
	       add_text(o, "job", s->job) && add_text(o, "job_state", s->job_state) &&
	       add_text(o, "log_error", s->log_error);
}

static bool add_cluster(cJSON *o, const struct fot_cluster_view *v)
{
	cJSON *list, *merged;
	bool good = add_number(o, "items", (double)v->planned, true) &&
		    add_number(o, "done", (double)v->done, true) &&
		    add_number(o, "failed", (double)v->failed, true) &&
		    add_number(o, "left_s", v->left_s, v->left_s >= 0) &&
		    add_text(o, "queue_problem", v->problem);

	merged = good ? cJSON_AddObjectToObject(o, "merged") : NULL;
	good = merged && add_glance(merged, &v->merged) &&
	       cJSON_AddBoolToObject(merged, "queued", v->merges_alive.len > 0);
	list = good ? cJSON_AddArrayToObject(o, "shards") : NULL;
	good = list != NULL;
	for (int64_t k = 0; k < v->n && good; k++)
		good = add_shard(list, &v->shard[k], k + 1);
	return good;
}

/* --- lines --- */

static void put_duration(struct fot_str *out, double seconds)
{
	char text[32] = "-";

	if (seconds >= 0)
		fot_duration_text(seconds, text);
	fot_str_printf(out, " %9s", text);
}

static void put_text(struct fot_str *out, const char *before, const char *text)
{
	fot_str_puts(out, before);
	fot_quote_terminal(out, text);
	fot_str_putc(out, '\n');
}

static void put_failures(struct fot_str *out, const struct fot_glance *g, const char *log_error)
{
	for (size_t i = 0; i < g->n_failures; i++)
		put_text(out, "       ", g->failure[i]);
	if (g->failed > (int64_t)g->n_failures)
		fot_str_printf(out, "       (the last %zu of %lld failures; all: log.txt)\n", g->n_failures,
			       (long long)g->failed);
	if (log_error && !g->n_failures)
		put_text(out, "       ", log_error);
}

static const char heading[] = " shard    state      items       done   failed  last line      left  job\n";

static void put_row(struct fot_str *out, int64_t shard, const struct fot_glance *g)
{
	if (shard)
		fot_str_printf(out, "%6lld", (long long)shard);
	else
		fot_str_printf(out, "%6s", "-");
	fot_str_printf(out, " %8s %10lld %10lld %8lld", fot_run_state_words[g->state], (long long)g->planned,
		       (long long)g->done, (long long)g->failed);
	fot_str_puts(out, " ");
	put_duration(out, g->age_s);
	put_duration(out, g->left_s);
}

static void put_shard(struct fot_str *out, const struct fot_cluster_shard *s, int64_t k)
{
	put_row(out, k, &s->run);
	fot_str_printf(out, "%s%s%s%s\n", *s->job ? "  " : "", s->job, *s->job ? " " : "", s->job_state);
	if (s->run.state != FOT_RUN_COMPLETE)
		put_failures(out, &s->run, s->log_error);
}

static void put_counts(struct fot_str *out, const struct fot_cluster_view *v)
{
	const char *between = "";
	char left[32];

	for (int i = FOT_RUN_STATES - 1; i >= 0; i--) {
		if (!v->state[i])
			continue;
		fot_str_printf(out, "%s%lld %s", between, (long long)v->state[i], fot_run_state_words[i]);
		between = ", ";
	}
	fot_str_printf(out, "; %lld of %lld items done, %lld failed", (long long)v->done,
		       (long long)v->planned, (long long)v->failed);
	if (v->left_s > 0) {
		fot_duration_text(v->left_s, left);
		fot_str_printf(out, "; about %s left", left);
	}
	fot_str_printf(out, "; merged: %s\n",
		       v->merges_alive.len && v->merged.state != FOT_RUN_COMPLETE ?
			       "queued" :
			       fot_run_state_words[v->merged.state]);
}

static void put_cluster(struct fot_str *out, const struct fot_cluster_view *v, bool all)
{
	bool any = false;

	put_counts(out, v);
	if (v->problem[0])
		put_text(out, "the queue's word is missing: ", v->problem);
	for (int64_t k = 0; k < v->n; k++) {
		if (!all && v->shard[k].run.state == FOT_RUN_COMPLETE)
			continue;
		fot_str_puts(out, any ? "" : heading);
		any = true;
		put_shard(out, &v->shard[k], k + 1);
	}
	if (v->merged.state == FOT_RUN_PARTIAL || v->merged.state == FOT_RUN_FAILED)
		put_failures(out, &v->merged, NULL);
}

static void put_next(struct fot_str *out, const struct fot_str *next)
{
	if (next->len)
		put_text(out, "next: ", next->data);
}

/* --- runs --- */

static cJSON *new_run(struct showing *s, const char *dir, const char *run_id)
{
	cJSON *o = fot_json_append(s->runs);

	return o && cJSON_AddStringToObject(o, "output", dir) && add_text(o, "run_id", run_id) ? o : NULL;
}

static int show_cluster(struct showing *s, const struct fot_cluster *c, struct fot_err *err)
{
	struct fot_cluster_view v = { 0 };
	struct fot_str next = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_cluster_look(&v, c, err));
	next_of_cluster(&next, c, &v);
	FOT_TRY(fot_str_check(&next, err));
	for (int64_t k = 0; k < v.n; k++)
		s->needs_hand |= fot_cluster_is_idle(&v.shard[k]);
	s->needs_hand |= next.len && v.merged.state != FOT_RUN_COMPLETE;
	if (s->json) {
		cJSON *o = new_run(s, c->out, c->run_id);

		status = o && add_cluster(o, &v) && add_text(o, "next", next.len ? next.data : NULL) ?
				 FOT_OK :
				 FOT_NO_MEMORY(err, "status");
		goto out;
	}
	fot_quote_terminal(&s->out, c->out);
	fot_str_printf(&s->out, ": run %s, %lld shards: ", c->run_id, (long long)c->shards);
	put_cluster(&s->out, &v, s->all);
	put_next(&s->out, &next);
out:
	fot_str_release(&next);
	fot_cluster_view_release(&v);
	return status;
}

static int show_run(struct showing *s, const char *dir, struct fot_err *err)
{
	struct fot_glance g = { 0 };
	struct fot_str next = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_glance(&g, dir, err));
	if (g.state == FOT_RUN_MISSING)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT,
				 "%s: expected a run: no manifest.json there, and nothing was submitted",
				 dir));
	s->needs_hand |= g.state != FOT_RUN_COMPLETE && !goes_on(g.state);
	next_of_run(&next, &g, dir);
	FOT_TRY(fot_str_check(&next, err));
	if (s->json) {
		cJSON *o = new_run(s, dir, g.run_id);

		status = o && add_glance(o, &g) && add_text(o, "next", next.len ? next.data : NULL) ?
				 FOT_OK :
				 FOT_NO_MEMORY(err, "status");
		goto out;
	}
	fot_quote_terminal(&s->out, dir);
	fot_str_printf(&s->out, ": run %s\n%s", g.run_id, heading);
	put_row(&s->out, g.shard, &g);
	fot_str_putc(&s->out, '\n');
	if (g.state != FOT_RUN_COMPLETE)
		put_failures(&s->out, &g, NULL);
	put_next(&s->out, &next);
out:
	fot_str_release(&next);
	fot_glance_release(&g);
	return status;
}

static int show(struct showing *s, const char *dir, struct fot_err *err)
{
	struct fot_cluster c = { 0 };
	int status;

	FOT_TRY(fot_cluster_open(&c, dir, err));
	status = fot_cluster_is_there(&c) ? show_cluster(s, &c, err) : show_run(s, dir, err);
out:
	fot_cluster_close(&c);
	return status;
}

static int print(struct showing *s, struct fot_err *err)
{
	cJSON *root = s->json ? cJSON_CreateObject() : NULL;
	int status = FOT_OK;

	if (s->json && (!root || !cJSON_AddItemReferenceToObject(root, "runs", s->runs)))
		status = FOT_NO_MEMORY(err, "status");
	else if (s->json)
		status = fot_json_print(&s->out, root, 1, err);
	if (s->json)
		fot_str_putc(&s->out, '\n');
	cJSON_Delete(root);
	if (status == FOT_OK)
		status = fot_str_check(&s->out, err);
	if (status != FOT_OK)
		return status;
	fwrite(s->out.data, 1, s->out.len, stdout);
	return fot_flush_stdout(err);
}

static const char about[] =
	"How runs stand, while they run and after: items, failures with their messages, what runs and what is stalled, the time\n"
	"left, and what to type next. Of a folder of submit each shard that is not complete, with its job where squeue (and\n"
	"sacct) answer. States: missing, queued, running, stalled (silent for long), stopped (goes on where it was), failed,\n"
	"partial (some items failed), complete. Exit codes: 0 complete or going on by itself, 4 something is left for you to\n"
	"do, 5 no run there.";

static int show_all(void *showing, const struct fot_options *o, struct fot_err *err)
{
	struct showing *s = showing;
	int status = FOT_OK;

	s->runs = cJSON_CreateArray();
	if (!s->runs)
		status = FOT_NO_MEMORY(err, "status");
	for (size_t i = 0; i < o->n_positional && status == FOT_OK; i++)
		status = show(s, o->positional[i], err);
	if (status == FOT_OK)
		status = print(s, err);
	cJSON_Delete(s->runs);
	fot_str_release(&s->out);
	return status == FOT_OK && s->needs_hand ? FOT_ERR_PARTIAL : status;
}

int fot_cmd_status(int argc, char **argv)
{
	struct showing s = { 0 };
	struct fot_option options[] = {
		{ FOT_FLAG_OPTION("all", &s.all, "complete shards too") },
		FOT_COMMON_JSON(&s.json),
	};
	struct fot_options o =
		FOT_COMMAND("status", "OUT... [options]", about, options, 1, FOT_POSITIONAL_MAX, show_all);

	return fot_command(&o, argc, argv, &s);
}
