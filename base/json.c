/* json.c: strict JSON over cJSON.
 *
 * cJSON is lenient (raw control characters in strings, "01", "1.", a cut at
 * \u0000, numbers over 63 characters, duplicate keys) and recursive, so text is
 * first read by the scanner below, which keeps its own stack of 64 levels and
 * knows line and column of every fault.  What passes it, cJSON parses; then
 * duplicate keys and numbers that are not finite are looked for in the tree.
 * Invariant: a tree from fot_json_parse is at most JSON_DEPTH levels deep, its
 * strings hold no NUL, its keys are unique. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"

#define JSON_DEPTH 64
#define NUMBER_MAX 63                /* characters cJSON reads of a number */
#define EXACT_MAX 9007199254740992.0 /* 2^53: beyond it doubles skip integers */

/* ---- the scanner ---- */

struct scan {
	const char *text, *name;
	size_t n, at;
	int code;
	struct fot_err *err;
};

/* Line and column (in characters) of a byte, both from 1. */
static int scan_fail(const struct scan *s, size_t at, const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < s->n; i++) {
		if (s->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)s->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return FOT_FAIL(s->err, s->code, "%s: line %zu, column %zu: %s", s->name, line, column, what);
}

static int peek(const struct scan *s)
{
	return s->at < s->n ? (unsigned char)s->text[s->at] : -1;
}

static void skip_blanks(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->at++;
}

