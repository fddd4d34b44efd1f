/* journal.h: the append-only truth of a run.
 *
 *   {"crc":"89abcdef","rec":{"format": "fotbench-journal", "version": 1, "identity": {...}}}
 *   {"crc":"01234567","rec":{"item": "...", "result": {...}, "note": {...}, "synced": 1234}}
 *   ...
 *
 * One line per finished item, written by one write() before the next item begins: it outlives the process. For the disk
 * (fsync) is waited once a second, and before an item that takes longer: a machine that loses its power may lose the
 * items of its last second. crc is CRC-32 of the bytes between `"rec":` and the last brace.  `identity` is everything a
 * result depends on; `result` is what an item gave; `note` (times, sizes) does not belong to the identity of a record.
 * `synced`, a mark, is in the first record behind each wait for the disk: so many bytes of the file were on it before the
 * record was written.  Closing waits too; that a journal was closed the manifest of its folder says (folder.h).
 *
 * Reading trusts nothing.  The last line may be torn (cut anywhere, or with a
 * wrong CRC): it is dropped and its item done again.  A machine that lost its power may have kept the length of the file
 * and some of its last bytes, and zeros in place of others: a bad line that holds a zero is a hole. If no mark behind it
 * says that it was on the disk, and the journal was not closed, it ends before the hole; what is behind it is done again.
 * Anything else wrong before the last line is an error that names the line, as is a hole in what was on the disk.  Of two
 * records of one item with equal results the first counts; unequal ones are an error. */
#ifndef FOT_JOURNAL_H
#define FOT_JOURNAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

#define FOT_JOURNAL_VERSION 1
#define FOT_JOURNAL_SYNC_S 1.0
#define FOT_JOURNAL_PART ((size_t)16 << 20) /* bytes of files that are in memory while they are read through */

/* What an item gave stays in the file, which is mapped, until it is asked for: some 100 bytes of memory a record. */
struct fot_record {
	const char *item; /* of the content */
	const char *text; /* [n_text] of the mapped file; NULL after fot_journal_resume */
	size_t n_text;
	size_t line;    /* from 1 */
	size_t name;    /* where item stands among the content's names */
	size_t journal; /* which of those that were joined */
};

struct fot_journal_content {
	cJSON *identity; /* NULL if not even the header was complete */
	struct fot_map file;
	struct fot_str names;
	struct fot_record *rec; /* sorted by item, duplicates gone */
	size_t n, n_duplicates;
	size_t valid_bytes; /* length of the good part */
	size_t torn_bytes;  /* dropped behind it */
	size_t hole_line;   /* they begin with a hole, in this line; 0: they are one torn line at most */
	size_t n_behind;    /* whole records behind the hole, dropped with it */
};

/* Whether it was closed is not asked: fot_journal_check_closed. Errors: FOT_ERR_INPUT (unreadable, foreign, corrupt),
 * FOT_ERR_RUN (memory). */
int fot_journal_load(struct fot_journal_content *out, const char *path, struct fot_err *err);
/* Of one that was closed: a hole anywhere is FOT_ERR_INPUT. */
int fot_journal_check_closed(const struct fot_journal_content *c, const char *path, struct fot_err *err);
/* The records of n journals as if they were one's: sorted, each item once, that of the first journal that has it. They
 * stay where they are: out is released before the journals are. Errors: FOT_ERR_INPUT (two results of an item that
 * differ), FOT_ERR_RUN (memory). */
int fot_journal_join(struct fot_journal_content *out, const struct fot_journal_content *given, size_t n,
		     struct fot_err *err);
void fot_journal_content_release(struct fot_journal_content *c);
const struct fot_record *fot_journal_find(const struct fot_journal_content *c,
					  const char *item); /* or NULL */
/* Bytes of its file that come into memory with it: whole pages. */
size_t fot_record_bytes(const struct fot_record *r);
/* What it gave, for cJSON_Delete; *note is NULL where there is none. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_journal_read(cJSON **result, cJSON **note, const struct fot_record *r, struct fot_err *err);

struct fot_journal;
/* Start a journal; path must not exist. Errors: FOT_ERR_OUTPUT. */
int fot_journal_create(struct fot_journal **out, const char *path, const cJSON *identity,
		       struct fot_err *err);
/* Load, compare the identity (FOT_ERR_USAGE listing what differs), cut what is
 * torn and go on appending. closed: it was, so that nothing but a torn last line may be cut. content holds what is there
 * already, by its items alone. */
int fot_journal_resume(struct fot_journal **out, struct fot_journal_content *content, const char *path,
		       const cJSON *identity, bool closed, struct fot_err *err);
/* Write one record; it is on the disk FOT_JOURNAL_SYNC_S later with the next one or before (fot_journal_settle), and when
 * the journal has been closed.
 * note may be NULL. A failed write is taken back; after a failed fsync the journal takes no more records.
 * Errors: FOT_ERR_OUTPUT. */
int fot_journal_append(struct fot_journal *j, const char *item, const cJSON *result, const cJSON *note,
		       struct fot_err *err);
/* The same with a record of another journal, as it stands there. It is on the disk when the journal has been
 * closed, or with the next record that is waited for: until then it still stands where it was taken from. */
int fot_journal_copy(struct fot_journal *j, const struct fot_record *r, struct fot_err *err);
/* The next record comes in about so many seconds: those that are written are waited for now if one of them would not be
 * on the disk within FOT_JOURNAL_SYNC_S. Errors: FOT_ERR_OUTPUT. */
int fot_journal_settle(struct fot_journal *j, double seconds, struct fot_err *err);
/* All of it is on the disk then. NULL allowed. Errors: FOT_ERR_OUTPUT. */
int fot_journal_close(struct fot_journal *j, struct fot_err *err);

#endif
