/* test_memory.c: how a memory is read, what of it gets gradients and what attention is taught: top-k, gate,
 * memorizing, labels; and each of these in networks of every kind that is read.
 *
 * The loss is compared with slow_net.c, gradients with central finite differences of the
 * loss, in double precision.  For the memorizing objective the difference is taken of the slow loss, whose
 * memory keeps the parameters as they were: so the gradient must be that of the asking windows alone.
 * The loss jumps where the k-th and the next key swap places; the inputs here are few and random, so
 * that hardly a step of 1e-5 comes near such a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/train/network.h"
#include "tests/grad/features.h"
#include "tests/unit/slow_net.h"
#include "tests/unit/vary_params.h"

#define STEP 1e-5
#define CROSS FOT_METHOD_CROSSBATCH
#define MEMO FOT_METHOD_MEMORIZING

struct setting {
	const char *name;
	enum fot_mix mix;
	int n_mem, mem[2];
	bool qk_norm, positionals;
	struct fot_stage st;
	double mem_scale;
	const struct feature *feature; /* NULL: LLaMA's */
};

static const struct setting settings[] = {
	{ "top-3 of crossbatch", FOT_MIX_JOINT, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 7, .batch = 3, .w = 2, .d = 3, .negatives = 2, .pack = 1, .top_k = 3 }, 1, NULL },
	{ "top-1, most windows unread", FOT_MIX_JOINT, 1, { 1 }, true, false,
	  { .method = CROSS, .window = 2, .batch = 1, .w = 1, .d = 1, .negatives = 20, .pack = 1, .top_k = 1 }, 1, NULL },
	{ "top-k of two memory layers, rotary", FOT_MIX_JOINT, 2, { 0, 2 }, true, true,
	  { .method = CROSS, .window = 6, .batch = 4, .w = 2, .d = 4, .negatives = 3, .pack = 1, .top_k = 4 }, 1, NULL },
	{ "top-k of two memory layers, contexts read late", FOT_MIX_JOINT, 2, { 0, 1 }, false, false,
	  { .method = CROSS, .window = 2, .batch = 2, .w = 1, .d = 1, .negatives = 12, .pack = 1, .top_k = 1 }, 1, NULL },
	{ "top-k, packed", FOT_MIX_JOINT, 2, { 1, 2 }, true, false,
	  { .method = CROSS, .window = 7, .batch = 6, .w = 2, .d = 2, .negatives = 1, .pack = 3, .top_k = 5 }, 1, NULL },
	{ "more asked than there is", FOT_MIX_JOINT, 1, { 1 }, false, true,
	  { .method = CROSS, .window = 5, .batch = 2, .w = 2, .d = 1, .pack = 1, .top_k = 100 }, 1, NULL },
	{ "gate", FOT_MIX_GATE, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 7, .batch = 3, .w = 2, .d = 2, .negatives = 1, .pack = 1 }, 1, NULL },
	{ "gate, packed, two memory layers", FOT_MIX_GATE, 2, { 0, 2 }, true, true,
	  { .method = CROSS, .window = 6, .batch = 6, .w = 2, .d = 2, .pack = 3 }, 1, NULL },
	{ "gate, top-k", FOT_MIX_GATE, 2, { 1, 2 }, true, false,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 3, .negatives = 2, .pack = 1, .top_k = 4 }, 1, NULL },
	{ "gate that nothing reaches", FOT_MIX_GATE, 1, { 1 }, false, false,
	  { .method = FOT_METHOD_STANDARD, .window = 9, .batch = 2, .w = 1, .d = 1, .pack = 1 }, 1, NULL },
	{ "sharp scores of the memory", FOT_MIX_JOINT, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 7, .batch = 3, .w = 2, .d = 2, .negatives = 1, .pack = 1 }, 1.7, NULL },
	{ "sharp, top-k, two memory layers", FOT_MIX_JOINT, 2, { 0, 2 }, true, true,
	  { .method = CROSS, .window = 6, .batch = 6, .w = 2, .d = 2, .pack = 3, .top_k = 4 }, 0.6, NULL },
	{ "sharp, gate, top-k", FOT_MIX_GATE, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 3, .negatives = 2, .pack = 1, .top_k = 4 }, 1.7, NULL },
	{ "sharp, gate, all", FOT_MIX_GATE, 2, { 1, 2 }, true, false,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 3, .pack = 1 }, 2.5, NULL },
	{ "memorizing", FOT_MIX_JOINT, 1, { 1 }, false, false,
	  { .method = MEMO, .window = 7, .batch = 3, .w = 2, .d = 1, .pack = 1 }, 1, NULL },
	{ "memorizing, gate, top-k", FOT_MIX_GATE, 1, { 1 }, true, true,
	  { .method = MEMO, .window = 7, .batch = 3, .w = 3, .d = 1, .pack = 1, .top_k = 4 }, 1, NULL },
	{ "memorizing, two memory layers", FOT_MIX_JOINT, 2, { 0, 2 }, true, true,
	  { .method = MEMO, .window = 6, .batch = 2, .w = 2, .d = 1, .pack = 1 }, 1, NULL },
	{ "taught, packed", FOT_MIX_JOINT, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 9, .batch = 6, .w = 2, .d = 2, .negatives = 1, .pack = 3, .teach = 0.7, .teach_text = 1.5 }, 1, NULL },
	{ "taught, two memory layers, rotary, sharp", FOT_MIX_JOINT, 2, { 0, 2 }, true, true,
	  { .method = CROSS, .window = 8, .batch = 3, .w = 2, .d = 3, .pack = 1, .teach = 2, .teach_text = 0.3 }, 1.7, NULL },
	{ "taught within the window", FOT_MIX_JOINT, 2, { 1, 2 }, true, true,
	  { .method = FOT_METHOD_STANDARD, .window = 12, .batch = 3, .w = 1, .d = 1, .pack = 1, .teach = 1 }, 1, NULL },
	{ "taught, memorizing", FOT_MIX_JOINT, 1, { 1 }, true, true,
	  { .method = MEMO, .window = 8, .batch = 3, .w = 3, .d = 1, .pack = 1, .teach = 1, .teach_text = 2 }, 1, NULL },
	{ "taught to read texts alone", FOT_MIX_JOINT, 1, { 2 }, false, false,
	  { .method = CROSS, .window = 9, .batch = 4, .w = 1, .d = 2, .pack = 2, .teach = 1e-9, .teach_text = 1 }, 1, NULL },
	{ "memorizing, packed, gate, two memory layers", FOT_MIX_GATE, 2, { 1, 2 }, false, false,
	  { .method = MEMO, .window = 6, .batch = 6, .w = 2, .d = 1, .pack = 3, .top_k = 5 }, 1, NULL },
};

