/* cmd_bench.c: `fotbench bench`: how much of the machine's arithmetic the kernels, the engine and the trainer reach.
 *
 * Absolute rates differ between machines and minutes, so everything is measured
 * in rounds: in each round first what the machine can do at all (multiply-adds in registers), then
 * sgemm alone, at 1024 x 1024 x 1024 and at the shapes that the model
 * multiplies (one independent product per thread, weighted as in a forward pass), readings of a
 * memory, then filling, prefill and training; the ratios of a round are what counts, and the median
 * of the rounds is printed. */

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "harness/bench/bench_kernels.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/run/dryrun.h"
#include "model/attention.h"
#include "model/blas.h"
#include "model/cost.h"
#include "model/session.h"
#include "model/train/network.h"
#include "model/train/optimizer.h"

#define ROUNDS_MAX 101
#define READ_KEYS 65536
#define GIB (1024.0 * 1024.0 * 1024.0)
#define DENSE "dense" /* kinds of memory that are measured */
#define KNN "knn"

struct bench {
	struct fot_model *model;
	const struct fot_config *c;
	int threads;
	int64_t tokens; /* fed per prefill */
	int64_t batch;  /* windows per training step */
	bool json;
	enum fot_compute compute; /* of the row at work */
};

/* What one measurement gives; 0: not measured. */
struct rate {
	double gflops, tokens_per_s;
	size_t need; /* bytes of a measurement that is skipped because there are fewer; else 0 */
};

/* false: the row is skipped. */
static bool fits(const struct bench *b, size_t need, struct rate *r)
{
	r->need = need > fot_memory_available(b->threads) ? need : 0;
	return r->need == 0;
}

/* ---- kernels --------------------------------------------------------- */

#define SHAPES 8
#define WEIGHT_SHAPES 6 /* the first of them */

/* Products of one forward pass of a window, per layer but the output's. */
static void list_shapes(const struct fot_config *c, struct fot_bench_shape s[SHAPES])
{
	int64_t D = c->hidden_size, F = c->intermediate_size, d = c->head_dim, L = c->n_layers;
	int64_t query = fot_config_query_width(c), key = fot_config_key_width(c);
	int64_t W = c->window, tiles = (W + FOT_TILE_K - 1) / FOT_TILE_K;
	double folds = (double)(c->n_heads * L) * (double)tiles / 2;

	s[0] = (struct fot_bench_shape){ FOT_TILE_Q, query, D, (double)L };
	s[1] = (struct fot_bench_shape){ FOT_TILE_Q, key, D, 2.0 * (double)L };
	s[2] = (struct fot_bench_shape){ FOT_TILE_Q, D, query, (double)L };
	s[3] = (struct fot_bench_shape){ FOT_TILE_Q, F, D, 2.0 * (double)L };
	s[4] = (struct fot_bench_shape){ FOT_TILE_Q, D, F, (double)L };
	s[5] = (struct fot_bench_shape){ FOT_TILE_Q, c->vocab_size, D, 1 };
	s[6] = (struct fot_bench_shape){ FOT_TILE_Q, FOT_TILE_K, d, folds };
	s[7] = (struct fot_bench_shape){ FOT_TILE_Q, d, FOT_TILE_K, folds };
}

static int bench_peak_f32(const struct bench *b, struct rate *r, struct fot_err *err)
{
	(void)err;
	r->gflops = fot_bench_peak_f32(b->threads);
	return FOT_OK;
}

static int bench_peak_bf16(const struct bench *b, struct rate *r, struct fot_err *err)
{
	(void)err;
	r->gflops = fot_bench_peak_bf16(b->threads);
	return FOT_OK;
}

/* What the engine multiplies by. */
static enum fot_bench_by own(const struct bench *b)
{
	return b->compute == FOT_COMPUTE_BF16 ? FOT_BENCH_BF16 : FOT_BENCH_F32;
}

