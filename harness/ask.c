/* ask.c: see ask.h. */
#include "harness/ask.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "base/mem.h"
#include "model/ops.h"

size_t fot_question_answers(const struct fot_question *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_answers; i++)
		n += q->answer[i].n;
	return n;
}

size_t fot_question_longest(const struct fot_question *q)
{
	size_t n = q->n_greedy;

	for (size_t i = 0; i < q->n_answers; i++)
		n = q->answer[i].n > n ? q->answer[i].n : n;
	return n;
}

int fot_reply_init(struct fot_reply *r, const struct fot_question *q, struct fot_err *err)
{
	size_t n = fot_question_answers(q);

	*r = (struct fot_reply){
		.nll = fot_alloc(n + 1, sizeof *r->nll),
		.argmax = fot_alloc(n + 1, sizeof *r->argmax),
		.rank = q->ranks ? fot_alloc(n + 1, sizeof *r->rank) : NULL,
		.greedy = fot_alloc(q->n_greedy + 1, sizeof *r->greedy),
	};
	if (r->nll && r->argmax && r->greedy && (r->rank || !q->ranks))
		return FOT_OK;
	fot_reply_release(r);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the answers of a question");
}

void fot_reply_release(struct fot_reply *r)
{
	fot_free(r->nll);
	fot_free(r->argmax);
	fot_free(r->rank);
	fot_free(r->greedy);
	*r = (struct fot_reply){ 0 };
}

int fot_asker_init(struct fot_asker *a, struct fot_session *s, const struct fot_model *m, int64_t window,
		   bool memory, bool share, struct fot_err *err)
{
	const struct fot_config *c = fot_model_config(m);

	*a = (struct fot_asker){ .session = s, .window = window, .vocab = c->vocab_size, .memory = memory, .share = share };
	if (memory && !c->blocks)
		a->last_context = c->last_context_length < window ? c->last_context_length : window;
	a->first = fot_alloc((size_t)c->vocab_size, sizeof *a->first);
	a->tokens = fot_alloc((size_t)window, sizeof *a->tokens);
	a->branch = fot_alloc((size_t)window, sizeof *a->branch);
	if (a->first && a->tokens && a->branch)
		return FOT_OK;
	fot_asker_release(a);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a question of %lld tokens", (long long)window);
}

void fot_asker_release(struct fot_asker *a)
{
	fot_free(a->held);
	fot_free(a->logits);
	fot_free(a->first);
	fot_free(a->tokens);
	fot_free(a->branch);
	*a = (struct fot_asker){ 0 };
}

/* --- the stem --- */

/* Tokens fed behind the stem: the question and all of the longest answer but its last. */
static size_t tail_of(const struct fot_question *q, size_t n_stem)
{
	size_t longest = fot_question_longest(q);

	return q->n_prompt - n_stem + (longest ? longest - 1 : 0);
}

size_t fot_asker_stem(const struct fot_asker *a, const struct fot_question *q)
{
	size_t last = (size_t)a->last_context, longest = fot_question_longest(q), most = (size_t)a->window;

	if (!a->memory)
		return 0;
	if (longest > 1 && last + longest - 1 > most) /* the answer must fit beside the question */
		last = most > longest ? most - longest + 1 : 0;
	if (last > q->n_prompt)
		last = q->n_prompt;
	return q->n_prompt - q->n_stem < last ? q->n_prompt - last : q->n_stem;
}

static int read_tokens(struct fot_asker *a, const int32_t *tokens, size_t n, struct fot_err *err)
{
	a->n_read += (int64_t)n;
	return n ? fot_session_feed(a->session, tokens, n, NULL, err) : FOT_OK;
}

/* Leading tokens that the session keeps for this stem: whole windows. */
static size_t kept_tokens(const struct fot_asker *a, const int32_t *stem, size_t n_stem)
{
	size_t w = (size_t)a->window, most = a->n_held < n_stem ? a->n_held : n_stem, n = 0;

	if (!a->valid || !a->share || fot_session_sight(a->session) > 0)
		return 0;
	while (n + w <= most && memcmp(a->held + n, stem + n, w * sizeof *stem) == 0)
		n += w;
	return n;
}

static bool is_held(const struct fot_asker *a, const int32_t *stem, size_t n, bool commit)
{
	return a->valid && a->share && a->n_held == n && a->committed == commit &&
	       (n == 0 || memcmp(a->held, stem, n * sizeof *stem) == 0);
}

