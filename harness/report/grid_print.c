/* grid_print.c: how the tables of grid.h look as Markdown, LaTeX (booktabs), plain text and HTML. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/report/grid.h"
#include "harness/report/plotdata.h"
#include "harness/tables/labels.h"

/* A LaTeX tabular is at most as wide as the text of an article: estimated, in points. */
#define PAGE_WIDTH 343.0

/* Of a character of values and of what explains them, and twice \tabcolsep: \small and \scriptsize; compact
 * tables are in \footnotesize. */
static const struct sizes {
	double value, rest, gap;
} full = { 4.4, 3.5, 8.0 }, compact = { 4.2, 0, 6.0 };

/* --- one cell --- */

enum form { PLAIN, PERCENT, FRACTION, TREND, RANK };

static enum form form_of(const struct fot_measure *m)
{
	if (fot_measure_is_percent(m))
		return PERCENT;
	return m->kind == FOT_MEASURE_TREND ? TREND :
	       m->kind == FOT_MEASURE_RANK  ? RANK :
	       fot_measure_is_rate(m)	    ? PLAIN :
					      FRACTION;
}

/* Decimals of a value: those of its form, or so that it has `digits` that count. */
static int decimals(double x, enum form form, int digits)
{
	int n;

	if (digits == 0)
		return form == PERCENT ? 1 : form == FRACTION ? 3 : form == RANK ? 2 : 4;
	if (form == PERCENT || form == FRACTION || form == RANK) /* at most 100 % or 1: as many in every line */
		n = digits - (form == PERCENT ? 2 : form == RANK ? 1 : 0);
	else
		n = digits - 1 - (x != 0 ? (int)floor(log10(fabs(x))) : 0);
	return n > 0 ? n : 0;
}

/* A value with the digits of its form. */
static void number(struct fot_str *out, double x, enum form form, int significant, bool sign, enum fot_format format)
{
	fot_put_number(out, x * (form == PERCENT ? 100.0 : 1.0), decimals(x, form, significant), sign, format);
}

static void interval(struct fot_str *out, const struct fot_table *t, size_t row, const char *lo, const char *hi,
		     enum form form, int digits, bool sign, enum fot_format format)
{
	if (!fot_table_has(t, row, lo))
		return;
	fot_str_putc(out, '[');
	number(out, fot_table_real(t, row, lo, 0), form, digits, sign, format);
	fot_str_puts(out, ", ");
	number(out, fot_table_real(t, row, hi, 0), form, digits, sign, format);
	fot_str_putc(out, ']');
}

static void put_p(struct fot_str *out, const struct fot_table *t, size_t row)
{
	double p = fot_table_real(t, row, "p_adjusted", 0);

	if (fot_table_has(t, row, "p_adjusted"))
		fot_str_printf(out, "%sp %.2g", out->len ? " " : "", p);
}

/* "(sd 2.1, top 87, 36 fit)": between demonstration seeds; share of the commonest answer; demonstrations that are in the
 * prompt ("36 fit") or in what the memory reads ("1 seen", "at most 8 seen"), where those are fewer than asked for. */
static void put_answers(struct fot_str *out, const struct fot_table *t, size_t row)
{
	static const struct {
		const char *column, *word;
		int decimals;
	} part[] = { { "sd_between", "sd", 1 }, { "top_answer_share", "top", 0 } };
	const char *before = out->len ? " (" : "(";
	bool any = false;

	for (size_t i = 0; i < FOT_COUNT(part); i++) {
		if (!fot_table_has(t, row, part[i].column))
			continue;
		fot_str_printf(out, "%s%s %.*f", any ? ", " : before, part[i].word, part[i].decimals,
			       100 * fot_table_real(t, row, part[i].column, 0));
		any = true;
	}
	if (fot_table_has(t, row, "n_shots_fitted")) {
		const char *how = fot_table_text(t, row, "shots_seen");

		fot_str_printf(out, "%s%s%lld %s", any ? ", " : before,
			       strcmp(how, FOT_SEEN_AT_MOST) == 0 ? FOT_SEEN_AT_MOST " " : "",
			       (long long)fot_table_int(t, row, "n_shots_fitted", 0), *how ? "seen" : "fit");
		any = true;
	}
	fot_str_puts(out, any ? ")" : "");
}

