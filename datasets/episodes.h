/* episodes.h: made-up classification tasks of real text, to train in-context classification.
 *
 * An episode is an endless prompt of demonstrations.  Its classes are chosen anew, and so
 * are the words that name them: words of the documents or short pronounceable strings
 * drawn without regard to the class, so that nothing but the demonstrations says what they
 * stand for.
 *
 *   of documents      a class is a stretch of a document (CLASS_BYTES) and its texts are
 *                     the sentences of that stretch; or it is a word and its texts are the
 *                     sentences that hold it, or that begin with it
 *   of labelled sets  a class is a label, its texts are the set's training items
 *
 * The wording is the template's or, with probability `frames`, made up too.  Parts of a
 * prompt are tokenised as tasks/fewshot.h does it.  The labels of an episode differ in their
 * first token, so that this token chooses among them (as far as there are enough first tokens).  An episode is a function of its random
 * stream. */
#ifndef FOT_EPISODES_H
#define FOT_EPISODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "datasets/corpus.h"
#include "datasets/template.h"

#define FOT_EPISODES_CLASSES 64 /* most classes of an episode */
#define FOT_EPISODES_PARTS 8    /* most stretches or words that make one */

struct fot_episodes_opts {
	int64_t classes_min, classes_max; /* 2 .. FOT_EPISODES_CLASSES */
	int64_t clip;                     /* longest text, bytes, >= 16 */
	int64_t parts; /* 1 .. FOT_EPISODES_PARTS: of documents, a class is the union of up to
			  this many stretches or words */
	double words;  /* share of a corpus's episodes whose classes are words */
	double frames; /* share of episodes with a wording of their own */
	double single; /* share of label words that are one token of the tokenizer, the template's blanks
			  included; 1: all, so that a label is one token */
	int64_t label_words; /* of the words of one token, this many serve, evenly from its ids; 0: all */
};

struct fot_episodes;
/* corpus: may be NULL; weight [its datasets]; each labelled set (spec strings as for fot_labelled_each) weighs as
 * much as a dataset of weight 1 and gives as many classes as it has, if these are fewer
 * than classes_max. store as for datasets. tok: the corpus's tokenizer; it and
 * t must outlive *out. Errors: FOT_ERR_INPUT (a source with too few classes), FOT_ERR_USAGE. */
int fot_episodes_open(struct fot_episodes **out, const struct fot_corpus *corpus, const double *weight,
		      const char *const *labelled, size_t n_labelled, const char *store,
		      const struct fot_tokenizer *tok, const struct fot_template *t,
		      const struct fot_episodes_opts *o, struct fot_err *err);
void fot_episodes_close(struct fot_episodes *e);
/* The name of a set that is held out for evaluation, NULL if there is none: not to be trained on. */
const char *fot_episodes_held_out(const struct fot_episodes *e);
/* sha256 over sources, template and options. */
const char *fot_episodes_hash(const struct fot_episodes *e);

enum fot_episode_mark {
	FOT_EPISODE_TEXT,  /* of a text or of the wording */
	FOT_EPISODE_LABEL, /* of a word whose class was shown before */
	FOT_EPISODE_NEW,   /* of a word whose class was not: nobody can know it */
	FOT_EPISODE_END    /* of what stands behind the word of a class shown before */
};
/* A demonstration: its class, where its label begins, its text in `texts` of the episode. */
struct fot_episode_demo {
	int32_t class;
	size_t label;         /* token */
	size_t first, behind; /* tokens of the text and what stands before it, as far as they are there */
	size_t text, n_bytes; /* in texts */
};
/* n tokens of an episode and what stands in them. Release after use; may be drawn into again. */
struct fot_episode {
	int32_t *tokens; /* [n] */
	uint8_t *mark;   /* [n] enum fot_episode_mark */
	int32_t *class;  /* [n] of the first token of a label: its class; others: -1 */
	size_t n, cap;
	size_t n_classes;
	int32_t choice[FOT_EPISODES_CLASSES]; /* [n_classes] first tokens of the labels */
	struct fot_episode_demo *demo; /* whose label is among the tokens, in order */
	size_t n_demo, cap_demo;
	struct fot_str texts;
};
void fot_episode_release(struct fot_episode *x);
/* A new episode of n tokens, begun somewhere inside a demonstration.
 * repeat: probability that a text is one of an earlier demonstration, or half of it, or half
 * of its words among foreign ones, in their places or in any order (each 1 in 4 of them).
 * Errors: FOT_ERR_RUN (memory). */
int fot_episodes_draw(const struct fot_episodes *e, struct fot_rng *rng, double repeat, struct fot_episode *out,
		      size_t n, struct fot_err *err);

#endif
