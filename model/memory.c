/* memory.c: entries as rows, for the kinds that keep them.  Tiles of FOT_TILE_K entries are the unit
 * of reading; bfloat16 entries are widened tile by tile. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>

#include "model/dtype.h"
#include "model/ops.h"

void fot_rows_lay(struct fot_memory *m, struct fot_layout *y)
{
	m->k = fot_layout_take(y, m->n_heads * m->cap * m->head_dim, fot_dtype_size(m->dtype));
	m->v = fot_layout_take(y, m->n_heads * m->cap * m->head_dim, fot_dtype_size(m->dtype));
}

/* Numbers of a row that must be widened before it is read. */
static int64_t wide(const struct fot_memory *m)
{
	return m->dtype == FOT_F32 ? 0 : m->head_dim;
}

void fot_rows_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	s->k = fot_layout_take(y, FOT_TILE_K * wide(m), sizeof(float));
	s->v = fot_layout_take(y, FOT_TILE_K * wide(m), sizeof(float));
}

void fot_fold_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y,
			  int64_t n)
{
	s->rows = fot_layout_take(y, n * wide(m), sizeof(float));
	s->scores = fot_layout_take(y, n, sizeof(float));
	s->values = fot_layout_take(y, n, sizeof(float *));
}

void fot_choice_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	fot_fold_lay_scratch(s, m, y, m->top_k);
	fot_topk_lay(&s->topk, y, m->top_k);
}

/* Entry j of head h, as an index into k or v. */
static int64_t at(const struct fot_memory *m, int64_t h, int64_t j)
{
	return (h * m->cap + j) * m->head_dim;
}

void fot_rows_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n)
{
	int64_t d = m->head_dim;

	for (int64_t h = 0; h < m->n_heads; h++)
		for (int64_t i = 0; i < n; i++) {
			const float *from[] = { k + i * ld + h * d, v + i * ld + h * d };
			void *to[] = { m->k, m->v };

			for (int side = 0; side < 2; side++)
				if (m->dtype == FOT_F32)
					memcpy((float *)to[side] + at(m, h, m->len + i), from[side],
					       sizeof(float) * (size_t)d);
				else
					for (int64_t c = 0; c < d; c++)
						((uint16_t *)to[side])[at(m, h, m->len + i) + c] =
							fot_bf16_of(from[side][c]);
		}
	m->len += n;
}

void fot_rows_truncate(struct fot_memory *m, int64_t len)
{
	m->len = len;
}

size_t fot_rows_bytes(const struct fot_memory *m, int64_t entries)
{
	struct fot_memory rows = *m;
	struct fot_layout y = { 0 };

	rows.cap = entries;
	fot_rows_lay(&rows, &y);
	return y.need;
}

const float *fot_rows_of(const struct fot_memory *m, const void *side, int64_t h, int64_t j, int64_t n,
			 float *buf)
{
	if (m->dtype == FOT_F32)
		return (const float *)side + at(m, h, j);
	fot_widen(buf, (const uint16_t *)side + at(m, h, j), m->dtype, (size_t)(n * m->head_dim));
	return buf;
}

float fot_rows_age(const struct fot_memory *m, int64_t j, int64_t now)
{
	return m->decay > 0 ? (float)(-m->decay * log1p((double)(now - 1 - j) / (double)m->unit)) : 0;
}

/* Of entries [j, j + n); NULL: nothing. */
static const float *aging(const struct fot_memory *m, int64_t j, int64_t n, int64_t now, float *bias)
{
	if (m->decay <= 0)
		return NULL;
	for (int64_t i = 0; i < n; i++)
		bias[i] = fot_rows_age(m, j + i, now);
	return bias;
}

void fot_rows_search(const struct fot_memory *m, const struct fot_query *q)
{
	float bias[FOT_TILE_K];

	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	fot_topk_begin(&q->s->topk, q->a->n_q);
	for (int64_t j = q->from; j < q->to; j += FOT_TILE_K) {
		int64_t n = q->to - j < FOT_TILE_K ? q->to - j : FOT_TILE_K;

		q->a->bias = aging(m, j, n, q->now, bias);
		fot_topk_offer(&q->s->topk, q->a, fot_rows_of(m, m->k, q->h, j, n, q->s->k), m->head_dim, n,
			       j);
	}
	q->a->bias = NULL;
}

void fot_rows_read_part(const struct fot_memory *m, const struct fot_query *q, int64_t from, int64_t to)
{
	int64_t d = m->head_dim;
	float bias[FOT_TILE_K];

	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	for (int64_t j = from; j < to; j += FOT_TILE_K) {
		int64_t n = to - j < FOT_TILE_K ? to - j : FOT_TILE_K;
		const float *k = fot_rows_of(m, m->k, q->h, j, n, q->s->k);
		const float *v = fot_rows_of(m, m->v, q->h, j, n, q->s->v);

		q->a->bias = q->scale != 0 ? aging(m, j, n, q->now, bias) : NULL;
		fot_attn_meet(q->a, k, d, v, d, n, FOT_ATTN_ALL);
	}
	q->a->bias = NULL;
}

void fot_rows_read(const struct fot_memory *m, const struct fot_query *q)
{
	fot_rows_read_part(m, q, q->from, q->to);
}

