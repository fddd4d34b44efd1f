/* main.c: the table of subcommands. Results go to stdout, all else to stderr. */
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "harness/options/commands.h"
#include "harness/options/manual.h"
#include "harness/options/options.h"
#include "harness/plan/place.h"
#include "harness/plan/task_class.h"
#include "harness/run/signals.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
	const char *about;
	bool tells_memory; /* peak memory on stderr at the end; long jobs tell it themselves */
	const struct fot_task_class *task; /* in place of run */
};

static int cmd_help(int argc, char **argv);

/* The first, then one a task, then the others: command_at. */
static const struct command commands[] = {
	{ "run", fot_cmd_run, "run an experiment: models x memory modes x tasks x context lengths", false, NULL },
	{ "merge", fot_cmd_merge, "one run out of the folders of its shards", true, NULL },
	{ "submit", fot_cmd_submit, "an experiment as a job array of Slurm, and its merge", false, NULL },
	{ "status", fot_cmd_status, "how runs and their shards stand, and what to do next", false, NULL },
	{ "validate", fot_cmd_validate, "check a spec with its models and data", false, NULL },
	{ "score", fot_cmd_score, "negative log-likelihood of given tokens or text", true, NULL },
	{ "generate", fot_cmd_generate, "greedy continuation of given tokens or text", true, NULL },
	{ "train", fot_cmd_train, "train or fine-tune a model by a recipe", false, NULL },
	{ "compare", fot_cmd_compare, "is a run worse than another? exit 3 on a regression", true, NULL },
	{ "report", fot_cmd_report, "tables of one or several runs: Markdown, LaTeX, CSV, or a page of HTML", true, NULL },
	{ "export", fot_cmd_export, "rows of runs for Python, R and notebooks", true, NULL },
	{ "plot", fot_cmd_plot, "draw the figures of a run", true, NULL },
	{ "data", fot_cmd_data, "fetch, verify and list datasets", true, NULL },
	{ "tokenize", fot_cmd_tokenize, "text to token ids", true, NULL },
	{ "detokenize", fot_cmd_detokenize, "token ids to text", true, NULL },
	{ "inspect", fot_cmd_inspect, "what a model is and what reading with it costs; what a dataset holds", false, NULL },
	{ "bench", fot_cmd_bench, "speed of kernels, engine and training on this machine", false, NULL },
	{ "help", cmd_help,
	  "this list; help columns, commands, spec, recipe, paths: CSV files, common options, keys, where files are; "
	  "help man, completion: pages and scripts",
	  false, NULL },
};

static size_t n_commands(void)
{
	return FOT_COUNT(commands) + fot_n_task_classes;
}

static struct command command_at(size_t i)
{
	const struct fot_task_class *task;

	if (i == 0 || i > fot_n_task_classes)
		return commands[i ? i - fot_n_task_classes : 0];
	task = fot_task_classes[i - 1];
	return (struct command){ .name = task->name, .about = task->about, .task = task };
}

static int call(const struct command *c, int argc, char **argv)
{
	return c->task ? fot_cmd_task(c->task, argc, argv) : c->run(argc, argv);
}

static int print(const char *text)
{
	struct fot_err err = { 0 };

	fputs(text, stdout);
	return fot_flush_stdout(&err) == FOT_OK ? FOT_OK : fot_command_failed("help", &err);
}

static int list_commands(void)
{
	struct fot_str out = FOT_STR_INIT;
	int status;

	fot_str_puts(
		&out,
		"fotbench: long-context benchmarks of transformers with memory\n\n"
		"usage: fotbench COMMAND [arguments]\n       fotbench COMMAND --help\n       fotbench --version\n\n"
		"commands:\n");
	for (size_t i = 0; i < n_commands(); i++)
		fot_str_printf(&out, "  %-12s %s\n", command_at(i).name, command_at(i).about);
	status = print(out.failed ? "" : out.data);
	fot_str_release(&out);
	return status;
}

/* What help tells of besides commands. */
static const struct {
	const char *name;
	void (*describe)(struct fot_str *out);
} topics[] = {
	{ "columns", fot_help_columns },
	{ "spec", fot_help_spec },
	{ "recipe", fot_help_recipe },
	{ "paths", fot_help_paths },
};

static int describe(size_t topic)
{
	struct fot_str out = FOT_STR_INIT;
	int status;

	topics[topic].describe(&out);
	status = print(out.failed ? "" : out.data);
	fot_str_release(&out);
	return status;
}

