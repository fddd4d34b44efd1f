/* parquet.c: see parquet.h. */
#include "datasets/parquet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "datasets/parquet_pages.h"
#include "datasets/record.h"

#define NOTES_MAX ((uint32_t)64 << 20)
#define TAIL 8u /* bytes: length of the notes, "PAR1" */

struct fot_parquet {
	char *name;
	struct fot_map map; /* where it is a file */
	const unsigned char *bytes;
	size_t size;
	struct fot_parquet_notes notes;
	struct fot_parquet_pages pages[FOT_PARQUET_CHOSEN_MAX];
	size_t column[FOT_PARQUET_CHOSEN_MAX];
	struct fot_parquet_cell row[FOT_PARQUET_CHOSEN_MAX];
	char digits[FOT_PARQUET_CHOSEN_MAX][24];
	size_t n;      /* columns chosen */
	size_t group;  /* the next row group */
	int64_t left;  /* rows of the one before it that are to come */
	size_t n_data; /* bytes before the notes */
};

/* ---- opening ---- */

/* Where do the notes lie? */
static int find_notes(struct fot_parquet *p, uint32_t *len, struct fot_err *err)
{
	const unsigned char *d = p->bytes, *tail;

	if (p->size < 4 || memcmp(d, "PAR1", 4) != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a Parquet file, got one that %s", p->name,
				p->size >= 4 && memcmp(d, "PARE", 4) == 0 ? "is encrypted" :
									    "does not begin with PAR1");
	tail = p->size < 4 + TAIL ? NULL : d + p->size - TAIL;
	if (!tail || memcmp(tail + 4, "PAR1", 4) != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: the file is cut off (%zu bytes, expected PAR1 at the end)", p->name,
				p->size);
	*len = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 | (uint32_t)tail[3] << 24;
	if (*len > NOTES_MAX || *len > p->size - 4 - TAIL)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: expected at most %zu bytes of notes at the end, got %" PRIu32, p->name,
				p->size - 4 - TAIL < NOTES_MAX ? p->size - 4 - TAIL : NOTES_MAX, *len);
	p->n_data = p->size - TAIL - *len;
	return FOT_OK;
}

static int open_bytes(struct fot_parquet *p, struct fot_err *err)
{
	uint32_t len = 0;
	int status;

	FOT_TRY(find_notes(p, &len, err));
	status = fot_parquet_notes_read(&p->notes, p->bytes + p->n_data, len, p->name, err);
out:
	return status;
}

static int make(struct fot_parquet **out, const char *name, struct fot_err *err)
{
	struct fot_parquet *p = fot_calloc(1, sizeof(*p));

	*out = p;
	if (p)
		p->name = fot_strdup(name);
	return p && p->name ? FOT_OK : FOT_NO_MEMORY(err, name);
}

int fot_parquet_open_memory(struct fot_parquet **out, const void *bytes, size_t n, const char *name,
			    struct fot_err *err)
{
	struct fot_parquet *p = NULL;
	int status;

	FOT_TRY(make(&p, name, err));
	p->bytes = bytes;
	p->size = n;
	FOT_TRY(open_bytes(p, err));
	*out = p;
out:
	if (status != FOT_OK)
		fot_parquet_close(p);
	return status;
}

int fot_parquet_open(struct fot_parquet **out, const char *path, struct fot_err *err)
{
	struct fot_parquet *p = NULL;
	int status;

	FOT_TRY(make(&p, path, err));
	FOT_TRY(fot_map_open(&p->map, path, err));
	p->bytes = p->map.data;
	p->size = p->map.size;
	FOT_TRY(open_bytes(p, err));
	*out = p;
out:
	if (status != FOT_OK)
		fot_parquet_close(p);
	return status;
}

void fot_parquet_close(struct fot_parquet *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		fot_parquet_pages_release(&p->pages[i]);
	fot_parquet_notes_release(&p->notes);
	fot_map_close(&p->map);
	fot_free(p->name);
	fot_free(p);
}

const char *fot_parquet_huggingface(const struct fot_parquet *p)
{
	return p->notes.huggingface;
}

/* ---- columns ---- */

int fot_parquet_rename(struct fot_parquet *p, const char *names, struct fot_err *err)
{
	size_t n = 1, i = 0;

	for (const char *c = names; *c; c++)
		n += *c == ',';
	if (n != p->notes.n_columns)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: columns=: expected %zu names, got %zu", p->name,
				p->notes.n_columns, n);
	for (; i < n; i++, names += strcspn(names, ",") + 1) {
		char *name = fot_strndup(names, strcspn(names, ","));

		if (!name)
			return FOT_NO_MEMORY(err, p->name);
		fot_free(p->notes.column[i].name);
		p->notes.column[i].name = name;
	}
	return FOT_OK;
}

