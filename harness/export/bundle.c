/* bundle.c: see bundle.h. */
#include "harness/export/bundle.h"

#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

int fot_bundle_init(struct fot_bundle_table *b, const struct fot_schema *schema, struct fot_err *err)
{
	struct fot_column *column = fot_calloc(schema->n + 1, sizeof *column);

	b->own = *schema;
	b->own.column = column;
	fot_table_init(&b->rows, &b->own);
	if (!column)
		return FOT_NO_MEMORY(err, "export");
	column[0] =
		(struct fot_column){ "run", FOT_COLUMN_TEXT, FOT_COLUMN_PLAIN, "name of the run's folder" };
	memcpy(column + 1, schema->column, schema->n * sizeof *column);
	b->own.n = schema->n + 1;
	return FOT_OK;
}

void fot_bundle_release(struct fot_bundle_table *b)
{
	fot_table_release(&b->rows);
	fot_free((void *)b->own.column);
}

int fot_bundle_add(struct fot_bundle_table *b, const char *run, const struct fot_table *rows,
		   struct fot_err *err)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		size_t row = fot_table_add(&b->rows);

		fot_table_copy_shared(&b->rows, row, rows, i);
		fot_table_set_text(&b->rows, row, "run", run);
	}
	return fot_table_check(&b->rows, err);
}

/* --- datapackage.json --- */

static bool add_field(cJSON *fields, const struct fot_column *c)
{
	static const char *const type[] = { "string", "integer", "number", "boolean" };
	cJSON *field = fot_json_append(fields);
	bool good;

	good = field && cJSON_AddStringToObject(field, "name", c->name) &&
	       cJSON_AddStringToObject(field, "type", type[c->type]);
	if (good && c->type == FOT_COLUMN_BOOL) {
		cJSON *yes = cJSON_AddArrayToObject(field, "trueValues"),
		      *no = cJSON_AddArrayToObject(field, "falseValues");

		good = fot_json_add(yes, cJSON_CreateString("1")) &&
		       fot_json_add(no, cJSON_CreateString("0"));
	}
	return good && cJSON_AddStringToObject(field, "description", c->about);
}

/* Columns that came late are not in the file where no row has a value: its first line has n. */
static size_t n_written(const struct fot_str *csv)
{
	size_t n = 1;

	for (const char *p = csv->data; *p && *p != '\n'; p++)
		n += *p == ',';
	return n;
}

static bool add_resource(cJSON *list, const struct fot_bundle_table *b, const struct fot_str *csv)
{
	struct fot_str path = FOT_STR_INIT;
	char sha[72] = "sha256:";
	cJSON *r = fot_json_append(list), *schema = NULL, *fields = NULL, *missing = NULL;
	bool good;

	fot_sha256_of(csv->data, csv->len, sha + strlen(sha));
	fot_str_printf(&path, "%s.csv", b->own.name);
	good = r && !path.failed && cJSON_AddStringToObject(r, "name", b->own.name) &&
	       cJSON_AddStringToObject(r, "path", path.data) &&
	       cJSON_AddStringToObject(r, "profile", "tabular-data-resource") &&
	       cJSON_AddStringToObject(r, "description", b->own.about) &&
	       cJSON_AddStringToObject(r, "format", "csv") &&
	       cJSON_AddStringToObject(r, "mediatype", "text/csv") &&
	       cJSON_AddStringToObject(r, "encoding", "utf-8") &&
	       cJSON_AddNumberToObject(r, "bytes", (double)csv->len) &&
	       cJSON_AddStringToObject(r, "hash", sha) && (schema = cJSON_AddObjectToObject(r, "schema")) &&
	       (fields = cJSON_AddArrayToObject(schema, "fields")) &&
	       (missing = cJSON_AddArrayToObject(schema, "missingValues")) &&
	       fot_json_add(missing, cJSON_CreateString(""));
	for (size_t i = 0; good && i < n_written(csv); i++)
		good = add_field(fields, &b->own.column[i]);
	fot_str_release(&path);
	return good;
}

int fot_bundle_print(struct fot_str *out, cJSON *resources, const struct fot_bundle_table *b,
		     struct fot_err *err)
{
	int status = fot_table_print(out, &b->rows, true, err);

	if (status == FOT_OK && !add_resource(resources, b, out))
		status = FOT_NO_MEMORY(err, "export");
	return status;
}
