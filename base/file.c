/* file.c: reading regular files, atomic replacement, folders.
 *
 * A replaced file is written under a fresh name (O_EXCL, so a planted link
 * cannot redirect it) in the same folder, synced, renamed over the target, and the folder is synced: after a
 * crash the old or the new contents stand there, never a mixture.  The three
 * calls that can lose data go through wrappers which tests can make fail. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

#define READ_CHUNK ((size_t)1 << 18)
#define OUT_BUFFER ((size_t)1 << 16)
#define TEMP_TRIES 1000

/* ---- calls that a test can make fail ---- */

enum io_call { CALL_WRITE, CALL_FSYNC, CALL_RENAME, CALL_COUNT };

static struct {
	const char *name;
	atomic_long countdown;
	atomic_int error;
} faults[CALL_COUNT] = {
	[CALL_WRITE] = { .name = "write" },
	[CALL_FSYNC] = { .name = "fsync" },
	[CALL_RENAME] = { .name = "rename" },
};

void fot_file_fail_at(const char *call, long k, int error)
{
	for (size_t i = 0; i < CALL_COUNT; i++) {
		if (strcmp(faults[i].name, call) != 0)
			continue;
		atomic_store(&faults[i].error, error);
		atomic_store(&faults[i].countdown, k > 0 ? k : 0);
	}
}

static bool told_to_fail(enum io_call call)
{
	long left = atomic_load(&faults[call].countdown);

	while (left > 0) {
		if (!atomic_compare_exchange_weak(&faults[call].countdown, &left, left - 1))
			continue;
		if (left == 1)
			errno = atomic_load(&faults[call].error);
		return left == 1;
	}
	return false;
}

static ssize_t call_write(int fd, const void *p, size_t n)
{
	return told_to_fail(CALL_WRITE) ? -1 : write(fd, p, n);
}

static int call_fsync(int fd)
{
	return told_to_fail(CALL_FSYNC) ? -1 : fsync(fd);
}

static int call_rename(const char *from, const char *to)
{
	return told_to_fail(CALL_RENAME) ? -1 : rename(from, to);
}

/* ---- reading ---- */

static const char *kind_of(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} kinds[] = {
		{ S_IFREG, "a regular file" },
		{ S_IFDIR, "a folder" },
		{ S_IFIFO, "a FIFO" },
		{ S_IFSOCK, "a socket" },
		{ S_IFCHR, "a character device" },
		{ S_IFBLK, "a block device" },
	};

	for (size_t i = 0; i < FOT_COUNT(kinds); i++)
		if ((mode & S_IFMT) == kinds[i].type)
			return kinds[i].name;
	return "something unknown";
}

int fot_file_open(int *fd_out, uint64_t *size, const char *path, struct fot_err *err)
{
	struct stat st;
	int fd, status = FOT_OK;

	/* O_NONBLOCK: opening a FIFO without a writer must not hang. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot open: %m", path);
	if (fstat(fd, &st) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot stat: %m", path);
	else if (!S_ISREG(st.st_mode))
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a regular file, got %s", path,
				  kind_of(st.st_mode));
	if (status != FOT_OK) {
		close(fd);
		return status;
	}
	*fd_out = fd;
	*size = (uint64_t)st.st_size;
	return FOT_OK;
}

int fot_file_read_some(int fd, void *buf, size_t n, size_t *got, const char *path, struct fot_err *err)
{
	ssize_t r;

	do
		r = read(fd, buf, n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot read: %m", path);
	*got = (size_t)r;
	return FOT_OK;
}

static int too_big(const char *path, size_t max, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: larger than the %zu bytes allowed here", path, max);
}

int fot_file_read(struct fot_str *out, const char *path, size_t max, struct fot_err *err)
{
	unsigned char *buf = NULL;
	size_t got = 0, before = out->len;
	uint64_t size;
	int fd = -1, status;

	FOT_TRY(fot_file_open(&fd, &size, path, err));
	if (size > max) {
		status = too_big(path, max, err);
		goto out;
	}
	buf = fot_alloc(READ_CHUNK, 1);
	if (!buf) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory while reading", path);
		goto out;
	}
	/* Until the end, not until size: the file may have grown since. */
	fot_str_add(out, "", 0);
	do {
		FOT_TRY(fot_file_read_some(fd, buf, READ_CHUNK, &got, path, err));
		fot_str_add(out, buf, got);
		if (out->len - before > max) {
			status = too_big(path, max, err);
			goto out;
		}
	} while (got > 0 && !out->failed);
	status = fot_str_check(out, err);
	if (status != FOT_OK)
		fot_err_prefix(err, "%s", path);
out:
	fot_free(buf);
	if (fd >= 0)
		close(fd);
	return status;
}

