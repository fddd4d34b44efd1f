/* test_longllama.c: the engine against the slow implementation, for every way in which
 * LongLLaMA cuts, caches, spills and masks. */
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
#include "tests/unit/scratch.h"
#include "tests/unit/slow_llama.h"
#include "tests/unit/tiny_model.h"

#define TURNS 4
#define LONGEST 450
#define STEPS 48

/* pads: zeros at the head of the turn's mask, which also covers the local context before
 * it when `whole`. Without pads there is a mask only with `ones`. */
struct turn {
	int n, pads;
	bool memory_only, whole, ones;
};

struct way {
	int n_mem;
	enum fot_dtype dtype;
	bool no_positionals, tied;
	int heads, head_dim, window, last, steps;
	struct turn turn[TURNS];
};

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	struct slow *slow;
	struct fot_reading r;
	int32_t text[TURNS * LONGEST];
	int columns[LONGEST * TURNS];
};

static void open_way(struct fixture *f, const struct way *w, int threads)
{
	struct fot_reading_flags flags = { .threads = threads };
	struct fot_err err = { 0 };

	tiny_config(&f->c, w->window, w->n_mem, false, !w->no_positionals);
	f->c.blocks = false;
	f->c.last_context_length = w->last;
	f->c.mem_dtype = w->dtype;
	f->c.tie_embeddings = w->tied;
	f->c.n_heads = w->heads ? w->heads : 2;
	f->c.head_dim = w->head_dim ? w->head_dim : 12;
	f->c.hidden_size = f->c.n_heads * f->c.head_dim;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	f->slow = slow_open(&f->p, w->window, w->last);
	tiny_tokens(f->text, TURNS * LONGEST, f->c.vocab_size, 5);
	if (fot_reading_open(&f->r, f->m, &flags, TURNS * LONGEST, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void close_way(struct fixture *f)
{
	fot_reading_close(&f->r);
	slow_close(f->slow);
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

/* The call of a turn, and the mask that the slow implementation wants for it. */
static const int *make_call(struct fixture *f, const struct turn *t, const int32_t *ids, struct fot_call *c)
{
	int local = slow_local(f->slow), columns = t->whole ? local + t->n : t->n;

	*c = (struct fot_call){ .tokens = ids, .n = (size_t)t->n, .no_cache = t->memory_only };
	if (t->pads == 0 && !t->ones)
		return NULL;
	c->columns = (size_t)columns;
	c->pads = (size_t)t->pads;
	for (int i = 0; i < local + t->n; i++)
		f->columns[i] = i >= local + t->n - columns + t->pads;
	return f->columns;
}

struct difference {
	double max, sum;
	int64_t n;
};

static void score_turn(struct fixture *f, const struct turn *t, const int32_t *ids, struct difference *d)
{
	size_t v = (size_t)f->c.vocab_size, n = (size_t)t->n;
	double *want = fot_alloc(n * v, sizeof *want), *nll = fot_alloc(n, sizeof *nll);
	float *got = fot_alloc(n * v, sizeof *got);
	int32_t *argmax = fot_alloc(n, sizeof *argmax);
	struct fot_err err = { 0 };
	struct fot_call c;
	const int *mask = make_call(f, t, ids, &c);

	assert_true(want && nll && got && argmax);
	assert_true(slow_call(f->slow, ids, t->n, mask, NULL, !t->memory_only, want));
	if (fot_reading_call(&f->r, &c, nll, argmax, got, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fot_session_n_local(f->r.session), slow_local(f->slow));
	for (size_t i = 0; i < n * v; i++) {
		double x = fabs((double)got[i] - want[i]);

		d->max = x <= d->max ? d->max : x;
		d->sum += x;
	}
	d->n += (int64_t)(n * v);
	fot_free(want);
	fot_free(got);
	fot_free(nll);
	fot_free(argmax);
}

static void check_greedy(struct fixture *f, const struct way *w)
{
	const int32_t *ids = f->text;
	int32_t want[STEPS];
	double *unused = fot_alloc((size_t)LONGEST * (size_t)f->c.vocab_size, sizeof *unused);
	struct fot_ids got = { 0 };
	struct fot_call c;

	slow_reset(f->slow);
	fot_reading_reset(&f->r);
	for (int t = 0; t < TURNS && w->turn[t].n; ids += w->turn[t].n, t++) {
		const int *mask = make_call(f, &w->turn[t], ids, &c);

		if (t + 1 < TURNS && w->turn[t + 1].n) {
			slow_call(f->slow, ids, w->turn[t].n, mask, NULL, !w->turn[t].memory_only, unused);
			assert_int_equal(fot_reading_call(&f->r, &c, NULL, NULL, NULL, 0, NULL), FOT_OK);
			continue;
		}
		c.one_position = true;
		slow_greedy(f->slow, ids, w->turn[t].n, mask, want, w->steps);
		assert_int_equal(fot_reading_continue(&f->r, &c, (size_t)w->steps, NULL, &got, NULL), FOT_OK);
	}
	assert_int_equal(got.n, w->steps);
	for (int i = 0; i < w->steps; i++)
		assert_int_equal(got.id[i], want[i]);
	assert_int_equal(fot_session_n_local(f->r.session), slow_local(f->slow));
	fot_ids_release(&got);
	fot_free(unused);
}

/* Memory in bfloat16: entries that lie at a tie may round either way. */
static void check(const struct way *w)
{
	for (int threads = 1; threads <= 2; threads++) {
		struct difference d = { 0 };
		struct fixture *f = fot_calloc(1, sizeof *f);
		const int32_t *ids;

		assert_non_null(f);
		open_way(f, w, threads);
		ids = f->text;
		fot_reading_reset(&f->r);
		for (int t = 0; t < TURNS && w->turn[t].n; t++) {
			score_turn(f, &w->turn[t], ids, &d);
			ids += w->turn[t].n;
		}
		if (!(d.max < (w->dtype == FOT_BF16 ? 5e-3 : 1e-4) &&
		      d.sum / (double)d.n < (w->dtype == FOT_BF16 ? 1e-4 : 1e-5)))
			fail_msg("logits differ by %.3g at most, %.3g on average", d.max, d.sum / (double)d.n);
		if (w->steps)
			check_greedy(f, w);
		close_way(f);
		fot_free(f);
	}
}

#define WAY(name, ...)                                       \
	static void test_longllama_##name(void **state)      \
	{                                                    \
		static const struct way w = { __VA_ARGS__ }; \
		(void)state;                                 \
		check(&w);                                   \
	}

WAY(is_llama_without_memory_layers, .window = 32, .last = 32, .steps = 6, .turn = { { .n = 20 } })
WAY(prefix_means_nothing_without_memory_layers, .window = 16, .last = 8, .turn = { { .n = 45 } })
WAY(memory, .n_mem = 2, .window = 16, .last = 8, .steps = 6, .turn = { { .n = 45 } })
WAY(memory_in_bfloat16, .n_mem = 2, .dtype = FOT_BF16, .window = 16, .last = 8, .steps = 6, .turn = { { .n = 45 } })
WAY(windows_wider_than_a_tile, .n_mem = 2, .window = 150, .last = 140, .turn = { { .n = 400 } })
WAY(cuts_what_fits_the_window, .n_mem = 2, .window = 16, .last = 8, .steps = 4, .turn = { { .n = 13 } })
WAY(last_context_longer_than_window, .n_mem = 1, .window = 16, .last = 40, .steps = 20, .turn = { { .n = 51 } })
WAY(last_context_longer_than_window_alone, .n_mem = 1, .window = 16, .last = 40, .steps = 5, .turn = { { .n = 30 } })
WAY(no_positionals, .n_mem = 2, .no_positionals = true, .window = 16, .last = 8, .steps = 30, .turn = { { .n = 37 } })
WAY(tied_embeddings, .n_mem = 1, .tied = true, .window = 16, .last = 8, .steps = 20, .turn = { { .n = 29 } })
WAY(other_heads, .n_mem = 1, .heads = 3, .head_dim = 14, .window = 16, .last = 8, .steps = 4, .turn = { { .n = 29 } })
WAY(one_head_of_two, .n_mem = 1, .heads = 5, .head_dim = 2, .window = 16, .last = 8, .steps = 4, .turn = { { .n = 29 } })
WAY(spills_while_generating, .n_mem = 2, .window = 16, .last = 8, .steps = STEPS, .turn = { { .n = 27 } })
WAY(spills_while_generating_in_bfloat16, .n_mem = 2, .dtype = FOT_BF16, .window = 16, .last = 8, .steps = STEPS,
    .turn = { { .n = 27 } })
WAY(forgets_while_generating_without_memory, .window = 16, .last = 8, .steps = STEPS, .turn = { { .n = 7 } })
WAY(padding_in_one_window, .n_mem = 1, .window = 16, .last = 16, .steps = 20, .turn = { { .n = 11, .pads = 4 } })
WAY(padding_in_the_first_window, .n_mem = 2, .window = 16, .last = 8, .steps = 20, .turn = { { .n = 45, .pads = 5 } })
WAY(padding_over_a_window, .n_mem = 2, .window = 16, .last = 8, .steps = 20, .turn = { { .n = 45, .pads = 21 } })
WAY(padding_up_to_a_window, .n_mem = 2, .window = 16, .last = 8, .steps = 4, .turn = { { .n = 45, .pads = 32 } })
WAY(padding_into_the_last_window, .n_mem = 2, .dtype = FOT_BF16, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 45, .pads = 40 } })
WAY(padding_across_a_tile, .n_mem = 2, .window = 150, .last = 40, .turn = { { .n = 400, .pads = 131 } })
WAY(padding_without_positionals, .n_mem = 2, .no_positionals = true, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 45, .pads = 6 } })
WAY(mask_of_ones, .n_mem = 1, .window = 16, .last = 8, .steps = 4, .turn = { { .n = 29, .ones = true } })
WAY(turns_through_the_local_cache, .n_mem = 2, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 20 }, { .n = 3 }, { .n = 37 }, { .n = 6 } })
WAY(turns_in_bfloat16, .n_mem = 2, .dtype = FOT_BF16, .window = 64, .last = 32,
    .turn = { { .n = 50 }, { .n = 150 }, { .n = 31 }, { .n = 1 } })
