/* test_claims.c: reading claims, which conditions they are about, and each verdict. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "harness/compare/claims.h"
#include "tests/task_schemas.h"

#define DOCS 8

/* --- observations --- */

struct made {
	const char *variant, *memory;
	int64_t length, own;
	double nll; /* mean per token */
};

static void add_perplexity(struct fot_table *t, const struct made *m, int doc, double noise)
{
	size_t row = fot_table_add(t);
	char id[16];

	snprintf(id, sizeof id, "d%d", doc);
	fot_table_set_text(t, row, "run_id", "0123");
	fot_table_set_text(t, row, "model", m->variant);
	fot_table_set_text(t, row, "model_variant", m->variant);
	fot_table_set_text(t, row, "memory_mode", strncmp(m->memory, "knn", 3) == 0 ? "knn" : m->memory);
	if (strncmp(m->memory, "knn:", 4) == 0)
		fot_table_set_int(t, row, "top_k", 32);
	if (strcmp(m->memory, "none") != 0)
		fot_table_set_text(t, row, "mem_dtype", "f32");
	fot_table_set_text(t, row, "task", "perplexity");
	fot_table_set_text(t, row, "dataset", doc < DOCS / 2 ? "proofs" : "code");
	fot_table_set_int(t, row, "context_length", m->length);
	fot_table_set_int(t, row, "window", 512);
	if (m->own)
		fot_table_set_int(t, row, "own_tokens", m->own);
	fot_table_set_text(t, row, "doc_id", id);
	fot_table_set_text(t, row, "doc_sha256", id);
	fot_table_set_int(t, row, "n_tokens_scored", 1000 + 100 * doc);
	fot_table_set_real(t, row, "nll_nats", (1000 + 100 * doc) * (m->nll + noise));
	fot_table_set_text(t, row, "status", "ok");
}

/* Documents differ a lot, conditions by nll and a little noise of their own. */
static void make_rows(struct fot_table *t, const struct made *made, size_t n)
{
	fot_table_init(t, &fot_schema_perplexity);
	for (size_t i = 0; i < n; i++)
		for (int doc = 0; doc < DOCS; doc++)
			add_perplexity(t, &made[i], doc, sin(doc * 12.9) + 0.01 * sin((double)(i + 1) * 78.2 * (doc + 1)));
	assert_int_equal(fot_table_check(t, NULL), FOT_OK);
}

static const struct made made[] = {
	{ "fot", "dense", 512, 0, 3.0 },      { "fot", "dense", 8192, 0, 2.5 },  { "fot", "dense", 32768, 0, 2.4 },
	{ "fot", "knn:32", 32768, 0, 2.4 },   { "vanilla", "dense", 512, 0, 2.9 }, { "vanilla", "dense", 8192, 0, 2.8 },
	{ "vanilla", "dense", 32768, 0, 2.95 }, { "local", "none", 512, 0, 2.9 },  { "local", "none", 32768, 0, 2.9 },
	{ "fot", "dense", 32768, 2048, 2.6 }, { "vanilla", "dense", 32768, 2048, 2.6 },
};
#define N_MADE (sizeof made / sizeof made[0])

/* --- claims --- */

#define CLAIM(rest)                                                                                              \
	"{\"claims\": [{\"id\": \"x\", \"claim\": \"c\", \"source\": \"tab:x\", \"task\": \"perplexity\", " \
	"\"metric\": \"perplexity\", " rest "}]}"
#define FOT_32K "\"a\": {\"variant\": \"fot\", \"memory\": \"dense\", \"context_length\": \"32k\"}, "

