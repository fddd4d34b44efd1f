/* test_families.c: every family of checkpoints and every feature of one against the slow implementation:
 * without memory, with all of it, and with the best keys; and the forward pass of training against the session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "harness/ask/reading.h"
#include "model/train/network.h"
#include "tests/unit/scratch.h"
#include "tests/unit/slow_llama.h"
#include "tests/unit/slow_rope.h"
#include "tests/unit/tiny_model.h"

#define TOP_K 5
#define FIRST 150
#define SECOND 220

struct way {
	void (*make)(struct fot_config *c);
	int32_t window;
	int32_t positions; /* max_position_embeddings */
};

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	struct slow *slow;
	struct fot_reading r;
	int32_t text[FIRST + SECOND];
};

static void open_way(struct fixture *f, const struct way *w, enum fot_memory_mode mode, int n_mem, int threads)
{
	struct fot_reading_flags flags = { .threads = threads, .window = w->window };
	struct fot_err err = { 0 };

	tiny_config(&f->c, w->positions, n_mem, false, true);
	f->c.blocks = false;
	f->c.last_context_length = w->window / 2;
	f->c.mode = mode;
	f->c.top_k = TOP_K;
	w->make(&f->c);
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	f->slow = slow_open(&f->p, w->window, w->window / 2);
	slow_top_k(f->slow, mode == FOT_MEMORY_KNN ? TOP_K : 0);
	tiny_tokens(f->text, FIRST + SECOND, f->c.vocab_size, 5);
	if (fot_reading_open(&f->r, f->m, &flags, FIRST + SECOND, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_reading_reset(&f->r);
}

static void close_way(struct fixture *f)
{
	fot_reading_close(&f->r);
	slow_close(f->slow);
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

static double farthest(const float *got, const double *want, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double x = fabs((double)got[i] - want[i]);

		most = x <= most ? most : x; /* NaN counts */
	}
	return most;
}

/* A call of which nothing is asked, whose windows may end early or be filled alone, and one that is scored. */
static double difference(struct fixture *f)
{
	size_t v = (size_t)f->c.vocab_size;
	double *want = fot_alloc(SECOND * v, sizeof *want), most;
	float *got = fot_alloc(SECOND * v, sizeof *got);
	struct fot_call first = { .tokens = f->text, .n = FIRST },
			second = { .tokens = f->text + FIRST, .n = SECOND };
	struct fot_err err = { 0 };

	assert_true(want && got);
	assert_true(slow_call(f->slow, f->text, FIRST, NULL, NULL, true, want));
	assert_true(slow_call(f->slow, f->text + FIRST, SECOND, NULL, NULL, true, want));
	if (fot_reading_call(&f->r, &first, NULL, NULL, NULL, 0, &err) != FOT_OK ||
	    fot_reading_call(&f->r, &second, NULL, NULL, got, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	most = farthest(got, want, SECOND * v);
	fot_free(want);
	fot_free(got);
	return most;
}

static void check(const struct way *w)
{
	static const struct {
		enum fot_memory_mode mode;
		int n_mem, threads;
	} memories[] = { { FOT_MEMORY_NONE, 0, 1 }, { FOT_MEMORY_DENSE, 2, 2 },  { FOT_MEMORY_KNN, 2, 1 },
			 { FOT_MEMORY_DENSE, 1, 2 },  { FOT_MEMORY_KNN, 1, 2 } };

	for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
		struct fixture *f = fot_calloc(1, sizeof *f);
		double most;

		assert_non_null(f);
		open_way(f, w, memories[i].mode, memories[i].n_mem, memories[i].threads);
		most = difference(f);
		if (!(most < 1e-4))
			fail_msg("memory %d in %d layers: logits differ by %.3g", (int)memories[i].mode,
				 memories[i].n_mem, most);
		close_way(f);
		fot_free(f);
	}
}

/* How a window sees those before it. */
struct sight {
	enum fot_method method;
	enum fot_memory_mode mode;
	enum fot_mix mix;
	int n_mem;
	bool positionals;
};

/* Windows of the text, each of which sees all before it; of cached windows the last one's alone. */
static int64_t make_batch(struct fot_batch *b, struct fot_stage *st, const struct fixture *f, int32_t window)
{
	int64_t n = (FIRST + SECOND) / window;
	bool xl = st->method == FOT_METHOD_TRANSFORMER_XL;

	n = n > 6 ? 6 : n;
	st->window = window;
	st->pack = st->d = st->w = 1;
	st->batch = xl ? 1 : n;
	if (xl)
		st->w = n > 1 ? n - 1 : 1;
	else
		st->range = n;
	assert_int_equal(fot_batch_init(b, st, 1, NULL), FOT_OK);
	fot_batch_link(b, st);
	for (int64_t i = 0; i < n; i++)
		memcpy(b->tokens + i * window, f->text + (xl ? n - 1 - i : i) * window, sizeof(int32_t) * (size_t)window);
	if (xl)
		fot_batch_limit(b, n - 1);
	return n;
}

/* The largest difference of log-probabilities, of every token of the vocabulary at every place that is asked. */
static double training_difference(const struct fixture *f, struct fot_stage *st, int32_t window,
				  struct fot_session *session)
{
	struct fot_net_size size;
	struct fot_net *net = NULL;
	struct fot_batch b;
	int64_t n = make_batch(&b, st, f, window), asked = b.n_ask * window;
	double *trained = fot_alloc((size_t)asked, sizeof *trained), *nll = fot_alloc((size_t)(n * window), sizeof *nll),
	       most = 0, loss;
	int32_t *targets = fot_alloc((size_t)(n * window), sizeof *targets);
	struct fot_want want = { .targets = targets, .nll = nll };

	assert_true(trained && nll && targets);
	fot_net_size_of(&size, st, 1, 2);
	assert_int_equal(fot_net_open(&net, &f->p, &size, NULL), FOT_OK);
	for (int32_t token = 0; token < f->c.vocab_size; token += 7) {
		for (int64_t i = 0; i < n * window; i++)
			targets[i] = (token + (int32_t)i) % f->c.vocab_size;
		memcpy(b.targets, targets + n * window - asked, sizeof *targets * (size_t)asked);
		assert_int_equal(fot_net_loss(net, &b, &loss, trained, NULL), FOT_OK);
		fot_session_reset(session);
		assert_int_equal(fot_session_feed(session, f->text, (size_t)(n * window), &want, NULL), FOT_OK);
		for (int64_t i = 0; i < asked; i++) {
			double x = fabs(trained[i] - nll[n * window - asked + i]);

			most = x <= most ? most : x;
		}
	}
	fot_net_close(net);
	fot_batch_release(&b);
	fot_free(trained);
	fot_free(nll);
	fot_free(targets);
	return most;
}

static void check_sight(const struct way *w, const struct sight *sight)
{
	struct fot_stage st = { .method = sight->method };
	struct fixture *f = fot_calloc(1, sizeof *f);
	struct fot_session *s = NULL;
	struct fot_session_opts o;
	struct fot_err err = { 0 };
	double most;

	assert_non_null(f);
	tiny_config(&f->c, w->window, sight->n_mem, false, sight->positionals);
	f->c.mode = sight->mode;
	f->c.top_k = TOP_K;
	f->c.mix = sight->mix;
	f->c.cached_windows = sight->method == FOT_METHOD_TRANSFORMER_XL;
	w->make(&f->c);
	st.top_k = sight->mode == FOT_MEMORY_KNN ? TOP_K : 0;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, FIRST + SECOND, f->c.vocab_size, 5);
	fot_session_opts_default(&o, f->m);
	o.mem_max = FIRST + SECOND;
	o.mode = f->c.cached_windows ? FOT_MEMORY_NONE : sight->mode;
	if (fot_session_open(&s, f->m, &o, &err) != FOT_OK)
		fail_msg("%s", err.text);
	most = training_difference(f, &st, w->window, s);
	if (!(most < 1e-4))
		fail_msg("%s, memory %d in %d layers: training differs by %.3g", fot_method_name(sight->method),
			 (int)sight->mode, sight->n_mem, most);
	fot_session_close(s);
	fot_model_close(f->m);
	fot_params_release(&f->p);
	fot_free(f);
}

static void check_training(const struct way *w)
{
	static const struct sight sights[] = {
		{ FOT_METHOD_STANDARD, FOT_MEMORY_NONE, FOT_MIX_JOINT, 0, true },
		{ FOT_METHOD_LONGLLAMA, FOT_MEMORY_DENSE, FOT_MIX_JOINT, 2, true },
		{ FOT_METHOD_LONGLLAMA, FOT_MEMORY_DENSE, FOT_MIX_GATE, 2, false },
		{ FOT_METHOD_LONGLLAMA, FOT_MEMORY_KNN, FOT_MIX_JOINT, 1, true },
		{ FOT_METHOD_LONGLLAMA, FOT_MEMORY_KNN, FOT_MIX_GATE, 1, true },
		{ FOT_METHOD_TRANSFORMER_XL, FOT_MEMORY_NONE, FOT_MIX_JOINT, 0, true },
		{ FOT_METHOD_TRANSFORMER_XL, FOT_MEMORY_NONE, FOT_MIX_JOINT, 2, false },
	};

	for (size_t i = 0; i < sizeof sights / sizeof sights[0]; i++)
		check_sight(w, &sights[i]);
}

#define WAY(name, tokens, ...)                                                \
	static void make_##name(struct fot_config *c) __VA_ARGS__             \
	static void test_families_##name(void **state)                        \
	{                                                                     \
		static const struct way w = { make_##name, tokens, tokens };  \
		(void)state;                                                  \
		check(&w);                                                    \
		check_training(&w);                                           \
	}

/* In windows of another size than the model states. */
#define READ(name, tokens, positions, ...)                                    \
	static void make_##name(struct fot_config *c) __VA_ARGS__             \
	static void test_families_##name(void **state)                        \
	{                                                                     \
		static const struct way w = { make_##name, tokens, positions }; \
		(void)state;                                                  \
		check(&w);                                                    \
	}

static void of_heads(struct fot_config *c, int32_t heads, int32_t kv, int32_t dim)
{
	c->n_heads = heads;
	c->n_kv_heads = kv == heads ? 0 : kv;
	c->head_dim = dim;
}

static void of_family(struct fot_config *c, enum fot_family_number family)
{
	fot_config_of_family(c, family);
	c->rope_theta = 100;
	c->bos_id = 1;
	c->eos_id = 2;
}

static void slide(struct fot_config *c, int32_t window, int first)
{
	c->sliding_window = window;
	for (int l = 0; l < c->n_layers; l++)
		c->slides[l] = l >= first;
}

WAY(grouped_keys, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	of_heads(c, 6, 2, 4);
})
WAY(one_key_head_for_all, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	of_heads(c, 4, 1, 6);
})
WAY(grouped_keys_over_a_tile, 140, {
	of_family(c, FOT_FAMILY_LLAMA);
	of_heads(c, 6, 3, 4);
})
WAY(head_dim_of_its_own, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	of_heads(c, 4, 2, 10);
})
WAY(llama_with_biases, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->qkv_bias = c->o_bias = true;
})
WAY(llama_with_mlp_biases, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->mlp_bias = true;
})
WAY(qwen2, 16, {
	of_family(c, FOT_FAMILY_QWEN2);
	of_heads(c, 6, 2, 4);
	c->tie_embeddings = true;
})
WAY(qwen2_slides_in_upper_layers, 32, {
	of_family(c, FOT_FAMILY_QWEN2);
	of_heads(c, 6, 2, 4);
	slide(c, 7, 2);
})
WAY(qwen3, 16, {
	of_family(c, FOT_FAMILY_QWEN3);
	of_heads(c, 4, 2, 10);
	c->tie_embeddings = true;
})
WAY(mistral, 32, {
	of_family(c, FOT_FAMILY_MISTRAL);
	of_heads(c, 4, 2, 6);
})
WAY(mistral_slides, 32, {
	of_family(c, FOT_FAMILY_MISTRAL);
	of_heads(c, 4, 2, 6);
	slide(c, 5, 0);
})
WAY(mistral_slides_over_tiles, 340, {
	of_family(c, FOT_FAMILY_MISTRAL);
	of_heads(c, 4, 2, 6);
	slide(c, 9, 0);
})
WAY(smollm3, 16, {
	of_family(c, FOT_FAMILY_SMOLLM3);
	of_heads(c, 4, 2, 6);
	c->no_rope[1] = c->no_rope[2] = true;
})
WAY(olmo2, 16, { of_family(c, FOT_FAMILY_OLMO2); })
WAY(olmo2_with_grouped_keys, 16, {
	of_family(c, FOT_FAMILY_OLMO2);
	of_heads(c, 6, 3, 4);
})
WAY(rope_linear, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_LINEAR, .factor = 8 };
})
WAY(rope_ntk, 16, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_NTK, .factor = 3 };
})
READ(rope_dynamic, 16, 6, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_DYNAMIC, .factor = 2 };
})
WAY(rope_llama3, 64, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){
		.type = FOT_ROPE_LLAMA3, .factor = 8, .low = 1, .high = 4, .original = 40
	};
})
WAY(rope_llama3_without_original, 64, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_LLAMA3, .factor = 8, .low = 1, .high = 4 };
})
READ(rope_yarn_between_pairs, 64, 400, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_YARN,
				     .beta_fast = 8,
				     .beta_slow = 1,
				     .mscale = 0.7,
				     .mscale_all = 1.3,
				     .original = 100,
				     .unrounded = true };
})
WAY(rope_yarn, 64, {
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){
		.type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 8, .beta_slow = 1, .original = 128
	};
})

