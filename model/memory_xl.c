/* memory_xl.c: the cached windows of a model that was trained with them (Transformer-XL): every
 * layer keeps the rows of the past right before its window, at their true distances, where they
 * are one block of keys with it.  Nothing is stored in memory layers. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

const struct fot_memory_ops fot_memory_xl = { .word = "xl" };

#endif
