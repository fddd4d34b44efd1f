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

/* --- captions: plain text, escaped for LaTeX at the end --- */

static void missing(struct fot_str *out, const struct fot_grid *g, const char *what)
{
	if (fot_grid_most(g, "n_missing") == 0)
		return;
	fot_str_puts(out, " (");
	fot_grid_range(out, g, "n_missing");
	fot_str_printf(out, " others %s)", what);
}

static void window(struct fot_str *out, const struct fot_grid *g)
{
	fot_grid_range(out, g, "window");
	fot_str_puts(out, " tokens of local window");
	fot_grid_common(out, g);
}

static void bold(struct fot_str *out, const char *better, const char *test)
{
	fot_str_printf(out,
		       " Bold: %s than every other line of the column at p < 0.05 (%s; Holm over the lines).",
		       better, test);
}

/* Copies of a text are no further evidence. */
static void repeats(struct fot_str *out, const struct fot_grid *g)
{
	int64_t texts = fot_grid_most(g, "n_clusters");

	if (texts)
		fot_str_printf(out, " Warning: some documents hold the same text (%lld different text%s): copies of a text are drawn "
			       "as one.%s",
			       (long long)texts, texts == 1 ? "" : "s", texts == 1 ? " One text: no interval." : "");
}

static void caption_perplexity(struct fot_str *out, const struct fot_grid *g)
{
	bool bits = strcmp(fot_table_text(g->t, g->line[0], "metric"), "bits_per_byte") == 0;

	fot_str_puts(out, bits ? "bits per byte (sum of -log2 p over the bytes of the target text) " :
				 "perplexity per token (exp of sum of nll over sum of tokens) ");
	fot_str_puts(out, "against context length, lower is better. ");
	fot_grid_range(out, g, "n_items");
	fot_str_puts(out, " documents");
	missing(out, g, "failed or too short");
	fot_str_puts(out, ", ");
	fot_grid_range(out, g, "n_tokens_scored");
	fot_str_puts(out, " target tokens, the same ones at every context length");
	if (fot_grid_varies(g, "target_start"))
		fot_str_puts(out, ", but not in lines of another first target: these compare only with lines of the same");
	fot_str_puts(out, "; ");
	window(out, g);
	fot_str_puts(out, ", stride equal to the window, ");
	fot_str_puts(out, strcmp(fot_table_text(g->t, g->line[0], "bos_mode"), "first") == 0 ?
				  "one BOS at the start of the document. " :
				  "no BOS. ");
	fot_str_printf(out,
		       "Context length: local window plus memory%s. In brackets the 95 %%"
		       " interval of the bootstrap over documents (%d draws, percentiles).",
		       fot_table_has(g->t, g->line[0], "own_tokens") ?
			       ", of which the own tokens are the document's and the rest is windows of other documents" :
			       "",
		       FOT_STATS_DRAWS);
	bold(out, "lower", "sign flips over documents");
	if (fot_grid_varies(g, "target_start"))
		fot_str_puts(out, " Each line against those of its first target.");
	repeats(out, g);
}

static void chance(struct fot_str *out, const struct fot_grid *g)
{
	double p = fot_table_real(g->t, g->line[0], "chance_level", 0);

	if (p > 0.0005)
		fot_str_printf(out, " Chance: %.1f %%.", 100 * p);
	else if (p > 0)
		fot_str_printf(out, " Chance: 1 in %.0f.", 1 / p);
}

static void majority(struct fot_str *out, const struct fot_grid *g)
{
	if (fot_table_has(g->t, g->line[0], "majority_level"))
		fot_str_printf(out, " Always the commonest label: %.1f %%.",
			       100 * fot_table_real(g->t, g->line[0], "majority_level", 0));
}

static void caption_passkey(struct fot_str *out, const struct fot_grid *g)
{
	fot_str_puts(out, "pass-key accuracy against context length: trials whose greedy tokens are the key's, over all "
			  "depths. ");
	fot_grid_range(out, g, "n_items");
	fot_str_puts(out, " trials per cell");
	missing(out, g, "failed");
	fot_str_puts(out, ", the same for all lines of a column; ");
	window(out, g);
	fot_str_puts(out, ".");
	chance(out, g);
	fot_str_puts(out, " In brackets the 95 % Wilson interval, then right of all trials.");
	bold(out, "higher", "exact McNemar on the same trials");
}

static void caption_lookup(struct fot_str *out, const struct fot_grid *g)
{
	bool tokens = strcmp(fot_table_text(g->t, g->line[0], "metric"), "token_accuracy") == 0;

	fot_str_puts(out, tokens ? "dictionary look-up: value tokens that were the most likely ones" :
				   "dictionary look-up: questions whose value tokens were all right");
	fot_str_puts(out, ", against the context length (dictionary and question) in tokens. ");
	fot_grid_range(out, g, "n_items");
	fot_str_puts(out, " trials per cell, each with a dictionary and questions of its own");
	missing(out, g, "failed");
	fot_str_puts(out, "; ");
	window(out, g);
	fot_str_puts(out, ".");
	if (tokens)
		chance(out, g);
	fot_str_printf(out,
		       " In brackets the 95 %%"
		       " interval of the bootstrap over trials (%d draws, percentiles), then the lowest and the "
		       "highest trial.",
		       FOT_STATS_DRAWS);
	bold(out, "higher", "sign flips over trials");
}

