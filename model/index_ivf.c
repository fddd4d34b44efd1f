/* index_ivf.c: see index_ivf.h.  The nearest centroid, argmin |k - c|^2, is argmax (k.c - |c|^2 / 2). */
#include "model/index_ivf.h"

#include <stdbool.h>

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#define ROUNDS 5  /* of k-means */
#define SAMPLE 16 /* entries per list that they see */

/* ---- sizes ----------------------------------------------------------- */

static int64_t lists_from(int64_t start, int64_t lists)
{
	int64_t root = (int64_t)sqrt((double)start), most = lists ? lists : 4 * root;

	return most < start ? most : start;
}

static int age_of(int64_t len)
{
	int age = -1;

	for (int64_t start = FOT_IVF_FIRST; start <= len && age + 1 < FOT_IVF_AGES; start *= 4)
		age++;
	return age;
}

static int64_t start_of(int age)
{
	return (int64_t)FOT_IVF_FIRST << 2 * age;
}

int64_t fot_ivf_lists(int64_t len, int64_t lists)
{
	int age = age_of(len);

	return age < 0 ? 0 : lists_from(start_of(age), lists);
}

static void lay_age(struct fot_ivf_age *g, struct fot_layout *y, int64_t cap, int64_t d)
{
	g->centroid = fot_layout_take(y, g->lists * d, sizeof *g->centroid);
	g->half = fot_layout_take(y, g->lists, sizeof *g->half);
	g->list = fot_layout_take(y, cap < 4 * g->start ? cap : 4 * g->start, sizeof *g->list);
}

void fot_ivf_lay(struct fot_ivf *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap,
		 int64_t lists)
{
	int64_t d = keys->d, most = fot_ivf_lists(cap, lists), panels = cap / FOT_PANEL + most;
	float *attn;

	*x = (struct fot_ivf){ .cap = cap, .age = -1, .n_ages = age_of(cap) + 1, .keys = *keys };
	x->ages = fot_layout_take(y, x->n_ages, sizeof *x->ages);
	for (int i = 0; i < x->n_ages; i++) {
		struct fot_ivf_age g = { .start = start_of(i), .lists = lists_from(start_of(i), lists) };

		lay_age(&g, y, cap, d);
		if (x->ages)
			x->ages[i] = g;
	}
	x->n = fot_layout_take(y, most, sizeof *x->n);
	x->first = fot_layout_take(y, most, sizeof *x->first);
	x->last = fot_layout_take(y, most, sizeof *x->last);
	x->next = fot_layout_take(y, panels, sizeof *x->next);
	x->before = fot_layout_take(y, panels, sizeof *x->before);
	x->entry = fot_layout_take(y, panels * FOT_PANEL, sizeof *x->entry);
	x->panel = fot_layout_take(y, panels * FOT_PANEL * d, sizeof *x->panel);
	x->rows = fot_layout_take(y, FOT_TILE_Q * d, sizeof *x->rows);
	x->sum = fot_layout_take(y, most * d, sizeof *x->sum);
	attn = fot_layout_take(y, most ? fot_attn_need(d, 0, NULL) : 0, sizeof *attn);
	if (x->n_ages && x->ages)
		fot_attn_bind(&x->a, attn, d, 0, NULL);
}

/* ---- lists ----------------------------------------------------------- */

/* The newest entry goes to the end of its list. */
static void put(struct fot_ivf *x, int64_t entry, int64_t list)
{
	int64_t lane = x->n[list]++ % FOT_PANEL, d = x->keys.d;
	const float *key = fot_keys_rows(&x->keys, entry, 1, x->rows);
	int32_t panel;

	if (lane == 0) {
		panel = (int32_t)x->used++;
		x->before[panel] = x->n[list] > 1 ? x->last[list] : -1;
		if (x->n[list] > 1)
			x->next[x->last[list]] = panel;
		else
			x->first[list] = panel;
		x->last[list] = panel;
	}
	panel = x->last[list];
	x->entry[panel * FOT_PANEL + lane] = (int32_t)entry;
	for (int64_t c = 0; c < d; c++)
		x->panel[(panel * d + c) * FOT_PANEL + lane] = key[c];
}

static void take_out(struct fot_ivf *x, int64_t list)
{
	if (--x->n[list] % FOT_PANEL > 0)
		return;
	x->used--;
	x->last[list] = x->before[x->last[list]];
}

static void begin_lists(struct fot_ivf *x)
{
	memset(x->n, 0, sizeof *x->n * (size_t)x->ages[x->age].lists);
	x->used = 0;
}

/* ---- centroids ------------------------------------------------------- */

