/* model/tokenizer.h: bytes, SentencePiece BPE against a slow reference, and
 * hostile model files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/spm_proto.h"
#include "model/tokenizer.h"
#include "tests/unit/scratch.h"
#include "tests/unit/spm_writer.h"

#define MARK "\xE2\x96\x81"

static const char *const small_pieces[] = { "ab",
					    MARK "a",
					    "bc",
					    "abc",
					    MARK MARK,
					    "\xC3\xA9"
					    "a",
					    "aa",
					    "aaaa",
					    MARK,
					    "a",
					    "b",
					    "c",
					    "\xC3\xA9",
					    "ca",
					    MARK "ab",
					    "bca" };
static const struct spm_recipe small = { .normal = small_pieces, .n_normal = FOT_COUNT(small_pieces) };

static struct fot_tokenizer *must_open(const struct spm_recipe *r)
{
	struct fot_str file = FOT_STR_INIT;
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };

	spm_model_file(&file, r);
	if (fot_tokenizer_open_spm_memory(&t, file.data, file.len, "mem", &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_str_release(&file);
	return t;
}

/* ---- the rules, slowly: look at all pairs, merge the best, start again ---- */

struct part {
	char text[64];
};

static int score_of(const char *text, const struct spm_recipe *r, float *score)
{
	for (size_t i = 0; i < r->n_normal; i++)
		if (strcmp(r->normal[i], text) == 0) {
			*score = r->scores ? r->scores[i] : -(float)i;
			return (int)i + 259;
		}
	return -1;
}

static size_t split_slowly(struct part *parts, const char *p, size_t n)
{
	size_t k = 0, len;
	uint32_t cp;

	for (size_t i = 0; i < n; i += len, k++) {
		len = fot_utf8_decode(p + i, n - i, &cp);
		memcpy(parts[k].text, p + i, len);
		parts[k].text[len] = '\0';
	}
	return k;
}

static bool merge_slowly(struct part *parts, size_t *k, const struct spm_recipe *r)
{
	size_t best = SIZE_MAX;
	float top = 0, score = 0;
	char both[2 * sizeof(parts->text)];

	for (size_t i = 0; i + 1 < *k; i++) {
		snprintf(both, sizeof(both), "%s%s", parts[i].text, parts[i + 1].text);
		if (score_of(both, r, &score) >= 0 && (best == SIZE_MAX || score > top)) {
			best = i;
			top = score;
		}
	}
	if (best == SIZE_MAX)
		return false;
	snprintf(both, sizeof(both), "%s%s", parts[best].text, parts[best + 1].text);
	memcpy(parts[best].text, both, sizeof(parts[best].text)); /* pieces are short */
	memmove(&parts[best + 1], &parts[best + 2], (*k - best - 2) * sizeof(*parts));
	(*k)--;
	return true;
}

/* normal: text after normalisation. */
static void encode_slowly(struct fot_ids *out, const char *normal, size_t n, const struct spm_recipe *r)
{
	struct part parts[400];
	size_t k = split_slowly(parts, normal, n);
	float score;

	while (merge_slowly(parts, &k, r))
		;
	for (size_t i = 0; i < k; i++) {
		int id = score_of(parts[i].text, r, &score);

		for (size_t b = 0; id < 0 && parts[i].text[b]; b++)
			fot_ids_push(out, 3 + (unsigned char)parts[i].text[b], NULL);
		if (id >= 0)
			fot_ids_push(out, id, NULL);
	}
}

static void assert_encodes(const struct fot_tokenizer *t, const char *text, size_t n, const int32_t *want,
			   size_t n_want)
{
	struct fot_ids ids = { 0 };
	struct fot_err err = { 0 };

	assert_int_equal(fot_tokenizer_encode(t, &ids, text, n, &err), FOT_OK);
	if (ids.n != n_want || (n_want && memcmp(ids.id, want, n_want * sizeof(*want)) != 0)) {
		struct fot_str s = FOT_STR_INIT;

		for (size_t i = 0; i < ids.n; i++)
			fot_str_printf(&s, " %d", ids.id[i]);
		fail_msg("\"%.*s\" gives%s", (int)n, text, s.data ? s.data : " nothing");
	}
	fot_ids_release(&ids);
}

