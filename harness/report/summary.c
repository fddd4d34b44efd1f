/* summary.c: see summary.h.
 *
 * The same walk for all tasks; what they measure and how is measures.h.  Groups come in
 * the order of the observations: estimates of a group, its differences, then its parts
 * (`part`). */
#include "harness/report/summary.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/span.h"
#include "harness/report/measures.h"
#include "harness/tables/groups.h"

enum comparison { WITH_ITSELF, WITH_BASELINE, WITH_ALL, N_COMPARISONS };

struct pair {
	size_t group, base, measure;
	enum comparison kind;
	struct fot_contrast result;
};

struct builder {
	struct fot_table *out;
	const struct fot_table *in;
	const struct fot_measured_task *task;
	uint64_t seed;
	struct fot_estimates *kept;
	struct fot_groups groups, parts;
	struct pair *pair;
	size_t n_pairs;
	struct fot_err *err;
};

static size_t first(const struct builder *b, size_t group)
{
	return b->groups.at[group].row[0];
}

static int make_groups(struct builder *b, struct fot_groups *out, const char *part)
{
	return fot_measured_groups(out, b->in, 0, b->in->n_rows, fot_condition_columns, b->task, part,
				   b->err);
}

/* --- which groups are compared --- */

static bool same(const struct builder *b, size_t a, size_t c, const char *const *columns)
{
	return fot_table_same_all(b->in, a, b->in, c, columns);
}

static bool same_place(const struct builder *b, size_t a, size_t c, const char *but)
{
	return fot_measured_same_place(b->task, b->in, a, b->in, c, but);
}

/* The same condition at the smallest value of the task's axis; false when g is that. */
static bool find_itself(const struct builder *b, size_t g, size_t *base)
{
	const char *axis = b->task->axis;

	*base = g;
	for (size_t k = 0; axis && k < b->groups.n; k++) {
		if (same(b, first(b, k), first(b, g), fot_condition_columns) &&
		    same_place(b, first(b, k), first(b, g), axis) &&
		    fot_rows_axis(&b->groups.at[k], b->task) < fot_rows_axis(&b->groups.at[*base], b->task))
			*base = k;
	}
	return *base != g;
}

/* One whose memory is set the same way, if there is one. */
static bool find_baseline(const struct builder *b, size_t g, size_t *base)
{
	bool found = false, none = strcmp(fot_table_text(b->in, first(b, g), "memory_mode"), "none") == 0;
	const char *name = none ? FOT_COMPARED_LOCAL : FOT_COMPARED_VANILLA;

	if (strcmp(fot_table_text(b->in, first(b, g), "model_variant"), name) == 0)
		return false;
	for (size_t k = 0; k < b->groups.n; k++) {
		if (strcmp(fot_table_text(b->in, first(b, k), "model_variant"), name) == 0 &&
		    fot_table_same(b->in, first(b, k), b->in, first(b, g), "run_id") &&
		    same(b, first(b, k), first(b, g), fot_session_columns) &&
		    same_place(b, first(b, k), first(b, g), NULL)) {
			bool alike = fot_table_same(b->in, first(b, k), b->in, first(b, g), "memory");

			*base = !found || alike ? k : *base;
			found = true;
			if (alike)
				break;
		}
	}
	return found;
}

static bool same_model(const struct builder *b, size_t g, size_t k)
{
	static const char *const model[] = { "run_id", "model", "model_variant", "window", NULL };

	return same(b, first(b, g), first(b, k), model) && same_place(b, first(b, g), first(b, k), NULL);
}

/* Does the kind read all of what is stored, without numbers or options that say how? */
static bool reads_all(const struct builder *b, size_t g)
{
	return fot_table_real(b->in, first(b, g), "keys_read", 0) > 0 &&
	       strcmp(fot_table_text(b->in, first(b, g), "memory"), fot_table_text(b->in, first(b, g), "memory_mode")) == 0;
}

/* Of the model at this place, as far as something is read. */
static size_t kinds_of(const struct builder *b, size_t g)
{
	size_t n = 0;

	for (size_t k = 0; k < b->groups.n; k++) {
		bool new = same_model(b, g, k) && fot_table_real(b->in, first(b, k), "keys_read", 0) > 0;

		for (size_t i = 0; i < k && new; i++)
			new = !same_model(b, g, i) || !fot_table_same(b->in, first(b, i), b->in, first(b, k), "memory_mode");
		n += new;
	}
	return n;
}

static bool find_all(const struct builder *b, size_t g, size_t *base)
{
	if (fot_table_real(b->in, first(b, g), "keys_read", 0) <= 0 || reads_all(b, g) || kinds_of(b, g) < FOT_KINDS_LEAST)
		return false;
	for (size_t k = 0; k < b->groups.n; k++) {
		if (!same_model(b, g, k) || !reads_all(b, k))
			continue;
		*base = k;
		return true;
	}
	return false;
}

