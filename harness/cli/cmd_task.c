/* cmd_task.c: see commands.h.
 *
 * The flags of a command are the keys of the spec that have one: those of the top level, of models, of their
 * memory, and of the task's class.  A flag that is not given leaves its key out, so that defaults stand in one
 * place, the table. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/labelled.h"
#include "harness/cli/runner.h"
#include "harness/options/commands.h"
#include "harness/plan/spec_keys.h"
#include "harness/plan/task_class.h"
#include "model/memory.h"

/* One key with the value of its flag. */
struct value {
	const struct fot_key *key;
	const char *text;
	int64_t integer;
	double real;
	bool flag;
	const struct fot_option *option;
	struct fot_texts texts; /* of keys of a model: one for each */
	char *help;
};

#define VALUES_MAX (4 * FOT_KEYS_MAX)
struct values {
	struct value at[VALUES_MAX];
	size_t n, top, model, memory, task; /* where each table's keys begin */
};

/* --- the spec --- */

static cJSON *number_of(const char *text)
{
	double x;

	return fot_parse_double(text, &x) ? cJSON_CreateNumber(x) : cJSON_CreateString(text);
}

/* Each part of text, between commas, to the end of a JSON list; a dataset's spec may have commas of its own. */
static bool add_parts(cJSON *list, const char *text, const struct fot_key_type *type)
{
	bool good = list != NULL;

	for (const char *at = text; at && good;) {
		size_t n = type == &fot_key_datasets ? fot_labelled_length(at) : strcspn(at, ",");
		char *part = fot_strndup(at, n);

		good = part &&
		       cJSON_AddItemToArray(list, type->text == FOT_KEY_NUMBERS ? number_of(part) :
										  cJSON_CreateString(part));
		fot_free(part);
		at = at[n] ? at + n + 1 : NULL;
	}
	return good;
}

static bool add_value(cJSON *o, const struct value *v)
{
	const char *name = v->key->name;
	enum fot_key_text how = v->key->type->text;

	if (!v->option->given)
		return true;
	if (how == FOT_KEY_SWITCH)
		return cJSON_AddBoolToObject(o, name, v->flag);
	if (how == FOT_KEY_INTEGER || how == FOT_KEY_SIZED)
		return cJSON_AddNumberToObject(o, name, (double)v->integer);
	if (how == FOT_KEY_NUMBER)
		return cJSON_AddNumberToObject(o, name, v->real);
	if (how == FOT_KEY_WORD)
		return cJSON_AddStringToObject(o, name, v->text);
	return add_parts(cJSON_AddArrayToObject(o, name), v->text, v->key->type);
}

static const struct value *value_of(const struct values *v, size_t from, const char *key)
{
	while (strcmp(v->at[from].key->name, key) != 0)
		from++;
	return &v->at[from];
}

/* A memory of the list, with the flags that say more of it. What is none is left to the spec's reader. */
static bool add_memory(cJSON *list, const char *memory, const struct values *v)
{
	const struct value *top_k = value_of(v, v->memory, "top_k"),
			   *dtype = value_of(v, v->memory, "mem_dtype");
	cJSON *o = fot_json_append(list);
	bool good = o && cJSON_AddStringToObject(o, "mode", memory);
	struct fot_attach a;

	if (!good || fot_attach_parse(&a, memory, "--memory", NULL) != FOT_OK)
		return good;
	if (fot_memory_counts(a.mode) && !a.top_k)
		good = add_value(o, top_k);
	if (good && (fot_memory_keeps(a.mode) || a.mode == FOT_MEMORY_OWN) && !a.dtype_given)
		good = add_value(o, dtype);
	return good;
}

static bool add_memories(cJSON *list, const char *memories, const struct values *v)
{
	bool good = list != NULL;

	for (const char *at = memories; at && good;) {
		size_t n = fot_attach_length(at);
		char *memory = fot_strndup(at, n);

		good = memory && add_memory(list, memory, v);
		fot_free(memory);
		at = at[n] ? at + n + 1 : NULL;
	}
	return good;
}

/* The keys of the i-th model. */
static bool add_model(cJSON *o, size_t i, const struct values *v)
{
	bool good = true;

	for (size_t k = v->model; k < v->memory && good; k++) {
		const struct value *x = &v->at[k];

		if (x->option->type == FOT_OPTION_TEXTS)
			good = i >= x->texts.n || cJSON_AddStringToObject(o, x->key->name, x->texts.at[i]);
		else if (strcmp(x->key->name, "memory") != 0)
			good = add_value(o, x);
		else
			good = add_memories(cJSON_AddArrayToObject(o, x->key->name),
					    x->text ? x->text : "model", v);
	}
	return good;
}

