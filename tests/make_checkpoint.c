/* make_checkpoint.c: a small random model folder, for tests of the command line.
 *
 *   make_checkpoint DIR [key=value ...]
 *
 * family (longllama, or another model_type), kv (heads: those of keys and values), dim (hidden / heads: head_dim),
 * slide (0: sliding_window of all layers), rope (default, or linear, llama3, yarn, with factor 4), bias (0: those of
 * q, k, v and o), norope (none: a layer without positions).
 * Keys (default): vocab (258), hidden (32), mlp (48), layers (3), heads (2),
 * window (32), last (16), mem (1; a layer, 1+2 for two, none), blocks (1),
 * positionals (0), qknorm (1), tied (0), shards (1), dtype (F32, also BF16), tokenizer (byte, none, spm:
 * put a tokenizer.model beside it),
 * variant (tiny), seed (1), scale (1.0; all weights are multiplied by it),
 * only (part of a tensor's name: scale is for these tensors alone).
 * shape=NAME sets the sizes and keys of a model that people have (shapes below), in BF16, in shards and
 * without a tokenizer (unless tokenizer= comes behind it).
 *
 * Tensors are made and written shard by shard.  Those of more than a million numbers
 * repeat a table of random numbers from a random place on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/config.h"
#include "model/dtype.h"
#include "model/safetensors.h"
#include "model/weights.h"

struct maker {
	struct fot_config c;
	enum fot_dtype dtype;
	uint64_t seed;
	double scale;
	const char *only; /* NULL: all tensors */
	int32_t shards;
};

#define TABLE ((int64_t)1 << 20)

static int set_layers(struct fot_config *c, const char *text)
{
	char copy[64], *save = NULL;

	c->n_mem_layers = 0;
	if (strcmp(text, "none") == 0)
		return 0;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *part = strtok_r(copy, "+", &save); part; part = strtok_r(NULL, "+", &save))
		c->mem_layers[c->n_mem_layers++] = atoi(part);
	return 0;
}

static int set_family(struct fot_config *c, const char *word)
{
	int i = 0;

	while (i < FOT_FAMILY_COUNT && strcmp(fot_family((enum fot_family_number)i)->model_type, word) != 0)
		i++;
	if (i == FOT_FAMILY_COUNT)
		return -1;
	fot_config_of_family(c, (enum fot_family_number)i);
	c->bos_id = 256;
	c->eos_id = 257;
	return 0;
}

static int set_rope(struct fot_rope *r, const char *word)
{
	static const struct {
		const char *word;
		struct fot_rope rope;
	} types[] = { { "default", { .type = FOT_ROPE_DEFAULT } },
		      { "linear", { .type = FOT_ROPE_LINEAR, .factor = 4 } },
		      { "llama3", { .type = FOT_ROPE_LLAMA3, .factor = 4, .low = 1, .high = 4, .original = 32 } },
		      { "yarn", { .type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 8, .beta_slow = 1, .original = 32 } } };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(word, types[i].word) == 0) {
			*r = types[i].rope;
			return 0;
		}
	return -1;
}

/* What people have: sizes as their config.json states them. */
static const struct shape {
	const char *name, *family;
	int32_t hidden, layers, heads, kv, dim, mlp, vocab, positions;
	double theta;
	bool tied;
	double factor; /* of rope llama3, 0: none */
} shapes[] = {
	{ "longllama-3b", "longllama", 3200, 26, 32, 0, 100, 8640, 32000, 2048, 1e4, false, 0 },
	{ "tinyllama-1.1b", "llama", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 1e4, false, 0 },
	{ "smollm2-360m", "llama", 960, 32, 15, 5, 64, 2560, 49152, 8192, 1e5, true, 0 },
	{ "llama-3.2-1b", "llama", 2048, 16, 32, 8, 64, 8192, 128256, 131072, 5e5, true, 32 },
	{ "qwen2.5-0.5b", "qwen2", 896, 24, 14, 2, 64, 4864, 151936, 32768, 1e6, true, 0 },
	{ "qwen3-0.6b", "qwen3", 1024, 28, 16, 8, 128, 3072, 151936, 40960, 1e6, true, 0 },
};

