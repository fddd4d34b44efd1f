/* test_attach.c: a memory's settings as text, and what of a session's is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "model/attach.h"

#define WHERE "here"

static void assert_text(const struct fot_attach *a, const char *want)
{
	struct fot_str s = FOT_STR_INIT;

	fot_attach_print(&s, a);
	assert_string_equal(s.data, want);
	fot_str_release(&s);
}

/* What is read, as it is printed; that is read back equal. */
static void test_attach_text_comes_back(void **state)
{
	static const char *const texts[][2] = {
		{ "none", "none" },
		{ "dense", "dense" },
		{ "knn", "knn" },
		{ "knn:128", "knn:128" },
		{ "knn:1048576", "knn:1048576" },
		{ "xl", "xl" },
		{ "model", "model" },
		{ "sinks:4,recent:64", "sinks:4,recent:64" },
		{ "sinks:4,recent:64,bf16", "sinks:4,recent:64,bf16" },
		{ "random:7", "random:7" },
		{ "moba:128,8,layers=6+12,decay=2", "moba:128,8,decay=2,layers=6+12" },
		{ "quest:16,32", "quest:16,32" },
		{ "recent:1048576,bf16,decay=1", "recent:1048576,decay=1,bf16" },
		{ "model,decay=2", "model,decay=2" },
		{ "dense,bf16", "dense,bf16" },
		{ "dense,decay=0.1", "dense,decay=0.1" },
		{ "none,layers=3", "none,layers=3" },
		{ "knn:32,layers=6+12,f32,scale=1.50,decay=1", "knn:32,decay=1,scale=1.5,f32,layers=6+12" },
		{ "dense,layers=0+255", "dense,layers=0+255" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fot_attach a, b;

		assert_int_equal(fot_attach_parse(&a, texts[i][0], WHERE, NULL), FOT_OK);
		assert_text(&a, texts[i][1]);
		assert_int_equal(fot_attach_parse(&b, texts[i][1], WHERE, NULL), FOT_OK);
		assert_true(fot_attach_equal(&a, &b));
	}
}

static void test_attach_refuses(void **state)
{
#define A_MEMORY                                                                                                            \
	"expected none, dense, knn, knn:K, xl, recent:B, sinks:S,recent:B, random:K, moba:B,K, quest:B,K, " \
	"ivf:K,probe=P[,lists=N], hnsw:K,ef=E[,m=M], int8:K[,rescore=R], infllm:B,K,R, "                                     \
	"shared:K, knorm:B, keydiff:B, snapkv:B, tova:B or model"
#define AN_OPTION "expected a memory, or an option of the one before it: decay=X, scale=X, f32, bf16 or layers=A+B"
#define LAYERS "here: layers: expected ascending layers such as layers=6+12"
	static const char *const texts[][2] = {
		{ "", "here: \"\": " A_MEMORY },
		{ "Dense", "here: \"Dense\": " A_MEMORY },
		{ "dense:3", "here: \"dense:3\": " A_MEMORY },
		{ "all", "here: \"all\": " A_MEMORY },
		{ "knn:", "here: \"knn:\": expected 1 to 1048576 keys" },
		{ "knn:0", "here: \"knn:0\": expected 1 to 1048576 keys" },
		{ "knn:1048577", "here: \"knn:1048577\": expected 1 to 1048576 keys" },
		{ "recent", "here: \"recent\": expected recent:B, each 1 to 1048576" },
		{ "recent:0", "here: \"recent:0\": expected recent:B, each 1 to 1048576" },
		{ "recent:1048577", "here: \"recent:1048577\": expected recent:B, each 1 to 1048576" },
		{ "recent:+5", "here: \"recent:+5\": expected recent:B, each 1 to 1048576" },
		{ "sinks:4", "here: \"sinks:4\": expected sinks:S,recent:B, each 1 to 1048576" },
		{ "sinks:4,recent:0", "here: \"sinks:4,recent:0\": expected sinks:S,recent:B, each 1 to 1048576" },
		{ "moba:128", "here: \"moba:128\": expected moba:B,K, each 1 to 1048576" },
		{ "moba:0,3", "here: \"moba:0,3\": expected moba:B,K, each 1 to 1048576" },
		{ "infllm:128,8", "here: \"infllm:128,8\": expected infllm:B,K,R, each 1 to 1048576" },
		{ "infllm:128,8,bf16", "here: \"infllm:128,8\": expected infllm:B,K,R, each 1 to 1048576" },
		{ "quest:128,bf16", "here: \"quest:128\": expected quest:B,K, each 1 to 1048576" },
		{ "none,bf16", "here: \"bf16\": memory none stores nothing" },
		{ "xl,decay=1", "here: \"decay=1\": memory xl stores nothing" },
		{ "dense,f32,bf16", "here: \"bf16\": it was given before" },
		{ "dense,decay=1,decay=2", "here: \"decay=2\": it was given before" },
		{ "dense,layers=1,layers=1", "here: \"layers=1\": it was given before" },
		{ "dense,decay", "here: \"decay\": expected decay=X, X above 0 to 100" },
		{ "dense,decay=0", "here: \"decay=0\": expected decay=X, X above 0 to 100" },
		{ "dense,decay=101", "here: \"decay=101\": expected decay=X, X above 0 to 100" },
		{ "dense,decay=nan", "here: \"decay=nan\": expected decay=X, X above 0 to 100" },
		{ "dense,scale=0", "here: \"scale=0\": expected scale=X, X from 0.001 to 1000" },
		{ "dense,layers=", LAYERS },
		{ "dense,layers=2+1", LAYERS },
		{ "dense,layers=1+1", LAYERS },
		{ "dense,layers=256", LAYERS },
		{ "dense,layers=1+", LAYERS },
		{ "dense,", "here: \"\": " AN_OPTION },
		{ "dense,,bf16", "here: \"\": " AN_OPTION },
		{ "dense,probe=3", "here: \"probe=3\": " AN_OPTION },
		{ "dense,knn", "here: \"dense,knn\": expected one memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fot_attach a;
		struct fot_err err = { 0 };

		assert_int_equal(fot_attach_parse(&a, texts[i][0], WHERE, &err), FOT_ERR_USAGE);
		assert_string_equal(err.text, texts[i][1]);
	}
}

static void test_attach_refuses_what_is_too_long(void **state)
{
	char text[4096];
	struct fot_attach a;
	struct fot_err err = { 0 };

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(fot_attach_parse(&a, text, WHERE, &err), FOT_ERR_USAGE);
	assert_string_equal(err.text, "here: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": " A_MEMORY);
}

/* All layers that a model can have fit into one text. */
static void test_attach_takes_all_layers(void **state)
{
	struct fot_attach a = { .mode = FOT_MEMORY_DENSE, .n_layers = FOT_MAX_LAYERS }, b;
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	for (int i = 0; i < FOT_MAX_LAYERS; i++)
		a.layer[i] = i;
	fot_attach_print(&s, &a);
	assert_int_equal(fot_attach_parse(&b, s.data, WHERE, NULL), FOT_OK);
	assert_true(fot_attach_equal(&a, &b));
	fot_str_release(&s);
}

/* Commas stand between memories and before their options. */
static void test_attach_list(void **state)
{
	static const char *const want[] = { "dense,decay=1", "knn:32,bf16", "none", "sinks:4,recent:64,bf16", "recent:64",
					     "moba:128,8", "moba:4", "knn:x", "model,what" };
	const char *list = "dense,decay=1,knn:32,bf16,none,sinks:4,recent:64,bf16,recent:64,moba:128,8,moba:4,"
			   "knn:x,model,what";

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		size_t n = fot_attach_length(list);

		assert_int_equal(n, strlen(want[i]));
		assert_memory_equal(list, want[i], n);
		list += n + (list[n] == ',');
	}
	assert_string_equal(list, "");
}

static void told(const struct fot_session_opts *o, const struct fot_config *c, const struct fot_config *own,
		 const char *want)
{
	struct fot_attach a = fot_attach_of(o, c);

	fot_attach_tell(&a, own);
	assert_text(&a, want);
}

/* Only what the model itself does not say; of layers without a memory only where positions hang on them. */
static void test_attach_tells_what_differs(void **state)
{
	struct fot_config own, c;
	struct fot_session_opts o = { .mode = FOT_MEMORY_KNN, .top_k = 8, .mem_dtype = FOT_BF16 };

	(void)state;
	fot_config_default(&own);
	own.n_mem_layers = 1;
	own.mem_layers[0] = 2;
	c = own;
	told(&o, &c, &own, "knn:8");
	o.mem_decay = 1;
	o.mem_dtype = FOT_F32;
	told(&o, &c, &own, "knn:8,decay=1,f32");
	own.mem_dtype = FOT_F32;
	told(&o, &c, &own, "knn:8,decay=1");
	c.mem_scale = 1.5;
	c.mem_layers[0] = 1;
	told(&o, &c, &own, "knn:8,decay=1,scale=1.5,layers=1");
	o.mode = FOT_MEMORY_DENSE;
	told(&o, &c, &own, "dense,decay=1,scale=1.5,layers=1");
	o.mode = FOT_MEMORY_NONE;
	told(&o, &c, &own, "none");
	c.mem_positionals = own.mem_positionals = false;
	told(&o, &c, &own, "none,layers=1");
	c.mem_layers[0] = 2;
	told(&o, &c, &own, "none");
	c.cached_windows = 1;
	told(&o, &c, &own, "xl");
}

static void test_attach_fits_what_is_given(void **state)
{
	static const struct {
		const char *given;
		bool fits;
	} row[] = {
		{ "knn", true },          { "knn:8", true },         { "knn:9", false },          { "dense", false },
		{ "knn,decay=1", true },  { "knn,decay=2", false },  { "knn:8,scale=1.5", true }, { "knn,scale=2", false },
		{ "knn,bf16", true },     { "knn,f32", false },      { "knn,layers=1+3", true },  { "knn,layers=1", false },
	};
	struct fot_attach full;

	(void)state;
	assert_int_equal(fot_attach_parse(&full, "knn:8,decay=1,scale=1.5,bf16,layers=1+3", WHERE, NULL), FOT_OK);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct fot_attach given;

		assert_int_equal(fot_attach_parse(&given, row[i].given, WHERE, NULL), FOT_OK);
		if (fot_attach_fits(&given, &full) != row[i].fits)
			fail_msg("%s: expected %d", row[i].given, row[i].fits);
	}
}

/* What a memory says goes before what its model says for all. */
static void test_attach_complete(void **state)
{
	struct fot_attach all, a;

	(void)state;
	assert_int_equal(fot_attach_parse(&all, "model,decay=1,scale=2,layers=1", WHERE, NULL), FOT_OK);
	assert_int_equal(fot_attach_parse(&a, "knn:3", WHERE, NULL), FOT_OK);
	fot_attach_complete(&a, &all);
	assert_text(&a, "knn:3,decay=1,scale=2,layers=1");
	assert_int_equal(fot_attach_parse(&a, "knn:3,decay=3,scale=4,layers=5", WHERE, NULL), FOT_OK);
	fot_attach_complete(&a, &all);
	assert_text(&a, "knn:3,decay=3,scale=4,layers=5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_text_comes_back),
		cmocka_unit_test(test_attach_refuses),
		cmocka_unit_test(test_attach_refuses_what_is_too_long),
		cmocka_unit_test(test_attach_takes_all_layers),
		cmocka_unit_test(test_attach_list),
		cmocka_unit_test(test_attach_tells_what_differs),
		cmocka_unit_test(test_attach_fits_what_is_given),
		cmocka_unit_test(test_attach_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
