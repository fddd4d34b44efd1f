/* labelled_files.c: labelled sets in files of lines or of JSON.
 *
 * Strict: every line or record is a row or an error that names it. A line that cannot be
 * read can be left out (skip_bad); a whole .json file that is none cannot. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "datasets/labelled_priv.h"

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

/* obj[key] as text: a string, or an integer printed; *text stays NULL if absent. */
static int get_text(const cJSON *obj, const char *key, bool required, const char **text,
		    struct fot_str *number, const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node = fot_json_get(obj, key);
	int64_t value = 0;
	int status;

	if (!node || !cJSON_IsNumber(node))
		return fot_json_string(obj, key, required, text, ctx, err);
	status = fot_json_as_i64(node, -((int64_t)1 << 53), (int64_t)1 << 53, &value, ctx, err);
	if (status != FOT_OK)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected an integer or a string", ctx->where,
				key);
	fot_str_clear(number);
	fot_str_printf(number, "%lld", (long long)value);
	*text = number->data;
	return fot_str_check(number, err);
}

/* obj[key]: a string or a list of strings. */
static int get_answers(const cJSON *obj, const char *key, const char ***out, size_t *n,
		       const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node = fot_json_get(obj, key), *item;
	size_t count = node && cJSON_IsArray(node) ? (size_t)cJSON_GetArraySize(node) : 1;

	*out = fot_calloc(count, sizeof(**out));
	if (!*out)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", ctx->where);
	if (!node || !cJSON_IsArray(node)) {
		*n = 1;
		return fot_json_string(obj, key, true, *out, ctx, err);
	}
	cJSON_ArrayForEach (item, node) {
		if (!cJSON_IsString(item))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s.%s[%zu]: expected a string", ctx->where, key,
					*n);
		(*out)[(*n)++] = item->valuestring;
	}
	return FOT_OK;
}

struct keys {
	const char *id, *text, *label, *answers, *split;
	bool id_required;
};

static int json_record(struct fot_labelling *g, const cJSON *obj, const struct keys *k, const char *where,
		       int64_t line, struct fot_err *err)
{
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	struct fot_str id = FOT_STR_INIT, label = FOT_STR_INIT;
	struct fot_row row = { .line = line };
	const char **answer = NULL, *text = NULL, *name = NULL;
	int status;

	if (!cJSON_IsObject(obj))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object with \"%s\"", where, k->text);
	FOT_TRY(fot_json_string(obj, k->text, true, &text, &ctx, err));
	FOT_TRY(get_text(obj, k->id, k->id_required, &row.id, &id, &ctx, err));
	FOT_TRY(fot_json_string(obj, k->split, false, &row.split, &ctx, err));
	if (k->answers)
		FOT_TRY(get_answers(obj, k->answers, &answer, &row.n_answers, &ctx, err));
	else
		FOT_TRY(get_text(obj, k->label, true, &name, &label, &ctx, err));
	row.text.p = text;
	row.text.n = strlen(text);
	row.label.p = name;
	row.label.n = name ? strlen(name) : 0;
	row.answer = answer;
	status = fot_labelling_add(g, &row, err);
out:
	fot_free(answer);
	fot_str_release(&id);
	fot_str_release(&label);
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
	cJSON *obj = NULL;
	int status;

	fot_str_printf(&where, "%s:%lld", g->path, (long long)line);
	FOT_TRY(fot_str_check(&where, err));
	status = fot_json_parse(&obj, p, n, where.data, FOT_ERR_INPUT, err);
	if (status != FOT_OK && torn)
		fot_err_prefix(err, "the last line is cut off");
	if (status == FOT_OK)
		status = json_record(g, obj, &k, where.data, line, err);
out:
	cJSON_Delete(obj);
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

/* ---- WebQuestions: a list of records; their "line" is the place in the list ---- */

int fot_labelled_webquestions(struct fot_labelling *g, struct fot_err *err)
{
	const struct keys k = { or (g->o->id, "qId"),
				or (g->o->text, "qText"),
				g->o->label,
				g->o->label ? NULL : or (g->o->answers, "answers"),
				or (g->o->split, "split"),
				g->o->id || !g->o->text };
	struct fot_str text = FOT_STR_INIT, where = FOT_STR_INIT;
	struct fot_err own = { 0 };
	const cJSON *item;
	cJSON *list = NULL;
	int64_t n = 0;
	int status;

	FOT_TRY(fot_labelling_text(&text, g->path, false, &own));
	FOT_TRY(fot_json_parse(&list, text.data, text.len, g->path, FOT_ERR_INPUT, &own));
	if (!cJSON_IsArray(list)) {
		status =
			FOT_FAIL(&own, FOT_ERR_INPUT, "%s: expected a list of records [{...}, ...]", g->path);
		goto out;
	}
	cJSON_ArrayForEach (item, list) {
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: record %lld", g->path, (long long)++n);
		FOT_TRY(fot_str_check(&where, &own));
		FOT_TRY(fot_labelling_bad(g, json_record(g, item, &k, where.data, n, &own), &own));
	}
out:
	if (status != FOT_OK && err)
		*err = own;
	cJSON_Delete(list);
	fot_str_release(&text);
	fot_str_release(&where);
	return status;
}
