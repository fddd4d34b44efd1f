/* division.c: see division.h.
 *
 * Large items first, each to the emptiest shard (Graham 1969); the small ones then fill the shards, one after the
 * other, up to the level at which all would be equally full.  A shard is off the level by half an item at either end,
 * so by an eighth of its part at most where it holds no large one. */
#include "harness/run/division.h"

#include <math.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/run/schedule.h"

#define LARGE 0.125 /* of a shard's part */

const char *const fot_division_words[] = { "cost", "count", NULL };

struct entry {
	size_t item;
	double cost;
};

/* The largest first; equals in the plan's order. */
static int by_cost(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->cost < y->cost || x->cost > y->cost)
		return x->cost < y->cost ? 1 : -1;
	return (x->item > y->item) - (x->item < y->item);
}

static void give(struct fot_division *d, const struct entry *e, int64_t shard)
{
	d->shard[e->item] = (int32_t)shard;
	d->flops[shard] += e->cost;
	d->items[shard]++;
}

static void by_count(struct fot_division *d, const double *cost, size_t n)
{
	for (size_t i = 0; i < n; i++)
		give(d, &(struct entry){ i, cost[i] }, (int64_t)i % d->shards);
}

/* Is shard a emptier than b? Equals: the first. */
static bool emptier(const struct fot_division *d, int64_t a, int64_t b)
{
	return d->flops[a] < d->flops[b] || (!(d->flops[a] > d->flops[b]) && a < b);
}

/* Put the shard at the root of a heap, whose emptiest stands there, where it belongs. */
static void sift(const struct fot_division *d, int64_t *heap)
{
	for (int64_t at = 0, child; (child = 2 * at + 1) < d->shards; at = child) {
		int64_t moved = heap[at];

		if (child + 1 < d->shards && emptier(d, heap[child + 1], heap[child]))
			child++;
		if (!emptier(d, heap[child], moved))
			break;
		heap[at] = heap[child];
		heap[child] = moved;
	}
}

/* How full shards are when `more` has been poured over them, each filled up to the same level. full: [shards],
 * ascending. */
static double level_of(const double *full, int64_t shards, double more)
{
	double sum = full[0], level = sum + more;

	for (int64_t n = 1; n < shards && level > full[n]; n++) {
		sum += full[n];
		level = (sum + more) / (double)(n + 1);
	}
	return level;
}

/* The small ones in their order, laid end to end over the room of one shard after the other; each goes where its
 * middle lies. */
static void fill(struct fot_division *d, const double *cost, size_t n, double level)
{
	double before = 0, end = fmax(0, level - d->flops[0]);
	int64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (d->shard[i] >= 0)
			continue;
		while (at + 1 < d->shards && before + cost[i] / 2 > end) {
			at++;
			end += fmax(0, level - d->flops[at]);
		}
		give(d, &(struct entry){ i, cost[i] }, at);
		before += cost[i];
	}
}

static int by_cost_of(struct fot_division *d, const double *cost, size_t n, struct fot_err *err)
{
	struct entry *large = fot_alloc(n + 1, sizeof *large);
	double *full = fot_alloc((size_t)d->shards, sizeof *full), all = 0, small = 0;
	int64_t *heap = fot_alloc((size_t)d->shards, sizeof *heap);
	size_t n_large = 0;
	int status = large && full && heap ? FOT_OK : FOT_NO_MEMORY(err, "shards");

	if (status != FOT_OK)
		goto out;
	for (size_t i = 0; i < n; i++)
		all += cost[i];
	for (size_t i = 0; i < n; i++) {
		if (cost[i] > LARGE * all / (double)d->shards)
			large[n_large++] = (struct entry){ i, cost[i] };
		else
			small += cost[i];
	}
	qsort(large, n_large, sizeof *large, by_cost);
	for (int64_t k = 0; k < d->shards; k++)
		heap[k] = k;
	for (size_t i = 0; i < n_large; i++) {
		give(d, &large[i], heap[0]);
		sift(d, heap);
	}
	for (int64_t k = 0; k < d->shards; k++)
		full[k] = d->flops[k];
	qsort(full, (size_t)d->shards, sizeof *full, fot_by_real);
	fill(d, cost, n, level_of(full, d->shards, small));
out:
	fot_free(large);
	fot_free(full);
	fot_free(heap);
	return status;
}

int fot_division_of_costs(struct fot_division *d, const double *cost, size_t n, int64_t shards,
			  enum fot_division_kind kind, struct fot_err *err)
{
	int status = FOT_OK;

	*d = (struct fot_division){ .shards = shards,
				    .shard = fot_alloc(n + 1, sizeof *d->shard),
				    .flops = fot_calloc((size_t)shards, sizeof *d->flops),
				    .items = fot_calloc((size_t)shards, sizeof *d->items) };
	if (!d->shard || !d->flops || !d->items)
		status = FOT_NO_MEMORY(err, "shards");
	for (size_t i = 0; i < n && status == FOT_OK; i++)
		d->shard[i] = -1;
	if (status == FOT_OK && kind == FOT_DIVISION_COUNT)
		by_count(d, cost, n);
	else if (status == FOT_OK)
		status = by_cost_of(d, cost, n, err);
	if (status != FOT_OK)
		fot_division_release(d);
	return status;
}

static bool follows(const struct fot_item *a, const struct fot_item *b)
{
	return a->condition == b->condition && a->task == b->task && a->dataset == b->dataset;
}

int fot_division_make(struct fot_division *d, const struct fot_plan *p, int64_t shards,
		      enum fot_division_kind kind, struct fot_err *err)
{
	double *cost = fot_alloc(p->n_items + 1, sizeof *cost);
	int status;

	*d = (struct fot_division){ 0 };
	if (!cost)
		return FOT_NO_MEMORY(err, "shards");
	for (size_t i = 0; i < p->n_items; i++)
		cost[i] = fot_item_flops(p, &p->item[i], i > 0 && follows(&p->item[i - 1], &p->item[i]));
	status = fot_division_of_costs(d, cost, p->n_items, shards, kind, err);
	fot_free(cost);
	return status;
}

void fot_division_release(struct fot_division *d)
{
	fot_free(d->shard);
	fot_free(d->flops);
	fot_free(d->items);
	*d = (struct fot_division){ 0 };
}
