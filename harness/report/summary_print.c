/* summary_print.c: summary rows as tables for readers, one after the other per dataset. */
#include <string.h>

#include "base/quote.h"
#include "harness/report/grid.h"
#include "harness/report/summary.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"

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

static void describe_items(struct fot_str *out, const struct fot_grid *g, bool markdown)
{
	const struct fot_summary_view *v = g->summary;

	if (!v->items)
		return;
	fot_grid_words(out, g, v->items);
	fot_grid_words(out, g, "; local window {window}{common}.{fitted}");
	if (v->note && markdown)
		fot_str_puts(out, v->note);
	if (strcmp(fot_table_text(g->t, g->line[0], "status"), "one cluster") == 0 && fot_grid_most(g, "n_items") < 2)
		fot_str_printf(out, " One %s: no interval.", v->one);
}

static void put_caption(struct fot_str *out, const struct fot_grid *g)
{
	fot_str_printf(out, "%s%s", g->summary->caption, g->summary->items ? " " : "");
	describe_items(out, g, true);
}

void fot_summary_words(struct fot_str *out, const struct fot_grid *g)
{
	put_caption(out, g);
	if (!g->summary->copies)
		return;
	fot_str_putc(out, ' ');
	warn_of_copies(out, g, false);
}

static int put_markdown(void *to, const struct fot_grid *g, struct fot_err *err)
{
	struct fot_str *out = to;
	int status;

	fot_str_putc(out, '\n');
	put_caption(out, g);
	fot_str_puts(out, "\n\n");
	status = fot_grid_print(out, g, FOT_MARKDOWN, err);
	if (g->summary->copies)
		warn_of_copies(out, g, true);
	return status;
}

static int put_text(void *to, const struct fot_grid *g, struct fot_err *err)
{
	struct fot_str *out = to;
	int status;

	if (!g->summary->title)
		return FOT_OK;
	fot_str_puts(out, out->len ? "\n" : "");
	fot_quote_terminal(out, g->dataset);
	fot_str_printf(out, ": %s, ", g->summary->title);
	describe_items(out, g, false);
	fot_str_putc(out, '\n');
	status = fot_grid_print(out, g, FOT_TEXT, err);
	if (g->summary->copies)
		warn_of_copies(out, g, false);
	return status;
}

int fot_summary_markdown(struct fot_str *out, const struct fot_table *summary, struct fot_err *err)
{
	const struct fot_grids grids = { .t = summary, .put = put_markdown, .to = out };
	const char *dataset;
	int status = FOT_OK;

	for (size_t d = 0; (dataset = fot_grid_dataset(summary, d)) != NULL && status == FOT_OK; d++) {
		fot_str_puts(out, d ? "\n## " : "## ");
		fot_quote_markdown(out, *dataset ? dataset : "(no dataset)");
		fot_str_putc(out, '\n');
		status = fot_grids_put(&grids, dataset, err);
	}
	return status == FOT_OK ? fot_str_check(out, err) : status;
}

int fot_summary_text(struct fot_str *out, const struct fot_table *summary, size_t width, int digits,
		     struct fot_err *err)
{
	const struct fot_grids grids = {
		.t = summary, .words = FOT_TEXT, .width = width, .digits = digits, .put = put_text, .to = out
	};
	int status = fot_grids_put_all(&grids, err);

	return status == FOT_OK ? fot_str_check(out, err) : status;
}

/* --- what the rows of a run do not measure --- */

static const struct {
	const char *status, *words;
} reasons[] = {
	{ "skipped_short", "too short" },
	{ "skipped_few", "with too few windows of other documents for some n_contexts" },
	{ "skipped_long", "too long" },
};
#define N_REASONS (sizeof reasons / sizeof *reasons)

static bool has_status(const struct fot_table *t, size_t row, const char *status)
{
	return strcmp(fot_table_text(t, row, "status"), status) == 0;
}

bool fot_measured_any(const struct fot_table *rows, size_t first, size_t last)
{
	for (size_t row = first; row < last; row++)
		if (has_status(rows, row, "ok"))
			return true;
	return false;
}

static bool is_of(const struct fot_table *t, const struct fot_group *g, size_t row)
{
	return fot_table_same(t, g->row[0], t, row, "dataset");
}

/* Of documents whose rows say how many tokens they have: how short is too short. */
static void put_lengths(struct fot_str *out, const struct fot_table *t, const struct fot_groups *units,
			size_t row)
{
	int64_t tokens = 0, context = 0;

	for (size_t i = 0; i < units->n; i++)
		for (size_t k = 0; is_of(t, &units->at[i], row) && k < units->at[i].n; k++) {
			size_t at = units->at[i].row[k];
			int64_t n = fot_table_int(t, at, "n_tokens_doc", 0),
				length = fot_table_int(t, at, "context_length", 0);

			context = length > context ? length : context;
			tokens = has_status(t, at, "skipped_short") && n > tokens ? n : tokens;
		}
	if (tokens > 0)
		fot_str_printf(out, " (up to %lld tokens, contexts of up to %lld)", (long long)tokens,
			       (long long)context);
}

