/* clusters.c: see clusters.h. */
#include "harness/tables/clusters.h"

#include <string.h>

#include "base/mem.h"

int fot_clusters_init(struct fot_clusters *c, const struct fot_table *t, size_t most, struct fot_err *err)
{
	*c = (struct fot_clusters){ .t = t,
				    .row = fot_alloc(most, sizeof *c->row),
				    .num = fot_alloc(most, sizeof *c->num),
				    .base = fot_alloc(most, sizeof *c->base),
				    .den = fot_alloc(most, sizeof *c->den) };
	if (c->row && c->num && c->base && c->den)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", most);
}

void fot_clusters_release(struct fot_clusters *c)
{
	fot_free(c->row);
	fot_free(c->num);
	fot_free(c->base);
	fot_free(c->den);
	*c = (struct fot_clusters){ 0 };
}

void fot_clusters_clear(struct fot_clusters *c)
{
	c->n = c->n_items = 0;
}

/* The cluster of the row's text; c->n: none yet. */
static size_t cluster_of(const struct fot_clusters *c, size_t row)
{
	int column = fot_schema_column(c->t->schema, "doc_sha256");
	size_t n = c->t->schema->n, k = 0;
	const struct fot_cell *cell, *own;

	if (column < 0)
		return c->n;
	cell = c->t->cell + column;
	own = &cell[row * n];
	if (own->kind != FOT_CELL_TEXT)
		return c->n;
	while (k < c->n && (cell[c->row[k] * n].kind != FOT_CELL_TEXT ||
			    strcmp(cell[c->row[k] * n].text, own->text) != 0))
		k++;
	return k;
}

size_t fot_clusters_add(struct fot_clusters *c, size_t row, double num, double base, double den)
{
	size_t k = cluster_of(c, row);

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
	return c->n++;
}
