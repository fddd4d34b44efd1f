/* cmd_submit.c: the shards of a run as a job array of Slurm. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/cluster/cluster.h"
#include "harness/options/commands.h"
#include "harness/options/options.h"
#include "harness/plan/paths.h"
#include "harness/plan/place.h"
#include "harness/run/division.h"
#include "harness/run/dryrun.h"
#include "harness/run/items.h"
#include "harness/run/schedule.h"

#define MIB (1024.0 * 1024.0)
#define ALL_FORETOLD 20000 /* items of a plan of which every shard's prompts are built to foretell its time */
#define MERGE_ITEM_BYTES 4096.0 /* of memory, measured: tests/bench/growth.sh */
#define MERGE_ITEM_S 0.001

struct submitting {
	/* from the command line */
	const char *output, *partition, *time, *memory, *store;
	int64_t shards, threads, at_once, limit;
	bool dry_run, no_timings, no_sharing, no_skipping, json, quiet;
	int compute, merge_after;
	struct fot_texts options;
	/* made of it */
	struct fot_spec spec;
	struct fot_plan plan;
	struct fot_cluster cluster;
	struct fot_cluster_view view;
	struct fot_division division;
	bool *wanted; /* [shards] */
	int64_t n_wanted;
	struct fot_str spec_path, where, out, program, run_flags, merge_flags, ranges, array,
		merge; /* the last two: scripts */
	char spec_sha256[65], cwd[PATH_MAX];
	struct fot_slurm_job job;
	double fullest, rate; /* operations of a shard, and a second */
};

static const char *const merge_words[] = { "any", "ok", NULL };

/* --- what is asked for --- */

static void absolute(struct fot_str *out, const struct submitting *s, const char *path)
{
	if (path[0] == '/')
		fot_str_puts(out, path);
	else
		fot_path_join(out, s->cwd, path);
}

/* Where everybody starts the program: of an installed one not the variant for this machine's processor. */
static int find_program(struct fot_str *out, struct fot_err *err)
{
	struct fot_str shipped = FOT_STR_INIT, installed = FOT_STR_INIT;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int status;

	self[n > 0 ? n : 0] = '\0';
	if (fot_place_shipped(&shipped) && !fot_place_is_repository(shipped.data))
		fot_path_join(&installed, shipped.data, "../../bin/fotbench");
	fot_str_puts(out, installed.len && access(installed.data, X_OK) == 0 ? installed.data : self);
	status = out->len ? fot_str_check(out, err) :
			    FOT_FAIL(err, FOT_ERR_RUN, "the program's own path is not known");
	fot_str_release(&shipped);
	fot_str_release(&installed);
	return status;
}

static int read_spec(struct submitting *s, const char *name, struct fot_err *err)
{
	struct fot_str found = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_need(&found, FOT_PATH_SPEC, name, NULL, FOT_ERR_USAGE, err));
	absolute(&s->spec_path, s, found.data);
	FOT_TRY(fot_str_check(&s->spec_path, err));
	FOT_TRY(fot_spec_read(&s->spec, name, err));
	FOT_TRY(fot_sha256_file(s->spec_path.data, s->spec_sha256, err));
	if (s->compute >= 0)
		s->spec.compute = (enum fot_compute)s->compute;
out:
	fot_str_release(&found);
	return status;
}

static int open_plan(struct submitting *s, struct fot_err *err)
{
	struct fot_str store = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_store_find(&store, s->store, err));
	absolute(&s->where, s, store.data);
	FOT_TRY(fot_str_check(&s->where, err));
	FOT_TRY(fot_plan_open(&s->plan, &s->spec, store.data, s->limit, err));
	fot_plan_notices(&s->plan);
out:
	fot_str_release(&store);
	return status;
}

