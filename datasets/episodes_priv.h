/* episodes_priv.h: what building (episodes.c) leaves for drawing (episodes_draw.c). */
#ifndef FOT_EPISODES_PRIV_H
#define FOT_EPISODES_PRIV_H

#include <stdbool.h>

#include "base/str.h"
#include "datasets/episodes.h"

#define TEXT_LEAST 16 /* bytes */
#define WORD_MAX 12   /* bytes of a label's word */

struct word {
	char text[WORD_MAX + 1];
};

struct text {
	const char *p;
	int32_t n;
};

/* Its texts: e->text[e->order[begin .. end)]. */
struct class
{
	size_t begin, end;
	struct word word; /* of classes BY_WORD and BY_START */
};

struct classes {
	struct class *class;
	size_t n, cap;
};

/* Ways of making classes. Labels count as stretches. */
enum { BY_STRETCH, BY_WORD, BY_START, WAYS };

struct source {
	struct classes of[WAYS]; /* words: most frequent first */
	bool labelled; /* classes are whole: never of several parts */
	double weight;
};

struct fot_episodes {
	struct fot_episodes_opts o;
	const struct fot_tokenizer *tok;
	const struct fot_template *t;
	struct text *text;
	size_t n_text, cap_text;
	uint32_t *order; /* [n_order] texts of classes, one class behind the other */
	size_t n_order, cap_order;
	struct fot_str *owned; /* [n_owned] bytes of the texts: one per document or set */
	size_t n_owned, cap_owned;
	struct word *single; /* [n_single] words that are one token as a label */
	size_t n_single, cap_single;
	struct source *source;
	size_t n_source, cap_source;
	struct fot_str held_out; /* name of a set that is */
	char hash[65];
};

#endif