/* Of items right/all, of clusters the range, of demonstration seeds their sd and what was answered. */
static void put_spread(struct fot_str *out, const struct fot_measure *m, const struct fot_table *t, size_t row)
{
	const char *space = out->len ? " " : "";

	if (m->kind == FOT_MEASURE_ITEMS && fot_table_has(t, row, "n_total"))
		fot_str_printf(out, "%s(%lld/%lld)", space, (long long)fot_table_int(t, row, "n_correct", 0),
			       (long long)fot_table_int(t, row, "n_total", 0));
	else if (m->kind == FOT_MEASURE_CLUSTERS && !m->mean && fot_table_has(t, row, "value_min"))
		fot_str_printf(out, "%s(%.1f to %.1f)", space, 100 * fot_table_real(t, row, "value_min", 0),
			       100 * fot_table_real(t, row, "value_max", 0));
	else if (fot_measure_is_crossed(m))
		put_answers(out, t, row);
}

static void grid_cell(struct fot_str *value, struct fot_str *rest, const struct fot_table *t, size_t row, int digits,
		   enum fot_format format)
{
	const struct fot_measure *m = fot_measure_of(t, row);
	enum form form = form_of(m);
	bool difference = fot_table_has(t, row, "comparison"), sign = difference || form >= TREND;
	const char *column = difference ? "delta" : "value";

	if (!fot_table_has(t, row, column)) {
		fot_str_putc(value, '-');
		return;
	}
	number(value, fot_table_real(t, row, column, 0), form, digits, sign, format);
	if (form == PERCENT && !difference)
		fot_str_puts(value, format == FOT_LATEX ? "\\,\\%" : " %");
	interval(rest, t, row, difference ? "delta_ci_low" : "ci_low", difference ? "delta_ci_high" : "ci_high", form,
		 digits, sign, format);
	if (difference)
		put_p(rest, t, row);
	else
		put_spread(rest, m, t, row);
}

/* --- the table as strings --- */

/* Columns in front: what a line is. */
#define LEADS (3 + FOT_GRID_LINES + 3)

struct text {
	struct fot_str value, rest;
};

struct printer {
	const struct fot_grid *g;
	enum fot_format format;
	const struct sizes *size; /* of LaTeX */
	const char *lead[LEADS];
	size_t n_lead, n;   /* n: with the grid's own columns */
	struct text *cell;  /* [1 + n_lines, n] head, lines */
};

static struct text *at(const struct printer *p, size_t line, size_t column)
{
	return &p->cell[line * p->n + column];
}

static const struct {
	const char *column, *heading;
} headings[] = {
	{ "run", "run" },          { "model_variant", "model" }, { "memory_mode", "memory" },
	{ "depth", "depth" },      { "prompt_style", "filler" }, { "context_length", "context" },
	{ "layer", "layer" },      { "calibration", "scores" },  { "mem_dtype", "keys in" },
	{ "own_tokens", "own tokens" }, { "target_start", "first target" },
	{ "window", "window" },    { "model", "weights" },
};

static const char *heading_of(const char *column)
{
	for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++) {
		if (strcmp(headings[i].column, column) == 0)
			return headings[i].heading;
	}
	return column;
}

static void put_lead(struct fot_str *out, const struct printer *p, size_t row, const char *column)
{
	const struct fot_cell *c = fot_table_cell(p->g->t, row, column);

	if (strcmp(column, "memory_mode") == 0)
		fot_put_memory(out, p->g->t, row, p->format);
	else if (strcmp(column, "context_length") == 0)
		fot_label_length(out, c->i);
	else if (c->kind == FOT_CELL_TEXT)
		fot_put_name(out, c->text, p->format);
	else if (c->kind == FOT_CELL_REAL)
		fot_str_printf(out, "%.4g", c->x);
	else if (c->kind == FOT_CELL_INT)
		fot_str_printf(out, "%lld", (long long)c->i);
	else
		fot_str_putc(out, '-');
}

