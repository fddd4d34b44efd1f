/* evaluate.c: see evaluate.h. */
#include "harness/ask/evaluate.h"

#include <string.h>

#include "base/clock.h"

static int score_window(struct fot_session *s, const struct fot_request *r, size_t at, double *nll,
			struct fot_err *err)
{
	struct fot_want want = { .targets = r->tokens + at + 1, .nll = nll };

	return fot_session_feed(s, r->tokens + at, (size_t)r->window, &want, err);
}

static int evaluate_alone(struct fot_session *s, const struct fot_request *r, struct fot_scores *out,
			  struct fot_err *err)
{
	size_t n = r->end - r->begin, w = (size_t)r->window;
	double begun = fot_clock();
	int status = FOT_OK;

	for (size_t at = r->begin; at < r->end; at += w) {
		fot_session_reset(s);
		FOT_TRY(score_window(s, r, at, out->nll + (at - r->begin), err));
	}
	for (size_t l = 0; l < r->n_lengths; l++) {
		if (l > 0)
			memcpy(out->nll + l * n, out->nll, n * sizeof *out->nll);
		out->wall_s[l] = (fot_clock() - begun) / (double)r->n_lengths;
	}
out:
	return status;
}

/* Windows that hold more than the targets: at every length each target window stands at the end of one of its own. */
static int evaluate_full(struct fot_session *s, const struct fot_request *r, struct fot_scores *out, struct fot_err *err)
{
	size_t n = r->end - r->begin;
	int status = FOT_OK;

	for (size_t l = 0; l < r->n_lengths; l++) {
		size_t past = (size_t)(r->context_length[l] - r->window);
		double begun = fot_clock();

		for (size_t at = r->begin; at < r->end; at += (size_t)r->window) {
			fot_session_reset(s);
			if (past > 0)
				FOT_TRY(fot_session_feed(s, r->tokens + at - past, past, NULL, err));
			FOT_TRY(score_window(s, r, at, out->nll + l * n + (at - r->begin), err));
		}
		out->wall_s[l] = fot_clock() - begun;
	}
out:
	return status;
}

/* Read `past` tokens before `at` and no others, cut where windows of the document begin. */
static int read_past(struct fot_session *s, const struct fot_request *r, size_t at, int64_t past, struct fot_err *err)
{
	size_t head = (size_t)(past % r->window), from = at - (size_t)past;
	int status = FOT_OK;

	fot_session_reset(s);
	if (head > 0) {
		FOT_TRY(fot_session_feed(s, r->tokens + from, head, NULL, err));
		FOT_TRY(fot_session_commit(s, err));
	}
	if (at > from + head)
		FOT_TRY(fot_session_feed(s, r->tokens + from + head, at - from - head, NULL, err));
	status = fot_session_commit(s, err);
out:
	return status;
}

/* All targets at one length. */
static int evaluate_length(struct fot_session *s, const struct fot_request *r, int64_t past, double *nll,
			   struct fot_err *err)
{
	int64_t sight = fot_session_sight(s);
	int status = FOT_OK;

	for (size_t at = r->begin; at < r->end; at += (size_t)r->window) {
		if (past < sight || at == r->begin)
			FOT_TRY(read_past(s, r, at, past < sight ? past : sight, err));
		FOT_TRY(score_window(s, r, at, nll + (at - r->begin), err));
	}
out:
	return status;
}

static int evaluate_cached(struct fot_session *s, const struct fot_request *r, struct fot_scores *out,
			   struct fot_err *err)
{
	size_t n = r->end - r->begin;
	int64_t past = 0, before = -1, sight = fot_session_sight(s);
	int status = FOT_OK;

	for (size_t l = 0; l < r->n_lengths; l++, before = past) {
		double begun = fot_clock();

		past = r->context_length[l] - r->window;
		if (before >= sight)
			memcpy(out->nll + l * n, out->nll + (l - 1) * n, n * sizeof *out->nll);
		else
			FOT_TRY(evaluate_length(s, r, past, out->nll + l * n, err));
		out->wall_s[l] = fot_clock() - begun;
	}
out:
	return status;
}

/* One target window at every length; the last one's keys and values stay. */
static int evaluate_window(struct fot_session *s, const struct fot_request *r, size_t at,
			   struct fot_scores *out, struct fot_err *err)
{
	struct fot_mark mark = fot_session_mark(s);
	size_t n = r->end - r->begin;
	int status;

	for (size_t l = 0; l < r->n_lengths; l++) {
		double begun = fot_clock();

		if (l > 0)
			FOT_TRY(fot_session_rewind(s, mark, err));
		fot_session_reach(s, r->context_length[l] - r->window);
		FOT_TRY(score_window(s, r, at, out->nll + l * n + (at - r->begin), err));
		out->wall_s[l] += fot_clock() - begun;
	}
	status = fot_session_commit(s, err);
out:
	return status;
}

/* n tokens into the memory. */
static int fill(struct fot_session *s, const int32_t *tokens, size_t n, struct fot_err *err)
{
	int status = FOT_OK;

	if (n > 0)
		status = fot_session_feed(s, tokens, n, NULL, err);
	return status == FOT_OK ? fot_session_commit(s, err) : status;
}

static int evaluate_among_others(struct fot_session *s, const struct fot_request *r, struct fot_scores *out,
				 struct fot_err *err)
{
	int64_t reach = r->context_length[r->n_lengths - 1] - r->window;
	double *wall = &out->wall_s[r->n_lengths - 1], begun = fot_clock();
	struct fot_mark behind;
	int status;

	FOT_TRY(fill(s, r->others, r->n_others, err));
	behind = fot_session_mark(s);
	for (size_t at = r->begin; at < r->end; at += (size_t)r->window) {
		FOT_TRY(fot_session_rewind(s, behind, err));
		fot_session_reach(s, reach);
		FOT_TRY(fill(s, r->tokens + at - r->own, r->own, err));
		*wall += fot_clock() - begun;
		FOT_TRY(evaluate_window(s, r, at, out, err));
		begun = fot_clock();
	}
out:
	return status;
}

int fot_evaluate(struct fot_session *s, bool has_memory, const struct fot_request *r, struct fot_scores *out,
		 struct fot_err *err)
{
	double begun = fot_clock();
	int status = FOT_OK;

	if (fot_session_sight(s) > 0)
		return evaluate_cached(s, r, out, err);
	if (fot_session_room(s) > r->window)
		return evaluate_full(s, r, out, err);
	if (!has_memory)
		return evaluate_alone(s, r, out, err);
	memset(out->wall_s, 0, r->n_lengths * sizeof *out->wall_s);
	fot_session_reset(s);
	fot_session_reach(s, r->context_length[r->n_lengths - 1] - r->window);
	if (r->own)
		return evaluate_among_others(s, r, out, err);
	FOT_TRY(fill(s, r->tokens, r->begin, err));
	out->wall_s[r->n_lengths - 1] = fot_clock() - begun;
	for (size_t at = r->begin; at < r->end; at += (size_t)r->window)
		FOT_TRY(evaluate_window(s, r, at, out, err));
out:
	return status;
}

struct fot_cost fot_evaluate_cached_cost(const int64_t *context_length, size_t n_lengths, int64_t window,
					 int64_t sight, int64_t n_targets)
{
	struct fot_cost c = { 0 };
	int64_t past = -1;

	for (size_t l = 0; l < n_lengths && past < sight; l++) {
		past = context_length[l] - window;
		c.filled += past < sight ? past * (n_targets / window) : sight;
		c.asked += n_targets;
	}
	return c;
}
