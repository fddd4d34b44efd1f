/* test_engine_device.c: the device's engine, on the host's cores, against the CPU's: one story that uses everything a
 * timeline can do, told to both, for every feature of a model and every memory that a device serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "base/list.h"
#include "base/mem.h"
#include "model/device.h"
#include "model/engine.h"
#include "model/session.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

#define N 700
#define TOLD 40000

struct story {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	struct fot_session_opts o;
	struct fot_session *s;
	int32_t text[N + 1];
	double *told; /* [TOLD] all answers, one behind the other */
	size_t n;
};

static void open_model(struct story *t, int32_t window, int n_mem, bool positionals,
		       void (*make)(struct fot_config *c), enum fot_dtype dtype)
{
	struct fot_err err = { 0 };

	*t = (struct story){ .told = fot_calloc(TOLD, sizeof *t->told) };
	assert_non_null(t->told);
	tiny_config(&t->c, window, n_mem, false, positionals);
	if (make)
		make(&t->c);
	if (fot_config_check(&t->c, "config", &err) != FOT_OK)
		fail_msg("%s", err.text);
	t->m = tiny_model(&t->p, &t->c, scratch_path(""), dtype);
	tiny_tokens(t->text, N + 1, t->c.vocab_size, 4);
	fot_session_opts_default(&t->o, t->m);
	t->o.mem_max = N;
	t->o.n_threads = 2;
	t->o.apart = true;
}

static void close_model(struct story *t)
{
	fot_model_close(t->m);
	fot_params_release(&t->p);
	fot_free(t->told);
}

static void tell(struct story *t, double x)
{
	assert_true(t->n < TOLD);
	t->told[t->n++] = x;
}

static void must(int status, const struct fot_err *err)
{
	if (status != FOT_OK)
		fail_msg("%s", err->text);
}

/* Tokens [from, to) in one feed; of the last `asked` the nll and the most likely ids. Allocates nothing. */
static void feed(struct story *t, int64_t from, int64_t to, int64_t asked)
{
	int32_t targets[N], argmax[N];
	double nll[N];
	struct fot_want want = { .targets = targets, .nll = nll, .argmax = argmax };
	struct fot_err err = { 0 };

	for (int64_t i = 0; i < to - from; i++)
		targets[i] = i >= to - from - asked ? t->text[from + i + 1] : -1;
	fot_mem_guard(1);
	must(fot_session_feed(t->s, t->text + from, (size_t)(to - from), asked ? &want : NULL, &err), &err);
	fot_mem_guard(0);
	for (int64_t i = to - from - asked; i < to - from; i++) {
		tell(t, nll[i]);
		tell(t, argmax[i]);
	}
}

static void feed_logits(struct story *t, int64_t from, int64_t n)
{
	uint8_t rows[N] = { 0 };
	float *logits = fot_calloc((size_t)(n * t->c.vocab_size), sizeof *logits);
	struct fot_want want = { .logits = logits, .logit_rows = rows, .logits_from = 1 };
	struct fot_err err = { 0 };

	assert_non_null(logits);
	rows[n - 1] = rows[n / 2] = 1;
	must(fot_session_feed(t->s, t->text + from, (size_t)n, &want, &err), &err);
	for (int64_t i = 0; i < (n - 1) * t->c.vocab_size; i += 5)
		tell(t, (double)logits[i]);
	fot_free(logits);
}

static void feed_branches(struct story *t, int64_t from, int64_t trunk, int64_t each)
{
	int32_t branch[N], targets[N];
	double nll[N] = { 0 };
	struct fot_want want = { .targets = targets, .nll = nll, .branch = branch };
	struct fot_err err = { 0 };
	int64_t n = trunk + 3 * each;

	for (int64_t i = 0; i < n; i++) {
		branch[i] = i < trunk ? -1 : (int32_t)(trunk + (i - trunk) / each * each);
		targets[i] = t->text[from + i + 1];
	}
	must(fot_session_feed(t->s, t->text + from, (size_t)n, &want, &err), &err);
	for (int64_t i = 0; i < n; i++)
		tell(t, nll[i]);
}

