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

struct reporting {
	struct fot_table rows, paper, report;
	struct fot_report_run run[FOT_POSITIONAL_MAX];
	char *name[FOT_POSITIONAL_MAX];
	size_t n_runs;
};

static int load_run(struct reporting *r, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, name = FOT_STR_INIT;
	struct fot_report_run *run = &r->run[r->n_runs];
	int status;

	fot_path_join(&path, dir, "perplexity.csv");
	fot_path_base(&name, dir);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_str_check(&name, err));
	run->first = r->rows.n_rows;
	FOT_TRY(fot_table_read(&r->rows, path.data, err));
	run->last = r->rows.n_rows;
	for (size_t i = 0; i < r->n_runs; i++) {
		if (strcmp(r->name[i], name.data) == 0) { /* a/run and b/run: the paths tell them apart */
			fot_str_clear(&name);
			fot_str_puts(&name, dir);
		}
	}
	r->name[r->n_runs] = fot_strdup(name.data);
	run->name = r->name[r->n_runs];
	if (run->name)
		r->n_runs++;
	else
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
out:
	fot_str_release(&path);
	fot_str_release(&name);
	return status;
}

/* results/paper/perplexity.csv beside datasets/manifests; without it no such column. */
static int load_paper(struct reporting *r, const char *given, struct fot_err *err)
{
	static const char tail[] = "datasets/manifests";
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	if (given) {
		fot_str_puts(&path, given);
	} else {
		FOT_TRY(fot_manifests_default(&path));
		FOT_TRY(fot_str_check(&path, err));
		if (path.len >= sizeof tail - 1)
			path.len -= sizeof tail - 1;
		fot_str_puts(&path, "results/paper/perplexity.csv");
	}
	FOT_TRY(fot_str_check(&path, err));
	if (given || fot_file_exists(path.data))
		status = fot_table_read(&r->paper, path.data, err);
out:
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
		  .help = "across tokenizers only bits_per_byte compares" },
		{ .name = "paper",
		  .type = FOT_OPTION_TEXT,
		  .value = &paper,
		  .arg = "FILE",
		  .help = "published figures (default: results/paper/perplexity.csv)" },
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
			"Tables of one or several runs side by side: perplexity against context length per dataset, the\n"
			"significantly best of each column in bold, the paper's figure beside ours where it has one.",
		.option = options,
		.n = sizeof options / sizeof options[0],
		.min_positional = 1,
		.max_positional = FOT_POSITIONAL_MAX,
	};
	struct reporting r = { 0 };
	struct fot_err err = { 0 };

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	fot_table_init(&r.rows, &fot_schema_perplexity);
	fot_table_init(&r.paper, &fot_schema_paper);
	fot_table_init(&r.report, &fot_schema_report);
	for (size_t i = 0; i < o.n_positional; i++)
		FOT_TRY(load_run(&r, o.positional[i], &err));
	FOT_TRY(load_paper(&r, paper, &err));
	FOT_TRY(fot_report_build(&r.report, &r.rows, r.run, r.n_runs, &r.paper, metric == 1, (uint64_t)seed,
				 &err));
	status = output ? write_files(&r, output, &err) : print(&r, format, &err);
	if (status == FOT_OK)
		status = fot_flush_stdout(&err);
out:
	for (size_t i = 0; i < r.n_runs; i++)
		fot_free(r.name[i]);
	fot_table_release(&r.rows);
	fot_table_release(&r.paper);
	fot_table_release(&r.report);
	return status == FOT_OK ? status : fot_command_failed("report", &err);
}
