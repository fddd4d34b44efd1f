/* kernels.h: the kernels of the device's engine, each body once: for a device, and as plain C over an index.
 *
 * fot_k_NAME(arguments, index, team) does the work of one index.  A row is done by a warp, a tile by a block
 * (kernel_team.h).  Arrays are row-major and dense unless a distance is given; pointers are the device's.
 * Numbers are f32 but where a dtype says bf16: what goes into products, and keys and values.
 * What they compute is documented at the functions of the same work: ops.h, attention.h, memory.h, search.h, session.h. */
#ifndef FOT_KERNELS_H
#define FOT_KERNELS_H

#include <stddef.h>

#include "model/kernel_team.h"

#define FOT_ROWS 128 /* queries of a tile */
#define FOT_KEYS 64  /* keys of one */
#define FOT_STRIP 32 /* rows of a tile that a warp has */
#define FOT_SCORES \
	(FOT_KEYS + 4)    /* between rows of scores: lanes that read rows side by side meet different banks */
#define FOT_HEAD_MOST 128 /* numbers of a head */
#ifdef __CUDACC__
#define FOT_STRIPS 1
#else
#define FOT_STRIPS (FOT_ROWS / FOT_STRIP) /* a lane alone is all warps, one after the other */
#endif

/* All kernels: name, arguments, and who shares an index: a LONE thread, the warp of a ROW, the block of a TILE. */
#define FOT_KERNELS(X)                     \
	X(embed, fot_embed, ROW)           \
	X(norm, fot_norm, ROW)             \
	X(unit, fot_unit, ROW)             \
	X(turn, fot_turn, ROW)             \
	X(turn_back, fot_turn_back, ROW)   \
	X(bias, fot_bias, ROW)             \
	X(swiglu, fot_swiglu, LONE)        \
	X(convert, fot_convert, LONE)      \
	X(attend_f32, fot_attend, TILE)    \
	X(attend_bf16, fot_attend, TILE)   \
	X(scores_f32, fot_scores, TILE)    \
	X(scores_bf16, fot_scores, TILE)   \
	X(attended, fot_attended, ROW)     \
	X(gate, fot_mixed, ROW)            \
	X(choose, fot_choose, ROW)         \
	X(chosen, fot_choice, ROW)         \
	X(fold, fot_fold, ROW)             \
	X(groups, fot_groups, ROW)         \
	X(group_hits, fot_group_hits, ROW) \
	X(answer, fot_answer, ROW)

#define FOT_KERNEL_NUMBER(name, arguments, team) FOT_KERNEL_##name,
enum fot_kernel { FOT_KERNELS(FOT_KERNEL_NUMBER) FOT_KERNEL_COUNT };

/* Number i of an array, as a place. */
static inline FOT_DEV const void *fot_at(const void *at, int dtype, int64_t i)
{
	return (const char *)at + i * (dtype == FOT_F32 ? 4 : 2);
}

/* Numbers i to i + 3 of an array of F32 or BF16, i a multiple of 4. */
static inline FOT_DEV void fot_four(float *x, const void *at, int dtype, int64_t i)
{
#ifdef __CUDA_ARCH__
	if (dtype == FOT_F32) {
		float4 y = ((const float4 *)at)[i / 4];

		x[0] = y.x, x[1] = y.y, x[2] = y.z, x[3] = y.w;
	} else {
		uint2 y = ((const uint2 *)at)[i / 4];

		x[0] = fot_bits_float(y.x << 16), x[1] = fot_bits_float(y.x & 0xffff0000u);
		x[2] = fot_bits_float(y.y << 16), x[3] = fot_bits_float(y.y & 0xffff0000u);
	}
#else
	for (int j = 0; j < 4; j++)
		x[j] = fot_number(at, dtype, i + j);
#endif
}

/* ---- rows ------------------------------------------------------------ */

