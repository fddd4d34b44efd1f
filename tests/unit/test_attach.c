/* test_attach.c: settings of a memory: text, JSON, options of a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/attach.h"

#define WHERE "here"

static void assert_text(const struct fot_attach *a, const char *want)
{
	struct fot_str s = FOT_STR_INIT;

	fot_attach_print(&s, a);
	assert_string_equal(s.data, want);
	fot_str_release(&s);
}

/* What is read, as it is printed. */
static void test_attach_text_comes_back(void **state)
{
	static const char *const texts[][2] = {
		{ "none", "none" },
		{ "dense", "dense" },
		{ "knn", "knn" },
		{ "knn:128", "knn:128" },
		{ "xl", "xl" },
		{ "knn:1048576", "knn:1048576" },
		{ "dense,bf16", "dense,bf16" },
		{ "knn:32,f32,scale=1.50,decay=1", "knn:32,decay=1,scale=1.5,f32" },
		{ "dense,decay=0.1", "dense,decay=0.1" },
		{ "knn,decay=0", "knn" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fot_attach a, b;

		assert_int_equal(fot_attach_parse(&a, texts[i][0], WHERE, NULL), FOT_OK);
		assert_text(&a, texts[i][1]);
		assert_int_equal(fot_attach_parse(&b, texts[i][1], WHERE, NULL), FOT_OK);
		assert_true(fot_attach_equal(&a, &b));
	}
}

static void test_attach_refuses(void **state)
{
	static const char *const texts[][2] = {
		{ "", "here: \"\": expected none, dense, knn, knn:K or xl" },
		{ "Dense", "here: \"Dense\": expected none, dense, knn, knn:K or xl" },
		{ "dense:3", "here: \"dense:3\": expected none, dense, knn, knn:K or xl" },
		{ "knn:", "here: \"knn:\": expected 1 to 1048576 keys" },
		{ "knn:0", "here: \"knn:0\": expected 1 to 1048576 keys" },
		{ "knn:1048577", "here: \"knn:1048577\": expected 1 to 1048576 keys" },
		{ "none,bf16", "here: \"bf16\": memory none stores nothing" },
		{ "xl,decay=1", "here: \"decay=1\": memory xl stores nothing" },
		{ "dense,f32,bf16", "here: \"bf16\": a type stands before it" },
		{ "dense,decay=1,decay=2", "here: \"decay=2\": decay stands twice" },
		{ "dense,decay", "here: \"decay\": expected decay=X, X from 0 to 100" },
		{ "dense,decay=101", "here: \"decay=101\": expected decay=X, X from 0 to 100" },
		{ "dense,decay=nan", "here: \"decay=nan\": expected decay=X, X from 0 to 100" },
		{ "dense,scale=0", "here: \"scale=0\": expected scale=X, X from 0.001 to 1000" },
		{ "dense,", "here: \"\": expected decay=X, scale=X, f32 or bf16" },
		{ "dense,,bf16", "here: \"\": expected decay=X, scale=X, f32 or bf16" },
		{ "dense,probe=3", "here: \"probe=3\": expected decay=X, scale=X, f32 or bf16" },
		{ "dense,knn", "here: \"dense,knn\": expected one memory" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "here: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": expected none, dense, knn, knn:K or xl" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fot_attach a;
		struct fot_err err = { 0 };

		assert_int_equal(fot_attach_parse(&a, texts[i][0], WHERE, &err), FOT_ERR_USAGE);
		assert_string_equal(err.text, texts[i][1]);
	}
}

/* Commas stand between memories and before their options. */
static void test_attach_list(void **state)
{
	static const char *const want[] = { "dense,decay=1", "knn:32,bf16", "none", "knn" };
	const char *list = "dense,decay=1,knn:32,bf16,none,knn";
	struct fot_attach a;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(*list);
		assert_int_equal(fot_attach_next(&a, &list, WHERE, NULL), FOT_OK);
		assert_text(&a, want[i]);
	}
	assert_string_equal(list, "");
}

static int read_json(struct fot_attach *a, const char *text, struct fot_err *err)
{
	cJSON *node = cJSON_Parse(text);
	int status;

	assert_non_null(node);
	status = fot_attach_read(a, node, WHERE, err);
	cJSON_Delete(node);
	return status;
}

static void test_attach_json_comes_back(void **state)
{
	static const char *const texts[][2] = {
		{ "\"knn:32\"", "{\"mode\":\"knn\",\"top_k\":32}" },
		{ "{\"mode\":\"knn:32\"}", "{\"mode\":\"knn\",\"top_k\":32}" },
		{ "{\"mode\":\"none\"}", "{\"mode\":\"none\"}" },
		{ "{\"mem_decay\":1,\"top_k\":7,\"mode\":\"knn\",\"mem_scale\":1.5,\"mem_dtype\":\"f32\"}",
		  "{\"mode\":\"knn\",\"top_k\":7,\"mem_dtype\":\"f32\",\"mem_scale\":1.5,\"mem_decay\":1}" },
		{ "\"dense,bf16\"", "{\"mode\":\"dense\",\"mem_dtype\":\"bf16\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cJSON *o = cJSON_CreateObject();
		struct fot_attach a;
		char *text;

		assert_int_equal(read_json(&a, texts[i][0], NULL), FOT_OK);
		assert_true(fot_attach_json(o, &a));
		text = cJSON_PrintUnformatted(o);
		assert_string_equal(text, texts[i][1]);
		cJSON_free(text);
		cJSON_Delete(o);
	}
}

static void test_attach_json_refuses(void **state)
{
	static const char *const texts[][2] = {
		{ "7", "here: expected a text or an object" },
		{ "{\"mode\":\"dense\",\"top_k\":7}", "here: top_k: mode \"dense\" takes none" },
		{ "{\"mode\":\"knn:8\",\"top_k\":7}", "here: top_k: mode \"knn:8\" takes none" },
		{ "{\"mode\":\"none\",\"mem_dtype\":\"f32\"}", "here: mem_dtype: mode none stores nothing" },
		{ "{\"mode\":\"xl\",\"mem_decay\":1}", "here: mem_decay: mode xl stores nothing" },
		{ "{\"mode\":\"dense\",\"mem_dtype\":\"f64\"}",
		  "here: mem_dtype \"f64\": expected f32 or bf16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fot_attach a;
		struct fot_err err = { 0 };

		assert_int_equal(read_json(&a, texts[i][0], &err), FOT_ERR_USAGE);
		assert_string_equal(err.text, texts[i][1]);
	}
}

static void test_attach_applies_to_a_session(void **state)
{
	struct fot_config c;
	struct fot_session_opts o = { .top_k = 9, .mem_dtype = FOT_BF16 };
	struct fot_attach a, got;
	struct fot_err err = { 0 };

	(void)state;
	fot_config_default(&c);
	c.n_mem_layers = 1;
	assert_int_equal(fot_attach_parse(&a, "knn,decay=1", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, &c, NULL), FOT_OK);
	got = fot_attach_of(&o, &c);
	assert_text(&got, "knn:9,decay=1,bf16");
	assert_int_equal(fot_attach_parse(&a, "dense,f32,scale=2", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, &c, NULL), FOT_OK);
	got = fot_attach_of(&o, &c);
	assert_text(&got, "dense,scale=2,f32");
	assert_int_equal(fot_attach_parse(&a, "xl", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, &c, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "memory \"xl\" is for models with cached windows"));
	c.n_mem_layers = 0;
	assert_int_equal(fot_attach_parse(&a, "dense", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, &c, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "the model has no memory layers"));
	c.cached_windows = 1;
	assert_int_equal(fot_attach_parse(&a, "none", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, &c, NULL), FOT_OK);
	got = fot_attach_of(&o, &c);
	assert_text(&got, "xl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_text_comes_back),
		cmocka_unit_test(test_attach_refuses),
		cmocka_unit_test(test_attach_list),
		cmocka_unit_test(test_attach_json_comes_back),
		cmocka_unit_test(test_attach_json_refuses),
		cmocka_unit_test(test_attach_applies_to_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
