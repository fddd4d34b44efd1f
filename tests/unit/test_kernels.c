/* test_kernels.c: every kernel of the device's engine, as plain C, against the functions of the CPU's engine that
 * do the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/device.h"
#include "model/dtype.h"
#include "model/engine.h"
#include "model/memory.h"
#include "model/ops.h"
#include "model/rope.h"

#define ROWS 300 /* crosses tiles of queries */
#define H 4
#define GROUP 2
#define D 20 /* no multiple of a part */
#define KEYS 333
#define DQ (H * D)
#define DK (H / GROUP * D)

static const struct fot_device_kind *const kind = &fot_device_host;

struct fixture {
	void *device;
	float q[ROWS * DQ], k[KEYS * DK], v[KEYS * DK], out[ROWS * DQ], want[ROWS * DQ];
	float max[H * ROWS], sum[H * ROWS], scores[H * ROWS * KEYS];
	int32_t sight[ROWS * 4];
};

static void fill(float *x, int64_t n, uint64_t item)
{
	struct fot_rng r;

	fot_rng_init(&r, 3, "test.kernels", item);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)(2 * fot_rng_uniform(&r) - 1);
}

static struct fixture *begin(int threads)
{
	struct fot_device_opts o = { .threads = threads, .head_dim = FOT_HEAD_MOST, .widest = 512 };
	struct fixture *f = fot_calloc(1, sizeof *f);

	assert_non_null(f);
	assert_int_equal(kind->open(&f->device, &o, NULL), FOT_OK);
	fill(f->q, ROWS * DQ, 1);
	fill(f->k, KEYS * DK, 2);
	fill(f->v, KEYS * DK, 3);
	return f;
}

static void end(struct fixture *f)
{
	kind->close(f->device);
	fot_free(f);
}

static void close_to(const float *got, const float *want, int64_t n, double most)
{
	for (int64_t i = 0; i < n; i++)
		if (!(fabs((double)got[i] - (double)want[i]) <= most * (1 + fabs((double)want[i]))))
			fail_msg("number %lld: %.9g, expected %.9g", (long long)i, (double)got[i],
				 (double)want[i]);
}

#define RUN(f, kernel, n, ...) kind->launch((f)->device, FOT_KERNEL_##kernel, &__VA_ARGS__, n)

/* ---- rows ------------------------------------------------------------ */

static void test_kernels_norm(void **state)
{
	struct fixture *f = begin(2);
	float w[DQ], inv[ROWS];

	(void)state;
	fill(w, DQ, 4);
	fot_rmsnorm_forward(f->want, inv, f->q, w, ROWS, DQ, 1e-6);
	RUN(f, norm, ROWS,
	    (struct fot_norm){ .x = f->q, .w = w, .y = f->out, .dtype = FOT_F32, .width = DQ, .eps = 1e-6 });
	close_to(f->out, f->want, ROWS * DQ, 1e-6);
	for (int64_t i = 0; i < ROWS * DQ; i++) {
		f->out[i] = f->k[i % 77];
		f->want[i] += f->k[i % 77];
	}
	RUN(f, norm, ROWS,
	    (struct fot_norm){ .x = f->q,
			       .w = w,
			       .y = f->out,
			       .dtype = FOT_F32,
			       .width = DQ,
			       .eps = 1e-6,
			       .adds = true });
	close_to(f->out, f->want, ROWS * DQ, 1e-6);
	end(f);
}

static void test_kernels_unit(void **state)
{
	struct fixture *f = begin(1);
	float scale[H] = { 0.1f, -0.5f, 1, 2 };

	(void)state;
	for (int with = 0; with < 2; with++) {
		memcpy(f->out, f->q, sizeof f->q);
		fot_unit_forward(f->want, NULL, f->q, with ? scale : NULL, ROWS, H, D);
		RUN(f, unit, ROWS * H,
		    (struct fot_unit){ .x = f->out, .log_scale = with ? scale : NULL, .heads = H, .d = D });
		close_to(f->out, f->want, ROWS * DQ, 1e-6);
	}
	end(f);
}

