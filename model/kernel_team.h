/* kernel_team.h: what kernels are written with: one body, compiled for a device and as plain C.
 *
 * A kernel has an index and a team.  A team is the threads that share the index: a warp of 32 for a row, a block
 * of 128 in four warps for a tile, on a host one thread alone:
 *
 *   for (i = t.lane; i < n; i += t.lanes) ...        what the lanes share
 *   x = fot_team_sum(t, x)                           every lane gets the sum over the warp
 *   fot_team_sync(t)                                 what lanes of the block wrote before is seen behind it
 *
 * Between two barriers no lane may read what another one writes: then one lane that does all of it, barrier
 * after barrier, does the same.  Sums over lanes have one order on a device and another one on a host. */
#ifndef FOT_KERNEL_TEAM_H
#define FOT_KERNEL_TEAM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "model/dtypes.h"

#ifdef __CUDACC__
#include <mma.h>
#define FOT_DEV __device__ __attribute__((always_inline))
#else
#define FOT_DEV
#endif
#ifdef __CUDA_ARCH__
#define FOT_UNROLL _Pragma("unroll")
#define FOT_ALIGNED(p) ((float *)__builtin_assume_aligned((p), 16))
#else
#define FOT_UNROLL
#define FOT_ALIGNED(p) (p)
#endif

#define FOT_WARP 32
#define FOT_WARPS 4 /* of a block */

struct fot_team {
	int lane, lanes;         /* of all that share the index */
	int warp, warps;         /* of a block */
	int in_warp, warp_lanes; /* the lane in its warp */
	char *shared;            /* of a block; aligned to 128 bytes */
};

static inline FOT_DEV void fot_team_sync(struct fot_team t)
{
	(void)t;
#ifdef __CUDA_ARCH__
	__syncthreads();
#endif
}

static inline FOT_DEV void fot_warp_sync(struct fot_team t)
{
	(void)t;
#ifdef __CUDA_ARCH__
	__syncwarp();
#endif
}

static inline FOT_DEV float fot_team_sum(struct fot_team t, float x)
{
	(void)t;
#ifdef __CUDA_ARCH__
	for (int o = FOT_WARP / 2; o > 0; o /= 2)
		x += __shfl_xor_sync(0xffffffffu, x, o);
#endif
	return x;
}

static inline FOT_DEV float fot_team_max(struct fot_team t, float x)
{
	(void)t;
#ifdef __CUDA_ARCH__
	for (int o = FOT_WARP / 2; o > 0; o /= 2)
		x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, o));
#endif
	return x;
}

static inline FOT_DEV int32_t fot_team_least(struct fot_team t, int32_t x)
{
	(void)t;
#ifdef __CUDA_ARCH__
	for (int o = FOT_WARP / 2; o > 0; o /= 2)
		x = min(x, __shfl_xor_sync(0xffffffffu, x, o));
#endif
	return x;
}

static inline FOT_DEV int32_t fot_team_most(struct fot_team t, int32_t x)
{
	(void)t;
#ifdef __CUDA_ARCH__
	for (int o = FOT_WARP / 2; o > 0; o /= 2)
		x = max(x, __shfl_xor_sync(0xffffffffu, x, o));
#endif
	return x;
}

static inline FOT_DEV int32_t fot_team_count(struct fot_team t, int32_t x)
{
	(void)t;
#ifdef __CUDA_ARCH__
	for (int o = FOT_WARP / 2; o > 0; o /= 2)
		x += __shfl_xor_sync(0xffffffffu, x, o);
#endif
	return x;
}

/* How many lanes before this one say yes, and how many in all. */
static inline FOT_DEV int32_t fot_team_rank(struct fot_team t, bool yes, int32_t *all)
{
#ifdef __CUDA_ARCH__
	uint32_t votes = __ballot_sync(0xffffffffu, yes);

	*all = __popc(votes);
	return __popc(votes & ((1u << t.lane) - 1));
#else
	(void)t;
	*all = yes;
	return 0;
#endif
}

