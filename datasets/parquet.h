/* parquet.h: Parquet files, read row by row: columns of text, integers and booleans.
 *
 *   "PAR1"  row group: a chunk of pages for each column  row group ...  notes  their length  "PAR1"
 *
 * The notes at the end name the columns and say where their chunks lie.  A page holds values of one
 * column, packed as a whole, and before them, where values may be missing, which of them are there.
 *
 * Read are BYTE_ARRAY (text), INT32 and INT64 (integers of any width, also without sign) and BOOLEAN,
 * also in structs ("meta.source"); pages of version 1 and 2; encodings PLAIN, PLAIN_DICTIONARY,
 * RLE_DICTIONARY, RLE (of booleans), DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and
 * DELTA_BYTE_ARRAY; codecs UNCOMPRESSED, SNAPPY, GZIP and ZSTD.  Other columns may be in the file;
 * they are not touched.  Sums of pages are checked where a file has them.
 *
 * A file is hostile: nothing is believed that its bytes do not hold, and reading takes time in
 * proportion to its size, the rows it says it has (at most FOT_PARQUET_ROWS_MAX) and the text that is
 * handed out.  That text may be much longer than the file, since a dictionary repeats it: who keeps it
 * must bound it. */
#ifndef FOT_PARQUET_H
#define FOT_PARQUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FOT_PARQUET_ROWS_MAX ((int64_t)1 << 24)
#define FOT_PARQUET_CHOSEN_MAX 8

struct fot_parquet;

/* What a column has in one row: any bytes; integers as digits, booleans as true and false. */
struct fot_parquet_cell {
	const char *p;
	size_t n;
	bool there;
};

/* Errors of all: FOT_ERR_INPUT with file, row group, column and byte; FOT_ERR_RUN (memory). */
int fot_parquet_open(struct fot_parquet **out, const char *path, struct fot_err *err);
/* The same of bytes in memory, which must stay; name: for messages. */
int fot_parquet_open_memory(struct fot_parquet **out, const void *bytes, size_t n, const char *name,
			    struct fot_err *err);
void fot_parquet_close(struct fot_parquet *p);
/* What the file has under the key "huggingface" in its notes, JSON that nobody has checked; NULL: nothing. */
const char *fot_parquet_huggingface(const struct fot_parquet *p);
/* Call the columns otherwise: as many names as there are columns, with commas between. */
int fot_parquet_rename(struct fot_parquet *p, const char *names, struct fot_err *err);
/* Have a column in every row: as row[*cell], at most FOT_PARQUET_CHOSEN_MAX of them, before the first
 * row.  *cell is -1 where there is no such column and it is not required.  kinds: what it may be,
 * FOT_FIELD_* of record.h. */
int fot_parquet_choose(struct fot_parquet *p, const char *column, unsigned kinds, bool required, int *cell,
		       struct fot_err *err);
/* The next row's cells, valid until the next call; NULL behind the last. */
int fot_parquet_next(struct fot_parquet *p, const struct fot_parquet_cell **row, struct fot_err *err);

#endif
