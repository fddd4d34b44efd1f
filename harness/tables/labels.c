/* labels.c: see labels.h. */
#include "harness/tables/labels.h"

#include <string.h>

#include "base/file.h"

void fot_label_memory(struct fot_str *out, const struct fot_table *t, size_t row)
{
	if (fot_table_has(t, row, "memory"))
		fot_str_puts(out, fot_table_text(t, row, "memory"));
	else
		fot_condition_memory(out, t, row);
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

/* --- conditions as users write them --- */

#define FORM(form) form,
static const char *const forms[] = { FOT_CONDITION_FORMS(FORM) };

/* What stands for a number: a letter of its own. */
static bool is_number(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Bytes at the start of text that have the form; 0: it begins otherwise. */
static size_t formed(const char *text, const char *form)
{
	const char *at = text, *without = NULL; /* what may be left out at the end of the form */

	for (; *form; form++) {
		size_t digits = strspn(at, "0123456789");

		if (*form == '[')
			without = at;
		if (*form == '[' || *form == ']')
			continue;
		if (is_number(*form) ? digits == 0 || *at == '0' : *at != *form)
			return without ? (size_t)(without - text) : 0;
		at += is_number(*form) ? digits : 1;
	}
	return (size_t)(at - text);
}

static size_t kind_and_numbers(const char *text)
{
	size_t most = 0;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		size_t n = formed(text, forms[i]);

		most = n > most ? n : most;
	}
	return most;
}

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
	size_t n = strlen(text);

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (n == mode_length(forms[i]) && memcmp(forms[i], text, n) == 0)
			return true;
	return n > 0 && kind_and_numbers(text) == n;
}

bool fot_condition_has_options(const char *text)
{
	size_t n = kind_and_numbers(text);

	return n > 0 && text[n] == ',' && text[n + 1];
}

/* The bytes of the column memory that are kind and numbers, where these are not top_k. */
static size_t own_numbers(const struct fot_table *t, size_t row)
{
	const char *memory = fot_table_has(t, row, "memory") ? fot_table_text(t, row, "memory") : "";

	return strchr(memory, ':') && !fot_table_has(t, row, "top_k") ? kind_and_numbers(memory) : 0;
}

bool fot_condition_memory_fits(const struct fot_table *t, size_t row, const char *text)
{
	const char *mode = fot_table_text(t, row, "memory_mode");
	size_t n = mode_length(text), own = own_numbers(t, row);

	if (fot_condition_has_options(text))
		return strcmp(fot_table_text(t, row, "memory"), text) == 0;
	if (strlen(mode) != n || memcmp(mode, text, n) != 0)
		return false;
	if (!text[n])
		return true;
	if (own)
		return strlen(text) == own && memcmp(fot_table_text(t, row, "memory"), text, own) == 0;
	return keys_of(text) == fot_table_int(t, row, "top_k", 0);
}

void fot_condition_memory(struct fot_str *out, const struct fot_table *t, size_t row)
{
	int64_t k = fot_table_int(t, row, "top_k", 0);
	size_t own = own_numbers(t, row);

	if (own) {
		fot_str_add(out, fot_table_text(t, row, "memory"), own);
		return;
	}
	fot_str_puts(out, fot_table_text(t, row, "memory_mode"));
	if (k)
		fot_str_printf(out, ":%lld", (long long)k);
}
