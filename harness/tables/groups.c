/* groups.c: see groups.h.
 *
 * A row is looked for from the group of the row before it: rows of one group
 * mostly stand together or take turns in a fixed order. */
#include "harness/tables/groups.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"

struct key {
	const struct fot_table *t;
	int column[FOT_GROUP_COLUMNS];
	size_t n;
};

static const struct fot_cell *cell(const struct key *k, size_t row, size_t i)
{
	return &k->t->cell[row * k->t->schema->n + (size_t)k->column[i]];
}

static bool equal(const struct fot_cell *x, const struct fot_cell *y)
{
	if (x->kind != y->kind)
		return false;
	if (x->kind == FOT_CELL_TEXT)
		return strcmp(x->text, y->text) == 0;
	return x->kind == FOT_CELL_REAL ? !(x->x < y->x || x->x > y->x) : x->i == y->i;
}

static bool same(const struct key *k, size_t a, size_t b)
{
	for (size_t i = 0; i < k->n; i++) {
		if (!equal(cell(k, a, i), cell(k, b, i)))
			return false;
	}
	return true;
}

static int add_row(struct fot_group *g, size_t row, struct fot_err *err)
{
	if (!FOT_GROW(g->row, g->n, g->cap))
		return FOT_NO_MEMORY(err, "groups of rows");
	g->row[g->n++] = row;
	return FOT_OK;
}

static int add_group(struct fot_groups *out, size_t row, struct fot_err *err)
{
	if (!FOT_GROW(out->at, out->n, out->cap))
		return FOT_NO_MEMORY(err, "groups of rows");
	out->at[out->n] = (struct fot_group){ 0 };
	return add_row(&out->at[out->n++], row, err);
}

static int key_init(struct key *k, const struct fot_table *t, const char *const *columns, struct fot_err *err)
{
	*k = (struct key){ .t = t };
	for (; columns[k->n]; k->n++) {
		int c = fot_schema_column(t->schema, columns[k->n]);

		if (c < 0 || k->n == FOT_GROUP_COLUMNS)
			return FOT_FAIL(err, FOT_ERR_RUN, "groups of rows: %s.csv: column %s cannot be used",
					t->schema->name, columns[k->n]);
		k->column[k->n] = c;
	}
	return FOT_OK;
}

int fot_groups_add(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
		   const char *const *columns, struct fot_err *err)
{
	size_t begin = out->n, at = begin, i;
	struct key k;
	int status = key_init(&k, t, columns, err);

	for (size_t row = first; row < last && status == FOT_OK; row++) {
		size_t n = out->n - begin;

		for (i = 0; i < n; i++) {
			size_t g = begin + (at - begin + i) % n;

			if (same(&k, out->at[g].row[0], row)) {
				at = g;
				break;
			}
		}
		if (i < n) {
			status = add_row(&out->at[at], row, err);
		} else {
			at = out->n;
			status = add_group(out, row, err);
		}
	}
	return status;
}

void fot_groups_release(struct fot_groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		fot_free(g->at[i].row);
	fot_free(g->at);
	*g = (struct fot_groups){ 0 };
}
