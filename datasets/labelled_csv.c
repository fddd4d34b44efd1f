/* labelled_csv.c: CSV with a header line, read by libcsv in strict mode.
 *
 * The file is fed line by line, so that a row's first line is known although a quoted
 * cell may hold line breaks.  Cells are collected until their row ends: the first row
 * names the columns, every other must have as many cells. */
#include <csv.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/labelled_priv.h"

#define CELLS_MAX 1000
#define BETWEEN_ROWS 0 /* csv_parser.pstate */

enum { C_TEXT, C_LABEL, C_ANSWERS, C_ID, C_SPLIT, C_N };

struct cells {
	struct fot_labelling *g;
	struct fot_str cell[CELLS_MAX]; /* of the row being read */
	size_t n, n_columns;            /* n_columns 0: the header is still to come */
	size_t column[C_N];             /* SIZE_MAX: not there */
	int64_t first, line;            /* lines of the row */
	bool named;                     /* is the header read? */
	int status;
	struct fot_err *err;
};

static void on_cell(void *bytes, size_t n, void *user)
{
	struct cells *c = user;

	if (c->status != FOT_OK)
		return;
	if (c->n == CELLS_MAX) {
		c->status = FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: more than %d cells", c->g->path,
				     (long long)c->first, CELLS_MAX);
		return;
	}
	fot_str_clear(&c->cell[c->n]);
	fot_str_puts(&c->cell[c->n], "");
	fot_str_add(&c->cell[c->n], bytes, n);
	c->status = fot_str_check(&c->cell[c->n++], c->err);
}

static int find_column(struct cells *c, const char *name, bool required, size_t *out)
{
	const char *names[CELLS_MAX], *near;

	*out = SIZE_MAX;
	for (size_t i = 0; i < c->n; i++) {
		names[i] = c->cell[i].data;
		if (strcmp(names[i], name) != 0)
			continue;
		if (*out != SIZE_MAX)
			return FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: column '%s' is there twice",
					c->g->path, (long long)c->first, name);
		*out = i;
	}
	if (*out != SIZE_MAX || !required)
		return FOT_OK;
	near = fot_nearest(name, names, c->n);
	return FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: expected a column '%s', got none%s%s%s", c->g->path,
			(long long)c->first, name, near ? " (did you mean '" : "", near ? near : "",
			near ? "'?)" : "");
}

static int read_header(struct cells *c)
{
	const struct fot_labelled_opts *o = c->g->o;
	int status;

	FOT_TRY(find_column(c, o->text ? o->text : "text", true, &c->column[C_TEXT]));
	c->column[C_LABEL] = c->column[C_ANSWERS] = SIZE_MAX;
	if (o->answers)
		FOT_TRY(find_column(c, o->answers, true, &c->column[C_ANSWERS]));
	else
		FOT_TRY(find_column(c, o->label ? o->label : "label", true, &c->column[C_LABEL]));
	FOT_TRY(find_column(c, o->id ? o->id : "id", o->id != NULL, &c->column[C_ID]));
	FOT_TRY(find_column(c, o->split ? o->split : "split", o->split != NULL, &c->column[C_SPLIT]));
	c->n_columns = c->n;
	c->named = true;
out:
	return status;
}

static int read_row(struct cells *c)
{
	const struct fot_str *text = &c->cell[c->column[C_TEXT]], *label;
	struct fot_row row = { .line = c->first };
	const char *answer;

	if (c->n != c->n_columns)
		return FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: expected %zu cells, got %zu", c->g->path,
				(long long)c->first, c->n_columns, c->n);
	row.text.p = text->data;
	row.text.n = text->len;
	if (c->column[C_LABEL] != SIZE_MAX) {
		label = &c->cell[c->column[C_LABEL]];
		row.label.p = label->data;
		row.label.n = label->len;
	} else {
		answer = c->cell[c->column[C_ANSWERS]].data;
		row.answer = &answer;
		row.n_answers = 1;
	}
	row.id = c->column[C_ID] != SIZE_MAX ? c->cell[c->column[C_ID]].data : NULL;
	row.split = c->column[C_SPLIT] != SIZE_MAX ? c->cell[c->column[C_SPLIT]].data : NULL;
	return fot_labelling_add(c->g, &row, c->err);
}

static void on_row(int end, void *user)
{
	struct cells *c = user;
	struct fot_err *keep = c->err, own = { 0 };

	(void)end;
	if (c->status != FOT_OK)
		return;
	c->err = &own;
	c->status = !c->named ? read_header(c) : fot_labelling_bad(c->g, read_row(c), &own);
	c->err = keep;
	if (c->status != FOT_OK && keep)
		*keep = own;
	c->n = 0;
	c->first = c->line + 1;
}

static int feed(struct cells *c, struct csv_parser *p, const struct fot_str *text)
{
	const char *at = text->data, *end = text->data + text->len, *stop;
	size_t n;

	for (c->line = c->first = 1; at < end; at += n, c->line++) {
		stop = memchr(at, '\n', (size_t)(end - at));
		n = stop ? (size_t)(stop - at) + 1 : (size_t)(end - at);
		if (c->n == 0 && n == 1 && *at == '\n' && p->pstate == BETWEEN_ROWS)
			c->first = c->line + 1; /* a blank line between rows */
		if (csv_parse(p, at, n, on_cell, on_row, c) != n && c->status == FOT_OK)
			return FOT_FAIL(
				c->err, FOT_ERR_INPUT,
				"%s:%lld: %s (a quote in the middle of a cell, or text behind a closing quote?)",
				c->g->path, (long long)c->line, csv_strerror(csv_error(p)));
		if (c->status != FOT_OK)
			return c->status;
	}
	if (csv_fini(p, on_cell, on_row, c) != 0 && c->status == FOT_OK)
		return FOT_FAIL(c->err, FOT_ERR_INPUT,
				"%s:%lld: a quote that opens here or later is never closed", c->g->path,
				(long long)c->first);
	return c->status;
}

int fot_labelled_csv(struct fot_labelling *g, struct fot_err *err)
{
	struct cells *c = fot_calloc(1, sizeof(*c));
	struct fot_str text = FOT_STR_INIT;
	struct csv_parser p;
	size_t before = g->l->n, bad = g->l->n_bad;
	int status;

	if (!c)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", g->path);
	if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0) {
		fot_free(c);
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory", g->path);
	}
	c->g = g;
	c->err = err;
	FOT_TRY(fot_labelling_text(&text, g->path, false, err));
	FOT_TRY(feed(c, &p, &text));
	if (!c->named)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a header line, got none", g->path);
	else if (g->l->n == before && g->l->n_bad == bad && !g->o->keep && !g->o->drop)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: a header and no rows", g->path);
out:
	for (size_t i = 0; i < CELLS_MAX; i++)
		fot_str_release(&c->cell[i]);
	csv_free(&p);
	fot_str_release(&text);
	fot_free(c);
	return status;
}
