/* test_perplexity_task.c: which tokens are asked for, and what is made of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "tasks/perplexity.h"

static const int64_t LENGTHS[] = { 4, 6, 16 };
static const struct fot_perplexity TASK = {
	.window = 4, .context_length = LENGTHS, .n_lengths = 3, .target_tokens = 10
};

static void test_perplexity_targets_start_behind_the_longest_memory(void **state)
{
	static const struct {
		int64_t w, lmax;
		size_t begin;
	} row[] = { { 4, 16, 12 },         { 4, 17, 16 }, { 4, 4, 0 }, { 5, 16, 15 },
		    { 512, 32768, 32256 }, { 1, 1, 0 },   { 3, 5, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct fot_perplexity p = {
			.window = row[i].w, .context_length = &row[i].lmax, .n_lengths = 1, .target_tokens = 1
		};
		size_t begin = fot_perplexity_begin(&p);

		assert_int_equal(begin, row[i].begin);
		assert_int_equal(begin % (size_t)row[i].w, 0);
		assert_true((int64_t)begin >= row[i].lmax - row[i].w);
		assert_int_equal(fot_perplexity_min_tokens(&p), begin + (size_t)row[i].w + 1);
	}
}

static void test_perplexity_targets_are_whole_windows_inside_the_document(void **state)
{
	int32_t tokens[64] = { 0 };
	struct fot_request r;

	(void)state;
	/* begin 12; a window's last token needs a successor */
	assert_false(fot_perplexity_request(&r, &TASK, tokens, 16));
	assert_true(fot_perplexity_request(&r, &TASK, tokens, 17));
	assert_int_equal(r.begin, 12);
	assert_int_equal(r.end, 16);
	assert_true(fot_perplexity_request(&r, &TASK, tokens, 20));
	assert_int_equal(r.end, 16);
	assert_true(fot_perplexity_request(&r, &TASK, tokens, 21));
	assert_int_equal(r.end, 20);
	/* 10 target tokens are two windows of 4, however long the document is */
	assert_true(fot_perplexity_request(&r, &TASK, tokens, 64));
	assert_int_equal(r.end, 20);
	assert_int_equal(r.n_lengths, 3);
	assert_ptr_equal(r.tokens, tokens);
}

static void test_perplexity_asks_for_one_window_at_least(void **state)
{
	struct fot_perplexity p = TASK;
	int32_t tokens[64] = { 0 };
	struct fot_request r;

	(void)state;
	p.target_tokens = 1;
	assert_true(fot_perplexity_request(&r, &p, tokens, 64));
	assert_int_equal(r.end - r.begin, 4);
}

static void test_perplexity_check_refuses(void **state)
{
	static const int64_t falling[] = { 16, 8 }, equal[] = { 8, 8 }, small[] = { 2, 8 };
	struct fot_perplexity p = TASK;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_OK);
	p.n_lengths = 2;
	p.context_length = small;
	assert_int_equal(fot_perplexity_check(&p, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "context length 2 is shorter than the local window of 4"));
	p.context_length = falling;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
	p.context_length = equal;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
	p = TASK;
	p.window = 0;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
	p = TASK;
	p.target_tokens = 0;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
	p = TASK;
	p.n_lengths = 0;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
}

static void test_perplexity_own_tokens_leave_the_rest_to_others(void **state)
{
	struct fot_perplexity p = { .window = 4, .context_length = LENGTHS, .n_lengths = 3, .target_tokens = 10,
				    .own_tokens = 8 };
	int32_t tokens[64] = { 0 };
	struct fot_request r;

	(void)state;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_OK);
	assert_int_equal(fot_perplexity_begin(&p), 8);
	assert_int_equal(fot_perplexity_min_tokens(&p), 13);
	assert_int_equal(fot_perplexity_others(&p), 1); /* 16 - 4 - 8 */
	assert_int_equal(fot_perplexity_memory(&p), 4 + 8 + 4);
	assert_true(fot_perplexity_request(&r, &p, tokens, 40));
	assert_int_equal(r.own, 8);
	assert_int_equal(r.begin, 8);
	assert_int_equal(r.end, 16);
	p.own_tokens = 12;
	assert_int_equal(fot_perplexity_others(&p), 0);
	p.own_tokens = 4; /* 8 tokens of others are 2 windows, and 7 would be 2 as well */
	assert_int_equal(fot_perplexity_others(&p), 2);
	p.own_tokens = 0;
	assert_int_equal(fot_perplexity_others(&p), 0);
	assert_int_equal(fot_perplexity_memory(&p), 12 + 10);
}

static void test_perplexity_refuses_own_tokens(void **state)
{
	struct fot_perplexity p = TASK;
	struct fot_err err = { 0 };

	(void)state;
	p.own_tokens = 6;
	assert_int_equal(fot_perplexity_check(&p, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "own_tokens: expected a multiple of the local window of 4 tokens, got 6"));
	err = (struct fot_err){ 0 };
	p.own_tokens = 16;
	assert_int_equal(fot_perplexity_check(&p, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "at most the longest memory of 12 tokens, got 16"));
	p.own_tokens = -4;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_ERR_USAGE);
}