static void test_tokenizer_spm_equals_slow_reference(void **state)
{
	static const char *const letters[] = {
		"a", "b", "c", "a", MARK, MARK, "\xC3\xA9", "z", "\xE6\x97\xA5", "\n"
	};
	static const float tied[FOT_COUNT(small_pieces)] = { 0,  -1, -1, 2,  -1, -1, -0.0f, -1,
							 -5, -5, -5, -5, -5, 0,  -0.0f, 7.5f };
	struct spm_recipe rows[] = { small, small };
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 5, "test.tokenizer", 0);
	rows[1].scores = tied; /* ties, and pieces better than their parts */
	for (size_t k = 0; k < FOT_COUNT(rows); k++) {
		struct fot_tokenizer *t;

		rows[k].no_dummy = true; /* normal text is then the text itself */
		rows[k].keep_spaces = true;
		t = must_open(&rows[k]);
		for (int round = 0; round < 1500; round++) {
			struct fot_str s = FOT_STR_INIT;
			struct fot_ids want = { 0 };

			for (uint64_t n = fot_rng_below(&r, 90); n > 0; n--)
				fot_str_puts(&s, letters[fot_rng_below(&r, round % 3 ? 6 : FOT_COUNT(letters))]);
			encode_slowly(&want, s.data ? s.data : "", s.len, &rows[k]);
			assert_encodes(t, s.data, s.len, want.id, want.n);
			fot_ids_release(&want);
			fot_str_release(&s);
		}
		fot_tokenizer_close(t);
	}
}

#define IDS(...) (const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / 4

/* ids of small_pieces by name */
enum { AB = 259, M_A, BC, ABC, MM, E_A, AA, AAAA, M, A, B, C, E, CA, M_AB, BCA };

static void test_tokenizer_spm_spaces(void **state)
{
	struct spm_recipe keep = small, bare = small;
	struct fot_tokenizer *t = must_open(&small);

	(void)state;
	/* strips, squeezes, and puts one mark in front */
	assert_encodes(t, "", 0, NULL, 0);
	assert_encodes(t, "   ", 3, NULL, 0);
	assert_encodes(t, "z", 1, IDS(M, 3 + 'z'));
	assert_encodes(t, "  z   a  ", 9, IDS(M, 3 + 'z', M_A));
	assert_encodes(t, MARK, 3, NULL, 0); /* a mark in the text ends it like a space */
	assert_encodes(t, "<s>", 3, IDS(M, 3 + '<', 3 + 's', 3 + '>'));
	assert_encodes(t, "a\0b", 3, IDS(M_A, 3, B));
	fot_tokenizer_close(t);
	keep.keep_spaces = true;
	t = must_open(&keep);
	assert_encodes(t, "", 0, NULL, 0);
	assert_encodes(t, " ", 1, IDS(MM));
	assert_encodes(t, "  z ", 4, IDS(MM, M, 3 + 'z', M));
	fot_tokenizer_close(t);
	bare.keep_spaces = bare.no_dummy = true;
	t = must_open(&bare);
	assert_encodes(t, "z", 1, IDS(3 + 'z'));
	assert_encodes(t, " z", 2, IDS(M, 3 + 'z'));
	fot_tokenizer_close(t);
}

static void test_tokenizer_spm_bad_utf8_becomes_replacements(void **state)
{
	struct spm_recipe bare = small;
	struct fot_tokenizer *t;

	(void)state;
	bare.keep_spaces = bare.no_dummy = true;
	t = must_open(&bare);
#define FFFD 3 + 0xEF, 3 + 0xBF, 3 + 0xBD
	assert_encodes(t, "a\xff", 2, IDS(A, FFFD));
	assert_encodes(t, "\xe4\xbd", 2, IDS(FFFD, FFFD));
	assert_encodes(t, "\xc0\x80", 2, IDS(FFFD, FFFD));
	assert_encodes(t, "\xed\xa0\x80z", 4, IDS(FFFD, FFFD, FFFD, 3 + 'z'));
	fot_tokenizer_close(t);
}

