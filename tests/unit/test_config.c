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

static void assert_same(const struct fot_config *a, const struct fot_config *b)
{
	assert_int_equal(a->vocab_size, b->vocab_size);
	assert_int_equal(a->hidden_size, b->hidden_size);
	assert_int_equal(a->intermediate_size, b->intermediate_size);
	assert_int_equal(a->n_layers, b->n_layers);
	assert_int_equal(a->n_heads, b->n_heads);
	assert_int_equal(a->head_dim, b->head_dim);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->last_context_length, b->last_context_length);
	assert_int_equal(a->bos_id, b->bos_id);
	assert_int_equal(a->eos_id, b->eos_id);
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
	assert_int_equal(a->search, b->search);
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
	assert_int_equal(c.search, FOT_SEARCH_ALL);
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
	assert_int_equal(c.search, FOT_SEARCH_TOPK);
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
	{ "{\"num_key_value_heads\":8}", "num_key_value_heads: expected num_attention_heads 32" },
	{ "{\"head_dim\":64}", "head_dim: expected hidden_size / num_attention_heads = 128, got 64" },
	{ "{\"max_position_embeddings\":0}", "max_position_embeddings" },
	{ "{\"max_position_embeddings\":16777217}", "max_position_embeddings" },
	{ "{\"last_context_length\":0}", "last_context_length" },
	{ "{\"bos_token_id\":-2}", "bos_token_id" },
	{ "{\"bos_token_id\":32000}", "bos_token_id: expected less than vocab_size 32000, got 32000" },
	{ "{\"eos_token_id\":32000}", "eos_token_id: expected less" },
	{ "{\"eos_token_id\":[2,3]}", "eos_token_id" },
	{ "{\"rms_norm_eps\":0}", "rms_norm_eps: expected a number over 0 and under 1" },
	{ "{\"rms_norm_eps\":1}", "rms_norm_eps" },
	{ "{\"rms_norm_eps\":-1e-6}", "rms_norm_eps" },
	{ "{\"rms_norm_eps\":NaN}", "config.json: line 1" },
	{ "{\"rope_theta\":0.5}", "rope_theta" },
	{ "{\"rope_theta\":1e999}", "rope_theta" },
	{ "{\"rope_theta\":null,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}}", "rope_scaling: expected null" },
	{ "{\"rope_parameters\":{}}", "rope_parameters" },
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
	c->last_context_length = 1 + (int32_t)fot_rng_below(r, 1 << 24);
	c->bos_id = (int32_t)fot_rng_below(r, (uint64_t)c->vocab_size + 1) - 1;
	c->eos_id = (int32_t)fot_rng_below(r, (uint64_t)c->vocab_size + 1) - 1;
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
	c->search = (enum fot_search)fot_rng_below(r, 3);
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
	c.head_dim = 64;
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
	static struct fot_tensor_spec specs[14 * FOT_MAX_LAYERS];
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_empty_object_gives_defaults),
		TEST(test_config_reads_every_key),
		TEST(test_config_refuses_by_name),
		TEST(test_config_missing_file_is_named),
		TEST(test_config_print_reads_back_equal),
		TEST(test_config_print_refuses_what_cannot_be_read),
		TEST(test_config_parameters_agree_with_the_tensor_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
