#include "tests/unit/slow_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

double slow_stored(const struct look *l, const void *side, int64_t j, int c)
{
	float buf[D];

	return (double)fot_rows_of(l->m, side, l->head / 2, j, 1, buf)[c];
}

double slow_score(const struct look *l, int64_t j)
{
	double dot = 0;

	for (int c = 0; c < D; c++)
		dot += (double)l->q[c] * slow_stored(l, l->m->k, j, c);
	return dot * (double)SCALE -
	       (l->m->decay > 0 ? l->m->decay * log(1 + (double)(l->to - 1 - j) / (double)l->m->unit) : 0);
}

/* ---- what is seen ---------------------------------------------------- */

void slow_look_recent(struct look *l)
{
	for (int64_t j = l->from; j < l->to; j++)
		l->seen[j] = l->to - j <= l->m->number[0];
}

void slow_look_sinks(struct look *l)
{
	for (int64_t j = l->from; j < l->to; j++)
		l->seen[j] = l->to - j <= l->m->number[1] || j - l->from < l->m->number[0];
}

/* Floyd: for each j of the last K numbers one up to j, or j itself where that was drawn. */
void slow_look_random(struct look *l)
{
	int64_t all = l->to - l->from, k = l->m->number[0] < all ? l->m->number[0] : all;
	struct fot_rng r;

	fot_rng_init(&r, 0, "memory.random",
		     (uint64_t)l->position * (1 << 24) + (uint64_t)l->m->layer * (1 << 12) +
			     (uint64_t)l->head);
	for (int64_t j = all - k; j < all; j++) {
		int64_t x = k < all ? (int64_t)fot_rng_below(&r, (uint64_t)j + 1) : j;

		if (l->seen[l->to - 1 - x])
			x = j;
		l->seen[l->to - 1 - x] = true;
	}
}

static double moba_worth(const struct look *l, int64_t from, int64_t to)
{
	double sum = 0;

	for (int64_t j = from; j < to; j++)
		for (int c = 0; c < D; c++)
			sum += (double)l->q[c] * slow_stored(l, l->m->k, j, c);
	return sum / (double)(to - from);
}

static double quest_worth(const struct look *l, int64_t from, int64_t to)
{
	double sum = 0;

	for (int c = 0; c < D; c++) {
		double best = -INFINITY;

		for (int64_t j = from; j < to; j++)
			best = fmax(best, (double)l->q[c] * slow_stored(l, l->m->k, j, c));
		sum += best;
	}
	return sum;
}

static void look_blocks(struct look *l, double (*worth)(const struct look *l, int64_t from, int64_t to))
{
	int64_t size = l->m->number[0], first = l->from / size, last = (l->to + size - 1) / size;
	static double of[CAP];

	for (int64_t b = first; b < last; b++)
		of[b] = worth(l, b * size > l->from ? b * size : l->from,
			      (b + 1) * size < l->to ? (b + 1) * size : l->to);
	for (int64_t b = first; b < last; b++) {
		int64_t before = 0;

		for (int64_t o = first; o < last; o++)
			before += of[o] > of[b] || (!(of[o] < of[b]) && o < b);
		for (int64_t j = b * size; j < (b + 1) * size && j < l->to; j++)
			l->seen[j] = j >= l->from && before < l->m->number[1];
	}
}

void slow_look_moba(struct look *l)
{
	look_blocks(l, moba_worth);
}

void slow_look_quest(struct look *l)
{
	look_blocks(l, quest_worth);
}

/* The mean over heads of their scores; of age each loses the same. */
static double shared_worth(const struct look *l, int64_t j)
{
	struct look other = *l;
	double sum = 0;

	for (other.head = 0; other.head < HQ; other.head++)
		for (int c = 0; c < D; c++)
			sum += (double)l->q[(other.head - l->head) * D + c] *
			       slow_stored(&other, l->m->k, j, c);
	return sum * (double)SCALE / HQ -
	       (l->m->decay > 0 ? l->m->decay * log(1 + (double)(l->to - 1 - j) / (double)l->m->unit) : 0);
}

