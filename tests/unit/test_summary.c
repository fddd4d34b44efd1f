/* test_summary.c: rows to estimates and differences, checked by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "harness/report/grid.h"
#include "harness/report/plotdata.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "tests/task_schemas.h"

struct obs {
	const char *variant, *mode;
	int64_t length;
	const char *doc;
	double nll; /* per token, of 100 tokens */
	const char *status;
};

static void add(struct fot_table *t, const struct obs *o)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", "abc");
	fot_table_set_text(t, row, "model", strcmp(o->variant, "fot") == 0 ? "lm-fot" : "lm-local");
	fot_table_set_text(t, row, "model_variant", o->variant);
	fot_table_set_text(t, row, "memory_mode", o->mode);
	fot_table_set_int(t, row, "memory_tokens", o->length - 8);
	fot_table_set_text(t, row, "task", "perplexity");
	fot_table_set_text(t, row, "dataset", "books");
	fot_table_set_int(t, row, "context_length", o->length);
	fot_table_set_text(t, row, "doc_id", o->doc);
	fot_table_set_text(t, row, "status", o->status);
	fot_table_set_int(t, row, "window", 8);
	fot_table_set_text(t, row, "tokenizer_sha256", "t");
	if (strcmp(o->mode, "knn") == 0)
		fot_table_set_int(t, row, "top_k", 128);
	if (strcmp(o->status, "ok") != 0)
		return;
	fot_table_set_int(t, row, "n_tokens_scored", 100);
	fot_table_set_int(t, row, "n_words_scored", 20);
	fot_table_set_int(t, row, "n_bytes_scored", 200);
	fot_table_set_real(t, row, "nll_nats", 100 * o->nll);
	fot_table_set_int(t, row, "target_start", 57);
}

/* vanilla: the same at 8 and 16; fot: better by .1, .2, .3 at 16 than at 8. */
static const struct obs OBS[] = {
	{ "local", "none", 8, "a", 2.0, "ok" },         { "local", "none", 16, "a", 2.0, "ok" },
	{ "vanilla", "dense", 8, "a", 2.0, "ok" },      { "vanilla", "dense", 16, "a", 2.0, "ok" },
	{ "vanilla", "dense", 8, "b", 1.0, "ok" },      { "vanilla", "dense", 16, "b", 1.0, "ok" },
	{ "vanilla", "dense", 8, "c", 3.0, "ok" },      { "vanilla", "dense", 16, "c", 3.0, "ok" },
	{ "fot", "dense", 8, "a", 2.0, "ok" },          { "fot", "dense", 16, "a", 1.9, "ok" },
	{ "fot", "dense", 8, "b", 1.0, "ok" },          { "fot", "dense", 16, "b", 0.8, "ok" },
	{ "fot", "dense", 8, "c", 3.0, "ok" },          { "fot", "dense", 16, "c", 2.7, "ok" },
	{ "fot", "dense", 8, "d", 0, "skipped_short" }, { "fot", "dense", 16, "d", 0, "skipped_short" },
	{ "fot", "dense", 8, "e", 0, "failed" },        { "fot", "dense", 16, "e", 0, "failed" },
	{ "fot", "knn", 16, "a", 1.5, "ok" },
};

