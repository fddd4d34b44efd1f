/* model/bf16.h: both kernels against each other, against f32, and against a slow reference that sums
 * in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/bf16.h"
#include "model/dtype.h"

/* All that ends a loop: pairs, rows of a kernel, registers, panels. */
static const int64_t sizes[][3] = { { 1, 1, 1 },    { 2, 17, 3 },   { 3, 64, 2 },
				    { 4, 65, 5 },   { 5, 40, 64 },  { 6, 192, 127 },
				    { 7, 130, 96 }, { 65, 71, 33 }, { 128, 200, 250 } };
#define N_SIZES (sizeof sizes / sizeof *sizes)

struct product {
	int64_t m, n, k;
	float *x, *w, *y, *z; /* [m, k], [n, k], results [m, n] */
	uint32_t *a, *b;
};

static void begin(struct product *p, const int64_t *size, uint64_t seed)
{
	struct fot_rng r;

	*p = (struct product){ .m = size[0], .n = size[1], .k = size[2] };
	p->x = fot_alloc((size_t)(p->m * p->k), sizeof *p->x);
	p->w = fot_alloc((size_t)(p->n * p->k), sizeof *p->w);
	p->y = fot_alloc((size_t)(p->m * p->n), sizeof *p->y);
	p->z = fot_alloc((size_t)(p->m * p->n), sizeof *p->z);
	p->a = fot_alloc(fot_bf16_packed(p->m, p->k), sizeof *p->a);
	p->b = fot_alloc(fot_bf16_packed(p->n, p->k), sizeof *p->b);
	assert_true(p->x && p->w && p->y && p->z && p->a && p->b);
	fot_rng_init(&r, seed, "test.bf16", 0);
	for (int64_t i = 0; i < p->m * p->k; i++)
		p->x[i] = (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < p->n * p->k; i++)
		p->w[i] = (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < p->m * p->n; i++)
		p->y[i] = p->z[i] = (float)fot_rng_normal(&r);
}

static void end(struct product *p)
{
	fot_free(p->x);
	fot_free(p->w);
	fot_free(p->y);
	fot_free(p->z);
	fot_free(p->a);
	fot_free(p->b);
}

static void assert_same_bits(const float *a, const float *b, int64_t n)
{
	assert_memory_equal(a, b, sizeof *a * (size_t)n);
}

static float rounded(float x)
{
	return fot_bf16_widen(fot_bf16_of(x));
}

static void test_bf16_agrees_with_slow_sums_and_with_f32(void **state)
{
	(void)state;
	for (size_t s = 0; s < N_SIZES; s++) {
		struct product p;

		begin(&p, sizes[s], s);
		fot_bf16_round(p.a, p.x, p.m, p.k);
		fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
		fot_bf16_product(fot_bf16_kernel(), p.y, p.n, p.a, p.b, p.m, p.n, p.k, 0);
		for (int64_t i = 0; i < p.m * p.n; i++) {
			const float *x = p.x + i / p.n * p.k, *w = p.w + i % p.n * p.k;
			double slow = 0, exact = 0, size = 0;

			for (int64_t j = 0; j < p.k; j++) {
				slow += (double)rounded(x[j]) * (double)rounded(w[j]);
				exact += (double)x[j] * (double)w[j];
				size += fabs((double)x[j] * (double)w[j]);
			}
			/* each of k sums is rounded to 2^-24 of at most (1 + 2^-8)^2 size; each factor to 2^-8 */
			assert_true(fabs((double)p.y[i] - slow) <= 1.01 * (double)p.k * 0x1p-24 * size);
			assert_true(fabs((double)p.y[i] - exact) <=
				    (2.01 * 0x1p-8 + (double)p.k * 0x1p-24) * size);
		}
		end(&p);
	}
}

