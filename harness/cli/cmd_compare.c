/* cmd_compare.c: the regression gate between two run folders. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "harness/compare/compare.h"
#include "harness/compare/compare_ci.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/task_class.h"
#include "harness/report/measures.h"
#include "harness/run/manifest.h"
#include "harness/run/outdir.h"

#define METRICS_MAX 32
#define BITS "bits_per_byte"

struct run_folder {
	cJSON *manifest;
	struct fot_table rows[FOT_TASK_CLASSES_MAX];
	bool has[FOT_TASK_CLASSES_MAX];
};

/* The rows of the tasks that the run has; without any, what is missing is that of the first task. */
static int load_tasks(struct run_folder *r, const char *dir, struct fot_err *err)
{
	bool any = false;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		FOT_TRY(fot_table_read_at(&r->rows[i], dir, fot_task_classes[i]->csv, &r->has[i], err));
		any = any || r->has[i];
	}
	if (!any)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no rows to compare: no %s, ... there", dir, fot_task_classes[0]->csv);
out:
	return status;
}

/* A folder that is no finished run is a bad input, not an unequal one. */
static int load(struct run_folder *r, const char *dir, struct fot_err *err)
{
	const cJSON *state;
	int status;

	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		fot_table_init(&r->rows[i], fot_task_classes[i]->schema);
	FOT_TRY(fot_manifest_read(&r->manifest, dir, err));
	state = fot_json_get(r->manifest, "status");
	if (!cJSON_IsString(state) || strcmp(state->valuestring, "complete") != 0)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_INPUT, "%s: status %s: expected a complete run", dir,
				 cJSON_IsString(state) ? state->valuestring : "missing"));
	status = load_tasks(r, dir, err);
out:
	return status;
}

static void unload(struct run_folder *r)
{
	cJSON_Delete(r->manifest);
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		fot_table_release(&r->rows[i]);
}

/* All tasks of BASE; a task that NEW alone has is no condition of BASE. */
static int compare_tasks(struct fot_table *out, const struct run_folder *base, const struct run_folder *new,
			 const struct fot_compare_opts *opts, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < fot_n_measured_tasks && status == FOT_OK; i++) {
		if (base->rows[i].n_rows == 0)
			continue;
		if (!new->has[i])
			return FOT_FAIL(err, FOT_ERR_COMPARE,
					"not comparable: conditions: NEW has no task %s",
					fot_task_classes[i]->name);
		status = fot_compare_tables(out, &base->rows[i], &new->rows[i], opts, err);
	}
	return status;
}

static int compare_pair(struct fot_table *out, const struct run_folder *base, const struct run_folder *new,
			const char *text, const struct fot_compare_opts *opts, struct fot_err *err)
{
	struct fot_compare_pair pair;
	size_t before = out->n_rows;
	int status;

	FOT_TRY(fot_compare_pair_parse(&pair, text, err));
	for (size_t i = 0; i < fot_n_measured_tasks; i++)
		FOT_TRY(fot_compare_paired(out, &base->rows[i], &new->rows[i], &pair, opts, err));
	if (out->n_rows == before)
		status = FOT_FAIL(err, FOT_ERR_COMPARE,
				  "not comparable: conditions: neither run has --pair %.80s", text);
out:
	return status;
}

static int compare_pairs(struct fot_table *out, const struct run_folder *base, const struct run_folder *new,
			 const struct fot_texts *pairs, const struct fot_compare_opts *opts,
			 struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < pairs->n && status == FOT_OK; i++)
		status = compare_pair(out, base, new, pairs->at[i], opts, err);
	return status;
}

/* Only the rows of one metric, in their order. */
static int keep_metric(struct fot_table *t, const char *metric, struct fot_err *err)
{
	struct fot_table kept;
	int status;

	fot_table_init(&kept, t->schema);
	for (size_t row = 0; row < t->n_rows; row++) {
		if (strcmp(fot_table_text(t, row, "metric"), metric) == 0)
			fot_table_copy_shared(&kept, fot_table_add(&kept), t, row);
	}
	status = fot_table_check(&kept, err);
	if (status == FOT_OK && kept.n_rows == 0)
		status = FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: BASE holds no %s", metric);
	fot_table_release(t);
	*t = kept;
	return status;
}

/* What the command line asks for. */
struct asked {
	struct fot_compare_opts opts;
	struct fot_texts pairs;
	const char *output, *junit, *benchmark, *margin, *dir[2];
	int64_t seed;
	const char *metrics[METRICS_MAX + 1]; /* of all tasks, ends with NULL */
	int metric;                           /* -1: all */
	bool json, exact, quiet, github;
};

/* Takes root, which may be NULL. */
static int put_json(cJSON *root, bool good, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	int status = good ? fot_json_print(&out, root, 1, err) : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");

	if (status == FOT_OK)
		printf("%s\n", out.data);
	fot_str_release(&out);
	cJSON_Delete(root);
	return status;
}

