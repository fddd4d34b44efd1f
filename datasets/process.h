/* process.h: running another program. */
#ifndef FOT_PROCESS_H
#define FOT_PROCESS_H

#include "base/err.h"
#include "base/str.h"

/* Run argv[0] (looked up in PATH; no shell) in folder cwd (NULL: this one) with
 * no input, its output dropped, messages in English, and wait for it. Errors:
 * FOT_ERR_RUN: "apt-get: program not found", or "apt-get download x: exit
 * status 100: <the first line of its standard error>". */
int fot_process_run(const char *const *argv, const char *cwd, struct fot_err *err);
/* The same; what it prints is appended to out (up to 64 MiB), also where it fails. */
int fot_process_read(struct fot_str *out, const char *const *argv, const char *cwd, struct fot_err *err);

#endif
