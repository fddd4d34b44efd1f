/* test_start_hash.c: the weights that training starts from are the ones the recipe names. */
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

static void test_start_hash_is_checked(void **state)
{
	struct fot_config config;
	struct fot_params made;
	struct fot_err err = { 0 };
	char hash[65];

	(void)state;
	tiny_config(&config, 8, 2, true, false);
	fot_model_close(tiny_model(&made, &config, scratch_path(""), FOT_F32));
	assert_int_equal(fot_sha256_file(scratch_path("model.safetensors"), hash, NULL), FOT_OK);
	assert_int_equal(fot_params_check_hash(scratch_path(""), hash, &err), FOT_OK);
	assert_int_equal(err.code, 0);
	hash[63] = hash[63] == 'a' ? 'b' : 'a';
	assert_int_equal(fot_params_check_hash(scratch_path(""), hash, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "model.safetensors: sha256: expected "));
	err = (struct fot_err){ 0 };
	assert_int_equal(fot_params_check_hash(scratch_path("nowhere"), hash, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "nowhere/model.safetensors"));
	fot_params_release(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start_hash_is_checked, scratch_make, scratch_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