/* Do two lines look the same in the columns so far, and differ in this one? */
static bool tells_apart(const struct printer *p, const char *column)
{
	const struct fot_grid *g = p->g;

	for (size_t a = 0; a < g->n_lines; a++) {
		for (size_t b = 0; b < a; b++) {
			bool alike = fot_table_same(g->t, g->line[a], g->t, g->line[b], "top_k");

			for (size_t i = 0; i < p->n_lead && alike; i++)
				alike = fot_table_same(g->t, g->line[a], g->t, g->line[b], p->lead[i]);
			if (alike && !fot_table_same(g->t, g->line[a], g->t, g->line[b], column))
				return true;
		}
	}
	return false;
}

bool fot_grid_varies(const struct fot_grid *g, const char *column)
{
	for (size_t i = 1; i < g->n_lines; i++) {
		if (!fot_table_same(g->t, g->line[0], g->t, g->line[i], column))
			return true;
	}
	return false;
}

static void choose_lead(struct printer *p)
{
	static const char *const more[] = { "mem_dtype", "window", "model" };

	if (p->g->several_runs)
		p->lead[p->n_lead++] = "run";
	p->lead[p->n_lead++] = "model_variant";
	p->lead[p->n_lead++] = "memory_mode";
	for (size_t i = 0; i < FOT_GRID_LINES && p->g->view->line[i]; i++) {
		if (fot_grid_varies(p->g, p->g->view->line[i]))
			p->lead[p->n_lead++] = p->g->view->line[i];
	}
	if (p->g->view->apart && fot_grid_varies(p->g, p->g->view->apart))
		p->lead[p->n_lead++] = p->g->view->apart;
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		if (tells_apart(p, more[i]))
			p->lead[p->n_lead++] = more[i];
	}
}

void fot_grid_common(struct fot_str *out, const struct fot_grid *g)
{
	const struct printer plain = { .g = g, .format = g->words };

	for (size_t i = 0; i < FOT_GRID_LINES && g->view->line[i]; i++) {
		if (fot_grid_varies(g, g->view->line[i]) || !fot_table_has(g->t, g->line[0], g->view->line[i]))
			continue;
		fot_str_printf(out, ", %s ", heading_of(g->view->line[i]));
		put_lead(out, &plain, g->line[0], g->view->line[i]);
	}
}

static void put_place(struct fot_str *out, const struct fot_grid *g, size_t column)
{
	int64_t x = g->column[column].x;

	if (strcmp(g->view->axis, "context_length") == 0)
		fot_label_length(out, x);
	else if (strcmp(g->view->axis, "n_shots") == 0)
		fot_label_shots(out, x);
	else
		fot_str_printf(out, "d = %lld", (long long)x);
}

static void put_heading(struct fot_str *out, const struct printer *p, const struct fot_grid_column *c)
{
	const struct fot_view *v = p->g->view;

	if (c->paper) {
		fot_str_puts(out, "paper");
		return;
	}
	if (v->metric[1])
		fot_put_name(out, fot_measured_by_name(p->g->task, c->metric)->heading, p->format);
	if (!v->axis)
		return;
	if (v->metric[1])
		fot_str_puts(out, ", ");
	put_place(out, p->g, (size_t)(c - p->g->column));
}

static void put_paper(struct fot_str *out, const struct printer *p, size_t row)
{
	const struct fot_table *t = p->g->t;
	double lo = fot_table_real(t, row, "paper_low", 0), hi = fot_table_real(t, row, "paper_high", 0);
	bool percent = fot_measure_is_percent(fot_measure_of(t, row));
	const char *relation = fot_table_text(t, row, "paper_relation");

	if (!fot_table_has(t, row, "paper_low")) {
		fot_str_putc(out, '-');
		return;
	}
	if (strcmp(relation, "above") == 0)
		fot_str_puts(out, p->format == FOT_LATEX ? "$>$" : p->format == FOT_HTML ? "&gt; " : "> ");
	if (strcmp(relation, "chance") == 0)
		fot_str_puts(out, p->format == FOT_LATEX ? "$\\approx$" : "about ");
	if (percent)
		fot_str_printf(out, p->format == FOT_LATEX ? "%.1f\\,\\%%" : "%.1f %%", 100 * lo);
	else if (lo < hi)
		fot_str_printf(out, p->format == FOT_LATEX ? "%.3f--%.3f" : "%.3f to %.3f", lo, hi);
	else
		fot_str_printf(out, "%.3f", lo);
}

