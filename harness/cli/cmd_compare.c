/* cmd_compare.c: the regression gate between two run folders. */
#include "harness/cli/cmd_compare.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "harness/report/compare.h"
#include "harness/cli/options.h"

#define MAX_MANIFEST ((size_t)1 << 26)

static const char *const metric_names[] = { "perplexity",     "bits_per_byte",	"accuracy", "token_accuracy",
					    "value_accuracy", "positive_mass", NULL };
enum { PERPLEXITY, BITS_PER_BYTE };

static const struct fot_schema *const tasks[] = { &fot_schema_perplexity, &fot_schema_passkey, &fot_schema_lookup,
						  &fot_schema_fewshot, &fot_schema_distraction };
#define N_TASKS (sizeof tasks / sizeof tasks[0])

struct run_folder {
	cJSON *manifest;
	struct fot_table rows[N_TASKS];
	bool has[N_TASKS];
};

/* The rows of the tasks that the run has; without any, what is missing is perplexity.csv. */
static int load_tasks(struct run_folder *r, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	bool any = false;
	int status = FOT_OK;

	for (size_t i = N_TASKS; i-- > 0;) {
		char name[64];

		snprintf(name, sizeof name, "%s.csv", tasks[i]->name);
		fot_str_clear(&path);
		fot_path_join(&path, dir, name);
		FOT_TRY(fot_str_check(&path, err));
		r->has[i] = fot_file_exists(path.data) || (i == 0 && !any);
		if (r->has[i])
			FOT_TRY(fot_table_read(&r->rows[i], path.data, err));
		any = any || r->has[i];
	}
out:
	fot_str_release(&path);
	return status;
}

/* A folder that is no finished run is a bad input, not an unequal one. */
static int load(struct run_folder *r, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	const cJSON *state;
	int status;

	for (size_t i = 0; i < N_TASKS; i++)
		fot_table_init(&r->rows[i], tasks[i]);
	fot_path_join(&path, dir, "manifest.json");
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_json_read(&r->manifest, path.data, MAX_MANIFEST, FOT_ERR_INPUT, err));
	state = fot_json_get(r->manifest, "status");
	if (!cJSON_IsString(state) || strcmp(state->valuestring, "complete") != 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: status %s: expected a complete run", dir,
				  cJSON_IsString(state) ? state->valuestring : "missing");
		goto out;
	}
	status = load_tasks(r, dir, err);
out:
	fot_str_release(&path);
	return status;
}

static void unload(struct run_folder *r)
{
	cJSON_Delete(r->manifest);
	for (size_t i = 0; i < N_TASKS; i++)
		fot_table_release(&r->rows[i]);
}

/* All tasks of BASE; a task that NEW alone has is no condition of BASE. */
static int compare_tasks(struct fot_table *out, const struct run_folder *base, const struct run_folder *new,
			 const struct fot_compare_opts *opts, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < N_TASKS && status == FOT_OK; i++) {
		if (base->rows[i].n_rows == 0)
			continue;
		if (!new->has[i])
			return FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: conditions: NEW has no task %s",
					tasks[i]->name);
		status = fot_compare_tables(out, &base->rows[i], &new->rows[i], opts, err);
	}
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

static int print_json(const struct fot_table *t, const char *const *dirs, double margin, struct fot_err *err)
{
	cJSON *root = cJSON_CreateObject(), *rows;
	struct fot_str out = FOT_STR_INIT;
	bool good = root && cJSON_AddStringToObject(root, "base", dirs[0]) &&
		    cJSON_AddStringToObject(root, "new", dirs[1]) &&
		    cJSON_AddNumberToObject(root, "margin", margin) &&
		    cJSON_AddStringToObject(root, "verdict", fot_compare_verdict(t)) &&
		    cJSON_AddNumberToObject(root, "regressions", (double)fot_compare_regressions(t));
	int status = FOT_OK;

	rows = good ? cJSON_AddArrayToObject(root, "rows") : NULL;
	for (size_t row = 0; row < t->n_rows && rows; row++) {
		cJSON *o = fot_table_row_json(t, row, false);

		if (!o || !cJSON_AddItemToArray(rows, o)) {
			cJSON_Delete(o);
			rows = NULL;
		}
	}
	status = rows ? fot_json_print(&out, root, 1, err) : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	if (status == FOT_OK)
		printf("%s\n", out.data);
	fot_str_release(&out);
	cJSON_Delete(root);
	return status;
}

static int print_text(const struct fot_table *t, double margin, struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	int status = fot_compare_text(&out, t, err);

	if (status == FOT_OK) {
		size_t n = fot_compare_regressions(t);

		fputs(out.data, stdout);
		printf("%s", fot_compare_verdict(t));
		if (n > 0)
			printf(": %zu of %zu rows are worse by more than the margin of %g", n, t->n_rows,
			       margin);
		printf("\n");
	}
	fot_str_release(&out);
	return status;
}

