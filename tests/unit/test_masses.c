/* test_masses.c: where queries look: the engine's masses against scores of whole matrices in
 * double precision, and against themselves under threads, reach and grouping. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "model/session.h"
#include "tests/unit/scratch.h"
#include "tests/unit/slow_llama.h"
#include "tests/unit/tiny_model.h"

#define W 150 /* crosses a tile of queries */
#define PAST 4
#define MEM (PAST * W)
#define H 2

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	int32_t text[MEM + W];
	int64_t rows[W];
	double decay; /* of the memory */
};

static void open_fixture(struct fixture *f, int n_mem, bool qk_norm, bool positionals, enum fot_dtype mem_dtype,
			 double mem_scale)
{
	tiny_config(&f->c, W, n_mem, qk_norm, positionals);
	f->c.mem_dtype = mem_dtype;
	f->c.mem_scale = mem_scale;
	f->decay = 0;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, MEM + W, f->c.vocab_size, 5);
	for (int64_t i = 0; i < W; i++)
		f->rows[i] = i;
}

static void close_fixture(struct fixture *f)
{
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

static void must(int status, const struct fot_err *err)
{
	if (status != FOT_OK)
		fail_msg("%s", err->text);
}

static struct fot_session *open_session(const struct fixture *f, int32_t top_k, int threads)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_err err = { 0 };

	fot_session_opts_default(&o, f->m);
	o.mode = top_k ? FOT_MEMORY_KNN : FOT_MEMORY_DENSE;
	o.top_k = top_k;
	o.n_threads = threads;
	o.crowd = true;
	o.mem_max = MEM + W;
	o.mem_decay = f->decay;
	must(fot_session_open(&s, f->m, &o, &err), &err);
	return s;
}

static void fill(struct fot_session *s, const struct fixture *f, int64_t from)
{
	struct fot_err err = { 0 };

	must(fot_session_feed(s, f->text + from, (size_t)(MEM - from), NULL, &err), &err);
	must(fot_session_commit(s, &err), &err);
}

/* Masses of the last window; the local context is what it was afterwards. */
static void ask(struct fot_session *s, const struct fixture *f, const struct fot_masses *m)
{
	struct fot_mark mark = fot_session_mark(s);
	struct fot_want want = { .masses = m };
	struct fot_err err = { 0 };

	must(fot_session_feed(s, f->text + MEM, W, &want, &err), &err);
	must(fot_session_rewind(s, mark, &err), &err);
}

static double *numbers(int64_t n)
{
	double *x = malloc((size_t)n * sizeof *x);

	assert_non_null(x);
	for (int64_t i = 0; i < n; i++)
		x[i] = 777; /* what nobody writes shows */
	return x;
}

/* Log of the sum of exp over raw[from..to), plainly. */
static double plain(const double *raw, int64_t from, int64_t to)
{
	double sum = 0;

	for (int64_t j = from; j < to; j++)
		sum += exp(raw[j]);
	return log(sum);
}

/* Single precision through up to five layers, scores being sums of products of up to some ten; in a
 * bfloat16 memory numbers on an edge may be rounded to the other side (one of 12, by 1/256). */
#define NEAR 5e-4
#define NEAR_BF16 2e-2

static void assert_near(double got, double want, double tolerance, int64_t place)
{
	if (!(fabs(got - want) < tolerance))
		fail_msg("place %lld: %.9g, expected %.9g", (long long)place, got, want);
}

/* [slots, H, W, MEM + W] raw scores, memory first. */
static double *slow_scores(const struct fixture *f)
{
	int64_t V = f->c.vocab_size;
	double *raw = numbers(f->c.n_mem_layers * H * W * (MEM + W)), *logits = numbers(W * V);
	struct slow *s = slow_open(&f->p, W, W);

	slow_decay(s, f->decay);
	for (int i = 0; i <= PAST; i++) {
		if (i == PAST)
			slow_trace(s, raw);
		assert_true(slow_call(s, f->text + i * W, W, NULL, NULL, true, logits));
	}
	slow_close(s);
	free(logits);
	return raw;
}

