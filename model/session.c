/* session.c: the timeline: what is fed where, memory, marks, and what is refused.
 *
 * A feed is cut where windows end; an engine (engine.h) takes each piece through the layers.
 * Windows of which nothing is asked go straight to the memory where that is possible.
 * With cached windows (Transformer-XL) a window that ends moves in front of the next one, in
 * every layer; the local window always begins at position 0 and the past has negative positions.
 * Invariants: the engine's window holds n_local rows of every layer (only up to the last
 * memory layer's keys and values for a window of which nothing was asked, which is
 * full then and can only leave); memories hold mem_len entries, or none with search
 * none. */
#include "model/session.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include "base/mem.h"
#include "model/dtype.h"
#include "model/engine.h"
#include "model/memory.h"

struct fot_session {
	const struct fot_model *model;
	const struct fot_config *cfg;
	struct fot_session_opts opts;
	const struct fot_engine *engine;
	void *held; /* by the engine */
	struct fot_place at;
	uint64_t window_no, serial;
};

/* ---- opening --------------------------------------------------------- */

void fot_session_opts_default(struct fot_session_opts *o, const struct fot_model *m)
{
	const struct fot_config *c = fot_model_config(m);

	bool memory = c->n_mem_layers > 0 && c->cached_windows == 0;

	*o = (struct fot_session_opts){ .mode = memory ? c->mode : FOT_MEMORY_NONE,
					.top_k = c->top_k,
					.mem_dtype = c->mem_dtype,
					.window = c->window,
					.n_threads = 1 };
}

static const struct fot_engine *engine_of(const struct fot_session_opts *o)
{
	return o->engine ? o->engine : &fot_engine_cpu;
}

