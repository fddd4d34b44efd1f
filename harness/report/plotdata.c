/* plotdata.c: see plotdata.h.
 *
 * One walk for all figures: the rows of the figure's metrics that are estimates, or compared as it says;
 * each has a panel, a series and a place on the x axis.  The names file lists
 * panels, series and x values. */
#include "harness/report/plotdata.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"

/* Fractions times the factor of the figure; below 0: none. */
struct levels {
	double chance, majority;
};

static const struct levels no_levels = { -1, -1 };

#define FOT_KEYS_MOST 1e15 /* of a summary from anywhere */
#define TICKS_APART 1.6    /* where they are by value */
#define KINDS_LEAST 3      /* that are worth a figure */

struct builder {
	const struct fot_table *t;
	const struct fot_measured_task *task;
	const struct fot_figure *k;
	struct fot_plot_places places;
	struct levels *level; /* [n_panels] */
	int64_t *x;           /* ascending */
	size_t n_x;
	double *depth; /* ascending */
	size_t n_depths;
	int64_t common; /* of all rows, in the figure's column; -1: they differ */
	struct fot_plot_text *out;
	struct fot_err *err;
};

static const char *series_name(const struct builder *b, size_t series)
{
	return b->places.c->name[b->places.series[series - 1]];
}

static void add_depth(struct builder *b, double x)
{
	size_t at = b->n_depths;

	for (size_t i = 0; i < b->n_depths; i++) {
		if (fabs(b->depth[i] - x) < 1e-9)
			return;
	}
	for (; at > 0 && b->depth[at - 1] > x; at--)
		b->depth[at] = b->depth[at - 1];
	b->depth[at] = x;
	b->n_depths++;
}

struct point {
	double value, low, high;
};

static double scaled(const struct builder *b, size_t row, const char *column)
{
	double x = fot_table_real(b->t, row, column, 0);

	return b->k->factor > 0 ? b->k->factor * x : 100.0 * expm1(x);
}

/* The figure's point of a row that has a value; false where no double holds it. */
static bool point_of(const struct builder *b, size_t row, struct point *p)
{
	p->value = scaled(b, row, b->k->value);
	p->low = fot_table_has(b->t, row, b->k->low) ? scaled(b, row, b->k->low) : p->value;
	p->high = fot_table_has(b->t, row, b->k->high) ? scaled(b, row, b->k->high) : p->value;
	return isfinite(p->value) && isfinite(p->low) && isfinite(p->high);
}

static bool is_of(const struct builder *b, size_t row, const char *comparison)
{
	const char *metric = fot_table_text(b->t, row, "metric");

	return strcmp(fot_table_text(b->t, row, "task"), b->task->schema->name) == 0 &&
	       strcmp(fot_table_text(b->t, row, "comparison"), comparison) == 0 &&
	       (!b->k->filled || fot_table_has(b->t, row, b->k->filled)) &&
	       (!b->k->empty || !fot_table_has(b->t, row, b->k->empty)) &&
	       (strcmp(metric, b->k->metric[0]) == 0 ||
		(b->k->metric[1] && strcmp(metric, b->k->metric[1]) == 0));
}

static bool is_hidden(const struct builder *b, size_t row)
{
	const char *variant = fot_table_text(b->t, row, "model_variant");

	for (size_t i = 0; b->k->hidden && b->k->hidden[i]; i++)
		if (strcmp(variant, b->k->hidden[i]) == 0)
			return true;
	return false;
}

/* Do two rows differ at most in the column `beside`? */
static bool same_but(const struct builder *b, size_t row, size_t other)
{
	bool same = fot_table_same_all(b->t, row, b->t, other, FOT_LIST("dataset", "context_length"));

	for (size_t i = 0; same && b->task->place[i]; i++)
		same = strcmp(b->task->place[i], b->k->beside) == 0 ||
		       fot_table_same(b->t, row, b->t, other, b->task->place[i]);
	return same;
}

/* Is there a row with a value of `beside` that this one can be seen with? Where the axis is 0 nothing differs. */
static bool is_beside(const struct builder *b, size_t row)
{
	if (!b->k->beside)
		return true;
	for (size_t r = 0; r < b->t->n_rows; r++)
		if (fot_table_has(b->t, r, b->k->beside) && same_but(b, row, r))
			return fot_label_place(b->t, row, b->task->axis) > 0;
	return false;
}

/* Where a row stands on the axis; keys read are a mean. */
static int64_t x_of(const struct builder *b, size_t row)
{
	const struct fot_cell *c = fot_table_cell(b->t, row, b->k->x);

	return c->kind == FOT_CELL_REAL ? (int64_t)llround(fmin(c->x, FOT_KEYS_MOST)) : fot_label_place(b->t, row, b->k->x);
}

