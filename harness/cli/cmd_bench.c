/* cmd_bench.c: `fotbench bench`: how much of the machine's matrix product rate the
 * engine and the trainer reach.
 *
 * Absolute rates differ between machines and minutes, so everything is measured
 * in rounds: in each round first sgemm alone at the shapes that the model
 * multiplies (one independent product per thread, weighted as in a forward pass),
 * then prefill and training; the ratio of a round is what counts, and the median
 * of the rounds is printed. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "harness/cli/commands.h"
#include "harness/cli/options.h"
#include "harness/run/paths.h"
#include "model/attention.h"
#include "model/blas.h"
#include "model/cost.h"
#include "model/session.h"
#include "model/train/network.h"
#include "model/train/optimizer.h"

#define ROUNDS_MAX 101
#define GEMM_SECONDS 0.1 /* per shape and round */

struct bench {
	struct fot_model *model;
	const struct fot_config *c;
	int threads;
	int64_t tokens; /* fed per prefill */
	int64_t batch;  /* windows per training step */
	bool json;
};

struct row {
	const char *name;
	double gflops[ROUNDS_MAX], tokens_per_s[ROUNDS_MAX], ratio[ROUNDS_MAX];
};
enum { ROW_GEMM, ROW_PREFILL, ROW_PREFILL_DENSE, ROW_TRAIN, ROW_CROSSBATCH, ROW_COUNT };
static const char *const row_names[ROW_COUNT] = { "sgemm at the model's shapes", "prefill, no memory",
						  "prefill, dense memory", "training, standard",
						  "training, crossbatch d 4" };

/* ---- sgemm ----------------------------------------------------------- */

/* y[m, n] = x[m, k] w[n, k]^T, `count` times in a layer. */
struct shape {
	int64_t m, n, k;
	double count;
};
#define SHAPES 8

/* Products of one forward pass of a window, per layer but the output's. */
static size_t list_shapes(const struct fot_config *c, struct shape *s)
{
	int64_t D = c->hidden_size, F = c->intermediate_size, d = c->head_dim, L = c->n_layers;
	int64_t query = fot_config_query_width(c), key = fot_config_key_width(c);
	int64_t W = c->window, tiles = (W + FOT_TILE_K - 1) / FOT_TILE_K;
	double folds = (double)(c->n_heads * L) * (double)tiles / 2;

	s[0] = (struct shape){ FOT_TILE_Q, query, D, (double)L };
	s[1] = (struct shape){ FOT_TILE_Q, key, D, 2.0 * (double)L };
	s[2] = (struct shape){ FOT_TILE_Q, D, query, (double)L };
	s[3] = (struct shape){ FOT_TILE_Q, F, D, 2.0 * (double)L };
	s[4] = (struct shape){ FOT_TILE_Q, D, F, (double)L };
	s[5] = (struct shape){ FOT_TILE_Q, c->vocab_size, D, 1 };
	s[6] = (struct shape){ FOT_TILE_Q, FOT_TILE_K, d, folds };
	s[7] = (struct shape){ FOT_TILE_Q, d, FOT_TILE_K, folds };
	return SHAPES;
}

/* Seconds of one product of this shape, on each of `threads` threads at once. */
static double gemm_seconds(const struct shape *s, int threads, float *memory)
{
	int64_t one = s->m * s->k + s->n * s->k + s->m * s->n;
	double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k, began, took;
	int64_t times = 1;

	for (;;) {
		began = fot_clock();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
		for (int t = 0; t < threads; t++) {
			float *x = memory + t * one, *w = x + s->m * s->k, *y = w + s->n * s->k;

			for (int64_t i = 0; i < times; i++)
				cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)s->m, (blasint)s->n,
					    (blasint)s->k, 1, x, (blasint)s->k, w, (blasint)s->k, 0, y, (blasint)s->n);
		}
		took = fot_clock() - began;
		if (took > GEMM_SECONDS)
			return took / (double)times;
		times = 1 + (int64_t)(1.2 * GEMM_SECONDS * (double)times / (took > 1e-9 ? took : flops * 1e-12));
	}
}

