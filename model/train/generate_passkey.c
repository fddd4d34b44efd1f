/* generate_passkey.c: documents with a pass key and a question for it.
 *
 *   own windows                                         asking window
 *   [text .. The pass key is N. Remember it. .. text]   [text .. question N. text ..]
 *            placed whole or across a border                     placed anywhere
 *
 * A document is composed in bytes from left to right: running text up to the place of
 * the next insertion, the insertion, and so on; so every sentence stands exactly where
 * it was put.  Running text goes on behind an insertion where it was left.  Sentences
 * about other things keep away from the pass key's. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "datasets/passkey_text.h"
#include "model/train/generator.h"

#define BOS 256
#define MAX_INSERTS 256
#define DECOYS_PER_WINDOW 4 /* at most */
#define DIGIT_TRIES 12      /* places looked at for one with digits */
#define INTRO 0.1           /* documents and negatives that begin like a prompt */

struct insert {
	int64_t at;        /* byte of the document */
	size_t begin, len; /* in maker.words */
};

/* One document or negative in the making. */
struct maker {
	const struct fot_source *src;
	const struct fot_generator *g;
	struct fot_rng rng;
	struct fot_str words;           /* texts of the insertions, one behind the other */
	struct insert insert[MAX_INSERTS];
	size_t n;
	const struct fot_corpus_doc *doc; /* running text; NULL: the paper's filler */
	int64_t next;                   /* place in the running text */
	double cut;                     /* share of keys across a border */
};

static int64_t below(struct maker *m, int64_t n)
{
	return (int64_t)fot_rng_below(&m->rng, (uint64_t)n);
}

static bool chance(struct maker *m, double p)
{
	return fot_rng_uniform(&m->rng) < p;
}

/* Half of the numbers are uniform like the task's, of which four in five have five
 * digits; of the other half every length is as likely as any other. */
static int number(struct maker *m)
{
	int lo = FOT_PASSKEY_MIN, hi = FOT_PASSKEY_MAX;

	if (chance(m, 0.5)) {
		for (int64_t i = below(m, 5); i > 0; i--)
			lo *= 10;
		hi = lo * 10 - 1 < hi ? lo * 10 - 1 : hi;
	}
	return lo + (int)below(m, hi - lo + 1);
}

/* ---- running text ------------------------------------------------------ */

/* A document by its number of tokens, of at least n; NULL: there is none. */
static const struct fot_corpus_doc *draw_document(struct maker *m, int64_t n)
{
	const struct fot_corpus *c = m->src->corpus;
	const struct fot_corpus_doc *doc = NULL;
	int64_t total = 0, pick;

	for (size_t i = 0; i < fot_corpus_count(c); i++)
		total += fot_corpus_at(c, i)->n >= n ? fot_corpus_at(c, i)->n : 0;
	if (total == 0)
		return NULL;
	pick = below(m, total);
	for (size_t i = 0; i < fot_corpus_count(c); i++) {
		doc = fot_corpus_at(c, i);
		if (doc->n < n)
			continue;
		if (pick < doc->n)
			break;
		pick -= doc->n;
	}
	return doc;
}

static bool has_digits(const int32_t *tokens, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (tokens[i] >= '0' && tokens[i] <= '9')
			return true;
	return false;
}

/* Choose the running text of n bytes. Errors: FOT_ERR_INPUT. */
static int begin_text(struct maker *m, int64_t n, bool with_digits, struct fot_err *err)
{
	m->doc = NULL;
	if (chance(m, m->g->filler)) {
		m->next = below(m, (int64_t)strlen(fot_passkey_filler));
		return FOT_OK;
	}
	for (int i = 0; i < DIGIT_TRIES; i++) {
		m->doc = draw_document(m, n + 2);
		if (!m->doc)
			return FOT_FAIL(err, FOT_ERR_INPUT, "training data: no document of %lld bytes",
					(long long)(n + 2));
		m->next = 1 + below(m, m->doc->n - n - 1); /* token 0 is BOS */
		if (!with_digits || has_digits(m->doc->tokens + m->next, n))
			break;
	}
	return FOT_OK;
}

static int32_t next_byte(struct maker *m)
{
	if (m->doc)
		return m->doc->tokens[m->next++];
	return (unsigned char)fot_passkey_filler[m->next++ % (int64_t)strlen(fot_passkey_filler)];
}

/* ---- insertions -------------------------------------------------------- */

