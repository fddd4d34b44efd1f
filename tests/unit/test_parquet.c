/* test_parquet.c: rows of the files in tests/parquet (make.mjs says how they were made), and of damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/file.h"
#include "base/str.h"
#include "datasets/dataset.h"
#include "datasets/labelled.h"
#include "datasets/parquet.h"
#include "datasets/record.h"
#include "tests/unit/scratch.h"

#define ROWS 60
#define WORD (FOT_FIELD_STRING | FOT_FIELD_INTEGER | FOT_FIELD_BOOL)

/* ---- the rows as make.mjs makes them ---- */

static bool text_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "Row %d: ", i);
	for (int k = 0; k < i % 9; k++)
		fot_str_puts(s, "memory ");
	fot_str_puts(s, i % 4 == 3 ? "caf\xC3\xA9 \xE2\x9C\x93" : "");
	if (i == 5) {
		fot_str_clear(s);
		fot_str_add(s, "a\r\nb\0c", 6);
	}
	return true;
}

static bool content_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "kind-%d", i % 3);
	return i % 7 != 6;
}

static bool id_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "%" PRId64, (int64_t)i * i * i * 4000000007 - 100);
	return true;
}

static bool label_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "%d", i % 3 - 1);
	return true;
}

static bool big_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "%" PRIu64, UINT64_MAX - (uint64_t)i);
	return true;
}

static bool flag_of(struct fot_str *s, int i)
{
	fot_str_puts(s, i % 2 ? "false" : "true");
	return i % 5 != 0;
}

static bool source_of(struct fot_str *s, int i)
{
	fot_str_puts(s, i % 2 ? "ArXiv" : "GitHub");
	return i % 11 != 10;
}

static bool year_of(struct fot_str *s, int i)
{
	fot_str_printf(s, "%d", 1990 + i);
	return i % 11 != 10;
}

static bool nothing_of(struct fot_str *s, int i)
{
	(void)s;
	(void)i;
	return false;
}

static const struct {
	const char *name;
	bool (*of)(struct fot_str *s, int i); /* false: missing */
} columns[] = {
	{ "text", text_of },          { "content", content_of }, { "id", id_of },
	{ "label", label_of },        { "flag", flag_of },       { "big", big_of },
	{ "meta.source", source_of }, { "meta.year", year_of },  { "nothing", nothing_of },
};

static const char *const arrow[] = { "plain",          "snappy-dictionary", "gzip-dictionary-2",
				     "zstd-lengths-2", "snappy-prefixes-2", "gzip-prefixes" };
static const char *const javascript[] = { "javascript", "javascript-deltas" };

static const char *file_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "tests/parquet/%s.parquet", name);
	return path;
}

static struct fot_parquet *open_file(const char *path)
{
	struct fot_parquet *p = NULL;
	struct fot_err err = { 0 };

	if (fot_parquet_open(&p, path, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return p;
}

/* Columns first to last, at most as many as can be chosen. */
static void check_rows(const char *name, size_t first, size_t last)
{
	struct fot_parquet *p = open_file(file_of(name));
	const struct fot_parquet_cell *row;
	struct fot_str want = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int cell[FOT_PARQUET_CHOSEN_MAX];

	for (size_t c = first; c < last; c++)
		assert_int_equal(fot_parquet_choose(p, columns[c].name, WORD, true, &cell[c - first], &err),
				 FOT_OK);
	for (int i = 0; i < ROWS; i++) {
		if (fot_parquet_next(p, &row, &err) != FOT_OK)
			fail_msg("%s: row %d: %s", name, i, err.text);
		assert_non_null(row);
		for (size_t c = first; c < last; c++) {
			fot_str_clear(&want);
			if (row[cell[c - first]].there != columns[c].of(&want, i))
				fail_msg("%s: row %d: %s: missing or not", name, i, columns[c].name);
			if (!row[cell[c - first]].there)
				continue;
			if (row[cell[c - first]].n != want.len ||
			    memcmp(row[cell[c - first]].p, want.data, want.len) != 0)
				fail_msg("%s: row %d: %s: expected %s, got %.*s", name, i, columns[c].name,
					 want.data, (int)row[cell[c - first]].n, row[cell[c - first]].p);
		}
	}
	assert_int_equal(fot_parquet_next(p, &row, &err), FOT_OK);
	assert_null(row);
	fot_parquet_close(p);
	fot_str_release(&want);
}

static void test_parquet_rows_are_the_same_in_every_encoding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof arrow / sizeof arrow[0]; i++) {
		check_rows(arrow[i], 0, 8);
		check_rows(arrow[i], 8, 9);
	}
	for (size_t i = 0; i < sizeof javascript / sizeof javascript[0]; i++)
		check_rows(javascript[i], 0, 5);
	check_rows("split-bytes", 0, 2);
}

