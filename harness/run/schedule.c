/* schedule.c: see schedule.h.
 *
 * A stem is kept as one hash per whole window (and one for what is left): two prompts that
 * agree in a window agree in its hash.  A collision would cost time, never a result: the
 * asker compares tokens. */
#include "harness/run/schedule.h"

#include <stdlib.h>

#include "base/mem.h"
#include "harness/run/task_class.h"

struct entry {
	size_t item;
	uint64_t *hash; /* [n] */
	size_t n;
};

/* FNV-1a over the tokens' bytes. */
static uint64_t hash_tokens(const int32_t *tokens, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		for (int shift = 0; shift < 32; shift += 8) {
			h ^= ((uint32_t)tokens[i] >> shift) & 0xff;
			h *= 0x100000001b3u;
		}
	return h;
}

static int sign_stem(struct entry *e, struct fot_worker *w, struct fot_err *err)
{
	const struct fot_item *item = &w->plan->item[e->item];
	const struct fot_task_class *class = fot_task_class_of(w->plan, item);
	size_t window = (size_t)w->plan->condition[item->condition].opts.window, n = 0;
	const int32_t *tokens = NULL;
	int status;

	if (!class->stem)
		return FOT_OK;
	status = class->stem(w, item, &tokens, &n, err);
	if (status != FOT_OK)
		return status;
	e->n = (n + window - 1) / window;
	e->hash = fot_alloc(e->n + 1, sizeof *e->hash);
	if (!e->hash)
		return FOT_FAIL(err, FOT_ERR_RUN, "schedule: out of memory");
	for (size_t i = 0; i < e->n; i++)
		e->hash[i] = hash_tokens(tokens + i * window, n - i * window < window ? n - i * window : window);
	return FOT_OK;
}

static int by_stem(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	for (size_t i = 0; i < x->n && i < y->n; i++)
		if (x->hash[i] != y->hash[i])
			return x->hash[i] < y->hash[i] ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

int fot_schedule(size_t *order, size_t n, struct fot_worker *w, struct fot_err *err)
{
	struct entry *entry;
	int status = FOT_OK;

	if (n < 2 || !fot_task_has_memory(w->plan, &w->plan->item[order[0]]))
		return FOT_OK;
	entry = fot_calloc(n, sizeof *entry);
	if (!entry)
		return FOT_FAIL(err, FOT_ERR_RUN, "schedule: out of memory");
	for (size_t i = 0; i < n; i++) {
		entry[i].item = order[i];
		FOT_TRY(sign_stem(&entry[i], w, err));
	}
	qsort(entry, n, sizeof *entry, by_stem);
	for (size_t i = 0; i < n; i++)
		order[i] = entry[i].item;
out:
	for (size_t i = 0; i < n; i++)
		fot_free(entry[i].hash);
	fot_free(entry);
	return status;
}
