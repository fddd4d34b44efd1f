/* paths.h: one rule for the names of models, texts, tokenizers, templates, specs and recipes, wherever they
 * are given: in a flag, a spec or a recipe.  The first that is there:
 *
 *   1. the path as it is written (from the working folder, or absolute)
 *   2. the path beside the file that names it (a spec or a recipe)
 *   3. the path in the program's repository, or in what is installed with it (place.h)
 *   4. a bare name, without a slash: what is shipped under that name, such as model/zoo/NAME */
#ifndef FOT_PATHS_H
#define FOT_PATHS_H

#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

enum fot_path_kind { FOT_PATH_MODEL, FOT_PATH_TEXT, FOT_PATH_TOKENIZER, FOT_PATH_TEMPLATE, FOT_PATH_SPEC, FOT_PATH_RECIPE };

/* Append where it is, or the name as written if it is nowhere. beside: the folder of the file that names it, or
 * NULL. true: it is there. Lack of memory shows in out->failed. */
bool fot_path_find(struct fot_str *out, enum fot_path_kind kind, const char *name, const char *beside);
/* The error of one that is nowhere, with this code, naming every place looked at. */
int fot_path_missing(enum fot_path_kind kind, const char *name, const char *beside, int code, struct fot_err *err);
/* The same for what a command cannot do without. Errors: those of fot_path_missing, FOT_ERR_RUN. */
int fot_path_need(struct fot_str *out, enum fot_path_kind kind, const char *name, const char *beside, int code,
		  struct fot_err *err);
/* Find and open a model that a flag names. Errors: as fot_path_missing, fot_model_open. */
int fot_path_open_model(struct fot_model **out, const char *name, struct fot_err *err);
/* "model/zoo/NAME": what a bare name stands for, NULL: nothing. */
const char *fot_path_shipped(enum fot_path_kind kind);
/* "model", "text", ... */
const char *fot_path_kind_name(enum fot_path_kind kind);

/* Append the folder of datasets: what is given; without it (NULL) $FOTBENCH_DATA; else ./datasets/store where ./datasets/manifests is; else
 * datasets/store of the program's repository; of an installed program, store in the user's folder for data.
 * Errors: FOT_ERR_RUN. */
int fot_store_find(struct fot_str *out, const char *given, struct fot_err *err);
/* Append a path in the repository: as it is where ./datasets/manifests is, else in what is shipped with the program
 * (place.h). */
int fot_repository_path(struct fot_str *out, const char *name);
/* The manifests: ./datasets/manifests, else those beside the program. */
int fot_manifests_default(struct fot_str *out);

#endif
