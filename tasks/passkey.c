/* passkey.c: prompts of the pass key task, put together from token ids.
 *
 * A tokenizer may put a space in front of every text that it is given, and merges
 * characters.  Therefore (1) every part but the first is encoded behind a character that no
 * piece holds, whose ids are then dropped, which leaves the ids that the part has inside a
 * text; (2) parts begin with white space and end with none, as the pieces of such
 * tokenizers do: " The pass key is 7. Remember it. 7 is the pass key."  Only behind the
 * intro, which ends with a newline, stands no space; there the filler's first words are
 * encoded once more, with one (`again`).
 *
 * The filler is cut only in front of white space ("border"), but for its end, which is cut
 * to the token.  Invariants: every prompt was decoded and searched for its key before it is
 * given out; no part depends on the longest length that was asked for.
 *
 * Departures from the authors' script: it counts characters, puts the key at a random place
 * and repeats the filler only. */
#include "tasks/passkey.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"

#define STOP "\x01" /* in no piece */
#define CHUNK 8192  /* bytes of filler encoded at a time */
#define SLACK 512   /* in which a chunk's end looks for white space */
#define DECOY_GAP 800
#define SENTENCE_NEAR 2000 /* in which prose looks for the start of a sentence */
#define FIRST_WORDS 4096   /* tokens, in which the filler's first border is looked for */
#define DRAWS 200

const char *const fot_passkey_style_name[FOT_PASSKEY_STYLES + 1] = { "paper", "text", "decoys", NULL };

struct span {
	size_t begin, end;
};

struct fot_passkey_parts {
	struct fot_passkey p;
	uint64_t trial;
	int64_t longest;
	struct fot_ids stop, head, filler, question;
	size_t stop_text;     /* bytes that `stop` decodes to */
	size_t first;         /* the filler's first border */
	struct fot_ids again; /* filler [0, first), with a space in front */
	struct span *decoy;   /* [n_decoys] places in the filler, ascending */
	size_t n_decoys, cap_decoys;
};

static bool white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static int append(struct fot_ids *out, const int32_t *id, size_t n, struct fot_err *err)
{
	int status = fot_ids_reserve(out, fot_size_add(out->n, n), err);

	if (status == FOT_OK && n) {
		memcpy(out->id + out->n, id, n * sizeof *id);
		out->n += n;
	}
	return status;
}

/* ---- inside a text ----------------------------------------------------- */

/* The ids of a text that goes on from another. */
static int encode_on(const struct fot_passkey_parts *s, struct fot_ids *out, const char *text, size_t n,
		     struct fot_err *err)
{
	struct fot_str all = FOT_STR_INIT;
	size_t skip = s->stop.n, before = out->n;
	int32_t *ids;
	int status;

	fot_str_puts(&all, STOP);
	fot_str_add(&all, text, n);
	FOT_TRY(fot_str_check(&all, err));
	FOT_TRY(fot_tokenizer_encode(s->p.tokenizer, out, all.data, all.len, err));
	ids = out->id + before;
	if (out->n - before < skip || memcmp(ids, s->stop.id, skip * sizeof *ids) != 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "passkey: tokenizer %.12s has pieces with the control character U+0001",
				  fot_tokenizer_hash(s->p.tokenizer));
		goto out;
	}
	out->n -= skip;
	memmove(ids, ids + skip, (out->n - before) * sizeof *ids);
out:
	fot_str_release(&all);
	return status;
}

/* Room to decode in, over and over. */
struct scratch {
	struct fot_ids ids;
	struct fot_str all, text; /* text: what was asked for */
};

static void release_scratch(struct scratch *w)
{
	fot_ids_release(&w->ids);
	fot_str_release(&w->all);
	fot_str_release(&w->text);
}

/* The text of ids that stand inside a text. */
static int decode_on(const struct fot_passkey_parts *s, struct scratch *w, const int32_t *id, size_t n,
		     struct fot_err *err)
{
	int status;

	w->ids.n = 0;
	fot_str_clear(&w->all);
	FOT_TRY(append(&w->ids, s->stop.id, s->stop.n, err));
	FOT_TRY(append(&w->ids, id, n, err));
	FOT_TRY(fot_tokenizer_decode(s->p.tokenizer, &w->all, w->ids.id, w->ids.n, err));
	if (w->all.len > s->stop_text)
		fot_str_add(&w->text, w->all.data + s->stop_text, w->all.len - s->stop_text);
	status = fot_str_check(&w->text, err);
out:
	return status;
}

