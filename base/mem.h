/* mem.h: checked sizes, allocation through one door, and arenas.
 *
 * Size arithmetic saturates to SIZE_MAX, which every allocator here refuses,
 * so a chain of fot_size_mul/add needs one check, at the allocation.
 * All blocks are 64-byte aligned.  A test can make the n-th allocation fail
 * (fot_mem_fail_at) and forbid allocation altogether (fot_mem_guard), which
 * proves that the forward pass, the search and decoding allocate nothing. */
#ifndef FOT_MEM_H
#define FOT_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FOT_ALIGN 64u

size_t fot_size_mul(size_t a, size_t b);
size_t fot_size_add(size_t a, size_t b);
/* Round up to a multiple of FOT_ALIGN, saturating. */
size_t fot_size_align(size_t n);

/* count * size bytes, zeroed (calloc) or not (alloc).  NULL when out of memory,
 * refused or guarded.  A zero size gives a valid block.  Free with fot_free. */
void *fot_alloc(size_t count, size_t size);
void *fot_calloc(size_t count, size_t size);
/* Grow or shrink; contents kept up to the smaller size. NULL leaves p valid. */
void *fot_realloc(void *p, size_t count, size_t size);
char *fot_strdup(const char *s);
char *fot_strndup(const char *s, size_t n);
void fot_free(void *p);

/* The n-th allocation from now fails (1 = the next one); 0 switches off. */
void fot_mem_fail_at(long n);
/* While on != 0 every allocation fails and is counted. Nests. */
void fot_mem_guard(int on);
/* Allocations refused by the guard since the program began. */
long fot_mem_guard_hits(void);

/* An arena: one block, handed out from the front, freed as a whole. */
struct fot_arena {
	unsigned char *base;
	size_t size, used, peak;
};

/* Reserve size bytes; FOT_ERR_RUN with the figure when it cannot be had. */
int fot_arena_init(struct fot_arena *a, size_t size, struct fot_err *err);
void fot_arena_release(struct fot_arena *a);
/* count * size bytes, 64-byte aligned, NULL when the arena is full. Not zeroed. */
void *fot_arena_get(struct fot_arena *a, size_t count, size_t size);
/* Bytes that fot_arena_get(count, size) takes: for estimates. */
size_t fot_arena_need(size_t count, size_t size);

/* One list of arrays serves estimate and allocation: run it once with arena NULL to
 * count the bytes in need, then again over an arena of that size. */
struct fot_layout {
	struct fot_arena *arena; /* NULL: count only */
	size_t need;
};
/* NULL while counting. */
void *fot_layout_take(struct fot_layout *y, int64_t count, size_t size);

/* Physical memory of the machine (or its cgroup limit) and this process's
 * largest resident size so far, in bytes; 0 when unknown. */
size_t fot_mem_total(void);
size_t fot_mem_peak_rss(void);

#endif
