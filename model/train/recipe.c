/* recipe.c: reading a recipe and asking it about a step. */
#include "model/train/recipe.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "datasets/lookup.h"
#include "model/dtype.h"
#include "model/tokenizer.h"
#include "model/train/params.h"
#include "model/train/vote.h"

#define RECIPE_BYTES_MAX ((size_t)1 << 20)
#define MAX_TOP_K 4096
#define MAX_OWN 64 /* own windows per query; crossbatch.c's list is this long */

static const char *const dtype_words[] = { "F32", "F16", "BF16", NULL }; /* enum fot_dtype */

static const struct fot_key top_keys[] = {
	{ .name = "name", .type = &fot_key_text, FOT_KEY_AT(struct fot_recipe, name), .required = true,
	  .help = "name of the model that is made" },
	{ .name = "variant", .type = &fot_key_text, FOT_KEY_AT(struct fot_recipe, variant),
	  .help = "its model_variant in results" },
	{ .name = "seed", .type = &fot_key_integer, FOT_KEY_AT(struct fot_recipe, seed), .lo = 0, .hi = 9007199254740992.0,
	  .dflt = "1", .help = "seed of everything that is drawn" },
	{ .name = "model", .type = &fot_key_object, .unset = "the model it starts from",
	  .help = "what the network is: the keys of a config.json; without hidden_size those over the start's" },
	{ .name = "tokenizer", .type = &fot_key_text, FOT_KEY_AT(struct fot_recipe, tokenizer),
	  .unset = "that of the model it starts from",
	  .help = "byte, none (with the generator lookup), a tokenizer.model or a tokenizer.json" },
	{ .name = "datasets", .type = &fot_key_objects, .unset = "none, with the generator lookup",
	  .help = "texts to train on" },
	{ .name = "generator", .type = &fot_key_object, .unset = "windows of the texts",
	  .help = "batches that are made up" },
	{ .name = "init", .type = &fot_key_object, .help = "weights to begin with" },
	{ .name = "optimizer", .type = &fot_key_object, .help = "settings of AdamW" },
	{ .name = "stages", .type = &fot_key_objects, .required = true, .help = "what is trained how, one after another" },
	{ .name = "validation", .type = &fot_key_object, .help = "losses on held-out text" },
	{ .name = "checkpoint_every", .type = &fot_key_size, FOT_KEY_AT(struct fot_recipe, checkpoint_every), .lo = 1,
	  .hi = 100000000, .dflt = "200", .help = "steps between checkpoints" },
	{ .name = "save_dtype", .type = &fot_key_choice, FOT_KEY_AT(struct fot_recipe, save_dtype), .words = dtype_words,
	  .dflt = "\"F32\"", .help = "type of the weights that are saved" },
	{ .name = "compute", .type = &fot_key_choice, FOT_KEY_AT(struct fot_recipe, compute), .words = fot_compute_words,
	  .dflt = "\"f32\"", .help = "numbers of products" },
	{ .name = "comment", .type = &fot_key_comment, .help = "for readers" },
};

static const struct fot_key init_keys[] = {
	{ .name = "gain", .type = &fot_key_real, FOT_KEY_AT(struct fot_recipe, gain), .lo = 0, .hi = 100, .dflt = "0.6",
	  .help = "scale of random matrices" },
	{ .name = "embed_std", .type = &fot_key_real, FOT_KEY_AT(struct fot_recipe, embed_std), .lo = 0, .hi = 100,
	  .dflt = "0.5", .help = "standard deviation of random embeddings" },
	{ .name = "from", .type = &fot_key_text, FOT_KEY_AT(struct fot_recipe, start), .unset = "random weights",
	  .help = "folder of the model to go on from" },
	{ .name = "vote", .type = &fot_key_flag, FOT_KEY_AT(struct fot_recipe, vote), .dflt = "false",
	  .help = "begin as a vote of like texts, with the embeddings of `from`" },
	{ .name = "sha256", .type = &fot_key_comment, .unset = "whichever are there",
	  .help = "the hash that its model.safetensors must have" },
};

