/* plan.c: see plan.h. */
#include "harness/plan.h"

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/evaluate.h"

static int no_memory(struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_RUN, "plan: out of memory");
}

/* --- models and conditions --- */

static int open_model(struct fot_plan *p, const char *dir, size_t *index, struct fot_err *err)
{
	struct fot_plan_model *m;
	struct fot_str name = FOT_STR_INIT;
	int status;

	for (size_t i = 0; i < p->n_models; i++) {
		if (strcmp(p->model[i].dir, dir) == 0) {
			*index = i;
			return FOT_OK;
		}
	}
	*index = p->n_models;
	m = &p->model[p->n_models++];
	m->dir = dir;
	FOT_TRY(fot_model_open(&m->model, dir, err));
	FOT_TRY(fot_model_files_read(&m->files, dir, err));
	fot_path_base(&name, dir);
	FOT_TRY(fot_str_check(&name, err));
	m->name = fot_strdup(name.data);
	if (!m->name)
		status = no_memory(err);
out:
	fot_str_release(&name);
	return status;
}

static const char *variant_of(const struct fot_plan_model *m, const struct fot_model_spec *spec)
{
	const char *own = fot_model_config(m->model)->variant;

	return spec->variant ? spec->variant : own[0] ? own : m->name;
}

static int set_options(struct fot_condition *c, const struct fot_plan *p, const struct fot_memory_spec *m,
		       struct fot_err *err)
{
	static const enum fot_search search[] = { FOT_SEARCH_NONE, FOT_SEARCH_ALL, FOT_SEARCH_TOPK };
	const struct fot_plan_model *pm = &p->model[c->model];
	const struct fot_config *config = fot_model_config(pm->model);

	fot_session_opts_default(&c->opts, pm->model);
	c->mode = m->mode;
	c->opts.search = search[m->mode];
	c->opts.window = p->spec->window ? p->spec->window : config->window;
	if (m->mode == FOT_MEMORY_KNN && m->top_k)
		c->opts.top_k = m->top_k;
	if (m->dtype_given)
		c->opts.mem_dtype = m->dtype;
	if (m->mode != FOT_MEMORY_NONE && config->n_mem_layers == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: the model has no memory layers, memory must be \"none\"", pm->dir);
	if (!fot_model_tokenizer(pm->model))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer, which perplexity of texts needs",
				pm->dir);
	return FOT_OK;
}

static int add_condition(struct fot_plan *p, const struct fot_model_spec *spec, size_t model,
			 const struct fot_memory_spec *memory, struct fot_err *err)
{
	struct fot_condition *c = &p->condition[p->n_conditions];
	struct fot_str label = FOT_STR_INIT;
	int status;

	*c = (struct fot_condition){ .model = model, .variant = variant_of(&p->model[model], spec) };
	FOT_TRY(set_options(c, p, memory, err));
	fot_str_printf(&label, "%s/%s/%s", p->model[model].name, c->variant, fot_memory_mode_name(c->mode));
	if (c->mode == FOT_MEMORY_KNN)
		fot_str_printf(&label, ":%d", c->opts.top_k);
	if (c->mode != FOT_MEMORY_NONE)
		fot_str_puts(&label, c->opts.mem_dtype == FOT_F32 ? "/f32" : "/bf16");
	FOT_TRY(fot_str_check(&label, err));
	for (size_t i = 0; i < p->n_conditions; i++) {
		if (strcmp(p->condition[i].label, label.data) != 0)
			continue;
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "spec: the condition %s stands twice; give the models different variants",
				  label.data);
		goto out;
	}
	c->label = fot_strdup(label.data);
	if (c->label)
		p->n_conditions++;
	else
		status = no_memory(err);
out:
	fot_str_release(&label);
	return status;
}

static int open_conditions(struct fot_plan *p, struct fot_err *err)
{
	const struct fot_spec *s = p->spec;
	size_t n = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < s->n_models; i++)
		n += s->model[i].n_memory;
	p->model = fot_calloc(s->n_models, sizeof *p->model);
	p->condition = fot_calloc(n, sizeof *p->condition);
	if (!p->model || !p->condition)
		return no_memory(err);
	for (size_t i = 0; i < s->n_models; i++) {
		size_t model;

		FOT_TRY(open_model(p, s->model[i].dir, &model, err));
		for (size_t k = 0; k < s->model[i].n_memory; k++)
			FOT_TRY(add_condition(p, &s->model[i], model, &s->model[i].memory[k], err));
	}
out:
	return status;
}

/* --- datasets and items --- */

static int open_dataset(struct fot_plan *p, const char *spec, size_t *index, struct fot_err *err)
{
	for (size_t i = 0; i < p->n_datasets; i++) {
		if (strcmp(p->dataset[i].spec, spec) == 0) {
			*index = i;
			return FOT_OK;
		}
	}
	*index = p->n_datasets;
	p->dataset[p->n_datasets++].spec = spec;
	return fot_dataset_open(&p->dataset[*index].data, spec, p->store, err);
}

