/* tokenizer_spm.c: SentencePiece BPE with identity normaliser and byte fallback.
 *
 * Encode.  Every invalid UTF-8 byte becomes U+FFFD; U+0020 becomes U+2581
 * (MARK); one MARK is put in front (add_dummy_prefix); with
 * remove_extra_whitespaces leading, trailing and repeated spaces vanish first.
 * User-defined symbols are cut out of that text, the longest at each place
 * (spm_users.h).  Between them, starting from single characters, the adjacent pair whose concatenation
 * is the normal piece of highest score is merged, leftmost first on ties, until
 * no pair is a piece.  Characters that are no piece become byte pieces.
 *
 * How it stays fast: two neighbouring characters that stand side by side in no
 * piece can never be merged over, so the text is cut there into segments that
 * are merged one by one, with the same result as the whole text at once.  The
 * set of character pairs that occur inside pieces is built at open.  How a
 * segment is merged stands in spm_merge.c; memory is taken for the longest one.
 *
 * Decode.  Control pieces have no text, unknown is " U+2047 ", runs of byte
 * pieces are read as UTF-8 (each bad byte U+FFFD), MARK becomes a space.  With
 * a dummy prefix the first piece loses one leading MARK; with
 * remove_extra_whitespaces each piece does, until there is text.
 *
 * Departure from the library: a control or unknown piece is never matched in
 * text, not even if it is a single character. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "model/foreign.h"
#include "model/spm_merge.h"
#include "model/spm_proto.h"
#include "model/spm_users.h"
#include "model/tokenizer_impl.h"

#define FILE_MAX (32u << 20)
#define MARK "\xE2\x96\x81"
#define MARK_LEN 3u
#define REPLACEMENT "\xEF\xBF\xBD"
#define HASH_K 0x9E3779B97F4A7C15u

/* Pairs of characters that stand side by side in a piece: a bit table for two
 * ASCII characters, open addressing (0 = free) for the others. */
struct pair_set {
	uint64_t ascii[128][2];
	uint64_t *slot;
	size_t cap, n; /* cap: a power of two, at most half used */
};

struct spm {
	struct fot_tokenizer base;
	struct fot_str file; /* the pieces point into it */
	struct spm_model m;
	int32_t *slot; /* open addressing over all pieces, id + 1, 0 = free */
	size_t cap;    /* a power of two, at most half used */
	struct pair_set pairs;
	struct spm_users users;
	uint32_t *rank; /* by falling score; NULL if two normal pieces have one */
	int32_t unk, byte_id[256];
	uint32_t longest; /* bytes of the longest normal piece */
};

static const struct spm *spm_of(const struct fot_tokenizer *t)
{
	return (const struct spm *)(const void *)t;
}

/* ---- table of pieces --------------------------------------------------- */

static uint64_t mix(uint64_t h)
{
	h *= HASH_K;
	return h ^ h >> 29;
}

static uint64_t hash_bytes(const unsigned char *p, size_t n)
{
	uint64_t h = n, word = 0;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		h = mix(h ^ word);
	}
	word = 0;
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return mix(mix(h ^ word));
}

/* The slot of the piece, or the free slot where it would go. */
static size_t slot_of(const struct spm *t, const unsigned char *p, size_t n)
{
	size_t i = (size_t)hash_bytes(p, n) & (t->cap - 1);

	while (t->slot[i]) {
		const struct spm_piece *q = &t->m.piece[t->slot[i] - 1];

		if (q->n == n && memcmp(q->p, p, n) == 0)
			break;
		i = (i + 1) & (t->cap - 1);
	}
	return i;
}

static int32_t find_piece(const struct spm *t, const unsigned char *p, size_t n)
{
	return t->slot[slot_of(t, p, n)] - 1;
}

static int32_t find_normal(const struct spm *t, const unsigned char *p, size_t n)
{
	int32_t id = n <= t->longest ? find_piece(t, p, n) : -1;

	return id >= 0 && t->m.piece[id].type == SPM_NORMAL ? id : -1;
}