/* ---- what is refused ---- */

static void check_refused(const char *name, const char *column, unsigned kinds, const char *want)
{
	struct fot_parquet *p = open_file(file_of(name));
	const struct fot_parquet_cell *row;
	struct fot_err err = { 0 };
	int cell, status = fot_parquet_choose(p, column, kinds, true, &cell, &err);

	if (status == FOT_OK)
		status = fot_parquet_next(p, &row, &err);
	assert_int_equal(status, FOT_ERR_INPUT);
	assert_string_equal(err.text, want);
	fot_parquet_close(p);
}

static void test_parquet_columns_of_other_kinds_are_refused(void **state)
{
	(void)state;
	check_refused(
		"plain", "score", WORD,
		"tests/parquet/plain.parquet: column score: expected a string, an integer, true or false, got DOUBLE");
	check_refused(
		"plain", "day", WORD,
		"tests/parquet/plain.parquet: column day: expected a string, an integer, true or false, got DATE");
	check_refused(
		"plain", "tags.list.item", WORD,
		"tests/parquet/plain.parquet: column tags.list.item: expected a string, an integer, true or false, got a list");
	check_refused("plain", "id", FOT_FIELD_STRING,
		      "tests/parquet/plain.parquet: column id: expected a string, got integers");
	check_refused("plain", "flag", FOT_FIELD_STRING,
		      "tests/parquet/plain.parquet: column flag: expected a string, got booleans");
	check_refused(
		"plain", "texts", WORD,
		"tests/parquet/plain.parquet: expected a column 'texts', got text, content, id, label, big, flag, score, day, tags.list.item, ...");
	check_refused(
		"lz4", "text", WORD,
		"tests/parquet/lz4.parquet: row group 1, column text: expected codec UNCOMPRESSED, SNAPPY, GZIP or ZSTD, got LZ4_RAW");
	check_refused(
		"split-bytes", "id", WORD,
		"tests/parquet/split-bytes.parquet: row group 1, column id, byte 3241: an encoding that is not read (encoding 9)");
}

/* All rows of bytes as a file: FOT_OK, or the error. */
static int read_bytes(const void *bytes, size_t n, struct fot_err *err)
{
	struct fot_parquet *p = NULL;
	const struct fot_parquet_cell *row = NULL;
	int cell, status;

	char *copy = malloc(n ? n : 1); /* of its size, so that a sanitizer sees a byte too many */

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	memset(err, 0, sizeof *err);
	FOT_TRY(fot_parquet_open_memory(&p, copy, n, "made", err));
	for (size_t c = 0; c < 8; c++)
		FOT_TRY(fot_parquet_choose(p, columns[c].name, WORD, false, &cell, err));
	do
		FOT_TRY(fot_parquet_next(p, &row, err));
	while (row);
out:
	fot_parquet_close(p);
	free(copy);
	return status;
}

static void check_damage(const char *name, size_t step)
{
	struct fot_str good = FOT_STR_INIT;
	struct fot_err err = { 0 };
	size_t n_bad = 0;
	int status;

	assert_int_equal(fot_file_read(&good, file_of(name), 1 << 20, &err), FOT_OK);
	assert_int_equal(read_bytes(good.data, good.len, &err), FOT_OK);
	for (size_t n = 0; n < good.len; n += step)
		assert_int_equal(read_bytes(good.data, n, &err), FOT_ERR_INPUT);
	for (size_t at = 0; at < good.len; at += step) {
		char was = good.data[at];

		good.data[at] = (char)(was ^ (1 << at % 8));
		status = read_bytes(good.data, good.len, &err);
		assert_true(status == FOT_OK || status == FOT_ERR_INPUT);
		assert_int_equal(err.code, status);
		n_bad += status != FOT_OK;
		good.data[at] = was;
	}
	assert_true(n_bad > good.len / step / 10);
	fot_str_release(&good);
}

