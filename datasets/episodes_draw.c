/* episodes_draw.c: an episode, demonstration by demonstration; see episodes.h.
 *
 * Words as classes are drawn by rank, the cube of a uniform number: frequent and rare ones
 * both occur.  A question is tokenised as one text that goes on from another, and so is an
 * answer, as in tasks/fewshot.c. */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "datasets/episodes_priv.h"

#define HISTORY 256 /* earlier demonstrations that can be repeated */
#define FRAME_MAX 32
#define FIRST_TRIES 64 /* words drawn for a new first token; a tokenizer of bytes has few */
#define SCRAMBLE 64 /* most words of a scrambled text */
#define OWN_WORDS 0.7   /* share of label words that are words of the documents */
#define BY_START_OF 0.3 /* share of word episodes by the first word */

/* The words around texts and labels. */
struct wording {
	char before[FRAME_MAX], between[FRAME_MAX], separator[4];
};

struct episode {
	const struct fot_episodes *e;
	struct fot_rng *rng;
	double repeat;
	size_t k, parts; /* classes, and of how many each is made up */
	size_t class[FOT_EPISODES_CLASSES * FOT_EPISODES_PARTS];
	char word[FOT_EPISODES_CLASSES][WORD_MAX + 1];
	bool shown[FOT_EPISODES_CLASSES];
	struct {
		struct text text;
		size_t class;
	} past[HISTORY];
	size_t n_past;
	const struct classes *classes;
	const char *before, *between, *blanks, *terminator, *separator;
	struct wording own;
	struct fot_str piece, scrambled; /* being put together */
	struct fot_ids ids;
	/* Where tokens go, n of them when done: the first `skip` are dropped. */
	struct fot_episode *out;
	size_t n, skip;
	size_t first, behind; /* tokens of the demonstration at work: its text, and the wording behind it */
	size_t between_ids;   /* tokens of that wording */
};

static size_t below(struct episode *x, size_t n)
{
	return (size_t)fot_rng_below(x->rng, n);
}

/* One to three syllables: consonant, vowel, at the end perhaps a consonant. */
static void make_word(struct episode *x, char *out)
{
	static const char consonants[] = "bcdfghjklmnprstvwz", vowels[] = "aeiou";
	size_t syllables = 1 + below(x, 3), n = 0;

	for (size_t i = 0; i < syllables; i++) {
		out[n++] = consonants[below(x, sizeof(consonants) - 1)];
		out[n++] = vowels[below(x, sizeof(vowels) - 1)];
	}
	if (syllables == 1 || below(x, 2))
		out[n++] = consonants[below(x, sizeof(consonants) - 1)];
	out[n] = '\0';
}

/* Small numbers more often. */
static size_t by_rank(struct episode *x, size_t n)
{
	double u = fot_rng_uniform(x->rng);

	return (size_t)(u * u * u * (double)n);
}

static void draw_word(struct episode *x, char out[WORD_MAX + 1])
{
	const struct classes *c = &x->e->source[below(x, x->e->n_source)].of[BY_WORD];

	if (x->e->n_single && fot_rng_uniform(x->rng) < x->e->o.single)
		memcpy(out, x->e->single[below(x, x->e->n_single)].text, WORD_MAX + 1);
	else if (c->n && fot_rng_uniform(x->rng) < OWN_WORDS)
		memcpy(out, c->class[by_rank(x, c->n)].word.text, WORD_MAX + 1);
	else
		make_word(x, out);
}

/* Is label k an earlier one, or (first) like it in its first token? */
static bool word_taken(const struct episode *x, size_t k, bool first)
{
	for (size_t i = 0; i < k; i++)
		if (strcmp(x->word[i], x->word[k]) == 0 || (first && x->out->choice[i] == x->out->choice[k]))
			return true;
	return false;
}

static bool class_taken(const struct episode *x, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (x->class[i] == x->class[k])
			return true;
	return false;
}