static int hex4(const struct scan *s, size_t at)
{
	int v = 0, digit;
	char c;

	if (s->n - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		c = s->text[i];
		digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 :
					       -1;
		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* at the 'u' of \uXXXX */
static int scan_unicode(struct scan *s)
{
	size_t start = s->at - 1;
	int v = hex4(s, s->at + 1), low;

	if (v < 0)
		return scan_fail(s, start, "expected four hex digits after \\u");
	if (v == 0)
		return scan_fail(s, start, "a NUL character (\\u0000) is not allowed");
	s->at += 5;
	if (v < 0xd800 || v > 0xdfff)
		return FOT_OK;
	low = v < 0xdc00 && s->n - s->at >= 6 && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u' ?
		      hex4(s, s->at + 2) :
		      -1;
	if (low < 0xdc00 || low > 0xdfff)
		return scan_fail(s, start, "half of a surrogate pair");
	s->at += 6;
	return FOT_OK;
}

static int scan_string(struct scan *s)
{
	size_t start = s->at++;
	int c, status;

	for (;;) {
		c = peek(s);
		if (c < 0)
			return scan_fail(s, start, "this string is not closed");
		if (c < 0x20)
			return scan_fail(s, s->at, "a control character in a string must be escaped");
		s->at++;
		if (c == '"')
			return FOT_OK;
		if (c != '\\')
			continue;
		c = peek(s);
		if (c == 'u') {
			status = scan_unicode(s);
			if (status != FOT_OK)
				return status;
		} else if (c > 0 && strchr("\"\\/bfnrt", c)) {
			s->at++;
		} else {
			return scan_fail(s, s->at - 1, "unknown escape in a string");
		}
	}
}

static bool digits(struct scan *s)
{
	size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at > start;
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;
	bool ok = true;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else
		ok = digits(s);
	if (ok && peek(s) >= '0' && peek(s) <= '9')
		return scan_fail(s, start, "a number must not start with 0");
	if (ok && peek(s) == '.') {
		s->at++;
		ok = digits(s);
	}
	if (ok && (peek(s) == 'e' || peek(s) == 'E')) {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		ok = digits(s);
	}
	if (!ok)
		return scan_fail(s, s->at, "expected a digit");
	if (s->at - start > NUMBER_MAX)
		return scan_fail(s, start, "a number of more than 63 characters");
	return FOT_OK;
}

static int scan_scalar(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	int c = peek(s);
	size_t len;

	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	for (size_t i = 0; i < 3; i++) {
		len = strlen(words[i]);
		if (s->n - s->at >= len && memcmp(s->text + s->at, words[i], len) == 0) {
			s->at += len;
			return FOT_OK;
		}
	}
	if (s->n - s->at >= 3 && memcmp(s->text + s->at, "\xEF\xBB\xBF", 3) == 0)
		return scan_fail(s, s->at, "expected a value, got a byte order mark");
	return scan_fail(s, s->at, c < 0 ? "expected a value, got the end of the text" : "expected a value");
}

/* "key" : */
static int scan_key(struct scan *s)
{
	int status;

	skip_blanks(s);
	if (peek(s) != '"')
		return scan_fail(s, s->at, "expected a key in quotes");
	status = scan_string(s);
	if (status != FOT_OK)
		return status;
	skip_blanks(s);
	if (peek(s) != ':')
		return scan_fail(s, s->at, "expected ':' after the key");
	s->at++;
	return FOT_OK;
}

/* After a value: close what ends here, or pass the comma (and key) to the next
 * value.  open holds '{' or '[' per level. */
static int scan_after_value(struct scan *s, char *open, size_t *depth)
{
	int c;

	while (*depth > 0) {
		bool object = open[*depth - 1] == '{';

		skip_blanks(s);
		c = peek(s);
		if (c == ',') {
			s->at++;
			return object ? scan_key(s) : FOT_OK;
		}
		if (c != (object ? '}' : ']'))
			return scan_fail(s, s->at, object ? "expected ',' or '}'" : "expected ',' or ']'");
		s->at++;
		(*depth)--;
	}
	return FOT_OK;
}

/* An opening bracket; *empty when it closes at once. */
static int scan_open(struct scan *s, char *open, size_t *depth, bool *empty)
{
	char c = s->text[s->at];

	if (*depth == JSON_DEPTH)
		return scan_fail(s, s->at, "nested deeper than 64 levels");
	open[(*depth)++] = c;
	s->at++;
	skip_blanks(s);
	*empty = peek(s) == (c == '{' ? '}' : ']');
	return c == '{' && !*empty ? scan_key(s) : FOT_OK;
}

static int scan_text(struct scan *s)
{
	char open[JSON_DEPTH];
	size_t depth = 0;
	bool empty;
	int status, c;

	do {
		skip_blanks(s);
		c = peek(s);
		empty = false;
		if (c == '{' || c == '[') {
			status = scan_open(s, open, &depth, &empty);
			if (status == FOT_OK && !empty)
				continue;
		} else {
			status = scan_scalar(s);
		}
		if (status == FOT_OK)
			status = scan_after_value(s, open, &depth);
		if (status != FOT_OK)
			return status;
	} while (depth > 0);
	skip_blanks(s);
	return s->at < s->n ? scan_fail(s, s->at, "text after the end of the value") : FOT_OK;
}

/* ---- checks on the tree ---- */

/* Where a node stands: "tasks[0].depths". */
static void add_step(struct fot_str *path, const cJSON *node, size_t index)
{
	if (node->string)
		fot_str_printf(path, "%s%s", path->len ? "." : "", node->string);
	else
		fot_str_printf(path, "[%zu]", index);
}

static int by_key(const void *a, const void *b)
{
	const char *x = (*(const cJSON *const *)a)->string, *y = (*(const cJSON *const *)b)->string;

	return strcmp(x ? x : "", y ? y : "");
}

/* One level of a walk through a tree: the children of node and how many are done. */
struct level {
	const cJSON *node;
	const cJSON **child;
	size_t n, next;
};

static int level_open(struct level *l, const cJSON *node, bool sorted, struct fot_err *err)
{
	l->node = node;
	l->n = 0;
	l->next = 0;
	for (const cJSON *c = node->child; c; c = c->next)
		l->n++;
	l->child = fot_alloc(l->n, sizeof(l->child[0]));
	if (!l->child)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory: a JSON value of %zu members", l->n);
	l->n = 0;
	for (const cJSON *c = node->child; c; c = c->next)
		l->child[l->n++] = c;
	if (sorted && cJSON_IsObject(node) && l->n > 1)
		qsort(l->child, l->n, sizeof(l->child[0]), by_key);
	return FOT_OK;
}

static void levels_release(struct level *levels, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		fot_free(levels[i].child);
}

static bool has_children(const cJSON *node)
{
	return cJSON_IsObject(node) || cJSON_IsArray(node);
}

static size_t index_of(const cJSON *parent, const cJSON *child)
{
	size_t i = 0;

	for (const cJSON *c = parent->child; c && c != child; c = c->next)
		i++;
	return i;
}

/* The path to levels[depth - 1].child[next - 1]. */
static int tree_fail(const struct level *levels, size_t depth, const char *name, int code, const char *what,
		     struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	const cJSON *node;

	fot_str_puts(&path, "");
	for (size_t i = 0; i < depth; i++) {
		node = levels[i].child[levels[i].next - 1];
		add_step(&path, node, index_of(levels[i].node, node));
	}
	FOT_FAIL(err, code, "%s: %s: %s", name, path.failed ? "?" : path.data, what);
	fot_str_release(&path);
	return code;
}

/* Keys sorted: equal ones stand side by side. */
static bool has_twin(const struct level *l, size_t i)
{
	return cJSON_IsObject(l->node) && i > 0 && strcmp(l->child[i - 1]->string, l->child[i]->string) == 0;
}

static int check_tree(const cJSON *root, const char *name, int code, struct fot_err *err)
{
	struct level levels[JSON_DEPTH], *top;
	const cJSON *node;
	size_t depth = 0;
	int status = FOT_OK;

	if (cJSON_IsNumber(root) && !isfinite(root->valuedouble))
		return FOT_FAIL(err, code, "%s: the number is too large", name);
	if (has_children(root))
		FOT_TRY(level_open(&levels[depth++], root, true, err));
	while (depth > 0) {
		top = &levels[depth - 1];
		if (top->next == top->n) {
			fot_free(top->child);
			depth--;
			continue;
		}
		node = top->child[top->next++];
		if (has_twin(top, top->next - 1))
			status = tree_fail(levels, depth, name, code, "this key stands twice", err);
		else if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
			status = tree_fail(levels, depth, name, code, "the number is too large", err);
		else if (has_children(node))
			status = level_open(&levels[depth++], node, true, err);
		if (status != FOT_OK)
			goto out;
	}
out:
	levels_release(levels, depth);
	return status;
}

/* ---- parsing ---- */

int fot_json_parse(cJSON **out, const char *text, size_t n, const char *name, int code, struct fot_err *err)
{
	struct scan s = { .text = text, .name = name, .n = n, .code = code, .err = err };
	size_t valid = fot_utf8_valid(text, n);
	cJSON *root = NULL;
	char *copy = NULL;
	int status;

	if (valid < n)
		return FOT_FAIL(err, code, "%s: byte %zu: invalid UTF-8", name, valid);
	FOT_TRY(scan_text(&s));
	copy = fot_alloc(fot_size_add(n, 1), 1); /* cJSON wants its NUL */
	if (!copy) {
		status = FOT_NO_MEMORY(err, name);
		goto out;
	}
	memcpy(copy, text, n);
	copy[n] = '\0';
	root = cJSON_ParseWithLength(copy, n + 1);
	if (!root) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory while parsing", name);
		goto out;
	}
	FOT_TRY(check_tree(root, name, code, err));
	*out = root;
	root = NULL;
out:
	fot_free(copy);
	cJSON_Delete(root);
	return status;
}

int fot_json_read(cJSON **out, const char *path, size_t max, int code, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_file_read(&text, path, max, err));
	FOT_TRY(fot_json_parse(out, text.data, text.len, path, code, err));
out:
	fot_str_release(&text);
	if (status == FOT_ERR_INPUT && code != FOT_ERR_INPUT) {
		if (err)
			err->code = code; /* a spec that cannot be read is a usage error */
		status = code;
	}
	return status;
}

