/* intern.h: texts of which many are equal: each is kept once, until all go together. */
#ifndef FOT_INTERN_H
#define FOT_INTERN_H

#include <stddef.h>

struct fot_intern_block;

/* All zero: empty. */
struct fot_intern {
	const char **slot; /* [slots] open addressing, NULL: free */
	size_t n, slots;
	struct fot_intern_block *block; /* the one that is filled, before it the full ones */
};

/* The one copy of a text; it never moves. NULL: out of memory. */
const char *fot_intern(struct fot_intern *p, const char *text);
void fot_intern_release(struct fot_intern *p);

#endif
