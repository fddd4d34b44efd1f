/* dtype.h: element types: names, sizes, widening to float and rounding.
 *
 * One table of dtypes serves safetensors, the pickle reader and the memory. */
#ifndef FOT_DTYPE_H
#define FOT_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model/config.h"

const char *fot_dtype_name(enum fot_dtype t); /* safetensors' name: "F32", "BF16", ... */
size_t fot_dtype_size(enum fot_dtype t);
/* By safetensors' name; -1 if unknown. */
int fot_dtype_parse(const char *name);

/* Widen n elements of type F32, F16, BF16 or F64 (rounded) to float. */
void fot_widen(float *out, const void *in, enum fot_dtype t, size_t n);
/* float to bfloat16, to nearest, ties to even; NaN stays NaN. */
static inline uint16_t fot_bf16_of(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof u);
	if ((u & 0x7fffffffu) > 0x7f800000u)
		return (uint16_t)((u >> 16) | 0x40u);
	return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
/* float to half precision, to nearest, ties to even, in integers: not every compiler has _Float16.
 * What is too large becomes infinite; NaN stays NaN, quiet, with the upper bits of its payload. */
static inline uint16_t fot_f16_of(float x)
{
	uint32_t u, sign, rest, drop;

	memcpy(&u, &x, sizeof u);
	sign = u >> 16 & 0x8000u;
	u &= 0x7fffffffu;
	if (u > 0x7f800000u)
		return (uint16_t)(sign | 0x7e00u | (u >> 13 & 0x1ffu));
	if (u >= 0x47800000u) /* 2^16 */
		return (uint16_t)(sign | 0x7c00u);
	if (u < 0x33000000u) /* 2^-25, half of the smallest */
		return (uint16_t)sign;
	drop = 13;
	rest = u - (112u << 23); /* the exponent counts from 15 instead of 127 */
	if (u < 0x38800000u) {	 /* 2^-14: subnormal, a multiple of 2^-24 */
		drop = 126u - (u >> 23);
		rest = (u & 0x7fffffu) | 0x800000u;
	}
	return (uint16_t)(sign | ((rest + (1u << (drop - 1)) - 1u + (rest >> drop & 1u)) >> drop));
}
static inline float fot_bf16_widen(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float x;

	memcpy(&x, &u, sizeof x);
	return x;
}

#endif
