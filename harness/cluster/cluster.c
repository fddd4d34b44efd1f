/* cluster.c: see cluster.h. */
#include "harness/cluster/cluster.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/run/division.h"

#define FORMAT "fotbench-submit"
#define VERSION 1
#define MAX_FILE ((size_t)64 << 20)
#define DIGITS "0123456789"

/* --- submit.json --- */

static char *join(const char *dir, const char *name)
{
	struct fot_str path = FOT_STR_INIT;
	char *out;

	fot_path_join(&path, dir, name);
	out = path.failed ? NULL : fot_strdup(path.data);
	fot_str_release(&path);
	return out;
}

static int add(struct fot_cluster *c, const char *const text[4], struct fot_err *err)
{
	struct fot_submitted *s;

	if (!FOT_GROW(c->submitted, c->n_submitted, c->cap))
		return FOT_NO_MEMORY(err, "submit.json");
	s = &c->submitted[c->n_submitted++];
	*s = (struct fot_submitted){ fot_strdup(text[0]), fot_strdup(text[1]), fot_strdup(text[2]),
				     fot_strdup(text[3]) };
	return s->at && s->tasks && s->array && s->merge ? FOT_OK : FOT_NO_MEMORY(err, "submit.json");
}

static const char *const keys[] = { "at", "tasks", "array", "merge" };

/* The numbers of jobs go into options: digits only. */
static int read_call(struct fot_cluster *c, const cJSON *o, const struct fot_json_ctx *ctx,
		     struct fot_err *err)
{
	const char *text[4] = { "", "", "", "" };
	int status = FOT_OK;

	for (size_t i = 0; i < 4; i++)
		FOT_TRY(fot_json_string(o, keys[i], true, &text[i], ctx, err));
	for (size_t i = 2; i < 4; i++)
		if (text[i][strspn(text[i], DIGITS)])
			FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected a job's number, got \"%.40s\"",
					 ctx->where, keys[i], text[i]));
	status = add(c, text, err);
out:
	return status;
}

static int read_items(struct fot_cluster *c, const cJSON *list, const struct fot_json_ctx *ctx,
		      struct fot_err *err)
{
	int64_t k = 0;
	int status = FOT_OK;

	c->items = fot_calloc((size_t)c->shards, sizeof *c->items);
	if (!c->items)
		return FOT_NO_MEMORY(err, ctx->where);
	for (const cJSON *x = list->child; x && k <= c->shards && status == FOT_OK; x = x->next, k++)
		status = k < c->shards ? fot_json_as_i64(x, 0, INT64_MAX >> 10, &c->items[k], ctx, err) :
					 FOT_OK;
	if (status == FOT_OK && k != c->shards)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: items: expected %lld numbers, one a shard",
				  ctx->where, (long long)c->shards);
	return status;
}

static int read_all(struct fot_cluster *c, const cJSON *root, const char *path, struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const char *format = "", *run_id = "", *spec = "", *command = "";
	const cJSON *list = NULL, *items = NULL, *o;
	int64_t version = 0;
	int status;

	FOT_TRY(fot_json_string(root, "format", true, &format, &ctx, err));
	FOT_TRY(fot_json_i64(root, "version", true, 0, INT32_MAX, &version, &ctx, err));
	if (strcmp(format, FORMAT) != 0 || version != VERSION)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected %s, version %d, got %.40s, version %lld",
				 path, FORMAT, VERSION, format, (long long)version));
	FOT_TRY(fot_json_string(root, "run_id", true, &run_id, &ctx, err));
	FOT_TRY(fot_json_string(root, "spec", true, &spec, &ctx, err));
	FOT_TRY(fot_json_string(root, "command", true, &command, &ctx, err));
	FOT_TRY(fot_json_i64(root, "shards", true, 1, FOT_SHARDS_MOST, &c->shards, &ctx, err));
	FOT_TRY(fot_json_array(root, "items", true, &items, &ctx, err));
	FOT_TRY(read_items(c, items, &ctx, err));
	FOT_TRY(fot_json_array(root, "submitted", true, &list, &ctx, err));
	snprintf(c->run_id, sizeof c->run_id, "%s", run_id);
	c->spec = fot_strdup(spec);
	c->command = fot_strdup(command);
	if (!c->spec || !c->command)
		status = FOT_NO_MEMORY(err, path);
	for (o = list->child; o && status == FOT_OK; o = o->next)
		status = read_call(c, o, &ctx, err);
