/* test_cost.c: the formulas against counting layer by layer, query by query. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/cost.h"

#define W 8

/* Rows of queries are wider than those of keys, and other than the hidden size. */
static void group(struct fot_config *c)
{
	c->n_heads = 4;
	c->n_kv_heads = 2;
	c->head_dim = 8;
}

static struct fot_config config(int n_mem, int first, int cached)
{
	struct fot_config c;

	fot_config_default(&c);
	c.hidden_size = 12;
	c.n_heads = 2;
	c.head_dim = 6;
	c.intermediate_size = 20;
	c.vocab_size = 50;
	c.n_layers = 5;
	c.window = W;
	c.n_mem_layers = n_mem;
	for (int i = 0; i < n_mem; i++)
		c.mem_layers[i] = first + i;
	c.cached_windows = cached;
	return c;
}

static double queries_of(const struct fot_config *c)
{
	return (double)c->n_heads * c->head_dim;
}

static double keys_of(const struct fot_config *c)
{
	return (double)(c->n_kv_heads ? c->n_kv_heads : c->n_heads) * c->head_dim;
}

/* A window: n tokens with `before` before them; every layer, every query. */
static void walk_window(struct fot_flops *f, const struct fot_config *c, const struct fot_session_opts *o,
			int before, int n, int answered)
{
	bool keeps = o->mode == FOT_MEMORY_DENSE || o->mode == FOT_MEMORY_KNN;
	bool skip = !answered && n == W && !o->no_skip;
	int last = c->cached_windows ? c->n_layers - 1 : keeps ? c->mem_layers[c->n_mem_layers - 1] : -1;
	double D = c->hidden_size, DQ = queries_of(c), DK = keys_of(c);

	for (int l = 0; l < c->n_layers; l++)
		for (int q = 0; q < n; q++) {
			int past = !c->cached_windows ? 0 : before < W ? before : W;

			if (skip && l > last)
				continue;
			f->weights += 2 * 2 * D * DK; /* key, value */
			if (skip && l == last)
				continue;
			f->weights += 2 * (2 * D * DQ + 3 * D * c->intermediate_size);
			for (int key = -past; key <= q; key++)
				f->local += 2 * DQ + 2 * DQ;
			if (!keeps || !fot_config_is_mem_layer(c, l))
				continue;
			for (int key = 0; key < before; key++)
				f->memory +=
					2 * DQ + (o->mode == FOT_MEMORY_DENSE || key < o->top_k ? 2 * DQ : 0);
		}
	f->head += answered ? n * 2 * D * c->vocab_size : 0;
}

static void assert_flops(const struct fot_flops *got, const struct fot_flops *want)
{
	assert_true(got->weights == want->weights);
	assert_true(got->local == want->local);
	assert_true(got->memory == want->memory);
	assert_true(got->head == want->head);
}

static void check_reading(const struct fot_config *c, const struct fot_session_opts *o)
{
	for (int before = 0; before <= 2 * W; before += W)
		for (int n = 0; n <= 5 * W + 3; n++)
			for (int answered = 0; answered < 2; answered++) {
				struct fot_flops got = { 0 }, want = { 0 };

				fot_flops_read(&got, c, o, before, n, answered);
				for (int at = 0; at < n; at += W)
					walk_window(&want, c, o, before + at, n - at < W ? n - at : W,
						    answered);
				assert_flops(&got, &want);
			}
}

