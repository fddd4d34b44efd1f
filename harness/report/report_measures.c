/* report_measures.c: passkey, look-up, few-shot and distraction to rows of report.
 *
 * A cell is a condition of a run at one place; whether the highest of a column is
 * higher than the others comes from measures.h.  Single heads are left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"
#include "harness/report/measures.h"
#include "harness/report/report_impl.h"

struct cell {
	size_t run, group, n_items;
	size_t out; /* row of the report */
};

struct builder {
	struct fot_table *out;
	const struct fot_table *in, *paper;
	const struct fot_report_run *run;
	size_t n_runs;
	const struct fot_measured_task *task;
	uint64_t seed;
	struct fot_groups groups;
	struct cell *cell; /* of one measure */
	size_t n;
	double *p;
	struct fot_err *err;
};

static size_t first(const struct builder *b, const struct cell *c)
{
	return b->groups.at[c->group].row[0];
}

static struct fot_rows rows_of(const struct builder *b, const struct cell *c)
{
	const struct fot_group *g = &b->groups.at[c->group];

	return (struct fot_rows){ .t = b->in, .row = g->row, .n = g->n };
}

static const char *const condition_columns[] = { "model", "model_variant", "memory_mode", "top_k",
						 "mem_dtype", "window", NULL };

/* Groups of all runs, and a cell for each; of a run all groups stand together. */
static int find_cells(struct builder *b)
{
	int status = FOT_OK;

	b->cell = fot_calloc(b->in->n_rows, sizeof *b->cell);
	b->p = fot_alloc(b->in->n_rows, sizeof *b->p);
	if (!b->cell || !b->p)
		return FOT_FAIL(b->err, FOT_ERR_RUN, "report: out of memory");
	for (size_t r = 0; r < b->n_runs && status == FOT_OK; r++) {
		size_t g = b->groups.n;

		status = fot_measured_groups(&b->groups, b->in, b->run[r].first, b->run[r].last, condition_columns,
					     b->task, NULL, b->err);
		for (; g < b->groups.n && status == FOT_OK; g++) {
			b->cell[b->n] = (struct cell){ .run = r, .group = g };
			b->n += !b->task->detail || !fot_table_has(b->in, first(b, &b->cell[b->n]), b->task->detail);
		}
	}
	return status;
}

/* --- what the paper says: the nearest length it has --- */

/* A published value; of what the paper says to be about chance, chance where we measured. */
static bool paper_value(const struct builder *b, size_t paper, size_t row, double *value)
{
	bool chance = strcmp(fot_table_text(b->paper, paper, "relation"), "chance") == 0;

	*value = chance ? fot_table_real(b->in, row, "chance_level", 0) : fot_table_real(b->paper, paper, "value", 0);
	return chance ? fot_table_has(b->in, row, "chance_level") : fot_table_has(b->paper, paper, "value");
}

static bool paper_fits(const struct builder *b, size_t paper, size_t row, const char *metric)
{
	static const char *const texts[] = { "dataset", "model_variant" };
	double ours = (double)fot_table_int(b->in, row, "context_length", 0),
	       theirs = (double)fot_table_int(b->paper, paper, "context_length", 0);
	double value;

	if (strcmp(fot_table_text(b->paper, paper, "task"), b->task->schema->name) != 0 ||
	    strcmp(fot_table_text(b->paper, paper, "metric"), metric) != 0 || !paper_value(b, paper, row, &value) ||
	    (theirs > 0 && fabs(ours - theirs) > FOT_REPORT_PAPER_LENGTH * theirs))
		return false;
	for (size_t i = 0; i < 2; i++) {
		const char *said = fot_table_text(b->paper, paper, texts[i]);

		/* the paper names no dataset where it has its own */
		if (*said && strcasecmp(said, fot_table_text(b->in, row, texts[i])) != 0)
			return false;
	}
	return true;
}

/* The paper fills the context with demonstrations: its figure stands beside the most of them. */
static bool most_shots(const struct builder *b, const struct cell *c)
{
	static const char *const place[] = { "dataset", "context_length", "calibration", NULL };
	int64_t shots = fot_label_place(b->in, first(b, c), "n_shots");

	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];

		if (d->run == c->run && fot_table_same_all(b->in, first(b, c), b->in, first(b, d), condition_columns) &&
		    fot_table_same_all(b->in, first(b, c), b->in, first(b, d), place) &&
		    fot_label_place(b->in, first(b, d), "n_shots") > shots)
			return false;
	}
	return true;
}