#define ADAMW(key, least, most, value, sentence)                                                                      \
	{ .name = #key, .type = &fot_key_real, FOT_KEY_AT(struct fot_recipe, adamw.key), .lo = least, .hi = most,     \
	  .dflt = value, .help = sentence }
static const struct fot_key optimizer_keys[] = {
	ADAMW(beta1, 0, 0.999999, "0.9", "decay of the mean of gradients"),
	ADAMW(beta2, 0, 0.999999, "0.98", "decay of the mean of their squares"),
	ADAMW(eps, 1e-20, 1, "1e-8", "least divisor"),
	ADAMW(weight_decay, 0, 10, "0.01", "share of the weights that decays with each learning rate"),
	ADAMW(clip, 0, 1e9, "1", "largest norm of a gradient, 0: none"),
	ADAMW(gate_lr, 0, 1e6, "1", "times the learning rate, for the gates of the memory"),
};

static const struct fot_key validation_keys[] = {
	{ .name = "every", .type = &fot_key_size, FOT_KEY_AT(struct fot_recipe, valid_every), .lo = 0, .hi = 100000000,
	  .dflt = "0", .help = "steps between validations, 0: none" },
	{ .name = "windows", .type = &fot_key_size, FOT_KEY_AT(struct fot_recipe, valid_windows), .lo = 1, .hi = 4096,
	  .dflt = "16", .help = "windows of each corpus" },
	{ .name = "memory", .type = &fot_key_size, FOT_KEY_AT(struct fot_recipe, valid_memory), .lo = 1, .hi = MAX_OWN,
	  .dflt = "8", .help = "windows of memory before them" },
};

struct source {
	char *name;
	double weight;
};
static const struct fot_key dataset_keys[] = {
	{ .name = "name", .type = &fot_key_text, FOT_KEY_AT(struct source, name), .required = true,
	  .help = "a dataset, a folder of .txt files, a .jsonl or .parquet file" },
	{ .name = "weight", .type = &fot_key_real, FOT_KEY_AT(struct source, weight), .lo = 1e-9, .hi = 1e9, .dflt = "1",
	  .help = "how often it is drawn from, relative to the others" },
};

struct phase {
	struct fot_stage s;
	struct fot_lr lr;
};
#define STAGE(key, kind, least, most, sentence) \
	.name = #key, .type = &kind, FOT_KEY_AT(struct phase, s.key), .lo = least, .hi = most, .help = sentence
static const struct fot_key stage_keys[] = {
	{ .name = "method", .type = &fot_key_choice, FOT_KEY_AT(struct phase, s.method), .words = fot_method_words,
	  .required = true, .help = "how memory layers see other windows" },
	{ STAGE(steps, fot_key_size, 1, 100000000, "optimiser steps"), .required = true },
	{ STAGE(window, fot_key_size, 2, 1 << 20, "tokens of a window"), .required = true },
	{ STAGE(batch, fot_key_size, 1, 4096, "windows of each step that are predicted"), .required = true },
	{ STAGE(accumulate, fot_key_size, 1, 4096, "batches of each step, one after the other: the mean of their losses"), .dflt = "1" },
	{ STAGE(w, fot_key_size, 1, MAX_OWN, "own windows before, seen by memory layers"), .dflt = "1" },
	{ STAGE(d, fot_key_size, 1, 4096, "documents seen, the own one included (crossbatch)"), .dflt = "1" },
	{ STAGE(negatives, fot_key_size, 0, 65536, "windows of others that all see besides (crossbatch)"), .dflt = "0" },
	{ STAGE(far, fot_key_real, 0, 1, "share whose own windows come from anywhere earlier"), .dflt = "0" },
	{ STAGE(copy, fot_key_real, 0, 1, "share of windows with a span that repeats one in sight"), .dflt = "0" },
	{ STAGE(pack, fot_key_size, 1, MAX_OWN, "asking windows of one document, a divisor of batch"), .dflt = "1" },
	{ STAGE(near, fot_key_real, 0, 1, "share of the negatives that are hard (generators lookup, passkey)"), .dflt = "0" },
	{ STAGE(cut, fot_key_real, 0, 1, "share of pass keys across a border of windows, 0: the generator's"), .dflt = "0" },
	{ STAGE(top_k, fot_key_size, 0, MAX_TOP_K, "memory keys per query and head, 0: all"), .dflt = "0" },
	{ STAGE(range, fot_key_size, 0, 4095, "other rows that a row sees at most (longllama)"), .dflt = "0" },
	{ STAGE(stepping, fot_key_flag, 0, 0, "the first rows of a stream see fewer (longllama)"), .dflt = "true" },
	{ STAGE(teach, fot_key_real, 0, 1000, "weight of attention teaching as the stage begins (generator episodes)"), .dflt = "0" },
	{ STAGE(teach_end, fot_key_real, 0, 1000, "the same as it ends, by a straight line"), .unset = "teach" },
	{ STAGE(teach_text, fot_key_real, 0, 1000, "times teach: layers below memory layers are told to read the text"), .dflt = "0" },
	{ .name = "lr", .type = &fot_key_real, FOT_KEY_AT(struct phase, lr.lr), .lo = 0, .hi = 1, .required = true,
	  .help = "peak learning rate" },
	{ .name = "lr_end", .type = &fot_key_real, FOT_KEY_AT(struct phase, lr.lr_end), .lo = 0, .hi = 1, .unset = "lr",
	  .help = "learning rate at the end, by a cosine" },
	{ .name = "warmup", .type = &fot_key_size, FOT_KEY_AT(struct phase, lr.warmup), .lo = 0, .hi = 100000000,
	  .dflt = "0", .help = "steps of linear rise" },
	{ .name = "comment", .type = &fot_key_comment, .help = "for readers" },
};

