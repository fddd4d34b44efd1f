/* test_crossbatch.c: the batches that training draws: who sees whom, from the right
 * documents, and the same for the same (seed, step). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "model/train/crossbatch.h"
#include "tests/unit/scratch.h"

#define DOCS 5
#define W 32

static struct fot_corpus *corpus;
static const double weight[] = { 1 };
static struct fot_source source;

/* Random printable text: windows of different places never look alike. */
static void write_documents(void)
{
	for (int k = 0; k < DOCS; k++) {
		char name[64], text[3000];
		struct fot_rng r;
		size_t n = 1500 + 300 * (size_t)k;

		fot_rng_init(&r, 1, "test.corpus", (uint64_t)k);
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('!' + fot_rng_below(&r, 90));
		snprintf(name, sizeof name, "train/%d.txt", k);
		scratch_write(name, text, n);
	}
}

static void open_corpus(void)
{
	struct fot_tokenizer *t = NULL;
	struct fot_err err = { 0 };
	const char *spec = scratch_path("");

	assert_int_equal(fot_mkdir_all(scratch_path("train"), &err), FOT_OK);
	write_documents();
	assert_int_equal(fot_tokenizer_open_byte(&t, &err), FOT_OK);
	if (fot_corpus_open(&corpus, &spec, 1, FOT_TRAIN, NULL, t, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_corpus_count(corpus), DOCS);
	fot_tokenizer_close(t);
	source = (struct fot_source){ corpus, weight, 1, NULL, NULL, -1, -1 };
}

/* Where a window lies: document and position; fails when it is no window of any. */
static void locate(const struct fot_batch *b, int64_t win, size_t *doc, int64_t *pos)
{
	for (size_t k = 0; k < DOCS; k++) {
		const struct fot_corpus_doc *d = fot_corpus_at(corpus, k);

		for (int64_t p = 0; p + W <= d->n; p++)
			if (memcmp(d->tokens + p, b->tokens + win * W, W * sizeof(int32_t)) == 0) {
				*doc = k;
				*pos = p;
				return;
			}
	}
	fail_msg("window %lld is no window of any document", (long long)win);
}

static void check_targets(const struct fot_batch *b, int64_t ask)
{
	size_t doc = 0;
	int64_t pos = 0;

	locate(b, ask, &doc, &pos);
	assert_memory_equal(b->targets + ask * W, fot_corpus_at(corpus, doc)->tokens + pos + 1, W * sizeof(int32_t));
}

static void test_crossbatch_own_windows(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 4, .w = 3, .d = 2,
				.negatives = 2, .pack = 1 };
	struct fot_batch b;
	int scattered = 0;

	(void)state;
	open_corpus();
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < 40; step++) {
		st.far = step < 20 ? 0 : 1;
		assert_int_equal(fot_batch_draw(&b, &source, &st, 3, "test", step, NULL), FOT_OK);
		assert_int_equal(b.n_win, 4 * (1 + 3) + 2);
		for (int64_t i = 0; i < 4; i++) {
			const int32_t *vis = b.vis + b.vis_begin[i];
			size_t doc = 0, other = 0;
			int64_t pos = 0, at = 0;

			check_targets(&b, i);
			locate(&b, i, &doc, &pos);
			assert_int_equal(b.vis_begin[i + 1] - b.vis_begin[i], 3 + 1 + 2);
			for (int j = 0; j < 3; j++) { /* positives: own document, whole windows before pos */
				locate(&b, vis[j], &other, &at);
				assert_int_equal(other, doc);
				assert_true(at < pos && (pos - at) % W == 0);
				if (st.far == 0)
					assert_int_equal(pos - at, (j + 1) * W);
				scattered += pos - at > 3 * W;
			}
			assert_int_equal(vis[3], 4 + (i + 1) % 4 * 3); /* nearest window of the next index */
			assert_int_equal(vis[4], 16);
			assert_int_equal(vis[5], 17);
		}
	}
	assert_true(scattered > 50);
	fot_batch_limit(&b, 1);
	for (int64_t i = 0; i < 4; i++)
		assert_int_equal(b.vis[b.vis_begin[i]], 4 + i * 3);
	assert_int_equal(b.vis_begin[4], 4);
	fot_batch_release(&b);
	fot_corpus_close(corpus);
}

