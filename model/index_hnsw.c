/* index_hnsw.c: see index_hnsw.h. */
#include "model/index_hnsw.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "base/rng.h"

#define BITS 64
#define APPENDED (-1) /* a link that took no other's place, and one that was not made */
#define UNMADE (-2)

/* ---- sizes ----------------------------------------------------------- */

void fot_hnsw_lay_walk(struct fot_hnsw_walk *w, struct fot_layout *y, int64_t cap, int64_t d, int64_t m,
		       int64_t ef)
{
	int64_t most = cap / FOT_HNSW_SCAN + 1,
		width = (d + FOT_CODE_UNIT - 1) / FOT_CODE_UNIT * FOT_CODE_UNIT;

	w->most = ef > most ? ef : most;
	w->most = w->most < cap ? w->most : cap;
	w->near = fot_layout_take(y, w->most + 1, sizeof *w->near);
	w->met = fot_layout_take(y, cap / BITS + 1, sizeof *w->met);
	w->fresh = fot_layout_take(y, 2 * m, sizeof *w->fresh);
	w->q = fot_layout_take(y, width, sizeof *w->q);
	w->found = fot_layout_take(y, w->most, sizeof *w->found);
	w->row = fot_layout_take(y, FOT_SPREAD * d, sizeof *w->row);
}

static void lay_links(struct fot_hnsw_links *k, struct fot_layout *y, int64_t places, int64_t most, int64_t m)
{
	k->most = most;
	k->n = fot_layout_take(y, places, sizeof *k->n);
	k->to = fot_layout_take(y, places * most, sizeof *k->to);
	k->was = fot_layout_take(y, places * m, sizeof *k->was);
}

void fot_hnsw_lay(struct fot_hnsw *x, struct fot_layout *y, const struct fot_keys *keys, int64_t cap,
		  int64_t m)
{
	/* cap / (m - 1) are expected, and no entry above this room gets a level. */
	*x = (struct fot_hnsw){ .keys = *keys, .cap = cap, .m = m, .room = cap / (m - 1) * 5 / 4 + BITS };
	fot_codes_lay(&x->codes, y, cap, keys->d);
	x->level = fot_layout_take(y, cap, sizeof *x->level);
	x->place = fot_layout_take(y, cap, sizeof *x->place);
	lay_links(&x->low, y, cap, 2 * m, m);
	lay_links(&x->high, y, x->room, m, m);
	fot_hnsw_lay_walk(&x->walk, y, cap, keys->d, m, FOT_HNSW_REACH);
}

/* ---- links ----------------------------------------------------------- */

struct links {
	int32_t *n, *to, *was;
	int64_t most;
};

static struct links links_of(const struct fot_hnsw *x, int64_t entry, int level)
{
	const struct fot_hnsw_links *k = level > 0 ? &x->high : &x->low;
	int64_t at = level > 0 ? x->place[entry] + level - 1 : entry;

	return (struct links){ k->n + at, k->to + at * k->most, k->was + at * x->m, k->most };
}

static const int8_t *code_of(const struct fot_hnsw *x, int64_t entry)
{
	return x->codes.code + entry * x->codes.width;
}

/* The inner product of two entries. */
static float likeness(const struct fot_hnsw *x, int64_t a, int64_t b)
{
	float dot = (float)fot_codes_dot(code_of(x, a), code_of(x, b), x->codes.width);

	return dot * (x->codes.step[a] * x->codes.step[b]);
}

/* ---- walking --------------------------------------------------------- */

/* What a walk is after: large products with step * q. */
struct aim {
	const int16_t *q;
	float step;
};

static float score_of(const struct fot_hnsw *x, const struct aim *a, int64_t entry)
{
	return (float)fot_codes_ask(code_of(x, entry), a->q, x->codes.width) *
	       (a->step * x->codes.step[entry]);
}

static bool met(uint64_t *bits, int32_t entry)
{
	uint64_t *word = bits + entry / BITS, bit = UINT64_C(1) << entry % BITS;
	bool was = *word & bit;

	*word |= bit;
	return was;
}

