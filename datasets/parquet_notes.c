/* parquet_notes.c: see parquet_notes.h.
 *
 * The schema is a tree, written before its children are: what is on the way to an element stands on a
 * stack.  Leaves are the columns, in the order of the chunks. */
#include "datasets/parquet_notes.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "datasets/parquet.h"
#include "datasets/record.h"
#include "datasets/thrift.h"

#define DEPTH_MAX 32
#define COLUMNS_MAX 10000u
#define NAME_MAX_BYTES 1000u

/* ---- what a column is ---- */

static const char *const types[] = { "BOOLEAN", "INT32",  "INT64",      "INT96",
				     "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY" };

/* What values mean, where they are not what they look like: by "converted" and by "logical" type. */
struct meaning {
	int number;
	const char *what;
};
static const struct meaning converted[] = {
	{ 5, "DECIMAL" },   { 6, "DATE" },       { 7, "TIME" },  { 8, "TIME" },
	{ 9, "TIMESTAMP" }, { 10, "TIMESTAMP" }, { 20, "BSON" }, { 21, "INTERVAL" },
};
static const struct meaning logical[] = {
	{ 5, "DECIMAL" }, { 6, "DATE" },  { 7, "TIME" },     { 8, "TIMESTAMP" },
	{ 13, "BSON" },   { 14, "UUID" }, { 15, "FLOAT16" },
};
#define UINT_FIRST 11 /* converted types UINT_8 to UINT_64 */
#define UINT_LAST 14
#define LOGICAL_INTEGER 10

static const char *meaning_of(const struct meaning *list, size_t n, int64_t number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].number == number)
			return list[i].what;
	return NULL;
}

/* An element of the schema as it is written. */
struct element {
	int64_t of[7]; /* by number: 1 type, 3 repetition, 5 children, 6 converted type; -1: not given */
	const char *name;
	size_t n_name;
	int64_t logical;
	bool is_unsigned;
};
enum { TYPE = 1, REPETITION = 3, CHILDREN = 5, CONVERTED = 6 };
enum { OPTIONAL = 1, REPEATED = 2 };

static void read_logical(struct fot_thrift *t, int type, struct element *e)
{
	struct fot_thrift_field f = { 0 };
	int64_t integer[3] = { 0, 0, 1 }; /* width, signed */

	t->bad = t->bad || type != FOT_THRIFT_STRUCT;
	while (!t->bad && fot_thrift_next(t, &f)) {
		e->logical = f.id;
		fot_thrift_integers(t, f.type, integer, 3);
	}
	e->is_unsigned = e->logical == LOGICAL_INTEGER && !integer[2];
}

static void read_element(struct fot_thrift *t, struct element *e)
{
	struct fot_thrift_field f = { 0 };

	*e = (struct element){ .of = { -1, -1, -1, -1, -1, -1, -1 }, .name = "" };
	while (fot_thrift_next(t, &f)) {
		if (f.id == 4)
			e->name = fot_thrift_bytes(t, f.type, &e->n_name);
		else if (f.id == 10)
			read_logical(t, f.type, e);
		else if (f.id <= CONVERTED)
			e->of[f.id] = fot_thrift_integer(t, f.type);
		else
			fot_thrift_skip(t, f.type);
	}
	if (e->of[CONVERTED] >= UINT_FIRST && e->of[CONVERTED] <= UINT_LAST)
		e->is_unsigned = true;
}

static void set_kind(struct fot_parquet_column *c, const struct element *e)
{
	static const unsigned kinds[] = { FOT_FIELD_BOOL,  FOT_FIELD_INTEGER, FOT_FIELD_INTEGER, 0, 0, 0,
					  FOT_FIELD_STRING };

	c->type = (int)e->of[TYPE];
	c->is_unsigned = e->is_unsigned;
	c->kind = (size_t)c->type < FOT_COUNT(kinds) ? kinds[c->type] : 0;
	c->other = meaning_of(converted, FOT_COUNT(converted), e->of[CONVERTED]);
	if (!c->other)
		c->other = meaning_of(logical, FOT_COUNT(logical), e->logical);
	if (!c->other && !c->kind)
		c->other = (size_t)c->type < FOT_COUNT(types) ? types[c->type] : "of an unknown type";
	if (c->other)
		c->kind = 0;
}

/* ---- the schema ---- */

struct schema {
	struct {
		int64_t children; /* still to come */
		size_t n_path;
		int levels;
		bool repeated;
	} level[DEPTH_MAX];
	size_t depth;
	struct fot_str path;
	const char *file;
};

static int bad_schema(const struct schema *s, const char *why, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: schema: %s", s->file, why);
}

