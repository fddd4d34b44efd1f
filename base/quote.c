/* quote.c: see quote.h. */
#include "base/list.h"
#include "base/quote.h"

#include <csv.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* --- names --- */

int fot_name_check(const char *name, const char *what, size_t most, int code, struct fot_err *err)
{
	size_t n = strlen(name);

	if (n == 0)
		return FOT_FAIL(err, code, "%s: expected a name, got an empty text", what);
	if (n > most)
		return FOT_FAIL(err, code, "%s \"%.40s...\": expected a name of at most %zu bytes, got %zu",
				what, name, most, n);
	if (fot_utf8_valid(name, n) != n)
		return FOT_FAIL(err, code,
				"%s \"%.300s\": expected a name in UTF-8, got another byte at offset %zu",
				what, name, fot_utf8_valid(name, n));
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)name[i] & 0xc0) != 0x80 && fot_utf8_unprintable(name + i, n - i))
			return FOT_FAIL(
				err, code,
				"%s \"%.300s\": expected a name without control characters, got one at offset %zu",
				what, name, i);
	return FOT_OK;
}

int fot_name_of_path(struct fot_str *out, const char *path, const char *what, struct fot_err *err)
{
	struct fot_str base = FOT_STR_INIT;
	char whole[PATH_MAX];
	int status;

	fot_path_base(&base, path);
	FOT_TRY(fot_str_check(&base, err));
	if ((strcmp(base.data, ".") == 0 || strcmp(base.data, "..") == 0) && realpath(path, whole)) {
		fot_str_clear(&base);
		fot_path_base(&base, whole);
		FOT_TRY(fot_str_check(&base, err));
	}
	FOT_TRY(fot_name_check(base.len ? base.data : "", what, FOT_NAME_MAX, FOT_ERR_INPUT, err));
	fot_str_puts(out, base.data);
	status = fot_str_check(out, err);
out:
	fot_str_release(&base);
	return status;
}

/* --- doors --- */

/* Append the character at p, or '?' for each byte that must not be seen; returns its bytes. */
static size_t put_character(struct fot_str *out, const char *p)
{
	size_t n = strnlen(p, 4), bad = fot_utf8_unprintable(p, n);
	uint32_t cp;

	for (size_t i = 0; i < bad; i++)
		fot_str_putc(out, '?');
	if (bad)
		return bad;
	n = fot_utf8_decode(p, n, &cp);
	fot_str_add(out, p, n);
	return n;
}

void fot_quote_terminal(struct fot_str *out, const char *text)
{
	while (*text)
		text += put_character(out, text);
}

void fot_quote_lines(struct fot_str *out, const char *text)
{
	while (*text) {
		if (*text == '\n')
			fot_str_putc(out, *text++);
		else
			text += put_character(out, text);
	}
}

void fot_quote_markdown(struct fot_str *out, const char *text)
{
	while (*text) {
		if (strchr("|\\`*_<>[]#&~$", *text))
			fot_str_putc(out, '\\');
		text += put_character(out, text);
	}
}

void fot_quote_markdown_text(struct fot_str *out, const char *text)
{
	char last = ' '; /* a space at the front would vanish, too */

	for (; *text; last = *text++) {
		if (*text == '\n')
			fot_str_puts(out, "\xe2\x8f\x8e"); /* return symbol */
		else if (*text == '\t')
			fot_str_puts(out, "\xe2\x87\xa5"); /* arrow to bar */
		else if (*text == ' ' && last == ' ')
			fot_str_puts(out, "\xc2\xa0"); /* no-break space */
		else if (strchr("\\`*_[]<>&|~$!:@", *text) || (*text == '.' && (last == 'w' || last == 'W')))
			fot_str_printf(out, "\\%c", *text); /* also : @ and www. , of which links are made */
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fot_str_puts(out, "\xef\xbf\xbd");
		else
			fot_str_putc(out, *text);
	}
}

struct special {
	const char *from, *to; /* to stands for the first byte of from */
};

/* The text, with the first special that fits at a place instead of what stands there. */
static void put_special(struct fot_str *out, const char *text, const struct special *special, size_t n)
{
	while (*text) {
		size_t i = 0;

		while (i < n && strncmp(text, special[i].from, strlen(special[i].from)) != 0)
			i++;
		if (i < n) {
			fot_str_puts(out, special[i].to);
			text++;
		} else {
			text += put_character(out, text);
		}
	}
}

