/* model/config.h: defaults, every range and refusal, and that what is printed
 * reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/config.h"
#include "model/weights.h"
#include "tests/unit/scratch.h"

static int read_text(struct fot_config *c, const char *text, struct fot_err *err)
{
	scratch_puts("config.json", text);
	return fot_config_read(c, scratch_path(""), err);
}

/* The ids that end a text behind both files; "": the error instead. */
static void check_ends(const char *config, const char *generation, int32_t eos, const char *more)
{
	struct fot_config c;
	struct fot_err err = { 0 };
	char got[64] = "";
	int n = 0;

	scratch_puts("generation_config.json", generation);
	assert_int_equal(read_text(&c, config, &err), FOT_OK);
	assert_int_equal(c.eos_id, eos);
	for (int32_t i = 0; i < c.n_more_eos; i++)
		n += snprintf(got + n, sizeof got - (size_t)n, "%s%d", i ? "," : "", c.more_eos[i]);
	assert_string_equal(got, more);
}

static void refuse_ends(const char *generation, const char *want)
{
	struct fot_config c;
	struct fot_err err = { 0 };

	scratch_puts("generation_config.json", generation);
	assert_fails(read_text(&c, "{\"eos_token_id\": 2}", &err), FOT_ERR_INPUT, &err, want);
}

static void test_config_generation_config_adds_ends(void **state)
{
	(void)state;
	check_ends("{\"eos_token_id\": 2}", "{\"eos_token_id\": [7, 2, 9], \"do_sample\": true}", 2, "7,9");
	check_ends("{\"eos_token_id\": 2}", "{\"eos_token_id\": 5}", 2, "5");
	check_ends("{\"eos_token_id\": [2, 5]}", "{\"eos_token_id\": 5}", 2, "5");
	check_ends("{\"eos_token_id\": 2}", "{\"transformers_version\": \"5.0.0\"}", 2, "");
	check_ends("{\"eos_token_id\": 2}", "{\"eos_token_id\": null}", 2, "");
	check_ends("{\"eos_token_id\": 2}", "{\"eos_token_id\": []}", 2, "");
	check_ends("{\"eos_token_id\": null}", "{\"eos_token_id\": [9, 7]}", 9, "7");
	check_ends("{\"model_type\": \"llama\"}", "{\"eos_token_id\": 3}", 3, "");
	refuse_ends("{\"eos_token_id\": \"2\"}", "generation_config.json");
	refuse_ends("{\"eos_token_id\": [3, 32000]}", "eos_token_id: ");
	refuse_ends("{\"eos_token_id\": -1}", "generation_config.json");
	refuse_ends("{\"eos_token_id\": [10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]}", "expected at most 16 ids");
	refuse_ends("[", "generation_config.json");
}

static void assert_same(const struct fot_config *a, const struct fot_config *b)
{
	assert_int_equal(a->vocab_size, b->vocab_size);
	assert_int_equal(a->hidden_size, b->hidden_size);
	assert_int_equal(a->intermediate_size, b->intermediate_size);
	assert_int_equal(a->n_layers, b->n_layers);
	assert_int_equal(a->n_heads, b->n_heads);
	assert_int_equal(a->head_dim, b->head_dim);
	assert_int_equal(a->n_kv_heads, b->n_kv_heads);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->qkv_bias, b->qkv_bias);
	assert_int_equal(a->o_bias, b->o_bias);
	assert_int_equal(a->mlp_bias, b->mlp_bias);
	assert_int_equal(a->qk_rms, b->qk_rms);
	assert_int_equal(a->output_norms, b->output_norms);
	assert_int_equal(a->sliding_window, b->sliding_window);
	assert_int_equal(a->max_positions, b->max_positions);
	assert_memory_equal(a->slides, b->slides, sizeof a->slides);
	assert_memory_equal(a->no_rope, b->no_rope, sizeof a->no_rope);
	assert_int_equal(a->rope.type, b->rope.type);
	assert_int_equal(a->rope.original, b->rope.original);
	assert_memory_equal(&a->rope.factor, &b->rope.factor, 8 * sizeof(double)); /* to attention */
	assert_int_equal(a->rope.unrounded, b->rope.unrounded);
	assert_int_equal(a->rope.n_pairs, b->rope.n_pairs);
	assert_memory_equal(a->rope.shorter, b->rope.shorter, sizeof a->rope.shorter);
	assert_memory_equal(a->rope.longer, b->rope.longer, sizeof a->rope.longer);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->last_context_length, b->last_context_length);
	assert_int_equal(a->bos_id, b->bos_id);
	assert_int_equal(a->eos_id, b->eos_id);
	assert_int_equal(a->n_more_eos, b->n_more_eos);
	assert_memory_equal(a->more_eos, b->more_eos, sizeof a->more_eos);
	assert_int_equal(a->pad_id, b->pad_id);
	assert_memory_equal(&a->rms_norm_eps, &b->rms_norm_eps, sizeof(double));
	assert_memory_equal(&a->rope_theta, &b->rope_theta, sizeof(double));
	assert_int_equal(a->tie_embeddings, b->tie_embeddings);
	assert_int_equal(a->n_mem_layers, b->n_mem_layers);
	for (int i = 0; i < a->n_mem_layers; i++)
		assert_int_equal(a->mem_layers[i], b->mem_layers[i]);
	assert_int_equal(a->mem_positionals, b->mem_positionals);
	assert_int_equal(a->mem_dtype, b->mem_dtype);
	assert_int_equal(a->blocks, b->blocks);
	assert_int_equal(a->qk_norm, b->qk_norm);
	assert_int_equal(a->mix, b->mix);
	assert_memory_equal(&a->mem_scale, &b->mem_scale, sizeof(double));
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->top_k, b->top_k);
	assert_int_equal(a->tokenizer, b->tokenizer);
	assert_string_equal(a->variant, b->variant);
}

