/* options.h: command line options from a table.
 *
 * `--name value`, `--name=value`, `-x value` and `-xvalue`; `--` ends options.  A value that may be left out
 * stands in --name=value alone.
 * Unknown options are answered with the nearest known one, a repeated option
 * and a value out of range are errors: FOT_ERR_USAGE, exit code 2.  Defaults are
 * what the variables hold before parsing, and --help shows them.
 *
 * Options that mean the same in every command stand below as rows (FOT_COMMON_...): one name, letter,
 * sentence and default wherever they are taken. */
#ifndef FOT_OPTIONS_H
#define FOT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"

enum fot_option_type {
	FOT_OPTION_FLAG,   /* bool: true when given */
	FOT_OPTION_INT,    /* int64_t */
	FOT_OPTION_SIZE,   /* int64_t, suffixes k and M (fot_parse_size) */
	FOT_OPTION_REAL,   /* double */
	FOT_OPTION_TEXT,   /* const char *, points into argv */
	FOT_OPTION_CHOICE, /* int: index into choices */
	FOT_OPTION_TEXTS,  /* struct fot_texts: may be repeated */
	FOT_OPTION_OPTIONAL /* const char *: "" when given, or the text of --name=TEXT */
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
	/* For fot_command: what the command does with its flags. */
	int (*run)(void *flags, const struct fot_options *o, struct fot_err *err);
	/* out */
	int argc; /* of fot_command */
	char **argv;
	const char *positional[FOT_POSITIONAL_MAX];
	size_t n_positional;
	bool help;
};

/* argv[0] is the command's name. */
int fot_options_parse(struct fot_options *o, int argc, char **argv, struct fot_err *err);
/* Call before parsing, when the variables still hold the defaults. */
void fot_options_help(struct fot_str *out, const struct fot_options *o);

/* What an option does, with its default, as --help tells it; before parsing. */
void fot_option_tell(struct fot_str *out, const struct fot_option *p);

/* For commands: parse, answer --help on stdout and errors on stderr. True when
 * the command is over, with its exit code. Alone, `--help=common` prints the command's cells of
 * fot_common_heading's table, `--help=man` its part of a manual page, `--help=bash` and other shells what completes it
 * (manual.h). */
bool fot_options_answered(struct fot_options *o, int argc, char **argv, int *exit_code);

/* A command from its usage ("NAME ARGUMENTS"), what is told of it, its table, how many arguments it takes and what it does. */
#define FOT_COMMAND(name, arguments, told, table, least, most, does)                                      \
	{                                                                                                 \
		.command = (name), .usage = name " " arguments, .about = (told), .option = (table),       \
		.n = FOT_COUNT(table), .min_positional = (least), .max_positional = (most), .run = (does) \
	}
/* Answer or parse, do what --quiet and --progress say, run with the flags, print the error unless it was printed where
 * it arose (FOT_ERR_PARTIAL, signals). Returns the exit code. */
int fot_command(struct fot_options *o, int argc, char **argv, void *flags);

/* --- rows of a command's table: { FOT_TEXT_OPTION("store", &store, "DIR", "..."), .required = true } --- */

#define FOT_OPTION_OF(kind, n, v, h) .name = (n), .type = FOT_OPTION_##kind, .value = (v), .help = (h)
#define FOT_NUMBER_OPTION(kind, n, v, least, most, a, h) \
	FOT_OPTION_OF(kind, n, v, h), .lo = (least), .hi = (most), .arg = (a)

#define FOT_FLAG_OPTION(n, v, h) FOT_OPTION_OF(FLAG, n, v, h)
#define FOT_TEXT_OPTION(n, v, a, h) FOT_OPTION_OF(TEXT, n, v, h), .arg = (a)
#define FOT_TEXTS_OPTION(n, v, a, h) FOT_OPTION_OF(TEXTS, n, v, h), .arg = (a)
#define FOT_CHOICE_OPTION(n, v, words, h) FOT_OPTION_OF(CHOICE, n, v, h), .choices = (words)
#define FOT_INT_OPTION(n, v, least, most, a, h) FOT_NUMBER_OPTION(INT, n, v, least, most, a, h)
#define FOT_SIZE_OPTION(n, v, least, most, a, h) FOT_NUMBER_OPTION(SIZE, n, v, least, most, a, h)
#define FOT_REAL_OPTION(n, v, least, most, a, h) FOT_NUMBER_OPTION(REAL, n, v, least, most, a, h)

/* --- common options --- */

#define FOT_THREADS_MOST 1024

/* const char **, may be required */
#define FOT_COMMON_MODEL_HELP "model folder"
#define FOT_COMMON_MODEL(v, must) \
	{ FOT_TEXT_OPTION("model", v, "DIR", FOT_COMMON_MODEL_HELP), .letter = 'm', .required = (must) }
/* const char **, may be required */
#define FOT_COMMON_OUTPUT(v, must) \
	{ FOT_TEXT_OPTION("output", v, "DIR", "folder for the results"), .letter = 'o', .required = (must) }
/* bool *; see fot_command */
#define FOT_COMMON_QUIET(v) { FOT_FLAG_OPTION("quiet", v, "warnings and errors only"), .letter = 'q' }
/* bool * */
#define FOT_COMMON_JSON(v) { FOT_FLAG_OPTION("json", v, "the result as JSON on stdout") }
/* int *, enum fot_progress_mode */
#define FOT_COMMON_PROGRESS(v) \
	{ FOT_CHOICE_OPTION("progress", v, fot_progress_names, "progress on stderr; auto: unless -q") }
/* int64_t *, 0: all processors */
#define FOT_COMMON_THREADS(v)                                                        \
	{ FOT_INT_OPTION("threads", v, 1, FOT_THREADS_MOST, "N",                     \
			 "threads; no result depends on it [all processors]"), .letter = 't' }
/* const char ** */
#define FOT_COMMON_STORE(v)                    \
	{ FOT_TEXT_OPTION("store", v, "DIR", \
			  "folder of installed datasets [$FOTBENCH_DATA, else datasets/store; see help paths]") }

extern const char *const fot_progress_names[]; /* auto, on, off */

/* A Markdown table of commands and common options: its first two lines; a command's line is its name's
 * cell, those of --help=common, and a newline.  Then what each option means. */
void fot_common_heading(struct fot_str *out);
void fot_common_meanings(struct fot_str *out);

/* Print an error ("error: COMMAND: text") on stderr; returns err->code. */
int fot_command_failed(const char *command, const struct fot_err *err);
/* How a command ends: FOT_OK says nothing; else the error as fot_command_failed does, and where --json was given
 * {"error":TEXT,"exit_code":N} on stdout. Returns status. */
int fot_command_ended(const struct fot_options *o, int status, const struct fot_err *err);
/* Print lines on stdout; control characters but ends of lines become '?'. */
void fot_print_lines(const char *text);

#endif
