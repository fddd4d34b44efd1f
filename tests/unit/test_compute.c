/* model/compute.h: sessions that multiply in bf16, against a slow implementation that rounds to bf16 and sums
 * in double, for any number of threads, and what they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/mem.h"
#include "harness/ask/reading.h"
#include "model/dtype.h"
#include "tests/unit/scratch.h"
#include "tests/unit/slow_llama.h"
#include "tests/unit/tiny_model.h"

#define N 200
#define W 24

static void plain(struct fot_config *c)
{
	(void)c;
}

static void of_family(struct fot_config *c, enum fot_family_number family)
{
	fot_config_of_family(c, family);
	c->rope_theta = 100;
	c->bos_id = 1;
	c->eos_id = 2;
}

static void grouped(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_LLAMA);
	c->n_heads = 6;
	c->n_kv_heads = 2;
	c->head_dim = 6;
}

static void tied_with_biases(struct fot_config *c)
{
	of_family(c, FOT_FAMILY_QWEN2);
	c->tie_embeddings = true;
	c->intermediate_size = 71;
	c->vocab_size = 131;
}

static void (*const shapes[])(struct fot_config *) = { plain, grouped, tied_with_biases };
#define N_SHAPES (sizeof shapes / sizeof *shapes)

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	int32_t text[N];
	size_t n_logits;
};

static void open_fixture(struct fixture *f, size_t shape, enum fot_dtype stored)
{
	tiny_config(&f->c, W, 1, false, true);
	f->c.blocks = false;
	f->c.last_context_length = W / 2;
	shapes[shape](&f->c);
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), stored);
	f->n_logits = (size_t)N * (size_t)f->c.vocab_size;
	tiny_tokens(f->text, N, f->c.vocab_size, 5);
}

static void close_fixture(struct fixture *f)
{
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

/* Logits of the text; to be freed. */
static float *read_text(const struct fixture *f, enum fot_compute compute, int threads)
{
	struct fot_reading_flags flags = { .threads = threads, .crowd = true, .compute = compute };
	struct fot_call call = { .tokens = f->text, .n = N };
	struct fot_reading r;
	struct fot_err err = { 0 };
	float *out = fot_alloc(f->n_logits, sizeof *out);

	assert_non_null(out);
	if (fot_reading_open(&r, f->m, &flags, N, &err) != FOT_OK ||
	    fot_reading_call(&r, &call, NULL, NULL, out, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_reading_close(&r);
	return out;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Differences from the slow logits, ascending; to be freed. */
static double *differences(const struct fixture *f, bool bf16, const float *got)
{
	struct slow *slow = slow_open(&f->p, W, W / 2);
	double *want = fot_alloc(f->n_logits, sizeof *want);

	assert_non_null(want);
	if (bf16)
		slow_bf16(slow);
	assert_true(slow_call(slow, f->text, N, NULL, NULL, true, want));
	for (size_t i = 0; i < f->n_logits; i++)
		want[i] = fabs(want[i] - (double)got[i]);
	qsort(want, f->n_logits, sizeof *want, by_size);
	slow_close(slow);
	return want;
}

/* An input nearer to the middle between two bf16 than f32 sums are exact goes one way here and may go the
 * other there, and rows that see it differ by a bf16's last place; most rows see none. */
static void test_compute_bf16_agrees_with_slow_sums(void **state)
{
	(void)state;
	for (size_t shape = 0; shape < N_SHAPES; shape++) {
		struct fixture f;
		float *got;
		double *slow, *exact;

		open_fixture(&f, shape, FOT_F32);
		got = read_text(&f, FOT_COMPUTE_BF16, 2);
		slow = differences(&f, true, got);
		exact = differences(&f, false, got);
		if (!(slow[f.n_logits / 2] < 1e-5 && slow[f.n_logits - 1] < 0.05 &&
		      exact[f.n_logits / 2] > 1e-3))
			fail_msg(
				"shape %zu: from rounded operands median %.3g, most %.3g; from exact ones median %.3g",
				shape, slow[f.n_logits / 2], slow[f.n_logits - 1], exact[f.n_logits / 2]);
		fot_free(got);
		fot_free(slow);
		fot_free(exact);
		close_fixture(&f);
	}
}

static void test_compute_bf16_same_bits_for_any_threads(void **state)
{
	(void)state;
	for (size_t shape = 0; shape < N_SHAPES; shape++) {
		static const int threads[] = { 2, 3, 16 };
		struct fixture f;
		float *one;

		open_fixture(&f, shape, FOT_BF16);
		one = read_text(&f, FOT_COMPUTE_BF16, 1);
		for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
			float *more = read_text(&f, FOT_COMPUTE_BF16, threads[i]);

			assert_memory_equal(one, more, sizeof *one * f.n_logits);
			fot_free(more);
		}
		fot_free(one);
		close_fixture(&f);
	}
}

static size_t bytes_of(const struct fixture *f, enum fot_compute compute)
{
	struct fot_session_opts o;

	fot_session_opts_default(&o, f->m);
	o.compute = compute;
	return fot_session_estimate(f->m, &o);
}

/* Two bytes a weight instead of four, and none of the scratch for widening. */
static void test_compute_bf16_halves_the_weights(void **state)
{
	struct fixture f;
	size_t narrow, wide, weights;

	(void)state;
	tiny_config(&f.c, W, 1, false, true);
	f.c.vocab_size = 512;
	f.c.hidden_size = f.c.intermediate_size = 256;
	f.c.head_dim = 128;
	f.m = tiny_model(&f.p, &f.c, scratch_path(""), FOT_BF16);
	weights = 5 * 7 * 256 * 256 +
		  512 * 256; /* matrices that are multiplied; the embedding is read in place */
	narrow = bytes_of(&f, FOT_COMPUTE_BF16);
	wide = bytes_of(&f, FOT_COMPUTE_F32);
	/* f32 widens the embedding too; bf16 rounds 128 rows of 256 numbers at a time */
	assert_true(wide - narrow >= 2 * weights + 4 * 512 * 256 - 2 * 128 * 256 - 4096);
	close_fixture(&f);
}

static void test_compute_bf16_feeds_without_allocating(void **state)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_err err = { 0 };
	struct fixture f;
	int32_t next[N];
	struct fot_want want = { .argmax = next };
	long hits = fot_mem_guard_hits();
	int status;

	(void)state;
	open_fixture(&f, 0, FOT_BF16);
	fot_session_opts_default(&o, f.m);
	o.mem_max = N;
	o.compute = FOT_COMPUTE_BF16;
	assert_int_equal(fot_session_open(&s, f.m, &o, &err), FOT_OK);
	fot_mem_guard(1);
	status = fot_session_feed(s, f.text, N, &want, &err);
	fot_mem_guard(0);
	assert_int_equal(status, FOT_OK);
	assert_int_equal(fot_mem_guard_hits(), hits);
	fot_session_close(s);
	close_fixture(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
	const struct CMUnitTest tests[] = {
		TEST(test_compute_bf16_agrees_with_slow_sums),
		TEST(test_compute_bf16_same_bits_for_any_threads),
		TEST(test_compute_bf16_halves_the_weights),
		TEST(test_compute_bf16_feeds_without_allocating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
