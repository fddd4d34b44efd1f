/* libFuzzer target: whatever a spec says, it is refused or understood, and what was
 * understood, written out in full, is understood the same way. */
#include <string.h>

#include "base/json.h"
#include "harness/plan/spec.h"
#include "tests/fuzz/fuzz.h"

static void write_out(struct fot_str *out, const struct fot_spec *s)
{
	cJSON *full = fot_spec_json(s);

	require(full != NULL);
	require(fot_json_canonical(out, full, NULL) == FOT_OK);
	cJSON_Delete(full);
}

static void read_back(const struct fot_spec *s)
{
	struct fot_str first = FOT_STR_INIT, second = FOT_STR_INIT;
	struct fot_spec again = { 0 };
	struct fot_err err = { 0 };
	cJSON *root = NULL;

	write_out(&first, s);
	require(fot_json_parse(&root, first.data, first.len, "again", FOT_ERR_USAGE, &err) == FOT_OK);
	require(fot_spec_parse(&again, root, "again", NULL, &err) == FOT_OK);
	write_out(&second, &again);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	fot_spec_release(&again);
	cJSON_Delete(root);
	fot_str_release(&first);
	fot_str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_spec s = { 0 };
	struct fot_err err = { 0 };
	cJSON *root = NULL;
	int status;

	if (fot_json_parse(&root, (const char *)bytes, n, "fuzz", FOT_ERR_USAGE, &err) != FOT_OK)
		return 0;
	status = fot_spec_parse(&s, root, "fuzz", NULL, &err);
	require(status == err.code && (status == FOT_OK || status == FOT_ERR_USAGE || status == FOT_ERR_INPUT));
	if (status == FOT_OK)
		read_back(&s);
	fot_spec_release(&s);
	cJSON_Delete(root);
	return 0;
}
