/* grid.c: see grid.h; how cells look is in grid_print.c. */
#include "harness/report/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"
#include "harness/tables/stats.h"

static enum fot_grid_rows rows_of(const struct fot_table *t, size_t row)
{
	const char *comparison = fot_table_text(t, row, "comparison");

	if (!*comparison)
		return FOT_GRID_ESTIMATES;
	if (strcmp(comparison, FOT_COMPARED_ALL) == 0)
		return FOT_GRID_WITH_ALL;
	return strcmp(comparison, FOT_COMPARED_VANILLA) == 0 || strcmp(comparison, FOT_COMPARED_LOCAL) == 0 ?
		       FOT_GRID_WITH_BASELINE :
		       FOT_GRID_WITH_ITSELF;
}

/* FOT_GRID_METRICS: the view has no such metric. */
static size_t metric_index(const struct fot_view *v, const char *metric)
{
	for (size_t i = 0; i < FOT_GRID_METRICS && v->metric[i]; i++)
		if (strcmp(v->metric[i], metric) == 0)
			return i;
	return FOT_GRID_METRICS;
}

static bool belongs(const struct fot_grid *g, size_t row)
{
	const struct fot_view *v = g->view;

	return metric_index(v, fot_table_text(g->t, row, "metric")) < FOT_GRID_METRICS &&
	       fot_measured_named(fot_table_text(g->t, row, "task")) == g->task &&
	       (!g->dataset || strcmp(fot_table_text(g->t, row, "dataset"), g->dataset) == 0) &&
	       (!v->filled || fot_table_has(g->t, row, v->filled)) &&
	       (!v->empty || !fot_table_has(g->t, row, v->empty)) && rows_of(g->t, row) == v->rows;
}

static bool same_line(const struct fot_grid *g, size_t a, size_t b)
{
	if (!fot_table_same(g->t, a, g->t, b, "run") ||
	    !fot_table_same_all(g->t, a, g->t, b, fot_condition_columns))
		return false;
	for (size_t i = 0; i < FOT_GRID_LINES && g->view->line[i]; i++) {
		if (!fot_table_same(g->t, a, g->t, b, g->view->line[i]))
			return false;
	}
	return !g->view->apart || fot_table_same(g->t, a, g->t, b, g->view->apart);
}

static size_t line_of(const struct fot_grid *g, size_t row)
{
	size_t i = 0;

	while (i < g->n_lines && !same_line(g, g->line[i], row))
		i++;
	return i;
}

/* Datasets in order of appearance; the column's name points into the table. */
static size_t dataset_index(const struct fot_grid *g, const char *dataset)
{
	size_t i = 0;

	for (const char *name; (name = fot_grid_dataset(g->t, i)) != NULL && strcmp(name, dataset) != 0;)
		i++;
	return i;
}

/* Order of columns: metrics as the view has them, datasets, then the axis, then the paper behind ours. */
static int order(const struct fot_grid *g, const struct fot_grid_column *a, const struct fot_grid_column *b)
{
	size_t ma = metric_index(g->view, a->metric), mb = metric_index(g->view, b->metric);

	if (ma != mb)
		return ma < mb ? -1 : 1;
	if (strcmp(a->dataset, b->dataset) != 0)
		return dataset_index(g, a->dataset) < dataset_index(g, b->dataset) ? -1 : 1;
	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return (int)a->paper - (int)b->paper;
}

static void add_column(struct fot_grid *g, const struct fot_grid_column *c)
{
	size_t at = g->n_columns;

	for (size_t i = 0; i < g->n_columns; i++) {
		if (order(g, &g->column[i], c) == 0)
			return;
	}
	for (; at > 0 && order(g, &g->column[at - 1], c) > 0; at--)
		g->column[at] = g->column[at - 1];
	g->column[at] = *c;
	g->n_columns++;
}

static void add_row(struct fot_grid *g, size_t row)
{
	struct fot_grid_column c = {
		.metric = g->view->metric[metric_index(g->view, fot_table_text(g->t, row, "metric"))],
		.dataset = fot_table_text(g->t, row, "dataset"),
		.x = g->view->axis ? fot_label_place(g->t, row, g->view->axis) : 0
	};
	size_t line = line_of(g, row);

	if (line == g->n_lines)
		g->line[g->n_lines++] = row;
	add_column(g, &c);
	c.paper = true;
	if (g->dataset && fot_table_has(g->t, row, "paper_low"))
		add_column(g, &c);
}

static void place_row(struct fot_grid *g, size_t row)
{
	size_t line = line_of(g, row);

	for (size_t c = 0; c < g->n_columns; c++) {
		size_t *cell = &g->row[line * g->n_columns + c];

		if (strcmp(g->column[c].metric, fot_table_text(g->t, row, "metric")) == 0 &&
		    *cell == SIZE_MAX &&
		    strcmp(g->column[c].dataset, fot_table_text(g->t, row, "dataset")) == 0 &&
		    (!g->view->axis || fot_label_place(g->t, row, g->view->axis) == g->column[c].x))
			*cell = row;
	}
}

