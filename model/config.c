/* config.c: config.json to struct fot_config and back.
 *
 * One table per kind of value (integers, doubles, booleans, words) names each
 * key, its place in the struct and its range; reading, checking and printing
 * all walk these tables, so that a key cannot be read without a range or
 * printed without being read.  Keys under "fot" are ours and closed: a word
 * mistyped there is an error, whereas Hugging Face writes many top-level keys
 * that mean nothing to this program.  What families of models differ in is read in
 * config_arch.c. */
#include "model/config.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/list.h"
#include "base/quote.h"

#define CONFIG_BYTES_MAX (1u << 20)
#define TWO24 (1 << 24)

struct int_key {
	const char *key;
	size_t offset;
	int32_t lo, hi;
	bool ours;     /* stands under "fot" */
	bool nullable; /* null means -1: the token does not exist */
};

static const struct int_key int_keys[] = {
	{ "vocab_size", offsetof(struct fot_config, vocab_size), 1, TWO24, false, false },
	{ "hidden_size", offsetof(struct fot_config, hidden_size), 1, 65536, false, false },
	{ "intermediate_size", offsetof(struct fot_config, intermediate_size), 1, 1 << 20, false, false },
	{ "num_hidden_layers", offsetof(struct fot_config, n_layers), 1, FOT_MAX_LAYERS, false, false },
	{ "num_attention_heads", offsetof(struct fot_config, n_heads), 1, 1024, false, false },
	{ "max_position_embeddings", offsetof(struct fot_config, window), 1, TWO24, false, false },
	{ "last_context_length", offsetof(struct fot_config, last_context_length), 1, TWO24, false, false },
	{ "bos_token_id", offsetof(struct fot_config, bos_id), -1, TWO24, false, true },
	{ "eos_token_id", offsetof(struct fot_config, eos_id), -1, TWO24, false, true },
	{ "pad_token_id", offsetof(struct fot_config, pad_id), -1, TWO24, false, true },
	{ "top_k", offsetof(struct fot_config, top_k), 1, TWO24, true, false },
	{ "cached_windows", offsetof(struct fot_config, cached_windows), 0, 1, true, false },
};

struct double_key {
	const char *key;
	size_t offset;
	double lo, hi;
	bool open; /* the ends are excluded */
	const char *range;
	bool ours;
};

static const struct double_key double_keys[] = {
	{ "rms_norm_eps", offsetof(struct fot_config, rms_norm_eps), 0, 1, true, "over 0 and under 1", false },
	{ "rope_theta", offsetof(struct fot_config, rope_theta), 1, 1e300, false, "finite and at least 1", false },
	{ "mem_scale", offsetof(struct fot_config, mem_scale), FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST, false,
	  "from 0.001 to 1000", true },
};

struct bool_key {
	const char *key;
	size_t offset;
	bool ours;
};

static const struct bool_key bool_keys[] = {
	{ "tie_word_embeddings", offsetof(struct fot_config, tie_embeddings), false },
	{ "mem_positionals", offsetof(struct fot_config, mem_positionals), false },
	{ "qk_norm", offsetof(struct fot_config, qk_norm), true },
};

/* A word that stands for a value of an enum (or, for "cut", of a bool). */
struct word {
	const char *word;
	int value;
};

static const struct word mem_dtype_words[] = { { "float32", FOT_F32 },
					       { "bfloat16", FOT_BF16 },
					       { "float16", FOT_F16 },
					       { "torch.float32", FOT_F32 },
					       { "torch.bfloat16", FOT_BF16 },
					       { "torch.float16", FOT_F16 },
					       { NULL, 0 } };
static const struct word cut_words[] = { { "longllama", 0 }, { "blocks", 1 }, { NULL, 0 } };
static const struct word mix_words[] = { { "joint", FOT_MIX_JOINT }, { "gate", FOT_MIX_GATE }, { NULL, 0 } };
#define SEARCH_WORD(number, name, ops) { name, number },
static const struct word search_words[] = { FOT_MEMORY_KINDS(SEARCH_WORD){ NULL, 0 } };
static const struct word tokenizer_words[] = { { "spm", FOT_TOKENIZER_FILE },
					       { "byte", FOT_TOKENIZER_BYTE },
					       { "none", FOT_TOKENIZER_NONE },
					       { NULL, 0 } };

