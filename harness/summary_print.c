/* summary_print.c: summary rows as tables for readers.
 *
 * One grid per dataset: a line per condition, a column per context length.
 * Cells show `7.5243 [7.4410, 7.6091]`; differences also their adjusted p. */
#include <string.h>

#include "base/mem.h"
#include "harness/labels.h"
#include "harness/summary.h"

enum kind { ESTIMATE, AGAINST_SHORTEST, AGAINST_VANILLA, N_KINDS };

static const char *text_of(const struct fot_table *t, size_t row, const char *column)
{
	return fot_table_text(t, row, column);
}

static bool is_perplexity(const struct fot_table *t, size_t row)
{
	return strcmp(text_of(t, row, "metric"), "perplexity") == 0;
}

static enum kind kind_of(const struct fot_table *t, size_t row)
{
	const char *baseline = text_of(t, row, "baseline_run_id"), *at = strrchr(baseline, '@');
	int64_t length;

	if (!*baseline)
		return ESTIMATE;
	if (at && fot_parse_i64(at + 1, &length) && length != fot_table_int(t, row, "context_length", 0))
		return AGAINST_SHORTEST;
	return AGAINST_VANILLA;
}

static bool same_line(const struct fot_table *t, size_t a, size_t b)
{
	static const char *const texts[] = { "dataset", "model", "model_variant", "memory_mode",
					     "mem_dtype" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(text_of(t, a, texts[i]), text_of(t, b, texts[i])) != 0)
			return false;
	}
	return fot_table_int(t, a, "top_k", 0) == fot_table_int(t, b, "top_k", 0) &&
	       fot_table_int(t, a, "window", 0) == fot_table_int(t, b, "window", 0);
}

static void interval(struct fot_str *out, const struct fot_table *t, size_t row, const char *value,
		     const char *lo, const char *hi, const char *form)
{
	if (fot_table_cell(t, row, value)->kind != FOT_CELL_REAL) {
		fot_str_puts(out, "-");
		return;
	}
	fot_str_printf(out, form, fot_table_real(t, row, value, 0));
	if (fot_table_cell(t, row, lo)->kind != FOT_CELL_REAL)
		return;
	fot_str_puts(out, " [");
	fot_str_printf(out, form, fot_table_real(t, row, lo, 0));
	fot_str_puts(out, ", ");
	fot_str_printf(out, form, fot_table_real(t, row, hi, 0));
	fot_str_puts(out, "]");
}

static void cell_text(struct fot_str *out, const struct fot_table *t, size_t row, enum kind kind)
{
	if (kind == ESTIMATE) {
		interval(out, t, row, "value", "ci_low", "ci_high", "%.4f");
		return;
	}
	interval(out, t, row, "delta", "delta_ci_low", "delta_ci_high", "%+.4f");
	if (fot_table_cell(t, row, "p_adjusted")->kind == FOT_CELL_REAL)
		fot_str_printf(out, " p %.2g", fot_table_real(t, row, "p_adjusted", 0));
}

/* --- the grid of one dataset --- */

struct grid {
	const struct fot_table *t;
	enum kind kind;
	size_t *line; /* a row of each line */
	size_t n_lines;
	int64_t *length; /* ascending */
	size_t n_lengths;
};

static void add_line(struct grid *g, size_t row)
{
	for (size_t i = 0; i < g->n_lines; i++) {
		if (same_line(g->t, g->line[i], row))
			return;
	}
	g->line[g->n_lines++] = row;
}

static void add_length(struct grid *g, int64_t length)
{
	size_t at = g->n_lengths;

	for (size_t i = 0; i < g->n_lengths; i++) {
		if (g->length[i] == length)
			return;
	}
	for (; at > 0 && g->length[at - 1] > length; at--)
		g->length[at] = g->length[at - 1];
	g->length[at] = length;
	g->n_lengths++;
}

static int grid_init(struct grid *g, const struct fot_table *t, const char *dataset, enum kind kind,
		     struct fot_err *err)
{
	*g = (struct grid){ .t = t, .kind = kind };
	g->line = fot_alloc(t->n_rows, sizeof *g->line);
	g->length = fot_alloc(t->n_rows, sizeof *g->length);
	if (!g->line || !g->length)
		return FOT_FAIL(err, FOT_ERR_RUN, "summary: out of memory");
	for (size_t row = 0; row < t->n_rows; row++) {
		if (!is_perplexity(t, row) || kind_of(t, row) != kind ||
		    strcmp(text_of(t, row, "dataset"), dataset) != 0)
			continue;
		add_line(g, row);
		add_length(g, fot_table_int(t, row, "context_length", 0));
	}
	return FOT_OK;
}

static void grid_release(struct grid *g)
{
	fot_free(g->line);
	fot_free(g->length);
}

static bool find_cell(const struct grid *g, size_t line, size_t length, size_t *row)
{
	for (size_t r = 0; r < g->t->n_rows; r++) {
		if (is_perplexity(g->t, r) && kind_of(g->t, r) == g->kind &&
		    same_line(g->t, g->line[line], r) &&
		    fot_table_int(g->t, r, "context_length", 0) == g->length[length]) {
			*row = r;
			return true;
		}
	}
	return false;
}

