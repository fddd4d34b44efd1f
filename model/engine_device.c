/* engine_device.c: the engine of a device: what it holds, filling, answers.
 *
 * Its logic is here, in engine_device_weights.c and in engine_device_layers.c, in C; the device does what device.h says.  On a GPU it is the engine "cuda",
 * on the host's cores "twin": the same engine, slower, for tests.
 *
 * Weights lie on the device as they are stored, or in bf16 when computing in it.  Windows of which nothing is asked
 * go through the layers several at once.  The memory's entries are rows [, DK] of the device, or of the host
 * where they take more than there is room for (fot_session_opts.device_room): then reading brings them in blocks, which
 * changes no bit.  cache_windows is not needed for any result and not heeded. */
#include "model/engine_device.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "model/dtype.h"
#include "model/memory.h"

#define FILL_ROWS 4096                   /* rows of whole windows that are filled at once, at most */
#define CHOICE_BYTES ((size_t)256 << 20) /* for scores and candidates of the rows that choose at once */
#define CHOICE_KEYS 1024                 /* that they are offered at once */
#define STREAM_BLOCK 16384               /* entries that come from the host at once */
#define SPARE_BYTES ((size_t)1 << 30)    /* of the device that stay free, for what its libraries take */

/* ---- what it holds --------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t widest(const struct fot_config *c)
{
	return larger(larger(c->hidden_size, c->intermediate_size), fot_config_query_width(c));
}

static void *numbers(struct fot_layout *y, int64_t n, int dtype)
{
	return fot_layout_take(y, n, fot_dtype_size((enum fot_dtype)dtype));
}

static float *reals(struct fot_layout *y, int64_t n)
{
	return fot_layout_take(y, n, sizeof(float));
}

static size_t entry_bytes(const struct device_engine *e)
{
	return fot_dtype_size(e->opts.mem_dtype) * (size_t)(2 * e->key_width);
}

/* Of all memory layers. */
static size_t memory_bytes(const struct device_engine *e)
{
	size_t entries = fot_memory_keeps(e->opts.mode) ?
				 fot_size_mul((size_t)e->opts.mem_max, (size_t)e->cfg.n_mem_layers) :
				 0;

	return fot_size_mul(entries, entry_bytes(e));
}

/* Entries of one layer where they lie. */
static void lay_memory(struct fot_layout *y, const struct device_engine *e, struct layer *a)
{
	a->k_mem = numbers(y, e->opts.mem_max * e->key_width, (int)e->opts.mem_dtype);
	a->v_mem = numbers(y, e->opts.mem_max * e->key_width, (int)e->opts.mem_dtype);
}

static void lay_layer(struct fot_layout *y, struct device_engine *e, struct layer *a)
{
	int64_t rows = (e->past_max + e->rows) * e->key_width;

	a->k_local = numbers(y, rows, e->dtype);
	a->v_local = numbers(y, rows, e->dtype);
	if (!a->mem)
		return;
	a->k_kept = numbers(y, e->rows * e->key_width, (int)e->opts.mem_dtype);
	a->v_kept = numbers(y, e->rows * e->key_width, (int)e->opts.mem_dtype);
	if (!e->streams)
		lay_memory(y, e, a);
}

/* For choosing entries and telling where queries look. */
static void lay_choice(struct fot_layout *y, struct device_engine *e)
{
	int64_t H = e->cfg.n_heads, k = fot_memory_kind(e->opts.mode)->counts ? e->opts.top_k : 0, rows;
	size_t row;

	e->choice = (struct fot_choice){ .k = k, .cap = k ? 2 * k + 2 * FOT_WARP : 0 };
	e->choice_keys = CHOICE_KEYS;
	row = (size_t)H * sizeof(float) * (size_t)(e->choice_keys + 2 * e->choice.cap);
	rows = (int64_t)(CHOICE_BYTES / row);
	e->choice_rows = rows < 1 ? 1 : rows < e->rows ? rows : e->rows;
	rows = H * e->choice_rows;
	e->scores = reals(y, rows * e->choice_keys);
	e->groups = fot_layout_take(y, H * e->opts.mem_max, sizeof *e->groups);
	e->list = fot_layout_take(y, e->rows, sizeof *e->list);
	if (k == 0)
		return;
	e->choice.n = fot_layout_take(y, rows, sizeof *e->choice.n);
	e->choice.threshold = reals(y, rows);
	e->choice.score = reals(y, rows * e->choice.cap);
	e->choice.key = fot_layout_take(y, rows * e->choice.cap, sizeof *e->choice.key);
}

