/* base/err.h: texts are one printable line, cut between characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

static void test_err_raise_fills_every_field(void **state)
{
	struct fot_err err = { 0 };
	int line, status;

	(void)state;
	line = __LINE__ + 1;
	status = FOT_FAIL(&err, FOT_ERR_INPUT, "%s: byte %d: expected %zu", "a.bin", 17, (size_t)93);
	assert_int_equal(status, FOT_ERR_INPUT);
	assert_int_equal(err.code, FOT_ERR_INPUT);
	assert_string_equal(err.text, "a.bin: byte 17: expected 93");
	assert_non_null(strstr(err.file, "test_err.c"));
	assert_int_equal(err.line, line);
}

static void test_err_null_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(FOT_FAIL(NULL, FOT_ERR_OUTPUT, "%d", 1), FOT_ERR_OUTPUT);
	assert_int_equal(fot_err_prefix(NULL, "x"), FOT_ERR_RUN);
}

static void test_err_control_characters_become_question_marks(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	FOT_FAIL(&err, FOT_ERR_USAGE, "a\nb\tc%cd%s", 0x1b,
		 "\x7f"
		 "e\xc2\x9b"
		 "31m");
	assert_string_equal(err.text, "a?b?c?d?e??31m");
	/* U+00A0 and beyond are ordinary text. */
	FOT_FAIL(&err, FOT_ERR_USAGE, "\xc2\xa0 \xc3\xa9");
	assert_string_equal(err.text, "\xc2\xa0 \xc3\xa9");
}

static void test_err_prefix_puts_context_first(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	FOT_FAIL(&err, FOT_ERR_PARTIAL, "row 3: bad");
	assert_int_equal(fot_err_prefix(&err, "%s\n%d", "file.csv", 7), FOT_ERR_PARTIAL);
	assert_string_equal(err.text, "file.csv?7: row 3: bad");
	assert_int_equal(err.code, FOT_ERR_PARTIAL);
	/* The text itself may be an argument. */
	FOT_FAIL(&err, FOT_ERR_RUN, "again <%s>", err.text);
	assert_string_equal(err.text, "again <file.csv?7: row 3: bad>");
	fot_err_prefix(&err, "%s", err.text);
	assert_string_equal(err.text, "again <file.csv?7: row 3: bad>: again <file.csv?7: row 3: bad>");
}

static void test_err_long_text_is_cut_between_characters(void **state)
{
	struct fot_err err = { 0 };
	char word[2 * FOT_ERR_TEXT_MAX + 1];
	size_t len;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		for (size_t i = 0; i < sizeof(word) - 1; i++)
			word[i] = "\xf0\x9f\xa6\x8a"[i % 4];
		word[sizeof(word) - 1] = '\0';
		FOT_FAIL(&err, FOT_ERR_RUN, "%.*s%s", (int)shift, "abc", word);
		len = strlen(err.text);
		assert_int_equal(fot_utf8_valid(err.text, len), len);
		assert_true(len > FOT_ERR_TEXT_MAX - 6 && len < FOT_ERR_TEXT_MAX);
		fot_err_prefix(&err, "ctx");
		len = strlen(err.text);
		assert_int_equal(fot_utf8_valid(err.text, len), len);
		assert_true(len > FOT_ERR_TEXT_MAX - 6 && len < FOT_ERR_TEXT_MAX);
	}
}

static int fails_third(int n, int *reached, struct fot_err *err)
{
	int status = FOT_OK;

	for (int i = 0; i < n; i++) {
		FOT_TRY(i == 2 ? FOT_FAIL(err, FOT_ERR_COMPARE, "third") : FOT_OK);
		(*reached)++;
	}
out:
	return status;
}

static void test_err_try_leaves_at_the_first_failure(void **state)
{
	struct fot_err err = { .code = 0, .text = "untouched" };
	int reached = 0;

	(void)state;
	assert_int_equal(fails_third(2, &reached, &err), FOT_OK);
	assert_string_equal(err.text, "untouched");
	assert_int_equal(reached, 2);
	assert_int_equal(fails_third(9, &reached, &err), FOT_ERR_COMPARE);
	assert_int_equal(reached, 4);
	assert_string_equal(err.text, "third");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_raise_fills_every_field),
		cmocka_unit_test(test_err_null_is_allowed),
		cmocka_unit_test(test_err_control_characters_become_question_marks),
		cmocka_unit_test(test_err_prefix_puts_context_first),
		cmocka_unit_test(test_err_long_text_is_cut_between_characters),
		cmocka_unit_test(test_err_try_leaves_at_the_first_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
