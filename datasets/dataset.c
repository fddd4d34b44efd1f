/* dataset.c: opening datasets, whatever they are made of.
 *
 * Only ids, sizes and hashes stay in memory; a text is read when it is asked for
 * and its hash checked, so that a file that changed after opening is an error
 * and never a silent difference. Invariant: ids are unique in a dataset. */
#include "datasets/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/quote.h"
#include "datasets/index.h"
#include "datasets/datamanifest.h"
#include "datasets/options.h"
#include "datasets/reader.h"
#include "datasets/text.h"
#include "datasets/unpack.h"

#define TEXT_MAX ((size_t)4 << 30)

/* ---- building ---- */

int fot_dataset_add(struct fot_dataset *d, const struct fot_document *doc, const struct fot_place *place,
		    struct fot_err *err)
{
	int status = fot_name_check(doc->id, "document", FOT_NAME_ID, FOT_ERR_INPUT, err);

	if (status != FOT_OK)
		return fot_err_prefix(err, "%s", d->root);
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 64;
		struct fot_document *docs = fot_realloc(d->doc, cap, sizeof(*docs));
		struct fot_place *places;

		if (docs)
			d->doc = docs;
		places = docs ? fot_realloc(d->place, cap, sizeof(*places)) : NULL;
		if (!places)
			return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory at document %zu", d->name, d->n);
		d->place = places;
		d->cap = cap;
	}
	d->doc[d->n] = *doc;
	d->place[d->n] = *place;
	d->doc[d->n].id = fot_strdup(doc->id);
	d->place[d->n].file = place->file ? fot_strdup(place->file) : NULL;
	d->n++;
	if (!d->doc[d->n - 1].id || (place->file && !d->place[d->n - 1].file))
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory at document %zu", d->name, d->n - 1);
	return FOT_OK;
}

void fot_document_measure(struct fot_document *doc, const struct fot_str *text)
{
	const char *bytes = text->len ? text->data : "";

	doc->n_bytes = (int64_t)text->len;
	doc->n_words = fot_text_words(bytes, text->len);
	fot_sha256_of(bytes, text->len, doc->sha256);
}

static int by_id(const void *a, const void *b)
{
	const struct fot_document *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* Equal texts together, earlier documents first. */
static int by_text(const void *a, const void *b)
{
	const struct fot_document *const *x = a, *const *y = b;
	int c = strcmp((*x)->sha256, (*y)->sha256);

	return c ? c : (*x > *y) - (*x < *y);
}

static void count_repeats(struct fot_dataset *d, const struct fot_document **sorted)
{
	if (d->n)
		qsort(sorted, d->n, sizeof(*sorted), by_text);
	for (size_t i = 0; i < d->n; i++) {
		d->n_repeats += i && sorted[i]->n_bytes && strcmp(sorted[i - 1]->sha256, sorted[i]->sha256) == 0;
		d->n_empty += sorted[i]->n_bytes == 0;
	}
}

/* Ids must differ; equal texts are marked. */
static int compare_documents(struct fot_dataset *d, struct fot_err *err)
{
	const struct fot_document **sorted = fot_alloc(d->n, sizeof(*sorted));
	int status = FOT_OK;

	if (!sorted)
		return FOT_NO_MEMORY(err, d->name);
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = &d->doc[i];
	if (d->n)
		qsort(sorted, d->n, sizeof(*sorted), by_id);
	for (size_t i = 1; i < d->n && status == FOT_OK; i++) {
		if (strcmp(sorted[i - 1]->id, sorted[i]->id) != 0)
			continue;
		const struct fot_place *p = &d->place[sorted[i] - d->doc],
				       *q = &d->place[sorted[i - 1] - d->doc];

		status = p->line ?
				 FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s: lines %lld and %lld: the id '%s' is there twice", d->root,
					  (long long)(q->line < p->line ? q->line : p->line),
					  (long long)(q->line < p->line ? p->line : q->line), sorted[i]->id) :
				 FOT_FAIL(err, FOT_ERR_INPUT, "%s: the id '%s' is there twice", d->root,
					  sorted[i]->id);
	}
	if (status == FOT_OK)
		count_repeats(d, sorted);
	fot_free(sorted);
	return status;
}

