/* test_engine.c: the door between a timeline and its engine, with an engine that knows no layer: it
 * keeps the tokens themselves, checks at every call that the timeline stands where it stands, and
 * answers a row with a sum over the tokens that it sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/engine.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

#define W 10
#define N 95
#define VOCAB 61

struct ledger {
	int32_t window[W], memory[N];
	int64_t n_window, n_memory;
	int64_t n_filled;
	bool fails;
};

static struct ledger *opened; /* the latest one, to look into */

static size_t ledger_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	(void)m;
	return sizeof(struct ledger) + (size_t)o->mem_max;
}

static int ledger_open(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		       struct fot_err *err)
{
	(void)m;
	if (o->apart)
		return FOT_FAIL(err, FOT_ERR_USAGE, "ledger: no room for feeds apart");
	*engine = opened = fot_calloc(1, sizeof *opened);
	assert_non_null(opened);
	return FOT_OK;
}

/* Rows of the window may have been given up since. */
static void check_place(struct ledger *l, const struct fot_place *at)
{
	assert_int_equal(at->window, W);
	assert_true(at->n_local <= l->n_window);
	l->n_window = at->n_local;
	assert_int_equal(at->mem_len, l->n_memory);
}

static int ledger_fill(void *engine, const struct fot_place *at, const int32_t *tokens, int64_t n_windows,
		       struct fot_err *err)
{
	struct ledger *l = engine;

	(void)err;
	check_place(l, at);
	assert_int_equal(l->n_window, 0);
	assert_true(l->n_memory + n_windows * W <= N);
	memcpy(l->memory + l->n_memory, tokens, sizeof *tokens * (size_t)(n_windows * W));
	l->n_memory += n_windows * W;
	l->n_filled += n_windows;
	return FOT_OK;
}

/* What a row sees: entries of the memory and rows of the window, each in its place. */
static double seen_by(const int32_t *memory, int64_t n_memory, const int32_t *window, int64_t row)
{
	double sum = 0;

	for (int64_t j = 0; j < n_memory; j++)
		sum += (double)((j + 1) * memory[j]);
	for (int64_t j = 0; j <= row; j++)
		sum += 1e6 * (double)((j + 1) * window[j]);
	return sum;
}

static int ledger_run(void *engine, const struct fot_place *at, const struct fot_piece *p,
		      struct fot_err *err)
{
	struct ledger *l = engine;
	int64_t from = fot_place_mem_from(at);

	check_place(l, at);
	if (l->fails)
		return FOT_FAIL(err, FOT_ERR_RUN, "ledger: lost");
	assert_true(p->n > 0 && l->n_window + p->n <= W);
	memcpy(l->window + l->n_window, p->tokens, sizeof *p->tokens * (size_t)p->n);
	for (int64_t i = 0; i < p->n; i++)
		if (fot_want_row(p->want, p->first + i)) {
			assert_false(p->skip);
			p->want->nll[p->first + i] =
				seen_by(l->memory + from, l->n_memory - from, l->window, l->n_window + i);
		}
	l->n_window += p->n_trunk;
	return FOT_OK;
}

static int ledger_run_apart(void *engine, const struct fot_place *at, const struct fot_feed *feed,
			    size_t n_feeds, struct fot_err *err)
{
	(void)engine, (void)at, (void)feed, (void)n_feeds, (void)err;
	fail_msg("there is no room for feeds apart");
	return FOT_ERR_RUN;
}

static int ledger_commit(void *engine, const struct fot_place *at, int64_t skip, int64_t n, int64_t n_past,
			 struct fot_err *err)
{
	struct ledger *l = engine;

	(void)err;
	check_place(l, at);
	assert_int_equal(n_past, 0);
	assert_true(skip + n <= l->n_window && l->n_memory + n <= N);
	memcpy(l->memory + l->n_memory, l->window + skip, sizeof *l->window * (size_t)n);
	l->n_memory += n;
	l->n_window = 0;
	return FOT_OK;
}

static void ledger_truncate(void *engine, int64_t mem_len)
{
	struct ledger *l = engine;

	assert_true(mem_len <= l->n_memory);
	l->n_memory = mem_len;
}

