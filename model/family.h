/* family.h: families of checkpoints: what a model is that no key of its config.json says.
 *
 * One row a family: the words of model_type and architectures, what its network has beyond
 * LLaMA's, and what an absent key means.  config.c reads what the keys say on top of it. */
#ifndef FOT_FAMILY_H
#define FOT_FAMILY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum fot_family_number {
	FOT_FAMILY_LONGLLAMA,
	FOT_FAMILY_LLAMA,
	FOT_FAMILY_MISTRAL,
	FOT_FAMILY_QWEN2,
	FOT_FAMILY_QWEN3,
	FOT_FAMILY_SMOLLM3,
	FOT_FAMILY_OLMO2,
	FOT_FAMILY_COUNT
};

/* RMS norms of queries and keys before they are rotated. */
enum fot_qk_rms {
	FOT_QK_RMS_NONE,
	FOT_QK_RMS_HEAD, /* over each head, one weight [head_dim] for all heads */
	FOT_QK_RMS_WHOLE /* over all heads together */
};
/* Which layers see only the last sliding_window keys of their window. */
enum fot_sliding {
	FOT_SLIDING_NO,      /* the key must be null */
	FOT_SLIDING_ALL,     /* all layers, unless the key is null or layer_types says otherwise */
	FOT_SLIDING_UPPER,   /* with use_sliding_window: layers from max_window_layers on, or layer_types */
	FOT_SLIDING_UNTURNED /* with use_sliding_window: layers without rotary positions, or layer_types */
};

struct fot_family {
	const char *model_type, *architecture;
	bool qkv_bias;     /* q, k and v have biases, o none */
	bool bias_key;     /* "attention_bias" gives biases to q, k, v and o */
	bool mlp_bias_key; /* "mlp_bias" gives biases to gate, up and down */
	enum fot_qk_rms qk_rms;
	bool output_norms; /* norms act on what attention and MLP give, not on what they take */
	bool no_rope_key;  /* "no_rope_layers" (1: rotary, 0: none); absent: every 4th layer has none */
	enum fot_sliding sliding;
	bool long_window; /* states windows of 32k and more that nobody means as a local context */
	/* What absent keys mean. */
	double eps, theta;
	bool tied;
	int32_t bos, eos, sliding_window;
	int32_t kv_heads, head_dim; /* 0: num_attention_heads, hidden_size / num_attention_heads */
};

/* The row of a family; never NULL. */
const struct fot_family *fot_family(enum fot_family_number number);
/* The family of a config.json: by model_type, else architectures, else LongLLaMA. Errors: FOT_ERR_INPUT. */
int fot_family_find(enum fot_family_number *number, const cJSON *root, const char *name, struct fot_err *err);

#endif
