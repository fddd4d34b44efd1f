/* labelled.c: labelled sets, whatever they are made of.
 *
 * Readers hand over rows; here they are checked, put on one line and collected, and at
 * the end labels are numbered, splits made, and equal texts found.  Invariant of a set
 * that was opened: ids are unique, every item has a text and either a label that a
 * training item has too (if there are training items) or answers.
 *
 * Equal texts are equal in every byte: "a + b" and "a - b" may have different labels, and so
 * may "well." and "well?".  Which side of a split made here a text falls on, its letters and
 * digits in lower case decide, so that "What is NASA ?" among the demonstrations does not give
 * away the test item "what is NASA?". */
#include "datasets/labelled_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/quote.h"
#include "datasets/datamanifest.h"
#include "datasets/labelled_spec.h"
#include "datasets/options.h"
#include "datasets/text.h"
#include "datasets/unpack.h"

/* ---- text ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void fot_labelled_line(struct fot_str *out, const char *p, size_t n)
{
	size_t begin = out->len;
	bool gap = false;

	for (size_t i = 0; i < n; i++) {
		if (is_space(p[i])) {
			gap = out->len > begin;
			continue;
		}
		if (gap)
			fot_str_putc(out, ' ');
		gap = false;
		fot_str_putc(out, p[i]);
	}
}

/* Cut at the last blank within max bytes; a text without one at a character. */
static void clip(struct fot_str *s, size_t max)
{
	size_t n = max;

	if (max == 0 || s->len <= max)
		return;
	while (n > 0 && s->data[n] != ' ')
		n--;
	if (n == 0)
		for (n = max; n > 0 && ((unsigned char)s->data[n] & 0xc0) == 0x80;)
			n--;
	s->len = n;
	s->data[n] = '\0';
}

/* The first eight bytes of the sha256 of the letters and digits in lower case (bytes
 * over 127 count as letters); of the text itself if there are none. */
static uint64_t key_of(const struct fot_str *text)
{
	struct fot_sha256 h;
	uint64_t key = 0;
	size_t n = 0;
	char c, some[256], hex[65];

	fot_sha256_init(&h);
	for (size_t i = 0; i < text->len; i++) {
		c = text->data[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80))
			continue;
		some[n++ % sizeof(some)] = c;
		if (n % sizeof(some) == 0)
			fot_sha256_add(&h, some, sizeof(some));
	}
	fot_sha256_add(&h, some, n % sizeof(some));
	if (n == 0)
		fot_sha256_add(&h, text->data, text->len);
	fot_sha256_hex(&h, hex);
	for (int i = 0; i < 16; i++)
		key = key << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
	return key;
}

int fot_labelling_text(struct fot_str *out, const char *path, bool latin1, struct fot_err *err)
{
	struct fot_str raw = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_unpacked_file(&raw, path, FOT_LABELLED_FILE_MAX, err));
	if (raw.len == 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: the file is empty", path);
		goto out;
	}
	fot_str_clear(out);
	if (latin1 && fot_utf8_valid(raw.data, raw.len) != raw.len) {
		fot_text_latin1(out, raw.data, raw.len);
	} else {
		FOT_TRY(fot_text_check(raw.data, raw.len, path, err));
		fot_str_add(out, raw.data, raw.len);
	}
	fot_text_plain(out, 0);
	if (out->len && !memchr(out->data, '\n', out->len)) /* line ends of CR alone */
		for (char *p = out->data; (p = memchr(p, '\r', out->len - (size_t)(p - out->data))) != NULL;)
			*p = '\n';
	status = fot_str_check(out, err);
out:
	fot_str_release(&raw);
	return status;
}

/* ---- rows ---- */

static void count_bad(struct fot_labelling *g, const struct fot_err *e)
{
	if (g->l->n_bad++ == 0)
		memcpy(g->l->first_bad, e->text, sizeof(g->l->first_bad));
}

int fot_labelling_bad(struct fot_labelling *g, int status, struct fot_err *err)
{
	if (status != FOT_ERR_INPUT || !g->o->skip_bad || !err)
		return status;
	count_bad(g, err);
	memset(err, 0, sizeof(*err));
	return FOT_OK;
}

static int grow(struct fot_labelling *g, struct fot_err *err)
{
	size_t cap = g->cap ? 2 * g->cap : 256;
	struct fot_labelled_item *items;
	char **labels;

	if (g->l->n < g->cap)
		return FOT_OK;
	if (g->l->n >= FOT_LABELLED_ITEMS_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: more than %zu items", g->path,
				FOT_LABELLED_ITEMS_MAX);
	items = fot_realloc(g->l->item, cap, sizeof(*items));
	if (items)
		g->l->item = items;
	labels = items ? fot_realloc(g->item_label, cap, sizeof(*labels)) : NULL;
	if (!labels)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory at item %zu", g->path, g->l->n);
	g->item_label = labels;
	g->cap = cap;
	return FOT_OK;
}

