/* test_index.c: indexes over keys against a search of all, with and without rewinds; codes in 8 bits. */
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
#include "model/index_hnsw.h"
#include "model/index_int8.h"
#include "model/index_ivf.h"

#define D 24
#define CAP 5000
#define N_Q 96
#define K 10
#define PROBE 40 /* most */
#define EF 200

enum way { EXACT, IVF, HNSW, INT8, N_WAYS };
enum keys { ENTROPY, CLUSTERED, EQUAL, ZERO, BROKEN, N_KEYS };

struct world {
	struct fot_arena arena;
	struct fot_attn a;
	struct fot_topk best;
	float *k, *q;
	struct fot_ivf ivf;
	struct fot_ivf_search ivf_search;
	struct fot_hnsw hnsw;
	struct fot_hnsw_walk walk;
	struct fot_int8 int8;
	struct fot_int8_search int8_search;
};

static void lay(struct world *w, struct fot_layout *y)
{
	struct fot_keys keys = { w->k, FOT_F32, D };

	w->k = fot_layout_take(y, CAP * D, sizeof *w->k);
	w->q = fot_layout_take(y, N_Q * D, sizeof *w->q);
	keys.at = w->k;
	fot_topk_lay(&w->best, y, K);
	fot_ivf_lay(&w->ivf, y, &keys, CAP, 0);
	fot_ivf_lay_search(&w->ivf_search, y, CAP, D, 0, CAP);
	fot_hnsw_lay(&w->hnsw, y, &keys, CAP, FOT_HNSW_LINKS);
	fot_hnsw_lay_walk(&w->walk, y, CAP, D, FOT_HNSW_LINKS, EF);
	fot_int8_lay(&w->int8, y, &keys, CAP);
	fot_int8_lay_search(&w->int8_search, y, D, 3 * K);
	fot_attn_bind(&w->a, fot_layout_take(y, fot_attn_need(D, 0, NULL), sizeof(float)), D, 0, NULL);
}

/* Normal numbers; around 50 centres, with queries near keys; with every entry alike; or with some that are no numbers. */
static void fill(struct world *w, enum keys kind)
{
	float centre[50 * D];
	struct fot_rng r;

	fot_rng_init(&r, 3, "test.index", kind);
	for (int64_t i = 0; i < 50 * D; i++)
		centre[i] = 2 * (float)fot_rng_normal(&r);
	for (int64_t i = 0; i < CAP; i++) {
		int64_t of = (int64_t)fot_rng_below(&r, 50);

		for (int64_t c = 0; c < D; c++) {
			float x = (float)fot_rng_normal(&r);

			x = kind == CLUSTERED ? centre[of * D + c] + 0.5f * x :
			    kind == EQUAL     ? 1 :
			    kind == ZERO      ? 0 :
						x;
			w->k[i * D + c] = kind == BROKEN && i % 7 == 0 ? (i % 2 ? NAN : INFINITY) : x;
		}
	}
	for (int64_t i = 0; i < N_Q * D; i++)
		w->q[i] = (kind == CLUSTERED ? 0.3f * w->k[i * 11] : 0) + (float)fot_rng_normal(&r);
}

static void open_world(struct world *w, enum keys kind)
{
	struct fot_layout y = { 0 };

	memset(w, 0, sizeof *w);
	lay(w, &y);
	assert_int_equal(fot_arena_init(&w->arena, y.need, NULL), FOT_OK);
	memset(w->arena.base, 0x5a, y.need); /* nothing may count on zeros */
	y.arena = &w->arena;
	lay(w, &y);
	fill(w, kind);
}

static void close_world(struct world *w)
{
	fot_arena_release(&w->arena);
}

/* What `way` needs. */
static void grow(struct world *w, enum way way, int64_t len)
{
	if (way == IVF)
		fot_ivf_grow(&w->ivf, len);
	if (way == HNSW)
		fot_hnsw_grow(&w->hnsw, len);
	if (way == INT8)
		fot_int8_grow(&w->int8, len);
}

/* ---- what is found --------------------------------------------------- */

struct found {
	int64_t n[N_Q];
	struct fot_hit hit[N_Q][K];
};

