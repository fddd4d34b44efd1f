/* bench_kernels.c: see bench_kernels.h. */
#include "harness/bench/bench_kernels.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <cblas.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/attention.h"
#include "model/bf16.h"
#include "model/matmul.h"
#include "model/memory.h"

/* Seconds of one call of work(arg, thread) on each of `threads` threads at once. */
static double seconds_of(void (*work)(void *arg, int thread), void *arg, int threads)
{
	int64_t times = 1;

	for (;;) {
		double began = fot_clock(), took;

#pragma omp parallel for num_threads(threads) schedule(static, 1)
		for (int t = 0; t < threads; t++)
			for (int64_t i = 0; i < times; i++)
				work(arg, t);
		took = fot_clock() - began;
		if (took > FOT_BENCH_SECONDS)
			return took / (double)times;
		times = 1 + (int64_t)(1.2 * FOT_BENCH_SECONDS * (double)times / (took > 1e-7 ? took : 1e-7));
	}
}

static void fill(float *x, size_t n)
{
	struct fot_rng rng;

	fot_rng_init(&rng, 1, "bench.numbers", 0);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)fot_rng_uniform(&rng) - 0.5f;
}

/* ---- peaks ----------------------------------------------------------- */

#define CHAINS 12 /* independent sums: enough for two units of four or five cycles */
#define STEPS 4096

#if defined(__AVX512F__)
typedef __m512 wide;
#define MULTIPLY_ADD(sum, x, y) _mm512_fmadd_ps(x, y, sum)
#elif defined(__FMA__)
typedef __m256 wide;
#define MULTIPLY_ADD(sum, x, y) _mm256_fmadd_ps(x, y, sum)
#else
typedef float wide __attribute__((vector_size(16)));
#define MULTIPLY_ADD(sum, x, y) ((sum) + (x) * (y))
#endif

#define KEEP(x) __asm__ volatile("" : "+x"(x))

/* STEPS times CHAINS times sum = step(sum, x, y). KEEP at the beginning: equal sums would be one chain. */
#define CHAINED(type, step, sum, x, y)                                                     \
	do {                                                                               \
		type sum[CHAINS] = { { 0 } };                                              \
                                                                                           \
		_Pragma("GCC unroll 16") for (int c = 0; c < CHAINS; c++) KEEP(sum[c]);    \
		for (int i = 0; i < STEPS; i++) {                                          \
			_Pragma("GCC unroll 16") for (int c = 0; c < CHAINS; c++) sum[c] = \
				step(sum[c], x, y);                                        \
		}                                                                          \
		_Pragma("GCC unroll 16") for (int c = 0; c < CHAINS; c++) KEEP(sum[c]);    \
	} while (0)

static void f32_steps(void *arg, int thread)
{
	wide x = { 0 }, y = { 0 };

	(void)arg;
	(void)thread;
	KEEP(x);
	KEEP(y);
	CHAINED(wide, MULTIPLY_ADD, sum, x, y);
}

double fot_bench_peak_f32(int threads)
{
	double flops = 2.0 * STEPS * CHAINS * sizeof(wide) / sizeof(float) * threads;

	return flops / seconds_of(f32_steps, NULL, threads) * 1e-9;
}

#if defined(__AVX512BF16__)
static void bf16_steps(void *arg, int thread)
{
	__m512bh x = { 0 }, y = { 0 };

	(void)arg;
	(void)thread;
	KEEP(x);
	KEEP(y);
	CHAINED(__m512, _mm512_dpbf16_ps, sum, x, y);
}

double fot_bench_peak_bf16(int threads)
{
	return 2.0 * STEPS * CHAINS * 32 * threads / seconds_of(bf16_steps, NULL, threads) * 1e-9;
}
#else
double fot_bench_peak_bf16(int threads)
{
	(void)threads;
	return 0;
}
#endif

/* ---- products -------------------------------------------------------- */

/* Of one thread. */
struct operands {
	float *x, *w, *y;
	float *scratch;
	uint32_t *rounded, *packed; /* x and w in bf16 */
};
struct product {
	struct fot_bench_shape s;
	struct operands *of; /* [threads] */
	enum fot_bench_by by;
};

