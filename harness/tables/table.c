/* table.c: cells, rows and JSON records and CSV; see table.h. */
#include "harness/tables/table.h"

#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/tables/stats.h"

static const struct fot_cell EMPTY = { .kind = FOT_CELL_EMPTY };

void fot_table_init(struct fot_table *t, const struct fot_schema *schema)
{
	*t = (struct fot_table){ .schema = schema };
}

void fot_table_clear(struct fot_table *t)
{
	fot_intern_release(&t->texts);
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
		size_t cap = t->cap ? fot_size_mul(t->cap, 2) : 4; /* an item has few rows */
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

static enum fot_column_type type_of(const struct fot_table *t, const struct fot_cell *c)
{
	return t->schema->column[(size_t)(c - t->cell) % t->schema->n].type;
}

static struct fot_cell *typed_cell(struct fot_table *t, size_t row, const char *column, unsigned types)
{
	struct fot_cell *c = cell_at(t, row, column);

	if (c && !(types >> type_of(t, c) & 1u)) {
		mistake(t, FOT_ERR_RUN, "value of another type", row, column);
		return NULL;
	}
	return c;
}

void fot_table_set_int(struct fot_table *t, size_t row, const char *column, int64_t value)
{
	struct fot_cell *c = typed_cell(t, row, column, 1u << FOT_COLUMN_INT | 1u << FOT_COLUMN_BOOL);

	if (!c)
		return;
	if (value != 0 && value != 1 && type_of(t, c) == FOT_COLUMN_BOOL)
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
	*c = EMPTY;
	if (!value || !*value)
		return;
	value = fot_intern(&t->texts, value);
	if (value)
		*c = (struct fot_cell){ .kind = FOT_CELL_TEXT, .text = value };
	else
		mistake(t, FOT_ERR_RUN, "out of memory", row, column);
}

void fot_table_set_str(struct fot_table *t, size_t row, const char *column, struct fot_str *value)
{
	if (value->failed)
		mistake(t, FOT_ERR_RUN, "out of memory", row, column);
	else
		fot_table_set_text(t, row, column, value->data);
	fot_str_release(value);
}

void fot_table_set_empty(struct fot_table *t, size_t row, const char *column)
{
	struct fot_cell *c = cell_at(t, row, column);

	if (c)
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

double fot_table_number(const struct fot_table *t, size_t row, const char *column)
{
	const struct fot_cell *c = fot_table_cell(t, row, column);

	return c->kind == FOT_CELL_REAL ? c->x : c->kind == FOT_CELL_INT ? (double)c->i : 0.0;
}

bool fot_table_has(const struct fot_table *t, size_t row, const char *column)
{
	return fot_table_cell(t, row, column)->kind != FOT_CELL_EMPTY;
}

bool fot_cell_same(const struct fot_cell *x, const struct fot_cell *y)
{
	if (x->kind != y->kind)
		return false;
	if (x->kind == FOT_CELL_TEXT)
		return strcmp(x->text, y->text) == 0;
	if (x->kind == FOT_CELL_REAL)
		return !(x->x < y->x || x->x > y->x);
	return x->i == y->i;
}

bool fot_table_same(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other,
		    const char *column)
{
	return fot_cell_same(fot_table_cell(t, row, column), fot_table_cell(u, other, column));
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

bool fot_table_is_first(const struct fot_table *t, size_t row, const char *const *columns)
{
	size_t r = 0;

	while (r < row && !fot_table_same_all(t, r, t, row, columns))
		r++;
	return r == row;
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

bool fot_table_rows_json(cJSON *root, const char *name, const struct fot_table *t)
{
	cJSON *rows = cJSON_AddArrayToObject(root, name);
	bool good = rows != NULL;

	for (size_t row = 0; row < t->n_rows && good; row++)
		good = fot_json_add(rows, fot_table_row_json(t, row, false));
	return good;
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

/* --- CSV, libcsv both ways: numbers stand bare, so that gnuplot sees numbers; texts go through the door of quote.h --- */

#define MAX_FILE ((size_t)1 << 31)

static void put_cell(struct fot_str *out, const struct fot_cell *c)
{
	if (c->kind == FOT_CELL_INT)
		fot_str_int(out, c->i);
	else if (c->kind == FOT_CELL_REAL)
		fot_str_double(out, c->x);
	else if (c->kind == FOT_CELL_TEXT)
		fot_quote_csv(out, c->text);
}

static bool has_value(const struct fot_table *t, size_t column)
{
	for (size_t row = 0; row < t->n_rows; row++)
		if (t->cell[row * t->schema->n + column].kind != FOT_CELL_EMPTY)
			return true;
	return false;
}

/* Columns that are written. */
static size_t count_written(const struct fot_table *t)
{
	size_t n = t->schema->n;

	while (n && t->schema->column[n - 1].kind == FOT_COLUMN_LATE && !has_value(t, n - 1))
		n--;
	return n;
}

static void put_header(struct fot_str *out, const struct fot_table *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fot_str_printf(out, "%s%s", i ? "," : "", t->schema->column[i].name);
	fot_str_putc(out, '\n');
}

static void put_row(struct fot_str *out, const struct fot_table *t, size_t row, size_t n, bool timings)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			fot_str_putc(out, ',');
		if (timings || t->schema->column[i].kind != FOT_COLUMN_TIMING)
			put_cell(out, &t->cell[row * t->schema->n + i]);
	}
	fot_str_putc(out, '\n');
}

int fot_table_print(struct fot_str *out, const struct fot_table *t, bool timings, struct fot_err *err)
{
	size_t n = count_written(t);
	int status = fot_table_check(t, err);

	if (status != FOT_OK)
		return status;
	put_header(out, t, n);
	for (size_t row = 0; row < t->n_rows; row++)
		put_row(out, t, row, n, timings);
	return fot_str_check(out, err);
}

/* Row by row: the text of millions of them does not stand beside them in memory. */
int fot_table_write(const struct fot_table *t, const char *path, bool timings, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_outfile *f = NULL;
	size_t n = count_written(t);
	int status;

	FOT_TRY(fot_table_check(t, err));
	FOT_TRY(fot_outfile_open(&f, path, err));
	put_header(&text, t, n);
	for (size_t row = 0; row < t->n_rows; row++) {
		FOT_TRY(fot_str_check(&text, err));
		FOT_TRY(fot_outfile_write(f, text.data, text.len, err));
		fot_str_clear(&text);
		put_row(&text, t, row, n, timings);
	}
	FOT_TRY(fot_str_check(&text, err));
	FOT_TRY(fot_outfile_write(f, text.data, text.len, err));
	status = fot_outfile_commit(f, err);
	f = NULL;
out:
	fot_outfile_abort(f);
	fot_str_release(&text);
	return status;
}

/* --- reader --- */

struct reader {
	struct fot_table *t;
	const char *name;
	size_t *column; /* [n_columns] place in the file -> column of the schema */
	size_t n_columns, field, record, row;
	int status;
	struct fot_err *err;
};

static bool header_repeats(const struct reader *r, size_t column)
{
	for (size_t i = 0; i < r->field; i++) {
		if (r->column[i] == column)
			return true;
	}
	return false;
}

static void read_header_field(struct reader *r, const char *text)
{
	int i = fot_schema_column(r->t->schema, text);

	if (i < 0)
		r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: header: unknown column \"%.80s\"", r->name,
				     text);
	else if (header_repeats(r, (size_t)i))
		r->status =
			FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: header: column %s stands twice", r->name, text);
	else
		r->column[r->field] = (size_t)i;
}

static void bad_cell(struct reader *r, const char *column, const char *expected, const char *text)
{
	r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: record %zu: column %s: expected %s, got \"%.80s\"",
			     r->name, r->record + 1, column, expected, text);
}

static void read_cell(struct reader *r, const char *text)
{
	const struct fot_column *c = &r->t->schema->column[r->column[r->field]];
	int64_t i;
	double x;

	if (!*text)
		return;
	if (c->type == FOT_COLUMN_TEXT) {
		if (fot_utf8_valid(text, strlen(text)) != strlen(text))
			bad_cell(r, c->name, "UTF-8", text);
		else
			fot_table_set_text(r->t, r->row, c->name, fot_unquote_csv(text));
	} else if (c->type == FOT_COLUMN_REAL) {
		if (fot_parse_double(text, &x))
			fot_table_set_real(r->t, r->row, c->name, x);
		else
			bad_cell(r, c->name, "a number", text);
	} else if (fot_parse_i64(text, &i) && (c->type == FOT_COLUMN_INT || i == 0 || i == 1)) {
		fot_table_set_int(r->t, r->row, c->name, i);
	} else {
		bad_cell(r, c->name, c->type == FOT_COLUMN_BOOL ? "0 or 1" : "an integer", text);
	}
}

static void on_field(void *field, size_t n, void *context)
{
	struct reader *r = context;
	const char *text = field ? field : "";

	if (r->status != FOT_OK)
		return;
	if (memchr(text, '\0', n)) {
		r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: record %zu: NUL byte in a cell", r->name,
				     r->record + 1);
		return;
	}
	if (r->field >= (r->record == 0 ? r->t->schema->n : r->n_columns)) {
		r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: record %zu: more than %zu cells", r->name,
				     r->record + 1, r->field);
		return;
	}
	if (r->record > 0 && r->field == 0)
		r->row = fot_table_add(r->t);
	if (r->record == 0)
		read_header_field(r, text);
	else
		read_cell(r, text);
	r->field++;
}

