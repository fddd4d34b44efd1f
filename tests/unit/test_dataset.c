/* test_dataset.c: the folder and JSONL readers with every bad input they must name, the token cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "datasets/dataset.h"
#include "datasets/unpack.h"
#include "datasets/text.h"
#include "tests/unit/scratch.h"

static void assert_text(const struct fot_str *s, const char *want)
{
	assert_int_equal(s->len, strlen(want));
	assert_memory_equal(s->data, want, s->len);
}

/* ---- folders ---- */

static struct fot_dataset *open_path(const char *path)
{
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };

	if (fot_dataset_open(&d, path, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return d;
}

static void test_dataset_folder_reads_texts_in_order(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_dataset *d;
	char hash[65];

	(void)state;
	fot_mkdir_all(scratch_path("d/sub"), NULL);
	scratch_puts("d/b.txt", "\xef\xbb\xbfline one\r\nline two");
	scratch_puts("d/sub/a.txt", "deep");
	scratch_write("d/B.txt", "nul\0nul", 7);
	scratch_puts("d/empty.txt", "");
	scratch_puts("d/note.md", "not a document");
	scratch_puts("d/.txt", "not one either");
	d = open_path(scratch_path("d"));
	assert_string_equal(fot_dataset_name(d), "d");
	assert_int_equal(fot_dataset_count(d), 4);
	assert_string_equal(fot_dataset_at(d, 0)->id, "B");
	assert_string_equal(fot_dataset_at(d, 1)->id, "b");
	assert_string_equal(fot_dataset_at(d, 2)->id, "empty");
	assert_string_equal(fot_dataset_at(d, 3)->id, "sub/a");
	assert_int_equal(fot_dataset_at(d, 0)->n_bytes, 7);
	assert_int_equal(fot_dataset_at(d, 2)->n_bytes, 0);
	assert_int_equal(fot_dataset_at(d, 1)->n_words, 4);
	assert_int_equal(fot_dataset_at(d, 1)->split, FOT_TEST);
	assert_true(fot_dataset_pinned(d, 1));
	assert_int_equal(fot_dataset_n_differing(d), 0);
	assert_string_equal(fot_dataset_origin(d), scratch_path("d"));
	assert_int_equal(fot_dataset_text(d, 1, &text, NULL), FOT_OK);
	assert_text(&text, "line one\nline two");
	fot_sha256_of(text.data, text.len, hash);
	assert_string_equal(hash, fot_dataset_at(d, 1)->sha256);
	assert_int_equal(fot_dataset_text(d, 2, &text, NULL), FOT_OK);
	assert_text(&text, "");
	fot_str_release(&text);
	fot_dataset_close(d);
}

static void test_dataset_folder_change_is_noticed(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct fot_dataset *d, *e;

	(void)state;
	fot_mkdir_all(scratch_path("d"), NULL);
	scratch_puts("d/a.txt", "first");
	d = open_path(scratch_path("d"));
	scratch_puts("d/a.txt", "other");
	assert_fails(fot_dataset_text(d, 0, &text, &err), FOT_ERR_INPUT, &err, "document a: sha256: expected");
	e = open_path(scratch_path("d"));
	assert_string_not_equal(fot_dataset_hash(d), fot_dataset_hash(e));
	fot_dataset_close(d);
	fot_dataset_close(e);
	fot_str_release(&text);
}

static void test_dataset_hash_covers_ids(void **state)
{
	struct fot_dataset *d, *e;

	(void)state;
	fot_mkdir_all(scratch_path("d"), NULL);
	fot_mkdir_all(scratch_path("e"), NULL);
	scratch_puts("d/a.txt", "same");
	scratch_puts("e/b.txt", "same");
	d = open_path(scratch_path("d"));
	e = open_path(scratch_path("e"));
	assert_string_equal(fot_dataset_at(d, 0)->sha256, fot_dataset_at(e, 0)->sha256);
	assert_string_not_equal(fot_dataset_hash(d), fot_dataset_hash(e));
	fot_dataset_close(d);
	fot_dataset_close(e);
}

static void test_dataset_open_refuses(void **state)
{
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_dataset_open(&d, "books", scratch_path(""), &err), FOT_ERR_INPUT, &err,
		     "run: fotbench data fetch books");
	assert_fails(fot_dataset_open(&d, scratch_path("none"), NULL, &err), FOT_ERR_INPUT, &err, "none");
	fot_mkdir_all(scratch_path("d"), NULL);
	assert_fails(fot_dataset_open(&d, scratch_path("d"), NULL, &err), FOT_ERR_INPUT, &err, "0 documents");
	scratch_puts("d/bad.txt", "fine\nbad \xf0\x28\n");
	assert_fails(fot_dataset_open(&d, scratch_path("d"), NULL, &err), FOT_ERR_INPUT, &err,
		     "bad.txt: line 2, byte offset 9: invalid UTF-8");
	assert_null(d);
}

