/* reader_parquet.c: the rows of Parquet files, one document each.
 *
 * The columns text and id, or those that text=, id= and where= name (dataset.h).  Texts cannot be found
 * again in such a file without reading it from some place on: they are kept in memory. */
#include <string.h>

#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/options.h"
#include "datasets/parquet.h"
#include "datasets/reader.h"
#include "datasets/record.h"
#include "datasets/text.h"

#define TEXTS_MAX ((size_t)4 << 30) /* of all rows that are documents */

struct rows {
	struct fot_dataset *d;
	const char *path, *name; /* name: before the ids of its rows, "" where it is the dataset */
	enum fot_split split;
	int text, id, where; /* cells */
	int64_t row;         /* from 1 */
	struct fot_str word;
};

/* The row's place before the error's text. */
static int bad_row(const struct rows *r, const char *column, const char *why, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: row %lld: %s: %s", r->path, (long long)r->row, column, why);
}

static int choose(struct rows *r, struct fot_parquet *p, struct fot_err *err)
{
	const struct fot_record_opts *o = &r->d->opts;
	const unsigned word = FOT_FIELD_STRING | FOT_FIELD_INTEGER;
	int status;

	r->id = r->where = -1;
	FOT_TRY(fot_parquet_choose(p, o->text ? o->text : "text", FOT_FIELD_STRING, true, &r->text, err));
	if (!o->id || *o->id)
		FOT_TRY(fot_parquet_choose(p, o->id ? o->id : "id", word, o->id != NULL, &r->id, err));
	if (o->where)
		status = fot_parquet_choose(p, o->where, word | FOT_FIELD_BOOL, true, &r->where, err);
out:
	return status;
}

static bool is_wanted(struct rows *r, const struct fot_parquet_cell *cell)
{
	if (!cell->there)
		return false;
	fot_str_clear(&r->word);
	fot_str_add(&r->word, cell->p, cell->n);
	fot_str_puts(&r->word, "");
	return !r->word.failed && fot_data_matches(r->d->opts.patterns, r->word.data);
}

/* The document's id into r->word. */
static int make_id(struct rows *r, const struct fot_parquet_cell *cell, struct fot_err *err)
{
	const char *column = r->d->opts.id && *r->d->opts.id ? r->d->opts.id : "id";

	fot_str_clear(&r->word);
	if (*r->name)
		fot_str_printf(&r->word, "%s/", r->name);
	if (!cell || (!cell->there && !r->d->opts.id))
		fot_str_printf(&r->word, "row-%lld", (long long)r->row);
	else if (!cell->there || !cell->n)
		return bad_row(r, column, cell->there ? "empty, expected an id" : "missing, expected an id",
			       err);
	else if (memchr(cell->p, '\0', cell->n))
		return bad_row(r, column, "a NUL byte, expected an id", err);
	else
		fot_str_add(&r->word, cell->p, cell->n);
	return fot_str_check(&r->word, err);
}

/* Put the text behind those that are kept. */
static int keep_text(struct rows *r, const struct fot_parquet_cell *cell, struct fot_err *err)
{
	struct fot_str *all = &r->d->unpacked;
	size_t start = all->len;
	int status;

	if (!cell->there)
		return bad_row(r, r->d->opts.text ? r->d->opts.text : "text", "missing, expected a string",
			       err);
	if (cell->n > TEXTS_MAX - start)
		return bad_row(r, "text", "more than 4 GiB of text in all (where= takes fewer rows)", err);
	status = fot_text_check(cell->p, cell->n, r->path, err);
	if (status != FOT_OK)
		return fot_err_prefix(err, "row %lld", (long long)r->row);
	fot_str_add(all, cell->p, cell->n);
	fot_str_puts(all, "");
	FOT_TRY(fot_str_check(all, err));
	fot_text_plain(all, start);
out:
	return status;
}

static int add_row(struct rows *r, const struct fot_parquet_cell *row, struct fot_err *err)
{
	struct fot_document doc = { .split = r->split };
	struct fot_place place = { .offset = (int64_t)r->d->unpacked.len, .pinned = true };
	struct fot_str text;
	int status;

	r->row++;
	if (r->where >= 0 && !is_wanted(r, &row[r->where])) {
		r->d->left.n_filtered++;
		return r->word.failed ? FOT_NO_MEMORY(err, r->path) : FOT_OK;
	}
	FOT_TRY(keep_text(r, &row[r->text], err));
	FOT_TRY(make_id(r, r->id < 0 ? NULL : &row[r->id], err));
	text = r->d->unpacked;
	text.data += place.offset;
	text.len -= (size_t)place.offset;
	place.length = (int64_t)text.len;
	fot_document_measure(&doc, &text);
	doc.id = r->word.data;
	status = fot_dataset_add(r->d, &doc, &place, err);
out:
	return status;
}

static int add_file(struct fot_dataset *d, const char *path, const char *name, enum fot_split split,
		    struct fot_err *err)
{
	struct rows r = { .d = d, .path = path, .name = name, .split = split };
	const struct fot_parquet_cell *row;
	struct fot_parquet *p = NULL;
	int status;

	FOT_TRY(fot_parquet_open(&p, path, err));
	FOT_TRY(choose(&r, p, err));
	for (;;) {
		FOT_TRY(fot_parquet_next(p, &row, err));
		if (!row)
			break;
		FOT_TRY(add_row(&r, row, err));
	}
out:
	fot_parquet_close(p);
	fot_str_release(&r.word);
	return status;
}

int fot_reader_parquet_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	fot_str_add(out, d->unpacked.data + d->place[i].offset, (size_t)d->place[i].length);
	return fot_str_check(out, err);
}

int fot_reader_parquet(struct fot_dataset *d, struct fot_err *err)
{
	int status;

	d->text = fot_reader_parquet_text;
	FOT_TRY(add_file(d, d->root, "", FOT_TEST, err));
	if (d->n == 0)
		status = fot_reader_none_taken(d, err);
out:
	return status;
}

/* The first folder of the path, or part of its file's name ("train-00000-of-00002", "test_1"), that is
 * called like a split. */
static enum fot_split split_of(const char *name)
{
	enum fot_split split = FOT_TEST;
	char word[16];

	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "/"), k = p[n] ? n : strcspn(p, "-_.");

		if (k < sizeof(word)) {
			memcpy(word, p, k);
			word[k] = '\0';
			if (fot_split_parse(word, &split))
				break;
		}
		p += n + (p[n] == '/');
	}
	return split;
}

int fot_reader_parquet_shard(struct fot_dataset *d, const char *path, const char *file, struct fot_err *err)
{
	char *name = fot_strndup(file, strlen(file) - strlen(".parquet"));
	int status = name ? add_file(d, path, name, split_of(name), err) : FOT_NO_MEMORY(err, path);

	fot_free(name);
	return status;
}
