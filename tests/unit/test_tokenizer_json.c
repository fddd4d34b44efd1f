/* model/tokenizer_json.c against the reference library: 3,000 recorded lines over six small tokenizers
 * (tests/tokenizers/make.mjs), and what is refused; tokenizer_spm.c's symbols against SentencePiece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/tokenizer.h"

static const char *const kinds[] = { "llama3", "qwen", "smollm", "tekken", "llama2", "metaspace" };
#define N_KINDS (sizeof kinds / sizeof *kinds)

static void read_text(struct fot_str *out, const char *kind, const char *suffix)
{
	char path[128];
	struct fot_err err = { 0 };

	snprintf(path, sizeof path, "tests/tokenizers/%s%s", kind, suffix);
	if (fot_file_read(out, path, (size_t)1 << 24, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static struct fot_tokenizer *open_kind(const char *kind)
{
	char path[128];
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };

	snprintf(path, sizeof path, "tests/tokenizers/%s.json", kind);
	if (fot_tokenizer_open_json(&t, path, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return t;
}

static void check_line(const struct fot_tokenizer *t, const char *kind, const cJSON *line)
{
	const char *text = fot_json_get(line, "text")->valuestring,
		   *decoded = fot_json_get(line, "decoded")->valuestring;
	const cJSON *want = fot_json_get(line, "ids"), *each;
	struct fot_ids ids = { 0 };
	struct fot_str back = FOT_STR_INIT;
	size_t i = 0;

	assert_int_equal(fot_tokenizer_encode(t, &ids, text, strlen(text), NULL), FOT_OK);
	if (ids.n != (size_t)cJSON_GetArraySize(want))
		fail_msg("%s: \"%s\": expected %d tokens, got %zu", kind, text, cJSON_GetArraySize(want),
			 ids.n);
	cJSON_ArrayForEach (each, want) {
		if (ids.id[i] != each->valueint)
			fail_msg("%s: \"%s\": token %zu: expected %d, got %d", kind, text, i, each->valueint,
				 ids.id[i]);
		i++;
	}
	assert_int_equal(fot_tokenizer_decode(t, &back, ids.id, ids.n, NULL), FOT_OK);
	assert_string_equal(back.data ? back.data : "", decoded);
	fot_ids_release(&ids);
	fot_str_release(&back);
}

/* Every line of a kind's file; their number. */
static size_t check_lines(struct fot_tokenizer *t, const char *kind)
{
	struct fot_str lines = FOT_STR_INIT;
	size_t n_lines = 0;

	read_text(&lines, kind, ".jsonl");
	for (char *p = lines.data, *end; (end = strchr(p, '\n')); p = end + 1) {
		cJSON *line = NULL;

		assert_int_equal(fot_json_parse(&line, p, (size_t)(end - p), "line", FOT_ERR_INPUT, NULL),
				 FOT_OK);
		check_line(t, kind, line);
		cJSON_Delete(line);
		n_lines++;
	}
	fot_tokenizer_close(t);
	fot_str_release(&lines);
	return n_lines;
}

static void test_tokenizer_json_is_the_library(void **state)
{
	size_t n_lines = 0;

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++)
		n_lines += check_lines(open_kind(kinds[k]), kinds[k]);
	assert_int_equal(n_lines, 3000);
}

/* Models with user-defined symbols (tests/tokenizers/make_spm.py). */
static void test_tokenizer_spm_symbols_are_the_library(void **state)
{
	static const char *const models[] = { "symbols", "symbols-squeezed" };
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		snprintf(path, sizeof path, "tests/tokenizers/%s.model", models[i]);
		if (fot_tokenizer_open_spm(&t, path, &err) != FOT_OK)
			fail_msg("%s", err.text);
		assert_int_equal(check_lines(t, models[i]), 400);
	}
}