static const char *const our_keys[] = { "cut",       "qk_norm", "mix",    "search",   "top_k",
					"tokenizer", "variant", "method", "training", "cached_windows",
					"mem_scale" };

static int32_t *int_at(struct fot_config *c, size_t offset)
{
	return (int32_t *)(void *)((char *)c + offset);
}

static int32_t int_of(const struct fot_config *c, size_t offset)
{
	return *(const int32_t *)(const void *)((const char *)c + offset);
}

static double double_of(const struct fot_config *c, size_t offset)
{
	return *(const double *)(const void *)((const char *)c + offset);
}

void fot_config_default(struct fot_config *c)
{
	memset(c, 0, sizeof *c);
	c->vocab_size = 32000;
	c->hidden_size = 4096;
	c->intermediate_size = 11008;
	c->n_layers = 32;
	c->n_heads = 32;
	c->head_dim = c->hidden_size / c->n_heads;
	c->window = 2048;
	c->last_context_length = 1024;
	c->bos_id = 1;
	c->eos_id = 2;
	c->pad_id = 0;
	c->rms_norm_eps = 1e-6;
	c->rope_theta = 10000;
	c->mem_positionals = true;
	c->mem_dtype = FOT_BF16;
	c->mix = FOT_MIX_JOINT;
	c->mem_scale = 1;
	c->mode = FOT_MEMORY_DENSE;
	c->top_k = 128;
	c->tokenizer = FOT_TOKENIZER_FILE;
}

/* ---- checking ---------------------------------------------------------- */

static int check_ranges(const struct fot_config *c, const char *name, struct fot_err *err)
{
	for (size_t i = 0; i < FOT_COUNT(int_keys); i++) {
		const struct int_key *k = &int_keys[i];
		int32_t v = int_of(c, k->offset);

		if (v < k->lo || v > k->hi)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s%s: expected %d to %d, got %d", name,
					k->ours ? "fot." : "", k->key, k->lo, k->hi, v);
	}
	for (size_t i = 0; i < FOT_COUNT(double_keys); i++) {
		const struct double_key *k = &double_keys[i];
		double v = double_of(c, k->offset);

		if (!(v >= k->lo && v <= k->hi) || (k->open && (v <= k->lo || v >= k->hi)))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s%s: expected a number %s, got %.17g", name,
					k->ours ? "fot." : "", k->key, k->range, v);
	}
	return FOT_OK;
}

static int check_mem_layers(const struct fot_config *c, const char *name, struct fot_err *err)
{
	if (c->n_mem_layers < 0 || c->n_mem_layers > c->n_layers)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: mem_layers: expected at most %d entries, got %d",
				name, c->n_layers, c->n_mem_layers);
	for (int32_t i = 0; i < c->n_mem_layers; i++) {
		int32_t layer = c->mem_layers[i];

		if (layer < 0 || layer >= c->n_layers)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: mem_layers: expected layers 0 to %d, got %d",
					name, c->n_layers - 1, layer);
		if (i > 0 && layer == c->mem_layers[i - 1])
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: mem_layers: layer %d stands there twice",
					name, layer);
		if (i > 0 && layer < c->mem_layers[i - 1])
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: mem_layers: expected ascending order, got %d after %d", name,
					layer, c->mem_layers[i - 1]);
	}
	return FOT_OK;
}

static int check_token_id(const struct fot_config *c, const char *key, int32_t id, const char *name,
			  struct fot_err *err)
{
	if (id < c->vocab_size)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected less than vocab_size %d, got %d", name, key,
			c->vocab_size, id);
}

static const char *word_of(const struct word *words, int value)
{
	while (words->word && words->value != value)
		words++;
	return words->word;
}

