/* page_figures.c: the figures of a page as data; see page.h.
 *
 * A figure is what `fotbench plot` draws, with the same panels, series and looks:
 *
 *   { title, y, x: { label, log, tics: [[at, text], ...] }, rows: { label, tics } (maps alone),
 *     panels: [{ name, chance: [[at, value], ...], majority: [[at, value], ...] }], series: [{ name, look, dash }],
 *     points: [[panel, series, at, value, low, high, note, row], ...] }
 *
 * panel and series count from 0; low and high are null without an interval. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"
#include "harness/export/page.h"
#include "harness/report/plotdata.h"
#include "harness/tables/labels.h"

/* --- words of the axes --- */

static const struct fot_measure *measure_of(const struct fot_plot *p)
{
	return fot_measure_of(p->conditions.t, p->point[p->n_points - 1].row);
}

static void y_label(struct fot_str *out, const struct fot_plot *p)
{
	const struct fot_figure *k = p->figure;

	if (k->comparison)
		fot_str_printf(out, "change of %s%s", measure_of(p)->heading, k->factor == 0 ? ", %" : "");
	else
		fot_str_printf(out, "%s%s", k->metric[1] ? "right" : measure_of(p)->heading,
			       k->factor == 100 ? ", %" : "");
}

static const char *x_label(const struct fot_figure *k)
{
	static const struct {
		const char *column, *label;
	} labels[] = {
		{ "context_length", "context length (tokens)" },
		{ "n_shots", "demonstrations" },
		{ "n_contexts", "documents in sight" },
		{ "distractors", "demonstrations of other sets for each of the task's" },
	};

	for (size_t i = 0; i < FOT_COUNT(labels); i++)
		if (strcmp(labels[i].column, k->x) == 0)
			return labels[i].label;
	return k->x;
}

/* --- JSON --- */

static bool add_number(cJSON *list, double x)
{
	return fot_json_add(list, isfinite(x) ? cJSON_CreateNumber(x) : cJSON_CreateNull());
}

static bool add_tic(cJSON *list, double at, const struct fot_str *text)
{
	cJSON *tic = cJSON_CreateArray();

	return fot_json_add(list, tic) && add_number(tic, at) && !text->failed &&
	       fot_json_add(tic, cJSON_CreateString(text->len ? text->data : ""));
}

static bool add_axis(cJSON *figure, const struct fot_plot *p)
{
	cJSON *x = cJSON_AddObjectToObject(figure, "x"), *tics;
	bool by_place = fot_plot_by_place(p->figure), good;

	if (!x)
		return false;
	tics = cJSON_AddArrayToObject(x, "tics");
	good = tics && cJSON_AddStringToObject(x, "label", x_label(p->figure)) &&
	       cJSON_AddBoolToObject(x, "log", !by_place && p->n_x && p->x[0] > 0);
	for (size_t i = 0; i < p->n_x && good; i++) {
		struct fot_str text = FOT_STR_INIT;

		fot_plot_tic(&text, p->figure, p->x[i]);
		good = add_tic(tics, by_place ? (double)i + 1 : (double)p->x[i], &text);
		fot_str_release(&text);
	}
	return good;
}

static bool add_rows(cJSON *figure, const struct fot_plot *p)
{
	cJSON *y, *tics;
	bool good;

	if (!p->figure->y)
		return true;
	y = cJSON_AddObjectToObject(figure, "rows");
	if (!y)
		return false;
	tics = cJSON_AddArrayToObject(y, "tics");
	good = tics && cJSON_AddStringToObject(y, "label", p->figure->y);
	for (size_t i = 0; i < p->n_y && good; i++) {
		struct fot_str text = FOT_STR_INIT;

		fot_str_printf(&text, "%.3g", p->y[i]);
		good = add_tic(tics, (double)i + 1, &text);
		fot_str_release(&text);
	}
	return good;
}

static double at_of(const struct fot_plot *p, const struct fot_plot_point *point)
{
	return fot_plot_by_place(p->figure) ? (double)point->place : (double)point->x;
}

/* Is it the first point of its panel at its place whose row has the column? */
static bool first_there(const struct fot_plot *p, size_t i, const char *column)
{
	const struct fot_table *t = p->conditions.t;

	for (size_t k = 0; k < i; k++)
		if (p->point[k].panel == p->point[i].panel && p->point[k].place == p->point[i].place &&
		    fot_table_has(t, p->point[k].row, column))
			return false;
	return fot_table_has(t, p->point[i].row, column) && fot_measure_of(t, p->point[i].row)->level;
}

/* The level of a panel along the axis. */
static bool add_level(cJSON *panel, const struct fot_plot *p, size_t number, const char *key,
		      const char *column)
{
	cJSON *list = cJSON_AddArrayToObject(panel, key);
	bool good = list;

	for (size_t i = 0; i < p->n_points && good; i++) {
		cJSON *pair;

		if (p->point[i].panel != number || p->point[i].row == SIZE_MAX || !first_there(p, i, column))
			continue;
		pair = cJSON_CreateArray();
		good = fot_json_add(list, pair) && add_number(pair, at_of(p, &p->point[i])) &&
		       add_number(pair, p->figure->factor *
						fot_table_real(p->conditions.t, p->point[i].row, column, 0));
	}
	return good;
}

static bool add_panels(cJSON *figure, const struct fot_plot *p)
{
	cJSON *list = cJSON_AddArrayToObject(figure, "panels");
	bool good = list;

	for (size_t i = 0; i < p->places.n_panels && good; i++) {
		cJSON *panel = cJSON_CreateObject();

		good = fot_json_add(list, panel) &&
		       cJSON_AddStringToObject(panel, "name", p->places.panel[i]);
		if (good && p->figure->levels && !p->figure->y)
			good = add_level(panel, p, i + 1, "chance", "chance_level") &&
			       add_level(panel, p, i + 1, "majority", "majority_level");
	}
	return good;
}