/* Every feature with each of these. */
static const struct setting of_features[] = {
	{ "standard", FOT_MIX_JOINT, 1, { 1 }, false, true,
	  { .method = FOT_METHOD_STANDARD, .window = 9, .batch = 2, .w = 1, .d = 1, .pack = 1 }, 1, NULL },
	{ "all of the memory", FOT_MIX_JOINT, 2, { 0, 2 }, false, true,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 3, .negatives = 1, .pack = 1 }, 1, NULL },
	{ "all, without positions", FOT_MIX_JOINT, 1, { 1 }, false, false,
	  { .method = CROSS, .window = 7, .batch = 3, .w = 2, .d = 2, .pack = 1 }, 1, NULL },
	{ "top-k", FOT_MIX_JOINT, 2, { 1, 2 }, false, true,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 3, .negatives = 2, .pack = 1, .top_k = 4 }, 1, NULL },
	{ "gate", FOT_MIX_GATE, 1, { 1 }, false, true,
	  { .method = CROSS, .window = 6, .batch = 4, .w = 2, .d = 2, .pack = 2 }, 1.4, NULL },
	{ "gate, top-k", FOT_MIX_GATE, 2, { 0, 2 }, false, true,
	  { .method = CROSS, .window = 6, .batch = 3, .w = 2, .d = 2, .negatives = 2, .pack = 1, .top_k = 3 }, 1, NULL },
	{ "memorizing, gate, top-k", FOT_MIX_GATE, 1, { 1 }, false, true,
	  { .method = MEMO, .window = 7, .batch = 2, .w = 2, .d = 1, .pack = 1, .top_k = 4 }, 1, NULL },
	{ "memorizing", FOT_MIX_JOINT, 1, { 1 }, false, true,
	  { .method = MEMO, .window = 6, .batch = 2, .w = 2, .d = 1, .pack = 1 }, 1, NULL },
};

/* What a check works on. */
struct bench {
	struct fot_params p, kept; /* kept: the parameters as they were */
	struct fot_net *net;
	struct fot_batch b;
	fot_real *grad;
	double loss;
};