/* The text of docs/commands.md. */
static int describe_commands(void)
{
	char cells[] = "--help=common";
	struct fot_str out = FOT_STR_INIT;
	int status;

	fot_str_puts(&out, "# Commands\n\nPrinted by `fotbench help commands`. `fotbench COMMAND --help` lists every option with its "
			   "default.\n\n");
	for (size_t i = 0; i < n_commands(); i++)
		fot_str_printf(&out, "- `%s`: %s\n", command_at(i).name, command_at(i).about);
	fot_str_puts(&out, "\n## Options that many commands take\n\n");
	fot_common_heading(&out);
	status = print(out.failed ? "" : out.data);
	for (size_t i = 0; i < n_commands() && status == FOT_OK; i++) {
		struct command c = command_at(i);

		if (c.run == cmd_help)
			continue;
		printf("| `%s` |", c.name);
		status = call(&c, 2, (char *[]){ (char *)c.name, cells, NULL });
		putchar('\n');
	}
	fot_str_clear(&out);
	fot_str_putc(&out, '\n');
	fot_common_meanings(&out);
	fot_str_puts(&out, "\nSizes are numbers, or numbers with `k` or `K` (1,024) or `m` or `M` (1,048,576), in every option and "
			   "spec.\n");
	if (status == FOT_OK)
		status = print(out.failed ? "" : out.data);
	fot_str_release(&out);
	return status;
}

/* The list of commands, n_commands() of them, for fot_free; NULL without memory. */
static struct fot_named *name_commands(void)
{
	struct fot_named *list = fot_alloc(n_commands(), sizeof *list);

	for (size_t i = 0; list && i < n_commands(); i++)
		list[i] = (struct fot_named){ command_at(i).name, command_at(i).about };
	return list;
}

static bool find(struct command *c, const char *name)
{
	for (size_t i = 0; i < n_commands(); i++) {
		*c = command_at(i);
		if (strcmp(c->name, name) == 0)
			return true;
	}
	return false;
}

static int unknown(const char *name)
{
	const char **names = fot_alloc(n_commands(), sizeof *names), *near = NULL;
	struct fot_err err = { 0 };

	for (size_t i = 0; names && i < n_commands(); i++)
		names[i] = command_at(i).name;
	if (names)
		near = fot_nearest(name, names, n_commands());
	if (near)
		FOT_FAIL(&err, FOT_ERR_USAGE, "unknown command \"%s\"; did you mean %s?", name, near);
	else
		FOT_FAIL(&err, FOT_ERR_USAGE, "unknown command \"%s\"; see fotbench help", name);
	fot_free(names);
	return fot_command_failed("fotbench", &err);
}

/* The manual page of a command. */
static int print_page(const char *name)
{
	struct fot_str out = FOT_STR_INIT;
	char form[] = "--help=man";
	struct command c;
	int status;

	if (!find(&c, name))
		return unknown(name);
	fot_manual_begin(&out, &(struct fot_named){ c.name, c.about });
	status = print(out.failed ? "" : out.data);
	if (status == FOT_OK)
		status = call(&c, 2, (char *[]){ (char *)c.name, form, NULL });
	fot_str_clear(&out);
	fot_manual_end(&out);
	if (status == FOT_OK)
		status = print(out.failed ? "" : out.data);
	fot_str_release(&out);
	return status;
}

/* The page of them all. */
static int print_manual(void)
{
	struct fot_named *list = name_commands();
	struct fot_str out = FOT_STR_INIT;
	int status;

	if (list)
		fot_manual(&out, list, n_commands());
	status = print(out.failed || !list ? "" : out.data);
	fot_str_release(&out);
	fot_free(list);
	return status;
}

static const struct fot_shell *find_shell(const char *name)
{
	for (size_t i = 0; name && i < fot_n_shells; i++)
		if (strcmp(fot_shells[i].name, name) == 0)
			return &fot_shells[i];
	return NULL;
}

/* The completion script of a shell. */
static int print_completion(const char *name)
{
	const struct fot_shell *shell = find_shell(name);
	struct fot_named *list = name_commands();
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int status;

	if (!shell || !list) {
		fot_free(list);
		if (shell)
			FOT_NO_MEMORY(&err, "completion");
		else
			FOT_FAIL(&err, FOT_ERR_USAGE, "completion: expected bash, zsh or fish, got \"%s\"", name ? name : "");
		return fot_command_failed("help", &err);
	}
	shell->begin(&out, list, n_commands());
	status = print(out.failed ? "" : out.data);
	for (size_t i = 0; i < n_commands() && status == FOT_OK; i++) {
		struct command c = command_at(i);

		status = call(&c, 2, (char *[]){ (char *)c.name, (char *)shell->form, NULL });
	}
	if (status == FOT_OK)
		status = print(shell->end);
	fot_str_release(&out);
	fot_free(list);
	return status;
}