/* Into the best `most`; *open moves before it. */
static bool come_near(struct fot_hnsw_walk *w, int64_t most, float score, int32_t entry, int64_t *open)
{
	int64_t low = 0, high = w->n;

	if (w->n == most && !(score > w->near[w->n - 1].score))
		return false;
	while (low < high) {
		int64_t mid = (low + high) / 2;

		if (w->near[mid].score < score)
			high = mid;
		else
			low = mid + 1;
	}
	w->n -= w->n == most;
	memmove(w->near + low + 1, w->near + low, sizeof *w->near * (size_t)(w->n - low));
	w->near[low] = (struct fot_hnsw_near){ score, entry, false };
	w->n++;
	*open = low < *open ? low : *open;
	return true;
}

/* They may be followed soon. */
static void fetch_links(const struct fot_hnsw *x, int64_t entry, int level)
{
	struct links k = links_of(x, entry, level);

	__builtin_prefetch(k.n);
	for (int64_t i = 0; i < k.most; i += 16)
		__builtin_prefetch(k.to + i);
}

/* The links of an entry that were not met yet. */
static int64_t fresh_links(const struct fot_hnsw *x, struct fot_hnsw_walk *w, int64_t entry, int level)
{
	struct links k = links_of(x, entry, level);
	int64_t n = 0;

	for (int32_t i = 0; i < *k.n; i++)
		if (!met(w->met, k.to[i])) {
			__builtin_prefetch(code_of(x, k.to[i]));
			__builtin_prefetch(x->codes.step + k.to[i]);
			w->fresh[n++] = k.to[i];
		}
	return n;
}

/* From the entries that w holds on, w->near becomes the `most` best that the level's links lead to. */
static void walk(const struct fot_hnsw *x, struct fot_hnsw_walk *w, const struct aim *a, int level,
		 int64_t most)
{
	memset(w->met, 0, (size_t)(x->len / BITS + 1) * sizeof *w->met);
	for (int64_t i = 0; i < w->n; i++) {
		met(w->met, w->near[i].entry);
		w->near[i].done = false;
	}
	for (int64_t open = 0; open < w->n;) {
		int64_t n;

		if (w->near[open].done) {
			open++;
			continue;
		}
		w->near[open].done = true;
		n = fresh_links(x, w, w->near[open].entry, level);
		for (int64_t i = 0; i < n; i++)
			if (come_near(w, most, score_of(x, a, w->fresh[i]), w->fresh[i], &open))
				fetch_links(x, w->fresh[i], level);
	}
}

/* Down to level `level`, to the nearest entry. */
static void descend(const struct fot_hnsw *x, struct fot_hnsw_walk *w, const struct aim *a, int level)
{
	int32_t top = x->top[x->n_tops - 1];

	w->near[0] = (struct fot_hnsw_near){ score_of(x, a, top), top, false };
	w->n = 1;
	for (int l = x->level[top]; l > level; l--)
		walk(x, w, a, l, 1);
}

/* ---- inserting ------------------------------------------------------- */

static int draw_level(const struct fot_hnsw *x, int64_t entry)
{
	struct fot_rng r;
	double level;

	fot_rng_init(&r, 0, "memory.hnsw", (uint64_t)entry);
	level = floor(-log(1 - fot_rng_uniform(&r)) / log((double)x->m));
	level = level < FOT_HNSW_LEVELS - 1 ? level : FOT_HNSW_LEVELS - 1;
	return x->used + (int64_t)level <= x->room ? (int)level : 0;
}

/* Is b nearer to one of the n entries `to` than to a, to which it is as near as `near`? */
static bool hidden(const struct fot_hnsw *x, const int32_t *to, int64_t n, int32_t b, float near)
{
	for (int64_t i = 0; i < n; i++)
		if (likeness(x, to[i], b) > near)
			return true;
	return false;
}

/* Up to m of those that w holds: the nearest, without those that are nearer to one taken before. */
static void choose(const struct fot_hnsw *x, const struct fot_hnsw_walk *w, const struct links *k)
{
	*k->n = 0;
	for (int64_t i = 0; i < w->n && *k->n < x->m; i++)
		if (!hidden(x, k->to, *k->n, w->near[i].entry, w->near[i].score))
			k->to[(*k->n)++] = w->near[i].entry;
}

/* The place of the link that entry `a` gives up for one to b; -1: the one to b is not made. */
static int64_t worst_link(const struct fot_hnsw *x, int32_t a, const struct links *k, int32_t b)
{
	float least = likeness(x, a, b);
	int64_t worst = -1;

	for (int64_t i = 0; i < *k->n; i++) {
		float near = likeness(x, a, k->to[i]);

		if (near < least) {
			least = near;
			worst = i;
		}
	}
	return worst;
}

