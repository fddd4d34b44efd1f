/* fetch.c: install and verify datasets.
 *
 * Order of a dataset's installation: all packages are downloaded; the old index
 * is removed; package by package is unpacked and its documents written, each
 * atomically; the index is written. So a dataset with an index is whole, and a
 * fetch that was stopped begins again from the kept downloads. A lock keeps two
 * fetches out of one store. */
#include "datasets/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "datasets/index.h"
#include "datasets/datamanifest.h"
#include "datasets/package.h"
#include "datasets/text.h"

#define WORK_PREFIX ".work-"

static void note(const struct fot_data_options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(const struct fot_data_options *o, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	if (!o->note)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	o->note(o->user, line);
}

/* ---- manifests ---- */

int fot_data_names(struct fot_names *out, const char *manifests, struct fot_err *err)
{
	size_t n = 0, len;
	int status = fot_dir_list(out, manifests, err);

	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < out->n; i++) {
		len = strlen(out->name[i]);
		if (len > 5 && out->name[i][0] != '.' && strcmp(out->name[i] + len - 5, ".json") == 0) {
			char *name = out->name[i];

			name[len - 5] = '\0';
			out->name[i] = out->name[n];
			out->name[n++] = name;
		}
	}
	for (size_t i = n; i < out->n; i++)
		fot_free(out->name[i]);
	out->n = n;
	if (n == 0) {
		fot_names_release(out);
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected manifests (*.json), got none", manifests);
	}
	return FOT_OK;
}

int fot_data_manifest_path(struct fot_str *out, const char *manifests, const char *name, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str list = FOT_STR_INIT;
	const char *near;
	int status = FOT_OK;

	fot_path_join(out, manifests, name);
	fot_str_puts(out, ".json");
	if (out->failed || (fot_document_id_ok(name) && !strchr(name, '/') && fot_file_exists(out->data)))
		return fot_str_check(out, err);
	FOT_TRY(fot_data_names(&names, manifests, err));
	near = fot_nearest(name, (const char *const *)names.name, names.n);
	for (size_t i = 0; i < names.n; i++)
		fot_str_printf(&list, "%s%s", i ? ", " : "", names.name[i]);
	FOT_TRY(fot_str_check(&list, err));
	if (near)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "no dataset '%s' in %s (did you mean '%s'?)", name, manifests,
				  near);
	else
		status = FOT_FAIL(err, FOT_ERR_USAGE, "no dataset '%s' in %s: expected one of %s", name, manifests,
				  list.data);
out:
	fot_str_release(&list);
	fot_names_release(&names);
	return status;
}

/* Call one() for each dataset asked for. */
struct job {
	const struct fot_data_options *o;
	struct fot_data_counts *counts;
	struct fot_downloads *downloads; /* fetch only */
	const char *store;               /* absolute for fetch */
};

static int for_each(struct job *j, int (*one)(struct job *, const struct fot_datamanifest *, struct fot_err *),
		    struct fot_err *err)
{
	struct fot_names all = { 0 };
	struct fot_str path = FOT_STR_INIT;
	struct fot_datamanifest m = { 0 };
	size_t n = j->o->n_names;
	int status = FOT_OK;

	if (n == 0) {
		FOT_TRY(fot_data_names(&all, j->o->manifests, err));
		n = all.n;
	}
	for (size_t i = 0; i < n; i++) {
		fot_str_clear(&path);
		FOT_TRY(fot_data_manifest_path(&path, j->o->manifests, all.n ? all.name[i] : j->o->names[i], err));
		FOT_TRY(fot_datamanifest_read(&m, path.data, err));
		j->counts->n_datasets++;
		status = one(j, &m, err);
		fot_datamanifest_release(&m);
		if (status != FOT_OK)
			goto out;
	}
out:
	fot_names_release(&all);
	fot_str_release(&path);
	return status;
}

/* ---- one dataset ---- */

static bool document_there(const char *store, const char *dataset, const struct fot_index_document *d)
{
	struct fot_str path = FOT_STR_INIT;
	struct stat st;
	bool there;

	fot_index_document_path(&path, store, dataset, d->id);
	there = !path.failed && stat(path.data, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == d->bytes;
	fot_str_release(&path);
	return there;
}

static size_t count_differing(const struct fot_index *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_documents; i++)
		n += !x->documents[i].pinned;
	for (size_t i = 0; i < x->n_packages; i++)
		n += !x->packages[i].pinned;
	return n;
}

