/* memory_blocks.c: see memory_blocks.h.  The best blocks are found as knn finds entries, with sketches for keys; then
 * the queries of a panel go through the blocks of any of them, each of which is scored once. */
#include "model/memory_blocks.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

#include "model/ops.h"

/* Of a memory. */
struct sketches {
	float *at;  /* [H][blocks][width d] */
	float *row; /* [d] to widen a key into */
	/* Of a kind that picks, else empty. */
	float *worth; /* [H][cap] */
	float *asked; /* [d] */
};

/* Of one thread. */
struct asking {
	struct fot_attn a; /* of the queries that meet sketches */
	float *q;          /* [FOT_TILE_Q, width d] */
	float *part;       /* [width d] the sketch of a block that is partly in reach */
};

static int64_t n_blocks(const struct fot_memory *m, int64_t entries)
{
	return (entries + m->number[0] - 1) / m->number[0];
}

static float *sketch_at(const struct fot_block_kind *b, const struct fot_memory *m, int64_t h, int64_t block)
{
	const struct sketches *own = m->own;

	return own->at + (h * n_blocks(m, m->cap) + block) * b->width * m->head_dim;
}

void fot_blocks_lay(struct fot_memory *m, struct fot_layout *y)
{
	const struct fot_block_kind *b = m->ops->blocks;
	struct sketches own;

	fot_rows_lay(m, y);
	m->own = fot_layout_take(y, 1, sizeof own);
	own.at = fot_layout_take(y, m->n_heads * n_blocks(m, m->cap) * b->width * m->head_dim, sizeof(float));
	own.row = fot_layout_take(y, m->head_dim, sizeof(float));
	own.worth = fot_layout_take(y, b->picks ? m->n_heads * m->cap : 0, sizeof(float));
	own.asked = fot_layout_take(y, b->picks ? m->head_dim : 0, sizeof(float));
	if (m->own)
		*(struct sketches *)m->own = own;
}

void fot_blocks_lay_scratch(struct fot_memory_scratch *s, const struct fot_memory *m, struct fot_layout *y)
{
	const struct fot_block_kind *b = m->ops->blocks;
	int64_t width = b->width * m->head_dim, most = n_blocks(m, m->cap), need = fot_attn_need(width, 0, NULL);
	struct asking own;
	float *mem;

	fot_rows_lay_scratch(s, m, y);
	fot_fold_lay_scratch(s, m, y, FOT_TILE_K);
	fot_topk_lay(&s->topk, y, m->number[1] < most ? m->number[1] : most);
	s->own = fot_layout_take(y, 1, sizeof own);
	own.q = fot_layout_take(y, FOT_TILE_Q * width, sizeof(float));
	own.part = fot_layout_take(y, width, sizeof(float));
	mem = fot_layout_take(y, need, sizeof(float));
	if (!s->own)
		return;
	fot_attn_bind(&own.a, mem, width, 0, NULL);
	*(struct asking *)s->own = own;
}

/* What the queries from an entry's own to the last of the window give it on average: (sum of q) . k / (their number). */
void fot_blocks_observe(struct fot_memory *m, const float *q, int64_t ld, int64_t n)
{
	const struct sketches *own = m->own;
	int64_t d = m->head_dim;

	for (int64_t h = 0; h < m->n_heads; h++) {
		memset(own->asked, 0, sizeof *own->asked * (size_t)d);
		for (int64_t i = n - 1; i >= 0; i--) {
			int64_t j = m->len - n + i;

			for (int64_t g = 0; g < m->group; g++)
				for (int64_t c = 0; c < d; c++)
					own->asked[c] += q[i * ld + (h * m->group + g) * d + c];
			own->worth[h * m->cap + j] =
				fot_dot(own->asked, fot_rows_of(m, m->k, h, j, 1, own->row), d) /
				(float)(n - i);
		}
	}
}