static int hold(struct fot_asker *a, const int32_t *stem, size_t n, size_t same, struct fot_err *err)
{
	if (n > a->cap) {
		int32_t *held = fot_realloc(a->held, n, sizeof *held);

		if (!held)
			return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a prompt of %zu tokens", n);
		a->held = held;
		a->cap = n;
	}
	if (n > same)
		memcpy(a->held + same, stem + same, (n - same) * sizeof *stem);
	a->n_held = n;
	return FOT_OK;
}

/* Bring the session to the end of the stem. */
static int read_stem(struct fot_asker *a, const int32_t *stem, size_t n, bool commit, struct fot_err *err)
{
	size_t w = (size_t)a->window, whole = n / w * w, sight = (size_t)fot_session_sight(a->session), kept, from;
	int status;

	if (is_held(a, stem, n, commit))
		return fot_session_rewind(a->session, a->mark, err);
	kept = kept_tokens(a, stem, n);
	a->valid = false; /* until all of it has been read */
	if (kept)
		FOT_TRY(fot_session_rewind(a->session, (struct fot_mark){ .mem_len = (int64_t)kept }, err));
	else
		fot_session_reset(a->session);
	FOT_TRY(hold(a, stem, n, kept, err));
	from = sight && sight < whole ? whole - sight : kept; /* no influence reaches farther */
	FOT_TRY(read_tokens(a, stem + from, whole - from, err));
	FOT_TRY(fot_session_commit(a->session, err));
	FOT_TRY(read_tokens(a, stem + whole, n - whole, err));
	if (commit)
		FOT_TRY(fot_session_commit(a->session, err));
	a->committed = commit;
	a->mark = fot_session_mark(a->session);
	a->valid = true;
out:
	return status;
}

/* --- the answers --- */

/* 1 + the number of tokens at least as likely, the token itself left out. */
static int64_t rank_of(const float *logits, int32_t vocab, int32_t token)
{
	int64_t rank = 1;

	for (int32_t i = 0; i < vocab; i++)
		rank += i != token && logits[i] >= logits[token];
	return rank;
}

