/* test_attention.c: streamed attention against the softmax written out in double,
 * and against the authors' cross-batch attention where its outputs are at hand.
 *
 * Tolerance 3e-6 absolute on outputs of order 1: single precision, sums of up to
 * 700 terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/attention.h"
#include "model/dtype.h"
#include "model/memory.h"
#include "model/ops.h"
#include "model/safetensors.h"

#define DH 8
#define TOLERANCE 5e-6 /* scores of up to 10 in float, not fused on old CPUs */

static float *random_floats(int64_t n, uint64_t item, double scale)
{
	float *x = fot_alloc((size_t)n, sizeof *x);
	struct fot_rng r;

	assert_non_null(x);
	fot_rng_init(&r, 2, "test.attention", item);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)(scale * fot_rng_normal(&r));
	return x;
}

/* A list of keys with a mask, for one query: the softmax as the paper has it. */
struct plain {
	double score[4096];
	const float *value[4096];
	int64_t n;
};

static void plain_add(struct plain *p, const float *q, const float *k, const float *v, double scale)
{
	double dot = 0;

	for (int c = 0; c < DH; c++)
		dot += (double)q[c] * (double)k[c];
	p->score[p->n] = dot * scale;
	p->value[p->n++] = v;
}

static void plain_softmax(const struct plain *p, double *out)
{
	double max = p->score[0], sum = 0;

	for (int c = 0; c < DH; c++)
		out[c] = 0;
	for (int64_t j = 0; j < p->n; j++)
		max = fmax(max, p->score[j]);
	for (int64_t j = 0; j < p->n; j++)
		sum += exp(p->score[j] - max);
	for (int64_t j = 0; j < p->n; j++)
		for (int c = 0; c < DH; c++)
			out[c] += exp(p->score[j] - max) / sum * (double)p->value[j][c];
}

static void assert_rows_close(const float *got, const double *want)
{
	for (int c = 0; c < DH; c++)
		if (!(fabs((double)got[c] - want[c]) < TOLERANCE))
			fail_msg("column %d: %.9g, expected %.9g", c, (double)got[c], want[c]);
}

/* n_q queries at the end of n_local keys, and n_mem memory entries. */
static void check_joint(int64_t n_q, int64_t n_local, int64_t n_mem, int64_t top_k)
{
	float *q = random_floats(n_q * DH, 1, 2), *k = random_floats(n_local * DH, 2, 2);
	float *v = random_floats(n_local * DH, 3, 1), *mk = random_floats(n_mem * DH, 4, 2);
	float *mv = random_floats(n_mem * DH, 5, 1), *o = fot_alloc((size_t)(n_q * DH), sizeof *o);
	struct fot_layout y = { 0 };
	struct fot_arena arena;
	struct fot_memory m = { .ops = fot_memory_kind(top_k ? FOT_MEMORY_KNN : FOT_MEMORY_DENSE),
				.n_heads = 1,
				.head_dim = DH,
				.cap = n_mem,
				.dtype = FOT_F32,
				.top_k = (int32_t)top_k };
	struct fot_memory_scratch s;
	struct fot_attn a;
	struct plain *p = fot_alloc(1, sizeof *p);
	double want[DH], scale = 0.35;
	struct fot_topk *t = &s.topk;

	m.ops->lay(&m, &y);
	m.ops->lay_scratch(&s, &m, &y);
	fot_layout_take(&y, fot_attn_need(DH, 0, NULL), sizeof(float));
	assert_int_equal(fot_arena_init(&arena, y.need, NULL), FOT_OK);
	y.arena = &arena;
	m.ops->lay(&m, &y);
	m.ops->lay_scratch(&s, &m, &y);
	fot_attn_bind(&a, fot_layout_take(&y, fot_attn_need(DH, 0, NULL), sizeof(float)), DH, 0, NULL);
	m.ops->append(&m, mk, mv, DH, n_mem);
	for (int64_t q0 = 0; q0 < n_q; q0 += FOT_TILE_Q) {
		int64_t n = n_q - q0 < FOT_TILE_Q ? n_q - q0 : FOT_TILE_Q;

		fot_attn_begin(&a, n);
		fot_attn_fold(&a, q + q0 * DH, DH, k, DH, v, DH, n_local, n_local - n_q + q0, (float)scale);
		m.ops->read(&m, &(struct fot_query){ .a = &a,
						     .q = q + q0 * DH,
						     .ldq = DH,
						     .to = n_mem,
						     .now = n_mem,
						     .scale = (float)scale,
						     .s = &s });
		fot_attn_end(&a, o + q0 * DH, DH, NULL);
	}
	for (int64_t i = 0; i < n_q; i++) {
		struct fot_hit *hit;
		int64_t n_hits;

		p->n = 0;
		for (int64_t j = 0; j <= n_local - n_q + i; j++)
			plain_add(p, q + i * DH, k + j * DH, v + j * DH, scale);
		if (top_k) {
			fot_attn_begin(&a, 1);
			fot_attn_ask(&a, q + i * DH, DH, 1);
			fot_topk_begin(t, 1);
			fot_topk_offer(t, &a, mk, DH, n_mem, 0);
			n_hits = fot_topk_end(t, 0, &hit);
			for (int64_t j = 0; j < n_hits; j++)
				plain_add(p, q + i * DH, mk + hit[j].key * DH, mv + hit[j].key * DH, scale);
		}
		for (int64_t j = 0; !top_k && j < n_mem; j++)
			plain_add(p, q + i * DH, mk + j * DH, mv + j * DH, scale);
		plain_softmax(p, want);
		assert_rows_close(o + i * DH, want);
	}
	fot_arena_release(&arena);
	fot_free(q);
	fot_free(k);
	fot_free(v);
	fot_free(mk);
	fot_free(mv);
	fot_free(o);
	fot_free(p);
}