/* Installed from this very manifest, all files there with their sizes? */
static bool is_current(struct job *j, const struct fot_datamanifest *m)
{
	struct fot_index x;
	bool current;

	if (fot_index_read(&x, j->store, m->dataset, NULL) != FOT_OK)
		return false;
	current = strcmp(x.manifest_sha256, m->sha256) == 0 && (x.optional || !j->o->optional);
	for (size_t i = 0; i < x.n_documents && current; i++)
		current = document_there(j->store, m->dataset, &x.documents[i]);
	if (current) {
		j->counts->n_current++;
		j->counts->n_documents += x.n_documents;
		j->counts->n_differing += count_differing(&x);
	}
	fot_index_release(&x);
	return current;
}

struct install {
	struct job *j;
	const struct fot_datamanifest *m;
	bool *wanted;        /* [n_packages] */
	struct fot_got *got; /* [n_packages] */
	char (*hash)[65];    /* [n_documents], what the index points to */
	struct fot_index index;
};

static int install_init(struct install *in, struct fot_err *err)
{
	const struct fot_datamanifest *m = in->m;

	in->wanted = fot_calloc(m->n_packages, sizeof(*in->wanted));
	in->got = fot_calloc(m->n_packages, sizeof(*in->got));
	in->hash = fot_calloc(m->n_documents, sizeof(*in->hash));
	in->index.packages = fot_calloc(m->n_packages, sizeof(*in->index.packages));
	in->index.documents = fot_calloc(m->n_documents, sizeof(*in->index.documents));
	if (!in->wanted || !in->got || !in->hash || !in->index.packages || !in->index.documents)
		return FOT_NO_MEMORY(err, m->dataset);
	for (size_t i = 0; i < m->n_packages; i++)
		in->wanted[i] = !m->packages[i].optional || in->j->o->optional;
	in->index.dataset = m->dataset;
	in->index.manifest_sha256 = m->sha256;
	in->index.optional = in->j->o->optional;
	return FOT_OK;
}

static void install_release(struct install *in)
{
	for (size_t i = 0; in->got && i < in->m->n_packages; i++)
		fot_got_release(&in->got[i]);
	fot_free(in->wanted);
	fot_free(in->got);
	fot_free(in->hash);
	fot_index_release(&in->index);
}

/* Build and write one document; its row of the index. */
static int install_document(struct install *in, const struct fot_rule *s, const char *folder, struct fot_err *err)
{
	size_t i = (size_t)(s - in->m->documents);
	struct fot_index_document *row = &in->index.documents[i];
	struct fot_str text = FOT_STR_INIT, path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_datamanifest_build(in->m, s, folder, &text, err));
	fot_sha256_of(text.data, text.len, in->hash[i]);
	fot_index_document_path(&path, in->j->store, in->m->dataset, s->id);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_file_replace(path.data, text.data, text.len, err));
	*row = (struct fot_index_document){
		.id = s->id,
		.sha256 = in->hash[i],
		.package = in->m->packages[s->package].name,
		.split = s->split,
		.bytes = (int64_t)text.len,
		.words = fot_text_words(text.data, text.len),
		.pinned = strcmp(in->hash[i], s->sha256) == 0,
	};
	if (!row->pinned)
		note(in->j->o, "warning: %s: document %s: sha256: expected %s, got %s", in->m->dataset, s->id,
		     s->sha256, row->sha256);
out:
	fot_str_release(&text);
	fot_str_release(&path);
	return status;
}

static int install_package(struct install *in, size_t p, struct fot_err *err)
{
	const struct fot_package *package = &in->m->packages[p];
	const struct fot_got *got = &in->got[p];
	struct fot_str folder = FOT_STR_INIT;
	int status;

	note(in->j->o, "%s: %s %s", in->m->dataset, package->name, got->version.data);
	if (!got->pinned)
		note(in->j->o, "warning: %s: package %s: expected %s %s, got %s %s", in->m->dataset, package->name,
		     package->version, package->sha256, got->version.data, got->sha256);
	FOT_TRY(fot_package_unpack(package, got, in->j->downloads->work, &folder, err));
	for (size_t i = 0; i < in->m->n_documents; i++)
		if (in->m->documents[i].package == p)
			FOT_TRY(install_document(in, &in->m->documents[i], folder.data, err));
	if (package->registry != FOT_REGISTRY_DIR)
		FOT_TRY(fot_remove_tree(folder.data, err));
	in->index.packages[in->index.n_packages++] = (struct fot_index_package){
		.name = package->name,
		.registry = fot_registry_name(package->registry),
		.version = got->version.data,
		.sha256 = got->sha256,
		.pinned = got->pinned,
	};
out:
	fot_str_release(&folder);
	return status;
}

