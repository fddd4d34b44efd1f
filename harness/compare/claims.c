/* claims.c: reading and judging claims; see claims.h. */
#include "harness/compare/claims.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"

#define MAX_FILE ((size_t)1 << 22)
#define MAX_CLAIMS 1000

const char *const fot_expect_name[FOT_EXPECTATIONS] = { "below", "above", "equal", "not-below", "not-above" };

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
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
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: %s: expected %sgot \"%.40s\"", ctx->where, key, column,
			memory ? FOT_CONDITION_MEMORIES : "the word of a kind, such as none, dense or knn, ", text ? text : "a number");
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
	const struct fot_measured_task *measured;
	const char *task = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, "task", true, &task, ctx, err));
	FOT_TRY(fot_json_string(obj, "metric", true, &c->metric, ctx, err));
	measured = *task ? fot_measured_named(task) : NULL;
	if (!measured)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: task: unknown \"%.40s\"", ctx->where, task);
	else if (!fot_measured_metric(measured, c->metric))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: metric: %s has no \"%.40s\"", ctx->where, task,
				  c->metric);
	else
		c->schema = measured->schema;
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
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: gain_from: only for a metric in nats or over demonstration seeds", ctx->where);
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
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: margin_of: expected \"b\", and a share",
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
	FOT_TRY(fot_json_known(obj, where, keys, FOT_COUNT(keys), FOT_ERR_USAGE, err));
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
	FOT_TRY(fot_json_known(c->root, name, keys, FOT_COUNT(keys), FOT_ERR_USAGE, err));
	FOT_TRY(fot_json_array(c->root, "claims", true, &list, &ctx, err));
	n = cJSON_GetArraySize(list);
	if (n > MAX_CLAIMS)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: claims: expected at most %d, got %d", name,
				MAX_CLAIMS, n);
	c->claim = fot_calloc((size_t)n + 1, sizeof *c->claim);
	if (!c->claim)
		return FOT_NO_MEMORY(err, name);
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

/* --- judging ---
 *
 * Of each run the rows are put into groups (condition and place).  Each group that fits a
 * claim's A looks for the one group that fits its B; the paired statistics that the summary
 * uses then give the interval of A - B on common items. */

struct judge {
	struct fot_table *out;
	const struct fot_claim *claim;
	const struct fot_measured_task *task;
	const struct fot_measure *measure;
	const struct fot_table *in;
	const char *run;
	const char *key[FOT_GROUP_COLUMNS + 1]; /* what makes a group; ends with NULL */
	size_t n_shared;                        /* the first of them, behind which places stand */
	struct fot_groups groups;
	uint64_t seed;
	struct fot_err *err;
};

struct line {
	size_t a, b;           /* groups; b SIZE_MAX: a constant */
	size_t a_from, b_from; /* with gain_from */
	struct fot_contrast k; /* A against B: in k.nats a rate in nats per token, a share in its own unit */
	double margin;
	const char *status; /* other than that of k */
};

/* --- which groups --- */

/* Columns that are free in B when it names another one. */
static const struct {
	const char *column, *named;
} frees[] = {
	{ "model", "variant" },         { "model", "model_variant" },      { "model_variant", "model" },
	{ "model_variant", "variant" },
};

static bool names(const cJSON *condition, const char *column)
{
	return cJSON_GetObjectItemCaseSensitive(condition, column) != NULL;
}

static bool is_free(const struct judge *j, const cJSON *condition, const char *column)
{
	bool memory = names(condition, "memory") || names(condition, "memory_mode");

	if (names(condition, column) || strcmp(column, "memory") == 0)
		return true; /* a memory's text says what differs from each model's own config */
	if (j->task->axis_place && strcmp(column, j->task->axis_place) == 0 && names(condition, j->task->axis))
		return true;
	for (size_t i = 0; fot_memory_columns[i] && memory; i++) {
		if (strcmp(fot_memory_columns[i], column) == 0)
			return true;
	}
	for (size_t i = 0; i < FOT_COUNT(frees); i++) {
		if (strcmp(frees[i].column, column) == 0 && names(condition, frees[i].named))
			return true;
	}
	return false;
}

static bool cell_fits(const struct fot_table *t, size_t row, const char *column, const cJSON *v)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);
	int64_t size = -1;

	if (c->kind == FOT_CELL_TEXT)
		return cJSON_IsString(v) && strcmp(c->text, v->valuestring) == 0;
	if (c->kind == FOT_CELL_REAL)
		return cJSON_IsNumber(v) && !(c->x < v->valuedouble) && !(c->x > v->valuedouble);
	if (cJSON_IsNumber(v))
		return (double)c->i >= v->valuedouble && (double)c->i <= v->valuedouble; /* empty is 0 */
	return cJSON_IsString(v) && fot_parse_size(v->valuestring, &size) && c->i == size;
}

