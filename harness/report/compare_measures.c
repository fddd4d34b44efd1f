/* compare_measures.c: two runs of passkey, look-up, few-shot or distraction, item by item.
 *
 * Tiers: identical (all outcomes of all items have the same bits), equal (the same
 * answers, scores within 1e-6), statistical (measures.h).  Higher is better for all of
 * them, so a worsening is base minus new. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/compare_impl.h"
#include "harness/tables/groups.h"
#include "harness/report/measures.h"

struct comparing {
	const struct fot_table *base, *new;
	const struct fot_measured_task *task;
	const struct fot_compare_opts *opts;
	struct fot_table *out;
	struct fot_groups old_groups, new_groups;
	struct fot_err *err;
};

struct found {
	bool identical, same_answers;
	double max_diff;
	size_t n_ok;
};

/* Run and model may be called otherwise. */
static const char *const condition_columns[] = { "model_variant", "memory_mode", "top_k",
						 "mem_dtype",     "window",      NULL };

static int make_groups(struct comparing *c, struct fot_groups *out, const struct fot_table *t)
{
	return fot_measured_groups(out, t, 0, t->n_rows, condition_columns, c->task, NULL, c->err);
}

static bool same_group(const struct comparing *c, size_t old, size_t new)
{
	return fot_table_same(c->base, old, c->new, new, "dataset") &&
	       fot_table_same(c->base, old, c->new, new, "context_length") &&
	       fot_table_same_all(c->base, old, c->new, new, condition_columns) &&
	       fot_table_same_all(c->base, old, c->new, new, c->task->place);
}

static int refuse(struct comparing *c, const struct fot_table *t, size_t row, const char *what,
		  const char *detail)
{
	struct fot_str item = FOT_STR_INIT;
	char group[192];
	int status;

	fot_compare_group_name(group, t, row);
	for (size_t i = 0; c->task->item[i]; i++) {
		const struct fot_cell *cell = fot_table_cell(t, row, c->task->item[i]);

		fot_str_printf(&item, "%s%s ", i ? ", " : "", c->task->item[i]);
		if (cell->kind == FOT_CELL_TEXT)
			fot_str_printf(&item, "%.60s", cell->text);
		else if (cell->kind == FOT_CELL_INT)
			fot_str_printf(&item, "%lld", (long long)cell->i);
		else
			fot_str_printf(&item, "%g", cell->x);
	}
	status = FOT_FAIL(c->err, FOT_ERR_COMPARE, "not comparable: %s: %s: %s: %s %s", what,
			  c->task->schema->name, group, item.failed ? "?" : item.data, detail);
	fot_str_release(&item);
	return status;
}

static int check_twin(struct comparing *c, size_t old, size_t new)
{
	char detail[160];

	for (size_t i = 0; c->task->same[i]; i++) {
		if (fot_table_same(c->base, old, c->new, new, c->task->same[i]))
			continue;
		snprintf(detail, sizeof detail, "differs in %s", c->task->same[i]);
		return refuse(c, c->base, old,
			      strcmp(c->task->same[i], "status") == 0 ? "status" : "data or convention",
			      detail);
	}
	if (strcmp(fot_table_text(c->base, old, "status"), "failed") == 0)
		return refuse(c, c->base, old, "status", "failed in both runs");
	return FOT_OK;
}

static void take_outcomes(const struct comparing *c, struct found *f, size_t old, size_t new)
{
	double tokens = (double)fot_table_int(c->base, old, "n_value_tokens", 1);

	for (size_t i = 0; c->task->outcome[i]; i++) {
		const struct fot_cell *x = fot_table_cell(c->base, old, c->task->outcome[i]),
				      *y = fot_table_cell(c->new, new, c->task->outcome[i]);

		if (x->kind == FOT_CELL_REAL && y->kind == FOT_CELL_REAL) {
			f->identical = f->identical && memcmp(&x->x, &y->x, sizeof x->x) == 0;
			f->max_diff = fmax(f->max_diff, fabs(x->x - y->x) / fmax(1.0, tokens));
		} else if (!fot_table_same(c->base, old, c->new, new, c->task->outcome[i])) {
			f->identical = f->same_answers = false;
		}
	}
	f->n_ok += strcmp(fot_table_text(c->base, old, "status"), "ok") == 0;
}

/* used [new->n]: rows of NEW that have found their partner. */
static int pair_rows(struct comparing *c, struct found *f, const struct fot_rows *old,
		     const struct fot_rows *new, bool *used)
{
	size_t twin = new->n - 1;
	int status = FOT_OK;

	*f = (struct found){ .identical = true, .same_answers = true };
	for (size_t i = 0; i < old->n && status == FOT_OK; i++) {
		twin = fot_measure_twin(new, old->t, old->row[i], c->task->item, twin + 1);
		if (twin == new->n)
			return refuse(c, old->t, old->row[i], "items", "is missing in NEW");
		if (used[twin])
			return refuse(c, old->t, old->row[i], "items",
				      "stands twice in one run: two models share the variant's name");
		used[twin] = true;
		status = check_twin(c, old->row[i], new->row[twin]);
		if (status == FOT_OK)
			take_outcomes(c, f, old->row[i], new->row[twin]);
	}
	for (size_t i = 0; i < new->n &&status == FOT_OK; i++) {
		if (!used[i])
			return refuse(c, new->t, new->row[i], "items",
				      "is missing in BASE, or stands twice in NEW");
	}
	return status;
}

