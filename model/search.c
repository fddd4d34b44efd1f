/* search.c: threshold filter and quickselect. */
#include "model/search.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define LANES 16 /* scores looked at together before any is looked at alone */

int64_t fot_topk_cap(int64_t k)
{
	return 2 * k + 64;
}

void fot_topk_lay(struct fot_topk *t, struct fot_layout *y, int64_t k, int64_t rows)
{
	t->k = k;
	t->cap = fot_topk_cap(k);
	rows = k ? rows : 0;
	t->n = fot_layout_take(y, rows, sizeof *t->n);
	t->threshold = fot_layout_take(y, rows, sizeof *t->threshold);
	t->hit = fot_layout_take(y, rows * t->cap, sizeof *t->hit);
}

void fot_topk_begin(struct fot_topk *t, int64_t n_queries)
{
	t->n_queries = n_queries;
	for (int64_t q = 0; q < n_queries; q++) {
		t->n[q] = 0;
		t->threshold[q] = -INFINITY;
	}
}

/* Is a the better candidate? */
static bool better(const struct fot_hit *a, const struct fot_hit *b)
{
	return a->score > b->score || (a->score == b->score && a->key < b->key);
}

static void swap(struct fot_hit *a, struct fot_hit *b)
{
	struct fot_hit c = *a;

	*a = *b;
	*b = c;
}

/* Bring the k best of h[0..n) to the front, h[k-1] the worst of them (quickselect,
 * median of three; the order is total, so the result is unique). */
static void select_best(struct fot_hit *h, int64_t n, int64_t k)
{
	int64_t lo = 0, hi = n - 1;

	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2, i = lo, j = hi;
		struct fot_hit pivot;

		if (better(&h[mid], &h[lo]))
			swap(&h[mid], &h[lo]);
		if (better(&h[hi], &h[lo]))
			swap(&h[hi], &h[lo]);
		if (better(&h[hi], &h[mid]))
			swap(&h[hi], &h[mid]);
		pivot = h[mid];
		while (i <= j) {
			while (better(&h[i], &pivot))
				i++;
			while (better(&pivot, &h[j]))
				j--;
			if (i <= j)
				swap(&h[i++], &h[j--]);
		}
		if (k - 1 <= j)
			hi = j;
		else if (k - 1 >= i)
			lo = i;
		else
			return;
	}
}

static void cut_back(struct fot_topk *t, int64_t q)
{
	struct fot_hit *h = t->hit + q * t->cap;

	select_best(h, t->n[q], t->k);
	t->n[q] = t->k;
	t->threshold[q] = h[t->k - 1].score;
}

static void offer_one(struct fot_topk *t, int64_t q, fot_real score, int64_t key)
{
	if (!(score > t->threshold[q]))
		return;
	t->hit[q * t->cap + t->n[q]++] = (struct fot_hit){ score, key };
	if (t->n[q] == t->cap)
		cut_back(t, q);
}

void fot_topk_offer(struct fot_topk *t, int64_t q, const fot_real *scores, int64_t n, int64_t first_key)
{
	int64_t j = 0;

	for (; j + LANES <= n; j += LANES) {
		fot_real max = scores[j];

#pragma omp simd reduction(max : max)
		for (int64_t i = 0; i < LANES; i++)
			max = scores[j + i] > max ? scores[j + i] : max;
		if (!(max > t->threshold[q]))
			continue;
		for (int64_t i = 0; i < LANES; i++)
			offer_one(t, q, scores[j + i], first_key + j + i);
	}
	for (; j < n; j++)
		offer_one(t, q, scores[j], first_key + j);
}

static int by_key(const void *a, const void *b)
{
	const struct fot_hit *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

int64_t fot_topk_end(struct fot_topk *t, int64_t q, struct fot_hit **hits)
{
	if (t->n[q] > t->k)
		cut_back(t, q);
	*hits = t->hit + q * t->cap;
	qsort(*hits, (size_t)t->n[q], sizeof **hits, by_key);
	return t->n[q];
}
