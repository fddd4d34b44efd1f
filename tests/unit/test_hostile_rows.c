/* test_hostile_rows.c: whatever good rows a journal holds, all that follows from them can be written.
 *
 * Random rows of every task, each cell finite, many at the ends of what a cell can hold: sums that
 * overflow, nothing to divide by, one document, nothing but failures.  Summary, report, comparison,
 * claims and the data of figures are made of them and printed, and hold no nan and no inf. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "harness/compare/claims.h"
#include "harness/compare/compare.h"
#include "harness/plan/task_class.h"
#include "harness/report/plotdata.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "harness/tables/stats.h"
#include "tests/task_schemas.h"

#define ROUNDS 150
#define MOST_ROWS 24
#define TOP (((int64_t)1 << 53) - 1) /* what the journal takes */

/* --- rows --- */

static const struct {
	const char *column;
	const char *word[8]; /* ended by NULL; an empty one leaves the cell empty */
} words[] = {
	{ "run_id", { "0123", NULL } },
	{ "model", { "m", NULL } },
	{ "model_variant", { "vanilla", "fot", "local", NULL } },
	{ "memory_mode", { "none", "dense", "dense", NULL } },
	{ "dataset", { "books", NULL } },
	{ "status", { "ok", "ok", "ok", "ok", "failed", "skipped_short", "skipped_few", NULL } },
	{ "doc_id", { "a", "b", "c", NULL } },
	{ "item_id", { "a", "b", "c", NULL } },
	{ "doc_sha256", { "x", "y", "", NULL } },
	{ "prompt_style", { "paper", NULL } },
	{ "calibration", { "raw", NULL } },
	{ "shots_asked", { "0", "4", NULL } },
	{ "tokenizer_sha256", { "t", NULL } },
};
static const struct {
	const char *column;
	int64_t number[4];
} numbers[] = {
	{ "context_length", { 64, 128, 256, 256 } },
	{ "window", { 8, 8, 8, 8 } },
	{ "n_contexts", { 1, 2, 2, 2 } },
	{ "layer", { 0, 0, 0, 0 } },
	{ "trial", { 0, 1, 2, 3 } },
	{ "seed", { 1, 1, 1, 1 } },
	{ "demo_seed", { 0, 1, 1, 1 } },
	{ "n_shots", { 0, 4, 4, 4 } },
	{ "target_start", { 57, 57, 57, 57 } },
};
static const int64_t any_number[] = { 0, 0, 1, 1, 7, 1000, TOP, TOP };
static const double any_real[] = { 0,       1,       3,  700,     1e4, 1e6, DBL_MIN, DBL_TRUE_MIN,
				   DBL_MAX, DBL_MAX, -1, -DBL_MAX };

static void fill_text(struct fot_table *t, size_t row, const char *column, struct fot_rng *rng)
{
	for (size_t i = 0; i < FOT_COUNT(words); i++) {
		size_t n = 0;

		if (strcmp(words[i].column, column) != 0)
			continue;
		while (words[i].word[n])
			n++;
		fot_table_set_text(t, row, column, words[i].word[fot_rng_below(rng, n)]);
		return;
	}
	fot_table_set_text(t, row, column, strcmp(column, "task") == 0 ? t->schema->name : "");
}

static void fill_number(struct fot_table *t, size_t row, const char *column, struct fot_rng *rng)
{
	for (size_t i = 0; i < FOT_COUNT(numbers); i++)
		if (strcmp(numbers[i].column, column) == 0) {
			fot_table_set_int(t, row, column, numbers[i].number[fot_rng_below(rng, 4)]);
			return;
		}
	if (strcmp(column, "top_k") != 0 && strcmp(column, "own_tokens") != 0 && strcmp(column, "head") != 0)
		fot_table_set_int(t, row, column, any_number[fot_rng_below(rng, FOT_COUNT(any_number))]);
}

