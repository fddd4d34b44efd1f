/* generator.c: the table of generators; reading their part of a recipe. */
#include "model/train/generator.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "datasets/lookup.h"

struct kind {
	const char *name;
	int version; /* raised whenever batches change for the same recipe */
	const struct fot_key *keys;
	size_t n_keys;
	int (*draw)(struct fot_batch *, const struct fot_source *, const struct fot_stage *, uint64_t, const char *,
		    uint64_t, struct fot_err *);
};

static int copy_text(char out[256], const char *text, const char *key, const struct fot_json_ctx *ctx,
		     struct fot_err *err)
{
	if (!*text || strlen(text) > 255)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: expected 1 to 255 bytes, got %zu", ctx->where, key,
				strlen(text));
	memcpy(out, text, strlen(text) + 1);
	return FOT_OK;
}

static int read_template(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_generator *g = base;
	const char *text = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, k->name, true, &text, &ctx->json, ctx->err));
	status = copy_text(g->template, text, k->name, &ctx->json, ctx->err);
out:
	return status;
}

static int read_labelled(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	struct fot_generator_sets *sets = (struct fot_generator_sets *)((char *)base + k->offset);
	const cJSON *list = NULL, *item;
	int status;

	FOT_TRY(fot_json_array(obj, k->name, true, &list, &ctx->json, ctx->err));
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || sets->n == FOT_GENERATOR_SETS)
			return FOT_FAIL(ctx->err, ctx->json.code, "%s: %s: expected at most %d names of labelled sets",
					ctx->json.where, k->name, FOT_GENERATOR_SETS);
		FOT_TRY(copy_text(sets->spec[sets->n++], item->valuestring, k->name, &ctx->json, ctx->err));
	}
out:
	return status;
}

static const struct fot_key_type key_template = { "path", FOT_KEY_NO_FLAG, read_template, NULL, NULL, NULL };
static const struct fot_key_type key_labelled = { "list of texts", FOT_KEY_NO_FLAG, read_labelled, NULL, NULL, NULL };

#define KIND { .name = "kind", .type = &fot_key_comment, .required = true, .help = "lookup, passkey or episodes" }
#define SHARE(key, member, value, sentence)                                                                           \
	{ .name = key, .type = &fot_key_real, FOT_KEY_AT(struct fot_generator, member), .lo = 0, .hi = 1,             \
	  .dflt = value, .help = sentence }
#define COUNTED(key, member, least, most, value, sentence)                                                            \
	{ .name = key, .type = &fot_key_size, FOT_KEY_AT(struct fot_generator, member), .lo = least, .hi = most,      \
	  .dflt = value, .help = sentence }
#define ANSWER_WEIGHT                                                                                                 \
	{ .name = "answer_weight", .type = &fot_key_real, FOT_KEY_AT(struct fot_generator, answer_weight), .lo = 0,   \
	  .hi = 1000, .dflt = "1", .help = "weight of the answers' mean loss, that of the rest is 1" }

