/* config_arch.c: what families of models differ in, from config.json and back: heads, biases, norms,
 * rotary positions, sliding windows.  What the family alone decides stands in family.c. */
#include <string.h>

#include "base/json.h"
#include "model/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WIDTH_MOST 65536
#define MAX_WINDOW_LAYERS 28 /* Qwen's default */
#define NO_ROPE_EVERY 4      /* SmolLM3's */

void fot_config_of_family(struct fot_config *c, enum fot_family_number family)
{
	const struct fot_family *f = fot_family(family);

	c->family = family;
	c->rms_norm_eps = f->eps;
	c->rope_theta = f->theta;
	c->tie_embeddings = f->tied;
	c->bos_id = f->bos;
	c->eos_id = f->eos;
	c->qkv_bias = f->qkv_bias;
	c->qk_rms = f->qk_rms;
	c->output_norms = f->output_norms;
}

/* ---- reading --------------------------------------------------------- */

struct at {
	const cJSON *root;
	const char *name;
	const struct fot_family *family;
	struct fot_json_ctx ctx;
};

/* Keys that change the network in ways not built here: each must be absent, null, or what changes nothing. */
static int refuse_unread(const struct at *a, struct fot_err *err)
{
	static const char *const null_only[] = { "quantization_config",     "attn_logit_softcapping",
						 "final_logit_softcapping", "query_pre_attn_scalar",
						 "attention_multiplier",    "clip_qkv",
						 "num_local_experts",       "num_experts" };
	static const struct {
		const char *key;
		double neutral;
	} numbers[] = { { "partial_rotary_factor", 1 },
			{ "logit_scale", 1 },
			{ "logits_scaling", 1 },
			{ "embedding_multiplier", 1 },
			{ "residual_multiplier", 1 } };
	const char *act = NULL;
	int status = FOT_OK;

	for (size_t i = 0; i < COUNT(null_only); i++)
		if (fot_json_get(a->root, null_only[i]))
			return FOT_FAIL(err, FOT_ERR_INPUT,
					"%s: %s: expected null or no such key: it is not supported", a->name,
					null_only[i]);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		double x = numbers[i].neutral;

		FOT_TRY(fot_json_double(a->root, numbers[i].key, false, numbers[i].neutral,
					numbers[i].neutral, &x, &a->ctx, err));
	}
	FOT_TRY(fot_json_string(a->root, "hidden_act", false, &act, &a->ctx, err));
	if (act && strcmp(act, "silu") != 0 && strcmp(act, "swish") != 0) /* two names of one */
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: hidden_act: expected \"silu\", got \"%s\"", a->name,
				act);
out:
	return status;
}

/* What a key that is not there stands for: ours is the family's, 0: it has none. Null is the general
 * value. */
static int64_t absent(const cJSON *root, const char *key, int32_t ours, int64_t general)
{
	return ours && !cJSON_GetObjectItemCaseSensitive(root, key) ? ours : general;
}

static int read_heads(struct fot_config *c, const struct at *a, struct fot_err *err)
{
	int64_t kv = absent(a->root, "num_key_value_heads", a->family->kv_heads, c->n_heads);
	int64_t dim = absent(a->root, "head_dim", a->family->head_dim, 0);
	int status;

	FOT_TRY(fot_json_i64(a->root, "num_key_value_heads", false, 1, c->n_heads, &kv, &a->ctx, err));
	FOT_TRY(fot_json_i64(a->root, "head_dim", false, 1, WIDTH_MOST, &dim, &a->ctx, err));
	if (kv > c->n_heads)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: num_key_value_heads: missing, and model_type \"%s\" then has %lld of %d heads",
			a->name, a->family->model_type, (long long)kv, c->n_heads);
	if (dim == 0 && c->hidden_size % c->n_heads != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: hidden_size %d is not a multiple of num_attention_heads %d", a->name,
				c->hidden_size, c->n_heads);
	c->n_kv_heads = kv == c->n_heads ? 0 : (int32_t)kv;
	c->head_dim = dim ? (int32_t)dim : c->hidden_size / c->n_heads;
out:
	return status;
}

static int read_biases(struct fot_config *c, const struct at *a, struct fot_err *err)
{
	bool on = false;
	int status;

	FOT_TRY(fot_json_bool(a->root, "mlp_bias", false, &c->mlp_bias, &a->ctx, err));
	FOT_TRY(fot_json_bool(a->root, "attention_bias", false, &on, &a->ctx, err));
	if (c->mlp_bias && !a->family->mlp_bias_key)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: mlp_bias: expected false, got true", a->name);
	if (on && !a->family->bias_key)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: attention_bias: expected false, got true", a->name);
	if (on)
		c->qkv_bias = c->o_bias = true;
out:
	return status;
}

