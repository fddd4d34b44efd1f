/* datasets/hypernyms.h: sources of a made-up data.noun, exactly; what is held out; bad files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "datasets/hypernyms.h"
#include "tests/unit/scratch.h"

#define FOOD 7555863 /* one of the subtrees that are held out */

/* One synset; parents: "@OFFSET" or "@iOFFSET", separated by blanks. */
static void synset(struct fot_str *out, int offset, const char *words, const char *parents, const char *gloss)
{
	int n_words = 1, n_parents = 0;

	for (const char *p = words; *p; p++)
		n_words += *p == ' ';
	for (const char *p = parents; *p; p++)
		n_parents += *p == '@';
	fot_str_printf(out, "%08d 03 n %02x ", offset, n_words);
	for (const char *p = words; *p;) {
		int n = (int)strcspn(p, " ");

		fot_str_printf(out, "%.*s 0 ", n, p);
		p += n + (p[n] == ' ');
	}
	fot_str_printf(out, "%03d ", n_parents);
	for (const char *p = strchr(parents, '@'); p; p = strchr(p + 1, '@'))
		fot_str_printf(out, "@%s %08d n 0000 ", p[1] == 'i' ? "i" : "", atoi(p + 1 + (p[1] == 'i')));
	fot_str_printf(out, "| %s\n", gloss);
}

/* n leaves from `offset` on below `parent`, with glosses "NAME 0", "NAME 1", ... */
static void leaves(struct fot_str *out, int offset, int n, int parent, const char *name)
{
	char words[64], parents[64], gloss[64];

	for (int i = 0; i < n; i++) {
		snprintf(words, sizeof(words), "%s%d", name, i);
		snprintf(parents, sizeof(parents), "@%d", parent);
		snprintf(gloss, sizeof(gloss), "%s %d", name, i);
		synset(out, offset + i, words, parents, gloss);
	}
}

/* thing: tool (its parents as given), beast, plant, stuff of 40 to 42 descendants; 39 of few. */
static void small_of(struct fot_str *out, const char *parents)
{
	fot_str_puts(out, "  1 This stands for the licence.  \n");
	synset(out, 100, "thing entity", "", "what there is");
	synset(out, 101, "tool", parents, "a tool");
	synset(out, 102, "beast", "@100", "a beast");
	synset(out, 103, "tool plant_life", "@100", "a plant");
	synset(out, 104, "stuff", "@100", "some stuff");
	synset(out, 105, "few", "@100", "too few");
	synset(out, 106, "Eden", "@i100", "an instance, no class");
	leaves(out, 1000, 40, 101, "tool");
	synset(out, 1100, "both", "@101 @102", "tool and beast");
	synset(out, 1101, "saw", "@i101", "cuts wood; \"a saw for logs\"; \"another\"");
	leaves(out, 2000, 41, 102, "beast");
	leaves(out, 3000, 40, 103, "plant");
	leaves(out, 4000, 20, 104, "stuff");
	leaves(out, 4100, 20, 4000, "deep");
	leaves(out, 5000, 39, 105, "few");
	leaves(out, 6000, 60, 106, "eden");
}

static void small(struct fot_str *out)
{
	small_of(out, "@100");
}

static struct fot_hypernyms *open_text(const struct fot_str *text)
{
	struct fot_hypernyms *h = NULL;
	struct fot_err err = { 0 };

	assert_false(text->failed);
	if (fot_hypernyms_open(&h, text->data, text->len, "noun", &err) != FOT_OK)
		fail_msg("%s", err.text);
	return h;
}

static size_t count(const struct fot_hypernyms *h, size_t source, const char *label)
{
	size_t n = 0;

	for (size_t i = 0; i < fot_hypernyms_n_texts(h, source); i++)
		n += strcmp(fot_hypernyms_at(h, source, i).label, label) == 0;
	return n;
}

/* Place of a gloss among a source's texts, or SIZE_MAX. */
static size_t find(const struct fot_hypernyms *h, size_t source, const char *gloss)
{
	for (size_t i = 0; i < fot_hypernyms_n_texts(h, source); i++) {
		struct fot_hypernyms_text t = fot_hypernyms_at(h, source, i);

		if (t.n_gloss == strlen(gloss) && memcmp(t.gloss, gloss, t.n_gloss) == 0)
			return i;
	}
	return SIZE_MAX;
}

