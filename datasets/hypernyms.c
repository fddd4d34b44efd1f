/* hypernyms.c: see hypernyms.h.
 *
 * A synset's line names its hypernyms; turned round these are the edges that everything
 * else walks along.  Files from outside may hold circles: walks mark what they have seen.
 * Counting stops at CLASS_LEAST and the texts of all sources together are bounded, so
 * that opening takes time in proportion to the file and that bound. */
#include "datasets/hypernyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define SOURCE_LEAST 4
#define CLASS_LEAST 40
#define CLASS_TEXTS 20
#define CLASSES_LEFT 3
#define STEPS_MAX ((size_t)10000000) /* of the walks that collect texts; WordNet takes 400,000 */
#define NAME_MAX_BYTES 64
#define AMBIGUOUS UINT32_MAX

/* Offsets of WordNet 3.0: the subtrees below them serve evaluation. */
static const int32_t held_out[] = {
	1503061,  /* bird */
	3094503,  /* container */
	5220461,  /* body part */
	6904171,  /* natural language */
	7555863,  /* food, solid food */
	10560637, /* scientist */
	14052046, /* ill health */
};

struct synset {
	int32_t offset;
	const char *words; /* the fields from the first word on */
	int n_words;
	const char *gloss;
	size_t n_gloss;
	int64_t line;
	size_t first; /* its hyponyms: h->edge[first .. first of the next) */
	bool held;
};

struct edge { /* from a synset to one of its hypernyms, then turned round */
	uint32_t child;
	int32_t parent; /* offset */
	uint32_t above; /* index of parent */
	bool instance;
};

struct member {
	uint32_t synset, class;
};

struct source {
	char name[NAME_MAX_BYTES];
	bool held;
	size_t first, n; /* members */
};

struct fot_hypernyms {
	const char *where;
	struct synset *synset; /* by offset; one more behind the last */
	size_t n_synset, cap_synset;
	struct edge *edge; /* by the hypernym */
	size_t n_edge, cap_edge;
	struct source *source;
	size_t n_source, cap_source;
	struct member *member;
	size_t n_member, cap_member;
	char (*label)[NAME_MAX_BYTES]; /* of the classes of all sources */
	size_t n_label, cap_label;
	uint32_t *held_gloss; /* held-out synsets by gloss */
	size_t n_held;
	/* Walks. */
	uint32_t *seen, stamp, *queue, *owner;
	size_t steps;
};

/* ---- reading ---- */

struct cursor {
	const char *p, *end;
};

/* The next field, up to a blank; false at the end. */
static bool field(struct cursor *c, const char **out, size_t *n)
{
	const char *blank = memchr(c->p, ' ', (size_t)(c->end - c->p));

	if (!blank || blank == c->p)
		return false;
	*out = c->p;
	*n = (size_t)(blank - c->p);
	c->p = blank + 1;
	return true;
}

/* A number of exactly `digits` digits of base 10 or 16. */
static bool number(struct cursor *c, size_t digits, int base, int32_t *out)
{
	static const char hex[] = "0123456789abcdef";
	const char *p, *at;
	size_t n;

	*out = 0;
	if (!field(c, &p, &n) || n != digits)
		return false;
	for (size_t i = 0; i < n; i++) {
		at = memchr(hex, p[i], (size_t)base);
		if (!at)
			return false;
		*out = *out * base + (int32_t)(at - hex);
	}
	return true;
}

static bool skip(struct cursor *c, int fields)
{
	const char *p;
	size_t n;

	while (fields-- > 0)
		if (!field(c, &p, &n))
			return false;
	return true;
}

