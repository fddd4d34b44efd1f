/* log.h: lines to stderr and, once opened, to a log file, and the progress line.
 *
 * Only the program (harness/) logs; library rooms get a struct fot_progress
 * callback instead and never print. */
#ifndef FOT_LOG_H
#define FOT_LOG_H

#include <stddef.h>

#include "base/err.h"

enum fot_log_level { FOT_LOG_ERROR, FOT_LOG_WARN, FOT_LOG_INFO, FOT_LOG_DEBUG };

void fot_log_level(enum fot_log_level max);
/* Also append to this file (UTC time before each line). */
int fot_log_open(const char *path, struct fot_err *err);
void fot_log_close(void);
void fot_log(enum fot_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A progress line: rewritten in place on a terminal, else one plain line every
 * few seconds. text without newline. mode: auto, on, off. */
enum fot_progress_mode { FOT_PROGRESS_AUTO, FOT_PROGRESS_ON, FOT_PROGRESS_OFF };
void fot_progress_mode(enum fot_progress_mode mode);
void fot_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fot_progress_end(void); /* leave the line, once */

/* Flush stdout: FOT_OK also when the reader has gone (EPIPE), else FOT_ERR_OUTPUT. */
int fot_flush_stdout(struct fot_err *err);
/* Columns of a table on stdout: $COLUMNS, else the terminal's, else 80. */
size_t fot_terminal_columns(void);

#endif
