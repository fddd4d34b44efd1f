/* plan.c: see plan.h. */
#include "harness/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/quote.h"
#include "harness/plan/paths.h"
#include "harness/plan/task_class.h"
#include "model/attach.h"
#include "model/memory.h"
#include "model/window_cache.h"

#define CACHE_BYTES ((size_t)768 << 20)
#define CACHE_PROMPTS 4

/* --- models and conditions --- */

static bool same_model(const struct fot_plan_model *m, const char *dir, const struct fot_attach *with)
{
	return strcmp(m->spec->dir, dir) == 0 && fot_attach_equal(&m->with, with);
}

/* The recipe of a model of the zoo, zoo/NAME or NAME: ../train/recipes/NAME.json of that zoo, else of this
 * program's; empty: none. */
static int find_recipe(struct fot_str *out, const char *dir, struct fot_err *err)
{
	static const char zoo[] = "zoo/";
	struct fot_str name = FOT_STR_INIT, shipped = FOT_STR_INIT;
	size_t at;
	int status;

	fot_path_base(&name, dir);
	FOT_TRY(fot_str_check(&name, err));
	at = strlen(dir) - name.len;
	if (at >= sizeof zoo - 1 && strncmp(dir + at - (sizeof zoo - 1), zoo, sizeof zoo - 1) == 0)
		fot_str_printf(out, "%.*strain/recipes/%s.json", (int)(at - (sizeof zoo - 1)), dir, name.data);
	else if (at > 0)
		goto out;
	if (!out->len || !fot_file_exists(out->data)) {
		fot_str_clear(out);
		fot_str_printf(&shipped, "model/train/recipes/%s.json", name.data);
		FOT_TRY(fot_str_check(&shipped, err));
		FOT_TRY(fot_repository_path(out, shipped.data));
		if (!out->failed && !fot_file_exists(out->data))
			fot_str_clear(out);
	}
	FOT_TRY(fot_str_check(out, err));
out:
	fot_str_release(&name);
	fot_str_release(&shipped);
	return status;
}

static int check_folder(const char *dir, const char *spec_folder, struct fot_err *err)
{
	struct fot_str recipe = FOT_STR_INIT;
	int status;

	if (fot_is_dir(dir))
		return FOT_OK;
	if (fot_file_exists(dir))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected the folder of a model, got a file", dir);
	FOT_TRY(find_recipe(&recipe, dir, err));
	if (recipe.len)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no such model; train it: fotbench train %s -o %s", dir,
				  recipe.data, dir);
	else
		status = fot_path_missing(FOT_PATH_MODEL, dir, spec_folder, FOT_ERR_INPUT, err);
out:
	fot_str_release(&recipe);
	return status;
}

/* One model for all memories with the same layers and scale. */
static int open_model(struct fot_plan *p, const struct fot_model_spec *spec, const struct fot_attach *memory,
		      size_t *index, struct fot_err *err)
{
	struct fot_attach with = { .scale = memory->scale };
	struct fot_plan_model *m;
	struct fot_str name = FOT_STR_INIT;
	int status;

	memcpy(with.layer, memory->layer, sizeof with.layer);
	with.n_layers = memory->n_layers;
	for (size_t i = 0; i < p->n_models; i++) {
		if (same_model(&p->model[i], spec->dir, &with)) {
			*index = i;
			return FOT_OK;
		}
	}
	*index = p->n_models;
	m = &p->model[p->n_models++];
	m->spec = spec;
	m->with = with;
	FOT_TRY(check_folder(spec->dir, p->spec->folder, err));
	FOT_TRY(fot_name_of_path(&name, spec->dir, "model", err));
	FOT_TRY(fot_model_open(&m->model, spec->dir, err));
	m->own = *fot_model_config(m->model);
	if (with.n_layers)
		FOT_TRY(fot_model_set_mem_layers(m->model, with.layer, with.n_layers, err));
	if (with.scale > 0)
		FOT_TRY(fot_model_set_mem_scale(m->model, with.scale, err));
	FOT_TRY(fot_model_files_read(&m->files, spec->dir, err));
	m->name = fot_strdup(name.data);
	if (!m->name)
		status = FOT_NO_MEMORY(err, "plan");
out:
	fot_str_release(&name);
	return status;
}