static int check_words(const struct fot_config *c, const char *name, struct fot_err *err)
{
	size_t n = strnlen(c->variant, sizeof c->variant);

	if (!word_of(mem_dtype_words, (int)c->mem_dtype) || !word_of(mix_words, (int)c->mix) ||
	    !word_of(search_words, (int)c->mode) || !word_of(tokenizer_words, (int)c->tokenizer))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: mem_dtype %d, mix %d, search %d or tokenizer %d is no known value", name,
				(int)c->mem_dtype, (int)c->mix, (int)c->mode, (int)c->tokenizer);
	if (n == sizeof c->variant)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: fot.variant: expected UTF-8 text of at most %zu bytes", name,
				sizeof c->variant - 1);
	if (n > 0 && fot_name_check(c->variant, "fot.variant", n, FOT_ERR_INPUT, err) != FOT_OK)
		return fot_err_prefix(err, "%s", name);
	return FOT_OK;
}

int fot_config_check(const struct fot_config *c, const char *name, struct fot_err *err)
{
	int status;

	FOT_TRY(check_ranges(c, name, err));
	FOT_TRY(fot_config_check_arch(c, name, err));
	FOT_TRY(check_mem_layers(c, name, err));
	/* pad is not checked: it is never fed, and checkpoints exist whose pad
	 * id is the first one outside the vocabulary. */
	FOT_TRY(check_token_id(c, "bos_token_id", c->bos_id, name, err));
	FOT_TRY(check_token_id(c, "eos_token_id", c->eos_id, name, err));
	for (int32_t i = 0; i < c->n_more_eos; i++)
		FOT_TRY(check_token_id(c, "eos_token_id", c->more_eos[i], name, err));
	FOT_TRY(check_words(c, name, err));
out:
	return status;
}

/* ---- reading ----------------------------------------------------------- */

struct source {
	const cJSON *root, *ours; /* ours: the object "fot", or NULL */
	const char *name;
	struct fot_json_ctx at_root, at_ours;
};

static bool is_eos(const struct int_key *k)
{
	return k->offset == offsetof(struct fot_config, eos_id);
}

/* Ids of tokens may stand in a list: the first is the one that is fed. All of those that end a text are kept. */
static int read_ids(struct fot_config *c, int64_t *v, const cJSON *obj, const struct int_key *k,
		    const struct source *s, struct fot_err *err)
{
	const cJSON *list = fot_json_get(obj, k->key), *item;
	int64_t id;
	int status;

	if (cJSON_GetArraySize(list) > FOT_MORE_EOS_MOST + 1)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected at most %d ids, got %d", s->name, k->key,
				FOT_MORE_EOS_MOST + 1, cJSON_GetArraySize(list));

	cJSON_ArrayForEach (item, list) {
		status = fot_json_as_i64(item, k->lo, k->hi, &id, &s->at_root, err);
		if (status != FOT_OK)
			return fot_err_prefix(err, "%s", k->key);
		if (item == list->child)
			*v = id;
		else if (is_eos(k) && id >= 0)
			c->more_eos[c->n_more_eos++] = (int32_t)id;
	}
	return FOT_OK;
}

static int read_ints(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(int_keys); i++) {
		const struct int_key *k = &int_keys[i];
		const cJSON *obj = k->ours ? s->ours : s->root;
		int64_t v = int_of(c, k->offset);

		if (!obj)
			continue;
		if (k->nullable && cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(obj, k->key)))
			v = -1;
		if (k->nullable && cJSON_IsArray(fot_json_get(obj, k->key)))
			FOT_TRY(read_ids(c, &v, obj, k, s, err));
		else
			FOT_TRY(fot_json_i64(obj, k->key, false, k->lo, k->hi, &v,
				     k->ours ? &s->at_ours : &s->at_root, err));
		*int_at(c, k->offset) = (int32_t)v;
	}
out:
	return status;
}

static int read_doubles_bools(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < FOT_COUNT(double_keys); i++) {
		const struct double_key *k = &double_keys[i];
		const cJSON *obj = k->ours ? s->ours : s->root;

		if (obj)
			FOT_TRY(fot_json_double(obj, k->key, false, k->lo, k->hi, (double *)(void *)((char *)c + k->offset),
						k->ours ? &s->at_ours : &s->at_root, err));
	}
	for (size_t i = 0; i < FOT_COUNT(bool_keys); i++) {
		const struct bool_key *k = &bool_keys[i];
		const cJSON *obj = k->ours ? s->ours : s->root;

		if (obj)
			FOT_TRY(fot_json_bool(obj, k->key, false, (bool *)((char *)c + k->offset),
					      k->ours ? &s->at_ours : &s->at_root, err));
	}