static void choose_source(struct episode *x)
{
	const struct fot_episodes *e = x->e;
	const struct source *s = e->source;
	double total = 0, at;
	int way = BY_STRETCH;
	size_t most;

	for (size_t i = 0; i < e->n_source; i++)
		total += e->source[i].weight;
	at = fot_rng_uniform(x->rng) * total;
	while (s + 1 < e->source + e->n_source && at >= s->weight)
		at -= s++->weight;
	if (s->of[BY_WORD].n && fot_rng_uniform(x->rng) < e->o.words)
		way = fot_rng_uniform(x->rng) < BY_START_OF ? BY_START : BY_WORD;
	x->classes = &s->of[way];
	most = (size_t)e->o.classes_max < x->classes->n ? (size_t)e->o.classes_max : x->classes->n;
	x->k = (size_t)e->o.classes_min + below(x, most - (size_t)e->o.classes_min + 1);
	x->parts = s->labelled ? 1 : 1 + below(x, (size_t)e->o.parts);
	for (size_t i = 0; i < x->k * x->parts; i++)
		do
			x->class[i] = way == BY_STRETCH ? below(x, x->classes->n) : by_rank(x, x->classes->n);
		while (class_taken(x, i));
}

/* "Word:" with a capital; `head` before it, `tail` behind it. */
static void frame(struct episode *x, char out[FRAME_MAX], const char *head, const char *tail)
{
	char word[WORD_MAX + 1];

	draw_word(x, word);
	word[0] = (char)(word[0] & ~0x20);
	snprintf(out, FRAME_MAX, "%s%s%s", head, word, tail);
}

static void choose_wording(struct episode *x)
{
	static const char *const arrows[] = { " ->", " =", ":", " =>", "\n", " |" };
	static const char *const ends[] = { "\n", "\n", " ?\n", "?\n", ".\n", " .\n", "!\n" };
	const struct fot_template *t = x->e->t;
	const char *end;

	x->before = t->before;
	x->between = t->between;
	x->blanks = t->blanks;
	x->terminator = t->terminator;
	x->separator = t->separator;
	if (fot_rng_uniform(x->rng) >= x->e->o.frames)
		return;
	if (below(x, 4))
		frame(x, x->own.before, "", ": ");
	/* With a common end the words just before the label do not tell the texts apart. */
	end = ends[below(x, FOT_COUNT(ends))];
	if (below(x, 4))
		frame(x, x->own.between, end, ":");
	else
		snprintf(x->own.between, FRAME_MAX, "%.*s%s", (int)strlen(end) - 1, end,
			 arrows[below(x, FOT_COUNT(arrows))]);
	strcpy(x->own.separator, below(x, 2) ? "\n" : "");
	x->before = x->own.before;
	x->between = x->own.between;
	x->blanks = " ";
	x->terminator = "\n";
	x->separator = x->own.separator;
}

/* ---- tokens ---- */

static void put(struct episode *x, size_t from, size_t to, enum fot_episode_mark mark)
{
	for (size_t i = from; i < to; i++) {
		if (x->skip) {
			x->skip--;
		} else if (x->out->n < x->n) {
			x->out->tokens[x->out->n] = x->ids.id[i];
			x->out->class[x->out->n] = -1;
			x->out->mark[x->out->n++] = (uint8_t)mark;
		}
	}
}

/* x->piece into x->ids. */
static int encode(struct episode *x, struct fot_err *err)
{
	int status = fot_str_check(&x->piece, err);

	x->ids.n = 0;
	if (status == FOT_OK)
		status = fot_tokenizer_encode_on(x->e->tok, &x->ids, x->piece.len ? x->piece.data : "",
						 x->piece.len, err);
	fot_str_clear(&x->piece);
	return status;
}

static int put_question(struct episode *x, const struct text *t, struct fot_err *err)
{
	size_t text;
	int status;

	fot_str_puts(&x->piece, x->before);
	fot_str_add(&x->piece, t->p, (size_t)t->n);
	fot_str_puts(&x->piece, x->between);
	FOT_TRY(encode(x, err));
	text = x->ids.n > x->between_ids ? x->ids.n - x->between_ids : 0;
	x->first = x->out->n;
	put(x, 0, text, FOT_EPISODE_TEXT);
	x->behind = x->out->n;
	put(x, text, x->ids.n, FOT_EPISODE_TEXT);
out:
	return status;
}

