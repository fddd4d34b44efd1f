/* test_text.c: text rules: gunzip, latin1, line ends, markup, SWORD modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "datasets/text.h"
#include "tests/unit/scratch.h"

static void assert_text(const struct fot_str *s, const char *want)
{
	assert_int_equal(s->len, strlen(want));
	assert_memory_equal(s->data, want, s->len);
}

/* ---- compression ---- */

/* bits: 31 gzip, 15 zlib. */
static size_t deflate_to(unsigned char *out, size_t max, const void *bytes, size_t n, int bits)
{
	z_stream z = { 0 };
	unsigned char *in;

	memcpy(&in, &bytes, sizeof(in));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = in;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)max;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = max - z.avail_out;
	deflateEnd(&z);
	return n;
}

static void noise(unsigned char *out, size_t n, uint64_t item)
{
	struct fot_rng r;

	fot_rng_init(&r, 7, "test_dataset", item);
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)fot_rng_below(&r, 256);
}

static void test_text_gunzip_round_trip(void **state)
{
	enum { N = 300000 };
	unsigned char *raw = fot_alloc(N, 1), *packed = fot_alloc(2 * N, 1);
	struct fot_str out = FOT_STR_INIT;
	size_t a, b;

	(void)state;
	noise(raw, N, 1);
	a = deflate_to(packed, 2 * N, raw, 100000, 31);
	b = deflate_to(packed + a, 2 * N - a, raw + 100000, N - 100000, 31); /* a second member */
	fot_str_puts(&out, "before");
	assert_int_equal(fot_text_gunzip(&out, packed, a + b, "x.gz", N, NULL), FOT_OK);
	assert_int_equal(out.len, 6 + N);
	assert_memory_equal(out.data, "before", 6);
	assert_memory_equal(out.data + 6, raw, N);
	fot_str_release(&out);
	fot_free(raw);
	fot_free(packed);
}

static void test_text_gunzip_refuses_damage(void **state)
{
	unsigned char raw[5000], packed[8000];
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	size_t n;

	(void)state;
	noise(raw, sizeof(raw), 2);
	n = deflate_to(packed, sizeof(packed), raw, sizeof(raw), 31);
	assert_fails(fot_text_gunzip(&out, "plain", 5, "p.gz", 99, &err), FOT_ERR_INPUT, &err, "p.gz: expected gzip");
	for (size_t cut = 2; cut < n; cut += 333)
		assert_fails(fot_text_gunzip(&out, packed, cut, "c.gz", 1 << 20, &err), FOT_ERR_INPUT, &err, "ends too early");
	fot_str_clear(&out);
	assert_fails(fot_text_gunzip(&out, packed, n, "l.gz", 4999, &err), FOT_ERR_INPUT, &err, "more than 4999 bytes");
	packed[n - 6] ^= 1; /* the CRC */
	assert_fails(fot_text_gunzip(&out, packed, n, "d.gz", 1 << 20, &err), FOT_ERR_INPUT, &err, "d.gz: damaged");
	fot_str_release(&out);
}

/* ---- encodings ---- */

static void test_text_latin1_becomes_utf8(void **state)
{
	struct fot_str out = FOT_STR_INIT;

	(void)state;
	fot_text_latin1(&out, "caf\xe9 \xff\x80z", 8);
	assert_text(&out, "caf\xc3\xa9 \xc3\xbf\xc2\x80z");
	fot_str_release(&out);
}

static void test_text_plain_text_rules(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "\xef\xbb\xbf" "a\r\nb\r\n", "a\nb\n" }, { "a\rb\r", "a\rb\r" },   { "\r\r\n\n", "\r\n\n" },
		{ "a\xef\xbb\xbf" "b", "a\xef\xbb\xbf" "b" }, { "\xef\xbb\xbf", "" }, { "\xef\xbb", "\xef\xbb" },
	};
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fot_str_clear(&s);
		fot_str_puts(&s, "\r\n!"); /* before `from`: untouched */
		fot_str_puts(&s, cases[i].in);
		fot_text_plain(&s, 3);
		assert_int_equal(s.len, 3 + strlen(cases[i].want));
		assert_memory_equal(s.data, "\r\n!", 3);
		assert_string_equal(s.data + 3, cases[i].want);
	}
	fot_str_release(&s);
}

static void test_text_invalid_utf8_has_its_place(void **state)
{
	static const char *const bad[] = { "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82" };
	struct fot_err err = { 0 };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "\xc3\xa9\nab\n c%s", bad[i]);
		assert_fails(fot_text_check(text, strlen(text), "f.txt", &err), FOT_ERR_INPUT, &err,
			     "f.txt: line 3, byte offset 8");
	}
	assert_int_equal(fot_text_check("a\0b", 3, "f.txt", &err), FOT_OK);
}

static void test_text_words_are_runs_of_bytes(void **state)
{
	(void)state;
	assert_int_equal(fot_text_words("", 0), 0);
	assert_int_equal(fot_text_words(" \t\n\v\f\r", 6), 0);
	assert_int_equal(fot_text_words("a", 1), 1);
	assert_int_equal(fot_text_words("  two\nwords ", 12), 2);
	assert_int_equal(fot_text_words("a\0b \xc2\xa0 c", 9), 3);
}

