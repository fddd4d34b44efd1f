/* labelled_csv.c: tables of text: CSV, read by libcsv in strict mode, and TSV.
 *
 * The file is fed line by line, so that a row's first line is known although a quoted
 * cell may hold line breaks.  Cells are collected until their row ends: the first row
 * names the columns (or columns= does), every other must have as many cells.
 *
 * What separates cells: separator=, else the first of comma, semicolon, tab and bar by which
 * the first line has the columns that are asked for (or as many cells as columns= has names).
 * A .tsv file has tabs and no quotes: what stands between two tabs is the cell. */
#include <csv.h>
#include <string.h>

#include "base/list.h"
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

/* names: up to some sixty bytes of what is there instead. */
static int no_column(struct cells *c, const char *name, const char *const *names)
{
	const char *near = fot_nearest(name, names, c->n);
	struct fot_str got = FOT_STR_INIT;
	size_t i = 0;
	int status;

	for (; i < c->n && got.len <= 60; i++)
		fot_str_printf(&got, "%s%.40s", i ? ", " : "", names[i]);
	fot_str_puts(&got, i < c->n ? ", ..." : "");
	status =
		FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: expected a column '%s', got %s%s%s%s%s", c->g->path,
			 (long long)c->first, name, got.data && !got.failed ? got.data : "others",
			 near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
			 c->g->o->columns ? " among columns=" :
					    " (others: FILE?text=NAME&label=NAME; without a header: "
					    "FILE?columns=NAME%2CNAME)");
	fot_str_release(&got);
	return status;
}

static int find_column(struct cells *c, const char *name, bool required, size_t *out)
{
	const char *names[CELLS_MAX];

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
	return no_column(c, name, names);
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
	c->column[C_ID] = SIZE_MAX;
	if (!o->id || *o->id)
		FOT_TRY(find_column(c, o->id ? o->id : "id", o->id != NULL, &c->column[C_ID]));
	FOT_TRY(find_column(c, o->split ? o->split : "split", o->split != NULL, &c->column[C_SPLIT]));
	c->n_columns = c->n;
	c->named = true;
out:
	return status;
}

/* columns=NAME,NAME in place of a header. */
static int name_columns(struct cells *c)
{
	const char *p = c->g->o->columns;
	int status;

	for (size_t n; c->status == FOT_OK; p += n + 1) {
		struct fot_str name = FOT_STR_INIT;

		n = strcspn(p, ",");
		fot_str_add(&name, p, n);
		on_cell(name.data, name.len, c);
		fot_str_release(&name);
		if (!p[n])
			break;
	}
	status = c->status == FOT_OK ? read_header(c) : c->status;
	c->n = 0;
	return status;
}

/* Cells are strings from here on; only texts and labels are checked for NULs elsewhere. */
static int check_words(const struct cells *c)
{
	static const int words[] = { C_ANSWERS, C_ID, C_SPLIT };

	for (size_t i = 0; i < FOT_COUNT(words); i++) {
		const struct fot_str *s =
			c->column[words[i]] != SIZE_MAX ? &c->cell[c->column[words[i]]] : NULL;

		if (s && s->len && memchr(s->data, '\0', s->len))
			return FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: NUL byte, expected text", c->g->path,
					(long long)c->first);
	}
	return FOT_OK;
}