static void longrope(struct fot_config *c, int64_t original)
{
	of_family(c, FOT_FAMILY_LLAMA);
	c->rope = (struct fot_rope){ .type = FOT_ROPE_LONGROPE, .original = original, .n_pairs = c->head_dim / 2 };
	for (int i = 0; i < c->head_dim / 2; i++) {
		c->rope.shorter[i] = 1 + 0.1 * i;
		c->rope.longer[i] = 2 + 0.7 * i;
	}
}

WAY(rope_longrope_short, 32, {
	longrope(c, 32);
	c->rope.factor = 4;
})
WAY(rope_longrope_long, 32, { longrope(c, 12); })
/* All that a family's config.json can ask for. */
WAY(llama_with_everything, 32, {
	longrope(c, 12);
	of_heads(c, 6, 2, 12);
	c->qkv_bias = c->o_bias = c->mlp_bias = c->tie_embeddings = true;
})
WAY(mistral_with_everything, 32, {
	longrope(c, 32);
	of_family(c, FOT_FAMILY_MISTRAL);
	of_heads(c, 6, 2, 12);
	c->tie_embeddings = true;
	slide(c, 9, 1);
})
WAY(qwen2_with_everything, 32, {
	of_family(c, FOT_FAMILY_QWEN2);
	of_heads(c, 6, 2, 12);
	c->tie_embeddings = true;
	c->rope = (struct fot_rope){ .type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 8, .beta_slow = 1, .original = 64 };
	slide(c, 9, 2);
})
WAY(qwen3_with_everything, 32, {
	longrope(c, 12);
	of_family(c, FOT_FAMILY_QWEN3);
	of_heads(c, 4, 2, 12);
	c->qkv_bias = c->o_bias = c->tie_embeddings = c->qk_norm = true;
	slide(c, 9, 1);
})
WAY(smollm3_with_everything, 32, {
	longrope(c, 12);
	of_family(c, FOT_FAMILY_SMOLLM3);
	of_heads(c, 4, 2, 12);
	c->qkv_bias = c->o_bias = c->mlp_bias = c->tie_embeddings = true;
	c->no_rope[1] = c->no_rope[4] = true;
	slide(c, 9, 1);
})
WAY(olmo2_with_everything, 32, {
	longrope(c, 12);
	of_family(c, FOT_FAMILY_OLMO2);
	of_heads(c, 6, 3, 12);
	c->qkv_bias = c->o_bias = c->tie_embeddings = true;
})

