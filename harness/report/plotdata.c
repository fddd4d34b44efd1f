/* plotdata.c: see plotdata.h.  The names file lists panels, series and x values. */
#include "harness/report/plotdata.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"

static const struct fot_plot_levels no_levels = { -1, -1 };

#define FOT_KEYS_MOST 1e15 /* of a summary from anywhere */
#define TICKS_APART 1.6    /* where they are by value */

struct builder {
	const struct fot_table *t;
	const struct fot_measured_task *task;
	const struct fot_figure *k;
	struct fot_plot *p;
	size_t *row; /* [n] that the figure shows */
	size_t n;
};

static const char *series_name(const struct builder *b, size_t series)
{
	return b->p->places.c->at[b->p->places.series[series - 1]].name;
}

static void add_y(struct fot_plot *p, double y)
{
	size_t at = p->n_y;

	for (size_t i = 0; i < p->n_y; i++) {
		if (fabs(p->y[i] - y) < 1e-9)
			return;
	}
	for (; at > 0 && p->y[at - 1] > y; at--)
		p->y[at] = p->y[at - 1];
	p->y[at] = y;
	p->n_y++;
}

static double scaled(const struct builder *b, double x)
{
	return b->k->factor > 0 ? b->k->factor * x : 100.0 * expm1(x);
}