static void feed_apart(struct story *t, int64_t from, int64_t n)
{
	struct fot_feed feeds[3];
	double nll[3][N];
	struct fot_err err = { 0 };

	for (int64_t i = 0; i < 3; i++)
		feeds[i] = (struct fot_feed){ .tokens = t->text + from + i,
					      .n = (size_t)(n - i),
					      .want = { .targets = t->text + from + i + 1, .nll = nll[i] } };
	must(fot_session_feed_apart(t->s, feeds, 3, &err), &err);
	for (int64_t i = 0; i < 3; i++)
		for (int64_t r = 0; r < n - i; r++)
			tell(t, nll[i][r]);
}

static void feed_masses(struct story *t, int64_t from, int64_t n, int64_t group, bool all)
{
	const int64_t row[] = { 0, n / 2, n - 1 };
	size_t layers = (size_t)t->c.n_mem_layers, heads = (size_t)t->c.n_heads,
	       groups = (size_t)fot_session_groups(t->s, group);
	double *memory = fot_calloc(layers * heads * 3 * groups + 1, sizeof *memory), local[2 * 8 * 3];
	struct fot_masses m = {
		.group = group, .all = all, .row = row, .n_rows = 3, .memory = memory, .local = local
	};
	struct fot_want want = { .masses = &m };
	struct fot_err err = { 0 };

	assert_non_null(memory);
	must(fot_session_feed(t->s, t->text + from, (size_t)n, &want, &err), &err);
	for (size_t i = 0; i < layers * heads * 3 * groups; i++)
		tell(t, isfinite(memory[i]) ? memory[i] : -99);
	for (size_t i = 0; i < layers * heads * 3; i++)
		tell(t, local[i]);
	fot_free(memory);
}

/* Windows that fill the memory, scored ones, pieces, a rewind into a window and one into the memory, feeds apart, branches,
 * masses, reach. */
static void tell_story(struct story *t)
{
	int64_t W = t->c.window;
	struct fot_mark start, within;
	struct fot_err err = { 0 };
	bool memory = t->c.n_mem_layers > 0 && !t->c.cached_windows && t->o.mode != FOT_MEMORY_NONE;

	must(fot_session_open(&t->s, t->m, &t->o, &err), &err);
	t->n = 0;
	feed(t, 0, 3 * W + 2, 0);
	feed(t, 3 * W + 2, 4 * W, W / 2);
	start = fot_session_mark(t->s);
	feed(t, 4 * W, 4 * W + 1, 1);
	feed(t, 4 * W + 1, 4 * W + 5, 4);
	within = fot_session_mark(t->s);
	feed(t, 4 * W + 5, 5 * W, W - 5);
	must(fot_session_rewind(t->s, within, &err), &err);
	feed_branches(t, 4 * W + 5, 3, (W - 10) / 3);
	if (!t->c.cached_windows)
		feed_apart(t, 4 * W + 8, W - 8);
	feed_logits(t, 4 * W + 8, W - 8);
	if (!t->c.cached_windows) {
		must(fot_session_rewind(t->s, start, &err), &err);
		fot_session_reach(t->s, W + 3);
		feed(t, 4 * W, 5 * W + 2, W + 2);
	}
	if (memory) {
		feed_masses(t, 5 * W + 2, 4, W, false);
		feed_masses(t, 5 * W + 6, 4, 1, true);
		fot_session_reach(t->s, INT64_MAX);
		feed_masses(t, 5 * W + 10, 3, 1000, false);
	}
	must(fot_session_commit(t->s, &err), &err);
	feed(t, 5 * W + 13, 5 * W + 20, 7);
	fot_session_close(t->s);
}

/* What the engine tells, in memory of its own. */
static double *told_by(struct story *t, const struct fot_engine *engine, size_t *n)
{
	double *told = fot_alloc(TOLD, sizeof *told);

	assert_non_null(told);
	t->o.engine = engine;
	tell_story(t);
	memcpy(told, t->told, sizeof *told * t->n);
	*n = t->n;
	return told;
}

