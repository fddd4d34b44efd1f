/* crossbatch.c: drawing the windows of a step.  Everything is a function of
 * (seed, purpose, step): each asking window and each negative has its own random
 * stream. */
#include "model/train/crossbatch.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/train/generator.h"
#include "model/train/rows.h"

#define MAX_PACK 64

static int64_t imax(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

const char *const fot_method_words[FOT_METHOD_COUNT + 1] = { "standard", "crossbatch", "memorizing", "transformer-xl",
							      "longllama", NULL };

const char *fot_method_name(enum fot_method method)
{
	return fot_method_words[method];
}

bool fot_stage_has_memory(const struct fot_stage *s)
{
	return s->method == FOT_METHOD_CROSSBATCH || s->method == FOT_METHOD_MEMORIZING;
}

static bool packed(const struct fot_stage *s)
{
	return fot_stage_has_memory(s) && s->pack > 1;
}

/* Context windows that each asking window brings along. */
static int64_t own_windows(const struct fot_stage *s)
{
	bool brings = fot_stage_has_memory(s) || s->method == FOT_METHOD_TRANSFORMER_XL;

	return brings && !packed(s) ? s->w : 0;
}

int64_t fot_stage_windows(const struct fot_stage *s)
{
	return s->batch * (1 + own_windows(s)) + (fot_stage_has_memory(s) ? s->negatives : 0);
}

int64_t fot_stage_parts(const struct fot_stage *s)
{
	return s->accumulate > 1 ? s->accumulate : 1;
}

int64_t fot_stage_asking(const struct fot_stage *s)
{
	return s->batch * fot_stage_parts(s);
}

uint64_t fot_batch_ask_slot(const struct fot_batch *b, const struct fot_stage *s, uint64_t step, int64_t i)
{
	return step * FOT_STEP_SLOTS + (uint64_t)(b->part * s->batch + i);
}

uint64_t fot_batch_negative_slot(const struct fot_batch *b, const struct fot_stage *s, uint64_t step, int64_t i)
{
	return step * FOT_STEP_SLOTS + FOT_STEP_SLOTS / 2 + (uint64_t)(b->part * fot_stage_windows(s) + i);
}

int fot_batch_init(struct fot_batch *b, const struct fot_stage *stages, size_t n, struct fot_err *err)
{
	memset(b, 0, sizeof *b);
	for (size_t i = 0; i < n; i++) {
		const struct fot_stage *s = &stages[i];

		b->cap_tokens = imax(b->cap_tokens, fot_stage_windows(s) * s->window);
		b->cap_ask = imax(b->cap_ask, s->batch);
		b->cap_vis = imax(b->cap_vis, s->batch * (s->w + s->d - 1 + s->negatives + s->range));
	}
	b->tokens = fot_calloc((size_t)b->cap_tokens, sizeof *b->tokens);
	b->targets = fot_calloc((size_t)b->cap_tokens, sizeof *b->targets);
	b->answer = fot_calloc((size_t)b->cap_tokens, sizeof *b->answer);
	b->vis_begin = fot_calloc((size_t)b->cap_ask + 1, sizeof *b->vis_begin);
	b->vis = fot_calloc((size_t)b->cap_vis + 1, sizeof *b->vis);
	b->label = fot_calloc((size_t)b->cap_tokens, sizeof *b->label);
	b->asks = fot_calloc((size_t)b->cap_tokens, sizeof *b->asks);
	b->text = fot_calloc((size_t)b->cap_tokens, sizeof *b->text);
	b->reads = fot_calloc((size_t)b->cap_tokens, sizeof *b->reads);
	b->choice = fot_calloc((size_t)b->cap_ask * FOT_BATCH_CHOICES, sizeof *b->choice);
	b->n_choices = fot_calloc((size_t)b->cap_ask, sizeof *b->n_choices);
	if (b->tokens && b->targets && b->answer && b->vis_begin && b->vis && b->label && b->asks && b->text &&
	    b->reads && b->choice &&
	    b->n_choices)
		return FOT_OK;
	fot_batch_release(b);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a batch of %lld tokens", (long long)b->cap_tokens);
}

void fot_batch_release(struct fot_batch *b)
{
	fot_free(b->tokens);
	fot_free(b->targets);
	fot_free(b->answer);
	fot_free(b->vis_begin);
	fot_free(b->vis);
	fot_free(b->label);
	fot_free(b->asks);
	fot_free(b->text);
	fot_free(b->reads);
	fot_free(b->choice);
	fot_free(b->n_choices);
	fot_rows_close(b->rows);
	memset(b, 0, sizeof *b);
}

/* A document: the dataset by weight, the document by its number of tokens,
 * among those of at least min_tokens. NULL if the dataset has none. */
static const struct fot_corpus_doc *draw_document(const struct fot_source *src, int64_t min_tokens,
						   struct fot_rng *rng, size_t *dataset)
{
	const struct fot_corpus_doc *doc = NULL;
	double total = 0, at;
	int64_t tokens = 0, pick;
	size_t set = 0;

	for (size_t i = 0; i < src->n_datasets; i++)
		total += src->weight[i];
	at = fot_rng_uniform(rng) * total;
	while (set + 1 < src->n_datasets && at >= src->weight[set])
		at -= src->weight[set++];
	*dataset = set;
	for (size_t i = 0; i < fot_corpus_count(src->corpus); i++) {
		doc = fot_corpus_at(src->corpus, i);
		if (doc->dataset == set && doc->n >= min_tokens)
			tokens += doc->n;
	}
	if (tokens == 0)
		return NULL;
	pick = (int64_t)fot_rng_below(rng, (uint64_t)tokens);
	for (size_t i = 0; i < fot_corpus_count(src->corpus); i++) {
		doc = fot_corpus_at(src->corpus, i);
		if (doc->dataset != set || doc->n < min_tokens)
			continue;
		if (pick < doc->n)
			return doc;
		pick -= doc->n;
	}
	return doc;
}

/* Choose w distinct window numbers, 1 = the window just before pos. */
static void draw_distances(int64_t *dist, int64_t w, int64_t pos, int64_t window, double far, struct fot_rng *rng)
{
	int64_t most = pos / window;

	for (int64_t i = 0; i < w; i++)
		dist[i] = i + 1;
	if (most <= w || fot_rng_uniform(rng) >= far)
		return;
	for (int64_t i = 0; i < w; i++) {
		int again;

		do {
			dist[i] = 1 + (int64_t)fot_rng_below(rng, (uint64_t)most);
			again = 0;
			for (int64_t j = 0; j < i; j++)
				again |= dist[j] == dist[i];
		} while (again);
	}
}

/* Write a span of 16 to W/2 tokens of window `from` into the asking window; of
 * the asking window itself, an earlier span into its second half. */
static void copy_span(struct fot_batch *b, int64_t ask, int64_t from, struct fot_rng *rng)
{
	int64_t W = b->window, half = from == ask ? W / 2 : 0, len, src, dst;
	int32_t *t = b->tokens + ask * W;

	if (W < 32)
		return;
	len = 16 + (int64_t)fot_rng_below(rng, (uint64_t)(W / 2 - 15));
	src = (int64_t)fot_rng_below(rng, (uint64_t)((half ? half : W) - len + 1));
	dst = half + (int64_t)fot_rng_below(rng, (uint64_t)(W - half - len + 1));
	memcpy(t + dst, b->tokens + from * W + src, sizeof *t * (size_t)len);
	for (int64_t i = imax(dst - 1, 0); i < dst + len && i + 1 < W; i++)
		b->targets[ask * W + i] = t[i + 1];
}

static int draw_ask(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, int64_t ask,
		    struct fot_rng *rng, struct fot_err *err)
{
	int64_t W = b->window, w = own_windows(st), dist[64], first = w * W, pos;
	size_t set;
	const struct fot_corpus_doc *doc = draw_document(src, (w + 1) * W + 1, rng, &set);

	if (!doc)
		return FOT_FAIL(err, FOT_ERR_INPUT, "training data: dataset %zu has no document of %lld tokens", set,
				(long long)((w + 1) * W + 1));
	pos = first + (int64_t)fot_rng_below(rng, (uint64_t)(doc->n - first - W));
	memcpy(b->tokens + ask * W, doc->tokens + pos, sizeof(int32_t) * (size_t)W);
	memcpy(b->targets + ask * W, doc->tokens + pos + 1, sizeof(int32_t) * (size_t)W);
	if (w == 0) {
		if (fot_rng_uniform(rng) < st->copy)
			copy_span(b, ask, ask, rng);
		return FOT_OK;
	}
	draw_distances(dist, w, pos, W, st->far, rng);
	for (int64_t i = 0; i < w; i++)
		memcpy(b->tokens + (st->batch + ask * w + i) * W, doc->tokens + pos - dist[i] * W,
		       sizeof(int32_t) * (size_t)W);
	if (fot_rng_uniform(rng) < st->copy)
		copy_span(b, ask, st->batch + ask * w + (int64_t)fot_rng_below(rng, (uint64_t)w), rng);
	return FOT_OK;
}

/* `k` places for windows of one document, ascending: neighbours or scattered. */
static void draw_places(int64_t *at, int64_t k, int64_t n, int64_t window, double far, struct fot_rng *rng)
{
	int64_t offset = (int64_t)fot_rng_below(rng, (uint64_t)window);
	int64_t most = (n - 1 - offset) / window, first;

	if (most <= k) {
		offset = 0;
		most = (n - 1) / window;
	}
	if (fot_rng_uniform(rng) >= far || most <= k) {
		first = (int64_t)fot_rng_below(rng, (uint64_t)(most - k + 1));
		for (int64_t j = 0; j < k; j++)
			at[j] = offset + (first + j) * window;
		return;
	}
	/* Selection sampling (Knuth, algorithm S): ascending and distinct. */
	for (int64_t place = 0, have = 0; have < k; place++)
		if ((int64_t)fot_rng_below(rng, (uint64_t)(most - place)) < k - have)
			at[have++] = offset + place * window;
}

/* The asking windows of one document of a packed batch. */
static int draw_packed(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, int64_t ask,
		       struct fot_rng *rng, struct fot_err *err)
{
	int64_t W = b->window, at[MAX_PACK];
	size_t set;
	const struct fot_corpus_doc *doc = draw_document(src, st->pack * W + 1, rng, &set);

	if (!doc)
		return FOT_FAIL(err, FOT_ERR_INPUT, "training data: dataset %zu has no document of %lld tokens", set,
				(long long)(st->pack * W + 1));
	draw_places(at, st->pack, doc->n, W, st->far, rng);
	for (int64_t j = 0; j < st->pack; j++) {
		memcpy(b->tokens + (ask + j) * W, doc->tokens + at[j], sizeof(int32_t) * (size_t)W);
		memcpy(b->targets + (ask + j) * W, doc->tokens + at[j] + 1, sizeof(int32_t) * (size_t)W);
	}
	for (int64_t j = 1; j < st->pack; j++)
		if (fot_rng_uniform(rng) < st->copy)
			copy_span(b, ask + j, ask + (int64_t)fot_rng_below(rng, (uint64_t)j), rng);
	return FOT_OK;
}

/* Own windows of asking window i, nearest first; returns the new end of the list. */
static int64_t see_own(struct fot_batch *b, const struct fot_stage *st, int64_t i, int64_t n)
{
	int64_t place = i % st->pack, w = st->w;

	if (packed(st))
		for (int64_t j = 1; j <= w && j <= place; j++)
			b->vis[n++] = (int32_t)(i - j);
	else
		for (int64_t j = 0; j < w; j++)
			b->vis[n++] = (int32_t)(st->batch + i * w + j);
	return n;
}

static int64_t see_others(struct fot_batch *b, const struct fot_stage *st, int64_t i, int64_t n)
{
	int64_t place = i % st->pack;

	if (packed(st) && place == 0)
		return n;
	for (int64_t j = 1; j < st->d; j++)
		b->vis[n++] = (int32_t)(packed(st) ? (i + j * st->pack) % st->batch - 1
						   : st->batch + (i + j) % st->batch * st->w);
	for (int64_t j = 0; j < st->negatives; j++)
		b->vis[n++] = (int32_t)(b->n_win - st->negatives + j);
	return n;
}

/* LongLLaMA: the rows before row i, nearest first. */
static int64_t see_rows(struct fot_batch *b, const struct fot_stage *st, int64_t i, int64_t n)
{
	int64_t seen = fot_rows_seen(i, st->pack, st->range, st->stepping);

	for (int64_t j = 1; j <= seen; j++)
		b->vis[n++] = (int32_t)(i - j);
	return n;
}

void fot_batch_link(struct fot_batch *b, const struct fot_stage *st)
{
	int64_t n = 0;

	b->window = st->window;
	b->n_ask = st->batch;
	b->n_win = fot_stage_windows(st);
	b->answer_weight = 1;
	b->cached = st->method == FOT_METHOD_TRANSFORMER_XL;
	b->chain = b->cached ? st->w : 0;
	b->row_mean = st->method == FOT_METHOD_LONGLLAMA;
	b->top_k = st->top_k;
	b->constant = st->method == FOT_METHOD_MEMORIZING;
	b->labelled = false;
	b->teach = b->teach_text = 0;
	memset(b->answer, 0, sizeof *b->answer * (size_t)(b->n_ask * b->window));
	for (int64_t i = 0; i < b->n_ask; i++) {
		b->vis_begin[i] = n;
		if (fot_stage_has_memory(st))
			n = see_others(b, st, i, see_own(b, st, i, n));
		else if (st->method == FOT_METHOD_LONGLLAMA)
			n = see_rows(b, st, i, n);
	}
	b->vis_begin[b->n_ask] = n;
}

int fot_batch_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		   const char *purpose, uint64_t step, struct fot_err *err)
{
	struct fot_rng rng;
	int status = FOT_OK;

	fot_batch_link(b, st);
	if (src->generator)
		return fot_generator_draw(b, src, st, seed, purpose, step, err);
	if (st->method == FOT_METHOD_LONGLLAMA)
		return fot_rows_draw(b, src, st, seed, purpose,
				     step * (uint64_t)fot_stage_parts(st) + (uint64_t)b->part, err);
	for (int64_t i = 0; i < st->batch; i += packed(st) ? st->pack : 1) {
		fot_rng_init(&rng, seed, purpose, fot_batch_ask_slot(b, st, step, i));
		FOT_TRY(packed(st) ? draw_packed(b, src, st, i, &rng, err) : draw_ask(b, src, st, i, &rng, err));
	}
	for (int64_t i = st->batch * (1 + own_windows(st)); i < b->n_win; i++) {
		const struct fot_corpus_doc *doc;
		size_t set;

		fot_rng_init(&rng, seed, purpose, fot_batch_negative_slot(b, st, step, i));
		doc = draw_document(src, b->window, &rng, &set);
		if (!doc)
			return FOT_FAIL(err, FOT_ERR_INPUT, "training data: dataset %zu has no document of %lld tokens",
					set, (long long)b->window);
		memcpy(b->tokens + i * b->window,
		       doc->tokens + (int64_t)fot_rng_below(&rng, (uint64_t)(doc->n - b->window + 1)),
		       sizeof(int32_t) * (size_t)b->window);
	}
out:
	return status;
}

void fot_batch_limit(struct fot_batch *b, int64_t keep)
{
	int64_t n = 0;

	b->chain = b->chain < keep ? b->chain : keep;
	for (int64_t i = 0; i < b->n_ask; i++) {
		int64_t from = b->vis_begin[i], have = b->vis_begin[i + 1] - from;

		b->vis_begin[i] = n;
		for (int64_t j = 0; j < have && j < keep; j++)
			b->vis[n++] = b->vis[from + j];
	}
	b->vis_begin[b->n_ask] = n;
}
