/* samples_loss.c: see samples_loss.h.  A query counts once for each layer and head, by its first row there.  Intervals
 * are the cluster bootstrap's over documents. */
#include "harness/tasks/samples_loss.h"

#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/report/measures.h"
#include "harness/tables/groups.h"
#include "harness/tables/labels.h"

#define SEED 1 /* of the bootstrap, as that of reports */

/* What makes a table, and what else two rows of a query have in common at one layer and head. */
#define TABLE "model", "model_variant", "window", "context_length", "dataset"
static const char *const table_columns[] = { TABLE, NULL };
static const char *const twin_columns[] = { TABLE, "doc_id", "position", "layer", "head", NULL };

struct losses {
	struct fot_str *out;
	const struct fot_table *t;
	size_t *whole; /* [n_whole] rows of conditions that read all */
	size_t n_whole;
	struct fot_row_index by_query; /* of these */
	struct fot_groups conditions, places,
		documents; /* of rows by condition; by layer and head too; by document too */
	const char *key[FOT_GROUP_COLUMNS + 1]; /* of a condition in a table */
	struct fot_err *err;
};

/* Does the row stand for its query at its layer and head? */
static bool counts(const struct fot_table *t, size_t row)
{
	return strcmp(fot_table_text(t, row, "status"), "ok") == 0 && fot_table_int(t, row, "rank", 0) == 1 &&
	       fot_table_has(t, row, "mass_caught");
}

/* Does a condition read all of the memory, at every query, layer and head? */
static bool reads_all(const struct fot_table *t, const struct fot_group *g)
{
	bool all = false;

	for (size_t i = 0; i < g->n; i++) {
		if (!counts(t, g->row[i]))
			continue;
		all = fot_table_int(t, g->row[i], "n_retrieved", 0) ==
		      fot_table_int(t, g->row[i], "n_keys", -1);
		if (!all)
			break;
	}
	return all;
}

/* What a row has in a column, or in NULL, of nll more than where all is read. */
static bool value_of(double *value, const struct losses *l, size_t row, const char *column)
{
	size_t twin = column ? 0 : fot_row_index_find(&l->by_query, l->t, row);

	if (!counts(l->t, row) || (!column && twin == l->n_whole) ||
	    !fot_table_has(l->t, row, column ? column : "nll_nats"))
		return false;
	*value = fot_table_number(l->t, row, column ? column : "nll_nats");
	if (!column)
		*value -= fot_table_real(l->t, l->whole[twin], "nll_nats", 0);
	return true;
}

static double add_up(double *n, const struct losses *l, const struct fot_group *g, const char *column)
{
	double sum = 0, x;

	*n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (value_of(&x, l, g->row[i], column)) {
			sum += x;
			++*n;
		}
	return sum;
}

static void put_mean(const struct losses *l, const struct fot_group *g, const char *column,
		     const char *format)
{
	double n, sum = add_up(&n, l, g, column);

	fot_str_puts(l->out, " | ");
	if (n > 0)
		fot_str_printf(l->out, format, sum / n);
}

/* The mean with its interval over documents. */
static int put_estimate(const struct losses *l, const struct fot_group *g, const char *column,
			const char *format)
{
	struct fot_boot boot = fot_rows_boot(g, SEED);
	double *num = fot_alloc(l->documents.n, sizeof *num), *den = fot_alloc(l->documents.n, sizeof *den);
	struct fot_estimate e = { 0 };
	size_t m = 0;
	int status = num && den ? FOT_OK : FOT_NO_MEMORY(l->err, "samples");

	for (size_t i = 0; i < l->documents.n && status == FOT_OK; i++) {
		const struct fot_group *d = &l->documents.at[i];

		if (!fot_table_same_all(l->t, d->row[0], l->t, g->row[0], l->key))
			continue;
		num[m] = add_up(&den[m], l, d, column);
		m += den[m] > 0;
	}
	if (status == FOT_OK)
		status = fot_stats_ratio_boot(&e, num, den, m, &boot, l->err);
	fot_str_puts(l->out, " | ");
	if (e.has_value)
		fot_str_printf(l->out, format, e.value);
	for (int end = 0; end < 2 && e.has_interval; end++) {
		fot_str_puts(l->out, end ? ", " : " \\[");
		fot_str_printf(l->out, format, end ? e.hi : e.lo);
	}
	fot_str_puts(l->out, e.has_interval ? "\\]" : "");
	fot_free(num);
	fot_free(den);
	return status;
}

static void begin_line(const struct losses *l, const struct fot_group *g)
{
	struct fot_str memory = FOT_STR_INIT;

	fot_label_memory(&memory, l->t, g->row[0]);
	fot_str_puts(l->out, "| ");
	fot_quote_markdown_text(l->out, memory.data ? memory.data : "");
	fot_str_release(&memory);
}

static int put_condition(const struct losses *l, const struct fot_group *g)
{
	int status;

	begin_line(l, g);
	fot_str_puts(l->out, " | all | all");
	put_mean(l, g, "n_retrieved", "%.0f");
	put_mean(l, g, "recall", "%.3f");
	FOT_TRY(put_estimate(l, g, "mass_caught", "%.3f"));
	FOT_TRY(put_estimate(l, g, "missed", "%.3f"));
	put_mean(l, g, "distracted", "%.3f");
	put_mean(l, g, "rest", "%.3f");
	put_mean(l, g, "nll_nats", "%.3f");
	if (reads_all(l->t, g))
		fot_str_puts(l->out, " | ");
	else
		FOT_TRY(put_estimate(l, g, NULL, "%+.3f"));
	fot_str_puts(l->out, " |\n");
out:
	return status;
}