static void parse(struct fot_claims *c, const char *text)
{
	struct fot_err err = { 0 };

	if (fot_claims_parse(c, text, strlen(text), "c.json", &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void judge(struct fot_table *judged, const char *text, const struct fot_table *rows)
{
	struct fot_report_run run = { "one", 0, rows->n_rows };
	struct fot_claims c;
	struct fot_err err = { 0 };

	parse(&c, text);
	fot_table_init(judged, &fot_schema_claims);
	if (fot_claims_judge(judged, &c, rows, &run, 1, 1, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_claims_release(&c);
}

static const char *cell(const struct fot_table *t, size_t row, const char *column)
{
	return fot_table_text(t, row, column);
}

/* Verdict of a claim that gives a line for each of both datasets, the same one. */
static void expect_verdict(const char *text, const char *verdict)
{
	struct fot_table rows, judged;

	make_rows(&rows, made, N_MADE);
	judge(&judged, text, &rows);
	assert_int_equal(judged.n_rows, 2);
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(cell(&judged, i, "verdict"), verdict) != 0)
			fail_msg("%s: expected %s, got %s [%g, %g]", text, verdict, cell(&judged, i, "verdict"),
				 fot_table_real(&judged, i, "delta_ci_low", 0),
				 fot_table_real(&judged, i, "delta_ci_high", 0));
	}
	fot_table_release(&judged);
	fot_table_release(&rows);
}

static void test_claims_verdict_table(void **state)
{
	static const struct {
		enum fot_expect expect;
		double lo, hi, margin;
		const char *verdict;
	} row[] = {
		{ FOT_BELOW, -2, -1, 0, "reproduced" },	     { FOT_BELOW, 1, 2, 0, "not reproduced" },
		{ FOT_BELOW, -1, 1, 0, "undecided" },	     { FOT_BELOW, -2, 0, 0, "undecided" },
		{ FOT_BELOW, -2, -1, 1.5, "undecided" },     { FOT_BELOW, -1, 1, 1.5, "not reproduced" },
		{ FOT_ABOVE, 1, 2, 0, "reproduced" },	     { FOT_ABOVE, -2, -1, 0, "not reproduced" },
		{ FOT_ABOVE, -1, 1, 0, "undecided" },	     { FOT_ABOVE, 0, 2, 0, "undecided" },
		{ FOT_EQUAL, -1, 1, 1.5, "reproduced" },     { FOT_EQUAL, 2, 3, 1.5, "not reproduced" },
		{ FOT_EQUAL, -3, -2, 1.5, "not reproduced" }, { FOT_EQUAL, -1, 2, 1.5, "undecided" },
		{ FOT_EQUAL, -9, 9, 1.5, "undecided" },	     { FOT_NOT_BELOW, -1, 5, 1.5, "reproduced" },
		{ FOT_NOT_BELOW, -3, -2, 1.5, "not reproduced" }, { FOT_NOT_BELOW, -2, 5, 1.5, "undecided" },
		{ FOT_NOT_ABOVE, -5, 1, 1.5, "reproduced" }, { FOT_NOT_ABOVE, 2, 3, 1.5, "not reproduced" },
		{ FOT_NOT_ABOVE, -5, 2, 1.5, "undecided" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_string_equal(fot_claims_verdict(row[i].expect, row[i].lo, row[i].hi, row[i].margin),
				    row[i].verdict);
}

static void test_claims_each_verdict_from_rows(void **state)
{
	(void)state;
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"below\""), "reproduced");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"above\""), "not reproduced");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"memory\": \"knn:32\"}, \"expect\": \"below\""), "undecided");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"memory\": \"knn:32\"}, \"expect\": \"equal\", \"margin\": 0.05"),
		       "reproduced");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"variant\": \"vanilla\"}, \"expect\": \"equal\", \"margin\": 0.05"),
		       "not reproduced");
	/* by a margin of 0.3 nats it is not shorter than by 0.5 */
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"variant\": \"vanilla\"}, \"expect\": \"below\", \"margin\": 0.3"),
		       "reproduced");
	/* 0.6 nats gained from 512 on against 0.05 lost */
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"variant\": \"vanilla\"}, \"gain_from\": {\"context_length\": 512}, "
				     "\"expect\": \"below\", \"margin\": 0.6"),
		       "reproduced");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"variant\": \"vanilla\"}, \"gain_from\": {\"context_length\": 512}, "
				     "\"expect\": \"below\", \"margin\": 0.7"),
		       "not reproduced");
	/* without memory B has no mem_dtype, and its row of the same length is meant */
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"variant\": \"local\", \"memory\": \"none\"}, \"expect\": \"below\""),
		       "reproduced");
	/* among others only where a names it; b follows */
	expect_verdict(CLAIM("\"a\": {\"variant\": \"fot\", \"own_tokens\": \"2k\"}, \"b\": {\"variant\": \"vanilla\"}, "
			     "\"expect\": \"equal\", \"margin\": 0.05"),
		       "reproduced");
	expect_verdict(CLAIM(FOT_32K "\"b\": {\"own_tokens\": 2048}, \"expect\": \"below\""), "reproduced");
}