/* Is the value of a row told from the next one of its column? */
static bool is_told(const struct fot_table *t, size_t row)
{
	return fot_table_has(t, row, "next_ci_low") &&
	       (fot_table_real(t, row, "next_ci_low", 0) > 0 || fot_table_real(t, row, "next_ci_high", 0) < 0);
}

static void put_compact(struct fot_str *out, const struct fot_grid *g, size_t row)
{
	const struct fot_measure *m = fot_measure_of(g->t, row);
	int64_t rank = fot_table_int(g->t, row, "rank", 0);
	bool marked = rank >= 1 && rank <= 2 && is_told(g->t, row);
	double x = fot_table_real(g->t, row, "value", 0);
	int digits = fot_measure_is_percent(m) ? 1 : m->kind == FOT_MEASURE_EXP ? 2 : 3;

	if (g->digits > 0)
		digits = decimals(x, form_of(m), g->digits);
	if (marked)
		fot_str_puts(out, rank == 1 ? "\\textbf{" : "\\underline{");
	fot_str_printf(out, "%.*f%s", digits, (fot_measure_is_percent(m) ? 100.0 : 1.0) * x, marked ? "}" : "");
}

static void put_cell(struct text *out, const struct printer *p, size_t line, size_t column)
{
	const struct fot_grid *g = p->g;
	size_t row = g->row[line * g->n_columns + column];
	struct fot_str value = FOT_STR_INIT;
	static const struct {
		const char *begin, *end;
	} bold[] = { [FOT_MARKDOWN] = { "**", "**" },
		     [FOT_LATEX] = { "\\textbf{", "}" },
		     [FOT_TEXT] = { "*", "*" },
		     [FOT_HTML] = { "<b>", "</b>" } };

	if (p->size == &compact) {
		if (row == SIZE_MAX || !fot_table_has(g->t, row, "value"))
			fot_str_puts(&out->value, "--");
		else
			put_compact(&out->value, g, row);
		return;
	}
	if (row == SIZE_MAX)
		return;
	if (g->column[column].paper) {
		put_paper(&out->value, p, row);
		return;
	}
	if (fot_table_int(g->t, row, "best", 0) != 1) {
		grid_cell(&out->value, &out->rest, g->t, row, g->digits, p->format);
		return;
	}
	grid_cell(&value, &out->rest, g->t, row, g->digits, p->format);
	if (value.failed)
		out->value.failed = true;
	else
		fot_str_printf(&out->value, "%s%s%s", bold[p->format].begin, value.data, bold[p->format].end);
	fot_str_release(&value);
}

static void fill(struct printer *p)
{
	for (size_t c = 0; c < p->n_lead; c++) {
		fot_str_puts(&at(p, 0, c)->value, heading_of(p->lead[c]));
		for (size_t l = 0; l < p->g->n_lines; l++)
			put_lead(&at(p, l + 1, c)->value, p, p->g->line[l], p->lead[c]);
	}
	for (size_t c = 0; c < p->g->n_columns; c++) {
		put_heading(&at(p, 0, p->n_lead + c)->value, p, &p->g->column[c]);
		for (size_t l = 0; l < p->g->n_lines; l++)
			put_cell(at(p, l + 1, p->n_lead + c), p, l, c);
	}
}

/* --- the formats --- */

static const char *text_of(const struct fot_str *s)
{
	return s->data ? s->data : "";
}

static void put_both(struct fot_str *out, const struct text *t)
{
	fot_str_puts(out, text_of(&t->value));
	if (t->rest.len && t->value.len)
		fot_str_putc(out, ' ');
	fot_str_puts(out, text_of(&t->rest));
}

static void print_markdown(struct fot_str *out, const struct printer *p)
{
	for (size_t l = 0; l <= p->g->n_lines; l++) {
		fot_str_putc(out, '|');
		for (size_t c = 0; c < p->n; c++) {
			fot_str_putc(out, ' ');
			put_both(out, at(p, l, c));
			fot_str_puts(out, " |");
		}
		fot_str_putc(out, '\n');
		if (l > 0)
			continue;
		fot_str_putc(out, '|');
		for (size_t c = 0; c < p->n; c++)
			fot_str_puts(out, c < p->n_lead ? "---|" : "---:|");
		fot_str_putc(out, '\n');
	}
}