static void test_config_empty_object_gives_defaults(void **state)
{
	struct fot_config c, d;
	struct fot_err err = { 0 };

	(void)state;
	fot_config_default(&d);
	assert_int_equal(read_text(&c, "{}", &err), FOT_OK);
	assert_same(&c, &d);
	assert_int_equal(c.vocab_size, 32000);
	assert_int_equal(c.hidden_size, 4096);
	assert_int_equal(c.intermediate_size, 11008);
	assert_int_equal(c.n_layers, 32);
	assert_int_equal(c.n_heads, 32);
	assert_int_equal(c.head_dim, 128);
	assert_int_equal(c.window, 2048);
	assert_int_equal(c.last_context_length, 1024);
	assert_int_equal(c.bos_id, 1);
	assert_int_equal(c.eos_id, 2);
	assert_int_equal(c.pad_id, 0);
	assert_true(c.rms_norm_eps == 1e-6 && c.rope_theta == 10000 && c.mem_scale == 1);
	assert_int_equal(c.mem_dtype, FOT_BF16);
	assert_int_equal(c.n_mem_layers, 0);
	assert_true(c.mem_positionals);
	assert_false(c.tie_embeddings || c.blocks || c.qk_norm);
	assert_int_equal(c.mode, FOT_MEMORY_DENSE);
	assert_int_equal(c.mix, FOT_MIX_JOINT);
	assert_int_equal(c.top_k, 128);
	assert_int_equal(c.tokenizer, FOT_TOKENIZER_FILE);
	assert_string_equal(c.variant, "");
	assert_int_equal(err.code, 0);
}

static void test_config_reads_every_key(void **state)
{
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(
		read_text(&c,
			  "{\"model_type\":\"longllama\",\"hidden_act\":\"silu\",\"rope_scaling\":null,\"use_cache\":true,"
			  "\"vocab_size\":258,\"hidden_size\":96,\"intermediate_size\":200,\"num_hidden_layers\":7,"
			  "\"num_attention_heads\":6,\"num_key_value_heads\":6,\"head_dim\":16,"
			  "\"max_position_embeddings\":333,\"last_context_length\":77,\"bos_token_id\":256,"
			  "\"eos_token_id\":null,\"pad_token_id\":258,\"rms_norm_eps\":1e-5,\"rope_theta\":1e6,"
			  "\"tie_word_embeddings\":true,\"mem_layers\":[5,0,3],\"mem_positionals\":false,"
			  "\"mem_dtype\":\"float32\",\"mem_attention_grouping\":[4,2048],"
			  "\"fot\":{\"cut\":\"blocks\",\"qk_norm\":true,\"mix\":\"gate\",\"mem_scale\":1.75,\"search\":\"topk\",\"top_k\":32,"
			  "\"cached_windows\":1,\"tokenizer\":\"byte\",\"variant\":\"fot-d1\",\"method\":\"any\",\"training\":{\"x\":[1]}}}",
			  &err),
		FOT_OK);
	assert_int_equal(c.vocab_size, 258);
	assert_int_equal(c.hidden_size, 96);
	assert_int_equal(c.intermediate_size, 200);
	assert_int_equal(c.n_layers, 7);
	assert_int_equal(c.n_heads, 6);
	assert_int_equal(c.head_dim, 16);
	assert_int_equal(c.window, 333);
	assert_int_equal(c.last_context_length, 77);
	assert_int_equal(c.bos_id, 256);
	assert_int_equal(c.eos_id, -1);
	assert_int_equal(c.pad_id, 258);
	assert_int_equal(c.cached_windows, 1);
	assert_true(c.rms_norm_eps == 1e-5 && c.rope_theta == 1e6 && c.mem_scale == 1.75);
	assert_true(c.tie_embeddings && c.blocks && c.qk_norm && !c.mem_positionals);
	assert_int_equal(c.n_mem_layers, 3);
	assert_int_equal(c.mem_layers[0], 0);
	assert_int_equal(c.mem_layers[1], 3);
	assert_int_equal(c.mem_layers[2], 5);
	assert_int_equal(fot_config_mem_slot(&c, 3), 1);
	assert_int_equal(fot_config_mem_slot(&c, 4), -1);
	assert_true(fot_config_is_mem_layer(&c, 0));
	assert_false(fot_config_is_mem_layer(&c, 6));
	assert_int_equal(c.mem_dtype, FOT_F32);
	assert_int_equal(c.mix, FOT_MIX_GATE);
	assert_int_equal(c.mode, FOT_MEMORY_KNN);
	assert_int_equal(c.top_k, 32);
	assert_int_equal(c.tokenizer, FOT_TOKENIZER_BYTE);
	assert_string_equal(c.variant, "fot-d1");
}

