/* parquet_pages.h: one column of a Parquet file, row group by row group. For parquet.c. */
#ifndef FOT_PARQUET_PAGES_H
#define FOT_PARQUET_PAGES_H

#include "datasets/parquet_notes.h"
#include "datasets/parquet_values.h"

struct fot_parquet_pages {
	const char *file;           /* for messages */
	const unsigned char *bytes; /* [n_bytes] of the file, up to its notes */
	size_t n_bytes;
	const struct fot_parquet_column *column;
	size_t group; /* row group, from 0 */
	int codec;
	const unsigned char *next, *end;      /* the chunk's pages that are not begun */
	const unsigned char *at;              /* the page being read */
	int64_t n, left;                      /* values of the chunk, and of them to come; */
	int64_t page_left;                    /* of the page */
	struct fot_str page, dictionary_page; /* unpacked */
	struct fot_parquet_value *dictionary;
	struct fot_parquet_runs levels;
	struct fot_parquet_values values;
};

/* Go to a row group of so many rows. Errors of both: FOT_ERR_INPUT with the place; FOT_ERR_RUN. */
int fot_parquet_pages_begin(struct fot_parquet_pages *s, size_t group, const struct fot_parquet_chunk *chunk,
			    int64_t rows, struct fot_err *err);
/* The next of them, valid until the one after; *there: it is not missing. */
int fot_parquet_pages_next(struct fot_parquet_pages *s, struct fot_parquet_value *value, bool *there,
			   struct fot_err *err);
void fot_parquet_pages_release(struct fot_parquet_pages *s);

#endif
