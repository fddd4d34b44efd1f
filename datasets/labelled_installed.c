/* labelled_installed.c: labelled sets among the installed packages' texts.
 *
 *   wordnet        data.noun, data.verb, data.adj, data.adv: the gloss behind " | ", up to
 *                  its examples; the label is the lexicographer file (field 2), or one
 *                  of six groups of noun files
 *   fortunes       one document per file of fortunes, which is the label; entries stand
 *                  between lines "%"
 *   spam-assassin  one document per folder; mails stand between lines "%"; subject and
 *                  body (headers would give the label away); labels ham and spam
 *   brown          one document per genre; words with tags "word/tag" lose them; texts
 *                  stand between lines "%"
 *
 * Ids are document:place, so they do not depend on what is left out. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "datasets/hypernyms.h"
#include "datasets/labelled_priv.h"

/* wninput(5WN), lexnames(5WN), and our grouping of the nouns. */
static const struct {
	const char *fine, *coarse;
} lexname[] = {
	{ "adj.all", NULL },
	{ "adj.pert", NULL },
	{ "adv.all", NULL },
	{ "noun.Tops", NULL },
	{ "noun.act", "event" },
	{ "noun.animal", "entity" },
	{ "noun.artifact", "entity" },
	{ "noun.attribute", "description" },
	{ "noun.body", "entity" },
	{ "noun.cognition", "description" },
	{ "noun.communication", "description" },
	{ "noun.event", "event" },
	{ "noun.feeling", "description" },
	{ "noun.food", "entity" },
	{ "noun.group", "human" },
	{ "noun.location", "location" },
	{ "noun.motive", "description" },
	{ "noun.object", "location" },
	{ "noun.person", "human" },
	{ "noun.phenomenon", "event" },
	{ "noun.plant", "entity" },
	{ "noun.possession", "entity" },
	{ "noun.process", "event" },
	{ "noun.quantity", "number" },
	{ "noun.relation", "description" },
	{ "noun.shape", "description" },
	{ "noun.state", "description" },
	{ "noun.substance", "entity" },
	{ "noun.time", "number" },
	{ "verb.body", NULL },
	{ "verb.change", NULL },
	{ "verb.cognition", NULL },
	{ "verb.communication", NULL },
	{ "verb.competition", NULL },
	{ "verb.consumption", NULL },
	{ "verb.contact", NULL },
	{ "verb.creation", NULL },
	{ "verb.emotion", NULL },
	{ "verb.motion", NULL },
	{ "verb.perception", NULL },
	{ "verb.possession", NULL },
	{ "verb.social", NULL },
	{ "verb.stative", NULL },
	{ "verb.weather", NULL },
	{ "adj.ppl", NULL },
};

#define N_LEXNAMES FOT_COUNT(lexname)

int fot_labelled_part_add(struct fot_labelled_part *d, const char *label, size_t n_label, int64_t line,
			  struct fot_err *err)
{
	struct fot_row row = { .line = line };
	int status;

	if (strspn(d->text.len ? d->text.data : "", " \t\r\n\v\f") >= d->text.len)
		return FOT_OK; /* an entry of white space */
	fot_str_clear(&d->id);
	fot_str_printf(&d->id, "%s:%lld", d->document, (long long)line);
	FOT_TRY(fot_str_check(&d->id, err));
	FOT_TRY(fot_str_check(&d->text, err));
	row.id = d->id.data;
	row.text.p = d->text.data;
	row.text.n = d->text.len;
	row.label.p = label;
	row.label.n = n_label;
	status = fot_labelling_add(d->g, &row, err);
out:
	return status;
}

/* ---- WordNet ---- */

/* "08 digits, blank, two digits": the file number, or -1. */
static int lexfile(const char *p, size_t n)
{
	if (n < 12 || strspn(p, "0123456789") < 8 || p[8] != ' ' || strspn(p + 9, "0123456789") != 2)
		return -1;
	return (p[9] - '0') * 10 + p[10] - '0';
}

static int wordnet_line(struct fot_labelled_part *d, const char *p, size_t n, int64_t line,
			struct fot_err *err)
{
	bool coarse = d->g->o->labels && strcmp(d->g->o->labels, "coarse") == 0;
	const char *bar = memmem(p, n, " | ", 3), *stop;
	int number = lexfile(p, n);
	const char *label;