static const struct bad {
	const char *text, *fragment;
} bad[] = {
	{ "", "config.json" },
	{ "[]", "object" },
	{ "{\"vocab_size\":1,\"vocab_size\":1}", "twice" },
	{ "{\"vocab_size\":0}", "vocab_size: expected an integer from 1 to 16777216" },
	{ "{\"vocab_size\":16777217}", "vocab_size" },
	{ "{\"vocab_size\":\"32000\"}", "vocab_size" },
	{ "{\"vocab_size\":3.5}", "vocab_size" },
	{ "{\"hidden_size\":0}", "hidden_size" },
	{ "{\"hidden_size\":65537}", "hidden_size" },
	{ "{\"hidden_size\":4097}", "hidden_size 4097 is not a multiple of num_attention_heads 32" },
	{ "{\"hidden_size\":96}", "even number (rotary pairs), got 3" },
	{ "{\"intermediate_size\":0}", "intermediate_size" },
	{ "{\"num_hidden_layers\":0}", "num_hidden_layers" },
	{ "{\"num_hidden_layers\":1000000000}", "num_hidden_layers" },
	{ "{\"num_attention_heads\":0}", "num_attention_heads" },
	{ "{\"num_attention_heads\":1025}", "num_attention_heads" },
	{ "{\"num_attention_heads\":-4}", "num_attention_heads" },
	{ "{\"num_key_value_heads\":5}", "num_key_value_heads: expected a divisor of num_attention_heads 32, got 5" },
	{ "{\"num_key_value_heads\":33}", "num_key_value_heads: expected an integer from 1 to 32, got 33" },
	{ "{\"head_dim\":63}", "head_dim: expected an even number (rotary pairs), got 63" },
	{ "{\"head_dim\":2050}", "head_dim: expected at most 2048 with num_attention_heads 32, got 2050" },
	{ "{\"max_position_embeddings\":0}", "max_position_embeddings" },
	{ "{\"max_position_embeddings\":16777217}", "max_position_embeddings" },
	{ "{\"last_context_length\":0}", "last_context_length" },
	{ "{\"bos_token_id\":-2}", "bos_token_id" },
	{ "{\"bos_token_id\":32000}", "bos_token_id: expected less than vocab_size 32000, got 32000" },
	{ "{\"eos_token_id\":32000}", "eos_token_id: expected less" },
	{ "{\"eos_token_id\":[2,\"3\"]}", "eos_token_id" },
	{ "{\"eos_token_id\":[32000,3]}", "eos_token_id: expected less" },
	{ "{\"eos_token_id\":[3,32000]}", "eos_token_id: expected less than vocab_size 32000, got 32000" },
	{ "{\"eos_token_id\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "eos_token_id: expected at most 16 ids, got 17" },
	{ "{\"rms_norm_eps\":0}", "rms_norm_eps: expected a number over 0 and under 1" },
	{ "{\"rms_norm_eps\":1}", "rms_norm_eps" },
	{ "{\"rms_norm_eps\":-1e-6}", "rms_norm_eps" },
	{ "{\"rms_norm_eps\":NaN}", "config.json: line 1" },
	{ "{\"rope_theta\":0.5}", "rope_theta" },
	{ "{\"rope_theta\":1e999}", "rope_theta" },
	{ "{\"rope_scaling\":{\"type\":\"xpos\",\"factor\":2}}", "rope_scaling: rope_type: expected one of \"default\", \"linear\"" },
	{ "{\"rope_scaling\":{\"type\":\"linear\"}}", "rope_scaling.factor" },
	{ "{\"rope_scaling\":{\"type\":\"linear\",\"factor\":0.5}}", "rope_scaling.factor" },
	{ "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"alpha\":1}}", "unknown key \"alpha\"" },
	{ "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":null}}",
	  "expected factor or original_max_position_embeddings" },
	{ "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"truncate\":1}}",
	  "rope_scaling.truncate" },
	{ "{\"num_attention_heads\":1024,\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,2],"
	  "\"long_factor\":[1,2],\"original_max_position_embeddings\":1}}",
	  "original_max_position_embeddings: expected 2 or more, got 1" },
	{ "{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4,"
	  "\"original_max_position_embeddings\":8192}}",
	  "high_freq_factor: expected over low_freq_factor 4, got 4" },
	{ "{\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,2],\"long_factor\":[1,2]}}",
	  "short_factor: expected 64 numbers, got 2" },
	{ "{\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,2],\"long_factor\":[1]}}",
	  "long_factor: expected 2 numbers as in short_factor, got 1" },
	{ "{\"rope_parameters\":{\"rope_type\":\"mrope\"}}", "rope_parameters: rope_type" },
	{ "{\"rope_parameters\":{\"partial_rotary_factor\":0.5}}", "rope_parameters.partial_rotary_factor" },
	{ "{\"rope_parameters\":{\"full_attention\":{\"rope_theta\":1e6},\"sliding_attention\":{\"rope_theta\":1e4}}}",
	  "rope_parameters: expected the same for all kinds of layers, got others for full_attention and sliding_attention" },
	{ "{\"partial_rotary_factor\":0.25}", "partial_rotary_factor" },
	{ "{\"model_type\":\"qwen2\",\"num_attention_heads\":14,\"head_dim\":64}",
	  "num_key_value_heads: missing, and model_type \"qwen2\" then has 32 of 14 heads" },
	{ "{\"attention_multiplier\":0.1}", "attention_multiplier: expected null or no such key" },
	{ "{\"final_logit_softcapping\":30}", "final_logit_softcapping: expected null or no such key" },
	{ "{\"quantization_config\":{}}", "quantization_config: expected null or no such key" },
	{ "{\"sliding_window\":4096}", "sliding_window: expected null or no such key: model_type \"longllama\" has none" },
	{ "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"layer_types\":[\"sliding_attention\"]}",
	  "layer_types[0]: expected \"full_attention\", got \"sliding_attention\"" },
	{ "{\"model_type\":\"qwen2\",\"num_hidden_layers\":2,\"layer_types\":[\"full_attention\"]}",
	  "layer_types: expected 2 entries, got 1" },
	{ "{\"model_type\":\"qwen2\",\"num_hidden_layers\":1,\"layer_types\":[\"chunked_attention\"]}",
	  "layer_types[0]: expected \"full_attention\" or \"sliding_attention\", got \"chunked_attention\"" },
	{ "{\"model_type\":\"llama\",\"no_rope_layers\":[1]}", "no_rope_layers: expected no such key" },
	{ "{\"model_type\":\"smollm3\",\"num_hidden_layers\":2,\"no_rope_layers\":[1]}",
	  "no_rope_layers: expected 2 entries or more, got 1" },
	{ "{\"model_type\":\"smollm3\",\"num_hidden_layers\":1,\"no_rope_layers\":[2]}", "no_rope_layers[0]" },
	{ "{\"model_type\":\"mistral\",\"attention_bias\":true}", "attention_bias: expected false" },
	{ "{\"mlp_bias\":true}", "mlp_bias: expected false" },
	{ "{\"model_type\":\"qwen3\",\"mlp_bias\":true}", "mlp_bias: expected false" },
	{ "{\"architectures\":[\"GPT2LMHeadModel\"]}", "architectures: expected \"LongLlamaForCausalLM\", " },
	{ "{\"attention_bias\":true}", "attention_bias: expected false" },
	{ "{\"hidden_act\":\"gelu\"}", "hidden_act: expected \"silu\", got \"gelu\"" },
	{ "{\"model_type\":\"gpt2\"}", "model_type" },
	{ "{\"tie_word_embeddings\":1}", "tie_word_embeddings" },
	{ "{\"mem_layers\":[32]}", "mem_layers" },
	{ "{\"mem_layers\":[-1]}", "mem_layers" },
	{ "{\"mem_layers\":[6,12,6]}", "mem_layers: layer 6 stands there twice" },
	{ "{\"mem_layers\":[1.5]}", "mem_layers" },
	{ "{\"mem_layers\":6}", "mem_layers" },
	{ "{\"num_hidden_layers\":2,\"mem_layers\":[0,1,0]}", "mem_layers: expected at most 2" },
	{ "{\"mem_dtype\":\"int8\"}", "mem_dtype: expected one of \"float32\", \"bfloat16\", \"float16\"" },
	{ "{\"fot\":[]}", "fot" },
	{ "{\"fot\":{\"topk\":3}}", "top_k" },
	{ "{\"fot\":{\"top_k\":0}}", "top_k" },
	{ "{\"fot\":{\"cached_windows\":2}}", "cached_windows" },
	{ "{\"fot\":{\"cut\":\"block\"}}", "cut: expected one of \"longllama\", \"blocks\", got \"block\"" },
	{ "{\"fot\":{\"mix\":\"sum\"}}", "mix" },
	{ "{\"fot\":{\"mem_scale\":0}}", "mem_scale: expected a number" },
	{ "{\"fot\":{\"mem_scale\":1001}}", "mem_scale" },
	{ "{\"fot\":{\"mem_scale\":\"2\"}}", "mem_scale" },
	{ "{\"mem_layers\":[0],\"fot\":{\"memscale\":2}}", "memscale" },
	{ "{\"fot\":{\"search\":\"knn\"}}", "search" },
	{ "{\"fot\":{\"tokenizer\":\"bpe\"}}", "tokenizer" },
	{ "{\"fot\":{\"qk_norm\":\"yes\"}}", "qk_norm" },
	{ "{\"fot\":{\"method\":3}}", "method" },
	{ "{\"fot\":{\"training\":\"x\"}}", "training" },
	{ "{\"fot\":{\"variant\":\"0123456789012345678901234567890123456789012345678901234567890123\"}}", "variant" },
};