static const char *variant_of(const struct fot_plan_model *m, const struct fot_model_spec *spec)
{
	const char *own = fot_model_config(m->model)->variant;

	return spec->variant ? spec->variant : own[0] ? own : m->name;
}

static int set_options(struct fot_condition *c, const struct fot_plan *p, const struct fot_attach *m,
		       struct fot_err *err)
{
	const struct fot_plan_model *pm = &p->model[c->model];
	const struct fot_config *config = fot_model_config(pm->model);
	int status;

	fot_session_opts_default(&c->opts, pm->model);
	c->mode = m->mode == FOT_MEMORY_NONE && config->cached_windows ? FOT_MEMORY_XL : m->mode;
	c->opts.window = p->spec->window ? p->spec->window : config->window;
	c->opts.compute = p->spec->compute;
	c->opts.engine = fot_engine_of(p->spec->engine);
	FOT_TRY(fot_attach_apply(&c->opts, m, config, err));
	status = fot_session_check(pm->model, &c->opts, err);
out:
	if (status != FOT_OK)
		fot_err_prefix(err, "%s", pm->spec->dir);
	return status;
}

static struct fot_attach attach_of(const struct fot_plan *p, const struct fot_condition *c)
{
	return fot_attach_of(&c->opts, fot_model_config(p->model[c->model].model));
}

static int print_memory(struct fot_condition *c, const struct fot_plan *p, struct fot_err *err)
{
	struct fot_attach a = attach_of(p, c);
	struct fot_str text = FOT_STR_INIT;
	int status;

	fot_attach_tell(&a, &p->model[c->model].own);
	fot_attach_print(&text, &a);
	FOT_TRY(fot_str_check(&text, err));
	c->memory = fot_strdup(text.data);
	if (!c->memory)
		status = FOT_NO_MEMORY(err, "plan");
out:
	fot_str_release(&text);
	return status;
}

static bool label_taken(const struct fot_plan *p, const char *label)
{
	for (size_t i = 0; i < p->n_conditions; i++)
		if (strcmp(p->condition[i].label, label) == 0)
			return true;
	return false;
}

/* What items' ids begin with: it knows neither decay nor scale. */
static void print_old_label(struct fot_str *out, const struct fot_condition *c, const struct fot_plan *p,
			    const struct fot_attach *memory)
{
	bool stores = fot_memory_keeps(c->mode);
	struct fot_attach kind = *memory;

	kind.mode = c->mode;
	fot_str_printf(out, "%s/%s/", p->model[c->model].name, c->variant);
	fot_attach_print_kind(out, &kind);
	if (fot_memory_counts(c->mode))
		fot_str_printf(out, ":%d", c->opts.top_k);
	for (size_t i = 0; i < memory->n_layers && stores; i++)
		fot_str_printf(out, "%s%d", i ? "+" : "/layers", memory->layer[i]);
	if (stores)
		fot_str_printf(out, "/%s", fot_memory_dtype_name(c->opts.mem_dtype));
}

/* The old one where it will do, so that ids stay: not for a decay or scale without a variant, nor where
 * another condition has it. */
static int print_label(struct fot_condition *c, const struct fot_plan *p, const struct fot_model_spec *spec,
		       const struct fot_attach *memory, struct fot_err *err)
{
	bool more = (fot_memory_keeps(c->mode) && (memory->decay > 0 || memory->scale > 0)) || memory->rope_factor;
	struct fot_str label = FOT_STR_INIT;
	int status;

	print_old_label(&label, c, p, memory);
	FOT_TRY(fot_str_check(&label, err));
	if ((more && !spec->variant) || label_taken(p, label.data)) {
		fot_str_clear(&label);
		fot_str_printf(&label, "%s/%s/%s", p->model[c->model].name, c->variant, c->memory);
	}
	FOT_TRY(fot_str_check(&label, err));
	c->label = fot_strdup(label.data);
	if (!c->label)
		status = FOT_NO_MEMORY(err, "plan");
out:
	fot_str_release(&label);
	return status;
}

