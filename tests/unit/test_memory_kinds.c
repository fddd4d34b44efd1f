/* test_memory_kinds.c: each kind of memory against a slow reading in double precision, which first says what a query
 * sees and then takes the softmax over it; and against itself under threads, skipping and rewinds.  Kinds that may miss
 * some (APPROXIMATE) are held to plain loops where they miss none, and to themselves everywhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/tables/labels.h"
#include "model/attach.h"
#include "model/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/slow_memory.h"
#include "tests/unit/tiny_model.h"

static const struct kind kinds[] = {
	{ "ivf:20,probe=5000", slow_look_best },
	{ "ivf:1,probe=30,lists=30", slow_look_best },
	{ "hnsw:20,ef=900", slow_look_best },
	{ "int8:30,rescore=900", slow_look_best },
	{ "sinks:4,recent:60", slow_look_sinks },
	{ "sinks:300,recent:1", slow_look_sinks },
	{ "sinks:300,recent:400", slow_look_sinks },
	{ "random:1", slow_look_random },
	{ "random:290", slow_look_random },
	{ "random:5000", slow_look_random },
	{ "moba:64,3", slow_look_moba },
	{ "moba:1,20", slow_look_moba },
	{ "moba:512,1", slow_look_moba },
	{ "moba:16,5000", slow_look_moba },
	{ "quest:64,3", slow_look_quest },
	{ "quest:1,20", slow_look_quest },
	{ "quest:512,1", slow_look_quest },
	{ "quest:16,5000", slow_look_quest },
	{ "shared:1", slow_look_shared },
	{ "shared:40", slow_look_shared },
	{ "shared:300", slow_look_shared },
	{ "shared:5000", slow_look_shared },
	{ "infllm:64,3,4", slow_look_infllm },
	{ "infllm:16,8,1", slow_look_infllm },
	{ "infllm:512,1,5000", slow_look_infllm },
	{ "knorm:1", slow_look_knorm },
	{ "knorm:290", slow_look_knorm },
	{ "keydiff:7", slow_look_keydiff },
	{ "keydiff:290", slow_look_keydiff },
	{ "snapkv:1", slow_look_snapkv },
	{ "snapkv:41", slow_look_snapkv },
	{ "snapkv:290", slow_look_snapkv },
	{ "tova:1", slow_look_tova },
	{ "tova:60", slow_look_tova },
	{ "tova:5000", slow_look_tova },
	{ "recent:1", slow_look_recent },
	{ "recent:300", slow_look_recent },
	{ "recent:5000", slow_look_recent },
	/* APPROXIMATE: N_EXACT are before them */
	{ "ivf:20,probe=3", NULL },
	{ "ivf:300,probe=2,lists=20", NULL },
	{ "hnsw:5,ef=9", NULL },
	{ "hnsw:20,ef=30,m=3", NULL },
	{ "int8:20", NULL },
	{ "int8:40,rescore=40", NULL },
};
#define N_KINDS (sizeof kinds / sizeof *kinds)
#define N_EXACT (N_KINDS - 6)

static const struct fot_memory_ops *ops_of(const struct kind *kind)
{
	struct fot_attach a;

	assert_int_equal(fot_attach_parse(&a, kind->text, "test", NULL), FOT_OK);
	return fot_memory_kind(a.mode);
}

/* What is seen depends on where windows end, not on the query, and ends with the memory. */
static bool forgets(const struct kind *kind)
{
	return ops_of(kind)->prepare != NULL;
}

/* Worths are rounded, so that of equal ones any may win. */
static bool is_rough(const struct kind *kind)
{
	return ops_of(kind)->observe || kind->look == slow_look_keydiff;
}

/* ---- reading --------------------------------------------------------- */

static struct fot_memory memory_of(const char *text, enum fot_dtype dtype, double decay)
{
	struct fot_attach a;
	struct fot_err err = { 0 };

	if (fot_attach_parse(&a, text, "test", &err) != FOT_OK)
		fail_msg("%s", err.text);
	return (struct fot_memory){ .ops = fot_memory_kind(a.mode),
				    .n_heads = H,
				    .head_dim = D,
				    .group = HQ / H,
				    .cap = CAP,
				    .dtype = dtype,
				    .top_k = a.top_k,
				    .number = { a.number[0], a.number[1], a.number[2] },
				    .layer = 3,
				    .decay = decay,
				    .unit = 64 };
}

