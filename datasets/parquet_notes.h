/* parquet_notes.h: what a Parquet file says of itself. For parquet.c and parquet_pages.c. */
#ifndef FOT_PARQUET_NOTES_H
#define FOT_PARQUET_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The format's numbers. */
enum fot_parquet_type {
	FOT_PARQUET_BOOLEAN,
	FOT_PARQUET_INT32,
	FOT_PARQUET_INT64,
	FOT_PARQUET_BYTE_ARRAY = 6
};

struct fot_parquet_column {
	char *name;        /* with dots, where it lies in structs */
	int type;          /* enum fot_parquet_type or another of the format's */
	unsigned kind;     /* FOT_FIELD_*, 0: none of them */
	const char *other; /* what it is then: "DOUBLE", "a list" */
	int levels;        /* how many of it and of the structs around it may be missing */
	bool is_unsigned;
};

struct fot_parquet_chunk {
	int64_t at, bytes, values; /* not checked */
	int codec;
	const char *refused; /* why it cannot be read, NULL: it can */
};

struct fot_parquet_notes {
	struct fot_parquet_column *column;
	size_t n_columns, cap_columns;
	struct fot_parquet_chunk *chunk; /* [n_groups][n_columns] */
	size_t n_chunks, cap_chunks;
	int64_t *rows; /* [n_groups] of row groups, >= 0, in sum at most FOT_PARQUET_ROWS_MAX */
	size_t n_groups, cap_groups;
	char *huggingface; /* what stands under this key of the file's own: JSON, not checked; NULL: nothing */
};

/* From the notes' bytes. Errors: FOT_ERR_INPUT. Release always. */
int fot_parquet_notes_read(struct fot_parquet_notes *s, const unsigned char *bytes, size_t n,
			   const char *file, struct fot_err *err);
void fot_parquet_notes_release(struct fot_parquet_notes *s);

#endif
