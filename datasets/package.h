/* package.h: getting packages and unpacking them. For datasets/fetch.c. */
#ifndef FOT_PACKAGE_H
#define FOT_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/datamanifest.h"

typedef void fot_note_fn(void *user, const char *line);

/* Where packages come to lie, and what has been tried. */
struct fot_downloads {
	const char *folder; /* STORE/downloads, absolute: whole package files only */
	const char *work;   /* a fresh folder on the same file system, absolute */
	const char *manifests;
	bool updated; /* apt-get update has been run */
	fot_note_fn *note;
	void *user;
};

/* A package file that is there. */
struct fot_got {
	struct fot_str path, version;
	char sha256[65]; /* "" for a folder */
	bool pinned;     /* version and hash are the manifest's */
};
void fot_got_release(struct fot_got *got);

/* Have the n packages of a manifest in d->folder: one apt-get for the Debian
 * ones that are missing, then, where that fails, one by one, the newest version
 * where the pinned one is gone. wanted[i] says which. got[n] zeroed by the
 * caller, released by it always. Errors: FOT_ERR_RUN, one clear line. */
int fot_packages_get(struct fot_downloads *d, const struct fot_datamanifest *m, const bool *wanted, struct fot_got *got,
		     struct fot_err *err);
/* Unpack into a fresh folder, archives inside too; for "dir" folder is that one. */
int fot_package_unpack(const struct fot_package *p, const struct fot_got *got, const char *work,
		       struct fot_str *folder, struct fot_err *err);
/* rm -rf; missing is fine. */
int fot_remove_tree(const char *path, struct fot_err *err);

#endif
