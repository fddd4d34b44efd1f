/* plotdata.c: see plotdata.h. */
#include "harness/report/plotdata_impl.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct lengths {
	int64_t *at; /* ascending */
	size_t n;
};

struct builder {
	const struct fot_table *t;
	enum fot_figure figure;
	struct fot_plot_places places;
	struct lengths lengths;
	int64_t own; /* multi-doc: own tokens of all rows; -1: they differ */
	struct fot_plot_text *out;
};

static void add_length(struct lengths *l, int64_t length)
{
	size_t at = l->n;

	for (size_t i = 0; i < l->n; i++) {
		if (l->at[i] == length)
			return;
	}
	for (; at > 0 && l->at[at - 1] > length; at--)
		l->at[at] = l->at[at - 1];
	l->at[at] = length;
	l->n++;
}

struct point {
	double value, low, high;
};

static double percent(double nats)
{
	return 100.0 * expm1(nats);
}

/* The figure's point of a summary row, if it has one. */
static bool point_of(const struct builder *b, size_t row, struct point *p)
{
	const char *baseline = fot_table_text(b->t, row, "baseline_run_id"), *at = strrchr(baseline, '@');
	int64_t length = 0;

	if (strcmp(fot_table_text(b->t, row, "metric"), "perplexity") != 0 ||
	    fot_table_has(b->t, row, "own_tokens") != (b->figure == FOT_FIGURE_MULTIDOC))
		return false;
	if (b->figure != FOT_FIGURE_CHANGE) {
		p->value = fot_table_real(b->t, row, "value", 0);
		p->low = fot_table_real(b->t, row, "ci_low", p->value);
		p->high = fot_table_real(b->t, row, "ci_high", p->value);
		return !*baseline && fot_table_has(b->t, row, "value");
	}
	if (!at || !fot_parse_i64(at + 1, &length) || length == fot_table_int(b->t, row, "context_length", 0))
		return false;
	p->value = percent(fot_table_real(b->t, row, "delta_nll_nats", 0));
	p->low = percent(fot_table_real(b->t, row, "delta_nll_ci_low_nats", log1p(p->value / 100)));
	p->high = percent(fot_table_real(b->t, row, "delta_nll_ci_high_nats", log1p(p->value / 100)));
	return fot_table_has(b->t, row, "delta_nll_nats") && isfinite(p->value) && isfinite(p->low) && isfinite(p->high);
}

static bool has_no_memory(const struct builder *b, size_t row)
{
	return strcmp(fot_table_text(b->t, row, "memory_mode"), "none") == 0;
}

static void put_point(struct builder *b, size_t row, size_t panel, int64_t length, const struct point *p)
{
	struct fot_str *out = &b->out->data;
	size_t series = fot_plot_series(&b->places, row);

	fot_str_printf(out, "%zu,%zu,%lld,", panel, series, (long long)length);
	fot_str_double(out, p->value);
	fot_str_putc(out, ',');
	fot_str_double(out, p->low);
	fot_str_putc(out, ',');
	fot_str_double(out, p->high);
	fot_plot_put_names(out, b->places.panel[panel - 1], b->places.c->name[b->places.series[series - 1]]);
	b->out->n_points++;
}

/* The change figure starts at zero: once per series and dataset. */
static void put_origin(struct builder *b, size_t row, size_t panel)
{
	const char *at = strrchr(fot_table_text(b->t, row, "baseline_run_id"), '@');
	struct point zero = { 0, 0, 0 };
	int64_t length;

	if (b->figure != FOT_FIGURE_CHANGE || !at || !fot_parse_i64(at + 1, &length))
		return;
	for (size_t r = 0; r < row; r++) {
		struct point p;

		if (point_of(b, r, &p) && !has_no_memory(b, r) &&
		    fot_plot_series(&b->places, r) == fot_plot_series(&b->places, row) &&
		    strcmp(fot_table_text(b->t, r, "dataset"), fot_table_text(b->t, row, "dataset")) == 0)
			return;
	}
	add_length(&b->lengths, length);
	put_point(b, row, panel, length, &zero);
}

