/* foreign.h: what a file is that is not what its name says. */
#ifndef FOT_FOREIGN_H
#define FOT_FOREIGN_H

#include <stddef.h>

/* A phrase for "this is ...", or NULL if the bytes are nothing that is known here. */
const char *fot_foreign(const void *bytes, size_t n);

#endif