static void put_place(const struct losses *l, const struct fot_group *g)
{
	begin_line(l, g);
	fot_str_printf(l->out, " | %lld | %lld", (long long)fot_table_int(l->t, g->row[0], "layer", 0),
		       (long long)fot_table_int(l->t, g->row[0], "head", 0));
	put_mean(l, g, "n_retrieved", "%.0f");
	put_mean(l, g, "recall", "%.3f");
	put_mean(l, g, "mass_caught", "%.3f");
	put_mean(l, g, "missed", "%.3f");
	put_mean(l, g, "distracted", "%.3f");
	put_mean(l, g, "rest", "%.3f");
	fot_str_puts(l->out, " | | |\n");
}

static const char legend[] =
	".\n\nMeans over queries; at the lines of all layers and heads the 95 % interval over documents. Read: entries of the memory "
	"that a query attends to. Recall: what of the entries of most dense mass, as many as are read, is read. Caught: what of the dense "
	"mass on the memory lies on entries that are read. Missed: the share of a query's dense attention mass that lies on the others. It goes "
	"elsewhere: distracted is what of it goes to entries that are read and are none of those that recall counts, the rest goes to those "
	"that it counts and to the local keys. In layers above the first memory layer queries and keys are those of the memory at hand. nll: "
	"of the token behind the query, in nats; the last column: less that where all is read.\n\n"
	"| memory | layer | head | read | recall | caught | missed | distracted | rest | nll | against all |\n"
	"|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";

static bool any_counts(const struct fot_table *t, const struct fot_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (counts(t, g->row[i]))
			return true;
	return false;
}

/* All conditions of the table that condition `first` begins. */
static int put_table(const struct losses *l, size_t first)
{
	size_t row = l->conditions.at[first].row[0];
	int status = FOT_OK;

	fot_str_puts(l->out, "\n# Against all of the memory\n\nModel ");
	fot_quote_markdown_text(l->out, fot_table_text(l->t, row, "model"));
	fot_str_printf(l->out, "; context of %lld tokens, %lld of them local; dataset ",
		       (long long)fot_table_int(l->t, row, "context_length", 0),
		       (long long)fot_table_int(l->t, row, "window", 0));
	fot_quote_markdown_text(l->out, fot_table_text(l->t, row, "dataset"));
	fot_str_puts(l->out, legend);
	for (size_t c = first; c < l->conditions.n; c++) {
		const struct fot_group *g = &l->conditions.at[c];

		if (!any_counts(l->t, g) || !fot_table_same_all(l->t, g->row[0], l->t, row, table_columns))
			continue;
		FOT_TRY(put_condition(l, g));
		for (size_t i = 0; i < l->places.n; i++)
			if (fot_table_same_all(l->t, l->places.at[i].row[0], l->t, g->row[0], l->key))
				put_place(l, &l->places.at[i]);
	}
out:
	return status;
}

/* The first condition of a table that has anything to tell. */
static bool begins_table(const struct losses *l, size_t c)
{
	for (size_t i = 0; i < c; i++)
		if (any_counts(l->t, &l->conditions.at[i]) &&
		    fot_table_same_all(l->t, l->conditions.at[i].row[0], l->t, l->conditions.at[c].row[0],
				       table_columns))
			return false;
	return any_counts(l->t, &l->conditions.at[c]);
}

static int group(struct losses *l)
{
	static const char *const per_head[] = { "layer", "head", NULL }, *const per_document[] = { "doc_id",
												   NULL };
	const char *key[FOT_GROUP_COLUMNS + 1];
	int status;

	fot_columns_append(l->key, fot_columns_append(l->key, 0, fot_condition_columns),
			   FOT_LIST("context_length", "dataset"));
	FOT_TRY(fot_groups_add(&l->conditions, l->t, 0, l->t->n_rows, l->key, l->err));
	fot_columns_append(key, fot_columns_append(key, 0, l->key), per_head);
	FOT_TRY(fot_groups_add(&l->places, l->t, 0, l->t->n_rows, key, l->err));
	fot_columns_append(key, fot_columns_append(key, 0, l->key), per_document);
	FOT_TRY(fot_groups_add(&l->documents, l->t, 0, l->t->n_rows, key, l->err));
	l->whole = fot_alloc(l->t->n_rows, sizeof *l->whole);
	if (!l->whole)
		return FOT_NO_MEMORY(l->err, "samples");
	for (size_t c = 0; c < l->conditions.n; c++) {
		const struct fot_group *g = &l->conditions.at[c];
		bool whole = reads_all(l->t, g);

		for (size_t i = 0; i < g->n && whole; i++)
			if (counts(l->t, g->row[i]) && fot_table_has(l->t, g->row[i], "nll_nats"))
				l->whole[l->n_whole++] = g->row[i];
	}
	status = fot_row_index_init(&l->by_query, l->t, l->whole, l->n_whole, twin_columns, l->err);
out:
	return status;
}

int fot_samples_loss(struct fot_str *out, const struct fot_table *rows, struct fot_err *err)
{
	struct losses l = { .out = out, .t = rows, .err = err };
	int status;

	FOT_TRY(group(&l));
	for (size_t c = 0; c < l.conditions.n; c++)
		if (begins_table(&l, c))
			FOT_TRY(put_table(&l, c));
	status = fot_str_check(out, err);
out:
	fot_groups_release(&l.conditions);
	fot_groups_release(&l.places);
	fot_groups_release(&l.documents);
	fot_row_index_release(&l.by_query);
	fot_free(l.whole);
	return status;
}
