/* recipe.h: a training run as data: model, corpora, stages.
 *
 *   {"name": "lm-fot", "variant": "fot", "seed": 1,
 *    "model": {...},                        config.json keys, "fot" included
 *    "tokenizer": "byte", "none", a tokenizer.model or a tokenizer.json,
 *    "datasets": [{"name": "books", "weight": 1}, ...],
 *    "generator": {"kind": "lookup" | "passkey" | "episodes", ...},   see generator.h; optional
 *    "init": {"gain": 0.6, "embed_std": 0.5} or {"from": "model/zoo/lm-local", "sha256": "..."},
 *    "optimizer": {"beta1", "beta2", "eps", "weight_decay", "clip", "gate_lr"},
 *    "stages": [{"method": "standard" | "crossbatch" | "memorizing" | "transformer-xl" | "longllama",
 *                "steps", "window", "batch", "accumulate", "w", "d", "negatives", "far", "copy", "pack", "near",
 *                "cut", "top_k", "range", "stepping", "teach", "teach_end", "teach_text", "lr", "lr_end", "warmup"}, ...],
 *    "validation": {"every": 200, "windows": 16, "memory": 8},
 *    "checkpoint_every": 200, "save_dtype": "F32" | "F16" | "BF16",
 *    "compute": "f32" | "bf16"}             of products (compute.h)
 *
 * init.from: fine-tuning, the weights of a model folder instead of random ones; gates of the memory
 * that it does not have start at g = 1/2.  (`--from DIR` does the same for a folder that is no run.)
 * init.vote: the network begins as a vote of like texts (vote.h): embeddings of init.from, all else by rule, plus the
 * random numbers that init.gain says.  Embeddings and what lies below the memory layer are held then, but for what texts'
 * means are taken of.  For the generator episodes, with its template.
 *
 * A "model" without hidden_size (or none at all) is the model that is started from, with these keys over
 * its config.json; then "tokenizer" may be left out, too: it is that model's.
 * With init.sha256 it must be these weights: its model.safetensors has that hash, so that the
 * recipe makes the same model everywhere.
 *
 * crossbatch, memorizing: who sees whom, crossbatch.h.  memorizing has d = 1, no negatives and
 * no gradient into the memory; its keys and values are those of the step, not stale ones.
 * top_k (either): each query and head reads the k best keys of the memory, as `--memory knn
 * --top-k k` does at evaluation; 0 or absent: all.  With many negatives it is much cheaper.
 *
 * accumulate: a step goes through so many batches, one after the other in the memory of one, and takes the mean of their
 * losses.  Windows that meet no others (standard, transformer-xl) are those of one batch of that size; what else sees windows
 * of its own batch alone, and rows (longllama) go on by as many.
 *
 * teach (generator episodes): weight of a loss term that says to the memory layers where labels of the
 * right class stand (teach.c), and with teach times teach_text to the layers below to read the text, going in a straight line to teach_end; any method, so that variants
 * can be taught the same.
 *
 * A recipe whose last stage is transformer-xl makes a model with "cached_windows": 1, which is read
 * that way (config.h).
 *
 * Validation of a corpus: its windows without memory, with one and with `memory` windows
 * before them (top_k as in the last stage).  Of a generator: held-out batches of the last stage without
 * memory, with the own windows, and with everything that stage shows; also the share of right answers.
 *
 * Within a stage the learning rate rises linearly for `warmup` steps to lr and
 * then follows a cosine to lr_end.  Nothing in a stage depends on later ones: two
 * recipes with the same beginning pass through the same bits, and one may go on
 * from the other's checkpoint. */
#ifndef FOT_RECIPE_H
#define FOT_RECIPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/keys.h"
#include "model/compute.h"
#include "model/config.h"
#include "model/train/crossbatch.h"
#include "model/train/generator.h"
#include "model/train/optimizer.h"

#define FOT_MAX_STAGES 64
#define FOT_MAX_SOURCES 32

struct fot_lr {
	double lr, lr_end;
	int64_t warmup;
};

struct fot_recipe {
	char *name, *variant, *tokenizer; /* tokenizer: "byte", "none" or a path */
	uint64_t seed;
	struct fot_config config;
	size_t n_datasets;
	char *dataset[FOT_MAX_SOURCES];
	double weight[FOT_MAX_SOURCES];
	struct fot_generator generator; /* kind FOT_GENERATOR_NONE: none */
	double gain, embed_std;
	bool vote; /* see above */
	char *start; /* folder of the model to start from, or NULL: random */
	char start_sha256[65]; /* of its model.safetensors; "": whichever are there */
	struct fot_adamw_opts adamw;
	size_t n_stages;
	struct fot_stage stage[FOT_MAX_STAGES];
	struct fot_lr lr[FOT_MAX_STAGES];
	int64_t valid_every, valid_windows, valid_memory; /* every 0: no validation */
	int64_t checkpoint_every;
	enum fot_dtype save_dtype;
	enum fot_compute compute;
	bool needs_base; /* the model is that of a folder which was not given: only `start` is read */
	char *base;      /* the folder whose config.json the model goes out from; NULL: the recipe says all */
	char *text;     /* the recipe as given */
	char sha256[65];
};

/* The keys of every object of a recipe but "model", which is a config.json. */
extern const struct fot_key_table fot_recipe_tables[];
extern const size_t fot_n_recipe_tables;

/* Errors: FOT_ERR_USAGE with file and key. */
int fot_recipe_read(struct fot_recipe *r, const char *path, struct fot_err *err);
/* The same of a recipe whose model may be that of the folder `base` (NULL: none known; see needs_base).
 * Errors of that folder: FOT_ERR_INPUT. */
int fot_recipe_read_on(struct fot_recipe *r, const char *path, const char *base, struct fot_err *err);
int fot_recipe_parse(struct fot_recipe *r, const char *text, size_t n, const char *name, struct fot_err *err);
/* As if the recipe said it, as its text does then, too. Errors: FOT_ERR_RUN (memory). */
int fot_recipe_compute(struct fot_recipe *r, enum fot_compute compute, struct fot_err *err);
void fot_recipe_release(struct fot_recipe *r);

int64_t fot_recipe_steps(const struct fot_recipe *r);
/* Stage of a step and the learning rate there; step in [0, steps). */
size_t fot_recipe_stage(const struct fot_recipe *r, int64_t step, double *lr);
/* Weight of attention teaching at a step. */
double fot_recipe_teach(const struct fot_recipe *r, int64_t step);
/* Tokens that asked for a loss in the first `steps` steps. */
int64_t fot_recipe_tokens(const struct fot_recipe *r, int64_t steps);
/* Do both give the same bits for the first `steps` steps? If not, *why names the
 * first difference. */
bool fot_recipe_same_beginning(const struct fot_recipe *a, const struct fot_recipe *b, int64_t steps,
			       const char **why);

#endif