/* All scalings, through the tables that both engines take. */
static void test_kernels_turn(void **state)
{
	static const struct fot_rope rope[] = {
		{ .type = FOT_ROPE_DEFAULT },
		{ .type = FOT_ROPE_LINEAR, .factor = 4 },
		{ .type = FOT_ROPE_NTK, .factor = 4 },
		{ .type = FOT_ROPE_DYNAMIC, .factor = 2 },
		{ .type = FOT_ROPE_LLAMA3, .factor = 8, .low = 1, .high = 4, .original = 64 },
		{ .type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 32, .beta_slow = 1, .original = 64 },
		{ .type = FOT_ROPE_LONGROPE,
		  .factor = 4,
		  .original = 64,
		  .n_pairs = D / 2,
		  .shorter = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
		  .longer = { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5 } },
	};
	struct fixture *f = begin(2);
	static float cos_of[(ROWS + 8) * D / 2], sin_of[(ROWS + 8) * D / 2];
	static int32_t position[ROWS];

	(void)state;
	for (size_t r = 0; r < FOT_COUNT(rope); r++) {
		struct fot_turning turning = {
			.rope = &rope[r], .theta = 1e4, .head_dim = D, .positions = 256, .longest = 512
		};
		float factor = (float)fot_rope_attention(&turning);
		struct fot_turn turn = { .x = f->q,
					 .y = f->out,
					 .kept = f->scores,
					 .dtype = FOT_F32,
					 .kept_dtype = FOT_F32,
					 .cos = cos_of,
					 .sin = sin_of,
					 .position = position,
					 .heads = H,
					 .d = D,
					 .factor = factor };
		struct fot_turn_back back = { .x = f->out,
					      .dtype = FOT_F32,
					      .cos = cos_of,
					      .sin = sin_of,
					      .by = 3,
					      .d = D,
					      .factor = factor };

		fot_rope_tables(cos_of, sin_of, ROWS + 8, &turning);
		for (int32_t i = 0; i < ROWS; i++)
			position[i] = i < 4 ? -1 : i + 4; /* rows that are not turned, as shared padding */
		memcpy(f->want, f->q, sizeof f->q);
		fot_rope_apply(f->want + 4 * DQ, ROWS - 4, H, D, cos_of, sin_of, 8, 1);
		RUN(f, turn, ROWS * H, turn);
		close_to(f->out, f->want, ROWS * DQ, 1e-6);
		for (int64_t i = 0; i < ROWS * DQ; i++)
			assert_true(f->scores[i] == f->q[i] * factor);
		fot_rope_back(f->want, ROWS, H, D, cos_of, sin_of, 3, factor);
		RUN(f, turn_back, ROWS * H, back);
		close_to(f->out, f->want, ROWS * DQ, 2e-6);
	}
	end(f);
}

static void test_kernels_mlp_and_bias(void **state)
{
	struct fixture *f = begin(2);

	(void)state;
	fill(f->scores, ROWS * DQ, 5);
	fot_swiglu_forward(f->want, NULL, f->q, f->scores, ROWS * DQ);
	RUN(f, swiglu, ROWS * DQ,
	    (struct fot_swiglu){ .g = f->q, .u = f->scores, .y = f->out, .dtype = FOT_F32 });
	close_to(f->out, f->want, ROWS * DQ, 1e-6);
	RUN(f, bias, ROWS, (struct fot_bias){ .y = f->out, .b = f->k, .width = DQ });
	for (int64_t i = 0; i < ROWS * DQ; i++)
		f->want[i] += f->k[i % DQ];
	close_to(f->out, f->want, ROWS * DQ, 1e-6);
	end(f);
}

