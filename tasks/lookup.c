/* lookup.c: see tasks/lookup.h.
 *
 * Records and questions have the same length, so place i of a prompt belongs to entry
 * i / FOT_LOOKUP_RECORD, and value token j of question i is place
 * i * FOT_LOOKUP_RECORD + j of the answer, which begins with the first value. */
#include "tasks/lookup.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/sum.h"

#define RECORD INT64_C(10)
_Static_assert(RECORD == FOT_LOOKUP_RECORD, "one length for records and questions");

static int64_t n_queries(const struct fot_lookup_task *p)
{
	int64_t tokens = p->question_tokens < p->window ? p->question_tokens : p->window;

	return tokens / RECORD;
}

/* Records are counted in steps of this many tokens. */
static int64_t step(const struct fot_lookup_task *p)
{
	return p->window % RECORD == 0 ? p->window : RECORD;
}

int64_t fot_lookup_min_length(const struct fot_lookup_task *p)
{
	int64_t questions = n_queries(p) * RECORD, s = step(p);

	return (questions + s - 1) / s * s + questions;
}

int fot_lookup_fit(struct fot_lookup_size *size, const struct fot_lookup_task *p, int64_t context_length,
		   struct fot_err *err)
{
	int64_t least, tokens;

	if (p->window < RECORD || p->question_tokens < RECORD)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"lookup: window %lld, %lld tokens of questions: expected at least %lld of each, one question",
			(long long)p->window, (long long)p->question_tokens, (long long)RECORD);
	least = fot_lookup_min_length(p);
	if (context_length < least)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"lookup: context length %lld cannot hold %lld questions and their records: at least %lld tokens",
			(long long)context_length, (long long)n_queries(p), (long long)least);
	tokens = context_length - n_queries(p) * RECORD;
	tokens -= tokens % step(p);
	if (tokens / RECORD > FOT_LOOKUP_MAX)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"lookup: context length %lld holds %lld records: at most %lld keys are different",
			(long long)context_length, (long long)(tokens / RECORD), (long long)FOT_LOOKUP_MAX);
	*size = (struct fot_lookup_size){ tokens / RECORD, n_queries(p) };
	return FOT_OK;
}

/* A record that no question before asks for; questions are as few as fit a window. */
static int64_t draw(struct fot_rng *rng, int64_t n_records, const int64_t *asked, int64_t n)
{
	for (;;) {
		int64_t record = (int64_t)fot_rng_below(rng, (uint64_t)n_records), i = 0;

		while (i < n && asked[i] != record)
			i++;
		if (i == n)
			return record;
	}
}

static int put_questions(const struct fot_lookup *d, const struct fot_lookup_task *p, uint64_t trial,
			 int64_t context_length, const struct fot_lookup_size *size, int32_t *tokens,
			 struct fot_err *err)
{
	int64_t *asked = fot_alloc((size_t)size->n_queries, sizeof *asked);
	struct fot_rng rng;

	if (!asked)
		return FOT_FAIL(err, FOT_ERR_RUN, "lookup: out of memory for %lld questions",
				(long long)size->n_queries);
	fot_rng_init(&rng, p->seed, "lookup.questions", trial);
	fot_rng_init(&rng, fot_rng_u64(&rng), "lookup.length", (uint64_t)context_length);
	for (int64_t i = 0; i < size->n_queries; i++) {
		asked[i] = draw(&rng, size->n_records, asked, i);
		fot_lookup_question(d, asked[i], tokens + i * RECORD);
	}
	fot_free(asked);
	return FOT_OK;
}

int fot_lookup_build(struct fot_lookup_prompt *out, const struct fot_lookup_task *p, uint64_t trial,
		     int64_t context_length, struct fot_err *err)
{
	struct fot_lookup_size size;
	struct fot_lookup d;
	size_t n_stem, n;
	int status;

	FOT_TRY(fot_lookup_fit(&size, p, context_length, err));
	n_stem = (size_t)(size.n_records * RECORD);
	n = n_stem + (size_t)(size.n_queries * RECORD);
	FOT_TRY(fot_ids_reserve(&out->ids, n, err));
	fot_lookup_init(&d, p->seed, trial);
	for (int64_t i = 0; i < size.n_records; i++)
		fot_lookup_record(&d, i, out->ids.id + i * RECORD);
	FOT_TRY(put_questions(&d, p, trial, context_length, &size, out->ids.id + n_stem, err));
	out->ids.n = n;
	out->size = size;
	out->answer = (struct fot_answer){ out->ids.id + n_stem + FOT_LOOKUP_VALUE_AT,
					   n - n_stem - FOT_LOOKUP_VALUE_AT };
out:
	return status;
}

void fot_lookup_prompt_release(struct fot_lookup_prompt *p)
{
	fot_ids_release(&p->ids);
	*p = (struct fot_lookup_prompt){ 0 };
}

void fot_lookup_ask(struct fot_question *q, const struct fot_lookup_prompt *p)
{
	size_t n_stem = (size_t)(p->size.n_records * RECORD);

	*q = (struct fot_question){
		.prompt = p->ids.id,
		.n_stem = n_stem,
		.n_prompt = n_stem + FOT_LOOKUP_VALUE_AT,
		.answer = &p->answer,
		.n_answers = 1,
	};
}

void fot_lookup_observe(struct fot_lookup_observation *o, const struct fot_lookup_prompt *p,
			const struct fot_reply *r)
{
	struct fot_sum nll = { 0 };

	*o = (struct fot_lookup_observation){ .n_value_tokens = p->size.n_queries * FOT_LOOKUP_VALUE };
	for (int64_t i = 0; i < p->size.n_queries; i++) {
		int64_t right = 0;

		for (int64_t k = i * RECORD; k < i * RECORD + FOT_LOOKUP_VALUE; k++) {
			right += r->argmax[k] == p->answer.tokens[k];
			fot_sum_add(&nll, r->nll[k]);
		}
		o->n_correct_tokens += right;
		o->n_correct_values += right == FOT_LOOKUP_VALUE;
	}
	o->nll_nats = fot_sum_value(&nll);
}
