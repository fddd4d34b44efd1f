/* run.c: see run.h.
 *
 *   started manifest -> journal (one record per item) -> results rebuilt from the
 *   journal (results.h) -> final manifest
 *
 * The manifest is written last: where it says complete, everything is there.
 * Items that fail are not journalled, so a resume tries them again. */
#include "harness/run/run.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/plan/task_class.h"
#include "harness/report/summary.h"
#include "harness/run/division.h"
#include "harness/run/dryrun.h"
#include "harness/run/folder.h"
#include "harness/run/items.h"
#include "harness/run/journal.h"
#include "harness/run/manifest.h"
#include "harness/run/results.h"
#include "harness/run/schedule.h"
#include "harness/run/signals.h"
#include "harness/run/workers.h"

#define MISSING_SHOWN 10 /* items that a merge names */
#define LONG_FLOPS 1e10  /* of a quiet run whose time left is worth a measurement */

struct runner {
	const struct fot_plan *plan;
	const struct fot_run_opts *opts;
	struct fot_outdir dir;
	char *journal_path;
	struct fot_journal *journal;
	struct fot_journal_content before; /* what a resumed journal holds */
	struct fot_journal_content given;  /* what those that are merged hold */
	struct fot_worker worker;
	struct fot_division division; /* of a run of shards */
	struct fot_manifest manifest;
	double begun;
	struct fot_schedule todo;
	double began;                  /* the first item */
	double rate;                   /* operations per second, foretold */
	double flops_left, flops_done; /* of the schedule's: skipped and failed items are neither */
	int64_t tokens_done;
	int64_t n_seen;       /* items */
	size_t n_begun;       /* of the schedule's */
	bool measured;        /* the summary has rows */
	pthread_mutex_t lock; /* of all this while workers are at work */
	int status;           /* of the first item that could not be kept: nothing is kept behind it */
	struct fot_err *err;
};

/* Does this run do item i? */
static bool is_mine(const void *runner, size_t i)
{
	const struct runner *r = runner;

	return r->opts->shards == 0 || r->division.shard[i] == r->opts->shard;
}

/* Items of which neither a row nor a try is there. */
static bool is_todo(const void *runner, size_t i)
{
	const struct runner *r = runner;

	return is_mine(r, i) && !fot_journal_find(&r->before, r->plan->item[i].id);
}

static int write_manifest(struct runner *r, const char *status, const char *problem)
{
	r->manifest.status = status;
	r->manifest.problem = problem;
	r->manifest.wall_s = fot_clock() - r->begun;
	return fot_manifest_write(&r->manifest, &r->dir, r->err);
}

/* --- begin --- */

static int open_log(struct runner *r)
{
	char *path = fot_outdir_file(&r->dir, "log.txt");
	int status = path ? fot_log_open(path, r->err) : FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");

	fot_free(path);
	return status;
}

static int open_journal(struct runner *r)
{
	r->journal_path = fot_outdir_file(&r->dir, "journal.jsonl");
	if (!r->journal_path)
		return FOT_FAIL(r->err, FOT_ERR_RUN, "out of memory");
	if (!r->dir.has_journal)
		return fot_journal_create(&r->journal, r->journal_path, r->plan->identity, r->err);
	return fot_journal_resume(&r->journal, &r->before, r->journal_path, r->plan->identity,
				  fot_folder_was_closed(r->dir.path), r->err);
}

/* A folder that an older version began as the same number of shards says nothing of its division: by count, as the
 * folders beside it. */
static void old_division(struct runner *r)
{
	cJSON *manifest = NULL;
	const cJSON *shard, *count;

	r->manifest.division = FOT_DIVISION_COST;
	if (r->dir.has_journal)
		(void)fot_manifest_read(&manifest, r->dir.path, NULL); /* the journal is the truth */
	shard = fot_json_get(manifest, "shard");
	count = fot_json_get(shard, "count");
	if (cJSON_IsNumber(count) && (int64_t)count->valuedouble == r->opts->shards) {
		const char *word = cJSON_GetStringValue(fot_json_get(shard, "division"));

		if (!word || strcmp(word, fot_division_words[FOT_DIVISION_COUNT]) == 0)
			r->manifest.division = FOT_DIVISION_COUNT;
	}
	cJSON_Delete(manifest);
}

