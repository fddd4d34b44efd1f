/* reading.c: see reading.h. */
#include "harness/ask/reading.h"

#include <string.h>

#include "base/mem.h"
#include "model/attach.h"
#include "model/blas.h"
#include "model/engine.h"
#include "model/memory.h"

static int read_memory(struct fot_attach *a, const struct fot_reading_flags *f, struct fot_err *err)
{
	const struct fot_attach flags = { .scale = f->mem_scale, .decay = f->mem_decay };
	int status = fot_attach_parse(a, f->memory ? f->memory : "model", "--memory", err);

	if (status != FOT_OK)
		return status;
	if (f->top_k && !fot_memory_counts(a->mode))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--top-k: expected --memory knn or model (others have their numbers there), got "
				"\"%.40s\"", f->memory);
	if (a->rope_factor)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--memory: rope: score and generate read no windows that grow, got \"%.40s\"",
				f->memory);
	fot_attach_complete(a, &flags);
	if (!a->top_k)
		a->top_k = (int32_t)f->top_k;
	if (!a->dtype_given && f->mem_dtype) {
		a->dtype_given = true;
		a->dtype = f->mem_dtype == 1 ? FOT_F32 : FOT_BF16;
	}
	return FOT_OK;
}

static int apply_flags(struct fot_session_opts *o, const struct fot_model *m, const struct fot_reading_flags *f,
		       struct fot_err *err)
{
	struct fot_attach a;
	int status;

	fot_session_opts_default(o, m);
	FOT_TRY(read_memory(&a, f, err));
	status = fot_attach_apply(o, &a, fot_model_config(m), err);
	o->compute = (enum fot_compute)f->compute;
	o->engine = fot_engine_of((enum fot_engine_number)f->engine);
	o->n_threads = f->threads ? (int32_t)f->threads : fot_default_threads();
	o->crowd = f->crowd;
out:
	return status;
}

static void lay_reading(struct fot_reading *r, const struct fot_model *m, const struct fot_reading_flags *f)
{
	const struct fot_config *c = fot_model_config(m);

	*r = (struct fot_reading){
		.model = m,
		.window = f->window ? f->window : c->window,
		.last_context = f->last_context ? f->last_context : c->last_context_length,
		.blocks = c->blocks,
	};
}

static int attach_layers(struct fot_model *m, const char *list, struct fot_err *err)
{
	int32_t layer[FOT_MAX_LAYERS];
	size_t n = 0;

	for (const char *at = list; *at; n++) {
		char word[16] = { 0 };
		size_t len = strcspn(at, ",");
		int64_t value;

		if (len < sizeof word)
			memcpy(word, at, len);
		if (n == FOT_MAX_LAYERS || !fot_parse_i64(word, &value) || value < 0 || value >= FOT_MAX_LAYERS)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--mem-layers: expected layers like 6,12,18, got \"%s\"",
					list);
		layer[n] = (int32_t)value;
		at += len + (at[len] == ',');
	}
	if (n == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--mem-layers: expected layers like 6,12,18, got nothing");
	return fot_model_set_mem_layers(m, layer, n, err);
}

int fot_reading_attach(struct fot_model *m, const char *list, const struct fot_reading_flags *f, struct fot_err *err)
{
	struct fot_attach a;
	int status;

	FOT_TRY(read_memory(&a, f, err));
	if (a.n_layers)
		FOT_TRY(fot_model_set_mem_layers(m, a.layer, a.n_layers, err));
	else if (list)
		FOT_TRY(attach_layers(m, list, err));
	if (a.scale > 0)
		FOT_TRY(fot_model_set_mem_scale(m, a.scale, err));
out:
	return status;
}

/* The longest window and the entries in memory that n tokens take, as feed_call cuts them. */
static void extent_of(const struct fot_reading *r, int64_t n, int64_t *local, int64_t *memory)
{
	int64_t w = r->window, last = r->blocks || n <= r->last_context ? n : r->last_context, before = n - last;

	if (r->blocks) {
		*local = n < w ? n : w;
		*memory = n > 0 ? (n - 1) / w * w : 0;
		return;
	}
	*local = before > last ? before : last;
	if (*local > w)
		*local = last > w ? last : w;
	*memory = before;
}

int fot_reading_opts(struct fot_session_opts *o, const struct fot_model *m, const struct fot_reading_flags *f,
		     struct fot_err *err)
{
	int status = apply_flags(o, m, f, err);

	if (f->window)
		o->window = (int32_t)f->window;
	return status;
}

/* Options of a session that just holds n tokens. */
static int opts_for(struct fot_session_opts *o, const struct fot_model *m, const struct fot_reading_flags *f, size_t n,
		    struct fot_err *err)
{
	struct fot_reading r;
	int64_t local, memory;