/* x[i] = table[token[i]]; index: row. table of F32, F16, BF16 or F64. */
struct fot_embed {
	const void *table;
	int dtype;
	const int32_t *token;
	float *x; /* [, width] */
	int64_t width;
};

static inline FOT_DEV void fot_k_embed(const struct fot_embed *a, int64_t row, struct fot_team t)
{
	int64_t from = a->token[row] * a->width;

	for (int64_t i = t.lane; i < a->width; i += t.lanes)
		a->x[row * a->width + i] = fot_number(a->table, a->dtype, from + i);
}

/* y = x rsqrt(mean(x^2) + eps) w; with adds y += it. y may be x; index: row. */
struct fot_norm {
	const float *x, *w;
	void *y;
	int dtype; /* of y */
	int64_t width;
	double eps;
	bool adds;
};

static inline FOT_DEV void fot_k_norm(const struct fot_norm *a, int64_t row, struct fot_team t)
{
	const float *x = a->x + row * a->width;
	float sum = 0, inv;

	for (int64_t i = t.lane; i < a->width; i += t.lanes)
		sum += x[i] * x[i];
	inv = 1 / sqrtf(fot_team_sum(t, sum) / (float)a->width + (float)a->eps);
	for (int64_t i = t.lane; i < a->width; i += t.lanes) {
		float y = x[i] * inv * a->w[i];

		if (a->adds)
			y += ((const float *)a->y)[row * a->width + i];
		fot_put_number(a->y, a->dtype, row * a->width + i, y);
	}
}

/* x = x exp(log_scale of its head) / sqrt(|x|^2 + 1e-6), in place; index: row * heads + head. log_scale NULL: 0. */
struct fot_unit {
	float *x; /* [, heads, d] */
	const float *log_scale;
	int64_t heads, d;
};

static inline FOT_DEV void fot_k_unit(const struct fot_unit *a, int64_t index, struct fot_team t)
{
	float *x = a->x + index * a->d, sum = 0, f;

	for (int64_t i = t.lane; i < a->d; i += t.lanes)
		sum += x[i] * x[i];
	f = 1 / sqrtf(fot_team_sum(t, sum) + 1e-6f);
	if (a->log_scale)
		f *= (float)exp((double)a->log_scale[index % a->heads]);
	for (int64_t i = t.lane; i < a->d; i += t.lanes)
		x[i] *= f;
}

/* Heads to their positions: y = x turned, kept = x times factor, as the memory has it; index: row * heads + head.
 * position NULL, or of a row -1: not turned. */
struct fot_turn {
	const float *x; /* [, heads, d] */
	void *y, *kept; /* the same; kept may be NULL */
	int dtype, kept_dtype;
	const float *cos, *sin; /* [, d / 2] */
	const int32_t *position;
	int64_t heads, d;
	float factor;
};

static inline FOT_DEV void fot_k_turn(const struct fot_turn *a, int64_t index, struct fot_team t)
{
	int64_t half = a->d / 2, at = index * a->d, p = a->position ? a->position[index / a->heads] : -1;

	for (int64_t i = t.lane; i < half; i += t.lanes) {
		float x = a->x[at + i], y = a->x[at + half + i], c = p < 0 ? 1 : a->cos[p * half + i],
		      s = p < 0 ? 0 : a->sin[p * half + i];

		fot_put_number(a->y, a->dtype, at + i, x * c - y * s);
		fot_put_number(a->y, a->dtype, at + half + i, y * c + x * s);
		if (a->kept) {
			fot_put_number(a->kept, a->kept_dtype, at + i, x * a->factor);
			fot_put_number(a->kept, a->kept_dtype, at + half + i, y * a->factor);
		}
	}
}

/* Heads that are turned already, `by` positions back, in place (fot_rope_back); index: row * heads + head. */
struct fot_turn_back {
	void *x;
	int dtype;
	const float *cos, *sin;
	int64_t by, d;
	float factor;
};

