/* test_columns.c: schemas, rows, CSV both ways and JSON records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/plan/task_class.h"
#include "harness/tables/table.h"
#include "tests/task_schemas.h"

static const char *const KEYS =
	"run_id,model,model_variant,memory_mode,memory_tokens,task,dataset,context_length,";

static void test_columns_follow_the_conventions(void **state)
{
	static const char *const want =
		"stride,bos_mode,doc_id,doc_sha256,n_tokens_doc,n_tokens_scored,n_words_scored,"
		"n_bytes_scored,nll_nats,nll_sq_nats,n_windows,truncated,status,wall_s,tokens_per_s,"
		"peak_rss_bytes,";
	static const char *const summary =
		"depth,n_shots,metric,value,ci_low,ci_high,ci_level,ci_method,se,n_items,n_clusters,n_failed,n_skipped,"
		"baseline_run_id,delta,delta_ci_low,delta_ci_high,p_value,p_adjusted,p_method,higher_is_better,status,";
	struct fot_str text = FOT_STR_INIT;
	struct fot_table t;
	size_t keys = strlen(KEYS);

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	assert_int_equal(fot_table_print(&text, &t, true, NULL), FOT_OK);
	assert_memory_equal(text.data, KEYS, keys);
	assert_memory_equal(text.data + keys, want, strlen(want));
	fot_table_release(&t);
	fot_str_clear(&text);
	fot_table_init(&t, &fot_schema_summary);
	assert_int_equal(fot_table_print(&text, &t, true, NULL), FOT_OK);
	assert_memory_equal(text.data, KEYS, keys);
	assert_memory_equal(text.data + keys, summary, strlen(summary));
	fot_table_release(&t);
	fot_str_release(&text);
}

static void test_columns_names_are_unique_and_described(void **state)
{
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	for (size_t s = 0; s < fot_n_schemas + fot_n_task_classes; s++) {
		const struct fot_schema *schema = s < fot_n_schemas ? fot_schemas[s] :
								      fot_task_classes[s - fot_n_schemas]->schema;

		fot_str_clear(&text);
		fot_schema_describe(&text, schema);
		for (size_t i = 0; i < schema->n; i++) {
			assert_int_equal(fot_schema_column(schema, schema->column[i].name), i);
			assert_non_null(strstr(text.data, schema->column[i].about));
			if (i && schema->column[i - 1].kind == FOT_COLUMN_LATE)
				assert_int_equal(schema->column[i].kind, FOT_COLUMN_LATE);
		}
	}
	assert_int_equal(fot_schema_column(&fot_schema_summary, "nonsense"), -1);
	fot_str_release(&text);
}

static const char *const TEXTS[] = { "plain", "a,b",      "say \"so\"", "two\nlines",  "cr\r\nlf",
				     " lead", "trail ",   "=1+1",       "+x",          "-5",
				     "@me",   "'=quoted", "''-twice",   "'apostrophe", "\xc3\xa9t\xc3\xa9",
				     "\"",    ",",        "\ttab\t",    "nan",         "0",
				     "1e5" };

static void fill(struct fot_table *t, size_t n_rows)
{
	struct fot_rng rng;

	fot_rng_init(&rng, 11, "test.columns", 0);
	for (size_t i = 0; i < n_rows; i++) {
		size_t row = fot_table_add(t);
		uint64_t bits = fot_rng_u64(&rng);
		double x;

		memcpy(&x, &bits, sizeof x);
		fot_table_set_text(t, row, "doc_id", TEXTS[i % (sizeof TEXTS / sizeof TEXTS[0])]);
		fot_table_set_real(t, row, "nll_nats", isfinite(x) ? x : 0.1);
		fot_table_set_real(t, row, "wall_s", fot_rng_uniform(&rng));
		if (i % 3)
			fot_table_set_int(t, row, "n_tokens_doc",
					  (int64_t)(fot_rng_u64(&rng) >> 1) * (i % 2 ? 1 : -1));
		fot_table_set_int(t, row, "truncated", i % 2);
	}
	assert_int_equal(fot_table_check(t, NULL), FOT_OK);
}

static void assert_same(const struct fot_table *a, const struct fot_table *b)
{
	assert_int_equal(a->n_rows, b->n_rows);
	for (size_t i = 0; i < a->n_rows * a->schema->n; i++) {
		assert_int_equal(a->cell[i].kind, b->cell[i].kind);
		if (a->cell[i].kind == FOT_CELL_TEXT)
			assert_string_equal(a->cell[i].text, b->cell[i].text);
		else
			assert_int_equal(a->cell[i].i, b->cell[i].i); /* or the bits of x */
	}
}

