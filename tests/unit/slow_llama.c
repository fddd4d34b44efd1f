/* slow_llama.c: see slow_llama.h. Local cache and memory are plain growing arrays. */
#include "tests/unit/slow_llama.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/dtype.h"
#include "tests/unit/slow_rope.h"

#define MASKED (-1e6)

struct pairs {
	double *k, *v; /* [n, DK] not rotated */
	int n;
};

struct slow_layer {
	struct pairs local, memory;
};

struct slow {
	const struct fot_params *p;
	struct fot_config c;
	int window, last_context;
	struct slow_layer *layer;
	int64_t *position; /* of the local cache */
	int *memory_mask;
	int n_local, n_memory;
	double *trace, decay;
	int top_k;
	bool bf16;
};

static void *grown(void *old, size_t count, size_t size)
{
	void *p = realloc(old, count * size + 1);

	if (!p)
		abort();
	return p;
}

static int64_t query_width(const struct slow *s)
{
	return (int64_t)s->c.n_heads * s->c.head_dim;
}

/* Heads of keys. */
static int64_t kv_heads(const struct slow *s)
{
	return s->c.n_kv_heads ? s->c.n_kv_heads : s->c.n_heads;
}

static int64_t key_width(const struct slow *s)
{
	return kv_heads(s) * s->c.head_dim;
}

static void add_pairs(struct pairs *to, const double *k, const double *v, int n, int64_t D)
{
	to->k = grown(to->k, (size_t)((to->n + n) * D), sizeof *to->k);
	to->v = grown(to->v, (size_t)((to->n + n) * D), sizeof *to->v);
	memcpy(to->k + to->n * D, k, sizeof *k * (size_t)(n * D));
	memcpy(to->v + to->n * D, v, sizeof *v * (size_t)(n * D));
	to->n += n;
}

struct slow *slow_open(const struct fot_params *p, int window, int last_context)
{
	struct slow *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->p = p;
	s->c = p->config;
	s->window = window;
	s->last_context = last_context;
	s->layer = calloc((size_t)s->c.n_layers, sizeof *s->layer);
	return s;
}

void slow_reset(struct slow *s)
{
	for (int l = 0; l < s->c.n_layers; l++)
		s->layer[l].local.n = s->layer[l].memory.n = 0;
	s->n_local = s->n_memory = 0;
}

void slow_close(struct slow *s)
{
	for (int l = 0; l < s->c.n_layers; l++) {
		free(s->layer[l].local.k);
		free(s->layer[l].local.v);
		free(s->layer[l].memory.k);
		free(s->layer[l].memory.v);
	}
	free(s->layer);
	free(s->position);
	free(s->memory_mask);
	free(s);
}

void slow_decay(struct slow *s, double decay)
{
	s->decay = decay;
}

void slow_top_k(struct slow *s, int k)
{
	s->top_k = k;
}

void slow_bf16(struct slow *s)
{
	s->bf16 = true;
}

void slow_trace(struct slow *s, double *scores)
{
	s->trace = scores;
}

int slow_local(const struct slow *s)
{
	return s->n_local;
}

int slow_memory(const struct slow *s)
{
	return s->n_memory;
}

static const fot_real *weights(const struct slow *s, enum fot_tensor_role role, int layer)
{
	return s->p->w + fot_params_offset(s->p, role, layer);
}

static double taken(const struct slow *s, double x)
{
	return s->bf16 ? (double)fot_bf16_widen(fot_bf16_of((float)x)) : x;
}

/* y [n, out] = x [n, in] times w [out, in] transposed. */
static void times(const struct slow *s, double *y, const double *x, const fot_real *w, int n, int64_t in,
		  int64_t out)
{
	for (int i = 0; i < n; i++)
		for (int64_t o = 0; o < out; o++) {
			double sum = 0;

			for (int64_t c = 0; c < in; c++)
				sum += taken(s, x[i * in + c]) * taken(s, (double)w[o * in + c]);
			y[i * out + o] = sum;
		}
}

static void norm(double *y, const double *x, const fot_real *w, int n, int64_t D, double eps)
{
	for (int i = 0; i < n; i++) {
		double sum = 0;

		for (int64_t c = 0; c < D; c++)
			sum += x[i * D + c] * x[i * D + c];
		for (int64_t c = 0; c < D; c++)
			y[i * D + c] = x[i * D + c] / sqrt(sum / (double)D + eps) * (double)w[c];
	}
}