static bool add_models(cJSON *root, const struct values *v)
{
	cJSON *list = cJSON_AddArrayToObject(root, "models");
	size_t n = value_of(v, v->model, "path")->texts.n;
	bool good = list != NULL;

	for (size_t i = 0; i < n && good; i++) {
		cJSON *o = fot_json_append(list);

		good = o && add_model(o, i, v);
	}
	return good;
}

static cJSON *flags_spec(const struct fot_task_class *class, const struct values *v)
{
	cJSON *root = cJSON_CreateObject(), *tasks, *task;
	const struct value *name = value_of(v, v->top, "name");
	bool good = root != NULL;

	if (good && !name->option->given)
		good = cJSON_AddStringToObject(root, "name", class->name);
	for (size_t k = v->top; k < v->task && good; k++)
		good = add_value(root, &v->at[k]);
	good = good && add_models(root, v);
	tasks = good ? cJSON_AddArrayToObject(root, "tasks") : NULL;
	task = fot_json_append(tasks);
	good = task && cJSON_AddStringToObject(task, "task", class->name);
	for (size_t k = v->task; k < v->n && good; k++)
		good = add_value(task, &v->at[k]);
	if (good)
		return root;
	cJSON_Delete(root);
	return NULL;
}

/* --- flags that would do nothing --- */

/* Does the text of a memory leave a number of keys to be said? */
static bool lacks_keys(const char *memory)
{
	struct fot_attach a;

	return fot_attach_parse(&a, memory, "--memory", NULL) != FOT_OK ||
	       (fot_memory_counts(a.mode) && !a.top_k);
}

static bool is_some(const char *memory)
{
	return strcmp(memory, "none") != 0;
}

/* Is there such a memory in the list? One that cannot be read is refused elsewhere. */
static bool lists_memory(const char *list, bool (*such)(const char *memory))
{
	bool found = false;

	for (const char *at = list; at && !found;) {
		size_t n = fot_attach_length(at);
		char *memory = fot_strndup(at, n);

		found = !memory || such(memory);
		fot_free(memory);
		at = at[n] ? at + n + 1 : NULL;
	}
	return found;
}

static int check_models(const struct values *v, struct fot_err *err)
{
	const struct value *path = value_of(v, v->model, "path"), *variant = value_of(v, v->model, "variant");
	const char *memory = value_of(v, v->model, "memory")->text;

	if (!memory)
		memory = "model";
	if (variant->texts.n > path->texts.n)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"--variant: expected one for each model at most, got %zu for %zu",
				variant->texts.n, path->texts.n);
	if (value_of(v, v->memory, "top_k")->option->given && !lists_memory(memory, lacks_keys))
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--top-k: expected knn or model among --memory (others have their numbers there), got "
			"\"%.80s\"",
			memory);
	if (value_of(v, v->memory, "mem_dtype")->text && !lists_memory(memory, is_some))
		return FOT_FAIL(err, FOT_ERR_USAGE, "--mem-dtype: expected a memory, got --memory \"%.80s\"",
				memory);
	return FOT_OK;
}

static int check_store(const struct fot_run_flags *c, const struct fot_task_spec *t, struct fot_err *err)
{
	if (!c->store || t->n_datasets)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "--store: no dataset is read here");
}

/* --- the flags --- */

/* The sentence and the default; title: that of the run, where none is given. */
static char *help_of(const struct fot_key *k, const char *title)
{
	struct fot_str text = FOT_STR_INIT, dflt = FOT_STR_INIT;
	char *out;

	fot_str_puts(&text, k->help);
	if (k == fot_keys_find(fot_spec_keys, fot_n_spec_keys, "name"))
		fot_str_puts(&dflt, title);
	else
		fot_key_default(&dflt, k);
	if (dflt.len && k->dflt)
		fot_str_printf(&text, " [%s]", dflt.data);
	else if (dflt.len)
		fot_str_printf(&text, " (default: %s)", dflt.data);
	out = text.failed || dflt.failed ? NULL : fot_strdup(text.data);
	fot_str_release(&text);
	fot_str_release(&dflt);
	return out;
}

static bool each_model_has_one(const struct fot_key *k)
{
	return strcmp(k->name, "path") == 0 || strcmp(k->name, "variant") == 0;
}

