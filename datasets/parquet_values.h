/* parquet_values.h: the values of one page of a Parquet file, one after the other. For parquet_pages.c. */
#ifndef FOT_PARQUET_VALUES_H
#define FOT_PARQUET_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The format's numbers. */
enum fot_parquet_encoding {
	FOT_PARQUET_PLAIN = 0,
	FOT_PARQUET_PLAIN_DICTIONARY = 2,
	FOT_PARQUET_RLE = 3,
	FOT_PARQUET_DELTA_BINARY_PACKED = 5,
	FOT_PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
	FOT_PARQUET_DELTA_BYTE_ARRAY = 7,
	FOT_PARQUET_RLE_DICTIONARY = 8
};

struct fot_parquet_value {
	const char *p; /* text */
	size_t n;
	int64_t integer; /* or an integer or boolean */
};

/* Numbers of a fixed width (0 to 32 bits): runs of one number, and groups of eight packed ones. */
struct fot_parquet_runs {
	const unsigned char *p, *end;
	unsigned width;
	uint64_t left; /* of this run */
	bool packed;
	uint32_t number;            /* that the run repeats */
	const unsigned char *group; /* of packed ones: the first byte, */
	size_t bit, n_bits;         /* the next bit, and how many there are */
};
void fot_parquet_runs(struct fot_parquet_runs *r, const unsigned char *p, size_t n, unsigned width);
/* false: there are no more, or none of that width. */
bool fot_parquet_run_next(struct fot_parquet_runs *r, uint32_t *number);

/* Integers as differences, in blocks of miniblocks that each have a width. */
struct fot_parquet_deltas {
	const unsigned char *p, *end;
	const unsigned char *widths; /* of the block's miniblocks */
	const unsigned char *mini;   /* the miniblock being read */
	uint64_t per_mini, minis;
	uint64_t at_mini, in_mini; /* miniblocks of the block begun, and values of it read */
	uint64_t left;             /* values still to come */
	uint64_t value, least;
	bool begun;
};

struct fot_parquet_values {
	const struct fot_parquet_coding *coding;
	const unsigned char *p, *end; /* what is not read yet */
	size_t n_values;              /* of the page, missing ones too */
	unsigned bit;                 /* of plain booleans */
	struct fot_parquet_runs runs;
	struct fot_parquet_deltas deltas, suffixes;
	struct fot_str last; /* of DELTA_BYTE_ARRAY */
	const struct fot_parquet_value *dictionary;
	size_t n_dictionary;
};

/* Begin with a page's bytes; n_values: at most so many are in it. dictionary may be NULL. NULL when all is
 * well, else what is wrong. The bytes must stay. Release at the end. */
const char *fot_parquet_values(struct fot_parquet_values *v, int encoding, int type,
			       const unsigned char *bytes, size_t n, size_t n_values);
/* The next one, valid until the one after; false: damaged, or there are no more. */
bool fot_parquet_value_next(struct fot_parquet_values *v, struct fot_parquet_value *out);
void fot_parquet_values_release(struct fot_parquet_values *v);

/* Least bytes of a plain value of this type; 0: more of them to a byte. */
size_t fot_parquet_plain_least(int type);

#endif
