/* datamanifest_build.c: a document's text from the files of its package.
 *
 * Files are walked in bytewise order of their paths, so the text depends on the
 * package alone. Links are not followed: a package cannot pull in files from
 * outside its folder. Each include pattern must match something, so that a
 * package laid out anew is an error, not a shorter document. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/text.h"

#define FILE_MAX ((size_t)1 << 30)

static bool matches(const char *path, const char *const *patterns, size_t n, bool *used)
{
	bool hit = false;

	for (size_t i = 0; i < n; i++) {
		if (fnmatch(patterns[i], path, 0) != 0)
			continue;
		hit = true;
		if (!used)
			break;
		used[i] = true;
	}
	return hit;
}

/* Bytes of one file as UTF-8, appended to out. */
static int decode(struct fot_str *out, const struct fot_rule *d, const char *bytes, size_t n, const char *name,
		  struct fot_err *err)
{
	size_t start = out->len;
	bool utf8 = d->encoding == FOT_ENCODING_UTF8 ||
		    (d->encoding == FOT_ENCODING_MIXED && fot_utf8_valid(bytes, n) == n);

	if (d->encoding == FOT_ENCODING_UTF8) {
		int status = fot_text_check(bytes, n, name, err);

		if (status != FOT_OK)
			return status;
	}
	if (utf8)
		fot_str_add(out, bytes, n);
	else
		fot_text_latin1(out, bytes, n);
	fot_text_plain(out, start);
	return fot_str_check(out, err);
}

static int add_file(struct fot_str *out, const struct fot_rule *d, const char *folder, const char *name,
		    struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, raw = FOT_STR_INIT, plain = FOT_STR_INIT, text = FOT_STR_INIT;
	const struct fot_str *bytes = &raw;
	int status;

	FOT_TRY(fot_path_at(&path, folder, name, err));
	FOT_TRY(fot_file_read(&raw, path.data, FILE_MAX, err));
	if (d->gunzip && fot_text_is_gzip(raw.data, raw.len)) {
		FOT_TRY(fot_text_gunzip(&plain, raw.data, raw.len, path.data, FILE_MAX, err));
		bytes = &plain;
	}
	FOT_TRY(decode(&text, d, bytes->len ? bytes->data : "", bytes->len, name, err));
	if (text.len) {
		if (out->len)
			fot_str_puts(out, d->between);
		fot_str_add(out, text.data, text.len);
	}
out:
	fot_str_release(&path);
	fot_str_release(&raw);
	fot_str_release(&plain);
	fot_str_release(&text);
	return status;
}

static int join_files(struct fot_str *out, const struct fot_rule *d, const char *folder, struct fot_err *err)
{
	struct fot_names names = { 0 };
	bool *used = fot_calloc(d->n_include, sizeof(*used));
	int status;

	if (!used)
		return FOT_NO_MEMORY(err, d->id);
	FOT_TRY(fot_dir_walk(&names, folder, err));
	if (names.n)
		qsort(names.name, names.n, sizeof(*names.name), fot_by_text);
	for (size_t i = 0; i < names.n; i++)
		if (!matches(names.name[i], d->exclude, d->n_exclude, NULL) &&
		    matches(names.name[i], d->include, d->n_include, used))
			FOT_TRY(add_file(out, d, folder, names.name[i], err));
	for (size_t i = 0; i < d->n_include; i++)
		if (!used[i]) {
			status = FOT_FAIL(err, FOT_ERR_INPUT, "pattern '%s' matches no file in %s", d->include[i],
					  folder);
			break;
		}
out:
	fot_names_release(&names);
	fot_free(used);
	return status;
}

/* Keep out[from, to) where from and to are given by the rule's texts. */
static int cut(struct fot_str *out, const struct fot_rule *d, struct fot_err *err)
{
	const char *begin = out->data, *end = out->data + out->len;

	if (d->from)
		begin = memmem(begin, out->len, d->from, strlen(d->from));
	if (!begin)
		return FOT_FAIL(err, FOT_ERR_INPUT, "the text '%s' that opens it is not there", d->from);
	if (d->until && begin < end)
		end = memmem(begin + 1, (size_t)(end - begin) - 1, d->until, strlen(d->until));
	if (!end)
		return FOT_FAIL(err, FOT_ERR_INPUT, "the text '%s' that ends it is not there", d->until);
	out->len = (size_t)(end - begin);
	memmove(out->data, begin, out->len);
	out->data[out->len] = '\0';
	return FOT_OK;
}

int fot_datamanifest_build(const struct fot_datamanifest *m, const struct fot_rule *d, const char *folder,
		       struct fot_str *out, struct fot_err *err)
{
	struct fot_str base = FOT_STR_INIT;
	int status;

	fot_str_clear(out);
	if (d->module) {
		FOT_TRY(fot_path_at(&base, folder, d->module, err));
		FOT_TRY(fot_text_sword(out, base.data, d->kind, d->first, d->count, err));
	} else {
		FOT_TRY(join_files(out, d, folder, err));
	}
	if (out->len && (d->from || d->until))
		FOT_TRY(cut(out, d, err));
	if (out->len == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "its text is empty");
	else
		status = fot_text_check(out->data, out->len, d->id, err);
out:
	fot_str_release(&base);
	return status == FOT_OK ? FOT_OK :
				  (fot_err_prefix(err, "%s: document %s", m->path, d->id), status);
}