static cJSON *start_json(const struct asked *a, const char *verdict)
{
	bool relative = a->opts.margin < 0;
	cJSON *root = cJSON_CreateObject();

	if (cJSON_AddStringToObject(root, "base", a->dir[0]) &&
	    cJSON_AddStringToObject(root, "new", a->dir[1]) &&
	    cJSON_AddNumberToObject(root, relative ? "relative_margin" : "margin",
				    relative ? fot_compare_share(&a->opts) : a->opts.margin) &&
	    cJSON_AddStringToObject(root, "verdict", verdict))
		return root;
	cJSON_Delete(root);
	return NULL;
}

static int print_json(const struct fot_table *t, const struct asked *a, const char *sentence,
		      struct fot_err *err)
{
	cJSON *root = start_json(a, fot_compare_verdict(t, a->exact));
	bool good =
		root && cJSON_AddNumberToObject(root, "regressions", (double)fot_compare_regressions(t)) &&
		cJSON_AddNumberToObject(root, "changed", (double)fot_compare_changed(t)) &&
		cJSON_AddStringToObject(root, "summary", sentence) && fot_table_rows_json(root, "rows", t);

	return put_json(root, good, err);
}

static const char *word_of(const struct fot_err *err)
{
	return err->code == FOT_ERR_COMPARE ? "not comparable" : "failed";
}

/* Without a comparison a program that reads the JSON still learns why. */
static void print_json_failure(const struct asked *a, const struct fot_err *err)
{
	cJSON *root = start_json(a, word_of(err));
	bool good = root && cJSON_AddStringToObject(root, "error", err->text) &&
		    cJSON_AddNumberToObject(root, "exit_code", err->code) &&
		    cJSON_AddArrayToObject(root, "rows");
	struct fot_err ignored;

	if (put_json(root, good, &ignored) == FOT_OK)
		fot_flush_stdout(&ignored);
}

/* To a runner of GitHub no line of the text is a workflow command: names cannot guess the word that ends this. */
static void print_guarded(const struct fot_str *text)
{
	char word[65];

	fot_sha256_of(text->data, text->len, word);
	printf("::stop-commands::%.32s\n%s::%.32s::\n", word, text->data, word);
}

static int print_text(const struct fot_table *t, const struct asked *a, const char *sentence,
		      struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	size_t n = fot_compare_regressions(t);
	int status = a->quiet ? FOT_OK : fot_compare_text(&out, t, err);

	fot_str_puts(&out, fot_compare_verdict(t, a->exact));
	if (n > 0)
		fot_str_printf(&out, ": %zu of %zu rows are worse by more than the margin of ", n, t->n_rows);
	if (n > 0 && a->opts.margin < 0)
		fot_str_printf(&out, "%g of BASE's value", fot_compare_share(&a->opts));
	else if (n > 0)
		fot_str_printf(&out, "%g", a->opts.margin);
	fot_str_printf(&out, "\n%s\n", sentence);
	if (status == FOT_OK)
		status = fot_str_check(&out, err);
	if (status == FOT_OK && a->github)
		print_guarded(&out);
	else if (status == FOT_OK)
		fputs(out.data, stdout);
	fot_str_release(&out);
	return status;
}

/* --- for continuous integration --- */

/* GitHub gives each step an empty file, to which every command of the step appends. */
static int append(const char *path, const struct fot_str *text, struct fot_err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666), status;

	if (fd < 0)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot append: %s", path, strerror(errno));
	status = fot_write_all(fd, text->data, text->len, path, err);
	if (close(fd) != 0 && status == FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: %s", path, strerror(errno));
	return status;
}

static int put_github(const struct fot_compare_found *found, struct fot_err *err)
{
	const char *summary = getenv("GITHUB_STEP_SUMMARY");
	struct fot_str out = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_compare_annotations(&out, found, err));
	fputs(out.data, stdout);
	fot_str_clear(&out);
	if (summary && *summary) {
		FOT_TRY(fot_compare_step_summary(&out, found, err));
		FOT_TRY(append(summary, &out, err));
	}
	status = fot_flush_stdout(err);
out:
	fot_str_release(&out);
	return status;
}

/* What was asked for of it, also of a comparison that failed. */
static int put_found(const struct asked *a, const struct fot_compare_found *found, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	int status = FOT_OK;

	if (a->junit) {
		FOT_TRY(fot_compare_junit(&out, found, err));
		FOT_TRY(fot_file_replace(a->junit, out.data, out.len, err));
	}
	fot_str_clear(&out);
	if (a->benchmark && found->row) {
		FOT_TRY(fot_compare_benchmark(&out, found->row, err));
		FOT_TRY(fot_file_replace(a->benchmark, out.data, out.len, err));
	}
	if (a->github)
		status = put_github(found, err);
out:
	fot_str_release(&out);
	return status;
}

