/* quote.h: names and texts from outside as data: one door for each kind of output.
 *
 * Each function appends text so that a reader of that format sees the text itself: nothing of it
 * is markup, a command, a formula or the end of a cell.  Control characters, which no name holds
 * (fot_name_check), and bytes that are not UTF-8 become '?'.  JSON's door is fot_str_json. */
#ifndef FOT_QUOTE_H
#define FOT_QUOTE_H

#include "base/str.h"

/* What can be a name: 1 to most bytes of UTF-8 without control characters and without signs that
 * turn the direction of writing.  what: "variant", "dataset"; code: of the error. */
#define FOT_NAME_MAX 255  /* variants, models, datasets */
#define FOT_NAME_ID 65535 /* documents and items: paths, addresses, what a data set calls an id */
int fot_name_check(const char *name, const char *what, size_t most, int code, struct fot_err *err);
/* The name of a file or folder: its path's last part; of ".", ".." and the like that of the folder
 * they stand for. Checked as above. Errors: FOT_ERR_INPUT. */
int fot_name_of_path(struct fot_str *out, const char *path, const char *what, struct fot_err *err);

void fot_quote_terminal(struct fot_str *out, const char *text);
/* The same, but ends of lines stay. */
void fot_quote_lines(struct fot_str *out, const char *text);
void fot_quote_markdown(struct fot_str *out, const char *text);
/* Prose of any bytes: ends of lines, tabs and runs of spaces are seen, too, and no links are made. */
void fot_quote_markdown_text(struct fot_str *out, const char *text);
/* For text, in T1 encoding. */
void fot_quote_latex(struct fot_str *out, const char *text);
/* A cell of RFC 4180.  A text of any number of ' followed by one of = + - @ would be a formula to a
 * spreadsheet: it gets one more ' in front, which fot_unquote_csv takes away again.  Control
 * characters stay: a cell may be any text. */
void fot_quote_csv(struct fot_str *out, const char *text);
const char *fot_unquote_csv(const char *cell);
/* A cell of a file of tab-separated columns that gnuplot reads with strcol(). */
void fot_quote_gnuplot(struct fot_str *out, const char *text);
/* Character data or an attribute's value of XML 1.0 or of HTML. */
void fot_quote_xml(struct fot_str *out, const char *text);
/* A JSON text inside a <script> of HTML: no end of that element, comment or line is seen in it.  It is the same value. */
void fot_quote_script_json(struct fot_str *out, const char *json, size_t n);
/* What GitHub's runner reads back from a workflow command, ::error title=PROPERTY::MESSAGE: ends of
 * lines stay ends of lines. */
void fot_quote_workflow(struct fot_str *out, const char *text);
void fot_quote_workflow_property(struct fot_str *out, const char *text);
/* All of s through one of these doors (or fot_str_puts); s is released, and where it failed so has out. */
void fot_quote_take(struct fot_str *out, struct fot_str *s,
		    void (*door)(struct fot_str *out, const char *text));
/* One word of a command for sh. Every byte stays, control characters too. */
void fot_quote_shell(struct fot_str *out, const char *text);

#endif