static inline FOT_DEV void fot_k_turn_back(const struct fot_turn_back *a, int64_t index, struct fot_team t)
{
	int64_t half = a->d / 2, at = index * a->d;

	for (int64_t i = t.lane; i < half; i += t.lanes) {
		float x = fot_number(a->x, a->dtype, at + i), y = fot_number(a->x, a->dtype, at + half + i),
		      c = a->cos[a->by * half + i], s = a->sin[a->by * half + i];

		fot_put_number(a->x, a->dtype, at + i, (x * c + y * s) / a->factor);
		fot_put_number(a->x, a->dtype, at + half + i, (y * c - x * s) / a->factor);
	}
}

/* y += b; index: row. */
struct fot_bias {
	float *y;
	const float *b;
	int64_t width;
};

static inline FOT_DEV void fot_k_bias(const struct fot_bias *a, int64_t row, struct fot_team t)
{
	for (int64_t i = t.lane; i < a->width; i += t.lanes)
		a->y[row * a->width + i] += a->b[i];
}

/* y = silu(g) u; index: number. */
struct fot_swiglu {
	const float *g, *u;
	void *y;
	int dtype;
};

static inline FOT_DEV void fot_k_swiglu(const struct fot_swiglu *a, int64_t i, struct fot_team t)
{
	float g = a->g[i];

	(void)t;
	fot_put_number(a->y, a->dtype, i, g / (1 + expf(-g)) * a->u[i]);
}

/* y = x; index: number. x of F32, F16, BF16 or F64, y of F32 or BF16. */
struct fot_convert {
	const void *x;
	void *y;
	int from, to;
};

static inline FOT_DEV void fot_k_convert(const struct fot_convert *a, int64_t i, struct fot_team t)
{
	(void)t;
	fot_put_number(a->y, a->to, i, fot_number(a->x, a->from, i));
}

/* ---- attention ------------------------------------------------------- */

/* Queries that ask, and how keys answer: scale q.k - decay ln(1 + age / unit), age: keys behind its own before `now`. */
struct fot_asking {
	const void *q; /* [, ldq] */
	int dtype;
	int64_t ldq, n, heads, group, d; /* n: those that ask; group: heads of queries to one of keys */
	const int32_t *row;              /* [n] those that ask; NULL: 0 to n - 1 */
	float scale;
	double decay; /* 0: none */
	int64_t unit, now;
};

/* Keys [from, to) folded into the state of all queries (attention.h). */
struct fot_attend {
	struct fot_asking ask; /* row NULL */
	const void *k, *v;     /* [, ld]: key j is row j - first */
	int dtype;
	int64_t first, ld, from, to;
	const int32_t *sight; /* [n, 4]: row i sees keys [x0, x1) and [x2, x3); NULL: all */
	const int32_t *flat;  /* [n] 1: all that the row sees counts alike; may be NULL */
	float *max, *sum;     /* [heads, n] */
	float *out;           /* [n, heads d] */
	bool fresh;           /* the state begins here */
};

/* Scores of keys [from, to). */
struct fot_scores {
	struct fot_asking ask;
	const void *k; /* as above */
	int dtype;
	int64_t first, ld, from, to;
	float *s; /* [heads, n, lds] of key from + j */
	int64_t lds;
};

#define FOT_OF(name) name##_f32
#include "model/kernels_attend.h"
#define FOT_OF(name) name##_bf16
#include "model/kernels_attend.h"

/* The state's outputs; index: row * heads + head. What saw nothing is 0. */
struct fot_attended {
	const float *sum, *out; /* [heads, n], [n, heads, d] */
	void *o;                /* as out, which it may be */
	int dtype;
	int64_t n, heads, d;
};

static inline FOT_DEV void fot_k_attended(const struct fot_attended *a, int64_t index, struct fot_team t)
{
	float sum = a->sum[index % a->heads * a->n + index / a->heads], inv = sum > 0 ? 1 / sum : 0;

	for (int64_t i = t.lane; i < a->d; i += t.lanes)
		fot_put_number(a->o, a->dtype, index * a->d + i, a->out[index * a->d + i] * inv);
}