/* "layer_types": per layer "full_attention" or "sliding_attention"; *found: they are there. */
static int read_layer_types(struct fot_config *c, const struct at *a, bool *found, struct fot_err *err)
{
	const cJSON *list = NULL, *item;
	int32_t n = 0;
	int status = fot_json_array(a->root, "layer_types", false, &list, &a->ctx, err);

	*found = list != NULL;
	if (status != FOT_OK || !list)
		return status;
	cJSON_ArrayForEach (item, list) {
		const char *word = cJSON_GetStringValue(item);
		bool slides = word && strcmp(word, "sliding_attention") == 0;

		if (n >= c->n_layers || (!slides && (!word || strcmp(word, "full_attention") != 0)) ||
		    (slides && a->family->sliding == FOT_SLIDING_NO))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: layer_types[%d]: expected %s, got \"%.40s\"",
					a->name, n,
					n >= c->n_layers ? "one word a layer" :
					a->family->sliding == FOT_SLIDING_NO ?
							   "\"full_attention\"" :
							   "\"full_attention\" or \"sliding_attention\"",
					word ? word : "no word");
		c->slides[n++] = slides;
	}
	if (n != c->n_layers)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: layer_types: expected %d entries, got %d", a->name,
				c->n_layers, n);
	return FOT_OK;
}

static int read_sliding(struct fot_config *c, const struct at *a, struct fot_err *err)
{
	bool asked = a->family->sliding == FOT_SLIDING_ALL, listed, any = false;
	int64_t window = a->family->sliding_window,
		first = a->family->sliding == FOT_SLIDING_UPPER ? MAX_WINDOW_LAYERS : 0;
	int status;

	if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(a->root, "sliding_window")))
		window = 0;
	if (a->family->sliding == FOT_SLIDING_NO && fot_json_get(a->root, "sliding_window"))
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: sliding_window: expected null or no such key: model_type \"%s\" has none",
			a->name, a->family->model_type);
	FOT_TRY(fot_json_i64(a->root, "sliding_window", false, 1, 1 << 24, &window, &a->ctx, err));
	if (!asked)
		FOT_TRY(fot_json_bool(a->root, "use_sliding_window", false, &asked, &a->ctx, err));
	if (a->family->sliding == FOT_SLIDING_UPPER)
		FOT_TRY(fot_json_i64(a->root, "max_window_layers", false, 0, 1 << 20, &first, &a->ctx, err));
	FOT_TRY(read_layer_types(c, a, &listed, err));
	for (int32_t l = 0; l < c->n_layers; l++) {
		bool usual = a->family->sliding == FOT_SLIDING_UNTURNED ? c->no_rope[l] : l >= first;

		c->slides[l] = asked && window && (listed ? c->slides[l] : usual);
		any |= c->slides[l];
	}
	c->sliding_window = any ? (int32_t)window : 0;
out:
	return status;
}

/* "no_rope_layers": 1 where a layer rotates, 0 where it does not. */
static int read_no_rope(struct fot_config *c, const struct at *a, struct fot_err *err)
{
	const cJSON *list = NULL, *item;
	int64_t every = NO_ROPE_EVERY, rotates;
	int32_t n = 0;
	int status;

	FOT_TRY(fot_json_array(a->root, "no_rope_layers", false, &list, &a->ctx, err));
	if (list && !a->family->no_rope_key)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: no_rope_layers: expected no such key: model_type \"%s\" has none",
				a->name, a->family->model_type);
	if (!a->family->no_rope_key)
		goto out;
	FOT_TRY(fot_json_i64(a->root, "no_rope_layer_interval", false, 1, 1 << 20, &every, &a->ctx, err));
	for (int32_t l = 0; l < c->n_layers; l++)
		c->no_rope[l] = (l + 1) % every == 0;
	cJSON_ArrayForEach (item, list) {
		status = fot_json_as_i64(item, 0, 1, &rotates, &a->ctx, err);
		if (status != FOT_OK)
			return fot_err_prefix(err, "no_rope_layers[%d]", n);
		if (n < c->n_layers)
			c->no_rope[n] = !rotates;
		n++;
	}
	if (list && n < c->n_layers)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: no_rope_layers: expected %d entries or more, got %d",
				a->name, c->n_layers, n);
out:
	return status;
}