static void lay_rows(struct fot_layout *y, struct device_engine *e)
{
	const struct fot_config *c = &e->cfg;
	int64_t R = e->rows, DQ = e->query_width, DK = e->key_width, F = c->intermediate_size, H = c->n_heads;

	e->x = reals(y, R * c->hidden_size);
	e->branch = c->output_norms ? reals(y, R * c->hidden_size) : NULL;
	e->taken = numbers(y, R * c->hidden_size, e->dtype);
	e->q_wide = reals(y, R * DQ);
	e->k_wide = reals(y, R * DK);
	e->v_wide = reals(y, R * DK);
	e->q = numbers(y, R * DQ, e->dtype);
	e->o = numbers(y, R * DQ, e->dtype);
	e->max = reals(y, H * R);
	e->sum = reals(y, H * R);
	e->out = reals(y, R * DQ);
	e->local = c->mix == FOT_MIX_GATE ? reals(y, R * DQ) : NULL;
	e->g = reals(y, R * F);
	e->u = reals(y, R * F);
	e->h = numbers(y, R * F, e->dtype);
	e->cos = reals(y, (e->window + 1) * c->head_dim / 2);
	e->sin = reals(y, (e->window + 1) * c->head_dim / 2);
	e->logits = reals(y, FOT_ROWS * (int64_t)c->vocab_size);
	e->numbers = fot_layout_take(y, R * ROW_NUMBERS, sizeof *e->numbers);
	e->nll = fot_layout_take(y, R, sizeof *e->nll);
	e->argmax = fot_layout_take(y, R, sizeof *e->argmax);
	e->bad = fot_layout_take(y, R, sizeof *e->bad);
}

/* Bytes for a part of a matrix that is widened, and for tensors on their way. */
static size_t wide_bytes(const struct device_engine *e)
{
	size_t part = sizeof(float) * (size_t)(WIDE_OUT * widest(&e->cfg));

	return part > STAGE_BYTES ? part : STAGE_BYTES;
}

/* The one list of the device's arrays, but for weights. */
static void lay_out(struct fot_layout *y, struct device_engine *e)
{
	lay_rows(y, e);
	e->wide = fot_layout_take(y, (int64_t)wide_bytes(e), 1);
	for (int l = 0; l < e->cfg.n_layers; l++)
		lay_layer(y, e, &e->layer[l]);
	if (!fot_memory_keeps(e->opts.mode))
		return;
	lay_choice(y, e);
	e->block = e->streams ? STREAM_BLOCK : INT64_MAX;
	if (e->streams && e->opts.device_room < STREAM_BLOCK * entry_bytes(e)) /* 2 FOT_KEYS at least */
		e->block = larger((int64_t)(e->opts.device_room / entry_bytes(e)) / FOT_KEYS, 2) * FOT_KEYS;
	e->k_block = e->streams ? numbers(y, e->block * e->key_width, (int)e->opts.mem_dtype) : NULL;
	e->v_block = e->streams ? numbers(y, e->block * e->key_width, (int)e->opts.mem_dtype) : NULL;
}

/* The host's. */
static void lay_host(struct fot_layout *y, struct device_engine *e)
{
	e->host_nll = fot_layout_take(y, e->rows, sizeof *e->host_nll);
	e->host_argmax = fot_layout_take(y, e->rows, sizeof *e->host_argmax);
	e->host_bad = fot_layout_take(y, e->rows, sizeof *e->host_bad);
	e->host_max = reals(y, e->cfg.n_heads * e->rows);
	e->host_sum = reals(y, e->cfg.n_heads * e->rows);
	e->host_gates = reals(y, e->cfg.n_heads);
	for (int l = 0; l < e->cfg.n_layers && e->streams; l++)
		if (e->layer[l].mem)
			lay_memory(y, e, &e->layer[l]);
}

