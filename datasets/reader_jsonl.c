/* reader_jsonl.c: a file of {"text": ..., "id": ...} records, one a line, plain or packed.
 *
 * Strict: every line that is not blank must be one object with the string "text"; "id" is a
 * string, an integer or missing ("line-7" then), other keys are ignored; text=, id= and where=
 * say otherwise (dataset.h).  Only place and hash of each text are kept; texts are parsed again
 * from the mapped file when asked for.  A packed file is kept in memory, unpacked. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/options.h"
#include "datasets/reader.h"
#include "datasets/record.h"
#include "datasets/unpack.h"

#define LINE_MAX_BYTES ((int64_t)64 << 20)
#define UNPACKED_MAX ((size_t)4 << 30)

static int place_name(struct fot_str *out, const char *file, int64_t line, struct fot_err *err)
{
	fot_str_clear(out);
	fot_str_printf(out, "%s:%lld", file, (long long)line);
	return fot_str_check(out, err);
}

/* The record's text and, where it has one, its id. */
static int read_fields(const struct fot_dataset *d, const struct fot_record *r, struct fot_str *text,
		       struct fot_str *id, struct fot_err *err)
{
	const char *id_key = d->opts.id ? d->opts.id : "id";
	bool there = false;
	int status;

	FOT_TRY(fot_record_field(r, d->opts.text ? d->opts.text : "text", FOT_FIELD_STRING, text, NULL, err));
	if (*id_key)
		FOT_TRY(fot_record_field(r, id_key, FOT_FIELD_STRING | FOT_FIELD_INTEGER, id,
					 d->opts.id ? NULL : &there, err));
	if ((there || d->opts.id) && *id_key && (id->len == 0 || memchr(id->data, '\0', id->len)))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: %s", r->where, id_key,
				  id->len ? "a NUL byte, expected an id" : "empty, expected an id");
out:
	return status;
}

static int add_record(struct fot_dataset *d, const struct fot_record *r, struct fot_place *place,
		      struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT, id = FOT_STR_INIT;
	struct fot_document doc = { .split = FOT_TEST };
	int status;

	FOT_TRY(read_fields(d, r, &text, &id, err));
	if (id.len == 0)
		fot_str_printf(&id, "line-%lld", (long long)place->line);
	FOT_TRY(fot_str_check(&id, err));
	fot_document_measure(&doc, &text);
	doc.id = id.data;
	FOT_TRY(fot_dataset_add(d, &doc, place, err));
out:
	fot_str_release(&text);
	fot_str_release(&id);
	return status;
}

/* Does where= take the record? */
static int is_wanted(const struct fot_dataset *d, const struct fot_record *r, bool *wanted,
		     struct fot_err *err)
{
	struct fot_str value = FOT_STR_INIT;
	int status;

	*wanted = true;
	if (!d->opts.where)
		return FOT_OK;
	FOT_TRY(fot_record_field(r, d->opts.where, FOT_FIELD_STRING | FOT_FIELD_INTEGER | FOT_FIELD_BOOL,
				 &value, wanted, err));
	*wanted = *wanted && fot_data_matches(d->opts.patterns, value.data);
out:
	fot_str_release(&value);
	return status;
}

static bool is_blank_line(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static int read_line(struct fot_dataset *d, const char *line, struct fot_place *place, bool torn,
		     struct fot_str *where, struct fot_err *err)
{
	struct fot_record r = { 0 };
	bool wanted = true;
	int status;

	FOT_TRY(place_name(where, d->root, place->line, err));
	if (place->length > LINE_MAX_BYTES) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: a line of %lld bytes, the limit is %lld",
				  where->data, (long long)place->length, (long long)LINE_MAX_BYTES);
		goto out;
	}
	FOT_TRY(fot_record_parse(&r, line, (size_t)place->length, where->data, torn, err));
	FOT_TRY(is_wanted(d, &r, &wanted, err));
	if (wanted)
		status = add_record(d, &r, place, err);
	else
		d->left.n_filtered++;
out:
	fot_record_release(&r);
	return status;
}

/* The file's records, to be closed in any case: mapped, or those that were unpacked. */
static int open_records(const struct fot_dataset *d, struct fot_map *map, const char **text, size_t *n,
			struct fot_err *err)
{
	int status = FOT_OK;

	if (d->unpacked.data) {
		*text = d->unpacked.data;
		*n = d->unpacked.len;
		return FOT_OK;
	}
	status = fot_map_open(map, d->root, err);
	*text = map->size ? (const char *)map->data : "";
	*n = map->size;
	return status;
}

static int jsonl_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	const struct fot_place *p = &d->place[i];
	struct fot_str where = FOT_STR_INIT, id = FOT_STR_INIT;
	struct fot_map map = { 0 };
	struct fot_record r = { 0 };
	const char *text;
	size_t n;
	int status;

	FOT_TRY(place_name(&where, d->root, p->line, err));
	FOT_TRY(open_records(d, &map, &text, &n, err));
	if ((size_t)(p->offset + p->length) > n) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the file has shrunk since it was opened",
				  where.data);
		goto out;
	}
	FOT_TRY(fot_record_parse(&r, text + p->offset, (size_t)p->length, where.data, false, err));
	FOT_TRY(read_fields(d, &r, out, &id, err));
out:
	fot_record_release(&r);
	fot_map_close(&map);
	fot_str_release(&where);
	fot_str_release(&id);
	return status;
}

/* A text file that was named where records are expected should not be called a torn record. */
static int check_kind(const struct fot_dataset *d, const char *text, size_t n, struct fot_err *err)
{
	size_t name = fot_unpacked_name(d->name), at = 0;

	if (name > 6 && strncmp(d->name + name - 6, ".jsonl", 6) == 0)
		return FOT_OK;
	while (at < n && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	if (at == n || text[at] == '{')
		return FOT_OK;
	return FOT_FAIL(
		err, FOT_ERR_INPUT,
		"%s: expected a folder of .txt files, or a file .txt or .jsonl (or .gz, .zst) or .parquet, got neither",
		d->root);
}

static int read_records(struct fot_dataset *d, const char *text, size_t n, struct fot_err *err)
{
	struct fot_place place = { .pinned = true };
	struct fot_str where = FOT_STR_INIT;
	const char *newline;
	size_t at = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, end;
	int status = check_kind(d, text + at, n - at, err);

	for (; at < n && status == FOT_OK; at = end + 1) {
		newline = memchr(text + at, '\n', n - at);
		end = newline ? (size_t)(newline - text) : n;
		place.line++;
		place.offset = (int64_t)at;
		place.length = (int64_t)(end - at);
		if (!is_blank_line(text + at, end - at))
			status = read_line(d, text + at, &place, !newline, &where, err);
	}
	if (status == FOT_OK && d->n == 0)
		status = fot_reader_none_taken(d, err);
	fot_str_release(&where);
	return status;
}

int fot_reader_jsonl(struct fot_dataset *d, struct fot_err *err)
{
	struct fot_map map = { 0 };
	const char *text;
	size_t n;
	int status;

	d->text = jsonl_text;
	FOT_TRY(open_records(d, &map, &text, &n, err));
	if (n && fot_is_packed(text, n)) {
		fot_str_puts(&d->unpacked, "");
		FOT_TRY(fot_unpack(&d->unpacked, text, n, d->root, UNPACKED_MAX, err));
		FOT_TRY(open_records(d, &map, &text, &n, err));
	}
	status = read_records(d, text, n, err);
out:
	fot_map_close(&map);
	return status;
}