	if (fot_reading_opts(o, m, f, err) != FOT_OK)
		return FOT_ERR_USAGE;
	lay_reading(&r, m, f);
	extent_of(&r, (int64_t)n, &local, &memory);
	o->window = (int32_t)(local < 1 ? 1 : local);
	o->mem_max = fot_memory_keeps(o->mode) ? memory : 0;
	return FOT_OK;
}

int fot_reading_estimate(size_t *bytes, const struct fot_model *m, const struct fot_reading_flags *f, size_t n,
			 struct fot_err *err)
{
	struct fot_session_opts o;
	int status;

	FOT_TRY(opts_for(&o, m, f, n, err));
	*bytes = fot_session_estimate(m, &o);
	if (*bytes == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "memory: the model has no memory layers, or its flags do not fit");
	*bytes = fot_size_add(*bytes, fot_size_add(FOT_PROCESS_BYTES, fot_session_mapped(m, &o)));
out:
	return status;
}

int fot_reading_estimate_memory(size_t *bytes, const struct fot_model *m, const struct fot_reading_flags *f, size_t n,
				struct fot_err *err)
{
	struct fot_session_opts o;
	size_t all;
	int status;

	FOT_TRY(opts_for(&o, m, f, n, err));
	all = fot_session_estimate(m, &o);
	o.mem_max = 0;
	*bytes = all - fot_session_estimate(m, &o);
out:
	return status;
}

int fot_reading_open(struct fot_reading *r, const struct fot_model *m, const struct fot_reading_flags *f,
		     size_t longest, struct fot_err *err)
{
	struct fot_session_opts o;
	int64_t local;
	int status;

	lay_reading(r, m, f);
	if (r->blocks && f->last_context)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--last-context: this model reads aligned windows (\"cut\": \"blocks\")");
	if (!r->blocks && r->last_context < 1)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--last-context: expected at least 1 token");
	FOT_TRY(apply_flags(&o, m, f, err));
	/* The last context may be longer than the window (docs/longllama.md, 1.2). */
	local = r->window;
	if (!r->blocks && r->last_context > local)
		local = r->last_context < (int64_t)longest ? r->last_context : (int64_t)longest;
	if (local < r->window)
		local = r->window;
	if (local > INT32_MAX)
		return FOT_FAIL(err, FOT_ERR_USAGE, "window of %lld tokens is too long", (long long)local);
	o.window = (int32_t)local;
	o.mem_max = (int64_t)longest;
	status = fot_session_open(&r->session, m, &o, err);
out:
	return status;
}

void fot_reading_close(struct fot_reading *r)
{
	if (r->session)
		fot_session_close(r->session);
	r->session = NULL;
}

void fot_reading_reset(struct fot_reading *r)
{
	fot_session_reset(r->session);
	r->pads = 0;
}

static int commit(struct fot_reading *r, struct fot_err *err)
{
	r->pads = 0;
	return fot_session_commit(r->session, err);
}

/* Tokens that an aligned window still takes; a full one makes room for a new one. */
static size_t room(const struct fot_reading *r)
{
	int64_t local = fot_session_n_local(r->session);

	return (size_t)(local == r->window ? r->window : r->window - local);
}

size_t fot_reading_last(const struct fot_reading *r, size_t n)
{
	size_t w = (size_t)r->window, l = (size_t)r->last_context, first = room(r);

	if (r->blocks)
		return n > first ? first + (n - first - 1) / w * w : 0;
	return n > l ? n - l : 0;
}

/* Length of the window that starts at token `at` of a call whose last one starts at `last`. */
static size_t window_at(const struct fot_reading *r, size_t at, size_t last, size_t n)
{
	size_t w = (size_t)r->window;

	if (r->blocks)
		return room(r) < n - at ? room(r) : n - at;
	if (at >= last)
		return n - at;
	return last - at < w ? last - at : w;
}

/* What of the call's mask concerns the local context (into r->pads) and the tokens (*pads). */
static int place_mask(struct fot_reading *r, const struct fot_call *c, size_t *pads, struct fot_err *err)
{
	size_t local = (size_t)fot_session_n_local(r->session), behind, seen;

	*pads = c->pads;
	if (c->columns == 0) {
		r->pads = 0;
		return FOT_OK;
	}
	if (c->columns == c->n && local > 0) {
		if (c->pads > 0 && (size_t)r->pads < local)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"attention_mask: padding behind tokens of an earlier call: expected it on the left");
		return FOT_OK;
	}
	if (c->columns < local + c->n)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"attention_mask: %zu columns, expected %zu, or %zu with the local context",
				c->columns, c->n, local + c->n);
	behind = c->columns - local - c->n;
	seen = c->pads > behind ? c->pads - behind : 0;
	r->pads = (int64_t)(seen < local ? seen : local);
	*pads = seen - (size_t)r->pads;
	return FOT_OK;
}