static struct fot_compare_found found_of(const struct asked *a, const struct fot_table *t,
					 const char *sentence)
{
	return (struct fot_compare_found){ .base = a->dir[0],
					   .new = a->dir[1],
					   .row = t,
					   .verdict = fot_compare_verdict(t, a->exact),
					   .sentence = sentence,
					   .exact = a->exact };
}

/* Without a comparison its readers still learn why; that this cannot be written, too, is no news. */
static void put_failure(const struct asked *a, const struct fot_err *err)
{
	struct fot_compare_found found = {
		.base = a->dir[0], .new = a->dir[1], .verdict = word_of(err), .sentence = err->text
	};
	struct fot_err ignored;

	if (a->json)
		print_json_failure(a, err);
	put_found(a, &found, &ignored);
}

static int print_result(const struct fot_table *t, const struct asked *a, const struct run_folder *base,
			const struct run_folder *new, struct fot_err *err)
{
	struct fot_str sentence = FOT_STR_INIT;
	struct fot_compare_found found;
	int status;

	FOT_TRY(fot_compare_sentence(&sentence, t, a->dir[0], base->manifest, new->manifest, err));
	found = found_of(a, t, sentence.data);
	if (a->output)
		FOT_TRY(fot_table_write(t, a->output, true, err));
	FOT_TRY(a->json ? print_json(t, a, sentence.data, err) : print_text(t, a, sentence.data, err));
	FOT_TRY(put_found(a, &found, err));
	status = fot_flush_stdout(err);
out:
	fot_str_release(&sentence);
	return status;
}

static int check_exact(const struct fot_table *t, struct fot_err *err)
{
	size_t n = fot_compare_changed(t);

	if (n == 0)
		return FOT_OK;
	return FOT_FAIL(
		err, FOT_ERR_REGRESSION,
		"%zu of %zu rows hold documents or items that changed by more than %g nats per token or in an answer",
		n, t->n_rows, FOT_COMPARE_EQUAL_NATS);
}

/* *shown: the result stands on stdout. */
static int compare(struct fot_table *compared, const struct asked *a, bool *shown, struct fot_err *err)
{
	struct run_folder base = { 0 }, new = { 0 };
	int status;

	FOT_TRY(load(&base, a->dir[0], err));
	FOT_TRY(load(&new, a->dir[1], err));
	FOT_TRY(fot_compare_manifests(base.manifest, new.manifest, err));
	if (a->pairs.n)
		FOT_TRY(compare_pairs(compared, &base, &new, &a->pairs, &a->opts, err));
	else
		FOT_TRY(compare_tasks(compared, &base, &new, &a->opts, err));
	if (a->metric >= 0)
		FOT_TRY(keep_metric(compared, a->metrics[a->metric], err));
	FOT_TRY(fot_compare_finish(compared, err));
	*shown = true;
	FOT_TRY(print_result(compared, a, &base, &new, err));
	if (a->exact)
		status = check_exact(compared, err);
out:
	unload(&base);
	unload(&new);
	return status;
}

/* "0.05", in units of the metric, or "1%", of BASE's value. */
static int read_margin(struct asked *a, struct fot_err *err)
{
	struct fot_str number = FOT_STR_INIT;
	size_t n = a->margin ? strlen(a->margin) : 0;
	bool percent = n > 0 && a->margin[n - 1] == '%';
	double x = 0;
	int status = FOT_OK;

	if (!a->margin)
		return FOT_OK;
	fot_str_add(&number, a->margin, percent ? n - 1 : n);
	FOT_TRY(fot_str_check(&number, err));
	if (!fot_parse_double(number.data ? number.data : "", &x) || x < 0 || x > 1e9)
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "--margin: expected a number from 0 to 1000000000, or one with %%, got \"%s\"", a->margin);
	else if (percent && x > 0)
		a->opts.share = x / 100;
	else
		a->opts.margin = x;
out:
	fot_str_release(&number);
	return status;
}

/* Margin, flags that do not go together, files that must not be written. */
static int check_asked(struct asked *a, struct fot_err *err)
{
	const char *const files[] = { a->output, a->junit, a->benchmark };
	int status;

	FOT_TRY(read_margin(a, err));
	if (a->json && a->github)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_USAGE,
				 "--json and --github: expected one of them, both write to stdout"));
	for (size_t i = 0; i < FOT_COUNT(files); i++) {
		FOT_TRY(fot_outdir_spare(files[i], err));
		for (size_t k = 0; k < i; k++)
			if (files[i] && files[k] && fot_same_output(files[i], files[k]))
				FOT_TRY(FOT_FAIL(
					err, FOT_ERR_USAGE,
					"%s: expected different files for --output, --junit and --benchmark",
					files[i]));
	}
