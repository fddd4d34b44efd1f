/* episodes.c: see episodes.h; drawing is in episodes_draw.c.
 *
 * At opening every source is cut into texts, which are grouped into classes; drawing then
 * only chooses and tokenises.  A document's text is cut behind sentence ends and line
 * breaks; pieces too short to say anything are left out, long ones end at a blank.
 * Invariant: a class has at least TEXTS_MIN texts, a corpus at least classes_max classes of
 * every way that is drawn from and a labelled set at least classes_min; texts hold no line breaks. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/episodes_words.h"
#include "datasets/labelled.h"

#define CLASS_BYTES 16384 /* of a document: one topic */
#define SINGLE_LEAST 2    /* letters of a word of one token */
#define SINGLE_WORDS_MIN (4 * FOT_EPISODES_CLASSES)

static int add_text(struct fot_episodes *e, const char *p, size_t n, struct fot_err *err)
{
	if (!FOT_GROW(e->text, e->n_text, e->cap_text))
		return FOT_NO_MEMORY(err, "episodes");
	e->text[e->n_text++] = (struct text){ p, (int32_t)n };
	return FOT_OK;
}

int fot_episodes_order(struct fot_episodes *e, size_t text, struct fot_err *err)
{
	if (!FOT_GROW(e->order, e->n_order, e->cap_order))
		return FOT_NO_MEMORY(err, "episodes");
	e->order[e->n_order++] = (uint32_t)text;
	return FOT_OK;
}

int fot_episodes_add_class(struct classes *c, const struct class *add, struct fot_err *err)
{
	if (!FOT_GROW(c->class, c->n, c->cap))
		return FOT_NO_MEMORY(err, "episodes");
	c->class[c->n++] = *add;
	return FOT_OK;
}

