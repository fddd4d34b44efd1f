/* report_print.c: the tables of a report as Markdown and LaTeX (booktabs). */
#include <string.h>

#include "base/mem.h"
#include "harness/labels.h"
#include "harness/report.h"
#include "harness/stats.h"

struct printer {
	struct fot_str *out;
	const struct fot_table *t;
	bool latex, several_runs, paper; /* several runs: a column with their names */
	const char *dataset;
	size_t *line; /* a row of each line */
	size_t n_lines;
	int64_t *length; /* ascending */
	size_t n_lengths;
};

static const char *text_of(const struct printer *p, size_t row, const char *column)
{
	return fot_table_text(p->t, row, column);
}

static bool same_line(const struct printer *p, size_t a, size_t b)
{
	static const char *const texts[] = { "run", "model", "model_variant", "memory_mode", "mem_dtype" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(text_of(p, a, texts[i]), text_of(p, b, texts[i])) != 0)
			return false;
	}
	return fot_table_int(p->t, a, "top_k", 0) == fot_table_int(p->t, b, "top_k", 0) &&
	       fot_table_int(p->t, a, "window", 0) == fot_table_int(p->t, b, "window", 0);
}

/* A column of the paper's figures stands beside the lengths that have one. */
static bool paper_at(const struct printer *p, int64_t length)
{
	for (size_t r = 0; r < p->t->n_rows; r++) {
		if (strcmp(text_of(p, r, "dataset"), p->dataset) == 0 &&
		    fot_table_int(p->t, r, "context_length", 0) == length &&
		    fot_table_cell(p->t, r, "paper_low")->kind == FOT_CELL_REAL)
			return true;
	}
	return false;
}

static size_t n_columns(const struct printer *p)
{
	size_t n = p->n_lengths;

	for (size_t l = 0; l < p->n_lengths; l++)
		n += paper_at(p, p->length[l]);
	return n;
}

static void add_row(struct printer *p, size_t row)
{
	int64_t length = fot_table_int(p->t, row, "context_length", 0);
	bool known = false;
	size_t at = p->n_lengths;

	for (size_t i = 0; i < p->n_lines && !known; i++)
		known = same_line(p, p->line[i], row);
	if (!known)
		p->line[p->n_lines++] = row;
	p->paper = p->paper || fot_table_cell(p->t, row, "paper_low")->kind == FOT_CELL_REAL;
	for (size_t i = 0; i < p->n_lengths; i++) {
		if (p->length[i] == length)
			return;
	}
	for (; at > 0 && p->length[at - 1] > length; at--)
		p->length[at] = p->length[at - 1];
	p->length[at] = length;
	p->n_lengths++;
}

static void put_text(struct printer *p, const char *text)
{
	if (p->latex)
		fot_label_latex(p->out, text);
	else
		fot_label_markdown(p->out, text);
}

static void next_cell(struct printer *p)
{
	fot_str_puts(p->out, p->latex ? " & " : " | ");
}

/* --- one cell --- */

static void put_value(struct printer *p, size_t row)
{
	bool best = fot_table_int(p->t, row, "best", 0) == 1;
	bool interval = fot_table_cell(p->t, row, "ci_low")->kind == FOT_CELL_REAL;

	if (fot_table_cell(p->t, row, "value")->kind != FOT_CELL_REAL) {
		fot_str_puts(p->out, "-");
		return;
	}
	if (best)
		fot_str_puts(p->out, p->latex ? "\\textbf{" : "**");
	fot_str_printf(p->out, "%.4f", fot_table_real(p->t, row, "value", 0));
	if (best)
		fot_str_puts(p->out, p->latex ? "}" : "**");
	if (interval)
		fot_str_printf(p->out, " [%.4f, %.4f]", fot_table_real(p->t, row, "ci_low", 0),
			       fot_table_real(p->t, row, "ci_high", 0));
}