static void build(struct fot_table *summary, size_t n)
{
	struct fot_table t;
	struct fot_err err = { 0 };

	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(summary, &fot_schema_summary);
	for (size_t i = 0; i < n; i++)
		add(&t, &OBS[i]);
	assert_int_equal(fot_table_check(&t, NULL), FOT_OK);
	if (fot_summary_build(summary, &t, 1, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_table_release(&t);
}

static size_t find(const struct fot_table *t, const char *variant, const char *mode, int64_t length,
		   const char *metric, const char *baseline)
{
	size_t found = SIZE_MAX;

	for (size_t r = 0; r < t->n_rows; r++) {
		if (strcmp(fot_table_text(t, r, "model_variant"), variant) == 0 &&
		    strcmp(fot_table_text(t, r, "memory_mode"), mode) == 0 &&
		    fot_table_int(t, r, "context_length", 0) == length &&
		    strcmp(fot_table_text(t, r, "metric"), metric) == 0 &&
		    strcmp(fot_table_text(t, r, "baseline_run_id"), baseline) == 0) {
			assert_int_equal(found, SIZE_MAX); /* once */
			found = r;
		}
	}
	return found;
}

static void near(double got, double want)
{
	if (!(fabs(got - want) <= 1e-12 * fabs(want) + 1e-12))
		fail_msg("got %.17g, want %.17g", got, want);
}

static void test_summary_estimates_by_hand(void **state)
{
	struct fot_table s;
	size_t r;

	(void)state;
	build(&s, sizeof OBS / sizeof OBS[0]);
	r = find(&s, "fot", "dense", 16, "perplexity", "");
	assert_int_not_equal(r, SIZE_MAX);
	assert_false(fot_table_has(&s, r, "comparison"));
	near(fot_table_real(&s, r, "value", 0), exp(1.8));
	/* residuals .1, -1, .9 about the mean: se = sqrt(1.82 / 2 / 3) on the log scale */
	near(fot_table_real(&s, r, "se", 0), exp(1.8) * sqrt(1.82 / 6));
	assert_true(fot_table_real(&s, r, "ci_low", 9) < exp(1.8) &&
		    fot_table_real(&s, r, "ci_high", 0) > exp(1.8));
	assert_true(fot_table_real(&s, r, "ci_low", 0) >= exp(0.8) &&
		    fot_table_real(&s, r, "ci_high", 99) <= exp(2.7));
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 3);
	assert_int_equal(fot_table_int(&s, r, "n_skipped", 0), 1);
	assert_int_equal(fot_table_int(&s, r, "n_failed", 0), 1);
	assert_int_equal(fot_table_int(&s, r, "n_tokens_scored", 0), 300);
	assert_int_equal(fot_table_int(&s, r, "higher_is_better", 9), 0);
	assert_string_equal(fot_table_text(&s, r, "ci_method"), "cluster-bootstrap");
	near(fot_table_real(&s, find(&s, "fot", "dense", 16, "word_perplexity", ""), "value", 0), exp(9.0));
	near(fot_table_real(&s, find(&s, "fot", "dense", 16, "byte_perplexity", ""), "value", 0), exp(0.9));
	near(fot_table_real(&s, find(&s, "fot", "dense", 16, "bits_per_byte", ""), "value", 0), 0.9 / M_LN2);
	fot_table_release(&s);
}

static void test_summary_differences_by_hand(void **state)
{
	struct fot_table s;
	size_t r;

	(void)state;
	build(&s, sizeof OBS / sizeof OBS[0]);
	r = find(&s, "fot", "dense", 16, "perplexity", "abc:fot/dense@8");
	assert_int_not_equal(r, SIZE_MAX);
	near(fot_table_real(&s, r, "delta_nll_nats", 0), -0.2);
	near(fot_table_real(&s, r, "delta", 0), exp(1.8) - exp(2.0));
	near(fot_table_real(&s, r, "value", 0), exp(1.8));
	/* sd of .1, .2, .3 is .1 */
	near(fot_table_real(&s, r, "min_detectable_nats", 0), 2.8 * 0.1 / sqrt(3));
	near(fot_table_real(&s, r, "p_value", 0), 2.0 / 8);
	near(fot_table_real(&s, r, "p_adjusted", 0), 2.0 / 8);
	assert_string_equal(fot_table_text(&s, r, "p_method"), "sign-flip-exact");
	assert_true(fot_table_real(&s, r, "delta_nll_ci_high_nats", 1) <= -0.1 + 1e-12);
	assert_int_equal(fot_table_cell(&s, r, "se")->kind, FOT_CELL_EMPTY);
	assert_string_equal(fot_table_text(&s, r, "comparison"), "shortest");
	/* against vanilla: nothing at 8, the same -.2 at 16; Holm over the two lengths */
	r = find(&s, "fot", "dense", 16, "perplexity", "abc:vanilla/dense@16");
	assert_string_equal(fot_table_text(&s, r, "comparison"), "vanilla");
	near(fot_table_real(&s, r, "delta_nll_nats", 0), -0.2);
	near(fot_table_real(&s, r, "p_value", 0), 2.0 / 8);
	near(fot_table_real(&s, r, "p_adjusted", 0), 4.0 / 8);
	r = find(&s, "fot", "dense", 8, "perplexity", "abc:vanilla/dense@8");
	near(fot_table_real(&s, r, "delta_nll_nats", 1), 0);
	near(fot_table_real(&s, r, "p_adjusted", 0), 1);
	/* without memory, and where vanilla lacks the same memory, nothing is compared */
	assert_int_equal(find(&s, "local", "none", 16, "perplexity", "abc:local/none@8"), SIZE_MAX);
	assert_int_equal(find(&s, "vanilla", "dense", 16, "perplexity", "abc:vanilla/dense@16"), SIZE_MAX);
	assert_int_equal(find(&s, "fot", "knn", 16, "perplexity", "abc:vanilla/knn:128@16"), SIZE_MAX);
	fot_table_release(&s);
}

static void test_summary_one_document_has_no_interval(void **state)
{
	struct fot_table s;
	size_t r;

	(void)state;
	build(&s, 2);
	r = find(&s, "local", "none", 8, "perplexity", "");
	assert_string_equal(fot_table_text(&s, r, "status"), "one cluster");
	near(fot_table_real(&s, r, "value", 0), exp(2.0));
	assert_int_equal(fot_table_cell(&s, r, "ci_low")->kind, FOT_CELL_EMPTY);
	assert_int_equal(fot_table_cell(&s, r, "se")->kind, FOT_CELL_EMPTY);
	fot_table_release(&s);
}

static void test_summary_nothing_scored_is_empty(void **state)
{
	static const struct obs only = { "fot", "dense", 8, "d", 0, "skipped_short" };
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(&s, &fot_schema_summary);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_OK);
	assert_int_equal(s.n_rows, 0);
	add(&t, &only);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_OK);
	r = find(&s, "fot", "dense", 8, "perplexity", "");
	assert_string_equal(fot_table_text(&s, r, "status"), "empty");
	assert_int_equal(fot_table_cell(&s, r, "value")->kind, FOT_CELL_EMPTY);
	fot_table_release(&t);
	fot_table_release(&s);
}