static int compare_group(struct builder *b, size_t g, enum comparison kind)
{
	static bool (*const find[N_COMPARISONS])(const struct builder *, size_t, size_t *) = {
		[WITH_ITSELF] = find_itself, [WITH_BASELINE] = find_baseline, [WITH_ALL] = find_all
	};
	size_t base = g;
	int status = FOT_OK;

	if (b->task->of_memory && strcmp(fot_table_text(b->in, first(b, g), "memory_mode"), "none") == 0)
		return FOT_OK;
	if (!find[kind](b, g, &base))
		return FOT_OK;
	for (size_t m = 0; m < b->task->n_measures && status == FOT_OK; m++) {
		struct pair *p = &b->pair[b->n_pairs];
		const struct fot_sides sides = { .base = &b->groups.at[base], .new = &b->groups.at[g] };

		if (!fot_measure_applies(&b->task->measure[m], sides.new))
			continue;
		b->n_pairs++;
		*p = (struct pair){ .group = g, .base = base, .measure = m, .kind = kind };
		status = fot_measure_contrast(&p->result, b->task, &b->task->measure[m], &sides, b->seed,
					      b->err);
	}
	return status;
}

static int compare_all(struct builder *b)
{
	size_t most = fot_size_mul(fot_size_mul(b->groups.n, N_COMPARISONS), b->task->n_measures);
	int status = FOT_OK;

	b->pair = fot_calloc(most, sizeof *b->pair);
	if (!b->pair)
		return FOT_NO_MEMORY(b->err, "summary");
	for (size_t g = 0; g < b->groups.n && status == FOT_OK; g++) {
		if (b->task->detail && fot_table_has(b->in, first(b, g), b->task->detail))
			continue;
		for (int kind = 0; kind < N_COMPARISONS && status == FOT_OK; kind++)
			status = compare_group(b, g, (enum comparison)kind);
	}
	return status;
}

/* --- rows --- */

static size_t add_row(struct builder *b, const struct fot_group *g, const struct fot_measure *what,
		      size_t n_items, size_t n_clusters, bool part)
{
	size_t row = fot_table_add(b->out);

	fot_table_copy_shared(b->out, row, b->in, g->row[0]);
	fot_rows_set_axis(b->out, row, g, b->task);
	if (b->task->part && !part)
		fot_table_set_empty(b->out, row, b->task->part);
	fot_table_set_text(b->out, row, "metric", what->metric);
	fot_table_set_int(b->out, row, "n_items", (int64_t)n_items);
	fot_table_set_int(b->out, row, "n_clusters", (int64_t)n_clusters);
	fot_table_set_int(b->out, row, "n_failed", fot_rows_with_status(g, "failed"));
	fot_table_set_int(b->out, row, "n_skipped", fot_rows_with_status(g, "skipped*"));
	fot_table_set_int(b->out, row, "higher_is_better", !fot_measure_is_rate(what));
	return row;
}

static int write_estimate(struct builder *b, const struct fot_group *g, const struct fot_measure *what,
			  bool part)
{
	struct fot_measured m;
	size_t row;
	int status = fot_measure_once(&m, what, g, b->seed, b->kept, b->err);

	if (status != FOT_OK)
		return status;
	row = add_row(b, g, what, m.n_items, m.n_clusters, part);
	fot_table_set_text(b->out, row, "status", m.e.status);
	fot_measured_write(b->out, row, b->in, &m);
	if (m.e.has_interval) {
		fot_table_set_text(b->out, row, "ci_method", m.e.method);
		fot_table_set_estimate(b->out, row, "se", m.e.se);
	}
	return FOT_OK;
}

static void write_interval(struct builder *b, size_t row, const struct pair *p)
{
	const struct fot_measure *what = &b->task->measure[p->measure];
	const struct fot_contrast *c = &p->result;

	fot_contrast_write(b->out, row, c);
	fot_table_set_text(b->out, row, "ci_method",
			   fot_measure_is_crossed(what) ? "crossed-bootstrap" : "paired-bootstrap");
	if (!fot_measure_is_rate(what)) {
		fot_table_set_estimate(b->out, row, "min_detectable", c->d.mdd);
		return;
	}
	fot_table_set_real(b->out, row, "delta_nll_ci_low_nats", c->nats.lo);
	fot_table_set_real(b->out, row, "delta_nll_ci_high_nats", c->nats.hi);
	fot_table_set_estimate(b->out, row, "min_detectable_nats", c->nats.mdd);
	fot_table_set_real(b->out, row, "p_t", c->p_t);
}