static void lay(struct world *w, struct fot_layout *y)
{
	w->m.ops->lay(&w->m, y);
	w->m.ops->lay_scratch(&w->s, &w->m, y);
	w->k = fot_layout_take(y, CAP * H * D, sizeof(float));
	w->v = fot_layout_take(y, CAP * H * D, sizeof(float));
	w->q = fot_layout_take(y, N_Q * HQ * D, sizeof(float));
	w->asked = fot_layout_take(y, CAP * HQ * D, sizeof(float));
	fot_attn_bind(&w->a, fot_layout_take(y, fot_attn_need(D, 0, NULL), sizeof(float)), D, 0, NULL);
}

/* Normal numbers; with ties many keys are the same few, of small whole numbers, so that products are exact. */
static void open_world(struct world *w, const char *text, enum fot_dtype dtype, double decay, bool ties)
{
	struct fot_layout y = { 0 };
	struct fot_rng r;

	memset(w, 0, sizeof *w);
	w->m = memory_of(text, dtype, decay);
	lay(w, &y);
	assert_int_equal(fot_arena_init(&w->arena, y.need, NULL), FOT_OK);
	y.arena = &w->arena;
	lay(w, &y);
	fot_rng_init(&r, 7, "test.kinds", 1);
	for (int64_t i = 0; i < CAP * H * D; i++) {
		w->k[i] = ties ? (float)fot_rng_below(&r, 3) - 1 : (float)fot_rng_normal(&r);
		w->v[i] = (float)fot_rng_normal(&r);
	}
	for (int64_t i = 0; i < N_Q * HQ * D; i++)
		w->q[i] = ties ? (float)fot_rng_below(&r, 3) - 1 : 2 * (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < CAP * HQ * D; i++)
		w->asked[i] = 2 * (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < N_Q; i++)
		w->place[i] = 5 + i;
}

static void close_world(struct world *w)
{
	fot_arena_release(&w->arena);
}

/* Entries up to `to`, in pieces of `step`. */
static void grow(struct world *w, int64_t to, int64_t step)
{
	while (w->m.len < to) {
		int64_t from = w->m.len, n = to - from < step ? to - from : step;

		while (w->n_windows > 0 && w->start[w->n_windows - 1] >= from)
			w->n_windows--;
		w->start[w->n_windows++] = from;
		w->m.ops->append(&w->m, w->k + from * H * D, w->v + from * H * D, H * D, n);
		if (w->m.ops->observe)
			w->m.ops->observe(&w->m, w->asked + from * HQ * D, HQ * D, n);
		if (w->m.ops->seal)
			w->m.ops->seal(&w->m, from, from + n, 1);
	}
}

/* Queries [first, first + n) of head `head` of four, two for each of the keys'. */
static struct fot_query query_of(struct world *w, int64_t first, int64_t head, int64_t from)
{
	return (struct fot_query){ .a = &w->a,
				   .q = w->q + (first * HQ + head) * D,
				   .ldq = HQ * D,
				   .h = head / 2,
				   .head = head,
				   .place = w->place + first,
				   .from = from,
				   .to = w->m.len - w->unseen,
				   .now = w->m.len - w->unseen,
				   .scale = SCALE,
				   .s = &w->s };
}

static void read_rows(struct world *w, int64_t first, int64_t n, int64_t head, int64_t from, float *o)
{
	struct fot_query q = query_of(w, first, head, from);

	if (w->m.ops->prepare)
		w->m.ops->prepare(&w->m, from, SCALE, 2);
	fot_attn_begin(&w->a, n);
	w->m.ops->read(&w->m, &q);
	fot_attn_end(&w->a, o, D, NULL);
}

static void look_at(struct look *l, struct world *w, const struct kind *kind, int64_t i, int64_t head,
		    int64_t from)
{
	*l = (struct look){ .m = &w->m,
			    .w = w,
			    .q = w->q + (i * HQ + head) * D,
			    .from = from,
			    .to = w->m.len - w->unseen,
			    .head = head,
			    .position = w->m.len - w->unseen + w->place[i] };
	kind->look(l);
}

/* The softmax over what is seen. */
static void plain_read(const struct look *l, double *out)
{
	double max = -INFINITY, sum = 0;

	for (int c = 0; c < D; c++)
		out[c] = 0;
	for (int64_t j = l->from; j < l->to; j++)
		max = l->seen[j] ? fmax(max, slow_score(l, j)) : max;
	for (int64_t j = l->from; j < l->to; j++)
		sum += l->seen[j] ? exp(slow_score(l, j) - max) : 0;
	for (int64_t j = l->from; j < l->to; j++)
		for (int c = 0; c < D && l->seen[j]; c++)
			out[c] += exp(slow_score(l, j) - max) / sum * slow_stored(l, l->m->v, j, c);
}