static void test_claims_numbers_and_paper(void **state)
{
	static const char text[] = CLAIM(
		FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"below\", \"where\": \"64k against 2k\", "
			"\"paper\": {\"code\": [5.32, 6.72], \"*\": [null, 1.5]}");
	struct fot_table rows, judged;

	(void)state;
	make_rows(&rows, made, N_MADE);
	judge(&judged, text, &rows);
	assert_string_equal(cell(&judged, 0, "dataset"), "proofs");
	assert_string_equal(cell(&judged, 0, "a"), "fot, dense, 32k");
	assert_string_equal(cell(&judged, 0, "b"), "fot, dense, 512");
	assert_int_equal(fot_table_int(&judged, 0, "n_items", 0), DOCS / 2);
	assert_true(fabs(fot_table_real(&judged, 0, "delta", 0) + 0.6) < 0.02);
	assert_true(fabs(log(fot_table_real(&judged, 0, "value_a", 0) / fot_table_real(&judged, 0, "value_b", 0)) -
			 fot_table_real(&judged, 0, "delta", 0)) < 1e-12);
	assert_false(fot_table_has(&judged, 0, "paper_a"));
	assert_true(fot_table_real(&judged, 0, "paper_b", 0) == 1.5);
	assert_true(fot_table_real(&judged, 1, "paper_a", 0) == 5.32);
	assert_string_equal(cell(&judged, 1, "paper_where"), "64k against 2k");
	/* two lines of four documents: Holm doubles the smallest sign-flip p of 2/16 */
	assert_true(fabs(fot_table_real(&judged, 0, "p_value", 0) - 0.125) < 1e-12);
	assert_true(fabs(fot_table_real(&judged, 0, "p_adjusted", 0) - 0.25) < 1e-12);
	fot_table_release(&judged);
	fot_table_release(&rows);
}

/* Lists are any of; what a run does not have gives no line; several B are said. */
static void test_claims_which_conditions(void **state)
{
	struct fot_table rows, judged;

	(void)state;
	make_rows(&rows, made, N_MADE);
	judge(&judged, CLAIM("\"a\": {\"variant\": [\"fot\", \"vanilla\"], \"memory\": [\"dense\", \"knn\"], "
			     "\"context_length\": [\"8k\", \"32k\"]}, \"b\": {\"context_length\": 512}, \"expect\": \"below\""),
	      &rows);
	assert_int_equal(judged.n_rows, 2 * 4); /* not knn: it has no row at 512 */
	fot_table_release(&judged);
	judge(&judged, CLAIM(FOT_32K "\"b\": {\"variant\": \"memorizing\"}, \"expect\": \"below\""), &rows);
	assert_int_equal(judged.n_rows, 0);
	fot_table_release(&judged);
	judge(&judged, CLAIM(FOT_32K "\"b\": {\"context_length\": [512, \"8k\"]}, \"expect\": \"below\""), &rows);
	assert_int_equal(judged.n_rows, 2);
	assert_string_equal(cell(&judged, 0, "status"), "ambiguous");
	assert_string_equal(cell(&judged, 0, "verdict"), "undecided");
	fot_table_release(&judged);
	fot_table_release(&rows);
}