static void write_row(struct comparing *c, const struct fot_measure *m, const struct fot_contrast *k,
		      const struct found *f, const struct fot_rows *old_rows, size_t new)
{
	size_t old = old_rows->row[0];
	const char *tier = f->identical                                             ? "identical" :
			   f->same_answers && f->max_diff <= FOT_COMPARE_EQUAL_NATS ? "equal" :
										      "statistical";
	double lo = k->has_interval ? k->d.lo : k->d.delta, hi = k->has_interval ? k->d.hi : k->d.delta;
	size_t row = fot_table_add(c->out);

	fot_table_copy_shared(c->out, row, c->base, old);
	fot_rows_set_axis(c->out, row, old_rows, c->task);
	fot_table_set_text(c->out, row, "metric", m->metric);
	fot_table_set_int(c->out, row, "n_items", (int64_t)k->n_items);
	fot_table_set_text(c->out, row, "base_run_id", fot_table_text(c->base, old, "run_id"));
	fot_table_set_text(c->out, row, "new_run_id", fot_table_text(c->new, new, "run_id"));
	fot_table_set_estimate(c->out, row, "base", k->base);
	fot_table_set_estimate(c->out, row, "new", k->value);
	fot_table_set_estimate(c->out, row, "delta", k->d.delta);
	fot_table_set_estimate(c->out, row, "max_item_diff_nats", f->max_diff);
	fot_table_set_int(c->out, row, "higher_is_better", 1);
	fot_table_set_text(c->out, row, "tier", tier);
	fot_table_set_text(c->out, row, "verdict", fot_compare_row_verdict(tier, -hi, -lo, k->base, c->opts));
	if (!k->has_interval)
		return;
	fot_table_set_estimate(c->out, row, "delta_ci_low", k->d.lo);
	fot_table_set_estimate(c->out, row, "delta_ci_high", k->d.hi);
	fot_table_set_real(c->out, row, "ci_level", FOT_STATS_LEVEL);
	fot_table_set_real(c->out, row, "p_value", k->p);
	fot_table_set_text(c->out, row, "p_method", k->p_method);
	fot_table_set_estimate(c->out, row, "min_detectable", k->d.mdd);
}

/* The rows of NEW under the condition of a group of BASE; NULL: it has none. */
static const struct fot_group *partner(const struct comparing *c, const struct fot_group *g)
{
	for (size_t k = 0; k < c->new_groups.n; k++) {
		if (same_group(c, g->row[0], c->new_groups.at[k].row[0]))
			return &c->new_groups.at[k];
	}
	return NULL;
}

static int compare_group(struct comparing *c, const struct fot_group *g, const struct fot_group *in_new)
{
	struct fot_rows old = { .t = c->base, .row = g->row, .n = g->n },
			new = { .t = c->new, .row = in_new->row, .n = in_new->n };
	struct found f;
	bool *used = NULL;
	int status = FOT_OK;

	used = fot_calloc(new.n, sizeof *used);
	if (!used)
		return FOT_FAIL(c->err, FOT_ERR_RUN, "compare: out of memory");
	FOT_TRY(pair_rows(c, &f, &old, &new, used));
	for (size_t m = 0; m < c->task->n_measures && f.n_ok > 0; m++) {
		struct fot_contrast k;

		FOT_TRY(fot_measure_contrast(&k, c->task, &c->task->measure[m], &(struct fot_sides){ .base = &old, .new = &new }, c->opts->seed, c->err));
		if (k.n_items > 0)
			write_row(c, &c->task->measure[m], &k, &f, &old, new.row[0]);
	}
out:
	fot_free(used);
	return status;
}

static bool is_compared(const struct comparing *c, const struct fot_group *g)
{
	return !c->task->detail || !fot_table_has(c->base, g->row[0], c->task->detail);
}

static int check_base(struct comparing *c)
{
	size_t first = 0, n = 0;

	for (size_t g = 0; g < c->old_groups.n; g++) {
		const struct fot_group *of = &c->old_groups.at[g];

		if (is_compared(c, of) && !partner(c, of) && n++ == 0)
			first = of->row[0];
	}
	return n ? fot_compare_missing(c->base, first, n, c->err) : FOT_OK;
}

int fot_compare_measures(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
			 const struct fot_compare_opts *opts, struct fot_err *err)
{
	struct comparing c = { .base = base,
			       .new = new,
			       .task = fot_measured_task(base->schema),
			       .opts = opts,
			       .out = out,
			       .err = err };
	int status;

	if (!c.task || new->schema != base->schema)
		return FOT_FAIL(err, FOT_ERR_RUN, "compare: no task writes %s.csv", base->schema->name);
	FOT_TRY(make_groups(&c, &c.old_groups, base));
	FOT_TRY(make_groups(&c, &c.new_groups, new));
	FOT_TRY(check_base(&c));
	for (size_t g = 0; g < c.old_groups.n; g++) {
		if (is_compared(&c, &c.old_groups.at[g]))
			FOT_TRY(compare_group(&c, &c.old_groups.at[g], partner(&c, &c.old_groups.at[g])));
	}
	status = fot_table_check(out, err);
out:
	fot_groups_release(&c.old_groups);
	fot_groups_release(&c.new_groups);
	return status;
}
