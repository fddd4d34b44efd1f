/* sequences.c: see sequences.h. */
#include "harness/sequences.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define MAX_FILE ((size_t)1 << 31)

static int read_ids(struct fot_ids *ids, const cJSON *list, size_t row, int32_t vocab, const char *path,
		    struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const cJSON *node;
	size_t at = 0;
	int status;

	if (!cJSON_IsArray(list) || !list->child)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: sequence %zu: expected a list of at least one token id", path, row);
	cJSON_ArrayForEach (node, list) {
		int64_t id;

		status = fot_json_as_i64(node, 0, vocab - 1, &id, &ctx, err);
		if (status == FOT_OK)
			status = fot_ids_push(ids, (int32_t)id, err);
		if (status != FOT_OK)
			return fot_err_prefix(err, "sequence %zu, token %zu", row, at);
		at++;
	}
	return FOT_OK;
}

static int check_mask(const struct fot_sequences *s, const cJSON *mask, const char *path, struct fot_err *err)
{
	const cJSON *row, *node;
	size_t i = 0;

	if (!mask)
		return FOT_OK;
	if ((size_t)cJSON_GetArraySize(mask) != s->n)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: attention_mask: %d rows, input_ids has %zu", path,
				cJSON_GetArraySize(mask), s->n);
	cJSON_ArrayForEach (row, mask) {
		if (!cJSON_IsArray(row) || (size_t)cJSON_GetArraySize(row) != s->seq[i].n)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: attention_mask: row %zu: expected %zu numbers", path, i,
					s->seq[i].n);
		cJSON_ArrayForEach (node, row) {
			if (!cJSON_IsNumber(node) || node->valuedouble != 1.0)
				return FOT_FAIL(
					err, FOT_ERR_INPUT,
					"%s: attention_mask: row %zu: padding is not supported, expected only 1; give sequences "
					"of different lengths without a mask instead",
					path, i);
		}
		i++;
	}
	return FOT_OK;
}

static int read_rows(struct fot_sequences *s, const cJSON *rows, int32_t vocab, const char *path,
		     struct fot_err *err)
{
	const cJSON *row;

	if (!cJSON_IsArray(rows) || !rows->child)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a list of sequences, [[1, 2, 3], ...]",
				path);
	s->seq = fot_calloc((size_t)cJSON_GetArraySize(rows), sizeof *s->seq);
	if (!s->seq)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", path);
	cJSON_ArrayForEach (row, rows) {
		int status = read_ids(&s->seq[s->n], row, s->n, vocab, path, err);

		s->n++;
		if (status != FOT_OK)
			return status;
	}
	return FOT_OK;
}

int fot_sequences_read(struct fot_sequences *out, const char *path, int32_t vocab, struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const cJSON *rows, *mask = NULL;
	cJSON *root = NULL;
	int status;

	*out = (struct fot_sequences){ 0 };
	FOT_TRY(fot_json_read(&root, path, MAX_FILE, FOT_ERR_INPUT, err));
	rows = root;
	if (cJSON_IsObject(root)) {
		if (fot_json_get(root, "turns")) {
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s: \"turns\" (several calls on one session) are not supported",
					  path);
			goto out;
		}
		FOT_TRY(fot_json_array(root, "input_ids", true, &rows, &ctx, err));
		FOT_TRY(fot_json_array(root, "attention_mask", false, &mask, &ctx, err));
	}
	FOT_TRY(read_rows(out, rows, vocab, path, err));
	FOT_TRY(check_mask(out, mask, path, err));
out:
	cJSON_Delete(root);
	if (status != FOT_OK)
		fot_sequences_release(out);
	return status;
}

int fot_sequences_read_text(struct fot_sequences *out, const char *path, const struct fot_tokenizer *t,
			    struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t valid;
	int status;

	*out = (struct fot_sequences){ .seq = fot_calloc(1, sizeof *out->seq), .n = 1 };
	if (!out->seq)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", path);
	FOT_TRY(fot_file_read(&text, path, MAX_FILE, err));
	valid = fot_utf8_valid(text.data ? text.data : "", text.len);
	if (valid != text.len) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: byte %zu: no valid UTF-8", path, valid);
		goto out;
	}
	if (fot_tokenizer_bos(t) >= 0)
		FOT_TRY(fot_ids_push(&out->seq[0], fot_tokenizer_bos(t), err));
	FOT_TRY(fot_tokenizer_encode(t, &out->seq[0], text.data ? text.data : "", text.len, err));
	if (out->seq[0].n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokens", path);
out:
	fot_str_release(&text);
	if (status != FOT_OK)
		fot_sequences_release(out);
	return status;
}

void fot_sequences_release(struct fot_sequences *s)
{
	for (size_t i = 0; i < s->n && s->seq; i++)
		fot_ids_release(&s->seq[i]);
	fot_free(s->seq);
	*s = (struct fot_sequences){ 0 };
}

size_t fot_sequences_longest(const struct fot_sequences *s)
{
	size_t most = 0;

	for (size_t i = 0; i < s->n; i++)
		most = s->seq[i].n > most ? s->seq[i].n : most;
	return most;
}