static int divide(struct runner *r)
{
	int status = FOT_OK;

	if (r->opts->shards) {
		old_division(r);
		FOT_TRY(fot_division_make(&r->division, r->plan, r->opts->shards, r->manifest.division,
					  r->err));
	}
	for (size_t i = 0; i < r->plan->n_items; i++)
		r->manifest.counts.planned += is_mine(r, i);
out:
	return status;
}

static void say_cut(const struct runner *r)
{
	const struct fot_journal_content *c = &r->before;

	if (c->hole_line)
		fot_log(FOT_LOG_WARN,
			"journal.jsonl: line %zu holds zeros, as after a loss of power: cut there (%zu bytes, %zu whole record%s), %lld of %lld items are to do",
			c->hole_line, c->torn_bytes, c->n_behind, FOT_S(c->n_behind),
			(long long)(r->manifest.counts.planned - r->manifest.counts.resumed),
			(long long)r->manifest.counts.planned);
	else if (c->torn_bytes)
		fot_log(FOT_LOG_WARN,
			"journal.jsonl: the last record was torn (%zu bytes), its item is done again",
			c->torn_bytes);
}

static int begin(struct runner *r)
{
	int status;

	r->begun = fot_clock();
	r->manifest = (struct fot_manifest){ .plan = r->plan, .opts = r->opts };
	fot_manifest_uid(r->manifest.run_uid);
	fot_utc_now(r->manifest.started);
	FOT_TRY(fot_outdir_open(&r->dir, r->opts->output, r->opts->mode, r->err));
	FOT_TRY(divide(r));
	FOT_TRY(open_journal(r)); /* before anything is changed: it may refuse */
	FOT_TRY(open_log(r));
	for (size_t i = 0; i < r->plan->n_items; i++)
		r->manifest.counts.resumed += is_mine(r, i) && !is_todo(r, i);
	FOT_TRY(write_manifest(r, "started", NULL));
	say_cut(r);
out:
	return status;
}

/* --- items --- */

/* That so many operations take: from what was done so far, before that from what the engine reached in a moment's
 * measurement; -1: unknown. */
static double seconds_of(const struct runner *r, double flops)
{
	double elapsed = fot_clock() - r->began;

	return r->flops_done > 0 && elapsed > 0 ? flops * elapsed / r->flops_done :
	       r->rate > 0                      ? flops / r->rate :
						  -1;
}

static void show_progress(const struct runner *r, const char *id)
{
	double elapsed = fot_clock() - r->began, left = seconds_of(r, r->flops_left);
	char eta[32] = "?";

	if (left >= 0)
		fot_duration_text(left, eta);
	fot_progress("%lld of %lld items, %.0f tokens/s, %s left, %s", (long long)r->n_seen,
		     (long long)r->manifest.counts.planned,
		     elapsed > 0 ? (double)r->tokens_done / elapsed : 0.0, eta, id);
}

static int keep_item(struct runner *r, const struct fot_item *item, const struct fot_table *rows,
		     const cJSON *samples)
{
	cJSON *result = NULL, *note = NULL;
	int status = fot_item_record(rows, samples, &result, &note, r->err);

	if (status == FOT_OK)
		status = fot_journal_append(r->journal, item->id, result, note, r->err);
	cJSON_Delete(result);
	cJSON_Delete(note);
	return status;
}

static bool is_skipped(const struct fot_table *rows)
{
	size_t n = 0;

	while (n < rows->n_rows && strncmp(fot_table_text(rows, n, "status"), "skipped", 7) == 0)
		n++;
	return n > 0 && n == rows->n_rows;
}

/* What came of an item. */
struct outcome {
	int status;
	struct fot_table rows;
	cJSON *samples; /* without memory there are none */
	struct fot_err problem;
};