#define NEAR 1e-5

static void check_reading(struct world *w, const struct kind *kind, int64_t from)
{
	static struct look l;
	float o[N_Q * D];

	for (int64_t head = 0; head < 2 * H; head++) {
		read_rows(w, 0, N_Q, head, from, o);
		for (int64_t i = head; i < N_Q; i += 7) {
			double want[D];

			if (i == head || !forgets(kind))
				look_at(&l, w, kind, i, head, from);
			l.q = w->q + (i * HQ + head) * D;
			plain_read(&l, want);
			for (int c = 0; c < D; c++)
				if (!(fabs((double)o[i * D + c] - want[c]) < NEAR))
					fail_msg(
						"%s from %lld to %lld, head %lld, query %lld: %.9g, expected %.9g",
						kind->text, (long long)from, (long long)w->m.len,
						(long long)head, (long long)i, (double)o[i * D + c], want[c]);
		}
	}
}

static void test_memory_kinds_read_as_a_slow_reading(void **state)
{
	/* Ties: parts of blocks are powers of two, so that means are exact. */
	static const int64_t froms[] = { 0, 3, 256, 511, 680 }, tied[] = { 0, 256, 512, 640, 704 };
	struct world w;

	(void)state;
	for (size_t k = 0; k < N_EXACT; k++)
		for (int way = 0; way < (forgets(&kinds[k]) ? 6 : 8); way++) {
			if ((way & 6) == 4 && is_rough(&kinds[k]))
				continue;
			open_world(&w, kinds[k].text, way & 1 ? FOT_BF16 : FOT_F32, way & 2 ? 0.7 : 0,
				   (way & 6) == 4);
			grow(&w, (way & 6) == 4 ? 768 : 687, 100);
			w.unseen = way >= 6 ? 5 : 0;
			for (size_t i = 0; i < sizeof froms / sizeof *froms; i++)
				check_reading(&w, &kinds[k], (way & 6) == 4 ? tied[i] : froms[i]);
			close_world(&w);
		}
}

/* Groups of one hold the score of what is seen and nothing of the rest; groups of more their sums. */
static void check_groups(struct world *w, const struct kind *kind, int64_t from, int64_t size, bool all)
{
	static const int64_t rows[] = { 0, 1, 31, 32, 40, 69 };
	static double out[6 * CAP];
	static struct look l;
	struct fot_query q = query_of(w, 0, 1, from);
	struct fot_memory_groups g = { size, (w->m.len - from + size - 1) / size, all, rows, 6, out };

	if (w->m.ops->prepare)
		w->m.ops->prepare(&w->m, from, SCALE, 1);
	fot_attn_begin(&w->a, N_Q);
	fot_memory_masses(&w->m, &q, &g);
	for (int64_t r = 0; r < 6; r++) {
		if (r == 0 || !forgets(kind))
			look_at(&l, w, kind, rows[r], 1, from);
		l.q = w->q + (rows[r] * HQ + 1) * D;
		for (int64_t n = 0; n < g.n; n++) {
			double sum = 0, got = out[r * g.n + n], want;

			for (int64_t j = from + n * size; j < from + (n + 1) * size && j < w->m.len; j++)
				sum += all || l.seen[j] ? exp(slow_score(&l, j)) : 0;
			want = log(sum);
			if (isinf(want) ? !(isinf(got) && got < 0) : !(fabs(got - want) < NEAR))
				fail_msg("%s, row %lld, group %lld of %lld: %.9g, expected %.9g", kind->text,
					 (long long)rows[r], (long long)n, (long long)size, got, want);
		}
	}
}

static void test_memory_kinds_say_where_queries_look(void **state)
{
	static const int64_t sizes[] = { 1, 7, 256, 300 };
	struct world w;

	(void)state;
	for (size_t k = 0; k < N_EXACT; k++) {
		open_world(&w, kinds[k].text, FOT_F32, 0.7, false);
		grow(&w, 687, 100);
		for (int i = 0; i < 16; i++)
			check_groups(&w, &kinds[k], i & 8 ? 50 : 0, sizes[i & 3], i & 4);
		close_world(&w);
	}
}