out:
	return status;
}

int fot_cluster_open(struct fot_cluster *c, const char *out, struct fot_err *err)
{
	char *path = NULL;
	cJSON *root = NULL;
	int status = FOT_OK;

	*c = (struct fot_cluster){ .out = fot_strdup(out), .dir = join(out, "shards") };
	path = c->dir ? join(c->dir, "submit.json") : NULL;
	if (!c->out || !path)
		FOT_TRY(FOT_NO_MEMORY(err, out));
	if (!fot_file_exists(path))
		goto out;
	FOT_TRY(fot_json_read(&root, path, MAX_FILE, FOT_ERR_INPUT, err));
	status = read_all(c, root, path, err);
out:
	cJSON_Delete(root);
	fot_free(path);
	if (status != FOT_OK)
		fot_cluster_close(c);
	return status;
}

void fot_cluster_close(struct fot_cluster *c)
{
	for (size_t i = 0; i < c->n_submitted; i++) {
		fot_free(c->submitted[i].at);
		fot_free(c->submitted[i].tasks);
		fot_free(c->submitted[i].array);
		fot_free(c->submitted[i].merge);
	}
	fot_free(c->submitted);
	fot_free(c->items);
	fot_free(c->out);
	fot_free(c->dir);
	fot_free(c->spec);
	fot_free(c->command);
	*c = (struct fot_cluster){ 0 };
}

bool fot_cluster_is_there(const struct fot_cluster *c)
{
	return c->shards > 0;
}

static cJSON *calls_json(const struct fot_cluster *c)
{
	cJSON *list = cJSON_CreateArray();
	bool good = list != NULL;

	for (size_t i = 0; i < c->n_submitted && good; i++) {
		const struct fot_submitted *s = &c->submitted[i];
		const char *const text[] = { s->at, s->tasks, s->array, s->merge };
		cJSON *o = fot_json_append(list);

		good = o != NULL;
		for (size_t k = 0; k < 4 && good; k++)
			good = cJSON_AddStringToObject(o, keys[k], text[k]) != NULL;
	}
	if (good)
		return list;
	cJSON_Delete(list);
	return NULL;
}

static cJSON *items_json(const struct fot_cluster *c)
{
	cJSON *list = cJSON_CreateArray();
	bool good = list != NULL;

	for (int64_t k = 0; k < c->shards && good; k++)
		good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)c->items[k]));
	if (good)
		return list;
	cJSON_Delete(list);
	return NULL;
}

static int write_all(const struct fot_cluster *c, struct fot_err *err)
{
	cJSON *root = cJSON_CreateObject(), *list = calls_json(c), *items = items_json(c);
	char *path = join(c->dir, "submit.json");
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (!root || !list || !items || !path || !cJSON_AddStringToObject(root, "format", FORMAT) ||
	    !cJSON_AddNumberToObject(root, "version", VERSION) ||
	    !cJSON_AddStringToObject(root, "run_id", c->run_id) ||
	    !cJSON_AddStringToObject(root, "spec", c->spec) ||
	    !cJSON_AddStringToObject(root, "command", c->command) ||
	    !cJSON_AddNumberToObject(root, "shards", (double)c->shards)) {
		cJSON_Delete(items);
		cJSON_Delete(list);
		status = FOT_NO_MEMORY(err, "submit.json");
		goto out;
	}
	cJSON_AddItemToObject(root, "items", items);
	cJSON_AddItemToObject(root, "submitted", list);
	FOT_TRY(fot_json_print(&text, root, 1, err));
	fot_str_putc(&text, '\n');
	FOT_TRY(fot_str_check(&text, err));
	status = fot_file_replace(path, text.data, text.len, err);
out:
	cJSON_Delete(root);
	fot_str_release(&text);
	fot_free(path);
	return status;
}