/* Numbers as they are widened and rounded elsewhere, bit for bit: infinities, subnormals and NaNs too. */
static void test_kernels_widen_and_round(void **state)
{
	static const int from[] = { FOT_F32, FOT_F16, FOT_BF16, FOT_F64 };
	static uint32_t bits[2 * 70000];
	static float got[70000], want[70000];
	static uint16_t round[70000];
	struct fixture *f = begin(2);

	(void)state;
	for (uint32_t i = 0; i < 70000; i++) {
		double x = ldexp((double)i - 35000, (int)(i % 300) - 150);

		((uint16_t *)(void *)bits)[2 * i] = (uint16_t)i;
		bits[i] = i * 61681u;
		if (i < 35000)
			memcpy(&bits[70000 + 2 * i], &x, sizeof x);
	}
	for (size_t t = 0; t < FOT_COUNT(from); t++) {
		const void *at = from[t] == FOT_F64 ? bits + 70000 : bits;
		int64_t n = from[t] == FOT_F64 ? 35000 : 70000;

		fot_widen(want, at, (enum fot_dtype)from[t], (size_t)n);
		RUN(f, convert, n, (struct fot_convert){ .x = at, .y = got, .from = from[t], .to = FOT_F32 });
		for (int64_t i = 0; i < n; i++)
			assert_true(memcmp(&got[i], &want[i], 4) == 0 || (isnan(got[i]) && isnan(want[i])));
		RUN(f, convert, n,
		    (struct fot_convert){ .x = want, .y = round, .from = FOT_F32, .to = FOT_BF16 });
		for (int64_t i = 0; i < n; i++)
			assert_int_equal(round[i], fot_bf16_of(want[i]));
	}
	end(f);
}

static void test_kernels_embed(void **state)
{
	static const int32_t token[] = { 7, 0, 7, 299 };
	struct fixture *f = begin(1);
	static uint16_t table[ROWS * DQ];

	(void)state;
	for (int64_t i = 0; i < ROWS * DQ; i++)
		table[i] = fot_bf16_of(f->q[i]);
	RUN(f, embed, 4,
	    (struct fot_embed){
		    .table = table, .dtype = FOT_BF16, .token = token, .x = f->out, .width = DQ });
	for (int64_t i = 0; i < 4 * DQ; i++)
		assert_true(f->out[i] == fot_bf16_widen(table[token[i / DQ] * DQ + i % DQ]));
	end(f);
}

/* y += x w^T, groups of rows for themselves. */
static void test_kernels_products(void **state)
{
	struct fixture *f = begin(2);
	struct fot_product p = { .x = f->q,
				 .w = f->k,
				 .y = f->out,
				 .dtype = FOT_F32,
				 .groups = 3,
				 .rows = ROWS / 3,
				 .out = 70,
				 .in = DQ,
				 .ldy = DQ,
				 .beta = 1 };
	static uint16_t x[ROWS * DQ], w[KEYS * DK];
	static float alone[ROWS * DQ];

	(void)state;
	fill(f->out, ROWS * DQ, 6);
	memcpy(f->want, f->out, sizeof f->out);
	memcpy(alone, f->out, sizeof f->out);
	fot_gemm(0, 1, ROWS, 70, DQ, 1, f->q, DQ, f->k, DQ, 1, f->want, DQ);
	kind->product(f->device, &p);
	close_to(f->out, f->want, ROWS * DQ, 1e-5);
	p.groups = 1;
	for (int g = 0; g < 3; g++) {
		p.x = f->q + g * p.rows * DQ;
		p.y = alone + g * p.rows * DQ;
		kind->product(f->device, &p);
	}
	assert_memory_equal(alone, f->out, sizeof alone);
	for (int64_t i = 0; i < ROWS * DQ; i++) {
		x[i] = fot_bf16_of(f->q[i]);
		f->q[i] = fot_bf16_widen(x[i]);
	}
	for (int64_t i = 0; i < KEYS * DK; i++) {
		w[i] = fot_bf16_of(f->k[i]);
		f->k[i] = fot_bf16_widen(w[i]);
	}
	fot_gemm(0, 1, ROWS, 70, DQ, 1, f->q, DQ, f->k, DQ, 0, f->want, DQ);
	p = (struct fot_product){ .x = x,
				  .w = w,
				  .y = f->out,
				  .dtype = FOT_BF16,
				  .groups = 1,
				  .rows = ROWS,
				  .out = 70,
				  .in = DQ,
				  .ldy = DQ };
	kind->product(f->device, &p);
	for (int64_t r = 0; r < ROWS; r++)
		close_to(f->out + r * DQ, f->want + r * DQ, 70, 1e-5);
	end(f);
}