static void test_parquet_damaged_files_are_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof arrow / sizeof arrow[0]; i++)
		check_damage(arrow[i], 7);
	for (size_t i = 0; i < sizeof javascript / sizeof javascript[0]; i++)
		check_damage(javascript[i], 3);
}

/* ---- notes under a key ---- */

static void put_number(struct fot_str *s, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		fot_str_putc(s, (char)(v | 0x80));
	fot_str_putc(s, (char)v);
}

/* plain.parquet with one more pair of key and value at the end of its notes. */
static const char *with_note(const char *key, const char *value)
{
	struct fot_str s = FOT_STR_INIT;
	size_t before, len;

	assert_int_equal(fot_file_read(&s, file_of("plain"), 1 << 20, NULL), FOT_OK);
	before = s.len;
	s.len -= 9; /* the stop of the notes, their length, "PAR1" */
	len = (unsigned char)s.data[s.len + 1] + 256u * (unsigned char)s.data[s.len + 2];
	fot_str_add(&s, "\11\12\34\30", 4); /* a list with the number 5, of one struct; its field 1 */
	put_number(&s, strlen(key));
	fot_str_puts(&s, key);
	fot_str_putc(&s, '\30'); /* field 2 */
	put_number(&s, strlen(value));
	fot_str_puts(&s, value);
	fot_str_add(&s, "\0\0", 2); /* of the pair, of the notes */
	len += s.len + 8 - before;
	for (int i = 0; i < 4; i++)
		fot_str_putc(&s, (char)(len >> 8 * i));
	fot_str_puts(&s, "PAR1");
	scratch_write("noted.parquet", s.data, s.len);
	fot_str_release(&s);
	return scratch_path("noted.parquet");
}

/* The labels of a set of that file, with commas between, and its bad rows. */
static void check_classes(const char *key, const char *value, const char *options, const char *labels, size_t bad)
{
	struct fot_str spec = FOT_STR_INIT, got = FOT_STR_INIT;
	struct fot_labelled *l = NULL;

	fot_str_printf(&spec, "%s?skip_bad=1%s", with_note(key, value), options);
	assert_int_equal(fot_labelled_open(&l, spec.data, NULL, NULL), FOT_OK);
	for (size_t i = 0; i < l->n_labels; i++)
		fot_str_printf(&got, "%s%s", i ? "|" : "", l->label[i]);
	assert_string_equal(got.data, labels);
	assert_int_equal(l->n_bad, bad);
	fot_labelled_close(l);
	fot_str_release(&spec);
	fot_str_release(&got);
}

/* Labels are -1, 0 and 1; one text holds a NUL. */
static void test_parquet_names_of_classes_are_taken_from_the_notes(void **state)
{
	static const char note[] = "{\"info\": {\"features\": {\"text\": {\"dtype\": \"string\", \"_type\": \"Value\"}, "
				   "\"label\": {\"names\": [\"no, not\", \"yes\"], \"_type\": \"ClassLabel\"}}}}";
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };

	(void)state;
	check_classes("huggingface", note, "", "no, not|yes", 21);
	check_classes("huggingface", note, "&names=", "-1|0|1", 1);
	check_classes("huggingface", note, "&names=a,b", "a|b", 21);
	check_classes("huggingface", note, "&label=flag", "false|true", 12);
	check_classes("pandas", note, "", "-1|0|1", 1);
	check_classes("huggingface", "{\"info\": {\"features\": {\"label\": {\"names\": [\"a\", 1], \"_type\": \"ClassLabel\"}}}}",
		      "", "-1|0|1", 1);
	check_classes("huggingface", "{\"info\": {\"features\": {\"label\": {\"dtype\": \"int8\", \"_type\": \"Value\"}}}}", "",
		      "-1|0|1", 1);
	check_classes("huggingface", "{\"info\": [", "", "-1|0|1", 1);
	assert_int_equal(fot_labelled_open(&l, with_note("huggingface", note), NULL, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "noted.parquet:1: label: expected the number of one of the file's 2 classes, from 0, "
					 "got '-1'"));
}

/* ---- files made by hand: one column "text" of BYTE_ARRAY, one row group, one page ---- */