static int set_shape(struct maker *m, const char *name)
{
	static const int32_t layers[] = { 6, 12, 18 };
	const struct shape *s = shapes;
	const struct shape *end = shapes + sizeof shapes / sizeof shapes[0];

	while (s < end && strcmp(name, s->name) != 0)
		s++;
	if (s == end)
		return -1;
	fot_config_default(&m->c);
	if (s != shapes && set_family(&m->c, s->family) != 0)
		return -1;
	m->c.hidden_size = s->hidden;
	m->c.intermediate_size = s->mlp;
	m->c.n_layers = s->layers;
	m->c.n_heads = s->heads;
	m->c.n_kv_heads = s->kv;
	m->c.head_dim = s->dim;
	m->c.vocab_size = s->vocab;
	m->c.rope_theta = s->theta;
	m->c.tie_embeddings = s->tied;
	m->c.window = s->positions < FOT_WINDOW_MOST ? s->positions : FOT_WINDOW_MOST;
	m->c.max_positions = s->positions > m->c.window ? s->positions : 0;
	if (s->factor > 0)
		m->c.rope = (struct fot_rope){ .type = FOT_ROPE_LLAMA3, .factor = s->factor, .low = 1, .high = 4, .original = 8192 };
	m->c.n_mem_layers = s == shapes ? 3 : 0;
	memcpy(m->c.mem_layers, layers, sizeof layers);
	m->c.tokenizer = FOT_TOKENIZER_NONE;
	m->dtype = FOT_BF16;
	m->shards = s == shapes ? 3 : 8;
	return 0;
}

static int set_key(struct maker *m, const char *key, const char *value)
{
	struct {
		const char *name;
		int32_t *to;
	} ints[] = { { "vocab", &m->c.vocab_size },        { "hidden", &m->c.hidden_size },
		     { "mlp", &m->c.intermediate_size },   { "layers", &m->c.n_layers },
		     { "heads", &m->c.n_heads },           { "window", &m->c.window },
		     { "last", &m->c.last_context_length }, { "shards", &m->shards },
		     { "kv", &m->c.n_kv_heads },           { "dim", &m->c.head_dim },
		     { "slide", &m->c.sliding_window } };

	for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
		if (strcmp(key, ints[i].name) == 0) {
			*ints[i].to = atoi(value);
			return 0;
		}
	}
	if (strcmp(key, "mem") == 0)
		return set_layers(&m->c, value);
	if (strcmp(key, "shape") == 0)
		return set_shape(m, value);
	if (strcmp(key, "tied") == 0)
		m->c.tie_embeddings = atoi(value);
	else if (strcmp(key, "blocks") == 0)
		m->c.blocks = atoi(value);
	else if (strcmp(key, "positionals") == 0)
		m->c.mem_positionals = atoi(value);
	else if (strcmp(key, "qknorm") == 0)
		m->c.qk_norm = atoi(value);
	else if (strcmp(key, "dtype") == 0)
		m->dtype = strcmp(value, "BF16") == 0 ? FOT_BF16 : FOT_F32;
	else if (strcmp(key, "tokenizer") == 0)
		m->c.tokenizer = strcmp(value, "byte") == 0 ? FOT_TOKENIZER_BYTE :
				 strcmp(value, "spm") == 0  ? FOT_TOKENIZER_FILE :
							      FOT_TOKENIZER_NONE;
	else if (strcmp(key, "family") == 0)
		return set_family(&m->c, value);
	else if (strcmp(key, "rope") == 0)
		return set_rope(&m->c.rope, value);
	else if (strcmp(key, "bias") == 0)
		m->c.qkv_bias = m->c.o_bias = atoi(value);
	else if (strcmp(key, "norope") == 0)
		m->c.no_rope[atoi(value) & (FOT_MAX_LAYERS - 1)] = strcmp(value, "none") != 0;
	else if (strcmp(key, "variant") == 0)
		snprintf(m->c.variant, sizeof m->c.variant, "%s", value);
	else if (strcmp(key, "seed") == 0)
		m->seed = strtoull(value, NULL, 10);
	else if (strcmp(key, "scale") == 0)
		m->scale = atof(value);
	else if (strcmp(key, "only") == 0)
		m->only = value;
	else
		return -1;
	return 0;
}

