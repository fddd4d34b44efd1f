/* cmd_report.c: tables of one or several runs, on stdout or as files, or a page of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/cli/report_page.h"
#include "harness/compare/claims.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/plan/task_class.h"
#include "harness/report/effective.h"
#include "harness/report/measures.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "harness/run/manifest.h"
#include "harness/run/outdir.h"

static const char *const format_names[] = { "md", "tex", "csv", NULL };
enum { MARKDOWN, LATEX, CSV };

struct reporting {
	struct fot_table rows[FOT_TASK_CLASSES_MAX], paper, report, effective, judged;
	struct fot_claims claims;
	struct fot_report_run run[FOT_TASK_CLASSES_MAX][FOT_POSITIONAL_MAX];
	char *name[FOT_POSITIONAL_MAX];
	cJSON *manifest[FOT_POSITIONAL_MAX]; /* NULL: none there */
	struct fot_page_files page;
	size_t n_runs, n_rows; /* rows: of observations, all tasks */
	struct fot_str limited; /* a sentence for each run that was made with --limit */
	int digits;            /* of the tables, significant; 0: as the metrics have them */
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

/* The rows of a task, if the run has that task. */
static int load_task(struct reporting *r, size_t run, size_t task, const char *dir, bool *measured, struct fot_err *err)
{
	struct fot_report_run *part = &r->run[task][run];
	int status;

	part->name = r->name[run];
	part->first = r->rows[task].n_rows;
	FOT_TRY(fot_table_read_at(&r->rows[task], dir, fot_task_classes[task]->csv, NULL, err));
	part->last = r->rows[task].n_rows;
	*measured |= fot_measured_any(&r->rows[task], part->first, part->last);
out:
	return status;
}

/* Of a run made with --limit, as its manifest says; a folder without a manifest says nothing. */
static int note_limit(struct reporting *r, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	cJSON **manifest = &r->manifest[r->n_runs - 1];
	const cJSON *limit;
	int status;

	FOT_TRY(fot_path_at(&path, dir, "manifest.json", err));
	if (fot_file_exists(path.data))
		FOT_TRY(fot_manifest_read(manifest, dir, err));
	limit = fot_json_get(*manifest, "limit");
	if (cJSON_IsNumber(limit) && limit->valuedouble >= 1) {
		const char *name = r->name[r->n_runs - 1], *s = limit->valuedouble > 1 ? "s" : "";

		fot_log(FOT_LOG_WARN, "%s: limited to %.0f document%s per dataset or trial%s: not for reporting", name,
			limit->valuedouble, s, s);
		fot_str_printf(&r->limited, "Not for reporting: %s is limited to %.0f document%s per dataset or trial%s.\n", name,
			       limit->valuedouble, s, s);
	}
out:
	fot_str_release(&path);
	return status;
}

/* A run that has no rows yet, or nothing that could be scored, is left out of the tables and said to be. */
static int load_run(struct reporting *r, const char *dir, bool page, struct fot_err *err)
{
	size_t run = r->n_runs, n = 0;
	bool measured = false;
	int status;

	FOT_TRY(name_run(r, dir, err));
	FOT_TRY(note_limit(r, dir, err));
	for (size_t task = 0; task < fot_n_measured_tasks; task++) {
		FOT_TRY(load_task(r, run, task, dir, &measured, err));
		n += r->run[task][run].last - r->run[task][run].first;
	}
	if (page)
		FOT_TRY(fot_page_files_add(&r->page, r->name[run], dir, r->manifest[run], err));
	if (n == 0 && !(page && fot_page_files_any(&r->page, run)))
		fot_log(FOT_LOG_WARN, "%s: a run without rows of any task", dir);
	else if (n > 0 && !measured)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the run has measured nothing: none of its rows has status ok", dir);
	r->n_rows += n;
out:
	return status;
}

/* A run has a manifest, or at least the rows of a task. */
static int is_run(bool *is, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	*is = false;
	for (size_t task = 0; task <= fot_n_measured_tasks && !*is; task++) {
		FOT_TRY(fot_path_at(&path, dir, task < fot_n_measured_tasks ? fot_task_classes[task]->csv : "manifest.json", err));
		*is = fot_file_exists(path.data);
	}
out:
	fot_str_release(&path);
	return status;
}