static int build_table(struct spm *t, const char *name, struct fot_err *err)
{
	t->cap = 64;
	while (t->cap < 2 * (size_t)t->m.n)
		t->cap *= 2;
	t->slot = fot_calloc(t->cap, sizeof *t->slot);
	if (!t->slot)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for the table of pieces", name);
	for (int32_t id = 0; id < t->m.n; id++) {
		const struct spm_piece *q = &t->m.piece[id];
		size_t i = slot_of(t, q->p, q->n);

		if (t->slot[i])
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: pieces %d and %d are both \"%.*s\"", name,
					t->slot[i] - 1, id, q->n < 64 ? (int)q->n : 64, (const char *)q->p);
		t->slot[i] = id + 1;
		if (q->type == SPM_NORMAL && q->n > t->longest)
			t->longest = q->n;
	}
	return FOT_OK;
}

/* ---- pairs of characters ----------------------------------------------- */

/* Never 0: only pairs with a character over U+007F get here. */
static uint64_t pair_key(uint32_t a, uint32_t b)
{
	return (uint64_t)a << 21 | b;
}

static size_t pair_slot(const uint64_t *slot, size_t cap, uint64_t key)
{
	size_t i = (size_t)mix(mix(key)) & (cap - 1);

	while (slot[i] && slot[i] != key)
		i = (i + 1) & (cap - 1);
	return i;
}

static bool pair_has(const struct pair_set *s, uint32_t a, uint32_t b)
{
	if (a < 128 && b < 128)
		return s->ascii[a][b >> 6] >> (b & 63) & 1;
	return s->slot[pair_slot(s->slot, s->cap, pair_key(a, b))] != 0;
}

static int pair_grow(struct pair_set *s, struct fot_err *err)
{
	size_t cap = s->cap ? 2 * s->cap : 1024;
	uint64_t *grown = fot_calloc(cap, sizeof *grown);

	if (!grown)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu pairs of characters", cap);
	for (size_t i = 0; i < s->cap; i++)
		if (s->slot[i])
			grown[pair_slot(grown, cap, s->slot[i])] = s->slot[i];
	fot_free(s->slot);
	s->slot = grown;
	s->cap = cap;
	return FOT_OK;
}

static int pair_add(struct pair_set *s, uint32_t a, uint32_t b, struct fot_err *err)
{
	size_t i;

	if (a < 128 && b < 128) {
		s->ascii[a][b >> 6] |= (uint64_t)1 << (b & 63);
		return FOT_OK;
	}
	if (2 * (s->n + 1) > s->cap) {
		int status = pair_grow(s, err);

		if (status != FOT_OK)
			return status;
	}
	i = pair_slot(s->slot, s->cap, pair_key(a, b));
	s->n += s->slot[i] == 0;
	s->slot[i] = pair_key(a, b);
	return FOT_OK;
}

static int add_pairs_of(struct pair_set *s, const struct spm_piece *q, struct fot_err *err)
{
	const char *p = (const char *)q->p, *end = p + q->n;
	uint32_t before = 0, now;

	for (bool first = true; p < end; first = false, before = now) {
		p += fot_utf8_decode(p, (size_t)(end - p), &now);
		if (!first) {
			int status = pair_add(s, before, now, err);

			if (status != FOT_OK)
				return status;
		}
	}
	return FOT_OK;
}

static int build_pairs(struct spm *t, struct fot_err *err)
{
	int status;

	FOT_TRY(pair_grow(&t->pairs, err)); /* look-ups need a table, even an empty one */
	for (int32_t id = 0; id < t->m.n; id++)
		if (t->m.piece[id].type == SPM_NORMAL)
			FOT_TRY(add_pairs_of(&t->pairs, &t->m.piece[id], err));
out:
	return status;
}

/* ---- special pieces ---------------------------------------------------- */

static int hex_digit(unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *hit = c ? strchr(digits, c) : NULL;

	return hit ? (int)(hit - digits) : -1;
}

