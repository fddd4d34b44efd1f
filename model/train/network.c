/* network.c: the order of the work.
 *
 *   forward:   segment 0 | memory layer | segment 1 | ...        (| = barrier)
 *   backward:  the same, from the end
 *
 * A segment is all layers between two memory layers; inside it windows do not
 * meet, so each goes through on its own.  At a barrier the keys and values of all
 * windows are ready.  In the backward pass the units of work at a memory layer are
 * heads of groups of windows: each adds to its own columns and the arrays of its
 * group, which are summed in a fixed order. */
#include "model/train/network.h"

#include <omp.h>

#include "model/cost.h"
#include "model/ops.h"
#include "model/train/network_priv.h"

static int64_t imax(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void fot_net_size_of(struct fot_net_size *size, const struct fot_stage *stages, size_t n, int n_threads)
{
	memset(size, 0, sizeof *size);
	size->n_threads = n_threads;
	for (size_t i = 0; i < n; i++) {
		const struct fot_stage *s = &stages[i];
		bool cached = s->method == FOT_METHOD_TRANSFORMER_XL;
		int64_t win = cached ? s->batch : fot_stage_windows(s);

		size->max_window = imax(size->max_window, s->window);
		size->cap_tokens = imax(size->cap_tokens, win * s->window);
		size->cap_ask_tokens = imax(size->cap_ask_tokens, s->batch * s->window);
		size->cap_win = imax(size->cap_win, fot_stage_windows(s));
		size->cached |= cached;
		size->top_k = imax(size->top_k, s->top_k);
		size->cap_hits = imax(size->cap_hits, s->batch * s->window * s->top_k);
		size->teach |= s->teach > 0 || s->teach_end > 0;
		size->seen |= (s->method == FOT_METHOD_CROSSBATCH && s->top_k == 0) || s->method == FOT_METHOD_LONGLLAMA;
	}
}

bool net_is_mem(const struct fot_net *net, int l)
{
	return fot_config_is_mem_layer(&net->p->config, l);
}

bool net_rotates(const struct fot_net *net, int l)
{
	return fot_config_rotates(&net->p->config, l);
}

/* ---- memory ---------------------------------------------------------- */

static fot_real *take(struct fot_layout *y, int64_t count)
{
	return fot_layout_take(y, count, sizeof(fot_real));
}

static void lay_mem_read(struct fot_layout *y, struct mem_read *m, const struct fot_config *cfg,
			 const struct fot_net_size *z)
{
	int64_t DQ = fot_config_query_width(cfg), H = cfg->n_heads, ask = z->cap_ask_tokens;
	bool gate = cfg->mix == FOT_MIX_GATE, topk = z->top_k > 0;

	m->o_local = gate ? take(y, ask * DQ) : NULL;
	m->o_mem = gate ? take(y, ask * DQ) : NULL;
	m->lse = gate ? take(y, ask * H) : NULL;
	m->n = topk ? fot_layout_take(y, ask * H, sizeof *m->n) : NULL;
	m->row = topk ? fot_layout_take(y, z->cap_hits * H, sizeof *m->row) : NULL;
	m->p = topk ? take(y, z->cap_hits * H) : NULL;
	m->ds = topk ? take(y, z->cap_hits * H) : NULL;
}

/* Norms of n rows of queries or keys, `width` numbers each. */
static void lay_head_norms(struct fot_layout *y, struct head_norms *h, const struct fot_config *cfg, int64_t n,
			   int64_t width)
{
	bool rms = cfg->qk_rms != FOT_QK_RMS_NONE;
	int64_t heads = width / cfg->head_dim;

	h->rms_in = rms ? take(y, n * width) : NULL;
	h->rms_inv = rms ? take(y, n * (cfg->qk_rms == FOT_QK_RMS_HEAD ? heads : 1)) : NULL;
	h->unit_in = cfg->qk_norm ? take(y, n * width) : NULL;
	h->unit_inv = cfg->qk_norm ? take(y, n * heads) : NULL;
}

static void lay_layer(struct fot_layout *y, struct layer_cache *c, const struct fot_config *cfg, int l, int last_mem,
		      const struct fot_net_size *z)
{
	int64_t D = cfg->hidden_size, F = cfg->intermediate_size;
	int64_t DQ = fot_config_query_width(cfg), DK = fot_config_key_width(cfg);
	int64_t all = l <= last_mem ? z->cap_tokens : z->cap_ask_tokens;
	int64_t out = l < last_mem ? z->cap_tokens : z->cap_ask_tokens; /* windows that leave the layer */
	bool mem = fot_config_is_mem_layer(cfg, l);

	c->x = take(y, all * D);
	c->inv1 = take(y, all);
	c->k = take(y, all * DK);
	c->v = take(y, all * DK);
	c->k_ctx = mem && fot_config_rotates(cfg, l) ? take(y, all * DK) : c->k;
	c->q = take(y, out * DQ);
	lay_head_norms(y, &c->q_norms, cfg, out, DQ);
	lay_head_norms(y, &c->k_norms, cfg, all, DK);
	c->o = take(y, out * DQ);
	c->lse = take(y, out * cfg->n_heads);
	c->x2 = take(y, out * D);
	c->y1 = cfg->output_norms ? take(y, out * D) : NULL;
	c->y2 = cfg->output_norms ? take(y, out * D) : NULL;
	c->inv2 = take(y, out);
	c->g = take(y, out * F);
	c->u = take(y, out * F);
	cached_lay(y, c, cfg, z);
	teach_lay(y, c, cfg, l, z);
	if (mem)
		lay_mem_read(y, &c->mem, cfg, z);
}

static void lay_scratch(struct fot_layout *y, struct scratch *s, const struct fot_config *cfg,
			const struct fot_net_size *z)
{
	int64_t W = z->max_window;
	int64_t D = cfg->hidden_size, F = cfg->intermediate_size;
	int64_t DQ = fot_config_query_width(cfg), DK = fot_config_key_width(cfg);
	const struct {
		fot_real **rows;
		int64_t width;
	} all[] = { { &s->xn, D },  { &s->dxn, D }, { &s->h, F },   { &s->dg, F },  { &s->du, F },
		    { &s->d_o, DQ }, { &s->dq, DQ }, { &s->dk, DK }, { &s->dv, DK }, { &s->dy, imax(D, DQ) } };
	const struct fot_bf16_kernel *kernel = product_kernel(z);
	fot_real *attn;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		*all[i].rows = take(y, W * all[i].width);
	s->low = fot_layout_take(y, W, sizeof *s->low);
	s->delta = take(y, W * cfg->n_heads);
	s->delta_mem = take(y, W);
	fot_topk_lay(&s->topk, y, z->top_k);
	s->scores = take(y, z->top_k);
	s->values = fot_layout_take(y, z->top_k, sizeof *s->values);
	s->logits = take(y, (int64_t)HEAD_ROWS * cfg->vocab_size);
	product_lay_scratch(y, s, cfg, z);
	attn = take(y, fot_attn_need(cfg->head_dim, 1, kernel));
	if (attn)
		fot_attn_bind(&s->attn, attn, cfg->head_dim, 1, kernel);
}

static void lay_out(struct fot_layout *y, struct fot_net *net, const struct fot_config *cfg, int64_t n_params)
{
	const struct fot_net_size *z = &net->size;
	int64_t D = cfg->hidden_size, mem_tokens = net->last_mem >= 0 ? z->cap_tokens : 0;
	int64_t queries = mem_tokens * fot_config_query_width(cfg), keys = mem_tokens * fot_config_key_width(cfg);

	for (int l = 0; l < cfg->n_layers; l++)
		lay_layer(y, &net->layer[l], cfg, l, net->last_mem, z);
	for (int t = 0; t < z->n_threads; t++)
		lay_scratch(y, &net->scratch[t], cfg, z);
	product_lay(y, &net->products, cfg, z);
	for (int i = 0; i < FOT_SHARDS; i++)
		net->shard[i] = take(y, n_params);
	net->x_out = take(y, z->cap_ask_tokens * D);
	net->inv_out = take(y, z->cap_ask_tokens);
	net->dx = take(y, z->cap_tokens * D);
	net->mem.d_o = take(y, queries);
	net->mem.dq = take(y, queries);
	net->mem.dk = take(y, keys);
	net->mem.dkc = cfg->mem_positionals ? take(y, keys) : net->mem.dk;
	net->mem.dv = take(y, keys);
	for (int g = 0; g < GROUPS; g++) {
		net->mem.seen_k[g] = z->seen ? take(y, keys) : NULL;
		net->mem.seen_v[g] = z->seen ? take(y, keys) : NULL;
	}
	net->mem.gate = take(y, z->cap_win * cfg->n_heads);
	net->rope_cos = take(y, (z->max_window + 1) * cfg->head_dim / 2);
	net->rope_sin = take(y, (z->max_window + 1) * cfg->head_dim / 2);
}

static int last_mem_layer(const struct fot_config *c)
{
	return c->n_mem_layers ? c->mem_layers[c->n_mem_layers - 1] : -1;
}

size_t fot_net_estimate(const struct fot_config *c, const struct fot_net_size *size)
{
	struct fot_layout y = { 0 };
	struct fot_net net = { .size = *size, .last_mem = last_mem_layer(c) };

	net.layer = fot_calloc((size_t)c->n_layers, sizeof *net.layer);
	net.scratch = fot_calloc((size_t)size->n_threads, sizeof *net.scratch);
	if (net.layer && net.scratch)
		lay_out(&y, &net, c, fot_config_parameters(c) + 16 * (int64_t)fot_config_tensors(c, NULL));
	fot_free(net.layer);
	fot_free(net.scratch);
	return y.need;
}

static void find_offsets(struct fot_net *net)
{
	const struct fot_params *p = net->p;

	net->at_embed = fot_params_offset(p, FOT_ROLE_EMBED, -1);
	net->at_norm = fot_params_offset(p, FOT_ROLE_NORM, -1);
	net->at_head = p->config.tie_embeddings ? net->at_embed : fot_params_offset(p, FOT_ROLE_HEAD, -1);
	for (int l = 0; l < net->n_layers; l++)
		net->at[l] = (struct layer_offsets){
			.norm1 = fot_params_offset(p, FOT_ROLE_ATTN_NORM, l),
			.q = fot_params_offset(p, FOT_ROLE_Q, l),
			.k = fot_params_offset(p, FOT_ROLE_K, l),
			.v = fot_params_offset(p, FOT_ROLE_V, l),
			.o = fot_params_offset(p, FOT_ROLE_O, l),
			.q_bias = fot_params_offset(p, FOT_ROLE_Q_BIAS, l),
			.k_bias = fot_params_offset(p, FOT_ROLE_K_BIAS, l),
			.v_bias = fot_params_offset(p, FOT_ROLE_V_BIAS, l),
			.o_bias = fot_params_offset(p, FOT_ROLE_O_BIAS, l),
			.q_norm = fot_params_offset(p, FOT_ROLE_Q_NORM, l),
			.k_norm = fot_params_offset(p, FOT_ROLE_K_NORM, l),
			.qk_scale = fot_params_offset(p, FOT_ROLE_QK_SCALE, l),
			.mem_gate = fot_params_offset(p, FOT_ROLE_GATE_BIAS, l),
			.out_norm1 = fot_params_offset(p, FOT_ROLE_ATTN_OUT_NORM, l),
			.norm2 = fot_params_offset(p, FOT_ROLE_MLP_NORM, l),
			.gate = fot_params_offset(p, FOT_ROLE_GATE, l),
			.up = fot_params_offset(p, FOT_ROLE_UP, l),
			.down = fot_params_offset(p, FOT_ROLE_DOWN, l),
			.gate_bias = fot_params_offset(p, FOT_ROLE_GATE_PROJ_BIAS, l),
			.up_bias = fot_params_offset(p, FOT_ROLE_UP_BIAS, l),
			.down_bias = fot_params_offset(p, FOT_ROLE_DOWN_BIAS, l),
			.out_norm2 = fot_params_offset(p, FOT_ROLE_MLP_OUT_NORM, l),
		};
}

int fot_net_open(struct fot_net **out, const struct fot_params *p, const struct fot_net_size *size,
		 struct fot_err *err)
{
	const struct fot_config *c = &p->config;
	struct fot_net *net = NULL;
	struct fot_turning turning;
	struct fot_layout y = { 0 };
	int status = FOT_OK;

	net = fot_calloc(1, sizeof *net);
	if (!net)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	openblas_set_num_threads(1); /* one call per tile, from our own threads */
	*net = (struct fot_net){ .p = p, .size = *size, .D = c->hidden_size, .F = c->intermediate_size,
				 .H = c->n_heads, .dh = c->head_dim, .V = c->vocab_size, .n_layers = c->n_layers,
				 .KV = fot_config_kv_heads(c), .share = c->n_heads / fot_config_kv_heads(c),
				 .DQ = fot_config_query_width(c), .DK = fot_config_key_width(c),
				 .last_mem = last_mem_layer(c) };
	net->at = fot_calloc((size_t)c->n_layers, sizeof *net->at);
	net->layer = fot_calloc((size_t)c->n_layers, sizeof *net->layer);
	net->scratch = fot_calloc((size_t)size->n_threads, sizeof *net->scratch);
	net->loss = fot_calloc((size_t)size->cap_win, sizeof *net->loss);
	net->live = fot_calloc((size_t)size->cap_win, sizeof *net->live);
	net->chosen = fot_calloc((size_t)size->cap_ask_tokens, sizeof *net->chosen);
	if (!net->at || !net->layer || !net->scratch || !net->loss || !net->live || !net->chosen) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	lay_out(&y, net, c, p->n);
	FOT_TRY(fot_arena_init(&net->arena, y.need, err));
	y.arena = &net->arena;
	lay_out(&y, net, c, p->n);
	turning = fot_config_turning(c, c->window);
	net->key_factor = (fot_real)fot_rope_attention(&turning);
	fot_rope_tables(net->rope_cos, net->rope_sin, size->max_window + 1, &turning);
	find_offsets(net);
out:
	if (status != FOT_OK)
		fot_net_close(net);
	else
		*out = net;
	return status;
}

void fot_net_close(struct fot_net *net)
{
	if (!net)
		return;
	fot_arena_release(&net->arena);
	fot_free(net->at);
	fot_free(net->layer);
	fot_free(net->scratch);
	fot_free(net->loss);
	fot_free(net->live);
	fot_free(net->chosen);
	fot_free(net);
}

/* ---- forward --------------------------------------------------------- */

void net_embed(struct fot_net *net, const struct fot_batch *b, int64_t from, int64_t w)
{
	const fot_real *table = net->p->w + net->at_embed;
	const int32_t *tokens = b->tokens + from * b->window;
	int64_t D = net->D;

	for (int64_t i = 0; i < b->window; i++)
		memcpy(net->layer[0].x + (w * b->window + i) * D, table + tokens[i] * D, sizeof(fot_real) * (size_t)D);
}

/* First memory layer at or after l, or n_layers. */
static int next_mem(const struct fot_net *net, int l)
{
	while (l < net->n_layers && !net_is_mem(net, l))
		l++;
	return l;
}

/* Does window w go beyond the keys and values of layer l? */
static bool goes_on(const struct fot_net *net, const struct fot_batch *b, int l, int64_t w)
{
	return w < b->n_ask || l < net->last_mem;
}

/* Window w from memory layer `from` (or the embedding, from = -1) to memory layer
 * `to`, whose queries, keys and values are the last thing computed. */
static void forward_segment(struct fot_net *net, const struct fot_batch *b, int from, int to, int64_t w,
			    struct scratch *s)
{
	if (from < 0)
		net_embed(net, b, w, w);
	for (int l = from < 0 ? 0 : from; l < to; l++) {
		if (l != from)
			block_project(net, b, l, w, s);
		block_attend(net, b, l, w, s);
		block_mlp(net, b, l, w, s);
	}
	if (to < net->n_layers)
		block_project(net, b, to, w, s);
}

/* All layers; windows that do not go on stop at the last memory layer. */
static void forward(struct fot_net *net, const struct fot_batch *b)
{
	int from = -1, to;

	if (b->cached) {
		cached_forward(net, b);
		return;
	}
	do {
		to = next_mem(net, from + 1);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
		for (int64_t w = 0; w < b->n_win; w++)
			if (from < 0 ? net->last_mem >= 0 || w < b->n_ask : goes_on(net, b, from, w))
				forward_segment(net, b, from, to, w, &net->scratch[omp_get_thread_num()]);
		from = to;
	} while (to < net->n_layers);
}

/* Targets of window w. */
static int64_t row_targets(const struct fot_batch *b, int64_t w)
{
	int64_t n = 0;

	for (int64_t i = w * b->window; i < (w + 1) * b->window; i++)
		n += b->targets[i] >= 0;
	return n;
}

/* What a target of window w counts when windows count the same; a window without any counts 0. */
static double row_weight(const struct fot_batch *b, int64_t w)
{
	int64_t n = row_targets(b, w);

	return n ? 1.0 / (double)(n * b->n_ask) : 0;
}

/* ---- backward -------------------------------------------------------- */

/* Contexts get gradients when all of them are read; what is retrieved is found on the way. */
static void begin_live(struct fot_net *net, const struct fot_batch *b)
{
	int context = b->constant || b->top_k ? -1 : net->last_mem;

	for (int64_t w = 0; w < b->n_win; w++)
		net->live[w] = w < b->n_ask ? net->n_layers : context;
}

/* Are the gradients of what windows see kept apart by group? */
static bool by_group(const struct fot_batch *b)
{
	return !b->constant && b->top_k == 0 && b->vis_begin[b->n_ask] > 0;
}

static void clear_mem_grads(struct fot_net *net, const struct fot_batch *b, int64_t w)
{
	int64_t n = b->window * net->DK, at = w * n;
	size_t bytes = sizeof(fot_real) * (size_t)n;

	memset(net->mem.dq + w * b->window * net->DQ, 0, sizeof(fot_real) * (size_t)(b->window * net->DQ));
	memset(net->mem.dk + at, 0, bytes);
	memset(net->mem.dkc + at, 0, bytes);
	memset(net->mem.dv + at, 0, bytes);
	for (int g = 0; g < GROUPS && by_group(b); g++) {
		memset(net->mem.seen_k[g] + at, 0, bytes);
		memset(net->mem.seen_v[g] + at, 0, bytes);
	}
}

/* What the groups added to the keys and values of window w, in order. */
static void add_seen(struct fot_net *net, const struct fot_batch *b, int64_t w)
{
	int64_t n = b->window * net->DK, at = w * n;

	for (int g = 0; g < GROUPS; g++) {
#pragma omp simd
		for (int64_t i = at; i < at + n; i++) {
			net->mem.dkc[i] += net->mem.seen_k[g][i];
			net->mem.dv[i] += net->mem.seen_v[g][i];
		}
	}
}

/* Memory layer l: gradients of queries, keys and values of all windows. */
static void backward_memory(struct fot_net *net, const struct fot_batch *b, int l)
{
#pragma omp parallel num_threads(net->size.n_threads)
	{
		struct scratch *s = &net->scratch[omp_get_thread_num()];

#pragma omp for schedule(dynamic, 1)
		for (int64_t w = 0; w < (b->constant ? b->n_ask : b->n_win); w++)
			clear_mem_grads(net, b, w);
#pragma omp for schedule(dynamic, 1)
		for (int64_t i = 0; i < net->KV * GROUPS; i++)
			memory_backward(net, b, l, i / GROUPS, (int)(i % GROUPS), s);
#pragma omp for schedule(dynamic, 1)
		for (int64_t i = 0; i < (b->top_k && !b->constant ? net->KV * RANGES : 0); i++)
			memory_scatter(net, b, l, i / RANGES, (int)(i % RANGES));
#pragma omp for schedule(dynamic, 1)
		for (int64_t w = 0; w < (by_group(b) ? b->n_win : 0); w++)
			add_seen(net, b, w);
	}
	if (b->top_k && !b->constant)
		memory_reach(net, b, l);
	if (net->p->config.mix == FOT_MIX_GATE)
		memory_gate_backward(net, b, l, net->shard[0]);
}

/* The way back of forward_segment: from layer `to` (exclusive; its projections
 * included when it is a memory layer) down to the output of attention in `from`. */
static void backward_segment(struct fot_net *net, const struct fot_batch *b, int from, int to, int64_t w,
			     fot_real *grad, struct scratch *s)
{
	int64_t t = w * b->window, at = t * net->D, q_at = t * net->DQ, k_at = t * net->DK;
	struct mem_grads *m = &net->mem;

	if (to < net->n_layers) {
		if (net->live[w] == to)
			memset(net->dx + at, 0, sizeof(fot_real) * (size_t)(b->window * net->D));
		block_project_backward(net, b, to, w, m->dq + q_at, m->dk + k_at, m->dkc + k_at, m->dv + k_at, grad,
				       s);
	}
	for (int l = to - 1; l >= imax(from, 0); l--) {
		if (l == from) {
			block_mlp_backward(net, b, l, w, m->d_o + q_at, grad, s);
			break;
		}
		block_mlp_backward(net, b, l, w, s->d_o, grad, s);
		block_attend_backward(net, b, l, w, s->d_o, s->dq, s->dk, s->dv, s);
		block_project_backward(net, b, l, w, s->dq, s->dk, s->dk, s->dv, grad, s);
	}
	if (from >= 0)
		return;
	for (int64_t i = 0; i < b->window; i++) {
		fot_real *row = grad + net->at_embed + b->tokens[w * b->window + i] * net->D;
		const fot_real *dx = net->dx + at + i * net->D;

		for (int64_t c = 0; c < net->D; c++)
			row[c] += dx[c];
	}
}

/* Memory layer below l, or -1. */
static int previous_mem(const struct fot_net *net, int l)
{
	do
		l--;
	while (l >= 0 && !net_is_mem(net, l));
	return l;
}

/* Asking window or context: which shard, so that both kinds are spread evenly. */
static int shard_of(const struct fot_batch *b, int64_t w)
{
	return (int)((w < b->n_ask ? w : w - b->n_ask) % FOT_SHARDS);
}

static void backward_shard(struct fot_net *net, const struct fot_batch *b, int from, int to, int shard,
			   const double weight[2], double *nll)
{
	struct scratch *s = &net->scratch[omp_get_thread_num()];
	fot_real *grad = net->shard[shard];
	bool top = to == net->n_layers;
	double mine[2] = { weight[0], weight[1] };

	if (top)
		memset(grad, 0, sizeof(fot_real) * (size_t)net->p->n);
	for (int64_t w = 0; w < b->n_win; w++) {
		if (shard_of(b, w) != shard)
			continue;
		if (b->row_mean && w < b->n_ask)
			mine[0] = row_weight(b, w);
		if (top && w < b->n_ask)
			block_head(net, b, w, mine, nll, grad, s);
		if (net->live[w] >= to)
			backward_segment(net, b, from, to, w, grad, s);
	}
}

static void backward(struct fot_net *net, const struct fot_batch *b, const double weight[2], double *nll)
{
	int to = net->n_layers, from;

	begin_live(net, b);
	do {
		from = b->cached ? -1 : previous_mem(net, to);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
		for (int i = 0; i < FOT_SHARDS; i++)
			backward_shard(net, b, from, to, i, weight, nll);
		if (from >= 0)
			backward_memory(net, b, from);
		to = from;
	} while (from >= 0);
}

static void reduce_shards(struct fot_net *net, fot_real *grad)
{
	int64_t n = net->p->n, step = 1 << 14;

#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
	for (int64_t from = 0; from < n; from += step) {
		int64_t to = from + step < n ? from + step : n;

		memcpy(grad + from, net->shard[0] + from, sizeof *grad * (size_t)(to - from));
		for (int s = 1; s < FOT_SHARDS; s++)
			for (int64_t i = from; i < to; i++)
				grad[i] += net->shard[s][i];
	}
}

/* ---- the two entries ------------------------------------------------- */

struct counts {
	int64_t n[2]; /* targets: others, answers */
};

static struct counts count_targets(const struct fot_batch *b)
{
	struct counts c = { { 0 } };

	for (int64_t i = 0; i < b->n_ask * b->window; i++)
		c.n[b->answer[i]] += b->targets[i] >= 0;
	return c;
}

static int mean_loss(const struct fot_net *net, const struct fot_batch *b, struct counts c, double *loss,
		     struct fot_err *err)
{
	double sum[2] = { 0 };

	for (int64_t w = 0; w < b->n_ask; w++)
		for (int k = 0; k < 2; k++)
			sum[k] += net->loss[w].nll[k] * (b->row_mean ? row_weight(b, w) : 1);
	*loss = b->row_mean ? sum[0] : c.n[0] ? sum[0] / (double)c.n[0] : 0;
	if (c.n[1])
		*loss += b->answer_weight * sum[1] / (double)c.n[1];
	*loss += teach_loss(net, b);
	if (!isfinite(*loss))
		return FOT_FAIL(err, FOT_ERR_RUN, "the loss is not finite: lower the learning rate");
	return FOT_OK;
}

int fot_net_loss(struct fot_net *net, const struct fot_batch *b, double *loss, double *nll, struct fot_err *err)
{
	static const double none[2] = { 0 };

	product_pack(net);
	forward(net, b);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->size.n_threads)
	for (int64_t w = 0; w < b->n_ask; w++)
		block_head(net, b, w, none, nll, NULL, &net->scratch[omp_get_thread_num()]);
	return mean_loss(net, b, count_targets(b), loss, err);
}

