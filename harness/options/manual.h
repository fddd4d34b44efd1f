/* manual.h: manual pages and completions of the shells, out of the tables of commands and options.
 *
 * `fotbench help man COMMAND` and `fotbench help completion SHELL` print them; a command's own part is what it prints
 * for --help=FORM (options.h). */
#ifndef FOT_MANUAL_H
#define FOT_MANUAL_H

#include <stddef.h>

#include "base/str.h"

struct fot_options;
struct fot_named {
	const char *name, *about;
};

/* fotbench(1): all commands, exit codes, environment, files. */
void fot_manual(struct fot_str *out, const struct fot_named *command, size_t n);
/* A command's page up to its SYNOPSIS, and what follows its options. */
void fot_manual_begin(struct fot_str *out, const struct fot_named *command);
void fot_manual_end(struct fot_str *out);
/* SYNOPSIS, DESCRIPTION, OPTIONS. Defaults are what the variables hold. */
void fot_manual_options(struct fot_str *out, const struct fot_options *o);

struct fot_shell {
	const char *name; /* bash, zsh, fish */
	const char *form; /* --help=bash */
	void (*begin)(struct fot_str *out, const struct fot_named *command, size_t n);
	void (*options)(struct fot_str *out, const struct fot_options *o); /* a command's part */
	const char *end;
};
extern const struct fot_shell fot_shells[];
extern const size_t fot_n_shells;

#endif
