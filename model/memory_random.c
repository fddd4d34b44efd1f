/* memory_random.c: every query sees K entries of those in reach, drawn without replacement: the control that spends what
 * the best K do and knows nothing.
 *
 * The draw hangs on the query's position, layer and head alone (Floyd's sampling; Bentley and Floyd 1987), so a
 * rewind or another thread draws the same.  It numbers entries from the last one backwards. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "base/rng.h"

#define BITS 64

static void lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	fot_rows_lay_scratch(s, m, y);
	fot_fold_lay_scratch(s, m, y, FOT_TILE_K);
	s->own = fot_layout_take(y, m->cap / BITS + 1, sizeof(uint64_t)); /* who was drawn */
}

/* Is the bit new? Then it is set. */
static bool draw(uint64_t *drawn, uint64_t bit)
{
	uint64_t *word = drawn + bit / BITS, mask = UINT64_C(1) << bit % BITS;

	if (*word & mask)
		return false;
	*word |= mask;
	return true;
}

/* What query i of the state sees goes into its softmax or, unless g is NULL, to its groups. */
static void see(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		const struct fot_memory_groups *g, double *out)
{
	int64_t all = q->to - q->from, n = 0;
	struct fot_hit hit[FOT_TILE_K];
	uint64_t item = (uint64_t)(q->now + q->place[i]) << 24 | (uint64_t)m->layer << 12 | (uint64_t)q->head;
	struct fot_rng r;

	fot_rng_init(&r, 0, "memory.random", item);
	memset(q->s->own, 0, (size_t)(all / BITS + 1) * sizeof(uint64_t));
	for (int64_t j = all - m->number[0]; j < all; j++) {
		uint64_t x = fot_rng_below(&r, (uint64_t)j + 1);

		if (!draw(q->s->own, x)) {
			x = (uint64_t)j;
			draw(q->s->own, x);
		}
		x = (uint64_t)q->to - 1 - x;
		hit[n] = fot_rows_hit(m, q, i, (int64_t)x);
		if (++n == FOT_TILE_K || j == all - 1) {
			fot_rows_take(m, q, i, hit, n, g, out);
			n = 0;
		}
	}
}

static void read_drawn(const struct fot_memory *m, const struct fot_query *q)
{
	if (q->scale == 0 || q->to - q->from <= m->number[0]) {
		fot_rows_read(m, q);
		return;
	}
	for (int64_t i = 0; i < q->a->n_q; i++)
		see(m, q, i, NULL, NULL);
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	if (g->all || q->to - q->from <= m->number[0]) {
		fot_rows_read_groups(m, q, g);
		return;
	}
	for (int64_t r = 0; r < g->n_rows; r++)
		see(m, q, g->row[r], g, g->out + r * g->n);
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	double n = entries < m->number[0] ? entries : m->number[0];

	return (struct fot_reads){ n, n };
}

const struct fot_memory_ops fot_memory_random = {
	.word = "random",
	.takes = { { ":", "K" } },
	.lay = fot_rows_lay,
	.lay_scratch = lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = read_drawn,
	.read_groups = read_groups,
	.reads = reads,
};

#endif