/* Rows of `heads` heads at relative positions rel; pairs i and i + d/2; angles as products of floats. */
static void turn(const struct slow *s, double *x, const int64_t *rel, int n, int64_t heads)
{
	int64_t d = s->c.head_dim;
	double f = slow_factor(&s->c);

	for (int r = 0; r < n; r++)
		for (int64_t h = 0; h < heads; h++)
			for (int64_t i = 0; i < d / 2; i++) {
				float frequency = (float)slow_frequency(&s->c, s->window, i);
				volatile float angle = (float)rel[r] * frequency;
				double *a = x + (r * heads + h) * d + i, *b = a + d / 2, x0 = *a, x1 = *b;

				*a = f * (x0 * cos((double)angle) - x1 * sin((double)angle));
				*b = f * (x1 * cos((double)angle) + x0 * sin((double)angle));
			}
}

/* n rows get a bias [out]. */
static void shift(double *y, const fot_real *bias, int n, int64_t out)
{
	for (int64_t i = 0; i < n * out; i++)
		y[i] += (double)bias[i % out];
}

/* Norms of queries or keys: each head with one weight, or the row as a whole. */
static void norm_heads(const struct slow *s, double *x, const fot_real *w, int n, int64_t heads)
{
	int64_t d = s->c.head_dim;

	if (s->c.qk_rms == FOT_QK_RMS_HEAD)
		for (int64_t i = 0; i < n * heads; i++)
			norm(x + i * d, x + i * d, w, 1, d, s->c.rms_norm_eps);
	if (s->c.qk_rms == FOT_QK_RMS_WHOLE)
		for (int64_t i = 0; i < n; i++)
			norm(x + i * heads * d, x + i * heads * d, w, 1, heads * d, s->c.rms_norm_eps);
}