/* ---- JSONL ---- */

static void test_dataset_jsonl_reads_records(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_dataset *d;

	(void)state;
	scratch_puts("r.jsonl", "\xef\xbb\xbf{\"text\": \"one\\ntwo \\u00e9\", \"id\": \"x\", \"extra\": [1]}\r\n"
				" \t\n"
				"{\"id\": \"y\", \"text\": \"\"}\n"
				"{\"text\": \"last, no line end\"}");
	d = open_path(scratch_path("r.jsonl"));
	assert_int_equal(fot_dataset_count(d), 3);
	assert_string_equal(fot_dataset_at(d, 0)->id, "x");
	assert_string_equal(fot_dataset_at(d, 1)->id, "y");
	assert_string_equal(fot_dataset_at(d, 2)->id, "line-4");
	assert_int_equal(fot_dataset_at(d, 1)->n_bytes, 0);
	assert_int_equal(fot_dataset_text(d, 0, &text, NULL), FOT_OK);
	assert_text(&text, "one\ntwo \xc3\xa9");
	assert_int_equal(fot_dataset_text(d, 2, &text, NULL), FOT_OK);
	assert_text(&text, "last, no line end");
	fot_str_release(&text);
	fot_dataset_close(d);
}

static void test_dataset_jsonl_names_each_fault(void **state)
{
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{ "", "0 documents" },
		{ "\n \n\r\n", "0 documents" },
		{ "{\"text\": \"a\"}\nnot json\n{\"text\": \"b\"}\n", "r.jsonl:2" },
		{ "{\"text\": \"a\"}\n{\"text\": \"b", "the last line is cut off: " },
		{ "{\"text\": \"a\"}\n{\"text\": \"b", "r.jsonl:2" },
		{ "{\"text\": \"a\", \"text\": \"b\"}\n", "text" },
		{ "{\"txt\": \"a\", \"no\": 1}\n",
		  "r.jsonl:1: text: missing, expected a string; there are [\"txt\", \"no\"] (another one: FILE?text=FIELD)" },
		{ "{}\n", "r.jsonl:1: text: missing, expected a string (another one: FILE?text=FIELD)" },
		{ "{\"text\": 7}\n", "r.jsonl:1: text: expected a string, got 7" },
		{ "{\"text\": [\"long long long long long long long long long long long long long\", 2]}\n",
		  "got [\"long long long long long long long long long long long lon..." },
		{ "{\"text\": null}\n", "text" },
		{ "{\"text\": \"a\", \"id\": 7.5}\n", "r.jsonl:1: id: expected a string or an integer, got 7.5" },
		{ "{\"text\": \"a\", \"id\": 1e300}\n", "r.jsonl:1: id: expected a string or an integer, got 1e+300" },
		{ "{\"text\": \"a\", \"id\": true}\n", "r.jsonl:1: id: expected a string or an integer, got true" },
		{ "{\"text\": \"a\", \"id\": \"x\\u0000\"}\n", "r.jsonl:1: id: a NUL byte" },
		{ "{\"text\": \"a\", \"id\": \"\"}\n", "id" },
		{ "[\"text\"]\n", "expected an object" },
		{ "{\"text\": \"a\"} {\"text\": \"b\"}\n", "r.jsonl:1" },
		{ "{\"text\": \"\xff\"}\n", "r.jsonl:1" },
		{ "{\"text\": \"a\", \"id\": \"x\"}\n\n{\"text\": \"b\", \"id\": \"x\"}\n",
		  "lines 1 and 3: the id 'x' is there twice" },
		{ "{\"text\": \"a\", \"n\": 1e999}\n", "r.jsonl:1" },
	};
	struct fot_dataset *d = NULL;
	struct fot_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		scratch_puts("r.jsonl", cases[i].text);
		assert_fails(fot_dataset_open(&d, scratch_path("r.jsonl"), NULL, &err), FOT_ERR_INPUT, &err,
			     cases[i].fragment);
		assert_non_null(strstr(err.text, "r.jsonl"));
	}
	assert_null(d);
}