static void caption_fewshot(struct fot_str *out, const struct fot_grid *g)
{
	bool balanced = strcmp(g->view->metric[0], "balanced_accuracy") == 0;

	fot_str_puts(out, balanced ? "balanced few-shot accuracy, the mean over right labels of the share of their "
				     "questions that is answered so, against the number of demonstrations. " :
				     "few-shot accuracy against the number of demonstrations. ");
	fot_grid_range(out, g, "n_clusters");
	fot_str_puts(out, " test items, ");
	fot_grid_range(out, g, "n_items");
	fot_str_puts(out, " answers per cell over all demonstration seeds");
	missing(out, g, "failed or too long");
	fot_str_puts(out, "; ");
	window(out, g);
	fot_str_puts(out, ".");
	chance(out, g);
	if (!balanced)
		majority(out, g);
	fot_str_printf(out,
		       " In brackets the 95 %%"
		       " interval of the crossed bootstrap over test items and demonstration seeds (%d draws, "
		       "percentiles); sd: between seeds, in percentage points%s.",
		       FOT_STATS_DRAWS,
		       balanced ? "" : "; top: per cent of the answers that are the commonest one, mean over seeds");
	bold(out, "higher",
	     balanced ? "crossed bootstrap of the difference" :
			"crossed bootstrap of the difference, with one seed exact McNemar");
}

static void caption_distraction(struct fot_str *out, const struct fot_grid *g)
{
	fot_str_puts(out, "r_d, the attention mass on the previous window of the own document over the mass on those of all "
			  "d documents in sight, mean over queries and heads of a memory layer, higher is better. ");
	fot_grid_range(out, g, "n_items");
	fot_str_puts(out, " documents");
	missing(out, g, "failed or too short");
	fot_str_puts(out, "; ");
	window(out, g);
	fot_str_printf(out,
		       ". Attention that does not tell documents apart gives 1/d. In brackets the 95 %%"
		       " interval of the bootstrap over documents (%d draws, percentiles).",
		       FOT_STATS_DRAWS);
	bold(out, "higher", "sign flips over documents");
	fot_str_puts(out, " The paper (arXiv 2307.03170, sec. distraction issue): about 1/d after standard training.");
}

