/* make_rows.c: made-up but plausible observations of the tasks that ask questions.
 *
 *   make_rows DIR [lose=P] [nudge=X] [fail=K] [trials=N] [seeds=N] [variant=NAME] [tasks=LETTERS]
 *
 * Writes DIR/{passkey,lookup,fewshot,distraction}.csv, summary.csv, summary.md, report.tex and a
 * manifest of a complete run.  lose: share of right answers of fot that turn wrong; nudge: added
 * to scores in nats; fail: every K-th row failed; tasks: of "plfd". Equal arguments give equal files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "harness/tables/table.h"
#include "tests/task_schemas.h"

static struct {
	double lose, nudge;
	int64_t fail, trials, seeds;
	const char *variant, *tasks;
} opt = { .trials = 10, .seeds = 5, .variant = "fot", .tasks = "plfd" };

struct condition {
	const char *variant, *mode;
	int64_t top_k;
	double skill, fade; /* chance of a right answer, lost per doubling of the length */
};

static struct condition conditions[] = {
	{ "local", "none", 0, 0.30, 0.20 },       { "vanilla", "dense", 0, 0.97, 0.13 },
	{ "vanilla", "knn", 128, 0.95, 0.07 },    { "fot", "dense", 0, 0.995, 0.02 },
	{ "fot", "knn", 128, 0.99, 0.012 },
};
#define N_CONDITIONS (sizeof conditions / sizeof conditions[0])

/* The same draw for an item under every condition, so that conditions are paired. */
static double draw(const char *purpose, int64_t a, int64_t b, int64_t c)
{
	struct fot_rng r;

	fot_rng_init(&r, 11, purpose, (uint64_t)(a * 1000003 + b * 1009 + c));
	return fot_rng_uniform(&r);
}

static size_t add(struct fot_table *t, const struct condition *c, const char *dataset, int64_t length)
{
	size_t row = fot_table_add(t);
	bool failed = opt.fail && (int64_t)(row % (size_t)opt.fail) == opt.fail - 1;

	fot_table_set_text(t, row, "run_id", "0123456789abcdef");
	fot_table_set_text(t, row, "model", strcmp(c->variant, "vanilla") ? c->variant : "local");
	fot_table_set_text(t, row, "model_variant", c->variant);
	fot_table_set_text(t, row, "memory_mode", c->mode);
	if (strcmp(c->mode, "none")) {
		fot_table_set_int(t, row, "memory_tokens", length - 512);
		fot_table_set_text(t, row, "mem_dtype", "bf16");
	}
	if (c->top_k)
		fot_table_set_int(t, row, "top_k", c->top_k);
	fot_table_set_text(t, row, "task", t->schema->name);
	fot_table_set_text(t, row, "dataset", dataset);
	fot_table_set_int(t, row, "context_length", length);
	fot_table_set_int(t, row, "window", 512);
	fot_table_set_text(t, row, "tokenizer_sha256", "aa");
	fot_table_set_text(t, row, "status", failed ? "failed" : "ok");
	return row;
}

static bool failed(const struct fot_table *t, size_t row)
{
	return strcmp(fot_table_text(t, row, "status"), "ok") != 0;
}

static bool right(const struct condition *c, double p, double u, double v)
{
	bool lost = strcmp(c->variant, opt.variant) == 0 && v < opt.lose;

	return u < p && !lost;
}

static void passkey_row(struct fot_table *t, const struct condition *c, int64_t length, double depth, int64_t trial)
{
	double u = draw("passkey", (int64_t)(depth * 100), trial, 0), doublings = log2((double)length / 512);
	double p = strcmp(c->mode, "none") ? c->skill - c->fade * doublings * (1.4 - depth) :
					     (1 - depth) * (double)length < 256 ? 0.97 : 0.01;
	size_t row = add(t, c, "grass", length);

	fot_table_set_real(t, row, "depth", depth);
	fot_table_set_int(t, row, "trial", trial);
	fot_table_set_int(t, row, "seed", 1);
	fot_table_set_text(t, row, "prompt_style", "paper");
	fot_table_set_int(t, row, "key", 1 + (int64_t)(50000 * draw("key", (int64_t)(depth * 100), trial, 1)));
	fot_table_set_int(t, row, "n_tokens_prompt", length - 6);
	fot_table_set_real(t, row, "chance_level", 1.0 / 50000);
	if (failed(t, row))
		return;
	fot_table_set_int(t, row, "exact_match", right(c, p, u, draw("lose", (int64_t)(depth * 100), trial, length)));
	fot_table_set_text(t, row, "answer", fot_table_int(t, row, "exact_match", 0) ? "right" : "wrong");
	fot_table_set_real(t, row, "answer_logprob_nats", -u + opt.nudge);
}

static void make_passkey(struct fot_table *t)
{
	for (size_t c = 0; c < N_CONDITIONS; c++) {
		for (int64_t length = 2048; length <= 131072; length *= 4) {
			for (int d = 0; d <= 10; d += 2) {
				for (int64_t trial = 0; trial < opt.trials; trial++)
					passkey_row(t, &conditions[c], length, d / 10.0, trial);
			}
		}
	}
}