/* Characters of a column's widest cell. */
static size_t text_width(const struct printer *p, size_t c)
{
	size_t width = 0;

	for (size_t k = 0; k <= p->g->n_lines; k++) {
		const struct text *t = at(p, k, c);
		size_t w = t->value.len + (t->rest.len ? t->rest.len + 1 : 0);

		width = w > width ? w : width;
	}
	return width;
}

static void print_text_cell(struct fot_str *out, const struct printer *p, size_t line, size_t c)
{
	struct fot_str cell = FOT_STR_INIT;

	put_both(&cell, at(p, line, c));
	fot_str_printf(out, c < p->n_lead ? "%s%-*s" : "%s%*s", c ? "  " : "", (int)text_width(p, c),
		       cell.failed ? "?" : text_of(&cell));
	fot_str_release(&cell);
}

/* As many columns as fit beside what a line is, one at least; the others in panels below. */
static void print_text(struct fot_str *out, const struct printer *p)
{
	size_t lead = 0;

	for (size_t c = 0; c < p->n_lead; c++)
		lead += text_width(p, c) + (c ? 2 : 0);
	for (size_t from = p->n_lead, to; from < p->n; from = to) {
		size_t width = lead + text_width(p, from) + 2;

		for (to = from + 1; to < p->n; to++) {
			width += text_width(p, to) + 2;
			if (p->g->width && width > p->g->width)
				break;
		}
		fot_str_puts(out, from > p->n_lead ? "\n" : "");
		for (size_t l = 0; l <= p->g->n_lines; l++) {
			for (size_t c = 0; c < p->n_lead; c++)
				print_text_cell(out, p, l, c);
			for (size_t c = from; c < to; c++)
				print_text_cell(out, p, l, c);
			fot_str_putc(out, '\n');
		}
	}
}

static void latex_line(struct fot_str *out, const struct printer *p, size_t line, size_t from, size_t to)
{
	bool rest = false;

	for (size_t c = 0; c < p->n_lead; c++)
		fot_str_printf(out, "%s%s", c ? " & " : "", text_of(&at(p, line, c)->value));
	for (size_t c = from; c < to; c++) {
		fot_str_printf(out, " & %s", text_of(&at(p, line, c)->value));
		rest = rest || at(p, line, c)->rest.len;
	}
	fot_str_puts(out, " \\\\\n");
	if (!rest)
		return;
	for (size_t c = 1; c < p->n_lead; c++)
		fot_str_puts(out, " & ");
	for (size_t c = from; c < to; c++) {
		fot_str_puts(out, " & ");
		if (at(p, line, c)->rest.len)
			fot_str_printf(out, "{\\scriptsize %s}", text_of(&at(p, line, c)->rest));
	}
	fot_str_puts(out, " \\\\\n");
}

/* No commands, braces and dollars. */
static size_t latex_width(const struct fot_str *s)
{
	size_t n = 0;

	for (const char *c = text_of(s); *c; c++) {
		if (*c == '\\') {
			while (c[1] >= 'a' && c[1] <= 'z')
				c++;
			continue;
		}
		n += !strchr("{}$", *c);
	}
	return n;
}

static double width_of(const struct fot_str *s, double each)
{
	return (double)latex_width(s) * each;
}

static double column_width(const struct printer *p, size_t c)
{
	double width = 0.0;

	for (size_t l = 0; l <= p->g->n_lines; l++) {
		width = fmax(width, width_of(&at(p, l, c)->value, p->size->value));
		width = fmax(width, width_of(&at(p, l, c)->rest, p->size->rest));
	}
	return width + p->size->gap;
}

static double range_width(const struct printer *p, size_t from, size_t to)
{
	double width = 0.0;

	for (size_t c = from; c < to; c++)
		width += column_width(p, c);
	return width;
}

/* Panels of equal numbers of columns, as few as fit; a figure of the paper stays beside ours. */
static size_t panel_columns(const struct printer *p)
{
	size_t n = p->n - p->n_lead;

	for (size_t panels = 1; panels < n; panels++) {
		size_t each = (n + panels - 1) / panels;
		bool fits = true;

		for (size_t from = p->n_lead; from < p->n && fits; from += each) {
			size_t to = from + each < p->n ? from + each : p->n;

			fits = range_width(p, 0, p->n_lead) + range_width(p, from, to) <= PAGE_WIDTH;
		}
		if (fits)
			return each;
	}
	return 1;
}