/* Close the gaps left by documents of packages that were not asked for. */
static void compact_documents(struct fot_index *x, size_t n)
{
	x->n_documents = 0;
	for (size_t i = 0; i < n; i++)
		if (x->documents[i].id)
			x->documents[x->n_documents++] = x->documents[i];
}

static bool has_file(const struct fot_index *x, const char *file)
{
	struct fot_str name = FOT_STR_INIT;
	bool found = false;

	for (size_t i = 0; i < x->n_documents && !found; i++) {
		fot_str_clear(&name);
		fot_document_file(&name, x->documents[i].id);
		found = !name.failed && strcmp(name.data, file) == 0;
	}
	fot_str_release(&name);
	return found;
}

/* Texts of an earlier manifest would only confuse whoever looks into the folder. */
static int remove_strangers(const struct install *in, const char *folder, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_dir_list(&names, folder, err));
	for (size_t i = 0; i < names.n; i++) {
		if (has_file(&in->index, names.name[i]))
			continue;
		FOT_TRY(fot_path_at(&path, folder, names.name[i], err));
		FOT_TRY(fot_remove_tree(path.data, err));
	}
out:
	fot_names_release(&names);
	fot_str_release(&path);
	return status;
}

static int install_documents(struct install *in, struct fot_err *err)
{
	struct fot_str folder = FOT_STR_INIT, old = FOT_STR_INIT;
	int status;

	fot_index_path(&folder, in->j->store, in->m->dataset, "documents");
	fot_index_path(&old, in->j->store, in->m->dataset, "index.json");
	FOT_TRY(fot_str_check(&folder, err));
	FOT_TRY(fot_str_check(&old, err));
	FOT_TRY(fot_mkdir_all(folder.data, err));
	if (unlink(old.data) != 0 && errno != ENOENT) {
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be removed: %s", old.data, strerror(errno));
		goto out;
	}
	for (size_t p = 0; p < in->m->n_packages; p++)
		if (in->wanted[p])
			FOT_TRY(install_package(in, p, err));
	compact_documents(&in->index, in->m->n_documents);
	FOT_TRY(remove_strangers(in, folder.data, err));
	FOT_TRY(fot_index_write(&in->index, in->j->store, err));
out:
	fot_str_release(&folder);
	fot_str_release(&old);
	return status;
}

/* Nothing of it was asked for? */
static bool is_optional(const struct job *j, const struct fot_datamanifest *m)
{
	for (size_t i = 0; i < m->n_packages; i++)
		if (!m->packages[i].optional || j->o->optional)
			return false;
	return m->n_packages > 0;
}

static int fetch_one(struct job *j, const struct fot_datamanifest *m, struct fot_err *err)
{
	struct install in = { .j = j, .m = m };
	int status;

	if (is_current(j, m))
		return FOT_OK;
	if (is_optional(j, m)) {
		note(j->o, "%s: left out: its packages are optional (--with-npm)", m->dataset);
		return FOT_OK;
	}
	FOT_TRY(install_init(&in, err));
	FOT_TRY(fot_packages_get(j->downloads, m, in.wanted, in.got, err));
	FOT_TRY(install_documents(&in, err));
	j->counts->n_installed++;
	j->counts->n_documents += in.index.n_documents;
	j->counts->n_differing += count_differing(&in.index);
	note(j->o, "%s: %zu documents installed", m->dataset, in.index.n_documents);
out:
	if (status != FOT_OK)
		fot_err_prefix(err, "%s", m->dataset);
	install_release(&in);
	return status;
}

/* ---- the store ---- */

struct fetch {
	char store[PATH_MAX];
	struct fot_str downloads, work;
	int lock;
};

static int lock_store(struct fetch *f, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, f->store, ".lock", err));
	f->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (f->lock < 0)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: %s", path.data, strerror(errno));
	else if (flock(f->lock, LOCK_EX | LOCK_NB) != 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: another fetch is at work in this store", f->store);
out:
	fot_str_release(&path);
	return status;
}

/* Work folders of fetches that were killed; the lock says that none is alive. */
static int sweep(const struct fetch *f, struct fot_err *err)
{
	struct fot_names names = { 0 };
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_dir_list(&names, f->store, err));
	for (size_t i = 0; i < names.n; i++) {
		if (strncmp(names.name[i], WORK_PREFIX, strlen(WORK_PREFIX)) != 0)
			continue;
		FOT_TRY(fot_path_at(&path, f->store, names.name[i], err));
		FOT_TRY(fot_remove_tree(path.data, err));
	}
out:
	fot_names_release(&names);
	fot_str_release(&path);
	return status;
}