int fot_grid_init(struct fot_grid *g, const struct fot_table *t, const struct fot_measured_task *task,
		  const struct fot_view *view, const char *dataset, struct fot_err *err)
{
	*g = (struct fot_grid){ .task = task, .view = view, .t = t, .dataset = dataset };
	g->line = fot_alloc(t->n_rows, sizeof *g->line);
	g->column = fot_alloc(fot_size_mul(t->n_rows, 2), sizeof *g->column);
	if (!g->line || !g->column)
		return FOT_NO_MEMORY(err, "tables");
	for (size_t row = 0; row < t->n_rows; row++) {
		if (belongs(g, row))
			add_row(g, row);
		g->several_runs = g->several_runs || (row && !fot_table_same(t, row, t, 0, "run"));
	}
	g->row = fot_alloc(fot_size_mul(g->n_lines, g->n_columns), sizeof *g->row);
	if (!g->row)
		return FOT_NO_MEMORY(err, "tables");
	for (size_t i = 0; i < g->n_lines * g->n_columns; i++)
		g->row[i] = SIZE_MAX;
	for (size_t row = 0; row < t->n_rows; row++) {
		if (belongs(g, row))
			place_row(g, row);
	}
	return FOT_OK;
}

void fot_grid_release(struct fot_grid *g)
{
	fot_free(g->line);
	fot_free(g->column);
	fot_free(g->row);
}

static int put_view(const struct fot_grids *grids, const struct fot_measured_task *task, size_t view,
		    const char *dataset, struct fot_err *err)
{
	bool report = grids->t->schema == &fot_schema_report;
	struct fot_grid g;
	int status =
		fot_grid_init(&g, grids->t, task,
			      report ? &task->report[view].view : &task->summary[view].view, dataset, err);

	g.report = report ? &task->report[view] : NULL;
	g.summary = report ? NULL : &task->summary[view];
	g.words = grids->words;
	g.width = grids->width;
	g.digits = grids->digits;
	if (status == FOT_OK && g.n_lines > 0)
		status = grids->put(grids->to, &g, err);
	fot_grid_release(&g);
	return status;
}

int fot_grids_put(const struct fot_grids *grids, const char *dataset, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 0; k < fot_n_measured_tasks; k++) {
		const struct fot_measured_task *task = fot_measured_tasks[k];
		size_t n = grids->t->schema == &fot_schema_report ? task->n_report : task->n_summary;

		for (size_t i = 0; i < n && status == FOT_OK; i++)
			status = put_view(grids, task, i, dataset, err);
	}
	return status;
}

int fot_grids_put_all(const struct fot_grids *grids, struct fot_err *err)
{
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = fot_grid_dataset(grids->t, d)) != NULL && status == FOT_OK; d++)
		status = fot_grids_put(grids, dataset, err);
	return status;
}

const char *fot_grid_dataset(const struct fot_table *t, size_t k)
{
	size_t seen = 0;

	for (size_t row = 0; row < t->n_rows; row++) {
		if (fot_table_is_first(t, row, FOT_LIST("dataset")) && seen++ == k)
			return fot_table_text(t, row, "dataset");
	}
	return NULL;
}

/* --- sentences about the cells --- */

static bool span(const struct fot_grid *g, const char *column, int64_t *lo, int64_t *hi)
{
	bool any = false;

	*lo = *hi = 0;
	for (size_t i = 0; i < g->n_lines * g->n_columns; i++) {
		int64_t x;

		if (g->row[i] == SIZE_MAX || !fot_table_has(g->t, g->row[i], column))
			continue;
		x = fot_table_int(g->t, g->row[i], column, 0);
		*lo = !any || x < *lo ? x : *lo;
		*hi = !any || x > *hi ? x : *hi;
		any = true;
	}
	return any;
}

int64_t fot_grid_most(const struct fot_grid *g, const char *column)
{
	int64_t lo, hi;

	span(g, column, &lo, &hi);
	return hi;
}

/* noun: of one; NULL: none */
static void range(struct fot_str *out, const struct fot_grid *g, const char *column, const char *noun)
{
	int64_t lo, hi;

	span(g, column, &lo, &hi);
	if (lo < hi)
		fot_str_printf(out, "%lld to %lld", (long long)lo, (long long)hi);
	else
		fot_str_printf(out, "%lld", (long long)lo);
	if (noun)
		fot_str_printf(out, " %s%s", noun, lo == hi && lo == 1 ? "" : "s");
}

