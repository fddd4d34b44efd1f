/* manifest.c: see manifest.h.
 *
 * The document is built with small adders that remember a failed allocation, so
 * that each section reads like the text it produces. */
#include "harness/run/manifest.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "build_info.h"
#include "harness/plan/task_class.h"
#include "harness/tables/stats.h"
#include "model/attach.h"
#include "model/bf16.h"
#include "model/memory.h"

#define PROBE "The 3 quick foxes' caf\xc3\xa9:\n\tx_1 = {y};  \\frac{1}{2}"

/* --- adders: NULL parents are passed on, one check at the end --- */

struct doc {
	bool failed;
};

static void text(struct doc *d, cJSON *o, const char *key, const char *value)
{
	if (!o || !(value ? cJSON_AddStringToObject(o, key, value) : cJSON_AddNullToObject(o, key)))
		d->failed = true;
}

static void number(struct doc *d, cJSON *o, const char *key, double value)
{
	if (!o || !cJSON_AddNumberToObject(o, key, value))
		d->failed = true;
}

static void boolean(struct doc *d, cJSON *o, const char *key, bool value)
{
	if (!o || !cJSON_AddBoolToObject(o, key, value))
		d->failed = true;
}

static cJSON *object(struct doc *d, cJSON *o, const char *key)
{
	cJSON *child = o ? cJSON_AddObjectToObject(o, key) : NULL;

	d->failed = d->failed || !child;
	return child;
}

static cJSON *array(struct doc *d, cJSON *o, const char *key)
{
	cJSON *child = o ? cJSON_AddArrayToObject(o, key) : NULL;

	d->failed = d->failed || !child;
	return child;
}

static cJSON *append(struct doc *d, cJSON *list, cJSON *item)
{
	if (list && item && cJSON_AddItemToArray(list, item))
		return item;
	cJSON_Delete(item);
	d->failed = true;
	return NULL;
}

/* --- sections --- */

/* Where paths of the spec are looked for too: merge needs it. */
static void add_folder(struct doc *d, cJSON *root, const struct fot_spec *spec)
{
	char *folder = spec->folder ? realpath(spec->folder, NULL) : NULL;

	text(d, root, "spec_folder", folder);
	free(folder);
}

static void add_tool(struct doc *d, cJSON *root)
{
	cJSON *o = object(d, root, "tool");

	text(d, o, "name", "fotbench");
	text(d, o, "version", FOT_VERSION);
	text(d, o, "commit", FOT_BUILD_COMMIT);
	boolean(d, o, "dirty", FOT_BUILD_DIRTY);
	text(d, o, "compiler", FOT_BUILD_COMPILER);
	text(d, o, "flags", FOT_BUILD_FLAGS);
}

static void add_command(struct doc *d, cJSON *root, const struct fot_run_opts *opts)
{
	cJSON *list = array(d, root, "command_line");

	for (int i = 0; i < opts->argc; i++)
		append(d, list, cJSON_CreateString(opts->argv[i]));
}

