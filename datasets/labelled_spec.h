/* labelled_spec.h: the spec strings of labelled sets, taken apart. For datasets/labelled.c. */
#ifndef FOT_LABELLED_SPEC_H
#define FOT_LABELLED_SPEC_H

#include "datasets/labelled_priv.h"

struct fot_labelled_spec {
	char **path;           /* [n] files, or names of installed sets */
	enum fot_split *split; /* [n] FOT_SPLIT_BY_NAME: by hash */
	size_t n, cap;
	struct fot_labelled_opts opts; /* name filled in */
	const char *store;
};

/* Errors: FOT_ERR_USAGE, FOT_ERR_INPUT. Release always. */
int fot_labelled_spec_parse(struct fot_labelled_spec *s, const char *spec, const char *store,
			    struct fot_err *err);
void fot_labelled_spec_release(struct fot_labelled_spec *s);

/* The first name of names=, and the number that it stands for. */
const char *fot_labelled_names(const char *names, int64_t *first);

/* Does the option hypernym name several sources? */
bool fot_hypernym_pattern(const char *hypernym);

/* The kind of file by its suffix, NULL if none. */
struct fot_labelled_kind {
	const char *suffix;
	int (*read)(struct fot_labelling *g, struct fot_err *err);
};
const struct fot_labelled_kind *fot_labelled_kind(const char *path);

#endif
