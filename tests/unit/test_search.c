/* test_search.c: exact top-k against a full sort, ties included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/search.h"

static int best_first(const void *a, const void *b)
{
	const struct fot_hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return (x->key > y->key) - (x->key < y->key);
}

static int by_key(const void *a, const void *b)
{
	const struct fot_hit *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Of which the last one, in the second panel, is looked at. */
#define QUERIES (FOT_PANEL + FOT_FEW + 1)
#define FEW_QUERIES (FOT_PANEL + 1)

static void lay(struct fot_layout *y, struct fot_topk *t, struct fot_attn *a, int64_t k)
{
	fot_real *mem;

	fot_topk_lay(t, y, k);
	mem = fot_layout_take(y, fot_attn_need(1, 0, NULL), sizeof *mem);
	if (mem)
		fot_attn_bind(a, mem, 1, 0, NULL);
}

/* The keys of a query of -1 in another order, block by block. */
static void take_shuffled(struct fot_topk *t, int64_t queries, const float *key, int64_t n, int64_t block)
{
	uint64_t *order = fot_calloc((size_t)n, sizeof *order);
	struct fot_rng r;

	assert_non_null(order);
	for (int64_t i = 0; i < n; i++)
		order[i] = (uint64_t)i;
	fot_rng_init(&r, (uint64_t)n, "test.order", (uint64_t)block);
	fot_rng_shuffle(&r, order, (uint64_t)n);
	fot_topk_begin(t, queries);
	for (int64_t i = 0; i < n; i += block) {
		int64_t some = n - i < block ? n - i : block;
		float score[256];
		int32_t entry[256];

		for (int64_t j = 0; j < some; j++) {
			entry[j] = (int32_t)order[i + j];
			score[j] = -key[entry[j]];
		}
		fot_topk_take(t, queries - 1, score, entry, some);
	}
	fot_free(order);
}

/* levels: number of different scores; few of them make many ties. Keys of one number, and as queries 1 and -1. */
static void check(int64_t n, int64_t k, uint64_t levels, int64_t block, int64_t queries)
{
	struct fot_hit *want = fot_calloc((size_t)n, sizeof *want), *got;
	float *key = fot_calloc((size_t)n, sizeof *key), query[QUERIES];
	int64_t kept = n < k ? n : k;
	struct fot_layout y = { 0 };
	struct fot_arena arena;
	struct fot_topk t;
	struct fot_attn a;
	struct fot_rng r;

	assert_non_null(want);
	assert_non_null(key);
	lay(&y, &t, &a, k);
	assert_int_equal(fot_arena_init(&arena, y.need, NULL), FOT_OK);
	y.arena = &arena;
	lay(&y, &t, &a, k);
	fot_rng_init(&r, (uint64_t)n, "test.search", (uint64_t)k * 1000 + levels);
	for (int64_t i = 0; i < n; i++) {
		float score = (float)fot_rng_below(&r, levels) - (float)levels / 2;

		key[i] = score == 0 && i % 2 ? -0.0f : score;
		want[i] = (struct fot_hit){ -score, i };
	}
	for (int64_t i = 0; i < queries; i++)
		query[i] = i < queries - 1 ? 1 : -1;
	qsort(want, (size_t)n, sizeof *want, best_first);
	qsort(want, (size_t)kept, sizeof *want, by_key);
	fot_attn_begin(&a, queries);
	fot_attn_ask(&a, query, 1, 1);
	fot_topk_begin(&t, queries);
	for (int64_t i = 0; i < n; i += block)
		fot_topk_offer(&t, &a, key + i, 1, n - i < block ? n - i : block, i);
	assert_int_equal(fot_topk_end(&t, queries - 1, &got), kept);
	for (int64_t i = 0; i < kept; i++) {
		assert_int_equal(got[i].key, want[i].key);
		assert_true(got[i].score == want[i].score);
	}
	take_shuffled(&t, queries, key, n, block);
	assert_int_equal(fot_topk_end_sorted(&t, queries - 1, &got), kept);
	for (int64_t i = 0; i < kept; i++) {
		assert_int_equal(got[i].key, want[i].key);
		assert_true(got[i].score == want[i].score);
	}
	fot_arena_release(&arena);
	fot_free(want);
	fot_free(key);
}

static void test_search_equals_full_sort(void **state)
{
	static const int64_t n[] = { 1, 15, 16, 17, 100, 1000, 20000 }, k[] = { 1, 2, 31, 128 };
	static const uint64_t levels[] = { 1, 3, 50, UINT64_C(1) << 22 };

	(void)state;
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 4; j++)
			for (size_t l = 0; l < 4; l++) {
				check(n[i], k[j], levels[l], 256, QUERIES);
				check(n[i], k[j], levels[l], 37, FEW_QUERIES);
			}
}

/* Keys whose scores are NaN are not found, and hide no other. */
static void test_search_passes_over_nan(void **state)
{
	enum { N = 40 };
	float key[N], query[QUERIES];
	struct fot_layout y = { 0 };
	struct fot_arena arena;
	struct fot_topk t;
	struct fot_attn a;
	struct fot_hit *got;

	(void)state;
	lay(&y, &t, &a, N);
	assert_int_equal(fot_arena_init(&arena, y.need, NULL), FOT_OK);
	y.arena = &arena;
	lay(&y, &t, &a, N);
	for (int64_t i = 0; i < QUERIES; i++)
		query[i] = 1;
	for (int nan = 0; nan < N; nan++) {
		int n = 0;

		for (int i = 0; i < N; i++)
			key[i] = i == nan ? NAN : (float)i;
		fot_attn_begin(&a, QUERIES);
		fot_attn_ask(&a, query, 1, 1);
		fot_topk_begin(&t, QUERIES);
		fot_topk_offer(&t, &a, key, 1, N, 0);
		assert_int_equal(fot_topk_end(&t, 0, &got), N - 1);
		for (int i = 0; i < N; i++)
			if (i != nan)
				assert_int_equal(got[n++].key, i);
	}
	fot_arena_release(&arena);
}