static bool wanted(const struct fot_labelling *g, const char *label)
{
	return (!g->o->keep || fot_data_matches(g->o->keep, label)) &&
	       !(g->o->drop && fot_data_matches(g->o->drop, label));
}

static int copy_answers(struct fot_labelling *g, struct fot_labelled_item *it, const struct fot_row *r,
			struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	int status = FOT_OK;

	if (r->n_answers == 0 || r->n_answers > FOT_LABELLED_ANSWERS_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected 1 to %d answers, got %zu", g->path,
				(long long)r->line, FOT_LABELLED_ANSWERS_MAX, r->n_answers);
	it->answer = fot_calloc(r->n_answers, sizeof(*it->answer));
	if (!it->answer)
		return FOT_NO_MEMORY(err, g->path);
	for (size_t i = 0; i < r->n_answers && status == FOT_OK; i++) {
		fot_str_clear(&s);
		fot_labelled_line(&s, r->answer[i], strlen(r->answer[i]));
		if (s.failed || s.len == 0)
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s:%lld: answer %zu: expected text, got an empty one", g->path,
					  (long long)r->line, i + 1);
		else if (!(it->answer[i] = fot_strdup(s.data)))
			status = FOT_NO_MEMORY(err, g->path);
		it->n_answers += status == FOT_OK;
	}
	fot_str_release(&s);
	return status;
}

static void item_release(struct fot_labelled_item *it)
{
	for (size_t i = 0; i < it->n_answers; i++)
		fot_free(it->answer[i]);
	fot_free(it->answer);
	fot_free(it->id);
	fot_free(it->text);
}

/* text and label as one line each, checked. */
static int take_texts(struct fot_labelling *g, const struct fot_row *r, struct fot_str *text,
		      struct fot_str *label, struct fot_err *err)
{
	fot_labelled_line(text, r->text.p, r->text.n);
	if (!r->answer)
		fot_labelled_line(label, r->label.p, r->label.n);
	if (text->failed || label->failed)
		return FOT_NO_MEMORY(err, g->path);
	if (text->len == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected a text, got an empty one", g->path,
				(long long)r->line);
	if (text->len > FOT_LABELLED_TEXT_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected a text of at most %zu bytes, got %zu",
				g->path, (long long)r->line, FOT_LABELLED_TEXT_MAX, text->len);
	if (!r->answer && (label->len == 0 || label->len > 1000))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: expected a label of 1 to 1000 bytes, got %zu",
				g->path, (long long)r->line, label->len);
	if (memchr(text->data, '\0', text->len) || (label->len && memchr(label->data, '\0', label->len)))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: NUL byte, expected text", g->path,
				(long long)r->line);
	clip(text, (size_t)g->clip);
	return FOT_OK;
}

static int fill(struct fot_labelling *g, struct fot_labelled_item *it, const struct fot_row *r,
		const struct fot_str *text, struct fot_err *err)
{
	struct fot_str *id = &g->id;
	int status;

	fot_str_clear(id);
	if (r->id)
		fot_str_puts(id, r->id);
	else
		fot_str_printf(id, "%s:%lld", g->base, (long long)r->line);
	FOT_TRY(fot_str_check(id, err));
	status = fot_name_check(id->len ? id->data : "", "id", FOT_NAME_ID, FOT_ERR_INPUT, err);
	if (status != FOT_OK) {
		fot_err_prefix(err, "%s:%lld", g->path, (long long)r->line);
		goto out;
	}
	it->id = fot_strdup(id->data);
	it->text = fot_strdup(text->data);
	it->key = key_of(text);
	fot_sha256_of(text->data, text->len, it->sha256);
	it->label = -1;
	it->source = g->source;
	it->line = r->line;
	it->split = g->split;
	if (!it->id || !it->text)
		status = FOT_NO_MEMORY(err, g->path);
	else if (r->split && !fot_split_parse(r->split, &it->split))
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s:%lld: split: expected train, valid or test, got '%.60s'", g->path,
				  (long long)r->line, r->split);
	else if (r->answer)
		status = copy_answers(g, it, r, err);
out:
	return status;
}