static void add_paper(struct builder *b, const struct cell *c, const char *metric)
{
	double value;

	if (!most_shots(b, c))
		return;
	for (size_t r = 0; r < b->paper->n_rows; r++) {
		if (!paper_fits(b, r, first(b, c), metric) || !paper_value(b, r, first(b, c), &value))
			continue;
		fot_table_set_real(b->out, c->out, "paper_low", value);
		fot_table_set_real(b->out, c->out, "paper_high", value);
		fot_table_set_text(b->out, c->out, "paper_source", fot_table_text(b->paper, r, "source"));
		fot_table_set_text(b->out, c->out, "paper_relation", fot_table_text(b->paper, r, "relation"));
	}
}

/* --- rows --- */

static void write_numbers(struct fot_table *out, size_t row, const struct fot_measured *m)
{
	if (m->e.has_value)
		fot_table_set_estimate(out, row, "value", m->e.value);
	if (m->e.has_interval) {
		fot_table_set_estimate(out, row, "ci_low", m->e.lo);
		fot_table_set_estimate(out, row, "ci_high", m->e.hi);
		fot_table_set_real(out, row, "ci_level", m->e.level);
		fot_table_set_text(out, row, "ci_method", m->e.method);
	}
	fot_measured_spread(out, row, m);
}

static int write_cell(struct builder *b, struct cell *c, const struct fot_measure *what)
{
	struct fot_rows r = rows_of(b, c);
	struct fot_measured m;
	int status = fot_measure(&m, what, &r, b->seed, b->err);

	if (status != FOT_OK)
		return status;
	c->n_items = m.n_items;
	c->out = fot_table_add(b->out);
	fot_table_copy_shared(b->out, c->out, b->in, first(b, c));
	fot_rows_set_axis(b->out, c->out, &r, b->task);
	fot_table_set_text(b->out, c->out, "run", b->run[c->run].name);
	fot_table_set_text(b->out, c->out, "metric", what->metric);
	fot_table_set_int(b->out, c->out, "n_items", (int64_t)m.n_items);
	fot_table_set_int(b->out, c->out, "n_clusters", (int64_t)m.n_clusters);
	fot_table_set_int(b->out, c->out, "n_missing", (int64_t)r.n - fot_rows_with_status(&r, "ok"));
	fot_table_set_int(b->out, c->out, "best", 0);
	write_numbers(b->out, c->out, &m);
	add_paper(b, c, what->metric);
	return FOT_OK;
}

/* --- the best of a column --- */

static bool same_column(const struct builder *b, const struct cell *c, const struct cell *d)
{
	return fot_table_same(b->in, first(b, c), b->in, first(b, d), "dataset") &&
	       fot_table_same(b->in, first(b, c), b->in, first(b, d), "context_length") &&
	       fot_table_same_all(b->in, first(b, c), b->in, first(b, d), b->task->place);
}

/* c is the highest of its column: against all others. */
static int judge(struct builder *b, const struct cell *c, const struct fot_measure *what)
{
	struct fot_rows own = rows_of(b, c);
	size_t n = 0;
	double worst = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];
		struct fot_rows other = rows_of(b, d);
		struct fot_contrast k;

		if (d == c || d->n_items == 0 || !same_column(b, c, d))
			continue;
		FOT_TRY(fot_measure_contrast(&k, b->task, what, &(struct fot_sides){ .base = &other, .new = &own }, b->seed, b->err));
		b->p[n++] = k.n_items == c->n_items && k.n_items == d->n_items && k.has_interval ? k.p : 1.0;
	}
	if (n == 0)
		goto out;
	FOT_TRY(fot_stats_holm(b->p, b->p, n, b->err));
	for (size_t i = 0; i < n; i++)
		worst = fmax(worst, b->p[i]);
	fot_table_set_real(b->out, c->out, "p_best", worst);
	fot_table_set_int(b->out, c->out, "best", worst < FOT_REPORT_LEVEL);
out:
	return status;
}

