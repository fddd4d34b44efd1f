/* worth.c: see worth.h. */
#include "harness/report/worth.h"

#include <string.h>

#include "base/quote.h"
#include "harness/report/plotdata_impl.h"

struct key {
	int64_t step;
	const char *dataset;
};

/* nll of a validation at a memory size; false if there is none. */
static bool nll_at(const struct fot_table *t, const struct key *k, int64_t windows, double *nll)
{
	for (size_t r = 0; r < t->n_rows; r++)
		if (fot_table_int(t, r, "step", -1) == k->step &&
		    fot_table_int(t, r, "memory_windows", -1) == windows &&
		    strcmp(fot_table_text(t, r, "dataset"), k->dataset) == 0) {
			*nll = fot_table_real(t, r, "nll_nats", 0);
			return true;
		}
	return false;
}

static int64_t largest_memory(const struct fot_table *t, int64_t *tokens)
{
	int64_t most = 0;

	*tokens = 0;
	for (size_t r = 0; r < t->n_rows; r++)
		if (fot_table_int(t, r, "memory_windows", 0) > most) {
			most = fot_table_int(t, r, "memory_windows", 0);
			*tokens = fot_table_int(t, r, "memory_tokens", 0);
		}
	return most;
}

static bool same_dataset(const struct fot_table *t, size_t a, size_t b)
{
	return fot_table_same(t, a, t, b, "dataset");
}

static void put_row(struct fot_plot_text *out, const struct fot_table *t, size_t row, size_t series,
		    int64_t most)
{
	const char *dataset = fot_table_text(t, row, "dataset");
	struct key k = { fot_table_int(t, row, "step", 0), dataset };
	double with, without;

	if (fot_table_int(t, row, "memory_windows", -1) != 0 || !nll_at(t, &k, 0, &without) ||
	    !nll_at(t, &k, most, &with))
		return;
	fot_str_printf(&out->data, "%zu,%lld,", series, (long long)fot_table_int(t, row, "tokens", 0));
	fot_str_double(&out->data, without - with);
	fot_str_putc(&out->data, ',');
	fot_quote_csv(&out->data, dataset);
	fot_str_putc(&out->data, '\n');
	out->n_points++;
}

/* One series per dataset, in the order of their first rows; returns their number. */
static size_t put_series(struct fot_plot_text *out, const struct fot_table *t, int64_t most)
{
	size_t n = 0;

	for (size_t first = 0; first < t->n_rows; first++) {
		size_t before = 0;

		while (before < first && !same_dataset(t, before, first))
			before++;
		if (before < first)
			continue;
		fot_plot_put_label(&out->labels, "series", ++n, fot_table_text(t, first, "dataset"));
		for (size_t row = first; row < t->n_rows; row++)
			if (same_dataset(t, row, first))
				put_row(out, t, row, n, most);
	}
	return n;
}

int fot_worth_text(struct fot_plot_text *out, const struct fot_table *valid, struct fot_err *err)
{
	int64_t tokens, most = largest_memory(valid, &tokens);
	size_t n;
	int status;

	*out = (struct fot_plot_text){ 0 };
	fot_str_puts(&out->data, "series,tokens,worth_nats,dataset\n");
	n = most > 0 ? put_series(out, valid, most) : 0;
	fot_str_printf(&out->names, "# Written by fotbench plot.\nmemory_tokens = %lld\nn_series = %zu\n",
		       (long long)tokens, n);
	fot_str_printf(&out->names, "array look[%zu]\narray dash[%zu]\n", n, n);
	for (size_t i = 1; i <= n; i++)
		fot_str_printf(&out->names, "look[%zu] = %zu\ndash[%zu] = 4\n", i, (i - 1) % 12 + 1, i);
	/* The shared style wants a panel and lengths; this figure has one of each. */
	fot_str_puts(&out->names, "n_datasets = 1\nn_lengths = 1\nx_low = 1.0\nx_high = 1.0\n");
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->labels, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	return status;
}
