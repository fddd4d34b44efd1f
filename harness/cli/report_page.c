/* report_page.c: see report_page.h. */
#include "harness/cli/report_page.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define MAX_SAMPLES ((size_t)1 << 31) /* bytes of a file */

/* Samples are added in memory that is there for all of a run. */
static int make_room(struct fot_page_files *f, struct fot_err *err)
{
	size_t n = f->n_samples + fot_n_task_classes;
	struct fot_page_samples *samples = fot_realloc(f->samples, n, sizeof *samples);
	char **file;

	if (!samples)
		return FOT_NO_MEMORY(err, "report");
	f->samples = samples;
	file = fot_realloc(f->file, n, sizeof *file);
	if (!file)
		return FOT_NO_MEMORY(err, "report");
	f->file = file;
	return FOT_OK;
}

/* Of a task that retrieves its rows, else the lines that it keeps; nothing where there is no such file. */
static int read_samples(struct fot_page_files *f, const char *name, const char *dir,
			const struct fot_task_class *class, struct fot_err *err)
{
	struct fot_page_samples *s = &f->samples[f->n_samples];
	bool retrieved = fot_page_is_retrieved(class->schema);
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, dir, retrieved ? class->csv : class->samples, err));
	if (!fot_file_exists(path.data))
		goto out;
	*s = (struct fot_page_samples){ .run = name, .task = class->name };
	f->file[f->n_samples] = fot_strdup(path.data);
	s->file = f->file[f->n_samples++];
	if (!s->file) {
		status = FOT_NO_MEMORY(err, "report");
	} else if (retrieved) {
		fot_table_init(&s->rows, class->schema);
		status = fot_table_read(&s->rows, path.data, err);
	} else {
		status = fot_file_read(&s->lines, path.data, MAX_SAMPLES, err);
	}
out:
	fot_str_release(&path);
	return status;
}

int fot_page_files_add(struct fot_page_files *f, const char *name, const char *dir, const cJSON *manifest,
		       struct fot_err *err)
{
	struct fot_page_run *run = &f->run[f->n_runs++];
	int status;

	*run = (struct fot_page_run){ .name = name, .manifest = manifest };
	fot_table_init(&run->summary, &fot_schema_summary);
	FOT_TRY(fot_table_read_at(&run->summary, dir, "summary.csv", NULL, err));
	FOT_TRY(make_room(f, err));
	for (size_t i = 0; i < fot_n_task_classes; i++)
		FOT_TRY(read_samples(f, name, dir, fot_task_classes[i], err));
out:
	return status;
}

/* "dense" of "OUT/dense.csv". */
static char *name_of(const char *path)
{
	struct fot_str name = FOT_STR_INIT;
	char *out = NULL;

	fot_path_base(&name, path);
	if (!name.failed) {
		if (name.len > 4 && strcmp(name.data + name.len - 4, ".csv") == 0)
			name.data[name.len - 4] = '\0';
		out = fot_strdup(name.data);
	}
	fot_str_release(&name);
	return out;
}

int fot_page_files_tokens(struct fot_page_files *f, const struct fot_texts *files, struct fot_err *err)
{
	int status = FOT_OK;

	if (files->n == 1)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--tokens: expected two files or more, the first of them what the others are compared "
			"with, got one");
	for (size_t i = 0; i < files->n; i++) {
		struct fot_page_tokens *t = &f->tokens[f->n_tokens];

		fot_table_init(&t->rows, &fot_schema_tokens);
		t->name = f->token_name[f->n_tokens++] = name_of(files->at[i]);
		if (!t->name)
			return FOT_NO_MEMORY(err, "report");
		FOT_TRY(fot_table_read(&t->rows, files->at[i], err));
	}
out:
	return status;
}

bool fot_page_files_any(const struct fot_page_files *f, size_t run)
{
	bool any = f->run[run].summary.n_rows > 0;

	for (size_t i = 0; i < f->n_samples; i++)
		any = any || f->samples[i].run == f->run[run].name;
	return any;
}

void fot_page_files_release(struct fot_page_files *f)
{
	for (size_t i = 0; i < f->n_runs; i++)
		fot_table_release(&f->run[i].summary);
	for (size_t i = 0; i < f->n_samples; i++) {
		fot_str_release(&f->samples[i].lines);
		if (f->samples[i].rows.schema)
			fot_table_release(&f->samples[i].rows);
		fot_free(f->file[i]);
	}
	for (size_t i = 0; i < f->n_tokens; i++) {
		fot_table_release(&f->tokens[i].rows);
		fot_free(f->token_name[i]);
	}
	fot_free(f->samples);
	fot_free(f->file);
}