static void add_architecture(struct doc *d, cJSON *model, const struct fot_config *c)
{
	cJSON *o = object(d, model, "architecture"), *layers;
	struct fot_str scaling = FOT_STR_INIT;
	const char *rope;

	fot_rope_describe(&scaling, &c->rope);
	rope = scaling.failed ? "" : scaling.data;
	number(d, o, "vocab_size", c->vocab_size);
	number(d, o, "hidden_size", c->hidden_size);
	number(d, o, "intermediate_size", c->intermediate_size);
	number(d, o, "n_layers", c->n_layers);
	number(d, o, "n_heads", c->n_heads);
	if (c->family > FOT_FAMILY_LLAMA)
		text(d, o, "model_type", fot_family(c->family)->model_type);
	if (c->n_kv_heads)
		number(d, o, "n_kv_heads", c->n_kv_heads);
	if (fot_config_query_width(c) != c->hidden_size)
		number(d, o, "head_dim", c->head_dim);
	number(d, o, "window", c->window);
	if (c->max_positions)
		number(d, o, "max_position_embeddings", c->max_positions);
	if (c->sliding_window)
		number(d, o, "sliding_window", c->sliding_window);
	if (c->rope.type != FOT_ROPE_DEFAULT)
		text(d, o, "rope_scaling", rope);
	if (c->n_more_eos) {
		cJSON *eos = array(d, o, "eos_ids");

		append(d, eos, cJSON_CreateNumber(c->eos_id));
		for (int32_t i = 0; i < c->n_more_eos; i++)
			append(d, eos, cJSON_CreateNumber(c->more_eos[i]));
	}
	number(d, o, "rope_theta", c->rope_theta);
	number(d, o, "rms_norm_eps", c->rms_norm_eps);
	boolean(d, o, "tie_embeddings", c->tie_embeddings);
	boolean(d, o, "mem_positionals", c->mem_positionals);
	boolean(d, o, "qk_norm", c->qk_norm);
	if (c->cached_windows)
		number(d, o, "cached_windows", c->cached_windows);
	text(d, o, "mix", c->mix == FOT_MIX_JOINT ? "joint" : "gate");
	if (c->mem_scale != 1)
		number(d, o, "mem_scale", c->mem_scale);
	layers = array(d, o, "mem_layers");
	for (int i = 0; i < c->n_mem_layers; i++)
		append(d, layers, cJSON_CreateNumber(c->mem_layers[i]));
	number(d, model, "parameters", (double)fot_config_parameters(c));
	fot_str_release(&scaling);
}

static void add_tokenizer(struct doc *d, cJSON *model, const struct fot_tokenizer *t)
{
	cJSON *o = object(d, model, "tokenizer"), *list;
	struct fot_ids ids = { 0 };

	text(d, o, "sha256", fot_tokenizer_hash(t));
	text(d, o, "probe_text", PROBE);
	list = array(d, o, "probe_ids");
	if (fot_tokenizer_encode(t, &ids, PROBE, strlen(PROBE), NULL) != FOT_OK)
		d->failed = true;
	for (size_t i = 0; i < ids.n; i++)
		append(d, list, cJSON_CreateNumber(ids.id[i]));
	fot_ids_release(&ids);
}

/* What it is read with. */
static void add_memories(struct doc *d, cJSON *model, const struct fot_plan *p, size_t i)
{
	cJSON *list = array(d, model, "memories");

	for (size_t c = 0; c < p->n_conditions; c++)
		if (p->condition[c].model == i)
			append(d, list, cJSON_CreateString(p->condition[c].memory));
}

static void add_models(struct doc *d, cJSON *root, const struct fot_plan *p)
{
	cJSON *list = array(d, root, "models");

	for (size_t i = 0; i < p->n_models; i++) {
		const struct fot_plan_model *m = &p->model[i];
		cJSON *o = append(d, list, cJSON_CreateObject()), *files;

		text(d, o, "name", m->name);
		text(d, o, "folder", m->spec->dir);
		text(d, o, "sha256", m->files.sha256);
		files = array(d, o, "files");
		for (size_t k = 0; k < m->files.n; k++) {
			cJSON *f = append(d, files, cJSON_CreateObject());

			text(d, f, "name", m->files.file[k].name);
			number(d, f, "bytes", (double)m->files.file[k].bytes);
			text(d, f, "sha256", m->files.file[k].sha256);
		}
		add_memories(d, o, p, i);
		add_architecture(d, o, fot_model_config(m->model));
		if (fot_model_tokenizer(m->model))
			add_tokenizer(d, o, fot_model_tokenizer(m->model));
	}
}