/* The answer with word k, into x->ids. */
static int encode_answer(struct episode *x, size_t k, struct fot_err *err)
{
	fot_str_puts(&x->piece, x->blanks);
	fot_str_puts(&x->piece, x->word[k]);
	fot_str_puts(&x->piece, x->terminator);
	return encode(x, err);
}

static int choose_words(struct episode *x, struct fot_err *err)
{
	int status = FOT_OK;

	fot_str_puts(&x->piece, x->between);
	FOT_TRY(encode(x, err));
	x->between_ids = x->ids.n;
	x->out->n_classes = x->k;
	for (size_t i = 0; i < x->k; i++) {
		int tries = 0;

		do {
			draw_word(x, x->word[i]);
			FOT_TRY(encode_answer(x, i, err));
			x->out->choice[i] = x->ids.id[0];
		} while (word_taken(x, i, tries++ < FIRST_TRIES));
	}
out:
	return status;
}

static int note_demo(struct episode *x, size_t k, const struct text *t, struct fot_err *err)
{
	struct fot_episode *out = x->out;

	if (!FOT_GROW(out->demo, out->n_demo, out->cap_demo))
		return FOT_NO_MEMORY(err, "an episode");
	out->demo[out->n_demo++] = (struct fot_episode_demo){ .class = (int32_t)k, .label = out->n,
							      .first = x->first, .behind = x->behind,
							      .text = out->texts.len, .n_bytes = (size_t)t->n };
	fot_str_add(&out->texts, t->p, (size_t)t->n);
	return fot_str_check(&out->texts, err);
}

/* The answer's tokens that the word reaches into, then those of the terminator alone. */
static int put_answer(struct episode *x, size_t k, const struct text *t, struct fot_err *err)
{
	struct fot_episode *out = x->out;
	bool whole = x->skip == 0 && out->n < x->n; /* the label's first token will be there */
	size_t n;
	int status;

	if (whole)
		FOT_TRY(note_demo(x, k, t, err));
	fot_str_puts(&x->piece, x->terminator);
	FOT_TRY(encode(x, err));
	n = x->ids.n;
	FOT_TRY(encode_answer(x, k, err));
	n = n < x->ids.n ? x->ids.n - n : 1;
	put(x, 0, n, x->shown[k] ? FOT_EPISODE_LABEL : FOT_EPISODE_NEW);
	put(x, n, x->ids.n, x->shown[k] ? FOT_EPISODE_END : FOT_EPISODE_NEW);
	if (whole)
		out->class[out->demo[out->n_demo - 1].label] = (int32_t)k;
	x->shown[k] = true;
out:
	return status;
}

/* Half of a text, from a word on. */
static struct text half_of(struct episode *x, struct text t)
{
	int32_t n = t.n / 2, at = (int32_t)below(x, (size_t)(t.n - n) + 1);

	while (at > 0 && t.p[at - 1] != ' ' && t.p[at - 1] != '\t')
		at--;
	while (n > 0 && ((unsigned char)t.p[at + n] & 0xc0) == 0x80) /* inside a character */
		n--;
	return (struct text){ t.p + at, n };
}

/* The words of t: [n] spans, at most SCRAMBLE. */
static size_t split(const struct text *t, struct text word[SCRAMBLE])
{
	size_t n = 0;

	for (int32_t at = 0; at < t->n && n < SCRAMBLE;) {
		int32_t from = at;

		while (at < t->n && t->p[at] != ' ' && t->p[at] != '\t')
			at++;
		if (at > from)
			word[n++] = (struct text){ t->p + from, at - from };
		else
			at++;
	}
	return n;
}

/* n words in any order. */
static void shuffle(struct episode *x, struct text *word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = i + below(x, n - i);
		struct text w = word[j];

		word[j] = word[i];
		word[i] = w;
	}
}

