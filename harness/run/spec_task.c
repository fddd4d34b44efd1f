/* spec_task.c: see spec_task.h.
 *
 * One table says how each key is read and written; a task's class names the keys it has. */
#include "harness/run/spec_task.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/run/task_class.h"
#include "tasks/fewshot.h"
#include "tasks/passkey.h"

#define MAX_AXIS 100000
#define MAX_TOKENS ((int64_t)1 << 40)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const split_names[] = { "train", "valid", "test", "all" };

const char *fot_spec_split_name(enum fot_split split)
{
	return split_names[split];
}

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

/* --- readers --- */

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int read_lengths(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			const struct fot_spec_reader *r)
{
	struct fot_lengths lengths = { 0 };
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "context_lengths", &entry, &n, ctx, r->err));
	for (; entry; entry = entry->next) {
		if (!fot_spec_length(&lengths, entry)) {
			status = FOT_FAIL(
				r->err, FOT_ERR_USAGE,
				"%s: context_lengths: expected sizes such as 512, \"8k\" or \"2k-32k*2\"",
				ctx->where);
			goto out;
		}
	}
	qsort(lengths.at, lengths.n, sizeof *lengths.at, ascending);
	for (size_t i = 1; i < lengths.n; i++) {
		if (lengths.at[i] != lengths.at[i - 1])
			continue;
		status = FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: context_lengths: %lld stands twice", ctx->where,
				  (long long)lengths.at[i]);
		goto out;
	}
	t->context_length = lengths.at;
	t->n_lengths = lengths.n;
	lengths.at = NULL;
out:
	fot_lengths_release(&lengths);
	return status;
}

/* A dataset is a path when it looks like one; names are left alone. */
static bool is_path(const char *dataset)
{
	size_t n = strlen(dataset);

	return strchr(dataset, '/') || (n > 6 && strcmp(dataset + n - 6, ".jsonl") == 0);
}

static int read_datasets(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			 const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "datasets", &entry, &n, ctx, r->err));
	t->dataset = fot_calloc(n, sizeof *t->dataset);
	t->dataset_written = fot_calloc(n, sizeof *t->dataset_written);
	if (!t->dataset || !t->dataset_written)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		if (!cJSON_IsString(entry) || !*entry->valuestring)
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: datasets: expected texts", ctx->where);
		if (find_name((const char *const *)t->dataset_written, t->n_datasets, entry->valuestring) >= 0)
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: datasets: \"%.80s\" stands twice",
					ctx->where, entry->valuestring);
		t->dataset[t->n_datasets] = is_path(entry->valuestring) ?
						    fot_spec_resolve(entry->valuestring, r->base_dir) :
						    fot_strdup(entry->valuestring);
		t->dataset_written[t->n_datasets] = fot_strdup(entry->valuestring);
		t->n_datasets++;
		if (!t->dataset[t->n_datasets - 1] || !t->dataset_written[t->n_datasets - 1])
			return fot_spec_no_memory(r);
	}
out:
	return status;
}

/* A name out of a list, with the nearest one in the message. */
static int read_choice(int *out, const cJSON *obj, const char *key, bool required, const char *const *names,
		       size_t n, const struct fot_json_ctx *ctx, const struct fot_spec_reader *r)
{
	const char *text = NULL, *near;
	int status = fot_json_string(obj, key, required, &text, ctx, r->err), i;

	if (status != FOT_OK || !text)
		return status;
	i = find_name(names, n, text);
	near = fot_nearest(text, names, n);
	if (i < 0)
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: %s: unknown \"%.60s\"; did you mean \"%s\"?",
				ctx->where, key, text, near ? near : names[0]);
	*out = i;
	return FOT_OK;
}


static int read_split(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		      const struct fot_spec_reader *r)
{
	int split = (int)t->split, status;

	FOT_TRY(read_choice(&split, node, "split", false, split_names, COUNT(split_names), ctx, r));
	t->split = (enum fot_split)split;
out:
	return status;
}

static int read_target_tokens(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			      const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "target_tokens", 1, MAX_TOKENS, &t->target_tokens, ctx, r->err);
}

static int read_own_tokens(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			   const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "own_tokens", 1, MAX_TOKENS, &t->own_tokens, ctx, r->err);
}

static int read_targets_from(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			     const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "targets_from", 1, MAX_TOKENS, &t->targets_from, ctx, r->err);
}

static int read_documents(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			  const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "documents", 1, MAX_TOKENS, &t->max_documents, ctx, r->err);
}

