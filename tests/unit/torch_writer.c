/* torch_writer.c: see torch_writer.h. */
#include "tests/unit/torch_writer.h"

#include <string.h>
#include <zlib.h>

static void put(struct fot_str *s, uint64_t x, int bytes)
{
	for (int i = 0; i < bytes; i++)
		fot_str_putc(s, (char)(unsigned char)(x >> 8 * i));
}

/* Version, flags, method, time, date. */
static void put_head(struct fot_str *out, uint32_t magic, bool central)
{
	put(out, magic, 4);
	if (central)
		put(out, 45, 2);
	put(out, 45, 2);
	put(out, 0, 2);
	put(out, 0, 2);
	put(out, 0, 4);
}

static void put_local(struct fot_str *out, const struct torch_entry *e, uint32_t crc)
{
	size_t name = strlen(e->name), before = out->len + 30 + name, pad = (64 - (before + 4) % 64) % 64;

	put_head(out, 0x04034b50, false);
	put(out, crc, 4);
	put(out, e->n, 4);
	put(out, e->n, 4);
	put(out, name, 2);
	put(out, pad + 4, 2);
	fot_str_add(out, e->name, name);
	put(out, 0x4246, 2); /* torch's padding field */
	put(out, pad, 2);
	for (size_t i = 0; i < pad; i++)
		fot_str_putc(out, 'Z');
	fot_str_add(out, e->data, e->n);
}

static void put_central(struct fot_str *out, const struct torch_entry *e, uint32_t crc, uint64_t at, bool zip64)
{
	put_head(out, 0x02014b50, true);
	put(out, crc, 4);
	put(out, zip64 ? UINT32_MAX : e->n, 4);
	put(out, zip64 ? UINT32_MAX : e->n, 4);
	put(out, strlen(e->name), 2);
	put(out, zip64 ? 33 : 5, 2);
	put(out, 0, 2);
	put(out, 0, 2);
	put(out, 0, 2);
	put(out, 0, 4);
	put(out, zip64 ? UINT32_MAX : at, 4);
	fot_str_puts(out, e->name);
	put(out, 0x7777, 2); /* a field nobody knows */
	put(out, 1, 2);
	put(out, 9, 1);
	if (!zip64)
		return;
	put(out, 1, 2);
	put(out, 24, 2);
	put(out, e->n, 8);
	put(out, e->n, 8);
	put(out, at, 8);
}

static void put_end64(struct fot_str *out, size_t n, uint64_t directory, uint64_t bytes)
{
	uint64_t at = out->len;

	put(out, 0x06064b50, 4);
	put(out, 44, 8);
	put(out, 45, 2);
	put(out, 45, 2);
	put(out, 0, 8);
	put(out, n, 8);
	put(out, n, 8);
	put(out, bytes, 8);
	put(out, directory, 8);
	put(out, 0x07064b50, 4);
	put(out, 0, 4);
	put(out, at, 8);
	put(out, 1, 4);
}

void torch_zip(struct fot_str *out, const struct torch_entry *entry, size_t n, bool zip64, const char *comment)
{
	uint64_t at[64], directory, bytes;
	uint32_t crc[64];

	for (size_t i = 0; i < n; i++) {
		crc[i] = (uint32_t)crc32(crc32(0, NULL, 0), entry[i].data, (uInt)entry[i].n);
		at[i] = out->len;
		put_local(out, &entry[i], crc[i]);
	}
	directory = out->len;
	for (size_t i = 0; i < n; i++)
		put_central(out, &entry[i], crc[i], at[i], zip64);
	bytes = out->len - directory;
	if (zip64)
		put_end64(out, n, directory, bytes);
	put(out, 0x06054b50, 4);
	put(out, 0, 4);
	put(out, zip64 ? UINT16_MAX : n, 2);
	put(out, zip64 ? UINT16_MAX : n, 2);
	put(out, zip64 ? UINT32_MAX : bytes, 4);
	put(out, zip64 ? UINT32_MAX : directory, 4);
	put(out, comment ? strlen(comment) : 0, 2);
	fot_str_puts(out, comment ? comment : "");
}

void pickle_op(struct fot_str *p, const char *bytes, size_t n)
{
	fot_str_add(p, bytes, n);
}

void pickle_text(struct fot_str *p, const char *text)
{
	fot_str_putc(p, 'X');
	put(p, strlen(text), 4);
	fot_str_puts(p, text);
}

void pickle_int(struct fot_str *p, int64_t x)
{
	if (x >= 0 && x < 256) {
		fot_str_putc(p, 'K');
		put(p, (uint64_t)x, 1);
	} else if (x >= 0 && x < 65536) {
		fot_str_putc(p, 'M');
		put(p, (uint64_t)x, 2);
	} else if (x >= INT32_MIN && x <= INT32_MAX) {
		fot_str_putc(p, 'J');
		put(p, (uint64_t)x, 4);
	} else {
		fot_str_add(p, "\x8a\x08", 2);
		put(p, (uint64_t)x, 8);
	}
}

void pickle_global(struct fot_str *p, const char *module, const char *name)
{
	fot_str_printf(p, "c%s\n%s\n", module, name);
}

void pickle_begin(struct fot_str *p)
{
	fot_str_add(p, "\x80\x02", 2);
	pickle_global(p, "collections", "OrderedDict");
	fot_str_add(p, "q\0)Rq\1(", 7);
}

void pickle_end(struct fot_str *p)
{
	fot_str_add(p, "u}", 2);
	pickle_text(p, "_metadata");
	fot_str_add(p, "h\0)R", 4);
	fot_str_add(p, "sb.", 3);
}

static void put_tuple(struct fot_str *p, const int64_t *x, int n)
{
	if (n > 3)
		fot_str_putc(p, '(');
	for (int i = 0; i < n; i++)
		pickle_int(p, x[i]);
	fot_str_putc(p, ")\x85\x86\x87t"[n < 4 ? n : 4]);
}

void pickle_tensor(struct fot_str *p, const struct torch_tensor *t)
{
	pickle_text(p, t->name);
	pickle_global(p, "torch._utils", "_rebuild_tensor_v2");
	fot_str_puts(p, "((");
	pickle_text(p, "storage");
	pickle_global(p, "torch", t->type);
	pickle_text(p, t->key);
	pickle_text(p, "cpu");
	pickle_int(p, t->numbers);
	fot_str_puts(p, "tQ");
	pickle_int(p, t->offset);
	put_tuple(p, t->shape, t->rank);
	put_tuple(p, t->stride, t->rank);
	fot_str_add(p, "\x89h\0)RtR", 7);
}
