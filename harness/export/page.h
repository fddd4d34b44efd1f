/* page.h: one or several runs as one page of HTML for readers without this program.
 *
 *   page.css, page.js   looks and behaviour, built into the program
 *   page.c              the page: head, what was run, tables, claims, manifests
 *   page_figures.c      figures as data, which page.js draws
 *   page_samples.c      samples and tokens as data, which page.js lists
 *
 * The page loads nothing: style and script stand in it, and its content security policy allows these two
 * alone, by their hashes.  Names and texts from outside pass one of two doors: fot_quote_xml where they are text of
 * the page, fot_quote_script_json where they are data; page.js makes text nodes of data and never markup.
 * The same runs give the same bytes. */
#ifndef FOT_PAGE_H
#define FOT_PAGE_H

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/report/measures.h"
#include "harness/tables/table.h"

/* Its name in a folder. */
#define FOT_PAGE_NAME "report.html"
/* Samples of a task of a run that a page shows; it says how many there are more. */
#define FOT_PAGE_SAMPLES_MOST 20000

struct fot_page_run {
	const char *name;
	const cJSON *manifest;    /* may be NULL */
	struct fot_table summary; /* fot_schema_summary; may be empty */
};

/* What a task of a run keeps of its items. */
struct fot_page_samples {
	const char *run, *task, *file; /* file: where it comes from, for messages */
	struct fot_str lines;          /* a JSON object a line; or */
	struct fot_table rows;         /* [schema NULL: lines] see fot_page_is_retrieved */
};

/* Scored tokens of a text: rows of fot_schema_tokens. */
struct fot_page_tokens {
	const char *name;
	struct fot_table rows;
};

struct fot_page {
	const struct fot_page_run *run; /* [n_runs] */
	size_t n_runs;
	const struct fot_table *report, *judged; /* fot_schema_report, fot_schema_claims; may be empty */
	const char *notes;                       /* a line each: what is not for reporting */
	const struct fot_page_samples *samples;  /* [n_samples] */
	size_t n_samples;
	const struct fot_page_tokens *tokens; /* [n_tokens] the others against the first */
	size_t n_tokens;
	int digits; /* significant ones of tables, 0: as the metric has them */
};

/* The whole page. Errors: FOT_ERR_RUN; FOT_ERR_INPUT (a line of samples that is no JSON, tokens that do not pair). */
int fot_page_print(struct fot_str *out, const struct fot_page *page, struct fot_err *err);

/* Are these rows of what a memory's queries read: a token and its text, a key and its text, and the key's share? */
bool fot_page_is_retrieved(const struct fot_schema *schema);

/* --- parts, each a whole element or nothing --- */

/* Placeholders for the figures of a run, in the order of fot_page_figures; *n counts on. */
int fot_page_put_figures(struct fot_str *out, const struct fot_page_run *run, size_t *n, struct fot_err *err);
/* The data of all figures. */
int fot_page_figures_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err);
/* The data of samples and tokens. */
int fot_page_samples_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err);
int fot_page_tokens_data(struct fot_str *out, const struct fot_page *page, struct fot_err *err);

#endif
