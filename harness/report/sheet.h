/* sheet.h: tables cell by cell as Markdown, LaTeX (booktabs) or HTML, and names and numbers as these want them. */
#ifndef FOT_SHEET_H
#define FOT_SHEET_H

#include <stdbool.h>

#include "base/str.h"
#include "harness/tables/table.h"

enum fot_format { FOT_MARKDOWN, FOT_LATEX, FOT_TEXT, FOT_HTML };

/* A name or text from outside as data (quote.h). */
void fot_put_name(struct fot_str *out, const char *text, enum fot_format format);
/* The same of a text, which is released. */
void fot_put_str(struct fot_str *out, struct fot_str *text, enum fot_format format);
/* The label of a row's memory (labels.h), likewise. */
void fot_put_memory(struct fot_str *out, const struct fot_table *t, size_t row, enum fot_format format);
/* x with so many digits behind the point; a minus sign that LaTeX and HTML set as one; sign: + in front of others. */
void fot_put_number(struct fot_str *out, double x, int digits, bool sign, enum fot_format format);

/* Between fot_sheet_begin and fot_sheet_end the caller begins cells and writes each one's text to out, line by line. */
struct fot_sheet {
	struct fot_str *out;
	enum fot_format format;     /* not FOT_TEXT */
	const char *const *heading; /* plain text, one a column */
	const char *columns; /* LaTeX: l, r or p{WIDTH}, set ragged; HTML: h a heading of lines, t text */
	bool right;          /* Markdown: columns r are set right */
	const char *name;    /* of HTML: class and what it is called */
	size_t n, at;        /* columns; cells of the line so far */
};
void fot_sheet_begin(struct fot_sheet *s);
/* The next cell, the first of a line behind the last. */
void fot_sheet_cell(struct fot_sheet *s);
/* The next cell is a name or text from outside. */
void fot_sheet_name(struct fot_sheet *s, const char *text);
/* Of LaTeX without an end of line. */
void fot_sheet_end(struct fot_sheet *s);

#endif