/* "@ 00001740 n 0000": an edge if it is to a hypernym. */
static bool pointer(struct fot_hypernyms *h, struct cursor *c, bool *memory)
{
	struct edge e = { .child = (uint32_t)h->n_synset };
	const char *sign, *pos;
	size_t n, n_pos;

	if (!field(c, &sign, &n) || !number(c, 8, 10, &e.parent) || !field(c, &pos, &n_pos) || !skip(c, 1))
		return false;
	e.instance = n == 2 && memcmp(sign, "@i", 2) == 0;
	if (!e.instance && !(n == 1 && *sign == '@'))
		return true;
	*memory = FOT_GROW(h->edge, h->n_edge, h->cap_edge);
	if (*memory)
		h->edge[h->n_edge++] = e;
	return *memory;
}

static bool parse(struct fot_hypernyms *h, struct synset *s, struct cursor c, bool *memory)
{
	const char *bar, *stop;
	int32_t n;

	if (!number(&c, 8, 10, &s->offset) || !skip(&c, 2) || !number(&c, 2, 16, &s->n_words) ||
	    s->n_words == 0)
		return false;
	s->words = c.p;
	if (!skip(&c, 2 * s->n_words) || !number(&c, 3, 10, &n))
		return false;
	while (n-- > 0)
		if (!pointer(h, &c, memory))
			return false;
	bar = c.p;
	if (c.end - bar < 2 || bar[0] != '|' || bar[1] != ' ')
		return false;
	s->gloss = bar + 2;
	stop = memmem(s->gloss, (size_t)(c.end - s->gloss), "; \"", 3);
	stop = stop && stop > s->gloss ? stop : c.end;
	while (stop > s->gloss && (stop[-1] == ' ' || stop[-1] == '\r'))
		stop--;
	s->n_gloss = (size_t)(stop - s->gloss);
	return true;
}

static int read_line(struct fot_hypernyms *h, struct cursor c, int64_t line, struct fot_err *err)
{
	struct synset s = { .line = line };
	bool memory = true;

	if (c.end - c.p >= 2 && memcmp(c.p, "  ", 2) == 0)
		return FOT_OK; /* the licence */
	if (!parse(h, &s, c, &memory) && memory)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s:%lld: expected a synset 'offset file type words pointers | gloss', got '%.*s'",
			h->where, (long long)line, (int)(c.end - c.p < 60 ? c.end - c.p : 60), c.p);
	if (!memory || !FOT_GROW(h->synset, h->n_synset, h->cap_synset))
		return FOT_NO_MEMORY(err, h->where);
	if (h->n_synset && h->synset[h->n_synset - 1].offset >= s.offset)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected an offset above %08d, got %08d",
				h->where, (long long)line, h->synset[h->n_synset - 1].offset, s.offset);
	h->synset[h->n_synset++] = s;
	return FOT_OK;
}

static int read_lines(struct fot_hypernyms *h, const char *p, size_t n, struct fot_err *err)
{
	const char *end = p + n, *stop;
	int status = FOT_OK;

	for (int64_t line = 1; p < end && status == FOT_OK; line++, p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		status = read_line(h, (struct cursor){ p, stop }, line, err);
	}
	return status;
}

/* ---- the graph ---- */

static size_t find(const struct fot_hypernyms *h, int32_t offset)
{
	size_t lo = 0, hi = h->n_synset;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->synset[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < h->n_synset && h->synset[lo].offset == offset ? lo : SIZE_MAX;
}

static int by_hypernym(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->above != y->above)
		return x->above < y->above ? -1 : 1;
	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	return x->instance - y->instance;
}

/* Sorted; one of each hypernym and hyponym, an instance if it is nothing else. */
static void sort_edges(struct fot_hypernyms *h)
{
	size_t n = 0;

	if (h->n_edge)
		qsort(h->edge, h->n_edge, sizeof(*h->edge), by_hypernym);
	for (size_t i = 0; i < h->n_edge; i++)
		if (n == 0 || h->edge[n - 1].above != h->edge[i].above ||
		    h->edge[n - 1].child != h->edge[i].child)
			h->edge[n++] = h->edge[i];
	h->n_edge = n;
}