static bool wanted(const struct builder *b, size_t row)
{
	struct point p;

	return is_of(b, row, b->k->comparison ? b->k->comparison : "") && fot_table_has(b->t, row, b->k->value) &&
	       !(b->task->detail && fot_table_has(b->t, row, b->task->detail)) && !is_hidden(b, row) &&
	       is_beside(b, row) && point_of(b, row, &p) &&
	       (!b->k->kinds || x_of(b, row) > 0); /* the axis is logarithmic */
}

static bool same_series(const struct builder *b, size_t row, size_t other)
{
	return fot_table_same(b->t, row, b->t, other, "dataset") &&
	       fot_table_same_all(b->t, row, b->t, other, fot_condition_columns);
}

/* What a change starts from: the shortest context of the same condition. */
static int64_t shortest(const struct builder *b, size_t row)
{
	int64_t least = fot_table_int(b->t, row, b->k->x, 0);

	for (size_t r = 0; r < b->t->n_rows; r++) {
		if (is_of(b, r, "") && same_series(b, r, row) && fot_table_int(b->t, r, b->k->x, 0) < least)
			least = fot_table_int(b->t, r, b->k->x, 0);
	}
	return least;
}

static bool starts_series(const struct builder *b, size_t row)
{
	for (size_t r = 0; r < row; r++) {
		if (wanted(b, r) && same_series(b, r, row))
			return false;
	}
	return true;
}

/* Does a text column have several values among the figure's rows? */
static bool several(const struct builder *b, const char *column)
{
	size_t first = b->t->n_rows;

	for (size_t row = 0; row < b->t->n_rows; row++) {
		if (!wanted(b, row))
			continue;
		if (first == b->t->n_rows)
			first = row;
		else if (!fot_table_same(b->t, first, b->t, row, column))
			return true;
	}
	return false;
}

/* ": layer 2", ": context 8k", ": raw" */
static void put_told(struct fot_str *out, const struct builder *b, size_t row, const char *column)
{
	const struct fot_cell *c = fot_table_cell(b->t, row, column);

	fot_str_puts(out, out->len ? ": " : "");
	if (strcmp(column, "context_length") == 0) {
		fot_str_puts(out, "context ");
		fot_label_length(out, c->i);
	} else if (strcmp(column, "n_shots") == 0) {
		fot_label_shots(out, fot_label_place(b->t, row, column));
	} else if (c->kind == FOT_CELL_INT) {
		fot_str_printf(out, "%s %lld", column, (long long)c->i);
	} else {
		fot_str_printf(out, "%s%s", strcmp(column, "prompt_style") == 0 ? "filler " : "", fot_table_text(b->t, row, column));
	}
}

static void panel_text(struct fot_str *out, struct builder *b, size_t row)
{
	const char *metric = fot_table_text(b->t, row, "metric");

	if (b->k->y)
		fot_str_puts(out, series_name(b, fot_plot_series(&b->places, row)));
	else if (b->k->panel[0])
		fot_str_puts(out, b->k->panel[strcmp(metric, b->k->metric[0]) != 0]);
	if (!out->len || several(b, "dataset"))
		put_told(out, b, row, "dataset");
	if (fot_table_has(b->t, row, "layer"))
		put_told(out, b, row, "layer");
	for (size_t i = 0; b->k->told && b->k->told[i]; i++)
		if (several(b, b->k->told[i]))
			put_told(out, b, row, b->k->told[i]);
}

static double level_of(const struct builder *b, size_t row, const char *column)
{
	return fot_table_has(b->t, row, column) ? b->k->factor * fot_table_real(b->t, row, column, -1) : -1;
}

static struct levels levels_of(const struct builder *b, size_t row)
{
	if (!fot_measure_of(b->t, row)->level)
		return no_levels;
	return (struct levels){ level_of(b, row, "chance_level"), level_of(b, row, "majority_level") };
}

/* The panel's number, 0 without memory. */
static size_t panel_of(struct builder *b, size_t row)
{
	struct fot_str name = FOT_STR_INIT;
	size_t known = b->places.n_panels, panel;

	panel_text(&name, b, row);
	panel = name.failed ? 0 : fot_plot_panel(&b->places, name.len ? name.data : "");
	fot_str_release(&name);
	if (panel > known)
		b->level[panel - 1] = levels_of(b, row);
	return panel;
}

