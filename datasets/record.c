/* record.c: see record.h.
 *
 * cJSON's strings end at a NUL and its numbers are doubles.  So a NUL is written as two
 * noncharacters before parsing and put back behind it (a true U+FDD0 is doubled, which keeps
 * them apart), and an integer that a double cannot hold is copied from the record's own bytes,
 * found by walking over the text, which parsing has shown to be JSON. */
#include "datasets/record.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/list.h"
#include "datasets/text.h"

#define STAND_IN "\xef\xb7\x90" /* U+FDD0; before another: itself, before NUL_MARK: a NUL */
#define NUL_MARK "\xef\xb7\x91" /* U+FDD1 */
#define MARK_BYTES 3u
#define SHOWN_BYTES 60u
#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* ---- NUL ---- */

/* The bytes of a record with \u0000 and U+FDD0 written as pairs. */
static void hide_nuls(struct fot_str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = 1;

		if (p[i] == '\\' && n - i >= 6 && strncmp(p + i, "\\u0000", 6) == 0) {
			fot_str_puts(out, STAND_IN NUL_MARK);
			i += 6;
			continue;
		}
		if (n - i >= 6 && strncasecmp(p + i, "\\ufdd0", 6) == 0)
			fot_str_add(out, p + i, len = 6);
		else if (n - i >= MARK_BYTES && memcmp(p + i, STAND_IN, MARK_BYTES) == 0)
			fot_str_add(out, p + i, len = MARK_BYTES);
		else if (p[i] == '\\' && i + 1 < n)
			len = 2;
		fot_str_add(out, p + i, len);
		i += len;
	}
}

void fot_record_string(const struct fot_record *r, struct fot_str *out, const char *string)
{
	size_t start = out->len;

	fot_str_puts(out, "");
	for (const char *hit; r->has_nul && (hit = strstr(string, STAND_IN)); string = hit + 2 * MARK_BYTES) {
		fot_str_add(out, string, (size_t)(hit - string));
		if (strncmp(hit + MARK_BYTES, NUL_MARK, MARK_BYTES) == 0)
			fot_str_putc(out, '\0');
		else
			fot_str_puts(out, STAND_IN);
	}
	fot_str_puts(out, string);
	if (!out->failed)
		fot_text_plain(out, start);
}

/* ---- walking over JSON ---- */

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* p at the quote; behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

static const char *skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (depth && (*p == '}' || *p == ']')) {
			depth--;
			p++;
		} else if (depth) {
			p++;
			continue;
		} else {
			return p + strcspn(p, ",]} \t\r\n"); /* the text ends in a NUL */
		}
		if (!depth)
			return p;
	}
	return end;
}

bool fot_record_next(const char **at, const char *end, const char **value, size_t *n)
{
	const char *p = skip_blanks(*at, end);

	if (p < end && *p == ',')
		p = skip_blanks(p + 1, end);
	if (p >= end || *p == ']')
		return false;
	*value = p;
	*at = skip_value(p, end);
	*n = (size_t)(*at - p);
	return true;
}

struct span {
	const char *p, *end; /* p NULL: not found */
};

/* The value of a member whose key needs no escapes. */
static struct span member(struct span object, const char *key, size_t n_key)
{
	const char *p = skip_blanks(object.p, object.end), *end = object.end, *name;

	for (p++; (p = skip_blanks(p, end)) < end && *p == '"';) {
		bool hit;

		name = p + 1;
		p = skip_string(p, end);
		hit = (size_t)(p - 1 - name) == n_key && memcmp(name, key, n_key) == 0;
		p = skip_blanks(skip_blanks(p, end) + 1, end);
		name = p;
		p = skip_value(p, end);
		if (hit)
			return (struct span){ name, p };
		p = skip_blanks(p, end);
		p += p < end && *p == ',';
	}
	return (struct span){ NULL, NULL };
}

const char *fot_record_member(const char *text, size_t n, const char *key)
{
	return member((struct span){ text, text + n }, key, strlen(key)).p;
}

/* ---- fields ---- */

/* The field at path below node, and where it stands (only asked for where source is given). */
static const cJSON *descend(const cJSON *node, const char *path, struct span *source)
{
	const cJSON *child = NULL;

	while (node && !(child = fot_json_get(node, path))) {
		size_t n = strcspn(path, ".");
		const cJSON *down = NULL;

		for (const cJSON *c = cJSON_IsObject(node) ? node->child : NULL; c && path[n] && !down;
		     c = c->next)
			if (strlen(c->string) == n && memcmp(c->string, path, n) == 0)
				down = c;
		if (source && source->p && down)
			*source = member(*source, path, n);
		node = down;
		path += path[n] ? n + 1 : n;
	}
	if (node && source && source->p)
		*source = member(*source, path, strlen(path));
	return node ? child : NULL;
}

const cJSON *fot_record_node(const struct fot_record *r, const char *path)
{
	return descend(r->json, path, NULL);
}

void fot_record_show(struct fot_str *out, const cJSON *node)
{
	struct fot_str all = FOT_STR_INIT;
	size_t n;

	if (fot_json_print(&all, node, 0, NULL) == FOT_OK && all.data) {
		n = all.len < SHOWN_BYTES ? all.len : SHOWN_BYTES;
		while (n < all.len && n > 0 && ((unsigned char)all.data[n] & 0xc0) == 0x80)
			n--;
		fot_str_add(out, all.data, n);
		fot_str_puts(out, n < all.len ? "..." : "");
	}
	fot_str_release(&all);
}