/* o = g mem + (1 - g) local, g = sigmoid(bias of the head) (fot_gate_mix); rows that see only the memory: o = mem;
 * index: row * heads + head. */
struct fot_mixed {
	const float *local, *mem, *bias; /* [n, heads, d] twice, [heads] */
	const int32_t *only;             /* [n] 1: only the memory; may be NULL */
	void *o;
	int dtype;
	int64_t heads, d;
};

static inline FOT_DEV void fot_k_gate(const struct fot_mixed *a, int64_t index, struct fot_team t)
{
	double bias = (double)a->bias[index % a->heads];
	bool only = a->only && a->only[index / a->heads];
	float g = only ? 1 : (float)(1 / (1 + exp(-bias))), rest = only ? 0 : (float)(1 / (1 + exp(bias)));

	for (int64_t i = index * a->d + t.lane; i < (index + 1) * a->d; i += t.lanes)
		fot_put_number(a->o, a->dtype, i, g * a->mem[i] + rest * a->local[i]);
}

/* ---- the best keys --------------------------------------------------- */

/* Exact choice of the k best (search.h): each search keeps candidates in the order of their keys, cut back to the k
 * best, the earlier of equal ones, when there is no room for more. */
struct fot_choice {
	int64_t k, cap;   /* cap: at least k + FOT_WARP */
	int32_t *n;       /* [searches] candidates */
	float *threshold; /* [searches] what is not above it is out */
	float *score;     /* [searches, cap] */
	int32_t *key;     /* the same */
};

/* An integer that is larger where x is; -0 is 0. */
static inline FOT_DEV int32_t fot_order_of(float x)
{
	uint32_t u = fot_float_bits(x + 0.0f);

	return (int32_t)((u >> 31) ? u ^ 0x7fffffffu : u);
}

static inline FOT_DEV float fot_of_order(int32_t i)
{
	return fot_bits_float(i < 0 ? (uint32_t)i ^ 0x7fffffffu : (uint32_t)i);
}

static inline FOT_DEV int32_t fot_at_least(const float *score, int32_t n, int32_t least, struct fot_team t)
{
	int32_t c = 0;

	for (int32_t i = t.lane; i < n; i += t.lanes)
		c += fot_order_of(score[i]) >= least;
	return fot_team_count(t, c);
}