static float aging(const void *of, int64_t entry)
{
	(void)of;
	return (float)entry * 1e-3f;
}

static void search_all(struct world *w, const struct fot_index_query *q)
{
	float bias[CAP];

	for (int64_t j = q->from; j < q->to && q->bias; j++)
		bias[j] = q->bias(NULL, j);
	fot_attn_ask(&w->a, q->q, D, 1);
	w->a.bias = q->bias ? bias + q->from : NULL;
	fot_topk_offer(&w->best, &w->a, w->k + q->from * D, D, q->to - q->from, q->from);
	w->a.bias = NULL;
}

/* What `way` finds among [from, to); n: lists, or entries of a walk. */
static void find(struct world *w, enum way way, int64_t from, int64_t to, int64_t n, bool ages,
		 struct found *f)
{
	struct fot_index_query q = {
		.a = &w->a, .q = w->q, .n = N_Q, .from = from, .to = to, .bias = ages ? aging : NULL
	};

	fot_attn_begin(&w->a, N_Q);
	fot_topk_begin(&w->best, N_Q);
	w->ivf_search.lists.k = n;
	if (way == EXACT)
		search_all(w, &q);
	else if (way == IVF)
		fot_ivf_search(&w->ivf, &q, &w->best, &w->ivf_search);
	else if (way == INT8)
		fot_int8_search(&w->int8, &q, &w->best, &w->int8_search);
	else
		assert_true(fot_hnsw_search(&w->hnsw, &q, n, &w->best, &w->walk));
	for (int64_t i = 0; i < N_Q; i++) {
		struct fot_hit *hit;

		f->n[i] = fot_topk_end_sorted(&w->best, i, &hit);
		memcpy(f->hit[i], hit, sizeof *hit * (size_t)f->n[i]);
	}
}

static void check_equal(const struct found *a, const struct found *b)
{
	for (int64_t i = 0; i < N_Q; i++) {
		assert_int_equal(a->n[i], b->n[i]);
		for (int64_t j = 0; j < a->n[i]; j++) {
			assert_int_equal(a->hit[i][j].key, b->hit[i][j].key);
			assert_memory_equal(&a->hit[i][j].score, &b->hit[i][j].score, sizeof(float));
		}
	}
}

static double recall(const struct found *exact, const struct found *f)
{
	double n = 0, all = 0;

	for (int64_t i = 0; i < N_Q; i++) {
		all += (double)exact->n[i];
		for (int64_t j = 0, e = 0; j < f->n[i]; j++) {
			while (e < exact->n[i] && exact->hit[i][e].key < f->hit[i][j].key)
				e++;
			n += e < exact->n[i] && exact->hit[i][e].key == f->hit[i][j].key;
		}
	}
	return n / all;
}

static struct found exact, found, again;

static void test_index_of_all_lists_is_a_search_of_all(void **state)
{
	struct world w;

	(void)state;
	for (int kind = 0; kind < N_KEYS; kind++)
		for (int ages = 0; ages < 2; ages++) {
			open_world(&w, (enum keys)kind);
			grow(&w, IVF, 4500);
			for (int64_t from = 0; from < 4400; from += 1231) {
				find(&w, EXACT, from, 4490, 0, ages, &exact);
				find(&w, IVF, from, 4490, CAP, ages, &found);
				check_equal(&exact, &found);
			}
			close_world(&w);
		}
}

/* Recall of what a search of all finds, and more of it where more is asked for. */
static void check_recall(enum keys kind, enum way way, int64_t few, double least_few, int64_t many,
			 double least)
{
	struct world w;
	double some, more;

	open_world(&w, kind);
	grow(&w, way, CAP);
	find(&w, EXACT, 0, CAP, 0, false, &exact);
	find(&w, way, 0, CAP, few, false, &found);
	find(&w, way, 0, CAP, many, false, &again);
	some = recall(&exact, &found);
	more = recall(&exact, &again);
	if (some < least_few || more < least || more < some)
		fail_msg("keys %d, way %d: recall %.3f and %.3f, expected %.3f and %.3f", kind, way, some,
			 more, least_few, least);
	close_world(&w);
}