/* Note what was appended to m->words since `begin` as an insertion at byte `at`. */
static void note(struct maker *m, int64_t at, size_t begin)
{
	size_t i = m->n++;

	while (i > 0 && m->insert[i - 1].at > at) {
		m->insert[i] = m->insert[i - 1];
		i--;
	}
	m->insert[i] = (struct insert){ at, begin, m->words.len - begin };
}

static void made_up_word(struct maker *m, struct fot_str *out)
{
	static const char consonants[] = "bcdfghjklmnprstvwz", vowels[] = "aeiou";

	for (int64_t i = 2 + below(m, 5); i > 0; i--)
		fot_str_putc(out, i % 2 ? vowels[below(m, 5)] : consonants[below(m, (int64_t)sizeof consonants - 1)]);
}

static void other_sentence(struct fot_str *out, const char *name, int value)
{
	fot_str_printf(out, "The %s is %d. Remember it. %d is the %s. ", name, value, value, name);
}

/* A sentence about something with a number: known things, made-up names, and names
 * that share a word with the pass key. */
static void decoy(struct maker *m, struct fot_str *out)
{
	int value = number(m);
	struct fot_str name = FOT_STR_INIT;
	double kind = fot_rng_uniform(&m->rng);

	if (kind < 0.5) {
		fot_passkey_decoy(out, (size_t)below(m, (int64_t)fot_passkey_decoys), value);
		return;
	}
	if (kind < 0.65)
		fot_str_puts(&name, "pass ");
	else if (kind < 0.85) {
		made_up_word(m, &name);
		fot_str_putc(&name, ' ');
	}
	if (kind >= 0.85) {
		made_up_word(m, &name);
		fot_str_puts(&name, chance(m, 0.5) ? " key" : " number");
	} else {
		made_up_word(m, &name);
	}
	other_sentence(out, name.data ? name.data : "number", value);
	out->failed |= name.failed;
	fot_str_release(&name);
}

/* Sentences about other things in n_win windows; none touches an insertion there is. */
static void add_decoys(struct maker *m, int64_t n_win, int64_t W)
{
	for (int64_t w = 0; w < n_win; w++) {
		int64_t k = chance(m, m->g->decoys) ? 1 + below(m, DECOYS_PER_WINDOW) : 0;

		for (; k > 0 && m->n < MAX_INSERTS - 2; k--) {
			int64_t at = w * W + below(m, W);
			size_t begin = m->words.len;
			bool clash = false;

			decoy(m, &m->words);
			for (size_t i = 0; i < m->n; i++)
				clash |= at < m->insert[i].at + (int64_t)m->insert[i].len &&
					 at + (int64_t)(m->words.len - begin) > m->insert[i].at;
			if (clash)
				m->words.len = begin;
			else
				note(m, at, begin);
		}
	}
}

/* Nothing but sentences about other things, W bytes of them. */
static void add_only_decoys(struct maker *m, int64_t W)
{
	int64_t at = below(m, 40);

	while (at < W && m->n < MAX_INSERTS) {
		size_t begin = m->words.len;

		decoy(m, &m->words);
		note(m, at, begin);
		at += (int64_t)(m->words.len - begin) + below(m, 12);
	}
}

/* The n bytes of the document; what an insertion has beyond the end is cut off. */
static void compose(struct maker *m, int32_t *out, int64_t n, bool intro)
{
	int64_t at = 0;
	size_t i = 0;

	if (intro) {
		out[at++] = BOS;
		for (const char *p = fot_passkey_intro; *p && at < n; p++)
			out[at++] = (unsigned char)*p;
	}
	for (; i < m->n && m->insert[i].at < at; i++)
		; /* under the intro */
	while (at < n)
		if (i < m->n && m->insert[i].at == at) {
			for (size_t j = 0; j < m->insert[i].len && at < n; j++)
				out[at++] = (unsigned char)m->words.data[m->insert[i].begin + j];
			i++;
		} else {
			out[at++] = next_byte(m);
		}
}

/* ---- documents --------------------------------------------------------- */

static int64_t digits_of(int key)
{
	int64_t n = 1;

	for (; key >= 10; key /= 10)
		n++;
	return n;
}

/* Where the sentence of `len` bytes begins in w windows: across a border, or in one of them. */
static int64_t place_key(struct maker *m, int64_t w, int64_t W, int64_t len)
{
	if (w > 1 && chance(m, m->cut))
		return (1 + below(m, w - 1)) * W - 1 - below(m, len - 1);
	return below(m, w) * W + below(m, W - len + 1);
}