static void put_paper(struct printer *p, size_t row)
{
	double lo = fot_table_real(p->t, row, "paper_low", 0),
	       hi = fot_table_real(p->t, row, "paper_high", 0);

	if (fot_table_cell(p->t, row, "paper_low")->kind != FOT_CELL_REAL)
		fot_str_puts(p->out, "-");
	else if (lo < hi)
		fot_str_printf(p->out, p->latex ? "%.3f--%.3f" : "%.3f to %.3f", lo, hi);
	else
		fot_str_printf(p->out, "%.3f", lo);
}

static bool find(const struct printer *p, size_t line, size_t length, size_t *row)
{
	for (size_t r = 0; r < p->t->n_rows; r++) {
		if (strcmp(text_of(p, r, "dataset"), p->dataset) == 0 && same_line(p, p->line[line], r) &&
		    fot_table_int(p->t, r, "context_length", 0) == p->length[length]) {
			*row = r;
			return true;
		}
	}
	return false;
}

/* --- head, lines, caption --- */

static void put_head(struct printer *p)
{
	if (!p->latex)
		fot_str_puts(p->out, "| ");
	if (p->several_runs) {
		fot_str_puts(p->out, "run");
		next_cell(p);
	}
	fot_str_puts(p->out, "model");
	next_cell(p);
	fot_str_puts(p->out, "memory");
	for (size_t l = 0; l < p->n_lengths; l++) {
		next_cell(p);
		fot_label_length(p->out, p->length[l]);
		if (paper_at(p, p->length[l])) {
			next_cell(p);
			fot_str_puts(p->out, "paper");
		}
	}
	if (p->latex) {
		fot_str_puts(p->out, " \\\\\n\\midrule\n");
		return;
	}
	fot_str_puts(p->out, " |\n|");
	for (size_t i = 0; i < (p->several_runs ? 3u : 2u); i++)
		fot_str_puts(p->out, "---|");
	for (size_t l = 0; l < n_columns(p); l++)
		fot_str_puts(p->out, "---:|");
	fot_str_putc(p->out, '\n');
}

static void put_line(struct printer *p, size_t line)
{
	if (!p->latex)
		fot_str_puts(p->out, "| ");
	if (p->several_runs) {
		put_text(p, text_of(p, p->line[line], "run"));
		next_cell(p);
	}
	put_text(p, text_of(p, p->line[line], "model_variant"));
	next_cell(p);
	fot_label_memory(p->out, p->t, p->line[line]);
	for (size_t l = 0; l < p->n_lengths; l++) {
		size_t row;
		bool there = find(p, line, l, &row);

		next_cell(p);
		if (there)
			put_value(p, row);
		if (!paper_at(p, p->length[l]))
			continue;
		next_cell(p);
		if (there)
			put_paper(p, row);
	}
	fot_str_puts(p->out, p->latex ? " \\\\\n" : " |\n");
}

static bool varies(const struct printer *p, const char *column)
{
	for (size_t i = 1; i < p->n_lines; i++) {
		if (fot_table_int(p->t, p->line[i], column, 0) != fot_table_int(p->t, p->line[0], column, 0))
			return true;
	}
	return false;
}

/* "6 documents", or "5 to 6 documents" where lines differ. */
static void put_count(struct printer *p, const char *column, const char *what)
{
	int64_t lo = fot_table_int(p->t, p->line[0], column, 0), hi = lo;

	for (size_t i = 1; i < p->n_lines; i++) {
		int64_t x = fot_table_int(p->t, p->line[i], column, 0);

		lo = x < lo ? x : lo;
		hi = x > hi ? x : hi;
	}
	if (varies(p, column))
		fot_str_printf(p->out, "%lld to %lld %s", (long long)lo, (long long)hi, what);
	else
		fot_str_printf(p->out, "%lld %s", (long long)lo, what);
}

