/* dataset.h: documents: where they come from and what they are.
 *
 * A dataset is a folder made by `fotbench data fetch` from a manifest, a folder
 * of .txt files, one such file, a JSONL file of {"text": ...} records, or Parquet files with such
 * columns; the others may be packed (.gz, .zst).  Documents keep their order; each has an id, a sha256 and a split.
 * How texts are read stands in docs/data.md. */
#ifndef FOT_DATASET_H
#define FOT_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/tokenizer.h"

enum fot_split { FOT_TRAIN, FOT_VALID, FOT_TEST, FOT_SPLIT_ALL };

struct fot_document {
	char *id;        /* unique in the dataset, e.g. "hol-light/Multivariate" */
	char sha256[65]; /* of the text */
	enum fot_split split;
	int64_t n_bytes, n_words; /* words: maximal runs of non-white-space bytes */
};

/* What a source holds and its dataset does not. */
struct fot_left_out {
	size_t n_other;    /* files of other kinds: */
	size_t n_jsonl;    /* of these the files of records, each a dataset of its own */
	size_t n_hidden;   /* files and folders whose names begin with '.' */
	size_t n_loops;    /* links to a folder that they lie in */
	size_t n_filtered; /* records that where= does not take */
	char first[128];   /* one of the files, cut */
};

struct fot_dataset;
/* Is that, without its options, a path and not a name? A path has a '/' or ends like a file of texts. */
bool fot_dataset_is_path(const char *spec);
/* spec: a dataset name (books, proofs, code, tex) installed in store, or a path:
 *   a folder     its .txt and .parquet files, recursively, links followed. The folders train, valid
 *                (validation, val, dev) and test right below it are splits, all else is FOT_TEST; of
 *                .parquet files the first folder or front of their name ("train-00000-of-00002") that
 *                is called so
 *   FILE.txt     one document, FOT_TEST
 *   FILE.jsonl, FILE.parquet  a document for each record, FOT_TEST; behind the path ?key=value&key=value:
 *                text=FIELD (text), id=FIELD (id; empty: line numbers), where=FIELD:PATTERNS
 *                (records whose field matches one of them, fnmatch, commas between), name=NAME.
 *                A field of an object in the record has dots: where=meta.pile_set_name:ArXiv
 * Files may be .gz or .zst too.  Errors: FOT_ERR_INPUT, and FOT_ERR_USAGE for options that are
 * none; a name that is not installed says how to fetch it. */
int fot_dataset_open(struct fot_dataset **out, const char *spec, const char *store, struct fot_err *err);
void fot_dataset_close(struct fot_dataset *d);
const char *fot_dataset_name(const struct fot_dataset *d);
const char *fot_dataset_hash(const struct fot_dataset *d); /* sha256 over ids and document hashes */
size_t fot_dataset_count(const struct fot_dataset *d);
const struct fot_document *fot_dataset_at(const struct fot_dataset *d, size_t i);
/* Is document i the text that the dataset's manifest states (always true for
 * folders and JSONL files)?  A run's manifest.json lists those that are not. */
bool fot_dataset_pinned(const struct fot_dataset *d, size_t i);
size_t fot_dataset_n_differing(const struct fot_dataset *d);
const struct fot_left_out *fot_dataset_left_out(const struct fot_dataset *d);
/* Documents of 0 bytes. */
size_t fot_dataset_empty(const struct fot_dataset *d);
/* Documents whose text an earlier document has too (empty ones apart). */
size_t fot_dataset_repeats(const struct fot_dataset *d);
/* What a reader of the results should know of these; one line without an end, appended to out,
 * nothing where there is nothing to say. */
void fot_dataset_notice(struct fot_str *out, const struct fot_dataset *d);
/* Where it came from, e.g. "deb anarchism 15.3-3, npm x 1.0 (not pinned)", or a path. */
const char *fot_dataset_origin(const struct fot_dataset *d);
/* Read a document's text; its hash is checked. */
int fot_dataset_text(const struct fot_dataset *d, size_t i, struct fot_str *out, struct fot_err *err);

/* BOS + tokens of a document, from the token cache (store/tokens/, keyed by the
 * document's and the tokenizer's hash) or encoded and cached. store NULL: no cache. */
int fot_dataset_tokens(const struct fot_dataset *d, size_t i, const struct fot_tokenizer *t,
		       const char *store, struct fot_ids *out, struct fot_err *err);

#endif
