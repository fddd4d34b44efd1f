/* spec_keys.c: see spec_keys.h. */
#include "harness/plan/spec_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/dataset.h"
#include "datasets/labelled.h"
#include "harness/plan/paths.h"

#define MAX_LENGTHS 4096

/* --- sizes and ranges of them --- */

void fot_lengths_release(struct fot_lengths *l)
{
	fot_free(l->at);
	*l = (struct fot_lengths){ 0 };
}

static bool add_length(struct fot_lengths *l, int64_t value)
{
	if (l->n == MAX_LENGTHS || !FOT_GROW(l->at, l->n, l->cap))
		return false;
	l->at[l->n++] = value;
	return true;
}

static bool is_length(int64_t value)
{
	return value >= 1 && (double)value <= FOT_SPEC_TOKENS;
}

/* "LO-HI*F" */
static bool add_range(struct fot_lengths *l, char *text, char *dash)
{
	char *star = strchr(dash, '*');
	int64_t lo, hi, factor;

	if (!star)
		return false;
	*dash = *star = '\0';
	if (!fot_parse_size(text, &lo) || !fot_parse_size(dash + 1, &hi) || !fot_parse_i64(star + 1, &factor))
		return false;
	if (hi < lo || !is_length(lo) || !is_length(hi) || factor < 2 || !is_length(factor))
		return false;
	for (int64_t at = lo; at <= hi; at *= factor) {
		if (!add_length(l, at))
			return false;
	}
	return true;
}

bool fot_lengths_add(struct fot_lengths *l, const char *text)
{
	char *copy = fot_strdup(text), *part = copy;
	bool good = copy != NULL;

	while (good && part) {
		char *comma = strchr(part, ','), *dash;
		int64_t value;

		if (comma)
			*comma = '\0';
		dash = strchr(part, '-');
		if (dash && dash != part)
			good = add_range(l, part, dash);
		else
			good = fot_parse_size(part, &value) && is_length(value) && add_length(l, value);
		part = comma ? comma + 1 : NULL;
	}
	fot_free(copy);
	return good;
}

/* --- what all lists share --- */

int fot_spec_list(const cJSON *obj, const char *key, const cJSON **first, size_t *n,
		  const struct fot_key_ctx *ctx)
{
	const cJSON *list = NULL;
	int status = fot_json_array(obj, key, true, &list, &ctx->json, ctx->err);

	if (status != FOT_OK)
		return status;
	*first = list->child;
	*n = (size_t)cJSON_GetArraySize(list);
	if (*n == 0 || *n > FOT_SPEC_AXIS)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected a list of 1 to %d entries",
				ctx->json.where, key, FOT_SPEC_AXIS);
	return FOT_OK;
}

static size_t *count_place(const struct fot_key *k, void *base)
{
	return (size_t *)(void *)((char *)base + k->count);
}

static size_t count_at(const struct fot_key *k, const void *base)
{
	return *(const size_t *)(const void *)((const char *)base + k->count);
}

static bool list_set(const struct fot_key *k, const void *base)
{
	return count_at(k, base) > 0;
}

/* Pointers of any type, so copied. */
static void *pointer_at(const void *base, size_t offset)
{
	void *out;

	memcpy(&out, (const char *)base + offset, sizeof out);
	return out;
}

static void put_pointer(void *base, size_t offset, void *pointer)
{
	memcpy((char *)base + offset, &pointer, sizeof pointer);
}

static void *list_at(const struct fot_key *k, const void *base)
{
	return pointer_at(base, k->offset);
}

/* The list, which the struct owns from here on. */
static void give_list(const struct fot_key *k, void *base, void *list, size_t n)
{
	put_pointer(base, k->offset, list);
	*count_place(k, base) = n;
}

static void release_list(const struct fot_key *k, void *base)
{
	fot_free(list_at(k, base));
	give_list(k, base, NULL, 0);
}

static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words && words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

/* Append a JSON list of n entries that make() makes; false without memory. */
static bool write_list(cJSON *o, const struct fot_key *k, const void *base,
		       cJSON *(*make)(const struct fot_key *k, const void *base, size_t i))
{
	cJSON *list = cJSON_AddArrayToObject(o, k->name);
	size_t n = count_at(k, base);
	bool good = list != NULL;

	for (size_t i = 0; i < n && good; i++)
		good = cJSON_AddItemToArray(list, make(k, base, i));
	return good;
}