int fot_cluster_add(struct fot_cluster *c, const char *tasks, const char *array, const char *merge,
		    struct fot_err *err)
{
	char now[32];
	int status;

	fot_utc_now(now);
	FOT_TRY(add(c, (const char *const[]){ now, tasks, array, merge }, err));
	status = write_all(c, err);
out:
	return status;
}

int fot_cluster_set_merge(struct fot_cluster *c, const char *merge, struct fot_err *err)
{
	struct fot_submitted *s = &c->submitted[c->n_submitted - 1];
	char *id = fot_strdup(merge);

	if (!id)
		return FOT_NO_MEMORY(err, "submit.json");
	fot_free(s->merge);
	s->merge = id;
	return write_all(c, err);
}

void fot_cluster_shard(struct fot_str *out, const struct fot_cluster *c, int64_t k)
{
	fot_str_printf(out, "%s/%lld", c->dir, (long long)k);
}

/* --- how it stands --- */

bool fot_cluster_is_idle(const struct fot_cluster_shard *s)
{
	return !s->alive && s->run.state != FOT_RUN_COMPLETE && s->run.state != FOT_RUN_RUNNING &&
	       s->run.state != FOT_RUN_QUEUED;
}

/* What the queue says of a task that it has stands above what the folder lets one think. */
static void take_task(struct fot_cluster_shard *s, const struct fot_slurm_task *t, bool alive)
{
	snprintf(s->job, sizeof s->job, "%s", t->id);
	snprintf(s->job_state, sizeof s->job_state, "%s", t->state);
	s->alive |= alive;
}