/* Vectors around one (temperatures around zero), matrices small. */
static float draw(struct fot_rng *rng, const struct fot_tensor_spec *spec, double scale)
{
	double z = fot_rng_normal(rng);

	if (spec->role == FOT_ROLE_QK_SCALE)
		return (float)(scale * (1.0 + 0.2 * z));
	if (spec->cols == 0)
		return (float)(scale * (1.0 + 0.1 * z));
	return (float)(scale * z * (spec->role == FOT_ROLE_EMBED ? 0.7 : 1.2 / sqrt((double)spec->cols)));
}

static void store(struct fot_tensor *t, void *to, int64_t i, float x)
{
	if (t->dtype == FOT_F32)
		((float *)to)[i] = x;
	else
		((uint16_t *)to)[i] = fot_bf16_of(x);
}

static int fill(struct fot_tensor *t, const struct fot_tensor_spec *spec, const struct maker *m, size_t index)
{
	double scale = !m->only || strstr(spec->name, m->only) ? m->scale : 1.0;
	size_t size = fot_dtype_size(m->dtype);
	struct fot_rng rng;
	char *to;

	*t = (struct fot_tensor){ .name = spec->name, .dtype = m->dtype, .rank = spec->cols ? 2 : 1,
				  .shape = { spec->rows, spec->cols } };
	t->n = spec->cols ? spec->rows * spec->cols : spec->rows;
	t->bytes = (size_t)t->n * size;
	t->data = to = fot_alloc((size_t)t->n, size);
	if (!to)
		return -1;
	fot_rng_init(&rng, m->seed, "make_checkpoint", index);
	for (int64_t i = 0; i < t->n && i < TABLE; i++)
		store(t, to, i, draw(&rng, spec, scale));
	for (int64_t at = TABLE; at < t->n;) {
		int64_t from = (int64_t)fot_rng_below(&rng, (uint64_t)TABLE), n = TABLE - from;

		n = n < t->n - at ? n : t->n - at;
		memcpy(to + (size_t)at * size, to + (size_t)from * size, (size_t)n * size);
		at += n;
	}
	return 0;
}

static int write_config(const char *dir, const struct maker *m, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT, config = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_config_check(&m->c, "make_checkpoint", err));
	FOT_TRY(fot_mkdir_all(dir, err));
	FOT_TRY(fot_config_print(&config, &m->c, err));
	fot_path_join(&path, dir, "config.json");
	status = fot_file_replace(path.data, config.data, config.len, err);
out:
	fot_str_release(&path);
	fot_str_release(&config);
	return status;
}

/* Tensors [from, to) of the list as one file. */
static int write_shard(const char *dir, const char *name, const struct maker *m, const struct fot_tensor_spec *spec,
		       size_t from, size_t to, struct fot_err *err)
{
	struct fot_tensor *tensor = fot_calloc(to - from, sizeof *tensor);
	struct fot_str path = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t i = from; i < to && status == FOT_OK; i++)
		if (!tensor || fill(&tensor[i - from], &spec[i], m, i) != 0)
			status = FOT_FAIL(err, FOT_ERR_RUN, "out of memory");
	fot_path_join(&path, dir, name);
	if (status == FOT_OK)
		status = fot_safetensors_write(path.data, tensor, to - from, NULL, 0, err);
	for (size_t i = 0; tensor && i < to - from; i++)
		fot_free((void *)(uintptr_t)tensor[i].data);
	fot_free(tensor);
	fot_str_release(&path);
	return status;
}