static void test_attention_joint_softmax(void **state)
{
	(void)state;
	check_joint(1, 1, 1, 0);
	check_joint(5, 5, 0, 0);
	check_joint(130, 130, 300, 0);
	check_joint(7, 300, 256, 0);
	check_joint(140, 400, 700, 0);
}

static void test_attention_top_k(void **state)
{
	(void)state;
	check_joint(3, 3, 40, 4);
	check_joint(130, 200, 600, 31);
	check_joint(5, 5, 10, 64);
}

/* Rows [first, first + n) of many queries against local keys, of which they see the last `seen`, and 300 more under a
 * bias. */
static void attend_some(float *o, int64_t first, int64_t n, int64_t dim, int64_t seen,
			const struct fot_bf16_kernel *kernel)
{
	static float q[80 * 40], k[700 * 40], v[700 * 40], bias[300];
	float *mem = fot_alloc((size_t)fot_attn_need(dim, 0, kernel), sizeof *mem);
	int64_t low[80];
	struct fot_attn a;
	struct fot_rng r;

	fot_rng_init(&r, 3, "test.rows", (uint64_t)dim);
	for (int64_t i = 0; i < 700 * dim; i++) {
		k[i] = (float)fot_rng_normal(&r);
		v[i] = (float)fot_rng_normal(&r);
		q[i % (80 * dim)] = (float)fot_rng_normal(&r);
		bias[i % 300] = (float)fot_rng_normal(&r);
	}
	assert_non_null(mem);
	memset(mem, 0xff,
	       (size_t)fot_attn_need(dim, 0, kernel) * sizeof *mem); /* NaN: what is not set is not used */
	fot_attn_bind(&a, mem, dim, 0, kernel);
	fot_attn_begin(&a, n);
	for (int64_t i = 0; i < n; i++)
		low[i] = 300 + first + i + 1 - seen;
	a.low = low;
	fot_attn_fold(&a, q + first * dim, dim, k, dim, v, dim, 300 + first + n, 300 + first, 0.3f);
	a.low = NULL;
	a.bias = bias;
	fot_attn_fold(&a, q + first * dim, dim, k + 400 * dim, dim, v + 400 * dim, dim, 256, FOT_ATTN_ALL,
		      0.3f);
	fot_attn_end(&a, o, dim, NULL);
	fot_free(mem);
}