static void test_dataset_jsonl_refuses_deep_nesting_and_long_lines(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };

	(void)state;
	fot_str_puts(&s, "{\"text\": \"a\", \"deep\": ");
	for (int i = 0; i < 10000; i++)
		fot_str_putc(&s, '[');
	scratch_write("r.jsonl", s.data, s.len);
	assert_fails(fot_dataset_open(&d, scratch_path("r.jsonl"), NULL, &err), FOT_ERR_INPUT, &err, "r.jsonl:1");
	fot_str_clear(&s);
	fot_str_puts(&s, "{\"text\": \"a\"}\n{\"text\": \"");
	while (s.len < ((size_t)64 << 20) + 32)
		fot_str_puts(&s, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	fot_str_puts(&s, "\"}\n");
	assert_false(s.failed);
	scratch_write("r.jsonl", s.data, s.len);
	assert_fails(fot_dataset_open(&d, scratch_path("r.jsonl"), NULL, &err), FOT_ERR_INPUT, &err,
		     "the limit is 67108864");
	fot_str_release(&s);
}

static void test_dataset_jsonl_change_is_noticed(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };
	struct fot_dataset *d;

	(void)state;
	scratch_puts("r.jsonl", "{\"text\": \"abc\"}\n{\"text\": \"def\"}\n");
	d = open_path(scratch_path("r.jsonl"));
	scratch_puts("r.jsonl", "{\"text\": \"abc\"}\n{\"text\": \"deX\"}\n");
	assert_int_equal(fot_dataset_text(d, 0, &text, &err), FOT_OK);
	assert_fails(fot_dataset_text(d, 1, &text, &err), FOT_ERR_INPUT, &err, "sha256: expected");
	scratch_puts("r.jsonl", "{\"text\": \"abc\"}\n");
	assert_fails(fot_dataset_text(d, 1, &text, &err), FOT_ERR_INPUT, &err, "shrunk");
	fot_dataset_close(d);
	fot_str_release(&text);
}

/* Every allocation that can fail, fails once: an error, nothing lost, then it works. */
static void test_dataset_survives_lack_of_memory(void **state)
{
	struct fot_dataset *d = NULL;
	struct fot_err err;
	int status = FOT_ERR_RUN;
	long k = 0;

	(void)state;
	scratch_puts("r.jsonl", "{\"text\": \"abc\"}\n{\"text\": \"def\"}\n");
	while (status != FOT_OK) {
		memset(&err, 0, sizeof(err));
		fot_mem_fail_at(++k);
		status = fot_dataset_open(&d, scratch_path("r.jsonl"), NULL, &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK) {
			assert_int_equal(status, err.code);
			assert_null(d);
		}
		assert_true(k < 1000);
	}
	assert_true(k > 5);
	assert_int_equal(fot_dataset_count(d), 2);
	fot_dataset_close(d);
}

/* ---- what is read ---- */

static void assert_document(const struct fot_dataset *d, size_t i, const char *id, const char *text, size_t n)
{
	struct fot_str got = FOT_STR_INIT;

	assert_true(i < fot_dataset_count(d));
	assert_string_equal(fot_dataset_at(d, i)->id, id);
	assert_int_equal(fot_dataset_text(d, i, &got, NULL), FOT_OK);
	assert_int_equal(got.len, n);
	assert_memory_equal(got.data, text, n);
	fot_str_release(&got);
}

static void link_to(const char *target, const char *name)
{
	char to[1024];

	snprintf(to, sizeof(to), "%s", scratch_path(name));
	assert_int_equal(symlink(target, to), 0);
}

