/* memory_evict.c: see memory_evict.h.  Each list is worked out by one thread; its bits depend on the entries, where windows
 * began, and what is in reach. */
#include "model/memory_evict.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/ops.h"

/* What is kept, for one head or for all. */
struct list {
	int64_t *entry; /* [cap] ascending; the first n are kept, behind them stand a window's */
	int64_t n;
	float *worth, *spare; /* [cap] */
	float *row, *mean;    /* [d] */
};

/* Of a memory. */
struct evicting {
	int64_t *start; /* [cap] where windows began */
	int64_t n_windows;
	float *q; /* [cap, heads of queries, d] by entry; where queries decide */
	struct list *list;
	int64_t from, to; /* what the lists are worked out for; to -1: nothing */
	float scale;
};

/* Of one thread: a tile of entries brought together. */
struct gathered {
	float *k, *v; /* [FOT_TILE_K, d] */
};

static int64_t n_lists(const struct fot_memory *m)
{
	return m->ops->evict->together ? 1 : m->n_heads;
}

static int64_t query_width(const struct fot_memory *m)
{
	return m->n_heads * m->group * m->head_dim;
}

static int64_t observed(const struct fot_memory *m)
{
	return m->ops->evict->observes ? m->ops->evict->observes(m) : 0;
}

static void lay_list(struct list *l, const struct fot_memory *m, struct fot_layout *y)
{
	l->entry = fot_layout_take(y, m->cap, sizeof *l->entry);
	l->worth = fot_layout_take(y, m->cap, sizeof *l->worth);
	l->spare = fot_layout_take(y, m->cap, sizeof *l->spare);
	l->row = fot_layout_take(y, m->head_dim, sizeof *l->row);
	l->mean = fot_layout_take(y, m->head_dim, sizeof *l->mean);
	l->n = 0;
}

void fot_evict_lay(struct fot_memory *m, struct fot_layout *y)
{
	struct evicting own = { .to = -1 };
	struct list none;

	fot_rows_lay(m, y);
	m->own = fot_layout_take(y, 1, sizeof own);
	own.start = fot_layout_take(y, m->cap, sizeof *own.start);
	own.q = fot_layout_take(y, observed(m) ? m->cap * query_width(m) : 0, sizeof *own.q);
	own.list = fot_layout_take(y, n_lists(m), sizeof *own.list);
	for (int64_t i = 0; i < n_lists(m); i++)
		lay_list(own.list ? &own.list[i] : &none, m, y);
	if (m->own)
		*(struct evicting *)m->own = own;
}

void fot_evict_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	struct gathered own;

	fot_rows_lay_scratch(s, m, y);
	s->own = fot_layout_take(y, 1, sizeof own);
	own.k = fot_layout_take(y, FOT_TILE_K * m->head_dim, sizeof(float));
	own.v = fot_layout_take(y, FOT_TILE_K * m->head_dim, sizeof(float));
	if (s->own)
		*(struct gathered *)s->own = own;
}

void fot_evict_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n)
{
	struct evicting *own = m->own;

	if (n == 0)
		return;
	own->start[own->n_windows++] = m->len;
	fot_rows_append(m, k, v, ld, n);
}

void fot_evict_observe(struct fot_memory *m, const float *q, int64_t ld, int64_t n)
{
	const struct evicting *own = m->own;
	int64_t width = query_width(m), first = n > observed(m) ? n - observed(m) : 0;

	for (int64_t i = first; i < n; i++)
		memcpy(own->q + (m->len - n + i) * width, q + i * ld, sizeof *q * (size_t)width);
}

void fot_evict_truncate(struct fot_memory *m, int64_t len)
{
	struct evicting *own = m->own;

	fot_rows_truncate(m, len);
	while (own->n_windows > 0 && own->start[own->n_windows - 1] >= len)
		own->n_windows--;
	if (own->to > len)
		own->to = -1;
}

/* ---- what is kept ---------------------------------------------------- */