/* "<0xHH>" with upper-case digits, nothing else. */
static int byte_of_piece(const struct spm_piece *q)
{
	int hi, lo;

	if (q->n != 6 || memcmp(q->p, "<0x", 3) != 0 || q->p[5] != '>')
		return -1;
	hi = hex_digit(q->p[3]);
	lo = hex_digit(q->p[4]);
	return hi < 0 || lo < 0 ? -1 : 16 * hi + lo;
}

static int find_specials(struct spm *t, const char *name, struct fot_err *err)
{
	int n_bytes = 0;

	t->unk = -1;
	for (int32_t id = 0; id < t->m.n; id++) {
		const struct spm_piece *q = &t->m.piece[id];

		if (q->type == SPM_UNKNOWN && t->unk >= 0)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: pieces %d and %d are both UNKNOWN", name,
					t->unk, id);
		if (q->type == SPM_UNKNOWN)
			t->unk = id;
		if (q->type == SPM_BYTE) {
			int byte = byte_of_piece(q);

			if (byte < 0)
				return FOT_FAIL(
					err, FOT_ERR_INPUT,
					"%s: piece %d: expected a byte <0x00> to <0xFF>, got \"%.*s\"", name,
					id, q->n < 64 ? (int)q->n : 64, (const char *)q->p);
			t->byte_id[byte] = id; /* pieces are distinct, so bytes are */
			n_bytes++;
		}
	}
	if (t->unk < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a piece of type UNKNOWN, there is none",
				name);
	if (n_bytes != 256)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected 256 byte pieces, got %d", name, n_bytes);
	return FOT_OK;
}

static int32_t control_id(const struct spm *t, struct spm_span piece)
{
	int32_t id = find_piece(t, piece.p, piece.n);

	return id >= 0 && t->m.piece[id].type == SPM_CONTROL ? id : -1;
}

/* ---- normalising ------------------------------------------------------- */

static void put_normal(struct fot_str *out, const char *p, size_t n)
{
	while (n > 0) {
		/* runs of valid text are copied as they are */
		size_t run = fot_utf8_valid(p, n);

		for (size_t i = 0; i < run;) {
			const char *space = memchr(p + i, ' ', run - i);
			size_t len = space ? (size_t)(space - p) - i : run - i;

			fot_str_add(out, p + i, len);
			if (space)
				fot_str_add(out, MARK, MARK_LEN);
			i += len + (space != NULL);
		}
		p += run;
		n -= run;
		if (n > 0) {
			fot_str_puts(out, REPLACEMENT);
			p++;
			n--;
		}
	}
}

/* The same, each run of spaces being one. */
static void put_squeezed(struct fot_str *out, const char *p, size_t n)
{
	while (n > 0) {
		const char *space = memchr(p, ' ', n);
		size_t len = space ? (size_t)(space - p) : n;

		put_normal(out, p, len);
		p += len;
		n -= len;
		if (n > 0)
			fot_str_add(out, MARK, MARK_LEN);
		while (n > 0 && *p == ' ') {
			p++;
			n--;
		}
	}
}

static void normalise(const struct spm *t, struct fot_str *out, const char *p, size_t n)
{
	bool squeeze = t->m.remove_extra_whitespaces;

	while (squeeze && n > 0 && *p == ' ') {
		p++;
		n--;
	}
	if (n == 0)
		return;
	if (t->m.add_dummy_prefix)
		fot_str_add(out, MARK, MARK_LEN);
	if (!squeeze) {
		put_normal(out, p, n);
		return;
	}
	put_squeezed(out, p, n);
	while (out->len >= MARK_LEN && memcmp(out->data + out->len - MARK_LEN, MARK, MARK_LEN) == 0)
		out->len -= MARK_LEN;
}

/* ---- merging ----------------------------------------------------------- */

static int32_t rule_find(const void *table, const unsigned char *p, size_t n)
{
	return find_normal(table, p, n);
}

static uint32_t rule_length(const void *table, int32_t id)
{
	return ((const struct spm *)table)->m.piece[id].n;
}

static float rule_score(const void *table, int32_t id)
{
	return ((const struct spm *)table)->m.piece[id].score;
}

struct ranked {
	float score;
	int32_t id;
};

static int compare_scores(const void *a, const void *b)
{
	float x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;

	return (x < y) - (x > y);
}