static void assert_notice(const struct fot_dataset *d, const char *want)
{
	struct fot_str notice = FOT_STR_INIT;

	fot_dataset_notice(&notice, d);
	assert_string_equal(notice.data ? notice.data : "", want);
	fot_str_release(&notice);
}

static void test_dataset_folder_follows_links(void **state)
{
	struct fot_dataset *d;
	struct fot_err err = { 0 };

	(void)state;
	fot_mkdir_all(scratch_path("real/deep"), NULL);
	fot_mkdir_all(scratch_path("d"), NULL);
	scratch_puts("real/one.txt", "one");
	scratch_puts("real/deep/two.txt", "two");
	scratch_puts("d/own.txt", "own");
	link_to("../real/one.txt", "d/link.txt");
	link_to("../real", "d/all");
	link_to("../../d", "real/deep/back");
	d = open_path(scratch_path("d"));
	assert_int_equal(fot_dataset_count(d), 4);
	assert_document(d, 0, "all/deep/two", "two", 3);
	assert_document(d, 1, "all/one", "one", 3);
	assert_document(d, 2, "link", "one", 3);
	assert_document(d, 3, "own", "own", 3);
	assert_int_equal(fot_dataset_left_out(d)->n_loops, 1);
	assert_int_equal(fot_dataset_repeats(d), 1);
	assert_notice(d, "links back to a folder they lie in, left out: 1; documents with the text of an earlier one: 1 "
			 "(all/deep/back)");
	fot_dataset_close(d);
	link_to("nowhere.txt", "d/lost.txt");
	assert_fails(fot_dataset_open(&d, scratch_path("d"), NULL, &err), FOT_ERR_INPUT, &err,
		     "d/lost.txt: cannot stat: No such file or directory (a link that leads nowhere?)");
}

/* Folders that each hold two links to the next: 2^20 paths; the first 10,000 links are followed. */
static void test_dataset_folder_bounds_links(void **state)
{
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };
	char name[64], target[64];

	(void)state;
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "f/%d", i);
		fot_mkdir_all(scratch_path(name), NULL);
		for (int k = 0; k < 2; k++) {
			snprintf(name, sizeof(name), "f/%d/%c", i, "ab"[k]);
			snprintf(target, sizeof(target), "../%d", i + 1);
			link_to(target, name);
		}
	}
	fot_mkdir_all(scratch_path("f/21"), NULL);
	assert_fails(fot_dataset_open(&d, scratch_path("f/0"), NULL, &err), FOT_ERR_INPUT, &err,
		     "f/0: more than 10000 links to folders");
}

static void test_dataset_folder_says_what_it_leaves_out(void **state)
{
	struct fot_dataset *d;
	struct fot_err err = { 0 };

	(void)state;
	fot_mkdir_all(scratch_path("d/.git"), NULL);
	scratch_puts("d/a.txt", "a");
	scratch_puts("d/b.md", "b");
	scratch_puts("d/c.jsonl", "c");
	scratch_puts("d/.hidden.txt", "h");
	scratch_puts("d/.git/x.txt", "x");
	scratch_puts("d/empty.txt", "");
	scratch_puts("d/void.txt", "");
	d = open_path(scratch_path("d"));
	assert_int_equal(fot_dataset_count(d), 3);
	assert_int_equal(fot_dataset_left_out(d)->n_other, 2);
	assert_int_equal(fot_dataset_left_out(d)->n_hidden, 2);
	assert_int_equal(fot_dataset_empty(d), 2);
	assert_int_equal(fot_dataset_repeats(d), 0);
	assert_notice(d, ".jsonl files, each a dataset of its own, left out: 1; files of other kinds, left out: 1; "
			 "hidden, left out: 2; empty documents: 2 (.git, ...)");
	fot_dataset_close(d);
	fot_mkdir_all(scratch_path("e"), NULL);
	scratch_puts("e/c.jsonl", "c");
	assert_fails(fot_dataset_open(&d, scratch_path("e"), NULL, &err), FOT_ERR_INPUT, &err,
		     "e: expected .txt or .parquet files, got none (0 documents): it holds c.jsonl");
}

