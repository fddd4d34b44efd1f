/* reader_jsonl.c: a file of {"text": ..., "id": ...} records, one a line.
 *
 * Strict: every line that is not blank must be one object with the string
 * "text"; "id" is a string or missing ("line-7" then), other keys are ignored.
 * Only place and hash of each text are kept; texts are parsed again from the
 * mapped file when asked for. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "datasets/reader.h"
#include "datasets/text.h"

#define LINE_MAX_BYTES ((int64_t)64 << 20)

/* A record's parts; strings point into json. */
struct record {
	cJSON *json;
	const char *text, *id; /* id NULL when missing */
};

static int check_record(struct record *r, const char *where, struct fot_err *err)
{
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	int status;

	if (!cJSON_IsObject(r->json))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object with \"text\"", where);
	FOT_TRY(fot_json_string(r->json, "text", true, &r->text, &ctx, err));
	FOT_TRY(fot_json_string(r->json, "id", false, &r->id, &ctx, err));
	if (r->id && !*r->id)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s.id: empty", where);
out:
	return status;
}

/* torn: the line has no end, so a parse error most likely means a cut file. */
static int parse_record(struct record *r, const char *line, size_t n, const char *where, bool torn,
			struct fot_err *err)
{
	int status = fot_json_parse(&r->json, line, n, where, FOT_ERR_INPUT, err);

	if (status != FOT_OK)
		return torn ? (fot_err_prefix(err, "the last line is cut off"), status) : status;
	status = check_record(r, where, err);
	if (status != FOT_OK) {
		cJSON_Delete(r->json);
		r->json = NULL;
	}
	return status;
}

static int place_name(struct fot_str *out, const char *file, int64_t line, struct fot_err *err)
{
	fot_str_clear(out);
	fot_str_printf(out, "%s:%lld", file, (long long)line);
	return fot_str_check(out, err);
}

static int add_record(struct fot_dataset *d, const struct record *r, struct fot_place *place, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT, id = FOT_STR_INIT;
	struct fot_document doc = { .split = FOT_TEST };
	int status;

	fot_str_puts(&text, r->text);
	if (r->id)
		fot_str_puts(&id, r->id);
	else
		fot_str_printf(&id, "line-%lld", (long long)place->line);
	FOT_TRY(fot_str_check(&text, err));
	FOT_TRY(fot_str_check(&id, err));
	fot_document_measure(&doc, &text);
	doc.id = id.data;
	FOT_TRY(fot_dataset_add(d, &doc, place, err));
out:
	fot_str_release(&text);
	fot_str_release(&id);
	return status;
}

static bool is_blank_line(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static int read_line(struct fot_dataset *d, const char *line, struct fot_place *place, bool torn, struct fot_str *where,
		     struct fot_err *err)
{
	struct record r = { 0 };
	int status;

	FOT_TRY(place_name(where, d->root, place->line, err));
	if (place->length > LINE_MAX_BYTES) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: a line of %lld bytes, the limit is %lld", where->data,
				  (long long)place->length, (long long)LINE_MAX_BYTES);
		goto out;
	}
	FOT_TRY(parse_record(&r, line, (size_t)place->length, where->data, torn, err));
	FOT_TRY(add_record(d, &r, place, err));
out:
	cJSON_Delete(r.json);
	return status;
}

static int jsonl_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	const struct fot_place *p = &d->place[i];
	struct fot_str where = FOT_STR_INIT;
	struct fot_map map = { 0 };
	struct record r = { 0 };
	int status;

	FOT_TRY(place_name(&where, d->root, p->line, err));
	FOT_TRY(fot_map_open(&map, d->root, err));
	if ((size_t)(p->offset + p->length) > map.size) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the file has shrunk since it was opened", where.data);
		goto out;
	}
	FOT_TRY(parse_record(&r, (const char *)map.data + p->offset, (size_t)p->length, where.data, false, err));
	fot_str_puts(out, r.text);
	FOT_TRY(fot_str_check(out, err));
out:
	cJSON_Delete(r.json);
	fot_map_close(&map);
	fot_str_release(&where);
	return status;
}

int fot_reader_jsonl(struct fot_dataset *d, struct fot_err *err)
{
	struct fot_place place = { .pinned = true };
	struct fot_str where = FOT_STR_INIT;
	struct fot_map map = { 0 };
	size_t at = 0, end;
	const char *text, *newline;
	int status;

	d->text = jsonl_text;
	FOT_TRY(fot_map_open(&map, d->root, err));
	text = (const char *)map.data;
	if (map.size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	for (; at < map.size; at = end + 1) {
		newline = memchr(text + at, '\n', map.size - at);
		end = newline ? (size_t)(newline - text) : map.size;
		place.line++;
		place.offset = (int64_t)at;
		place.length = (int64_t)(end - at);
		if (!is_blank_line(text + at, end - at))
			FOT_TRY(read_line(d, text + at, &place, !newline, &where, err));
	}
	if (d->n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: 0 documents", d->root);
out:
	fot_map_close(&map);
	fot_str_release(&where);
	return status;
}