/* What --help=FORM tells of help itself. */
static int tell_of_help(int argc, char **argv)
{
	struct fot_options o = {
		.command = "help",
		.usage = "help columns|commands|spec|recipe|paths|man|completion|COMMAND [COMMAND|SHELL]",
		.about =
			"The list of commands, or what a command or topic is about: the columns of all CSV files, the options of all\n"
			"commands, the keys of specs and recipes, where files are looked for; a manual page for man(1), the completion\n"
			"script of a shell.",
	};
	int status;

	return fot_options_answered(&o, argc, argv, &status) ? status : FOT_OK;
}

static int cmd_help(int argc, char **argv)
{
	char flag[] = "--help";
	struct command c;
	size_t topic;

	if (argc == 2 && strncmp(argv[1], "--help=", 7) == 0)
		return tell_of_help(argc, argv);
	if (argc >= 2 && strcmp(argv[1], "man") == 0)
		return argc >= 3 ? print_page(argv[2]) : print_manual();
	if (argc >= 2 && strcmp(argv[1], "completion") == 0)
		return print_completion(argc >= 3 ? argv[2] : NULL);
	if (argc < 2 || argv[1][0] == '-')
		return list_commands();
	if (strcmp(argv[1], "commands") == 0)
		return describe_commands();
	topic = FOT_FIND(topics, argv[1]);
	if (topic < FOT_COUNT(topics))
		return describe(topic);
	if (!find(&c, argv[1]))
		return unknown(argv[1]);
	return c.run == cmd_help ? list_commands() : call(&c, 2, (char *[]){ argv[1], flag, NULL });
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--help", 6) == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	int status = call(c, argc, argv);

	if (status == FOT_OK && c->tells_memory && !asks_help(argc, argv))
		fot_log(FOT_LOG_INFO, "%s: peak memory %.0f MiB", c->name, (double)fot_mem_peak_rss() / (1 << 20));
	return status;
}

/* A closed descriptor below 3 would be given to the next file opened, and messages would
 * end up in a journal. What is written to a stdout that was closed fails, as it should. */
static void fill_standard_files(void)
{
	static const int flags[] = { O_RDONLY, O_RDONLY, O_WRONLY };
	int fd;

	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) < 0 && (fd = open("/dev/null", flags[i])) >= 0 && fd != i)
			_exit(FOT_ERR_RUN);
}

/* Is /proc/self/exe this program, to be started again as it was? Not where the loader was given the
 * program as a file to load (the kernel then loaded no interpreter), and not under valgrind, which
 * would watch the first start alone. */
static bool can_start_again(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return getauxval(AT_BASE) != 0 && !(preload && strstr(preload, "vgpreload"));
}

/* Threads that wait for the last tile spin for milliseconds unless OpenMP is told otherwise: where
 * another process wants a core too, they take it from the very thread they wait for. OpenMP reads this
 * while it is loaded, before main: so the program starts once more (4 ms). The variable is set then, so
 * it does so once. The user's own word holds. */
static bool wait_asleep(void)
{
	return !getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT") && !getenv("KMP_BLOCKTIME") &&
	       setenv("OMP_WAIT_POLICY", "passive", 1) == 0;
}

/* Once more where threads would spin, or where a program for more of this processor is installed. Where that fails,
 * this one goes on. */
static void start_again(char **argv)
{
	struct fot_str faster = FOT_STR_INIT;
	char self[PATH_MAX];
	ssize_t n;
	bool again;

	if (!can_start_again())
		return;
	again = wait_asleep();
	if (fot_place_faster(&faster))
		execv(faster.data, argv);
	fot_str_release(&faster);
	n = again ? readlink("/proc/self/exe", self, sizeof self) : -1;
	if (n < 0 || n == sizeof self)
		return; /* no /proc, or a path that is cut */
	self[n] = '\0';
	execv(self, argv);
}

int main(int argc, char **argv)
{
	struct command c;

	start_again(argv);
	fill_standard_files();
	gsl_set_error_handler_off();
	fot_signals_install_bus();
	if (argc >= 2 && strcmp(argv[1], "--version") == 0)
		return fot_print_version();
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return list_commands();
	return find(&c, argv[1]) ? run_command(&c, argc - 1, argv + 1) : unknown(argv[1]);
}