/* Continuations next to each other see what they see one behind the other. */
static void test_families_branches_slide(void **state)
{
	static const struct way w = { make_mistral_slides, 64, 64 };
	enum { TRUNK = 9, OTHER = 12, OWN = 11, ALL = TRUNK + OTHER + OWN };
	struct fixture *f = fot_calloc(1, sizeof *f);
	int32_t branch[ALL], alone[TRUNK + OWN];
	float *got, *want;
	size_t v;
	struct fot_want wanted = { .branch = branch };
	struct fot_mark start;

	(void)state;
	assert_non_null(f);
	open_way(f, &w, FOT_MEMORY_NONE, 0, 1);
	v = (size_t)f->c.vocab_size;
	got = fot_alloc(ALL * v, sizeof *got);
	want = fot_alloc(ALL * v, sizeof *want);
	for (int i = 0; i < ALL; i++)
		branch[i] = i < TRUNK ? -1 : i < TRUNK + OTHER ? TRUNK : TRUNK + OTHER;
	for (int i = 0; i < TRUNK + OWN; i++)
		alone[i] = f->text[i < TRUNK ? i : i + OTHER];
	start = fot_session_mark(f->r.session);
	wanted.logits = got;
	assert_int_equal(fot_session_feed(f->r.session, f->text, ALL, &wanted, NULL), FOT_OK);
	assert_int_equal(fot_session_rewind(f->r.session, start, NULL), FOT_OK);
	assert_int_equal(fot_session_feed(f->r.session, alone, TRUNK + OWN, &(struct fot_want){ .logits = want }, NULL),
			 FOT_OK);
	for (size_t i = 0; i < OWN * v; i++)
		if (!(fabsf(got[(TRUNK + OTHER) * v + i] - want[TRUNK * v + i]) < 1e-4f))
			fail_msg("number %zu: %g, expected %g", i, (double)got[(TRUNK + OTHER) * v + i],
				 (double)want[TRUNK * v + i]);
	fot_free(got);
	fot_free(want);
	close_way(f);
	fot_free(f);
}

