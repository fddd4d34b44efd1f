/* groups.c: see groups.h.
 *
 * A row is looked for from the group of the row before it: rows of one group
 * mostly stand together or take turns in a fixed order. */
#include "harness/tables/groups.h"

#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/tables/stats.h"

struct key {
	const struct fot_table *t;
	int column[FOT_GROUP_COLUMNS];
	size_t n;
};

static const struct fot_cell *cell(const struct key *k, size_t row, size_t i)
{
	return &k->t->cell[row * k->t->schema->n + (size_t)k->column[i]];
}

static bool same(const struct key *k, size_t a, size_t b)
{
	for (size_t i = 0; i < k->n; i++) {
		if (!fot_cell_same(cell(k, a, i), cell(k, b, i)))
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

static int add_group(struct fot_groups *out, const struct fot_table *t, size_t row, struct fot_err *err)
{
	if (!FOT_GROW(out->at, out->n, out->cap))
		return FOT_NO_MEMORY(err, "groups of rows");
	out->at[out->n] = (struct fot_group){ .t = t };
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
			status = add_group(out, t, row, err);
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

/* --- rows by what they say --- */

static size_t mix(uint64_t h)
{
	return (size_t)(h ^ h >> 32);
}

static uint64_t cell_hash(const struct fot_cell *c)
{
	double x = c->kind == FOT_CELL_REAL ? c->x + 0.0 : 0.0; /* -0 says the same as 0 */

	if (c->kind == FOT_CELL_TEXT)
		return fot_fnv(c->text, strlen(c->text));
	return c->kind == FOT_CELL_REAL ? fot_fnv(&x, sizeof x) : fot_fnv(&c->i, sizeof c->i);
}

static size_t row_hash(const struct fot_table *t, size_t row, const char *const *columns)
{
	uint64_t h = 0;

	for (size_t i = 0; columns[i]; i++)
		h = h * 0x100000001b3u ^ cell_hash(fot_table_cell(t, row, columns[i]));
	return mix(h);
}

int fot_row_index_init(struct fot_row_index *x, const struct fot_table *t, const size_t *row, size_t n,
		       const char *const *columns, struct fot_err *err)
{
	*x = (struct fot_row_index){ .t = t, .row = row, .n = n, .columns = columns, .slots = 16 };
	while (x->slots < 2 * n)
		x->slots *= 2;
	x->slot = fot_calloc(x->slots, sizeof *x->slot);
	if (!x->slot)
		return FOT_NO_MEMORY(err, "index of rows");
	for (size_t k = 0; k < n; k++) {
		size_t i = row_hash(t, row[k], columns) & (x->slots - 1);

		while (x->slot[i] && !fot_table_same_all(t, row[x->slot[i] - 1], t, row[k], columns))
			i = (i + 1) & (x->slots - 1);
		if (!x->slot[i])
			x->slot[i] = k + 1;
	}
	return FOT_OK;
}

void fot_row_index_release(struct fot_row_index *x)
{
	fot_free(x->slot);
	*x = (struct fot_row_index){ 0 };
}

size_t fot_row_index_find(const struct fot_row_index *x, const struct fot_table *u, size_t row)
{
	size_t i = row_hash(u, row, x->columns) & (x->slots - 1);

	for (; x->slot[i]; i = (i + 1) & (x->slots - 1))
		if (fot_table_same_all(x->t, x->row[x->slot[i] - 1], u, row, x->columns))
			return x->slot[i] - 1;
	return x->n;
}

/* --- clusters --- */

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
	for (i = mix(fot_fnv(own->text, strlen(own->text))) & (c->slots - 1); c->slot[i];
	     i = (i + 1) & (c->slots - 1))
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

/* --- adjusted p values --- */

/* The family of a row that is its first; p, at: room for all its rows. */
static int adjust_family(struct fot_table *t, size_t first, const char *const *family, double *p, size_t *at,
			 struct fot_err *err)
{
	size_t n = 0;
	int status;

	for (size_t row = first; row < t->n_rows; row++) {
		if (!fot_table_has(t, row, "p_value") || !fot_table_same_all(t, first, t, row, family))
			continue;
		p[n] = fot_table_real(t, row, "p_value", 1);
		at[n++] = row;
	}
	status = fot_stats_holm(p, p, n, err);
	for (size_t i = 0; i < n && status == FOT_OK; i++)
		fot_table_set_real(t, at[i], "p_adjusted", p[i]);
	return status;
}

int fot_table_adjust(struct fot_table *t, size_t first, const char *const *family, struct fot_err *err)
{
	size_t most = t->n_rows - first;
	double *p = fot_alloc(most, sizeof *p);
	size_t *at = fot_alloc(most, sizeof *at);
	int status =
		p && at ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "p values: out of memory for %zu rows", most);

	for (size_t row = first; row < t->n_rows && status == FOT_OK; row++) {
		if (fot_table_has(t, row, "p_value") && !fot_table_has(t, row, "p_adjusted"))
			status = adjust_family(t, row, family, p, at, err);
	}
	fot_free(p);
	fot_free(at);
	return status;
}

/* --- items x demonstration seeds --- */

void fot_matrix_release(struct fot_matrix *x)
{
	fot_free(x->item);
	fot_free(x->class);
	fot_free(x->seed);
	fot_free(x->score);
	fot_free(x->have);
}

static size_t seed_at(struct fot_matrix *x, int64_t seed)
{
	size_t k = 0;

	while (k < x->n_seeds && x->seed[k] != seed)
		k++;
	if (k == x->n_seeds)
		x->seed[x->n_seeds++] = seed;
	return k;
}

static size_t count_column(const struct fot_matrix *x, size_t seed)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_items; i++)
		n += x->have[i * x->n_seeds + seed];
	return n;
}

