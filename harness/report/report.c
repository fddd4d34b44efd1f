/* report.c: rows of a task to rows of report; the tables themselves are in report_print.c.
 *
 * A cell is a condition of a run at one place; whether the best of a column is
 * better than the others comes from measures.h.  Single heads are left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"
#include "harness/report/measures.h"
#include "harness/report/report.h"

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
	const struct fot_measure *what;
	uint64_t seed;
	struct fot_estimates *kept;
	struct fot_groups groups;
	struct cell *cell; /* of one measure */
	size_t n;
	double *p;
	struct fot_err *err;
};

static const struct fot_group *rows_of(const struct builder *b, const struct cell *c)
{
	return &b->groups.at[c->group];
}

static size_t first(const struct builder *b, const struct cell *c)
{
	return rows_of(b, c)->row[0];
}

static bool is_cell(const struct builder *b, const struct cell *c)
{
	return fot_measure_applies(b->what, rows_of(b, c)) &&
	       (!b->task->detail || !fot_table_has(b->in, first(b, c), b->task->detail));
}

/* Groups of all runs, and a cell for each; of a run all groups stand together. */
static int find_cells(struct builder *b)
{
	int status = FOT_OK;

	fot_groups_release(&b->groups);
	b->n = 0;
	for (size_t r = 0; r < b->n_runs && status == FOT_OK; r++) {
		size_t g = b->groups.n;

		status = fot_measured_groups(&b->groups, b->in, b->run[r].first, b->run[r].last,
					     fot_condition_columns, b->task, NULL, b->err);
		for (; g < b->groups.n && status == FOT_OK; g++) {
			b->cell[b->n] = (struct cell){ .run = r, .group = g };
			b->n += is_cell(b, &b->cell[b->n]);
		}
	}
	return status;
}

/* --- what the paper says: the nearest length it has --- */

/* A published value; of what the paper says to be about chance, chance where we measured. */
static bool paper_value(const struct builder *b, size_t paper, size_t row, double *value)
{
	bool chance = strcmp(fot_table_text(b->paper, paper, "relation"), "chance") == 0;
	/* the first files had a column of the metric's name */
	const char *column = fot_table_has(b->paper, paper, "value") ? "value" : b->what->metric;

	*value = chance ? fot_table_real(b->in, row, "chance_level", 0) :
			  fot_table_real(b->paper, paper, column, 0);
	return chance ? fot_table_has(b->in, row, "chance_level") : fot_table_has(b->paper, paper, column);
}

/* Empty cells stand for the first task and its first metric. */
static bool is_of_paper(const struct builder *b, size_t paper)
{
	const char *metric = fot_table_text(b->paper, paper, "metric");
	const struct fot_measured_task *task = fot_measured_named(fot_table_text(b->paper, paper, "task"));

	return task == b->task && strcmp(*metric ? metric : task->measure[0].metric, b->what->metric) == 0;
}

static bool paper_fits(const struct builder *b, size_t paper, size_t row)
{
	static const char *const texts[] = { "dataset", "model_variant" };
	double ours = (double)fot_table_int(b->in, row, "context_length", 0),
	       theirs = (double)fot_table_int(b->paper, paper, "context_length", 0);
	double value;

	if (!is_of_paper(b, paper) || !paper_value(b, paper, row, &value) ||
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

		if (d->run == c->run &&
		    fot_table_same_all(b->in, first(b, c), b->in, first(b, d), fot_condition_columns) &&
		    fot_table_same_all(b->in, first(b, c), b->in, first(b, d), place) &&
		    fot_label_place(b->in, first(b, d), "n_shots") > shots)
			return false;
	}
	return true;
}