/* Is entry j one of the R best of [from, to)? Of equal ones the earlier are. */
static bool picked(const struct fot_memory *m, int64_t h, int64_t j, int64_t from, int64_t to)
{
	const float *worth = ((const struct sketches *)m->own)->worth + h * m->cap;
	int64_t before = 0;

	for (int64_t i = from; i < to && before < m->number[2]; i++)
		before += worth[i] > worth[j] || (i < j && !(worth[i] < worth[j]));
	return before < m->number[2];
}

/* Of the entries [from, to). */
static void sketch(const struct fot_block_kind *b, const struct fot_memory *m, int64_t h, int64_t from,
		   int64_t to, float *out, float *row)
{
	int64_t n = 0;

	for (int64_t j = from; j < to; j++)
		if (!b->picks || picked(m, h, j, from, to))
			b->add(out, fot_rows_of(m, m->k, h, j, 1, row), m->head_dim, n++ == 0);
	if (b->end)
		b->end(out, n, m->head_dim);
}

/* The blocks that hold entries [from, to), of which no more are there. */
static void sketch_all(const struct fot_block_kind *b, struct fot_memory *m, int64_t from, int64_t to)
{
	int64_t size = m->number[0];
	const struct sketches *own = m->own;

	for (int64_t h = 0; h < m->n_heads; h++)
		for (int64_t block = from / size; block * size < to; block++) {
			int64_t end = (block + 1) * size;

			sketch(b, m, h, block * size, end < to ? end : to, sketch_at(b, m, h, block),
			       own->row);
		}
}

void fot_blocks_seal(struct fot_memory *m, int64_t from, int64_t to, int32_t n_threads)
{
	(void)n_threads;
	sketch_all(m->ops->blocks, m, from, to);
}

void fot_blocks_truncate(struct fot_memory *m, int64_t len)
{
	fot_rows_truncate(m, len);
	if (len % m->number[0] > 0)
		sketch_all(m->ops->blocks, m, len - 1, len);
}

void fot_block_mean_add(float *sketch, const float *k, int64_t d, bool first)
{
	for (int64_t c = 0; c < d; c++)
		sketch[c] = first ? k[c] : sketch[c] + k[c];
}

void fot_block_mean_end(float *sketch, int64_t n, int64_t d)
{
	for (int64_t c = 0; c < d; c++)
		sketch[c] /= (float)n;
}

void fot_block_mean_ask(float *out, const float *q, int64_t d)
{
	memcpy(out, q, sizeof *q * (size_t)d);
}

/* ---- choosing -------------------------------------------------------- */

/* Is all of the block that is there in reach? */
static bool whole(const struct fot_memory *m, const struct fot_query *q, int64_t block)
{
	int64_t size = m->number[0], end = (block + 1) * size;

	return q->from <= block * size && q->to >= (end < m->len ? end : m->len);
}

/* Whole blocks from this one on that go through the search together. */
static int64_t run_of(const struct fot_memory *m, const struct fot_query *q, int64_t block, int64_t last)
{
	int64_t n = 0;

	while (n < FOT_TILE_K && block + n < last && whole(m, q, block + n))
		n++;
	return n;
}

/* The searches of the scratch then hold the best blocks of each query. */
static void choose(const struct fot_block_kind *b, const struct fot_memory *m, const struct fot_query *q)
{
	int64_t width = b->width * m->head_dim, size = m->number[0], last = n_blocks(m, q->to);
	struct asking *own = q->s->own;

	fot_attn_begin(&own->a, q->a->n_q);
	for (int64_t i = 0; i < q->a->n_q; i++)
		b->ask(own->q + i * width, q->q + i * q->ldq, m->head_dim);
	fot_attn_ask(&own->a, own->q, width, 1);
	fot_topk_begin(&q->s->topk, q->a->n_q);
	for (int64_t block = q->from / size; block < last;) {
		int64_t n = run_of(m, q, block, last), end = (block + 1) * size;
		const float *at = n > 0 ? sketch_at(b, m, q->h, block) : own->part;

		if (n == 0) {
			sketch(b, m, q->h, block * size > q->from ? block * size : q->from,
			       end < q->to ? end : q->to, own->part, q->s->k);
			n = 1;
		}
		fot_topk_offer(&q->s->topk, &own->a, at, width, n, block);
		block += n;
	}
}

