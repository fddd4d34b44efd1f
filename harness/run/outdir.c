/* outdir.c: see outdir.h.
 *
 * The lock is flock() on OUT/LOCK: the kernel frees it with the process, so a
 * killed run leaves no stale lock.  (Over NFS flock may be local to one host.) */
#include "harness/run/outdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "harness/export/page.h"
#include "harness/plan/task_class.h"

#define LOCK_NAME "LOCK"

static const char *const shared_files[] = { "manifest.json", "journal.jsonl", "summary.csv",
					    "summary.md",    "summary.tex",   "log.txt",     FOT_PAGE_NAME };

/* What a run writes, or a report of it: the above, then the CSV of each task, then its samples, then its page. */
static size_t n_own(void)
{
	return FOT_COUNT(shared_files) + 3 * fot_n_task_classes;
}

static const char *own_file(size_t i)
{
	const struct fot_task_class *task;

	if (i < FOT_COUNT(shared_files))
		return shared_files[i];
	i -= FOT_COUNT(shared_files);
	task = fot_task_classes[i % fot_n_task_classes];
	return i < fot_n_task_classes     ? task->csv :
	       i < 2 * fot_n_task_classes ? task->samples :
	       task->page                 ? task->page :
					    task->csv;
}

char *fot_outdir_file(const struct fot_outdir *o, const char *name)
{
	struct fot_str path = FOT_STR_INIT;
	char *out;

	fot_path_join(&path, o->path, name);
	out = path.failed ? NULL : fot_strdup(path.data);
	fot_str_release(&path);
	return out;
}

/* Folders of a run: all files in them are its own. */
static bool is_own_folder(const char *name)
{
	return strcmp(name, "samples") == 0 || strcmp(name, "plots") == 0;
}

static bool is_own(const char *name)
{
	for (size_t i = 0; i < n_own(); i++) {
		if (strcmp(own_file(i), name) == 0)
			return true;
	}
	return is_own_folder(name);
}

static bool holds_run(const char *folder)
{
	static const char *const marks[] = { "manifest.json", "journal.jsonl" };
	bool holds = false;

	for (size_t i = 0; i < FOT_COUNT(marks) && !holds; i++) {
		struct fot_str path = FOT_STR_INIT;

		fot_path_join(&path, folder, marks[i]);
		holds = !path.failed && fot_file_exists(path.data);
		fot_str_release(&path);
	}
	return holds;
}

/* Is what would have that name in that folder a file of a run? Its page is not. */
static bool is_of_run(const char *folder, const char *name)
{
	bool page = strcmp(name, FOT_PAGE_NAME) == 0;
	char whole[PATH_MAX], *own;

	if (!page && (is_own(name) || strcmp(name, LOCK_NAME) == 0) && holds_run(folder))
		return true;
	if (!realpath(folder, whole)) /* "." may be a run's samples, too */
		return false;
	own = strrchr(whole, '/') + 1;
	if (!is_own_folder(own))
		return false;
	*own = '\0';
	return holds_run(whole);
}

int fot_outdir_spare(const char *path, struct fot_err *err)
{
	struct fot_str name = FOT_STR_INIT;
	char *folder = NULL;
	int status = FOT_OK;

	if (!path || !*path)
		return FOT_OK;
	fot_path_base(&name, path);
	FOT_TRY(fot_str_check(&name, err));
	folder = fot_path_folder(path);
	if (!folder)
		status = FOT_NO_MEMORY(err, path);
	else if (is_of_run(folder, name.data))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: is a file of a run; expected another one to write", path);
out:
	fot_free(folder);
	fot_str_release(&name);
	return status;
}

static int remove_own(const struct fot_outdir *o, struct fot_err *err)
{
	for (size_t i = 0; i < n_own(); i++) {
		char *path = fot_outdir_file(o, own_file(i));
		int failed = path ? unlink(path) != 0 && errno != ENOENT : 1;

		fot_free(path);
		if (failed)
			return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s/%s: cannot be removed: %s", o->path,
					own_file(i), strerror(errno));
	}
	return FOT_OK;
}

static int locked(const struct fot_outdir *o, struct fot_err *err)
{
	char holder[128] = "";
	ssize_t n = pread(o->lock_fd, holder, sizeof holder - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
	return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: another run writes here (%s)", o->path,
			holder[0] ? holder : "holder unknown");
}

