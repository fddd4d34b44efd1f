/* test_ask.c: questions against a plain session, and against themselves with sharing off. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/ask/ask.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

#define W 40
#define LONGEST 400
#define VOCAB 61
#define ROUNDS 60

struct fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	int32_t text[LONGEST];
};

static void open_fixture(struct fixture *f, int n_mem, bool blocks)
{
	tiny_config(&f->c, W, n_mem, true, false);
	f->c.blocks = blocks;
	f->c.last_context_length = 25;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, LONGEST, VOCAB, 1);
}

/* Transformer-XL: two layers, so that most stems are longer than the sight. */
static void open_cached(struct fixture *f)
{
	tiny_config(&f->c, W, 1, true, false);
	f->c.cached_windows = 1;
	f->c.n_layers = 2;
	f->m = tiny_model(&f->p, &f->c, scratch_path(""), FOT_F32);
	tiny_tokens(f->text, LONGEST, VOCAB, 1);
}

static void close_fixture(struct fixture *f)
{
	fot_model_close(f->m);
	fot_params_release(&f->p);
}

static void open_asker(struct fot_asker *a, const struct fixture *f, enum fot_memory_mode mode, int threads, bool share)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;

	fot_session_opts_default(&o, f->m);
	o.mode = mode;
	o.top_k = 9;
	o.n_threads = threads;
	o.crowd = true;
	o.mem_max = LONGEST;
	o.apart = share;
	assert_int_equal(fot_session_open(&s, f->m, &o, NULL), FOT_OK);
	assert_int_equal(fot_asker_init(a, s, f->m, W, mode != FOT_MEMORY_NONE || f->c.cached_windows, share, NULL),
			 FOT_OK);
}

static void close_asker(struct fot_asker *a)
{
	fot_session_close(a->session);
	fot_asker_release(a);
}

/* Question number i: a stem that branches off the text somewhere, a question, three answers. */
struct made {
	int32_t prompt[LONGEST], answers[3][8];
	struct fot_answer answer[3];
	struct fot_question q;
};

static void make_question(struct made *m, const struct fixture *f, uint64_t i)
{
	struct fot_rng r;
	size_t stem, branch, question;

	fot_rng_init(&r, 1, "test.ask", i / 2); /* every stem comes twice, with other questions */
	stem = (size_t)fot_rng_below(&r, LONGEST - 60);
	branch = (size_t)fot_rng_below(&r, stem + 1);
	memcpy(m->prompt, f->text, branch * sizeof *m->prompt);
	tiny_tokens(m->prompt + branch, (int64_t)(LONGEST - branch), VOCAB, 5 + i / 2);
	fot_rng_init(&r, 2, "test.ask", i);
	question = 1 + (size_t)fot_rng_below(&r, W - 8);
	tiny_tokens(m->prompt + stem, (int64_t)question, VOCAB, 1000 + i);
	for (int k = 0; k < 3; k++) {
		m->answer[k] = (struct fot_answer){ m->answers[k], 1 + (size_t)fot_rng_below(&r, 8) };
		tiny_tokens(m->answers[k], 8, VOCAB, 2000 + 3 * i + (uint64_t)k);
	}
	m->q = (struct fot_question){ .prompt = m->prompt, .n_stem = stem, .n_prompt = stem + question,
				      .answer = m->answer, .n_answers = 3, .n_greedy = (size_t)(i % 5), .ranks = true };
}