static bool value_fits(const struct fot_table *t, size_t row, const char *key, const cJSON *v)
{
	if (strcmp(key, "memory") == 0)
		return cJSON_IsString(v) && fot_condition_memory_fits(t, row, v->valuestring);
	return cell_fits(t, row, strcmp(key, "variant") == 0 ? "model_variant" : key, v);
}

static bool fits(const struct fot_table *t, size_t row, const cJSON *condition)
{
	for (const cJSON *v = condition->child; v; v = v->next) {
		bool found = !cJSON_IsArray(v) && value_fits(t, row, v->string, v);

		for (const cJSON *e = cJSON_IsArray(v) ? v->child : NULL; e && !found; e = e->next)
			found = value_fits(t, row, v->string, e);
		if (!found)
			return false;
	}
	return true;
}

static size_t first_row(const struct judge *j, size_t group)
{
	return j->groups.at[group].row[0];
}

/* What else may stand in the context: a claim that does not name it means rows without. */
static const char *const among_others[] = { "own_tokens", "distractors" };

static bool fits_a(const struct judge *j, size_t group)
{
	size_t row = first_row(j, group);

	if (j->task->detail && fot_table_has(j->in, row, j->task->detail))
		return false;
	for (size_t i = 0; i < FOT_COUNT(among_others); i++)
		if (!is_free(j, j->claim->a, among_others[i]) && fot_table_has(j->in, row, among_others[i]))
			return false;
	return fits(j->in, row, j->claim->a);
}

static bool is_partner(const struct judge *j, size_t group, size_t of, const cJSON *condition)
{
	size_t row = first_row(j, group), other = first_row(j, of);

	if (group == of || !fits(j->in, row, condition))
		return false;
	for (size_t i = 0; j->key[i]; i++) {
		if (!is_free(j, condition, j->key[i]) && !fot_table_same(j->in, row, j->in, other, j->key[i]))
			return false;
	}
	return true;
}

/* The one group that is as `of` but for the condition; false: none. *several: not one alone. */
static bool find_partner(const struct judge *j, size_t of, const cJSON *condition, size_t *found,
			 bool *several)
{
	size_t n = 0;

	for (size_t g = 0; g < j->groups.n; g++) {
		if (is_partner(j, g, of, condition) && n++ == 0)
			*found = g;
	}
	*several |= n > 1;
	return n > 0;
}

/* --- A against B --- */

/* With gain_from the values of a rate are its ratios to the one that is gained on. */
static int judge_contrast(struct judge *j, struct line *l)
{
	bool gain = j->claim->gain_from != NULL;
	const struct fot_group *at = j->groups.at;
	struct fot_sides sides = { .base = &at[l->b],
				   .new = &at[l->a],
				   .base_from = gain ? &at[l->b_from] : NULL,
				   .new_from = gain ? &at[l->a_from] : NULL };

	return fot_measure_contrast(&l->k, j->task, j->measure, &sides, j->seed, j->err);
}

/* A's own interval against a number; no p. */
static int judge_constant(struct judge *j, struct line *l)
{
	struct fot_measured m;
	double b = *j->claim->constant ? fot_table_real(j->in, first_row(j, l->a), "chance_level", 0) :
					 j->claim->number;
	int status = fot_measure(&m, j->measure, &j->groups.at[l->a], j->seed, j->err);

	if (status == FOT_OK)
		l->k = (struct fot_contrast){
			.n_items = m.n_items,
			.n_clusters = m.n_clusters,
			.has_delta = m.e.has_value,
			.has_interval = m.e.has_interval,
			.value = m.e.value,
			.base = b,
			.nats = { .delta = m.e.value - b, .lo = m.e.lo - b, .hi = m.e.hi - b },
			.status = m.e.status
		};
	return status;
}

/* --- verdict and line --- */

const char *fot_claims_verdict(enum fot_expect expect, double lo, double hi, double m)
{
	bool below = hi<-m, not_below = lo> - m, above = lo > m, not_above = hi < m;
	const struct {
		bool yes, no;
	} outcome[FOT_EXPECTATIONS] = {
		[FOT_BELOW] = { below, not_below },
		[FOT_ABOVE] = { above, not_above },
		[FOT_EQUAL] = { not_below && not_above, below || above },
		[FOT_NOT_BELOW] = { not_below, below },
		[FOT_NOT_ABOVE] = { not_above, above },
	};

	return outcome[expect].yes ? "reproduced" : outcome[expect].no ? "not reproduced" : "undecided";
}