/* Documents that only one side has scored do not enter the difference. */
static void test_summary_pairs_only_common_documents(void **state)
{
	static const struct obs more[] = { { "vanilla", "dense", 8, "x", 9.0, "ok" },
					   { "fot", "dense", 8, "y", 1.0, "ok" } };
	struct fot_table t, s;
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(&s, &fot_schema_summary);
	for (size_t i = 0; i < sizeof OBS / sizeof OBS[0]; i++)
		add(&t, &OBS[i]);
	add(&t, &more[0]);
	add(&t, &more[1]);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_OK);
	r = find(&s, "fot", "dense", 8, "perplexity", "abc:vanilla/dense@8");
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 3);
	near(fot_table_real(&s, r, "delta_nll_nats", 1), 0);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_summary_prints_tables(void **state)
{
	struct fot_table s;
	struct fot_str md = FOT_STR_INIT, text = FOT_STR_INIT;

	(void)state;
	build(&s, sizeof OBS / sizeof OBS[0]);
	assert_int_equal(fot_summary_markdown(&md, &s, NULL), FOT_OK);
	assert_int_equal(fot_summary_text(&text, &s, 0, 0, NULL), FOT_OK);
	assert_non_null(strstr(md.data, "## books"));
	assert_non_null(strstr(md.data, "| model | memory | 8 | 16 |"));
	assert_non_null(strstr(md.data, "| fot | dense | 7.3891 [2.7183, 20.0855] | 6.0496 ["));
	assert_non_null(strstr(md.data, "| local | none | 7.3891 | 7.3891 |"));
	assert_non_null(strstr(md.data, "| fot | dense | -1.3394 ["));
	assert_non_null(strstr(md.data, " p 0.25 |"));
	assert_non_null(strstr(text.data, "books: perplexity per token"));
	fot_str_clear(&text);
	assert_int_equal(fot_summary_text(&text, &s, 48, 3, NULL), FOT_OK);
	assert_non_null(strstr(text.data, "7.39 [2.72, 20.1]"));
	assert_non_null(strstr(text.data, "\n\nmodel    memory")); /* a second panel */
	assert_null(strstr(md.data, "nan"));
	fot_str_release(&md);
	fot_str_release(&text);
	fot_table_release(&s);
}

