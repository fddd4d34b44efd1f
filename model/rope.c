/* rope.c: see rope.h.  One table names the types and the keys that each has. */
#include "model/rope.h"

#include <stddef.h>

#include "base/json.h"
#include "model/ops.h"

#define FOT_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MANY 1e6
#define ORIGINAL_KEY "original_max_position_embeddings"

/* ---- types and their keys -------------------------------------------- */

enum bits { FACTOR = 1, BANDS = 2, YARN = 4, ATTENTION = 8, ORIGINAL = 16, LISTS = 32 };

/* needs: must be there; has: may be. */
static const struct {
	const char *word;
	enum fot_rope_type type;
	int needs, has;
} types[] = {
	{ "default", FOT_ROPE_DEFAULT, 0, 0 },
	{ "linear", FOT_ROPE_LINEAR, FACTOR, 0 },
	{ "ntk", FOT_ROPE_NTK, FACTOR, 0 },
	{ "dynamic", FOT_ROPE_DYNAMIC, FACTOR, 0 },
	{ "llama3", FOT_ROPE_LLAMA3, FACTOR | BANDS, ORIGINAL },
	{ "yarn", FOT_ROPE_YARN, 0, FACTOR | YARN | ATTENTION | ORIGINAL },
	{ "longrope", FOT_ROPE_LONGROPE, LISTS, FACTOR | ATTENTION | ORIGINAL },
	{ NULL, FOT_ROPE_DEFAULT, 0, 0 },
};

static const struct {
	const char *key;
	size_t at;
	int bit;
	double lo, dflt;
} reals[] = {
	{ "factor", offsetof(struct fot_rope, factor), FACTOR, 1, 0 },
	{ "low_freq_factor", offsetof(struct fot_rope, low), BANDS, 1e-6, 0 },
	{ "high_freq_factor", offsetof(struct fot_rope, high), BANDS, 1e-6, 0 },
	{ "beta_fast", offsetof(struct fot_rope, beta_fast), YARN, 1e-6, 32 },
	{ "beta_slow", offsetof(struct fot_rope, beta_slow), YARN, 1e-6, 1 },
	{ "mscale", offsetof(struct fot_rope, mscale), YARN, 0, 0 },
	{ "mscale_all_dim", offsetof(struct fot_rope, mscale_all), YARN, 0, 0 },
	{ "attention_factor", offsetof(struct fot_rope, attention), ATTENTION, 1e-6, 0 },
};

static const struct {
	const char *key;
	size_t at;
} lists[] = {
	{ "short_factor", offsetof(struct fot_rope, shorter) },
	{ "long_factor", offsetof(struct fot_rope, longer) },
};

static double *list_of(struct fot_rope *r, size_t i)
{
	return (double *)(void *)((char *)r + lists[i].at);
}

static double real_of(const struct fot_rope *r, size_t i)
{
	return *(const double *)(const void *)((const char *)r + reals[i].at);
}

/* ---- reading --------------------------------------------------------- */

/* Keys of other types are passed over. */
static int read_reals(struct fot_rope *r, const cJSON *o, size_t type, const struct fot_json_ctx *ctx,
		      struct fot_err *err)
{
	bool rounded = true;
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(reals); i++) {
		bool needs = types[type].needs & reals[i].bit, has = needs || types[type].has & reals[i].bit;
		double *x = (double *)(void *)((char *)r + reals[i].at);

		if (!has)
			continue;
		*x = reals[i].dflt;
		FOT_TRY(fot_json_double(o, reals[i].key, needs, reals[i].lo, MANY, x, ctx, err));
	}
	if (types[type].has & ORIGINAL)
		FOT_TRY(fot_json_i64(o, ORIGINAL_KEY, false, 1, 1 << 24, &r->original, ctx, err));
	if (types[type].has & YARN)
		FOT_TRY(fot_json_bool(o, "truncate", false, &rounded, ctx, err));
	r->unrounded = !rounded;
out:
	return status;
}