static void ask(struct fot_asker *a, const struct fot_question *q, struct fot_reply *r)
{
	struct fot_err err = { 0 };

	assert_int_equal(fot_reply_init(r, q, NULL), FOT_OK);
	if (fot_ask(a, q, r, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void assert_same_reply(const struct fot_question *q, const struct fot_reply *a, const struct fot_reply *b)
{
	size_t n = fot_question_answers(q);

	assert_memory_equal(a->nll, b->nll, n * sizeof *a->nll);
	assert_memory_equal(a->argmax, b->argmax, n * sizeof *a->argmax);
	assert_memory_equal(a->rank, b->rank, n * sizeof *a->rank);
	if (q->n_greedy)
		assert_memory_equal(a->greedy, b->greedy, q->n_greedy * sizeof *a->greedy);
}

static void check_sharing(const struct fixture *f, enum fot_memory_mode mode)
{
	struct fot_asker shared, fresh;
	struct fot_reply a, b;
	struct made m;

	open_asker(&shared, f, mode, 2, true);
	open_asker(&fresh, f, mode, 1, false);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		make_question(&m, f, i);
		ask(&shared, &m.q, &a);
		ask(&fresh, &m.q, &b);
		assert_same_reply(&m.q, &a, &b);
		fot_reply_release(&a);
		fot_reply_release(&b);
	}
	if (mode != FOT_MEMORY_NONE || f->c.cached_windows) /* it must have shared something, else this proves nothing */
		assert_true(shared.n_read < fresh.n_read * 3 / 4);
	close_asker(&shared);
	close_asker(&fresh);
}

static void test_ask_sharing_changes_no_bit(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct fixture f;

		open_fixture(&f, kind == 1 ? 2 : 1, kind != 2);
		check_sharing(&f, FOT_MEMORY_DENSE);
		check_sharing(&f, FOT_MEMORY_KNN);
		check_sharing(&f, FOT_MEMORY_NONE);
		close_fixture(&f);
	}
}

/* Sharing reads equal stems once; what is out of sight is never read. */
static void test_ask_cached_windows(void **state)
{
	struct fixture f;

	(void)state;
	open_cached(&f);
	check_sharing(&f, FOT_MEMORY_NONE);
	close_fixture(&f);
}

#define MANY 40

/* Questions behind three stems, two of one length; some want more than a feed, or text. */
static void check_each(const struct fixture *f, enum fot_memory_mode mode, size_t most)
{
	static struct made m[MANY];
	struct fot_question q[MANY];
	struct fot_reply each[MANY], alone[MANY];
	struct fot_asker a, b;

	for (uint64_t i = 0; i < MANY; i++) {
		size_t n_stem = i < MANY / 2 ? 95 : 160, n;

		make_question(&m[i], f, i);
		n = 1 + (m[i].q.n_prompt - m[i].q.n_stem) % most;
		memmove(m[i].prompt + n_stem, m[i].prompt + m[i].q.n_stem, n * sizeof *m[i].prompt);
		memcpy(m[i].prompt, f->text, n_stem * sizeof *m[i].prompt);
		if (i >= MANY / 4)
			m[i].prompt[3] = (m[i].prompt[3] + 1) % VOCAB;
		q[i] = m[i].q;
		q[i].n_stem = n_stem;
		q[i].n_prompt = n_stem + n;
		q[i].n_greedy = i % 11 == 10 ? 2 : 0;
		assert_int_equal(fot_reply_init(&each[i], &q[i], NULL), FOT_OK);
	}
	open_asker(&a, f, mode, 2, true);
	open_asker(&b, f, mode, 1, false);
	assert_int_equal(fot_ask_each(&a, q, MANY, each, NULL), FOT_OK);
	if (!f->c.cached_windows) /* some were asked together, else this proves nothing */
		assert_non_null(a.asking[1].logits);
	for (int i = 0; i < MANY; i++) {
		ask(&b, &q[i], &alone[i]);
		assert_same_reply(&q[i], &each[i], &alone[i]);
		fot_reply_release(&each[i]);
		fot_reply_release(&alone[i]);
	}
	close_asker(&a);
	close_asker(&b);
}

static void test_ask_each_is_asking_one_by_one(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 1, true);
	check_each(&f, FOT_MEMORY_DENSE, 12);
	check_each(&f, FOT_MEMORY_KNN, 20);
	close_fixture(&f);
	open_fixture(&f, 2, true);
	check_each(&f, FOT_MEMORY_DENSE, 30);
	close_fixture(&f);
	open_cached(&f);
	check_each(&f, FOT_MEMORY_NONE, 12);
	close_fixture(&f);
}

/* Without memory a window holds the end of the stem: 40 - 8 - 1 = 31 tokens before 8 of the question and 1 of the answer.
 * Questions of that length share them; others have an end of their own. */