static bool add_series(cJSON *figure, const struct fot_plot *p)
{
	cJSON *list = cJSON_AddArrayToObject(figure, "series");
	bool good = list;

	for (size_t i = 0; i < p->places.n_series && good; i++) {
		size_t at = p->places.series[i];
		cJSON *series = cJSON_CreateObject();

		good = fot_json_add(list, series) &&
		       cJSON_AddStringToObject(series, "name", p->conditions.at[at].name) &&
		       cJSON_AddNumberToObject(series, "look", p->conditions.at[at].look) &&
		       cJSON_AddNumberToObject(series, "dash", p->conditions.at[at].dash);
	}
	return good;
}

/* "47 of 50", "6 items": of how much a point is made. */
static void put_note(struct fot_str *out, const struct fot_plot *p, const struct fot_plot_point *point)
{
	const struct fot_table *t = p->conditions.t;

	if (point->row == SIZE_MAX)
		fot_str_puts(out, "where it starts");
	else if (fot_table_has(t, point->row, "n_total"))
		fot_str_printf(out, "%lld of %lld", (long long)fot_table_int(t, point->row, "n_correct", 0),
			       (long long)fot_table_int(t, point->row, "n_total", 0));
	else
		fot_str_printf(out, "%lld items", (long long)fot_table_int(t, point->row, "n_items", 0));
}

static bool add_point(cJSON *list, const struct fot_plot *p, const struct fot_plot_point *point)
{
	bool interval = point->row != SIZE_MAX && fot_table_has(p->conditions.t, point->row, p->figure->low);
	cJSON *values = cJSON_CreateArray();
	struct fot_str note = FOT_STR_INIT;
	bool good;

	put_note(&note, p, point);
	good = fot_json_add(list, values) && add_number(values, (double)point->panel - 1) &&
	       add_number(values, (double)point->series - 1) && add_number(values, at_of(p, point)) &&
	       add_number(values, point->value) && add_number(values, interval ? point->low : (double)NAN) &&
	       add_number(values, interval ? point->high : (double)NAN) && !note.failed &&
	       fot_json_add(values, cJSON_CreateString(note.data));
	if (good && p->figure->y)
		good = add_number(values, (double)point->y_place);
	fot_str_release(&note);
	return good;
}

static bool fill(cJSON *figure, const struct fot_plot *p, const struct fot_page_run *run)
{
	struct fot_str label = FOT_STR_INIT;
	cJSON *points;
	bool good;

	y_label(&label, p);
	points = cJSON_AddArrayToObject(figure, "points");
	good = points && !label.failed && cJSON_AddStringToObject(figure, "title", p->figure->title) &&
	       cJSON_AddStringToObject(figure, "run", run->name) &&
	       cJSON_AddStringToObject(figure, "y", label.data) && add_axis(figure, p) &&
	       add_rows(figure, p) && add_panels(figure, p) && add_series(figure, p);
	for (size_t i = 0; i < p->n_points && good; i++)
		good = add_point(points, p, &p->point[i]);
	fot_str_release(&label);
	return good;
}

/* --- all figures of a run --- */

/* Each figure that has points, until `each` fails. */
static int walk(const struct fot_page_run *run,
		int (*each)(void *to, const struct fot_plot *p, const struct fot_page_run *run,
			    struct fot_err *err),
		void *to, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 0; k < fot_n_measured_tasks; k++) {
		const struct fot_measured_task *task = fot_measured_tasks[k];

		for (size_t i = 0; i < task->n_figures && status == FOT_OK; i++) {
			struct fot_plot p;

			status = fot_plot_init(&p, &run->summary, task, &task->figure[i], err);
			if (status == FOT_OK && p.n_points)
				status = each(to, &p, run, err);
			fot_plot_release(&p);
		}
	}
	return status;
}

struct placing {
	struct fot_str *out;
	size_t *n;
};

static int put_place(void *to, const struct fot_plot *p, const struct fot_page_run *run, struct fot_err *err)
{
	struct placing *x = to;

	(void)run;
	fot_str_printf(x->out, "<figure class=\"chart\" data-figure=\"%zu\"><figcaption>", (*x->n)++);
	fot_quote_xml(x->out, p->figure->title);
	fot_str_puts(x->out, "</figcaption></figure>\n");
	return fot_str_check(x->out, err);
}

int fot_page_put_figures(struct fot_str *out, const struct fot_page_run *run, size_t *n, struct fot_err *err)
{
	struct placing x = { out, n };

	return walk(run, put_place, &x, err);
}

static int put_data(void *to, const struct fot_plot *p, const struct fot_page_run *run, struct fot_err *err)
{
	struct fot_str *out = to, text = FOT_STR_INIT;
	cJSON *figure = cJSON_CreateObject();
	int status;

	if (!figure || !fill(figure, p, run)) {
		status = FOT_NO_MEMORY(err, "page");
		goto out;
	}
	FOT_TRY(fot_json_print(&text, figure, 0, err));
	fot_str_puts(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
	fot_quote_script_json(out, text.data, text.len);
	status = fot_str_check(out, err);
out:
	cJSON_Delete(figure);
	fot_str_release(&text);
	return status;
}

int fot_page_figures_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err)
{
	int status = FOT_OK;

	fot_str_puts(out, "<script type=\"application/json\" id=\"figures\">[");
	for (size_t i = 0; i < page->n_runs && status == FOT_OK; i++)
		status = walk(&page->run[i], put_data, out, err);
	fot_str_puts(out, "\n]</script>\n");
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