/* ---- writing ---- */

int fot_write_all(int fd, const void *bytes, size_t n, const char *name, struct fot_err *err)
{
	const char *p = bytes;
	ssize_t w;

	while (n > 0) {
		w = call_write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot write: %m", name);
		if (w == 0)
			return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot write: no progress", name);
		p += w;
		n -= (size_t)w;
	}
	return FOT_OK;
}

int fot_fsync(int fd, const char *name, struct fot_err *err)
{
	struct stat st;
	int r;

	do
		r = call_fsync(fd);
	while (r != 0 && errno == EINTR);
	if (r == 0)
		return FOT_OK;
	/* Pipes and terminals have nothing to sync; some file systems cannot sync folders. */
	if ((errno == EINVAL || errno == EROFS) && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot sync: %m", name);
}

struct fot_outfile {
	char *path, *temp, *dir; /* temp is NULL when written to directly */
	unsigned char *buf;
	size_t used;
	int fd;
};

static void outfile_free(struct fot_outfile *f)
{
	fot_free(f->path);
	fot_free(f->temp);
	fot_free(f->dir);
	fot_free(f->buf);
	fot_free(f);
}

void fot_outfile_abort(struct fot_outfile *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->temp)
		unlink(f->temp);
	outfile_free(f);
}

static bool is_stream(mode_t mode)
{
	return S_ISCHR(mode) || S_ISFIFO(mode);
}

/* Renaming over a stream would destroy it, so write into it. */
static int open_direct(struct fot_outfile *f, struct fot_err *err)
{
	/* O_NONBLOCK: a FIFO without a reader is an error, not a hang. */
	f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 || fcntl(f->fd, F_SETFL, 0) != 0)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot open for writing: %m", f->path);
	return FOT_OK;
}

static int open_temp(struct fot_outfile *f, struct fot_err *err)
{
	static atomic_ulong serial;
	struct fot_str name = FOT_STR_INIT;
	int status = FOT_OK;

	for (int i = 0; i < TEMP_TRIES; i++) {
		fot_str_clear(&name);
		fot_path_join(&name, f->dir, "");
		fot_str_printf(&name, ".fot-%ld-%lu.tmp", (long)getpid(), atomic_fetch_add(&serial, 1));
		FOT_TRY(fot_str_check(&name, err));
		f->fd = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (f->fd >= 0 || errno != EEXIST)
			break;
	}
	if (f->fd < 0) {
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot create a file in %s: %m", f->path, f->dir);
		goto out;
	}
	f->temp = name.data;
	return FOT_OK;
out:
	fot_str_release(&name);
	return status;
}

int fot_outfile_open(struct fot_outfile **out, const char *path, struct fot_err *err)
{
	struct fot_outfile *f = fot_calloc(1, sizeof(*f));
	struct stat st;
	int status;

	if (!f)
		return FOT_NO_MEMORY(err, path);
	f->fd = -1;
	f->path = fot_strdup(path);
	f->dir = fot_path_folder(path);
	f->buf = fot_alloc(OUT_BUFFER, 1);
	if (!f->path || !f->dir || !f->buf)
		status = FOT_NO_MEMORY(err, path);
	else if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		status = open_temp(f, err);
	else if (is_stream(st.st_mode))
		status = open_direct(f, err);
	else
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be replaced: it is %s", path,
				  kind_of(st.st_mode));
	if (status != FOT_OK) {
		fot_outfile_abort(f);
		return status;
	}
	*out = f;
	return FOT_OK;
}

