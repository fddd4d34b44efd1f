/* test_journal.c: the journal survives cuts, failures and damage, or says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/run/folder.h"
#include "harness/run/journal.h"
#include "base/jsondiff.h"

static char dir[64], path[96];

static int set_up(void **state)
{
	(void)state;
	/* in memory where that can be had: thousands of files are waited for */
	strcpy(dir,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/fot-journal-XXXXXX" : "/tmp/fot-journal-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/journal.jsonl", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fot_file_fail_at("write", 0, 0);
	fot_file_fail_at("fsync", 0, 0);
	unlink(path);
	return rmdir(dir);
}

static cJSON *json(const char *text)
{
	cJSON *node = cJSON_Parse(text);

	assert_non_null(node);
	return node;
}

static int append(struct fot_journal *j, const char *item, const char *result, const char *note,
		  struct fot_err *err)
{
	cJSON *r = json(result), *n = note ? json(note) : NULL;
	int status = fot_journal_append(j, item, r, n, err);

	cJSON_Delete(r);
	cJSON_Delete(n);
	return status;
}

static const char *const IDENTITY =
	"{\"spec\":\"abc\",\"models\":[{\"sha256\":\"11\"},{\"sha256\":\"22\"}],\"version\":2}";

static struct fot_journal *create(void)
{
	cJSON *identity = json(IDENTITY);
	struct fot_journal *j = NULL;
	struct fot_err err = { 0 };

	if (fot_journal_create(&j, path, identity, &err) != FOT_OK)
		fail_msg("%s", err.text);
	cJSON_Delete(identity);
	return j;
}

static int resume(struct fot_journal **j, struct fot_journal_content *c, const char *identity,
		  struct fot_err *err)
{
	cJSON *node = json(identity);
	int status = fot_journal_resume(j, c, path, node, false, err);

	cJSON_Delete(node);
	return status;
}

static void write_three(void)
{
	struct fot_journal *j = create();

	assert_int_equal(append(j, "b", "{\"x\":0.10000000000000001}", "{\"wall_s\":1}", NULL), FOT_OK);
	assert_int_equal(append(j, "a", "{\"x\":[1,2]}", NULL, NULL), FOT_OK);
	assert_int_equal(append(j, "c \"quoted\"\nline", "{\"x\":\"\xc3\xa9\"}", NULL, NULL), FOT_OK);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
}

static void slurp(struct fot_str *text)
{
	fot_str_clear(text);
	assert_int_equal(fot_file_read(text, path, 1u << 20, NULL), FOT_OK);
}

/* Without waiting for the disk. */
static void spill(const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void test_journal_keeps_records(void **state)
{
	struct fot_journal_content c;
	const struct fot_record *r;
	cJSON *result = NULL, *note = NULL, *no_result = NULL, *no_note = NULL;

	(void)state;
	write_three();
	assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.torn_bytes, 0);
	assert_non_null(c.identity);
	r = fot_journal_find(&c, "b");
	assert_non_null(r);
	assert_int_equal(r->line, 2);
	assert_int_equal(fot_journal_read(&result, &note, r, NULL), FOT_OK);
	assert_true(cJSON_GetObjectItem(result, "x")->valuedouble == 0.1);
	assert_non_null(note);
	assert_int_equal(fot_journal_read(&no_result, &no_note, fot_journal_find(&c, "a"), NULL), FOT_OK);
	assert_non_null(no_result);
	assert_null(no_note);
	cJSON_Delete(result);
	cJSON_Delete(note);
	cJSON_Delete(no_result);
	assert_non_null(fot_journal_find(&c, "c \"quoted\"\nline"));
	assert_null(fot_journal_find(&c, "d"));
	fot_journal_content_release(&c);
}

static void test_journal_never_overwrites(void **state)
{
	struct fot_journal *j = NULL;
	cJSON *identity = json(IDENTITY);
	struct fot_err err = { 0 };

	(void)state;
	write_three();
	assert_int_equal(fot_journal_create(&j, path, identity, &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, path));
	cJSON_Delete(identity);
}

