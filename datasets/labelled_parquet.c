/* labelled_parquet.c: labelled sets in the rows of Parquet files; their "line" is the row. */
#include <string.h>

#include "datasets/labelled_priv.h"
#include "datasets/parquet.h"
#include "datasets/record.h"
#include "datasets/text.h"

enum { TEXT, LABEL, ID, SPLIT, CELLS };

struct columns {
	const char *name[CELLS];
	int cell[CELLS]; /* -1: none */
};

static int choose(struct columns *c, struct fot_parquet *p, const struct fot_labelled_opts *o,
		  struct fot_err *err)
{
	const unsigned word = FOT_FIELD_STRING | FOT_FIELD_INTEGER;
	const char *label = o->answers ? o->answers : o->label;
	const struct {
		const char *given, *otherwise;
		unsigned kinds;
		bool required;
	} want[CELLS] = {
		[TEXT] = { o->text, "text", FOT_FIELD_STRING, true },
		[LABEL] = { label, "label", o->answers ? FOT_FIELD_STRING : word | FOT_FIELD_BOOL, true },
		[ID] = { o->id, "id", word, o->id != NULL },
		[SPLIT] = { o->split, "split", FOT_FIELD_STRING, o->split != NULL },
	};
	int status = FOT_OK;

	for (int i = 0; i < CELLS && status == FOT_OK; i++) {
		c->name[i] = want[i].given ? want[i].given : want[i].otherwise;
		c->cell[i] = -1;
		if (*c->name[i])
			status = fot_parquet_choose(p, c->name[i], want[i].kinds, want[i].required,
						    &c->cell[i], err);
	}
	return status;
}

/* The cells of a row as texts that end in a NUL; word[i] NULL: not there. */
static int read_words(const struct fot_labelling *g, const struct columns *c,
		      const struct fot_parquet_cell *row, struct fot_str text[CELLS], const char *word[CELLS],
		      int64_t line, struct fot_err *err)
{
	int status;

	for (int i = 0; i < CELLS; i++) {
		const struct fot_parquet_cell *cell = c->cell[i] < 0 ? NULL : &row[c->cell[i]];

		word[i] = NULL;
		if (!cell || (!cell->there && i >= ID))
			continue;
		if (!cell->there)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: %s: missing, expected text", g->path,
					(long long)line, c->name[i]);
		if (fot_utf8_valid(cell->p, cell->n) != cell->n)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: %s: invalid UTF-8", g->path,
					(long long)line, c->name[i]);
		if (i != TEXT && memchr(cell->p, '\0', cell->n))
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s:%lld: %s: NUL byte, expected text", g->path,
					(long long)line, c->name[i]);
		fot_str_clear(&text[i]);
		fot_str_add(&text[i], cell->p, cell->n);
		fot_str_puts(&text[i], "");
		FOT_TRY(fot_str_check(&text[i], err));
		fot_text_plain(&text[i], 0);
		word[i] = text[i].data;
	}
	status = FOT_OK;
out:
	return status;
}

static int add_row(struct fot_labelling *g, const struct columns *c, const struct fot_parquet_cell *cells,
		   struct fot_str text[CELLS], int64_t line, struct fot_err *err)
{
	const char *word[CELLS];
	struct fot_row row = { .line = line };
	int status;

	FOT_TRY(read_words(g, c, cells, text, word, line, err));
	row.text.p = text[TEXT].data;
	row.text.n = text[TEXT].len;
	row.label.p = text[LABEL].data;
	row.label.n = text[LABEL].len;
	row.id = word[ID];
	row.split = word[SPLIT];
	row.answer = g->o->answers ? &word[LABEL] : NULL;
	row.n_answers = g->o->answers ? 1 : 0;
	status = fot_labelling_add(g, &row, err);
out:
	return status;
}

int fot_labelled_parquet(struct fot_labelling *g, struct fot_err *err)
{
	struct fot_str text[CELLS] = { 0 };
	const struct fot_parquet_cell *row;
	struct fot_parquet *p = NULL;
	struct fot_err own = { 0 };
	struct columns c;
	int status;

	FOT_TRY(fot_parquet_open(&p, g->path, &own));
	if (g->o->columns)
		FOT_TRY(fot_parquet_rename(p, g->o->columns, &own));
	FOT_TRY(choose(&c, p, g->o, &own));
	for (int64_t line = 1;; line++) {
		FOT_TRY(fot_parquet_next(p, &row, &own));
		if (!row)
			break;
		FOT_TRY(fot_labelling_bad(g, add_row(g, &c, row, text, line, &own), &own));
	}
out:
	if (status != FOT_OK && err)
		*err = own;
	fot_parquet_close(p);
	for (int i = 0; i < CELLS; i++)
		fot_str_release(&text[i]);
	return status;
}