/* A new folder, an empty one, or one that was submitted before. */
static int check_new(const char *out, struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status = FOT_OK;

	if (!fot_file_exists(out))
		return FOT_OK;
	FOT_TRY(fot_dir_list(&names, out, err));
	for (size_t i = 0; i < names.n && status == FOT_OK; i++)
		if (strcmp(names.name[i], "shards") != 0 && strcmp(names.name[i], "LOCK") != 0)
			status = FOT_FAIL(
				err, FOT_ERR_USAGE,
				"%s: not empty (%s), and nothing was submitted there; choose another folder",
				out, names.name[i]);
out:
	fot_names_release(&names);
	return status;
}

static int open_cluster(struct submitting *s, struct fot_err *err)
{
	struct fot_cluster *c = &s->cluster;
	int status;

	FOT_TRY(fot_cluster_open(c, s->output, err));
	if (fot_cluster_is_there(c) && strcmp(c->run_id, s->plan.run_id) != 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: run %s was submitted there, spec, models and data now make run %s",
				  s->output, c->run_id, s->plan.run_id);
	else if (fot_cluster_is_there(c) && s->shards && s->shards != c->shards)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: begun with --shards %lld, got %lld", s->output,
				  (long long)c->shards, (long long)s->shards);
	else if (!fot_cluster_is_there(c) && !s->shards)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "--shards N is missing");
	else if (!fot_cluster_is_there(c) && s->shards > (int64_t)s->plan.n_items)
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "--shards: expected at most %zu, as many as there are items, got %lld",
				  s->plan.n_items, (long long)s->shards);
	else if (!fot_cluster_is_there(c))
		status = check_new(s->output, err);
	if (status == FOT_OK && fot_cluster_is_there(c))
		s->shards = c->shards;
out:
	return status;
}

/* --- which shards --- */

static int choose_shards(struct submitting *s, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_division_make(&s->division, &s->plan, s->shards, FOT_DIVISION_COST, err));
	s->wanted = fot_alloc((size_t)s->shards, sizeof *s->wanted);
	if (!s->wanted)
		FOT_TRY(FOT_NO_MEMORY(err, "submit"));
	if (fot_cluster_is_there(&s->cluster))
		FOT_TRY(fot_cluster_look(&s->view, &s->cluster, err));
	if (s->view.problem[0])
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "%s: which shards still run? %s", s->output,
				 s->view.problem));
	for (int64_t k = 0; k < s->shards; k++) {
		s->wanted[k] = !s->view.shard || fot_cluster_is_idle(&s->view.shard[k]);
		s->n_wanted += s->wanted[k];
	}
	fot_slurm_ranges(&s->ranges, s->wanted, s->shards);
	status = fot_str_check(&s->ranges, err);
out:
	return status;
}

static bool is_merged(const struct submitting *s)
{
	return s->view.shard && s->view.state[FOT_RUN_COMPLETE] == s->shards &&
	       s->view.merged.state == FOT_RUN_COMPLETE;
}

/* --- what they take --- */

struct of_shard {
	const struct fot_division *division;
	int64_t shard;
};

static bool is_of(const void *of, size_t item)
{
	const struct of_shard *x = of;

	return x->division->shard[item] == x->shard;
}

/* Operations of the fullest of those that are wanted. */
static int foretell(struct submitting *s, const struct fot_work *work, struct fot_err *err)
{
	struct fot_worker w = { 0 };
	struct fot_schedule one = { 0 };
	int64_t most = 0;
	int status;

	FOT_TRY(fot_worker_init(&w, &s->plan, work, err));
	for (int64_t k = 1; k < s->shards; k++)
		most = s->division.flops[k] > s->division.flops[most] ? k : most;
	for (int64_t k = 0; k < s->shards; k++) {
		if (s->plan.n_items > ALL_FORETOLD ? k != most : !s->wanted[k])
			continue;
		fot_schedule_release(&one);
		FOT_TRY(fot_schedule(&one, &w, is_of, &(struct of_shard){ &s->division, k }, err));
		s->fullest = one.flops > s->fullest ? one.flops : s->fullest;
	}
	FOT_TRY(fot_engine_rate(&s->rate, &s->plan, work->threads, err));
out:
	fot_schedule_release(&one);
	fot_worker_release(&w);
	return status;
}