const struct fot_key_table fot_recipe_tables[] = {
	{ "top level", top_keys, FOT_COUNT(top_keys) },
	{ "datasets: each object", dataset_keys, FOT_COUNT(dataset_keys) },
	{ "generator, kind lookup", fot_lookup_keys, FOT_LOOKUP_KEYS },
	{ "generator, kind passkey", fot_passkey_keys, FOT_PASSKEY_KEYS },
	{ "generator, kind episodes", fot_episodes_keys, FOT_EPISODES_KEYS },
	{ "init", init_keys, FOT_COUNT(init_keys) },
	{ "optimizer", optimizer_keys, FOT_COUNT(optimizer_keys) },
	{ "stages: each object", stage_keys, FOT_COUNT(stage_keys) },
	{ "validation", validation_keys, FOT_COUNT(validation_keys) },
};
const size_t fot_n_recipe_tables = FOT_COUNT(fot_recipe_tables);

/* Keys that the method has no use for. */
static int check_method(const struct fot_stage *s, const char *where, struct fot_err *err)
{
	bool rows = s->method == FOT_METHOD_LONGLLAMA;

	if (s->method == FOT_METHOD_TRANSFORMER_XL && s->far > 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: far: method \"transformer-xl\" takes the windows just before",
				where);
	if (rows && (s->w > 1 || s->far > 0 || s->copy > 0))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: w, far and copy are not for method \"longllama\"", where);
	if (!rows && (s->range || !s->stepping))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: range and stepping belong to method \"longllama\"", where);
	if (s->method != FOT_METHOD_CROSSBATCH && (s->negatives || s->d > 1))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: d and negatives belong to method \"crossbatch\"", where);
	if (!fot_stage_has_memory(s) && ((s->pack > 1 && !rows) || s->top_k))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: pack and top_k belong to methods \"crossbatch\" and \"memorizing\"", where);
	return FOT_OK;
}

