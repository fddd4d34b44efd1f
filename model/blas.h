/* blas.h: OpenBLAS before it is called: in training and in `bench`. (The forward pass multiplies by matmul.h.)
 *
 * Each of our threads that multiplies matrices makes OpenBLAS map a work buffer of its own,
 * once.  Where that cannot be had (a limit on the address space), OpenBLAS asks again and
 * again for ever: whether there is room has to be known before.
 *
 * A program with blas.c in it also keeps OpenBLAS from starting threads of its own, whatever
 * the environment says (blas.c: why, and how). */
#ifndef FOT_BLAS_H
#define FOT_BLAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Can the address space of so many threads be had now: OpenBLAS' buffers (128 MiB each in the builds for x86-64)
 * and their stacks? Nothing is kept. Errors: FOT_ERR_RUN with the figure. */
int fot_blas_check(int32_t threads, struct fot_err *err);
/* Of so many threads as a user asks for, those that can run at once: more would wait for each other at the end of
 * every layer. At least 1. */
int32_t fot_threads_at_once(int32_t threads);
/* Processors that this process may use. */
int32_t fot_default_threads(void);

#endif
