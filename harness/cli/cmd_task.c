/* cmd_task.c: see cmd_task.h.
 *
 * One table holds the flags of all tasks with the spec key each stands for; a command
 * takes those that its task's class knows.  A flag that is not given leaves its key out, so
 * that defaults stand in one place, the class. */
#include "harness/cli/cmd_task.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/run/runner.h"
#include "harness/run/task_class.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const dtype_names[] = { "model", "f32", "bf16", NULL };

/* What every task has. */
struct flags {
	struct fot_texts models, variants;
	const char *memory, *mem_layers, *name;
	int64_t top_k, window, seed;
	double mem_scale, mem_decay;
	int mem_dtype;
};

enum value_kind { LIST, NUMBERS, NAME, SIZE, FLAG }; /* comma-separated texts or numbers, a text, a size */

struct task_flag {
	const char *key; /* of the spec */
	enum value_kind kind;
	struct fot_option option;
};

static const struct task_flag task_flags[] = {
	{ "datasets", LIST,
	  { .name = "dataset", .letter = 'd', .arg = "LIST",
	    .help = "datasets by name, folder of .txt or .jsonl, with commas between" } },
	{ "split", NAME, { .name = "split", .arg = "NAME", .help = "train, valid, test or all [test]" } },
	{ "context_lengths", LIST,
	  { .name = "context-lengths", .arg = "LIST", .help = "such as 512,2k,8k or 2k-256k*2" } },
	{ "target_tokens", SIZE,
	  { .name = "target-tokens", .arg = "N", .help = "tokens scored per document; distraction: that ask [8192]" } },
	{ "documents", SIZE, { .name = "documents", .arg = "N", .help = "documents per dataset [8]" } },
	{ "depths", NUMBERS, { .name = "depths", .arg = "LIST", .help = "places of the key, 0 to 1 [0,0.1,...,1]" } },
	{ "prompt_styles", LIST,
	  { .name = "prompt-styles", .arg = "LIST", .help = "filler: paper, text, decoys [paper]" } },
	{ "trials", SIZE, { .name = "trials", .arg = "N", .help = "repetitions with other keys [5] or dictionaries [10]" } },
	{ "question_tokens", SIZE,
	  { .name = "question-tokens", .arg = "N", .help = "tokens of questions per dictionary [256]" } },
	{ "shots", LIST,
	  { .name = "shots", .arg = "LIST", .help = "demonstrations: numbers, fill [0,1,2,4,8,16]" } },
	{ "demo_seeds", SIZE, { .name = "demo-seeds", .arg = "N", .help = "orders of demonstrations [20]" } },
	{ "test_items", SIZE, { .name = "items", .arg = "N", .help = "test items per set [500]" } },
	{ "template", NAME,
	  { .name = "template", .arg = "FILE", .help = "wording of prompts [datasets/templates, by the set's name]" } },
	{ "scoring", NAME, { .name = "scoring", .arg = "NAME", .help = "raw, per-token or content-free [raw]" } },
	{ "balanced", FLAG, { .name = "balanced", .help = "demonstrations: every label once in each round" } },
	{ "own_tokens", SIZE,
	  { .name = "own-tokens", .arg = "N",
	    .help = "multi-doc: memory of the document itself, the rest is of others [all is its own]" } },
	{ "targets_from", SIZE,
	  { .name = "targets-from", .arg = "L",
	    .help = "score the tokens that a run with the longest context L scores [the longest here]" } },
	{ "repeat_demos", FLAG,
	  { .name = "repeat-demos", .help = "go round again where there are fewer demonstrations than shots" } },
	{ "answer_tokens", SIZE,
	  { .name = "answer-tokens", .arg = "N", .help = "tokens to generate, sets with answers [32]" } },
	{ "n_contexts", LIST,
	  { .name = "n-contexts", .arg = "LIST", .help = "documents in sight, the own one included [1,2,4,8,16,32,64]" } },
};
#define N_TASK_FLAGS COUNT(task_flags)

/* Values of the task's flags, in the order of the table. */
struct task_values {
	const char *text[N_TASK_FLAGS];
	int64_t size[N_TASK_FLAGS];
	bool flag[N_TASK_FLAGS];
};