static int bench_gemm(const struct bench *b, double *gflops, struct fot_err *err)
{
	struct shape s[SHAPES];
	size_t n = list_shapes(b->c, s), largest = 0;
	double flops = 0, seconds = 0;
	float *memory;
	struct fot_rng rng;

	for (size_t i = 0; i < n; i++) {
		size_t one = (size_t)(s[i].m * s[i].k + s[i].n * s[i].k + s[i].m * s[i].n);

		largest = one > largest ? one : largest;
	}
	memory = fot_alloc(fot_size_mul(largest, (size_t)b->threads), sizeof *memory);
	if (!memory)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	fot_rng_init(&rng, 1, "bench.gemm", 0);
	for (size_t i = 0; i < largest * (size_t)b->threads; i++)
		memory[i] = (float)fot_rng_uniform(&rng);
	for (size_t i = 0; i < n; i++) {
		seconds += s[i].count * gemm_seconds(&s[i], b->threads, memory);
		flops += s[i].count * 2.0 * (double)s[i].m * (double)s[i].n * (double)s[i].k * b->threads;
	}
	fot_free(memory);
	*gflops = flops / seconds * 1e-9;
	return FOT_OK;
}

/* ---- prefill --------------------------------------------------------- */

static int bench_prefill(const struct bench *b, bool dense, double *gflops, double *rate, struct fot_err *err)
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
	o.search = dense ? FOT_SEARCH_ALL : FOT_SEARCH_NONE;
	o.mem_max = b->tokens;
	o.n_threads = b->threads;
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
	FOT_TRY(fot_session_feed(s, tokens, (size_t)b->tokens, &want, err));
	began = fot_clock() - began;
	*rate = (double)b->tokens / began;
	fot_flops_read(&flops, b->c, &o, 0, (double)b->tokens, true);
	*gflops = fot_flops_sum(&flops) / began * 1e-9;
out:
	fot_session_close(s);
	fot_free(tokens);
	fot_free(nll);
	return status;
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

static int bench_train(const struct bench *b, bool crossbatch, double *gflops, double *rate, struct fot_err *err)
{
	struct fot_stage st = { .method = FOT_METHOD_STANDARD, .window = b->c->window, .batch = b->batch, .w = 1,
				.d = 1, .pack = 1 };
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
		st = (struct fot_stage){ .method = FOT_METHOD_CROSSBATCH, .window = b->c->window, .batch = b->batch,
					 .w = 3, .d = 4, .pack = 4 };
	fot_net_size_of(&size, &st, 1, b->threads);
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
		FOT_TRY(fot_adamw_step(&a, &p, grad, 1e-3, b->threads, &norm, err));
		began = fot_clock() - began;
	}
	*rate = (double)(batch.n_ask * batch.window) / began;
	*gflops = fot_net_flops(b->c, &batch) / began * 1e-9;
out:
	fot_net_close(net);
	fot_batch_release(&batch);
	fot_adamw_release(&a);
	fot_params_release(&p);
	fot_free(grad);
	return status;
}

/* ---- rounds ---------------------------------------------------------- */

