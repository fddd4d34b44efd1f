/* compare_pair.c: two conditions under different names; see compare.h.
 *
 * The rows of NEW's condition get the names of BASE's, and are then compared as any others. */
#include <string.h>

#include "harness/report/compare.h"
#include "harness/report/conditions.h"

/* "fot", "fot/knn:128" */
static bool read_condition(struct fot_compare_condition *c, const char *text, size_t n)
{
	const char *slash = memchr(text, '/', n);
	size_t name = slash ? (size_t)(slash - text) : n, memory = slash ? n - name - 1 : 0;

	if (name == 0 || name >= sizeof c->variant || memory >= sizeof c->memory || (slash && memory == 0))
		return false;
	memcpy(c->variant, text, name);
	c->variant[name] = '\0';
	memcpy(c->memory, text + n - memory, memory);
	c->memory[memory] = '\0';
	return true;
}

int fot_compare_pair_parse(struct fot_compare_pair *pair, const char *text, struct fot_err *err)
{
	struct fot_compare_condition *side[] = { &pair->base, &pair->new };
	const char *equal = strchr(text, '=');

	if (!equal || !read_condition(&pair->base, text, (size_t)(equal - text)) ||
	    !read_condition(&pair->new, equal + 1, strlen(equal + 1)) ||
	    !*pair->base.memory != !*pair->new.memory)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"--pair: expected VARIANT=VARIANT or VARIANT/MEMORY=VARIANT/MEMORY, got \"%.80s\"",
			text);
	for (size_t i = 0; i < 2; i++) {
		if (*side[i]->memory && !fot_condition_is_memory(side[i]->memory))
			return FOT_FAIL(err, FOT_ERR_USAGE,
					"--pair: memory: expected " FOT_CONDITION_MEMORIES ", got \"%.40s\"",
					side[i]->memory);
	}
	return FOT_OK;
}

static bool fits(const struct fot_table *t, size_t row, const struct fot_compare_condition *c)
{
	return strcmp(fot_table_text(t, row, "model_variant"), c->variant) == 0 &&
	       (!*c->memory || fot_condition_memory_fits(t, row, c->memory));
}

static int take(struct fot_table *out, const struct fot_table *t, const struct fot_compare_condition *c,
		struct fot_err *err)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		if (fits(t, row, c))
			fot_table_copy_shared(out, fot_table_add(out), t, row);
	}
	return fot_table_check(out, err);
}

static void copy_cell(struct fot_table *t, size_t row, const struct fot_table *from, size_t from_row,
		      const char *column)
{
	const struct fot_cell *cell = fot_table_cell(from, from_row, column);

	if (cell->kind == FOT_CELL_TEXT)
		fot_table_set_text(t, row, column, cell->text);
	else if (cell->kind == FOT_CELL_INT)
		fot_table_set_int(t, row, column, cell->i);
	else if (cell->kind == FOT_CELL_REAL)
		fot_table_set_real(t, row, column, cell->x);
	else
		fot_table_set_empty(t, row, column);
}

/* NEW's rows under BASE's name: with a memory in the pair that too. */
static int rename_rows(struct fot_table *new, const struct fot_table *base,
		       const struct fot_compare_pair *pair, struct fot_err *err)
{
	for (size_t row = 0; row < new->n_rows; row++) {
		fot_table_set_text(new, row, "model_variant", pair->base.variant);
		if (!*pair->base.memory)
			continue;
		copy_cell(new, row, base, 0, "memory");
		for (size_t i = 0; fot_memory_columns[i]; i++)
			copy_cell(new, row, base, 0, fot_memory_columns[i]);
	}
	return fot_table_check(new, err);
}

/* What NEW's conditions are called in truth, in the rows from `first` on. */
static int name_rows(struct fot_table *out, size_t first, const struct fot_compare_pair *pair,
		     struct fot_err *err)
{
	struct fot_str memory = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t row = first; row < out->n_rows && status == FOT_OK; row++) {
		fot_str_clear(&memory);
		if (*pair->new.memory)
			fot_str_puts(&memory, pair->new.memory);
		else
			fot_condition_memory(&memory, out, row);
		status = fot_str_check(&memory, err);
		if (status != FOT_OK)
			break;
		fot_table_set_text(out, row, "new_model_variant", pair->new.variant);
		fot_table_set_text(out, row, "new_memory", memory.data);
	}
	fot_str_release(&memory);
	return status == FOT_OK ? fot_table_check(out, err) : status;
}

static int refuse(const struct fot_table *t, const char *side, const struct fot_compare_condition *c,
		  struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_COMPARE, "not comparable: conditions: %s: %s has no %s%s%s",
			t->schema->name, side, c->variant, *c->memory ? "/" : "", c->memory);
}

int fot_compare_paired(struct fot_table *out, const struct fot_table *base, const struct fot_table *new,
		       const struct fot_compare_pair *pair, const struct fot_compare_opts *opts,
		       struct fot_err *err)
{
	struct fot_table a, b;
	size_t first = out->n_rows;
	int status;

	fot_table_init(&a, base->schema);
	fot_table_init(&b, new->schema);
	FOT_TRY(take(&a, base, &pair->base, err));
	FOT_TRY(take(&b, new, &pair->new, err));
	if (a.n_rows == 0 && b.n_rows == 0)
		goto out;
	if (a.n_rows == 0 || b.n_rows == 0) {
		status = a.n_rows ? refuse(new, "NEW", &pair->new, err) :
				    refuse(base, "BASE", &pair->base, err);
		goto out;
	}
	FOT_TRY(rename_rows(&b, &a, pair, err));
	FOT_TRY(fot_compare_tables(out, &a, &b, opts, err));
	status = name_rows(out, first, pair, err);
out:
	fot_table_release(&a);
	fot_table_release(&b);
	return status;
}