static void same_story(struct story *t, double most)
{
	size_t n, m;
	double *cpu = told_by(t, &fot_engine_cpu, &n), *twin = told_by(t, &fot_engine_twin, &m);

	assert_int_equal(n, m);
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++)
		if (!(fabs(cpu[i] - twin[i]) < most * (1 + fabs(cpu[i]))))
			fail_msg("answer %zu of %zu: %.9g, on the cpu %.9g", i, n, twin[i], cpu[i]);
	fot_free(cpu);
	fot_free(twin);
}

static void same_bits(struct story *t, const double *first, size_t n)
{
	size_t m;
	double *told = told_by(t, &fot_engine_twin, &m);

	assert_int_equal(n, m);
	assert_memory_equal(told, first, sizeof *told * n);
	fot_free(told);
}

/* Both memories and none; memories of both types. */
static void same_with_all_memories(struct story *t)
{
	static const struct {
		enum fot_memory_mode mode;
		int32_t top_k;
		enum fot_dtype dtype;
	} ways[] = { { FOT_MEMORY_NONE, 0, FOT_F32 },
		     { FOT_MEMORY_DENSE, 0, FOT_F32 },
		     { FOT_MEMORY_KNN, 7, FOT_F32 },
		     { FOT_MEMORY_DENSE, 0, FOT_BF16 } };

	for (size_t i = 0; i < FOT_COUNT(ways); i++) {
		t->o.mode = ways[i].mode;
		t->o.top_k = ways[i].top_k;
		t->o.mem_dtype = ways[i].dtype;
		/* a key in bf16 that is a rounding apart makes a score 2^-9 apart */
		same_story(t, ways[i].dtype == FOT_BF16 ? 2e-3 : 1e-4);
	}
	close_model(t);
}

/* ---- features of models ---------------------------------------------- */

static void of_family(struct fot_config *c, enum fot_family_number family, int32_t heads, int32_t kv,
		      int32_t dim)
{
	fot_config_of_family(c, family);
	c->rope_theta = 100;
	c->bos_id = 1;
	c->eos_id = 2;
	c->n_heads = heads;
	c->n_kv_heads = kv == heads ? 0 : kv;
	c->head_dim = dim;
}

static void make_qk_norm(struct fot_config *c)
{
	c->qk_norm = true;
	c->mem_scale = 1.5;
}

static void make_gate(struct fot_config *c)
{
	c->mix = FOT_MIX_GATE;
}

static void make_grouped(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_LLAMA, 6, 2, 4);
	c->qkv_bias = c->o_bias = c->mlp_bias = true;
}

static void make_tied(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_QWEN3, 4, 2, 10);
	c->tie_embeddings = true;
}

static void make_sliding(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_QWEN2, 6, 2, 4);
	c->sliding_window = 7;
	for (int l = 2; l < c->n_layers; l++)
		c->slides[l] = true;
}

static void make_output_norms(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_OLMO2, 2, 2, 12);
}

static void make_without_positions(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_SMOLLM3, 4, 2, 6);
	c->no_rope[1] = c->no_rope[2] = true;
}

static void make_yarn(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_LLAMA, 2, 2, 12);
	c->rope = (struct fot_rope){
		.type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 32, .beta_slow = 1, .original = 16
	};
}

static void make_cached(struct fot_config *c)
{
	c->cached_windows = 1;
	c->mode = FOT_MEMORY_NONE;
}

static void test_engine_device_equals_cpu(void **state)
{
	static void (*const makes[])(
		struct fot_config *) = { NULL,      make_qk_norm, make_gate,         make_grouped,
					 make_tied, make_sliding, make_output_norms, make_without_positions,
					 make_yarn };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(makes); i++)
		for (int n_mem = 1; n_mem <= 2; n_mem++) {
			struct story t;

			open_model(&t, 33, n_mem, n_mem == 2, makes[i], FOT_F32);
			same_with_all_memories(&t);
		}
}

/* Windows over a tile of queries, weights in two bytes. */
static void test_engine_device_equals_cpu_over_tiles(void **state)
{
	static const enum fot_dtype dtypes[] = { FOT_F16, FOT_BF16 };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(dtypes); i++) {
		struct story t;

		open_model(&t, 135, 1, true, i ? make_sliding : NULL, dtypes[i]);
		t.o.mode = i ? FOT_MEMORY_KNN : FOT_MEMORY_DENSE;
		t.o.top_k = 20;
		t.o.mem_decay = 0.7;
		t.o.mem_scale = 1.3;
		same_story(&t, 1e-4);
		close_model(&t);
	}
}

