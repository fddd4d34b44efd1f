/* test_generator.c: made-up batches: what stands where, which tokens are answers, and the
 * same for the same (seed, step). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "datasets/lookup.h"
#include "datasets/passkey_text.h"
#include "model/train/generator.h"
#include "tests/unit/scratch.h"

#define R FOT_LOOKUP_RECORD
#define W 256

static const double weight[] = { 1 };
static struct fot_corpus *corpus;
static struct fot_generator lookup = { .kind = FOT_GENERATOR_LOOKUP, .answer_weight = 1, .mixed = 0.5 };
static struct fot_generator passkey = { .kind = FOT_GENERATOR_PASSKEY, .answer_weight = 2, .filler = 0.4, .decoys = 0.5,
					.cut = 0.5, .digits = 0.7 };

static struct fot_source source_of(const struct fot_generator *g)
{
	return (struct fot_source){ g->kind == FOT_GENERATOR_PASSKEY ? corpus : NULL, weight, 1, g, NULL, -1, -1 };
}

/* Words without digits, and a few numbers. */
static void open_corpus(void)
{
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	const char *spec;

	assert_int_equal(fot_mkdir_all(scratch_path("train"), &err), FOT_OK);
	for (int k = 0; k < 3; k++) {
		char name[64], text[20000];
		struct fot_rng r;

		fot_rng_init(&r, 1, "test.corpus", (uint64_t)k);
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = fot_rng_below(&r, 2000) == 0 ? '7' : "abcdefghij klmnop."[fot_rng_below(&r, 18)];
		snprintf(name, sizeof name, "train/%d.txt", k);
		scratch_write(name, text, sizeof text);
	}
	spec = scratch_path("");
	assert_int_equal(fot_tokenizer_open_byte(&t, &err), FOT_OK);
	if (fot_corpus_open(&corpus, &spec, 1, FOT_TRAIN, NULL, t, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_tokenizer_close(t);
}

static void draw(struct fot_batch *b, const struct fot_generator *g, const struct fot_stage *st, uint64_t step)
{
	struct fot_source src = source_of(g);
	struct fot_err err = { 0 };

	if (fot_batch_draw(b, &src, st, 3, "test", step, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

/* ---- look-up ----------------------------------------------------------- */

/* Is this question's record among the windows in sight and what stands before it? */
static const int32_t *find_record(const struct fot_batch *b, int64_t ask, int64_t slot, int64_t n_vis)
{
	const int32_t *q = b->tokens + ask * b->window + slot * R;

	for (int64_t v = -1; v < n_vis; v++) {
		int64_t win = v < 0 ? ask : b->vis[b->vis_begin[ask] + v];
		const int32_t *t = b->tokens + win * b->window;

		for (int64_t i = 0; i < (v < 0 ? slot : b->window / R); i++)
			if (t[i * R] == FOT_LOOKUP_K && memcmp(t + i * R + 1, q + 1, 4 * sizeof *q) == 0)
				return t + i * R;
	}
	return NULL;
}

static int64_t check_lookup_window(const struct fot_batch *b, int64_t ask, int64_t own)
{
	int64_t questions = 0;

	for (int64_t slot = 0; slot < b->window / R; slot++) {
		int64_t at = ask * b->window + slot * R;
		bool q = b->tokens[at] == FOT_LOOKUP_Q;
		const int32_t *record = q ? find_record(b, ask, slot, own) : NULL;

		assert_true(q || b->tokens[at] == FOT_LOOKUP_K);
		questions += q;
		if (q) {
			assert_non_null(record);
			assert_memory_equal(record + 1, b->tokens + at + 1, 9 * sizeof *record);
		}
		for (int64_t j = 0; j < R; j++) {
			bool value = q && j >= FOT_LOOKUP_VALUE_AT - 1 && j < R - 1;

			assert_int_equal(b->targets[at + j], value ? b->tokens[at + j + 1] : -1);
			assert_int_equal(b->answer[at + j], value);
		}
	}
	return questions;
}

static void test_generator_lookup_crossbatch(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = 80, .batch = 6, .w = 2, .d = 3,
				.negatives = 4, .pack = 1 };
	int64_t full = 0, mixed = 0;
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < 20; step++) {
		draw(&b, &lookup, &st, step);
		for (int64_t i = 0; i < st.batch; i++) {
			int64_t n = check_lookup_window(&b, i, st.w);

			full += n == 8;
			mixed += n > 0 && n < 8;
			for (int64_t v = st.w; v < st.w + 2 + 4; v++) /* no other dictionary has the answer */
				for (int64_t s = 0; s < 8; s++)
					assert_int_not_equal(
						memcmp(b.tokens + b.vis[b.vis_begin[i] + v] * 80 + s * R + 1,
						       b.tokens + i * 80 + 7 * R + 1, 4 * sizeof *b.tokens),
						0);
		}
		for (int64_t w = st.batch; w < b.n_win; w++)
			for (int64_t s = 0; s < 8; s++)
				assert_int_equal(b.tokens[w * 80 + s * R], FOT_LOOKUP_K);
	}
	assert_int_equal(full + mixed, 120);
	assert_in_range(mixed, 40, 80);
	fot_batch_release(&b);
}

/* Symbols in which two keys differ. */
static int differ(const int32_t *a, const int32_t *b)
{
	int n = 0;

	for (int j = 1; j <= 4; j++)
		n += a[j] != b[j];
	return n;
}

static void test_generator_lookup_near_keys(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = 80, .batch = 3, .w = 2, .d = 1,
				.negatives = 10, .pack = 1, .near = 0.5 };
	int count_of[5] = { 0 };
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < 10; step++) {
		draw(&b, &lookup, &st, step);
		for (int64_t i = b.n_win - 10; i < b.n_win; i++)
			for (int64_t s = 0; s < 8; s++) {
				const int32_t *t = b.tokens + i * 80 + s * R;
				int least = 4;

				assert_true(t[0] == FOT_LOOKUP_K && t[5] == FOT_LOOKUP_V);
				for (int64_t own = 3 * 8; own < 9 * 8; own++) {
					int n = differ(t, b.tokens + own * R);

					least = n < least ? n : least;
				}
				for (int j = 1; j <= 4; j++)
					assert_in_range(t[j], 0, FOT_LOOKUP_SYMBOLS - 1);
				count_of[least]++;
			}
	}
	assert_int_equal(count_of[0], 0); /* nobody else has the key */
	assert_in_range(count_of[1], 150, 260); /* of 800: a quarter */
	assert_in_range(count_of[2], 150, 280);
	assert_true(count_of[3] + count_of[4] > 300);
	fot_batch_release(&b);
}

static void test_generator_lookup_standard(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_STANDARD, .window = 100, .batch = 5, .w = 1, .d = 1, .pack = 1 };
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	draw(&b, &lookup, &st, 4);
	assert_int_equal(b.n_win, 5);
	for (int64_t i = 0; i < 5; i++)
		assert_int_equal(check_lookup_window(&b, i, 0), 5);
	fot_batch_release(&b);
}