static const struct section {
	struct fot_view view;
	void (*caption)(struct fot_str *out, const struct fot_grid *g);
} sections[] = {
	{ { "perplexity", FOT_GRID_ESTIMATES, { "perplexity" }, "context_length", { NULL }, NULL, "own_tokens", "target_start" },
	  caption_perplexity },
	{ { "perplexity", FOT_GRID_ESTIMATES, { "perplexity" }, "context_length", { "own_tokens" }, "own_tokens", NULL, "target_start" },
	  caption_perplexity },
	{ { "perplexity", FOT_GRID_ESTIMATES, { "bits_per_byte" }, "context_length", { "own_tokens" }, NULL, NULL, "target_start" },
	  caption_perplexity },
	{ { "passkey", FOT_GRID_ESTIMATES, { "accuracy" }, "context_length", { "prompt_style" }, NULL, NULL, NULL },
	  caption_passkey },
	{ { "lookup", FOT_GRID_ESTIMATES, { "token_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  caption_lookup },
	{ { "lookup", FOT_GRID_ESTIMATES, { "value_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  caption_lookup },
	{ { "fewshot", FOT_GRID_ESTIMATES, { "accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  caption_fewshot },
	{ { "fewshot", FOT_GRID_ESTIMATES, { "balanced_accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  caption_fewshot },
	{ { "distraction", FOT_GRID_ESTIMATES, { "positive_mass" }, "n_contexts", { "layer" }, NULL, NULL, NULL },
	  caption_distraction },
};
#define N_SECTIONS (sizeof sections / sizeof sections[0])

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
		if (g->words == FOT_GRID_MARKDOWN)
			fot_quote_markdown(out, source);
		else
			fot_str_puts(out, source);
		any = true;
	}
	if (any)
		fot_str_puts(out, ") for this dataset, method and length; other models, tokenizers and documents than ours.");
}

static int put_caption(struct fot_str *out, const struct section *s, const struct fot_grid *g, bool latex,
		       struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (latex)
		fot_quote_latex(out, g->dataset);
	else
		fot_quote_markdown(out, g->dataset);
	fot_str_puts(&text, *g->dataset ? ": " : "");
	s->caption(&text, g);
	cite(&text, g);
	status = fot_str_check(&text, err);
	if (status == FOT_OK && latex)
		fot_quote_latex(out, text.data);
	else if (status == FOT_OK)
		fot_str_puts(out, text.data);
	fot_str_release(&text);
	return status;
}

/* "tab:perplexity", "tab:lookup-token-accuracy-others-books": letters, digits and dashes. */
static void put_reference(struct fot_str *out, const struct section *s, const char *dataset)
{
	const char *part[] = { s->view.task, s->view.metric[0], s->view.filled ? "others" : "", dataset };

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

static int print_table(struct fot_str *out, const struct section *s, const struct fot_grid *g, bool latex,
		       struct fot_err *err)
{
	int status;

	fot_str_puts(out, latex ? "\n\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{" : "\n");
	FOT_TRY(put_caption(out, s, g, latex, err));
	fot_str_puts(out, latex ? "}\n" : "\n\n");
	if (latex)
		put_reference(out, s, g->dataset);
	FOT_TRY(fot_grid_print(out, g, latex ? FOT_GRID_LATEX : FOT_GRID_MARKDOWN, err));
	fot_str_puts(out, latex ? "\\end{table}\n" : "");
out:
	return status;
}

/* "# Results of quick, paper-fft1" */
static void put_title(struct fot_str *out, const struct fot_table *report)
{
	fot_str_puts(out, "# Results");
	for (size_t row = 0, n = 0; row < report->n_rows; row++) {
		bool new = true;

		for (size_t r = 0; r < row && new; r++)
			new = !fot_table_same(report, r, report, row, "run");
		if (!new)
			continue;
		fot_str_puts(out, n++ ? ", " : " of ");
		fot_quote_markdown(out, fot_table_text(report, row, "run"));
	}
	fot_str_puts(out, "\n\n");
}

/* --- all datasets in one table --- */

static void caption_compact(struct fot_str *out, const struct section *s, const struct fot_grid *g)
{
	static const struct {
		const char *task, *metric, *says;
	} words[] = {
		{ "perplexity", "perplexity", "Perplexity per token against context length in tokens, lower is better" },
		{ "perplexity", "bits_per_byte", "Bits per byte against context length in tokens, lower is better" },
		{ "passkey", "accuracy", "Pass-key accuracy in per cent against context length in tokens" },
		{ "lookup", "token_accuracy", "Look-up, value tokens right in per cent against the dictionary's length in tokens" },
		{ "lookup", "value_accuracy", "Look-up, whole values right in per cent against the dictionary's length in tokens" },
		{ "fewshot", "accuracy", "Few-shot accuracy in per cent against the number of demonstrations" },
		{ "fewshot", "balanced_accuracy", "Balanced few-shot accuracy in per cent against the number of demonstrations" },
		{ "distraction", "positive_mass", "Attention mass on the own document among d in sight" },
	};
	struct fot_str text = FOT_STR_INIT;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].task, s->view.task) == 0 && strcmp(words[i].metric, s->view.metric[0]) == 0)
			fot_str_puts(&text, words[i].says);
	}
	fot_str_puts(&text, s->view.filled ? ", the memory filled with other documents; " : "; ");
	window(&text, g);
	fot_str_puts(&text, ". Bold: the best of a column; underlined: the second. Either only where the paired 95 % interval "
			    "of its difference from the next excludes zero, the second only below a bold one.");
	if (text.failed)
		out->failed = true;
	else
		fot_quote_latex(out, text.data);
	fot_str_release(&text);
}

static int print_compact(struct fot_str *out, const struct section *s, const struct fot_table *report, int digits,
			 struct fot_err *err)
{
	struct fot_grid g;
	int status;

	FOT_TRY(fot_grid_init(&g, report, &s->view, NULL, err));
	g.digits = digits;
	if (g.n_lines == 0)
		goto out;
	fot_str_puts(out, "\n\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{");
	caption_compact(out, s, &g);
	fot_str_puts(out, "}\n");
	put_reference(out, s, NULL);
	FOT_TRY(fot_grid_print_compact(out, &g, err));
	fot_str_puts(out, "\\end{table}\n");
out:
	fot_grid_release(&g);
	return status;
}

int fot_report_print(struct fot_str *out, const struct fot_table *report, enum fot_report_format format,
		     int digits, struct fot_err *err)
{
	bool latex = format == FOT_REPORT_LATEX;
	const char *dataset;
	int status = FOT_OK;

	if (latex)
		fot_str_puts(out, "% needs \\usepackage{booktabs}, and for names that hold a \" \\usepackage[T1]{fontenc}\n");
	else
		put_title(out, report);
	for (size_t i = 0; latex && i < N_SECTIONS && status == FOT_OK; i++)
		status = print_compact(out, &sections[i], report, digits, err);
	for (size_t d = 0; (dataset = fot_grid_dataset(report, d)) != NULL && status == FOT_OK; d++) {
		if (!latex) {
			fot_str_puts(out, d ? "\n## " : "## ");
			fot_quote_markdown(out, dataset);
			fot_str_putc(out, '\n');
		}
		for (size_t i = 0; i < N_SECTIONS && status == FOT_OK; i++) {
			struct fot_grid g;

			status = fot_grid_init(&g, report, &sections[i].view, dataset, err);
			g.digits = digits;
			g.words = latex ? FOT_GRID_TEXT : FOT_GRID_MARKDOWN; /* put_caption quotes LaTeX as a whole */
			if (status == FOT_OK && g.n_lines > 0)
				status = print_table(out, &sections[i], &g, latex, err);
			fot_grid_release(&g);
		}
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