const char *fot_field_kinds(unsigned kinds)
{
	return kinds & FOT_FIELD_BOOL    ? "a string, an integer, true or false" :
	       kinds & FOT_FIELD_INTEGER ? "a string or an integer" :
					   "a string";
}

/* The keys that are there, and the option that takes one of them, if the path is what that option is
 * without. */
static int no_field(const struct fot_record *r, const char *path, unsigned kinds, struct fot_err *err)
{
	static const char *const options[] = { "text", "label", "id" };
	struct fot_str words = FOT_STR_INIT;
	cJSON *keys = cJSON_CreateArray();
	int status;

	for (const cJSON *child = r->json->child; child && cJSON_GetArraySize(keys) < (int)SHOWN_BYTES;
	     child = child->next)
		(void)fot_json_add(keys, cJSON_CreateString(child->string)); /* one less is told */
	if (cJSON_GetArraySize(keys) > 0) {
		fot_str_puts(&words, "; there are ");
		fot_record_show(&words, keys);
	}
	for (size_t i = 0; i < FOT_COUNT(options); i++)
		if (strcmp(path, options[i]) == 0)
			fot_str_printf(&words, " (another one: FILE?%s=FIELD)", path);
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: missing, expected %s%s", r->where, path,
			  fot_field_kinds(kinds), words.data && !words.failed ? words.data : "");
	fot_str_release(&words);
	cJSON_Delete(keys);
	return status;
}

static int refuse(const struct fot_record *r, const char *path, unsigned kinds, const cJSON *node,
		  struct fot_err *err)
{
	struct fot_str value = FOT_STR_INIT;
	int status;

	if (!cJSON_IsObject(r->json))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object with \"%s\"", r->where, path);
	if (!node)
		return no_field(r, path, kinds, err);
	fot_record_show(&value, node);
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected %s, got %s", r->where, path,
			  fot_field_kinds(kinds), value.data && !value.failed ? value.data : "another value");
	fot_str_release(&value);
	return status;
}

/* A whole number as it is written; false where it is none. */
static bool put_integer(const struct fot_record *r, const char *path, const cJSON *node, struct fot_str *out)
{
	struct span s = { r->source.data, r->source.data + r->source.len };
	double v = node->valuedouble;

	if (fabs(v) < EXACT_MAX) {
		if (v != floor(v))
			return false;
		fot_str_printf(out, "%lld", (long long)v);
		return true;
	}
	(void)descend(r->json, path, &s);
	if (!s.p || strspn(s.p, "-0123456789") < (size_t)(s.end - s.p))
		return false;
	fot_str_add(out, s.p, (size_t)(s.end - s.p));
	return true;
}

int fot_record_field(const struct fot_record *r, const char *path, unsigned kinds, struct fot_str *out,
		     bool *there, struct fot_err *err)
{
	const cJSON *node = fot_record_node(r, path);
	bool ok = node != NULL;

	fot_str_clear(out);
	fot_str_puts(out, "");
	if (there)
		*there = node != NULL;
	if (!node && there)
		return FOT_OK;
	if (ok && kinds & FOT_FIELD_STRING && cJSON_IsString(node))
		fot_record_string(r, out, node->valuestring);
	else if (ok && kinds & FOT_FIELD_BOOL && cJSON_IsBool(node))
		fot_str_puts(out, cJSON_IsTrue(node) ? "true" : "false");
	else
		ok = ok && kinds & FOT_FIELD_INTEGER && cJSON_IsNumber(node) &&
		     put_integer(r, path, node, out);
	return ok ? fot_str_check(out, err) : refuse(r, path, kinds, node, err);
}

/* ---- parsing ---- */

/* r->source to r->json. */
static int parse(struct fot_record *r, const char *where, bool torn, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_str_check(&r->source, err));
	status = fot_json_parse(&r->json, r->source.data ? r->source.data : "", r->source.len, where,
				FOT_ERR_INPUT, err);
	if (status != FOT_OK && torn)
		fot_err_prefix(err, "the last line is cut off");
out:
	return status;
}

int fot_record_parse(struct fot_record *r, const char *text, size_t n, const char *where, bool torn,
		     struct fot_err *err)
{
	*r = (struct fot_record){ .where = where };
	r->has_nul = n >= 6 && memmem(text, n, "\\u0000", 6) != NULL;
	if (r->has_nul)
		hide_nuls(&r->source, text, n);
	else
		fot_str_add(&r->source, text, n);
	return parse(r, where, torn, err);
}

int fot_record_part(struct fot_record *r, const struct fot_record *whole, const char *text, size_t n,
		    const char *where, struct fot_err *err)
{
	*r = (struct fot_record){ .where = where, .has_nul = whole->has_nul };
	fot_str_add(&r->source, text, n);
	return parse(r, where, false, err);
}

void fot_record_release(struct fot_record *r)
{
	cJSON_Delete(r->json);
	fot_str_release(&r->source);
	*r = (struct fot_record){ 0 };
}