	if (n >= 2 && memcmp(p, "  ", 2) == 0)
		return FOT_OK; /* the licence */
	if (number < 0 || (size_t)number >= N_LEXNAMES || !bar)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s:%lld: expected a synset 'offset file ... | gloss', got '%.*s'",
				d->g->path, (long long)line, (int)(n < 60 ? n : 60), p);
	label = coarse ? lexname[number].coarse : lexname[number].fine;
	if (!label)
		return FOT_OK;
	bar += 3;
	n -= (size_t)(bar - p);
	stop = memmem(bar, n, "; \"", 3); /* examples */
	fot_str_clear(&d->text);
	fot_str_add(&d->text, bar, stop && stop > bar ? (size_t)(stop - bar) : n);
	return fot_labelled_part_add(d, label, strlen(label), line, err);
}

static int read_wordnet(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	const char *p = text->data, *end = p + text->len, *stop;
	int status = FOT_OK;

	for (int64_t line = 1; p < end && status == FOT_OK; line++, p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		status = wordnet_line(d, p, (size_t)(stop - p), line, err);
	}
	return status;
}

/* ---- entries between lines "%" ---- */

int fot_labelled_each_entry(struct fot_labelled_part *d, const struct fot_str *text, const char *mark,
			    int (*one)(struct fot_labelled_part *, const char *, size_t, int64_t,
				       struct fot_err *),
			    struct fot_err *err)
{
	const char *p = text->data, *end = p + text->len, *start = p, *stop;
	size_t n = strlen(mark);
	int64_t first = 1;
	int status = FOT_OK;

	for (int64_t line = 1; p < end && status == FOT_OK; line++, p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if ((size_t)(stop - p) != n || memcmp(p, mark, n) != 0)
			continue;
		status = one(d, start, (size_t)(p - start), first, err);
		start = stop < end ? stop + 1 : end;
		first = line + 1;
	}
	return status == FOT_OK ? one(d, start, (size_t)(end - start), first, err) : status;
}

static int plain_entry(struct fot_labelled_part *d, const char *p, size_t n, int64_t line,
		       struct fot_err *err)
{
	fot_str_clear(&d->text);
	fot_str_add(&d->text, p, n);
	return fot_labelled_part_add(d, d->document, strlen(d->document), line, err);
}

static int read_fortunes(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	return fot_labelled_each_entry(d, text, "%", plain_entry, err);
}

/* The subject's text and all behind the first empty line. */
static int mail_entry(struct fot_labelled_part *d, const char *p, size_t n, int64_t line, struct fot_err *err)
{
	const char *body = memmem(p, n, "\n\n", 2), *head_end = body ? body : p + n, *subject = p, *stop;
	bool spam = strstr(d->document, "spam") != NULL;

	fot_str_clear(&d->text);
	while (subject && subject < head_end && (size_t)(head_end - subject) > 8 &&
	       strncasecmp(subject, "subject:", 8) != 0) {
		subject = memchr(subject, '\n', (size_t)(head_end - subject));
		subject = subject ? subject + 1 : NULL;
	}
	if (subject && (size_t)(head_end - subject) > 8) {
		stop = memchr(subject, '\n', (size_t)(head_end - subject));
		subject += 8;
		fot_str_add(&d->text, subject, (size_t)((stop ? stop : head_end) - subject));
		fot_str_puts(&d->text, " - ");
	}
	if (body)
		fot_str_add(&d->text, body, n - (size_t)(body - p));
	return fot_labelled_part_add(d, spam ? "spam" : "ham", spam ? 4 : 3, line, err);
}

static int read_mail(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	return fot_labelled_each_entry(d, text, "%", mail_entry, err);
}

/* "word/tag" is cut at the last '/'. */
static int tagged_entry(struct fot_labelled_part *d, const char *p, size_t n, int64_t line,
			struct fot_err *err)
{
	const char *end = p + n, *stop, *slash;