static void test_bf16_kernels_give_the_same_bits(void **state)
{
	(void)state;
	if (fot_bf16_kernel() == &fot_bf16_portable)
		skip();
	for (size_t s = 0; s < 2 * N_SIZES; s++) {
		struct product p;
		float beta = s % 2 ? 1.0f : 0.0f;

		begin(&p, sizes[s / 2], s);
		fot_bf16_round(p.a, p.x, p.m, p.k);
		fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
		fot_bf16_product(fot_bf16_kernel(), p.y, p.n, p.a, p.b, p.m, p.n, p.k, beta);
		fot_bf16_product(&fot_bf16_portable, p.z, p.n, p.a, p.b, p.m, p.n, p.k, beta);
		assert_same_bits(p.y, p.z, p.m * p.n);
		end(&p);
	}
}

/* However rows and panels are cut; what lies beside the columns stays. */
static void test_bf16_tiles_give_the_same_bits(void **state)
{
	const struct fot_bf16_kernel *kernel[] = { fot_bf16_kernel(), &fot_bf16_portable };

	(void)state;
	for (size_t s = 0; s < 2 * N_SIZES; s++) {
		struct product p;
		int64_t ld = sizes[s / 2][1] + 3;
		float *wide;

		begin(&p, sizes[s / 2], s);
		wide = fot_alloc((size_t)(p.m * ld), sizeof *wide);
		assert_non_null(wide);
		for (int64_t i = 0; i < p.m * ld; i++)
			wide[i] = 7;
		fot_bf16_round(p.a, p.x, p.m, p.k);
		fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
		fot_bf16_product(kernel[s % 2], p.y, p.n, p.a, p.b, p.m, p.n, p.k, 0);
		for (int64_t r = 0; r < p.m; r++)
			for (int64_t c = 0; c < p.n; c += FOT_BF16_PANEL) {
				int64_t pairs = fot_bf16_pairs(p.k),
					n = p.n - c < FOT_BF16_PANEL ? p.n - c : FOT_BF16_PANEL;

				fot_bf16_product(kernel[s % 2], wide + r * ld + c, ld, p.a + r * pairs,
						 p.b + c * pairs, 1, n, p.k, 0);
			}
		for (int64_t r = 0; r < p.m; r++) {
			assert_same_bits(wide + r * ld, p.y + r * p.n, p.n);
			for (int64_t c = p.n; c < ld; c++)
				assert_true(wide[r * ld + c] == 7);
		}
		fot_free(wide);
		end(&p);
	}
}

/* Columns behind n, and the second half of the last pair of an odd k. */
static void check_padding(const struct product *p)
{
	int64_t pairs = fot_bf16_pairs(p->k), last = p->n / FOT_BF16_PANEL * FOT_BF16_PANEL;

	for (int64_t i = 0; i < pairs && last < p->n; i++)
		for (int64_t c = p->n - last; c < FOT_BF16_PANEL; c++)
			assert_int_equal(p->b[last * pairs + i * FOT_BF16_PANEL + c], 0);
	for (int64_t c = 0; c < p->n && p->k % 2; c++)
		assert_int_equal(p->b[c / FOT_BF16_PANEL * FOT_BF16_PANEL * pairs +
				      (pairs - 1) * FOT_BF16_PANEL + c % FOT_BF16_PANEL] >>
					 16,
				 0);
}

/* y = a^T b with both packed from rows: the transposes of the operands above, in every form. */
static void test_bf16_sums_over_rows(void **state)
{
	const struct fot_bf16_kernel *kernel[] = { fot_bf16_kernel(), &fot_bf16_portable };

	(void)state;
	for (size_t s = 0; s < 2 * N_SIZES; s++) {
		struct product p;
		float *xt, *wt;

		begin(&p, sizes[s / 2], s);
		xt = fot_alloc((size_t)(p.k * p.m), sizeof *xt);
		wt = fot_alloc((size_t)(p.k * p.n), sizeof *wt);
		assert_true(xt && wt);
		for (int64_t i = 0; i < p.m * p.k; i++)
			xt[i % p.k * p.m + i / p.k] = p.x[i];
		for (int64_t i = 0; i < p.n * p.k; i++)
			wt[i % p.k * p.n + i / p.k] = p.w[i];
		fot_bf16_round(p.a, p.x, p.m, p.k);
		memset(p.b, 0xa5, sizeof *p.b * fot_bf16_packed(p.n, p.k));
		fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
		check_padding(&p);
		fot_bf16_product(kernel[s % 2], p.y, p.n, p.a, p.b, p.m, p.n, p.k, 1);
		memset(p.b, 0xa5, sizeof *p.b * fot_bf16_packed(p.n, p.k));
		fot_bf16_pack(p.a, xt, p.k, p.m);
		fot_bf16_pack(p.b, wt, p.k, p.n);
		check_padding(&p);
		fot_bf16_product_rows(kernel[s % 2], p.z, p.n, p.a, p.b, p.m, p.n, p.k, 1);
		assert_same_bits(p.y, p.z, p.m * p.n);
		fot_free(xt);
		fot_free(wt);
		end(&p);
	}
}

