/* libFuzzer target: whatever a tidy table says, it is refused or read, and what was read,
 * written out, is read the same way. The first byte picks the schema. */
#include <string.h>

#include "harness/tables/table.h"
#include "tests/fuzz/schemas.h"
#include "tests/fuzz/fuzz.h"

static int parse(struct fot_table *t, const char *text, size_t n)
{
	struct fot_err err = { 0 };
	int status = fot_table_parse(t, text, n, "fuzz", &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	return status;
}

static void write_out(struct fot_str *out, const struct fot_table *t)
{
	require(fot_table_print(out, t, true, NULL) == FOT_OK);
}

static void read_back(const struct fot_table *t)
{
	struct fot_str first = FOT_STR_INIT, second = FOT_STR_INIT;
	struct fot_table again;

	fot_table_init(&again, t->schema);
	write_out(&first, t);
	require(parse(&again, first.data, first.len) == FOT_OK);
	require(again.n_rows == t->n_rows);
	for (size_t row = 0; row < t->n_rows; row++)
		for (size_t c = 0; c < t->schema->n; c++)
			require(fot_table_same(t, row, &again, row, t->schema->column[c].name));
	write_out(&second, &again);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	fot_table_release(&again);
	fot_str_release(&first);
	fot_str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_table t;

	if (n == 0)
		return 0;
	fot_table_init(&t, fuzzed_schema(bytes[0]));
	if (parse(&t, (const char *)bytes + 1, n - 1) == FOT_OK)
		read_back(&t);
	fot_table_release(&t);
	return 0;
}
