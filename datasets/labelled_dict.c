/* labelled_dict.c: definitions of dictionaries in dict format, by subject.
 *
 *   gcide    a paragraph with a subject mark: "... n. [L.] (Zool.) The tunny. [1913 Webster]".
 *            The text stands between the first mark known here and the next source note.
 *   foldoc   a paragraph "   <subject, subject> Definition." under an entry's words.
 *
 * Brackets and braces of the dictionaries' markup go: [ae] is ae, {Sloth} is Sloth. */
#include <string.h>

#include "base/list.h"
#include "datasets/labelled_priv.h"

#define TEXT_LEAST 16 /* bytes: "See {Sloth}." says nothing of a class */

/* gcide's marks; those that are held out serve evaluation and are a set of their own. */
static const struct mark {
	const char *mark, *label;
	bool held_out;
} marks[] = {
	{ "Anat.", "anatomy", false },
	{ "Arch.", "architecture", false },
	{ "Astron.", "astronomy", true },
	{ "Biol.", "biology", false },
	{ "Bot.", "botany", true },
	{ "Carp.", "carpentry", false },
	{ "Chem.", "chemistry", false },
	{ "Com.", "commerce", false },
	{ "Computers", "computers", false },
	{ "Cookery", "cookery", false },
	{ "Crystallog.", "crystals", false },
	{ "Eccl.", "church", true },
	{ "Eccl. Hist.", "church history", true },
	{ "Elec.", "electricity", false },
	{ "Ethnol.", "peoples", false },
	{ "Far.", "horses", false },
	{ "Fine Arts", "fine arts", false },
	{ "Fort.", "fortification", false },
	{ "Geol.", "geology", false },
	{ "Geom.", "geometry", false },
	{ "Gr. Antiq.", "ancient Greece", false },
	{ "Gram.", "grammar", false },
	{ "Her.", "heraldry", false },
	{ "Law", "law", true },
	{ "Logic", "logic", false },
	{ "Mach.", "machines", false },
	{ "Math.", "mathematics", false },
	{ "Mech.", "mechanics", false },
	{ "Med.", "medicine", true },
	{ "Metal.", "metals", false },
	{ "Metaph.", "philosophy", false },
	{ "Mil.", "army", true },
	{ "Min.", "minerals", false },
	{ "Mining", "mining", false },
	{ "Mus.", "music", true },
	{ "Naut.", "ships", false },
	{ "Opt.", "optics", false },
	{ "Paleon.", "fossils", false },
	{ "Photog.", "photography", false },
	{ "Physics", "physics", false },
	{ "Physiol.", "physiology", false },
	{ "Print.", "printing", false },
	{ "R. C. Ch.", "catholic church", true },
	{ "Rhet.", "rhetoric", false },
	{ "Rom. Antiq.", "ancient Rome", false },
	{ "Surg.", "surgery", true },
	{ "Theol.", "theology", true },
	{ "Zool.", "zoology", false },
};

/* The first mark in [p, end), NULL if there is none; *p is then behind it. */
static const struct mark *find_mark(const char **p, const char *end)
{
	const char *at = *p;

	while ((at = memchr(at, '(', (size_t)(end - at))) != NULL) {
		const char *stop;

		at++;
		stop = memchr(at, ')', (size_t)(end - at));
		for (size_t i = 0; stop && i < FOT_COUNT(marks); i++)
			if (strlen(marks[i].mark) == (size_t)(stop - at) &&
			    memcmp(marks[i].mark, at, (size_t)(stop - at)) == 0) {
				*p = stop + 1;
				return &marks[i];
			}
	}
	return NULL;
}

/* Where the definition at p ends: at a note "[1913 Webster]" of a source. */
static const char *source_note(const char *p, const char *end)
{
	static const char *const notes[] = { "[1913 ", "[Webster", "[PJC", "[WordNet", "[Century" };

	for (const char *at = p; (at = memchr(at, '[', (size_t)(end - at))) != NULL; at++)
		for (size_t i = 0; i < FOT_COUNT(notes); i++)
			if ((size_t)(end - at) > strlen(notes[i]) &&
			    memcmp(at, notes[i], strlen(notes[i])) == 0)
				return at;
	return end;
}