int fot_session_check(const struct fot_model *m, const struct fot_session_opts *o, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);

	if (o->n_threads < 1 || o->n_threads > FOT_SESSION_THREADS_MAX)
		return FOT_FAIL(err, FOT_ERR_USAGE, "threads: expected 1 to %d, got %d",
				FOT_SESSION_THREADS_MAX, o->n_threads);
	if (o->window < 0 || o->window > 1 << 24)
		return FOT_FAIL(err, FOT_ERR_USAGE, "window: expected 1 to %d tokens, got %d", 1 << 24,
				o->window);
	if (o->mode == FOT_MEMORY_XL && !c->cached_windows)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory: xl is for models with cached windows (Transformer-XL)");
	if (fot_memory_keeps(o->mode) && c->n_mem_layers == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "memory: the model has no memory layers");
	if (fot_memory_keeps(o->mode) && c->cached_windows)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"memory: a model with cached windows (Transformer-XL) has no other: expected none");
	if (fot_memory_kind(o->mode)->counts && (o->top_k < 1 || o->top_k > FOT_TOP_K_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "top-k: expected 1 to %d, got %d", FOT_TOP_K_MOST, o->top_k);
	for (int i = 0; i < fot_memory_n_numbers(o->mode); i++) {
		const struct fot_memory_number *n = &fot_memory_kind(o->mode)->takes[i];

		if (!fot_memory_number_fits(n, o->number[i]))
			return FOT_FAIL(err, FOT_ERR_USAGE, "memory: %s: expected %s %d to %d, got %d",
					fot_memory_kind(o->mode)->word, n->name, n->least ? n->least : 1,
					n->most ? n->most : FOT_TOP_K_MOST, o->number[i]);
	}
	if (o->mem_dtype != FOT_F32 && o->mem_dtype != FOT_BF16)
		return FOT_FAIL(err, FOT_ERR_USAGE, "mem-dtype: expected f32 or bf16, got %s",
				fot_dtype_name(o->mem_dtype));
	if (!(o->mem_decay >= 0 && o->mem_decay <= FOT_MEM_DECAY_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "mem-decay: expected 0 to %g, got %g", FOT_MEM_DECAY_MOST,
				o->mem_decay);
	if (o->mem_scale != 0 && !(o->mem_scale >= FOT_MEM_SCALE_LEAST && o->mem_scale <= FOT_MEM_SCALE_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "mem-scale: expected %g to %g, got %g",
				FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST, o->mem_scale);
	if (o->rope_factor &&
	    (fot_memory_keeps(o->mode) || c->rope.type != FOT_ROPE_DEFAULT || c->cached_windows))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"rope: expected no memory, and no scaling and cached windows of the model");
	if (o->rope_factor) {
		struct fot_rope r = fot_config_interpolated(c, o->rope, o->rope_factor);

		if (fot_rope_check(&r, c->rope_theta, c->head_dim, r.original, "rope", err) != FOT_OK)
			return FOT_ERR_USAGE;
	}
	if (o->rope_factor < 0 || fot_session_window(m, o) > 1 << 24)
		return FOT_FAIL(err, FOT_ERR_USAGE, "rope: expected windows of at most %d tokens, got %lld",
				1 << 24, (long long)fot_session_window(m, o));
	if (o->mem_max < 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "memory: expected 0 tokens or more, got %lld",
				(long long)o->mem_max);
	return engine_of(o)->check ? engine_of(o)->check(m, o, err) : FOT_OK;
}

int64_t fot_session_window(const struct fot_model *m, const struct fot_session_opts *o)
{
	int64_t window = o->window ? o->window : fot_model_config(m)->window;

	return window * (o->rope_factor ? o->rope_factor : 1);
}

size_t fot_session_estimate(const struct fot_model *m, const struct fot_session_opts *o)
{
	return fot_session_check(m, o, NULL) == FOT_OK ? engine_of(o)->estimate(m, o) : 0;
}

size_t fot_session_common(const struct fot_model *m, const struct fot_session_opts *o)
{
	bool has = engine_of(o)->common && fot_session_check(m, o, NULL) == FOT_OK;

	return has ? engine_of(o)->common(m, o) : 0;
}

size_t fot_session_mapped(const struct fot_model *m, const struct fot_session_opts *o)
{
	const struct fot_weights *w = fot_model_weights(m);
	size_t largest = 0;

	for (size_t i = 0; i < fot_weights_count(w); i++)
		largest = fot_weights_at(w, i)->bytes > largest ? fot_weights_at(w, i)->bytes : largest;
	return o->compute == FOT_COMPUTE_BF16 ? largest : fot_weights_bytes(w);
}

int fot_session_open(struct fot_session **out, const struct fot_model *m, const struct fot_session_opts *o,
		     struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);
	const struct fot_engine *engine = engine_of(o);
	const struct fot_session *beside = o->beside;
	struct fot_session *s;
	int status = fot_session_check(m, o, err);

	if (status != FOT_OK)
		return status;
	s = fot_calloc(1, sizeof *s);
	if (!s)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a session");
	*s = (struct fot_session){ .model = m, .cfg = c, .opts = *o, .engine = engine };
	s->opts.beside = NULL; /* it may be closed before this one */
	s->at.window = fot_session_window(m, o);
	s->at.reach = INT64_MAX;
	s->at.past_max = c->cached_windows * s->at.window;
	if (beside && beside->model == m && beside->engine == engine && engine->open_with)
		status = engine->open_with(&s->held, beside->held, m, o, err);
	else
		status = engine->open(&s->held, m, o, err);
	if (status == FOT_OK)
		*out = s;
	else
		fot_free(s);
	return status;
}

void fot_session_close(struct fot_session *s)
{
	if (!s)
		return;
	s->engine->close(s->held);
	fot_free(s);
}

/* ---- what is refused ------------------------------------------------- */

static int check_tokens(const struct fot_session *s, const int32_t *tokens, size_t n,
			const struct fot_want *w, struct fot_err *err)
{
	for (size_t i = 0; i < n; i++) {
		bool token = tokens[i] < 0 || tokens[i] >= s->cfg->vocab_size;

		if (token || (w && w->targets && w->targets[i] >= s->cfg->vocab_size))
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"token %zu: id %d is outside the vocabulary of %d", i,
					token ? tokens[i] : w->targets[i], s->cfg->vocab_size);
	}
	return FOT_OK;
}

static int check_masses(const struct fot_session *s, const struct fot_masses *m, int64_t n,
			struct fot_err *err)
{
	const struct fot_place *at = &s->at;

	if (m->group < 1 || !fot_memory_keeps(s->opts.mode) || at->pads > 0)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"masses: expected groups of 1 or more, a memory and no padding");
	if (at->n_local + n > at->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"masses: expected tokens of one window of %lld, got %lld behind %lld",
				(long long)at->window, (long long)n, (long long)at->n_local);
	for (int64_t i = 0; i < m->n_rows; i++)
		if (m->row[i] < 0 || m->row[i] >= n || (i > 0 && m->row[i] <= m->row[i - 1]))
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"masses: expected ascending rows below %lld, got %lld", (long long)n,
					(long long)m->row[i]);
	return FOT_OK;
}

