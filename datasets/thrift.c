/* thrift.c: see thrift.h. */
#include "datasets/thrift.h"

#define DEPTH_MAX 32 /* of what is skipped */

static unsigned take_byte(struct fot_thrift *t)
{
	if (t->bad || t->p == t->end) {
		t->bad = true;
		return 0;
	}
	return *t->p++;
}

static void drop(struct fot_thrift *t, uint64_t n)
{
	if (n > (uint64_t)(t->end - t->p))
		t->bad = true;
	if (!t->bad)
		t->p += n;
}

/* An unsigned number of at most ten bytes, seven bits in each. */
static uint64_t read_number(struct fot_thrift *t)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned byte = take_byte(t);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	t->bad = true;
	return 0;
}

/* 0, -1, 1, -2, ... */
static int64_t take_signed(struct fot_thrift *t)
{
	uint64_t v = read_number(t);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

bool fot_thrift_next(struct fot_thrift *t, struct fot_thrift_field *f)
{
	unsigned byte = take_byte(t);
	int64_t id;

	f->type = byte & 15;
	if (t->bad || f->type == 0)
		return false;
	id = byte >> 4 ? f->id + (int)(byte >> 4) : take_signed(t);
	if (id < 0 || id > INT16_MAX)
		t->bad = true;
	f->id = t->bad ? 0 : (int)id;
	return !t->bad;
}

int64_t fot_thrift_integer(struct fot_thrift *t, int type)
{
	switch (type) {
	case FOT_THRIFT_TRUE:
	case FOT_THRIFT_FALSE:
		return type == FOT_THRIFT_TRUE;
	case FOT_THRIFT_I8:
		return (int8_t)take_byte(t);
	case FOT_THRIFT_I16:
	case FOT_THRIFT_I32:
	case FOT_THRIFT_I64:
		return take_signed(t);
	default:
		t->bad = true;
		return 0;
	}
}

const char *fot_thrift_bytes(struct fot_thrift *t, int type, size_t *n)
{
	uint64_t len = type == FOT_THRIFT_BINARY ? read_number(t) : 0;
	const char *p = (const char *)t->p;

	t->bad = t->bad || type != FOT_THRIFT_BINARY;
	drop(t, len);
	*n = t->bad ? 0 : (size_t)len;
	return t->bad ? "" : p;
}

/* The head of a list: its length, at most the bytes that are left, and what it is of. */
static size_t open_list(struct fot_thrift *t, int *of)
{
	unsigned head = take_byte(t);
	uint64_t n = head >> 4 == 15 ? read_number(t) : head >> 4;

	*of = head & 15;
	if (n > (uint64_t)(t->end - t->p))
		t->bad = true;
	return t->bad ? 0 : (size_t)n;
}

size_t fot_thrift_list(struct fot_thrift *t, int type, int of)
{
	int got = 0;
	size_t n = type == FOT_THRIFT_LIST ? open_list(t, &got) : 0;

	if (type != FOT_THRIFT_LIST || (n && got != of))
		t->bad = true;
	return t->bad ? 0 : n;
}

static void skip(struct fot_thrift *t, int type, bool entry, int depth);

static void skip_entries(struct fot_thrift *t, int key, int value, size_t n, int depth)
{
	for (size_t i = 0; i < n && !t->bad; i++) {
		if (key)
			skip(t, key, true, depth);
		skip(t, value, true, depth);
	}
}

static void skip_map(struct fot_thrift *t, int depth)
{
	uint64_t n = read_number(t);
	unsigned types = n ? take_byte(t) : 0;

	if (n > (uint64_t)(t->end - t->p))
		t->bad = true;
	if (!t->bad)
		skip_entries(t, (int)(types >> 4), (int)(types & 15), (size_t)n, depth);
}

static void skip(struct fot_thrift *t, int type, bool entry, int depth)
{
	struct fot_thrift_field f = { 0 };
	size_t n;
	int of;

	if (depth == DEPTH_MAX || type < FOT_THRIFT_TRUE || type > FOT_THRIFT_STRUCT) {
		t->bad = true;
	} else if (type == FOT_THRIFT_STRUCT) {
		while (fot_thrift_next(t, &f))
			skip(t, f.type, false, depth + 1);
	} else if (type == FOT_THRIFT_LIST || type == FOT_THRIFT_SET) {
		n = open_list(t, &of);
		skip_entries(t, 0, of, n, depth + 1);
	} else if (type == FOT_THRIFT_MAP) {
		skip_map(t, depth + 1);
	} else if (type == FOT_THRIFT_BINARY) {
		(void)fot_thrift_bytes(t, type, &n);
	} else if (type == FOT_THRIFT_DOUBLE) {
		drop(t, 8);
	} else if (entry && type <= FOT_THRIFT_FALSE) {
		drop(t, 1);
	} else {
		(void)fot_thrift_integer(t, type);
	}
}

void fot_thrift_skip(struct fot_thrift *t, int type)
{
	skip(t, type, false, 0);
}

void fot_thrift_integers(struct fot_thrift *t, int type, int64_t *integer, int n)
{
	struct fot_thrift_field f = { 0 };

	if (type != FOT_THRIFT_STRUCT)
		t->bad = true;
	while (!t->bad && fot_thrift_next(t, &f)) {
		if (f.id < n && f.type <= FOT_THRIFT_I64)
			integer[f.id] = fot_thrift_integer(t, f.type);
		else
			fot_thrift_skip(t, f.type);
	}
}