/* Bytes of all weights as the device has them. */
static size_t weight_bytes(const struct device_engine *e)
{
	size_t all = fot_weights_bytes(fot_model_weights(e->model));
	size_t packed = 2 * (size_t)fot_config_parameters(&e->cfg) * (e->cfg.tie_embeddings ? 2 : 1);

	return e->dtype == FOT_BF16 && packed > all ? packed : all;
}

/* All but the arrays. */
static int open_shell(struct device_engine *e, const struct fot_device_kind *kind, const struct fot_model *m,
		      const struct fot_session_opts *o, struct fot_err *err)
{
	*e = (struct device_engine){
		.kind = kind, .model = m, .cfg = *fot_model_config(m), .opts = *o, .last_mem = -1
	};
	e->dtype = o->compute == FOT_COMPUTE_BF16 ? FOT_BF16 : FOT_F32;
	e->window = o->window ? o->window : e->cfg.window;
	e->query_width = fot_config_query_width(&e->cfg);
	e->key_width = fot_config_key_width(&e->cfg);
	e->group = e->cfg.n_heads / fot_config_kv_heads(&e->cfg);
	e->cfg.mem_scale = o->mem_scale > 0 ? o->mem_scale : e->cfg.mem_scale;
	if (fot_memory_keeps(o->mode))
		e->last_mem = e->cfg.mem_layers[e->cfg.n_mem_layers - 1];
	e->past_max = e->cfg.cached_windows * e->window;
	e->last_kept = e->past_max ? e->cfg.n_layers - 1 : e->last_mem;
	e->rows = e->window;
	if (fot_fills_alone(&e->cfg, o) &&
	    e->window % FOT_KEYS == 0) /* else key tiles would be cut elsewhere */
		e->rows = larger(FILL_ROWS / e->window, 1) * e->window;
	e->streams = o->device_room > 0 && memory_bytes(e) > o->device_room;
	e->layer = fot_calloc((size_t)e->cfg.n_layers, sizeof *e->layer);
	if (!e->layer)
		return FOT_NO_MEMORY(err, "session");
	for (int l = 0; l < e->cfg.n_layers; l++) {
		e->layer[l].mem = fot_config_is_mem_layer(&e->cfg, l) && fot_memory_keeps(o->mode);
		e->layer[l].rotates = fot_config_rotates(&e->cfg, l);
		e->layer[l].slides = e->cfg.slides[l] && e->cfg.sliding_window < e->window + e->past_max;
	}
	return FOT_OK;
}

/* The host's bytes; of the twin, whose device is the host, all. */
static size_t estimate(const struct fot_device_kind *kind, const struct fot_model *m,
		       const struct fot_session_opts *o)
{
	struct fot_layout host = { 0 }, device = { 0 };
	struct device_engine e;

	if (open_shell(&e, kind, m, o, NULL) == FOT_OK) {
		lay_out(&device, &e);
		lay_host(&host, &e);
	}
	fot_free(e.layer);
	host.need = fot_size_add(host.need, sizeof *e.host_numbers * (size_t)(e.rows * ROW_NUMBERS));
	if (kind == &fot_device_host)
		host.need = fot_size_add(host.need, fot_size_add(device.need, weight_bytes(&e)));
	return host.need;
}

/* What this engine does not serve. */
static int check(const struct fot_device_kind *kind, const struct fot_model *m,
		 const struct fot_session_opts *o, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);

	if (!kind)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"engine: cuda is not built into this program: build it with make CUDA=1");
	if (o->rope_factor)
		return FOT_FAIL(err, FOT_ERR_USAGE, "engine: rope: windows that grow are the cpu's alone");
	if (fot_memory_keeps(o->mode) && o->mode != FOT_MEMORY_DENSE && o->mode != FOT_MEMORY_KNN)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory: a device's engine serves none, dense, knn and xl, got %s",
				fot_memory_kind(o->mode)->word);
	if (c->head_dim > FOT_HEAD_MOST)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"engine: expected heads of at most %d numbers for a device, the model has %d",
				FOT_HEAD_MOST, c->head_dim);
	if (o->mem_max > INT32_MAX)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory: a device's engine holds at most %d tokens, got %lld", INT32_MAX,
				(long long)o->mem_max);
	return kind->here(err);
}