/* ---- pass key ---------------------------------------------------------- */

/* Window as text; BOS as '^'. */
static void text_of(char *out, const struct fot_batch *b, int64_t win)
{
	for (int64_t i = 0; i < b->window; i++)
		out[i] = b->tokens[win * b->window + i] == 256 ? '^' : (char)b->tokens[win * b->window + i];
	out[b->window] = '\0';
}

static int count(const char *text, const char *word)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, word)); p++)
		n++;
	return n;
}

/* The number behind the question in the asking window, and checks around it. */
static int check_asking(const struct fot_batch *b, int64_t ask, int64_t *question_at)
{
	char text[W + 1], digits[16] = "", *q;
	size_t n = 0;
	int key;

	text_of(text, b, ask);
	q = strstr(text, fot_passkey_question);
	assert_non_null(q);
	assert_int_equal(count(text, fot_passkey_question), 1);
	*question_at = q - text;
	assert_int_equal(sscanf(q + strlen(fot_passkey_question), " %d. ", &key), 1);
	assert_in_range(key, FOT_PASSKEY_MIN, FOT_PASSKEY_MAX);
	for (int64_t j = 0; j < W; j++) {
		int64_t t = ask * W + j;

		assert_int_equal(b->targets[t], j + 1 < W ? b->tokens[t + 1] : -1);
		if (b->answer[t])
			digits[n++] = (char)b->targets[t];
	}
	snprintf(text, sizeof text, "%d.", key);
	assert_string_equal(digits, text);
	return key;
}