static int add_column(struct fot_parquet_notes *n, const struct schema *s, const struct element *e,
		      int levels, bool repeated, struct fot_err *err)
{
	struct fot_parquet_column c = { .levels = levels };

	if (e->of[TYPE] < 0 || e->of[TYPE] >= (int64_t)FOT_COUNT(types))
		return bad_schema(s, "a column of no type", err);
	if (n->n_columns == COLUMNS_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than %u columns", s->file, COLUMNS_MAX);
	set_kind(&c, e);
	if (repeated) {
		c.kind = 0;
		c.other = "a list";
	}
	c.name = FOT_GROW(n->column, n->n_columns, n->cap_columns) ? fot_strdup(s->path.data) : NULL;
	if (!c.name)
		return FOT_NO_MEMORY(err, s->file);
	n->column[n->n_columns++] = c;
	return FOT_OK;
}

static int add_element(struct fot_parquet_notes *n, struct schema *s, const struct element *e,
		       struct fot_err *err)
{
	size_t up = s->depth - 1;
	int levels = s->level[up].levels + (e->of[REPETITION] > 0 ? 1 : 0);
	bool repeated = s->level[up].repeated || e->of[REPETITION] == REPEATED;

	s->level[up].children--;
	s->path.len = s->level[up].n_path;
	if (s->path.len)
		fot_str_putc(&s->path, '.');
	fot_str_add(&s->path, e->name, e->n_name);
	fot_str_puts(&s->path, "");
	if (s->path.failed)
		return FOT_NO_MEMORY(err, s->file);
	if (s->path.len > NAME_MAX_BYTES)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: schema: a name of more than %u bytes", s->file,
				NAME_MAX_BYTES);
	if (e->of[CHILDREN] <= 0)
		return add_column(n, s, e, levels, repeated, err);
	if (s->depth == DEPTH_MAX)
		return bad_schema(s, "structs too deep in one another", err);
	s->level[s->depth].children = e->of[CHILDREN];
	s->level[s->depth].n_path = s->path.len;
	s->level[s->depth].levels = levels;
	s->level[s->depth++].repeated = repeated;
	return FOT_OK;
}

static int read_schema(struct fot_parquet_notes *n, struct fot_thrift *t, int type, const char *file,
		       struct fot_err *err)
{
	struct schema s = { .depth = 1, .file = file };
	struct element e;
	size_t count = fot_thrift_list(t, type, FOT_THRIFT_STRUCT);
	int status = FOT_OK;

	read_element(t, &e); /* the root */
	s.level[0].children = e.of[CHILDREN];
	for (size_t i = 1; i < count && !t->bad; i++) {
		while (s.depth && s.level[s.depth - 1].children <= 0)
			s.depth--;
		if (!s.depth)
			break;
		read_element(t, &e);
		FOT_TRY(t->bad ? FOT_OK : add_element(n, &s, &e, err));
	}
	while (s.depth && s.level[s.depth - 1].children == 0)
		s.depth--;
	if (t->bad || s.depth || n->n_columns == 0)
		status = bad_schema(&s, t->bad ? "damaged" : "not as many elements as it says", err);
out:
	fot_str_release(&s.path);
	return status;
}

/* ---- row groups ---- */

static void read_chunk(struct fot_thrift *t, struct fot_parquet_chunk *c)
{
	enum { CODEC = 4, VALUES = 5, BYTES = 7, DATA = 9, DICTIONARY = 11, N };
	struct fot_thrift_field f = { 0 };
	int64_t of[N] = { 0 };
	size_t n;

	*c = (struct fot_parquet_chunk){ .refused = "without a place" };
	while (fot_thrift_next(t, &f)) {
		if (f.id == 3) {
			fot_thrift_integers(t, f.type, of, N);
			c->refused = NULL;
		} else {
			const unsigned char *before = t->p;

			fot_thrift_skip(t, f.type);
			n = (size_t)(t->p - before);
			if (f.id == 1 && n > 1)
				c->refused = "in another file";
			if (f.id == 8 || f.id == 9)
				c->refused = "encrypted";
		}
	}
	c->at = of[DICTIONARY] > 0 && of[DICTIONARY] < of[DATA] ? of[DICTIONARY] : of[DATA];
	c->bytes = of[BYTES];
	c->values = of[VALUES];
	c->codec = of[CODEC] < 0 || of[CODEC] > 99 ? 99 : (int)of[CODEC];
}

/* Every row group has a chunk for each column. */
static int read_chunks(struct fot_parquet_notes *s, struct fot_thrift *t, int type, const char *file,
		       struct fot_err *err)
{
	size_t n = fot_thrift_list(t, type, FOT_THRIFT_STRUCT);