static void test_bf16_rounds_and_packs_at_once(void **state)
{
	(void)state;
	for (size_t s = 0; s < N_SIZES; s++) {
		struct product p;
		uint32_t *a, *b;
		size_t rows, panels;

		begin(&p, sizes[s], s);
		rows = (size_t)(p.m * fot_bf16_pairs(p.k)) * sizeof *a;
		panels = fot_bf16_packed(p.k, p.m) * sizeof *b;
		a = fot_alloc(rows, 1);
		b = fot_alloc(2 * panels, 1);
		assert_true(a && b);
		memset(b, 0xa5, 2 * panels);
		fot_bf16_round(p.a, p.x, p.m, p.k);
		fot_bf16_pack(b, p.x, p.m, p.k);
		fot_bf16_round_and_pack(a, b + panels / sizeof *b, p.x, p.m, p.k);
		assert_memory_equal(a, p.a, rows);
		assert_memory_equal(b, b + panels / sizeof *b, panels);
		fot_free(a);
		fot_free(b);
		end(&p);
	}
}

/* Numbers of matrix w [n, k] of a size in every type: packed from floats that are the same. */
static void check_types(const int64_t *size)
{
	static const uint16_t edges[] = { 0x0000, 0x8000, 0x0001, 0x807f, 0x0080,
					  0x7f80, 0xff80, 0x7f81, 0xffc1 };
	struct product p;
	uint16_t half[130 * 96], brain[130 * 96];
	uint32_t *c;

	begin(&p, size, 1);
	c = fot_alloc(fot_bf16_packed(p.n, p.k), sizeof *c);
	assert_non_null(c);
	for (int64_t i = 0; i < p.n * p.k; i++) {
		half[i] = fot_f16_of(p.w[i]);
		brain[i] = i % 7 ? fot_bf16_of(p.w[i]) : edges[i / 7 % 9];
		p.w[i] = i % 7 ? p.w[i] : fot_bf16_widen(brain[i]);
	}
	fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
	fot_bf16_pack_transposed(c, brain, FOT_BF16, p.n, p.k);
	assert_memory_equal(p.b, c, sizeof *c * fot_bf16_packed(p.n, p.k));
	for (int64_t i = 0; i < p.n * p.k; i++)
		fot_widen(&p.w[i], &half[i], FOT_F16, 1);
	fot_bf16_pack_transposed(p.b, p.w, FOT_F32, p.n, p.k);
	fot_bf16_pack_transposed(c, half, FOT_F16, p.n, p.k);
	assert_memory_equal(p.b, c, sizeof *c * fot_bf16_packed(p.n, p.k));
	fot_free(c);
	end(&p);
}

/* A checkpoint's numbers go in as they are. */
static void test_bf16_packs_every_type(void **state)
{
	(void)state;
	check_types(sizes[6]);
	check_types(sizes[7]);
}

