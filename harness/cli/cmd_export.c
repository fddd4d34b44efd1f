/* cmd_export.c: rows of runs as one data package, and as sample files of lm-evaluation-harness. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "harness/export/bundle.h"
#include "harness/export/lm_samples.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/task_class.h"
#include "harness/report/measures.h"
#include "harness/run/manifest.h"
#include "harness/run/prompts.h"

struct exporting {
	struct fot_bundle_table summary, task[FOT_TASK_CLASSES_MAX];
	struct fot_lm_files samples;
	struct fot_str name; /* of the run being read */
	cJSON *manifests;    /* {RUN: manifest} */
	cJSON *resources;    /* of the package; owned by it */
	const char *output;
	bool overwrite, log_samples, quiet;
	size_t n_files, n_rows;
};

/* a/run and b/run: the path tells the second from the first. */
static int name_run(struct exporting *x, const char *dir, struct fot_err *err)
{
	fot_str_clear(&x->name);
	fot_path_base(&x->name, dir);
	if (!x->name.failed && cJSON_GetObjectItemCaseSensitive(x->manifests, x->name.data)) {
		fot_str_clear(&x->name);
		fot_str_puts(&x->name, dir);
	}
	if (!x->name.failed && cJSON_GetObjectItemCaseSensitive(x->manifests, x->name.data)) {
		fot_str_clear(&x->name);
		fot_str_printf(&x->name, "./%s", dir); /* the run "run" behind a/run */
	}
	return fot_str_check(&x->name, err);
}

static int put_file(struct exporting *x, const char *name, const struct fot_str *text, struct fot_err *err)
{
	x->n_files++;
	return fot_file_replace_at(x->output, name, text, err);
}

/* --- reading --- */

static int read_table(struct exporting *x, struct fot_bundle_table *b, struct fot_table *rows,
		      const char *dir, const char *csv, struct fot_err *err)
{
	int status = fot_table_read_at(rows, dir, csv, NULL, err);

	return status == FOT_OK ? fot_bundle_add(b, x->name.data, rows, err) : status;
}

static int read_task(struct exporting *x, size_t i, const char *dir, const char *time, struct fot_err *err)
{
	const struct fot_measured_task *task = fot_measured_tasks[i];
	struct fot_prompts prompts = { 0 };
	struct fot_table rows;
	int status;

	fot_table_init(&rows, task->schema);
	FOT_TRY(read_table(x, &x->task[i], &rows, dir, fot_task_classes[i]->csv, err));
	x->n_rows += rows.n_rows;
	if (x->log_samples && rows.n_rows) {
		FOT_TRY(fot_prompts_read(&prompts, dir, task, &rows, err));
		status = fot_lm_samples(&x->samples, task, &rows, x->name.data, time,
					(const char *const *)prompts.of_row, err);
	}
out:
	fot_prompts_release(&prompts);
	fot_table_release(&rows);
	return status;
}

/* When the run ended; "undated" where its manifest does not say. */
static const char *time_of(const cJSON *manifest)
{
	const char *time = cJSON_GetStringValue(fot_json_get(fot_json_get(manifest, "times"), "ended"));

	return time && *time ? time : "undated";
}

static int read_manifest(struct exporting *x, const char *dir, const cJSON **manifest, struct fot_err *err)
{
	cJSON *read = NULL;
	int status;

	FOT_TRY(fot_manifest_read(&read, dir, err));
	if (!cJSON_AddItemToObject(x->manifests, x->name.data, read)) {
		cJSON_Delete(read);
		status = FOT_NO_MEMORY(err, "export");
	}
	*manifest = read;
out:
	return status;
}

/* Every row stands once. */
static int check_different(const char *const *dir, size_t n, struct fot_err *err)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (fot_same_file(dir[i], dir[k]))
				return FOT_FAIL(err, FOT_ERR_USAGE,
						"%s: expected different runs, got this one twice", dir[i]);
	return FOT_OK;
}

