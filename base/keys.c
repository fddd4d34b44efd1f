/* keys.c: see keys.h. */
#include "base/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/quote.h"

void *fot_key_place(const struct fot_key *k, void *base)
{
	return (char *)base + k->offset;
}

const void *fot_key_value(const struct fot_key *k, const void *base)
{
	return (const char *)base + k->offset;
}

int fot_key_no_memory(const struct fot_key_ctx *ctx)
{
	return FOT_NO_MEMORY(ctx->err, ctx->json.where);
}

/* --- numbers --- */

static void put_integer(const struct fot_key *k, void *base, int64_t value)
{
	if (k->bytes == sizeof(int32_t))
		memcpy(fot_key_place(k, base), &(int32_t){ (int32_t)value }, sizeof(int32_t));
	else
		memcpy(fot_key_place(k, base), &value, sizeof value);
}

static int64_t integer_at(const struct fot_key *k, const void *base)
{
	int32_t narrow;
	int64_t wide;

	memcpy(&narrow, fot_key_value(k, base), sizeof narrow);
	if (k->bytes == sizeof narrow)
		return narrow;
	memcpy(&wide, fot_key_value(k, base), sizeof wide);
	return wide;
}

static int read_integer(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	int64_t value = 0;
	int status = fot_json_i64(obj, k->name, true, (int64_t)k->lo, (int64_t)k->hi, &value, &ctx->json,
				  ctx->err);

	if (status == FOT_OK)
		put_integer(k, base, value);
	return status;
}

static int read_size(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const cJSON *node = fot_json_get(obj, k->name);
	char shown[FOT_JSON_SHOWN];
	int64_t value = 0;

	if (cJSON_IsNumber(node))
		return read_integer(base, k, obj, ctx);
	if (!cJSON_IsString(node) || !fot_parse_size(node->valuestring, &value) || (double)value < k->lo ||
	    (double)value > k->hi)
		return FOT_FAIL(ctx->err, ctx->json.code,
				"%s: %s: expected a size from %lld to %lld, such as 512 or \"8k\", got %s",
				ctx->json.where, k->name, (long long)k->lo, (long long)k->hi,
				fot_json_shown(shown, node));
	put_integer(k, base, value);
	return FOT_OK;
}

bool fot_key_write_integer(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddNumberToObject(o, k->name, (double)integer_at(k, base));
}

bool fot_key_has_integer(const struct fot_key *k, const void *base)
{
	return integer_at(k, base) != 0;
}

static int read_real(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	return fot_json_double(obj, k->name, true, k->lo, k->hi, fot_key_place(k, base), &ctx->json,
			       ctx->err);
}

static double real_at(const struct fot_key *k, const void *base)
{
	return *(const double *)fot_key_value(k, base);
}

bool fot_key_write_real(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddNumberToObject(o, k->name, real_at(k, base));
}

bool fot_key_has_real(const struct fot_key *k, const void *base)
{
	return real_at(k, base) != 0;
}

/* --- flags, words, texts --- */

static int read_flag(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	return fot_json_bool(obj, k->name, true, fot_key_place(k, base), &ctx->json, ctx->err);
}

static bool flag_set(const struct fot_key *k, const void *base)
{
	return *(const bool *)fot_key_value(k, base);
}

static bool write_flag(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddBoolToObject(o, k->name, flag_set(k, base));
}

static size_t count_words(const struct fot_key *k)
{
	size_t n = 0;

	while (k->words && k->words[n])
		n++;
	return n;
}

/* "a, b or c" */
static void list_words(struct fot_str *out, const struct fot_key *k, const char *last)
{
	size_t n = count_words(k);

	for (size_t i = 0; i < n; i++)
		fot_str_printf(out, "%s%s", i == 0 ? "" : i + 1 == n ? last : ", ", k->words[i]);
}