static double end_of(const struct builder *b, size_t row, const char *column)
{
	return fot_table_real(b->t, row, fot_table_has(b->t, row, column) ? column : b->k->value, 0);
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

/* Is r a row of the figure and what `row` is, on whatever dataset? */
static bool same_but_dataset(const struct builder *b, size_t row, size_t r)
{
	return is_of(b, r, b->k->comparison) &&
	       fot_table_same_all(b->t, row, b->t, r, FOT_LIST("context_length", "metric", "comparison", "task")) &&
	       fot_table_same_all(b->t, row, b->t, r, fot_condition_columns) && fot_table_has(b->t, r, b->k->value);
}

/* The mean over datasets. */
static void mean_of(const struct builder *b, size_t row, double *value, double *low, double *high)
{
	double n = 0, below = 0, above = 0;

	*value = 0;
	for (size_t r = 0; r < b->t->n_rows; r++) {
		double x = fot_table_real(b->t, r, b->k->value, 0);

		if (!same_but_dataset(b, row, r))
			continue;
		*value += x;
		below += pow(x - end_of(b, r, b->k->low), 2);
		above += pow(end_of(b, r, b->k->high) - x, 2);
		n++;
	}
	*value /= n;
	*low = *value - sqrt(below) / n;
	*high = *value + sqrt(above) / n;
}

/* The figure's point of a row that has a value; false where no double holds it. */
static bool point_of(const struct builder *b, size_t row, struct fot_plot_point *p)
{
	double value = fot_table_real(b->t, row, b->k->value, 0), low = end_of(b, row, b->k->low),
	       high = end_of(b, row, b->k->high);

	if (b->k->longest)
		mean_of(b, row, &value, &low, &high);
	p->value = scaled(b, value);
	p->low = scaled(b, low);
	p->high = scaled(b, high);
	return isfinite(p->value) && isfinite(p->low) && isfinite(p->high);
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

/* With `longest`: is the row of the longest context, and the first of those that it is the mean of? */
static bool stands_for_all(const struct builder *b, size_t row)
{
	int64_t length = fot_table_int(b->t, row, "context_length", 0);

	for (size_t r = 0; r < b->t->n_rows && b->k->longest; r++) {
		if ((fot_table_int(b->t, r, "context_length", 0) > length && is_of(b, r, b->k->comparison)) ||
		    (r < row && same_but_dataset(b, row, r)))
			return false;
	}
	return true;
}

static bool wanted(const struct builder *b, size_t row)
{
	struct fot_plot_point p;

	return is_of(b, row, b->k->comparison ? b->k->comparison : "") && stands_for_all(b, row) &&
	       fot_table_has(b->t, row, b->k->value) &&
	       !(b->task->detail && fot_table_has(b->t, row, b->task->detail)) && !is_hidden(b, row) &&
	       is_beside(b, row) && point_of(b, row, &p) &&
	       (!b->k->kinds || x_of(b, row) > 0); /* the axis is logarithmic */
}

static bool same_series(const struct builder *b, size_t row, size_t other)
{
	return fot_table_same(b->t, row, b->t, other, "dataset") &&
	       fot_table_same_all(b->t, row, b->t, other, fot_condition_columns);
}

/* Of a change along the axis; one against another condition has no start. */
static bool starts_at_zero(const struct builder *b)
{
	return b->k->comparison && !b->k->kinds;
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

/* Is the i-th row the first of its series? */
static bool starts_series(const struct builder *b, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_series(b, b->row[k], b->row[i]))
			return false;
	return true;
}

/* Does a column have several values among the figure's rows? */
static bool several(const struct builder *b, const char *column)
{
	for (size_t i = 1; i < b->n; i++)
		if (!fot_table_same(b->t, b->row[0], b->t, b->row[i], column))
			return true;
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
		fot_str_printf(out, "%s%s", strcmp(column, "prompt_style") == 0 ? "filler " : "",
			       fot_table_text(b->t, row, column));
	}
}

static size_t datasets_of(const struct builder *b, size_t row)
{
	size_t n = 0;

	for (size_t r = 0; r < b->t->n_rows; r++)
		n += same_but_dataset(b, row, r);
	return n;
}

static void panel_text(struct fot_str *out, struct builder *b, size_t row)
{
	const char *metric = fot_table_text(b->t, row, "metric");

	if (b->k->longest && datasets_of(b, row) > 1) {
		fot_str_puts(out, "context ");
		fot_label_length(out, fot_table_int(b->t, row, "context_length", 0));
		fot_str_printf(out, ", geometric mean over %zu datasets", datasets_of(b, row));
		return;
	}

	if (b->k->y)
		fot_str_puts(out, series_name(b, fot_plot_series(&b->p->places, row)));
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

static struct fot_plot_levels levels_of(const struct builder *b, size_t row)
{
	if (!fot_measure_of(b->t, row)->level)
		return no_levels;
	return (struct fot_plot_levels){ level_of(b, row, "chance_level"),
					 level_of(b, row, "majority_level") };
}

/* The panel's number, 0 without memory. */
static size_t panel_of(struct builder *b, size_t row)
{
	struct fot_str name = FOT_STR_INIT;
	size_t known = b->p->places.n_panels, panel;

	panel_text(&name, b, row);
	panel = name.failed ? 0 : fot_plot_panel(&b->p->places, name.len ? name.data : "");
	fot_str_release(&name);
	if (panel > known)
		b->p->level[panel - 1] = levels_of(b, row);
	return panel;
}

/* What there is on the axes, before the places on them are counted. */
static void find_axes(struct builder *b)
{
	struct fot_plot *p = b->p;

	for (size_t i = 0; i < b->n; i++) {
		size_t row = b->row[i];
		int64_t common = b->k->common ? fot_table_int(b->t, row, b->k->common, 0) : 0;

		fot_insert_i64(p->x, &p->n_x, x_of(b, row));
		if (starts_at_zero(b))
			fot_insert_i64(p->x, &p->n_x, shortest(b, row));
		if (b->k->y)
			add_y(p, fot_table_real(b->t, row, b->k->y, 0));
		p->common = p->common == 0 || p->common == common ? common : -1;
	}
}

/* --- points --- */

static size_t place_of(const struct fot_plot *p, int64_t x)
{
	size_t i = 0;

	while (p->x[i] != x)
		i++;
	return i + 1;
}

static size_t y_place_of(const struct fot_plot *p, double y)
{
	size_t i = 0;

	while (fabs(p->y[i] - y) >= 1e-9)
		i++;
	return i + 1;
}

/* A change starts at zero: once per series and panel. */
static void add_origin(struct builder *b, size_t row, size_t panel)
{
	int64_t x = shortest(b, row);

	b->p->point[b->p->n_points++] =
		(struct fot_plot_point){ .row = SIZE_MAX,
					 .panel = panel,
					 .series = fot_plot_series(&b->p->places, row),
					 .x = x,
					 .place = place_of(b->p, x) };
}

static void add_point(struct builder *b, size_t row, size_t panel)
{
	struct fot_plot_point *point = &b->p->point[b->p->n_points++];

	*point = (struct fot_plot_point){ .row = row,
					  .panel = panel,
					  .series = fot_plot_series(&b->p->places, row),
					  .x = b->k->kinds ? x_of(b, row) : fot_table_int(b->t, row, b->k->x, 0),
					  .place = place_of(b->p, x_of(b, row)) };
	point_of(b, row, point);
	if (!b->k->y)
		return;
	point->y = fot_table_real(b->t, row, b->k->y, 0);
	point->y_place = y_place_of(b->p, point->y);
}

static int add_points(struct builder *b, struct fot_err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		size_t panel = panel_of(b, b->row[i]);

		if (panel == 0)
			return FOT_NO_MEMORY(err, "plot");
		if (starts_at_zero(b) && starts_series(b, i))
			add_origin(b, b->row[i], panel);
		add_point(b, b->row[i], panel);
	}
	return FOT_OK;
}

/* Of a figure of kinds: are there as many as it takes? */
static bool enough_kinds(const struct builder *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		bool new = true;

		for (size_t k = 0; k < i && new; k++)
			new = !fot_plot_same_series(&b->p->conditions, b->row[k], b->row[i]);
		n += new;
	}
	return n >= FOT_KINDS_LEAST;
}