/* The key sentence behind other text; spaced: with a space in front. */
static int encode_key(const struct fot_passkey_parts *s, struct fot_ids *out, int key, bool spaced,
		      struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	fot_str_puts(&text, spaced ? " " : "");
	fot_passkey_sentence(&text, key);
	FOT_TRY(fot_str_check(&text, err));
	status = encode_on(s, out, text.data, text.len - 1, err); /* it ends with a space */
out:
	fot_str_release(&text);
	return status;
}

static int encode_answer(const struct fot_passkey_parts *s, struct fot_ids *out, int key, struct fot_err *err)
{
	char text[16];
	int n = snprintf(text, sizeof text, " %d", key);

	return encode_on(s, out, text, (size_t)n, err);
}

/* ---- parts without filler ---------------------------------------------- */

static int fixed_parts(struct fot_passkey_parts *s, const struct fot_passkey *p, struct fot_err *err)
{
	const struct fot_tokenizer *t = p->tokenizer;
	struct fot_str text = FOT_STR_INIT;
	int status;

	s->p = *p;
	if (p->bos && fot_tokenizer_bos(t) >= 0)
		FOT_TRY(fot_ids_push(&s->head, fot_tokenizer_bos(t), err));
	FOT_TRY(fot_tokenizer_encode(t, &s->head, fot_passkey_intro, strlen(fot_passkey_intro), err));
	FOT_TRY(fot_tokenizer_encode(t, &s->stop, STOP, strlen(STOP), err));
	FOT_TRY(fot_tokenizer_decode(t, &text, s->stop.id, s->stop.n, err));
	s->stop_text = text.len;
	status = encode_on(s, &s->question, fot_passkey_question, strlen(fot_passkey_question), err);
out:
	fot_str_release(&text);
	return status;
}

static void release_parts(struct fot_passkey_parts *s)
{
	fot_ids_release(&s->stop);
	fot_ids_release(&s->head);
	fot_ids_release(&s->filler);
	fot_ids_release(&s->question);
	fot_ids_release(&s->again);
	fot_free(s->decoy);
}

/* The key whose number has the most tokens: the number stands three times, with a space
 * in front and a full stop, a space or nothing behind it. */
static int longest_key(const struct fot_passkey_parts *s, int *key, struct fot_err *err)
{
	struct fot_ids ids = { 0 };
	size_t most = 0;
	int status = FOT_OK;

	for (int i = FOT_PASSKEY_MAX; i >= FOT_PASSKEY_MIN; i--) {
		ids.n = 0;
		FOT_TRY(encode_answer(s, &ids, i, err));
		if (ids.n > most) {
			most = ids.n;
			*key = i;
		}
	}
out:
	fot_ids_release(&ids);
	return status;
}

int fot_passkey_least(struct fot_passkey_least *out, const struct fot_passkey *p, struct fot_err *err)
{
	struct fot_passkey_parts s = { 0 };
	struct fot_ids after = { 0 }, behind = { 0 }, answer = { 0 };
	int status, key = FOT_PASSKEY_MAX;
	size_t sentence;

	FOT_TRY(fixed_parts(&s, p, err));
	FOT_TRY(longest_key(&s, &key, err));
	FOT_TRY(encode_key(&s, &after, key, true, err));
	FOT_TRY(encode_key(&s, &behind, key, false, err));
	FOT_TRY(encode_answer(&s, &answer, key, err));
	sentence = after.n > behind.n ? after.n : behind.n;
	*out = (struct fot_passkey_least){ .context = (int64_t)(s.head.n + sentence + s.question.n + answer.n),
					   .window = (int64_t)(s.question.n + answer.n) - 1 };
out:
	fot_ids_release(&after);
	fot_ids_release(&behind);
	fot_ids_release(&answer);
	release_parts(&s);
	return status;
}

/* ---- filler ------------------------------------------------------------ */

/* A text without end: text, glue, text, glue, ... */
struct reader {
	const char *text, *glue;
	size_t n, at;
	struct fot_str buf;
};

