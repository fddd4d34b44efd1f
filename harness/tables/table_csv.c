/* table_csv.c: CSV writer and reader of tables, libcsv both ways.
 *
 * Numbers stand bare, so that gnuplot sees numbers; texts go through the door of quote.h. */
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/tables/table.h"

#define MAX_FILE ((size_t)1 << 31)

static void put_cell(struct fot_str *out, const struct fot_cell *c)
{
	if (c->kind == FOT_CELL_INT)
		fot_str_printf(out, "%lld", (long long)c->i);
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

int fot_table_print(struct fot_str *out, const struct fot_table *t, bool timings, struct fot_err *err)
{
	size_t n = count_written(t);
	int status = fot_table_check(t, err);

	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		fot_str_printf(out, "%s%s", i ? "," : "", t->schema->column[i].name);
	fot_str_putc(out, '\n');
	for (size_t row = 0; row < t->n_rows; row++) {
		for (size_t i = 0; i < n; i++) {
			if (i)
				fot_str_putc(out, ',');
			if (timings || t->schema->column[i].kind != FOT_COLUMN_TIMING)
				put_cell(out, &t->cell[row * t->schema->n + i]);
		}
		fot_str_putc(out, '\n');
	}
	return fot_str_check(out, err);
}

int fot_table_write(const struct fot_table *t, const char *path, bool timings, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_table_print(&text, t, timings, err);

	if (status == FOT_OK)
		status = fot_file_replace(path, text.data, text.len, err);
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