/* Rows whose documents or items changed by more than rounding. */
static size_t count_changed(const struct fot_table *t)
{
	size_t n = 0;

	for (size_t row = 0; row < t->n_rows; row++)
		n += strcmp(fot_table_text(t, row, "tier"), "statistical") == 0;
	return n;
}

/* The same code on another BLAS core may change rows beyond rounding; without this line that looks like a change of code. */
static void warn_of_cores(const struct fot_table *t, const struct run_folder *base, const struct run_folder *new)
{
	const char *there = cJSON_GetStringValue(fot_json_get(fot_json_get(base->manifest, "blas"), "core"));
	const char *here = cJSON_GetStringValue(fot_json_get(fot_json_get(new->manifest, "blas"), "core"));

	if (there && here && strcmp(there, here) != 0 && count_changed(t) > 0)
		fot_log(FOT_LOG_WARN, "BASE was made with BLAS core %s, NEW with %s, which sums in another order: a top-k "
				      "memory may keep another key of nearly the same score; OPENBLAS_CORETYPE=%s tells",
			there, here, there);
}

static int check_exact(const struct fot_table *t, struct fot_err *err)
{
	size_t n = count_changed(t);

	if (n == 0)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_REGRESSION,
			"%zu of %zu rows hold documents or items that changed by more than %g nats per token or in an answer", n,
			t->n_rows, FOT_COMPARE_EQUAL_NATS);
}

int fot_cmd_compare(int argc, char **argv)
{
	struct fot_compare_opts opts = { 0 };
	const char *output = NULL;
	int64_t seed = 1;
	int metric = -1, status;
	bool json = false, exact = false, quiet = false;
	struct fot_option options[] = {
		{ .name = "metric",
		  .type = FOT_OPTION_CHOICE,
		  .value = &metric,
		  .choices = metric_names,
		  .help = "compare only this one (default: perplexity and all of the other tasks)" },
		{ .name = "margin",
		  .type = FOT_OPTION_REAL,
		  .value = &opts.margin,
		  .lo = 0,
		  .hi = 1e9,
		  .arg = "X",
		  .help = "worsening that is tolerated, in units of the metric" },
		{ .name = "output",
		  .letter = 'o',
		  .type = FOT_OPTION_TEXT,
		  .value = &output,
		  .arg = "FILE",
		  .help = "also write the rows as CSV" },
		{ .name = "seed",
		  .type = FOT_OPTION_INT,
		  .value = &seed,
		  .lo = 0,
		  .hi = 9007199254740991.0,
		  .arg = "S",
		  .help = "seed of the bootstrap" },
		{ .name = "exact",
		  .type = FOT_OPTION_FLAG,
		  .value = &exact,
		  .help = "fail on any change beyond 1e-6 nats per token, for the better too" },
		FOT_COMMON_JSON(&json),
		FOT_COMMON_QUIET(&quiet),
	};
	struct fot_options o = {
		.command = "compare",
		.usage = "compare BASE NEW [options]",
		.about =
			"Two run folders, paired by document, trial or item. Each dataset, context length and condition is\n"
			"identical (the same bits), equal (the same answers, within 1e-6 nats per token) or compared\n"
			"statistically (pass key: exact McNemar, few-shot: crossed bootstrap, others: sign flips). Exit\n"
			"codes: 0 no regression, 3 regression (the lower end of the worsening's interval lies above the\n"
			"margin), 7 not comparable (data, tokenizer or convention differ).",
		.option = options,
		.n = sizeof options / sizeof options[0],
		.min_positional = 2,
		.max_positional = 2,
	};
	struct run_folder base = { 0 }, new = { 0 };
	struct fot_table compared;
	struct fot_err err = { 0 };

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	fot_command_begin(quiet, FOT_PROGRESS_AUTO);
	opts.bits_per_byte = metric == BITS_PER_BYTE;
	opts.seed = (uint64_t)seed;
	fot_table_init(&compared, &fot_schema_compare);
	FOT_TRY(load(&base, o.positional[0], &err));
	FOT_TRY(load(&new, o.positional[1], &err));
	FOT_TRY(fot_compare_manifests(base.manifest, new.manifest, &err));
	FOT_TRY(compare_tasks(&compared, &base, &new, &opts, &err));
	if (metric >= 0)
		FOT_TRY(keep_metric(&compared, metric_names[metric], &err));
	FOT_TRY(fot_compare_finish(&compared, &err));
	if (output)
		FOT_TRY(fot_table_write(&compared, output, true, &err));
	status = json ? print_json(&compared, o.positional, opts.margin, &err) :
			print_text(&compared, opts.margin, &err);
	if (status == FOT_OK)
		status = fot_flush_stdout(&err);
	if (status == FOT_OK && exact) {
		warn_of_cores(&compared, &base, &new);
		status = check_exact(&compared, &err);
	}
out:
	if (status != FOT_OK)
		fot_command_failed("compare", &err);
	else if (fot_compare_regressions(&compared) > 0)
		status = FOT_ERR_REGRESSION;
	unload(&base);
	unload(&new);
	fot_table_release(&compared);
	return status;
}
