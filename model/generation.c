/* generation.c: generation_config.json, which stands beside config.json and says what ends a generated text
 * (generate() of transformers; chat models name the ends of turns here alone).
 *
 * Its ids join those of config.json; where config.json names none, its first is the one that is fed. */
#include "base/file.h"
#include "base/json.h"
#include "model/config.h"

#define BYTES_MAX ((size_t)1 << 20)
#define EOS "eos_token_id"

static int add_end(struct fot_config *c, const cJSON *node, bool first, const struct fot_json_ctx *at,
		   struct fot_err *err)
{
	int64_t id;
	int status = fot_json_as_i64(node, 0, c->vocab_size - 1, &id, at, err);

	if (status != FOT_OK)
		return fot_err_prefix(err, EOS);
	if (first)
		c->eos_id = (int32_t)id;
	if (fot_config_ends(c, (int32_t)id))
		return FOT_OK;
	if (c->n_more_eos == FOT_MORE_EOS_MOST)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: " EOS ": expected at most %d ids with those of config.json", at->where,
				FOT_MORE_EOS_MOST + 1);
	c->more_eos[c->n_more_eos++] = (int32_t)id;
	return FOT_OK;
}

static int add_ends(struct fot_config *c, const cJSON *ends, bool unsaid, const struct fot_json_ctx *at,
		    struct fot_err *err)
{
	const cJSON *item;
	int status = FOT_OK;

	if (!cJSON_IsArray(ends))
		return add_end(c, ends, unsaid, at, err);
	cJSON_ArrayForEach (item, ends)
		FOT_TRY(add_end(c, item, unsaid && item == ends->child, at, err));
out:
	return status;
}

int fot_config_read_generation(struct fot_config *c, const cJSON *config, const char *dir, struct fot_err *err)
{
	struct fot_json_ctx at = { .code = FOT_ERR_INPUT };
	struct fot_str path = FOT_STR_INIT;
	const cJSON *ends;
	cJSON *root = NULL;
	int status;

	FOT_TRY(fot_path_at(&path, dir, "generation_config.json", err));
	if (!fot_file_exists(path.data))
		goto out;
	FOT_TRY(fot_json_read(&root, path.data, BYTES_MAX, FOT_ERR_INPUT, err));
	at.where = path.data;
	ends = fot_json_get(root, EOS);
	if (ends)
		status = add_ends(c, ends, !fot_json_get(config, EOS), &at, err);
out:
	cJSON_Delete(root);
	fot_str_release(&path);
	return status;
}