static void compare(const struct fixture *f, const double *raw, int64_t group, const struct fot_masses *m)
{
	int64_t groups = (MEM + group - 1) / group;
	double near = f->c.mem_dtype == FOT_F32 ? NEAR : NEAR_BF16;

	for (int64_t i = 0; i < f->c.n_mem_layers * H; i++)
		for (int64_t k = 0; k < m->n_rows; k++) {
			const double *r = raw + (i * W + m->row[k]) * (MEM + W);

			for (int64_t g = 0; g < groups; g++) {
				int64_t end = (g + 1) * group < MEM ? (g + 1) * group : MEM;

				assert_near(m->memory[(i * m->n_rows + k) * groups + g], plain(r, g * group, end), near, g);
			}
			assert_near(m->local[i * m->n_rows + k], plain(r, MEM, MEM + m->row[k] + 1), NEAR,
				    -1);
		}
}

static void check_against_slow(int n_mem, bool qk_norm, bool positionals, enum fot_dtype mem_dtype, double mem_scale,
			       double decay)
{
	static const int64_t sizes[] = { W, 1, 37, 2 * W + 1, MEM + 9 };
	static const int64_t some[] = { 0, 5, 127, 128, 149 };
	struct fixture f;
	struct fot_session *s;
	double *raw;

	open_fixture(&f, n_mem, qk_norm, positionals, mem_dtype, mem_scale);
	f.decay = decay;
	raw = slow_scores(&f);
	s = open_session(&f, 0, 2);
	fill(s, &f, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct fot_masses m = { .group = sizes[i], .row = i % 2 ? some : f.rows, .n_rows = i % 2 ? 5 : W };
		int64_t groups = fot_session_groups(s, sizes[i]);

		assert_int_equal(groups, (MEM + sizes[i] - 1) / sizes[i]);
		m.memory = numbers(n_mem * H * m.n_rows * groups);
		m.local = numbers(n_mem * H * m.n_rows);
		ask(s, &f, &m);
		compare(&f, raw, sizes[i], &m);
		free(m.memory);
		free(m.local);
	}
	fot_session_close(s);
	free(raw);
	close_fixture(&f);
}

static void test_masses_equal_plain_double(void **state)
{
	(void)state;
	check_against_slow(1, false, false, FOT_F32, 1, 0);
	check_against_slow(2, false, true, FOT_F32, 1, 0);
	check_against_slow(1, true, false, FOT_F32, 1, 0);
	check_against_slow(2, true, true, FOT_F32, 1, 0);
	check_against_slow(1, true, false, FOT_BF16, 1, 0);
	check_against_slow(1, false, false, FOT_F32, 1.7, 0);
	check_against_slow(2, true, true, FOT_F32, 0.6, 0);
	check_against_slow(1, false, false, FOT_F32, 1, 1.3);
	check_against_slow(2, true, true, FOT_F32, 0.6, 0.4);
}

static void nll_of(const struct fixture *f, int32_t top_k, double *nll)
{
	struct fot_session *s = open_session(f, top_k, 2);
	struct fot_want want = { .targets = f->text + MEM + 1, .nll = nll };
	struct fot_err err = { 0 };

	fill(s, f, 0);
	must(fot_session_feed(s, f->text + MEM, W - 1, &want, &err), &err);
	fot_session_close(s);
}