/* names=: the label is a number, in its place comes the name. */
static int name_label(const struct fot_labelling *g, const struct fot_row *r, struct fot_str *label,
		      struct fot_err *err)
{
	int64_t first, i, k;
	const char *names = fot_labelled_names(g->o->names, &first), *at;

	if (!fot_parse_i64(label->data, &k))
		k = -1;
	for (at = names, i = first; i < k && *at; i++) {
		at += strcspn(at, ",");
		at += *at == ',';
	}
	if (k < first || !*at)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s:%lld: label: expected the number of a name, from %lld, got '%.60s'",
				g->path, (long long)r->line, (long long)first, label->data);
	fot_str_clear(label);
	fot_labelled_line(label, at, strcspn(at, ","));
	return fot_str_check(label, err);
}

static int add_row(struct fot_labelling *g, const struct fot_row *r, struct fot_err *err)
{
	struct fot_str *text = &g->text, *label = &g->label;
	struct fot_labelled_item it = { 0 };
	char *copy = NULL;
	int status;

	fot_str_clear(text);
	fot_str_clear(label);
	FOT_TRY(take_texts(g, r, text, label, err));
	if (!r->answer && g->o->names && *g->o->names)
		FOT_TRY(name_label(g, r, label, err));
	if (!r->answer && !wanted(g, label->data))
		goto out;
	FOT_TRY(grow(g, err));
	FOT_TRY(fill(g, &it, r, text, err));
	copy = r->answer ? NULL : fot_strdup(label->data);
	if (!r->answer && !copy) {
		status = FOT_NO_MEMORY(err, g->path);
		goto out;
	}
	g->item_label[g->l->n] = copy;
	g->l->item[g->l->n++] = it;
	memset(&it, 0, sizeof(it));
out:
	item_release(&it);
	return status;
}

int fot_labelling_add(struct fot_labelling *g, const struct fot_row *r, struct fot_err *err)
{
	struct fot_err own = { 0 };
	int status = add_row(g, r, &own);

	if (status == FOT_ERR_INPUT && g->o->skip_bad) {
		count_bad(g, &own);
		return FOT_OK;
	}
	if (status != FOT_OK && err)
		*err = own;
	return status;
}

/* ---- when all is read ---- */

static int number_labels(struct fot_labelling *g, struct fot_err *err)
{
	struct fot_labelled *l = g->l;
	char **sorted = fot_alloc(l->n, sizeof(*sorted)), **hit;
	size_t n = 0, with = 0;
	int status = FOT_OK;

	if (!sorted)
		return FOT_NO_MEMORY(err, l->name);
	for (size_t i = 0; i < l->n; i++)
		if (g->item_label[i])
			sorted[with++] = g->item_label[i];
	if (with != 0 && with != l->n) {
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: %zu items have a label and %zu have answers: expected one kind",
				  l->name, with, l->n - with);
		goto out;
	}
	if (with)
		qsort(sorted, with, sizeof(*sorted), fot_by_text);
	for (size_t i = 0; i < with; i++)
		if (i == 0 || strcmp(sorted[i - 1], sorted[i]) != 0)
			sorted[n++] = sorted[i];
	if (with && (n < 2 || n > FOT_LABELLED_LABELS_MAX)) {
		status =
			n < 2 ? FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected two labels or more, got one: '%s'",
					 l->name, sorted[0]) :
				FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected at most %zu labels, got %zu",
					 l->name, FOT_LABELLED_LABELS_MAX, n);
		goto out;
	}
	l->label = fot_calloc(n, sizeof(*l->label));
	if (!l->label) {
		status = FOT_NO_MEMORY(err, l->name);
		goto out;
	}
	for (; l->n_labels < n; l->n_labels++) {
		l->label[l->n_labels] = fot_strdup(sorted[l->n_labels]);
		if (!l->label[l->n_labels]) {
			status = FOT_NO_MEMORY(err, l->name);
			goto out;
		}
	}
	for (size_t i = 0; i < l->n && with; i++) {
		hit = bsearch(&g->item_label[i], l->label, n, sizeof(*l->label), fot_by_text);
		l->item[i].label = (int32_t)(hit - l->label);
	}
out:
	fot_free(sorted);
	return status;
}