static void test_tokenizer_spm_symbols_have_their_ends(void **state)
{
	static const char text[] = "<sep>abcd      \xE6\x97\xA5\xE6\x9C\xAC\n";
	static const size_t ends[] = {
		0, 5, 8, 9, 15, 21, 22
	}; /* the prefix, <sep>, abc, d, six blanks, ... */
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_spm(&t, "tests/tokenizers/symbols.model", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, text, sizeof text - 1, NULL), FOT_OK);
	assert_int_equal(ids.n, sizeof ends / sizeof *ends);
	assert_memory_equal(ids.end, ends, sizeof ends);
	assert_int_equal(fot_tokenizer_encode_ends(t, &ids, 2, text, sizeof text - 1, NULL), FOT_OK);
	assert_true(ids.n >= 2);
	assert_memory_equal(ids.end, ends, 2 * sizeof *ends);
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
}

static void test_tokenizer_json_bos_and_vocabulary(void **state)
{
	static const struct {
		const char *kind;
		const char *bos; /* NULL: none */
	} want[] = { { "llama3", "<|begin_of_text|>" },
		     { "qwen", NULL },
		     { "smollm", NULL },
		     { "tekken", "<s>" },
		     { "llama2", "<s>" },
		     { "metaspace", NULL } };

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_tokenizer *t = open_kind(want[k].kind);
		struct fot_ids ids = { 0 };
		struct fot_str text = FOT_STR_INIT;

		assert_int_equal(fot_tokenizer_eos(t), -1);
		assert_int_equal(fot_tokenizer_bos(t) >= 0, want[k].bos != NULL);
		if (want[k].bos) {
			assert_int_equal(
				fot_tokenizer_encode(t, &ids, want[k].bos, strlen(want[k].bos), NULL),
				FOT_OK);
			assert_int_equal(ids.n, 1);
			assert_int_equal(ids.id[0], fot_tokenizer_bos(t));
		}
		assert_int_equal(
			fot_tokenizer_decode(t, &text, &(int32_t){ fot_tokenizer_vocab(t) }, 1, NULL),
			FOT_ERR_INPUT);
		fot_tokenizer_close(t);
		fot_ids_release(&ids);
		fot_str_release(&text);
	}
}

/* Adjacent spans of tokens add up to the text, whatever is normalised, stripped or cut. */
static void test_tokenizer_json_ends(void **state)
{
	static const char text[] = " e\xCC\x81 a\xCC\x8A\xCC\x81"
				   "b <left> x <right> \xF0\x9F\x91\x8D\xFF word <mask> 12  ";

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_tokenizer *t = open_kind(kinds[k]);
		struct fot_ids ids = { 0 }, some = { 0 };

		assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, text, sizeof text - 1, NULL),
				 FOT_OK);
		assert_int_equal(ids.end[ids.n - 1], sizeof text - 1);
		assert_int_equal(fot_tokenizer_encode_ends(t, &some, 3, text, sizeof text - 1, NULL), FOT_OK);
		assert_true(some.n >= 3 && some.n <= ids.n);
		assert_memory_equal(some.id, ids.id, 3 * sizeof *ids.id);
		assert_memory_equal(some.end, ids.end, 2 * sizeof *ids.end);
		fot_ids_release(&ids);
		fot_ids_release(&some);
		fot_tokenizer_close(t);
	}
}

/* A composed character belongs to the token that makes it whole; a token of added spaces to itself. */
static void test_tokenizer_json_ends_exactly(void **state)
{
	static const char text[] = "e\xCC\x81x <left>y";
	struct fot_tokenizer *t = open_kind("qwen");
	struct fot_ids ids = { 0 };
	size_t i = 0;

	(void)state;
	assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, text, sizeof text - 1, NULL), FOT_OK);
	while (ids.end[i] < 3)
		assert_int_equal(ids.end[i++], 0); /* the first byte of the composed character alone */
	assert_int_equal(ids.end[ids.n - 3], 4);   /* x */
	assert_int_equal(ids.end[ids.n - 2], 11);  /* " <left>" takes the space in front */
	assert_int_equal(ids.end[ids.n - 1], 12);
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
}

