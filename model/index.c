/* index.c: see index.h. */
#include "model/index.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "model/dtype.h"

const float *fot_keys_rows(const struct fot_keys *k, int64_t j, int64_t n, float *buf)
{
	if (k->dtype == FOT_F32)
		return (const float *)k->at + j * k->d;
	fot_widen(buf, (const uint16_t *)k->at + j * k->d, k->dtype, (size_t)(n * k->d));
	return buf;
}

void fot_index_offer(const struct fot_index_query *q, struct fot_topk *best, int64_t i, float *score,
		     const int32_t *entry, int64_t n)
{
	for (int64_t x = 0; x < n; x++) {
		if (entry[x] < q->from || entry[x] >= q->to)
			score[x] = NAN; /* which nothing takes */
		else if (q->bias)
			score[x] += q->bias(q->of, entry[x]);
	}
	fot_topk_take(best, i, score, entry, n);
}

#define LINE 64  /* bytes that a cache takes at once */
#define AHEAD 32 /* keys that are on their way while others are scored */

/* They lie anywhere, and all of them will be read. */
static void fetch(const struct fot_keys *k, const int32_t *entry, int64_t n)
{
	int64_t size = k->d * (int64_t)fot_dtype_size(k->dtype);

	for (int64_t x = 0; x < n; x++)
		for (int64_t at = 0; at < size; at += LINE)
			__builtin_prefetch((const char *)k->at + entry[x] * size + at);
}

void fot_index_rescore(const struct fot_index_query *q, const struct fot_keys *k, struct fot_topk *best,
		       int64_t i, const int32_t *entry, int64_t n, float *buf)
{
	for (int64_t first = 0; first < n; first += FOT_SPREAD) {
		int64_t left = n - first, some = left < FOT_SPREAD ? left : FOT_SPREAD;
		const float *row[FOT_SPREAD];
		float score[FOT_SPREAD];

		if (first % AHEAD == 0)
			fetch(k, entry + first, left < AHEAD ? left : AHEAD);
		for (int64_t x = 0; x < FOT_SPREAD; x++)
			row[x] = x < some ? fot_keys_rows(k, entry[first + x], 1, buf + x * k->d) : row[0];
		fot_panel_spread(score, q->q + i * k->d, row, k->d);
		fot_index_offer(q, best, i, score, entry + first, some);
	}
}

#endif