/* What decays is read so, too: dense, and as the best k of fewer, against plain double. */
static void test_masses_decay_in_what_is_read(void **state)
{
	double dense[W], best[W], without[W], most = 0;
	double *logits = numbers((int64_t)W * 61);
	struct fixture f;
	struct slow *s;

	(void)state;
	open_fixture(&f, 2, false, false, FOT_F32, 1.7);
	nll_of(&f, 0, without);
	f.decay = 1.3;
	nll_of(&f, 0, dense);
	nll_of(&f, MEM + W, best);
	s = slow_open(&f.p, W, W);
	slow_decay(s, f.decay);
	for (int i = 0; i <= PAST; i++)
		assert_true(slow_call(s, f.text + i * W, W, NULL, NULL, true, logits));
	for (int64_t i = 0; i + 1 < W; i++) {
		const double *row = logits + i * f.c.vocab_size;
		double expected = plain(row, 0, f.c.vocab_size) - row[f.text[MEM + i + 1]];

		assert_true(fabs(dense[i] - expected) < 1e-4 * (1 + expected)); /* float against double */
		assert_true(fabs(best[i] - expected) < 1e-4 * (1 + expected));
		most = fmax(most, fabs(without[i] - dense[i]));
	}
	assert_true(most > 1e-3);
	slow_close(s);
	free(logits);
	close_fixture(&f);
}

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* Of all entries exactly the k best count; "all" lets the others count, too. */
static void test_masses_of_what_the_search_found(void **state)
{
	enum { K = 23, GROUP = 40, GROUPS = MEM / GROUP };
	struct fixture f;
	struct fot_masses every = { .group = 1, .all = true }, found = { .group = 1 }, grouped = { .group = GROUP };
	double sorted[MEM];
	struct fot_session *s;

	(void)state;
	open_fixture(&f, 1, true, false, FOT_F32, 1.7);
	s = open_session(&f, K, 2);
	fill(s, &f, 0);
	every.row = found.row = grouped.row = f.rows;
	every.n_rows = found.n_rows = grouped.n_rows = W;
	every.memory = numbers(H * W * MEM);
	found.memory = numbers(H * W * MEM);
	grouped.memory = numbers(H * W * GROUPS);
	ask(s, &f, &every);
	ask(s, &f, &found);
	ask(s, &f, &grouped);
	for (int64_t i = 0; i < H * W; i++) {
		int64_t n = 0;

		memcpy(sorted, every.memory + i * MEM, sizeof sorted);
		qsort(sorted, MEM, sizeof *sorted, falling);
		for (int64_t j = 0; j < MEM; j++) {
			double one = found.memory[i * MEM + j], all = every.memory[i * MEM + j];

			assert_true(isfinite(all));
			assert_true(all > sorted[K - 1] ? one == all : one == all || one == -HUGE_VAL);
			n += isfinite(one);
		}
		assert_int_equal(n, K);
		for (int64_t g = 0; g < GROUPS; g++) {
			double want = plain(found.memory + i * MEM, g * GROUP, (g + 1) * GROUP);

			if (isfinite(want))
				assert_near(grouped.memory[i * GROUPS + g], want, 1e-5, g);
			else
				assert_true(grouped.memory[i * GROUPS + g] == -HUGE_VAL);
		}
	}
	fot_session_close(s);
	free(every.memory);
	free(found.memory);
	free(grouped.memory);
	close_fixture(&f);
}

/* Any number of threads; the scores of tokens whether masses are asked for or not. */
static void test_masses_change_no_bit_and_have_their_own(void **state)
{
	struct fixture f;
	double *first = numbers(2 * H * W * PAST), nll[2][W];
	int32_t targets[W];

	(void)state;
	open_fixture(&f, 2, true, false, FOT_F32, 1.7);
	tiny_tokens(targets, W, f.c.vocab_size, 6);
	for (int threads = 1; threads <= 3; threads++) {
		struct fot_session *s = open_session(&f, threads == 3 ? 600 : 0, threads);
		struct fot_masses m = { .group = W, .row = f.rows, .n_rows = W, .all = true,
					.memory = numbers(2 * H * W * PAST) };

		fill(s, &f, 0);
		for (int asked = 0; asked < 2; asked++) {
			struct fot_mark mark = fot_session_mark(s);
			struct fot_want want = { .targets = targets, .nll = nll[asked], .masses = asked ? &m : NULL };

			assert_int_equal(fot_session_feed(s, f.text + MEM, W, &want, NULL), FOT_OK);
			assert_int_equal(fot_session_rewind(s, mark, NULL), FOT_OK);
		}
		assert_memory_equal(nll[0], nll[1], sizeof nll[0]);
		if (threads == 2) /* nothing but masses is wanted: the layers above are left out */
			ask(s, &f, &m);
		if (threads == 1)
			memcpy(first, m.memory, sizeof *first * 2 * H * W * PAST);
		if (threads < 3) /* top-600 of 600 sums in another order above the first memory layer */
			assert_memory_equal(first, m.memory, sizeof *first * 2 * H * W * PAST);
		fot_session_close(s);
		free(m.memory);
	}
	free(first);
	close_fixture(&f);
}

/* With one memory layer a group's sum does not depend on what else is in reach or in memory. */
static void test_masses_of_a_group_stand_alone(void **state)
{
	struct fixture f;
	double all[H * W * PAST], part[H * W * PAST];

	(void)state;
	open_fixture(&f, 1, false, true, FOT_BF16, 1);
	for (int64_t d = PAST; d >= 1; d--)
		for (int fresh = 0; fresh < 2; fresh++) {
			struct fot_session *s = open_session(&f, 0, 1 + fresh);
			struct fot_masses m = { .group = W, .row = f.rows, .n_rows = W,
						.memory = d == PAST && !fresh ? all : part };

			fill(s, &f, fresh ? MEM - d * W : 0);
			fot_session_reach(s, d * W);
			assert_int_equal(fot_session_groups(s, W), d);
			ask(s, &f, &m);
			for (int64_t i = 0; i < H * W && m.memory == part; i++)
				assert_memory_equal(all + i * PAST + PAST - d, part + i * d, sizeof *all * (size_t)d);
			fot_session_close(s);
		}
	close_fixture(&f);
}

