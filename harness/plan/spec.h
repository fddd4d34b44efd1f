/* spec.h: what a run shall do, read from a JSON file or built from flags.
 *
 *   { "name": "quick", "seed": 1, "window": 0, "threads": 2,
 *     "models": [ { "path": "model/zoo/lm-fot", "variant": "fot",
 *                   "mem_layers": [2], "mem_scale": 1.5, "mem_decay": 1,
 *                   "memory": [ "none", "dense", "knn:128", "knn:128,decay=2,bf16",
 *                               { "mode": "knn", "top_k": 32, "mem_dtype": "f32" } ] } ],
 *     "tasks": [ { "task": "perplexity", "datasets": ["books", "proofs"], "split": "test",
 *                  "context_lengths": [512, "2k", "8k-32k*2"], "target_tokens": "8k", "documents": 8 },
 *                { "task": "perplexity", "datasets": ["tex"], "context_lengths": ["2560", "128k"],
 *                  "own_tokens": "2k" },   the rest of the memory: other documents (multi-doc)
 *                { "task": "passkey", "context_lengths": ["2k-256k*2"], "depths": [0, 0.5, 1],
 *                  "prompt_styles": ["paper", "text", "decoys"], "datasets": ["books"], "trials": 5 },
 *                { "task": "lookup", "context_lengths": ["4k", "1M"], "trials": 10, "question_tokens": 256 },
 *                { "task": "distraction", "datasets": ["proofs"], "n_contexts": [1, 2, 4, 8, 16, 32, 64],
 *                  "target_tokens": "2k", "documents": 32 } ] }
 *
 * Every axis is a list; a run is their product, less what "exclude" names: a list of
 * objects such as { "variant": "fot", "memory": "knn:128", "dataset": "tex" } (or
 * "model": the folder's name, "task", "prompt_style", "context_lengths": a list), each
 * leaving out all cells that match every key given.  An exclusion that matches nothing is
 * an error. A model without "memory" is read with its own: as its config.json
 * says, none if it has no memory layers; "model" in the list says the same. Memories are texts
 * (attach.h) or objects. What a memory says of layers, scale and decay goes before what its model
 * says for all. Context lengths of perplexity cannot be excluded one by one: the longest decides
 * which tokens all of them score, or "targets_from", a longer one, in its place. Sizes may be
 * numbers or texts with k (1024) and M. Unknown keys are errors that name the nearest known one.
 * "compute": "bf16" makes products in bf16 (compute.h). "engine" is what computes (engine.h). threads changes no result and does
 * not belong to the spec's hash. */
#ifndef FOT_SPEC_H
#define FOT_SPEC_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/keys.h"
#include "base/str.h"
#include "datasets/dataset.h"
#include "model/attach.h"
#include "model/engine.h"

struct fot_model_spec {
	char *path;    /* as written */
	struct fot_attach shared; /* layers, scale and decay of all memories that say none */
	char *dir;     /* where it is */
	char *variant; /* NULL: the model's */
	struct fot_attach *memory;
	size_t n_memory;
};

struct fot_task_class;

/* A value that only one class knows; a list takes two, its entries and their count. */
union fot_own {
	int64_t integer;
	double real;
	bool flag;
	int choice;
	char *text;
	char **texts;
	int64_t *sizes;
	double *reals;
	size_t count;
};
#define FOT_OWN_MAX 8

/* One task; which of these a task has says its class. */
struct fot_task_spec {
	const struct fot_task_class *class;
	char **dataset; /* names, or paths where they are */
	char **dataset_written; /* [n_datasets] as the spec has them; NULL: the same */
	size_t n_datasets;
	enum fot_split split;
	int64_t *context_length; /* ascending, distinct */
	size_t n_lengths;
	int64_t target_tokens; /* per document */
	int64_t max_documents; /* per dataset */
	int64_t own_tokens;    /* perplexity, multi-doc: of the document itself; 0: single-doc */
	int64_t targets_from;  /* perplexity: context length that places the targets; 0: the longest */
	double *depth;         /* ascending, distinct, 0 to 1 */
	size_t n_depths;
	int *style; /* enum fot_passkey_style, as given */
	size_t n_styles;
	int64_t trials;
	int64_t *shots; /* ascending, distinct; FOT_FEWSHOT_FILL first if there */
	size_t n_shots;
	int64_t demo_seeds, test_items, answer_tokens;
	int scoring;    /* enum fot_fewshot_score */
	bool balanced, repeat_demos;
	union fot_own own[FOT_OWN_MAX]; /* the class says what each is: keys at FOT_KEY_AT(struct fot_task_spec, own[I].integer) */
	char *template, *template_written; /* file; NULL: by the set's name */
};

struct fot_lengths {
	int64_t *at;
	size_t n, cap;
};

/* What is left out of the product: where all that is given matches. */
struct fot_exclusion {
	char *model;   /* name of the folder; NULL: any */
	char *variant; /* NULL: any */
	char *dataset; /* name; NULL: any */
	char *task;    /* NULL: any */
	char *style;   /* prompt style; NULL: any */
	bool has_memory;
	struct fot_attach memory; /* what is not given: any */
	struct fot_lengths context_length; /* n 0: any */
};

struct fot_spec {
	char *name;
	char *folder; /* of its file, from where paths are looked for too; NULL: none */
	uint64_t seed;
	int32_t window;  /* 0: each model's */
	int32_t threads; /* 0: not said */
	enum fot_compute compute;
	enum fot_engine_number engine;
	struct fot_model_spec *model;
	size_t n_models;
	struct fot_task_spec *task;
	size_t n_tasks;
	struct fot_exclusion *exclude;
	size_t n_excluded;
};

/* Errors: FOT_ERR_USAGE. Paths are looked for as paths.h says;
 * base_dir: the spec's folder, NULL: none. */
int fot_spec_parse(struct fot_spec *s, const cJSON *root, const char *name, const char *base_dir,
		   struct fot_err *err);
int fot_spec_read(struct fot_spec *s, const char *path, struct fot_err *err);
void fot_spec_release(struct fot_spec *s);

/* The spec with every default filled in and nothing that is only of this
 * machine (threads, resolved paths): the form that is hashed and stored. */
cJSON *fot_spec_json(const struct fot_spec *s); /* NULL without memory */
int fot_spec_hash(char out[65], const struct fot_spec *s, struct fot_err *err);

const char *fot_spec_split_name(enum fot_split split);

/* Append "2k", "2k,8k,32k" or "2k-256k*2" (a geometric range). false: rubbish,
 * not positive, descending or more than 4096 lengths. */
bool fot_lengths_add(struct fot_lengths *l, const char *text);
void fot_lengths_release(struct fot_lengths *l);

#endif
