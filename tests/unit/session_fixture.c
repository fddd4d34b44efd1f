/* session_fixture.c: see session_fixture.h. */
#include "tests/unit/session_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/train/network.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

void session_fixture_open(struct session_fixture *f, int n_mem, bool qk_norm, bool positionals,
			  enum fot_dtype dtype)
{
	tiny_config(&f->c, W, n_mem, qk_norm, positionals);
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), dtype);
	tiny_tokens(f->text, N + 1, VOCAB, 1);
}

void session_fixture_close(struct session_fixture *f)
{
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

struct fot_session *session_fixture_session(const struct session_fixture *f, enum fot_memory_mode mode,
					    int32_t top_k, int threads)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_err err = { 0 };

	fot_session_opts_default(&o, f->m);
	o.mode = mode;
	o.top_k = top_k;
	o.n_threads = threads;
	o.crowd = true;
	o.mem_max = N;
	if (fot_session_open(&s, f->m, &o, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return s;
}

void session_fixture_feed(struct fot_session *s, struct session_fixture *f, int64_t from, int64_t to,
			  bool score)
{
	struct fot_want want = { .targets = f->text + from + 1, .nll = f->nll + from };
	struct fot_err err = { 0 };
	long before = fot_mem_guard_hits();
	int status;

	fot_mem_guard(1);
	status = fot_session_feed(s, f->text + from, (size_t)(to - from), score ? &want : NULL, &err);
	fot_mem_guard(0);
	if (status != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_mem_guard_hits(), before);
}

void session_fixture_last(struct session_fixture *f, int64_t seen, double *nll)
{
	struct fot_stage st = { .method = f->c.cached_windows ? FOT_METHOD_TRANSFORMER_XL :
								FOT_METHOD_CROSSBATCH,
				.window = W,
				.batch = 1,
				.w = WINDOWS - 1,
				.d = 1,
				.pack = 1 };
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	double loss;

	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	fot_batch_link(&b, &st);
	fot_batch_limit(&b, seen);
	memcpy(b.tokens, f->text + N - W, sizeof(int32_t) * W);
	memcpy(b.targets, f->text + N - W + 1, sizeof(int32_t) * W);
	for (int64_t i = 1; i < WINDOWS; i++)
		memcpy(b.tokens + i * W, f->text + N - W - i * W, sizeof(int32_t) * W);
	fot_net_size_of(&size, &st, 1, 1);
	assert_int_equal(fot_net_open(&net, &f->p, &size, NULL), FOT_OK);
	assert_int_equal(fot_net_loss(net, &b, &loss, nll, NULL), FOT_OK);
	fot_net_close(net);
	fot_batch_release(&b);
}

void session_fixture_close_to(const double *got, const double *want)
{
	for (int i = 0; i < W; i++)
		if (!(fabs(got[i] - want[i]) < 2e-5))
			fail_msg("token %d: %.9g, expected %.9g", i, got[i], want[i]);
}

void session_fixture_open_cached(struct session_fixture *f, int n_mem, bool qk_norm, bool positionals)
{
	tiny_config(&f->c, W, n_mem, qk_norm, positionals);
	f->c.cached_windows = 1;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, N + 1, VOCAB, 1);
}