/* A class of the texts from `begin` on; one of too few is dropped with them. */
static int end_class(struct fot_episodes *e, struct source *s, size_t begin, struct fot_err *err)
{
	size_t order = e->n_order;
	int status = FOT_OK;

	if (e->n_text - begin < TEXTS_MIN) {
		e->n_text = begin;
		return FOT_OK;
	}
	for (size_t i = begin; i < e->n_text; i++)
		FOT_TRY(fot_episodes_order(e, i, err));
	FOT_TRY(fot_episodes_add_class(&s->of[BY_STRETCH], &(struct class){ .begin = order, .end = e->n_order }, err));
out:
	return status;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is c, before `next`, the end of a piece? */
static bool ends(char c, char next)
{
	return c == '\n' || c == '\r' || ((c == '.' || c == '?' || c == '!' || c == ';') && is_blank(next));
}

/* The piece text[at, stop) without blanks at its ends, cut at a blank if it is long. */
static int add_piece(struct fot_episodes *e, const char *text, size_t at, size_t stop, struct fot_err *err)
{
	size_t most = (size_t)e->o.clip;

	while (at < stop && is_blank(text[at]))
		at++;
	if (stop - at > most) {
		stop = at + most;
		while (stop > at + TEXT_LEAST && !is_blank(text[stop]))
			stop--;
	}
	while (stop > at && ((unsigned char)text[stop] & 0xc0) == 0x80) /* inside a character */
		stop--;
	while (stop > at && (is_blank(text[stop - 1]) || text[stop - 1] == '\n' || text[stop - 1] == '\r'))
		stop--;
	return stop - at < TEXT_LEAST ? FOT_OK : add_text(e, text + at, stop - at, err);
}

static int add_document(struct fot_episodes *e, struct source *s, const struct fot_corpus_doc *doc,
			struct fot_err *err)
{
	struct fot_str *bytes = &e->owned[e->n_owned++];
	int64_t bos = doc->n && doc->tokens[0] == fot_tokenizer_bos(e->tok);
	size_t at = 0, n;
	int status;

	FOT_TRY(fot_tokenizer_decode(e->tok, bytes, doc->tokens + bos, (size_t)(doc->n - bos), err));
	n = bytes->len;
	while (at < n) {
		size_t begin = e->n_text, class_end = at + CLASS_BYTES < n ? at + CLASS_BYTES : n;

		while (at < class_end) {
			size_t stop = at;

			while (stop + 1 < class_end && !ends(bytes->data[stop], bytes->data[stop + 1]))
				stop++;
			FOT_TRY(add_piece(e, bytes->data, at, stop + 1, err));
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
	struct fot_str *bytes = &e->owned[e->n_owned++];
	size_t at = 0;
	int status;

	for (size_t i = 0; i < l->n; i++)
		fot_str_puts(bytes, l->item[i].text);
	FOT_TRY(fot_str_check(bytes, err));
	for (size_t k = 0; k < l->n_labels; k++) {
		size_t begin = e->n_text;

		at = 0;
		for (size_t i = 0; i < l->n; at += strlen(l->item[i++].text))
			if (l->item[i].label == (int32_t)k && l->item[i].split == FOT_TRAIN)
				FOT_TRY(add_piece(e, bytes->data, at, at + strlen(l->item[i].text), err));
		FOT_TRY(end_class(e, s, begin, err));
	}
out:
	return status;
}

/* Are there classes enough of every way that may be asked for? */
static int check_source(const struct fot_episodes *e, const struct source *s, const char *name, bool words,
			struct fot_err *err)
{
	static const char *const way[WAYS] = { "", " by word", " by first word" };
	int64_t least = s->labelled ? e->o.classes_min : e->o.classes_max * e->o.parts;

	for (int i = 0; i < (words ? WAYS : 1); i++)
		if (s->of[i].n < (size_t)least)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"episodes: %s: expected at least %lld classes of %d texts%s, got %zu",
					name, (long long)least, TEXTS_MIN, way[i], s->of[i].n);
	return FOT_OK;
}

static int add_corpus(struct fot_episodes *e, const struct fot_corpus *c, const double *weight,
		      struct fot_err *err)
{
	bool words = e->o.words > 0;
	int status = FOT_OK;

	for (size_t k = 0; c && k < fot_corpus_n_datasets(c); k++) {
		struct source *s = &e->source[e->n_source++];
		size_t begin = e->n_text;

		s->weight = weight[k];
		for (size_t i = 0; i < fot_corpus_count(c); i++)
			if (fot_corpus_at(c, i)->dataset == k)
				FOT_TRY(add_document(e, s, fot_corpus_at(c, i), err));
		if (words)
			FOT_TRY(fot_episodes_index_words(e, s, begin, e->n_text, err));
		FOT_TRY(check_source(e, s, fot_dataset_name(fot_corpus_dataset(c, k)), words, err));
	}
out:
	return status;
}

struct adding {
	struct fot_episodes *e;
	struct fot_sha256 *hash;
};

static int add_set(void *user, const struct fot_labelled *l, struct fot_err *err)
{
	struct adding *a = user;
	struct fot_episodes *e = a->e;
	struct source *s;
	int status;

	if (!FOT_GROW(e->source, e->n_source, e->cap_source) || !FOT_GROW(e->owned, e->n_owned, e->cap_owned))
		return FOT_NO_MEMORY(err, "episodes");
	s = &e->source[e->n_source++];
	*s = (struct source){ .weight = 1, .labelled = true };
	e->owned[e->n_owned] = (struct fot_str)FOT_STR_INIT;
	if (l->held_out && e->held_out.len == 0)
		fot_str_puts(&e->held_out, l->name);
	FOT_TRY(fot_str_check(&e->held_out, err));
	fot_sha256_add(a->hash, l->hash, 64);
	FOT_TRY(add_labelled(e, s, l, err));
	FOT_TRY(check_source(e, s, l->name, false, err));
out:
	return status;
}

static int add_sets(struct fot_episodes *e, const char *const *specs, size_t n, const char *store,
		    struct fot_sha256 *h, struct fot_err *err)
{
	struct adding a = { e, h };
	int status = FOT_OK;

	for (size_t k = 0; k < n && status == FOT_OK; k++)
		status = fot_labelled_each(specs[k], store, add_set, &a, err);
	return status;
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
	if (o->parts < 1 || o->parts > FOT_EPISODES_PARTS)
		return FOT_FAIL(err, FOT_ERR_USAGE, "episodes: expected classes of 1 to %d parts, got %lld",
				FOT_EPISODES_PARTS, (long long)o->parts);
	if (o->label_words && o->label_words < FOT_EPISODES_CLASSES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "episodes: expected 0 or at least %d label words, got %lld",
				FOT_EPISODES_CLASSES, (long long)o->label_words);
	if (n_sources == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "episodes: expected datasets or labelled sets, got none");
	return FOT_OK;
}

/* Does this token alone stand for a word of letters as a label? Then *w is the word. */
static int single_word(const struct fot_episodes *e, int32_t id, struct fot_ids *ids, struct fot_str *text,
		       struct word *w, bool *yes, struct fot_err *err)
{
	size_t blanks = strlen(e->t->blanks), n;
	int status;

	*yes = false;
	fot_str_clear(text);
	ids->n = 0;
	FOT_TRY(fot_tokenizer_decode(e->tok, text, &id, 1, err));
	n = text->len;
	if (n < blanks + SINGLE_LEAST || n > blanks + WORD_MAX || strncmp(text->data, e->t->blanks, blanks) != 0)
		goto out;
	for (size_t i = blanks; i < n; i++)
		if ((text->data[i] | 0x20) < 'a' || (text->data[i] | 0x20) > 'z')
			goto out;
	*w = (struct word){ "" };
	memcpy(w->text, text->data + blanks, n - blanks);
	fot_str_puts(text, e->t->terminator);
	FOT_TRY(fot_str_check(text, err));
	FOT_TRY(fot_tokenizer_encode_on(e->tok, ids, text->data, text->len, err));
	*yes = ids->n > 1 && ids->id[0] == id;
out:
	return status;
}

/* Keep as many as are asked for. */
static void thin_single(struct fot_episodes *e)
{
	size_t n = (size_t)e->o.label_words;

	for (size_t i = 0; i < n && n < e->n_single; i++)
		e->single[i] = e->single[i * e->n_single / n];
	if (n && n < e->n_single)
		e->n_single = n;
}

/* The words that are one token. */
static int list_single(struct fot_episodes *e, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_ids ids = { 0 };
	struct word w;
	bool yes;
	int status = FOT_OK;

	for (int32_t id = 0; id < fot_tokenizer_vocab(e->tok); id++) {
		if (id == fot_tokenizer_bos(e->tok) || id == fot_tokenizer_eos(e->tok))
			continue;
		FOT_TRY(single_word(e, id, &ids, &text, &w, &yes, err));
		if (yes && !FOT_GROW(e->single, e->n_single, e->cap_single)) {
			status = FOT_NO_MEMORY(err, "episodes");
			goto out;
		}
		if (yes)
			e->single[e->n_single++] = w;
	}
	if (e->n_single >= SINGLE_WORDS_MIN)
		thin_single(e);
	else
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "episodes: single: expected a tokenizer with at least %d words of one token, got %zu",
				  SINGLE_WORDS_MIN, e->n_single);
out:
	fot_str_release(&text);
	fot_ids_release(&ids);
	return status;
}

static void begin_hash(struct fot_sha256 *h, const struct fot_corpus *c, const double *weight,
		       const struct fot_template *t, const struct fot_episodes_opts *o)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "episodes %lld %lld %lld %lld %.17g %.17g %.17g %lld ",
			 (long long)o->classes_min, (long long)o->classes_max, (long long)o->clip,
			 (long long)o->parts, o->words, o->frames, o->single,
			 (long long)o->label_words);

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
		      const struct fot_tokenizer *tok, const struct fot_template *t,
		      const struct fot_episodes_opts *o, struct fot_err *err)
{
	size_t n = (corpus ? fot_corpus_n_datasets(corpus) : 0) + n_labelled;
	struct fot_episodes *e = fot_calloc(1, sizeof(*e));
	struct fot_sha256 h;
	int status;

	if (!e)
		return FOT_NO_MEMORY(err, "episodes");
	e->o = *o;
	e->tok = tok;
	e->t = t;
	FOT_TRY(check_opts(o, n, err));
	e->cap_source = n;
	e->cap_owned = n_labelled + (corpus ? fot_corpus_count(corpus) : 0);
	e->source = fot_calloc(e->cap_source, sizeof(*e->source));
	e->owned = fot_calloc(e->cap_owned, sizeof(*e->owned));
	if (!e->source || !e->owned) {
		status = FOT_NO_MEMORY(err, "episodes");
		goto out;
	}
	begin_hash(&h, corpus, weight, t, o);
	if (o->single > 0)
		FOT_TRY(list_single(e, err));
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
		for (int way = 0; way < WAYS; way++)
			fot_free(e->source[i].of[way].class);
	for (size_t i = 0; i < e->n_owned; i++)
		fot_str_release(&e->owned[i]);
	fot_free(e->source);
	fot_free(e->single);
	fot_free(e->owned);
	fot_free(e->text);
	fot_free(e->order);
	fot_str_release(&e->held_out);
	fot_free(e);
}

const char *fot_episodes_held_out(const struct fot_episodes *e)
{
	return e->held_out.len ? e->held_out.data : NULL;
}

const char *fot_episodes_hash(const struct fot_episodes *e)
{
	return e->hash;
}