/* States that squeue shows for a while after the end. */
static bool is_alive(const char *state)
{
	static const char *const over[] = { "COMPLETED", "FAILED",   "CANCELLED",     "TIMEOUT", "NODE_FAIL",
					    "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "REVOKED" };
	size_t i = 0;

	while (i < FOT_COUNT(over) && strcmp(over[i], state) != 0)
		i++;
	return i == FOT_COUNT(over);
}

/* Of one call: tasks that are queued, running or over. */
static int ask_queue(struct fot_cluster_view *v, const struct fot_submitted *call, struct fot_err *err)
{
	struct fot_slurm_tasks array = { 0 }, merge = { 0 };
	bool any = false;
	int status = FOT_OK;

	if (call->array[0])
		FOT_TRY(fot_slurm_queued(&array, call->array, err));
	for (size_t i = 0; i < array.n; i++) {
		const struct fot_slurm_task *t = &array.at[i];
		bool alive = is_alive(t->state);

		any |= alive;
		if (t->task >= 1 && t->task <= v->n)
			take_task(&v->shard[t->task - 1], t, alive);
	}
	if (call->merge[0])
		FOT_TRY(fot_slurm_queued(&merge, call->merge, err));
	if (any)
		fot_str_printf(&v->alive, ":%s", call->array);
	if (merge.n && is_alive(merge.at[0].state))
		fot_str_printf(&v->merges_alive, ":%s", call->merge);
out:
	fot_slurm_tasks_release(&array);
	fot_slurm_tasks_release(&merge);
	return status;
}

/* How tasks ended, where someone keeps account. */
static void ask_accounts(struct fot_cluster_view *v, const struct fot_submitted *call)
{
	struct fot_slurm_tasks tasks = { 0 };

	if (call->array[0] && fot_slurm_ended(&tasks, call->array, NULL) == FOT_OK)
		for (size_t i = 0; i < tasks.n; i++)
			if (tasks.at[i].task >= 1 && tasks.at[i].task <= v->n &&
			    !v->shard[tasks.at[i].task - 1].alive)
				take_task(&v->shard[tasks.at[i].task - 1], &tasks.at[i], false);
	fot_slurm_tasks_release(&tasks);
}

static void ask(struct fot_cluster_view *v, const struct fot_cluster *c)
{
	struct fot_err problem = { 0 };
	bool idle = false;

	for (size_t i = 0; i < c->n_submitted && !problem.code; i++)
		if (ask_queue(v, &c->submitted[i], &problem) != FOT_OK)
			snprintf(v->problem, sizeof v->problem, "%.250s", problem.text);
	for (int64_t k = 0; k < v->n; k++)
		idle |= fot_cluster_is_idle(&v->shard[k]);
	for (size_t i = 0; i < c->n_submitted && !problem.code && idle; i++)
		ask_accounts(v, &c->submitted[i]);
}

/* One state from folder and queue; asked: the queue has answered. */
static void settle(struct fot_cluster_shard *s, bool asked)
{
	bool running = strcmp(s->job_state, "RUNNING") == 0;
	struct fot_glance *g = &s->run;

	if (g->state == FOT_RUN_COMPLETE || g->locked)
		return;
	if (s->alive && !running)
		g->state = FOT_RUN_QUEUED;
	else if (s->alive && g->state != FOT_RUN_STALLED)
		g->state = FOT_RUN_RUNNING;
	else if (!s->alive && asked && (g->state == FOT_RUN_RUNNING || g->state == FOT_RUN_STALLED))
		g->state = FOT_RUN_STOPPED; /* on another host, whose lock is not seen */
}

static void sum_up(struct fot_cluster_view *v)
{
	double item_s = 0, waiting = 0;
	int64_t n_paces = 0, most = 1;

	v->left_s = 0;
	for (int64_t k = 0; k < v->n; k++) {
		const struct fot_glance *g = &v->shard[k].run;

		v->state[g->state]++;
		v->planned += g->planned;
		v->done += g->done;
		v->failed += g->failed;
		if (g->item_s >= 0) {
			item_s += g->item_s;
			n_paces++;
		}
		if (g->left_s > v->left_s)
			v->left_s = g->left_s;
	}
	most = v->state[FOT_RUN_RUNNING] > most ? v->state[FOT_RUN_RUNNING] : most;
	for (int64_t k = 0; k < v->n; k++)
		if (v->shard[k].run.state == FOT_RUN_QUEUED)
			waiting += (double)(v->shard[k].run.planned - v->shard[k].run.done);
	if (n_paces == 0)
		v->left_s = -1;
	else if (waiting > 0)
		v->left_s += waiting * item_s / (double)n_paces / (double)most;
}

int fot_cluster_look(struct fot_cluster_view *v, const struct fot_cluster *c, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	bool asked;
	int status;

	*v = (struct fot_cluster_view){ .n = c->shards,
					.shard = fot_calloc((size_t)c->shards, sizeof *v->shard) };
	if (!v->shard)
		return FOT_NO_MEMORY(err, c->out);
	for (int64_t k = 0; k < v->n; k++) {
		fot_str_clear(&path);
		fot_cluster_shard(&path, c, k + 1);
		FOT_TRY(fot_str_check(&path, err));
		FOT_TRY(fot_glance(&v->shard[k].run, path.data, err));
		v->shard[k].run.planned = c->items[k];
	}
	FOT_TRY(fot_glance(&v->merged, c->out, err));
	ask(v, c);
	asked = c->n_submitted > 0 && !v->problem[0];
	for (int64_t k = 0; k < v->n; k++) {
		settle(&v->shard[k], asked);
		if (!fot_cluster_is_idle(&v->shard[k]))
			continue;
		fot_str_clear(&path);
		fot_str_printf(&path, "%s/log/%lld.txt", c->dir, (long long)k + 1);
		FOT_TRY(fot_str_check(&path, err));
		v->shard[k].log_error = fot_glance_last_error(path.data);
	}
	sum_up(v);
	FOT_TRY(fot_str_check(&v->alive, err));
	FOT_TRY(fot_str_check(&v->merges_alive, err));
out:
	fot_str_release(&path);
	if (status != FOT_OK)
		fot_cluster_view_release(v);
	return status;
}

void fot_cluster_view_release(struct fot_cluster_view *v)
{
	for (int64_t k = 0; k < v->n && v->shard; k++) {
		fot_glance_release(&v->shard[k].run);
		fot_free(v->shard[k].log_error);
	}
	fot_free(v->shard);
	fot_glance_release(&v->merged);
	fot_str_release(&v->alive);
	fot_str_release(&v->merges_alive);
	*v = (struct fot_cluster_view){ 0 };
}