/* All folders that are none, in one line. */
static int check_runs(const char *const *dir, size_t n, struct fot_err *err)
{
	struct fot_str wrong = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < n; i++) {
		bool is;

		FOT_TRY(is_run(&is, dir[i], err));
		if (!is)
			fot_str_printf(&wrong, "%s%s", wrong.len ? ", " : "", dir[i]);
	}
	FOT_TRY(fot_str_check(&wrong, err));
	if (wrong.len)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a run: no manifest.json and no %s, ... there",
				  wrong.data, fot_task_classes[0]->csv);
out:
	fot_str_release(&wrong);
	return status;
}

static int load_runs(struct reporting *r, const char *const *dir, size_t n, bool page, struct fot_err *err)
{
	bool any = false;
	int status;

	FOT_TRY(check_runs(dir, n, err));
	for (size_t i = 0; i < n; i++)
		FOT_TRY(load_run(r, dir[i], page, err));
	for (size_t i = 0; i < r->page.n_runs; i++)
		any = any || fot_page_files_any(&r->page, i);
	if (r->n_rows == 0 && !any)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "nothing to report: no run has rows");
out:
	return status;
}

static int paper_file(struct fot_str *out, const char *name, const char *ending, struct fot_err *err)
{
	char file[128];

	snprintf(file, sizeof file, "results/paper/%s%s", name, ending);
	fot_str_clear(out);
	return fot_repository_path(out, file) == FOT_OK ? FOT_OK : FOT_NO_MEMORY(err, "report");
}

/* Without these files no such columns. */
static int load_paper(struct reporting *r, const char *given, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	if (given)
		return fot_table_read(&r->paper, given, err);
	for (size_t task = 0; task < fot_n_measured_tasks; task++) {
		FOT_TRY(paper_file(&path, fot_task_classes[task]->name, ".csv", err));
		if (fot_file_exists(path.data))
			FOT_TRY(fot_table_read(&r->paper, path.data, err));
	}
out:
	fot_str_release(&path);
	return status;
}

