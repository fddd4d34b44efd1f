/* test_evaluate.c: one pass for all context lengths gives what separate runs
 * give, and given sequences are cut as their models want it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "harness/ask/evaluate.h"
#include "harness/ask/reading.h"
#include "tasks/perplexity.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

#define W 8
#define N 75

static struct fot_params params;
static struct fot_model *model;
static int32_t tokens[N];

static void open_model(int n_mem, bool blocks)
{
	struct fot_config c;

	tiny_config(&c, W, n_mem, true, false);
	c.blocks = blocks;
	c.last_context_length = 5;
	model = tiny_model(&params, &c, scratch_path(""), FOT_F32);
	tiny_tokens(tokens, N, c.vocab_size, 3);
}

/* Transformer-XL with two layers: a window feels the two before it. */
static void open_cached(void)
{
	struct fot_config c;

	tiny_config(&c, W, 1, true, false);
	c.cached_windows = 1;
	c.n_layers = 2;
	model = tiny_model(&params, &c, scratch_path(""), FOT_F32);
	tiny_tokens(tokens, N, c.vocab_size, 3);
}

static void close_model(void)
{
	fot_model_close(model);
	fot_params_release(&params);
}

static struct fot_session *open_session(enum fot_memory_mode mode, int threads)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;

	fot_session_opts_default(&o, model);
	o.mode = mode;
	o.top_k = 3;
	o.mem_dtype = FOT_BF16;
	o.mem_max = 2 * N;
	o.n_threads = threads;
	o.crowd = true;
	assert_int_equal(fot_session_open(&s, model, &o, NULL), FOT_OK);
	return s;
}

/* Window `at` scored in a session of its own that has read all windows before. */
static void score_alone(double *nll, enum fot_memory_mode mode, size_t at, int64_t reach, int64_t fill_reach)
{
	struct fot_session *s = open_session(mode, 1);
	struct fot_want want = { .targets = tokens + at + 1, .nll = nll };

	fot_session_reach(s, fill_reach);
	for (size_t i = 0; i < at; i += W) {
		assert_int_equal(fot_session_feed(s, tokens + i, W, NULL, NULL), FOT_OK);
		assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	}
	fot_session_reach(s, reach);
	assert_int_equal(fot_session_feed(s, tokens + at, W, &want, NULL), FOT_OK);
	fot_session_close(s);
}

static void compare_with_separate_runs(enum fot_memory_mode mode, int n_mem, int threads)
{
	static const int64_t lengths[] = { W, 2 * W, 21, 5 * W };
	struct fot_perplexity p = {
		.window = W, .context_length = lengths, .n_lengths = 4, .target_tokens = 3 * W
	};
	double nll[4 * 3 * W], wall[4], want[W];
	struct fot_scores scores = { .nll = nll, .wall_s = wall };
	struct fot_request r;
	struct fot_session *s;
	struct fot_err err = { 0 };

	open_model(n_mem, true);
	assert_true(fot_perplexity_request(&r, &p, tokens, N));
	assert_int_equal(r.begin, 4 * W);
	assert_int_equal(r.end - r.begin, 3 * W);
	s = open_session(mode, threads);
	/* Twice: what a session did before must not matter. */
	for (int round = 0; round < 2; round++) {
		memset(nll, 0, sizeof nll);
		if (fot_evaluate(s, mode != FOT_MEMORY_NONE, &r, &scores, &err) != FOT_OK)
			fail_msg("%s", err.text);
	}
	for (size_t l = 0; l < 4; l++) {
		for (size_t at = r.begin; at < r.end; at += W) {
			score_alone(want, mode, at, lengths[l] - W, 4 * W);
			assert_memory_equal(nll + l * 3 * W + (at - r.begin), want, sizeof want);
		}
	}
	fot_session_close(s);
	close_model();
}

static void test_evaluate_dense_equals_separate_runs(void **state)
{
	(void)state;
	compare_with_separate_runs(FOT_MEMORY_DENSE, 1, 1);
}

static void test_evaluate_two_memory_layers_equal_separate_runs(void **state)
{
	(void)state;
	compare_with_separate_runs(FOT_MEMORY_DENSE, 2, 2);
}

static void test_evaluate_topk_equals_separate_runs(void **state)
{
	(void)state;
	compare_with_separate_runs(FOT_MEMORY_KNN, 1, 2);
}