/* Their rows could not be told apart. */
static int check_condition(const struct fot_plan *p, const struct fot_condition *c, struct fot_err *err)
{
	const char *name = p->model[c->model].name;

	for (size_t i = 0; i < p->n_conditions; i++) {
		const struct fot_condition *x = &p->condition[i];

		if (strcmp(x->label, c->label) == 0 ||
		    (strcmp(p->model[x->model].name, name) == 0 && strcmp(x->variant, c->variant) == 0 &&
		     strcmp(x->memory, c->memory) == 0))
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"spec: the condition %s/%s/%s stands twice; give the models different variants", name,
					c->variant, c->memory);
	}
	return FOT_OK;
}

/* memory: complete, with what its model says for all. */
static int add_condition(struct fot_plan *p, const struct fot_model_spec *spec, size_t model,
			 const struct fot_attach *memory, struct fot_err *err)
{
	struct fot_condition *c = &p->condition[p->n_conditions];
	int status;

	*c = (struct fot_condition){ .model = model, .variant = variant_of(&p->model[model], spec) };
	FOT_TRY(set_options(c, p, memory, err));
	FOT_TRY(print_memory(c, p, err));
	FOT_TRY(print_label(c, p, spec, memory, err));
	FOT_TRY(check_condition(p, c, err));
	p->n_conditions++;
out:
	if (status != FOT_OK) {
		fot_free(c->memory);
		fot_free(c->label);
	}
	return status;
}

/* As score and generate read it. */
static enum fot_memory_mode own_mode(const struct fot_model *m)
{
	struct fot_session_opts opts;

	fot_session_opts_default(&opts, m);
	return fot_attach_of(&opts, fot_model_config(m)).mode;
}

/* The model's own memory, as what it is: settings that it has no use for are errors. */
static int set_own_memory(struct fot_model_spec *spec, struct fot_attach *m, const struct fot_model *model,
			  struct fot_err *err)
{
	const char *name, *unused;

	if (m->mode != FOT_MEMORY_OWN)
		return FOT_OK;
	m->mode = own_mode(model);
	name = fot_memory_mode_name(m->mode);
	unused = m->top_k && !fot_memory_counts(m->mode) ? "top_k" :
		 fot_memory_keeps(m->mode)            ? NULL :
		 m->dtype_given                        ? "mem_dtype" :
		 m->scale > 0                          ? "mem_scale" :
		 m->decay > 0                          ? "mem_decay" :
		 spec->n_memory > 1                    ? NULL :
		 spec->shared.scale > 0                ? "mem_scale" :
		 spec->shared.decay > 0                ? "mem_decay" :
							 NULL;
	if (!unused)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: the model's own memory is %s; give it another", spec->dir, unused, name);
}

static int open_conditions(struct fot_plan *p, struct fot_spec *s, struct fot_err *err)
{
	size_t n = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < s->n_models; i++)
		n += s->model[i].n_memory;
	p->model = fot_calloc(n, sizeof *p->model);
	p->condition = fot_calloc(n, sizeof *p->condition);
	if (!p->model || !p->condition)
		return FOT_NO_MEMORY(err, "plan");
	for (size_t i = 0; i < s->n_models; i++) {
		for (size_t k = 0; k < s->model[i].n_memory; k++) {
			struct fot_attach *said = &s->model[i].memory[k], memory = *said;
			size_t model;

			fot_attach_complete(&memory, &s->model[i].shared);
			FOT_TRY(open_model(p, &s->model[i], &memory, &model, err));
			FOT_TRY(set_own_memory(&s->model[i], said, p->model[model].model, err));
			memory.mode = said->mode;
			FOT_TRY(add_condition(p, &s->model[i], model, &memory, err));
		}
	}