/* Twice as long, ten minutes more, in steps of five: nodes differ, and so do estimates. */
static int64_t minutes_for(double seconds)
{
	return (int64_t)ceil((2 * seconds / 60 + 10) / 5) * 5;
}

static int64_t mib_for(double bytes)
{
	return (int64_t)ceil((bytes * 1.25 / MIB + 256) / 64) * 64;
}

static void put_flag(struct fot_str *out, const char *flag, const char *value)
{
	fot_str_printf(out, " --%s ", flag);
	fot_quote_shell(out, value);
}

static void put_flags(struct submitting *s)
{
	char limit[24];

	snprintf(limit, sizeof limit, "%lld", (long long)s->limit);
	put_flag(&s->run_flags, "store", s->where.data);
	put_flag(&s->merge_flags, "store", s->where.data);
	if (s->limit)
		put_flag(&s->run_flags, "limit", limit);
	if (s->compute >= 0)
		put_flag(&s->run_flags, "compute", fot_compute_words[s->compute]);
	fot_str_puts(&s->run_flags, s->no_sharing ? " --no-sharing" : "");
	fot_str_puts(&s->run_flags, s->no_skipping ? " --no-skipping" : "");
	fot_str_puts(&s->run_flags, s->no_timings ? " --no-timings" : "");
	fot_str_puts(&s->merge_flags, s->no_timings ? " --no-timings" : "");
}

static int make_scripts(struct submitting *s, struct fot_err *err)
{
	struct fot_work work = { .threads = (int32_t)s->threads,
				 .no_sharing = s->no_sharing,
				 .no_skipping = s->no_skipping };
	double items = (double)s->plan.n_items;
	int status;

	FOT_TRY(foretell(s, &work, err));
	FOT_TRY(find_program(&s->program, err));
	absolute(&s->out, s, s->output);
	put_flags(s);
	FOT_TRY(fot_str_check(&s->out, err));
	FOT_TRY(fot_str_check(&s->run_flags, err));
	FOT_TRY(fot_str_check(&s->merge_flags, err));
	s->job = (struct fot_slurm_job){
		.program = s->program.data,
		.cwd = s->cwd,
		.out = s->out.data,
		.spec = s->spec_path.data,
		.spec_sha256 = s->spec_sha256,
		.run_id = s->plan.run_id,
		.shards = s->shards,
		.threads = s->threads,
		.memory_mib = mib_for((double)fot_plan_peak(&s->plan, SIZE_MAX, &work)),
		.minutes = minutes_for(s->rate > 0 ? s->fullest / s->rate : 0),
		.merge_memory_mib = mib_for(items * MERGE_ITEM_BYTES),
		.merge_minutes = minutes_for(items * MERGE_ITEM_S),
		.flags = s->run_flags.data,
		.merge_flags = s->merge_flags.data,
		.partition = s->partition,
		.time = s->time,
		.memory = s->memory,
		.options = s->options.at,
		.n_options = s->options.n,
		.at_once = s->at_once,
	};
	fot_slurm_array_script(&s->array, &s->job, s->ranges.len ? s->ranges.data : "");
	fot_slurm_merge_script(&s->merge, &s->job);
	FOT_TRY(fot_str_check(&s->array, err));
	FOT_TRY(fot_str_check(&s->merge, err));
out:
	return status;
}

/* --- submitting --- */

