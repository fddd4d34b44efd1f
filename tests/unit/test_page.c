/* test_page.c: a page out of tables in memory: its parts, samples and tokens as data, and each allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/export/page.h"
#include "tests/task_schemas.h"

struct made {
	struct fot_page page;
	struct fot_page_run run;
	struct fot_page_samples samples[2];
	struct fot_page_tokens tokens[2];
	struct fot_table report, judged;
};

/* An estimate of fot under a memory. */
static void add_estimate(struct fot_table *t, const char *memory, int64_t length, double value)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "run_id", "0123");
	fot_table_set_text(t, row, "model", "m");
	fot_table_set_text(t, row, "model_variant", "fot");
	fot_table_set_text(t, row, "memory_mode", memory);
	fot_table_set_text(t, row, "memory", memory);
	fot_table_set_text(t, row, "task", fot_measured_tasks[0]->schema->name);
	fot_table_set_text(t, row, "dataset", "<books>");
	fot_table_set_int(t, row, "context_length", length);
	fot_table_set_int(t, row, "window", 512);
	fot_table_set_text(t, row, "metric", fot_measured_tasks[0]->measure[0].metric);
	fot_table_set_real(t, row, "value", value);
	fot_table_set_real(t, row, "ci_low", value - 1);
	fot_table_set_real(t, row, "ci_high", value + 1);
	fot_table_set_int(t, row, "n_items", 6);
	fot_table_set_int(t, row, "n_clusters", 6);
	fot_table_set_text(t, row, "status", "ok");
}

/* A key that a query of document d read. */
static void add_read(struct fot_table *t, int64_t position, int64_t head, int64_t key, double share)
{
	size_t row = fot_table_add(t);

	fot_table_set_text(t, row, "model_variant", "fot");
	fot_table_set_text(t, row, "memory_mode", "dense");
	fot_table_set_text(t, row, "dataset", "texts");
	fot_table_set_text(t, row, "doc_id", "d");
	fot_table_set_int(t, row, "position", position);
	fot_table_set_text(t, row, "before", "it is ");
	fot_table_set_text(t, row, "text", "<b>");
	fot_table_set_text(t, row, "after", " here");
	fot_table_set_int(t, row, "context_length", 96);
	fot_table_set_int(t, row, "window", 32);
	fot_table_set_int(t, row, "layer", 2);
	fot_table_set_int(t, row, "head", head);
	fot_table_set_int(t, row, "n_retrieved", 64);
	fot_table_set_real(t, row, "knn_score", 0.5);
	fot_table_set_int(t, row, "key_position", key);
	fot_table_set_text(t, row, "key_text", "key");
	fot_table_set_real(t, row, "key_share", share);
	fot_table_set_real(t, row, "focus_score", 1);
	fot_table_set_text(t, row, "status", "ok");
}

static void add_token(struct fot_table *t, int64_t position, int64_t token, double nll, const char *text)
{
	size_t row = fot_table_add(t);

	fot_table_set_int(t, row, "sequence", 0);
	fot_table_set_int(t, row, "position", position);
	fot_table_set_int(t, row, "token", token);
	fot_table_set_real(t, row, "nll_nats", nll);
	fot_table_set_text(t, row, "text", text);
}

static void make_samples(struct made *m)
{
	m->samples[0] = (struct fot_page_samples){ .run = "one", .task = "asked", .file = "asked.jsonl" };
	fot_str_puts(&m->samples[0].lines, "{\"item\":1,\"answer\":\"</script>\"}\n\n{\"item\":2}\n");
	m->samples[1] = (struct fot_page_samples){ .run = "one", .task = "read", .file = "read.csv" };
	fot_table_init(&m->samples[1].rows, &fot_schema_samples);
	add_read(&m->samples[1].rows, 70, 0, 12, 0.25);
	add_read(&m->samples[1].rows, 70, 0, 40, 0.125);
	add_read(&m->samples[1].rows, 70, 1, 3, 0.5);
	add_read(&m->samples[1].rows, 80, 0, 4, 0.5);
	assert_int_equal(fot_table_check(&m->samples[1].rows, NULL), FOT_OK);
}

static void make(struct made *m)
{
	*m = (struct made){ .run = { .name = "one" } };
	m->run.manifest = cJSON_Parse(
		"{\"status\":\"complete\",\"run_id\":\"0123\",\"counts\":{\"planned\":2,\"done\":2}}");
	fot_table_init(&m->run.summary, &fot_schema_summary);
	add_estimate(&m->run.summary, "none", 512, 20);
	add_estimate(&m->run.summary, "dense", 512, 20);
	add_estimate(&m->run.summary, "dense", 2048, 10.5);
	assert_int_equal(fot_table_check(&m->run.summary, NULL), FOT_OK);
	fot_table_init(&m->report, &fot_schema_report);
	fot_table_init(&m->judged, &fot_schema_claims);
	make_samples(m);
	for (int i = 0; i < 2; i++) {
		m->tokens[i].name = i ? "dense" : "none";
		fot_table_init(&m->tokens[i].rows, &fot_schema_tokens);
		add_token(&m->tokens[i].rows, 1, 7, 3 - i, " a");
		add_token(&m->tokens[i].rows, 2, 8, 2, NULL);
	}
	m->page = (struct fot_page){ .run = &m->run,
				     .n_runs = 1,
				     .report = &m->report,
				     .judged = &m->judged,
				     .notes = "",
				     .samples = m->samples,
				     .n_samples = 2,
				     .tokens = m->tokens,
				     .n_tokens = 2 };
}

