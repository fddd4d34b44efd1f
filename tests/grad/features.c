/* features.c: see features.h. */
#include "tests/grad/features.h"

void feature_config(struct fot_config *c, int64_t window)
{
	fot_config_default(c);
	c->vocab_size = 23;
	c->hidden_size = 16;
	c->intermediate_size = 10;
	c->n_layers = 3;
	c->n_heads = 2;
	c->head_dim = 8;
	c->window = (int32_t)window;
	c->rope_theta = 50;
	c->family = FOT_FAMILY_LLAMA;
}

static void of_heads(struct fot_config *c, int32_t heads, int32_t kv, int32_t dim)
{
	c->n_heads = heads;
	c->n_kv_heads = kv == heads ? 0 : kv;
	c->head_dim = dim;
}

static void slide(struct fot_config *c, int32_t window, int first)
{
	c->sliding_window = window;
	for (int l = first; l < c->n_layers; l++)
		c->slides[l] = true;
}

static void scale(struct fot_config *c, enum fot_rope_type type)
{
	c->rope = (struct fot_rope){ .type = type, .factor = 3, .original = 4 };
	if (type == FOT_ROPE_LLAMA3)
		c->rope.low = 0.5, c->rope.high = 2;
	if (type == FOT_ROPE_YARN)
		c->rope.beta_fast = 0.5, c->rope.beta_slow = 0.02;
	c->rope.n_pairs = type == FOT_ROPE_LONGROPE ? c->head_dim / 2 : 0;
	for (int i = 0; i < c->rope.n_pairs; i++)
		c->rope.shorter[i] = 1 + 0.1 * i, c->rope.longer[i] = 2 + 0.7 * i;
}

#define FEATURE(name, ...) static void name(struct fot_config *c) __VA_ARGS__

FEATURE(grouped, { of_heads(c, 4, 2, 4); })
FEATURE(one_for_all, { of_heads(c, 4, 1, 4); })
FEATURE(wide_heads, { of_heads(c, 2, 2, 14); })
FEATURE(narrow_heads, { of_heads(c, 2, 1, 6); })
FEATURE(biases, { c->qkv_bias = true; })
FEATURE(all_biases, { c->qkv_bias = c->o_bias = true; })
FEATURE(mlp_biases, { c->mlp_bias = true; })
FEATURE(head_rms, {
	of_heads(c, 4, 2, 6);
	c->qk_rms = FOT_QK_RMS_HEAD;
})
FEATURE(whole_rms, {
	of_heads(c, 4, 2, 6);
	c->qk_rms = FOT_QK_RMS_WHOLE;
})
FEATURE(both_norms, {
	of_heads(c, 4, 2, 4);
	c->qk_rms = FOT_QK_RMS_HEAD;
	c->qk_norm = true;
})
FEATURE(output_norms, { c->output_norms = true; })
FEATURE(without_positions, { c->no_rope[1] = true; })
FEATURE(slides, { slide(c, 3, 0); })
FEATURE(slides_above, { slide(c, 2, 2); })
FEATURE(tied, { c->tie_embeddings = true; })
FEATURE(linear, { scale(c, FOT_ROPE_LINEAR); })
FEATURE(ntk, { scale(c, FOT_ROPE_NTK); })
FEATURE(dynamic, {
	scale(c, FOT_ROPE_DYNAMIC);
	c->max_positions = 1; /* shorter than any window: it says nothing before */
})
FEATURE(llama3, { scale(c, FOT_ROPE_LLAMA3); })
FEATURE(yarn, { scale(c, FOT_ROPE_YARN); })
FEATURE(longrope, { scale(c, FOT_ROPE_LONGROPE); })
FEATURE(everything, {
	of_heads(c, 4, 2, 6);
	c->qkv_bias = c->o_bias = c->mlp_bias = c->output_norms = c->tie_embeddings = true;
	c->qk_rms = FOT_QK_RMS_WHOLE;
	c->no_rope[0] = true;
	slide(c, 3, 1);
	scale(c, FOT_ROPE_YARN);
})
FEATURE(everything_else, {
	of_heads(c, 6, 3, 4);
	c->qkv_bias = c->qk_norm = true;
	c->qk_rms = FOT_QK_RMS_HEAD;
	c->no_rope[2] = true;
	slide(c, 4, 0);
	scale(c, FOT_ROPE_LONGROPE);
})

const struct feature features[] = {
	{ "grouped keys", grouped },
	{ "one head of keys", one_for_all },
	{ "heads wider than the rows", wide_heads },
	{ "heads narrower than the rows", narrow_heads },
	{ "biases of q, k, v", biases },
	{ "biases of q, k, v, o", all_biases },
	{ "biases of gate, up, down", mlp_biases },
	{ "norms of each head", head_rms },
	{ "norms of all heads", whole_rms },
	{ "norms of each head, then to length 1", both_norms },
	{ "norms of outputs", output_norms },
	{ "a layer without positions", without_positions },
	{ "sliding windows", slides },
	{ "a layer that slides", slides_above },
	{ "tied embeddings", tied },
	{ "linear", linear },
	{ "ntk", ntk },
	{ "dynamic", dynamic },
	{ "llama3", llama3 },
	{ "yarn", yarn },
	{ "longrope", longrope },
	{ "all of OLMo's and SmolLM's kind", everything },
	{ "all of Qwen's and Phi's kind", everything_else },
};
const size_t n_features = sizeof features / sizeof *features;