static double product(const double *a, const double *b, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static bool rotates(const struct slow *s, int l)
{
	return !s->c.no_rope[l] && (!fot_config_is_mem_layer(&s->c, l) || s->c.mem_positionals);
}

/* Query and key of unit length, times a temperature per head (NULL: 1). */
static void unit(const struct slow *s, double *x, const fot_real *log_scale, int n)
{
	int64_t d = s->c.head_dim;

	for (int64_t i = 0; i < n * s->c.n_heads; i++) {
		double f = 1 / sqrt(product(x + i * d, x + i * d, d) + 1e-6);

		f *= log_scale ? exp((double)log_scale[i % s->c.n_heads]) : 1;
		for (int64_t c = 0; c < d; c++)
			x[i * d + c] *= f;
	}
}

/* Of n scores only the k largest stay, of equal ones the earlier. */
static void keep_best(double *score, int n, int k)
{
	bool *best = grown(NULL, (size_t)n, sizeof *best);

	for (int j = 0; j < n; j++) {
		int above = 0;

		for (int i = 0; i < n; i++)
			above += score[i] > score[j] || (score[i] == score[j] && i < j);
		best[j] = above < k;
	}
	for (int j = 0; j < n; j++)
		score[j] = best[j] ? score[j] : -HUGE_VAL;
	free(best);
}

/* Of `n` scores the exponentials less the largest of those and of `max`, as attention in bf16 takes them; then less the
 * largest of all. */
static void weigh(const struct slow *s, double *score, int n, double max, double largest)
{
	for (int j = 0; j < n; j++)
		max = score[j] > max ? score[j] : max;
	for (int j = 0; j < n; j++)
		score[j] = taken(s, exp(score[j] - max)) * exp(max - largest);
}

/* One query of one head: scores over local keys (the last `sliding` of them, 0: all), then memory, whose keys
 * stand at position 0; one softmax. */
static void attend_one(const struct slow *s, int l, double *out, const double *q, const struct pairs *local,
		       int64_t col, int self, const int *mask, const struct pairs *memory, double *trace)
{
	int64_t d = s->c.head_dim, D = key_width(s), sliding = s->c.slides[l] ? s->c.sliding_window : 0;
	double at_zero = rotates(s, l) ? slow_factor(&s->c) : 1;
	int all = local->n + memory->n;
	double *score = grown(NULL, (size_t)all, sizeof *score), max = -HUGE_VAL, first = -HUGE_VAL, sum = 0;

	for (int j = 0; j < all; j++) {
		const double *k = j < local->n ? local->k + j * D : memory->k + (j - local->n) * D;
		bool seen = j < local->n ? j <= self && mask[j] && (!sliding || self - j < sliding) :
					   s->memory_mask[j - local->n];

		double scale = (j < local->n ? 1 : s->c.mem_scale) / (s->c.qk_norm ? 1 : sqrt((double)d));

		score[j] = 0;
		for (int64_t c = 0; c < d; c++)
			score[j] +=
				taken(s, q[c] * scale) * taken(s, k[col + c] * (j < local->n ? 1 : at_zero));
		score[j] = seen ? score[j] : -HUGE_VAL;
		if (j >= local->n)
			score[j] -= s->decay * log(1 + (double)(all - 1 - j) / s->window);
		if (trace)
			trace[j < local->n ? memory->n + j : j - local->n] = score[j];
	}
	if (s->top_k)
		keep_best(score + local->n, memory->n, s->top_k);
	for (int j = 0; j < all; j++) {
		score[j] = score[j] > MASKED ? score[j] : MASKED;
		max = score[j] > max ? score[j] : max;
	}
	for (int j = 0; j < all; j++)
		sum += exp(score[j] - max);
	for (int j = 0; j < local->n; j++)
		first = score[j] > first ? score[j] : first;
	weigh(s, score, local->n, first, max);
	weigh(s, score + local->n, memory->n, first, max);
	for (int64_t c = 0; c < d; c++)
		out[c] = 0;
	for (int j = 0; j < all; j++) {
		const double *v = j < local->n ? local->v + j * D : memory->v + (j - local->n) * D;

		for (int64_t c = 0; c < d; c++)
			out[c] += score[j] / sum * taken(s, v[col + c]);
	}
	free(score);
}

static double rounded(const struct slow *s, double x)
{
	return s->c.mem_dtype == FOT_BF16 ? (double)fot_bf16_widen(fot_bf16_of((float)x)) : x;
}

static void to_memory(struct slow *s, int l, const double *k, const double *v, int n)
{
	struct pairs *m = &s->layer[l].memory;
	int64_t D = key_width(s);
	int old = m->n;

	add_pairs(m, k, v, n, D);
	for (int64_t i = old * D; i < m->n * D; i++) {
		m->k[i] = rounded(s, m->k[i]);
		m->v[i] = rounded(s, m->v[i]);
	}
}

static void extend_memory_mask(struct slow *s, const int *mask, int n)
{
	s->memory_mask = grown(s->memory_mask, (size_t)(s->n_memory + n), sizeof *mask);
	memcpy(s->memory_mask + s->n_memory, mask, sizeof *mask * (size_t)n);
	s->n_memory += n;
}

/* All of the local cache leaves: memory layers keep it, the others forget it. */
static void spill(struct slow *s, const int *mask)
{
	for (int l = 0; l < s->c.n_layers; l++) {
		struct pairs *a = &s->layer[l].local;

		if (fot_config_is_mem_layer(&s->c, l))
			to_memory(s, l, a->k, a->v, a->n);
		a->n = 0;
	}
	extend_memory_mask(s, mask, s->n_local);
	s->n_local = 0;
}

/* Where the scores of query i of n go. */
static double *traced(const struct slow *s, int l, int64_t h, int n, int i)
{
	int64_t slot = fot_config_mem_slot(&s->c, l);

	return s->trace + ((slot * s->c.n_heads + h) * n + i) * (s->n_memory + s->n_local);
}

/* Attention of layer l over x [n, D]; the new keys and values join the local ones. */
static void attention(struct slow *s, int l, double *x, int n, const int64_t *rel, const int *mask)
{
	int64_t D = s->c.hidden_size, d = s->c.head_dim, DQ = query_width(s), DK = key_width(s),
		group = s->c.n_heads / kv_heads(s);
	bool mem = fot_config_is_mem_layer(&s->c, l);
	struct slow_layer *a = &s->layer[l];
	struct pairs seen = { 0 }, none = { 0 };
	double *y[5];

	for (int i = 0; i < 5; i++)
		y[i] = grown(NULL, (size_t)n * (size_t)(D > DQ ? D : DQ), sizeof **y);
	memcpy(y[0], x, sizeof *x * (size_t)(n * D));
	if (!s->c.output_norms)
		norm(y[0], x, weights(s, FOT_ROLE_ATTN_NORM, l), n, D, s->c.rms_norm_eps);
	times(s, y[1], y[0], weights(s, FOT_ROLE_Q, l), n, D, DQ);
	times(s, y[2], y[0], weights(s, FOT_ROLE_K, l), n, D, DK);
	times(s, y[3], y[0], weights(s, FOT_ROLE_V, l), n, D, DK);
	if (s->c.qkv_bias) {
		shift(y[1], weights(s, FOT_ROLE_Q_BIAS, l), n, DQ);
		shift(y[2], weights(s, FOT_ROLE_K_BIAS, l), n, DK);
		shift(y[3], weights(s, FOT_ROLE_V_BIAS, l), n, DK);
	}
	if (s->c.qk_rms != FOT_QK_RMS_NONE) {
		norm_heads(s, y[1], weights(s, FOT_ROLE_Q_NORM, l), n, s->c.n_heads);
		norm_heads(s, y[2], weights(s, FOT_ROLE_K_NORM, l), n, kv_heads(s));
	}
	if (s->c.qk_norm) {
		unit(s, y[1], weights(s, FOT_ROLE_QK_SCALE, l), n);
		unit(s, y[2], NULL, n);
	}
	add_pairs(&a->local, y[2], y[3], n, DK);
	add_pairs(&seen, a->local.k, a->local.v, a->local.n, DK);
	if (rotates(s, l)) {
		turn(s, seen.k, rel, seen.n, kv_heads(s));
		turn(s, y[1], rel + seen.n - n, n, s->c.n_heads);
	}
	for (int i = 0; i < n; i++)
		for (int64_t h = 0; h < s->c.n_heads; h++)
			attend_one(s, l, y[4] + i * DQ + h * d, y[1] + i * DQ + h * d, &seen, h / group * d,
				   seen.n - n + i, mask, mem ? &a->memory : &none,
				   mem && s->trace ? traced(s, l, h, n, i) : NULL);
	times(s, y[0], y[4], weights(s, FOT_ROLE_O, l), n, DQ, D);
	if (s->c.o_bias)
		shift(y[0], weights(s, FOT_ROLE_O_BIAS, l), n, D);
	if (s->c.output_norms)
		norm(y[0], y[0], weights(s, FOT_ROLE_ATTN_OUT_NORM, l), n, D, s->c.rms_norm_eps);
	for (int64_t i = 0; i < n * D; i++)
		x[i] += y[0][i];
	free(seen.k);
	free(seen.v);
	for (int i = 0; i < 5; i++)
		free(y[i]);
}

static void mlp(const struct slow *s, int l, double *x, int n)
{
	int64_t D = s->c.hidden_size, F = s->c.intermediate_size;
	double *xn = grown(NULL, (size_t)(n * D), sizeof *xn), *g = grown(NULL, (size_t)(n * F), sizeof *g),
	       *u = grown(NULL, (size_t)(n * F), sizeof *u);

	memcpy(xn, x, sizeof *x * (size_t)(n * D));
	if (!s->c.output_norms)
		norm(xn, x, weights(s, FOT_ROLE_MLP_NORM, l), n, D, s->c.rms_norm_eps);
	times(s, g, xn, weights(s, FOT_ROLE_GATE, l), n, D, F);
	times(s, u, xn, weights(s, FOT_ROLE_UP, l), n, D, F);
	if (s->c.mlp_bias) {
		shift(g, weights(s, FOT_ROLE_GATE_PROJ_BIAS, l), n, F);
		shift(u, weights(s, FOT_ROLE_UP_BIAS, l), n, F);
	}
	for (int64_t i = 0; i < n * F; i++)
		g[i] = g[i] / (1 + exp(-g[i])) * u[i];
	times(s, xn, g, weights(s, FOT_ROLE_DOWN, l), n, F, D);
	if (s->c.mlp_bias)
		shift(xn, weights(s, FOT_ROLE_DOWN_BIAS, l), n, D);
	if (s->c.output_norms)
		norm(xn, xn, weights(s, FOT_ROLE_MLP_OUT_NORM, l), n, D, s->c.rms_norm_eps);
	for (int64_t i = 0; i < n * D; i++)
		x[i] += xn[i];
	free(xn);
	free(g);
	free(u);
}

static void logits_of(const struct slow *s, double *logits, const double *x, int n)
{
	int64_t D = s->c.hidden_size;
	double *xn = grown(NULL, (size_t)(n * D), sizeof *xn);

	norm(xn, x, weights(s, FOT_ROLE_NORM, -1), n, D, s->c.rms_norm_eps);
	times(s, logits, xn, weights(s, s->c.tie_embeddings ? FOT_ROLE_EMBED : FOT_ROLE_HEAD, -1), n, D,
	      s->c.vocab_size);
	free(xn);
}

/* Positions of the local context counted from its smallest. */
static void relative(const struct slow *s, int64_t *rel)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < s->n_local; i++)
		least = s->position[i] < least ? s->position[i] : least;
	for (int i = 0; i < s->n_local; i++)
		rel[i] = s->position[i] - least;
}

