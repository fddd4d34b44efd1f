/* parquet_pages.c: see parquet_pages.h.
 *
 *   version 1   head  packed: repetition levels, definition levels, values
 *   version 2   head  repetition levels  definition levels  packed: values
 *
 * Columns that are read are no lists: they have no repetition levels.  A definition level says how many
 * of a value and of the structs around it are there; the value is if all are. */
#include "datasets/parquet_pages.h"

#include <snappy-c.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/thrift.h"
#include "datasets/unpack.h"

#define SNAPPY_MOST 64 /* bytes that one packed byte can stand for (it is some 22) */
#define NOT_GIVEN INT64_MIN

static int fail_at(const struct fot_parquet_pages *s, const char *why, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row group %zu, column %s, byte %zu: %s", s->file,
			s->group + 1, s->column->name, s->at ? (size_t)(s->at - s->bytes) : 0, why);
}

/* ---- unpacking ---- */

static int unpack_snappy(struct fot_parquet_pages *s, struct fot_str *out, const unsigned char *p, size_t n,
			 size_t size, struct fot_err *err)
{
	size_t len;

	if (snappy_uncompressed_length((const char *)p, n, &len) != SNAPPY_OK || len != size ||
	    len / SNAPPY_MOST > n)
		return fail_at(s, "damaged snappy data", err);
	out->data = fot_alloc(len + 1, 1);
	if (!out->data)
		return FOT_NO_MEMORY(err, s->file);
	out->cap = len + 1;
	if (snappy_uncompress((const char *)p, n, out->data, &len) != SNAPPY_OK || len != size)
		return fail_at(s, "damaged snappy data", err);
	out->data[len] = '\0';
	out->len = len;
	return FOT_OK;
}

static int unpack_stream(struct fot_parquet_pages *s, struct fot_str *out, const unsigned char *p, size_t n,
			 size_t size, struct fot_err *err)
{
	int status = fot_unpack(out, p, n, "page", size, err);

	if (status == FOT_ERR_INPUT && err) {
		struct fot_err own = *err;

		return fail_at(s, own.text, err);
	}
	if (status == FOT_OK && out->len != size)
		return fail_at(s, "a page that is not as long as it says", err);
	return status;
}

static const struct codec {
	const char *name;
	int (*unpack)(struct fot_parquet_pages *, struct fot_str *, const unsigned char *, size_t, size_t,
		      struct fot_err *); /* NULL: not read */
} codecs[] = {
	{ "UNCOMPRESSED", NULL },  { "SNAPPY", unpack_snappy }, { "GZIP", unpack_stream },
	{ "LZO", NULL },           { "BROTLI", NULL },          { "LZ4", NULL },
	{ "ZSTD", unpack_stream }, { "LZ4_RAW", NULL },
};
#define UNCOMPRESSED 0

static int check_codec(const struct fot_parquet_pages *s, struct fot_err *err)
{
	if (s->codec == UNCOMPRESSED || ((size_t)s->codec < FOT_COUNT(codecs) && codecs[s->codec].unpack))
		return FOT_OK;
	return FOT_FAIL(
		err, FOT_ERR_INPUT,
		"%s: row group %zu, column %s: expected codec UNCOMPRESSED, SNAPPY, GZIP or ZSTD, got %s",
		s->file, s->group + 1, s->column->name,
		(size_t)s->codec < FOT_COUNT(codecs) ? codecs[s->codec].name : "another");
}

/* Unpack n bytes to `size`; *bytes are those of *out, or the file's own. */
static int unpack(struct fot_parquet_pages *s, struct fot_str *out, const unsigned char *p, size_t n,
		  size_t size, bool packed, const unsigned char **bytes, struct fot_err *err)
{
	int status = FOT_OK;

	*bytes = p;
	if (s->codec == UNCOMPRESSED || !packed)
		return n == size ? FOT_OK : fail_at(s, "a page that is not as long as it says", err);
	*bytes = (const unsigned char *)"";
	fot_str_release(out);
	if (n == 0 && size == 0)
		return FOT_OK;
	FOT_TRY(codecs[s->codec].unpack(s, out, p, n, size, err));
	FOT_TRY(fot_str_check(out, err));
	if (size)
		*bytes = (const unsigned char *)out->data;
out:
	return status;
}

/* ---- pages ---- */

enum kind { DATA, INDEX, DICTIONARY, DATA2, KINDS };

/* Numbers of the format's fields. */
enum { KIND = 1, SIZE = 2, PACKED = 3, SUM = 4, FIELDS = 5 };
enum { VALUES = 1, ENCODING = 2, LEVELS_ENCODING = 3 };                                     /* of a page */
enum { ENCODING2 = 4, DEFINITION_BYTES = 5, REPETITION_BYTES = 6, IS_PACKED = 7, OWN = 8 }; /* version 2 */