static const struct fot_engine ledger = {
	.name = "ledger",
	.estimate = ledger_estimate,
	.open = ledger_open,
	.close = fot_free,
	.fill = ledger_fill,
	.run = ledger_run,
	.run_apart = ledger_run_apart,
	.commit = ledger_commit,
	.truncate = ledger_truncate,
};

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	struct fot_session_opts o;
	struct fot_session *s;
	int32_t text[N + 1];
};

static void open_fixture(struct fixture *f, int n_mem)
{
	tiny_config(&f->c, W, n_mem, false, false);
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, N + 1, VOCAB, 5);
	fot_session_opts_default(&f->o, f->m);
	f->o.engine = &ledger;
	f->o.mem_max = N;
	assert_int_equal(fot_session_open(&f->s, f->m, &f->o, NULL), FOT_OK);
}

static void close_fixture(struct fixture *f)
{
	fot_session_close(f->s);
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

/* Feed [from, to); the last `asked` tokens are scored and must have seen the text before them. */
static void feed(struct fixture *f, int64_t from, int64_t to, int64_t asked, int64_t reach)
{
	int32_t targets[N];
	double nll[N];
	struct fot_want want = { .targets = targets, .nll = nll };

	for (int64_t i = 0; i < to - from; i++)
		targets[i] = from + i >= to - asked ? 1 : -1;
	assert_int_equal(fot_session_feed(f->s, f->text + from, (size_t)(to - from), &want, NULL), FOT_OK);
	for (int64_t p = to - asked < from ? from : to - asked; p < to; p++) {
		int64_t start = p / W * W, first = start > reach ? start - reach : 0;

		assert_true(nll[p - from] ==
			    seen_by(f->text + first, start - first, f->text + start, p - start));
	}
}

/* Pieces of any length, any of them scored, with and without windows filled at once. */
static void test_engine_sees_the_text(void **state)
{
	(void)state;
	for (int n_mem = 1; n_mem <= 2; n_mem++) {
		struct fixture f;
		struct fot_rng r;

		open_fixture(&f, n_mem);
		fot_rng_init(&r, 1, "test.engine", (uint64_t)n_mem);
		for (int round = 0; round < 50; round++) {
			int64_t reach = round % 3 ? INT64_MAX : 7;

			fot_session_reset(f.s);
			fot_session_reach(f.s, reach);
			for (int64_t at = 0, to; at < N; at = to) {
				to = at + 1 + (int64_t)fot_rng_below(&r, 40);
				to = to < N ? to : N;
				feed(&f, at, to, (int64_t)fot_rng_below(&r, 12), reach);
			}
		}
		assert_true(n_mem == 1 ? opened->n_filled > 0 : opened->n_filled == 0);
		close_fixture(&f);
	}
}

static void test_engine_goes_back_with_the_timeline(void **state)
{
	struct fixture f;
	struct fot_mark m;

	(void)state;
	open_fixture(&f, 1);
	feed(&f, 0, 30, 0, INT64_MAX);
	m = fot_session_mark(f.s);
	for (int64_t to = 32; to <= N; to += 21) {
		feed(&f, 30, to, 5, INT64_MAX);
		assert_int_equal(fot_session_rewind(f.s, m, NULL), FOT_OK);
	}
	feed(&f, 30, 41, 1, INT64_MAX);
	assert_int_equal(opened->n_memory, 40);
	close_fixture(&f);
}

/* What the engine refuses or cannot do comes out, and the timeline stays where it was. */
static void test_engine_errors_come_out(void **state)
{
	struct fixture f;
	struct fot_session *s;
	struct fot_err err = { 0 };

	(void)state;
	open_fixture(&f, 1);
	feed(&f, 0, 5, 0, INT64_MAX);
	opened->fails = true;
	assert_int_equal(fot_session_feed(f.s, f.text + 5, 3, NULL, &err), FOT_ERR_RUN);
	assert_string_equal(err.text, "ledger: lost");
	assert_int_equal(fot_session_n_local(f.s), 5);
	opened->fails = false;
	feed(&f, 5, 8, 3, INT64_MAX);
	assert_int_equal(fot_session_estimate(f.m, &f.o), sizeof(struct ledger) + N);
	f.o.apart = true;
	assert_int_equal(fot_session_open(&s, f.m, &f.o, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "ledger: no room for feeds apart");
	close_fixture(&f);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_engine_sees_the_text),
		scratched(test_engine_goes_back_with_the_timeline),
		scratched(test_engine_errors_come_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
