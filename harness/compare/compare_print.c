/* compare_print.c: what the comparison found, as text; see compare.h. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"
#include "harness/compare/compare.h"
#include "harness/report/measures.h"
#include "harness/tables/labels.h"

#define NATS "nats per token"

static size_t count(const struct fot_table *t, const char *column, const char *word)
{
	size_t n = 0;

	for (size_t row = 0; row < t->n_rows; row++)
		n += strcmp(fot_table_text(t, row, column), word) == 0;
	return n;
}

size_t fot_compare_regressions(const struct fot_table *compared)
{
	return count(compared, "verdict", "worse");
}

static bool has_tier(const struct fot_table *t, size_t row, const char *tier)
{
	return strcmp(fot_table_text(t, row, "tier"), tier) == 0;
}

size_t fot_compare_changed(const struct fot_table *compared)
{
	return count(compared, "tier", "statistical");
}

static bool all_identical(const struct fot_table *t)
{
	return count(t, "tier", "identical") == t->n_rows;
}

const char *fot_compare_verdict(const struct fot_table *compared, bool exact)
{
	if (fot_compare_regressions(compared) > 0)
		return "regression";
	if (fot_compare_changed(compared) > 0)
		return exact ? "changed" : "no regression";
	return all_identical(compared) ? "identical" : "equal";
}

/* --- one sentence on all rows --- */

static bool is_in(const struct fot_table *t, size_t row, const char *unit)
{
	const char *own = fot_measure_of(t, row)->unit;

	return strcmp(own ? own : NATS, unit) == 0;
}

/* The largest difference in a unit, if a row is in it. */
static bool put_largest(struct fot_str *out, const struct fot_table *t, const char *unit, bool first)
{
	double most = -1;

	for (size_t row = 0; row < t->n_rows; row++) {
		if (is_in(t, row, unit))
			most = fmax(most, fot_table_real(t, row, "max_item_diff_nats", 0));
	}
	if (most >= 0)
		fot_str_printf(out, "%s%.2g %s", first ? "" : " and ", most, unit);
	return most >= 0;
}

/* In nats, then in each other unit that a task has. */
static void put_distance(struct fot_str *out, const struct fot_table *t)
{
	bool any = put_largest(out, t, NATS, true);

	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		const char *unit = fot_measured_tasks[i]->measure[0].unit;

		if (unit)
			any |= put_largest(out, t, unit, !any);
	}
}

/* Could sums made otherwise alone have made this difference? */
static bool from_kernel(const struct fot_table *t, size_t row)
{
	return !has_tier(t, row, "statistical") ||
	       (strcmp(fot_table_text(t, row, "memory_mode"), "knn") == 0 &&
		fot_table_real(t, row, "max_item_diff_nats", 0) <= FOT_COMPARE_KERNEL_NATS);
}

static void put_kernels(struct fot_str *out, const struct fot_table *t, const char *there, const char *here)
{
	size_t unexplained = 0;

	for (size_t row = 0; row < t->n_rows; row++)
		unexplained += !from_kernel(t, row);
	fot_str_printf(out, "; sums made otherwise (%s there, %s here)", there, here);
	if (unexplained > 0)
		fot_str_printf(
			out,
			", which explains at most %g nats per token in rows with a knn memory and %g in others,"
			" not the change of %zu row%s",
			FOT_COMPARE_KERNEL_NATS, FOT_COMPARE_EQUAL_NATS, unexplained, FOT_S(unexplained));
	else if (fot_compare_changed(t) > 0)
		fot_str_puts(out, ": a knn memory may keep another key of nearly the same score");
}

/* What made the sums; manifests from before these were our own name OpenBLAS' kernels. */
static const char *kernels_of(const cJSON *manifest)
{
	const char *word = cJSON_GetStringValue(fot_json_get(manifest, "sums"));

	return word ? word : cJSON_GetStringValue(fot_json_get(fot_json_get(manifest, "blas"), "core"));
}

/* Of products; manifests from before there was a choice say nothing. */
static const char *compute_of(const cJSON *manifest)
{
	const char *word = cJSON_GetStringValue(fot_json_get(manifest, "compute"));

	return word ? word : "f32";
}

/* What computed; before there was a choice, the CPU. */
static const char *engine_of(const cJSON *manifest)
{
	const char *word = cJSON_GetStringValue(fot_json_get(manifest, "engine"));

	return word ? word : "cpu";
}

