/* torch_zip.h: reader of pytorch_model.bin, as torch.save writes state dicts.
 *
 * The file is a zip archive of stored entries: NAME/data.pkl, a pickle of protocol 2,
 * and NAME/data/KEY, the bytes of one storage each.  The archive and the pickle are
 * read by our own bounded code: no opcode and no global beyond those of a state dict is
 * known, so nothing is ever executed; what is unknown is refused by name.  Tensors point
 * into the mapping. */
#ifndef FOT_TORCH_ZIP_H
#define FOT_TORCH_ZIP_H

#include "model/safetensors.h"

struct fot_torch; /* owns mapping and table */
/* Errors: FOT_ERR_INPUT naming file, place and rule. */
int fot_torch_open(struct fot_torch **out, const char *path, struct fot_err *err);
/* The same over n bytes that the caller keeps for as long as it is open; name stands in messages. */
int fot_torch_open_memory(struct fot_torch **out, const void *bytes, size_t n, const char *name,
			  struct fot_err *err);
void fot_torch_close(struct fot_torch *t);
size_t fot_torch_count(const struct fot_torch *t);
const struct fot_tensor *fot_torch_at(const struct fot_torch *t, size_t i); /* in the dict's order */

#endif
