/* grid_compact.c: all datasets of a view in one LaTeX table, values alone; see grid.h.
 *
 * Columns stand in groups, one per dataset, under its name.  What is wider than a page is cut
 * into panels below each other, between datasets where that is possible. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/report/grid.h"
#include "harness/tables/labels.h"

/* \footnotesize in an article of ten points, estimated. */
#define PAGE_WIDTH 343.0
#define CHARACTER 4.2
#define COLUMN_GAP 6.0 /* twice \tabcolsep */

struct compact {
	struct fot_str *out;
	const struct fot_grid *g;
	const char *lead[FOT_GRID_LEADS];
	size_t n_lead;
	double lead_width, *width; /* [n_columns] */
};

static const char *dataset_of(const struct compact *c, size_t column)
{
	return c->g->column[column].dataset;
}

static int digits_of(const struct fot_grid *g, const struct fot_measure *m, double value)
{
	if (g->digits > 0)
		return fot_grid_decimals(m, value, g->digits);
	return fot_measure_is_percent(m) ? 1 : m->kind == FOT_MEASURE_EXP ? 2 : 3;
}

/* Is the value of a row told from the next one of its column? */
static bool is_told(const struct fot_table *t, size_t row)
{
	return fot_table_has(t, row, "next_ci_low") &&
	       (fot_table_real(t, row, "next_ci_low", 0) > 0 || fot_table_real(t, row, "next_ci_high", 0) < 0);
}

static void put_cell(struct fot_str *out, const struct fot_grid *g, size_t line, size_t column)
{
	size_t row = g->row[line * g->n_columns + column];
	int64_t rank = row == SIZE_MAX ? 0 : fot_table_int(g->t, row, "rank", 0);
	const struct fot_measure *m;
	bool marked = row != SIZE_MAX && rank >= 1 && rank <= 2 && is_told(g->t, row);

	if (row == SIZE_MAX || !fot_table_has(g->t, row, "value")) {
		fot_str_puts(out, "--");
		return;
	}
	if (marked)
		fot_str_puts(out, rank == 1 ? "\\textbf{" : "\\underline{");
	m = fot_measure_of(g->t, row);
	fot_str_printf(out, "%.*f", digits_of(g, m, fot_table_real(g->t, row, "value", 0)),
		       (fot_measure_is_percent(m) ? 100.0 : 1.0) * fot_table_real(g->t, row, "value", 0));
	fot_str_puts(out, marked ? "}" : "");
}

static double wider(double width, const struct fot_str *s)
{
	return fmax(width, (double)fot_grid_latex_width(s) * CHARACTER);
}

static double measure_lead(const struct compact *c, const char *column)
{
	struct fot_str s = FOT_STR_INIT;
	double width = 0;

	for (size_t line = 0; line < c->g->n_lines; line++) {
		fot_str_clear(&s);
		fot_grid_lead(&s, c->g, line, column, FOT_GRID_LATEX);
		width = wider(width, &s);
	}
	fot_str_clear(&s);
	fot_str_puts(&s, fot_grid_lead_heading(column));
	width = wider(width, &s);
	fot_str_release(&s);
	return width + COLUMN_GAP;
}

static double measure_column(const struct compact *c, size_t column)
{
	struct fot_str s = FOT_STR_INIT;
	double width;

	fot_grid_place(&s, c->g, column);
	width = wider(0, &s);
	for (size_t line = 0; line < c->g->n_lines; line++) {
		fot_str_clear(&s);
		put_cell(&s, c->g, line, column);
		width = wider(width, &s);
	}
	fot_str_release(&s);
	return width + COLUMN_GAP;
}

/* Behind the last column of a dataset, or the last there is. */
static size_t dataset_end(const struct compact *c, size_t from)
{
	size_t to = from;

	while (to < c->g->n_columns && strcmp(dataset_of(c, to), dataset_of(c, from)) == 0)
		to++;
	return to;
}