static void fill_cell(struct fot_table *t, size_t row, const struct fot_column *c, struct fot_rng *rng)
{
	if (c->type == FOT_COLUMN_TEXT)
		fill_text(t, row, c->name, rng);
	else if (c->type == FOT_COLUMN_INT)
		fill_number(t, row, c->name, rng);
	else if (c->type == FOT_COLUMN_BOOL)
		fot_table_set_int(t, row, c->name, (int64_t)fot_rng_below(rng, 2));
	else if (strstr(c->name, "_level")) /* what the program knows, not what it measures */
		fot_table_set_real(t, row, c->name, 0.25);
	else if (strcmp(c->name, "depth") == 0)
		fot_table_set_real(t, row, c->name, (double)fot_rng_below(rng, 2));
	else
		fot_table_set_real(t, row, c->name, any_real[fot_rng_below(rng, FOT_COUNT(any_real))]);
}

static void make_rows(struct fot_table *t, const struct fot_schema *schema, uint64_t round)
{
	struct fot_rng rng;
	size_t n;

	fot_rng_init(&rng, 1, schema->name, round);
	n = 1 + (size_t)fot_rng_below(&rng, MOST_ROWS);
	fot_table_init(t, schema);
	for (size_t i = 0; i < n; i++) {
		size_t row = fot_table_add(t);

		for (size_t c = 0; c < schema->n; c++)
			fill_cell(t, row, &schema->column[c], &rng);
	}
	assert_int_equal(fot_table_check(t, NULL), FOT_OK);
}

/* --- what follows from them --- */

static void must(int status, const struct fot_err *err, const char *what)
{
	if (status != FOT_OK)
		fail_msg("%s: %s", what, err->text);
}

/* No number that is none, in a text whose words hold neither. */
static void is_sound(const struct fot_str *text, const char *what)
{
	for (const char *at = text->data; text->len && *at; at++)
		if ((strncmp(at, "nan", 3) == 0 || strncmp(at, "inf", 3) == 0) &&
		    (at == text->data || strchr(",:-[( |&\n", at[-1])) && strchr(",]) |&\n%.", at[3]))
			fail_msg("%s: %.60s", what, at > text->data + 20 ? at - 20 : text->data);
}

/* As CSV and back. */
static void can_be_written(const struct fot_table *t, const char *what)
{
	struct fot_str text = FOT_STR_INIT, again = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct fot_table back;

	must(fot_table_check(t, &err), &err, what);
	must(fot_table_print(&text, t, true, &err), &err, what);
	is_sound(&text, what);
	fot_table_init(&back, t->schema);
	must(fot_table_parse(&back, text.data, text.len, what, &err), &err, what);
	must(fot_table_print(&again, &back, true, &err), &err, what);
	assert_string_equal(text.data, again.data);
	fot_table_release(&back);
	fot_str_release(&text);
	fot_str_release(&again);
}

/* Every row says what it is, and one without a value why. */
static void says_why(const struct fot_table *summary)
{
	for (size_t row = 0; row < summary->n_rows; row++) {
		const char *status = fot_table_text(summary, row, "status");

		assert_true(*status);
		if (!fot_table_has(summary, row, "value"))
			assert_true(strcmp(status, "empty") == 0 ||
				    strcmp(status, FOT_STATS_OUT_OF_RANGE) == 0);
	}
}

static void sum_up(const struct fot_table *rows)
{
	struct fot_table summary;
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	fot_table_init(&summary, &fot_schema_summary);
	must(fot_summary_build(&summary, rows, 1, NULL, &err), &err, "summary");
	can_be_written(&summary, "summary.csv");
	says_why(&summary);
	must(fot_summary_markdown(&text, &summary, &err), &err, "summary.md");
	must(fot_summary_text(&text, &summary, 80, 3, &err), &err, "summary");
	is_sound(&text, "summary.md");
	for (size_t k = 0; k < fot_n_measured_tasks; k++) {
		const struct fot_measured_task *task = fot_measured_tasks[k];

		for (size_t i = 0; i < task->n_figures; i++) {
			struct fot_plot_text plot;

			must(fot_plot_text(&plot, &summary, task, &task->figure[i], &err), &err, "plot");
			is_sound(&plot.data, "plot");
			fot_plot_text_release(&plot);
		}
	}
	fot_str_release(&text);
	fot_table_release(&summary);
}

