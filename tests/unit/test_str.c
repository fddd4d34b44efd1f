/* base/str.h: growing strings, numbers to and from text, UTF-8, "did you mean". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

static void test_str_grows_and_stays_terminated(void **state)
{
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	fot_str_puts(&s, "");
	assert_string_equal(s.data, "");
	for (int i = 0; i < 5000; i++) {
		fot_str_printf(&s, "%d,", i % 10);
		assert_int_equal(s.data[s.len], '\0');
	}
	assert_int_equal(s.len, 10000);
	assert_memory_equal(s.data + 9990, "5,6,7,8,9,", 10);
	fot_str_clear(&s);
	fot_str_add(&s, "a\0b", 3);
	fot_str_putc(&s, 'c');
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.data, "a\0bc", 5);
	assert_int_equal(fot_str_check(&s, NULL), FOT_OK);
	fot_str_release(&s);
	assert_null(s.data);
}

static void test_str_out_of_memory_sticks(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };
	char big[300];

	(void)state;
	fot_str_puts(&s, "short");
	memset(big, 'x', sizeof(big));
	fot_mem_fail_at(1);
	fot_str_add(&s, big, sizeof(big));
	fot_str_puts(&s, "y");
	assert_true(s.failed);
	assert_string_equal(s.data, "short");
	assert_int_equal(fot_str_check(&s, &err), FOT_ERR_RUN);
	assert_non_null(strstr(err.text, "out of memory"));
	fot_str_clear(&s);
	fot_str_puts(&s, "again");
	assert_int_equal(fot_str_check(&s, NULL), FOT_OK);
	assert_string_equal(s.data, "again");
	fot_str_release(&s);
}

static const char *text_of(double x)
{
	static char out[64];
	struct fot_str s = FOT_STR_INIT;

	fot_str_double(&s, x);
	snprintf(out, sizeof(out), "%s", s.data);
	fot_str_release(&s);
	return out;
}

static void test_str_doubles_are_short(void **state)
{
	static const struct {
		double x;
		const char *text;
	} cases[] = {
		{ 0.1, "0.1" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ -2.5e-9, "-2.5e-09" },
		{ 1e22, "1e+22" },
		{ 123456789012345680.0, "1.2345678901234568e+17" },
		{ -0.0, "-0" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ 5e-324, "4.94065645841247e-324" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_of(cases[i].x), cases[i].text);
}

static void test_str_doubles_read_back_exactly(void **state)
{
	struct fot_rng r;
	uint64_t bits;
	double x, y;

	(void)state;
	fot_rng_init(&r, 71, "test.double", 0);
	for (int i = 0; i < 20000; i++) {
		bits = fot_rng_u64(&r);
		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		assert_true(fot_parse_double(text_of(x), &y));
		assert_memory_equal(&x, &y, sizeof(x));
	}
}

static void test_str_integers_as_printed(void **state)
{
	static const int64_t x[] = { 0, 7, -7, 10, -10, 1234567890123456789, INT64_MAX, INT64_MIN };
	char want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++) {
		struct fot_str s = FOT_STR_INIT;

		fot_str_int(&s, x[i]);
		snprintf(want, sizeof(want), "%lld", (long long)x[i]);
		assert_string_equal(s.data, want);
		fot_str_release(&s);
	}
}

/* A format that fills the room, fits it by one or does not, from every length. */
static void test_str_formats_at_the_edge_of_the_room(void **state)
{
	char want[200], text[141];

	(void)state;
	for (int i = 0; i < 140; i++)
		text[i] = (char)('a' + i % 26);
	text[140] = '\0';
	for (int before = 0; before < 130; before++)
		for (int n = 0; n < 140; n++) {
			struct fot_str s = FOT_STR_INIT;

			for (int i = 0; i < before; i++)
				fot_str_putc(&s, 'a');
			fot_str_printf(&s, "%.*s%d", n, text, n);
			snprintf(want, sizeof(want), "%.*s%d", n, text, n);
			assert_int_equal(s.len, (size_t)before + strlen(want));
			assert_string_equal(s.data + before, want);
			fot_str_release(&s);
		}
}

static void test_str_ignores_the_locale(void **state)
{
	static const char *const comma[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR" };
	struct fot_str s = FOT_STR_INIT;
	const char *set = NULL;
	double x;

	(void)state;
	for (size_t i = 0; !set && i < sizeof(comma) / sizeof(comma[0]); i++)
		set = setlocale(LC_ALL, comma[i]);
	if (!set)
		skip(); /* no locale with a decimal comma is installed */
	fot_str_double(&s, 1234.5);
	fot_str_printf(&s, " %.2f", 0.25);
	assert_true(fot_parse_double("6.125", &x));
	assert_false(fot_parse_double("6,125", &x));
	setlocale(LC_ALL, "C");
	assert_true(x == 6.125);
	assert_string_equal(s.data, "1234.5 0.25");
	fot_str_release(&s);
}

static void test_str_json_escapes(void **state)
{
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	fot_str_json(&s, "q\" b\\ \n\t\r\b\f \x01\x00 \x7f \xc3\xa9\xf0\x9f\xa6\x8a", 23);
	assert_string_equal(
		s.data, "\"q\\\" b\\\\ \\n\\t\\r\\b\\f \\u0001\\u0000 \\u007f \xc3\xa9\xf0\x9f\xa6\x8a\"");
	fot_str_clear(&s);
	fot_str_json(&s, "a\xff\xc0\xaf z\xe2\x82", 8);
	assert_string_equal(s.data, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd z\xef\xbf\xbd\xef\xbf\xbd\"");
	fot_str_clear(&s);
	fot_str_json(&s, "", 0);
	assert_string_equal(s.data, "\"\"");
	fot_str_release(&s);
}

static void test_str_parses_integers(void **state)
{
	static const char *const bad[] = {
		"", "-", "+1", " 1", "1 ", "0x10", "1e3", "--1", "9223372036854775808", "k", "1.0"
	};
	int64_t v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fot_parse_i64(bad[i], &v));
	assert_int_equal(v, 42);
	assert_true(fot_parse_i64("9223372036854775807", &v) && v == INT64_MAX);
	assert_true(fot_parse_i64("-9223372036854775808", &v) && v == INT64_MIN);
	assert_true(fot_parse_i64("0070", &v) && v == 70);
}

