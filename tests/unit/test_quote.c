/* test_quote.c: names and texts from outside, through each door. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "base/quote.h"

#define RLO "\xe2\x80\xae" /* U+202E: from right to left from here on */
#define PDI "\xe2\x81\xa9" /* U+2069 */
#define CSI "\xc2\x9b"     /* U+009B: a terminal's command follows */
#define LS "\xe2\x80\xa8"  /* U+2028 */
#define EACUTE "\xc3\xa9"
#define HAND "\xf0\x9f\x91\x8d"

static void check(void (*quote)(struct fot_str *, const char *), const char *text, const char *want)
{
	struct fot_str out = FOT_STR_INIT;

	fot_str_puts(&out, "");
	quote(&out, text);
	assert_string_equal(out.data, want);
	fot_str_release(&out);
}

static void test_quote_hides_what_no_name_holds(void **state)
{
	static const char text[] = "a\x1b[2J\x7f" CSI LS RLO PDI "\xff" EACUTE HAND "\n\tz\xc3";
	static const char seen[] = "a?[2J?????????????" EACUTE HAND "??z?";

	(void)state;
	check(fot_quote_terminal, text, seen);
	check(fot_quote_gnuplot, text, seen);
	check(fot_quote_lines, "a\nb\r\x07", "a\nb??");
	check(fot_quote_terminal, "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
	      "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}

static void test_quote_markdown_is_text(void **state)
{
	(void)state;
	check(fot_quote_markdown, "|\\`*_<>[]#&~$ a.b", "\\|\\\\\\`\\*\\_\\<\\>\\[\\]\\#\\&\\~\\$ a.b");
	check(fot_quote_markdown, "a\n" EACUTE RLO, "a?" EACUTE "???");
	check(fot_quote_markdown_text, " a  b\n\tc\x01",
	      "\xc2\xa0"
	      "a \xc2\xa0"
	      "b\xe2\x8f\x8e\xe2\x87\xa5"
	      "c\xef\xbf\xbd");
	check(fot_quote_markdown_text, "$x$ !:@ www.b", "\\$x\\$ \\!\\:\\@ www\\.b");
}

static void test_quote_latex_is_text(void **state)
{
	(void)state;
	check(fot_quote_latex, "\\~^<>|\"`",
	      "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}\\textbar{}\\textquotedbl{}"
	      "\\textasciigrave{}");
	check(fot_quote_latex, "&%$#_{}", "\\&\\%\\$\\#\\_\\{\\}");
	check(fot_quote_latex, "a-b--c---", "a-b-{}-c-{}-{}-");
	check(fot_quote_latex, EACUTE "\n", EACUTE "?");
}

static void test_quote_xml_is_text(void **state)
{
	(void)state;
	check(fot_quote_xml, "<a b=\"c\" d='e'>&amp;]]>",
	      "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;]]&gt;");
	check(fot_quote_xml, "a\n\t\x01\xff" EACUTE HAND RLO "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd",
	      "a????" EACUTE HAND "?????????\xef\xbf\xbd");
}

static void check_script(const char *json, const char *expected)
{
	struct fot_str out = FOT_STR_INIT;

	fot_quote_script_json(&out, json, strlen(json));
	assert_int_equal(out.failed, 0);
	assert_string_equal(out.data, expected);
	fot_str_release(&out);
}

static void test_quote_script_json_ends_nothing(void **state)
{
	(void)state;
	check_script("[\"</script><!--&\"]", "[\"\\u003c/script\\u003e\\u003c!--\\u0026\"]");
	check_script("[\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7\xe2\x80\xaa\"]",
		     "[\"\\u2028\\u2029\xe2\x80\xa7\xe2\x80\xaa\"]");
	check_script("{\"a\\\\\":[1,\"" EACUTE "\"]}", "{\"a\\\\\":[1,\"" EACUTE "\"]}");
	check_script("[\"\xe2\x80", "[\"\xe2\x80"); /* cut within a character: nothing behind it is read */
}

static void test_quote_workflow_is_text(void **state)
{
	(void)state;
	check(fot_quote_workflow, "100 %0A\r\n::error::a,b\x01\xff", "100 %250A%0D%0A::error::a,b??");
	check(fot_quote_workflow_property, "100 %0A\r\n::error::a,b" RLO,
	      "100 %250A%0D%0A%3A%3Aerror%3A%3Aa%2Cb???");
}

static void test_quote_csv_goes_there_and_back(void **state)
{
	static const char *const cells[][2] = {
		{ "a", "a" },
		{ "", "" },
		{ "=1+2", "'=1+2" },
		{ "+1", "'+1" },
		{ "-1", "'-1" },
		{ "@x", "'@x" },
		{ "'=1", "''=1" },
		{ "''@", "'''@" },
		{ "'a", "'a" },
		{ "a=b", "a=b" },
		{ "a,b", "\"a,b\"" },
		{ "a\"b", "\"a\"\"b\"" },
		{ "a\nb", "\"a\nb\"" },
		{ "a\rb", "\"a\rb\"" },
		{ " a", "\" a\"" },
		{ "a\t", "\"a\t\"" },
		{ "=a,b", "\"'=a,b\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
		check(fot_quote_csv, cells[i][0], cells[i][1]);
	assert_string_equal(fot_unquote_csv("'=1+2"), "=1+2");
	assert_string_equal(fot_unquote_csv("''=1"), "'=1");
	assert_string_equal(fot_unquote_csv("'a"), "'a");
	assert_string_equal(fot_unquote_csv("=1"), "=1");
	assert_string_equal(fot_unquote_csv(""), "");
}

static void test_quote_gnuplot_is_one_cell(void **state)
{
	(void)state;
	check(fot_quote_gnuplot, "a\"b\\n@{c}_1", "a\\042b\\134n@{c}_1");
}

static void refuse(const char *name, size_t most, const char *want)
{
	struct fot_err err = { 0 };

	assert_int_equal(fot_name_check(name, "variant", most, FOT_ERR_USAGE, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, want);
}

static void test_quote_names(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_name_check("a b|" EACUTE HAND, "variant", 10, FOT_ERR_USAGE, &err), FOT_OK);
	refuse("a b|" EACUTE HAND, 9,
	       "variant \"a b|" EACUTE HAND "...\": expected a name of at most 9 bytes, got 10");
	refuse("", 9, "variant: expected a name, got an empty text");
	refuse("a\xff", 9, "variant \"a?\": expected a name in UTF-8, got another byte at offset 1");
	refuse("ab\nc", 9,
	       "variant \"ab?c\": expected a name without control characters, got one at offset 2");
	refuse("a" RLO, 9,
	       "variant \"a???\": expected a name without control characters, got one at offset 1");
}

static void test_quote_names_of_paths(void **state)
{
	static const char *const paths[][2] = {
		{ "a/b", "b" }, { "a/b/", "b" }, { "b", "b" }, { "/usr/.", "usr" }, { "/usr/bin/..", "usr" }
	};
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct fot_str name = FOT_STR_INIT;

		assert_int_equal(fot_name_of_path(&name, paths[i][0], "dataset", &err), FOT_OK);
		assert_string_equal(name.data, paths[i][1]);
		fot_str_release(&name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote_hides_what_no_name_holds),
		cmocka_unit_test(test_quote_markdown_is_text),
		cmocka_unit_test(test_quote_latex_is_text),
		cmocka_unit_test(test_quote_xml_is_text),
		cmocka_unit_test(test_quote_script_json_ends_nothing),
		cmocka_unit_test(test_quote_workflow_is_text),
		cmocka_unit_test(test_quote_csv_goes_there_and_back),
		cmocka_unit_test(test_quote_gnuplot_is_one_cell),
		cmocka_unit_test(test_quote_names),
		cmocka_unit_test(test_quote_names_of_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