static int cube_by(const struct bench *b, enum fot_bench_by by, struct rate *r, struct fot_err *err)
{
	const struct fot_bench_shape cube = { 1024, 1024, 1024, 1 };

	return fot_bench_products(&cube, 1, b->threads, by, &r->gflops, err);
}

static int bench_cube(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return cube_by(b, own(b), r, err);
}

static int bench_sgemm_cube(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return cube_by(b, FOT_BENCH_SGEMM, r, err);
}

static int bench_shapes(const struct bench *b, struct rate *r, struct fot_err *err)
{
	struct fot_bench_shape s[SHAPES];

	list_shapes(b->c, s);
	return fot_bench_products(s, WEIGHT_SHAPES, b->threads, own(b), &r->gflops, err);
}

static int bench_sgemm_shapes(const struct bench *b, struct rate *r, struct fot_err *err)
{
	struct fot_bench_shape s[SHAPES];

	list_shapes(b->c, s);
	return fot_bench_products(s, SHAPES, b->threads, FOT_BENCH_SGEMM, &r->gflops, err);
}

/* The MLP's product of one row. */
static int row_by(const struct bench *b, enum fot_bench_by by, struct rate *r, struct fot_err *err)
{
	struct fot_bench_shape s = { 1, b->c->intermediate_size, b->c->hidden_size, 1 };

	return fot_bench_products(&s, 1, b->threads, by, &r->gflops, err);
}

static int bench_row(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return row_by(b, own(b), r, err);
}

static int bench_sgemv_row(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return row_by(b, FOT_BENCH_SGEMV, r, err);
}

static int bench_read(const struct bench *b, int64_t queries, const char *memory, int32_t top_k,
		      struct rate *r, struct fot_err *err)
{
	struct fot_bench_reading g = { queries,
				       READ_KEYS,
				       b->c->head_dim,
				       memory,
				       top_k,
				       b->threads,
				       b->compute ? fot_bf16_kernel() : NULL };

	return fot_bench_read(&g, &r->gflops, err);
}

static int bench_read_dense(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_read(b, FOT_TILE_Q, DENSE, 0, r, err);
}

static int bench_read_one(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_read(b, 1, DENSE, 0, r, err);
}

static int bench_read_scores(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_read(b, FOT_TILE_Q, DENSE, -1, r, err);
}

static int bench_read_top32(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_read(b, FOT_TILE_Q, KNN, 32, r, err);
}

static int bench_read_top128(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_read(b, FOT_TILE_Q, KNN, 128, r, err);
}

/* ---- prefill --------------------------------------------------------- */

/* asked: all tokens; else none. */
static int bench_feed(const struct bench *b, const char *memory, int32_t top_k, bool asked, struct rate *r,
		      struct fot_err *err)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_flops flops = { 0 };
	struct fot_want want = { 0 };
	int32_t *tokens = fot_alloc((size_t)b->tokens * 2, sizeof *tokens);
	double *nll = fot_alloc((size_t)b->tokens, sizeof *nll), began;
	struct fot_rng rng;
	int status;

	fot_session_opts_default(&o, b->model);
	FOT_TRY(fot_bench_memory(&o.mode, memory, err));
	o.top_k = top_k;
	o.mem_max = b->tokens;
	o.n_threads = b->threads;
	o.compute = b->compute;
	if (!fits(b, fot_size_add(fot_session_estimate(b->model, &o), fot_session_mapped(b->model, &o)), r))
		goto out;
	if (!tokens || !nll) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	fot_rng_init(&rng, 1, "bench.tokens", 0);
	for (int64_t i = 0; i < 2 * b->tokens; i++)
		tokens[i] = (int32_t)fot_rng_below(&rng, (uint64_t)b->c->vocab_size);
	FOT_TRY(fot_session_open(&s, b->model, &o, err));
	want.targets = tokens + b->tokens;
	want.nll = nll;
	began = fot_clock();
	FOT_TRY(fot_session_feed(s, tokens, (size_t)b->tokens, asked ? &want : NULL, err));
	began = fot_clock() - began;
	r->tokens_per_s = (double)b->tokens / began;
	fot_flops_read(&flops, b->c, &o, 0, (double)b->tokens, asked);
	r->gflops = fot_flops_sum(&flops) / began * 1e-9;
