/* reading.c: see reading.h. */
#include "harness/reading.h"

#include "base/mem.h"
#include "harness/options.h"

static void apply_flags(struct fot_session_opts *o, const struct fot_reading_flags *f)
{
	static const enum fot_search search[] = { FOT_SEARCH_NONE, FOT_SEARCH_ALL, FOT_SEARCH_TOPK };

	if (f->memory >= 0)
		o->search = search[f->memory];
	if (f->top_k)
		o->top_k = (int32_t)f->top_k;
	if (f->mem_dtype)
		o->mem_dtype = f->mem_dtype == 1 ? FOT_F32 : FOT_BF16;
	o->n_threads = f->threads ? (int32_t)f->threads : fot_default_threads();
}

int fot_reading_open(struct fot_reading *r, const struct fot_model *m, const struct fot_reading_flags *f,
		     size_t longest, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);
	struct fot_session_opts o;
	int64_t local;

	*r = (struct fot_reading){
		.model = m,
		.window = f->window ? f->window : c->window,
		.last_context = f->last_context ? f->last_context : c->last_context_length,
		.blocks = c->blocks,
	};
	if (r->blocks && f->last_context)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--last-context: this model reads aligned windows (\"cut\": \"blocks\")");
	if (!r->blocks && r->last_context < 1)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--last-context: expected at least 1 token");
	fot_session_opts_default(&o, m);
	apply_flags(&o, f);
	/* The last context may be longer than the window (longllama.md, 1.2). */
	local = r->window;
	if (!r->blocks && r->last_context > local)
		local = r->last_context < (int64_t)longest ? r->last_context : (int64_t)longest;
	if (local < r->window)
		local = r->window;
	if (local > INT32_MAX)
		return FOT_FAIL(err, FOT_ERR_USAGE, "window of %lld tokens is too long", (long long)local);
	o.window = (int32_t)local;
	o.mem_max = (int64_t)longest;
	return fot_session_open(&r->session, m, &o, err);
}

void fot_reading_close(struct fot_reading *r)
{
	if (r->session)
		fot_session_close(r->session);
	r->session = NULL;
}

size_t fot_reading_last(const struct fot_reading *r, size_t n)
{
	size_t w = (size_t)r->window, l = (size_t)r->last_context;

	if (r->blocks)
		return n ? (n - 1) / w * w : 0;
	return n > l ? n - l : 0;
}

/* Length of the window that starts at `at`. */
static size_t window_at(const struct fot_reading *r, size_t at, size_t n)
{
	size_t last = fot_reading_last(r, n), w = (size_t)r->window;

	if (at >= last)
		return n - at;
	return last - at < w ? last - at : w;
}

struct answers {
	int32_t *targets, *argmax;
	double *nll;
	float *logits;
	uint8_t *rows;
};

static int feed_windows(struct fot_reading *r, const int32_t *tokens, size_t n, struct answers *a,
			size_t logits_from, struct fot_err *err)
{
	size_t v = (size_t)fot_model_config(r->model)->vocab_size;
	int status = FOT_OK;

	fot_session_reset(r->session);
	for (size_t at = 0; at < n; at += window_at(r, at, n)) {
		struct fot_want want = { .targets = a->targets + at,
					 .nll = a->nll + at,
					 .argmax = a->argmax + at };

		if (at > 0)
			FOT_TRY(fot_session_commit(r->session, err));
		if (a->logits && at >= logits_from)
			want.logits = a->logits + (at - logits_from) * v;
		FOT_TRY(fot_session_feed(r->session, tokens + at, window_at(r, at, n), &want, err));
	}
out:
	return status;
}

int fot_reading_score(struct fot_reading *r, const int32_t *tokens, size_t n, double *nll, int32_t *argmax,
		      float *logits, size_t logits_from, struct fot_err *err)
{
	struct answers a = { .logits = logits };
	int status;

	a.targets = fot_alloc(n, sizeof *a.targets);
	a.nll = fot_calloc(n, sizeof *a.nll);
	a.argmax = fot_calloc(n, sizeof *a.argmax);
	if (!a.targets || !a.nll || !a.argmax) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %zu tokens", n);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		a.targets[i] = i + 1 < n ? tokens[i + 1] : -1;
	FOT_TRY(feed_windows(r, tokens, n, &a, logits_from, err));
	for (size_t i = 0; i + 1 < n; i++) {
		nll[i] = a.nll[i];
		argmax[i] = a.argmax[i];
	}
out:
	fot_free(a.targets);
	fot_free(a.nll);
	fot_free(a.argmax);
	return status;
}

/* The prompt unscored but for its last token, whose best successor is *next. */
static int feed_prompt(struct fot_reading *r, const int32_t *tokens, size_t n, int32_t *next,
		       struct fot_err *err)
{
	size_t last = fot_reading_last(r, n);
	int32_t *targets = fot_alloc(n - last, sizeof *targets), *best = fot_alloc(n - last, sizeof *best);
	struct fot_want want = { .targets = targets, .argmax = best };
	int status = FOT_OK;

	if (!targets || !best) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a prompt of %zu tokens", n);
		goto out;
	}
	fot_session_reset(r->session);
	for (size_t at = 0; at < last; at += window_at(r, at, n)) {
		FOT_TRY(fot_session_feed(r->session, tokens + at, window_at(r, at, n), NULL, err));
		FOT_TRY(fot_session_commit(r->session, err));
	}
	for (size_t i = 0; i < n - last; i++)
		targets[i] = -1;
	targets[n - last - 1] = 0; /* any id: only the row's argmax is wanted */
	FOT_TRY(fot_session_feed(r->session, tokens + last, n - last, &want, err));
	*next = best[n - last - 1];
out:
	fot_free(targets);
	fot_free(best);
	return status;
}

static int feed_one(struct fot_reading *r, int32_t token, int32_t *next, struct fot_err *err)
{
	struct fot_want want = { .argmax = next };
	int status;

	if (fot_session_n_local(r->session) + 1 > r->window)
		FOT_TRY(fot_session_commit(r->session, err));
	status = fot_session_feed(r->session, &token, 1, &want, err);
out:
	return status;
}

int fot_reading_generate(struct fot_reading *r, const int32_t *tokens, size_t n, size_t max, int32_t eos,
			 struct fot_ids *out, struct fot_err *err)
{
	int32_t next = 0;
	int status = FOT_OK;

	if (max == 0)
		return FOT_OK;
	FOT_TRY(feed_prompt(r, tokens, n, &next, err));
	FOT_TRY(fot_ids_push(out, next, err));
	for (size_t i = 1; i < max && !(eos >= 0 && next == eos); i++) {
		FOT_TRY(feed_one(r, next, &next, err));
		FOT_TRY(fot_ids_push(out, next, err));
	}
out:
	return status;
}