int fot_config_read_arch(struct fot_config *c, const cJSON *root, const char *name, struct fot_err *err)
{
	struct at a = { root, name, fot_family(c->family), { name, FOT_ERR_INPUT } };
	int status;

	FOT_TRY(refuse_unread(&a, err));
	FOT_TRY(read_heads(c, &a, err));
	FOT_TRY(read_biases(c, &a, err));
	FOT_TRY(fot_rope_read(&c->rope, &c->rope_theta, root, name, err));
	FOT_TRY(read_no_rope(c, &a, err));
	FOT_TRY(read_sliding(c, &a, err));
	if (a.family->long_window && c->window >= FOT_WINDOW_LONG) {
		c->max_positions = c->window;
		c->window = FOT_WINDOW_MOST;
	}
out:
	return status;
}

/* ---- checking -------------------------------------------------------- */

int fot_config_check_arch(const struct fot_config *c, const char *name, struct fot_err *err)
{
	int64_t positions = c->max_positions ? c->max_positions : c->window;

	if (c->head_dim < 1 || c->head_dim % 2 != 0)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: head_dim: expected an even number (rotary pairs), got %d", name,
				c->head_dim);
	if (fot_config_query_width(c) > WIDTH_MOST)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: head_dim: expected at most %d with num_attention_heads %d, got %d", name,
				WIDTH_MOST / c->n_heads, c->n_heads, c->head_dim);
	if (c->n_kv_heads < 0 || c->n_heads % fot_config_kv_heads(c) != 0)
		return FOT_FAIL(
			err, FOT_ERR_INPUT,
			"%s: num_key_value_heads: expected a divisor of num_attention_heads %d, got %d", name,
			c->n_heads, c->n_kv_heads);
	return fot_rope_check(&c->rope, c->rope_theta, c->head_dim, positions, name, err);
}

/* ---- writing --------------------------------------------------------- */

static void print_layers(struct fot_str *out, const struct fot_config *c, const char *key, const bool *is,
			 const char *yes, const char *no)
{
	fot_str_printf(out, "  \"%s\": [", key);
	for (int32_t l = 0; l < c->n_layers; l++)
		fot_str_printf(out, "%s%s", l ? ", " : "", is[l] ? yes : no);
	fot_str_puts(out, "],\n");
}

void fot_config_print_arch(struct fot_str *out, const struct fot_config *c)
{
	const struct fot_family *f = fot_family(c->family);

	if (c->n_kv_heads || f->kv_heads)
		fot_str_printf(out, "  \"num_key_value_heads\": %d,\n", fot_config_kv_heads(c));
	if (fot_config_query_width(c) != c->hidden_size || f->head_dim)
		fot_str_printf(out, "  \"head_dim\": %d,\n", c->head_dim);
	if (c->o_bias)
		fot_str_puts(out, "  \"attention_bias\": true,\n");
	if (c->mlp_bias)
		fot_str_puts(out, "  \"mlp_bias\": true,\n");
	fot_rope_print(out, &c->rope);
	if (f->no_rope_key)
		print_layers(out, c, "no_rope_layers", c->no_rope, "0", "1");
	if (!c->sliding_window && f->sliding == FOT_SLIDING_ALL)
		fot_str_puts(out, "  \"sliding_window\": null,\n");
	if (!c->sliding_window)
		return;
	fot_str_printf(out, "  \"sliding_window\": %d,\n", c->sliding_window);
	if (f->sliding != FOT_SLIDING_ALL)
		fot_str_puts(out, "  \"use_sliding_window\": true,\n");
	print_layers(out, c, "layer_types", c->slides, "\"sliding_attention\"", "\"full_attention\"");
}

/* ---- derived --------------------------------------------------------- */

int32_t fot_config_kv_heads(const struct fot_config *c)
{
	return c->n_kv_heads ? c->n_kv_heads : c->n_heads;
}

int64_t fot_config_query_width(const struct fot_config *c)
{
	return (int64_t)c->n_heads * c->head_dim;
}

int64_t fot_config_key_width(const struct fot_config *c)
{
	return (int64_t)fot_config_kv_heads(c) * c->head_dim;
}

bool fot_config_rotates(const struct fot_config *c, int layer)
{
	return !c->no_rope[layer] && (c->mem_positionals || !fot_config_is_mem_layer(c, layer));
}

struct fot_turning fot_config_turning(const struct fot_config *c, int64_t window)
{
	return (struct fot_turning){ .rope = &c->rope,
				     .head_dim = c->head_dim,
				     .theta = c->rope_theta,
				     .positions = c->max_positions ? c->max_positions : c->window,
				     .longest = window };
}

struct fot_rope fot_config_interpolated(const struct fot_config *c, enum fot_rope_type type, int32_t factor)
{
	bool yarn = type == FOT_ROPE_YARN;

	return (struct fot_rope){ .type = type,
				  .factor = factor,
				  .beta_fast = yarn ? 32 : 0,
				  .beta_slow = yarn ? 1 : 0,
				  .original = c->max_positions ? c->max_positions : c->window };
}