/* Without marks, which depend on how long the disk took, and so without the checksums over them. */
static void without_marks(struct fot_str *text)
{
	char *mark;

	for (char *line = text->data; line && *line; line = strchr(line, '\n') + 1)
		memset(line + strlen("{\"crc\":\""), '0', 8);
	while ((mark = strstr(text->data, ", \"synced\": ")) != NULL) {
		size_t n = strcspn(mark, "}");

		memmove(mark, mark + n, strlen(mark + n) + 1);
		text->len -= n;
	}
}

/* The heart: whatever prefix of the file reached the disk, all complete records
 * are there, and after redoing the rest the file is the same to the byte, but for marks. */
static void test_journal_cut_at_every_byte(void **state)
{
	static const char *const item[] = { "b", "a", "c \"quoted\"\nline" };
	static const char *const result[] = { "{\"x\":0.10000000000000001}", "{\"x\":[1,2]}",
					      "{\"x\":\"\xc3\xa9\"}" };
	struct fot_str whole = FOT_STR_INIT, now = FOT_STR_INIT, plain = FOT_STR_INIT;

	(void)state;
	write_three();
	slurp(&whole);
	slurp(&plain);
	without_marks(&plain);
	for (size_t cut = 0; cut <= whole.len; cut++) {
		struct fot_journal *j = NULL;
		struct fot_journal_content c;
		struct fot_err err = { 0 };
		size_t complete = 0;

		spill(whole.data, cut);
		for (size_t i = 0; i < cut; i++)
			complete += whole.data[i] == '\n';
		if (resume(&j, &c, IDENTITY, &err) != FOT_OK)
			fail_msg("cut at %zu: %s", cut, err.text);
		assert_int_equal(c.n, complete ? complete - 1 : 0);
		for (size_t i = 0; i < 3; i++) {
			if (!fot_journal_find(&c, item[i]))
				assert_int_equal(
					append(j, item[i], result[i], i ? NULL : "{\"wall_s\":1}", NULL),
					FOT_OK);
		}
		fot_journal_content_release(&c);
		assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
		slurp(&now);
		without_marks(&now);
		assert_int_equal(now.len, plain.len);
		assert_memory_equal(now.data, plain.data, plain.len);
	}
	fot_str_release(&whole);
	fot_str_release(&plain);
	fot_str_release(&now);
}

/* One changed byte anywhere: before the last line it is refused with the line,
 * in the last line the record is dropped; it is never believed. */
static void test_journal_damage_at_every_byte(void **state)
{
	struct fot_str whole = FOT_STR_INIT;
	size_t last = 0;

	(void)state;
	write_three();
	slurp(&whole);
	for (size_t i = 0; i + 1 < whole.len; i++) {
		if (whole.data[i] == '\n')
			last = i + 1;
	}
	for (size_t at = 0; at < whole.len; at++) {
		struct fot_journal_content c;
		struct fot_err err = { 0 };
		int status;

		whole.data[at] ^= 0x15;
		spill(whole.data, whole.len);
		whole.data[at] ^= 0x15;
		status = fot_journal_load(&c, path, &err);
		if (at + 1 >= last) { /* the newline before it joins the last two lines */
			assert_int_equal(status, FOT_OK);
			assert_int_equal(c.n, at >= last ? 2 : 1);
			assert_true(c.torn_bytes >= whole.len - last);
			fot_journal_content_release(&c);
		} else {
			assert_int_equal(status, FOT_ERR_INPUT);
			assert_true(strstr(err.text, "line ") || strstr(err.text, "not a fotbench journal"));
		}
	}
	fot_str_release(&whole);
}

/* Where line `number` of a text begins, from 1. */
static size_t line_at(const struct fot_str *text, int number)
{
	size_t at = 0;

	while (number-- > 1)
		at = (size_t)(strchr(text->data + at, '\n') - text->data) + 1;
	return at;
}

/* Records 0 to n - 1, of which the disk is waited for before record `synced`. */
static void write_synced(int n, int synced)
{
	struct fot_journal *j = create();
	char item[16];

	for (int i = 0; i < n; i++) {
		if (i == synced)
			assert_int_equal(fot_journal_settle(j, FOT_JOURNAL_SYNC_S, NULL), FOT_OK);
		snprintf(item, sizeof item, "%d", i);
		assert_int_equal(append(j, item, "{\"x\":1}", "{\"wall_s\":1}", NULL), FOT_OK);
	}
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
}

