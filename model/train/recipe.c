/* recipe.c: reading a recipe and asking it about a step. */
#include "model/train/recipe.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "datasets/lookup.h"
#include "model/dtype.h"

#define RECIPE_BYTES_MAX ((size_t)1 << 20)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_TOP_K 4096
#define MAX_OWN 64 /* own windows per query; crossbatch.c's list is this long */

static const char *const top_keys[] = { "name", "variant", "seed", "model", "tokenizer", "datasets", "generator", "init",
					"optimizer", "stages", "validation", "checkpoint_every", "save_dtype",
					"comment" };
static const char *const stage_keys[] = { "method", "steps", "window", "batch", "w", "d", "negatives", "far",
					  "copy", "pack", "near", "cut", "top_k", "range", "stepping", "lr", "lr_end",
					  "warmup", "comment" };
static const char *const dataset_keys[] = { "name", "weight" };
static const char *const init_keys[] = { "gain", "embed_std", "from", "sha256" };
static const char *const optimizer_keys[] = { "beta1", "beta2", "eps", "weight_decay", "clip", "gate_lr" };
static const char *const validation_keys[] = { "every", "windows", "memory" };

/* Rows of {key, range, place}: one loop reads any object. */
struct int_row {
	const char *key;
	bool required;
	int64_t lo, hi, *out;
};
struct double_row {
	const char *key;
	bool required;
	double lo, hi, *out;
};

static int read_rows(const cJSON *obj, const char *where, const struct int_row *ints, size_t n_ints,
		     const struct double_row *doubles, size_t n_doubles, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status = FOT_OK;

	for (size_t i = 0; i < n_ints; i++)
		FOT_TRY(fot_json_i64(obj, ints[i].key, ints[i].required, ints[i].lo, ints[i].hi, ints[i].out, &ctx,
				     err));
	for (size_t i = 0; i < n_doubles; i++)
		FOT_TRY(fot_json_double(obj, doubles[i].key, doubles[i].required, doubles[i].lo, doubles[i].hi,
					doubles[i].out, &ctx, err));
out:
	return status;
}

static int copy_string(const cJSON *obj, const char *key, bool required, const char *fallback, char **out,
		       const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	const char *text = fallback;
	int status;

	FOT_TRY(fot_json_string(obj, key, required, &text, &ctx, err));
	*out = fot_strdup(text);
	if (!*out)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", where);
out:
	return status;
}

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
	struct fot_stage *s = &r->stage[r->n_stages];
	struct fot_lr *lr = &r->lr[r->n_stages];
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	const char *method = NULL;
	const struct int_row ints[] = {
		{ "steps", true, 1, 100000000, &s->steps }, { "window", true, 2, 1 << 20, &s->window },
		{ "batch", true, 1, 4096, &s->batch },	    { "w", false, 1, MAX_OWN, &s->w },
		{ "d", false, 1, 4096, &s->d },		    { "negatives", false, 0, 65536, &s->negatives },
		{ "pack", false, 1, MAX_OWN, &s->pack },    { "top_k", false, 0, MAX_TOP_K, &s->top_k },
		{ "range", false, 0, 4095, &s->range },
		{ "warmup", false, 0, 100000000, &lr->warmup },
	};
	const struct double_row doubles[] = { { "far", false, 0, 1, &s->far },
					      { "copy", false, 0, 1, &s->copy },
					      { "near", false, 0, 1, &s->near },
					      { "cut", false, 0, 1, &s->cut },
					      { "lr", true, 0, 1, &lr->lr },
					      { "lr_end", false, 0, 1, &lr->lr_end } };
	int status;

	FOT_TRY(fot_json_known(obj, where, stage_keys, COUNT(stage_keys), FOT_ERR_USAGE, err));
	FOT_TRY(fot_json_string(obj, "method", true, &method, &ctx, err));
	*s = (struct fot_stage){ .w = 1, .d = 1, .pack = 1, .stepping = true };
	lr->lr_end = -1;
	FOT_TRY(read_rows(obj, where, ints, COUNT(ints), doubles, COUNT(doubles), err));
	FOT_TRY(fot_json_bool(obj, "stepping", false, &s->stepping, &ctx, err));
	if (lr->lr_end < 0)
		lr->lr_end = lr->lr;
	if (!fot_method_find(&s->method, method))
		status = FOT_FAIL(err, FOT_ERR_USAGE,
				  "%s: method: expected \"standard\", \"crossbatch\", \"memorizing\", \"transformer-xl\" or "
				  "\"longllama\", got \"%s\"", where, method);
	if (status == FOT_OK && s->batch % s->pack != 0)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: pack: expected a divisor of batch = %lld, got %lld", where,
				  (long long)s->batch, (long long)s->pack);
	if (status == FOT_OK && s->d > s->batch / s->pack)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: d: expected at most batch / pack = %lld documents, got %lld",
				  where, (long long)(s->batch / s->pack), (long long)s->d);
	if (status == FOT_OK)
		status = check_method(s, where, err);
	r->n_stages++;
