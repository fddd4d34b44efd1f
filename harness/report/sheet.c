/* sheet.c: see sheet.h. */
#include "harness/report/sheet.h"

#include <string.h>

#include "base/quote.h"
#include "harness/tables/labels.h"

static void (*const door[])(struct fot_str *, const char *) = {
	[FOT_MARKDOWN] = fot_quote_markdown,
	[FOT_LATEX] = fot_quote_latex,
	[FOT_TEXT] = fot_quote_terminal,
	[FOT_HTML] = fot_quote_xml,
};

void fot_put_name(struct fot_str *out, const char *text, enum fot_format format)
{
	door[format](out, text);
}

void fot_put_str(struct fot_str *out, struct fot_str *text, enum fot_format format)
{
	fot_quote_take(out, text, door[format]);
}

void fot_put_memory(struct fot_str *out, const struct fot_table *t, size_t row, enum fot_format format)
{
	struct fot_str label = FOT_STR_INIT;

	fot_label_memory(&label, t, row);
	fot_put_str(out, &label, format);
}

void fot_put_number(struct fot_str *out, double x, int digits, bool sign, enum fot_format format)
{
	if (format == FOT_LATEX && x < 0)
		fot_str_printf(out, "$-$%.*f", digits, -x);
	else if (format == FOT_HTML && x < 0)
		fot_str_printf(out, "\xe2\x88\x92%.*f", digits, -x);
	else
		fot_str_printf(out, sign ? "%+.*f" : "%.*f", digits, x);
}

/* The letter of a column; NUL behind the last. */
static char letter(const struct fot_sheet *s, size_t column)
{
	const char *c = s->columns;

	for (; *c && column > 0; column--)
		c += c[1] == '{' ? strcspn(c, "}") + 1 : 1;
	return *c;
}

static void end_line(struct fot_sheet *s)
{
	if (s->format == FOT_HTML)
		fot_str_puts(s->out, letter(s, s->n - 1) == 'h' ? "</th></tr>\n" : "</td></tr>\n");
	else if (s->format == FOT_MARKDOWN)
		fot_str_puts(s->out, " |\n");
	else /* raggedright takes the short form for itself */
		fot_str_puts(s->out, strchr(s->columns, 'p') ? " \\tabularnewline\n" : " \\\\\n");
	s->at = 0;
}

static void cell_html(struct fot_sheet *s)
{
	char kind = letter(s, s->at);

	fot_str_puts(s->out, s->at == 0 ? "<tr>" : letter(s, s->at - 1) == 'h' ? "</th>" : "</td>");
	fot_str_puts(s->out, kind == 'h' ? "<th scope=\"row\">" :
			     kind == 't' ? "<td class=\"text\">" :
					   "<td>");
}

/* ragged: of a heading false. */
static void cell(struct fot_sheet *s, bool ragged)
{
	if (s->at == s->n)
		end_line(s);
	if (s->format == FOT_HTML)
		cell_html(s);
	else if (s->format == FOT_MARKDOWN)
		fot_str_puts(s->out, s->at ? " | " : "| ");
	else
		fot_str_puts(s->out, s->at ? " & " : "");
	if (s->format == FOT_LATEX && ragged && letter(s, s->at) == 'p')
		fot_str_puts(s->out, "\\raggedright ");
	s->at++;
}

void fot_sheet_cell(struct fot_sheet *s)
{
	cell(s, true);
}

void fot_sheet_name(struct fot_sheet *s, const char *text)
{
	cell(s, true);
	fot_put_name(s->out, text, s->format);
}

static void begin_html(struct fot_sheet *s)
{
	fot_str_printf(
		s->out,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table class=\"%s\">\n<thead><tr>",
		s->name, s->name);
	for (size_t i = 0; i < s->n; i++)
		fot_str_printf(s->out, "<th scope=\"col\">%s</th>", s->heading[i]);
	fot_str_puts(s->out, "</tr></thead>\n<tbody>\n");
}

void fot_sheet_begin(struct fot_sheet *s)
{
	while (letter(s, s->n))
		s->n++;
	if (s->format == FOT_HTML) {
		begin_html(s);
		return;
	}
	if (s->format == FOT_LATEX)
		fot_str_printf(s->out, "\\begin{tabular}{%s}\n\\toprule\n", s->columns);
	for (size_t i = 0; i < s->n; i++) {
		cell(s, false);
		fot_str_puts(s->out, s->heading[i]);
	}
	end_line(s);
	if (s->format == FOT_LATEX)
		fot_str_puts(s->out, "\\midrule\n");
	for (size_t i = 0; s->format == FOT_MARKDOWN && i < s->n; i++)
		fot_str_puts(s->out, s->right && letter(s, i) == 'r' ? "|---:" : "|---");
	fot_str_puts(s->out, s->format == FOT_MARKDOWN ? "|\n" : "");
}

void fot_sheet_end(struct fot_sheet *s)
{
	if (s->at > 0)
		end_line(s);
	if (s->format == FOT_LATEX)
		fot_str_puts(s->out, "\\bottomrule\n\\end{tabular}");
	else if (s->format == FOT_HTML)
		fot_str_puts(s->out, "</tbody></table></div>\n");
}