/* Centroids [j, j + n) and the queries from `row` on, of which best and list are those of one panel. */
static void compare(struct fot_ivf *x, const struct fot_ivf_age *g, int64_t row, int64_t j, int64_t n,
		    float *best, int32_t *list)
{
	int64_t d = x->keys.d;

	x->a.bias = g->half + j;
	fot_attn_scores(&x->a, row, g->centroid + j * d, d, n);
	x->a.bias = NULL;
	for (int64_t i = 0; i < n; i++) {
		const float *s = x->a.s + i * FOT_PANEL;

		for (int64_t lane = 0; lane < FOT_PANEL; lane++) {
			bool better = s[lane] > best[lane];

			best[lane] = better ? s[lane] : best[lane];
			list[lane] = better ? (int32_t)(j + i) : list[lane];
		}
	}
}

/* For n <= FOT_TILE_Q rows the nearest centroid; where none is (keys that are no numbers), the first. */
static void find_lists(struct fot_ivf *x, const float *rows, int64_t n, int32_t *list)
{
	const struct fot_ivf_age *g = &x->ages[x->age];

	fot_attn_begin(&x->a, n);
	fot_attn_ask(&x->a, rows, x->keys.d, 1);
	for (int64_t row = 0; row < n; row += FOT_PANEL) {
		int64_t some = n - row < FOT_PANEL ? n - row : FOT_PANEL;
		float best[FOT_PANEL];
		int32_t at[FOT_PANEL] = { 0 };

		for (int64_t lane = 0; lane < FOT_PANEL; lane++)
			best[lane] = -INFINITY;
		for (int64_t j = 0; j < g->lists; j += FOT_TILE_K)
			compare(x, g, row, j, g->lists - j < FOT_TILE_K ? g->lists - j : FOT_TILE_K, best,
				at);
		memcpy(list + row, at, sizeof *at * (size_t)some);
	}
}

static void measure(struct fot_ivf_age *g, int64_t d)
{
	for (int64_t i = 0; i < g->lists; i++) {
		float sum = 0;

		for (int64_t c = 0; c < d; c++)
			sum += g->centroid[i * d + c] * g->centroid[i * d + c];
		g->half[i] = -sum / 2;
	}
}

/* Entry of the sample of n that stands at i. */
static int64_t sampled(const struct fot_ivf_age *g, int64_t i, int64_t n)
{
	return i * g->start / n;
}

/* Centroids become the means of what is nearest to them; those without anything stay. */
static void move_centroids(struct fot_ivf *x, struct fot_ivf_age *g, int64_t n)
{
	int64_t d = x->keys.d;
	int32_t list[FOT_TILE_Q];

	memset(x->n, 0, sizeof *x->n * (size_t)g->lists);
	memset(x->sum, 0, sizeof *x->sum * (size_t)(g->lists * d));
	for (int64_t i = 0, some; i < n; i += some) {
		some = n - i < FOT_TILE_Q ? n - i : FOT_TILE_Q;
		for (int64_t r = 0; r < some; r++) {
			const float *key = fot_keys_rows(&x->keys, sampled(g, i + r, n), 1, x->rows + r * d);

			memmove(x->rows + r * d, key, sizeof *key * (size_t)d);
		}
		find_lists(x, x->rows, some, list);
		for (int64_t r = 0; r < some; r++) {
			x->n[list[r]]++;
			for (int64_t c = 0; c < d; c++)
				x->sum[list[r] * d + c] += x->rows[r * d + c];
		}
	}
	for (int64_t i = 0; i < g->lists; i++)
		for (int64_t c = 0; c < d && x->n[i] > 0; c++)
			g->centroid[i * d + c] = x->sum[i * d + c] / (float)x->n[i];
	measure(g, d);
}

static void train(struct fot_ivf *x, struct fot_ivf_age *g)
{
	int64_t n = SAMPLE * g->lists < g->start ? SAMPLE * g->lists : g->start, d = x->keys.d;

	for (int64_t i = 0; i < g->lists; i++) {
		const float *key = fot_keys_rows(&x->keys, sampled(g, i, g->lists), 1, x->rows);

		memcpy(g->centroid + i * d, key, sizeof *key * (size_t)d);
	}
	measure(g, d);
	for (int round = 0; round < ROUNDS; round++)
		move_centroids(x, g, n);
}

/* ---- growing --------------------------------------------------------- */

/* Entries [from, to) of those of the age in use find their lists and go there. */
static void take_in(struct fot_ivf *x, int64_t from, int64_t to)
{
	struct fot_ivf_age *g = &x->ages[x->age];

	for (int64_t j = from, n; j < to; j += n) {
		n = to - j < FOT_TILE_Q ? to - j : FOT_TILE_Q;
		find_lists(x, fot_keys_rows(&x->keys, j, n, x->rows), n, g->list + j);
		for (int64_t i = 0; i < n; i++)
			put(x, j + i, g->list[j + i]);
	}
}