/* Every byte that is no UTF-8 is one U+FFFD, as for a tokenizer.model. */
static void test_tokenizer_json_invalid_text(void **state)
{
	static const char bad[] = "a\xff\xc3(\xe2\x82z",
			  mended[] = "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBDz";

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_tokenizer *t = open_kind(kinds[k]);
		struct fot_ids a = { 0 }, b = { 0 };

		assert_int_equal(fot_tokenizer_encode(t, &a, bad, sizeof bad - 1, NULL), FOT_OK);
		assert_int_equal(fot_tokenizer_encode(t, &b, mended, sizeof mended - 1, NULL), FOT_OK);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.id, b.id, a.n * sizeof *a.id);
		fot_tokenizer_close(t);
		fot_ids_release(&a);
		fot_ids_release(&b);
	}
}

/* A word of 200,000 characters without a cut: memory and time stay small (n log n). */
static void test_tokenizer_json_long_words(void **state)
{
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	for (int i = 0; i < 50000; i++)
		fot_str_puts(&text, i % 3 ? "memo" : "the ");
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_tokenizer *t = open_kind(kinds[k]);
		struct fot_ids ids = { 0 };
		struct fot_str back = FOT_STR_INIT;
		size_t prefix = strcmp(kinds[k], "smollm") == 0; /* add_prefix_space stays in the text */

		assert_int_equal(fot_tokenizer_encode(t, &ids, text.data, text.len, NULL), FOT_OK);
		assert_int_equal(fot_tokenizer_decode(t, &back, ids.id, ids.n, NULL), FOT_OK);
		assert_string_equal(back.data + prefix, text.data);
		fot_tokenizer_close(t);
		fot_ids_release(&ids);
		fot_str_release(&back);
	}
	fot_str_release(&text);
}

/* Hostile and foreign files: refused by name, nothing leaks. */
#define MODEL "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}"
#define TEMPLATE(name, token)                                                                                \
	"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"" name \
	"\"}}],\"special_tokens\":{\"" name "\":" token "}},"
#define SPLIT(regex) "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"}},"
static const struct {
	const char *json, *message;
} refused[] = {
	{ "[]", "expected an object" },
	{ "{}", "model" },
	{ "{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", "\"Unigram\" is not read" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
	  "merges[0]: \"ab\" is not in the vocabulary" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}",
	  "id 0 is that of two tokens" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":4000000000},\"merges\":[]}}", "4000000000" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "-1" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}",
	  "merges[0]: expected \"a b\"" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[7]}}",
	  "merges[0]: expected \"a b\"" },
	{ "{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}", "dropout" },
	{ "{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "end_of_word_suffix" },
	{ "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "unk_token" },
	{ "{\"normalizer\":{\"type\":\"Lowercase\"}," MODEL "}", "normalizer: \"Lowercase\" is not read" },
	{ "{\"normalizer\":{\"type\":7}," MODEL "}", "normalizer" },
	{ "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"x\"}," MODEL "}",
	  "pattern of 1 to" },
	{ "{\"pre_tokenizer\":{\"type\":\"Whitespace\"}," MODEL "}",
	  "pre_tokenizer: \"Whitespace\" is not read" },
	{ "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"}}," MODEL "}",
	  "regular expression" },
	{ "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+\"}}," MODEL "}",
	  "\"\\w\" at byte 0 is not read" },
	{ "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a[b]]\"}}," MODEL "}",
	  "a class inside a class" },
	{ "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a{1,2}+\"}}," MODEL "}",
	  "a repeated {n,m}" },
	{ "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Gone\"}," MODEL
	  "}",
	  "\"Gone\" is not read" },
	{ "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"Digits\"}]}," MODEL
	  "}",
	  "expected ByteLevel as the last step" },
	{ SPLIT("(?m)a.") MODEL "}", "\"(?m)\" at byte 0 is not read" },
	{ SPLIT("a(*ACCEPT)") MODEL "}", "\"(*AC\" at byte 1 is not read" },
	{ SPLIT("(?R)a") MODEL "}", "\"(?R)\" at byte 0 is not read" },
	{ SPLIT("a*") MODEL "}", "\"a*\" is not read: it can match no characters" },
	{ SPLIT("x|") MODEL "}", "\"x|\" is not read: it can match no characters" },
	{ "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"^a?\"},\"content\":\"x\"}," MODEL
	  "}",
	  "normalizer: the regular expression \"^a?\" is not read" },
	{ SPLIT("(?i-m:a)") MODEL "}", "\"(?i-\" at byte 0 is not read" },
	{ "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"__\"}," MODEL "}",
	  "expected a character, got \"__\"" },
	{ "{\"decoder\":{\"type\":\"Strip\",\"content\":\"ab\",\"start\":1,\"stop\":0}," MODEL "}",
	  "expected a character, got \"ab\"" },
	{ "{\"decoder\":{\"type\":\"WordPiece\"}," MODEL "}", "decoder: \"WordPiece\" is not read" },
	{ "{\"post_processor\":{\"type\":\"BertProcessing\"}," MODEL "}",
	  "post_processor: \"BertProcessing\" is not read" },
	{ "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}]}," MODEL
	  "}",
	  "\"<s>\" is not in the vocabulary" },
	{ TEMPLATE("a", "{\"ids\":[1,2]}") MODEL "}", "\"a\": expected one token, got 2" },
	{ TEMPLATE("a", "{\"ids\":[7]}") MODEL "}", "\"a\" is not in the vocabulary" },
	{ "{\"added_tokens\":[{\"content\":\"x\"}]," MODEL "}", "id" },
	{ "{\"added_tokens\":[{\"id\":4194304,\"content\":\"x\"}]," MODEL "}", "4194304" },
};