/* First tensor of shard k: shards hold equally many tensors. */
static size_t shard_at(const struct maker *m, size_t n, int32_t k)
{
	return n * (size_t)k / (size_t)m->shards;
}

static int write_shards(const char *dir, const struct maker *m, const struct fot_tensor_spec *spec, size_t n,
			struct fot_err *err)
{
	struct fot_str index = FOT_STR_INIT, path = FOT_STR_INIT;
	char name[64];
	int status = FOT_OK;

	fot_str_puts(&index, "{\"weight_map\":{");
	for (int32_t k = 0; k < m->shards; k++) {
		size_t from = shard_at(m, n, k), to = shard_at(m, n, k + 1);

		snprintf(name, sizeof name, "model-%05d-of-%05d.safetensors", k + 1, m->shards);
		FOT_TRY(write_shard(dir, name, m, spec, from, to, err));
		for (size_t i = from; i < to; i++)
			fot_str_printf(&index, "%s\"%s\":\"%s\"", i ? "," : "", spec[i].name, name);
	}
	fot_str_puts(&index, "}}");
	fot_path_join(&path, dir, "model.safetensors.index.json");
	status = fot_file_replace(path.data, index.data, index.len, err);
out:
	fot_str_release(&index);
	fot_str_release(&path);
	return status;
}

static int make(const char *dir, const struct maker *m, struct fot_err *err)
{
	size_t n = fot_config_tensors(&m->c, NULL);
	struct fot_tensor_spec *spec = fot_calloc(n, sizeof *spec);
	int status;

	FOT_TRY(write_config(dir, m, err));
	fot_config_tensors(&m->c, spec);
	if (m->shards > 1)
		status = write_shards(dir, m, spec, n, err);
	else
		status = write_shard(dir, "model.safetensors", m, spec, 0, n, err);
out:
	fot_free(spec);
	return status;
}

int main(int argc, char **argv)
{
	struct maker m = { .dtype = FOT_F32, .seed = 1, .scale = 1.0, .shards = 1 };
	struct fot_err err = { 0 };

	fot_config_default(&m.c);
	m.c.vocab_size = 258;
	m.c.hidden_size = 32;
	m.c.intermediate_size = 48;
	m.c.n_layers = 3;
	m.c.n_heads = 2;
	m.c.head_dim = 0;
	m.c.window = 32;
	m.c.last_context_length = 16;
	m.c.rope_theta = 100;
	m.c.n_mem_layers = 1;
	m.c.mem_layers[0] = 1;
	m.c.mem_positionals = false;
	m.c.blocks = true;
	m.c.qk_norm = true;
	m.c.mode = FOT_MEMORY_DENSE;
	m.c.top_k = 8;
	m.c.tokenizer = FOT_TOKENIZER_BYTE;
	m.c.bos_id = 256;
	m.c.eos_id = 257;
	m.c.pad_id = 257;
	strcpy(m.c.variant, "tiny");
	if (argc < 2) {
		fprintf(stderr, "usage: make_checkpoint DIR [key=value ...]\n");
		return FOT_ERR_USAGE;
	}
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals)
			*equals = '\0';
		if (!equals || set_key(&m, argv[i], equals + 1) != 0) {
			fprintf(stderr, "make_checkpoint: bad argument %s\n", argv[i]);
			return FOT_ERR_USAGE;
		}
	}
	if (m.c.tokenizer == FOT_TOKENIZER_NONE) { /* ids that a vocabulary of any size has */
		m.c.bos_id = 1;
		m.c.eos_id = 2;
		m.c.pad_id = 0;
	}
	if (m.c.head_dim == 0)
		m.c.head_dim = m.c.n_heads > 0 ? m.c.hidden_size / m.c.n_heads : 0;
	for (int32_t l = 0; l < m.c.n_layers && l < FOT_MAX_LAYERS; l++)
		m.c.slides[l] = m.c.sliding_window > 0;
	if (make(argv[1], &m, &err) != FOT_OK)
		fprintf(stderr, "make_checkpoint: %s\n", err.text);
	return err.code;
}