static struct fot_perplexity perplexity_of(const struct fot_plan *p, size_t condition, size_t task)
{
	const struct fot_task_spec *t = &p->spec->task[task];

	return (struct fot_perplexity){
		.window = p->condition[condition].opts.window,
		.context_length = t->context_length,
		.n_lengths = t->n_lengths,
		.target_tokens = t->target_tokens,
	};
}

struct fot_perplexity fot_plan_perplexity(const struct fot_plan *p, const struct fot_item *item)
{
	return perplexity_of(p, item->condition, item->task);
}

const struct fot_model *fot_plan_model_of(const struct fot_plan *p, const struct fot_item *item)
{
	return p->model[p->condition[item->condition].model].model;
}

int64_t fot_plan_memory(const struct fot_plan *p, size_t condition)
{
	int64_t most = 0;

	if (p->condition[condition].mode == FOT_MEMORY_NONE)
		return 0;
	for (size_t t = 0; t < p->spec->n_tasks; t++) {
		struct fot_perplexity x = perplexity_of(p, condition, t);
		int64_t targets = x.target_tokens < x.window ? x.window : x.target_tokens;
		int64_t need = (int64_t)fot_perplexity_begin(&x) + targets;

		most = need > most ? need : most;
	}
	return most;
}

static int push_item(struct fot_plan *p, const struct fot_item *item, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[item->task];
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	struct fot_str id = FOT_STR_INIT;
	int status;

	if (p->n_items == p->cap_items) {
		size_t cap = p->cap_items ? fot_size_mul(p->cap_items, 2) : 64;
		struct fot_item *items = fot_realloc(p->item, cap, sizeof *items);

		if (!items)
			return no_memory(err);
		p->item = items;
		p->cap_items = cap;
	}
	fot_str_printf(&id, "%s.%zu/%s/%s/%s", t->task, item->task, p->condition[item->condition].label,
		       fot_dataset_name(d), fot_dataset_at(d, item->document)->id);
	FOT_TRY(fot_str_check(&id, err));
	p->item[p->n_items] = *item;
	p->item[p->n_items].id = fot_strdup(id.data);
	if (p->item[p->n_items].id)
		p->n_items++;
	else
		status = no_memory(err);
out:
	fot_str_release(&id);
	return status;
}

/* Bytes below which a document is certainly too short for some condition: a
 * token holds one byte at least, BOS and a dummy space come on top. */
static int64_t least_bytes(const struct fot_plan *p, size_t task)
{
	int64_t most = 0;

	for (size_t c = 0; c < p->n_conditions; c++) {
		struct fot_perplexity x = perplexity_of(p, c, task);
		int64_t need = (int64_t)fot_perplexity_min_tokens(&x) - 2;

		most = need > most ? need : most;
	}
	return most;
}

/* Documents of the split in their order, until enough are long enough; those
 * that are certainly too short are kept too, as rows that say so. */
static int add_documents(struct fot_plan *p, size_t condition, size_t task, size_t dataset,
			 struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	const struct fot_dataset *d = p->dataset[dataset].data;
	int64_t max = p->limit && p->limit < t->max_documents ? p->limit : t->max_documents;
	int64_t least = least_bytes(p, task), n = 0, taken = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < fot_dataset_count(d) && n < max; i++) {
		struct fot_item item = { condition, task, dataset, i, NULL };

		if (t->split != FOT_SPLIT_ALL && fot_dataset_at(d, i)->split != t->split)
			continue;
		FOT_TRY(push_item(p, &item, err));
		taken++;
		n += fot_dataset_at(d, i)->n_bytes >= least;
	}
	if (taken == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "dataset %s: 0 documents in split %s",
				  fot_dataset_name(d), fot_spec_split_name(t->split));
out:
	return status;
}

static bool matches(const struct fot_plan *p, const struct fot_exclusion *x, size_t condition, size_t dataset)
{
	const struct fot_condition *c = &p->condition[condition];

	return (!x->model || strcmp(x->model, p->model[c->model].name) == 0) &&
	       (!x->variant || strcmp(x->variant, c->variant) == 0) &&
	       (!x->dataset || strcmp(x->dataset, fot_dataset_name(p->dataset[dataset].data)) == 0) &&
	       (!x->has_memory ||
		(x->memory.mode == c->mode && (!x->memory.top_k || x->memory.top_k == c->opts.top_k)));
}

static bool is_excluded(const struct fot_plan *p, size_t condition, size_t dataset)
{
	for (size_t i = 0; i < p->spec->n_excluded; i++) {
		if (matches(p, &p->spec->exclude[i], condition, dataset))
			return true;
	}
	return false;
}

