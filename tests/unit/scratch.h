/* scratch.h: a folder of its own for each test that writes files. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

#include "base/err.h"

/* For cmocka_unit_test_setup_teardown; the teardown also ends fault injection. */
int scratch_make(void **state);
int scratch_remove(void **state);
/* Path of a name in the folder; valid until eight more calls. "" is the folder. */
const char *scratch_path(const char *name);
void scratch_write(const char *name, const void *bytes, size_t n);
void scratch_puts(const char *name, const char *text);

/* status must be code, and the error's text must hold fragment. */
void assert_fails(int status, int code, const struct fot_err *err, const char *fragment);

#endif