out:
	fot_session_close(s);
	fot_free(tokens);
	fot_free(nll);
	return status;
}

static int bench_fill(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_feed(b, DENSE, 0, false, r, err);
}

static int bench_prefill(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_feed(b, "none", 0, true, r, err);
}

static int bench_prefill_dense(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_feed(b, DENSE, 0, true, r, err);
}

static int bench_prefill_top32(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_feed(b, KNN, 32, true, r, err);
}

/* ---- training -------------------------------------------------------- */

static void random_batch(struct fot_batch *batch, const struct fot_stage *st, int32_t vocab)
{
	struct fot_rng rng;

	fot_batch_link(batch, st);
	fot_rng_init(&rng, 1, "bench.batch", 0);
	for (int64_t i = 0; i < batch->n_win * batch->window; i++)
		batch->tokens[i] = (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
	for (int64_t i = 0; i < batch->n_ask * batch->window; i++)
		batch->targets[i] = (int32_t)fot_rng_below(&rng, (uint64_t)vocab);
}

static int bench_steps(const struct bench *b, bool crossbatch, struct rate *r, struct fot_err *err)
{
	struct fot_stage st = { .method = FOT_METHOD_STANDARD,
				.window = b->c->window,
				.batch = b->batch,
				.w = 1,
				.d = 1,
				.pack = 1 };
	struct fot_adamw_opts adamw = { .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8, .clip = 1, .gate_lr = 1 };
	struct fot_params p = { 0 };
	struct fot_adamw a = { 0 };
	struct fot_batch batch = { 0 };
	struct fot_net_size size;
	struct fot_net *net = NULL;
	fot_real *grad = NULL;
	double loss, norm, began;
	int status;

	if (crossbatch)
		st = (struct fot_stage){ .method = FOT_METHOD_CROSSBATCH,
					 .window = b->c->window,
					 .batch = b->batch,
					 .w = 3,
					 .d = 4,
					 .pack = 4 };
	fot_net_size_of(&size, &st, 1, fot_threads_at_once(b->threads));
	size.compute = b->compute;
	if (!fits(b,
		  fot_size_add(fot_net_estimate(b->c, &size),
			       4 * sizeof(fot_real) * (size_t)fot_config_parameters(b->c)),
		  r))
		return FOT_OK;
	FOT_TRY(fot_params_init(&p, b->c, err));
	fot_params_random(&p, 1, 0.6, 0.5);
	FOT_TRY(fot_adamw_init(&a, &p, &adamw, err));
	FOT_TRY(fot_batch_init(&batch, &st, 1, err));
	FOT_TRY(fot_net_open(&net, &p, &size, err));
	grad = fot_calloc((size_t)p.n, sizeof *grad);
	if (!grad) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	random_batch(&batch, &st, b->c->vocab_size);
	for (int i = 0; i < 2; i++) { /* the first step touches all memory for the first time */
		began = fot_clock();
		FOT_TRY(fot_net_gradient(net, &batch, &loss, grad, err));
		FOT_TRY(fot_adamw_step(&a, &p, grad, 1e-3, fot_threads_at_once(b->threads), &norm, err));
		began = fot_clock() - began;
	}
	r->tokens_per_s = (double)(batch.n_ask * batch.window) / began;
	r->gflops = fot_net_flops(b->c, &batch) / began * 1e-9;
out:
	fot_net_close(net);
	fot_batch_release(&batch);
	fot_adamw_release(&a);
	fot_params_release(&p);
	fot_free(grad);
	return status;
}

static int bench_train(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_steps(b, false, r, err);
}

static int bench_crossbatch(const struct bench *b, struct rate *r, struct fot_err *err)
{
	return bench_steps(b, true, r, err);
}

/* ---- rounds ---------------------------------------------------------- */

static const struct row {
	const char *name;
	int (*measure)(const struct bench *b, struct rate *r, struct fot_err *err);
	bool memory; /* only of models with memory layers */
	enum fot_compute compute;
} rows[] = {
	{ "f32 peak", bench_peak_f32, false, FOT_COMPUTE_F32 },
	{ "bf16 peak", bench_peak_bf16, false, FOT_COMPUTE_F32 },
	{ "sgemm 1024^3", bench_sgemm_cube, false, FOT_COMPUTE_F32 },
	{ "f32 1024^3", bench_cube, false, FOT_COMPUTE_F32 },
	{ "bf16 1024^3", bench_cube, false, FOT_COMPUTE_BF16 },
	{ "sgemm at the model's shapes", bench_sgemm_shapes, false, FOT_COMPUTE_F32 },
	{ "f32 at its weights' shapes", bench_shapes, false, FOT_COMPUTE_F32 },
	{ "bf16 at its weights' shapes", bench_shapes, false, FOT_COMPUTE_BF16 },
	{ "one row of the MLP, sgemv", bench_sgemv_row, false, FOT_COMPUTE_F32 },
	{ "one row of the MLP, f32", bench_row, false, FOT_COMPUTE_F32 },
	{ "one row of the MLP, bf16", bench_row, false, FOT_COMPUTE_BF16 },
	{ "reading 64k keys, dense", bench_read_dense, false, FOT_COMPUTE_F32 },
	{ "reading 64k keys, dense, bf16", bench_read_dense, false, FOT_COMPUTE_BF16 },
	{ "reading for one query, dense", bench_read_one, false, FOT_COMPUTE_F32 },
	{ "reading for one query, bf16", bench_read_one, false, FOT_COMPUTE_BF16 },
	{ "scoring 64k keys", bench_read_scores, false, FOT_COMPUTE_F32 },
	{ "scoring 64k keys, bf16", bench_read_scores, false, FOT_COMPUTE_BF16 },
	{ "reading 64k keys, top 32", bench_read_top32, false, FOT_COMPUTE_F32 },
	{ "reading 64k keys, top 32, bf16", bench_read_top32, false, FOT_COMPUTE_BF16 },
	{ "reading 64k keys, top 128", bench_read_top128, false, FOT_COMPUTE_F32 },
	{ "reading 64k keys, top 128, bf16", bench_read_top128, false, FOT_COMPUTE_BF16 },
	{ "filling the memory", bench_fill, true, FOT_COMPUTE_F32 },
	{ "filling the memory, bf16", bench_fill, true, FOT_COMPUTE_BF16 },
	{ "prefill, no memory", bench_prefill, false, FOT_COMPUTE_F32 },
	{ "prefill, no memory, bf16", bench_prefill, false, FOT_COMPUTE_BF16 },
	{ "prefill, dense memory", bench_prefill_dense, true, FOT_COMPUTE_F32 },
	{ "prefill, dense memory, bf16", bench_prefill_dense, true, FOT_COMPUTE_BF16 },
	{ "prefill, top 32 of memory", bench_prefill_top32, true, FOT_COMPUTE_F32 },
	{ "training, standard", bench_train, false, FOT_COMPUTE_F32 },
	{ "training, standard, bf16", bench_train, false, FOT_COMPUTE_BF16 },
	{ "training, crossbatch d 4", bench_crossbatch, true, FOT_COMPUTE_F32 },
	{ "training, crossbatch d 4, bf16", bench_crossbatch, true, FOT_COMPUTE_BF16 },
};
#define ROWS FOT_COUNT(rows)
enum { ROW_PEAK = 0, ROW_CUBE = 2, ROW_SHAPES = 5 };

/* Of all rounds. */
struct measured {
	size_t need; /* bytes that were not there for a round */
	double gflops[ROUNDS_MAX], tokens_per_s[ROUNDS_MAX], of_peak[ROUNDS_MAX], of_sgemm[ROUNDS_MAX],
		of_cube[ROUNDS_MAX];
};

static int one_round(const struct bench *b, struct measured *m, int64_t i, struct fot_err *err)
{
	bool mem = b->c->n_mem_layers > 0;
	int status = FOT_OK;

	for (size_t r = 0; r < ROWS; r++) {
		struct rate rate = { 0 };
		struct bench at = *b;

		at.compute = rows[r].compute;

		if (!rows[r].memory || mem)
			FOT_TRY(rows[r].measure(&at, &rate, err));
		m[r].need = rate.need > m[r].need ? rate.need : m[r].need;
		m[r].gflops[i] = rate.gflops;
		m[r].tokens_per_s[i] = rate.tokens_per_s;
	}
	for (size_t r = 0; r < ROWS; r++) {
		m[r].of_peak[i] = m[r].gflops[i] / m[ROW_PEAK].gflops[i];
		m[r].of_sgemm[i] = m[r].gflops[i] / m[ROW_SHAPES].gflops[i];
		m[r].of_cube[i] = m[r].gflops[i] / m[ROW_CUBE].gflops[i];
	}
out:
	return status;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *x, int64_t n)
{
	qsort(x, (size_t)n, sizeof *x, by_value);
	return x[n / 2];
}

static void print_rows(struct measured *m, const struct bench *b, int64_t rounds)
{
	printf("%-30s %8s %10s %8s %9s %10s %11s\n", "", "threads", "GFLOP/s", "of peak", "of sgemm",
	       "of 1024^3", "tokens/s");
	for (size_t r = 0; r < ROWS; r++) {
		double rate = median(m[r].tokens_per_s, rounds);

		if (m[r].need)
			printf("%-30s %8d   skipped: needs %.1f GiB, which are not available\n", rows[r].name,
			       b->threads, (double)m[r].need / GIB);
		if (m[r].need || m[r].gflops[0] <= 0)
			continue;
		printf("%-30s %8d %10.1f %8.2f %9.2f %10.2f", rows[r].name, b->threads,
		       median(m[r].gflops, rounds), median(m[r].of_peak, rounds),
		       median(m[r].of_sgemm, rounds), median(m[r].of_cube, rounds));
		if (rate > 0)
			printf(" %11.0f", rate);
		putchar('\n');
	}
}

/* null: not measured. */
static void add_median(struct fot_str *out, const char *name, double *value, int64_t rounds)
{
	double x = median(value, rounds);

	if (x > 0)
		fot_str_printf(out, ",\"%s\":%.6g", name, x);
	else
		fot_str_printf(out, ",\"%s\":null", name);
}

/* One line per number of threads and row. */
static void print_json(struct measured *m, const struct bench *b, const char *model, int64_t rounds)
{
	for (size_t r = 0; r < ROWS; r++) {
		struct fot_str line = FOT_STR_INIT;

		fot_str_puts(&line, "{\"model\":");
		fot_str_json(&line, model, strlen(model));
		fot_str_printf(&line, ",\"measured\":\"%s\",\"threads\":%d", rows[r].name, b->threads);
		add_median(&line, "gflops", m[r].gflops, rounds);
		add_median(&line, "of_sgemm", m[r].of_sgemm, rounds);
		add_median(&line, "tokens_per_s", m[r].tokens_per_s, rounds);
		add_median(&line, "of_peak", m[r].of_peak, rounds);
		add_median(&line, "of_sgemm_1024", m[r].of_cube, rounds);
		if (m[r].need)
			fot_str_printf(&line, ",\"skipped\":\"needs %.1f GiB\"", (double)m[r].need / GIB);
		fot_str_putc(&line, '}');
		if (!line.failed)
			puts(line.data);
		fot_str_release(&line);
	}
}

/* All rounds with b->threads, and their rows on stdout. */
static int measure(struct bench *b, const char *model, int64_t rounds, struct fot_err *err)
{
	struct measured *m = fot_calloc(ROWS, sizeof *m);
	int status;

	if (!m)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	for (int64_t i = 0; i < rounds; i++) {
		fot_progress("bench: %d threads, round %lld of %lld", b->threads, (long long)i + 1,
			     (long long)rounds);
		FOT_TRY(one_round(b, m, i, err));
	}
	fot_progress_end();
	if (b->json)
		print_json(m, b, model, rounds);
	else
		print_rows(m, b, rounds);
	status = FOT_OK;
out:
	fot_free(m);
	return status;
}

/* With one thread, two, four, up to `last`. */
static int measure_all(struct bench *b, const char *model, int64_t rounds, int64_t last, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_blas_check((int32_t)last, err));
	openblas_set_num_threads(1);
	if (!b->json) {
		fot_print_lines(model);
		printf(": %.2f M parameters, BLAS core %s, median of %lld rounds\n",
		       (double)fot_config_parameters(b->c) * 1e-6, openblas_get_corename(),
		       (long long)rounds);
	}
	for (int64_t t = 1; t <= last; t = t < last && 2 * t > last ? last : 2 * t) {
		b->threads = (int)t;
		FOT_TRY(measure(b, model, rounds, err));
	}
	if (!b->json)
		printf("peak memory %.0f MiB\n", (double)fot_mem_peak_rss() / (1 << 20));
	status = fot_flush_stdout(err);
out:
	return status;
}