static void refill(struct reader *r, size_t n)
{
	while (r->buf.len < n && !r->buf.failed) {
		size_t left = r->n - r->at, take = n - r->buf.len;

		take = take < left ? take : left;
		fot_str_add(&r->buf, r->text + r->at, take);
		r->at += take;
		if (r->at == r->n) {
			fot_str_puts(&r->buf, r->glue);
			r->at = 0;
		}
	}
}

/* First border at or behind n; without white space anywhere the end of a character. */
static size_t cut_of(const char *text, size_t n, size_t len)
{
	for (size_t c = n; c < len; c++)
		if (white(text[c]) && !white(text[c - 1]))
			return c;
	while (n > 1 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return n;
}

/* Encode the next n bytes, up to the next border. */
static int take_text(struct fot_passkey_parts *s, struct reader *r, size_t n, struct fot_err *err)
{
	size_t cut;
	int status;

	refill(r, n + SLACK);
	FOT_TRY(fot_str_check(&r->buf, err));
	cut = cut_of(r->buf.data, n, n + SLACK);
	FOT_TRY(encode_on(s, &s->filler, r->buf.data, cut, err));
	r->buf.len -= cut;
	memmove(r->buf.data, r->buf.data + cut, r->buf.len + 1);
out:
	return status;
}

static int take_decoy(struct fot_passkey_parts *s, struct fot_rng *rng, struct fot_err *err)
{
	size_t which = (size_t)fot_rng_below(rng, fot_passkey_decoys);
	int number = FOT_PASSKEY_MIN + (int)fot_rng_below(rng, FOT_PASSKEY_MAX - FOT_PASSKEY_MIN + 1);
	struct fot_str text = FOT_STR_INIT;
	struct span here = { .begin = s->filler.n };
	int status;

	fot_str_putc(&text, ' ');
	fot_passkey_decoy(&text, which, number);
	FOT_TRY(fot_str_check(&text, err));
	FOT_TRY(encode_on(s, &s->filler, text.data, text.len - 1, err));
	here.end = s->filler.n;
	if (!FOT_GROW(s->decoy, s->n_decoys, s->cap_decoys)) {
		status = FOT_NO_MEMORY(err, "passkey");
		goto out;
	}
	s->decoy[s->n_decoys++] = here;
out:
	fot_str_release(&text);
	return status;
}

/* Start of a sentence behind a place drawn by the trial, else of a word, else of the text. */
static size_t start_of(const struct fot_passkey *p, uint64_t trial)
{
	const char *t = p->text;
	struct fot_rng rng;
	size_t from, near;

	fot_rng_init(&rng, p->seed, "passkey.start", trial);
	from = (size_t)fot_rng_below(&rng, p->n_text);
	near = p->n_text - from > SENTENCE_NEAR ? from + SENTENCE_NEAR : p->n_text;
	for (size_t i = from < 2 ? 2 : from; i < near; i++)
		if (!white(t[i]) && white(t[i - 1]) && t[i - 2] == '.')
			return i;
	for (size_t i = from ? from : 1; i < near; i++)
		if (!white(t[i]) && white(t[i - 1]))
			return i;
	for (from = 0; white(t[from]);) /* there is a word: see check_text */
		from++;
	return from;
}

static int check_text(const struct fot_passkey *p, struct fot_err *err)
{
	const char *name = fot_passkey_style_name[p->style];

	if (p->style == FOT_PASSKEY_PAPER)
		return FOT_OK;
	if (!p->text || p->n_text == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "passkey: filler \"%s\" needs prose: name a dataset",
				name);
	for (size_t i = 0; i < p->n_text; i++)
		if (!white(p->text[i]))
			return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "passkey: filler \"%s\": %zu bytes of prose, all white space",
			name, p->n_text);
}