/* One window. mask [n_local + n]. keep: it becomes local context, else memory. */
static void run_window(struct slow *s, const int32_t *ids, int n, const int *mask, const int64_t *position,
		       bool keep, double *logits)
{
	int64_t D = s->c.hidden_size, *rel;
	const fot_real *embed = weights(s, FOT_ROLE_EMBED, -1);
	double *x = grown(NULL, (size_t)(n * D), sizeof *x);

	if (s->n_local > 0 && s->n_local + n > s->window) {
		int old = s->n_local;

		spill(s, mask);
		mask += old;
	}
	s->position = grown(s->position, (size_t)(s->n_local + n), sizeof *s->position);
	memcpy(s->position + s->n_local, position, sizeof *position * (size_t)n);
	s->n_local += n;
	rel = grown(NULL, (size_t)s->n_local, sizeof *rel);
	relative(s, rel);
	for (int i = 0; i < n; i++)
		for (int64_t c = 0; c < D; c++)
			x[i * D + c] = (double)embed[ids[i] * D + c];
	for (int l = 0; l < s->c.n_layers; l++) {
		attention(s, l, x, n, rel, mask);
		mlp(s, l, x, n);
	}
	logits_of(s, logits, x, n);
	if (!keep)
		spill(s, mask);
	free(rel);
	free(x);
}

