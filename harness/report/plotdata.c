/* plotdata.c: see plotdata.h.
 *
 * One walk for all figures: the rows of the figure's metrics that are estimates, or for CHANGE compared
 * with the shortest context; each has a panel, a series and a place on the x axis.  The names file lists
 * panels, series and x values. */
#include "harness/report/plotdata_impl.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"

#define INTERVAL "ci_low", "ci_high"

struct kind {
	const char *task, *metric[2], *x, *title;
	const char *value, *low, *high; /* columns of the point and its bars */
	const char *comparison;         /* of the rows */
	double factor;                  /* 0: per cent of the exponential */
	const char *header;             /* of the data */
	bool levels;                    /* names hold chance and majority */
};

#define HEADER(x) "panel," x ",panel_name,series_name\n"
#define AGAINST_LENGTH HEADER("series,context_length,value,low,high")

static const struct kind kinds[] = {
	[FOT_FIGURE_PERPLEXITY] = { "perplexity",
				    { "perplexity" },
				    "context_length",
				    "Perplexity against context length (95 % intervals over documents)",
				    "value",
				    INTERVAL,
				    "",
				    1,
				    AGAINST_LENGTH,
				    false },
	[FOT_FIGURE_CHANGE] = { "perplexity",
				{ "perplexity" },
				"context_length",
				"Change of perplexity against the shortest context (paired 95 % intervals)",
				"delta_nll_nats",
				"delta_nll_ci_low_nats",
				"delta_nll_ci_high_nats",
				FOT_COMPARED_SHORTEST,
				0,
				AGAINST_LENGTH,
				false },
	[FOT_FIGURE_MULTIDOC] = { "perplexity",
				  { "perplexity" },
				  "context_length",
				  "Perplexity among other documents (95 % intervals over documents)",
				  "value",
				  INTERVAL,
				  "",
				  1,
				  AGAINST_LENGTH,
				  false },
	[FOT_FIGURE_PASSKEY] = { "passkey",
				 { "accuracy" },
				 "context_length",
				 "Pass-key accuracy (%) by context length and place of the key",
				 "value",
				 INTERVAL,
				 "",
				 100,
				 HEADER("context_length,place,depth,depth_place,value,n_total"),
				 true },
	[FOT_FIGURE_LOOKUP] = { "lookup",
				{ "token_accuracy", "value_accuracy" },
				"context_length",
				"Dictionary look-up (bars: lowest and highest trial)",
				"value",
				"value_min",
				"value_max",
				"",
				100,
				AGAINST_LENGTH,
				true },
	[FOT_FIGURE_FEWSHOT] = { "fewshot",
				 { "accuracy" },
				 "n_shots",
				 "Few-shot accuracy (95 % intervals over items and demonstration seeds)",
				 "value",
				 INTERVAL,
				 "",
				 100,
				 HEADER("series,n_shots,place,value,low,high"),
				 true },
	[FOT_FIGURE_DISTRACTORS] = { "fewshot",
				     { "accuracy" },
				     "distractors",
				     "Few-shot accuracy among demonstrations of other sets (95 % intervals over items and seeds)",
				     "value",
				     INTERVAL,
				     "",
				     100,
				     HEADER("series,distractors,place,value,low,high"),
				     true },
	[FOT_FIGURE_DISTRACTION] = { "distraction",
				     { "positive_mass" },
				     "n_contexts",
				     "Attention on the own document among d (95 % intervals over documents)",
				     "value",
				     INTERVAL,
				     "",
				     1,
				     HEADER("series,n_contexts,value,low,high"),
				     true },
};

/* Fractions times the factor of the kind; below 0: none. */
struct levels {
	double chance, majority;
};

static const struct levels no_levels = { -1, -1 };

struct builder {
	const struct fot_table *t;
	const struct kind *k;
	enum fot_figure figure;
	struct fot_plot_places places;
	struct levels *level; /* [n_panels] */
	int64_t *x;           /* ascending */
	size_t n_x;
	double *depth; /* ascending */
	size_t n_depths;
	int64_t own; /* own tokens of all rows; -1: they differ */
	struct fot_plot_text *out;
	struct fot_err *err;
};

static int no_memory(const struct builder *b)
{
	return FOT_FAIL(b->err, FOT_ERR_RUN, "plot: out of memory");
}

static const char *series_name(const struct builder *b, size_t series)
{
	return b->places.c->name[b->places.series[series - 1]];
}

