/* table.h: rows of one schema, in memory, as CSV and as JSON records.
 *
 * A cell is empty (missing), an integer (also for 0/1), a real or a text.
 * Setters keep the first mistake (unknown column, wrong type, number that is
 * not finite) for fot_table_check, so that filling a row needs no status per
 * cell and a NaN can never reach a file. */
#ifndef FOT_TABLE_H
#define FOT_TABLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/intern.h"
#include "base/str.h"
#include "harness/tables/columns.h"

enum fot_cell_kind { FOT_CELL_EMPTY, FOT_CELL_INT, FOT_CELL_REAL, FOT_CELL_TEXT };

struct fot_cell {
	enum fot_cell_kind kind;
	union { /* by kind; all zero of an empty one */
		int64_t i;
		double x;
		const char *text; /* of the table */
	};
};

struct fot_table {
	const struct fot_schema *schema;
	struct fot_cell *cell; /* [n_rows, schema->n] */
	size_t n_rows, cap;
	struct fot_intern texts; /* of its cells */
	struct fot_err mistake;
};

void fot_table_init(struct fot_table *t, const struct fot_schema *schema);
void fot_table_release(struct fot_table *t);
void fot_table_clear(struct fot_table *t);
/* Append an empty row and return its index. */
size_t fot_table_add(struct fot_table *t);
/* The first mistake of the setters so far, or FOT_OK. */
int fot_table_check(const struct fot_table *t, struct fot_err *err);

void fot_table_set_int(struct fot_table *t, size_t row, const char *column, int64_t value);
void fot_table_set_real(struct fot_table *t, size_t row, const char *column, double value);
/* A number computed from rows that are good: one that is not finite leaves the cell empty and is no
 * mistake; a column `status`, where the table has one, then says FOT_STATS_OUT_OF_RANGE. Set the status first. */
void fot_table_set_estimate(struct fot_table *t, size_t row, const char *column, double value);
/* NULL or "" leaves the cell empty. */
void fot_table_set_text(struct fot_table *t, size_t row, const char *column, const char *value);
/* The same of a text that was put together, which is released. */
void fot_table_set_str(struct fot_table *t, size_t row, const char *column, struct fot_str *value);
void fot_table_set_empty(struct fot_table *t, size_t row, const char *column);
/* Copy every cell of a row of another table whose column also stands in t. */
void fot_table_copy_shared(struct fot_table *t, size_t row, const struct fot_table *from, size_t from_row);

/* An unknown column gives an empty cell. */
const struct fot_cell *fot_table_cell(const struct fot_table *t, size_t row, const char *column);
/* Texts and numbers with a default for empty cells. */
const char *fot_table_text(const struct fot_table *t, size_t row, const char *column);
int64_t fot_table_int(const struct fot_table *t, size_t row, const char *column, int64_t missing);
double fot_table_real(const struct fot_table *t, size_t row, const char *column, double missing);
/* An integer or a real; 0 for other cells. */
double fot_table_number(const struct fot_table *t, size_t row, const char *column);
bool fot_table_has(const struct fot_table *t, size_t row, const char *column);
/* Are two cells equal? Two empty ones are; reals by value. */
bool fot_cell_same(const struct fot_cell *x, const struct fot_cell *y);
bool fot_table_same(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other,
		    const char *column);
/* The same for a list of columns that ends with NULL. */
bool fot_table_same_all(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other,
			const char *const *columns);

/* Does no row before it say the same in all of the columns (a list that ends with NULL)? */
bool fot_table_is_first(const struct fot_table *t, size_t row, const char *const *columns);

/* CSV (RFC 4180, LF, header always, %.17g, missing = empty). A text that starts
 * with = + - @ gets a quote mark in front, which the reader takes away. */
int fot_table_print(struct fot_str *out, const struct fot_table *t, bool timings, struct fot_err *err);
int fot_table_write(const struct fot_table *t, const char *path, bool timings, struct fot_err *err);
/* Append the rows of a CSV text; name stands in messages. Columns that were
 * added to the schema later may be missing at the end. Errors: FOT_ERR_INPUT. */
int fot_table_parse(struct fot_table *t, const char *text, size_t n, const char *name, struct fot_err *err);
int fot_table_read(struct fot_table *t, const char *path, struct fot_err *err);
/* The same of DIR/NAME where there is such a file; there, may be NULL: is it? */
int fot_table_read_at(struct fot_table *t, const char *dir, const char *name, bool *there, struct fot_err *err);

/* The non-empty cells of a row as a JSON object: the timing columns or the others. NULL without memory. */
cJSON *fot_table_row_json(const struct fot_table *t, size_t row, bool timing);
/* Add an array of all rows, without timing columns, to an object; false without memory. */
bool fot_table_rows_json(cJSON *root, const char *name, const struct fot_table *t);
/* Set cells of a row from such an object. Errors: FOT_ERR_INPUT. */
int fot_table_row_from_json(struct fot_table *t, size_t row, const cJSON *object, const char *where,
			    struct fot_err *err);

#endif