/* --- the spec --- */

static cJSON *number_of(const char *text)
{
	double x;

	return fot_parse_double(text, &x) ? cJSON_CreateNumber(x) : cJSON_CreateString(text);
}

/* Each comma-separated part of text to the end of a JSON list. */
static bool add_parts(cJSON *list, const char *text, bool numbers)
{
	char *copy = fot_strdup(text), *rest = copy, *part;
	bool good = copy != NULL && list != NULL;

	while (good && (part = strsep(&rest, ",")))
		good = cJSON_AddItemToArray(list, numbers ? number_of(part) : cJSON_CreateString(part));
	fot_free(copy);
	return good;
}

/* As none, dense and knn objects. */
static bool add_memories(cJSON *list, const struct flags *f)
{
	char *copy = fot_strdup(f->memory), *rest = copy, *part;
	bool good = copy != NULL && list != NULL;

	while (good && (part = strsep(&rest, ","))) {
		cJSON *o = cJSON_CreateObject();

		good = o && cJSON_AddItemToArray(list, o) && cJSON_AddStringToObject(o, "mode", part);
		if (good && f->top_k && strcmp(part, "knn") == 0)
			good = cJSON_AddNumberToObject(o, "top_k", (double)f->top_k);
		if (good && f->mem_dtype && strcmp(part, "none") != 0 && strcmp(part, "xl") != 0)
			good = cJSON_AddStringToObject(o, "mem_dtype", dtype_names[f->mem_dtype]);
	}
	fot_free(copy);
	return good;
}

static bool add_models(cJSON *root, const struct flags *f)
{
	cJSON *list = cJSON_AddArrayToObject(root, "models");
	bool good = list != NULL;

	for (size_t i = 0; i < f->models.n && good; i++) {
		cJSON *o = cJSON_CreateObject();

		good = o && cJSON_AddItemToArray(list, o) && cJSON_AddStringToObject(o, "path", f->models.at[i]) &&
		       (i >= f->variants.n || cJSON_AddStringToObject(o, "variant", f->variants.at[i])) &&
		       (!f->mem_layers || add_parts(cJSON_AddArrayToObject(o, "mem_layers"), f->mem_layers, true)) &&
		       (f->mem_scale == 0 || cJSON_AddNumberToObject(o, "mem_scale", f->mem_scale)) &&
		       (f->mem_decay == 0 || cJSON_AddNumberToObject(o, "mem_decay", f->mem_decay)) &&
		       add_memories(cJSON_AddArrayToObject(o, "memory"), f);
	}
	return good;
}

static bool add_value(cJSON *task, size_t i, const struct task_values *v)
{
	const struct task_flag *f = &task_flags[i];

	if (f->kind == SIZE)
		return !v->size[i] || cJSON_AddNumberToObject(task, f->key, (double)v->size[i]);
	if (f->kind == FLAG)
		return !v->flag[i] || cJSON_AddBoolToObject(task, f->key, true);
	if (!v->text[i])
		return true;
	if (f->kind == NAME)
		return cJSON_AddStringToObject(task, f->key, v->text[i]);
	return add_parts(cJSON_AddArrayToObject(task, f->key), v->text[i], f->kind == NUMBERS);
}

static cJSON *flags_spec(const struct fot_task_class *class, const struct flags *f, const struct task_values *v)
{
	cJSON *root = cJSON_CreateObject(), *task = cJSON_CreateObject(), *tasks;
	bool good = root && task && cJSON_AddStringToObject(root, "name", f->name) &&
		    cJSON_AddNumberToObject(root, "seed", (double)f->seed) &&
		    cJSON_AddNumberToObject(root, "window", (double)f->window) && add_models(root, f);

	tasks = good ? cJSON_AddArrayToObject(root, "tasks") : NULL;
	good = tasks && cJSON_AddItemToArray(tasks, task);
	if (!good)
		cJSON_Delete(task);
	good = good && cJSON_AddStringToObject(task, "task", class->name);
	for (size_t i = 0; i < N_TASK_FLAGS && good; i++)
		good = add_value(task, i, v);
	if (good)
		return root;
	cJSON_Delete(root);
	return NULL;
}