const struct fot_key fot_lookup_keys[FOT_LOOKUP_KEYS] = {
	KIND,
	SHARE("mixed", mixed, "0.3", "share of asking windows that begin with records of their own"),
};
const struct fot_key fot_passkey_keys[FOT_PASSKEY_KEYS] = {
	KIND,
	ANSWER_WEIGHT,
	SHARE("filler", filler, "0.5", "share of documents of the paper's filler, the others are prose"),
	SHARE("decoys", decoys, "0.3", "share of windows with numbers of other things"),
	SHARE("cut", cut, "0.2", "share of pass keys across a border of two windows"),
	SHARE("digits", digits, "0.7", "share of negatives of prose that are chosen for digits in them"),
};
const struct fot_key fot_episodes_keys[FOT_EPISODES_KEYS] = {
	KIND,
	ANSWER_WEIGHT,
	COUNTED("classes_min", episodes.classes_min, 2, FOT_EPISODES_CLASSES, "2", "fewest classes of an episode"),
	COUNTED("classes_max", episodes.classes_max, 2, FOT_EPISODES_CLASSES, "8", "most classes of an episode"),
	COUNTED("clip", episodes.clip, 16, 4096, "64", "most bytes of a demonstration's text"),
	{ .name = "text", .type = &fot_key_flag, FOT_KEY_AT(struct fot_generator, text), .dflt = "true",
	  .help = "the demonstrations' texts are predicted too" },
	{ .name = "labelled", .type = &key_labelled, FOT_KEY_AT(struct fot_generator, labelled), .unset = "none",
	  .help = "labelled sets that episodes are made of as well" },
	{ .name = "held_out", .type = &key_labelled, FOT_KEY_AT(struct fot_generator, held_out), .unset = "labelled",
	  .help = "labelled sets for validation, which training does not see" },
	{ .name = "template", .type = &key_template, .dflt = "\"datasets/templates/plain.json\"",
	  .help = "wording of the demonstrations" },
	SHARE("words", episodes.words, "0", "share of episodes of words in place of stretches"),
	SHARE("frames", episodes.frames, "0", "share of episodes with a wording of their own"),
	SHARE("single", episodes.single, "0", "share of label words that are one token"),
	COUNTED("label_words", episodes.label_words, 0, 1 << 20, "0", "how many of the words of one token serve as labels, 0: all"),
	COUNTED("parts", episodes.parts, 1, FOT_EPISODES_PARTS, "1", "most stretches that make a class"),
};

static const struct kind kinds[] = {
	[FOT_GENERATOR_NONE] = { "none", 0, NULL, 0, NULL },
	[FOT_GENERATOR_LOOKUP] = { "lookup", 1, fot_lookup_keys, FOT_LOOKUP_KEYS, fot_generate_lookup },
	[FOT_GENERATOR_PASSKEY] = { "passkey", 1, fot_passkey_keys, FOT_PASSKEY_KEYS, fot_generate_passkey },
	[FOT_GENERATOR_EPISODES] = { "episodes", 3, fot_episodes_keys, FOT_EPISODES_KEYS, fot_generate_episodes },
};

static int parse_kind(struct fot_generator *g, const cJSON *obj, const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const char *name = NULL;
	int status;

	FOT_TRY(fot_json_string(obj, "kind", true, &name, ctx, err));
	for (size_t i = 1; i < FOT_COUNT(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0) {
			g->kind = (enum fot_generator_kind)i;
			return FOT_OK;
		}
	status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: kind: expected \"lookup\", \"passkey\" or \"episodes\", got \"%s\"", ctx->where,
			  name);
out:
	return status;
}

int fot_generator_parse(struct fot_generator *g, const cJSON *obj, const char *where, struct fot_err *err)
{
	struct fot_key_ctx ctx = { { where, FOT_ERR_USAGE }, NULL, err };
	int status;

	*g = (struct fot_generator){ .answer_weight = 1 };
	FOT_TRY(parse_kind(g, obj, &ctx.json, err));
	FOT_TRY(fot_keys_read(g, kinds[g->kind].keys, kinds[g->kind].n_keys, obj, &ctx));
	for (size_t i = 0; i < g->held_out.n; i++)
		for (size_t j = 0; j < g->labelled.n; j++)
			if (strcmp(g->held_out.spec[i], g->labelled.spec[j]) == 0)
				return FOT_FAIL(err, FOT_ERR_USAGE, "%s: held_out: %s is in labelled as well", where,
						g->held_out.spec[i]);
	if (g->episodes.classes_max < g->episodes.classes_min)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: classes_max: expected at least classes_min, %lld, got %lld", where,
				  (long long)g->episodes.classes_min, (long long)g->episodes.classes_max);
out:
	return status;
}

int fot_generator_check(const struct fot_generator *g, const struct fot_stage *st, const char *where,
			struct fot_err *err)
{
	const char *name = fot_generator_name(g);
	/* Room for a sentence, or (standard) for a sentence, the question and the answer. */
	int64_t least = st->method == FOT_METHOD_STANDARD ? 128 : 96;

