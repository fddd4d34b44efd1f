/* test_session.c: a session against the training network (an independent way
 * through the same layers), and against itself under every freedom it has: threads,
 * pieces, skipping, rewinding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/tiny_model.h"

static void check_against_network(bool qk_norm, bool positionals)
{
	static const int64_t seen[] = { 0, 1, 3, 4 };
	struct session_fixture f;
	struct fot_session *s;
	double want[W];

	session_fixture_open(&f, 1, qk_norm, positionals, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 2);
	session_fixture_feed(s, &f, 0, N - W, false);
	for (size_t i = 0; i < 4; i++) {
		struct fot_mark m = fot_session_mark(s);

		session_fixture_last(&f, seen[i], want);
		fot_session_reach(s, seen[i] * W);
		session_fixture_feed(s, &f, N - W, N, true);
		session_fixture_close_to(f.nll + N - W, want);
		assert_int_equal(fot_session_rewind(s, m, NULL), FOT_OK);
	}
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_equals_network(void **state)
{
	(void)state;
	check_against_network(false, false);
	check_against_network(true, false);
	check_against_network(false, true);
	check_against_network(true, true);
}

static void test_session_same_bits_for_any_threads(void **state)
{
	static const struct {
		enum fot_memory_mode mode;
		int32_t k;
	} ways[] = { { FOT_MEMORY_DENSE, 0 }, { FOT_MEMORY_KNN, 7 }, { FOT_MEMORY_NONE, 0 } };
	struct session_fixture f;
	double first[N];

	(void)state;
	session_fixture_open(&f, 2, true, false, FOT_F32);
	for (size_t i = 0; i < 3; i++)
		for (int threads = 1; threads <= 16; threads += threads < 3 ? 1 : 13) {
			struct fot_session *s = session_fixture_session(&f, ways[i].mode, ways[i].k, threads);

			session_fixture_feed(s, &f, 0, N, true);
			if (threads == 1)
				memcpy(first, f.nll, sizeof first);
			assert_memory_equal(first, f.nll, sizeof first);
			fot_session_close(s);
		}
	session_fixture_close(&f);
}

/* The last window with memory before it, when all windows were scored, when no work was
 * skipped, and when all work was that may be. */
static void check_skipping(int n_mem, bool positionals, enum fot_dtype mem_dtype)
{
	struct session_fixture f;
	double first[W];

	session_fixture_open(&f, n_mem, true, positionals, FOT_F32);
	for (int way = 0; way < 5; way++) {
		struct fot_session_opts o;
		struct fot_session *s = NULL;

		fot_session_opts_default(&o, f.m);
		o.mem_dtype = mem_dtype;
		o.mem_max = N;
		o.no_skip = way == 1;
		o.n_threads = way < 3 ? 2 : way;
		o.crowd = true;
		assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
		session_fixture_feed(s, &f, 0, N - W, way == 0);
		session_fixture_feed(s, &f, N - W, N, true);
		if (way == 0)
			memcpy(first, f.nll + N - W, sizeof first);
		assert_memory_equal(first, f.nll + N - W, sizeof first);
		fot_session_close(s);
	}
	session_fixture_close(&f);
}

static void test_session_skipping_changes_no_bit(void **state)
{
	(void)state;
	for (int n_mem = 1; n_mem <= 2; n_mem++) {
		check_skipping(n_mem, false, FOT_F32);
		check_skipping(n_mem, true, FOT_BF16);
	}
}

/* Windows that go to the memory together, cut by feeds at any place. */
static void test_session_filling_in_pieces_changes_no_bit(void **state)
{
	static const int64_t cut[] = { 0, W, 2 * W, 3 * W, 4 * W - 1 };
	struct session_fixture f;
	double first[W];

	(void)state;
	session_fixture_open(&f, 1, false, false, FOT_F32);
	for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
		struct fot_session *s = session_fixture_session(&f, FOT_MEMORY_KNN, 20, 2);
		struct fot_mark m;

		session_fixture_feed(s, &f, 0, cut[i], false);
		session_fixture_feed(s, &f, cut[i], N - W, false);
		m = fot_session_mark(s);
		assert_true(m.mem_len + m.n_local == N - W);
		session_fixture_feed(s, &f, N - W, N, true);
		if (i == 0)
			memcpy(first, f.nll + N - W, sizeof first);
		if (cut[i] % W == 0)
			assert_memory_equal(first, f.nll + N - W, sizeof first);
		else /* rows in another tile: the same up to rounding */
			session_fixture_close_to(f.nll + N - W, first);
		fot_session_close(s);
	}
	session_fixture_close(&f);
}

