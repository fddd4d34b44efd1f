/* test_session_cached.c: sessions of models with cached windows (Transformer-XL), against the training network and against
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/tiny_model.h"

static void check_cached_against_network(int n_mem, bool qk_norm, bool positionals)
{
	struct session_fixture f;
	struct fot_session *s;
	double want[W], last[W] = { 0 };

	session_fixture_open_cached(&f, n_mem, qk_norm, positionals);
	s = session_fixture_session(&f, FOT_MEMORY_NONE, 0, 2);
	assert_int_equal(fot_session_sight(s), 5 * W);
	for (int64_t seen = 0; seen < WINDOWS; seen++) {
		session_fixture_last(&f, seen, want);
		fot_session_reset(s);
		session_fixture_feed(s, &f, N - W - seen * W, N - W, false);
		session_fixture_feed(s, &f, N - W, N, true);
		session_fixture_close_to(f.nll + N - W, want);
		if (seen > 0) /* one window more is felt */
			assert_true(fabs(want[5] - last[5]) > 1e-5);
		memcpy(last, want, sizeof last);
	}
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_cached_equals_network(void **state)
{
	(void)state;
	check_cached_against_network(0, false, true);
	check_cached_against_network(2, true, false); /* layers 1 and 3 without positions */
	check_cached_against_network(1, true, true);
}

/* Threads, skipping, and the feeds in which windows come. */
static void test_session_cached_changes_no_bit(void **state)
{
	static const int64_t cut[] = { 0, W, 3 * W, 4 * W };
	struct session_fixture f;
	double want[N];

	(void)state;
	session_fixture_open_cached(&f, 1, true, false);
	for (int k = 0; k < 3; k++) {
		struct fot_session_opts o;
		struct fot_session *s = NULL;

		fot_session_opts_default(&o, f.m);
		assert_int_equal(o.mode, FOT_MEMORY_NONE);
		o.n_threads = k % 2 + 1;
		o.no_skip = k == 1;
		assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
		if (k < 2)
			session_fixture_feed(s, &f, 0, 4 * W, k == 1);
		for (size_t i = 0; k == 2 && i < 3; i++)
			session_fixture_feed(s, &f, cut[i], cut[i + 1], i % 2);
		session_fixture_feed(s, &f, 4 * W, N, true);
		if (k == 0)
			memcpy(want, f.nll, sizeof want);
		assert_memory_equal(want + 4 * W, f.nll + 4 * W, sizeof *want * W);
		fot_session_close(s);
	}
	session_fixture_close(&f);
}

static void test_session_cached_sight_is_exact(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	double want[W];
	int32_t kept;

	(void)state;
	tiny_config(&f.c, W, 1, false, true);
	f.c.cached_windows = 1;
	f.c.n_layers = 3;
	f.m = tiny_model(&f.p, &f.c, scratch_path(""), FOT_F32);
	tiny_tokens(f.text, N + 1, VOCAB, 1);
	s = session_fixture_session(&f, FOT_MEMORY_NONE, 0, 1);
	assert_int_equal(fot_session_sight(s), 3 * W);
	session_fixture_feed(s, &f, 0, 4 * W, false);
	session_fixture_feed(s, &f, 4 * W, N, true);
	memcpy(want, f.nll + 4 * W, sizeof want);
	fot_session_reset(s);
	session_fixture_feed(s, &f, W, 4 * W, false);
	session_fixture_feed(s, &f, 4 * W, N, true);
	assert_memory_equal(want, f.nll + 4 * W, sizeof want);
	fot_session_reset(s);
	kept = f.text[2 * W - 1];
	f.text[2 * W - 1] = (kept + 1) % VOCAB; /* the last token in sight of the first */
	session_fixture_feed(s, &f, W, 4 * W, false);
	session_fixture_feed(s, &f, 4 * W, N, true);
	assert_memory_not_equal(want, f.nll + 4 * W, sizeof want);
	fot_session_close(s);
	session_fixture_close(&f);
}

