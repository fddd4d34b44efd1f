/* text.h: turning package files into plain UTF-8 text. */
#ifndef FOT_TEXT_H
#define FOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Append the contents of a gzip file (dictzip and several members too). Errors:
 * FOT_ERR_INPUT when damaged, cut, or over max bytes. */
int fot_text_gunzip(struct fot_str *out, const void *bytes, size_t n, const char *name, size_t max,
		    struct fot_err *err);
bool fot_text_is_gzip(const void *bytes, size_t n);
/* Append ISO-8859-1 bytes as UTF-8. */
void fot_text_latin1(struct fot_str *out, const char *bytes, size_t n);
/* In place, from byte `from` on: drop a leading byte order mark; CR LF becomes LF. */
void fot_text_plain(struct fot_str *s, size_t from);
/* FOT_ERR_INPUT with line and byte offset at the first invalid sequence. */
int fot_text_check(const char *text, size_t n, const char *name, struct fot_err *err);
/* Maximal runs of bytes that are not white space (space, \t \n \v \f \r). */
int64_t fot_text_words(const char *text, size_t n);
/* Append letters in lower case (ASCII and Latin-1), without ASCII punctuation. */
void fot_text_lower(struct fot_str *out, const char *text, size_t n);

/* Append the words of OSIS or ThML markup: notes dropped, block tags become line
 * breaks, other tags vanish; then runs of blanks shrink to one blank, one line
 * break or one empty line, the ends are trimmed and entities replaced. */
int fot_text_markup(struct fot_str *out, const char *text, size_t n, struct fot_err *err);

/* Append blocks [first, first + count) of a SWORD z-module, counted over the
 * blocks that are not empty: BASE.KINDs is the index (12-byte little-endian
 * records: offset, compressed size, size), BASE.KINDz the zlib streams. Each
 * block passes fot_text_markup and ends in "\n"; blocks are joined by "\n", and
 * those without words are left out. Errors: FOT_ERR_INPUT. */
int fot_text_sword(struct fot_str *out, const char *base, const char *kind, int64_t first, int64_t count,
		   struct fot_err *err);

#endif
