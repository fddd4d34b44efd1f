/* json.h: strict JSON over cJSON.
 *
 * Parsing refuses duplicate keys, invalid UTF-8, trailing text, nesting deeper
 * than 64 and numbers that are not finite.  Getters refuse wrong types and say
 * where: "spec.json: tasks[0].depths: expected a number, got a string".
 * A struct fot_json_node is cJSON's cJSON; only this room and tests include
 * <cjson/cJSON.h> directly where iteration is needed. */
#ifndef FOT_JSON_H
#define FOT_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Parse n bytes; name stands in messages. Free with cJSON_Delete. code is the
 * status for bad text (FOT_ERR_INPUT for models and data, FOT_ERR_USAGE for specs). */
int fot_json_parse(cJSON **out, const char *text, size_t n, const char *name, int code, struct fot_err *err);
int fot_json_read(cJSON **out, const char *path, size_t max, int code, struct fot_err *err);

/* Every key of obj must be in known[]; else an error with the nearest one. */
int fot_json_known(const cJSON *obj, const char *where, const char *const *known, size_t n, int code,
		   struct fot_err *err);

/* Getters: obj[key] into *out. Missing or null: *out untouched, FOT_OK, unless
 * required. where names obj in messages. Integers must be exact and in [lo, hi];
 * doubles finite and in [lo, hi]. Strings point into obj. */
struct fot_json_ctx {
	const char *where; /* file and path of obj, for messages */
	int code;          /* status to raise */
};
const cJSON *fot_json_get(const cJSON *obj, const char *key); /* case-sensitive, NULL if missing or null */
int fot_json_i64(const cJSON *obj, const char *key, bool required, int64_t lo, int64_t hi, int64_t *out,
		 const struct fot_json_ctx *ctx, struct fot_err *err);
int fot_json_double(const cJSON *obj, const char *key, bool required, double lo, double hi, double *out,
		    const struct fot_json_ctx *ctx, struct fot_err *err);
int fot_json_bool(const cJSON *obj, const char *key, bool required, bool *out, const struct fot_json_ctx *ctx,
		  struct fot_err *err);
int fot_json_string(const cJSON *obj, const char *key, bool required, const char **out,
		    const struct fot_json_ctx *ctx, struct fot_err *err);
/* obj[key] as object or array (cJSON_Object / cJSON_Array), NULL if absent. */
int fot_json_object(const cJSON *obj, const char *key, bool required, const cJSON **out,
		    const struct fot_json_ctx *ctx, struct fot_err *err);
int fot_json_array(const cJSON *obj, const char *key, bool required, const cJSON **out,
		   const struct fot_json_ctx *ctx, struct fot_err *err);
/* A node that must be an exact integer in [lo, hi]. */
int fot_json_as_i64(const cJSON *node, int64_t lo, int64_t hi, int64_t *out, const struct fot_json_ctx *ctx,
		    struct fot_err *err);

/* What a node holds, for a message: a text in quotes (its beginning), a number, else its type. Returns shown. */
#define FOT_JSON_SHOWN 64
const char *fot_json_shown(char shown[FOT_JSON_SHOWN], const cJSON *node);

/* item, which may be NULL, to the end of a list; false: no memory, and item is deleted. */
bool fot_json_add(cJSON *list, cJSON *item);
/* A new object at the end of a list; NULL: no memory, or no list. */
cJSON *fot_json_append(cJSON *list);

/* Print with keys in insertion order, %.17g doubles, exact integers; indent != 0
 * gives two-space indentation. NaN and infinities become null. */
int fot_json_print(struct fot_str *out, const cJSON *node, int indent, struct fot_err *err);
/* The same with keys sorted and no spaces: the form that is hashed. */
int fot_json_canonical(struct fot_str *out, const cJSON *node, struct fot_err *err);

#endif