/* A gate divides the mass between memory and local keys by head alone, and leaves the memory's own
 * proportions. */
static void test_masses_through_a_gate(void **state)
{
	struct fixture f;
	double memory[2][H * W * PAST], local[2][H * W];

	(void)state;
	for (int gated = 0; gated < 2; gated++) {
		struct fot_masses m = { .group = W, .n_rows = W, .memory = memory[gated], .local = local[gated] };
		struct fot_session *s;

		tiny_config(&f.c, W, 1, false, true);
		f.c.mix = gated ? FOT_MIX_GATE : FOT_MIX_JOINT;
		f.c.mem_scale = 1.7;
		f.m = tiny_model(&f.p, &f.c, scratch_path(""), FOT_F32);
		tiny_tokens(f.text, MEM + W, f.c.vocab_size, 5);
		for (int64_t i = 0; i < W; i++)
			f.rows[i] = i;
		m.row = f.rows;
		s = open_session(&f, 0, 2);
		fill(s, &f, 0);
		ask(s, &f, &m);
		fot_session_close(s);
		close_fixture(&f);
	}
	for (int64_t i = 0; i < H * W; i++) {
		double *joint = memory[0] + i * PAST, *gate = memory[1] + i * PAST, *head = memory[1] + i / W * W * PAST;
		double g = exp(plain(gate, 0, PAST));

		assert_near(exp(local[1][i]), 1 - g, 1e-6, i); /* gates are in single precision */
		assert_near(g, exp(plain(head, 0, PAST)), 1e-6, i);
		assert_true(g > 0.01 && g < 0.99);
		for (int64_t k = 1; k < PAST; k++)
			assert_near(gate[k] - gate[0], joint[k] - joint[0], 1e-6, i);
	}
	assert_true(local[1][0] != local[1][W]);
}

static void refused(struct fot_session *s, const struct fixture *f, size_t n, const struct fot_masses *m,
		    const char *text)
{
	struct fot_want want = { .masses = m };
	struct fot_err err = { 0 };

	assert_fails(fot_session_feed(s, f->text, n, &want, &err), FOT_ERR_USAGE, &err, text);
}

static void test_masses_refuses(void **state)
{
	static const int64_t twice[] = { 3, 3 }, behind[] = { W }, before[] = { -1 };
	double out[H * W];
	struct fixture f;
	struct fot_masses m = { .group = W, .n_rows = 1, .memory = out };
	struct fot_session *s;
	struct fot_session_opts o;

	(void)state;
	open_fixture(&f, 1, false, false, FOT_F32, 1.7);
	m.row = f.rows;
	s = open_session(&f, 0, 1);
	refused(s, &f, W + 1, &m, "tokens of one window of 150, got 151 behind 0");
	m.group = 0;
	refused(s, &f, W, &m, "groups of 1 or more");
	m.group = W;
	m.row = behind;
	refused(s, &f, W, &m, "ascending rows below 150, got 150");
	m.row = before;
	refused(s, &f, W, &m, "got -1");
	m.row = twice;
	m.n_rows = 2;
	refused(s, &f, W, &m, "got 3");
	m.row = f.rows;
	assert_int_equal(fot_session_feed(s, f.text, W, NULL, NULL), FOT_OK); /* a full window has not left yet */
	refused(s, &f, 1, &m, "got 1 behind 150");
	fot_session_reset(s);
	fot_session_pads(s, 3, false);
	refused(s, &f, W, &m, "no padding");
	fot_session_close(s);
	fot_session_opts_default(&o, f.m);
	o.mode = FOT_MEMORY_NONE;
	assert_int_equal(fot_session_open(&s, f.m, &o, NULL), FOT_OK);
	refused(s, &f, W, &m, "a memory");
	fot_session_close(s);
	close_fixture(&f);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_masses_equal_plain_double),
		scratched(test_masses_decay_in_what_is_read),
		scratched(test_masses_of_what_the_search_found),
		scratched(test_masses_change_no_bit_and_have_their_own),
		scratched(test_masses_of_a_group_stand_alone),
		scratched(test_masses_through_a_gate),
		scratched(test_masses_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
