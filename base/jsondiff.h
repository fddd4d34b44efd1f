/* jsondiff.h: where two JSON values differ, as readable text. */
#ifndef FOT_JSONDIFF_H
#define FOT_JSONDIFF_H

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"

/* Append "path: A x, B y; path: only in A; ..." for the leaves that differ, at
 * most max of them, then "and n more"; nothing when equal. name_a and name_b
 * name the sides. *n_different (if not NULL) counts all differences. */
int fot_json_differences(struct fot_str *out, const cJSON *a, const char *name_a, const cJSON *b,
			 const char *name_b, size_t max, size_t *n_different, struct fot_err *err);

#endif