out:
	return status;
}

/* --- datasets and items --- */

/* Their rows could not be told apart. */
static int same_name(const char *a, const char *b, const char *name, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_USAGE, "spec: datasets %s and %s: expected different names, both are \"%s\"", a, b, name);
}

/* Is there a file of that name? What follows a '?' belongs to the set, not to its path. */
static int check_text(const struct fot_plan *p, const char *spec, struct fot_err *err)
{
	char *path = fot_strndup(spec, strcspn(spec, "?"));
	int status = path ? FOT_OK : FOT_NO_MEMORY(err, "plan");

	if (path && fot_dataset_is_path(path) && !fot_file_exists(path) && !fot_file_exists(spec))
		status = fot_path_missing(FOT_PATH_TEXT, path, p->spec->folder, FOT_ERR_INPUT, err);
	fot_free(path);
	return status;
}

int fot_plan_dataset(struct fot_plan *p, const char *spec, size_t *index, struct fot_err *err)
{
	int status;

	for (size_t i = 0; i < p->n_datasets; i++) {
		if (strcmp(p->dataset[i].spec, spec) == 0) {
			*index = i;
			return FOT_OK;
		}
	}
	FOT_TRY(check_text(p, spec, err));
	*index = p->n_datasets;
	p->dataset[p->n_datasets++].spec = spec;
	FOT_TRY(fot_dataset_open(&p->dataset[*index].data, spec, p->store, err));
	for (size_t i = 0; i < *index && status == FOT_OK; i++)
		if (strcmp(fot_dataset_name(p->dataset[i].data), fot_dataset_name(p->dataset[*index].data)) == 0)
			status = same_name(p->dataset[i].spec, spec, fot_dataset_name(p->dataset[i].data), err);
out:
	return status;
}

/* DIR/NAME.json, NAME up to its first '-', or one for sets of this kind. */
static int template_path(struct fot_str *out, const struct fot_labelled *l, struct fot_err *err)
{
	const char *names[] = { l->name, l->name, l->n_labels ? "plain" : "answers" };
	int lengths[] = { (int)strlen(l->name), (int)strcspn(l->name, "-"), (int)strlen(names[2]) };
	struct fot_str folder = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_manifests_default(&folder));
	for (int i = 0; i < 3; i++) {
		fot_str_clear(out);
		fot_str_printf(out, "%s/../templates/%.*s.json", folder.data, lengths[i], names[i]);
		FOT_TRY(fot_str_check(out, err));
		if (fot_file_exists(out->data))
			break;
	}
out:
	fot_str_release(&folder);
	return status;
}

int fot_plan_labelled(struct fot_plan *p, const char *spec, const char *path, size_t *index, struct fot_err *err)
{
	struct fot_str by_name = FOT_STR_INIT;
	struct fot_plan_labelled *x;
	int status;

	for (size_t i = 0; i < p->n_labelled; i++) {
		x = &p->labelled[i];
		if (strcmp(x->spec, spec) == 0 && (path == x->template_path || (path && x->template_path &&
						   strcmp(path, x->template_path) == 0))) {
			*index = i;
			return FOT_OK;
		}
	}
	if (!FOT_GROW(p->labelled, p->n_labelled, p->cap_labelled))
		return FOT_NO_MEMORY(err, "plan");
	x = &p->labelled[p->n_labelled];
	*x = (struct fot_plan_labelled){ 0 };
	FOT_TRY(fot_labelled_open(&x->data, spec, p->store, err));
	x->spec = spec;
	x->template_path = path;
	*index = p->n_labelled++;
	for (size_t i = 0; i < *index && status == FOT_OK; i++)
		if (strcmp(p->labelled[i].data->name, x->data->name) == 0 && strcmp(p->labelled[i].spec, spec) != 0)
			status = same_name(p->labelled[i].spec, spec, x->data->name, err);
	if (status != FOT_OK)
		goto out;
	if (path && !fot_file_exists(path))
		return fot_path_missing(FOT_PATH_TEMPLATE, path, p->spec->folder, FOT_ERR_INPUT, err);
	if (!path)
		FOT_TRY(template_path(&by_name, x->data, err));
	status = fot_template_read(&x->template, path ? path : by_name.data, err);
out:
	fot_str_release(&by_name);
	return status;
}