static void assert_ends(const struct spm_recipe *recipe, const char *text, size_t n, const size_t *want, size_t n_want)
{
	struct fot_tokenizer *t = must_open(recipe);
	struct fot_ids ids = { 0 }, plain = { 0 };

	assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, text, n, NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &plain, text, n, NULL), FOT_OK);
	assert_int_equal(ids.n, plain.n);
	assert_memory_equal(ids.id, plain.id, ids.n * sizeof *ids.id);
	assert_null(plain.end);
	assert_int_equal(ids.n, n_want);
	for (size_t i = 0; i < n_want; i++)
		if (ids.end[i] != want[i])
			fail_msg("\"%s\": token %zu ends at %zu, not %zu", text, i, ids.end[i], want[i]);
	fot_ids_release(&ids);
	fot_ids_release(&plain);
	fot_tokenizer_close(t);
}

#define ENDS(...) (const size_t[]){ __VA_ARGS__ }, sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t)

static void test_tokenizer_spm_says_where_tokens_end(void **state)
{
	static const char *const letters[] = { "a", "b" };
	static const struct spm_recipe no_mark = { .normal = letters, .n_normal = FOT_COUNT(letters) };
	struct spm_recipe keep = small, bare = small;

	(void)state;
	keep.keep_spaces = bare.keep_spaces = bare.no_dummy = true;
	assert_ends(&small, "z", 1, ENDS(0, 1));
	/* blanks in front belong to the first token, a run to its mark, those behind to the last */
	assert_ends(&small, "  z   a  ", 9, ENDS(2, 3, 9));
	assert_ends(&small, "a\0b", 3, ENDS(1, 2, 3));
	assert_ends(&keep, "  z ", 4, ENDS(1, 2, 3, 4));
	/* a character in bytes: each ends behind its own */
	assert_ends(&bare, "a\xE6\x97\xA5", 4, ENDS(1, 2, 3, 4));
	assert_ends(&bare, "a" MARK, 4, ENDS(1, 4));
	/* what stands for something else in bytes: the last has it */
	assert_ends(&bare, "a\xff", 2, ENDS(1, 1, 1, 2));
	assert_ends(&bare, "\xe4\xbd", 2, ENDS(0, 0, 1, 1, 1, 2));
	assert_ends(&no_mark, "a   b", 5, ENDS(0, 0, 0, 1, 1, 1, 4, 5));
	assert_ends(&small, "   ", 3, NULL, 0);
}

/* Some of the tokens are the first of all of them. */
static void assert_stops_early(const struct fot_tokenizer *t, const struct fot_str *s, const struct fot_ids *all)
{
	struct fot_ids some = { 0 };
	size_t most = (all->n + 1) / 2;

	assert_int_equal(fot_tokenizer_encode_ends(t, &some, most, s->data, s->len, NULL), FOT_OK);
	assert_true(some.n >= most && some.n <= all->n);
	assert_memory_equal(some.id, all->id, some.n * sizeof *some.id);
	assert_memory_equal(some.end, all->end, some.n * sizeof *some.end);
	fot_ids_release(&some);
}

/* Cut anywhere: the tokens before the cut give back the text before it. */
static void test_tokenizer_spm_ends_are_those_of_the_text_given_back(void **state)
{
	static const char *const letters[] = { "a", "b", "c", " ", " ", "\xC3\xA9", "z", "\xE6\x97\xA5", "\n" };
	struct spm_recipe recipe = small;
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 8, "test.tokenizer", 0);
	recipe.keep_spaces = true;
	for (int round = 0; round < 300; round++) {
		struct fot_tokenizer *t = must_open(&recipe);
		struct fot_str s = FOT_STR_INIT, back = FOT_STR_INIT;
		struct fot_ids ids = { 0 };

		fot_str_puts(&s, "z");
		for (uint64_t n = fot_rng_below(&r, 60); n > 0; n--)
			fot_str_puts(&s, letters[fot_rng_below(&r, FOT_COUNT(letters))]);
		assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, s.data, s.len, NULL), FOT_OK);
		for (size_t i = 0; i < ids.n; i++) {
			if (((unsigned char)s.data[ids.end[i]] & 0xC0) == 0x80)
				continue; /* inside a character: nothing to give back yet */
			fot_str_clear(&back);
			assert_int_equal(fot_tokenizer_decode(t, &back, ids.id, i + 1, NULL), FOT_OK);
			assert_int_equal(back.len, ids.end[i]);
			assert_memory_equal(back.data, s.data, back.len);
		}
		assert_int_equal(ids.end[ids.n - 1], s.len);
		assert_stops_early(t, &s, &ids);
		fot_ids_release(&ids);
		fot_str_release(&s);
		fot_str_release(&back);
		fot_tokenizer_close(t);
	}
}

