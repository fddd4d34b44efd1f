/* tokenizer.c: lists of ids, and the calls that are the same for every kind. */
#include "model/tokenizer_impl.h"

#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"

void fot_ids_release(struct fot_ids *ids)
{
	fot_free(ids->id);
	fot_free(ids->end);
	*ids = (struct fot_ids){ 0 };
}

int fot_ids_reserve(struct fot_ids *ids, size_t n, struct fot_err *err)
{
	size_t cap = ids->cap ? ids->cap : 64;
	int32_t *grown;

	if (n <= ids->cap)
		return FOT_OK;
	while (cap < n)
		cap = fot_size_add(cap, cap / 2);
	grown = fot_realloc(ids->id, cap, sizeof *grown);
	if (!grown)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for %zu token ids", n);
	ids->id = grown;
	if (ids->with_ends) {
		size_t *ends = fot_realloc(ids->end, cap, sizeof *ends);

		if (!ends)
			return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the ends of %zu tokens", n);
		ids->end = ends;
	}
	ids->cap = cap;
	return FOT_OK;
}

int fot_ids_push(struct fot_ids *ids, int32_t id, struct fot_err *err)
{
	return fot_ids_push_end(ids, id, FOT_END_UNKNOWN, err);
}

int fot_ids_push_end(struct fot_ids *ids, int32_t id, size_t end, struct fot_err *err)
{
	if (ids->n == ids->cap) {
		int status = fot_ids_reserve(ids, fot_size_add(ids->n, 1), err);

		if (status != FOT_OK)
			return status;
	}
	if (ids->with_ends)
		ids->end[ids->n] = end;
	ids->id[ids->n++] = id;
	return FOT_OK;
}

static bool is_json(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

int fot_tokenizer_open_file(struct fot_tokenizer **out, const char *path, struct fot_err *err)
{
	return is_json(path) ? fot_tokenizer_open_json(out, path, err) : fot_tokenizer_open_spm(out, path, err);
}

const char *fot_tokenizer_name(const char *path)
{
	return is_json(path) ? "tokenizer.json" : "tokenizer.model";
}

int fot_tokenizer_path(struct fot_str *path, const char *dir, struct fot_err *err)
{
	static const char *const names[] = { "tokenizer.model", "tokenizer.json" };
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(names); i++) {
		FOT_TRY(fot_path_at(path, dir, names[i], err));
		if (fot_file_exists(path->data))
			return FOT_OK;
	}
	fot_str_clear(path);
out:
	return status;
}

static int open_in_folder(struct fot_tokenizer **out, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_tokenizer_path(&path, dir, err));
	if (path.len == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: no tokenizer: expected tokenizer.model or tokenizer.json", dir);
	else
		status = fot_tokenizer_open_file(out, path.data, err);
out:
	fot_str_release(&path);
	return status;
}

int fot_tokenizer_open(struct fot_tokenizer **out, const char *dir, const struct fot_config *c,
		       struct fot_err *err)
{
	int status;

	if (c->tokenizer == FOT_TOKENIZER_NONE)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: config.json says that the model has no tokenizer",
				dir);
	status = c->tokenizer == FOT_TOKENIZER_BYTE ? fot_tokenizer_open_byte(out, err) :
						      open_in_folder(out, dir, err);
	if (status != FOT_OK)
		return status;
	(*out)->ids = c->vocab_size;
	if ((*out)->eos < 0 && c->eos_id >= 0 && c->eos_id < (*out)->vocab)
		(*out)->eos = c->eos_id;
	(*out)->ends[(*out)->n_ends++] = c->eos_id;
	for (int32_t i = 0; i < c->n_more_eos; i++)
		(*out)->ends[(*out)->n_ends++] = c->more_eos[i];
	return FOT_OK;
}

void fot_tokenizer_close(struct fot_tokenizer *t)
{
	if (t)
		t->ops->close(t);
}

const char *fot_tokenizer_kind(const struct fot_tokenizer *t)
{
	return t->ops->kind;
}