static void test_ask_without_memory_reads_what_the_window_sees_once(void **state)
{
	struct fixture f;
	struct fot_answer answer = { .n = 2 };
	struct fot_question q[5];
	struct fot_reply r[5], apart;
	struct fot_asker a, b;

	(void)state;
	open_fixture(&f, 1, true);
	open_asker(&a, &f, FOT_MEMORY_NONE, 2, true);
	open_asker(&b, &f, FOT_MEMORY_NONE, 1, false);
	answer.tokens = f.text + 7;
	for (int i = 0; i < 5; i++) {
		q[i] = (struct fot_question){ .prompt = f.text,
					      .n_stem = 100,
					      .n_prompt = i < 4 ? 108 : 109,
					      .answer = &answer,
					      .n_answers = 1,
					      .ranks = true };
		assert_int_equal(fot_reply_init(&r[i], &q[i], NULL), FOT_OK);
	}
	assert_int_equal(fot_ask_each(&a, q, 5, r, NULL), FOT_OK);
	assert_int_equal(a.n_read, 31 + 4 * 9 + 30 + 10);
	for (int i = 0; i < 5; i++) {
		ask(&b, &q[i], &apart);
		assert_same_reply(&q[i], &r[i], &apart);
		fot_reply_release(&apart);
		fot_reply_release(&r[i]);
	}
	assert_int_equal(b.n_read, 4 * (31 + 9) + 30 + 10);
	close_asker(&b);
	close_asker(&a);
	close_fixture(&f);
}

/* nll of the last n tokens of a text whose windows begin at the given places. */
static void plain(const struct fixture *f, enum fot_memory_mode mode, const int32_t *text, const size_t *begin,
		  size_t n_windows, size_t end, size_t n, double *nll)
{
	struct fot_asker a;
	int32_t targets[LONGEST];
	double all[LONGEST];

	open_asker(&a, f, mode, 1, false);
	for (size_t w = 0; w < n_windows; w++) {
		size_t to = w + 1 < n_windows ? begin[w + 1] : end, len = to - begin[w];
		struct fot_want want = { .targets = targets, .nll = all };

		for (size_t i = 0; i < len; i++)
			targets[i] = begin[w] + i + 1 < end ? text[begin[w] + i + 1] : -1;
		assert_int_equal(fot_session_feed(a.session, text + begin[w], len, &want, NULL), FOT_OK);
		if (w + 1 == n_windows)
			memcpy(nll, all + len - 1 - n, n * sizeof *nll);
		assert_int_equal(fot_session_commit(a.session, NULL), FOT_OK);
	}
	close_asker(&a);
}

/* A cached window passes on what its own layers saw, one window a layer. */
static size_t seen_from(const struct fixture *f, size_t n_stem)
{
	size_t sight = (size_t)(f->c.cached_windows * f->c.n_layers), windows = n_stem / W;

	return windows > sight ? (windows - sight) * W : 0;
}

/* One answer of 6 tokens; the windows are those that ask.h promises. */
static void check_windows(const struct fixture *f, enum fot_memory_mode mode, size_t n_stem, size_t n_question,
			  const size_t *begin, size_t n_windows)
{
	struct fot_answer answer = { f->text + n_stem + n_question, 6 };
	struct fot_question q = { .prompt = f->text, .n_stem = n_stem, .n_prompt = n_stem + n_question,
				  .answer = &answer, .n_answers = 1 };
	struct fot_asker a;
	struct fot_reply r;
	double want[6];

	open_asker(&a, f, mode, 1, true);
	if (!f->c.cached_windows)
		assert_int_equal(fot_asker_remembers(&a, &q), mode == FOT_MEMORY_NONE ? 0 : begin[n_windows - 1]);
	assert_int_equal(fot_asker_sees_from(&a, &q), f->c.cached_windows ? seen_from(f, n_stem) : begin[0]);
	ask(&a, &q, &r);
	plain(f, mode, f->text, begin, n_windows, n_stem + n_question + 6, 6, want);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(r.nll[i] - want[i]) < 2e-5); /* other tiles: single precision */
	fot_reply_release(&r);
	close_asker(&a);
}

