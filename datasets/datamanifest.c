/* datamanifest.c: reading manifests, strictly.
 *
 * A manifest is trusted no more than any file: unknown keys, unknown packages,
 * duplicate ids, ids that leave the folder and empty rules are errors that name
 * the place, e.g. "books.json: documents[3].split: ...". */
#include "datasets/datamanifest.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"

#define MANIFEST_MAX ((size_t)16 << 20)
#define FORMAT "fotbench-manifest-1"

static const char *const split_names[] = { "train", "valid", "test" };
static const char *const registry_names[] = { "deb", "npm", "dir" };
static const char *const encoding_names[] = { "utf-8", "latin1", "mixed" };

const char *fot_split_name(enum fot_split split)
{
	return split < FOT_SPLIT_ALL ? split_names[split] : "all";
}

const char *fot_registry_name(enum fot_registry registry)
{
	return registry_names[registry];
}

bool fot_split_parse(const char *name, enum fot_split *out)
{
	static const struct {
		const char *name;
		enum fot_split split;
	} words[] = { { "train", FOT_TRAIN }, { "valid", FOT_VALID }, { "validation", FOT_VALID },
		      { "val", FOT_VALID },   { "dev", FOT_VALID },   { "test", FOT_TEST } };

	for (size_t i = 0; i < FOT_COUNT(words); i++) {
		if (strcasecmp(name, words[i].name) == 0) {
			*out = words[i].split;
			return true;
		}
	}
	return false;
}

static bool part_ok(const char *part, size_t n)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

	if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && memcmp(part, "..", 2) == 0))
		return false;
	return strspn(part, allowed) >= n;
}

bool fot_document_id_ok(const char *id)
{
	size_t n;

	for (;; id += n + 1) {
		n = strcspn(id, "/");
		if (!part_ok(id, n))
			return false;
		if (!id[n])
			return true;
	}
}

void fot_document_file(struct fot_str *out, const char *id)
{
	for (; *id; id++)
		fot_str_putc(out, *id == '/' ? '_' : *id);
	fot_str_puts(out, ".txt");
}

/* ---- getters ---- */

/* obj[key], one of names[]; *out untouched when absent. */
static int get_enum(const cJSON *obj, const char *key, bool required, const char *const *names, size_t n, size_t *out,
		    const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const char *text = NULL, *near;
	int status = fot_json_string(obj, key, required, &text, ctx, err);

	if (status != FOT_OK || !text)
		return status;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = i;
			return FOT_OK;
		}
	}
	near = fot_nearest(text, names, n);
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s.%s: unknown value '%s'%s%s%s", ctx->where, key, text,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* obj[key], a list of strings, may be absent. */
static int get_strings(const cJSON *obj, const char *key, const char ***out, size_t *n, const struct fot_json_ctx *ctx,
		       struct fot_err *err)
{
	const cJSON *list = NULL, *item;
	int status = fot_json_array(obj, key, false, &list, ctx, err);

	if (status != FOT_OK || !list)
		return status;
	*out = fot_calloc((size_t)cJSON_GetArraySize(list), sizeof(**out));
	if (!*out)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s.%s: out of memory", ctx->where, key);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || !item->valuestring[0])
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s.%s[%zu]: expected a non-empty string", ctx->where, key,
					*n);
		(*out)[(*n)++] = item->valuestring;
	}
	return FOT_OK;
}

static bool is_sha256(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int get_sha256(const cJSON *obj, bool required, const char **out, const struct fot_json_ctx *ctx,
		      struct fot_err *err)
{
	int status = fot_json_string(obj, "sha256", required, out, ctx, err);

	if (status == FOT_OK && **out && !is_sha256(*out))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s.sha256: expected 64 lower-case hex digits, got '%s'",
				  ctx->where, *out);
	return status;
}

/* ---- packages ---- */

/* Words that end up as arguments of apt-get and npm: nothing an option could be. */
static bool word_ok(const char *word)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-~:@/_";

	return word[0] && word[0] != '-' && !strstr(word, "..") && !word[strspn(word, allowed)];
}

static int check_package(const struct fot_package *p, const char *where, struct fot_err *err)
{
	if (!word_ok(p->name) || strchr(p->name, ':'))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.name: '%s' is no package name", where, p->name);
	if (p->registry == FOT_REGISTRY_DIR)
		return *p->path ? FOT_OK : FOT_FAIL(err, FOT_ERR_INPUT, "%s.path: missing", where);
	if (*p->path)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.path: only for the registry 'dir'", where);
	if (!word_ok(p->version) || strchr(p->version, '/'))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.version: expected a version, got '%s'", where, p->version);
	if (!*p->sha256)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.sha256: missing", where);
	return FOT_OK;
}