/* ---- opening --------------------------------------------------------- */

static void device_close(void *engine)
{
	struct device_engine *e = engine;

	if (!e)
		return;
	if (e->device)
		e->kind->close(e->device);
	fot_free(e->host_numbers);
	fot_free(e->layer);
	fot_free(e);
}

/* The device's arrays in one block, and the host's. */
static int take_arrays(struct device_engine *e, struct fot_err *err)
{
	struct fot_layout device = { 0 }, host = { 0 };
	size_t room = e->kind->room(e->device);

	lay_out(&device, e);
	if (!e->streams && fot_size_add(fot_size_add(device.need, weight_bytes(e)), SPARE_BYTES) > room &&
	    memory_bytes(e) > 0) {
		e->streams = true;
		e->opts.device_room = STREAM_BLOCK * entry_bytes(e);
		device = (struct fot_layout){ 0 };
		lay_out(&device, e);
	}
	lay_host(&host, e);
	e->arena = (struct fot_arena){ .base = device_take(e, device.need, err), .size = device.need };
	if (!e->arena.base)
		return FOT_ERR_RUN;
	e->host_arena =
		(struct fot_arena){ .base = e->kind->take_host(e->device, host.need), .size = host.need };
	if (!e->host_arena.base)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session: no room for %zu MiB",
				host.need >> 20);
	e->host_numbers = fot_calloc((size_t)(e->rows * ROW_NUMBERS), sizeof *e->host_numbers);
	if (!e->host_numbers)
		return FOT_NO_MEMORY(err, "session");
	device.arena = &e->arena;
	host.arena = &e->host_arena;
	lay_out(&device, e);
	lay_host(&host, e);
	return FOT_OK;
}

static int device_open(void **engine, const struct fot_device_kind *kind, const struct fot_model *m,
		       const struct fot_session_opts *o, struct fot_err *err)
{
	struct fot_device_opts device = { .threads = o->n_threads,
					  .head_dim = fot_model_config(m)->head_dim };
	struct device_engine *e = fot_calloc(1, sizeof *e);
	int status;

	if (!e)
		return FOT_NO_MEMORY(err, "session");
	FOT_TRY(open_shell(e, kind, m, o, err));
	device.widest = widest(&e->cfg);
	FOT_TRY(kind->open(&e->device, &device, err));
	FOT_TRY(take_arrays(e, err));
	FOT_TRY(device_place_weights(e, err));
	FOT_TRY(device_place_tables(e, err));
	FOT_TRY(kind->wait(e->device, err));
out:
	if (status == FOT_OK)
		*engine = e;
	else
		device_close(e);
	return status;
}

/* ---- rows ------------------------------------------------------------ */

/* A piece, or whole windows that are filled. */
struct feed {
	const struct fot_place *at;
	const struct fot_piece *p;
	int64_t windows;
};

/* The place of row i in its window: those of a branch follow the trunk's. */
static int64_t place_of(const struct device_engine *e, const struct feed *f, int64_t i)
{
	const int32_t *branch = f->p->want ? f->p->want->branch : NULL;
	int64_t n = f->p->n_trunk;

	return f->windows > 1 ? i % e->window : f->at->n_local + (i < n || !branch ? i : n + i - branch[i]);
}

/* What row i sees of the window when it sees `most` keys at once (0: all): the trunk's, and its own branch's. */
static void see(const struct device_engine *e, const struct feed *f, int64_t i, int64_t most, int32_t *sight)
{
	const int32_t *branch = f->p->want ? f->p->want->branch : NULL;
	int64_t place = place_of(e, f, i), base = f->windows > 1 ? i - place : 0,
		own = f->at->n_local + i + 1;
	int64_t from = f->at->pads ? f->at->pads : -f->at->n_past, low = most ? place + 1 - most : from;
	bool branches = i >= f->p->n_trunk;

	low = low > from ? low : from;
	sight[0] = (int32_t)(e->past_max + base + low);
	sight[1] = (int32_t)(e->past_max + (branches ? f->at->n_local + f->p->n_trunk : base + place + 1));
	sight[2] = sight[3] = 0;
	if (!branches)
		return;
	low = most ? larger(i + 1 - most, branch[i]) : branch[i];
	sight[2] = (int32_t)(e->past_max + f->at->n_local + low);
	sight[3] = (int32_t)(e->past_max + own);
}

