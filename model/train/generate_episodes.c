/* generate_episodes.c: made-up classification tasks (datasets/episodes.h) in windows.
 *
 *   own windows, or (packed) earlier asking ones      asking window
 *   [... text -> word | text -> wo][rd | text -> ...] [text -> word | text ...]
 *
 * Every batch index reads an episode of its own, straight through its windows; negatives
 * are windows of yet others.  The words of classes that were shown before are answers; the
 * others' cannot be known and ask for nothing.  The stage's `copy` is the probability that
 * a text repeats an earlier demonstration's. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/episodes.h"
#include "model/train/generator.h"

#define SLOTS (1u << 20)

/* Tokens and targets of asking window i from place `at` of an episode. */
static void ask(struct fot_batch *b, int64_t i, const int32_t *tokens, const uint8_t *mark, int64_t at,
		bool text)
{
	int64_t W = b->window, t = i * W;

	memcpy(b->tokens + t, tokens + at, sizeof *tokens * (size_t)W);
	for (int64_t j = 0; j < W; j++) {
		uint8_t next = mark[at + j + 1];

		if (next == FOT_EPISODE_LABEL || next == FOT_EPISODE_END || (next == FOT_EPISODE_TEXT && text))
			b->targets[t + j] = tokens[at + j + 1];
		b->answer[t + j] = next == FOT_EPISODE_LABEL;
	}
}

int fot_generate_episodes(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st,
			  uint64_t seed, const char *purpose, uint64_t step, struct fot_err *err)
{
	bool cross = fot_stage_has_memory(st);
	int64_t pack = cross ? st->pack : 1, own = cross && pack == 1 ? st->w : 0, W = b->window;
	int64_t negatives = cross ? st->negatives : 0, n = (own + pack) * W + 1;
	int32_t *tokens = fot_alloc((size_t)n, sizeof *tokens);
	uint8_t *mark = fot_alloc((size_t)n, sizeof *mark);
	struct fot_rng rng;
	int status = FOT_OK;

	if (!tokens || !mark) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory for an episode of %lld tokens",
				  (long long)n);
		goto out;
	}
	for (int64_t i = 0; i < st->batch; i += pack) {
		fot_rng_init(&rng, seed, purpose, step * SLOTS + (uint64_t)i);
		FOT_TRY(fot_episodes_draw(src->episodes, &rng, st->copy, tokens, mark, (size_t)n, err));
		for (int64_t j = 0; j < own; j++) /* nearest first */
			memcpy(b->tokens + (b->n_ask + i * own + j) * W, tokens + (own - 1 - j) * W,
			       sizeof *tokens * (size_t)W);
		for (int64_t j = 0; j < pack; j++)
			ask(b, i + j, tokens, mark, (own + j) * W, src->generator->text);
	}
	for (int64_t j = 0; j < negatives; j++) {
		fot_rng_init(&rng, seed, purpose, step * SLOTS + SLOTS / 2 + (uint64_t)j);
		FOT_TRY(fot_episodes_draw(src->episodes, &rng, st->copy,
					  b->tokens + (b->n_win - negatives + j) * W, mark, (size_t)W, err));
	}
out:
	fot_free(tokens);
	fot_free(mark);
	return status;
}
