/* retrieved.c: see retrieved.h. */
#include "tasks/retrieved.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"

struct scored {
	double score;
	int64_t key;
};

/* As the engine's search orders: by score, the earlier first. */
static int better_first(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score > y->score || x->score < y->score)
		return x->score > y->score ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

static double focus_of(const double *score, int64_t n_keys, int64_t key)
{
	int64_t from = key > FOT_FOCUS_KEYS ? key - FOT_FOCUS_KEYS : 0;
	int64_t to = n_keys - key > FOT_FOCUS_KEYS ? key + FOT_FOCUS_KEYS + 1 : n_keys;
	double sum = 0;

	for (int64_t i = from; i < to; i++)
		sum += exp(score[i] - score[key]);
	return 1 / sum;
}

int fot_retrieve(struct fot_retrieval *out, struct fot_retrieved *best, size_t max_best, const double *score,
		 int64_t n_keys, int64_t top_k, double local, struct fot_err *err)
{
	int64_t n = top_k > 0 && top_k < n_keys ? top_k : n_keys;
	struct scored *order = fot_alloc((size_t)n_keys, sizeof *order);
	double sum = 0, rest;

	if (!order)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %lld keys", (long long)n_keys);
	for (int64_t i = 0; i < n_keys; i++)
		order[i] = (struct scored){ score[i], i };
	qsort(order, (size_t)n_keys, sizeof *order, better_first);
	while (n > 1 && isinf(order[n - 1].score))
		n--;
	for (int64_t i = 0; i < n; i++)
		sum += exp(order[i].score - order[0].score);
	rest = exp(local - order[0].score);
	*out = (struct fot_retrieval){ .knn_score = 1 / (1 + rest / sum),
				       .n_retrieved = n,
				       .n_best = (size_t)n < max_best ? (size_t)n : max_best };
	for (size_t i = 0; i < out->n_best; i++)
		best[i] = (struct fot_retrieved){
			.key = order[i].key,
			.share = exp(order[i].score - order[0].score) / (sum + rest),
			.focus = focus_of(score, n_keys, order[i].key),
		};
	fot_free(order);
	return FOT_OK;
}

/* exp of the scores, and of the mass beside them, less the largest score. */
struct softmax {
	double most, sum, all;
};

static struct softmax softmax_of(const double *score, int64_t n, double local)
{
	struct softmax s = { .most = -INFINITY };

	for (int64_t i = 0; i < n; i++)
		s.most = fmax(s.most, score[i]);
	for (int64_t i = 0; i < n; i++)
		s.sum += exp(score[i] - s.most);
	s.all = s.sum + exp(local - s.most);
	return s;
}

int fot_attended(struct fot_attended *out, const double *dense, double dense_local, const double *kind,
		 double kind_local, int64_t n_keys, struct fot_err *err)
{
	struct scored *order = fot_alloc((size_t)n_keys, sizeof *order);
	struct softmax p = softmax_of(dense, n_keys, dense_local), q = softmax_of(kind, n_keys, kind_local);
	double caught = 0, right = 0;

	if (!order)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %lld keys", (long long)n_keys);
	*out = (struct fot_attended){ .dense = p.sum / p.all };
	for (int64_t i = 0; i < n_keys; i++) {
		order[i] = (struct scored){ dense[i], i };
		out->n_read += !isinf(kind[i]);
	}
	qsort(order, (size_t)n_keys, sizeof *order, better_first);
	for (int64_t i = 0; i < n_keys; i++) {
		double mass = exp(order[i].score - p.most), k = kind[order[i].key];
		double more = exp(k - q.most) / q.all - mass / p.all;

		if (isinf(k)) {
			out->missed += mass / p.all;
			continue;
		}
		caught += mass;
		right += i < out->n_read;
		*(i < out->n_read ? &out->rest : &out->distracted) += more;
	}
	out->caught = caught / p.sum;
	out->recall = right / (double)out->n_read;
	out->rest += p.sum / p.all - q.sum / q.all; /* of the local keys, as 1 less the memory's */
	fot_free(order);
	return FOT_OK;
}

size_t fot_retrieval_positions(int64_t *position, size_t n, int64_t first, int64_t end, uint64_t seed,
			       uint64_t document)
{
	struct fot_rng rng;
	size_t all = end > first ? (size_t)(end - first) : 0, have = 0;

	n = n < all ? n : all;
	fot_rng_init(&rng, seed, "samples.positions", document);
	while (have < n) {
		int64_t at = first + (int64_t)fot_rng_below(&rng, all);
		bool new = true;

		for (size_t i = 0; i < have && new; i++)
			new = position[i] != at;
		if (new)
			position[have++] = at;
	}
	qsort(position, n, sizeof *position, fot_by_i64);
	return n;
}