/* A field of type i32 or i64: the step from the number of the one before it, type, value. */
static void put_field(struct fot_str *s, int step, int type, int64_t v)
{
	fot_str_putc(s, (char)(step << 4 | type));
	put_number(s, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

struct made {
	int64_t rows, page_values, size, packed, chunk, at;
	int encoding, codec;
	bool optional, dictionary; /* the page is one */
	int64_t sum;               /* -1: none */
};

static int read_made(const struct made *m, const void *page, size_t n, struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	uint32_t notes;
	int status;

	fot_str_puts(&s, "PAR1");
	put_field(&s, 1, 5, m->dictionary ? 2 : 0); /* the kind of page */
	put_field(&s, 1, 5, m->size);
	put_field(&s, 1, 5, m->packed);
	if (m->sum >= 0)
		put_field(&s, 1, 5, (int32_t)m->sum);
	fot_str_add(&s, m->dictionary ? "\x4c" : m->sum >= 0 ? "\x1c" : "\x2c", 1);
	put_field(&s, 1, 5, m->page_values);
	put_field(&s, 1, 5, m->encoding);
	put_field(&s, 1, 5, 3);
	put_field(&s, 1, 5, 3);
	fot_str_add(&s, "\0\0", 2);
	fot_str_add(&s, page, n);
	notes = (uint32_t)s.len;
	put_field(&s, 1, 5, 1);
	fot_str_add(&s, "\x19\x2c\x48\x01r\x15\x02\x00", 8); /* schema: root of one child, */
	put_field(&s, 1, 5, 6);                              /* a byte array, */
	put_field(&s, 2, 5, m->optional);
	fot_str_add(&s, "\x18\x04text\x00", 7);
	put_field(&s, 1, 6, m->rows);
	fot_str_add(&s, "\x19\x1c\x19\x1c\x3c", 5); /* one row group with one chunk: */
	put_field(&s, 1, 5, 6);
	put_field(&s, 3, 5, m->codec);
	put_field(&s, 1, 6, m->rows);
	put_field(&s, 2, 6, m->chunk >= 0 ? m->chunk : (int64_t)notes - 4);
	put_field(&s, 2, 6, m->at);
	fot_str_add(&s, "\0\0", 2);
	put_field(&s, 2, 6, m->rows);
	fot_str_add(&s, "\0\0", 2);
	notes = (uint32_t)s.len - notes;
	for (int i = 0; i < 4; i++)
		fot_str_putc(&s, (char)(notes >> 8 * i));
	fot_str_puts(&s, "PAR1");
	status = read_bytes(s.data, s.len, err);
	fot_str_release(&s);
	return status;
}

static const struct made two = {
	.rows = 2, .page_values = 2, .size = 11, .packed = 11, .chunk = -1, .at = 4, .sum = -1
};
static const char two_texts[] = "\1\0\0\0a\2\0\0\0bc"; /* 11 bytes */

static void refuse_made(struct made m, const void *page, size_t n, const char *want)
{
	struct fot_err err;
	char text[200];

	assert_int_equal(read_made(&m, page, n, &err), FOT_ERR_INPUT);
	snprintf(text, sizeof text, "made: %s", want);
	assert_string_equal(err.text, text);
}

static void test_parquet_sums_are_checked(void **state)
{
	struct made m = two;
	struct fot_err err;

	(void)state;
	assert_int_equal(read_made(&m, two_texts, 11, &err), FOT_OK);
	m.sum = (int64_t)crc32(0, (const Bytef *)two_texts, 11);
	assert_int_equal(read_made(&m, two_texts, 11, &err), FOT_OK);
	m.sum ^= 1;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 4: the page is not what its sum (CRC-32) is of");
}

static void test_parquet_claims_are_not_believed(void **state)
{
	struct made m;

	(void)state;
	m = two, m.rows = 3;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 32: the column ends before its rows do");
	m = two, m.rows = 1;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 4: more values than the row group has rows");
	m.dictionary = true;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 4: a dictionary of more values than the row group has rows");
	m.rows = 2;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 32: the column ends before its rows do");
	m = two, m.rows = (int64_t)1 << 40;
	refuse_made(m, two_texts, 11,
		    "row group 1: expected at most 16777216 rows in all, got 1099511627776 more");
	m = two, m.size = INT32_MAX;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text, byte 4: a page that is not as long as it says");
	m.codec = 1;
	refuse_made(m, "\xff\xff\xff\xff\x07mallory", 11,
		    "row group 1, column text, byte 4: damaged snappy data");
	m = two, m.packed = 12;
	refuse_made(m, two_texts, 11, "row group 1, column text, byte 4: a damaged page head");
	m = two, m.chunk = INT64_MAX;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text: 9223372036854775807 bytes from byte 4 on are not in the file");
	m = two, m.at = -1;
	refuse_made(m, two_texts, 11,
		    "row group 1, column text: 28 bytes from byte -1 on are not in the file");
	m = two;
	refuse_made(m, "\1\0\0\0a\3\0\0\0bc", 11, "row group 1, column text, byte 4: damaged values");
	m.encoding = 8; /* an index without a dictionary */
	refuse_made(m, "\1\4\0\0\0\0\0\0\0\0\0", 11, "row group 1, column text, byte 4: damaged values");
	m.encoding = 7; /* 2^40 lengths */
	refuse_made(m, "\x80\1\4\x80\x80\x80\x80\x80\x80\x02\0", 11,
		    "row group 1, column text, byte 4: damaged lengths or numbers (encoding 7)");
	m.encoding = 0, m.optional = true; /* levels longer than the page */
	refuse_made(m, "\xff\xff\xff\xff\4\1\0\0\0\0\0", 11,
		    "row group 1, column text, byte 4: damaged levels, or of an encoding that is not read");
}

/* ---- as documents and as a labelled set ---- */

static struct fot_dataset *open_set(const char *spec)
{
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };

	if (fot_dataset_open(&d, spec, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return d;
}

static void test_parquet_rows_are_documents(void **state)
{
	struct fot_dataset *d = open_set("tests/parquet/plain.parquet"),
			   *e = open_set("tests/parquet/javascript.parquet");
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_dataset_count(d), ROWS);
	assert_string_equal(fot_dataset_at(d, 1)->id, "3999999907");
	assert_int_equal(fot_dataset_text(d, 5, &text, &err), FOT_OK);
	assert_int_equal(text.len, 5); /* CR LF is LF */
	assert_memory_equal(text.data, "a\nb\0c", 5);
	assert_int_equal(fot_dataset_at(d, 5)->split, FOT_TEST);
	assert_string_equal(fot_dataset_hash(d), fot_dataset_hash(e));
	fot_dataset_close(d);
	fot_dataset_close(e);
	d = open_set("tests/parquet/zstd-lengths-2.parquet?id=&where=content:kind-[01]");
	assert_int_equal(fot_dataset_left_out(d)->n_filtered, 18 + 8); /* kind-2 and missing */
	fot_dataset_close(d);
	fot_str_release(&text);
}

static void refuse_set(const char *spec, const char *want)
{
	struct fot_dataset *d = NULL;
	struct fot_err err = { 0 };

	assert_true(fot_dataset_open(&d, spec, NULL, &err) != FOT_OK);
	assert_string_equal(err.text, want);
}

static void test_parquet_documents_that_are_none(void **state)
{
	(void)state;
	refuse_set("tests/parquet/plain.parquet?text=content",
		   "tests/parquet/plain.parquet: row 7: content: missing, expected a string");
	refuse_set("tests/parquet/plain.parquet?id=flag",
		   "tests/parquet/plain.parquet: column flag: expected a string or an integer, got booleans");
	refuse_set("tests/parquet/plain.parquet?id=content&where=id:7",
		   "tests/parquet/plain.parquet: 0 documents: where= takes none of its records");
	refuse_set("tests/parquet/plain.parquet?id=content",
		   "tests/parquet/plain.parquet: row 7: content: missing, expected an id");
	refuse_set(
		"tests/parquet/plain.parquet?where=where:x",
		"tests/parquet/plain.parquet: expected a column 'where', got text, content, id, label, big, flag, score, day, tags.list.item, ...");
}

static void put_copy(const char *name, const char *to)
{
	struct fot_str s = FOT_STR_INIT;

	assert_int_equal(fot_file_read(&s, file_of(name), 1 << 20, NULL), FOT_OK);
	scratch_write(to, s.data, s.len);
	fot_str_release(&s);
}

static void test_parquet_shards_of_a_folder(void **state)
{
	struct fot_dataset *d;
	struct fot_err err = { 0 };
	struct fot_str text = FOT_STR_INIT;
	char spec[400];

	(void)state;
	fot_mkdir_all(scratch_path("hub/data"), NULL);
	fot_mkdir_all(scratch_path("hub/dev"), NULL);
	put_copy("plain", "hub/data/train-00000-of-00002.parquet");
	put_copy("javascript", "hub/data/train-00001-of-00002.parquet");
	put_copy("gzip-prefixes", "hub/data/trained.parquet");
	put_copy("javascript-deltas", "hub/dev/0000.parquet");
	scratch_puts("hub/note.txt", "a text");
	d = open_set(scratch_path("hub"));
	assert_int_equal(fot_dataset_count(d), 4 * ROWS + 1);
	assert_string_equal(fot_dataset_at(d, 0)->id, "data/train-00000-of-00002/-100");
	assert_int_equal(fot_dataset_at(d, ROWS)->split, FOT_TRAIN);
	assert_int_equal(fot_dataset_at(d, 2 * ROWS)->split, FOT_TEST);
	assert_int_equal(fot_dataset_at(d, 3 * ROWS)->split, FOT_VALID);
	assert_int_equal(fot_dataset_text(d, 3 * ROWS + 2, &text, &err), FOT_OK);
	assert_string_equal(text.data, "Row 2: memory memory ");
	assert_int_equal(fot_dataset_text(d, 4 * ROWS, &text, &err), FOT_OK);
	assert_string_equal(text.data, "a text");
	fot_dataset_close(d);
	snprintf(spec, sizeof spec, "%s?id=", scratch_path("hub/data"));
	d = open_set(spec);
	assert_string_equal(fot_dataset_at(d, ROWS)->id, "train-00001-of-00002/row-1");
	fot_dataset_close(d);
	snprintf(spec, sizeof spec, "%s?id=", scratch_path("hub"));
	d = NULL;
	assert_int_equal(fot_dataset_open(&d, spec, NULL, &err), FOT_ERR_USAGE); /* the .txt has no records */
	fot_str_release(&text);
}

static void test_parquet_rows_are_labelled_items(void **state)
{
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(
		fot_labelled_open(&l, "tests/parquet/plain.parquet?text=meta.source&label=flag&skip_bad=1",
				  NULL, &err),
		FOT_OK);
	assert_int_equal(l->n_bad, 16); /* no source or no flag: 5 + 12 - 1 */
	assert_string_equal(l->first_bad, "tests/parquet/plain.parquet:1: flag: missing, expected text");
	assert_string_equal(l->label[0], "false");
	fot_labelled_close(l);
	assert_int_equal(
		fot_labelled_open(
			&l,
			"tests/parquet/javascript.parquet?columns=question,class,number,label,flag&text=question&"
			"names=no,yes,more&skip_bad=1",
			NULL, &err),
		FOT_OK);
	assert_int_equal(l->n_bad, 20 + 1); /* label -1, and the row with a NUL */
	assert_string_equal(l->label[l->item[0].label], "no");
	assert_string_equal(l->item[0].id, "javascript.parquet:2");
	fot_labelled_close(l);
	assert_int_equal(fot_labelled_open(&l, "tests/parquet/plain.parquet?columns=label,text", NULL, &err),
			 FOT_ERR_INPUT);
	assert_string_equal(err.text, "tests/parquet/plain.parquet: columns=: expected 12 names, got 2");
	assert_int_equal(
		fot_labelled_open(&l, "tests/parquet/plain.parquet?answers=tags.list.item", NULL, &err),
		FOT_ERR_INPUT);
	assert_string_equal(
		err.text,
		"tests/parquet/plain.parquet: column tags.list.item: expected a string, got a list");
}

#define SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parquet_rows_are_the_same_in_every_encoding),
		cmocka_unit_test(test_parquet_columns_of_other_kinds_are_refused),
		cmocka_unit_test(test_parquet_damaged_files_are_errors),
		cmocka_unit_test(test_parquet_sums_are_checked),
		cmocka_unit_test(test_parquet_claims_are_not_believed),
		cmocka_unit_test(test_parquet_rows_are_documents),
		cmocka_unit_test(test_parquet_documents_that_are_none),
		SCRATCH(test_parquet_shards_of_a_folder),
		cmocka_unit_test(test_parquet_rows_are_labelled_items),
		SCRATCH(test_parquet_names_of_classes_are_taken_from_the_notes),
	};

	return cmocka_run_group_tests_name("parquet", tests, NULL, NULL);
}