static void add_x(struct builder *b, int64_t x)
{
	size_t at = b->n_x;

	for (size_t i = 0; i < b->n_x; i++) {
		if (b->x[i] == x)
			return;
	}
	for (; at > 0 && b->x[at - 1] > x; at--)
		b->x[at] = b->x[at - 1];
	b->x[at] = x;
	b->n_x++;
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

	return strcmp(fot_table_text(b->t, row, "task"), b->k->task) == 0 &&
	       strcmp(fot_table_text(b->t, row, "comparison"), comparison) == 0 &&
	       fot_table_has(b->t, row, "depth") == (b->figure == FOT_FIGURE_PASSKEY) &&
	       fot_table_has(b->t, row, "own_tokens") == (b->figure == FOT_FIGURE_MULTIDOC) &&
	       (strcmp(metric, b->k->metric[0]) == 0 ||
		(b->k->metric[1] && strcmp(metric, b->k->metric[1]) == 0));
}

/* Are there rows with distractors that this one can be seen beside? */
static bool has_distracted(const struct builder *b, size_t row)
{
	static const char *const place[] = { "dataset", "context_length", "calibration", "shots_asked", NULL };

	for (size_t r = 0; r < b->t->n_rows; r++) {
		if (fot_table_has(b->t, r, "distractors") && fot_table_same_all(b->t, r, b->t, row, place))
			return fot_label_place(b->t, row, "n_shots") > 0;
	}
	return false;
}

/* Without weights and the same for all numbers of demonstrations: the figure has lines for them. */
static bool is_level(const struct builder *b, size_t row)
{
	const char *variant = fot_table_text(b->t, row, "model_variant");

	return strcmp(variant, "chance") == 0 || strcmp(variant, "commonest") == 0;
}

static bool of_figure(const struct builder *b, size_t row)
{
	if (b->figure == FOT_FIGURE_FEWSHOT)
		return !is_level(b, row) && !fot_table_has(b->t, row, "distractors");
	return b->figure != FOT_FIGURE_DISTRACTORS || (!is_level(b, row) && has_distracted(b, row));
}

static bool wanted(const struct builder *b, size_t row)
{
	struct point p;

	return is_of(b, row, b->k->comparison) && fot_table_has(b->t, row, b->k->value) &&
	       !fot_table_has(b->t, row, "head") && of_figure(b, row) && point_of(b, row, &p);
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

static void panel_text(struct fot_str *out, struct builder *b, size_t row)
{
	if (b->figure == FOT_FIGURE_PASSKEY) {
		fot_str_puts(out, series_name(b, fot_plot_series(&b->places, row)));
		if (several(b, "dataset"))
			fot_str_printf(out, ": %s", fot_table_text(b->t, row, "dataset"));
		if (several(b, "prompt_style"))
			fot_str_printf(out, ": filler %s", fot_table_text(b->t, row, "prompt_style"));
		return;
	}
	if (b->figure == FOT_FIGURE_LOOKUP)
		fot_str_puts(out, strcmp(fot_table_text(b->t, row, "metric"), "token_accuracy") == 0 ?
					  "value tokens" :
					  "whole values");
	if (b->figure != FOT_FIGURE_LOOKUP || several(b, "dataset"))
		fot_str_printf(out, "%s%s", out->len ? ": " : "", fot_table_text(b->t, row, "dataset"));
	if (fot_table_has(b->t, row, "layer"))
		fot_str_printf(out, ": layer %lld", (long long)fot_table_int(b->t, row, "layer", 0));
	if (b->figure == FOT_FIGURE_DISTRACTORS) {
		fot_str_puts(out, ": ");
		fot_label_shots(out, fot_label_place(b->t, row, "n_shots"));
	}
	if (strcmp(b->k->task, "fewshot") == 0 && several(b, "context_length")) {
		fot_str_puts(out, ": context ");
		fot_label_length(out, fot_table_int(b->t, row, "context_length", 0));
	}
	if (several(b, "calibration"))
		fot_str_printf(out, ": %s", fot_table_text(b->t, row, "calibration"));
}

static double level_of(const struct builder *b, size_t row, const char *column)
{
	return fot_table_has(b->t, row, column) ? b->k->factor * fot_table_real(b->t, row, column, -1) : -1;
}

/* They are the same for all rows of a panel, but for distraction, where chance is 1/d. */
static struct levels levels_of(const struct builder *b, size_t row)
{
	if (b->figure == FOT_FIGURE_DISTRACTION ||
	    strcmp(fot_table_text(b->t, row, "metric"), "value_accuracy") == 0)
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
		int64_t own = fot_table_int(b->t, row, "own_tokens", 0);

		if (!wanted(b, row))
			continue;
		add_x(b, fot_label_place(b->t, row, b->k->x));
		if (b->figure == FOT_FIGURE_CHANGE)
			add_x(b, shortest(b, row));
		add_depth(b, fot_table_real(b->t, row, "depth", 0));
		b->own = b->own == 0 || b->own == own ? own : -1;
	}
}

