/* labelled_set.h: labelled sets and their items, for tests. */
#ifndef LABELLED_SET_H
#define LABELLED_SET_H

#include "datasets/labelled.h"

/* The set of a spec, over the store of the scratch folder; fails the test where there is none. */
struct fot_labelled *open_labelled(const char *spec);
/* Item i has all these, and the hash of its text. */
void assert_labelled_item(const struct fot_labelled *l, size_t i, const char *id, const char *text,
			  const char *label, enum fot_split split);
/* The spec is refused with this code and a message that holds fragment. */
void assert_labelled_refused(const char *spec, int code, const char *fragment);

#endif
