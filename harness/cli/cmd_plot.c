/* cmd_plot.c: the figures of a run: scripts, data and pictures in DIR/plots.
 *
 * The scripts are copies of those in plots/; they read the files beside them by column name and
 * can be changed and run again by hand.  A summary may be a stranger's: what gnuplot reads as a
 * script holds numbers and our own words only, its names stand in a file that it reads as data. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/report/plotdata.h"

#define MAX_FILE ((size_t)1 << 24)

struct drawing {
	const char *scripts, *dir, *formats; /* formats: "svg,png" */
	bool no_title;
	size_t n_figures;
};

static int find_scripts(struct fot_str *out, struct fot_err *err)
{
	if (fot_repository_path(out, "plots") != FOT_OK)
		return FOT_NO_MEMORY(err, "plot");
	if (fot_is_dir(out->data))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: the plot scripts are not there; see --scripts", out->data);
}

static int copy_script(const char *scripts, const char *dir, const char *name, struct fot_err *err)
{
	struct fot_str from = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&from, scripts, name, err));
	FOT_TRY(fot_file_read(&text, from.data, MAX_FILE, err));
	status = fot_file_replace_at(dir, name, &text, err);
out:
	fot_str_release(&from);
	fot_str_release(&text);
	return status;
}

static int write_part(const char *dir, const char *figure, const char *tail, const struct fot_str *text,
		      struct fot_err *err)
{
	char name[64];

	snprintf(name, sizeof name, "%s%s", figure, tail);
	return fot_file_replace_at(dir, name, text, err);
}

static int run_gnuplot(const char *dir, const char *script, struct fot_err *err)
{
	char program[] = "gnuplot", plain[] = "-d", *name = fot_strdup(script); /* -d: no settings of the user's */
	char *argv[] = { program, plain, name, NULL };
	int wait_status = 0;
	pid_t pid = name ? fork() : -1;

	if (pid == 0) {
		setenv("LC_ALL", "C.UTF-8", 1); /* the scripts are UTF-8 */
		if (chdir(dir) == 0)
			execvp(program, argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	fot_free(name);
	if (pid < 0)
		return FOT_FAIL(err, FOT_ERR_RUN, "gnuplot: cannot be started: %s", strerror(errno));
	while (waitpid(pid, &wait_status, 0) < 0) {
		if (errno != EINTR)
			return FOT_FAIL(err, FOT_ERR_RUN, "gnuplot: %s", strerror(errno));
	}
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 127)
		return FOT_FAIL(err, FOT_ERR_RUN, "gnuplot: not found; install it (make setup)");
	if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
		return FOT_FAIL(err, FOT_ERR_RUN, "gnuplot: %s/%s failed", dir, script);
	return FOT_OK;
}

/* Each picture of a figure: gone before gnuplot runs (it would write through a link), there behind it. */
static int check_pictures(const struct drawing *d, const char *name, bool drawn, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	const char *format = d->formats;
	int status = FOT_OK;

	for (size_t n; *format && status == FOT_OK; format += n + (format[n] == ',')) {
		n = strcspn(format, ",");
		fot_str_clear(&path);
		fot_str_printf(&path, "%s/%s.%.*s", d->dir, name, (int)n, format);
		FOT_TRY(fot_str_check(&path, err));
		if (!drawn) {
			if (unlink(path.data) != 0 && errno != ENOENT)
				status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be replaced: %s", path.data, strerror(errno));
		} else if (!fot_file_exists(path.data)) {
			status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: gnuplot did not write it", path.data);
		} else {
			fot_print_lines(path.data);
			fot_print_lines("\n");
		}
	}
out:
	fot_str_release(&path);
	return status;
}

static void put_options(struct fot_str *names, const struct drawing *d)
{
	fot_str_puts(names, "formats = \"");
	for (const char *c = d->formats; *c; c++)
		fot_str_putc(names, *c == ',' ? ' ' : *c);
	fot_str_puts(names, "\"\n");
	if (d->no_title)
		fot_str_puts(names, "title = \"\"\n");
}

/* Script, data and names of one figure, then the pictures; base: of which figure the script loads, or NULL. */
static int draw(struct drawing *d, const char *name, const char *base, struct fot_plot_text *text, struct fot_err *err)
{
	char script[64];
	int status = FOT_OK;

	if (text->n_points == 0)
		return FOT_OK;
	put_options(&text->names, d);
	FOT_TRY(fot_str_check(&text->names, err));
	FOT_TRY(fot_mkdir_all(d->dir, err));
	FOT_TRY(copy_script(d->scripts, d->dir, "style.gp", err));
	snprintf(script, sizeof script, "%s.gp", base ? base : name);
	if (base)
		FOT_TRY(copy_script(d->scripts, d->dir, script, err));
	snprintf(script, sizeof script, "%s.gp", name);
	FOT_TRY(copy_script(d->scripts, d->dir, script, err));
	FOT_TRY(write_part(d->dir, name, "_data.csv", &text->data, err));
	FOT_TRY(write_part(d->dir, name, "_names.tsv", &text->labels, err));
	FOT_TRY(write_part(d->dir, name, "_names.gp", &text->names, err));
	FOT_TRY(check_pictures(d, name, false, err));
	FOT_TRY(run_gnuplot(d->dir, script, err));
	FOT_TRY(check_pictures(d, name, true, err));
	d->n_figures++;
out:
	return status;
}

/* Summaries of before the column comparison do not say what a row is compared with. */
static int check_summary(const struct fot_table *summary, const char *csv, struct fot_err *err)
{
	for (size_t row = 0; row < summary->n_rows; row++) {
		if (fot_table_has(summary, row, "baseline_run_id") && !fot_table_has(summary, row, "comparison"))
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: line %zu: comparison: expected a word beside baseline_run_id, got nothing: an "
					"older version wrote this file; the run's --resume writes it again",
					csv, row + 2);
	}
	return FOT_OK;
}