static void test_cost_reading_equals_walk(void **state)
{
	static const struct {
		enum fot_memory_mode mode;
		int n_mem, first, cached;
	} ways[] = { { FOT_MEMORY_NONE, 1, 2, 0 }, { FOT_MEMORY_DENSE, 1, 2, 0 },  { FOT_MEMORY_DENSE, 1, 0, 0 },
		     { FOT_MEMORY_DENSE, 3, 1, 0 },  { FOT_MEMORY_KNN, 1, 4, 0 }, { FOT_MEMORY_KNN, 2, 3, 0 },
		     { FOT_MEMORY_NONE, 0, 0, 0 }, { FOT_MEMORY_NONE, 1, 2, 1 }, { FOT_MEMORY_XL, 0, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		for (int no_skip = 0; no_skip < 2; no_skip++) {
			struct fot_config c = config(ways[i].n_mem, ways[i].first, ways[i].cached);
			struct fot_session_opts o = { .mode = ways[i].mode,
						      .top_k = 5,
						      .no_skip = no_skip };

			check_reading(&c, &o);
		}
}

static void test_cost_of_grouped_keys_equals_walk(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct fot_config c = config(2, 1, 0);
		struct fot_session_opts o = { .mode = i == 0 ? FOT_MEMORY_DENSE :
							i == 1 ? FOT_MEMORY_KNN :
								 FOT_MEMORY_NONE,
					      .top_k = 5 };

		group(&c);
		check_reading(&c, &o);
	}
}

static void test_cost_window_may_be_longer(void **state)
{
	struct fot_config c = config(2, 1, 0);
	struct fot_session_opts o = { .mode = FOT_MEMORY_KNN, .top_k = 5 };
	struct fot_flops got = { 0 }, want = { 0 };

	(void)state;
	fot_flops_window(&got, &c, &o, 20, 3 * W + 1);
	walk_window(&want, &c, &o, 20, 3 * W + 1, 1);
	assert_flops(&got, &want);
}

/* Whole windows that see the same memory: as windows one by one. */
static void test_cost_asked_equals_walk(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct fot_config c = config(i == 2 ? 0 : 2, 1, i == 2);
		struct fot_session_opts o = { .mode = i == 0 ? FOT_MEMORY_DENSE :
							i == 1 ? FOT_MEMORY_KNN :
								 FOT_MEMORY_NONE,
					      .top_k = 5 };
		struct fot_flops got = { 0 }, want = { 0 };

		fot_flops_asked(&got, &c, &o, 3 * W, 40);
		for (int w = 0; w < 3; w++)
			walk_window(&want, &c, &o, 40, W, 1);
		assert_flops(&got, &want);
	}
}

/* Products of one layer for a token: forward, and twice that backward. */
static double weights_of(const struct fot_config *c)
{
	double D = c->hidden_size, Q = queries_of(c), K = keys_of(c);

	return 2 * (2 * D * Q + 2 * D * K + 3 * D * c->intermediate_size);
}

/* A step of `ask` windows that each see `seen` windows of the other `context` ones. */
static double walk_step(const struct fot_config *c, int ask, int context, int seen, int top_k, bool constant)
{
	double D = c->hidden_size, Q = queries_of(c), sum = 0;
	int last = c->mem_layers[c->n_mem_layers - 1];

	for (int l = 0; l < c->n_layers; l++)
		for (int w = 0; w < ask + context; w++)
			for (int q = 0; q < W; q++) {
				bool asks = w < ask;
				int times = asks || !constant ? 3 : 1;

				if (!asks && l == last)
					sum += times * 2 * 2 * D * keys_of(c);
				if (!asks && l >= last)
					continue;
				sum += times * weights_of(c);
				for (int key = 0; key <= q; key++)
					sum += (times == 3 ? 4 + 10 : 4) * Q;
				for (int key = 0; asks && fot_config_is_mem_layer(c, l) && key < seen * W;
				     key++) {
					bool kept = !top_k || key < top_k;

					sum += 2 * Q;             /* score */
					sum += kept ? 2 * Q : 0;  /* value */
					sum += top_k ? 0 : 2 * Q; /* the score again */
					sum += kept ? (constant ? 2 : 4) * 2 * Q :
						      0; /* query, weight; key, value */
				}
			}
	return sum + 3.0 * 2 * ask * W * D * c->vocab_size;
}

static void test_cost_training_equals_walk(void **state)
{
	static const int n_ask = 3, n_context = 4, n_seen = 2;

	(void)state;
	for (int i = 0; i < 16; i++) {
		struct fot_config c = config(1 + i % 2, 2, 0);
		int top_k = i & 2 ? 5 : 0;
		double pairs = n_ask * W * n_seen * W;
		struct fot_training_step s = { .window = W,
					       .ask = n_ask * W,
					       .context = n_context * W,
					       .seen = pairs,
					       .kept = top_k ? n_ask * W * top_k : pairs,
					       .chosen = top_k > 0,
					       .constant = i & 4 };

		if (i & 8)
			group(&c);
		assert_true(fot_flops_training(&c, &s) ==
			    walk_step(&c, n_ask, n_context, n_seen, top_k, i & 4));
	}
}