/* Padding at the head of a window that goes to a memory with entries is left out of it. */
static void test_families_padding_with_grouped_keys(void **state)
{
	static const struct way w = { make_grouped_keys, 16, 16 };
	enum { BEFORE = 21, PADDED = 7, PADS = 3, BEHIND = 30 };
	struct fixture *f = fot_calloc(1, sizeof *f);
	const int32_t *padded, *behind;
	int mask[PADDED + BEHIND];
	struct fot_call c = { .no_cache = true, .n = BEFORE };
	struct fot_err err = { 0 };
	double *want;
	float *got;
	size_t v;

	(void)state;
	assert_non_null(f);
	open_way(f, &w, FOT_MEMORY_DENSE, 2, 1);
	v = (size_t)f->c.vocab_size;
	padded = f->text + BEFORE;
	behind = padded + PADDED;
	want = fot_alloc(BEHIND * v, sizeof *want);
	got = fot_alloc(BEHIND * v, sizeof *got);
	for (int i = 0; i < PADDED + BEHIND; i++)
		mask[i] = i >= PADS;
	c.tokens = f->text;
	assert_true(slow_call(f->slow, f->text, BEFORE, NULL, NULL, false, want));
	assert_int_equal(fot_reading_call(&f->r, &c, NULL, NULL, NULL, 0, &err), FOT_OK);
	c = (struct fot_call){ .tokens = padded, .n = PADDED, .columns = PADDED, .pads = PADS };
	assert_true(slow_call(f->slow, padded, PADDED, mask, NULL, true, want));
	assert_int_equal(fot_reading_call(&f->r, &c, NULL, NULL, NULL, 0, &err), FOT_OK);
	c = (struct fot_call){ .tokens = behind, .n = BEHIND, .columns = PADDED + BEHIND, .pads = PADS };
	assert_true(slow_call(f->slow, behind, BEHIND, mask, NULL, true, want));
	assert_int_equal(fot_reading_call(&f->r, &c, NULL, NULL, got, 0, &err), FOT_OK);
	assert_true(farthest(got, want, BEHIND * v) < 1e-4);
	fot_free(got);
	fot_free(want);
	close_way(f);
	fot_free(f);
}