/* Are values of x at even distances? */
static bool is_by_place(const struct builder *b)
{
	return b->figure == FOT_FIGURE_PASSKEY || b->figure == FOT_FIGURE_FEWSHOT || b->figure == FOT_FIGURE_DISTRACTORS;
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
	int64_t x = fot_table_int(b->t, row, b->k->x, 0), place = fot_label_place(b->t, row, b->k->x);
	double depth = fot_table_real(b->t, row, "depth", 0);
	size_t series = fot_plot_series(&b->places, row);
	struct point p;

	point_of(b, row, &p);
	fot_str_printf(out, "%zu,", panel);
	if (b->figure == FOT_FIGURE_PASSKEY) {
		fot_str_printf(out, "%lld,%zu,", (long long)x, place_of(b, place));
		fot_str_double(out, depth);
		fot_str_printf(out, ",%zu,", depth_place(b, depth));
		fot_str_double(out, p.value);
		fot_str_printf(out, ",%lld", (long long)fot_table_int(b->t, row, "n_total", 0));
	} else {
		fot_str_printf(out, "%zu,%lld,", series, (long long)x);
		if (is_by_place(b))
			fot_str_printf(out, "%zu,", place_of(b, place));
		put_bars(b, &p);
	}
	put_names_of(b, panel, series);
}

static int put_rows(struct builder *b)
{
	fot_str_puts(&b->out->data, b->k->header);
	for (size_t row = 0; row < b->t->n_rows; row++) {
		size_t panel;

		if (!wanted(b, row))
			continue;
		panel = panel_of(b, row);
		if (panel == 0)
			return no_memory(b);
		if (b->figure == FOT_FIGURE_CHANGE && starts_series(b, row))
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
	bool by_place = is_by_place(b);
	bool lengths = strcmp(b->k->x, "context_length") == 0;

	fot_str_puts(out, "x_tics = '(");
	for (size_t i = 0; i < b->n_x; i++) {
		fot_str_puts(out, i ? ", \"" : "\"");
		if (lengths)
			fot_label_length(out, b->x[i]);
		else if (b->x[i] == FOT_PLACE_FILL)
			fot_str_puts(out, "fill");
		else
			fot_str_printf(out, "%lld", (long long)b->x[i]);
		fot_str_printf(out, "\" %lld", by_place ? (long long)i + 1 : (long long)b->x[i]);
	}
	fot_str_puts(out, ")'\n");
	if (b->figure != FOT_FIGURE_PASSKEY)
		return;
	fot_str_printf(out, "n_depths = %zu\ny_tics = '(", b->n_depths);
	for (size_t i = 0; i < b->n_depths; i++)
		fot_str_printf(out, "%s\"%.3g\" %zu", i ? ", " : "", b->depth[i], i + 1);
	fot_str_puts(out, ")'\n");
}

static void put_names(const struct builder *b)
{
	struct fot_str *out = &b->out->names;
	bool by_place = is_by_place(b);

	fot_str_puts(out, "# Written by fotbench plot.\n");
	fot_plot_put_places(b->out, &b->places);
	if (b->k->levels)
		put_levels(b);
	fot_str_printf(out, "title = \"%s\"\n", b->k->title);
	if (b->figure == FOT_FIGURE_MULTIDOC)
		fot_str_printf(out, "own = %lld\n", (long long)b->own);
	fot_str_printf(out, "x_low = %lld.0\nx_high = %lld.0\n",
		       by_place || !b->n_x ? 1LL : (long long)b->x[0],
		       by_place ? (long long)b->n_x :
		       b->n_x   ? (long long)b->x[b->n_x - 1] :
				  1LL);
	fot_str_printf(out, "n_lengths = %zu\n", b->n_x);
	put_tics(b);
}

static int plot(struct fot_plot_text *out, const struct fot_plot_conditions *c, enum fot_figure figure,
		struct fot_err *err)
{
	struct builder b = { .t = c->t, .k = &kinds[figure], .figure = figure, .out = out, .err = err };
	size_t n = c->t->n_rows;
	int status;

	FOT_TRY(fot_plot_places_init(&b.places, c, err));
	b.x = fot_alloc(n, sizeof *b.x);
	b.depth = fot_alloc(n, sizeof *b.depth);
	b.level = fot_alloc(n, sizeof *b.level);
	if (!b.x || !b.depth || !b.level) {
		status = no_memory(&b);
		goto out;
	}
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

int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err)
{
	struct fot_plot_conditions c = { 0 };
	int status;

	*out = (struct fot_plot_text){ 0 };
	FOT_TRY(fot_plot_conditions_init(&c, summary, err));
	FOT_TRY(plot(out, &c, figure, err));
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
