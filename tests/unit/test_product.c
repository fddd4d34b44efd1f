/* model/train/product.c: products in bf16 against slow sums of rounded operands, and the gradient of a
 * network that makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "model/dtype.h"
#include "model/train/network_priv.h"
#include "tests/unit/tiny_model.h"

#define W 37 /* an odd number of tokens in a window */
#define ROWS 29

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_batch batch;
	struct fot_net *net;
	fot_real *grad;
};

static void open_fixture(struct fixture *f, bool tied, enum fot_compute compute, int threads)
{
	struct fot_stage st = {
		.method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 8, .w = 2, .d = 2, .pack = 4
	};
	struct fot_net_size size;
	struct fot_err err = { 0 };
	struct fot_rng r;

	tiny_config(&f->c, W, 1, true, false);
	f->c.intermediate_size = 71;
	f->c.vocab_size = 131;
	f->c.tie_embeddings = tied;
	assert_int_equal(fot_params_init(&f->p, &f->c, &err), FOT_OK);
	fot_params_random(&f->p, 3, 1, 0.7);
	assert_int_equal(fot_batch_init(&f->batch, &st, 1, &err), FOT_OK);
	fot_batch_link(&f->batch, &st);
	fot_rng_init(&r, 5, "test.product", 0);
	for (int64_t i = 0; i < f->batch.n_win * W; i++)
		f->batch.tokens[i] = (int32_t)fot_rng_below(&r, (uint64_t)f->c.vocab_size);
	for (int64_t i = 0; i < f->batch.n_ask * W; i++)
		f->batch.targets[i] = (int32_t)fot_rng_below(&r, (uint64_t)f->c.vocab_size);
	fot_net_size_of(&size, &st, 1, threads);
	size.compute = compute;
	if (fot_net_open(&f->net, &f->p, &size, &err) != FOT_OK)
		fail_msg("%s", err.text);
	f->grad = fot_calloc((size_t)f->p.n, sizeof *f->grad);
	assert_non_null(f->grad);
}

static void close_fixture(struct fixture *f)
{
	fot_net_close(f->net);
	fot_batch_release(&f->batch);
	fot_params_release(&f->p);
	fot_free(f->grad);
}

static double rounded(float x)
{
	return (double)fot_bf16_widen(fot_bf16_of(x));
}

static void random_numbers(float *x, int64_t n, uint64_t item)
{
	struct fot_rng r;

	fot_rng_init(&r, 7, "test.product.x", item);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)fot_rng_normal(&r);
}

/* got = before + the sum over n of a b, each n-th sum rounded to 2^-24 of at most the sizes' sum. */
static void expect(float got, float before, const float *a, int64_t a_step, const float *b, int64_t b_step,
		   int64_t n)
{
	double sum = (double)before, size = fabs(sum);

	for (int64_t i = 0; i < n; i++) {
		double term = rounded(a[i * a_step]) * rounded(b[i * b_step]);

		sum += term;
		size += fabs(term);
	}
	if (!(fabs((double)got - sum) <= 1.01 * 0x1p-24 * (double)(n + 1) * size))
		fail_msg("got %.9g, expected %.9g", (double)got, sum);
}

#define WIDEST 131

/* y = x W^T + y, dx = dy W and dw += dy^T x with the matrix of tensor i. */
static void check_tensor(const struct fixture *f, size_t i)
{
	static float x[ROWS * WIDEST], y[ROWS * WIDEST], dy[ROWS * WIDEST], dx[ROWS * WIDEST],
		dw[WIDEST * WIDEST], before[WIDEST * WIDEST];
	const int64_t out = f->p.spec[i].rows, in = f->p.spec[i].cols;
	const float *w = f->p.w + f->p.offset[i];
	struct scratch *s = &f->net->scratch[0];

	random_numbers(x, ROWS * in, 1);
	random_numbers(dy, ROWS * out, 2);
	random_numbers(before, WIDEST * WIDEST, 3);
	memcpy(y, before, sizeof y);
	memcpy(dw, before, sizeof dw);
	product(f->net, s, y, x, w, ROWS, in, out, 1);
	product_backward(f->net, s, dx, dw, dy, x, w, ROWS, in, out, 0);
	for (int64_t r = 0; r < ROWS; r++)
		for (int64_t o = 0; o < out; o++)
			expect(y[r * out + o], before[r * out + o], x + r * in, 1, w + o * in, 1, in);
	for (int64_t r = 0; r < ROWS; r++)
		for (int64_t c = 0; c < in; c++)
			expect(dx[r * in + c], 0, dy + r * out, 1, w + c, in, out);
	for (int64_t o = 0; o < out; o++)
		for (int64_t c = 0; c < in; c++)
			expect(dw[o * in + c], before[o * in + c], dy + o, out, x + c, in, ROWS);
}

