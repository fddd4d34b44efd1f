/* hypernyms.h: classification tasks from WordNet's hierarchy of nouns.
 *
 * A source is a synset with at least SOURCE_LEAST direct hyponyms that have at least
 * CLASS_LEAST descendants each; these hyponyms are its classes, named by their words, and
 * the glosses of a class's descendants, up to the first example, its texts.  Texts of two
 * classes are left out, then classes of fewer than CLASS_TEXTS texts, then sources of
 * fewer than CLASSES_LEFT classes.
 *
 * Some subtrees are held out for evaluation (held_out[] in hypernyms.c).  The graph falls
 * into these subtrees and the rest, and a source is of one side, with its texts: training
 * sources lose the held-out synsets, and glosses that a held-out synset has too.
 *
 * File format: wndb(5WN). */
#ifndef FOT_HYPERNYMS_H
#define FOT_HYPERNYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_hypernyms;

/* One text of a source; the pointers live as long as the text that was opened. */
struct fot_hypernyms_text {
	const char *label, *gloss;
	size_t n_gloss;
	int64_t line; /* of data.noun, from 1 */
};

/* text: data.noun, [n] bytes, must outlive *out; where stands in messages.
 * Errors: FOT_ERR_INPUT with the line; FOT_ERR_RUN (memory). */
int fot_hypernyms_open(struct fot_hypernyms **out, const char *text, size_t n, const char *where,
		       struct fot_err *err);
void fot_hypernyms_close(struct fot_hypernyms *h);

/* Sources in the file's order. A name is the synset's first word; a later source of the same
 * word has "-2" (and so on) behind it. */
size_t fot_hypernyms_count(const struct fot_hypernyms *h);
const char *fot_hypernyms_name(const struct fot_hypernyms *h, size_t source);
/* For evaluation only? */
bool fot_hypernyms_held_out(const struct fot_hypernyms *h, size_t source);
size_t fot_hypernyms_n_texts(const struct fot_hypernyms *h, size_t source);
struct fot_hypernyms_text fot_hypernyms_at(const struct fot_hypernyms *h, size_t source, size_t text);

#endif
