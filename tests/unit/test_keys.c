/* test_keys.c: tables of keys: what is read is written, what is in a table is in the help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/keys.h"
#include "harness/options/commands.h"
#include "harness/plan/spec_keys.h"
#include "harness/plan/task_class.h"
#include "model/train/recipe.h"

struct thing {
	int32_t narrow, word;
	int64_t size;
	double real;
	bool flag;
	char *text;
};

static const char *const words[] = { "one", "two", "three", NULL };
static const struct fot_key thing_keys[] = {
	{ .name = "narrow", .type = &fot_key_integer, FOT_KEY_AT(struct thing, narrow), .lo = -5, .hi = 5, .dflt = "-1",
	  .help = "a number" },
	{ .name = "word", .type = &fot_key_choice, FOT_KEY_AT(struct thing, word), .words = words, .dflt = "\"two\"",
	  .help = "a word" },
	{ .name = "size", .type = &fot_key_size, FOT_KEY_AT(struct thing, size), .lo = 1, .hi = 1 << 20, .required = true,
	  .help = "a size" },
	{ .name = "real", .type = &fot_key_real, FOT_KEY_AT(struct thing, real), .lo = 0, .hi = 1, .only_if_set = true,
	  .unset = "the model's", .help = "a real number" },
	{ .name = "flag", .type = &fot_key_flag, FOT_KEY_AT(struct thing, flag), .unwritten = true, .help = "a flag" },
	{ .name = "text", .type = &fot_key_text, FOT_KEY_AT(struct thing, text), .only_if_set = true, .help = "a text" },
	{ .name = "comment", .type = &fot_key_comment, .help = "for readers" },
};
#define N_THING (sizeof thing_keys / sizeof *thing_keys)

static int read_thing(struct thing *t, const char *text, struct fot_err *err)
{
	struct fot_key_ctx ctx = { { "t.json", FOT_ERR_USAGE }, NULL, err };
	cJSON *root = cJSON_Parse(text);
	int status;

	*t = (struct thing){ 0 };
	assert_non_null(root);
	status = fot_keys_read(t, thing_keys, N_THING, root, &ctx);
	cJSON_Delete(root);
	return status;
}

static void test_keys_are_read_and_written(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{ "{\"size\":\"2k\"}", "{\"narrow\":-1,\"word\":\"two\",\"size\":2048}" },
		{ "{\"text\":\"x\",\"real\":0.5,\"flag\":true,\"size\":7,\"word\":\"three\",\"narrow\":5,\"comment\":[1]}",
		  "{\"narrow\":5,\"word\":\"three\",\"size\":7,\"real\":0.5,\"text\":\"x\"}" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_err err = { 0 };
		cJSON *o = cJSON_CreateObject();
		struct thing t;

		if (read_thing(&t, row[i].in, &err) != FOT_OK)
			fail_msg("%s", err.text);
		assert_int_equal(t.flag, i == 1);
		assert_true(fot_keys_write(o, thing_keys, N_THING, &t));
		assert_int_equal(fot_json_print(&text, o, 0, NULL), FOT_OK);
		for (char *at = text.data; (at = strchr(at, ' '));)
			memmove(at, at + 1, strlen(at));
		assert_string_equal(text.data, row[i].out);
		fot_str_release(&text);
		fot_keys_release(thing_keys, N_THING, &t);
		assert_null(t.text);
		cJSON_Delete(o);
	}
}

static void test_keys_refuse(void **state)
{
	static const struct {
		const char *in, *want;
	} row[] = {
		{ "[]", "t.json: expected an object, got a list" },
		{ "{}", "t.json: size: missing, expected size" },
		{ "{\"siz\":1}", "size" },
		{ "{\"size\":0}", "from 1 to 1048576" },
		{ "{\"size\":\"2M\"}", "t.json: size: expected a size from 1 to 1048576, such as 512 or \"8k\", got \"2M\"" },
		{ "{\"size\":1,\"narrow\":6}", "from -5 to 5" },
		{ "{\"size\":1,\"word\":\"tree\"}", "t.json: word: expected one, two or three, got \"tree\"; did you mean \"three\"?" },
		{ "{\"size\":1,\"real\":2}", "real" },
		{ "{\"size\":1,\"flag\":1}", "flag" },
		{ "{\"size\":1,\"text\":\"\"}", "t.json: text: expected a text, got \"\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct fot_err err = { 0 };
		struct thing t;

		assert_int_equal(read_thing(&t, row[i].in, &err), FOT_ERR_USAGE);
		if (!strstr(err.text, row[i].want))
			fail_msg("%s: got \"%s\"", row[i].in, err.text);
		fot_keys_release(thing_keys, N_THING, &t);
	}
}

/* Every row stands in the help with its sentence, its bounds are in order, and no name or flag stands twice. */
static void check_table(const struct fot_key *keys, size_t n, const char *help)
{
	assert_true(n <= FOT_KEYS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct fot_key *k = &keys[i];
		char line[512];

		if (!k->help || strlen(k->help) < 8 || k->help[strlen(k->help) - 1] == '.')
			fail_msg("%s: expected a sentence without full stop, got \"%s\"", k->name, k->help ? k->help : "");
		snprintf(line, sizeof line, "\n  %-17s %s.\n", k->name, k->help);
		if (!strstr(help, line))
			fail_msg("%s does not stand in the help", k->name);
		assert_true(k->lo <= k->hi);
		if (k->flag && k->type->text == FOT_KEY_NO_FLAG)
			fail_msg("%s: type %s has no flag", k->name, k->type->name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(keys[j].name, k->name) == 0 || (k->flag && keys[j].flag && strcmp(keys[j].flag, k->flag) == 0))
				fail_msg("%s stands twice", k->name);
	}
}

static void test_keys_of_specs_stand_in_the_help(void **state)
{
	struct fot_str help = FOT_STR_INIT;

	(void)state;
	fot_help_spec(&help);
	assert_false(help.failed);
	check_table(fot_spec_keys, fot_n_spec_keys, help.data);
	check_table(fot_model_keys, fot_n_model_keys, help.data);
	check_table(fot_memory_keys, fot_n_memory_keys, help.data);
	check_table(fot_exclusion_keys, fot_n_exclusion_keys, help.data);
	for (size_t i = 0; i < fot_n_task_classes; i++)
		check_table(fot_task_classes[i]->keys, fot_task_classes[i]->n_keys, help.data);
	assert_non_null(strstr(help.data, "list of sizes, 1 to 100000; default: 1,2,4,8,16,32,64\n"));
	assert_non_null(strstr(help.data, "word: raw, per-token, content-free; default: raw\n"));
	fot_str_release(&help);
}

static void test_keys_of_recipes_stand_in_the_help(void **state)
{
	struct fot_str help = FOT_STR_INIT;

	(void)state;
	fot_help_recipe(&help);
	assert_false(help.failed);
	for (size_t i = 0; i < fot_n_recipe_tables; i++)
		check_table(fot_recipe_tables[i].keys, fot_recipe_tables[i].n, help.data);
	fot_str_release(&help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_read_and_written),
		cmocka_unit_test(test_keys_refuse),
		cmocka_unit_test(test_keys_of_specs_stand_in_the_help),
		cmocka_unit_test(test_keys_of_recipes_stand_in_the_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
