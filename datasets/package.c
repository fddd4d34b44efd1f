/* package.c: apt-get, npm, dpkg and tar behind one door.
 *
 * A download happens in a folder of its own and is renamed into STORE/downloads
 * when the program has ended well, so a file there is whole; it is used again
 * when its hash is the pinned one. Debian's archive keeps only the newest
 * version: a pinned one that is gone is replaced by the newest, which the caller
 * records. apt checks signatures itself, so a hash that differs for the same
 * version (another architecture) is recorded, not refused; npm's versions never
 * change, so there it is an error. */
#include "datasets/package.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/process.h"

static void note(const struct fot_downloads *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(const struct fot_downloads *d, const char *fmt, ...)
{
	char line[512];
	va_list args;

	if (!d->note)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	d->note(d->user, line);
}

void fot_got_release(struct fot_got *got)
{
	fot_str_release(&got->path);
	fot_str_release(&got->version);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int fot_remove_tree(const char *path, struct fot_err *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be removed: %s", path, strerror(errno));
	return FOT_OK;
}

/* ---- file names ---- */

/* apt's file name: NAME_VERSION_ARCH.deb with ':' as %3a; version NULL: up to NAME_. */
static void deb_prefix(struct fot_str *out, const char *name, const char *version)
{
	fot_str_printf(out, "%s_", name);
	for (; version && *version; version++) {
		if (*version == ':')
			fot_str_puts(out, "%3a");
		else
			fot_str_putc(out, *version);
	}
	if (version)
		fot_str_putc(out, '_');
}

static void deb_version(struct fot_str *out, const char *file)
{
	const char *at = strchr(file, '_');

	for (at = at ? at + 1 : ""; *at && *at != '_'; at++) {
		if (strncmp(at, "%3a", 3) == 0) {
			fot_str_putc(out, ':');
			at += 2;
		} else {
			fot_str_putc(out, *at);
		}
	}
}

/* npm's file name: @scope/name -> scope-name-VERSION.tgz */
static void npm_file(struct fot_str *out, const struct fot_package *p)
{
	for (const char *c = p->name + (p->name[0] == '@'); *c; c++)
		fot_str_putc(out, *c == '/' ? '-' : *c);
	fot_str_printf(out, "-%s.tgz", p->version);
}

/* The last name in a folder with this start and end, joined with the folder, or "". */
static int find_file(struct fot_str *out, const char *folder, const char *start, const char *end, struct fot_err *err)
{
	struct fot_names names = { 0 };
	size_t n, end_n = strlen(end);
	int status;

	fot_str_clear(out);
	fot_str_puts(out, "");
	FOT_TRY(fot_dir_list(&names, folder, err));
	for (size_t i = 0; i < names.n; i++) {
		n = strlen(names.name[i]);
		if (strncmp(names.name[i], start, strlen(start)) != 0 || n < end_n ||
		    strcmp(names.name[i] + n - end_n, end) != 0)
			continue;
		fot_str_clear(out);
		fot_path_join(out, folder, names.name[i]);
	}
	FOT_TRY(fot_str_check(out, err));
out:
	fot_names_release(&names);
	return status;
}

/* Look for p in folder; version NULL: any. got->path stays empty when it is not there. */
static int locate(struct fot_got *got, const struct fot_package *p, const char *folder, bool any_version,
		  struct fot_err *err)
{
	struct fot_str start = FOT_STR_INIT, base = FOT_STR_INIT;
	int status;

	fot_str_clear(&got->version);
	if (p->registry == FOT_REGISTRY_NPM)
		npm_file(&start, p);
	else
		deb_prefix(&start, p->name, any_version ? NULL : p->version);
	FOT_TRY(fot_str_check(&start, err));
	FOT_TRY(find_file(&got->path, folder, start.data, p->registry == FOT_REGISTRY_NPM ? ".tgz" : ".deb", err));
	if (got->path.len == 0)
		goto out;
	fot_path_base(&base, got->path.data);
	FOT_TRY(fot_str_check(&base, err));
	if (p->registry == FOT_REGISTRY_NPM)
		fot_str_puts(&got->version, p->version);
	else
		deb_version(&got->version, base.data);
	FOT_TRY(fot_str_check(&got->version, err));
	FOT_TRY(fot_sha256_file(got->path.data, got->sha256, err));
	got->pinned = strcmp(got->version.data, p->version) == 0 && strcmp(got->sha256, p->sha256) == 0;
out:
	fot_str_release(&start);
	fot_str_release(&base);
	return status;
}

/* ---- downloading ---- */

/* Move all package files from the work folder to the downloads. */
static int keep(const struct fot_downloads *d, const char *from, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str a = FOT_STR_INIT, b = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_dir_list(&names, from, err));
	for (size_t i = 0; i < names.n; i++) {
		FOT_TRY(fot_path_at(&a, from, names.name[i], err));
		FOT_TRY(fot_path_at(&b, d->folder, names.name[i], err));
		if (rename(a.data, b.data) != 0) {
			status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be renamed to %s: %s", a.data, b.data,
					  strerror(errno));
			goto out;
		}
	}
out:
	fot_names_release(&names);
	fot_str_release(&a);
	fot_str_release(&b);
	return status;
}