/* Does any lane of the warp say yes? */
static inline FOT_DEV bool fot_warp_any(bool yes)
{
#ifdef __CUDA_ARCH__
	return __any_sync(0xffffffffu, yes);
#else
	return yes;
#endif
}

/* ---- numbers --------------------------------------------------------- */

static inline FOT_DEV uint32_t fot_float_bits(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof u);
	return u;
}

static inline FOT_DEV float fot_bits_float(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof x);
	return x;
}

/* To bf16, to nearest, ties to even; NaN stays NaN. As fot_bf16_of (dtype.h). */
static inline FOT_DEV uint16_t fot_to_bf16(float x)
{
	uint32_t u = fot_float_bits(x);

	if ((u & 0x7fffffffu) > 0x7f800000u)
		return (uint16_t)((u >> 16) | 0x40u);
	return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

static inline FOT_DEV float fot_of_bf16(uint16_t h)
{
	return fot_bits_float((uint32_t)h << 16);
}

/* As dtype.c widens halves. */
static inline FOT_DEV float fot_of_f16(uint16_t h)
{
	uint32_t em = h & 0x7fffu, u = fot_float_bits(fot_bits_float(em << 13) * 0x1p112f);

	if (em >= 0x7c00u)
		u = 0x7f800000u | (em & 0x3ffu) << 13;
	return fot_bits_float(u | (uint32_t)(h & 0x8000u) << 16);
}

/* Number i of an array of F32, F16, BF16 or F64. */
static inline FOT_DEV float fot_number(const void *at, int dtype, int64_t i)
{
	if (dtype == FOT_F32)
		return ((const float *)at)[i];
	if (dtype == FOT_BF16)
		return fot_of_bf16(((const uint16_t *)at)[i]);
	if (dtype == FOT_F16)
		return fot_of_f16(((const uint16_t *)at)[i]);
	return (float)((const double *)at)[i];
}

/* x into an array of F32 or BF16. */
static inline FOT_DEV void fot_put_number(void *at, int dtype, int64_t i, float x)
{
	if (dtype == FOT_BF16)
		((uint16_t *)at)[i] = fot_to_bf16(x);
	else
		((float *)at)[i] = x;
}

/* ---- parts of matrices: 16 by 16 numbers that a warp holds together ---- */

#define FOT_PART 16

/* a, b: the two sides of a product as they lie (in f32, and on a host), or in registers (bf16 on a device); c: sums.
 * What lies in a tile is fot_tile_f32 or fot_tile_bf16. */
typedef float fot_tile_f32;

struct fot_side_f32 {
	const float *at;
	int ld;
};

#ifdef __CUDACC__
struct fot_sums_f32 { /* a lane has half a row */
	float x[FOT_PART * FOT_PART / FOT_WARP];
};
#else
struct fot_sums_f32 {
	float x[FOT_PART * FOT_PART];
};
#endif

/* Four numbers into a tile; two weights c, c + 1 (c even) in the place of their scores. */
static inline FOT_DEV void fot_put_four_f32(fot_tile_f32 *to, const float *x)
{
	for (int i = 0; i < 4; i++)
		to[i] = x[i];
}

static inline FOT_DEV void fot_put_two_f32(float *score, int c, float x, float y)
{
	score[c] = x;
	score[c + 1] = y;
}

static inline FOT_DEV void fot_zero_f32(struct fot_sums_f32 *c)
{
	FOT_UNROLL
	for (int i = 0; i < (int)(sizeof c->x / sizeof *c->x); i++)
		c->x[i] = 0;
}

static inline FOT_DEV void fot_side_f32(struct fot_side_f32 *s, const fot_tile_f32 *at, int ld)
{
	s->at = at;
	s->ld = ld;
}
#define fot_left_f32 fot_side_f32
#define fot_keys_f32 fot_side_f32
#define fot_values_f32 fot_side_f32

#ifdef __CUDACC__
/* The lane's place: half a row from column `from` on. */
static inline FOT_DEV int fot_row_of_lane(int lane, int *from)
{
	*from = lane % 2 * 8;
	return lane / 2;
}

/* c += a b^T, rows of b are keys. */
static inline FOT_DEV void fot_score_f32(struct fot_sums_f32 *c, const struct fot_side_f32 *a,
					 const struct fot_side_f32 *b, int lane)
{
	int from, row = fot_row_of_lane(lane, &from);

	for (int k = 0; k < FOT_PART; k++) {
		float x = a->at[row * a->ld + k];

		FOT_UNROLL
		for (int j = 0; j < 8; j++)
			c->x[j] += x * b->at[(from + j) * b->ld + k];
	}
}

/* c += a b. */
static inline FOT_DEV void fot_weigh_f32(struct fot_sums_f32 *c, const struct fot_side_f32 *a,
					 const struct fot_side_f32 *b, int lane)
{
	int from, row = fot_row_of_lane(lane, &from);

	for (int k = 0; k < FOT_PART; k++) {
		float x = a->at[row * a->ld + k];

		FOT_UNROLL
		for (int j = 0; j < 8; j++)
			c->x[j] += x * b->at[k * b->ld + from + j];
	}
}

static inline FOT_DEV void fot_keep_f32(float *to, int ld, const struct fot_sums_f32 *c, int lane)
{
	int from, row = fot_row_of_lane(lane, &from);

	FOT_UNROLL
	for (int j = 0; j < 8; j++)
		to[row * ld + from + j] = c->x[j];
}

static inline FOT_DEV void fot_take_f32(struct fot_sums_f32 *c, const float *at, int ld, int lane)
{
	int from, row = fot_row_of_lane(lane, &from);

	FOT_UNROLL
	for (int j = 0; j < 8; j++)
		c->x[j] = at[row * ld + from + j];
}
#else
static inline void fot_score_f32(struct fot_sums_f32 *c, const struct fot_side_f32 *a,
				 const struct fot_side_f32 *b, int lane)
{
	(void)lane;
	for (int i = 0; i < FOT_PART; i++)
		for (int j = 0; j < FOT_PART; j++) {
			float sum = 0;

			for (int k = 0; k < FOT_PART; k++)
				sum += a->at[i * a->ld + k] * b->at[j * b->ld + k];
			c->x[i * FOT_PART + j] += sum;
		}
}

static inline void fot_weigh_f32(struct fot_sums_f32 *c, const struct fot_side_f32 *a,
				 const struct fot_side_f32 *b, int lane)
{
	(void)lane;
	for (int i = 0; i < FOT_PART; i++)
		for (int k = 0; k < FOT_PART; k++)
			for (int j = 0; j < FOT_PART; j++)
				c->x[i * FOT_PART + j] += a->at[i * a->ld + k] * b->at[k * b->ld + j];
}

static inline void fot_keep_f32(float *to, int ld, const struct fot_sums_f32 *c, int lane)
{
	(void)lane;
	for (int i = 0; i < FOT_PART; i++)
		memcpy(to + i * ld, c->x + i * FOT_PART, sizeof(float) * FOT_PART);
}

static inline void fot_take_f32(struct fot_sums_f32 *c, const float *at, int ld, int lane)
{
	(void)lane;
	for (int i = 0; i < FOT_PART; i++)
		memcpy(c->x + i * FOT_PART, at + i * ld, sizeof(float) * FOT_PART);
}
#endif

#ifdef __CUDACC__
typedef __nv_bfloat16 fot_tile_bf16;
typedef nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __nv_bfloat16, nvcuda::wmma::row_major>
	fot_left_of_bf16;
typedef nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __nv_bfloat16, nvcuda::wmma::col_major>
	fot_keys_of_bf16;
typedef nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __nv_bfloat16, nvcuda::wmma::row_major>
	fot_values_of_bf16;
typedef nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> fot_sums_of_bf16;

static inline FOT_DEV uint32_t fot_two_bf16(float x, float y)
{
	return (uint32_t)fot_to_bf16(x) | (uint32_t)fot_to_bf16(y) << 16;
}

static inline FOT_DEV void fot_put_four_bf16(fot_tile_bf16 *to, const float *x)
{
	*(uint2 *)to = make_uint2(fot_two_bf16(x[0], x[1]), fot_two_bf16(x[2], x[3]));
}

/* Behind what is read: two weights take the place of one score. */
static inline FOT_DEV void fot_put_two_bf16(float *score, int c, float x, float y)
{
	score[c / 2] = fot_bits_float(fot_two_bf16(x, y));
}

static inline FOT_DEV void fot_zero_bf16(fot_sums_of_bf16 *c)
{
	nvcuda::wmma::fill_fragment(*c, 0.0f);
}

static inline FOT_DEV void fot_left_bf16(fot_left_of_bf16 *s, const fot_tile_bf16 *at, int ld)
{
	nvcuda::wmma::load_matrix_sync(*s, at, (unsigned)ld);
}

static inline FOT_DEV void fot_keys_bf16(fot_keys_of_bf16 *s, const fot_tile_bf16 *at, int ld)
{
	nvcuda::wmma::load_matrix_sync(*s, at, (unsigned)ld);
}

static inline FOT_DEV void fot_values_bf16(fot_values_of_bf16 *s, const fot_tile_bf16 *at, int ld)
{
	nvcuda::wmma::load_matrix_sync(*s, at, (unsigned)ld);
}

static inline FOT_DEV void fot_score_bf16(fot_sums_of_bf16 *c, const fot_left_of_bf16 *a,
					  const fot_keys_of_bf16 *b, int lane)
{
	(void)lane;
	nvcuda::wmma::mma_sync(*c, *a, *b, *c);
}

static inline FOT_DEV void fot_weigh_bf16(fot_sums_of_bf16 *c, const fot_left_of_bf16 *a,
					  const fot_values_of_bf16 *b, int lane)
{
	(void)lane;
	nvcuda::wmma::mma_sync(*c, *a, *b, *c);
}

static inline FOT_DEV void fot_keep_bf16(float *to, int ld, const fot_sums_of_bf16 *c, int lane)
{
	(void)lane;
	nvcuda::wmma::store_matrix_sync(to, *c, (unsigned)ld, nvcuda::wmma::mem_row_major);
}

static inline FOT_DEV void fot_take_bf16(fot_sums_of_bf16 *c, const float *at, int ld, int lane)
{
	(void)lane;
	nvcuda::wmma::load_matrix_sync(*c, at, (unsigned)ld, nvcuda::wmma::mem_row_major);
}
#else
/* A host rounds what enters a tile and multiplies floats: a product of two bf16 is exact in f32. */
typedef float fot_tile_bf16;
typedef struct fot_side_f32 fot_left_of_bf16, fot_keys_of_bf16, fot_values_of_bf16;
typedef struct fot_sums_f32 fot_sums_of_bf16;

static inline float fot_rounded(float x)
{
	return fot_of_bf16(fot_to_bf16(x));
}

static inline void fot_put_four_bf16(fot_tile_bf16 *to, const float *x)
{
	for (int i = 0; i < 4; i++)
		to[i] = fot_rounded(x[i]);
}

static inline void fot_put_two_bf16(float *score, int c, float x, float y)
{
	score[c] = fot_rounded(x);
	score[c + 1] = fot_rounded(y);
}
#define fot_zero_bf16 fot_zero_f32
#define fot_left_bf16 fot_side_f32
#define fot_keys_bf16 fot_side_f32
#define fot_values_bf16 fot_side_f32
#define fot_score_bf16 fot_score_f32
#define fot_weigh_bf16 fot_weigh_f32
#define fot_keep_bf16 fot_keep_f32
#define fot_take_bf16 fot_take_f32
#endif
typedef struct fot_side_f32 fot_left_of_f32, fot_keys_of_f32, fot_values_of_f32;
typedef struct fot_sums_f32 fot_sums_of_f32;

#endif
