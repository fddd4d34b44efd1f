/* reader.h: the sources behind struct fot_dataset. For dataset.c and its readers. */
#ifndef FOT_READER_H
#define FOT_READER_H

#include "datasets/dataset.h"

/* Where one document's text lies. */
struct fot_place {
	char *file;             /* relative to the dataset's root; NULL for JSONL and Parquet */
	int64_t offset, length; /* of the JSONL line, without its end; of the text in unpacked */
	int64_t line;           /* from 1 */
	bool pinned;
};

/* What stands behind '?' in a spec; NULL where it does not. */
struct fot_record_opts {
	char *text, *id, *where, *name; /* where: FIELD, cut at its colon */
	const char *patterns;           /* behind that */
};

struct fot_dataset {
	char *name, *root; /* root: folder, or the JSONL file */
	struct fot_str origin;
	char hash[65];
	struct fot_document *doc;
	struct fot_place *place;
	size_t n, cap, n_empty, n_repeats;
	struct fot_left_out left;
	struct fot_record_opts opts;
	struct fot_str unpacked; /* the records of a packed file; texts of Parquet files */
	int (*text)(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err);
};

/* Add a document; copies id and file (may be NULL). */
int fot_dataset_add(struct fot_dataset *d, const struct fot_document *doc, const struct fot_place *place,
		    struct fot_err *err);
/* Fill n_bytes, n_words and sha256 from a text. */
void fot_document_measure(struct fot_document *doc, const struct fot_str *text);

/* Keep the name of the first thing left out. */
void fot_left_out_name(struct fot_left_out *left, const char *name);

/* Readers: d->name and d->root are set; they add documents and set d->text. */
int fot_reader_folder(struct fot_dataset *d, struct fot_err *err);
int fot_reader_file(struct fot_dataset *d, struct fot_err *err); /* one .txt */
int fot_reader_jsonl(struct fot_dataset *d, struct fot_err *err);
int fot_reader_parquet(struct fot_dataset *d, struct fot_err *err);
/* FOT_ERR_USAGE: options for records, of what holds none. */
int fot_reader_no_records(const char *path, struct fot_err *err);
/* FOT_ERR_INPUT: records, of which none is a document. */
int fot_reader_none_taken(const struct fot_dataset *d, struct fot_err *err);
/* One of the folder's Parquet files, and the text of a document that came from one. */
int fot_reader_parquet_shard(struct fot_dataset *d, const char *path, const char *file, struct fot_err *err);
int fot_reader_parquet_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err);

#endif
