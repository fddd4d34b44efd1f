/* mem.c: all allocation of the project.
 *
 * Every block comes from take(), which refuses saturated sizes, guarded
 * sections and the allocation a test asked to fail.  The switches are atomics:
 * worker threads may allocate while a test turns them.
 * Invariant: every pointer handed out is FOT_ALIGN-aligned and may be given to
 * fot_free (free). */
#include "base/mem.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static atomic_long fail_countdown; /* allocations until one fails; 0 = off */
static atomic_long guard_depth;
static atomic_long guard_hits;

/* ---- sizes ---- */

size_t fot_size_mul(size_t a, size_t b)
{
	size_t r;

	return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

size_t fot_size_add(size_t a, size_t b)
{
	size_t r;

	return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

size_t fot_size_align(size_t n)
{
	size_t up = fot_size_add(n, FOT_ALIGN - 1);

	return up == SIZE_MAX ? SIZE_MAX : up & ~(size_t)(FOT_ALIGN - 1);
}

/* ---- test switches ---- */

void fot_mem_fail_at(long n)
{
	atomic_store(&fail_countdown, n > 0 ? n : 0);
}

static bool told_to_fail(void)
{
	long left = atomic_load(&fail_countdown);

	while (left > 0)
		if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
			return left == 1;
	return false;
}

void fot_mem_guard(int on)
{
	long depth = atomic_load(&guard_depth);

	if (on) {
		atomic_fetch_add(&guard_depth, 1);
		return;
	}
	while (depth > 0)
		if (atomic_compare_exchange_weak(&guard_depth, &depth, depth - 1))
			return;
}

long fot_mem_guard_hits(void)
{
	return atomic_load(&guard_hits);
}

/* ---- blocks ---- */

static void *take(size_t bytes)
{
	void *p;

	if (atomic_load(&guard_depth) > 0) {
		atomic_fetch_add(&guard_hits, 1);
		return NULL;
	}
	/* PTRDIFF_MAX: a larger block could not be indexed by pointer differences. */
	if (told_to_fail() || bytes > PTRDIFF_MAX)
		return NULL;
	if (posix_memalign(&p, FOT_ALIGN, bytes ? bytes : 1) != 0)
		return NULL;
	return p;
}

void *fot_alloc(size_t count, size_t size)
{
	return take(fot_size_mul(count, size));
}

void *fot_calloc(size_t count, size_t size)
{
	size_t bytes = fot_size_mul(count, size);
	void *p = take(bytes);

	if (p)
		memset(p, 0, bytes ? bytes : 1);
	return p;
}

void *fot_realloc(void *p, size_t count, size_t size)
{
	size_t bytes = fot_size_mul(count, size), old;
	void *q = take(bytes);

	if (!q || !p)
		return q;
	old = malloc_usable_size(p);
	memcpy(q, p, old < bytes ? old : bytes);
	free(p);
	return q;
}

char *fot_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = fot_alloc(fot_size_add(len, 1), 1);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *fot_strdup(const char *s)
{
	return fot_strndup(s, strlen(s));
}

void fot_free(void *p)
{
	free(p);
}

/* ---- arenas ---- */

#define LARGE_PAGE ((size_t)2 << 20)

/* Tiles of matrices lie in as many pages as they have rows, and what is trained passes through hundreds of megabytes: with
 * pages of 4 KiB a step of training takes 6 % longer in bf16. A wish that the system may not grant. */
static void ask_for_large_pages(unsigned char *p, size_t bytes)
{
	size_t skip = -(uintptr_t)p % LARGE_PAGE;

	if (bytes > skip + LARGE_PAGE)
		madvise(p + skip, (bytes - skip) / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
}

int fot_arena_init(struct fot_arena *a, size_t size, struct fot_err *err)
{
	size_t bytes = fot_size_align(size);

	memset(a, 0, sizeof(*a));
	a->base = take(bytes);
	if (!a->base)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory: cannot reserve %zu bytes (%.1f GiB)", bytes,
				(double)bytes / (double)(1u << 30));
	a->size = bytes;
	ask_for_large_pages(a->base, bytes);
	return FOT_OK;
}

void fot_arena_release(struct fot_arena *a)
{
	fot_free(a->base);
	memset(a, 0, sizeof(*a));
}

size_t fot_arena_need(size_t count, size_t size)
{
	return fot_size_align(fot_size_mul(count, size));
}

void *fot_arena_get(struct fot_arena *a, size_t count, size_t size)
{
	size_t need = fot_arena_need(count, size);
	void *p;

	if (!a->base || need > a->size - a->used)
		return NULL;
	p = a->base + a->used;
	a->used += need;
	if (a->used > a->peak)
		a->peak = a->used;
	return p;
}

void *fot_layout_take(struct fot_layout *y, int64_t count, size_t size)
{
	y->need = fot_size_add(y->need, fot_arena_need((size_t)count, size));
	return y->arena ? fot_arena_get(y->arena, (size_t)count, size) : NULL;
}

/* ---- what the machine has ---- */

/* The first line of a small kernel file. */
static bool read_line(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(buf, size, f) != NULL;
	fclose(f);
	return ok;
}

static size_t limit_in(const char *path)
{
	char text[64], *end;
	unsigned long long v;

	if (!read_line(path, text, (int)sizeof(text)))
		return SIZE_MAX;
	v = strtoull(text, &end, 10); /* "max" means no limit */
	return end == text || v == 0 ? SIZE_MAX : (size_t)v;
}

/* The least memory.max between this process's cgroup (version 2) and the root. */
static size_t cgroup_limit(void)
{
	char own[1024], path[1200];
	size_t least = limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"), here;
	char *slash;

	here = limit_in("/sys/fs/cgroup/memory.max");
	least = here < least ? here : least;
	if (!read_line("/proc/self/cgroup", own, (int)sizeof(own)) || strncmp(own, "0::/", 4) != 0)
		return least;
	own[strcspn(own, "\n")] = '\0';
	while ((slash = strrchr(own + 3, '/')) && slash[1]) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", own + 3);
		here = limit_in(path);
		least = here < least ? here : least;
		if (slash == own + 3)
			break;
		*slash = '\0';
	}
	return least;
}

size_t fot_mem_total(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	size_t total, limit;

	if (pages <= 0 || page <= 0)
		return 0;
	total = fot_size_mul((size_t)pages, (size_t)page);
	limit = cgroup_limit();
	return limit < total ? limit : total;
}

size_t fot_mem_peak_rss(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0 || u.ru_maxrss < 0)
		return 0;
	return (size_t)u.ru_maxrss * 1024;
}