/* Feeds that all begin at one place, with other widths of keys than of rows. */
static void test_families_feeds_apart(void **state)
{
	static const struct way w = { make_head_dim_of_its_own, 32, 32 };
	enum { BEFORE = 41, N = 9 };
	struct fixture *f = fot_calloc(1, sizeof *f);
	struct fot_session *s = NULL;
	struct fot_session_opts o;
	struct fot_feed feed[2];
	struct fot_mark mark;
	float *got[2], *want;
	size_t bytes;

	(void)state;
	assert_non_null(f);
	open_way(f, &w, FOT_MEMORY_DENSE, 2, 2);
	bytes = N * (size_t)f->c.vocab_size * sizeof(float);
	fot_session_opts_default(&o, f->m);
	o.apart = true;
	o.n_threads = 2;
	o.mem_max = BEFORE + N;
	assert_int_equal(fot_session_open(&s, f->m, &o, NULL), FOT_OK);
	assert_int_equal(fot_session_feed(s, f->text, BEFORE, NULL, NULL), FOT_OK);
	want = fot_alloc(1, bytes);
	for (int i = 0; i < 2; i++) {
		got[i] = fot_alloc(1, bytes);
		feed[i] = (struct fot_feed){ f->text + BEFORE + i * N, N, { .logits = got[i] } };
	}
	mark = fot_session_mark(s);
	assert_int_equal(fot_session_feed_apart(s, feed, 2, NULL), FOT_OK);
	for (int i = 0; i < 2; i++) {
		struct fot_want wanted = { .logits = want };

		assert_int_equal(fot_session_feed(s, feed[i].tokens, N, &wanted, NULL), FOT_OK);
		assert_int_equal(fot_session_rewind(s, mark, NULL), FOT_OK);
		assert_memory_equal(got[i], want, bytes);
		fot_free(got[i]);
	}
	fot_free(want);
	fot_session_close(s);
	close_way(f);
	fot_free(f);
}