static int read_stage(struct fot_recipe *r, const cJSON *obj, const char *where, struct fot_err *err)
{
	struct fot_key_ctx ctx = { { where, FOT_ERR_USAGE }, NULL, err };
	struct phase phase = { .lr = { .lr_end = -1 }, .s.teach_end = -1 };
	struct fot_stage *s = &r->stage[r->n_stages];
	struct fot_lr *lr = &r->lr[r->n_stages];
	int status;

	FOT_TRY(fot_keys_read(&phase, stage_keys, FOT_COUNT(stage_keys), obj, &ctx));
	*s = phase.s;
	*lr = phase.lr;
	if (s->teach_end < 0)
		s->teach_end = s->teach;
	if (lr->lr_end < 0)
		lr->lr_end = lr->lr;
	if (status == FOT_OK && s->batch % s->pack != 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: pack: expected a divisor of batch = %lld, got %lld", where,
				  (long long)s->batch, (long long)s->pack);
	if (status == FOT_OK && s->d > s->batch / s->pack)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: d: expected at most batch / pack = %lld documents, got %lld",
				  where, (long long)(s->batch / s->pack), (long long)s->d);
	if (status == FOT_OK && fot_stage_windows(s) * s->accumulate > FOT_STEP_SLOTS / 2)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: accumulate: expected at most %lld batches of %lld windows, got %lld",
				  where, (long long)(FOT_STEP_SLOTS / 2 / fot_stage_windows(s)),
				  (long long)fot_stage_windows(s), (long long)s->accumulate);
	if (status == FOT_OK)
		status = check_method(s, where, err);
	r->n_stages++;
out:
	return status;
}

static int read_dataset(struct fot_recipe *r, const cJSON *obj, const char *where, struct fot_err *err)
{
	struct fot_key_ctx ctx = { { where, FOT_ERR_USAGE }, NULL, err };
	struct source source = { 0 };
	int status = fot_keys_read(&source, dataset_keys, FOT_COUNT(dataset_keys), obj, &ctx);

	if (source.name) {
		r->dataset[r->n_datasets] = source.name;
		r->weight[r->n_datasets++] = source.weight;
	}
	return status;
}

/* Every element of root[key], at most max, through read. */
static int read_list(struct fot_recipe *r, const cJSON *root, const char *key, size_t max, const char *name,
		     int (*read)(struct fot_recipe *, const cJSON *, const char *, struct fot_err *),
		     struct fot_err *err)
{
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	const cJSON *list = NULL, *item;
	char where[512];
	size_t i = 0;
	int status;

