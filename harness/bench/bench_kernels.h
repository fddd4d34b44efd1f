/* bench_kernels.h: rates of kernels, for `fotbench bench`: what the machine can do at all, products, readings of the
 * memory.  Each is done by `threads` threads at once, on data of their own, again and again for at least
 * FOT_BENCH_SECONDS; rates are those of all threads together, in GFLOP/s. */
#ifndef FOT_BENCH_KERNELS_H
#define FOT_BENCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/bf16.h"
#include "model/session.h"

#define FOT_BENCH_SECONDS 0.1

/* Multiply-adds of numbers in registers, as wide as the program was compiled for. bf16: products of bfloat16 summed
 * in float (AVX512-BF16); 0: not there. */
double fot_bench_peak_f32(int threads);
double fot_bench_peak_bf16(int threads);

/* Who multiplies: BLAS (sgemv: m is 1), or what the engine uses (model/matmul.h, model/bf16.h). */
enum fot_bench_by { FOT_BENCH_SGEMM, FOT_BENCH_SGEMV, FOT_BENCH_F32, FOT_BENCH_BF16 };
/* y[m, n] = x[m, k] w[n, k]^T, `count` times. */
struct fot_bench_shape {
	int64_t m, n, k;
	double count;
};
/* Together; in bf16 w was packed before, x is rounded each time. Errors: FOT_ERR_RUN. */
int fot_bench_products(const struct fot_bench_shape *s, size_t n, int threads, enum fot_bench_by by,
		       double *gflops, struct fot_err *err);

/* The kind of memory of a word ("none", "dense", ...). Errors: FOT_ERR_RUN: there is none. */
int fot_bench_memory(enum fot_memory_mode *kind, const char *word, struct fot_err *err);

/* Queries of one head against a memory that all threads share, in float. */
struct fot_bench_reading {
	int64_t queries, keys, head_dim;
	const char *memory; /* the word of its kind */
	int32_t top_k;      /* for kinds that choose; else 0; -1: the scores alone */
	int threads;
	const struct fot_bf16_kernel *kernel; /* in bf16; NULL: in f32 */
};
/* A pair counts 2 head_dim for its score, and 2 for its value if all are read. Errors: FOT_ERR_RUN. */
int fot_bench_read(const struct fot_bench_reading *r, double *gflops, struct fot_err *err);

#endif
