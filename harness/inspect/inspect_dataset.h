/* inspect_dataset.h: what a dataset is: documents and labelled items, their splits and sizes. For cmd_inspect.c. */
#ifndef FOT_INSPECT_DATASET_H
#define FOT_INSPECT_DATASET_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/tokenizer.h"

/* Append what a spec (dataset.h, labelled.h) is, as documents, as a labelled set or as both; as text or JSON.
 * t: counts tokens too; may be NULL. Errors: FOT_ERR_INPUT, FOT_ERR_USAGE of what it is most likely meant to be. */
int fot_inspect_dataset(struct fot_str *out, const char *spec, const struct fot_tokenizer *t, bool json,
			struct fot_err *err);
/* Is that the name of an installed dataset, of a folder, of a file with a dataset's suffix, or a spec with options? */
bool fot_inspect_is_dataset(const char *name);

#endif