/* Without test items, the fraction F of texts by hash; a class keeps a training item. */
static int hold_out(struct fot_labelled *l, double fraction, struct fot_err *err)
{
	size_t *left = fot_calloc(l->n_labels + 1, sizeof(*left)), label;
	bool any = false;

	if (!left)
		return FOT_NO_MEMORY(err, l->name);
	for (size_t i = 0; i < l->n; i++) {
		any = any || l->item[i].split == FOT_TEST;
		left[l->item[i].label + 1] += l->item[i].split != FOT_VALID;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct fot_labelled_item *it = &l->item[i];

		if ((int)it->split == FOT_SPLIT_BY_NAME)
			it->split = FOT_TRAIN;
		label = (size_t)(it->label + 1);
		if (any || it->split != FOT_TRAIN || left[label] < 2)
			continue;
		if ((double)(it->key >> 11) * 0x1p-53 >= fraction)
			continue;
		it->split = FOT_TEST;
		left[label]--;
	}
	fot_free(left);
	return FOT_OK;
}

static int check_test_labels(const struct fot_labelling *g, const char *const *source, struct fot_err *err)
{
	const struct fot_labelled *l = g->l;
	bool *known = fot_calloc(l->n_labels + 1, sizeof(*known)), training = false;
	int status = FOT_OK;

	if (!known)
		return FOT_NO_MEMORY(err, l->name);
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].split == FOT_TRAIN)
			known[l->item[i].label + 1] = training = true;
	for (size_t i = 0; i < l->n && training && l->n_labels; i++) {
		const struct fot_labelled_item *it = &l->item[i];

		if (it->split != FOT_TEST || known[it->label + 1])
			continue;
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s:%lld: the label '%s' of a test item is not among the training items'",
				  source[it->source], (long long)it->line, l->label[it->label]);
		break;
	}
	fot_free(known);
	return status;
}

struct ref {
	const struct fot_labelled_item *it;
	size_t at;
};

static int by_hash(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int c = strcmp(x->it->sha256, y->it->sha256);

	return c ? c : (x->at < y->at ? -1 : x->at > y->at);
}

static int by_id(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int c = strcmp(x->it->id, y->it->id);

	return c ? c : (x->at < y->at ? -1 : x->at > y->at);
}

static void mark_equal(struct fot_labelled *l, const struct ref *r, size_t n)
{
	bool seen[3] = { false }, test = false;

	for (size_t i = 0; i < n; i++)
		test = test || r[i].it->split == FOT_TEST;
	for (size_t i = 0; i < n; i++) {
		struct fot_labelled_item *it = &l->item[r[i].at];

		it->duplicate = seen[it->split];
		seen[it->split] = true;
		it->leaked = test && it->split != FOT_TEST;
		l->n_duplicates += it->duplicate;
		l->n_leaked += it->leaked;
		l->n_repeats += it->split == FOT_TRAIN && (it->duplicate || it->leaked);
	}
}

static int compare_items(struct fot_labelled *l, const char *const *source, struct fot_err *err)
{
	struct ref *r = fot_alloc(l->n, sizeof(*r));
	int status = FOT_OK;

	if (!r)
		return FOT_NO_MEMORY(err, l->name);
	for (size_t i = 0; i < l->n; i++)
		r[i] = (struct ref){ &l->item[i], i };
	qsort(r, l->n, sizeof(*r), by_id);
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(r[i - 1].it->id, r[i].it->id) == 0) {
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s:%lld: the id '%s' is there twice, first at %s:%lld",
					  source[r[i].it->source], (long long)r[i].it->line, r[i].it->id,
					  source[r[i - 1].it->source], (long long)r[i - 1].it->line);
			goto out;
		}
	qsort(r, l->n, sizeof(*r), by_hash);
	for (size_t i = 0, j; i < l->n; i = j) {
		for (j = i + 1; j < l->n && strcmp(r[j].it->sha256, r[i].it->sha256) == 0;)
			j++;
		mark_equal(l, r + i, j - i);
	}
out:
	fot_free(r);
	return status;
}

static void hash_set(struct fot_labelled *l)
{
	struct fot_sha256 h;
	unsigned char split;

	fot_sha256_init(&h);
	for (size_t i = 0; i < l->n; i++) {
		const struct fot_labelled_item *it = &l->item[i];

		split = (unsigned char)it->split;
		l->n_split[it->split]++;
		fot_sha256_add(&h, it->id, strlen(it->id) + 1);
		fot_sha256_add(&h, it->sha256, 64);
		fot_sha256_add(&h, &split, 1);
		if (it->label >= 0)
			fot_sha256_add(&h, l->label[it->label], strlen(l->label[it->label]) + 1);
		for (size_t j = 0; j < it->n_answers; j++)
			fot_sha256_add(&h, it->answer[j], strlen(it->answer[j]) + 1);
	}
	fot_sha256_hex(&h, l->hash);
}