static void test_engine_device_caches_windows(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		struct story t;

		open_model(&t, 33, 2, way == 1, make_cached, FOT_F32);
		same_story(&t, 1e-4);
		close_model(&t);
	}
}

/* Products in bf16: both round what enters them, not always at the same place. */
static void test_engine_device_in_bf16(void **state)
{
	struct story t;
	size_t n, m, far = 0;
	double *cpu, *twin;

	(void)state;
	open_model(&t, 33, 2, false, make_grouped, FOT_F32);
	t.o.compute = FOT_COMPUTE_BF16;
	t.o.mode = FOT_MEMORY_DENSE;
	cpu = told_by(&t, &fot_engine_cpu, &n);
	twin = told_by(&t, &fot_engine_twin, &m);
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++)
		far += !(fabs(cpu[i] - twin[i]) < 0.05 * (1 + fabs(cpu[i])));
	assert_true(far < n / 50); /* ids may change where two are nearly alike */
	fot_free(cpu);
	fot_free(twin);
	close_model(&t);
}

/* Threads, what is skipped, windows filled together, a memory on the host that comes in blocks. */
static void test_engine_device_freedoms_change_no_bit(void **state)
{
	(void)state;
	for (int way = 0; way < 5; way++) { /* the last: windows that are filled one by one */
		struct story t;
		size_t n;
		double *first;

		open_model(&t, way == 4 ? 50 : 64, 1 + way / 2 % 2, false,
			   way == 3 ? make_gate : make_grouped, FOT_F32);
		t.o.mode = way % 2 ? FOT_MEMORY_KNN : FOT_MEMORY_DENSE;
		t.o.top_k = 9;
		first = told_by(&t, &fot_engine_twin, &n);
		t.o.no_skip = true;
		t.o.n_threads = 1;
		same_bits(&t, first, n);
		t.o.no_skip = false;
		t.o.device_room = 1;
		same_bits(&t, first, n);
		t.o.cache_windows = 8;
		same_bits(&t, first, n);
		fot_free(first);
		close_model(&t);
	}
}

/* Padding in a window, in the memory, alone in sight and beside others. */
static void tell_of_padding(struct story *t)
{
	int64_t W = t->c.window;
	struct fot_err err = { 0 };

	must(fot_session_open(&t->s, t->m, &t->o, &err), &err);
	t->n = 0;
	for (int one = 0; one < 2; one++) {
		fot_session_reset(t->s);
		fot_session_pads(t->s, 9, one);
		feed(t, 0, W / 2, W / 2);
		feed(t, W / 2, W, W / 2);
		must(fot_session_commit(t->s, &err), &err);
		fot_session_pads(t->s, 5, one);
		feed(t, W, 2 * W, W);
		feed(t, 2 * W, 2 * W + 20, 20);
		fot_session_reset(t->s); /* a whole window of padding */
		fot_session_pads(t->s, W, one);
		feed(t, 0, W, W);
		must(fot_session_commit(t->s, &err), &err);
		fot_session_pads(t->s, 7, one);
		feed(t, W, W + 30, 30);
	}
	fot_session_close(t->s);
}

static void test_engine_device_leaves_padding_out(void **state)
{
	static void (*const makes[])(struct fot_config *) = { NULL, make_gate, make_sliding, make_cached };

	(void)state;
	for (size_t i = 0; i < FOT_COUNT(makes) * 2; i++) {
		struct story t;
		double *cpu = fot_alloc(TOLD, sizeof *cpu);

		open_model(&t, 40, 2, i % 2, makes[i / 2], FOT_F32);
		t.o.mode = makes[i / 2] == make_cached ? FOT_MEMORY_NONE :
			     i % 2                       ? FOT_MEMORY_KNN :
							   FOT_MEMORY_DENSE;
		t.o.top_k = 6;
		t.o.engine = &fot_engine_cpu;
		tell_of_padding(&t);
		memcpy(cpu, t.told, sizeof *cpu * t.n);
		t.o.engine = &fot_engine_twin;
		t.o.device_room = i % 2;
		tell_of_padding(&t);
		for (size_t x = 0; x < t.n; x++)
			if (!(fabs(cpu[x] - t.told[x]) < 1e-4 * (1 + fabs(cpu[x]))))
				fail_msg("way %zu, answer %zu: %.9g, on the cpu %.9g", i, x, t.told[x],
					 cpu[x]);
		fot_free(cpu);
		close_model(&t);
	}
}

