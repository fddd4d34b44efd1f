/* test_recipe.c: reading recipes, the learning rate of each step, and which
 * recipes begin alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/train/recipe.h"
#include "tests/unit/scratch.h"

#define MODEL_OF(fot)                                                                                           \
	"\"model\": {\"vocab_size\": 258, \"hidden_size\": 16, \"intermediate_size\": 24, \"num_hidden_layers\": 3," \
	" \"num_attention_heads\": 2, \"max_position_embeddings\": 32, \"bos_token_id\": 256,"                   \
	" \"eos_token_id\": 257, \"mem_layers\": [1], \"fot\": {\"tokenizer\": \"byte\"" fot "}}"
#define HEAD_OF(fot) "{\"name\": \"n\", \"variant\": \"fot\", \"tokenizer\": \"byte\", " MODEL_OF(fot) ", "
#define HEAD HEAD_OF("")
#define BARE(of_recipe, of_model)                                                                               \
	"{\"name\": \"n\", \"tokenizer\": \"" of_recipe "\", \"model\": {\"vocab_size\": 64, \"hidden_size\": 16,"  \
	" \"num_attention_heads\": 2, \"bos_token_id\": null, \"eos_token_id\": null, \"fot\": {\"tokenizer\": \""  \
	of_model "\"}}, \"generator\": {\"kind\": \"lookup\"}, "
#define DATA "\"datasets\": [{\"name\": \"a\"}, {\"name\": \"b\", \"weight\": 2.5}], "
#define HASH_REST "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FROM(hash) "\"init\": {\"from\": \"zoo/x\", \"sha256\": \"" hash "\"}, "
#define STANDARD "{\"method\": \"standard\", \"steps\": 10, \"window\": 32, \"batch\": 4, \"lr\": 0.01, \"warmup\": 4}"
/* Episodes of a labelled set, the first stage with these keys. */
#define TAUGHT(keys) TAUGHT_OF("[1]", keys)
#define TAUGHT_OF(layers, keys)                                                                                              \
	"{\"name\": \"n\", \"tokenizer\": \"byte\", \"model\": {\"vocab_size\": 258, \"hidden_size\": 16, "             \
	"\"num_attention_heads\": 2, \"num_hidden_layers\": 2, \"mem_layers\": " layers ", \"bos_token_id\": 256, "  \
	"\"eos_token_id\": 257}, \"generator\": {\"kind\": \"episodes\", \"labelled\": [\"gcide\"]}, \"stages\": ["      \
	"{\"method\": \"crossbatch\", \"steps\": 2, \"window\": 32, \"batch\": 6, \"lr\": 1, " keys "}]}"
/* A vote, of this model, from there. */
#define VOTE(model, init)                                                                                                  \
	"{\"name\": \"n\", \"tokenizer\": \"byte\", \"model\": {\"vocab_size\": 258, \"hidden_size\": 16, "             \
	"\"num_attention_heads\": 2, \"num_hidden_layers\": 2, \"intermediate_size\": 24, \"bos_token_id\": 256, "    \
	"\"eos_token_id\": 257, " model "}, " DATA "\"generator\": {\"kind\": \"episodes\"}, \"init\": {" init "\"vote\": true}, " \
	"\"stages\": [" STANDARD "]}"
#define CROSS                                                                                       \
	"{\"method\": \"crossbatch\", \"steps\": 5, \"window\": 16, \"batch\": 8, \"w\": 3, \"d\": 2," \
	" \"pack\": 4, \"negatives\": 6, \"far\": 0.5, \"copy\": 0.25, \"lr\": 0.02, \"lr_end\": 0.002}"

#define XL(more) \
	"{\"method\": \"transformer-xl\", \"steps\": 5, \"window\": 16, \"batch\": 8, \"w\": 3, \"lr\": 0.02" more "}"