static void test_str_parses_sizes(void **state)
{
	static const char *const bad[] = { "",    "k", "2kk", "2kK", "2mM", "2kB", "2 k", "9007199254740993M",
					   "1.5k" };
	int64_t v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fot_parse_size(bad[i], &v));
	assert_int_equal(v, 42);
	assert_true(fot_parse_size("256k", &v) && v == 262144);
	assert_true(fot_parse_size("3M", &v) && v == 3145728);
	assert_true(fot_parse_size("256K", &v) && v == 262144);
	assert_true(fot_parse_size("3m", &v) && v == 3145728);
	assert_true(fot_parse_size("511", &v) && v == 511);
}

static void test_str_parses_doubles(void **state)
{
	static const char *const bad[] = { "",   "nan", "inf", "-inf", "0x1p3", "1e999", " 1",
					   "1 ", "+1",  "1,5", "e5",   "1e",    "--1",   "1.2.3" };
	double v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fot_parse_double(bad[i], &v));
	assert_true(v == 42);
	assert_true(fot_parse_double("-.5e-3", &v) && v == -.0005);
	assert_true(fot_parse_double("1e-999", &v) && v == 0);
}

static void test_str_utf8_accepts_only_the_standard(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, valid;
	} cases[] = {
		{ "plain", 5, 5 },
		{ "\xc2\x80\xdf\xbf", 4, 4 },
		{ "\xe0\xa0\x80\xef\xbf\xbf", 6, 6 },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 8 },
		{ "ab\xc0\x80", 4, 2 },        /* overlong */
		{ "\xe0\x9f\xbf", 3, 0 },      /* overlong */
		{ "x\xf0\x8f\xbf\xbf", 5, 1 }, /* overlong */
		{ "\xed\xa0\x80", 3, 0 },      /* surrogate */
		{ "\xed\x9f\xbf\xed\xbf\xbf", 6, 3 },
		{ "\xf4\x90\x80\x80", 4, 0 }, /* over U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", 5, 0 },
		{ "a\x80", 2, 1 },    /* a continuation alone */
		{ "\xe2\x82", 2, 0 }, /* cut */
		{ "\xe2\x28\xa1", 3, 0 },
		{ "a\0b", 3, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(fot_utf8_valid(cases[i].bytes, cases[i].n), cases[i].valid);
}

static void test_str_utf8_round_trip(void **state)
{
	uint32_t back = 0;
	char text[4];
	size_t n;

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp += cp < 0x900 ? 1 : 61) {
		n = fot_utf8_encode(cp, text);
		assert_int_equal(fot_utf8_decode(text, n, &back), n);
		assert_int_equal(back, cp >= 0xd800 && cp <= 0xdfff ? 0xfffd : cp);
		assert_int_equal(n > 1 ? fot_utf8_decode(text, n - 1, &back) : 0, 0);
	}
	assert_int_equal(fot_utf8_encode(0x110000, text), 3);
}

static void test_str_nearest_word(void **state)
{
	static const char *const words[] = { "depths", "trials", "context_lengths", "seed", "k" };
	const size_t n = sizeof(words) / sizeof(words[0]);

	(void)state;
	assert_string_equal(fot_nearest("dephts", words, n), "depths");
	assert_string_equal(fot_nearest("trial", words, n), "trials");
	assert_string_equal(fot_nearest("context-length", words, n), "context_lengths");
	assert_string_equal(fot_nearest("seed", words, n), "seed");
	assert_null(fot_nearest("memory", words, n));
	assert_null(fot_nearest("x", words, n));
	assert_null(fot_nearest("", words, n));
	assert_null(fot_nearest("seed", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_grows_and_stays_terminated),
		cmocka_unit_test(test_str_out_of_memory_sticks),
		cmocka_unit_test(test_str_doubles_are_short),
		cmocka_unit_test(test_str_integers_as_printed),
		cmocka_unit_test(test_str_formats_at_the_edge_of_the_room),
		cmocka_unit_test(test_str_doubles_read_back_exactly),
		cmocka_unit_test(test_str_ignores_the_locale),
		cmocka_unit_test(test_str_json_escapes),
		cmocka_unit_test(test_str_parses_integers),
		cmocka_unit_test(test_str_parses_sizes),
		cmocka_unit_test(test_str_parses_doubles),
		cmocka_unit_test(test_str_utf8_accepts_only_the_standard),
		cmocka_unit_test(test_str_utf8_round_trip),
		cmocka_unit_test(test_str_nearest_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
