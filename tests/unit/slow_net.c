/* slow_net.c: see slow_net.h. One array per layer for all windows, one query at a time. */
#include "tests/unit/slow_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/slow_rope.h"

/* What windows see of each other, per layer: [tokens, DK]. */
struct seen {
	double *k, *v;
};

struct pass {
	const struct fot_params *p;
	const struct fot_config *c;
	const struct fot_batch *b;
	int64_t D, F, H, d, W, n; /* n: tokens of all windows */
	int64_t KV, DQ, DK;       /* heads of keys; a row of queries, of keys */
	double *x, *q, *k, *o;    /* [n, D], [n, DQ], [n, DK], [n, DQ] */
	struct seen own[FOT_MAX_LAYERS];
	double taught[2]; /* sum of -log of the attention: on labels of the right class, on the text to be read */
	int64_t n_taught[2];
};

/* A key that a query may see. */
struct candidate {
	double score;
	int64_t token, order;
};

static void *room(size_t count, size_t size)
{
	void *p = calloc(count + 1, size);

	if (!p)
		abort();
	return p;
}

static const fot_real *weights(const struct pass *a, enum fot_tensor_role role, int layer)
{
	return a->p->w + fot_params_offset(a->p, role, layer);
}

static void multiply(double *y, const double *x, const fot_real *w, int64_t rows, int64_t in, int64_t out)
{
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < out; j++) {
			y[i * out + j] = 0;
			for (int64_t c = 0; c < in; c++)
				y[i * out + j] += x[i * in + c] * (double)w[j * in + c];
		}
}

static void norm(double *y, const double *x, const fot_real *w, int64_t rows, int64_t D, double eps)
{
	for (int64_t i = 0; i < rows; i++) {
		double sum = 0;

		for (int64_t c = 0; c < D; c++)
			sum += x[i * D + c] * x[i * D + c];
		for (int64_t c = 0; c < D; c++)
			y[i * D + c] = x[i * D + c] / sqrt(sum / (double)D + eps) * (double)w[c];
	}
}

/* Heads to unit length, times exp(log_scale). */
static void unit(const struct pass *a, double *x, int64_t heads, const fot_real *log_scale)
{
	for (int64_t i = 0; i < a->n * heads; i++) {
		double sum = 1e-6, t = log_scale ? exp((double)log_scale[i % heads]) : 1;

		for (int64_t c = 0; c < a->d; c++)
			sum += x[i * a->d + c] * x[i * a->d + c];
		for (int64_t c = 0; c < a->d; c++)
			x[i * a->d + c] *= t / sqrt(sum);
	}
}

/* Angles are products of floats. */
static void rotate(const struct pass *a, double *x, int64_t heads)
{
	int64_t half = a->d / 2;
	double f = slow_factor(a->c);

	for (int64_t i = 0; i < a->n * heads; i++)
		for (int64_t c = 0; c < half; c++) {
			float frequency = (float)slow_frequency(a->c, a->c->window, c);
			volatile float angle = (float)(i / heads % a->W) * frequency;
			double *u = x + i * a->d + c, *v = u + half, old = *u;

			*u = f * (old * cos((double)angle) - *v * sin((double)angle));
			*v = f * (*v * cos((double)angle) + old * sin((double)angle));
		}
}

