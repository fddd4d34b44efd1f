/* commands.h: the subcommands of main.c's table: argv[0] is the command's name, what is returned the exit code. */
#ifndef FOT_COMMANDS_H
#define FOT_COMMANDS_H

#include "base/str.h"

struct fot_task_class;

int fot_cmd_run(int argc, char **argv);
/* A task's command: its flags build the same spec as a file would. */
int fot_cmd_task(const struct fot_task_class *class, int argc, char **argv);
int fot_cmd_merge(int argc, char **argv);
int fot_cmd_submit(int argc, char **argv);
int fot_cmd_status(int argc, char **argv);
int fot_cmd_validate(int argc, char **argv);
/* The parity door. */
int fot_cmd_score(int argc, char **argv);
int fot_cmd_generate(int argc, char **argv);
int fot_cmd_train(int argc, char **argv);
int fot_cmd_compare(int argc, char **argv);
int fot_cmd_report(int argc, char **argv);
int fot_cmd_export(int argc, char **argv);
int fot_cmd_plot(int argc, char **argv);
int fot_cmd_data(int argc, char **argv);
int fot_cmd_tokenize(int argc, char **argv);
int fot_cmd_detokenize(int argc, char **argv);
int fot_cmd_inspect(int argc, char **argv);
int fot_cmd_bench(int argc, char **argv);

/* --version: version and commit, compiler, BLAS, processor and kernels, folders. Returns the exit code. */
int fot_print_version(void);
/* The keys of a spec: name, type, bounds or words, default and sentence of each. */
void fot_help_spec(struct fot_str *out);
/* The same of a training recipe. */
void fot_help_recipe(struct fot_str *out);
/* The columns of every CSV file: those of the tasks, then the others. */
void fot_help_columns(struct fot_str *out);
/* Where models, texts, templates and tokenizers are looked for. */
void fot_help_paths(struct fot_str *out);

#endif