/* A text that repeats windows, through caches of many, few and no slots. */
static void test_session_cached_windows_change_no_bit(void **state)
{
	static const int64_t slots[] = { 0, 4, 64 };
	struct session_fixture f;
	double first[W];

	(void)state;
	session_fixture_open(&f, 1, true, true, FOT_F32);
	memcpy(f.text + W, f.text, sizeof(int32_t) * W);
	memcpy(f.text + 3 * W, f.text, sizeof(int32_t) * W);
	for (size_t i = 0; i < 3; i++)
		for (int threads = 1; threads <= 3; threads++) {
			struct fot_session_opts o;
			struct fot_session *s = NULL;

			fot_session_opts_default(&o, f.m);
			o.mem_dtype = FOT_BF16;
			o.mem_max = N;
			o.n_threads = threads;
			o.crowd = true;
			o.cache_windows = slots[i];
			assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
			for (int round = 0; round < 2; round++) {
				fot_session_reset(s);
				session_fixture_feed(s, &f, 0, N - W, false);
				session_fixture_feed(s, &f, N - W, N, true);
				if (i == 0 && threads == 1 && round == 0)
					memcpy(first, f.nll + N - W, sizeof first);
				assert_memory_equal(first, f.nll + N - W, sizeof first);
			}
			fot_session_close(s);
		}
	session_fixture_close(&f);
}