static int read_choice(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_str known = FOT_STR_INIT;
	const char *text = NULL, *near;
	int status;

	FOT_TRY(fot_json_string(obj, k->name, true, &text, &ctx->json, ctx->err));
	for (size_t i = 0; k->words[i]; i++) {
		if (strcmp(k->words[i], text) == 0) {
			put_integer(k, base, (int64_t)i);
			goto out;
		}
	}
	near = fot_nearest(text, k->words, count_words(k));
	list_words(&known, k, " or ");
	status = FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected %s, got \"%.60s\"%s%s%s",
			  ctx->json.where, k->name, known.failed ? "another" : known.data, text,
			  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
out:
	fot_str_release(&known);
	return status;
}

static bool write_choice(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddStringToObject(o, k->name, k->words[integer_at(k, base)]);
}

static int read_text(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const char *text = NULL;
	char **place = fot_key_place(k, base);
	int status = fot_json_string(obj, k->name, true, &text, &ctx->json, ctx->err);

	if (status != FOT_OK)
		return status;
	if (!*text)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected a text, got \"\"",
				ctx->json.where, k->name);
	*place = fot_strdup(text);
	return *place ? FOT_OK : fot_key_no_memory(ctx);
}

static int read_name(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	int status = read_text(base, k, obj, ctx);

	if (status != FOT_OK)
		return status;
	status = fot_name_check(*(char **)fot_key_place(k, base), k->name, FOT_NAME_MAX, ctx->json.code, ctx->err);
	return status == FOT_OK ? status : fot_err_prefix(ctx->err, "%s", ctx->json.where);
}

static const char *text_at(const struct fot_key *k, const void *base)
{
	return *(char *const *)fot_key_value(k, base);
}

static bool write_text(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddStringToObject(o, k->name, text_at(k, base));
}

static bool text_set(const struct fot_key *k, const void *base)
{
	return text_at(k, base) != NULL;
}

static void release_text(const struct fot_key *k, void *base)
{
	char **place = fot_key_place(k, base);

	fot_free(*place);
	*place = NULL;
}

static int read_comment(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	(void)base, (void)k, (void)obj, (void)ctx;
	return FOT_OK;
}

const struct fot_key_type fot_key_integer = { "integer",           FOT_KEY_INTEGER,
					      read_integer,        fot_key_write_integer,
					      fot_key_has_integer, NULL };
const struct fot_key_type fot_key_size = {
	"size", FOT_KEY_SIZED, read_size, fot_key_write_integer, fot_key_has_integer, NULL
};
const struct fot_key_type fot_key_real = { "number",           FOT_KEY_NUMBER,   read_real,
					   fot_key_write_real, fot_key_has_real, NULL };
const struct fot_key_type fot_key_flag = { "true or false", FOT_KEY_SWITCH, read_flag,
					   write_flag,      flag_set,       NULL };
const struct fot_key_type fot_key_choice = { "word",       FOT_KEY_WORD,        read_choice,
					     write_choice, fot_key_has_integer, NULL };
const struct fot_key_type fot_key_text = {
	"text", FOT_KEY_WORD, read_text, write_text, text_set, release_text
};
const struct fot_key_type fot_key_name = {
	"name", FOT_KEY_WORD, read_name, write_text, text_set, release_text
};
const struct fot_key_type fot_key_comment = { "anything", FOT_KEY_NO_FLAG, read_comment, NULL, NULL, NULL };

const struct fot_key_type fot_key_object = { "object", FOT_KEY_NO_FLAG, read_comment, NULL, NULL, NULL };
const struct fot_key_type fot_key_objects = { "list of objects", FOT_KEY_NO_FLAG, read_comment, NULL, NULL, NULL };

/* --- an object --- */

/* The default is read as if it stood in the object. */
static int read_default(void *base, const struct fot_key *k, const struct fot_key_ctx *ctx)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *obj = NULL;
	int status;

	fot_str_printf(&text, "{\"%s\": %s}", k->name, k->dflt);
	FOT_TRY(fot_str_check(&text, ctx->err));
	FOT_TRY(fot_json_parse(&obj, text.data, text.len, k->name, FOT_ERR_RUN, ctx->err));
	status = k->type->read(base, k, obj, ctx);
