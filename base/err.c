/* err.c: the one door through which every error is raised.
 *
 * Text is formatted into a local buffer first, so arguments may point into the
 * error that is being filled (fot_err_prefix does just that).  Invariant: text
 * is one line of printable bytes, and never ends inside a UTF-8 sequence. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LONGEST 8192 /* a path may have 4096 bytes */

void fot_text_oneline(char *text)
{
	size_t left = strlen(text), step;
	uint32_t cp;

	for (; left > 0; text += step, left -= step) {
		step = fot_utf8_unprintable(text, left);
		memset(text, '?', step);
		if (step == 0)
			step = fot_utf8_decode(text, left, &cp);
	}
}

/* A text cut at the end of its buffer may have lost the tail of its last
 * character: drop that character. */
static void cut_partial_utf8(char *text, size_t len)
{
	size_t start = len, need;
	unsigned char lead;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[--start];
	need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - start < need)
		text[start] = '\0';
}

/* A text too long for its place loses its middle: a long path comes first, the reason last. */
static void fit(char out[FOT_ERR_TEXT_MAX], char *text)
{
	size_t len = strlen(text), head = FOT_ERR_TEXT_MAX / 2, tail;

	if (len < FOT_ERR_TEXT_MAX) {
		memcpy(out, text, len + 1);
		return;
	}
	memcpy(out, text, head);
	out[head] = '\0';
	cut_partial_utf8(out, head);
	strcat(out, "...");
	head = strlen(out);
	for (tail = len - (FOT_ERR_TEXT_MAX - 1 - head); ((unsigned char)text[tail] & 0xc0) == 0x80;)
		tail++;
	memcpy(out + head, text + tail, len - tail + 1);
}

static void format_text(char out[FOT_ERR_TEXT_MAX], const char *fmt, va_list ap)
{
	char text[LONGEST];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n < 0)
		strcpy(text, "(the message could not be formatted)");
	else if (n >= LONGEST)
		cut_partial_utf8(text, LONGEST - 1);
	fit(out, text);
	fot_text_oneline(out);
}

int fot_err_raise(struct fot_err *err, int code, const char *file, int line, const char *fmt, ...)
{
	char text[FOT_ERR_TEXT_MAX];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	format_text(text, fmt, ap);
	va_end(ap);
	err->code = code;
	err->file = file;
	err->line = line;
	memcpy(err->text, text, sizeof(text));
	return code;
}

int fot_err_prefix(struct fot_err *err, const char *fmt, ...)
{
	char context[FOT_ERR_TEXT_MAX], text[2 * FOT_ERR_TEXT_MAX + 2];
	va_list ap;

	if (!err)
		return FOT_ERR_RUN;
	va_start(ap, fmt);
	format_text(context, fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", context, err->text);
	fit(err->text, text);
	return err->code;
}