static void check_rows(const struct fot_bf16_kernel *kernel)
{
	static const int64_t dims[] = { 2, 10, 16, 20, 32, 40 }, seen[] = { 1, 7, 290, 1000 };
	float all[80 * 40], some[80 * 40];

	for (size_t d = 0; d < 6; d++)
		for (size_t s = 0; s < 4; s++) {
			attend_some(all, 0, 80, dims[d], seen[s], kernel);
			for (int64_t n = 1; n <= 37; n += n < 5 ? 1 : 16)
				for (int64_t first = 0; first + n <= 80; first += 13) {
					attend_some(some, first, n, dims[d], seen[s], kernel);
					assert_memory_equal(some, all + first * dims[d],
							    sizeof *some * (size_t)(n * dims[d]));
				}
		}
}

static void test_attention_of_a_row_is_its_own(void **state)
{
	(void)state;
	check_rows(NULL);
}

static void test_attention_bf16_of_a_row_is_its_own(void **state)
{
	(void)state;
	check_rows(&fot_bf16_portable);
	if (fot_bf16_kernel() != &fot_bf16_portable)
		check_rows(fot_bf16_kernel());
}

/* ---- in bf16 --------------------------------------------------------- */

static void test_attention_bf16_kernels_give_the_same_bits(void **state)
{
	static const int64_t dims[] = { 1, 2, 7, 16, 33, 40 };
	float a[80 * 40], b[80 * 40];

	(void)state;
	if (fot_bf16_kernel() == &fot_bf16_portable)
		skip();
	for (size_t d = 0; d < 6; d++)
		for (int64_t n = 1; n <= 80; n += n < 5 ? 1 : 15) {
			attend_some(a, 80 - n, n, dims[d], 290, fot_bf16_kernel());
			attend_some(b, 80 - n, n, dims[d], 290, &fot_bf16_portable);
			assert_memory_equal(a, b, sizeof *a * (size_t)(n * dims[d]));
		}
}

static double narrowed(float x)
{
	return (double)fot_bf16_widen(fot_bf16_of(x));
}

/* One query's softmax over keys [low, high) with its way back, on rounded operands; all of dim d and in double. */
struct slow_row {
	double weight[300], gradient[300], lse, out[40];
	double size[300]; /* of what the gradients are differences of */
};
static void slow_row(struct slow_row *r, const float *q, const float *k, const float *v, const float *d_o,
		     int64_t d, int64_t low, int64_t high, float scale)
{
	double sum = 0, delta = 0, size = 0;

	memset(r, 0, sizeof *r);
	for (int64_t j = low; j < high; j++) {
		double score = 0;

		for (int64_t c = 0; c < d; c++)
			score += narrowed(q[c] * scale) * narrowed(k[j * d + c]);
		sum += r->weight[j] = exp(score);
	}
	r->lse = log(sum);
	for (int64_t j = low; j < high; j++)
		for (int64_t c = 0; c < d; c++) {
			double term = (r->weight[j] / sum) * narrowed(v[j * d + c]);

			r->out[c] += term;
			size += fabs(term * (double)d_o[c]);
		}
	for (int64_t c = 0; c < d; c++)
		delta += (double)d_o[c] * r->out[c];
	for (int64_t j = low; j < high; j++) {
		double dp = 0;

		for (int64_t c = 0; c < d; c++)
			dp += narrowed(d_o[c]) * narrowed(v[j * d + c]);
		r->weight[j] /= sum;
		r->gradient[j] = r->weight[j] * (dp - delta);
		r->size[j] = r->weight[j] * (fabs(dp) + size);
	}
}

/* Arrays of n rows of queries and of keys, and their gradients. */
struct way {
	int64_t n, d;
	float *q, *k, *v, *d_o, *o, *dq, *dk, *dv, *lse, *delta;
	int64_t low[200];
};

static void open_way(struct way *w, int64_t n, int64_t d)
{
	*w = (struct way){ .n = n,
			   .d = d,
			   .q = random_floats(n * d, 1, 1),
			   .k = random_floats(n * d, 2, 1),
			   .v = random_floats(n * d, 3, 1),
			   .d_o = random_floats(n * d, 4, 1),
			   .o = random_floats(n * d, 5, 0),
			   .dq = random_floats(n * d, 6, 0),
			   .dk = random_floats(n * d, 7, 0),
			   .dv = random_floats(n * d, 8, 0),
			   .lse = random_floats(n, 9, 0),
			   .delta = random_floats(n, 10, 0) };
	for (int64_t i = 0; i < n; i++)
		w->low[i] = i - 97;
}