/* ---- attention ------------------------------------------------------- */

static struct fot_asking asking(const struct fixture *f)
{
	return (struct fot_asking){ .q = f->q,
				    .dtype = FOT_F32,
				    .ldq = DQ,
				    .n = ROWS,
				    .heads = H,
				    .group = GROUP,
				    .d = D,
				    .scale = 0.7f,
				    .unit = 50,
				    .now = KEYS };
}

static struct fot_attend attending(struct fixture *f)
{
	return (struct fot_attend){ .ask = asking(f),
				    .k = f->k,
				    .v = f->v,
				    .dtype = FOT_F32,
				    .ld = DK,
				    .to = KEYS,
				    .sight = f->sight,
				    .max = f->max,
				    .sum = f->sum,
				    .out = f->out,
				    .fresh = true };
}

static void outputs(struct fixture *f)
{
	RUN(f, attended, ROWS * H,
	    (struct fot_attended){ .sum = f->sum,
				   .out = f->out,
				   .o = f->out,
				   .dtype = FOT_F32,
				   .n = ROWS,
				   .heads = H,
				   .d = D });
}

/* Softmaxes in double, over the keys that the rows see; bias of key j for its age. */
static void softmaxes(struct fixture *f, double decay, const int32_t *flat)
{
	for (int64_t i = 0; i < ROWS; i++)
		for (int64_t h = 0; h < H; h++) {
			double sum = 0, o[D] = { 0 };

			for (int64_t j = 0; j < KEYS; j++) {
				const int32_t *x = f->sight + 4 * i;
				const float *q = f->q + i * DQ + h * D, *k = f->k + j * DK + h / GROUP * D;
				double s = 0, w;

				if (!((j >= x[0] && j < x[1]) || (j >= x[2] && j < x[3])))
					continue;
				for (int64_t c = 0; c < D; c++)
					s += (double)(q[c] * k[c]);
				w = flat && flat[i] ?
					    1 :
					    exp(0.7 * s - decay * log1p((double)(KEYS - 1 - j) / 50));
				sum += w;
				for (int64_t c = 0; c < D; c++)
					o[c] += w * (double)f->v[j * DK + h / GROUP * D + c];
			}
			for (int64_t c = 0; c < D; c++)
				f->want[i * DQ + h * D + c] = sum > 0 ? (float)(o[c] / sum) : 0;
		}
}

/* Causal rows of a window with a past, some of which slide, against the CPU's kernel; grouped keys. */
static void test_kernels_attention_of_a_window(void **state)
{
	static const int64_t slides[] = { 0, 70 };
	static float mem[1 << 20];
	int64_t past = KEYS - ROWS, low[FOT_TILE_Q];
	struct fixture *f = begin(2);
	struct fot_attend a = attending(f);
	struct fot_attn s;

	(void)state;
	assert_true(fot_attn_need(D, 0, NULL) < 1 << 20);
	fot_attn_bind(&s, mem, D, 0, NULL);
	for (size_t w = 0; w < 2; w++) {
		for (int64_t i = 0; i < ROWS; i++) {
			int64_t from = slides[w] ? past + i + 1 - slides[w] : 0;

			f->sight[4 * i] = (int32_t)(from > 0 ? from : 0);
			f->sight[4 * i + 1] = (int32_t)(past + i + 1);
		}
		RUN(f, attend_f32, H * ((ROWS + FOT_ROWS - 1) / FOT_ROWS), a);
		outputs(f);
		for (int64_t h = 0; h < H; h++)
			for (int64_t r = 0; r < ROWS; r += FOT_TILE_Q) {
				int64_t n = ROWS - r < FOT_TILE_Q ? ROWS - r : FOT_TILE_Q;

				for (int64_t i = 0; i < n; i++)
					low[i] = f->sight[4 * (r + i)];
				fot_attn_begin(&s, n);
				s.low = low;
				fot_attn_fold(&s, f->q + r * DQ + h * D, DQ, f->k + h / GROUP * D, DK,
					      f->v + h / GROUP * D, DK, KEYS, past + r, 0.7f);
				fot_attn_end(&s, f->want + r * DQ + h * D, DQ, NULL);
			}
		close_to(f->out, f->want, ROWS * DQ, 2e-6);
	}
	end(f);
}

