/* process.c: fork and exec with standard error captured.
 *
 * A close-on-exec pipe carries errno back when exec fails, so that "program not
 * found" is told apart from a program that fails. Everything the child needs is
 * made before fork: between fork and exec only async-signal-safe calls run,
 * since other threads may hold locks. */
#include "datasets/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define STDERR_MAX ((size_t)1 << 16)
#define STDOUT_MAX ((off_t)64 << 20)

extern char **environ;

struct child {
	pid_t pid;
	int messages[2]; /* the child's standard error */
	int failed[2];   /* errno of chdir or exec */
	int output;      /* a file of no name for its standard output; -1: dropped */
	char **envp;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The environment with LC_ALL=C in front: its messages go into ours. */
static char **english_environment(void)
{
	static char lc_all[] = "LC_ALL=C";
	size_t n = 0, k = 0;
	char **envp;

	while (environ[n])
		n++;
	envp = fot_alloc(n + 2, sizeof(*envp));
	if (!envp)
		return NULL;
	envp[k++] = lc_all;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_ALL=", 7) != 0)
			envp[k++] = environ[i];
	envp[k] = NULL;
	return envp;
}

static void child_exec(const struct child *c, const char *const *argv, const char *cwd)
{
	char **args;
	int null = open("/dev/null", O_RDWR), error;
	ssize_t rc;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(c->output >= 0 ? c->output : null, STDOUT_FILENO);
	}
	dup2(c->messages[1], STDERR_FILENO);
	/* execvp takes char *const * for historical reasons and writes nothing. */
	memcpy(&args, &argv, sizeof(args));
	if (!cwd || chdir(cwd) == 0)
		execvpe(argv[0], args, c->envp);
	error = errno;
	rc = write(c->failed[1], &error, sizeof(error));
	(void)rc;
	_exit(127);
}

static void drain(int fd, struct fot_str *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && out->len < STDERR_MAX)
			fot_str_add(out, buf, (size_t)n);
	}
}

/* "apt-get download": the program and its plain arguments, as far as they help. */
static void describe(struct fot_str *out, const char *const *argv)
{
	fot_str_puts(out, argv[0]);
	for (size_t i = 1; argv[i] && out->len < 200; i++)
		fot_str_printf(out, " %s", argv[i]);
}

/* The first line that says what is wrong: apt marks it "E: ". */
static size_t telling_line(const struct fot_str *text, const char **line)
{
	const char *hit = text->len ? strstr(text->data, "E: ") : NULL;
	size_t n;

	*line = hit ? hit : text->len ? text->data : "no message";
	n = strcspn(*line, "\n");
	return n > 300 ? 300 : n;
}

static int judge(int wait_status, const char *const *argv, const struct fot_str *messages, struct fot_err *err)
{
	struct fot_str what = FOT_STR_INIT;
	const char *line;
	size_t n = telling_line(messages, &line);
	int status = FOT_OK;

	describe(&what, argv);
	if (WIFSIGNALED(wait_status))
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: stopped by signal %d", what.data, WTERMSIG(wait_status));
	else if (WEXITSTATUS(wait_status) != 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: exit status %d: %.*s", what.data, WEXITSTATUS(wait_status),
				  (int)n, line);
	fot_str_release(&what);
	return status;
}

static int await_child(struct child *c, const char *const *argv, const char *cwd, struct fot_err *err)
{
	struct fot_str messages = FOT_STR_INIT;
	int wait_status = 0, error = 0, status;
	ssize_t got;

	close_fd(&c->messages[1]);
	close_fd(&c->failed[1]);
	drain(c->messages[0], &messages);
	do
		got = read(c->failed[0], &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	while (waitpid(c->pid, &wait_status, 0) < 0 && errno == EINTR)
		;
	if (got != (ssize_t)sizeof(error))
		status = judge(wait_status, argv, &messages, err);
	else if (cwd && access(cwd, X_OK) != 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: cannot be entered: %s", cwd, strerror(error));
	else if (error == ENOENT)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: program not found", argv[0]);
	else
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: cannot be started: %s", argv[0], strerror(error));
	fot_str_release(&messages);
	return status;
}

/* What was printed; text, as no NUL is expected. */
static void take_output(struct fot_str *out, int fd)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	while (at < STDOUT_MAX && (n = pread(fd, buf, sizeof(buf), at)) > 0) {
		fot_str_add(out, buf, (size_t)n);
		at += n;
	}
}

int fot_process_read(struct fot_str *out, const char *const *argv, const char *cwd, struct fot_err *err)
{
	struct child c = { .messages = { -1, -1 }, .failed = { -1, -1 }, .output = -1 };
	int status;

	c.envp = english_environment();
	if (out)
		c.output = memfd_create("output", MFD_CLOEXEC);
	if (!c.envp || (out && c.output < 0) || pipe2(c.messages, O_CLOEXEC) != 0 || pipe2(c.failed, O_CLOEXEC) != 0) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: cannot be started: %s", argv[0],
				  c.envp ? strerror(errno) : "out of memory");
		goto out;
	}
	c.pid = fork();
	if (c.pid == 0)
		child_exec(&c, argv, cwd);
	status = c.pid < 0 ? FOT_FAIL(err, FOT_ERR_RUN, "%s: cannot be started: %s", argv[0], strerror(errno)) :
			     await_child(&c, argv, cwd, err);
	if (out)
		take_output(out, c.output);
	if (out && status == FOT_OK)
		status = fot_str_check(out, err);
out:
	for (int i = 0; i < 2; i++) {
		close_fd(&c.messages[i]);
		close_fd(&c.failed[i]);
	}
	close_fd(&c.output);
	fot_free(c.envp);
	return status;
}

int fot_process_run(const char *const *argv, const char *cwd, struct fot_err *err)
{
	return fot_process_read(NULL, argv, cwd, err);
}
