/* test_network.c: every hand-written gradient of training against central
 * finite differences, in double precision (built with -DFOT_REAL_DOUBLE).
 *
 * The loss is a smooth function of every parameter, so with a step of 1e-5 the
 * central difference is exact to about 1e-10 relative to the loss; 2e-6 relative
 * and 1e-9 absolute leave room for cancellation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/train/network_priv.h"
#include "tests/grad/features.h"
#include "tests/unit/vary_params.h"

#define STEP 1e-5

struct setting {
	const char *name;
	int n_mem, mem[2];
	bool qk_norm, positionals, tied;
	int64_t window, n_ask, w, d, negatives, pack;
	double answer_weight; /* 0: no answers; < 0: no other targets */
	const struct feature *feature; /* NULL: LLaMA's */
};

/* Windows of 140 cross a tile of queries, contexts of 2 x 140 a tile of keys. */
static const struct setting settings[] = {
	{ "standard without memory layers", 0, { 0 }, false, true, false, 9, 2, 0, 1, 0, 1, 0, NULL },
	{ "standard, rotary off at layer 1", 1, { 1 }, false, false, false, 9, 2, 0, 1, 0, 1, 0, NULL },
	{ "crossbatch w 2 d 3 negatives 2", 1, { 1 }, false, false, false, 7, 3, 2, 3, 2, 1, 0, NULL },
	{ "crossbatch, query-key norm", 1, { 1 }, true, false, false, 7, 3, 2, 2, 1, 1, 0, NULL },
	{ "crossbatch, rotary keys, tied", 1, { 1 }, false, true, true, 7, 3, 1, 3, 0, 1, 0, NULL },
	{ "two memory layers, all options", 2, { 0, 2 }, true, true, true, 6, 4, 2, 4, 3, 1, 0, NULL },
	{ "two memory layers side by side", 2, { 1, 2 }, true, false, false, 6, 2, 1, 2, 1, 1, 0, NULL },
	{ "windows longer than a tile", 1, { 1 }, true, false, false, 140, 2, 2, 2, 0, 1, 0, NULL },
	{ "packed: contexts ask too", 2, { 0, 2 }, true, true, false, 7, 6, 2, 2, 1, 3, 0, NULL },
	{ "answers count 2.5 fold", 1, { 1 }, false, false, false, 7, 3, 1, 2, 1, 1, 2.5, NULL },
	{ "answers alone", 1, { 1 }, false, false, false, 7, 3, 1, 1, 1, 1, -0.75, NULL },
};

/* Of cached windows the keys and values are constants, and are held while the parameters move. */
static const struct setting cached[] = {
	{ "cached windows", 0, { 0 }, false, true, false, 7, 3, 1, 1, 0, 1, 0, NULL },
	{ "cached windows, a layer without positions, norm", 1, { 1 }, true, false, true, 7, 3, 3, 1, 0, 1, 0, NULL },
	{ "cached windows longer than a tile, answers", 1, { 1 }, true, true, false, 270, 1, 2, 1, 0, 1, 0.5, NULL },
};

/* d: other rows in sight, with stepping. The memory layers' local keys are rotated, those of other rows
 * stand at position 0. */
static const struct setting rows[] = {
	{ "rows, LongLLaMA's rotary keys", 1, { 1 }, false, true, false, 7, 6, 1, 3, 0, 3, 0, NULL },
	{ "rows, two memory layers, norm, tied", 2, { 0, 2 }, true, true, true, 6, 8, 1, 6, 0, 4, 0, NULL },
	{ "rows without stepping", 1, { 2 }, false, false, false, 5, 5, 1, 2, 0, 1, 0, NULL },
};

static void make_config(struct fot_config *c, const struct setting *s)
{
	feature_config(c, s->window);
	c->tie_embeddings = s->tied;
	c->qk_norm = s->qk_norm;
	if (s->feature)
		s->feature->add(c);
	c->mem_positionals = s->positionals;
	c->n_mem_layers = s->n_mem;
	for (int i = 0; i < s->n_mem; i++)
		c->mem_layers[i] = s->mem[i];
}

