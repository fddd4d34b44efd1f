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

void fot_report_words(struct fot_str *out, const struct fot_report_view *v, const struct fot_grid *g)
{
	fot_grid_words(out, g, v->caption);
	cite(out, g);
}

static int put_caption(struct fot_str *out, const struct fot_report_view *v, const struct fot_grid *g, bool latex,
		       struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (latex)
		fot_quote_latex(out, g->dataset);
	else
		fot_quote_markdown(out, g->dataset);
	fot_str_puts(&text, *g->dataset ? ": " : "");
	fot_report_words(&text, v, g);
	status = fot_str_check(&text, err);
	if (status == FOT_OK && latex)
		fot_quote_latex(out, text.data);
	else if (status == FOT_OK)
		fot_str_puts(out, text.data);
	fot_str_release(&text);
	return status;
}

/* "tab:perplexity", "tab:lookup-token-accuracy-others-books": letters, digits and dashes. */
static void put_reference(struct fot_str *out, const struct fot_report_view *v, const struct fot_grid *g)
{
	const char *part[] = { g->task->schema->name, v->view.metric[0], v->view.filled ? "others" : "", g->dataset };

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

static int print_table(struct fot_str *out, const struct fot_report_view *v, const struct fot_grid *g, bool latex,
		       struct fot_err *err)
{
	int status;

	fot_str_puts(out, latex ? "\n\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{" : "\n");
	FOT_TRY(put_caption(out, v, g, latex, err));
	fot_str_puts(out, latex ? "}\n" : "\n\n");
	if (latex)
		put_reference(out, v, g);
	FOT_TRY(fot_grid_print(out, g, latex ? FOT_LATEX : FOT_MARKDOWN, err));
	fot_str_puts(out, latex ? "\\end{table}\n" : "");
out:
	return status;
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

/* --- all datasets in one table --- */

static void caption_compact(struct fot_str *out, const struct fot_report_view *v, const struct fot_grid *g)
{
	struct fot_str text = FOT_STR_INIT;

	fot_str_printf(&text, "%s; ", v->compact);
	fot_grid_words(&text, g,
		       "{window} tokens of local window{common}. Bold: the best of a column; underlined: the second. Either only where "
		       "the paired 95 % interval of its difference from the next excludes zero, the second only below a bold one.");
	if (text.failed)
		out->failed = true;
	else
		fot_quote_latex(out, text.data);
	fot_str_release(&text);
}

static int print_compact(struct fot_str *out, const struct fot_table *report, const struct fot_measured_task *task,
			 const struct fot_report_view *v, int digits, struct fot_err *err)
{
	struct fot_grid g;
	int status;

	FOT_TRY(fot_grid_init(&g, report, task, &v->view, NULL, err));
	g.digits = digits;
	if (g.n_lines == 0)
		goto out;
	fot_str_puts(out, "\n\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{");
	caption_compact(out, v, &g);
	fot_str_puts(out, "}\n");
	put_reference(out, v, &g);
	FOT_TRY(fot_grid_print_compact(out, &g, err));
	fot_str_puts(out, "\\end{table}\n");
out:
	fot_grid_release(&g);
	return status;
}

static int print_grid(struct fot_str *out, const struct fot_table *report, const struct fot_measured_task *task,
		      const struct fot_report_view *v, const char *dataset, bool latex, int digits, struct fot_err *err)
{
	struct fot_grid g;
	int status = fot_grid_init(&g, report, task, &v->view, dataset, err);

	g.digits = digits;
	g.words = latex ? FOT_TEXT : FOT_MARKDOWN; /* put_caption quotes LaTeX as a whole */
	if (status == FOT_OK && g.n_lines > 0)
		status = print_table(out, v, &g, latex, err);
	fot_grid_release(&g);
	return status;
}

/* The tables of a dataset; NULL: the compact ones of all. */
static int print_views(struct fot_str *out, const struct fot_table *report, const char *dataset, bool latex, int digits,
		       struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 0; k < fot_n_measured_tasks; k++) {
		const struct fot_measured_task *task = fot_measured_tasks[k];

		for (size_t i = 0; i < task->n_report && status == FOT_OK; i++)
			status = dataset ? print_grid(out, report, task, &task->report[i], dataset, latex, digits, err) :
					   print_compact(out, report, task, &task->report[i], digits, err);
	}
	return status;
}

int fot_report_print(struct fot_str *out, const struct fot_table *report, enum fot_format format,
		     int digits, struct fot_err *err)
{
	bool latex = format == FOT_LATEX;
	const char *dataset;
	int status = FOT_OK;

	if (latex) {
		fot_str_puts(out, "% needs \\usepackage{booktabs}, and for names that hold a \" \\usepackage[T1]{fontenc}\n");
		status = print_views(out, report, NULL, true, digits, err);
	} else {
		put_title(out, report);
	}
	for (size_t d = 0; (dataset = fot_grid_dataset(report, d)) != NULL && status == FOT_OK; d++) {
		if (!latex) {
			fot_str_puts(out, d ? "\n## " : "## ");
			fot_quote_markdown(out, dataset);
			fot_str_putc(out, '\n');
		}
		status = print_views(out, report, dataset, latex, digits, err);
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