/* Run argv in a fresh folder and keep what it leaves there. */
static int download(const struct fot_downloads *d, const char *const *argv, struct fot_err *err)
{
	struct fot_str folder = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&folder, d->work, "download", err));
	FOT_TRY(fot_remove_tree(folder.data, err));
	FOT_TRY(fot_mkdir_all(folder.data, err));
	FOT_TRY(fot_process_run(argv, folder.data, err));
	FOT_TRY(keep(d, folder.data, err));
out:
	if (folder.data)
		(void)fot_remove_tree(folder.data, NULL);
	fot_str_release(&folder);
	return status;
}

/* apt-get download of `n` words NAME=VERSION. */
static int apt_download(const struct fot_downloads *d, const char *const *words, size_t n, struct fot_err *err)
{
	static const char *const head[] = { "apt-get", "-o", "APT::Sandbox::User=root", "-qq", "download" };
	const size_t n_head = FOT_COUNT(head);
	const char **argv = fot_calloc(n_head + n + 1, sizeof(*argv));
	int status;

	if (!argv)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	memcpy(argv, head, sizeof(head));
	memcpy(argv + n_head, words, n * sizeof(*words));
	status = download(d, argv, err);
	fot_free(argv);
	return status;
}

/* Once per fetch; says whether it is worth trying again. */
static bool apt_update(struct fot_downloads *d, struct fot_err *err)
{
	static const char *const root[] = { "apt-get", "-qq", "update", NULL };
	static const char *const sudo[] = { "sudo", "-n", "apt-get", "-qq", "update", NULL };

	if (d->updated)
		return false;
	d->updated = true;
	note(d, "apt-get cannot find a package: updating its lists");
	return fot_process_run(geteuid() == 0 ? root : sudo, NULL, err) == FOT_OK;
}

/* One Debian package, pinned or else the newest. */
static int get_deb(struct fot_downloads *d, const struct fot_package *p, struct fot_got *got, struct fot_err *err)
{
	struct fot_str word = FOT_STR_INIT;
	const char *pinned, *newest = p->name;
	bool any = false;
	int status;

	fot_str_printf(&word, "%s=%s", p->name, p->version);
	FOT_TRY(fot_str_check(&word, err));
	pinned = word.data;
	status = apt_download(d, &pinned, 1, err);
	if (status != FOT_OK && apt_update(d, NULL))
		status = apt_download(d, &pinned, 1, err);
	if (status != FOT_OK) {
		any = true;
		status = apt_download(d, &newest, 1, err);
		if (status == FOT_OK)
			note(d, "package %s: version %s is gone, took the newest", p->name, p->version);
	}
	if (status != FOT_OK) {
		fot_err_prefix(err, "package %s %s cannot be had (is there a network? try: sudo apt-get update)",
			       p->name, p->version);
		goto out;
	}
	FOT_TRY(locate(got, p, d->folder, any, err));
	if (got->path.len == 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "package %s: apt-get left no file", p->name);
out:
	fot_str_release(&word);
	return status;
}

static int get_npm(struct fot_downloads *d, const struct fot_package *p, struct fot_got *got, struct fot_err *err)
{
	struct fot_str word = FOT_STR_INIT;
	const char *argv[] = { "npm", "pack", "--silent", NULL, NULL };
	int status;

	fot_str_printf(&word, "%s@%s", p->name, p->version);
	FOT_TRY(fot_str_check(&word, err));
	argv[3] = word.data;
	note(d, "downloading %s", word.data);
	status = download(d, argv, err);
	if (status != FOT_OK) {
		fot_err_prefix(err, "package %s", word.data);
		goto out;
	}
	FOT_TRY(locate(got, p, d->folder, false, err));
	if (got->path.len == 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "package %s: npm left no file", word.data);
	else if (!got->pinned)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: sha256: expected %s, got %s", got->path.data, p->sha256,
				  got->sha256);
out:
	fot_str_release(&word);
	return status;
}

/* All missing Debian packages in one go; a failure is left to get_deb. */
static int get_debs_together(struct fot_downloads *d, const struct fot_datamanifest *m, const bool *wanted,
			     struct fot_got *got, struct fot_err *err)
{
	struct fot_str *words = fot_calloc(m->n_packages, sizeof(*words));
	const char **list = fot_calloc(m->n_packages, sizeof(*list));
	double bytes = 0;
	size_t n = 0;
	int status = FOT_OK;

