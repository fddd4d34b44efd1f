/* memory.c: storing and reading.  Tiles of FOT_TILE_K entries are the unit of both
 * readings; bfloat16 entries are widened tile by tile. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>

#include "model/dtype.h"

void fot_memory_lay(struct fot_memory *m, struct fot_layout *y, int64_t n_heads, int64_t head_dim, int64_t cap,
		    enum fot_dtype dtype)
{
	*m = (struct fot_memory){ .n_heads = n_heads, .head_dim = head_dim, .cap = cap, .dtype = dtype };
	m->k = fot_layout_take(y, n_heads * cap * head_dim, fot_dtype_size(dtype));
	m->v = fot_layout_take(y, n_heads * cap * head_dim, fot_dtype_size(dtype));
}

void fot_memory_scratch_lay(struct fot_memory_scratch *s, struct fot_layout *y, int64_t head_dim,
			    enum fot_dtype dtype, int64_t top_k)
{
	int64_t wide = dtype == FOT_F32 ? 0 : head_dim;

	s->k = fot_layout_take(y, FOT_TILE_K * wide, sizeof(float));
	s->v = fot_layout_take(y, FOT_TILE_K * wide, sizeof(float));
	s->rows = fot_layout_take(y, top_k * wide, sizeof(float));
	s->scores = fot_layout_take(y, top_k, sizeof(float));
	s->values = fot_layout_take(y, top_k, sizeof(float *));
	fot_topk_lay(&s->topk, y, top_k, FOT_TILE_Q);
}

/* Entry j of head h, as an index into k or v. */
static int64_t at(const struct fot_memory *m, int64_t h, int64_t j)
{
	return (h * m->cap + j) * m->head_dim;
}

void fot_memory_append(struct fot_memory *m, const float *k, const float *v, int64_t ld, int64_t n)
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

/* n rows from entry j of head h as floats: in place, or widened into buf. */
static const float *rows_of(const struct fot_memory *m, const void *side, int64_t h, int64_t j, int64_t n, float *buf)
{
	if (m->dtype == FOT_F32)
		return (const float *)side + at(m, h, j);
	fot_widen(buf, (const uint16_t *)side + at(m, h, j), m->dtype, (size_t)(n * m->head_dim));
	return buf;
}

/* What the scores of entries [j, j + n) of those before `to` lose; NULL: nothing. */
static const float *aging(const struct fot_memory *m, int64_t j, int64_t n, int64_t to, float *bias)
{
	if (m->decay <= 0)
		return NULL;
	for (int64_t i = 0; i < n; i++)
		bias[i] = (float)(-m->decay * log1p((double)(to - 1 - j - i) / (double)m->unit));
	return bias;
}

/* Scores of entries [j, j + n) of those before `to` into the state. */
static void score_tile(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h, int64_t j,
		       int64_t n, int64_t to, float scale, struct fot_memory_scratch *s)
{
	float bias[FOT_TILE_K];
	const float *lost = aging(m, j, n, to, bias);

	fot_gemm(0, 1, a->n_q, n, m->head_dim, scale, q, ldq, rows_of(m, m->k, h, j, n, s->k), m->head_dim, 0, a->s,
		 FOT_TILE_K);
	if (lost)
		fot_attn_add_bias(a, lost, n);
}

void fot_memory_read_all(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			 int64_t from, int64_t to, float scale, struct fot_memory_scratch *s)
{
	int64_t d = m->head_dim;
	float bias[FOT_TILE_K];

	for (int64_t j = from; j < to; j += FOT_TILE_K) {
		int64_t n = to - j < FOT_TILE_K ? to - j : FOT_TILE_K;
		const float *k = rows_of(m, m->k, h, j, n, s->k), *v = rows_of(m, m->v, h, j, n, s->v);

		a->bias = scale != 0 ? aging(m, j, n, to, bias) : NULL; /* 0: all alike, whatever their age */
		fot_attn_fold(a, q, ldq, k, d, v, d, n, FOT_ATTN_ALL, scale);
	}
	a->bias = NULL;
}