/* --- lists of sizes --- */

/* One entry: a number, a size, a range, or one of the words. false: rubbish. */
static bool add_entry(struct fot_lengths *l, const struct fot_key *k, const cJSON *entry)
{
	double x = entry->valuedouble;
	size_t n = l->n;
	int64_t size;
	int word;

	if (!cJSON_IsString(entry))
		return cJSON_IsNumber(entry) && x >= k->lo && x <= k->hi && x == (double)(int64_t)x &&
		       add_length(l, (int64_t)x);
	word = find_word(k->words, entry->valuestring);
	if (word >= 0)
		return add_length(l, -1 - word);
	if (fot_parse_size(entry->valuestring, &size) ? !add_length(l, size) :
							!fot_lengths_add(l, entry->valuestring))
		return false;
	for (; n < l->n; n++)
		if ((double)l->at[n] < k->lo || (double)l->at[n] > k->hi)
			return false;
	return true;
}

static int check_distinct(const struct fot_lengths *l, const struct fot_key *k, const struct fot_key_ctx *ctx)
{
	for (size_t i = 1; i < l->n; i++) {
		if (l->at[i] != l->at[i - 1])
			continue;
		if (l->at[i] < 0)
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: \"%s\" stands twice",
					ctx->json.where, k->name, k->words[-1 - l->at[i]]);
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: %lld stands twice", ctx->json.where,
				k->name, (long long)l->at[i]);
	}
	return FOT_OK;
}

static int read_sizes(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_lengths l = { 0 };
	char shown[FOT_JSON_SHOWN];
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	for (; entry; entry = entry->next) {
		if (add_entry(&l, k, entry))
			continue;
		status = FOT_FAIL(
			ctx->err, ctx->json.code,
			"%s: %s: expected numbers from %lld to %lld, such as 512, \"8k\" or \"2k-32k*2\"%s%s%s, got %s",
			ctx->json.where, k->name, (long long)k->lo, (long long)k->hi,
			k->words ? ", or \"" : "", k->words ? k->words[0] : "", k->words ? "\"" : "",
			fot_json_shown(shown, entry));
		goto out;
	}
	qsort(l.at, l.n, sizeof *l.at, fot_by_i64);
	FOT_TRY(check_distinct(&l, k, ctx));
	give_list(k, base, l.at, l.n);
	l.at = NULL;
out:
	fot_lengths_release(&l);
	return status;
}

static cJSON *make_size(const struct fot_key *k, const void *base, size_t i)
{
	int64_t size = ((const int64_t *)list_at(k, base))[i];

	return size < 0 ? cJSON_CreateString(k->words[-1 - size]) : cJSON_CreateNumber((double)size);
}

static bool write_sizes(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_list(o, k, base, make_size);
}

/* --- lists of numbers --- */

static int read_reals(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const cJSON *entry = NULL;
	char shown[FOT_JSON_SHOWN];
	double *list = NULL;
	size_t n = 0, i = 0;
	int status;

	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	list = fot_calloc(n, sizeof *list);
	if (!list)
		return fot_key_no_memory(ctx);
	give_list(k, base, list, n);
	for (; entry; entry = entry->next) {
		if (!cJSON_IsNumber(entry) || !(entry->valuedouble >= k->lo && entry->valuedouble <= k->hi))
			return FOT_FAIL(ctx->err, ctx->json.code,
					"%s: %s: expected numbers from %g to %g, got %s", ctx->json.where,
					k->name, k->lo, k->hi, fot_json_shown(shown, entry));
		list[i++] = entry->valuedouble + 0.0; /* no -0 */
	}
	qsort(list, n, sizeof *list, fot_by_real);
	for (i = 1; i < n; i++)
		if (list[i] <= list[i - 1])
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: %g stands twice", ctx->json.where,
					k->name, list[i]);
out:
	return status;
}

static cJSON *make_real(const struct fot_key *k, const void *base, size_t i)
{
	return cJSON_CreateNumber(((const double *)list_at(k, base))[i]);
}