/* Composed text into the windows of batch index i: own ones (nearest first) and the asking one. */
static void hand_out(struct fot_batch *b, const int32_t *text, int64_t w, int64_t i)
{
	size_t bytes = sizeof(int32_t) * (size_t)b->window;

	for (int64_t j = 0; j < w; j++)
		memcpy(b->tokens + (b->n_ask + i * w + j) * b->window, text + (w - 1 - j) * b->window, bytes);
	memcpy(b->tokens + i * b->window, text + w * b->window, bytes);
}

/* Targets of asking window i; the answer's digits begin at byte `answer` of it. */
static void set_targets(struct fot_batch *b, int64_t i, int64_t answer, int64_t digits)
{
	int64_t W = b->window, t = i * W;

	for (int64_t j = 0; j + 1 < W; j++)
		b->targets[t + j] = b->tokens[t + j + 1];
	for (int64_t j = answer - 1; j <= answer + digits - 1 && j + 1 < W; j++)
		b->answer[t + j] = 1;
}

/* own: windows before the asking one; 0: the key stands in the asking window itself. */
static int draw_document_into(struct maker *m, struct fot_batch *b, int64_t own, int64_t i, int32_t *text,
			      struct fot_err *err)
{
	int64_t W = b->window, n = (own + 1) * W, question = (int64_t)strlen(fot_passkey_question);
	int key = number(m);
	int64_t answer = question + 1 + digits_of(key) + 1, key_at, key_len, ask, last;
	int status;

	FOT_TRY(begin_text(m, n, false, err));
	fot_passkey_sentence(&m->words, key);
	key_len = (int64_t)m->words.len;
	last = W - answer; /* the latest place of the question that leaves room for the answer */
	key_at = own ? place_key(m, own, W, key_len) : below(m, last - key_len + 1);
	note(m, key_at, 0);
	ask = own == 0 ? key_at + key_len + below(m, last - key_at - key_len + 1) : chance(m, 0.25) ? 0 : below(m, last + 1);
	fot_str_printf(&m->words, "%s %d. ", fot_passkey_question, key);
	note(m, own * W + ask, (size_t)key_len);
	add_decoys(m, own + 1, W);
	FOT_TRY(fot_str_check(&m->words, err));
	compose(m, text, n, key_at > (int64_t)strlen(fot_passkey_intro) && chance(m, INTRO));
	hand_out(b, text, own, i);
	set_targets(b, i, ask + question + 1, digits_of(key));
out:
	return status;
}

static int draw_negative(struct maker *m, int32_t *out, int64_t W, double near, struct fot_err *err)
{
	int status;

	FOT_TRY(begin_text(m, W, chance(m, m->g->digits), err));
	if (near > 0 && chance(m, near))
		add_only_decoys(m, W);
	else
		add_decoys(m, 1, W);
	FOT_TRY(fot_str_check(&m->words, err));
	compose(m, out, W, chance(m, INTRO));
out:
	return status;
}

static void start(struct maker *m, uint64_t seed, const char *purpose, uint64_t item)
{
	fot_rng_init(&m->rng, seed, purpose, item);
	fot_str_clear(&m->words);
	m->n = 0;
}

int fot_generate_passkey(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
			 const char *purpose, uint64_t step, struct fot_err *err)
{
	bool cross = fot_stage_has_memory(st);
	int64_t own = cross ? st->w : 0, negatives = cross ? st->negatives : 0, W = b->window;
	struct maker m = { .src = src, .g = src->generator, .words = FOT_STR_INIT,
			   .cut = st->cut > 0 ? st->cut : src->generator->cut };
	int32_t *text = fot_alloc((size_t)((own + 1) * W), sizeof *text);
	int status = FOT_OK;

	if (!text)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a document of %lld tokens",
				(long long)((own + 1) * W));
	for (int64_t i = 0; i < st->batch; i++) {
		start(&m, seed, purpose, fot_batch_ask_slot(b, st, step, i));
		FOT_TRY(draw_document_into(&m, b, own, i, text, err));
	}
	for (int64_t j = 0; j < negatives; j++) {
		start(&m, seed, purpose, fot_batch_negative_slot(b, st, step, j));
		FOT_TRY(draw_negative(&m, b->tokens + (b->n_win - negatives + j) * W, W, st->near, err));
	}
out:
	fot_free(text);
	fot_str_release(&m.words);
	return status;
}
