/* leftout.c: see leftout.h. */
#include "harness/report/leftout.h"

#include <string.h>

#include "harness/tables/groups.h"

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

static bool any_row(const struct fot_table *t, const struct fot_group *g, const char *status)
{
	for (size_t i = 0; i < g->n; i++)
		if (has_status(t, g->row[i], status))
			return true;
	return false;
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
			why[k] += any_row(t, &units->at[i], reasons[k].status);
	}
	for (size_t k = 0; k < N_REASONS; k++)
		if (why[k])
			fot_str_printf(out, "%s on %s: %zu of %zu %s %s\n", t->schema->name,
				       fot_table_text(t, row, "dataset"), why[k], n,
				       documents ? "documents" : "test items", reasons[k].words);
}

/* Has it skipped rows alone? What failed is said elsewhere. */
static bool only_skipped(const struct fot_table *t, const struct fot_group *g)
{
	return !any_row(t, g, "ok") && !any_row(t, g, "failed");
}

static void count_conditions(struct fot_str *out, const struct fot_table *t,
			     const struct fot_groups *conditions, size_t row)
{
	size_t n = 0, empty = 0;

	for (size_t i = 0; i < conditions->n; i++) {
		if (!is_of(t, &conditions->at[i], row))
			continue;
		n++;
		empty += only_skipped(t, &conditions->at[i]);
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
