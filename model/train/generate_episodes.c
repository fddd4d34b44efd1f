/* generate_episodes.c: made-up classification tasks (datasets/episodes.h) in windows.
 *
 *   own windows, or (packed) earlier asking ones      asking window
 *   [... text -> word | text -> wo][rd | text -> ...] [text -> word | text ...]
 *
 * Every batch index reads an episode of its own, straight through its windows; negatives
 * are windows of yet others.  The words of classes that were shown before are answers; the
 * others' cannot be known and ask for nothing.  The answer is a label's first token, which chooses
 * among the episode's labels; what follows of it is a target like others.  The stage's `copy` is
 * the probability that a text repeats an earlier demonstration's. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/episodes.h"
#include "model/train/generator.h"

_Static_assert(FOT_BATCH_CHOICES == FOT_EPISODES_CLASSES, "an episode's labels are a window's choices");

/* Windows of an asking episode: contexts of its own, then those that ask. */
static int64_t own_windows(const struct fot_stage *st)
{
	return fot_stage_has_memory(st) && st->pack == 1 ? st->w : 0;
}

static int64_t asking_windows(const struct fot_stage *st)
{
	return fot_stage_has_memory(st) ? st->pack : 1;
}

int fot_generate_episode(struct fot_episode *x, const struct fot_source *src, const struct fot_stage *st,
			 uint64_t seed, const char *purpose, uint64_t step, int64_t i, struct fot_err *err)
{
	int64_t n = (own_windows(st) + asking_windows(st)) * st->window + 1;
	struct fot_rng rng;

	fot_rng_init(&rng, seed, purpose, step * FOT_STEP_SLOTS + (uint64_t)i);
	return fot_episodes_draw(src->episodes, &rng, st->copy, x, (size_t)n, err);
}

int64_t fot_generate_sight(const struct fot_stage *st, int64_t place)
{
	return place > st->w && st->pack > 1 && fot_stage_has_memory(st) ? (place - st->w) * st->window : 0;
}

/* Which tokens of window `to`, token `at` of the episode and on, belong to a demonstration of whose label both
 * tokens, that before it and its first one, may be here. */
static void mark_texts(struct fot_batch *b, int64_t to, const struct fot_episode *x, int64_t at)
{
	int32_t *text = b->text + to * b->window, *reads = b->reads + to * b->window;
	int64_t end = at + b->window;

	memset(text, 0xff, sizeof *text * (size_t)b->window);
	memset(reads, 0xff, sizeof *reads * (size_t)b->window);
	for (size_t d = 0; d < x->n_demo; d++) {
		int64_t label = (int64_t)x->demo[d].label;

		for (int64_t j = (int64_t)x->demo[d].first; j < (int64_t)x->demo[d].behind; j++)
			if (j >= at && j < end)
				text[j - at] = (int32_t)d;
		for (int64_t j = label - 1; j <= label; j++)
			if (j >= at && j < end)
				reads[j - at] = (int32_t)d;
	}
}

/* Tokens, targets and labels of asking window i from token `at` of an episode, which sees it from `sight` on.
 * first: number of the episode's class 0 in the batch. */
static void ask(struct fot_batch *b, int64_t i, const struct fot_episode *x, int64_t at, int64_t sight,
		int32_t first, bool text)
{
	int64_t W = b->window, t = i * W;
	int64_t latest[FOT_EPISODES_CLASSES];

	for (size_t k = 0; k < x->n_classes; k++)
		latest[k] = -1;
	memcpy(b->tokens + t, x->tokens + at, sizeof *x->tokens * (size_t)W);
	for (int64_t j = sight; j < at + W; j++) {
		uint8_t next = x->mark[j + 1];
		int32_t class = x->class[j + 1];
		int64_t row = t + j - at;

		if (x->class[j] >= 0)
			latest[x->class[j]] = j;
		if (j < at)
			continue;
		b->label[row] = x->class[j] >= 0 ? first + x->class[j] : -1;
		b->asks[row] = class >= 0 && latest[class] >= 0 ? first + class : -1;
		b->answer[row] = b->asks[row] >= 0;
		if (b->answer[row] || (next == FOT_EPISODE_LABEL && class < 0) || next == FOT_EPISODE_END ||
		    (next == FOT_EPISODE_TEXT && text))
			b->targets[row] = x->tokens[j + 1];
	}
	memcpy(b->choice + i * FOT_BATCH_CHOICES, x->choice, sizeof *x->choice * x->n_classes);
	b->n_choices[i] = (int32_t)x->n_classes;
	mark_texts(b, i, x, at);
}

/* Window `to` of the batch, which asks nothing. first < 0: with no labels. */
static void show(struct fot_batch *b, int64_t to, const struct fot_episode *x, int64_t at, int32_t first)
{
	int64_t W = b->window;

	memcpy(b->tokens + to * W, x->tokens + at, sizeof *x->tokens * (size_t)W);
	for (int64_t j = 0; j < W; j++)
		b->label[to * W + j] = first >= 0 && x->class[at + j] >= 0 ? first + x->class[at + j] : -1;
	mark_texts(b, to, x, at);
}

int fot_generate_episodes(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st,
			  uint64_t seed, const char *purpose, uint64_t step, struct fot_err *err)
{
	int64_t pack = asking_windows(st), own = own_windows(st), W = b->window;
	int64_t negatives = fot_stage_has_memory(st) ? st->negatives : 0;
	struct fot_episode x = { 0 };
	struct fot_rng rng;
	int status = FOT_OK;

	b->labelled = true;
	for (int64_t i = 0; i < st->batch; i += pack) {
		int32_t first = (int32_t)(i * FOT_BATCH_CHOICES);

		FOT_TRY(fot_generate_episode(&x, src, st, seed, purpose, step, b->part * st->batch + i, err));
		for (int64_t j = 0; j < own; j++) /* nearest first */
			show(b, b->n_ask + i * own + j, &x, (own - 1 - j) * W, first);
		for (int64_t j = 0; j < pack; j++)
			ask(b, i + j, &x, (own + j) * W, fot_generate_sight(st, j), first,
			    src->generator->text);
	}
	for (int64_t j = 0; j < negatives; j++) {
		fot_rng_init(&rng, seed, purpose, fot_batch_negative_slot(b, st, step, j));
		FOT_TRY(fot_episodes_draw(src->episodes, &rng, st->copy, &x, (size_t)W, err));
		show(b, b->n_win - negatives + j, &x, 0, -1);
	}
out:
	fot_episode_release(&x);
	return status;
}
