/* generator.h: batches made up instead of cut from documents.
 *
 *   "generator": {"kind": "lookup", "mixed": 0.3}
 *   "generator": {"kind": "passkey", "answer_weight": 1, "filler": 0.5, "decoys": 0.3,
 *                 "cut": 0.2, "digits": 0.7}
 *
 *   "generator": {"kind": "episodes", "answer_weight": 1, "classes_min": 2, "classes_max": 8,
 *                 "clip": 64, "text": true, "words": 0.5, "frames": 0.5, "parts": 3, "single": 1, "label_words": 64,
 *                 "labelled": ["wordnet?keep=verb.*"], "held_out": ["wordnet?keep=noun.*"],
 *                 "template": "datasets/templates/plain.json"}
 *
 * The layout is crossbatch.h's (without far; without pack and copy but for episodes): a generator fills the asking
 * window of each batch index, the w own windows before it and the negatives, all of them
 * functions of (seed, purpose, step).
 *
 * lookup (datasets/lookup.h; no datasets, tokenizer "none", windows a multiple of 10):
 *   own windows hold records, the asking window questions for them; with probability
 *   `mixed` it begins with records of its own and the questions are about all. Every
 *   batch index has its own dictionary; negatives are records of yet others, a share `near`
 *   (of the stage) of them with a key that differs in one or two symbols from one of the
 *   own windows', as a long dictionary has many and a short one has none.  Standard:
 *   the first half of the window holds records, the rest questions.
 *
 * passkey (datasets/passkey_text.h; one or more datasets, tokenizer "byte", d = 1):
 *   a document is (w + 1) windows of the paper's filler (probability `filler`) or of
 *   running text.  The sentence with the key stands in the own windows, with
 *   probability `cut` (the stage's, or else the generator's) across a border of two of them (w > 1); the asking window has the
 *   question somewhere, at its very start in one case of four, and goes on with text
 *   behind the answer.  A window gets sentences about other things with a number with
 *   probability `decoys`.  Negatives are such windows without a pass key; of those of
 *   text a share `digits` is chosen for having digits in it; a share `near` (of the stage)
 *   is nothing but sentences about other things.  The answer is the number's
 *   digits and the character behind them.  Standard: sentence and
 *   question stand in the same window.
 *
 * episodes (datasets/episodes.h; datasets, labelled sets or both): demonstrations of classification
 *   tasks made of stretches of documents, of their words (a share `words`), up to `parts` of them in a class, and of labelled
 *   sets, with new words for labels in every batch index and, in a share `frames` of them,
 *   a new wording; the labels' words are answers once their class was shown, what ends
 *   them is asked for beside them; `text`: the demonstrations' texts are too.  The stage's
 *   `copy` is the share of texts that repeat an earlier demonstration.  Validation: episodes of the
 *   validation documents and training items of the sets, or of the sets `held_out` alone, which are
 *   no sets of `labelled`; what is counted: label_accuracy.h. */
#ifndef FOT_GENERATOR_H
#define FOT_GENERATOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/keys.h"
#include "datasets/episodes.h"
#include "model/train/crossbatch.h"

#define FOT_GENERATOR_SETS 16 /* most labelled sets */

enum fot_generator_kind { FOT_GENERATOR_NONE, FOT_GENERATOR_LOOKUP, FOT_GENERATOR_PASSKEY, FOT_GENERATOR_EPISODES };

/* Labelled sets, as spec strings. */
struct fot_generator_sets {
	char spec[FOT_GENERATOR_SETS][256]; /* [n] */
	size_t n;
};

struct fot_generator {
	enum fot_generator_kind kind;
	double answer_weight;                 /* of the answers' mean loss; that of the rest counts 1 */
	double mixed;                         /* lookup */
	double filler, decoys, cut, digits;   /* passkey */
	struct fot_episodes_opts episodes;    /* episodes */
	bool text;
	struct fot_generator_sets labelled, held_out;
	char template[256];
};

/* The keys of each kind. */
#define FOT_LOOKUP_KEYS 2
#define FOT_PASSKEY_KEYS 6
#define FOT_EPISODES_KEYS 14
extern const struct fot_key fot_lookup_keys[FOT_LOOKUP_KEYS], fot_passkey_keys[FOT_PASSKEY_KEYS],
	fot_episodes_keys[FOT_EPISODES_KEYS];

/* Errors: FOT_ERR_USAGE with the key; where stands in messages. */
int fot_generator_parse(struct fot_generator *g, const cJSON *obj, const char *where, struct fot_err *err);
/* Can this stage be drawn? Errors: FOT_ERR_USAGE. */
int fot_generator_check(const struct fot_generator *g, const struct fot_stage *st, const char *where,
			struct fot_err *err);
const char *fot_generator_name(const struct fot_generator *g);
/* What made the batches besides the recipe: the generator's name and version, and the
 * documents (their hash, "" without). */
void fot_generator_hash(const struct fot_generator *g, const char *corpus_hash, char out[65]);
bool fot_generator_equal(const struct fot_generator *a, const struct fot_generator *b);

/* For fot_batch_draw: b is linked already. */
int fot_generator_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		       const char *purpose, uint64_t step, struct fot_err *err);

/* ---- the generators' own entries -------------------------------------- */

int fot_generate_lookup(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			const char *purpose, uint64_t step, struct fot_err *err);
int fot_generate_passkey(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			 const char *purpose, uint64_t step, struct fot_err *err);
/* The episode of asking window i (the first of a pack) of such a batch: own windows before it first. */
int fot_generate_episode(struct fot_episode *x, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			 const char *purpose, uint64_t step, int64_t i, struct fot_err *err);
/* The first token of its episode that the window at this place of the pack has in sight, with all its memory. */
int64_t fot_generate_sight(const struct fot_stage *st, int64_t place);
int fot_generate_episodes(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			  const char *purpose, uint64_t step, struct fot_err *err);

#endif
