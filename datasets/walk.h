/* walk.h: the files of texts below a folder (.txt, .parquet), symbolic links followed. For reader_folder.c. */
#ifndef FOT_WALK_H
#define FOT_WALK_H

#include "base/file.h"
#include "datasets/dataset.h"

/* Their paths relative to the folder, sorted bytewise; what is left out is counted in left.
 * A link to a folder that it lies in is left out, one that leads nowhere is FOT_ERR_INPUT, as are
 * more than 10,000 links to folders. */
int fot_walk_texts(struct fot_names *out, struct fot_left_out *left, const char *root, struct fot_err *err);

#endif
