/* model/weights.h and model/model.h: folders of one file and of shards, the
 * list a config asks for, and every way in which they disagree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/dtype.h"
#include "model/model.h"
#include "tests/unit/scratch.h"

enum { MAX = 64, POOL = 8192 };

/* A tiny model: its config, the tensors it asks for, random values. */
struct tiny {
	struct fot_config c;
	struct fot_tensor_spec spec[MAX];
	struct fot_tensor t[MAX];
	size_t n;
	float pool[POOL];
};

static struct tiny tiny;

static void make_tiny(bool all_extras)
{
	struct fot_rng r;
	size_t used = 0;

	fot_rng_init(&r, 4, "test.weights", 0);
	for (size_t i = 0; i < POOL; i++)
		tiny.pool[i] = (float)fot_rng_normal(&r);
	fot_config_default(&tiny.c);
	tiny.c.vocab_size = 258;
	tiny.c.hidden_size = 8;
	tiny.c.intermediate_size = 10;
	tiny.c.n_layers = 2;
	tiny.c.n_heads = 2;
	tiny.c.head_dim = 4;
	tiny.c.tokenizer = FOT_TOKENIZER_BYTE;
	tiny.c.n_mem_layers = 1;
	tiny.c.mem_layers[0] = 1;
	tiny.c.qk_norm = all_extras;
	tiny.c.mix = all_extras ? FOT_MIX_GATE : FOT_MIX_JOINT;
	tiny.c.tie_embeddings = all_extras;
	assert_true(fot_config_tensors(&tiny.c, NULL) <= MAX);
	tiny.n = fot_config_tensors(&tiny.c, tiny.spec);
	for (size_t i = 0; i < tiny.n; i++) {
		const struct fot_tensor_spec *s = &tiny.spec[i];
		int64_t n = s->rows * (s->cols ? s->cols : 1);

		tiny.t[i] = (struct fot_tensor){ .name = s->name,
						 .dtype = FOT_F32,
						 .rank = s->cols ? 2 : 1,
						 .n = n,
						 .shape = { s->rows, s->cols },
						 .data = tiny.pool + used,
						 .bytes = 4 * (size_t)n };
		used += (size_t)n;
		assert_true(used <= POOL);
	}
}

