/* completion.c: see manual.h. What bash, zsh and fish complete. */
#include <string.h>

#include "base/list.h"
#include "harness/options/manual.h"
#include "harness/options/options.h"

enum value { NO_VALUE, WORDS, FOLDER, FILE_OR_FOLDER, ANYTHING };

static enum value value_of(const struct fot_option *p)
{
	if (p->type == FOT_OPTION_FLAG || p->type == FOT_OPTION_OPTIONAL)
		return NO_VALUE; /* behind it */
	if (p->type == FOT_OPTION_CHOICE)
		return WORDS;
	if (strcmp(p->arg, "DIR") == 0)
		return FOLDER;
	return strncmp(p->arg, "FILE", 4) == 0 || strcmp(p->name, "dataset") == 0 ? FILE_OR_FOLDER : ANYTHING;
}

/* Text within single quotes: before each character of special, escape. */
static void put_quoted(struct fot_str *out, const char *text, const char *special, const char *escape)
{
	for (; *text; text++) {
		if (*text == '\n' || *text == '\t') {
			fot_str_putc(out, ' ');
			continue;
		}
		if (strchr(special, *text))
			fot_str_puts(out, escape);
		fot_str_putc(out, *text);
	}
}

/* bash and zsh leave the quotes for a quote; a backslash before what zsh's _arguments takes for its own. */
static void put_posix(struct fot_str *out, const char *text)
{
	for (; *text; text++) {
		char c[2] = { *text, '\0' };

		if (*text == '\'')
			fot_str_puts(out, "'\\''");
		else
			put_quoted(out, c, "[]:\\", "\\");
	}
}

static void put_words(struct fot_str *out, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		fot_str_printf(out, "%s%s", i ? " " : "", words[i]);
}

/* "data fetch|verify|list": the words that stand first behind the command. */
static void put_actions(struct fot_str *out, const struct fot_options *o)
{
	const char *at = strchr(o->usage, ' ');
	size_t n = at ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz|") : 0;

	if (n == 0 || !memchr(at + 1, '|', n))
		return;
	for (size_t i = 1; i <= n; i++)
		fot_str_putc(out, at[i] == '|' ? ' ' : at[i]);
}

/* --- bash --- */

static void bash_begin(struct fot_str *out, const struct fot_named *command, size_t n)
{
	fot_str_puts(
		out,
		"# bash completion of fotbench, printed by `fotbench help completion bash`\n"
		"_fotbench() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} options= words= actions= value=file\n"
		"\tCOMPREPLY=()\n"
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		"\t\tCOMPREPLY=($(compgen -W '--help --version");
	for (size_t i = 0; i < n; i++)
		fot_str_printf(out, " %s", command[i].name);
	fot_str_puts(out, "' -- \"$cur\"))\n\t\treturn\n\tfi\n"
			  "\t[ \"$cur\" = = ] && cur=\n"
			  "\t[ \"$flag\" = = ] && flag=${COMP_WORDS[COMP_CWORD-2]}\n"
			  "\tcase ${COMP_WORDS[1]} in\n");
}

static void bash_flag(struct fot_str *out, const struct fot_option *p, const char *value)
{
	fot_str_puts(out, "\t\t");
	if (p->letter)
		fot_str_printf(out, "-%c | ", p->letter);
	fot_str_printf(out, "--%s) value=%s", p->name, value);
	if (p->type == FOT_OPTION_CHOICE) {
		fot_str_puts(out, " words='");
		put_words(out, p->choices);
		fot_str_putc(out, '\'');
	}
	fot_str_puts(out, " ;;\n");
}

static void bash_options(struct fot_str *out, const struct fot_options *o)
{
	static const char *const values[] = {
		[WORDS] = "words", [FOLDER] = "folder", [FILE_OR_FOLDER] = "file", [ANYTHING] = "none"
	};

	fot_str_printf(out, "\t%s)\n\t\toptions='--help", o->command);
	for (size_t i = 0; i < o->n; i++)
		fot_str_printf(out, " --%s", o->option[i].name);
	fot_str_puts(out, "'\n\t\tactions='");
	put_actions(out, o);
	fot_str_puts(out, "'\n\t\tcase $flag in\n");
	for (size_t i = 0; i < o->n; i++)
		if (value_of(&o->option[i]) != NO_VALUE)
			bash_flag(out, &o->option[i], values[value_of(&o->option[i])]);
	fot_str_puts(out,
		     "\t\t*) [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$actions\" ] && value=words words=$actions\n"
		     "\t\t\t[[ $cur == -* ]] && value=words words=$options ;;\n\t\tesac\n\t\t;;\n");
}

static const char bash_end[] =
	"\tesac\n"
	"\tcase $value in\n"
	"\twords) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
	"\tfolder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\tfile) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _fotbench fotbench\n";

/* --- zsh --- */

static void zsh_begin(struct fot_str *out, const struct fot_named *command, size_t n)
{
	fot_str_puts(
		out,
		"#compdef fotbench\n# zsh completion of fotbench, printed by `fotbench help completion zsh`\n"
		"local -a commands\ncommands=(\n");
	for (size_t i = 0; i < n; i++) {
		fot_str_printf(out, "\t'%s:", command[i].name);
		put_posix(out, command[i].about);
		fot_str_puts(out, "'\n");
	}
	fot_str_puts(out, ")\n"
			  "if (( CURRENT == 2 )); then\n\t_describe command commands\n\treturn\nfi\n"
			  "shift words\n(( CURRENT-- ))\n"
			  "case $words[1] in\n");
}