void fot_evict_add_mass(const struct fot_candidates *x, int64_t asker, int64_t head, float *worth)
{
	int64_t d = x->m->head_dim, n = 0;
	const float *q = x->q + asker * query_width(x->m) + head * d;
	float max = -INFINITY, sum = 0;

	for (; n < x->n && x->entry[n] <= asker; n++) {
		const float *k = fot_rows_of(x->m, x->m->k, head / x->m->group, x->entry[n], 1, x->row);

		x->spare[n] = x->scale * fot_dot(q, k, d);
		max = x->spare[n] > max ? x->spare[n] : max;
	}
	for (int64_t i = 0; i < n; i++)
		sum += x->spare[i] = expf(x->spare[i] - max);
	for (int64_t i = 0; i < n; i++)
		worth[i] += x->spare[i] / sum;
}

/* The k-th largest of x [n], n >= k >= 1, which comes out in another order (Hoare's selection). */
static float kth_largest(float *x, int64_t n, int64_t k)
{
	int64_t lo = 0, hi = n - 1;

	while (lo < hi) {
		float pivot = x[lo + (hi - lo) / 2];
		int64_t i = lo, j = hi;

		while (i <= j) {
			while (x[i] > pivot)
				i++;
			while (x[j] < pivot)
				j--;
			if (i <= j) {
				float t = x[i];

				x[i++] = x[j];
				x[j--] = t;
			}
		}
		if (k - 1 <= j)
			hi = j;
		else if (k - 1 >= i)
			lo = i;
		else
			break;
	}
	return x[k - 1];
}

/* The b best of n candidates stay. */
static void cut(struct list *l, int64_t n, int64_t b)
{
	int64_t equal = b;
	float least;

	memcpy(l->spare, l->worth, sizeof *l->worth * (size_t)n);
	least = kth_largest(l->spare, n, b);
	for (int64_t i = 0; i < n; i++)
		equal -= l->worth[i] > least;
	l->n = 0;
	for (int64_t i = 0; i < n; i++) {
		bool stays = l->worth[i] > least || (!(l->worth[i] < least) && equal-- > 0);

		if (stays)
			l->entry[l->n++] = l->entry[i];
	}
}

/* Entries [begin, end), what is in reach of a window, come to the list of head h. */
static void take_window(const struct fot_memory *m, int64_t h, int64_t begin, int64_t end)
{
	const struct evicting *own = m->own;
	struct list *l = &own->list[h];
	struct fot_candidates x = { .m = m,
				    .entry = l->entry,
				    .n = l->n,
				    .begin = begin,
				    .end = end,
				    .q = own->q,
				    .n_q = observed(m),
				    .scale = own->scale,
				    .row = l->row,
				    .mean = l->mean,
				    .spare = l->spare };

	for (int64_t j = begin; j < end; j++)
		l->entry[x.n++] = j;
	l->n = x.n;
	if (x.n <= m->number[0])
		return;
	x.n_q = x.n_q < end - begin ? x.n_q : end - begin;
	m->ops->evict->worth(&x, h, l->worth);
	cut(l, x.n, m->number[0]);
}

static void work_out(const struct fot_memory *m, int64_t h, int64_t first, int64_t from)
{
	const struct evicting *own = m->own;

	for (int64_t w = first; w < own->n_windows; w++) {
		int64_t begin = own->start[w], end = w + 1 < own->n_windows ? own->start[w + 1] : m->len;

		if (end > from)
			take_window(m, h, begin > from ? begin : from, end);
	}
}

void fot_evict_prepare(struct fot_memory *m, int64_t from, float scale, int32_t n_threads)
{
	struct evicting *own = m->own;
	bool goes_on = own->to >= 0 && own->from == from && !(own->scale < scale || own->scale > scale);
	int64_t first = own->n_windows;

	if (goes_on && own->to == m->len)
		return;
	while (first > 0 && (goes_on ? own->start[first - 1] >= own->to : true))
		first--;
	own->from = from;
	own->scale = scale;
	own->to = m->len;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) if (n_lists(m) > 1)
	for (int64_t h = 0; h < n_lists(m); h++) {
		if (!goes_on)
			own->list[h].n = 0;
		work_out(m, h, first, from);
	}
}

