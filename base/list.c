/* list.c: see list.h. */
#include "base/list.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define FIRST 64 /* entries of a list that begins */

bool fot_grow(void *at, size_t *cap, size_t size)
{
	size_t more = *cap ? fot_size_mul(*cap, 2) : FIRST;
	void *list;

	memcpy(&list, at, sizeof list); /* a pointer of another type */
	list = fot_realloc(list, more, size);
	if (!list)
		return false;
	memcpy(at, &list, sizeof list);
	*cap = more;
	return true;
}

size_t fot_find(const void *rows, size_t n, size_t size, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const char *const *first = (const void *)((const char *)rows + i * size);

		if (strcmp(*first, name) == 0)
			return i;
	}
	return n;
}

int fot_by_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int fot_by_real(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int fot_by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fot_insert_i64(int64_t *list, size_t *n, int64_t x)
{
	size_t at = *n;

	while (at > 0 && list[at - 1] > x)
		at--;
	if (at > 0 && list[at - 1] == x)
		return;
	memmove(list + at + 1, list + at, (*n - at) * sizeof *list);
	list[at] = x;
	++*n;
}