	FOT_TRY(fot_json_array(root, key, true, &list, &ctx, err));
	cJSON_ArrayForEach(item, list)
	{
		snprintf(where, sizeof where, "%s: %s[%zu]", name, key, i);
		if (i++ == max) {
			status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: more than %zu entries", where, max);
			goto out;
		}
		if (!cJSON_IsObject(item)) {
			status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object", where);
			goto out;
		}
		FOT_TRY(read(r, item, where, err));
	}
	if (i == 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: the list is empty", name, key);
out:
	return status;
}

/* An object that may be missing: then all has its default. */
static int read_group(struct fot_recipe *r, const cJSON *root, const char *key, const char *name,
		      const struct fot_key *keys, size_t n, struct fot_err *err)
{
	static const cJSON empty = { .type = cJSON_Object };
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	struct fot_key_ctx inner = { { NULL, FOT_ERR_USAGE }, NULL, err };
	const cJSON *obj = NULL;
	char where[512];
	int status;

	snprintf(where, sizeof where, "%s: %s", name, key);
	inner.json.where = where;
	FOT_TRY(fot_json_object(root, key, false, &obj, &ctx, err));
	status = fot_keys_read(r, keys, n, obj ? obj : &empty, &inner);
out:
	return status;
}

/* Which weights they must be. */
static int read_start_hash(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	const cJSON *init = fot_json_get(root, "init");
	const char *hash = NULL;
	char where[512];
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status;

	snprintf(where, sizeof where, "%s: init", name);
	if (!init)
		return FOT_OK;
	FOT_TRY(fot_json_string(init, "sha256", false, &hash, &ctx, err));
	if (hash && !r->start)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s.from: missing, expected the model with this sha256", where);
	if (hash && (strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: sha256: expected 64 hexadecimal digits, got \"%.80s\"", where,
				hash);
	if (hash)
		memcpy(r->start_sha256, hash, sizeof r->start_sha256);
out:
	return status;
}

static int read_groups(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	int status;

	FOT_TRY(read_group(r, root, "init", name, init_keys, FOT_COUNT(init_keys), err));
	FOT_TRY(read_start_hash(r, root, name, err));
	FOT_TRY(read_group(r, root, "optimizer", name, optimizer_keys, FOT_COUNT(optimizer_keys), err));
	FOT_TRY(read_group(r, root, "validation", name, validation_keys, FOT_COUNT(validation_keys), err));
out:
	return status;
}

/* to[key] = value, copied; an object's keys one by one. */
static bool put(cJSON *to, const char *key, const cJSON *value)
{
	cJSON *old = cJSON_GetObjectItemCaseSensitive(to, key), *copy;
	const cJSON *item;
	bool good = true;

	if (strcmp(key, "fot") == 0 && cJSON_IsObject(old) && cJSON_IsObject(value)) {
		cJSON_ArrayForEach(item, value)
			good = good && put(old, item->string, item);
		return good;
	}
	copy = cJSON_Duplicate(value, 1);
	return copy && (old ? cJSON_ReplaceItemInObjectCaseSensitive(to, key, copy) : cJSON_AddItemToObject(to, key, copy));
}

/* The config.json of the folder r->base with the recipe's keys over it; and what else ends a text there, unless the recipe
 * says it. where: the recipe's model. */
static int lay_over(cJSON **out, struct fot_recipe *r, const cJSON *model, const char *where, struct fot_err *err)
{
	static const char *const rope[] = { "rope_scaling", "rope_theta" };
	struct fot_str path = FOT_STR_INIT;
	const cJSON *item;
	bool good = true;
	int status;

	FOT_TRY(fot_path_at(&path, r->base, "config.json", err));
	FOT_TRY(fot_json_read(out, path.data, RECIPE_BYTES_MAX, FOT_ERR_INPUT, err));
	for (size_t i = 0; i < FOT_COUNT(rope); i++)
		if (fot_json_get(model, rope[i]) && fot_json_get(*out, "rope_parameters")) {
			status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: expected rope_parameters, which %s has", where,
					  rope[i], path.data);
			goto out;
		}
	cJSON_ArrayForEach(item, model)
		good = good && put(*out, item->string, item);
	status = good ? fot_config_parse(&r->config, *out, path.data, err) : FOT_NO_MEMORY(err, where);
	if (status != FOT_OK)
		fot_err_prefix(err, "%s over the start's", where);
	else if (!cJSON_GetObjectItemCaseSensitive(model, "eos_token_id"))
		status = fot_config_read_generation(&r->config, *out, r->base, err);
out:
	fot_str_release(&path);
	return status;
}

/* The tokenizer of the folder that the model goes out from. */
static int take_tokenizer(struct fot_recipe *r, struct fot_err *err)
{
	static const char *const words[] = { [FOT_TOKENIZER_BYTE] = "byte", [FOT_TOKENIZER_NONE] = "none" };
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	if (r->config.tokenizer != FOT_TOKENIZER_FILE)
		fot_str_puts(&path, words[r->config.tokenizer]);
	else
		FOT_TRY(fot_tokenizer_path(&path, r->base, err));
	FOT_TRY(fot_str_check(&path, err));
	if (path.len == 0)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: no tokenizer: expected tokenizer.model or tokenizer.json",
				  r->base);
	else if (!(r->tokenizer = fot_strdup(path.data)))
		status = FOT_NO_MEMORY(err, r->base);
out:
	fot_str_release(&path);
	return status;
}

/* A model of its own, or what differs from the one it starts from. */
static int read_model(struct fot_recipe *r, const cJSON *root, const char *name, const char *base, struct fot_err *err)
{
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	const cJSON *model = NULL;
	cJSON *whole = NULL;
	bool own;
	char where[512];
	int status;

	snprintf(where, sizeof where, "%s: model", name);
	FOT_TRY(fot_json_object(root, "model", false, &model, &ctx, err));
	own = model && fot_json_get(model, "hidden_size");
	r->needs_base = !own && !base;
	if (r->needs_base)
		goto out;
	if (!own && !(r->base = fot_strdup(base))) {
		status = FOT_NO_MEMORY(err, where);
		goto out;
	}
	FOT_TRY(own ? fot_config_parse(&r->config, model, where, err) : lay_over(&whole, r, model, where, err));
	snprintf(r->config.variant, sizeof r->config.variant, "%s", r->variant);
	if (!r->tokenizer && own)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: tokenizer: missing, expected a text", name);
	else if (!r->tokenizer)
		status = take_tokenizer(r, err);
out:
	cJSON_Delete(whole);
	return status;
}