/* ---- what is refused ------------------------------------------------- */

static void refused(struct story *t, int code, const char *text)
{
	struct fot_err err = { 0 };

	assert_int_equal(fot_session_open(&t->s, t->m, &t->o, &err), code);
	if (!strstr(err.text, text))
		fail_msg("expected %s, got %s", text, err.text);
}

static void make_large_heads(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_LLAMA, 1, 1, 130);
}

static void test_engine_device_refuses(void **state)
{
	struct story t;

	(void)state;
	open_model(&t, 33, 1, false, NULL, FOT_F32);
	t.o.engine = &fot_engine_twin;
	t.o.mode = FOT_MEMORY_RECENT;
	t.o.number[0] = 8;
	refused(&t, FOT_ERR_USAGE, "memory: a device's engine serves none, dense, knn and xl, got recent");
	t.o.mode = FOT_MEMORY_DENSE;
	t.o.mem_max = INT64_C(1) << 31;
	refused(&t, FOT_ERR_USAGE, "holds at most 2147483647 tokens, got 2147483648");
	t.o.mem_max = INT64_C(1) << 30; /* terabytes */
	t.c.n_mem_layers = 1;
	t.o.mem_max = N;
	t.o.engine = &fot_engine_cuda;
	if (!fot_device_cuda())
		refused(&t, FOT_ERR_USAGE,
			"engine: cuda is not built into this program: build it with make CUDA=1");
	close_model(&t);
	open_model(&t, 33, 1, false, make_large_heads, FOT_F32);
	t.o.engine = &fot_engine_twin;
	refused(&t, FOT_ERR_USAGE, "expected heads of at most 128 numbers for a device, the model has 130");
	close_model(&t);
}

/* A lack of memory at any point is told, and nothing stays behind (address sanitizer). */
static void test_engine_device_survives_lack_of_memory(void **state)
{
	struct story t;
	int status = FOT_ERR_RUN;

	(void)state;
	open_model(&t, 33, 1, false, NULL, FOT_F32);
	t.o.engine = &fot_engine_twin;
	for (long n = 1; n < 400 && status != FOT_OK; n++) {
		struct fot_err err = { 0 };

		fot_mem_fail_at(n);
		status = fot_session_open(&t.s, t.m, &t.o, &err);
		fot_mem_fail_at(0);
		if (status == FOT_OK)
			break;
		assert_int_equal(status, FOT_ERR_RUN);
		assert_non_null(strstr(err.text, "out of memory"));
	}
	assert_int_equal(status, FOT_OK);
	fot_session_close(t.s);
	close_model(&t);
}

static void test_engine_device_estimate_is_what_it_takes(void **state)
{
	struct story t;
	size_t small, large;

	(void)state;
	open_model(&t, 33, 2, false, NULL, FOT_F32);
	t.o.engine = &fot_engine_twin;
	t.o.mem_max = 1000;
	small = fot_session_estimate(t.m, &t.o);
	t.o.mem_max = 65000;
	large = fot_session_estimate(t.m, &t.o);
	/* Two layers, keys and values, 24 floats a token; groups of the masses, a double for each of two heads. */
	assert_int_equal(large - small, (2 * 2 * 24 * sizeof(float) + 2 * sizeof(double)) * 64000);
	close_model(&t);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_engine_device_equals_cpu),
		scratched(test_engine_device_equals_cpu_over_tiles),
		scratched(test_engine_device_caches_windows),
		scratched(test_engine_device_in_bf16),
		scratched(test_engine_device_freedoms_change_no_bit),
		scratched(test_engine_device_leaves_padding_out),
		scratched(test_engine_device_refuses),
		scratched(test_engine_device_survives_lack_of_memory),
		scratched(test_engine_device_estimate_is_what_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
