/* episodes.h: made-up classification tasks of real text, to train in-context classification.
 *
 * An episode is an endless prompt of demonstrations in the wording of a template.  Its
 * classes are chosen anew, and so are the words that name them: short pronounceable
 * strings, so that nothing but the demonstrations says what they stand for.
 *
 *   of documents      a class is a stretch of a document (CLASS_BYTES); its texts are
 *                     sentences of that stretch
 *   of labelled sets  a class is a label, its texts are the set's training items
 *
 * Corpora are of the byte tokenizer.  An episode is a function of its random stream. */
#ifndef FOT_EPISODES_H
#define FOT_EPISODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "datasets/corpus.h"
#include "datasets/template.h"

#define FOT_EPISODES_CLASSES 64 /* most classes of an episode */

struct fot_episodes_opts {
	int64_t classes_min, classes_max; /* 2 .. FOT_EPISODES_CLASSES */
	int64_t clip;                     /* longest text, bytes, >= 16 */
};

struct fot_episodes;
/* corpus: may be NULL; weight [its datasets]; each labelled set (spec strings) weighs as
 * much as a dataset of weight 1. store as for datasets. Errors: FOT_ERR_INPUT (a source
 * with too few classes), FOT_ERR_USAGE. */
int fot_episodes_open(struct fot_episodes **out, const struct fot_corpus *corpus, const double *weight,
		      const char *const *labelled, size_t n_labelled, const char *store,
		      const struct fot_template *t, const struct fot_episodes_opts *o, struct fot_err *err);
void fot_episodes_close(struct fot_episodes *e);
/* sha256 over sources, template and options. */
const char *fot_episodes_hash(const struct fot_episodes *e);
size_t fot_episodes_n_sources(const struct fot_episodes *e);
size_t fot_episodes_n_classes(const struct fot_episodes *e, size_t source);

enum fot_episode_mark {
	FOT_EPISODE_TEXT,  /* of a text or of the template's words */
	FOT_EPISODE_LABEL, /* of an answer whose class was shown before */
	FOT_EPISODE_NEW    /* of an answer whose class was not: nobody can know it */
};
/* n tokens of a new episode and a mark for each; begun somewhere inside a demonstration.
 * repeat: probability that a text is one of an earlier demonstration, or half of it. */
void fot_episodes_draw(const struct fot_episodes *e, struct fot_rng *rng, double repeat, int32_t *tokens,
		       uint8_t *mark, size_t n);

#endif