static void test_config_refuses_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fot_config c = { .vocab_size = -7 };
		struct fot_err err = { 0 };
		int status = read_text(&c, bad[i].text, &err);

		assert_fails(status, FOT_ERR_INPUT, &err, bad[i].fragment);
		assert_non_null(strstr(err.text, "config.json"));
		assert_int_equal(c.vocab_size, -7); /* untouched */
	}
}

static void test_config_missing_file_is_named(void **state)
{
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_config_read(&c, scratch_path("nowhere"), &err), FOT_ERR_INPUT, &err, "nowhere/config.json");
}

static void draw_rope(struct fot_config *c, struct fot_rng *r)
{
	struct fot_rope *p = &c->rope;

	p->type = c->head_dim < 4 ? FOT_ROPE_DEFAULT : (enum fot_rope_type)fot_rng_below(r, 7);
	p->factor = p->type == FOT_ROPE_DEFAULT ? 0 : 1 + 31 * fot_rng_uniform(r);
	if (p->type == FOT_ROPE_LLAMA3) {
		p->low = 0.5 + fot_rng_uniform(r);
		p->high = 2 + fot_rng_uniform(r);
	}
	if (p->type == FOT_ROPE_YARN) {
		p->beta_fast = 2 + 31 * fot_rng_uniform(r);
		p->beta_slow = 1 + fot_rng_uniform(r);
		p->mscale = fot_rng_below(r, 2) ? fot_rng_uniform(r) : 0;
		p->mscale_all = fot_rng_below(r, 2) ? fot_rng_uniform(r) : 0;
		p->unrounded = fot_rng_below(r, 2);
		p->factor = fot_rng_below(r, 2) ? p->factor : 0;
	}
	if (p->type >= FOT_ROPE_LLAMA3)
		p->original = 1 + (int64_t)fot_rng_below(r, (uint64_t)c->window);
	if (p->type != FOT_ROPE_LONGROPE)
		return;
	p->attention = 1 + fot_rng_uniform(r);
	p->n_pairs = c->head_dim / 2;
	for (int32_t i = 0; i < p->n_pairs; i++) {
		p->shorter[i] = 1 + fot_rng_uniform(r);
		p->longer[i] = 1 + 9 * fot_rng_uniform(r);
	}
}