/* Where the tokens come from: datasets, a generator, or both. */
static int read_sources(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	bool bare = strcmp(r->tokenizer, "none") == 0;
	enum fot_generator_kind kind;
	const cJSON *obj = NULL;
	char where[512];
	int status;

	snprintf(where, sizeof where, "%s: generator", name);
	FOT_TRY(fot_json_object(root, "generator", false, &obj, &ctx, err));
	if (obj)
		FOT_TRY(fot_generator_parse(&r->generator, obj, where, err));
	kind = r->generator.kind;
	if (kind == FOT_GENERATOR_EPISODES && r->generator.labelled.n && !fot_json_get(root, "datasets"))
		; /* labelled sets alone */
	else if (kind != FOT_GENERATOR_LOOKUP)
		FOT_TRY(read_list(r, root, "datasets", FOT_MAX_SOURCES, name, read_dataset, err));
	else if (fot_json_get(root, "datasets"))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: datasets: generator lookup reads none", name);
	else if (r->config.vocab_size != FOT_LOOKUP_VOCAB)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: model: vocab_size: generator lookup: expected %d, got %d",
				  name, FOT_LOOKUP_VOCAB, r->config.vocab_size);
	if (status == FOT_OK && bare != (kind == FOT_GENERATOR_LOOKUP))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: tokenizer: \"none\" goes with generator lookup, and only with it",
				  name);
	if (status == FOT_OK && bare != (r->config.tokenizer == FOT_TOKENIZER_NONE))
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: model: fot: tokenizer: \"none\" there goes with tokenizer "
				  "\"none\" of the recipe", name);
	if (status == FOT_OK && kind == FOT_GENERATOR_PASSKEY && strcmp(r->tokenizer, "byte") != 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: tokenizer: generator %s: expected \"byte\", got \"%s\"", name,
				  fot_generator_name(&r->generator), r->tokenizer);
out:
	return status;
}

/* Teaching is of one softmax over all keys. */
static int check_teaching(const struct fot_recipe *r, const struct fot_stage *s, const char *where, struct fot_err *err)
{
	if (s->teach <= 0 && s->teach_end <= 0)
		return FOT_OK;
	if (r->config.n_mem_layers == 0)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: teach: the model has no memory layer to teach", where);
	if (s->top_k || r->config.mix == FOT_MIX_GATE || r->config.sliding_window)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: teach: expected mix \"joint\" and no top_k%s", where,
				r->config.sliding_window ? ", no sliding_window" : "");
	return FOT_OK;
}

static int check_stages(struct fot_recipe *r, const char *name, struct fot_err *err)
{
	char where[512];
	bool cached = r->stage[r->n_stages - 1].method == FOT_METHOD_TRANSFORMER_XL;
	int status = FOT_OK;

	if (r->config.cached_windows && !cached)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: model: fot: cached_windows: expected method \"transformer-xl\" in the last stage", name);
	r->config.cached_windows = cached;
	for (size_t i = 0; i < r->n_stages; i++) {
		snprintf(where, sizeof where, "%s: stages[%zu]", name, i);
		FOT_TRY(fot_generator_check(&r->generator, &r->stage[i], where, err));
		FOT_TRY(check_teaching(r, &r->stage[i], where, err));
	}
out:
	return status;
}

static int check_vote(const struct fot_recipe *r, const char *name, struct fot_err *err)
{
	if (!r->vote)
		return FOT_OK;
	if (!r->start || r->generator.kind != FOT_GENERATOR_EPISODES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: init: vote: expected init.from and the generator episodes", name);
	if (!fot_vote_possible(&r->config))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: init: vote: expected two layers below the first memory layer, no mem_positionals, "
				"mix \"joint\", tied embeddings and windows of at most %d tokens (model/train/vote.h has "
				"the rest)",
				name, FOT_VOTE_WINDOW);
	return FOT_OK;
}