static void test_tokenizer_json_refuses_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct fot_tokenizer *t = NULL;
		struct fot_err err = { 0 };
		int status = fot_tokenizer_open_json_memory(&t, refused[i].json, strlen(refused[i].json),
							    "t.json", &err);

		if (status != FOT_ERR_INPUT || !strstr(err.text, refused[i].message) ||
		    strncmp(err.text, "t.json", 6) != 0)
			fail_msg("%s: expected \"%s\", got %d \"%s\"", refused[i].json, refused[i].message,
				 status, err.text);
	}
}

/* A template names its tokens itself: a name may be none of the vocabulary, or another token's. */
static void test_tokenizer_json_template_says_which_token(void **state)
{
	static const char *const json[] = { TEMPLATE("start", "{\"ids\":[2]}") MODEL "}",
					    TEMPLATE("a", "{\"ids\":[2]}") MODEL "}" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fot_tokenizer *t = NULL;

		assert_int_equal(fot_tokenizer_open_json_memory(&t, json[i], strlen(json[i]), "t.json", NULL),
				 FOT_OK);
		assert_int_equal(fot_tokenizer_bos(t), 2);
		fot_tokenizer_close(t);
	}
}

/* Added tokens within the spaces that another one takes are found all the same, and what is behind them is read once
 * more, as in the library; no token ends before the one in front. */
static void test_tokenizer_json_tokens_in_taken_spaces(void **state)
{
	static const char json[] =
		"{\"added_tokens\":[{\"id\":4,\"content\":\"<r>\",\"rstrip\":true},{\"id\":5,\"content\":\"\\n\"},"
		"{\"id\":6,\"content\":\"<l>\",\"lstrip\":true}],"
		"\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\" \":3},\"merges\":[\"a b\"]}}";
	static const struct {
		const char *text;
		size_t n;
		int32_t id[6];
		size_t end[6];
	} rows[] = {
		{ "a<r>\n b", 5, { 0, 4, 5, 3, 1 }, { 1, 6, 6, 6, 7 } },
		{ "a<r>\n\n<l>b", 6, { 0, 4, 5, 5, 6, 1 }, { 1, 6, 6, 6, 9, 10 } },
		{ "<r> \n\nab", 4, { 4, 5, 5, 2 }, { 6, 6, 6, 8 } },
		{ "a <l>\n <l>", 4, { 0, 6, 5, 6 }, { 1, 5, 6, 10 } },
		{ "<r>  <l>ab", 3, { 4, 6, 2 }, { 5, 8, 10 } },
	};
	struct fot_tokenizer *t = NULL;

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fot_ids ids = { 0 };

		assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, rows[i].text,
							   strlen(rows[i].text), NULL),
				 FOT_OK);
		assert_int_equal(ids.n, rows[i].n);
		assert_memory_equal(ids.id, rows[i].id, ids.n * sizeof *ids.id);
		assert_memory_equal(ids.end, rows[i].end, ids.n * sizeof *ids.end);
		fot_ids_release(&ids);
	}
	fot_tokenizer_close(t);
}