/* ---- reading --------------------------------------------------------- */

static const struct list *list_of(const struct fot_memory *m, const struct fot_query *q)
{
	const struct evicting *own = m->own;

	return &own->list[m->ops->evict->together ? 0 : q->h];
}

/* A tile of kept entries, with what their scores lose to age [n]. */
static int64_t gather(const struct fot_memory *m, const struct fot_query *q, const struct list *l, int64_t at,
		      float *age)
{
	int64_t d = m->head_dim, n = l->n - at < FOT_TILE_K ? l->n - at : FOT_TILE_K;
	const struct gathered *to = q->s->own;

	for (int64_t i = 0; i < n; i++) {
		const float *k = fot_rows_of(m, m->k, q->h, l->entry[at + i], 1, q->s->k);
		const float *v = fot_rows_of(m, m->v, q->h, l->entry[at + i], 1, q->s->v);

		memcpy(to->k + i * d, k, sizeof *k * (size_t)d);
		memcpy(to->v + i * d, v, sizeof *v * (size_t)d);
		age[i] = fot_rows_age(m, l->entry[at + i], q->now);
	}
	q->a->bias = m->decay > 0 ? age : NULL;
	return n;
}

void fot_evict_read(const struct fot_memory *m, const struct fot_query *q)
{
	const struct list *l = list_of(m, q);
	const struct gathered *tile = q->s->own;
	int64_t d = m->head_dim;
	float age[FOT_TILE_K];

	if (q->scale == 0) {
		fot_rows_read(m, q);
		return;
	}
	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	for (int64_t i = 0, n; i < l->n && q->from < q->to; i += n) {
		n = gather(m, q, l, i, age);
		fot_attn_meet(q->a, tile->k, d, tile->v, d, n, FOT_ATTN_ALL);
	}
	q->a->bias = NULL;
}

void fot_evict_read_groups(const struct fot_memory *m, const struct fot_query *q,
			   const struct fot_memory_groups *g)
{
	const struct list *l = list_of(m, q);
	const struct gathered *tile = q->s->own;
	struct fot_hit hit[FOT_TILE_K];
	float age[FOT_TILE_K];

	if (g->all) {
		fot_rows_read_groups(m, q, g);
		return;
	}
	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	for (int64_t at = 0, n; at < l->n && q->from < q->to; at += n) {
		n = gather(m, q, l, at, age);
		for (int64_t r = 0; r < g->n_rows; r++) {
			if (r == 0 || g->row[r] / FOT_PANEL != g->row[r - 1] / FOT_PANEL)
				fot_attn_scores(q->a, g->row[r] / FOT_PANEL * FOT_PANEL, tile->k, m->head_dim,
						n);
			fot_rows_scored(q, g->row[r], 0, n, hit);
			for (int64_t i = 0; i < n; i++)
				hit[i].key = l->entry[at + i];
			fot_hits_to_groups(hit, n, q->from, g, g->out + r * g->n);
		}
	}
	q->a->bias = NULL;
}

struct fot_reads fot_evict_reads(const struct fot_memory *m, double entries)
{
	double b = m->number[0], n = entries < b ? entries : b;

	return (struct fot_reads){ n, n };
}

struct fot_memory_sight fot_evict_sight(const struct fot_memory *m, int64_t entries)
{
	return (struct fot_memory_sight){ .unknown = entries > m->number[0] };
}

double fot_evict_prepares(const struct fot_memory *m, double entries)
{
	double b = m->number[0], window = (double)m->unit;

	return entries > b ? entries / window * m->ops->evict->cost(m, b, window) : 0;
}

size_t fot_evict_needs(const struct fot_memory *m, int64_t entries)
{
	int64_t n = entries < m->number[0] ? entries : m->number[0];

	return fot_rows_bytes(m, n) + sizeof(float) * (size_t)(observed(m) * query_width(m));
}

#endif