/* At least n tokens of filler. */
static int fill(struct fot_passkey_parts *s, size_t n, struct fot_err *err)
{
	bool paper = s->p.style == FOT_PASSKEY_PAPER, decoys = s->p.style == FOT_PASSKEY_DECOYS;
	struct reader r = { .text = paper ? fot_passkey_filler : s->p.text,
			    .n = paper ? strlen(fot_passkey_filler) : s->p.n_text,
			    .glue = paper ? "" : "\n\n" };
	struct fot_rng rng;
	int status = FOT_OK;

	if (!paper)
		r.at = start_of(&s->p, s->trial);
	fot_rng_init(&rng, s->p.seed, "passkey.decoys", s->trial);
	FOT_TRY(fot_ids_reserve(&s->filler, n + CHUNK + SLACK, err)); /* what is encoded last reaches beyond */
	while (s->filler.n < n) {
		size_t before = s->filler.n;

		FOT_TRY(take_text(s, &r, decoys ? DECOY_GAP / 2 + fot_rng_below(&rng, DECOY_GAP + 1) : CHUNK,
				  err));
		if (s->filler.n == before) {
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "passkey: the prose has %d bytes without a token", CHUNK);
			goto out;
		}
		if (decoys)
			FOT_TRY(take_decoy(s, &rng, err));
	}
out:
	fot_str_release(&r.buf);
	return status;
}

/* ---- borders ----------------------------------------------------------- */

/* May the key sentence stand in front of filler token i > 0? */
static int is_border(const struct fot_passkey_parts *s, size_t i, struct scratch *w, bool *yes,
		     struct fot_err *err)
{
	size_t left;
	char last;
	int status;

	*yes = false;
	fot_str_clear(&w->text);
	FOT_TRY(decode_on(s, w, s->filler.id + i - 1, 1, err));
	left = w->text.len;
	FOT_TRY(decode_on(s, w, s->filler.id + i, 1, err));
	if (left == 0 || w->text.len == left)
		goto out;
	last = w->text.data[left - 1];
	*yes = white(w->text.data[left]) && !white(last) && (s->p.style != FOT_PASSKEY_PAPER || last == '.');
out:
	return status;
}

/* Out of a decoy, to its front. */
static size_t before_decoy(const struct fot_passkey_parts *s, size_t i)
{
	size_t lo = 0, hi = s->n_decoys;

	while (lo < hi) { /* the first decoy that begins at or behind i */
		size_t mid = lo + (hi - lo) / 2;

		if (s->decoy[mid].begin < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && i < s->decoy[lo - 1].end ? s->decoy[lo - 1].begin : i;
}

/* The last border at or before i; 0, the filler's start, is one. */
static int border_before(const struct fot_passkey_parts *s, size_t i, size_t *border, struct fot_err *err)
{
	struct scratch w = { 0 };
	int status = FOT_OK;

	for (bool yes = false; i > 0; i--) {
		i = before_decoy(s, i);
		FOT_TRY(is_border(s, i, &w, &yes, err));
		if (yes)
			break;
	}
	*border = i;
out:
	release_scratch(&w);
	return status;
}

/* For keys directly behind the intro: see the top of this file. */
static int first_words(struct fot_passkey_parts *s, struct fot_err *err)
{
	struct scratch w = { 0 };
	bool yes = false;
	int status = FOT_OK;

	for (size_t i = 1; i < FIRST_WORDS && i < s->filler.n && !yes; i++) {
		FOT_TRY(is_border(s, i, &w, &yes, err));
		s->first = yes ? i : 0;
	}
	fot_str_clear(&w.text);
	fot_str_putc(&w.text, ' ');
	FOT_TRY(decode_on(s, &w, s->filler.id, s->first, err));
	status = encode_on(s, &s->again, w.text.data, w.text.len, err);
out:
	release_scratch(&w);
	return status;
}

int fot_passkey_open(struct fot_passkey_parts **out, const struct fot_passkey *p, uint64_t trial,
		     int64_t longest, struct fot_err *err)
{
	struct fot_passkey_parts *s;
	int status = check_text(p, err);

	if (status != FOT_OK)
		return status;
	if (longest < 1)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"passkey: longest context length: expected at least 1, got %lld",
				(long long)longest);
	s = fot_calloc(1, sizeof *s);
	if (!s)
		return FOT_NO_MEMORY(err, "passkey");
	s->trial = trial;
	s->longest = longest;
	FOT_TRY(fixed_parts(s, p, err));
	FOT_TRY(fill(s, fot_size_add((size_t)longest, FIRST_WORDS), err));
	FOT_TRY(first_words(s, err));
	*out = s;
	return FOT_OK;
out:
	fot_passkey_close(s);
	return status;
}

void fot_passkey_close(struct fot_passkey_parts *s)
{
	if (!s)
		return;
	release_parts(s);
	fot_free(s);
}

/* ---- prompts ----------------------------------------------------------- */

/* The stream of keys of one item: each part of its name seeds the next. */
static void key_rng(struct fot_rng *rng, const struct fot_passkey_parts *s, int64_t context_length,
		    double depth)
{
	fot_rng_init(rng, s->p.seed, "passkey.key", s->trial);
	fot_rng_init(rng, fot_rng_u64(rng), "passkey.length", (uint64_t)context_length);
	/* 0.3 and 3 * 0.1 are one depth */
	fot_rng_init(rng, fot_rng_u64(rng), "passkey.depth", (uint64_t)(depth * 1e6 + 0.5));
}

/* Filler tokens [c, ...) of a prompt, n of them; c = 0 stands behind the key. */
static int put_rest(struct fot_passkey_prompt *out, const struct fot_passkey_parts *s, size_t c, size_t n,
		    struct fot_err *err)
{
	int status = FOT_OK;

	if (c == 0) {
		size_t m = n < s->again.n ? n : s->again.n;

		FOT_TRY(append(&out->ids, s->again.id, m, err));
		n -= m;
		c = s->first;
	}
	status = append(&out->ids, s->filler.id + c, n, err);
out:
	return status;
}

/* Where the parts of one prompt go. */
struct plan {
	struct fot_ids key, answer;
	size_t n, c; /* tokens of filler, and of those how many in front of the key */
};

static int plan_key(struct plan *plan, const struct fot_passkey_parts *s, int64_t context_length, int key,
		    bool spaced, struct fot_err *err)
{
	size_t least;
	int status;

	plan->key.n = 0;
	FOT_TRY(encode_key(s, &plan->key, key, spaced, err));
	least = s->head.n + plan->key.n + s->question.n + plan->answer.n;
	if (context_length < (int64_t)least)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"passkey: context length %lld cannot hold the prompt: at least %zu tokens",
				(long long)context_length, least);
	plan->n = (size_t)context_length - least;
out:
	return status;
}