/* The last place that is known to be on the disk. */
static size_t last_mark(struct fot_str *text)
{
	size_t last = 0;

	for (const char *at = text->data; (at = strstr(at, ", \"synced\": ")) != NULL; at++)
		last = strtoull(at + strlen(", \"synced\": "), NULL, 10);
	return last;
}

/* Zeros in place of any bytes that were not yet waited for: what is before them is there, the rest is cut. */
static void test_journal_hole_in_what_was_not_waited_for(void **state)
{
	struct fot_str whole = FOT_STR_INIT, cut = FOT_STR_INIT;
	size_t from, synced;

	(void)state;
	write_synced(8, 3);
	slurp(&whole);
	synced = last_mark(&whole);
	assert_true(synced >= line_at(&whole, 5)); /* header, 0, 1, 2 */
	for (from = synced; from + 1 < whole.len; from += 3) {
		for (size_t n = 1; from + n < whole.len; n += 151) {
			struct fot_journal_content c;
			struct fot_journal *j = NULL;
			struct fot_err err = { 0 };
			int line = 1;

			fot_str_clear(&cut);
			fot_str_add(&cut, whole.data, whole.len);
			memset(cut.data + from, 0, n);
			spill(cut.data, cut.len);
			while (line < 9 && line_at(&whole, line + 1) <= from)
				line++;
			if (resume(&j, &c, IDENTITY, &err) != FOT_OK)
				fail_msg("%zu zeros at %zu: %s", n, from, err.text);
			assert_int_equal(c.valid_bytes, line_at(&whole, line));
			assert_int_equal(c.n, line - 2);
			assert_int_equal(c.hole_line, line);
			assert_true(c.n_behind <= (size_t)(9 - line));
			fot_journal_content_release(&c);
			assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
			slurp(&cut);
			assert_memory_equal(cut.data, whole.data, cut.len);
		}
	}
	fot_str_release(&whole);
	fot_str_release(&cut);
}

/* Eight records, of the last second from the fourth on; in place of the end of that one, line 5, there are zeros. */
static void write_hole(void)
{
	struct fot_str whole = FOT_STR_INIT;

	write_synced(8, 3);
	slurp(&whole);
	memset(whole.data + line_at(&whole, 6) - 9, 0, 30); /* of records 3 and 4 */
	spill(whole.data, whole.len);
	fot_str_release(&whole);
}

static void test_journal_hole_says_what_is_behind_it(void **state)
{
	struct fot_journal_content c;

	(void)state;
	write_hole();
	assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.hole_line, 5);
	assert_int_equal(c.n_behind, 3);
	fot_journal_content_release(&c);
}

/* Closing waits for the disk: the last second of what was closed was on it. */
static void test_journal_hole_in_what_was_closed(void **state)
{
	struct fot_str before = FOT_STR_INIT, now = FOT_STR_INIT;
	struct fot_journal *j = NULL;
	struct fot_journal_content c;
	struct fot_err err = { 0 };
	cJSON *identity = json(IDENTITY);

	(void)state;
	write_hole();
	slurp(&before);
	assert_int_equal(fot_journal_resume(&j, &c, path, identity, true, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "line 5: zeros where a record was on the disk"));
	slurp(&now);
	assert_int_equal(now.len, before.len);
	assert_memory_equal(now.data, before.data, now.len);
	fot_str_release(&before);
	fot_str_release(&now);
	cJSON_Delete(identity);
}

/* Who reads a folder's journal without going on with it is told what the end lacks, or refused. */
static void assert_folder_says(const char *status, int want, const char *text)
{
	struct fot_str manifest = FOT_STR_INIT, said = FOT_STR_INIT;
	char manifest_path[96], log[96];
	struct fot_journal_content c = { 0 };
	struct fot_err err = { 0 };

	snprintf(manifest_path, sizeof manifest_path, "%s/manifest.json", dir);
	snprintf(log, sizeof log, "%s/log.txt", dir);
	fot_str_printf(&manifest, "{\"status\": \"%s\"}\n", status);
	assert_int_equal(fot_file_replace(manifest_path, manifest.data, manifest.len, NULL), FOT_OK);
	assert_int_equal(fot_log_open(log, NULL), FOT_OK);
	assert_int_equal(fot_folder_journal(&c, dir, &err), want);
	fot_log_close();
	assert_int_equal(fot_file_read(&said, log, 1u << 16, NULL), FOT_OK);
	if (!strstr(want == FOT_OK ? said.data : err.text, text))
		fail_msg("\"%s%s\" lacks \"%s\"", said.data, err.text, text);
	assert_non_null(strstr(want == FOT_OK ? said.data : err.text, path));
	fot_journal_content_release(&c);
	fot_str_release(&manifest);
	fot_str_release(&said);
	unlink(manifest_path);
	unlink(log);
}

