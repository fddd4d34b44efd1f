/* search.c: threshold filter; a full buffer is cut by counting. */
#include "model/search.h"

/* Keys for each of the k best after which few are still above the thresholds: from there on a search pays for what it does
 * before it scores (attention_filter.h). With fewer it was up to 1.5 times as slow as without. */
#define RARE 128

int64_t fot_topk_cap(int64_t k)
{
	return 2 * k + 64;
}

void fot_topk_lay(struct fot_topk *t, struct fot_layout *y, int64_t k)
{
	int64_t rows = k ? FOT_TILE_Q : 0;

	t->k = k;
	t->cap = fot_topk_cap(k);
	t->n = fot_layout_take(y, rows, sizeof *t->n);
	t->threshold = fot_layout_take(y, rows, sizeof *t->threshold);
	t->hit = fot_layout_take(y, rows * t->cap, sizeof *t->hit);
	t->order = fot_layout_take(y, k ? t->cap : 0, sizeof *t->order);
}

void fot_topk_begin(struct fot_topk *t, int64_t n_queries)
{
	t->n_queries = n_queries;
	t->n_offered = 0;
	for (int64_t q = 0; q < FOT_TILE_Q; q++) { /* columns of a panel without a query find nothing */
		t->n[q] = 0;
		t->threshold[q] = (fot_real)(q < n_queries ? -INFINITY : INFINITY);
	}
}

/* An integer that is larger where x is; -0 is 0. */
static fot_int order_of(fot_real x)
{
	fot_int i;

	x += 0;
	memcpy(&i, &x, sizeof i);
	return i < 0 ? i ^ FOT_INT_MAX : i;
}

static fot_real score_of(fot_int i)
{
	fot_real x;

	i = i < 0 ? i ^ FOT_INT_MAX : i;
	memcpy(&x, &i, sizeof x);
	return x;
}

/* How many of n are at least `least`. */
static int64_t count(const fot_int *x, int64_t n, fot_int least)
{
	fot_int c = 0;

#pragma omp simd reduction(+ : c)
	for (int64_t i = 0; i < n; i++)
		c += x[i] >= least;
	return c;
}

/* The k-th largest of n > k: the interval that holds it is halved until it holds nothing else. */
static fot_int kth_largest(const fot_int *x, int64_t n, int64_t k)
{
	fot_int low = FOT_INT_MAX, high = FOT_INT_MIN;

#pragma omp simd reduction(min : low) reduction(max : high)
	for (int64_t i = 0; i < n; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	while (low < high) { /* at least k are >= low, fewer than k are > high */
		fot_int mid = (low & high) + ((low ^ high) >> 1);
		int64_t above;

		mid += mid < high; /* rounded up: mid > low */
		above = count(x, n, mid);
		if (above < k)
			high = mid - 1;
		else
			low = mid;
	}
	return low;
}

/* Of the hits of score `least`, more than `equal`, those of the earliest keys stay: the last of these keys. */
static int64_t last_equal(struct fot_topk *t, const struct fot_hit *h, int64_t n, fot_int least, int64_t equal)
{
	int64_t all = 0;

	for (int64_t i = 0; i < n; i++)
		if (order_of(h[i].score) == least)
			t->order[all++] = -(fot_int)h[i].key;
	return -(int64_t)kth_largest(t->order, all, equal);
}

/* Only the k best stay, in their order. */
static void cut_back(struct fot_topk *t, int64_t q)
{
	struct fot_hit *h = t->hit + q * t->cap;
	int64_t n = t->n[q], kept = 0, last = INT64_MAX;
	fot_int least;

	for (int64_t i = 0; i < n; i++)
		t->order[i] = order_of(h[i].score);
	least = kth_largest(t->order, n, t->k);
	if (count(t->order, n, least) > t->k)
		last = last_equal(t, h, n, least,
				  t->k - (least < FOT_INT_MAX ? count(t->order, n, least + 1) : 0));
	for (int64_t i = 0; i < n; i++) {
		struct fot_hit hit = h[i];
		fot_int order = order_of(hit.score);

		h[kept] = hit;
		kept += order > least || (order == least && hit.key <= last);
	}
	t->n[q] = t->k;
	t->threshold[q] = score_of(least);
}

struct offer {
	struct fot_topk *t;
	int64_t row, first_key;
};

void fot_topk_push(struct fot_topk *t, int64_t q, fot_real score, int64_t key)
{
	t->hit[q * t->cap + t->n[q]++] = (struct fot_hit){ score, key };
	if (t->n[q] == t->cap)
		cut_back(t, q);
}

static void take(void *to, int64_t query, int64_t key, fot_real score)
{
	const struct offer *o = to;

	fot_topk_push(o->t, o->row + query, score, o->first_key + key);
}

void fot_topk_offer(struct fot_topk *t, const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n,
		    int64_t first_key)
{
	for (int64_t j = 0; j < n; j += FOT_TILE_K, k += FOT_TILE_K * ldk) {
		int64_t here = n - j < FOT_TILE_K ? n - j : FOT_TILE_K;
		bool rare = t->n_offered >= RARE * t->k;

		t->n_offered += here;
		fot_attn_keys(a, k, ldk, here, rare);
		for (int64_t row = 0; row < t->n_queries; row += FOT_PANEL) {
			struct offer o = { t, row, first_key + j };

			fot_attn_search(a, row, k, ldk, here, a->bias ? a->bias + j : NULL,
					t->threshold + row, rare, take, &o);
		}
	}
}

int64_t fot_topk_end(struct fot_topk *t, int64_t q, struct fot_hit **hits)
{
	if (t->n[q] > t->k)
		cut_back(t, q);
	*hits = t->hit + q * t->cap;
	return t->n[q];
}

void fot_topk_take(struct fot_topk *t, int64_t q, const fot_real *score, const int32_t *key, int64_t n)
{
	fot_int any = 0;

#pragma omp simd reduction(| : any)
	for (int64_t i = 0; i < n; i++)
		any |= score[i] >= t->threshold[q];
	for (int64_t i = 0; any && i < n; i++)
		if (score[i] >= t->threshold[q])
			fot_topk_push(t, q, score[i], key[i]);
}

/* The hit at `at` goes down in a heap of n whose largest key is at the top. */
static void sift(struct fot_hit *h, int64_t at, int64_t n)
{
	struct fot_hit hit = h[at];

	for (int64_t child; (child = 2 * at + 1) < n; at = child) {
		child += child + 1 < n && h[child + 1].key > h[child].key;
		if (h[child].key <= hit.key)
			break;
		h[at] = h[child];
	}
	h[at] = hit;
}

int64_t fot_topk_end_sorted(struct fot_topk *t, int64_t q, struct fot_hit **hits)
{
	int64_t n = fot_topk_end(t, q, hits);
	struct fot_hit *h = *hits;

	for (int64_t i = n / 2 - 1; i >= 0; i--)
		sift(h, i, n);
	for (int64_t last = n - 1; last > 0; last--) {
		struct fot_hit hit = h[last];

		h[last] = h[0];
		h[0] = hit;
		sift(h, 0, last);
	}
	return n;
}