/* One document: no interval, no verdict; failed rows are no pairs. */
static void test_claims_without_interval(void **state)
{
	struct fot_table rows, judged;

	(void)state;
	fot_table_init(&rows, &fot_schema_perplexity);
	add_perplexity(&rows, &made[2], 0, 0);
	add_perplexity(&rows, &made[0], 0, 0);
	judge(&judged, CLAIM(FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"below\""), &rows);
	assert_int_equal(judged.n_rows, 1);
	assert_string_equal(cell(&judged, 0, "status"), "one cluster");
	assert_string_equal(cell(&judged, 0, "verdict"), "undecided");
	fot_table_release(&judged);
	fot_table_set_text(&rows, 1, "status", "failed");
	judge(&judged, CLAIM(FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"below\""), &rows);
	assert_int_equal(judged.n_rows, 1);
	assert_int_equal(fot_table_int(&judged, 0, "n_items", 1), 0);
	assert_string_equal(cell(&judged, 0, "verdict"), "undecided");
	fot_table_release(&judged);
	fot_table_release(&rows);
}

/* --- tasks of shares --- */

static void add_mass(struct fot_table *t, const char *variant, int64_t d, int64_t head, int doc, double mass)
{
	size_t row = fot_table_add(t);
	char id[16];

	snprintf(id, sizeof id, "d%d", doc);
	fot_table_set_text(t, row, "model", variant);
	fot_table_set_text(t, row, "model_variant", variant);
	fot_table_set_text(t, row, "memory_mode", "dense");
	fot_table_set_text(t, row, "task", "distraction");
	fot_table_set_text(t, row, "dataset", "proofs");
	fot_table_set_int(t, row, "context_length", 512);
	fot_table_set_int(t, row, "n_contexts", d);
	fot_table_set_int(t, row, "layer", 2);
	if (head >= 0)
		fot_table_set_int(t, row, "head", head);
	fot_table_set_text(t, row, "doc_id", id);
	fot_table_set_int(t, row, "n_queries", 512);
	fot_table_set_real(t, row, "positive_mass", mass + 0.002 * sin(9.7 * doc + (double)d));
	fot_table_set_real(t, row, "chance_level", 1.0 / (double)d);
	fot_table_set_text(t, row, "status", "ok");
}

#define MASS(rest)                                                                                                \
	"{\"claims\": [{\"id\": \"m\", \"claim\": \"c\", \"source\": \"s\", \"task\": \"distraction\", \"metric\": " \
	"\"positive_mass\", " rest "}]}"

static void test_claims_about_shares(void **state)
{
	struct fot_table rows, judged;

	(void)state;
	fot_table_init(&rows, &fot_schema_distraction);
	for (int doc = 0; doc < DOCS; doc++) {
		for (int64_t d = 8; d <= 64; d *= 8) {
			add_mass(&rows, "vanilla", d, -1, doc, 1.0 / (double)d);
			add_mass(&rows, "fot", d, -1, doc, 0.4);
			add_mass(&rows, "fot", d, 0, doc, 0.0); /* a head alone is not judged */
		}
	}
	judge(&judged, MASS("\"a\": {\"variant\": \"vanilla\"}, \"b\": \"chance\", \"expect\": \"equal\", \"margin\": 0.3, "
			    "\"margin_of\": \"b\""),
	      &rows);
	assert_int_equal(judged.n_rows, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(cell(&judged, i, "verdict"), "reproduced");
		assert_true(fabs(fot_table_real(&judged, i, "margin", 0) - 0.3 / (i ? 64 : 8)) < 1e-12);
	}
	fot_table_release(&judged);
	judge(&judged, MASS("\"a\": {\"variant\": \"fot\"}, \"b\": 0.5, \"expect\": \"above\""), &rows);
	assert_int_equal(judged.n_rows, 2);
	assert_string_equal(cell(&judged, 0, "verdict"), "not reproduced");
	fot_table_release(&judged);
	judge(&judged, MASS("\"a\": {\"variant\": \"fot\", \"n_contexts\": 64}, \"b\": {\"variant\": \"vanilla\"}, "
			    "\"expect\": \"above\""),
	      &rows);
	assert_int_equal(judged.n_rows, 1);
	assert_string_equal(cell(&judged, 0, "verdict"), "reproduced");
	assert_true(fabs(fot_table_real(&judged, 0, "delta", 0) - (0.4 - 1.0 / 64)) < 1e-6);
	fot_table_release(&judged);
	fot_table_release(&rows);
}

/* --- printing --- */