static int32_t best_of(const float *logits, int32_t vocab)
{
	int32_t best = 0;

	for (int32_t i = 1; i < vocab; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

/* Answer token number `at` of the reply, given the logits of the token before it. */
static void score_token(const struct fot_asker *a, struct fot_reply *r, size_t at, int32_t token, const float *logits)
{
	r->nll[at] = fot_xent(NULL, logits, a->vocab, token, 0);
	r->argmax[at] = best_of(logits, a->vocab);
	if (r->rank)
		r->rank[at] = rank_of(logits, a->vocab, token);
}

/* Feed n tokens; the logits of those from `from` on go to `to`. */
static int feed_logits(struct fot_asker *a, const int32_t *tokens, size_t n, size_t from, float *to, struct fot_err *err)
{
	struct fot_want want = { .logits = to, .logits_from = (int64_t)from };

	a->n_read += (int64_t)n;
	return fot_session_feed(a->session, tokens, n, &want, err);
}

/* The answers from `next` on that fit beside `n` tokens of the prompt, each without its last token,
 * as branches behind them; returns the answer after the last. */
static size_t add_branches(struct fot_asker *a, const struct fot_question *q, size_t next, size_t n, size_t *n_tokens)
{
	size_t room = (size_t)(a->window - fot_session_n_local(a->session)), at = n;

	for (size_t i = 0; i < n; i++)
		a->branch[i] = -1;
	for (; next < q->n_answers && at + q->answer[next].n - 1 <= room; next++) {
		const struct fot_answer *w = &q->answer[next];

		memcpy(a->tokens + at, w->tokens, (w->n - 1) * sizeof *w->tokens);
		for (size_t i = 0; i + 1 < w->n; i++)
			a->branch[at + i] = (int32_t)at;
		at += w->n - 1;
	}
	*n_tokens = at;
	return next;
}

/* Read the end of the prompt and the answers beside it, in as few feeds as the window allows: how
 * they are cut depends on the question and the rest of its stem alone. */
static int answer_all(struct fot_asker *a, const struct fot_question *q, size_t from, struct fot_reply *r,
		      struct fot_err *err)
{
	size_t n = q->n_prompt - from, V = (size_t)a->vocab, i = 0, at = 0, next, n_tokens;
	int status = FOT_OK;

	memcpy(a->tokens, q->prompt + from, n * sizeof *a->tokens);
	do {
		struct fot_want want = { .logits = a->logits, .logits_from = n ? (int64_t)n - 1 : 0, .branch = a->branch };
		const float *row = a->logits;

		next = add_branches(a, q, i, n, &n_tokens);
		a->n_read += (int64_t)n_tokens;
		FOT_TRY(fot_session_feed(a->session, a->tokens, n_tokens, &want, err));
		if (n) {
			memcpy(a->first, row, V * sizeof *row);
			row += V;
		}
		for (; i < next; at += q->answer[i++].n) {
			score_token(a, r, at, q->answer[i].tokens[0], a->first);
			for (size_t k = 1; k < q->answer[i].n; k++, row += V)
				score_token(a, r, at + k, q->answer[i].tokens[k], row);
		}
		n = 0; /* of the prompt */
	} while (i < q->n_answers);
out:
	return status;
}

static int generate(struct fot_asker *a, size_t n, struct fot_reply *r, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < n; i++) {
		r->greedy[i] = best_of(i ? a->logits : a->first, a->vocab);
		if (i + 1 < n)
			FOT_TRY(feed_logits(a, &r->greedy[i], 1, 0, a->logits, err));
	}
out:
	return status;
}

/* Room for the logits behind the prompt and of what a feed can hold of the answers. */
static int reserve_logits(struct fot_asker *a, const struct fot_question *q, struct fot_err *err)
{
	size_t rows = 1 + fot_question_answers(q) - q->n_answers;
	float *logits;

	rows = rows > (size_t)a->window ? (size_t)a->window : rows;
	if (rows <= a->logit_rows)
		return FOT_OK;
	logits = fot_realloc(a->logits, rows, fot_size_mul((size_t)a->vocab, sizeof *logits));
	if (!logits)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the logits of %zu tokens", rows);
	a->logits = logits;
	a->logit_rows = rows;
	return FOT_OK;
}

static int check(const struct fot_asker *a, const struct fot_question *q, size_t n_stem, struct fot_err *err)
{
	size_t tail = tail_of(q, n_stem);

	if (q->n_prompt == q->n_stem || tail > (size_t)a->window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"question: expected 1 to %lld tokens with its longest answer, got %zu",
				(long long)a->window, tail);
	for (size_t i = 0; i < q->n_answers; i++)
		for (size_t k = 0; k < q->answer[i].n; k++) {
			int32_t id = q->answer[i].tokens[k];

			if (id < 0 || id >= a->vocab)
				return FOT_FAIL(err, FOT_ERR_INPUT,
						"answer %zu: id %d is outside the vocabulary of %d", i, id, a->vocab);
		}
	return FOT_OK;
}

/* The last tokens of the prompt that a model without memory can see. */
static size_t alone_from(const struct fot_asker *a, const struct fot_question *q)
{
	size_t room = (size_t)a->window - (tail_of(q, q->n_stem) - (q->n_prompt - q->n_stem));

	return q->n_prompt > room ? q->n_prompt - room : 0;
}

int fot_ask(struct fot_asker *a, const struct fot_question *q, struct fot_reply *reply, struct fot_err *err)
{
	size_t n_stem = fot_asker_stem(a, q), from = n_stem;
	size_t rest = n_stem % (size_t)a->window, tail = tail_of(q, n_stem);
	bool commit = rest > 0 && (rest + tail > (size_t)a->window || a->last_context > 0);
	int status;

	FOT_TRY(check(a, q, a->memory ? n_stem : q->n_stem, err));
	FOT_TRY(reserve_logits(a, q, err));
	fot_session_reach(a->session, INT64_MAX); /* whoever used the session before */
	if (a->memory) {
		FOT_TRY(read_stem(a, q->prompt, n_stem, commit, err));
	} else {
		from = alone_from(a, q);
		fot_session_reset(a->session);
	}
	FOT_TRY(answer_all(a, q, from, reply, err));
	status = generate(a, q->n_greedy, reply, err);
out:
	if (status != FOT_OK)
		a->valid = false;
	return status;
}

#endif
