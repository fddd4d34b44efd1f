/* cmd_samples.c: query tokens of held-out documents, and what they retrieve from the memory: samples.md
 * to read, samples.csv to compute with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "datasets/dataset.h"
#include "harness/cli/commands.h"
#include "harness/cli/options.h"
#include "harness/cli/reading_options.h"
#include "harness/run/paths.h"
#include "harness/tasks/samples.h"
#include "model/memory.h"
#include "tasks/retrieved.h"

#define MAX_POSITIONS 4096

struct flags {
	const char *model, *variant, *dataset, *mem_layers, *positions, *output, *store;
	int split;
	int64_t context_length, documents, queries, shown, seed;
	bool quiet, json;
	int progress;
	struct fot_reading_flags reading;
};

struct sampling {
	const struct flags *f;
	struct fot_model *model;
	struct fot_dataset *data;
	struct fot_str store, name;
	struct fot_sampler sampler;
	struct fot_table table;
	int64_t position[MAX_POSITIONS];
	size_t n_positions; /* given ones */
};

/* "1200,5000" into fot_by_i64 different positions. */
static int read_positions(struct sampling *s, const char *list, struct fot_err *err)
{
	char *copy = fot_strdup(list), *rest = copy, *part;
	int status = copy ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");

	while (status == FOT_OK && (part = strsep(&rest, ","))) {
		if (s->n_positions == MAX_POSITIONS || !fot_parse_size(part, &s->position[s->n_positions]) ||
		    s->position[s->n_positions] < 0)
			status = FOT_FAIL(err, FOT_ERR_USAGE,
					  "--positions: expected up to %d tokens' places such as 5000,6144, got \"%.60s\"",
					  MAX_POSITIONS, list);
		else
			s->n_positions++;
	}
	fot_free(copy);
	if (status != FOT_OK)
		return status;
	qsort(s->position, s->n_positions, sizeof *s->position, fot_by_i64);
	for (size_t i = 1; i < s->n_positions; i++)
		if (s->position[i] == s->position[i - 1])
			return FOT_FAIL(err, FOT_ERR_USAGE, "--positions: %lld stands twice", (long long)s->position[i]);
	if (s->position[0] < s->sampler.opts.window)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--positions: token %lld is in the first window of %d, which has no memory before it",
				(long long)s->position[0], s->sampler.opts.window);
	return FOT_OK;
}

static int open_model(struct sampling *s, struct fot_err *err)
{
	const struct flags *f = s->f;
	const struct fot_config *c;
	int status;

	if (f->reading.last_context)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--last-context: samples are read in aligned windows");
	FOT_TRY(fot_path_open_model(&s->model, f->model, err));
	FOT_TRY(fot_reading_attach(s->model, f->mem_layers, &f->reading, err));
	if (!fot_model_tokenizer(s->model))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer, which samples need (tokenizer.model or tokenizer.json)", f->model);
	c = fot_model_config(s->model);
	FOT_TRY(fot_name_of_path(&s->name, f->model, "model", err));
	if (f->variant)
		FOT_TRY(fot_name_check(f->variant, "--variant", FOT_NAME_MAX, FOT_ERR_USAGE, err));
	s->sampler = (struct fot_sampler){ .model = s->model, .context_length = f->context_length, .shown = f->shown,
					   .variant = f->variant ? f->variant : c->variant[0] ? c->variant : s->name.data };
	FOT_TRY(fot_reading_opts(&s->sampler.opts, s->model, &f->reading, err));
	if (!fot_memory_keeps(s->sampler.opts.search))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--memory: expected dense or knn, %s reads without a memory", f->model);
	if (f->context_length <= s->sampler.opts.window)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--context-length: expected more than the local window of %d tokens",
				s->sampler.opts.window);
	s->sampler.opts.mem_max = fot_samples_memory(&s->sampler);
	status = fot_session_open(&s->sampler.session, s->model, &s->sampler.opts, err);
out:
	return status;
}