static void add_conditions(struct doc *d, cJSON *root, const struct fot_plan *p)
{
	cJSON *list = array(d, root, "conditions");

	for (size_t i = 0; i < p->n_conditions; i++) {
		const struct fot_condition *c = &p->condition[i];
		cJSON *o = append(d, list, cJSON_CreateObject());

		text(d, o, "label", c->label);
		text(d, o, "model_variant", c->variant);
		text(d, o, "memory_mode", fot_memory_mode_name(c->mode));
		text(d, o, "memory", c->memory);
		number(d, o, "window", c->opts.window);
		if (fot_memory_kind(c->opts.mode)->counts)
			number(d, o, "top_k", c->opts.top_k);
		if (fot_memory_keeps(c->mode))
			text(d, o, "mem_dtype", fot_memory_dtype_name(c->opts.mem_dtype));
		if (fot_memory_keeps(c->mode) && c->opts.mem_decay > 0)
			number(d, o, "mem_decay", c->opts.mem_decay);
	}
}

/* What is odd about a dataset; nothing about most. */
static void add_left_out(struct doc *d, cJSON *o, const struct fot_dataset *data)
{
	const struct fot_left_out *l = fot_dataset_left_out(data);
	const struct {
		const char *key;
		size_t n;
	} parts[] = { { "other_files_left_out", l->n_other },
		      { "hidden_files_left_out", l->n_hidden },
		      { "links_in_circles_left_out", l->n_loops },
		      { "records_left_out", l->n_filtered },
		      { "empty_documents", fot_dataset_empty(data) },
		      { "repeated_documents", fot_dataset_repeats(data) } };

	for (size_t i = 0; i < FOT_COUNT(parts); i++)
		if (parts[i].n)
			number(d, o, parts[i].key, (double)parts[i].n);
}

/* Documents of an installed dataset whose texts are not those of its manifest; most have none. */
static void add_not_pinned(struct doc *d, cJSON *o, const struct fot_dataset *data)
{
	cJSON *list = fot_dataset_n_differing(data) ? array(d, o, "not_pinned") : NULL;

	for (size_t i = 0; list && i < fot_dataset_count(data); i++)
		if (!fot_dataset_pinned(data, i))
			append(d, list, cJSON_CreateString(fot_dataset_at(data, i)->id));
}

static void add_datasets(struct doc *d, cJSON *root, const struct fot_plan *p)
{
	cJSON *list = array(d, root, "datasets");

	for (size_t i = 0; i < p->n_datasets; i++) {
		cJSON *o = append(d, list, cJSON_CreateObject());

		text(d, o, "name", fot_dataset_name(p->dataset[i].data));
		text(d, o, "sha256", fot_dataset_hash(p->dataset[i].data));
		number(d, o, "documents", (double)fot_dataset_count(p->dataset[i].data));
		add_left_out(d, o, p->dataset[i].data);
		add_not_pinned(d, o, p->dataset[i].data);
	}
}

static void add_labelled(struct doc *d, cJSON *root, const struct fot_plan *p)
{
	cJSON *list = array(d, root, "labelled");

	for (size_t i = 0; i < p->n_labelled; i++) {
		const struct fot_labelled *l = p->labelled[i].data;
		cJSON *o = append(d, list, cJSON_CreateObject());

		text(d, o, "name", l->name);
		text(d, o, "origin", l->origin);
		text(d, o, "sha256", l->hash);
		text(d, o, "template_sha256", p->labelled[i].template.sha256);
		number(d, o, "labels", (double)l->n_labels);
		number(d, o, "train_items", (double)l->n_split[FOT_TRAIN]);
		number(d, o, "test_items", (double)l->n_split[FOT_TEST]);
		number(d, o, "duplicates", (double)l->n_duplicates);
		number(d, o, "given_away_by_training_items", (double)l->n_leaked);
		number(d, o, "bad_rows_left_out", (double)l->n_bad);
	}
}