/* units: documents or items of all datasets; row: one of the dataset. */
static void count_units(struct fot_str *out, const struct fot_table *t, const struct fot_groups *units,
			size_t row, bool documents)
{
	size_t n = 0, why[N_REASONS] = { 0 };

	for (size_t i = 0; i < units->n; i++) {
		if (!is_of(t, &units->at[i], row))
			continue;
		n++;
		for (size_t k = 0; k < N_REASONS; k++)
			why[k] += fot_rows_with_status(&units->at[i], reasons[k].status) > 0;
	}
	for (size_t k = 0; k < N_REASONS; k++) {
		if (!why[k])
			continue;
		fot_str_printf(out, "%s on %s: %zu of %zu %s %s", t->schema->name,
			       fot_table_text(t, row, "dataset"), why[k], n,
			       documents ? "documents" : "test items", reasons[k].words);
		if (k == 0)
			put_lengths(out, t, units, row);
		fot_str_putc(out, '\n');
	}
}

/* Has it skipped rows alone? What failed is said elsewhere. */
static bool only_skipped(const struct fot_group *g)
{
	return fot_rows_with_status(g, "ok") == 0 && fot_rows_with_status(g, "failed") == 0;
}

static void count_conditions(struct fot_str *out, const struct fot_table *t,
			     const struct fot_groups *conditions, size_t row)
{
	size_t n = 0, empty = 0;

	for (size_t i = 0; i < conditions->n; i++) {
		if (!is_of(t, &conditions->at[i], row))
			continue;
		n++;
		empty += only_skipped(&conditions->at[i]);
	}
	if (empty)
		fot_str_printf(
			out,
			"%s on %s: nothing was measured under %zu of %zu conditions: everything was skipped\n",
			t->schema->name, fot_table_text(t, row, "dataset"), empty, n);
}

int fot_left_out(struct fot_str *skipped, struct fot_str *nothing, const struct fot_table *rows,
		 struct fot_err *err)
{
	static const char *const dataset[] = { "dataset", NULL };
	const char *condition[FOT_GROUP_COLUMNS + 1];
	bool documents = fot_schema_column(rows->schema, "doc_id") >= 0;
	const char *const unit[] = { "dataset", documents ? "doc_id" : "item_id", NULL };
	struct fot_groups datasets = { 0 }, units = { 0 }, conditions = { 0 };
	int status;

	fot_columns_append(condition, fot_columns_append(condition, 0, dataset), fot_condition_columns);
	FOT_TRY(fot_groups_add(&datasets, rows, 0, rows->n_rows, dataset, err));
	FOT_TRY(fot_groups_add(&conditions, rows, 0, rows->n_rows, condition, err));
	if (fot_schema_column(rows->schema, unit[1]) >= 0)
		FOT_TRY(fot_groups_add(&units, rows, 0, rows->n_rows, unit, err));
	for (size_t i = 0; i < datasets.n; i++) {
		count_units(skipped, rows, &units, datasets.at[i].row[0], documents);
		count_conditions(nothing, rows, &conditions, datasets.at[i].row[0]);
	}
	FOT_TRY(fot_str_check(skipped, err));
	status = fot_str_check(nothing, err);
out:
	fot_groups_release(&datasets);
	fot_groups_release(&units);
	fot_groups_release(&conditions);
	return status;
}

/* Seeds draw demonstrations of other lengths: one may fit what another does not. */
static bool any_truncated(const struct fot_group *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (fot_table_int(r->t, r->row[i], "truncated", 0))
			return true;
	return false;
}

/* Of all cells whose prompts lack some of what is asked for the one that is furthest from it. */
int fot_fell_short(struct fot_str *out, const struct fot_table *rows, struct fot_err *err)
{
	const struct fot_measured_task *task = fot_measured_task(rows->schema);
	struct fot_groups cells = { 0 };
	const char *word = "fit";
	int64_t most = 0, fit = 0;
	size_t worst = 0, n = 0;
	int status;

	if (!task || !task->reached)
		return FOT_OK;
	FOT_TRY(fot_measured_groups(&cells, rows, 0, rows->n_rows, fot_condition_columns, task, NULL, err));
	for (size_t i = 0; i < cells.n; i++) {
		const struct fot_group *g = &cells.at[i];
		int64_t reached = fot_rows_short(g, task), asked = fot_rows_axis(g, task);
		const char *how = fot_rows_reached_how(g, task);

		if (reached < 0 || (!how && !any_truncated(g)))
			continue;
		n++;
		if (asked - reached <= most)
			continue;
		most = asked - reached;
		fit = reached;
		worst = g->row[0];
		word = how ? "can be seen" : "fit";
	}
	if (n)
		fot_str_printf(out, "%s: of %lld demonstrations %lld %s (%s, %lld tokens, memory %s); in %zu of %zu cells not all do: "
				    "the tables say where and how many\n",
			       rows->schema->name, (long long)(fit + most), (long long)fit, word,
			       fot_table_text(rows, worst, "dataset"),
			       (long long)fot_table_int(rows, worst, "context_length", 0),
			       fot_table_text(rows, worst, "memory_mode"), n, cells.n);
	status = fot_str_check(out, err);
out:
	fot_groups_release(&cells);
	return status;
}
