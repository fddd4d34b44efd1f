/* test_ops.c: the row operations one by one against central differences in
 * double precision; step 1e-6, tolerance 1e-7 relative (the error of the central
 * difference is of the order of the step squared). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/ops.h"
#include "model/rope.h"

#define ROWS 3
#define HEADS 2
#define DIM 8
#define N (ROWS * HEADS * DIM)
#define STEP 1e-6

static void fill(fot_real *x, int64_t n, uint64_t item)
{
	struct fot_rng r;

	fot_rng_init(&r, 5, "test.ops", item);
	for (int64_t i = 0; i < n; i++)
		x[i] = (fot_real)fot_rng_normal(&r);
}

/* A function of x[n] to y[N]; the loss is sum y_i c_i. */
typedef void map(fot_real *y, const fot_real *x, const void *user);

static double loss(map *f, const fot_real *x, const fot_real *c, const void *user)
{
	fot_real y[N];
	double sum = 0;

	f(y, x, user);
	for (int i = 0; i < N; i++)
		sum += (double)(y[i] * c[i]);
	return sum;
}

static void check(map *f, fot_real *x, int n, const fot_real *c, const fot_real *grad, const void *user)
{
	for (int i = 0; i < n; i++) {
		fot_real kept = x[i];
		double up, down, want;

		x[i] = kept + (fot_real)STEP;
		up = loss(f, x, c, user);
		x[i] = kept - (fot_real)STEP;
		down = loss(f, x, c, user);
		x[i] = kept;
		want = (up - down) / (2 * STEP);
		if (fabs(want - (double)grad[i]) > 1e-8 + 1e-7 * fabs(want))
			fail_msg("element %d: finite difference %.12g, gradient %.12g", i, want, (double)grad[i]);
	}
}

static void norm_of_x(fot_real *y, const fot_real *x, const void *w)
{
	fot_rmsnorm_forward(y, NULL, x, w, ROWS, HEADS * DIM, 1e-3);
}

static void norm_of_w(fot_real *y, const fot_real *w, const void *x)
{
	fot_rmsnorm_forward(y, NULL, x, w, ROWS, HEADS * DIM, 1e-3);
}

static void test_ops_rmsnorm(void **state)
{
	fot_real x[N], w[HEADS * DIM], c[N], y[N], inv[ROWS], dx[N] = { 0 }, dw[HEADS * DIM] = { 0 };

	(void)state;
	fill(x, N, 1);
	fill(w, HEADS * DIM, 2);
	fill(c, N, 3);
	fot_rmsnorm_forward(y, inv, x, w, ROWS, HEADS * DIM, 1e-3);
	fot_rmsnorm_backward(dx, dw, c, x, w, inv, ROWS, HEADS * DIM);
	check(norm_of_x, x, N, c, dx, w);
	check(norm_of_w, w, HEADS * DIM, c, dw, x);
}

static void unit_of_x(fot_real *y, const fot_real *x, const void *scale)
{
	fot_unit_forward(y, NULL, x, scale, ROWS, HEADS, DIM);
}

static void unit_of_scale(fot_real *y, const fot_real *scale, const void *x)
{
	fot_unit_forward(y, NULL, x, scale, ROWS, HEADS, DIM);
}

static void test_ops_unit(void **state)
{
	fot_real x[N], scale[HEADS], c[N], y[N], inv[ROWS * HEADS], dx[N], ds[HEADS] = { 0 };

	(void)state;
	fill(x, N, 4);
	fill(scale, HEADS, 5);
	fill(c, N, 6);
	fot_unit_forward(y, inv, x, scale, ROWS, HEADS, DIM);
	fot_unit_backward(dx, ds, c, x, scale, inv, ROWS, HEADS, DIM);
	check(unit_of_x, x, N, c, dx, scale);
	check(unit_of_scale, scale, HEADS, c, ds, x);
	fot_unit_forward(y, inv, x, NULL, ROWS, HEADS, DIM);
	fot_unit_backward(dx, NULL, c, x, NULL, inv, ROWS, HEADS, DIM);
	check(unit_of_x, x, N, c, dx, NULL);
}

static void swiglu_of_g(fot_real *y, const fot_real *g, const void *u)
{
	fot_swiglu_forward(y, NULL, g, u, N);
}

static void swiglu_of_u(fot_real *y, const fot_real *u, const void *g)
{
	fot_swiglu_forward(y, NULL, g, u, N);
}

static void test_ops_swiglu(void **state)
{
	fot_real g[N], u[N], c[N], dg[N], du[N], h[N];

	(void)state;
	fill(g, N, 7);
	fill(u, N, 8);
	fill(c, N, 9);
	fot_swiglu_forward(h, NULL, g, u, N);
	fot_swiglu_forward(dg, du, g, u, N);
	assert_memory_equal(dg, h, sizeof h);
	fot_swiglu_backward(dg, du, c, du, g, u, N);
	check(swiglu_of_g, g, N, c, dg, u);
	check(swiglu_of_u, u, N, c, du, g);
}

static void rotated(fot_real *y, const fot_real *x, const void *tables)
{
	const fot_real *t = tables;

	memcpy(y, x, sizeof(fot_real) * N);
	fot_rope_apply(y, ROWS, HEADS, DIM, t, t + 16 * DIM / 2, 5, 1);
}

static void test_ops_rope(void **state)
{
	static const struct fot_rope plain;
	const struct fot_turning turning = { .rope = &plain, .head_dim = DIM, .theta = 50, .positions = 16, .longest = 16 };
	fot_real x[N], c[N], dx[N], tables[16 * DIM];

	(void)state;
	fill(x, N, 10);
	fill(c, N, 11);
	fot_rope_tables(tables, tables + 16 * DIM / 2, 16, &turning);
	memcpy(dx, c, sizeof dx);
	fot_rope_apply(dx, ROWS, HEADS, DIM, tables, tables + 16 * DIM / 2, 5, -1);
	check(rotated, x, N, c, dx, tables);
}

static void test_ops_xent(void **state)
{
	fot_real x[N], d[N];

	(void)state;
	fill(x, N, 12);
	fot_xent(d, x, N, 17, 0.7);
	for (int i = 0; i < N; i++) {
		fot_real kept = x[i];
		double up, down;

		x[i] = kept + (fot_real)STEP;
		up = fot_xent(NULL, x, N, 17, 0);
		x[i] = kept - (fot_real)STEP;
		down = fot_xent(NULL, x, N, 17, 0);
		x[i] = kept;
		assert_true(fabs(0.7 * (up - down) / (2 * STEP) - (double)d[i]) < 1e-8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops_rmsnorm), cmocka_unit_test(test_ops_unit), cmocka_unit_test(test_ops_swiglu),
		cmocka_unit_test(test_ops_rope),    cmocka_unit_test(test_ops_xent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