/* The k-th largest of n > k, as an integer. */
static inline FOT_DEV int32_t fot_kth_largest(const float *score, int32_t n, int64_t k, struct fot_team t)
{
	int32_t low = INT32_MAX, high = INT32_MIN;

	for (int32_t i = t.lane; i < n; i += t.lanes) {
		int32_t x = fot_order_of(score[i]);

		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	low = fot_team_least(t, low);
	high = fot_team_most(t, high);
	while (low < high) { /* at least k are >= low, fewer than k are > high */
		int32_t mid = (low & high) + ((low ^ high) >> 1);

		mid += mid < high;
		if (fot_at_least(score, n, mid, t) < k)
			high = mid - 1;
		else
			low = mid;
	}
	return low;
}

/* Only the k best of search i stay. */
static inline FOT_DEV void fot_cut_back(const struct fot_choice *c, int64_t i, struct fot_team t)
{
	float *score = c->score + i * c->cap;
	int32_t *key = c->key + i * c->cap, n = c->n[i], kept = 0, least = fot_kth_largest(score, n, c->k, t),
		equal;

	equal = (int32_t)c->k - (least < INT32_MAX ? fot_at_least(score, n, least + 1, t) : 0);
	for (int32_t from = 0; from < n; from += t.lanes) {
		int32_t at = from + t.lane, x = at < n ? fot_order_of(score[at]) : INT32_MIN, all, rank;
		float s = at < n ? score[at] : 0;
		int32_t own = at < n ? key[at] : 0;
		bool takes = at < n && x == least;

		rank = fot_team_rank(t, takes, &all);
		takes = (takes && rank < equal) || (at < n && x > least);
		equal -= all < equal ? all : equal;
		rank = fot_team_rank(t, takes, &all);
		fot_warp_sync(t);
		if (takes) {
			score[kept + rank] = s;
			key[kept + rank] = own;
		}
		fot_warp_sync(t);
		kept += all;
	}
	if (t.lane == 0) {
		c->n[i] = kept;
		c->threshold[i] = fot_of_order(least);
	}
	fot_warp_sync(t);
}

/* Scores of keys first, first + 1, ... offered to the searches; index: search. */
struct fot_choose {
	struct fot_choice c;
	const float *s; /* [searches, lds] */
	int64_t lds, n, first;
	bool begins;
};

static inline FOT_DEV void fot_k_choose(const struct fot_choose *a, int64_t index, struct fot_team t)
{
	const struct fot_choice *c = &a->c;
	const float *s = a->s + index * a->lds;

	if (a->begins && t.lane == 0) {
		c->n[index] = 0;
		c->threshold[index] = -INFINITY;
	}
	fot_warp_sync(t);
	for (int64_t from = 0; from < a->n; from += t.lanes) {
		int64_t j = from + t.lane;
		bool takes = j < a->n && s[j] > c->threshold[index];
		int32_t all, n, rank = fot_team_rank(t, takes, &all);

		if (all == 0)
			continue;
		n = c->n[index];
		fot_warp_sync(t);
		if (takes) {
			c->score[index * c->cap + n + rank] = s[j];
			c->key[index * c->cap + n + rank] = (int32_t)(a->first + j);
		}
		if (t.lane == 0)
			c->n[index] = n + all;
		fot_warp_sync(t);
		if (n + all + t.lanes > c->cap)
			fot_cut_back(c, index, t);
	}
}

/* The searches end; index: search. */
static inline FOT_DEV void fot_k_chosen(const struct fot_choice *c, int64_t index, struct fot_team t)
{
	if (c->n[index] > c->k)
		fot_cut_back(c, index, t);
}

/* The chosen keys of [from, to) folded into the state; index: search h * rows + i, of query row0 + i. */
struct fot_fold {
	struct fot_choice c;
	const void *v; /* [, ld]: of key j row j - first */
	int dtype;
	int64_t first, ld, from, to, heads, group, d;
	int64_t rows, row0, n; /* n: rows of the state */
	float *max, *sum, *out;
};

static inline FOT_DEV void fot_k_fold(const struct fot_fold *a, int64_t index, struct fot_team t)
{
	const float *score = a->c.score + index * a->c.cap;
	const int32_t *key = a->c.key + index * a->c.cap;
	int64_t h = index / a->rows, row = a->row0 + index % a->rows, at = h * a->n + row;
	float old = a->max[at], before = a->sum[at], max = old, sum = 0, f;
	float *out = a->out + (row * a->heads + h) * a->d;
	int32_t n = a->c.n[index], first = 0, last;

	while (first < n && key[first] < a->from)
		first++;
	for (last = first; last < n && key[last] < a->to;)
		last++;
	if (first == last)
		return;
	for (int32_t j = 0; j < n; j++) /* of all ranges: where one ends changes no bit */
		max = score[j] > max ? score[j] : max;
	f = before > 0 ? expf(old - max) : 0;
	sum = before * f;
	for (int64_t i = t.lane; i < a->d; i += t.lanes)
		out[i] = before > 0 ? out[i] * f : 0;
	for (int32_t j = first; j < last; j++) {
		float w = expf(score[j] - max);

		sum += w;
		for (int64_t i = t.lane; i < a->d; i += t.lanes)
			out[i] += w * fot_number(a->v, a->dtype,
						 (key[j] - a->first) * a->ld + h / a->group * a->d + i);
	}
	fot_warp_sync(t);
	if (t.lane == 0) {
		a->max[at] = max;
		a->sum[at] = sum;
	}
}

/* ---- where queries look ---------------------------------------------- */

static inline FOT_DEV double fot_log_add(double a, double b)
{
	if (a > b)
		return a + log1p(exp(b - a));
	return b > -(double)INFINITY ? b + log1p(exp(a - b)) : a;
}

/* Scores of entries first, first + 1, ... (counted from the first in reach) into their groups of `size`; index: search. */
struct fot_groups {
	const float *s; /* [searches, lds] */
	int64_t lds, n, first, size;
	double *out; /* [searches, groups] log sum exp */
	int64_t groups;
	bool begins;
};

static inline FOT_DEV void fot_k_groups(const struct fot_groups *a, int64_t index, struct fot_team t)
{
	double *out = a->out + index * a->groups;
	const float *s = a->s + index * a->lds;

	for (int64_t g = t.lane; g < a->groups && a->begins; g += t.lanes)
		out[g] = -INFINITY;
	fot_warp_sync(t);
	for (int64_t g = a->first / a->size + t.lane; g * a->size < a->first + a->n; g += t.lanes) {
		int64_t from = g * a->size - a->first, to = from + a->size;

		from = from < 0 ? 0 : from;
		to = to > a->n ? a->n : to;
		for (int64_t j = from; j < to; j++) /* one by one: no bit depends on where blocks end */
			out[g] = fot_log_add(out[g], (double)s[j]);
	}
}

/* The chosen ones alone; index: search. `from`: the first entry in reach. */
struct fot_group_hits {
	struct fot_choice c;
	int64_t from, size, groups;
	double *out;
};

static inline FOT_DEV void fot_k_group_hits(const struct fot_group_hits *a, int64_t index, struct fot_team t)
{
	double *out = a->out + index * a->groups;
	int64_t at = index * a->c.cap;

	for (int64_t g = t.lane; g < a->groups; g += t.lanes)
		out[g] = -INFINITY;
	fot_warp_sync(t);
	if (t.lane > 0)
		return;
	for (int32_t j = 0; j < a->c.n[index]; j++) {
		int64_t g = (a->c.key[at + j] - a->from) / a->size;

		out[g] = fot_log_add(out[g], (double)a->c.score[at + j]);
	}
}

/* ---- answers --------------------------------------------------------- */

/* Of rows of logits: the nll of their targets (none where it is negative), the most likely id, the lowest of equal
 * ones, and how many logits are not finite; index: row. */
struct fot_answer {
	const float *logits; /* [, vocab] */
	int64_t vocab;
	const int32_t *target;
	double *nll;
	int32_t *argmax, *bad;
};

static inline FOT_DEV void fot_k_answer(const struct fot_answer *a, int64_t row, struct fot_team t)
{
	const float *x = a->logits + row * a->vocab;
	float most = -INFINITY, max, sum = 0;
	int32_t best = INT32_MAX, bad = 0;

	for (int64_t i = t.lane; i < a->vocab; i += t.lanes) {
		if (x[i] > most) {
			most = x[i];
			best = (int32_t)i;
		}
		bad += !isfinite(x[i]);
	}
	max = fot_team_max(t, most);
	best = fot_team_least(t, most == max ? best : INT32_MAX);
	bad = fot_team_count(t, bad);
	for (int64_t i = t.lane; i < a->vocab; i += t.lanes)
		sum += expf(x[i] - max);
	sum = fot_team_sum(t, sum);
	if (t.lane > 0)
		return;
	a->argmax[row] = best == INT32_MAX ? 0 : best;
	a->bad[row] = bad;
	if (a->target[row] >= 0)
		a->nll[row] = log((double)sum) + (double)max - (double)x[a->target[row]];
}

#endif