static void test_journal_of_a_folder_says_what_its_end_lacks(void **state)
{
	static const char behind[] =
		"journal.jsonl: line 5 holds zeros, as after a loss of power: it and 3 whole records behind it are not taken";
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	write_hole();
	assert_folder_says("started", FOT_OK, behind);
	assert_folder_says("failed", FOT_OK, behind);
	assert_folder_says("complete", FOT_ERR_INPUT, "journal.jsonl: line 5: zeros where a record was on the disk");
	assert_folder_says("partial", FOT_ERR_INPUT, "journal.jsonl: line 5: zeros where a record was on the disk");
	unlink(path);
	write_three();
	slurp(&text);
	spill(text.data, text.len - 7);
	assert_folder_says("started", FOT_OK, "journal.jsonl: the last record is torn (");
	fot_str_release(&text);
}

/* Zeros in what a mark vouches for are damage, and nothing is cut. (The newline before the mark's own line is its
 * neighbour: with a zero there no mark is left.) */
static void test_journal_hole_in_what_was_on_the_disk(void **state)
{
	struct fot_str whole = FOT_STR_INIT, now = FOT_STR_INIT;
	size_t synced;

	(void)state;
	write_synced(8, 3);
	slurp(&whole);
	synced = last_mark(&whole);
	for (size_t at = line_at(&whole, 2); at + 1 < synced; at++) {
		char was = whole.data[at], want[40];
		struct fot_journal *j = NULL;
		struct fot_journal_content c;
		struct fot_err err = { 0 };
		int line = 2;

		while (line_at(&whole, line + 1) <= at)
			line++;
		snprintf(want, sizeof want, "line %d: zeros where a record", line);
		whole.data[at] = '\0';
		spill(whole.data, whole.len);
		assert_int_equal(resume(&j, &c, IDENTITY, &err), FOT_ERR_INPUT);
		if (!strstr(err.text, want))
			fail_msg("\"%s\" lacks \"%s\"", err.text, want);
		slurp(&now);
		assert_int_equal(now.len, whole.len);
		whole.data[at] = was;
	}
	fot_str_release(&whole);
	fot_str_release(&now);
}

/* A header that did not come to the disk, but zeros for it, is begun again. */
static void test_journal_hole_for_a_header(void **state)
{
	static const char zeros[600], foreign[] = "\0\0\0\0MZ", cut[] = "{\"crc\":\"0123\0\0\0";
	struct fot_journal *j = NULL;
	struct fot_journal_content c;

	(void)state;
	spill(zeros, sizeof zeros);
	assert_int_equal(resume(&j, &c, IDENTITY, NULL), FOT_OK);
	assert_int_equal(c.torn_bytes, sizeof zeros);
	fot_journal_content_release(&c);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	spill(cut, sizeof cut);
	assert_int_equal(resume(&j, &c, IDENTITY, NULL), FOT_OK);
	fot_journal_content_release(&c);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	spill(foreign, sizeof foreign);
	assert_int_equal(resume(&j, &c, IDENTITY, NULL), FOT_ERR_INPUT);
}