out:
	return status;
}

static int read_dataset(struct fot_recipe *r, const cJSON *obj, const char *where, struct fot_err *err)
{
	double *weight = &r->weight[r->n_datasets];
	const struct double_row row = { "weight", false, 1e-9, 1e9, weight };
	int status;

	*weight = 1;
	FOT_TRY(fot_json_known(obj, where, dataset_keys, COUNT(dataset_keys), FOT_ERR_USAGE, err));
	FOT_TRY(copy_string(obj, "name", true, NULL, &r->dataset[r->n_datasets], where, err));
	r->n_datasets++;
	FOT_TRY(read_rows(obj, where, NULL, 0, &row, 1, err));
out:
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

/* An optional object of plain numbers. */
static int read_group(const cJSON *root, const char *key, const char *name, const char *const *known, size_t n_known,
		      const struct int_row *ints, size_t n_ints, const struct double_row *doubles, size_t n_doubles,
		      struct fot_err *err)
{
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	const cJSON *obj = NULL;
	char where[512];
	int status;

	snprintf(where, sizeof where, "%s: %s", name, key);
	FOT_TRY(fot_json_object(root, key, false, &obj, &ctx, err));
	if (!obj)
		goto out;
	FOT_TRY(fot_json_known(obj, where, known, n_known, FOT_ERR_USAGE, err));
	FOT_TRY(read_rows(obj, where, ints, n_ints, doubles, n_doubles, err));
out:
	return status;
}

static int read_start(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	const cJSON *init = fot_json_get(root, "init");
	const char *hash = NULL;
	char where[512];
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	int status;

	snprintf(where, sizeof where, "%s: init", name);
	if (!init || !(fot_json_get(init, "from") || fot_json_get(init, "sha256")))
		return FOT_OK;
	FOT_TRY(copy_string(init, "from", true, NULL, &r->start, where, err));
	FOT_TRY(fot_json_string(init, "sha256", false, &hash, &ctx, err));
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
	const struct double_row init[] = { { "gain", false, 0, 100, &r->gain },
					   { "embed_std", false, 0, 100, &r->embed_std } };
	const struct double_row opt[] = { { "beta1", false, 0, 0.999999, &r->adamw.beta1 },
					  { "beta2", false, 0, 0.999999, &r->adamw.beta2 },
					  { "eps", false, 1e-20, 1, &r->adamw.eps },
					  { "weight_decay", false, 0, 10, &r->adamw.weight_decay },
					  { "clip", false, 0, 1e9, &r->adamw.clip },
					  { "gate_lr", false, 0, 1e6, &r->adamw.gate_lr } };
	const struct int_row valid[] = { { "every", false, 0, 100000000, &r->valid_every },
					 { "windows", false, 1, 4096, &r->valid_windows },
					 { "memory", false, 1, MAX_OWN, &r->valid_memory } };
	int status;

	r->gain = 0.6;
	r->embed_std = 0.5;
	r->adamw = (struct fot_adamw_opts){
		.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8, .weight_decay = 0.01, .clip = 1, .gate_lr = 1
	};
	r->valid_windows = 16;
	r->valid_memory = 8;
	FOT_TRY(read_group(root, "init", name, init_keys, COUNT(init_keys), NULL, 0, init, COUNT(init), err));
	FOT_TRY(read_start(r, root, name, err));
	FOT_TRY(read_group(root, "optimizer", name, optimizer_keys, COUNT(optimizer_keys), NULL, 0, opt, COUNT(opt),
			   err));
	FOT_TRY(read_group(root, "validation", name, validation_keys, COUNT(validation_keys), valid, COUNT(valid), NULL,
			   0, err));
out:
	return status;
}

static int read_model(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	struct fot_json_ctx ctx = { name, FOT_ERR_USAGE };
	const cJSON *model = NULL;
	const char *dtype = "F32";
	char where[512];
	int status, t;

	snprintf(where, sizeof where, "%s: model", name);
	FOT_TRY(fot_json_object(root, "model", true, &model, &ctx, err));
	FOT_TRY(fot_config_parse(&r->config, model, where, err));
	FOT_TRY(fot_json_string(root, "save_dtype", false, &dtype, &ctx, err));
	t = fot_dtype_parse(dtype);
	if (t != FOT_F32 && t != FOT_F16 && t != FOT_BF16) {
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: save_dtype: expected F32, F16 or BF16, got \"%s\"", name,
				  dtype);
		goto out;
	}
	r->save_dtype = (enum fot_dtype)t;
	snprintf(r->config.variant, sizeof r->config.variant, "%s", r->variant);
out:
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
	if (kind != FOT_GENERATOR_LOOKUP)
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
	}