/* ---- keys ---- */

static int unknown_key(const char *key, const char *where, const char *const *known, size_t n, int code,
		       struct fot_err *err)
{
	const char *near = fot_nearest(key, known, n);
	struct fot_str list = FOT_STR_INIT;

	if (near)
		return FOT_FAIL(err, code, "%s: unknown key \"%s\", did you mean \"%s\"?", where, key, near);
	fot_str_puts(&list, n ? "" : "no keys at all");
	for (size_t i = 0; i < n; i++)
		fot_str_printf(&list, "%s%s", i ? ", " : "", known[i]);
	FOT_FAIL(err, code, "%s: unknown key \"%s\", expected one of %s", where, key,
		 list.failed ? "the known keys" : list.data);
	fot_str_release(&list);
	return code;
}

int fot_json_known(const cJSON *obj, const char *where, const char *const *known, size_t n, int code,
		   struct fot_err *err)
{
	size_t i;

	if (!cJSON_IsObject(obj))
		return FOT_FAIL(err, code, "%s: expected an object", where);
	for (const cJSON *c = obj->child; c; c = c->next) {
		for (i = 0; i < n && strcmp(known[i], c->string) != 0; i++)
			;
		if (i == n)
			return unknown_key(c->string, where, known, n, code, err);
	}
	return FOT_OK;
}

