/* dtype.c: one table of element types; widening reads through memcpy, because
 * tensors in a mapped file are aligned only as the file says. */
#include "model/dtype.h"

#include "base/list.h"

struct dtype_row {
	const char *name;
	size_t size;
};

static const struct dtype_row rows[] = {
	[FOT_F32] = { "F32", 4 },   [FOT_F16] = { "F16", 2 }, [FOT_BF16] = { "BF16", 2 },
	[FOT_F64] = { "F64", 8 },   [FOT_I64] = { "I64", 8 }, [FOT_I32] = { "I32", 4 },
	[FOT_I16] = { "I16", 2 },   [FOT_I8] = { "I8", 1 },   [FOT_U8] = { "U8", 1 },
	[FOT_BOOL] = { "BOOL", 1 }, [FOT_U16] = { "U16", 2 }, [FOT_U32] = { "U32", 4 },
	[FOT_U64] = { "U64", 8 },   [FOT_F8_E4M3] = { "F8_E4M3", 1 }, [FOT_F8_E5M2] = { "F8_E5M2", 1 },
	[FOT_F8_E8M0] = { "F8_E8M0", 1 }, [FOT_C64] = { "C64", 8 },
};

#define N_ROWS FOT_COUNT(rows)

const char *fot_dtype_name(enum fot_dtype t)
{
	return (size_t)t < N_ROWS ? rows[t].name : "?";
}

size_t fot_dtype_size(enum fot_dtype t)
{
	return (size_t)t < N_ROWS ? rows[t].size : 0;
}

int fot_dtype_parse(const char *name)
{
	size_t i = FOT_FIND(rows, name);

	return i < N_ROWS ? (int)i : -1;
}

/* A half's exponent and fraction, moved to a float's places, read as a float
 * that is too small by 2^112; the product is exact, subnormal halves included.
 * Infinities and NaNs need the float's full exponent put back. */
static float widen_f16(uint16_t h)
{
	uint32_t em = h & 0x7fffu, u = em << 13;
	float x;

	memcpy(&x, &u, sizeof x);
	x *= 0x1p112f;
	memcpy(&u, &x, sizeof u);
	if (em >= 0x7c00u)
		u = 0x7f800000u | (em & 0x3ffu) << 13;
	u |= (uint32_t)(h & 0x8000u) << 16;
	memcpy(&x, &u, sizeof x);
	return x;
}

static void widen_f16s(float *out, const unsigned char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t h;

		memcpy(&h, in + 2 * i, sizeof h);
		out[i] = widen_f16(h);
	}
}

static void widen_bf16s(float *out, const unsigned char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t h;

		memcpy(&h, in + 2 * i, sizeof h);
		out[i] = fot_bf16_widen(h);
	}
}

static void widen_f64s(float *out, const unsigned char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double x;

		memcpy(&x, in + 8 * i, sizeof x);
		out[i] = (float)x;
	}
}

void fot_widen(float *out, const void *in, enum fot_dtype t, size_t n)
{
	if (n == 0)
		return;
	if (t == FOT_F32)
		memcpy(out, in, n * sizeof *out);
	else if (t == FOT_F16)
		widen_f16s(out, in, n);
	else if (t == FOT_BF16)
		widen_bf16s(out, in, n);
	else if (t == FOT_F64)
		widen_f64s(out, in, n);
}
