/* index.c: reading and writing a dataset's index. */
#include "datasets/index.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"

#define INDEX_MAX ((size_t)16 << 20)
#define FORMAT "fotbench-index-1"

void fot_index_path(struct fot_str *out, const char *store, const char *dataset, const char *name)
{
	fot_path_join(out, store, dataset);
	fot_str_printf(out, "/%s", name);
}

void fot_index_document_path(struct fot_str *out, const char *store, const char *dataset, const char *id)
{
	fot_index_path(out, store, dataset, "documents/");
	fot_document_file(out, id);
}

/* ---- reading ---- */

static int read_package(struct fot_index_package *p, const cJSON *obj, const char *where, struct fot_err *err)
{
	static const char *const known[] = { "name", "registry", "version", "sha256", "pinned" };
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	int status;

	FOT_TRY(fot_json_known(obj, where, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(obj, "name", true, &p->name, &ctx, err));
	FOT_TRY(fot_json_string(obj, "registry", true, &p->registry, &ctx, err));
	FOT_TRY(fot_json_string(obj, "version", true, &p->version, &ctx, err));
	FOT_TRY(fot_json_string(obj, "sha256", true, &p->sha256, &ctx, err));
	FOT_TRY(fot_json_bool(obj, "pinned", true, &p->pinned, &ctx, err));
out:
	return status;
}

static int check_document(const struct fot_index_document *d, const char *split, const char *where,
			  struct fot_err *err)
{
	if (!fot_document_id_ok(d->id))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.id: '%s' is no document id", where, d->id);
	if (strlen(d->sha256) != 64)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.sha256: expected 64 hex digits", where);
	if (d->split == FOT_SPLIT_ALL)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s.split: expected train, valid or test, got '%s'", where, split);
	return FOT_OK;
}

static int read_document(struct fot_index_document *d, const cJSON *obj, const char *where, struct fot_err *err)
{
	static const char *const known[] = { "id", "split", "package", "bytes", "words", "sha256", "pinned" };
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *split = "";
	int status;

	d->split = FOT_SPLIT_ALL;
	FOT_TRY(fot_json_known(obj, where, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(obj, "id", true, &d->id, &ctx, err));
	FOT_TRY(fot_json_string(obj, "split", true, &split, &ctx, err));
	FOT_TRY(fot_json_string(obj, "package", true, &d->package, &ctx, err));
	FOT_TRY(fot_json_i64(obj, "bytes", true, 0, INT64_C(1) << 50, &d->bytes, &ctx, err));
	FOT_TRY(fot_json_i64(obj, "words", true, 0, INT64_C(1) << 50, &d->words, &ctx, err));
	FOT_TRY(fot_json_string(obj, "sha256", true, &d->sha256, &ctx, err));
	FOT_TRY(fot_json_bool(obj, "pinned", true, &d->pinned, &ctx, err));
	fot_split_parse(split, &d->split);
	FOT_TRY(check_document(d, split, where, err));
out:
	return status;
}

static int read_lists(struct fot_index *x, const cJSON *packages, const cJSON *documents, const char *path,
		      struct fot_err *err)
{
	struct fot_str where = FOT_STR_INIT;
	const cJSON *item;
	int status = FOT_OK;

	x->packages = fot_calloc((size_t)cJSON_GetArraySize(packages), sizeof(*x->packages));
	x->documents = fot_calloc((size_t)cJSON_GetArraySize(documents), sizeof(*x->documents));
	if (!x->packages || !x->documents)
		return FOT_NO_MEMORY(err, path);
	cJSON_ArrayForEach(item, packages)
	{
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: packages[%zu]", path, x->n_packages);
		FOT_TRY(fot_str_check(&where, err));
		FOT_TRY(read_package(&x->packages[x->n_packages++], item, where.data, err));
	}
	cJSON_ArrayForEach(item, documents)
	{
		fot_str_clear(&where);
		fot_str_printf(&where, "%s: documents[%zu]", path, x->n_documents);
		FOT_TRY(fot_str_check(&where, err));
		FOT_TRY(read_document(&x->documents[x->n_documents++], item, where.data, err));
	}
out:
	fot_str_release(&where);
	return status;
}

static int read_root(struct fot_index *x, const char *path, const char *dataset, struct fot_err *err)
{
	static const char *const known[] = { "format",   "dataset",  "manifest_sha256",
					     "optional", "packages", "documents" };
	const struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const cJSON *packages = NULL, *documents = NULL;
	const char *format = "";
	int status;

	FOT_TRY(fot_json_known(x->json, path, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_string(x->json, "format", true, &format, &ctx, err));
	FOT_TRY(fot_json_string(x->json, "dataset", true, &x->dataset, &ctx, err));
	FOT_TRY(fot_json_string(x->json, "manifest_sha256", true, &x->manifest_sha256, &ctx, err));
	FOT_TRY(fot_json_bool(x->json, "optional", true, &x->optional, &ctx, err));
	FOT_TRY(fot_json_array(x->json, "packages", true, &packages, &ctx, err));
	FOT_TRY(fot_json_array(x->json, "documents", true, &documents, &ctx, err));
	if (strcmp(format, FORMAT) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: format: expected '%s', got '%s'", path, FORMAT, format);
	else if (strcmp(x->dataset, dataset) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: dataset: expected '%s', got '%s'", path, dataset,
				  x->dataset);
	else
		status = read_lists(x, packages, documents, path, err);
out:
	return status;
}

int fot_index_read(struct fot_index *x, const char *store, const char *dataset, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	memset(x, 0, sizeof(*x));
	fot_index_path(&path, store, dataset, "index.json");
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_json_read(&x->json, path.data, INDEX_MAX, FOT_ERR_INPUT, err));
	if (cJSON_IsObject(x->json))
		status = read_root(x, path.data, dataset, err);
	else
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object", path.data);
out:
	fot_str_release(&path);
	if (status != FOT_OK)
		fot_index_release(x);
	return status;
}

/* ---- writing ---- */

static cJSON *package_json(const struct fot_index_package *p)
{
	cJSON *obj = cJSON_CreateObject();

	cJSON_AddStringToObject(obj, "name", p->name);
	cJSON_AddStringToObject(obj, "registry", p->registry);
	cJSON_AddStringToObject(obj, "version", p->version);
	cJSON_AddStringToObject(obj, "sha256", p->sha256);
	cJSON_AddBoolToObject(obj, "pinned", p->pinned);
	return obj;
}

static cJSON *document_json(const struct fot_index_document *d)
{
	cJSON *obj = cJSON_CreateObject();

	cJSON_AddStringToObject(obj, "id", d->id);
	cJSON_AddStringToObject(obj, "split", fot_split_name(d->split));
	cJSON_AddStringToObject(obj, "package", d->package);
	cJSON_AddNumberToObject(obj, "bytes", (double)d->bytes);
	cJSON_AddNumberToObject(obj, "words", (double)d->words);
	cJSON_AddStringToObject(obj, "sha256", d->sha256);
	cJSON_AddBoolToObject(obj, "pinned", d->pinned);
	return obj;
}

static cJSON *index_json(const struct fot_index *x)
{
	cJSON *obj = cJSON_CreateObject(), *packages, *documents;

	cJSON_AddStringToObject(obj, "format", FORMAT);
	cJSON_AddStringToObject(obj, "dataset", x->dataset);
	cJSON_AddStringToObject(obj, "manifest_sha256", x->manifest_sha256);
	cJSON_AddBoolToObject(obj, "optional", x->optional);
	packages = cJSON_AddArrayToObject(obj, "packages");
	for (size_t i = 0; i < x->n_packages; i++)
		cJSON_AddItemToArray(packages, package_json(&x->packages[i]));
	documents = cJSON_AddArrayToObject(obj, "documents");
	for (size_t i = 0; i < x->n_documents; i++)
		cJSON_AddItemToArray(documents, document_json(&x->documents[i]));
	return obj;
}

int fot_index_write(const struct fot_index *x, const char *store, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	cJSON *json = index_json(x);
	int status;

	fot_index_path(&path, store, x->dataset, "index.json");
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_json_print(&text, json, 1, err));
	fot_str_putc(&text, '\n');
	FOT_TRY(fot_str_check(&text, err));
	FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
out:
	cJSON_Delete(json);
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

void fot_index_release(struct fot_index *x)
{
	fot_free(x->packages);
	fot_free(x->documents);
	cJSON_Delete(x->json);
	memset(x, 0, sizeof(*x));
}