static void test_summary_escapes_names_in_markdown(void **state)
{
	struct obs o = OBS[0];
	struct fot_table t, s;
	struct fot_str md = FOT_STR_INIT;

	(void)state;
	o.variant = "a|b*[x](y)\033";
	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(&s, &fot_schema_summary);
	add(&t, &o);
	assert_int_equal(fot_summary_build(&s, &t, 1, NULL, NULL), FOT_OK);
	assert_int_equal(fot_summary_markdown(&md, &s, NULL), FOT_OK);
	assert_non_null(strstr(md.data, "| a\\|b\\*\\[x\\](y)? | none |"));
	fot_str_release(&md);
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_summary_plot_data(void **state)
{
	struct fot_table s;
	const struct fot_measured_task *task = fot_measured_named("perplexity");
	struct fot_plot_text p;

	(void)state;
	build(&s, sizeof OBS / sizeof OBS[0]);
	assert_int_equal(fot_plot_text(&p, &s, task, &task->figure[0], NULL), FOT_OK);
	assert_int_equal(p.n_points, 7);
	assert_non_null(strstr(p.labels.data, "panel\t1\tbooks\n"));
	assert_non_null(strstr(p.labels.data, "\tfot (knn:128 memory)\n"));
	assert_null(strstr(p.names.data, "books"));
	assert_non_null(strstr(p.names.data, "x_tics = '(\"8\" 8, \"16\" 16)'"));
	fot_plot_text_release(&p);
	assert_int_equal(fot_plot_text(&p, &s, task, &task->figure[1], NULL), FOT_OK);
	/* vanilla and fot, each at 8 (zero) and 16 */
	assert_int_equal(p.n_points, 4);
	assert_non_null(strstr(p.data.data, ",8,0,0,0,books,fot (dense memory)\n"));
	assert_non_null(strstr(p.data.data, ",16,-18.126"));
	fot_plot_text_release(&p);
	fot_table_release(&s);
}

static const struct fot_figure *figure_of(const struct fot_measured_task *task, const char *name)
{
	for (size_t i = 0; i < task->n_figures; i++)
		if (strcmp(task->figure[i].name, name) == 0)
			return &task->figure[i];
	fail_msg("%s has no figure %s", task->schema->name, name);
	return NULL;
}

/* A row of the summary: a kind of memory against all of it at 16; own 0: all of the memory is the document's. */
static void against_all(struct fot_table *s, const char *dataset, const char *mode, double keys, double delta, int64_t own)
{
	size_t row = fot_table_add(s);

	fot_table_set_text(s, row, "model", "m");
	fot_table_set_text(s, row, "model_variant", "fot");
	fot_table_set_text(s, row, "memory_mode", mode);
	fot_table_set_text(s, row, "memory", mode);
	fot_table_set_text(s, row, "task", "perplexity");
	fot_table_set_text(s, row, "dataset", dataset);
	fot_table_set_int(s, row, "context_length", 16);
	fot_table_set_text(s, row, "metric", "perplexity");
	fot_table_set_text(s, row, "comparison", FOT_COMPARED_ALL);
	fot_table_set_real(s, row, "keys_read", keys);
	fot_table_set_real(s, row, "delta_nll_nats", delta);
	if (own)
		fot_table_set_int(s, row, "own_tokens", own);
}

/* Means over datasets are of rows whose memory holds nothing but the document. */
static void test_summary_loss_keeps_other_documents_apart(void **state)
{
	static const char *const kinds[] = { "knn:4", "recent:4", "blocks:4" };
	const struct fot_measured_task *task = fot_measured_named("perplexity");
	struct fot_plot_text p;
	struct fot_table s;

	(void)state;
	fot_table_init(&s, &fot_schema_summary);
	for (size_t i = 0; i < 3; i++) {
		against_all(&s, "books", kinds[i], 4, log(1.5), 0);
		against_all(&s, "math", kinds[i], 4, log(1.5), 0);
		against_all(&s, "books", kinds[i], 4, log(9), 8);
		against_all(&s, "math", kinds[i], 4, log(9), 8);
	}
	assert_int_equal(fot_table_check(&s, NULL), FOT_OK);
	assert_int_equal(fot_plot_text(&p, &s, task, figure_of(task, "loss"), NULL), FOT_OK);
	assert_int_equal(p.n_points, 3);
	assert_non_null(strstr(p.data.data, "\n1,1,4,50"));
	assert_non_null(strstr(p.labels.data, "panel\t1\tcontext 16, geometric mean over 2 datasets\n"));
	fot_plot_text_release(&p);
	fot_table_release(&s);
}

/* Of two sizes of the document's own part each has a panel. */
static void test_summary_multidoc_has_a_panel_for_each_own_part(void **state)
{
	const struct fot_measured_task *task = fot_measured_named("perplexity");
	struct fot_plot_text p;
	struct fot_table s;

	(void)state;
	fot_table_init(&s, &fot_schema_summary);
	for (size_t i = 0; i < 2; i++) {
		against_all(&s, "books", "dense", 4, 0, i ? 8 : 4);
		fot_table_set_text(&s, i, "comparison", "");
		fot_table_set_real(&s, i, "value", 5 + (double)i);
	}
	assert_int_equal(fot_table_check(&s, NULL), FOT_OK);
	assert_int_equal(fot_plot_text(&p, &s, task, figure_of(task, "multidoc"), NULL), FOT_OK);
	assert_non_null(strstr(p.labels.data, "panel\t1\tbooks: own_tokens 4\npanel\t2\tbooks: own_tokens 8\n"));
	fot_plot_text_release(&p);
	fot_table_release(&s);
}

/* Three documents of vanilla and fot, the second and third of them copies of one text. */
static void test_summary_copies_of_a_text_are_one_cluster(void **state)
{
	static const char *const sha[] = { "p", "q", "q" };
	struct fot_table t, s;
	struct fot_err err = { 0 };
	size_t r;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(&s, &fot_schema_summary);
	for (size_t i = 2; i < 14; i++)
		add(&t, &OBS[i]);
	for (size_t i = 0; i < t.n_rows; i++)
		fot_table_set_text(&t, i, "doc_sha256", sha[fot_table_text(&t, i, "doc_id")[0] - 'a']);
	if (fot_summary_build(&s, &t, 1, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	r = find(&s, "vanilla", "dense", 16, "perplexity", "");
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 3);
	assert_int_equal(fot_table_int(&s, r, "n_clusters", 0), 2);
	near(fot_table_real(&s, r, "value", 0), exp(2.0)); /* of all three */
	near(fot_table_real(&s, r, "ci_high", 0), exp(2.0)); /* p: 200 of 100; q: 400 of 200: both 2 */
	r = find(&s, "fot", "dense", 16, "perplexity", "abc:fot/dense@8");
	assert_int_equal(fot_table_int(&s, r, "n_items", 0), 3);
	assert_int_equal(fot_table_int(&s, r, "n_clusters", 0), 2);
	near(fot_table_real(&s, r, "delta_nll_ci_low_nats", 0), -0.25);
	near(fot_table_real(&s, r, "delta_nll_ci_high_nats", 0), -0.1);
	near(fot_table_real(&s, r, "p_value", 0), 0.5); /* of 4 patterns, not 8 */
	fot_table_release(&t);
	fot_table_release(&s);
}

static void test_summary_survives_lack_of_memory(void **state)
{
	struct fot_table t;
	int ok = 0;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	for (size_t i = 0; i < sizeof OBS / sizeof OBS[0]; i++)
		add(&t, &OBS[i]);
	for (long k = 1; k < 2000 && !ok; k += 1 + k / 16) {
		struct fot_table s;
		struct fot_err err = { 0 };
		int status;

		fot_table_init(&s, &fot_schema_summary);
		fot_mem_fail_at(k);
		status = fot_summary_build(&s, &t, 1, NULL, &err);
		fot_mem_fail_at(0);
		ok = status == FOT_OK;
		if (!ok)
			assert_int_equal(status, FOT_ERR_RUN);
		fot_table_release(&s);
	}
	assert_true(ok);
	fot_table_release(&t);
}

/* Sentences about the cells of a table: what a column says, in all forms. */
static void test_summary_words_about_cells(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "{n_items}", "1 to 3" },
		{ "{n_items:document}, {window:token}", "1 to 3 documents, 8 tokens" },
		{ "{n_skipped#too short}{n_total#wrong}", " (0 to 1 too short)" },
		{ "{memory_mode?yes|no}{own_tokens?yes|no}{own_tokens?yes}", "yesno" },
		{ "{model_variant=local?L|other}{model_variant=fot?F}", "L" },
		{ "{model_variant~several}{dataset~several|one}", "severalone" },
		{ "{chance}{common}{draws}", "10000" },
	};
	const struct fot_measured_task *task = fot_measured_named("perplexity");
	struct fot_table s;
	struct fot_grid g;

	(void)state;
	build(&s, sizeof OBS / sizeof OBS[0]);
	assert_int_equal(fot_grid_init(&g, &s, task, &task->summary[0].view, "books", NULL), FOT_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fot_str out = FOT_STR_INIT;

		fot_grid_words(&out, &g, cases[i].text);
		assert_string_equal(out.data ? out.data : "", cases[i].want);
		fot_str_release(&out);
	}
	fot_grid_release(&g);
	fot_table_release(&s);
}