/* ---- markup ---- */

static void test_text_markup_rules(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ " \n a  \t b\r\n ", "a b" },
		{ "a <w lemma=\"x\">b</w>c", "a bc" },
		{ "a<p>b</p><p>c</p>", "a\nb\n\nc" },
		{ "a<br/>b<lb/>c", "a\nb\nc" },
		{ "a<pb/>b", "ab" }, /* not p */
		{ "x<note n=\"1\">gone <b>too</b>\n</note>y", "xy" },
		{ "x<note>never closed", "xnever closed" },
		{ "x <y", "x <y" },
		{ "&lt;p&gt; &amp;amp; &#65;&#x2013;&quot;&apos;", "<p> &amp; A\xe2\x80\x93\"'" },
		{ "&nbsp; &; &#; &#xd800; &#1114112; a & b &amp", "&nbsp; &; &#; &#xd800; &#1114112; a & b &amp" },
		{ "<p></p> \n <p/>", "" },
		{ "", "" },
	};
	struct fot_str out = FOT_STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fot_str_clear(&out);
		fot_str_puts(&out, "");
		assert_int_equal(fot_text_markup(&out, cases[i].in, strlen(cases[i].in), NULL), FOT_OK);
		assert_text(&out, cases[i].want);
	}
	fot_str_release(&out);
}

/* ---- SWORD modules ---- */

static void put32(unsigned char *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

/* A module "ot" of kind cz: NULL texts are empty records. */
static void make_module(const char *const *texts, size_t n)
{
	unsigned char index[12 * 16] = { 0 }, data[4096];
	size_t at = 0, size;

	for (size_t i = 0; i < n; i++) {
		if (!texts[i])
			continue;
		size = deflate_to(data + at, sizeof(data) - at, texts[i], strlen(texts[i]), 15);
		put32(index + 12 * i, at);
		put32(index + 12 * i + 4, size);
		put32(index + 12 * i + 8, strlen(texts[i]));
		at += size;
	}
	scratch_write("ot.czs", index, 12 * n);
	scratch_write("ot.czz", data, at);
}

static void test_text_sword_blocks(void **state)
{
	static const char *const texts[] = { NULL, "<title>One</title> a &amp; b", NULL, "<p/>", "three", "four" };
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	make_module(texts, 6);
	assert_int_equal(fot_text_sword(&out, scratch_path("ot"), "cz", 0, 4, &err), FOT_OK);
	assert_text(&out, "One\na & b\n\nthree\n\nfour\n");
	fot_str_clear(&out);
	assert_int_equal(fot_text_sword(&out, scratch_path("ot"), "cz", 2, 1, &err), FOT_OK);
	assert_text(&out, "three\n");
	assert_fails(fot_text_sword(&out, scratch_path("ot"), "cz", 2, 3, &err), FOT_ERR_INPUT, &err,
		     "expected at least 5 blocks, got 4");
	fot_str_release(&out);
}

static void test_text_sword_refuses_damage(void **state)
{
	static const char *const texts[] = { "some words that compress", "more" };
	unsigned char index[24];
	struct fot_str out = FOT_STR_INIT, file = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	make_module(texts, 2);
	assert_int_equal(fot_file_read(&file, scratch_path("ot.czs"), 100, NULL), FOT_OK);
	memcpy(index, file.data, 24);
	scratch_write("ot.czs", index, 23);
	assert_fails(fot_text_sword(&out, scratch_path("ot"), "cz", 0, 2, &err), FOT_ERR_INPUT, &err, "12-byte records");
	put32(index + 12, 1 << 20);
	scratch_write("ot.czs", index, 24);
	assert_fails(fot_text_sword(&out, scratch_path("ot"), "cz", 0, 2, &err), FOT_ERR_INPUT, &err, "record 1: bytes");
	put32(index + 4, UINT32_MAX); /* offset + size must not wrap */
	scratch_write("ot.czs", index, 24);
	assert_fails(fot_text_sword(&out, scratch_path("ot"), "cz", 0, 1, &err), FOT_ERR_INPUT, &err, "record 0: bytes");
	put32(index + 4, 5);
	scratch_write("ot.czs", index, 24);
	assert_fails(fot_text_sword(&out, scratch_path("ot"), "cz", 0, 1, &err), FOT_ERR_INPUT, &err, "ends too early");
	assert_fails(fot_text_sword(&out, scratch_path("nt"), "cz", 0, 1, &err), FOT_ERR_INPUT, &err, "nt.czs");
	fot_str_release(&out);
	fot_str_release(&file);
}
#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_gunzip_round_trip),
		cmocka_unit_test(test_text_gunzip_refuses_damage),
		cmocka_unit_test(test_text_latin1_becomes_utf8),
		cmocka_unit_test(test_text_plain_text_rules),
		cmocka_unit_test(test_text_invalid_utf8_has_its_place),
		cmocka_unit_test(test_text_words_are_runs_of_bytes),
		cmocka_unit_test(test_text_markup_rules),
		SCRATCH(test_text_sword_blocks),
		SCRATCH(test_text_sword_refuses_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
