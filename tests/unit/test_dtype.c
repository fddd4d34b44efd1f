/* model/dtype.h: the table of types; widening and rounding against slow references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "model/dtype.h"

static uint32_t bits_of(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

static float float_of(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

static void test_dtype_names_and_sizes(void **state)
{
	static const struct {
		enum fot_dtype t;
		const char *name;
		size_t size;
	} rows[] = { { FOT_F32, "F32", 4 },  { FOT_F16, "F16", 2 }, { FOT_BF16, "BF16", 2 },
		     { FOT_F64, "F64", 8 },  { FOT_I64, "I64", 8 }, { FOT_I32, "I32", 4 },
		     { FOT_I16, "I16", 2 },  { FOT_I8, "I8", 1 },   { FOT_U8, "U8", 1 },
		     { FOT_BOOL, "BOOL", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(fot_dtype_name(rows[i].t), rows[i].name);
		assert_int_equal(fot_dtype_size(rows[i].t), rows[i].size);
		assert_int_equal(fot_dtype_parse(rows[i].name), (int)rows[i].t);
	}
	assert_int_equal(fot_dtype_parse("F8_E4M3"), FOT_F8_E4M3);
	assert_int_equal(fot_dtype_parse("F4"), -1);
	assert_int_equal(fot_dtype_parse("f32"), -1);
	assert_int_equal(fot_dtype_parse(""), -1);
}

/* The definition: (-1)^s 2^(e-15) (1 + f/1024), subnormal 2^-14 f/1024. */
static float half_value(uint16_t h)
{
	int e = h >> 10 & 31, f = h & 1023;
	double v;

	if (e == 31)
		return f ? NAN : (h >> 15 ? -INFINITY : INFINITY);
	v = e ? ldexp(1024 + f, e - 25) : ldexp(f, -24);
	return (float)(h >> 15 ? -v : v);
}

static void test_dtype_widens_every_half(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		unsigned char in[3]; /* at an odd address on purpose */
		uint16_t word = (uint16_t)h;
		float x, y = half_value(word);

		memcpy(in + 1, &word, 2);
		fot_widen(&x, in + 1, FOT_F16, 1);
		if (isnan(y))
			assert_true(isnan(x));
		else
			assert_int_equal(bits_of(x), bits_of(y));
	}
}

static void test_dtype_widens_every_bfloat16(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		unsigned char in[3];
		uint16_t word = (uint16_t)h;
		float x;

		memcpy(in + 1, &word, 2);
		fot_widen(&x, in + 1, FOT_BF16, 1);
		assert_int_equal(bits_of(x), h << 16);
		if (!isnan(x))
			assert_int_equal(fot_bf16_of(x), h);
		else
			assert_true(isnan(fot_bf16_widen(fot_bf16_of(x))));
	}
}

static void test_dtype_widens_f32_f64(void **state)
{
	unsigned char in[1 + 100 * 8];
	float out[100], want[100];
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 1, "test.dtype", 0);
	for (int i = 0; i < 100; i++) {
		double x = fot_rng_normal(&r) * pow(10, (double)fot_rng_below(&r, 60) - 30);

		memcpy(in + 1 + 8 * i, &x, 8);
		want[i] = (float)x;
	}
	fot_widen(out, in + 1, FOT_F64, 100);
	assert_memory_equal(out, want, sizeof(want));
	memcpy(in + 1, want, sizeof(want));
	fot_widen(out, in + 1, FOT_F32, 100);
	assert_memory_equal(out, want, sizeof(want));
	fot_widen(out, NULL, FOT_F32, 0);
}

/* Nearest of the two neighbours, the even one when both are as near. */
static uint16_t round_slowly(float x)
{
	uint16_t down = (uint16_t)(bits_of(x) >> 16), up = (uint16_t)(down + 1);
	double lo = (double)fot_bf16_widen(down), hi = (double)fot_bf16_widen(up), v = (double)x;

	if (isinf(hi)) /* the largest values round as if the range went on */
		hi = copysign(ldexp(1, 128), v);
	if (fabs(v - lo) < fabs(hi - v))
		return down;
	if (fabs(v - lo) > fabs(hi - v))
		return up;
	return down & 1 ? up : down;
}

static void test_dtype_rounds_to_nearest_even(void **state)
{
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 2, "test.dtype", 0);
	for (int i = 0; i < 200000; i++) {
		uint32_t u = (uint32_t)fot_rng_u64(&r);
		float x;

		if (i % 4 == 0)
			u = (u & 0xffff0000u) | 0x8000u; /* ties */
		x = float_of(u);
		if (!isfinite(x))
			continue;
		assert_int_equal(fot_bf16_of(x), round_slowly(x));
	}
	assert_int_equal(fot_bf16_of(INFINITY), 0x7f80);
	assert_int_equal(fot_bf16_of(-INFINITY), 0xff80);
	assert_true(isnan(fot_bf16_widen(fot_bf16_of(float_of(0x7f800001u)))));
}

/* Every half, the middle of it and the next one up (which goes to the even one), and what lies beside. */
static void test_dtype_rounds_to_half(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x7c00; h++) {
		float lo = half_value((uint16_t)h), hi = h == 0x7bff ? 65536 : half_value((uint16_t)(h + 1));
		float middle = lo + (hi - lo) / 2;
		uint32_t even = h & 1 ? h + 1 : h;

		assert_int_equal(fot_f16_of(lo), h);
		assert_int_equal(fot_f16_of(-lo), h | 0x8000);
		assert_int_equal(fot_f16_of(middle), even);
		assert_int_equal(fot_f16_of(-middle), even | 0x8000);
		assert_int_equal(fot_f16_of(nextafterf(middle, 0)), h);
		assert_int_equal(fot_f16_of(nextafterf(middle, 1e6f)), h + 1);
	}
	assert_int_equal(fot_f16_of(1e30f), 0x7c00);
	assert_int_equal(fot_f16_of(-INFINITY), 0xfc00);
	assert_int_equal(fot_f16_of(float_of(0x7f800001u)), 0x7e00);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dtype_names_and_sizes),
		cmocka_unit_test(test_dtype_widens_every_half),
		cmocka_unit_test(test_dtype_widens_every_bfloat16),
		cmocka_unit_test(test_dtype_widens_f32_f64),
		cmocka_unit_test(test_dtype_rounds_to_nearest_even),
		cmocka_unit_test(test_dtype_rounds_to_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