static void test_evaluate_without_memory_equals_separate_runs(void **state)
{
	(void)state;
	compare_with_separate_runs(FOT_MEMORY_NONE, 1, 1);
}

static void test_evaluate_lengths_differ_where_memory_is_seen(void **state)
{
	static const int64_t lengths[] = { W, 4 * W };
	struct fot_perplexity p = {
		.window = W, .context_length = lengths, .n_lengths = 2, .target_tokens = W
	};
	double nll[2 * W], none[2 * W], wall[2];
	struct fot_scores scores = { .nll = nll, .wall_s = wall }, alone = { .nll = none, .wall_s = wall };
	struct fot_request r;
	struct fot_session *s;

	(void)state;
	open_model(1, true);
	assert_true(fot_perplexity_request(&r, &p, tokens, N));
	s = open_session(FOT_MEMORY_DENSE, 1);
	assert_int_equal(fot_evaluate(s, true, &r, &scores, NULL), FOT_OK);
	fot_session_close(s);
	s = open_session(FOT_MEMORY_NONE, 1);
	assert_int_equal(fot_evaluate(s, false, &r, &alone, NULL), FOT_OK);
	fot_session_close(s);
	assert_memory_equal(nll, none, W * sizeof *nll);
	for (int i = 0; i < W; i++)
		assert_true(nll[i] != nll[W + i]);
	close_model();
}

/* Window `at` in a session of its own that has read `past` tokens before it, the odd ones first. */
static void score_cached(double *nll, size_t at, size_t past)
{
	struct fot_session *s = open_session(FOT_MEMORY_NONE, 1);
	struct fot_want want = { .targets = tokens + at + 1, .nll = nll };

	for (size_t i = at - past, n = past % W ? past % W : W; i < at; i += n, n = W) {
		assert_int_equal(fot_session_feed(s, tokens + i, n, NULL, NULL), FOT_OK);
		assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	}
	assert_int_equal(fot_session_feed(s, tokens + at, W, &want, NULL), FOT_OK);
	fot_session_close(s);
}

static void test_evaluate_cached_windows_equal_separate_runs(void **state)
{
	static const int64_t lengths[] = { W, 2 * W, 21, 3 * W, 5 * W };
	struct fot_perplexity p = { .window = W, .context_length = lengths, .n_lengths = 5, .target_tokens = 3 * W };
	double nll[5 * 3 * W], wall[5], want[W];
	struct fot_scores scores = { .nll = nll, .wall_s = wall };
	struct fot_request r;
	struct fot_session *s;
	struct fot_cost cost = fot_evaluate_cached_cost(lengths, 5, W, 2 * W, 3 * W);

	(void)state;
	assert_int_equal(cost.asked, 4 * 3 * W);
	assert_int_equal(cost.filled, 3 * (0 + W + 21 - W) + 2 * W);
	open_cached();
	assert_true(fot_perplexity_request(&r, &p, tokens, N));
	s = open_session(FOT_MEMORY_NONE, 2);
	for (int round = 0; round < 2; round++) {
		memset(nll, 0, sizeof nll);
		assert_int_equal(fot_evaluate(s, round, &r, &scores, NULL), FOT_OK);
		for (size_t l = 0; l < 5; l++)
			for (size_t at = r.begin; at < r.end; at += W) {
				score_cached(want, at, (size_t)lengths[l] - W);
				assert_memory_equal(nll + l * 3 * W + (at - r.begin), want, sizeof want);
			}
	}
	for (int i = 0; i < 3 * W; i++) {
		assert_true(nll[i] != nll[3 * W + i] && nll[3 * W + i] != nll[3 * 3 * W + i]);
		assert_true(nll[3 * 3 * W + i] == nll[4 * 3 * W + i]);
	}
	fot_session_close(s);
	close_model();
}

/* --- among windows of other documents --- */

#define OWN 3
#define OTHERS 9

static int32_t others[OTHERS * W];
static const int64_t multi_lengths[] = { W, 3 * W, (OWN + 1) * W, (OWN + 1) * W + 5, (OWN + 1 + OTHERS) * W };

