/* record.h: one JSON record of a data file and its fields as text, the same for documents,
 * labelled lines and lists.
 *
 * The rules (docs/data.md): strict JSON with unique keys and UTF-8; \u0000 in a string is a NUL
 * byte; a byte order mark at a string's front is dropped and CR LF becomes LF, as in files of
 * text; integers of any size and true and false are text as they are written.  A field is named
 * by its key, or by a path of keys with dots between ("meta.pile_set_name"); a key that is the
 * whole path comes first.  null is a field that is not there. */
#ifndef FOT_RECORD_H
#define FOT_RECORD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct fot_record {
	cJSON *json;
	struct fot_str source; /* the record's bytes, NULs written otherwise */
	const char *where;     /* for messages; the caller's */
	bool has_nul;
};

/* Parse n bytes; torn: they have no line end, so that a fault most likely means a cut file.
 * Release always. Errors: FOT_ERR_INPUT. */
int fot_record_parse(struct fot_record *r, const char *text, size_t n, const char *where, bool torn,
		     struct fot_err *err);
/* The same of a value of a record that was parsed: NULs stand in it as they stand there. */
int fot_record_part(struct fot_record *r, const struct fot_record *whole, const char *text, size_t n,
		    const char *where, struct fot_err *err);
void fot_record_release(struct fot_record *r);

/* What a field may be. */
enum { FOT_FIELD_STRING = 1, FOT_FIELD_INTEGER = 2, FOT_FIELD_BOOL = 4 };
/* These in words, for messages: "a string or an integer". */
const char *fot_field_kinds(unsigned kinds);
/* A field as text into out (in place of what is there); *there (NULL: it is required) says
 * whether it is. Errors: FOT_ERR_INPUT, with the value that was refused. */
int fot_record_field(const struct fot_record *r, const char *path, unsigned kinds, struct fot_str *out,
		     bool *there, struct fot_err *err);
/* The field itself, NULL where there is none. */
const cJSON *fot_record_node(const struct fot_record *r, const char *path);
/* A string of the record as text, appended. */
void fot_record_string(const struct fot_record *r, struct fot_str *out, const char *string);
/* A value for messages: printed, at most some sixty bytes of it; appended. */
void fot_record_show(struct fot_str *out, const cJSON *node);

/* The values of a list, one after the other: *at is a place in a valid JSON text behind '[' or
 * a value; false at the list's end. */
bool fot_record_next(const char **at, const char *end, const char **value, size_t *n);
/* The value of a member of the object at the text's front, by a key that needs no escapes;
 * NULL where there is none. The text is valid JSON and ends in a NUL. */
const char *fot_record_member(const char *text, size_t n, const char *key);

#endif
