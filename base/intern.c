/* intern.c: see intern.h. */
#include "base/intern.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define FIRST_BLOCK ((size_t)2 << 10)
#define BLOCK_BYTES ((size_t)64 << 10) /* of which blocks double until they have it */
#define FIRST_SLOTS 64

struct fot_intern_block {
	struct fot_intern_block *before;
	size_t size, used;
	char text[];
};

/* Where the text stands or would stand. */
static size_t find(const char *const *slot, size_t slots, const char *text)
{
	uint64_t h = fot_fnv(text, strlen(text));
	size_t at = (size_t)(h ^ h >> 32) & (slots - 1);

	while (slot[at] && strcmp(slot[at], text) != 0)
		at = (at + 1) & (slots - 1);
	return at;
}

/* At most half of the slots are taken. */
static bool make_room(struct fot_intern *p)
{
	size_t slots = p->slots ? 2 * p->slots : FIRST_SLOTS;
	const char **slot;

	if (2 * p->n < p->slots)
		return true;
	slot = fot_calloc(slots, sizeof *slot);
	if (!slot)
		return false;
	for (size_t i = 0; i < p->slots; i++)
		if (p->slot[i])
			slot[find(slot, slots, p->slot[i])] = p->slot[i];
	fot_free(p->slot);
	p->slot = slot;
	p->slots = slots;
	return true;
}

static char *keep(struct fot_intern *p, const char *text)
{
	struct fot_intern_block *b = p->block;
	size_t n = strlen(text) + 1, size = !b                    ? FIRST_BLOCK :
					    b->size < BLOCK_BYTES ? 2 * b->size :
								    BLOCK_BYTES;
	char *copy;

	size = n > size ? n : size;
	if (!b || b->size - b->used < n) {
		b = fot_alloc(fot_size_add(sizeof *b, size), 1);
		if (!b)
			return NULL;
		*b = (struct fot_intern_block){ .before = p->block, .size = size };
		p->block = b;
	}
	copy = b->text + b->used;
	memcpy(copy, text, n);
	b->used += n;
	return copy;
}

const char *fot_intern(struct fot_intern *p, const char *text)
{
	size_t at;

	if (!make_room(p))
		return NULL;
	at = find(p->slot, p->slots, text);
	if (!p->slot[at]) {
		p->slot[at] = keep(p, text);
		p->n += p->slot[at] != NULL;
	}
	return p->slot[at];
}

void fot_intern_release(struct fot_intern *p)
{
	while (p->block) {
		struct fot_intern_block *before = p->block->before;

		fot_free(p->block);
		p->block = before;
	}
	fot_free(p->slot);
	*p = (struct fot_intern){ 0 };
}