static int open_data(struct sampling *s, struct fot_err *err)
{
	struct fot_str notice = FOT_STR_INIT;
	int status;

	if (s->f->store)
		fot_str_puts(&s->store, s->f->store);
	else
		FOT_TRY(fot_store_default(&s->store));
	FOT_TRY(fot_str_check(&s->store, err));
	FOT_TRY(fot_dataset_open(&s->data, s->f->dataset, s->store.data, err));
	s->sampler.dataset = fot_dataset_name(s->data);
	fot_dataset_notice(&notice, s->data);
	if (notice.len && !notice.failed)
		fot_log(FOT_LOG_WARN, "%s: %s", s->sampler.dataset, notice.data);
out:
	fot_str_release(&notice);
	return status;
}

/* true in *taken: the document is long enough. */
static int sample_document(struct sampling *s, size_t document, bool *taken, struct fot_err *err)
{
	int64_t first = fot_samples_first(&s->sampler), drawn[MAX_POSITIONS];
	const int64_t *position = s->n_positions ? s->position : drawn;
	size_t n = s->n_positions;
	struct fot_ids ids = { 0 };
	int status;

	FOT_TRY(fot_dataset_tokens(s->data, document, fot_model_tokenizer(s->model), s->store.data, &ids, err));
	if (n == 0)
		n = fot_retrieval_positions(drawn, (size_t)s->f->queries, first, (int64_t)ids.n, (uint64_t)s->f->seed,
					    document);
	*taken = n > 0 && position[n - 1] < (int64_t)ids.n;
	if (*taken)
		status = fot_samples_document(&s->sampler, fot_dataset_at(s->data, document)->id, &ids, position, n,
					      &s->table, err);
out:
	fot_ids_release(&ids);
	return status;
}

static int sample_all(struct sampling *s, struct fot_err *err)
{
	int64_t n = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_dataset_count(s->data) && n < s->f->documents; i++) {
		bool taken = false;

		if (s->f->split != FOT_SPLIT_ALL && fot_dataset_at(s->data, i)->split != (enum fot_split)s->f->split)
			continue;
		fot_progress("samples: %lld of %lld documents, %s", (long long)n, (long long)s->f->documents,
			     fot_dataset_at(s->data, i)->id);
		FOT_TRY(sample_document(s, i, &taken, err));
		n += taken;
	}
	fot_progress_end();
	if (n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s: no document of the split has more than %lld tokens",
				  s->sampler.dataset,
				  (long long)(s->n_positions ? s->position[s->n_positions - 1] : fot_samples_first(&s->sampler)));
	else if (n < s->f->documents)
		fot_log(FOT_LOG_INFO, "samples: %lld documents of %lld asked for: the split has no more that are long enough",
			(long long)n, (long long)s->f->documents);
out:
	return status;
}

static int write_files(const struct sampling *s, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_map_check_all(err));
	FOT_TRY(fot_samples_print(&text, &s->table, err));
	FOT_TRY(fot_mkdir_all(s->f->output, err));
	fot_path_join(&path, s->f->output, "samples.csv");
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_table_write(&s->table, path.data, true, err));
	fot_str_clear(&path);
	fot_path_join(&path, s->f->output, "samples.md");
	FOT_TRY(fot_str_check(&path, err));
	status = fot_file_replace(path.data, text.data, text.len, err);
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

/* {"output": DIR, "samples": [the rows of samples.csv]} */
static int print_json(const struct sampling *s, struct fot_err *err)
{
	cJSON *root = cJSON_CreateObject(), *rows = NULL;
	struct fot_str text = FOT_STR_INIT;
	int status;

	if (root && cJSON_AddStringToObject(root, "output", s->f->output))
		rows = cJSON_AddArrayToObject(root, "samples");
	for (size_t row = 0; row < s->table.n_rows && rows; row++) {
		cJSON *o = fot_table_row_json(&s->table, row, false);

		if (!o || !cJSON_AddItemToArray(rows, o)) {
			cJSON_Delete(o);
			rows = NULL;
		}
	}
	status = rows ? fot_json_print(&text, root, 1, err) : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	if (status == FOT_OK)
		puts(text.data);
	fot_str_release(&text);
	cJSON_Delete(root);
	return status == FOT_OK ? fot_flush_stdout(err) : status;
}