/* Shorter lengths score what longer ones do. */
static void test_perplexity_targets_from_places_the_targets(void **state)
{
	struct fot_perplexity p = { .window = 4, .context_length = LENGTHS, .n_lengths = 1, .target_tokens = 10 };
	int64_t longest = LENGTHS[0];
	struct fot_err err = { 0 };

	(void)state;
	p.targets_from = longest + 13;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_OK);
	assert_int_equal(fot_perplexity_begin(&p), (longest + 13 - 4 + 3) / 4 * 4);
	assert_int_equal(fot_perplexity_min_tokens(&p), fot_perplexity_begin(&p) + 5);
	assert_int_equal(fot_perplexity_memory(&p), fot_perplexity_begin(&p) + 10);
	p.targets_from = longest;
	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_OK);
	p.targets_from = longest - 1;
	assert_int_equal(fot_perplexity_check(&p, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "targets_from: expected at least the longest context length"));
	p = TASK;
	p.own_tokens = 4;
	p.targets_from = 1024;
	assert_int_equal(fot_perplexity_check(&p, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "targets_from: not with own_tokens"));
}

static void test_perplexity_observation_sums_each_length(void **state)
{
	int32_t tokens[64] = { 0 };
	double nll[24];
	struct fot_request r;
	struct fot_scores s = { .nll = nll };

	(void)state;
	assert_true(fot_perplexity_request(&r, &TASK, tokens, 64));
	for (int i = 0; i < 24; i++)
		nll[i] = sqrt(i + 1.0);
	nll[9] = 1e17; /* plain addition would lose the small ones */
	nll[10] = -1e17;
	for (size_t l = 0; l < 3; l++) {
		struct fot_perplexity_observation o;
		double squares = 0, sum = 0;

		for (size_t i = 8 * l; i < 8 * l + 8; i++) {
			squares += nll[i] * nll[i];
			sum += fabs(nll[i]) > 1e16 ? 0 : nll[i];
		}
		fot_perplexity_observe(&o, &r, &s, l);
		assert_int_equal(o.context_length, LENGTHS[l]);
		assert_int_equal(o.n_tokens_scored, 8);
		assert_int_equal(o.n_windows, 2);
		assert_true(fabs(o.nll_nats - sum) < 1e-12);
		assert_true(fabs(o.nll_sq_nats - squares) <= 1e-12 * squares);
	}
}

/* Tokens of the byte tokenizer: BOS, then the text's bytes. */
static void count(const char *text, int64_t window, int64_t lmax, int64_t want_bytes, int64_t want_words)
{
	struct fot_perplexity p = {
		.window = window, .context_length = &lmax, .n_lengths = 1, .target_tokens = 1000
	};
	struct fot_tokenizer *t = NULL;
	struct fot_ids ids = { 0 };
	struct fot_request r;
	int64_t n_bytes = -1, n_words = -1;

	assert_int_equal(fot_tokenizer_open_byte(&t, NULL), FOT_OK);
	assert_int_equal(fot_tokenizer_encode_ends(t, &ids, SIZE_MAX, text, strlen(text), NULL), FOT_OK);
	assert_true(fot_perplexity_request(&r, &p, ids.id, ids.n + 1)); /* and BOS */
	fot_perplexity_text(&n_bytes, &n_words, &r, text, ids.end, true);
	assert_int_equal(n_bytes, want_bytes);
	assert_int_equal(n_words, want_words);
	fot_ids_release(&ids);
	fot_tokenizer_close(t);
}

static void test_perplexity_counts_bytes_and_words(void **state)
{
	(void)state;
	/* window 4, begin 0: 12 of the bytes are targets */
	count("one two  three", 4, 4, 12, 3);
	/* begin 4: targets are "two  thr": "two" begins behind a space */
	count("one two  three", 4, 8, 8, 2);
	/* begin 5: the targets "wo  t" begin inside a word */
	count("one two  three", 5, 10, 5, 1);
	count("\n\t \v\f\r a", 8, 8, 8, 1);
	count("    x", 4, 4, 4, 0);
}

/* Tokens that end inside a character, inside a word, and where nothing is: adjacent spans add up. */
static void test_perplexity_counts_add_up(void **state)
{
	static const char text[] = " caf\xC3\xA9  one\n\ntwo x";
	static const size_t end[] = { 0, 2, 5, 6, 6, 8, 10, 14, 17, 18 };
	const size_t n = sizeof end / sizeof *end;

	(void)state;
	for (int bos = 0; bos < 2; bos++)
		for (size_t cut = 1; cut < n - 1; cut++) {
			struct fot_request a = { .begin = 0, .end = cut }, b = { .begin = cut, .end = n - !bos };
			int64_t bytes[2], words[2];

			fot_perplexity_text(&bytes[0], &words[0], &a, text, end, bos);
			fot_perplexity_text(&bytes[1], &words[1], &b, text, end, bos);
			assert_int_equal(bytes[0] + bytes[1], sizeof text - 1);
			assert_int_equal(words[0] + words[1], 4);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_perplexity_targets_start_behind_the_longest_memory),
		cmocka_unit_test(test_perplexity_targets_are_whole_windows_inside_the_document),
		cmocka_unit_test(test_perplexity_asks_for_one_window_at_least),
		cmocka_unit_test(test_perplexity_check_refuses),
		cmocka_unit_test(test_perplexity_own_tokens_leave_the_rest_to_others),
		cmocka_unit_test(test_perplexity_refuses_own_tokens),
		cmocka_unit_test(test_perplexity_targets_from_places_the_targets),
		cmocka_unit_test(test_perplexity_observation_sums_each_length),
		cmocka_unit_test(test_perplexity_counts_bytes_and_words),
		cmocka_unit_test(test_perplexity_counts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