static void say(enum fot_log_level level, const char *name, struct fot_str *notice)
{
	if (notice->len && !notice->failed)
		fot_log(level, "%s: %s", name, notice->data);
	fot_str_clear(notice);
}

void fot_plan_notices(const struct fot_plan *p)
{
	struct fot_str notice = FOT_STR_INIT;

	for (size_t i = 0; i < p->n_datasets; i++) {
		fot_dataset_notice(&notice, p->dataset[i].data);
		say(FOT_LOG_WARN, fot_dataset_name(p->dataset[i].data), &notice);
	}
	for (size_t i = 0; i < p->n_labelled; i++) {
		const struct fot_labelled *l = p->labelled[i].data;

		fot_labelled_notice(&notice, l);
		say(l->n_bad ? FOT_LOG_WARN : FOT_LOG_INFO, l->name, &notice);
		if (p->labelled[i].template_path) /* the one by the set's name may be of several sets */
			fot_template_notice(&notice, &p->labelled[i].template, l->label, l->n_labels);
		say(FOT_LOG_WARN, l->name, &notice);
	}
	fot_str_release(&notice);
}

const struct fot_model *fot_plan_model_of(const struct fot_plan *p, const struct fot_item *item)
{
	return p->model[p->condition[item->condition].model].model;
}

int64_t fot_plan_memory(const struct fot_plan *p, size_t condition)
{
	int64_t most = 0;

	if (!fot_memory_keeps(p->condition[condition].mode))
		return 0;
	for (size_t t = 0; t < p->spec->n_tasks; t++) {
		int64_t need = p->spec->task[t].class->memory(p, condition, t);

		most = need > most ? need : most;
	}
	return most;
}

static bool repeats(const struct fot_task_spec *t)
{
	return t->class->repeats && t->class->repeats(t);
}

/* Does any item of the condition read windows that others read too? */
static bool shares_windows(const struct fot_plan *p, size_t condition)
{
	for (size_t i = 0; i < p->n_items; i++)
		if (p->item[i].condition == condition &&
		    (fot_task_class_of(p, &p->item[i])->stem || repeats(&p->spec->task[p->item[i].task])))
			return true;
	return false;
}

static int64_t cache_windows(const struct fot_plan *p, size_t condition)
{
	const struct fot_condition *c = &p->condition[condition];
	const struct fot_config *config = fot_model_config(p->model[c->model].model);
	int64_t most = fot_window_cache_slots(CACHE_BYTES, c->opts.window, fot_config_key_width(config));
	int64_t want = CACHE_PROMPTS * fot_plan_memory(p, condition) / c->opts.window;

	if (!shares_windows(p, condition) || fot_memory_observes(c->opts.mode))
		return 0;
	return want < most ? want : most;
}

/* Is there a task with many questions behind one stem? A model that reads stems of its own for each
 * (cached windows, LongLLaMA's cut) does not count. */
static bool asks_many(const struct fot_plan *p, size_t condition)
{
	const struct fot_config *config = fot_model_config(p->model[p->condition[condition].model].model);

	if (config->cached_windows || !config->blocks)
		return false;
	for (size_t t = 0; t < p->spec->n_tasks; t++)
		if (p->spec->task[t].class->many)
			return true;
	return false;
}

struct fot_session_opts fot_plan_session(const struct fot_plan *p, size_t condition, const struct fot_work *w)
{
	struct fot_session_opts opts = p->condition[condition].opts;