/* Behind the last column of the panel that begins here: whole datasets, else as many columns as fit. */
static size_t panel_end(const struct compact *c, size_t from)
{
	double width = c->lead_width;
	size_t to = from, whole = from;

	while (to < c->g->n_columns && (to == from || width + c->width[to] <= PAGE_WIDTH)) {
		width += c->width[to++];
		if (to == dataset_end(c, to - 1))
			whole = to;
	}
	return whole > from ? whole : to;
}

static void head(const struct compact *c, size_t from, size_t to)
{
	for (size_t i = 1; i < c->n_lead; i++)
		fot_str_puts(c->out, " & ");
	for (size_t i = from, end; i < to; i = end) {
		end = dataset_end(c, i) < to ? dataset_end(c, i) : to;
		fot_str_printf(c->out, " & \\multicolumn{%zu}{c}{", end - i);
		fot_quote_latex(c->out, dataset_of(c, i));
		fot_str_putc(c->out, '}');
	}
	fot_str_puts(c->out, " \\\\\n");
	for (size_t i = from, end; i < to; i = end) {
		end = dataset_end(c, i) < to ? dataset_end(c, i) : to;
		fot_str_printf(c->out, "\\cmidrule(lr){%zu-%zu}", c->n_lead + 1 + i - from, c->n_lead + end - from);
	}
	fot_str_putc(c->out, '\n');
	for (size_t i = 0; i < c->n_lead; i++)
		fot_str_printf(c->out, "%s%s", i ? " & " : "", fot_grid_lead_heading(c->lead[i]));
	for (size_t i = from; i < to; i++) {
		fot_str_puts(c->out, " & ");
		fot_grid_place(c->out, c->g, i);
	}
	fot_str_puts(c->out, " \\\\\n");
}

static void panel(const struct compact *c, size_t from, size_t to)
{
	fot_str_puts(c->out, "\\begin{tabular}{@{}");
	for (size_t i = 0; i < c->n_lead + to - from; i++)
		fot_str_putc(c->out, i < c->n_lead ? 'l' : 'r');
	fot_str_puts(c->out, "@{}}\n\\toprule\n");
	head(c, from, to);
	fot_str_puts(c->out, "\\midrule\n");
	for (size_t line = 0; line < c->g->n_lines; line++) {
		for (size_t i = 0; i < c->n_lead; i++) {
			fot_str_puts(c->out, i ? " & " : "");
			fot_grid_lead(c->out, c->g, line, c->lead[i], FOT_GRID_LATEX);
		}
		for (size_t i = from; i < to; i++) {
			fot_str_puts(c->out, " & ");
			put_cell(c->out, c->g, line, i);
		}
		fot_str_puts(c->out, " \\\\\n");
	}
	fot_str_puts(c->out, "\\bottomrule\n\\end{tabular}\n");
}

int fot_grid_print_compact(struct fot_str *out, const struct fot_grid *g, struct fot_err *err)
{
	struct compact c = { .out = out, .g = g };

	c.n_lead = fot_grid_leads(g, c.lead);
	c.width = fot_alloc(g->n_columns, sizeof *c.width);
	if (!c.width)
		return FOT_FAIL(err, FOT_ERR_RUN, "tables: out of memory");
	for (size_t i = 0; i < c.n_lead; i++)
		c.lead_width += measure_lead(&c, c.lead[i]);
	for (size_t i = 0; i < g->n_columns; i++)
		c.width[i] = measure_column(&c, i);
	fot_str_puts(out, "\\footnotesize\\setlength{\\tabcolsep}{3pt}\n");
	for (size_t from = 0, to; from < g->n_columns; from = to) {
		to = panel_end(&c, from);
		fot_str_puts(out, from ? "\n\\medskip\n" : "");
		panel(&c, from, to);
	}
	fot_free(c.width);
	return fot_str_check(out, err);
}