int fot_plot_init(struct fot_plot *p, const struct fot_table *summary, const struct fot_measured_task *task,
		  const struct fot_figure *figure, struct fot_err *err)
{
	struct builder b = { .t = summary, .task = task, .k = figure, .p = p };
	size_t n = summary->n_rows;
	int status;

	*p = (struct fot_plot){ .figure = figure };
	FOT_TRY(fot_plot_conditions_init(&p->conditions, summary, figure->kinds, err));
	FOT_TRY(fot_plot_places_init(&p->places, &p->conditions, err));
	b.row = fot_alloc(n, sizeof *b.row);
	p->x = fot_alloc(n, sizeof *p->x);
	p->y = fot_alloc(n, sizeof *p->y);
	p->level = fot_alloc(n, sizeof *p->level);
	p->point = fot_alloc(fot_size_mul(2, n), sizeof *p->point);
	if (!b.row || !p->x || !p->y || !p->level || !p->point) {
		status = FOT_NO_MEMORY(err, "plot");
		goto out;
	}
	for (size_t row = 0; row < n; row++)
		if (wanted(&b, row))
			b.row[b.n++] = row;
	if (figure->kinds && !enough_kinds(&b))
		goto out;
	find_axes(&b);
	status = add_points(&b, err);
out:
	fot_free(b.row);
	return status;
}

void fot_plot_release(struct fot_plot *p)
{
	fot_plot_places_release(&p->places);
	fot_plot_conditions_release(&p->conditions);
	fot_free(p->x);
	fot_free(p->y);
	fot_free(p->level);
	fot_free(p->point);
	*p = (struct fot_plot){ 0 };
}

void fot_plot_tic(struct fot_str *out, const struct fot_figure *figure, int64_t x)
{
	if (strcmp(figure->x, "context_length") == 0)
		fot_label_length(out, x);
	else if (x == FOT_PLACE_FILL)
		fot_str_puts(out, "fill");
	else
		fot_str_printf(out, "%lld", (long long)x);
}

bool fot_plot_by_place(const struct fot_figure *figure)
{
	return figure->y || figure->by_place;
}

/* --- the data file --- */

static void put_header(struct fot_str *out, const struct fot_figure *k)
{
	if (k->y)
		fot_str_printf(out, "panel,%s,place,%s,%s_place,value,n_total", k->x, k->y, k->y);
	else
		fot_str_printf(out, "panel,series,%s,%svalue,low,high", k->x, k->by_place ? "place," : "");
	fot_str_puts(out, ",panel_name,series_name\n");
}

