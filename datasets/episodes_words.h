/* episodes_words.h: which texts hold which word. For datasets/episodes.c. */
#ifndef FOT_EPISODES_WORDS_H
#define FOT_EPISODES_WORDS_H

#include "datasets/episodes_priv.h"

#define TEXTS_MIN 8 /* of a class */

/* Append to e->order. Errors: FOT_ERR_RUN. */
int fot_episodes_order(struct fot_episodes *e, size_t text, struct fot_err *err);
int fot_episodes_add_class(struct classes *c, const struct class *add, struct fot_err *err);
/* Classes BY_WORD and BY_START of source s, whose texts are e->text[begin .. end). */
int fot_episodes_index_words(struct fot_episodes *e, struct source *s, size_t begin, size_t end,
			     struct fot_err *err);

#endif