/* t->rank: the place of each normal piece by falling score; none where two have the same. */
static int rank_pieces(struct spm *t, const char *name, struct fot_err *err)
{
	struct ranked *all = fot_alloc((size_t)t->m.n, sizeof *all);
	size_t n = 0;
	bool tie = false;

	t->rank = fot_calloc((size_t)t->m.n, sizeof *t->rank);
	if (!all || !t->rank) {
		fot_free(all);
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for the table of pieces", name);
	}
	for (int32_t id = 0; id < t->m.n; id++)
		if (t->m.piece[id].type == SPM_NORMAL)
			all[n++] = (struct ranked){ t->m.piece[id].score, id };
	qsort(all, n, sizeof *all, compare_scores);
	for (size_t i = 0; i < n; i++) {
		t->rank[all[i].id] = (uint32_t)i;
		tie = tie || (i > 0 && compare_scores(&all[i - 1], &all[i]) == 0);
	}
	fot_free(all);
	if (tie) {
		fot_free(t->rank);
		t->rank = NULL;
	}
	return FOT_OK;
}

/* The text that was given, read along with its normal form. */
struct origin {
	const char *text, *at, *end; /* at: what the next character of the normal form stands for */
	bool prefix;                 /* that one is the prefix, which stands for nothing */
	bool squeeze;
};

static struct origin origin_of(const struct spm *t, const char *text, size_t n)
{
	struct origin o = { text, text, text + n, t->m.add_dummy_prefix, t->m.remove_extra_whitespaces };

	while (o.squeeze && o.at < o.end && *o.at == ' ')
		o.at++;
	return o;
}

/* Pass n characters of the normal form; the place in the text behind them. */
static size_t pass(struct origin *o, size_t n)
{
	uint32_t cp;

	for (; n > 0 && o->at < o->end; n--) {
		if (o->prefix) {
			o->prefix = false;
		} else if (*o->at == ' ') {
			do
				o->at++;
			while (o->squeeze && o->at < o->end && *o->at == ' ');
		} else {
			size_t len = fot_utf8_decode(o->at, (size_t)(o->end - o->at), &cp);

			o->at += len ? len : 1;
		}
	}
	return (size_t)(o->at - o->text);
}

static size_t count_characters(const unsigned char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (p[i] & 0xC0) != 0x80;
	return count;
}

/* A character that is no piece. Its bytes are the text's own, unless it stands for something else. */
static int put_byte_pieces(const struct spm *t, const unsigned char *p, size_t n, struct origin *o, struct fot_ids *out,
			   struct fot_err *err)
{
	bool blank = o && o->at < o->end && *o->at == ' ';
	size_t from = o ? (size_t)(o->at - o->text) : 0, to = o ? pass(o, 1) : 0;
	bool own = !blank && to - from == n;
	int status = FOT_OK;

	for (size_t i = 0; i < n && status == FOT_OK; i++)
		status = fot_ids_push_end(out, t->byte_id[p[i]], own ? from + i + 1 : i + 1 < n ? from : to, err);
	return status;
}

/* o: NULL where nobody asks for the ends. */
static int put_symbol(const struct spm *t, const struct spm_work *w, const struct spm_symbol *s, struct origin *o,
		      struct fot_ids *out, struct fot_err *err)
{
	const unsigned char *p = w->text + s->begin;
	int32_t id = s->id >= 0 ? s->id : find_normal(t, p, s->n);

	if (id < 0)
		return put_byte_pieces(t, p, s->n, o, out, err);
	return fot_ids_push_end(out, id, o ? pass(o, count_characters(p, s->n)) : 0, err);
}

static int put_user(const struct spm *t, int32_t id, struct origin *o, struct fot_ids *out, struct fot_err *err)
{
	const struct spm_piece *q = &t->m.piece[id];

	return fot_ids_push_end(out, id, o ? pass(o, count_characters(q->p, q->n)) : 0, err);
}