static void test_index_finds_most_of_the_best(void **state)
{
	(void)state;
	check_recall(CLUSTERED, IVF, 8, 0.8, 64, 0.95);
	check_recall(ENTROPY, IVF, 8, 0.2, 128, 0.95);
	check_recall(CLUSTERED, HNSW, 20, 0.5, EF, 0.9);
	check_recall(ENTROPY, HNSW, 20, 0.8, EF, 0.95);
	check_recall(CLUSTERED, INT8, 0, 0.99, 0, 0.99);
	check_recall(ENTROPY, INT8, 0, 0.99, 0, 0.99);
}

/* What is found has the score and the place of an exact search, whatever part is seen. */
static void test_index_scores_are_exact(void **state)
{
	struct world w;

	(void)state;
	for (int kind = 0; kind < N_KEYS; kind++)
		for (int way = IVF; way < N_WAYS; way++) {
			open_world(&w, (enum keys)kind);
			grow(&w, (enum way)way, 4500);
			for (int64_t from = 0; from < 2000; from += 777) {
				find(&w, (enum way)way, from, 4490, way == IVF ? PROBE : 32, true, &found);
				for (int64_t i = 0; i < N_Q; i += 5)
					for (int64_t j = 0; j < found.n[i]; j++) {
						int64_t at = found.hit[i][j].key;
						const float *rows[FOT_SPREAD];
						float score[FOT_SPREAD];

						for (int r = 0; r < FOT_SPREAD; r++)
							rows[r] = w.k + at * D;
						assert_true(at >= from && at < 4490);
						assert_true(j == 0 || at > found.hit[i][j - 1].key);
						fot_panel_spread(score, w.q + i * D, rows, D);
						score[0] += aging(NULL, at);
						assert_memory_equal(score, &found.hit[i][j].score,
								    sizeof *score);
					}
			}
			close_world(&w);
		}
}

/* A query that sees a part finds as many as it may. */
static void test_index_hnsw_fills_its_searches(void **state)
{
	struct world w;

	(void)state;
	for (int kind = 0; kind < BROKEN; kind++) {
		open_world(&w, (enum keys)kind);
		grow(&w, HNSW, CAP);
		find(&w, HNSW, 3000, 4990, K, false, &found);
		for (int64_t i = 0; i < N_Q; i++)
			assert_int_equal(found.n[i], K);
		close_world(&w);
	}
}

/* ---- rewinds --------------------------------------------------------- */

static void check_same_lists(const struct fot_ivf *a, const struct fot_ivf *b)
{
	assert_int_equal(a->age, b->age);
	if (a->age < 0)
		return;
	assert_int_equal(a->used, b->used);
	for (int64_t i = 0; i < a->ages[a->age].lists; i++) {
		int32_t p = a->first[i], o = b->first[i];

		assert_int_equal(a->n[i], b->n[i]);
		assert_memory_equal(a->ages[a->age].centroid, b->ages[b->age].centroid,
				    sizeof(float) * (size_t)(a->ages[a->age].lists * D));
		for (int64_t left = a->n[i]; left > 0; left -= FOT_PANEL, p = a->next[p], o = b->next[o])
			for (int64_t x = 0; x < left && x < FOT_PANEL; x++) {
				assert_int_equal(a->entry[p * FOT_PANEL + x], b->entry[o * FOT_PANEL + x]);
				for (int64_t c = 0; c < D; c++)
					assert_memory_equal(a->panel + (p * D + c) * FOT_PANEL + x,
							    b->panel + (o * D + c) * FOT_PANEL + x,
							    sizeof(float));
			}
	}
}

static void check_same_links(const struct fot_hnsw_links *a, const struct fot_hnsw_links *b, int64_t places)
{
	assert_memory_equal(a->n, b->n, sizeof *a->n * (size_t)places);
	for (int64_t i = 0; i < places; i++)
		assert_memory_equal(a->to + i * a->most, b->to + i * b->most,
				    sizeof *a->to * (size_t)a->n[i]);
}

static void check_same_graph(const struct fot_hnsw *a, const struct fot_hnsw *b)
{
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->used, b->used);
	assert_int_equal(a->n_tops, b->n_tops);
	assert_memory_equal(a->top, b->top, sizeof *a->top * (size_t)a->n_tops);
	assert_memory_equal(a->level, b->level, (size_t)a->len);
	check_same_links(&a->low, &b->low, a->len);
	check_same_links(&a->high, &b->high, a->used);
}