static bool write_reals(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_list(o, k, base, make_real);
}

/* --- lists of words --- */

static int bad_word(const struct fot_key *k, const cJSON *entry, const struct fot_key_ctx *ctx)
{
	struct fot_str known = FOT_STR_INIT;
	char shown[FOT_JSON_SHOWN];
	int status;

	for (int i = 0; k->words[i]; i++)
		fot_str_printf(&known, "%s%s", i == 0 ? "" : k->words[i + 1] ? ", " : " or ", k->words[i]);
	status = FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected %s, got %s", ctx->json.where, k->name,
			  known.failed ? "other words" : known.data, fot_json_shown(shown, entry));
	fot_str_release(&known);
	return status;
}

static int read_choices(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const cJSON *entry = NULL;
	size_t n = 0, done = 0;
	int *list = NULL, status;

	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	list = fot_calloc(n, sizeof *list);
	if (!list)
		return fot_key_no_memory(ctx);
	give_list(k, base, list, n);
	for (; entry; entry = entry->next) {
		int word = cJSON_IsString(entry) ? find_word(k->words, entry->valuestring) : -1;

		if (word < 0)
			return bad_word(k, entry, ctx);
		for (size_t i = 0; i < done; i++)
			if (list[i] == word)
				return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: \"%s\" stands twice",
						ctx->json.where, k->name, k->words[word]);
		list[done++] = word;
	}
out:
	return status;
}

static cJSON *make_choice(const struct fot_key *k, const void *base, size_t i)
{
	return cJSON_CreateString(k->words[((const int *)list_at(k, base))[i]]);
}

static bool write_choices(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_list(o, k, base, make_choice);
}

/* --- names of data and files --- */

/* Where it is, NULL without memory. */
static char *resolve(enum fot_path_kind kind, const char *path, const struct fot_key_ctx *ctx)
{
	struct fot_str at = FOT_STR_INIT;
	char *out = NULL;

	fot_path_find(&at, kind, path, ctx->folder);
	if (!at.failed)
		out = fot_strdup(at.data);
	fot_str_release(&at);
	return out;
}

/* Sources with commas between, each where it is. */
static void find_sources(struct fot_str *out, const char *sources, const char *beside)
{
	for (const char *at = sources; at;) {
		size_t n = strcspn(at, ",");
		char *source = fot_strndup(at, n);
		const char *path = source ? fot_labelled_path(source) : "";

		out->failed = out->failed || !source;
		fot_str_add(out, at, source ? (size_t)(path - source) : 0);
		if (fot_dataset_is_path(path))
			fot_path_find(out, FOT_PATH_TEXT, path, beside);
		else
			fot_str_puts(out, path);
		fot_str_puts(out, at[n] ? "," : "");
		fot_free(source);
		at = at[n] ? at + n + 1 : NULL;
	}
}

/* A dataset's spec with its paths where they are. What follows a '?' belongs to no path; a file's name may have commas, too. */
static char *resolve_dataset(const char *text, const struct fot_key_ctx *ctx)
{
	size_t n = strcspn(text, "?");
	char *sources = fot_strndup(text, n), *out = NULL;
	struct fot_str at = FOT_STR_INIT;

	if (sources &&
	    !(fot_dataset_is_path(sources) && fot_path_find(&at, FOT_PATH_TEXT, sources, ctx->folder))) {
		fot_str_clear(&at);
		find_sources(&at, sources, ctx->folder);
	}
	fot_str_puts(&at, text + n);
	if (sources && !at.failed)
		out = fot_strdup(at.data);
	fot_str_release(&at);
	fot_free(sources);
	return out;
}

static void *written_at(const struct fot_key *k, const void *base)
{
	return pointer_at(base, k->written);
}

static void give_written(const struct fot_key *k, void *base, void *text)
{
	put_pointer(base, k->written, text);
}

static int add_dataset(char **name, char **written, size_t i, const char *text, const struct fot_key *k,
		       const struct fot_key_ctx *ctx)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(written[j], text) == 0)
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: \"%.80s\" stands twice",
					ctx->json.where, k->name, text);
	name[i] = resolve_dataset(text, ctx);
	written[i] = fot_strdup(text);
	return name[i] && written[i] ? FOT_OK : fot_key_no_memory(ctx);
}