static void draw_family(struct fot_config *c, struct fot_rng *r)
{
	const struct fot_family *f;

	fot_config_of_family(c, (enum fot_family_number)fot_rng_below(r, FOT_FAMILY_COUNT));
	f = fot_family(c->family);
	c->n_kv_heads = c->n_heads % 2 == 0 && fot_rng_below(r, 2) ? c->n_heads / 2 : 0;
	if (fot_rng_below(r, 3) == 0)
		c->head_dim = 2 * (1 + (int32_t)fot_rng_below(r, 64));
	if (f->bias_key && fot_rng_below(r, 2))
		c->qkv_bias = c->o_bias = true;
	c->mlp_bias = f->mlp_bias_key && fot_rng_below(r, 2);
	if (f->long_window && c->window >= FOT_WINDOW_LONG) {
		c->max_positions = c->window;
		c->window = FOT_WINDOW_MOST;
	}
	draw_rope(c, r);
	if (f->sliding != FOT_SLIDING_NO && fot_rng_below(r, 2)) {
		c->sliding_window = 1 + (int32_t)fot_rng_below(r, 5000);
		for (int32_t l = 0; l < c->n_layers; l++)
			c->slides[l] = l == 0 || fot_rng_below(r, 2);
	}
	for (int32_t l = 0; l < c->n_layers && f->no_rope_key; l++)
		c->no_rope[l] = fot_rng_below(r, 2);
}