static void grid_markdown(struct fot_str *out, const struct grid *g)
{
	size_t row;

	fot_str_puts(out, "| model | memory |");
	for (size_t l = 0; l < g->n_lengths; l++) {
		fot_str_putc(out, ' ');
		fot_label_length(out, g->length[l]);
		fot_str_puts(out, " |");
	}
	fot_str_puts(out, "\n|---|---|");
	for (size_t l = 0; l < g->n_lengths; l++)
		fot_str_puts(out, "---:|");
	fot_str_putc(out, '\n');
	for (size_t i = 0; i < g->n_lines; i++) {
		fot_str_puts(out, "| ");
		fot_label_markdown(out, text_of(g->t, g->line[i], "model_variant"));
		fot_str_puts(out, " | ");
		fot_label_memory(out, g->t, g->line[i]);
		fot_str_puts(out, " |");
		for (size_t l = 0; l < g->n_lengths; l++) {
			fot_str_putc(out, ' ');
			if (find_cell(g, i, l, &row))
				cell_text(out, g->t, row, g->kind);
			fot_str_puts(out, " |");
		}
		fot_str_putc(out, '\n');
	}
}

static void grid_text(struct fot_str *out, const struct grid *g)
{
	size_t row;

	fot_str_printf(out, "%-16s %-10s", "model", "memory");
	for (size_t l = 0; l < g->n_lengths; l++) {
		struct fot_str length = FOT_STR_INIT;

		fot_label_length(&length, g->length[l]);
		fot_str_printf(out, " %26s", length.failed ? "" : length.data);
		fot_str_release(&length);
	}
	fot_str_putc(out, '\n');
	for (size_t i = 0; i < g->n_lines; i++) {
		struct fot_str cell = FOT_STR_INIT;

		fot_label_memory(&cell, g->t, g->line[i]);
		fot_str_printf(out, "%-16s %-10s", text_of(g->t, g->line[i], "model_variant"),
			       cell.failed ? "" : cell.data);
		for (size_t l = 0; l < g->n_lengths; l++) {
			fot_str_clear(&cell);
			fot_str_puts(&cell, "");
			if (find_cell(g, i, l, &row))
				cell_text(&cell, g->t, row, g->kind);
			fot_str_printf(out, " %26s", cell.failed ? "" : cell.data);
		}
		fot_str_putc(out, '\n');
		fot_str_release(&cell);
	}
}

/* --- documents --- */

/* The k-th distinct dataset in order of appearance, NULL behind the last. */
static const char *dataset_at(const struct fot_table *t, size_t k)
{
	size_t seen = 0;

	for (size_t row = 0; row < t->n_rows; row++) {
		const char *name = text_of(t, row, "dataset");
		bool new = true;

		for (size_t r = 0; r < row && new; r++)
			new = strcmp(text_of(t, r, "dataset"), name) != 0;
		if (new &&seen++ == k)
			return name;
	}
	return NULL;
}

static const char *const captions[] = {
	"Perplexity per token. In brackets the 95 % interval of the bootstrap over documents.",
	"Change of perplexity against the same model and memory at its shortest context, on the same tokens. In brackets the "
	"95 % interval of the paired bootstrap over documents; p: sign flips, adjusted by Holm over the lengths.",
	"Difference of perplexity from the vanilla model (the local weights with the same memory) at the same context "
	"length, on the same tokens; intervals and p as above.",
};

static void describe_items(struct fot_str *out, const struct grid *g)
{
	size_t row = g->line[0];

	fot_str_printf(out, "%lld documents", (long long)fot_table_int(g->t, row, "n_items", 0));
	if (fot_table_int(g->t, row, "n_skipped", 0))
		fot_str_printf(out, " (%lld too short)", (long long)fot_table_int(g->t, row, "n_skipped", 0));
	if (fot_table_int(g->t, row, "n_failed", 0))
		fot_str_printf(out, " (%lld failed)", (long long)fot_table_int(g->t, row, "n_failed", 0));
	fot_str_printf(out, ", %lld target tokens, the same at every context length; local window %lld.",
		       (long long)fot_table_int(g->t, row, "n_tokens_scored", 0),
		       (long long)fot_table_int(g->t, row, "window", 0));
	if (strcmp(text_of(g->t, row, "status"), "one cluster") == 0)
		fot_str_puts(out, " One document: no interval.");
}

int fot_summary_markdown(struct fot_str *out, const struct fot_table *summary, struct fot_err *err)
{
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = dataset_at(summary, d)) != NULL && status == FOT_OK; d++) {
		fot_str_puts(out, d ? "\n## " : "## ");
		fot_label_markdown(out, dataset);
		fot_str_putc(out, '\n');
		for (int kind = 0; kind < N_KINDS && status == FOT_OK; kind++) {
			struct grid g;

			status = grid_init(&g, summary, dataset, (enum kind)kind, err);
			if (status == FOT_OK && g.n_lines > 0) {
				fot_str_printf(out, "\n%s", captions[kind]);
				if (kind == ESTIMATE) {
					fot_str_putc(out, ' ');
					describe_items(out, &g);
				}
				fot_str_puts(out, "\n\n");
				grid_markdown(out, &g);
			}
			grid_release(&g);
		}
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

int fot_summary_text(struct fot_str *out, const struct fot_table *summary, struct fot_err *err)
{
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = dataset_at(summary, d)) != NULL && status == FOT_OK; d++) {
		struct grid g;

		status = grid_init(&g, summary, dataset, ESTIMATE, err);
		if (status == FOT_OK && g.n_lines > 0) {
			fot_str_printf(out, "%s%s: perplexity per token, ", d ? "\n" : "", dataset);
			describe_items(out, &g);
			fot_str_putc(out, '\n');
			grid_text(out, &g);
		}
		grid_release(&g);
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}