/* --- flags that would do nothing --- */

/* Is there a memory of this name (NULL: of any) in the list? */
static bool lists_memory(const char *list, const char *name)
{
	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t n = strcspn(at, ",");
		const char *word = name ? name : "none";

		if ((strlen(word) == n && memcmp(at, word, n) == 0) == (name != NULL))
			return true;
	}
	return false;
}

static int check_models(const struct flags *f, struct fot_err *err)
{
	if (f->variants.n > f->models.n)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--variant: expected one for each model at most, got %zu for %zu",
				f->variants.n, f->models.n);
	if (f->top_k && !lists_memory(f->memory, "knn"))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--top-k: expected knn among --memory, got \"%.80s\"", f->memory);
	if (f->mem_dtype && !lists_memory(f->memory, NULL))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--mem-dtype: expected a memory, got --memory \"%.80s\"", f->memory);
	return FOT_OK;
}

static int check_store(const struct fot_run_flags *c, const struct fot_task_spec *t, struct fot_err *err)
{
	if (!c->store || t->n_datasets)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "--store: no dataset is read here");
}

/* --- the command --- */

static int key_place(const struct fot_task_class *class, const char *key)
{
	for (size_t i = 0; i < class->n_keys; i++)
		if (strcmp(class->keys[i], key) == 0)
			return (int)i;
	return -1;
}

/* Append the options of the class's keys; returns how many there are then. */
static size_t add_task_options(struct fot_option *to, size_t n, const struct fot_task_class *class,
			       struct task_values *v)
{
	for (size_t i = 0; i < N_TASK_FLAGS; i++) {
		int place = key_place(class, task_flags[i].key);

		if (place < 0)
			continue;
		to[n] = task_flags[i].option;
		to[n].required = (size_t)place < class->n_required;
		to[n].type = task_flags[i].kind == SIZE ? FOT_OPTION_SIZE :
			     task_flags[i].kind == FLAG ? FOT_OPTION_FLAG :
							  FOT_OPTION_TEXT;
		to[n].value = task_flags[i].kind == SIZE ? (void *)&v->size[i] :
			      task_flags[i].kind == FLAG ? (void *)&v->flag[i] :
							   (void *)&v->text[i];
		to[n].lo = 1;
		to[n].hi = 1e12;
		n++;
	}
	return n;
}

#define MODEL_OPTIONS(f)                                                                                             \
	FOT_COMMON_MODELS(&(f)->models),                                                                              \
		{ .name = "variant", .type = FOT_OPTION_TEXTS, .value = &(f)->variants, .arg = "NAME",                \
		  .help = "name of the n-th model's variant in the results" },                                        \
		{ .name = "memory", .type = FOT_OPTION_TEXT, .value = &(f)->memory, .arg = "LIST",                    \
		  .help = "none, dense, knn, knn:K, xl" },                                                                \
		{ .name = "top-k", .type = FOT_OPTION_INT, .value = &(f)->top_k, .lo = 1, .hi = 2147483647,           \
		  .arg = "K", .help = "keys per query and head with knn (default: the model's)" },                    \
		{ .name = "mem-dtype", .type = FOT_OPTION_CHOICE, .value = &(f)->mem_dtype, .choices = dtype_names,   \
		  .help = "type of stored keys and values" },                                                         \
		{ .name = "mem-layers", .type = FOT_OPTION_TEXT, .value = &(f)->mem_layers, .arg = "LIST",            \
		  .help = "layers with a memory, such as 6,12,18 (default: the model's)" },                           \
		{ .name = "mem-scale", .type = FOT_OPTION_REAL, .value = &(f)->mem_scale,                             \
		  .lo = FOT_MEM_SCALE_LEAST, .hi = FOT_MEM_SCALE_MOST, .arg = "X",                                    \
		  .help = "factor of the attention scores of memory keys, with --variant (default: the model's)" },   \
		{ .name = "mem-decay", .type = FOT_OPTION_REAL, .value = &(f)->mem_decay, .lo = 0,                    \
		  .hi = FOT_MEM_DECAY_MOST, .arg = "X",                                                               \
		  .help = "older memory keys weigh less, (1 + age / W)^-X; with --variant" },                           \
		{ .name = "window", .type = FOT_OPTION_SIZE, .value = &(f)->window, .lo = 1, .hi = 1 << 24,           \
		  .arg = "W", .help = "local window (default: the model's)" },                                        \
		{ .name = "seed", .type = FOT_OPTION_INT, .value = &(f)->seed, .lo = 0, .hi = 9007199254740991.0,     \
		  .arg = "S", .help = "seed of everything that is drawn" },                                           \
		{ .name = "name", .type = FOT_OPTION_TEXT, .value = &(f)->name, .arg = "TEXT",                        \
		  .help = "title of the run" }

