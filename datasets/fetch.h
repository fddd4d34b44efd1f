/* fetch.h: installing datasets from their manifests, and checking them.
 *
 * STORE/downloads/               package files, kept and used again
 * STORE/DATASET/documents/ID.txt the texts ('/' in an id becomes '_')
 * STORE/DATASET/index.json       written last, see index.h */
#ifndef FOT_FETCH_H
#define FOT_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

struct fot_data_options {
	const char *manifests, *store; /* folders */
	const char *const *names;      /* datasets; n_names 0: every manifest */
	size_t n_names;
	bool optional;                               /* optional (npm) packages too */
	void (*note)(void *user, const char *line); /* progress and warnings, may be NULL */
	void *user;
};

struct fot_data_counts {
	size_t n_datasets, n_installed, n_current; /* asked for; made now; already there */
	size_t n_documents;
	size_t n_differing; /* documents or packages that are not the pinned ones */
	size_t n_damaged;   /* verify: missing, or not what the index says */
	size_t n_absent;    /* verify: datasets not installed */
};

/* Names of the manifests in a folder, sorted. Errors: FOT_ERR_INPUT. */
int fot_data_names(struct fot_names *out, const char *manifests, struct fot_err *err);
/* MANIFESTS/NAME.json appended; FOT_ERR_USAGE with "did you mean" when missing. */
int fot_data_manifest_path(struct fot_str *out, const char *manifests, const char *name, struct fot_err *err);

/* Install what is not installed. Errors: FOT_ERR_RUN (no network, no program),
 * FOT_ERR_INPUT (packages that do not fit the rules), FOT_ERR_OUTPUT. */
int fot_data_fetch(const struct fot_data_options *o, struct fot_data_counts *out, struct fot_err *err);
/* Hash every installed document; notes name what differs. FOT_OK even if counts
 * are not zero. */
int fot_data_verify(const struct fot_data_options *o, struct fot_data_counts *out, struct fot_err *err);

#endif