static int read_trials(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		       const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "trials", 1, MAX_AXIS, &t->trials, ctx, r->err);
}

static int read_question_tokens(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
				const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "question_tokens", 1, 1 << 24, &t->question_tokens, ctx, r->err);
}

static int ascending_real(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int read_depths(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		       const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "depths", &entry, &n, ctx, r->err));
	fot_free(t->depth);
	t->n_depths = 0;
	t->depth = fot_calloc(n, sizeof *t->depth);
	if (!t->depth)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		if (!cJSON_IsNumber(entry) || !(entry->valuedouble >= 0 && entry->valuedouble <= 1))
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: depths: expected numbers from 0 to 1", ctx->where);
		t->depth[t->n_depths++] = entry->valuedouble + 0.0; /* no -0 */
	}
	qsort(t->depth, t->n_depths, sizeof *t->depth, ascending_real);
	for (size_t i = 1; i < t->n_depths; i++)
		if (t->depth[i] <= t->depth[i - 1])
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: depths: %g stands twice", ctx->where, t->depth[i]);
out:
	return status;
}

static int read_styles(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		       const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "prompt_styles", &entry, &n, ctx, r->err));
	fot_free(t->style);
	t->n_styles = 0;
	t->style = fot_calloc(n, sizeof *t->style);
	if (!t->style)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		enum fot_passkey_style style;

		if (!cJSON_IsString(entry) || !fot_passkey_style_of(&style, entry->valuestring))
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: prompt_styles: expected paper, text or decoys",
					ctx->where);
		for (size_t i = 0; i < t->n_styles; i++)
			if (t->style[i] == (int)style)
				return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: prompt_styles: \"%s\" stands twice",
						ctx->where, entry->valuestring);
		t->style[t->n_styles++] = (int)style;
	}
out:
	return status;
}

static int read_shots(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		      const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "shots", &entry, &n, ctx, r->err));
	fot_free(t->shots);
	t->n_shots = 0;
	t->shots = fot_calloc(n, sizeof *t->shots);
	if (!t->shots)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		int64_t shots = -1;
		bool text = cJSON_IsString(entry), fill = text && strcmp(entry->valuestring, "fill") == 0;
		bool good = text ? fill || fot_parse_size(entry->valuestring, &shots) :
				   fot_json_as_i64(entry, 0, 1 << 24, &shots, ctx, NULL) == FOT_OK;

		if (!good || (!fill && (shots < 0 || shots > 1 << 24)))
			return FOT_FAIL(r->err, FOT_ERR_USAGE,
					"%s: shots: expected numbers of demonstrations, 0 to 2^24, or \"fill\"", ctx->where);
		t->shots[t->n_shots++] = fill ? FOT_FEWSHOT_FILL : shots;
	}
	qsort(t->shots, t->n_shots, sizeof *t->shots, ascending);
	for (size_t i = 1; i < t->n_shots; i++)
		if (t->shots[i] == FOT_FEWSHOT_FILL)
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: shots: \"fill\" stands twice", ctx->where);
		else if (t->shots[i] == t->shots[i - 1])
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: shots: %lld stands twice", ctx->where,
					(long long)t->shots[i]);
out:
	return status;
}

static int read_demo_seeds(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			   const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "demo_seeds", 1, MAX_AXIS, &t->demo_seeds, ctx, r->err);
}

static int read_test_items(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			   const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "test_items", 1, MAX_TOKENS, &t->test_items, ctx, r->err);
}

static int read_answer_tokens(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			      const struct fot_spec_reader *r)
{
	return fot_spec_size(node, "answer_tokens", 1, 1 << 20, &t->answer_tokens, ctx, r->err);
}

static int read_template(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			 const struct fot_spec_reader *r)
{
	const char *path = NULL;
	int status;

	FOT_TRY(fot_json_string(node, "template", false, &path, ctx, r->err));
	if (!path)
		return FOT_OK;
	t->template = fot_spec_resolve(path, r->base_dir);
	t->template_written = fot_strdup(path);
	if (!t->template || !t->template_written)
		return fot_spec_no_memory(r);
out:
	return status;
}

static int read_scoring(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			const struct fot_spec_reader *r)
{
	return read_choice(&t->scoring, node, "scoring", false, fot_fewshot_score_name, FOT_FEWSHOT_SCORES, ctx, r);
}

static int read_balanced(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			 const struct fot_spec_reader *r)
{
	return fot_json_bool(node, "balanced", false, &t->balanced, ctx, r->err);
}