static void make_config(struct fot_config *c, const struct setting *s)
{
	feature_config(c, s->st.window);
	c->qk_norm = s->qk_norm;
	if (s->feature)
		s->feature->add(c);
	c->mem_positionals = s->positionals;
	c->mix = s->mix;
	c->mem_scale = s->mem_scale;
	c->n_mem_layers = s->n_mem;
	for (int i = 0; i < s->n_mem; i++)
		c->mem_layers[i] = s->mem[i];
}

/* Classes 0 to 3, or none, of which one is asked for; some places ask for what is not in sight. */
static void make_labels(struct fot_batch *b, const struct fot_stage *st, struct fot_rng *rng)
{
	b->labelled = st->teach > 0;
	b->teach = st->teach;
	b->teach_text = st->teach_text;
	for (int64_t i = 0; i < b->n_win * b->window; i++) {
		b->label[i] = (int32_t)fot_rng_below(rng, 8) - 4;
		b->text[i] = (int32_t)fot_rng_below(rng, 4) - 2;
		b->reads[i] = (int32_t)fot_rng_below(rng, 4) - 2;
	}
	for (int64_t i = 0; i < b->n_ask * b->window; i++)
		b->asks[i] = b->targets[i] < 0 ? -1 : (int32_t)fot_rng_below(rng, 8) - 4;
	for (int64_t i = 0; i < b->n_ask; i++) {
		b->n_choices[i] = 4;
		for (int32_t k = 0; k < 4; k++)
			b->choice[i * FOT_BATCH_CHOICES + k] = 2 + k;
	}
}

static void make_batch(struct fot_batch *b, const struct fot_stage *st, int32_t vocab)
{
	struct fot_rng rng;

	assert_int_equal(fot_batch_init(b, st, 1, NULL), FOT_OK);
	fot_batch_link(b, st);
	fot_rng_init(&rng, 7, "test.batch", (uint64_t)(st->window + st->negatives));
	for (int64_t i = 0; i < b->n_win * b->window; i++)
		b->tokens[i] = (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
	for (int64_t i = 0; i < b->n_ask * b->window; i++)
		b->targets[i] = i % 5 == 3 ? -1 : (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
	make_labels(b, st, &rng);
}

static void make_params(struct fot_params *p, const struct fot_config *c)
{
	assert_int_equal(fot_params_init(p, c, NULL), FOT_OK);
	fot_params_random(p, 11, 0.9, 0.7);
	vary_params(p);
}

static void open_bench(struct bench *t, const struct setting *s, int threads)
{
	struct fot_net_size size;
	struct fot_config c;

	make_config(&c, s);
	make_batch(&t->b, &s->st, c.vocab_size);
	make_params(&t->p, &c);
	make_params(&t->kept, &c);
	fot_net_size_of(&size, &s->st, 1, threads);
	assert_int_equal(fot_net_open(&t->net, &t->p, &size, NULL), FOT_OK);
	t->grad = fot_calloc((size_t)t->p.n, sizeof *t->grad);
	assert_non_null(t->grad);
	assert_int_equal(fot_net_gradient(t->net, &t->b, &t->loss, t->grad, NULL), FOT_OK);
}

static void close_bench(struct bench *t)
{
	fot_net_close(t->net);
	fot_free(t->grad);
	fot_batch_release(&t->b);
	fot_params_release(&t->p);
	fot_params_release(&t->kept);
}

static double loss_at(struct bench *t, fot_real *w, double x)
{
	double loss = 0, old = (double)*w;

	*w = (fot_real)x;
	if (t->b.constant)
		loss = slow_net_loss(&t->p, &t->kept, &t->b, NULL);
	else
		assert_int_equal(fot_net_loss(t->net, &t->b, &loss, NULL, NULL), FOT_OK);
	*w = (fot_real)old;
	return loss;
}

/* Central difference of the loss. */
static double difference(struct bench *t, fot_real *w, double step)
{
	return (loss_at(t, w, (double)*w + step) - loss_at(t, w, (double)*w - step)) / (2 * step);
}

static void check_number(struct bench *t, const char *name, int64_t at)
{
	fot_real *w = &t->p.w[at];
	double want = difference(t, w, STEP), got = (double)t->grad[at];

	if (fabs(want - got) <= 1e-9 + 2e-6 * fabs(want))
		return;
	if (t->b.top_k) /* a place where two keys swap may be nearer than a step */
		want = difference(t, w, STEP / 100);
	if (!t->b.top_k || fabs(want - got) > 1e-7 + 1e-5 * fabs(want))
		fail_msg("%s: finite difference %.12g, gradient %.12g", name, want, got);
}

static void check_setting(const struct setting *s, int per_tensor)
{
	struct bench t;
	struct fot_rng rng;

	open_bench(&t, s, 2);
	assert_true(fabs(t.loss - slow_net_loss(&t.p, &t.kept, &t.b, NULL)) < 1e-11 * t.loss);
	fot_rng_init(&rng, 3, "test.pick", 0);
	for (size_t i = 0; i < t.p.n_tensors; i++) {
		const struct fot_tensor_spec *spec = &t.p.spec[i];
		int64_t n = spec->cols ? spec->rows * spec->cols : spec->rows;

		for (int k = 0; k < per_tensor; k++)
			check_number(&t, spec->name, t.p.offset[i] + (int64_t)fot_rng_below(&rng, (uint64_t)n));
	}
	close_bench(&t);
}

static void test_memory_gradients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		print_message("%s\n", settings[i].name);
		check_setting(&settings[i], 6);
	}
}