WAY(turns_exactly_full, .n_mem = 1, .window = 16, .last = 16, .steps = 3,
    .turn = { { .n = 10 }, { .n = 6 }, { .n = 16 }, { .n = 1 } })
WAY(turns_last_context_longer_than_window, .n_mem = 1, .window = 16, .last = 24, .steps = 3,
    .turn = { { .n = 22 }, { .n = 4 }, { .n = 50 } })
WAY(turns_without_memory_layers, .window = 16, .last = 8, .steps = 12, .turn = { { .n = 20 }, { .n = 30 } })
WAY(memory_only_then_more, .n_mem = 2, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 41, .memory_only = true }, { .n = 5, .memory_only = true }, { .n = 21 }, { .n = 4 } })
WAY(memory_only_then_padding, .n_mem = 2, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 21, .memory_only = true }, { .n = 7, .pads = 3 } })
WAY(padding_only_in_memory_then_padding, .n_mem = 2, .window = 16, .last = 8, .steps = 8,
    .turn = { { .n = 9, .pads = 9, .memory_only = true }, { .n = 7, .pads = 3, .memory_only = true },
	      { .n = 12, .pads = 7 } })
WAY(padding_kept_by_a_whole_mask, .n_mem = 2, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 8, .pads = 3 }, { .n = 5, .pads = 3, .whole = true }, { .n = 30, .pads = 3, .whole = true } })
WAY(padding_seen_again_without_a_mask, .n_mem = 2, .window = 16, .last = 8, .steps = 20,
    .turn = { { .n = 8, .pads = 3 }, { .n = 5 } })