/* Rows of branches, rows that see nothing, rows to which all is alike, ages. */
static void test_kernels_attention_sees_two_ranges(void **state)
{
	static int32_t flat[ROWS];
	struct fixture *f = begin(2);
	struct fot_attend a = attending(f);

	(void)state;
	for (int32_t i = 0; i < ROWS; i++) {
		f->sight[4 * i] = i % 3 ? 5 : 40;
		f->sight[4 * i + 1] = i % 3 ? 60 + i / 2 : 40;
		f->sight[4 * i + 2] = i % 5 ? 230 : 0;
		f->sight[4 * i + 3] = i % 5 ? 230 + i / 3 : 0;
		flat[i] = i % 7 == 0;
	}
	for (int way = 0; way < 3; way++) {
		a.flat = way == 1 ? flat : NULL;
		a.ask.decay = way == 2 ? 1.5 : 0;
		softmaxes(f, a.ask.decay, a.flat);
		RUN(f, attend_f32, H * ((ROWS + FOT_ROWS - 1) / FOT_ROWS), a);
		outputs(f);
		close_to(f->out, f->want, ROWS * DQ, 2e-6);
	}
	end(f);
}

/* A memory that comes in blocks of whole key tiles: the same bits as at once; with few rows, and with others beside. */
static void test_kernels_attention_in_blocks_changes_no_bit(void **state)
{
	struct fixture *f = begin(2);
	struct fot_attend a = attending(f);
	int64_t tiles = (ROWS + FOT_ROWS - 1) / FOT_ROWS;

	(void)state;
	a.sight = NULL;
	RUN(f, attend_f32, H * tiles, a);
	outputs(f);
	memcpy(f->want, f->out, sizeof f->out);
	for (a.from = 0; a.from < KEYS; a.from += 2 * FOT_KEYS) {
		a.to = a.from + 2 * FOT_KEYS < KEYS ? a.from + 2 * FOT_KEYS : KEYS;
		a.fresh = a.from == 0;
		RUN(f, attend_f32, H * tiles, a);
	}
	outputs(f);
	assert_memory_equal(f->out, f->want, sizeof f->out);
	for (int64_t n = 1; n < 200; n += 61) {
		a = attending(f);
		a.sight = NULL;
		a.ask.n = n;
		a.ask.q = f->q + 37 * DQ;
		RUN(f, attend_f32, H * ((n + FOT_ROWS - 1) / FOT_ROWS), a);
		RUN(f, attended, n * H,
		    (struct fot_attended){ .sum = f->sum,
					   .out = f->out,
					   .o = f->out,
					   .dtype = FOT_F32,
					   .n = n,
					   .heads = H,
					   .d = D });
		assert_memory_equal(f->out, f->want + 37 * DQ, sizeof(float) * (size_t)(n * DQ));
	}
	end(f);
}

