/* claims.c: reading claims; see claims.h. How they are judged: claims_judge.c. */
#include "harness/report/claims.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/report/conditions.h"
#include "harness/report/measures.h"

#define MAX_FILE ((size_t)1 << 22)
#define MAX_CLAIMS 1000
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *const fot_expect_name[FOT_EXPECTATIONS] = { "below", "above", "equal", "not-below", "not-above" };

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static const struct fot_schema *schema_of(const char *task)
{
	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		if (strcmp(fot_measured_tasks[i].schema->name, task) == 0)
			return fot_measured_tasks[i].schema;
	}
	return NULL;
}

/* Of a share, in its own unit; a rate is judged in nats. */
static bool is_share(const struct fot_claim *c)
{
	return !fot_measure_is_rate(fot_measured_metric(fot_measured_task(c->schema), c->metric));
}

static bool is_value(const cJSON *v)
{
	return cJSON_IsString(v) || cJSON_IsNumber(v);
}

/* A memory that no spec knows would fit no row, and the claim would silently be about nothing. */
static int check_memory(const char *column, const cJSON *v, const struct fot_json_ctx *ctx, const char *key,
			struct fot_err *err)
{
	bool memory = strcmp(column, "memory") == 0, mode = strcmp(column, "memory_mode") == 0;
	const char *text = cJSON_GetStringValue(v);

	if ((!memory && !mode) || (text && fot_condition_is_memory(text) && (memory || !strchr(text, ':'))))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: %s: expected %s, got \"%.40s\"", ctx->where, key, column,
			memory ? FOT_CONDITION_MEMORIES : "none, dense, knn or xl", text ? text : "a number");
}

/* A condition: columns of the task, each with a value or a list of them. */
static int check_condition(const struct fot_claim *c, const cJSON *obj, const char *key,
			   const struct fot_json_ctx *ctx, struct fot_err *err)
{
	int status = FOT_OK;

	for (const cJSON *v = obj->child; v; v = v->next) {
		bool known = strcmp(v->string, "variant") == 0 || strcmp(v->string, "memory") == 0 ||
			     fot_schema_column(c->schema, v->string) >= 0;
		bool good = is_value(v) || (cJSON_IsArray(v) && v->child);

		if (!known)
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: \"%.40s\" is no column of %s.csv",
					ctx->where, key, v->string, c->schema->name);
		for (const cJSON *e = cJSON_IsArray(v) ? v->child : NULL; e; e = e->next)
			good = good && is_value(e);
		if (!good)
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"%s: %s: %s: expected a text, a number or a list of them", ctx->where,
					key, v->string);
		for (const cJSON *e = cJSON_IsArray(v) ? v->child : v; e;
		     e = cJSON_IsArray(v) ? e->next : NULL)
			FOT_TRY(check_memory(v->string, e, ctx, key, err));
	}
out:
	return status;
}

static int read_task(struct fot_claim *c, const cJSON *obj, const struct fot_json_ctx *ctx,
		     struct fot_err *err)
{
	const char *task = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, "task", true, &task, ctx, err));
	FOT_TRY(fot_json_string(obj, "metric", true, &c->metric, ctx, err));
	c->schema = schema_of(task);
	if (!c->schema)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: task: unknown \"%.40s\"", ctx->where, task);
	else if (!fot_measured_metric(fot_measured_task(c->schema), c->metric))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: metric: %s has no \"%.40s\"", ctx->where, task,
				  c->metric);
out:
	return status;
}

/* b: a condition, a number or "chance". */
static int read_base(struct fot_claim *c, const cJSON *obj, const struct fot_json_ctx *ctx,
		     struct fot_err *err)
{
	const cJSON *b = fot_json_get(obj, "b");
	bool share = is_share(c);

	if (b && cJSON_IsObject(b)) {
		c->b = b;
		return check_condition(c, b, "b", ctx, err);
	}
	if (b && share && cJSON_IsNumber(b)) {
		c->constant = "";
		c->number = b->valuedouble;
		return FOT_OK;
	}
	if (b && share && cJSON_IsString(b) && strcmp(b->valuestring, "chance") == 0 &&
	    fot_schema_column(c->schema, "chance_level") >= 0) {
		c->constant = "chance";
		return FOT_OK;
	}
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: b: expected a condition%s", ctx->where,
			share ? ", a number or \"chance\"" : "");
}

static int read_conditions(struct fot_claim *c, const cJSON *obj, const struct fot_json_ctx *ctx,
			   struct fot_err *err)
{
	int status;

	FOT_TRY(fot_json_object(obj, "a", true, &c->a, ctx, err));
	FOT_TRY(check_condition(c, c->a, "a", ctx, err));
	FOT_TRY(read_base(c, obj, ctx, err));
	FOT_TRY(fot_json_object(obj, "gain_from", false, &c->gain_from, ctx, err));
	if (!c->gain_from)
		goto out;
	FOT_TRY(check_condition(c, c->gain_from, "gain_from", ctx, err));
	if (is_share(c) && !fot_measure_is_crossed(fot_measured_metric(fot_measured_task(c->schema), c->metric)))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: gain_from: only for perplexity and accuracy over demonstrations",
				  ctx->where);
out:
	return status;
}

static int read_expectation(struct fot_claim *c, const cJSON *obj, const struct fot_json_ctx *ctx,
			    struct fot_err *err)
{
	const char *expect = NULL, *of = NULL;
	int status, i;

