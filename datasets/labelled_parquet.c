/* labelled_parquet.c: labelled sets in the rows of Parquet files; their "line" is the row. */
#include <string.h>

#include "base/json.h"
#include "datasets/labelled_priv.h"
#include "datasets/parquet.h"
#include "datasets/record.h"
#include "datasets/text.h"

enum { TEXT, LABEL, ID, SPLIT, CELLS };

struct columns {
	const char *name[CELLS];
	int cell[CELLS]; /* -1: none */
	const cJSON *classes; /* names of the label's numbers; NULL: none */
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

/* What hubs of data sets note of a column of class numbers: {"info": {"features": {COLUMN: {"_type": "ClassLabel",
 * "names": [...]}}}}. NULL: nothing that can be used. */
static const cJSON *class_names(const cJSON *note, const char *column)
{
	const cJSON *o = fot_json_get(fot_json_get(fot_json_get(note, "info"), "features"), column), *name;
	const cJSON *names = fot_json_get(o, "names"), *type = fot_json_get(o, "_type");

	if (!cJSON_IsString(type) || strcmp(type->valuestring, "ClassLabel") != 0 || !cJSON_IsArray(names))
		return NULL;
	cJSON_ArrayForEach(name, names) {
		if (!cJSON_IsString(name))
			return NULL;
	}
	return names;
}

/* A note that is no JSON names nothing. note: of the caller's, and behind c->classes. */
static void take_classes(struct columns *c, cJSON **note, const struct fot_parquet *p,
			 const struct fot_labelled_opts *o)
{
	const char *text = fot_parquet_huggingface(p);
	struct fot_err ignored;

	if (text && !o->names && !o->answers && !o->columns &&
	    fot_json_parse(note, text, strlen(text), "huggingface", FOT_ERR_INPUT, &ignored) == FOT_OK)
		c->classes = class_names(*note, c->name[LABEL]);
}

/* In place of a class's number comes its name. */
static int name_class(const struct fot_labelling *g, const struct columns *c, struct fot_str *label, int64_t line,
		      struct fot_err *err)
{
	const cJSON *name = NULL;
	int64_t k;

	if (fot_parse_i64(label->data, &k) && k >= 0 && k < cJSON_GetArraySize(c->classes))
		name = cJSON_GetArrayItem(c->classes, (int)k);
	if (!name)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s:%lld: %s: expected the number of one of the file's %d classes, from 0, got '%.60s'", g->path,
				(long long)line, c->name[LABEL], cJSON_GetArraySize(c->classes), label->data);
	fot_str_clear(label);
	fot_str_puts(label, name->valuestring);
	return fot_str_check(label, err);
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
	if (c->classes)
		FOT_TRY(name_class(g, c, &text[LABEL], line, err));
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
	struct columns c = { 0 };
	cJSON *note = NULL;
	int status;

	FOT_TRY(fot_parquet_open(&p, g->path, &own));
	if (g->o->columns)
		FOT_TRY(fot_parquet_rename(p, g->o->columns, &own));
	FOT_TRY(choose(&c, p, g->o, &own));
	take_classes(&c, &note, p, g->o);
	for (int64_t line = 1;; line++) {
		FOT_TRY(fot_parquet_next(p, &row, &own));
		if (!row)
			break;
		FOT_TRY(fot_labelling_bad(g, add_row(g, &c, row, text, line, &own), &own));
	}
out:
	if (status != FOT_OK && err)
		*err = own;
	cJSON_Delete(note);
	fot_parquet_close(p);
	for (int i = 0; i < CELLS; i++)
		fot_str_release(&text[i]);
	return status;
}