/* A mark says where its own journal was; a result that looks like one does not matter. */
static void test_journal_marks_stay_in_their_journal(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_journal_content c;
	struct fot_journal *j = create();
	char other[96];

	(void)state;
	assert_int_equal(append(j, "a", "{\"synced\":9999}", NULL, NULL), FOT_OK);
	assert_int_equal(fot_journal_settle(j, FOT_JOURNAL_SYNC_S, NULL), FOT_OK);
	assert_int_equal(append(j, "b", "{\"synced\":9999}", "{\"synced\":9999}", NULL), FOT_OK);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	snprintf(other, sizeof other, "%s/other", dir);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(fot_journal_load(&c, other, NULL), FOT_OK);
	j = create();
	for (size_t i = 0; i < c.n; i++)
		assert_int_equal(fot_journal_copy(j, &c.rec[i], NULL), FOT_OK);
	fot_journal_content_release(&c);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	slurp(&text);
	assert_non_null(strstr(text.data, "\"rec\":{\"item\": \"a\", \"result\": {\"synced\": 9999}}}\n"));
	assert_non_null(strstr(
		text.data,
		"\"rec\":{\"item\": \"b\", \"result\": {\"synced\": 9999}, \"note\": {\"synced\": 9999}}}\n"));
	assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
	assert_int_equal(c.n, 2);
	fot_journal_content_release(&c);
	fot_str_release(&text);
	unlink(other);
}

/* Before an item of a second the disk is waited for, before a shorter one it need not be. */
static void test_journal_settles_before_a_long_item(void **state)
{
	struct fot_journal *j = create();

	(void)state;
	assert_int_equal(append(j, "a", "{\"x\":1}", NULL, NULL), FOT_OK);
	assert_int_equal(fot_journal_settle(j, FOT_JOURNAL_SYNC_S, NULL), FOT_OK);
	fot_file_fail_at("fsync", 1, EIO);
	assert_int_equal(fot_journal_settle(j, 1e6, NULL), FOT_OK); /* nothing is waiting */
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	unlink(path);
	fot_file_fail_at("fsync", 0, 0);
	j = create();
	fot_file_fail_at("fsync", 1, EIO);
	if (append(j, "a", "{\"x\":1}", NULL, NULL) == FOT_OK) {
		assert_int_equal(fot_journal_settle(j, 0, NULL), FOT_OK);
		assert_int_equal(fot_journal_settle(j, -1, NULL), FOT_OK);
		assert_int_equal(fot_journal_settle(j, FOT_JOURNAL_SYNC_S, NULL), FOT_ERR_OUTPUT);
	}
	fot_journal_close(j, NULL);
}

static void test_journal_damage_names_the_line(void **state)
{
	struct fot_str whole = FOT_STR_INIT;
	struct fot_journal_content c;
	struct fot_err err = { 0 };
	char *second;

	(void)state;
	write_three();
	slurp(&whole);
	second = strchr(whole.data, '\n') + 1;
	second[40] ^= 1;
	spill(whole.data, whole.len);
	assert_int_equal(fot_journal_load(&c, path, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "line 2: wrong checksum"));
	fot_str_release(&whole);
}

static void test_journal_lost_line_is_only_redone(void **state)
{
	struct fot_str whole = FOT_STR_INIT;
	struct fot_journal_content c;
	char *second, *third;

	(void)state;
	write_three();
	slurp(&whole);
	second = strchr(whole.data, '\n') + 1;
	third = strchr(second, '\n') + 1;
	memmove(second, third, whole.len - (size_t)(third - whole.data));
	spill(whole.data, whole.len - (size_t)(third - second));
	assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
	assert_int_equal(c.n, 2);
	assert_null(fot_journal_find(&c, "b"));
	fot_journal_content_release(&c);
	fot_str_release(&whole);
}

static void test_journal_equal_duplicates_first_wins(void **state)
{
	struct fot_journal *j = create();
	struct fot_journal_content c;

	(void)state;
	assert_int_equal(append(j, "a", "{\"x\":1,\"y\":2}", "{\"wall_s\":1}", NULL), FOT_OK);
	assert_int_equal(append(j, "b", "{\"x\":1}", NULL, NULL), FOT_OK);
	assert_int_equal(append(j, "a", "{\"y\":2,\"x\":1}", "{\"wall_s\":7}", NULL), FOT_OK);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.n_duplicates, 1);
	assert_int_equal(fot_journal_find(&c, "a")->line, 2);
	fot_journal_content_release(&c);
}

static void test_journal_unequal_duplicates_refused(void **state)
{
	struct fot_journal *j = create();
	struct fot_journal_content c;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(append(j, "a", "{\"x\":1}", NULL, NULL), FOT_OK);
	assert_int_equal(append(j, "b", "{\"x\":1}", NULL, NULL), FOT_OK);
	assert_int_equal(append(j, "a", "{\"x\":1.0000000000000002}", NULL, NULL), FOT_OK);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	assert_int_equal(fot_journal_load(&c, path, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "lines 2 and 4"));
}