const cJSON *fot_json_get(const cJSON *obj, const char *key)
{
	const cJSON *node = cJSON_IsObject(obj) ? cJSON_GetObjectItemCaseSensitive(obj, key) : NULL;

	return cJSON_IsNull(node) ? NULL : node;
}

static const char *type_name(const cJSON *node)
{
	static const struct {
		int type;
		const char *name;
	} types[] = {
		{ cJSON_False, "a boolean" },  { cJSON_True, "a boolean" },  { cJSON_NULL, "null" },
		{ cJSON_Number, "a number" },  { cJSON_String, "a string" }, { cJSON_Array, "an array" },
		{ cJSON_Object, "an object" },
	};

	for (size_t i = 0; node && i < FOT_COUNT(types); i++)
		if ((node->type & 0xff) == types[i].type)
			return types[i].name;
	return "something else";
}

/* "spec.json: tasks[0]" + key -> "spec.json: tasks[0].key"; "spec.json" + key
 * -> "spec.json: key". */
static const char *joint(const char *where)
{
	return strstr(where, ": ") ? "." : ": ";
}

/* node = obj[key]; NULL with FOT_OK when it may be absent. */
static int fetch(const cJSON **node, const cJSON *obj, const char *key, bool required, const char *expected,
		 const struct fot_json_ctx *ctx, struct fot_err *err)
{
	*node = fot_json_get(obj, key);
	if (*node || !required)
		return FOT_OK;
	return FOT_FAIL(err, ctx->code, "%s%s%s: missing, expected %s", ctx->where, joint(ctx->where), key,
			expected);
}

const char *fot_json_shown(char shown[FOT_JSON_SHOWN], const cJSON *node)
{
	if (cJSON_IsString(node))
		snprintf(shown, FOT_JSON_SHOWN, "\"%.60s\"", node->valuestring);
	else if (cJSON_IsNumber(node))
		snprintf(shown, FOT_JSON_SHOWN, "%.17g", node->valuedouble);
	else
		snprintf(shown, FOT_JSON_SHOWN, "%s", type_name(node));
	return shown;
}

static int wrong_type(const cJSON *node, const char *key, const char *expected,
		      const struct fot_json_ctx *ctx, struct fot_err *err)
{
	return FOT_FAIL(err, ctx->code, "%s%s%s: expected %s, got %s", ctx->where,
			key ? joint(ctx->where) : "", key ? key : "", expected, type_name(node));
}

/* ---- getters ---- */