/* A valid config with every field drawn at random. */
static void draw(struct fot_config *c, struct fot_rng *r)
{
	static const enum fot_dtype dtypes[] = { FOT_F32, FOT_BF16, FOT_F16 };
	static const char *const variants[] = { "", "local", "fot-d1", "a \"quoted\" \\ na\xc3\xafve" };

	fot_config_default(c);
	c->n_heads = 1 + (int32_t)fot_rng_below(r, 64);
	c->head_dim = 2 * (1 + (int32_t)fot_rng_below(r, 64));
	c->hidden_size = c->n_heads * c->head_dim;
	c->vocab_size = 1 + (int32_t)fot_rng_below(r, 1 << 24);
	c->intermediate_size = 1 + (int32_t)fot_rng_below(r, 1 << 20);
	c->n_layers = 1 + (int32_t)fot_rng_below(r, FOT_MAX_LAYERS);
	c->window = 1 + (int32_t)fot_rng_below(r, 1 << 24);
	draw_family(c, r);
	c->last_context_length = 1 + (int32_t)fot_rng_below(r, 1 << 24);
	c->bos_id = (int32_t)fot_rng_below(r, (uint64_t)c->vocab_size + 1) - 1;
	c->eos_id = (int32_t)fot_rng_below(r, (uint64_t)c->vocab_size + 1) - 1;
	c->n_more_eos = (int32_t)fot_rng_below(r, FOT_MORE_EOS_MOST + 1);
	for (int32_t i = 0; i < c->n_more_eos; i++)
		c->more_eos[i] = (int32_t)fot_rng_below(r, (uint64_t)c->vocab_size);
	c->pad_id = (int32_t)fot_rng_below(r, 1 << 24) - 1;
	c->rms_norm_eps = 1e-12 + 0.9 * fot_rng_uniform(r);
	c->rope_theta = 1 + 1e7 * fot_rng_uniform(r);
	c->tie_embeddings = fot_rng_below(r, 2);
	c->mem_positionals = fot_rng_below(r, 2);
	c->mem_dtype = dtypes[fot_rng_below(r, 3)];
	c->blocks = fot_rng_below(r, 2);
	c->qk_norm = fot_rng_below(r, 2);
	c->mix = fot_rng_below(r, 2) ? FOT_MIX_GATE : FOT_MIX_JOINT;
	c->mem_scale = 1e-3 + 900 * fot_rng_uniform(r);
	c->mode = (enum fot_memory_mode)fot_rng_below(r, 3);
	c->top_k = 1 + (int32_t)fot_rng_below(r, 1 << 24);
	c->tokenizer = (enum fot_tokenizer_kind)fot_rng_below(r, 3);
	for (int32_t i = 0; i < c->n_layers; i++)
		if (fot_rng_below(r, 4) == 0)
			c->mem_layers[c->n_mem_layers++] = i;
	strcpy(c->variant, variants[fot_rng_below(r, 4)]);
}

static void test_config_print_reads_back_equal(void **state)
{
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 1, "test.config", 0);
	for (int k = 0; k < 200; k++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_config c, back;
		struct fot_err err = { 0 };

		draw(&c, &r);
		assert_int_equal(fot_config_print(&text, &c, &err), FOT_OK);
		if (read_text(&back, text.data, &err) != FOT_OK)
			fail_msg("%s in %s", err.text, text.data);
		assert_same(&c, &back);
		fot_str_release(&text);
	}
}

static void test_config_print_refuses_what_cannot_be_read(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	fot_config_default(&c);
	c.n_mem_layers = 2;
	c.mem_layers[0] = 5;
	c.mem_layers[1] = 3;
	assert_fails(fot_config_print(&text, &c, &err), FOT_ERR_INPUT, &err, "ascending order, got 3 after 5");
	assert_int_equal(text.len, 0);
	c.n_mem_layers = 0;
	c.head_dim = 63;
	assert_fails(fot_config_print(&text, &c, &err), FOT_ERR_INPUT, &err, "head_dim");
	c.head_dim = 128;
	c.mem_dtype = FOT_I64;
	assert_fails(fot_config_print(&text, &c, &err), FOT_ERR_INPUT, &err, "mem_dtype");
	c.mem_dtype = FOT_F32;
	memset(c.variant, 'x', sizeof(c.variant));
	assert_fails(fot_config_print(&text, &c, &err), FOT_ERR_INPUT, &err, "variant");
	fot_str_release(&text);
}

static void test_config_parameters_agree_with_the_tensor_list(void **state)
{
	static struct fot_tensor_spec specs[FOT_ROLE_COUNT * FOT_MAX_LAYERS];
	struct fot_rng r;

	(void)state;
	fot_rng_init(&r, 2, "test.config", 1);
	for (int k = 0; k < 50; k++) {
		struct fot_config c;
		int64_t sum = 0;
		size_t n;

		draw(&c, &r);
		n = fot_config_tensors(&c, specs);
		assert_int_equal(n, fot_config_tensors(&c, NULL));
		for (size_t i = 0; i < n; i++)
			sum += specs[i].rows * (specs[i].cols ? specs[i].cols : 1);
		assert_int_equal(sum, fot_config_parameters(&c));
	}
}