out:
	return status;
}

static int read_root(struct fot_recipe *r, const cJSON *root, const char *name, struct fot_err *err)
{
	int64_t seed = 1;
	const struct int_row top[] = { { "seed", false, 0, (int64_t)1 << 53, &seed },
				       { "checkpoint_every", false, 1, 100000000, &r->checkpoint_every } };
	int status;

	if (!cJSON_IsObject(root))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected an object at the top", name);
	r->checkpoint_every = 200;
	FOT_TRY(fot_json_known(root, name, top_keys, COUNT(top_keys), FOT_ERR_USAGE, err));
	FOT_TRY(copy_string(root, "name", true, NULL, &r->name, name, err));
	FOT_TRY(copy_string(root, "variant", false, "", &r->variant, name, err));
	FOT_TRY(copy_string(root, "tokenizer", true, NULL, &r->tokenizer, name, err));
	FOT_TRY(read_rows(root, name, top, COUNT(top), NULL, 0, err));
	r->seed = (uint64_t)seed;
	FOT_TRY(read_model(r, root, name, err));
	FOT_TRY(read_sources(r, root, name, err));
	FOT_TRY(read_groups(r, root, name, err));
	FOT_TRY(read_list(r, root, "stages", FOT_MAX_STAGES, name, read_stage, err));
	FOT_TRY(check_stages(r, name, err));
out:
	return status;
}

int fot_recipe_parse(struct fot_recipe *r, const char *text, size_t n, const char *name, struct fot_err *err)
{
	cJSON *root = NULL;
	int status;

	memset(r, 0, sizeof *r);
	FOT_TRY(fot_json_parse(&root, text, n, name, FOT_ERR_USAGE, err));
	FOT_TRY(read_root(r, root, name, err));
	r->text = fot_strndup(text, n);
	if (!r->text)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", name);
	fot_sha256_of(text, n, r->sha256);
out:
	cJSON_Delete(root);
	if (status != FOT_OK)
		fot_recipe_release(r);
	return status;
}

int fot_recipe_read(struct fot_recipe *r, const char *path, struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_file_read(&text, path, RECIPE_BYTES_MAX, err));
	FOT_TRY(fot_recipe_parse(r, text.data, text.len, path, err));
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

int64_t fot_recipe_tokens(const struct fot_recipe *r, int64_t steps)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n_stages && steps > 0; i++) {
		int64_t here = steps < r->stage[i].steps ? steps : r->stage[i].steps;

		n += here * r->stage[i].batch * r->stage[i].window;
		steps -= here;
	}
	return n;
}

static bool same_stage(const struct fot_recipe *a, const struct fot_recipe *b, size_t i, int64_t steps)
{
	const struct fot_stage *s = &a->stage[i], *t = &b->stage[i];
	const struct fot_lr *l = &a->lr[i], *m = &b->lr[i];
	bool constant = l->lr == l->lr_end; /* then the length of the stage does not matter */

	return s->method == t->method && s->window == t->window && s->batch == t->batch && s->w == t->w &&
	       s->d == t->d && s->negatives == t->negatives && s->far == t->far && s->copy == t->copy &&
	       s->pack == t->pack && s->near == t->near && s->cut == t->cut && s->top_k == t->top_k &&
	       s->range == t->range && s->stepping == t->stepping &&
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
	if (a->seed != b->seed || a->gain != b->gain || a->embed_std != b->embed_std ||
	    memcmp(&a->adamw, &b->adamw, sizeof a->adamw) != 0)
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
