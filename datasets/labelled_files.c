/* labelled_files.c: labelled sets in files of lines or of JSON.
 *
 * Strict: every line or record is a row or an error that names it. A line that cannot be
 * read can be left out (skip_bad); a whole .json file that is none cannot. */
#include <string.h>

#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/labelled_priv.h"
#include "datasets/record.h"

/* Calls one() for every line that is not blank. */
static int each_line(struct fot_labelling *g, const struct fot_str *text,
		     int (*one)(struct fot_labelling *, const char *, size_t, int64_t, bool,
				struct fot_err *),
		     struct fot_err *err)
{
	const char *p = text->data, *end = text->data + text->len, *stop;
	struct fot_err own = { 0 };
	int status = FOT_OK;

	for (int64_t line = 1; p < end && status == FOT_OK; line++, p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		bool torn = !stop;

		stop = stop ? stop : end;
		if (strspn(p, " \t\r") >= (size_t)(stop - p))
			continue;
		status = fot_labelling_bad(g, one(g, p, (size_t)(stop - p), line, torn, &own), &own);
	}
	if (status != FOT_OK && err)
		*err = own;
	return status;
}

/* ---- TREC: COARSE:fine question ---- */

static int trec_line(struct fot_labelling *g, const char *p, size_t n, int64_t line, bool torn,
		     struct fot_err *err)
{
	const char *blank = memchr(p, ' ', n), *colon = blank ? memchr(p, ':', (size_t)(blank - p)) : NULL;
	bool fine = g->o->labels && strcmp(g->o->labels, "fine") == 0;
	struct fot_row row = { .line = line };

	(void)torn;
	if (!colon || colon == p || colon + 1 == blank)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected 'COARSE:fine question', got '%.*s'",
				g->path, (long long)line, (int)(n < 80 ? n : 80), p);
	row.label.p = p;
	row.label.n = (size_t)((fine ? blank : colon) - p);
	row.text.p = blank + 1;
	row.text.n = n - (size_t)(blank + 1 - p);
	return fot_labelling_add(g, &row, err);
}

int fot_labelled_trec(struct fot_labelling *g, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_labelling_text(&text, g->path, true, err);

	if (status == FOT_OK)
		status = each_line(g, &text, trec_line, err);
	fot_str_release(&text);
	return status;
}

/* ---- JSON records ---- */

/* obj[key]: a string or a list of strings; they stand in *strings, cut by NULs. */
static int get_answers(const struct fot_record *r, const char *key, struct fot_str *strings, size_t *n,
		       struct fot_err *err)
{
	const cJSON *node = fot_record_node(r, key), *item;
	size_t before;
	int status;

	*n = 0;
	if (!node || !cJSON_IsArray(node)) {
		*n = 1;
		status = fot_record_field(r, key, FOT_FIELD_STRING, strings, NULL, err);
		if (status == FOT_OK && memchr(strings->data, '\0', strings->len))
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: NUL byte, expected text", r->where,
					  key);
		return status;
	}
	cJSON_ArrayForEach (item, node) {
		if (!cJSON_IsString(item))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s[%zu]: expected a string", r->where, key,
					*n);
		before = strings->len;
		fot_record_string(r, strings, item->valuestring);
		if (strings->len > before && memchr(strings->data + before, '\0', strings->len - before))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s[%zu]: NUL byte, expected text", r->where,
					key, *n);
		fot_str_putc(strings, '\0');
		(*n)++;
	}
	return fot_str_check(strings, err);
}

/* Pointers to n strings, each ending in a NUL, one behind the other. */
static int point_to(const char ***out, const struct fot_str *strings, size_t n, struct fot_err *err)
{
	const char *at = strings->data;

	*out = fot_calloc(n + 1, sizeof(**out));
	if (!*out)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu answers", n);
	for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
		(*out)[i] = at;
	return FOT_OK;
}

struct keys {
	const char *id, *text, *label, *answers, *split;
	bool id_required;
};

/* Texts of one record. */
struct fields {
	struct fot_str text, id, label, answers, split;
	const char **answer;
};

static void fields_release(struct fields *f)
{
	fot_str_release(&f->text);
	fot_str_release(&f->id);
	fot_str_release(&f->label);
	fot_str_release(&f->answers);
	fot_str_release(&f->split);
	fot_free(f->answer);
}

/* A field that is a word: no NUL. */
static int get_word(const struct fot_record *r, const char *key, unsigned kinds, bool required,
		    struct fot_str *out, const char **word, struct fot_err *err)
{
	bool there = true;
	int status = fot_record_field(r, key, kinds, out, required ? NULL : &there, err);

	if (status == FOT_OK && there && memchr(out->data, '\0', out->len))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: NUL byte, expected text", r->where, key);
	*word = there ? out->data : NULL;
	return status;
}

static int json_record(struct fot_labelling *g, const struct fot_record *r, const struct keys *k,
		       int64_t line, struct fot_err *err)
{
	struct fields f = { 0 };
	struct fot_row row = { .line = line };
	const char *name;
	int status;

	FOT_TRY(fot_record_field(r, k->text, FOT_FIELD_STRING, &f.text, NULL, err));
	if (*k->id)
		FOT_TRY(get_word(r, k->id, FOT_FIELD_STRING | FOT_FIELD_INTEGER, k->id_required, &f.id,
				 &row.id, err));
	FOT_TRY(get_word(r, k->split, FOT_FIELD_STRING, false, &f.split, &row.split, err));
	if (k->answers) {
		FOT_TRY(get_answers(r, k->answers, &f.answers, &row.n_answers, err));
		FOT_TRY(point_to(&f.answer, &f.answers, row.n_answers, err));
	} else {
		FOT_TRY(get_word(r, k->label, FOT_FIELD_STRING | FOT_FIELD_INTEGER | FOT_FIELD_BOOL, true,
				 &f.label, &name, err));
	}
	row.text.p = f.text.data;
	row.text.n = f.text.len;
	row.label.p = f.label.data;
	row.label.n = f.label.len;
	row.answer = f.answer;
	status = fot_labelling_add(g, &row, err);
out:
	fields_release(&f);
	return status;
}

