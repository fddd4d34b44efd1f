/* thrift.h: Thrift's compact protocol, of which the notes in Parquet files are made. For parquet_notes.c.
 *
 * A struct is a row of fields, each with a number and a type, until a stop.  A cursor never leaves
 * its bytes; what it cannot read sets bad, after which every struct and list is at its end and
 * numbers are 0: ask once, behind the last. */
#ifndef FOT_THRIFT_H
#define FOT_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fot_thrift_type {
	FOT_THRIFT_TRUE = 1, /* a field's; of a list's entries: a byte each */
	FOT_THRIFT_FALSE,
	FOT_THRIFT_I8,
	FOT_THRIFT_I16,
	FOT_THRIFT_I32,
	FOT_THRIFT_I64,
	FOT_THRIFT_DOUBLE,
	FOT_THRIFT_BINARY,
	FOT_THRIFT_LIST,
	FOT_THRIFT_SET,
	FOT_THRIFT_MAP,
	FOT_THRIFT_STRUCT
};

struct fot_thrift {
	const unsigned char *p, *end;
	bool bad;
};

struct fot_thrift_field {
	int id;   /* 0 before the first */
	int type; /* enum fot_thrift_type */
};

/* The next field of the struct that t is in, false at its end. What it holds must be read or skipped. */
bool fot_thrift_next(struct fot_thrift *t, struct fot_thrift_field *f);
/* What an integer or boolean field holds; another type is bad. */
int64_t fot_thrift_integer(struct fot_thrift *t, int type);
/* A string's bytes and their number; "" where bad. */
const char *fot_thrift_bytes(struct fot_thrift *t, int type, size_t *n);
/* The number of a list's entries, and that they are of a type; at most as many as bytes are left. */
size_t fot_thrift_list(struct fot_thrift *t, int type, int of);
void fot_thrift_skip(struct fot_thrift *t, int type);
/* Read a struct: integer[id] of its integers and booleans with id < n; all else is skipped. */
void fot_thrift_integers(struct fot_thrift *t, int type, int64_t *integer, int n);

#endif