	opts.n_threads = w->threads;
	opts.no_skip = w->no_skipping;
	opts.apart = w->threads > 1 && !w->no_sharing && asks_many(p, condition);
	opts.mem_max = fot_plan_memory(p, condition);
	opts.cache_windows = w->no_sharing ? 0 : cache_windows(p, condition);
	return opts;
}

/* --- exclusions --- */

static bool length_matches(const struct fot_exclusion *x, const struct fot_item *item)
{
	bool found = x->context_length.n == 0;

	for (size_t i = 0; i < x->context_length.n; i++)
		found |= x->context_length.at[i] == item->context_length;
	return found;
}

/* "" where the prompts are synthetic; only a task with shots has a labelled set. */
static const char *dataset_of(const struct fot_plan *p, const struct fot_item *item)
{
	if (item->dataset != FOT_NO_DATASET)
		return fot_dataset_name(p->dataset[item->dataset].data);
	return p->spec->task[item->task].n_shots ? p->labelled[item->labelled].data->name : "";
}

/* The word of the prompts' style; "" of a task without. */
static const char *style_of(const struct fot_plan *p, const struct fot_item *item)
{
	const struct fot_task_class *class = p->spec->task[item->task].class;
	const struct fot_key *styles = fot_keys_find(class->keys, class->n_keys, "prompt_styles");

	return styles ? styles->words[item->style] : "";
}

static bool matches(const struct fot_plan *p, const struct fot_exclusion *x, const struct fot_item *item)
{
	const struct fot_condition *c = &p->condition[item->condition];
	const struct fot_attach memory = attach_of(p, c);

	return (!x->model || strcmp(x->model, p->model[c->model].name) == 0) &&
	       (!x->variant || strcmp(x->variant, c->variant) == 0) &&
	       (!x->dataset || strcmp(x->dataset, dataset_of(p, item)) == 0) &&
	       (!x->task || strcmp(x->task, p->spec->task[item->task].class->name) == 0) &&
	       (!x->style || strcmp(x->style, style_of(p, item)) == 0) &&
	       length_matches(x, item) &&
	       (!x->has_memory || fot_attach_fits(&x->memory, &memory));
}

bool fot_plan_excluded(const struct fot_plan *p, const struct fot_item *item)
{
	bool found = false;

	for (size_t i = 0; i < p->spec->n_excluded; i++) {
		if (!matches(p, &p->spec->exclude[i], item))
			continue;
		p->exclusion_used[i] = true;
		found = true;
	}
	return found;
}

/* One that matches nothing is a slip of the pen. */
static int check_exclusions(const struct fot_plan *p, struct fot_err *err)
{
	for (size_t i = 0; i < p->spec->n_excluded; i++) {
		if (!p->exclusion_used[i])
			return FOT_FAIL(err, FOT_ERR_USAGE, "spec: exclude[%zu] matches nothing", i);
	}
	return FOT_OK;
}

/* --- items --- */

int fot_plan_add(struct fot_plan *p, const struct fot_item *item, const char *what, struct fot_err *err)
{
	struct fot_str id = FOT_STR_INIT;
	int status;

	if (fot_plan_excluded(p, item))
		return FOT_OK;
	if (!FOT_GROW(p->item, p->n_items, p->cap_items))
		return FOT_NO_MEMORY(err, "plan");
	fot_str_printf(&id, "%s.%zu/%s/%s", p->spec->task[item->task].class->name, item->task,
		       p->condition[item->condition].label, what);
	FOT_TRY(fot_str_check(&id, err));
	p->item[p->n_items] = *item;
	p->item[p->n_items].id = fot_strdup(id.data);
	if (p->item[p->n_items].id)
		p->n_items++;
	else
		status = FOT_NO_MEMORY(err, "plan");
out:
	fot_str_release(&id);
	return status;
}

