/* memory_knn.c: every query sees the top_k entries of the largest scores, exactly: all are scored. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

static void lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	fot_rows_lay_scratch(s, m, y);
	fot_choice_lay_scratch(s, m, y);
}

static void read_best(const struct fot_memory *m, const struct fot_query *q)
{
	if (q->scale == 0) {
		fot_rows_read(m, q);
		return;
	}
	fot_rows_search(m, q);
	for (int64_t i = 0; i < q->a->n_q; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end(&q->s->topk, i, &hit);

		fot_rows_fold(m, q, i, hit, n);
	}
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	if (g->all) {
		fot_rows_read_groups(m, q, g);
		return;
	}
	fot_rows_search(m, q);
	for (int64_t i = 0; i < g->n_rows; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end(&q->s->topk, g->row[i], &hit);

		fot_hits_to_groups(hit, n, q->from, g, g->out + i * g->n);
	}
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	return (struct fot_reads){ entries, entries < m->top_k ? entries : m->top_k };
}

const struct fot_memory_ops fot_memory_knn = {
	.word = "knn",
	.counts = true,
	.lay = fot_rows_lay,
	.lay_scratch = lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = read_best,
	.read_groups = read_groups,
	.reads = reads,
};

#endif
