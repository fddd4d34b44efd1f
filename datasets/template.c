/* template.c: see template.h. Templates are data: unknown keys, missing or repeated
 * fields and an answer without end are errors that name file and key. */
#include "datasets/template.h"

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"

#define FORMAT "fotbench-template-1"
#define TEMPLATE_MAX ((size_t)1 << 20)
#define TEXT_FIELD "{text}"
#define LABEL_FIELD "{label}"

static const char *only(const char *text, const char *field)
{
	const char *at = strstr(text, field);

	return at && !strstr(at + 1, field) ? at : NULL;
}

/* Take the demonstration apart. */
static int cut(struct fot_template *t, const char *demo, const char *name, struct fot_err *err)
{
	const char *text = only(demo, TEXT_FIELD), *label = only(demo, LABEL_FIELD), *end;
	const char *tail = text ? text + strlen(TEXT_FIELD) : NULL;

	if (!text || !label || label < text)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: demonstration: expected " TEXT_FIELD " and behind it " LABEL_FIELD
				", each once, got '%s'",
				name, demo);
	if (!label[strlen(LABEL_FIELD)])
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: demonstration: expected a terminator behind " LABEL_FIELD
				", such as a line break, got none",
				name);
	for (end = label; end > tail && end[-1] == ' ';)
		end--;
	t->before = fot_strndup(demo, (size_t)(text - demo));
	t->between = fot_strndup(tail, (size_t)(end - tail));
	t->blanks = fot_strndup(end, (size_t)(label - end));
	t->terminator = fot_strdup(label + strlen(LABEL_FIELD));
	if (!t->before || !t->between || !t->blanks || !t->terminator)
		return FOT_NO_MEMORY(err, name);
	return FOT_OK;
}

static int check_labels(const cJSON *labels, const char *name, struct fot_err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, labels) {
		if (!cJSON_IsString(item) || !item->valuestring[0] || strpbrk(item->valuestring, "\r\n"))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: labels.%s: expected a word on one line",
					name, item->string);
	}
	return FOT_OK;
}

static int read_root(struct fot_template *t, const char *name, struct fot_err *err)
{
	static const char *const known[] = { "format",    "instruction",  "demonstration",
					     "separator", "content_free", "labels" };
	const struct fot_json_ctx ctx = { name, FOT_ERR_INPUT };
	const char *format = NULL, *demo = NULL;
	const cJSON *labels = NULL;
	int status;

	t->instruction = t->separator = "";
	t->content_free = "N/A";
	FOT_TRY(fot_json_known(t->json, name, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(t->json, "format", true, &format, &ctx, err));
	FOT_TRY(fot_json_string(t->json, "instruction", false, &t->instruction, &ctx, err));
	FOT_TRY(fot_json_string(t->json, "demonstration", true, &demo, &ctx, err));
	FOT_TRY(fot_json_string(t->json, "separator", false, &t->separator, &ctx, err));
	FOT_TRY(fot_json_string(t->json, "content_free", false, &t->content_free, &ctx, err));
	FOT_TRY(fot_json_object(t->json, "labels", false, &labels, &ctx, err));
	if (strcmp(format, FORMAT) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: format: expected '%s', got '%s'", name, FORMAT,
				  format);
	else if (!*t->content_free)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: content_free: empty", name);
	else
		status = check_labels(labels, name, err);
	if (status == FOT_OK)
		status = cut(t, demo, name, err);
out:
	return status;
}

int fot_template_parse(struct fot_template *t, const char *text, size_t n, const char *name,
		       struct fot_err *err)
{
	int status;

	memset(t, 0, sizeof(*t));
	fot_sha256_of(text, n, t->sha256);
	FOT_TRY(fot_json_parse(&t->json, text, n, name, FOT_ERR_INPUT, err));
	if (cJSON_IsObject(t->json))
		status = read_root(t, name, err);
	else
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object", name);
out:
	if (status != FOT_OK)
		fot_template_release(t);
	return status;
}

int fot_template_read(struct fot_template *t, const char *path, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_file_read(&text, path, TEMPLATE_MAX, err));
	FOT_TRY(fot_template_parse(t, text.len ? text.data : "", text.len, path, err));
out:
	fot_str_release(&text);
	return status;
}

void fot_template_release(struct fot_template *t)
{
	cJSON_Delete(t->json);
	fot_free(t->before);
	fot_free(t->between);
	fot_free(t->blanks);
	fot_free(t->terminator);
	memset(t, 0, sizeof(*t));
}

const char *fot_template_word(const struct fot_template *t, const char *label)
{
	const cJSON *labels = fot_json_get(t->json, "labels");
	const cJSON *word = labels ? fot_json_get(labels, label) : NULL;

	return word ? word->valuestring : label;
}

void fot_template_notice(struct fot_str *out, const struct fot_template *t, char *const *label, size_t n)
{
	const cJSON *labels = fot_json_get(t->json, "labels"), *word;
	size_t without = 0, unknown = 0;
	const char *first = NULL;

	for (size_t i = 0; i < n; i++)
		without += !fot_json_get(labels, label[i]);
	cJSON_ArrayForEach (word, labels) {
		size_t i = 0;

		while (i < n && strcmp(word->string, label[i]) != 0)
			i++;
		first = i == n && unknown++ == 0 ? word->string : first;
	}
	if (without && unknown)
		fot_str_printf(out,
			       "labels of its template that it does not have: %zu ('%s'%s); "
			       "labels without a word there: %zu",
			       unknown, first, unknown > 1 ? ", ..." : "", without);
}

void fot_template_question(struct fot_str *out, const struct fot_template *t, const char *text)
{
	fot_str_puts(out, t->before);
	fot_str_puts(out, text);
	fot_str_puts(out, t->between);
}

void fot_template_answer(struct fot_str *out, const struct fot_template *t, const char *word)
{
	fot_str_puts(out, t->blanks);
	fot_str_puts(out, word);
	fot_str_puts(out, t->terminator);
}
