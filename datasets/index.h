/* index.h: what is installed: STORE/DATASET/index.json.
 *
 * Written last, so that a dataset with an index is whole. It holds the hash of
 * the manifest, the packages that were really used, and each document with its
 * hash; "pinned" says whether package or document is the one the manifest
 * states. */
#ifndef FOT_INDEX_H
#define FOT_INDEX_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/dataset.h"

struct fot_index_package {
	const char *name, *registry, *version, *sha256;
	bool pinned;
};

struct fot_index_document {
	const char *id, *sha256, *package;
	enum fot_split split;
	int64_t bytes, words;
	bool pinned;
};

struct fot_index {
	cJSON *json; /* owns the strings */
	const char *dataset, *manifest_sha256;
	bool optional; /* optional packages were asked for */
	struct fot_index_package *packages;
	struct fot_index_document *documents;
	size_t n_packages, n_documents;
};

/* STORE/DATASET/NAME appended to out. */
void fot_index_path(struct fot_str *out, const char *store, const char *dataset, const char *name);
/* STORE/DATASET/documents/FILE of an id, appended to out. */
void fot_index_document_path(struct fot_str *out, const char *store, const char *dataset, const char *id);

/* Errors: FOT_ERR_INPUT. Release after success only. */
int fot_index_read(struct fot_index *x, const char *store, const char *dataset, struct fot_err *err);
/* Uses all but json. Errors: FOT_ERR_OUTPUT. */
int fot_index_write(const struct fot_index *x, const char *store, struct fot_err *err);
void fot_index_release(struct fot_index *x);

#endif