static void test_product_bf16_agrees_with_slow_sums(void **state)
{
	(void)state;
	for (int tied = 0; tied < 2; tied++) {
		struct fixture f;

		open_fixture(&f, tied, FOT_COMPUTE_BF16, 1);
		product_pack(f.net);
		for (size_t i = 0; i < f.p.n_tensors; i++)
			if (f.p.spec[i].cols && (tied || f.p.spec[i].role != FOT_ROLE_EMBED))
				check_tensor(&f, i);
		close_fixture(&f);
	}
}

static double gradient(struct fixture *f)
{
	struct fot_err err = { 0 };
	double loss;

	if (fot_net_gradient(f->net, &f->batch, &loss, f->grad, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return loss;
}

/* Operands differ by 2^-9 of themselves at the root mean square, and errors that have no sign
 * in common add up like a random walk: the gradient turns by about that, times a few layers. */
static void test_product_bf16_gradient_is_near_f32(void **state)
{
	(void)state;
	for (int tied = 0; tied < 2; tied++) {
		struct fixture f, g;
		double loss[2], dot = 0, size[2] = { 0 };

		open_fixture(&f, tied, FOT_COMPUTE_F32, 2);
		open_fixture(&g, tied, FOT_COMPUTE_BF16, 2);
		loss[0] = gradient(&f);
		loss[1] = gradient(&g);
		assert_true(loss[0] != loss[1]); /* it is another arithmetic */
		assert_true(fabs(loss[0] - loss[1]) < 2e-3 * loss[0]);
		for (int64_t i = 0; i < f.p.n; i++) {
			dot += (double)f.grad[i] * (double)g.grad[i];
			size[0] += (double)f.grad[i] * (double)f.grad[i];
			size[1] += (double)g.grad[i] * (double)g.grad[i];
		}
		if (!(dot / sqrt(size[0] * size[1]) > 0.9995))
			fail_msg("cosine of the gradients %.6f", dot / sqrt(size[0] * size[1]));
		close_fixture(&f);
		close_fixture(&g);
	}
}

static void test_product_bf16_same_bits_for_any_threads(void **state)
{
	static const int threads[] = { 2, 3, 16 }; /* more than there are processors, too */
	struct fixture one;
	double loss;

	(void)state;
	open_fixture(&one, false, FOT_COMPUTE_BF16, 1);
	loss = gradient(&one);
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		struct fixture more;

		open_fixture(&more, false, FOT_COMPUTE_BF16, threads[i]);
		assert_true(gradient(&more) == loss);
		assert_memory_equal(one.grad, more.grad, sizeof *one.grad * (size_t)one.p.n);
		close_fixture(&more);
	}
	close_fixture(&one);
}

/* A step changes the weights: the next pass takes them, as one of a network that never saw others. */
static void test_product_bf16_packs_at_every_pass(void **state)
{
	struct fot_err err = { 0 };
	struct fixture old, new;
	double loss, want;

	(void)state;
	open_fixture(&old, true, FOT_COMPUTE_BF16, 2);
	open_fixture(&new, true, FOT_COMPUTE_BF16, 2);
	gradient(&old);
	for (int64_t i = 0; i < old.p.n; i++)
		old.p.w[i] *= 1.25f;
	assert_int_equal(fot_net_loss(old.net, &old.batch, &loss, NULL, &err), FOT_OK);
	memcpy(new.p.w, old.p.w, sizeof *old.p.w * (size_t)old.p.n);
	want = gradient(&new);
	assert_true(loss == want);
	assert_true(gradient(&old) == want);
	assert_memory_equal(old.grad, new.grad, sizeof *old.grad * (size_t)old.p.n);
	close_fixture(&old);
	close_fixture(&new);
}

static void test_product_bf16_allocates_nothing(void **state)
{
	long hits = fot_mem_guard_hits();
	struct fot_err err = { 0 };
	struct fixture f;
	double loss;
	int status;

	(void)state;
	open_fixture(&f, false, FOT_COMPUTE_BF16, 2);
	fot_mem_guard(1);
	status = fot_net_gradient(f.net, &f.batch, &loss, f.grad, &err);
	fot_mem_guard(0);
	assert_int_equal(status, FOT_OK);
	assert_int_equal(fot_mem_guard_hits(), hits);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_product_bf16_agrees_with_slow_sums),
		cmocka_unit_test(test_product_bf16_gradient_is_near_f32),
		cmocka_unit_test(test_product_bf16_same_bits_for_any_threads),
		cmocka_unit_test(test_product_bf16_packs_at_every_pass),
		cmocka_unit_test(test_product_bf16_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
