/* options.h: command line options from a table.
 *
 * `--name value`, `--name=value`, `-x value` and `-xvalue`; `--` ends options.
 * Unknown options are answered with the nearest known one, a repeated option
 * and a value out of range are errors: FOT_ERR_USAGE, exit code 2.  Defaults are
 * what the variables hold before parsing, and --help shows them. */
#ifndef FOT_OPTIONS_H
#define FOT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

enum fot_option_type {
	FOT_OPTION_FLAG,   /* bool: true when given */
	FOT_OPTION_INT,    /* int64_t */
	FOT_OPTION_SIZE,   /* int64_t, suffixes k and M */
	FOT_OPTION_REAL,   /* double */
	FOT_OPTION_TEXT,   /* const char *, points into argv */
	FOT_OPTION_CHOICE, /* int: index into choices */
	FOT_OPTION_TEXTS   /* struct fot_texts: may be repeated */
};

#define FOT_TEXTS_MAX 64
struct fot_texts {
	const char *at[FOT_TEXTS_MAX];
	size_t n;
};

struct fot_option {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum fot_option_type type;
	void *value;
	double lo, hi;              /* INT, SIZE, REAL */
	const char *const *choices; /* CHOICE: names, NULL-terminated */
	const char *arg;            /* name of the value in --help */
	const char *help;
	bool required;
	bool given; /* out */
};

#define FOT_POSITIONAL_MAX 64
struct fot_options {
	const char *command; /* "run" */
	const char *usage;   /* "run SPEC.json -o DIR [options]" */
	const char *about;   /* paragraph for --help */
	struct fot_option *option;
	size_t n;
	size_t min_positional, max_positional;
	/* out */
	const char *positional[FOT_POSITIONAL_MAX];
	size_t n_positional;
	bool help;
};

/* argv[0] is the command's name. */
int fot_options_parse(struct fot_options *o, int argc, char **argv, struct fot_err *err);
/* Call before parsing, when the variables still hold the defaults. */
void fot_options_help(struct fot_str *out, const struct fot_options *o);
bool fot_option_given(const struct fot_options *o, const char *name);

/* For commands: parse, answer --help on stdout and errors on stderr. True when
 * the command is over, with its exit code. */
bool fot_options_answered(struct fot_options *o, int argc, char **argv, int *exit_code);

/* Print an error ("error: COMMAND: text") on stderr; returns err->code. */
int fot_command_failed(const char *command, const struct fot_err *err);

#endif