static int read_i64(const cJSON *node, const char *key, int64_t lo, int64_t hi, int64_t *out,
		    const struct fot_json_ctx *ctx, struct fot_err *err)
{
	struct fot_str got = FOT_STR_INIT;
	double v;

	if (!cJSON_IsNumber(node))
		return wrong_type(node, key, "an integer", ctx, err);
	v = node->valuedouble;
	/* valueint saturates at 32 bits; past 2^53 a double may stand for a neighbour. */
	if (v == trunc(v) && fabs(v) < EXACT_MAX && (int64_t)v >= lo && (int64_t)v <= hi) {
		*out = (int64_t)v;
		return FOT_OK;
	}
	fot_str_double(&got, v);
	FOT_FAIL(err, ctx->code, "%s%s%s: expected an integer from %lld to %lld, got %s", ctx->where,
		 key ? joint(ctx->where) : "", key ? key : "", (long long)lo, (long long)hi,
		 got.failed ? "another" : got.data);
	fot_str_release(&got);
	return ctx->code;
}

int fot_json_as_i64(const cJSON *node, int64_t lo, int64_t hi, int64_t *out, const struct fot_json_ctx *ctx,
		    struct fot_err *err)
{
	return read_i64(node, NULL, lo, hi, out, ctx, err);
}

int fot_json_i64(const cJSON *obj, const char *key, bool required, int64_t lo, int64_t hi, int64_t *out,
		 const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node;
	int status = fetch(&node, obj, key, required, "an integer", ctx, err);

	return status != FOT_OK || !node ? status : read_i64(node, key, lo, hi, out, ctx, err);
}

int fot_json_double(const cJSON *obj, const char *key, bool required, double lo, double hi, double *out,
		    const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node;
	double v;
	int status = fetch(&node, obj, key, required, "a number", ctx, err);

	if (status != FOT_OK || !node)
		return status;
	if (!cJSON_IsNumber(node))
		return wrong_type(node, key, "a number", ctx, err);
	v = node->valuedouble;
	if (!isfinite(v) || v < lo || v > hi)
		return FOT_FAIL(err, ctx->code, "%s%s%s: expected a number from %g to %g, got %g", ctx->where,
				joint(ctx->where), key, lo, hi, v);
	*out = v;
	return FOT_OK;
}

int fot_json_bool(const cJSON *obj, const char *key, bool required, bool *out, const struct fot_json_ctx *ctx,
		  struct fot_err *err)
{
	const cJSON *node;
	int status = fetch(&node, obj, key, required, "true or false", ctx, err);

	if (status != FOT_OK || !node)
		return status;
	if (!cJSON_IsBool(node))
		return wrong_type(node, key, "true or false", ctx, err);
	*out = cJSON_IsTrue(node);
	return FOT_OK;
}

int fot_json_string(const cJSON *obj, const char *key, bool required, const char **out,
		    const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *node;
	int status = fetch(&node, obj, key, required, "a string", ctx, err);

	if (status != FOT_OK || !node)
		return status;
	if (!cJSON_IsString(node))
		return wrong_type(node, key, "a string", ctx, err);
	*out = node->valuestring;
	return FOT_OK;
}

int fot_json_object(const cJSON *obj, const char *key, bool required, const cJSON **out,
		    const struct fot_json_ctx *ctx, struct fot_err *err)
{
	int status = fetch(out, obj, key, required, "an object", ctx, err);

	if (status != FOT_OK || !*out || cJSON_IsObject(*out))
		return status;
	return wrong_type(*out, key, "an object", ctx, err);
}

int fot_json_array(const cJSON *obj, const char *key, bool required, const cJSON **out,
		   const struct fot_json_ctx *ctx, struct fot_err *err)
{
	int status = fetch(out, obj, key, required, "an array", ctx, err);

	if (status != FOT_OK || !*out || cJSON_IsArray(*out))
		return status;
	return wrong_type(*out, key, "an array", ctx, err);
}

/* ---- printing ---- */

enum print_form { PRINT_LINE, PRINT_INDENTED, PRINT_CANONICAL };