static int read_run(struct exporting *x, const char *dir, struct fot_err *err)
{
	struct fot_table summary;
	const cJSON *manifest;
	size_t before = x->n_rows;
	int status;

	fot_table_init(&summary, &fot_schema_summary);
	FOT_TRY(name_run(x, dir, err));
	FOT_TRY(read_manifest(x, dir, &manifest, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(read_task(x, i, dir, time_of(manifest), err));
	if (x->n_rows == before)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected the rows of a run, found none", dir));
	status = read_table(x, &x->summary, &summary, dir, "summary.csv", err);
out:
	fot_table_release(&summary);
	return status;
}

/* --- writing --- */

/* A folder with something in it is left alone, unless told otherwise. */
static int make_folder(const struct exporting *x, struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status = fot_mkdir_all(x->output, err);

	if (status == FOT_OK)
		status = fot_dir_list(&names, x->output, err);
	for (size_t i = 0; i < names.n && status == FOT_OK; i++)
		if (strcmp(names.name[i], "manifest.json") == 0 ||
		    strcmp(names.name[i], "journal.jsonl") == 0)
			status = FOT_FAIL(
				err, FOT_ERR_USAGE,
				"%s: holds a run, whose tables would be replaced; choose another folder",
				x->output);
	if (status == FOT_OK && names.n > 0 && !x->overwrite)
		status = FOT_FAIL(
			err, FOT_ERR_USAGE,
			"%s: not empty (%.120s); choose another folder, or --overwrite to replace files of the same names",
			x->output, names.name[0]);
	fot_names_release(&names);
	return status;
}

static int write_table(struct exporting *x, const struct fot_bundle_table *b, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT, name = FOT_STR_INIT;
	int status = FOT_OK;

	if (b->rows.n_rows == 0)
		return FOT_OK;
	fot_str_printf(&name, "%s.csv", b->own.name);
	FOT_TRY(fot_str_check(&name, err));
	FOT_TRY(fot_bundle_print(&text, x->resources, b, err));
	status = put_file(x, name.data, &text, err);
out:
	fot_str_release(&text);
	fot_str_release(&name);
	return status;
}

static int write_samples(struct exporting *x, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, name = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < x->samples.n; i++) {
		const struct fot_lm_file *f = &x->samples.file[i];

		if (f->text.len == 0)
			continue;
		FOT_TRY(fot_path_at(&path, x->output, f->folder, err));
		FOT_TRY(fot_path_at(&name, f->folder, f->name, err));
		FOT_TRY(fot_mkdir_all(path.data, err));
		FOT_TRY(put_file(x, name.data, &f->text, err));
	}
out:
	fot_str_release(&path);
	fot_str_release(&name);
	return status;
}

static int write_json(struct exporting *x, const char *name, const cJSON *root, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_json_print(&text, root, 1, err);

	fot_str_putc(&text, '\n');
	if (status == FOT_OK)
		status = put_file(x, name, &text, err);
	fot_str_release(&text);
	return status;
}

/* The package comes last: where it is, all is. */
static int write_all(struct exporting *x, struct fot_err *err)
{
	cJSON *package = cJSON_CreateObject();
	int status;

	x->resources = package && cJSON_AddStringToObject(package, "profile", "tabular-data-package") &&
				       cJSON_AddStringToObject(package, "name", "fotbench-runs") ?
			       cJSON_AddArrayToObject(package, "resources") :
			       NULL;
	if (!x->resources)
		FOT_TRY(FOT_NO_MEMORY(err, "export"));
	FOT_TRY(make_folder(x, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(write_table(x, &x->task[i], err));
	FOT_TRY(write_table(x, &x->summary, err));
	FOT_TRY(write_json(x, "manifests.json", x->manifests, err));
	FOT_TRY(write_samples(x, err));
	status = write_json(x, "datapackage.json", package, err);
out:
	cJSON_Delete(package);
	return status;
}

static void release(struct exporting *x)
{
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		fot_bundle_release(&x->task[i]);
	fot_bundle_release(&x->summary);
	fot_lm_files_release(&x->samples);
	fot_str_release(&x->name);
	cJSON_Delete(x->manifests);
}

static int export(void *exporting, const struct fot_options *o, struct fot_err *err)
{
	struct exporting *x = exporting;
	size_t n = o->n_positional;
	int status;

	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(fot_bundle_init(&x->task[i], fot_measured_tasks[i]->schema, err));
	FOT_TRY(fot_bundle_init(&x->summary, &fot_schema_summary, err));
	x->manifests = cJSON_CreateObject();
	if (!x->manifests)
		FOT_TRY(FOT_NO_MEMORY(err, "export"));
	FOT_TRY(check_different(o->positional, n, err));
	for (size_t i = 0; i < n; i++)
		FOT_TRY(read_run(x, o->positional[i], err));
	FOT_TRY(write_all(x, err));
	if (!x->quiet)
		printf("%zu rows of %zu run%s in %zu files\n", x->n_rows, n, FOT_S(n), x->n_files);
	status = fot_flush_stdout(err);
out:
	release(x);
	return status;
}

static const char about[] =
	"The rows of one or several runs as a folder for Python, R and notebooks: TASK.csv and summary.csv of all runs, each\n"
	"with the column run in front, manifests.json, and datapackage.json, which says what each column is. --log-samples adds\n"
	"an lm-evaluation-harness sample file for each condition and group of items. docs/export.md has examples.";

int fot_cmd_export(int argc, char **argv)
{
	struct exporting x = { 0 };
	struct fot_option options[] = {
		FOT_COMMON_OUTPUT(&x.output, true),
		{ FOT_FLAG_OPTION(
			"log-samples", &x.log_samples,
			"also items as lm-evaluation-harness logs them: MODEL/samples_TASK_TIME.jsonl") },
		{ FOT_FLAG_OPTION("overwrite", &x.overwrite, "replace files of the same names") },
		FOT_COMMON_QUIET(&x.quiet),
	};
	struct fot_options o = FOT_COMMAND("export", "RUN... -o DIR [options]", about, options, 1,
					   FOT_POSITIONAL_MAX, export);

	return fot_command(&o, argc, argv, &x);
}
