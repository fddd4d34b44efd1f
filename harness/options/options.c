/* options.c: see options.h. */
#include "harness/options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/quote.h"
#include "harness/options/manual.h"
#include "model/session.h"

#define MAX_NAMES 96

static struct fot_option *find_long(const struct fot_options *o, const char *name, size_t n)
{
	for (size_t i = 0; i < o->n; i++) {
		if (strlen(o->option[i].name) == n && memcmp(o->option[i].name, name, n) == 0)
			return &o->option[i];
	}
	return NULL;
}

static struct fot_option *find_letter(struct fot_options *o, char letter)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->option[i].letter && o->option[i].letter == letter)
			return &o->option[i];
	}
	return NULL;
}

static int unknown(const struct fot_options *o, const char *arg, struct fot_err *err)
{
	const char *names[MAX_NAMES], *near = NULL;
	char name[64];
	size_t n = 0;

	if (arg[0] == '-' && arg[1] == '-') {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
		for (size_t i = 0; i < o->n && n < MAX_NAMES; i++)
			names[n++] = o->option[i].name;
		near = fot_nearest(name, names, n);
	}
	if (near)
		return FOT_FAIL(err, FOT_ERR_USAGE, "unknown option %s; did you mean --%s?", arg, near);
	return FOT_FAIL(err, FOT_ERR_USAGE, "unknown option %s; see fotbench %s --help", arg, o->command);
}

static int out_of_range(const struct fot_option *p, const char *text, const char *kind, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: expected %s from %.17g to %.17g, got \"%s\"", p->name,
			kind, p->lo, p->hi, text);
}

static int take_choice(struct fot_option *p, const char *text, struct fot_err *err)
{
	struct fot_str list = FOT_STR_INIT;
	int status;

	for (int i = 0; p->choices[i]; i++) {
		if (strcmp(p->choices[i], text) == 0) {
			*(int *)p->value = i;
			return FOT_OK;
		}
	}
	for (int i = 0; p->choices[i]; i++)
		fot_str_printf(&list, "%s%s", i ? ", " : "", p->choices[i]);
	status = FOT_FAIL(err, FOT_ERR_USAGE, "--%s: expected one of %s, got \"%s\"", p->name,
			  list.failed ? "the choices" : list.data, text);
	fot_str_release(&list);
	return status;
}

static int take_value(struct fot_option *p, const char *text, struct fot_err *err)
{
	struct fot_texts *texts = p->value;
	int64_t i;
	double x;

	switch (p->type) {
	case FOT_OPTION_INT:
	case FOT_OPTION_SIZE:
		if (!(p->type == FOT_OPTION_INT ? fot_parse_i64(text, &i) : fot_parse_size(text, &i)) ||
		    (double)i < p->lo || (double)i > p->hi)
			return out_of_range(p, text,
					    p->type == FOT_OPTION_INT ? "an integer" : "a size (512, 8k, 1M)",
					    err);
		*(int64_t *)p->value = i;
		return FOT_OK;
	case FOT_OPTION_REAL:
		if (!fot_parse_double(text, &x) || x < p->lo || x > p->hi)
			return out_of_range(p, text, "a number", err);
		*(double *)p->value = x;
		return FOT_OK;
	case FOT_OPTION_CHOICE:
		return take_choice(p, text, err);
	case FOT_OPTION_TEXTS:
		if (texts->n == FOT_TEXTS_MAX)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: given more than %d times", p->name,
					FOT_TEXTS_MAX);
		texts->at[texts->n++] = text;
		return FOT_OK;
	case FOT_OPTION_TEXT:
	case FOT_OPTION_OPTIONAL:
		if (!*text)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: expected %s, got \"\"", p->name, p->arg);
		*(const char **)p->value = text;
		return FOT_OK;
	case FOT_OPTION_FLAG:
		break;
	}
	return FOT_FAIL(err, FOT_ERR_USAGE, "--%s takes no value", p->name);
}