/* The command that submits again: as this one was given. */
static int name_command(struct submitting *s, int argc, char **argv, struct fot_err *err)
{
	struct fot_str line = FOT_STR_INIT;
	int status;

	fot_str_puts(&line, "fotbench");
	for (int i = 0; i < argc; i++) {
		fot_str_putc(&line, ' ');
		fot_quote_shell(&line, argv[i]);
	}
	FOT_TRY(fot_str_check(&line, err));
	fot_free(s->cluster.command);
	fot_free(s->cluster.spec);
	s->cluster.command = fot_strdup(line.data);
	s->cluster.spec = fot_strdup(s->spec_path.data);
	if (!s->cluster.command || !s->cluster.spec)
		status = FOT_NO_MEMORY(err, "submit");
out:
	fot_str_release(&line);
	return status;
}

static int prepare(struct submitting *s, int argc, char **argv, struct fot_err *err)
{
	struct fot_cluster *c = &s->cluster;
	struct fot_str log = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&log, c->dir, "log", err));
	FOT_TRY(name_command(s, argc, argv, err));
	if (!fot_cluster_is_there(c)) {
		c->shards = s->shards;
		c->items = fot_alloc((size_t)s->shards, sizeof *c->items);
		if (!c->items)
			FOT_TRY(FOT_NO_MEMORY(err, "submit"));
		memcpy(c->items, s->division.items, (size_t)s->shards * sizeof *c->items);
		strcpy(c->run_id, s->plan.run_id);
	}
	FOT_TRY(fot_mkdir_all(log.data, err));
	if (s->n_wanted)
		FOT_TRY(fot_file_replace_at(c->dir, "array.sh", &s->array, err));
	FOT_TRY(fot_file_replace_at(c->dir, "merge.sh", &s->merge, err));
out:
	fot_str_release(&log);
	return status;
}

/* array: the job just submitted, or "". */
static void put_dependency(struct fot_str *out, const struct submitting *s, const char *array)
{
	const char *alive = s->view.alive.len ? s->view.alive.data : "";

	if (*array || *alive)
		fot_str_printf(out, "after%s%s%s%s", merge_words[s->merge_after], *array ? ":" : "", array,
			       alive);
	if (s->view.merges_alive.len)
		fot_str_printf(out, "%safterany%s", out->len ? "," : "", s->view.merges_alive.data);
}

static int call(char id[FOT_SLURM_ID], const struct submitting *s, const char *name, const char *dependency,
		struct fot_err *err)
{
	struct fot_slurm_command command = { 0 };
	struct fot_str path = FOT_STR_INIT;
	int status;

	fot_path_join(&path, s->out.data, "shards/");
	fot_str_puts(&path, name);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_slurm_command(&command, path.data, dependency, err));
	status = fot_slurm_submit(id, &command, err);
out:
	fot_slurm_command_release(&command);
	fot_str_release(&path);
	return status;
}

/* The array's number is written down before anything else can fail. */
static int submit(struct submitting *s, struct fot_err *err)
{
	char array[FOT_SLURM_ID] = "", merge[FOT_SLURM_ID] = "";
	struct fot_str after = FOT_STR_INIT;
	int status = FOT_OK;

	if (s->n_wanted)
		FOT_TRY(call(array, s, "array.sh", "", err));
	FOT_TRY(fot_cluster_add(&s->cluster, s->n_wanted ? s->ranges.data : "", array, "", err));
	put_dependency(&after, s, array);
	FOT_TRY(fot_str_check(&after, err));
	FOT_TRY(call(merge, s, "merge.sh", after.len ? after.data : "", err));
	FOT_TRY(fot_cluster_set_merge(&s->cluster, merge, err));
	if (s->json)
		printf("{\"array\":%s%s%s,\"tasks\":\"%s\",\"merge\":\"%s\"}\n", *array ? "\"" : "",
		       *array ? array : "null", *array ? "\"" : "", s->n_wanted ? s->ranges.data : "", merge);
	else if (*array)
		printf("job array %s: %lld of %lld shards (%s); merge %s\n", array, (long long)s->n_wanted,
		       (long long)s->shards, s->ranges.data, merge);
	else
		printf("merge %s\n", merge);
	status = fot_flush_stdout(err);
	if (status == FOT_OK)
		fot_log(FOT_LOG_INFO, "how it stands: fotbench status %s", s->output);
out:
	fot_str_release(&after);
	return status;
}