/* "RUN_ID:VARIANT/MEMORY@LENGTH", "...#SHOTS", "...#SHOTS+DISTRACTORS" of a row of observations. */
static void put_baseline(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_printf(out, "%s:%s/%s", fot_table_text(t, row, "run_id"),
		       fot_table_text(t, row, "model_variant"), fot_table_text(t, row, "memory_mode"));
	if (fot_table_has(t, row, "top_k"))
		fot_str_printf(out, ":%lld", (long long)fot_table_int(t, row, "top_k", 0));
	fot_str_printf(out, "@%lld", (long long)fot_table_int(t, row, "context_length", 0));
	if (fot_table_has(t, row, "shots_asked"))
		fot_str_printf(out, "#%s", fot_table_text(t, row, "shots_asked"));
	else if (fot_table_has(t, row, "n_shots"))
		fot_str_printf(out, "#%lld", (long long)fot_table_int(t, row, "n_shots", 0));
	if (fot_table_has(t, row, "distractors"))
		fot_str_printf(out, "+%lld", (long long)fot_table_int(t, row, "distractors", 0));
}

/* estimate: the row of the group's own value, which is that of a rate here too. */
static void write_pair(struct builder *b, const struct pair *p, size_t estimate)
{
	const struct fot_measure *what = &b->task->measure[p->measure];
	const struct fot_contrast *c = &p->result;
	bool rate = fot_measure_is_rate(what);
	struct fot_str baseline = FOT_STR_INIT;
	size_t row = add_row(b, &b->groups.at[p->group], what, c->n_items, c->n_clusters, false);

	put_baseline(&baseline, b->in, first(b, p->base));
	fot_table_set_str(b->out, row, "baseline_run_id", &baseline);
	fot_table_set_text(b->out, row, "comparison",
			   p->kind == WITH_ITSELF ? b->task->least :
			   p->kind == WITH_ALL	  ? FOT_COMPARED_ALL :
						    fot_table_text(b->in, first(b, p->base), "model_variant"));
	fot_table_set_text(b->out, row, "status", c->status);
	fot_rows_set_tokens(b->out, row, b->in, c->n_tokens);
	if (!c->has_delta)
		return;
	fot_table_set_estimate(b->out, row, "value",
			       rate ? fot_table_real(b->out, estimate, "value", NAN) : c->value);
	fot_table_set_estimate(b->out, row, "delta", c->d.delta);
	if (rate)
		fot_table_set_real(b->out, row, "delta_nll_nats", c->nats.delta);
	if (c->has_interval)
		write_interval(b, row, p);
}

static bool is_part_of(const struct builder *b, const struct fot_group *part, size_t g)
{
	return same(b, part->row[0], first(b, g), fot_condition_columns) &&
	       same_place(b, part->row[0], first(b, g), NULL);
}

static int write_group(struct builder *b, size_t g)
{
	const struct fot_measured_task *task = b->task;
	int status = FOT_OK;

	for (size_t m = 0; m < task->n_measures; m++) {
		size_t estimate = b->out->n_rows;

		if (!fot_measure_applies(&task->measure[m], &b->groups.at[g]))
			continue;
		FOT_TRY(write_estimate(b, &b->groups.at[g], &task->measure[m], false));
		for (size_t i = 0; i < task->n_others && m == 0; i++)
			FOT_TRY(write_estimate(b, &b->groups.at[g], &task->other[i], false));
		for (size_t i = 0; i < b->n_pairs; i++) {
			if (b->pair[i].group == g && b->pair[i].measure == m)
				write_pair(b, &b->pair[i], estimate);
		}
		for (size_t i = 0; i < b->parts.n; i++) {
			if (is_part_of(b, &b->parts.at[i], g))
				FOT_TRY(write_estimate(b, &b->parts.at[i], &task->measure[m], true));
		}
	}
out:
	return status;
}

/* Holm over the lengths, shots or numbers of contexts of one comparison. */
static int adjust(struct builder *b, size_t first)
{
	static const char *const family[] = { "comparison", "metric",     "prompt_style", "calibration",
					      "layer",      "own_tokens", "dataset",      NULL };
	const char *key[FOT_GROUP_COLUMNS + 1];

	fot_columns_append(key, fot_columns_append(key, 0, family), fot_condition_columns);
	return fot_table_adjust(b->out, first, key, b->err);
}

int fot_summary_build(struct fot_table *summary, const struct fot_table *rows, uint64_t seed,
		      struct fot_estimates *kept, struct fot_err *err)
{
	struct builder b = {
		.out = summary, .in = rows, .task = fot_measured_task(rows->schema), .seed = seed, .kept = kept, .err = err
	};
	size_t first_row = summary->n_rows;
	int status;