static void test_longllama_refuses_memory_only_with_a_local_cache(void **state)
{
	static const struct way w = { .n_mem = 1, .window = 16, .last = 8 };
	struct fixture *f = fot_calloc(1, sizeof *f);
	struct fot_call c = { .n = 5 };
	struct fot_err err = { 0 };

	(void)state;
	assert_non_null(f);
	open_way(f, &w, 1);
	c.tokens = f->text;
	assert_int_equal(fot_reading_call(&f->r, &c, NULL, NULL, NULL, 0, &err), FOT_OK);
	c.no_cache = true;
	assert_fails(fot_reading_call(&f->r, &c, NULL, NULL, NULL, 0, &err), FOT_ERR_INPUT, &err,
		     "local context of 5 tokens");
	close_way(f);
	fot_free(f);
}

#define T(name) cmocka_unit_test_setup_teardown(test_longllama_##name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(is_llama_without_memory_layers),
		T(prefix_means_nothing_without_memory_layers),
		T(memory),
		T(memory_in_bfloat16),
		T(windows_wider_than_a_tile),
		T(cuts_what_fits_the_window),
		T(last_context_longer_than_window),
		T(last_context_longer_than_window_alone),
		T(no_positionals),
		T(tied_embeddings),
		T(other_heads),
		T(one_head_of_two),
		T(spills_while_generating),
		T(spills_while_generating_in_bfloat16),
		T(forgets_while_generating_without_memory),
		T(padding_in_one_window),
		T(padding_in_the_first_window),
		T(padding_over_a_window),
		T(padding_up_to_a_window),
		T(padding_into_the_last_window),
		T(padding_across_a_tile),
		T(padding_without_positionals),
		T(mask_of_ones),
		T(turns_through_the_local_cache),
		T(turns_in_bfloat16),
		T(turns_exactly_full),
		T(turns_last_context_longer_than_window),
		T(turns_without_memory_layers),
		T(memory_only_then_more),
		T(memory_only_then_padding),
		T(padding_only_in_memory_then_padding),
		T(padding_kept_by_a_whole_mask),
		T(padding_seen_again_without_a_mask),
		T(refuses_memory_only_with_a_local_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
