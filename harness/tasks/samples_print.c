/* samples_print.c: rows of samples as Markdown.
 *
 * Text comes from documents and may hold anything; it never begins a line, where more of it would be
 * markup than its door knows. */
#include "base/quote.h"
#include "harness/tasks/samples.h"

/* The text around a token, from three columns, the token in bold. */
static void put_context(struct fot_str *out, const struct fot_table *t, size_t row, const char *before, const char *text,
			const char *after)
{
	fot_quote_markdown_text(out, fot_table_text(t, row, before));
	fot_str_puts(out, "<b>");
	fot_quote_markdown_text(out, fot_table_text(t, row, text));
	fot_str_puts(out, "</b>");
	fot_quote_markdown_text(out, fot_table_text(t, row, after));
}

static void put_title(struct fot_str *out, const struct fot_table *t)
{
	fot_str_puts(out, "# What the memory's queries retrieve\n\nModel ");
	fot_quote_markdown_text(out, fot_table_text(t, 0, "model"));
	fot_str_puts(out, " (");
	fot_quote_markdown_text(out, fot_table_text(t, 0, "model_variant"));
	fot_str_puts(out, "), memory ");
	fot_quote_markdown_text(out, fot_table_text(t, 0, "memory_mode"));
	if (fot_table_has(t, 0, "top_k"))
		fot_str_printf(out, ", the best %lld keys per query and head", (long long)fot_table_int(t, 0, "top_k", 0));
	fot_str_printf(out, "; context of %lld tokens, %lld of them local; dataset ",
		       (long long)fot_table_int(t, 0, "context_length", 0), (long long)fot_table_int(t, 0, "window", 0));
	fot_quote_markdown_text(out, fot_table_text(t, 0, "dataset"));
	fot_str_puts(out, ".\n\nThe query token, and each token that it retrieved, stand in bold in their text. kNN score: share of "
			  "the query's attention mass on all retrieved keys, the rest is on the local window. Share: what of the "
			  "mass is on this one. Focus score: mass on this key over the mass on it, the 32 keys before and the 32 "
			  "behind it. Distance: tokens from the retrieved token to the query.\n");
}

static void put_query(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_puts(out, "\n## Document ");
	fot_quote_markdown_text(out, fot_table_text(t, row, "doc_id"));
	fot_str_printf(out, ", token %lld\n\nQuery: ", (long long)fot_table_int(t, row, "position", 0));
	put_context(out, t, row, "before", "text", "after");
	fot_str_puts(out, "\n\n| layer | head | kNN score | retrieved | distance | share | focus score |\n"
			  "|---:|---:|---:|---|---:|---:|---:|\n");
}

/* Layer, head and kNN score stand in the first row of a head alone. */
static void put_row(struct fot_str *out, const struct fot_table *t, size_t row)
{
	long long distance = (long long)(fot_table_int(t, row, "position", 0) - fot_table_int(t, row, "key_position", 0));

	if (fot_table_int(t, row, "rank", 0) == 1)
		fot_str_printf(out, "| %lld | %lld | %.3f | ", (long long)fot_table_int(t, row, "layer", 0),
			       (long long)fot_table_int(t, row, "head", 0), fot_table_real(t, row, "knn_score", 0));
	else
		fot_str_puts(out, "| | | | ");
	put_context(out, t, row, "key_before", "key_text", "key_after");
	fot_str_printf(out, " | %lld | %.3f | %.3f |\n", distance, fot_table_real(t, row, "key_share", 0),
		       fot_table_real(t, row, "focus_score", 0));
}

int fot_samples_print(struct fot_str *out, const struct fot_table *table, struct fot_err *err)
{
	static const char *const query[] = { "doc_id", "position", NULL };

	if (table->n_rows == 0)
		return fot_str_check(out, err);
	put_title(out, table);
	for (size_t row = 0; row < table->n_rows; row++) {
		if (row == 0 || !fot_table_same_all(table, row, table, row - 1, query))
			put_query(out, table, row);
		put_row(out, table, row);
	}
	return fot_str_check(out, err);
}