/* Into a string that holds something already: only what is new counts as the start. */
static void assert_decodes(const struct fot_tokenizer *t, const int32_t *ids, size_t n, const char *want)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };

	fot_str_puts(&s, "x ");
	assert_int_equal(fot_tokenizer_decode(t, &s, ids, n, &err), FOT_OK);
	assert_string_equal(s.data + 2, want);
	fot_str_release(&s);
}

static void test_tokenizer_spm_decode(void **state)
{
	struct spm_recipe keep = small, bare = small;
	struct fot_tokenizer *t = must_open(&small);

	(void)state;
	assert_decodes(t, NULL, 0, "");
	assert_decodes(t, IDS(1, M_A, 2), "a");
	assert_decodes(t, IDS(M, M, M_A, M, B), "a b"); /* leading marks go one per piece */
	assert_decodes(t, IDS(MM, A), " a");
	assert_decodes(t, IDS(0), " \xE2\x81\x87 ");
	assert_decodes(t, IDS(3 + 0xC3, 3 + 0xA9, 3 + 0xC3, A),
		       "\xC3\xA9\xEF\xBF\xBD"
		       "a");
	assert_decodes(t, IDS(3 + 0xC3, 1, 3 + 0xA9),
		       "\xEF\xBF\xBD\xEF\xBF\xBD"); /* a control ends the run */
	assert_decodes(t, IDS(3 + 'q', M_A), "q a");
	fot_tokenizer_close(t);
	keep.keep_spaces = true;
	t = must_open(&keep);
	assert_decodes(t, IDS(M, M, M_A), "  a"); /* only the dummy prefix goes */
	assert_decodes(t, IDS(1, M_A, M_A), "a a");
	fot_tokenizer_close(t);
	bare.keep_spaces = bare.no_dummy = true;
	t = must_open(&bare);
	assert_decodes(t, IDS(M_A), " a");
	fot_tokenizer_close(t);
}

static void test_tokenizer_ids_outside_the_vocabulary(void **state)
{
	struct fot_tokenizer *t = must_open(&small);
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_vocab(t), BCA + 1);
	assert_int_equal(fot_tokenizer_bos(t), 1);
	assert_int_equal(fot_tokenizer_eos(t), 2);
	assert_fails(fot_tokenizer_decode(t, &s, IDS(A, BCA + 1), &err), FOT_ERR_INPUT, &err,
		     "token 1: expected an id from 0 to 274, got 275");
	assert_fails(fot_tokenizer_decode(t, &s, IDS(-1), &err), FOT_ERR_INPUT, &err, "token 0");
	assert_int_equal(s.len, 0);
	fot_tokenizer_close(t);
}

static void test_tokenizer_spm_round_trip_of_random_text(void **state)
{
	struct spm_recipe keep = small;
	struct fot_tokenizer *t;
	struct fot_rng r;

	(void)state;
	keep.keep_spaces = true;
	t = must_open(&keep);
	fot_rng_init(&r, 6, "test.tokenizer", 0);
	for (int round = 0; round < 500; round++) {
		struct fot_str s = FOT_STR_INIT, back = FOT_STR_INIT;
		struct fot_ids ids = { 0 };

		for (uint64_t n = fot_rng_below(&r, 200); n > 0; n--) {
			char c[4];
			uint32_t cp = (uint32_t)fot_rng_below(&r, n % 3 ? 128 : 0x10ffff);

			if (cp == 0x2581 || (cp >= 0xd800 && cp < 0xe000))
				cp = ' ';
			fot_str_add(&s, c, fot_utf8_encode(cp, c));
		}
		assert_int_equal(fot_tokenizer_encode(t, &ids, s.data, s.len, NULL), FOT_OK);
		assert_int_equal(fot_tokenizer_decode(t, &back, ids.id, ids.n, NULL), FOT_OK);
		assert_int_equal(back.len, s.len);
		if (s.len)
			assert_memory_equal(back.data, s.data, s.len);
		fot_ids_release(&ids);
		fot_str_release(&s);
		fot_str_release(&back);
	}
	fot_tokenizer_close(t);
}