static void multi_request(struct fot_request *r)
{
	const struct fot_perplexity p = { .window = W, .context_length = multi_lengths, .n_lengths = 5,
					  .target_tokens = 3 * W, .own_tokens = OWN * W };

	assert_int_equal(fot_perplexity_check(&p, NULL), FOT_OK);
	assert_true(fot_perplexity_request(r, &p, tokens, N));
	assert_int_equal(fot_perplexity_others(&p), OTHERS);
	assert_int_equal(r->begin, OWN * W);
	assert_int_equal(r->own, OWN * W);
	tiny_tokens(others, OTHERS * W, fot_model_config(model)->vocab_size, 77);
	r->others = others;
	r->n_others = OTHERS * W;
}

/* A memory of just the last `memory` tokens of others and own ones, put together by hand: whole
 * windows, the oldest of which may be cut, which needs reach. */
static void score_by_hand(double *nll, enum fot_memory_mode mode, size_t at, int64_t memory)
{
	struct fot_session *s = open_session(mode, 1);
	struct fot_want want = { .targets = tokens + at + 1, .nll = nll };
	int64_t windows = (memory + W - 1) / W;

	for (int64_t i = OWN + OTHERS - windows; i < OWN + OTHERS; i++) {
		const int32_t *from = i < OTHERS ? others + i * W : tokens + at + (i - OTHERS - OWN) * W;

		assert_int_equal(fot_session_feed(s, from, W, NULL, NULL), FOT_OK);
		assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	}
	fot_session_reach(s, memory);
	assert_int_equal(fot_session_feed(s, tokens + at, W, &want, NULL), FOT_OK);
	fot_session_close(s);
}

static void compare_with_memory_by_hand(enum fot_memory_mode mode, int threads)
{
	double nll[5 * 3 * W], wall[5], want[W];
	struct fot_scores scores = { .nll = nll, .wall_s = wall };
	struct fot_request r;
	struct fot_session *s;
	struct fot_err err = { 0 };

	open_model(1, true);
	multi_request(&r);
	s = open_session(mode, threads);
	for (int round = 0; round < 2; round++) {
		memset(nll, 0, sizeof nll);
		if (fot_evaluate(s, true, &r, &scores, &err) != FOT_OK)
			fail_msg("%s", err.text);
	}
	for (size_t l = 0; l < 5; l++) {
		for (size_t at = r.begin; at < r.end; at += W) {
			score_by_hand(want, mode, at, multi_lengths[l] - W);
			/* sums over the memory are cut elsewhere: the same up to rounding of floats */
			for (size_t i = 0; i < W; i++)
				assert_true(fabs(nll[l * 3 * W + (at - r.begin) + i] - want[i]) < 2e-5);
		}
	}
	fot_session_close(s);
	close_model();
}

static void test_evaluate_dense_among_others_equals_memory_by_hand(void **state)
{
	(void)state;
	compare_with_memory_by_hand(FOT_MEMORY_DENSE, 2);
}

static void test_evaluate_topk_among_others_equals_memory_by_hand(void **state)
{
	(void)state;
	compare_with_memory_by_hand(FOT_MEMORY_KNN, 1);
}

/* The own share is seen and does not grow; others change what comes out; a cache of windows and
 * the number of threads change nothing. */
static void test_evaluate_among_others_sharing_changes_no_bit(void **state)
{
	double nll[2][5 * 3 * W], wall[5];
	struct fot_scores scores = { .wall_s = wall };
	struct fot_request r;

	(void)state;
	open_model(1, true);
	multi_request(&r);
	for (int cached = 0; cached < 2; cached++) {
		struct fot_session_opts o;
		struct fot_session *s = NULL;

		fot_session_opts_default(&o, model);
		o.mem_max = N + OTHERS * W;
		o.n_threads = 1 + cached;
		o.cache_windows = cached ? 8 : 0;
		assert_int_equal(fot_session_open(&s, model, &o, NULL), FOT_OK);
		scores.nll = nll[cached];
		for (int round = 0; round <= cached; round++)
			assert_int_equal(fot_evaluate(s, true, &r, &scores, NULL), FOT_OK);
		fot_session_close(s);
	}
	assert_memory_equal(nll[0], nll[1], sizeof nll[0]);
	for (size_t l = 1; l < 5; l++)
		for (size_t i = 0; i < 3 * W; i++)
			assert_true(nll[0][l * 3 * W + i] != nll[0][(l - 1) * 3 * W + i]);
	close_model();
}