int fot_net_gradient(struct fot_net *net, const struct fot_batch *b, double *loss, fot_real *grad,
		     struct fot_err *err)
{
	struct counts c = count_targets(b);
	double weight[2] = { c.n[0] ? 1.0 / (double)c.n[0] : 0, c.n[1] ? b->answer_weight / (double)c.n[1] : 0 };

	product_pack(net);
	forward(net, b);
	teach_weigh(net, b);
	backward(net, b, weight, NULL);
	reduce_shards(net, grad);
	return mean_loss(net, b, c, loss, err);
}

void fot_net_answers(const struct fot_net *net, const struct fot_batch *b, struct fot_net_answers *out)
{
	*out = (struct fot_net_answers){ .n = count_targets(b).n[1] };
	for (int64_t w = 0; w < b->n_ask; w++) {
		out->nll += net->loss[w].nll[1];
		out->right += net->loss[w].right;
	}
}

const int32_t *fot_net_chosen(const struct fot_net *net)
{
	return net->chosen;
}

double fot_net_flops(const struct fot_config *c, const struct fot_batch *b)
{
	double W = (double)b->window, seen = (double)b->vis_begin[b->n_ask] * W * W;
	struct fot_training_step s = { .window = W, .ask = (double)b->n_ask * W,
				       .context = (double)(b->n_win - b->n_ask) * W, .seen = seen, .kept = seen,
				       .chosen = b->top_k > 0, .constant = b->constant, .cached = b->cached,
				       .chain = (double)b->chain };

	if (b->top_k)
		s.kept = 0;
	for (int64_t w = 0; w < b->n_ask && b->top_k; w++)
		s.kept += W * fmin((double)b->top_k, (double)(b->vis_begin[w + 1] - b->vis_begin[w]) * W);
	return fot_flops_training(c, &s);
}