/* A run that no boundary cuts, with a heap far larger than its first size. */
static void test_tokenizer_spm_long_run(void **state)
{
	struct fot_tokenizer *t = must_open(&small);
	struct fot_ids ids = { 0 };
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	for (int i = 0; i < 100003; i++)
		fot_str_putc(&s, 'a');
	assert_int_equal(fot_tokenizer_encode(t, &ids, s.data, s.len, NULL), FOT_OK);
	assert_int_equal(ids.id[0], M_A); /* then 100002 = 25000 * 4 + 2 */
	assert_int_equal(ids.n, 1 + 25000 + 1);
	for (size_t i = 1; i <= 25000; i++)
		assert_int_equal(ids.id[i], AAAA);
	assert_int_equal(ids.id[25001], AA);
	fot_ids_release(&ids);
	fot_str_release(&s);
	fot_tokenizer_close(t);
}

/* ---- hostile files ---- */

static void file_fails(const struct fot_str *file, const char *fragment)
{
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };

	assert_fails(fot_tokenizer_open_spm_memory(&t, file->data, file->len, "bad.model", &err),
		     FOT_ERR_INPUT, &err, fragment);
	assert_non_null(strstr(err.text, "bad.model"));
	assert_null(t);
}

static const struct raw_bad {
	const char *bytes;
	size_t n;
	const char *fragment;
} raw_bad[] = {
	{ "", 0, "the file is empty" },
	{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, "offset 0: a number is longer than 64 bits" },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, "longer than 64 bits" },
	{ "\x80", 1, "offset 0: a number is cut short" },
	{ "\x0a\x05"
	  "abc",
	  5, "expected 5 more bytes, the message has 3" },
	{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	  "abc",
	  14, "expected 18446744073709551615 more bytes" },
	{ "\x0a\x04\x0a\x05"
	  "ab",
	  6, "expected 5 more bytes, the message has 2" }, /* inside a piece */
	{ "\x0a\x02\x15\x00", 4, "expected 4 more bytes" },
	{ "\x09\1\2\3", 4, "expected 8 more bytes" },
	{ "\x00\x00", 2, "field number 0" },
	{ "\x80\x80\x80\x80\x10\x00", 6, "field number 536870912 is not possible" },
	{ "\x0b", 1, "wire type 3" },
	{ "\x0c", 1, "wire type 4" },
	{ "\x0e", 1, "wire type 6" },
	{ "\x08\x01", 2, "expected wire type 2, got 0" },
	{ "\x0a\x02\x08\x01", 4, "piece: expected wire type 2, got 0" },
	{ "\x0a\x02\x12\x00", 4, "score: expected wire type 5, got 2" },
	{ "\x12\x02\x1a\x00", 4, "trainer_spec.model_type: expected wire type 0, got 2" },
	{ "\x32\x01x", 3, "no pieces: this is not a SentencePiece model" },
	{ "<html>", 6, "this is an HTML" },
	{ "version https://git-lfs.github.com/spec/v1", 42, "git-LFS pointer" },
};

static void test_tokenizer_spm_refuses_broken_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOT_COUNT(raw_bad); i++) {
		struct fot_str file = FOT_STR_INIT;
		struct fot_err err = { 0 };
		struct fot_tokenizer *t = NULL;

		fot_str_add(&file, raw_bad[i].bytes, raw_bad[i].n);
		if (strstr(raw_bad[i].fragment, "piece: ") || strstr(raw_bad[i].fragment, "score: ") ||
		    strstr(raw_bad[i].fragment, "message has 2") || i == 7)
			spm_specs(&file, &small); /* pieces are looked at once the specs are known */
		file_fails(&file, raw_bad[i].fragment);
		scratch_write("t.model", raw_bad[i].bytes, raw_bad[i].n);
		assert_int_equal(fot_tokenizer_open_spm(&t, scratch_path("t.model"), &err), FOT_ERR_INPUT);
		fot_str_release(&file);
	}
}

static void bad_recipe(const struct spm_recipe *r, const char *fragment)
{
	struct fot_str file = FOT_STR_INIT;

	spm_model_file(&file, r);
	file_fails(&file, fragment);
	fot_str_release(&file);
}

