/* test_params_start.c: starting from the weights of a model that was trained otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/train/params.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

static void make(struct fot_config *c, int n_mem, bool qk_norm, enum fot_mix mix)
{
	tiny_config(c, 16, n_mem, qk_norm, false);
	c->mix = mix;
}

/* A model of config `from` in a folder, then parameters of `to` started from it. */
static int start(struct fot_params *old, struct fot_params *p, const struct fot_config *from,
		 const struct fot_config *to, struct fot_err *err)
{
	fot_model_close(tiny_model(old, from, scratch_path(""), FOT_F32));
	assert_int_equal(fot_params_init(p, to, NULL), FOT_OK);
	fot_params_random(p, 5, 1, 1);
	return fot_params_start(p, scratch_path(""), err);
}

/* The first numbers of a tensor are what `old` has. */
static void expect_equal(const struct fot_params *p, const struct fot_params *old, enum fot_tensor_role role, int layer)
{
	int64_t at = fot_params_offset(p, role, layer), from = fot_params_offset(old, role, layer);

	assert_true(at >= 0 && from >= 0);
	for (int i = 0; i < 2; i++)
		assert_true(p->w[at + i] == old->w[from + i]);
}

static void expect_shared(const struct fot_params *p, const struct fot_params *old)
{
	expect_equal(p, old, FOT_ROLE_EMBED, -1);
	expect_equal(p, old, FOT_ROLE_HEAD, -1);
	for (int l = 0; l < p->config.n_layers; l++)
		for (int role = FOT_ROLE_ATTN_NORM; role <= FOT_ROLE_DOWN; role++)
			if (role != FOT_ROLE_GATE_BIAS && fot_params_offset(p, (enum fot_tensor_role)role, l) >= 0)
				expect_equal(p, old, (enum fot_tensor_role)role, l);
}

static void test_params_start_new_gates_are_open_by_half(void **state)
{
	struct fot_config from, to;
	struct fot_params old, p;

	(void)state;
	make(&from, 0, true, FOT_MIX_JOINT);
	make(&to, 2, true, FOT_MIX_GATE);
	assert_int_equal(start(&old, &p, &from, &to, NULL), FOT_OK);
	expect_shared(&p, &old);
	for (int l = 1; l <= 3; l += 2)
		for (int h = 0; h < 2; h++)
			assert_true(fabsf(p.w[fot_params_offset(&p, FOT_ROLE_GATE_BIAS, l) + h]) <= 0);
	fot_params_release(&old);
	fot_params_release(&p);
}

static void test_params_start_keeps_gates_or_drops_them(void **state)
{
	struct fot_config from, to;
	struct fot_params old, p;

	(void)state;
	make(&from, 1, false, FOT_MIX_GATE);
	make(&to, 2, false, FOT_MIX_GATE);
	assert_int_equal(start(&old, &p, &from, &to, NULL), FOT_OK);
	expect_shared(&p, &old);
	expect_equal(&p, &old, FOT_ROLE_GATE_BIAS, 1);
	assert_true(fabsf(p.w[fot_params_offset(&p, FOT_ROLE_GATE_BIAS, 1)]) > 0.5f);
	assert_true(fabsf(p.w[fot_params_offset(&p, FOT_ROLE_GATE_BIAS, 3)]) <= 0);
	fot_params_release(&old);
	fot_params_release(&p);
	make(&to, 1, false, FOT_MIX_JOINT);
	assert_int_equal(start(&old, &p, &from, &to, NULL), FOT_OK);
	expect_shared(&p, &old);
	fot_params_release(&old);
	fot_params_release(&p);
}

static void test_params_start_refuses(void **state)
{
	struct fot_err err = { 0 };
	struct fot_config from, to;
	struct fot_params old, p;

	(void)state;
	make(&from, 1, false, FOT_MIX_JOINT);
	make(&to, 1, true, FOT_MIX_GATE);
	assert_fails(start(&old, &p, &from, &to, &err), FOT_ERR_INPUT, &err, "with query-key normalisation");
	fot_params_release(&old);
	fot_params_release(&p);
	make(&to, 1, false, FOT_MIX_GATE);
	to.n_layers = 6;
	memset(&err, 0, sizeof err);
	assert_fails(start(&old, &p, &from, &to, &err), FOT_ERR_INPUT, &err, "layers.5");
	fot_params_release(&old);
	fot_params_release(&p);
	/* What would be left out of the folder's model: its output layer, layers, biases, norms. */
	for (int i = 0; i < 4; i++) {
		static const char *const what[] = { "lm_head.weight", "layers.4.", "q_proj.bias", "q_norm.weight" };

		make(&from, 1, false, FOT_MIX_JOINT);
		make(&to, 1, false, FOT_MIX_JOINT);
		to.tie_embeddings = i == 0;
		to.n_layers = i == 1 ? 4 : 5;
		from.family = i == 3 ? FOT_FAMILY_QWEN3 : i == 2 ? FOT_FAMILY_LLAMA : from.family;
		from.qkv_bias = from.o_bias = i == 2;
		from.qk_rms = i == 3 ? FOT_QK_RMS_HEAD : FOT_QK_RMS_NONE;
		memset(&err, 0, sizeof err);
		assert_fails(start(&old, &p, &from, &to, &err), FOT_ERR_INPUT, &err, what[i]);
		assert_non_null(strstr(err.text, "the model to be trained has no such tensor"));
		fot_params_release(&old);
		fot_params_release(&p);
	}
	assert_int_equal(fot_params_init(&p, &from, NULL), FOT_OK);
	memset(&err, 0, sizeof err);
	assert_fails(fot_params_start(&p, scratch_path("nothing"), &err), FOT_ERR_INPUT, &err, "nothing");
	fot_params_release(&p);
}

#define scratched(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratched(test_params_start_new_gates_are_open_by_half),
		scratched(test_params_start_keeps_gates_or_drops_them),
		scratched(test_params_start_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