static int read_lists(struct fot_rope *r, const cJSON *o, const struct fot_json_ctx *ctx, struct fot_err *err)
{
	const cJSON *list = NULL, *item;
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(lists); i++) {
		int32_t n = 0;

		FOT_TRY(fot_json_array(o, lists[i].key, true, &list, ctx, err));
		cJSON_ArrayForEach (item, list) {
			if (n == FOT_ROPE_PAIRS || !cJSON_IsNumber(item) || !(item->valuedouble > 0) ||
			    !(item->valuedouble <= MANY))
				return FOT_FAIL(err, FOT_ERR_INPUT,
						"%s: %s: expected at most %d numbers over 0 and up to %g",
						ctx->where, lists[i].key, FOT_ROPE_PAIRS, MANY);
			list_of(r, i)[n++] = item->valuedouble;
		}
		if (i > 0 && n != r->n_pairs)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected %d numbers as in %s, got %d",
					ctx->where, lists[i].key, r->n_pairs, lists[0].key, n);
		r->n_pairs = n;
	}
out:
	return status;
}

static int find_type(size_t *type, const cJSON *o, const struct fot_json_ctx *ctx, struct fot_err *err)
{
	struct fot_str words = FOT_STR_INIT;
	const char *word = NULL;
	int status;

	FOT_TRY(fot_json_string(o, "rope_type", false, &word, ctx, err));
	if (!word)
		FOT_TRY(fot_json_string(o, "type", false, &word, ctx, err));
	for (*type = 0; word && types[*type].word && strcmp(types[*type].word, word) != 0;)
		++*type;
	if (types[*type].word)
		goto out;
	for (size_t i = 0; types[i].word; i++)
		fot_str_printf(&words, "%s\"%s\"", i ? ", " : "", types[i].word);
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: rope_type: expected one of %s, got \"%.40s\"", ctx->where,
			  words.failed ? "the known types" : words.data, word);
out:
	fot_str_release(&words);
	return status;
}

static int read_object(struct fot_rope *r, double *theta, const cJSON *o, const char *where,
		       struct fot_err *err)
{
	static const char *const known[] = { "rope_type",        "type",
					     "rope_theta",       "factor",
					     "low_freq_factor",  "high_freq_factor",
					     "beta_fast",        "beta_slow",
					     "attention_factor", ORIGINAL_KEY,
					     "short_factor",     "long_factor",
					     "mscale",           "mscale_all_dim",
					     "truncate",         "partial_rotary_factor",
					     "attn_factor",      "finetuned" };
	const struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	double part = 1;
	size_t type = 0;
	int status;

	FOT_TRY(fot_json_known(o, where, known, FOT_COUNT(known), FOT_ERR_INPUT, err));
	FOT_TRY(fot_json_double(o, "partial_rotary_factor", false, 1, 1, &part, &ctx, err));
	FOT_TRY(fot_json_double(o, "rope_theta", false, 1, 1e300, theta, &ctx, err));
	FOT_TRY(find_type(&type, o, &ctx, err));
	*r = (struct fot_rope){ .type = types[type].type };
	FOT_TRY(read_reals(r, o, type, &ctx, err));
	if (types[type].needs & LISTS)
		FOT_TRY(read_lists(r, o, &ctx, err));
out:
	return status;
}

/* {"full_attention": {...}, "sliding_attention": {...}}: one for all kinds of layers, or none. */
static int read_by_layer(struct fot_rope *r, double *theta, const cJSON *o, const char *where,
			 struct fot_err *err)
{
	const cJSON *first = NULL, *item;

	cJSON_ArrayForEach (item, o) {
		if (!cJSON_IsObject(item))
			continue;
		if (first && !cJSON_Compare(first, item, 1))
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"%s: expected the same for all kinds of layers, got others for %s and %s",
				where, first->string, item->string);
		first = item;
	}
	return read_object(r, theta, first ? first : o, where, err);
}

