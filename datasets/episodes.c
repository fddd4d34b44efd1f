/* episodes.c: see episodes.h.
 *
 * At opening every source is cut into texts, in memory as tokens, which are grouped into
 * classes; drawing then only copies.  A document's text is cut behind sentence ends and
 * line breaks; pieces too short to say anything are left out, long ones end at a blank.
 * Invariant: a class has at least TEXTS_MIN texts, a source at least classes_max classes,
 * texts hold neither line breaks nor BOS. */
#include "datasets/episodes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "datasets/labelled.h"

#define CLASS_BYTES 16384 /* of a document: one topic */
#define TEXT_LEAST 16     /* bytes */
#define TEXTS_MIN 8
#define HISTORY 256 /* earlier demonstrations that can be repeated */
#define WORD_MAX 12

struct text {
	const int32_t *ids;
	int32_t n;
};

struct class
{
	size_t begin, end; /* texts */
};

struct source {
	struct class *class;
	size_t n, cap;
	double weight;
};

struct fot_episodes {
	struct fot_episodes_opts o;
	struct text *text;
	size_t n_text, cap_text;
	int32_t **owned; /* [n_owned] ids of labelled sets */
	size_t n_owned;
	struct source *source;
	size_t n_source;
	struct fot_str before, between, blanks, after; /* after: terminator and separator */
	size_t n_terminator;
	char hash[65];
};

/* ---- building ---- */

static int no_memory(struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_RUN, "episodes: out of memory");
}

static int add_text(struct fot_episodes *e, const int32_t *ids, int64_t n, struct fot_err *err)
{
	if (e->n_text == e->cap_text) {
		size_t cap = e->cap_text ? 2 * e->cap_text : 1024;
		struct text *grown = fot_realloc(e->text, cap, sizeof(*grown));

		if (!grown)
			return no_memory(err);
		e->text = grown;
		e->cap_text = cap;
	}
	e->text[e->n_text++] = (struct text){ ids, (int32_t)n };
	return FOT_OK;
}

/* A class of the texts from `begin` on; one of too few is dropped with them. */
static int end_class(struct fot_episodes *e, struct source *s, size_t begin, struct fot_err *err)
{
	if (e->n_text - begin < TEXTS_MIN) {
		e->n_text = begin;
		return FOT_OK;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct class *grown = fot_realloc(s->class, cap, sizeof(*grown));

		if (!grown)
			return no_memory(err);
		s->class = grown;
		s->cap = cap;
	}
	s->class[s->n++] = (struct class){ begin, e->n_text };
	return FOT_OK;
}

static bool is_blank(int32_t c)
{
	return c == ' ' || c == '\t';
}

/* Is c, before `next`, the end of a piece? */
static bool ends(int32_t c, int32_t next)
{
	return c == '\n' || c == '\r' || ((c == '.' || c == '?' || c == '!' || c == ';') && is_blank(next));
}

/* The piece ids[at, stop) without blanks at its ends, cut at a blank if it is long. */
static int add_piece(struct fot_episodes *e, const int32_t *ids, int64_t at, int64_t stop,
		     struct fot_err *err)
{
	int64_t most = e->o.clip;

	while (at < stop && is_blank(ids[at]))
		at++;
	if (stop - at > most) {
		stop = at + most;
		while (stop > at + TEXT_LEAST && !is_blank(ids[stop]))
			stop--;
	}
	while (stop > at && (is_blank(ids[stop - 1]) || ids[stop - 1] == '\n' || ids[stop - 1] == '\r'))
		stop--;
	return stop - at < TEXT_LEAST ? FOT_OK : add_text(e, ids + at, stop - at, err);
}

static int add_document(struct fot_episodes *e, struct source *s, const struct fot_corpus_doc *doc,
			struct fot_err *err)
{
	int64_t at = doc->n && doc->tokens[0] > 255 ? 1 : 0, n = doc->n;
	int status = FOT_OK;

