/* model/matmul.h: y = x W^T against slow sums in double, and the same bits of a row however many stand beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/dtype.h"
#include "model/linear.h"
#include "model/matmul.h"

/* rows, n, in: on both sides of a register, of a panel, of what is few, of the columns that are summed together, and of
 * the depth that they are summed to at a time. */
static const int64_t sizes[][3] = { { 1, 1, 1 },      { 1, 67, 40 },    { 2, 16, 16 },    { 3, 17, 33 },
				    { 5, 64, 257 },   { 12, 31, 15 },   { 13, 65, 100 },  { 31, 130, 64 },
				    { 32, 8, 256 },   { 33, 129, 255 }, { 44, 200, 513 }, { 45, 190, 300 },
				    { 128, 70, 600 }, { 67, 3, 1100 } };
#define N_SIZES (sizeof sizes / sizeof *sizes)

struct product {
	int64_t rows, n, in;
	float *x, *w, *y, *z, *scratch;
};

static void begin(struct product *p, const int64_t *size)
{
	struct fot_rng r;

	*p = (struct product){ .rows = size[0], .n = size[1], .in = size[2] };
	p->x = fot_alloc((size_t)(p->rows * p->in), sizeof *p->x);
	p->w = fot_alloc((size_t)(p->n * p->in), sizeof *p->w);
	p->y = fot_alloc((size_t)(p->rows * p->n), sizeof *p->y);
	p->z = fot_alloc((size_t)(p->rows * p->n), sizeof *p->z);
	p->scratch = fot_alloc((size_t)fot_matmul_scratch(p->rows, p->in), sizeof *p->scratch);
	assert_non_null(p->scratch);
	fot_rng_init(&r, 17, "test.matmul", (uint64_t)(p->rows * 1000003 + p->n * 1009 + p->in));
	for (int64_t i = 0; i < p->rows * p->in; i++)
		p->x[i] = (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < p->n * p->in; i++)
		p->w[i] = (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < p->rows * p->n; i++)
		p->y[i] = p->z[i] = (float)fot_rng_normal(&r);
}

static void end(struct product *p)
{
	fot_free(p->x);
	fot_free(p->w);
	fot_free(p->y);
	fot_free(p->z);
	fot_free(p->scratch);
}

static void multiply(struct product *p, float *y, int64_t row, int64_t rows, float beta)
{
	struct fot_matmul_rows x = fot_matmul_begin(p->x + row * p->in, rows, p->in, p->scratch);

	fot_matmul(y + row * p->n, p->n, &x, p->w, p->n, beta);
}

/* The error of a sum of n products in any order is below n 2^-24 of the sum of their sizes. */
static void test_matmul_equals_slow_sums(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++)
		for (int beta = 0; beta < 2; beta++) {
			struct product p;

			begin(&p, sizes[i]);
			multiply(&p, p.y, 0, p.rows, (float)beta);
			for (int64_t r = 0; r < p.rows; r++)
				for (int64_t c = 0; c < p.n; c++) {
					double sum = beta * (double)p.z[r * p.n + c], size = fabs(sum);

					for (int64_t k = 0; k < p.in; k++) {
						double one =
							(double)p.x[r * p.in + k] * (double)p.w[c * p.in + k];

						sum += one;
						size += fabs(one);
					}
					if (fabs(sum - (double)p.y[r * p.n + c]) >
					    size * (double)(p.in + 2) * 0x1p-24)
						fail_msg(
							"size %zu, row %d, column %d: expected %.9g, got %.9g",
							i, (int)r, (int)c, sum, (double)p.y[r * p.n + c]);
				}
			end(&p);
		}
}

static void test_matmul_row_does_not_depend_on_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++)
		for (int64_t piece = 1; piece < 40; piece += piece < 5 ? 1 : 7) {
			struct product p;

			begin(&p, sizes[i]);
			multiply(&p, p.y, 0, p.rows, 1);
			for (int64_t r = 0; r < p.rows; r += piece)
				multiply(&p, p.z, r, p.rows - r < piece ? p.rows - r : piece, 1);
			assert_memory_equal(p.y, p.z, sizeof *p.y * (size_t)(p.rows * p.n));
			end(&p);
		}
}

/* A row that overflows leaves the others as they are, and the room behind the rows too. */
static void test_matmul_keeps_infinities_apart(void **state)
{
	const int64_t size[] = { 45, 40, 70 };
	struct product p;

	(void)state;
	begin(&p, size);
	multiply(&p, p.z, 0, p.rows, 0);
	p.x[20 * p.in + 3] = INFINITY;
	p.x[44 * p.in + 3] = NAN;
	multiply(&p, p.y, 0, p.rows, 0);
	for (int64_t r = 0; r < p.rows; r++)
		for (int64_t c = 0; c < p.n; c++)
			if (r == 20 || r == 44)
				assert_int_equal(isfinite(p.y[r * p.n + c]) != 0, 0);
			else
				assert_true(p.y[r * p.n + c] == p.z[r * p.n + c]);
	end(&p);
}

/* Widened weights give the bits of the same weights in f32, in parts of FOT_LINEAR_COLS too. */
static void test_matmul_linear_widens(void **state)
{
	const int64_t size[] = { 37, 2 * FOT_LINEAR_COLS + 5, 24 };
	struct fot_linear f32 = { .dtype = FOT_F32 }, bf16 = { .dtype = FOT_BF16 };
	uint16_t *half;
	struct product p;

	(void)state;
	begin(&p, size);
	fot_free(p.scratch);
	p.scratch = fot_alloc((size_t)fot_linear_scratch(p.rows, p.in, false, false), sizeof *p.scratch);
	assert_non_null(p.scratch);
	half = fot_alloc((size_t)(p.n * p.in), sizeof(uint16_t));
	for (int64_t i = 0; i < p.n * p.in; i++) {
		uint32_t u;

		memcpy(&u, &p.w[i], sizeof u);
		half[i] = (uint16_t)(u >> 16);
	}
	fot_widen(p.w, half, FOT_BF16, (size_t)(p.n * p.in));
	f32.w = p.w;
	bf16.w = half;
	f32.out = bf16.out = p.n;
	f32.in = bf16.in = p.in;
	fot_linear_forward(p.y, p.x, p.rows, &f32, 0, p.scratch);
	fot_linear_forward(p.z, p.x, p.rows, &bf16, 0, p.scratch);
	assert_memory_equal(p.y, p.z, sizeof *p.y * (size_t)(p.rows * p.n));
	fot_free(half);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matmul_equals_slow_sums),
		cmocka_unit_test(test_matmul_row_does_not_depend_on_others),
		cmocka_unit_test(test_matmul_keeps_infinities_apart),
		cmocka_unit_test(test_matmul_linear_widens),
	};

	return cmocka_run_group_tests_name("matmul", tests, NULL, NULL);
}