static void put_side_by_side(const struct fot_table *rows, bool bits)
{
	struct fot_report_run run[] = { { "one", 0, rows->n_rows / 2 },
					{ "two", rows->n_rows / 2, rows->n_rows } };
	struct fot_table report, paper;
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	fot_table_init(&report, &fot_schema_report);
	fot_table_init(&paper, &fot_schema_paper);
	must(fot_report_build(&report, rows, run, 2, &paper, bits, 1, NULL, &err), &err, "report");
	can_be_written(&report, "report.csv");
	must(fot_report_print(&text, &report, FOT_MARKDOWN, 0, &err), &err, "report.md");
	must(fot_report_print(&text, &report, FOT_LATEX, 0, &err), &err, "report.tex");
	is_sound(&text, "report");
	for (size_t row = 0; row < report.n_rows; row++)
		if (fot_table_int(&report, row, "best", 0))
			assert_true(fot_table_has(&report, row, "value"));
	fot_str_release(&text);
	fot_table_release(&report);
}

/* Rows at random are seldom comparable: then it is said. */
static void compare(const struct fot_table *rows, bool bits)
{
	struct fot_compare_opts opts = { .bits_per_byte = bits, .seed = 1 };
	struct fot_table out;
	struct fot_err err = { 0 };
	int status;

	fot_table_init(&out, &fot_schema_compare);
	status = fot_compare_tables(&out, rows, rows, &opts, &err);
	if (status == FOT_OK)
		status = fot_compare_finish(&out, &err);
	if (status != FOT_ERR_COMPARE)
		must(status, &err, "compare");
	else
		assert_non_null(strstr(err.text, "not comparable"));
	can_be_written(&out, "compare.csv");
	fot_table_release(&out);
}

static void judge(const struct fot_table *rows)
{
	static const char format[] =
		"{\"claims\": [{\"id\": \"x\", \"claim\": \"c\", \"source\": \"tab:x\", \"task\": \"%s\", \"metric\": \"%s\", "
		"\"a\": {\"variant\": \"fot\"}, \"b\": {\"variant\": \"vanilla\"}, \"expect\": \"below\"}]}";
	static const char *const metric[] = { "perplexity", "accuracy", "token_accuracy", "accuracy",
					      "positive_mass" };
	struct fot_report_run run = { "one", 0, rows->n_rows };
	struct fot_str text = FOT_STR_INIT;
	struct fot_claims c = { 0 };
	struct fot_table judged;
	struct fot_err err = { 0 };
	size_t k = 0;

	while (fot_task_classes[k]->schema != rows->schema)
		k++;
	assert_true(k < FOT_COUNT(metric));
	fot_str_printf(&text, format, rows->schema->name, metric[k]);
	must(fot_claims_parse(&c, text.data, text.len, "c.json", &err), &err, "claims");
	fot_table_init(&judged, &fot_schema_claims);
	must(fot_claims_judge(&judged, &c, rows, &run, 1, 1, &err), &err, "claims");
	can_be_written(&judged, "claims.csv");
	fot_claims_release(&c);
	fot_table_release(&judged);
	fot_str_release(&text);
}

static void follow(const struct fot_table *rows)
{
	can_be_written(rows, rows->schema->name);
	sum_up(rows);
	put_side_by_side(rows, false);
	compare(rows, false);
	if (rows->schema == &fot_schema_perplexity) {
		put_side_by_side(rows, true);
		compare(rows, true);
	}
	judge(rows);
}

static void test_hostile_rows_of_every_task_are_written(void **state)
{
	(void)state;
	for (size_t k = 0; k < fot_n_measured_tasks; k++)
		for (uint64_t round = 0; round < ROUNDS; round++) {
			struct fot_table rows;

			make_rows(&rows, fot_task_classes[k]->schema, round);
			follow(&rows);
			fot_table_release(&rows);
		}
}

static void test_hostile_rows_of_one_status_are_written(void **state)
{
	static const char *const status[] = { "failed", "skipped_short", "ok" };

	(void)state;
	for (size_t k = 0; k < fot_n_measured_tasks; k++)
		for (size_t s = 0; s < FOT_COUNT(status); s++) {
			struct fot_table rows;

			make_rows(&rows, fot_task_classes[k]->schema, 1000 + s);
			for (size_t row = 0; row < rows.n_rows; row++)
				fot_table_set_text(&rows, row, "status", status[s]);
			follow(&rows);
			fot_table_release(&rows);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_rows_of_every_task_are_written),
		cmocka_unit_test(test_hostile_rows_of_one_status_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
