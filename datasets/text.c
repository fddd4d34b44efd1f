/* text.c: gunzip, encodings, markup, SWORD modules.
 *
 * All functions append to a struct fot_str and treat their input as hostile:
 * every size from a file is checked against the bytes that are there, and
 * inflating stops at a limit. The rules are part of the documents' identity: a
 * change here changes hashes in the manifests. */
#include "datasets/text.h"

#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/list.h"

#define INFLATE_CHUNK ((size_t)1 << 16)
#define BLOCK_MAX ((size_t)64 << 20)
#define INDEX_MAX ((size_t)16 << 20)
#define MODULE_MAX ((size_t)1 << 30)
#define GZIP_BITS (15 + 16)
#define ZLIB_BITS 15

/* ---- compression ---- */

/* One stream from z->next_in on; Z_STREAM_END when it is whole. */
static int inflate_stream(z_stream *z, struct fot_str *out, size_t max)
{
	unsigned char buf[INFLATE_CHUNK];
	int rc;

	do {
		z->next_out = buf;
		z->avail_out = sizeof(buf);
		rc = inflate(z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return rc;
		fot_str_add(out, buf, sizeof(buf) - z->avail_out);
		if (out->failed || out->len > max)
			return Z_MEM_ERROR;
	} while (rc != Z_STREAM_END);
	return rc;
}

static int inflate_all(struct fot_str *out, const void *bytes, size_t n, int bits, const char *name, size_t max,
		       struct fot_err *err)
{
	z_stream z = { 0 };
	unsigned char *copy = NULL;
	size_t start = out->len;
	int rc;

	if (n > UINT32_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than 4 GiB of compressed data", name);
	if (inflateInit2(&z, bits) != Z_OK)
		return FOT_NO_MEMORY(err, name);
	/* zlib's interface predates const; inflate does not write here. */
	memcpy(&copy, &bytes, sizeof(copy));
	z.next_in = copy;
	z.avail_in = (uInt)n;
	do {
		rc = inflate_stream(&z, out, max > SIZE_MAX - start ? SIZE_MAX : start + max);
		if (rc == Z_STREAM_END && bits == GZIP_BITS && z.avail_in >= 2 && fot_text_is_gzip(z.next_in, z.avail_in) &&
		    inflateReset(&z) == Z_OK)
			rc = Z_OK;
	} while (rc == Z_OK);
	(void)inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return FOT_OK;
	if (out->failed)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory after %zu bytes", name, out->len - start);
	if (rc == Z_MEM_ERROR)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than %zu bytes when unpacked", name, max);
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: damaged or cut compressed data (%s)", name,
			rc == Z_BUF_ERROR ? "it ends too early" : z.msg ? z.msg : "zlib refuses it");
}

bool fot_text_is_gzip(const void *bytes, size_t n)
{
	return n >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0;
}

int fot_text_gunzip(struct fot_str *out, const void *bytes, size_t n, const char *name, size_t max,
		    struct fot_err *err)
{
	if (!fot_text_is_gzip(bytes, n))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected gzip data", name);
	return inflate_all(out, bytes, n, GZIP_BITS, name, max, err);
}

/* ---- encodings ---- */

void fot_text_latin1(struct fot_str *out, const char *bytes, size_t n)
{
	char code[4];

	for (size_t i = 0; i < n; i++)
		fot_str_add(out, code, fot_utf8_encode((unsigned char)bytes[i], code));
}

void fot_text_plain(struct fot_str *s, size_t from)
{
	size_t to = from, at = from;

	if (s->len - from >= 3 && memcmp(s->data + from, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	for (; at < s->len; at++)
		if (s->data[at] != '\r' || at + 1 == s->len || s->data[at + 1] != '\n')
			s->data[to++] = s->data[at];
	if (to == s->len)
		return;
	s->len = to;
	s->data[to] = '\0';
}

int fot_text_check(const char *text, size_t n, const char *name, struct fot_err *err)
{
	size_t good = fot_utf8_valid(text, n), line = 1;

	if (good == n)
		return FOT_OK;
	for (size_t i = 0; i < good; i++)
		line += text[i] == '\n';
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: line %zu, byte offset %zu: invalid UTF-8 (byte 0x%02x)", name, line,
			good, (unsigned char)text[good]);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The lower case of an upper-case Latin-1 letter's second UTF-8 byte (U+00C0 .. U+00DE
 * without U+00D7), which follows 0xC3. */
static unsigned char latin1_lower(unsigned char second)
{
	return second >= 0x80 && second <= 0x9e && second != 0x97 ? (unsigned char)(second + 0x20) : second;
}

void fot_text_lower(struct fot_str *out, const char *text, size_t n)
{
	const unsigned char *end = (const unsigned char *)text + n;

	for (const unsigned char *p = (const unsigned char *)text; p < end; p++) {
		if (*p >= 'A' && *p <= 'Z') {
			fot_str_putc(out, (char)(*p - 'A' + 'a'));
		} else if (*p == 0xc3 && p + 1 < end) {
			fot_str_putc(out, (char)*p++);
			fot_str_putc(out, (char)latin1_lower(*p));
		} else if (*p >= 0x80 || strchr(" \t\r\n\v\f", *p) || (*p >= '0' && *p <= '9') ||
			   (*p >= 'a' && *p <= 'z')) {
			fot_str_putc(out, (char)*p);
		}
	}
}

int64_t fot_text_words(const char *text, size_t n)
{
	int64_t words = 0;
	bool inside = false;

	for (size_t i = 0; i < n; i++) {
		bool space = is_space(text[i]);

		words += !space && !inside;
		inside = !space;
	}
	return words;
}

/* ---- markup ---- */

/* The first `what` at or after `at`, or n. */
static size_t find(const char *text, size_t n, size_t at, const char *what)
{
	const char *hit = memmem(text + at, n - at, what, strlen(what));

	return hit ? (size_t)(hit - text) : n;
}

/* <note ...> ... </note> goes; a note that is never closed is an ordinary tag. */
static void drop_notes(struct fot_str *out, const char *text, size_t n)
{
	size_t at = 0, note, body, end;

	while (at < n) {
		note = find(text, n, at, "<note");
		fot_str_add(out, text + at, note - at);
		if (note == n)
			return;
		body = find(text, n, note, ">");
		end = find(text, n, body, "</note>");
		if (end == n) {
			fot_str_add(out, text + note, 5);
			at = note + 5;
		} else {
			at = end + 7;
		}
	}
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* tag: what stands after '<'. */
static bool breaks_line(const char *tag, size_t n)
{
	static const char *const names[] = { "p", "lb", "br", "div", "title", "chapter", "l", "lg" };
	size_t start = n && tag[0] == '/', end = start;

	while (end < n && is_alnum(tag[end]))
		end++;
	for (size_t i = 0; i < FOT_COUNT(names); i++)
		if (strlen(names[i]) == end - start && memcmp(tag + start, names[i], end - start) == 0)
			return true;
	return false;
}

static void drop_tags(struct fot_str *out, const char *text, size_t n)
{
	size_t at = 0, open, close;

	while (at < n) {
		open = find(text, n, at, "<");
		fot_str_add(out, text + at, open - at);
		if (open == n)
			return;
		close = find(text, n, open, ">");
		if (close == n) {
			fot_str_add(out, text + open, n - open);
			return;
		}
		if (breaks_line(text + open + 1, close - open - 1))
			fot_str_putc(out, '\n');
		at = close + 1;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void shrink_blanks(struct fot_str *out, const char *text, size_t n)
{
	size_t at = 0, breaks;

	while (n && is_blank(text[n - 1]))
		n--;
	while (at < n && is_blank(text[at]))
		at++;
	while (at < n) {
		if (!is_blank(text[at])) {
			fot_str_putc(out, text[at++]);
			continue;
		}
		for (breaks = 0; is_blank(text[at]); at++)
			breaks += text[at] == '\n';
		fot_str_puts(out, breaks == 0 ? " " : breaks == 1 ? "\n" : "\n\n");
	}
}

/* The digits of &#...; in base 10 or 16; false when it is no code point. */
static bool numeric_entity(const char *digits, size_t n, uint32_t *cp)
{
	bool hex = n && (digits[0] == 'x' || digits[0] == 'X');
	uint32_t base = hex ? 16 : 10, v = 0, d;
	size_t i = hex;

	if (n == i || n - i > (hex ? 6u : 7u))
		return false;
	for (; i < n; i++) {
		char c = digits[i];

		d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') :
		    c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) :
		    c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) :
					   99;
		if (d >= base)
			return false;
		v = v * base + d;
	}
	*cp = v;
	return v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

/* name: what stands between '&' and ';'. */
static bool entity(const char *name, size_t n, uint32_t *cp)
{
	static const struct {
		const char *name;
		uint32_t cp;
	} known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' } };

	if (n > 1 && name[0] == '#')
		return numeric_entity(name + 1, n - 1, cp);
	for (size_t i = 0; i < FOT_COUNT(known); i++) {
		if (strlen(known[i].name) == n && memcmp(known[i].name, name, n) == 0) {
			*cp = known[i].cp;
			return true;
		}
	}
	return false;
}

static void replace_entities(struct fot_str *out, const char *text, size_t n)
{
	size_t at = 0, amp, semi;
	char code[4];
	uint32_t cp;

	while (at < n) {
		amp = find(text, n, at, "&");
		fot_str_add(out, text + at, amp - at);
		if (amp == n)
			return;
		semi = find(text, n - amp > 12 ? amp + 12 : n, amp, ";");
		if (semi < n && text[semi] == ';' && entity(text + amp + 1, semi - amp - 1, &cp)) {
			fot_str_add(out, code, fot_utf8_encode(cp, code));
			at = semi + 1;
		} else {
			fot_str_putc(out, '&');
			at = amp + 1;
		}
	}
}

int fot_text_markup(struct fot_str *out, const char *text, size_t n, struct fot_err *err)
{
	struct fot_str notes = FOT_STR_INIT, tags = FOT_STR_INIT, blanks = FOT_STR_INIT;
	int status;

	drop_notes(&notes, text, n);
	drop_tags(&tags, notes.data, notes.len);
	shrink_blanks(&blanks, tags.data, tags.len);
	replace_entities(out, blanks.data, blanks.len);
	FOT_TRY(fot_str_check(&notes, err));
	FOT_TRY(fot_str_check(&tags, err));
	FOT_TRY(fot_str_check(&blanks, err));
	FOT_TRY(fot_str_check(out, err));
out:
	fot_str_release(&notes);
	fot_str_release(&tags);
	fot_str_release(&blanks);
	return status;
}

/* ---- SWORD z-modules ---- */

static uint32_t le32(const char *p)
{
	unsigned char b[4];

	memcpy(b, p, 4);
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

struct module {
	struct fot_str index_path, data_path, index, data;
};

static int module_open(struct module *m, const char *base, const char *kind, struct fot_err *err)
{
	int status;

	fot_str_printf(&m->index_path, "%s.%ss", base, kind);
	fot_str_printf(&m->data_path, "%s.%sz", base, kind);
	FOT_TRY(fot_str_check(&m->index_path, err));
	FOT_TRY(fot_str_check(&m->data_path, err));
	FOT_TRY(fot_file_read(&m->index, m->index_path.data, INDEX_MAX, err));
	FOT_TRY(fot_file_read(&m->data, m->data_path.data, MODULE_MAX, err));
	if (m->index.len % 12)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected 12-byte records, got %zu bytes", m->index_path.data,
				  m->index.len);
out:
	return status;
}

static void module_release(struct module *m)
{
	fot_str_release(&m->index_path);
	fot_str_release(&m->data_path);
	fot_str_release(&m->index);
	fot_str_release(&m->data);
}

/* Append the text of the record at `at`; *written says whether it had words. */
static int module_block(struct fot_str *out, const struct module *m, size_t at, bool *written, struct fot_err *err)
{
	uint32_t offset = le32(m->index.data + at), csize = le32(m->index.data + at + 4);
	struct fot_str raw = FOT_STR_INIT;
	size_t start = out->len, text;
	int status;

	if (offset > m->data.len || csize > m->data.len - offset) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: record %zu: bytes [%u, +%u) lie outside the %zu bytes of %s",
				  m->index_path.data, at / 12, offset, csize, m->data.len, m->data_path.data);
		goto out;
	}
	FOT_TRY(inflate_all(&raw, m->data.data + offset, csize, ZLIB_BITS, m->data_path.data, BLOCK_MAX, err));
	if (*written)
		fot_str_putc(out, '\n');
	text = out->len;
	FOT_TRY(fot_text_markup(out, raw.data, raw.len, err));
	if (out->len == text) {
		out->len = start;
		if (out->data)
			out->data[start] = '\0';
	} else {
		fot_str_putc(out, '\n');
		*written = true;
	}
out:
	fot_str_release(&raw);
	return status;
}

int fot_text_sword(struct fot_str *out, const char *base, const char *kind, int64_t first, int64_t count,
		   struct fot_err *err)
{
	struct module m = { 0 };
	bool written = false;
	int64_t block = 0;
	int status;

	FOT_TRY(module_open(&m, base, kind, err));
	for (size_t at = 0; at < m.index.len && block < first + count; at += 12) {
		if (le32(m.index.data + at + 4) == 0)
			continue;
		if (block++ >= first)
			FOT_TRY(module_block(out, &m, at, &written, err));
	}
	if (block < first + count)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at least %lld blocks, got %lld", m.index_path.data,
				  (long long)(first + count), (long long)block);
	else
		status = fot_str_check(out, err);
out:
	module_release(&m);
	return status;
}