/* "fot, dense, 32k, own tokens 2048" */
static void put_label(const struct judge *j, size_t row, const char *column, size_t group)
{
	size_t r = first_row(j, group);
	struct fot_str s = FOT_STR_INIT;

	fot_str_printf(&s, "%s, ", fot_table_text(j->in, r, "model_variant"));
	fot_label_memory(&s, j->in, r);
	fot_str_puts(&s, ", ");
	fot_label_length(&s, fot_table_int(j->in, r, "context_length", 0));
	for (size_t i = j->n_shared; j->key[i]; i++) {
		const struct fot_cell *c = fot_table_cell(j->in, r, j->key[i]);

		if (c->kind == FOT_CELL_TEXT)
			fot_str_printf(&s, ", %s", c->text);
		else if (c->kind == FOT_CELL_INT && strcmp(j->key[i], "own_tokens") != 0 &&
			 !(j->task->axis_place && strcmp(j->key[i], j->task->axis_place) == 0))
			fot_str_printf(&s, ", %s %lld", j->key[i], (long long)c->i);
	}
	if (fot_table_has(j->in, r, "own_tokens"))
		fot_str_puts(&s, ", among others");
	fot_table_set_str(j->out, row, column, &s);
}

/* "context length 8k": what A and B are taken relative to themselves at. */
static void put_origin(const struct judge *j, size_t row)
{
	struct fot_str s = FOT_STR_INIT;

	for (const cJSON *v = j->claim->gain_from->child; v; v = v->next) {
		const cJSON *first = cJSON_IsArray(v) ? v->child : v;

		fot_str_puts(&s, s.len ? ", " : "");
		for (const char *c = v->string; *c; c++)
			fot_str_putc(&s, *c == '_' ? ' ' : *c);
		if (cJSON_IsString(first))
			fot_str_printf(&s, " %s", first->valuestring);
		else
			fot_str_printf(&s, " %.12g", first->valuedouble);
	}
	fot_table_set_str(j->out, row, "relative_to", &s);
}

static void put_paper(const struct judge *j, size_t row, const char *dataset)
{
	static const char *const columns[] = { "paper_a", "paper_b" };
	const cJSON *values =
		j->claim->paper ? cJSON_GetObjectItemCaseSensitive(j->claim->paper, dataset) : NULL;

	if (!values && j->claim->paper)
		values = cJSON_GetObjectItemCaseSensitive(j->claim->paper, "*");
	if (!values)
		return;
	for (int i = 0; i < 2; i++) {
		const cJSON *v = cJSON_GetArrayItem(values, i);

		if (cJSON_IsNumber(v))
			fot_table_set_real(j->out, row, columns[i], v->valuedouble);
	}
	fot_table_set_text(j->out, row, "paper_where", j->claim->where);
}

static void put_numbers(struct fot_table *out, size_t row, const struct fot_contrast *k)
{
	fot_table_set_int(out, row, "n_items", (int64_t)k->n_items);
	fot_table_set_int(out, row, "n_clusters", (int64_t)k->n_clusters);
	if (k->has_delta) {
		fot_table_set_estimate(out, row, "value_a", k->value);
		fot_table_set_estimate(out, row, "value_b", k->base);
		fot_table_set_estimate(out, row, "delta", k->nats.delta);
	}
	if (k->has_interval) {
		fot_table_set_estimate(out, row, "delta_ci_low", k->nats.lo);
		fot_table_set_estimate(out, row, "delta_ci_high", k->nats.hi);
		fot_table_set_real(out, row, "ci_level", FOT_STATS_LEVEL);
	}
	if (k->has_interval && k->p_method) {
		fot_table_set_real(out, row, "p_value", k->p);
		fot_table_set_text(out, row, "p_method", k->p_method);
	}
}