/* Tell the session how many rows of padding its window begins with: pads of w new tokens. */
static void place_pads(struct fot_reading *r, size_t pads, size_t w, bool one_position)
{
	int64_t local = fot_session_n_local(r->session);

	if (r->pads == local)
		r->pads += (int64_t)(pads < w ? pads : w);
	fot_session_pads(r->session, r->pads, one_position);
}

struct answers {
	int32_t *targets, *argmax;
	double *nll;
	float *logits;
};

static int answers_init(struct answers *a, size_t n, struct fot_err *err)
{
	a->targets = fot_alloc(n, sizeof *a->targets);
	a->nll = fot_calloc(n, sizeof *a->nll);
	a->argmax = fot_calloc(n, sizeof *a->argmax);
	if (!a->targets || !a->nll || !a->argmax)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %zu tokens", n);
	for (size_t i = 0; i < n; i++)
		a->targets[i] = -1;
	return FOT_OK;
}

static void answers_release(struct answers *a)
{
	fot_free(a->targets);
	fot_free(a->nll);
	fot_free(a->argmax);
}

/* Does the local context end before a window of w tokens?  A fresh call's windows stand
 * each on its own; others share the context while they fit. */
static bool ends_context(const struct fot_reading *r, bool fresh, size_t w)
{
	int64_t local = fot_session_n_local(r->session);

	if (r->blocks)
		return local == r->window;
	return local > 0 && (fresh || local + (int64_t)w > r->window);
}

static int feed_call(struct fot_reading *r, const struct fot_call *c, const struct answers *a, size_t logits_from,
		     struct fot_err *err)
{
	size_t v = (size_t)fot_model_config(r->model)->vocab_size, last = fot_reading_last(r, c->n), pads;
	bool fresh = fot_session_n_local(r->session) == 0;
	int status;

	if (c->no_cache && !fresh)
		return FOT_FAIL(err, FOT_ERR_INPUT, "use_cache is false, but there is a local context of %lld tokens",
				(long long)fot_session_n_local(r->session));
	FOT_TRY(place_mask(r, c, &pads, err));
	for (size_t at = 0, w; at < c->n; at += w) {
		struct fot_want want = { .targets = a->targets + at, .nll = a->nll + at, .argmax = a->argmax + at };

		w = window_at(r, at, last, c->n);
		if (ends_context(r, fresh, w))
			FOT_TRY(commit(r, err));
		place_pads(r, pads > at ? pads - at : 0, w, c->one_position);
		if (a->logits && at >= logits_from)
			want.logits = a->logits + (at - logits_from) * v;
		FOT_TRY(fot_session_feed(r->session, c->tokens + at, w, &want, err));
	}
	if (c->no_cache)
		status = commit(r, err);
out:
	return status;
}

int fot_reading_call(struct fot_reading *r, const struct fot_call *c, double *nll, int32_t *argmax,
		     float *logits, size_t logits_from, struct fot_err *err)
{
	struct answers a = { .logits = logits };
	int status;

	FOT_TRY(answers_init(&a, c->n, err));
	for (size_t i = c->score_from; nll && i + 1 < c->n; i++)
		a.targets[i] = c->tokens[i + 1];
	FOT_TRY(feed_call(r, c, &a, logits_from, err));
	for (size_t i = c->score_from; nll && i + 1 < c->n; i++) {
		nll[i] = a.nll[i];
		argmax[i] = a.argmax[i];
	}
out:
	answers_release(&a);
	return status;
}

/* A call unscored but for its last token, whose best successor is *next. */
static int feed_prompt(struct fot_reading *r, const struct fot_call *c, int32_t *next, struct fot_err *err)
{
	struct answers a = { 0 };
	int status;

	FOT_TRY(answers_init(&a, c->n, err));
	a.targets[c->n - 1] = 0; /* any id: only the row's argmax is wanted */
	FOT_TRY(feed_call(r, c, &a, 0, err));
	*next = a.argmax[c->n - 1];
out:
	answers_release(&a);
	return status;
}

static int feed_one(struct fot_reading *r, int32_t token, int32_t *next, struct fot_err *err)
{
	struct fot_want want = { .argmax = next };
	int status;

	if (fot_session_n_local(r->session) + 1 > r->window)
		FOT_TRY(commit(r, err));
	status = fot_session_feed(r->session, &token, 1, &want, err);
out:
	return status;
}

int fot_reading_continue(struct fot_reading *r, const struct fot_call *c, size_t max, const struct fot_config *ends,
			 struct fot_ids *out, struct fot_err *err)
{
	int32_t next = 0;
	int status = FOT_OK;

	if (max == 0)
		return FOT_OK;
	FOT_TRY(feed_prompt(r, c, &next, err));
	FOT_TRY(fot_ids_push(out, next, err));
	for (size_t i = 1; i < max && !(ends && fot_config_ends(ends, next)); i++) {
		FOT_TRY(feed_one(r, next, &next, err));
		FOT_TRY(fot_ids_push(out, next, err));
	}
out:
	return status;
}
