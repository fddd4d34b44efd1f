/* hashes.c: see hashes.h. */
#include "harness/plan/hashes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "harness/plan/paths.h"

#define FOLDER "hashes"
#define LEAST_BYTES (1 << 20) /* smaller files are hashed while a line about them is looked for */
#define SETTLED_S 3           /* a file changed later may change again under the same times */
#define LINE_MAX_BYTES ((size_t)1 << 14)

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* What the system says of the file at an absolute path. */
static void describe(struct fot_str *out, const char *path, const struct stat *st)
{
	fot_str_printf(out, "fotbench-sha256 2 size %lld mtime %lld.%09ld ctime %lld.%09ld inode %llu device %llu path ",
		       (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, (unsigned long long)st->st_ino,
		       (unsigned long long)st->st_dev);
	fot_str_json(out, path, strlen(path));
}

/* The line of a hash: description, hash, CRC. */
static void add_hash(struct fot_str *line, const char *hash)
{
	fot_str_printf(line, " sha256 %.64s", hash);
	fot_str_printf(line, " crc %08x\n", fot_crc32(0, line->data, line->len));
}

/* STORE/hashes, and the file in it that may hold the line. */
static bool place_of(struct fot_str *folder, struct fot_str *file, const char *path)
{
	struct fot_str store = FOT_STR_INIT;
	char name[65];
	bool good = fot_store_find(&store, NULL, NULL) == FOT_OK;

	if (good) {
		fot_sha256_of(path, strlen(path), name);
		fot_path_join(folder, store.data, FOLDER);
		good = !folder->failed;
	}
	if (good)
		fot_path_join(file, folder->data, name);
	fot_str_release(&store);
	return good && !file->failed;
}

/* Of this user, and nobody else's to write. */
static bool is_own(const char *file)
{
	struct stat st;

	return lstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* The line that the file would hold is made again from what it says the hash is; it must be that line. */
static bool recall(const char *file, const struct fot_str *about, char out[65])
{
	struct fot_str got = FOT_STR_INIT, want = FOT_STR_INIT;
	size_t at = about->len + strlen(" sha256 ");
	bool good = is_own(file) && fot_file_read(&got, file, LINE_MAX_BYTES, NULL) == FOT_OK &&
		    got.len >= at + 64;

	if (good) {
		fot_str_add(&want, about->data, about->len);
		memcpy(out, got.data + at, 64);
		out[64] = '\0';
		good = strspn(out, "0123456789abcdef") == 64;
	}
	if (good) {
		add_hash(&want, out);
		good = !want.failed && got.len == want.len && memcmp(got.data, want.data, got.len) == 0;
	}
	fot_str_release(&got);
	fot_str_release(&want);
	return good;
}

/* Did it stand still from before it was read until now, and for a while before? */
static bool settled(const char *path, const struct stat *was)
{
	struct timespec now;
	struct stat st;

	return stat(path, &st) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	       st.st_size == was->st_size && st.st_ino == was->st_ino && st.st_dev == was->st_dev &&
	       same_time(st.st_mtim, was->st_mtim) && same_time(st.st_ctim, was->st_ctim) &&
	       now.tv_sec - was->st_mtim.tv_sec >= SETTLED_S;
}

static void remember(const char *folder, const char *file, struct fot_str *about, const char *hash)
{
	add_hash(about, hash);
	if (!about->failed && fot_mkdir_all(folder, NULL) == FOT_OK &&
	    fot_file_replace(file, about->data, about->len, NULL) == FOT_OK) /* else it is hashed again */
		(void)chmod(file, S_IRUSR | S_IWUSR); /* whatever the umask leaves to a group */
}

int fot_hashes_of_file(const char *path, char out[65], struct fot_err *err)
{
	struct fot_str about = FOT_STR_INIT, folder = FOT_STR_INIT, file = FOT_STR_INIT;
	char *full = realpath(path, NULL);
	struct stat st;
	int status = FOT_OK;
	bool may =
		full && stat(full, &st) == 0 && st.st_size >= LEAST_BYTES && place_of(&folder, &file, full);

	if (may) {
		describe(&about, full, &st);
		may = !about.failed;
	}
	if (may && recall(file.data, &about, out))
		goto out;
	FOT_TRY(fot_sha256_file(path, out, err));
	if (may && settled(full, &st))
		remember(folder.data, file.data, &about, out);
out:
	free(full); /* of the C library */
	fot_str_release(&about);
	fot_str_release(&folder);
	fot_str_release(&file);
	return status;
}