/* Over the paper's settings of a condition, the range. */
static void add_paper(struct builder *b, const struct cell *c)
{
	double value;

	if (!most_shots(b, c))
		return;
	for (size_t r = 0; r < b->paper->n_rows; r++) {
		if (!paper_fits(b, r, first(b, c)) || !paper_value(b, r, first(b, c), &value))
			continue;
		fot_table_set_real(b->out, c->out, "paper_low",
				   fmin(value, fot_table_real(b->out, c->out, "paper_low", value)));
		fot_table_set_real(b->out, c->out, "paper_high",
				   fmax(value, fot_table_real(b->out, c->out, "paper_high", value)));
		if (fot_table_has(b->out, c->out, "paper_source"))
			continue;
		fot_table_set_text(b->out, c->out, "paper_source", fot_table_text(b->paper, r, "source"));
		fot_table_set_text(b->out, c->out, "paper_relation", fot_table_text(b->paper, r, "relation"));
	}
}

/* --- rows --- */

static void write_numbers(struct builder *b, size_t row, const struct fot_measured *m)
{
	bool rate = fot_measure_is_rate(b->what);

	fot_table_set_int(b->out, row, "n_items", (int64_t)m->n_items);
	if (!rate || m->n_clusters < m->n_items) /* of a rate only what is worth a warning */
		fot_table_set_int(b->out, row, "n_clusters", (int64_t)m->n_clusters);
	if (m->first != SIZE_MAX && fot_table_has(b->in, m->first, "target_start"))
		fot_table_set_int(b->out, row, "target_start",
				  fot_table_int(b->in, m->first, "target_start", 0));
	fot_measured_write(b->out, row, b->in, m);
	if (m->e.has_interval && !rate)
		fot_table_set_text(b->out, row, "ci_method", m->e.method);
}

static int write_cell(struct builder *b, struct cell *c)
{
	const struct fot_group *r = rows_of(b, c);
	struct fot_measured m;
	int status = fot_measure_once(&m, b->what, r, b->seed, b->kept, b->err);

	if (status != FOT_OK)
		return status;
	c->n_items = m.n_items;
	c->out = fot_table_add(b->out);
	fot_table_copy_shared(b->out, c->out, b->in, first(b, c));
	fot_rows_set_axis(b->out, c->out, r, b->task);
	fot_table_set_text(b->out, c->out, "run", b->run[c->run].name);
	fot_table_set_text(b->out, c->out, "metric", b->what->metric);
	fot_table_set_int(b->out, c->out, "n_missing", (int64_t)r->n - fot_rows_with_status(r, "ok"));
	fot_table_set_int(b->out, c->out, "best", 0);
	write_numbers(b, c->out, &m);
	add_paper(b, c);
	return FOT_OK;
}

/* --- the best of a column --- */

static bool same_column(const struct builder *b, const struct cell *c, const struct cell *d)
{
	return fot_measured_same_place(b->task, b->in, first(b, c), b->in, first(b, d), NULL) &&
	       fot_table_same(b->out, c->out, b->out, d->out, "target_start");
}

/* The larger the better; without a value the worst. */
static double score(const struct builder *b, const struct cell *c)
{
	double value = fot_table_real(b->out, c->out, "value", 0);

	if (!fot_table_has(b->out, c->out, "value"))
		return -INFINITY;
	return fot_measure_is_rate(b->what) ? -value : value;
}

/* Does c stand before d in their column? */
static bool before(const struct builder *b, const struct cell *c, const struct cell *d)
{
	return score(b, c) > score(b, d) || (!(score(b, d) > score(b, c)) && c < d);
}

/* c against d; *all: every item of either has its twin, and there is an interval. */
static int contrast(struct builder *b, const struct cell *c, const struct cell *d, struct fot_contrast *k,
		    bool *all)
{
	struct fot_sides sides = { .base = rows_of(b, d), .new = rows_of(b, c) };
	int status = fot_measure_contrast(k, b->task, b->what, &sides, b->seed, b->err);

	*all = status == FOT_OK && k->has_interval && k->n_items == c->n_items && k->n_items == d->n_items;
	return status;
}

/* The next behind c in its column, NULL: none. *rank: of c, from 1. */
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