/* Row i is padding: it sees the whole window alike, or the memory alone. */
static void see_as_padding(const struct device_engine *e, const struct feed *f, const struct rows *r,
			   int32_t *numbers, int64_t i)
{
	const int32_t all[4] = { (int32_t)e->past_max, (int32_t)(e->past_max + f->at->n_local + f->p->n), 0,
				 0 };
	const int32_t masked[4] = { 0, (int32_t)f->at->mem_pads, 0, 0 };

	memcpy(numbers + (r->sight - e->numbers) + 4 * i, all, sizeof all);
	memcpy(numbers + (r->slide - e->numbers) + 4 * i, all, sizeof all);
	memset(numbers + (r->sight_beside - e->numbers) + 4 * i, 0, sizeof all);
	memset(numbers + (r->slide_beside - e->numbers) + 4 * i, 0, sizeof all);
	memcpy(numbers + (r->masked - e->numbers) + 4 * i, masked, sizeof masked);
}

/* Where each kind of number lies on the device; the host has the same places. */
static struct rows lay_numbers(const struct device_engine *e, const struct feed *f)
{
	int64_t n = f->p->n;
	const int32_t *at = e->numbers;

	return (struct rows){ .at = f->at,
			      .n = n,
			      .windows = f->windows,
			      .pads = f->at->pads > f->at->n_local,
			      .masses = f->p->want ? f->p->want->masses : NULL,
			      .token = at,
			      .position = at + n,
			      .target = at + 2 * n,
			      .flat = at + 3 * n,
			      .sight = at + 4 * n,
			      .slide = at + 8 * n,
			      .sight_beside = at + 12 * n,
			      .slide_beside = at + 16 * n,
			      .masked = at + 20 * n };
}

/* The target of row i of a piece, -1: none. */
static int32_t target_of(const struct fot_piece *p, int64_t i)
{
	const struct fot_want *w = p->want;

	return w && w->targets && w->nll ? w->targets[p->first + i] : -1;
}

static void describe_row(struct device_engine *e, const struct feed *f, const struct rows *r, int64_t i)
{
	int32_t *to = e->host_numbers;
	int64_t n = r->n, place = place_of(e, f, i);
	bool pad = f->windows == 1 && f->at->n_local + i < f->at->pads;

	to[i] = f->p->tokens[i];
	to[n + i] = (int32_t)(place < f->at->pad_shift ? -1 : place - f->at->pad_shift);
	to[2 * n + i] = target_of(f->p, i);
	to[3 * n + i] = pad;
	see(e, f, i, 0, to + 4 * n + 4 * i);
	see(e, f, i, e->cfg.sliding_window, to + 8 * n + 4 * i);
	if (!r->pads)
		return;
	memcpy(to + 12 * n + 4 * i, to + 4 * n + 4 * i, 4 * sizeof *to);
	memcpy(to + 16 * n + 4 * i, to + 8 * n + 4 * i, 4 * sizeof *to);
	memset(to + 20 * n + 4 * i, 0, 4 * sizeof *to);
	if (pad)
		see_as_padding(e, f, r, to, i);
}

/* What the kernels must know of the rows, on the device. */
static struct rows describe(struct device_engine *e, const struct feed *f)
{
	struct rows r = lay_numbers(e, f);
	int64_t numbers = r.pads ? ROW_NUMBERS : ROW_NUMBERS_BARE;

	for (int64_t i = 0; i < r.n; i++)
		describe_row(e, f, &r, i);
	e->kind->up(e->device, e->numbers, e->host_numbers, sizeof *e->numbers * (size_t)(r.n * numbers));
	for (int64_t i = 0; r.masses && i < r.masses->n_rows; i++)
		e->host_numbers[i] = (int32_t)r.masses->row[i];
	if (r.masses)
		e->kind->up(e->device, e->list, e->host_numbers, sizeof *e->list * (size_t)r.masses->n_rows);
	return r;
}

/* ---- answers --------------------------------------------------------- */

