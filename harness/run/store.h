/* store.h: where the dataset store and the manifests are. */
#ifndef FOT_STORE_H
#define FOT_STORE_H

#include "base/err.h"
#include "base/str.h"

/* $FOTBENCH_DATA; else ./datasets/store where ./datasets/manifests is; else
 * datasets/store beside the program (DIR/fotbench or DIR/build/VARIANT/fotbench).
 * Appended to out. FOT_ERR_RUN when out of memory. */
int fot_store_default(struct fot_str *out);
/* Append a path in the repository: as it is where ./datasets/manifests is, else beside the program. */
int fot_repository_path(struct fot_str *out, const char *name);
/* The manifests: ./datasets/manifests, else those beside the program. */
int fot_manifests_default(struct fot_str *out);

#endif