static void test_dataset_folder_knows_splits(void **state)
{
	static const struct {
		const char *folder;
		enum fot_split split;
	} rows[] = { { "dev", FOT_VALID },	  { "other", FOT_TEST }, { "test", FOT_TEST }, { "train", FOT_TRAIN },
		     { "train-big", FOT_TEST },	  { "val", FOT_VALID },	 { "valid", FOT_VALID },
		     { "validation", FOT_VALID }, { "x/train", FOT_TEST },
		     { "Train", FOT_TRAIN },	  { "VAL", FOT_VALID } };
	struct fot_dataset *d;
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "d/%s", rows[i].folder);
		fot_mkdir_all(scratch_path(name), NULL);
		strcat(name, "/a.txt");
		scratch_puts(name, rows[i].folder);
	}
	scratch_puts("d/train.txt", "no folder");
	d = open_path(scratch_path("d"));
	for (size_t i = 0; i < fot_dataset_count(d); i++) {
		const struct fot_document *doc = fot_dataset_at(d, i);

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strncmp(doc->id, rows[k].folder, strlen(rows[k].folder)) == 0 &&
			    doc->id[strlen(rows[k].folder)] == '/')
				assert_int_equal(doc->split, rows[k].split);
		if (strcmp(doc->id, "train") == 0)
			assert_int_equal(doc->split, FOT_TEST);
	}
	assert_int_equal(fot_dataset_count(d), 12);
	fot_dataset_close(d);
}

static void gzip_file(const char *name, const void *bytes, size_t n)
{
	gzFile f = gzopen(scratch_path(name), "wb");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
	assert_int_equal(gzclose(f), Z_OK);
}

static void zstd_file(const char *name, const void *bytes, size_t n)
{
	char packed[4096];
	size_t half = n / 2, a = ZSTD_compress(packed, sizeof(packed), bytes, half, 3), b;

	assert_false(ZSTD_isError(a)); /* two frames, as parallel writers make them */
	b = ZSTD_compress(packed + a, sizeof(packed) - a, (const char *)bytes + half, n - half, 3);
	assert_false(ZSTD_isError(b));
	scratch_write(name, packed, a + b);
}

static void test_dataset_reads_one_text(void **state)
{
	static const char text[] = "\xef\xbb\xbfline one\r\nline\ttwo\n\0 end", want[] = "line one\nline\ttwo\n\0 end";
	static const char *const names[] = { "book.txt", "book.txt.gz", "book.txt.zst" };
	struct fot_dataset *d;
	struct fot_err err = { 0 };

	(void)state;
	scratch_write(names[0], text, sizeof(text) - 1);
	gzip_file(names[1], text, sizeof(text) - 1);
	zstd_file(names[2], text, sizeof(text) - 1);
	for (int i = 0; i < 3; i++) {
		d = open_path(scratch_path(names[i]));
		assert_string_equal(fot_dataset_name(d), names[i]);
		assert_int_equal(fot_dataset_count(d), 1);
		assert_document(d, 0, "book", want, sizeof(want) - 1);
		assert_int_equal(fot_dataset_at(d, 0)->split, FOT_TEST);
		assert_notice(d, "");
		fot_dataset_close(d);
	}
	d = NULL;
	assert_fails(fot_dataset_open(&d, scratch_path("none.txt"), NULL, &err), FOT_ERR_INPUT, &err, "none.txt: cannot open");
	assert_fails(fot_dataset_open(&d, "none.txt", scratch_path(""), &err), FOT_ERR_INPUT, &err, "none.txt: cannot open");
	scratch_puts("book.md", "It was a dark night.\n");
	assert_fails(fot_dataset_open(&d, scratch_path("book.md"), NULL, &err), FOT_ERR_INPUT, &err,
		     "book.md: expected a folder of .txt files, or a file .txt or .jsonl (or .gz, .zst) or .parquet, got neither");
}

