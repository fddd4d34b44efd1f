/* str.c: growing strings, number texts that do not depend on the locale, UTF-8.
 *
 * Capacity doubles, so n appended bytes cost O(n).  Invariant: data is NULL
 * (nothing appended yet) or data[len] is NUL and len < cap. */
#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NEAREST_MAX 64 /* longest word that "did you mean" considers */
#define NEAREST_DISTANCE 3

/* ---- the string ---- */

void fot_str_release(struct fot_str *s)
{
	fot_free(s->data);
	memset(s, 0, sizeof(*s));
}

void fot_str_clear(struct fot_str *s)
{
	s->len = 0;
	s->failed = false;
	if (s->data)
		s->data[0] = '\0';
}

/* Room for n more bytes and the terminator. */
static bool reserve(struct fot_str *s, size_t n)
{
	size_t need = fot_size_add(fot_size_add(s->len, n), 1), cap;
	char *p;

	if (s->failed)
		return false;
	if (need <= s->cap)
		return true;
	cap = fot_size_mul(s->cap, 2);
	if (cap < need || cap == SIZE_MAX)
		cap = need;
	if (cap < 64)
		cap = 64;
	p = fot_realloc(s->data, cap, 1);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->data = p;
	s->cap = cap;
	return true;
}

void fot_str_add(struct fot_str *s, const void *bytes, size_t n)
{
	if (!reserve(s, n))
		return;
	if (n)
		memcpy(s->data + s->len, bytes, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void fot_str_puts(struct fot_str *s, const char *text)
{
	fot_str_add(s, text, strlen(text));
}

void fot_str_putc(struct fot_str *s, char c)
{
	fot_str_add(s, &c, 1);
}

/* glibc hands out one static object for "C": no allocation, nothing to free. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Into the room that is there; once more where that is too small. */
void fot_str_printf(struct fot_str *s, const char *fmt, ...)
{
	locale_t old = uselocale(c_locale());
	size_t room = s->failed ? 0 : s->cap - s->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? s->data + s->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s->failed = true;
	} else if ((size_t)n < room) {
		s->len += (size_t)n;
	} else if (reserve(s, (size_t)n)) {
		va_start(ap, fmt);
		vsnprintf(s->data + s->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
		s->len += (size_t)n;
	}
	if (room)
		s->data[s->len] = '\0';
	uselocale(old);
}

void fot_str_int(struct fot_str *s, int64_t x)
{
	uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
	char text[24], *at = text + sizeof text;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (x < 0)
		*--at = '-';
	fot_str_add(s, at, (size_t)(text + sizeof text - at));
}

void fot_str_double(struct fot_str *s, double x)
{
	static const int digits[] = { 15, 16, 17 };
	locale_t c = c_locale(), old = uselocale(c);
	char text[40] = "";

	for (size_t i = 0; i < FOT_COUNT(digits); i++) {
		snprintf(text, sizeof(text), "%.*g", digits[i], x);
		if (strtod_l(text, NULL, c) == x)
			break;
	}
	uselocale(old);
	fot_str_puts(s, text);
}

int fot_str_check(const struct fot_str *s, struct fot_err *err)
{
	if (s->failed)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory: text of more than %zu bytes", s->len);
	return FOT_OK;
}

/* ---- JSON literals ---- */

static void add_escaped(struct fot_str *s, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;

	if (at) {
		fot_str_putc(s, '\\');
		fot_str_putc(s, to[at - from]);
	} else {
		fot_str_printf(s, "\\u%04x", c);
	}
}

void fot_str_json(struct fot_str *s, const char *bytes, size_t n)
{
	size_t i = 0, run = 0, len;
	uint32_t cp;

	fot_str_putc(s, '"');
	while (i < n) {
		len = fot_utf8_decode(bytes + i, n - i, &cp);
		if (len && cp >= 0x20 && cp != '"' && cp != '\\' && cp != 0x7f) {
			i += len;
			continue;
		}
		fot_str_add(s, bytes + run, i - run);
		if (len)
			add_escaped(s, (unsigned char)cp);
		else
			fot_str_puts(s, "\xef\xbf\xbd");
		run = ++i;
	}
	fot_str_add(s, bytes + run, n - run);
	fot_str_putc(s, '"');
}

/* ---- numbers from text ---- */

/* The number at the front of text; *end is what follows it. */
static bool scan_i64(const char *text, const char **end, int64_t *out)
{
	const char *p = text + (*text == '-');
	char *after;
	long long v;

	if (*p < '0' || *p > '9')
		return false;
	errno = 0;
	v = strtoll(text, &after, 10);
	if (errno)
		return false;
	*end = after;
	*out = v;
	return true;
}

bool fot_parse_i64(const char *text, int64_t *out)
{
	const char *end;
	int64_t v;

	if (!scan_i64(text, &end, &v) || *end)
		return false;
	*out = v;
	return true;
}

bool fot_parse_size(const char *text, int64_t *out)
{
	const char *end;
	int64_t v, unit = 1;

	if (!scan_i64(text, &end, &v))
		return false;
	if (*end == 'k' || *end == 'K')
		unit = 1024;
	else if (*end == 'm' || *end == 'M')
		unit = 1024 * 1024;
	if (unit != 1)
		end++;
	if (*end || __builtin_mul_overflow(v, unit, &v))
		return false;
	*out = v;
	return true;
}

bool fot_parse_double(const char *text, double *out)
{
	const char *p = text + (*text == '-');
	char *end;
	double v;

	/* Only decimal: strtod alone would take blanks, "0x1p3", "inf" and "nan". */
	if (!*p || p[strspn(p, "0123456789.eE+-")] || !(*p == '.' || (*p >= '0' && *p <= '9')))
		return false;
	v = strtod_l(text, &end, c_locale());
	if (end == text || *end || !isfinite(v))
		return false;
	*out = v;
	return true;
}

/* ---- UTF-8 ---- */

size_t fot_utf8_decode(const char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)p;
	size_t len;
	uint32_t c;

	if (n == 0)
		return 0;
	if (u[0] < 0x80) {
		*cp = u[0];
		return 1;
	}
	len = u[0] >= 0xf8 ? 0 : u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : u[0] >= 0xc0 ? 2 : 0;
	if (len == 0 || len > n)
		return 0;
	c = u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3fu);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return len;
}

size_t fot_utf8_valid(const char *p, size_t n)
{
	size_t i = 0, len;
	uint32_t cp;

	while (i < n) {
		len = fot_utf8_decode(p + i, n - i, &cp);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

size_t fot_utf8_unprintable(const char *p, size_t n)
{
	uint32_t cp = 0;
	size_t len = fot_utf8_decode(p, n, &cp);

	if (len == 0)
		return 1;
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069))
		return len;
	return 0;
}

size_t fot_utf8_encode(uint32_t cp, char out[4])
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t len;

	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (cp & 0x3f));
		cp >>= 6;
	}
	out[0] = (char)(lead[len] | cp);
	return len;
}

/* ---- did you mean ---- */

/* Levenshtein distance, one row kept; words of at most NEAREST_MAX bytes. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[NEAREST_MAX + 1], diagonal, above, best;

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			best = above + 1 < best ? above + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[nb];
}

const char *fot_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = NEAREST_DISTANCE + 1, len = strlen(word), other, d;
	const char *found = NULL;

	for (size_t i = 0; len <= NEAREST_MAX && i < n; i++) {
		other = strlen(candidates[i]);
		if (other > NEAREST_MAX)
			continue;
		d = edit_distance(word, len, candidates[i], other);
		/* Words that share no letter are not alike, however short. */
		if (d < best && d < (len > other ? len : other)) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