/* An added token that takes the spaces on its left, within those that the one before took: dropped where it
 * ends with them, as in the library, which panics where it ends before. */
static void test_tokenizer_json_token_without_a_place(void **state)
{
	static const char json[] =
		"{\"added_tokens\":[{\"id\":4,\"content\":\"<r>\",\"rstrip\":true},"
		"{\"id\":5,\"content\":\"\\n\",\"lstrip\":true},{\"id\":6,\"content\":\"\\n<x>\",\"lstrip\":true}],"
		"\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\" \":3},\"merges\":[\"a b\"]}}";
	static const struct {
		const char *text;
		size_t n;
		int32_t id[4];
		size_t end[4];
	} rows[] = {
		{ "a \nb", 3, { 0, 5, 1 }, { 1, 3, 4 } },
		{ "a<r> \nb", 3, { 0, 4, 1 }, { 1, 6, 7 } },
		{ "<r>\n<x>b", 3, { 4, 6, 1 }, { 4, 7, 8 } },
	};
	static const char stops[] = "a<r> \n\tb";
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ids.n = 0;
		assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, rows[i].text,
							   strlen(rows[i].text), NULL),
				 FOT_OK);
		assert_int_equal(ids.n, rows[i].n);
		assert_memory_equal(ids.id, rows[i].id, ids.n * sizeof *ids.id);
		assert_memory_equal(ids.end, rows[i].end, ids.n * sizeof *ids.end);
	}
	assert_int_equal(fot_tokenizer_encode(t, &ids, stops, sizeof stops - 1, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "tokenizer: the added token 5 (lstrip) at byte 5 lies within spaces that the "
				      "one before took");
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
}

/* Each line end takes all that follow, which are tokens all the same: the spaces are read once, not for each. */
static void test_tokenizer_json_takes_many_spaces_once(void **state)
{
	static const char json[] =
		"{\"added_tokens\":[{\"id\":3,\"content\":\"\\n\",\"rstrip\":true}]," MODEL "}";
	enum { N = 1 << 20 };
	char *text = fot_alloc(N, 1);
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, '\n', N);
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, text, N, NULL), FOT_OK);
	assert_int_equal(ids.n, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(ids.id[i], 3);
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
	fot_free(text);
}