/* The report of the same rows takes the summary's estimates: none is made again. */
static void test_summary_shares_its_estimates_with_the_report(void **state)
{
	struct fot_report_run run = { .name = "run", .last = sizeof OBS / sizeof OBS[0] };
	struct fot_table t, s, report, paper;
	struct fot_estimates kept = { 0 };
	size_t n;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	fot_table_init(&s, &fot_schema_summary);
	fot_table_init(&report, &fot_schema_report);
	fot_table_init(&paper, &fot_schema_paper);
	for (size_t i = 0; i < run.last; i++)
		add(&t, &OBS[i]);
	assert_int_equal(fot_summary_build(&s, &t, 1, &kept, NULL), FOT_OK);
	n = kept.n;
	assert_int_equal(n, 7 * 4); /* conditions at their lengths; four measures */
	assert_int_equal(fot_report_build(&report, &t, &run, 1, &paper, false, 1, &kept, NULL), FOT_OK);
	assert_int_equal(kept.n, n);
	for (size_t r = 0; r < report.n_rows; r++) {
		size_t row = find(&s, fot_table_text(&report, r, "model_variant"), fot_table_text(&report, r, "memory_mode"),
				  fot_table_int(&report, r, "context_length", 0), "perplexity", "");

		assert_true(fot_table_same_all(&report, r, &s, row, FOT_LIST("value", "ci_low", "ci_high")));
	}
	assert_int_equal(report.n_rows, 7);
	fot_estimates_release(&kept);
	fot_table_release(&t);
	fot_table_release(&s);
	fot_table_release(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary_estimates_by_hand),
		cmocka_unit_test(test_summary_differences_by_hand),
		cmocka_unit_test(test_summary_one_document_has_no_interval),
		cmocka_unit_test(test_summary_nothing_scored_is_empty),
		cmocka_unit_test(test_summary_pairs_only_common_documents),
		cmocka_unit_test(test_summary_prints_tables),
		cmocka_unit_test(test_summary_escapes_names_in_markdown),
		cmocka_unit_test(test_summary_plot_data),
		cmocka_unit_test(test_summary_loss_keeps_other_documents_apart),
		cmocka_unit_test(test_summary_multidoc_has_a_panel_for_each_own_part),
		cmocka_unit_test(test_summary_copies_of_a_text_are_one_cluster),
		cmocka_unit_test(test_summary_words_about_cells),
		cmocka_unit_test(test_summary_shares_its_estimates_with_the_report),
		cmocka_unit_test(test_summary_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