/* A failing item does not take the others with it; a failing journal does. */
static int keep_outcome(struct runner *r, const struct fot_item *item, const struct outcome *o)
{
	/* Over a file that changed meanwhile nothing is a result, nor would anything after it be. */
	int status = fot_map_check_all(r->err);

	if (status != FOT_OK)
		return status;
	if (o->status == FOT_OK) {
		r->manifest.counts.skipped += is_skipped(&o->rows);
		status = keep_item(r, item, &o->rows, o->samples);
		r->manifest.counts.done += status == FOT_OK;
	} else {
		fot_progress_end();
		fot_log(FOT_LOG_ERROR, "%s: %s", item->id, o->problem.text);
		r->manifest.counts.failed++;
	}
	return status;
}

/* *read: bytes of the folders' journals that are in memory since they were last unloaded. */
static int take_item(struct runner *r, const struct fot_item *item, size_t *read)
{
	const struct fot_record *found = fot_journal_find(&r->given, item->id);
	struct fot_table rows;
	int status = FOT_OK;

	fot_table_init(&rows, fot_task_class_of(r->plan, item)->schema);
	if (!found) {
		if (r->manifest.counts.failed++ < MISSING_SHOWN)
			fot_log(FOT_LOG_ERROR, "%s: in none of the folders", item->id);
		goto out;
	}
	*read += fot_record_bytes(found);
	FOT_TRY(fot_item_rows_of(&rows, NULL, found, r->err)); /* must be readable before it is taken over */
	r->manifest.counts.skipped += is_skipped(&rows);
	FOT_TRY(fot_journal_copy(r->journal, found, r->err));
	r->manifest.counts.done++;
out:
	fot_table_release(&rows);
	return status;
}

static int keep_job(struct runner *r, const struct fot_job *job, const struct outcome *o)
{
	int64_t skipped = r->manifest.counts.skipped, failed = r->manifest.counts.failed;
	int status = keep_outcome(r, &r->plan->item[job->item], o);

	r->n_seen++;
	r->flops_left -= job->flops;
	if (skipped == r->manifest.counts.skipped && failed == r->manifest.counts.failed) {
		r->flops_done += job->flops;
		r->tokens_done += job->cost.filled + job->cost.asked;
	}
	show_progress(r, r->plan->item[job->item].id);
	return status;
}

/* What is written waits for the disk no longer because the next item is long. */
static int begin_job(struct runner *r, const struct fot_job *job)
{
	double at_once = r->n_begun < r->todo.n_small ? r->todo.n_workers : 1;

	r->n_begun++;
	return fot_journal_settle(r->journal, seconds_of(r, job->flops * at_once), r->err);
}

/* Once all small items have begun, a worker may have nothing that it settles the journal before. */
static int end_job(struct runner *r, const struct fot_job *job, const struct outcome *o)
{
	int status = keep_job(r, job, o);

	if (status == FOT_OK && r->n_begun == r->todo.n_small)
		status = fot_journal_settle(r->journal, FOT_JOURNAL_SYNC_S, r->err);
	return status;
}

/* Several at once do this, each with its own worker. */
static int do_job(void *runner, struct fot_worker *worker, const struct fot_job *job)
{
	struct runner *r = runner;
	const struct fot_item *item = &r->plan->item[job->item];
	struct outcome o = { .samples = cJSON_CreateArray() };
	int status;

	fot_table_init(&o.rows, fot_task_class_of(r->plan, item)->schema);
	pthread_mutex_lock(&r->lock);
	if (r->status == FOT_OK)
		r->status = begin_job(r, job);
	status = r->status;
	pthread_mutex_unlock(&r->lock);
	if (status != FOT_OK)
		goto out;
	o.status = fot_item_evaluate(worker, item, &o.rows, o.samples, &o.problem);
	pthread_mutex_lock(&r->lock);
	if (r->status == FOT_OK)
		r->status = end_job(r, job, &o);
	status = r->status;
	pthread_mutex_unlock(&r->lock);
out:
	fot_table_release(&o.rows);
	cJSON_Delete(o.samples);
	return status;
}

/* Of files that are read record by record no more than what the next records need has to be in memory. */
static void unload_given(const struct runner *r)
{
	for (size_t k = 0; k < r->opts->n_given; k++)
		fot_map_unload(r->opts->given[k].file.data, r->opts->given[k].file.size);
}

