/* reader_folder.c: a folder of .txt files, one document each, and of Parquet files; or one .txt file.
 *
 * Files are found recursively, in bytewise order of their paths, links followed; the id is the
 * path without ".txt".  The folders right below are splits if they are called so; all other
 * documents are test documents.  How texts are read: docs/data.md; an empty file is a document
 * of 0 bytes. */
#include <string.h>

#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/reader.h"
#include "datasets/unpack.h"
#include "datasets/walk.h"

#define TEXT_MAX ((size_t)4 << 30)

static int folder_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	if (!d->place[i].file)
		return fot_reader_parquet_text(d, i, out, err);
	FOT_TRY(fot_path_at(&path, d->root, d->place[i].file, err));
	FOT_TRY(fot_unpacked_text(out, path.data, TEXT_MAX, err));
out:
	fot_str_release(&path);
	return status;
}

static int file_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	(void)i;
	return fot_unpacked_text(out, d->root, TEXT_MAX, err);
}

static enum fot_split split_of(const char *file)
{
	size_t n = strcspn(file, "/");
	enum fot_split split = FOT_TEST;
	char word[16];

	if (file[n] && n < sizeof(word)) {
		memcpy(word, file, n);
		word[n] = '\0';
		(void)fot_split_parse(word, &split);
	}
	return split;
}

/* Add the document of a file; its id are the first n_id bytes of name. */
static int add_text_file(struct fot_dataset *d, const char *path, const struct fot_place *place,
			 const char *name, size_t n_id, struct fot_err *err)
{
	struct fot_document doc = { .split = place->file ? split_of(place->file) : FOT_TEST };
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_unpacked_text(&text, path, TEXT_MAX, err));
	fot_document_measure(&doc, &text);
	doc.id = fot_strndup(name, n_id);
	if (!doc.id)
		status = FOT_NO_MEMORY(err, path);
	else
		status = fot_dataset_add(d, &doc, place, err);
	fot_free(doc.id);
out:
	fot_str_release(&text);
	return status;
}

int fot_reader_file(struct fot_dataset *d, struct fot_err *err)
{
	const char *slash = strrchr(d->root, '/'), *name = slash ? slash + 1 : d->root;
	const struct fot_place place = { .pinned = true };

	d->text = file_text;
	return add_text_file(d, d->root, &place, name, fot_unpacked_name(name) - strlen(".txt"), err);
}

static int no_texts(const struct fot_dataset *d, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected .txt or .parquet files, got none (0 documents)%s%s%s", d->root,
			d->left.first[0] ? ": it holds " : "", d->left.first,
			d->left.n_other + d->left.n_hidden > 1 ? " and others" : "");
}

static int add_one(struct fot_dataset *d, const char *path, char *name, struct fot_err *err)
{
	const struct fot_place place = { .file = name, .pinned = true };
	const struct fot_record_opts *o = &d->opts;

	if (fot_name_ends(name, ".parquet"))
		return fot_reader_parquet_shard(d, path, name, err);
	if (o->text || o->id || o->where)
		return fot_reader_no_records(path, err);
	return add_text_file(d, path, &place, name, strlen(name) - strlen(".txt"), err);
}

int fot_reader_folder(struct fot_dataset *d, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str path = FOT_STR_INIT;
	int status;

	d->text = folder_text;
	FOT_TRY(fot_walk_texts(&names, &d->left, d->root, err));
	for (size_t i = 0; i < names.n; i++) {
		FOT_TRY(fot_path_at(&path, d->root, names.name[i], err));
		FOT_TRY(add_one(d, path.data, names.name[i], err));
	}
	if (d->n == 0)
		status = d->left.n_filtered ? fot_reader_none_taken(d, err) : no_texts(d, err);
out:
	fot_names_release(&names);
	fot_str_release(&path);
	return status;
}