/* ---- every way to the same hits -------------------------------------- */

enum { KEYS = 1500, BEST = 20 };

/* Numbers that are hard to tell apart, or to bound. */
enum numbers { NORMAL, ALIKE, EQUAL, BARELY, ALL_SIZES, BROKEN, N_NUMBERS };

static void fill(fot_real *x, int64_t n, int64_t d, enum numbers kind, struct fot_rng *r)
{
	for (int64_t i = 0; i < n; i++) {
		double size = kind == ALL_SIZES ? pow(10, (double)fot_rng_below(r, 36) - 24) : 1;

		for (int64_t c = 0; c < d; c++) {
			double y = fot_rng_normal(r);

			if (kind == ALIKE) /* one direction that all have */
				y = 5 + y;
			else if (kind == EQUAL) /* many keys twice */
				y = (double)((i % 16) * (c % 5) - 30) / 8;
			else if (kind == BARELY) /* less apart than bf16 tells */
				y = 1 + y * 0x1p-11;
			x[i * d + c] = (fot_real)(y * size);
		}
		if (kind == BROKEN && i % 7 == 0)
			x[i * d + i % d] = i % 2 ? (fot_real)NAN :
					   i % 3 ? (fot_real)INFINITY :
						   (fot_real)3e38;
	}
}

/* The hits of `most` queries at a time. */
static void find(struct fot_topk *t, struct fot_attn *a, const fot_real *q, const fot_real *k, int64_t d,
		 const fot_real *bias, int64_t most, struct fot_hit *found)
{
	for (int64_t from = 0; from < QUERIES; from += most) {
		int64_t n = QUERIES - from < most ? QUERIES - from : most;

		fot_attn_begin(a, n);
		fot_attn_ask(a, q + from * d, d, (fot_real)0.125);
		fot_topk_begin(t, n);
		t->n_offered = (int64_t)1 << 40; /* as if so many had come that the filter pays */
		for (int64_t j = 0; j < KEYS; j += 300) {
			a->bias = bias ? bias + j : NULL;
			fot_topk_offer(t, a, k + j * d, d, 300, j);
		}
		for (int64_t i = 0; i < n; i++, found += BEST) {
			struct fot_hit *hit;
			int64_t got = fot_topk_end(t, i, &hit);

			memset(found, 0, sizeof *found * BEST);
			for (int64_t j = 0; j < got; j++) {
				found[j].score = hit[j].score;
				found[j].key = hit[j].key;
			}
		}
	}
}

static void check_ways(int64_t d, enum numbers kind, bool biased)
{
	static fot_real q[QUERIES * 130], k[KEYS * 130], bias[KEYS];
	static struct fot_hit found[3][QUERIES * BEST];
	const struct fot_bf16_kernel *filter;
	struct fot_layout y = { 0 };
	struct fot_arena arena;
	struct fot_topk t;
	struct fot_attn a;
	struct fot_rng r;
	fot_real *mem;

	fot_rng_init(&r, (uint64_t)d, "test.ways", kind);
	fill(q, QUERIES, d, kind, &r);
	fill(k, KEYS, d, kind, &r);
	fill(bias, KEYS, 1, NORMAL, &r);
	fot_topk_lay(&t, &y, BEST);
	fot_layout_take(&y, fot_attn_need(d, 0, NULL), sizeof *mem);
	assert_int_equal(fot_arena_init(&arena, y.need, NULL), FOT_OK);
	y = (struct fot_layout){ .arena = &arena };
	fot_topk_lay(&t, &y, BEST);
	mem = fot_layout_take(&y, fot_attn_need(d, 0, NULL), sizeof *mem);
	memset(mem, 0xff, sizeof *mem * (size_t)fot_attn_need(d, 0, NULL));
	fot_attn_bind(&a, mem, d, 0, NULL);
	filter = a.filter.kernel ? a.filter.kernel : &fot_bf16_portable;
	for (int way = 0; way < 3; way++) {
		a.filter.kernel = way == 1 ? filter : NULL;
		find(&t, &a, q, k, d, biased ? bias : NULL, way == 2 ? FOT_FEW - 1 : QUERIES, found[way]);
	}
	assert_memory_equal(found[0], found[1], sizeof *found);
	assert_memory_equal(found[0], found[2], sizeof *found);
	fot_arena_release(&arena);
}

/* Panels, the filter in bf16, and few queries at a time. */
static void test_search_finds_the_same_every_way(void **state)
{
	static const int64_t d[] = { 1, 3, 16, 64, 65, 130 };

	(void)state;
	for (size_t i = 0; i < sizeof d / sizeof *d; i++)
		for (int kind = 0; kind < N_NUMBERS; kind++) {
			check_ways(d[i], (enum numbers)kind, false);
			check_ways(d[i], (enum numbers)kind, true);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_equals_full_sort),
		cmocka_unit_test(test_search_passes_over_nan),
		cmocka_unit_test(test_search_finds_the_same_every_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