/* About half of a text's words among those of another text: neighbours in their places, or
 * any of them in any order. */
static struct text mixed(struct episode *x, struct text t, bool in_order)
{
	struct text word[SCRAMBLE], foreign[SCRAMBLE];
	const struct fot_episodes *e = x->e;
	size_t n = split(&t, word), m = split(&e->text[below(x, e->n_text)], foreign);
	size_t keep = (n + 1) / 2, from = below(x, n - keep + 1);

	for (size_t i = 0; i < n && m; i++)
		if (in_order ? i < from || i >= from + keep : below(x, 2))
			word[i] = foreign[below(x, m)];
	if (!in_order)
		shuffle(x, word, n);
	fot_str_clear(&x->scrambled);
	for (size_t i = 0; i < n; i++) {
		fot_str_add(&x->scrambled, " ", i > 0);
		fot_str_add(&x->scrambled, word[i].p, (size_t)word[i].n);
	}
	return x->scrambled.len ? (struct text){ x->scrambled.data, (int32_t)x->scrambled.len } : t;
}

/* Again, or half of it, or half of its words. */
static struct text repeat(struct episode *x, struct text t)
{
	size_t how = below(x, 4);

	if (how == 0)
		return t;
	return how == 1 ? half_of(x, t) : mixed(x, t, how == 2);
}

static int demonstrate(struct episode *x, struct fot_err *err)
{
	const struct fot_episodes *e = x->e;
	size_t k = below(x, x->k);
	const struct class *c = &x->classes->class[x->class[k * x->parts + below(x, x->parts)]];
	struct text t = e->text[e->order[c->begin + below(x, c->end - c->begin)]];
	int status;

	if (x->n_past && fot_rng_uniform(x->rng) < x->repeat) {
		size_t i = below(x, x->n_past < HISTORY ? x->n_past : HISTORY);

		k = x->past[i].class;
		t = repeat(x, x->past[i].text);
	} else {
		x->past[x->n_past % HISTORY].text = t;
		x->past[x->n_past++ % HISTORY].class = k;
	}
	FOT_TRY(put_question(x, &t, err));
	FOT_TRY(put_answer(x, k, &t, err));
	fot_str_puts(&x->piece, x->separator);
	FOT_TRY(encode(x, err));
	put(x, 0, x->ids.n, FOT_EPISODE_TEXT);
out:
	return status;
}

void fot_episode_release(struct fot_episode *x)
{
	fot_free(x->tokens);
	fot_free(x->mark);
	fot_free(x->class);
	fot_free(x->demo);
	fot_str_release(&x->texts);
	memset(x, 0, sizeof(*x));
}

/* Empty, with room for n tokens. */
static int begin(struct fot_episode *x, size_t n, struct fot_err *err)
{
	x->n = x->n_demo = 0;
	fot_str_clear(&x->texts);
	if (n <= x->cap)
		return FOT_OK;
	fot_episode_release(x);
	x->tokens = fot_alloc(n, sizeof(*x->tokens));
	x->mark = fot_alloc(n, sizeof(*x->mark));
	x->class = fot_alloc(n, sizeof(*x->class));
	if (!x->tokens || !x->mark || !x->class)
		return FOT_NO_MEMORY(err, "an episode");
	x->cap = n;
	return FOT_OK;
}

int fot_episodes_draw(const struct fot_episodes *e, struct fot_rng *rng, double repeat, struct fot_episode *out,
		      size_t n, struct fot_err *err)
{
	struct episode x = { .e = e, .rng = rng, .repeat = repeat, .out = out, .n = n };
	int status;

	FOT_TRY(begin(out, n, err));
	choose_source(&x);
	choose_wording(&x);
	FOT_TRY(choose_words(&x, err));
	x.skip = below(&x, TEXT_LEAST);
	while (out->n < n)
		FOT_TRY(demonstrate(&x, err));
out:
	fot_str_release(&x.piece);
	fot_str_release(&x.scrambled);
	fot_ids_release(&x.ids);
	return status;
}