static int turn_round(struct fot_hypernyms *h, struct fot_err *err)
{
	for (size_t i = 0; i < h->n_edge; i++) {
		size_t above = find(h, h->edge[i].parent);

		if (above == SIZE_MAX)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: the hypernym %08d is not there",
					h->where, (long long)h->synset[h->edge[i].child].line,
					h->edge[i].parent);
		h->edge[i].above = (uint32_t)above;
	}
	sort_edges(h);
	for (size_t i = 0, at = 0; i <= h->n_synset; i++) {
		while (at < h->n_edge && h->edge[at].above < i)
			at++;
		h->synset[i].first = at;
	}
	return FOT_OK;
}

/* The descendants of a synset into h->queue, held-out ones only where it is held out
 * itself; at most `most`. Returns how many. */
static size_t descendants(struct fot_hypernyms *h, uint32_t top, size_t most)
{
	size_t n = 0, next = 0;
	uint32_t at = top;
	bool held = h->synset[top].held;

	h->stamp++;
	h->seen[top] = h->stamp;
	for (;; at = h->queue[next++]) {
		for (size_t i = h->synset[at].first; i < h->synset[at + 1].first && n < most; i++) {
			uint32_t child = h->edge[i].child;

			if (h->seen[child] == h->stamp || h->synset[child].held != held)
				continue;
			h->seen[child] = h->stamp;
			h->queue[n++] = child;
		}
		if (next == n || n >= most)
			return n;
	}
}

static int gloss_cmp(const struct synset *x, const struct synset *y)
{
	int c = memcmp(x->gloss, y->gloss, x->n_gloss < y->n_gloss ? x->n_gloss : y->n_gloss);

	return c ? c : (x->n_gloss > y->n_gloss) - (x->n_gloss < y->n_gloss);
}

static int by_gloss(const void *a, const void *b, void *h)
{
	const struct synset *s = ((const struct fot_hypernyms *)h)->synset;

	return gloss_cmp(&s[*(const uint32_t *)a], &s[*(const uint32_t *)b]);
}

static void hold_out(struct fot_hypernyms *h)
{
	for (size_t i = 0; i < FOT_COUNT(held_out); i++) {
		size_t top = find(h, held_out[i]), n;

		if (top == SIZE_MAX || h->synset[top].held)
			continue;
		n = descendants(h, (uint32_t)top, h->n_synset);
		h->synset[top].held = true;
		for (size_t k = 0; k < n; k++)
			h->synset[h->queue[k]].held = true;
	}
	for (uint32_t i = 0; i < h->n_synset; i++)
		if (h->synset[i].held)
			h->held_gloss[h->n_held++] = i;
	if (h->n_held)
		qsort_r(h->held_gloss, h->n_held, sizeof(*h->held_gloss), by_gloss, h);
}