/* value: what stands in the same argument, or NULL. *i moves on when the next is taken. */
static int take_option(struct fot_option *p, const char *value, int argc, char **argv, int *i,
		       struct fot_err *err)
{
	if (p->given && p->type != FOT_OPTION_TEXTS)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: given twice", p->name);
	p->given = true;
	if (p->type == FOT_OPTION_FLAG && !value) {
		*(bool *)p->value = true;
		return FOT_OK;
	}
	if (p->type == FOT_OPTION_FLAG)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--%s takes no value", p->name);
	if (p->type == FOT_OPTION_OPTIONAL && !value) {
		*(const char **)p->value = "";
		return FOT_OK;
	}
	if (!value && *i + 1 >= argc)
		return FOT_FAIL(err, FOT_ERR_USAGE, "--%s: expected %s behind it", p->name, p->arg);
	if (!value)
		value = argv[++*i];
	return take_value(p, value, err);
}

static int take_argument(struct fot_options *o, int argc, char **argv, int *i, struct fot_err *err)
{
	const char *arg = argv[*i];
	const char *equals = strchr(arg, '=');
	struct fot_option *p;

	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
		o->help = true;
		return FOT_OK;
	}
	if (arg[1] == '-') {
		p = find_long(o, arg + 2, equals ? (size_t)(equals - arg) - 2 : strlen(arg + 2));
		return p ? take_option(p, equals ? equals + 1 : NULL, argc, argv, i, err) :
			   unknown(o, arg, err);
	}
	p = find_letter(o, arg[1]);
	return p ? take_option(p, arg[2] ? arg + 2 : NULL, argc, argv, i, err) : unknown(o, arg, err);
}

static int check_complete(const struct fot_options *o, struct fot_err *err)
{
	if (o->n_positional < o->min_positional)
		return FOT_FAIL(err, FOT_ERR_USAGE, "too few arguments; usage: fotbench %s", o->usage);
	for (size_t i = 0; i < o->n; i++) {
		if (o->option[i].required && !o->option[i].given)
			return FOT_FAIL(err, FOT_ERR_USAGE, "--%s %s is missing (%s); usage: fotbench %s",
					o->option[i].name, o->option[i].arg, o->option[i].help, o->usage);
	}
	return FOT_OK;
}

int fot_options_parse(struct fot_options *o, int argc, char **argv, struct fot_err *err)
{
	bool only_positional = false;
	int status;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!only_positional && strcmp(arg, "--") == 0) {
			only_positional = true;
		} else if (!only_positional && arg[0] == '-' && arg[1]) {
			status = take_argument(o, argc, argv, &i, err);
			if (status != FOT_OK || o->help)
				return status;
		} else if (o->n_positional >= o->max_positional || o->n_positional >= FOT_POSITIONAL_MAX) {
			return FOT_FAIL(err, FOT_ERR_USAGE, "unexpected argument \"%s\"; usage: fotbench %s",
					arg, o->usage);
		} else {
			o->positional[o->n_positional++] = arg;
		}
	}
	return check_complete(o, err);
}

/* --- help --- */

static void show_default(struct fot_str *out, const struct fot_option *p)
{
	if (p->type == FOT_OPTION_INT || p->type == FOT_OPTION_SIZE) {
		if (*(const int64_t *)p->value >= (int64_t)p->lo)
			fot_str_printf(out, " [%lld]", (long long)*(const int64_t *)p->value);
	} else if (p->type == FOT_OPTION_REAL) {
		if (*(const double *)p->value >= p->lo)
			fot_str_printf(out, " [%g]", *(const double *)p->value);
	} else if (p->type == FOT_OPTION_CHOICE && *(const int *)p->value >= 0) {
		fot_str_printf(out, " [%s]", p->choices[*(const int *)p->value]);
	} else if (p->type == FOT_OPTION_TEXT && *(const char *const *)p->value) {
		fot_str_printf(out, " [%s]", *(const char *const *)p->value);
	}
}

