/* plan_identity.c: what the results of a plan depend on, and its hash, the run_id. */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "harness/plan/plan.h"
#include "harness/plan/task_class.h"

/* An object with a name and a hash, at the end of a list; NULL: no memory. */
static cJSON *add_named(cJSON *list, const char *name, const char *sha256)
{
	cJSON *o = fot_json_append(list);

	return o && cJSON_AddStringToObject(o, "name", name) && cJSON_AddStringToObject(o, "sha256", sha256) ? o : NULL;
}

static bool add_models(cJSON *root, const struct fot_plan *p)
{
	cJSON *list = cJSON_AddArrayToObject(root, "models");
	bool good = list != NULL;

	for (size_t i = 0; i < p->n_models && good; i++) {
		const struct fot_tokenizer *t = fot_model_tokenizer(p->model[i].model);
		cJSON *o = add_named(list, p->model[i].name, p->model[i].files.sha256);

		good = o && cJSON_AddStringToObject(o, "tokenizer_sha256", t ? fot_tokenizer_hash(t) : "none");
	}
	return good;
}

static bool add_datasets(cJSON *root, const struct fot_plan *p)
{
	cJSON *list = cJSON_AddArrayToObject(root, "datasets");
	bool good = list != NULL;

	for (size_t i = 0; i < p->n_datasets && good; i++)
		good = add_named(list, fot_dataset_name(p->dataset[i].data), fot_dataset_hash(p->dataset[i].data));
	return good;
}

/* Only where there are any, so that other runs keep their run_id. */
static bool add_labelled(cJSON *root, const struct fot_plan *p)
{
	cJSON *list = p->n_labelled ? cJSON_AddArrayToObject(root, "labelled") : NULL;
	bool good = list || !p->n_labelled;

	for (size_t i = 0; i < p->n_labelled && good; i++) {
		const struct fot_plan_labelled *l = &p->labelled[i];
		cJSON *o = add_named(list, l->data->name, l->data->hash);

		good = o && cJSON_AddStringToObject(o, "template_sha256", l->template.sha256);
	}
	return good;
}

static bool add_versions(cJSON *root, const struct fot_plan *p)
{
	cJSON *o = cJSON_AddObjectToObject(root, "task_versions");
	bool good = o != NULL;

	for (size_t t = 0; t < p->spec->n_tasks && good; t++) {
		const struct fot_task_class *class = p->spec->task[t].class;

		if (!fot_json_get(o, class->name))
			good = cJSON_AddNumberToObject(o, class->name, class->version);
	}
	return good;
}

int fot_plan_identify(struct fot_plan *p, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = cJSON_CreateObject(), *spec = fot_spec_json(p->spec);
	char hash[65];
	int status;

	p->identity = root;
	if (!root || !spec || !cJSON_AddItemToObject(root, "spec", spec)) {
		cJSON_Delete(spec);
		return FOT_NO_MEMORY(err, "plan");
	}
	if (!add_models(root, p) || !add_datasets(root, p) || !add_labelled(root, p) ||
	    !add_versions(root, p) ||
	    (p->limit && !cJSON_AddNumberToObject(root, "limit", (double)p->limit)))
		return FOT_NO_MEMORY(err, "plan");
	FOT_TRY(fot_json_canonical(&text, root, err));
	fot_sha256_of(text.data, text.len, hash);
	memcpy(p->run_id, hash, 16);
	p->run_id[16] = '\0';
	FOT_TRY(fot_spec_hash(p->spec_sha256, p->spec, err));
out:
	fot_str_release(&text);
	return status;
}
