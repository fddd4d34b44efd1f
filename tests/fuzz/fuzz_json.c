/* libFuzzer target: whatever the bytes, the JSON reader refuses them or gives a tree
 * that prints, and what is printed reads back as the same tree. */
#include <string.h>

#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static void print_and_read_back(const cJSON *root, int indent)
{
	struct fot_str first = FOT_STR_INIT, second = FOT_STR_INIT;
	struct fot_err err = { 0 };
	cJSON *again = NULL;

	require(fot_json_print(&first, root, indent, &err) == FOT_OK);
	require(fot_json_parse(&again, first.data, first.len, "again", FOT_ERR_INPUT, &err) == FOT_OK);
	require(fot_json_print(&second, again, indent, &err) == FOT_OK);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	cJSON_Delete(again);
	fot_str_release(&first);
	fot_str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_str canonical = FOT_STR_INIT;
	struct fot_err err = { 0 };
	cJSON *root = NULL;
	int status = fot_json_parse(&root, (const char *)bytes, n, "fuzz", FOT_ERR_INPUT, &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((root != NULL) == (status == FOT_OK));
	if (root) {
		print_and_read_back(root, 0);
		print_and_read_back(root, 1);
		require(fot_json_canonical(&canonical, root, &err) == FOT_OK);
	}
	fot_str_release(&canonical);
	cJSON_Delete(root);
	return 0;
}
