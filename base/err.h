/* err.h: statuses and printable errors.
 *
 * Every function that can fail returns an int status: FOT_OK (0) or one of
 * enum fot_status, whose values are the program's exit codes.  The text of a
 * struct fot_err can be printed as it is; it is untouched on success.  Any
 * function accepts err == NULL. */
#ifndef FOT_ERR_H
#define FOT_ERR_H

#include <stdarg.h>

enum fot_status {
	FOT_OK = 0,
	FOT_ERR_RUN = 1,        /* NaN, out of memory, internal limit */
	FOT_ERR_USAGE = 2,      /* command line or spec */
	FOT_ERR_REGRESSION = 3, /* compare: regression found */
	FOT_ERR_PARTIAL = 4,    /* finished, but some items failed */
	FOT_ERR_INPUT = 5,      /* bad model, tokenizer or data file */
	FOT_ERR_OUTPUT = 6,     /* output could not be written */
	FOT_ERR_COMPARE = 7     /* compare: not comparable */
};

#define FOT_ERR_TEXT_MAX 1024

struct fot_err {
	int code;                    /* an enum fot_status, 0 if none */
	char text[FOT_ERR_TEXT_MAX]; /* one line, no trailing newline */
	const char *file;            /* where it was raised */
	int line;
};

/* Fill err (unless NULL) and return code.  All raising goes through here, so a
 * breakpoint on fot_err_raise stops at every error.  Control characters that
 * came in through arguments are replaced by '?'. */
int fot_err_raise(struct fot_err *err, int code, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#define FOT_FAIL(err, code, ...) fot_err_raise((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* The one line of a lack of memory: "what: out of memory". */
#define FOT_NO_MEMORY(err, what) FOT_FAIL((err), FOT_ERR_RUN, "%s: out of memory", (what))

/* Put context before the text: "context: text".  Returns err->code (FOT_ERR_RUN
 * when err is NULL, so that it can always stand after return). */
int fot_err_prefix(struct fot_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Replace what fot_utf8_unprintable finds by '?', byte by byte: text that is safe on a terminal. */
void fot_text_oneline(char *text);

/* Exit quietly from a function whose callee has already filled err. */
#define FOT_TRY(call)                 \
	do {                          \
		status = (call);      \
		if (status != FOT_OK) \
			goto out;     \
	} while (0)

#endif