static void close_way(struct way *w)
{
	float *all[] = { w->q, w->k, w->v, w->d_o, w->o, w->dq, w->dk, w->dv, w->lse, w->delta };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		fot_free(all[i]);
}

/* A causal square of which each query sees 98 keys, there and back. */
static void go(struct way *w, const struct fot_bf16_kernel *kernel)
{
	int64_t d = w->d;
	float *mem = fot_alloc((size_t)fot_attn_need(d, 1, kernel), sizeof *mem);
	struct fot_attn_grad g = { .q = w->q,
				   .k = w->k,
				   .v = w->v,
				   .d_o = w->d_o,
				   .dq = w->dq,
				   .dk = w->dk,
				   .dv = w->dv,
				   .ldq = d,
				   .ldk = d,
				   .ldv = d,
				   .ldo = d,
				   .lse = w->lse,
				   .delta = w->delta,
				   .n_q = w->n,
				   .n_k = w->n,
				   .low = w->low,
				   .scale = 0.4f };
	struct fot_attn a;

	assert_non_null(mem);
	memset(mem, 0xff, (size_t)fot_attn_need(d, 1, kernel) * sizeof *mem);
	fot_attn_bind(&a, mem, d, 1, kernel);
	for (int64_t q0 = 0; q0 < w->n; q0 += FOT_TILE_Q) {
		int64_t n = w->n - q0 < FOT_TILE_Q ? w->n - q0 : FOT_TILE_Q;

		fot_attn_begin(&a, n);
		a.low = w->low + q0;
		fot_attn_fold(&a, w->q + q0 * d, d, w->k, d, w->v, d, q0 + n, q0, 0.4f);
		a.low = NULL;
		fot_attn_end(&a, w->o + q0 * d, d, w->lse + q0);
	}
	for (int64_t i = 0; i < w->n; i++)
		w->delta[i] = fot_dot(w->o + i * d, w->d_o + i * d, d);
	fot_attn_backward(&a, &g);
	fot_free(mem);
}

/* Weights, and gradients of scores, are rounded to 2^-8 of themselves at the most: so much of the sum of sizes. */
static void assert_near(float got, double want, double size, const char *what)
{
	if (!(fabs((double)got - want) <= 0x1p-8 * 1.2 * size + 1e-6))
		fail_msg("%s: %.9g, expected %.9g of terms of %.9g", what, (double)got, want, size);
}

/* got [d] against sum_j w[j] x[j]; w_size: what the errors of w are a part of. */
static void check_sums(const float *got, const double *w, const double *w_size, const float *x, int64_t n,
		       int64_t d, float scale, const char *what)
{
	for (int64_t c = 0; c < d; c++) {
		double sum = 0, size = 0;

		for (int64_t j = 0; j < n; j++) {
			double term = w[j] * narrowed(x[j * d + c]) * (double)scale;

			sum += term;
			size += fabs(w_size[j] * narrowed(x[j * d + c]) * (double)scale);
		}
		assert_near(got[c], sum, size, what);
	}
}

static void check_way(int64_t n, int64_t d)
{
	struct slow_row *row = fot_calloc((size_t)n, sizeof *row);
	double column[200], size[200];
	struct way w;

	assert_non_null(row);
	open_way(&w, n, d);
	go(&w, fot_bf16_kernel());
	for (int64_t i = 0; i < n; i++) {
		slow_row(&row[i], w.q + i * d, w.k, w.v, w.d_o + i * d, d, w.low[i] > 0 ? w.low[i] : 0, i + 1,
			 0.4f);
		assert_true(fabs((double)w.lse[i] - row[i].lse) < 1e-5);
		check_sums(w.o + i * d, row[i].weight, row[i].weight, w.v, n, d, 1, "o");
		check_sums(w.dq + i * d, row[i].gradient, row[i].size, w.k, n, d, 0.4f, "dq");
	}
	for (int64_t j = 0; j < n; j++) {
		for (int64_t i = 0; i < n; i++) {
			column[i] = row[i].gradient[j];
			size[i] = row[i].size[j];
		}
		check_sums(w.dk + j * d, column, size, w.q, n, d, 0.4f, "dk");
		for (int64_t i = 0; i < n; i++)
			column[i] = row[i].weight[j];
		check_sums(w.dv + j * d, column, column, w.d_o, n, d, 1, "dv");
	}
	close_way(&w);
	fot_free(row);
}