static int finish(struct fot_dataset *d, struct fot_err *err)
{
	struct fot_sha256 h;

	if (d->n == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: 0 documents", d->root);
	if (d->origin.len == 0)
		fot_str_puts(&d->origin, d->root);
	fot_sha256_init(&h);
	for (size_t i = 0; i < d->n; i++) {
		/* The NUL keeps an id and a hash from flowing into each other. */
		fot_sha256_add(&h, d->doc[i].id, strlen(d->doc[i].id) + 1);
		fot_sha256_add(&h, d->doc[i].sha256, 64);
	}
	fot_sha256_hex(&h, d->hash);
	return compare_documents(d, err);
}

/* ---- installed datasets ---- */

/* The file's bytes as they are: installed documents are plain already. */
static int installed_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, d->root, d->place[i].file, err));
	FOT_TRY(fot_file_read(out, path.data, TEXT_MAX, err));
out:
	fot_str_release(&path);
	return status;
}

static void origin_of(struct fot_str *out, const struct fot_index *x)
{
	for (size_t i = 0; i < x->n_packages; i++)
		fot_str_printf(out, "%s%s %s %s%s", i ? ", " : "", x->packages[i].registry,
			       x->packages[i].name, x->packages[i].version,
			       x->packages[i].pinned ? "" : " (not pinned)");
}

static int add_installed(struct fot_dataset *d, const struct fot_index_document *row, struct fot_err *err)
{
	struct fot_str id = FOT_STR_INIT, file = FOT_STR_INIT;
	struct fot_document doc = { .split = row->split, .n_bytes = row->bytes, .n_words = row->words };
	struct fot_place place = { .pinned = row->pinned };
	int status;

	memcpy(doc.sha256, row->sha256, sizeof(doc.sha256));
	fot_str_puts(&id, row->id);
	fot_document_file(&file, row->id);
	FOT_TRY(fot_str_check(&id, err));
	FOT_TRY(fot_str_check(&file, err));
	doc.id = id.data;
	place.file = file.data;
	FOT_TRY(fot_dataset_add(d, &doc, &place, err));
out:
	fot_str_release(&id);
	fot_str_release(&file);
	return status;
}

static int reader_installed(struct fot_dataset *d, const char *dataset, const char *store,
			    struct fot_err *err)
{
	struct fot_str root = FOT_STR_INIT;
	struct fot_index x;
	int status = fot_index_read(&x, store, dataset, err);

	if (status != FOT_OK)
		return status;
	origin_of(&d->origin, &x);
	FOT_TRY(fot_str_check(&d->origin, err));
	fot_index_path(&root, store, dataset, "documents");
	FOT_TRY(fot_str_check(&root, err));
	fot_free(d->root);
	d->root = fot_strdup(root.data);
	d->text = installed_text;
	for (size_t i = 0; i < x.n_documents && status == FOT_OK; i++)
		status = add_installed(d, &x.documents[i], err);
	if (status == FOT_OK && !d->root)
		status = FOT_NO_MEMORY(err, d->name);
out:
	fot_str_release(&root);
	fot_index_release(&x);
	return status;
}

/* ---- open ---- */

static bool is_installed(const char *spec, const char *store)
{
	struct fot_str path = FOT_STR_INIT;
	bool there = false;

	if (store && fot_document_id_ok(spec) && !strchr(spec, '/')) {
		fot_index_path(&path, store, spec, "index.json");
		there = !path.failed && fot_file_exists(path.data);
	}
	fot_str_release(&path);
	return there;
}

/* Does the name end in this, .gz and .zst apart? */
static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = fot_unpacked_name(name), k = strlen(suffix);

	return n > k && name[n - k - 1] != '/' && strncmp(name + n - k, suffix, k) == 0;
}