	fot_str_clear(&d->text);
	for (; p < end; p = stop) {
		size_t blank = strspn(p, " \t\r\n");

		if (blank) {
			stop = p + (blank < (size_t)(end - p) ? blank : (size_t)(end - p));
			fot_str_putc(&d->text, ' ');
			continue;
		}
		stop = p + strcspn(p, " \t\r\n");
		stop = stop < end ? stop : end;
		slash = memrchr(p, '/', (size_t)(stop - p));
		fot_str_add(&d->text, p, (size_t)((slash ? slash : stop) - p));
	}
	return fot_labelled_part_add(d, d->document, strlen(d->document), line, err);
}

static int read_tagged(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	return fot_labelled_each_entry(d, text, "%", tagged_entry, err);
}

/* ---- the sets ---- */

/* What a set can be opened as; a hypernym's pattern stands for the sources that match. */
static const char *const forms[] = { "", "?labels=coarse", "?hypernym=*" };
enum { PLAIN = 1, COARSE = 2, HYPERNYM = 4 };

static const struct set {
	const char *name, *dataset; /* its documents */
	int64_t clip;               /* bytes kept of a text unless the spec says otherwise; 0: all */
	unsigned forms;
	bool held_out; /* for evaluation only */
	int (*read)(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err);
} sets[] = {
	{ "wordnet", "wordnet", 0, PLAIN | COARSE | HYPERNYM, false, read_wordnet },
	{ "wordnet-held-out", "wordnet", 0, HYPERNYM, true, NULL },
	{ "gcide", "gcide", 200, PLAIN, false, fot_labelled_gcide },
	{ "gcide-held-out", "gcide", 200, PLAIN, true, fot_labelled_gcide_held_out },
	{ "foldoc", "foldoc", 200, PLAIN | COARSE, true, fot_labelled_foldoc },
	{ "languages", "languages", 200, PLAIN, false, read_fortunes },
	{ "fortunes", "fortunes", 0, PLAIN, false, read_fortunes },
	{ "spam-assassin", "spam-assassin", 400, PLAIN, false, read_mail },
	{ "brown", "brown", 400, PLAIN, false, read_tagged },
};

static const struct set *find_set(const char *name)
{
	size_t i = FOT_FIND(sets, name);

	return i < FOT_COUNT(sets) ? &sets[i] : NULL;
}

bool fot_labelled_is_installed(const char *name)
{
	return find_set(name) != NULL;
}

void fot_labelled_name_installed(struct fot_str *out)
{
	for (size_t i = 0; i < FOT_COUNT(sets); i++)
		fot_str_printf(out, "%s%s",
			       i == 0                  ? "" :
			       i + 1 < FOT_COUNT(sets) ? ", " :
							 " or ",
			       sets[i].name);
}

bool fot_labelled_spec_of(struct fot_str *out, const char *dataset, size_t k)
{
	for (size_t i = 0; i < FOT_COUNT(sets) * FOT_COUNT(forms); i++) {
		const struct set *s = &sets[i / FOT_COUNT(forms)];
		size_t form = i % FOT_COUNT(forms);

		if (strcmp(s->dataset, dataset) != 0 || !(s->forms >> form & 1) || k-- > 0)
			continue;
		fot_str_printf(out, "%s%s", s->name, forms[form]);
		return true;
	}
	return false;
}

/* ---- sources below hypernyms ---- */

struct fot_wordnet {
	struct fot_dataset *data;
	struct fot_str text;
	struct fot_hypernyms *graph;
};

int fot_wordnet_open(struct fot_wordnet **out, const char *store, struct fot_err *err)
{
	struct fot_wordnet *w = fot_calloc(1, sizeof(*w));
	size_t noun = SIZE_MAX;
	int status;

	if (!w)
		return FOT_NO_MEMORY(err, "wordnet");
	FOT_TRY(fot_dataset_open(&w->data, "wordnet", store, err));
	for (size_t i = 0; i < fot_dataset_count(w->data); i++)
		if (strcmp(fot_dataset_at(w->data, i)->id, "noun") == 0)
			noun = i;
	if (noun == SIZE_MAX) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "wordnet: expected the document noun, got none");
		goto out;
	}
	FOT_TRY(fot_dataset_text(w->data, noun, &w->text, err));
	FOT_TRY(fot_hypernyms_open(&w->graph, w->text.data, w->text.len, "wordnet: noun", err));
	*out = w;