/* [p, end) without markup, a blank for each run of white space; false if nothing much is left. */
static bool take_text(struct fot_labelled_part *d, const char *p, const char *end)
{
	bool gap = false;

	fot_str_clear(&d->text);
	for (; p < end; p++) {
		if (strchr(d->text.len ? "[]{}" : "[]{} ,;:.", *p))
			continue;
		if (*p == ' ' || *p == '\n' || *p == '\t') {
			gap = d->text.len > 0;
			continue;
		}
		if (gap)
			fot_str_putc(&d->text, ' ');
		gap = false;
		fot_str_putc(&d->text, *p);
	}
	return d->text.len >= TEXT_LEAST && memcmp(d->text.data, "See ", 4) != 0;
}

/* A paragraph of gcide. */
static int definition(struct fot_labelled_part *d, const char *p, size_t n, bool held_out, int64_t line,
		      struct fot_err *err)
{
	const char *end = p + n;
	const struct mark *mark = n ? find_mark(&p, end) : NULL;

	if (!mark || mark->held_out != held_out || !take_text(d, p, source_note(p, end)))
		return FOT_OK;
	return fot_labelled_part_add(d, mark->label, strlen(mark->label), line, err);
}

static int known(struct fot_labelled_part *d, const char *p, size_t n, int64_t line, struct fot_err *err)
{
	return definition(d, p, n, false, line, err);
}

static int held_out(struct fot_labelled_part *d, const char *p, size_t n, int64_t line, struct fot_err *err)
{
	return definition(d, p, n, true, line, err);
}

int fot_labelled_gcide(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	return fot_labelled_each_entry(d, text, "", known, err);
}

int fot_labelled_gcide_held_out(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	return fot_labelled_each_entry(d, text, "", held_out, err);
}

/* ---- foldoc ---- */

/* The subjects of 80 entries or more; the commonest are the labels called coarse. */
static const struct subject {
	const char *name;
	bool coarse;
} subjects[] = {
	{ "algorithm", false },
	{ "architecture", false },
	{ "body", false },
	{ "character", false },
	{ "communications", false },
	{ "company", false },
	{ "computer", false },
	{ "database", false },
	{ "graphics", false },
	{ "hardware", true },
	{ "humour", false },
	{ "jargon", true },
	{ "language", true },
	{ "mathematics", false },
	{ "messaging", false },
	{ "networking", true },
	{ "operating system", true },
	{ "person", false },
	{ "processor", false },
	{ "programming", true },
	{ "protocol", false },
	{ "storage", false },
	{ "tool", false },
	{ "web", false },
};

static const struct subject *find_subject(const char *p, size_t n)
{
	for (size_t i = 0; i < FOT_COUNT(subjects); i++)
		if (strlen(subjects[i].name) == n && memcmp(subjects[i].name, p, n) == 0)
			return &subjects[i];
	return NULL;
}

/* The paragraph [p, end) of foldoc behind its '<': of several subjects the first counts. */
static int entry(struct fot_labelled_part *d, const char *p, const char *end, int64_t line,
		 struct fot_err *err)
{
	bool coarse = d->g->o->labels && strcmp(d->g->o->labels, "coarse") == 0;
	const char *close = memchr(p, '>', (size_t)(end - p)), *comma;
	const struct subject *subject;

	if (!close)
		return FOT_OK;
	comma = memchr(p, ',', (size_t)(close - p));
	subject = find_subject(p, (size_t)((comma ? comma : close) - p));
	if (!subject || (coarse && !subject->coarse) || !take_text(d, close + 1, end))
		return FOT_OK;
	return fot_labelled_part_add(d, subject->name, strlen(subject->name), line, err);
}

int fot_labelled_foldoc(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err)
{
	static const char begin[] = "\n\n   <";
	const char *p = text->data, *end = p + text->len, *seen = p, *stop;
	int64_t line = 1;
	int status = FOT_OK;

	while (status == FOT_OK && (p = memmem(p, (size_t)(end - p), begin, strlen(begin))) != NULL) {
		p += strlen(begin);
		for (; seen < p; seen++)
			line += *seen == '\n';
		stop = memmem(p, (size_t)(end - p), "\n\n", 2);
		status = entry(d, p, stop ? stop : end, line, err);
	}
	return status;
}
