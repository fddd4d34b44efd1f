/* rebuild.c: the summary that follows from a folder's rows.
 *
 *   rebuild DIR OUT      DIR/TASK.csv -> OUT/summary.csv, OUT/summary.md without its title
 *
 * The seed is the manifest's. Exit code: the error's. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "harness/plan/task_class.h"
#include "harness/report/measures.h"
#include "harness/report/summary.h"

static int seed_of(const char *dir, int64_t *seed, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	cJSON *manifest = NULL;
	const cJSON *spec = NULL;
	struct fot_json_ctx ctx = { "manifest.json: spec", FOT_ERR_INPUT };
	int status;

	FOT_TRY(fot_path_at(&path, dir, "manifest.json", err));
	FOT_TRY(fot_json_read(&manifest, path.data, (size_t)1 << 24, FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_object(manifest, "spec", true, &spec, &ctx, err));
	status = fot_json_i64(spec, "seed", true, 0, INT64_MAX, seed, &ctx, err);
out:
	cJSON_Delete(manifest);
	fot_str_release(&path);
	return status;
}

static int add_task(struct fot_table *summary, const char *dir, const struct fot_task_class *task, uint64_t seed,
		    struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_table rows;
	int status;

	fot_table_init(&rows, task->schema);
	FOT_TRY(fot_path_at(&path, dir, task->csv, err));
	if (fot_file_exists(path.data)) {
		FOT_TRY(fot_table_read(&rows, path.data, err));
		status = fot_summary_build(summary, &rows, seed, NULL, err);
	}
out:
	fot_table_release(&rows);
	fot_str_release(&path);
	return status;
}

static int rebuild(const char *dir, const char *out, struct fot_err *err)
{
	struct fot_str csv = FOT_STR_INIT, md = FOT_STR_INIT, text = FOT_STR_INIT;
	struct fot_table summary;
	int64_t seed = 0;
	int status;

	fot_table_init(&summary, &fot_schema_summary);
	fot_path_join(&csv, out, "summary.csv");
	fot_path_join(&md, out, "summary.md");
	FOT_TRY(fot_str_check(&csv, err));
	FOT_TRY(fot_str_check(&md, err));
	FOT_TRY(seed_of(dir, &seed, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(add_task(&summary, dir, fot_task_classes[i], (uint64_t)seed, err));
	FOT_TRY(fot_table_write(&summary, csv.data, true, err));
	FOT_TRY(fot_summary_markdown(&text, &summary, err));
	FOT_TRY(fot_str_check(&text, err));
	status = fot_file_replace(md.data, text.data, text.len, err);
out:
	fot_table_release(&summary);
	fot_str_release(&csv);
	fot_str_release(&md);
	fot_str_release(&text);
	return status;
}

int main(int argc, char **argv)
{
	struct fot_err err = { 0 };
	int status = argc == 3 ? rebuild(argv[1], argv[2], &err) : FOT_ERR_USAGE;

	if (status != FOT_OK)
		fprintf(stderr, "rebuild: %s\n", err.text);
	return status;
}