static int read_root(struct fot_recipe *r, const cJSON *root, const char *name, const char *base, struct fot_err *err)
{
	struct fot_key_ctx ctx = { { name, FOT_ERR_USAGE }, NULL, err };
	int status;

	if (!cJSON_IsObject(root))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object at the top", name);
	FOT_TRY(fot_keys_read(r, top_keys, FOT_COUNT(top_keys), root, &ctx));
	if (!r->variant && !(r->variant = fot_strdup("")))
		return fot_key_no_memory(&ctx);
	FOT_TRY(read_model(r, root, name, base, err));
	if (r->needs_base) {
		status = read_group(r, root, "init", name, init_keys, FOT_COUNT(init_keys), err);
		goto out;
	}
	FOT_TRY(read_sources(r, root, name, err));
	FOT_TRY(read_groups(r, root, name, err));
	FOT_TRY(read_list(r, root, "stages", FOT_MAX_STAGES, name, read_stage, err));
	FOT_TRY(check_stages(r, name, err));
	FOT_TRY(check_vote(r, name, err));
out:
	return status;
}

static int parse(struct fot_recipe *r, const char *text, size_t n, const char *name, const char *base,
		 struct fot_err *err)
{
	cJSON *root = NULL;
	int status;

	memset(r, 0, sizeof *r);
	FOT_TRY(fot_json_parse(&root, text, n, name, FOT_ERR_USAGE, err));
	FOT_TRY(read_root(r, root, name, base, err));
	r->text = fot_strndup(text, n);
	if (!r->text)
		status = FOT_NO_MEMORY(err, name);
	fot_sha256_of(text, n, r->sha256);
out:
	cJSON_Delete(root);
	if (status != FOT_OK)
		fot_recipe_release(r);
	return status;
}

int fot_recipe_compute(struct fot_recipe *r, enum fot_compute compute, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	cJSON *root = NULL;
	char *copy;
	int status;

	if (r->compute == compute)
		return FOT_OK;
	FOT_TRY(fot_json_parse(&root, r->text, strlen(r->text), r->name, FOT_ERR_USAGE, err));
	cJSON_DeleteItemFromObjectCaseSensitive(root, "compute");
	if (!cJSON_AddStringToObject(root, "compute", fot_compute_words[compute])) {
		status = FOT_NO_MEMORY(err, r->name);
		goto out;
	}
	FOT_TRY(fot_json_print(&text, root, 1, err));
	fot_str_putc(&text, '\n');
	FOT_TRY(fot_str_check(&text, err));
	copy = fot_strndup(text.data, text.len);
	if (!copy) {
		status = FOT_NO_MEMORY(err, r->name);
		goto out;
	}
	fot_free(r->text);
	r->text = copy;
	r->compute = compute;
	fot_sha256_of(text.data, text.len, r->sha256);
out:
	cJSON_Delete(root);
	fot_str_release(&text);
	return status;
}

int fot_recipe_parse(struct fot_recipe *r, const char *text, size_t n, const char *name, struct fot_err *err)
{
	return parse(r, text, n, name, NULL, err);
}

int fot_recipe_read(struct fot_recipe *r, const char *path, struct fot_err *err)
{
	return fot_recipe_read_on(r, path, NULL, err);
}

int fot_recipe_read_on(struct fot_recipe *r, const char *path, const char *base, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_file_read(&text, path, RECIPE_BYTES_MAX, err));
	FOT_TRY(parse(r, text.data, text.len, path, base, err));
out:
	fot_str_release(&text);
	return status;
}

void fot_recipe_release(struct fot_recipe *r)
{
	fot_free(r->name);
	fot_free(r->variant);
	fot_free(r->tokenizer);
	fot_free(r->text);
	fot_free(r->start);
	fot_free(r->base);
	for (size_t i = 0; i < r->n_datasets; i++)
		fot_free(r->dataset[i]);
	memset(r, 0, sizeof *r);
}

int64_t fot_recipe_steps(const struct fot_recipe *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n_stages; i++)
		n += r->stage[i].steps;
	return n;
}