	if (t->bad)
		return FOT_OK;
	if (n != s->n_columns || s->n_chunks != s->n_groups * s->n_columns)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row group %zu: expected %zu columns, got %zu", file,
				s->n_groups + 1, s->n_columns, n);
	for (size_t i = 0; i < n && !t->bad; i++) {
		if (!FOT_GROW(s->chunk, s->n_chunks, s->cap_chunks))
			return FOT_NO_MEMORY(err, file);
		read_chunk(t, &s->chunk[s->n_chunks++]);
	}
	return FOT_OK;
}

static int read_group(struct fot_parquet_notes *s, struct fot_thrift *t, const char *file, int64_t *total,
		      struct fot_err *err)
{
	struct fot_thrift_field f = { 0 };
	int64_t rows = -1;
	int status = FOT_OK;

	while (fot_thrift_next(t, &f)) {
		if (f.id == 1)
			FOT_TRY(read_chunks(s, t, f.type, file, err));
		else if (f.id == 3)
			rows = fot_thrift_integer(t, f.type);
		else
			fot_thrift_skip(t, f.type);
	}
	if (t->bad)
		goto out;
	if (rows < 0 || rows > FOT_PARQUET_ROWS_MAX - *total)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: row group %zu: expected at most %lld rows in all, got %lld more", file,
				s->n_groups + 1, (long long)FOT_PARQUET_ROWS_MAX, (long long)rows);
	if (s->n_chunks != (s->n_groups + 1) * s->n_columns)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row group %zu: no columns", file, s->n_groups + 1);
	if (!FOT_GROW(s->rows, s->n_groups, s->cap_groups))
		return FOT_NO_MEMORY(err, file);
	s->rows[s->n_groups++] = rows;
	*total += rows;
out:
	return status;
}

static int read_groups(struct fot_parquet_notes *s, struct fot_thrift *t, int type, const char *file,
		       struct fot_err *err)
{
	size_t n = fot_thrift_list(t, type, FOT_THRIFT_STRUCT);
	int64_t total = 0;
	int status = FOT_OK;

	if (n && !s->n_columns)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row groups without a schema", file);
	for (size_t i = 0; i < n && status == FOT_OK && !t->bad; i++)
		status = read_group(s, t, file, &total, err);
	return status;
}

/* ---- keys and values ---- */

static int read_pairs(struct fot_parquet_notes *s, struct fot_thrift *t, int type, const char *file,
		      struct fot_err *err)
{
	static const char key[] = "huggingface";
	enum { KEY = 1, VALUE, N };
	size_t n = fot_thrift_list(t, type, FOT_THRIFT_STRUCT);

	for (size_t i = 0; i < n && !t->bad; i++) {
		struct fot_thrift_field f = { 0 };
		const char *text[N] = { NULL };
		size_t len[N] = { 0 };

		while (fot_thrift_next(t, &f)) {
			if (f.id == KEY || f.id == VALUE)
				text[f.id] = fot_thrift_bytes(t, f.type, &len[f.id]);
			else
				fot_thrift_skip(t, f.type);
		}
		if (s->huggingface || t->bad || !text[KEY] || !text[VALUE] || len[KEY] != strlen(key) ||
		    memcmp(text[KEY], key, len[KEY]) != 0)
			continue;
		s->huggingface = fot_strndup(text[VALUE], len[VALUE]);
		if (!s->huggingface)
			return FOT_NO_MEMORY(err, file);
	}
	return FOT_OK;
}

/* ---- all ---- */

int fot_parquet_notes_read(struct fot_parquet_notes *s, const unsigned char *bytes, size_t n,
			   const char *file, struct fot_err *err)
{
	struct fot_thrift t = { bytes, bytes + n, false };
	struct fot_thrift_field f = { 0 };
	int status = FOT_OK;

	while (fot_thrift_next(&t, &f)) {
		if (f.id == 2 && !s->n_columns)
			FOT_TRY(read_schema(s, &t, f.type, file, err));
		else if (f.id == 4 && !s->n_groups)
			FOT_TRY(read_groups(s, &t, f.type, file, err));
		else if (f.id == 5)
			FOT_TRY(read_pairs(s, &t, f.type, file, err));
		else
			fot_thrift_skip(&t, f.type);
	}
	if (t.bad || !s->n_columns)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: damaged notes at the file's end (byte %zu of %zu)",
				  file, (size_t)(t.p - bytes), n);
out:
	return status;
}

void fot_parquet_notes_release(struct fot_parquet_notes *s)
{
	for (size_t i = 0; i < s->n_columns; i++)
		fot_free(s->column[i].name);
	fot_free(s->column);
	fot_free(s->chunk);
	fot_free(s->rows);
	fot_free(s->huggingface);
	*s = (struct fot_parquet_notes){ 0 };
}