static void test_hypernyms_classes_and_texts(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h;
	size_t at;

	(void)state;
	small(&text);
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 1);
	assert_string_equal(fot_hypernyms_name(h, 0), "thing");
	assert_false(fot_hypernyms_held_out(h, 0));
	assert_int_equal(fot_hypernyms_n_texts(h, 0), 41 + 41 + 40 + 40);
	assert_int_equal(count(h, 0, "tool"), 41);
	assert_int_equal(count(h, 0, "beast"), 41);
	assert_int_equal(count(h, 0, "plant life"), 40);
	assert_int_equal(count(h, 0, "stuff"), 40);
	at = find(h, 0, "cuts wood");
	assert_true(at != SIZE_MAX);
	assert_string_equal(fot_hypernyms_at(h, 0, at).label, "tool");
	assert_int_equal(fot_hypernyms_at(h, 0, at).line, 1 + 7 + 40 + 2);
	at = find(h, 0, "deep 19");
	assert_true(at != SIZE_MAX);
	assert_string_equal(fot_hypernyms_at(h, 0, at).label, "stuff");
	assert_true(find(h, 0, "tool and beast") == SIZE_MAX);
	assert_true(find(h, 0, "a tool") == SIZE_MAX);
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

/* A hypernym that is named twice is one. */
static void test_hypernyms_named_twice(void **state)
{
	static const char *const parents[] = { "@100 @100", "@i100 @100", "@100 @i100 @100" };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(parents); i++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_hypernyms *h;

		small_of(&text, parents[i]);
		h = open_text(&text);
		assert_int_equal(fot_hypernyms_count(h), 1);
		assert_int_equal(fot_hypernyms_n_texts(h, 0), 41 + 41 + 40 + 40);
		assert_int_equal(count(h, 0, "tool"), 41);
		fot_hypernyms_close(h);
		fot_str_release(&text);
	}
}

/* Of four classes two share all their texts: two are left, too few. */
static void test_hypernyms_small_classes_go(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h;

	(void)state;
	synset(&text, 1, "top", "", "t");
	for (int i = 0; i < 4; i++)
		synset(&text, 10 + i, (const char *[]){ "a", "b", "c", "d" }[i], "@1", "class");
	leaves(&text, 100, 40, 10, "a");
	leaves(&text, 200, 40, 11, "b");
	for (int i = 0; i < 60; i++) {
		char gloss[32];

		snprintf(gloss, sizeof(gloss), "shared %d", i);
		synset(&text, 300 + i, "s", i < 21 ? "@12" : "@12 @13", gloss);
	}
	leaves(&text, 400, 19, 13, "d");
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 1);
	assert_int_equal(count(h, 0, "c"), 21);
	assert_int_equal(count(h, 0, "d"), 0);
	assert_int_equal(fot_hypernyms_n_texts(h, 0), 101);
	fot_hypernyms_close(h);
	for (int i = 0; i < 2; i++) /* class c loses two texts: 19 of its own */
		memcpy(strstr(text.data, i ? "| shared 1\n" : "| shared 0\n") - 16, "00000001", 8);
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 0);
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

/* A source of four classes below each of two tops, of which `second` may be held out. */
static void two_tops(struct fot_str *out, int second, const char *word)
{
	const int top[] = { 10, second };
	char name[16];

	synset(out, 1, "all", "", "everything");
	for (int t = 0; t < 2; t++) {
		snprintf(name, sizeof(name), "@%d", top[t]);
		synset(out, top[t], t ? word : "ware", "@1", "top");
		for (int i = 0; i < 4; i++)
			synset(out, top[t] + 10 + i, (const char *[]){ "a", "b", "c", "d" }[i], name,
			       "class");
		for (int i = 0; i < 4; i++) {
			snprintf(name, sizeof(name), "%c%d of", 'a' + i, t);
			leaves(out, top[t] + 1000 + 100 * i, 41, top[t] + 10 + i, name);
		}
		snprintf(name, sizeof(name), "@%d", top[t] + 10);
		synset(out, top[t] + 2000, "twin", name, "the same in both; \"example\"");
	}
	snprintf(name, sizeof(name), "@%d @20", second + 10);
	synset(out, second + 2001, "mixed", name, "below both");
}