/* Up to some sixty bytes of the columns' names, for messages. */
static void name_columns(struct fot_str *out, const struct fot_parquet_notes *s)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		fot_str_printf(out, "%s%.40s", i ? ", " : "", s->column[i].name);
		if (out->len > 60 && i + 1 < s->n_columns) {
			fot_str_puts(out, ", ...");
			return;
		}
	}
}

static int no_column(const struct fot_parquet *p, const char *column, struct fot_err *err)
{
	struct fot_str names = FOT_STR_INIT;
	int status;

	name_columns(&names, &p->notes);
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a column '%s', got %s", p->name, column,
			  names.data && !names.failed ? names.data : "others");
	fot_str_release(&names);
	return status;
}

/* "a list" is named, "DOUBLE" a type. */
static const char *column_is(const struct fot_parquet_column *c)
{
	return c->kind & FOT_FIELD_STRING  ? "text" :
	       c->kind & FOT_FIELD_INTEGER ? "integers" :
	       c->kind & FOT_FIELD_BOOL    ? "booleans" :
					     c->other;
}

int fot_parquet_choose(struct fot_parquet *p, const char *column, unsigned kinds, bool required, int *cell,
		       struct fot_err *err)
{
	size_t i = 0;

	*cell = -1;
	while (i < p->notes.n_columns && strcmp(p->notes.column[i].name, column) != 0)
		i++;
	if (i == p->notes.n_columns)
		return required ? no_column(p, column, err) : FOT_OK;
	if (!(p->notes.column[i].kind & kinds))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: column %s: expected %s, got %s", p->name, column,
				fot_field_kinds(kinds), column_is(&p->notes.column[i]));
	if (p->n == FOT_PARQUET_CHOSEN_MAX)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: more than %d columns asked for", p->name,
				FOT_PARQUET_CHOSEN_MAX);
	p->column[p->n] = i;
	p->pages[p->n] = (struct fot_parquet_pages){
		.file = p->name, .bytes = p->bytes, .n_bytes = p->n_data, .column = &p->notes.column[i]
	};
	*cell = (int)p->n++;
	return FOT_OK;
}

/* ---- rows ---- */

static int begin_group(struct fot_parquet *p, struct fot_err *err)
{
	const struct fot_parquet_chunk *chunk = &p->notes.chunk[p->group * p->notes.n_columns];
	int status = FOT_OK;

	p->left = p->notes.rows[p->group];
	for (size_t i = 0; i < p->n && status == FOT_OK; i++)
		status = fot_parquet_pages_begin(&p->pages[i], p->group, &chunk[p->column[i]], p->left, err);
	p->group++;
	return status;
}

static void fill_cell(struct fot_parquet *p, size_t i, const struct fot_parquet_value *v)
{
	const struct fot_parquet_column *c = p->pages[i].column;
	struct fot_parquet_cell *cell = &p->row[i];
	uint64_t bits = c->type == FOT_PARQUET_INT32 ? (uint32_t)v->integer : (uint64_t)v->integer;
	int n;

	cell->p = p->digits[i];
	if (c->kind & FOT_FIELD_STRING) {
		cell->p = v->p;
		cell->n = v->n;
	} else if (c->kind & FOT_FIELD_BOOL) {
		cell->p = v->integer ? "true" : "false";
		cell->n = strlen(cell->p);
	} else {
		n = c->is_unsigned ? snprintf(p->digits[i], sizeof(p->digits[i]), "%" PRIu64, bits) :
				     snprintf(p->digits[i], sizeof(p->digits[i]), "%" PRId64, v->integer);
		cell->n = (size_t)n;
	}
}

int fot_parquet_next(struct fot_parquet *p, const struct fot_parquet_cell **row, struct fot_err *err)
{
	struct fot_parquet_value v;
	int status = FOT_OK;

	*row = NULL;
	while (!p->left && p->group < p->notes.n_groups)
		FOT_TRY(begin_group(p, err));
	if (!p->left)
		return FOT_OK;
	p->left--;
	for (size_t i = 0; i < p->n; i++) {
		v = (struct fot_parquet_value){ .p = "" };
		FOT_TRY(fot_parquet_pages_next(&p->pages[i], &v, &p->row[i].there, err));
		if (p->row[i].there)
			fill_cell(p, i, &v);
		else
			p->row[i] = (struct fot_parquet_cell){ .p = "" };
	}
	*row = p->row;
out:
	return status;
}