static int flush(struct fot_outfile *f, struct fot_err *err)
{
	size_t n = f->used;

	f->used = 0;
	return fot_write_all(f->fd, f->buf, n, f->path, err);
}

int fot_outfile_write(struct fot_outfile *f, const void *bytes, size_t n, struct fot_err *err)
{
	int status;

	if (n > OUT_BUFFER - f->used) {
		status = flush(f, err);
		if (status != FOT_OK)
			return status;
	}
	if (n >= OUT_BUFFER)
		return fot_write_all(f->fd, bytes, n, f->path, err);
	if (n)
		memcpy(f->buf + f->used, bytes, n);
	f->used += n;
	return FOT_OK;
}

static int sync_folder(const char *dir, struct fot_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (fd < 0)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot open to sync: %m", dir);
	status = fot_fsync(fd, dir, err);
	close(fd);
	return status;
}

int fot_outfile_commit(struct fot_outfile *f, struct fot_err *err)
{
	int status, fd;

	FOT_TRY(flush(f, err));
	FOT_TRY(fot_fsync(f->fd, f->path, err));
	fd = f->fd;
	f->fd = -1;
	if (close(fd) != 0) {
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot close: %m", f->path);
		goto out;
	}
	if (f->temp) {
		if (call_rename(f->temp, f->path) != 0) {
			status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot rename into place: %m", f->path);
			goto out;
		}
		fot_free(f->temp);
		f->temp = NULL;
		status = sync_folder(f->dir, err);
	}
out:
	fot_outfile_abort(f);
	return status;
}

int fot_file_probe(const char *path, struct fot_err *err)
{
	struct fot_outfile *f;
	int status;

	if (fot_file_is_stream(path))
		return access(path, W_OK) == 0 ?
			       FOT_OK :
			       FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot open for writing: %m", path);
	status = fot_outfile_open(&f, path, err);
	if (status == FOT_OK)
		fot_outfile_abort(f);
	return status;
}

int fot_file_replace(const char *path, const void *bytes, size_t n, struct fot_err *err)
{
	struct fot_outfile *f;
	int status = fot_outfile_open(&f, path, err);

	if (status != FOT_OK)
		return status;
	status = fot_outfile_write(f, bytes, n, err);
	if (status != FOT_OK) {
		fot_outfile_abort(f);
		return status;
	}
	return fot_outfile_commit(f, err);
}

int fot_file_replace_at(const char *dir, const char *name, const struct fot_str *text, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_str_check(text, err));
	FOT_TRY(fot_path_at(&path, dir, name, err));
	status = fot_file_replace(path.data, text->data ? text->data : "", text->len, err);
out:
	fot_str_release(&path);
	return status;
}

/* ---- paths ---- */

static int make_one(const char *path, struct fot_err *err)
{
	if (mkdir(path, 0777) == 0)
		return FOT_OK;
	if (errno == EEXIST && fot_is_dir(path))
		return FOT_OK;
	if (errno == EEXIST)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: expected a folder, got a file", path);
	return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot create the folder: %m", path);
}

int fot_mkdir_all(const char *path, struct fot_err *err)
{
	char *copy = fot_strdup(path), *p;
	int status = FOT_OK;

	if (!copy)
		return FOT_NO_MEMORY(err, path);
	for (p = copy; *p == '/'; p++)
		;
	while ((p = strchr(p, '/'))) {
		*p = '\0';
		FOT_TRY(make_one(copy, err));
		*p = '/';
		while (*p == '/')
			p++;
	}
	FOT_TRY(make_one(copy, err));
out:
	fot_free(copy);
	return status;
}

bool fot_file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool fot_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fot_file_is_stream(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && is_stream(st.st_mode);
}

bool fot_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static const char *name_in_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *fot_path_folder(const char *path)
{
	size_t n = (size_t)(name_in_folder(path) - path);

	return n ? fot_strndup(path, n > 1 ? n - 1 : 1) : fot_strdup(".");
}

