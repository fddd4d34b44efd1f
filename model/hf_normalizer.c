/* hf_normalizer.c: see hf_normalizer.h. */
#include "model/hf_normalizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/list.h"
#include "base/mem.h"
#include "model/hf_steps.h"

#define MARKS_MAX 4096u /* of one cluster: utf8proc takes n^2 steps to order them */

struct hf_normalizer {
	struct hf_steps steps;
};

/* By kind: NFC, NFD, NFKC, NFKD. */
static const utf8proc_option_t forms[] = {
	UTF8PROC_STABLE | UTF8PROC_COMPOSE,
	UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
	UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
	UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
};

/* --- steps --- */

static int run_prepend(const struct hf_step *s, struct hf_draft *out, const struct hf_piece *in,
		       struct fot_err *err)
{
	int status;

	FOT_TRY(hf_draft_put(out, s->text, strlen(s->text), in->begin, err));
	status = hf_draft_copy(out, in, 0, in->n, err);
out:
	return status;
}

/* A replacement at the front stands for the last character that it takes; no text, for what comes behind. */
static bool moves_front(const struct hf_step *s, const struct hf_piece *in, const struct hf_match *m)
{
	size_t at = m->to;

	if (*s->text)
		for (at--; at > m->from && ((unsigned char)in->p[at] & 0xC0) == 0x80;)
			at--;
	return in->moved || hf_piece_end(in, at) != in->begin;
}

static int run_replace(const struct hf_step *s, struct hf_draft *out, const struct hf_piece *in,
		       struct fot_err *err)
{
	struct hf_match m = { 0, 0 };
	size_t at = 0;
	bool found = true, ok;
	void *scratch = hf_pattern_scratch(s->pattern, &ok);
	int status = ok ? FOT_OK : FOT_NO_MEMORY(err, "tokenizer");

	while (status == FOT_OK && found) {
		FOT_TRY(hf_pattern_next(s->pattern, scratch, in->p, in->n, at, &found, &m, err));
		FOT_TRY(hf_draft_copy(out, in, at, found ? m.from : in->n, err));
		if (found && out->text.len == 0)
			out->moved = moves_front(s, in, &m);
		if (found)
			FOT_TRY(hf_draft_put(out, s->text, strlen(s->text), hf_piece_end(in, m.to), err));
		at = m.to;
	}
out:
	hf_pattern_scratch_release(scratch);
	return status;
}

/* One cluster of characters: nothing composes across its borders. */
static int put_form(const struct hf_step *s, struct hf_draft *out, const struct hf_piece *in, size_t from,
		    size_t to, struct fot_err *err)
{
	utf8proc_uint8_t *text = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)in->p + from,
					  (utf8proc_ssize_t)(to - from), &text, forms[s->kind]);
	int status;

	if (n < 0)
		return FOT_FAIL(err, n == UTF8PROC_ERROR_NOMEM ? FOT_ERR_RUN : FOT_ERR_INPUT,
				"tokenizer: normalising: %s", utf8proc_errmsg(n));
	if ((size_t)n == to - from && memcmp(text, in->p + from, to - from) == 0)
		status = hf_draft_copy(out, in, from, to, err);
	else
		status = hf_draft_put(out, (const char *)text, (size_t)n, hf_piece_end(in, to), err);
	free(text); /* utf8proc's own */
	return status;
}

/* One character that every form leaves as it is? */
static bool is_stable(const struct hf_step *s, const struct hf_piece *in, size_t from, size_t to)
{
	uint32_t cp;
	bool alone = fot_utf8_decode(in->p + from, to - from, &cp) == to - from;
	bool hangul = cp >= 0xAC00 && cp <= 0xD7A3; /* decomposed by rule */

	return alone && utf8proc_get_property((utf8proc_int32_t)cp)->decomp_seqindex == UINT16_MAX &&
	       (!hangul || (forms[s->kind] & UTF8PROC_COMPOSE));
}

/* Where the cluster that begins at `at` ends. marks: characters of it that are to be ordered. */
static size_t cluster_end(const struct hf_piece *in, size_t at, size_t *marks)
{
	utf8proc_int32_t state = 0;
	uint32_t before, now;

	*marks = 0;
	at += fot_utf8_decode(in->p + at, in->n - at, &before);
	while (at < in->n) {
		size_t len = fot_utf8_decode(in->p + at, in->n - at, &now);

		if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)now, &state))
			break;
		*marks += utf8proc_get_property((utf8proc_int32_t)now)->combining_class != 0;
		at += len;
		before = now;
	}
	return at;
}

static int run_form(const struct hf_step *s, struct hf_draft *out, const struct hf_piece *in,
		    struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t at = 0, to; at < in->n; at = to) {
		size_t plain = at, marks;

		/* ASCII in front of ASCII stays as it is. */
		while (plain + 1 < in->n && (unsigned char)in->p[plain] < 0x80 &&
		       (unsigned char)in->p[plain + 1] < 0x80)
			plain++;
		FOT_TRY(hf_draft_copy(out, in, at, plain, err));
		to = cluster_end(in, plain, &marks);
		if (marks > MARKS_MAX)
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"tokenizer: expected at most %u marks on one character, got %zu at byte %zu",
				MARKS_MAX, marks, hf_piece_end(in, plain));
		if (is_stable(s, in, plain, to))
			FOT_TRY(hf_draft_copy(out, in, plain, to, err));
		else
			FOT_TRY(put_form(s, out, in, plain, to, err));
	}
out:
	return status;
}

/* --- opening --- */

static int read_prepend(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	return hf_read_text(s, section, "prepend", NULL, where, err);
}

static const struct hf_kind kinds[] = {
	{ "NFC", NULL },
	{ "NFD", NULL },
	{ "NFKC", NULL },
	{ "NFKD", NULL },
	{ "Prepend", read_prepend },
	{ "Replace", hf_read_replace },
};
static int (*const runs[])(const struct hf_step *s, struct hf_draft *out, const struct hf_piece *in,
			   struct fot_err *err) = {
	run_form, run_form, run_form, run_form, run_prepend, run_replace,
};

static const struct hf_section normalizers = { kinds, FOT_COUNT(kinds), "normalizers", NULL };

int hf_normalizer_open(struct hf_normalizer **out, const cJSON *section, const char *where,
		       struct fot_err *err)
{
	struct hf_normalizer *z = fot_calloc(1, sizeof *z);
	int status;

	if (!z)
		return FOT_NO_MEMORY(err, where);
	status = hf_steps_read(&z->steps, &normalizers, section, where, err);
	if (status == FOT_OK)
		*out = z;
	else
		hf_normalizer_close(z);
	return status;
}

void hf_normalizer_close(struct hf_normalizer *z)
{
	if (z)
		hf_steps_release(&z->steps);
	fot_free(z);
}

int hf_normalize(const struct hf_normalizer *z, struct hf_normalizing *w, const struct hf_piece *piece,
		 struct hf_piece *out, struct fot_err *err)
{
	int status = FOT_OK;

	*out = *piece;
	for (size_t i = 0; i < z->steps.n && out->n; i++) { /* nothing is put before an empty text */
		const struct hf_step *s = &z->steps.at[i];
		struct hf_draft *d = &w->draft[i % 2];

		hf_draft_start(d, piece);
		d->moved = out->moved;
		FOT_TRY(runs[s->kind](s, d, out, err));
		*out = hf_draft_piece(d);
	}
out:
	return status;
}

void hf_normalizing_release(struct hf_normalizing *w)
{
	hf_draft_release(&w->draft[0]);
	hf_draft_release(&w->draft[1]);
}
