/* attention_filter.c: see attention_filter.h. */
#include "model/attention_filter.h"

#include "model/ops.h"

/* Added to lengths: what is smaller is lost when it is squared, or when it is rounded to bf16. */
#define SHORTEST ((fot_real)1e-12)
#define WAITING 64 /* keys that wait to be scored */

int64_t attn_filter_lay(struct fot_attn_filter *f, fot_real *mem, int64_t head_dim)
{
	int64_t pairs = fot_bf16_pairs(head_dim), q = FOT_TILE_Q * pairs + FOT_BF16_BEYOND,
		k = FOT_TILE_K * pairs;

	f->q = mem ? (uint32_t *)mem : NULL;
	f->k = mem ? (uint32_t *)mem + q : NULL;
	f->q_size = mem ? mem + q + k : NULL;
	f->k_size = mem ? mem + q + k + FOT_TILE_Q : NULL;
	return q + k + FOT_TILE_Q + 1;
}

bool attn_filter_on(const struct fot_attn *a)
{
	return a->filter.kernel && a->n_q > FOT_FEW;
}

void attn_filter_ask(const struct fot_attn *a)
{
	int64_t d = a->head_dim, pairs = fot_bf16_pairs(d);

	for (int64_t row = 0; row < a->n_q; row += FOT_PANEL) {
		const fot_real *panel = a->q + row * d;
		fot_real *size = a->filter.q_size + row;

		/* rows of a panel are what is multiplied: two by two they are the right side of a product */
		fot_bf16_pair(a->filter.kernel, a->filter.q + row * pairs, FOT_PANEL, (const float *)panel,
			      FOT_PANEL, d, FOT_PANEL);
		for (int64_t i = 0; i < FOT_PANEL; i++)
			size[i] = 0;
		for (int64_t c = 0; c < d; c++)
#pragma omp simd
			for (int64_t i = 0; i < FOT_PANEL; i++)
				size[i] += panel[c * FOT_PANEL + i] * panel[c * FOT_PANEL + i];
		for (int64_t i = 0; i < FOT_PANEL; i++)
			size[i] = fot_real_sqrt(size[i]) + SHORTEST;
	}
}

void attn_filter_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n)
{
	fot_real most = 0;

	fot_bf16_rows(a->filter.kernel, a->filter.k, fot_bf16_pairs(a->head_dim), (const float *)k, ldk, n,
		      a->head_dim);
	for (int64_t j = 0; j < n; j++) {
		fot_real size = fot_dot(k + j * ldk, k + j * ldk, a->head_dim);

		most = size <= most ? most : size; /* NaN stays */
	}
	*a->filter.k_size = fot_real_sqrt(most) + SHORTEST;
}

/* What scores in bf16 must be above, so that none in f32 above the threshold is missed. false: that is no limit. */
static bool limits(const struct fot_attn *a, int64_t row, const fot_real *threshold, float *limit)
{
	const fot_real *size = a->filter.q_size + row;
	/* the last term: twice what both sums and, in what follows, the sizes and the limit are rounded by */
	fot_real error =
		(fot_real)0x1p-7 + (fot_real)0x1p-16 + (fot_real)(a->head_dim + 8) * (fot_real)0x1p-22;
	fot_real most = *a->filter.k_size * error;
	bool all = true;

	for (int64_t i = 0; i < FOT_PANEL; i++) {
		limit[i] = (float)(threshold[i] - size[i] * most);
		all = all && limit[i] > -INFINITY;
	}
	return all;
}

/* Keys of one tile that are to be scored. */
struct waiting {
	const struct fot_attn *a;
	const fot_real *panel, *k, *threshold;
	int64_t ldk, n, query[WAITING], key[WAITING];
	fot_panel_hit *hit;
	void *to;
};

static void score_all(struct waiting *w)
{
	fot_real s[FOT_SPREAD];
	const fot_real *q[FOT_SPREAD], *k[FOT_SPREAD];

	for (int64_t i = 0; i < w->n; i += FOT_SPREAD) {
		int64_t n = w->n - i < FOT_SPREAD ? w->n - i : FOT_SPREAD;

		for (int64_t j = 0; j < FOT_SPREAD; j++) {
			int64_t at = i + (j < n ? j : 0);

			q[j] = w->panel + w->query[at];
			k[j] = w->k + w->key[at] * w->ldk;
		}
		fot_panel_pairs(s, q, k, w->a->head_dim);
		for (int64_t j = i; j < i + n; j++)
			if (s[j - i] > w->threshold[w->query[j]])
				w->hit(w->to, w->query[j], w->key[j], s[j - i]);
	}
	w->n = 0;
}

static void wait(void *to, int64_t query, int64_t key, float score)
{
	struct waiting *w = to;

	(void)score;
	w->query[w->n] = query;
	w->key[w->n++] = key;
	if (w->n == WAITING)
		score_all(w);
}

bool attn_filter_search(const struct fot_attn *a, int64_t row, const fot_real *k, int64_t ldk, int64_t n,
			const fot_real *threshold, fot_panel_hit *hit, void *to)
{
	int64_t pairs = fot_bf16_pairs(a->head_dim);
	const struct fot_bf16_operands o = { .a = a->filter.k,
					     .row_step = pairs,
					     .pair_step = 1,
					     .b = a->filter.q + row * pairs,
					     .b_step = FOT_PANEL,
					     .m = n,
					     .n = FOT_PANEL,
					     .pairs = pairs };
	struct waiting w = { .a = a,
			     .panel = a->q + row * a->head_dim,
			     .k = k,
			     .threshold = threshold,
			     .ldk = ldk,
			     .hit = hit,
			     .to = to };
	float limit[FOT_PANEL];

	if (!limits(a, row, threshold, limit))
		return false;
	fot_bf16_search(a->filter.kernel, &o, limit, wait, &w);
	score_all(&w);
	return true;
}
