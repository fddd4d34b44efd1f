/* memory_kinds.c: the rows of all kinds. */
#include "model/memory.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <math.h>
#include <string.h>

const struct fot_memory_ops fot_memory_none = { .word = "none" };

#define DECLARED(number, word, ops) extern const struct fot_memory_ops ops;
FOT_MEMORY_KINDS(DECLARED)

const struct fot_memory_ops *fot_memory_kind(enum fot_memory_mode kind)
{
#define ROW(number, word, ops) [number] = &ops,
	static const struct fot_memory_ops own = { .word = "model" };
	static const struct fot_memory_ops *const kinds[] = { FOT_MEMORY_KINDS(ROW)[FOT_MEMORY_OWN] = &own };

	return kinds[kind];
}

bool fot_memory_find(enum fot_memory_mode *kind, const char *word, size_t n)
{
	const char *own;

	for (*kind = FOT_MEMORY_NONE; *kind <= FOT_MEMORY_OWN; (*kind)++) {
		own = fot_memory_kind(*kind)->word;
		if (strlen(own) == n && memcmp(own, word, n) == 0)
			return true;
	}
	return false;
}

int fot_memory_n_numbers(enum fot_memory_mode kind)
{
	int n = 0;

	while (n < FOT_MEMORY_NUMBERS && fot_memory_kind(kind)->takes[n].name)
		n++;
	return n;
}

bool fot_memory_observes(enum fot_memory_mode kind)
{
	return fot_memory_kind(kind)->observe != NULL;
}

bool fot_memory_number_fits(const struct fot_memory_number *n, int64_t x)
{
	int64_t most = n->most ? n->most : FOT_TOP_K_MOST;

	return (x == 0 && n->optional) || (x >= (n->least ? n->least : 1) && x <= most);
}

bool fot_memory_keeps(enum fot_memory_mode kind)
{
	return fot_memory_kind(kind)->append != NULL;
}

struct fot_memory fot_memory_of(const struct fot_config *c, const struct fot_session_opts *o)
{
	struct fot_memory m = { .ops = fot_memory_kind(o->mode),
				    .n_heads = fot_config_kv_heads(c),
				    .head_dim = c->head_dim,
				    .group = c->n_heads / fot_config_kv_heads(c),
				    .cap = o->mem_max,
				    .dtype = o->mem_dtype,
				    .top_k = o->top_k,
				    .decay = o->mem_decay,
				    .unit = c->window };

	memcpy(m.number, o->number, sizeof m.number);
	return m;
}

struct fot_memory_budget fot_memory_budget(const struct fot_config *c, const struct fot_session_opts *o,
					   int64_t entries)
{
	struct fot_memory m = fot_memory_of(c, o);
	struct fot_layout y = { 0 };
	struct fot_reads r;

	if (!fot_memory_keeps(o->mode))
		return (struct fot_memory_budget){ 0 };
	r = m.ops->reads(&m, (double)entries);
	m.cap = entries;
	if (!m.ops->needs)
		m.ops->lay(&m, &y);
	return (struct fot_memory_budget){ .read = r.values,
					   .scored = r.keys,
					   .bytes = m.ops->needs ? m.ops->needs(&m, entries) : y.need };
}

struct fot_memory_sight fot_memory_sight(const struct fot_config *c, const struct fot_session_opts *o, int64_t entries)
{
	struct fot_memory m = fot_memory_of(c, o);

	return m.ops->sight ? m.ops->sight(&m, entries) : (struct fot_memory_sight){ 0 };
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
