/* base/json.h: what is refused and where the message points, getters, printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

static cJSON *parse(const char *text)
{
	struct fot_err err = { 0 };
	cJSON *node = NULL;

	if (fot_json_parse(&node, text, strlen(text), "t", FOT_ERR_INPUT, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return node;
}

static void test_json_refuses_with_line_and_column(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "line 1, column 1: expected a value, got the end of the text" },
		{ " \n ", "line 2, column 2: expected a value, got the end of the text" },
		{ "{\"a\":1,}", "line 1, column 8: expected a key in quotes" },
		{ "[1,\n 2,]", "line 2, column 4: expected a value" },
		{ "[1 2]", "line 1, column 4: expected ',' or ']'" },
		{ "{\"a\" 1}", "line 1, column 6: expected ':' after the key" },
		{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}'" },
		{ "{\"a\":1]", "line 1, column 7: expected ',' or '}'" },
		{ "[1", "line 1, column 3: expected ',' or ']'" },
		{ "{", "line 1, column 2: expected a key in quotes" },
		{ "{a:1}", "line 1, column 2: expected a key in quotes" },
		{ "['a']", "line 1, column 2: expected a value" },
		{ "{} x", "line 1, column 4: text after the end of the value" },
		{ "{}{}", "line 1, column 3: text after the end of the value" },
		{ "[\"\xc3\xa9\xc3\xa9\", x]", "line 1, column 8: expected a value" },
		{ "[tru]", "line 1, column 2: expected a value" },
		{ "truex", "line 1, column 5: text after the end of the value" },
		{ "NaN", "line 1, column 1: expected a value" },
		{ "-Infinity", "line 1, column 2: expected a digit" },
		{ "[01]", "line 1, column 2: a number must not start with 0" },
		{ "[-00.5]", "line 1, column 2: a number must not start with 0" },
		{ "[1.]", "line 1, column 4: expected a digit" },
		{ "[.5]", "line 1, column 2: expected a value" },
		{ "[+1]", "line 1, column 2: expected a value" },
		{ "[1e]", "line 1, column 4: expected a digit" },
		{ "[1e+]", "line 1, column 5: expected a digit" },
		{ "[0x10]", "line 1, column 3: expected ',' or ']'" },
		{ "[1111111111111111111111111111111111111111111111111111111111111111]",
		  "line 1, column 2: a number of more than 63 characters" },
		{ "[\"abc]", "line 1, column 2: this string is not closed" },
		{ "[\"a\tb\"]", "line 1, column 4: a control character in a string must be escaped" },
		{ "[\"a\\x\"]", "line 1, column 4: unknown escape in a string" },
		{ "[\"\\u12g4\"]", "line 1, column 3: expected four hex digits after \\u" },
		{ "[\"\\u12", "line 1, column 3: expected four hex digits after \\u" },
		{ "[\"a\\u0000b\"]", "line 1, column 4: a NUL character (\\u0000) is not allowed" },
		{ "[\"\\ud83d\"]", "line 1, column 3: half of a surrogate pair" },
		{ "[\"\\ud83d\\u0041\"]", "line 1, column 3: half of a surrogate pair" },
		{ "[\"\\udd8a\\ud83e\"]", "line 1, column 3: half of a surrogate pair" },
		{ "\xef\xbb\xbf{}", "line 1, column 1: expected a value, got a byte order mark" },
		{ "[1]\f", "line 1, column 4: text after the end of the value" },
	};
	struct fot_err err;
	cJSON *node = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct fot_err){ 0 };
		assert_int_equal(fot_json_parse(&node, cases[i].text, strlen(cases[i].text), "f.json",
						FOT_ERR_USAGE, &err),
				 FOT_ERR_USAGE);
		assert_memory_equal(err.text, "f.json: ", 8);
		assert_string_equal(err.text + 8, cases[i].message);
		assert_null(node);
	}
}

static void test_json_refuses_what_only_the_tree_shows(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "{\"a\":1,\"b\":2,\"a\":1}", "f.json: a: this key stands twice" },
		{ "{\"t\":[0,{\"x\":{},\"y\":1,\"x\":2}]}", "f.json: t[1].x: this key stands twice" },
		{ "{\"k\":1,\"\\u006b\":2}", "f.json: k: this key stands twice" },
		{ "{\"\":1,\"\":2}", "f.json: : this key stands twice" },
		{ "1e999", "f.json: the number is too large" },
		{ "{\"a\":[1,2,-1e400]}", "f.json: a[2]: the number is too large" },
	};
	struct fot_err err;
	cJSON *node = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(fot_json_parse(&node, cases[i].text, strlen(cases[i].text), "f.json",
						FOT_ERR_INPUT, &err),
				 FOT_ERR_INPUT);
		assert_string_equal(err.text, cases[i].message);
		assert_null(node);
	}
	/* Keys that differ in case are different keys. */
	cJSON_Delete(parse("{\"a\":1,\"A\":2,\"aa\":3}"));
}