static void test_dataset_reads_packed_records(void **state)
{
	static const char text[] = "{\"text\": \"one\"}\n\n{\"text\": \"two\", \"id\": \"x\"}\n";
	static const char *const names[] = { "r.jsonl.gz", "r.jsonl.zst" };
	struct fot_str packed = FOT_STR_INIT;
	struct fot_dataset *d;
	struct fot_err err = { 0 };

	(void)state;
	gzip_file(names[0], text, sizeof(text) - 1);
	zstd_file(names[1], text, sizeof(text) - 1);
	for (int i = 0; i < 2; i++) {
		d = open_path(scratch_path(names[i]));
		assert_int_equal(fot_dataset_count(d), 2);
		assert_document(d, 1, "x", "two", 3);
		assert_document(d, 0, "line-1", "one", 3);
		fot_dataset_close(d);
		d = NULL;
		fot_str_clear(&packed);
		assert_int_equal(fot_file_read(&packed, scratch_path(names[i]), 4096, NULL), FOT_OK);
		scratch_write(names[i], packed.data, packed.len - 3); /* cut */
		assert_fails(fot_dataset_open(&d, scratch_path(names[i]), NULL, &err), FOT_ERR_INPUT, &err,
			     "damaged or cut compressed data (it ends too early)");
		scratch_write(names[i], packed.data, 12); /* and spoilt */
		assert_fails(fot_dataset_open(&d, scratch_path(names[i]), NULL, &err), FOT_ERR_INPUT, &err, names[i]);
	}
	fot_str_release(&packed);
}

/* A small file may hold gigabytes: the bound holds to the byte. */
static void test_dataset_unpacking_is_bounded(void **state)
{
	static const char *const names[] = { "z.gz", "z.zst" };
	static char zeros[100000];
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	gzip_file(names[0], zeros, sizeof(zeros));
	zstd_file(names[1], zeros, sizeof(zeros));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fot_unpacked_file(&out, scratch_path(names[i]), sizeof(zeros), &err), FOT_OK);
		assert_int_equal(out.len, sizeof(zeros));
		assert_fails(fot_unpacked_file(&out, scratch_path(names[i]), sizeof(zeros) - 1, &err), FOT_ERR_INPUT,
			     &err, "more than 99999 bytes when unpacked");
	}
	fot_str_release(&out);
}

/* The same text from every reader: marks, ends of line, NUL, an integer of any size as id. */
static void test_dataset_jsonl_text_is_that_of_files(void **state)
{
	static const char want[] = "one\n\ttwo\0\r three \xef\xb7\x90\xef\xb7\x91";
	struct fot_dataset *d;

	(void)state;
	scratch_puts("r.jsonl",
		     "{\"text\": \"\\ufeffone\\r\\n\\ttwo\\u0000\\r three \\uFDD0\xef\xb7\x91\", \"id\": 9007199254740993}\n"
		     "{\"text\": \"no NUL \\\\u0000\", \"id\": -7}\n"
		     "{\"other\": \"\\u0000\", \"text\": \"b\", \"id\": 123456789012345678901234567890}\n");
	d = open_path(scratch_path("r.jsonl"));
	assert_document(d, 0, "9007199254740993", want, sizeof(want) - 1);
	assert_document(d, 1, "-7", "no NUL \\u0000", 13);
	assert_document(d, 2, "123456789012345678901234567890", "b", 1);
	fot_dataset_close(d);
}