void fot_quote_latex(struct fot_str *out, const char *text)
{
	static const struct special special[] = {
		{ "\\", "\\textbackslash{}" },
		{ "~", "\\textasciitilde{}" },
		{ "^", "\\textasciicircum{}" },
		{ "<", "\\textless{}" },
		{ ">", "\\textgreater{}" },
		{ "|", "\\textbar{}" },
		{ "\"", "\\textquotedbl{}" },
		{ "`", "\\textasciigrave{}" },
		{ "--", "-{}" }, /* two hyphens would be one dash */
		{ "&", "\\&" },
		{ "%", "\\%" },
		{ "$", "\\$" },
		{ "#", "\\#" },
		{ "_", "\\_" },
		{ "{", "\\{" },
		{ "}", "\\}" },
	};

	put_special(out, text, special, FOT_COUNT(special));
}

static bool formula_like(const char *text)
{
	text += strspn(text, "'");
	return *text && strchr("=+-@", *text);
}

static void put_quoted(struct fot_str *out, const char *text, size_t n)
{
	size_t room = csv_write(NULL, 0, text, n);
	char *buffer = fot_alloc(room + 1, 1);

	if (!buffer) {
		out->failed = true;
		return;
	}
	fot_str_add(out, buffer, csv_write(buffer, room, text, n));
	fot_free(buffer);
}

void fot_quote_csv(struct fot_str *out, const char *text)
{
	struct fot_str marked = FOT_STR_INIT;
	size_t n;

	if (formula_like(text))
		fot_str_putc(&marked, '\'');
	fot_str_puts(&marked, text);
	n = marked.len;
	if (marked.failed)
		out->failed = true;
	else if (n > 0 && (strpbrk(marked.data, ",\"\r\n") || strchr(" \t", marked.data[0]) ||
			   strchr(" \t", marked.data[n - 1])))
		put_quoted(out, marked.data, n);
	else
		fot_str_add(out, marked.data, n);
	fot_str_release(&marked);
}

const char *fot_unquote_csv(const char *cell)
{
	return *cell == '\'' && formula_like(cell) ? cell + 1 : cell;
}

/* gnuplot ends a cell at a quote mark and takes \ooo as the byte of that octal number. */
void fot_quote_gnuplot(struct fot_str *out, const char *text)
{
	while (*text) {
		if (*text == '"' || *text == '\\')
			fot_str_printf(out, "\\%03o", (unsigned)*text++);
		else
			text += put_character(out, text);
	}
}

void fot_quote_xml(struct fot_str *out, const char *text)
{
	static const struct special
		special
			[] = {
				{ "&", "&amp;" },
				{ "<", "&lt;" },
				{ ">", "&gt;" },
				{ "\"", "&quot;" },
				{ "'", "&#39;" },
				{ "\xef\xbf\xbe", "?" }, /* U+FFFE and U+FFFF are no characters of XML; their other bytes become ? */
				{ "\xef\xbf\xbf", "?" },
			};

	put_special(out, text, special, FOT_COUNT(special));
}

/* These stand in strings alone, where JSON has escapes for them. */
void fot_quote_script_json(struct fot_str *out, const char *json, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr("<>&", json[i]) && json[i])
			fot_str_printf(out, "\\u%04x", (unsigned)json[i]);
		else if (n - i >= 3 && memcmp(json + i, "\xe2\x80", 2) == 0 && ((unsigned char)json[i + 2] & 0xfe) == 0xa8)
			fot_str_printf(out, "\\u%04x", 0x2000u + ((unsigned char)json[(i += 2)] & 0x3fu));
		else
			fot_str_putc(out, json[i]);
	}
}

#define WORKFLOW                         \
	{ "%", "%25" }, { "\n", "%0A" }, \
	{                                \
		"\r", "%0D"              \
	}

void fot_quote_workflow(struct fot_str *out, const char *text)
{
	static const struct special special[] = { WORKFLOW };

	put_special(out, text, special, FOT_COUNT(special));
}

void fot_quote_workflow_property(struct fot_str *out, const char *text)
{
	static const struct special special[] = { WORKFLOW, { ":", "%3A" }, { ",", "%2C" } };

	put_special(out, text, special, FOT_COUNT(special));
}

void fot_quote_shell(struct fot_str *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*text && text[strspn(text, plain)] == '\0') {
		fot_str_puts(out, text);
		return;
	}
	fot_str_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			fot_str_puts(out, "'\\''");
		else
			fot_str_putc(out, *text);
	}
	fot_str_putc(out, '\'');
}

void fot_quote_take(struct fot_str *out, struct fot_str *s,
		    void (*door)(struct fot_str *out, const char *text))
{
	out->failed = out->failed || s->failed;
	door(out, s->data ? s->data : "");
	fot_str_release(s);
}