/* In bf16: keys, values, queries and weights are rounded to 8 bits. */
static void test_kernels_attention_in_bf16(void **state)
{
	static uint16_t q[ROWS * DQ], k[KEYS * DK], v[KEYS * DK];
	struct fixture *f = begin(2);
	struct fot_attend a = attending(f);

	(void)state;
	for (int64_t i = 0; i < ROWS * DQ; i++)
		f->q[i] = fot_bf16_widen(q[i] = fot_bf16_of(f->q[i]));
	for (int64_t i = 0; i < KEYS * DK; i++) {
		f->k[i] = fot_bf16_widen(k[i] = fot_bf16_of(f->k[i]));
		f->v[i] = fot_bf16_widen(v[i] = fot_bf16_of(f->v[i]));
	}
	for (int32_t i = 0; i < ROWS; i++)
		f->sight[4 * i + 1] = i + 1;
	softmaxes(f, 0, NULL);
	a.ask.q = q;
	a.ask.dtype = a.dtype = FOT_BF16;
	a.k = k;
	a.v = v;
	RUN(f, attend_bf16, H * ((ROWS + FOT_ROWS - 1) / FOT_ROWS), a);
	outputs(f);
	close_to(f->out, f->want, ROWS * DQ, 4e-3);
	RUN(f, attend_f32, H * ((ROWS + FOT_ROWS - 1) / FOT_ROWS), a); /* keys in bf16, products in f32 */
	outputs(f);
	close_to(f->out, f->want, ROWS * DQ, 2e-6);
	end(f);
}

static void test_kernels_gate(void **state)
{
	static const float bias[H] = { 0.3f, -2, 0, 5 };
	static int32_t only[ROWS];
	struct fixture *f = begin(1);

	(void)state;
	only[3] = 1;
	fill(f->scores, ROWS * DQ, 7);
	for (int64_t h = 0; h < H; h++)
		fot_gate_mix(f->want + h * D, f->q + h * D, DQ, f->scores + h * D, DQ, bias[h], ROWS, D);
	memcpy(f->want + 3 * DQ, f->scores + 3 * DQ, sizeof(float) * DQ);
	RUN(f, gate, ROWS * H,
	    (struct fot_mixed){ .local = f->q,
				.mem = f->scores,
				.bias = bias,
				.only = only,
				.o = f->out,
				.dtype = FOT_F32,
				.heads = H,
				.d = D });
	close_to(f->out, f->want, ROWS * DQ, 1e-6);
	end(f);
}

/* ---- choosing and looking -------------------------------------------- */

static struct fot_scores scoring(struct fixture *f)
{
	return (struct fot_scores){ .ask = asking(f),
				    .k = f->k,
				    .dtype = FOT_F32,
				    .ld = DK,
				    .to = KEYS,
				    .s = f->scores,
				    .lds = KEYS };
}

static void test_kernels_scores(void **state)
{
	static const int32_t row[] = { 3, 99, 100, 298 };
	struct fixture *f = begin(2);
	struct fot_scores a = scoring(f);

	(void)state;
	a.ask.row = row;
	a.ask.n = 4;
	a.ask.decay = 0.5;
	a.from = 10;
	a.to = 200;
	RUN(f, scores_f32, H, a);
	for (int64_t h = 0; h < H; h++)
		for (int64_t i = 0; i < 4; i++)
			for (int64_t j = 10; j < 200; j++) {
				float want = 0.7f * fot_dot(f->q + row[i] * DQ + h * D,
							    f->k + j * DK + h / GROUP * D, D) -
					     (float)(0.5 * log1p((double)(KEYS - 1 - j) / 50));

				close_to(&f->scores[(h * 4 + i) * KEYS + j - 10], &want, 1, 2e-6);
			}
	end(f);
}

struct choice_room {
	int32_t n[ROWS], key[ROWS * 400];
	float threshold[ROWS], score[ROWS * 400];
};

static struct fot_choice choice_in(struct choice_room *r, int64_t k)
{
	return (struct fot_choice){ .k = k,
				    .cap = k + FOT_WARP,
				    .n = r->n,
				    .threshold = r->threshold,
				    .score = r->score,
				    .key = r->key };
}

