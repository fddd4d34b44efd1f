/* modelfiles.c: see modelfiles.h. */
#include "harness/plan/modelfiles.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "harness/plan/hashes.h"

static bool ends_with(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n >= t && strcmp(name + n - t, tail) == 0;
}

static bool belongs(const char *name)
{
	static const char *const names[] = { "config.json", "generation_config.json", "tokenizer.model" };
	static const char *const tails[] = { ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json" };

	for (size_t i = 0; i < FOT_COUNT(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < FOT_COUNT(tails); i++) {
		if (name[0] != '.' && ends_with(name, tails[i]))
			return true;
	}
	return false;
}

static int path_of(struct fot_str *path, const char *dir, const char *name, struct fot_err *err)
{
	fot_path_join(path, dir, name);
	return fot_str_check(path, err);
}

static int list_file(struct fot_model_file *f, const char *dir, const char *name, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct stat st;
	int status;

	f->name = fot_strdup(name);
	if (!f->name)
		FOT_TRY(FOT_NO_MEMORY(err, dir));
	FOT_TRY(path_of(&path, dir, name, err));
	f->bytes = stat(path.data, &st) == 0 ? (int64_t)st.st_size : 0;
out:
	fot_str_release(&path);
	return status;
}

int fot_model_files_list(struct fot_model_files *out, const char *dir, struct fot_err *err)
{
	struct fot_names names = { 0 };
	int status;

	*out = (struct fot_model_files){ 0 };
	FOT_TRY(fot_dir_list(&names, dir, err));
	out->file = fot_calloc(names.n, sizeof *out->file);
	if (!out->file)
		FOT_TRY(FOT_NO_MEMORY(err, dir));
	for (size_t i = 0; i < names.n; i++)
		if (belongs(names.name[i]))
			FOT_TRY(list_file(&out->file[out->n++], dir, names.name[i], err));
out:
	fot_names_release(&names);
	if (status != FOT_OK)
		fot_model_files_release(out);
	return status;
}

int fot_model_files_read(struct fot_model_files *out, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_sha256 hash;
	int status;

	FOT_TRY(fot_model_files_list(out, dir, err));
	fot_sha256_init(&hash);
	for (size_t i = 0; i < out->n; i++) {
		struct fot_model_file *f = &out->file[i];

		fot_str_clear(&path);
		FOT_TRY(path_of(&path, dir, f->name, err));
		FOT_TRY(fot_hashes_of_file(path.data, f->sha256, err));
		fot_sha256_add(&hash, f->name, strlen(f->name) + 1);
		fot_sha256_add(&hash, f->sha256, sizeof f->sha256);
	}
	fot_sha256_hex(&hash, out->sha256);
out:
	fot_str_release(&path);
	if (status != FOT_OK)
		fot_model_files_release(out);
	return status;
}

void fot_model_files_release(struct fot_model_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		fot_free(f->file[i].name);
	fot_free(f->file);
	*f = (struct fot_model_files){ 0 };
}