static void test_journal_resume_lists_what_differs(void **state)
{
	struct fot_journal *j = NULL;
	struct fot_journal_content c;
	struct fot_err err = { 0 };
	struct fot_str before = FOT_STR_INIT, after = FOT_STR_INIT;

	(void)state;
	write_three();
	slurp(&before);
	assert_int_equal(
		resume(&j, &c,
		       "{\"spec\":\"abd\",\"models\":[{\"sha256\":\"11\"},{\"sha256\":\"23\"}],\"extra\":1}",
		       &err),
		FOT_ERR_USAGE);
	assert_null(j);
	assert_non_null(strstr(err.text, "4 inputs differ"));
	assert_non_null(strstr(err.text, "spec: journal \"abc\", now \"abd\""));
	assert_non_null(strstr(err.text, "models[1].sha256: journal \"22\", now \"23\""));
	assert_non_null(strstr(err.text, "extra: only now"));
	assert_non_null(strstr(err.text, "version: only journal"));
	slurp(&after);
	assert_string_equal(before.data, after.data);
	fot_str_release(&before);
	fot_str_release(&after);
}

static void test_journal_foreign_files_are_refused_and_kept(void **state)
{
	static const char *const foreign[] = { "hello", "hello\nworld\n", "{\"crX", "{}\n", "\n" };
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		struct fot_journal *j = NULL;
		struct fot_journal_content c;
		struct fot_err err = { 0 };

		spill(foreign[i], strlen(foreign[i]));
		assert_int_equal(resume(&j, &c, IDENTITY, &err), FOT_ERR_INPUT);
		assert_non_null(strstr(err.text, "not a fotbench journal"));
		slurp(&text);
		assert_string_equal(text.data, foreign[i]);
	}
	fot_str_release(&text);
}

static void test_journal_unknown_version_is_refused(void **state)
{
	static const char *const line[] = {
		"{\"format\":\"fotbench-journal\",\"version\":99,\"identity\":{}}",
		"{\"format\":\"other\",\"version\":1,\"identity\":{}}",
		"{\"format\":\"fotbench-journal\",\"version\":1}",
	};
	static const char *const want[] = { "journal version 99", "format \"other\"", "no identity" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_journal_content c;
		struct fot_err err = { 0 };
		/* CRC-32 worked out by an independent bit loop */
		uint32_t crc = 0xffffffffu;

		for (const char *p = line[i]; *p; p++) {
			crc ^= (unsigned char)*p;
			for (int b = 0; b < 8; b++)
				crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0u);
		}
		fot_str_printf(&text, "{\"crc\":\"%08x\",\"rec\":%s}\n", (unsigned)~crc, line[i]);
		spill(text.data, text.len);
		assert_int_equal(fot_journal_load(&c, path, &err), FOT_ERR_INPUT);
		if (!strstr(err.text, want[i]))
			fail_msg("\"%s\" lacks \"%s\"", err.text, want[i]);
		fot_str_release(&text);
	}
}

/* The k-th write or fsync fails: what was appended before is intact, the failure
 * is an output error, and a resume finishes the file. */
static void fail_each(const char *call)
{
	static const char *const item[] = { "a", "b", "c" };

	for (long k = 1; k <= 4; k++) {
		struct fot_journal *j = NULL;
		struct fot_journal_content c;
		struct fot_err err = { 0 };
		cJSON *identity = json(IDENTITY);
		int status, done = 0;

		unlink(path);
		fot_file_fail_at(call, k, ENOSPC);
		status = fot_journal_create(&j, path, identity, &err);
		for (int i = 0; i < 3 && status == FOT_OK; i++) {
			status = append(j, item[i], "{\"x\":1}", NULL, &err);
			done += status == FOT_OK;
		}
		if (status != FOT_OK)
			assert_int_equal(status, FOT_ERR_OUTPUT);
		fot_file_fail_at(call, 0, 0);
		if (j && status != FOT_OK && strcmp(call, "fsync") == 0)
			assert_int_equal(append(j, "z", "{}", NULL, NULL), FOT_ERR_OUTPUT);
		fot_journal_close(j, NULL);
		j = NULL;
		assert_int_equal(fot_journal_resume(&j, &c, path, identity, false, &err), FOT_OK);
		assert_true(c.n >= (size_t)done && c.n <= (size_t)done + 1);
		for (int i = 0; i < done; i++)
			assert_non_null(fot_journal_find(&c, item[i]));
		assert_null(fot_journal_find(&c, "z"));
		for (int i = done; i < 3; i++)
			assert_int_equal(append(j, item[i], "{\"x\":1}", NULL, NULL), FOT_OK);
		fot_journal_content_release(&c);
		fot_journal_close(j, NULL);
		assert_int_equal(fot_journal_load(&c, path, NULL), FOT_OK);
		assert_int_equal(c.n, 3);
		fot_journal_content_release(&c);
		cJSON_Delete(identity);
	}
}