/* Rows [r0, r0 + n), of which some are asked for: either all of them have logits or none. */
static void answer_rows(struct device_engine *e, const struct rows *r, const struct fot_piece *p, int64_t r0,
			int64_t n)
{
	int64_t V = e->cfg.vocab_size;
	const void *x = device_taken(e, e->x + r0 * e->cfg.hidden_size, e->norm, n);
	struct fot_answer a = { .logits = e->logits,
				.vocab = V,
				.target = r->target + r0,
				.nll = e->nll + r0,
				.argmax = e->argmax + r0,
				.bad = e->bad + r0 };

	device_multiply(e, e->logits, x, &e->head, n, 1, 0);
	e->kind->launch(e->device, FOT_KERNEL_answer, &a, n);
	for (int64_t i = p->first + r0; i < p->first + r0 + n; i++)
		if (fot_want_logits(p->want, i))
			e->kind->down(e->device, p->want->logits + (i - p->want->logits_from) * V,
				      e->logits + (i - p->first - r0) * V, sizeof *e->logits * (size_t)V);
}

/* Row i of the piece, whose answer is on the host. */
static int hand_out(const struct device_engine *e, const struct fot_piece *p, int64_t i, struct fot_err *err)
{
	const struct fot_want *w = p->want;
	int64_t row = p->first + i;

	if (e->host_bad[i])
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: a logit is not finite near token %lld of the feed",
				fot_model_dir(e->model), (long long)row);
	if (w->argmax)
		w->argmax[row] = e->host_argmax[i];
	if (w->nll && w->targets && w->targets[row] >= 0)
		w->nll[row] = e->host_nll[i];
	return FOT_OK;
}

static int answer(struct device_engine *e, const struct rows *r, const struct fot_piece *p,
		  struct fot_err *err)
{
	int status;

	if (!fot_want_any(p->want, p->first, p->n))
		return r->masses ? e->kind->wait(e->device, err) : FOT_OK;
	for (int64_t r0 = 0; r0 < p->n; r0 += FOT_ROWS) {
		int64_t n = p->n - r0 < FOT_ROWS ? p->n - r0 : FOT_ROWS;

		if (fot_want_any(p->want, p->first + r0, n))
			answer_rows(e, r, p, r0, n);
	}
	e->kind->down(e->device, e->host_nll, e->nll, sizeof *e->nll * (size_t)p->n);
	e->kind->down(e->device, e->host_argmax, e->argmax, sizeof *e->argmax * (size_t)p->n);
	e->kind->down(e->device, e->host_bad, e->bad, sizeof *e->bad * (size_t)p->n);
	FOT_TRY(e->kind->wait(e->device, err));
	for (int64_t i = 0; i < p->n && status == FOT_OK; i++)
		if (fot_want_row(p->want, p->first + i))
			status = hand_out(e, p, i, err);
out:
	return status;
}

static int device_run(void *engine, const struct fot_place *at, const struct fot_piece *p,
		      struct fot_err *err)
{
	struct device_engine *e = engine;
	struct feed f = { at, p, 1 };
	struct rows r = describe(e, &f);

	device_run_rows(e, &r, p->skip);
	return answer(e, &r, p, err);
}

/* Each behind the rows that the window holds, where the next one then takes its place. */
static int device_run_apart(void *engine, const struct fot_place *at, const struct fot_feed *feed,
			    size_t n_feeds, struct fot_err *err)
{
	struct device_engine *e = engine;
	int status = FOT_OK;

	for (size_t i = 0; i < n_feeds && status == FOT_OK; i++) {
		struct fot_piece p = fot_piece_next(at, feed[i].tokens, 0, (int64_t)feed[i].n, &feed[i].want,
						    !e->opts.no_skip);

		status = device_run(e, at, &p, err);
	}
	return status;
}

/* ---- the memory and the past ----------------------------------------- */

/* Rows [row, row + n) of the layer's window become entries from `entry` on. */
static void append(const struct device_engine *e, const struct layer *a, int64_t entry, int64_t row,
		   int64_t n)
{
	size_t bytes = fot_dtype_size(e->opts.mem_dtype) * (size_t)e->key_width, to = bytes * (size_t)entry,
	       from = bytes * (size_t)row;
	void (*move)(void *, void *, const void *, size_t) = e->streams ? e->kind->down : e->kind->copy;

	move(e->device, (char *)a->k_mem + to, (const char *)a->k_kept + from, bytes * (size_t)n);
	move(e->device, (char *)a->v_mem + to, (const char *)a->v_kept + from, bytes * (size_t)n);
}