static void lookup_row(struct fot_table *t, const struct condition *c, int64_t length, int64_t trial)
{
	double p = strcmp(c->mode, "none") ? c->skill - c->fade * log2((double)length / 512) : 0.05;
	size_t row = add(t, c, "dictionary", length);
	int64_t tokens = 0, values = 0;

	fot_table_set_int(t, row, "n_records", length / 10 - 25);
	fot_table_set_int(t, row, "n_queries", 25);
	fot_table_set_int(t, row, "trial", trial);
	fot_table_set_int(t, row, "seed", 1);
	fot_table_set_int(t, row, "n_value_tokens", 100);
	fot_table_set_real(t, row, "chance_level", 1.0 / 61);
	if (failed(t, row))
		return;
	for (int64_t q = 0; q < 25; q++) {
		int64_t n = 0;

		for (int64_t k = 0; k < 4; k++)
			n += right(c, p + 0.06 * (draw("trial", trial, 0, 0) - 0.5), draw("lookup", trial, q, k),
				   draw("lose", trial, q, k));
		tokens += n;
		values += n == 4;
	}
	fot_table_set_int(t, row, "n_correct_tokens", tokens);
	fot_table_set_int(t, row, "n_correct_values", values);
	fot_table_set_real(t, row, "nll_nats", 4.1 * (double)(100 - tokens) + 100 * opt.nudge);
}

static void make_lookup(struct fot_table *t)
{
	for (size_t c = 0; c < N_CONDITIONS; c++) {
		for (int64_t length = 1024; length <= 262144; length *= 4) {
			for (int64_t trial = 0; trial < opt.trials; trial++)
				lookup_row(t, &conditions[c], length, trial);
		}
	}
}

static void fewshot_row(struct fot_table *t, const struct condition *c, const char *dataset, int64_t shots,
			int64_t seed, int64_t item)
{
	double reach = strcmp(c->mode, "none") ? (double)shots : fmin((double)shots, 8);
	double p = 0.28 + (0.09 - c->fade * 0.2) * log2(1 + reach) + 0.05 * (draw("seed", seed, shots, 0) - 0.5);
	size_t row = add(t, c, dataset, 8192);
	char id[24], asked[24];

	snprintf(id, sizeof id, "q%lld", (long long)item);
	snprintf(asked, sizeof asked, "%lld", (long long)shots);
	fot_table_set_int(t, row, "n_shots", shots);
	fot_table_set_text(t, row, "shots_asked", asked);
	fot_table_set_int(t, row, "demo_seed", seed);
	fot_table_set_text(t, row, "item_id", id);
	fot_table_set_text(t, row, "item_sha256", id);
	fot_table_set_int(t, row, "n_labels", 6);
	fot_table_set_real(t, row, "chance_level", 1.0 / 6);
	fot_table_set_text(t, row, "calibration", "raw");
	if (failed(t, row))
		return;
	fot_table_set_int(t, row, "correct",
			  right(c, p, 0.7 * draw("item", item, 0, 0) + 0.3 * draw("few", seed, item, shots),
				draw("lose", seed, item, shots)));
	fot_table_set_real(t, row, "score_gold_nats", -1 + opt.nudge);
}

static void make_fewshot(struct fot_table *t)
{
	static const char *const datasets[] = { "trec", "spam" };

	for (size_t k = 0; k < 2; k++) {
		for (size_t c = 0; c < N_CONDITIONS; c++) {
			for (int64_t shots = 0; shots <= 256; shots = shots ? shots * 4 : 4) {
				for (int64_t seed = 0; seed < (shots ? opt.seeds : 1); seed++) {
					for (int64_t item = 0; item < 60 - 20 * (int64_t)k; item++)
						fewshot_row(t, &conditions[c], datasets[k], shots, seed, item);
				}
			}
		}
	}
}

static void distraction_row(struct fot_table *t, const struct condition *c, int64_t d, int64_t layer, int64_t head,
			    int64_t doc)
{
	double blind = 1.0 / (double)d, keen = 1.0 / (1.0 + 0.04 * (double)(d - 1) * (double)(head + 2));
	double w = strcmp(c->variant, opt.variant) == 0 ? 0.85 - opt.lose : 0.12;
	double mass = blind + (keen - blind) * w * (0.7 + 0.6 * draw("mass", doc, layer, head)) + opt.nudge;
	size_t row = add(t, c, "books", d * 512 + 512);
	char id[24];

	snprintf(id, sizeof id, "doc%lld", (long long)doc);
	fot_table_set_int(t, row, "n_contexts", d);
	fot_table_set_int(t, row, "layer", layer);
	if (head >= 0)
		fot_table_set_int(t, row, "head", head);
	fot_table_set_text(t, row, "doc_id", id);
	fot_table_set_int(t, row, "n_queries", 512);
	fot_table_set_real(t, row, "chance_level", blind);
	if (!failed(t, row))
		fot_table_set_real(t, row, "positive_mass", fmin(1.0, mass));
}

