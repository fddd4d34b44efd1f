/* memory_index.c: see memory_index.h. */
#include "model/memory_index.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/dtype.h"

/* Of one thread. */
struct finding {
	float *q;     /* [FOT_TILE_Q, d] times the scale */
	void *search; /* the kind's */
};

static void *index_of(const struct fot_memory *m, int64_t h)
{
	return (char *)m->own + (size_t)h * m->ops->index->size;
}

void fot_indexed_lay(struct fot_memory *m, struct fot_layout *y)
{
	fot_rows_lay(m, y);
	m->own = fot_layout_take(y, m->n_heads, m->ops->index->size);
	for (int64_t h = 0; h < m->n_heads; h++) {
		size_t at = (size_t)(h * m->cap * m->head_dim) * fot_dtype_size(m->dtype);
		struct fot_keys keys = { m->k ? (const char *)m->k + at : NULL, m->dtype, m->head_dim };

		m->ops->index->lay(m->own ? index_of(m, h) : NULL, y, m, &keys);
	}
}

void fot_indexed_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	struct finding own;

	fot_rows_lay_scratch(s, m, y);
	fot_fold_lay_scratch(s, m, y, m->number[0]);
	fot_topk_lay(&s->topk, y, m->number[0]);
	s->own = fot_layout_take(y, 1, sizeof own);
	own.q = fot_layout_take(y, FOT_TILE_Q * m->head_dim, sizeof(float));
	own.search = fot_layout_take(y, 1, m->ops->index->search_size);
	m->ops->index->lay_search(own.search, y, m);
	if (s->own)
		*(struct finding *)s->own = own;
}

/* ---- the index ------------------------------------------------------- */

void fot_indexed_seal(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads)
{
	(void)from;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1) if (n_threads > 1)
	for (int64_t h = 0; h < m->n_heads; h++)
		m->ops->index->grow(index_of(m, h), to);
}

void fot_indexed_truncate(struct fot_memory *m, int64_t len)
{
	fot_rows_truncate(m, len);
	for (int64_t h = 0; h < m->n_heads; h++)
		m->ops->index->cut(index_of(m, h), len);
}

/* ---- reading --------------------------------------------------------- */

struct aging {
	const struct fot_memory *m;
	int64_t now;
};

static float aging(const void *of, int64_t entry)
{
	const struct aging *a = of;

	return fot_rows_age(a->m, entry, a->now);
}

void fot_indexed_find(const struct fot_memory *m, const struct fot_query *q)
{
	int64_t d = m->head_dim;
	struct finding *own = q->s->own;
	struct aging a = { m, q->now };
	struct fot_index_query ask = { .a = q->a,
				       .q = own->q,
				       .n = q->a->n_q,
				       .from = q->from,
				       .to = q->to,
				       .bias = m->decay > 0 ? aging : NULL,
				       .of = &a };

	for (int64_t i = 0; i < q->a->n_q; i++)
		for (int64_t c = 0; c < d; c++)
			own->q[i * d + c] = q->q[i * q->ldq + c] * q->scale;
	fot_topk_begin(&q->s->topk, q->a->n_q);
	if (!m->ops->index->search(index_of(m, q->h), m, &ask, &q->s->topk, own->search))
		fot_rows_search(m, q);
}

void fot_indexed_read(const struct fot_memory *m, const struct fot_query *q)
{
	if (q->scale == 0) {
		fot_rows_read(m, q);
		return;
	}
	fot_indexed_find(m, q);
	for (int64_t i = 0; i < q->a->n_q; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end_sorted(&q->s->topk, i, &hit);

		fot_rows_fold(m, q, i, hit, n);
	}
}

void fot_indexed_read_groups(const struct fot_memory *m, const struct fot_query *q,
			     const struct fot_memory_groups *g)
{
	if (g->all) {
		fot_rows_read_groups(m, q, g);
		return;
	}
	fot_indexed_find(m, q);
	for (int64_t i = 0; i < g->n_rows; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end_sorted(&q->s->topk, g->row[i], &hit);

		fot_hits_to_groups(hit, n, q->from, g, g->out + i * g->n);
	}
}

struct fot_reads fot_indexed_reads(const struct fot_memory *m, double entries)
{
	double n = entries < m->number[0] ? entries : m->number[0], keys = m->ops->index->scored(m, entries);

	return (struct fot_reads){ keys > n ? keys : n, n };
}

#endif