static void add_conventions(struct doc *d, cJSON *root, const struct fot_plan *p)
{
	cJSON *o = object(d, root, "conventions"), *versions = object(d, root, "task_versions");

	for (size_t t = 0; t < p->spec->n_tasks; t++) {
		const struct fot_task_class *class = p->spec->task[t].class;

		if (fot_json_get(versions, class->name))
			continue;
		number(d, versions, class->name, class->version);
		text(d, o, class->name, class->conventions);
	}
	text(d, o, "targets",
	     "the same tokens at every context length; whole windows behind the longest memory");
	text(d, o, "context_length", "local window W plus the memory of the L - W tokens before the window");
	text(d, o, "stride", "W: windows do not overlap");
	text(d, o, "bos", "one, at the start of the document");
	text(d, o, "first_token_scored", "column target_start, counted from 0 with BOS");
	text(d, o, "words",
	     "runs of bytes other than space, \\t, \\n, \\v, \\f, \\r that start in the target text");
	text(d, o, "nll", "natural logarithm, compensated sums in token order");
	number(d, o, "bootstrap_draws", FOT_STATS_DRAWS);
	number(d, o, "interval_level", FOT_STATS_LEVEL);
	text(d, o, "generator", "xoshiro256++ seeded by sha256 of seed, purpose and item");
}

void fot_cpu_name(char out[128])
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	strcpy(out, "unknown");
	while (f && fgets(line, sizeof line, f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, 128, "%s", colon + 2);
		break;
	}
	if (f)
		fclose(f);
}

static void add_host(struct doc *d, cJSON *root, const struct fot_run_opts *opts)
{
	cJSON *o = object(d, root, "host"), *blas = object(d, root, "blas"), *mpi = object(d, root, "mpi");
	struct utsname u;
	char cpu[128];

	fot_cpu_name(cpu);
	if (uname(&u) == 0) {
		text(d, o, "name", u.nodename);
		text(d, o, "system", u.sysname);
		text(d, o, "release", u.release);
		text(d, o, "machine", u.machine);
	}
	text(d, o, "cpu", cpu);
	number(d, o, "processors", (double)sysconf(_SC_NPROCESSORS_ONLN));
	number(d, o, "memory_bytes", (double)fot_mem_total());
	number(d, o, "threads", opts->work.threads);
	text(d, blas, "configuration", openblas_get_config());
	text(d, blas, "core", openblas_get_corename());
	number(d, mpi, "size", 1);
}

/* Of products. */
static void add_compute(struct doc *d, cJSON *root, enum fot_compute compute)
{
	text(d, root, "compute", fot_compute_words[compute]);
	text(d, root, "sums", FOT_SUMS);
	if (compute == FOT_COMPUTE_BF16)
		text(d, root, "bf16_kernel", fot_bf16_kernel_name(fot_bf16_kernel()));
}

static void add_progress(struct doc *d, cJSON *root, const struct fot_manifest *m)
{
	cJSON *times = object(d, root, "times"), *counts = object(d, root, "counts");
	char now[32];

	fot_utc_now(now);
	text(d, times, "started", m->started);
	text(d, times, "ended", strcmp(m->status, "started") == 0 ? NULL : now);
	number(d, times, "wall_s", m->wall_s);
	number(d, counts, "planned", (double)m->counts.planned);
	number(d, counts, "done", (double)m->counts.done);
	number(d, counts, "resumed", (double)m->counts.resumed);
	number(d, counts, "failed", (double)m->counts.failed);
	number(d, counts, "skipped", (double)m->counts.skipped);
	number(d, root, "peak_rss_bytes", (double)fot_mem_peak_rss());
}

/* Files that a finished run leaves; rows < 0: not a table. */
static void add_file(struct doc *d, cJSON *list, const struct fot_outdir *dir, const char *name, int64_t rows)
{
	char *path = fot_outdir_file(dir, name), hash[65];
	struct stat st;
	cJSON *o;

	if (path && stat(path, &st) == 0 && fot_sha256_file(path, hash, NULL) == FOT_OK) {
		o = append(d, list, cJSON_CreateObject());
		text(d, o, "name", name);
		number(d, o, "bytes", (double)st.st_size);
		text(d, o, "sha256", hash);
		if (rows >= 0)
			number(d, o, "rows", (double)rows);
	}
	fot_free(path);
}

