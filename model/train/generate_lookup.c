/* generate_lookup.c: records in the own windows, questions in the asking one.
 *
 * Batch index i of step s reads dictionary number s * FOT_STEP_SLOTS + i, negative j the one
 * behind those; all of them are new in every step. */
#include <string.h>

#include "base/rng.h"
#include "datasets/lookup.h"
#include "model/train/generator.h"

#define R FOT_LOOKUP_RECORD

/* Dictionaries of training and of validation must differ: the purpose is part of the seed. */
static void dictionary(struct fot_lookup *d, uint64_t seed, const char *purpose, uint64_t item, struct fot_rng *rng)
{
	fot_rng_init(rng, seed, purpose, item);
	fot_lookup_init(d, fot_rng_u64(rng), item);
}

/* Records first .. first + n - 1. */
static void write_records(int32_t *tokens, const struct fot_lookup *d, int64_t first, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		fot_lookup_record(d, first + i, tokens + i * R);
}

/* The slots from..n-1 of an asking window: questions about records 0 .. known-1. */
static void write_questions(struct fot_batch *b, int64_t ask, const struct fot_lookup *d, int64_t known, int64_t from,
			    struct fot_rng *rng)
{
	int64_t W = b->window, at;

	for (int64_t i = from; i < W / R; i++) {
		at = ask * W + i * R;
		fot_lookup_question(d, (int64_t)fot_rng_below(rng, (uint64_t)known), b->tokens + at);
		for (int64_t j = at + FOT_LOOKUP_VALUE_AT - 1; j < at + R - 1; j++) {
			b->targets[j] = b->tokens[j + 1];
			b->answer[j] = 1;
		}
	}
}

static void draw_ask(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, int64_t ask,
		     const struct fot_lookup *d, struct fot_rng *rng)
{
	int64_t W = b->window, slots = W / R, w = fot_stage_has_memory(st) ? st->w : 0, here = 0;

	if (w == 0)
		here = slots / 2;
	else if (fot_rng_uniform(rng) < src->generator->mixed)
		here = 1 + (int64_t)fot_rng_below(rng, (uint64_t)(slots - 1));
	for (int64_t j = 0; j < w; j++)
		write_records(b->tokens + (st->batch + ask * w + j) * W, d, j * slots, slots);
	write_records(b->tokens + ask * W, d, w * slots, here);
	write_questions(b, ask, d, w * slots + here, here, rng);
}

/* Give a record a key like that of an own record of some batch index: one or two of its
 * symbols are others. */
static void resemble(const struct fot_batch *b, int32_t *record, const struct fot_stage *st, int64_t slots, uint64_t seed, const char *purpose,
		     uint64_t step, struct fot_rng *rng)
{
	uint64_t index = fot_rng_below(rng, (uint64_t)st->batch);
	struct fot_rng unused;
	struct fot_lookup d;

	dictionary(&d, seed, purpose, fot_batch_ask_slot(b, st, step, (int64_t)index), &unused);
	fot_lookup_key(&d, (int64_t)fot_rng_below(rng, (uint64_t)(st->w * slots)), record + 1);
	for (uint64_t k = 1 + fot_rng_below(rng, 2), at = fot_rng_below(rng, 4); k > 0; k--) {
		record[1 + at] += 1 + (int32_t)fot_rng_below(rng, FOT_LOOKUP_SYMBOLS - 1);
		record[1 + at] %= FOT_LOOKUP_SYMBOLS;
		at = (at + 1 + fot_rng_below(rng, 3)) % 4;
	}
}

int fot_generate_lookup(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			const char *purpose, uint64_t step, struct fot_err *err)
{
	int64_t negatives = fot_stage_has_memory(st) ? st->negatives : 0;
	int64_t slots = b->window / R;
	struct fot_lookup d;
	struct fot_rng rng;

	(void)err; /* nothing can fail; the table of generators has one signature */
	for (int64_t i = 0; i < st->batch; i++) {
		dictionary(&d, seed, purpose, fot_batch_ask_slot(b, st, step, i), &rng);
		draw_ask(b, src, st, i, &d, &rng);
	}
	for (int64_t j = 0; j < negatives; j++) {
		int32_t *out = b->tokens + (b->n_win - negatives + j) * b->window;

		dictionary(&d, seed, purpose, fot_batch_negative_slot(b, st, step, j), &rng);
		write_records(out, &d, 0, slots);
		for (int64_t i = 0; i < slots; i++)
			if (fot_rng_uniform(&rng) < st->near)
				resemble(b, out + i * R, st, slots, seed, purpose, step, &rng);
	}
	return FOT_OK;
}
