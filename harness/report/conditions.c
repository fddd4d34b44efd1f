/* conditions.c: see conditions.h. */
#include "harness/report/conditions.h"

#include <string.h>

#include "base/file.h"

static const char *const modes[] = { "none", "dense", "knn", "xl" };

/* The K of "knn:K"; 0: there is none. */
static int64_t keys_of(const char *text)
{
	const char *colon = strchr(text, ':');
	int64_t k;

	return colon && fot_parse_i64(colon + 1, &k) && k > 0 ? k : 0;
}

static size_t mode_length(const char *text)
{
	return strcspn(text, ":");
}

bool fot_condition_is_memory(const char *text)
{
	size_t n = mode_length(text);

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strlen(modes[i]) == n && memcmp(modes[i], text, n) == 0)
			return !text[n] || (strcmp(modes[i], "knn") == 0 && keys_of(text) > 0);
	}
	return false;
}

bool fot_condition_memory_fits(const struct fot_table *t, size_t row, const char *text)
{
	const char *mode = fot_table_text(t, row, "memory_mode");
	size_t n = mode_length(text);

	if (strlen(mode) != n || memcmp(mode, text, n) != 0)
		return false;
	return !text[n] || keys_of(text) == fot_table_int(t, row, "top_k", 0);
}

void fot_condition_memory(struct fot_str *out, const struct fot_table *t, size_t row)
{
	int64_t k = fot_table_int(t, row, "top_k", 0);

	fot_str_puts(out, fot_table_text(t, row, "memory_mode"));
	if (k)
		fot_str_printf(out, ":%lld", (long long)k);
}
