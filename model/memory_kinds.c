/* memory_kinds.c: the rows of all kinds. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

const struct fot_memory_ops fot_memory_none = { .word = "none" };

#define DECLARED(number, word, ops) extern const struct fot_memory_ops ops;
FOT_MEMORY_KINDS(DECLARED)

const struct fot_memory_ops *fot_memory_kind(enum fot_search kind)
{
#define ROW(number, word, ops) [number] = &ops,
	static const struct fot_memory_ops *const kinds[] = { FOT_MEMORY_KINDS(ROW) };

	return kinds[kind];
}

bool fot_memory_find(enum fot_search *kind, const char *word, size_t n)
{
	for (int i = 0; i < FOT_SEARCH_COUNT; i++) {
		const char *own = fot_memory_kind((enum fot_search)i)->word;

		if (strlen(own) != n || memcmp(own, word, n) != 0)
			continue;
		*kind = (enum fot_search)i;
		return true;
	}
	return false;
}

int fot_memory_n_numbers(enum fot_search kind)
{
	int n = 0;

	while (n < FOT_MEMORY_NUMBERS && fot_memory_kind(kind)->takes[n].name)
		n++;
	return n;
}

bool fot_memory_number_fits(const struct fot_memory_number *n, int64_t x)
{
	int64_t most = n->most ? n->most : FOT_TOP_K_MOST;

	return (x == 0 && n->optional) || (x >= (n->least ? n->least : 1) && x <= most);
}

bool fot_memory_keeps(enum fot_search kind)
{
	return fot_memory_kind(kind)->append != NULL;
}

struct fot_memory fot_memory_of(const struct fot_config *c, const struct fot_session_opts *o)
{
	struct fot_memory m = { .ops = fot_memory_kind(o->search),
				    .n_heads = fot_config_kv_heads(c),
				    .head_dim = c->head_dim,
				    .cap = o->mem_max,
				    .dtype = o->mem_dtype,
				    .top_k = o->top_k,
				    .decay = o->mem_decay,
				    .unit = c->window };

	memcpy(m.number, o->number, sizeof m.number);
	return m;
}

void fot_memory_masses(const struct fot_memory *m, const struct fot_query *q,
		       const struct fot_memory_groups *g)
{
	for (int64_t i = 0; i < g->n_rows * g->n; i++)
		g->out[i] = -INFINITY;
	if (g->n_rows > 0)
		m->ops->read_groups(m, q, g);
}

#endif