/* What there is on the axes, before the places on them are counted. */
static void find_axes(struct builder *b)
{
	for (size_t row = 0; row < b->t->n_rows; row++) {
		int64_t common = b->k->common ? fot_table_int(b->t, row, b->k->common, 0) : 0;

		if (!wanted(b, row))
			continue;
		fot_insert_i64(b->x, &b->n_x, x_of(b, row));
		if (b->k->comparison)
			fot_insert_i64(b->x, &b->n_x, shortest(b, row));
		if (b->k->y)
			add_depth(b, fot_table_real(b->t, row, b->k->y, 0));
		b->common = b->common == 0 || b->common == common ? common : -1;
	}
}

/* --- the data file --- */

static size_t place_of(const struct builder *b, int64_t x)
{
	size_t i = 0;

	while (b->x[i] != x)
		i++;
	return i + 1;
}

static size_t depth_place(const struct builder *b, double x)
{
	size_t i = 0;

	while (fabs(b->depth[i] - x) >= 1e-9)
		i++;
	return i + 1;
}

static void put_bars(const struct builder *b, const struct point *p)
{
	fot_str_double(&b->out->data, p->value);
	fot_str_putc(&b->out->data, ',');
	fot_str_double(&b->out->data, p->low);
	fot_str_putc(&b->out->data, ',');
	fot_str_double(&b->out->data, p->high);
}

static void put_names_of(struct builder *b, size_t panel, size_t series)
{
	fot_plot_put_names(&b->out->data, b->places.panel[panel - 1], series_name(b, series));
	b->out->n_points++;
}

/* A change starts at zero: once per series and panel. */
static void put_origin(struct builder *b, size_t row, size_t panel)
{
	static const struct point zero = { 0, 0, 0 };
	size_t series = fot_plot_series(&b->places, row);

	fot_str_printf(&b->out->data, "%zu,%zu,%lld,", panel, series, (long long)shortest(b, row));
	put_bars(b, &zero);
	put_names_of(b, panel, series);
}

static void put_row(struct builder *b, size_t row, size_t panel)
{
	struct fot_str *out = &b->out->data;
	int64_t place = x_of(b, row), x = b->k->kinds ? place : fot_table_int(b->t, row, b->k->x, 0);
	size_t series = fot_plot_series(&b->places, row);
	struct point p;

	point_of(b, row, &p);
	fot_str_printf(out, "%zu,", panel);
	if (b->k->y) {
		double depth = fot_table_real(b->t, row, b->k->y, 0);

		fot_str_printf(out, "%lld,%zu,", (long long)x, place_of(b, place));
		fot_str_double(out, depth);
		fot_str_printf(out, ",%zu,", depth_place(b, depth));
		fot_str_double(out, p.value);
		fot_str_printf(out, ",%lld", (long long)fot_table_int(b->t, row, "n_total", 0));
	} else {
		fot_str_printf(out, "%zu,%lld,", series, (long long)x);
		if (b->k->by_place)
			fot_str_printf(out, "%zu,", place_of(b, place));
		put_bars(b, &p);
	}
	put_names_of(b, panel, series);
}

static void put_header(struct fot_str *out, const struct fot_figure *k)
{
	if (k->y)
		fot_str_printf(out, "panel,%s,place,%s,%s_place,value,n_total", k->x, k->y, k->y);
	else
		fot_str_printf(out, "panel,series,%s,%svalue,low,high", k->x, k->by_place ? "place," : "");
	fot_str_puts(out, ",panel_name,series_name\n");
}

static int put_rows(struct builder *b)
{
	put_header(&b->out->data, b->k);
	for (size_t row = 0; row < b->t->n_rows; row++) {
		size_t panel;

		if (!wanted(b, row))
			continue;
		panel = panel_of(b, row);
		if (panel == 0)
			return FOT_NO_MEMORY(b->err, "plot");
		if (b->k->comparison && starts_series(b, row))
			put_origin(b, row, panel);
		put_row(b, row, panel);
	}
	return FOT_OK;
}

/* --- the names file --- */

static void put_levels(const struct builder *b)
{
	struct fot_str *out = &b->out->names;

	fot_str_printf(out, "array chance[%zu] = [", b->places.n_panels);
	for (size_t i = 0; i < b->places.n_panels; i++)
		fot_str_printf(out, "%s%.6g", i ? ", " : "", b->level[i].chance);
	fot_str_printf(out, "]\narray majority[%zu] = [", b->places.n_panels);
	for (size_t i = 0; i < b->places.n_panels; i++)
		fot_str_printf(out, "%s%.6g", i ? ", " : "", b->level[i].majority);
	fot_str_puts(out, "]\n");
}

