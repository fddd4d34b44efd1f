/* reader_folder.c: a folder of .txt files, one document each.
 *
 * Files are found recursively, in bytewise order of their paths; the id is the
 * path without ".txt". The sub-folders train/ and valid/ hold the documents to train on;
 * all others are test documents. A byte order mark is dropped and CR LF becomes LF; a text
 * that is not UTF-8 is an error with its position, an empty file is a document
 * of 0 bytes, NUL bytes are text like any other. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/reader.h"
#include "datasets/text.h"

#define TEXT_MAX ((size_t)4 << 30)

static int read_text(const char *root, const char *file, struct fot_str *out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	fot_path_join(&path, root, file);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_file_read(out, path.data, TEXT_MAX, err));
	FOT_TRY(fot_str_check(out, err));
	FOT_TRY(fot_text_check(out->data, out->len, path.data, err));
	fot_text_plain(out, 0);
out:
	fot_str_release(&path);
	return status;
}

static int folder_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err)
{
	return read_text(d->root, d->place[i].file, out, err);
}

/* Files below train/ and valid/ are for training; all others are held out. */
static enum fot_split split_of(const char *file)
{
	if (strncmp(file, "train/", 6) == 0)
		return FOT_TRAIN;
	return strncmp(file, "valid/", 6) == 0 ? FOT_VALID : FOT_TEST;
}

static int add_text_file(struct fot_dataset *d, char *file, struct fot_err *err)
{
	struct fot_document doc = { .split = split_of(file) };
	struct fot_place place = { .file = file, .pinned = true };
	struct fot_str text = FOT_STR_INIT;
	size_t n = strlen(file) - 4;
	int status;

	FOT_TRY(read_text(d->root, file, &text, err));
	fot_document_measure(&doc, &text);
	doc.id = fot_strndup(file, n);
	if (!doc.id)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", file);
	else
		status = fot_dataset_add(d, &doc, &place, err);
out:
	fot_free(doc.id);
	fot_str_release(&text);
	return status;
}

static bool is_text_file(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".txt") == 0 && name[n - 5] != '/';
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

int fot_reader_folder(struct fot_dataset *d, struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status;

	d->text = folder_text;
	FOT_TRY(fot_dir_walk(&names, d->root, err));
	if (names.n)
		qsort(names.name, names.n, sizeof(*names.name), by_bytes);
	for (size_t i = 0; i < names.n; i++)
		if (is_text_file(names.name[i]))
			FOT_TRY(add_text_file(d, names.name[i], err));
	if (d->n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected .txt files, got none (0 documents)", d->root);
out:
	fot_names_release(&names);
	return status;
}