static int read_row(struct cells *c)
{
	const struct fot_str *text = &c->cell[c->column[C_TEXT]], *label;
	struct fot_row row = { .line = c->first };
	const char *answer;
	int status;

	if (c->n != c->n_columns)
		return FOT_FAIL(c->err, FOT_ERR_INPUT, "%s:%lld: expected %zu cells, got %zu", c->g->path,
				(long long)c->first, c->n_columns, c->n);
	status = check_words(c);
	if (status != FOT_OK)
		return status;
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

/* ---- what separates cells ---- */

/* Cells of the first line with this separator; *named: are all columns asked for among them? */
static size_t count_cells(const struct fot_labelled_opts *o, const char *line, size_t n, char separator,
			  bool *named)
{
	const char *want[2] = { o->text ? o->text : "text", o->answers ? o->answers :
							    o->label   ? o->label :
									 "label" };
	bool found[2] = { false };
	size_t cells = 0, end;

	for (size_t at = 0; at <= n; at = end + 1, cells++) {
		const char *p = line + at;
		bool quoted = false;

		for (end = at; end < n && (quoted || line[end] != separator); end++)
			quoted = quoted != (line[end] == '"');
		size_t len = end - at;

		while (len && (*p == ' ' || *p == '"' || (*p == '\t' && separator != '\t')))
			p++, len--;
		while (len && (p[len - 1] == ' ' || p[len - 1] == '"' || p[len - 1] == '\t'))
			len--;
		for (int k = 0; k < 2; k++)
			found[k] = found[k] || (strlen(want[k]) == len && memcmp(want[k], p, len) == 0);
	}
	*named = found[0] && found[1];
	return cells;
}

static char find_separator(const struct fot_labelled_opts *o, const struct fot_str *text)
{
	static const char candidates[] = ",;\t|";
	const char *line = text->data, *stop;
	size_t n_columns = 1, most = 0;
	char best = ',';

	if (o->separator)
		return o->separator;
	while (*line == '\n')
		line++;
	stop = strchrnul(line, '\n');
	for (const char *p = o->columns; p && *p; p++)
		n_columns += *p == ',';
	for (const char *s = candidates; *s; s++) {
		bool named;
		size_t n = count_cells(o, line, (size_t)(stop - line), *s, &named);

		if (o->columns ? n == n_columns : named)
			return *s;
		if (n > most) { /* for the message */
			most = n;
			best = *s;
		}
	}
	return best;
}

/* ---- files ---- */

static int feed_csv(struct cells *c, const struct fot_str *text)
{
	struct csv_parser p;
	int status;

	if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return FOT_NO_MEMORY(c->err, c->g->path);
	csv_set_delim(&p, (unsigned char)find_separator(c->g->o, text));
	status = feed(c, &p, text);
	csv_free(&p);
	return status;
}

static int feed_tsv(struct cells *c, const struct fot_str *text)
{
	const char *at = text->data, *end = text->data + text->len, *stop, *tab;

	for (c->line = c->first = 1; at < end && c->status == FOT_OK; at = stop + 1, c->line++) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		if (at == stop) {
			c->first = c->line + 1;
			continue;
		}
		for (; at <= stop; at = tab + 1) {
			tab = memchr(at, '\t', (size_t)(stop - at));
			tab = tab ? tab : stop;
			/* on_cell copies */
			char *cell = text->data + (at - text->data);

			on_cell(cell, (size_t)(tab - at), c);
		}
		on_row('\n', c);
	}
	return c->status;
}

static int read_table(struct fot_labelling *g, int (*feed_with)(struct cells *, const struct fot_str *),
		      struct fot_err *err)
{
	struct cells *c = fot_calloc(1, sizeof(*c));
	struct fot_str text = FOT_STR_INIT;
	size_t before = g->l->n, bad = g->l->n_bad;
	int status;

	if (!c)
		return FOT_NO_MEMORY(err, g->path);
	c->g = g;
	c->err = err;
	c->first = 1;
	FOT_TRY(fot_labelling_text(&text, g->path, false, err));
	if (g->o->columns)
		FOT_TRY(name_columns(c));
	FOT_TRY(feed_with(c, &text));
	if (!c->named)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected a header line, got none", g->path);
	else if (g->l->n == before && g->l->n_bad == bad && !g->o->keep && !g->o->drop)
		status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: a header and no rows", g->path);
out:
	for (size_t i = 0; i < CELLS_MAX; i++)
		fot_str_release(&c->cell[i]);
	fot_str_release(&text);
	fot_free(c);
	return status;
}

int fot_labelled_csv(struct fot_labelling *g, struct fot_err *err)
{
	return read_table(g, feed_csv, err);
}

int fot_labelled_tsv(struct fot_labelling *g, struct fot_err *err)
{
	return read_table(g, g->o->separator ? feed_csv : feed_tsv, err);
}