/* ---- what a window's queries say ------------------------------------- */

/* What a query of the text scored, of entry i and head x, key j. */
static double asked(const struct look *l, int64_t i, int64_t x, int64_t j)
{
	struct look other = *l;
	double dot = 0;

	other.head = x;
	for (int c = 0; c < D; c++)
		dot += (double)l->w->asked[(i * HQ + x) * D + c] * slow_stored(&other, l->m->k, j, c);
	return dot;
}

static int64_t window_end(const struct look *l, int64_t j)
{
	int64_t i = 0;

	while (i < l->w->n_windows && l->w->start[i] <= j)
		i++;
	return i < l->w->n_windows ? l->w->start[i] : l->m->len;
}

/* The mean of what the queries from its own to the window's last, of both heads together, give entry j. */
static double representative(const struct look *l, int64_t j)
{
	int64_t end = window_end(l, j), h = l->head / 2;
	double *sum = &l->w->worth[h][j];

	if (fabs(*sum) > 0)
		return *sum;
	for (int64_t i = j; i < end; i++)
		*sum += (asked(l, i, 2 * h, j) + asked(l, i, 2 * h + 1, j)) / (double)(end - j);
	return *sum;
}

static double infllm_worth(const struct look *l, int64_t from, int64_t to)
{
	static double of[CAP];
	double sum = 0, n = 0;

	for (int64_t j = from; j < to; j++)
		of[j] = representative(l, j);
	for (int64_t j = from; j < to; j++) {
		int64_t before = 0;

		for (int64_t o = from; o < to; o++)
			before += of[o] > of[j] || (!(of[o] < of[j]) && o < j);
		if (before >= l->m->number[2])
			continue;
		n++;
		for (int c = 0; c < D; c++)
			sum += (double)l->q[c] * slow_stored(l, l->m->k, j, c);
	}
	return sum / n;
}

void slow_look_infllm(struct look *l)
{
	look_blocks(l, infllm_worth);
}

/* ---- what is kept ---------------------------------------------------- */

struct candidate {
	int64_t entry;
	double worth;
};

static double dot_of(const struct look *l, int64_t i, int64_t j)
{
	double dot = 0;

	for (int c = 0; c < D; c++)
		dot += slow_stored(l, l->m->k, i, c) * slow_stored(l, l->m->k, j, c);
	return dot;
}

static void worth_knorm(const struct look *l, struct candidate *x, int64_t n, int64_t end)
{
	(void)end;
	for (int64_t i = 0; i < n; i++)
		x[i].worth = -sqrt(dot_of(l, x[i].entry, x[i].entry));
}

static void worth_keydiff(const struct look *l, struct candidate *x, int64_t n, int64_t end)
{
	double anchor[D] = { 0 }, norm = 0;

	(void)end;
	for (int64_t i = 0; i < n; i++)
		for (int c = 0; c < D; c++)
			anchor[c] += slow_stored(l, l->m->k, x[i].entry, c) /
				     sqrt(dot_of(l, x[i].entry, x[i].entry)) / (double)n;
	for (int c = 0; c < D; c++)
		norm += anchor[c] * anchor[c];
	for (int64_t i = 0; i < n; i++) {
		double dot = 0;

		for (int c = 0; c < D; c++)
			dot += anchor[c] * slow_stored(l, l->m->k, x[i].entry, c);
		x[i].worth = -dot / sqrt(norm * dot_of(l, x[i].entry, x[i].entry));
	}
}

/* worth += softmax of the query of entry i, head x, over the candidates that it sees. */
static void add_softmax(const struct look *l, struct candidate *x, int64_t n, int64_t i, int64_t head)
{
	double sum = 0;

	for (int64_t j = 0; j < n; j++)
		sum += x[j].entry <= i ? exp((double)SCALE * asked(l, i, head, x[j].entry)) : 0;
	for (int64_t j = 0; j < n; j++)
		x[j].worth += x[j].entry <= i ? exp((double)SCALE * asked(l, i, head, x[j].entry)) / sum : 0;
}