static void test_attention_bf16_agrees_with_slow_sums(void **state)
{
	(void)state;
	check_way(1, 8);
	check_way(3, 5);
	check_way(100, 16);
	check_way(200, 40);
}

static void test_attention_bf16_kernels_give_the_same_bits_backward(void **state)
{
	static const int64_t sizes[][2] = { { 1, 1 }, { 5, 7 }, { 67, 16 }, { 200, 40 } };

	(void)state;
	if (fot_bf16_kernel() == &fot_bf16_portable)
		skip();
	for (size_t s = 0; s < 4; s++) {
		size_t bytes = sizeof(float) * (size_t)(sizes[s][0] * sizes[s][1]);
		struct way w[2];

		for (int i = 0; i < 2; i++) {
			open_way(&w[i], sizes[s][0], sizes[s][1]);
			go(&w[i], i ? &fot_bf16_portable : fot_bf16_kernel());
		}
		assert_memory_equal(w[0].dq, w[1].dq, bytes);
		assert_memory_equal(w[0].dk, w[1].dk, bytes);
		assert_memory_equal(w[0].dv, w[1].dv, bytes);
		close_way(&w[0]);
		close_way(&w[1]);
	}
}

/* ---- the authors' cross-batch attention ------------------------------ */

struct cross {
	int64_t batch, seq, heads, dim, range, packing;
	bool stepping;
	double theta;
};

/* Number of blocks that row i attends to, itself included (docs/longllama.md 3.1, point 4). */
static int64_t attended(const struct cross *c, int64_t i)
{
	int64_t n = 1 + c->range, k = c->packing, p = n;

	if (c->stepping && k > 1) {
		int64_t step = (n + (k - 1) - 1) / (k - 1);

		p = (i % k) * step + 1 < n ? (i % k) * step + 1 : n;
	}
	return p < i + 1 ? p : i + 1;
}

/* Their rotation works on neighbouring pairs (2j, 2j + 1). */
static void rotate_pairs(float *x, const struct cross *c)
{
	for (int64_t r = 0; r < c->batch * c->seq * c->heads; r++)
		for (int64_t j = 0; j < c->dim / 2; j++) {
			double angle = (double)(r / c->heads % c->seq) /
				       pow(c->theta, 2.0 * (double)j / (double)c->dim);
			float *p = x + r * c->dim + 2 * j, a = p[0], b = p[1];

			p[0] = (float)((double)a * cos(angle) - (double)b * sin(angle));
			p[1] = (float)((double)a * sin(angle) + (double)b * cos(angle));
		}
}

static float *copy_of(const struct fot_safetensors *st, const char *name, const char *part)
{
	char full[128];
	const struct fot_tensor *t;
	float *x;

	snprintf(full, sizeof full, "%s.%s", name, part);
	t = fot_safetensors_find(st, full);
	assert_non_null(t);
	x = fot_alloc((size_t)t->n, sizeof *x);
	assert_non_null(x);
	memcpy(x, t->data, t->bytes);
	return x;
}