static int merge_items(struct runner *r)
{
	int status = fot_journal_join(&r->given, r->opts->given, r->opts->n_given, r->err);
	size_t read = 0;

	for (size_t i = 0; i < r->plan->n_items && status == FOT_OK && !fot_signals_pending(); i++) {
		if (!is_todo(r, i))
			continue;
		status = take_item(r, &r->plan->item[i], &read);
		r->n_seen++;
		if (read > FOT_JOURNAL_PART) {
			unload_given(r);
			read = 0;
		}
	}
	unload_given(r);
	if (r->manifest.counts.failed > MISSING_SHOWN)
		fot_log(FOT_LOG_ERROR, "and %lld more items are in none of the folders",
			(long long)r->manifest.counts.failed - MISSING_SHOWN);
	return status;
}

static int do_items(struct runner *r)
{
	int status;

	r->n_seen = r->manifest.counts.done = r->manifest.counts.resumed;
	if (r->opts->merge)
		return merge_items(r);
	FOT_TRY(fot_schedule(&r->todo, &r->worker, is_todo, r, r->err));
	FOT_TRY(fot_workers_divide(&r->todo, r->plan, &r->opts->work, r->err));
	if (r->todo.n && (!r->opts->quiet || r->todo.flops > LONG_FLOPS))
		FOT_TRY(fot_engine_rate(&r->rate, r->plan, r->opts->work.threads, r->err));
	r->flops_left = r->todo.flops;
	r->began = fot_clock();
	if (r->todo.n)
		show_progress(r, r->plan->item[r->todo.job[0].item].id);
	if (r->todo.n_small)
		status = fot_workers_run(&r->todo, r->plan, &r->opts->work, do_job, r, r->err);
	for (size_t i = r->todo.n_small; i < r->todo.n && status == FOT_OK && !fot_signals_pending(); i++)
		status = do_job(r, &r->worker, &r->todo.job[i]);
	fot_progress_end();
out:
	return status;
}

/* --- results, from the journal alone --- */

static int print_summary(const struct runner *r, const struct fot_table *summary)
{
	struct fot_str text = FOT_STR_INIT;
	int status = fot_summary_text(&text, summary, fot_terminal_columns(), r->opts->digits, r->err);

	if (status == FOT_OK && text.len > 0)
		fputs(text.data, stdout);
	fot_str_release(&text);
	return status == FOT_OK ? fot_flush_stdout(r->err) : status;
}

static int print_json(const struct runner *r, const struct fot_table *summary)
{
	cJSON *root = cJSON_CreateObject();
	struct fot_str text = FOT_STR_INIT;
	bool good = root && cJSON_AddStringToObject(root, "run_id", r->plan->run_id) &&
		    cJSON_AddStringToObject(root, "status", r->manifest.status) &&
		    cJSON_AddStringToObject(root, "output", r->opts->output) &&
		    fot_table_rows_json(root, "summary", summary);
	int status = good ? fot_json_print(&text, root, 1, r->err) : FOT_NO_MEMORY(r->err, "run");

	if (status == FOT_OK)
		printf("%s\n", text.data);
	fot_str_release(&text);
	cJSON_Delete(root);
	return status == FOT_OK ? fot_flush_stdout(r->err) : status;
}

static void log_lines(enum fot_log_level level, const struct fot_str *lines)
{
	for (const char *at = lines->len ? lines->data : ""; *at; at += strcspn(at, "\n") + 1)
		fot_log(level, "%.*s", (int)strcspn(at, "\n"), at);
}

/* *nothing: a condition has measured nothing on a dataset. A shard may have drawn what is skipped alone. */
static int say_left_out(const struct runner *r, const struct fot_results *results, bool *nothing)
{
	struct fot_str skipped = FOT_STR_INIT, empty = FOT_STR_INIT, few = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t k = 0; k < fot_n_task_classes; k++) {
		FOT_TRY(fot_left_out(&skipped, &empty, &results->rows[k], r->err));
		FOT_TRY(fot_fell_short(&few, &results->rows[k], r->err));
	}
	log_lines(FOT_LOG_INFO, &skipped);
	log_lines(FOT_LOG_WARN, &few);
	*nothing = empty.len > 0 && r->opts->shards == 0;
	if (*nothing)
		log_lines(FOT_LOG_ERROR, &empty);