	FOT_TRY(fot_json_string(obj, "expect", true, &expect, ctx, err));
	FOT_TRY(fot_json_double(obj, "margin", false, 0, 1e6, &c->margin, ctx, err));
	FOT_TRY(fot_json_string(obj, "margin_of", false, &of, ctx, err));
	i = find(fot_expect_name, FOT_EXPECTATIONS, expect);
	if (i < 0) {
		status = FOT_FAIL(
			err, FOT_ERR_USAGE,
			"%s: expect: expected below, above, equal, not-below or not-above, got \"%.40s\"",
			ctx->where, expect);
		goto out;
	}
	c->expect = (enum fot_expect)i;
	c->margin_of_b = of != NULL;
	if (of && (strcmp(of, "b") != 0 || !is_share(c)))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: margin_of: expected \"b\", and no perplexity",
				  ctx->where);
	else if (c->expect == FOT_EQUAL && !(c->margin > 0))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: margin: \"equal\" needs one above 0", ctx->where);
out:
	return status;
}

/* "paper": dataset (or "*") -> [A, B], either may be null. */
static int read_paper(struct fot_claim *c, const cJSON *obj, const struct fot_json_ctx *ctx,
		      struct fot_err *err)
{
	int status;

	FOT_TRY(fot_json_string(obj, "where", false, &c->where, ctx, err));
	FOT_TRY(fot_json_object(obj, "paper", false, &c->paper, ctx, err));
	for (const cJSON *v = c->paper ? c->paper->child : NULL; v; v = v->next) {
		bool good = cJSON_IsArray(v) && cJSON_GetArraySize(v) == 2;

		for (const cJSON *e = good ? v->child : NULL; e; e = e->next)
			good = good && (cJSON_IsNumber(e) || cJSON_IsNull(e));
		if (!good) {
			status = FOT_FAIL(err, FOT_ERR_USAGE,
					  "%s: paper: %.40s: expected [A, B], numbers or null", ctx->where,
					  v->string);
			goto out;
		}
	}
out:
	return status;
}

static int read_claim(struct fot_claim *c, const cJSON *obj, const char *where, struct fot_err *err)
{
	static const char *const keys[] = { "id",        "claim", "source", "task",   "metric",
					    "a",         "b",     "expect", "margin", "margin_of",
					    "gain_from", "where", "paper" };
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status;

	if (!cJSON_IsObject(obj))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object", where);
	FOT_TRY(fot_json_known(obj, where, keys, COUNT(keys), FOT_ERR_USAGE, err));
	FOT_TRY(fot_json_string(obj, "id", true, &c->id, &ctx, err));
	FOT_TRY(fot_json_string(obj, "claim", true, &c->claim, &ctx, err));
	FOT_TRY(fot_json_string(obj, "source", true, &c->source, &ctx, err));
	FOT_TRY(read_task(c, obj, &ctx, err));
	FOT_TRY(read_conditions(c, obj, &ctx, err));
	FOT_TRY(read_expectation(c, obj, &ctx, err));
	FOT_TRY(read_paper(c, obj, &ctx, err));
out:
	return status;
}

static int read_list(struct fot_claims *c, const char *name, struct fot_err *err)
{
	static const char *const keys[] = { "claims", "comment" };
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	const cJSON *list = NULL;
	char where[512];
	int status, n;

	if (!cJSON_IsObject(c->root))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object", name);
	FOT_TRY(fot_json_known(c->root, name, keys, COUNT(keys), FOT_ERR_USAGE, err));
	FOT_TRY(fot_json_array(c->root, "claims", true, &list, &ctx, err));
	n = cJSON_GetArraySize(list);
	if (n > MAX_CLAIMS)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: claims: expected at most %d, got %d", name,
				MAX_CLAIMS, n);
	c->claim = fot_calloc((size_t)n + 1, sizeof *c->claim);
	if (!c->claim)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", name);
	for (const cJSON *obj = list->child; obj; obj = obj->next) {
		snprintf(where, sizeof where, "%s: claims[%zu]", name, c->n);
		FOT_TRY(read_claim(&c->claim[c->n], obj, where, err));
		for (size_t i = 0; i < c->n; i++)
			if (strcmp(c->claim[i].id, c->claim[c->n].id) == 0)
				return FOT_FAIL(err, FOT_ERR_USAGE, "%s: id: \"%.40s\" stands twice", where,
						c->claim[i].id);
		c->n++;
	}
out:
	return status;
}

static int take(struct fot_claims *c, cJSON *root, const char *name, struct fot_err *err)
{
	int status;

	*c = (struct fot_claims){ .root = root };
	status = read_list(c, name, err);
	if (status != FOT_OK)
		fot_claims_release(c);
	return status;
}

int fot_claims_parse(struct fot_claims *c, const char *text, size_t n, const char *name, struct fot_err *err)
{
	cJSON *root = NULL;
	int status = fot_json_parse(&root, text, n, name, FOT_ERR_USAGE, err);

	return status == FOT_OK ? take(c, root, name, err) : status;
}

int fot_claims_read(struct fot_claims *c, const char *path, struct fot_err *err)
{
	cJSON *root = NULL;
	int status = fot_json_read(&root, path, MAX_FILE, FOT_ERR_USAGE, err);

	return status == FOT_OK ? take(c, root, path, err) : status;
}

void fot_claims_release(struct fot_claims *c)
{
	fot_free(c->claim);
	cJSON_Delete(c->root);
	*c = (struct fot_claims){ 0 };
}