/* The own share, as long as all rows have the same. */
static void add_own(struct builder *b, int64_t own)
{
	b->own = b->own == 0 || b->own == own ? own : -1;
}

static int collect(struct builder *b, struct fot_err *err)
{
	fot_str_puts(&b->out->data, "panel,series,context_length,value,low,high,panel_name,series_name\n");
	for (size_t row = 0; row < b->t->n_rows; row++) {
		struct point p;
		size_t panel;

		if (!point_of(b, row, &p))
			continue;
		if (b->figure == FOT_FIGURE_CHANGE && has_no_memory(b, row))
			continue; /* without memory nothing changes */
		panel = fot_plot_panel(&b->places, fot_table_text(b->t, row, "dataset"));
		if (panel == 0)
			return FOT_FAIL(err, FOT_ERR_RUN, "plot: out of memory");
		add_own(b, fot_table_int(b->t, row, "own_tokens", 0));
		put_origin(b, row, panel);
		add_length(&b->lengths, fot_table_int(b->t, row, "context_length", 0));
		put_point(b, row, panel, fot_table_int(b->t, row, "context_length", 0), &p);
	}
	return FOT_OK;
}

static void put_names(struct builder *b)
{
	static const char *const titles[] = {
		"Perplexity against context length (95 % intervals over documents)",
		"Change of perplexity against the shortest context (paired 95 % intervals)",
		"Perplexity among other documents (95 % intervals over documents)",
	};
	struct fot_str *out = &b->out->names;
	const struct lengths *l = &b->lengths;

	fot_str_puts(out, "# Written by fotbench plot.\n");
	fot_plot_put_places(b->out, &b->places);
	fot_str_printf(out, "title = \"%s\"\n", titles[b->figure]);
	if (b->figure == FOT_FIGURE_MULTIDOC)
		fot_str_printf(out, "own = %lld\n", (long long)b->own);
	fot_str_printf(out, "x_low = %lld.0\nx_high = %lld.0\n", l->n ? (long long)l->at[0] : 1LL,
		       l->n ? (long long)l->at[l->n - 1] : 1LL);
	fot_str_printf(out, "n_lengths = %zu\n", l->n);
	fot_str_puts(out, "x_tics = '(");
	for (size_t i = 0; i < l->n; i++) {
		if (l->at[i] % 1024 == 0)
			fot_str_printf(out, "%s\"%lldk\" %lld", i ? ", " : "", (long long)(l->at[i] / 1024),
				       (long long)l->at[i]);
		else
			fot_str_printf(out, "%s\"%lld\" %lld", i ? ", " : "", (long long)l->at[i],
				       (long long)l->at[i]);
	}
	fot_str_puts(out, ")'\n");
}

static int plot_perplexity(struct fot_plot_text *out, const struct fot_plot_conditions *c, enum fot_figure figure,
			   struct fot_err *err)
{
	struct builder b = { .t = c->t, .figure = figure, .out = out };
	int status;

	FOT_TRY(fot_plot_places_init(&b.places, c, err));
	b.lengths.at = fot_calloc(2 * c->t->n_rows, sizeof(int64_t));
	if (!b.lengths.at) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "plot: out of memory");
		goto out;
	}
	FOT_TRY(collect(&b, err));
	put_names(&b);
out:
	fot_plot_places_release(&b.places);
	fot_free(b.lengths.at);
	return status;
}

int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err)
{
	struct fot_plot_conditions c = { 0 };
	int status;

	*out = (struct fot_plot_text){ 0 };
	FOT_TRY(fot_plot_conditions_init(&c, summary, err));
	if (figure > FOT_FIGURE_MULTIDOC)
		FOT_TRY(fot_plot_measures(out, &c, figure, err));
	else
		FOT_TRY(plot_perplexity(out, &c, figure, err));
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