static int read_repeat_demos(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			     const struct fot_spec_reader *r)
{
	return fot_json_bool(node, "repeat_demos", false, &t->repeat_demos, ctx, r->err);
}

static int read_contexts(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
			 const struct fot_spec_reader *r)
{
	const cJSON *entry = NULL;
	size_t n;
	int status;

	FOT_TRY(fot_spec_list(node, "n_contexts", &entry, &n, ctx, r->err));
	t->contexts = fot_calloc(n, sizeof *t->contexts);
	if (!t->contexts)
		return fot_spec_no_memory(r);
	for (; entry; entry = entry->next) {
		int64_t d = 0;
		bool good = cJSON_IsString(entry) ? fot_parse_size(entry->valuestring, &d) :
						    fot_json_as_i64(entry, 0, MAX_AXIS, &d, ctx, NULL) == FOT_OK;

		if (!good || d < 1 || d > MAX_AXIS)
			return FOT_FAIL(r->err, FOT_ERR_USAGE,
					"%s: n_contexts: expected numbers of documents in sight, 1 to %d", ctx->where, MAX_AXIS);
		t->contexts[t->n_contexts++] = d;
	}
	qsort(t->contexts, t->n_contexts, sizeof *t->contexts, ascending);
	for (size_t i = 1; i < t->n_contexts; i++)
		if (t->contexts[i] == t->contexts[i - 1])
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: n_contexts: %lld stands twice", ctx->where,
					(long long)t->contexts[i]);
out:
	return status;
}

/* --- writers --- */

static bool add_lengths(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "context_lengths");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_lengths && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)t->context_length[i]));
	return good;
}

static bool add_datasets(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "datasets");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_datasets && good; i++)
		good = cJSON_AddItemToArray(
			list, cJSON_CreateString(t->dataset_written ? t->dataset_written[i] : t->dataset[i]));
	return good;
}

static bool add_split(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddStringToObject(o, "split", fot_spec_split_name(t->split));
}

static bool add_target_tokens(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "target_tokens", (double)t->target_tokens);
}

/* Only where it is: specs without keep their hash. */
static bool add_own_tokens(cJSON *o, const struct fot_task_spec *t)
{
	return !t->own_tokens || cJSON_AddNumberToObject(o, "own_tokens", (double)t->own_tokens);
}

/* Only where it is: specs without keep their hash. */
static bool add_targets_from(cJSON *o, const struct fot_task_spec *t)
{
	return !t->targets_from || cJSON_AddNumberToObject(o, "targets_from", (double)t->targets_from);
}

static bool add_documents(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "documents", (double)t->max_documents);
}

static bool add_trials(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "trials", (double)t->trials);
}

static bool add_question_tokens(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "question_tokens", (double)t->question_tokens);
}

static bool add_depths(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "depths");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_depths && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateNumber(t->depth[i]));
	return good;
}

static bool add_styles(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "prompt_styles");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_styles && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateString(fot_passkey_style_name[t->style[i]]));
	return good;
}

static bool add_shots(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "shots");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_shots && good; i++)
		good = cJSON_AddItemToArray(list, t->shots[i] == FOT_FEWSHOT_FILL ?
							  cJSON_CreateString("fill") :
							  cJSON_CreateNumber((double)t->shots[i]));
	return good;
}

static bool add_demo_seeds(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "demo_seeds", (double)t->demo_seeds);
}

static bool add_test_items(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "test_items", (double)t->test_items);
}

static bool add_answer_tokens(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddNumberToObject(o, "answer_tokens", (double)t->answer_tokens);
}

/* As written: its contents are in the plan's identity. */
static bool add_template(cJSON *o, const struct fot_task_spec *t)
{
	return !t->template || cJSON_AddStringToObject(o, "template", t->template_written);
}

static bool add_scoring(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddStringToObject(o, "scoring", fot_fewshot_score_name[t->scoring]);
}

static bool add_balanced(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddBoolToObject(o, "balanced", t->balanced);
}

static bool add_repeat_demos(cJSON *o, const struct fot_task_spec *t)
{
	return cJSON_AddBoolToObject(o, "repeat_demos", t->repeat_demos);
}

static bool add_contexts(cJSON *o, const struct fot_task_spec *t)
{
	cJSON *list = cJSON_AddArrayToObject(o, "n_contexts");
	bool good = list != NULL;

	for (size_t i = 0; i < t->n_contexts && good; i++)
		good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)t->contexts[i]));
	return good;
}