/* Scores of all entries, offered to the searches. */
static void search(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
		   int64_t from, int64_t to, float scale, struct fot_memory_scratch *s)
{
	fot_topk_begin(&s->topk, a->n_q);
	for (int64_t j = from; j < to; j += FOT_TILE_K) {
		int64_t n = to - j < FOT_TILE_K ? to - j : FOT_TILE_K;

		score_tile(m, a, q, ldq, h, j, n, to, scale, s);
		for (int64_t i = 0; i < a->n_q; i++)
			fot_topk_offer(&s->topk, i, a->s + i * FOT_TILE_K, n, j);
	}
}

void fot_memory_read_topk(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			  int64_t from, int64_t to, float scale, struct fot_memory_scratch *s)
{
	int64_t d = m->head_dim;

	search(m, a, q, ldq, h, from, to, scale, s);
	for (int64_t i = 0; i < a->n_q; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end(&s->topk, i, &hit);

		for (int64_t j = 0; j < n; j++) {
			s->scores[j] = hit[j].score;
			s->values[j] = rows_of(m, m->v, h, hit[j].key, 1, s->rows + (m->dtype == FOT_F32 ? 0 : j * d));
		}
		if (n > 0)
			fot_attn_fold_row(a, i, s->scores, s->values, n);
	}
}

/* ---- where queries look ---------------------------------------------- */

/* Log of the sum of exp over n scores, and what it was before. */
static double log_sum(double before, const float *score, int64_t n)
{
	float max = score[0], sum = 0;
	double lse;

#pragma omp simd reduction(max : max)
	for (int64_t j = 0; j < n; j++)
		max = score[j] > max ? score[j] : max;
#pragma omp simd reduction(+ : sum)
	for (int64_t j = 0; j < n; j++)
		sum += fot_real_exp(score[j] - max);
	lse = (double)max + log((double)sum);
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

static void group_all(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
		      int64_t from, int64_t to, float scale, const struct fot_memory_groups *g,
		      struct fot_memory_scratch *s)
{
	for (int64_t j = from, n; j < to; j += n) {
		n = group_tile(g, j, from, to);
		score_tile(m, a, q, ldq, h, j, n, to, scale, s);
		for (int64_t i = 0; i < g->n_rows; i++) {
			const float *score = a->s + g->row[i] * FOT_TILE_K;
			double *out = g->out + i * g->n + (j - from) / g->size;

			if (g->size > 1)
				*out = log_sum(*out, score, n);
			for (int64_t k = 0; k < n && g->size == 1; k++)
				out[k] = (double)score[k];
		}
	}
}

static void group_found(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			int64_t from, int64_t to, float scale, const struct fot_memory_groups *g,
			struct fot_memory_scratch *s)
{
	search(m, a, q, ldq, h, from, to, scale, s);
	for (int64_t i = 0; i < g->n_rows; i++) {
		struct fot_hit *hit;
		int64_t n = fot_topk_end(&s->topk, g->row[i], &hit);

		for (int64_t j = 0; j < n; j++) {
			double *out = g->out + i * g->n + (hit[j].key - from) / g->size;

			*out = log_sum(*out, &hit[j].score, 1);
		}
	}
}

void fot_memory_read_groups(const struct fot_memory *m, struct fot_attn *a, const float *q, int64_t ldq, int64_t h,
			    int64_t from, int64_t to, float scale, const struct fot_memory_groups *g,
			    struct fot_memory_scratch *s)
{
	for (int64_t i = 0; i < g->n_rows * g->n; i++)
		g->out[i] = -INFINITY;
	if (g->n_rows > 0)
		(g->found ? group_found : group_all)(m, a, q, ldq, h, from, to, scale, g, s);
}

#endif