void fot_option_tell(struct fot_str *out, const struct fot_option *p)
{
	fot_str_printf(out, "%s%s", p->help, p->type == FOT_OPTION_TEXTS ? "; may be repeated" : "");
	show_default(out, p);
	fot_str_puts(out, p->required ? " (required)" : "");
}

static void show_option(struct fot_str *out, const struct fot_option *p)
{
	struct fot_str left = FOT_STR_INIT;

	if (p->letter)
		fot_str_printf(&left, "-%c, ", p->letter);
	else
		fot_str_puts(&left, "    ");
	fot_str_printf(&left, "--%s", p->name);
	if (p->type == FOT_OPTION_CHOICE) {
		for (int i = 0; p->choices[i]; i++)
			fot_str_printf(&left, "%s%s", i ? "|" : " ", p->choices[i]);
	} else if (p->type == FOT_OPTION_OPTIONAL) {
		fot_str_printf(&left, "[=%s]", p->arg);
	} else if (p->type != FOT_OPTION_FLAG) {
		fot_str_printf(&left, " %s", p->arg);
	}
	fot_str_printf(out, "  %-34s%s", left.failed ? p->name : left.data,
		       left.len > 33 ? "\n                                    " : " ");
	fot_option_tell(out, p);
	fot_str_putc(out, '\n');
	fot_str_release(&left);
}

void fot_options_help(struct fot_str *out, const struct fot_options *o)
{
	fot_str_printf(out, "usage: fotbench %s\n\n%s\n", o->usage, o->about);
	if (o->n > 0)
		fot_str_puts(out, "\noptions [default]:\n");
	for (size_t i = 0; i < o->n; i++)
		show_option(out, &o->option[i]);
}

/* --- common options --- */

const char *const fot_progress_names[] = { "auto", "on", "off", NULL };

static const struct fot_option common[] = {
	FOT_COMMON_MODEL(NULL, false), FOT_COMMON_OUTPUT(NULL, false), FOT_COMMON_QUIET(NULL),
	FOT_COMMON_JSON(NULL),         FOT_COMMON_PROGRESS(NULL),      FOT_COMMON_THREADS(NULL),
};
#define N_COMMON FOT_COUNT(common)
_Static_assert(FOT_THREADS_MOST == FOT_SESSION_THREADS_MAX, "what a session takes");

static void show_flag(struct fot_str *out, const struct fot_option *p)
{
	if (p->letter)
		fot_str_printf(out, "`-%c`", p->letter);
	else
		fot_str_printf(out, "`--%s`", p->name);
}

void fot_common_heading(struct fot_str *out)
{
	fot_str_puts(out, "| command |");
	for (size_t i = 0; i < N_COMMON; i++) {
		fot_str_putc(out, ' ');
		show_flag(out, &common[i]);
		fot_str_puts(out, " |");
	}
	fot_str_puts(out, "\n|---|");
	for (size_t i = 0; i < N_COMMON; i++)
		fot_str_puts(out, "---|");
	fot_str_putc(out, '\n');
}

void fot_common_meanings(struct fot_str *out)
{
	for (size_t i = 0; i < N_COMMON; i++) {
		const struct fot_option *p = &common[i];

		fot_str_puts(out, "- ");
		if (p->letter) {
			show_flag(out, p);
			fot_str_puts(out, ", ");
		}
		fot_str_printf(out, "`--%s", p->name);
		for (int k = 0; p->choices && p->choices[k]; k++)
			fot_str_printf(out, "%s%s", k ? "|" : " ", p->choices[k]);
		fot_str_printf(out, "%s%s`: %s\n", p->arg ? " " : "", p->arg ? p->arg : "", p->help);
	}
}

/* The command's cells: the value that an option takes, or yes. */
static void show_common(struct fot_str *out, const struct fot_options *o)
{
	for (size_t i = 0; i < N_COMMON; i++) {
		const struct fot_option *p = find_long(o, common[i].name, strlen(common[i].name));

		fot_str_printf(out, " %s |", !p ? "" : p->arg ? p->arg : "yes");
	}
}