/* By value, or by place (from 1) where values are not to scale. */
static void put_tics(const struct builder *b)
{
	struct fot_str *out = &b->out->names;
	bool by_place = b->k->y || b->k->by_place;
	bool lengths = strcmp(b->k->x, "context_length") == 0;
	size_t n = 0;

	fot_str_puts(out, "x_tics = '(");
	for (size_t i = 0; i < b->n_x; i++) {
		/* keys read may come as near to each other as they like: the last of those has a tick */
		if (b->k->kinds && i + 1 < b->n_x && (double)b->x[i + 1] < TICKS_APART * (double)b->x[i])
			continue;
		fot_str_puts(out, n++ ? ", \"" : "\"");
		if (lengths)
			fot_label_length(out, b->x[i]);
		else if (b->x[i] == FOT_PLACE_FILL)
			fot_str_puts(out, "fill");
		else
			fot_str_printf(out, "%lld", (long long)b->x[i]);
		fot_str_printf(out, "\" %lld", by_place ? (long long)i + 1 : (long long)b->x[i]);
	}
	fot_str_puts(out, ")'\n");
	if (!b->k->y)
		return;
	fot_str_printf(out, "n_depths = %zu\ny_tics = '(", b->n_depths);
	for (size_t i = 0; i < b->n_depths; i++)
		fot_str_printf(out, "%s\"%.3g\" %zu", i ? ", " : "", b->depth[i], i + 1);
	fot_str_puts(out, ")'\n");
}

static void put_names(const struct builder *b)
{
	struct fot_str *out = &b->out->names;
	bool by_place = b->k->y || b->k->by_place;

	fot_str_puts(out, "# Written by fotbench plot.\n");
	fot_plot_put_places(b->out, &b->places);
	if (b->k->levels)
		put_levels(b);
	fot_str_printf(out, "title = \"%s\"\n", b->k->title);
	if (b->k->common)
		fot_str_printf(out, "%s = %lld\n", b->k->common, (long long)b->common);
	fot_str_printf(out, "x_low = %lld.0\nx_high = %lld.0\n",
		       by_place || !b->n_x ? 1LL : (long long)b->x[0],
		       by_place ? (long long)b->n_x :
		       b->n_x   ? (long long)b->x[b->n_x - 1] :
				  1LL);
	fot_str_printf(out, "n_lengths = %zu\n", b->n_x);
	put_tics(b);
}

static bool enough_kinds(struct builder *b)
{
	struct fot_plot_places seen;
	bool enough = false;

	if (fot_plot_places_init(&seen, b->places.c, b->err) == FOT_OK) {
		for (size_t row = 0; row < b->t->n_rows; row++)
			if (wanted(b, row))
				fot_plot_series(&seen, row);
		enough = seen.n_series >= KINDS_LEAST;
	}
	fot_plot_places_release(&seen);
	return enough;
}

static int plot(struct fot_plot_text *out, const struct fot_plot_conditions *c, const struct fot_measured_task *task,
		const struct fot_figure *figure, struct fot_err *err)
{
	struct builder b = { .t = c->t, .task = task, .k = figure, .out = out, .err = err };
	size_t n = c->t->n_rows;
	int status;

	FOT_TRY(fot_plot_places_init(&b.places, c, err));
	b.x = fot_alloc(n, sizeof *b.x);
	b.depth = fot_alloc(n, sizeof *b.depth);
	b.level = fot_alloc(n, sizeof *b.level);
	if (!b.x || !b.depth || !b.level) {
		status = FOT_NO_MEMORY(b.err, "plot");
		goto out;
	}
	if (figure->kinds && !enough_kinds(&b))
		goto out;
	find_axes(&b);
	FOT_TRY(put_rows(&b));
	put_names(&b);
out:
	fot_plot_places_release(&b.places);
	fot_free(b.x);
	fot_free(b.depth);
	fot_free(b.level);
	return status;
}

int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, const struct fot_measured_task *task,
		  const struct fot_figure *figure, struct fot_err *err)
{
	struct fot_plot_conditions c = { 0 };
	int status;

	*out = (struct fot_plot_text){ 0 };
	FOT_TRY(fot_plot_conditions_init(&c, summary, figure->kinds, err));
	FOT_TRY(plot(out, &c, task, figure, err));
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->labels, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	fot_plot_conditions_release(&c);
	return status;
}

void fot_plot_text_release(struct fot_plot_text *t)
{
	fot_str_release(&t->data);
	fot_str_release(&t->labels);
	fot_str_release(&t->names);
}