static bool row_is_full(const struct fot_matrix *x, size_t item, const bool *keep)
{
	for (size_t k = 0; k < x->n_seeds; k++) {
		if (keep[k] && !x->have[item * x->n_seeds + k])
			return false;
	}
	return true;
}

/* Leave out thin seeds, then items with holes; what is left stands at the front. */
static int matrix_complete(struct fot_matrix *x, struct fot_err *err)
{
	bool *keep = fot_alloc(x->n_seeds, sizeof *keep);
	size_t n_seeds = 0, n_items = 0, at = 0;

	if (!keep)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu seeds", x->n_seeds);
	for (size_t k = 0; k < x->n_seeds; k++) {
		keep[k] = 2 * count_column(x, k) >= x->n_items;
		n_seeds += keep[k];
	}
	for (size_t i = 0; i < x->n_items; i++) {
		if (!row_is_full(x, i, keep))
			continue;
		for (size_t k = 0; k < x->n_seeds; k++) {
			if (keep[k])
				x->score[at++] = x->score[i * x->n_seeds + k];
		}
		x->item[n_items] = x->item[i];
		n_items++;
	}
	x->n_items = n_seeds ? n_items : 0;
	x->n_seeds = x->n_items ? n_seeds : 0;
	fot_free(keep);
	return FOT_OK;
}

/* Rows that agree in a column get the same number of[k], from 0 in the order of the first ones; *count: how many there
 * are, and first[] a row of each (NULL: not wanted). */
static int number_rows(size_t *of, size_t *count, size_t *first, const struct fot_table *t, const size_t *row,
		       size_t n, const char *column, struct fot_err *err)
{
	const char *columns[] = { column, NULL };
	struct fot_row_index x;
	int status = fot_row_index_init(&x, t, row, n, columns, err);

	*count = 0;
	for (size_t k = 0; k < n && status == FOT_OK; k++) {
		size_t same_as = fot_row_index_find(&x, t, row[k]);

		if (same_as < k) {
			of[k] = of[same_as];
			continue;
		}
		if (first)
			first[*count] = row[k];
		of[k] = (*count)++;
	}
	fot_row_index_release(&x);
	return status;
}

/* Items with the same value of this column are of one class. */
static int matrix_classes(struct fot_matrix *x, const struct fot_table *t, const char *column,
			  struct fot_err *err)
{
	size_t n;

	x->class = fot_alloc(x->n_items, sizeof *x->class);
	if (!x->class)
		return FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu items", x->n_items);
	return number_rows(x->class, &n, NULL, t, x->item, x->n_items, column, err);
}

int fot_matrix_init(struct fot_matrix *x, const struct fot_clusters *s, const double *v,
		    const struct fot_table *t, const char *balance, struct fot_err *err)
{
	size_t *i = fot_alloc(s->n, sizeof *i), *k = fot_alloc(s->n, sizeof *k);
	int status = FOT_OK;

	*x = (struct fot_matrix){ .item = fot_alloc(s->n, sizeof *x->item),
				  .seed = fot_alloc(s->n, sizeof *x->seed) };
	if (!i || !k || !x->item || !x->seed)
		goto no_memory;
	FOT_TRY(number_rows(i, &x->n_items, x->item, t, s->row, s->n, "item_id", err));
	for (size_t r = 0; r < s->n; r++)
		k[r] = seed_at(x, fot_table_int(t, s->row[r], "demo_seed", 0));
	x->score = fot_alloc(fot_size_mul(x->n_items, x->n_seeds), sizeof *x->score);
	x->have = fot_calloc(fot_size_mul(x->n_items, x->n_seeds), sizeof *x->have);
	if (!x->score || !x->have)
		goto no_memory;
	for (size_t r = 0; r < s->n; r++) {
		x->score[i[r] * x->n_seeds + k[r]] = v[r];
		x->have[i[r] * x->n_seeds + k[r]] = true;
	}
	status = matrix_complete(x, err);
	if (status == FOT_OK && balance)
		status = matrix_classes(x, t, balance, err);
	goto out;
no_memory:
	status = FOT_FAIL(err, FOT_ERR_RUN, "statistics: out of memory for %zu rows", s->n);
out:
	fot_free(i);
	fot_free(k);
	return status;
}
