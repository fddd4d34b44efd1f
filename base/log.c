/* log.c: messages for a person.
 *
 * One lock orders everything that reaches stderr.  A progress line on a
 * terminal is erased before a message and drawn again by the next call of
 * fot_progress.  The log file is appended to with one write() per line, so that
 * lines of two programs do not mix; a log that cannot be written is reported
 * once and then left alone: it must not stop a run. */
#include "base/log.h"

#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define TERMINAL_INTERVAL 0.1 /* seconds between two drawings */
#define PLAIN_INTERVAL 5.0
#define LINE_MAX_BYTES 2048

static struct {
	pthread_mutex_t lock;
	enum fot_log_level max;
	enum fot_progress_mode mode;
	int file;     /* -1 when there is no log file */
	bool drawn;   /* a progress line stands on the terminal */
	bool any;     /* fot_progress has shown something */
	bool pending; /* last holds a text not yet shown */
	double shown_at;
	char last[LINE_MAX_BYTES];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .max = FOT_LOG_INFO, .file = -1 };

static const char *const level_prefix[] = {
	[FOT_LOG_ERROR] = "error: ",
	[FOT_LOG_WARN] = "warning: ",
	[FOT_LOG_INFO] = "",
	[FOT_LOG_DEBUG] = "debug: ",
};

void fot_log_level(enum fot_log_level max)
{
	pthread_mutex_lock(&state.lock);
	state.max = max;
	pthread_mutex_unlock(&state.lock);
}

void fot_progress_mode(enum fot_progress_mode mode)
{
	pthread_mutex_lock(&state.lock);
	state.mode = mode;
	pthread_mutex_unlock(&state.lock);
}

int fot_log_open(const char *path, struct fot_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot open the log: %m", path);
	fot_log_close();
	pthread_mutex_lock(&state.lock);
	state.file = fd;
	pthread_mutex_unlock(&state.lock);
	return FOT_OK;
}

static void close_file(void)
{
	if (state.file >= 0)
		close(state.file);
	state.file = -1;
}

void fot_log_close(void)
{
	pthread_mutex_lock(&state.lock);
	close_file();
	pthread_mutex_unlock(&state.lock);
}

/* Formatted, one line, trailing newlines dropped. */
static void format_line(char out[LINE_MAX_BYTES], const char *fmt, va_list ap)
{
	size_t n;

	if (vsnprintf(out, LINE_MAX_BYTES, fmt, ap) < 0)
		strcpy(out, "(the message could not be formatted)");
	n = strlen(out);
	while (n && out[n - 1] == '\n')
		out[--n] = '\0';
	fot_text_oneline(out);
}

static void erase_progress(void)
{
	if (state.drawn)
		fputs("\r\033[K", stderr);
	state.drawn = false;
}

static void write_file(const char *prefix, const char *line)
{
	char out[LINE_MAX_BYTES + 64], now[32];
	size_t done = 0, n;
	ssize_t got = 1;

	fot_utc_now(now);
	snprintf(out, sizeof(out), "%s %s%s\n", now, prefix, line);
	for (n = strlen(out); done < n && (got > 0 || (got < 0 && errno == EINTR)); done += got > 0 ? (size_t)got : 0)
		got = write(state.file, out + done, n - done);
	if (done == n)
		return;
	close_file();
	fputs("warning: the log file could not be written and is closed\n", stderr);
}

void fot_log(enum fot_log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	format_line(line, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&state.lock);
	if (level <= state.max) {
		erase_progress();
		fprintf(stderr, "%s%s\n", level_prefix[level], line);
		fflush(stderr);
	}
	/* A quiet run still leaves a full log behind. */
	if (state.file >= 0 && (level <= state.max || level <= FOT_LOG_INFO))
		write_file(level_prefix[level], line);
	pthread_mutex_unlock(&state.lock);
}

/* Cut to what fits on one line of the terminal, between characters. */
static void cut_to_width(char *line)
{
	struct winsize w;
	size_t at = 0, columns = 79, len = strlen(line), step;
	uint32_t cp;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
		columns = (size_t)w.ws_col - 1;
	while (at < len && columns > 0) {
		step = fot_utf8_decode(line + at, len - at, &cp);
		at += step ? step : 1;
		columns--;
	}
	line[at] = '\0';
}

static void show(bool terminal)
{
	char line[LINE_MAX_BYTES];

	strcpy(line, state.last);
	if (terminal) {
		cut_to_width(line);
		fprintf(stderr, "\r%s\033[K", line);
	} else {
		fprintf(stderr, "%s\n", line);
	}
	fflush(stderr);
	state.drawn = terminal;
	state.any = true;
	state.pending = false;
	state.shown_at = fot_clock();
}

/* auto keeps quiet runs quiet, on does not. */
static bool progress_wanted(void)
{
	return state.mode == FOT_PROGRESS_ON ||
	       (state.mode == FOT_PROGRESS_AUTO && state.max >= FOT_LOG_INFO);
}

void fot_progress(const char *fmt, ...)
{
	bool terminal = isatty(STDERR_FILENO);
	va_list ap;

	pthread_mutex_lock(&state.lock);
	if (progress_wanted()) {
		va_start(ap, fmt);
		format_line(state.last, fmt, ap);
		va_end(ap);
		state.pending = true;
		if (!state.any ||
		    fot_clock() - state.shown_at >= (terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL))
			show(terminal);
	}
	pthread_mutex_unlock(&state.lock);
}

void fot_progress_end(void)
{
	pthread_mutex_lock(&state.lock);
	if (state.any) {
		if (state.pending)
			show(isatty(STDERR_FILENO));
		if (state.drawn)
			fputc('\n', stderr);
		fflush(stderr);
	}
	state.drawn = false;
	state.any = false;
	state.pending = false;
	pthread_mutex_unlock(&state.lock);
}

int fot_flush_stdout(struct fot_err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return FOT_OK;
	return errno == EPIPE ? FOT_OK :
				FOT_FAIL(err, FOT_ERR_OUTPUT, "standard output: %s", strerror(errno));
}

size_t fot_terminal_columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize w;
	int64_t n;

	if (text && fot_parse_i64(text, &n) && n > 0)
		return (size_t)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}