static int fetch_init(struct fetch *f, const char *store, struct fot_err *err)
{
	int status;

	FOT_TRY(fot_mkdir_all(store, err));
	if (!realpath(store, f->store)) {
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: %s", store, strerror(errno));
		goto out;
	}
	FOT_TRY(lock_store(f, err));
	FOT_TRY(sweep(f, err));
	FOT_TRY(fot_path_at(&f->downloads, f->store, "downloads", err));
	FOT_TRY(fot_mkdir_all(f->downloads.data, err));
	FOT_TRY(fot_path_at(&f->work, f->store, WORK_PREFIX "XXXXXX", err));
	if (!mkdtemp(f->work.data))
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: %s", f->work.data, strerror(errno));
out:
	return status;
}

static void fetch_release(struct fetch *f)
{
	if (f->work.data)
		(void)fot_remove_tree(f->work.data, NULL);
	if (f->lock >= 0)
		close(f->lock);
	fot_str_release(&f->downloads);
	fot_str_release(&f->work);
}

int fot_data_fetch(const struct fot_data_options *o, struct fot_data_counts *out, struct fot_err *err)
{
	struct fetch f = { .lock = -1 };
	struct fot_downloads downloads = { .manifests = o->manifests, .note = o->note, .user = o->user };
	struct job j = { o, out, &downloads, f.store };
	int status;

	memset(out, 0, sizeof(*out));
	FOT_TRY(fetch_init(&f, o->store, err));
	downloads.folder = f.downloads.data;
	downloads.work = f.work.data;
	FOT_TRY(for_each(&j, fetch_one, err));
out:
	fetch_release(&f);
	return status;
}

/* ---- verify ---- */

static const struct fot_rule *find_source(const struct fot_datamanifest *m, const char *id)
{
	for (size_t i = 0; i < m->n_documents; i++)
		if (strcmp(m->documents[i].id, id) == 0)
			return &m->documents[i];
	return NULL;
}

static int verify_document(struct job *j, const struct fot_datamanifest *m, const struct fot_index_document *d,
			   struct fot_err *err)
{
	const struct fot_rule *s = find_source(m, d->id);
	struct fot_str path = FOT_STR_INIT;
	struct fot_err why = { 0 };
	char hash[65];
	int status;

	j->counts->n_documents++;
	fot_index_document_path(&path, j->store, m->dataset, d->id);
	FOT_TRY(fot_str_check(&path, err));
	if (fot_sha256_file(path.data, hash, &why) != FOT_OK) {
		j->counts->n_damaged++;
		note(j->o, "%s", why.text);
	} else if (strcmp(hash, d->sha256) != 0) {
		j->counts->n_damaged++;
		note(j->o, "%s: sha256: expected %s, got %s", path.data, d->sha256, hash);
	} else if (!s || strcmp(hash, s->sha256) != 0) {
		j->counts->n_differing++;
		note(j->o, "warning: %s: document %s: %s", m->dataset, d->id,
		     s ? "not the text that the manifest states" : "not in the manifest");
	}
out:
	fot_str_release(&path);
	return status;
}

static int verify_one(struct job *j, const struct fot_datamanifest *m, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_index x;
	bool there;
	int status;

	fot_index_path(&path, j->store, m->dataset, "index.json");
	FOT_TRY(fot_str_check(&path, err));
	there = fot_file_exists(path.data);
	if (!there && is_optional(j, m))
		goto out;
	if (!there) {
		j->counts->n_absent++;
		note(j->o, "%s: not installed in %s", m->dataset, j->store);
		goto out;
	}
	FOT_TRY(fot_index_read(&x, j->store, m->dataset, err));
	for (size_t i = 0; i < x.n_packages; i++) {
		if (x.packages[i].pinned)
			continue;
		j->counts->n_differing++;
		note(j->o, "warning: %s: package %s: %s is not the pinned version", m->dataset, x.packages[i].name,
		     x.packages[i].version);
	}
	for (size_t i = 0; i < x.n_documents && status == FOT_OK; i++)
		status = verify_document(j, m, &x.documents[i], err);
	if (strcmp(x.manifest_sha256, m->sha256) != 0)
		note(j->o, "warning: %s: installed from another version of %s", m->dataset, m->path);
	fot_index_release(&x);
out:
	fot_str_release(&path);
	return status;
}

int fot_data_verify(const struct fot_data_options *o, struct fot_data_counts *out, struct fot_err *err)
{
	struct job j = { o, out, NULL, o->store };

	memset(out, 0, sizeof(*out));
	return for_each(&j, verify_one, err);
}
