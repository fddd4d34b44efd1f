/* bow.h: texts as bags of words, and what labelled ones vote for the class of another.
 *
 *   vote(class) = sum over the class's texts d of round(2^20 exp(10 cos(q, d)))
 *   cos(q, d)   = sum_w q_w d_w / sqrt(sum_w q_w^2 sum_w d_w^2), 0 for no words
 *
 * q_w and d_w count word w: words are runs of letters, digits and bytes beyond ASCII, in lower case (ASCII and
 * Latin-1).  Votes are integers: their sums do not depend on the order, and equal votes are equal.  What an
 * attention over demonstrations could do without knowing any meaning: a level to compare few-shot models with. */
#ifndef FOT_BOW_H
#define FOT_BOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct fot_bow {
	struct fot_bow_word {
		uint64_t hash;
		int64_t n;
	} * word; /* [n] by hash */
	size_t n;
	double squares; /* sum of the squared counts */
};

/* Appended: the words of n bytes, a NUL behind each. */
void fot_bow_words(struct fot_str *out, const char *text, size_t n);
/* Release after success. Errors: FOT_ERR_RUN (memory). */
int fot_bow_make(struct fot_bow *b, const char *text, size_t n, struct fot_err *err);
void fot_bow_release(struct fot_bow *b);
/* What a text has for another: dot = sum_w q_w d_w, squares = sum_w q_w^2 sum_w d_w^2.  2^28 such votes have room in
 * a sum. */
int64_t fot_bow_vote(int64_t dot, double squares);
/* The class with the most of votes [n_classes], the lowest of equal ones. */
int32_t fot_bow_winner(const int64_t *votes, size_t n_classes);
/* The winner of texts x [n] of classes in 0 .. n_classes-1; votes [n_classes] is overwritten. */
int32_t fot_bow_class(const struct fot_bow *q, const struct fot_bow *x, const int32_t *class, size_t n,
		      int64_t *votes, size_t n_classes);

#endif
