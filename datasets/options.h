/* options.h: what spec strings of datasets have in common: SOURCE?key=value&key=value. */
#ifndef FOT_DATA_OPTIONS_H
#define FOT_DATA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Calls set(user, spec, key, value) for every pair behind the '?'; a '%XX' in a value is that
 * byte. Errors: FOT_ERR_USAGE, and those of set. */
int fot_data_options(const char *spec, const char *options,
		     int (*set)(void *user, const char *spec, const char *key, const char *value,
				struct fot_err *err),
		     void *user, struct fot_err *err);
/* FOT_ERR_USAGE: no such key; says which is near. */
int fot_data_no_option(const char *spec, const char *key, const char *const *known, size_t n,
		       struct fot_err *err);
/* Does one of the patterns (fnmatch, commas between) match? */
bool fot_data_matches(const char *patterns, const char *text);

#endif