static void test_tokenizer_spm_refuses_what_it_cannot_honour(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool in_trainer;
		const char *fragment;
	} rows[] = {
		{ "\x18\x01", 2, true, "trainer_spec.model_type: expected BPE (2), got UNIGRAM (1)" },
		{ "\x18\x63", 2, true, "expected BPE (2), got ? (99)" },
		{ "\xc0\x01\x01", 3, true, "treat_whitespace_as_suffix" },
		{ "\x98\x02\x00", 3, true, "byte_fallback: expected true" },
		{ "\x0a\x08nmt_nfkc", 10, false,
		  "normalizer_spec.name: expected \"identity\", got \"nmt_nfkc\"" },
		{ "\x12\x03"
		  "abc",
		  5, false, "expected no precompiled_charsmap and no rules, got 3 and 0 bytes" },
		{ "\x32\x01r", 3, false, "got 0 and 1 bytes" },
		{ "\x28\x00", 2, false, "escape_whitespaces: expected true" },
	};

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(rows); i++) {
		struct spm_recipe r = small;

		if (rows[i].in_trainer) {
			r.tail = rows[i].bytes;
			r.n_tail = rows[i].n;
		} else {
			r.rules = rows[i].bytes;
			r.n_rules = rows[i].n;
		}
		bad_recipe(&r, rows[i].fragment);
	}
}

static void test_tokenizer_spm_refuses_incomplete_vocabularies(void **state)
{
	struct spm_recipe r = small;
	struct fot_tokenizer *t;

	(void)state;
	r.no_unk = true;
	bad_recipe(&r, "expected a piece of type UNKNOWN, there is none");
	r = small;
	r.no_bytes = true;
	bad_recipe(&r, "expected 256 byte pieces, got 0");
	r = small;
	r.no_controls = true; /* allowed: such a model has no BOS */
	t = must_open(&r);
	assert_int_equal(fot_tokenizer_bos(t), -1);
	assert_int_equal(fot_tokenizer_eos(t), -1);
	fot_tokenizer_close(t);
}

static void bad_piece(const char *text, size_t n, float score, int type, const char *fragment)
{
	struct fot_str file = FOT_STR_INIT;

	spm_model_file(&file, &small);
	spm_piece_text(&file, text, n, score, type);
	file_fails(&file, fragment);
	fot_str_release(&file);
}

static void test_tokenizer_spm_refuses_hostile_pieces(void **state)
{
	char *huge = fot_alloc(100000, 1);

	(void)state;
	memset(huge, 'x', 100000);
	bad_piece("", 0, 0, SPM_NORMAL, "piece 275: expected 1 to 1024 bytes, got 0");
	bad_piece(huge, 100000, 0, SPM_NORMAL, "piece 275: expected 1 to 1024 bytes, got 100000");
	bad_piece(huge, 1025, 0, SPM_NORMAL, "got 1025");
	bad_piece("a\0b", 3, 0, SPM_NORMAL, "piece 275: expected UTF-8 without NUL");
	bad_piece("a\xff", 2, 0, SPM_NORMAL, "expected UTF-8");
	bad_piece("\xed\xa0\x80", 3, 0, SPM_NORMAL, "expected UTF-8");
	bad_piece("abc", 3, 0, SPM_NORMAL, "pieces 262 and 275 are both \"abc\"");
	bad_piece("<s>", 3, 0, SPM_NORMAL, "pieces 1 and 275 are both \"<s>\"");
	bad_piece("<unk2>", 6, 0, SPM_UNKNOWN, "pieces 0 and 275 are both UNKNOWN");
	bad_piece("nan", 3, __builtin_nanf(""), SPM_NORMAL, "piece 275: expected a finite score");
	bad_piece("inf", 3, -__builtin_inff(), SPM_NORMAL, "finite score");
	bad_piece("a  b", 4, 0, SPM_USER_DEFINED, "piece 275: a user-defined symbol of several spaces, and remove_extra_whitespaces");
	bad_piece("unused", 6, 0, SPM_UNUSED, "type UNUSED (5)");
	bad_piece("seven", 5, 0, 7, "type ? (7)");
	bad_piece("zero", 4, 0, 0, "type ? (0)");
	bad_piece("<0xGG>", 6, 0, SPM_BYTE, "piece 275: expected a byte <0x00> to <0xFF>, got \"<0xGG>\"");
	bad_piece("<0x-1>", 6, 0, SPM_BYTE, "got \"<0x-1>\"");
	bad_piece("<0xff>", 6, 0, SPM_BYTE, "got \"<0xff>\"");
	bad_piece("<0x100>", 7, 0, SPM_BYTE, "got \"<0x100>\"");
	bad_piece("<0x0>", 5, 0, SPM_BYTE, "got \"<0x0>\"");
	fot_free(huge);
}