static void set_place(struct fot_option *o, struct value *v)
{
	static const enum fot_option_type types[] = {
		[FOT_KEY_SWITCH] = FOT_OPTION_FLAG,  [FOT_KEY_INTEGER] = FOT_OPTION_INT,
		[FOT_KEY_SIZED] = FOT_OPTION_SIZE,   [FOT_KEY_NUMBER] = FOT_OPTION_REAL,
		[FOT_KEY_WORD] = FOT_OPTION_TEXT,    [FOT_KEY_WORDS] = FOT_OPTION_TEXT,
		[FOT_KEY_NUMBERS] = FOT_OPTION_TEXT,
	};
	void *places[] = {
		[FOT_KEY_SWITCH] = &v->flag,  [FOT_KEY_INTEGER] = &v->integer, [FOT_KEY_SIZED] = &v->integer,
		[FOT_KEY_NUMBER] = &v->real,  [FOT_KEY_WORD] = &v->text,       [FOT_KEY_WORDS] = &v->text,
		[FOT_KEY_NUMBERS] = &v->text,
	};

	o->type = types[v->key->type->text];
	o->value = places[v->key->type->text];
}

/* The options of a table's keys with a flag. Returns how many there are then; *good is false without memory. */
static size_t add_options(struct fot_option *to, size_t n, struct values *v, const struct fot_key *keys,
			  size_t n_keys, const char *title, bool *good)
{
	for (size_t i = 0; i < n_keys; i++) {
		const struct fot_key *k = &keys[i];
		struct value *x = &v->at[v->n];

		if (!k->flag)
			continue;
		v->n++;
		x->key = k;
		x->option = &to[n];
		x->integer = INT64_MIN; /* no default to show: the sentence has it */
		x->real = -INFINITY;
		x->help = help_of(k, title);
		*good = *good && x->help;
		to[n] = (struct fot_option){ .name = k->flag,
					     .letter = k->letter,
					     .lo = k->lo,
					     .hi = k->hi,
					     .arg = k->arg,
					     .help = x->help,
					     .required = k->required };
		set_place(&to[n], x);
		if (keys == fot_model_keys && each_model_has_one(k)) {
			to[n].type = FOT_OPTION_TEXTS;
			to[n].value = &x->texts;
		}
		n++;
	}
	return n;
}

static int make_options(struct fot_options *o, struct values *v, const struct fot_task_class *class,
			struct fot_err *err)
{
	bool good = true;

	v->model = v->n;
	o->n = add_options(o->option, o->n, v, fot_model_keys, fot_n_model_keys, class->name, &good);
	v->memory = v->n;
	o->n = add_options(o->option, o->n, v, fot_memory_keys, fot_n_memory_keys, class->name, &good);
	v->top = v->n;
	o->n = add_options(o->option, o->n, v, fot_spec_keys, fot_n_spec_keys, class->name, &good);
	v->task = v->n;
	o->n = add_options(o->option, o->n, v, class->keys, class->n_keys, class->name, &good);
	return good ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
}

/* --- the command --- */

struct task_flags {
	const struct fot_task_class *class;
	struct fot_run_flags run;
	struct values values;
};

static int run(void *flags, const struct fot_options *o, struct fot_err *err)
{
	const struct task_flags *f = flags;
	struct fot_spec spec = { 0 };
	cJSON *root = NULL;
	int status;

	FOT_TRY(fot_run_flags_check(&f->run, err));
	FOT_TRY(check_models(&f->values, err));
	root = flags_spec(f->class, &f->values);
	if (!root)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory"));
	FOT_TRY(fot_spec_parse(&spec, root, "command line", NULL, err));
	FOT_TRY(check_store(&f->run, &spec.task[0], err));
	status = fot_run_spec(&spec, &f->run, NULL, o, err);
out:
	cJSON_Delete(root);
	fot_spec_release(&spec);
	return status;
}

int fot_cmd_task(const struct fot_task_class *class, int argc, char **argv)
{
	struct task_flags f = { .class = class };
	struct fot_option shared[] = { FOT_RUN_OPTIONS(&f.run) };
	struct fot_option options[FOT_COUNT(shared) + VALUES_MAX];
	struct fot_options o = { .command = class->name,
				 .usage = class->usage,
				 .about = class->help,
				 .option = options,
				 .run = run };
	struct fot_err err = { 0 };
	int status = make_options(&o, &f.values, class, &err);

	memcpy(options + o.n, shared, sizeof shared);
	o.n += FOT_COUNT(shared);
	status = status == FOT_OK ? fot_command(&o, argc, argv, &f) : fot_command_ended(&o, status, &err);
	for (size_t i = 0; i < f.values.n; i++)
		fot_free(f.values.at[i].help);
	return status;
}
