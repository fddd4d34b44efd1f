/* zip.c: see zip.h.
 *
 * From the end: the end record (behind at most 64 KiB of comment), for large archives
 * the zip64 end record before it, then the central directory, one fixed head and three
 * variable fields per entry, and each entry's local head, which says where data begin.
 * Every offset is checked against the archive before it is used. */
#include "model/zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LOCAL_MAGIC 0x04034b50u
#define CENTRAL_MAGIC 0x02014b50u
#define END_MAGIC 0x06054b50u
#define END64_MAGIC 0x06064b50u
#define LOCATOR64_MAGIC 0x07064b50u
#define LOCAL_BYTES 30u
#define CENTRAL_BYTES 46u
#define END_BYTES 22u
#define END64_BYTES 56u
#define LOCATOR64_BYTES 20u
#define COMMENT_MAX 65535u
#define NONE16 0xffffu
#define NONE32 0xffffffffu

struct archive {
	const unsigned char *p;
	uint64_t n;
	const char *name;
};

struct directory {
	uint64_t at, bytes, entries;
};

static uint64_t le(const unsigned char *p, int bytes)
{
	uint64_t x = 0;

	for (int i = bytes - 1; i >= 0; i--)
		x = x << 8 | p[i];
	return x;
}

/* Are `bytes` bytes from `at` inside? */
static bool inside(const struct archive *a, uint64_t at, uint64_t bytes)
{
	return at <= a->n && bytes <= a->n - at;
}

static bool magic_at(const struct archive *a, uint64_t at, uint64_t bytes, uint32_t magic)
{
	return inside(a, at, bytes) && le(a->p + at, 4) == magic;
}

/* The end record whose comment reaches exactly to the end. */
static int find_end(const struct archive *a, uint64_t *at, struct fot_err *err)
{
	uint64_t most = END_BYTES + COMMENT_MAX, tail;

	for (tail = END_BYTES; tail <= a->n && tail <= most; tail++) {
		*at = a->n - tail;
		if (magic_at(a, *at, END_BYTES, END_MAGIC) && le(a->p + *at + 20, 2) == tail - END_BYTES)
			return FOT_OK;
	}
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: not a zip archive (no end record), or cut off", a->name);
}

static int read_end64(const struct archive *a, uint64_t end, struct directory *d, struct fot_err *err)
{
	uint64_t locator = end - LOCATOR64_BYTES, at;

	if (end < LOCATOR64_BYTES || !magic_at(a, locator, LOCATOR64_BYTES, LOCATOR64_MAGIC))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: zip64 locator missing", a->name);
	at = le(a->p + locator + 8, 8);
	if (!magic_at(a, at, END64_BYTES, END64_MAGIC))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: zip64 end record missing", a->name);
	if (le(a->p + at + 16, 4) != 0 || le(a->p + at + 20, 4) != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: split zip archives are not supported", a->name);
	*d = (struct directory){ .at = le(a->p + at + 48, 8),
				 .bytes = le(a->p + at + 40, 8),
				 .entries = le(a->p + at + 32, 8) };
	return FOT_OK;
}

static int find_directory(const struct archive *a, struct directory *d, struct fot_err *err)
{
	const unsigned char *p;
	uint64_t end = 0;
	int status;

	FOT_TRY(find_end(a, &end, err));
	p = a->p + end;
	*d = (struct directory){ .at = le(p + 16, 4), .bytes = le(p + 12, 4), .entries = le(p + 10, 2) };
	if (d->at == NONE32 || d->bytes == NONE32 || d->entries == NONE16)
		FOT_TRY(read_end64(a, end, d, err));
	else if (le(p + 4, 2) != 0 || le(p + 6, 2) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: split zip archives are not supported", a->name);
	if (status == FOT_OK && (!inside(a, d->at, d->bytes) || d->entries > d->bytes / CENTRAL_BYTES))
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: the zip directory (%llu entries, %llu bytes at %llu) does not fit %llu bytes",
				  a->name, (unsigned long long)d->entries, (unsigned long long)d->bytes,
				  (unsigned long long)d->at, (unsigned long long)a->n);
out:
	return status;
}

/* 64-bit sizes of an entry's extra field 1, present for each 32-bit one that is full. */
static bool widen_sizes(const unsigned char *extra, uint64_t n, uint64_t *size, uint64_t *packed, uint64_t *at)
{
	uint64_t *const want[] = { size, packed, at };

	while (n >= 4) {
		uint64_t id = le(extra, 2), len = le(extra + 2, 2), used = 4;

		if (len > n - 4)
			return false;
		for (int i = 0; id == 1 && i < 3; i++) {
			if (*want[i] != NONE32)
				continue;
			if (used + 8 > 4 + len)
				return false;
			*want[i] = le(extra + used, 8);
			used += 8;
		}
		if (id == 1)
			return true;
		extra += 4 + len;
		n -= 4 + len;
	}
	return *size != NONE32 && *packed != NONE32 && *at != NONE32;
}

/* Where the entry with its local head at `at` has its data. */
static int place_data(const struct archive *a, struct fot_zip_entry *e, uint64_t at, uint64_t size, struct fot_err *err)
{
	uint64_t skip;

	if (!magic_at(a, at, LOCAL_BYTES, LOCAL_MAGIC))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: entry %.*s: no local head at %llu", a->name,
				(int)e->name_len, e->name, (unsigned long long)at);
	skip = LOCAL_BYTES + le(a->p + at + 26, 2) + le(a->p + at + 28, 2);
	if (!inside(a, at, skip) || !inside(a, at + skip, size))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: entry %.*s: %llu bytes at %llu do not fit the archive",
				a->name, (int)e->name_len, e->name, (unsigned long long)size,
				(unsigned long long)at);
	e->data = a->p + at + skip;
	e->size = (size_t)size;
	return FOT_OK;
}