/* What tells the text's front is the last character that a replacement takes there, as in the library. */
static void test_tokenizer_json_front_after_replacements(void **state)
{
#define REPLACE(from, to) "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" from "\"},\"content\":\"" to "\"}"
#define FRONT(steps)                                                                                           \
	"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" steps "]},\"pre_tokenizer\":{\"type\":"     \
	"\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\",\"split\":false},\"model\":{"        \
	"\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"_\":3},\"merges\":[]}}"
	static const struct {
		const char *json, *text;
		size_t n;
		int32_t id[4];
	} rows[] = {
		{ FRONT(REPLACE("ab", "c")), "ac", 3, { 3, 0, 2 } },
		{ FRONT(REPLACE("ab", "c")), "abc", 2, { 2, 2 } },
		{ FRONT(REPLACE("ab", "c")), "cab", 3, { 3, 2, 2 } },
		{ FRONT(REPLACE("\xC3\xA9", "c")), "\xC3\xA9", 2, { 3, 2 } },
		{ FRONT(REPLACE("a\xC3\xA9", "c")), "a\xC3\xA9", 1, { 2 } },
		{ FRONT(REPLACE("a", "")), "aac", 1, { 2 } },
		{ FRONT(REPLACE("a", "")), "ca", 2, { 3, 2 } },
		{ FRONT(REPLACE("a", "bcb") "," REPLACE("bcb", "c")), "a", 2, { 3, 2 } },
		{ FRONT(REPLACE("ab", "cb") "," REPLACE("c", "a")), "ab", 2, { 0, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fot_tokenizer *t = NULL;
		struct fot_ids ids = { 0 };

		assert_int_equal(fot_tokenizer_open_json_memory(&t, rows[i].json, strlen(rows[i].json),
								"t.json", NULL),
				 FOT_OK);
		assert_int_equal(fot_tokenizer_encode(t, &ids, rows[i].text, strlen(rows[i].text), NULL),
				 FOT_OK);
		assert_int_equal(ids.n, rows[i].n);
		assert_memory_equal(ids.id, rows[i].id, ids.n * sizeof *ids.id);
		fot_ids_release(&ids);
		fot_tokenizer_close(t);
	}
}

static void test_tokenizer_json_prepends_to_no_empty_text(void **state)
{
	static const char json[] =
		"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"b\"},"
		"\"content\":\"\"},{\"type\":\"Prepend\",\"prepend\":\"a\"}]}," MODEL "}";
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, "b", 1, NULL), FOT_OK);
	assert_int_equal(ids.n, 0);
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
}

/* A pattern that backtracks without end stops with a message. */
static void test_tokenizer_json_pattern_is_bounded(void **state)
{
	static const char json[] =
		"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a|a)*[bc]\"}}," MODEL "}";
	char text[64];
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	memset(text, 'a', sizeof text);
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, text, sizeof text, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "takes too long"));
	fot_tokenizer_close(t);
	fot_ids_release(&ids);
}

/* \v is the character U+000B, as where these files come from, not every line end. */
static void test_tokenizer_json_vertical_tab(void **state)
{
	static const char json[] = SPLIT(
		"\\\\v|[\\\\v]") "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"\\n\":1,"
				 "\"a\\n\":2,\"\\u000b\":3,\"a\\u000b\":4},\"merges\":[\"a \\n\",\"a \\u000b\"]}}";
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, "a\na\v", 4, NULL), FOT_OK);
	assert_int_equal(ids.n, 3);
	assert_int_equal(ids.id[0], 2);
	assert_int_equal(ids.id[1], 0);
	assert_int_equal(ids.id[2], 3);
	fot_tokenizer_close(t);
	fot_ids_release(&ids);
}

/* Korean syllables are taken apart by a rule, not by a table. */
static void test_tokenizer_json_takes_syllables_apart(void **state)
{
	static const char json[] =
		"{\"normalizer\":{\"type\":\"NFD\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"\\u1100\":0,"
		"\"\\u1161\":1,\"\\u11a8\":2},\"merges\":[]}}";
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, json, sizeof json - 1, "t.json", NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, "\xEA\xB0\x81", 3, NULL), FOT_OK);
	assert_int_equal(ids.n, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ids.id[i], i);
	fot_tokenizer_close(t);
	fot_ids_release(&ids);
}

