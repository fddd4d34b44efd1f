/* map.c: files mapped for reading.
 *
 * A mapping is only as good as the file behind it: cut the file short and a read of what
 * is gone is a bus error; write into it and the numbers change under the reader.  So all
 * mappings are kept in a table, from which a signal handler can name the file of an
 * address (nothing is locked or allocated for that) and a caller can ask whether every
 * file is still what it was, while other threads close theirs.  Replacing a file by
 * renaming is harmless: the mapping keeps the old one. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* More maps than this at a time are possible, but nameless. */
#define SLOTS 512

static struct slot {
	atomic_uintptr_t begin; /* 0: free; SLOT_TAKEN: being filled */
	size_t size;
	char *path;
	struct stat st;
} slots[SLOTS];
static pthread_mutex_t closing = PTHREAD_MUTEX_INITIALIZER; /* a slot's path is there as long as it is held */
#define SLOT_TAKEN ((uintptr_t)1)

/* Takes path over. */
static void remember(const struct fot_map *m, char *path, const struct stat *st)
{
	for (size_t i = 0; i < SLOTS; i++) {
		uintptr_t expected = 0;

		if (!atomic_compare_exchange_strong(&slots[i].begin, &expected, SLOT_TAKEN))
			continue;
		slots[i].size = m->size;
		slots[i].path = path;
		slots[i].st = *st;
		atomic_store(&slots[i].begin, (uintptr_t)m->data);
		return;
	}
	fot_free(path);
}

static void forget(const struct fot_map *m)
{
	bool found = false;

	pthread_mutex_lock(&closing);
	for (size_t i = 0; i < SLOTS && !found; i++) {
		uintptr_t expected = (uintptr_t)m->data;

		found = atomic_compare_exchange_strong(&slots[i].begin, &expected, SLOT_TAKEN);
		if (!found)
			continue;
		fot_free(slots[i].path);
		atomic_store(&slots[i].begin, 0);
	}
	pthread_mutex_unlock(&closing);
}

int fot_map_open(struct fot_map *m, const char *path, struct fot_err *err)
{
	struct stat st;
	uint64_t size = 0;
	char *copy = NULL;
	void *p;
	int fd = -1, status = fot_file_open(&fd, &size, path, err);

	if (status != FOT_OK)
		return status;
	*m = (struct fot_map){ .size = (size_t)size };
	if (size == 0)
		goto out;
	copy = fot_strdup(path);
	if (!copy || fstat(fd, &st) != 0) {
		status = FOT_NO_MEMORY(err, path);
		goto out;
	}
	p = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: cannot map %zu bytes: %m", path, m->size);
		goto out;
	}
	m->data = p;
	remember(m, copy, &st);
	copy = NULL;
out:
	fot_free(copy);
	close(fd);
	return status;
}

void fot_map_close(struct fot_map *m)
{
	if (m->data) {
		forget(m);
		munmap((void *)(uintptr_t)m->data, m->size);
	}
	m->data = NULL;
	m->size = 0;
}

const char *fot_map_at(const void *address, size_t *offset, size_t *size)
{
	uintptr_t at = (uintptr_t)address;

	for (size_t i = 0; i < SLOTS; i++) {
		uintptr_t begin = atomic_load(&slots[i].begin);

		if (begin <= SLOT_TAKEN || at < begin || at - begin >= slots[i].size)
			continue;
		*offset = at - begin;
		*size = slots[i].size;
		return slots[i].path;
	}
	return NULL;
}

void fot_map_unload(const void *at, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)at, end = begin + bytes;
	size_t offset, size;

	if (!fot_map_at(at, &offset, &size) || bytes > size - offset)
		return;
	begin = (begin + page - 1) / page * page;
	end = end / page * page;
	if (begin < end) /* only advice: what fails changes nothing */
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static int check_slot(const struct slot *s, struct fot_err *err)
{
	const struct stat *was = &s->st;
	struct stat is;

	if (stat(s->path, &is) != 0 || is.st_ino != was->st_ino || is.st_dev != was->st_dev)
		return FOT_OK; /* moved away or replaced: the old file is still mapped */
	if (is.st_size != was->st_size)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: changed while in use: had %lld bytes, now %lld", s->path,
				(long long)was->st_size, (long long)is.st_size);
	if (is.st_mtim.tv_sec != was->st_mtim.tv_sec || is.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: changed while in use: it was written to", s->path);
	return FOT_OK;
}

int fot_map_check_all(struct fot_err *err)
{
	int status = FOT_OK;

	pthread_mutex_lock(&closing);
	for (size_t i = 0; i < SLOTS && status == FOT_OK; i++)
		if (atomic_load(&slots[i].begin) > SLOT_TAKEN)
			status = check_slot(&slots[i], err);
	pthread_mutex_unlock(&closing);
	return status;
}