static int plan_prompt(struct plan *plan, const struct fot_passkey_parts *s, int64_t context_length, int key,
		       double depth, struct fot_err *err)
{
	int status;

	FOT_TRY(encode_answer(s, &plan->answer, key, err));
	FOT_TRY(plan_key(plan, s, context_length, key, true, err));
	FOT_TRY(border_before(s, (size_t)(depth * (double)plan->n + 0.5), &plan->c, err));
	if (plan->c == 0) /* behind the intro: without a space */
		status = plan_key(plan, s, context_length, key, false, err);
out:
	return status;
}

static int compose(struct fot_passkey_prompt *out, const struct fot_passkey_parts *s, int64_t context_length,
		   double depth, struct fot_err *err)
{
	struct plan plan = { 0 };
	int status;

	FOT_TRY(plan_prompt(&plan, s, context_length, out->key, depth, err));
	out->ids.n = 0;
	FOT_TRY(fot_ids_reserve(&out->ids, (size_t)context_length, err));
	FOT_TRY(append(&out->ids, s->head.id, s->head.n, err));
	FOT_TRY(append(&out->ids, s->filler.id, plan.c, err));
	out->key_token_start = out->ids.n;
	out->n_key_tokens = plan.key.n;
	FOT_TRY(append(&out->ids, plan.key.id, plan.key.n, err));
	FOT_TRY(put_rest(out, s, plan.c, plan.n - plan.c, err));
	out->n_stem = out->ids.n;
	FOT_TRY(append(&out->ids, s->question.id, s->question.n, err));
	out->n_prompt = out->ids.n;
	FOT_TRY(append(&out->ids, plan.answer.id, plan.answer.n, err));
	out->answer = (struct fot_answer){ out->ids.id + out->n_prompt, plan.answer.n };
out:
	fot_ids_release(&plan.key);
	fot_ids_release(&plan.answer);
	return status;
}