/* The k best of scores with many ties, offered in blocks: those of a full sort by score, then by key. */
static void test_kernels_choose_the_best(void **state)
{
	static const int64_t ks[] = { 1, 7, 64, 332, 333 };
	static struct choice_room room;
	struct fixture *f = begin(2);

	(void)state;
	for (int64_t i = 0; i < ROWS * KEYS; i++)
		f->scores[i] = (float)((i * i * 31 + i / KEYS) % (2 + i / KEYS)) - 3;
	for (size_t x = 0; x < FOT_COUNT(ks); x++) {
		struct fot_choose a = { .c = choice_in(&room, ks[x]), .lds = KEYS };

		for (int64_t from = 0; from < KEYS; from += 100) {
			a.s = f->scores + from;
			a.first = from;
			a.n = KEYS - from < 100 ? KEYS - from : 100;
			a.begins = from == 0;
			RUN(f, choose, ROWS, a);
		}
		RUN(f, chosen, ROWS, a.c);
		for (int64_t i = 0; i < ROWS; i++) {
			int64_t at = 0;

			assert_int_equal(room.n[i], ks[x]);
			for (int64_t j = 0; j < KEYS; j++) {
				const float *s = f->scores + i * KEYS;
				int64_t better = 0;

				for (int64_t o = 0; o < KEYS; o++)
					better += s[o] > s[j] || (s[o] == s[j] && o < j);
				if (better >= ks[x])
					continue;
				assert_int_equal(room.key[i * a.c.cap + at], j);
				assert_true(room.score[i * a.c.cap + at++] == s[j]);
			}
		}
	}
	end(f);
}

/* Chosen keys folded behind a window's, all at once and range by range. */
static void test_kernels_fold_the_chosen(void **state)
{
	static struct choice_room room;
	struct fixture *f = begin(2);
	struct fot_attend a = attending(f);
	struct fot_fold fold = { .c = choice_in(&room, 9),
				 .v = f->v,
				 .dtype = FOT_F32,
				 .ld = DK,
				 .heads = H,
				 .group = GROUP,
				 .d = D,
				 .rows = ROWS / H,
				 .row0 = 11,
				 .n = ROWS,
				 .max = f->max,
				 .sum = f->sum,
				 .out = f->out };

	(void)state;
	for (int64_t i = 0; i < ROWS; i++) {
		room.n[i] = (int32_t)(i % 10);
		for (int64_t j = 0; j < room.n[i]; j++) {
			room.key[i * fold.c.cap + j] = (int32_t)(200 + 13 * j + i % 5);
			room.score[i * fold.c.cap + j] = (float)((7 * i + 3 * j) % 11) / 4;
		}
	}
	for (int64_t i = 0; i < ROWS; i++)
		f->sight[4 * i + 1] = i % 4 ? 50 : 0;
	for (int64_t step = 133; step > 30; step -= 90) {
		RUN(f, attend_f32, H * ((ROWS + FOT_ROWS - 1) / FOT_ROWS), a);
		for (fold.from = 200; fold.from < KEYS; fold.from = fold.to) {
			fold.to = fold.from + step;
			RUN(f, fold, ROWS / H * H, fold);
		}
		outputs(f);
		for (int64_t h = 0; h < H; h++)
			for (int64_t i = 0; i < ROWS / H; i++) {
				int64_t row = 11 + i, at = h * (ROWS / H) + i;
				double sum = 0, o[D] = { 0 };

				for (int64_t j = 0; j < (row % 4 ? 50 : 0) + room.n[at]; j++) {
					int64_t c = j - (row % 4 ? 50 : 0),
						key = c < 0 ? j : room.key[at * fold.c.cap + c];
					double s = c < 0 ? 0.7 * (double)fot_dot(
									 f->q + row * DQ + h * D,
									 f->k + key * DK + h / GROUP * D, D) :
							   (double)room.score[at * fold.c.cap + c];

					sum += exp(s);
					for (int64_t e = 0; e < D; e++)
						o[e] += exp(s) * (double)f->v[key * DK + h / GROUP * D + e];
				}
				for (int64_t e = 0; e < D; e++) {
					float want = sum > 0 ? (float)(o[e] / sum) : 0;

					close_to(&f->out[row * DQ + h * D + e], &want, 1, 5e-6);
				}
			}
	}
	end(f);
}