static int samples(const struct flags *f, struct fot_err *err)
{
	struct sampling *s = fot_calloc(1, sizeof *s);
	int status;

	if (!s)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	s->f = f;
	fot_table_init(&s->table, &fot_schema_samples);
	FOT_TRY(open_model(s, err));
	if (f->positions)
		FOT_TRY(read_positions(s, f->positions, err));
	FOT_TRY(open_data(s, err));
	FOT_TRY(sample_all(s, err));
	FOT_TRY(write_files(s, err));
	fot_log(FOT_LOG_INFO, "samples: %zu rows in %s/samples.csv and samples.md", s->table.n_rows, f->output);
	if (f->json)
		status = print_json(s, err);
out:
	fot_table_release(&s->table);
	fot_session_close(s->sampler.session);
	if (s->data)
		fot_dataset_close(s->data);
	if (s->model)
		fot_model_close(s->model);
	fot_str_release(&s->store);
	fot_str_release(&s->name);
	fot_free(s);
	return status;
}

int fot_cmd_samples(int argc, char **argv)
{
	static const char *const splits[] = { "train", "valid", "test", "all", NULL };
	struct flags f = { .split = FOT_TEST, .context_length = 8192, .documents = 2, .queries = 4,
			   .shown = 3, .seed = 1 };
	struct fot_option options[] = {
		FOT_COMMON_MODEL(&f.model, true),
		{ .name = "variant", .type = FOT_OPTION_TEXT, .value = &f.variant, .arg = "NAME",
		  .help = "the model's variant in the results (default: the model's)" },
		{ .name = "dataset", .letter = 'd', .type = FOT_OPTION_TEXT, .value = &f.dataset, .arg = "NAME",
		  .required = true, .help = "a dataset by name, folder of .txt or .jsonl" },
		{ .name = "split", .type = FOT_OPTION_CHOICE, .value = &f.split, .choices = splits,
		  .help = "documents to choose from" },
		{ .name = "context-length", .type = FOT_OPTION_SIZE, .value = &f.context_length, .lo = 2, .hi = 1e12,
		  .arg = "L", .help = "local window plus memory, in tokens" },
		{ .name = "documents", .type = FOT_OPTION_SIZE, .value = &f.documents, .lo = 1, .hi = 1e6, .arg = "N",
		  .help = "documents, the first of the split that are long enough" },
		{ .name = "queries", .type = FOT_OPTION_SIZE, .value = &f.queries, .lo = 1, .hi = MAX_POSITIONS, .arg = "N",
		  .help = "query tokens drawn per document" },
		{ .name = "positions", .type = FOT_OPTION_TEXT, .value = &f.positions, .arg = "LIST",
		  .help = "these query tokens of each document instead, counted from 0" },
		{ .name = "retrieved", .type = FOT_OPTION_SIZE, .value = &f.shown, .lo = 1, .hi = 1 << 20, .arg = "N",
		  .help = "retrieved tokens shown per query and head" },
		{ .name = "seed", .type = FOT_OPTION_INT, .value = &f.seed, .lo = 0, .hi = 9007199254740991.0, .arg = "S",
		  .help = "seed of the query tokens" },
		FOT_COMMON_OUTPUT(&f.output, true),
		FOT_COMMON_STORE(&f.store),
		READING_OPTIONS(&f.reading, &f.mem_layers),
		FOT_COMMON_QUIET(&f.quiet),
		FOT_COMMON_JSON(&f.json),
		FOT_COMMON_PROGRESS(&f.progress),
	};
	struct fot_options o = {
		.command = "samples",
		.usage = "samples -m DIR -d DATASET -o DIR [options]",
		.about = "What the memory's queries retrieve: for query tokens of held-out documents, the tokens with the most\n"
			 "attention mass in their text, the share of the mass that is on retrieved keys (kNN score) and how much\n"
			 "of it stays on one key among its neighbours (focus score), per memory layer and head.",
		.option = options,
		.n = FOT_COUNT(options),
	};
	struct fot_err err = { 0 };
	int status;

	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	fot_command_begin(f.quiet, f.progress);
	status = samples(&f, &err);
	return status == FOT_OK ? status : fot_command_failed("samples", &err);
}