/* A window that ends early: the cache is the last W tokens, whatever windows they came in. */
static void test_session_cached_after_a_short_window(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	double whole[W], cut[W];

	(void)state;
	session_fixture_open_cached(&f, 0, false, true);
	f.c.n_layers = 1;
	fot_model_close(f.m);
	fot_params_release(&f.p);
	f.m = tiny_model(&f.p, &f.c, scratch_path(""), FOT_F32);
	s = session_fixture_session(&f, FOT_MEMORY_NONE, 0, 2);
	session_fixture_feed(s, &f, 0, W, false);
	session_fixture_feed(s, &f, W, 2 * W, true);
	memcpy(whole, f.nll + W, sizeof whole);
	fot_session_reset(s);
	for (int64_t at = 0; at < W; at += 37) { /* one layer: keys do not depend on how they came */
		session_fixture_feed(s, &f, at, at + 37 < W ? at + 37 : W, false);
		assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	}
	session_fixture_feed(s, &f, W, 2 * W, true);
	memcpy(cut, f.nll + W, sizeof cut);
	for (int i = 0; i < W; i++)
		assert_true(fabs(cut[i] - whole[i]) < 2e-5);
	fot_session_close(s);
	session_fixture_close(&f);
}

/* Padding at a window's head is not cached, and moves no position. */
static void test_session_cached_leaves_padding_out(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	double plain[W];

	(void)state;
	session_fixture_open_cached(&f, 1, false, true);
	s = session_fixture_session(&f, FOT_MEMORY_NONE, 0, 2);
	session_fixture_feed(s, &f, 20, W, false);
	assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	session_fixture_feed(s, &f, W, 2 * W, true);
	memcpy(plain, f.nll + W, sizeof plain);
	for (int one_position = 0; one_position < 2; one_position++) {
		fot_session_reset(s);
		fot_session_pads(s, 20, one_position);
		session_fixture_feed(s, &f, 0, W, true);
		session_fixture_feed(s, &f, W, 2 * W, true);
		for (int i = 0; i < W; i++)
			assert_true(fabs(f.nll[W + i] - plain[i]) < 2e-5);
	}
	fot_session_close(s);
	session_fixture_close(&f);
}

static void test_session_cached_rewinds_within_its_window(void **state)
{
	struct session_fixture f;
	struct fot_session *s;
	struct fot_mark start, inside, old;
	struct fot_err err = { 0 };
	double want[W];

	(void)state;
	session_fixture_open_cached(&f, 2, false, false);
	s = session_fixture_session(&f, FOT_MEMORY_NONE, 0, 1);
	old = fot_session_mark(s);
	session_fixture_feed(s, &f, 0, 2 * W, false);
	start = fot_session_mark(s);
	assert_int_equal(fot_session_commit(s, NULL), FOT_OK);
	session_fixture_feed(s, &f, 2 * W, 2 * W + 20, true);
	inside = fot_session_mark(s);
	session_fixture_feed(s, &f, 2 * W + 20, 3 * W, true);
	memcpy(want, f.nll + 2 * W, sizeof want);
	assert_int_equal(fot_session_rewind(s, inside, NULL), FOT_OK);
	session_fixture_feed(s, &f, 3 * W, 3 * W + 60, false); /* other tokens */
	assert_int_equal(fot_session_rewind(s, inside, NULL), FOT_OK);
	session_fixture_feed(s, &f, 2 * W + 20, 3 * W, true);
	assert_memory_equal(want, f.nll + 2 * W, sizeof want);
	assert_int_equal(fot_session_rewind(s, start, NULL), FOT_OK);
	session_fixture_feed(s, &f, 2 * W, 2 * W + 20, true);
	session_fixture_feed(s, &f, 2 * W + 20, 3 * W, true);
	assert_memory_equal(want, f.nll + 2 * W, sizeof want);
	assert_fails(fot_session_rewind(s, old, &err), FOT_ERR_RUN, &err, "is gone");
	fot_session_reset(s);
	assert_int_equal(fot_session_rewind(s, fot_session_mark(s), NULL), FOT_OK);
	fot_session_close(s);
	session_fixture_close(&f);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_session_cached_equals_network),
		scratched(test_session_cached_changes_no_bit),
		scratched(test_session_cached_sight_is_exact),
		scratched(test_session_cached_after_a_short_window),
		scratched(test_session_cached_leaves_padding_out),
		scratched(test_session_cached_rewinds_within_its_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
