/* ask.c: see ask.h. */
#include "harness/ask/ask.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "base/mem.h"
#include "model/ops.h"

#define LOGITS_BYTES ((size_t)64 << 20) /* of questions read together */

size_t fot_question_answers(const struct fot_question *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_answers; i++)
		n += q->answer[i].n;
	return n;
}

static size_t longest_of(const struct fot_question *q)
{
	size_t n = q->n_greedy;

	for (size_t i = 0; i < q->n_answers; i++)
		n = q->answer[i].n > n ? q->answer[i].n : n;
	return n;
}

int64_t fot_question_fed(const struct fot_question *q)
{
	size_t greedy = q->n_greedy ? q->n_greedy - 1 : 0;

	return (int64_t)(q->n_prompt - q->n_stem + fot_question_answers(q) - q->n_answers + greedy);
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
	bool whole;

	*a = (struct fot_asker){ .session = s, .window = window, .vocab = c->vocab_size, .memory = memory, .share = share };
	if (memory && !c->blocks)
		a->last_context = c->last_context_length < window ? c->last_context_length : window;
	a->first = fot_alloc((size_t)c->vocab_size, sizeof *a->first);
	whole = a->first != NULL;
	for (size_t i = 0; i < FOT_ASK_TOGETHER; i++) {
		a->asking[i].tokens = fot_alloc((size_t)window, sizeof *a->asking[i].tokens);
		a->asking[i].branch = fot_alloc((size_t)window, sizeof *a->asking[i].branch);
		whole = whole && a->asking[i].tokens && a->asking[i].branch;
	}
	if (whole)
		return FOT_OK;
	fot_asker_release(a);
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a question of %lld tokens", (long long)window);
}

void fot_asker_release(struct fot_asker *a)
{
	fot_free(a->held);
	fot_free(a->first);
	for (size_t i = 0; i < FOT_ASK_TOGETHER; i++) {
		fot_free(a->asking[i].tokens);
		fot_free(a->asking[i].branch);
		fot_free(a->asking[i].logits);
	}
	*a = (struct fot_asker){ 0 };
}

/* --- the stem --- */

/* Tokens fed behind the stem: the question and all of the longest answer but its last. */
static size_t tail_of(const struct fot_question *q, size_t n_stem)
{
	size_t longest = longest_of(q);

	return q->n_prompt - n_stem + (longest ? longest - 1 : 0);
}

/* The stem as it will be read with this question: its length may differ from n_stem
 * (LongLLaMA's cut); without memory 0. */