static void test_columns_csv_round_trip(void **state)
{
	struct fot_table a, b;
	struct fot_str text = FOT_STR_INIT, again = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	fot_table_init(&a, &fot_schema_perplexity);
	fot_table_init(&b, &fot_schema_perplexity);
	fill(&a, 500);
	assert_int_equal(fot_table_print(&text, &a, true, &err), FOT_OK);
	if (fot_table_parse(&b, text.data, text.len, "x.csv", &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_same(&a, &b);
	assert_int_equal(fot_table_print(&again, &b, true, &err), FOT_OK);
	assert_string_equal(text.data, again.data);
	assert_null(strstr(text.data, ",=1+1"));
	assert_non_null(strstr(text.data, ",'=1+1,"));
	fot_str_release(&text);
	fot_str_release(&again);
	fot_table_release(&a);
	fot_table_release(&b);
}

static void test_columns_file_round_trip(void **state)
{
	char dir[] = "/tmp/fot-columns-XXXXXX", path[64];
	struct fot_table a, b;
	struct fot_err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/perplexity.csv", dir);
	fot_table_init(&a, &fot_schema_perplexity);
	fot_table_init(&b, &fot_schema_perplexity);
	fill(&a, 40);
	assert_int_equal(fot_table_write(&a, path, true, &err), FOT_OK);
	assert_int_equal(fot_table_read(&b, path, &err), FOT_OK);
	assert_same(&a, &b);
	assert_int_equal(fot_table_read(&b, "/tmp/fot-no-such-file.csv", &err), FOT_ERR_INPUT);
	fot_table_release(&a);
	fot_table_release(&b);
	unlink(path);
	rmdir(dir);
}

static void test_columns_timings_can_be_left_out(void **state)
{
	struct fot_table a, b;
	struct fot_str ta = FOT_STR_INIT, tb = FOT_STR_INIT;

	(void)state;
	fot_table_init(&a, &fot_schema_perplexity);
	fot_table_init(&b, &fot_schema_perplexity);
	fill(&a, 20);
	fill(&b, 20);
	fot_table_set_real(&b, 3, "wall_s", 99);
	fot_table_set_int(&b, 4, "peak_rss_bytes", 99);
	assert_int_equal(fot_table_print(&ta, &a, false, NULL), FOT_OK);
	assert_int_equal(fot_table_print(&tb, &b, false, NULL), FOT_OK);
	assert_string_equal(ta.data, tb.data);
	fot_str_clear(&ta);
	fot_str_clear(&tb);
	assert_int_equal(fot_table_print(&ta, &a, true, NULL), FOT_OK);
	assert_int_equal(fot_table_print(&tb, &b, true, NULL), FOT_OK);
	assert_string_not_equal(ta.data, tb.data);
	fot_str_release(&ta);
	fot_str_release(&tb);
	fot_table_release(&a);
	fot_table_release(&b);
}

/* A late column stands in the file from its first value on; the header is then complete up to it. */
static void test_columns_late_ones_wait_for_a_value(void **state)
{
	static const struct fot_column columns[] = {
		{ "a", FOT_COLUMN_INT, false, "always" },
		{ "b", FOT_COLUMN_INT, FOT_COLUMN_LATE, "late" },
		{ "c", FOT_COLUMN_TEXT, FOT_COLUMN_LATE, "later" },
	};
	static const struct fot_schema schema = { "late", "a test", columns, 3 };
	static const char *const want[] = { "a\n1\n2\n", "a,b\n1,\n2,7\n", "a,b,c\n1,,\n2,7,\n3,,x\n", "a\n" };
	struct fot_table t, back;
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	fot_table_init(&t, &schema);
	for (int i = 0; i < 4; i++) {
		if (i == 0)
			for (int64_t a = 1; a < 3; a++)
				fot_table_set_int(&t, fot_table_add(&t), "a", a);
		if (i == 1)
			fot_table_set_int(&t, 1, "b", 7);
		if (i == 2)
			fot_table_set_int(&t, fot_table_add(&t), "a", 3);
		if (i == 2)
			fot_table_set_text(&t, 2, "c", "x");
		if (i == 3)
			fot_table_clear(&t);
		fot_str_clear(&text);
		assert_int_equal(fot_table_print(&text, &t, true, NULL), FOT_OK);
		assert_string_equal(text.data, want[i]);
		fot_table_init(&back, &schema);
		assert_int_equal(fot_table_parse(&back, text.data, text.len, "x", NULL), FOT_OK);
		assert_same(&t, &back);
		fot_table_release(&back);
	}
	fot_str_release(&text);
	fot_table_release(&t);
}

static void test_columns_json_round_trip(void **state)
{
	struct fot_table a, b;
	struct fot_err err = { 0 };

	(void)state;
	fot_table_init(&a, &fot_schema_perplexity);
	fot_table_init(&b, &fot_schema_perplexity);
	for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
		size_t row = fot_table_add(&a);
		cJSON *plain, *timing;

		fot_table_set_text(&a, row, "doc_id", TEXTS[i]);
		fot_table_set_real(&a, row, "nll_nats", exp((double)i * 3.7) / 3);
		fot_table_set_int(&a, row, "n_tokens_doc", ((int64_t)1 << 53) - 1 - (int64_t)i);
		fot_table_set_real(&a, row, "wall_s", 0.1 * (double)i);
		plain = fot_table_row_json(&a, row, false);
		timing = fot_table_row_json(&a, row, true);
		assert_null(cJSON_GetObjectItem(plain, "wall_s"));
		assert_int_equal(cJSON_GetArraySize(timing), 1);
		row = fot_table_add(&b);
		assert_int_equal(fot_table_row_from_json(&b, row, plain, "r", &err), FOT_OK);
		assert_int_equal(fot_table_row_from_json(&b, row, timing, "r", &err), FOT_OK);
		cJSON_Delete(plain);
		cJSON_Delete(timing);
	}
	assert_same(&a, &b);
	fot_table_release(&a);
	fot_table_release(&b);
}

static void test_columns_json_refuses(void **state)
{
	static const struct {
		const char *text, *want;
	} row[] = { { "{\"nonsense\":1}", "no column \"nonsense\"" }, { "{\"doc_id\":1}", "doc_id" },
		    { "{\"nll_nats\":\"1\"}", "nll_nats" },           { "{\"truncated\":2}", "truncated" },
		    { "{\"n_windows\":1.5}", "n_windows" },           { "[1]", "expected an object" } };
	struct fot_table t;

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		cJSON *node = cJSON_Parse(row[i].text);
		struct fot_err err = { 0 };

		assert_int_equal(fot_table_row_from_json(&t, fot_table_add(&t), node, "here", &err),
				 FOT_ERR_INPUT);
		if (!strstr(err.text, row[i].want))
			fail_msg("\"%s\" lacks \"%s\"", err.text, row[i].want);
		cJSON_Delete(node);
	}
	fot_table_release(&t);
}