static int device_fill(void *engine, const struct fot_place *at, const int32_t *tokens, int64_t n_windows,
		       struct fot_err *err)
{
	struct device_engine *e = engine;
	int64_t most = e->rows / e->window;

	(void)err;
	for (int64_t i = 0; i < n_windows; i += most) {
		int64_t windows = n_windows - i < most ? n_windows - i : most;
		struct fot_piece p = { .tokens = tokens + i * e->window,
				       .n = windows * e->window,
				       .skip = true };
		struct feed f = { at, &p, windows };
		struct rows r;

		p.n_trunk = p.n;
		r = describe(e, &f);
		device_run_rows(e, &r, true);
		append(e, &e->layer[e->last_mem], at->mem_len + i * e->window, 0, p.n);
	}
	return FOT_OK;
}

/* The last n_past rows of past and window become the past of the next window: through a place of their own, since
 * they may overlap. */
static void keep_past(struct device_engine *e, const struct layer *a, void *rows, bool turns,
		      const struct fot_place *at, int64_t n_past)
{
	int64_t d = e->cfg.head_dim;
	size_t row = fot_dtype_size((enum fot_dtype)e->dtype) * (size_t)e->key_width;
	char *to = (char *)rows + row * (size_t)(e->past_max - n_past);
	struct fot_turn_back back = { .x = to,
				      .dtype = e->dtype,
				      .cos = e->cos,
				      .sin = e->sin,
				      .by = at->n_local - at->pad_shift,
				      .d = d,
				      .factor = e->key_factor };

	e->kind->copy(e->device, e->k_wide, to + row * (size_t)at->n_local, row * (size_t)n_past);
	e->kind->copy(e->device, to, e->k_wide, row * (size_t)n_past);
	if (turns && a->rotates)
		e->kind->launch(e->device, FOT_KERNEL_turn_back, &back, n_past * (e->key_width / d));
}

static int device_commit(void *engine, const struct fot_place *at, int64_t skip, int64_t n, int64_t n_past,
			 struct fot_err *err)
{
	struct device_engine *e = engine;

	(void)err;
	for (int l = 0; l <= e->last_mem; l++)
		if (e->layer[l].mem)
			append(e, &e->layer[l], at->mem_len, skip, n);
	for (int l = 0; l < e->cfg.n_layers && e->past_max; l++) {
		keep_past(e, &e->layer[l], e->layer[l].k_local, true, at, n_past);
		keep_past(e, &e->layer[l], e->layer[l].v_local, false, at, n_past);
	}
	return FOT_OK;
}

/* Where the memory ends says the timeline. */
static void device_truncate(void *engine, int64_t mem_len)
{
	(void)engine;
	(void)mem_len;
}

/* ---- the two --------------------------------------------------------- */

static size_t cuda_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	return estimate(fot_device_cuda(), m, o);
}

static int cuda_open(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		     struct fot_err *err)
{
	return device_open(engine, fot_device_cuda(), m, o, err);
}

static int cuda_check(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err)
{
	return check(fot_device_cuda(), m, o, err);
}

static int twin_check(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err)
{
	return check(&fot_device_host, m, o, err);
}

static size_t twin_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	return estimate(&fot_device_host, m, o);
}

static int twin_open(void **engine, const struct fot_model *m, const struct fot_session_opts *o,
		     struct fot_err *err)
{
	return device_open(engine, &fot_device_host, m, o, err);
}

#define CALLS                                                                                         \
	.close = device_close, .fill = device_fill, .run = device_run, .run_apart = device_run_apart, \
	.commit = device_commit, .truncate = device_truncate

const struct fot_engine fot_engine_cuda = {
	.name = "cuda", .check = cuda_check, .estimate = cuda_estimate, .open = cuda_open, CALLS
};
const struct fot_engine fot_engine_twin = {
	.name = "twin", .check = twin_check, .estimate = twin_estimate, .open = twin_open, CALLS
};

#endif