static int check_branches(const struct fot_session *s, const struct fot_want *want, int64_t n,
			  struct fot_err *err)
{
	const struct fot_place *at = &s->at;
	int64_t trunk = 0;

	if (want->masses || at->pads > 0 || at->n_local + n > at->window)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"branches: expected no masses, no padding, and tokens of one window of %lld, got %lld behind %lld",
			(long long)at->window, (long long)n, (long long)at->n_local);
	while (trunk < n && want->branch[trunk] < 0)
		trunk++;
	for (int64_t i = trunk; i < n; i++)
		if (want->branch[i] != i && (i == trunk || want->branch[i] != want->branch[i - 1]))
			return FOT_FAIL(
				err, FOT_ERR_USAGE,
				"branches: token %lld: expected to begin one or to go on with the one before, got %d",
				(long long)i, want->branch[i]);
	return FOT_OK;
}

static int check_feed(const struct fot_session *s, const int32_t *tokens, size_t n,
		      const struct fot_want *want, struct fot_err *err)
{
	int status = check_tokens(s, tokens, n, want, err);

	if (status == FOT_OK && want && want->masses)
		status = check_masses(s, want->masses, (int64_t)n, err);
	if (status == FOT_OK && want && want->branch)
		status = check_branches(s, want, (int64_t)n, err);
	return status;
}

static int check_apart(const struct fot_session *s, const struct fot_feed *f, struct fot_err *err)
{
	const struct fot_place *at = &s->at;

	if (!fot_session_has_apart(s) || f->want.masses)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"feeds apart: expected room for them, no cached windows, padding or masses");
	if (at->n_local + (int64_t)f->n > at->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"feeds apart: expected at most %lld tokens behind %lld, got %zu",
				(long long)(at->window - at->n_local), (long long)at->n_local, f->n);
	return check_feed(s, f->tokens, f->n, &f->want, err);
}

/* ---- feeding --------------------------------------------------------- */

/* Padding in front of the first real entry stays, because padding rows average over it;
 * behind one nothing ever sees it, and it is left out.  Where there is padding no past was cached
 * before it, and it never goes there. */
int fot_session_commit(struct fot_session *s, struct fot_err *err)
{
	struct fot_place *at = &s->at;
	bool real = at->mem_len > at->mem_pads;
	int64_t pads = at->pads < at->n_local ? at->pads : at->n_local, skip = real ? pads : 0,
		n = at->n_local - skip;
	int64_t past = (pads ? 0 : at->n_past) + at->n_local - pads;
	int status;

	if (at->n_local == 0)
		return FOT_OK;
	if (fot_memory_keeps(s->opts.mode) && at->mem_len + n > s->opts.mem_max)
		return FOT_FAIL(err, FOT_ERR_RUN, "memory is full: room for %lld tokens, needed %lld",
				(long long)s->opts.mem_max, (long long)(at->mem_len + n));
	past = past < at->past_max ? past : at->past_max;
	status = s->engine->commit(s->held, at, skip, n, past, err);
	if (status != FOT_OK)
		return status;
	at->n_past = past;
	at->mem_len += n;
	at->mem_pads += real ? 0 : pads;
	at->n_local = at->pads = at->pad_shift = 0;
	s->window_no = ++s->serial;
	return FOT_OK;
}

/* Whole windows from the feed's token `from` on that can go straight to the memory: nothing is
 * asked of them and more follows, so that they would leave the local context anyway. */
static int64_t windows_alone(const struct fot_session *s, int64_t from, int64_t all,
			     const struct fot_want *want)
{
	int64_t W = s->at.window, n = 0, room = (s->opts.mem_max - s->at.mem_len) / W;

	if (!fot_fills_alone(s->cfg, &s->opts) || s->at.n_local > 0 || s->at.pads > 0)
		return 0;
	while (n < room && from + (n + 1) * W < all && !fot_want_any(want, from + n * W, W))
		n++;
	return n;
}

static int fill(struct fot_session *s, const int32_t *tokens, int64_t n_windows, struct fot_err *err)
{
	int status = s->engine->fill(s->held, &s->at, tokens, n_windows, err);

	if (status != FOT_OK)
		return status;
	s->at.mem_len += n_windows * s->at.window;
	s->window_no = ++s->serial;
	return FOT_OK;
}