static int finish(struct fot_labelling *g, const struct fot_labelled_spec *s, struct fot_err *err)
{
	struct fot_labelled *l = g->l;
	int status;

	if (l->n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: 0 items%s", l->name,
				l->n_bad ? " besides bad rows" : "");
	FOT_TRY(number_labels(g, err));
	FOT_TRY(hold_out(l, s->opts.holdout, err));
	FOT_TRY(check_test_labels(g, (const char *const *)s->path, err));
	FOT_TRY(compare_items(l, (const char *const *)s->path, err));
	hash_set(l);
out:
	return status;
}

/* ---- open ---- */

static int read_source(struct fot_labelling *g, const struct fot_labelled_spec *s, size_t i,
		       struct fot_str *origin, struct fot_err *err)
{
	const char *slash = strrchr(s->path[i], '/');
	const struct fot_labelled_kind *kind = fot_labelled_kind(s->path[i]);

	g->path = s->path[i];
	g->base = slash ? slash + 1 : s->path[i];
	g->source = i;
	g->split = s->split[i];
	g->clip = s->opts.clip > 0 ? s->opts.clip : 0;
	fot_str_printf(origin, "%s%s", origin->len ? ", " : "", kind ? s->path[i] : "");
	if (!kind)
		return fot_labelled_installed(g, s->path[i], s->store, origin, err);
	return kind->read(g, err);
}

static int read_all(struct fot_labelled *l, const struct fot_labelled_spec *s, const struct fot_wordnet *w,
		    struct fot_err *err)
{
	struct fot_labelling g = { .l = l, .o = &s->opts, .wordnet = w };
	struct fot_str origin = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < s->n && status == FOT_OK; i++)
		status = read_source(&g, s, i, &origin, err);
	if (status == FOT_OK)
		status = fot_str_check(&origin, err);
	if (status == FOT_OK && !(l->origin = fot_strdup(origin.data)))
		status = FOT_NO_MEMORY(err, l->name);
	if (status == FOT_OK)
		status = finish(&g, s, err);
	for (size_t i = 0; i < l->n; i++)
		fot_free(g.item_label[i]);
	fot_free(g.item_label);
	fot_str_release(&g.text);
	fot_str_release(&g.label);
	fot_str_release(&g.id);
	fot_str_release(&origin);
	return status;
}

int fot_labelled_open_spec(struct fot_labelled **out, const struct fot_labelled_spec *s, const struct fot_wordnet *w,
			   struct fot_err *err)
{
	struct fot_labelled *l = fot_calloc(1, sizeof(*l));
	int status;

	if (!l)
		return FOT_NO_MEMORY(err, s->opts.name);
	FOT_TRY(fot_name_check(s->opts.name, "labelled set", FOT_NAME_MAX, FOT_ERR_INPUT, err));
	l->name = fot_strdup(s->opts.name);
	if (!l->name)
		status = FOT_NO_MEMORY(err, s->opts.name);
	else
		status = read_all(l, s, w, err);
out:
	if (status == FOT_OK)
		*out = l;
	else
		fot_labelled_close(l);
	return status;
}

int fot_labelled_open(struct fot_labelled **out, const char *spec, const char *store, struct fot_err *err)
{
	struct fot_labelled_spec s = { 0 };
	struct fot_wordnet *w = NULL;
	int status;

	FOT_TRY(fot_labelled_spec_parse(&s, spec, store, err));
	if (s.opts.hypernym && fot_hypernym_pattern(s.opts.hypernym)) {
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: hypernym: expected the name of one source, got a pattern", spec);
		goto out;
	}
	if (s.opts.hypernym)
		FOT_TRY(fot_wordnet_open(&w, store, err));
	status = fot_labelled_open_spec(out, &s, w, err);
out:
	fot_wordnet_close(w);
	fot_labelled_spec_release(&s);
	return status;
}

void fot_labelled_close(struct fot_labelled *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		item_release(&l->item[i]);
	for (size_t i = 0; i < l->n_labels; i++)
		fot_free(l->label[i]);
	fot_free(l->label);
	fot_free(l->item);
	fot_free(l->name);
	fot_free(l->origin);
	fot_free(l);
}

void fot_labelled_notice(struct fot_str *out, const struct fot_labelled *l)
{
	if (l->n_repeats)
		fot_str_printf(
			out,
			"training items that repeat a text of another or of a test item, no demonstrations: %zu of %zu",
			l->n_repeats, l->n_split[FOT_TRAIN]);
	if (l->n_bad)
		fot_str_printf(out, "%sbad rows, left out: %zu, the first %s", out->len ? "; " : "", l->n_bad,
			       l->first_bad);
}