static void check_cross(const struct fot_safetensors *st, const char *name, const struct cross *c)
{
	float *q = copy_of(st, name, "q"), *k = copy_of(st, name, "k"), *v = copy_of(st, name, "v");
	float *want = copy_of(st, name, "out"), *local = copy_of(st, name, "k"), *mem, *o;
	int64_t ld = c->heads * c->dim;
	struct fot_attn a;

	o = fot_calloc((size_t)(c->batch * c->seq * ld), sizeof *o);
	mem = fot_alloc((size_t)fot_attn_need(c->dim, 0, NULL), sizeof *mem);
	fot_attn_bind(&a, mem, c->dim, 0, NULL);
	rotate_pairs(q, c);
	rotate_pairs(local, c);
	for (int64_t i = 0; i < c->batch; i++)
		for (int64_t h = 0; h < c->heads; h++) {
			int64_t at = i * c->seq * ld + h * c->dim;
			float scale = (float)(1 / sqrt((double)c->dim));

			fot_attn_begin(&a, c->seq);
			fot_attn_fold(&a, q + at, ld, local + at, ld, v + at, ld, c->seq, 0, scale);
			for (int64_t j = 1; j < attended(c, i); j++) {
				int64_t from = at - j * c->seq * ld;

				fot_attn_fold(&a, q + at, ld, k + from, ld, v + from, ld, c->seq,
					      FOT_ATTN_ALL, scale);
			}
			fot_attn_end(&a, o + at, ld, NULL);
		}
	for (int64_t i = 0; i < c->batch * c->seq * ld; i++)
		if (!(fabs((double)(o[i] - want[i])) < TOLERANCE))
			fail_msg("%s: element %lld: %.9g, expected %.9g", name, (long long)i, (double)o[i],
				 (double)want[i]);
	fot_free(q);
	fot_free(k);
	fot_free(v);
	fot_free(want);
	fot_free(local);
	fot_free(mem);
	fot_free(o);
}

static void test_attention_authors_crossbatch(void **state)
{
	const char *shared = getenv("FOTBENCH_SHARED");
	struct fot_str path = FOT_STR_INIT;
	struct fot_safetensors *st = NULL;
	struct fot_json_ctx ctx = { "cross_batch.json", FOT_ERR_INPUT };
	cJSON *root = NULL, *item;

	(void)state;
	fot_str_printf(&path, "%s/reference/crossbatch_cases/cross_batch.json",
		       shared ? shared : "../shared");
	if (fot_json_read(&root, path.data, 1 << 20, FOT_ERR_INPUT, NULL) != FOT_OK) {
		fot_str_release(&path);
		skip();
		return;
	}
	fot_str_clear(&path);
	fot_str_printf(&path, "%s/reference/crossbatch_cases/cross_batch.safetensors",
		       shared ? shared : "../shared");
	assert_int_equal(fot_safetensors_open(&st, path.data, NULL), FOT_OK);
	cJSON_ArrayForEach (item, root) {
		struct cross c = { 0 };

		assert_int_equal(fot_json_i64(item, "batch", true, 1, 99, &c.batch, &ctx, NULL), FOT_OK);
		assert_int_equal(fot_json_i64(item, "seq", true, 1, 99, &c.seq, &ctx, NULL), FOT_OK);
		assert_int_equal(fot_json_i64(item, "heads", true, 1, 99, &c.heads, &ctx, NULL), FOT_OK);
		assert_int_equal(fot_json_i64(item, "head_dim", true, 1, 99, &c.dim, &ctx, NULL), FOT_OK);
		assert_int_equal(fot_json_i64(item, "cross_batch_range", true, 1, 99, &c.range, &ctx, NULL),
				 FOT_OK);
		assert_int_equal(fot_json_i64(item, "dataset_packing", true, 1, 99, &c.packing, &ctx, NULL),
				 FOT_OK);
		assert_int_equal(fot_json_bool(item, "cross_batch_stepping", true, &c.stepping, &ctx, NULL),
				 FOT_OK);
		assert_int_equal(fot_json_double(item, "rope_theta", true, 1, 1e9, &c.theta, &ctx, NULL),
				 FOT_OK);
		check_cross(st, item->string, &c);
	}
	fot_safetensors_close(st);
	cJSON_Delete(root);
	fot_str_release(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attention_joint_softmax),
		cmocka_unit_test(test_attention_top_k),
		cmocka_unit_test(test_attention_of_a_row_is_its_own),
		cmocka_unit_test(test_attention_bf16_of_a_row_is_its_own),
		cmocka_unit_test(test_attention_bf16_kernels_give_the_same_bits),
		cmocka_unit_test(test_attention_bf16_agrees_with_slow_sums),
		cmocka_unit_test(test_attention_bf16_kernels_give_the_same_bits_backward),
		cmocka_unit_test(test_attention_authors_crossbatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
