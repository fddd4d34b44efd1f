/* test_memory_reading.c: every way to read a memory (all or top-k, joint or gate), three ways:
 * by the network that trains, by a session, and by slow loops in double precision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/session.h"
#include "model/train/network.h"
#include "tests/unit/scratch.h"
#include "tests/unit/slow_net.h"
#include "tests/unit/tiny_model.h"

#define W 40
#define WINDOWS 4
#define N (W * WINDOWS)
#define VOCAB 61

struct way {
	enum fot_mix mix;
	int32_t top_k; /* 0: all */
	int n_mem;
	bool qk_norm, positionals;
	double mem_scale;
};

static const struct way ways[] = {
	{ FOT_MIX_JOINT, 0, 2, false, false, 1 }, { FOT_MIX_JOINT, 6, 1, false, true, 1 },
	{ FOT_MIX_JOINT, 1, 2, true, false, 1 },  { FOT_MIX_JOINT, 500, 1, false, false, 1 },
	{ FOT_MIX_GATE, 0, 1, false, false, 1 },  { FOT_MIX_GATE, 0, 2, true, true, 1 },
	{ FOT_MIX_GATE, 5, 2, false, false, 1 },  { FOT_MIX_GATE, 9, 1, true, false, 1 },
	{ FOT_MIX_JOINT, 0, 2, false, false, 1.7 }, { FOT_MIX_JOINT, 6, 1, true, false, 0.6 },
	{ FOT_MIX_GATE, 0, 1, true, true, 2.5 },    { FOT_MIX_GATE, 5, 2, false, false, 1.7 },
};

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	int32_t text[N + 1];
};

static void open_fixture(struct fixture *f, const struct way *way)
{
	tiny_config(&f->c, W, way->n_mem, way->qk_norm, way->positionals);
	f->c.mix = way->mix;
	f->c.mem_scale = way->mem_scale;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, N + 1, VOCAB, 3);
}

static void close_fixture(struct fixture *f)
{
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

/* A document of WINDOWS windows, each of which asks and sees those before it. */
static void make_batch(struct fot_batch *b, const struct fixture *f, const struct fot_stage *st)
{
	assert_int_equal(fot_batch_init(b, st, 1, NULL), FOT_OK);
	fot_batch_link(b, st);
	memcpy(b->tokens, f->text, sizeof(int32_t) * N);
	memcpy(b->targets, f->text + 1, sizeof(int32_t) * N);
}

static double by_network(const struct fixture *f, const struct way *way, double *nll, double *slow)
{
	struct fot_stage st = { .method = FOT_METHOD_MEMORIZING, .window = W, .batch = WINDOWS, .w = WINDOWS - 1,
				.d = 1, .pack = WINDOWS, .top_k = way->top_k };
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	double loss = 0, want;

	make_batch(&b, f, &st);
	fot_net_size_of(&size, &st, 1, 2);
	assert_int_equal(fot_net_open(&net, &f->p, &size, NULL), FOT_OK);
	assert_int_equal(fot_net_loss(net, &b, &loss, nll, NULL), FOT_OK);
	want = slow_net_loss(&f->p, &f->p, &b, slow);
	assert_true(fabs(loss - want) < 1e-6 * want);
	fot_net_close(net);
	fot_batch_release(&b);
	return loss;
}

static struct fot_session *open_session(const struct fixture *f, const struct way *way, int threads, bool no_skip,
					int64_t slots)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;

	fot_session_opts_default(&o, f->m);
	o.mode = way->top_k ? FOT_MEMORY_KNN : FOT_MEMORY_DENSE;
	o.top_k = way->top_k;
	o.mem_max = N;
	o.n_threads = threads;
	o.crowd = true;
	o.no_skip = no_skip;
	o.cache_windows = slots;
	assert_int_equal(fot_session_open(&s, f->m, &o, NULL), FOT_OK);
	return s;
}

/* Feed [from, to) of the text; score it into nll unless that is NULL. */
static void feed(struct fot_session *s, const struct fixture *f, int64_t from, int64_t to, double *nll)
{
	struct fot_want want = { .targets = f->text + from + 1, .nll = nll ? nll + from : NULL };

	assert_int_equal(fot_session_feed(s, f->text + from, (size_t)(to - from), nll ? &want : NULL, NULL), FOT_OK);
}

static double mean(const double *x, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

/* Single precision through five layers: 2e-5 absolute on an nll of about 5. */
static void test_memory_reading_three_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct fixture f;
		struct fot_session *s;
		double trained[N], slow[N], nll[N], loss;

		open_fixture(&f, &ways[i]);
		loss = by_network(&f, &ways[i], trained, slow);
		s = open_session(&f, &ways[i], 2, false, 0);
		feed(s, &f, 0, N, nll);
		assert_true(fabs(mean(nll, N) - loss) < 1e-6 * loss);
		for (int j = 0; j < N; j++)
			if (!(fabs(nll[j] - slow[j]) < 2e-5) || !(fabs(trained[j] - slow[j]) < 2e-5))
				fail_msg("way %zu, token %d: session %.9g, network %.9g, expected %.9g", i, j, nll[j],
					 trained[j], slow[j]);
		fot_session_close(s);
		close_fixture(&f);
	}
}

