/* datamanifest.h: what a dataset is made of: datasets/manifests/NAME.json.
 *
 * {
 *   "format": "fotbench-manifest-1", "dataset": NAME, "description": TEXT,
 *   "packages": [{
 *     "name", "registry": "deb" | "npm" | "dir", "version", "sha256" of the
 *     package file, "bytes" (download), "licence",
 *     "optional": true (fetched only when asked for; its documents too),
 *     "archives": archives inside, unpacked in order into PATH.d/,
 *     "path": the folder, for "dir" (relative to the manifest) }],
 *   "documents": [{
 *     "id", "split": "train" | "valid" | "test", "package",
 *     "include", "exclude": fnmatch patterns over the package's paths ('*'
 *       matches '/' too); files are taken in bytewise order of their paths,
 *       empty ones left out, joined with "between"; each pattern of include must
 *       match a file,
 *     "between": text between two files (default "\n"),
 *     "gunzip": true (gzip files are unpacked),
 *     "encoding": "utf-8" (default) | "latin1" | "mixed" (a file that is not
 *       valid UTF-8 is latin1),
 *     "from", "until": keep the joined text from the first occurrence of one to
 *       before the next occurrence of the other,
 *     "sword": {"module", "kind", "first", "count"} instead of include, see
 *       fot_text_sword,
 *     "bytes", "sha256": of the resulting text }]
 * }
 * Every file loses a byte order mark and CR LF becomes LF. Unknown keys are errors. */
#ifndef FOT_DATAMANIFEST_H
#define FOT_DATAMANIFEST_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/dataset.h"

enum fot_registry { FOT_REGISTRY_DEB, FOT_REGISTRY_NPM, FOT_REGISTRY_DIR };
enum fot_encoding { FOT_ENCODING_UTF8, FOT_ENCODING_LATIN1, FOT_ENCODING_MIXED };

struct fot_package {
	enum fot_registry registry;
	const char *name, *version, *sha256, *licence, *path; /* "" where not given */
	const char **archives;
	size_t n_archives;
	int64_t bytes;
	bool optional;
};

struct fot_rule { /* how one document is made */
	const char *id;
	enum fot_split split;
	size_t package; /* index */
	const char **include, **exclude;
	size_t n_include, n_exclude;
	const char *from, *until, *module, *kind; /* NULL where not given */
	const char *between;
	int64_t first, count;
	bool gunzip;
	enum fot_encoding encoding;
	int64_t bytes;
	const char *sha256;
};

struct fot_datamanifest {
	cJSON *json; /* owns the strings */
	char *path;
	char sha256[65]; /* of the file */
	const char *dataset, *description;
	struct fot_package *packages;
	struct fot_rule *documents;
	size_t n_packages, n_documents;
};

/* Errors: FOT_ERR_INPUT. Release after success only. */
int fot_datamanifest_read(struct fot_datamanifest *m, const char *path, struct fot_err *err);
void fot_datamanifest_release(struct fot_datamanifest *m);

/* Names of the tables above, for messages and indexes. */
const char *fot_split_name(enum fot_split split);
const char *fot_registry_name(enum fot_registry registry);
/* A split by its name: train, valid, validation, val, dev or test, in small or capital letters. */
bool fot_split_parse(const char *name, enum fot_split *out);

/* An id: letters, digits and "._+-/" without empty, "." or ".." parts. */
bool fot_document_id_ok(const char *id);
/* The document's file name, id with '/' replaced by '_' and ".txt", appended. */
void fot_document_file(struct fot_str *out, const char *id);

/* Make document d's text from its unpacked package. Errors: FOT_ERR_INPUT. */
int fot_datamanifest_build(const struct fot_datamanifest *m, const struct fot_rule *d, const char *folder,
		       struct fot_str *out, struct fot_err *err);

#endif
