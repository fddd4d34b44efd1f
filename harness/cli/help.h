/* help.h: what `fotbench help TOPIC` prints besides commands: made of the tables that do the work. */
#ifndef FOT_HELP_H
#define FOT_HELP_H

#include "base/str.h"

/* The keys of a spec: name, type, bounds or words, default and sentence of each. */
void fot_help_spec(struct fot_str *out);
/* The same of a training recipe. */
void fot_help_recipe(struct fot_str *out);
/* The columns of every CSV file: those of the tasks, then the others. */
void fot_help_columns(struct fot_str *out);
/* Where models, texts, templates and tokenizers are looked for. */
void fot_help_paths(struct fot_str *out);

#endif
