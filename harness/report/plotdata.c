/* plotdata.c: see plotdata.h. */
#include "harness/report/plotdata_impl.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct names {
	char **at;
	size_t n;
};

struct lengths {
	int64_t *at; /* ascending */
	size_t n;
};

struct builder {
	const struct fot_table *t;
	enum fot_figure figure;
	struct names datasets, series;
	struct names all; /* series of all figures: a series looks the same in each */
	struct lengths lengths;
	int64_t own; /* multi-doc: own tokens of all rows; -1: they differ */
	struct fot_plot_text *out;
};

static bool add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->at[i], name) == 0)
			return true;
	}
	names->at[names->n] = fot_strdup(name);
	return names->at[names->n] && ++names->n;
}

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

void fot_plot_series(struct fot_str *out, const struct fot_table *t, size_t row)
{
	const char *mode = fot_table_text(t, row, "memory_mode");

	fot_str_puts(out, fot_table_text(t, row, "model_variant"));
	if (strcmp(mode, "none") == 0)
		fot_str_puts(out, " (no memory)");
	else if (strcmp(mode, "xl") == 0)
		fot_str_puts(out, " (cached window)");
	else if (strcmp(mode, "knn") == 0)
		fot_str_printf(out, " (top-%lld memory)", (long long)fot_table_int(t, row, "top_k", 0));
	else
		fot_str_printf(out, " (%s memory)", mode);
}

/* A gnuplot string: double quotes, nothing that could end it or be markup, and
 * no comma, at which gnuplot ends even a quoted cell. */
void fot_plot_quote(struct fot_str *out, const char *text)
{
	fot_str_putc(out, '"');
	for (; *text; text++) {
		if (strchr("\"\\,", *text) || (unsigned char)*text < 0x20)
			fot_str_putc(out, ' ');
		else if (strchr("{}^_@&~", *text))
			fot_str_printf(out, "\\\\%c", *text);
		else
			fot_str_putc(out, *text);
	}
	fot_str_putc(out, '"');
}

/* A CSV cell that gnuplot reads back as fot_plot_quote writes it. */
void fot_plot_cell(struct fot_str *out, const char *text)
{
	struct fot_str quoted = FOT_STR_INIT;

	fot_plot_quote(&quoted, text);
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.data[i] == '\\' && quoted.data[i + 1] == '\\')
			continue;
		fot_str_putc(out, quoted.data[i]);
	}
	fot_str_release(&quoted);
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

static void put_point(struct builder *b, size_t row, const char *series, int64_t length,
		      const struct point *p)
{
	struct fot_str *out = &b->out->data;

	fot_plot_cell(out, fot_table_text(b->t, row, "dataset"));
	fot_str_putc(out, ',');
	fot_plot_cell(out, series);
	fot_str_printf(out, ",%lld,", (long long)length);
	fot_str_double(out, p->value);
	fot_str_putc(out, ',');
	fot_str_double(out, p->low);
	fot_str_putc(out, ',');
	fot_str_double(out, p->high);
	fot_str_putc(out, '\n');
	b->out->n_points++;
}

/* The change figure starts at zero: once per series and dataset. */
static void put_origin(struct builder *b, size_t row, const char *series)
{
	const char *at = strrchr(fot_table_text(b->t, row, "baseline_run_id"), '@');
	struct point zero = { 0, 0, 0 };
	int64_t length;

	if (b->figure != FOT_FIGURE_CHANGE || !at || !fot_parse_i64(at + 1, &length))
		return;
	for (size_t r = 0; r < row; r++) {
		struct fot_str other = FOT_STR_INIT;
		struct point p;
		bool same;

		fot_plot_series(&other, b->t, r);
		same = !other.failed && strcmp(other.data, series) == 0 && point_of(b, r, &p) &&
		       strcmp(fot_table_text(b->t, r, "dataset"), fot_table_text(b->t, row, "dataset")) == 0;
		fot_str_release(&other);
		if (same)
			return;
	}
	add_length(&b->lengths, length);
	put_point(b, row, series, length, &zero);
}