static int better(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

static double score(const struct pass *a, int64_t t, const double *key)
{
	double sum = 0;

	for (int64_t c = 0; c < a->d; c++)
		sum += a->q[t + c] * key[c];
	return a->c->qk_norm ? sum : sum / sqrt((double)a->d);
}

/* o += share * softmax(scores) v over n candidates; total: the softmax's sum, relative to max. */
static void add_values(const struct pass *a, double *o, const struct candidate *s, int64_t n, const double *v,
		       int64_t col, double max, double total)
{
	for (int64_t j = 0; j < n; j++)
		for (int64_t c = 0; c < a->d; c++)
			o[c] += exp(s[j].score - max) / total * v[s[j].token * a->DK + col + c];
}

static double largest(const struct candidate *s, int64_t n, double max)
{
	for (int64_t j = 0; j < n; j++)
		max = s[j].score > max ? s[j].score : max;
	return max;
}

static double exp_sum(const struct candidate *s, int64_t n, double max)
{
	double sum = 0;

	for (int64_t j = 0; j < n; j++)
		sum += exp(s[j].score - max);
	return sum;
}

static double mass_on(const int32_t *key, int32_t wanted, const struct candidate *s, int64_t n, double max)
{
	double sum = 0;

	for (int64_t j = 0; j < n; j++)
		if (key[s[j].token] == wanted)
			sum += exp(s[j].score - max);
	return sum;
}

/* What token t of layer l is taught, of the n local and m far keys. */
static void teach(struct pass *a, int l, int64_t t, const struct candidate *local, int64_t n,
		  const struct candidate *far, int64_t m, double max, double total)
{
	const struct fot_batch *b = a->b;
	bool mem = fot_config_is_mem_layer(a->c, l), below = l + 1 < a->c->n_layers && fot_config_is_mem_layer(a->c, l + 1);
	bool asks = t / a->W < b->n_ask;
	double right = 0;

	if (b->labelled && mem && asks && b->asks[t] >= 0)
		right = mass_on(b->label, b->asks[t], local, n, max) + mass_on(b->label, b->asks[t], far, m, max);
	if (b->labelled && !mem && below && (asks || !b->constant) && b->reads[t] >= 0)
		right = mass_on(b->text, b->reads[t], local, n, max);
	a->taught[!mem] -= right > 0 ? log(right / total) : 0;
	a->n_taught[!mem] += right > 0;
}

/* Query t of head h at layer l; memory: keys and values of the windows in sight. */
static void attend(struct pass *a, int l, const struct seen *memory, int64_t t, int64_t h, struct candidate *local,
		   struct candidate *far)
{
	const struct fot_batch *b = a->b;
	int64_t w = t / a->W, key = h / (a->H / a->KV) * a->d, at = t * a->DQ + h * a->d, n = 0, m = 0;
	int64_t first = a->c->slides[l] ? t + 1 - a->c->sliding_window : 0;
	bool reads = fot_config_is_mem_layer(a->c, l) && w < b->n_ask;
	double *o = a->o + at, max, total, g;

	for (int64_t j = w * a->W > first ? w * a->W : first; j <= t; j++)
		local[n++] = (struct candidate){ score(a, at, a->k + j * a->DK + key), j, j };
	for (int64_t i = reads ? b->vis_begin[w + 1] - 1 : -1; reads && i >= b->vis_begin[w]; i--)
		for (int64_t j = b->vis[i] * a->W; j < (b->vis[i] + 1) * a->W; j++, m++)
			far[m] = (struct candidate){ a->c->mem_scale * score(a, at, memory->k + j * a->DK + key), j, m };
	qsort(far, (size_t)m, sizeof *far, better);
	m = b->top_k && m > b->top_k ? b->top_k : m;
	for (int64_t c = 0; c < a->d; c++)
		o[c] = 0;
	max = largest(local, n, -INFINITY);
	if (m == 0 || a->c->mix == FOT_MIX_JOINT) {
		max = largest(far, m, max);
		total = exp_sum(local, n, max) + exp_sum(far, m, max);
		add_values(a, o, local, n, a->own[l].v, key, max, total);
		add_values(a, o, far, m, memory->v, key, max, total);
		teach(a, l, t, local, n, far, m, max, total);
		return;
	}
	g = 1 / (1 + exp(-(double)weights(a, FOT_ROLE_GATE_BIAS, l)[h]));
	add_values(a, o, local, n, a->own[l].v, key, max, exp_sum(local, n, max) / (1 - g));
	max = largest(far, m, -INFINITY);
	add_values(a, o, far, m, memory->v, key, max, exp_sum(far, m, max) / g);
}

static void attend_all(struct pass *a, int l, const struct seen *memory)
{
	struct candidate *local = room((size_t)a->W, sizeof *local), *far = room((size_t)a->n, sizeof *far);

	for (int64_t t = 0; t < a->n; t++)
		for (int64_t h = 0; h < a->H; h++)
			attend(a, l, memory, t, h, local, far);
	free(local);
	free(far);
}

/* n rows get a bias [out], where the model has it. */
static void shift(const struct pass *a, double *y, enum fot_tensor_role role, int l, bool has, int64_t out)
{
	for (int64_t i = 0; i < a->n * out && has; i++)
		y[i] += (double)weights(a, role, l)[i % out];
}

/* The family's norms of queries or keys. */
static void norm_heads(const struct pass *a, double *x, enum fot_tensor_role role, int l, int64_t heads)
{
	int64_t dim = a->c->qk_rms == FOT_QK_RMS_HEAD ? a->d : heads * a->d;

	if (a->c->qk_rms != FOT_QK_RMS_NONE)
		norm(x, x, weights(a, role, l), a->n * heads * a->d / dim, dim, a->c->rms_norm_eps);
}

static void project(struct pass *a, int l, double *xn)
{
	bool rotates = !a->c->no_rope[l] && (a->c->mem_positionals || !fot_config_is_mem_layer(a->c, l));
	double f = rotates ? slow_factor(a->c) : 1;

	if (a->c->output_norms)
		memcpy(xn, a->x, sizeof *xn * (size_t)(a->n * a->D));
	else
		norm(xn, a->x, weights(a, FOT_ROLE_ATTN_NORM, l), a->n, a->D, a->c->rms_norm_eps);
	multiply(a->q, xn, weights(a, FOT_ROLE_Q, l), a->n, a->D, a->DQ);
	multiply(a->k, xn, weights(a, FOT_ROLE_K, l), a->n, a->D, a->DK);
	multiply(a->own[l].v, xn, weights(a, FOT_ROLE_V, l), a->n, a->D, a->DK);
	shift(a, a->q, FOT_ROLE_Q_BIAS, l, a->c->qkv_bias, a->DQ);
	shift(a, a->k, FOT_ROLE_K_BIAS, l, a->c->qkv_bias, a->DK);
	shift(a, a->own[l].v, FOT_ROLE_V_BIAS, l, a->c->qkv_bias, a->DK);
	norm_heads(a, a->q, FOT_ROLE_Q_NORM, l, a->H);
	norm_heads(a, a->k, FOT_ROLE_K_NORM, l, a->KV);
	if (a->c->qk_norm) {
		unit(a, a->q, a->H, weights(a, FOT_ROLE_QK_SCALE, l));
		unit(a, a->k, a->KV, NULL);
	}
	for (int64_t i = 0; i < a->n * a->DK; i++)
		a->own[l].k[i] = f * a->k[i];
	if (rotates) {
		rotate(a, a->q, a->H);
		rotate(a, a->k, a->KV);
	}
}

static void add(double *x, const double *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		x[i] += y[i];
}

/* What a sublayer gives, through the norm of outputs where the family has it, into x. */
static void give(struct pass *a, double *y, enum fot_tensor_role role, int l)
{
	if (a->c->output_norms)
		norm(y, y, weights(a, role, l), a->n, a->D, a->c->rms_norm_eps);
	add(a->x, y, a->n * a->D);
}

/* All windows through all layers. memory NULL: what this pass computes itself. */
static void run(struct pass *a, const struct seen *memory)
{
	int64_t nd = a->n * a->D, nf = a->n * a->F;
	double *xn = room((size_t)nd, sizeof *xn), *g = room((size_t)nf, sizeof *g), *u = room((size_t)nf, sizeof *u);

	for (int64_t i = 0; i < nd; i++)
		a->x[i] = (double)weights(a, FOT_ROLE_EMBED, -1)[a->b->tokens[i / a->D] * a->D + i % a->D];
	for (int l = 0; l < a->c->n_layers; l++) {
		project(a, l, xn);
		attend_all(a, l, memory ? &memory[l] : &a->own[l]);
		multiply(xn, a->o, weights(a, FOT_ROLE_O, l), a->n, a->DQ, a->D);
		shift(a, xn, FOT_ROLE_O_BIAS, l, a->c->o_bias, a->D);
		give(a, xn, FOT_ROLE_ATTN_OUT_NORM, l);
		memcpy(xn, a->x, sizeof *xn * (size_t)nd);
		if (!a->c->output_norms)
			norm(xn, a->x, weights(a, FOT_ROLE_MLP_NORM, l), a->n, a->D, a->c->rms_norm_eps);
		multiply(g, xn, weights(a, FOT_ROLE_GATE, l), a->n, a->D, a->F);
		multiply(u, xn, weights(a, FOT_ROLE_UP, l), a->n, a->D, a->F);
		shift(a, g, FOT_ROLE_GATE_PROJ_BIAS, l, a->c->mlp_bias, a->F);
		shift(a, u, FOT_ROLE_UP_BIAS, l, a->c->mlp_bias, a->F);
		for (int64_t i = 0; i < nf; i++)
			g[i] = g[i] / (1 + exp(-g[i])) * u[i];
		multiply(xn, g, weights(a, FOT_ROLE_DOWN, l), a->n, a->F, a->D);
		shift(a, xn, FOT_ROLE_DOWN_BIAS, l, a->c->mlp_bias, a->D);
		give(a, xn, FOT_ROLE_MLP_OUT_NORM, l);
	}
	free(xn);
	free(g);
	free(u);
}

static void open_pass(struct pass *a, const struct fot_params *p, const struct fot_batch *b)
{
	const struct fot_config *c = &p->config;
	size_t n = (size_t)(b->n_win * b->window), dq, dk;

	*a = (struct pass){ .p = p, .c = c, .b = b, .D = c->hidden_size, .F = c->intermediate_size, .H = c->n_heads,
			    .d = c->head_dim, .W = b->window, .n = b->n_win * b->window,
			    .KV = c->n_kv_heads ? c->n_kv_heads : c->n_heads };
	a->DQ = a->H * a->d;
	a->DK = a->KV * a->d;
	dq = (size_t)a->DQ;
	dk = (size_t)a->DK;
	a->x = room(n * (size_t)a->D, sizeof *a->x);
	a->q = room(n * dq, sizeof *a->q);
	a->k = room(n * dk, sizeof *a->k);
	a->o = room(n * dq, sizeof *a->o);
	for (int l = 0; l < c->n_layers; l++) {
		a->own[l].k = room(n * dk, sizeof *a->own[l].k);
		a->own[l].v = room(n * dk, sizeof *a->own[l].v);
	}
}

static void close_pass(struct pass *a)
{
	for (int l = 0; l < a->c->n_layers; l++) {
		free(a->own[l].k);
		free(a->own[l].v);
	}
	free(a->x);
	free(a->q);
	free(a->k);
	free(a->o);
}

static double row_nll(const double *logits, int64_t V, int32_t target)
{
	double max = -INFINITY, sum = 0;

	for (int64_t i = 0; i < V; i++)
		max = logits[i] > max ? logits[i] : max;
	for (int64_t i = 0; i < V; i++)
		sum += exp(logits[i] - max);
	return log(sum) + max - logits[target];
}

static double mean_loss(const struct pass *a, double *nll)
{
	const struct fot_batch *b = a->b;
	int64_t V = a->c->vocab_size, n[2] = { 0 };
	const fot_real *head = weights(a, a->c->tie_embeddings ? FOT_ROLE_EMBED : FOT_ROLE_HEAD, -1);
	double *xn = room((size_t)a->D, sizeof *xn), *logits = room((size_t)V, sizeof *logits), sum[2] = { 0 }, x, taught = 0;

	for (int64_t t = 0; t < b->n_ask * a->W; t++) {
		if (b->targets[t] < 0)
			continue;
		norm(xn, a->x + t * a->D, weights(a, FOT_ROLE_NORM, -1), 1, a->D, a->c->rms_norm_eps);
		multiply(logits, xn, head, 1, a->D, V);
		x = row_nll(logits, V, b->targets[t]);
		sum[b->answer[t]] += x;
		n[b->answer[t]]++;
		if (nll)
			nll[t] = x;
	}
	free(xn);
	free(logits);
	if (a->n_taught[0])
		taught += b->teach * a->taught[0] / (double)a->n_taught[0];
	if (a->n_taught[1])
		taught += b->teach_text * a->taught[1] / (double)a->n_taught[1];
	return taught + (n[0] ? sum[0] / (double)n[0] : 0) + (n[1] ? b->answer_weight * sum[1] / (double)n[1] : 0);
}

double slow_net_loss(const struct fot_params *p, const struct fot_params *memory, const struct fot_batch *b,
		     double *nll)
{
	struct pass first, second;
	double loss;

	open_pass(&first, memory, b);
	run(&first, NULL);
	open_pass(&second, p, b);
	run(&second, first.own);
	loss = mean_loss(&second, nll);
	close_pass(&first);
	close_pass(&second);
	return loss;
}
