/* attention_filter.c: see attention_filter.h. */
#include "model/attention_filter.h"

/* Added to lengths: what is smaller is lost when it is squared, or when it is rounded to bf16. */
#define SHORTEST ((fot_real)1e-12)
#define WAITING 64 /* keys that wait to be scored */

int64_t attn_filter_lay(struct fot_attn_filter *f, fot_real *mem, int64_t head_dim)
{
	int64_t pairs = fot_bf16_pairs(head_dim), q = FOT_TILE_Q * pairs + FOT_BF16_BEYOND,
		k = FOT_TILE_K * pairs;

	f->q = mem ? (uint32_t *)mem : NULL;
	f->k = mem ? (uint32_t *)mem + q : NULL;
	f->far = mem ? mem + q + k : NULL;
	f->longest = mem ? mem + q + k + FOT_TILE_Q : NULL;
	return q + k + FOT_TILE_Q + 1;
}

bool attn_filter_on(const struct fot_attn *a)
{
	return a->filter.kernel && a->n_q > FOT_FEW;
}

static float wide(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* The queries of a panel in f32 and in pairs of bf16 -> how far their scores of a key of length 1 may be apart. */
static void bound(fot_real *far, const fot_real *panel, const uint32_t *pairs, int64_t d)
{
	/* of keys; then twice what both sums and, in what follows, the lengths and the limit are rounded by */
	const fot_real rounding = (fot_real)0x1p-8, sums = (fot_real)(d + 8) * (fot_real)0x1p-22;
	fot_real size[FOT_PANEL] = { 0 }, off[FOT_PANEL] = { 0 };

	for (int64_t c = 0; c < d; c++)
#pragma omp simd
		for (int64_t i = 0; i < FOT_PANEL; i++) {
			uint32_t both = pairs[c / 2 * FOT_PANEL + i];
			fot_real x = panel[c * FOT_PANEL + i],
				 y = x - (fot_real)wide(c % 2 ? both & 0xffff0000u : both << 16);

			size[i] += x * x;
			off[i] += y * y;
		}
	for (int64_t i = 0; i < FOT_PANEL; i++)
		far[i] = (1 + rounding) * fot_real_sqrt(off[i]) + (rounding + sums) * fot_real_sqrt(size[i]) +
			 SHORTEST * rounding;
}

void attn_filter_ask(const struct fot_attn *a)
{
	int64_t d = a->head_dim, pairs = fot_bf16_pairs(d);

	for (int64_t row = 0; row < a->n_q; row += FOT_PANEL) {
		/* rows of a panel are what is multiplied: two by two they are the right side of a product */
		fot_bf16_pair(a->filter.kernel, a->filter.q + row * pairs, FOT_PANEL,
			      (const float *)(a->q + row * d), FOT_PANEL, d, FOT_PANEL);
		bound(a->filter.far + row, a->q + row * d, a->filter.q + row * pairs, d);
	}
}

#define LANES 16

/* x^2 of d numbers, summed in LANES places. */
static void square(float *sum, const fot_real *x, int64_t d)
{
	int64_t c = 0;

	for (int64_t i = 0; i < LANES; i++)
		sum[i] = 0;
	for (; c + LANES <= d; c += LANES)
#pragma omp simd
		for (int64_t i = 0; i < LANES; i++)
			sum[i] += (float)(x[c + i] * x[c + i]);
	for (int64_t i = 0; c + i < d; i++)
		sum[i] += (float)(x[c + i] * x[c + i]);
}

/* The largest |k|^2; NaN if one is. LANES keys together, so that no sum goes across a register. */
static float square_of_longest(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n)
{
	float part[LANES * LANES] = { 0 }, turned[LANES * LANES] = { 0 }, most = 0;

	for (int64_t j = 0; j < n; j += LANES) {
		int64_t rows = n - j < LANES ? n - j : LANES;
		float sum[LANES] = { 0 };

		for (int64_t i = 0; i < rows; i++)
			square(part + i * LANES, k + (j + i) * ldk, a->head_dim);
		fot_bf16_turn(a->filter.kernel, (uint32_t *)turned, LANES, (const uint32_t *)part, LANES,
			      LANES, LANES);
		for (int64_t c = 0; c < LANES; c++)
#pragma omp simd
			for (int64_t i = 0; i < LANES; i++)
				sum[i] += turned[c * LANES + i];
		for (int64_t i = 0; i < rows; i++)
			most = sum[i] <= most || isnan(most) ? most : sum[i];
	}
	return most;
}

void attn_filter_keys(const struct fot_attn *a, const fot_real *k, int64_t ldk, int64_t n)
{
	fot_bf16_rows(a->filter.kernel, a->filter.k, fot_bf16_pairs(a->head_dim), (const float *)k, ldk, n,
		      a->head_dim);
	*a->filter.longest = fot_real_sqrt((fot_real)square_of_longest(a, k, ldk, n)) + SHORTEST;
}

/* What scores in bf16 must be above, so that none in f32 above the threshold is missed. false: that is no limit. */
static bool limits(const struct fot_attn *a, int64_t row, const fot_real *threshold, float *limit)
{
	bool all = true;

	for (int64_t i = 0; i < FOT_PANEL; i++) {
		limit[i] = (float)(threshold[i] - a->filter.far[row + i] * *a->filter.longest);
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