static int write_line(struct judge *j, const struct line *l)
{
	const struct fot_claim *c = j->claim;
	const char *dataset = fot_table_text(j->in, first_row(j, l->a), "dataset");
	size_t row = fot_table_add(j->out);

	fot_table_set_text(j->out, row, "claim_id", c->id);
	fot_table_set_text(j->out, row, "claim", c->claim);
	fot_table_set_text(j->out, row, "source", c->source);
	fot_table_set_text(j->out, row, "run", j->run);
	fot_table_set_text(j->out, row, "run_id", fot_table_text(j->in, first_row(j, l->a), "run_id"));
	fot_table_set_text(j->out, row, "task", c->schema->name);
	fot_table_set_text(j->out, row, "metric", c->metric);
	fot_table_set_text(j->out, row, "dataset", dataset);
	fot_table_set_text(j->out, row, "expected", fot_expect_name[c->expect]);
	fot_table_set_estimate(j->out, row, "margin", l->margin);
	fot_table_set_int(j->out, row, "gain", c->gain_from != NULL);
	if (c->gain_from)
		put_origin(j, row);
	put_label(j, row, "a", l->a);
	if (l->b == SIZE_MAX)
		fot_table_set_text(j->out, row, "b", *c->constant ? c->constant : "a number");
	else
		put_label(j, row, "b", l->b);
	fot_table_set_text(j->out, row, "status", l->status ? l->status : l->k.status);
	put_numbers(j->out, row, &l->k);
	put_paper(j, row, dataset);
	fot_table_set_text(j->out, row, "verdict",
			   l->k.has_interval ?
				   fot_claims_verdict(c->expect, l->k.nats.lo, l->k.nats.hi, l->margin) :
				   "undecided");
	return fot_table_check(j->out, j->err);
}

/* --- the pairs of a claim --- */

/* Group a and its partners; *there: the run has all of them. */
static void pair_up(const struct judge *j, struct line *l, bool *there)
{
	const struct fot_claim *c = j->claim;
	bool several = false;

	*there = true;
	if (c->b)
		*there = find_partner(j, l->a, c->b, &l->b, &several);
	if (*there && c->gain_from)
		*there = find_partner(j, l->a, c->gain_from, &l->a_from, &several) &&
			 find_partner(j, l->b, c->gain_from, &l->b_from, &several);
	l->status = several ? "ambiguous" : NULL;
}

static int judge_group(struct judge *j, size_t a)
{
	const struct fot_claim *c = j->claim;
	struct line l = { .a = a, .b = SIZE_MAX, .margin = c->margin };
	bool there;
	int status = FOT_OK;

	pair_up(j, &l, &there);
	if (!there)
		return FOT_OK;
	if (!l.status && c->constant)
		status = judge_constant(j, &l);
	else if (!l.status)
		status = judge_contrast(j, &l);
	if (status != FOT_OK)
		return status;
	if (c->margin_of_b)
		l.margin = c->margin * fabs(l.k.base);
	return write_line(j, &l);
}

/* Holm over the lines of a claim in a run. */
static int judge_claim(struct judge *j, const struct fot_claim *c)
{
	static const char *const all[] = { NULL };
	size_t first = j->out->n_rows;
	int status = FOT_OK;

	j->claim = c;
	j->measure = fot_measured_metric(j->task, c->metric);
	for (size_t g = 0; g < j->groups.n; g++)
		if (fits_a(j, g))
			FOT_TRY(judge_group(j, g));
	status = fot_table_adjust(j->out, first, all, j->err);
out:
	return status;
}

static void set_keys(struct judge *j)
{
	static const char *const where[] = { "dataset", "context_length", NULL };

	j->n_shared = fot_columns_append(j->key, 0, fot_condition_columns);
	j->n_shared = fot_columns_append(j->key, j->n_shared, where);
	fot_columns_append(j->key, j->n_shared, j->task->place);
}

int fot_claims_judge(struct fot_table *judged, const struct fot_claims *c, const struct fot_table *rows,
		     const struct fot_report_run *run, size_t n_runs, uint64_t seed, struct fot_err *err)
{
	struct judge j = {
		.out = judged, .in = rows, .task = fot_measured_task(rows->schema), .seed = seed, .err = err
	};
	int status = FOT_OK;

	if (!j.task)
		return FOT_FAIL(err, FOT_ERR_RUN, "claims: no task writes %s.csv", rows->schema->name);
	set_keys(&j);
	for (size_t r = 0; r < n_runs; r++) {
		fot_groups_release(&j.groups);
		j.run = run[r].name;
		FOT_TRY(fot_groups_add(&j.groups, rows, run[r].first, run[r].last, j.key, err));
		for (size_t i = 0; i < c->n; i++)
			if (c->claim[i].schema == rows->schema)
				FOT_TRY(judge_claim(&j, &c->claim[i]));
	}
	status = fot_table_check(judged, err);
out:
	fot_groups_release(&j.groups);
	return status;
}