static void test_tokenizer_spm_every_prefix_is_refused(void **state)
{
	struct fot_str file = FOT_STR_INIT;

	(void)state;
	spm_model_file(&file, &small); /* ends with the trainer_spec, without which nothing opens */
	for (size_t n = 0; n < file.len; n++) {
		struct fot_tokenizer *t = NULL;
		char *copy = fot_alloc(n, 1);

		memcpy(copy, file.data, n);
		assert_int_equal(fot_tokenizer_open_spm_memory(&t, copy, n, "mem", NULL), FOT_ERR_INPUT);
		fot_free(copy);
	}
	fot_str_release(&file);
}

static void test_tokenizer_spm_survives_failing_allocations(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	int status = FOT_ERR_RUN;
	long k = 0;

	(void)state;
	spm_model_file(&file, &small);
	while (status != FOT_OK) {
		struct fot_tokenizer *t = NULL;
		struct fot_ids ids = { 0 };
		struct fot_str back = FOT_STR_INIT;
		struct fot_err err = { 0 };

		fot_mem_fail_at(++k);
		status = fot_tokenizer_open_spm_memory(&t, file.data, file.len, "mem", &err);
		if (status == FOT_OK)
			status = fot_tokenizer_encode(t, &ids, "abc  \xff z", 8, &err);
		if (status == FOT_OK)
			status = fot_tokenizer_decode(t, &back, ids.id, ids.n, &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK && status != FOT_ERR_RUN)
			fail_msg("allocation %ld: %s", k, err.text);
		fot_ids_release(&ids);
		fot_str_release(&back);
		fot_tokenizer_close(t);
		assert_true(k < 1000);
	}
	assert_true(k > 8);
	fot_str_release(&file);
}

/* ---- bytes, and opening by config ---- */

/* A text that goes on: no blank is put before it, and what is put together from parts cut at
 * blanks has the ids of the whole. */