/* A query's bits do not depend on the queries beside it, nor on how entries came and went. */
static void test_memory_kinds_keep_their_bits(void **state)
{
	struct world w, x;
	float all[N_Q * D], some[N_Q * D];

	(void)state;
	for (size_t k = 0; k < 2 * N_KINDS; k++) {
		open_world(&w, kinds[k / 2].text, k & 1 ? FOT_BF16 : FOT_F32, 0, false);
		open_world(&x, kinds[k / 2].text, k & 1 ? FOT_BF16 : FOT_F32, 0, false);
		/* windows stand where they stood, of kinds that heed them */
		bool windows = forgets(&kinds[k / 2]) || is_rough(&kinds[k / 2]);

		grow(&w, 687, windows ? 87 : 100);
		grow(&x, 870, 87);
		for (int round = 0; round < 2; round++) {
			x.m.ops->truncate(&x.m, windows ? 609 - 174 * round : 687 - 17 * round);
			grow(&x, 687, windows ? 87 : 3);
			read_rows(&w, 0, N_Q, 1, 9, all);
			read_rows(&x, 0, N_Q, 1, 9, some);
			assert_memory_equal(all, some, sizeof all);
		}
		for (int64_t i = 0, n; i < N_Q; i += n) {
			n = i % 3 == 0 && N_Q - i >= 5 ? 5 : 1;
			read_rows(&w, i, n, 1, 9, some);
			assert_memory_equal(all + i * D, some, sizeof(float) * (size_t)(n * D));
		}
		close_world(&w);
		close_world(&x);
	}
}

/* Where scores count for nothing all entries are alike, and none is left out. */
static void test_memory_kinds_without_scores_see_all(void **state)
{
	struct world w;
	float o[D];

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_query q;

		open_world(&w, kinds[k].text, FOT_F32, 0.7, false);
		grow(&w, 687, 100);
		q = query_of(&w, 0, 1, 0);
		q.scale = 0;
		q.to = 600;
		fot_attn_begin(&w.a, 1);
		w.m.ops->read(&w.m, &q);
		fot_attn_end(&w.a, o, D, NULL);
		for (int c = 0; c < D; c++) {
			double sum = 0;

			for (int64_t j = 0; j < 600; j++)
				sum += (double)w.v[j * H * D + c];
			assert_true(fabs((double)o[c] - sum / 600) < 1e-5);
		}
		close_world(&w);
	}
}

/* Nothing is seen beyond what a kind says of its sight, and of a kind that reads by place all of that is. */
static void check_sight(const struct world *w, const struct look *l, int64_t from, int64_t n_seen)
{
	int64_t n = 512 - from, in = 0;
	struct fot_memory_sight s = w->m.ops->sight ? w->m.ops->sight(&w->m, n) : (struct fot_memory_sight){ 0 };

	assert_int_equal(s.unknown, w->m.ops->evict && n > w->m.number[0]);
	for (int64_t j = 0; j < n; j++) {
		bool inside = j < s.first || j >= s.last;

		in += inside;
		assert_true(inside || !l->seen[from + j]);
	}
	if (w->m.ops->sight && !s.unknown)
		assert_int_equal(in, n_seen);
}

/* What costs say a query reads is what it sees. */
static void test_memory_kinds_say_what_they_read(void **state)
{
	static struct look l;
	struct world w;

	(void)state;
	for (size_t k = 0; k < N_EXACT; k++)
		for (int64_t from = 0; from <= 448; from += 448) {
			struct fot_reads reads;
			int64_t n = 0;

			open_world(&w, kinds[k].text, FOT_F32, 0, false);
			grow(&w, 512, 64);
			look_at(&l, &w, &kinds[k], 0, 0, from);
			for (int64_t j = from; j < 512; j++)
				n += l.seen[j];
			reads = w.m.ops->reads(&w.m, (double)(512 - from));
			assert_true(fabs(reads.values - (double)n) < 1e-9);
			assert_true(reads.keys >= reads.values);
			check_sight(&w, &l, from, n);
			close_world(&w);
		}
}

