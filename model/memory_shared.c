/* memory_shared.c: every query sees the K entries of the largest mean score over all heads of its layer: one choice for all of
 * them, as TokenSelect makes it (Wu et al. 2024, "TokenSelect: Efficient Long-Context Inference and Length Extrapolation
 * for LLMs via Dynamic Token-Level KV Cache Selection", arXiv 2411.02886).  There heads vote with their softmax over all
 * tokens; here with their scores, so that a head of large scores has more to say.
 *
 * The sum over heads of q . k is one product of the queries and keys of all heads side by side, queries of heads that
 * share keys added up.  Head 0 makes it, those behind it find what it chose in the scratch (`together` in memory.h). */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

/* Of one thread. */
struct voting {
	struct fot_attn a; /* of queries of all heads side by side */
	float *q;          /* [FOT_TILE_Q, width] */
	float *k;          /* [FOT_TILE_K, width] */
	/* What the searches of the scratch hold the entries of. */
	const float *of; /* [n_q] rows, all heads side by side; NULL: nothing */
	int64_t n_q, from, to, now;
};

static int64_t width_of(const struct fot_memory *m)
{
	return m->n_heads * m->head_dim;
}

static void lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	int64_t width = width_of(m), need = fot_attn_need(width, 0, NULL);
	struct voting own = { 0 };
	float *mem;

	fot_rows_lay_scratch(s, m, y);
	fot_fold_lay_scratch(s, m, y, FOT_TILE_K);
	fot_topk_lay(&s->topk, y, m->number[0] < m->cap ? m->number[0] : m->cap);
	s->own = fot_layout_take(y, 1, sizeof own);
	own.q = fot_layout_take(y, FOT_TILE_Q * width, sizeof(float));
	own.k = fot_layout_take(y, FOT_TILE_K * width, sizeof(float));
	mem = fot_layout_take(y, need, sizeof(float));
	if (!s->own)
		return;
	fot_attn_bind(&own.a, mem, width, 0, NULL);
	*(struct voting *)s->own = own;
}

static void ask_together(const struct fot_memory *m, const struct fot_query *q, struct voting *own)
{
	int64_t d = m->head_dim, width = width_of(m);

	memset(own->q, 0, sizeof *own->q * (size_t)(q->a->n_q * width));
	for (int64_t i = 0; i < q->a->n_q; i++)
		for (int64_t x = 0; x < m->n_heads * m->group; x++)
			for (int64_t c = 0; c < d; c++)
				own->q[i * width + x / m->group * d + c] +=
					q->q[i * q->ldq + (x - q->head) * d + c];
	fot_attn_begin(&own->a, q->a->n_q);
	fot_attn_ask(&own->a, own->q, width, 1);
}

/* Did an earlier head of these queries choose for this one? */
static bool chosen(const struct fot_memory *m, const struct fot_query *q, const struct voting *own)
{
	return q->head > 0 && own->of == q->q - q->head * m->head_dim && own->n_q == q->a->n_q && own->from == q->from &&
	       own->to == q->to && own->now == q->now;
}

/* The searches of the scratch then hold the entries of each query. */
static void choose(const struct fot_memory *m, const struct fot_query *q)
{
	int64_t d = m->head_dim, width = width_of(m);
	float bias[FOT_TILE_K], heads = (float)(m->n_heads * m->group);
	struct voting *own = q->s->own;

	if (chosen(m, q, own))
		return;
	own->of = q->q - q->head * d;
	own->n_q = q->a->n_q;
	own->from = q->from;
	own->to = q->to;
	own->now = q->now;
	ask_together(m, q, own);
	fot_topk_begin(&q->s->topk, q->a->n_q);
	for (int64_t j = q->from; j < q->to; j += FOT_TILE_K) {
		int64_t n = q->to - j < FOT_TILE_K ? q->to - j : FOT_TILE_K;

		for (int64_t h = 0; h < m->n_heads; h++) {
			const float *k = fot_rows_of(m, m->k, h, j, n, q->s->k);

			for (int64_t i = 0; i < n; i++)
				memcpy(own->k + i * width + h * d, k + i * d, sizeof *k * (size_t)d);
		}
		for (int64_t i = 0; i < n;
		     i++) /* what every head's score loses, in units of the sum of products */
			bias[i] = fot_rows_age(m, j + i, q->now) * heads / q->scale;
		own->a.bias = m->decay > 0 ? bias : NULL;
		fot_topk_offer(&q->s->topk, &own->a, own->k, width, n, j);
	}
	own->a.bias = NULL;
}

/* What query i of the state sees goes into its softmax or, unless g is NULL, to its groups. */
static void see(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		const struct fot_memory_groups *g, double *out)
{
	struct fot_hit *hit;
	int64_t n = fot_topk_end(&q->s->topk, i, &hit);

	for (int64_t j = 0; j < n; j++)
		hit[j] = fot_rows_hit(m, q, i, hit[j].key);
	for (int64_t j = 0; j < n; j += FOT_TILE_K)
		fot_rows_take(m, q, i, hit + j, n - j < FOT_TILE_K ? n - j : FOT_TILE_K, g, out);
}

static void read_shared(const struct fot_memory *m, const struct fot_query *q)
{
	if (q->scale == 0 || q->from >= q->to) {
		fot_rows_read(m, q);
		return;
	}
	choose(m, q);
	for (int64_t i = 0; i < q->a->n_q; i++)
		see(m, q, i, NULL, NULL);
}

static void read_groups(const struct fot_memory *m, const struct fot_query *q,
			const struct fot_memory_groups *g)
{
	if (g->all || q->from >= q->to) {
		fot_rows_read_groups(m, q, g);
		return;
	}
	choose(m, q);
	for (int64_t r = 0; r < g->n_rows; r++)
		see(m, q, g->row[r], g, g->out + r * g->n);
}

static struct fot_reads reads(const struct fot_memory *m, double entries)
{
	double n = entries < m->number[0] ? entries : m->number[0];

	return (struct fot_reads){ entries / (double)m->group + n, n }; /* a head's share of one product */
}

const struct fot_memory_ops fot_memory_shared = {
	.word = "shared",
	.together = true,
	.takes = { { ":", "K" } },
	.lay = fot_rows_lay,
	.lay_scratch = lay_scratch,
	.append = fot_rows_append,
	.truncate = fot_rows_truncate,
	.read = read_shared,
	.read_groups = read_groups,
	.reads = reads,
};

#endif