/* One that matches nothing is a slip of the pen. */
static int check_exclusions(const struct fot_plan *p, struct fot_err *err)
{
	for (size_t i = 0; i < p->spec->n_excluded; i++) {
		bool used = false;

		for (size_t c = 0; c < p->n_conditions && !used; c++) {
			for (size_t d = 0; d < p->n_datasets && !used; d++)
				used = matches(p, &p->spec->exclude[i], c, d);
		}
		if (!used)
			return FOT_FAIL(err, FOT_ERR_USAGE, "spec: exclude[%zu] matches nothing", i);
	}
	return FOT_OK;
}

static int plan_task(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct fot_perplexity x = perplexity_of(p, condition, task);
	int status = fot_perplexity_check(&x, err);

	if (status != FOT_OK) {
		fot_err_prefix(err, "%s", p->condition[condition].label);
		return status;
	}
	for (size_t k = 0; k < t->n_datasets; k++) {
		size_t dataset;

		FOT_TRY(open_dataset(p, t->dataset[k], &dataset, err));
		if (!is_excluded(p, condition, dataset))
			FOT_TRY(add_documents(p, condition, task, dataset, err));
	}
out:
	return status;
}

static int plan_items(struct fot_plan *p, struct fot_err *err)
{
	size_t n = 0;
	int status = FOT_OK;

	for (size_t t = 0; t < p->spec->n_tasks; t++)
		n += p->spec->task[t].n_datasets;
	p->dataset = fot_calloc(n, sizeof *p->dataset);
	if (!p->dataset)
		return no_memory(err);
	for (size_t c = 0; c < p->n_conditions; c++) {
		for (size_t t = 0; t < p->spec->n_tasks; t++)
			FOT_TRY(plan_task(p, c, t, err));
	}
	FOT_TRY(check_exclusions(p, err));
	if (p->n_items == 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "spec: everything is excluded");
out:
	return status;
}

/* --- identity --- */

static bool add_models(cJSON *root, const struct fot_plan *p)
{
	cJSON *list = cJSON_AddArrayToObject(root, "models");

	for (size_t i = 0; i < p->n_models && list; i++) {
		cJSON *o = cJSON_CreateObject();

		if (!o || !cJSON_AddItemToArray(list, o) ||
		    !cJSON_AddStringToObject(o, "name", p->model[i].name) ||
		    !cJSON_AddStringToObject(o, "sha256", p->model[i].files.sha256) ||
		    !cJSON_AddStringToObject(o, "tokenizer_sha256",
					     fot_tokenizer_hash(fot_model_tokenizer(p->model[i].model))))
			return false;
	}
	return list != NULL;
}

static bool add_datasets(cJSON *root, const struct fot_plan *p)
{
	cJSON *list = cJSON_AddArrayToObject(root, "datasets");

	for (size_t i = 0; i < p->n_datasets && list; i++) {
		cJSON *o = cJSON_CreateObject();

		if (!o || !cJSON_AddItemToArray(list, o) ||
		    !cJSON_AddStringToObject(o, "name", fot_dataset_name(p->dataset[i].data)) ||
		    !cJSON_AddStringToObject(o, "sha256", fot_dataset_hash(p->dataset[i].data)))
			return false;
	}
	return list != NULL;
}

static bool add_versions(cJSON *root)
{
	cJSON *o = cJSON_AddObjectToObject(root, "task_versions");

	return o && cJSON_AddNumberToObject(o, "perplexity", FOT_PERPLEXITY_VERSION);
}

static int make_identity(struct fot_plan *p, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = cJSON_CreateObject(), *spec = fot_spec_json(p->spec);
	char hash[65];
	int status;

	p->identity = root;
	if (!root || !spec || !cJSON_AddItemToObject(root, "spec", spec)) {
		cJSON_Delete(spec);
		return no_memory(err);
	}
	if (!add_models(root, p) || !add_datasets(root, p) || !add_versions(root) ||
	    (p->limit && !cJSON_AddNumberToObject(root, "limit", (double)p->limit)))
		return no_memory(err);
	FOT_TRY(fot_json_canonical(&text, root, err));
	fot_sha256_of(text.data, text.len, hash);
	memcpy(p->run_id, hash, 16);
	p->run_id[16] = '\0';
	FOT_TRY(fot_spec_hash(p->spec_sha256, p->spec, err));
out:
	fot_str_release(&text);
	return status;
}

int fot_plan_open(struct fot_plan *p, const struct fot_spec *spec, const char *store, int64_t limit,
		  struct fot_err *err)
{
	int status;

	*p = (struct fot_plan){ .spec = spec, .limit = limit };
	if (store && !(p->store = fot_strdup(store))) {
		status = no_memory(err);
		goto out;
	}
	FOT_TRY(open_conditions(p, err));
	FOT_TRY(plan_items(p, err));
	FOT_TRY(make_identity(p, err));
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
	for (size_t i = 0; i < p->n_conditions; i++)
		fot_free(p->condition[i].label);
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
	cJSON_Delete(p->identity);
	*p = (struct fot_plan){ 0 };
}