int fot_rope_read(struct fot_rope *r, double *theta, const cJSON *root, const char *name, struct fot_err *err)
{
	static const char *const keys[] = { "rope_scaling", "rope_parameters" };
	const struct fot_json_ctx ctx = { name, FOT_ERR_INPUT };
	struct fot_str where = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(keys); i++) {
		const cJSON *o = NULL;

		FOT_TRY(fot_json_object(root, keys[i], false, &o, &ctx, err));
		if (!o || !o->child)
			continue;
		fot_str_printf(&where, "%s: %s", name, keys[i]);
		FOT_TRY(fot_str_check(&where, err));
		FOT_TRY(read_by_layer(r, theta, o, where.data, err));
		break;
	}
	/* Phi's place for it, which goes before the other. */
	if (r->type == FOT_ROPE_LLAMA3 || r->type == FOT_ROPE_YARN || r->type == FOT_ROPE_LONGROPE)
		FOT_TRY(fot_json_i64(root, ORIGINAL_KEY, false, 1, 1 << 24, &r->original, &ctx, err));
out:
	fot_str_release(&where);
	return status;
}

int fot_rope_check(const struct fot_rope *r, double theta, int64_t head_dim, int64_t positions,
		   const char *name, struct fot_err *err)
{
	if (r->type == FOT_ROPE_LONGROPE && r->n_pairs != head_dim / 2)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: rope_scaling: short_factor: expected %lld numbers, got %d", name,
				(long long)(head_dim / 2), r->n_pairs);
	if (r->type == FOT_ROPE_LLAMA3 && r->high <= r->low)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: rope_scaling: high_freq_factor: expected over low_freq_factor %g, got %g", name,
			r->low, r->high);
	if (r->type == FOT_ROPE_YARN && theta <= 1)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: rope_theta: expected over 1 with yarn, got %g", name,
				theta);
	if ((r->type == FOT_ROPE_NTK || r->type == FOT_ROPE_DYNAMIC) && head_dim < 4)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: rope_scaling: expected heads of 4 or more, got %lld",
				name, (long long)head_dim);
	if (r->type == FOT_ROPE_LONGROPE && r->attention == 0 && (r->original ? r->original : positions) < 2)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: rope_scaling: " ORIGINAL_KEY ": expected 2 or more, got 1", name);
	if (r->type == FOT_ROPE_YARN && r->factor == 0 && r->original == 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: rope_scaling: expected factor or " ORIGINAL_KEY " with yarn", name);
	return FOT_OK;
}

/* ---- writing --------------------------------------------------------- */

static const char *word_of(enum fot_rope_type type)
{
	size_t i = 0;

	while (types[i].word && types[i].type != type)
		i++;
	return types[i].word;
}

void fot_rope_print(struct fot_str *out, const struct fot_rope *r)
{
	if (r->type == FOT_ROPE_DEFAULT)
		return;
	fot_str_printf(out, "  \"rope_scaling\": { \"rope_type\": \"%s\"", word_of(r->type));
	for (size_t i = 0; i < FOT_COUNT(reals); i++) {
		if (real_of(r, i) == 0)
			continue;
		fot_str_printf(out, ", \"%s\": ", reals[i].key);
		fot_str_double(out, real_of(r, i));
	}
	if (r->original)
		fot_str_printf(out, ", \"" ORIGINAL_KEY "\": %lld", (long long)r->original);
	if (r->unrounded)
		fot_str_puts(out, ", \"truncate\": false");
	for (size_t i = 0; i < FOT_COUNT(lists) && r->n_pairs; i++) {
		fot_str_printf(out, ", \"%s\": [", lists[i].key);
		for (int32_t k = 0; k < r->n_pairs; k++) {
			fot_str_puts(out, k ? ", " : "");
			fot_str_double(out,
				       ((const double *)(const void *)((const char *)r + lists[i].at))[k]);
		}
		fot_str_puts(out, "]");
	}
	fot_str_puts(out, " },\n");
}

void fot_rope_describe(struct fot_str *out, const struct fot_rope *r)
{
	fot_str_puts(out, word_of(r->type));
	if (r->factor > 0)
		fot_str_printf(out, ", factor %g", r->factor);
	if (r->original)
		fot_str_printf(out, ", made for %lld positions", (long long)r->original);
}

