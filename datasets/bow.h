/* bow.h: texts as bags of words, and a kernel vote of labelled ones over the class of another.
 *
 * A word is a run of letters, digits and bytes of other alphabets, ASCII letters in lower case; a text is the
 * number of times that each of its words stands in it, without weights.  Every labelled text x votes for its
 * class with exp(10 cos(x, y)).  What an attention over demonstrations could do without knowing any
 * meaning: a level to compare few-shot models with. */
#ifndef FOT_BOW_H
#define FOT_BOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_bow {
	struct fot_bow_word {
		uint64_t hash;
		double n;
	} * word; /* [n] by hash */
	size_t n;
	double norm;
};

/* Release after success. Errors: FOT_ERR_RUN (memory). */
int fot_bow_make(struct fot_bow *b, const char *text, size_t n, struct fot_err *err);
void fot_bow_release(struct fot_bow *b);
/* 0 where one of them has no words. */
double fot_bow_cosine(const struct fot_bow *a, const struct fot_bow *b);
/* The class in 0 .. n_classes-1 with the largest vote of texts [n] of these classes, the lowest on ties; votes
 * [n_classes] is overwritten. */
int32_t fot_bow_vote(const struct fot_bow *y, const struct fot_bow *x, const int32_t *class, size_t n,
		     double *votes, size_t n_classes);

#endif