static void lay_operands(struct fot_layout *y, struct operands *o, const struct fot_bench_shape *s)
{
	o->x = fot_layout_take(y, s->m * s->k, sizeof *o->x);
	o->w = fot_layout_take(y, s->n * s->k, sizeof *o->w);
	o->y = fot_layout_take(y, s->m * s->n, sizeof *o->y);
	o->scratch = fot_layout_take(y, fot_matmul_scratch(s->m, s->k), sizeof *o->scratch);
	o->rounded = fot_layout_take(y, s->m * fot_bf16_pairs(s->k), sizeof *o->rounded);
	o->packed = fot_layout_take(y, (int64_t)fot_bf16_packed(s->n, s->k), sizeof *o->packed);
}

static void by_sgemm(const struct fot_bench_shape *s, const struct operands *o)
{
	blasint m = (blasint)s->m, n = (blasint)s->n, k = (blasint)s->k;

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, o->x, k, o->w, k, 0, o->y, n);
}

static void by_sgemv(const struct fot_bench_shape *s, const struct operands *o)
{
	blasint n = (blasint)s->n, k = (blasint)s->k;

	cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, o->w, k, o->x, 1, 0, o->y, 1);
}

static void by_f32(const struct fot_bench_shape *s, const struct operands *o)
{
	struct fot_matmul_rows rows = fot_matmul_begin(o->x, s->m, s->k, o->scratch);

	fot_matmul(o->y, s->n, &rows, o->w, s->n, 0);
}

static void by_bf16(const struct fot_bench_shape *s, const struct operands *o)
{
	fot_bf16_round(o->rounded, o->x, s->m, s->k);
	fot_bf16_product(fot_bf16_kernel(), o->y, s->n, o->rounded, o->packed, s->m, s->n, s->k, 0);
}

static void (*const multiply_by[])(const struct fot_bench_shape *s, const struct operands *o) = {
	[FOT_BENCH_SGEMM] = by_sgemm,
	[FOT_BENCH_SGEMV] = by_sgemv,
	[FOT_BENCH_F32] = by_f32,
	[FOT_BENCH_BF16] = by_bf16,
};

static void multiply(void *arg, int thread)
{
	const struct product *p = arg;

	multiply_by[p->by](&p->s, &p->of[thread]);
}

/* Seconds of one product on each thread. */
static int product_seconds(struct product *p, int threads, double *seconds, struct fot_err *err)
{
	struct fot_arena arena = { 0 };
	struct fot_layout y = { 0 };
	int status;

	for (int t = 0; t < threads; t++)
		lay_operands(&y, &p->of[t], &p->s);
	FOT_TRY(fot_arena_init(&arena, y.need, err));
	y.arena = &arena;
	for (int t = 0; t < threads; t++) {
		struct operands *o = &p->of[t];

		lay_operands(&y, o, &p->s);
		fill(o->x, (size_t)(p->s.m * p->s.k));
		fill(o->w, (size_t)(p->s.n * p->s.k));
		fot_bf16_pack_transposed(o->packed, o->w, FOT_F32, p->s.n, p->s.k);
	}
	*seconds = seconds_of(multiply, p, threads);
out:
	fot_arena_release(&arena);
	return status;
}

int fot_bench_products(const struct fot_bench_shape *s, size_t n, int threads, enum fot_bench_by by,
		       double *gflops, struct fot_err *err)
{
	struct product p = { .of = fot_calloc((size_t)threads, sizeof *p.of), .by = by };
	double flops = 0, seconds = 0, one;
	int status = p.of ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");

	for (size_t i = 0; i < n && status == FOT_OK; i++) {
		p.s = s[i];
		FOT_TRY(product_seconds(&p, threads, &one, err));
		seconds += s[i].count * one;
		flops += s[i].count * 2.0 * (double)s[i].m * (double)s[i].n * (double)s[i].k * threads;
	}
	*gflops = flops / seconds * 1e-9;
out:
	fot_free(p.of);
	return status;
}

/* ---- reading --------------------------------------------------------- */