static int end_segment(const struct spm *t, struct spm_work *w, struct origin *o, struct fot_ids *out,
		       struct fot_err *err)
{
	struct spm_rules r = { t, rule_find, rule_length, rule_score, t->rank, t->m.n };
	int status = spm_work_merge(w, &r, err);

	for (uint32_t i = 0; i != SPM_NIL && status == FOT_OK; i = w->sym[i].next)
		status = put_symbol(t, w, &w->sym[i], o, out, err);
	w->n_sym = 0;
	return status;
}

/* Merge normalised text, segment by segment; *whole: to its end. */
static int encode_normal(const struct spm *t, struct spm_work *w, struct origin *o, struct fot_ids *out,
			 const char *p, size_t n, bool *whole, struct fot_err *err)
{
	const char *end = p + n, *start = p;
	uint32_t last = 0, cp = 0;
	int32_t user;
	int status = FOT_OK;

	for (; p < end; last = cp) {
		size_t len = fot_utf8_decode(p, (size_t)(end - p), &cp);

		user = fot_spm_users_match(&t->users, (const unsigned char *)p, (size_t)(end - p));
		if (w->n_sym && (user >= 0 || !pair_has(&t->pairs, last, cp))) {
			FOT_TRY(end_segment(t, w, o, out, err));
			*whole = !out->with_ends || out->n < out->enough;
			if (!*whole)
				goto out;
		}
		if (user >= 0) {
			len = t->m.piece[user].n;
			FOT_TRY(put_user(t, user, o, out, err));
			p += len;
			continue;
		}
		if (!w->n_sym)
			start = p;
		w->text = (const unsigned char *)start;
		FOT_TRY(spm_work_add(w, (size_t)(p - start), len, err));
		p += len;
	}
	if (w->n_sym)
		status = end_segment(t, w, o, out, err);
out:
	return status;
}

static int spm_encode(const struct fot_tokenizer *tokenizer, struct fot_ids *out, const char *text, size_t n,
		      struct fot_err *err)
{
	const struct spm *t = spm_of(tokenizer);
	struct fot_str normal = FOT_STR_INIT;
	struct spm_work w = { 0 };
	struct origin o = origin_of(t, text, n);
	bool whole = true;
	int status;

	normalise(t, &normal, text, n);
	FOT_TRY(fot_str_check(&normal, err));
	if (normal.len)
		FOT_TRY(encode_normal(t, &w, out->with_ends ? &o : NULL, out, normal.data, normal.len,
				      &whole, err));
	if (out->with_ends && whole && out->n > 0) /* what was dropped at the end */
		out->end[out->n - 1] = n;
out:
	spm_work_release(&w);
	fot_str_release(&normal);
	return status;
}

/* ---- decoding ---------------------------------------------------------- */

/* A run of byte pieces as UTF-8. */
static void put_bytes(struct fot_str *out, struct fot_str *run)
{
	for (size_t i = 0; i < run->len;) {
		uint32_t cp;
		size_t len = fot_utf8_decode(run->data + i, run->len - i, &cp);

		if (len)
			fot_str_add(out, run->data + i, len);
		else
			fot_str_puts(out, REPLACEMENT);
		i += len ? len : 1;
	}
	fot_str_clear(run);
}

static void put_unmarked(struct fot_str *out, const char *p, size_t n)
{
	while (n > 0) {
		const char *mark = memmem(p, n, MARK, MARK_LEN);
		size_t len = mark ? (size_t)(mark - p) : n;

		fot_str_add(out, p, len);
		if (mark) {
			fot_str_putc(out, ' ');
			len += MARK_LEN;
		}
		p += len;
		n -= len;
	}
}

/* A normal piece; true if its leading MARK was the dummy prefix. */
static bool put_piece(const struct spm *t, struct fot_str *out, const struct spm_piece *q, bool at_start)
{
	const char *p = (const char *)q->p;
	bool drop = at_start && (t->m.add_dummy_prefix || t->m.remove_extra_whitespaces) &&
		    q->n >= MARK_LEN && memcmp(p, MARK, MARK_LEN) == 0;
	size_t skip = drop ? MARK_LEN : 0;

	put_unmarked(out, p + skip, q->n - skip);
	return drop && !t->m.remove_extra_whitespaces;
}