static int run_task(const struct fot_task_class *class, const char *usage, const char *about, int argc, char **argv)
{
	struct fot_run_flags c = { 0 };
	struct flags f = { .memory = "none", .name = class->name, .seed = 1 };
	struct task_values v = { 0 };
	struct fot_option shared[] = { MODEL_OPTIONS(&f), FOT_RUN_OPTIONS(&c) };
	struct fot_option options[COUNT(shared) + N_TASK_FLAGS];
	struct fot_options o = { .command = class->name, .usage = usage, .about = about, .option = options };
	struct fot_spec spec = { 0 };
	struct fot_err err = { 0 };
	cJSON *root = NULL;
	int status;

	memcpy(options, shared, sizeof shared);
	o.n = add_task_options(options, COUNT(shared), class, &v);
	if (fot_options_answered(&o, argc, argv, &status))
		return status;
	FOT_TRY(fot_run_flags_check(&c, &err));
	FOT_TRY(check_models(&f, &err));
	root = flags_spec(class, &f, &v);
	if (!root) {
		status = FOT_FAIL(&err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	FOT_TRY(fot_spec_parse(&spec, root, "command line", NULL, &err));
	FOT_TRY(check_store(&c, &spec.task[0], &err));
	status = fot_run_spec(&spec, &c, NULL, argc, argv, &err);
out:
	cJSON_Delete(root);
	fot_spec_release(&spec);
	return fot_run_ended(class->name, status, &err);
}

int fot_cmd_perplexity(int argc, char **argv)
{
	return run_task(&fot_task_perplexity, "perplexity -m DIR -d DATASETS --context-lengths LIST -o DIR [options]",
			"Perplexity against context length: the same target tokens are scored at every length, each seeing\n"
			"its local window and the memory of the tokens before it. The longest length places the targets: give a\n"
			"run with shorter lengths --targets-from L to pair it with one whose longest is L.",
			argc, argv);
}

int fot_cmd_passkey(int argc, char **argv)
{
	return run_task(&fot_task_passkey, "passkey -m DIR --context-lengths LIST -o DIR [options]",
			"Find a number in a long text: prompts of exactly so many tokens, the key at every depth, in the\n"
			"paper's filler, in prose, or among other numbers in the same words.",
			argc, argv);
}

int fot_cmd_lookup(int argc, char **argv)
{
	return run_task(&fot_task_lookup, "lookup -m DIR --context-lengths LIST -o DIR [options]",
			"Questions about a long dictionary of random records, for models of 64 ids that were trained on it.",
			argc, argv);
}

int fot_cmd_fewshot(int argc, char **argv)
{
	return run_task(&fot_task_fewshot, "fewshot -m DIR -d SETS --context-lengths LIST -o DIR [options]",
			"Classification, or answers, from demonstrations in the prompt: labelled sets (wordnet, fortunes,\n"
			"files .label, .json, .jsonl, .csv or folders of them, such as trec?labels=fine), growing numbers of\n"
			"demonstrations, several orders of them.",
			argc, argv);
}

int fot_cmd_distraction(int argc, char **argv)
{
	return run_task(&fot_task_distraction, "distraction -m DIR -d DATASETS --memory dense -o DIR [options]",
			"Attention mass on the own document: with the window before in the memory, and windows of d - 1 other\n"
			"documents of the dataset beside it, the share of the mass on them that falls on the own one, per memory\n"
			"layer and head. Attention that does not tell documents apart gives 1/d.",
			argc, argv);
}