static void worth_snapkv(const struct look *l, struct candidate *x, int64_t n, int64_t end)
{
	int64_t b = l->m->number[0], last = b < 64 ? (b + 1) / 2 : 32, window = 0;
	static double raw[CAP];

	while (window < n && x[n - 1 - window].entry >= l->from &&
	       window_end(l, x[n - 1 - window].entry) == end)
		window++;
	last = last < window ? last : window;
	for (int64_t i = end - last; i < end; i++)
		for (int64_t g = 0; g < 2; g++)
			add_softmax(l, x, n, i, l->head / 2 * 2 + g);
	for (int64_t i = 0; i < n; i++)
		raw[i] = x[i].worth;
	for (int64_t i = 0; i < n; i++) {
		x[i].worth = i >= n - last ? 1e9 : 0;
		for (int64_t j = i - 2; j <= i + 2 && i < n - last; j++)
			x[i].worth += j >= 0 && j < n - last ? raw[j] / 5 : 0;
	}
}

static void worth_tova(const struct look *l, struct candidate *x, int64_t n, int64_t end)
{
	for (int64_t head = 0; head < HQ; head++)
		add_softmax(l, x, n, end - 1, head);
}

static int by_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->worth > y->worth || x->worth < y->worth)
		return x->worth > y->worth ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static int by_entry(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->entry > y->entry) - (x->entry < y->entry);
}

void slow_look_shared(struct look *l)
{
	static struct candidate x[CAP];
	int64_t n = l->to - l->from;

	for (int64_t i = 0; i < n; i++)
		x[i] = (struct candidate){ l->from + i, shared_worth(l, l->from + i) };
	qsort(x, (size_t)n, sizeof *x, by_worth);
	for (int64_t i = 0; i < n && i < l->m->number[0]; i++)
		l->seen[x[i].entry] = true;
}

static void look_kept(struct look *l,
		      void (*worth)(const struct look *l, struct candidate *x, int64_t n, int64_t end))
{
	static struct candidate x[CAP];
	int64_t n = 0, b = l->m->number[0];

	for (int64_t j = l->from; j < l->to;) {
		int64_t end = window_end(l, j);

		for (; j < end; j++)
			x[n++] = (struct candidate){ .entry = j };
		if (n <= b)
			continue;
		for (int64_t i = 0; i < n; i++)
			x[i].worth = 0;
		worth(l, x, n, end);
		qsort(x, (size_t)n, sizeof *x, by_worth);
		n = b;
		qsort(x, (size_t)n, sizeof *x, by_entry);
	}
	for (int64_t i = 0; i < n; i++)
		l->seen[x[i].entry] = true;
}

void slow_look_knorm(struct look *l)
{
	look_kept(l, worth_knorm);
}

void slow_look_keydiff(struct look *l)
{
	look_kept(l, worth_keydiff);
}

void slow_look_snapkv(struct look *l)
{
	look_kept(l, worth_snapkv);
}

void slow_look_tova(struct look *l)
{
	look_kept(l, worth_tova);
}

struct scored {
	double score;
	int64_t entry;
};

static int better_first(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score > y->score || x->score < y->score)
		return x->score > y->score ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

/* The best by the score that reading takes; of equal ones the earlier. */
void slow_look_best(struct look *l)
{
	static struct scored of[CAP];
	int64_t n = l->to - l->from;

	for (int64_t j = 0; j < n; j++)
		of[j] = (struct scored){ slow_score(l, l->from + j), l->from + j };
	qsort(of, (size_t)n, sizeof *of, better_first);
	for (int64_t j = 0; j < n && j < l->m->number[0]; j++)
		l->seen[of[j].entry] = true;
}
