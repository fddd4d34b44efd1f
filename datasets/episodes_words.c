/* episodes_words.c: see episodes_words.h.
 *
 * A word is a run of ASCII letters, without regard to case, at most WORD_MAX long.  Pairs
 * (word, text) of an even sample of the texts are sorted by word; words that stand in
 * enough texts, and in no more than one of COMMON, become classes. */
#include "datasets/episodes_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define SAMPLE_MAX 200000 /* texts of a source that are looked at */
#define COMMON 8
#define LETTERS_MIN 2

struct pair {
	struct word word;
	uint32_t text;
};

struct pairs {
	struct pair *pair;
	size_t n, cap;
};

static int add_pair(struct pairs *l, const struct word *w, size_t text, struct fot_err *err)
{
	if (!FOT_GROW(l->pair, l->n, l->cap))
		return FOT_FAIL(err, FOT_ERR_RUN, "episodes: out of memory for words");
	l->pair[l->n++] = (struct pair){ *w, (uint32_t)text };
	return FOT_OK;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next word of t from *at on; false: none. */
static bool next_word(const struct text *t, int32_t *at, struct word *w)
{
	while (*at < t->n) {
		int32_t n = 0;

		memset(w, 0, sizeof(*w));
		while (*at < t->n && !is_letter(t->p[*at]))
			++*at;
		for (; *at < t->n && is_letter(t->p[*at]); ++*at, n++)
			if (n < WORD_MAX)
				w->text[n] = (char)(t->p[*at] | 0x20);
		if (n >= LETTERS_MIN && n <= WORD_MAX)
			return true;
	}
	return false;
}

static int collect(struct pairs *all, struct pairs *first, const struct fot_episodes *e, size_t begin,
		   size_t end, struct fot_err *err)
{
	size_t step = 1 + (end - begin) / SAMPLE_MAX;
	int status = FOT_OK;

	for (size_t i = begin; i < end; i += step) {
		struct word w;
		int32_t at = 0;

		for (size_t n = 0; next_word(&e->text[i], &at, &w); n++) {
			FOT_TRY(add_pair(all, &w, i, err));
			if (n == 0)
				FOT_TRY(add_pair(first, &w, i, err));
		}
	}
out:
	return status;
}

static int by_word(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = strcmp(x->word.text, y->word.text);

	return c ? c : (x->text > y->text) - (x->text < y->text);
}

/* More texts first. */
static int by_size(const void *a, const void *b)
{
	const struct class *x = a, *y = b;
	size_t n = x->end - x->begin, m = y->end - y->begin;

	return n != m ? (n < m ? 1 : -1) : (x->begin > y->begin) - (x->begin < y->begin);
}

/* n pairs of one word: a class of its texts, if they are enough and not too many. */
static int add_run(struct fot_episodes *e, struct classes *c, const struct pair *p, size_t n, size_t most,
		   struct fot_err *err)
{
	size_t begin = e->n_order;
	int status = FOT_OK;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || p[i].text != p[i - 1].text)
			FOT_TRY(fot_episodes_order(e, p[i].text, err));
	if (e->n_order - begin < TEXTS_MIN || e->n_order - begin > most) {
		e->n_order = begin;
		return FOT_OK;
	}
	FOT_TRY(fot_episodes_add_class(c, &(struct class){ begin, e->n_order, p[0].word }, err));
out:
	return status;
}

static int make_classes(struct fot_episodes *e, struct classes *c, struct pairs *l, size_t most,
			struct fot_err *err)
{
	int status = FOT_OK;

	if (l->n)
		qsort(l->pair, l->n, sizeof(*l->pair), by_word);
	for (size_t i = 0, j; i < l->n; i = j) {
		for (j = i; j < l->n && strcmp(l->pair[i].word.text, l->pair[j].word.text) == 0;)
			j++;
		FOT_TRY(add_run(e, c, l->pair + i, j - i, most, err));
	}
	if (c->n)
		qsort(c->class, c->n, sizeof(*c->class), by_size);
out:
	return status;
}

int fot_episodes_index_words(struct fot_episodes *e, struct source *s, size_t begin, size_t end,
			     struct fot_err *err)
{
	struct pairs all = { 0 }, first = { 0 };
	size_t most = (end - begin) / (1 + (end - begin) / SAMPLE_MAX) / COMMON;
	int status;

	FOT_TRY(collect(&all, &first, e, begin, end, err));
	FOT_TRY(make_classes(e, &s->of[BY_WORD], &all, most, err));
	FOT_TRY(make_classes(e, &s->of[BY_START], &first, most, err));
out:
	fot_free(all.pair);
	fot_free(first.pair);
	return status;
}
