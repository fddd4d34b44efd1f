/* test_start.c: training starts from a finished model: its tensors, what it lacks, its hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

static struct fot_params made; /* what the folder holds */
static struct fot_config config;
static char hash[65];

static void make_folder(void)
{
	tiny_config(&config, 8, 2, true, false);
	fot_model_close(tiny_model(&made, &config, scratch_path(""), FOT_F32));
	assert_int_equal(fot_sha256_file(scratch_path("model.safetensors"), hash, NULL), FOT_OK);
}

static void init_params(struct fot_params *p, const struct fot_config *c)
{
	assert_int_equal(fot_params_init(p, c, NULL), FOT_OK);
	fot_params_random(p, 99, 0.7, 0.3);
}

static void test_start_takes_every_tensor(void **state)
{
	struct fot_params p;
	struct fot_err err = { 0 };

	(void)state;
	make_folder();
	init_params(&p, &config);
	assert_true(memcmp(p.w, made.w, (size_t)p.n * sizeof *p.w) != 0);
	if (fot_params_start(&p, scratch_path(""), hash, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_memory_equal(p.w, made.w, (size_t)p.n * sizeof *p.w);
	fot_params_release(&p);
	fot_params_release(&made);
}

/* Gates that the folder lacks keep their start, half open; all else is the folder's. */
static void test_start_keeps_gates_that_are_not_there(void **state)
{
	struct fot_params p;
	size_t gates = 0;

	(void)state;
	make_folder();
	config.mix = FOT_MIX_GATE;
	init_params(&p, &config);
	assert_int_equal(fot_params_start(&p, scratch_path(""), hash, NULL), FOT_OK);
	for (size_t i = 0; i < p.n_tensors; i++) {
		const struct fot_tensor_spec *s = &p.spec[i];
		int64_t n = s->cols ? s->rows * s->cols : s->rows, from = fot_params_offset(&made, s->role, s->layer);

		if (s->role != FOT_ROLE_GATE_BIAS) {
			assert_memory_equal(p.w + p.offset[i], made.w + from, (size_t)n * sizeof *p.w);
			continue;
		}
		gates++;
		for (int64_t k = 0; k < n; k++)
			assert_true(p.w[p.offset[i] + k] == 0);
	}
	assert_int_equal(gates, 2);
	fot_params_release(&p);
	fot_params_release(&made);
}

static void expect_refusal(const struct fot_config *c, const char *dir, const char *expected, const char *fragment)
{
	struct fot_params p;
	struct fot_err err = { 0 };

	init_params(&p, c);
	assert_int_equal(fot_params_start(&p, dir, expected, &err), FOT_ERR_INPUT);
	if (!strstr(err.text, fragment))
		fail_msg("expected \"%s\", got \"%s\"", fragment, err.text);
	fot_params_release(&p);
}

static void test_start_refuses(void **state)
{
	struct fot_config wide;
	char other[65];

	(void)state;
	make_folder();
	memcpy(other, hash, sizeof other);
	other[0] = other[0] == 'a' ? 'b' : 'a';
	expect_refusal(&config, scratch_path("nowhere"), "", "nowhere/config.json");
	expect_refusal(&config, scratch_path(""), other, "model.safetensors: sha256: expected ");
	expect_refusal(&config, scratch_path("nowhere"), hash, "nowhere/config.json");
	wide = config;
	wide.intermediate_size *= 2;
	expect_refusal(&wide, scratch_path(""), hash, "mlp");
	fot_params_release(&made);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_start_takes_every_tensor),
		IN_SCRATCH(test_start_keeps_gates_that_are_not_there),
		IN_SCRATCH(test_start_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