void fot_ivf_grow(struct fot_ivf *x, int64_t len)
{
	while (x->len < len) {
		int64_t end = x->age + 1 < x->n_ages ? start_of(x->age + 1) : len;

		end = end < len ? end : len;
		if (x->age >= 0)
			take_in(x, x->len, end);
		x->len = end;
		if (age_of(end) == x->age)
			continue;
		x->age++;
		train(x, &x->ages[x->age]);
		begin_lists(x);
		take_in(x, 0, end);
	}
}

void fot_ivf_cut(struct fot_ivf *x, int64_t len)
{
	int age = age_of(len);

	if (age == x->age)
		for (int64_t j = x->len - 1; j >= len && age >= 0; j--)
			take_out(x, x->ages[age].list[j]);
	x->len = len < x->len ? len : x->len;
	if (age >= x->age)
		return;
	x->age = age;
	if (age < 0)
		return;
	begin_lists(x);
	for (int64_t j = 0; j < len; j++)
		put(x, j, x->ages[age].list[j]);
}

/* ---- searching ------------------------------------------------------- */

void fot_ivf_lay_search(struct fot_ivf_search *s, struct fot_layout *y, int64_t cap, int64_t d, int64_t lists,
			int64_t probe)
{
	int64_t most = fot_ivf_lists(cap, lists), some = probe < most ? probe : most;

	fot_topk_lay(&s->lists, y, some);
	s->n = fot_layout_take(y, most + 1, sizeof *s->n);
	s->row = fot_layout_take(y, FOT_TILE_Q * some, sizeof *s->row);
	s->q = fot_layout_take(y, FOT_TILE_Q * d, sizeof *s->q);
	s->s = fot_layout_take(y, FOT_TILE_Q * FOT_PANEL, sizeof *s->s);
}

/* The lists that each query asks for; then the queries of list i are row[n[i] ... n[i + 1]). */
static void choose_lists(const struct fot_ivf *x, const struct fot_index_query *q, struct fot_ivf_search *s)
{
	const struct fot_ivf_age *g = &x->ages[x->age];
	int64_t d = x->keys.d, n = 0;
	struct fot_hit *hit;

	fot_attn_ask(q->a, q->q, d, 1);
	fot_topk_begin(&s->lists, q->n);
	for (int64_t j = 0; j < g->lists; j += FOT_TILE_K)
		fot_topk_offer(&s->lists, q->a, g->centroid + j * d, d,
			       g->lists - j < FOT_TILE_K ? g->lists - j : FOT_TILE_K, j);
	memset(s->n, 0, sizeof *s->n * (size_t)(g->lists + 1));
	for (int64_t i = 0; i < q->n; i++)
		for (int64_t h = fot_topk_end(&s->lists, i, &hit) - 1; h >= 0; h--)
			s->n[hit[h].key]++;
	for (int64_t i = 0; i <= g->lists; i++) /* where each ends */
		s->n[i] = (int32_t)(n += i < g->lists ? s->n[i] : 0);
	for (int64_t i = q->n - 1; i >= 0; i--)
		for (int64_t h = fot_topk_end(&s->lists, i, &hit) - 1; h >= 0; h--)
			s->row[--s->n[hit[h].key]] = (int32_t)i;
}

/* One list to the queries row [n] that ask for it. */
static void read_list(const struct fot_ivf *x, const struct fot_index_query *q, struct fot_topk *best,
		      struct fot_ivf_search *s, int64_t list, const int32_t *row, int64_t n)
{
	int64_t d = x->keys.d, panel = x->first[list];

	for (int64_t r = 0; r < n; r++)
		memcpy(s->q + r * d, q->q + row[r] * d, sizeof *s->q * (size_t)d);
	for (int64_t left = x->n[list]; left > 0; left -= FOT_PANEL, panel = x->next[panel]) {
		const int32_t *entry = x->entry + panel * FOT_PANEL;
		int64_t some = left < FOT_PANEL ? left : FOT_PANEL;
		bool plain = entry[0] >= q->from && entry[some - 1] < q->to && !q->bias;

		if (entry[0] >= q->to)
			return;
		if (entry[some - 1] < q->from)
			continue;
		fot_panel_scores(s->s, x->panel + panel * d * FOT_PANEL, s->q, d, n, d, NULL);
		for (int64_t r = 0; r < n; r++)
			(plain ? fot_topk_take(best, row[r], s->s + r * FOT_PANEL, entry, some) :
				 fot_index_offer(q, best, row[r], s->s + r * FOT_PANEL, entry, some));
	}
}

void fot_ivf_search(const struct fot_ivf *x, const struct fot_index_query *q, struct fot_topk *best,
		    struct fot_ivf_search *s)
{
	choose_lists(x, q, s);
	for (int64_t i = 0; i < x->ages[x->age].lists; i++)
		if (s->n[i + 1] > s->n[i] && x->n[i] > 0)
			read_list(x, q, best, s, i, s->row + s->n[i], s->n[i + 1] - s->n[i]);
}

#endif