static void test_session_rewind_equals_fresh(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	struct fot_mark m;
	int32_t noise[N];
	double first[N];

	(void)state;
	session_fixture_open(&f, 2, false, true, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_KNN, 16, 2);
	session_fixture_feed(s, &f, 0, 2 * W + 40, true);
	session_fixture_feed(s, &f, 2 * W + 40, N, true);
	memcpy(first, f.nll, sizeof first);
	/* The same cuts, with other texts tried and taken back on the way. */
	fot_session_reset(s);
	tiny_tokens(noise, N, VOCAB, 2);
	m = fot_session_mark(s);
	assert_int_equal(fot_session_feed(s, noise, 2 * W, NULL, NULL), FOT_OK);
	assert_int_equal(fot_session_rewind(s, m, NULL), FOT_OK);
	session_fixture_feed(s, &f, 0, 2 * W + 40, true);
	m = fot_session_mark(s);
	assert_int_equal(fot_session_feed(s, noise, W - 41, NULL, NULL), FOT_OK);
	assert_int_equal(fot_session_rewind(s, m, NULL), FOT_OK);
	session_fixture_feed(s, &f, 2 * W + 40, N, true);
	assert_memory_equal(first, f.nll, sizeof first);
	/* A window that has left cannot come back. */
	assert_int_equal(fot_session_rewind(s, m, NULL), FOT_ERR_RUN);
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_topk_of_all_is_dense(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	double dense[W];

	(void)state;
	session_fixture_open(&f, 1, true, false, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 1);
	session_fixture_feed(s, &f, 0, N, true);
	memcpy(dense, f.nll + N - W, sizeof dense);
	fot_session_close(s);
	s = session_fixture_session(&f, FOT_MEMORY_KNN, N, 1);
	session_fixture_feed(s, &f, 0, N, true);
	session_fixture_close_to(f.nll + N - W, dense);
	fot_session_close(s);
	s = session_fixture_session(&f, FOT_MEMORY_KNN, 3, 1);
	session_fixture_feed(s, &f, 0, N, true);
	assert_true(fabs(f.nll[N - 1] - dense[W - 1]) > 1e-4); /* k = 3 is another reading */
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_bf16_memory_is_rounded(void **state)
{
	struct fot_session_opts o;
	struct session_fixture f;
	struct fot_session *s;
	double exact[W], sum = 0;

	(void)state;
	session_fixture_open(&f, 2, false, false, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 1);
	session_fixture_feed(s, &f, 0, N, true);
	memcpy(exact, f.nll + N - W, sizeof exact);
	fot_session_close(s);
	fot_session_opts_default(&o, f.m);
	o.mem_dtype = FOT_BF16;
	o.mem_max = N;
	assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
	session_fixture_feed(s, &f, 0, N, true);
	for (int i = 0; i < W; i++)
		sum += fabs(f.nll[N - W + i] - exact[i]) / W;
	assert_true(sum > 1e-6 && sum < 5e-2);
	fot_session_close(s);
	session_fixture_close(&f);
}

/* Weights stored in 16 bits and widened while running, or widened at opening. */
static void test_session_reads_16_bit_weights(void **state)
{
	static const enum fot_dtype types[] = { FOT_F16, FOT_BF16 };
	struct session_fixture f;
	struct fot_session *s;
	double exact[N];

	(void)state;
	session_fixture_open(&f, 1, true, false, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 1);
	session_fixture_feed(s, &f, 0, N, true);
	memcpy(exact, f.nll, sizeof exact);
	fot_session_close(s);
	session_fixture_close(&f);
	for (int i = 0; i < 2; i++) {
		double worst = 0;

		session_fixture_open(&f, 1, true, false, types[i]);
		s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 1);
		session_fixture_feed(s, &f, 0, N, true);
		for (int j = 0; j < N; j++)
			worst = fmax(worst, fabs(f.nll[j] - exact[j]));
		assert_true(worst > 1e-6 && worst < (i ? 1.0 : 0.1)); /* 8 and 11 bits of mantissa */
		fot_session_close(s);
		session_fixture_close(&f);
	}
}

/* ---- branches --------------------------------------------------------- */

#define HEAD 2   /* rows of the window before the feed */
#define TRUNK 40

static const int64_t branch_begin[] = { TRUNK, TRUNK + 1, TRUNK + 6, TRUNK + 102 }; /* the last: end */
#define ROWS (TRUNK + 102) /* crosses a tile of queries */

/* Row i of a feed: token i of the text behind two windows, in its branch. */
static void lay_branches(int32_t branch[ROWS])
{
	for (int i = 0; i < TRUNK; i++)
		branch[i] = -1;
	for (int b = 0; b < 3; b++)
		for (int64_t i = branch_begin[b]; i < branch_begin[b + 1]; i++)
			branch[i] = (int32_t)branch_begin[b];
}

/* Trunk and branches in one feed, then ten tokens behind the trunk; nll of all rows, then of those. */
static void feed_branches(struct fot_session *s, const struct session_fixture *f, double nll[ROWS + 10])
{
	const int32_t *text = f->text + 2 * W + HEAD;
	int32_t branch[ROWS];
	struct fot_want want = { .targets = text + 1, .nll = nll, .branch = branch };
	struct fot_err err = { 0 };

	lay_branches(branch);
	fot_session_reset(s);
	assert_int_equal(fot_session_feed(s, f->text, 2 * W + HEAD, NULL, NULL), FOT_OK);
	if (fot_session_feed(s, text, ROWS, &want, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_session_n_local(s), HEAD + TRUNK);
	want = (struct fot_want){ .targets = text + 1, .nll = nll + ROWS };
	assert_int_equal(fot_session_feed(s, text, 10, &want, NULL), FOT_OK);
}

/* The same by feeds without branches: each branch behind the trunk, alone. */
static void feed_alone(struct fot_session *s, const struct session_fixture *f, double nll[ROWS + 10])
{
	const int32_t *text = f->text + 2 * W + HEAD;
	struct fot_want want = { .targets = text + 1, .nll = nll };
	struct fot_mark behind;

	fot_session_reset(s);
	assert_int_equal(fot_session_feed(s, f->text, 2 * W + HEAD, NULL, NULL), FOT_OK);
	assert_int_equal(fot_session_feed(s, text, TRUNK, &want, NULL), FOT_OK);
	behind = fot_session_mark(s);
	for (int b = 0; b < 4; b++) {
		int64_t from = b < 3 ? branch_begin[b] : 0, n = b < 3 ? branch_begin[b + 1] - from : 10;

		want = (struct fot_want){ .targets = text + from + 1, .nll = nll + (b < 3 ? from : ROWS) };
		assert_int_equal(fot_session_rewind(s, behind, NULL), FOT_OK);
		assert_int_equal(fot_session_feed(s, text + from, (size_t)n, &want, NULL), FOT_OK);
	}
}

static void check_branches(const struct session_fixture *f, enum fot_memory_mode mode)
{
	double alone[ROWS + 10], one[ROWS + 10], two[ROWS + 10];
	struct fot_session *s = session_fixture_session(f, mode, 7, 1);

	feed_alone(s, f, alone);
	feed_branches(s, f, one);
	fot_session_close(s);
	s = session_fixture_session(f, mode, 7, 2);
	feed_branches(s, f, two);
	fot_session_close(s);
	assert_memory_equal(one, two, sizeof one);
	for (int i = 0; i < ROWS + 10; i++) /* float32 sums in another order */
		if (!(fabs(one[i] - alone[i]) < 2e-5))
			fail_msg("row %d: %.9g, alone %.9g", i, one[i], alone[i]);
}

static void test_session_branches_equal_feeds_of_their_own(void **state)
{
	struct session_fixture f;

	(void)state;
	session_fixture_open(&f, 1, true, false, FOT_F32);
	check_branches(&f, FOT_MEMORY_NONE);
	check_branches(&f, FOT_MEMORY_DENSE);
	check_branches(&f, FOT_MEMORY_KNN);
	session_fixture_close(&f);
	session_fixture_open(&f, 2, false, true, FOT_F32);
	check_branches(&f, FOT_MEMORY_DENSE);
	session_fixture_close(&f);
	session_fixture_open_cached(&f, 1, false, true);
	check_branches(&f, FOT_MEMORY_NONE);
	session_fixture_close(&f);
	tiny_config(&f.c, W, 1, false, false);
	f.c.mix = FOT_MIX_GATE;
	f.m = tiny_model(&f.p, &f.c, scratch_path(""), FOT_F32);
	tiny_tokens(f.text, N + 1, VOCAB, 1);
	check_branches(&f, FOT_MEMORY_DENSE);
	session_fixture_close(&f);
}

static void test_session_refuses_branches_that_are_none(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	struct fot_err err = { 0 };
	int32_t branch[] = { -1, 1, 1, -1 };
	struct fot_want want = { .branch = branch };

	(void)state;
	session_fixture_open(&f, 1, false, false, FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_DENSE, 0, 1);
	assert_fails(fot_session_feed(s, f.text, 4, &want, &err), FOT_ERR_USAGE, &err, "token 3: expected to begin one");
	branch[1] = 0;
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_feed(s, f.text, 3, &want, &err), FOT_ERR_USAGE, &err, "token 1: expected to begin one");
	session_fixture_feed(s, &f, 0, W - 2, false);
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_feed(s, f.text, 3, &want, &err), FOT_ERR_USAGE, &err, "got 3 behind 148");
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_refuses(void **state)
{
	struct session_fixture f;
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_err err = { 0 };
	int32_t bad[] = { 3, VOCAB };

	(void)state;
	session_fixture_open(&f, 1, false, false, FOT_F32);
	fot_session_opts_default(&o, f.m);
	o.mem_max = W;
	assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
	assert_fails(fot_session_feed(s, bad, 2, NULL, &err), FOT_ERR_INPUT, &err, "token 1: id 61");
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_feed(s, f.text, 3 * W, NULL, &err), FOT_ERR_RUN, &err, "memory is full");
	fot_session_close(s);
	o.n_threads = 0;
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_open(&s, f.m, &o, &err), FOT_ERR_USAGE, &err, "threads");
	fot_session_opts_default(&o, f.m);
	o.mode = FOT_MEMORY_KNN;
	o.top_k = 0;
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_open(&s, f.m, &o, &err), FOT_ERR_USAGE, &err, "top-k");
	fot_session_opts_default(&o, f.m);
	o.mem_max = INT64_C(1) << 50;
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_open(&s, f.m, &o, &err), FOT_ERR_RUN, &err, "");
	session_fixture_close(&f);
	session_fixture_open_cached(&f, 1, false, false);
	fot_session_opts_default(&o, f.m);
	o.mode = FOT_MEMORY_DENSE;
	memset(&err, 0, sizeof err);
	assert_fails(fot_session_open(&s, f.m, &o, &err), FOT_ERR_USAGE, &err, "cached windows");
	session_fixture_close(&f);
}

