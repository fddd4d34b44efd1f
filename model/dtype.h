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
static inline float fot_bf16_widen(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float x;

	memcpy(&x, &u, sizeof x);
	return x;
}

#endif