static void test_journal_kth_write_fails(void **state)
{
	(void)state;
	fail_each("write");
}

static void test_journal_kth_fsync_fails(void **state)
{
	(void)state;
	fail_each("fsync");
}

/* Items of less time than the disk takes do not wait for it one by one. */
static void test_journal_waits_for_the_disk_now_and_then(void **state)
{
	struct fot_journal *j = create();
	char item[16];

	(void)state;
	fot_file_fail_at("fsync", 900, EIO);
	for (int i = 0; i < 1000; i++) {
		snprintf(item, sizeof item, "%d", i);
		assert_int_equal(append(j, item, "{\"x\":1}", NULL, NULL), FOT_OK);
	}
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
}

static void test_journal_is_on_the_disk_when_closed(void **state)
{
	struct fot_journal *j = create();
	int status;

	(void)state;
	fot_file_fail_at("fsync", 1, EIO);
	status = append(j, "a", "{\"x\":1}", NULL, NULL);
	if (status == FOT_OK)
		status = fot_journal_close(j, NULL);
	else
		fot_journal_close(j, NULL);
	assert_int_equal(status, FOT_ERR_OUTPUT);
}

/* --- several --- */

static void load_new(struct fot_journal_content *c, const char *const (*record)[2], size_t n)
{
	struct fot_journal *j = create();

	for (size_t i = 0; i < n; i++)
		assert_int_equal(append(j, record[i][0], record[i][1], NULL, NULL), FOT_OK);
	assert_int_equal(fot_journal_close(j, NULL), FOT_OK);
	assert_int_equal(fot_journal_load(c, path, NULL), FOT_OK);
	unlink(path);
}

static void test_journal_join_finds_the_items_of_all(void **state)
{
	static const char *const first[][2] = { { "c", "{\"x\":3}" }, { "a", "{\"x\":1}" } },
				 *const second[][2] = { { "b", "{\"x\":2}" }, { "a", "{\"x\":1.0}" } };
	struct fot_journal_content given[3], all;

	(void)state;
	load_new(&given[0], first, 2);
	load_new(&given[1], second, 2);
	load_new(&given[2], NULL, 0);
	assert_int_equal(fot_journal_join(&all, given, 3, NULL), FOT_OK);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.n_duplicates, 1);
	assert_ptr_equal(fot_journal_find(&all, "a")->text, fot_journal_find(&given[0], "a")->text);
	assert_ptr_equal(fot_journal_find(&all, "b")->text, fot_journal_find(&given[1], "b")->text);
	assert_ptr_equal(fot_journal_find(&all, "c")->text, fot_journal_find(&given[0], "c")->text);
	assert_null(fot_journal_find(&all, "d"));
	fot_journal_content_release(&all);
	fot_mem_fail_at(1);
	assert_int_equal(fot_journal_join(&all, given, 3, NULL), FOT_ERR_RUN);
	fot_mem_fail_at(0);
	for (int k = 0; k < 3; k++)
		fot_journal_content_release(&given[k]);
}

