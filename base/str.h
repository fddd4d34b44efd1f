/* str.h: growing byte strings and small text helpers.
 *
 * A struct fot_str is always NUL-terminated but may hold NUL bytes; len does
 * not count the terminator.  Once an append fails for lack of memory, failed is
 * set and later appends do nothing: check once at the end. */
#ifndef FOT_STR_H
#define FOT_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fot_str {
	char *data;
	size_t len, cap;
	bool failed;
};

/* clang-format off */
/* "document%s", FOT_S(n): "1 document", "2 documents" */
#define FOT_S(n) ((n) == 1 ? "" : "s")
#define FOT_STR_INIT { 0 }
/* clang-format on */

void fot_str_release(struct fot_str *s);
void fot_str_clear(struct fot_str *s);
void fot_str_add(struct fot_str *s, const void *bytes, size_t n);
void fot_str_puts(struct fot_str *s, const char *text);
void fot_str_putc(struct fot_str *s, char c);
void fot_str_printf(struct fot_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fot_str_int(struct fot_str *s, int64_t x); /* %lld, without what a format costs */
/* Locale-independent %.17g, shortest form that reads back exactly. */
void fot_str_double(struct fot_str *s, double x);
/* A JSON string literal, quotes included; bad UTF-8 becomes U+FFFD. */
void fot_str_json(struct fot_str *s, const char *bytes, size_t n);
/* FOT_ERR_RUN if an append failed. */
int fot_str_check(const struct fot_str *s, struct fot_err *err);

/* Parse a whole string; false on rubbish, overflow or trailing characters.
 * fot_parse_size accepts the suffixes k or K (1024) and m or M (1024 * 1024). */
bool fot_parse_i64(const char *text, int64_t *out);
bool fot_parse_size(const char *text, int64_t *out);
bool fot_parse_double(const char *text, double *out); /* finite, '.' always */

/* Length of valid UTF-8 at the front of [p, p+n): n when all is valid.
 * Overlong forms, surrogates and values over U+10FFFF are invalid. */
size_t fot_utf8_valid(const char *p, size_t n);
/* Decode one code point; returns its bytes, 0 when invalid (n > 0). */
size_t fot_utf8_decode(const char *p, size_t n, uint32_t *cp);
/* Bytes at the front of [p, p+n), n > 0, that must not be shown as they are: a control character,
 * a sign that ends a line or turns the direction of writing, or a byte that is not UTF-8; else 0. */
size_t fot_utf8_unprintable(const char *p, size_t n);
/* Encode cp into out[4]; returns the bytes written. */
size_t fot_utf8_encode(uint32_t cp, char out[4]);

/* The candidate nearest to word (edit distance <= 3), or NULL: "did you mean". */
const char *fot_nearest(const char *word, const char *const *candidates, size_t n);

#endif
