/* test_options.c: the option table: values, ranges, and messages for mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "harness/options/options.h"

static const char *const MODES[] = { "none", "dense", "knn", NULL };

struct values {
	bool quiet;
	int64_t trials, window;
	double margin;
	const char *output, *page;
	int mode;
	struct fot_texts models;
};

static int parse(struct values *v, struct fot_options *out, const char *line, struct fot_err *err)
{
	static char copy[512];
	static char *argv[32];
	static struct fot_option option[8];
	int argc = 1;

	*v = (struct values){ .trials = 20, .margin = 0.5 };
	option[0] = (struct fot_option){ .name = "quiet",
					 .letter = 'q',
					 .type = FOT_OPTION_FLAG,
					 .value = &v->quiet,
					 .help = "say nothing" };
	option[1] = (struct fot_option){ .name = "trials",
					 .type = FOT_OPTION_INT,
					 .value = &v->trials,
					 .lo = 1,
					 .hi = 100,
					 .arg = "N",
					 .help = "trials" };
	option[2] = (struct fot_option){ .name = "window",
					 .type = FOT_OPTION_SIZE,
					 .value = &v->window,
					 .lo = 1,
					 .hi = 1e9,
					 .arg = "W",
					 .help = "window" };
	option[3] = (struct fot_option){ .name = "margin",
					 .type = FOT_OPTION_REAL,
					 .value = &v->margin,
					 .lo = 0,
					 .hi = 1,
					 .arg = "X",
					 .help = "margin" };
	option[4] = (struct fot_option){ .name = "output",
					 .letter = 'o',
					 .type = FOT_OPTION_TEXT,
					 .value = &v->output,
					 .arg = "DIR",
					 .help = "folder",
					 .required = true };
	option[5] = (struct fot_option){ .name = "memory",
					 .type = FOT_OPTION_CHOICE,
					 .value = &v->mode,
					 .choices = MODES,
					 .help = "mode" };
	option[6] = (struct fot_option){ .name = "model",
					 .letter = 'm',
					 .type = FOT_OPTION_TEXTS,
					 .value = &v->models,
					 .arg = "DIR",
					 .help = "models" };
	option[7] = (struct fot_option){
		.name = "page", .type = FOT_OPTION_OPTIONAL, .value = &v->page, .arg = "FILE", .help = "page"
	};
	*out = (struct fot_options){ .command = "test",
				     .usage = "test SPEC -o DIR",
				     .about = "About.",
				     .option = option,
				     .n = 8,
				     .min_positional = 1,
				     .max_positional = 2 };
	strcpy(copy, line);
	argv[0] = copy; /* the command's name, never looked at */
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return fot_options_parse(out, argc, argv, err);
}

