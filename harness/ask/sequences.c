/* sequences.c: see sequences.h. */
#include "harness/ask/sequences.h"

#include <cjson/cJSON.h>

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

/* Zeros, then ones. */
static int read_mask_row(struct fot_prompt *p, const cJSON *row, size_t i, const char *path, struct fot_err *err)
{
	const cJSON *node;

	if (!cJSON_IsArray(row) || (size_t)cJSON_GetArraySize(row) < p->ids.n)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: attention_mask: row %zu: expected %zu numbers", path, i,
				p->ids.n);
	cJSON_ArrayForEach (node, row) {
		bool one = cJSON_IsNumber(node) && node->valuedouble == 1.0;

		if (!one && !(cJSON_IsNumber(node) && node->valuedouble == 0.0))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: attention_mask: row %zu: expected only 0 and 1",
					path, i);
		if (!one && p->pads < p->columns)
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: attention_mask: row %zu, column %zu: expected padding (0) on the left only",
					path, i, p->columns);
		p->pads += !one;
		p->columns++;
	}
	return FOT_OK;
}

static int read_mask(struct fot_prompt *rows, size_t n, const cJSON *mask, const char *path, struct fot_err *err)
{
	const cJSON *row;
	size_t i = 0;

	if (!mask)
		return FOT_OK;
	if ((size_t)cJSON_GetArraySize(mask) != n)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: attention_mask: %d rows, input_ids has %zu", path,
				cJSON_GetArraySize(mask), n);
	cJSON_ArrayForEach (row, mask) {
		int status = read_mask_row(&rows[i], row, i, path, err);

		if (status != FOT_OK)
			return status;
		i++;
	}
	return FOT_OK;
}

/* The first turn sets the number of sequences, the others must have as many. */
static int read_rows(struct fot_sequences *s, struct fot_turn *turn, const cJSON *rows, int32_t vocab,
		     const char *path, struct fot_err *err)
{
	const cJSON *row;
	size_t n, i = 0;

	if (!cJSON_IsArray(rows) || !rows->child)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a list of sequences, [[1, 2, 3], ...]",
				path);
	n = (size_t)cJSON_GetArraySize(rows);
	if (turn == s->turn)
		s->n = n;
	else if (n != s->n)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: input_ids: %zu sequences, the first turn has %zu", path, n,
				s->n);
	turn->row = fot_calloc(n, sizeof *turn->row);
	if (!turn->row)
		return FOT_NO_MEMORY(err, path);
	cJSON_ArrayForEach (row, rows) {
		int status = read_ids(&turn->row[i].ids, row, i, vocab, path, err);

		if (status != FOT_OK)
			return status;
		i++;
	}
	return FOT_OK;
}

/* {"input_ids": ..., "attention_mask": ..., "use_cache": ...} */
static int read_call(struct fot_sequences *s, struct fot_turn *turn, const cJSON *object, int32_t vocab,
		     const char *path, struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const cJSON *rows, *mask = NULL;
	bool use_cache = true;
	int status;

	FOT_TRY(fot_json_array(object, "input_ids", true, &rows, &ctx, err));
	FOT_TRY(fot_json_array(object, "attention_mask", false, &mask, &ctx, err));
	FOT_TRY(read_rows(s, turn, rows, vocab, path, err));
	FOT_TRY(read_mask(turn->row, s->n, mask, path, err));
	if (s->turns)
		FOT_TRY(fot_json_bool(object, "use_cache", false, &use_cache, &ctx, err));
	turn->no_cache = !use_cache;
out:
	return status;
}

static int read_turns(struct fot_sequences *s, const cJSON *turns, int32_t vocab, const char *path,
		      struct fot_err *err)
{
	const cJSON *object;

	s->turns = true;
	if (!turns->child)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: turns: expected at least one", path);
	s->turn = fot_calloc((size_t)cJSON_GetArraySize(turns), sizeof *s->turn);
	if (!s->turn)
		return FOT_NO_MEMORY(err, path);
	cJSON_ArrayForEach (object, turns) {
		int status = cJSON_IsObject(object) ? FOT_OK :
						      FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object", path);

		if (status == FOT_OK)
			status = read_call(s, &s->turn[s->n_turns], object, vocab, path, err);
		s->n_turns++;
		if (status != FOT_OK)
			return fot_err_prefix(err, "turn %zu", s->n_turns - 1);
	}
	return FOT_OK;
}

static int one_turn(struct fot_sequences *s, const char *path, struct fot_err *err)
{
	*s = (struct fot_sequences){ .turn = fot_calloc(1, sizeof *s->turn) };
	if (!s->turn)
		return FOT_NO_MEMORY(err, path);
	s->n_turns = 1;
	return FOT_OK;
}

int fot_sequences_read(struct fot_sequences *out, const char *path, int32_t vocab, struct fot_err *err)
{
	struct fot_json_ctx ctx = { path, FOT_ERR_INPUT };
	const cJSON *turns = NULL;
	cJSON *root = NULL;
	int status;

	*out = (struct fot_sequences){ 0 };
	FOT_TRY(fot_json_read(&root, path, MAX_FILE, FOT_ERR_INPUT, err));
	if (cJSON_IsObject(root))
		FOT_TRY(fot_json_array(root, "turns", false, &turns, &ctx, err));
	if (turns) {
		status = read_turns(out, turns, vocab, path, err);
		goto out;
	}
	FOT_TRY(one_turn(out, path, err));
	if (cJSON_IsObject(root))
		status = read_call(out, out->turn, root, vocab, path, err);
	else
		status = read_rows(out, out->turn, root, vocab, path, err);
out:
	cJSON_Delete(root);
	if (status != FOT_OK)
		fot_sequences_release(out);
	return status;
}

int fot_sequences_of_text(struct fot_sequences *out, const char *name, const char *text, size_t n,
			  const struct fot_tokenizer *t, struct fot_err *err)
{
	size_t valid = fot_utf8_valid(text, n);
	struct fot_ids *ids;
	int status;

	FOT_TRY(one_turn(out, name, err));
	out->n = 1;
	out->turn->row = fot_calloc(1, sizeof *out->turn->row);
	if (!out->turn->row) {
		status = FOT_NO_MEMORY(err, name);
		goto out;
	}
	ids = &out->turn->row->ids;
	if (valid != n) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: byte %zu: no valid UTF-8", name, valid);
		goto out;
	}
	if (fot_tokenizer_bos(t) >= 0)
		FOT_TRY(fot_ids_push(ids, fot_tokenizer_bos(t), err));
	FOT_TRY(fot_tokenizer_encode(t, ids, text, n, err));
	if (ids->n == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokens", name);
out:
	if (status != FOT_OK)
		fot_sequences_release(out);
	return status;
}

void fot_sequences_release(struct fot_sequences *s)
{
	for (size_t t = 0; t < s->n_turns; t++) {
		for (size_t i = 0; i < s->n && s->turn[t].row; i++)
			fot_ids_release(&s->turn[t].row[i].ids);
		fot_free(s->turn[t].row);
	}
	fot_free(s->turn);
	*s = (struct fot_sequences){ 0 };
}

size_t fot_sequences_longest(const struct fot_sequences *s)
{
	size_t most = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t n = 0;

		for (size_t t = 0; t < s->n_turns; t++)
			n += s->turn[t].row[i].ids.n;
		most = n > most ? n : most;
	}
	return most;
}