static int read_package(struct fot_package *p, const cJSON *obj, const char *where, struct fot_err *err)
{
	static const char *const known[] = { "name",    "registry", "version",  "sha256", "bytes",
					     "licence", "optional", "archives", "path" };
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	size_t registry = 0;
	int status;

	p->version = p->sha256 = p->licence = p->path = "";
	FOT_TRY(fot_json_known(obj, where, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(obj, "name", true, &p->name, &ctx, err));
	FOT_TRY(get_enum(obj, "registry", true, registry_names, FOT_COUNT(registry_names), &registry, &ctx, err));
	p->registry = (enum fot_registry)registry;
	FOT_TRY(fot_json_string(obj, "version", false, &p->version, &ctx, err));
	FOT_TRY(get_sha256(obj, false, &p->sha256, &ctx, err));
	FOT_TRY(fot_json_string(obj, "licence", false, &p->licence, &ctx, err));
	FOT_TRY(fot_json_string(obj, "path", false, &p->path, &ctx, err));
	FOT_TRY(fot_json_i64(obj, "bytes", false, 0, INT64_C(1) << 40, &p->bytes, &ctx, err));
	FOT_TRY(fot_json_bool(obj, "optional", false, &p->optional, &ctx, err));
	FOT_TRY(get_strings(obj, "archives", &p->archives, &p->n_archives, &ctx, err));
	FOT_TRY(check_package(p, where, err));
	for (size_t i = 0; i < p->n_archives; i++)
		if (p->archives[i][0] == '/' || strstr(p->archives[i], ".."))
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s.archives[%zu]: '%s' leaves the package", where, i,
					  p->archives[i]);
out:
	return status;
}

/* ---- documents ---- */

static int read_sword(struct fot_rule *d, const cJSON *obj, const char *where, struct fot_err *err)
{
	static const char *const known[] = { "module", "kind", "first", "count" };
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	struct fot_str place = FOT_STR_INIT;
	int status;

	fot_str_printf(&place, "%s.sword", where);
	FOT_TRY(fot_str_check(&place, err));
	ctx.where = place.data;
	FOT_TRY(fot_json_known(obj, place.data, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(obj, "module", true, &d->module, &ctx, err));
	FOT_TRY(fot_json_string(obj, "kind", true, &d->kind, &ctx, err));
	FOT_TRY(fot_json_i64(obj, "first", true, 0, INT32_MAX, &d->first, &ctx, err));
	FOT_TRY(fot_json_i64(obj, "count", true, 1, INT32_MAX, &d->count, &ctx, err));
	if (d->module[0] == '/' || strstr(d->module, "..") || strlen(d->kind) != 2 || !word_ok(d->kind))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a module in the package and a kind of two letters",
				  place.data);
out:
	fot_str_release(&place);
	return status;
}

static int find_package(const struct fot_datamanifest *m, const char *name, const char *where, size_t *out,
			struct fot_err *err)
{
	for (size_t i = 0; i < m->n_packages; i++) {
		if (strcmp(m->packages[i].name, name) == 0) {
			*out = i;
			return FOT_OK;
		}
	}
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s.package: '%s' is not among the packages", where, name);
}

static int read_rule(struct fot_rule *d, const cJSON *obj, const char *where, struct fot_err *err)
{
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const cJSON *sword = NULL;
	size_t encoding = 0;
	int status;

	FOT_TRY(get_strings(obj, "include", &d->include, &d->n_include, &ctx, err));
	FOT_TRY(get_strings(obj, "exclude", &d->exclude, &d->n_exclude, &ctx, err));
	FOT_TRY(fot_json_bool(obj, "gunzip", false, &d->gunzip, &ctx, err));
	FOT_TRY(get_enum(obj, "encoding", false, encoding_names, FOT_COUNT(encoding_names), &encoding, &ctx, err));
	d->encoding = (enum fot_encoding)encoding;
	FOT_TRY(fot_json_string(obj, "from", false, &d->from, &ctx, err));
	FOT_TRY(fot_json_string(obj, "until", false, &d->until, &ctx, err));
	FOT_TRY(fot_json_string(obj, "between", false, &d->between, &ctx, err));
	FOT_TRY(fot_json_object(obj, "sword", false, &sword, &ctx, err));
	if (!sword == !d->n_include)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected either include or sword", where);
	else if (sword)
		status = read_sword(d, sword, where, err);
out:
	return status;
}

static int read_document(struct fot_datamanifest *m, struct fot_rule *d, const cJSON *obj, const char *where,
			 struct fot_err *err)
{
	static const char *const known[] = { "id",       "split", "package", "include", "exclude", "gunzip",
					     "encoding", "from",  "until",   "sword",   "bytes",   "sha256",  "between" };
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *package = NULL;
	size_t split = 0;
	int status;