/* ---- reading --------------------------------------------------------- */

/* Some queries of one panel on their way through their blocks. */
struct walk {
	const int64_t *row; /* [n] */
	int64_t n;
	struct fot_hit *hit[FOT_PANEL]; /* the next block of each */
	int64_t left[FOT_PANEL];
};

/* The first block that any of them has left; -1. */
static int64_t next_block(const struct walk *w)
{
	int64_t next = -1;

	for (int64_t r = 0; r < w->n; r++)
		if (w->left[r] > 0 && (next < 0 || w->hit[r]->key < next))
			next = w->hit[r]->key;
	return next;
}

static void see_block(struct walk *w, const struct fot_memory *m, const struct fot_query *q, int64_t block,
		      const struct fot_memory_groups *g, double *out)
{
	int64_t from = block * m->number[0], to = from + m->number[0];
	struct fot_hit hit[FOT_TILE_K];

	from = from > q->from ? from : q->from;
	to = to < q->to ? to : q->to;
	for (int64_t j = from, n; j < to; j += n) {
		n = to - j < FOT_TILE_K ? to - j : FOT_TILE_K;
		fot_rows_score(m, q, w->row[0], j, n);
		for (int64_t r = 0; r < w->n; r++) {
			if (w->left[r] == 0 || w->hit[r]->key != block)
				continue;
			fot_rows_scored(q, w->row[r], j, n, hit);
			fot_rows_take(m, q, w->row[r], hit, n, g, g ? out + r * g->n : NULL);
		}
	}
	for (int64_t r = 0; r < w->n; r++)
		if (w->left[r] > 0 && w->hit[r]->key == block) {
			w->left[r]--;
			w->hit[r]++;
		}
}

/* Rows in their order: those of each panel together. */
static void see(const struct fot_block_kind *b, const struct fot_memory *m, const struct fot_query *q,
		const int64_t *row, int64_t n_rows, const struct fot_memory_groups *g)
{
	choose(b, m, q);
	fot_attn_ask(q->a, q->q, q->ldq, q->scale);
	for (int64_t first = 0; first < n_rows;) {
		struct walk w = { .row = row + first };

		while (first + w.n < n_rows && row[first + w.n] / FOT_PANEL == row[first] / FOT_PANEL) {
			w.left[w.n] = fot_topk_end(&q->s->topk, row[first + w.n], &w.hit[w.n]);
			w.n++;
		}
		for (int64_t block; (block = next_block(&w)) >= 0;)
			see_block(&w, m, q, block, g, g ? g->out + first * g->n : NULL);
		first += w.n;
	}
}

void fot_blocks_read(const struct fot_memory *m, const struct fot_query *q)
{
	const struct fot_block_kind *b = m->ops->blocks;
	int64_t row[FOT_TILE_Q];

	if (q->scale == 0 || q->from >= q->to) {
		fot_rows_read(m, q);
		return;
	}
	for (int64_t i = 0; i < q->a->n_q; i++)
		row[i] = i;
	see(b, m, q, row, q->a->n_q, NULL);
}

void fot_blocks_read_groups(const struct fot_memory *m, const struct fot_query *q,
			    const struct fot_memory_groups *g)
{
	const struct fot_block_kind *b = m->ops->blocks;
	if (g->all || q->from >= q->to)
		fot_rows_read_groups(m, q, g);
	else
		see(b, m, q, g->row, g->n_rows, g);
}

struct fot_reads fot_blocks_reads(const struct fot_memory *m, double entries)
{
	const struct fot_block_kind *b = m->ops->blocks;
	double most = (double)m->number[0] * m->number[1], n = entries < most ? entries : most;

	return (struct fot_reads){ (double)b->width * ceil(entries / m->number[0]) + n, n };
}

#endif