static void print_number(struct fot_str *out, double v)
{
	if (!isfinite(v))
		fot_str_puts(out, "null");
	else if (v == trunc(v) && fabs(v) < EXACT_MAX && !(v == 0 && signbit(v)))
		fot_str_int(out, (int64_t)v);
	else
		fot_str_double(out, v);
}

static void print_scalar(struct fot_str *out, const cJSON *node)
{
	const char *text = node->valuestring ? node->valuestring : "";

	if (cJSON_IsNumber(node))
		print_number(out, node->valuedouble);
	else if (cJSON_IsString(node))
		fot_str_json(out, text, strlen(text));
	else if (cJSON_IsRaw(node))
		fot_str_puts(out, text);
	else if (cJSON_IsBool(node))
		fot_str_puts(out, cJSON_IsTrue(node) ? "true" : "false");
	else
		fot_str_puts(out, "null");
}

static void new_line(struct fot_str *out, enum print_form form, size_t depth)
{
	if (form != PRINT_INDENTED)
		return;
	fot_str_putc(out, '\n');
	for (size_t i = 0; i < depth; i++)
		fot_str_puts(out, "  ");
}

/* Comma, line break and key before a member. */
static void print_lead(struct fot_str *out, const struct level *l, const cJSON *node, enum print_form form,
		       size_t depth)
{
	const char *key = node->string ? node->string : "";

	if (l->next > 1)
		fot_str_puts(out, form == PRINT_LINE ? ", " : ",");
	new_line(out, form, depth);
	if (!cJSON_IsObject(l->node))
		return;
	fot_str_json(out, key, strlen(key));
	fot_str_puts(out, form == PRINT_CANONICAL ? ":" : ": ");
}

static int print_open(struct fot_str *out, struct level *levels, size_t *depth, const cJSON *node,
		      enum print_form form, struct fot_err *err)
{
	int status;

	if (!has_children(node)) {
		print_scalar(out, node);
		return FOT_OK;
	}
	if (*depth == JSON_DEPTH)
		return FOT_FAIL(err, FOT_ERR_RUN, "a JSON value nested deeper than %d levels", JSON_DEPTH);
	fot_str_putc(out, cJSON_IsObject(node) ? '{' : '[');
	status = level_open(&levels[*depth], node, form == PRINT_CANONICAL, err);
	if (status == FOT_OK)
		(*depth)++;
	return status;
}

static int print_tree(struct fot_str *out, const cJSON *root, enum print_form form, struct fot_err *err)
{
	struct level levels[JSON_DEPTH], *top;
	const cJSON *node;
	size_t depth = 0;
	int status;

	FOT_TRY(print_open(out, levels, &depth, root, form, err));
	while (depth > 0) {
		top = &levels[depth - 1];
		if (top->next < top->n) {
			node = top->child[top->next++];
			print_lead(out, top, node, form, depth);
			FOT_TRY(print_open(out, levels, &depth, node, form, err));
			continue;
		}
		fot_free(top->child);
		depth--;
		if (top->n)
			new_line(out, form, depth);
		fot_str_putc(out, cJSON_IsObject(top->node) ? '}' : ']');
	}
	status = fot_str_check(out, err);
out:
	levels_release(levels, depth);
	return status;
}

bool fot_json_add(cJSON *list, cJSON *item)
{
	if (list && item && cJSON_AddItemToArray(list, item))
		return true;
	cJSON_Delete(item);
	return false;
}

cJSON *fot_json_append(cJSON *list)
{
	cJSON *o = cJSON_CreateObject();

	return fot_json_add(list, o) ? o : NULL;
}

int fot_json_print(struct fot_str *out, const cJSON *node, int indent, struct fot_err *err)
{
	return print_tree(out, node, indent ? PRINT_INDENTED : PRINT_LINE, err);
}

int fot_json_canonical(struct fot_str *out, const cJSON *node, struct fot_err *err)
{
	return print_tree(out, node, PRINT_CANONICAL, err);
}