static int plan_task(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_class *class = p->spec->task[task].class;
	const struct fot_plan_model *m = &p->model[p->condition[condition].model];
	int status;

	if (class->needs_tokenizer && !fot_model_tokenizer(m->model))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer, which %s needs (tokenizer.model or tokenizer.json)",
				m->spec->dir, class->name);
	if (p->condition[condition].opts.rope_factor && !class->grows)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s reads no memory %s: exclude it", p->condition[condition].label,
				class->name, p->condition[condition].memory);
	status = class->items(p, condition, task, err);
	if (status == FOT_ERR_USAGE)
		fot_err_prefix(err, "%s", p->condition[condition].label);
	return status;
}

/* Two items of one id would stand at one place of the journal. */
static int check_ids(const struct fot_plan *p, struct fot_err *err)
{
	char **id = fot_alloc(p->n_items, sizeof *id);
	int status = FOT_OK;

	if (!id)
		return FOT_NO_MEMORY(err, "plan");
	for (size_t i = 0; i < p->n_items; i++)
		id[i] = p->item[i].id;
	qsort(id, p->n_items, sizeof *id, fot_by_text);
	for (size_t i = 1; i < p->n_items && status == FOT_OK; i++)
		if (strcmp(id[i - 1], id[i]) == 0)
			status = FOT_FAIL(err, FOT_ERR_USAGE,
					  "spec: the item %s stands twice: expected datasets of different names, depths "
					  "that differ by 1e-6", id[i]);
	fot_free(id);
	return status;
}

static int plan_items(struct fot_plan *p, struct fot_err *err)
{
	size_t n = 0;
	int status = FOT_OK;

	for (size_t t = 0; t < p->spec->n_tasks; t++)
		n += p->spec->task[t].n_datasets;
	p->dataset = fot_calloc(n + 1, sizeof *p->dataset);
	p->exclusion_used = fot_calloc(p->spec->n_excluded + 1, sizeof *p->exclusion_used);
	if (!p->dataset || !p->exclusion_used)
		return FOT_NO_MEMORY(err, "plan");
	for (size_t c = 0; c < p->n_conditions; c++) {
		for (size_t t = 0; t < p->spec->n_tasks; t++)
			FOT_TRY(plan_task(p, c, t, err));
	}
	FOT_TRY(check_exclusions(p, err));
	if (p->n_items == 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "spec: everything is excluded");
	else
		status = check_ids(p, err);
out:
	return status;
}

int fot_plan_open(struct fot_plan *p, struct fot_spec *spec, const char *store, int64_t limit,
		  struct fot_err *err)
{
	int status;

	*p = (struct fot_plan){ .spec = spec, .limit = limit };
	if (store && !(p->store = fot_strdup(store)))
		FOT_TRY(FOT_NO_MEMORY(err, "plan"));
	FOT_TRY(open_conditions(p, spec, err));
	FOT_TRY(plan_items(p, err));
	FOT_TRY(fot_plan_identify(p, err));
out:
	if (status != FOT_OK)
		fot_plan_close(p);
	return status;
}

void fot_plan_close(struct fot_plan *p)
{
	for (size_t i = 0; i < p->n_items; i++)
		fot_free(p->item[i].id);
	for (size_t i = 0; i < p->n_datasets; i++) {
		if (p->dataset[i].data)
			fot_dataset_close(p->dataset[i].data);
	}
	for (size_t i = 0; i < p->n_labelled; i++) {
		fot_labelled_close(p->labelled[i].data);
		fot_template_release(&p->labelled[i].template);
	}
	fot_free(p->labelled);
	for (size_t i = 0; i < p->n_conditions; i++) {
		fot_free(p->condition[i].memory);
		fot_free(p->condition[i].label);
	}
	for (size_t i = 0; i < p->n_models; i++) {
		fot_model_close(p->model[i].model);
		fot_model_files_release(&p->model[i].files);
		fot_free(p->model[i].name);
	}
	fot_free(p->item);
	fot_free(p->dataset);
	fot_free(p->condition);
	fot_free(p->model);
	fot_free(p->store);
	fot_free(p->exclusion_used);
	cJSON_Delete(p->identity);
	*p = (struct fot_plan){ 0 };
}
