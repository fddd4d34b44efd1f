/* reader.h: the three sources behind struct fot_dataset. For dataset.c and its readers. */
#ifndef FOT_READER_H
#define FOT_READER_H

#include "datasets/dataset.h"

/* Where one document's text lies. */
struct fot_place {
	char *file;             /* relative to the dataset's root; NULL for JSONL */
	int64_t offset, length; /* of the JSONL line, without its end */
	int64_t line;           /* from 1 */
	bool pinned;
};

struct fot_dataset {
	char *name, *root; /* root: folder, or the JSONL file */
	struct fot_str origin;
	char hash[65];
	struct fot_document *doc;
	struct fot_place *place;
	size_t n, cap;
	int (*text)(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err);
};

/* Add a document; copies id and file (may be NULL). */
int fot_dataset_add(struct fot_dataset *d, const struct fot_document *doc, const struct fot_place *place,
		    struct fot_err *err);
/* Fill n_bytes, n_words and sha256 from a text. */
void fot_document_measure(struct fot_document *doc, const struct fot_str *text);

/* Readers: d->name and d->root are set; they add documents and set d->text. */
int fot_reader_folder(struct fot_dataset *d, struct fot_err *err);
int fot_reader_jsonl(struct fot_dataset *d, struct fot_err *err);

#endif