static int one_round(const struct bench *b, struct row *rows, int64_t i, struct fot_err *err)
{
	bool mem = b->c->n_mem_layers > 0;
	int status;

	FOT_TRY(bench_gemm(b, &rows[ROW_GEMM].gflops[i], err));
	FOT_TRY(bench_prefill(b, false, &rows[ROW_PREFILL].gflops[i], &rows[ROW_PREFILL].tokens_per_s[i], err));
	if (mem)
		FOT_TRY(bench_prefill(b, true, &rows[ROW_PREFILL_DENSE].gflops[i],
				      &rows[ROW_PREFILL_DENSE].tokens_per_s[i], err));
	FOT_TRY(bench_train(b, false, &rows[ROW_TRAIN].gflops[i], &rows[ROW_TRAIN].tokens_per_s[i], err));
	if (mem)
		FOT_TRY(bench_train(b, true, &rows[ROW_CROSSBATCH].gflops[i], &rows[ROW_CROSSBATCH].tokens_per_s[i],
				    err));
	for (int r = 0; r < ROW_COUNT; r++)
		rows[r].ratio[i] = rows[r].gflops[i] / rows[ROW_GEMM].gflops[i];
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

static void print_rows(struct row *rows, const struct bench *b, int64_t rounds)
{
	printf("%-28s %8s %10s %9s %11s\n", "", "threads", "GFLOP/s", "of sgemm", "tokens/s");
	for (int r = 0; r < ROW_COUNT; r++) {
		double rate = median(rows[r].tokens_per_s, rounds);

		if (rows[r].gflops[0] > 0)
			printf("%-28s %8d %10.1f %9.2f", rows[r].name, b->threads, median(rows[r].gflops, rounds),
			       median(rows[r].ratio, rounds));
		if (rate > 0)
			printf(" %11.0f", rate);
		if (rows[r].gflops[0] > 0)
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
static void print_json(struct row *rows, const struct bench *b, const char *model, int64_t rounds)
{
	for (int r = 0; r < ROW_COUNT; r++) {
		struct fot_str line = FOT_STR_INIT;

		fot_str_puts(&line, "{\"model\":");
		fot_str_json(&line, model, strlen(model));
		fot_str_printf(&line, ",\"measured\":\"%s\",\"threads\":%d", rows[r].name, b->threads);
		add_median(&line, "gflops", rows[r].gflops, rounds);
		add_median(&line, "of_sgemm", rows[r].ratio, rounds);
		add_median(&line, "tokens_per_s", rows[r].tokens_per_s, rounds);
		fot_str_putc(&line, '}');
		if (!line.failed)
			puts(line.data);
		fot_str_release(&line);
	}
}

/* All rounds with b->threads, and their rows on stdout. */
static int measure(struct bench *b, const char *model, int64_t rounds, struct fot_err *err)
{
	struct row rows[ROW_COUNT] = { 0 };
	int status;

	for (int r = 0; r < ROW_COUNT; r++)
		rows[r].name = row_names[r];
	for (int64_t i = 0; i < rounds; i++) {
		fot_progress("bench: %d threads, round %lld of %lld", b->threads, (long long)i + 1, (long long)rounds);
		FOT_TRY(one_round(b, rows, i, err));
	}
	fot_progress_end();
	if (b->json)
		print_json(rows, b, model, rounds);
	else
		print_rows(rows, b, rounds);
	status = FOT_OK;
out:
	return status;
}

int fot_cmd_bench(int argc, char **argv)
{
	struct bench b = { 0 };
	const char *model = "model/zoo/lm-fot";
	int64_t threads = 0, rounds = 5;
	bool quiet = false;
	int progress = FOT_PROGRESS_AUTO;
	struct fot_err err = { 0 };
	struct fot_option table[] = {
		FOT_COMMON_MODEL(&model, false),
		FOT_COMMON_THREADS(&threads),
		{ .name = "rounds", .type = FOT_OPTION_INT, .value = &rounds, .lo = 1, .hi = ROUNDS_MAX, .arg = "N",
		  .help = "rounds; the median is printed" },
		{ .name = "tokens", .type = FOT_OPTION_SIZE, .value = &b.tokens, .lo = 1, .hi = 1 << 24, .arg = "N",
		  .help = "tokens of a prefill" },
		{ .name = "batch", .type = FOT_OPTION_INT, .value = &b.batch, .lo = 4, .hi = 4096, .arg = "N",
		  .help = "windows of a training step (a multiple of 4, at least 16)" },
		FOT_COMMON_QUIET(&quiet),
		FOT_COMMON_JSON(&b.json),
		FOT_COMMON_PROGRESS(&progress),
	};
	struct fot_options o = { .command = "bench", .usage = "bench [options]",
				 .about = "Measure matrix products, prefill and training at a model's shapes, as ratios to the rate of\n"
					  "sgemm in the same run: with one thread, then two, and so on up to --threads. Random tokens.",
				 .option = table, .n = sizeof table / sizeof *table };
	int status, code;
	int64_t last;

	b.tokens = 8192;
	b.batch = 16;
	if (fot_options_answered(&o, argc, argv, &code))
		return code;
	fot_command_begin(quiet, progress);
	FOT_TRY(b.batch % 4 || b.batch < 16
			? FOT_FAIL(&err, FOT_ERR_USAGE, "--batch: expected a multiple of 4 from 16, got %lld", (long long)b.batch)
			: FOT_OK);
	FOT_TRY(fot_path_open_model(&b.model, model, &err));
	b.c = fot_model_config(b.model);
	FOT_TRY(fot_blas_check((int32_t)(threads ? threads : fot_default_threads()), &err));
	openblas_set_num_threads(1);
	if (!b.json) {
		fot_print_lines(model);
		printf(": %.2f M parameters, BLAS core %s, median of %lld rounds\n",
		       (double)fot_config_parameters(b.c) * 1e-6, openblas_get_corename(), (long long)rounds);
	}
	last = threads ? threads : fot_default_threads();
	for (int64_t t = 1; t <= last; t = t < last && 2 * t > last ? last : 2 * t) {
		b.threads = (int)t;
		FOT_TRY(measure(&b, model, rounds, &err));
	}
	if (!b.json)
		printf("peak memory %.0f MiB\n", (double)fot_mem_peak_rss() / (1 << 20));
	status = fot_flush_stdout(&err);
out:
	fot_command_ended(&o, err.code, &err);
	fot_model_close(b.model);
	return status;
}
