/* parquet_values.c: see parquet_values.h.
 *
 * Every decoder pulls one value at a time and looks at the end of its bytes for each.  Where texts lie
 * behind their lengths, the lengths are run through once to find the texts and a second time beside
 * them, so that nothing is allocated for a number of values that a file only claims. */
#include "datasets/parquet_values.h"

#include <string.h>

#include "base/list.h"
#include "datasets/parquet_notes.h"

/* A number of seven bits a byte; false at the end. */
static bool take_number(const unsigned char **p, const unsigned char *end, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned byte = *(*p)++;

		*v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* width (up to 64) bits from a bit on, lowest first; they are there. */
static uint64_t take_bits(const unsigned char *p, size_t bit, unsigned width)
{
	uint64_t v = 0;
	unsigned got = 0;

	p += bit / 8;
	for (unsigned skip = bit % 8; got < width; skip = 0) {
		v |= (uint64_t)(*p++ >> skip) << got;
		got += 8 - skip;
	}
	return width < 64 ? v & (((uint64_t)1 << width) - 1) : v;
}

static uint64_t take_fixed(const unsigned char *p, size_t n)
{
	return n ? take_bits(p, 0, (unsigned)n * 8) : 0;
}

/* ---- runs ---- */

void fot_parquet_runs(struct fot_parquet_runs *r, const unsigned char *p, size_t n, unsigned width)
{
	*r = (struct fot_parquet_runs){ .p = p, .end = p + n, .width = width };
}

static bool begin_run(struct fot_parquet_runs *r)
{
	size_t bytes = (r->width + 7) / 8, room;
	uint64_t head;

	if (!take_number(&r->p, r->end, &head) || head >> 1 > UINT32_MAX)
		return false;
	room = (size_t)(r->end - r->p);
	r->packed = head & 1;
	r->left = r->packed ? (head >> 1) * 8 : head >> 1;
	if (!r->packed && bytes > room)
		return false;
	if (r->packed) /* the last group may be cut behind its last value */
		bytes = (head >> 1) * r->width < room ? (size_t)(head >> 1) * r->width : room;
	else
		r->number = (uint32_t)take_fixed(r->p, bytes);
	r->group = r->p;
	r->bit = 0;
	r->n_bits = bytes * 8;
	r->p += bytes;
	return true;
}

bool fot_parquet_run_next(struct fot_parquet_runs *r, uint32_t *number)
{
	if (r->width > 32)
		return false;
	while (!r->left)
		if (!begin_run(r))
			return false;
	r->left--;
	if (!r->packed) {
		*number = r->number;
		return true;
	}
	if (r->n_bits - r->bit < r->width)
		return false;
	*number = r->width ? (uint32_t)take_bits(r->group, r->bit, r->width) : 0;
	r->bit += r->width;
	return true;
}

/* ---- deltas ---- */

#define BLOCK_MAX ((uint64_t)1 << 20)

static bool take_signed(struct fot_parquet_deltas *d, uint64_t *v)
{
	bool ok = take_number(&d->p, d->end, v);

	*v = *v >> 1 ^ (0 - (*v & 1));
	return ok;
}

static bool begin_deltas(struct fot_parquet_deltas *d, const unsigned char *p, const unsigned char *end,
			 size_t most)
{
	uint64_t block;

	*d = (struct fot_parquet_deltas){ .p = p, .end = end };
	if (p == end) /* a page of missing values */
		return true;
	if (!take_number(&d->p, end, &block) || !take_number(&d->p, end, &d->minis) ||
	    !take_number(&d->p, end, &d->left) || !take_signed(d, &d->value))
		return false;
	if (block == 0 || block > BLOCK_MAX || d->minis == 0 || block % d->minis || d->left > most)
		return false;
	d->per_mini = block / d->minis;
	d->at_mini = d->minis;
	d->in_mini = d->per_mini;
	return d->per_mini % 8 == 0;
}

static bool begin_mini(struct fot_parquet_deltas *d)
{
	uint64_t bytes;

	if (d->at_mini == d->minis) {
		if (!take_signed(d, &d->least) || (uint64_t)(d->end - d->p) < d->minis)
			return false;
		d->widths = d->p;
		d->p += d->minis;
		d->at_mini = 0;
	}
	d->mini = d->p;
	bytes = d->per_mini / 8 * d->widths[d->at_mini];
	if (d->widths[d->at_mini++] > 64 || bytes > (uint64_t)(d->end - d->p))
		return false;
	d->p += bytes;
	d->in_mini = 0;
	return true;
}

static bool next_delta(struct fot_parquet_deltas *d, int64_t *value)
{
	unsigned width;

	if (!d->left)
		return false;
	d->left--;
	if (d->begun) {
		if (d->in_mini == d->per_mini && !begin_mini(d))
			return false;
		width = d->widths[d->at_mini - 1];
		d->value += d->least + (width ? take_bits(d->mini, d->in_mini * width, width) : 0);
		d->in_mini++;
	}
	d->begun = true;
	*value = (int64_t)d->value;
	return true;
}

/* Run through a copy: where does what stands behind them begin? */
static bool behind_deltas(const struct fot_parquet_deltas *d, const unsigned char **behind)
{
	struct fot_parquet_deltas copy = *d;
	int64_t value;

	while (copy.left)
		if (!next_delta(&copy, &value))
			return false;
	*behind = copy.p;
	return true;
}

/* ---- codings ---- */

static bool take_text(struct fot_parquet_values *v, int64_t n, struct fot_parquet_value *out)
{
	if (n < 0 || n > v->end - v->p)
		return false;
	out->p = (const char *)v->p;
	out->n = (size_t)n;
	v->p += n;
	return true;
}

static bool next_plain_text(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	uint64_t n;

	if (v->end - v->p < 4)
		return false;
	n = take_fixed(v->p, 4);
	v->p += 4;
	return take_text(v, (int64_t)n, out);
}

static bool next_plain_int(struct fot_parquet_values *v, struct fot_parquet_value *out, size_t bytes)
{
	uint64_t bits;

	if ((size_t)(v->end - v->p) < bytes)
		return false;
	bits = take_fixed(v->p, bytes);
	out->integer = bytes == 4 ? (int32_t)bits : (int64_t)bits;
	v->p += bytes;
	return true;
}

static bool next_plain_int32(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	return next_plain_int(v, out, 4);
}

static bool next_plain_int64(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	return next_plain_int(v, out, 8);
}

static bool next_plain_bool(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	if (v->p == v->end)
		return false;
	out->integer = *v->p >> v->bit & 1;
	v->bit = (v->bit + 1) % 8;
	v->p += v->bit == 0;
	return true;
}

static bool begin_indices(struct fot_parquet_values *v)
{
	size_t n = (size_t)(v->end - v->p);

	fot_parquet_runs(&v->runs, v->p + (n > 0), n - (n > 0), n ? *v->p : 0);
	return true;
}

static bool next_index(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	uint32_t i;

	if (!fot_parquet_run_next(&v->runs, &i) || i >= v->n_dictionary)
		return false;
	*out = v->dictionary[i];
	return true;
}

/* Booleans in runs, behind their length. */
static bool begin_bools(struct fot_parquet_values *v)
{
	uint64_t n = v->end - v->p < 4 ? 0 : take_fixed(v->p, 4);
	size_t room = v->end - v->p < 4 ? 0 : (size_t)(v->end - v->p) - 4;

	fot_parquet_runs(&v->runs, room ? v->p + 4 : v->p, n < room ? (size_t)n : room, 1);
	return true;
}

static bool next_bool(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	uint32_t bit;

	if (!fot_parquet_run_next(&v->runs, &bit))
		return false;
	out->integer = bit;
	return true;
}

static bool begin_ints(struct fot_parquet_values *v)
{
	return begin_deltas(&v->deltas, v->p, v->end, v->n_values);
}

static bool next_int64(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	return next_delta(&v->deltas, &out->integer);
}

static bool next_int32(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	bool ok = next_delta(&v->deltas, &out->integer);

	out->integer = (int32_t)out->integer;
	return ok;
}

static bool begin_lengths(struct fot_parquet_values *v)
{
	return begin_ints(v) && behind_deltas(&v->deltas, &v->p);
}

static bool next_by_length(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	int64_t n;

	return next_delta(&v->deltas, &n) && take_text(v, (int32_t)n, out);
}

/* Lengths of what is kept of the text before, lengths of what is new, and what is new. */
static bool begin_prefixes(struct fot_parquet_values *v)
{
	fot_str_clear(&v->last);
	fot_str_puts(&v->last, "");
	return begin_lengths(v) && begin_deltas(&v->suffixes, v->p, v->end, v->n_values) &&
	       behind_deltas(&v->suffixes, &v->p);
}

static bool next_by_prefix(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	struct fot_parquet_value suffix;
	int64_t kept, n;

	if (!next_delta(&v->deltas, &kept) || !next_delta(&v->suffixes, &n) || kept < 0 ||
	    (uint64_t)kept > v->last.len || !take_text(v, (int32_t)n, &suffix))
		return false;
	v->last.len = (size_t)kept;
	fot_str_add(&v->last, suffix.p, suffix.n);
	out->p = v->last.data;
	out->n = v->last.len;
	return !v->last.failed;
}

struct fot_parquet_coding {
	int encoding, type;
	bool (*begin)(struct fot_parquet_values *v); /* may be NULL */
	bool (*next)(struct fot_parquet_values *v, struct fot_parquet_value *out);
};
#define ANY (-1)
static const struct fot_parquet_coding codings[] = {
	{ FOT_PARQUET_PLAIN, FOT_PARQUET_BYTE_ARRAY, NULL, next_plain_text },
	{ FOT_PARQUET_PLAIN, FOT_PARQUET_INT32, NULL, next_plain_int32 },
	{ FOT_PARQUET_PLAIN, FOT_PARQUET_INT64, NULL, next_plain_int64 },
	{ FOT_PARQUET_PLAIN, FOT_PARQUET_BOOLEAN, NULL, next_plain_bool },
	{ FOT_PARQUET_PLAIN_DICTIONARY, ANY, begin_indices, next_index },
	{ FOT_PARQUET_RLE_DICTIONARY, ANY, begin_indices, next_index },
	{ FOT_PARQUET_RLE, FOT_PARQUET_BOOLEAN, begin_bools, next_bool },
	{ FOT_PARQUET_DELTA_BINARY_PACKED, FOT_PARQUET_INT32, begin_ints, next_int32 },
	{ FOT_PARQUET_DELTA_BINARY_PACKED, FOT_PARQUET_INT64, begin_ints, next_int64 },
	{ FOT_PARQUET_DELTA_LENGTH_BYTE_ARRAY, FOT_PARQUET_BYTE_ARRAY, begin_lengths, next_by_length },
	{ FOT_PARQUET_DELTA_BYTE_ARRAY, FOT_PARQUET_BYTE_ARRAY, begin_prefixes, next_by_prefix },
};

const char *fot_parquet_values(struct fot_parquet_values *v, int encoding, int type,
			       const unsigned char *bytes, size_t n, size_t n_values)
{
	size_t i = 0;

	while (i < FOT_COUNT(codings) &&
	       (codings[i].encoding != encoding || (codings[i].type != type && codings[i].type != ANY)))
		i++;
	if (i == FOT_COUNT(codings))
		return "an encoding that is not read";
	v->coding = &codings[i];
	v->p = bytes;
	v->end = bytes + n;
	v->n_values = n_values;
	v->bit = 0;
	return v->coding->begin && !v->coding->begin(v) ? "damaged lengths or numbers" : NULL;
}

bool fot_parquet_value_next(struct fot_parquet_values *v, struct fot_parquet_value *out)
{
	return v->coding->next(v, out);
}

void fot_parquet_values_release(struct fot_parquet_values *v)
{
	fot_str_release(&v->last);
}

size_t fot_parquet_plain_least(int type)
{
	return type == FOT_PARQUET_BOOLEAN ? 0 : type == FOT_PARQUET_INT64 ? 8 : 4;
}