out:
	return status;
}

/* obj[key] must be one of words; absent: *value untouched. */
static int read_word(const cJSON *obj, const char *key, const struct word *words, int *value,
		     const struct fot_json_ctx *ctx, struct fot_err *err)
{
	struct fot_str list = FOT_STR_INIT;
	const char *text = NULL;
	int status;

	if (!obj)
		return FOT_OK;
	status = fot_json_string(obj, key, false, &text, ctx, err);
	if (status != FOT_OK || !text)
		return status;
	for (const struct word *w = words; w->word; w++)
		if (strcmp(w->word, text) == 0) {
			*value = w->value;
			return FOT_OK;
		}
	for (const struct word *w = words; w->word; w++)
		fot_str_printf(&list, "%s\"%s\"", list.len ? ", " : "", w->word);
	status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected one of %s, got \"%s\"", ctx->where, key,
			  list.failed ? "the known words" : list.data, text);
	fot_str_release(&list);
	return status;
}

static int read_words(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	int dtype = (int)c->mem_dtype, cut = c->blocks, mix = (int)c->mix, search = (int)c->mode;
	int tokenizer = (int)c->tokenizer;
	int status;

	FOT_TRY(read_word(s->root, "mem_dtype", mem_dtype_words, &dtype, &s->at_root, err));
	FOT_TRY(read_word(s->ours, "cut", cut_words, &cut, &s->at_ours, err));
	FOT_TRY(read_word(s->ours, "mix", mix_words, &mix, &s->at_ours, err));
	FOT_TRY(read_word(s->ours, "search", search_words, &search, &s->at_ours, err));
	FOT_TRY(read_word(s->ours, "tokenizer", tokenizer_words, &tokenizer, &s->at_ours, err));
	c->mem_dtype = (enum fot_dtype)dtype;
	c->blocks = cut != 0;
	c->mix = (enum fot_mix)mix;
	c->mode = (enum fot_memory_mode)search;
	c->tokenizer = (enum fot_tokenizer_kind)tokenizer;
out:
	return status;
}

static int read_variant(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	const char *text = NULL;
	int status;

	if (!s->ours)
		return FOT_OK;
	status = fot_json_string(s->ours, "variant", false, &text, &s->at_ours, err);
	if (status != FOT_OK || !text)
		return status;
	if (strlen(text) >= sizeof c->variant)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: variant: expected at most %zu bytes, got %zu",
				s->at_ours.where, sizeof c->variant - 1, strlen(text));
	memcpy(c->variant, text, strlen(text) + 1);
	return FOT_OK;
}

/* Keys whose value is not used, but of the right type. */
static int read_notes(const struct source *s, struct fot_err *err)
{
	const char *method = NULL;
	const cJSON *training = NULL;
	int status;

	if (!s->ours)
		return FOT_OK;
	status = fot_json_string(s->ours, "method", false, &method, &s->at_ours, err);
	if (status == FOT_OK)
		status = fot_json_object(s->ours, "training", false, &training, &s->at_ours, err);
	return status;
}