/* The link from a to the new entry; returns what stood in its place. */
static int32_t link_back(const struct fot_hnsw *x, int32_t a, int level, int32_t entry)
{
	struct links k = links_of(x, a, level);
	int32_t was = APPENDED;
	int64_t at = *k.n;

	if (at == k.most) {
		at = worst_link(x, a, &k, entry);
		if (at < 0)
			return UNMADE;
		was = k.to[at];
	} else {
		(*k.n)++;
	}
	k.to[at] = entry;
	return was;
}

static void insert(struct fot_hnsw *x, int32_t entry)
{
	const float *key = fot_keys_rows(&x->keys, entry, 1, x->walk.row);
	int level = draw_level(x, entry), top = x->n_tops ? x->level[x->top[x->n_tops - 1]] : -1;
	struct aim a = { x->walk.q, 0 };

	fot_codes_put(&x->codes, entry, key);
	x->level[entry] = (uint8_t)level;
	x->place[entry] = (int32_t)x->used;
	x->used += level;
	for (int64_t c = 0; c < x->codes.width; c++)
		x->walk.q[c] = code_of(x, entry)[c];
	a.step = x->codes.step[entry];
	if (top >= 0)
		descend(x, &x->walk, &a, level);
	for (int l = level; l >= 0; l--) {
		struct links k = links_of(x, entry, l);

		*k.n = 0;
		if (l > top)
			continue;
		walk(x, &x->walk, &a, l, FOT_HNSW_REACH);
		choose(x, &x->walk, &k);
		for (int32_t i = 0; i < *k.n; i++)
			k.was[i] = link_back(x, k.to[i], l, entry);
	}
	if (level > top)
		x->top[x->n_tops++] = entry;
}

static void take_out(struct fot_hnsw *x, int32_t entry)
{
	for (int l = 0; l <= x->level[entry]; l++) {
		struct links k = links_of(x, entry, l);

		for (int32_t i = *k.n - 1; i >= 0; i--) {
			struct links other = links_of(x, k.to[i], l);
			int64_t at = 0;

			if (k.was[i] == UNMADE)
				continue;
			while (other.to[at] != entry)
				at++;
			other.to[at] = k.was[i];
			*other.n -= k.was[i] == APPENDED;
		}
	}
	x->used -= x->level[entry];
	x->n_tops -= x->top[x->n_tops - 1] == entry;
}

void fot_hnsw_grow(struct fot_hnsw *x, int64_t len)
{
	for (; x->len < len; x->len++)
		insert(x, (int32_t)x->len);
}

void fot_hnsw_cut(struct fot_hnsw *x, int64_t len)
{
	while (x->len > len)
		take_out(x, (int32_t)--x->len);
}

/* ---- searching ------------------------------------------------------- */

/* The entries in sight of those that w holds, in their order; if these are too few, all in sight one by one. */
static void offer_found(const struct fot_hnsw *x, const struct fot_index_query *q, int64_t i,
			struct fot_topk *best, struct fot_hnsw_walk *w)
{
	int64_t n = 0, all = q->to - q->from;

	for (int64_t j = 0; j < w->n; j++)
		if (w->near[j].entry >= q->from && w->near[j].entry < q->to)
			w->found[n++] = w->near[j].entry;
	if (n >= best->k || n >= all) {
		fot_index_rescore(q, &x->keys, best, i, w->found, n, w->row);
		return;
	}
	for (int64_t j = q->from, some; j < q->to; j += some) {
		some = q->to - j < w->most ? q->to - j : w->most;
		for (int64_t at = 0; at < some; at++)
			w->found[at] = (int32_t)(j + at);
		fot_index_rescore(q, &x->keys, best, i, w->found, some, w->row);
	}
}

bool fot_hnsw_search(const struct fot_hnsw *x, const struct fot_index_query *q, int64_t ef,
		     struct fot_topk *best, struct fot_hnsw_walk *w)
{
	int64_t seen = q->to - q->from;
	struct aim a = { .q = w->q };

	if (seen <= 0 || ef > seen / FOT_HNSW_SCAN || (ef = ef * x->len / seen) > seen / FOT_HNSW_SCAN)
		return false;
	for (int64_t i = 0; i < q->n; i++) {
		a.step = fot_codes_query(&x->codes, w->q, q->q + i * x->keys.d);
		descend(x, w, &a, 0);
		walk(x, w, &a, 0, ef);
		offer_found(x, q, i, best, w);
	}
	return true;
}

#endif
