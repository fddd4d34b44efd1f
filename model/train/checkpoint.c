/* checkpoint.c: write-then-point. */
#include "model/train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "model/tokenizer.h"

#define STATE_BYTES_MAX ((size_t)1 << 16)
#define TOKENIZER_BYTES_MAX ((size_t)64 << 20)

static const char *const files[] = { "model.safetensors", "moment1.safetensors", "moment2.safetensors" };
/* Of a checkpoint's folder besides. */
static const char *const others[] = { "weights.safetensors", "config.json", "tokenizer.model", "tokenizer.json" };
#define N_FILES FOT_COUNT(files)
#define N_OTHERS FOT_COUNT(others)

static int write_latest(const char *out, const struct fot_checkpoint *c, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	fot_str_printf(&text, "{\"step\": %lld, \"corpus_sha256\": \"%s\"}\n", (long long)c->step,
		       c->corpus_sha256);
	status = fot_file_replace_at(out, "latest.json", &text, err);
	fot_str_release(&text);
	return status;
}

static int read_latest(const char *out, struct fot_checkpoint *c, bool *found, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_json_ctx ctx = { 0 };
	const char *hash = NULL;
	cJSON *root = NULL;
	int status;

	FOT_TRY(fot_path_at(&path, out, "latest.json", err));
	*found = fot_file_exists(path.data);
	if (!*found)
		goto out;
	ctx = (struct fot_json_ctx){ path.data, FOT_ERR_INPUT };
	FOT_TRY(fot_json_read(&root, path.data, STATE_BYTES_MAX, FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_i64(root, "step", true, 0, INT64_C(1) << 40, &c->step, &ctx, err));
	FOT_TRY(fot_json_string(root, "corpus_sha256", true, &hash, &ctx, err));
	snprintf(c->corpus_sha256, sizeof c->corpus_sha256, "%s", hash);
out:
	cJSON_Delete(root);
	fot_str_release(&path);
	return status;
}

static void folder_of(struct fot_str *path, const char *out, int64_t step)
{
	fot_str_clear(path);
	fot_str_printf(path, "%s/checkpoint-%lld", out, (long long)step);
}

/* Is that a file of a checkpoint, or what a killed run left of one? */
static bool is_ours(const char *name)
{
	for (size_t i = 0; i < N_FILES + N_OTHERS; i++)
		if (strcmp(name, i < N_FILES ? files[i] : others[i - N_FILES]) == 0)
			return true;
	return strncmp(name, ".fot-", 5) == 0;
}

static void drop(int out, const char *folder)
{
	int fd = openat(out, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *e; d && (e = readdir(d));)
		if (is_ours(e->d_name))
			unlinkat(fd, e->d_name, 0);
	if (d)
		closedir(d);
	unlinkat(out, folder, AT_REMOVEDIR);
}

/* Remove the other checkpoints, those too that a run left which was killed here; what cannot be
 * removed does no harm. */
static void drop_others(const char *out, int64_t step)
{
	DIR *d = opendir(out);

	for (struct dirent *e; d && (e = readdir(d));) {
		int64_t other;

		if (strncmp(e->d_name, "checkpoint-", 11) == 0 && fot_parse_i64(e->d_name + 11, &other) &&
		    other != step)
			drop(dirfd(d), e->d_name);
	}
	if (d)
		closedir(d);
}

int fot_checkpoint_model(const char *folder, const struct fot_params *p, enum fot_dtype dtype, const char *tokenizer,
			 struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	int status;

	if (strcmp(tokenizer, "byte") != 0 && strcmp(tokenizer, "none") != 0) {
		FOT_TRY(fot_file_read(&text, tokenizer, TOKENIZER_BYTES_MAX, err));
		FOT_TRY(fot_file_replace_at(folder, fot_tokenizer_name(tokenizer), &text, err));
	}
	fot_str_clear(&text);
	FOT_TRY(fot_config_print(&text, &p->config, err));
	FOT_TRY(fot_file_replace_at(folder, "config.json", &text, err));
	FOT_TRY(fot_path_at(&path, folder, "model.safetensors", err));
	status = fot_params_write(p, p->w, dtype, path.data, err);
out:
	fot_str_release(&path);
	fot_str_release(&text);
	return status;
}

static int write_folder(const char *out, const struct fot_checkpoint *c, const struct fot_params *p,
			const struct fot_adamw *a, struct fot_err *err)
{
	const fot_real *array[] = { p->w, a->m, a->v };
	struct fot_str folder = FOT_STR_INIT, path = FOT_STR_INIT;
	int status;

	folder_of(&folder, out, c->step);
	FOT_TRY(fot_str_check(&folder, err));
	FOT_TRY(fot_mkdir_all(folder.data, err));
	FOT_TRY(fot_checkpoint_model(folder.data, p, FOT_F32, c->tokenizer, err));
	for (size_t i = 1; i < N_FILES; i++) {
		FOT_TRY(fot_path_at(&path, folder.data, files[i], err));
		FOT_TRY(fot_params_write(p, array[i], FOT_F32, path.data, err));
	}
	status = write_latest(out, c, err);
out:
	fot_str_release(&folder);
	fot_str_release(&path);
	return status;
}

int fot_checkpoint_write(const char *out, const struct fot_checkpoint *c, const struct fot_params *p,
			 const struct fot_adamw *a, struct fot_err *err)
{
	struct fot_checkpoint old = { 0 };
	bool found = false;
	int status;

	FOT_TRY(read_latest(out, &old, &found, err));
	if (!found || old.step != c->step)
		FOT_TRY(write_folder(out, c, p, a, err));
	drop_others(out, c->step);
out:
	return status;
}

int fot_checkpoint_forget(const char *out, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_path_at(&path, out, "latest.json", err));
	if (unlink(path.data) != 0 && errno != ENOENT)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be removed: %s", path.data, strerror(errno));
out:
	fot_str_release(&path);
	return status;
}

int fot_checkpoint_read(const char *out, struct fot_checkpoint *c, struct fot_params *p, struct fot_adamw *a,
			bool *found, struct fot_err *err)
{
	fot_real *array[] = { p->w, a->m, a->v };
	struct fot_str folder = FOT_STR_INIT, path = FOT_STR_INIT;
	int status;

	FOT_TRY(read_latest(out, c, found, err));
	folder_of(&folder, out, c->step);
	FOT_TRY(fot_str_check(&folder, err));
	for (size_t i = 0; *found && i < N_FILES; i++) {
		FOT_TRY(fot_path_at(&path, folder.data, files[i], err));
		if (i == 0 && !fot_file_exists(path.data)) /* of an older program */
			FOT_TRY(fot_path_at(&path, folder.data, others[0], err));
		FOT_TRY(fot_params_read(p, array[i], path.data, err));
	}
	a->step = c->step;
out:
	fot_str_release(&folder);
	fot_str_release(&path);
	return status;
}
