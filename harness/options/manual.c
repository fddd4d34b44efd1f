/* manual.c: see manual.h. Pages for man(1), in the man macros. */
#include "harness/options/manual.h"

#include <string.h>

#include "base/list.h"
#include "harness/options/options.h"
#include "harness/run/manifest.h"

/* Text that roff shows as it is; a line that begins with a space is not filled with the one before, and neither is
 * the line behind it. */
static void put(struct fot_str *out, const char *text)
{
	static const struct {
		const char *name, *roff;
	} signs[] = { { "\\", "\\e" },  { "-", "\\-" },   { "'", "\\(aq" },
		      { "`", "\\(ga" }, { "^", "\\(ha" }, { "~", "\\(ti" } };
	bool start = true, indented = false;

	for (; *text; text++) {
		char c[2] = { *text, '\0' };
		size_t sign = FOT_FIND(signs, c);

		if (start && *text != ' ' && indented)
			fot_str_puts(out, ".br\n");
		if (start)
			indented = *text == ' ';
		if (start && *text == '.')
			fot_str_puts(out, "\\&");
		fot_str_puts(out, sign < FOT_COUNT(signs) ? signs[sign].roff : c);
		start = *text == '\n';
	}
}

static void put_line(struct fot_str *out, const char *text)
{
	put(out, text);
	fot_str_putc(out, '\n');
}

static void put_title(struct fot_str *out, const char *page)
{
	fot_str_puts(out, ".TH \"");
	put(out, page);
	fot_str_puts(out, "\" 1 \"\" \"fotbench " FOT_VERSION "\" \"fotbench\"\n.ad l\n.nh\n");
}

static const struct fot_named exit_codes[] = {
	{ "0", "done" },
	{ "1", "failed while it ran: out of memory, a fault of the machine" },
	{ "2", "wrong usage, or a wrong spec" },
	{ "3", "compare: a regression" },
	{ "4", "a run ended, and some of its items failed" },
	{ "5", "a bad or missing input" },
	{ "6", "an output could not be written" },
	{ "7", "compare: the runs cannot be compared" },
	{ "130, 143", "stopped by SIGINT, SIGTERM; run goes on with --resume" },
};

static const struct fot_named environment[] = {
	{ "FOTBENCH_DATA", "folder of installed datasets" },
	{ "XDG_DATA_HOME",
	  "where fotbench/store, the folder of an installed program's datasets, stands [~/.local/share]" },
	{ "OMP_WAIT_POLICY", "what waiting threads do [passive]" },
	{ "OPENBLAS_CORETYPE",
	  "the kernels that OpenBLAS takes, in place of this processor's own; the last bits of training "
	  "depend on them" },
};

static const struct fot_named files[] = {
	{ "PREFIX/share/fotbench",
	  "specs, recipes, templates, manifests, models of the zoo, plot scripts, published figures; fotbench "
	  "--version says where" },
	{ "~/.local/share/fotbench/store", "datasets of an installed program" },
};

static void put_list(struct fot_str *out, const char *section, const struct fot_named *at, size_t n)
{
	fot_str_printf(out, ".SH %s\n", section);
	for (size_t i = 0; i < n; i++) {
		fot_str_puts(out, ".TP\n.B ");
		put_line(out, at[i].name);
		put_line(out, at[i].about);
	}
}

void fot_manual(struct fot_str *out, const struct fot_named *command, size_t n)
{
	put_title(out, "FOTBENCH");
	fot_str_puts(
		out,
		".SH NAME\nfotbench \\- long\\-context benchmarks of transformers with memory\n"
		".SH SYNOPSIS\n.B fotbench\n.I COMMAND\n[arguments]\n.br\n.B fotbench\n.I COMMAND\n.B \\-\\-help\n.br\n"
		".B fotbench \\-\\-version\n"
		".SH DESCRIPTION\nMeasures what a long\\-context memory is worth to a language model, with statistics, tables and "
		"figures.\nResults go to stdout and to the folder that is named, all else to stderr.\n");
	put_list(out, "COMMANDS", command, n);
	put_list(out, "EXIT STATUS", exit_codes, FOT_COUNT(exit_codes));
	put_list(out, "ENVIRONMENT", environment, FOT_COUNT(environment));
	put_list(out, "FILES", files, FOT_COUNT(files));
	fot_str_puts(out, ".SH SEE ALSO\n");
	for (size_t i = 0; i < n; i++)
		fot_str_printf(out, ".BR fotbench\\-%s (1)%s\n", command[i].name, i + 1 < n ? "," : "");
}

void fot_manual_begin(struct fot_str *out, const struct fot_named *command)
{
	struct fot_str page = FOT_STR_INIT;

	fot_str_printf(&page, "FOTBENCH-%s", command->name);
	for (size_t i = 0; i < page.len; i++)
		if (page.data[i] >= 'a' && page.data[i] <= 'z')
			page.data[i] = (char)(page.data[i] - 'a' + 'A');
	put_title(out, page.failed ? "" : page.data);
	fot_str_printf(out, ".SH NAME\nfotbench\\-%s \\- ", command->name);
	put_line(out, command->about);
	out->failed = out->failed || page.failed;
	fot_str_release(&page);
}

void fot_manual_end(struct fot_str *out)
{
	fot_str_puts(out, ".SH SEE ALSO\n.BR fotbench (1):\nall commands, exit codes, environment, files\n");
}

static void put_option(struct fot_str *out, const struct fot_option *p)
{
	fot_str_puts(out, ".TP\n");
	if (p->letter)
		fot_str_printf(out, "\\fB\\-%c\\fR, ", p->letter);
	fot_str_puts(out, "\\fB\\-\\-");
	put(out, p->name);
	fot_str_puts(out, "\\fR");
	for (int i = 0; p->type == FOT_OPTION_CHOICE && p->choices[i]; i++) {
		fot_str_puts(out, i ? "|\\:\\fB" : " \\fB"); /* \: lines may end there */
		put(out, p->choices[i]);
		fot_str_puts(out, "\\fR");
	}
	if (p->type != FOT_OPTION_FLAG && p->type != FOT_OPTION_CHOICE) {
		bool optional = p->type == FOT_OPTION_OPTIONAL;

		fot_str_puts(out, optional ? "[=\\fI" : " \\fI");
		put(out, p->arg);
		fot_str_puts(out, optional ? "\\fR]" : "\\fR");
	}
	fot_str_putc(out, '\n');
}

void fot_manual_options(struct fot_str *out, const struct fot_options *o)
{
	struct fot_str text = FOT_STR_INIT;

	fot_str_puts(out, ".SH SYNOPSIS\n.B fotbench\n");
	put_line(out, o->usage);
	fot_str_puts(out, ".SH DESCRIPTION\n");
	put_line(out, o->about);
	if (o->n > 0)
		fot_str_puts(out, ".SH OPTIONS\nDefaults stand in brackets.\n");
	for (size_t i = 0; i < o->n; i++) {
		put_option(out, &o->option[i]);
		fot_str_clear(&text);
		fot_option_tell(&text, &o->option[i]);
		put_line(out, text.failed ? o->option[i].help : text.data);
	}
	out->failed = out->failed || text.failed;
	fot_str_release(&text);
}
