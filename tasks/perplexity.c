/* perplexity.c: see perplexity.h. */
#include "tasks/perplexity.h"

#include "base/sum.h"

static int64_t longest_memory(const struct fot_perplexity *p)
{
	return p->context_length[p->n_lengths - 1] - p->window;
}

/* Tokens before the targets, before they are rounded up to whole windows. */
static int64_t before_targets(const struct fot_perplexity *p)
{
	if (p->own_tokens)
		return p->own_tokens;
	return p->targets_from ? p->targets_from - p->window : longest_memory(p);
}

static int check_targets_from(const struct fot_perplexity *p, struct fot_err *err)
{
	int64_t longest = longest_memory(p) + p->window;

	if (p->targets_from == 0)
		return FOT_OK;
	if (p->own_tokens)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"perplexity: targets_from: not with own_tokens, behind which the targets stand");
	if (p->targets_from < longest)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"perplexity: targets_from: expected at least the longest context length, %lld, got %lld",
				(long long)longest, (long long)p->targets_from);
	return FOT_OK;
}

static int check_own(const struct fot_perplexity *p, struct fot_err *err)
{
	if (p->own_tokens == 0)
		return FOT_OK;
	if (p->own_tokens < 0 || p->own_tokens % p->window != 0)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"perplexity: own_tokens: expected a multiple of the local window of %lld tokens, got %lld",
			(long long)p->window, (long long)p->own_tokens);
	if (p->own_tokens > longest_memory(p))
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"perplexity: own_tokens: expected at most the longest memory of %lld tokens, got %lld",
			(long long)longest_memory(p), (long long)p->own_tokens);
	return FOT_OK;
}

int fot_perplexity_check(const struct fot_perplexity *p, struct fot_err *err)
{
	if (p->window < 1 || p->n_lengths < 1 || p->target_tokens < 1)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"perplexity: window %lld, %zu context lengths, %lld target tokens: each must be at least 1",
			(long long)p->window, p->n_lengths, (long long)p->target_tokens);
	for (size_t i = 0; i < p->n_lengths; i++) {
		if (p->context_length[i] < p->window)
			return FOT_FAIL(
				err, FOT_ERR_USAGE,
				"perplexity: context length %lld is shorter than the local window of %lld tokens",
				(long long)p->context_length[i], (long long)p->window);
		if (i > 0 && p->context_length[i] <= p->context_length[i - 1])
			return FOT_FAIL(err, FOT_ERR_USAGE, "perplexity: context lengths must ascend");
	}
	if (check_own(p, err) != FOT_OK)
		return FOT_ERR_USAGE;
	return check_targets_from(p, err);
}

size_t fot_perplexity_begin(const struct fot_perplexity *p)
{
	int64_t w = p->window, before = before_targets(p);

	return (size_t)((before + w - 1) / w * w);
}

size_t fot_perplexity_others(const struct fot_perplexity *p)
{
	int64_t w = p->window, rest = p->own_tokens ? longest_memory(p) - p->own_tokens : 0;

	return (size_t)((rest + w - 1) / w);
}

int64_t fot_perplexity_memory(const struct fot_perplexity *p)
{
	int64_t w = p->window, targets = p->target_tokens < w ? w : p->target_tokens;

	if (p->own_tokens)
		return (int64_t)fot_perplexity_others(p) * w + p->own_tokens + w;
	return (int64_t)fot_perplexity_begin(p) + targets;
}

size_t fot_perplexity_min_tokens(const struct fot_perplexity *p)
{
	return fot_perplexity_begin(p) + (size_t)p->window + 1;
}

bool fot_perplexity_request(struct fot_request *r, const struct fot_perplexity *p, const int32_t *tokens,
			    size_t n)
{
	size_t w = (size_t)p->window, begin = fot_perplexity_begin(p), windows, most;

	if (n < fot_perplexity_min_tokens(p))
		return false;
	windows = (n - 1 - begin) / w;
	most = (size_t)p->target_tokens / w;
	if (most < 1)
		most = 1;
	if (windows > most)
		windows = most;
	*r = (struct fot_request){
		.tokens = tokens,
		.n_tokens = n,
		.begin = begin,
		.end = begin + windows * w,
		.window = p->window,
		.context_length = p->context_length,
		.n_lengths = p->n_lengths,
		.own = (size_t)p->own_tokens,
	};
	return true;
}

void fot_perplexity_observe(struct fot_perplexity_observation *o, const struct fot_request *r,
			    const struct fot_scores *s, size_t length_index)
{
	size_t n = r->end - r->begin;
	const double *nll = s->nll + length_index * n;
	struct fot_sum sum = { 0 }, squares = { 0 };

	for (size_t i = 0; i < n; i++) {
		fot_sum_add(&sum, nll[i]);
		fot_sum_add(&squares, nll[i] * nll[i]);
	}
	*o = (struct fot_perplexity_observation){
		.context_length = r->context_length[length_index],
		.n_tokens_scored = (int64_t)n,
		.n_windows = (int64_t)n / r->window,
		.nll_nats = fot_sum_value(&sum),
		.nll_sq_nats = fot_sum_value(&squares),
	};
}

static bool white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where token i of the request ends. */
static size_t end_of(const size_t *end, size_t i, bool bos)
{
	return !bos ? end[i] : i > 0 ? end[i - 1] : 0;
}

void fot_perplexity_text(int64_t *n_bytes, int64_t *n_words, const struct fot_request *r, const char *text,
			 const size_t *end, bool bos)
{
	size_t from = end_of(end, r->begin, bos), to = end_of(end, r->end, bos);

	*n_bytes = (int64_t)(to - from);
	*n_words = 0;
	for (size_t i = from; i < to; i++)
		*n_words += !white(text[i]) && (i == 0 || white(text[i - 1]));
}