/* What is not there yet is one file where the names are and the folders are. */
bool fot_same_output(const char *a, const char *b)
{
	char *of_a = fot_path_folder(a), *of_b = fot_path_folder(b);
	bool in_one = of_a && of_b && fot_same_file(of_a, of_b);
	bool same = fot_same_file(a, b) || (in_one && strcmp(name_in_folder(a), name_in_folder(b)) == 0);

	fot_free(of_a);
	fot_free(of_b);
	return same && !fot_file_is_stream(a);
}

void fot_path_join(struct fot_str *out, const char *dir, const char *name)
{
	size_t n = strlen(dir);

	fot_str_add(out, dir, n);
	if (n && dir[n - 1] != '/')
		fot_str_putc(out, '/');
	fot_str_puts(out, name);
}

int fot_path_at(struct fot_str *out, const char *dir, const char *name, struct fot_err *err)
{
	fot_str_clear(out);
	fot_path_join(out, dir, name);
	return fot_str_check(out, err);
}

void fot_path_base(struct fot_str *out, const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (start == end && end > 0) /* "/" alone */
		start--;
	fot_str_add(out, path + start, end - start);
}

/* ---- folders ---- */

static void sort_names(struct fot_names *names)
{
	if (names->n > 1)
		qsort(names->name, names->n, sizeof(names->name[0]), fot_by_text);
}

void fot_names_release(struct fot_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		fot_free(names->name[i]);
	fot_free(names->name);
	names->name = NULL;
	names->n = 0;
}

/* Append a name that names then owns; the array has room for a power of two. */
static int names_take(struct fot_names *names, char *name, struct fot_err *err)
{
	char **grown;

	if (name && (names->n & (names->n - 1)) == 0) {
		grown = fot_realloc(names->name, names->n ? 2 * names->n : 1, sizeof(char *));
		if (grown) {
			names->name = grown;
		} else {
			fot_free(name);
			name = NULL;
		}
	}
	if (!name)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory: a list of %zu names", names->n);
	names->name[names->n++] = name;
	return FOT_OK;
}

/* All entries of a folder, each with the given prefix. */
static int list_into(struct fot_names *out, const char *path, const char *prefix, struct fot_err *err)
{
	struct fot_str name = FOT_STR_INIT;
	DIR *d = opendir(path);
	struct dirent *e;
	int status = FOT_OK;

	if (!d)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot open the folder: %m", path);
	while (errno = 0, (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		FOT_TRY(fot_path_at(&name, prefix, e->d_name, err));
		FOT_TRY(names_take(out, fot_strdup(name.data), err));
		fot_str_clear(&name);
	}
	if (errno)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot read the folder: %m", path);
out:
	closedir(d);
	fot_str_release(&name);
	return status;
}

int fot_dir_list(struct fot_names *out, const char *path, struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status = list_into(&names, path, "", err);

	if (status != FOT_OK) {
		fot_names_release(&names);
		return status;
	}
	sort_names(&names);
	*out = names;
	return FOT_OK;
}

/* One entry met on the walk: files go to out, folders add to the queue. */
static int visit(struct fot_names *files, struct fot_names *queue, const char *root, const char *relative,
		 struct fot_err *err)
{
	struct fot_str full = FOT_STR_INIT;
	struct stat st;
	int status;

	FOT_TRY(fot_path_at(&full, root, relative, err));
	if (lstat(full.data, &st) != 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot stat: %m", full.data);
	else if (S_ISDIR(st.st_mode))
		status = list_into(queue, full.data, relative, err);
	else if (S_ISREG(st.st_mode))
		status = names_take(files, fot_strdup(relative), err);
out:
	fot_str_release(&full);
	return status;
}

int fot_dir_walk(struct fot_names *out, const char *path, struct fot_err *err)
{
	struct fot_names files = { 0 }, queue = { 0 };
	int status;

	/* The queue only grows while it is walked: no recursion, whatever the depth. */
	FOT_TRY(list_into(&queue, path, "", err));
	for (size_t i = 0; i < queue.n; i++)
		FOT_TRY(visit(&files, &queue, path, queue.name[i], err));
	sort_names(&files);
	*out = files;
	files = (struct fot_names){ 0 };
out:
	fot_names_release(&files);
	fot_names_release(&queue);
	return status;
}
