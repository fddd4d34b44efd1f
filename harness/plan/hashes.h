/* hashes.h: sha256 of large files, remembered from run to run.
 *
 * STORE/hashes/NAME holds one line about one file: its path, what the system says of it (size, times of
 * content and of inode in ns, inode, device), its hash, and a CRC of the line; NAME is the sha256 of the path.  A line
 * counts only if it is whole, this user's and nobody else's to write, and says exactly what the system says now:
 * anything else is as if it were not there.  Files of which that cannot be trusted (dated within the last seconds, or
 * changed while they were read) are not remembered. */
#ifndef FOT_HASHES_H
#define FOT_HASHES_H

#include "base/err.h"

/* The sha256 of a file: remembered, or of its bytes. A store that cannot be written is no error. Errors: as
 * fot_sha256_file. */
int fot_hashes_of_file(const char *path, char out[65], struct fot_err *err);

#endif