	while (at < n) {
		size_t begin = e->n_text;
		int64_t class_end = at + CLASS_BYTES < n ? at + CLASS_BYTES : n;

		while (at < class_end) {
			int64_t stop = at;

			while (stop + 1 < class_end && !ends(doc->tokens[stop], doc->tokens[stop + 1]))
				stop++;
			FOT_TRY(add_piece(e, doc->tokens, at, stop + 1, err));
			at = stop + 1;
		}
		FOT_TRY(end_class(e, s, begin, err));
	}
out:
	return status;
}

static int add_labelled(struct fot_episodes *e, struct source *s, const struct fot_labelled *l,
			struct fot_err *err)
{
	int32_t *ids;
	size_t n = 0;
	int status = FOT_OK;

	for (size_t i = 0; i < l->n; i++)
		n += strlen(l->item[i].text);
	ids = fot_alloc(n, sizeof(*ids));
	if (!ids)
		return no_memory(err);
	e->owned[e->n_owned++] = ids;
	for (size_t k = 0; k < l->n_labels; k++) {
		size_t begin = e->n_text;

		for (size_t i = 0; i < l->n; i++) {
			const struct fot_labelled_item *it = &l->item[i];
			size_t len = strlen(it->text);

			if (it->label != (int32_t)k || it->split != FOT_TRAIN)
				continue;
			for (size_t j = 0; j < len; j++)
				ids[j] = (unsigned char)it->text[j];
			FOT_TRY(add_piece(e, ids, 0, (int64_t)len, err));
			ids += len;
		}
		FOT_TRY(end_class(e, s, begin, err));
	}
out:
	return status;
}

static int check_source(const struct fot_episodes *e, const struct source *s, const char *name,
			struct fot_err *err)
{
	if (s->n >= (size_t)e->o.classes_max)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"episodes: %s: expected at least %lld classes of %d texts, got %zu", name,
			(long long)e->o.classes_max, TEXTS_MIN, s->n);
}

static int add_corpus(struct fot_episodes *e, const struct fot_corpus *c, const double *weight,
		      struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t k = 0; c && k < fot_corpus_n_datasets(c); k++) {
		struct source *s = &e->source[e->n_source++];

		s->weight = weight[k];
		for (size_t i = 0; i < fot_corpus_count(c); i++)
			if (fot_corpus_at(c, i)->dataset == k)
				FOT_TRY(add_document(e, s, fot_corpus_at(c, i), err));
		FOT_TRY(check_source(e, s, fot_dataset_name(fot_corpus_dataset(c, k)), err));
	}
out:
	return status;
}

static int add_sets(struct fot_episodes *e, const char *const *specs, size_t n, const char *store,
		    struct fot_sha256 *h, struct fot_err *err)
{
	struct fot_labelled *l = NULL;
	int status = FOT_OK;

	for (size_t k = 0; k < n; k++) {
		struct source *s = &e->source[e->n_source++];

		s->weight = 1;
		FOT_TRY(fot_labelled_open(&l, specs[k], store, err));
		fot_sha256_add(h, l->hash, 64);
		FOT_TRY(add_labelled(e, s, l, err));
		FOT_TRY(check_source(e, s, specs[k], err));
		fot_labelled_close(l);
		l = NULL;
	}
out:
	fot_labelled_close(l);
	return status;
}

static int take_template(struct fot_episodes *e, const struct fot_template *t, struct fot_err *err)
{
	fot_str_puts(&e->before, t->before);
	fot_str_puts(&e->between, t->between);
	fot_str_puts(&e->blanks, t->blanks);
	fot_str_puts(&e->after, t->terminator);
	e->n_terminator = e->after.len;
	fot_str_puts(&e->after, t->separator);
	return e->before.failed || e->between.failed || e->blanks.failed || e->after.failed ? no_memory(err) :
											      FOT_OK;
}