	if (!words || !list) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < m->n_packages; i++) {
		const struct fot_package *p = &m->packages[i];

		if (!wanted[i] || p->registry != FOT_REGISTRY_DEB || got[i].pinned)
			continue;
		fot_str_printf(&words[n], "%s=%s", p->name, p->version);
		FOT_TRY(fot_str_check(&words[n], err));
		list[n] = words[n].data;
		bytes += (double)p->bytes;
		n++;
	}
	if (n == 0)
		goto out;
	note(d, "%s: downloading %zu Debian packages, %.1f MB", m->dataset, n, bytes / 1e6);
	if (apt_download(d, list, n, NULL) != FOT_OK)
		goto out;
	for (size_t i = 0; i < m->n_packages; i++)
		if (wanted[i] && m->packages[i].registry == FOT_REGISTRY_DEB && !got[i].pinned)
			FOT_TRY(locate(&got[i], &m->packages[i], d->folder, false, err));
out:
	for (size_t i = 0; words && i < m->n_packages; i++)
		fot_str_release(&words[i]);
	fot_free(words);
	fot_free(list);
	return status;
}

/* The folder a "dir" package names, below the manifests unless absolute. */
static int get_dir(const struct fot_downloads *d, const struct fot_package *p, struct fot_got *got,
		   struct fot_err *err)
{
	if (p->path[0] == '/')
		fot_str_puts(&got->path, p->path);
	else
		fot_path_join(&got->path, d->manifests, p->path);
	fot_str_puts(&got->version, p->version);
	got->pinned = true;
	if (!got->path.failed && !fot_is_dir(got->path.data))
		return FOT_FAIL(err, FOT_ERR_INPUT, "package %s: %s is no folder", p->name, got->path.data);
	return fot_str_check(&got->path, err);
}

int fot_packages_get(struct fot_downloads *d, const struct fot_datamanifest *m, const bool *wanted, struct fot_got *got,
		     struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < m->n_packages; i++)
		if (wanted[i] && m->packages[i].registry != FOT_REGISTRY_DIR)
			FOT_TRY(locate(&got[i], &m->packages[i], d->folder, false, err));
	for (size_t i = 0; i < m->n_packages; i++)
		if (!got[i].pinned)
			fot_str_clear(&got[i].path);
	FOT_TRY(get_debs_together(d, m, wanted, got, err));
	for (size_t i = 0; i < m->n_packages; i++) {
		const struct fot_package *p = &m->packages[i];

		if (!wanted[i] || got[i].path.len)
			continue;
		FOT_TRY(p->registry == FOT_REGISTRY_DEB ? get_deb(d, p, &got[i], err) :
			p->registry == FOT_REGISTRY_NPM ? get_npm(d, p, &got[i], err) :
							  get_dir(d, p, &got[i], err));
	}
out:
	return status;
}

/* ---- unpacking ---- */

static int untar(const char *file, const char *folder, struct fot_err *err)
{
	const char *const argv[] = { "tar", "--no-same-owner", "-x", "-f", file, "-C", folder, NULL };
	int status = fot_mkdir_all(folder, err);

	return status == FOT_OK ? fot_process_run(argv, NULL, err) : status;
}

int fot_package_unpack(const struct fot_package *p, const struct fot_got *got, const char *work,
		       struct fot_str *folder, struct fot_err *err)
{
	struct fot_str archive = FOT_STR_INIT, inner = FOT_STR_INIT;
	const char *argv[] = { "dpkg", "-x", got->path.data, NULL, NULL };
	int status;

	fot_str_clear(folder);
	if (p->registry == FOT_REGISTRY_DIR) {
		fot_str_puts(folder, got->path.data);
		return fot_str_check(folder, err);
	}
	FOT_TRY(fot_path_at(folder, work, "package", err));
	FOT_TRY(fot_remove_tree(folder->data, err));
	FOT_TRY(fot_mkdir_all(folder->data, err));
	argv[3] = folder->data;
	FOT_TRY(p->registry == FOT_REGISTRY_NPM ? untar(got->path.data, folder->data, err) :
						  fot_process_run(argv, NULL, err));
	for (size_t i = 0; i < p->n_archives; i++) {
		fot_str_clear(&archive);
		fot_str_clear(&inner);
		fot_path_join(&archive, folder->data, p->archives[i]);
		fot_str_printf(&inner, "%s.d", archive.data);
		FOT_TRY(fot_str_check(&archive, err));
		FOT_TRY(fot_str_check(&inner, err));
		FOT_TRY(untar(archive.data, inner.data, err));
	}
out:
	fot_str_release(&archive);
	fot_str_release(&inner);
	return status;
}