static const char * or (const char *given, const char *otherwise)
{
	return given ? given : otherwise;
}

static int jsonl_line(struct fot_labelling *g, const char *p, size_t n, int64_t line, bool torn,
		      struct fot_err *err)
{
	const struct keys k = { or (g->o->id, "id"), or (g->o->text, "text"),   or (g->o->label, "label"),
				g->o->answers,       or (g->o->split, "split"), g->o->id != NULL };
	struct fot_str where = FOT_STR_INIT;
	struct fot_record r = { 0 };
	int status;

	fot_str_printf(&where, "%s:%lld", g->path, (long long)line);
	FOT_TRY(fot_str_check(&where, err));
	FOT_TRY(fot_record_parse(&r, p, n, where.data, torn, err));
	status = json_record(g, &r, &k, line, err);
out:
	fot_record_release(&r);
	fot_str_release(&where);
	return status;
}

int fot_labelled_jsonl(struct fot_labelling *g, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_labelling_text(&text, g->path, false, err);

	if (status == FOT_OK)
		status = each_line(g, &text, jsonl_line, err);
	fot_str_release(&text);
	return status;
}

/* ---- lists of records; their "line" is the place in the file's records ---- */

/* [text, label] of a list that is called like a split. */
static int pair_record(struct fot_labelling *g, const struct fot_record *r, const char *split, int64_t line,
		       struct fot_err *err)
{
	const cJSON *text = cJSON_GetArrayItem(r->json, 0), *label = text ? text->next : NULL;
	struct fields f = { 0 };
	struct fot_row row = { .line = line, .split = split };
	int status;

	if (!cJSON_IsArray(r->json) || !cJSON_IsString(text) || !cJSON_IsString(label) || label->next)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected [\"text\", \"label\"]", r->where);
	fot_record_string(r, &f.text, text->valuestring);
	fot_record_string(r, &f.label, label->valuestring);
	FOT_TRY(fot_str_check(&f.text, err));
	FOT_TRY(fot_str_check(&f.label, err));
	row.text.p = f.text.data;
	row.text.n = f.text.len;
	row.label.p = f.label.data;
	row.label.n = f.label.len;
	status = fot_labelling_add(g, &row, err);
out:
	fields_release(&f);
	return status;
}

/* The records of the list at p; split: NULL for objects, else pairs. *n: records so far. */
static int each_record(struct fot_labelling *g, const struct fot_record *whole, const char *p,
		       const struct keys *k, const char *split, int64_t *n, struct fot_err *err)
{
	const char *end = whole->source.data + whole->source.len, *value;
	struct fot_str where = FOT_STR_INIT;
	struct fot_record r = { 0 };
	size_t len;
	int status = FOT_OK;

	for (p++; status == FOT_OK && fot_record_next(&p, end, &value, &len);) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: record %lld", g->path, (long long)++*n);
		FOT_TRY(fot_str_check(&where, err));
		status = fot_record_part(&r, whole, value, len, where.data, err);
		if (status == FOT_OK)
			status = split ? pair_record(g, &r, split, *n, err) : json_record(g, &r, k, *n, err);
		status = fot_labelling_bad(g, status, err);
		fot_record_release(&r);
	}
out:
	fot_record_release(&r);
	fot_str_release(&where);
	return status;
}

/* {"train": [[text, label], ...], "oos_train": ..., "val": ..., "test": ...} */
static int each_split(struct fot_labelling *g, const struct fot_record *whole, int64_t *n,
		      struct fot_err *err)
{
	int status = FOT_OK;

	for (const cJSON *c = whole->json->child; c && status == FOT_OK; c = c->next) {
		const char *name = strncmp(c->string, "oos_", 4) == 0 ? c->string + 4 : c->string;
		const char *list = fot_record_member(whole->source.data, whole->source.len, c->string);
		enum fot_split split;

		if (!fot_split_parse(name, &split) || !cJSON_IsArray(c) || !list)
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"%s: %.60s: expected lists train, val and test of [\"text\", \"label\"], or oos_ of them",
				g->path, c->string);
		status = each_record(g, whole, list, NULL, name, n, err);
	}
	return status;
}

int fot_labelled_json(struct fot_labelling *g, struct fot_err *err)
{
	const struct keys k = { or (g->o->id, "qId"),
				or (g->o->text, "qText"),
				g->o->label,
				g->o->label ? NULL : or (g->o->answers, "answers"),
				or (g->o->split, "split"),
				g->o->id || !g->o->text };
	struct fot_str text = FOT_STR_INIT;
	struct fot_record whole = { 0 };
	struct fot_err own = { 0 };
	int64_t n = 0;
	int status;

	FOT_TRY(fot_labelling_text(&text, g->path, false, &own));
	FOT_TRY(fot_record_parse(&whole, text.data, text.len, g->path, false, &own));
	if (cJSON_IsArray(whole.json))
		status = each_record(g, &whole, strchr(whole.source.data, '['), &k, NULL, &n, &own);
	else if (cJSON_IsObject(whole.json) && whole.json->child)
		status = each_split(g, &whole, &n, &own);
	else
		status =
			FOT_FAIL(&own, FOT_ERR_INPUT, "%s: expected a list of records [{...}, ...]", g->path);
out:
	if (status != FOT_OK && err)
		*err = own;
	fot_record_release(&whole);
	fot_str_release(&text);
	return status;
}