/* Behind the last column of a dataset, or the last there is. */
static size_t dataset_end(const struct printer *p, size_t from)
{
	const struct fot_grid_column *column = p->g->column - p->n_lead;
	size_t to = from;

	while (to < p->n && strcmp(column[to].dataset, column[from].dataset) == 0)
		to++;
	return to;
}

/* Each above its columns. */
static void put_datasets(struct fot_str *out, const struct printer *p, size_t from, size_t to)
{
	struct fot_str rules = FOT_STR_INIT;

	for (size_t i = 1; i < p->n_lead; i++)
		fot_str_puts(out, " & ");
	for (size_t i = from, end; i < to; i = end) {
		end = dataset_end(p, i) < to ? dataset_end(p, i) : to;
		fot_str_printf(out, " & \\multicolumn{%zu}{c}{", end - i);
		fot_quote_latex(out, p->g->column[i - p->n_lead].dataset);
		fot_str_putc(out, '}');
		fot_str_printf(&rules, "\\cmidrule(lr){%zu-%zu}", p->n_lead + 1 + i - from, p->n_lead + end - from);
	}
	fot_str_puts(out, " \\\\\n");
	fot_quote_take(out, &rules, fot_str_puts);
	fot_str_putc(out, '\n');
}

static void print_panel(struct fot_str *out, const struct printer *p, size_t from, size_t to)
{
	fot_str_puts(out, "\\begin{tabular}{@{}");
	for (size_t c = 0; c < p->n_lead + to - from; c++)
		fot_str_putc(out, c < p->n_lead ? 'l' : 'r');
	fot_str_puts(out, "@{}}\n\\toprule\n");
	if (p->size == &compact)
		put_datasets(out, p, from, to);
	latex_line(out, p, 0, from, to);
	fot_str_puts(out, "\\midrule\n");
	for (size_t l = 1; l <= p->g->n_lines; l++)
		latex_line(out, p, l, from, to);
	fot_str_puts(out, "\\bottomrule\n\\end{tabular}\n");
}

/* Behind the last column of the panel that begins here: whole datasets, else as many columns as fit. */
static size_t compact_end(const struct printer *p, size_t from)
{
	double width = range_width(p, 0, p->n_lead);
	size_t to = from, whole = from;

	while (to < p->n && (to == from || width + column_width(p, to) <= PAGE_WIDTH)) {
		width += column_width(p, to++);
		if (to == dataset_end(p, to - 1))
			whole = to;
	}
	return whole > from ? whole : to;
}

static void print_latex(struct fot_str *out, const struct printer *p)
{
	size_t each = p->size == &full ? panel_columns(p) : 0;

	fot_str_printf(out, "\\%s\\setlength{\\tabcolsep}{%gpt}\n", each ? "small" : "footnotesize", p->size->gap / 2);
	for (size_t from = p->n_lead, to; from < p->n; from = to) {
		to = each ? (from + each < p->n ? from + each : p->n) : compact_end(p, from);
		to += each && to < p->n && p->g->column[to - p->n_lead].paper;
		fot_str_puts(out, from > p->n_lead ? "\n\\medskip\n" : "");
		print_panel(out, p, from, to);
	}
}

static void put_level(struct fot_str *out, const struct fot_grid *g, size_t row, const char *column)
{
	const struct fot_measure *m = fot_measure_of(g->t, row);
	double x = fot_table_real(g->t, row, column, 0);

	if (fot_measure_is_percent(m) && x > 0 && x < 0.0005) {
		fot_str_printf(out, "1 in %.0f", 1 / x);
		return;
	}
	number(out, x, form_of(m), g->digits, false, FOT_HTML);
	fot_str_puts(out, fot_measure_is_percent(m) ? " %" : "");
}