/* --- reading given sequences --- */

/* One sequence from a fresh session. */
static int score(struct fot_reading *r, const int32_t *given, size_t n, double *nll, int32_t *argmax, float *logits)
{
	struct fot_call c = { .tokens = given, .n = n };

	fot_reading_reset(r);
	return fot_reading_call(r, &c, nll, argmax, logits, 0, NULL);
}

static int generate(struct fot_reading *r, const int32_t *given, size_t n, size_t max, int32_t eos, struct fot_ids *out)
{
	struct fot_call c = { .tokens = given, .n = n };
	struct fot_config ends = { .eos_id = -1, .n_more_eos = 2, .more_eos = { INT32_MAX, eos } };

	fot_reading_reset(r);
	return fot_reading_continue(r, &c, max, eos < 0 ? NULL : &ends, out, NULL);
}

static void test_reading_cuts_blocks(void **state)
{
	struct fot_reading_flags flags = { .threads = 1 };
	struct fot_reading r;
	double nll[N], want[W];
	int32_t argmax[N];

	(void)state;
	open_model(1, true);
	assert_int_equal(fot_reading_open(&r, model, &flags, N, NULL), FOT_OK);
	assert_int_equal(fot_reading_last(&r, 1), 0);
	assert_int_equal(fot_reading_last(&r, W), 0);
	assert_int_equal(fot_reading_last(&r, W + 1), W);
	assert_int_equal(fot_reading_last(&r, N), N / W * W);
	assert_int_equal(score(&r, tokens, N, nll, argmax, NULL), FOT_OK);
	fot_reading_close(&r);
	flags.mem_dtype = 2;
	assert_int_equal(fot_reading_open(&r, model, &flags, N, NULL), FOT_OK);
	assert_int_equal(score(&r, tokens, N, nll, argmax, NULL), FOT_OK);
	fot_reading_close(&r);
	for (size_t at = 0; at + W < N; at += W) {
		score_alone(want, FOT_MEMORY_DENSE, at, INT64_MAX, INT64_MAX);
		assert_memory_equal(nll + at, want, sizeof want);
	}
	close_model();
}

static void test_reading_cuts_like_longllama(void **state)
{
	/* docs/longllama.md 1.2: prefix windows of W, the rest of the prefix, then the last L */
	static const struct {
		size_t n, last;
	} row[] = { { 3, 0 }, { 5, 0 }, { 6, 1 }, { 8, 3 }, { 13, 8 }, { 14, 9 }, { N, N - 5 } };
	struct fot_reading_flags flags = { .mem_dtype = 1, .threads = 1 };
	struct fot_reading r;
	struct fot_session *s;
	double nll[N], want[N] = { 0 };
	int32_t argmax[N], targets[N];

	(void)state;
	open_model(1, false);
	assert_int_equal(fot_reading_open(&r, model, &flags, N, NULL), FOT_OK);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_int_equal(fot_reading_last(&r, row[i].n), row[i].last);
	assert_int_equal(score(&r, tokens, 22, nll, argmax, NULL), FOT_OK);
	fot_reading_close(&r);
	/* 22 = 8 + 8 + 1 | 5 */
	{
		static const size_t cut[] = { 0, 8, 16, 17, 22 };
		struct fot_session_opts o;

		fot_session_opts_default(&o, model);
		o.mem_dtype = FOT_F32;
		o.mem_max = N;
		s = NULL;
		assert_int_equal(fot_session_open(&s, model, &o, NULL), FOT_OK);
		for (int i = 0; i < 22; i++)
			targets[i] = i < 21 ? tokens[i + 1] : -1;
		for (int i = 0; i < 4; i++) {
			struct fot_want w = { .targets = targets + cut[i], .nll = want + cut[i] };

			assert_int_equal(fot_session_feed(s, tokens + cut[i], cut[i + 1] - cut[i], &w, NULL),
					 FOT_OK);
			assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
		}
		fot_session_close(s);
	}
	assert_memory_equal(nll, want, 21 * sizeof *nll);
	close_model();
}