struct head {
	int64_t of[FIELDS], own[OWN];
	const unsigned char *body; /* [of[PACKED]] */
};

static bool read_head(struct fot_parquet_pages *s, struct head *h)
{
	static const int own[KINDS] = { 5, 6, 7, 8 };
	struct fot_thrift t = { s->next, s->end, false };
	struct fot_thrift_field f = { 0 };

	*h = (struct head){ .of = { 0, -1, -1, -1, NOT_GIVEN }, .own = { 0, -1, -1, -1, -1, -1, -1, 1 } };
	while (fot_thrift_next(&t, &f)) {
		if (h->of[KIND] >= 0 && h->of[KIND] < KINDS && f.id == own[h->of[KIND]])
			fot_thrift_integers(&t, f.type, h->own, OWN);
		else if (f.id < FIELDS)
			h->of[f.id] = fot_thrift_integer(&t, f.type);
		else
			fot_thrift_skip(&t, f.type);
	}
	h->body = t.p;
	return !t.bad && h->of[SIZE] >= 0 && h->of[SIZE] <= INT32_MAX && h->of[PACKED] >= 0 &&
	       h->of[PACKED] <= t.end - t.p &&
	       (h->of[KIND] == INDEX || (h->own[VALUES] >= 0 && h->own[VALUES] <= INT32_MAX));
}

static bool sum_is_right(const struct head *h)
{
	return h->of[SUM] == NOT_GIVEN ||
	       (uint32_t)h->of[SUM] == fot_crc32(0, h->body, (size_t)h->of[PACKED]);
}

static int read_dictionary(struct fot_parquet_pages *s, const struct head *h, struct fot_err *err)
{
	struct fot_parquet_values plain = { 0 };
	size_t n = (size_t)h->own[VALUES], least = fot_parquet_plain_least(s->column->type);
	const unsigned char *bytes;
	const char *why;
	int status;

	if (s->dictionary)
		return fail_at(s, "a second dictionary", err);
	if (h->own[VALUES] > s->left)
		return fail_at(s, "a dictionary of more values than the row group has rows", err);
	FOT_TRY(unpack(s, &s->dictionary_page, h->body, (size_t)h->of[PACKED], (size_t)h->of[SIZE], true,
		       &bytes, err));
	if (h->own[ENCODING] != FOT_PARQUET_PLAIN && h->own[ENCODING] != FOT_PARQUET_PLAIN_DICTIONARY)
		return fail_at(s, "a dictionary of an encoding that is not read", err);
	if (!least || n > (size_t)h->of[SIZE] / least)
		return fail_at(s, "a dictionary of more values than its page can hold", err);
	why = fot_parquet_values(&plain, FOT_PARQUET_PLAIN, s->column->type, bytes, (size_t)h->of[SIZE], n);
	s->dictionary = why ? NULL : fot_calloc(n, sizeof(*s->dictionary));
	if (!s->dictionary)
		return why ? fail_at(s, why, err) : FOT_NO_MEMORY(err, s->file);
	for (size_t i = 0; i < n; i++)
		if (!fot_parquet_value_next(&plain, &s->dictionary[i]))
			return fail_at(s, "a damaged dictionary", err);
	s->values.dictionary = s->dictionary;
	s->values.n_dictionary = n;
out:
	return status;
}

static unsigned width_of(int levels)
{
	unsigned width = 0;

	while (levels >> width)
		width++;
	return width;
}

/* The levels at the front of n bytes of a page of version 1; *p goes behind them. */
static bool take_levels(struct fot_parquet_pages *s, const struct head *h, const unsigned char **p, size_t *n)
{
	uint32_t len = 0;

	if (!s->column->levels)
		return true;
	if (h->own[LEVELS_ENCODING] != FOT_PARQUET_RLE || *n < 4)
		return false;
	for (unsigned i = 0; i < 4; i++)
		len |= (uint32_t)(*p)[i] << 8 * i;
	*p += 4;
	*n -= 4;
	if (len > *n)
		return false;
	fot_parquet_runs(&s->levels, *p, len, width_of(s->column->levels));
	*p += len;
	*n -= len;
	return true;
}

static int begin_values(struct fot_parquet_pages *s, const struct head *h, int encoding,
			const unsigned char *p, size_t n, struct fot_err *err)
{
	const char *why =
		fot_parquet_values(&s->values, encoding, s->column->type, p, n, (size_t)h->own[VALUES]);

	return why ? FOT_FAIL(err, FOT_ERR_INPUT, "%s: row group %zu, column %s, byte %zu: %s (encoding %d)",
			      s->file, s->group + 1, s->column->name, (size_t)(s->at - s->bytes), why,
			      encoding) :
		     FOT_OK;
}