/* A character with very many marks is refused before they are put in order, which takes the square of their number. */
static void test_tokenizer_json_marks_are_bounded(void **state)
{
	struct fot_tokenizer *t = open_kind("qwen");
	struct fot_ids ids = { 0 };
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	fot_str_puts(&text, "ab e");
	for (int i = 0; i < 4096; i++)
		fot_str_puts(&text, i % 2 ? "\xCC\x96" : "\xCC\x81");
	assert_int_equal(fot_tokenizer_encode(t, &ids, text.data, text.len, &err), FOT_OK);
	fot_str_puts(&text, "\xCC\x81");
	assert_int_equal(fot_tokenizer_encode(t, &ids, text.data, text.len, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text,
			    "tokenizer: expected at most 4096 marks on one character, got 4097 at byte 3");
	fot_ids_release(&ids);
	fot_str_release(&text);
	fot_tokenizer_close(t);
}

/* Steps that each make 64 bytes of one end with a message, not with the machine's memory. */
static void test_tokenizer_json_growth_is_bounded(void **state)
{
#define A16 "aaaaaaaaaaaaaaaa"
#define GROW "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"" A16 A16 A16 A16 "\"}"
#define GROWS GROW "," GROW "," GROW "," GROW "," GROW "," GROW
	static const char normal[] =
		"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" GROWS "]}," MODEL "}";
	static const char decoded[] =
		"{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" GROWS "]}," MODEL "}";
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, normal, sizeof normal - 1, "t.json", NULL),
			 FOT_OK);
	assert_int_equal(fot_tokenizer_encode(t, &ids, "ab", 2, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "tokenizer: it makes more than 4224 bytes of a text of 2");
	fot_tokenizer_close(t);
	t = NULL;
	assert_int_equal(fot_tokenizer_open_json_memory(&t, decoded, sizeof decoded - 1, "t.json", NULL),
			 FOT_OK);
	assert_int_equal(fot_tokenizer_decode(t, &text, (int32_t[]){ 0, 1 }, 2, &err), FOT_ERR_INPUT);
	assert_string_equal(err.text, "tokenizer: it makes more than 4224 bytes of a text of 2");
	fot_tokenizer_close(t);
	fot_ids_release(&ids);
	fot_str_release(&text);
}

/* The k-th allocation fails, for every k: an error, no leak, no crash. */
static void test_tokenizer_json_out_of_memory(void **state)
{
	struct fot_str file = FOT_STR_INIT;
	static const char text[] = "don't <left> e\xCC\x81 word 123";

	(void)state;
	read_text(&file, "qwen", ".json");
	for (long k = 1, done = 0; !done; k += k < 300 ? 1 : 97) {
		struct fot_tokenizer *t = NULL;
		struct fot_ids ids = { 0 };
		struct fot_str back = FOT_STR_INIT;
		int status;

		fot_mem_fail_at(k);
		status = fot_tokenizer_open_json_memory(&t, file.data, file.len, "t.json", NULL);
		if (status == FOT_OK)
			status = fot_tokenizer_encode(t, &ids, text, sizeof text - 1, NULL);
		if (status == FOT_OK)
			status = fot_tokenizer_decode(t, &back, ids.id, ids.n, NULL);
		fot_mem_fail_at(0);
		done = status == FOT_OK;
		fot_tokenizer_close(t);
		fot_ids_release(&ids);
		fot_str_release(&back);
	}
	fot_str_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokenizer_json_is_the_library),
		cmocka_unit_test(test_tokenizer_spm_symbols_are_the_library),
		cmocka_unit_test(test_tokenizer_spm_symbols_have_their_ends),
		cmocka_unit_test(test_tokenizer_json_bos_and_vocabulary),
		cmocka_unit_test(test_tokenizer_json_ends),
		cmocka_unit_test(test_tokenizer_json_ends_exactly),
		cmocka_unit_test(test_tokenizer_json_invalid_text),
		cmocka_unit_test(test_tokenizer_json_long_words),
		cmocka_unit_test(test_tokenizer_json_refuses_by_name),
		cmocka_unit_test(test_tokenizer_json_template_says_which_token),
		cmocka_unit_test(test_tokenizer_json_tokens_in_taken_spaces),
		cmocka_unit_test(test_tokenizer_json_token_without_a_place),
		cmocka_unit_test(test_tokenizer_json_takes_many_spaces_once),
		cmocka_unit_test(test_tokenizer_json_front_after_replacements),
		cmocka_unit_test(test_tokenizer_json_prepends_to_no_empty_text),
		cmocka_unit_test(test_tokenizer_json_pattern_is_bounded),
		cmocka_unit_test(test_tokenizer_json_vertical_tab),
		cmocka_unit_test(test_tokenizer_json_takes_syllables_apart),
		cmocka_unit_test(test_tokenizer_json_marks_are_bounded),
		cmocka_unit_test(test_tokenizer_json_growth_is_bounded),
		cmocka_unit_test(test_tokenizer_json_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
