/* summary_print.c: summary rows as tables for readers, one after the other per dataset. */
#include <string.h>

#include "base/quote.h"
#include "harness/report/grid.h"
#include "harness/tables/labels.h"
#include "harness/report/summary.h"

#define INTERVALS " In brackets the 95 % interval of the "

static const struct section {
	struct fot_view view;
	const char *title;   /* in plain text; NULL: not shown there */
	const char *caption; /* in Markdown */
	const char *items;   /* what n_items counts; NULL: not said */
} sections[] = {
	{ { "perplexity", FOT_GRID_ESTIMATES, { "perplexity" }, "context_length", { NULL }, NULL, "own_tokens", NULL },
	  "perplexity per token",
	  "Perplexity per token." INTERVALS "bootstrap over documents.",
	  "documents" },
	{ { "perplexity", FOT_GRID_WITH_ITSELF, { "perplexity" }, "context_length", { NULL }, NULL, "own_tokens", NULL },
	  NULL,
	  "Change of perplexity against the same model and memory at its shortest context, on the same tokens." INTERVALS
	  "paired bootstrap over documents; p: sign flips, adjusted by Holm over the lengths.",
	  NULL },
	{ { "perplexity", FOT_GRID_WITH_BASELINE, { "perplexity" }, "context_length", { NULL }, NULL, "own_tokens", NULL },
	  NULL,
	  "Difference of perplexity from the vanilla model (the local weights with the same memory) at the same context "
	  "length, on the same tokens; intervals and p as above.",
	  NULL },
	{ { "perplexity", FOT_GRID_ESTIMATES, { "perplexity" }, "context_length", { "own_tokens" }, "own_tokens", NULL, NULL },
	  "perplexity per token among other documents",
	  "Multi-doc: perplexity per token; of the memory the own tokens are the document's, the rest is windows of others."
	  INTERVALS "bootstrap over documents.",
	  "documents" },
	{ { "perplexity", FOT_GRID_WITH_ITSELF, { "perplexity" }, "context_length", { "own_tokens" }, "own_tokens", NULL, NULL },
	  NULL,
	  "Multi-doc: change against the shortest context, on the same tokens; intervals and p as above.",
	  NULL },
	{ { "perplexity", FOT_GRID_WITH_BASELINE, { "perplexity" }, "context_length", { "own_tokens" }, "own_tokens", NULL, NULL },
	  NULL,
	  "Multi-doc: difference from the vanilla model at the same context length, on the same tokens.",
	  NULL },
	{ { "perplexity", FOT_GRID_ESTIMATES, { "perplexity_trend", "perplexity_rank" }, NULL, { "own_tokens" }, NULL, NULL, NULL },
	  NULL,
	  "Trend with the context length: Theil-Sen slope of the mean nll against log2(length), below 0 where longer "
	  "contexts help, and Spearman's rank correlation." INTERVALS "bootstrap over documents.",
	  NULL },
	{ { "passkey", FOT_GRID_ESTIMATES, { "accuracy" }, "context_length", { "prompt_style" }, NULL, "depth", NULL },
	  "pass key, trials answered right",
	  "Pass key: trials whose greedy tokens are the key's, over all depths. In brackets the 95 % Wilson interval, "
	  "then right of all trials.",
	  "trials" },
	{ { "passkey", FOT_GRID_ESTIMATES, { "accuracy" }, "context_length", { "prompt_style", "depth" }, "depth", NULL, NULL },
	  NULL,
	  "Pass key by depth, the place of the key from 0 (start) to 1 (end of the filler).",
	  "trials" },
	{ { "passkey", FOT_GRID_WITH_ITSELF, { "accuracy" }, "context_length", { "prompt_style" }, NULL, "depth", NULL },
	  NULL,
	  "Change of pass-key accuracy, in percentage points, against the same model and memory at its shortest context, "
	  "paired by depth and trial." INTERVALS
	  "paired bootstrap over trials; p: exact McNemar, adjusted by Holm over the lengths.",
	  NULL },
	{ { "passkey", FOT_GRID_WITH_BASELINE, { "accuracy" }, "context_length", { "prompt_style" }, NULL, "depth", NULL },
	  NULL,
	  "Difference of pass-key accuracy, in percentage points, from the baseline (vanilla under the same memory; "
	  "without a memory local) in the same trials; intervals and p as above.",
	  NULL },
	{ { "lookup", FOT_GRID_ESTIMATES, { "token_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  "look-up, value tokens right",
	  "Dictionary look-up: value tokens that were the most likely ones, against the dictionary's length in tokens." INTERVALS
	  "bootstrap over trials, then the lowest and highest trial.",
	  "trials" },
	{ { "lookup", FOT_GRID_ESTIMATES, { "value_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  "look-up, whole values right",
	  "Dictionary look-up: questions whose value tokens were all right." INTERVALS
	  "bootstrap over trials, then the lowest and highest trial.",
	  "trials" },
	{ { "lookup", FOT_GRID_WITH_ITSELF, { "token_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  NULL,
	  "Change of the tokens right, in percentage points, against the same model and memory with its shortest "
	  "dictionary, paired by trial." INTERVALS
	  "paired bootstrap over trials; p: sign flips over trials, adjusted by Holm over the lengths.",
	  NULL },
	{ { "lookup", FOT_GRID_WITH_BASELINE, { "token_accuracy" }, "context_length", { NULL }, NULL, NULL, NULL },
	  NULL,
	  "Difference of the tokens right, in percentage points, from the baseline (vanilla under the same memory; "
	  "without a memory local) in the same trials; intervals and p as above.",
	  NULL },
	{ { "fewshot", FOT_GRID_ESTIMATES, { "accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  "few-shot accuracy",
	  "Few-shot accuracy against the number of demonstrations." INTERVALS
	  "crossed bootstrap over test items and demonstration seeds; sd: between the seeds, in percentage points; top: "
	  "per cent of the answers that are the commonest one, mean over the seeds.",
	  "answers" },
	{ { "fewshot", FOT_GRID_ESTIMATES, { "balanced_accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  "few-shot balanced accuracy",
	  "Balanced few-shot accuracy: the mean over right labels of the share of their questions that is answered so; one "
	  "answer to all questions has that of chance." INTERVALS
	  "crossed bootstrap over test items and demonstration seeds, each draw with the labels that it holds; sd as above.",
	  "answers" },
	{ { "fewshot", FOT_GRID_WITH_ITSELF, { "accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  NULL,
	  "Change of few-shot accuracy, in percentage points, against the fewest demonstrations, on the same items and "
	  "seeds." INTERVALS
	  "crossed bootstrap of the difference; p: from its draws (one seed: exact McNemar), adjusted by Holm over the "
	  "shots and lengths.",
	  NULL },
	{ { "fewshot", FOT_GRID_WITH_BASELINE, { "accuracy" }, "n_shots", { "context_length", "calibration", "distractors" }, NULL, NULL, NULL },
	  NULL,
	  "Difference of few-shot accuracy, in percentage points, from the baseline (vanilla under the same memory; "
	  "without a memory local) on the same items and demonstrations; intervals and p as above.",
	  NULL },
	{ { "distraction", FOT_GRID_ESTIMATES, { "positive_mass" }, "n_contexts", { "layer" }, NULL, "head", NULL },
	  "attention mass on the own document of d, mean over heads",
	  "Distraction: r_d, the attention mass on the own previous window over the mass on all d, mean over heads and "
	  "queries; 1/d is what blind attention gives." INTERVALS "bootstrap over documents.",
	  "documents" },
	{ { "distraction", FOT_GRID_WITH_BASELINE, { "positive_mass" }, "n_contexts", { "layer" }, NULL, "head", NULL },
	  NULL,
	  "Difference of r_d from the baseline (vanilla under the same memory; without a memory local) on the same "
	  "documents." INTERVALS
	  "paired bootstrap over documents; p: sign flips, adjusted by Holm over d.",
	  NULL },
};
#define N_SECTIONS (sizeof sections / sizeof sections[0])

static void count(struct fot_str *out, const struct fot_grid *g, const char *column, const char *what)
{
	if (fot_grid_most(g, column) == 0)
		return;
	fot_str_puts(out, " (");
	fot_grid_range(out, g, column);
	fot_str_printf(out, " %s)", what);
}

/* Under the table: how many documents say the same. */
static void warn_of_copies(struct fot_str *out, const struct fot_grid *g, bool markdown)
{
	int64_t items = 0, texts = 0;

	for (size_t i = 0; i < g->n_lines * g->n_columns; i++) {
		int64_t n = g->row[i] == SIZE_MAX ? 0 : fot_table_int(g->t, g->row[i], "n_items", 0);
		int64_t k = g->row[i] == SIZE_MAX ? 0 : fot_table_int(g->t, g->row[i], "n_clusters", 0);

		if (n - k > items - texts) {
			items = n;
			texts = k;
		}
	}
	if (items > texts)
		fot_str_printf(out, "%sWarning: %lld documents hold %lld different text%s: copies of a text are drawn as one.%s\n",
			       markdown ? "\n" : "", (long long)items, (long long)texts, texts == 1 ? "" : "s",
			       texts == 1 ? " One text: no interval." : "");
}

static void describe_items(struct fot_str *out, const struct fot_grid *g, const struct section *s, bool markdown)
{
	bool perplexity = strcmp(s->view.task, "perplexity") == 0, distraction = strcmp(s->view.task, "distraction") == 0;

	fot_grid_range(out, g, "n_items");
	fot_str_printf(out, " %s%s", s->items, perplexity ? "" : " per cell");
	count(out, g, "n_skipped", perplexity ? "too short" : distraction ? "too short or with too few others" : "too long");
	count(out, g, "n_failed", "failed");
	if (perplexity) {
		fot_str_puts(out, ", ");
		fot_grid_range(out, g, "n_tokens_scored");
		fot_str_puts(out, " target tokens, the same at every context length");
	}
	fot_str_puts(out, "; local window ");
	fot_grid_range(out, g, "window");
	fot_grid_common(out, g);
	fot_str_putc(out, '.');
	if (perplexity && markdown)
		fot_str_puts(out, " The longest context places the targets: a run with another longest one scores other tokens.");
	if (strcmp(fot_table_text(g->t, g->line[0], "status"), "one cluster") == 0 && fot_grid_most(g, "n_items") < 2)
		fot_str_printf(out, " One %s: no interval.", perplexity ? "document" : "trial or item");
}

static int print_section(struct fot_str *out, const struct fot_table *t, const char *dataset,
			 const struct section *s, bool markdown, size_t width, int digits, struct fot_err *err)
{
	struct fot_grid g;
	int status = fot_grid_init(&g, t, &s->view, dataset, err);

	g.width = width;
	g.digits = digits;
	if (status != FOT_OK || g.n_lines == 0)
		goto out;
	if (markdown) {
		fot_str_printf(out, "\n%s%s", s->caption, s->items ? " " : "");
	} else {
		g.words = FOT_GRID_TEXT;
		fot_str_puts(out, out->len ? "\n" : "");
		fot_quote_terminal(out, dataset);
		fot_str_printf(out, ": %s, ", s->title);
	}
	if (s->items)
		describe_items(out, &g, s, markdown);
	fot_str_puts(out, markdown ? "\n\n" : "\n");
	status = fot_grid_print(out, &g, markdown ? FOT_GRID_MARKDOWN : FOT_GRID_TEXT, err);
	if (s->items && strcmp(s->view.task, "perplexity") == 0)
		warn_of_copies(out, &g, markdown);
out:
	fot_grid_release(&g);
	return status;
}

int fot_summary_markdown(struct fot_str *out, const struct fot_table *summary, struct fot_err *err)
{
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = fot_grid_dataset(summary, d)) != NULL && status == FOT_OK; d++) {
		fot_str_puts(out, d ? "\n## " : "## ");
		fot_quote_markdown(out, *dataset ? dataset : "(no dataset)");
		fot_str_putc(out, '\n');
		for (size_t i = 0; i < N_SECTIONS && status == FOT_OK; i++)
			status = print_section(out, summary, dataset, &sections[i], true, 0, 0, err);
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

int fot_summary_text(struct fot_str *out, const struct fot_table *summary, size_t width, int digits,
		     struct fot_err *err)
{
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = fot_grid_dataset(summary, d)) != NULL && status == FOT_OK; d++) {
		for (size_t i = 0; i < N_SECTIONS && status == FOT_OK; i++) {
			if (sections[i].title)
				status = print_section(out, summary, dataset, &sections[i], false, width, digits, err);
		}
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