static void put_caption(struct printer *p)
{
	const char *pct = p->latex ? "\\%" : "%";
	bool bits = strcmp(text_of(p, p->line[0], "metric"), "bits_per_byte") == 0;
	bool missing = fot_table_int(p->t, p->line[0], "n_missing", 0) > 0;

	put_text(p, p->dataset);
	fot_str_puts(p->out, bits ? ": bits per byte (sum of -log2 p over the bytes of the target text) " :
				    ": perplexity per token (exp of sum of nll over sum of tokens) ");
	fot_str_puts(p->out, "against context length, lower is better. ");
	put_count(p, "n_items", "documents");
	if (missing) {
		fot_str_puts(p->out, " (");
		put_count(p, "n_missing", "others failed or too short)");
	}
	fot_str_puts(p->out, ", ");
	put_count(p, "n_tokens_scored", "target tokens, the same ones at every context length; ");
	put_count(p, "window", "tokens of local window, stride equal to the window, ");
	fot_str_puts(p->out, strcmp(text_of(p, p->line[0], "bos_mode"), "first") == 0 ?
				     "one BOS at the start of the document. " :
				     "no BOS. ");
	fot_str_printf(
		p->out,
		"Context length: local window plus memory. In brackets the %.0f %s interval of the bootstrap "
		"over documents (%d draws, percentiles). Bold: lower than every other line of the column at "
		"p %s 0.05 (sign flips over documents, Holm over the lines).",
		100 * FOT_STATS_LEVEL, pct, FOT_STATS_DRAWS, p->latex ? "$<$" : "<");
	if (p->paper)
		fot_str_puts(p->out,
			     " Paper: figures of arXiv 2307.03170 for this dataset, method and length; "
			     "other models, tokenizers and documents than ours.");
}

static void put_table(struct printer *p)
{
	if (p->latex) {
		fot_str_puts(p->out, "\\begin{table}\n\\centering\n\\caption{");
		put_caption(p);
		fot_str_puts(p->out, "}\n\\begin{tabular}{ll");
		for (size_t l = 0; l < n_columns(p) + p->several_runs; l++)
			fot_str_putc(p->out, l < p->several_runs ? 'l' : 'r');
		fot_str_puts(p->out, "}\n\\toprule\n");
	} else {
		fot_str_puts(p->out, "## ");
		put_text(p, p->dataset);
		fot_str_puts(p->out, "\n\n");
		put_caption(p);
		fot_str_puts(p->out, "\n\n");
	}
	put_head(p);
	for (size_t i = 0; i < p->n_lines; i++)
		put_line(p, i);
	if (p->latex)
		fot_str_puts(p->out, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

static bool seen_before(const struct fot_table *t, size_t row)
{
	for (size_t r = 0; r < row; r++) {
		if (strcmp(fot_table_text(t, r, "dataset"), fot_table_text(t, row, "dataset")) == 0)
			return true;
	}
	return false;
}

static void print_dataset(struct printer *p, size_t first)
{
	p->dataset = fot_table_text(p->t, first, "dataset");
	p->n_lines = p->n_lengths = 0;
	p->paper = false;
	for (size_t row = first; row < p->t->n_rows; row++) {
		if (strcmp(text_of(p, row, "dataset"), p->dataset) == 0)
			add_row(p, row);
	}
	put_table(p);
}

int fot_report_print(struct fot_str *out, const struct fot_table *report, enum fot_report_format format,
		     struct fot_err *err)
{
	struct printer p = { .out = out, .t = report, .latex = format == FOT_REPORT_LATEX };
	bool first = true;
	int status = FOT_OK;

	p.line = fot_alloc(report->n_rows, sizeof *p.line);
	p.length = fot_alloc(report->n_rows, sizeof *p.length);
	if (!p.line || !p.length) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "report: out of memory");
		goto out;
	}
	for (size_t row = 1; row < report->n_rows; row++)
		p.several_runs =
			p.several_runs || strcmp(text_of(&p, row, "run"), text_of(&p, 0, "run")) != 0;
	if (p.latex)
		fot_str_puts(out, "% needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs}\n");
	for (size_t row = 0; row < report->n_rows; row++) {
		if (seen_before(report, row))
			continue;
		if (!first)
			fot_str_putc(out, '\n');
		first = false;
		print_dataset(&p, row);
	}
	status = fot_str_check(out, err);
out:
	fot_free(p.line);
	fot_free(p.length);
	return status;
}