/* Llama-3.2's own numbers, worked out by hand: theta 5e5, d 64, factor 32, low 1, high 4, original 8192. */
static void test_families_llama3_frequencies(void **state)
{
	struct fot_config c;
	struct fot_turning t;

	(void)state;
	fot_config_default(&c);
	c.head_dim = 64;
	c.rope_theta = 5e5;
	c.rope = (struct fot_rope){ .type = FOT_ROPE_LLAMA3, .factor = 32, .low = 1, .high = 4, .original = 8192 };
	t = fot_config_turning(&c, 4096);
	/* Pair 10 turns once in 380 positions, pair 31 once in 2.1 million; pair 16 once in 4443, between
	 * 2048 and 8192: s = (8192 / 4443 - 1) / 3. */
	assert_true(fabs(fot_rope_frequency(&t, 10) / pow(5e5, -20.0 / 64) - 1) < 1e-12);
	assert_true(fabs(fot_rope_frequency(&t, 31) * 32 / pow(5e5, -62.0 / 64) - 1) < 1e-12);
	assert_true(fabs(fot_rope_frequency(&t, 16) / pow(5e5, -32.0 / 64) - 0.30374) < 1e-4);
	for (int i = 0; i < 32; i++)
		assert_true(fabs(fot_rope_frequency(&t, i) / slow_frequency(&c, 4096, i) - 1) < 1e-12);
}

#define T(name) cmocka_unit_test_setup_teardown(test_families_##name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(grouped_keys),
		T(one_key_head_for_all),
		T(grouped_keys_over_a_tile),
		T(head_dim_of_its_own),
		T(llama_with_biases),
		T(llama_with_mlp_biases),
		T(qwen2),
		T(qwen2_slides_in_upper_layers),
		T(qwen3),
		T(mistral),
		T(mistral_slides),
		T(mistral_slides_over_tiles),
		T(smollm3),
		T(olmo2),
		T(olmo2_with_grouped_keys),
		T(rope_linear),
		T(rope_ntk),
		T(rope_dynamic),
		T(rope_llama3),
		T(rope_llama3_without_original),
		T(rope_yarn_between_pairs),
		T(rope_yarn),
		T(rope_longrope_short),
		T(rope_longrope_long),
		T(llama_with_everything),
		T(mistral_with_everything),
		T(qwen2_with_everything),
		T(qwen3_with_everything),
		T(smollm3_with_everything),
		T(olmo2_with_everything),
		T(branches_slide),
		T(padding_with_grouped_keys),
		T(feeds_apart),
		T(llama3_frequencies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