static void test_columns_setters_keep_the_first_mistake(void **state)
{
	static const char *const want[] = { "no such column", "not finite", "another type", "0 or 1",
					    "no such row" };

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct fot_table t;
		struct fot_str text = FOT_STR_INIT;
		struct fot_err err = { 0 };
		size_t row;

		fot_table_init(&t, &fot_schema_perplexity);
		row = fot_table_add(&t);
		if (i == 0)
			fot_table_set_int(&t, row, "nonsense", 1);
		else if (i == 1)
			fot_table_set_real(&t, row, "nll_nats", NAN);
		else if (i == 2)
			fot_table_set_text(&t, row, "nll_nats", "1");
		else if (i == 3)
			fot_table_set_int(&t, row, "truncated", 2);
		else
			fot_table_set_int(&t, row + 1, "stride", 2);
		fot_table_set_int(&t, row, "also wrong", 1);
		assert_int_equal(fot_table_print(&text, &t, true, &err), FOT_ERR_RUN);
		if (!strstr(err.text, want[i]))
			fail_msg("\"%s\" lacks \"%s\"", err.text, want[i]);
		fot_str_release(&text);
		fot_table_release(&t);
	}
}

static void test_columns_reader_accepts_other_writers(void **state)
{
	/* CRLF, everything quoted, no last newline, columns in another order, later columns missing */
	static const char text[] = "\"model\",\"run_id\",\"model_variant\"\r\n\"m,1\",\"r\",\"\"\r\nm2,r2,v";
	struct fot_table t;
	struct fot_err err = { 0 };

	(void)state;
	fot_table_init(&t, &fot_schema_perplexity);
	assert_int_equal(fot_table_parse(&t, text, sizeof text - 1, "x", &err), FOT_OK);
	assert_int_equal(t.n_rows, 2);
	assert_string_equal(fot_table_text(&t, 0, "model"), "m,1");
	assert_string_equal(fot_table_text(&t, 0, "run_id"), "r");
	assert_int_equal(fot_table_cell(&t, 0, "model_variant")->kind, FOT_CELL_EMPTY);
	assert_string_equal(fot_table_text(&t, 1, "model_variant"), "v");
	assert_int_equal(fot_table_int(&t, 1, "stride", 17), 17);
	fot_table_release(&t);
}