bool fot_dataset_is_path(const char *spec)
{
	return strchr(spec, '/') || has_suffix(spec, ".jsonl") || has_suffix(spec, ".txt") || fot_name_ends(spec, ".parquet");
}

int fot_reader_none_taken(const struct fot_dataset *d, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: 0 documents%s", d->root,
			d->left.n_filtered ? ": where= takes none of its records" : "");
}

int fot_reader_no_records(const char *path, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: text=, id= and where= are for files of records (.jsonl, .parquet)", path);
}

static int read_source(struct fot_dataset *d, const char *spec, const char *store, struct fot_err *err)
{
	const struct fot_record_opts *o = &d->opts;
	bool file = fot_file_exists(spec) && !fot_is_dir(spec);

	if ((o->text || o->id || o->where) &&
	    (is_installed(spec, store) || has_suffix(spec, ".txt")))
		return fot_reader_no_records(spec, err);
	if (is_installed(spec, store))
		return reader_installed(d, spec, store, err);
	if (fot_is_dir(spec))
		return fot_reader_folder(d, err);
	if (has_suffix(spec, ".txt"))
		return fot_reader_file(d, err);
	if (fot_name_ends(spec, ".parquet"))
		return fot_reader_parquet(d, err);
	if (file || fot_dataset_is_path(spec))
		return fot_reader_jsonl(d, err);
	return FOT_FAIL(err, FOT_ERR_INPUT,
			"%s: no such file or folder, and dataset '%s' is not installed in %s; run: fotbench data fetch %s",
			spec, spec, store ? store : "(no store)", spec);
}

static int set_option(void *dataset, const char *spec, const char *key, const char *value,
		      struct fot_err *err)
{
	static const char *const names[] = { "text", "id", "where", "name" };
	struct fot_record_opts *o = &((struct fot_dataset *)dataset)->opts;
	char **const place[] = { &o->text, &o->id, &o->where, &o->name };
	char *colon;
	size_t i = 0;

	while (i < FOT_COUNT(names) && strcmp(key, names[i]) != 0)
		i++;
	if (i == FOT_COUNT(names))
		return fot_data_no_option(spec, key, names, i, err);
	if (*place[i] || (!*value && place[i] != &o->id))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: %s", spec, key,
				*place[i] ? "given twice" : "empty");
	*place[i] = fot_strdup(value);
	if (!*place[i])
		return FOT_NO_MEMORY(err, spec);
	if (place[i] != &o->where)
		return FOT_OK;
	colon = strchr(o->where, ':');
	if (!colon || colon == o->where || !colon[1])
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: where: expected FIELD:PATTERNS, got '%s'", spec,
				value);
	*colon = '\0';
	o->patterns = colon + 1;
	return FOT_OK;
}

/* The path and the options of a spec; d->name and d->root. A path may hold a '?' itself. */
static int read_spec(struct fot_dataset *d, const char *spec, struct fot_err *err)
{
	size_t n = fot_file_exists(spec) ? strlen(spec) : strcspn(spec, "?");
	struct fot_str name = FOT_STR_INIT;
	int status = FOT_OK;

	d->root = fot_strndup(spec, n);
	if (!d->root)
		return FOT_NO_MEMORY(err, spec);
	if (spec[n])
		FOT_TRY(fot_data_options(spec, spec + n + 1, set_option, d, err));
	/* What is read another way is another dataset. */
	FOT_TRY(fot_name_of_path(&name, d->root, "dataset", err));
	if (d->opts.text || d->opts.id || d->opts.where)
		fot_str_puts(&name, spec + n);
	FOT_TRY(fot_str_check(&name, err));
	FOT_TRY(fot_name_check(d->opts.name ? d->opts.name : name.data, "dataset", FOT_NAME_MAX, FOT_ERR_INPUT, err));
	d->name = fot_strdup(d->opts.name ? d->opts.name : name.data);
	if (!d->name)
		status = FOT_NO_MEMORY(err, spec);
out:
	fot_str_release(&name);
	return status;
}