/* The figures of a run: from summary.csv. */
static int draw_run(struct drawing *d, const char *csv, struct fot_err *err)
{
	struct fot_plot_text text = { 0 };
	struct fot_table summary;
	int status;

	fot_table_init(&summary, &fot_schema_summary);
	FOT_TRY(fot_table_read(&summary, csv, err));
	FOT_TRY(check_summary(&summary, csv, err));
	for (size_t k = 0; k < fot_n_measured_tasks; k++) {
		const struct fot_measured_task *task = fot_measured_tasks[k];

		for (size_t i = 0; i < task->n_figures; i++) {
			fot_plot_text_release(&text);
			FOT_TRY(fot_plot_text(&text, &summary, task, &task->figure[i], err));
			FOT_TRY(draw(d, task->figure[i].name, task->figure[i].script, &text, err));
		}
	}
out:
	fot_plot_text_release(&text);
	fot_table_release(&summary);
	return status;
}

/* The figure of a training run or zoo model: from valid.csv. */
static int draw_training(struct drawing *d, const char *csv, struct fot_err *err)
{
	struct fot_plot_text text = { 0 };
	struct fot_table valid;
	int status;

	fot_table_init(&valid, &fot_schema_valid);
	FOT_TRY(fot_table_read(&valid, csv, err));
	FOT_TRY(fot_worth_text(&text, &valid, err));
	FOT_TRY(draw(d, "worth", NULL, &text, err));
out:
	fot_plot_text_release(&text);
	fot_table_release(&valid);
	return status;
}

static int check_formats(const char *list, struct fot_err *err)
{
	static const char *const known[] = { "svg", "png", "pdf" };

	for (size_t n;; list += n + 1) {
		bool found = false;

		n = strcspn(list, ",");
		for (size_t i = 0; i < FOT_COUNT(known); i++)
			found = found || (strlen(known[i]) == n && strncmp(list, known[i], n) == 0);
		if (!found)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--format: expected svg, png or pdf, with commas between, got \"%.*s\"",
					(int)n, list);
		if (!list[n])
			return FOT_OK;
	}
}

static int plot(void *drawing, const struct fot_options *o, struct fot_err *err)
{
	struct drawing *d = drawing;
	const char *name = o->positional[0];
	struct fot_str run = FOT_STR_INIT, csv = FOT_STR_INIT, valid = FOT_STR_INIT, dir = FOT_STR_INIT;
	struct fot_str scripts = FOT_STR_INIT;
	bool training;
	int status;

	FOT_TRY(check_formats(d->formats, err));
	fot_path_find(&run, FOT_PATH_MODEL, name, NULL); /* models of the zoo keep their validations */
	FOT_TRY(fot_str_check(&run, err));
	FOT_TRY(fot_path_at(&csv, run.data, "summary.csv", err));
	FOT_TRY(fot_path_at(&valid, run.data, "valid.csv", err));
	FOT_TRY(fot_path_at(&dir, run.data, "plots", err));
	if (d->scripts)
		fot_str_puts(&scripts, d->scripts);
	else
		FOT_TRY(find_scripts(&scripts, err));
	FOT_TRY(fot_str_check(&scripts, err));
	d->scripts = scripts.data;
	d->dir = dir.data;
	training = fot_file_exists(valid.data) && !fot_file_exists(csv.data);
	if (!training && !fot_file_exists(csv.data))
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: expected a run or a training run: no summary.csv and no valid.csv there", name);
	else if (training)
		status = draw_training(d, valid.data, err);
	else
		status = draw_run(d, csv.data, err);
	if (status != FOT_OK)
		goto out;
	if (d->n_figures == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: nothing to draw: %s", training ? valid.data : csv.data,
				  training ? "expected validations with a memory" : "the run has measured nothing");
	else
		status = fot_flush_stdout(err);
out:
	fot_str_release(&run);
	fot_str_release(&csv);
	fot_str_release(&valid);
	fot_str_release(&dir);
	fot_str_release(&scripts);
	return status;
}

int fot_cmd_plot(int argc, char **argv)
{
	struct drawing d = { .formats = "svg,png" };
	bool quiet = false;
	struct fot_option options[] = {
		{ FOT_TEXT_OPTION("format", &d.formats, "LIST", "svg, png, pdf, with commas between") },
		{ FOT_FLAG_OPTION("no-title", &d.no_title, "no title, for papers with captions") },
		{ FOT_TEXT_OPTION(
			"scripts", &d.scripts, "DIR",
			"folder of the gnuplot scripts (default: plots/ of the program's repository)") },
		FOT_COMMON_QUIET(&quiet),
	};
	struct fot_options o = FOT_COMMAND(
		"plot", "DIR [options]",
		"Draw the figures of a finished run into DIR/plots: script, data and pictures of each. Of a "
		"training run: what the memory is worth against the tokens trained.",
		options, 1, 1, plot);

	return fot_command(&o, argc, argv, &d);
}
