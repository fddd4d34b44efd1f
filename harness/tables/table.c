/* table.c: cells, rows and JSON records; the CSV side is in table_csv.c. */
#include "harness/tables/table.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/tables/stats.h"

static const struct fot_cell EMPTY = { FOT_CELL_EMPTY, 0, 0.0, NULL };

void fot_table_init(struct fot_table *t, const struct fot_schema *schema)
{
	*t = (struct fot_table){ .schema = schema };
}

void fot_table_clear(struct fot_table *t)
{
	for (size_t i = 0; i < t->n_rows * t->schema->n; i++)
		fot_free(t->cell[i].text);
	t->n_rows = 0;
	t->mistake = (struct fot_err){ 0 };
}

void fot_table_release(struct fot_table *t)
{
	if (!t->schema)
		return;
	fot_table_clear(t);
	fot_free(t->cell);
	t->cell = NULL;
	t->cap = 0;
}

static void mistake(struct fot_table *t, int code, const char *what, size_t row, const char *column)
{
	if (t->mistake.code == 0)
		FOT_FAIL(&t->mistake, code, "%s.csv: row %zu: column %s: %s", t->schema->name, row, column,
			 what);
}

size_t fot_table_add(struct fot_table *t)
{
	size_t n = t->schema->n;

	if (t->n_rows == t->cap) {
		size_t cap = t->cap ? fot_size_mul(t->cap, 2) : 64;
		struct fot_cell *cell = fot_realloc(t->cell, fot_size_mul(cap, n), sizeof *cell);

		if (!cell) {
			mistake(t, FOT_ERR_RUN, "out of memory", t->n_rows, "-");
			return t->n_rows; /* setters see that the row does not exist */
		}
		t->cell = cell;
		t->cap = cap;
	}
	for (size_t i = 0; i < n; i++)
		t->cell[t->n_rows * n + i] = EMPTY;
	return t->n_rows++;
}

int fot_table_check(const struct fot_table *t, struct fot_err *err)
{
	if (t->mistake.code != 0 && err)
		*err = t->mistake;
	return t->mistake.code;
}

static struct fot_cell *cell_at(struct fot_table *t, size_t row, const char *column)
{
	int i = fot_schema_column(t->schema, column);

	if (i < 0 || row >= t->n_rows) {
		mistake(t, FOT_ERR_RUN, i < 0 ? "no such column" : "no such row", row, column);
		return NULL;
	}
	return &t->cell[row * t->schema->n + (size_t)i];
}

static struct fot_cell *typed_cell(struct fot_table *t, size_t row, const char *column, unsigned types)
{
	int i = fot_schema_column(t->schema, column);
	struct fot_cell *c = cell_at(t, row, column);

	if (c && !(types >> t->schema->column[i].type & 1u)) {
		mistake(t, FOT_ERR_RUN, "value of another type", row, column);
		return NULL;
	}
	return c;
}

void fot_table_set_int(struct fot_table *t, size_t row, const char *column, int64_t value)
{
	int i = fot_schema_column(t->schema, column);
	struct fot_cell *c = typed_cell(t, row, column, 1u << FOT_COLUMN_INT | 1u << FOT_COLUMN_BOOL);

	if (!c)
		return;
	if (t->schema->column[i].type == FOT_COLUMN_BOOL && value != 0 && value != 1)
		mistake(t, FOT_ERR_RUN, "expected 0 or 1", row, column);
	c->kind = FOT_CELL_INT;
	c->i = value;
}

void fot_table_set_real(struct fot_table *t, size_t row, const char *column, double value)
{
	struct fot_cell *c = typed_cell(t, row, column, 1u << FOT_COLUMN_REAL);

	if (!c)
		return;
	if (!isfinite(value)) {
		mistake(t, FOT_ERR_RUN, "number is not finite", row, column);
		return;
	}
	c->kind = FOT_CELL_REAL;
	c->x = value;
}

void fot_table_set_estimate(struct fot_table *t, size_t row, const char *column, double value)
{
	if (isfinite(value)) {
		fot_table_set_real(t, row, column, value);
		return;
	}
	fot_table_set_empty(t, row, column);
	if (fot_schema_column(t->schema, "status") >= 0)
		fot_table_set_text(t, row, "status", FOT_STATS_OUT_OF_RANGE);
}

void fot_table_set_text(struct fot_table *t, size_t row, const char *column, const char *value)
{
	struct fot_cell *c = typed_cell(t, row, column, 1u << FOT_COLUMN_TEXT);

	if (!c)
		return;
	fot_free(c->text);
	*c = EMPTY;
	if (!value || !*value)
		return;
	c->text = fot_strdup(value);
	if (!c->text)
		mistake(t, FOT_ERR_RUN, "out of memory", row, column);
	else
		c->kind = FOT_CELL_TEXT;
}

void fot_table_set_empty(struct fot_table *t, size_t row, const char *column)
{
	struct fot_cell *c = cell_at(t, row, column);

	if (!c)
		return;
	fot_free(c->text);
	*c = EMPTY;
}