static void test_hypernyms_hold_out_subtrees(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h;

	(void)state;
	two_tops(&text, FOOD, "food");
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 2);
	assert_string_equal(fot_hypernyms_name(h, 0), "ware");
	assert_string_equal(fot_hypernyms_name(h, 1), "food");
	assert_false(fot_hypernyms_held_out(h, 0));
	assert_true(fot_hypernyms_held_out(h, 1));
	/* Without the twin's gloss and the synset that is below both. */
	assert_int_equal(fot_hypernyms_n_texts(h, 0), 4 * 41);
	assert_int_equal(fot_hypernyms_n_texts(h, 1), 4 * 41 + 2);
	assert_true(find(h, 0, "the same in both") == SIZE_MAX);
	assert_true(find(h, 1, "the same in both") != SIZE_MAX);
	assert_true(find(h, 0, "below both") == SIZE_MAX);
	for (size_t i = 0; i < fot_hypernyms_n_texts(h, 0); i++)
		assert_true(memmem(fot_hypernyms_at(h, 0, i).gloss, 4, "1 of", 4) == NULL);
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

static void test_hypernyms_names_differ(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h;

	(void)state;
	two_tops(&text, 7000000, "ware");
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 2);
	assert_string_equal(fot_hypernyms_name(h, 0), "ware");
	assert_string_equal(fot_hypernyms_name(h, 1), "ware-2");
	assert_true(find(h, 0, "the same in both") != SIZE_MAX);
	assert_int_equal(fot_hypernyms_n_texts(h, 0), 4 * 41 + 2);
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

static void test_hypernyms_refuse_bad_files(void **state)
{
#define GOOD "00000001 03 n 01 a 0 000 | a\n"
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ GOOD "1 03 n 01 b 0 000 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 00 000 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 1 b 0 000 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 02 b 0 000 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 01 b 0 001 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 01 b 0 001 @ 00000001 n\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 01 b 0 001 @ x n 0000 | b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 01 b 0 000 b\n", "noun:2: expected a synset" },
		{ GOOD "00000002 03 n 01 b 0 000\n", "noun:2: expected a synset" },
		{ GOOD "\n", "noun:2: expected a synset" },
		{ GOOD "00000002", "noun:2: expected a synset" },
		{ GOOD GOOD, "noun:2: expected an offset above 00000001, got 00000001" },
		{ GOOD "00000002 03 n 01 b 0 001 @ 00000003 n 0000 | b\n",
		  "noun:2: the hypernym 00000003 is not there" },
	};
	struct fot_hypernyms *h = NULL;
	struct fot_err err;

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(rows); i++) {
		memset(&err, 0, sizeof(err));
		assert_fails(fot_hypernyms_open(&h, rows[i].text, strlen(rows[i].text), "noun", &err),
			     FOT_ERR_INPUT, &err, rows[i].want);
		assert_null(h);
	}
	memset(&err, 0, sizeof(err));
	assert_fails(fot_hypernyms_open(&h, GOOD "00000002 03 n 01 \0 0 000 | b\n", sizeof(GOOD) + 20, "noun",
					&err),
		     FOT_ERR_INPUT, &err, "NUL byte");
	for (size_t n = 0; n < sizeof(GOOD); n++) { /* cut anywhere */
		memset(&err, 0, sizeof(err));
		if (fot_hypernyms_open(&h, GOOD, n, "noun", &err) == FOT_OK) {
			assert_int_equal(fot_hypernyms_count(h), 0);
			fot_hypernyms_close(h);
			h = NULL;
		}
	}
}

/* A circle of synsets that are hypernyms of each other. */
static void test_hypernyms_circles_end(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h;
	char parents[64];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(parents, sizeof(parents), "@%d @%d @%d @%d", i, (i + 1) % 200, (i + 7) % 200,
			 (i + 99) % 200);
		synset(&text, i, "word", parents, "gloss");
	}
	h = open_text(&text);
	assert_int_equal(fot_hypernyms_count(h), 0); /* every text is in every class */
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