static void test_generator_passkey_crossbatch(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 8, .w = 2, .d = 1,
				.negatives = 16, .pack = 1 };
	int cut = 0, at_start = 0, filler = 0, decoys = 0, digits = 0;
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < 25; step++) {
		draw(&b, &passkey, &st, step);
		assert_true(b.answer_weight == 2);
		for (int64_t i = 0; i < st.batch; i++) {
			char text[3 * W + 1], one[W + 1];
			struct fot_str sentence = FOT_STR_INIT;
			int64_t at = 0, place;

			fot_passkey_sentence(&sentence, check_asking(&b, i, &at));
			text_of(text, &b, b.vis[b.vis_begin[i] + 1]);
			text_of(text + W, &b, b.vis[b.vis_begin[i]]);
			assert_int_equal(count(text, sentence.data), 1);
			assert_int_equal(count(text, "pass key is"), 1);
			place = strstr(text, sentence.data) - text;
			cut += place < W && place + (int64_t)sentence.len > W;
			text_of(one, &b, i);
			assert_int_equal(count(one, "pass key is"), 1); /* in the question alone */
			at_start += at == 0;
			fot_str_release(&sentence);
		}
		for (int64_t w = b.n_win - 16; w < b.n_win; w++) {
			char text[W + 1];

			text_of(text, &b, w);
			assert_int_equal(count(text, "pass key"), 0);
			filler += strstr(text, "sky is blue") != NULL;
			decoys += strstr(text, "Remember it") != NULL;
			digits += strpbrk(text, "0123456789") && !strstr(text, "Remember it");
		}
	}
	assert_in_range(cut, 70, 140); /* of 200: half as asked, some by chance */
	assert_in_range(at_start, 30, 75);
	assert_in_range(filler, 120, 200); /* of 400 */
	assert_in_range(decoys, 120, 260);
	assert_in_range(digits, 40, 200);
	fot_batch_release(&b);
}

static void test_generator_passkey_stage_cut(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 40, .w = 2, .d = 1, .pack = 1,
				.cut = 1 };
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	draw(&b, &passkey, &st, 3);
	for (int64_t i = 0; i < st.batch; i++) {
		char text[2 * W + 1];
		struct fot_str sentence = FOT_STR_INIT;
		int64_t at = 0, place;

		fot_passkey_sentence(&sentence, check_asking(&b, i, &at));
		text_of(text, &b, b.vis[b.vis_begin[i] + 1]);
		text_of(text + W, &b, b.vis[b.vis_begin[i]]);
		place = strstr(text, sentence.data) - text;
		assert_in_range(place, W - (int64_t)sentence.len + 1, W - 1);
		fot_str_release(&sentence);
	}
	fot_batch_release(&b);
}

static void test_generator_passkey_near(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 1, .w = 1, .d = 1,
				.negatives = 100, .pack = 1, .near = 0.5 };
	struct fot_batch b;
	int full = 0;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	draw(&b, &passkey, &st, 2);
	for (int64_t w = 2; w < b.n_win; w++) {
		char text[W + 1];

		text_of(text, &b, w);
		assert_int_equal(count(text, "pass key"), 0);
		full += count(text, "Remember it") >= 3;
	}
	assert_in_range(full, 35, 75);
	fot_batch_release(&b);
}

static void test_generator_passkey_standard(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_STANDARD, .window = W, .batch = 16, .w = 1, .d = 1, .pack = 1 };
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	draw(&b, &passkey, &st, 1);
	for (int64_t i = 0; i < 16; i++) {
		struct fot_str sentence = FOT_STR_INIT;
		char text[W + 1], *p;
		int64_t at = 0;

		fot_passkey_sentence(&sentence, check_asking(&b, i, &at));
		text_of(text, &b, i);
		p = strstr(text, sentence.data);
		assert_true(p && p - text + (int64_t)sentence.len <= at);
		fot_str_release(&sentence);
	}
	fot_batch_release(&b);
}

static void test_generator_needs_long_documents(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = 10000, .batch = 8, .w = 1, .d = 1, .pack = 1 };
	struct fot_source src = source_of(&passkey);
	struct fot_err err = { 0 };
	struct fot_batch b;

	(void)state;
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	assert_int_equal(fot_batch_draw(&b, &src, &st, 3, "test", 1, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "no document of 20002 bytes"));
	fot_batch_release(&b);
}

/* ---- both -------------------------------------------------------------- */

static bool equal(const struct fot_batch *a, const struct fot_batch *b)
{
	return memcmp(a->tokens, b->tokens, sizeof *a->tokens * (size_t)(a->n_win * a->window)) == 0 &&
	       memcmp(a->targets, b->targets, sizeof *a->targets * (size_t)(a->n_ask * a->window)) == 0 &&
	       memcmp(a->answer, b->answer, (size_t)(a->n_ask * a->window)) == 0;
}

static void test_generator_function_of_seed_and_step(void **state)
{
	const struct fot_generator *g[] = { &lookup, &passkey };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = k ? W : 250, .batch = 3, .w = 2,
					.d = 1, .negatives = 2, .pack = 1 };
		struct fot_source src = source_of(g[k]);
		struct fot_batch a, b;

		assert_int_equal(fot_batch_init(&a, &st, 1, NULL), FOT_OK);
		assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
		draw(&a, g[k], &st, 41);
		draw(&b, g[k], &st, 40);
		assert_false(equal(&a, &b));
		draw(&b, g[k], &st, 41);
		assert_true(equal(&a, &b));
		assert_int_equal(fot_batch_draw(&b, &src, &st, 4, "test", 41, NULL), FOT_OK);
		assert_false(equal(&a, &b));
		assert_int_equal(fot_batch_draw(&b, &src, &st, 3, "held out", 41, NULL), FOT_OK);
		assert_false(equal(&a, &b));
		fot_batch_release(&a);
		fot_batch_release(&b);
	}
}