/* Only columns at the end of the schema may be missing: they were added later. */
static void end_header(struct reader *r)
{
	r->n_columns = r->field;
	for (size_t c = 0; c < r->n_columns && r->status == FOT_OK; c++) {
		if (!header_repeats(r, c))
			r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: header: column %s is missing",
					     r->name, r->t->schema->column[c].name);
	}
}

static void on_record(int terminator, void *context)
{
	struct reader *r = context;

	(void)terminator;
	if (r->status != FOT_OK)
		return;
	if (r->record == 0)
		end_header(r);
	else if (r->field != r->n_columns)
		r->status = FOT_FAIL(r->err, FOT_ERR_INPUT, "%s: record %zu: %zu cells, expected %zu",
				     r->name, r->record + 1, r->field, r->n_columns);
	if (r->status == FOT_OK)
		r->status = fot_table_check(r->t, r->err);
	r->record++;
	r->field = 0;
}

static int never_space(unsigned char c)
{
	(void)c;
	return 0;
}

int fot_table_parse(struct fot_table *t, const char *text, size_t n, const char *name, struct fot_err *err)
{
	struct reader r = { .t = t, .name = name, .err = err };
	struct csv_parser parser;
	int status = FOT_OK;

	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: CSV reader: out of memory", name);
	csv_set_space_func(&parser, never_space);
	r.column = fot_calloc(t->schema->n, sizeof *r.column);
	if (!r.column) {
		status = FOT_NO_MEMORY(err, name);
		goto out;
	}
	if (csv_parse(&parser, text, n, on_field, on_record, &r) != n ||
	    csv_fini(&parser, on_field, on_record, &r) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: record %zu: %s", name, r.record + 1,
				  csv_strerror(csv_error(&parser)));
	if (r.status != FOT_OK)
		status = r.status;
	else if (status == FOT_OK && r.record == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no header", name);
out:
	fot_free(r.column);
	csv_free(&parser);
	return status;
}

int fot_table_read(struct fot_table *t, const char *path, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_file_read(&text, path, MAX_FILE, err);

	if (status == FOT_OK)
		status = fot_table_parse(t, text.data ? text.data : "", text.len, path, err);
	fot_str_release(&text);
	return status;
}

int fot_table_read_at(struct fot_table *t, const char *dir, const char *name, bool *there, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	bool is = false;
	int status;

	FOT_TRY(fot_path_at(&path, dir, name, err));
	is = fot_file_exists(path.data);
	if (is)
		status = fot_table_read(t, path.data, err);
out:
	if (there)
		*there = is;
	fot_str_release(&path);
	return status;
}