out:
	cJSON_Delete(obj);
	fot_str_release(&text);
	return status;
}

static int read_key(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	if (fot_json_get(obj, k->name))
		return k->type->read(base, k, obj, ctx);
	if (k->required)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s%s%s: missing, expected %s", ctx->json.where,
				strstr(ctx->json.where, ": ") ? "." : ": ", k->name, k->type->name);
	return k->dflt ? read_default(base, k, ctx) : FOT_OK;
}

int fot_keys_read(void *base, const struct fot_key *keys, size_t n, const cJSON *obj,
		  const struct fot_key_ctx *ctx)
{
	const char *known[FOT_KEYS_MAX];
	int status;

	if (!cJSON_IsObject(obj))
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: expected an object, got %s", ctx->json.where,
				cJSON_IsArray(obj) ? "a list" : cJSON_IsString(obj) ? "a text" : "another value");
	for (size_t i = 0; i < n && i < FOT_KEYS_MAX; i++)
		known[i] = keys[i].name;
	FOT_TRY(fot_json_known(obj, ctx->json.where, known, n, ctx->json.code, ctx->err));
	for (size_t i = 0; i < n; i++)
		FOT_TRY(read_key(base, &keys[i], obj, ctx));
out:
	return status;
}

bool fot_keys_write(cJSON *o, const struct fot_key *keys, size_t n, const void *base)
{
	bool good = true;

	for (size_t i = 0; i < n && good; i++) {
		const struct fot_key *k = &keys[i];

		if (k->type->write && !k->unwritten &&
		    !(k->only_if_set && k->type->is_set && !k->type->is_set(k, base)))
			good = k->type->write(o, k, base);
	}
	return good;
}

void fot_keys_release(const struct fot_key *keys, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].type->release)
			keys[i].type->release(&keys[i], base);
}

const struct fot_key *fot_keys_find(const struct fot_key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* --- help --- */

/* JSON without its quotes, brackets and blanks. */
void fot_key_default(struct fot_str *out, const struct fot_key *k)
{
	if (k->required)
		return;
	for (const char *at = k->dflt; at && *at; at++)
		if (!strchr("\"[] ", *at))
			fot_str_putc(out, *at);
	if (!k->dflt && k->unset)
		fot_str_puts(out, k->unset);
}

static bool has_bounds(const struct fot_key *k)
{
	return k->hi > k->lo;
}

/* The flag, where it is not the key's name with - for _. */
static void describe_flag(struct fot_str *out, const struct fot_key *k)
{
	size_t i = 0;

	if (!k->flag)
		return;
	while (k->flag[i] && k->flag[i] == (k->name[i] == '_' ? '-' : k->name[i]))
		i++;
	if (k->flag[i] || k->name[i])
		fot_str_printf(out, "; flag: --%s", k->flag);
}

static void describe(struct fot_str *out, const struct fot_key *k)
{
	fot_str_printf(out, "  %-17s %s.\n%20s%s", k->name, k->help, "", k->type->name);
	if (k->words) {
		fot_str_puts(out, ": ");
		list_words(out, k, ", ");
	}
	if (has_bounds(k))
		fot_str_printf(out, ", %.16g to %.16g", k->lo, k->hi);
	fot_str_puts(out, k->required ? "; required" : "; default: ");
	if (!k->required && (k->dflt || k->unset))
		fot_key_default(out, k);
	else if (!k->required)
		fot_str_puts(out, "none");
	describe_flag(out, k);
	fot_str_putc(out, '\n');
}

void fot_keys_describe(struct fot_str *out, const char *title, const struct fot_key *keys, size_t n)
{
	fot_str_printf(out, "%s\n", title);
	for (size_t i = 0; i < n; i++)
		describe(out, &keys[i]);
	fot_str_putc(out, '\n');
}