static int judge_claims(struct reporting *r, const char *given, uint64_t seed, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	if (given)
		fot_str_puts(&path, given);
	else
		FOT_TRY(paper_file(&path, "claims", ".json", err));
	FOT_TRY(fot_str_check(&path, err));
	if (!given && !fot_file_exists(path.data))
		goto out;
	FOT_TRY(fot_claims_read(&r->claims, path.data, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(fot_claims_judge(&r->judged, &r->claims, &r->rows[i], r->run[i], r->n_runs, seed,
					 err));
out:
	fot_str_release(&path);
	return status;
}

/* Each sentence a paragraph, or a comment of LaTeX. */
static void put_limited(struct fot_str *out, const struct fot_str *sentences, bool latex)
{
	for (const char *at = sentences->len ? sentences->data : "", *end; *at; at = end + 1) {
		char line[512];

		end = at + strcspn(at, "\n");
		snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
		fot_str_puts(out, latex ? "% " : "**");
		if (latex)
			fot_str_puts(out, line);
		else
			fot_quote_markdown(out, line);
		fot_str_puts(out, latex ? "\n" : "**\n\n");
	}
}

static int render(struct fot_str *out, const struct reporting *r, int format, struct fot_err *err)
{
	if (format == CSV)
		return fot_table_print(out, &r->report, true, err);
	put_limited(out, &r->limited, format == LATEX);
	return fot_report_print(out, &r->report, format == LATEX ? FOT_LATEX : FOT_MARKDOWN, r->digits,
				err);
}

static int render_effective(struct fot_str *out, const struct reporting *r, int format, struct fot_err *err)
{
	if (format == CSV)
		return fot_table_print(out, &r->effective, true, err);
	return fot_effective_print(out, &r->effective, format == LATEX ? FOT_LATEX : FOT_MARKDOWN, err);
}

static int render_claims(struct fot_str *out, const struct reporting *r, int format, struct fot_err *err)
{
	if (format == CSV)
		return fot_table_print(out, &r->judged, true, err);
	return fot_claims_print(out, &r->judged, format == LATEX ? FOT_LATEX : FOT_MARKDOWN,
				err);
}

/* NAME.md, NAME.tex and NAME.csv. */
static int write_files(const struct reporting *r, const char *dir, const char *name,
		       int (*text_of)(struct fot_str *, const struct reporting *, int, struct fot_err *),
		       struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_mkdir_all(dir, err));
	for (int format = 0; format_names[format]; format++) {
		char file[32];

		snprintf(file, sizeof file, "%s.%s", name, format_names[format]);
		fot_str_clear(&path);
		fot_str_clear(&text);
		FOT_TRY(fot_path_at(&path, dir, file, err));
		FOT_TRY(text_of(&text, r, format, err));
		FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
		fot_print_lines(path.data);
		fot_print_lines("\n");
	}
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

static int write_all(const struct reporting *r, const char *dir, struct fot_err *err)
{
	int status;

	FOT_TRY(write_files(r, dir, "report", render, err));
	if (r->effective.n_rows)
		FOT_TRY(write_files(r, dir, "effective", render_effective, err));
	if (r->judged.n_rows)
		status = write_files(r, dir, "claims", render_claims, err);
out:
	return status;
}

/* A line of text in lines of so many columns; a longer word has one of its own. */
static void wrap_line(struct fot_str *out, const char *line, size_t n, size_t columns)
{
	for (size_t at = 0, width = 0, word; at < n; at += word + 1) {
		word = strcspn(line + at, " \n");
		if (width && width + 1 + word > columns) {
			fot_str_putc(out, '\n');
			width = 0;
		}
		fot_str_puts(out, width ? " " : "");
		fot_str_add(out, line + at, word);
		width += word + (width ? 1 : 0);
	}
	fot_str_putc(out, '\n');
}

/* For readers at a terminal: captions in its width, tables as they are. */
static int wrap(struct fot_str *text, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	size_t columns = fot_terminal_columns();

	for (const char *at = text->data; *at;) {
		size_t n = strcspn(at, "\n");

		if (*at == '|' || *at == '#' || n <= columns)
			fot_str_add(&out, at, n + (at[n] != '\0'));
		else
			wrap_line(&out, at, n, columns);
		at += n + (at[n] != '\0');
	}
	fot_str_release(text);
	*text = out;
	return fot_str_check(text, err);
}

static int print(const struct reporting *r, int format, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status = render(&text, r, format, err);

	if (status == FOT_OK && format != CSV && r->effective.n_rows) {
		fot_str_putc(&text, '\n');
		status = render_effective(&text, r, format, err);
	}
	if (status == FOT_OK && format != CSV && r->judged.n_rows) {
		fot_str_putc(&text, '\n');
		status = render_claims(&text, r, format, err);
	}
	if (status == FOT_OK && format == MARKDOWN && (isatty(STDOUT_FILENO) || getenv("COLUMNS")))
		status = wrap(&text, err);
	if (status == FOT_OK)
		fwrite(text.data, 1, text.len, stdout);
	fot_str_release(&text);
	return status;
}

/* Where it stands unless --html says: in the folder for results, that of the only run, or here. */
static void place_page(struct fot_str *path, const char *html, const char *output, const struct fot_options *o)
{
	const char *dir = output ? output : o->n_positional == 1 ? o->positional[0] : NULL;

	if (*html || !dir)
		fot_str_puts(path, *html ? html : FOT_PAGE_NAME);
	else
		fot_path_join(path, dir, FOT_PAGE_NAME);
}

static int write_page(const struct reporting *r, const char *html, const char *output, const struct fot_options *o,
		      struct fot_err *err)
{
	const struct fot_page page = { .run = r->page.run,
				       .n_runs = r->page.n_runs,
				       .report = &r->report,
				       .judged = &r->judged,
				       .notes = r->limited.len ? r->limited.data : "",
				       .samples = r->page.samples,
				       .n_samples = r->page.n_samples,
				       .tokens = r->page.tokens,
				       .n_tokens = r->page.n_tokens,
				       .digits = r->digits };
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	place_page(&path, html, output, o);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_page_print(&text, &page, err));
	FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
	fot_print_lines(path.data);
	fot_print_lines("\n");
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

static void release(struct reporting *r)
{
	fot_str_release(&r->limited);
	fot_page_files_release(&r->page);
	for (size_t i = 0; i < r->n_runs; i++) {
		fot_free(r->name[i]);
		cJSON_Delete(r->manifest[i]);
	}
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		fot_table_release(&r->rows[i]);
	fot_table_release(&r->paper);
	fot_table_release(&r->report);
	fot_table_release(&r->effective);
	fot_table_release(&r->judged);
	fot_claims_release(&r->claims);
}

static const char about[] =
	"Tables of one or several runs side by side, per dataset and task, against the context length or what\n"
	"else the task varies; the significantly best of each column in bold, the paper's figure beside ours where it has one. In LaTeX first one\n"
	"table per task over all datasets, ready for a paper. Then, of runs with three context lengths or more, the effective context\n"
	"length with its interval, and the claims of the paper whose conditions the runs hold: reproduced, not reproduced or undecided.\n"
	"--html makes one page of it all for readers without this program: figures, tables, claims, manifests, samples.";

struct report_flags {
	const char *output, *paper, *claims, *html;
	struct fot_texts tokens;
	int64_t seed, digits;
	int format, metric;
	bool quiet;
};

/* Files where output or html are given, else a text on stdout. */
static int write_report(const struct reporting *r, const struct report_flags *f, const struct fot_options *o,
			struct fot_err *err)
{
	int status = FOT_OK;

	if (f->output)
		FOT_TRY(write_all(r, f->output, err));
	if (f->html)
		FOT_TRY(write_page(r, f->html, f->output, o, err));
	if (!f->output && !f->html)
		FOT_TRY(print(r, f->format, err));
	status = fot_flush_stdout(err);
out:
	return status;
}

static int report(struct reporting *r, const struct report_flags *f, const struct fot_options *o, struct fot_err *err)
{
	int status;

	if (f->tokens.n && !f->html)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--tokens: expected --html beside it");
	FOT_TRY(fot_outdir_spare(f->html, err));
	FOT_TRY(fot_page_files_tokens(&r->page, &f->tokens, err));
	FOT_TRY(load_runs(r, o->positional, o->n_positional, f->html != NULL, err));
	FOT_TRY(load_paper(r, f->paper, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		FOT_TRY(fot_report_build(&r->report, &r->rows[i], r->run[i], r->n_runs, &r->paper, f->metric == 1,
					 (uint64_t)f->seed, NULL, err));
		FOT_TRY(fot_effective_build(&r->effective, &r->rows[i], r->run[i], r->n_runs, (uint64_t)f->seed, err));
	}
	FOT_TRY(judge_claims(r, f->claims, (uint64_t)f->seed, err));
	status = write_report(r, f, o, err);
out:
	return status;
}

static void init(struct reporting *r, const struct report_flags *f)
{
	*r = (struct reporting){ .digits = (int)f->digits };
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		fot_table_init(&r->rows[i], fot_task_classes[i]->schema);
	fot_table_init(&r->paper, &fot_schema_paper);
	fot_table_init(&r->report, &fot_schema_report);
	fot_table_init(&r->effective, &fot_schema_effective);
	fot_table_init(&r->judged, &fot_schema_claims);
}

static int run(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct report_flags *f = flags;
	struct reporting r;
	int status;

	init(&r, f);
	status = report(&r, f, o, err);
	release(&r);
	return status;
}

int fot_cmd_report(int argc, char **argv)
{
	const char *metric_names[] = { fot_measured_tasks[0]->measure[0].metric, "bits_per_byte", NULL };
	struct report_flags f = { .seed = 1, .format = MARKDOWN };
	struct fot_option options[] = {
		{ FOT_CHOICE_OPTION("format", &f.format, format_names, "what stands on stdout") },
		{ FOT_INT_OPTION(
			"digits", &f.digits, 1, 9, "N",
			"significant digits of the tables' values (default: as the metric has them)") },
		FOT_COMMON_OUTPUT(
			&f.output,
			false), /* report, effective and claims as .md, .tex, .csv, instead of stdout */
		{ FOT_OPTION_OF(
			  OPTIONAL, "html", &f.html,
			  "one page that needs nothing else, instead of stdout (default: report.html in the folder for results, in DIR "
			  "where it is one, else here)"),
		  .arg = "FILE" },
		{ FOT_TEXTS_OPTION(
			"tokens", &f.tokens, "FILE",
			"for --html: files of `score --token-texts` on one text, whose gains over the first of them are shown") },
		{ FOT_CHOICE_OPTION(
			"metric", &f.metric, metric_names,
			"of tasks that have both; across tokenizers only bits_per_byte compares") },
		{ FOT_TEXT_OPTION("paper", &f.paper, "FILE",
				  "published figures (default: all of results/paper/TASK.csv)") },
		{ FOT_TEXT_OPTION("claims", &f.claims, "FILE",
				  "claims to judge (default: results/paper/claims.json)") },
		{ FOT_INT_OPTION("seed", &f.seed, 0, 9007199254740991.0, "S", "seed of the bootstrap") },
		FOT_COMMON_QUIET(&f.quiet),
	};
	struct fot_options o =
		FOT_COMMAND("report", "DIR... [options]", about, options, 1, FOT_POSITIONAL_MAX, run);

	return fot_command(&o, argc, argv, &f);
}