static void make_batch(struct fot_batch *b, const struct fot_stage *st, double answer_weight, int32_t vocab)
{
	struct fot_rng rng;

	assert_int_equal(fot_batch_init(b, st, 1, NULL), FOT_OK);
	fot_batch_link(b, st);
	fot_rng_init(&rng, 7, "test.batch", (uint64_t)st->window);
	for (int64_t i = 0; i < b->n_win * b->window; i++)
		b->tokens[i] = (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
	for (int64_t i = 0; i < b->n_ask * b->window; i++)
		b->targets[i] = i % 5 == 3 ? -1 : (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
	b->answer_weight = fabs(answer_weight);
	for (int64_t i = 0; i < b->n_ask * b->window && fabs(answer_weight) > 0; i++)
		b->answer[i] = answer_weight < 0 || i % 4 == 1;
}

static double loss_at(struct fot_net *net, const struct fot_batch *b, fot_real *w, double x)
{
	double loss = 0, kept = (double)*w;

	*w = (fot_real)x;
	assert_int_equal(fot_net_loss(net, b, &loss, NULL, NULL), FOT_OK);
	*w = (fot_real)kept;
	return loss;
}

/* Check a few numbers of every tensor. */
static void check_tensors(struct fot_net *net, struct fot_params *p, const struct fot_batch *b,
			  const fot_real *grad, int per_tensor)
{
	struct fot_rng rng;

	fot_rng_init(&rng, 3, "test.pick", 0);
	for (size_t t = 0; t < p->n_tensors; t++) {
		const struct fot_tensor_spec *s = &p->spec[t];
		int64_t n = s->cols ? s->rows * s->cols : s->rows;

		for (int k = 0; k < per_tensor; k++) {
			int64_t at = p->offset[t] + (int64_t)fot_rng_below(&rng, (uint64_t)n);
			fot_real *w = &p->w[at];
			double up = loss_at(net, b, w, (double)*w + STEP), down = loss_at(net, b, w, (double)*w - STEP);
			double want = (up - down) / (2 * STEP), got = (double)grad[at];

			if (fabs(want - got) > 1e-9 + 2e-6 * fabs(want))
				fail_msg("%s[%lld]: finite difference %.12g, gradient %.12g", s->name,
					 (long long)(at - p->offset[t]), want, got);
		}
	}
}

static void check_setting(const struct setting *s, enum fot_method method)
{
	struct fot_stage st = { .method = s->w ? method : FOT_METHOD_STANDARD, .window = s->window, .batch = s->n_ask, .w = s->w, .d = s->d, .negatives = s->negatives,
				.pack = s->pack, .range = s->d, .stepping = s->pack > 1 };
	struct fot_config c;
	struct fot_params p;
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	struct fot_err err = { 0 };
	fot_real *grad;
	double loss = 0;

	make_config(&c, s);
	make_batch(&b, &st, s->answer_weight, c.vocab_size);
	assert_int_equal(fot_params_init(&p, &c, &err), FOT_OK);
	fot_params_random(&p, 11, 0.9, 0.7);
	vary_params(&p);
	fot_net_size_of(&size, &st, 1, 2);
	assert_int_equal(fot_net_open(&net, &p, &size, &err), FOT_OK);
	grad = fot_calloc((size_t)p.n, sizeof *grad);
	assert_non_null(grad);
	assert_int_equal(fot_net_gradient(net, &b, &loss, grad, &err), FOT_OK);
	assert_true(loss > 1 && loss < 30);
	net->hold_prev = true;
	check_tensors(net, &p, &b, grad, s->window > 100 ? 2 : 6);
	fot_net_close(net);
	fot_free(grad);
	fot_batch_release(&b);
	fot_params_release(&p);
}

static void test_network_gradients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		print_message("%s\n", settings[i].name);
		check_setting(&settings[i], FOT_METHOD_CROSSBATCH);
	}
}

static void test_network_cached_gradients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cached / sizeof *cached; i++) {
		print_message("%s\n", cached[i].name);
		check_setting(&cached[i], FOT_METHOD_TRANSFORMER_XL);
	}
}

/* Windows longer than what slides, so that the cached window is seen in part. */
static void test_network_cached_gradients_of_features(void **state)
{
	static const struct setting s = { "", 1, { 1 }, false, true, false, 6, 2, 2, 1, 0, 1, 0, NULL };

	(void)state;
	for (size_t i = 0; i < n_features; i++) {
		struct setting one = s;

		print_message("%s\n", features[i].name);
		one.feature = &features[i];
		check_setting(&one, FOT_METHOD_TRANSFORMER_XL);
	}
}

/* Windows of more than a tile of queries and of keys. */
static void test_network_gradients_of_long_windows(void **state)
{
	static const struct setting s = { "", 1, { 1 }, false, true, false, 300, 2, 1, 2, 0, 1, 0, NULL };

	(void)state;
	for (size_t i = n_features - 2; i < n_features; i++) {
		struct setting one = s;

		one.feature = &features[i];
		check_setting(&one, FOT_METHOD_CROSSBATCH);
	}
}

static void test_network_row_gradients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("%s\n", rows[i].name);
		check_setting(&rows[i], FOT_METHOD_LONGLLAMA);
	}
}

static void test_network_row_gradients_of_features(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_features; i++) {
		struct setting one = rows[i % 2];

		print_message("%s: %s\n", features[i].name, one.name);
		one.qk_norm = one.tied = false;
		one.feature = &features[i];
		check_setting(&one, FOT_METHOD_LONGLLAMA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_network_gradients),
					    cmocka_unit_test(test_network_cached_gradients),
					    cmocka_unit_test(test_network_cached_gradients_of_features),
					    cmocka_unit_test(test_network_gradients_of_long_windows),
					    cmocka_unit_test(test_network_row_gradients),
					    cmocka_unit_test(test_network_row_gradients_of_features) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