static void test_crossbatch_packed(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 12, .w = 2, .d = 3, .far = 0.5,
				.pack = 4 };
	struct fot_batch b;

	(void)state;
	open_corpus();
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	for (uint64_t step = 0; step < 20; step++) {
		assert_int_equal(fot_batch_draw(&b, &source, &st, 4, "test", step, NULL), FOT_OK);
		assert_int_equal(b.n_win, 12);
		for (int64_t i = 0; i < 12; i++) {
			int64_t place = i % 4, own = place < 2 ? place : 2, n = b.vis_begin[i + 1] - b.vis_begin[i];
			const int32_t *vis = b.vis + b.vis_begin[i];
			size_t doc = 0, other = 0;
			int64_t pos = 0, at = 0;

			check_targets(&b, i);
			assert_int_equal(n, place ? own + 2 : 0);
			locate(&b, i, &doc, &pos);
			for (int64_t j = 0; j < own; j++) {
				assert_int_equal(vis[j], i - 1 - j);
				locate(&b, vis[j], &other, &at);
				assert_int_equal(other, doc);
				assert_true(at < pos);
			}
			for (int64_t j = own; j < n; j++) /* the same place, one window back, of the next documents */
				assert_int_equal(vis[j], (i + 4 * (j - own + 1)) % 12 - 1);
		}
	}
	fot_batch_release(&b);
	fot_corpus_close(corpus);
}

static void test_crossbatch_copies_spans(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = 128, .batch = 2, .w = 1, .d = 1, .copy = 1,
				.pack = 1 };
	struct fot_batch b;

	(void)state;
	open_corpus();
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	assert_int_equal(fot_batch_draw(&b, &source, &st, 5, "test", 0, NULL), FOT_OK);
	for (int64_t i = 0; i < 2; i++) {
		const int32_t *ask = b.tokens + i * 128, *from = b.tokens + (2 + i) * 128;
		int longest = 0;

		for (int x = 0; x < 128; x++)
			for (int y = 0; y < 128; y++) {
				int n = 0;

				while (x + n < 128 && y + n < 128 && ask[x + n] == from[y + n])
					n++;
				longest = n > longest ? n : longest;
			}
		assert_true(longest >= 16);
		for (int x = 0; x + 1 < 128; x++) /* targets follow the text as it was changed */
			assert_int_equal(b.targets[i * 128 + x], ask[x + 1]);
	}
	fot_batch_release(&b);
	fot_corpus_close(corpus);
}

static void test_crossbatch_is_a_function_of_seed_and_step(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = W, .batch = 4, .w = 2, .d = 4,
				.negatives = 3, .far = 0.5, .pack = 1 };
	struct fot_batch a, b;
	size_t bytes;

	(void)state;
	open_corpus();
	assert_int_equal(fot_batch_init(&a, &st, 1, NULL), FOT_OK);
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	bytes = sizeof(int32_t) * (size_t)fot_stage_windows(&st) * W;
	assert_int_equal(fot_batch_draw(&a, &source, &st, 9, "test", 77, NULL), FOT_OK);
	for (uint64_t other = 0; other < 5; other++) /* whatever was drawn before */
		assert_int_equal(fot_batch_draw(&b, &source, &st, 9, "test", other, NULL), FOT_OK);
	assert_memory_not_equal(a.tokens, b.tokens, bytes);
	assert_int_equal(fot_batch_draw(&b, &source, &st, 9, "test", 77, NULL), FOT_OK);
	assert_memory_equal(a.tokens, b.tokens, bytes);
	assert_int_equal(fot_batch_draw(&b, &source, &st, 10, "test", 77, NULL), FOT_OK);
	assert_memory_not_equal(a.tokens, b.tokens, bytes);
	fot_batch_release(&a);
	fot_batch_release(&b);
	fot_corpus_close(corpus);
}

static void test_crossbatch_refuses_short_documents(void **state)
{
	struct fot_stage st = { .method = FOT_METHOD_CROSSBATCH, .window = 1000, .batch = 1, .w = 4, .d = 1, .pack = 1 };
	struct fot_batch b;
	struct fot_err err = { 0 };

	(void)state;
	open_corpus();
	assert_int_equal(fot_batch_init(&b, &st, 1, NULL), FOT_OK);
	assert_fails(fot_batch_draw(&b, &source, &st, 1, "test", 0, &err), FOT_ERR_INPUT, &err, "no document of 5001");
	fot_batch_release(&b);
	fot_corpus_close(corpus);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_crossbatch_own_windows),
		scratched(test_crossbatch_packed),
		scratched(test_crossbatch_copies_spans),
		scratched(test_crossbatch_is_a_function_of_seed_and_step),
		scratched(test_crossbatch_refuses_short_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
