/* datasets/template.h: parts of a template, what is refused, and the repository's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/template.h"
#include "tests/unit/scratch.h"

#define HEAD "{\"format\": \"fotbench-template-1\", "

static void test_template_question_and_answer_make_a_demonstration(void **state)
{
	static const char text[] =
		HEAD "\"instruction\": \"I\\n\", \"demonstration\": \"Q: {text} ?\\nT:  {label}.\\n\","
		     "\"separator\": \"--\", \"labels\": {\"A\": \"first\"}}";
	struct fot_template t;
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	assert_int_equal(fot_template_parse(&t, text, strlen(text), "t", NULL), FOT_OK);
	assert_string_equal(t.instruction, "I\n");
	assert_string_equal(t.separator, "--");
	assert_string_equal(t.content_free, "N/A");
	assert_string_equal(t.terminator, ".\n");
	fot_template_question(&s, &t, "{label}%s");
	assert_string_equal(s.data, "Q: {label}%s ?\nT:");
	fot_template_answer(&s, &t, fot_template_word(&t, "A"));
	assert_string_equal(s.data, "Q: {label}%s ?\nT:  first.\n");
	assert_string_equal(fot_template_word(&t, "B"), "B");
	assert_string_equal(fot_template_word(&t, "a"), "a");
	fot_str_release(&s);
	fot_template_release(&t);
}

static void test_template_refuses_each_fault(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[]", "t.json: expected an object" },
		{ "{", "t.json" },
		{ "{\"demonstration\": \"{text} {label}\\n\"}", "format" },
		{ "{\"format\": \"x\", \"demonstration\": \"{text} {label}\\n\"}",
		  "format: expected 'fotbench-template-1', got 'x'" },
		{ HEAD "\"demo\": \"\"}", "t.json: " },
		{ HEAD "\"separator\": \"\"}", "demonstration" },
		{ HEAD "\"demonstration\": \"{text}\"}", "expected {text} and behind it {label}, each once" },
		{ HEAD "\"demonstration\": \"{label}\\n\"}",
		  "expected {text} and behind it {label}, each once" },
		{ HEAD "\"demonstration\": \"{label} {text}\\n\"}",
		  "expected {text} and behind it {label}, each once" },
		{ HEAD "\"demonstration\": \"{text} {text} {label}\\n\"}", "each once" },
		{ HEAD "\"demonstration\": \"{text} {label}\"}", "expected a terminator behind {label}" },
		{ HEAD "\"demonstration\": \"{text} {label}\\n\", \"content_free\": \"\"}",
		  "content_free: empty" },
		{ HEAD "\"demonstration\": \"{text} {label}\\n\", \"labels\": {\"a\": 3}}",
		  "labels.a: expected a word" },
		{ HEAD "\"demonstration\": \"{text} {label}\\n\", \"labels\": {\"a\": \"\"}}",
		  "labels.a: expected a word" },
		{ HEAD "\"demonstration\": \"{text} {label}\\n\", \"labels\": {\"a\": \"b\\n\"}}",
		  "labels.a: expected a word" },
		{ HEAD "\"demonstration\": \"{text} {label}\\n\", \"labels\": {\"a\": \"b\", \"a\": \"c\"}}",
		  "a" },
	};
	struct fot_template t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_err err = { 0 };

		assert_fails(fot_template_parse(&t, rows[i].text, strlen(rows[i].text), "t.json", &err),
			     FOT_ERR_INPUT, &err, rows[i].want);
		assert_null(t.json);
	}
	struct fot_err err = { 0 };
	assert_fails(fot_template_read(&t, "/no/such/template.json", &err), FOT_ERR_INPUT, &err,
		     "template.json");
}

static void test_template_survives_failing_memory(void **state)
{
	static const char text[] = HEAD "\"demonstration\": \"{text} {label}\\n\"}";
	int status = FOT_ERR_RUN;

	(void)state;
	for (long n = 1; status != FOT_OK; n++) {
		struct fot_template t;
		struct fot_err err = { 0 };

		assert_true(n < 100);
		fot_mem_fail_at(n);
		status = fot_template_parse(&t, text, strlen(text), "t", &err);
		fot_mem_fail_at(0);
		assert_true((status == FOT_OK) == (err.code == 0));
		if (status == FOT_OK)
			fot_template_release(&t);
	}
}

static void test_template_repository_files_are_sound(void **state)
{
	struct fot_names names = { 0 };
	struct fot_template t;
	char path[512];

	(void)state;
	assert_int_equal(fot_dir_list(&names, "datasets/templates", NULL), FOT_OK);
	assert_true(names.n >= 8);
	for (size_t i = 0; i < names.n; i++) {
		struct fot_err err = { 0 };

		snprintf(path, sizeof(path), "datasets/templates/%s", names.name[i]);
		if (fot_template_read(&t, path, &err) != FOT_OK)
			fail_msg("%s", err.text);
		assert_int_equal(t.terminator[strlen(t.terminator) - 1], '\n');
		fot_template_release(&t);
	}
	fot_names_release(&names);
}

/* Words of labels that the set does not have are told where others have no word. */
static void test_template_tells_words_without_a_label(void **state)
{
	static const char json[] =
		"{\"format\":\"fotbench-template-1\",\"demonstration\":\"{text} {label}\\n\",\"labels\":{\"a\":\"x\",\"B\":\"y\",\"c\":\"z\"}}";
	char a[] = "a", b[] = "b", *labels[] = { a, b };
	struct fot_template t;
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	assert_int_equal(fot_template_parse(&t, json, sizeof(json) - 1, "t.json", NULL), FOT_OK);
	fot_template_notice(&s, &t, labels, 1);
	assert_int_equal(s.len, 0);
	fot_template_notice(&s, &t, labels, 2);
	assert_string_equal(s.data,
			    "labels of its template that it does not have: 2 ('B', ...); labels without a word there: 1");
	fot_str_release(&s);
	fot_template_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template_question_and_answer_make_a_demonstration),
		cmocka_unit_test(test_template_refuses_each_fault),
		cmocka_unit_test(test_template_tells_words_without_a_label),
		cmocka_unit_test(test_template_survives_failing_memory),
		cmocka_unit_test(test_template_repository_files_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