void fot_table_copy_shared(struct fot_table *t, size_t row, const struct fot_table *from, size_t from_row)
{
	for (size_t i = 0; i < from->schema->n; i++) {
		const char *name = from->schema->column[i].name;
		const struct fot_cell *c = &from->cell[from_row * from->schema->n + i];

		if (fot_schema_column(t->schema, name) < 0)
			continue;
		if (c->kind == FOT_CELL_INT)
			fot_table_set_int(t, row, name, c->i);
		else if (c->kind == FOT_CELL_REAL)
			fot_table_set_real(t, row, name, c->x);
		else if (c->kind == FOT_CELL_TEXT)
			fot_table_set_text(t, row, name, c->text);
	}
}

const struct fot_cell *fot_table_cell(const struct fot_table *t, size_t row, const char *column)
{
	int i = fot_schema_column(t->schema, column);

	return i < 0 || row >= t->n_rows ? &EMPTY : &t->cell[row * t->schema->n + (size_t)i];
}

const char *fot_table_text(const struct fot_table *t, size_t row, const char *column)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);

	return c->kind == FOT_CELL_TEXT ? c->text : "";
}

int64_t fot_table_int(const struct fot_table *t, size_t row, const char *column, int64_t missing)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);

	return c->kind == FOT_CELL_INT ? c->i : missing;
}

double fot_table_real(const struct fot_table *t, size_t row, const char *column, double missing)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);

	return c->kind == FOT_CELL_REAL ? c->x : missing;
}

bool fot_table_has(const struct fot_table *t, size_t row, const char *column)
{
	return fot_table_cell(t, row, column)->kind != FOT_CELL_EMPTY;
}

bool fot_table_same(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other,
		    const char *column)
{
	const struct fot_cell *x = fot_table_cell(t, row, column), *y = fot_table_cell(u, other, column);

	if (x->kind != y->kind)
		return false;
	if (x->kind == FOT_CELL_TEXT)
		return strcmp(x->text, y->text) == 0;
	if (x->kind == FOT_CELL_REAL)
		return !(x->x < y->x || x->x > y->x);
	return x->kind == FOT_CELL_EMPTY || x->i == y->i;
}

bool fot_table_same_all(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other,
			const char *const *columns)
{
	for (size_t i = 0; columns[i]; i++) {
		if (!fot_table_same(t, row, u, other, columns[i]))
			return false;
	}
	return true;
}

/* --- JSON records --- */

static cJSON *cell_json(const struct fot_cell *c)
{
	if (c->kind == FOT_CELL_INT)
		return cJSON_CreateNumber((double)c->i);
	return c->kind == FOT_CELL_REAL ? cJSON_CreateNumber(c->x) : cJSON_CreateString(c->text);
}

cJSON *fot_table_row_json(const struct fot_table *t, size_t row, bool timing)
{
	cJSON *object = cJSON_CreateObject();

	for (size_t i = 0; i < t->schema->n && object; i++) {
		const struct fot_cell *c = &t->cell[row * t->schema->n + i];
		cJSON *value;

		if (c->kind == FOT_CELL_EMPTY || (t->schema->column[i].kind == FOT_COLUMN_TIMING) != timing)
			continue;
		value = cell_json(c);
		if (!value || !cJSON_AddItemToObject(object, t->schema->column[i].name, value)) {
			cJSON_Delete(value);
			cJSON_Delete(object);
			object = NULL;
		}
	}
	return object;
}

static int set_from_json(struct fot_table *t, size_t row, const struct fot_column *column, const cJSON *value,
			 const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	int64_t i;

	if (column->type == FOT_COLUMN_TEXT && cJSON_IsString(value)) {
		fot_table_set_text(t, row, column->name, value->valuestring);
	} else if (column->type == FOT_COLUMN_REAL && cJSON_IsNumber(value)) {
		fot_table_set_real(t, row, column->name, value->valuedouble);
	} else if (column->type == FOT_COLUMN_INT || column->type == FOT_COLUMN_BOOL) {
		int64_t top = column->type == FOT_COLUMN_BOOL ? 1 : ((int64_t)1 << 53) - 1;
		int status = fot_json_as_i64(value, column->type == FOT_COLUMN_BOOL ? 0 : -top, top, &i, &ctx,
					     err);

		if (status != FOT_OK)
			return fot_err_prefix(err, "column %s", column->name);
		fot_table_set_int(t, row, column->name, i);
	} else {
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: column %s: value of the wrong type", where,
				column->name);
	}
	return fot_table_check(t, err);
}

int fot_table_row_from_json(struct fot_table *t, size_t row, const cJSON *object, const char *where,
			    struct fot_err *err)
{
	const cJSON *value;

	if (!cJSON_IsObject(object))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object of cells", where);
	cJSON_ArrayForEach (value, object) {
		int i = fot_schema_column(t->schema, value->string);
		int status;

		if (i < 0)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s.csv has no column \"%s\"", where,
					t->schema->name, value->string);
		status = set_from_json(t, row, &t->schema->column[i], value, where, err);
		if (status != FOT_OK)
			return status;
	}
	return FOT_OK;
}