	if (!b.task)
		return FOT_FAIL(err, FOT_ERR_RUN, "summary: no task writes %s.csv", rows->schema->name);
	FOT_TRY(make_groups(&b, &b.groups, NULL));
	if (b.task->part)
		FOT_TRY(make_groups(&b, &b.parts, b.task->part));
	FOT_TRY(compare_all(&b));
	for (size_t g = 0; g < b.groups.n; g++)
		FOT_TRY(write_group(&b, g));
	FOT_TRY(adjust(&b, first_row));
	if (b.task->trend)
		FOT_TRY(fot_summary_trends(summary, rows, b.task, seed, err));
	status = fot_table_check(summary, err);
out:
	fot_groups_release(&b.groups);
	fot_groups_release(&b.parts);
	fot_free(b.pair);
	return status;
}

/* --- trend: does a rate fall as the context grows? ---
 *
 * Per condition with a memory and dataset, over all its context lengths (three or more):
 *   TREND  Theil-Sen's slope of the mean nll against log2(length), in nats per token
 *          and doubling: x means a rate times exp(x) with each doubling
 *   RANK   Spearman's correlation of mean nll with length, -1 to 1
 * over the documents that were scored at every length on the same targets; documents are
 * drawn with all their lengths. */

struct trend {
	const struct fot_measured_task *task;
	const struct fot_group *g;
	struct fot_span l;
};

static size_t add_trend_row(struct fot_table *out, const struct trend *t, const char *metric, const char *status)
{
	static const char *const per_length[] = { "context_length", "memory_tokens", "keys_read",
						  "keys_scored",    "memory_bytes",  NULL };
	size_t row = fot_table_add(out);

	fot_table_copy_shared(out, row, t->g->t, t->g->row[0]);
	for (size_t i = 0; per_length[i]; i++)
		fot_table_set_empty(out, row, per_length[i]);
	fot_table_set_text(out, row, "metric", metric);
	fot_table_set_text(out, row, "status", status);
	fot_table_set_int(out, row, "n_items", (int64_t)t->l.texts.n_items);
	fot_table_set_int(out, row, "n_clusters", (int64_t)t->l.texts.n);
	fot_table_set_int(out, row, "n_lengths", (int64_t)t->l.n);
	fot_table_set_int(out, row, "n_tokens_scored", t->l.tokens);
	fot_table_set_int(out, row, "higher_is_better", 0);
	return row;
}

static void write_value(struct fot_table *out, size_t row, double value, bool interval, double lo, double hi)
{
	fot_table_set_real(out, row, "value", value);
	if (!interval)
		return;
	fot_table_set_real(out, row, "ci_low", lo);
	fot_table_set_real(out, row, "ci_high", hi);
	fot_table_set_real(out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_text(out, row, "ci_method", "cluster-bootstrap");
}

static int write_trend(struct fot_table *out, const struct trend *t, uint64_t seed, struct fot_err *err)
{
	struct fot_boot boot = fot_rows_boot(t->g, seed);
	struct fot_trend r;
	size_t slope, rank;
	int status =
		fot_stats_trend(&r, t->l.num, t->l.texts.den, t->l.texts.n, t->l.length, t->l.n, &boot, err);

	if (status != FOT_OK)
		return status;
	slope = add_trend_row(out, t, t->task->trend[0].metric,
			r.has_slope && !r.has_rho && r.has_interval ? "ok" : r.status);
	rank = add_trend_row(out, t, t->task->trend[1].metric, r.status);
	if (r.has_slope)
		write_value(out, slope, r.slope, r.has_interval, r.lo, r.hi);
	if (r.has_rho)
		write_value(out, rank, r.rho, r.has_interval, r.rho_lo, r.rho_hi);
	return FOT_OK;
}

static int trend_of(struct fot_table *out, const struct fot_group *g, const struct fot_measured_task *task,
		    uint64_t seed, struct fot_err *err)
{
	struct trend t = { .g = g, .task = task };
	int status = fot_span_init(&t.l, g, err);

	if (status == FOT_OK && t.l.n >= 3 && t.l.texts.n > 0)
		status = write_trend(out, &t, seed, err);
	fot_span_release(&t.l);
	return status;
}

int fot_summary_trends(struct fot_table *summary, const struct fot_table *rows,
		       const struct fot_measured_task *task, uint64_t seed, struct fot_err *err)
{
	static const char *const where[] = { "dataset", "own_tokens", NULL };
	const char *key[FOT_GROUP_COLUMNS + 1];
	struct fot_groups groups = { 0 };
	int status;

	fot_columns_append(key, fot_columns_append(key, 0, fot_condition_columns), where);
	status = fot_groups_add(&groups, rows, 0, rows->n_rows, key, err);

	for (size_t g = 0; g < groups.n && status == FOT_OK; g++) {
		if (strcmp(fot_table_text(rows, groups.at[g].row[0], "memory_mode"), "none") != 0)
			status = trend_of(summary, &groups.at[g], task, seed, err);
	}
	fot_groups_release(&groups);
	return status;
}