/* How often a number stands in a text, as a whole run of digits. */
static size_t count_number(const char *text, size_t n, const char *number, size_t len)
{
	size_t count = 0, end;

	for (size_t i = 0; i < n; i = end) {
		end = i + 1;
		if (!digit(text[i]))
			continue;
		while (end < n && digit(text[end]))
			end++;
		count += end - i == len && memcmp(text + i, number, len) == 0;
	}
	return count;
}

/* Does the key stand in its sentence, whole, and nowhere else? */
static int key_stands_alone(const struct fot_passkey_prompt *p, const struct fot_passkey_parts *s, bool *yes,
			    struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT, sentence = FOT_STR_INIT;
	char number[16];
	const char *hit;
	int n = snprintf(number, sizeof number, "%d", p->key), status;

	FOT_TRY(fot_tokenizer_decode(s->p.tokenizer, &text, p->ids.id, p->n_prompt, err));
	fot_passkey_sentence(&sentence, p->key);
	FOT_TRY(fot_str_check(&sentence, err));
	hit = memmem(text.data, text.len, sentence.data, sentence.len - 1);
	if (!hit) {
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "passkey: tokenizer %.12s does not give back \"%.*s\" when it decodes",
				  fot_tokenizer_hash(s->p.tokenizer), (int)sentence.len - 1, sentence.data);
		goto out;
	}
	*yes = count_number(text.data, text.len, number, (size_t)n) == 2;
out:
	fot_str_release(&text);
	fot_str_release(&sentence);
	return status;
}

int fot_passkey_build(struct fot_passkey_prompt *out, const struct fot_passkey_parts *s,
		      int64_t context_length, double depth, struct fot_err *err)
{
	struct fot_rng rng;
	bool alone = false;
	int status = FOT_OK;

	if (!(depth >= 0 && depth <= 1))
		return FOT_FAIL(err, FOT_ERR_USAGE, "passkey: depth %g: expected a number from 0 to 1",
				depth);
	if (context_length > s->longest)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"passkey: context length %lld is over the longest asked for, %lld",
				(long long)context_length, (long long)s->longest);
	key_rng(&rng, s, context_length, depth);
	for (int i = 0; i < DRAWS && !alone; i++) {
		out->key = FOT_PASSKEY_MIN + (int)fot_rng_below(&rng, FOT_PASSKEY_MAX - FOT_PASSKEY_MIN + 1);
		FOT_TRY(compose(out, s, context_length, depth, err));
		FOT_TRY(key_stands_alone(out, s, &alone, err));
	}
	if (!alone)
		status = FOT_FAIL(
			err, FOT_ERR_INPUT,
			"passkey: context length %lld: %d keys drawn, all of them stand in the filler",
			(long long)context_length, DRAWS);
out:
	return status;
}

void fot_passkey_prompt_release(struct fot_passkey_prompt *p)
{
	fot_ids_release(&p->ids);
	*p = (struct fot_passkey_prompt){ 0 };
}

void fot_passkey_ask(struct fot_question *q, const struct fot_passkey_prompt *p)
{
	*q = (struct fot_question){
		.prompt = p->ids.id,
		.n_stem = p->n_stem,
		.n_prompt = p->n_prompt,
		.answer = &p->answer,
		.n_answers = 1,
		.n_greedy = p->answer.n,
		.ranks = true,
	};
}

int fot_passkey_observe(struct fot_passkey_observation *o, struct fot_str *text,
			const struct fot_passkey_prompt *p, const struct fot_reply *r,
			const struct fot_tokenizer *t, struct fot_err *err)
{
	struct fot_str greedy = FOT_STR_INIT;
	size_t i = 0;
	int status;

	*o = (struct fot_passkey_observation){ .exact_match = true };
	for (size_t j = 0; j < p->answer.n; j++) {
		o->exact_match &= r->greedy[j] == p->answer.tokens[j];
		o->answer_rank = r->rank[j] > o->answer_rank ? r->rank[j] : o->answer_rank;
		o->answer_logprob_nats -= r->nll[j];
	}
	FOT_TRY(fot_tokenizer_decode(t, &greedy, r->greedy, p->answer.n, err));
	while (i < greedy.len && white(greedy.data[i]))
		i++;
	if (i < greedy.len)
		fot_str_add(text, greedy.data + i, greedy.len - i);
	status = fot_str_check(text, err);
out:
	fot_str_release(&greedy);
	return status;
}