/* --- a dry run --- */

static void put_shards(struct fot_str *out, const struct submitting *s)
{
	const struct fot_division *d = &s->division;
	double least = d->flops[0], most = d->flops[0], all = 0;
	char time_text[32];

	for (int64_t k = 0; k < s->shards; k++) {
		least = d->flops[k] < least ? d->flops[k] : least;
		most = d->flops[k] > most ? d->flops[k] : most;
		all += d->flops[k];
	}
	fot_duration_text(s->rate > 0 ? s->fullest / s->rate : -1, time_text);
	fot_str_printf(out, "%lld shards of %zu items, %lld to submit\n", (long long)s->shards,
		       s->plan.n_items, (long long)s->n_wanted);
	fot_str_printf(out, "operations of a shard before prompts share any: %.2e to %.2e, mean %.2e\n",
		       least, most, all / (double)s->shards);
	fot_str_printf(out,
		       "the longest takes about %s at %.1f GFLOP/s, as measured now with %lld thread%s\n",
		       time_text, s->rate * 1e-9, (long long)s->threads, FOT_S(s->threads));
	fot_str_printf(out, "run_id %s\n", s->plan.run_id);
}

static void put_script(struct fot_str *out, const struct submitting *s, const char *name, const char *options,
		       const struct fot_str *text)
{
	fot_str_printf(out, "\n==> sbatch --parsable%s ", options);
	fot_quote_shell(out, s->output);
	fot_str_printf(out, "/shards/%s\n%s", name, text->data);
}

static int print_dry_run(const struct submitting *s, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT, options = FOT_STR_INIT, after = FOT_STR_INIT;
	int status;

	put_shards(&text, s);
	if (s->n_wanted)
		put_script(&text, s, "array.sh", "", &s->array);
	put_dependency(&after, s, s->n_wanted ? "ARRAY" : "");
	fot_str_printf(&options, "%s%s", after.len ? " --dependency=" : "", after.len ? after.data : "");
	put_script(&text, s, "merge.sh", options.failed ? "" : options.data, &s->merge);
	FOT_TRY(fot_str_check(&text, err));
	fwrite(text.data, 1, text.len, stdout);
	status = fot_flush_stdout(err);
out:
	fot_str_release(&text);
	fot_str_release(&options);
	fot_str_release(&after);
	return status;
}

/* --- the command --- */

static int check_flags(const struct submitting *s, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_slurm_partition_check(s->partition, err));
	FOT_TRY(fot_slurm_time_check(s->time, err));
	FOT_TRY(fot_slurm_memory_check(s->memory, err));
	for (size_t i = 0; i < s->options.n; i++)
		FOT_TRY(fot_slurm_option_check(s->options.at[i], err));
	if (s->json && s->dry_run)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "--json: not with --dry-run, which prints scripts");
out:
	return status;
}

static void release(struct submitting *s)
{
	struct fot_str *texts[] = { &s->spec_path,   &s->where,  &s->out,   &s->program, &s->run_flags,
				    &s->merge_flags, &s->ranges, &s->array, &s->merge };

	for (size_t i = 0; i < FOT_COUNT(texts); i++)
		fot_str_release(texts[i]);
	fot_free(s->wanted);
	fot_division_release(&s->division);
	fot_cluster_view_release(&s->view);
	fot_cluster_close(&s->cluster);
	fot_plan_close(&s->plan);
	fot_spec_release(&s->spec);
}