static void test_dataset_jsonl_options(void **state)
{
	static const struct {
		const char *options, *name, *ids[3];
		size_t n, n_filtered;
	} rows[] = {
		{ "?text=content", "r.jsonl?text=content", { "a", "8", "line-3" }, 3, 0 },
		{ "?text=content&where=meta.set:Ar*", "r.jsonl?text=content&where=meta.set:Ar*", { "a", "line-3" }, 2, 1 },
		{ "?text=content&where=meta.set:Git%48ub,none&name=code", "code", { "8" }, 1, 2 },
		{ "?text=content&id=n", "r.jsonl?text=content&id=n", { "1", "2", "true" }, 0, 0 },
		{ "?text=content&id=meta.k", "r.jsonl?text=content&id=meta.k", { "9007199254740993", "k2", "5" }, 3, 0 },
		{ "?text=content&id=", "r.jsonl?text=content&id=", { "line-1", "line-2", "line-3" }, 3, 0 },
	};
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };
	char spec[1024];

	(void)state;
	scratch_puts("r.jsonl", "{\"content\": \"one\", \"id\": \"a\", \"n\": 1, \"meta\": {\"set\": \"ArXiv\", \"k\": 9007199254740993}}\n"
				"{\"content\": \"two\", \"id\": 8, \"n\": 2, \"meta\": {\"k\": \"k2\", \"set\": \"GitHub\"}}\n"
				"{\"content\": \"three\", \"n\": true, \"meta.set\": \"Art\", \"meta\": {\"set\": \"x\", \"k\": 5}}\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(spec, sizeof(spec), "%s%s", scratch_path("r.jsonl"), rows[i].options);
		if (!rows[i].n) {
			assert_fails(fot_dataset_open(&d, spec, NULL, &err), FOT_ERR_INPUT, &err,
				     "r.jsonl:3: n: expected a string or an integer, got true");
			continue;
		}
		d = open_path(spec);
		assert_string_equal(fot_dataset_name(d), rows[i].name);
		assert_int_equal(fot_dataset_count(d), rows[i].n);
		for (size_t k = 0; k < rows[i].n; k++)
			assert_string_equal(fot_dataset_at(d, k)->id, rows[i].ids[k]);
		assert_int_equal(fot_dataset_left_out(d)->n_filtered, rows[i].n_filtered);
		fot_dataset_close(d);
		d = NULL;
	}
}

static void test_dataset_options_refused(void **state)
{
	static const struct {
		const char *file, *options, *want;
		int code;
	} rows[] = {
		{ "r.jsonl", "?txt=a", "unknown option 'txt' (did you mean 'text'?)", FOT_ERR_USAGE },
		{ "r.jsonl", "?text", "expected key=value behind '?', got 'text'", FOT_ERR_USAGE },
		{ "r.jsonl", "?where=a", "where: expected FIELD:PATTERNS, got 'a'", FOT_ERR_USAGE },
		{ "r.jsonl", "?text=a&text=b", "text: given twice", FOT_ERR_USAGE },
		{ "r.jsonl", "?where=text:b", "0 documents: where= takes none of its records", FOT_ERR_INPUT },
		{ "a.txt", "?text=a", "text=, id= and where= are for files of records (.jsonl, .parquet)", FOT_ERR_USAGE },
	};
	struct fot_dataset *d = NULL;
	char spec[1024];

	(void)state;
	scratch_puts("r.jsonl", "{\"text\": \"a\"}\n");
	scratch_puts("a.txt", "a");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_err err = { 0 };

		snprintf(spec, sizeof(spec), "%s%s", scratch_path(rows[i].file), rows[i].options);
		assert_fails(fot_dataset_open(&d, spec, NULL, &err), rows[i].code, &err, rows[i].want);
	}
	scratch_puts("odd?name.jsonl", "{\"text\": \"a\"}\n"); /* a path may hold a '?' */
	d = open_path(scratch_path("odd?name.jsonl"));
	assert_string_equal(fot_dataset_name(d), "odd?name.jsonl");
	fot_dataset_close(d);
}

/* ---- tokens ---- */

static size_t cache_files(char name[256])
{
	struct fot_names names = { 0 };
	size_t n;

	if (!fot_is_dir(scratch_path("store/tokens")))
		return 0;
	assert_int_equal(fot_dir_list(&names, scratch_path("store/tokens"), NULL), FOT_OK);
	n = names.n;
	if (n)
		snprintf(name, 256, "store/tokens/%s", names.name[0]);
	fot_names_release(&names);
	return n;
}

static void assert_byte_ids(const struct fot_ids *ids, const char *text)
{
	assert_int_equal(ids->n, strlen(text) + 1);
	assert_int_equal(ids->id[0], 256);
	for (size_t i = 0; text[i]; i++)
		assert_int_equal(ids->id[i + 1], (unsigned char)text[i]);
}

