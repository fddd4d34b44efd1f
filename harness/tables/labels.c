/* labels.c: see labels.h. */
#include "harness/tables/labels.h"

#include <string.h>

void fot_label_memory(struct fot_str *out, const struct fot_table *t, size_t row)
{
	int64_t k = fot_table_int(t, row, "top_k", 0);

	if (fot_table_has(t, row, "memory")) {
		fot_str_puts(out, fot_table_text(t, row, "memory"));
		return;
	}
	fot_str_puts(out, fot_table_text(t, row, "memory_mode"));
	if (k)
		fot_str_printf(out, ":%lld", (long long)k);
}

bool fot_label_same_memory(const struct fot_table *t, size_t row, const struct fot_table *u, size_t other)
{
	return !fot_table_has(t, row, "memory") || !fot_table_has(u, other, "memory") ||
	       fot_table_same(t, row, u, other, "memory");
}

void fot_label_length(struct fot_str *out, int64_t length)
{
	if (length % 1024 == 0)
		fot_str_printf(out, "%lldk", (long long)(length / 1024));
	else
		fot_str_printf(out, "%lld", (long long)length);
}

int64_t fot_label_place(const struct fot_table *t, size_t row, const char *axis)
{
	if (strcmp(axis, "n_shots") == 0 && strcmp(fot_table_text(t, row, "shots_asked"), "fill") == 0)
		return FOT_PLACE_FILL;
	return fot_table_int(t, row, axis, 0);
}

void fot_label_shots(struct fot_str *out, int64_t place)
{
	if (place == FOT_PLACE_FILL)
		fot_str_puts(out, "as many as fit");
	else
		fot_str_printf(out, "%lld shot%s", (long long)place, place == 1 ? "" : "s");
}
