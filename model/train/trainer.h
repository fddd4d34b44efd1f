/* trainer.h: a training run in a folder.
 *
 *   OUT/recipe.json               as given
 *   OUT/train.csv                 one row per step
 *   OUT/valid.csv                 held-out loss per dataset and memory size
 *   OUT/labels.csv                generator episodes: held-out labels chosen right, by demonstrations in sight
 *   OUT/checkpoint-N/             a model folder, and beside it the moments; the newest only
 *   OUT/latest.json               names it; replaced last, atomically
 *   OUT/config.json, model.safetensors, tokenizer.model    the result
 *
 * A run that was stopped at any point and resumed ends with the same bits. */
#ifndef FOT_TRAINER_H
#define FOT_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/train/recipe.h"

struct fot_train_progress {
	int64_t step, steps, tokens;
	size_t stage;
	double loss, lr, grad_norm, tokens_per_s, gflops, eta_s;
	const char *valid; /* a line about the latest validation, or NULL */
};

struct fot_train_opts {
	const char *out;      /* folder */
	const char *store;    /* dataset store */
	const char *from;     /* folder of another run with the same beginning, or of a model to start from, or NULL */
	const char *tokenizer, *template, *start; /* where the recipe's files are; NULL: where it says */
	bool resume;          /* go on from OUT's checkpoint if there is one */
	int n_threads;
	int64_t stop_after;   /* stop (with a checkpoint) at this step of the run, 0 = run to the end */
	/* Called after each step; non-zero return stops with a checkpoint. */
	int (*progress)(void *user, const struct fot_train_progress *p);
	/* Called before the first step for each dataset that leaves something out; may be NULL. */
	void (*notice)(void *user, const char *dataset, const char *text);
	void *user;
};

/* *finished: all steps done and the result written. Errors: FOT_ERR_RUN (loss not
 * finite, memory), FOT_ERR_INPUT (data, tokenizer), FOT_ERR_OUTPUT, FOT_ERR_USAGE
 * (resume of another recipe). */
int fot_train(const struct fot_recipe *r, const struct fot_train_opts *o, bool *finished, struct fot_err *err);
/* Open what fot_train would read: tokenizer, texts, labelled sets. Writes nothing but the store's cache of
 * tokens. Errors: as there. */
int fot_train_check(const struct fot_recipe *r, const struct fot_train_opts *o, struct fot_err *err);
/* Bytes of the largest step. */
size_t fot_train_estimate(const struct fot_recipe *r, int n_threads);

#endif