static int read_datasets(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	const cJSON *entry = NULL;
	char **name, **written;
	size_t n = 0, i = 0;
	int status;

	FOT_TRY(fot_spec_list(obj, k->name, &entry, &n, ctx));
	name = fot_calloc(n, sizeof *name);
	written = fot_calloc(n, sizeof *written);
	give_list(k, base, name, name && written ? n : 0);
	give_written(k, base, written);
	if (!name || !written)
		return fot_key_no_memory(ctx);
	for (; entry; entry = entry->next) {
		if (!cJSON_IsString(entry) || !*entry->valuestring)
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected texts", ctx->json.where,
					k->name);
		FOT_TRY(add_dataset(name, written, i++, entry->valuestring, k, ctx));
	}
out:
	return status;
}

static cJSON *make_dataset(const struct fot_key *k, const void *base, size_t i)
{
	char *const *written = written_at(k, base);

	return cJSON_CreateString(written ? written[i] : ((char *const *)list_at(k, base))[i]);
}

static bool write_datasets(cJSON *o, const struct fot_key *k, const void *base)
{
	return write_list(o, k, base, make_dataset);
}

static void release_datasets(const struct fot_key *k, void *base)
{
	char **name = list_at(k, base), **written = written_at(k, base);

	for (size_t i = 0; i < count_at(k, base); i++) {
		fot_free(name[i]);
		if (written)
			fot_free(written[i]);
	}
	fot_free(written);
	give_written(k, base, NULL);
	release_list(k, base);
}

static int read_path(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx,
		     enum fot_path_kind kind)
{
	const char *text = NULL;
	char **place = fot_key_place(k, base), *written;
	int status;

	FOT_TRY(fot_json_string(obj, k->name, true, &text, &ctx->json, ctx->err));
	if (!*text)
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected a path, got \"\"",
				ctx->json.where, k->name);
	*place = resolve(kind, text, ctx);
	written = fot_strdup(text);
	give_written(k, base, written);
	if (!*place || !written)
		return fot_key_no_memory(ctx);
out:
	return status;
}

static int read_model_path(void *base, const struct fot_key *k, const cJSON *obj,
			   const struct fot_key_ctx *ctx)
{
	return read_path(base, k, obj, ctx, FOT_PATH_MODEL);
}

static int read_template_path(void *base, const struct fot_key *k, const cJSON *obj,
			      const struct fot_key_ctx *ctx)
{
	return read_path(base, k, obj, ctx, FOT_PATH_TEMPLATE);
}

/* As written: its contents are in the plan's identity. */
static bool write_file(cJSON *o, const struct fot_key *k, const void *base)
{
	return cJSON_AddStringToObject(o, k->name, written_at(k, base));
}

static bool file_set(const struct fot_key *k, const void *base)
{
	return written_at(k, base) != NULL;
}

static void release_file(const struct fot_key *k, void *base)
{
	char **place = fot_key_place(k, base);

	fot_free(*place);
	fot_free(written_at(k, base));
	*place = NULL;
	give_written(k, base, NULL);
}

const struct fot_key_type fot_key_sizes = { "list of sizes", FOT_KEY_WORDS, read_sizes,
					    write_sizes,     list_set,      release_list };
const struct fot_key_type fot_key_reals = { "list of numbers", FOT_KEY_NUMBERS, read_reals,
					    write_reals,       list_set,        release_list };
const struct fot_key_type fot_key_choices = { "list of words", FOT_KEY_WORDS, read_choices,
					      write_choices,   list_set,      release_list };
const struct fot_key_type fot_key_datasets = { "list of texts", FOT_KEY_WORDS, read_datasets,
					       write_datasets,  list_set,      release_datasets };
const struct fot_key_type fot_key_model = { "path",     FOT_KEY_WORD, read_model_path,
					    write_file, file_set,     release_file };
const struct fot_key_type fot_key_template = { "path",     FOT_KEY_WORD, read_template_path,
					       write_file, file_set,     release_file };