/* Every kind has its place where conditions are named, and one text. */
static void test_memory_kinds_have_names(void **state)
{
	struct fot_str all = FOT_STR_INIT;

	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		struct fot_attach a;
		struct fot_str s = FOT_STR_INIT;

		assert_true(fot_condition_is_memory(kinds[k].text));
		assert_int_equal(fot_attach_parse(&a, kinds[k].text, "test", NULL), FOT_OK);
		fot_attach_print(&s, &a);
		assert_string_equal(s.data, kinds[k].text);
		fot_str_release(&s);
	}
	fot_memory_words(&all);
	fot_str_puts(&all, ", ");
	assert_string_equal(all.data, FOT_CONDITION_MEMORIES);
	for (int k = 0; k < FOT_MEMORY_COUNT; k++) {
		const char *word = fot_memory_kind((enum fot_memory_mode)k)->word;

		assert_true(fot_condition_is_memory(word));
		assert_non_null(strstr(all.data, word));
	}
	fot_str_release(&all);
}

/* ---- sessions -------------------------------------------------------- */

#define W 40
#define N (5 * W)

struct run {
	int threads;
	bool no_skip;
	int64_t slots;
};

static struct fot_session *open_session(const struct fot_model *m, const char *text, const struct run *r)
{
	struct fot_session_opts o;
	struct fot_session *s = NULL;
	struct fot_attach a;

	fot_session_opts_default(&o, m);
	assert_int_equal(fot_attach_parse(&a, text, "test", NULL), FOT_OK);
	assert_int_equal(fot_attach_apply(&o, &a, fot_model_config(m), NULL), FOT_OK);
	o.mem_max = N;
	o.n_threads = r->threads;
	o.no_skip = r->no_skip;
	o.cache_windows = r->slots;
	assert_int_equal(fot_session_open(&s, m, &o, NULL), FOT_OK);
	return s;
}

static void feed(struct fot_session *s, const int32_t *text, int64_t from, int64_t to, double *nll)
{
	struct fot_want want = { .targets = text + from + 1, .nll = nll ? nll + from : NULL };

	assert_int_equal(fot_session_feed(s, text + from, (size_t)(to - from), nll ? &want : NULL, NULL),
			 FOT_OK);
}

static void check_session(const struct fot_model *m, const int32_t *text, const char *kind)
{
	static const struct run runs[] = {
		{ 1, true, 0 }, { 1, false, 0 }, { 2, false, 8 }, { 3, false, 1 }, { 3, true, 0 }
	};
	double first[N], nll[N];

	for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
		struct fot_session *s = open_session(m, kind, &runs[r]);

		feed(s, text, 0, N - W, NULL);
		feed(s, text, N - W, N, nll);
		if (r == 0)
			memcpy(first, nll, sizeof first);
		assert_memory_equal(first + N - W, nll + N - W, sizeof *nll * W);
		for (int64_t back = 1; back <= 3;
		     back++) { /* to a window's start, over other text, and in pieces */
			struct fot_mark mark = { .mem_len = N - W - back * W };

			assert_int_equal(fot_session_rewind(s, mark, NULL), FOT_OK);
			feed(s, text, 7, 7 + W + 3, NULL);
			assert_int_equal(fot_session_rewind(s, mark, NULL), FOT_OK);
			feed(s, text, N - W - back * W, N - W, NULL);
			feed(s, text, N - W, N - W + 9 * back, nll); /* pieces end anywhere: of few rows, and of one */
			feed(s, text, N - W + 9 * back, N - 1, nll);
			feed(s, text, N - 1, N, nll);
			assert_memory_equal(first + N - W, nll + N - W, sizeof *nll * W);
		}
		fot_session_close(s);
	}
}

static void test_memory_kinds_same_bits_in_sessions(void **state)
{
	(void)state;
	for (int n_mem = 1; n_mem <= 2; n_mem++) {
		struct fot_config c;
		struct fot_params p;
		struct fot_model *m;
		int32_t text[N + 1];

		tiny_config(&c, W, n_mem, false, false);
		m = tiny_model(&p, &c, scratch_path(""), FOT_F32);
		tiny_tokens(text, N + 1, c.vocab_size, 3);
		for (size_t k = 0; k < N_KINDS; k++)
			check_session(m, text, kinds[k].text);
		fot_model_close(m);
		fot_params_release(&p);
	}
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_kinds_read_as_a_slow_reading),
		cmocka_unit_test(test_memory_kinds_say_where_queries_look),
		cmocka_unit_test(test_memory_kinds_keep_their_bits),
		cmocka_unit_test(test_memory_kinds_without_scores_see_all),
		cmocka_unit_test(test_memory_kinds_say_what_they_read),
		cmocka_unit_test(test_memory_kinds_have_names),
		scratched(test_memory_kinds_same_bits_in_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