/* --- commands --- */

/* --help=FORM: for other programs. */
static bool show_form(struct fot_str *out, const struct fot_options *o, const char *arg)
{
	static const struct {
		const char *name;
		void (*show)(struct fot_str *out, const struct fot_options *o);
	} forms[] = { { "--help=common", show_common }, { "--help=man", fot_manual_options } };
	size_t form = FOT_FIND(forms, arg);

	if (form < FOT_COUNT(forms)) {
		forms[form].show(out, o);
		return true;
	}
	for (size_t i = 0; i < fot_n_shells; i++) {
		if (strcmp(arg, fot_shells[i].form) == 0) {
			fot_shells[i].options(out, o);
			return true;
		}
	}
	return false;
}

static void begin(bool quiet, int progress)
{
	if (quiet)
		fot_log_level(FOT_LOG_WARN);
	fot_progress_mode((enum fot_progress_mode)progress);
}

int fot_command_failed(const char *command, const struct fot_err *err)
{
	fot_progress_end();
	fot_log(FOT_LOG_ERROR, "%s: %s", command, err->text);
	return err->code;
}

/* Without a result a program that reads the JSON still learns why. */
static void print_json_error(const struct fot_err *err)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err ignored;

	fot_str_puts(&out, "{\"error\":");
	fot_str_json(&out, err->text, strlen(err->text));
	fot_str_printf(&out, ",\"exit_code\":%d}\n", err->code);
	if (!out.failed)
		fputs(out.data, stdout);
	fot_flush_stdout(&ignored);
	fot_str_release(&out);
}

int fot_command_ended(const struct fot_options *o, int status, const struct fot_err *err)
{
	if (status == FOT_OK)
		return status;
	fot_command_failed(o->command, err);
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->option[i].name, "json") == 0 && o->option[i].given)
			print_json_error(err);
	return status;
}

/* Value of an option of that name; NULL: the command has none. */
static const void *value_of(const struct fot_options *o, const char *name)
{
	const struct fot_option *p = find_long(o, name, strlen(name));

	return p ? p->value : NULL;
}

int fot_command(struct fot_options *o, int argc, char **argv, void *flags)
{
	const bool *quiet = value_of(o, "quiet");
	const int *progress = value_of(o, "progress");
	struct fot_err err = { 0 };
	int status;

	if (fot_options_answered(o, argc, argv, &status))
		return status;
	o->argc = argc;
	o->argv = argv;
	begin(quiet && *quiet, progress ? *progress : FOT_PROGRESS_AUTO);
	status = o->run(flags, o, &err);
	return status == err.code ? fot_command_ended(o, status, &err) : status;
}

void fot_print_lines(const char *text)
{
	struct fot_str out = FOT_STR_INIT;

	fot_quote_lines(&out, text);
	fputs(out.failed || !out.data ? "" : out.data, stdout);
	fot_str_release(&out);
}

bool fot_options_answered(struct fot_options *o, int argc, char **argv, int *exit_code)
{
	struct fot_str help = FOT_STR_INIT;
	struct fot_err err = { 0 };
	bool over = true;

	/* before parsing: shows the defaults */
	if (argc == 2 && show_form(&help, o, argv[1])) {
		o->help = true;
		*exit_code = FOT_OK;
	} else {
		fot_options_help(&help, o);
		*exit_code = fot_options_parse(o, argc, argv, &err);
	}
	if (*exit_code == FOT_OK && o->help) {
		fputs(help.failed ? o->usage : help.data ? help.data : "", stdout);
		*exit_code = fot_flush_stdout(&err);
	} else if (*exit_code == FOT_OK) {
		over = false;
	}
	fot_command_ended(o, *exit_code, &err);
	fot_str_release(&help);
	return over;
}