size_t fot_recipe_stage(const struct fot_recipe *r, int64_t step, double *lr)
{
	size_t i = 0;
	const struct fot_lr *l;
	double rest, at;

	while (i + 1 < r->n_stages && step >= r->stage[i].steps)
		step -= r->stage[i++].steps;
	l = &r->lr[i];
	rest = (double)(r->stage[i].steps - l->warmup);
	at = rest > 1 ? (double)(step - l->warmup) / (rest - 1) : 0;
	if (step < l->warmup)
		*lr = l->lr * (double)(step + 1) / (double)l->warmup;
	else
		*lr = l->lr_end + (l->lr - l->lr_end) * 0.5 * (1 + cos(at * 3.14159265358979323846));
	return i;
}

double fot_recipe_teach(const struct fot_recipe *r, int64_t step)
{
	const struct fot_stage *s = r->stage;

	while (s + 1 < r->stage + r->n_stages && step >= s->steps)
		step -= s++->steps;
	return s->steps > 1 ? s->teach + (s->teach_end - s->teach) * (double)step / (double)(s->steps - 1) : s->teach;
}

int64_t fot_recipe_tokens(const struct fot_recipe *r, int64_t steps)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n_stages && steps > 0; i++) {
		int64_t here = steps < r->stage[i].steps ? steps : r->stage[i].steps;

		n += here * fot_stage_asking(&r->stage[i]) * r->stage[i].window;
		steps -= here;
	}
	return n;
}

static bool same_stage(const struct fot_recipe *a, const struct fot_recipe *b, size_t i, int64_t steps)
{
	const struct fot_stage *s = &a->stage[i], *t = &b->stage[i];
	const struct fot_lr *l = &a->lr[i], *m = &b->lr[i];
	bool constant = l->lr == l->lr_end && s->teach == s->teach_end; /* then the length of the stage does not matter */

	return s->method == t->method && s->window == t->window && s->batch == t->batch && s->w == t->w &&
	       fot_stage_parts(s) == fot_stage_parts(t) &&
	       s->d == t->d && s->negatives == t->negatives && s->far == t->far && s->copy == t->copy &&
	       s->pack == t->pack && s->near == t->near && s->cut == t->cut && s->top_k == t->top_k &&
	       s->range == t->range && s->stepping == t->stepping && s->teach == t->teach &&
	       s->teach_end == t->teach_end && s->teach_text == t->teach_text &&
	       l->lr == m->lr && l->lr_end == m->lr_end && l->warmup == m->warmup &&
	       (s->steps == t->steps || (constant && s->steps >= steps && t->steps >= steps));
}

bool fot_recipe_same_beginning(const struct fot_recipe *a, const struct fot_recipe *b, int64_t steps,
			       const char **why)
{
	struct fot_config x = a->config, y = b->config;

	x.cached_windows = y.cached_windows = 0; /* says how the result is read */
	memset(x.variant, 0, sizeof x.variant);
	memset(y.variant, 0, sizeof y.variant);
	*why = "model";
	if (memcmp(&x, &y, sizeof x) != 0)
		return false;
	*why = "seed, init or optimizer";
	if (!a->start != !b->start || (a->start && strcmp(a->start, b->start) != 0) ||
	    strcmp(a->start_sha256, b->start_sha256) != 0)
		return false;
	if (a->vote != b->vote || a->seed != b->seed || a->gain != b->gain || a->embed_std != b->embed_std ||
	    memcmp(&a->adamw, &b->adamw, sizeof a->adamw) != 0)
		return false;
	*why = "compute";
	if (a->compute != b->compute)
		return false;
	*why = "datasets or tokenizer";
	if (a->n_datasets != b->n_datasets || strcmp(a->tokenizer, b->tokenizer) != 0)
		return false;
	for (size_t i = 0; i < a->n_datasets; i++)
		if (strcmp(a->dataset[i], b->dataset[i]) != 0 || a->weight[i] != b->weight[i])
			return false;
	*why = "generator";
	if (!fot_generator_equal(&a->generator, &b->generator))
		return false;
	*why = "stages";
	for (size_t i = 0; steps > 0; i++) {
		if (i >= a->n_stages || i >= b->n_stages || !same_stage(a, b, i, steps))
			return false;
		steps -= a->stage[i].steps;
	}
	return true;
}