/* 120 sources of the same 50 classes of the same 2000 texts. */
static void test_hypernyms_bound_the_texts(void **state)
{
	struct fot_str text = FOT_STR_INIT, parents = FOT_STR_INIT;
	struct fot_hypernyms *h = NULL;
	struct fot_err err = { 0 };

	(void)state;
	for (int i = 0; i < 120; i++) {
		synset(&text, i, "source", "", "g");
		fot_str_printf(&parents, "@%d ", i);
	}
	for (int i = 0; i < 50; i++)
		synset(&text, 1000 + i, "class", parents.data, "g");
	fot_str_clear(&parents);
	for (int i = 0; i < 50; i++)
		fot_str_printf(&parents, "@%d ", 1000 + i);
	for (int i = 0; i < 2000; i++)
		synset(&text, 2000 + i, "text", parents.data, "g");
	assert_fails(fot_hypernyms_open(&h, text.data, text.len, "noun", &err), FOT_ERR_INPUT, &err,
		     "more than 10000000 texts below hypernyms");
	fot_str_release(&text);
	fot_str_release(&parents);
}

/* Any three bytes of the file changed: it is refused or read, and every text lies in the file. */
static void test_hypernyms_read_damaged_files(void **state)
{
	static const char bytes[] = " 0129f@i|\n\"x_";
	struct fot_str text = FOT_STR_INIT;
	struct fot_rng rng;
	size_t n_read = 0;

	(void)state;
	two_tops(&text, FOOD, "food");
	fot_rng_init(&rng, 1, "test", 0);
	for (int i = 0; i < 1000; i++) {
		struct fot_hypernyms *h = NULL;
		size_t at[3];
		char was[3];

		for (int k = 0; k < 3; k++) {
			at[k] = (size_t)fot_rng_below(&rng, text.len);
			was[k] = text.data[at[k]];
			text.data[at[k]] = bytes[fot_rng_below(&rng, sizeof(bytes) - 1)];
		}
		if (fot_hypernyms_open(&h, text.data, text.len, "noun", NULL) == FOT_OK) {
			n_read++;
			for (size_t s = 0; s < fot_hypernyms_count(h); s++)
				for (size_t k = 0; k < fot_hypernyms_n_texts(h, s); k++) {
					struct fot_hypernyms_text t = fot_hypernyms_at(h, s, k);

					assert_true(*t.label && t.gloss > text.data);
					assert_true(t.gloss + t.n_gloss <= text.data + text.len);
				}
			fot_hypernyms_close(h);
		}
		for (int k = 2; k >= 0; k--)
			text.data[at[k]] = was[k];
	}
	assert_in_range(n_read, 50, 950);
	fot_str_release(&text);
}

static void test_hypernyms_survive_failing_memory(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_hypernyms *h = NULL;
	int status = FOT_ERR_RUN;

	(void)state;
	small(&text);
	for (long n = 1; status != FOT_OK; n++) {
		struct fot_err err = { 0 };

		assert_true(n < 200);
		fot_mem_fail_at(n);
		status = fot_hypernyms_open(&h, text.data, text.len, "noun", &err);
		fot_mem_fail_at(0);
		assert_true((status == FOT_OK) == (err.code == 0));
	}
	assert_int_equal(fot_hypernyms_count(h), 1);
	fot_hypernyms_close(h);
	fot_str_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hypernyms_classes_and_texts),
		cmocka_unit_test(test_hypernyms_named_twice),
		cmocka_unit_test(test_hypernyms_small_classes_go),
		cmocka_unit_test(test_hypernyms_hold_out_subtrees),
		cmocka_unit_test(test_hypernyms_names_differ),
		cmocka_unit_test(test_hypernyms_refuse_bad_files),
		cmocka_unit_test(test_hypernyms_circles_end),
		cmocka_unit_test(test_hypernyms_bound_the_texts),
		cmocka_unit_test(test_hypernyms_read_damaged_files),
		cmocka_unit_test(test_hypernyms_survive_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