/* ---- frequencies ----------------------------------------------------- */

static double original_of(const struct fot_turning *t)
{
	return (double)(t->rope->original ? t->rope->original : t->positions);
}

static double factor_of(const struct fot_turning *t)
{
	return t->rope->factor > 0 ? t->rope->factor : (double)t->positions / original_of(t);
}

static double theta_of(const struct fot_turning *t)
{
	double d = (double)t->head_dim, f = t->rope->factor, stated = (double)t->positions, more;

	if (t->rope->type == FOT_ROPE_NTK)
		return t->theta * pow(f, d / (d - 2));
	if (t->rope->type != FOT_ROPE_DYNAMIC || t->longest <= t->positions)
		return t->theta;
	more = f * (double)t->longest / stated - (f - 1);
	return t->theta * pow(more, d / (d - 2));
}

static double clamp(double x, double lo, double hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* Low frequencies are divided, high ones stay, those between go over from one to the other. */
static double llama3(const struct fot_turning *t, double inv)
{
	const struct fot_rope *r = t->rope;
	double turns = original_of(t) * inv / (2 * M_PI);
	double stays = clamp((turns - r->low) / (r->high - r->low), 0, 1);

	return stays * inv + (1 - stays) * inv / r->factor;
}

/* The pair that turns r times within the original length, as a real number. */
static double pair_of(const struct fot_turning *t, double turns)
{
	return (double)t->head_dim * log(original_of(t) / (2 * M_PI * turns)) / (2 * log(t->theta));
}

/* As in the released code: each end is held at one side only, and may come to lie beyond the other. */
static double yarn(const struct fot_turning *t, double inv, double i)
{
	double low = pair_of(t, t->rope->beta_fast), high = pair_of(t, t->rope->beta_slow), divided;

	low = fmax(t->rope->unrounded ? low : floor(low), 0);
	high = fmin(t->rope->unrounded ? high : ceil(high), (double)t->head_dim - 1);
	high += low == high ? 0.001 : 0;
	divided = clamp((i - low) / (high - low), 0, 1);
	return divided * inv / factor_of(t) + (1 - divided) * inv;
}

double fot_rope_frequency(const struct fot_turning *t, int64_t i)
{
	const struct fot_rope *r = t->rope;
	double inv = 1.0 / pow(theta_of(t), (double)(2 * i) / (double)t->head_dim);

	if (r->type == FOT_ROPE_LINEAR)
		return inv / r->factor;
	if (r->type == FOT_ROPE_LLAMA3)
		return llama3(t, inv);
	if (r->type == FOT_ROPE_YARN)
		return yarn(t, inv, (double)i);
	if (r->type == FOT_ROPE_LONGROPE)
		return inv / ((double)t->longest > original_of(t) ? r->longer[i] : r->shorter[i]);
	return inv;
}

double fot_rope_attention(const struct fot_turning *t)
{
	const struct fot_rope *r = t->rope;
	double f = factor_of(t);

	if (r->type != FOT_ROPE_YARN && r->type != FOT_ROPE_LONGROPE)
		return 1;
	if (r->attention > 0)
		return r->attention;
	if (f <= 1)
		return 1;
	if (r->type == FOT_ROPE_LONGROPE)
		return sqrt(1 + log(f) / log(original_of(t)));
	if (r->mscale > 0 && r->mscale_all > 0)
		return (0.1 * r->mscale * log(f) + 1) / (0.1 * r->mscale_all * log(f) + 1);
	return 0.1 * log(f) + 1;
}

void fot_rope_tables(fot_real *cos_out, fot_real *sin_out, int64_t n_pos, const struct fot_turning *t)
{
	for (int64_t i = 0; i < t->head_dim / 2; i++)
		fot_rope_column(cos_out, sin_out, n_pos, t->head_dim / 2, i, fot_rope_frequency(t, i),
				fot_rope_attention(t));
}