/* Log sum exp of groups of scores, which come in blocks, and of chosen ones. */
static void test_kernels_groups(void **state)
{
	static const int64_t size[] = { 1, 7, 100, 1000 };
	static struct choice_room room;
	static double out[ROWS * KEYS];
	struct fixture *f = begin(2);

	(void)state;
	fill(f->scores, ROWS * KEYS, 8);
	for (size_t x = 0; x < FOT_COUNT(size); x++) {
		struct fot_groups a = {
			.lds = KEYS, .size = size[x], .out = out, .groups = (KEYS + size[x] - 1) / size[x]
		};
		struct fot_group_hits hits = {
			.c = choice_in(&room, 5), .from = 20, .size = size[x], .out = out, .groups = a.groups
		};

		for (a.first = 0; a.first < KEYS; a.first += 90) {
			a.s = f->scores + a.first;
			a.n = KEYS - a.first < 90 ? KEYS - a.first : 90;
			a.begins = a.first == 0;
			RUN(f, groups, ROWS, a);
		}
		for (int64_t i = 0; i < ROWS; i++)
			for (int64_t g = 0; g < a.groups; g++) {
				double sum = 0;

				for (int64_t j = g * size[x]; j < (g + 1) * size[x] && j < KEYS; j++)
					sum += exp((double)f->scores[i * KEYS + j]);
				assert_true(fabs(out[i * a.groups + g] - log(sum)) < 1e-12);
			}
		room.n[0] = 3;
		memcpy(room.key, (int32_t[]){ 20, 21, 300 }, 3 * sizeof(int32_t));
		memcpy(room.score, (float[]){ 1, 2, 3 }, 3 * sizeof(float));
		RUN(f, group_hits, 1, hits);
		assert_true(fabs(out[0] - (size[x] > 280 ? log(exp(1) + exp(2) + exp(3)) :
					   size[x] > 1   ? log(exp(1) + exp(2)) :
							   1)) < 1e-12);
	}
	end(f);
}

/* ---- answers --------------------------------------------------------- */

static void test_kernels_answers(void **state)
{
	enum { V = 333, N = 5 };
	static double got[N], want[N];
	static int32_t target[N] = { 0, 332, -1, 17, 5 }, best[N], bad[N], argmax[N];
	struct fixture *f = begin(2);
	struct fot_want w = { .targets = target, .nll = want, .argmax = argmax };

	(void)state;
	fill(f->scores, N * V, 9);
	f->scores[1 * V + 30] = f->scores[1 * V + 200] = 9; /* the lower id */
	f->scores[4 * V + 7] = -INFINITY;
	f->scores[4 * V + 8] = NAN;
	RUN(f, answer, N,
	    (struct fot_answer){ .logits = f->scores,
				 .vocab = V,
				 .target = target,
				 .nll = got,
				 .argmax = best,
				 .bad = bad });
	for (int64_t i = 0; i < N; i++) {
		assert_int_equal(fot_want_answer(&w, i, f->scores + i * V, V), bad[i] == 0);
		if (i < 4) {
			assert_true(fabs(got[i] - want[i]) < 1e-5);
			assert_int_equal(best[i], argmax[i]);
		}
	}
	assert_int_equal(bad[4], 2);
	assert_int_equal(best[1], 30);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels_norm),
		cmocka_unit_test(test_kernels_unit),
		cmocka_unit_test(test_kernels_turn),
		cmocka_unit_test(test_kernels_mlp_and_bias),
		cmocka_unit_test(test_kernels_widen_and_round),
		cmocka_unit_test(test_kernels_embed),
		cmocka_unit_test(test_kernels_products),
		cmocka_unit_test(test_kernels_attention_of_a_window),
		cmocka_unit_test(test_kernels_attention_sees_two_ranges),
		cmocka_unit_test(test_kernels_attention_in_blocks_changes_no_bit),
		cmocka_unit_test(test_kernels_attention_in_bf16),
		cmocka_unit_test(test_kernels_gate),
		cmocka_unit_test(test_kernels_scores),
		cmocka_unit_test(test_kernels_choose_the_best),
		cmocka_unit_test(test_kernels_fold_the_chosen),
		cmocka_unit_test(test_kernels_groups),
		cmocka_unit_test(test_kernels_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
