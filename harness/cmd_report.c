/* cmd_report.c: tables of one or several runs, on stdout or as files. */
#include "harness/cmd_report.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/options.h"
#include "harness/report.h"
#include "harness/store.h"

static const char *const format_names[] = { "md", "tex", "csv", NULL };
static const char *const metric_names[] = { "perplexity", "bits_per_byte", NULL };
enum { MARKDOWN, LATEX, CSV };

static const struct fot_schema *const tasks[] = { &fot_schema_perplexity, &fot_schema_passkey, &fot_schema_lookup,
						  &fot_schema_fewshot, &fot_schema_distraction };
#define N_TASKS (sizeof tasks / sizeof tasks[0])

struct reporting {
	struct fot_table rows[N_TASKS], paper, report;
	struct fot_report_run run[N_TASKS][FOT_POSITIONAL_MAX];
	char *name[FOT_POSITIONAL_MAX];
	size_t n_runs;
};

/* a/run and b/run: the paths tell them apart. */
static int name_run(struct reporting *r, const char *dir, struct fot_err *err)
{
	struct fot_str name = FOT_STR_INIT;
	int status;

	fot_path_base(&name, dir);
	FOT_TRY(fot_str_check(&name, err));
	for (size_t i = 0; i < r->n_runs; i++) {
		if (strcmp(r->name[i], name.data) == 0) {
			fot_str_clear(&name);
			fot_str_puts(&name, dir);
		}
	}
	FOT_TRY(fot_str_check(&name, err));
	r->name[r->n_runs] = fot_strdup(name.data);
	if (r->name[r->n_runs])
		r->n_runs++;
	else
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
out:
	fot_str_release(&name);
	return status;
}

/* The rows of a task, if the run has that task. The last one read speaks for a folder without any. */
static int load_task(struct reporting *r, size_t run, size_t task, const char *dir, bool *found, struct fot_err *err)
{
	struct fot_report_run *part = &r->run[task][run];
	struct fot_str path = FOT_STR_INIT;
	char file[64];
	int status;

	snprintf(file, sizeof file, "%s.csv", tasks[task]->name);
	fot_path_join(&path, dir, file);
	FOT_TRY(fot_str_check(&path, err));
	part->name = r->name[run];
	part->first = r->rows[task].n_rows;
	if (fot_file_exists(path.data) || (task == N_TASKS - 1 && !*found)) {
		FOT_TRY(fot_table_read(&r->rows[task], path.data, err));
		*found = true;
	}
	part->last = r->rows[task].n_rows;
out:
	fot_str_release(&path);
	return status;
}

static int load_run(struct reporting *r, const char *dir, struct fot_err *err)
{
	size_t run = r->n_runs;
	bool found = false;
	int status;

	FOT_TRY(name_run(r, dir, err));
	for (size_t task = 0; task < N_TASKS; task++)
		FOT_TRY(load_task(r, run, task, dir, &found, err));
out:
	return status;
}

/* results/paper/TASK.csv beside datasets/manifests; without them no such columns. */
static int load_paper(struct reporting *r, const char *given, struct fot_err *err)
{
	static const char tail[] = "datasets/manifests";
	struct fot_str folder = FOT_STR_INIT, path = FOT_STR_INIT;
	int status = FOT_OK;

	if (given)
		return fot_table_read(&r->paper, given, err);
	FOT_TRY(fot_manifests_default(&folder));
	FOT_TRY(fot_str_check(&folder, err));
	if (folder.len >= sizeof tail - 1)
		folder.data[folder.len - (sizeof tail - 1)] = '\0';
	for (size_t task = 0; task < N_TASKS; task++) {
		fot_str_clear(&path);
		fot_str_printf(&path, "%sresults/paper/%s.csv", folder.data, tasks[task]->name);
		FOT_TRY(fot_str_check(&path, err));
		if (fot_file_exists(path.data))
			FOT_TRY(fot_table_read(&r->paper, path.data, err));
	}
out:
	fot_str_release(&folder);
	fot_str_release(&path);
	return status;
}