static void test_columns_reader_refuses(void **state)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{ "", "no header" },
		{ "run_id,nonsense\n", "unknown column \"nonsense\"" },
		{ "run_id,run_id\n", "run_id stands twice" },
		{ "run_id,model_variant\n", "column model is missing" },
		{ "run_id,model\na\n", "record 2: 1 cells, expected 2" },
		{ "run_id,model\na,b,c\n", "more than 2 cells" },
		{ "run_id,model\na,\"b\n", "record 2" },
		{ "run_id,model\na,b\"c\n", "record 2" },
		{ "\xef\xbb\xbfrun_id\n", "unknown column" },
	};
	static const struct {
		const char *cell, *want;
	} bad[] = { { "x", "expected an integer, got \"x\"" },
		    { "1.5", "expected an integer" },
		    { "nan", "expected" },
		    { "99999999999999999999", "expected an integer" } };
	struct fot_str text = FOT_STR_INIT;
	struct fot_table t;
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		fot_table_init(&t, &fot_schema_perplexity);
		err = (struct fot_err){ 0 };
		assert_int_equal(fot_table_parse(&t, row[i].text, strlen(row[i].text), "x.csv", &err),
				 FOT_ERR_INPUT);
		if (!strstr(err.text, row[i].want) || !strstr(err.text, "x.csv"))
			fail_msg("\"%s\" lacks \"%s\"", err.text, row[i].want);
		fot_table_release(&t);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		fot_str_clear(&text);
		fot_str_printf(&text, "%sstride\nr,m,v,none,0,perplexity,books,512,%s\n", KEYS, bad[i].cell);
		fot_table_init(&t, &fot_schema_perplexity);
		err = (struct fot_err){ 0 };
		assert_int_equal(fot_table_parse(&t, text.data, text.len, "x.csv", &err), FOT_ERR_INPUT);
		if (!strstr(err.text, bad[i].want) || !strstr(err.text, "stride"))
			fail_msg("\"%s\" lacks \"%s\"", err.text, bad[i].want);
		fot_table_release(&t);
	}
	fot_str_release(&text);
}

static void test_columns_reader_survives_lack_of_memory(void **state)
{
	static const char text[] = "run_id,model\na,\"b\"\"c\"\n";
	int ok = 0;

	(void)state;
	for (long k = 1; k < 50 && !ok; k++) {
		struct fot_table t;
		struct fot_err err = { 0 };
		int status;

		fot_table_init(&t, &fot_schema_perplexity);
		fot_mem_fail_at(k);
		status = fot_table_parse(&t, text, sizeof text - 1, "x", &err);
		fot_mem_fail_at(0);
		ok = status == FOT_OK;
		if (!ok)
			assert_int_equal(status, FOT_ERR_RUN);
		fot_table_release(&t);
	}
	assert_true(ok);
}

static void test_columns_first_row_of_its_kind(void **state)
{
	static const char *const dataset[] = { "a", "b", "a", NULL, "b", NULL };
	static const bool want[] = { true, true, false, true, false, false };
	struct fot_table t;

	(void)state;
	fot_table_init(&t, &fot_schema_summary);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		fot_table_set_text(&t, fot_table_add(&t), "dataset", dataset[i]);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		assert_int_equal(fot_table_is_first(&t, i, FOT_LIST("dataset", "task")), want[i]);
	fot_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_follow_the_conventions),
		cmocka_unit_test(test_columns_names_are_unique_and_described),
		cmocka_unit_test(test_columns_csv_round_trip),
		cmocka_unit_test(test_columns_first_row_of_its_kind),
		cmocka_unit_test(test_columns_file_round_trip),
		cmocka_unit_test(test_columns_timings_can_be_left_out),
		cmocka_unit_test(test_columns_late_ones_wait_for_a_value),
		cmocka_unit_test(test_columns_json_round_trip),
		cmocka_unit_test(test_columns_json_refuses),
		cmocka_unit_test(test_columns_setters_keep_the_first_mistake),
		cmocka_unit_test(test_columns_reader_accepts_other_writers),
		cmocka_unit_test(test_columns_reader_refuses),
		cmocka_unit_test(test_columns_reader_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