static int check_opts(const struct fot_episodes_opts *o, size_t n_sources, struct fot_err *err)
{
	if (o->classes_min < 2 || o->classes_max < o->classes_min || o->classes_max > FOT_EPISODES_CLASSES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "episodes: expected 2 to %d classes, got %lld to %lld",
				FOT_EPISODES_CLASSES, (long long)o->classes_min, (long long)o->classes_max);
	if (o->clip < TEXT_LEAST || o->clip > 4096)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"episodes: expected texts of at most %d to 4096 bytes, got %lld", TEXT_LEAST,
				(long long)o->clip);
	if (n_sources == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "episodes: expected datasets or labelled sets, got none");
	return FOT_OK;
}

static void begin_hash(struct fot_sha256 *h, const struct fot_corpus *c, const double *weight,
		       const struct fot_template *t, const struct fot_episodes_opts *o)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "episodes %lld %lld %lld ", (long long)o->classes_min,
			 (long long)o->classes_max, (long long)o->clip);

	fot_sha256_init(h);
	fot_sha256_add(h, line, (size_t)n);
	fot_sha256_add(h, t->sha256, 64);
	for (size_t k = 0; c && k < fot_corpus_n_datasets(c); k++)
		fot_sha256_add(h, &weight[k], sizeof(weight[k]));
	if (c)
		fot_sha256_add(h, fot_corpus_hash(c), 64);
}

int fot_episodes_open(struct fot_episodes **out, const struct fot_corpus *corpus, const double *weight,
		      const char *const *labelled, size_t n_labelled, const char *store,
		      const struct fot_template *t, const struct fot_episodes_opts *o, struct fot_err *err)
{
	size_t n = (corpus ? fot_corpus_n_datasets(corpus) : 0) + n_labelled;
	struct fot_episodes *e = fot_calloc(1, sizeof(*e));
	struct fot_sha256 h;
	int status;

	if (!e)
		return no_memory(err);
	e->o = *o;
	FOT_TRY(check_opts(o, n, err));
	e->source = fot_calloc(n, sizeof(*e->source));
	e->owned = fot_calloc(n, sizeof(int32_t *));
	if (!e->source || !e->owned) {
		status = no_memory(err);
		goto out;
	}
	FOT_TRY(take_template(e, t, err));
	begin_hash(&h, corpus, weight, t, o);
	FOT_TRY(add_corpus(e, corpus, weight, err));
	FOT_TRY(add_sets(e, labelled, n_labelled, store, &h, err));
	fot_sha256_hex(&h, e->hash);
	*out = e;
out:
	if (status != FOT_OK)
		fot_episodes_close(e);
	return status;
}

void fot_episodes_close(struct fot_episodes *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_source; i++)
		fot_free(e->source[i].class);
	for (size_t i = 0; i < e->n_owned; i++)
		fot_free(e->owned[i]);
	fot_free(e->source);
	fot_free(e->owned);
	fot_free(e->text);
	fot_str_release(&e->before);
	fot_str_release(&e->between);
	fot_str_release(&e->blanks);
	fot_str_release(&e->after);
	fot_free(e);
}

const char *fot_episodes_hash(const struct fot_episodes *e)
{
	return e->hash;
}

size_t fot_episodes_n_sources(const struct fot_episodes *e)
{
	return e->n_source;
}

size_t fot_episodes_n_classes(const struct fot_episodes *e, size_t source)
{
	return e->source[source].n;
}

/* ---- drawing ---- */