int fot_compare_sentence(struct fot_str *out, const struct fot_table *compared, const char *base_name,
			 const cJSON *base, const cJSON *new, struct fot_err *err)
{
	const char *there = kernels_of(base), *here = kernels_of(new);
	size_t n = compared->n_rows;

	if (fot_compare_regressions(compared) > 0) {
		fot_str_printf(out, "the largest difference of a document or item from %s is ", base_name);
		put_distance(out, compared);
	} else if (all_identical(compared)) {
		fot_str_printf(out, n == 1 ? "the one row has" : "all %zu rows have", n);
		fot_str_printf(out, " the same bits as in %s", base_name);
	} else {
		fot_str_printf(out, n == 1 ? "the one row is within " : "all %zu rows are within ", n);
		put_distance(out, compared);
		fot_str_printf(out, " of %s, document by document or item by item", base_name);
	}
	if (strcmp(compute_of(base), compute_of(new)) != 0)
		fot_str_printf(out, "; products in %.20s there, in %.20s here", compute_of(base),
			       compute_of(new));
	if (there && here && strcmp(there, here) != 0)
		put_kernels(out, compared, there, here);
	if (strcmp(engine_of(base), engine_of(new)) != 0)
		fot_str_printf(out, "; by the engine %.20s there, %.20s here", engine_of(base), engine_of(new));
	return fot_str_check(out, err);
}

/* --- the table --- */

/* "accuracy, 16 shots" */
static void place_text(struct fot_str *out, const struct fot_table *t, size_t row)
{
	fot_str_puts(out, fot_table_text(t, row, "metric"));
	if (fot_table_has(t, row, "n_shots")) {
		fot_str_puts(out, ", ");
		fot_label_shots(out, fot_label_place(t, row, "n_shots"));
	}
	if (fot_table_has(t, row, "distractors"))
		fot_str_printf(out, ", distractors %lld", (long long)fot_table_int(t, row, "distractors", 0));
	if (fot_table_has(t, row, "n_contexts"))
		fot_str_printf(out, ", d %lld", (long long)fot_table_int(t, row, "n_contexts", 0));
	if (fot_table_has(t, row, "layer"))
		fot_str_printf(out, ", layer %lld", (long long)fot_table_int(t, row, "layer", 0));
}

static size_t place_width(const struct fot_table *t)
{
	size_t width = strlen("metric");

	for (size_t row = 0; row < t->n_rows; row++) {
		struct fot_str s = FOT_STR_INIT;

		place_text(&s, t, row);
		width = s.len > width ? s.len : width;
		fot_str_release(&s);
	}
	return width;
}

/* Decimals that show two digits of the difference: what is called worse must not read 0.0000. */
static int digits_of(const struct fot_table *t, size_t row)
{
	double delta = fabs(fot_table_real(t, row, "delta", 0));

	if (!(delta > 0))
		return 4;
	return (int)fmin(fmax(4, 1 - floor(log10(delta))), 12);
}

void fot_compare_value(struct fot_str *out, const struct fot_table *t, size_t row, const char *column)
{
	if (fot_table_has(t, row, column))
		fot_str_printf(out, "%.*f", digits_of(t, row), fot_table_real(t, row, column, 0));
	else
		fot_str_putc(out, '-');
}

void fot_compare_delta(struct fot_str *out, const struct fot_table *t, size_t row)
{
	int digits = digits_of(t, row);

	fot_str_printf(out, "%+.*f", digits, fot_table_real(t, row, "delta", 0));
	if (fot_table_has(t, row, "delta_ci_low"))
		fot_str_printf(out, " [%+.*f, %+.*f]", digits, fot_table_real(t, row, "delta_ci_low", 0),
			       digits, fot_table_real(t, row, "delta_ci_high", 0));
}

static bool is_text(const struct fot_str *s, const char *text)
{
	return strcmp(s->data ? s->data : "", text) == 0;
}

/* At most so many bytes of each variant; of a pair under two names both, as --pair has them: "fot=vanilla",
 * "dense,layers=1=knn:128". */
static void put_condition(struct fot_str *variant, struct fot_str *memory, const struct fot_table *t,
			  size_t row, int most)
{
	fot_str_printf(variant, "%.*s", most, fot_table_text(t, row, "model_variant"));
	if (!fot_table_has(t, row, "new_model_variant")) {
		fot_label_memory(memory, t, row);
		return;
	}
	fot_str_printf(variant, "=%.*s", most, fot_table_text(t, row, "new_model_variant"));
	fot_condition_memory(memory, t, row);
	if (is_text(memory, fot_table_text(t, row, "new_memory")))
		return;
	fot_str_clear(memory);
	fot_label_memory(memory, t, row);
	if (!is_text(memory, fot_table_text(t, row, "new_memory")))
		fot_str_printf(memory, "=%s", fot_table_text(t, row, "new_memory"));
}

