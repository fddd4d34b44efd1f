/* report_print.c: the tables of a report as Markdown and LaTeX (booktabs).
 *
 * Each task has a view (grid.h) and a caption, which states what was measured on
 * what, the interval, what bold means, and where published figures come from. */
#include <ctype.h>
#include <string.h>

#include "base/quote.h"
#include "harness/report/grid.h"
#include "harness/tables/labels.h"
#include "harness/report/report.h"
#include "harness/tables/stats.h"

/* The tables and figures that the grid's published values come from. */
static void cite(struct fot_str *out, const struct fot_grid *g)
{
	size_t n = g->n_lines * g->n_columns;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const char *source = g->row[i] == SIZE_MAX ? "" : fot_table_text(g->t, g->row[i], "paper_source");
		bool new = *source;

		for (size_t k = 0; k < i && new; k++)
			new = g->row[k] == SIZE_MAX ||
			      strcmp(fot_table_text(g->t, g->row[k], "paper_source"), source) != 0;
		if (!new)
			continue;
		fot_str_puts(out, any ? ", " : " Paper: figures of arXiv 2307.03170 (");
		if (g->words == FOT_MARKDOWN)
			fot_quote_markdown(out, source);
		else
			fot_str_puts(out, source);
		any = true;
	}
	if (any)
		fot_str_puts(out, ") for this dataset, method and length; other models, tokenizers and documents than ours.");
}

void fot_report_words(struct fot_str *out, const struct fot_grid *g)
{
	fot_grid_words(out, g, g->report->caption);
	cite(out, g);
}

/* "tab:perplexity", "tab:lookup-token-accuracy-others-books": letters, digits and dashes. */
static void put_reference(struct fot_str *out, const struct fot_grid *g)
{
	const char *part[] = { g->task->schema->name, g->view->metric[0], g->view->filled ? "others" : "",
			       g->dataset };

	fot_str_puts(out, "\\label{tab:");
	for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
		if (!part[i] || !*part[i] || (i == 1 && strcmp(part[0], part[1]) == 0))
			continue;
		fot_str_puts(out, i ? "-" : "");
		for (const char *c = part[i]; *c; c++)
			fot_str_putc(out, isalnum((unsigned char)*c) ? *c : '-');
	}
	fot_str_puts(out, "}\n");
}

/* "# Results of quick, paper-fft1" */
static void put_title(struct fot_str *out, const struct fot_table *report)
{
	fot_str_puts(out, "# Results");
	for (size_t row = 0, n = 0; row < report->n_rows; row++) {
		if (!fot_table_is_first(report, row, FOT_LIST("run")))
			continue;
		fot_str_puts(out, n++ ? ", " : " of ");
		fot_quote_markdown(out, fot_table_text(report, row, "run"));
	}
	fot_str_puts(out, "\n\n");
}

static int put_markdown(void *to, const struct fot_grid *g, struct fot_err *err)
{
	struct fot_str *out = to;

	fot_str_putc(out, '\n');
	fot_quote_markdown(out, g->dataset);
	fot_str_puts(out, *g->dataset ? ": " : "");
	fot_report_words(out, g);
	fot_str_puts(out, "\n\n");
	return fot_grid_print(out, g, FOT_MARKDOWN, err);
}

/* Of all datasets values alone. */
static void caption_latex(struct fot_str *out, const struct fot_grid *g)
{
	struct fot_str text = FOT_STR_INIT;

	if (g->dataset) {
		fot_str_printf(&text, "%s%s", g->dataset, *g->dataset ? ": " : "");
		fot_report_words(&text, g);
	} else {
		fot_str_printf(&text, "%s; ", g->report->compact);
		fot_grid_words(
			&text, g,
			"{window} tokens of local window{common}. Bold: the best of a column; underlined: the second. Either only where "
			"the paired 95 % interval of its difference from the next excludes zero, the second only below a bold one.");
	}
	fot_quote_take(out, &text, fot_quote_latex);
}

static int put_latex(void *to, const struct fot_grid *g, struct fot_err *err)
{
	struct fot_str *out = to;
	int status;

	fot_str_puts(out, "\n\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{");
	caption_latex(out, g);
	fot_str_puts(out, "}\n");
	put_reference(out, g);
	status = g->dataset ? fot_grid_print(out, g, FOT_LATEX, err) : fot_grid_print_compact(out, g, err);
	fot_str_puts(out, "\\end{table}\n");
	return status;
}

int fot_report_print(struct fot_str *out, const struct fot_table *report, enum fot_format format,
		     int digits, struct fot_err *err)
{
	bool latex = format == FOT_LATEX;
	/* captions of LaTeX are quoted as a whole */
	const struct fot_grids grids = { .t = report,
					 .words = latex ? FOT_TEXT : FOT_MARKDOWN,
					 .digits = digits,
					 .put = latex ? put_latex : put_markdown,
					 .to = out };
	const char *dataset;
	int status = FOT_OK;

	if (latex) {
		fot_str_puts(out, "% needs \\usepackage{booktabs}, and for names that hold a \" \\usepackage[T1]{fontenc}\n");
		FOT_TRY(fot_grids_put(&grids, NULL, err));
		FOT_TRY(fot_grids_put_all(&grids, err));
		goto out;
	}
	put_title(out, report);
	for (size_t d = 0; (dataset = fot_grid_dataset(report, d)) != NULL; d++) {
		fot_str_puts(out, d ? "\n## " : "## ");
		fot_quote_markdown(out, dataset);
		fot_str_putc(out, '\n');
		FOT_TRY(fot_grids_put(&grids, dataset, err));
	}
out:
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