static void test_json_refuses_bad_utf8_and_nul(void **state)
{
	struct fot_err err = { 0 };
	cJSON *node = NULL;

	(void)state;
	assert_int_equal(fot_json_parse(&node, "[\"a\xc0\xaf\"]", 7, "f", FOT_ERR_INPUT, &err),
			 FOT_ERR_INPUT);
	assert_string_equal(err.text, "f: byte 3: invalid UTF-8");
	assert_int_equal(fot_json_parse(&node, "[1]\0", 4, "f", FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "f: line 1, column 4: text after the end of the value");
	assert_int_equal(fot_json_parse(&node, "[\"a\0b\"]", 7, "f", FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "column 4: a control character"));
}

static void test_json_depth_is_limited(void **state)
{
	char text[300001];
	struct fot_err err = { 0 };
	struct fot_str s = FOT_STR_INIT;
	cJSON *node = NULL, *outer;

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_int_equal(fot_json_parse(&node, text, 128, "f", FOT_ERR_INPUT, &err), FOT_OK);
	assert_int_equal(fot_json_canonical(&s, node, &err), FOT_OK);
	assert_int_equal(s.len, 128);
	assert_memory_equal(s.data, text, 128);
	outer = cJSON_CreateArray();
	cJSON_AddItemToArray(outer, node);
	assert_int_equal(fot_json_print(&s, outer, 0, &err), FOT_ERR_RUN);
	cJSON_Delete(outer);
	assert_non_null(strstr(err.text, "deeper than 64"));
	fot_str_release(&s);
	memset(text, '[', sizeof(text));
	assert_int_equal(fot_json_parse(&node, text, sizeof(text), "f", FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "f: line 1, column 65: nested deeper than 64 levels");
}

static void test_json_accepts_the_standard(void **state)
{
	cJSON *node = parse(
		" {\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83e\\udd8a\xc3\xa9\", \"n\":[-0.5e+3,0,-0,1E2,10.25], \r\n"
		"\t\"e\":{}, \"f\":[], \"b\":[true,false,null]} ");

	(void)state;
	assert_string_equal(fot_json_get(node, "s")->valuestring,
			    "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\xa6\x8a\xc3\xa9");
	assert_true(cJSON_GetArrayItem(fot_json_get(node, "n"), 0)->valuedouble == -500);
	assert_true(cJSON_GetArrayItem(fot_json_get(node, "n"), 4)->valuedouble == 10.25);
	assert_int_equal(cJSON_GetArraySize(fot_json_get(node, "b")), 3);
	cJSON_Delete(node);
	node = parse("7");
	assert_true(cJSON_IsNumber(node));
	cJSON_Delete(node);
}

static void test_json_parse_survives_every_lost_allocation(void **state)
{
	const char *text = "{\"a\":[1,{\"b\":2}],\"c\":\"d\"}";
	struct fot_err err = { 0 };
	cJSON *node = NULL;
	int status = FOT_ERR_RUN;
	long k;

	(void)state;
	for (k = 1; status != FOT_OK; k++) {
		assert_true(k < 20);
		fot_mem_fail_at(k);
		status = fot_json_parse(&node, text, strlen(text), "f", FOT_ERR_INPUT, &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK) {
			assert_int_equal(status, FOT_ERR_RUN);
			assert_null(node);
		}
	}
	assert_int_equal(k, 6); /* the copy and three levels */
	cJSON_Delete(node);
}

static void test_json_known_keys(void **state)
{
	static const char *const known[] = { "depths", "trials", "seed" };
	struct fot_err err = { 0 };
	cJSON *node = parse("{\"seed\":1,\"depths\":[]}");

	(void)state;
	assert_int_equal(fot_json_known(node, "s.json: tasks[0]", known, 3, FOT_ERR_USAGE, &err), FOT_OK);
	cJSON_Delete(node);
	node = parse("{\"seed\":1,\"dephts\":[]}");
	assert_int_equal(fot_json_known(node, "s.json: tasks[0]", known, 3, FOT_ERR_USAGE, &err),
			 FOT_ERR_USAGE);
	assert_string_equal(err.text, "s.json: tasks[0]: unknown key \"dephts\", did you mean \"depths\"?");
	cJSON_Delete(node);
	node = parse("{\"memory\":1}");
	assert_int_equal(fot_json_known(node, "s.json", known, 3, FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "s.json: unknown key \"memory\", expected one of depths, trials, seed");
	cJSON_Delete(node);
	node = parse("[1]");
	assert_int_equal(fot_json_known(node, "s.json", known, 3, FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "s.json: expected an object");
	cJSON_Delete(node);
}

static const struct fot_json_ctx ctx = { "spec.json: tasks[0]", FOT_ERR_USAGE };

static void test_json_getters_give_values(void **state)
{
	cJSON *node = parse(
		"{\"i\":-9007199254740991,\"d\":0.625,\"b\":true,\"s\":\"x\",\"o\":{\"k\":1},\"a\":[5],\"n\":null,\"e\":3e2}");
	const cJSON *o = NULL, *a = NULL;
	const char *s = NULL;
	int64_t i = 0;
	double d = 0;
	bool b = false;

	(void)state;
	assert_int_equal(fot_json_i64(node, "i", true, INT64_MIN, INT64_MAX, &i, &ctx, NULL), FOT_OK);
	assert_true(i == -9007199254740991);
	assert_int_equal(fot_json_i64(node, "e", true, 300, 300, &i, &ctx, NULL), FOT_OK);
	assert_int_equal(i, 300);
	assert_int_equal(fot_json_double(node, "d", true, 0.625, 0.625, &d, &ctx, NULL), FOT_OK);
	assert_true(d == 0.625);
	assert_int_equal(fot_json_bool(node, "b", true, &b, &ctx, NULL), FOT_OK);
	assert_true(b);
	assert_int_equal(fot_json_string(node, "s", true, &s, &ctx, NULL), FOT_OK);
	assert_string_equal(s, "x");
	assert_int_equal(fot_json_object(node, "o", true, &o, &ctx, NULL), FOT_OK);
	assert_int_equal(fot_json_array(node, "a", true, &a, &ctx, NULL), FOT_OK);
	assert_int_equal(fot_json_as_i64(a->child, 5, 5, &i, &ctx, NULL), FOT_OK);
	assert_int_equal(i, 5);
	assert_non_null(fot_json_get(o, "k"));
	assert_null(fot_json_get(o, "K"));
	assert_null(fot_json_get(node, "n"));
	assert_null(fot_json_get(a, "k"));
	assert_null(fot_json_get(NULL, "k"));
	cJSON_Delete(node);
}

static void test_json_getters_leave_absent_values_alone(void **state)
{
	cJSON *node = parse("{\"n\":null}");
	static const char *const keys[] = { "n", "missing" };
	struct fot_err err = { .text = "untouched" };
	const cJSON *o = node;
	const char *s = "was";
	int64_t i = 17;
	double d = 1.5;
	bool b = true;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(fot_json_i64(node, keys[k], false, 0, 1, &i, &ctx, &err), FOT_OK);
		assert_int_equal(fot_json_double(node, keys[k], false, 0, 1, &d, &ctx, &err), FOT_OK);
		assert_int_equal(fot_json_bool(node, keys[k], false, &b, &ctx, &err), FOT_OK);
		assert_int_equal(fot_json_string(node, keys[k], false, &s, &ctx, &err), FOT_OK);
		assert_string_equal(err.text, "untouched");
		assert_int_equal(fot_json_object(node, keys[k], false, &o, &ctx, &err), FOT_OK);
		assert_null(o);
	}
	assert_int_equal(i, 17);
	assert_true(d == 1.5 && b);
	assert_string_equal(s, "was");
	assert_int_equal(fot_json_i64(node, "n", true, 0, 1, &i, &ctx, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "spec.json: tasks[0].n: missing, expected an integer");
	assert_int_equal(fot_json_array(NULL, "a", true, &o, &ctx, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "spec.json: tasks[0].a: missing, expected an array");
	cJSON_Delete(node);
}

static void test_json_getters_say_what_is_wrong(void **state)
{
	cJSON *node = parse(
		"{\"s\":\"x\",\"f\":1.5,\"big\":9007199254740993,\"neg\":-1,\"b\":false,\"o\":{},\"a\":[]}");
	const struct fot_json_ctx plain = { "spec.json", FOT_ERR_INPUT };
	struct fot_err err = { 0 };
	const cJSON *o;
	const char *s;
	int64_t i;
	double d;
	bool b;

	(void)state;
	assert_int_equal(fot_json_double(node, "s", false, 0, 1, &d, &ctx, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "spec.json: tasks[0].s: expected a number, got a string");
	assert_int_equal(fot_json_i64(node, "b", false, 0, 1, &i, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: b: expected an integer, got a boolean");
	assert_int_equal(fot_json_i64(node, "f", false, 0, 9, &i, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: f: expected an integer from 0 to 9, got 1.5");
	assert_int_equal(fot_json_i64(node, "neg", false, 0, 9, &i, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: neg: expected an integer from 0 to 9, got -1");
	/* 2^53 + 1 was rounded when it was read: not exact, so refused. */
	assert_int_equal(fot_json_i64(node, "big", false, 0, INT64_MAX, &i, &plain, &err), FOT_ERR_INPUT);
	assert_int_equal(fot_json_double(node, "neg", false, 0, 0.5, &d, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: neg: expected a number from 0 to 0.5, got -1");
	assert_int_equal(fot_json_bool(node, "neg", false, &b, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: neg: expected true or false, got a number");
	assert_int_equal(fot_json_string(node, "o", false, &s, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: o: expected a string, got an object");
	assert_int_equal(fot_json_object(node, "a", false, &o, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: a: expected an object, got an array");
	assert_int_equal(fot_json_array(node, "o", false, &o, &plain, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "spec.json: o: expected an array, got an object");
	assert_int_equal(fot_json_as_i64(NULL, 0, 1, &i, &ctx, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "spec.json: tasks[0]: expected an integer, got something else");
	cJSON_Delete(node);
}

static void test_json_shows_what_a_node_holds(void **state)
{
	static const struct {
		const char *node, *shown;
	} row[] = {
		{ "[\"8z\"]", "\"8z\"" },
		{ "[1.5]", "1.5" },
		{ "[[]]", "an array" },
		{ "[null]", "null" },
		{ "[\"0123456789012345678901234567890123456789012345678901234567890123\"]",
		  "\"012345678901234567890123456789012345678901234567890123456789\"" },
	};
	char shown[FOT_JSON_SHOWN];

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		cJSON *list = parse(row[i].node);

		assert_string_equal(fot_json_shown(shown, list->child), row[i].shown);
		cJSON_Delete(list);
	}
}

static void test_json_prints_and_canonicalises(void **state)
{
	cJSON *node = parse(
		"{\"b\":[1,0.1,{\"y\":[],\"x\":{}}],\"a\":\"q\\\"\\u0001\",\"B\":null,\"aa\":-0,\"c\":true}");
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	assert_int_equal(fot_json_print(&s, node, 0, NULL), FOT_OK);
	assert_string_equal(
		s.data,
		"{\"b\": [1, 0.1, {\"y\": [], \"x\": {}}], \"a\": \"q\\\"\\u0001\", \"B\": null, \"aa\": -0, \"c\": true}");
	fot_str_clear(&s);
	assert_int_equal(fot_json_canonical(&s, node, NULL), FOT_OK);
	assert_string_equal(
		s.data,
		"{\"B\":null,\"a\":\"q\\\"\\u0001\",\"aa\":-0,\"b\":[1,0.1,{\"x\":{},\"y\":[]}],\"c\":true}");
	fot_str_clear(&s);
	assert_int_equal(fot_json_print(&s, node, 1, NULL), FOT_OK);
	assert_ptr_equal(
		strstr(s.data,
		       "{\n  \"b\": [\n    1,\n    0.1,\n    {\n      \"y\": [],\n      \"x\": {}\n    }\n  ],\n  \"a\""),
		s.data);
	assert_string_equal(s.data + s.len - 11, "\"c\": true\n}");
	fot_str_release(&s);
	cJSON_Delete(node);
}

static void test_json_prints_numbers_exactly(void **state)
{
	static const struct {
		double x;
		const char *text;
	} cases[] = {
		{ 9007199254740991.0, "9007199254740991" },
		{ -123456789012.0, "-123456789012" },
		{ 1e15 + 0.5, "1000000000000000.5" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 1e300, "1e+300" },
		{ NAN, "null" },
		{ -INFINITY, "null" },
	};
	struct fot_str s = FOT_STR_INIT;
	cJSON *node;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		node = cJSON_CreateNumber(cases[i].x);
		fot_str_clear(&s);
		assert_int_equal(fot_json_print(&s, node, 1, NULL), FOT_OK);
		assert_string_equal(s.data, cases[i].text);
		cJSON_Delete(node);
	}
	fot_str_release(&s);
}

static void test_json_print_survives_every_lost_allocation(void **state)
{
	cJSON *node = parse("{\"b\":[1,{\"y\":[]}],\"a\":{}}");
	struct fot_str s = FOT_STR_INIT;
	int status = FOT_ERR_RUN;
	long k;

	(void)state;
	for (k = 1; status != FOT_OK; k++) {
		assert_true(k < 20);
		fot_str_release(&s);
		fot_mem_fail_at(k);
		status = fot_json_canonical(&s, node, NULL);
		fot_mem_fail_at(0);
	}
	assert_true(k > 5);
	assert_string_equal(s.data, "{\"a\":{},\"b\":[1,{\"y\":[]}]}");
	fot_str_release(&s);
	cJSON_Delete(node);
}

static void test_json_reads_files(void **state)
{
	char path[] = "/tmp/fot-json-XXXXXX";
	struct fot_err err = { 0 };
	cJSON *node = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fot_file_replace(path, "{\"a\":3}", 7, NULL), FOT_OK);
	assert_int_equal(fot_json_read(&node, path, 7, FOT_ERR_USAGE, &err), FOT_OK);
	assert_int_equal(fot_json_get(node, "a")->valueint, 3);
	cJSON_Delete(node);
	node = NULL;
	assert_int_equal(fot_json_read(&node, path, 6, FOT_ERR_USAGE, &err), FOT_ERR_USAGE);
	assert_int_equal(err.code, FOT_ERR_USAGE);
	assert_int_equal(fot_file_replace(path, "", 0, NULL), FOT_OK);
	assert_int_equal(fot_json_read(&node, path, 6, FOT_ERR_INPUT, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "line 1, column 1: expected a value"));
	unlink(path);
	assert_int_equal(fot_json_read(&node, path, 6, FOT_ERR_USAGE, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "No such file"));
	assert_null(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_refuses_with_line_and_column),
		cmocka_unit_test(test_json_refuses_what_only_the_tree_shows),
		cmocka_unit_test(test_json_refuses_bad_utf8_and_nul),
		cmocka_unit_test(test_json_depth_is_limited),
		cmocka_unit_test(test_json_accepts_the_standard),
		cmocka_unit_test(test_json_parse_survives_every_lost_allocation),
		cmocka_unit_test(test_json_known_keys),
		cmocka_unit_test(test_json_getters_give_values),
		cmocka_unit_test(test_json_getters_leave_absent_values_alone),
		cmocka_unit_test(test_json_getters_say_what_is_wrong),
		cmocka_unit_test(test_json_shows_what_a_node_holds),
		cmocka_unit_test(test_json_prints_and_canonicalises),
		cmocka_unit_test(test_json_prints_numbers_exactly),
		cmocka_unit_test(test_json_print_survives_every_lost_allocation),
		cmocka_unit_test(test_json_reads_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