void fot_compare_row_name(struct fot_str *out, const struct fot_table *t, size_t row)
{
	static const char *const further[] = { "prompt_style", "calibration", "n_records", "own_tokens" };
	struct fot_str variant = FOT_STR_INIT, memory = FOT_STR_INIT;

	put_condition(&variant, &memory, t, row, FOT_NAME_MAX);
	place_text(out, t, row);
	fot_str_printf(out, ", %s, ", fot_table_text(t, row, "dataset"));
	fot_label_length(out, fot_table_int(t, row, "context_length", 0));
	fot_str_printf(out, ", %s, %s", variant.failed ? "" : variant.data, memory.failed ? "" : memory.data);
	for (size_t i = 0; i < FOT_COUNT(further); i++) {
		if (fot_table_cell(t, row, further[i])->kind == FOT_CELL_TEXT)
			fot_str_printf(out, ", %s", fot_table_text(t, row, further[i]));
		else if (fot_table_has(t, row, further[i]))
			fot_str_printf(out, ", %s %lld", further[i],
				       (long long)fot_table_int(t, row, further[i], 0));
	}
	out->failed = out->failed || variant.failed || memory.failed;
	fot_str_release(&variant);
	fot_str_release(&memory);
}

void fot_compare_row_verdict(struct fot_str *out, const struct fot_table *t, size_t row)
{
	const char *verdict = fot_table_text(t, row, "verdict");

	if (strcmp(verdict, "undetected") == 0 && fot_table_has(t, row, "min_detectable"))
		fot_str_printf(out, "below the detectable difference of %.2g",
			       fot_table_real(t, row, "min_detectable", 0));
	else
		fot_str_puts(out, verdict);
}

static void row_text(struct fot_str *out, const struct fot_table *t, size_t row, size_t width)
{
	struct fot_str variant = FOT_STR_INIT, memory = FOT_STR_INIT, length = FOT_STR_INIT,
		       delta = FOT_STR_INIT, metric = FOT_STR_INIT;
	int digits = digits_of(t, row);

	put_condition(&variant, &memory, t, row, 40);
	fot_label_length(&length, fot_table_int(t, row, "context_length", 0));
	fot_compare_delta(&delta, t, row);
	place_text(&metric, t, row);
	fot_str_printf(out, "%-12.40s %-*s %6s %-14s %-9s %5lld %9.*f %9.*f %-28s",
		       fot_table_text(t, row, "dataset"), (int)width, metric.failed ? "" : metric.data,
		       length.failed ? "" : length.data, variant.failed ? "" : variant.data,
		       memory.failed ? "" : memory.data, (long long)fot_table_int(t, row, "n_items", 0),
		       digits, fot_table_real(t, row, "base", 0), digits, fot_table_real(t, row, "new", 0),
		       delta.failed ? "" : delta.data);
	if (fot_table_has(t, row, "p_adjusted"))
		fot_str_printf(out, " %8.2g %10.2g  ", fot_table_real(t, row, "p_adjusted", 0),
			       fot_table_real(t, row, "min_detectable", 0));
	else
		fot_str_printf(out, " %8s %10s  ", "-", "-");
	fot_compare_row_verdict(out, t, row);
	fot_str_putc(out, '\n');
	fot_str_release(&variant);
	fot_str_release(&memory);
	fot_str_release(&length);
	fot_str_release(&delta);
	fot_str_release(&metric);
}

int fot_compare_text(struct fot_str *out, const struct fot_table *compared, struct fot_err *err)
{
	size_t width = place_width(compared);

	fot_str_printf(out, "%-12s %-*s %6s %-14s %-9s %5s %9s %9s %-28s %8s %10s  %s\n", "dataset",
		       (int)width, "metric", "length", "model", "memory", "items", "base", "new",
		       "difference [95 % interval]", "p (Holm)", "detectable", "verdict");
	for (size_t row = 0; row < compared->n_rows; row++) {
		struct fot_str line = FOT_STR_INIT;

		row_text(&line, compared, row, width);
		fot_quote_take(out, &line, fot_quote_lines);
	}
	return fot_str_check(out, err);
}