bool slow_call(struct slow *s, const int32_t *ids, int n, const int *mask, const int64_t *positions,
	       bool use_cache, double *logits)
{
	int local = s->n_local, prefix = n > s->last_context ? n - s->last_context : 0;
	int64_t *position = grown(NULL, (size_t)n, sizeof *position), first = 0;
	int *ones = grown(NULL, (size_t)(local + n), sizeof *ones);
	bool cached = local > 0;

	for (int i = 0; i < local; i++)
		first = s->position[i] + 1 > first ? s->position[i] + 1 : first;
	for (int i = 0; i < n; i++)
		position[i] = positions ? positions[i] : first + i;
	for (int i = 0; i < local + n; i++)
		ones[i] = mask ? mask[i] : 1;
	for (int at = 0, end; at < n && (use_cache || !cached); at = end) {
		if (at >= prefix)
			end = n;
		else
			end = at + s->window < prefix ? at + s->window : prefix;
		run_window(s, ids + at, end - at, ones + local + at - s->n_local, position + at,
			   at >= prefix ? use_cache : cached, logits + (int64_t)at * s->c.vocab_size);
	}
	free(position);
	free(ones);
	return use_cache || !cached;
}

static int32_t best_of(const double *logits, int n)
{
	int32_t best = 0;

	for (int i = 1; i < n; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

void slow_greedy(struct slow *s, const int32_t *ids, int n, const int *mask, int32_t *out, int steps)
{
	int V = s->c.vocab_size, total = s->n_local + n;
	double *logits = grown(NULL, (size_t)n * (size_t)V, sizeof *logits);
	int64_t *position = grown(NULL, (size_t)n, sizeof *position), count = 0;
	int *all = grown(NULL, (size_t)(total + steps), sizeof *all), behind = s->n_local;

	for (int i = 0; i < total + steps; i++)
		all[i] = i < total && mask ? mask[i] : 1;
	for (int i = 0; i < total; i++) {
		count += all[i];
		if (i >= behind)
			position[i - behind] = count - 1;
	}
	/* A cache of an earlier call has counted columns: go on from there. */
	slow_call(s, ids, n, all, behind ? NULL : position, true, logits);
	out[0] = best_of(logits + (int64_t)(n - 1) * V, V);
	for (int i = 1; i < steps; i++) {
		int64_t next = s->position[s->n_local - 1] + 1;

		slow_call(s, &out[i - 1], 1, all + total + i - 1 - s->n_local, &next, true, logits);
		out[i] = best_of(logits, V);
	}
	free(logits);
	free(position);
	free(all);
}