out:
	if (status != FOT_OK)
		fot_wordnet_close(w);
	return status;
}

void fot_wordnet_close(struct fot_wordnet *w)
{
	if (!w)
		return;
	fot_hypernyms_close(w->graph);
	fot_dataset_close(w->data);
	fot_str_release(&w->text);
	fot_free(w);
}

const struct fot_hypernyms *fot_wordnet_hypernyms(const struct fot_wordnet *w)
{
	return w->graph;
}

static int no_source(const struct fot_hypernyms *h, const char *set, bool held_out, const char *name,
		     struct fot_err *err)
{
	const char **names = fot_calloc(fot_hypernyms_count(h) + 1, sizeof(*names)), *near;
	size_t n = 0;
	bool other = false;
	int status;

	if (!names)
		return FOT_NO_MEMORY(err, "wordnet");
	for (size_t i = 0; i < fot_hypernyms_count(h); i++) {
		other = other || strcmp(fot_hypernyms_name(h, i), name) == 0;
		if (fot_hypernyms_held_out(h, i) == held_out)
			names[n++] = fot_hypernyms_name(h, i);
	}
	near = fot_nearest(name, names, n);
	if (other)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: hypernym: '%s' is %s: wordnet%s?hypernym=%s", set,
				  name, held_out ? "for training" : "held out for evaluation",
				  held_out ? "" : "-held-out", name);
	else
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: hypernym: '%s' is none of its %zu sources%s%s%s",
				  set, name, n, near ? " (did you mean '" : "", near ? near : "",
				  near ? "'?)" : "");
	fot_free(names);
	return status;
}

static int read_hypernym(struct fot_labelling *g, const struct set *set, struct fot_str *origin,
			 struct fot_err *err)
{
	struct fot_labelled_part part = { .g = g, .document = "noun" };
	const struct fot_hypernyms *h = fot_wordnet_hypernyms(g->wordnet);
	size_t k = 0;
	int status = FOT_OK;

	fot_str_puts(origin, fot_dataset_origin(g->wordnet->data));
	while (k < fot_hypernyms_count(h) && (fot_hypernyms_held_out(h, k) != set->held_out ||
					      strcmp(fot_hypernyms_name(h, k), g->o->hypernym) != 0))
		k++;
	if (k == fot_hypernyms_count(h))
		return no_source(h, set->name, set->held_out, g->o->hypernym, err);
	for (size_t i = 0; i < fot_hypernyms_n_texts(h, k); i++) {
		struct fot_hypernyms_text t = fot_hypernyms_at(h, k, i);

		fot_str_clear(&part.text);
		fot_str_add(&part.text, t.gloss, t.n_gloss);
		FOT_TRY(fot_labelled_part_add(&part, t.label, strlen(t.label), t.line, err));
	}
out:
	fot_str_release(&part.id);
	fot_str_release(&part.text);
	return status;
}

int fot_labelled_installed(struct fot_labelling *g, const char *name, const char *store,
			   struct fot_str *origin, struct fot_err *err)
{
	const struct set *set = find_set(name);
	struct fot_dataset *data = NULL;
	struct fot_str text = FOT_STR_INIT;
	struct fot_labelled_part part = { .g = g };
	int status;

	g->l->held_out = g->l->held_out || set->held_out;
	g->clip = g->o->clip >= 0 ? g->o->clip : set->clip;
	if (g->o->hypernym)
		return read_hypernym(g, set, origin, err);
	FOT_TRY(fot_dataset_open(&data, set->dataset, store, err));
	fot_str_puts(origin, fot_dataset_origin(data));
	for (size_t i = 0; i < fot_dataset_count(data); i++) {
		part.document = fot_dataset_at(data, i)->id;
		FOT_TRY(fot_dataset_text(data, i, &text, err));
		if (memchr(text.data, '\0', text.len)) {
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: document %s: NUL byte, expected text",
					  name, part.document);
			goto out;
		}
		FOT_TRY(set->read(&part, &text, err));
	}
out:
	if (status != FOT_OK)
		fot_err_prefix(err, "labelled set %s", name);
	fot_dataset_close(data);
	fot_str_release(&text);
	fot_str_release(&part.id);
	fot_str_release(&part.text);
	return status;
}