/* The own share, as long as all rows have the same. */
static void add_own(struct builder *b, int64_t own)
{
	b->own = b->own == 0 || b->own == own ? own : -1;
}

static int collect(struct builder *b, struct fot_err *err)
{
	struct fot_str series = FOT_STR_INIT;
	int status = FOT_OK;

	fot_str_puts(&b->out->data, "dataset,series,context_length,value,low,high\n");
	for (size_t row = 0; row < b->t->n_rows && status == FOT_OK; row++) {
		struct point p;

		fot_str_clear(&series);
		fot_plot_series(&series, b->t, row);
		if (series.failed || !add_name(&b->all, series.data)) {
			status = FOT_FAIL(err, FOT_ERR_RUN, "plot: out of memory");
			break;
		}
		if (!point_of(b, row, &p))
			continue;
		if (b->figure == FOT_FIGURE_CHANGE && has_no_memory(b, row))
			continue; /* without memory nothing changes */
		if (!add_name(&b->datasets, fot_table_text(b->t, row, "dataset")) ||
		    !add_name(&b->series, series.data)) {
			status = FOT_FAIL(err, FOT_ERR_RUN, "plot: out of memory");
			break;
		}
		add_own(b, fot_table_int(b->t, row, "own_tokens", 0));
		put_origin(b, row, series.data);
		add_length(&b->lengths, fot_table_int(b->t, row, "context_length", 0));
		put_point(b, row, series.data, fot_table_int(b->t, row, "context_length", 0), &p);
	}
	fot_str_release(&series);
	return status;
}

static void put_array(struct fot_str *out, const char *name, const struct names *names)
{
	fot_str_printf(out, "n_%s = %zu\narray %s[%zu] = [", name, names->n,
		       strcmp(name, "datasets") ? "series" : "dataset", names->n);
	for (size_t i = 0; i < names->n; i++) {
		fot_str_puts(out, i ? ", " : "");
		fot_plot_quote(out, names->at[i]);
	}
	fot_str_puts(out, "]\n");
}

/* Line style of each series: its place among the series of all figures. */
static void put_looks(struct fot_str *out, const struct names *series, const struct names *all)
{
	fot_str_printf(out, "array look[%zu] = [", series->n);
	for (size_t i = 0; i < series->n; i++) {
		size_t k = 0;

		while (k < all->n && strcmp(all->at[k], series->at[i]) != 0)
			k++;
		fot_str_printf(out, "%s%zu", i ? ", " : "", k % 8 + 1);
	}
	fot_str_puts(out, "]\n");
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
	put_array(out, "datasets", &b->datasets);
	put_array(out, "series", &b->series);
	put_looks(out, &b->series, &b->all);
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

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		fot_free(names->at[i]);
	fot_free(names->at);
}

int fot_plot_text(struct fot_plot_text *out, const struct fot_table *summary, enum fot_figure figure,
		  struct fot_err *err)
{
	struct builder b = { .t = summary, .figure = figure, .out = out };
	int status;

	*out = (struct fot_plot_text){ 0 };
	if (figure > FOT_FIGURE_MULTIDOC)
		return fot_plot_measures(out, summary, figure, err);
	b.datasets.at = fot_calloc(summary->n_rows, sizeof(char *));
	b.series.at = fot_calloc(summary->n_rows, sizeof(char *));
	b.all.at = fot_calloc(summary->n_rows, sizeof(char *));
	b.lengths.at = fot_calloc(2 * summary->n_rows, sizeof(int64_t));
	if (!b.datasets.at || !b.series.at || !b.all.at || !b.lengths.at) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "plot: out of memory");
		goto out;
	}
	FOT_TRY(collect(&b, err));
	put_names(&b);
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	names_release(&b.datasets);
	names_release(&b.series);
	names_release(&b.all);
	fot_free(b.lengths.at);
	return status;
}

void fot_plot_text_release(struct fot_plot_text *t)
{
	fot_str_release(&t->data);
	fot_str_release(&t->names);
}