/* Windows that grow are those of a model whose config.json has the scaling and the longer window. */
static void test_session_windows_grow(void **state)
{
	static const enum fot_rope_type types[] = { FOT_ROPE_LINEAR, FOT_ROPE_NTK, FOT_ROPE_YARN };
	struct fot_session_opts o;
	struct session_fixture f;

	(void)state;
	session_fixture_open(&f, 1, false, true, FOT_F32);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct fot_session *s[2] = { NULL, NULL };
		struct session_fixture g = f;
		double nll[2][N - 2 * W];

		g.c.window = 3 * W;
		g.c.rope = fot_config_interpolated(&f.c, types[i], 3);
		assert_int_equal(fot_mkdir_all(scratch_path("long"), NULL), FOT_OK);
		g.m = tiny_model(&g.p, &g.c, scratch_path("long"), FOT_F32);
		fot_session_opts_default(&o, f.m);
		o.mode = FOT_MEMORY_NONE;
		o.rope = types[i];
		o.rope_factor = 3;
		assert_int_equal(fot_session_open(&s[0], f.m, &o, NULL), FOT_OK);
		fot_session_opts_default(&o, g.m);
		o.mode = FOT_MEMORY_NONE;
		assert_int_equal(fot_session_open(&s[1], g.m, &o, NULL), FOT_OK);
		for (int k = 0; k < 2; k++) {
			struct fot_want want = { .targets = f.text + 1, .nll = nll[k] };

			assert_int_equal(fot_session_room(s[k]), 3 * W);
			assert_int_equal(fot_session_feed(s[k], f.text, N - 2 * W, &want, NULL), FOT_OK);
			fot_session_close(s[k]);
		}
		assert_memory_equal(nll[0], nll[1], sizeof nll[0]);
		session_fixture_close(&g);
	}
	session_fixture_close(&f);
}