static int judge_columns(struct builder *b, const struct fot_measure *what)
{
	int status = FOT_OK;

	for (size_t i = 0; i < b->n && status == FOT_OK; i++) {
		double value = fot_table_real(b->out, b->cell[i].out, "value", -INFINITY);
		bool highest = fot_table_has(b->out, b->cell[i].out, "value");

		for (size_t k = 0; k < b->n && highest; k++) {
			double other = fot_table_real(b->out, b->cell[k].out, "value", -INFINITY);

			if (k != i && same_column(b, &b->cell[i], &b->cell[k]))
				highest = value > other || (!(other > value) && i < k);
		}
		if (highest)
			status = judge(b, &b->cell[i], what);
	}
	return status;
}

/* --- its rank, and the two best against the next; as in report.c --- */

static bool before(const struct builder *b, const struct cell *c, const struct cell *d)
{
	double x = fot_table_real(b->out, c->out, "value", -INFINITY),
	       y = fot_table_real(b->out, d->out, "value", -INFINITY);

	return x > y || (!(y > x) && c < d);
}

static const struct cell *next_of(const struct builder *b, const struct cell *c, int64_t *rank)
{
	const struct cell *next = NULL;

	*rank = 1;
	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];

		if (d == c || d->n_items == 0 || !same_column(b, c, d))
			continue;
		if (before(b, d, c))
			++*rank;
		else if (!next || before(b, d, next))
			next = d;
	}
	return next;
}

static int against_next(struct builder *b, const struct cell *c, const struct cell *next, const struct fot_measure *what,
			bool *told)
{
	struct fot_rows own = rows_of(b, c), other = rows_of(b, next);
	struct fot_contrast k;
	int status = fot_measure_contrast(&k, b->task, what, &(struct fot_sides){ .base = &other, .new = &own }, b->seed, b->err);

	*told = false;
	if (status != FOT_OK || !k.has_interval || k.n_items != c->n_items || k.n_items != next->n_items)
		return status;
	*told = k.d.lo > 0 || k.d.hi < 0;
	fot_table_set_real(b->out, c->out, "next_delta", k.d.delta);
	fot_table_set_real(b->out, c->out, "next_ci_low", k.d.lo);
	fot_table_set_real(b->out, c->out, "next_ci_high", k.d.hi);
	return FOT_OK;
}

static int rank_columns(struct builder *b, const struct fot_measure *what)
{
	int status = FOT_OK;

	for (size_t i = 0; i < b->n && status == FOT_OK; i++) {
		const struct cell *second = NULL, *third = NULL;
		int64_t rank;
		bool told = false;

		if (b->cell[i].n_items == 0)
			continue;
		second = next_of(b, &b->cell[i], &rank);
		fot_table_set_int(b->out, b->cell[i].out, "rank", rank);
		if (rank == 1 && second)
			status = against_next(b, &b->cell[i], second, what, &told);
		if (told && status == FOT_OK)
			third = next_of(b, second, &rank);
		if (third)
			status = against_next(b, second, third, what, &told);
	}
	return status;
}

int fot_report_measures(struct fot_table *report, const struct fot_table *rows, const struct fot_report_run *run,
			size_t n_runs, const struct fot_table *paper, uint64_t seed, struct fot_err *err)
{
	struct builder b = { .out = report,
			     .in = rows,
			     .paper = paper,
			     .run = run,
			     .n_runs = n_runs,
			     .task = fot_measured_task(rows->schema),
			     .seed = seed,
			     .err = err };
	int status;

	if (!b.task)
		return FOT_FAIL(err, FOT_ERR_RUN, "report: no task writes %s.csv", rows->schema->name);
	FOT_TRY(find_cells(&b));
	for (size_t m = 0; m < b.task->n_measures; m++) {
		for (size_t i = 0; i < b.n; i++)
			FOT_TRY(write_cell(&b, &b.cell[i], &b.task->measure[m]));
		FOT_TRY(judge_columns(&b, &b.task->measure[m]));
		FOT_TRY(rank_columns(&b, &b.task->measure[m]));
	}
	status = fot_table_check(report, err);
out:
	fot_groups_release(&b.groups);
	fot_free(b.cell);
	fot_free(b.p);
	return status;
}