static int run(void *submitting, const struct fot_options *o, struct fot_err *err)
{
	struct submitting *s = submitting;
	int status;

	FOT_TRY(check_flags(s, err));
	if (!getcwd(s->cwd, sizeof s->cwd))
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "the working folder's path is not known: %m"));
	FOT_TRY(read_spec(s, o->positional[0], err));
	FOT_TRY(open_plan(s, err));
	FOT_TRY(open_cluster(s, err));
	FOT_TRY(choose_shards(s, err));
	if (s->n_wanted == 0 && (is_merged(s) || s->view.merges_alive.len)) {
		fot_log(FOT_LOG_INFO, "%s: nothing to submit; fotbench status %s", s->output, s->output);
		goto out;
	}
	FOT_TRY(make_scripts(s, err));
	if (s->dry_run) {
		status = print_dry_run(s, err);
		goto out;
	}
	FOT_TRY(prepare(s, o->argc, o->argv, err));
	status = submit(s, err);
out:
	release(s);
	return status;
}

static const char about[] =
	"Run an experiment as a job array of Slurm: each task is a shard, a part of about equal cost, and a job behind them\n"
	"merges them. A task that is preempted, whose node dies or whose time is over goes on from its journal. Given again,\n"
	"it submits what is missing or unfinished and not in the queue. OUT/shards holds scripts, logs and the shards' runs,\n"
	"OUT the merged run; fotbench status OUT says how it stands.";

int fot_cmd_submit(int argc, char **argv)
{
	struct submitting s = { .threads = 1, .compute = -1 };
	struct fot_option options[] = {
		FOT_COMMON_OUTPUT(&s.output, true),
		{ FOT_INT_OPTION("shards", &s.shards, 1, FOT_SHARDS_MOST, "N",
				 "tasks of the array; the next time as the first time") },
		{ FOT_TEXT_OPTION("partition", &s.partition, "NAME", "partition (default: the cluster's)") },
		{ FOT_TEXT_OPTION(
			"time", &s.time, "TIME",
			"time limit of a task, as sbatch has it (default: foretold, twice and ten minutes)") },
		{ FOT_TEXT_OPTION(
			"mem", &s.memory, "SIZE",
			"memory of a task, as sbatch has it (default: foretold, and a quarter more)") },
		{ FOT_INT_OPTION("cpus", &s.threads, 1, FOT_THREADS_MOST, "N",
				 "processors of a task, each a thread") },
		{ FOT_INT_OPTION("at-once", &s.at_once, 1, FOT_SHARDS_MOST, "N",
				 "tasks that run at a time (default: no limit)") },
		{ FOT_TEXTS_OPTION("sbatch", &s.options, "NAME=VALUE",
				   "another option of sbatch, such as account=proj or exclusive") },
		{ FOT_CHOICE_OPTION(
			"merge-after", &s.merge_after, merge_words,
			"any: merge what is there when all tasks have ended; ok: only if all have ended well") },
		{ FOT_FLAG_OPTION("dry-run", &s.dry_run,
				  "print costs, scripts and commands; nothing is written or submitted") },
		{ FOT_SIZE_OPTION(
			"limit", &s.limit, 1, 1e9, "N",
			"only N documents or test items per dataset, or N trials: not for reporting") },
		{ FOT_CHOICE_OPTION("compute", &s.compute, fot_compute_words,
				    "numbers of products (default: the spec's, f32)") },
		FOT_COMMON_STORE(&s.store),
		{ FOT_FLAG_OPTION("no-timings", &s.no_timings,
				  "leave timing columns empty: equal runs give equal files") },
		{ FOT_FLAG_OPTION("no-sharing", &s.no_sharing,
				  "read every prompt from its start: the same bits, slower") },
		{ FOT_FLAG_OPTION("no-skipping", &s.no_skipping,
				  "compute every window to the last layer: the same bits, slower") },
		FOT_COMMON_QUIET(&s.quiet),
		FOT_COMMON_JSON(&s.json),
	};
	struct fot_options o =
		FOT_COMMAND("submit", "SPEC.json -o OUT --shards N [options]", about, options, 1, 1, run);

	return fot_command(&o, argc, argv, &s);
}