static void test_config_rope_keys_as_transformers(void **state)
{
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	/* rope_scaling goes before rope_parameters, unless it is empty */
	assert_int_equal(read_text(&c,
				   "{\"rope_theta\":5e4,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4},"
				   "\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":1e6}}",
				   &err),
			 FOT_OK);
	assert_true(c.rope.type == FOT_ROPE_LINEAR && c.rope.factor == 4 && c.rope_theta == 5e4);
	assert_int_equal(
		read_text(&c,
			  "{\"rope_theta\":5e4,\"rope_scaling\":{},"
			  "\"rope_parameters\":{\"rope_type\":\"yarn\",\"factor\":2,\"rope_theta\":1e6}}",
			  &err),
		FOT_OK);
	assert_true(c.rope.type == FOT_ROPE_YARN && c.rope_theta == 1e6 && !c.rope.unrounded);
	/* the original length beside the object goes before the one in it; the ratio stands for a factor */
	assert_int_equal(
		read_text(&c,
			  "{\"original_max_position_embeddings\":512,\"rope_scaling\":{\"type\":\"yarn\","
			  "\"factor\":null,\"original_max_position_embeddings\":1024,\"finetuned\":true,"
			  "\"attn_factor\":0.8,\"mscale\":1,\"mscale_all_dim\":0.5,\"truncate\":false}}",
			  &err),
		FOT_OK);
	assert_true(c.rope.original == 512 && c.rope.factor == 0 && c.rope.attention == 0 &&
		    c.rope.unrounded);
	assert_true(c.rope.mscale == 1 && c.rope.mscale_all == 0.5);
	/* f = 2048 / 512 */
	assert_true(fabs(fot_rope_attention(&(struct fot_turning){ .rope = &c.rope, .positions = 2048 }) -
			 (1 + 0.1 * log(4)) / (1 + 0.05 * log(4))) < 1e-15);
	assert_int_equal(
		read_text(&c,
			  "{\"original_max_position_embeddings\":512,\"rope_scaling\":{\"type\":\"dynamic\","
			  "\"factor\":2,\"original_max_position_embeddings\":1024}}",
			  &err),
		FOT_OK);
	assert_int_equal(c.rope.original, 0);
	/* a ramp whose end lies before its beginning divides nothing */
	c.rope = (struct fot_rope){
		.type = FOT_ROPE_YARN, .factor = 4, .beta_fast = 32, .beta_slow = 1, .original = 5
	};
	for (int i = 0; i < 64; i++)
		assert_true(fot_rope_frequency(
				    &(struct fot_turning){ .rope = &c.rope, .head_dim = 128, .theta = 1e4 },
				    i) == 1 / pow(1e4, 2 * i / 128.0));
}

static void test_config_absent_keys_as_transformers(void **state)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(read_text(&c, "{\"model_type\":\"mistral\",\"hidden_act\":\"swish\"}", &err),
			 FOT_OK);
	assert_int_equal(c.n_kv_heads, 8);
	assert_int_equal(read_text(&c, "{\"model_type\":\"mistral\",\"num_key_value_heads\":null}", &err),
			 FOT_OK);
	assert_int_equal(c.n_kv_heads, 0);
	assert_int_equal(fot_config_print(&text, &c, &err), FOT_OK);
	assert_non_null(strstr(text.data, "\"num_key_value_heads\": 32,"));
	fot_str_release(&text);
	assert_int_equal(read_text(&c, "{\"model_type\":\"qwen3\",\"hidden_size\":1024}", &err), FOT_OK);
	assert_true(c.head_dim == 128 && c.n_kv_heads == 0);
	assert_int_equal(
		read_text(&c, "{\"model_type\":\"qwen3\",\"hidden_size\":1024,\"head_dim\":32}", &err),
		FOT_OK);
	assert_int_equal(fot_config_print(&text, &c, &err), FOT_OK);
	assert_non_null(strstr(text.data, "\"head_dim\": 32,"));
	fot_str_release(&text);
	/* SmolLM3 slides where it does not turn, whatever max_window_layers says */
	assert_int_equal(
		read_text(&c,
			  "{\"model_type\":\"smollm3\",\"num_hidden_layers\":3,\"no_rope_layers\":[1,0,1,0],"
			  "\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":0}",
			  &err),
		FOT_OK);
	assert_true(c.n_kv_heads == 4 && !c.slides[0] && c.slides[1] && !c.slides[2] && c.no_rope[1] &&
		    !c.no_rope[2]);
	assert_int_equal(
		read_text(
			&c,
			"{\"model_type\":\"smollm3\",\"no_rope_layer_interval\":1000,\"use_sliding_window\":true,"
			"\"sliding_window\":64}",
			&err),
		FOT_OK);
	assert_true(c.sliding_window == 0 && !c.no_rope[31]);
}