static int render(struct fot_str *out, const struct reporting *r, int format, struct fot_err *err)
{
	if (format == CSV)
		return fot_table_print(out, &r->report, true, err);
	return fot_report_print(out, &r->report, format == LATEX ? FOT_REPORT_LATEX : FOT_REPORT_MARKDOWN,
				err);
}

static int write_files(const struct reporting *r, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_mkdir_all(dir, err));
	for (int format = 0; format_names[format]; format++) {
		char name[32];

		snprintf(name, sizeof name, "report.%s", format_names[format]);
		fot_str_clear(&path);
		fot_str_clear(&text);
		fot_path_join(&path, dir, name);
		FOT_TRY(fot_str_check(&path, err));
		FOT_TRY(render(&text, r, format, err));
		FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
		printf("%s\n", path.data);
	}
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

static int print(const struct reporting *r, int format, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = render(&text, r, format, err);

	if (status == FOT_OK)
		fwrite(text.data, 1, text.len, stdout);
	fot_str_release(&text);
	return status;
}

int fot_cmd_report(int argc, char **argv)
{
	const char *output = NULL, *paper = NULL;
	int64_t seed = 1;
	int format = MARKDOWN, metric = 0, status;
	struct fot_option options[] = {
		{ .name = "format",
		  .type = FOT_OPTION_CHOICE,
		  .value = &format,
		  .choices = format_names,
		  .help = "what stands on stdout" },
		{ .name = "output",
		  .letter = 'o',
		  .type = FOT_OPTION_TEXT,
		  .value = &output,
		  .arg = "DIR",
		  .help = "write report.md, report.tex and report.csv there instead" },
		{ .name = "metric",
		  .type = FOT_OPTION_CHOICE,
		  .value = &metric,
		  .choices = metric_names,
		  .help = "of the task perplexity; across tokenizers only bits_per_byte compares" },
		{ .name = "paper",
		  .type = FOT_OPTION_TEXT,
		  .value = &paper,
		  .arg = "FILE",
		  .help = "published figures (default: all of results/paper/TASK.csv)" },
		{ .name = "seed",
		  .type = FOT_OPTION_INT,
		  .value = &seed,
		  .lo = 0,
		  .hi = 9007199254740991.0,
		  .arg = "S",
		  .help = "seed of the bootstrap" },
	};
	struct fot_options o = {
		.command = "report",
		.usage = "report DIR... [options]",
		.about =
			"Tables of one or several runs side by side, per dataset and task: perplexity, pass key and look-up\n"
			"against context length, few-shot against demonstrations, distraction against d; the significantly\n"
			"best of each column in bold, the paper's figure beside ours where it has one.",
		.option = options,
		.n = sizeof options / sizeof options[0],
		.min_positional = 1,
		.max_positional = FOT_POSITIONAL_MAX,
	};
	struct reporting r = { 0 };
	struct fot_err err = { 0 };

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	for (size_t i = 0; i < N_TASKS; i++)
		fot_table_init(&r.rows[i], tasks[i]);
	fot_table_init(&r.paper, &fot_schema_paper);
	fot_table_init(&r.report, &fot_schema_report);
	for (size_t i = 0; i < o.n_positional; i++)
		FOT_TRY(load_run(&r, o.positional[i], &err));
	FOT_TRY(load_paper(&r, paper, &err));
	for (size_t i = 0; i < N_TASKS; i++)
		FOT_TRY(fot_report_build(&r.report, &r.rows[i], r.run[i], r.n_runs, &r.paper, metric == 1,
					 (uint64_t)seed, &err));
	status = output ? write_files(&r, output, &err) : print(&r, format, &err);
	if (status == FOT_OK)
		status = fot_flush_stdout(&err);
out:
	for (size_t i = 0; i < r.n_runs; i++)
		fot_free(r.name[i]);
	for (size_t i = 0; i < N_TASKS; i++)
		fot_table_release(&r.rows[i]);
	fot_table_release(&r.paper);
	fot_table_release(&r.report);
	return status == FOT_OK ? status : fot_command_failed("report", &err);
}