/* c against the next; all: as contrast has it. Does the interval exclude zero? */
static bool against_next(struct builder *b, const struct cell *c, const struct fot_contrast *k, bool all)
{
	if (!all)
		return false;
	fot_table_set_estimate(b->out, c->out, "next_delta", k->d.delta);
	fot_table_set_estimate(b->out, c->out, "next_ci_low", k->d.lo);
	fot_table_set_estimate(b->out, c->out, "next_ci_high", k->d.hi);
	return k->nats.lo > 0 || k->nats.hi < 0;
}

/* c is the best of its column, next the second: against all others. *told: from the second. */
static int judge(struct builder *b, const struct cell *c, const struct cell *next, bool *told)
{
	size_t n = 0;
	double worst = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < b->n; i++) {
		const struct cell *d = &b->cell[i];
		struct fot_contrast k;
		bool all;

		if (d == c || d->n_items == 0 || !same_column(b, c, d))
			continue;
		FOT_TRY(contrast(b, c, d, &k, &all));
		b->p[n++] = all ? k.p : 1.0;
		if (d == next)
			*told = against_next(b, c, &k, all);
	}
	if (n == 0 || !fot_table_has(b->out, c->out, "value"))
		goto out;
	FOT_TRY(fot_stats_holm(b->p, b->p, n, b->err));
	for (size_t i = 0; i < n; i++)
		worst = fmax(worst, b->p[i]);
	fot_table_set_real(b->out, c->out, "p_best", worst);
	fot_table_set_int(b->out, c->out, "best", worst < FOT_REPORT_LEVEL);
out:
	return status;
}

/* Ranks; the best against all others; where that is told from the second, the second against the third. */
static int rank_columns(struct builder *b)
{
	int status = FOT_OK;

	for (size_t i = 0; i < b->n && status == FOT_OK; i++) {
		const struct cell *c = &b->cell[i], *second, *third = NULL;
		struct fot_contrast k;
		bool told = false, all;
		int64_t rank;

		if (c->n_items == 0)
			continue;
		second = next_of(b, c, &rank);
		fot_table_set_int(b->out, c->out, "rank", rank);
		if (rank == 1)
			status = judge(b, c, second, &told);
		if (told && status == FOT_OK)
			third = next_of(b, second, &rank);
		if (third)
			status = contrast(b, second, third, &k, &all);
		if (third && status == FOT_OK)
			against_next(b, second, &k, all);
	}
	return status;
}

int fot_report_build(struct fot_table *report, const struct fot_table *rows, const struct fot_report_run *run,
		     size_t n_runs, const struct fot_table *paper, bool bits_per_byte, uint64_t seed,
		     struct fot_estimates *kept, struct fot_err *err)
{
	struct builder b = { .out = report,
			     .in = rows,
			     .paper = paper,
			     .run = run,
			     .n_runs = n_runs,
			     .task = fot_measured_task(rows->schema),
			     .seed = seed,
			     .kept = kept,
			     .err = err };
	size_t n = 0;
	int status;

	if (!b.task)
		return FOT_FAIL(err, FOT_ERR_RUN, "report: no task writes %s.csv", rows->schema->name);
	b.cell = fot_calloc(rows->n_rows, sizeof *b.cell);
	b.p = fot_alloc(rows->n_rows, sizeof *b.p);
	if (!b.cell || !b.p) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "report: out of memory");
		goto out;
	}
	b.what = fot_measured_shown(b.task, bits_per_byte, &n);
	for (size_t m = 0; m < n; m++, b.what++) {
		FOT_TRY(find_cells(&b));
		for (size_t i = 0; i < b.n; i++)
			FOT_TRY(write_cell(&b, &b.cell[i]));
		FOT_TRY(rank_columns(&b));
	}
	status = fot_table_check(report, err);
out:
	fot_groups_release(&b.groups);
	fot_free(b.cell);
	fot_free(b.p);
	return status;
}