int fot_dataset_open(struct fot_dataset **out, const char *spec, const char *store, struct fot_err *err)
{
	struct fot_dataset *d = fot_calloc(1, sizeof(*d));
	char *path = NULL;
	int status;

	if (!d)
		return FOT_NO_MEMORY(err, spec);
	FOT_TRY(read_spec(d, spec, err));
	path = fot_strdup(d->root); /* an installed dataset's root becomes another */
	if (!path) {
		status = FOT_NO_MEMORY(err, spec);
		goto out;
	}
	FOT_TRY(read_source(d, path, store, err));
	FOT_TRY(finish(d, err));
	*out = d;
out:
	fot_free(path);
	if (status != FOT_OK)
		fot_dataset_close(d);
	return status;
}

void fot_dataset_close(struct fot_dataset *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		fot_free(d->doc[i].id);
		fot_free(d->place[i].file);
	}
	fot_free(d->doc);
	fot_free(d->place);
	fot_free(d->name);
	fot_free(d->root);
	fot_free(d->opts.text);
	fot_free(d->opts.id);
	fot_free(d->opts.where);
	fot_free(d->opts.name);
	fot_str_release(&d->unpacked);
	fot_str_release(&d->origin);
	fot_free(d);
}

/* ---- questions ---- */

const char *fot_dataset_name(const struct fot_dataset *d)
{
	return d->name;
}

const char *fot_dataset_hash(const struct fot_dataset *d)
{
	return d->hash;
}

const char *fot_dataset_origin(const struct fot_dataset *d)
{
	return d->origin.data;
}

size_t fot_dataset_count(const struct fot_dataset *d)
{
	return d->n;
}

const struct fot_document *fot_dataset_at(const struct fot_dataset *d, size_t i)
{
	return &d->doc[i];
}

bool fot_dataset_pinned(const struct fot_dataset *d, size_t i)
{
	return d->place[i].pinned;
}

size_t fot_dataset_n_differing(const struct fot_dataset *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += !d->place[i].pinned;
	return n;
}

const struct fot_left_out *fot_dataset_left_out(const struct fot_dataset *d)
{
	return &d->left;
}

size_t fot_dataset_empty(const struct fot_dataset *d)
{
	return d->n_empty;
}

size_t fot_dataset_repeats(const struct fot_dataset *d)
{
	return d->n_repeats;
}

void fot_dataset_notice(struct fot_str *out, const struct fot_dataset *d)
{
	const struct fot_left_out *l = &d->left;
	const struct {
		size_t n;
		const char *what;
	} parts[] = {
		{ l->n_jsonl, ".jsonl files, each a dataset of its own, left out" },
		{ l->n_other - l->n_jsonl, "files of other kinds, left out" },
		{ l->n_hidden, "hidden, left out" },
		{ l->n_loops, "links back to a folder they lie in, left out" },
		{ l->n_filtered, "records that where= does not take" },
		{ d->n_empty, "empty documents" },
		{ d->n_repeats, "documents with the text of an earlier one" },
		{ fot_dataset_n_differing(d), "documents that are not the pinned ones" },
	};
	size_t start = out->len;

	for (size_t i = 0; i < FOT_COUNT(parts); i++)
		if (parts[i].n)
			fot_str_printf(out, "%s%s: %zu", out->len > start ? "; " : "", parts[i].what,
				       parts[i].n);
	if (l->first[0])
		fot_str_printf(out, " (%s%s)", l->first,
			       l->n_other + l->n_hidden + l->n_loops > 1 ? ", ..." : "");
}

int fot_dataset_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	char hash[65];
	int status;

	fot_str_clear(out);
	fot_str_puts(out, "");
	status = d->text(d, i, out, err);
	if (status != FOT_OK)
		return status;
	status = fot_str_check(out, err);
	if (status != FOT_OK)
		return status;
	fot_sha256_of(out->data, out->len, hash);
	if (strcmp(hash, d->doc[i].sha256) != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: document %s: sha256: expected %s, got %s", d->root,
				d->doc[i].id, d->doc[i].sha256, hash);
	return FOT_OK;
}