static void write_shard(const char *name, const struct fot_tensor *t, size_t n)
{
	struct fot_err err = { 0 };

	if (fot_safetensors_write(scratch_path(name), t, n, NULL, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void write_config(void)
{
	struct fot_str text = FOT_STR_INIT;

	assert_int_equal(fot_config_print(&text, &tiny.c, NULL), FOT_OK);
	scratch_puts("config.json", text.data);
	fot_str_release(&text);
}

/* An index that sends tensors below `split` to a.safetensors, the others to b. */
static void write_index(size_t split, const char *more)
{
	struct fot_str text = FOT_STR_INIT;

	fot_str_puts(&text, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
	for (size_t i = 0; i < tiny.n; i++)
		fot_str_printf(&text, "%s\"%s\":\"%s.safetensors\"", i ? "," : "", tiny.t[i].name,
			       i < split ? "a" : "b");
	fot_str_printf(&text, "%s}}", more);
	scratch_puts("model.safetensors.index.json", text.data);
	fot_str_release(&text);
}

static struct fot_weights *must_open(void)
{
	struct fot_weights *w = NULL;
	struct fot_err err = { 0 };

	if (fot_weights_open(&w, scratch_path(""), &err) != FOT_OK)
		fail_msg("%s", err.text);
	return w;
}

static void open_fails(const char *fragment)
{
	struct fot_weights *w = NULL;
	struct fot_err err = { 0 };

	assert_fails(fot_weights_open(&w, scratch_path(""), &err), FOT_ERR_INPUT, &err, fragment);
	assert_null(w);
}

static void assert_holds_all(const struct fot_weights *w)
{
	assert_int_equal(fot_weights_count(w), tiny.n);
	for (size_t i = 0; i < tiny.n; i++) {
		const struct fot_tensor *t = fot_weights_find(w, tiny.t[i].name);

		assert_non_null(t);
		assert_int_equal(t->bytes, tiny.t[i].bytes);
		assert_memory_equal(t->data, tiny.t[i].data, t->bytes);
		assert_string_equal(fot_weights_at(w, i)->name, tiny.t[i].name);
	}
	assert_null(fot_weights_at(w, tiny.n));
	assert_null(fot_weights_find(w, "model.norm"));
}

static void test_weights_tensor_list(void **state)
{
	static const char *const names[] = { "model.embed_tokens.weight",
					     "model.layers.0.input_layernorm.weight",
					     "model.layers.0.self_attn.q_proj.weight",
					     "model.layers.0.self_attn.k_proj.weight",
					     "model.layers.0.self_attn.v_proj.weight",
					     "model.layers.0.self_attn.o_proj.weight",
					     "model.layers.0.self_attn.qk_scale",
					     "model.layers.0.post_attention_layernorm.weight",
					     "model.layers.0.mlp.gate_proj.weight",
					     "model.layers.0.mlp.up_proj.weight",
					     "model.layers.0.mlp.down_proj.weight",
					     "model.layers.1.input_layernorm.weight" };

	(void)state;
	make_tiny(true);
	assert_int_equal(tiny.n, 1 + 10 + 11 + 1); /* one gate, head tied */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(tiny.spec[i].name, names[i]);
	assert_string_equal(tiny.spec[17].name, "model.layers.1.self_attn.mem_gate");
	assert_int_equal(tiny.spec[17].role, FOT_ROLE_GATE_BIAS);
	assert_int_equal(tiny.spec[17].layer, 1);
	assert_int_equal(tiny.spec[17].rows, 2);
	assert_int_equal(tiny.spec[17].cols, 0);
	assert_string_equal(tiny.spec[tiny.n - 1].name, "model.norm.weight");
	assert_int_equal(tiny.spec[10].rows, 8); /* down_proj [D,F] */
	assert_int_equal(tiny.spec[10].cols, 10);
	assert_int_equal(tiny.spec[0].layer, -1);
	make_tiny(false);
	assert_int_equal(tiny.n, 1 + 2 * 9 + 2);
	assert_string_equal(tiny.spec[tiny.n - 1].name, "lm_head.weight");
	assert_int_equal(tiny.spec[tiny.n - 1].role, FOT_ROLE_HEAD);
	assert_int_equal(tiny.spec[tiny.n - 1].rows, 258);
}

static void test_weights_one_file(void **state)
{
	struct fot_weights *w;
	struct fot_err err = { 0 };
	struct fot_str surplus = FOT_STR_INIT;

	(void)state;
	make_tiny(true);
	write_shard("model.safetensors", tiny.t, tiny.n);
	w = must_open();
	assert_holds_all(w);
	assert_int_equal(fot_weights_check(w, &tiny.c, &surplus, &err), FOT_OK);
	assert_int_equal(surplus.len, 0);
	assert_int_equal(fot_weights_check_finite(w, &err), FOT_OK);
	assert_int_equal(err.code, 0);
	fot_weights_close(w);
}

static void test_weights_shards(void **state)
{
	struct fot_weights *w;
	struct fot_err err = { 0 };

	(void)state;
	make_tiny(false);
	write_shard("a.safetensors", tiny.t, 7);
	write_shard("b.safetensors", tiny.t + 7, tiny.n - 7);
	write_index(7, "");
	w = must_open();
	assert_holds_all(w);
	assert_int_equal(fot_weights_check(w, &tiny.c, NULL, &err), FOT_OK);
	fot_weights_close(w);
}

static void test_weights_shards_that_disagree(void **state)
{
	(void)state;
	make_tiny(false);
	write_shard("a.safetensors", tiny.t, 7);
	write_index(7, "");
	open_fails("b.safetensors"); /* missing shard */
	write_shard("b.safetensors", tiny.t + 8, tiny.n - 8);
	open_fails("should be in b.safetensors, which does not hold it");
	write_shard("b.safetensors", tiny.t + 6, tiny.n - 6);
	open_fails("is in two shards: a.safetensors and b.safetensors");
	write_shard("b.safetensors", tiny.t + 7, tiny.n - 7);
	write_index(8, "");
	open_fails("should be in a.safetensors, but is in b.safetensors");
	write_index(7, ",\"more\":\"../up.safetensors\"");
	open_fails(
		"weight_map: \"more\": expected the name of a file in the same folder, got \"../up.safetensors\"");
	write_index(7, ",\"more\":\"/etc/passwd\"");
	open_fails("/etc/passwd");
	write_index(7, ",\"more\":\"..\"");
	open_fails("same folder");
	write_index(7, ",\"more\":\"\"");
	open_fails("same folder");
	write_index(7, ",\"more\":3");
	open_fails("\"more\": expected a string");
	scratch_puts("model.safetensors.index.json", "{\"weight_map\":{}}");
	open_fails("weight_map is empty");
	scratch_puts("model.safetensors.index.json", "{}");
	open_fails("weight_map");
	scratch_puts("model.safetensors.index.json", "[]");
	open_fails("object");
	scratch_puts("model.safetensors.index.json", "{\"weight_map\":");
	open_fails("index.json");
}

static void test_weights_nothing_there(void **state)
{
	(void)state;
	open_fails("no weights: expected model.safetensors, model.safetensors.index.json, pytorch_model.bin or");
	scratch_puts("pytorch_model.bin", "PK");
	open_fails("pytorch_model.bin: not a zip archive");
}

static void check_fails(const struct fot_tensor *t, size_t n, const char *const *fragments)
{
	struct fot_weights *w;
	struct fot_err err = { 0 };

	write_shard("model.safetensors", t, n);
	w = must_open();
	for (; *fragments; fragments++)
		assert_fails(fot_weights_check(w, &tiny.c, NULL, &err), FOT_ERR_INPUT, &err, *fragments);
	fot_weights_close(w);
}

static void test_weights_check_lists_everything(void **state)
{
	struct fot_tensor t[MAX];
	static const float more[4] = { 1, 2, 3, 4 };

	(void)state;
	make_tiny(false);
	memcpy(t, tiny.t, sizeof(t));
	t[0].shape[0] = 129; /* embed_tokens: [258,8] as [129,16] */
	t[0].shape[1] = 16;
	t[1].rank = 2; /* input_layernorm [8] as [8,1] */
	t[1].shape[1] = 1;
	t[3].dtype = FOT_I32;
	t[4].name = "other.a";                                                   /* v_proj of layer 0 */
	t[5] = (struct fot_tensor){ "other.b", FOT_F32, 1, { 4 }, 4, more, 16 }; /* o_proj of layer 0 */
	check_fails(
		t, tiny.n,
		(const char *const[]){
			"2 missing: model.layers.0.self_attn.v_proj.weight, model.layers.0.self_attn.o_proj.weight; ",
			"3 of the wrong shape or type: model.embed_tokens.weight is F32 [129,16], expected a float "
			"type [258,8]",
			"model.layers.0.input_layernorm.weight is F32 [8,1], expected a float type [8]",
			"self_attn.k_proj.weight is I32 [8,8]", "2 not asked for: other.a, other.b", NULL });
	check_fails(
		t, 1,
		(const char *const[]){ "20 missing: model.layers.0.input_layernorm.weight", " more", NULL });
}

static void test_weights_surplus_is_reported_not_refused(void **state)
{
	struct fot_tensor t[MAX];
	struct fot_weights *w;
	struct fot_str surplus = FOT_STR_INIT;
	struct fot_err err = { 0 };
	static const float more[4] = { 1, 2, 3, 4 };
	char long_name[200];

	(void)state;
	make_tiny(false);
	memset(long_name, 'n', sizeof(long_name));
	long_name[199] = '\0';
	memcpy(t, tiny.t, sizeof(t));
	t[tiny.n] = (struct fot_tensor){
		"model.layers.0.self_attn.rotary_emb.inv_freq", FOT_F32, 1, { 4 }, 4, more, 16
	};
	t[tiny.n + 1] = (struct fot_tensor){ "extra", FOT_F32, 1, { 4 }, 4, more, 16 };
	t[tiny.n + 2] = (struct fot_tensor){ long_name, FOT_F32, 1, { 4 }, 4, more, 16 };
	write_shard("model.safetensors", t, tiny.n + 3);
	w = must_open();
	assert_int_equal(fot_weights_check(w, &tiny.c, &surplus, &err), FOT_OK);
	assert_true(strncmp(surplus.data, "extra, nnnn", 11) == 0);
	assert_int_equal(surplus.len, 7 + 199);
	fot_str_release(&surplus);
	fot_weights_close(w);
}

static void test_weights_non_finite_values_are_named(void **state)
{
	static const struct {
		enum fot_dtype t;
		uint64_t bits;
		const char *what;
	} rows[] = { { FOT_F32, 0x7fc00000, "NaN" },
		     { FOT_F32, 0xff800000, "infinite" },
		     { FOT_F16, 0x7c00, "infinite" },
		     { FOT_F16, 0x7e01, "NaN" },
		     { FOT_BF16, 0x7f80, "infinite" },
		     { FOT_BF16, 0x7fc1, "NaN" },
		     { FOT_F64, 0x7ff0000000000000, "infinite" },
		     { FOT_F64, 0x7ff8000000000000, "NaN" } };
	unsigned char data[3000 * 8];

	(void)state;
	make_tiny(false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = fot_dtype_size(rows[i].t);
		struct fot_tensor t[2] = { tiny.t[2],
					   { "big", rows[i].t, 1, { 3000 }, 3000, data, 3000 * size } };
		struct fot_weights *w;
		struct fot_err err = { 0 };

		memset(data, 0, sizeof(data));
		write_shard("model.safetensors", t, 2);
		w = must_open();
		assert_int_equal(fot_weights_check_finite(w, &err), FOT_OK);
		fot_weights_close(w);
		memcpy(data + 2047 * size, &rows[i].bits, size);
		write_shard("model.safetensors", t, 2);
		w = must_open();
		assert_fails(fot_weights_check_finite(w, &err), FOT_ERR_INPUT, &err,
			     "tensor \"big\": element 2047 of 3000 is");
		assert_non_null(strstr(err.text, rows[i].what));
		fot_weights_close(w);
	}
}

static void model_fails(const char *fragment)
{
	struct fot_model *m = NULL;
	struct fot_err err = { 0 };

	assert_fails(fot_model_open(&m, scratch_path(""), &err), FOT_ERR_INPUT, &err, fragment);
	assert_null(m);
}

static void test_model_opens_a_folder(void **state)
{
	struct fot_model *m = NULL;
	struct fot_err err = { 0 };

	(void)state;
	make_tiny(true);
	write_config();
	write_shard("model.safetensors", tiny.t, tiny.n);
	assert_int_equal(fot_model_open(&m, scratch_path(""), &err), FOT_OK);
	assert_string_equal(fot_model_dir(m), scratch_path(""));
	assert_int_equal(fot_model_config(m)->hidden_size, 8);
	assert_int_equal(fot_tokenizer_vocab(fot_model_tokenizer(m)), 258);
	assert_holds_all(fot_model_weights(m));
	fot_model_close(m);
	tiny.c.tokenizer = FOT_TOKENIZER_FILE; /* asked for, but not there: none */
	write_config();
	assert_int_equal(fot_model_open(&m, scratch_path(""), &err), FOT_OK);
	assert_null(fot_model_tokenizer(m));
	fot_model_close(m);
	scratch_puts("tokenizer.model", "rubbish"); /* there, but broken: an error */
	model_fails("tokenizer.model");
	tiny.c.tokenizer = FOT_TOKENIZER_NONE;
	write_config();
	assert_int_equal(fot_model_open(&m, scratch_path(""), &err), FOT_OK);
	assert_null(fot_model_tokenizer(m));
	fot_model_close(m);
}

static void test_model_refuses_parts_that_do_not_fit(void **state)
{
	struct fot_model *m = NULL;
	struct fot_err err = { 0 };

	(void)state;
	make_tiny(false);
	model_fails("config.json");
	write_config();
	model_fails("no weights");
	write_shard("model.safetensors", tiny.t + 1, tiny.n - 1);
	model_fails("1 missing: model.embed_tokens.weight");
	write_shard("model.safetensors", tiny.t, tiny.n);
	tiny.c.vocab_size = 516; /* the same numbers as [516,4]: neither shape nor tokenizer fit */
	write_config();
	model_fails(
		"2 of the wrong shape or type: model.embed_tokens.weight is F32 [258,8], expected a float type [516,8]");
	assert_fails(fot_model_open(&m, scratch_path("config.json"), &err), FOT_ERR_INPUT, &err,
		     "expected a model folder (config.json, model.safetensors), got a file");
	assert_fails(fot_model_open(&m, scratch_path("nowhere"), &err), FOT_ERR_INPUT, &err, "nowhere");
}

static void test_model_vocabulary_must_match_the_tokenizer(void **state)
{
	(void)state;
	make_tiny(false);
	tiny.c.vocab_size = 200;
	for (size_t i = 0; i < tiny.n; i += tiny.n - 1) { /* embedding and head */
		tiny.t[i].shape[0] = 200;
		tiny.t[i].n = 1600;
		tiny.t[i].bytes = 6400;
	}
	write_config();
	write_shard("model.safetensors", tiny.t, tiny.n);
	model_fails("config.json has vocab_size 200, the tokenizer has 258 tokens");
}

static void test_model_survives_failing_allocations(void **state)
{
	struct fot_model *m = NULL;
	int status = FOT_ERR_RUN;
	long k = 0;

	(void)state;
	make_tiny(false);
	write_config();
	write_shard("a.safetensors", tiny.t, 7);
	write_shard("b.safetensors", tiny.t + 7, tiny.n - 7);
	write_index(7, "");
	while (status != FOT_OK) {
		struct fot_err err = { 0 };

		fot_mem_fail_at(++k);
		status = fot_model_open(&m, scratch_path(""), &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK && status != FOT_ERR_RUN)
			fail_msg("allocation %ld: %s", k, err.text);
		assert_true(k < 5000);
	}
	assert_true(k > 10);
	fot_model_close(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_weights_tensor_list),
		TEST(test_weights_one_file),
		TEST(test_weights_shards),
		TEST(test_weights_shards_that_disagree),
		TEST(test_weights_nothing_there),
		TEST(test_weights_check_lists_everything),
		TEST(test_weights_surplus_is_reported_not_refused),
		TEST(test_weights_non_finite_values_are_named),
		TEST(test_model_opens_a_folder),
		TEST(test_model_refuses_parts_that_do_not_fit),
		TEST(test_model_vocabulary_must_match_the_tokenizer),
		TEST(test_model_survives_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