static void test_options_read_all_forms(void **state)
{
	struct values v;
	struct fot_options o;
	struct fot_err err = { 0 };

	(void)state;
	if (parse(&v, &o,
		  "spec -q --trials 7 --window=8k -oDIR --margin=0.25 --memory knn -m a --model b -- -x",
		  &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_true(v.quiet);
	assert_int_equal(v.trials, 7);
	assert_int_equal(v.window, 8192);
	assert_true(v.margin == 0.25);
	assert_string_equal(v.output, "DIR");
	assert_int_equal(v.mode, 2);
	assert_int_equal(v.models.n, 2);
	assert_string_equal(v.models.at[1], "b");
	assert_int_equal(o.n_positional, 2);
	assert_string_equal(o.positional[1], "-x");
	assert_int_equal(parse(&v, &o, "spec -o d", NULL), FOT_OK);
	assert_int_equal(v.trials, 20);
	assert_null(v.page);
}

/* A value that may be left out never takes the word behind it. */
static void test_options_value_may_be_left_out(void **state)
{
	struct values v;
	struct fot_options o;

	(void)state;
	assert_int_equal(parse(&v, &o, "--page spec -o d", NULL), FOT_OK);
	assert_string_equal(v.page, "");
	assert_string_equal(o.positional[0], "spec");
	assert_int_equal(parse(&v, &o, "spec --page=a.html -o d", NULL), FOT_OK);
	assert_string_equal(v.page, "a.html");
}

static void test_options_refuse(void **state)
{
	static const struct {
		const char *line, *want;
	} row[] = {
		{ "s -o d --trails 3", "unknown option --trails; did you mean --trials?" },
		{ "s -o d --trails=3", "did you mean --trials?" },
		{ "s -o d --xyzzyx", "see fotbench test --help" },
		{ "s -o d -z", "unknown option -z" },
		{ "s -o d --trial 3", "unknown option --trial" },
		{ "s -o d --trials 0", "--trials: expected an integer from 1 to 100, got \"0\"" },
		{ "s -o d --trials 101", "--trials" },
		{ "s -o d --trials -5", "got \"-5\"" },
		{ "s -o d --trials nan", "got \"nan\"" },
		{ "s -o d --trials 1e1", "got \"1e1\"" },
		{ "s -o d --trials 99999999999999999999", "--trials" },
		{ "s -o d --trials 3 --trials 4", "--trials: given twice" },
		{ "s -o d -q --quiet", "--quiet: given twice" },
		{ "s -o d --quiet=1", "--quiet takes no value" },
		{ "s -o d -q1", "--quiet takes no value" },
		{ "s -o d --window 0", "--window: expected a size" },
		{ "s -o d --margin 1.5", "--margin: expected a number from 0 to 1" },
		{ "s -o d --margin inf", "--margin" },
		{ "s -o d --memory xl", "expected one of none, dense, knn, got \"xl\"" },
		{ "s -o d --margin", "--margin: expected X behind it" },
		{ "s --output= x", "--output: expected DIR" },
		{ "s -o d --page= x", "--page: expected FILE, got \"\"" },
		{ "s -o d --page --page=x", "--page: given twice" },
		{ "s", "--output DIR is missing" },
		{ "-o d", "too few arguments" },
		{ "a b c -o d", "unexpected argument \"c\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct values v;
		struct fot_options o;
		struct fot_err err = { 0 };

		if (parse(&v, &o, row[i].line, &err) != FOT_ERR_USAGE)
			fail_msg("accepted: %s", row[i].line);
		if (!strstr(err.text, row[i].want))
			fail_msg("\"%s\" lacks \"%s\"", err.text, row[i].want);
	}
}

static void test_options_help_needs_nothing_else(void **state)
{
	struct values v;
	struct fot_options o;

	(void)state;
	assert_int_equal(parse(&v, &o, "--help", NULL), FOT_OK);
	assert_true(o.help);
	assert_int_equal(parse(&v, &o, "a b -h --nonsense", NULL), FOT_OK);
	assert_true(o.help);
}

static void test_options_help_shows_defaults_and_choices(void **state)
{
	struct values v;
	struct fot_options o;
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	assert_int_equal(parse(&v, &o, "s -o d", NULL), FOT_OK);
	fot_options_help(&text, &o);
	assert_non_null(strstr(text.data, "usage: fotbench test SPEC -o DIR"));
	assert_non_null(strstr(text.data, "--trials N"));
	assert_non_null(strstr(text.data, "trials [20]"));
	assert_non_null(strstr(text.data, "margin [0.5]"));
	assert_non_null(strstr(text.data, "--memory none|dense|knn"));
	assert_non_null(strstr(text.data, "-o, --output DIR"));
	assert_non_null(strstr(text.data, "--page[=FILE] "));
	assert_non_null(strstr(text.data, "(required)"));
	fot_str_release(&text);
}

static void test_options_too_many_repetitions(void **state)
{
	struct values v;
	struct fot_options o;
	struct fot_err err = { 0 };
	int status = FOT_OK;

	(void)state;
	assert_int_equal(parse(&v, &o, "s -o d -m x", NULL), FOT_OK);
	for (int i = 0; i < FOT_TEXTS_MAX && status == FOT_OK; i++) {
		char command[] = "test", flag[] = "-mx", spec[] = "s", out[] = "-od";
		char *argv[] = { command, spec, out, flag };

		o.n_positional = 0;
		o.option[4].given = false;
		status = fot_options_parse(&o, 4, argv, &err);
	}
	assert_int_equal(status, FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "more than 64 times"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_read_all_forms),
		cmocka_unit_test(test_options_value_may_be_left_out),
		cmocka_unit_test(test_options_refuse),
		cmocka_unit_test(test_options_help_needs_nothing_else),
		cmocka_unit_test(test_options_help_shows_defaults_and_choices),
		cmocka_unit_test(test_options_too_many_repetitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