static int spm_decode(const struct fot_tokenizer *tokenizer, struct fot_str *out, const int32_t *ids,
		      size_t n, struct fot_err *err)
{
	const struct spm *t = spm_of(tokenizer);
	struct fot_str run = FOT_STR_INIT;
	size_t start = out->len;
	bool at_start = true, prefix_seen = false;
	int status;

	for (size_t i = 0; i < n; i++) {
		const struct spm_piece *q = &t->m.piece[ids[i]];

		if (q->type == SPM_BYTE) {
			fot_str_putc(&run, (char)(unsigned char)byte_of_piece(q));
			continue;
		}
		put_bytes(out, &run);
		at_start = at_start && !prefix_seen && out->len == start;
		if (q->type == SPM_UNKNOWN)
			fot_str_add(out, t->m.unk_surface.p, t->m.unk_surface.n);
		else if (q->type == SPM_NORMAL || q->type == SPM_USER_DEFINED)
			prefix_seen = put_piece(t, out, q, at_start) || prefix_seen;
	}
	put_bytes(out, &run);
	status = fot_str_check(&run, err);
	if (status == FOT_OK)
		status = fot_str_check(out, err);
	fot_str_release(&run);
	return status;
}

/* ---- opening ----------------------------------------------------------- */

static void spm_close(struct fot_tokenizer *tokenizer)
{
	struct spm *t = (struct spm *)(void *)tokenizer;

	fot_spm_release(&t->m);
	fot_free(t->slot);
	fot_free(t->rank);
	fot_free(t->pairs.slot);
	fot_spm_users_release(&t->users);
	fot_str_release(&t->file);
	fot_free(t);
}

static const struct fot_tokenizer_ops spm_ops = { "SentencePiece BPE (tokenizer.model)", spm_encode, spm_decode, spm_close };

/* Takes *file over. */
static int open_file(struct fot_tokenizer **out, struct fot_str *file, const char *name, struct fot_err *err)
{
	const char *what = file->len ? fot_foreign(file->data, file->len) : NULL;
	struct spm *t = what ? NULL : fot_calloc(1, sizeof *t);
	int status;

	if (!t) {
		fot_str_release(file);
		return what ? FOT_FAIL(err, FOT_ERR_INPUT, "%s: this is %s", name, what) :
			      FOT_NO_MEMORY(err, name);
	}
	t->base.ops = &spm_ops;
	t->file = *file;
	*file = (struct fot_str)FOT_STR_INIT;
	FOT_TRY(fot_str_check(&t->file, err));
	FOT_TRY(fot_spm_read(&t->m, (const unsigned char *)t->file.data, t->file.len, name, err));
	FOT_TRY(build_table(t, name, err));
	FOT_TRY(find_specials(t, name, err));
	FOT_TRY(rank_pieces(t, name, err));
	FOT_TRY(fot_spm_users_build(&t->users, &t->m, name, err));
	status = build_pairs(t, err);
	if (status != FOT_OK) {
		fot_err_prefix(err, "%s", name);
		goto out;
	}
	t->base.vocab = t->m.n;
	t->base.bos = control_id(t, t->m.bos_piece);
	t->base.eos = control_id(t, t->m.eos_piece);
	fot_sha256_of(t->file.data, t->file.len, t->base.hash);
	*out = &t->base;
	return FOT_OK;
out:
	spm_close(&t->base);
	return status;
}

int fot_tokenizer_open_spm_memory(struct fot_tokenizer **out, const void *bytes, size_t n, const char *name,
				  struct fot_err *err)
{
	struct fot_str file = FOT_STR_INIT;

	fot_str_add(&file, bytes, n);
	return open_file(out, &file, name, err);
}

int fot_tokenizer_open_spm(struct fot_tokenizer **out, const char *path, struct fot_err *err)
{
	struct fot_str file = FOT_STR_INIT;
	int status = fot_file_read(&file, path, FILE_MAX, err);

	if (status == FOT_OK)
		status = open_file(out, &file, path, err);
	fot_str_release(&file);
	return status;
}