	if ((st->teach > 0 || st->teach_end > 0) && g->kind != FOT_GENERATOR_EPISODES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: teach is for the generator episodes", where);
	if (st->near > 0 && g->kind != FOT_GENERATOR_LOOKUP && g->kind != FOT_GENERATOR_PASSKEY)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: near is for the generators lookup and passkey", where);
	if (st->cut > 0 && g->kind != FOT_GENERATOR_PASSKEY)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: cut is for the generator passkey", where);
	if (g->kind == FOT_GENERATOR_NONE)
		return FOT_OK;
	if (st->method == FOT_METHOD_TRANSFORMER_XL || st->method == FOT_METHOD_LONGLLAMA)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: method %s is for datasets, not for the generator %s", where,
				fot_method_name(st->method), name);
	if (st->far > 0 && g->kind == FOT_GENERATOR_EPISODES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: far is for datasets, not for the generator %s", where, name);
	if ((st->pack > 1 || st->far > 0 || st->copy > 0) && g->kind != FOT_GENERATOR_EPISODES)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: pack, far and copy are for datasets, not for the generator %s",
				where, name);
	if (g->kind == FOT_GENERATOR_LOOKUP && (st->window % FOT_LOOKUP_RECORD || st->window < 2 * FOT_LOOKUP_RECORD))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: window: generator lookup: expected a multiple of %d, at least %d, got %lld", where,
				FOT_LOOKUP_RECORD, 2 * FOT_LOOKUP_RECORD, (long long)st->window);
	if (g->kind == FOT_GENERATOR_PASSKEY && st->d != 1)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: d: generator passkey: expected 1 (another document's pass key cannot be told from "
				"the own one; use negatives), got %lld",
				where, (long long)st->d);
	if (g->kind == FOT_GENERATOR_PASSKEY && st->window < least)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: window: generator passkey: expected at least %lld, got %lld",
				where, (long long)least, (long long)st->window);
	return FOT_OK;
}

const char *fot_generator_name(const struct fot_generator *g)
{
	return kinds[g->kind].name;
}

void fot_generator_hash(const struct fot_generator *g, const char *corpus_hash, char out[65])
{
	struct fot_sha256 h;
	char version[64];

	snprintf(version, sizeof version, "generator %s %d ", kinds[g->kind].name, kinds[g->kind].version);
	fot_sha256_init(&h);
	fot_sha256_add(&h, version, strlen(version));
	fot_sha256_add(&h, corpus_hash, strlen(corpus_hash));
	fot_sha256_hex(&h, out);
}

bool fot_generator_equal(const struct fot_generator *a, const struct fot_generator *b)
{
	return a->kind == b->kind && a->answer_weight == b->answer_weight && a->mixed == b->mixed &&
	       a->filler == b->filler && a->decoys == b->decoys && a->cut == b->cut && a->digits == b->digits &&
	       a->episodes.classes_min == b->episodes.classes_min &&
	       a->episodes.classes_max == b->episodes.classes_max && a->episodes.clip == b->episodes.clip &&
	       a->episodes.parts == b->episodes.parts && a->episodes.words == b->episodes.words && a->episodes.frames == b->episodes.frames &&
	       a->episodes.single == b->episodes.single && a->episodes.label_words == b->episodes.label_words &&
	       a->text == b->text && strcmp(a->template, b->template) == 0 &&
	       memcmp(&a->labelled, &b->labelled, sizeof a->labelled) == 0;
}

int fot_generator_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *st, uint64_t seed,
		       const char *purpose, uint64_t step, struct fot_err *err)
{
	memset(b->targets, 0xff, sizeof *b->targets * (size_t)(b->n_ask * b->window)); /* -1 */
	b->answer_weight = src->generator->answer_weight;
	return kinds[src->generator->kind].draw(b, src, st, seed, purpose, step, err);
}
