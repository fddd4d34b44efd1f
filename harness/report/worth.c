/* worth.c: see worth.h. */
#include "harness/report/worth.h"

#include <string.h>

#define MAX_DATASETS 8

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

/* Datasets in the order of their first row; returns their number. */
static size_t list_datasets(const struct fot_table *t, const char *names[MAX_DATASETS])
{
	size_t n = 0;

	for (size_t r = 0; r < t->n_rows; r++) {
		const char *name = fot_table_text(t, r, "dataset");
		size_t i = 0;

		while (i < n && strcmp(names[i], name) != 0)
			i++;
		if (i == n && n < MAX_DATASETS)
			names[n++] = name;
	}
	return n;
}

static void put_rows(struct fot_plot_text *out, const struct fot_table *t, const char *dataset, int64_t most)
{
	for (size_t r = 0; r < t->n_rows; r++) {
		struct key k = { fot_table_int(t, r, "step", 0), dataset };
		double with, without;

		if (fot_table_int(t, r, "memory_windows", -1) != 0 ||
		    strcmp(fot_table_text(t, r, "dataset"), dataset) != 0 || !nll_at(t, &k, 0, &without) ||
		    !nll_at(t, &k, most, &with))
			continue;
		fot_str_printf(&out->data, "%s,%lld,", dataset, (long long)fot_table_int(t, r, "tokens", 0));
		fot_str_double(&out->data, without - with);
		fot_str_putc(&out->data, '\n');
		out->n_points++;
	}
}

int fot_worth_text(struct fot_plot_text *out, const struct fot_table *valid, struct fot_err *err)
{
	const char *names[MAX_DATASETS];
	size_t n = list_datasets(valid, names);
	int64_t tokens, most = largest_memory(valid, &tokens);
	int status;

	*out = (struct fot_plot_text){ 0 };
	fot_str_puts(&out->data, "dataset,tokens,worth_nats\n");
	for (size_t i = 0; most > 0 && i < n; i++)
		put_rows(out, valid, names[i], most);
	fot_str_printf(&out->names, "# Written by fotbench plot.\nmemory_tokens = %lld\nn_series = %zu\narray series[%zu] = [",
		       (long long)tokens, n, n);
	for (size_t i = 0; i < n; i++)
		fot_str_printf(&out->names, "%s\"%s\"", i ? ", " : "", names[i]);
	/* The shared style wants a panel and lengths; this figure has one of each. */
	fot_str_puts(&out->names, "]\nn_datasets = 1\nn_lengths = 1\nx_low = 1.0\nx_high = 1.0\n");
	FOT_TRY(fot_str_check(&out->data, err));
	FOT_TRY(fot_str_check(&out->names, err));
out:
	return status;
}