static void test_session_windows_grow_without_a_memory_alone(void **state)
{
	struct fot_session_opts o;
	struct fot_err err = { 0 };
	struct session_fixture f;

	(void)state;
	session_fixture_open(&f, 1, false, true, FOT_F32);
	fot_session_opts_default(&o, f.m);
	o.rope = FOT_ROPE_YARN;
	o.rope_factor = 3;
	assert_int_equal(fot_session_check(f.m, &o, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "rope: expected no memory"));
	o.mode = FOT_MEMORY_NONE;
	assert_int_equal(fot_session_check(f.m, &o, NULL), FOT_OK);
	o.rope_factor = 1 << 20;
	assert_int_equal(fot_session_check(f.m, &o, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "windows of at most 16777216 tokens, got 157286400"));
	session_fixture_close(&f);
}

/* Weights that are made for one are used by others, whichever is closed first. */
static void test_session_beside_another(void **state)
{
	struct session_fixture f;

	(void)state;
	session_fixture_open(&f, 1, false, true, FOT_BF16);
	for (int k = 0; k < 4; k++) {
		enum fot_compute compute = k % 2 ? FOT_COMPUTE_BF16 : FOT_COMPUTE_F32;
		struct fot_session *s[3] = { NULL };
		struct fot_session_opts o;
		double alone[W];

		fot_session_opts_default(&o, f.m);
		o.compute = compute;
		o.mem_max = N;
		assert_in_range(fot_session_common(f.m, &o), 1, fot_session_estimate(f.m, &o) - 1);
		assert_int_equal(fot_session_open(&s[0], f.m, &o, NULL), FOT_OK);
		session_fixture_feed(s[0], &f, 0, W, true);
		memcpy(alone, f.nll, sizeof alone);
		o.compute = k < 2 ? compute : FOT_COMPUTE_F32; /* of another kind: weights of its own */
		o.beside = s[0];
		assert_int_equal(fot_session_open(&s[1], f.m, &o, NULL), FOT_OK);
		fot_session_close(s[0]);
		o.compute = compute;
		o.beside = s[1];
		assert_int_equal(fot_session_open(&s[2], f.m, &o, NULL), FOT_OK);
		fot_session_close(s[1]);
		memset(f.nll, 0, sizeof f.nll);
		session_fixture_feed(s[2], &f, 0, W, true);
		assert_memory_equal(f.nll, alone, sizeof alone);
		fot_session_close(s[2]);
	}
	session_fixture_close(&f);
}

static void test_session_estimate_is_what_it_takes(void **state)
{
	struct fot_session_opts o;
	struct session_fixture f;
	size_t small, large;

	(void)state;
	session_fixture_open(&f, 2, false, false, FOT_F32);
	fot_session_opts_default(&o, f.m);
	o.mem_max = 1000;
	small = fot_session_estimate(f.m, &o);
	o.mem_max = 65000;
	large = fot_session_estimate(f.m, &o);
	/* Two layers, keys and values, 24 floats a token. */
	assert_int_equal(large - small, 2 * 2 * 24 * sizeof(float) * 64000);
	session_fixture_close(&f);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_session_equals_network),
		scratched(test_session_same_bits_for_any_threads),
		scratched(test_session_skipping_changes_no_bit),
		scratched(test_session_filling_in_pieces_changes_no_bit),
		scratched(test_session_cached_windows_change_no_bit),
		scratched(test_session_rewind_equals_fresh),
		scratched(test_session_topk_of_all_is_dense),
		scratched(test_session_bf16_memory_is_rounded),
		scratched(test_session_reads_16_bit_weights),
		scratched(test_session_branches_equal_feeds_of_their_own),
		scratched(test_session_refuses_branches_that_are_none),
		scratched(test_session_refuses),
		scratched(test_session_windows_grow),
		scratched(test_session_windows_grow_without_a_memory_alone),
		scratched(test_session_estimate_is_what_it_takes),
		scratched(test_session_beside_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