static int compare_i32(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static int read_mem_layers(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	const cJSON *list = NULL, *item;
	int status;

	FOT_TRY(fot_json_array(s->root, "mem_layers", false, &list, &s->at_root, err));
	cJSON_ArrayForEach (item, list) {
		int64_t layer;

		if (c->n_mem_layers >= c->n_layers) {
			status = FOT_FAIL(err, FOT_ERR_INPUT,
					  "%s: mem_layers: expected at most %d entries (one per layer)",
					  s->name, c->n_layers);
			goto out;
		}
		status = fot_json_as_i64(item, 0, c->n_layers - 1, &layer, &s->at_root, err);
		if (status != FOT_OK) {
			fot_err_prefix(err, "mem_layers[%d]", c->n_mem_layers);
			goto out;
		}
		c->mem_layers[c->n_mem_layers++] = (int32_t)layer;
	}
	qsort(c->mem_layers, (size_t)c->n_mem_layers, sizeof c->mem_layers[0], compare_i32);
out:
	return status;
}

static int config_from(struct fot_config *c, const struct source *s, struct fot_err *err)
{
	enum fot_family_number family;
	int status;

	FOT_TRY(fot_family_find(&family, s->root, s->name, err));
	fot_config_of_family(c, family);
	if (s->ours)
		FOT_TRY(fot_json_known(s->ours, s->at_ours.where, our_keys, FOT_COUNT(our_keys), FOT_ERR_INPUT,
				       err));
	FOT_TRY(read_ints(c, s, err));
	FOT_TRY(read_doubles_bools(c, s, err));
	FOT_TRY(fot_config_read_arch(c, s->root, s->name, err));
	FOT_TRY(read_words(c, s, err));
	FOT_TRY(read_variant(c, s, err));
	FOT_TRY(read_notes(s, err));
	FOT_TRY(read_mem_layers(c, s, err));
	FOT_TRY(fot_config_check(c, s->name, err));
out:
	return status;
}

int fot_config_parse(struct fot_config *c, const cJSON *root, const char *name, struct fot_err *err)
{
	struct fot_str ours_name = FOT_STR_INIT;
	struct source s = { 0 };
	struct fot_config read;
	int status;

	fot_str_printf(&ours_name, "%s: fot", name);
	FOT_TRY(fot_str_check(&ours_name, err));
	if (!cJSON_IsObject(root)) {
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object at the top", name);
		goto out;
	}
	s.root = root;
	s.name = name;
	s.at_root = (struct fot_json_ctx){ name, FOT_ERR_INPUT };
	s.at_ours = (struct fot_json_ctx){ ours_name.data, FOT_ERR_INPUT };
	FOT_TRY(fot_json_object(root, "fot", false, &s.ours, &s.at_root, err));
	fot_config_default(&read);
	FOT_TRY(config_from(&read, &s, err));
	*c = read;
out:
	fot_str_release(&ours_name);
	return status;
}

int fot_config_read(struct fot_config *c, const char *dir, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	cJSON *root = NULL;
	int status;

	FOT_TRY(fot_path_at(&path, dir, "config.json", err));
	FOT_TRY(fot_json_read(&root, path.data, CONFIG_BYTES_MAX, FOT_ERR_INPUT, err));
	FOT_TRY(fot_config_parse(c, root, path.data, err));
	FOT_TRY(fot_config_read_generation(c, root, dir, err));
out:
	cJSON_Delete(root);
	fot_str_release(&path);
	return status;
}

/* ---- printing ---------------------------------------------------------- */

static void print_eos(struct fot_str *out, const struct fot_config *c)
{
	fot_str_printf(out, "[%d", c->eos_id);
	for (int32_t i = 0; i < c->n_more_eos; i++)
		fot_str_printf(out, ", %d", c->more_eos[i]);
	fot_str_puts(out, "]");
}

static void print_ints(struct fot_str *out, const struct fot_config *c, bool ours)
{
	for (size_t i = 0; i < FOT_COUNT(int_keys); i++) {
		const struct int_key *k = &int_keys[i];
		int32_t v = int_of(c, k->offset);

		if (k->ours != ours)
			continue;
		if (k->offset == offsetof(struct fot_config, window) && c->max_positions)
			v = c->max_positions;
		fot_str_printf(out, "%s\"%s\": ", ours ? "    " : "  ", k->key);
		if (is_eos(k) && c->n_more_eos)
			print_eos(out, c);
		else if (k->nullable && v < 0)
			fot_str_puts(out, "null");
		else
			fot_str_printf(out, "%d", v);
		fot_str_puts(out, ",\n");
	}
}

static void print_doubles(struct fot_str *out, const struct fot_config *c, bool ours)
{
	for (size_t i = 0; i < FOT_COUNT(double_keys); i++) {
		if (double_keys[i].ours != ours || (ours && double_of(c, double_keys[i].offset) == 1))
			continue; /* ours is a factor, and 1 is none */
		fot_str_printf(out, "%s\"%s\": ", ours ? "    " : "  ", double_keys[i].key);
		fot_str_double(out, double_of(c, double_keys[i].offset));
		fot_str_puts(out, ",\n");
	}
}

static void print_bools(struct fot_str *out, const struct fot_config *c, bool ours)
{
	for (size_t i = 0; i < FOT_COUNT(bool_keys); i++) {
		const struct bool_key *k = &bool_keys[i];
		bool on = *(const bool *)((const char *)c + k->offset);

		if (k->ours == ours)
			fot_str_printf(out, "%s\"%s\": %s,\n", ours ? "    " : "  ", k->key,
				       on ? "true" : "false");
	}
}

static void print_ours(struct fot_str *out, const struct fot_config *c)
{
	fot_str_puts(out, "  \"fot\": {\n");
	print_ints(out, c, true);
	print_doubles(out, c, true);
	print_bools(out, c, true);
	fot_str_printf(out, "    \"cut\": \"%s\",\n", word_of(cut_words, c->blocks));
	fot_str_printf(out, "    \"mix\": \"%s\",\n", word_of(mix_words, (int)c->mix));
	fot_str_printf(out, "    \"search\": \"%s\",\n", word_of(search_words, (int)c->mode));
	fot_str_printf(out, "    \"tokenizer\": \"%s\",\n", word_of(tokenizer_words, (int)c->tokenizer));
	fot_str_puts(out, "    \"variant\": ");
	fot_str_json(out, c->variant, strlen(c->variant));
	fot_str_puts(out, "\n  }\n");
}

int fot_config_print(struct fot_str *out, const struct fot_config *c, struct fot_err *err)
{
	int status = fot_config_check(c, "config to be written", err);

	if (status != FOT_OK)
		return status;
	fot_str_printf(out,
		       "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n"
		       "  \"hidden_act\": \"silu\",\n",
		       fot_family(c->family)->architecture, fot_family(c->family)->model_type);
	print_ints(out, c, false);
	print_doubles(out, c, false);
	print_bools(out, c, false);
	fot_config_print_arch(out, c);
	fot_str_puts(out, "  \"mem_layers\": [");
	for (int32_t i = 0; i < c->n_mem_layers; i++)
		fot_str_printf(out, "%s%d", i ? ", " : "", c->mem_layers[i]);
	fot_str_printf(out, "],\n  \"mem_dtype\": \"%s\",\n", word_of(mem_dtype_words, (int)c->mem_dtype));
	print_ours(out, c);
	fot_str_puts(out, "}\n");
	return fot_str_check(out, err);
}

/* ---- derived ----------------------------------------------------------- */

const char *fot_config_search_word(enum fot_memory_mode mode)
{
	return word_of(search_words, (int)mode);
}

bool fot_config_ends(const struct fot_config *c, int32_t id)
{
	for (int32_t i = 0; i < c->n_more_eos; i++)
		if (c->more_eos[i] == id)
			return true;
	return id >= 0 && id == c->eos_id;
}

int fot_config_mem_slot(const struct fot_config *c, int layer)
{
	for (int32_t i = 0; i < c->n_mem_layers; i++)
		if (c->mem_layers[i] == layer)
			return i;
	return -1;
}

bool fot_config_is_mem_layer(const struct fot_config *c, int layer)
{
	return fot_config_mem_slot(c, layer) >= 0;
}

int64_t fot_config_parameters(const struct fot_config *c)
{
	int64_t v = c->vocab_size, d = c->hidden_size, f = c->intermediate_size, h = c->head_dim;
	int64_t q = fot_config_query_width(c), k = fot_config_key_width(c);
	int64_t layer = 2 * d * q + 2 * d * k + 3 * d * f + 2 * d + (c->qk_norm ? c->n_heads : 0);
	int64_t gates = c->mix == FOT_MIX_GATE ? (int64_t)c->n_mem_layers * c->n_heads : 0;

	layer += (c->qkv_bias ? q + 2 * k : 0) + (c->o_bias ? d : 0) + (c->mlp_bias ? 2 * f + d : 0);
	layer += c->qk_rms == FOT_QK_RMS_HEAD ? 2 * h : c->qk_rms == FOT_QK_RMS_WHOLE ? q + k : 0;
	return (c->tie_embeddings ? 1 : 2) * v * d + c->n_layers * layer + gates + d;
}