static void add_files(struct doc *d, cJSON *root, const struct fot_manifest *m, const struct fot_outdir *dir)
{
	cJSON *list = array(d, root, "files");

	for (size_t i = 0; m->results && i < m->results->n_files; i++)
		add_file(d, list, dir, m->results->file[i].name, m->results->file[i].rows);
}

static cJSON *build(const struct fot_manifest *m, const struct fot_outdir *dir)
{
	struct doc d = { 0 };
	cJSON *root = cJSON_CreateObject(), *spec = fot_spec_json(m->plan->spec);

	text(&d, root, "status", m->status);
	text(&d, root, "problem", m->problem);
	text(&d, root, "run_id", m->plan->run_id);
	text(&d, root, "run_uid", m->run_uid);
	add_tool(&d, root);
	add_command(&d, root, m->opts);
	if (!root || !spec || !cJSON_AddItemToObject(root, "spec", spec)) {
		cJSON_Delete(spec);
		d.failed = true;
	}
	text(&d, root, "spec_sha256", m->plan->spec_sha256);
	add_folder(&d, root, m->plan->spec);
	number(&d, root, "seed", (double)m->plan->spec->seed);
	if (m->plan->limit)
		number(&d, root, "limit", (double)m->plan->limit);
	if (m->opts->shards) {
		cJSON *shard = object(&d, root, "shard");

		number(&d, shard, "index", (double)m->opts->shard + 1);
		number(&d, shard, "count", (double)m->opts->shards);
		text(&d, shard, "division", fot_division_words[m->division]);
	}
	add_models(&d, root, m->plan);
	add_conditions(&d, root, m->plan);
	add_datasets(&d, root, m->plan);
	if (m->plan->n_labelled)
		add_labelled(&d, root, m->plan);
	add_conventions(&d, root, m->plan);
	add_host(&d, root, m->opts);
	add_compute(&d, root, m->plan->spec->compute);
	text(&d, root, "engine", fot_engine_words[m->plan->spec->engine]);
	add_progress(&d, root, m);
	add_files(&d, root, m, dir);
	if (!d.failed)
		return root;
	cJSON_Delete(root);
	return NULL;
}

void fot_manifest_uid(char out[33])
{
	unsigned char bytes[16] = { 0 };

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
		double t = fot_clock(); /* no random source: time and process still tell runs apart */
		pid_t pid = getpid();

		memcpy(bytes, &t, sizeof t);
		memcpy(bytes + 8, &pid, sizeof pid);
	}
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

#define MANIFEST_BYTES ((size_t)64 << 20)

int fot_manifest_read(cJSON **out, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, dir, "manifest.json", err));
	status = fot_json_read(out, path.data, MANIFEST_BYTES, FOT_ERR_INPUT, err);
out:
	fot_str_release(&path);
	return status;
}

int fot_manifest_write(const struct fot_manifest *m, const struct fot_outdir *dir, struct fot_err *err)
{
	cJSON *root = build(m, dir);
	char *path = fot_outdir_file(dir, "manifest.json");
	struct fot_str out = FOT_STR_INIT;
	int status;

	if (!root || !path)
		FOT_TRY(FOT_NO_MEMORY(err, "manifest.json"));
	FOT_TRY(fot_json_print(&out, root, 1, err));
	fot_str_putc(&out, '\n');
	FOT_TRY(fot_str_check(&out, err));
	FOT_TRY(fot_file_replace(path, out.data, out.len, err));
out:
	fot_str_release(&out);
	fot_free(path);
	cJSON_Delete(root);
	return status;
}