static void put_point(struct fot_str *out, const struct fot_plot *p, const struct fot_plot_point *point)
{
	const struct fot_table *t = p->conditions.t;

	fot_str_printf(out, "%zu,", point->panel);
	if (p->figure->y) {
		fot_str_printf(out, "%lld,%zu,", (long long)point->x, point->place);
		fot_str_double(out, point->y);
		fot_str_printf(out, ",%zu,", point->y_place);
		fot_str_double(out, point->value);
		fot_str_printf(out, ",%lld", (long long)fot_table_int(t, point->row, "n_total", 0));
	} else {
		fot_str_printf(out, "%zu,%lld,", point->series, (long long)point->x);
		if (p->figure->by_place)
			fot_str_printf(out, "%zu,", point->place);
		fot_str_double(out, point->value);
		fot_str_putc(out, ',');
		fot_str_double(out, point->low);
		fot_str_putc(out, ',');
		fot_str_double(out, point->high);
	}
	fot_str_putc(out, ',');
	fot_quote_csv(out, p->places.panel[point->panel - 1]);
	fot_str_putc(out, ',');
	fot_quote_csv(out, p->conditions.at[p->places.series[point->series - 1]].name);
	fot_str_putc(out, '\n');
}

/* --- the names file --- */

static void put_levels(struct fot_str *out, const struct fot_plot *p)
{
	fot_str_printf(out, "array chance[%zu] = [", p->places.n_panels);
	for (size_t i = 0; i < p->places.n_panels; i++)
		fot_str_printf(out, "%s%.6g", i ? ", " : "", p->level[i].chance);
	fot_str_printf(out, "]\narray majority[%zu] = [", p->places.n_panels);
	for (size_t i = 0; i < p->places.n_panels; i++)
		fot_str_printf(out, "%s%.6g", i ? ", " : "", p->level[i].majority);
	fot_str_puts(out, "]\n");
}

/* By value, or by place (from 1) where values are not to scale. */
static void put_tics(struct fot_str *out, const struct fot_plot *p)
{
	size_t n = 0;

	fot_str_puts(out, "x_tics = '(");
	for (size_t i = 0; i < p->n_x; i++) {
		/* keys read may come as near to each other as they like: the last of those has a tick */
		if (p->figure->kinds && i + 1 < p->n_x && (double)p->x[i + 1] < TICKS_APART * (double)p->x[i])
			continue;
		fot_str_puts(out, n++ ? ", \"" : "\"");
		fot_plot_tic(out, p->figure, p->x[i]);
		fot_str_printf(out, "\" %lld",
			       fot_plot_by_place(p->figure) ? (long long)i + 1 : (long long)p->x[i]);
	}
	fot_str_puts(out, ")'\n");
	if (!p->figure->y)
		return;
	fot_str_printf(out, "n_depths = %zu\ny_tics = '(", p->n_y);
	for (size_t i = 0; i < p->n_y; i++)
		fot_str_printf(out, "%s\"%.3g\" %zu", i ? ", " : "", p->y[i], i + 1);
	fot_str_puts(out, ")'\n");
}

static void put_names(struct fot_plot_text *text, const struct fot_plot *p)
{
	struct fot_str *out = &text->names;
	bool by_place = fot_plot_by_place(p->figure);

	fot_str_puts(out, "# Written by fotbench plot.\n");
	fot_plot_put_places(text, &p->places);
	if (p->figure->levels)
		put_levels(out, p);
	fot_str_printf(out, "title = \"%s\"\n", p->figure->title);
	if (p->figure->common)
		fot_str_printf(out, "%s = %lld\n", p->figure->common, (long long)p->common);
	fot_str_printf(out, "x_low = %lld.0\nx_high = %lld.0\n",
		       by_place || !p->n_x ? 1LL : (long long)p->x[0],
		       by_place ? (long long)p->n_x :
		       p->n_x   ? (long long)p->x[p->n_x - 1] :
				  1LL);
	fot_str_printf(out, "n_lengths = %zu\n", p->n_x);
	put_tics(out, p);
}

int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary,
		  const struct fot_measured_task *task, const struct fot_figure *figure, struct fot_err *err)
{
	struct fot_plot p = { 0 };
	int status;

	*out = (struct fot_plot_text){ 0 };
	FOT_TRY(fot_plot_init(&p, summary, task, figure, err));
	put_header(&out->data, figure);
	for (size_t i = 0; i < p.n_points; i++)
		put_point(&out->data, &p, &p.point[i]);
	out->n_points = p.n_points;
	put_names(out, &p);
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->labels, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	fot_plot_release(&p);
	return status;
}

void fot_plot_text_release(struct fot_plot_text *t)
{
	fot_str_release(&t->data);
	fot_str_release(&t->labels);
	fot_str_release(&t->names);
}