static int begin_data(struct fot_parquet_pages *s, const struct head *h, struct fot_err *err)
{
	const unsigned char *p;
	size_t n = (size_t)h->of[SIZE];
	int status;

	FOT_TRY(unpack(s, &s->page, h->body, (size_t)h->of[PACKED], n, true, &p, err));
	if (!take_levels(s, h, &p, &n))
		return fail_at(s, "damaged levels, or of an encoding that is not read", err);
	status = begin_values(s, h, (int)h->own[ENCODING], p, n, err);
out:
	return status;
}

static int begin_data2(struct fot_parquet_pages *s, const struct head *h, struct fot_err *err)
{
	int64_t d = h->own[DEFINITION_BYTES], r = h->own[REPETITION_BYTES], levels = d + r;
	const unsigned char *p;
	int status;

	if (d < 0 || r < 0 || d > INT32_MAX || r > INT32_MAX || levels > h->of[PACKED] ||
	    levels > h->of[SIZE])
		return fail_at(s, "levels longer than the page", err);
	fot_parquet_runs(&s->levels, h->body + r, (size_t)d, width_of(s->column->levels));
	FOT_TRY(unpack(s, &s->page, h->body + levels, (size_t)(h->of[PACKED] - levels),
		       (size_t)(h->of[SIZE] - levels), h->own[IS_PACKED] != 0, &p, err));
	status = begin_values(s, h, (int)h->own[ENCODING2], p, (size_t)(h->of[SIZE] - levels), err);
out:
	return status;
}

static int begin_page(struct fot_parquet_pages *s, struct fot_err *err)
{
	struct head h;
	int status = FOT_OK;

	s->at = s->next;
	if (s->next == s->end)
		return fail_at(s, "the column ends before its rows do", err);
	if (!read_head(s, &h))
		return fail_at(s, "a damaged page head", err);
	if (!sum_is_right(&h))
		return fail_at(s, "the page is not what its sum (CRC-32) is of", err);
	s->next = h.body + h.of[PACKED];
	if (h.of[KIND] == DICTIONARY)
		return read_dictionary(s, &h, err);
	if (h.of[KIND] != DATA && h.of[KIND] != DATA2)
		return FOT_OK; /* as the format asks */
	if (h.own[VALUES] > s->left)
		return fail_at(s, "more values than the row group has rows", err);
	s->page_left = h.own[VALUES];
	s->left -= s->page_left;
	status = (h.of[KIND] == DATA ? begin_data : begin_data2)(s, &h, err);
	return status;
}

/* ---- chunks ---- */

static void forget(struct fot_parquet_pages *s)
{
	fot_free(s->dictionary);
	s->dictionary = NULL;
	s->values.dictionary = NULL;
	s->values.n_dictionary = 0;
	s->at = NULL;
	s->page_left = 0;
}

int fot_parquet_pages_begin(struct fot_parquet_pages *s, size_t group, const struct fot_parquet_chunk *chunk,
			    int64_t rows, struct fot_err *err)
{
	const int64_t first = 4; /* behind "PAR1" */

	forget(s);
	s->group = group;
	s->codec = chunk->codec;
	if (chunk->refused)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row group %zu, column %s: %s, which is not read",
				s->file, group + 1, s->column->name, chunk->refused);
	if (chunk->at < first || chunk->bytes < 0 || (uint64_t)chunk->at > s->n_bytes ||
	    (uint64_t)chunk->bytes > s->n_bytes - (uint64_t)chunk->at)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: row group %zu, column %s: %lld bytes from byte %lld on are not in the file",
			s->file, group + 1, s->column->name, (long long)chunk->bytes, (long long)chunk->at);
	if (chunk->values != rows)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: row group %zu, column %s: expected %lld values, got %lld", s->file,
				group + 1, s->column->name, (long long)rows, (long long)chunk->values);
	s->next = s->bytes + chunk->at;
	s->end = s->next + chunk->bytes;
	s->left = rows;
	return check_codec(s, err);
}

int fot_parquet_pages_next(struct fot_parquet_pages *s, struct fot_parquet_value *value, bool *there,
			   struct fot_err *err)
{
	uint32_t level = 0;
	int status = FOT_OK;

	while (!s->page_left)
		FOT_TRY(begin_page(s, err));
	s->page_left--;
	if (s->column->levels &&
	    (!fot_parquet_run_next(&s->levels, &level) || level > (uint32_t)s->column->levels))
		return fail_at(s, "damaged levels", err);
	*there = level == (uint32_t)s->column->levels;
	if (*there && !fot_parquet_value_next(&s->values, value))
		status = s->values.last.failed ? FOT_NO_MEMORY(err, s->file) :
						 fail_at(s, "damaged values", err);
out:
	return status;
}

void fot_parquet_pages_release(struct fot_parquet_pages *s)
{
	forget(s);
	fot_str_release(&s->page);
	fot_str_release(&s->dictionary_page);
	fot_parquet_values_release(&s->values);
}