static void parse(struct fot_recipe *r, const char *text)
{
	struct fot_err err = { 0 };

	if (fot_recipe_parse(r, text, strlen(text), "r.json", &err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void test_recipe_reads_everything(void **state)
{
	struct fot_recipe r;
	const struct fot_stage *s = &r.stage[1];

	(void)state;
	parse(&r, HEAD DATA "\"seed\": 12, \"optimizer\": {\"beta2\": 0.95, \"clip\": 0.5, \"gate_lr\": 30}, \"stages\": [" STANDARD
			    ", " CROSS "], \"save_dtype\": \"BF16\", \"validation\": {\"every\": 7, \"memory\": 3}}");
	assert_string_equal(r.name, "n");
	assert_string_equal(r.config.variant, "fot");
	assert_int_equal(r.seed, 12);
	assert_int_equal(r.n_datasets, 2);
	assert_true(r.weight[0] == 1 && r.weight[1] == 2.5);
	assert_true(r.adamw.beta2 == 0.95 && r.adamw.clip == 0.5 && r.adamw.beta1 == 0.9 && r.adamw.gate_lr == 30);
	assert_int_equal(r.n_stages, 2);
	assert_int_equal(s->method, FOT_METHOD_CROSSBATCH);
	assert_true(s->steps == 5 && s->window == 16 && s->batch == 8 && s->w == 3 && s->d == 2 && s->pack == 4);
	assert_true(s->negatives == 6 && s->far == 0.5 && s->copy == 0.25);
	assert_int_equal(r.save_dtype, FOT_BF16);
	assert_true(r.valid_every == 7 && r.valid_memory == 3 && r.valid_windows == 16);
	assert_int_equal(fot_recipe_steps(&r), 15);
	assert_int_equal(fot_recipe_tokens(&r, 12), 10 * 4 * 32 + 2 * 8 * 16);
	fot_recipe_release(&r);
}

static void test_recipe_transformer_xl(void **state)
{
	struct fot_recipe r;

	(void)state;
	parse(&r, HEAD DATA "\"stages\": [" STANDARD ", " XL("") "]}");
	assert_int_equal(r.stage[1].method, FOT_METHOD_TRANSFORMER_XL);
	assert_int_equal(r.stage[1].w, 3);
	assert_int_equal(r.config.cached_windows, 1);
	fot_recipe_release(&r);
	parse(&r, HEAD DATA "\"stages\": [" XL("") ", " STANDARD "]}"); /* the last stage decides */
	assert_int_equal(r.config.cached_windows, 0);
	fot_recipe_release(&r);
	parse(&r, HEAD_OF(", \"cached_windows\": 1") DATA "\"stages\": [" XL("") "]}");
	assert_int_equal(r.config.cached_windows, 1);
	fot_recipe_release(&r);
}

static void test_recipe_memorizing(void **state)
{
	struct fot_recipe a, b;
	const char *why = NULL;

	(void)state;
	parse(&a, HEAD DATA "\"init\": {\"from\": \"zoo/x\"}, \"stages\": [{\"method\": \"memorizing\", \"steps\": 5, "
			    "\"window\": 16, \"batch\": 8, \"w\": 3, \"pack\": 4, \"top_k\": 32, \"lr\": 0.02}]}");
	parse(&b, HEAD DATA "\"init\": {\"from\": \"zoo/x\"}, \"stages\": [{\"method\": \"memorizing\", \"steps\": 5, "
			    "\"window\": 16, \"batch\": 8, \"w\": 3, \"pack\": 4, \"top_k\": 31, \"lr\": 0.02}]}");
	assert_int_equal(a.stage[0].method, FOT_METHOD_MEMORIZING);
	assert_int_equal(a.stage[0].top_k, 32);
	assert_string_equal(a.start, "zoo/x");
	assert_false(fot_recipe_same_beginning(&a, &b, 1, &why));
	assert_string_equal(why, "stages");
	b.stage[0].top_k = 32;
	assert_true(fot_recipe_same_beginning(&a, &b, 1, &why));
	b.start[0] = 'Z';
	assert_false(fot_recipe_same_beginning(&a, &b, 1, &why));
	assert_string_equal(why, "seed, init or optimizer");
	fot_recipe_release(&a);
	fot_recipe_release(&b);
	parse(&a, HEAD DATA "\"stages\": [" CROSS "]}");
	assert_int_equal(a.stage[0].top_k, 0);
	assert_null(a.start);
	fot_recipe_release(&a);
}

/* Runs from a model begin alike only if it is the same one. */
static void test_recipe_start_by_hash(void **state)
{
	struct fot_recipe a, b;
	const char *why = NULL;

	(void)state;
	parse(&a, HEAD DATA FROM("0" HASH_REST) "\"stages\": [" STANDARD "]}");
	parse(&b, HEAD DATA FROM("1" HASH_REST) "\"stages\": [" STANDARD "]}");
	assert_string_equal(a.start_sha256, "0" HASH_REST);
	assert_true(fot_recipe_same_beginning(&a, &a, 10, &why));
	assert_false(fot_recipe_same_beginning(&a, &b, 1, &why));
	assert_string_equal(why, "seed, init or optimizer");
	fot_recipe_release(&a);
	fot_recipe_release(&b);
	parse(&a, HEAD DATA "\"init\": {\"from\": \"zoo/x\"}, \"stages\": [" STANDARD "]}");
	assert_string_equal(a.start_sha256, "");
	fot_recipe_release(&a);
}

static void test_recipe_learning_rate(void **state)
{
	struct fot_recipe r;
	double lr;

	(void)state;
	parse(&r, HEAD DATA "\"stages\": [" STANDARD ", " CROSS "]}");
	assert_int_equal(fot_recipe_stage(&r, 0, &lr), 0);
	assert_true(fabs(lr - 0.0025) < 1e-15);
	fot_recipe_stage(&r, 3, &lr);
	assert_true(fabs(lr - 0.01) < 1e-15);
	fot_recipe_stage(&r, 9, &lr);
	assert_true(fabs(lr - 0.01) < 1e-15);
	assert_int_equal(fot_recipe_stage(&r, 10, &lr), 1);
	assert_true(fabs(lr - 0.02) < 1e-15);
	fot_recipe_stage(&r, 12, &lr); /* half of the cosine */
	assert_true(fabs(lr - 0.011) < 1e-15);
	fot_recipe_stage(&r, 14, &lr);
	assert_true(fabs(lr - 0.002) < 1e-15);
	fot_recipe_release(&r);
}

static void test_recipe_same_beginning(void **state)
{
	struct fot_recipe a, b, c, d;
	const char *why = NULL;

	(void)state;
	parse(&a, HEAD DATA "\"stages\": [" STANDARD ", " CROSS "]}");
	parse(&b, HEAD DATA "\"stages\": [" STANDARD ", " STANDARD "]}");
	parse(&c, HEAD "\"datasets\": [{\"name\": \"a\"}, {\"name\": \"b\", \"weight\": 2.0}], \"stages\": [" STANDARD
		       ", " CROSS "]}");
	assert_true(fot_recipe_same_beginning(&a, &b, 10, &why));
	assert_false(fot_recipe_same_beginning(&a, &b, 11, &why));
	assert_string_equal(why, "stages");
	assert_false(fot_recipe_same_beginning(&a, &c, 1, &why));
	assert_string_equal(why, "datasets or tokenizer");
	parse(&d, HEAD DATA "\"stages\": [" STANDARD ", " XL("") "]}");
	assert_true(fot_recipe_same_beginning(&a, &d, 10, &why)); /* however the result is read */
	assert_false(fot_recipe_same_beginning(&a, &d, 11, &why));
	fot_recipe_release(&d);
	b.generator.kind = FOT_GENERATOR_PASSKEY;
	assert_false(fot_recipe_same_beginning(&a, &b, 1, &why));
	assert_string_equal(why, "generator");
	b.generator.kind = FOT_GENERATOR_NONE;
	fot_recipe_release(&c);
	parse(&c, HEAD DATA "\"init\": {\"from\": \"zoo/a\"}, \"stages\": [" STANDARD "]}");
	assert_null(a.start);
	assert_string_equal(c.start, "zoo/a");
	assert_false(fot_recipe_same_beginning(&a, &c, 1, &why));
	assert_string_equal(why, "seed, init or optimizer");
	/* A stage of constant rate may end earlier or later than these steps. */
	assert_true(fot_recipe_same_beginning(&b, &a, 7, &why));
	fot_recipe_release(&a);
	fot_recipe_release(&b);
	fot_recipe_release(&c);
}

static const struct {
	const char *text, *fragment;
} bad[] = {
	{ HEAD DATA FROM("12ab") "\"stages\": [" STANDARD "]}", "init: sha256: expected 64 hexadecimal digits" },
	{ HEAD DATA FROM("X" HASH_REST) "\"stages\": [" STANDARD "]}", "init: sha256: expected 64" },
	{ HEAD DATA "\"init\": {\"sha256\": \"0" HASH_REST "\"}, \"stages\": [" STANDARD "]}", "init.from: missing" },
	{ "[]", "expected an object" },
	{ HEAD DATA "\"stages\": []}", "stages: the list is empty" },
	{ HEAD "\"datasets\": [], \"stages\": [" STANDARD "]}", "datasets: the list is empty" },
	{ HEAD DATA "\"stages\": [" STANDARD "], \"stagess\": 1}", "stagess" },
	{ HEAD DATA "\"stages\": [{\"method\": \"magic\", \"steps\": 1, \"window\": 32, \"batch\": 1, \"lr\": 1}]}",
	  "transformer-xl or longllama, got \"magic\"" },
	{ HEAD DATA "\"stages\": [" XL(", \"far\": 0.5") "]}", "far: method \"transformer-xl\"" },
	{ HEAD DATA "\"stages\": [" XL(", \"negatives\": 2") "]}", "belong to method" },
	{ HEAD DATA "\"generator\": {\"kind\": \"passkey\"}, \"stages\": [" XL("") "]}", "is for datasets" },
	{ HEAD_OF(", \"cached_windows\": 1") DATA "\"stages\": [" XL("") ", " STANDARD "]}", "cached_windows: expected" },
	{ HEAD_OF(", \"cached_windows\": 2") DATA "\"stages\": [" XL("") "]}", "cached_windows" },
	{ HEAD DATA "\"stages\": [{\"method\": \"standard\", \"steps\": 0, \"window\": 32, \"batch\": 1, \"lr\": 1}]}",
	  "steps" },
	{ HEAD DATA "\"stages\": [{\"method\": \"standard\", \"steps\": 1, \"window\": 32, \"batch\": 1, \"lr\": 7}]}",
	  "lr" },
	{ HEAD DATA "\"stages\": [{\"method\": \"standard\", \"steps\": 1, \"window\": 32, \"batch\": 4, \"d\": 2, "
		    "\"lr\": 1}]}",
	  "belong to method" },
	{ HEAD DATA "\"stages\": [{\"method\": \"standard\", \"steps\": 1, \"window\": 32, \"batch\": 4, "
		    "\"top_k\": 8, \"lr\": 1}]}",
	  "stages[0]: pack and top_k belong to methods" },
	{ HEAD DATA "\"stages\": [{\"method\": \"memorizing\", \"steps\": 1, \"window\": 32, \"batch\": 4, "
		    "\"d\": 2, \"lr\": 1}]}",
	  "stages[0]: d and negatives belong to method" },
	{ HEAD DATA "\"stages\": [{\"method\": \"memorizing\", \"steps\": 1, \"window\": 32, \"batch\": 4, "
		    "\"top_k\": 5000, \"lr\": 1}]}",
	  "top_k" },
	{ VOTE("\"mem_layers\": [1]", ""), "r.json: init: vote: expected init.from and the generator episodes" },
	{ VOTE("\"mem_layers\": [1]", "\"from\": \"zoo/x\", "), "r.json: init: vote: expected two layers below the first memory layer" },
	{ HEAD DATA "\"init\": {\"from\": 7}, \"stages\": [" STANDARD "]}", "init" },
	{ HEAD DATA "\"stages\": [{\"method\": \"crossbatch\", \"steps\": 1, \"window\": 32, \"batch\": 6, \"pack\": 4, "
		    "\"lr\": 1}]}",
	  "pack: expected a divisor of batch = 6" },
	{ HEAD DATA "\"stages\": [{\"method\": \"crossbatch\", \"steps\": 1, \"window\": 32, \"batch\": 8, \"pack\": 4, "
		    "\"d\": 3, \"lr\": 1}]}",
	  "d: expected at most batch / pack = 2" },
	{ HEAD DATA "\"stages\": [" STANDARD "], \"save_dtype\": \"I8\"}", "save_dtype" },
	{ HEAD "\"stages\": [" STANDARD "]}", "datasets" },
	{ HEAD DATA "\"stages\": [{\"method\": \"crossbatch\", \"steps\": 1, \"window\": 32, \"batch\": 6, \"near\": 0.5, "
		    "\"lr\": 1}]}",
	  "stages[0]: near is for the generators lookup and passkey" },
	{ HEAD DATA "\"stages\": [{\"method\": \"crossbatch\", \"steps\": 1, \"window\": 32, \"batch\": 6, \"cut\": 0.5, "
		    "\"lr\": 1}]}",
	  "stages[0]: cut is for the generator passkey" },
	{ HEAD DATA "\"generator\": {\"kind\": \"passkey\", \"decoy\": 1}, \"stages\": [" STANDARD "]}", "decoys" },
	{ HEAD DATA "\"generator\": {\"kind\": \"episodes\", \"parts\": 9}, \"stages\": [" STANDARD "]}", "parts" },
	{ HEAD DATA "\"stages\": [{\"method\": \"standard\", \"steps\": 1, \"window\": 32, \"batch\": 6, \"teach\": 1, "
		    "\"lr\": 1}]}",
	  "stages[0]: teach is for the generator episodes" },
	{ TAUGHT("\"teach\": 1, \"top_k\": 4"), "stages[0]: teach: expected mix \"joint\" and no top_k" },
	{ TAUGHT("\"teach\": -1"), "teach" },
	{ TAUGHT("\"teach_end\": 1001"), "teach_end" },
	{ TAUGHT_OF("[]", "\"teach\": 1"),
	  "stages[0]: teach: the model has no memory layer to teach" },
	{ HEAD "\"generator\": {\"kind\": \"episodes\"}, \"stages\": [" STANDARD "]}", "datasets" },
	{ HEAD DATA "\"init\": {\"from\": 3}, \"stages\": [" STANDARD "]}", "from" },
	{ HEAD DATA "\"generatr\": {\"kind\": \"passkey\"}, \"stages\": [" STANDARD "]}", "generator" },
	{ HEAD DATA "\"generator\": {\"kind\": \"passkey\"}, \"stages\": [" STANDARD "]}", "stages[0]: window" },
	{ HEAD DATA "\"generator\": {\"kind\": \"lookup\"}, \"stages\": [" STANDARD "]}", "datasets" },
	{ HEAD "\"generator\": {\"kind\": \"lookup\"}, \"stages\": [" STANDARD "]}", "vocab_size" },
	{ BARE("byte", "none") "\"stages\": [" STANDARD "]}", "goes with generator lookup" },
	{ BARE("none", "byte") "\"stages\": [" STANDARD "]}", "fot: tokenizer" },
	{ BARE("none", "none") "\"stages\": [" STANDARD "]}", "stages[0]: window: generator lookup" },
	{ "{\"name\": \"n\", " MODEL_OF("") ", " DATA "\"stages\": [" STANDARD "]}", "r.json: tokenizer: missing" },
	{ "{\"name\": \"n\", \"tokenizer\": \"byte\", \"model\": {\"hidden_size\": 0}, " DATA "\"stages\": [" STANDARD "]}",
	  "hidden_size" },
};

static void test_recipe_generator(void **state)
{
	struct fot_recipe r;

	(void)state;
	parse(&r, BARE("none", "none") "\"stages\": [{\"method\": \"standard\", \"steps\": 3, \"window\": 100, "
				       "\"batch\": 2, \"lr\": 0.1}]}");
	assert_int_equal(r.generator.kind, FOT_GENERATOR_LOOKUP);
	assert_int_equal(r.n_datasets, 0);
	fot_recipe_release(&r);
	parse(&r, HEAD DATA "\"generator\": {\"kind\": \"passkey\", \"answer_weight\": 3}, \"stages\": [{\"method\": "
			    "\"crossbatch\", \"steps\": 3, \"window\": 96, \"batch\": 2, \"negatives\": 5, \"lr\": 0.1}]}");
	assert_int_equal(r.generator.kind, FOT_GENERATOR_PASSKEY);
	assert_int_equal(r.n_datasets, 2);
	assert_true(r.generator.answer_weight == 3);
	fot_recipe_release(&r);
	parse(&r, HEAD DATA "\"generator\": {\"kind\": \"episodes\", \"words\": 0.25, \"frames\": 0.5, \"parts\": 3}, "
			    "\"stages\": [" STANDARD "]}");
	assert_int_equal(r.generator.kind, FOT_GENERATOR_EPISODES);
	assert_true(r.generator.episodes.words == 0.25 && r.generator.episodes.frames == 0.5);
	assert_int_equal(r.generator.episodes.parts, 3);
	fot_recipe_release(&r);
	parse(&r, HEAD DATA "\"stages\": [" STANDARD "]}");
	assert_int_equal(r.generator.kind, FOT_GENERATOR_NONE);
	fot_recipe_release(&r);
}

/* The weight goes in a straight line from the first step of a stage to its last. */
static void test_recipe_teaching(void **state)
{
	static const char stages[] = TAUGHT("\"teach\": 0.5}, {\"method\": \"crossbatch\", \"steps\": 5, \"window\": 32, "
					    "\"batch\": 6, \"lr\": 1, \"teach\": 2, \"teach_end\": 0");
	const double want[] = { 0.5, 0.5, 2, 1.5, 1, 0.5, 0 };
	struct fot_recipe r, other;
	const char *why;

	(void)state;
	parse(&r, stages);
	for (int64_t i = 0; i < 7; i++)
		assert_true(fot_recipe_teach(&r, i) <= want[i] && fot_recipe_teach(&r, i) >= want[i]);
	parse(&other, stages);
	assert_true(fot_recipe_same_beginning(&r, &other, 7, &why));
	other.stage[1].steps = 6; /* another slope */
	assert_true(fot_recipe_same_beginning(&r, &other, 2, &why));
	assert_false(fot_recipe_same_beginning(&r, &other, 3, &why));
	other.stage[1].steps = 5;
	other.stage[0].teach = 0.6;
	assert_false(fot_recipe_same_beginning(&r, &other, 1, &why));
	fot_recipe_release(&r);
	fot_recipe_release(&other);
	parse(&r, TAUGHT("\"teach\": 0.5, \"copy\": 0.1")); /* labelled sets alone */
	assert_int_equal(r.n_datasets, 0);
	fot_recipe_release(&r);
}

static void test_recipe_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fot_recipe r;
		struct fot_err err = { 0 };
		int status = fot_recipe_parse(&r, bad[i].text, strlen(bad[i].text), "r.json", &err);

		if (status == FOT_OK || !strstr(err.text, bad[i].fragment) || strncmp(err.text, "r.json", 6) != 0)
			fail_msg("recipe %zu: status %d, %s", i, status, err.text);
	}
}

#define OPEN DATA "\"init\": {\"from\": \"zoo/x\"}, \"stages\": [" STANDARD "]}"

/* Only what differs from the model that is started from. */
static void test_recipe_model_of_the_start(void **state)
{
	struct fot_recipe r;
	struct fot_err err = { 0 };

	(void)state;
	parse(&r, "{\"name\": \"n\", " OPEN);
	assert_true(r.needs_base && strcmp(r.start, "zoo/x") == 0 && !r.base && r.n_stages == 0);
	fot_recipe_release(&r);
	scratch_puts("r.json", "{\"name\": \"n\", \"variant\": \"v\", \"model\": {\"mem_layers\": [1], \"rms_norm_eps\": 1e-3, "
			       "\"fot\": {\"mix\": \"gate\"}}, " OPEN);
	scratch_puts("config.json", "{\"model_type\": \"qwen3\", \"vocab_size\": 300, \"hidden_size\": 32, \"num_hidden_layers\": 2, "
				    "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 12, \"rms_norm_eps\": 1e-6, "
				    "\"eos_token_id\": [3, 4], \"rope_parameters\": {\"rope_theta\": 77}, "
				    "\"fot\": {\"cut\": \"blocks\", \"tokenizer\": \"byte\"}}");
	assert_int_equal(fot_recipe_read_on(&r, scratch_path("r.json"), scratch_path(""), &err), FOT_OK);
	assert_false(r.needs_base);
	assert_string_equal(r.base, scratch_path(""));
	assert_string_equal(r.tokenizer, "byte");
	assert_true(r.config.family == FOT_FAMILY_QWEN3 && r.config.head_dim == 12 && r.config.n_kv_heads == 2);
	assert_true(r.config.rope_theta == 77 && r.config.n_more_eos == 1);
	assert_true(r.config.n_mem_layers == 1 && r.config.mem_layers[0] == 1 && r.config.rms_norm_eps == 1e-3);
	assert_true(r.config.mix == FOT_MIX_GATE && r.config.blocks);
	assert_string_equal(r.config.variant, "v");
	assert_int_equal(r.n_stages, 1);
	fot_recipe_release(&r);
	scratch_puts("generation_config.json", "{\"eos_token_id\": [4, 7]}");
	assert_int_equal(fot_recipe_read_on(&r, scratch_path("r.json"), scratch_path(""), &err), FOT_OK);
	assert_true(r.config.eos_id == 3 && r.config.n_more_eos == 2 && r.config.more_eos[1] == 7);
	fot_recipe_release(&r);
	scratch_puts("r.json", "{\"name\": \"n\", \"model\": {\"eos_token_id\": 5}, " OPEN);
	assert_int_equal(fot_recipe_read_on(&r, scratch_path("r.json"), scratch_path(""), &err), FOT_OK);
	assert_true(r.config.eos_id == 5 && r.config.n_more_eos == 0);
	fot_recipe_release(&r);
	scratch_puts("r.json", "{\"name\": \"n\", \"model\": {\"rope_scaling\": null, \"rope_theta\": 5}, " OPEN);
	assert_fails(fot_recipe_read_on(&r, scratch_path("r.json"), scratch_path(""), &err), FOT_ERR_USAGE, &err,
		     "model: rope_theta: expected rope_parameters, which ");
	memset(&err, 0, sizeof err);
	scratch_puts("r.json", "{\"name\": \"n\", " OPEN);
	assert_fails(fot_recipe_read_on(&r, scratch_path("r.json"), scratch_path("nowhere"), &err), FOT_ERR_INPUT, &err,
		     "nowhere/config.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recipe_reads_everything),
		cmocka_unit_test(test_recipe_teaching),
		cmocka_unit_test(test_recipe_transformer_xl),
		cmocka_unit_test(test_recipe_memorizing),
		cmocka_unit_test(test_recipe_start_by_hash),
		cmocka_unit_test(test_recipe_learning_rate),
		cmocka_unit_test(test_recipe_same_beginning),
		cmocka_unit_test(test_recipe_generator),
		cmocka_unit_test_setup_teardown(test_recipe_model_of_the_start, scratch_make, scratch_remove),
		cmocka_unit_test(test_recipe_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
