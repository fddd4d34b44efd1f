/* file.h: reading, mapping and replacing files.
 *
 * Reading refuses what is not a regular file (directory, FIFO, device) with a
 * message that says what it is.  Writing is atomic: a temporary file in the
 * same folder (O_EXCL, O_NOFOLLOW), fsync, rename, fsync of the folder.
 * Short writes and EINTR are handled; a failed fsync is final. */
#ifndef FOT_FILE_H
#define FOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Open a regular file for reading; size in bytes. Errors: FOT_ERR_INPUT. */
int fot_file_open(int *fd, uint64_t *size, const char *path, struct fot_err *err);
/* read() once, retried on EINTR: bytes got, 0 at the end. Errors: FOT_ERR_INPUT. */
int fot_file_read_some(int fd, void *buf, size_t n, size_t *got, const char *path, struct fot_err *err);

/* Whole file into out (appended). Errors: FOT_ERR_INPUT; over max bytes too. */
int fot_file_read(struct fot_str *out, const char *path, size_t max, struct fot_err *err);

struct fot_map {
	const unsigned char *data; /* NULL for an empty file */
	size_t size;
};
/* Map read-only. Errors: FOT_ERR_INPUT. */
int fot_map_open(struct fot_map *m, const char *path, struct fot_err *err);
void fot_map_close(struct fot_map *m);
/* The path of the mapped file that an address lies in, its offset there and the file's size when
 * it was mapped; NULL if there is none. May be called from a signal handler. */
const char *fot_map_at(const void *address, size_t *offset, size_t *size);
/* Take what is mapped of [at, at + bytes) out of memory until it is read again; where nothing is mapped,
 * nothing is done. */
void fot_map_unload(const void *at, size_t bytes);
/* Is every mapped file what it was when it was mapped? Errors: FOT_ERR_INPUT naming one that was
 * written to or cut; one that was replaced by another under its name is still whole. */
int fot_map_check_all(struct fot_err *err);

/* Could path be replaced, or written to if it is a stream? Asked before long work; nothing of it changes.
 * A stream is not opened: its reader would take that for the end. Errors: FOT_ERR_OUTPUT. */
int fot_file_probe(const char *path, struct fot_err *err);
/* Replace path by n bytes, atomically. Errors: FOT_ERR_OUTPUT. */
int fot_file_replace(const char *path, const void *bytes, size_t n, struct fot_err *err);
/* The same of dir + "/" + name by a text, which may have failed. Errors: FOT_ERR_RUN too. */
int fot_file_replace_at(const char *dir, const char *name, const struct fot_str *text, struct fot_err *err);

/* A file being replaced: written in pieces, visible only after _commit.
 * A stream (fot_file_is_stream) is written to directly.
 * _abort may follow any failure and removes the temporary file. */
struct fot_outfile;
int fot_outfile_open(struct fot_outfile **out, const char *path, struct fot_err *err);
int fot_outfile_write(struct fot_outfile *f, const void *bytes, size_t n, struct fot_err *err);
int fot_outfile_commit(struct fot_outfile *f, struct fot_err *err); /* frees f */
void fot_outfile_abort(struct fot_outfile *f);                      /* frees f, NULL allowed */

/* write() all bytes to a descriptor. Errors: FOT_ERR_OUTPUT. */
int fot_write_all(int fd, const void *bytes, size_t n, const char *name, struct fot_err *err);
int fot_fsync(int fd, const char *name, struct fot_err *err);

/* mkdir -p. Errors: FOT_ERR_OUTPUT. */
int fot_mkdir_all(const char *path, struct fot_err *err);
bool fot_file_exists(const char *path);
bool fot_is_dir(const char *path);
/* A terminal, another character device or a pipe with a name: written to as it is, never replaced. */
bool fot_file_is_stream(const char *path);
/* Are both there, and one and the same file or folder (by another path, a link)? */
bool fot_same_file(const char *a, const char *b);
/* Would one of two outputs take the place of the other? Neither need be there; a stream takes both. */
bool fot_same_output(const char *a, const char *b);
/* dir + "/" + name appended to out. */
void fot_path_join(struct fot_str *out, const char *dir, const char *name);
/* out becomes dir + "/" + name. Errors: FOT_ERR_RUN. */
int fot_path_at(struct fot_str *out, const char *dir, const char *name, struct fot_err *err);
/* The folder that a file's path lies in: "a" of "a/b", "." of "b", "/" of "/b". Free with fot_free; NULL
 * without memory. */
char *fot_path_folder(const char *path);
/* Last component, without trailing slashes, appended to out. */
void fot_path_base(struct fot_str *out, const char *path);

/* Names in a folder, sorted bytewise, "." and ".." left out. */
struct fot_names {
	char **name;
	size_t n;
};
int fot_dir_list(struct fot_names *out, const char *path, struct fot_err *err);
/* All regular files below a folder, as sorted relative paths; symlinks are not followed. */
int fot_dir_walk(struct fot_names *out, const char *path, struct fot_err *err);
void fot_names_release(struct fot_names *names);

/* Fault injection for tests: the k-th call of "write", "fsync" or "rename"
 * from now fails with the given errno; k = 0 switches off. */
void fot_file_fail_at(const char *call, long k, int error);

#endif