/* The cells of a column's share that no model has: what guessing, or the commonest answer, gets. */
static void html_level(struct fot_str *out, const struct printer *p, const char *column, const char *name)
{
	const struct fot_grid *g = p->g;
	struct fot_str line = FOT_STR_INIT;
	bool any = false;

	for (size_t c = 0; c < g->n_columns; c++) {
		size_t row = SIZE_MAX;

		for (size_t l = 0; l < g->n_lines && row == SIZE_MAX; l++) {
			size_t r = g->row[l * g->n_columns + c];

			if (r != SIZE_MAX && fot_measure_of(g->t, r)->level && fot_table_has(g->t, r, column))
				row = r;
		}
		fot_str_puts(&line, "<td>");
		if (row != SIZE_MAX && !g->column[c].paper) {
			put_level(&line, g, row, column);
			any = true;
		}
		fot_str_puts(&line, "</td>");
	}
	out->failed = out->failed || line.failed;
	if (any && !line.failed)
		fot_str_printf(out, "<tr class=\"level\"><th scope=\"row\" colspan=\"%zu\">%s</th>%s</tr>\n", p->n_lead, name,
			       line.data);
	fot_str_release(&line);
}

/* Do rows of their own show the levels? Figures hide these and draw lines instead. */
static bool shows_levels(const struct fot_grid *g)
{
	for (size_t f = 0; f < g->task->n_figures; f++)
		for (const char *const *name = g->task->figure[f].hidden; name && *name; name++)
			for (size_t l = 0; l < g->n_lines; l++)
				if (strcmp(fot_table_text(g->t, g->line[l], "model_variant"), *name) == 0)
					return true;
	return false;
}

static void html_line(struct fot_str *out, const struct printer *p, size_t line)
{
	const struct text *t = at(p, line, 0);

	fot_str_puts(out, "<tr>");
	for (size_t c = 0; c < p->n; c++, t++) {
		bool name = line == 0 || c < p->n_lead;

		fot_str_printf(out, name ? "<th scope=\"%s\"%s>" : "<td>", line ? "row" : "col", c < p->n_lead ? "" : " class=\"n\"");
		fot_str_puts(out, text_of(&t->value));
		if (t->rest.len)
			fot_str_printf(out, " <small>%s</small>", text_of(&t->rest));
		fot_str_puts(out, name ? "</th>" : "</td>");
	}
	fot_str_puts(out, "</tr>\n");
}

static void print_html(struct fot_str *out, const struct printer *p)
{
	fot_str_puts(out, "<table>\n<thead>\n");
	html_line(out, p, 0);
	fot_str_puts(out, "</thead>\n<tbody>\n");
	for (size_t l = 1; l <= p->g->n_lines; l++)
		html_line(out, p, l);
	if (p->g->view->rows == FOT_GRID_ESTIMATES && !shows_levels(p->g)) {
		html_level(out, p, "chance_level", "chance");
		html_level(out, p, "majority_level", "commonest label");
	}
	fot_str_puts(out, "</tbody>\n</table>\n");
}

static bool any_failed(const struct printer *p)
{
	for (size_t i = 0; i < (p->g->n_lines + 1) * p->n; i++) {
		if (p->cell[i].value.failed || p->cell[i].rest.failed)
			return true;
	}
	return false;
}

static int print(struct fot_str *out, const struct fot_grid *g, enum fot_format format, const struct sizes *size,
		 struct fot_err *err)
{
	static void (*const prints[])(struct fot_str *, const struct printer *) = {
		[FOT_MARKDOWN] = print_markdown,
		[FOT_LATEX] = print_latex,
		[FOT_TEXT] = print_text,
		[FOT_HTML] = print_html,
	};
	struct printer p = { .g = g, .format = format, .size = size };
	size_t n;
	int status = FOT_OK;

	choose_lead(&p);
	p.n = p.n_lead + g->n_columns;
	n = (g->n_lines + 1) * p.n;
	p.cell = fot_calloc(n, sizeof *p.cell);
	if (!p.cell)
		return FOT_NO_MEMORY(err, "tables");
	fill(&p);
	if (any_failed(&p))
		status = FOT_NO_MEMORY(err, "tables");
	else
		prints[format](out, &p);
	for (size_t i = 0; i < n; i++) {
		fot_str_release(&p.cell[i].value);
		fot_str_release(&p.cell[i].rest);
	}
	fot_free(p.cell);
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

int fot_grid_print(struct fot_str *out, const struct fot_grid *g, enum fot_format format, struct fot_err *err)
{
	return print(out, g, format, &full, err);
}

int fot_grid_print_compact(struct fot_str *out, const struct fot_grid *g, struct fot_err *err)
{
	return print(out, g, FOT_LATEX, &compact, err);
}