static void test_tokenizer_encode_on(void **state)
{
	static const char *const parts[] = { "ab", " abc", " a", "", " bca" };
	static const char *const with_stop[] = { MARK "\x01" "a", MARK "\x01", MARK, "a", "\x01" };
	const struct spm_recipe stops = { .normal = with_stop, .n_normal = FOT_COUNT(with_stop) };
	struct fot_tokenizer *t = must_open(&small), *bytes = NULL;
	struct fot_ids whole = { 0 }, ids = { 0 };
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(parts); i++) {
		fot_str_puts(&text, parts[i]);
		assert_int_equal(fot_tokenizer_encode_on(t, &ids, parts[i], strlen(parts[i]), &err), FOT_OK);
	}
	assert_int_equal(fot_tokenizer_encode_on(t, &whole, text.data, text.len, &err), FOT_OK);
	assert_int_equal(ids.n, whole.n);
	assert_memory_equal(ids.id, whole.id, ids.n * sizeof(*ids.id));
	whole.n = ids.n = 0;
	assert_int_equal(fot_tokenizer_encode(t, &whole, "ab", 2, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_encode_on(t, &ids, "ab", 2, &err), FOT_OK);
	assert_true(ids.n == 1 && (whole.n != 1 || whole.id[0] != ids.id[0]));
	fot_tokenizer_close(t);
	assert_int_equal(fot_tokenizer_open_byte(&bytes, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_encode_on(bytes, &ids, "\x01", 1, &err), FOT_OK);
	assert_true(ids.n == 2 && ids.id[1] == 1);
	fot_tokenizer_close(bytes);
	t = must_open(&stops);
	assert_fails(fot_tokenizer_encode_on(t, &ids, "a", 1, &err), FOT_ERR_INPUT, &err, "U+0001");
	fot_tokenizer_close(t);
	fot_ids_release(&whole);
	fot_ids_release(&ids);
	fot_str_release(&text);
}

static void test_tokenizer_bytes(void **state)
{
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_str back = FOT_STR_INIT;
	struct fot_err err = { 0 };
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)(unsigned char)(i * 7 + 3);
	assert_int_equal(fot_tokenizer_open_byte(&t, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_vocab(t), 258);
	assert_int_equal(fot_tokenizer_bos(t), 256);
	assert_int_equal(fot_tokenizer_eos(t), 257);
	/* sha256 of "byte" */
	assert_string_equal(fot_tokenizer_hash(t),
			    "1c31626f568a075d2fd6934828ba678fe64655ef4e78e42c49367cbbfcaf42f5");
	assert_int_equal(fot_ids_push(&ids, 256, &err), FOT_OK); /* appends behind it */
	assert_int_equal(fot_tokenizer_encode(t, &ids, all, 256, &err), FOT_OK);
	assert_int_equal(ids.n, 257);
	for (int i = 0; i < 256; i++)
		assert_int_equal(ids.id[i + 1], (i * 7 + 3) & 255);
	assert_int_equal(fot_ids_push(&ids, 257, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_decode(t, &back, ids.id, ids.n, &err), FOT_OK);
	assert_int_equal(back.len, 256);
	assert_memory_equal(back.data, all, 256);
	assert_fails(fot_tokenizer_decode(t, &back, IDS(258), &err), FOT_ERR_INPUT, &err,
		     "from 0 to 257, got 258");
	fot_ids_release(&ids);
	fot_str_release(&back);
	fot_tokenizer_close(t);
}

static void test_tokenizer_opens_by_config(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	struct fot_tokenizer *t = NULL;
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	fot_config_default(&c);
	assert_fails(fot_tokenizer_open(&t, scratch_path(""), &c, &err), FOT_ERR_INPUT, &err,
		     "tokenizer.model");
	spm_model_file(&file, &small);
	scratch_write("tokenizer.model", file.data, file.len);
	c.eos_id = 3;
	c.n_more_eos = 2;
	c.more_eos[0] = 5;
	c.more_eos[1] = 4;
	assert_int_equal(fot_tokenizer_open(&t, scratch_path(""), &c, &err), FOT_OK);
	for (int32_t id = -1; id < 8; id++)
		assert_int_equal(fot_tokenizer_ends(t, id), (id >= 3 && id <= 5) || (id >= 0 && id == fot_tokenizer_eos(t)));
	fot_tokenizer_close(t);
	assert_int_equal(fot_tokenizer_open(&t, scratch_path(""), &c, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_vocab(t), BCA + 1);
	assert_int_equal(strlen(fot_tokenizer_hash(t)), 64);
	fot_tokenizer_close(t);
	c.tokenizer = FOT_TOKENIZER_BYTE;
	assert_int_equal(fot_tokenizer_open(&t, scratch_path(""), &c, &err), FOT_OK);
	assert_int_equal(fot_tokenizer_vocab(t), 258);
	fot_tokenizer_close(t);
	c.tokenizer = FOT_TOKENIZER_NONE;
	assert_fails(fot_tokenizer_open(&t, scratch_path(""), &c, &err), FOT_ERR_INPUT, &err, "no tokenizer");
	fot_str_release(&file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tokenizer_spm_equals_slow_reference),
		TEST(test_tokenizer_spm_spaces),
		TEST(test_tokenizer_spm_bad_utf8_becomes_replacements),
		TEST(test_tokenizer_spm_says_where_tokens_end),
		TEST(test_tokenizer_spm_ends_are_those_of_the_text_given_back),
		TEST(test_tokenizer_spm_decode),
		TEST(test_tokenizer_ids_outside_the_vocabulary),
		TEST(test_tokenizer_spm_round_trip_of_random_text),
		TEST(test_tokenizer_spm_long_run),
		TEST(test_tokenizer_spm_refuses_broken_wire),
		TEST(test_tokenizer_spm_refuses_what_it_cannot_honour),
		TEST(test_tokenizer_spm_refuses_incomplete_vocabularies),
		TEST(test_tokenizer_spm_refuses_hostile_pieces),
		TEST(test_tokenizer_spm_every_prefix_is_refused),
		TEST(test_tokenizer_spm_survives_failing_allocations),
		TEST(test_tokenizer_encode_on),
		TEST(test_tokenizer_bytes),
		TEST(test_tokenizer_opens_by_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