static void test_ask_cuts_where_it_says(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 2, true);
	/* 95 = 2 W + 15; 15 + 20 + 5 = W: the question stays beside the rest. */
	check_windows(&f, FOT_MEMORY_DENSE, 95, 20, (size_t[]){ 0, 40, 80 }, 3);
	/* One token more does not fit: the rest goes to memory. */
	check_windows(&f, FOT_MEMORY_DENSE, 95, 21, (size_t[]){ 0, 40, 80, 95 }, 4);
	check_windows(&f, FOT_MEMORY_KNN, 80, 35, (size_t[]){ 0, 40, 80 }, 3);
	check_windows(&f, FOT_MEMORY_DENSE, 0, 7, (size_t[]){ 0 }, 1);
	/* Without memory the window holds as much of the stem as fits: 75 + 20 + 5 - 40 = 60. */
	check_windows(&f, FOT_MEMORY_NONE, 75, 20, (size_t[]){ 60 }, 1);
	close_fixture(&f);
	/* LongLLaMA: the last 25 tokens of the prompt alone. */
	open_fixture(&f, 2, false);
	check_windows(&f, FOT_MEMORY_DENSE, 95, 20, (size_t[]){ 0, 40, 80, 90 }, 4);
	check_windows(&f, FOT_MEMORY_DENSE, 95, 30, (size_t[]){ 0, 40, 80, 95 }, 4);
	close_fixture(&f);
}

/* All windows before are read here, of which the asker leaves out what has no influence. */
static void test_ask_cached_cuts_where_it_says(void **state)
{
	struct fixture f;

	(void)state;
	open_cached(&f);
	check_windows(&f, FOT_MEMORY_NONE, 95, 20, (size_t[]){ 0, 40, 80 }, 3);
	check_windows(&f, FOT_MEMORY_NONE, 95, 21, (size_t[]){ 0, 40, 80, 95 }, 4);
	check_windows(&f, FOT_MEMORY_NONE, 255, 21, (size_t[]){ 0, 40, 80, 120, 160, 200, 240, 255 }, 8);
	check_windows(&f, FOT_MEMORY_NONE, 240, 35, (size_t[]){ 0, 40, 80, 120, 160, 200, 240 }, 7);
	close_fixture(&f);
}

static void test_ask_rank_counts_ties_behind(void **state)
{
	struct fixture f;
	struct fot_answer answer = { .n = 3 };
	struct fot_question q = { .n_stem = 90, .n_prompt = 100, .answer = &answer, .n_answers = 1, .n_greedy = 3,
				  .ranks = true };
	struct fot_asker a;
	struct fot_reply greedy, r;

	(void)state;
	open_fixture(&f, 1, true);
	open_asker(&a, &f, FOT_MEMORY_DENSE, 2, true);
	q.prompt = f.text;
	answer.tokens = f.text + 100;
	ask(&a, &q, &greedy);
	answer.tokens = greedy.greedy; /* the greedy tokens are the most likely ones, one after the other */
	ask(&a, &q, &r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r.rank[i], 1);
		assert_int_equal(r.argmax[i], greedy.greedy[i]);
	}
	assert_true(greedy.rank[0] >= 1 && greedy.rank[0] <= VOCAB);
	assert_int_equal(greedy.rank[0] == 1, f.text[100] == greedy.greedy[0]);
	fot_reply_release(&greedy);
	fot_reply_release(&r);
	close_asker(&a);
	close_fixture(&f);
}

static void test_ask_refuses(void **state)
{
	struct fixture f;
	int32_t bad = VOCAB;
	struct fot_answer answer = { &bad, 1 };
	struct fot_question q = { .n_stem = 50, .n_prompt = 91 };
	struct fot_asker a;
	struct fot_reply r;
	struct fot_err err = { 0 };

	(void)state;
	open_fixture(&f, 1, true);
	open_asker(&a, &f, FOT_MEMORY_DENSE, 1, true);
	q.prompt = f.text;
	assert_int_equal(fot_reply_init(&r, &q, NULL), FOT_OK);
	assert_int_equal(fot_ask(&a, &q, &r, &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "got 41"));
	q.n_prompt = 50;
	assert_int_equal(fot_ask(&a, &q, &r, NULL), FOT_ERR_USAGE);
	q.n_prompt = 60;
	q.answer = &answer;
	q.n_answers = 1;
	memset(&err, 0, sizeof err);
	assert_int_equal(fot_ask(&a, &q, &r, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "id 61"));
	fot_reply_release(&r);
	close_asker(&a);
	close_fixture(&f);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_ask_sharing_changes_no_bit),
		scratched(test_ask_each_is_asking_one_by_one),
		scratched(test_ask_without_memory_reads_what_the_window_sees_once),
		scratched(test_ask_cuts_where_it_says),
		scratched(test_ask_cached_windows),
		scratched(test_ask_cached_cuts_where_it_says),
		scratched(test_ask_rank_counts_ties_behind),
		scratched(test_ask_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