/* ask windows, each with a chain before it that goes forward alone; the first of it sees no past. */
static double walk_chain(const struct fot_config *c, int ask, int chain)
{
	double D = c->hidden_size, Q = queries_of(c), sum = 0;

	for (int l = 0; l < c->n_layers; l++)
		for (int w = 0; w <= chain; w++) {
			bool asks = w == chain;

			for (int q = 0; q < W; q++) {
				if (!asks && l == c->n_layers - 1) {
					sum += 4 * D * keys_of(c);
					continue;
				}
				sum += (asks ? 3 : 1) * weights_of(c) + (asks ? 14 : 4) * Q * (q + 1);
				sum += w > 0 ? (asks ? 10 : 4) * Q * W : 0;
			}
		}
	return ask * (sum + 3.0 * 2 * W * D * c->vocab_size);
}

static void test_cost_training_of_cached_windows_equals_walk(void **state)
{
	struct fot_config c = config(0, 0, 1);

	(void)state;
	for (int chain = 0; chain < 8; chain++) {
		if (chain == 4)
			group(&c);
		struct fot_training_step s = {
			.window = W, .ask = 3 * W, .context = 3 * chain * W, .cached = true, .chain = chain
		};

		assert_true(fot_flops_training(&c, &s) == walk_chain(&c, 3, chain));
	}
}

/* What a kind works out before a window reads counts once a window, and queries that it observes where else they are not
 * made.  knorm: the B entries and the window's for each window in reach; windows that grow: what stands before. */
static void test_cost_kinds_that_forget(void **state)
{
	struct fot_config c = config(1, 2, 0);
	struct fot_session_opts o = { .mode = FOT_MEMORY_KNORM, .number = { 6 }, .window = W };
	struct fot_session_opts observing = { .mode = FOT_MEMORY_TOVA, .number = { 6 }, .window = W };
	struct fot_flops all = { 0 }, read = { 0 }, seen = { 0 };
	double DQ = queries_of(&c), windows = 40.0 / W;

	(void)state;
	fot_flops_asked(&all, &c, &o, W, 40);
	assert_true(fabs(all.memory - 2 * DQ * (W * (6 + 6) + windows * (6 + W))) < 1e-6);
	o.mode = FOT_MEMORY_RECENT;
	fot_flops_read(&read, &c, &o, 0, 3 * W, false);
	fot_flops_read(&seen, &c, &observing, 0, 3 * W, false);
	assert_true(fabs(seen.weights - read.weights - 3 * W * 2 * c.hidden_size * DQ) < 1e-6);
}

static void test_cost_windows_that_grow(void **state)
{
	struct fot_config c = config(0, 0, 0);
	struct fot_session_opts o = { .mode = FOT_MEMORY_NONE, .window = W, .rope = FOT_ROPE_LINEAR, .rope_factor = 4 };
	struct fot_session_opts long_window = { .mode = FOT_MEMORY_NONE, .window = 4 * W };
	struct fot_flops grown = { 0 }, whole = { 0 };

	(void)state;
	fot_flops_asked(&grown, &c, &o, W, 3 * W);
	fot_flops_window(&whole, &c, &long_window, 0, 4 * W);
	assert_true(fabs(grown.local - whole.local) < 1e-6);
	assert_true(fabs(grown.weights - whole.weights) < 1e-6);
	assert_true(fabs(4 * grown.head - whole.head) < 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost_reading_equals_walk),
		cmocka_unit_test(test_cost_of_grouped_keys_equals_walk),
		cmocka_unit_test(test_cost_window_may_be_longer),
		cmocka_unit_test(test_cost_asked_equals_walk),
		cmocka_unit_test(test_cost_training_equals_walk),
		cmocka_unit_test(test_cost_training_of_cached_windows_equals_walk),
		cmocka_unit_test(test_cost_kinds_that_forget),
		cmocka_unit_test(test_cost_windows_that_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