void fot_rows_fold(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		   const struct fot_hit *hit, int64_t n)
{
	struct fot_memory_scratch *s = q->s;

	for (int64_t j = 0; j < n; j++) {
		s->scores[j] = hit[j].score;
		s->values[j] = fot_rows_of(m, m->v, q->h, hit[j].key, 1, s->rows + j * wide(m));
	}
	if (n > 0)
		fot_attn_fold_row(q->a, i, s->scores, s->values, n);
}

/* ---- where queries look ---------------------------------------------- */

/* Log of the sum of exp over n scores, and what it was before. */
static double log_sum(double before, const float *score, int64_t n)
{
	float max = score[0];
	double lse;

#pragma omp simd reduction(max : max)
	for (int64_t j = 0; j < n; j++)
		max = score[j] > max ? score[j] : max;
	lse = (double)max + log((double)fot_exp_sum(NULL, score, n, max));
	if (before > lse)
		return before + log1p(exp(lse - before));
	return lse + log1p(exp(before - lse));
}

/* Entries that go through one product from entry j on: never parts of two groups of more than
 * a tile, so that cuts depend on the group alone; else the tiles of the readings. */
static int64_t group_tile(const struct fot_memory_groups *g, int64_t j, int64_t from, int64_t to)
{
	int64_t most = g->size > 1 ? g->size - (j - from) % g->size : FOT_TILE_K;

	most = most < FOT_TILE_K ? most : FOT_TILE_K;
	return to - j < most ? to - j : most;
}

/* Row `row` of the groups: what the scores of entries [j, j + n) add to theirs. */
static void add_scores(const struct fot_query *q, const struct fot_memory_groups *g, int64_t row, int64_t j,
		       int64_t n)
{
	double *out = g->out + row * g->n + (j - q->from) / g->size;
	const float *s = q->a->s + g->row[row] % FOT_PANEL;
	float score[FOT_TILE_K] = { 0 };

	for (int64_t i = 0; i < n; i++)
		score[i] = s[i * FOT_PANEL];
	if (g->size > 1)
		*out = log_sum(*out, score, n);
	for (int64_t i = 0; i < n && g->size == 1; i++)
		out[i] = (double)score[i];
}

void fot_rows_read_groups_part(const struct fot_memory *m, const struct fot_query *q,
			       const struct fot_memory_groups *g, int64_t from, int64_t to)
{
	float bias[FOT_TILE_K];

	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	for (int64_t j = from, n; j < to; j += n) {
		const float *k;

		n = group_tile(g, j, q->from, to);
		k = fot_rows_of(m, m->k, q->h, j, n, q->s->k);
		q->a->bias = aging(m, j, n, q->now, bias);
		for (int64_t i = 0; i < g->n_rows; i++) { /* in the order of the queries */
			if (i == 0 || g->row[i] / FOT_PANEL != g->row[i - 1] / FOT_PANEL)
				fot_attn_scores(q->a, g->row[i] / FOT_PANEL * FOT_PANEL, k, m->head_dim, n);
			add_scores(q, g, i, j, n);
		}
	}
	q->a->bias = NULL;
}

void fot_rows_read_groups(const struct fot_memory *m, const struct fot_query *q,
			  const struct fot_memory_groups *g)
{
	fot_rows_read_groups_part(m, q, g, q->from, q->to);
}

void fot_hits_to_groups(const struct fot_hit *hit, int64_t n, int64_t from, const struct fot_memory_groups *g,
			double *out)
{
	for (int64_t j = 0; j < n; j++) {
		double *group = out + (hit[j].key - from) / g->size;

		*group = log_sum(*group, &hit[j].score, 1);
	}
}

/* ---- chosen entries, tile by tile ------------------------------------ */

void fot_rows_score(const struct fot_memory *m, const struct fot_query *q, int64_t i, int64_t j, int64_t n)
{
	float bias[FOT_TILE_K];

	q->a->bias = aging(m, j, n, q->now, bias);
	fot_attn_scores(q->a, i / FOT_PANEL * FOT_PANEL, fot_rows_of(m, m->k, q->h, j, n, q->s->k),
			m->head_dim, n);
	q->a->bias = NULL;
}

void fot_rows_scored(const struct fot_query *q, int64_t i, int64_t j, int64_t n, struct fot_hit *hit)
{
	const float *s = q->a->s + i % FOT_PANEL;

	for (int64_t x = 0; x < n; x++)
		hit[x] = (struct fot_hit){ s[x * FOT_PANEL], j + x };
}

struct fot_hit fot_rows_hit(const struct fot_memory *m, const struct fot_query *q, int64_t i, int64_t j)
{
	const float *k = fot_rows_of(m, m->k, q->h, j, 1, q->s->k);

	return (struct fot_hit){
		q->scale * fot_dot(q->q + i * q->ldq, k, m->head_dim) + fot_rows_age(m, j, q->now), j
	};
}

void fot_rows_take(const struct fot_memory *m, const struct fot_query *q, int64_t i,
		   const struct fot_hit *hit, int64_t n, const struct fot_memory_groups *g, double *out)
{
	if (g)
		fot_hits_to_groups(hit, n, q->from, g, out);
	else
		fot_rows_fold(m, q, i, hit, n);
}

#endif
