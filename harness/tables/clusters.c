/* clusters.c: see clusters.h. */
#include "harness/tables/clusters.h"

#include <string.h>

#include "base/mem.h"

int fot_clusters_init(struct fot_clusters *c, const struct fot_table *t, size_t most, struct fot_err *err)
{
	size_t slots = 16;

	while (slots < most * 2)
		slots *= 2;
	*c = (struct fot_clusters){ .t = t,
				    .row = fot_alloc(most, sizeof *c->row),
				    .num = fot_alloc(most, sizeof *c->num),
				    .base = fot_alloc(most, sizeof *c->base),
				    .den = fot_alloc(most, sizeof *c->den),
				    .place = fot_alloc(most, sizeof *c->place),
				    .slot = fot_calloc(slots, sizeof *c->slot),
				    .slots = slots };
	if (c->row && c->num && c->base && c->den && c->place && c->slot)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", most);
}

void fot_clusters_release(struct fot_clusters *c)
{
	fot_free(c->row);
	fot_free(c->num);
	fot_free(c->base);
	fot_free(c->den);
	fot_free(c->place);
	fot_free(c->slot);
	*c = (struct fot_clusters){ 0 };
}

void fot_clusters_clear(struct fot_clusters *c)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->place[k] < c->slots)
			c->slot[c->place[k]] = 0;
	c->n = c->n_items = 0;
}

/* FNV-1a */
static size_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

/* The slot of the row's text, empty or its cluster's number plus one; c->slots: the row has no hash of its text. */
static size_t slot_of(const struct fot_clusters *c, size_t row)
{
	int column = fot_schema_column(c->t->schema, "doc_sha256");
	size_t n = c->t->schema->n, i;
	const struct fot_cell *cell, *own;

	if (column < 0)
		return c->slots;
	cell = c->t->cell + column;
	own = &cell[row * n];
	if (own->kind != FOT_CELL_TEXT)
		return c->slots;
	for (i = hash(own->text) & (c->slots - 1); c->slot[i]; i = (i + 1) & (c->slots - 1))
		if (strcmp(cell[c->row[c->slot[i] - 1] * n].text, own->text) == 0)
			break;
	return i;
}

size_t fot_clusters_add(struct fot_clusters *c, size_t row, double num, double base, double den)
{
	size_t i = slot_of(c, row), k = i < c->slots && c->slot[i] ? c->slot[i] - 1 : c->n;

	c->n_items++;
	if (k < c->n) {
		c->num[k] += num;
		c->base[k] += base;
		c->den[k] += den;
		return k;
	}
	c->row[k] = row;
	c->num[k] = num;
	c->base[k] = base;
	c->den[k] = den;
	c->place[k] = i;
	c->n++;
	if (i < c->slots)
		c->slot[i] = c->n;
	return k;
}