int fot_session_feed(struct fot_session *s, const int32_t *tokens, size_t n, const struct fot_want *want,
		     struct fot_err *err)
{
	int64_t done = 0, all = (int64_t)n, alone;
	int status;

	FOT_TRY(check_feed(s, tokens, n, want, err));
	while (done < all) {
		struct fot_piece p;

		if (s->at.n_local == s->at.window)
			FOT_TRY(fot_session_commit(s, err));
		alone = windows_alone(s, done, all, want);
		if (alone > 0) {
			FOT_TRY(fill(s, tokens + done, alone, err));
			done += alone * s->at.window;
			continue;
		}
		p = fot_piece_next(&s->at, tokens, done, all, want, !s->opts.no_skip);
		FOT_TRY(s->engine->run(s->held, &s->at, &p, err));
		s->at.n_local += p.n_trunk;
		done += p.n;
	}
out:
	return status;
}

int fot_session_feed_apart(struct fot_session *s, const struct fot_feed *feed, size_t n_feeds,
			   struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < n_feeds && status == FOT_OK; i++)
		status = check_apart(s, &feed[i], err);
	return status == FOT_OK ? s->engine->run_apart(s->held, &s->at, feed, n_feeds, err) : status;
}

/* ---- where it stands ------------------------------------------------- */

void fot_session_reset(struct fot_session *s)
{
	s->at.n_local = s->at.pads = s->at.pad_shift = 0;
	s->at.mem_len = s->at.mem_pads = s->at.n_past = 0;
	s->engine->truncate(s->held, 0);
	s->window_no = ++s->serial;
}

void fot_session_pads(struct fot_session *s, int64_t rows, bool one_position)
{
	s->at.pads = rows;
	if (s->at.n_local == 0)
		s->at.pad_shift = one_position && rows > 0 ? rows - 1 : 0;
}

void fot_session_reach(struct fot_session *s, int64_t tokens)
{
	s->at.reach = tokens;
}

int64_t fot_session_groups(const struct fot_session *s, int64_t group)
{
	return fot_place_groups(&s->at, group);
}

int64_t fot_session_room(const struct fot_session *s)
{
	return s->at.window;
}

int64_t fot_session_n_local(const struct fot_session *s)
{
	return s->at.n_local;
}

bool fot_session_has_apart(const struct fot_session *s)
{
	return s->opts.apart && s->at.past_max == 0 && s->at.pads == 0;
}

int64_t fot_session_sight(const struct fot_session *s)
{
	return s->at.past_max * s->cfg->n_layers;
}

struct fot_mark fot_session_mark(const struct fot_session *s)
{
	/* A full window stands at the start of the next one. */
	if (s->at.n_local == s->at.window)
		return (struct fot_mark){ .mem_len = s->at.mem_len + s->at.window,
					  .window_no = s->window_no };
	return (struct fot_mark){ .mem_len = s->at.mem_len,
				  .n_local = s->at.n_local,
				  .window_no = s->window_no };
}

int fot_session_rewind(struct fot_session *s, struct fot_mark m, struct fot_err *err)
{
	if (m.n_local == 0 && m.mem_len == s->at.mem_len + s->at.window && s->at.n_local == s->at.window)
		return FOT_OK;
	if (m.n_local > 0 && m.window_no == s->window_no && m.mem_len == s->at.mem_len &&
	    m.n_local <= s->at.n_local) {
		s->at.n_local = m.n_local;
		return FOT_OK;
	}
	if (m.n_local > 0 || m.mem_len > s->at.mem_len || (s->at.past_max && m.mem_len < s->at.mem_len))
		return FOT_FAIL(
			err, FOT_ERR_RUN,
			"rewind: the window of the mark (memory %lld, local %lld) is gone: now memory %lld, local %lld",
			(long long)m.mem_len, (long long)m.n_local, (long long)s->at.mem_len,
			(long long)s->at.n_local);
	if (m.mem_len != s->at.mem_len) {
		s->engine->truncate(s->held, m.mem_len);
		s->window_no = ++s->serial;
	}
	s->at.mem_len = m.mem_len;
	s->at.mem_pads = s->at.mem_pads < m.mem_len ? s->at.mem_pads : m.mem_len;
	s->at.n_local = s->at.pads = s->at.pad_shift = 0;
	return FOT_OK;
}

#endif
