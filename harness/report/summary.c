/* summary.c: which task is summed up where. */
#include "harness/report/summary_impl.h"

static const struct {
	const struct fot_schema *schema;
	int (*build)(struct fot_table *summary, const struct fot_table *rows, uint64_t seed, struct fot_err *err);
} tasks[] = {
	{ &fot_schema_perplexity, fot_summary_perplexity },
	{ &fot_schema_passkey, fot_summary_measures },
	{ &fot_schema_lookup, fot_summary_measures },
	{ &fot_schema_fewshot, fot_summary_measures },
	{ &fot_schema_distraction, fot_summary_measures },
};

int fot_summary_build(struct fot_table *summary, const struct fot_table *rows, uint64_t seed,
		      struct fot_err *err)
{
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
		if (tasks[i].schema == rows->schema)
			return tasks[i].build(summary, rows, seed, err);
	}
	return FOT_FAIL(err, FOT_ERR_RUN, "summary: no task writes %s.csv", rows->schema->name);
}

void fot_summary_baseline(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_printf(out, "%s:%s/%s", fot_table_text(t, row, "run_id"),
		       fot_table_text(t, row, "model_variant"), fot_table_text(t, row, "memory_mode"));
	if (fot_table_has(t, row, "top_k"))
		fot_str_printf(out, ":%lld", (long long)fot_table_int(t, row, "top_k", 0));
	fot_str_printf(out, "@%lld", (long long)fot_table_int(t, row, "context_length", 0));
	if (fot_table_has(t, row, "shots_asked"))
		fot_str_printf(out, "#%s", fot_table_text(t, row, "shots_asked"));
	else if (fot_table_has(t, row, "n_shots"))
		fot_str_printf(out, "#%lld", (long long)fot_table_int(t, row, "n_shots", 0));
}
