/* list.h: arrays: counting, growing, finding, sorting. */
#ifndef FOT_LIST_H
#define FOT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries of an array (no pointer). */
#define FOT_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Room for one more in a list of n entries with room for cap; all three are lvalues. false without memory:
 * the list is as it was. */
#define FOT_GROW(at, n, cap) ((n) < (cap) || fot_grow(&(at), &(cap), sizeof *(at)))
/* at: address of the list's pointer; size: of an entry. For FOT_GROW. */
bool fot_grow(void *at, size_t *cap, size_t size);

/* Index of the row of an array of structs that begin with their name (const char *); FOT_COUNT(a) without. */
#define FOT_FIND(a, name) fot_find((a), FOT_COUNT(a), sizeof((a)[0]), (name))
size_t fot_find(const void *rows, size_t n, size_t size, const char *name);

/* For qsort and bsearch, ascending: of int64_t; of doubles, none NaN; of texts (char *), by their bytes. */
int fot_by_i64(const void *a, const void *b);
int fot_by_real(const void *a, const void *b);
int fot_by_text(const void *a, const void *b);
/* Put x into an ascending list of *n different numbers with room for one more, unless it is there. */
void fot_insert_i64(int64_t *list, size_t *n, int64_t x);

#endif