	d->sha256 = "";
	d->between = "\n";
	FOT_TRY(fot_json_known(obj, where, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(obj, "id", true, &d->id, &ctx, err));
	if (!fot_document_id_ok(d->id)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s.id: '%s' is no document id", where, d->id);
		goto out;
	}
	FOT_TRY(get_enum(obj, "split", true, split_names, FOT_COUNT(split_names), &split, &ctx, err));
	d->split = (enum fot_split)split;
	FOT_TRY(fot_json_string(obj, "package", true, &package, &ctx, err));
	FOT_TRY(find_package(m, package, where, &d->package, err));
	FOT_TRY(read_rule(d, obj, where, err));
	FOT_TRY(fot_json_i64(obj, "bytes", true, 0, INT64_C(1) << 40, &d->bytes, &ctx, err));
	FOT_TRY(get_sha256(obj, true, &d->sha256, &ctx, err));
out:
	return status;
}

/* Ids must differ even as file names ("a/b" and "a_b" would share a file). */
static int check_ids(const struct fot_datamanifest *m, struct fot_err *err)
{
	struct fot_str a = FOT_STR_INIT, b = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < m->n_documents && status == FOT_OK; i++) {
		fot_str_clear(&a);
		fot_document_file(&a, m->documents[i].id);
		for (size_t j = 0; j < i && status == FOT_OK; j++) {
			fot_str_clear(&b);
			fot_document_file(&b, m->documents[j].id);
			if (!a.failed && !b.failed && strcmp(a.data, b.data) == 0)
				status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: documents[%zu].id: '%s' is there twice",
						  m->path, i, m->documents[i].id);
		}
	}
	if (status == FOT_OK)
		status = fot_str_check(a.failed ? &a : &b, err);
	fot_str_release(&a);
	fot_str_release(&b);
	return status;
}

/* ---- the file ---- */

static int read_packages(struct fot_datamanifest *m, const cJSON *list, struct fot_err *err)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *item;
	int status = FOT_OK;

	m->packages = fot_calloc((size_t)cJSON_GetArraySize(list), sizeof(*m->packages));
	if (!m->packages)
		return FOT_NO_MEMORY(err, m->path);
	cJSON_ArrayForEach(item, list)
	{
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: packages[%zu]", m->path, m->n_packages);
		FOT_TRY(fot_str_check(&where, err));
		FOT_TRY(read_package(&m->packages[m->n_packages++], item, where.data, err));
	}
out:
	fot_str_release(&where);
	return status;
}

static int read_documents(struct fot_datamanifest *m, const cJSON *list, struct fot_err *err)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *item;
	int status = FOT_OK;

	m->documents = fot_calloc((size_t)cJSON_GetArraySize(list), sizeof(*m->documents));
	if (!m->documents)
		return FOT_NO_MEMORY(err, m->path);
	cJSON_ArrayForEach(item, list)
	{
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: documents[%zu]", m->path, m->n_documents);
		FOT_TRY(fot_str_check(&where, err));
		FOT_TRY(read_document(m, &m->documents[m->n_documents++], item, where.data, err));
	}
	if (m->n_documents == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: 0 documents", m->path);
out:
	fot_str_release(&where);
	return status;
}

static int read_root(struct fot_datamanifest *m, struct fot_err *err)
{
	static const char *const known[] = { "format", "dataset", "description", "packages", "documents" };
	const struct fot_json_ctx ctx = { m->path, FOT_ERR_INPUT };
	const cJSON *packages = NULL, *documents = NULL;
	const char *format = NULL;
	int status;

	m->description = "";
	FOT_TRY(fot_json_known(m->json, m->path, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(m->json, "format", true, &format, &ctx, err));
	FOT_TRY(fot_json_string(m->json, "dataset", true, &m->dataset, &ctx, err));
	FOT_TRY(fot_json_string(m->json, "description", false, &m->description, &ctx, err));
	FOT_TRY(fot_json_array(m->json, "packages", true, &packages, &ctx, err));
	FOT_TRY(fot_json_array(m->json, "documents", true, &documents, &ctx, err));
	if (strcmp(format, FORMAT) != 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: format: expected '%s', got '%s'", m->path, FORMAT, format);
		goto out;
	}
	if (!fot_document_id_ok(m->dataset) || strchr(m->dataset, '/')) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: dataset: '%s' is no name", m->path, m->dataset);
		goto out;
	}
	FOT_TRY(read_packages(m, packages, err));
	FOT_TRY(read_documents(m, documents, err));
	FOT_TRY(check_ids(m, err));
out:
	return status;
}

int fot_datamanifest_read(struct fot_datamanifest *m, const char *path, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	memset(m, 0, sizeof(*m));
	m->path = fot_strdup(path);
	if (!m->path) {
		status = FOT_NO_MEMORY(err, path);
		goto out;
	}
	FOT_TRY(fot_file_read(&text, path, MANIFEST_MAX, err));
	fot_sha256_of(text.data, text.len, m->sha256);
	FOT_TRY(fot_json_parse(&m->json, text.data, text.len, path, FOT_ERR_INPUT, err));
	if (!cJSON_IsObject(m->json))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object", path);
	else
		status = read_root(m, err);
out:
	fot_str_release(&text);
	if (status != FOT_OK)
		fot_datamanifest_release(m);
	return status;
}

void fot_datamanifest_release(struct fot_datamanifest *m)
{
	for (size_t i = 0; i < m->n_packages; i++)
		fot_free(m->packages[i].archives);
	for (size_t i = 0; i < m->n_documents; i++) {
		fot_free(m->documents[i].include);
		fot_free(m->documents[i].exclude);
	}
	fot_free(m->packages);
	fot_free(m->documents);
	fot_free(m->path);
	cJSON_Delete(m->json);
	memset(m, 0, sizeof(*m));
}