/* The ways differ at all: what is read last, by each of two ways. */
static void test_memory_reading_gate_k_and_scale_matter(void **state)
{
	static const size_t pair[][2] = { { 3, 4 }, { 1, 3 }, { 6, 4 }, { 0, 8 }, { 4, 10 }, { 6, 11 } };
	double nll[12], all[N];

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		struct way way = { ways[i].mix, ways[i].top_k, 1, false, false, ways[i].mem_scale };
		struct fixture f;
		struct fot_session *s;

		open_fixture(&f, &way);
		s = open_session(&f, &way, 1, false, 0);
		feed(s, &f, 0, N, all);
		nll[i] = all[N - 1];
		fot_session_close(s);
		close_fixture(&f);
	}
	for (size_t i = 0; i < 6; i++)
		assert_true(fabs(nll[pair[i][0]] - nll[pair[i][1]]) > 1e-4);
}

/* Nothing of the memory in reach: the same bits as without any, so the gate counts for nothing. */
static void test_memory_reading_gate_without_memory(void **state)
{
	static const struct way way = { FOT_MIX_GATE, 5, 1, true, false, 1 };
	struct fot_session_opts o;
	struct fot_session *s;
	struct fixture f;
	double nll[N], none[N];

	(void)state;
	open_fixture(&f, &way);
	s = open_session(&f, &way, 1, false, 0);
	fot_session_reach(s, 0);
	feed(s, &f, 0, N, nll);
	fot_session_close(s);
	fot_session_opts_default(&o, f.m);
	o.mode = FOT_MEMORY_NONE;
	assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
	feed(s, &f, 0, N, none);
	assert_memory_equal(nll, none, sizeof nll);
	fot_session_close(s);
	close_fixture(&f);
}

/* Threads, skipping and the cache of windows, each against the plain way; then a rewind. */
static void test_memory_reading_gate_same_bits(void **state)
{
	static const struct {
		int threads;
		bool no_skip;
		int64_t slots;
	} runs[] = { { 1, true, 0 }, { 1, false, 0 }, { 2, false, 8 }, { 3, false, 1 }, { 3, true, 0 } };

	(void)state;
	for (size_t i = 4; i < sizeof ways / sizeof *ways; i++) {
		struct fixture f;
		double first[N], nll[N];

		open_fixture(&f, &ways[i]);
		memcpy(f.text + W, f.text, sizeof(int32_t) * W);
		for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
			struct fot_session *s = open_session(&f, &ways[i], runs[r].threads, runs[r].no_skip,
							     runs[r].slots);
			struct fot_mark m;

			for (int round = 0; round < 2; round++) {
				fot_session_reset(s);
				feed(s, &f, 0, N - W, NULL);
				m = fot_session_mark(s);
				feed(s, &f, N - W, N, nll);
				assert_int_equal(fot_session_rewind(s, m, NULL), FOT_OK);
				feed(s, &f, N - W, N, nll);
				if (r == 0 && round == 0)
					memcpy(first, nll, sizeof first);
				assert_memory_equal(first + N - W, nll + N - W, sizeof first[0] * W);
			}
			fot_session_close(s);
		}
		close_fixture(&f);
	}
}

/* A session's mem_scale stands for the model's: the same bits. */
static void test_memory_reading_scale_of_the_session(void **state)
{
	static const struct way with = { FOT_MIX_JOINT, 6, 1, false, false, 1.7 },
				without = { FOT_MIX_JOINT, 6, 1, false, false, 1 };
	double nll[2][N];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fot_session_opts o;
		struct fot_session *s;
		struct fixture f;

		open_fixture(&f, i == 0 ? &with : &without);
		fot_session_opts_default(&o, f.m);
		o.mode = FOT_MEMORY_KNN;
		o.top_k = 6;
		o.mem_max = N;
		o.mem_scale = i == 0 ? 0 : 1.7;
		assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
		feed(s, &f, 0, N, nll[i]);
		fot_session_close(s);
		o.mem_scale = 1001;
		assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_ERR_USAGE);
		close_fixture(&f);
	}
	assert_memory_equal(nll[0], nll[1], sizeof nll[0]);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_memory_reading_three_ways),
		scratched(test_memory_reading_gate_k_and_scale_matter),
		scratched(test_memory_reading_gate_without_memory),
		scratched(test_memory_reading_gate_same_bits),
		scratched(test_memory_reading_scale_of_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
