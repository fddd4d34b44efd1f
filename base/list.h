/* list.h: arrays: counting, finding, sorting, growing. */
#ifndef FOT_LIST_H
#define FOT_LIST_H

#include <stddef.h>

#include "base/err.h"

/* Entries of an array that is one, no pointer. */
#define FOT_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