static void test_journal_join_refuses_what_contradicts(void **state)
{
	static const char *const one[][2] = { { "a", "{\"x\":1}" } }, *const two[][2] = { { "a",
											    "{\"x\":2}" } };
	struct fot_journal_content given[2], all;
	struct fot_err err = { 0 };

	(void)state;
	load_new(&given[0], one, 1);
	load_new(&given[1], two, 1);
	assert_int_equal(fot_journal_join(&all, given, 2, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "merge: two journals hold unequal results of a: x: first 1, second 2");
	for (int k = 0; k < 2; k++)
		fot_journal_content_release(&given[k]);
}

static void test_journal_refuses_links_and_folders(void **state)
{
	struct fot_journal *j = NULL;
	struct fot_journal_content c;
	char target[96];

	(void)state;
	write_three();
	snprintf(target, sizeof target, "%s/other", dir);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(resume(&j, &c, IDENTITY, NULL), FOT_ERR_OUTPUT);
	unlink(target);
	unlink(path);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_not_equal(resume(&j, &c, IDENTITY, NULL), FOT_OK);
	rmdir(path);
}

static void test_journal_load_survives_lack_of_memory(void **state)
{
	int ok = 0;

	(void)state;
	write_three();
	for (long k = 1; k < 200 && !ok; k++) {
		struct fot_journal_content c;
		struct fot_err err = { 0 };

		fot_mem_fail_at(k);
		ok = fot_journal_load(&c, path, &err) == FOT_OK;
		fot_mem_fail_at(0);
		if (ok) {
			assert_int_equal(c.n, 3);
			fot_journal_content_release(&c);
		}
	}
	assert_true(ok);
}

static void test_jsondiff_finds_nothing_in_equal_values(void **state)
{
	cJSON *a = json("{\"a\":[1,{\"b\":2}],\"c\":{},\"d\":null}"),
	      *b = json("{\"d\":null,\"c\":{},\"a\":[1,{\"b\":2}]}");
	cJSON *other = json("{\"d\":null,\"c\":[],\"a\":[1,{\"b\":2},3]}");
	struct fot_str text = FOT_STR_INIT;
	size_t n = 9;

	(void)state;
	assert_int_equal(fot_json_differences(&text, a, "A", b, "B", 5, &n, NULL), FOT_OK);
	assert_int_equal(n, 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(fot_json_differences(&text, a, "A", other, "B", 1, &n, NULL), FOT_OK);
	assert_int_equal(n, 2);
	assert_string_equal(text.data, "a[2]: only B; and 1 more");
	fot_str_release(&text);
	cJSON_Delete(a);
	cJSON_Delete(b);
	cJSON_Delete(other);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_journal_keeps_records),
		WITH_FOLDER(test_journal_never_overwrites),
		WITH_FOLDER(test_journal_cut_at_every_byte),
		WITH_FOLDER(test_journal_damage_at_every_byte),
		WITH_FOLDER(test_journal_hole_in_what_was_not_waited_for),
		WITH_FOLDER(test_journal_hole_says_what_is_behind_it),
		WITH_FOLDER(test_journal_hole_in_what_was_closed),
		WITH_FOLDER(test_journal_of_a_folder_says_what_its_end_lacks),
		WITH_FOLDER(test_journal_hole_in_what_was_on_the_disk),
		WITH_FOLDER(test_journal_hole_for_a_header),
		WITH_FOLDER(test_journal_marks_stay_in_their_journal),
		WITH_FOLDER(test_journal_settles_before_a_long_item),
		WITH_FOLDER(test_journal_damage_names_the_line),
		WITH_FOLDER(test_journal_lost_line_is_only_redone),
		WITH_FOLDER(test_journal_equal_duplicates_first_wins),
		WITH_FOLDER(test_journal_unequal_duplicates_refused),
		WITH_FOLDER(test_journal_resume_lists_what_differs),
		WITH_FOLDER(test_journal_foreign_files_are_refused_and_kept),
		WITH_FOLDER(test_journal_unknown_version_is_refused),
		WITH_FOLDER(test_journal_kth_write_fails),
		WITH_FOLDER(test_journal_kth_fsync_fails),
		WITH_FOLDER(test_journal_waits_for_the_disk_now_and_then),
		WITH_FOLDER(test_journal_is_on_the_disk_when_closed),
		WITH_FOLDER(test_journal_join_finds_the_items_of_all),
		WITH_FOLDER(test_journal_join_refuses_what_contradicts),
		WITH_FOLDER(test_journal_refuses_links_and_folders),
		WITH_FOLDER(test_journal_load_survives_lack_of_memory),
		cmocka_unit_test(test_jsondiff_finds_nothing_in_equal_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