static void test_dataset_tokens_cache_is_checked(void **state)
{
	static const char content[] = "h\xc3\xa9llo";
	struct fot_tokenizer *t = NULL;
	struct fot_str good = FOT_STR_INIT, bad = FOT_STR_INIT;
	struct fot_ids ids = { 0 };
	struct fot_dataset *d;
	char file[256];

	(void)state;
	fot_mkdir_all(scratch_path("d"), NULL);
	scratch_puts("d/a.txt", content);
	d = open_path(scratch_path("d"));
	assert_int_equal(fot_tokenizer_open_byte(&t, NULL), FOT_OK);
	assert_int_equal(fot_dataset_tokens(d, 0, t, NULL, &ids, NULL), FOT_OK);
	assert_byte_ids(&ids, content);
	assert_int_equal(cache_files(file), 0);
	assert_int_equal(fot_dataset_tokens(d, 0, t, scratch_path("store"), &ids, NULL), FOT_OK);
	assert_int_equal(cache_files(file), 1);
	assert_int_equal(fot_file_read(&good, scratch_path(file), 1 << 20, NULL), FOT_OK);
	/* The cache is used: the text is not even looked at. */
	assert_int_equal(remove(scratch_path("d/a.txt")), 0);
	assert_int_equal(fot_dataset_tokens(d, 0, t, scratch_path("store"), &ids, NULL), FOT_OK);
	assert_byte_ids(&ids, content);
	scratch_puts("d/a.txt", content);
	/* Any byte that differs, any length that differs: made anew, same ids, same file. */
	for (size_t i = 0; i <= good.len; i++) {
		fot_str_clear(&bad);
		fot_str_add(&bad, good.data, good.len);
		if (i < good.len)
			bad.data[i] ^= 0x40;
		scratch_write(file, bad.data, i < good.len ? bad.len : bad.len - 4);
		assert_int_equal(fot_dataset_tokens(d, 0, t, scratch_path("store"), &ids, NULL), FOT_OK);
		assert_byte_ids(&ids, content);
		fot_str_clear(&bad);
		assert_int_equal(fot_file_read(&bad, scratch_path(file), 1 << 20, NULL), FOT_OK);
		assert_int_equal(bad.len, good.len);
		assert_memory_equal(bad.data, good.data, good.len);
	}
	fot_ids_release(&ids);
	fot_str_release(&good);
	fot_str_release(&bad);
	fot_tokenizer_close(t);
	fot_dataset_close(d);
}

static void test_dataset_tokens_do_without_a_cache_that_cannot_be_written(void **state)
{
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_dataset *d;

	(void)state;
	fot_mkdir_all(scratch_path("d"), NULL);
	scratch_puts("d/a.txt", "abc");
	scratch_puts("store", "a file where the folder should be");
	d = open_path(scratch_path("d"));
	assert_int_equal(fot_tokenizer_open_byte(&t, NULL), FOT_OK);
	assert_int_equal(fot_dataset_tokens(d, 0, t, scratch_path("store"), &ids, NULL), FOT_OK);
	assert_byte_ids(&ids, "abc");
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
	fot_dataset_close(d);
}
#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH(test_dataset_folder_reads_texts_in_order),
		SCRATCH(test_dataset_folder_change_is_noticed),
		SCRATCH(test_dataset_hash_covers_ids),
		SCRATCH(test_dataset_open_refuses),
		SCRATCH(test_dataset_folder_follows_links),
		SCRATCH(test_dataset_folder_bounds_links),
		SCRATCH(test_dataset_folder_says_what_it_leaves_out),
		SCRATCH(test_dataset_folder_knows_splits),
		SCRATCH(test_dataset_reads_one_text),
		SCRATCH(test_dataset_reads_packed_records),
		SCRATCH(test_dataset_unpacking_is_bounded),
		SCRATCH(test_dataset_jsonl_text_is_that_of_files),
		SCRATCH(test_dataset_jsonl_options),
		SCRATCH(test_dataset_options_refused),
		SCRATCH(test_dataset_jsonl_reads_records),
		SCRATCH(test_dataset_jsonl_names_each_fault),
		SCRATCH(test_dataset_jsonl_refuses_deep_nesting_and_long_lines),
		SCRATCH(test_dataset_jsonl_change_is_noticed),
		SCRATCH(test_dataset_survives_lack_of_memory),
		SCRATCH(test_dataset_tokens_cache_is_checked),
		SCRATCH(test_dataset_tokens_do_without_a_cache_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