static void test_claims_print_formats(void **state)
{
	static const char text[] =
		"{\"claims\": [{\"id\": \"x\", \"claim\": \"falls_far\", \"source\": \"tab:x\", \"task\": \"perplexity\", "
		"\"metric\": \"perplexity\", " FOT_32K "\"b\": {\"context_length\": 512}, \"expect\": \"below\", "
		"\"paper\": {\"*\": [5.32, 6.72]}, \"where\": \"64k\"}]}";
	static const char *const parts[][2] = {
		{ "# Claims of the paper", "\\section*{Claims of the paper}" },
		{ "| falls\\_far | tab:x | 2 | 0 | 0 |", "falls\\_far & \\raggedright tab:x & 2 & 0 & 0 \\tabularnewline" },
		{ "| proofs | fot, dense, 32k | fot, dense, 512 |", "proofs & \\raggedright fot, dense, 32k & \\raggedright fot, dense, 512 &" },
		{ "| 5.32 / 6.72 | reproduced |", "5.32 / 6.72 & \\raggedright reproduced \\tabularnewline" },
	};
	struct fot_table rows, judged;

	(void)state;
	make_rows(&rows, made, N_MADE);
	judge(&judged, text, &rows);
	for (int latex = 0; latex < 2; latex++) {
		struct fot_str out = FOT_STR_INIT;

		assert_int_equal(fot_claims_print(&out, &judged, latex ? FOT_LATEX : FOT_MARKDOWN, NULL),
				 FOT_OK);
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
			if (!strstr(out.data, parts[i][latex]))
				fail_msg("lacks \"%s\":\n%s", parts[i][latex], out.data);
		}
		fot_str_release(&out);
	}
	fot_table_release(&judged);
	fot_table_release(&rows);
}

static void test_claims_print_nothing_without_lines(void **state)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_table judged;

	(void)state;
	fot_table_init(&judged, &fot_schema_claims);
	assert_int_equal(fot_claims_print(&out, &judged, FOT_MARKDOWN, NULL), FOT_OK);
	assert_int_equal(out.len, 0);
	fot_table_release(&judged);
}

/* --- refusals --- */

#define A "\"a\": {\"variant\": \"fot\"}, "
#define B "\"b\": {\"context_length\": 512}, "

static const struct {
	const char *text, *fragment;
} bad[] = {
	{ "[]", "expected an object" },
	{ "{}", "claims" },
	{ "{\"claims\": [7]}", "claims[0]: expected an object" },
	{ "{\"claim\": []}", "did you mean \"claims\"" },
	{ CLAIM(A B "\"expct\": \"below\""), "did you mean \"expect\"" },
	{ CLAIM(A B "\"expect\": \"lower\""), "expect: expected below, above, equal, not-below or not-above" },
	{ CLAIM(A B "\"expect\": \"equal\""), "margin: \"equal\" needs one above 0" },
	{ CLAIM(A B "\"expect\": \"below\", \"margin\": -1"), "margin" },
	{ CLAIM(A B "\"expect\": \"equal\", \"margin\": 0.1, \"margin_of\": \"b\""), "margin_of" },
	{ CLAIM(A "\"b\": 0.5, \"expect\": \"below\""), "b: expected a condition" },
	{ CLAIM(A "\"expect\": \"below\""), "b: expected a condition" },
	{ CLAIM(B "\"expect\": \"below\""), "a: " },
	{ CLAIM("\"a\": {\"varint\": \"fot\"}, " B "\"expect\": \"below\""), "a: \"varint\" is no column of perplexity.csv" },
	{ CLAIM("\"a\": {\"variant\": {}}, " B "\"expect\": \"below\""), "a: variant: expected a text, a number or a list" },
	{ CLAIM("\"a\": {\"variant\": []}, " B "\"expect\": \"below\""), "a: variant: expected" },
	{ CLAIM(A B "\"expect\": \"below\", \"paper\": {\"code\": [1]}"), "paper: code: expected [A, B]" },
	{ CLAIM(A B "\"expect\": \"below\", \"paper\": {\"code\": [1, \"x\"]}"), "paper: code: expected [A, B]" },
	{ MASS("\"a\": {}, \"b\": \"luck\", \"expect\": \"above\""), "b: expected a condition, a number or \"chance\"" },
	{ MASS("\"a\": {}, \"b\": {}, \"gain_from\": {}, \"expect\": \"above\""), "gain_from: only for a metric in nats" },
	{ "{\"claims\": [{\"id\": \"m\", \"claim\": \"c\", \"source\": \"s\", \"task\": \"magic\", \"metric\": \"accuracy\"}]}",
	  "task: unknown \"magic\"" },
	{ "{\"claims\": [{\"id\": \"m\", \"claim\": \"c\", \"source\": \"s\", \"task\": \"passkey\", \"metric\": "
	  "\"perplexity\"}]}",
	  "metric: passkey has no \"perplexity\"" },
};