out:
	fot_str_release(&skipped);
	fot_str_release(&few);
	fot_str_release(&empty);
	return status;
}

/* All of it is on the disk then. */
static int close_journal(struct runner *r)
{
	struct fot_journal *journal = r->journal;

	r->journal = NULL; /* also when closing fails it is gone */
	return fot_journal_close(journal, r->err);
}

static int finish(struct runner *r)
{
	struct fot_results results = { 0 };
	bool partial = r->manifest.counts.failed > 0, nothing = false;
	int status;

	FOT_TRY(fot_results_init(&results, r->err));
	FOT_TRY(fot_results_gather(&results, r->plan, r->journal_path, is_mine, r, r->err));
	FOT_TRY(fot_results_write(&results, r->plan, &r->dir, r->opts->timings, r->err));
	r->manifest.results = &results;
	FOT_TRY(say_left_out(r, &results, &nothing));
	r->measured = results.summary.n_rows > 0;
	partial |= nothing;
	FOT_TRY(write_manifest(r, partial ? "partial" : "complete", NULL));
	if (r->opts->json)
		FOT_TRY(print_json(r, &results.summary));
	else if (!r->opts->quiet)
		FOT_TRY(print_summary(r, &results.summary));
out:
	r->manifest.results = NULL;
	fot_results_release(&results);
	return status == FOT_OK && partial ? FOT_ERR_PARTIAL : status;
}

static int stopped(struct runner *r, int signal_number)
{
	const struct fot_run_counts *c = &r->manifest.counts;

	fot_log(FOT_LOG_WARN, "stopped by signal %d after %lld of %lld items; go on with --resume",
		signal_number, (long long)c->done, (long long)c->planned);
	write_manifest(r, "partial", "stopped by a signal");
	return 128 + signal_number;
}

static void report_end(const struct runner *r, bool written)
{
	const struct fot_run_counts *c = &r->manifest.counts;
	char wall[32];

	fot_duration_text(fot_clock() - r->begun, wall);
	fot_log(FOT_LOG_INFO,
		"%lld item%s: %lld done (%lld resumed, %lld skipped), %lld failed; %s; peak memory %.0f MiB",
		(long long)c->planned, FOT_S(c->planned), (long long)c->done, (long long)c->resumed,
		(long long)c->skipped, (long long)c->failed, wall,
		(double)fot_mem_peak_rss() / (1024.0 * 1024.0));
	if (written)
		fot_log(FOT_LOG_INFO, "results in %s%s%s", r->opts->output,
			r->measured ? "; draw them: fotbench plot " : "", r->measured ? r->opts->output : "");
}

/* What no step behind the items needs. */
static void release_work(struct runner *r)
{
	fot_schedule_release(&r->todo);
	fot_worker_release(&r->worker);
	fot_journal_content_release(&r->before);
	fot_journal_content_release(&r->given);
}

int fot_run(const struct fot_plan *plan, const struct fot_run_opts *opts, struct fot_err *err)
{
	struct runner r = {
		.plan = plan, .opts = opts, .lock = PTHREAD_MUTEX_INITIALIZER, .err = err, .dir.lock_fd = -1
	};
	bool begun = false;
	int status;

	fot_signals_install();
	FOT_TRY(fot_worker_init(&r.worker, plan, &opts->work, err));
	FOT_TRY(begin(&r));
	begun = true;
	FOT_TRY(do_items(&r));
	FOT_TRY(close_journal(&r));
	release_work(&r); /* not beside the results */
	if (fot_signals_pending()) {
		status = stopped(&r, fot_signals_pending());
	} else {
		status = finish(&r);
		report_end(&r, status == FOT_OK || status == FOT_ERR_PARTIAL);
	}
out:
	if (status != FOT_OK && status < 128 && status != FOT_ERR_PARTIAL && begun) {
		struct fot_err *kept = r.err;

		r.err = NULL; /* the first error is the one to report */
		write_manifest(&r, "failed", kept ? kept->text : NULL);
	}
	release_work(&r);
	fot_division_release(&r.division);
	fot_journal_close(r.journal, NULL);
	fot_free(r.journal_path);
	fot_outdir_close(&r.dir);
	fot_log_close();
	return status;
}