out:
	return status;
}

/* The exit code. That of a comparison is told here: with --json in its own form. */
static int compare_asked(void *asked, const struct fot_options *o, struct fot_err *err)
{
	struct asked *a = asked;
	struct fot_table compared;
	struct fot_err failed = { 0 };
	bool shown = false;
	int status;

	if (check_asked(a, err) != FOT_OK)
		return err->code;
	a->opts.bits_per_byte = a->metric >= 0 && strcmp(a->metrics[a->metric], BITS) == 0;
	a->opts.seed = (uint64_t)a->seed;
	a->dir[0] = o->positional[0];
	a->dir[1] = o->positional[1];
	fot_table_init(&compared, &fot_schema_compare);
	status = compare(&compared, a, &shown, &failed);
	if (status != FOT_OK && !shown)
		put_failure(a, &failed);
	if (status != FOT_OK)
		fot_command_failed("compare", &failed);
	else if (fot_compare_regressions(&compared) > 0)
		status = FOT_ERR_REGRESSION;
	fot_table_release(&compared);
	return status;
}

static void add_metric(struct asked *a, const char *metric)
{
	size_t n = 0;

	for (; a->metrics[n]; n++)
		if (strcmp(a->metrics[n], metric) == 0)
			return;
	if (n < METRICS_MAX)
		a->metrics[n] = metric;
}

static void list_metrics(struct asked *a)
{
	for (size_t i = 0; i < fot_n_measured_tasks; i++) {
		const struct fot_measured_task *task = fot_measured_tasks[i];
		size_t n = 0;

		for (size_t k = 0; k < task->n_measures; k++)
			add_metric(a, task->measure[k].metric);
		add_metric(a, fot_measured_shown(task, true, &n)->metric);
	}
}

static const char about[] =
	"Two run folders, paired by document, trial or item. A row is a dataset, context length and condition:\n"
	"  identical      every document or item has the same bits\n"
	"  equal          the same answers, all within 1e-6 nats per token\n"
	"  worse          the whole 95 % interval of the worsening lies above the margin\n"
	"  within margin  it is worse, but perhaps by no more than the margin\n"
	"  better         the whole interval lies on the better side\n"
	"  below the detectable difference   no difference was found; a smaller one than this would not be\n"
	"Intervals and p are those of summary.md. The default margin, 1e-4 of BASE's value (of a rate: 1e-4 nats per\n"
	"token), is above what other last bits change: measured at most 4.0e-6 nats per token of a document\n"
	"with a knn memory, 1.2e-7 with another or none. Exit codes: 0 no regression, 3 regression (a row is\n"
	"worse), 7 not comparable (data, tokenizer or convention differ).";

int fot_cmd_compare(int argc, char **argv)
{
	struct asked a = { .opts = { .margin = -1 }, .seed = 1, .metric = -1 };
	struct fot_option options[] = {
		{ FOT_CHOICE_OPTION(
			"metric", &a.metric, a.metrics,
			"compare only this one (default: each task's own; bits_per_byte compares across tokenizers)") },
		{ FOT_TEXT_OPTION(
			"margin", &a.margin, "X",
			"worsening that is tolerated, in units of the metric or, as 1%, of BASE's value (default: 0.0001 of BASE's value)") },
		{ FOT_TEXTS_OPTION(
			"pair", &a.pairs, "B=N",
			"compare only condition B of BASE with N of NEW: fot=vanilla, fot/none=fot/knn:128, fot/dense=fot/dense,layers=1") },
		{ FOT_TEXT_OPTION("output", &a.output, "FILE", "also write the rows as CSV"), .letter = 'o' },
		{ FOT_INT_OPTION("seed", &a.seed, 0, 9007199254740991.0, "S", "seed of the bootstrap") },
		{ FOT_FLAG_OPTION("exact", &a.exact,
				  "fail on any change beyond 1e-6 nats per token, for the better too") },
		{ FOT_TEXT_OPTION("junit", &a.junit, "FILE",
				  "also write the rows as tests, in JUnit's XML") },
		{ FOT_TEXT_OPTION(
			"benchmark", &a.benchmark, "FILE",
			"also write NEW's values as github-action-benchmark reads them (customSmallerIsBetter)") },
		{ FOT_FLAG_OPTION(
			"github", &a.github,
			"annotations of a GitHub workflow on stdout, a table in the file $GITHUB_STEP_SUMMARY") },
		FOT_COMMON_JSON(&a.json),
		FOT_COMMON_QUIET(&a.quiet),
	};
	struct fot_options o =
		FOT_COMMAND("compare", "BASE NEW [options]", about, options, 2, 2, compare_asked);

	list_metrics(&a);
	return fot_command(&o, argc, argv, &a);
}