static void test_reading_logits_agree_with_nll(void **state)
{
	struct fot_reading_flags flags = { .memory = "dense", .threads = 1 };
	struct fot_reading r;
	double nll[N];
	int32_t argmax[N];
	float *logits;
	size_t v;

	(void)state;
	open_model(1, true);
	v = (size_t)fot_model_config(model)->vocab_size;
	logits = fot_alloc(N * v, sizeof *logits);
	assert_non_null(logits);
	assert_int_equal(fot_reading_open(&r, model, &flags, N, NULL), FOT_OK);
	assert_int_equal(score(&r, tokens, N, nll, argmax, logits), FOT_OK);
	for (size_t i = 0; i + 1 < N; i++) {
		double top = -INFINITY, sum = 0;
		size_t best = 0;

		for (size_t c = 0; c < v; c++) {
			double x = (double)logits[i * v + c];

			best = x > top ? c : best;
			top = x > top ? x : top;
		}
		for (size_t c = 0; c < v; c++)
			sum += exp((double)logits[i * v + c] - top);
		assert_int_equal(argmax[i], best);
		assert_true(fabs(top + log(sum) - (double)logits[i * v + (size_t)tokens[i + 1]] - nll[i]) <
			    1e-5);
	}
	fot_free(logits);
	fot_reading_close(&r);
	close_model();
}

static void generate_equals_scoring(bool blocks)
{
	/* Greedy tokens inside one local context are the argmax of scoring it. */
	struct fot_reading_flags flags = { .threads = 1 };
	struct fot_reading r;
	struct fot_ids ids = { 0 };
	int32_t all[16], argmax[16];
	double nll[16];
	size_t n = blocks ? 2 * W + 1 : 3, total = blocks ? 3 * W : 5;

	open_model(1, blocks);
	assert_int_equal(fot_reading_open(&r, model, &flags, 64, NULL), FOT_OK);
	total = total > 16 ? 16 : total;
	n = n > total - 2 ? total - 4 : n;
	assert_int_equal(generate(&r, tokens, n, total - n, -1, &ids), FOT_OK);
	assert_int_equal(ids.n, total - n);
	memcpy(all, tokens, n * sizeof *all);
	memcpy(all + n, ids.id, ids.n * sizeof *all);
	assert_int_equal(score(&r, all, total, nll, argmax, NULL), FOT_OK);
	for (size_t i = n; i < total; i++)
		assert_int_equal(argmax[i - 1], all[i]);
	/* An end token ends it, and is part of the answer. */
	{
		int32_t eos = ids.id[1];
		size_t first = ids.id[0] == eos ? 1 : 2;

		ids.n = 0;
		assert_int_equal(generate(&r, tokens, n, total - n, eos, &ids), FOT_OK);
		assert_int_equal(ids.n, first);
	}
	fot_ids_release(&ids);
	fot_reading_close(&r);
	close_model();
}

static void test_reading_generates_what_scoring_prefers(void **state)
{
	(void)state;
	generate_equals_scoring(true);
	generate_equals_scoring(false);
}

static void test_reading_refuses(void **state)
{
	struct fot_reading_flags flags = { .threads = 1, .last_context = 4 };
	struct fot_reading r;
	struct fot_err err = { 0 };

	(void)state;
	open_model(1, true);
	assert_fails(fot_reading_open(&r, model, &flags, N, &err), FOT_ERR_USAGE, &err, "--last-context");
	close_model();
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_evaluate_dense_equals_separate_runs),
		IN_SCRATCH(test_evaluate_two_memory_layers_equal_separate_runs),
		IN_SCRATCH(test_evaluate_topk_equals_separate_runs),
		IN_SCRATCH(test_evaluate_without_memory_equals_separate_runs),
		IN_SCRATCH(test_evaluate_lengths_differ_where_memory_is_seen),
		IN_SCRATCH(test_evaluate_cached_windows_equal_separate_runs),
		IN_SCRATCH(test_evaluate_dense_among_others_equals_memory_by_hand),
		IN_SCRATCH(test_evaluate_topk_among_others_equals_memory_by_hand),
		IN_SCRATCH(test_evaluate_among_others_sharing_changes_no_bit),
		IN_SCRATCH(test_reading_cuts_blocks),
		IN_SCRATCH(test_reading_cuts_like_longllama),
		IN_SCRATCH(test_reading_logits_agree_with_nll),
		IN_SCRATCH(test_reading_generates_what_scoring_prefers),
		IN_SCRATCH(test_reading_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