int32_t fot_tokenizer_vocab(const struct fot_tokenizer *t)
{
	return t->vocab;
}

int32_t fot_tokenizer_bos(const struct fot_tokenizer *t)
{
	return t->bos;
}

int32_t fot_tokenizer_eos(const struct fot_tokenizer *t)
{
	return t->eos;
}

bool fot_tokenizer_ends(const struct fot_tokenizer *t, int32_t id)
{
	for (int32_t i = 0; i < t->n_ends; i++)
		if (t->ends[i] == id)
			return id >= 0;
	return id >= 0 && id == t->eos;
}

const char *fot_tokenizer_hash(const struct fot_tokenizer *t)
{
	return t->hash;
}

int fot_tokenizer_encode(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
			 struct fot_err *err)
{
	return t->ops->encode(t, out, text, n, err);
}

int fot_tokenizer_encode_ends(const struct fot_tokenizer *t, struct fot_ids *out, size_t most, const char *text,
			      size_t n, struct fot_err *err)
{
	size_t before = 0;
	int status;

	fot_ids_release(out);
	out->with_ends = true;
	out->enough = most;
	status = t->ops->encode(t, out, text, n, err);
	if (status != FOT_OK)
		return status;
	for (size_t i = 0; i < out->n; before = out->end[i++])
		if (out->end[i] < before || out->end[i] > n)
			return FOT_FAIL(err, FOT_ERR_RUN, "tokenizer %.12s does not say where its token %zu ends", t->hash, i);
	return out->n == 0 || out->n >= most || before == n ?
		       FOT_OK :
		       FOT_FAIL(err, FOT_ERR_RUN, "tokenizer %.12s ends a text of %zu bytes at byte %zu", t->hash, n, before);
}

/* What is encoded behind U+0001, which no piece holds, stands inside a text. */
int fot_tokenizer_encode_on(const struct fot_tokenizer *t, struct fot_ids *out, const char *text, size_t n,
			    struct fot_err *err)
{
	static const char stop[] = "\x01";
	struct fot_str all = FOT_STR_INIT;
	struct fot_ids ids = { 0 }, head = { 0 };
	int status;

	fot_str_puts(&all, stop);
	fot_str_add(&all, text, n);
	FOT_TRY(fot_str_check(&all, err));
	FOT_TRY(fot_tokenizer_encode(t, &head, stop, strlen(stop), err));
	FOT_TRY(fot_tokenizer_encode(t, &ids, all.data, all.len, err));
	if (ids.n < head.n || memcmp(ids.id, head.id, head.n * sizeof(*ids.id)) != 0) {
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "tokenizer %.12s has pieces with the control character U+0001", t->hash);
		goto out;
	}
	FOT_TRY(fot_ids_reserve(out, fot_size_add(out->n, ids.n - head.n), err));
	if (ids.n > head.n)
		memcpy(out->id + out->n, ids.id + head.n, (ids.n - head.n) * sizeof(*ids.id));
	out->n += ids.n - head.n;
out:
	fot_ids_release(&ids);
	fot_ids_release(&head);
	fot_str_release(&all);
	return status;
}

int fot_tokenizer_decode(const struct fot_tokenizer *t, struct fot_str *out, const int32_t *ids, size_t n,
			 struct fot_err *err)
{
	int32_t top = t->ids > t->vocab ? t->ids : t->vocab;
	struct fot_ids known = { 0 };
	int status = fot_ids_reserve(&known, n, err);

	for (size_t i = 0; i < n && status == FOT_OK; i++) {
		if (ids[i] < 0 || ids[i] >= top)
			status =
				FOT_FAIL(err, FOT_ERR_INPUT, "token %zu: expected an id from 0 to %d, got %d",
					 i, top - 1, ids[i]);
		else if (ids[i] < t->vocab)
			status = fot_ids_push(&known, ids[i], err);
	}
	if (status == FOT_OK)
		status = t->ops->decode(t, out, known.id, known.n, err);
	fot_ids_release(&known);
	return status;
}