static void make_distraction(struct fot_table *t)
{
	static const size_t with[] = { 1, 3 };

	for (size_t c = 0; c < 2; c++) {
		for (int64_t d = 2; d <= 64; d *= 2) {
			for (int64_t layer = 5; layer <= 8; layer += 3) {
				for (int64_t head = -1; head < 4; head++) {
					for (int64_t doc = 0; doc < 8; doc++)
						distraction_row(t, &conditions[with[c]], d, layer, head, doc);
				}
			}
		}
	}
}

static const struct maker {
	char letter;
	const struct fot_schema *schema;
	void (*make)(struct fot_table *t);
} makers[] = {
	{ 'p', &fot_schema_passkey, make_passkey },
	{ 'l', &fot_schema_lookup, make_lookup },
	{ 'f', &fot_schema_fewshot, make_fewshot },
	{ 'd', &fot_schema_distraction, make_distraction },
};

static int write_text(const char *dir, const char *file, const char *text, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, dir, file, err));
	FOT_TRY(fot_file_replace(path.data, text, strlen(text), err));
out:
	fot_str_release(&path);
	return status;
}

static int one_task(const struct maker *m, const char *dir, struct fot_table *summary, struct fot_table *report,
		    struct fot_err *err)
{
	struct fot_report_run run = { .name = "made up" };
	struct fot_table t, paper;
	struct fot_str text = FOT_STR_INIT;
	char file[64];
	int status;

	fot_table_init(&t, m->schema);
	fot_table_init(&paper, &fot_schema_paper);
	m->make(&t);
	run.last = t.n_rows;
	FOT_TRY(fot_table_print(&text, &t, false, err));
	snprintf(file, sizeof file, "%s.csv", m->schema->name);
	FOT_TRY(write_text(dir, file, text.data, err));
	FOT_TRY(fot_summary_build(summary, &t, 1, NULL, err));
	FOT_TRY(fot_report_build(report, &t, &run, 1, &paper, false, 1, NULL, err));
out:
	fot_str_release(&text);
	fot_table_release(&t);
	return status;
}

static int write_all(const char *dir, struct fot_err *err)
{
	struct fot_table summary, report;
	struct fot_str csv = FOT_STR_INIT, md = FOT_STR_INIT, tex = FOT_STR_INIT;
	int status = fot_mkdir_all(dir, err);

	fot_table_init(&summary, &fot_schema_summary);
	fot_table_init(&report, &fot_schema_report);
	for (size_t i = 0; i < sizeof makers / sizeof makers[0] && status == FOT_OK; i++) {
		if (strchr(opt.tasks, makers[i].letter))
			status = one_task(&makers[i], dir, &summary, &report, err);
	}
	if (status != FOT_OK)
		goto out;
	FOT_TRY(fot_table_print(&csv, &summary, false, err));
	FOT_TRY(fot_summary_markdown(&md, &summary, err));
	FOT_TRY(fot_report_print(&tex, &report, FOT_LATEX, 0, err));
	FOT_TRY(write_text(dir, "summary.csv", csv.data, err));
	FOT_TRY(write_text(dir, "summary.md", md.data, err));
	FOT_TRY(write_text(dir, "summary.tex", tex.data, err));
	FOT_TRY(write_text(dir, "manifest.json",
			   "{ \"status\": \"complete\", \"task_versions\": {}, \"conventions\": {} }\n", err));
out:
	fot_str_release(&csv);
	fot_str_release(&md);
	fot_str_release(&tex);
	fot_table_release(&summary);
	fot_table_release(&report);
	return status;
}

static bool take(const char *arg)
{
	const char *value = strchr(arg, '=');

	if (!value)
		return false;
	value++;
	if (strncmp(arg, "lose=", 5) == 0)
		opt.lose = atof(value);
	else if (strncmp(arg, "nudge=", 6) == 0)
		opt.nudge = atof(value);
	else if (strncmp(arg, "fail=", 5) == 0)
		opt.fail = atoll(value);
	else if (strncmp(arg, "trials=", 7) == 0)
		opt.trials = atoll(value);
	else if (strncmp(arg, "seeds=", 6) == 0)
		opt.seeds = atoll(value);
	else if (strncmp(arg, "variant=", 8) == 0)
		opt.variant = value;
	else if (strncmp(arg, "tasks=", 6) == 0)
		opt.tasks = value;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct fot_err err = { 0 };

	for (int i = 2; i < argc; i++) {
		if (!take(argv[i])) {
			fprintf(stderr, "make_rows: %s?\n", argv[i]);
			return 2;
		}
	}
	for (size_t c = 3; c < N_CONDITIONS; c++)
		conditions[c].variant = opt.variant;
	if (argc < 2 || write_all(argv[1], &err) != FOT_OK) {
		fprintf(stderr, "make_rows: %s\n", argc < 2 ? "DIR?" : err.text);
		return 1;
	}
	return 0;
}