/* Does a held-out synset have the gloss of this one of the other side? */
static bool leaks(const struct fot_hypernyms *h, uint32_t synset)
{
	size_t lo = 0, hi = h->n_held;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = gloss_cmp(&h->synset[h->held_gloss[mid]], &h->synset[synset]);

		if (c == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* ---- sources ---- */

/* Word k of a synset, without its number. */
static void word(const struct synset *s, int k, char sep, char out[NAME_MAX_BYTES])
{
	const char *p = s->words;
	size_t n = 0;

	for (; k > 0; k--) {
		p = strchr(p, ' ') + 1;
		p = strchr(p, ' ') + 1;
	}
	for (; *p != ' ' && n + 8 < NAME_MAX_BYTES; p++)
		out[n++] = *p == '_' ? sep : *p;
	out[n] = '\0';
}

/* The first of a class's words that no earlier class of the source has. */
static int add_label(struct fot_hypernyms *h, size_t from, uint32_t class, struct fot_err *err)
{
	const struct synset *s = &h->synset[class];
	bool taken = true;

	if (!FOT_GROW(h->label, h->n_label, h->cap_label))
		return FOT_NO_MEMORY(err, h->where);
	for (int k = 0; k < s->n_words && taken; k++) {
		word(s, k, ' ', h->label[h->n_label]);
		taken = false;
		for (size_t i = from; i < h->n_label; i++)
			taken = taken || strcmp(h->label[i], h->label[h->n_label]) == 0;
	}
	h->n_label++;
	return FOT_OK;
}

static int add_member(struct fot_hypernyms *h, uint32_t synset, size_t class, struct fot_err *err)
{
	if (!FOT_GROW(h->member, h->n_member, h->cap_member))
		return FOT_NO_MEMORY(err, h->where);
	h->member[h->n_member++] = (struct member){ synset, (uint32_t) class };
	return FOT_OK;
}

/* Is edge i to a class? */
static bool is_class(struct fot_hypernyms *h, size_t i, bool held)
{
	return !h->edge[i].instance && h->synset[h->edge[i].child].held == held &&
	       descendants(h, h->edge[i].child, CLASS_LEAST) >= CLASS_LEAST;
}

/* Members of class number `class`; owner says which class of the source had a synset before. */
static int add_class(struct fot_hypernyms *h, uint32_t top, size_t class, struct fot_err *err)
{
	size_t n = descendants(h, top, h->n_synset);
	int status = FOT_OK;

	h->steps += n;
	if (h->steps > STEPS_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than %zu texts below hypernyms", h->where,
				STEPS_MAX);
	for (size_t k = 0; k < n; k++) {
		uint32_t s = h->queue[k], *owner = &h->owner[s];

		if (h->synset[s].n_gloss == 0 || (!h->synset[top].held && leaks(h, s)))
			continue;
		if (*owner == 0)
			FOT_TRY(add_member(h, s, class, err));
		*owner = *owner == 0 ? (uint32_t) class + 1 : AMBIGUOUS;
	}
out:
	return status;
}

/* Drop texts of two classes, then small classes. Returns how many classes are left. */
static size_t thin(struct fot_hypernyms *h, size_t first, size_t label)
{
	size_t *count = NULL, n = first, left = 0;

	count = fot_calloc(h->n_label - label + 1, sizeof(*count));
	if (!count)
		return SIZE_MAX;
	for (size_t i = first; i < h->n_member; i++)
		if (h->owner[h->member[i].synset] != AMBIGUOUS)
			count[h->member[i].class - label]++;
	for (size_t i = 0; i < h->n_label - label; i++)
		left += count[i] >= CLASS_TEXTS;
	for (size_t i = first; i < h->n_member; i++) {
		bool keep = h->owner[h->member[i].synset] != AMBIGUOUS &&
			    count[h->member[i].class - label] >= CLASS_TEXTS;

		h->owner[h->member[i].synset] = 0;
		if (keep)
			h->member[n++] = h->member[i];
	}
	h->n_member = n;
	fot_free(count);
	return left;
}

static void name_source(const struct fot_hypernyms *h, struct source *s, const struct synset *top)
{
	char plain[NAME_MAX_BYTES];
	int same = 1;
	size_t n;

	word(top, 0, '_', plain);
	n = strlen(plain);
	for (size_t i = 0; i < h->n_source; i++)
		same += strncmp(h->source[i].name, plain, n) == 0 &&
			(h->source[i].name[n] == '\0' || h->source[i].name[n] == '-');
	if (same == 1)
		memcpy(s->name, plain, n + 1);
	else
		snprintf(s->name, sizeof(s->name), "%.56s-%d", plain, same % 100000);
}

static int add_source(struct fot_hypernyms *h, uint32_t top, struct fot_err *err)
{
	struct source s = { .held = h->synset[top].held, .first = h->n_member };
	size_t label = h->n_label, left;
	int status = FOT_OK;

	for (size_t i = h->synset[top].first; i < h->synset[top + 1].first; i++) {
		if (!is_class(h, i, s.held))
			continue;
		FOT_TRY(add_label(h, label, h->edge[i].child, err));
		FOT_TRY(add_class(h, h->edge[i].child, h->n_label - 1, err));
	}
	left = thin(h, s.first, label);
	s.n = h->n_member - s.first;
	if (left == SIZE_MAX || !FOT_GROW(h->source, h->n_source, h->cap_source))
		return FOT_NO_MEMORY(err, h->where);
	if (left < CLASSES_LEFT) {
		h->n_member = s.first;
		h->n_label = label;
		return FOT_OK;
	}
	name_source(h, &s, &h->synset[top]);
	h->source[h->n_source++] = s;
out:
	return status;
}

static int add_sources(struct fot_hypernyms *h, struct fot_err *err)
{
	int status = FOT_OK;

	for (uint32_t top = 0; top < h->n_synset; top++) {
		size_t n = 0;

		for (size_t i = h->synset[top].first; i < h->synset[top + 1].first && n < SOURCE_LEAST; i++)
			n += is_class(h, i, h->synset[top].held);
		if (n >= SOURCE_LEAST)
			FOT_TRY(add_source(h, top, err));
	}
out:
	return status;
}

/* ---- open ---- */

int fot_hypernyms_open(struct fot_hypernyms **out, const char *text, size_t n, const char *where,
		       struct fot_err *err)
{
	struct fot_hypernyms *h = fot_calloc(1, sizeof(*h));
	int status;

	if (!h)
		return FOT_NO_MEMORY(err, where);
	h->where = where;
	if (memchr(text, '\0', n)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: NUL byte, expected text", where);
		goto out;
	}
	FOT_TRY(read_lines(h, text, n, err));
	if (!FOT_GROW(h->synset, h->n_synset, h->cap_synset)) {
		status = FOT_NO_MEMORY(err, where);
		goto out;
	}
	h->seen = fot_calloc(h->n_synset + 1, sizeof(*h->seen));
	h->queue = fot_calloc(h->n_synset + 1, sizeof(*h->queue));
	h->owner = fot_calloc(h->n_synset + 1, sizeof(*h->owner));
	h->held_gloss = fot_calloc(h->n_synset + 1, sizeof(*h->held_gloss));
	if (!h->seen || !h->queue || !h->owner || !h->held_gloss) {
		status = FOT_NO_MEMORY(err, where);
		goto out;
	}
	FOT_TRY(turn_round(h, err));
	hold_out(h);
	FOT_TRY(add_sources(h, err));
	*out = h;
out:
	if (status != FOT_OK)
		fot_hypernyms_close(h);
	return status;
}

void fot_hypernyms_close(struct fot_hypernyms *h)
{
	if (!h)
		return;
	fot_free(h->synset);
	fot_free(h->edge);
	fot_free(h->source);
	fot_free(h->member);
	fot_free(h->label);
	fot_free(h->held_gloss);
	fot_free(h->seen);
	fot_free(h->queue);
	fot_free(h->owner);
	fot_free(h);
}

size_t fot_hypernyms_count(const struct fot_hypernyms *h)
{
	return h->n_source;
}

const char *fot_hypernyms_name(const struct fot_hypernyms *h, size_t source)
{
	return h->source[source].name;
}

bool fot_hypernyms_held_out(const struct fot_hypernyms *h, size_t source)
{
	return h->source[source].held;
}

size_t fot_hypernyms_n_texts(const struct fot_hypernyms *h, size_t source)
{
	return h->source[source].n;
}

struct fot_hypernyms_text fot_hypernyms_at(const struct fot_hypernyms *h, size_t source, size_t text)
{
	const struct member *m = &h->member[h->source[source].first + text];
	const struct synset *s = &h->synset[m->synset];

	return (struct fot_hypernyms_text){ h->label[m->class], s->gloss, s->n_gloss, s->line };
}