/* --- the keys --- */

static const struct {
	const char *name;
	int (*read)(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		    const struct fot_spec_reader *r);
	bool (*add)(cJSON *o, const struct fot_task_spec *t);
} key_table[] = {
	{ "datasets", read_datasets, add_datasets },
	{ "split", read_split, add_split },
	{ "context_lengths", read_lengths, add_lengths },
	{ "target_tokens", read_target_tokens, add_target_tokens },
	{ "own_tokens", read_own_tokens, add_own_tokens },
	{ "targets_from", read_targets_from, add_targets_from },
	{ "documents", read_documents, add_documents },
	{ "depths", read_depths, add_depths },
	{ "prompt_styles", read_styles, add_styles },
	{ "trials", read_trials, add_trials },
	{ "question_tokens", read_question_tokens, add_question_tokens },
	{ "shots", read_shots, add_shots },
	{ "demo_seeds", read_demo_seeds, add_demo_seeds },
	{ "test_items", read_test_items, add_test_items },
	{ "template", read_template, add_template },
	{ "scoring", read_scoring, add_scoring },
	{ "balanced", read_balanced, add_balanced },
	{ "repeat_demos", read_repeat_demos, add_repeat_demos },
	{ "answer_tokens", read_answer_tokens, add_answer_tokens },
	{ "n_contexts", read_contexts, add_contexts },
};

static int read_class(struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		      const struct fot_spec_reader *r)
{
	const char *names[16];
	int i = 0, status;

	for (size_t k = 0; k < fot_n_task_classes && k < COUNT(names); k++)
		names[k] = fot_task_classes[k]->name;
	FOT_TRY(read_choice(&i, node, "task", true, names, fot_n_task_classes, ctx, r));
	t->class = fot_task_classes[i];
out:
	return status;
}

static int check_keys(const struct fot_task_spec *t, const cJSON *node, const struct fot_json_ctx *ctx,
		      const struct fot_spec_reader *r)
{
	const char *known[COUNT(key_table) + 1] = { "task" };
	int status;

	for (size_t i = 0; i < t->class->n_keys; i++)
		known[i + 1] = t->class->keys[i];
	FOT_TRY(fot_json_known(node, ctx->where, known, t->class->n_keys + 1, FOT_ERR_USAGE, r->err));
	for (size_t i = 0; i < t->class->n_required; i++)
		if (!fot_json_get(node, t->class->keys[i]))
			return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: %s: missing", ctx->where, t->class->keys[i]);
out:
	return status;
}

int fot_spec_task_read(struct fot_task_spec *t, const cJSON *node, const char *where,
		       const struct fot_spec_reader *r)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status;

	if (!cJSON_IsObject(node))
		return FOT_FAIL(r->err, FOT_ERR_USAGE, "%s: expected an object", where);
	t->split = FOT_TEST;
	FOT_TRY(read_class(t, node, &ctx, r));
	FOT_TRY(check_keys(t, node, &ctx, r));
	for (size_t i = 0; i < COUNT(key_table); i++)
		if (fot_json_get(node, key_table[i].name))
			FOT_TRY(key_table[i].read(t, node, &ctx, r));
	status = t->class->complete(t, where, r->err);
out:
	return status;
}

/* In the order of the table, so that the order in the file does not matter. */
bool fot_spec_task_print(cJSON *list, const struct fot_task_spec *t)
{
	cJSON *o = cJSON_CreateObject();
	bool good = o && cJSON_AddItemToArray(list, o);

	if (!good) {
		cJSON_Delete(o);
		return false;
	}
	good = cJSON_AddStringToObject(o, "task", t->class->name) != NULL;
	for (size_t i = 0; i < COUNT(key_table) && good; i++)
		if (find_name(t->class->keys, t->class->n_keys, key_table[i].name) >= 0 &&
		    (key_table[i].add != add_datasets || t->n_datasets))
			good = key_table[i].add(o, t);
	return good;
}

void fot_spec_task_release(struct fot_task_spec *t)
{
	for (size_t k = 0; k < t->n_datasets; k++) {
		fot_free(t->dataset[k]);
		if (t->dataset_written)
			fot_free(t->dataset_written[k]);
	}
	fot_free(t->dataset);
	fot_free(t->dataset_written);
	fot_free(t->context_length);
	fot_free(t->depth);
	fot_free(t->style);
	fot_free(t->shots);
	fot_free(t->contexts);
	fot_free(t->template);
	fot_free(t->template_written);
}