static void test_bf16_rounds_to_nearest_even(void **state)
{
	static const struct {
		uint32_t from, to; /* bits of the float, and of the bf16 */
	} rows[] = { { 0x3f800000, 0x3f80 }, { 0x3f808000, 0x3f80 }, { 0x3f818000, 0x3f82 },
		     { 0x3f808001, 0x3f81 }, { 0xbf808001, 0xbf81 }, { 0x7f7fffff, 0x7f80 },
		     { 0xff800000, 0xff80 }, { 0x7f800001, 0x7fc0 }, { 0xffc12345, 0xffc1 },
		     { 0x007fffff, 0x0000 }, { 0x80000001, 0x8000 }, { 0x00800000, 0x0080 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t a[1];
		float x[2];

		memcpy(x, &rows[i].from, sizeof *x);
		x[1] = 1;
		fot_bf16_round(a, x, 1, 2);
		assert_int_equal(a[0], 0x3f800000u | rows[i].to);
		fot_bf16_round(a, x, 1, 1);
		assert_int_equal(a[0], rows[i].to);
	}
}

/* Every kind of number, by bits that stand close to what decides: rounding, ties, denormals, infinities, NaN. */
static void fill_bits(float *x, int64_t n, uint64_t item)
{
	static const uint32_t edges[] = { 0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu, 0x00800000u,
					  0x7f800000u, 0xff800000u, 0x7f800001u, 0xffc00000u, 0x7f7fffffu,
					  0x3f808000u, 0x3f818000u, 0x3f807fffu, 0x3f808001u };
	struct fot_rng r;

	fot_rng_init(&r, 11, "test.bf16.bits", item);
	for (int64_t i = 0; i < n; i++) {
		uint32_t u = (uint32_t)fot_rng_u64(&r);

		u = i % 3 ? u : edges[fot_rng_below(&r, sizeof edges / sizeof *edges)];
		memcpy(&x[i], &u, sizeof u);
	}
}

/* Rows and pairs of rows against numbers that are rounded one by one; what lies beside them stays. */
static void check_rounding(const struct fot_bf16_kernel *kernel, int64_t m, int64_t k)
{
	enum { LD = 91 };
	static float x[40 * LD];
	static uint32_t a[40 * LD];

	fill_bits(x, 40 * LD, (uint64_t)(m * k));
	memset(a, 0xa5, sizeof a);
	fot_bf16_rows(kernel, a, LD, x, LD, m, k);
	for (int64_t r = 0; r < m; r++)
		for (int64_t p = 0; p < LD; p++) {
			float even = x[r * LD + 2 * p], odd = 2 * p + 1 < k ? x[r * LD + 2 * p + 1] : 0;
			uint32_t want = 0xa5a5a5a5u, got[2];

			if (2 * p < k) {
				fot_bf16_rows(&fot_bf16_portable, got, 1, (float[]){ even, odd }, 2, 1, 2);
				want = got[0];
			}
			assert_int_equal(a[r * LD + p], want);
		}
	memset(a, 0xa5, sizeof a);
	fot_bf16_pair(kernel, a, LD, x, LD, m, k);
	for (int64_t p = 0; 2 * p < m; p++)
		for (int64_t c = 0; c < LD; c++) {
			float even = x[2 * p * LD + c], odd = 2 * p + 1 < m ? x[(2 * p + 1) * LD + c] : 0;
			uint32_t want = 0xa5a5a5a5u, got[2];

			if (c < k) {
				fot_bf16_rows(&fot_bf16_portable, got, 1, (float[]){ even, odd }, 2, 1, 2);
				want = got[0];
			}
			assert_int_equal(a[p * LD + c], want);
		}
}

static void check_turning(const struct fot_bf16_kernel *kernel, int64_t m, int64_t n)
{
	enum { LD = 90 };
	static uint32_t a[LD * LD], b[LD * LD];

	for (uint32_t i = 0; i < LD * LD; i++)
		a[i] = i;
	memset(b, 0xa5, sizeof b);
	fot_bf16_turn(kernel, b, LD, a, LD, m, n);
	for (int64_t c = 0; c < LD; c++)
		for (int64_t r = 0; r < LD; r++)
			assert_int_equal(b[c * LD + r], c < n && r < m ? a[r * LD + c] : 0xa5a5a5a5u);
}

static void test_bf16_kernels_round_and_turn(void **state)
{
	static const int64_t shapes[][2] = { { 1, 1 },   { 2, 2 },   { 3, 15 },  { 4, 16 },  { 5, 17 },
					     { 16, 31 }, { 17, 32 }, { 39, 33 }, { 32, 90 }, { 33, 64 } };
	const struct fot_bf16_kernel *kernel[] = { fot_bf16_kernel(), &fot_bf16_portable };

	(void)state;
	for (size_t s = 0; s < 20; s++) {
		check_rounding(kernel[s % 2], shapes[s / 2][0], shapes[s / 2][1]);
		check_turning(kernel[s % 2], shapes[s / 2][0], shapes[s / 2][1]);
		check_turning(kernel[s % 2], shapes[s / 2][1], shapes[s / 2][0]);
	}
}

/* What a search tells, in its order. */
struct told {
	const float *y; /* [m, n] of the product */
	int64_t n, count;
	const float *threshold;
	int64_t last[FOT_BF16_SEARCH]; /* row of each column */
};

static void note(void *to, int64_t column, int64_t row, float y)
{
	struct told *t = to;

	assert_true(column < t->n && row > t->last[column]);
	assert_true(y > t->threshold[column]);
	assert_same_bits(&y, t->y + row * t->n + column, 1);
	t->last[column] = row;
	t->count++;
}

static void check_search(const struct fot_bf16_kernel *kernel, int64_t m, int64_t n, int64_t k)
{
	const int64_t size[] = { m, n, k };
	float threshold[FOT_BF16_SEARCH];
	struct fot_bf16_operands o;
	struct told t = { .n = n, .threshold = threshold };
	struct product p;
	int64_t want = 0;

	begin(&p, size, (uint64_t)(m * n + k));
	p.x[(m - 1) / 2 * k] = NAN;
	fot_bf16_round(p.a, p.x, m, k);
	fot_bf16_pack_transposed(p.b, p.w, FOT_F32, n, k);
	fot_bf16_product(&fot_bf16_portable, p.y, n, p.a, p.b, m, n, k, 0);
	for (int64_t c = 0; c < n; c++) {
		threshold[c] = c % 5 == 3 ? INFINITY : c % 5 == 4 ? -INFINITY : (float)(c % 5) - 0.5f;
		t.last[c] = -1;
		for (int64_t r = 0; r < m; r++)
			want += p.y[r * n + c] > threshold[c];
	}
	t.y = p.y;
	o = (struct fot_bf16_operands){ .a = p.a,
					.b = p.b,
					.row_step = fot_bf16_pairs(k),
					.pair_step = 1,
					.b_step = FOT_BF16_PANEL,
					.m = m,
					.n = n,
					.pairs = fot_bf16_pairs(k) };
	fot_bf16_search(kernel, &o, threshold, note, &t);
	assert_int_equal(t.count, want);
	end(&p);
}

static void test_bf16_search_tells_what_the_product_has(void **state)
{
	static const int64_t m[] = { 1, 3, 4, 11, 12, 13, 29, 256 }, n[] = { 1, 8, 15, 16, 17, 31, 32 },
			     k[] = { 1, 2, 33, 64 };

	(void)state;
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j < 7; j++)
			for (size_t l = 0; l < 4; l++) {
				check_search(fot_bf16_kernel(), m[i], n[j], k[l]);
				check_search(&fot_bf16_portable, m[i], n[j], k[l]);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bf16_agrees_with_slow_sums_and_with_f32),
		cmocka_unit_test(test_bf16_kernels_give_the_same_bits),
		cmocka_unit_test(test_bf16_tiles_give_the_same_bits),
		cmocka_unit_test(test_bf16_sums_over_rows),
		cmocka_unit_test(test_bf16_rounds_and_packs_at_once),
		cmocka_unit_test(test_bf16_packs_every_type),
		cmocka_unit_test(test_bf16_rounds_to_nearest_even),
		cmocka_unit_test(test_bf16_kernels_round_and_turn),
		cmocka_unit_test(test_bf16_search_tells_what_the_product_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
