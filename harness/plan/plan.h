/* plan.h: a spec made concrete: models and datasets opened, conditions, items.
 *
 *   condition = model x memory     item = condition x task x what the task varies
 *
 * Items stand in canonical order; an item's id is stable and names its place in
 * the journal.  The identity is all that results depend on; run_id is its hash. */
#ifndef FOT_PLAN_H
#define FOT_PLAN_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datasets/dataset.h"
#include "datasets/labelled.h"
#include "datasets/template.h"
#include "harness/plan/modelfiles.h"
#include "harness/plan/spec.h"
#include "model/session.h"

struct fot_plan_model {
	const struct fot_model_spec *spec;
	struct fot_attach with; /* its layers and scale, where they are not its own */
	struct fot_config own;  /* what config.json says */
	struct fot_model *model;
	struct fot_model_files files;
	char *name; /* of the folder */
};

struct fot_condition {
	size_t model; /* index into the plan's models */
	const char *variant;
	struct fot_session_opts opts; /* less what the work adds: fot_plan_session */
	enum fot_memory_mode mode;
	char *memory; /* "knn:128,decay=1": what its rows say of it (attach.h); unique for a model's name and variant */
	char *label;  /* "lm-fot/fot/knn:128/bf16" or "lm-fot/lm-fot/knn:128,decay=1", unique */
};

struct fot_plan_dataset {
	const char *spec; /* of the spec */
	struct fot_dataset *data;
};

/* A labelled set with the wording of its prompts. */
struct fot_plan_labelled {
	const char *spec, *template_path; /* of the task's spec; path NULL: by the set's name */
	struct fot_labelled *data;
	struct fot_template template;
};

#define FOT_NO_DATASET SIZE_MAX
/* A task uses the fields that it varies; the others are zero. */
struct fot_item {
	size_t condition, task;
	size_t dataset; /* index into the plan's, or FOT_NO_DATASET */
	size_t document;
	int64_t context_length, trial;
	double depth;
	int style;
	size_t labelled; /* index into the plan's, with FOT_NO_DATASET */
	int64_t shots, distractors;
	char *id;
};

struct fot_plan {
	const struct fot_spec *spec; /* borrowed */
	char *store;
	int64_t limit; /* documents per dataset, or trials, 0: no limit */
	bool *exclusion_used; /* [spec->n_excluded] */
	struct fot_plan_model *model;
	size_t n_models;
	struct fot_condition *condition;
	size_t n_conditions;
	struct fot_plan_dataset *dataset;
	size_t n_datasets;
	struct fot_plan_labelled *labelled;
	size_t n_labelled, cap_labelled;
	struct fot_item *item;
	size_t n_items, cap_items;
	cJSON *identity;
	char run_id[17];
	char spec_sha256[65];
};

/* Puts what the models' own memories are into the spec. Errors: FOT_ERR_USAGE (spec asks for what cannot be),
 * FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_plan_open(struct fot_plan *p, struct fot_spec *spec, const char *store, int64_t limit,
		  struct fot_err *err);
void fot_plan_close(struct fot_plan *p);
/* For fot_plan_open, last: identity, run_id and spec_sha256. Errors: FOT_ERR_RUN. */
int fot_plan_identify(struct fot_plan *p, struct fot_err *err);
/* Say what the datasets leave out and hold twice. */
void fot_plan_notices(const struct fot_plan *p);

const struct fot_model *fot_plan_model_of(const struct fot_plan *p, const struct fot_item *item);
/* Most memory tokens that any item of a condition can need. */
int64_t fot_plan_memory(const struct fot_plan *p, size_t condition);

/* How a plan is worked off: changes no bit of what comes out. */
struct fot_work {
	int32_t threads;  /* >= 1 */
	bool no_sharing;  /* read every prompt from its start */
	bool no_skipping; /* compute every window to the last layer */
};
/* What a condition's session is opened with, wherever one is opened or estimated. Where prompts
 * may share any, it keeps windows by their tokens: a few prompts' worth, within a fixed number
 * of bytes. */
struct fot_session_opts fot_plan_session(const struct fot_plan *p, size_t condition, const struct fot_work *w);

/* --- for task classes --- */

/* The dataset of this spec string, opened once. */
int fot_plan_dataset(struct fot_plan *p, const char *spec, size_t *index, struct fot_err *err);
/* The labelled set of this spec string with this template (NULL: the file named after the
 * set in datasets/templates, or plain.json, or answers.json), opened once. */
int fot_plan_labelled(struct fot_plan *p, const char *spec, const char *template_path, size_t *index,
		      struct fot_err *err);
/* Is this item left out by the spec? */
bool fot_plan_excluded(const struct fot_plan *p, const struct fot_item *item);
/* Append an item; its id is "TASK.N/CONDITION/what". An excluded one is left out silently. */
int fot_plan_add(struct fot_plan *p, const struct fot_item *item, const char *what, struct fot_err *err);

#endif