struct reader {
	struct fot_attn a;
	struct fot_memory_scratch s;
};

struct reading {
	const struct fot_bench_reading *r;
	struct fot_memory m;
	float *q, *k, *v, *o; /* queries; keys and values to append; outputs of every thread */
	struct reader *reader;
};

static void lay(struct fot_layout *y, struct reading *g)
{
	int64_t d = g->r->head_dim;
	float *attn;

	g->m.ops->lay(&g->m, y);
	g->q = fot_layout_take(y, g->r->queries * d, sizeof *g->q);
	g->k = fot_layout_take(y, g->r->keys * d, sizeof *g->k);
	g->v = fot_layout_take(y, g->r->keys * d, sizeof *g->v);
	g->o = fot_layout_take(y, g->r->threads * g->r->queries * d, sizeof *g->o);
	for (int t = 0; t < g->r->threads; t++) {
		g->m.ops->lay_scratch(&g->reader[t].s, &g->m, y);
		attn = fot_layout_take(y, fot_attn_need(d, 0, g->r->kernel), sizeof *attn);
		if (attn)
			fot_attn_bind(&g->reader[t].a, attn, d, 0, g->r->kernel);
	}
}

static void score_alone(struct reading *g, struct fot_attn *a)
{
	fot_attn_ask(a, g->q, g->r->head_dim, 1);
	for (int64_t j = 0; j < g->m.len; j += FOT_TILE_K)
		for (int64_t row = 0; row < g->r->queries; row += FOT_PANEL)
			fot_attn_scores(a, row, (const float *)g->m.k + j * g->r->head_dim, g->r->head_dim,
					g->m.len - j < FOT_TILE_K ? g->m.len - j : FOT_TILE_K);
}

static void read_memory(void *arg, int thread)
{
	struct reading *g = arg;
	struct reader *t = &g->reader[thread];
	int64_t d = g->r->head_dim;
	struct fot_query q = {
		.a = &t->a, .q = g->q, .ldq = d, .to = g->m.len, .now = g->m.len, .scale = 1, .s = &t->s
	};

	fot_attn_begin(&t->a, g->r->queries);
	if (g->r->top_k < 0) {
		score_alone(g, &t->a);
		return;
	}
	g->m.ops->read(&g->m, &q);
	fot_attn_end(&t->a, g->o + thread * g->r->queries * d, d, NULL);
}

int fot_bench_memory(enum fot_memory_mode *kind, const char *word, struct fot_err *err)
{
	if (fot_memory_find(kind, word, strlen(word)))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "bench: no kind of memory is called %s", word);
}

int fot_bench_read(const struct fot_bench_reading *r, double *gflops, struct fot_err *err)
{
	struct reading g = { .r = r };
	struct fot_layout y = { 0 };
	struct fot_arena arena = { 0 };
	double pairs = (double)r->queries * (double)r->keys * r->threads;
	enum fot_memory_mode kind;
	int status;

	FOT_TRY(fot_bench_memory(&kind, r->memory, err));
	g.m = (struct fot_memory){ .ops = fot_memory_kind(kind),
				   .n_heads = 1,
				   .head_dim = r->head_dim,
				   .cap = r->keys,
				   .dtype = FOT_F32,
				   .top_k = r->top_k > 0 ? r->top_k : 0 };
	g.reader = fot_calloc((size_t)r->threads, sizeof *g.reader);
	if (!g.reader) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	lay(&y, &g);
	FOT_TRY(fot_arena_init(&arena, y.need, err));
	y.arena = &arena;
	lay(&y, &g);
	fill(g.q, (size_t)(r->queries * r->head_dim));
	fill(g.k, (size_t)(r->keys * r->head_dim));
	fill(g.v, (size_t)(r->keys * r->head_dim));
	g.m.ops->append(&g.m, g.k, g.v, r->head_dim, r->keys);
	*gflops = pairs * (double)r->head_dim * (r->top_k == 0 ? 4 : 2) /
		  seconds_of(read_memory, &g, r->threads) * 1e-9;
out:
	fot_arena_release(&arena);
	fot_free(g.reader);
	return status;
}

#endif