static void zsh_option(struct fot_str *out, const struct fot_option *p)
{
	static const char *const values[] = {
		[FOLDER] = "_files -/", [FILE_OR_FOLDER] = "_files", [ANYTHING] = " "
	};
	const char *more = p->type == FOT_OPTION_FLAG ? "" : p->type == FOT_OPTION_OPTIONAL ? "=-" : "=";

	fot_str_puts(out, "\t\t");
	if (p->type == FOT_OPTION_TEXTS)
		fot_str_puts(out, "'*'");
	else if (p->letter)
		fot_str_printf(out, "'(-%c --%s)'", p->letter, p->name);
	if (p->letter)
		fot_str_printf(out, "{-%c%s,--%s%s}", p->letter, *more ? "+" : "", p->name, more);
	else
		fot_str_printf(out, "--%s%s", p->name, more);
	fot_str_puts(out, "'[");
	put_posix(out, p->help);
	fot_str_putc(out, ']');
	if (p->type == FOT_OPTION_CHOICE) {
		fot_str_printf(out, ":%s:(", p->name);
		put_words(out, p->choices);
		fot_str_putc(out, ')');
	} else if (p->type == FOT_OPTION_OPTIONAL) {
		fot_str_printf(out, "::%s:_files", p->arg);
	} else if (p->type != FOT_OPTION_FLAG) {
		fot_str_putc(out, ':');
		put_posix(out, p->arg);
		fot_str_printf(out, ":%s", values[value_of(p)]);
	}
	fot_str_puts(out, "' \\\n");
}

static void zsh_options(struct fot_str *out, const struct fot_options *o)
{
	struct fot_str actions = FOT_STR_INIT;

	fot_str_printf(out, "%s)\n\t_arguments -s \\\n", o->command);
	for (size_t i = 0; i < o->n; i++)
		zsh_option(out, &o->option[i]);
	fot_str_puts(out, "\t\t'--help[all options]' \\\n");
	put_actions(&actions, o);
	if (actions.len)
		fot_str_printf(out, "\t\t'1:action:(%s)' \\\n", actions.data);
	fot_str_puts(out, "\t\t'*:argument:_files'\n\t;;\n");
	out->failed = out->failed || actions.failed;
	fot_str_release(&actions);
}

/* --- fish --- */

static void fish_begin(struct fot_str *out, const struct fot_named *command, size_t n)
{
	fot_str_puts(
		out,
		"# fish completion of fotbench, printed by `fotbench help completion fish`\n"
		"function __fotbench_words\n\tset -l words (commandline -opc)\n\ttest (count $words) -eq $argv[1]\nend\n"
		"function __fotbench_is\n\tset -l words (commandline -opc)\n"
		"\ttest (count $words) -gt 1; and test $words[2] = $argv[1]\nend\n"
		"complete -c fotbench -n '__fotbench_words 1' -l version -d 'what this program is'\n"
		"complete -c fotbench -l help -d 'all options'\n");
	for (size_t i = 0; i < n; i++) {
		fot_str_printf(out, "complete -c fotbench -f -n '__fotbench_words 1' -a %s -d '",
			       command[i].name);
		put_quoted(out, command[i].about, "'\\", "\\");
		fot_str_puts(out, "'\n");
	}
}

static void fish_options(struct fot_str *out, const struct fot_options *o)
{
	static const char *const values[] = { [NO_VALUE] = "",
					      [WORDS] = " -x",
					      [FOLDER] = " -x -a '(__fish_complete_directories)'",
					      [FILE_OR_FOLDER] = " -r -F",
					      [ANYTHING] = " -x" };
	struct fot_str actions = FOT_STR_INIT;

	put_actions(&actions, o);
	if (actions.len)
		fot_str_printf(
			out,
			"complete -c fotbench -f -n '__fotbench_is %s; and __fotbench_words 2' -a '%s'\n",
			o->command, actions.data);
	for (size_t i = 0; i < o->n; i++) {
		const struct fot_option *p = &o->option[i];

		fot_str_printf(out, "complete -c fotbench -n '__fotbench_is %s' -l %s", o->command, p->name);
		if (p->letter)
			fot_str_printf(out, " -s %c", p->letter);
		fot_str_puts(out, values[value_of(p)]);
		if (p->type == FOT_OPTION_CHOICE) {
			fot_str_puts(out, " -a '");
			put_words(out, p->choices);
			fot_str_putc(out, '\'');
		}
		fot_str_puts(out, " -d '");
		put_quoted(out, p->help, "'\\", "\\");
		fot_str_puts(out, "'\n");
	}
	out->failed = out->failed || actions.failed;
	fot_str_release(&actions);
}

const struct fot_shell fot_shells[] = {
	{ "bash", "--help=bash", bash_begin, bash_options, bash_end },
	{ "zsh", "--help=zsh", zsh_begin, zsh_options, "esac\n" },
	{ "fish", "--help=fish", fish_begin, fish_options, "" },
};
const size_t fot_n_shells = FOT_COUNT(fot_shells);