/* Through other entries and back, in pieces, from `all` entries to len: nothing is left of them. */
static void check_rewind(enum keys kind, int64_t all, int64_t len, void (*more)(struct world *w, int64_t len),
			 void (*less)(struct world *w, int64_t len))
{
	static float kept[CAP * D];
	int64_t base = len / 2;
	struct world w, x;

	open_world(&w, kind);
	open_world(&x, kind);
	memcpy(kept, w.k, sizeof kept);
	more(&w, all);
	less(&w, base);
	for (int64_t j = base * D; j < CAP * D; j++)
		w.k[j] = kept[CAP * D - 1 - j];
	more(&w, len + 100);
	less(&w, base);
	memcpy(w.k, kept, sizeof kept);
	for (int64_t at = base; at < len; at += 100)
		more(&w, at);
	more(&w, len);
	more(&x, len);
	check_same_lists(&w.ivf, &x.ivf);
	check_same_graph(&w.hnsw, &x.hnsw);
	close_world(&w);
	close_world(&x);
}

static void grow_lists(struct world *w, int64_t len)
{
	fot_ivf_grow(&w->ivf, len);
}

static void cut_lists(struct world *w, int64_t len)
{
	fot_ivf_cut(&w->ivf, len);
}

static void grow_graph(struct world *w, int64_t len)
{
	fot_hnsw_grow(&w->hnsw, len);
}

static void cut_graph(struct world *w, int64_t len)
{
	fot_hnsw_cut(&w->hnsw, len);
}

static void test_index_rewinds_to_the_bit(void **state)
{
	static const int64_t lists[] = { 4500, 4096, 4095, 1500, 700, 256, 255, 1, 0 },
			     graphs[] = { 700, 120, 1, 0 };

	(void)state;
	for (int kind = 0; kind < N_KEYS; kind++) {
		for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
			check_rewind((enum keys)kind, CAP, lists[i], grow_lists, cut_lists);
		for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++)
			check_rewind((enum keys)kind, 1000, graphs[i], grow_graph, cut_graph);
	}
}

/* ---- codes ----------------------------------------------------------- */

static void test_index_codes_are_near_and_products_exact(void **state)
{
	static const int64_t sizes[] = { 1, 24, 64, 100 };
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 5, "test.codes", 0);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		int64_t d = sizes[s];
		int8_t code[2 * 128];
		int16_t q[128];
		float step[2], key[2][128], q_step;
		struct fot_codes x = { d, (d + FOT_CODE_UNIT - 1) / FOT_CODE_UNIT * FOT_CODE_UNIT, code,
				       step };
		int32_t dot = 0, asked = 0;

		for (int j = 0; j < 2; j++) {
			for (int64_t c = 0; c < d; c++)
				key[j][c] = (float)fot_rng_normal(&r);
			fot_codes_put(&x, j, key[j]);
			for (int64_t c = 0; c < x.width; c++)
				assert_true(c < d ? fabs((double)key[j][c] -
							 (double)(step[j] * code[j * x.width + c])) <=
							    0.51 * (double)step[j] :
						    code[j * x.width + c] == 0);
		}
		q_step = fot_codes_query(&x, q, key[1]);
		for (int64_t c = 0; c < x.width; c++) {
			dot += code[c] * code[x.width + c];
			asked += code[c] * q[c];
			assert_true(c >= d ||
				    fabs((double)key[1][c] - (double)q_step * q[c]) <= 0.51 * (double)q_step);
		}
		assert_int_equal(fot_codes_dot(code, code + x.width, x.width), dot);
		assert_int_equal(fot_codes_ask(code, q, x.width), asked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_of_all_lists_is_a_search_of_all),
		cmocka_unit_test(test_index_finds_most_of_the_best),
		cmocka_unit_test(test_index_scores_are_exact),
		cmocka_unit_test(test_index_hnsw_fills_its_searches),
		cmocka_unit_test(test_index_rewinds_to_the_bit),
		cmocka_unit_test(test_index_codes_are_near_and_products_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