struct episode {
	const struct fot_episodes *e;
	struct fot_rng *rng;
	double repeat;
	size_t k; /* classes */
	size_t class[FOT_EPISODES_CLASSES];
	char word[FOT_EPISODES_CLASSES][WORD_MAX + 1];
	bool shown[FOT_EPISODES_CLASSES];
	struct {
		struct text text;
		size_t class;
	} past[HISTORY];
	size_t n_past;
	const struct source *source;
	/* Where tokens go: the first `skip` are dropped. */
	int32_t *tokens;
	uint8_t *mark;
	size_t n, cap, skip;
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

static bool word_taken(const struct episode *x, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (strcmp(x->word[i], x->word[k]) == 0)
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

static void choose(struct episode *x)
{
	const struct fot_episodes *e = x->e;
	double total = 0, at;
	size_t s = 0;

	for (size_t i = 0; i < e->n_source; i++)
		total += e->source[i].weight;
	at = fot_rng_uniform(x->rng) * total;
	while (s + 1 < e->n_source && at >= e->source[s].weight)
		at -= e->source[s++].weight;
	x->source = &e->source[s];
	x->k = (size_t)e->o.classes_min + below(x, (size_t)(e->o.classes_max - e->o.classes_min) + 1);
	for (size_t i = 0; i < x->k; i++) {
		do
			x->class[i] = below(x, x->source->n);
		while (class_taken(x, i));
		do
			make_word(x, x->word[i]);
		while (word_taken(x, i));
	}
}

static void put(struct episode *x, int32_t id, enum fot_episode_mark mark)
{
	if (x->skip) {
		x->skip--;
	} else if (x->n < x->cap) {
		x->tokens[x->n] = id;
		x->mark[x->n++] = (uint8_t)mark;
	}
}

static void put_string(struct episode *x, const char *p, size_t n, enum fot_episode_mark mark)
{
	for (size_t i = 0; i < n; i++)
		put(x, (unsigned char)p[i], mark);
}

/* Half of a text, from a word on. */
static struct text half_of(struct episode *x, struct text t)
{
	int32_t n = t.n / 2, at = (int32_t)below(x, (size_t)(t.n - n) + 1);

	while (at > 0 && !is_blank(t.ids[at - 1]))
		at--;
	return (struct text){ t.ids + at, n };
}

static void demonstrate(struct episode *x)
{
	const struct fot_episodes *e = x->e;
	size_t k = below(x, x->k);
	const struct class *c = &x->source->class[x->class[k]];
	struct text t = e->text[c->begin + below(x, c->end - c->begin)];
	enum fot_episode_mark mark;

	if (x->n_past && fot_rng_uniform(x->rng) < x->repeat) {
		size_t i = below(x, x->n_past < HISTORY ? x->n_past : HISTORY);

		k = x->past[i].class;
		t = below(x, 2) ? x->past[i].text : half_of(x, x->past[i].text);
	} else {
		x->past[x->n_past % HISTORY].text = t;
		x->past[x->n_past++ % HISTORY].class = k;
	}
	put_string(x, e->before.data, e->before.len, FOT_EPISODE_TEXT);
	for (int32_t i = 0; i < t.n; i++)
		put(x, t.ids[i], FOT_EPISODE_TEXT);
	put_string(x, e->between.data, e->between.len, FOT_EPISODE_TEXT);
	mark = x->shown[k] ? FOT_EPISODE_LABEL : FOT_EPISODE_NEW;
	x->shown[k] = true;
	put_string(x, e->blanks.data, e->blanks.len, FOT_EPISODE_TEXT);
	put_string(x, x->word[k], strlen(x->word[k]), mark);
	put_string(x, e->after.data, e->n_terminator, mark);
	put_string(x, e->after.data + e->n_terminator, e->after.len - e->n_terminator, FOT_EPISODE_TEXT);
}

void fot_episodes_draw(const struct fot_episodes *e, struct fot_rng *rng, double repeat, int32_t *tokens,
		       uint8_t *mark, size_t n)
{
	struct episode x = { .e = e, .rng = rng, .repeat = repeat, .tokens = tokens, .mark = mark, .cap = n };

	choose(&x);
	x.skip = below(&x, TEXT_LEAST);
	while (x.n < n)
		demonstrate(&x);
}