static void test_claims_refuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fot_claims c;
		struct fot_err err = { 0 };
		int status = fot_claims_parse(&c, bad[i].text, strlen(bad[i].text), "c.json", &err);

		if (status != FOT_ERR_USAGE || !strstr(err.text, bad[i].fragment) || strncmp(err.text, "c.json", 6) != 0)
			fail_msg("claim %zu: status %d, %s", i, status, err.text);
	}
}

/* --- few-shot --- */

static void add_answer(struct fot_table *t, int64_t shots, int item, int64_t seed, bool right)
{
	size_t row = fot_table_add(t);
	char id[16], asked[24];

	snprintf(id, sizeof id, "i%d", item);
	snprintf(asked, sizeof asked, "%lld", (long long)shots);
	fot_table_set_text(t, row, "model", "m");
	fot_table_set_text(t, row, "model_variant", "fot");
	fot_table_set_text(t, row, "memory_mode", "dense");
	fot_table_set_text(t, row, "mem_dtype", "f32");
	fot_table_set_text(t, row, "task", "fewshot");
	fot_table_set_text(t, row, "dataset", "trec");
	fot_table_set_int(t, row, "context_length", 8192);
	fot_table_set_int(t, row, "n_shots", shots);
	fot_table_set_text(t, row, "shots_asked", asked);
	fot_table_set_text(t, row, "item_id", id);
	fot_table_set_text(t, row, "item_sha256", id);
	fot_table_set_int(t, row, "demo_seed", seed);
	fot_table_set_text(t, row, "label_gold", "a");
	fot_table_set_text(t, row, "label_pred", right ? "a" : "b");
	fot_table_set_int(t, row, "correct", right);
	fot_table_set_text(t, row, "status", "ok");
}

/* B names other demonstrations than A: what was asked for differs with them and tells no groups apart. */
static void test_claims_about_demonstrations(void **state)
{
	struct fot_table rows, judged;

	(void)state;
	fot_table_init(&rows, &fot_schema_fewshot);
	for (int item = 0; item < 40; item++)
		for (int64_t seed = 0; seed < 5; seed++) {
			add_answer(&rows, 16, item, seed, (item + seed) % 4 == 0);
			add_answer(&rows, 64, item, seed, (item + seed) % 4 != 0);
		}
	judge(&judged, "{\"claims\": [{\"id\": \"f\", \"claim\": \"c\", \"source\": \"s\", \"task\": \"fewshot\", \"metric\": "
		       "\"accuracy\", \"a\": {\"n_shots\": 64}, \"b\": {\"n_shots\": 16}, \"expect\": \"above\"}]}",
	      &rows);
	assert_int_equal(judged.n_rows, 1);
	assert_string_equal(cell(&judged, 0, "verdict"), "reproduced");
	assert_true(fabs(fot_table_real(&judged, 0, "delta", 0) - 0.5) < 1e-9);
	fot_table_release(&judged);
	fot_table_release(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims_verdict_table),
		cmocka_unit_test(test_claims_each_verdict_from_rows),
		cmocka_unit_test(test_claims_numbers_and_paper),
		cmocka_unit_test(test_claims_which_conditions),
		cmocka_unit_test(test_claims_without_interval),
		cmocka_unit_test(test_claims_about_shares),
		cmocka_unit_test(test_claims_about_demonstrations),
		cmocka_unit_test(test_claims_print_formats),
		cmocka_unit_test(test_claims_print_nothing_without_lines),
		cmocka_unit_test(test_claims_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