static void test_config_reads_families(void **state)
{
	struct fot_config c;
	struct fot_err err = { 0 };

	(void)state;
	/* Qwen2.5-0.5B as its file has it */
	assert_int_equal(
		read_text(&c,
			  "{\"architectures\":[\"Qwen2ForCausalLM\"],\"attention_dropout\":0.0,\"bos_token_id\":151643,"
			  "\"eos_token_id\":[151645,151643],\"hidden_act\":\"silu\",\"hidden_size\":896,\"intermediate_size\":4864,"
			  "\"max_position_embeddings\":32768,\"max_window_layers\":24,\"model_type\":\"qwen2\","
			  "\"num_attention_heads\":14,\"num_hidden_layers\":24,\"num_key_value_heads\":2,\"rms_norm_eps\":1e-06,"
			  "\"rope_theta\":1000000.0,\"sliding_window\":32768,\"tie_word_embeddings\":true,\"torch_dtype\":\"bfloat16\","
			  "\"use_mrope\":false,\"use_sliding_window\":false,\"vocab_size\":151936}",
			  &err),
		FOT_OK);
	assert_true(c.family == FOT_FAMILY_QWEN2 && c.qkv_bias && !c.o_bias && c.qk_rms == FOT_QK_RMS_NONE);
	assert_true(c.n_kv_heads == 2 && c.head_dim == 64 && c.eos_id == 151645 && c.sliding_window == 0);
	assert_true(c.n_more_eos == 1 && fot_config_ends(&c, 151645) && fot_config_ends(&c, 151643));
	assert_false(fot_config_ends(&c, 151644) || fot_config_ends(&c, -1));
	assert_true(c.window == 4096 && c.max_positions == 32768);
	/* Llama-3.2-1B as transformers 5 writes it */
	assert_int_equal(
		read_text(&c,
			  "{\"model_type\":\"llama\",\"dtype\":\"bfloat16\",\"head_dim\":64,\"hidden_size\":2048,"
			  "\"intermediate_size\":8192,\"max_position_embeddings\":131072,\"num_attention_heads\":32,"
			  "\"num_hidden_layers\":16,\"num_key_value_heads\":8,\"rope_parameters\":{\"factor\":32.0,"
			  "\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,\"original_max_position_embeddings\":8192,"
			  "\"rope_theta\":500000.0,\"rope_type\":\"llama3\"},\"vocab_size\":128256,\"bos_token_id\":128000,"
			  "\"eos_token_id\":128001}",
			  &err),
		FOT_OK);
	assert_true(c.rope.type == FOT_ROPE_LLAMA3 && c.rope.factor == 32 && c.rope.low == 1 && c.rope.high == 4);
	assert_true(c.rope.original == 8192 && c.rope_theta == 5e5 && c.window == 4096 && c.max_positions == 131072);
	/* by kind of layer, all alike; the family by architectures alone */
	assert_int_equal(read_text(&c,
				   "{\"architectures\":[\"MistralForCausalLM\"],\"rope_parameters\":{\"full_attention\":"
				   "{\"rope_theta\":1e6,\"rope_type\":\"default\"},\"sliding_attention\":{\"rope_theta\":1e6,"
				   "\"rope_type\":\"default\"}},\"num_hidden_layers\":3}",
				   &err),
			 FOT_OK);
	assert_true(c.family == FOT_FAMILY_MISTRAL && c.rope_theta == 1e6 && c.sliding_window == 4096);
	assert_true(c.slides[0] && c.slides[2] && !c.slides[3]);
	assert_int_equal(read_text(&c, "{\"model_type\":\"mistral\",\"sliding_window\":null}", &err), FOT_OK);
	assert_true(c.sliding_window == 0 && !c.slides[0]);
	assert_int_equal(read_text(&c,
				   "{\"model_type\":\"qwen3\",\"head_dim\":128,\"use_sliding_window\":true,"
				   "\"sliding_window\":64,\"max_window_layers\":30}",
				   &err),
			 FOT_OK);
	assert_true(c.qk_rms == FOT_QK_RMS_HEAD && !c.qkv_bias && c.sliding_window == 64 && !c.slides[29] && c.slides[30]);
	assert_int_equal(read_text(&c, "{\"model_type\":\"smollm3\",\"num_hidden_layers\":8}", &err), FOT_OK);
	assert_true(c.tie_embeddings && c.rope_theta == 2e6 && c.no_rope[3] && c.no_rope[7] && !c.no_rope[0] && !c.no_rope[4]);
	assert_int_equal(read_text(&c, "{\"model_type\":\"olmo2\",\"rope_scaling\":{\"rope_type\":\"default\"}}", &err),
			 FOT_OK);
	assert_true(c.output_norms && c.qk_rms == FOT_QK_RMS_WHOLE && c.rms_norm_eps == 1e-5 && c.eos_id == -1);
	/* LongLLaMA keeps the window that it states */
	assert_int_equal(read_text(&c, "{\"model_type\":\"longllama\",\"max_position_embeddings\":65536}", &err), FOT_OK);
	assert_true(c.window == 65536 && c.max_positions == 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_generation_config_adds_ends),
		TEST(test_config_empty_object_gives_defaults),
		TEST(test_config_reads_every_key),
		TEST(test_config_reads_families),
		TEST(test_config_rope_keys_as_transformers),
		TEST(test_config_absent_keys_as_transformers),
		TEST(test_config_refuses_by_name),
		TEST(test_config_missing_file_is_named),
		TEST(test_config_print_reads_back_equal),
		TEST(test_config_print_refuses_what_cannot_be_read),
		TEST(test_config_parameters_agree_with_the_tensor_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