static void release(struct made *m)
{
	cJSON_Delete((cJSON *)m->run.manifest);
	fot_table_release(&m->run.summary);
	fot_table_release(&m->report);
	fot_table_release(&m->judged);
	fot_str_release(&m->samples[0].lines);
	fot_table_release(&m->samples[1].rows);
	for (int i = 0; i < 2; i++)
		fot_table_release(&m->tokens[i].rows);
}

static void holds(const struct fot_str *page, const char *text)
{
	if (!strstr(page->data, text))
		fail_msg("the page lacks %s", text);
}

static void test_page_holds_all_parts(void **state)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct made m;

	(void)state;
	make(&m);
	if (fot_page_print(&out, &m.page, &err) != FOT_OK)
		fail_msg("%s", err.text);
	holds(&out, "<h1>one</h1>");
	holds(&out, "<dd>complete, 2 of 2 items</dd>");
	holds(&out, "<b>&lt;books&gt;</b>");
	holds(&out, "<td>10.5000 <small>[9.5000, 11.5000]</small></td>");
	/* panel, series, length, value, interval, note; then names and looks */
	holds(&out, "[0, 1, 2048, 10.5, 9.5, 11.5, \"6 items\"]");
	holds(&out, "{\"name\": \"fot (dense memory)\", \"look\": 3, \"dash\": 2}");
	release(&m);
	fot_str_release(&out);
}

static void test_page_samples_are_data(void **state)
{
	struct fot_str out = FOT_STR_INIT;
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(fot_page_samples_data(&out, &m.page, NULL), FOT_OK);
	holds(&out, "\"answer\": \"\\u003c/script\\u003e\"}");
	holds(&out, "\"total\":2},");
	/* one query with two heads, the first with two keys */
	holds(&out,
	      "{\"where\": \"fot, dense on texts: d\", \"position\": 70, \"length\": 96, \"window\": 32, \"before\": \"it is \", "
	      "\"text\": \"\\u003cb\\u003e\", \"after\": \" here\", \"heads\": [{\"layer\": 2, \"head\": 0, \"n\": 64, \"score\": 0.5, "
	      "\"keys\": [[12, \"\", \"key\", \"\", 0.25, 1], [40, \"\", \"key\", \"\", 0.125, 1]]}, {\"layer\": 2, \"head\": 1,");
	release(&m);
	fot_str_release(&out);
}

static void test_page_tokens_pair(void **state)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(fot_page_tokens_data(&out, &m.page, &err), FOT_OK);
	holds(&out,
	      "{\"names\":[\"none\",\"dense\"],\"sequences\":[\n{\"sequence\":0,\"turn\":null,\"position\":1,"
	      "\"text\":[\" a\",\"\xe2\x9f\xa8"
	      "8\xe2\x9f\xa9\"],\"nll\":[\n[3,2],\n[2,2]]}");
	fot_table_set_int(&m.tokens[1].rows, 1, "token", 9);
	assert_int_equal(fot_page_tokens_data(&out, &m.page, &err), FOT_ERR_INPUT);
	assert_string_equal(
		err.text,
		"dense: row 2: expected the token of none, position 2, token 8; got position 2, token 9");
	release(&m);
	fot_str_release(&out);
}

static void test_page_knows_what_was_retrieved(void **state)
{
	(void)state;
	assert_true(fot_page_is_retrieved(&fot_schema_samples));
	assert_false(fot_page_is_retrieved(&fot_schema_perplexity));
}

/* Without memory an error, never a page that lacks something. */
static void test_page_without_memory(void **state)
{
	struct fot_str whole = FOT_STR_INIT;
	struct made m;
	int status = FOT_ERR_RUN;

	(void)state;
	make(&m);
	assert_int_equal(fot_page_print(&whole, &m.page, NULL), FOT_OK);
	for (long k = 1; status != FOT_OK; k += 1 + k / 32) {
		struct fot_str out = FOT_STR_INIT;
		struct fot_err err = { 0 };

		fot_mem_fail_at(k);
		status = fot_page_print(&out, &m.page, &err);
		fot_mem_fail_at(0);
		if (status == FOT_OK)
			assert_string_equal(out.data, whole.data);
		else
			assert_int_equal(status, FOT_ERR_RUN);
		fot_str_release(&out);
	}
	fot_str_release(&whole);
	release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_holds_all_parts),
		cmocka_unit_test(test_page_samples_are_data),
		cmocka_unit_test(test_page_tokens_pair),
		cmocka_unit_test(test_page_knows_what_was_retrieved),
		cmocka_unit_test(test_page_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
