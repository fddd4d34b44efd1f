/* bundle.h: tables of several runs as one data package (Frictionless Data Package 1), for programs of others.
 *
 * A table of a bundle has the columns of its schema behind one more, `run`: the name of the run's folder. */
#ifndef FOT_BUNDLE_H
#define FOT_BUNDLE_H

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/tables/table.h"

/* One file of the bundle. Set up by fot_bundle_init, released by fot_bundle_release; own stays where it is. */
struct fot_bundle_table {
	struct fot_schema own; /* column: owned */
	struct fot_table rows;
};
/* Errors: FOT_ERR_RUN. */
int fot_bundle_init(struct fot_bundle_table *b, const struct fot_schema *schema, struct fot_err *err);
void fot_bundle_release(struct fot_bundle_table *b);
/* Append all rows of a table of a run. Errors: FOT_ERR_RUN. */
int fot_bundle_add(struct fot_bundle_table *b, const char *run, const struct fot_table *rows,
		   struct fot_err *err);
/* The file's text, and appended to `resources` what datapackage.json says of it: path, columns with types and
 * meanings, bytes, sha256. Errors: FOT_ERR_RUN. */
int fot_bundle_print(struct fot_str *out, cJSON *resources, const struct fot_bundle_table *b,
		     struct fot_err *err);

#endif