struct bench_flags {
	const char *model;
	int64_t threads, rounds, tokens, batch;
	bool quiet, json;
	int progress;
};

static int bench(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct bench_flags *f = flags;
	struct bench b = { .tokens = f->tokens, .batch = f->batch, .json = f->json };
	int status;

	(void)o;
	if (b.batch % 4 || b.batch < 16)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--batch: expected a multiple of 4 from 16, got %lld",
				(long long)b.batch);
	FOT_TRY(fot_path_open_model(&b.model, f->model, err));
	b.c = fot_model_config(b.model);
	status = measure_all(&b, f->model, f->rounds, f->threads ? f->threads : fot_default_threads(), err);
out:
	fot_model_close(b.model);
	return status;
}

int fot_cmd_bench(int argc, char **argv)
{
	struct bench_flags f = { .model = "model/zoo/lm-fot", .rounds = 5, .tokens = 8192, .batch = 16 };
	struct fot_option options[] = {
		FOT_COMMON_MODEL(&f.model, false),
		FOT_COMMON_THREADS(&f.threads),
		{ FOT_INT_OPTION("rounds", &f.rounds, 1, ROUNDS_MAX, "N", "rounds; the median is printed") },
		{ FOT_SIZE_OPTION("tokens", &f.tokens, 1, 1 << 24, "N", "tokens of a prefill") },
		{ FOT_INT_OPTION("batch", &f.batch, 4, 4096, "N",
				 "windows of a training step (a multiple of 4, at least 16)") },
		FOT_COMMON_QUIET(&f.quiet),
		FOT_COMMON_JSON(&f.json),
		FOT_COMMON_PROGRESS(&f.progress),
	};
	struct fot_options o = FOT_COMMAND(
		"bench", "[options]",
		"Measure matrix products, readings of a memory, prefill and training at a model's shapes, as ratios to the\n"
		"machine's peak and to sgemm at these shapes in the same run: with one thread, then two, and so on\n"
		"up to --threads. Random tokens.",
		options, 0, 0, bench);

	return fot_command(&o, argc, argv, &f);
}