static int take_lock(struct fot_outdir *o, struct fot_err *err)
{
	char *path = fot_outdir_file(o, LOCK_NAME), host[65] = "", now[32], text[128];
	int n;

	if (!path || !*path)
		return FOT_NO_MEMORY(err, o->path);
	o->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	fot_free(path);
	if (o->lock_fd < 0)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: not writable: %s", o->path, strerror(errno));
	if (flock(o->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ?
			       locked(o, err) :
			       FOT_FAIL(err, FOT_ERR_OUTPUT, "%s/LOCK: %s", o->path, strerror(errno));
	gethostname(host, sizeof host - 1);
	fot_utc_now(now);
	n = snprintf(text, sizeof text, "pid %ld on %s since %s\n", (long)getpid(), host, now);
	if (ftruncate(o->lock_fd, 0) != 0 || pwrite(o->lock_fd, text, (size_t)n, 0) != n)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s/LOCK: %s", o->path, strerror(errno));
	return FOT_OK;
}

/* Not of a run: its lock, and the shards that it may be merged of. */
static bool is_beside(const char *name)
{
	return strcmp(name, LOCK_NAME) == 0 || strcmp(name, "shards") == 0;
}

/* What stands there besides those: *own: files of a run, *other: the first name that is none. */
static int look(const struct fot_outdir *o, bool *own, char other[128], struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status = fot_dir_list(&names, o->path, err);

	*own = false;
	other[0] = '\0';
	for (size_t i = 0; status == FOT_OK && i < names.n; i++) {
		if (is_own(names.name[i]))
			*own = true;
		else if (!is_beside(names.name[i]) && !other[0])
			snprintf(other, 128, "%.120s", names.name[i]);
	}
	fot_names_release(&names);
	return status;
}

static int refuse_foreign(const struct fot_outdir *o, struct fot_err *err)
{
	char other[128];
	bool own;
	int status = look(o, &own, other, err);

	if (status == FOT_OK && !own && other[0])
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: not empty (%s) and no run of fotbench; choose another folder", o->path,
				  other);
	return status;
}

static int settle(struct fot_outdir *o, enum fot_outdir_mode mode, struct fot_err *err)
{
	char other[128], *journal, *manifest;
	bool own, run;
	int status = look(o, &own, other, err);

	if (status != FOT_OK)
		return status;
	journal = fot_outdir_file(o, "journal.jsonl");
	manifest = fot_outdir_file(o, "manifest.json");
	if (!journal || !manifest)
		FOT_TRY(FOT_NO_MEMORY(err, o->path));
	o->has_journal = fot_file_exists(journal);
	run = o->has_journal || fot_file_exists(manifest);
	if (!run && own)
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: holds files of a run but neither its journal nor its manifest; choose "
				  "another folder",
				  o->path);
	else if (run && mode == FOT_OUTDIR_NEW)
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: holds a run already; use --resume, --overwrite or another folder",
				  o->path);
	else if (mode == FOT_OUTDIR_OVERWRITE)
		status = remove_own(o, err);
	if (status == FOT_OK && mode == FOT_OUTDIR_OVERWRITE)
		o->has_journal = false;
out:
	fot_free(journal);
	fot_free(manifest);
	return status;
}

int fot_outdir_open(struct fot_outdir *o, const char *path, enum fot_outdir_mode mode, struct fot_err *err)
{
	int status;

	*o = (struct fot_outdir){ .lock_fd = -1 };
	o->path = fot_strdup(path);
	if (!o->path)
		return FOT_NO_MEMORY(err, path);
	FOT_TRY(fot_mkdir_all(path, err));
	FOT_TRY(refuse_foreign(o, err)); /* before anything is written there */
	FOT_TRY(take_lock(o, err));
	FOT_TRY(settle(o, mode, err));
out:
	if (status != FOT_OK)
		fot_outdir_close(o);
	return status;
}

void fot_outdir_close(struct fot_outdir *o)
{
	if (o->path && o->lock_fd >= 0)
		close(o->lock_fd);
	fot_free(o->path);
	*o = (struct fot_outdir){ .lock_fd = -1 };
}