static int parse(struct fot_generator *g, const char *text, struct fot_err *err)
{
	cJSON *root = NULL;
	int status;

	assert_int_equal(fot_json_parse(&root, text, strlen(text), "r.json", FOT_ERR_USAGE, NULL), FOT_OK);
	status = fot_generator_parse(g, root, "r.json: generator", err);
	cJSON_Delete(root);
	return status;
}

static void test_generator_parse(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "{\"kind\": \"lokup\"}", "expected \"lookup\", \"passkey\" or \"episodes\", got \"lokup\"" },
		{ "{}", "kind" },
		{ "{\"kind\": \"lookup\", \"mxed\": 1}", "mixed" },
		{ "{\"kind\": \"lookup\", \"filler\": 1}", "filler" },
		{ "{\"kind\": \"passkey\", \"cut\": 1.5}", "cut" },
		{ "{\"kind\": \"passkey\", \"answer_weight\": -1}", "answer_weight" },
	};
	struct fot_generator g, h;

	(void)state;
	assert_int_equal(parse(&g, "{\"kind\": \"passkey\", \"answer_weight\": 3, \"digits\": 0.25}", NULL), FOT_OK);
	assert_int_equal(g.kind, FOT_GENERATOR_PASSKEY);
	assert_true(g.answer_weight == 3 && g.digits == 0.25 && g.filler == 0.5);
	assert_string_equal(fot_generator_name(&g), "passkey");
	assert_int_equal(parse(&h, "{\"kind\": \"passkey\", \"answer_weight\": 3}", NULL), FOT_OK);
	assert_true(fot_generator_equal(&g, &g));
	assert_false(fot_generator_equal(&g, &h));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fot_err err = { 0 };

		assert_int_equal(parse(&g, bad[i].text, &err), FOT_ERR_USAGE);
		if (!strstr(err.text, bad[i].message))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

static void test_generator_checks_stages(void **state)
{
	const struct {
		const struct fot_generator *g;
		struct fot_stage st;
		const char *message;
	} bad[] = {
		{ &lookup, { .window = 256, .d = 1, .pack = 1 }, "multiple of 10" },
		{ &lookup, { .window = 250, .d = 1, .pack = 2 }, "pack, far and copy" },
		{ &passkey, { .window = 256, .d = 2, .pack = 1, .method = FOT_METHOD_CROSSBATCH }, "expected 1" },
		{ &passkey, { .window = 95, .d = 1, .pack = 1, .method = FOT_METHOD_CROSSBATCH }, "at least 96" },
		{ &passkey, { .window = 127, .d = 1, .pack = 1, .method = FOT_METHOD_STANDARD }, "at least 128" },
		{ &passkey, { .window = 256, .d = 1, .pack = 1, .copy = 0.5 }, "pack, far and copy" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fot_err err = { 0 };

		assert_int_equal(fot_generator_check(bad[i].g, &bad[i].st, "stages[0]", &err), FOT_ERR_USAGE);
		if (!strstr(err.text, bad[i].message))
			fail_msg("expected \"%s\", got \"%s\"", bad[i].message, err.text);
	}
}

static void test_generator_hash_covers_data(void **state)
{
	char a[65], b[65], c[65];

	(void)state;
	fot_generator_hash(&passkey, "x", a);
	fot_generator_hash(&passkey, "y", b);
	fot_generator_hash(&lookup, "x", c);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
}

static int setup(void **state)
{
	int failed = scratch_make(state);

	if (!failed)
		open_corpus();
	return failed;
}

static int teardown(void **state)
{
	fot_corpus_close(corpus);
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generator_lookup_crossbatch),
		cmocka_unit_test(test_generator_lookup_near_keys),
		cmocka_unit_test(test_generator_lookup_standard),
		cmocka_unit_test(test_generator_passkey_crossbatch),
		cmocka_unit_test(test_generator_passkey_stage_cut),
		cmocka_unit_test(test_generator_passkey_near),
		cmocka_unit_test(test_generator_passkey_standard),
		cmocka_unit_test(test_generator_needs_long_documents),
		cmocka_unit_test(test_generator_function_of_seed_and_step),
		cmocka_unit_test(test_generator_parse),
		cmocka_unit_test(test_generator_checks_stages),
		cmocka_unit_test(test_generator_hash_covers_data),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