/* --- words of their own --- */

static void chance(struct fot_str *out, const struct fot_grid *g)
{
	double p = fot_table_real(g->t, g->line[0], "chance_level", 0);

	if (p > 0.0005)
		fot_str_printf(out, " Chance: %.1f %%.", 100 * p);
	else if (p > 0)
		fot_str_printf(out, " Chance: 1 in %.0f.", 1 / p);
}

static void majority(struct fot_str *out, const struct fot_grid *g)
{
	if (fot_table_has(g->t, g->line[0], "majority_level"))
		fot_str_printf(out, " Always the commonest label: %.1f %%.",
			       100 * fot_table_real(g->t, g->line[0], "majority_level", 0));
}

/* Copies of a text are no further evidence. */
static void texts(struct fot_str *out, const struct fot_grid *g)
{
	int64_t n = fot_grid_most(g, "n_clusters");

	if (n)
		fot_str_printf(out, " Warning: some documents hold the same text (%lld different text%s): copies of a text are drawn "
			       "as one.%s",
			       (long long)n, n == 1 ? "" : "s", n == 1 ? " One text: no interval." : "");
}

static void fitted(struct fot_str *out, const struct fot_grid *g)
{
	bool fit = false, seen = false, bound = false;

	for (size_t i = 0; i < g->n_lines * g->n_columns && g->task->reached; i++) {
		const char *how;

		if (g->row[i] == SIZE_MAX || !fot_table_has(g->t, g->row[i], g->task->reached))
			continue;
		how = g->task->reached_how ? fot_table_text(g->t, g->row[i], g->task->reached_how) : "";
		fit = fit || !*how;
		seen = seen || *how;
		bound = bound || strcmp(how, FOT_SEEN_AT_MOST) == 0;
	}
	if (fit)
		fot_str_puts(out, " fit: so many demonstrations are in the prompt, without memory in its last window (fewest of any).");
	if (seen)
		fot_str_puts(out, " seen: so many are in what the memory reads (recent:B; sinks:S,recent:B).");
	if (bound)
		fot_str_puts(out, " at most: the memory forgets; which tokens stay is not known.");
}

static void draws(struct fot_str *out, const struct fot_grid *g)
{
	(void)g;
	fot_str_printf(out, "%d", FOT_STATS_DRAWS);
}

static const struct {
	const char *name;
	void (*put)(struct fot_str *out, const struct fot_grid *g);
} words[] = {
	{ "chance", chance }, { "majority", majority }, { "texts", texts }, { "draws", draws },
	{ "fitted", fitted }, { "common", fot_grid_common },
};

/* --- columns --- */

/* Of "text|other" the half that holds; more: all of it, in a buffer of its own. */
static void either(struct fot_str *out, char *more, bool holds)
{
	char *other = strchr(more, '|');

	if (other)
		*other = '\0';
	fot_str_puts(out, holds ? more : other ? other + 1 : "");
}

static bool is_word(const struct fot_grid *g, const char *column, const char *word)
{
	return strcmp(fot_table_text(g->t, g->line[0], column), word) == 0;
}

/* name: what stands before the sign; more: behind it. */
static void put_column(struct fot_str *out, const struct fot_grid *g, char *name, char sign, char *more)
{
	char *question;

	switch (sign) {
	case ':':
		range(out, g, name, more);
		break;
	case '#':
		if (fot_grid_most(g, name) == 0)
			break;
		fot_str_puts(out, " (");
		range(out, g, name, NULL);
		fot_str_printf(out, " %s)", more);
		break;
	case '?':
		either(out, more, fot_table_has(g->t, g->line[0], name));
		break;
	case '=':
		question = strchr(more, '?');
		*question = '\0';
		either(out, question + 1, is_word(g, name, more));
		break;
	case '~':
		either(out, more, fot_grid_varies(g, name));
		break;
	default:
		range(out, g, name, NULL);
	}
}

static void put(struct fot_str *out, const struct fot_grid *g, char *inside)
{
	size_t n = strcspn(inside, ":#?=~");
	char sign = inside[n];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].name, inside) == 0) {
			words[i].put(out, g);
			return;
		}
	}
	inside[n] = '\0';
	put_column(out, g, inside, sign, sign ? inside + n + 1 : NULL);
}

void fot_grid_words(struct fot_str *out, const struct fot_grid *g, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		size_t n = strcspn(text, "{");
		char inside[512];

		fot_str_add(out, text, n);
		if (!text[n])
			return;
		end = text + n + strcspn(text + n, "}");
		n = (size_t)(end - (text + n + 1));
		memcpy(inside, end - n, n < sizeof inside ? n : sizeof inside - 1);
		inside[n < sizeof inside ? n : sizeof inside - 1] = '\0';
		put(out, g, inside);
	}
}