static size_t stem_of(const struct fot_asker *a, const struct fot_question *q)
{
	size_t last = (size_t)a->last_context, longest = longest_of(q), most = (size_t)a->window;

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

/* Of `whole` tokens in whole windows the first that has an influence; 0 too where all have. */
static size_t influence_from(const struct fot_asker *a, size_t whole)
{
	size_t sight = (size_t)fot_session_sight(a->session);

	return sight && sight < whole ? whole - sight : 0;
}

/* Bring the session to the end of the stem. */
static int read_stem(struct fot_asker *a, const int32_t *stem, size_t n, bool commit, struct fot_err *err)
{
	size_t w = (size_t)a->window, whole = n / w * w, kept, from;
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
	from = influence_from(a, whole);
	from = from > kept ? from : kept;
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

/* Feed a token; the logits behind it become those behind the prompt. */
static int feed_one(struct fot_asker *a, int32_t token, struct fot_err *err)
{
	struct fot_want want = { .logits = a->first };

	a->n_read++;
	return fot_session_feed(a->session, &token, 1, &want, err);
}

/* The row behind the prompt, and those of what a feed can hold of the answers. */
static size_t logit_rows(const struct fot_asker *a, const struct fot_question *q)
{
	size_t rows = 1 + fot_question_answers(q) - q->n_answers;

	return rows > (size_t)a->window ? (size_t)a->window : rows;
}

/* Room for the logits behind the prompt and of what a feed can hold of the answers. */
static int reserve_logits(struct fot_asker *a, struct fot_asking *s, const struct fot_question *q, struct fot_err *err)
{
	size_t rows = logit_rows(a, q);
	float *logits;

	if (rows <= s->logit_rows)
		return FOT_OK;
	logits = fot_realloc(s->logits, rows, fot_size_mul((size_t)a->vocab, sizeof *logits));
	if (!logits)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the logits of %zu tokens", rows);
	s->logits = logits;
	s->logit_rows = rows;
	return FOT_OK;
}

/* The prompt's tokens from `from` on, and behind them as branches the answers from s->next on that
 * fit beside them, each without its last token. */
static void make_feed(const struct fot_asker *a, struct fot_asking *s, const struct fot_question *q, size_t from)
{
	size_t room = (size_t)(a->window - fot_session_n_local(a->session)), n = q->n_prompt - from;

	s->first = s->next;
	memcpy(s->tokens, q->prompt + from, n * sizeof *s->tokens);
	for (size_t i = 0; i < n; i++)
		s->branch[i] = -1;
	s->feed = (struct fot_feed){ .tokens = s->tokens,
				     .want = { .logits = s->logits, .logits_from = n ? (int64_t)n - 1 : 0, .branch = s->branch } };
	for (; s->next < q->n_answers && n + q->answer[s->next].n - 1 <= room; s->next++) {
		const struct fot_answer *w = &q->answer[s->next];

		memcpy(s->tokens + n, w->tokens, (w->n - 1) * sizeof *w->tokens);
		for (size_t i = 0; i + 1 < w->n; i++)
			s->branch[n + i] = (int32_t)n;
		n += w->n - 1;
	}
	s->feed.n = n;
}

/* Answers first to next - 1 from the feed's logits; those behind the prompt are kept for the others. */
static void score_feed(struct fot_asker *a, struct fot_asking *s, const struct fot_question *q, struct fot_reply *r)
{
	size_t V = (size_t)a->vocab;
	const float *row = s->logits;

	if (s->at == 0) {
		memcpy(a->first, row, V * sizeof *row);
		row += V;
	}
	for (size_t i = s->first; i < s->next; s->at += q->answer[i++].n) {
		score_token(a, r, s->at, q->answer[i].tokens[0], a->first);
		for (size_t k = 1; k < q->answer[i].n; k++, row += V)
			score_token(a, r, s->at + k, q->answer[i].tokens[k], row);
	}
}

/* Read the end of the prompt and the answers beside it, in as few feeds as the window allows. */
static int answer_all(struct fot_asker *a, const struct fot_question *q, size_t from, struct fot_reply *r,
		      struct fot_err *err)
{
	struct fot_asking *s = &a->asking[0];
	int status = FOT_OK;

	FOT_TRY(reserve_logits(a, s, q, err));
	s->next = s->at = 0;
	do {
		make_feed(a, s, q, from);
		a->n_read += (int64_t)s->feed.n;
		FOT_TRY(fot_session_feed(a->session, s->tokens, s->feed.n, &s->feed.want, err));
		score_feed(a, s, q, r);
		from = q->n_prompt;
	} while (s->next < q->n_answers);
out:
	return status;
}

static int generate(struct fot_asker *a, size_t n, struct fot_reply *r, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < n; i++) {
		r->greedy[i] = best_of(a->first, a->vocab);
		if (i + 1 < n)
			FOT_TRY(feed_one(a, r->greedy[i], err));
	}
out:
	return status;
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

/* The first token of the stem that a model without memory can see. */
static size_t alone_from(const struct fot_asker *a, const struct fot_question *q)
{
	size_t tail = tail_of(q, q->n_stem), room = tail < (size_t)a->window ? (size_t)a->window - tail : 0;

	return q->n_stem > room ? q->n_stem - room : 0;
}

/* How a question will be read: the n_stem tokens from `first` on before it, does what is left of them go to memory,
 * and the first token behind them. */
struct way {
	size_t first, n_stem, from;
	bool commit;
};

static struct way way_of(const struct fot_asker *a, const struct fot_question *q)
{
	size_t n_stem = stem_of(a, q), rest = n_stem % (size_t)a->window, tail = tail_of(q, n_stem);

	if (!a->memory)
		return (struct way){ .first = alone_from(a, q),
				     .n_stem = q->n_stem - alone_from(a, q),
				     .from = q->n_stem };
	return (struct way){ .n_stem = n_stem,
			     .from = n_stem,
			     .commit = rest > 0 && (rest + tail > (size_t)a->window || a->last_context > 0) };
}

size_t fot_asker_sees_from(const struct fot_asker *a, const struct fot_question *q)
{
	size_t n_stem = stem_of(a, q);

	return a->memory ? influence_from(a, n_stem - n_stem % (size_t)a->window) : alone_from(a, q);
}

size_t fot_asker_remembers(const struct fot_asker *a, const struct fot_question *q)
{
	struct way way = way_of(a, q);

	if (!a->memory)
		return 0;
	return way.commit ? way.n_stem : way.n_stem - way.n_stem % (size_t)a->window;
}

/* Bring the session to where the question begins. */
static int go(struct fot_asker *a, const struct fot_question *q, const struct way *way, struct fot_err *err)
{
	fot_session_reach(a->session, INT64_MAX); /* whoever used the session before */
	return read_stem(a, q->prompt + way->first, way->n_stem, way->commit, err);
}

int fot_ask(struct fot_asker *a, const struct fot_question *q, struct fot_reply *reply, struct fot_err *err)
{
	struct way way = way_of(a, q);
	int status;

	FOT_TRY(check(a, q, way.from, err));
	FOT_TRY(go(a, q, &way, err));
	FOT_TRY(answer_all(a, q, way.from, reply, err));
	status = generate(a, q->n_greedy, reply, err);
out:
	if (status != FOT_OK)
		a->valid = false;
	return status;
}

/* Is all of the question one feed, beginning where the first does? */
static bool goes_with(const struct fot_asker *a, const struct fot_question *first, const struct way *of,
		      const struct fot_question *q)
{
	struct way way = way_of(a, q);
	size_t rest = way.commit ? 0 : way.n_stem % (size_t)a->window;
	size_t n = q->n_prompt - way.from + fot_question_answers(q) - q->n_answers;

	return q->n_greedy == 0 && rest + n <= (size_t)a->window && way.n_stem == of->n_stem &&
	       way.commit == of->commit && check(a, q, way.from, NULL) == FOT_OK &&
	       (way.n_stem == 0 || memcmp(q->prompt + way.first, first->prompt + of->first,
					  way.n_stem * sizeof *q->prompt) == 0);
}

/* How many such questions are read together: their logits must have room, too. */
static size_t most_together(const struct fot_asker *a, const struct fot_question *q)
{
	size_t row = (size_t)a->vocab * sizeof(float), most = LOGITS_BYTES / row / logit_rows(a, q);

	return most < FOT_ASK_TOGETHER ? most : FOT_ASK_TOGETHER;
}

/* Questions that go with the first, each read by one thread. */
static int ask_together(struct fot_asker *a, const struct fot_question *q, size_t n, struct fot_reply *reply,
			struct fot_err *err)
{
	struct fot_feed feed[FOT_ASK_TOGETHER];
	struct way way = way_of(a, q);
	int status;

	FOT_TRY(go(a, q, &way, err));
	for (size_t i = 0; i < n; i++) {
		struct fot_asking *s = &a->asking[i];

		FOT_TRY(reserve_logits(a, s, &q[i], err));
		s->next = s->at = 0;
		make_feed(a, s, &q[i], way_of(a, &q[i]).from);
		a->n_read += (int64_t)s->feed.n;
		feed[i] = s->feed;
	}
	FOT_TRY(fot_session_feed_apart(a->session, feed, n, err));
	for (size_t i = 0; i < n; i++)
		score_feed(a, &a->asking[i], &q[i], &reply[i]);
out:
	if (status != FOT_OK)
		a->valid = false;
	return status;
}

int fot_ask_each(struct fot_asker *a, const struct fot_question *q, size_t n, struct fot_reply *reply,
		 struct fot_err *err)
{
	bool apart = a->share && fot_session_has_apart(a->session);
	int status = FOT_OK;

	for (size_t i = 0, k; i < n; i += k) {
		size_t most = most_together(a, &q[i]);
		struct way way = way_of(a, &q[i]);

		for (k = 0; apart && i + k < n && k < most && goes_with(a, &q[i], &way, &q[i + k]);)
			k++;
		if (k > 1) {
			FOT_TRY(ask_together(a, &q[i], k, &reply[i], err));
			continue;
		}
		k = 1;
		FOT_TRY(fot_ask(a, &q[i], &reply[i], err));
	}
out:
	return status;
}

#endif
