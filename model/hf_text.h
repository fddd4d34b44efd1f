/* hf_text.h: pieces of a text on their way through a tokenizer.json; private to model/hf_*.c and
 * model/tokenizer_json.c.
 *
 * A tokenizer.json rewrites the text (normalizer, parts of the pre-tokenizer) before it is cut into
 * tokens.  Every byte of a rewritten text knows how far the original text is whole in it, so that a
 * token can say where it ends (fot_tokenizer_encode_ends). */
#ifndef FOT_HF_TEXT_H
#define FOT_HF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

/* Bytes of UTF-8 that somebody else owns. */
struct hf_piece {
	const char *p;
	size_t n;
	size_t begin; /* where in the original the piece begins */
	bool moved;   /* its first character stands for a later one than that at begin */
	const size_t
		*end; /* [n] where in the original the character of each byte ends; NULL: begin + i + 1 */
};

/* A text that is being rewritten. Zeroed at first. */
struct hf_draft {
	struct fot_str text;
	size_t *end; /* [text.len] */
	size_t cap;
	size_t begin, n; /* of the original */
	bool moved;      /* as of a piece */
};

/* Where in the original the first n bytes of the piece end. */
size_t hf_piece_end(const struct hf_piece *piece, size_t n);
/* Bytes [from, to) of a piece. */
struct hf_piece hf_piece_part(const struct hf_piece *piece, size_t from, size_t to);

/* How long a rewritten text of n bytes may become: a few steps that each make much of little would
 * make more than fits anywhere. The longest of Unicode's forms has 11 bytes for one. */
size_t hf_longest(size_t n);
/* FOT_ERR_INPUT for a text that became longer than that. */
int hf_too_long(size_t n, struct fot_err *err);

/* Empty the draft; its text will stand for this original. */
void hf_draft_start(struct hf_draft *d, const struct hf_piece *original);
/* Append n bytes that together stand for the original up to `end`. Errors: FOT_ERR_RUN (memory),
 * FOT_ERR_INPUT when the text becomes too long. */
int hf_draft_put(struct hf_draft *d, const char *p, size_t n, size_t end, struct fot_err *err);
/* Append bytes [from, to) of a piece as they are. Errors: the same. */
int hf_draft_copy(struct hf_draft *d, const struct hf_piece *piece, size_t from, size_t to,
		  struct fot_err *err);
struct hf_piece hf_draft_piece(const struct hf_draft *d);
void hf_draft_release(struct hf_draft *d);

/* Takes the pieces that a step makes of one piece. */
struct hf_sink {
	int (*put)(void *context, const struct hf_piece *piece, struct fot_err *err);
	void *context;
};

/* Property White_Space; letters, marks, numbers and connecting punctuation; general category N. */
bool hf_is_space(uint32_t cp);
bool hf_is_word(uint32_t cp);
bool hf_is_number(uint32_t cp);

/* A pattern of a Split or Replace: {"String": "..."} or {"Regex": "..."}. */
struct hf_pattern;
/* Errors: FOT_ERR_INPUT by name of what is not read; where: file and place. */
int hf_pattern_open(struct hf_pattern **out, const cJSON *pattern, const char *where, struct fot_err *err);
/* From a text that is not empty: a regular expression, or what is looked for as it stands. */
int hf_pattern_open_text(struct hf_pattern **out, const char *text, bool regex, const char *where,
			 struct fot_err *err);
void hf_pattern_close(struct hf_pattern *p);
struct hf_match {
	size_t from, to;
};
/* The next match that is not empty, from byte `at` on. found: is there one? Not thread-safe: `scratch`
 * (from hf_pattern_scratch) belongs to one caller at a time. Errors: FOT_ERR_INPUT when the pattern
 * would take too long, FOT_ERR_RUN. */
int hf_pattern_next(const struct hf_pattern *p, void *scratch, const char *text, size_t n, size_t at,
		    bool *found, struct hf_match *match, struct fot_err *err);
/* NULL for patterns that need none, or without memory: then ok is false. */
void *hf_pattern_scratch(const struct hf_pattern *p, bool *ok);
void hf_pattern_scratch_release(void *scratch);

/* {"type": "..."} of a section. Errors: FOT_ERR_INPUT. */
int hf_type(const cJSON *section, const char **type, const char *where, struct fot_err *err);

#endif