/* The entry at *at of the directory, which ends at `end`; moves *at behind it. */
static int read_entry(const struct archive *a, uint64_t *at, uint64_t end, struct fot_zip_entry *e,
		      struct fot_err *err)
{
	const unsigned char *p = a->p + *at;
	uint64_t name_len, extra, packed, size, local;

	if (end - *at < CENTRAL_BYTES || le(p, 4) != CENTRAL_MAGIC)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: zip directory: no entry at %llu", a->name,
				(unsigned long long)*at);
	name_len = le(p + 28, 2);
	extra = le(p + 30, 2);
	if (end - *at - CENTRAL_BYTES < name_len + extra + le(p + 32, 2))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: zip directory: the entry at %llu is cut off", a->name,
				(unsigned long long)*at);
	*e = (struct fot_zip_entry){ .name = (const char *)p + CENTRAL_BYTES,
				     .name_len = (size_t)name_len,
				     .crc = (uint32_t)le(p + 16, 4) };
	packed = le(p + 20, 4);
	size = le(p + 24, 4);
	local = le(p + 42, 4);
	*at += CENTRAL_BYTES + name_len + extra + le(p + 32, 2);
	if (le(p + 8, 2) & 1)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: entry %.*s is encrypted", a->name, (int)name_len, e->name);
	if (!widen_sizes(p + CENTRAL_BYTES + name_len, extra, &size, &packed, &local))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: entry %.*s: its zip64 sizes are missing", a->name,
				(int)name_len, e->name);
	if (le(p + 10, 2) != 0 || packed != size)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: entry %.*s is compressed: expected stored entries", a->name,
				(int)name_len, e->name);
	return place_data(a, e, local, size, err);
}

static int compare(const void *va, const void *vb)
{
	const struct fot_zip_entry *a = va, *b = vb;
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->name, b->name, n);

	return order ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

int fot_zip_open(struct fot_zip *out, const void *bytes, size_t n, const char *name, struct fot_err *err)
{
	struct archive a = { .p = bytes, .n = n, .name = name };
	struct directory d;
	uint64_t at;
	int status;

	*out = (struct fot_zip){ 0 };
	FOT_TRY(find_directory(&a, &d, err));
	out->entry = fot_alloc((size_t)d.entries, sizeof *out->entry);
	if (!out->entry) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for %llu entries", name,
				  (unsigned long long)d.entries);
		goto out;
	}
	at = d.at;
	for (; out->n < d.entries; out->n++)
		FOT_TRY(read_entry(&a, &at, d.at + d.bytes, &out->entry[out->n], err));
	qsort(out->entry, out->n, sizeof *out->entry, compare);
	for (size_t i = 1; i < out->n; i++)
		if (compare(&out->entry[i - 1], &out->entry[i]) == 0) {
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: two entries are called %.*s", name,
					  (int)out->entry[i].name_len, out->entry[i].name);
			goto out;
		}
out:
	if (status != FOT_OK)
		fot_zip_release(out);
	return status;
}

void fot_zip_release(struct fot_zip *z)
{
	fot_free(z->entry);
	*z = (struct fot_zip){ 0 };
}

const struct fot_zip_entry *fot_zip_find(const struct fot_zip *z, const char *name, size_t len)
{
	struct fot_zip_entry key = { .name = name, .name_len = len };

	return z->n ? bsearch(&key, z->entry, z->n, sizeof *z->entry, compare) : NULL;
}