static void test_memory_gradients_of_features(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_features; i++)
		for (size_t j = 0; j < sizeof of_features / sizeof *of_features; j++) {
			struct setting s = of_features[j];

			print_message("%s: %s\n", features[i].name, s.name);
			s.feature = &features[i];
			check_setting(&s, 2);
		}
}

/* Gradients of the same windows, read in two ways. */
static double largest_difference(const struct setting *a, const struct setting *b, int threads)
{
	struct bench x, y;
	double most = 0;

	open_bench(&x, a, 1);
	open_bench(&y, b, threads);
	assert_true(fabs(x.loss - y.loss) < 1e-12 * x.loss);
	for (int64_t i = 0; i < x.p.n; i++)
		most = fmax(most, fabs((double)(x.grad[i] - y.grad[i])));
	close_bench(&x);
	close_bench(&y);
	return most;
}

/* Windows of more than a tile of queries and of keys; the best k of fewer than k keys are all. */
static void test_memory_topk_of_all_is_dense(void **state)
{
	static const enum fot_mix mix[] = { FOT_MIX_JOINT, FOT_MIX_GATE };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct setting all = { "", mix[i], 1, { 1 }, true, true,
				       { .method = CROSS, .window = 300, .batch = 2, .w = 1, .d = 2, .pack = 1 }, 1, NULL };
		struct setting best = all;

		best.st.top_k = 600;
		assert_true(largest_difference(&all, &best, 2) < 1e-13);
	}
}

static void test_memory_topk_of_large_windows(void **state)
{
	static const struct setting s = { "", FOT_MIX_JOINT, 1, { 1 }, true, false,
					  { .method = CROSS, .window = 300, .batch = 1, .w = 2, .d = 1, .pack = 1,
					    .top_k = 9 }, 1, NULL };
	struct bench t;

	(void)state;
	open_bench(&t, &s, 1);
	assert_true(fabs(t.loss - slow_net_loss(&t.p, &t.p, &t.b, NULL)) < 1e-11 * t.loss);
	close_bench(&t);
}

/* Without gradient into the memory the gradient is another one. */
static void test_memory_constant_differs(void **state)
{
	struct setting a = { "", FOT_MIX_JOINT, 1, { 1 }, false, false,
			     { .method = CROSS, .window = 9, .batch = 2, .w = 2, .d = 1, .pack = 1 }, 1, NULL };
	struct setting b = a;

	(void)state;
	b.st.method = MEMO;
	assert_true(largest_difference(&a, &b, 1) > 1e-4);
}

static void test_memory_same_bits_for_any_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		for (int threads = 2; threads <= 3; threads++)
			assert_true(largest_difference(&settings[i], &settings[i], threads) <= 0);
	for (size_t i = 0; i < n_features; i++)
		for (size_t j = 0; j < sizeof of_features / sizeof *of_features; j++) {
			struct setting s = of_features[j];

			s.feature = &features[i];
			assert_true(largest_difference(&s, &s, 3) <= 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_gradients),
		cmocka_unit_test(test_memory_gradients_of_features),
		cmocka_unit_test(test_memory_topk_of_all_is_dense),
		cmocka_unit_test(test_memory_topk_of_large_windows),
		cmocka_unit_test(test_memory_constant_differs),
		cmocka_unit_test(test_memory_same_bits_for_any_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
