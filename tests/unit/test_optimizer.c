/* test_optimizer.c: AdamW against the formula, number by number in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/train/optimizer.h"
#include "tests/unit/tiny_model.h"

#define STEPS 12

static const struct fot_adamw_opts opts = {
	.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8, .weight_decay = 0.1, .clip = 3, .gate_lr = 20
};

/* Both parameters and gradients of one step; the norm of the gradient is 1 or 9: below and above clip. */
static void draw(const struct fot_params *p, fot_real *grad, int step)
{
	struct fot_rng rng;
	double sum = 0, norm = step % 2 ? 9 : 1;

	fot_rng_init(&rng, 77, "adamw", (uint64_t)step);
	for (size_t t = 0; t < p->n_tensors; t++) {
		int64_t n = p->spec[t].rows * (p->spec[t].cols ? p->spec[t].cols : 1);

		for (int64_t i = p->offset[t]; i < p->offset[t] + n; i++) {
			grad[i] = (fot_real)fot_rng_normal(&rng);
			sum += (double)grad[i] * (double)grad[i];
		}
	}
	for (int64_t i = 0; i < p->n; i++)
		grad[i] = (fot_real)((double)grad[i] * norm / sqrt(sum));
}

/* One number through all steps, as the paper has it [Loshchilov and Hutter 2019, algorithm 2]. */
static double follow(double w, const fot_real *const *grad, int64_t i, double lr, double decay)
{
	double m = 0, v = 0;

	for (int s = 1; s <= STEPS; s++) {
		double g = (double)grad[s - 1][i] * ((s - 1) % 2 ? opts.clip / 9 : 1);

		m = opts.beta1 * m + (1 - opts.beta1) * g;
		v = opts.beta2 * v + (1 - opts.beta2) * g * g;
		w -= lr * (m / (1 - pow(opts.beta1, s)) / (sqrt(v / (1 - pow(opts.beta2, s))) + opts.eps) + decay * w);
	}
	return w;
}

static void test_adamw_follows_the_formula(void **state)
{
	struct fot_config c;
	struct fot_params p, start;
	struct fot_adamw a;
	fot_real *grad[STEPS];
	size_t gates = 0;

	(void)state;
	tiny_config(&c, 16, 2, true, false);
	c.mix = FOT_MIX_GATE;
	assert_int_equal(fot_params_init(&p, &c, NULL), FOT_OK);
	assert_int_equal(fot_params_init(&start, &c, NULL), FOT_OK);
	fot_params_random(&p, 5, 1, 1);
	fot_params_random(&start, 5, 1, 1);
	assert_int_equal(fot_adamw_init(&a, &p, &opts, NULL), FOT_OK);
	for (int s = 0; s < STEPS; s++) {
		double norm;

		grad[s] = calloc((size_t)p.n, sizeof *grad[s]);
		draw(&p, grad[s], s);
		assert_int_equal(fot_adamw_step(&a, &p, grad[s], 0.01, 2, &norm, NULL), FOT_OK);
		assert_true(fabs(norm - (s % 2 ? 9 : 1)) < 1e-5);
	}
	for (size_t t = 0; t < p.n_tensors; t++) {
		bool gate = p.spec[t].role == FOT_ROLE_GATE_BIAS;
		int64_t n = p.spec[t].rows * (p.spec[t].cols ? p.spec[t].cols : 1);

		gates += gate;
		for (int64_t i = p.offset[t]; i < p.offset[t] + n; i++) {
			double lr = gate ? 0.01 * opts.gate_lr : 0.01, decay = p.spec[t].cols ? opts.weight_decay : 0;
			double want = follow((double)start.w[i], (const fot_real *const *)grad, i, lr, decay);

			/* a step is lr at most; single precision keeps it to some 1e-7 of the weight's size */
			assert_true(fabs((double)p.w[i] - want) < 2e-5 * (lr * STEPS + fabs(want)));
		}
	}
	assert_int_equal(gates, 2);
	for (int s = 0; s < STEPS; s++)
		free(grad[s]);
	fot_adamw_release(&a);
	fot_params_release(&p);
	fot_params_release(&start);
}

static void test_adamw_refuses_what_is_not_finite(void **state)
{
	struct fot_config c;
	struct fot_params p, start;
	struct fot_adamw a;
	struct fot_err err;
	fot_real *grad;
	double norm;

	(void)state;
	tiny_config(&c, 16, 1, false, false);
	assert_int_equal(fot_params_init(&p, &c, NULL), FOT_OK);
	assert_int_equal(fot_params_init(&start, &c, NULL), FOT_OK);
	fot_params_random(&p, 5, 1, 1);
	fot_params_random(&start, 5, 1, 1);
	assert_int_equal(fot_adamw_init(&a, &p, &opts, NULL), FOT_OK);
	grad = calloc((size_t)p.n, sizeof *grad);
	grad[p.n / 2] = NAN;
	assert_int_equal(fot_adamw_step(&a, &p, grad, 0.01, 1, &norm, &err), FOT_ERR_RUN);
	assert_memory_equal(p.w, start.w, (size_t)p.n * sizeof *p.w);
	assert_int_equal(a.step, 0);
	free(grad);
	fot_adamw_release(&a);
	fot_params_release(&p);
	fot_params_release(&start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adamw_follows_the_formula),
		cmocka_unit_test(test_adamw_refuses_what_is_not_finite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
